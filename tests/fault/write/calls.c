/* SPDX-License-Identifier: MIT */
/* Every store call and every system call of a load and of a mutation fails in turn, or loses its reply, on main and on
 * a branch that is touched first. */
#include "world.h"

#include <errno.h>
#include <stdio.h>

/* -- store calls -- */

static const og_fault_plan plans[] = {{.kind = OG_FAULT_FAIL},
                                      {.kind = OG_FAULT_LOSE_REPLY},
                                      {.kind = OG_FAULT_FAIL, .sticky = true},
                                      {.kind = OG_FAULT_LOSE_REPLY, .sticky = true}};

/* One operation through the faulty store; when only one call failed, the same handle writes again. */
static bool operate(world *w, size_t i, bool on_branch, og_fault_plan plan, tally *t)
{
  const town_op again = {.kind = TOWN_PUT, .who = 4, .mail = -1, .on_branch = on_branch};
  person p;
  og_ctx *cx = person_new(w, &p);
  og_db *db = NULL;
  int number = w->t.n_ops;
  OG_CHECK_OK(cx, og_db_open_store(cx, w->store, false, &db));
  og_store_fault_set(w->store, plan);
  og_status st = town_run(cx, &w->t, db, op_of(i, on_branch));
  bool fired = og_store_fault_fired(w->store);
  if (st != OG_OK && st != OG_EIO && st != OG_EUNKNOWN) town_problem(&w->t, "%s: %s", og_status_name(st), p.err.text);
  if (!fired && st != OG_OK) town_problem(&w->t, "without a fault: %s", p.err.text);
  count(t, w, number);
  og_store_fault_set(w->store, (og_fault_plan){0});
  if (!plan.sticky && town_run(cx, &w->t, db, again) != OG_OK)
    town_problem(&w->t, "the same handle, again: %s", p.err.text);
  og_db_close(db);
  person_gone(&p);
  return fired;
}

static bool fault_in(size_t i, bool on_branch, og_fault_plan plan, tally *t)
{
  static world w;
  person owner;
  w = (world){.sim = og_sim_new(1)}; /* for its clock: waiting costs nothing */
  og_ctx *cx = person_new(&w, &owner);
  OG_CHECK_OK(cx, og_store_memory_new(cx, &w.inner));
  OG_CHECK_OK(cx, og_store_fault_new(cx, w.inner, &w.store));
  set_scene(&w, on_branch);
  bool fired = operate(&w, i, on_branch, plan, t);
  if (!*w.t.problem) look_afterwards(&w, on_branch);
  person_gone(&owner);
  world_free(&w);
  if (*w.t.problem)
    fail_msg("%s%s, call %d %s%s: %s", cases[i].name, on_branch ? " on a branch" : "", (int)plan.nth,
             plan.kind == OG_FAULT_FAIL ? "failed" : "lost its reply", plan.sticky ? ", and all that follow" : "",
             w.t.problem);
  return fired;
}

/* Every call, until the operation ends before the one that would fail. */
static void sweep_store(bool on_branch)
{
  for (size_t i = 0; i < n_cases(on_branch); i++) {
    tally t = {0};
    for (size_t k = 0; k < OG_ARRAY_LEN(plans); k++) {
      og_fault_plan plan = plans[k];
      plan.nth = 1;
      while (fault_in(i, on_branch, plan, &t)) plan.nth++;
      OG_CHECK(plan.nth > 10);
    }
    print_message("%s: %d done, %d failed, %d unknown\n", cases[i].name, t.done, t.failed, t.unknown);
    OG_CHECK(t.done > 4 && t.failed > 0 && t.unknown > 0);
  }
}

OG_TEST(write_faults, a_failing_store_call_leaves_what_the_caller_was_told)
{
  sweep_store(ON_BRANCH);
}

/* -- system calls under the local store -- */

static bool fail_call(size_t i, bool on_branch, uint64_t nth, int err, tally *t)
{
  static world w;
  person owner, p;
  og_db *db = NULL;
  w = (world){.sim = og_sim_new(2)};
  og_ctx *cx = person_new(&w, &owner);
  OG_CHECK_OK(cx, og_store_local_new(cx, OG_STR(TOWN_ROOT), false, &w.inner));
  set_scene(&w, on_branch);
  cx = person_new(&w, &p);
  OG_CHECK_OK(cx, og_db_open_store(cx, w.inner, false, &db));
  int number = w.t.n_ops;
  nth += og_sim_process_calls(p.p);
  og_sim_fail_at(p.p, nth, err);
  og_status st = town_run(cx, &w.t, db, op_of(i, on_branch));
  bool fired = og_sim_process_calls(p.p) >= nth;
  og_status told = err == EIO ? OG_EIO : OG_ELIMIT;
  if (st != OG_OK && st != told && st != OG_EUNKNOWN) town_problem(&w.t, "%s: %s", og_status_name(st), p.err.text);
  count(t, &w, number);
  og_db_close(db);
  person_gone(&p);
  if (!*w.t.problem) look_afterwards(&w, on_branch);
  person_gone(&owner);
  world_free(&w);
  if (*w.t.problem)
    fail_msg("%s%s, system call %d fails with %s: %s", cases[i].name, on_branch ? " on a branch" : "", (int)nth,
             err == EIO ? "EIO" : "ENOSPC", w.t.problem);
  return fired;
}

static void sweep_system(bool on_branch, int err)
{
  for (size_t i = 0; i < n_cases(on_branch); i++) {
    tally t = {0};
    uint64_t n = 1;
    while (fail_call(i, on_branch, n, err, &t)) n++;
    print_message("%s: %d calls: %d done, %d failed, %d unknown\n", cases[i].name, (int)n - 1, t.done, t.failed,
                  t.unknown);
    OG_CHECK(t.done > 0 && t.failed > 50);
  }
}

OG_TEST(write_faults, a_failing_system_call_leaves_what_the_caller_was_told)
{
  sweep_system(ON_BRANCH, EIO);
}

OG_TEST(write_faults, a_full_disk_leaves_what_the_caller_was_told)
{
  sweep_system(ON_BRANCH, ENOSPC);
}

OG_TEST_MAIN(OG_CASE(write_faults, a_failing_store_call_leaves_what_the_caller_was_told),
             OG_CASE(write_faults, a_failing_system_call_leaves_what_the_caller_was_told),
             OG_CASE(write_faults, a_full_disk_leaves_what_the_caller_was_told))
