/* SPDX-License-Identifier: MIT */
/* Every allocation of a load and of a mutation fails in turn, on main and on a branch that is touched first; nothing
 * leaks. */
#include "world.h"

#include <stdio.h>

#define TRIES 40 /* in one world: each leaves files behind that nobody refers to */

typedef struct memory_sweep {
  size_t i;
  bool on_branch;
  uint64_t nth;
  bool over; /* the operation ended before the n-th allocation */
  tally t;
} memory_sweep;

static void fail_allocation(world *w, memory_sweep *m)
{
  person p;
  og_ctx *cx = person_new(w, &p);
  og_mem *mem = &og_sim_runtime(p.p)->mem;
  og_db *db = NULL;
  int number = w->t.n_ops;
  OG_CHECK_OK(cx, og_db_open_store(cx, w->inner, false, &db));
  mem->fail_at = mem->calls + m->nth;
  og_status st = town_run(cx, &w->t, db, op_of(m->i, m->on_branch));
  m->over = mem->calls < mem->fail_at;
  mem->fail_at = 0;
  if (st != OG_OK && st != OG_ENOMEM && st != OG_EUNKNOWN)
    town_problem(&w->t, "%s: %s", og_status_name(st), p.err.text);
  if (m->over && st != OG_OK) town_problem(&w->t, "without a failure: %s", p.err.text);
  count(&m->t, w, number);
  og_db_close(db);
  person_gone(&p);
}

/* Until the operation was done, or enough was left behind. */
static void fail_allocations(memory_sweep *m)
{
  static world w;
  person owner;
  int done = m->t.done + m->t.unknown;
  w = (world){.sim = og_sim_new(3)};
  og_ctx *cx = person_new(&w, &owner);
  OG_CHECK_OK(cx, og_store_memory_new(cx, &w.inner));
  set_scene(&w, m->on_branch);
  for (int k = 0; k < TRIES && !m->over && done == m->t.done + m->t.unknown && !*w.t.problem; k++, m->nth++)
    fail_allocation(&w, m);
  if (!*w.t.problem) look_afterwards(&w, m->on_branch);
  person_gone(&owner);
  world_free(&w);
  if (*w.t.problem)
    fail_msg("%s%s, allocation %d: %s", cases[m->i].name, m->on_branch ? " on a branch" : "", (int)m->nth - 1,
             w.t.problem);
}

static void sweep_memory(bool on_branch)
{
  for (size_t i = 0; i < n_cases(on_branch); i++) {
    memory_sweep m = {.i = i, .on_branch = on_branch, .nth = 1};
    while (!m.over) fail_allocations(&m);
    print_message("%s: %d allocations: %d done, %d failed, %d unknown\n", cases[i].name, (int)m.nth - 2, m.t.done,
                  m.t.failed, m.t.unknown);
    OG_CHECK(m.t.failed > 500);
  }
}

OG_TEST(write_faults, a_failing_allocation_leaves_what_the_caller_was_told_and_no_memory)
{
  sweep_memory(false);
}

OG_TEST(write_faults, a_failing_allocation_on_a_branch_leaves_what_the_caller_was_told_and_no_memory)
{
  sweep_memory(true);
}

OG_TEST_MAIN(OG_CASE(write_faults, a_failing_allocation_leaves_what_the_caller_was_told_and_no_memory),
             OG_CASE(write_faults, a_failing_allocation_on_a_branch_leaves_what_the_caller_was_told_and_no_memory))
