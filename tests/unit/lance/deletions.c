/* SPDX-License-Identifier: MIT */
/* Deletion files: Roaring both ways, Arrow in, and everything a broken file can say. */
#include "unit/og_test_world.h"

#include "base/buf.h"
#include "lance/deletions.h"

#define ROWS 200000

static bool wanted(uint64_t row, unsigned every)
{
  return every == 0 ? row >= 70000 && row < 140000 : row % every == 1;
}

static og_status check(og_ctx *cx, og_str bytes, uint64_t rows)
{
  static uint8_t bits[ROWS / 8];
  uint64_t n;
  OG_CHECK(rows <= ROWS);
  return og_deletions_decode(cx, bytes, rows, bits, &n);
}

OG_TEST(roaring, rows_come_back)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  static uint8_t bits[ROWS / 8 + 8], back[ROWS / 8 + 8];
  static const unsigned strides[] = {0, 2, 3, 1000, 150000};
  for (size_t s = 0; s < sizeof strides / sizeof *strides; s++) {
    og_buf bytes = {0};
    uint64_t n = 0, count = 0;
    memset(bits, 0, sizeof bits);
    memset(back, 0, sizeof back);
    for (uint64_t i = 0; i < ROWS; i++) {
      if (!wanted(i, strides[s])) continue;
      bits[i >> 3] = (uint8_t)(bits[i >> 3] | 1u << (i & 7));
      count++;
    }
    OG_CHECK_OK(cx, og_deletions_encode(cx, bits, ROWS, &bytes));
    OG_CHECK_OK(cx, og_deletions_decode(cx, og_buf_str(&bytes), ROWS, back, &n));
    OG_CHECK_U64(n, count);
    assert_memory_equal(bits, back, sizeof bits);
    OG_CHECK_STATUS(cx, check(cx, og_str_sub(og_buf_str(&bytes), 0, bytes.len - 1), ROWS), OG_ECORRUPT);
    og_buf_cleanup(&bytes);
  }
  og_test_world_close(&w);
}

/* Little-endian u16 words. */
static og_status check_words(og_ctx *cx, const uint16_t *words, size_t n, uint64_t limit)
{
  return check(cx, og_str_from(words, 2 * n), limit);
}

#define WORDS(...) (const uint16_t[]){__VA_ARGS__}, sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t)

OG_TEST(roaring, containers_of_runs_are_read)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  /* cookie 12347 with one container, which is of runs: key 0, 5 values: 3..5 and 9..10 */
  static const uint8_t file[] = {0x3b, 0x30, 0, 0, 1, 0, 0, 4, 0, 2, 0, 3, 0, 2, 0, 9, 0, 1, 0};
  uint8_t bits[2] = {0};
  uint64_t n;
  OG_CHECK_OK(cx, og_deletions_decode(cx, og_str_from(file, sizeof file), 11, bits, &n));
  OG_CHECK_U64(n, 5);
  OG_CHECK_U64(bits[0], 0x38);
  OG_CHECK_U64(bits[1], 0x06);
  OG_CHECK_STATUS(cx, check(cx, og_str_from(file, sizeof file), 10), OG_ECORRUPT);
  og_test_world_close(&w);
}

OG_TEST(roaring, broken_bitmaps_are_refused)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  /* cookie (2), containers (2), key, cardinality - 1, offset (2), values */
  OG_CHECK_OK(cx, check_words(cx, WORDS(12346, 0, 1, 0, 0, 1, 16, 0, 4, 7), 8));
  OG_CHECK_STATUS(cx, check_words(cx, WORDS(12346, 0, 1, 0, 0, 1, 16, 0, 4, 7), 7), OG_ECORRUPT);    /* row beyond */
  OG_CHECK_STATUS(cx, check_words(cx, WORDS(12346, 0, 1, 0, 0, 1, 16, 0, 7, 4), 8), OG_ECORRUPT);    /* descending */
  OG_CHECK_STATUS(cx, check_words(cx, WORDS(12346, 0, 1, 0, 0, 1, 16, 0, 4, 4), 8), OG_ECORRUPT);    /* twice */
  OG_CHECK_STATUS(cx, check_words(cx, WORDS(12346, 0, 1, 0, 0, 2, 16, 0, 4, 7), 8), OG_ECORRUPT);    /* cut short */
  OG_CHECK_STATUS(cx, check_words(cx, WORDS(12346, 0, 1, 0, 0, 1, 16, 0, 4, 7, 0), 8), OG_ECORRUPT); /* more behind */
  OG_CHECK_STATUS(cx, check_words(cx, WORDS(12345, 0, 1, 0, 0, 1, 16, 0, 4, 7), 8), OG_ECORRUPT);    /* cookie */
  OG_CHECK_STATUS(cx, check_words(cx, WORDS(12346, 0, 0xffff, 0xffff), 8), OG_ECORRUPT);             /* containers */
  OG_CHECK_STATUS(cx, check_words(cx, WORDS(12346, 0, 2, 0, 1, 0, 1, 0, 16, 0, 18, 0, 4, 7), ROWS),
                  OG_ECORRUPT); /* one key twice */
  static const uint8_t overlap[] = {0x3b, 0x30, 0, 0, 1, 0, 0, 5, 0, 2, 0, 3, 0, 2, 0, 5, 0, 2, 0};
  OG_CHECK_STATUS(cx, check(cx, og_str_from(overlap, sizeof overlap), 100), OG_ECORRUPT);
  static const uint8_t count[] = {0x3b, 0x30, 0, 0, 1, 0, 0, 5, 0, 1, 0, 3, 0, 2, 0};
  OG_CHECK_STATUS(cx, check(cx, og_str_from(count, sizeof count), 100), OG_ECORRUPT);
  og_test_world_close(&w);
}

static void read_sample(og_ctx *cx, const char *name, og_buf *out)
{
  og_str path;
  OG_CHECK_OK(cx, og_arena_printf(cx, cx->arena, &path, OG_TEST_DATA "/lance/lance12/hist.lance/_deletions/%s", name));
  OG_CHECK_OK(cx, og_env_read_file(cx, path.ptr, 1 << 20, out));
}

OG_TEST(arrow, a_file_of_real_lance_is_read)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_buf bytes = {0};
  uint8_t bits[32] = {0};
  uint64_t n;
  read_sample(cx, "0-2-4008430980467044362.arrow", &bytes);
  OG_CHECK_OK(cx, og_deletions_decode_arrow(cx, og_buf_str(&bytes), 200, bits, &n));
  OG_CHECK(n > 0 && n < 200);
  OG_CHECK_STATUS(cx, og_deletions_decode_arrow(cx, og_buf_str(&bytes), 1, bits, &n), OG_ECORRUPT);
  og_buf_cleanup(&bytes);
  og_test_world_close(&w);
}

OG_TEST(arrow, every_truncation_and_flip_is_an_answer)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_buf bytes = {0};
  uint8_t bits[32];
  uint64_t n;
  size_t whole = 0;
  read_sample(cx, "0-3-5334670285752446033.arrow", &bytes);
  for (size_t len = 0; len < bytes.len; len++)
    whole += og_deletions_decode_arrow(cx, og_str_from(bytes.data, len), 200, bits, &n) == OG_OK;
  OG_CHECK(whole < bytes.len / 2); /* the footer is not needed */
  for (size_t at = 0; at < bytes.len; at++)
    for (unsigned bit = 0; bit < 8; bit++) {
      bytes.data[at] = (uint8_t)(bytes.data[at] ^ 1u << bit);
      og_status st = og_deletions_decode_arrow(cx, og_buf_str(&bytes), 200, bits, &n);
      OG_CHECK(st == OG_OK || st == OG_ECORRUPT || st == OG_EUNSUPPORTED);
      bytes.data[at] = (uint8_t)(bytes.data[at] ^ 1u << bit);
    }
  og_buf_cleanup(&bytes);
  og_test_world_close(&w);
}

OG_TEST_MAIN(OG_CASE(roaring, rows_come_back), OG_CASE(roaring, containers_of_runs_are_read),
             OG_CASE(roaring, broken_bitmaps_are_refused), OG_CASE(arrow, a_file_of_real_lance_is_read),
             OG_CASE(arrow, every_truncation_and_flip_is_an_answer))
