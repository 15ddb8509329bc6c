/* SPDX-License-Identifier: MIT */
#include "arrow_test.h"

OG_TEST(column, a_slice_holds_the_same_rows)
{
  world w;
  og_ctx *cx = world_open(&w);
  uint64_t seed = 1;
  for (size_t i = 0; i < N_EVERY; i++) {
    og_column *c, *s;
    OG_CHECK_OK(cx, random_column(cx, &every_field[i], 150, seed, &c));
    OG_CHECK_OK(cx, og_column_check(cx, c, OG_ECORRUPT));
    for (int round = 0; round < 20; round++) {
      int64_t from = (int64_t)(rnd(&seed) % 151), len = (int64_t)(rnd(&seed) % 151) % (151 - from);
      OG_CHECK_OK(cx, og_column_slice(cx, c, from, len, &s));
      OG_CHECK_OK(cx, og_column_check(cx, s, OG_ECORRUPT));
      OG_CHECK(s->len == len && same_rows(s, 0, c, from, len));
      og_column_unref(s);
    }
    OG_CHECK_OK(cx, og_column_slice(cx, c, 0, 150, &s));
    OG_CHECK(s == c);
    og_column_unref(s);
    og_column_unref(c);
  }
  world_close(&w);
}

OG_TEST(column, concat_keeps_all_rows_in_order)
{
  world w;
  og_ctx *cx = world_open(&w);
  static const int64_t lens[] = {0, 13, 1, 70, 0, 8};
  for (size_t i = 0; i < N_EVERY; i++) {
    og_column *parts[6], *all;
    int64_t at = 0;
    for (uint64_t k = 0; k < 6; k++)
      OG_CHECK_OK(cx, random_column(cx, &every_field[i], lens[k], k + 100 * i, &parts[k]));
    OG_CHECK_OK(cx, og_column_concat(cx, parts, 6, &all));
    OG_CHECK_OK(cx, og_column_check(cx, all, OG_ECORRUPT));
    for (size_t k = 0; k < 6; at += lens[k++]) OG_CHECK(same_rows(all, at, parts[k], 0, lens[k]));
    OG_CHECK(all->len == at);
    og_column_unref(all);
    for (size_t k = 0; k < 6; k++) og_column_unref(parts[k]);
  }
  world_close(&w);
}

OG_TEST(column, concat_refuses_other_types)
{
  world w;
  og_ctx *cx = world_open(&w);
  og_column *pair[2], *c;
  OG_CHECK_OK(cx, random_column(cx, &item_i64, 3, 1, &pair[0]));
  OG_CHECK_OK(cx, random_column(cx, &item_f32, 3, 1, &pair[1]));
  OG_CHECK_STATUS(cx, og_column_concat(cx, pair, 2, &c), OG_EINTERNAL);
  og_column_unref(pair[0]);
  og_column_unref(pair[1]);
  world_close(&w);
}

static void take_rows(og_ctx *cx, const og_column *c, uint64_t gaps, uint64_t *seed)
{
  int64_t idx[90];
  og_column *t;
  for (size_t k = 0; k < 90; k++)
    idx[k] = gaps && rnd(seed) % gaps == 0 ? -1 : (int64_t)(rnd(seed) % (uint64_t)c->len);
  OG_CHECK_OK(cx, og_column_take(cx, c, idx, 90, &t));
  OG_CHECK_OK(cx, og_column_check(cx, t, OG_ECORRUPT));
  OG_CHECK(t->len == 90);
  for (int64_t k = 0; k < 90; k++) {
    if (idx[k] < 0)
      OG_CHECK(og_column_is_null(t, k));
    else
      OG_CHECK(og_column_value_eq(t, k, c, idx[k]));
  }
  og_column_unref(t);
}

OG_TEST(column, take_picks_rows_and_gaps)
{
  world w;
  og_ctx *cx = world_open(&w);
  uint64_t seed = 5;
  for (size_t i = 0; i < N_EVERY; i++) {
    og_column *c;
    OG_CHECK_OK(cx, random_column(cx, &every_field[i], 60, seed, &c));
    for (int round = 0; round < 6; round++) take_rows(cx, c, round % 2 ? 4 : 0, &seed);
    og_column_unref(c);
  }
  world_close(&w);
}

/* Dense vectors go another way: whole blocks. */
OG_TEST(column, take_moves_vectors_in_blocks)
{
  world w;
  og_ctx *cx = world_open(&w);
  og_field item = item_f32;
  item.nullable = false;
  og_field vector = {.name = OG_STR("v"),
                     .type = og_type_fixed_list(17),
                     .nullable = true,
                     .children = &item,
                     .n_children = 1};
  og_column *c;
  uint64_t seed = 9;
  OG_CHECK_OK(cx, random_column(cx, &vector, 30, 2, &c));
  OG_CHECK(!c->children[0]->validity);
  take_rows(cx, c, 0, &seed);
  take_rows(cx, c, 3, &seed);
  og_column_unref(c);
  world_close(&w);
}

/* Members and items that may not be null stay so, whatever is above them. */
OG_TEST(column, take_leaves_valid_zeros_below_a_gap)
{
  world w;
  og_ctx *cx = world_open(&w);
  og_field text = item_str;
  text.nullable = false;
  const og_field above[] = {
      {.type = og_type_of(OG_TYPE_STRUCT), .nullable = true, .children = &text, .n_children = 1},
      {.type = og_type_fixed_list(2), .nullable = true, .children = &text, .n_children = 1},
  };
  for (size_t i = 0; i < 2; i++) {
    og_column *c, *t;
    OG_CHECK_OK(cx, random_column(cx, &above[i], 10, 4, &c));
    OG_CHECK_OK(cx, og_column_take(cx, c, (const int64_t[]){3, -1, 4}, 3, &t));
    OG_CHECK(og_column_is_null(t, 1));
    OG_CHECK(t->children[0]->nulls == 0);
    og_column_unref(c);
    og_column_unref(t);
  }
  world_close(&w);
}

static int sign(int v)
{
  return (v > 0) - (v < 0);
}

/* Antisymmetric and transitive over every triple; equality and hash follow. */
OG_TEST(column, values_have_a_total_order_that_equality_and_hash_follow)
{
  world w;
  og_ctx *cx = world_open(&w);
  enum { N = 40 };
  for (size_t f = 0; f < N_EVERY; f++) {
    og_column *c;
    OG_CHECK_OK(cx, random_column(cx, &every_field[f], N, f, &c));
    for (int64_t i = 0; i < N; i++) {
      for (int64_t j = 0; j < N; j++) {
        int ij = sign(og_column_value_cmp(c, i, c, j));
        OG_CHECK(ij == -sign(og_column_value_cmp(c, j, c, i)));
        OG_CHECK((ij == 0) == og_column_value_eq(c, i, c, j));
        if (ij == 0) OG_CHECK(og_column_value_hash(c, i, 42) == og_column_value_hash(c, j, 42));
        for (int64_t k = 0; k < N; k++)
          if (ij <= 0 && og_column_value_cmp(c, j, c, k) <= 0)
            OG_CHECK(og_column_value_cmp(c, i, c, k) <= 0);
      }
    }
    og_column_unref(c);
  }
  world_close(&w);
}

OG_TEST(column, nulls_come_first_nan_last_and_zeros_are_one)
{
  world w;
  og_ctx *cx = world_open(&w);
  const double v[] = {0, -0.0, 0.0, 1e300 * 1e300, og_test_nan(), -og_test_nan(), -1e308};
  og_column *c;
  OG_CHECK_OK(cx, og_column_from_fixed(cx, og_type_of(OG_TYPE_F64), v, (uint8_t[]){0x7e}, 7, &c));
  OG_CHECK(og_column_value_cmp(c, 0, c, 6) < 0);
  OG_CHECK(og_column_value_eq(c, 1, c, 2) && !og_column_value_eq(c, 0, c, 2));
  OG_CHECK(og_column_value_cmp(c, 3, c, 4) < 0 && og_column_value_eq(c, 4, c, 5));
  OG_CHECK(og_column_value_hash(c, 1, 1) == og_column_value_hash(c, 2, 1));
  OG_CHECK(og_column_value_hash(c, 4, 1) == og_column_value_hash(c, 5, 1));
  og_column_unref(c);
  world_close(&w);
}

/* A column over borrowed buffers, to break on purpose. */
static og_column strings(const int32_t *offsets, const char *bytes, uint64_t n, int64_t len)
{
  og_column c = {
      .type = {.id = OG_TYPE_UTF8}, .len = len, .data = {offsets, bytes}, .bytes_len = n};
  return c;
}

OG_TEST(column, check_finds_broken_strings)
{
  world w;
  og_ctx *cx = world_open(&w);
  og_column c = strings((const int32_t[]){0, 1, 3}, "a\xc3\xa9", 3, 2);
  OG_CHECK_OK(cx, og_column_check(cx, &c, OG_ECORRUPT));
  c = strings((const int32_t[]){0, 2, 3}, "a\xc3\xa9", 3, 2); /* cut inside a character */
  OG_CHECK_STATUS(cx, og_column_check(cx, &c, OG_ECORRUPT), OG_ECORRUPT);
  c = strings((const int32_t[]){0, 1, 3}, "a\xc3\x28", 3, 2);
  OG_CHECK_STATUS(cx, og_column_check(cx, &c, OG_EINVALID), OG_EINVALID);
  c.type.id = OG_TYPE_BINARY;
  OG_CHECK_OK(cx, og_column_check(cx, &c, OG_ECORRUPT));
  c = strings((const int32_t[]){1, 1, 3}, "abc", 3, 2);
  OG_CHECK_STATUS(cx, og_column_check(cx, &c, OG_ECORRUPT), OG_ECORRUPT);
  c = strings((const int32_t[]){0, 2, 1}, "abc", 3, 2);
  OG_CHECK_STATUS(cx, og_column_check(cx, &c, OG_ECORRUPT), OG_ECORRUPT);
  c = strings((const int32_t[]){0, 2, 4}, "abc", 3, 2);
  OG_CHECK_STATUS(cx, og_column_check(cx, &c, OG_ECORRUPT), OG_ECORRUPT);
  c = strings(NULL, "abc", 3, 2);
  OG_CHECK_STATUS(cx, og_column_check(cx, &c, OG_ECORRUPT), OG_ECORRUPT);
  world_close(&w);
}

OG_TEST(column, check_finds_wrong_null_counts_and_children)
{
  world w;
  og_ctx *cx = world_open(&w);
  og_column item = {.type = {.id = OG_TYPE_I32}, .len = 5, .data = {(int32_t[5]){0}, NULL}};
  og_column *child = &item;
  og_column c = {.type = {.id = OG_TYPE_LIST},
                 .len = 2,
                 .data = {(int32_t[]){0, 2, 5}, NULL},
                 .n_children = 1,
                 .children = &child};
  OG_CHECK_OK(cx, og_column_check(cx, &c, OG_ECORRUPT));
  c.nulls = 1;
  OG_CHECK_STATUS(cx, og_column_check(cx, &c, OG_ECORRUPT), OG_ECORRUPT);
  c.validity = (const uint8_t[]){1};
  OG_CHECK_OK(cx, og_column_check(cx, &c, OG_ECORRUPT));
  c.validity = (const uint8_t[]){3};
  OG_CHECK_STATUS(cx, og_column_check(cx, &c, OG_ECORRUPT), OG_ECORRUPT);
  c.nulls = 0;
  c.validity = NULL;
  item.len = 4;
  OG_CHECK_STATUS(cx, og_column_check(cx, &c, OG_ECORRUPT), OG_ECORRUPT);
  c.type = og_type_fixed_list(2);
  OG_CHECK_OK(cx, og_column_check(cx, &c, OG_ECORRUPT));
  c.type = og_type_fixed_list(3);
  OG_CHECK_STATUS(cx, og_column_check(cx, &c, OG_ECORRUPT), OG_ECORRUPT);
  c.type = og_type_of(OG_TYPE_STRUCT);
  OG_CHECK_STATUS(cx, og_column_check(cx, &c, OG_ECORRUPT), OG_ECORRUPT);
  c.len = -1;
  OG_CHECK_STATUS(cx, og_column_check(cx, &c, OG_ECORRUPT), OG_ECORRUPT);
  world_close(&w);
}

OG_TEST(column, a_batch_refuses_columns_that_do_not_fit_its_schema)
{
  world w;
  og_ctx *cx = world_open(&w);
  og_schema *s;
  og_column *c;
  og_batch *b;
  OG_CHECK_OK(cx, og_schema_new(cx, &item_i64, 1, NULL, 0, &s));
  OG_CHECK_OK(cx, random_column(cx, &item_i64, 4, 1, &c));
  OG_CHECK_STATUS(cx, og_batch_new(cx, s, &c, 1, 5, &b), OG_EINTERNAL);
  OG_CHECK_STATUS(cx, og_batch_new(cx, s, &c, 0, 4, &b), OG_EINTERNAL);
  OG_CHECK_OK(cx, og_batch_new(cx, s, &c, 1, 4, &b));
  og_column_unref(c);
  OG_CHECK(b->columns[0]->len == 4);
  og_batch_unref(b);
  OG_CHECK_OK(cx, random_column(cx, &item_f32, 4, 1, &c));
  OG_CHECK_STATUS(cx, og_batch_new(cx, s, &c, 1, 4, &b), OG_EINTERNAL);
  og_column_unref(c);
  og_schema_unref(s);
  world_close(&w);
}

/* Slice, concat, take and nulls of one column, stopping at the first failure. */
static og_status copy_all_ways(og_ctx *cx, const og_field *f, og_column *c)
{
  static const int64_t idx[] = {3, -1, 0, 7};
  og_column *out[4] = {NULL}, *twice[] = {c, c};
  og_status st = og_column_slice(cx, c, 1, 7, &out[0]);
  if (st == OG_OK) st = og_column_concat(cx, twice, 2, &out[1]);
  if (st == OG_OK) st = og_column_take(cx, c, idx, 4, &out[2]);
  if (st == OG_OK) st = og_column_nulls(cx, f, 6, &out[3]);
  for (size_t i = 0; i < 4; i++) og_column_unref(out[i]);
  return st;
}

OG_TEST(column, copies_free_everything_when_any_allocation_fails)
{
  for (size_t i = 0; i < N_EVERY; i++) {
    world w;
    og_ctx *cx = world_open(&w);
    og_column *c;
    OG_CHECK_OK(cx, random_column(cx, &every_field[i], 20, 3, &c));
    uint64_t before = w.rt.mem.in_use;
    og_status st = OG_ENOMEM;
    for (uint64_t nth = 1; st != OG_OK; nth++) {
      w.rt.mem.calls = 0;
      w.rt.mem.fail_at = nth;
      st = copy_all_ways(cx, &every_field[i], c);
      OG_CHECK(st == OG_OK || st == OG_ENOMEM);
      OG_CHECK_U64(w.rt.mem.in_use, before);
    }
    og_column_unref(c);
    world_close(&w);
  }
}

OG_TEST_MAIN(OG_CASE(column, a_slice_holds_the_same_rows),
             OG_CASE(column, concat_keeps_all_rows_in_order),
             OG_CASE(column, concat_refuses_other_types), OG_CASE(column, take_picks_rows_and_gaps),
             OG_CASE(column, take_moves_vectors_in_blocks),
             OG_CASE(column, take_leaves_valid_zeros_below_a_gap),
             OG_CASE(column, values_have_a_total_order_that_equality_and_hash_follow),
             OG_CASE(column, nulls_come_first_nan_last_and_zeros_are_one),
             OG_CASE(column, check_finds_broken_strings),
             OG_CASE(column, check_finds_wrong_null_counts_and_children),
             OG_CASE(column, a_batch_refuses_columns_that_do_not_fit_its_schema),
             OG_CASE(column, copies_free_everything_when_any_allocation_fails))
