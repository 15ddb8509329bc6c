/* SPDX-License-Identifier: MIT */
/* Rows as bytes and back, of every type; keys that order as values do. */
#include "property/lance/random_columns.h"
#include "unit/og_test_world.h"

#include "arrow/row_bytes.h"

#define ROWS 200

static int sign(int x)
{
  return (x > 0) - (x < 0);
}

static void check_keys(og_ctx *cx, const og_column *c)
{
  og_buf keys[ROWS] = {{0}};
  for (int down = 0; down < 2; down++) {
    for (int64_t i = 0; i < ROWS; i++) {
      og_buf_clear(&keys[i]);
      OG_CHECK_OK(cx, og_row_key_put(cx, c, i, down, &keys[i]));
      OG_CHECK_OK(cx, og_buf_append_byte(cx, &keys[i], 77)); /* more may follow */
    }
    for (int64_t i = 0; i < ROWS; i++)
      for (int64_t k = 0; k < ROWS; k++) {
        const int want = sign(og_column_value_cmp(c, i, c, k)),
                  got = og_str_cmp(og_buf_str(&keys[i]), og_buf_str(&keys[k]));
        OG_CHECK(sign(got) == (down ? -want : want));
      }
  }
  for (int64_t i = 0; i < ROWS; i++) og_buf_cleanup(&keys[i]);
}

static void check_bytes(og_ctx *cx, const og_field *f, og_column *c)
{
  og_builder *b;
  og_column *back;
  OG_AUTO(og_buf) bytes = {0};
  OG_CHECK_OK(cx, og_builder_new(cx, f, &b));
  for (int64_t i = 0; i < ROWS; i++) {
    og_buf_clear(&bytes);
    OG_CHECK_OK(cx, og_row_bytes_put(cx, &c, 1, i, &bytes));
    OG_CHECK_OK(cx, og_row_bytes_get(cx, f, 1, og_buf_str(&bytes), &b));
  }
  OG_CHECK_OK(cx, og_builder_finish(cx, b, &back));
  for (int64_t i = 0; i < ROWS; i++) OG_CHECK(og_column_value_eq(c, i, back, i));
  /* what is cut short is told */
  for (size_t n = 0; n < bytes.len; n++) OG_CHECK(og_row_bytes_get(cx, f, 1, og_str_from(bytes.data, n), &b) != OG_OK);
  og_column_unref(back);
  og_builder_free(b);
}

OG_TEST(row_bytes, come_back_and_order_as_values)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  uint32_t n;
  const og_field *fields = og_random_fields(&n);
  og_dice dice = {5};
  for (uint32_t i = 0; i < n; i++) {
    og_column *c;
    OG_CHECK_OK(cx, og_random_column(cx, &dice, &fields[i], ROWS, &c));
    check_bytes(cx, &fields[i], c);
    if (og_row_key_can(fields[i].type)) check_keys(cx, c);
    og_column_unref(c);
  }
  og_test_world_close(&w);
}

OG_TEST_MAIN(OG_CASE(row_bytes, come_back_and_order_as_values))
