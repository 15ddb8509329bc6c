/* SPDX-License-Identifier: MIT */
#include "arrow/column.h"

/* 64 bits from any bit offset; touches only bytes that hold wanted bits (n <= 64, n >= 1). */
static uint64_t load_bits(const uint8_t *bits, int64_t off, int64_t n)
{
  const uint8_t *p = bits + (off >> 3);
  unsigned shift = (unsigned)(off & 7);
  size_t bytes = (size_t)(shift + (uint64_t)n + 7) / 8;
  uint64_t lo = 0;
  memcpy(&lo, p, bytes < 8 ? bytes : 8);
  lo >>= shift;
  if (bytes > 8) lo |= (uint64_t)p[8] << (64 - shift);
  return n == 64 ? lo : lo & ((1ull << n) - 1);
}

static int64_t ones_of(uint64_t v)
{
  v -= (v >> 1) & 0x5555555555555555ull;
  v = (v & 0x3333333333333333ull) + ((v >> 2) & 0x3333333333333333ull);
  v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0full;
  return (int64_t)((v * 0x0101010101010101ull) >> 56);
}

int64_t og_bits_count(const uint8_t *bits, int64_t off, int64_t n)
{
  int64_t ones = 0;
  for (; n >= 64; off += 64, n -= 64) ones += ones_of(load_bits(bits, off, 64));
  return n ? ones + ones_of(load_bits(bits, off, n)) : ones;
}

/* Sets the low n bits of `v` at `off`, n <= 64 - (off & 7); other bits are kept. */
static void store_bits(uint8_t *bits, int64_t off, int64_t n, uint64_t v)
{
  uint8_t *p = bits + (off >> 3);
  unsigned shift = (unsigned)(off & 7);
  size_t bytes = (size_t)(shift + (uint64_t)n + 7) / 8;
  uint64_t mask = (n == 64 ? UINT64_MAX : (1ull << n) - 1) << shift, old = 0;
  memcpy(&old, p, bytes);
  old = (old & ~mask) | ((v << shift) & mask);
  memcpy(p, &old, bytes);
}

void og_bits_copy(uint8_t *dst, int64_t dst_off, const uint8_t *src, int64_t src_off, int64_t n)
{
  while (n > 0) {
    int64_t step = 64 - (dst_off & 7);
    if (step > n) step = n;
    store_bits(dst, dst_off, step, load_bits(src, src_off, step));
    dst_off += step;
    src_off += step;
    n -= step;
    if ((dst_off & 7) == 0 && (src_off & 7) == 0 && n >= 64) {
      memcpy(dst + (dst_off >> 3), src + (src_off >> 3), (size_t)(n >> 3));
      dst_off += n & ~(int64_t)7;
      src_off += n & ~(int64_t)7;
      n &= 7;
    }
  }
}

void og_bits_fill(uint8_t *bits, int64_t off, int64_t n)
{
  while (n > 0) {
    if ((off & 7) == 0 && n >= 8) {
      memset(bits + (off >> 3), 0xff, (size_t)(n >> 3));
      off += n & ~(int64_t)7;
      n &= 7;
      continue;
    }
    int64_t step = 8 - (off & 7);
    if (step > n) step = n;
    store_bits(bits, off, step, UINT64_MAX);
    off += step;
    n -= step;
  }
}
