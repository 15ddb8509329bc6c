/* SPDX-License-Identifier: MIT */
#include "arrow_test.h"

OG_TEST(builder, refuses_values_out_of_range_and_stays_usable)
{
  world w;
  og_ctx *cx = world_open(&w);
  static const struct {
    og_type_id id;
    int64_t lo, hi;
    const char *text;
  } cases[] = {
      {OG_TYPE_I8, INT8_MIN, INT8_MAX, "exceeds Int8 range"},
      {OG_TYPE_I16, INT16_MIN, INT16_MAX, "exceeds Int16 range"},
      {OG_TYPE_I32, INT32_MIN, INT32_MAX, "exceeds Int32 range"},
      {OG_TYPE_U8, 0, UINT8_MAX, "exceeds UInt8 range"},
      {OG_TYPE_U16, 0, UINT16_MAX, "exceeds UInt16 range"},
      {OG_TYPE_U32, 0, UINT32_MAX, "exceeds UInt32 range"},
      {OG_TYPE_DATE32, INT32_MIN, INT32_MAX, "exceeds Date32 range"},
  };
  for (size_t i = 0; i < OG_ARRAY_LEN(cases); i++) {
    og_field f = LEAF("x", cases[i].id);
    og_builder *b;
    og_column *c;
    OG_CHECK_OK(cx, og_builder_new(cx, &f, &b));
    OG_CHECK_OK(cx, og_builder_i64(cx, b, cases[i].lo));
    OG_CHECK_OK(cx, og_builder_i64(cx, b, cases[i].hi));
    OG_CHECK_STATUS(cx, og_builder_i64(cx, b, cases[i].lo - 1), OG_EINVALID);
    OG_CHECK_STATUS(cx, og_builder_i64(cx, b, cases[i].hi + 1), OG_EINVALID);
    OG_CHECK_STATUS(cx, og_builder_u64(cx, b, (uint64_t)cases[i].hi + 1), OG_EINVALID);
    OG_CHECK_STR(og_str_of(w.err.text), og_str_of(cases[i].text));
    OG_CHECK_OK(cx, og_builder_finish(cx, b, &c));
    OG_CHECK(c->len == 2 && c->nulls == 0 && !c->validity);
    og_column_unref(c);
    og_builder_free(b);
  }
  world_close(&w);
}

OG_TEST(builder, keeps_64_bit_integers_whole)
{
  world w;
  og_ctx *cx = world_open(&w);
  og_field f = LEAF("x", OG_TYPE_U64), g = LEAF("y", OG_TYPE_I64);
  og_builder *b;
  og_column *c;
  OG_CHECK_OK(cx, og_builder_new(cx, &f, &b));
  OG_CHECK_OK(cx, og_builder_u64(cx, b, UINT64_MAX));
  OG_CHECK_STATUS(cx, og_builder_i64(cx, b, -1), OG_EINVALID);
  OG_CHECK_OK(cx, og_builder_finish(cx, b, &c));
  OG_CHECK(og_column_u64(c)[0] == UINT64_MAX);
  og_column_unref(c);
  og_builder_free(b);
  OG_CHECK_OK(cx, og_builder_new(cx, &g, &b));
  OG_CHECK_OK(cx, og_builder_i64(cx, b, INT64_MIN));
  OG_CHECK_STATUS(cx, og_builder_u64(cx, b, UINT64_MAX), OG_EINVALID);
  OG_CHECK_STATUS(cx, og_builder_str(cx, b, OG_STR("1")), OG_EINTERNAL);
  OG_CHECK_OK(cx, og_builder_finish(cx, b, &c));
  OG_CHECK(og_column_i64(c)[0] == INT64_MIN);
  og_column_unref(c);
  og_builder_free(b);
  world_close(&w);
}

OG_TEST(builder, rounds_doubles_to_half_precision)
{
  static const struct {
    double v;
    uint16_t half;
  } cases[] = {
      {0.0, 0x0000},
      {-0.0, 0x8000},
      {1.0, 0x3c00},
      {-2.0, 0xc000},
      {65504.0, 0x7bff},
      {65519.0, 0x7bff},
      {65520.0, 0x7c00},
      {-1e300, 0xfc00},
      {0x1p-24, 0x0001},
      {0x1p-25, 0x0000},
      {0x1.8p-25, 0x0001},
      {0x1p-14, 0x0400},
      {1.0 + 0x1p-11, 0x3c00},
      {1.0 + 0x1.8p-11, 0x3c01},
      {0x1.ff8p-15, 0x03ff},
      {0x1.ffcp-15, 0x0400},
      {1.0 + 3 * 0x1p-11, 0x3c02},
  };
  world w;
  og_ctx *cx = world_open(&w);
  og_field f = LEAF("x", OG_TYPE_F16);
  og_builder *b;
  og_column *c;
  OG_CHECK_OK(cx, og_builder_new(cx, &f, &b));
  for (size_t i = 0; i < OG_ARRAY_LEN(cases); i++)
    OG_CHECK_OK(cx, og_builder_f64(cx, b, cases[i].v));
  OG_CHECK_OK(cx, og_builder_finish(cx, b, &c));
  for (size_t i = 0; i < OG_ARRAY_LEN(cases); i++)
    OG_CHECK_U64(((const uint16_t *)c->data[0])[i], cases[i].half);
  og_column_unref(c);
  og_builder_free(b);
  world_close(&w);
}

OG_TEST(builder, refuses_rows_whose_parts_do_not_add_up)
{
  world w;
  og_ctx *cx = world_open(&w);
  og_field vector = {
      .name = OG_STR("v"), .type = og_type_fixed_list(3), .children = &item_f32, .n_children = 1};
  og_builder *b;
  OG_CHECK_OK(cx, og_builder_new(cx, &vector, &b));
  OG_CHECK_OK(cx, og_builder_list_begin(cx, b));
  OG_CHECK_OK(cx, og_builder_f64(cx, og_builder_child(b, 0), 1));
  OG_CHECK_STATUS(cx, og_builder_list_end(cx, b), OG_EINVALID);
  OG_CHECK_STR(og_str_of(w.err.text), OG_STR("expects 3 dimensions, got 1"));
  og_builder_free(b);
  OG_CHECK_OK(cx, og_builder_new(cx, &item_struct, &b));
  OG_CHECK_OK(cx, og_builder_i64(cx, og_builder_child(b, 0), 1));
  OG_CHECK_STATUS(cx, og_builder_struct_end(cx, b), OG_EINTERNAL);
  og_builder_free(b);
  vector.n_children = 0;
  OG_CHECK_STATUS(cx, og_builder_new(cx, &vector, &b), OG_EINVALID);
  world_close(&w);
}

/* A null vector leaves valid zeros below, so that items may be non-nullable. */
OG_TEST(builder, fills_the_children_of_a_null_row)
{
  world w;
  og_ctx *cx = world_open(&w);
  for (size_t i = 0; i < N_EVERY; i++) {
    const og_field *f = &every_field[i];
    og_builder *b;
    og_column *c, *n;
    OG_CHECK_OK(cx, og_builder_new(cx, f, &b));
    for (int k = 0; k < 9; k++) OG_CHECK_OK(cx, og_builder_null(cx, b));
    OG_CHECK_OK(cx, og_builder_finish(cx, b, &c));
    OG_CHECK_OK(cx, og_column_check(cx, c, OG_ECORRUPT));
    OG_CHECK(c->len == 9 && c->nulls == 9);
    for (uint32_t k = 0; k < c->n_children; k++) OG_CHECK(c->children[k]->nulls == 0);
    OG_CHECK_OK(cx, og_column_nulls(cx, f, 9, &n));
    OG_CHECK_OK(cx, og_column_check(cx, n, OG_ECORRUPT));
    OG_CHECK(n->nulls == 9 && same_rows(c, 0, n, 0, 9));
    for (uint32_t k = 0; k < c->n_children; k++)
      OG_CHECK(n->children[k]->len == c->children[k]->len && n->children[k]->nulls == 0);
    og_column_unref(c);
    og_column_unref(n);
    og_builder_free(b);
  }
  world_close(&w);
}

/* Copies ranges and single rows of `src` until `n` rows are there, and checks them against the
 * source. */
static void copy_pieces(og_ctx *cx, const og_field *f, const og_column *src, uint64_t *seed)
{
  int64_t rows[64], n = 0;
  og_builder *b;
  og_column *c;
  OG_CHECK_OK(cx, og_builder_new(cx, f, &b));
  while (n < 64) {
    int64_t from = (int64_t)(rnd(seed) % 40), len = (int64_t)(rnd(seed) % 12);
    if (len > 64 - n) len = 64 - n;
    if (len == 1)
      OG_CHECK_OK(cx, og_builder_copy(cx, b, src, from));
    else
      OG_CHECK_OK(cx, og_builder_copy_range(cx, b, src, from, len));
    for (int64_t i = 0; i < len; i++) rows[n++] = from + i;
    OG_CHECK(og_builder_len(b) == n);
  }
  OG_CHECK_OK(cx, og_builder_finish(cx, b, &c));
  OG_CHECK_OK(cx, og_column_check(cx, c, OG_ECORRUPT));
  for (int64_t i = 0; i < 64; i++) OG_CHECK(og_column_value_eq(c, i, src, rows[i]));
  og_column_unref(c);
  OG_CHECK_OK(cx, og_builder_finish(cx, b, &c)); /* empty again */
  OG_CHECK_OK(cx, og_column_check(cx, c, OG_ECORRUPT));
  OG_CHECK(c->len == 0);
  og_column_unref(c);
  og_builder_free(b);
}

OG_TEST(builder, copies_rows_of_every_type)
{
  world w;
  og_ctx *cx = world_open(&w);
  uint64_t seed = 11;
  for (size_t i = 0; i < N_EVERY; i++) {
    og_column *src;
    OG_CHECK_OK(cx, random_column(cx, &every_field[i], 52, seed, &src));
    for (int round = 0; round < 8; round++) copy_pieces(cx, &every_field[i], src, &seed);
    og_column_unref(src);
  }
  world_close(&w);
}

/* Equal rows are equal bytes: nothing of an earlier life of the memory shows. */
OG_TEST(builder, zeroes_null_slots_and_padding)
{
  world w;
  og_ctx *cx = world_open(&w);
  og_field f = LEAF("x", OG_TYPE_I32);
  int32_t values[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  const uint8_t valid[] = {0xa5, 0xff};
  og_column *c;
  OG_CHECK_OK(cx, og_column_from_fixed(cx, f.type, values, valid, 9, &c));
  OG_CHECK(c->nulls == 4 && c->validity[1] == 1);
  for (int64_t i = 0; i < 9; i++)
    OG_CHECK(og_column_i32(c)[i] == (og_bit_get(valid, i) ? values[i] : 0));
  og_column_unref(c);
  OG_CHECK_OK(cx, og_column_from_fixed(cx, og_type_of(OG_TYPE_BOOL), (uint8_t[]){0xff, 0xff}, valid,
                                       9, &c));
  OG_CHECK(((const uint8_t *)c->data[0])[0] == 0xa5 && ((const uint8_t *)c->data[0])[1] == 1);
  og_column_unref(c);
  OG_CHECK_OK(cx, og_column_from_fixed(cx, f.type, values, (uint8_t[]){0xff, 0xff}, 9, &c));
  OG_CHECK(c->nulls == 0 && !c->validity);
  og_column_unref(c);
  OG_CHECK_STATUS(cx, og_column_from_fixed(cx, og_type_of(OG_TYPE_UTF8), values, NULL, 1, &c),
                  OG_EINTERNAL);
  world_close(&w);
}

OG_TEST(builder, frees_everything_when_any_allocation_fails)
{
  for (size_t i = 0; i < N_EVERY; i++) {
    og_status st = OG_ENOMEM;
    for (uint64_t nth = 1; st != OG_OK; nth++) {
      world w;
      og_ctx *cx = world_open(&w);
      og_column *c = NULL;
      w.rt.mem.fail_at = nth;
      st = random_column(cx, &every_field[i], 40, 3, &c);
      OG_CHECK(st == OG_OK || st == OG_ENOMEM);
      og_column_unref(c);
      world_close(&w);
    }
  }
}

OG_TEST_MAIN(OG_CASE(builder, refuses_values_out_of_range_and_stays_usable),
             OG_CASE(builder, keeps_64_bit_integers_whole),
             OG_CASE(builder, rounds_doubles_to_half_precision),
             OG_CASE(builder, refuses_rows_whose_parts_do_not_add_up),
             OG_CASE(builder, fills_the_children_of_a_null_row),
             OG_CASE(builder, copies_rows_of_every_type),
             OG_CASE(builder, zeroes_null_slots_and_padding),
             OG_CASE(builder, frees_everything_when_any_allocation_fails))
