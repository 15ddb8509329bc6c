/* SPDX-License-Identifier: MIT */
/* A table's life (create, insert, update, delete, fold, branch) while one store call, or one allocation, fails: what
 * stands afterwards is always one whole version, and an error never leaks. */
#include "unit/lance/small_table.h"

#define STEPS 5

/* The steps, on main but for the last, and what is read after each. */
static const uint64_t second[] = {1}, third[] = {2}, sixth[] = {5};
static const small_step steps[STEPS] = {
    {.op = OG_LANCE_OVERWRITE, .insert = 4},
    {.op = OG_LANCE_UPDATE, .insert_from = 10, .insert = 2},
    {.op = OG_LANCE_UPDATE,
     .insert_from = 20,
     .insert = 1,
     .update = second,
     .n_update = 1,
     .value = 5,
     .fold_rows = 64},
    {.op = OG_LANCE_DELETE, .drop = third, .n_drop = 1},
    {.op = OG_LANCE_UPDATE, .branch = "wip", .update = sixth, .n_update = 1, .value = 9},
};
static const char *const states[STEPS + 1] = {
    "",
    "r0=0/0.1.1 r1=1/1.1.1 r2=2/2.1.1 r3=3/3.1.1",
    "r0=0/0.1.1 r1=1/1.1.1 r2=2/2.1.1 r3=3/3.1.1 r10=10/4.2.2 r11=11/5.2.2",
    "r20=25/6.3.3 r1=6/1.1.3 r0=0/0.1.1 r2=2/2.1.1 r3=3/3.1.1 r10=10/4.2.2 r11=11/5.2.2",
    "r20=25/6.3.3 r1=6/1.1.3 r2=2/2.1.1 r3=3/3.1.1 r10=10/4.2.2 r11=11/5.2.2",
    "r20=25/6.3.3 r1=6/1.1.3 r2=2/2.1.1 r3=3/3.1.1 r11=11/5.2.2 r5=14/4.2.5",
};

static og_status step(og_ctx *cx, small_world *w, int i, og_lance_table **t)
{
  og_lance_table *next;
  OG_TRY(small_commit(cx, w, *t, &steps[i], &next));
  og_lance_table_unref(*t);
  *t = next;
  og_str text;
  return small_print(cx, next, &text);
}

/* Runs to the first failure; *done is how many steps said they were done. */
static og_status live(og_ctx *cx, small_world *w, int *done)
{
  og_lance_table *t = NULL;
  og_status st = OG_OK;
  for (*done = 0; st == OG_OK && *done < STEPS; *done += st == OG_OK) st = step(cx, w, *done, &t);
  og_lance_table_unref(t);
  return st;
}

/* What stands on a branch; empty when there is no version. */
static og_str newest(small_world *w, og_store *store, const char *branch, uint64_t *version)
{
  og_ctx *cx = &w->w.cx;
  const og_lance_place at = {store, SMALL_ROOT, og_str_of(branch)};
  og_lance_table *t;
  og_str text = OG_STR("");
  OG_CHECK_OK(cx, og_lance_newest_version(cx, &at, version));
  if (*version == 0) return text;
  OG_CHECK_OK(cx, og_lance_table_open(cx, &at, *version, OG_STR_NONE, &t));
  OG_CHECK_OK(cx, small_print(cx, t, &text));
  og_lance_table_unref(t);
  return text;
}

/* Either what the last step that was done left, or, when only its answer was lost, what the next one leaves. */
static void check_whole(small_world *w, og_store *store, int done)
{
  uint64_t version, on_branch;
  og_str main = newest(w, store, "", &version), branch = newest(w, store, "wip", &on_branch);
  const int stands = on_branch ? STEPS : (int)version;
  OG_CHECK(stands == done || stands == done + 1);
  OG_CHECK_STR(main, og_str_of(states[version]));
  if (on_branch) OG_CHECK_STR(branch, og_str_of(states[STEPS]));
}

static bool fail_call(og_fault_kind kind, uint64_t nth)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_store *inner = w.store;
  int done;
  OG_CHECK_OK(cx, og_store_fault_new(cx, inner, &w.store));
  og_store_fault_set(w.store, (og_fault_plan){.kind = kind, .nth = nth});
  og_status st = live(cx, &w, &done);
  bool fired = og_store_fault_fired(w.store);
  if (st != OG_OK && !(st == OG_EIO || st == OG_EUNKNOWN)) print_error("call %u: %s\n", (unsigned)nth, cx->err->text);
  OG_CHECK(st == OG_OK || st == OG_EIO || st == OG_EUNKNOWN);
  OG_CHECK(fired || (st == OG_OK && done == STEPS));
  check_whole(&w, inner, done);
  og_store_unref(inner);
  small_close(&w);
  return fired;
}

OG_TEST(table, a_failing_store_call_leaves_whole_versions)
{
  uint64_t n = 1;
  while (fail_call(OG_FAULT_FAIL, n)) n++;
  OG_CHECK(n > 40);
}

OG_TEST(table, a_lost_reply_leaves_whole_versions)
{
  for (uint64_t n = 1; fail_call(OG_FAULT_LOSE_REPLY, n); n++) {
  }
}

OG_TEST(table, a_failing_allocation_is_a_clean_error)
{
  uint64_t n = 0;
  for (bool reached = true; reached; n++) {
    small_world w;
    int done;
    og_ctx *cx = small_open(&w);
    w.w.rt.mem.fail_at = w.w.rt.mem.calls + n + 1;
    og_status st = live(cx, &w, &done);
    reached = w.w.rt.mem.calls >= w.w.rt.mem.fail_at;
    w.w.rt.mem.fail_at = 0;
    OG_CHECK(st == (reached ? OG_ENOMEM : OG_OK));
    check_whole(&w, w.store, done);
    small_close(&w);
  }
  OG_CHECK(n > 1000);
}

OG_TEST_MAIN(OG_CASE(table, a_failing_store_call_leaves_whole_versions),
             OG_CASE(table, a_lost_reply_leaves_whole_versions), OG_CASE(table, a_failing_allocation_is_a_clean_error))
