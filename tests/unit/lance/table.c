/* SPDX-License-Identifier: MIT */
/* Versions of a table: writing, reading back, rebasing on what others wrote, folding, branching. */
#include "small_table.h"

#include "lance/table_impl.h"

static og_lance_table *make(small_world *w, int64_t rows)
{
  og_lance_table *t;
  OG_CHECK_OK(&w->w.cx, small_commit(&w->w.cx, w, NULL, &(small_step){.op = OG_LANCE_OVERWRITE, .insert = rows}, &t));
  return t;
}

/* The next version; takes over the reference. */
static og_lance_table *step(small_world *w, og_lance_table *base, small_step s)
{
  og_lance_table *t;
  OG_CHECK_OK(&w->w.cx, small_commit(&w->w.cx, w, base, &s, &t));
  og_lance_table_unref(base);
  return t;
}

OG_TEST(table, rows_come_back_with_ids_and_versions)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = make(&w, 4);
  SMALL_CHECK_ROWS(cx, t, "r0=0/0.1.1 r1=1/1.1.1 r2=2/2.1.1 r3=3/3.1.1");
  const uint64_t second = 1, first = 0;
  t = step(&w, t, (small_step){.op = OG_LANCE_UPDATE, .update = &second, .n_update = 1, .value = 50});
  SMALL_CHECK_ROWS(cx, t, "r0=0/0.1.1 r2=2/2.1.1 r3=3/3.1.1 r1=51/1.1.2");
  t = step(&w, t, (small_step){.op = OG_LANCE_UPDATE, .insert_from = 7, .insert = 1, .drop = &first, .n_drop = 1});
  SMALL_CHECK_ROWS(cx, t, "r2=2/2.1.1 r3=3/3.1.1 r1=51/1.1.2 r7=7/4.3.3");
  OG_CHECK_U64(og_lance_table_rows(t), 4);
  OG_CHECK_U64(og_lance_table_physical_rows(t), 6);
  uint64_t newest;
  const og_lance_place at = small_place(&w, "");
  OG_CHECK_OK(cx, og_lance_newest_version(cx, &at, &newest));
  OG_CHECK_U64(newest, 3);
  og_lance_table_unref(t);
  small_close(&w);
}

OG_TEST(table, take_follows_the_order_asked_for)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = make(&w, 5);
  t = step(&w, t, (small_step){.op = OG_LANCE_UPDATE, .insert_from = 5, .insert = 5});
  const uint64_t offsets[] = {9, 0, 4, 9, 5};
  const uint32_t columns[] = {1, 0};
  og_batch *b;
  OG_CHECK_OK(cx, og_lance_table_take(cx, t, columns, 2, offsets, 5, &b));
  const int64_t want[] = {9, 0, 4, 9, 5};
  assert_memory_equal(og_column_i64(b->columns[0]), want, sizeof want);
  OG_CHECK_STR(og_column_str(b->columns[1], 3), OG_STR("r9"));
  og_batch_unref(b);
  const uint64_t beyond = 10;
  OG_CHECK_STATUS(cx, og_lance_table_take(cx, t, columns, 2, &beyond, 1, &b), OG_EINVALID);
  og_column *c;
  OG_CHECK_OK(cx, og_lance_table_column(cx, t, 1, &c));
  OG_CHECK_U64(c->len, 10);
  og_column_unref(c);
  og_lance_table_unref(t);
  small_close(&w);
}

OG_TEST(table, a_fragment_without_rows_is_dropped_and_listed)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = make(&w, 2);
  t = step(&w, t, (small_step){.op = OG_LANCE_APPEND, .insert_from = 2, .insert = 2});
  const uint64_t both[] = {0, 1}, one = 0;
  t = step(&w, t, (small_step){.op = OG_LANCE_DELETE, .drop = both, .n_drop = 2});
  OG_CHECK_U64(og_lance_table_fragments(t), 1);
  OG_CHECK_U64(og_lance_table_fragment(t, 0).id, 1);
  OG_CHECK_U64(t->m.reader_flags & OG_FLAG_DELETIONS, 0);
  t = step(&w, t, (small_step){.op = OG_LANCE_DELETE, .drop = &one, .n_drop = 1});
  OG_CHECK(t->m.reader_flags & t->m.writer_flags & OG_FLAG_DELETIONS);
  SMALL_CHECK_ROWS(cx, t, "r3=3/3.2.2");
  const uint64_t last = 1;
  t = step(&w, t, (small_step){.op = OG_LANCE_DELETE, .drop = &last, .n_drop = 1});
  OG_CHECK_U64(og_lance_table_fragments(t), 0);
  t = step(&w, t, (small_step){.op = OG_LANCE_APPEND, .insert_from = 9, .insert = 1});
  OG_CHECK_U64(og_lance_table_fragment(t, 0).id, 2);
  SMALL_CHECK_ROWS(cx, t, "r9=9/4.6.6");
  og_lance_table_unref(t);
  small_close(&w);
}

OG_TEST(table, a_row_written_twice_by_one_change_is_refused)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = make(&w, 3), *next;
  const uint64_t twice[] = {1, 1};
  const small_step s = {.op = OG_LANCE_UPDATE, .update = twice, .n_update = 2};
  OG_CHECK_STATUS(cx, small_commit(cx, &w, t, &s, &next), OG_EINVALID);
  og_lance_table_unref(t);
  small_close(&w);
}

/* ---- rebase: `mine` is prepared on `t`, `theirs` lands first */

typedef struct race {
  small_world w;
  og_lance_table *base, *won, *mine;
  og_lance_change *change;
  og_status st;
} race;

static og_ctx *race_run(race *r, og_lance_table *base, small_step theirs, small_step mine)
{
  og_ctx *cx = &r->w.w.cx;
  r->base = base;
  r->mine = NULL;
  OG_CHECK_OK(cx, small_change(cx, &r->w, base, &mine, &r->change));
  OG_CHECK_OK(cx, og_lance_change_render(cx, r->change, NULL, og_lance_table_version(base) + 1));
  OG_CHECK_OK(cx, small_commit(cx, &r->w, base, &theirs, &r->won));
  OG_CHECK_STATUS(cx, og_lance_change_put(cx, r->change), OG_EEXISTS);
  r->st = small_put(cx, &r->w, r->change, r->won, "", og_lance_table_version(r->won) + 1, &r->mine);
  return cx;
}

static void race_end(race *r)
{
  og_lance_change_free(&r->w.w.cx, r->change);
  og_lance_table_unref(r->base);
  og_lance_table_unref(r->won);
  og_lance_table_unref(r->mine);
  small_close(&r->w);
}

OG_TEST(rebase, two_inserts_get_ids_one_after_the_other)
{
  race r;
  small_open(&r.w);
  og_ctx *cx = race_run(&r, make(&r.w, 1), (small_step){.op = OG_LANCE_UPDATE, .insert_from = 10, .insert = 2},
                        (small_step){.op = OG_LANCE_UPDATE, .insert_from = 20, .insert = 2});
  OG_CHECK_OK(cx, r.st);
  SMALL_CHECK_ROWS(cx, r.mine, "r0=0/0.1.1 r10=10/1.2.2 r11=11/2.2.2 r20=20/3.3.3 r21=21/4.3.3");
  OG_CHECK_U64(og_lance_table_fragment(r.mine, 2).id, 2);
  race_end(&r);
}

OG_TEST(rebase, deletions_of_both_are_united)
{
  race r;
  small_open(&r.w);
  const uint64_t theirs = 1, mine[] = {3, 4};
  og_ctx *cx = race_run(&r, make(&r.w, 6), (small_step){.op = OG_LANCE_DELETE, .drop = &theirs, .n_drop = 1},
                        (small_step){.op = OG_LANCE_UPDATE, .update = mine, .n_update = 2, .value = 90});
  OG_CHECK_OK(cx, r.st);
  SMALL_CHECK_ROWS(cx, r.mine, "r0=0/0.1.1 r2=2/2.1.1 r5=5/5.1.1 r3=93/3.1.3 r4=94/4.1.3");
  race_end(&r);
}

OG_TEST(rebase, a_row_changed_by_both_is_a_conflict)
{
  const uint64_t row = 2;
  for (int i = 0; i < 4; i++) {
    race r;
    small_open(&r.w);
    const small_step change = {.op = OG_LANCE_UPDATE, .update = &row, .n_update = 1};
    const small_step drop = {.op = OG_LANCE_DELETE, .drop = &row, .n_drop = 1};
    og_ctx *cx = race_run(&r, make(&r.w, 6), i & 1 ? change : drop, i & 2 ? change : drop);
    OG_CHECK_STATUS(cx, r.st, OG_ECONFLICT);
    race_end(&r);
  }
}

/* Moves every row of the base to one new fragment, as a compaction does. */
static og_lance_table *compact(small_world *w, og_lance_table *base)
{
  og_ctx *cx = &w->w.cx;
  uint64_t offsets[32];
  size_t n = 0;
  const uint8_t *deleted;
  OG_CHECK_OK(cx, og_lance_table_deleted(cx, base, &deleted));
  for (uint64_t i = 0; i < og_lance_table_physical_rows(base); i++)
    if (!deleted || !og_bit_get(deleted, (int64_t)i)) offsets[n++] = i;
  const og_lance_place at = small_place(w, "");
  const uint32_t columns[] = {0, 1};
  og_lance_change_opts opts;
  og_lance_change *c;
  og_lance_table *t;
  og_batch *rows;
  OG_CHECK_OK(cx, small_opts(cx, &w->ulids, OG_LANCE_UPDATE, &opts));
  OG_CHECK_OK(cx, og_lance_change_new(cx, &at, base, &opts, &c));
  OG_CHECK_OK(cx, og_lance_table_take(cx, base, columns, 2, offsets, n, &rows));
  OG_CHECK_OK(cx, og_lance_change_carry(cx, c, rows, offsets, n));
  og_batch_unref(rows);
  OG_CHECK_OK(cx, og_lance_change_finish(cx, c));
  OG_CHECK_OK(cx, small_put(cx, w, c, NULL, "", og_lance_table_version(base) + 1, &t));
  og_lance_change_free(cx, c);
  return t;
}

OG_TEST(rebase, rows_are_found_again_behind_a_compaction)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = make(&w, 3), *next;
  t = step(&w, t, (small_step){.op = OG_LANCE_UPDATE, .insert_from = 3, .insert = 3});
  const uint64_t drop = 4, change = 1;
  const small_step s = {
      .op = OG_LANCE_UPDATE, .update = &change, .n_update = 1, .drop = &drop, .n_drop = 1, .value = 70};
  og_lance_change *c;
  OG_CHECK_OK(cx, small_change(cx, &w, t, &s, &c));
  og_lance_table *compacted = compact(&w, t);
  OG_CHECK_U64(og_lance_table_fragments(compacted), 1);
  SMALL_CHECK_ROWS(cx, compacted, "r0=0/0.1.1 r1=1/1.1.1 r2=2/2.1.1 r3=3/3.2.2 r4=4/4.2.2 r5=5/5.2.2");
  OG_CHECK_OK(cx, small_put(cx, &w, c, compacted, "", 4, &next));
  SMALL_CHECK_ROWS(cx, next, "r0=0/0.1.1 r2=2/2.1.1 r3=3/3.2.2 r5=5/5.2.2 r1=71/1.1.4");
  og_lance_change_free(cx, c);
  og_lance_table_unref(next);

  /* Somebody updated the row before it was moved. */
  OG_CHECK_OK(cx, small_change(cx, &w, t, &s, &c));
  og_lance_table *updated;
  const small_step theirs = {.op = OG_LANCE_UPDATE, .update = &change, .n_update = 1, .value = 5};
  og_lance_change *other;
  OG_CHECK_OK(cx, small_change(cx, &w, t, &theirs, &other));
  OG_CHECK_OK(cx, small_put(cx, &w, other, NULL, "", 10, &updated));
  og_lance_table *moved = compact(&w, updated);
  OG_CHECK_STATUS(cx, og_lance_change_render(cx, c, moved, 12), OG_ECONFLICT);
  og_lance_change_free(cx, other);
  og_lance_change_free(cx, c);
  og_lance_table_unref(moved);
  og_lance_table_unref(updated);
  og_lance_table_unref(compacted);
  og_lance_table_unref(t);
  small_close(&w);
}

/* ---- folding */

OG_TEST(fold, one_row_changes_leave_few_fragments)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = make(&w, 1);
  uint64_t bytes_of_rows = 0;
  for (int64_t i = 1; i < 200; i++) {
    t = step(&w, t, (small_step){.op = OG_LANCE_UPDATE, .insert_from = i, .insert = 1, .fold_rows = 4096});
    OG_CHECK(og_lance_table_fragments(t) <= 9);
    bytes_of_rows += og_lance_table_fragment(t, og_lance_table_fragments(t) - 1).physical_rows;
  }
  OG_CHECK(bytes_of_rows < 200 * 8); /* rewritten O(log rows) times */
  OG_CHECK_U64(og_lance_table_rows(t), 200);
  OG_CHECK_U64(og_lance_table_physical_rows(t), 200);
  uint64_t ids[200], created[200], offsets[200], seen = 0;
  for (uint64_t i = 0; i < 200; i++) offsets[i] = i;
  OG_CHECK_OK(cx, og_lance_table_row_ids(cx, t, offsets, 200, ids, created));
  for (uint64_t i = 0; i < 200; i++) {
    OG_CHECK(created[i] >= ids[i] + 1 && created[i] <= ids[i] + 1 + (200 - ids[i]) / 24);
    seen += ids[i];
  }
  OG_CHECK_U64(seen, 199 * 200 / 2);
  og_lance_table_unref(t);
  small_close(&w);
}

OG_TEST(fold, keeps_versions_and_leaves_out_what_the_change_deletes)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = make(&w, 50);
  t = step(&w, t, (small_step){.op = OG_LANCE_UPDATE, .insert_from = 50, .insert = 3});
  const uint64_t drop = 51;
  t = step(&w, t,
           (small_step){
               .op = OG_LANCE_UPDATE, .insert_from = 60, .insert = 1, .drop = &drop, .n_drop = 1, .fold_rows = 100});
  OG_CHECK_U64(og_lance_table_fragments(t), 2);
  og_str text;
  OG_CHECK_OK(cx, small_print(cx, t, &text));
  OG_CHECK(og_str_ends_with(text, OG_STR("r49=49/49.1.1 r60=60/53.3.3 r50=50/50.2.2 r52=52/52.2.2")));
  og_lance_table_unref(t);
  small_close(&w);
}

OG_TEST(fold, a_folded_row_that_another_changed_is_no_conflict)
{
  race r;
  og_ctx *cx = small_open(&r.w);
  og_lance_table *t = make(&r.w, 40);
  t = step(&r.w, t, (small_step){.op = OG_LANCE_UPDATE, .insert_from = 40, .insert = 2});
  const uint64_t theirs = 40;
  race_run(&r, t, (small_step){.op = OG_LANCE_UPDATE, .update = &theirs, .n_update = 1, .value = 7},
           (small_step){.op = OG_LANCE_UPDATE, .insert_from = 80, .insert = 1, .fold_rows = 100});
  OG_CHECK_OK(cx, r.st);
  og_str text;
  OG_CHECK_OK(cx, small_print(cx, r.mine, &text));
  OG_CHECK(og_str_ends_with(text, OG_STR("r39=39/39.1.1 r40=47/40.2.3 r80=80/42.4.4 r41=41/41.2.2")));
  OG_CHECK_U64(og_lance_table_rows(r.mine), 43);
  race_end(&r);
}

OG_TEST(fold, folded_rows_that_a_compaction_moved_stay_where_it_put_them)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = make(&w, 10), *next;
  t = step(&w, t, (small_step){.op = OG_LANCE_UPDATE, .insert_from = 10, .insert = 1});
  og_lance_change *c;
  const small_step s = {.op = OG_LANCE_UPDATE, .insert_from = 20, .insert = 1, .fold_rows = 100};
  OG_CHECK_OK(cx, small_change(cx, &w, t, &s, &c));
  og_lance_table *moved = compact(&w, t);
  OG_CHECK_OK(cx, small_put(cx, &w, c, moved, "", 9, &next));
  OG_CHECK_U64(og_lance_table_rows(next), 12);
  og_str text;
  OG_CHECK_OK(cx, small_print(cx, next, &text));
  OG_CHECK(og_str_ends_with(text, OG_STR("r9=9/9.1.1 r10=10/10.2.2 r20=20/11.9.9")));
  og_lance_change_free(cx, c);
  og_lance_table_unref(next);
  og_lance_table_unref(moved);
  og_lance_table_unref(t);
  small_close(&w);
}

/* ---- branches */

OG_TEST(branch, a_first_touch_inherits_and_leaves_the_parent_alone)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *main = make(&w, 3), *wip, *deep;
  const uint64_t gone = 0, changed = 1;
  main = step(&w, main, (small_step){.op = OG_LANCE_DELETE, .drop = &gone, .n_drop = 1});
  const small_step touch = {.op = OG_LANCE_UPDATE, .branch = "wip", .update = &changed, .n_update = 1, .value = 30};
  OG_CHECK_OK(cx, small_commit(cx, &w, main, &touch, &wip));
  SMALL_CHECK_ROWS(cx, wip, "r2=2/2.1.1 r1=31/1.1.3");
  SMALL_CHECK_ROWS(cx, main, "r1=1/1.1.1 r2=2/2.1.1");
  OG_CHECK_U64(wip->m.n_bases, 1);
  OG_CHECK_STR(wip->m.branch, OG_STR("wip"));
  const small_step more = {.op = OG_LANCE_UPDATE, .branch = "wip/deep", .insert_from = 8, .insert = 1};
  OG_CHECK_OK(cx, small_commit(cx, &w, wip, &more, &deep));
  SMALL_CHECK_ROWS(cx, deep, "r2=2/2.1.1 r1=31/1.1.3 r8=8/3.4.4");
  OG_CHECK_U64(deep->m.n_bases, 2);
  og_lance_table_unref(deep);
  og_lance_table_unref(wip);
  og_lance_table_unref(main);
  small_close(&w);
}

/* The branch's manifest with another base path. */
static og_status reopen_with_base(og_ctx *cx, small_world *w, og_lance_table *wip, og_str path, og_lance_table **out)
{
  OG_AUTO(og_buf) bytes = {0};
  const og_lance_place at = small_place(w, "wip");
  og_str was = wip->m.bases[0].path;
  wip->m.bases[0].path = path;
  og_status st = og_manifest_encode(cx, &wip->m, &bytes);
  wip->m.bases[0].path = was;
  OG_TRY(st);
  return og_lance_table_decode(cx, &at, og_buf_str(&bytes), out);
}

OG_TEST(branch, base_paths_reach_nothing_outside_the_table)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *main = make(&w, 2), *wip, *t;
  const small_step touch = {.op = OG_LANCE_CLONE, .branch = "wip"};
  OG_CHECK_OK(cx, small_commit(cx, &w, main, &touch, &wip));
  static const char *const good[] = {"/elsewhere/graph/nodes/t", "s3://bucket/nodes/t", "file:///a/nodes/t/"};
  static const char *const bad[] = {"/etc",
                                    "/elsewhere/nodes/other",
                                    "/g/nodes/t/../../../etc",
                                    "nodes/t/data",
                                    "/g/nodes/tt",
                                    "/g/nodes/t/tree/../../x",
                                    ""};
  og_str text;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    OG_CHECK_OK(cx, reopen_with_base(cx, &w, wip, og_str_of(good[i]), &t));
    SMALL_CHECK_ROWS(cx, t, "r0=0/0.1.1 r1=1/1.1.1");
    og_lance_table_unref(t);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    OG_CHECK_OK(cx, reopen_with_base(cx, &w, wip, og_str_of(bad[i]), &t));
    OG_CHECK_STATUS(cx, small_print(cx, t, &text), OG_ECORRUPT);
    og_lance_table_unref(t);
  }
  og_lance_table_unref(wip);
  og_lance_table_unref(main);
  small_close(&w);
}

/* ---- the manifest */

OG_TEST(table, a_refilled_number_is_not_taken_for_the_old_version)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = make(&w, 1), *again;
  const og_lance_place at = small_place(&w, "");
  OG_CHECK_OK(cx, og_lance_table_open(cx, &at, 1, og_lance_table_uuid(t), &again));
  og_lance_table_unref(again);
  OG_CHECK_STATUS(cx, og_lance_table_open(cx, &at, 1, OG_STR("omnigraph-01ARZ3NDEKTSV4RRFFQ69G5FAV"), &again),
                  OG_EGONE);
  OG_CHECK_STATUS(cx, og_lance_table_open(cx, &at, 2, OG_STR_NONE, &again), OG_ENOTFOUND);
  og_lance_table_unref(t);
  small_close(&w);
}

OG_TEST(table, names_of_the_first_scheme_are_read)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = make(&w, 2), *old;
  og_buf bytes = {0};
  uint64_t newest;
  const og_lance_place at = {w.store, OG_STR("other"), OG_STR_NONE};
  t->m.version = 12;
  OG_CHECK_OK(cx, og_manifest_encode(cx, &t->m, &bytes));
  OG_CHECK_OK(cx, og_store_put(cx, w.store, OG_STR("other/_versions/12.manifest"), og_buf_str(&bytes)));
  OG_CHECK_OK(cx, og_store_put(cx, w.store, OG_STR("other/_versions/3.manifest"), og_buf_str(&bytes)));
  OG_CHECK_OK(cx, og_store_put(cx, w.store, OG_STR("other/_versions/d99.manifest"), OG_STR("detached")));
  OG_CHECK_OK(cx, og_lance_newest_version(cx, &at, &newest));
  OG_CHECK_U64(newest, 12);
  OG_CHECK_OK(cx, og_lance_table_open(cx, &at, 12, OG_STR_NONE, &old));
  OG_CHECK_U64(og_lance_table_rows(old), 2);
  og_lance_change_opts opts;
  og_lance_change *c;
  OG_CHECK_OK(cx, small_opts(cx, &w.ulids, OG_LANCE_UPDATE, &opts));
  OG_CHECK_STATUS(cx, og_lance_change_new(cx, &at, old, &opts, &c), OG_EUNSUPPORTED); /* it would mix them */
  og_lance_table_unref(old);
  OG_CHECK_STATUS(cx, og_lance_table_open(cx, &at, 3, OG_STR_NONE, &old), OG_ECORRUPT); /* says 12 */
  og_buf_cleanup(&bytes);
  og_lance_table_unref(t);
  small_close(&w);
}

OG_TEST(table, a_deletion_file_without_its_count_is_counted)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  const uint64_t drop[] = {0, 2};
  og_lance_table *t = step(&w, make(&w, 5), (small_step){.op = OG_LANCE_DELETE, .drop = drop, .n_drop = 2}), *again;
  const og_lance_place at = small_place(&w, "");
  og_buf bytes = {0};
  t->m.fragments[0].del.rows = 0;
  OG_CHECK_OK(cx, og_manifest_encode(cx, &t->m, &bytes));
  OG_CHECK_OK(cx, og_lance_table_decode(cx, &at, og_buf_str(&bytes), &again));
  OG_CHECK_U64(og_lance_table_rows(again), 3);
  SMALL_CHECK_ROWS(cx, again, "r1=1/1.1.1 r3=3/3.1.1 r4=4/4.1.1");
  og_lance_table_unref(again);
  t->m.fragments[0].del.rows = 4; /* a lie */
  og_buf_clear(&bytes);
  OG_CHECK_OK(cx, og_manifest_encode(cx, &t->m, &bytes));
  OG_CHECK_OK(cx, og_lance_table_decode(cx, &at, og_buf_str(&bytes), &again));
  og_str text;
  OG_CHECK_STATUS(cx, small_print(cx, again, &text), OG_ECORRUPT);
  og_lance_table_unref(again);
  og_buf_cleanup(&bytes);
  og_lance_table_unref(t);
  small_close(&w);
}

OG_TEST(table, unknown_flags_refuse_reading_or_only_writing)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = make(&w, 1), *other;
  const og_lance_place at = small_place(&w, "");
  og_buf bytes = {0};
  t->m.writer_flags |= 1u << 20;
  OG_CHECK_OK(cx, og_manifest_encode(cx, &t->m, &bytes));
  OG_CHECK_OK(cx, og_lance_table_decode(cx, &at, og_buf_str(&bytes), &other));
  og_lance_table *next;
  const small_step s = {.op = OG_LANCE_UPDATE, .insert = 1};
  OG_CHECK_STATUS(cx, small_commit(cx, &w, other, &s, &next), OG_EUNSUPPORTED);
  og_lance_table_unref(other);
  t->m.reader_flags |= 1u << 20;
  og_buf_clear(&bytes);
  OG_CHECK_OK(cx, og_manifest_encode(cx, &t->m, &bytes));
  OG_CHECK_STATUS(cx, og_lance_table_decode(cx, &at, og_buf_str(&bytes), &other), OG_EUNSUPPORTED);
  og_buf_cleanup(&bytes);
  og_lance_table_unref(t);
  small_close(&w);
}

OG_TEST(table, a_small_change_costs_few_files)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *t = make(&w, 10), *next;
  og_store *inner = w.store;
  OG_CHECK_OK(cx, og_store_counting_new(cx, inner, &w.store));
  const og_lance_place at = small_place(&w, "");
  og_lance_table *base;
  OG_CHECK_OK(cx, og_lance_table_open(cx, &at, 1, OG_STR_NONE, &base));
  OG_CHECK_U64(og_store_counting_get(w.store).gets, 1);
  const uint64_t changed = 4;
  const small_step s = {.op = OG_LANCE_UPDATE, .update = &changed, .n_update = 1, .value = 1};
  og_lance_change *c;
  OG_CHECK_OK(cx, small_change(cx, &w, base, &s, &c));
  OG_CHECK_OK(cx, og_lance_change_render(cx, c, NULL, 2));
  OG_CHECK_OK(cx, og_lance_change_put(cx, c));
  og_store_counts n = og_store_counting_get(w.store);
  OG_CHECK_U64(n.puts, 3); /* data, deletion file, transaction */
  OG_CHECK_U64(n.puts_if_absent, 1);
  OG_CHECK_U64(n.gets, 1);
  OG_CHECK_OK(cx, og_lance_change_table(cx, c, &next));
  og_str text;
  OG_CHECK_OK(cx, small_print(cx, next, &text));
  OG_CHECK_U64(og_store_counting_get(w.store).gets, 4); /* one per data file and deletion file */
  SMALL_CHECK_ROWS(cx, next,
                   "r0=0/0.1.1 r1=1/1.1.1 r2=2/2.1.1 r3=3/3.1.1 r5=5/5.1.1 r6=6/6.1.1 r7=7/7.1.1 r8=8/8.1.1 "
                   "r9=9/9.1.1 r4=5/4.1.2");
  og_lance_change_free(cx, c);
  og_lance_table_unref(next);
  og_lance_table_unref(base);
  og_lance_table_unref(t);
  og_store_unref(inner);
  small_close(&w);
}

OG_TEST(table, a_search_finds_live_rows_and_reads_no_data_file_twice)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *first = make(&w, 10), *next, *fresh;
  uint64_t offset;
  bool found;
  OG_CHECK_OK(cx, og_lance_table_find(cx, first, 0, OG_STR("r4"), &offset, &found));
  OG_CHECK(found && offset == 4);
  OG_CHECK_OK(cx, og_lance_table_find(cx, first, 0, OG_STR("r"), &offset, &found));
  OG_CHECK(!found);
  const uint64_t changed = 4, dropped = 7;
  const small_step s = {.op = OG_LANCE_UPDATE, .update = &changed, .n_update = 1, .drop = &dropped, .n_drop = 1};
  OG_CHECK_OK(cx, small_commit(cx, &w, first, &s, &next));
  og_store *inner = w.store;
  OG_CHECK_OK(cx, og_store_counting_new(cx, inner, &w.store));
  const og_lance_place at = small_place(&w, "");
  OG_CHECK_OK(cx, og_lance_table_open(cx, &at, og_lance_table_version(next), OG_STR_NONE, &fresh));
  og_lance_table_inherit(fresh, first);
  OG_CHECK_OK(cx, og_lance_table_find(cx, fresh, 0, OG_STR("r9"), &offset, &found));
  OG_CHECK(found && offset == 9);
  OG_CHECK_U64(og_store_counting_get(w.store).gets, 2); /* the manifest, and what is deleted */
  OG_CHECK_OK(cx, og_lance_table_find(cx, fresh, 0, OG_STR("r4"), &offset, &found));
  OG_CHECK(found && offset == 10); /* its new image */
  OG_CHECK_OK(cx, og_lance_table_find(cx, fresh, 0, OG_STR("r7"), &offset, &found));
  OG_CHECK(!found);
  OG_CHECK_U64(og_store_counting_get(w.store).gets, 3);
  og_lance_table_unref(fresh);
  og_lance_table_unref(next);
  og_lance_table_unref(first);
  og_store_unref(inner);
  small_close(&w);
}

OG_TEST_MAIN(OG_CASE(table, rows_come_back_with_ids_and_versions), OG_CASE(table, take_follows_the_order_asked_for),
             OG_CASE(table, a_fragment_without_rows_is_dropped_and_listed),
             OG_CASE(table, a_row_written_twice_by_one_change_is_refused),
             OG_CASE(rebase, two_inserts_get_ids_one_after_the_other), OG_CASE(rebase, deletions_of_both_are_united),
             OG_CASE(rebase, a_row_changed_by_both_is_a_conflict),
             OG_CASE(rebase, rows_are_found_again_behind_a_compaction),
             OG_CASE(fold, one_row_changes_leave_few_fragments),
             OG_CASE(fold, keeps_versions_and_leaves_out_what_the_change_deletes),
             OG_CASE(fold, a_folded_row_that_another_changed_is_no_conflict),
             OG_CASE(fold, folded_rows_that_a_compaction_moved_stay_where_it_put_them),
             OG_CASE(branch, a_first_touch_inherits_and_leaves_the_parent_alone),
             OG_CASE(branch, base_paths_reach_nothing_outside_the_table),
             OG_CASE(table, a_refilled_number_is_not_taken_for_the_old_version),
             OG_CASE(table, names_of_the_first_scheme_are_read),
             OG_CASE(table, a_deletion_file_without_its_count_is_counted),
             OG_CASE(table, unknown_flags_refuse_reading_or_only_writing),
             OG_CASE(table, a_small_change_costs_few_files),
             OG_CASE(table, a_search_finds_live_rows_and_reads_no_data_file_twice))
