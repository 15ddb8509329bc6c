/* SPDX-License-Identifier: MIT */
/* Every store call, every system call and every allocation of a load and of a mutation fails in turn, on main and on a
 * branch that is touched first.  What is there afterwards is what the caller was told: the new commit after OG_OK, the
 * old one after an error, and either of them only after OG_EUNKNOWN, which names the commit to look for. */
#include "og_test.h"

#include "base/env_sim.h"
#include "town.h"

#include <errno.h>
#include <stdio.h>

static const struct {
  const char *name;
  town_op op;
} cases[] = {
    {"load, append", {.kind = TOWN_JOIN, .who = 3, .whom = 0, .mail = 1}},
    {"load, merge, spilling", {.kind = TOWN_MERGE, .who = 1, .whom = 4, .city = 1, .mail = 2, .spills = true}},
    {"load, overwrite", {.kind = TOWN_SETTLE, .who = 1, .whom = 2, .city = 2, .mail = -1}},
    {"insert", {.kind = TOWN_ARRIVE, .who = 3, .whom = 0, .mail = -1}},
    {"update", {.kind = TOWN_RENAME, .who = 0}},
    {"delete with its edges", {.kind = TOWN_LEAVE, .who = 0}},
};

typedef struct world {
  og_sim *sim;
  og_store *inner, *store; /* store: what the operation writes through */
  og_sim_process *people[64];
  int n_people;
  town t;
} world;

/* A context of a process of its own. */
typedef struct person {
  og_sim_process *p;
  og_ctx cx;
  og_error err;
  og_arena arena;
} person;

static og_ctx *person_new(world *w, person *p)
{
  OG_CHECK((size_t)w->n_people < OG_ARRAY_LEN(w->people));
  *p = (person){.p = og_sim_process_new(w->sim)};
  w->people[w->n_people++] = p->p;
  og_sim_ctx_init(p->p, &p->cx, &p->err, &p->arena);
  return &p->cx;
}

static void person_gone(person *p)
{
  og_arena_cleanup(&p->arena);
}

/* The last reference of a store frees what everybody put into it; then nothing is left. */
static void world_free(world *w)
{
  uint64_t left = 0;
  og_store_unref(w->store);
  og_store_unref(w->inner);
  for (int i = 0; i < w->n_people; i++) left += og_sim_runtime(w->people[i])->mem.in_use;
  if (left) town_problem(&w->t, "%d bytes are left behind", (int)left);
  og_sim_free(w->sim);
}

static const char *name_of(bool on_branch)
{
  return on_branch ? "b" : "";
}

static void set_scene(world *w, bool on_branch)
{
  static const town_op settle = {.kind = TOWN_SETTLE, .who = 0, .whom = 1, .city = 0, .mail = 0},
                       more = {.kind = TOWN_PUT, .who = 2, .mail = -1};
  person p;
  og_ctx *cx = person_new(w, &p);
  og_db *db = NULL;
  OG_CHECK_OK(cx, town_init_in(cx, w->inner));
  OG_CHECK_OK(cx, og_db_open_store(cx, w->inner, false, &db));
  OG_CHECK_OK(cx, town_run(cx, &w->t, db, settle));
  OG_CHECK_OK(cx, town_run(cx, &w->t, db, more));
  if (on_branch) OG_CHECK_OK(cx, og_db_branch_create(cx, db, OG_STR("b"), OG_STR(""), OG_STR("")));
  og_db_close(db);
  person_gone(&p);
}

/* From a handle that was not there, over the store that works; then the next write. */
static void look_afterwards(world *w, bool on_branch)
{
  const town_op next = {.kind = TOWN_PUT, .who = 5, .mail = -1, .on_branch = on_branch};
  person p;
  og_ctx *cx = person_new(w, &p);
  og_db *db = NULL;
  OG_CHECK_OK(cx, og_db_open_store(cx, w->inner, false, &db));
  OG_CHECK_OK(cx, town_look_and_export(cx, &w->t, db, name_of(on_branch)));
  if (on_branch) OG_CHECK_OK(cx, town_look_and_export(cx, &w->t, db, ""));
  if (!*w->t.problem) {
    OG_CHECK_OK(cx, town_run(cx, &w->t, db, next));
    OG_CHECK_OK(cx, town_look_and_export(cx, &w->t, db, name_of(on_branch)));
  }
  og_db_close(db);
  person_gone(&p);
}

typedef struct tally {
  int done, failed, unknown;
} tally;

static void count(tally *t, const world *w, int op)
{
  town_fate f = w->t.ops[op].fate;
  t->done += f == TOWN_DONE;
  t->failed += f == TOWN_FAILED;
  t->unknown += f == TOWN_UNKNOWN;
}

static town_op op_of(size_t i, bool on_branch)
{
  town_op op = cases[i].op;
  op.on_branch = on_branch;
  return op;
}

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
  for (size_t i = 0; i < OG_ARRAY_LEN(cases); i++) {
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
  sweep_store(false);
}

OG_TEST(write_faults, a_failing_store_call_on_a_branch_leaves_what_the_caller_was_told)
{
  sweep_store(true);
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
  for (size_t i = 0; i < OG_ARRAY_LEN(cases); i++) {
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
  sweep_system(false, EIO);
}

OG_TEST(write_faults, a_full_disk_on_a_branch_leaves_what_the_caller_was_told)
{
  sweep_system(true, ENOSPC);
}

/* -- allocations -- */

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
  for (size_t i = 0; i < OG_ARRAY_LEN(cases); i++) {
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

OG_TEST_MAIN(OG_CASE(write_faults, a_failing_store_call_leaves_what_the_caller_was_told),
             OG_CASE(write_faults, a_failing_store_call_on_a_branch_leaves_what_the_caller_was_told),
             OG_CASE(write_faults, a_failing_system_call_leaves_what_the_caller_was_told),
             OG_CASE(write_faults, a_full_disk_on_a_branch_leaves_what_the_caller_was_told),
             OG_CASE(write_faults, a_failing_allocation_leaves_what_the_caller_was_told_and_no_memory),
             OG_CASE(write_faults, a_failing_allocation_on_a_branch_leaves_what_the_caller_was_told_and_no_memory))
