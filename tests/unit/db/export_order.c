/* SPDX-License-Identifier: MIT */
/* Rows of an export come in the order of their ids, whatever these have in common. */
#include "og_test_world.h"

#include "arrow/builder.h"
#include "db/export_order.h"

#include <stdio.h>

static uint64_t next(uint64_t *state)
{
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

/* Short and long ones, with shared beginnings of any length, some twice. */
static og_column *texts(og_ctx *cx, uint64_t seed, int n)
{
  static const char filler[] = "a beginning that many texts have in common, longer than sixty-four bytes, \xc3\xa9 too";
  const og_field field = {.name = OG_STR("id"), .type = og_type_of(OG_TYPE_UTF8)};
  og_builder *b;
  og_column *out;
  char text[128];
  OG_CHECK_OK(cx, og_builder_new(cx, &field, &b));
  for (int i = 0; i < n; i++) {
    size_t shared = seed % 3 == 0 ? 0 : (size_t)(next(&seed) % sizeof filler);
    int len = snprintf(text, sizeof text, "%.*s%llu", (int)shared, filler, (unsigned long long)(next(&seed) % 3000));
    OG_CHECK_OK(cx, og_builder_str(cx, b, og_str_from(text, next(&seed) % 50 ? (size_t)len : shared)));
  }
  OG_CHECK_OK(cx, og_builder_finish(cx, b, &out));
  og_builder_free(b);
  return out;
}

static void check_order(og_ctx *cx, const og_column *ids, uint64_t *rows, size_t n)
{
  OG_CHECK_OK(cx, og_export__order(cx, ids, rows, n));
  for (size_t i = 1; i < n; i++) {
    int c = og_str_cmp(og_column_str(ids, (int64_t)rows[i - 1]), og_column_str(ids, (int64_t)rows[i]));
    OG_CHECK(c < 0 || (c == 0 && rows[i - 1] < rows[i]));
  }
}

OG_TEST(export_order, is_that_of_the_bytes)
{
  static const int sizes[] = {0, 1, 2, 31, 33, 500, 5000};
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  for (uint64_t seed = 0; seed < 30; seed++) {
    int n = sizes[seed % OG_ARRAY_LEN(sizes)];
    og_column *ids = texts(cx, seed, n);
    uint64_t *rows = og_calloc(cx, (size_t)n + 1, sizeof *rows), sum = 0;
    size_t some = 0;
    for (int i = 0; i < n; i++) /* a subset, as when rows are deleted */
      if (i % 7 || seed % 2) rows[some++] = (uint64_t)i, sum += (uint64_t)i;
    check_order(cx, ids, rows, some);
    check_order(cx, ids, rows, some); /* sorted ones stay */
    for (size_t i = 0; i < some; i++) sum -= rows[i];
    OG_CHECK_U64(sum, 0);
    og_free(rows);
    og_column_unref(ids);
  }
  og_test_world_close(&w);
}

OG_TEST_MAIN(OG_CASE(export_order, is_that_of_the_bytes))
