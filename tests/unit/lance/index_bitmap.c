/* SPDX-License-Identifier: MIT */
/* BITMAP indexes of small tables: the bytes of the file, bitmaps of every shape, and how one takes the place of a
 * BTREE. */
#include "unit/lance/small_table.h"

#include "lance/index_impl.h"

static const og_lance_index_entry *only_entry(og_ctx *cx, og_lance_table *t)
{
  const og_lance_index_entry *e;
  size_t n;
  OG_CHECK_OK(cx, og_lance_table_indexes(cx, t, &e, &n));
  OG_CHECK_U64(n, 1);
  return e;
}

/* The next version of `t`, with an index "n_idx" of that kind over n; gives `t` up. */
static og_lance_table *build(og_ctx *cx, small_world *w, og_lance_table *t, og_lance_index_kind kind)
{
  const og_lance_place at = small_place(w, "");
  og_lance_change_opts opts;
  og_lance_change *c;
  og_lance_table *next;
  OG_CHECK_OK(cx, small_opts(cx, &w->ulids, OG_LANCE_INDEX, &opts));
  OG_CHECK_OK(cx, og_lance_change_new(cx, &at, t, &opts, &c));
  OG_CHECK_OK(cx, og_lance_change_index_build(cx, c, kind, 1, OG_STR("n_idx")));
  OG_CHECK_OK(cx, og_lance_change_finish(cx, c));
  OG_CHECK_OK(cx, small_put(cx, w, c, NULL, "", og_lance_table_version(t) + 1, &next));
  og_lance_change_free(cx, c);
  og_lance_table_unref(t);
  return next;
}

static og_lance_table *three_rows(og_ctx *cx, small_world *w)
{
  og_lance_table *t;
  OG_CHECK_OK(cx, small_commit(cx, w, NULL, &(small_step){.op = OG_LANCE_OVERWRITE, .insert = 3}, &t));
  return t;
}

static uint64_t count_between(og_ctx *cx, og_lance_table *t, int64_t low, int64_t high)
{
  og_vec rows = OG_VEC_INIT(uint64_t);
  og_lance_index *x;
  og_column *a, *b;
  OG_CHECK_OK(cx, og_column_from_fixed(cx, og_type_of(OG_TYPE_I64), &low, NULL, 1, &a));
  OG_CHECK_OK(cx, og_column_from_fixed(cx, og_type_of(OG_TYPE_I64), &high, NULL, 1, &b));
  OG_CHECK_OK(cx, og_lance_index_open(cx, t, OG_STR("n_idx"), NULL, &x));
  const og_lance_index_query q = {.op = OG_INDEX_RANGE, .low = a, .high = b, .high_open = true};
  OG_CHECK_OK(cx, og_lance_index_rows(cx, x, &q, &rows));
  uint64_t n = rows.len;
  og_lance_index_unref(x);
  og_column_unref(a);
  og_column_unref(b);
  og_vec_cleanup(&rows);
  return n;
}

OG_TEST(bitmap, the_file_is_that_of_lance)
{
  /* one upper half, 0, of 18 bytes: a Roaring bitmap of one array of one value, 2 */
  static const uint8_t want[] = {1,    0,    0, 0, 0, 0, 0, 0, 18, 0, 0, 0, /* */
                                 0x3A, 0x30, 0, 0, 1, 0, 0, 0, 0,  0, 0, 0, 16, 0, 0, 0, 2, 0};
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = build(cx, &w, three_rows(cx, &w), OG_INDEX_BITMAP);
  const og_lance_index_entry *e = only_entry(cx, t);
  og_lance_file *f;
  og_column *keys, *bitmaps;
  og_str folder, key;
  OG_CHECK_STR(e->kind, OG_STR("/lance.table.BitmapIndexDetails"));
  OG_CHECK_U64(e->n_files, 1);
  OG_CHECK_STR(e->files[0].name, OG_STR("bitmap_page_lookup.lance"));
  OG_CHECK_OK(cx, og_index__folder(cx, SMALL_ROOT, e->uuid, &folder));
  OG_CHECK_OK(cx, og_arena_printf(cx, cx->arena, &key, OG_STR_FMT "/bitmap_page_lookup.lance", OG_STR_ARG(folder)));
  OG_CHECK_OK(cx, og_lance_file_open(cx, w.store, key, e->files[0].size, &f));
  const og_lance_schema *s = og_lance_file_schema(f);
  OG_CHECK_U64(s->n_meta, 1);
  OG_CHECK_STR(s->meta[0], OG_STR("lance:index_stats"));
  OG_CHECK_STR(s->meta[1], OG_STR("{\"num_bitmaps\":3}"));
  OG_CHECK_OK(cx, og_index__read_column(cx, f, OG_STR("keys"), og_type_of(OG_TYPE_I64), &keys));
  OG_CHECK_OK(cx, og_index__read_column(cx, f, OG_STR("bitmaps"), og_type_of(OG_TYPE_BINARY), &bitmaps));
  OG_CHECK_U64(og_column_i64(keys)[2], 2);
  OG_CHECK(og_str_eq(og_column_str(bitmaps, 2), og_str_from(want, sizeof want)));
  og_column_unref(keys);
  og_column_unref(bitmaps);
  og_lance_file_unref(f);
  og_lance_table_unref(t);
  small_close(&w);
}

OG_TEST(bitmap, one_kind_takes_the_place_of_the_other)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = build(cx, &w, three_rows(cx, &w), OG_INDEX_BTREE);
  OG_CHECK_U64(count_between(cx, t, 1, 3), 2);
  t = build(cx, &w, t, OG_INDEX_BITMAP);
  OG_CHECK_STR(only_entry(cx, t)->kind, OG_STR(OG_LANCE_BITMAP));
  OG_CHECK_U64(count_between(cx, t, 1, 3), 2);
  t = build(cx, &w, t, OG_INDEX_BTREE);
  OG_CHECK_STR(only_entry(cx, t)->kind, OG_STR(OG_LANCE_BTREE));
  og_lance_table_unref(t);
  small_close(&w);
}

/* ---- bitmaps */

OG_TEST(bitmap, ids_of_several_halves_come_back_as_ranges)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  static uint64_t ids[] = {0, 1, 2, 9, 0xFFFFFFFF, 0x100000000, 0x100000001, 0x700000000};
  const og_vec all = {ids, sizeof ids / sizeof *ids, sizeof ids / sizeof *ids, sizeof *ids};
  og_vec out = OG_VEC_INIT(og_index__ids);
  og_buf bytes = {0};
  OG_CHECK_OK(cx, og_bitmap_encode(cx, OG_BITMAP_VALUES, &all, &bytes));
  OG_CHECK_OK(cx, og_bitmap_decode(cx, OG_BITMAP_VALUES, og_buf_str(&bytes), &out));
  const og_index__ids *r = out.data;
  OG_CHECK_U64(out.len, 4);
  OG_CHECK(r[0].from == 0 && r[0].to == 2 && r[1].from == 9 && r[1].to == 9);
  OG_CHECK(r[2].from == 0xFFFFFFFF && r[2].to == 0x100000001 && r[3].from == 0x700000000);
  for (size_t n = 0; n < bytes.len; n++)
    OG_CHECK_STATUS(cx, og_bitmap_decode(cx, OG_BITMAP_VALUES, og_str_from(bytes.data, n), &out), OG_ECORRUPT);
  OG_CHECK_OK(cx, og_buf_append_byte(cx, &bytes, 0));
  OG_CHECK_STATUS(cx, og_bitmap_decode(cx, OG_BITMAP_VALUES, og_buf_str(&bytes), &out), OG_ECORRUPT);
  og_buf_cleanup(&bytes);
  og_vec_cleanup(&out);
  small_close(&w);
}

OG_TEST(bitmap, all_ids_of_a_half_are_one_range_and_only_rows_that_are_there)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = three_rows(cx, &w);
  og_vec out = OG_VEC_INIT(og_index__ids), rows = OG_VEC_INIT(uint64_t);
  og_places places;
  og_buf bytes = {0};
  for (uint32_t i = 0; i < 5; i++) OG_CHECK_OK(cx, og_buf_put_u32(cx, &bytes, i == 0 ? 2 : i == 3));
  OG_CHECK_OK(cx, og_bitmap_decode(cx, OG_BITMAP_VALUES, og_buf_str(&bytes), &out));
  OG_CHECK_U64(out.len, 1);
  OG_CHECK_U64(OG_VEC_AT(&out, og_index__ids, 0).to, 0x1FFFFFFFF);
  OG_CHECK_OK(cx, og_places_init(cx, t, false, &places));
  OG_CHECK_OK(cx, og_places_find(cx, &places, OG_VEC_AT(&out, og_index__ids, 0), &rows));
  OG_CHECK_U64(rows.len, 3);
  bytes.data[4] = 1; /* its parts are 1 and 1 now */
  OG_CHECK_STATUS(cx, og_bitmap_decode(cx, OG_BITMAP_VALUES, og_buf_str(&bytes), &out), OG_ECORRUPT);
  og_places_cleanup(&places);
  og_buf_cleanup(&bytes);
  og_vec_cleanup(&out);
  og_vec_cleanup(&rows);
  og_lance_table_unref(t);
  small_close(&w);
}

OG_TEST_MAIN(OG_CASE(bitmap, the_file_is_that_of_lance), OG_CASE(bitmap, one_kind_takes_the_place_of_the_other),
             OG_CASE(bitmap, ids_of_several_halves_come_back_as_ranges),
             OG_CASE(bitmap, all_ids_of_a_half_are_one_range_and_only_rows_that_are_there))
