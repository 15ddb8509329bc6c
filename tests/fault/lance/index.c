/* SPDX-License-Identifier: MIT */
/* An index's life (build, rows it does not know, fold, look-up) while one store call, or one allocation, fails: what
 * stands afterwards is one whole version, whose index finds every row, and an error never leaks. */
#include "unit/lance/small_table.h"

#include "lance/index.h"

#define STEPS 4

/* Rows after each step. */
static const uint64_t rows[STEPS + 1] = {0, 40, 40, 43, 43};

static og_status edit(og_ctx *cx, og_lance_change *c, og_lance_index_kind kind, int step)
{
  bool changed;
  OG_TRY(step == 1 ? og_lance_change_index_build(cx, c, kind, 1, OG_STR("n_idx"))
                   : og_lance_change_index_fold(cx, c, OG_STR("n_idx"), true, &changed));
  return og_lance_change_finish(cx, c);
}

static og_status change_index(og_ctx *cx, small_world *w, og_lance_index_kind kind, int step, og_lance_table *t,
                              og_lance_table **out)
{
  const og_lance_place at = small_place(w, "");
  og_lance_change_opts opts;
  og_lance_change *c;
  OG_TRY(small_opts(cx, &w->ulids, OG_LANCE_INDEX, &opts));
  OG_TRY(og_lance_change_new(cx, &at, t, &opts, &c));
  og_status st = edit(cx, c, kind, step);
  if (st == OG_OK) st = small_put(cx, w, c, NULL, "", og_lance_table_version(t) + 1, out);
  og_lance_change_free(cx, c);
  return st;
}

/* All rows but those with null, by the index. */
static og_status count(og_ctx *cx, og_lance_table *t, uint64_t *out)
{
  OG_AUTO(og_vec) found = OG_VEC_INIT(uint64_t);
  og_lance_index *x;
  OG_TRY(og_lance_index_open(cx, t, OG_STR("n_idx"), NULL, &x));
  og_status st = og_lance_index_rows(cx, x, &(og_lance_index_query){.op = OG_INDEX_RANGE}, &found);
  og_lance_index_unref(x);
  *out = found.len;
  return st;
}

static og_status take_step(og_ctx *cx, small_world *w, og_lance_index_kind kind, int i, og_lance_table **t)
{
  const small_step create = {.op = OG_LANCE_OVERWRITE, .insert = 40},
                   append = {.op = OG_LANCE_APPEND, .insert_from = 50, .insert = 3};
  og_lance_table *next;
  uint64_t n;
  OG_TRY(i % 2 ? change_index(cx, w, kind, i, *t, &next) : small_commit(cx, w, *t, i == 0 ? &create : &append, &next));
  og_lance_table_unref(*t);
  *t = next;
  return i == 0 ? OG_OK : count(cx, next, &n);
}

/* Runs to the first failure; *done is how many steps said they were done. */
static og_status live(og_ctx *cx, small_world *w, og_lance_index_kind kind, int *done)
{
  og_lance_table *t = NULL;
  og_status st = OG_OK;
  for (*done = 0; st == OG_OK && *done < STEPS; *done += st == OG_OK) st = take_step(cx, w, kind, *done, &t);
  og_lance_table_unref(t);
  return st;
}

static void check_whole(small_world *w, og_store *store, int done)
{
  og_ctx *cx = &w->w.cx;
  const og_lance_place at = {store, SMALL_ROOT, OG_STR("")};
  og_lance_table *t;
  uint64_t version, n;
  OG_CHECK_OK(cx, og_lance_newest_version(cx, &at, &version));
  OG_CHECK((int)version == done || (int)version == done + 1);
  if (version == 0) return;
  OG_CHECK_OK(cx, og_lance_table_open(cx, &at, version, OG_STR_NONE, &t));
  OG_CHECK_U64(og_lance_table_physical_rows(t), rows[version]);
  if (version > 1) OG_CHECK_OK(cx, count(cx, t, &n));
  if (version > 1) OG_CHECK_U64(n, rows[version]);
  og_lance_table_unref(t);
}

static bool fail_call(og_lance_index_kind kind, og_fault_kind fault, uint64_t nth)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_store *inner = w.store;
  int done;
  OG_CHECK_OK(cx, og_store_fault_new(cx, inner, &w.store));
  og_store_fault_set(w.store, (og_fault_plan){.kind = fault, .nth = nth});
  og_status st = live(cx, &w, kind, &done);
  bool fired = og_store_fault_fired(w.store);
  OG_CHECK(st == OG_OK || st == OG_EIO || st == OG_EUNKNOWN);
  OG_CHECK(fired || (st == OG_OK && done == STEPS));
  check_whole(&w, inner, done);
  og_store_unref(inner);
  small_close(&w);
  return fired;
}

static void fail_all_calls(og_lance_index_kind kind)
{
  uint64_t n = 1;
  while (fail_call(kind, OG_FAULT_FAIL, n)) n++;
  OG_CHECK(n > 30);
  for (n = 1; fail_call(kind, OG_FAULT_LOSE_REPLY, n); n++) {
  }
}

static void fail_all_allocations(og_lance_index_kind kind)
{
  uint64_t n = 0;
  for (bool reached = true; reached; n++) {
    small_world w;
    int done;
    og_ctx *cx = small_open(&w);
    w.w.rt.mem.fail_at = w.w.rt.mem.calls + n + 1;
    og_status st = live(cx, &w, kind, &done);
    reached = w.w.rt.mem.calls >= w.w.rt.mem.fail_at;
    w.w.rt.mem.fail_at = 0;
    OG_CHECK(st == (reached ? OG_ENOMEM : OG_OK));
    check_whole(&w, w.store, done);
    small_close(&w);
  }
  OG_CHECK(n > 1000);
}

OG_TEST(index, a_btree_outlives_every_failure)
{
  fail_all_calls(OG_INDEX_BTREE);
  fail_all_allocations(OG_INDEX_BTREE);
}

OG_TEST(index, a_bitmap_outlives_every_failure)
{
  fail_all_calls(OG_INDEX_BITMAP);
  fail_all_allocations(OG_INDEX_BITMAP);
}

OG_TEST_MAIN(OG_CASE(index, a_btree_outlives_every_failure), OG_CASE(index, a_bitmap_outlives_every_failure))
