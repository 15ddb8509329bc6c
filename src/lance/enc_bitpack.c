/* SPDX-License-Identifier: MIT */
/* lance/enc_bitpack.c -- bit-packing in the FastLanes layout.
 *
 * A block is 1024 values of a word type T (8 to 64 bits), each cut to W bits: 128 * W bytes.  The
 * values are dealt to 1024 / T lanes, so that one step of a loop over lanes moves whole vectors
 * whatever the machine's vector width is. Row r of lane l is value order[r / 8] * 16 + (r % 8) *
 * 128 + l; its bits start at r * W of the lane's own stream, and word k of all lanes lies together.
 * (Afroozeh and Boncz, "The FastLanes compression layout", VLDB 2023.)
 */
#include "base/ctx.h"
#include "lance/enc.h"

#include <inttypes.h>

static inline unsigned row_start(unsigned r)
{
  static const unsigned order[8] = {0, 4, 2, 6, 1, 5, 3, 7};
  return order[r / 8] * 16 + r % 8 * 128;
}

#define T      uint8_t
#define BITS   8
#define UNPACK unpack_8
#define PACK   pack_8
#include "lance/enc_bitpack_word.inc.h"
#undef T
#undef BITS
#undef UNPACK
#undef PACK

#define T      uint16_t
#define BITS   16
#define UNPACK unpack_16
#define PACK   pack_16
#include "lance/enc_bitpack_word.inc.h"
#undef T
#undef BITS
#undef UNPACK
#undef PACK

#define T      uint32_t
#define BITS   32
#define UNPACK unpack_32
#define PACK   pack_32
#include "lance/enc_bitpack_word.inc.h"
#undef T
#undef BITS
#undef UNPACK
#undef PACK

#define T      uint64_t
#define BITS   64
#define UNPACK unpack_64
#define PACK   pack_64
#include "lance/enc_bitpack_word.inc.h"
#undef T
#undef BITS
#undef UNPACK
#undef PACK

/* Words of a block, aligned: chunks start at multiples of 8 bytes in the file, but a header word of
 * 1, 2 or 4 bytes moves the block behind it. */
typedef union block {
  uint8_t bytes[OG_LANCE__BLOCK * 8];
  uint16_t w16[OG_LANCE__BLOCK];
  uint32_t w32[OG_LANCE__BLOCK];
  uint64_t w64[OG_LANCE__BLOCK];
} block;

static bool is_aligned(const void *p, unsigned width)
{
  return (uintptr_t)p % width == 0;
}

void og_lance__unpack(unsigned width, unsigned bits, const uint8_t *in, uint8_t *out)
{
  block copy, result;
  const bool direct = is_aligned(out, width);
  const void *from = in;
  if (!is_aligned(in, width)) from = memcpy(copy.bytes, in, (size_t)128 * bits);
  void *to = direct ? (void *)out : result.bytes;
  switch (width) {
  case 1: unpack_8(bits, from, to); break;
  case 2: unpack_16(bits, from, to); break;
  case 4: unpack_32(bits, from, to); break;
  case 8: unpack_64(bits, from, to); break;
  default: OG_ASSERT(false /* a word has 1, 2, 4 or 8 bytes */);
  }
  if (!direct) memcpy(out, result.bytes, (size_t)OG_LANCE__BLOCK * width);
}

void og_lance__pack(unsigned width, unsigned bits, const uint8_t *in, uint8_t *out)
{
  block copy, result;
  const void *from = in;
  if (!is_aligned(in, width)) from = memcpy(copy.bytes, in, (size_t)OG_LANCE__BLOCK * width);
  switch (width) {
  case 1: pack_8(bits, from, result.bytes); break;
  case 2: pack_16(bits, from, result.w16); break;
  case 4: pack_32(bits, from, result.w32); break;
  case 8: pack_64(bits, from, result.w64); break;
  default: OG_ASSERT(false /* a word has 1, 2, 4 or 8 bytes */);
  }
  memcpy(out, result.bytes, (size_t)128 * bits);
}

unsigned og_lance__bits_needed(unsigned width, const uint8_t *values, uint64_t n)
{
  uint64_t all = 0;
  const uint64_t bytes = n * width;
  uint64_t i = 0;
  for (; i + 8 <= bytes; i += 8) all |= og_lance__u64(values + i);
  if (width < 8) { /* fold the word's lanes onto the lowest one */
    for (unsigned s = 32; s >= 8 * width; s /= 2) all |= all >> s;
    all &= ((uint64_t)1 << 8 * width) - 1;
  }
  for (; i < bytes; i += width) all |= og_lance__uint(values + i, width);
  unsigned bits = 0;
  for (; all; all >>= 1) bits++;
  return bits;
}

/* Unpacks the first n < 1024 values of a block. */
static void unpack_some(unsigned width, unsigned bits, const uint8_t *in, uint64_t n, uint8_t *dst)
{
  block values;
  og_lance__unpack(width, bits, in, values.bytes);
  memcpy(dst, values.bytes, (size_t)(n * width));
}

/* One word with W, then the block. */
og_status og_lance__inline_decode(og_ctx *cx, og_str in, uint64_t n, unsigned width, uint8_t *dst)
{
  if (n == 0) return OG_OK;
  if (n > OG_LANCE__BLOCK || in.len < width)
    return og_fail(cx, OG_ECORRUPT, "a bit-packed block of %zu bytes for %" PRIu64 " values",
                   in.len, n);
  uint64_t bits = og_lance__uint((const uint8_t *)in.ptr, width);
  if (bits > 8ull * width || in.len - width < 128 * bits)
    return og_fail(cx, OG_ECORRUPT, "a bit-packed block of %zu bytes says %" PRIu64 " bits", in.len,
                   bits);
  const uint8_t *packed = (const uint8_t *)in.ptr + width;
  if (n == OG_LANCE__BLOCK)
    og_lance__unpack(width, (unsigned)bits, packed, dst);
  else
    unpack_some(width, (unsigned)bits, packed, n, dst);
  return OG_OK;
}

/* Full blocks, then the tail as a padded block or, when that is shorter, as raw values. */
og_status og_lance__out_of_line_decode(og_ctx *cx, uint64_t bits, og_str in, uint64_t n,
                                       unsigned width, uint8_t *dst)
{
  OG_ASSERT(bits <= 8ull * width);
  const uint64_t full = n / OG_LANCE__BLOCK, tail = n % OG_LANCE__BLOCK, block_bytes = 128 * bits;
  const bool tail_is_raw = tail && in.len == full * block_bytes + tail * width;
  const uint64_t need = full * block_bytes + (tail_is_raw ? tail * width : tail ? block_bytes : 0);
  if (in.len < need)
    return og_fail(cx, OG_ECORRUPT,
                   "%zu bytes cannot hold %" PRIu64 " values packed into %" PRIu64 " bits", in.len,
                   n, bits);
  const uint8_t *at = (const uint8_t *)in.ptr;
  for (uint64_t b = 0; b < full; b++, at += block_bytes, dst += (size_t)OG_LANCE__BLOCK * width)
    og_lance__unpack(width, (unsigned)bits, at, dst);
  if (tail_is_raw)
    memcpy(dst, at, (size_t)(tail * width));
  else if (tail)
    unpack_some(width, (unsigned)bits, at, tail, dst);
  return OG_OK;
}

/* Appends a block of n <= 1024 values, padded with zeros. */
static og_status append_block(og_ctx *cx, unsigned bits, const uint8_t *values, uint64_t n,
                              unsigned width, og_buf *out)
{
  block padded;
  OG_TRY(og_buf_reserve(cx, out, (size_t)128 * bits));
  if (n < OG_LANCE__BLOCK) {
    memcpy(padded.bytes, values, (size_t)(n * width));
    memset(padded.bytes + n * width, 0, (size_t)((OG_LANCE__BLOCK - n) * width));
    values = padded.bytes;
  }
  og_lance__pack(width, bits, values, out->data + out->len);
  out->len += (size_t)128 * bits;
  return OG_OK;
}

og_status og_lance__inline_encode(og_ctx *cx, const uint8_t *values, uint64_t n, unsigned width,
                                  og_buf *out)
{
  OG_ASSERT(n <= OG_LANCE__BLOCK);
  uint64_t bits = og_lance__bits_needed(width, values, n);
  OG_TRY(og_buf_append(cx, out, &bits, width));
  return append_block(cx, (unsigned)bits, values, n, width, out);
}

og_status og_lance__out_of_line_encode(og_ctx *cx, unsigned bits, const uint8_t *values, uint64_t n,
                                       unsigned width, og_buf *out)
{
  uint64_t left = n;
  for (; left >= OG_LANCE__BLOCK;
       left -= OG_LANCE__BLOCK, values += (size_t)OG_LANCE__BLOCK * width)
    OG_TRY(append_block(cx, bits, values, OG_LANCE__BLOCK, width, out));
  if (left == 0) return OG_OK;
  if (left * width <= 128ull * bits) return og_buf_append(cx, out, values, (size_t)(left * width));
  return append_block(cx, bits, values, left, width, out);
}
