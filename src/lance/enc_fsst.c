/* SPDX-License-Identifier: MIT */
/* lance/enc_fsst.c -- FSST: codes of one byte stand for symbols of 1 to 8 bytes.
 *
 * Table, 2312 bytes: u64 header (high 32 bits "FSST", bit 24 active, low 8 bits n), n symbols of 8
 * bytes, n lengths of 1 byte directly behind, rest unused.  Code 255 escapes one literal byte.  An
 * inactive table means plain bytes.
 */
#include "base/ctx.h"
#include "lance/enc.h"

#define FSST_ESCAPE 255

og_status og_lance__fsst_open(og_ctx *cx, og_str table, og_lance__fsst *out)
{
  if (table.len != OG_LANCE__FSST_TABLE)
    return og_fail(cx, OG_ECORRUPT, "an FSST table of %zu bytes, expected %d", table.len,
                   OG_LANCE__FSST_TABLE);
  const uint8_t *p = (const uint8_t *)table.ptr;
  uint64_t header = og_lance__u64(p);
  if (header >> 32 != 0x46535354u)
    return og_fail(cx, OG_ECORRUPT, "an FSST table without its mark");
  memset(out, 0, sizeof *out);
  out->active = header >> 24 & 1;
  out->n = (uint8_t)header;
  const uint8_t *lengths = p + 8 + 8 * (size_t)out->n;
  for (unsigned i = 0; i < out->n; i++) {
    out->symbol[i] = og_lance__u64(p + 8 + 8 * (size_t)i);
    out->len[i] = lengths[i];
    if (lengths[i] < 1 || lengths[i] > 8)
      return og_fail(cx, OG_ECORRUPT, "FSST symbol %u has %u bytes", i, lengths[i]);
  }
  return OG_OK;
}

size_t og_lance__fsst_expand(const og_lance__fsst *f, og_str in, uint8_t *out)
{
  const uint8_t *p = (const uint8_t *)in.ptr, *end = p + in.len;
  uint8_t *at = out;
  while (p < end) {
    uint8_t code = *p++;
    if (code == FSST_ESCAPE) {
      if (p == end) return SIZE_MAX;
      *at++ = *p++;
      continue;
    }
    if (code >= f->n) return SIZE_MAX;
    memcpy(at, &f->symbol[code], 8); /* the room behind is there: 8 bytes per code */
    at += f->len[code];
  }
  return (size_t)(at - out);
}
