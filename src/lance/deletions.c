/* SPDX-License-Identifier: MIT */
/* lance/deletions.c -- Roaring bitmaps as bitmaps over the rows of a fragment. */
#include "lance/deletions.h"

#include "lance/roaring.h"

typedef struct target {
  uint64_t limit;
  uint8_t *bits;
  uint64_t n;
} target;

static og_status put(og_ctx *cx, void *arg, og_u32_range r)
{
  target *t = arg;
  if (r.to >= t->limit) return og_fail(cx, OG_ECORRUPT, "deletion file: it names a row the fragment does not have");
  for (uint64_t v = r.from; v <= r.to; v++) t->bits[v >> 3] = (uint8_t)(t->bits[v >> 3] | 1u << (v & 7));
  t->n += (uint64_t)r.to - r.from + 1;
  return OG_OK;
}

og_status og_deletions_decode(og_ctx *cx, og_str bytes, uint64_t rows, uint8_t *bits, uint64_t *n)
{
  target t = {rows, bits, 0};
  OG_TRY(og_roaring_read(cx, bytes, "deletion file", put, &t));
  *n = t.n;
  return OG_OK;
}

og_status og_deletions_encode(og_ctx *cx, const uint8_t *bits, uint64_t rows, og_buf *out)
{
  OG_AUTO(og_roaring_writer) w = {0};
  uint8_t part[OG_ROARING_BITS];
  OG_INVARIANT(rows <= UINT32_MAX);
  for (uint64_t from = 0; from < rows; from += 65536) {
    uint64_t n = rows - from < 65536 ? rows - from : 65536;
    memset(part, 0, sizeof part);
    memcpy(part, bits + from / 8, (size_t)(n + 7) / 8);
    if (n % 8) part[n / 8] = (uint8_t)(part[n / 8] & ((1u << (n % 8)) - 1)); /* bits behind the last row are anything */
    OG_TRY(og_roaring_add(cx, &w, (uint16_t)(from >> 16), part));
  }
  return og_roaring_finish(cx, &w, out);
}
