/* SPDX-License-Identifier: MIT */
/* Two writers of one table, of which the second must follow the first, while one store call or allocation fails: a
 * commit that says it was made is there, one that says it was not is not, and OG_EUNKNOWN is said of no other. */
#include "unit/lance/small_table.h"

static const small_step make = {.op = OG_LANCE_OVERWRITE, .insert = 2};
static const small_step first = {.op = OG_LANCE_APPEND, .insert_from = 10, .insert = 1};
static const small_step second = {.op = OG_LANCE_APPEND, .insert_from = 20, .insert = 1};

/* Both changes stand on version 1; the first is committed before. */
static og_status follow(og_ctx *cx, small_world *w, og_lance_table *base)
{
  og_lance_change *c;
  OG_TRY(small_change(cx, w, base, &second, &c));
  og_status st = og_lance_commit(cx, c, true, NULL, NULL);
  og_lance_change_free(cx, c);
  return st;
}

static og_lance_table *prepare(og_ctx *cx, small_world *w)
{
  og_lance_table *base, *next;
  OG_CHECK_OK(cx, small_commit(cx, w, NULL, &make, &base));
  OG_CHECK_OK(cx, small_commit(cx, w, base, &first, &next));
  og_lance_table_unref(next);
  return base;
}

static void check(small_world *w, og_store *store, og_status said)
{
  og_ctx *cx = &w->w.cx;
  const og_lance_place at = {store, SMALL_ROOT, OG_STR("")};
  uint64_t version;
  og_lance_table *t;
  OG_CHECK_OK(cx, og_lance_newest_version(cx, &at, &version));
  OG_CHECK_OK(cx, og_lance_table_open(cx, &at, version, OG_STR_NONE, &t));
  if (said == OG_OK) OG_CHECK_U64(version, 3);
  if (said != OG_OK && said != OG_EUNKNOWN) OG_CHECK_U64(version, 2);
  if (version == 2)
    SMALL_CHECK_ROWS(cx, t, "r0=0/0.1.1 r1=1/1.1.1 r10=10/2.2.2");
  else
    SMALL_CHECK_ROWS(cx, t, "r0=0/0.1.1 r1=1/1.1.1 r10=10/2.2.2 r20=20/3.3.3");
  og_lance_table_unref(t);
}

static bool fail_call(og_fault_plan plan)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_store *inner = w.store;
  og_lance_table *base = prepare(cx, &w);
  OG_CHECK_OK(cx, og_store_fault_new(cx, inner, &w.store));
  og_store_fault_set(w.store, plan);
  og_status st = follow(cx, &w, base);
  const bool fired = og_store_fault_fired(w.store);
  OG_CHECK(fired ? st == OG_OK || st == OG_EIO || st == OG_EUNKNOWN : st == OG_OK);
  check(&w, inner, st);
  og_lance_table_unref(base);
  og_store_unref(inner);
  small_close(&w);
  return fired;
}

OG_TEST(commit, a_failing_store_call)
{
  uint64_t n = 1;
  while (fail_call((og_fault_plan){.kind = OG_FAULT_FAIL, .nth = n})) n++;
  OG_CHECK(n > 10);
  for (n = 1; fail_call((og_fault_plan){.kind = OG_FAULT_FAIL, .nth = n, .sticky = true}); n++) {
  }
}

OG_TEST(commit, a_lost_reply)
{
  for (uint64_t n = 1; fail_call((og_fault_plan){.kind = OG_FAULT_LOSE_REPLY, .nth = n}); n++) {
  }
  for (uint64_t n = 1; fail_call((og_fault_plan){.kind = OG_FAULT_LOSE_REPLY, .nth = n, .sticky = true}); n++) {
  }
}

OG_TEST(commit, a_failing_allocation)
{
  bool reached = true;
  for (uint64_t n = 0; reached; n++) {
    small_world w;
    og_ctx *cx = small_open(&w);
    og_lance_table *base = prepare(cx, &w);
    w.w.rt.mem.fail_at = w.w.rt.mem.calls + n + 1;
    og_status st = follow(cx, &w, base);
    reached = w.w.rt.mem.calls >= w.w.rt.mem.fail_at;
    w.w.rt.mem.fail_at = 0;
    OG_CHECK(st == (reached ? OG_ENOMEM : OG_OK));
    check(&w, w.store, st);
    og_lance_table_unref(base);
    small_close(&w);
  }
}

OG_TEST_MAIN(OG_CASE(commit, a_failing_store_call), OG_CASE(commit, a_lost_reply),
             OG_CASE(commit, a_failing_allocation))
