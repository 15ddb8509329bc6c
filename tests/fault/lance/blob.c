/* SPDX-License-Identifier: MIT */
/* A table of blobs in every placement (made, appended to with a fold and a blob in pieces, compacted) while one store
 * call or allocation fails: what stands afterwards is one whole version, with all of its blobs. */
#include "unit/lance/small_blobs.h"

#define STEPS 3

static const char *const states[STEPS + 1] = {"", "0 1 2 3 4", "0 1 2 3 4 24 5 6", "0 1 2 3 4 24 5 6"};

static og_status change(og_ctx *cx, small_world *w, int step, og_lance_table *base, og_lance_change **out)
{
  static const og_lance_op ops[STEPS] = {OG_LANCE_OVERWRITE, OG_LANCE_APPEND, OG_LANCE_REWRITE};
  const og_lance_place at = small_place(w, "");
  og_lance_change_opts opts;
  og_lance_schema *schema;
  OG_TRY(small_opts(cx, &w->ulids, ops[step], &opts));
  opts.blobs_beside = true;
  if (base) return og_lance_change_new(cx, &at, base, &opts, out);
  OG_TRY(blobs_schema(cx, &schema));
  const og_status st = og_lance_change_create(cx, &at, schema, (og_lance_version){2, 2}, &opts, out);
  og_lance_schema_unref(schema);
  return st;
}

static og_status fill(og_ctx *cx, int step, og_lance_change *c)
{
  og_lance_schema *schema;
  uint32_t taken;
  if (step == 2) return og_lance_change_compact(cx, c, &taken);
  OG_TRY(blobs_schema(cx, &schema));
  og_status st = OG_OK;
  if (step == 1) st = blob_pieces(cx, c, 24);
  if (st == OG_OK) st = blob_insert(cx, c, schema->arrow, step ? 5 : 0, step ? 2 : 5);
  og_lance_schema_unref(schema);
  return st;
}

static og_status take_step(og_ctx *cx, small_world *w, int step)
{
  const og_lance_place at = small_place(w, "");
  og_lance_table *base = NULL;
  og_lance_change *c = NULL;
  if (step) OG_TRY(og_lance_table_open(cx, &at, (uint64_t)step, OG_STR_NONE, &base));
  og_status st = change(cx, w, step, base, &c);
  if (st == OG_OK) st = fill(cx, step, c);
  if (st == OG_OK) st = og_lance_commit(cx, c, true, NULL, NULL);
  og_lance_change_free(cx, c);
  og_lance_table_unref(base);
  return st;
}

static og_status live(og_ctx *cx, small_world *w, int *done)
{
  OG_AUTO(og_buf) text = {0};
  const og_lance_place at = small_place(w, "");
  og_status st = OG_OK;
  for (*done = 0; st == OG_OK && *done < STEPS; *done += st == OG_OK) st = take_step(cx, w, *done);
  return st == OG_OK ? blobs_describe(cx, &at, &text) : st;
}

static void check_whole(small_world *w, og_store *store, int done)
{
  OG_AUTO(og_buf) text = {0};
  og_ctx *cx = &w->w.cx;
  const og_lance_place at = {store, SMALL_ROOT, OG_STR("")};
  uint64_t newest;
  OG_CHECK_OK(cx, blobs_describe(cx, &at, &text));
  OG_CHECK_OK(cx, og_lance_newest_version(cx, &at, &newest));
  OG_CHECK((int)newest == done || (int)newest == done + 1);
  OG_CHECK_STR(og_buf_str(&text), og_str_of(states[newest]));
}

static bool fail_call(og_fault_kind kind, uint64_t nth)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_store *inner = w.store;
  int done;
  OG_CHECK_OK(cx, og_store_fault_new(cx, inner, &w.store));
  og_store_fault_set(w.store, (og_fault_plan){.kind = kind, .nth = nth});
  const og_status st = live(cx, &w, &done);
  const bool fired = og_store_fault_fired(w.store);
  OG_CHECK(st == OG_OK || st == OG_EIO || st == OG_EUNKNOWN);
  OG_CHECK(fired || (st == OG_OK && done == STEPS));
  check_whole(&w, inner, done);
  og_store_unref(inner);
  small_close(&w);
  return fired;
}

OG_TEST(blob, a_failing_store_call_leaves_whole_versions)
{
  uint64_t n = 1;
  while (fail_call(OG_FAULT_FAIL, n)) n++;
  OG_CHECK(n > 60);
  for (n = 1; fail_call(OG_FAULT_LOSE_REPLY, n); n++) {
  }
}

OG_TEST(blob, a_failing_allocation_is_a_clean_error)
{
  uint64_t n = 0;
  for (bool reached = true; reached; n++) {
    small_world w;
    int done;
    og_ctx *cx = small_open(&w);
    w.w.rt.mem.fail_at = w.w.rt.mem.calls + n + 1;
    const og_status st = live(cx, &w, &done);
    reached = w.w.rt.mem.calls >= w.w.rt.mem.fail_at;
    w.w.rt.mem.fail_at = 0;
    OG_CHECK(st == (reached ? OG_ENOMEM : OG_OK));
    check_whole(&w, w.store, done);
    small_close(&w);
  }
  OG_CHECK(n > 500);
}

OG_TEST_MAIN(OG_CASE(blob, a_failing_store_call_leaves_whole_versions),
             OG_CASE(blob, a_failing_allocation_is_a_clean_error))
