/* SPDX-License-Identifier: MIT */
#include "arrow_test.h"

enum { BYTES = 64, BITS = BYTES * 8 };

static void fill(uint8_t *p, uint64_t *seed)
{
  for (int i = 0; i < BYTES; i++) p[i] = (uint8_t)rnd(seed);
}

OG_TEST(bits, count_copy_and_fill_agree_with_single_bits)
{
  uint64_t seed = 7;
  uint8_t src[BYTES], dst[BYTES], want[BYTES];
  for (int round = 0; round < 4000; round++) {
    int64_t n = (int64_t)(rnd(&seed) % (round % 2 ? 20 : BITS - 80));
    int64_t from = (int64_t)(rnd(&seed) % 80), to = (int64_t)(rnd(&seed) % 80), ones = 0;
    fill(src, &seed);
    fill(dst, &seed);
    memcpy(want, dst, BYTES);
    for (int64_t i = 0; i < n; i++) {
      ones += og_bit_get(src, from + i);
      if (og_bit_get(src, from + i))
        og_bit_set(want, to + i);
      else
        og_bit_clear(want, to + i);
    }
    OG_CHECK(og_bits_count(src, from, n) == ones);
    og_bits_copy(dst, to, src, from, n);
    assert_memory_equal(dst, want, BYTES);
    for (int64_t i = 0; i < n; i++) og_bit_set(want, to + i);
    og_bits_fill(dst, to, n);
    assert_memory_equal(dst, want, BYTES);
  }
}

/* Exactly sized blocks: sanitizers see a byte too far. */
OG_TEST(bits, never_touch_bytes_without_wanted_bits)
{
  world w;
  og_ctx *cx = world_open(&w);
  for (int64_t off = 0; off < 8; off++) {
    for (int64_t n = 0; n < 140; n++) {
      size_t bytes = (size_t)(off + n + 7) / 8;
      uint8_t *a = og_zalloc(cx, bytes), *b = og_zalloc(cx, bytes);
      og_bits_fill(a, off, n);
      og_bits_copy(b, off, a, off, n);
      OG_CHECK(og_bits_count(b, off, n) == n);
      og_free(a);
      og_free(b);
    }
  }
  world_close(&w);
}

OG_TEST_MAIN(OG_CASE(bits, count_copy_and_fill_agree_with_single_bits),
             OG_CASE(bits, never_touch_bytes_without_wanted_bits))
