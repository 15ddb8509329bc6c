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

typedef struct expansion {
  const uint8_t *p, *end;
  uint8_t *at;
  bool known; /* every code had a symbol: its length is not 0 */
} expansion;

static inline void put_symbol(const og_lance__fsst *f, uint8_t code, expansion *x)
{
  memcpy(x->at, &f->symbol[code], 8); /* there is room for 8 bytes per code */
  x->at += f->len[code];
  x->known &= f->len[code] != 0;
}

/* Four codes at a time while none of them is an escape. */
static void put_quads(const og_lance__fsst *f, expansion *x)
{
  for (; x->end - x->p >= 4; x->p += 4) {
    const uint32_t inverse = ~og_lance__u32(x->p);
    if ((inverse - 0x01010101u) & ~inverse & 0x80808080u) return; /* a byte of it is 255 */
    for (unsigned k = 0; k < 4; k++) put_symbol(f, x->p[k], x);
  }
}

size_t og_lance__fsst_expand(const og_lance__fsst *f, og_str in, uint8_t *out)
{
  const uint8_t *p = (const uint8_t *)in.ptr;
  expansion x = {.p = p, .end = p + in.len, .at = out, .known = true};
  while (x.p < x.end) {
    put_quads(f, &x);
    for (unsigned k = 0; k < 4 && x.p < x.end; k++) {
      const uint8_t code = *x.p++;
      if (code != FSST_ESCAPE) {
        put_symbol(f, code, &x);
        continue;
      }
      if (x.p == x.end) return SIZE_MAX;
      *x.at++ = *x.p++;
    }
  }
  return x.known ? (size_t)(x.at - out) : SIZE_MAX;
}

/* As put_quads, with a mark per code. */
static void put_marked(const og_lance__fsst *f, const uint8_t *out, expansion *x, uint32_t **marks)
{
  uint32_t *m = *marks;
  for (; x->end - x->p >= 4; x->p += 4) {
    const uint32_t inverse = ~og_lance__u32(x->p);
    if ((inverse - 0x01010101u) & ~inverse & 0x80808080u) break;
    for (unsigned k = 0; k < 4; k++) {
      *m++ = (uint32_t)(x->at - out);
      put_symbol(f, x->p[k], x);
    }
  }
  *marks = m;
}

size_t og_lance__fsst_expand_marked(const og_lance__fsst *f, og_str in, uint8_t *out, uint32_t *marks)
{
  const uint8_t *p = (const uint8_t *)in.ptr;
  expansion x = {.p = p, .end = p + in.len, .at = out, .known = true};
  while (x.p < x.end) {
    put_marked(f, out, &x, &marks);
    for (unsigned k = 0; k < 4 && x.p < x.end; k++) {
      const uint8_t code = *x.p++;
      *marks++ = (uint32_t)(x.at - out);
      if (code != FSST_ESCAPE) {
        put_symbol(f, code, &x);
        continue;
      }
      if (x.p == x.end) return SIZE_MAX;
      *marks++ = UINT32_MAX;
      *x.at++ = *x.p++;
    }
  }
  *marks = (uint32_t)(x.at - out);
  return x.known ? (size_t)(x.at - out) : SIZE_MAX;
}
