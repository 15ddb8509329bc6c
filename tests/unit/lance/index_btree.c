/* SPDX-License-Identifier: MIT */
/* Indexes of small tables: what is written, what is read of it, what others may do meanwhile, and what is refused. */
#include "unit/lance/small_table.h"

#include "lance/index_impl.h"

static og_status start(og_ctx *cx, small_world *w, og_lance_table *base, const char *branch, og_lance_change **out)
{
  const og_lance_place at = small_place(w, branch);
  og_lance_change_opts opts;
  OG_TRY(small_opts(cx, &w->ulids, OG_LANCE_INDEX, &opts));
  return og_lance_change_new(cx, &at, base, &opts, out);
}

/* Version 1 with n rows "r<i>" of n = i, and an index "n_idx" over n in version 2. */
static og_lance_table *indexed(og_ctx *cx, small_world *w, int64_t n)
{
  og_lance_table *t, *next;
  og_lance_change *c;
  OG_CHECK_OK(cx, small_commit(cx, w, NULL, &(small_step){.op = OG_LANCE_OVERWRITE, .insert = n}, &t));
  OG_CHECK_OK(cx, start(cx, w, t, "", &c));
  OG_CHECK_OK(cx, og_lance_change_index_build(cx, c, OG_INDEX_BTREE, 1, OG_STR("n_idx")));
  OG_CHECK_OK(cx, og_lance_change_finish(cx, c));
  OG_CHECK_OK(cx, small_put(cx, w, c, NULL, "", 2, &next));
  og_lance_change_free(cx, c);
  og_lance_table_unref(t);
  return next;
}

static og_column *number(og_ctx *cx, int64_t v)
{
  og_column *c;
  OG_CHECK_OK(cx, og_column_from_fixed(cx, og_type_of(OG_TYPE_I64), &v, NULL, 1, &c));
  return c;
}

/* How many rows hold v, and where the first one lies. */
static uint64_t find(og_ctx *cx, og_lance_index *x, int64_t v, uint64_t *first)
{
  og_vec rows = OG_VEC_INIT(uint64_t);
  og_column *c = number(cx, v);
  const og_lance_index_query q = {.op = OG_INDEX_IN, .values = c};
  OG_CHECK_OK(cx, og_lance_index_rows(cx, x, &q, &rows));
  uint64_t n = rows.len;
  if (n && first) *first = OG_VEC_AT(&rows, uint64_t, 0);
  og_column_unref(c);
  og_vec_cleanup(&rows);
  return n;
}

static og_lance_index *open(og_ctx *cx, og_lance_table *t, og_lance_index *earlier)
{
  og_lance_index *x;
  OG_CHECK_OK(cx, og_lance_index_open(cx, t, OG_STR("n_idx"), earlier, &x));
  return x;
}

/* ---- what is written */

OG_TEST(index, files_are_those_of_lance)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = indexed(cx, &w, 10000);
  const og_lance_index_entry *e;
  size_t n;
  og_lance_file *f;
  og_lance_column_ref ref;
  og_column *c;
  og_str folder, key;
  OG_CHECK_OK(cx, og_lance_table_indexes(cx, t, &e, &n));
  OG_CHECK_U64(n, 1);
  OG_CHECK_STR(e->name, OG_STR("n_idx"));
  OG_CHECK_STR(e->kind, OG_STR("/lance.table.BTreeIndexDetails"));
  OG_CHECK_U64(e->version, 1);
  OG_CHECK_U64(e->fields[0], 1);
  OG_CHECK(e->n_fragments == 1 && e->fragments[0].from == 0 && e->fragments[0].to == 0);
  OG_CHECK_U64(e->n_files, 2);
  OG_CHECK_OK(cx, og_index__folder(cx, SMALL_ROOT, e->uuid, &folder));
  OG_CHECK_OK(cx, og_arena_printf(cx, cx->arena, &key, OG_STR_FMT "/page_lookup.lance", OG_STR_ARG(folder)));
  OG_CHECK_OK(cx, og_lance_file_open(cx, w.store, key, e->files[1].size, &f));
  OG_CHECK_U64(og_lance_file_num_rows(f), 3);
  const og_lance_schema *s = og_lance_file_schema(f);
  OG_CHECK_STR(s->meta[0], OG_STR("batch_size"));
  OG_CHECK_STR(s->meta[1], OG_STR("4096"));
  OG_CHECK_STR(s->arrow->fields[1].name, OG_STR("max"));
  OG_CHECK_OK(cx, og_lance_file_layout(cx, f, 1, &ref));
  OG_CHECK_OK(cx, og_lance_file_read(cx, f, &ref, 0, 3, &c));
  OG_CHECK_U64(og_column_i64(c)[0], 4095);
  OG_CHECK_U64(og_column_i64(c)[2], 9999);
  og_column_unref(c);
  og_lance_file_unref(f);
  og_lance_table_unref(t);
  small_close(&w);
}

OG_TEST(index, an_empty_table_can_have_one)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = indexed(cx, &w, 0);
  og_lance_index *x = open(cx, t, NULL);
  OG_CHECK_U64(find(cx, x, 0, NULL), 0);
  og_lance_index_unref(x);
  og_lance_table_unref(t);
  small_close(&w);
}

/* ---- what is read */

OG_TEST(index, a_lookup_reads_one_page_and_then_none)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = indexed(cx, &w, 50000);
  og_store *inner = w.store;
  const og_lance_place at = {.root = SMALL_ROOT};
  og_lance_place counted = at;
  OG_CHECK_OK(cx, og_store_counting_new(cx, inner, &counted.store));
  og_lance_table *again;
  OG_CHECK_OK(cx, og_lance_table_open(cx, &counted, 2, OG_STR_NONE, &again));
  og_lance_index *x = open(cx, again, NULL);
  uint64_t before = og_store_counting_get(counted.store).bytes_read, first = 0;
  OG_CHECK_U64(find(cx, x, 30000, &first), 1);
  OG_CHECK_U64(first, 30000);
  uint64_t after = og_store_counting_get(counted.store).bytes_read;
  OG_CHECK(after > before && after - before < 60000); /* 4096 values and ids, packed */
  OG_CHECK_U64(find(cx, x, 30001, &first), 1);
  OG_CHECK_U64(og_store_counting_get(counted.store).bytes_read, after);
  og_lance_index *shared = open(cx, again, x);
  OG_CHECK_U64(find(cx, shared, 30002, &first), 1);
  OG_CHECK_U64(og_store_counting_get(counted.store).bytes_read, after);
  og_lance_index_unref(shared);
  og_lance_index_unref(x);
  og_lance_table_unref(again);
  og_lance_table_unref(t);
  og_store_unref(counted.store);
  small_close(&w);
}

OG_TEST(index, new_rows_are_found_before_and_after_folding)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = indexed(cx, &w, 100), *next;
  og_lance_change *c;
  bool changed;
  uint64_t first;
  OG_CHECK_OK(cx,
              small_commit(cx, &w, t, &(small_step){.op = OG_LANCE_APPEND, .insert_from = 500, .insert = 5}, &next));
  og_lance_index *x = open(cx, next, NULL);
  OG_CHECK_U64(og_lance_index_uncovered(x), 5);
  OG_CHECK_U64(find(cx, x, 503, &first), 1);
  OG_CHECK_U64(first, 103);
  og_lance_table_unref(t);
  OG_CHECK_OK(cx, start(cx, &w, next, "", &c));
  OG_CHECK_OK(cx, og_lance_change_index_fold(cx, c, OG_STR("n_idx"), false, &changed));
  OG_CHECK(changed);
  OG_CHECK_OK(cx, og_lance_change_finish(cx, c));
  OG_CHECK_OK(cx, small_put(cx, &w, c, NULL, "", 4, &t));
  og_lance_change_free(cx, c);
  og_lance_index *folded = open(cx, t, x);
  OG_CHECK_U64(og_lance_index_uncovered(folded), 0);
  OG_CHECK_U64(og_lance_index_segments(folded), 2);
  OG_CHECK_U64(find(cx, folded, 503, &first), 1);
  OG_CHECK_OK(cx, start(cx, &w, t, "", &c));
  OG_CHECK_OK(cx, og_lance_change_index_fold(cx, c, OG_STR("n_idx"), false, &changed));
  OG_CHECK(!changed);
  og_lance_change_free(cx, c);
  og_lance_index_unref(folded);
  og_lance_index_unref(x);
  og_lance_table_unref(next);
  og_lance_table_unref(t);
  small_close(&w);
}

OG_TEST(index, a_branch_reads_the_index_it_inherits)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = indexed(cx, &w, 100), *next;
  static const uint64_t gone[] = {7};
  uint64_t first;
  OG_CHECK_OK(
      cx,
      small_commit(cx, &w, t, &(small_step){.op = OG_LANCE_DELETE, .branch = "wip", .drop = gone, .n_drop = 1}, &next));
  og_lance_index *x = open(cx, next, NULL);
  OG_CHECK_U64(og_lance_index_uncovered(x), 0);
  OG_CHECK_U64(find(cx, x, 7, &first), 0);
  OG_CHECK_U64(find(cx, x, 8, &first), 1);
  og_lance_index_unref(x);
  og_lance_table_unref(next);
  og_lance_table_unref(t);
  small_close(&w);
}

/* ---- what others do meanwhile */

/* Starts a fold or a build on `t`, lets `other` win, and renders on what it left. */
static og_status render_behind(og_ctx *cx, small_world *w, og_lance_table *t, bool fold, og_lance_table *won)
{
  og_lance_change *c;
  bool changed;
  OG_TRY(start(cx, w, t, "", &c));
  og_status st = fold ? og_lance_change_index_fold(cx, c, OG_STR("n_idx"), true, &changed)
                      : og_lance_change_index_build(cx, c, OG_INDEX_BTREE, 1, OG_STR("m_idx"));
  if (st == OG_OK) st = og_lance_change_finish(cx, c);
  if (st == OG_OK) st = og_lance_change_render(cx, c, won, og_lance_table_version(won) + 1);
  og_lance_change_free(cx, c);
  return st;
}

OG_TEST(index, rows_may_change_behind_a_build_but_not_the_index)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = indexed(cx, &w, 100), *more, *updated, *won;
  static const uint64_t some[] = {3, 4};
  OG_CHECK_OK(cx,
              small_commit(cx, &w, t, &(small_step){.op = OG_LANCE_APPEND, .insert_from = 500, .insert = 5}, &more));
  OG_CHECK_OK(
      cx, small_commit(cx, &w, more, &(small_step){.op = OG_LANCE_UPDATE, .update = some, .n_update = 2}, &updated));
  OG_CHECK_OK(cx, render_behind(cx, &w, more, false, updated));
  OG_CHECK_OK(cx, render_behind(cx, &w, more, true, updated));
  og_lance_change *c;
  bool changed;
  OG_CHECK_OK(cx, start(cx, &w, more, "", &c));
  OG_CHECK_OK(cx, og_lance_change_index_fold(cx, c, OG_STR("n_idx"), true, &changed));
  OG_CHECK_OK(cx, og_lance_change_finish(cx, c));
  OG_CHECK_OK(cx, og_lance_change_render(cx, c, NULL, 4));
  OG_CHECK_OK(cx, og_lance_change_table(cx, c, &won));
  og_lance_change_free(cx, c);
  OG_CHECK_STATUS(cx, render_behind(cx, &w, more, true, won), OG_ECONFLICT);
  og_lance_table_unref(won);
  OG_CHECK_OK(cx, small_commit(cx, &w, updated, &(small_step){.op = OG_LANCE_OVERWRITE, .insert = 9}, &won));
  OG_CHECK_STATUS(cx, render_behind(cx, &w, updated, true, won), OG_ECONFLICT);
  og_lance_table_unref(won);
  og_lance_table_unref(updated);
  og_lance_table_unref(more);
  og_lance_table_unref(t);
  small_close(&w);
}

/* ---- what is kept, and refused */

/* The table with another index section. */
static og_lance_table *with_section(og_ctx *cx, og_lance_table *t, og_str section)
{
  og_lance_table *out;
  og_buf bytes = {0};
  og_manifest m = t->m;
  m.index_section = section;
  OG_CHECK_OK(cx, og_manifest_encode(cx, &m, &bytes));
  OG_CHECK_OK(cx, og_lance_table_decode(cx, &t->at, og_buf_str(&bytes), &out));
  og_buf_cleanup(&bytes);
  return out;
}

/* An entry of another kind, with fields we do not know, before and inside. */
static void strange_section(og_ctx *cx, og_buf *out)
{
  og_buf any = {0}, uuid = {0}, entry = {0};
  OG_CHECK_OK(cx, og_pb_put_bytes(cx, &uuid, 1, OG_STR("0123456789abcdef")));
  OG_CHECK_OK(cx, og_pb_put_str(cx, &any, 1, OG_STR("/lance.table.Other")));
  OG_CHECK_OK(cx, og_pb_put_bytes(cx, &entry, 1, og_buf_str(&uuid)));
  OG_CHECK_OK(cx, og_pb_put_str(cx, &entry, 3, OG_STR("o_idx")));
  OG_CHECK_OK(cx, og_pb_put_bytes(cx, &entry, 6, og_buf_str(&any)));
  OG_CHECK_OK(cx, og_pb_put_u64(cx, &entry, 99, 7));
  OG_CHECK_OK(cx, og_pb_put_u64(cx, out, 5, 3));
  OG_CHECK_OK(cx, og_pb_put_bytes(cx, out, 1, og_buf_str(&entry)));
  og_buf_cleanup(&any);
  og_buf_cleanup(&uuid);
  og_buf_cleanup(&entry);
}

OG_TEST(index, what_we_do_not_know_is_kept)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = indexed(cx, &w, 10), *strange, *next;
  og_lance_change *c;
  og_lance_index *x;
  og_buf section = {0};
  strange_section(cx, &section);
  strange = with_section(cx, t, og_buf_str(&section));
  OG_CHECK_STATUS(cx, og_lance_index_open(cx, strange, OG_STR("o_idx"), NULL, &x), OG_EUNSUPPORTED);
  OG_CHECK_STATUS(cx, og_lance_index_open(cx, strange, OG_STR("n_idx"), NULL, &x), OG_ENOTFOUND);
  OG_CHECK_OK(cx, start(cx, &w, strange, "", &c));
  OG_CHECK_OK(cx, og_lance_change_index_build(cx, c, OG_INDEX_BTREE, 0, OG_STR("id_idx")));
  OG_CHECK_OK(cx, og_lance_change_finish(cx, c));
  OG_CHECK_OK(cx, og_lance_change_render(cx, c, NULL, 3));
  OG_CHECK_OK(cx, og_lance_change_table(cx, c, &next));
  OG_CHECK(og_str_starts_with(next->m.index_section, og_buf_str(&section)));
  OG_CHECK(next->m.index_section.len > section.len);
  og_lance_change_free(cx, c);
  og_buf_cleanup(&section);
  og_lance_table_unref(next);
  og_lance_table_unref(strange);
  og_lance_table_unref(t);
  small_close(&w);
}

OG_TEST(index, questions_and_changes_that_make_no_sense_are_refused)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = indexed(cx, &w, 10);
  og_lance_index *x = open(cx, t, NULL);
  og_vec rows = OG_VEC_INIT(uint64_t);
  og_lance_change *c;
  og_batch *b;
  bool ok = true;
  og_column *flag, *none;
  const og_field n = {.name = OG_STR("n"), .type = og_type_of(OG_TYPE_I64), .nullable = true};
  OG_CHECK_OK(cx, og_column_from_fixed(cx, og_type_of(OG_TYPE_U8), &ok, NULL, 1, &flag));
  OG_CHECK_OK(cx, og_column_nulls(cx, &n, 1, &none));
  OG_CHECK_STATUS(cx, og_lance_index_rows(cx, x, &(og_lance_index_query){.op = OG_INDEX_IN, .values = flag}, &rows),
                  OG_EINVALID);
  OG_CHECK_STATUS(cx, og_lance_index_rows(cx, x, &(og_lance_index_query){.op = OG_INDEX_RANGE, .low = none}, &rows),
                  OG_EINVALID);
  OG_CHECK_OK(cx, start(cx, &w, t, "", &c));
  OG_CHECK_STATUS(cx, og_lance_change_index_drop(cx, c, OG_STR("m_idx")), OG_ENOTFOUND);
  OG_CHECK_OK(cx, small_rows(cx, og_lance_table_schema(t)->arrow, 0, 1, 0, &b));
  OG_CHECK_OK(cx, og_lance_change_insert(cx, c, b));
  OG_CHECK_OK(cx, og_lance_change_finish(cx, c));
  OG_CHECK_STATUS(cx, og_lance_change_render(cx, c, NULL, 3), OG_EINVALID);
  og_lance_change_free(cx, c);
  OG_CHECK_OK(cx, small_change(cx, &w, t, &(small_step){.op = OG_LANCE_APPEND}, &c));
  OG_CHECK_STATUS(cx, og_lance_change_index_build(cx, c, OG_INDEX_BTREE, 1, OG_STR("n_idx")), OG_EINVALID);
  og_lance_change_free(cx, c);
  og_batch_unref(b);
  og_column_unref(flag);
  og_column_unref(none);
  og_vec_cleanup(&rows);
  og_lance_index_unref(x);
  og_lance_table_unref(t);
  small_close(&w);
}

OG_TEST_MAIN(OG_CASE(index, files_are_those_of_lance), OG_CASE(index, an_empty_table_can_have_one),
             OG_CASE(index, a_lookup_reads_one_page_and_then_none),
             OG_CASE(index, new_rows_are_found_before_and_after_folding),
             OG_CASE(index, a_branch_reads_the_index_it_inherits),
             OG_CASE(index, rows_may_change_behind_a_build_but_not_the_index),
             OG_CASE(index, what_we_do_not_know_is_kept),
             OG_CASE(index, questions_and_changes_that_make_no_sense_are_refused))
