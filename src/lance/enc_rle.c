/* SPDX-License-Identifier: MIT */
/* lance/enc_rle.c -- run-length encoding: run values and run lengths in two buffers.
 *
 * Lengths are u8 (long runs are split); wider lengths and packed values are read, too.  The block
 * form is u64 bytes of values, values, lengths.
 */
#include "base/ctx.h"
#include "base/limits.h"
#include "lance/enc.h"

#include <inttypes.h>

#define RUN_MAX 255

og_status og_lance__rle_split(og_ctx *cx, og_str in, og_str *values, og_str *lengths)
{
  uint64_t bytes = in.len < 8 ? 0 : og_lance__u64(in.ptr);
  if (in.len < 8 || bytes > in.len - 8)
    return og_fail(cx, OG_ECORRUPT, "a run-length block of %zu bytes is cut short", in.len);
  *values = og_str_from(in.ptr + 8, (size_t)bytes);
  *lengths = og_str_sub(in, 8 + (size_t)bytes, in.len);
  return OG_OK;
}

static void fill(uint8_t *dst, const uint8_t *value, unsigned width, uint64_t run)
{
  switch (width) {
  case 1: memset(dst, *value, (size_t)run); return;
  case 2:
  case 4:
  case 8:
    for (uint64_t i = 0; i < run; i++, dst += width) memcpy(dst, value, width);
    return;
  default: OG_ASSERT(false /* a value has 1, 2, 4 or 8 bytes */);
  }
}

/* Run values and lengths as plain arrays. */
typedef struct runs {
  const uint8_t *values, *lengths;
  unsigned length_width;
  uint64_t n;
} runs;

static og_status expand(og_ctx *cx, runs r, uint64_t n, unsigned width, uint8_t *dst)
{
  uint64_t done = 0;
  for (uint64_t i = 0; i < r.n; i++) {
    const uint64_t run = og_lance__uint(r.lengths + i * r.length_width, r.length_width);
    if (run > n - done)
      return og_fail(cx, OG_ECORRUPT, "runs make more than %" PRIu64 " values", n);
    fill(dst + done * width, r.values + i * width, width, run);
    done += run;
  }
  if (done != n)
    return og_fail(cx, OG_ECORRUPT, "runs make %" PRIu64 " of %" PRIu64 " values", done, n);
  return OG_OK;
}

og_status og_lance__rle_decode(og_ctx *cx, const og_lance__enc *e, og_str values, og_str lengths,
                               uint64_t n, unsigned width, uint8_t *dst)
{
  OG_AUTO(og_buf) plain = {0};
  uint64_t bits = e->lengths->bits;
  if (e->lengths->kind != OG_LANCE__ENC_FLAT || (bits != 8 && bits != 16 && bits != 32))
    return og_fail(cx, OG_EUNSUPPORTED, "run lengths encoded as %s of %" PRIu64 " bits",
                   og_lance__enc_name(e->lengths->kind), bits);
  runs r = {.values = (const uint8_t *)values.ptr,
            .lengths = (const uint8_t *)lengths.ptr,
            .length_width = (unsigned)(bits / 8),
            .n = lengths.len / (bits / 8)};
  const og_lance__enc *inner = e->inner;
  if (inner->kind == OG_LANCE__ENC_FLAT && inner->bits == 8ull * width) {
    if (values.len / width < r.n)
      return og_fail(cx, OG_ECORRUPT, "%" PRIu64 " runs with %zu values", r.n, values.len / width);
    return expand(cx, r, n, width, dst);
  }
  if (r.n > OG_LIMIT_PAGE_BYTES / 8)
    return og_fail(cx, OG_ELIMIT, "%" PRIu64 " runs in one page", r.n);
  OG_TRY(og_buf_reserve(cx, &plain, (size_t)(r.n * width) + 8));
  OG_TRY(og_lance__fixed_decode(cx, inner, &values, 1, r.n, width, plain.data));
  r.values = plain.data;
  return expand(cx, r, n, width, dst);
}

static uint64_t run_at(const uint8_t *values, uint64_t i, uint64_t n, unsigned width)
{
  const uint64_t v = og_lance__uint(values + i * width, width);
  const uint64_t stop = n - i < RUN_MAX ? n : i + RUN_MAX;
  uint64_t j = i + 1;
  while (j < stop && og_lance__uint(values + j * width, width) == v) j++;
  return j - i;
}

uint64_t og_lance__rle_runs(const uint8_t *values, uint64_t n, unsigned width)
{
  uint64_t count = 0;
  for (uint64_t i = 0; i < n; count++) i += run_at(values, i, n, width);
  return count;
}

og_status og_lance__rle_encode(og_ctx *cx, const uint8_t *values, uint64_t n, unsigned width,
                               og_buf *run_values, og_buf *run_lengths)
{
  for (uint64_t i = 0; i < n;) {
    uint64_t run = run_at(values, i, n, width);
    OG_TRY(og_buf_append(cx, run_values, values + i * width, width));
    OG_TRY(og_buf_append_byte(cx, run_lengths, (uint8_t)run));
    i += run;
  }
  return OG_OK;
}
