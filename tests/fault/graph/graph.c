/* SPDX-License-Identifier: MIT */
/* Every store call of init, of a commit and of branch create and delete fails in turn, or loses its reply; for that
 * call only, or for it and all that follow.  What is there afterwards is what the caller was told: the old state or the
 * new one, and either of them only when the answer was OG_EUNKNOWN with the id to look for. */
#include "og_test.h"

#include "base/env_sim.h"
#include "scene.h"

#include <stdio.h>

typedef struct world {
  og_sim *sim;
  og_ctx cx;
  og_error err;
  og_arena arena;
  og_store *inner, *store; /* memory, behind the fault wrapper */
  model m;
} world;

static void world_new(world *w)
{
  memset(w, 0, sizeof *w);
  w->sim = og_sim_new(1); /* for its clock: waiting costs nothing */
  og_sim_ctx_init(og_sim_process_new(w->sim), &w->cx, &w->err, &w->arena);
  OG_CHECK_OK(&w->cx, og_store_memory_new(&w->cx, &w->inner));
  OG_CHECK_OK(&w->cx, og_store_fault_new(&w->cx, w->inner, &w->store));
}

static void world_free(world *w)
{
  og_store_unref(w->inner);
  og_store_unref(w->store);
  og_arena_cleanup(&w->arena);
  og_sim_free(w->sim);
}

static const og_fault_plan plans[] = {{.kind = OG_FAULT_FAIL},
                                      {.kind = OG_FAULT_LOSE_REPLY},
                                      {.kind = OG_FAULT_FAIL, .sticky = true},
                                      {.kind = OG_FAULT_LOSE_REPLY, .sticky = true}};

typedef struct tally {
  int done, failed, unknown;
} tally;

static void count(tally *t, og_status st)
{
  t->done += st == OG_OK;
  t->unknown += st == OG_EUNKNOWN;
  t->failed += st != OG_OK && st != OG_EUNKNOWN;
}

static void check_problem(const world *w, const og_fault_plan *p)
{
  if (*w->m.problem)
    fail_msg("call %d, %s%s: %s", (int)p->nth, p->kind == OG_FAULT_FAIL ? "failed" : "lost its reply",
             p->sticky ? ", and all that follow" : "", w->m.problem);
}

/* -- init -- */

static void check_init(world *w, og_status told, const og_fault_plan *p)
{
  og_graph *g = NULL;
  bool has_id = w->err.detail.kind == OG_DETAIL_OUTCOME_UNKNOWN && *w->err.detail.entity_id;
  if (told == OG_EUNKNOWN && !has_id) model_problem(&w->m, "an unknown outcome without an id: %s", w->err.text);
  og_error_clear(&w->cx);
  og_status st = og_graph_open(&w->cx, w->inner, false, &g);
  if (st != OG_OK && st != OG_ENOTFOUND) model_problem(&w->m, "open: %s", w->err.text);
  if (told == OG_OK && st != OG_OK) model_problem(&w->m, "init succeeded, but there is no graph: %s", w->err.text);
  if (told != OG_OK && told != OG_EUNKNOWN && st == OG_OK)
    model_problem(&w->m, "init was reported failed (%s), but there is a graph", og_status_name(told));
  if (st == OG_ENOTFOUND) {
    og_error_clear(&w->cx);
    OG_CHECK_OK(&w->cx, scene_init(&w->cx, w->inner, false));
    OG_CHECK_OK(&w->cx, og_graph_open(&w->cx, w->inner, false, &g));
  }
  check_problem(w, p);
  OG_CHECK_OK(&w->cx, model_look_at_all(&w->cx, &w->m, g));
  check_problem(w, p);
  og_graph_close(g);
}

static bool fault_in_init(og_fault_plan plan, tally *t)
{
  world w;
  world_new(&w);
  og_store_fault_set(w.store, plan);
  og_status st = scene_init(&w.cx, w.store, false);
  bool fired = og_store_fault_fired(w.store);
  count(t, st);
  check_init(&w, st, &plan);
  world_free(&w);
  return fired;
}

/* -- on a graph -- */

typedef og_status (*operation)(world *w, og_graph *g);

static og_status commit(world *w, og_graph *g)
{
  scene_stats unused = {0};
  const scene_commit c = {.branch = OG_STR(""), .adds = {2, 1}, .deletes = true};
  return scene_commit_run(&w->cx, &w->m, g, &c, &unused);
}

static og_status create(world *w, og_graph *g)
{
  return scene_create_branch(&w->cx, &w->m, g, 'b');
}

static og_status delete (world *w, og_graph *g)
{
  return scene_delete_branch(&w->cx, &w->m, g, 'c');
}

static void set_scene(world *w)
{
  og_graph *g = NULL;
  OG_CHECK_OK(&w->cx, scene_init(&w->cx, w->inner, false));
  OG_CHECK_OK(&w->cx, og_graph_open(&w->cx, w->inner, false, &g));
  OG_CHECK_OK(&w->cx, commit(w, g));
  OG_CHECK_OK(&w->cx, scene_create_branch(&w->cx, &w->m, g, 'c'));
  og_graph_close(g);
}

/* From a handle that was not there, over the store that works. */
static void look_afterwards(world *w, const og_fault_plan *p)
{
  og_graph *g = NULL;
  og_error_clear(&w->cx);
  OG_CHECK_OK(&w->cx, og_graph_open(&w->cx, w->inner, false, &g));
  OG_CHECK_OK(&w->cx, model_look_at_all(&w->cx, &w->m, g));
  check_problem(w, p);
  OG_CHECK_OK(&w->cx, commit(w, g));
  OG_CHECK_OK(&w->cx, model_look_at_all(&w->cx, &w->m, g));
  check_problem(w, p);
  og_graph_close(g);
}

static bool fault_in(operation op, og_fault_plan plan, tally *t)
{
  world w;
  og_graph *g = NULL;
  world_new(&w);
  set_scene(&w);
  OG_CHECK_OK(&w.cx, og_graph_open(&w.cx, w.store, false, &g));
  og_store_fault_set(w.store, plan);
  count(t, op(&w, g));
  bool fired = og_store_fault_fired(w.store);
  og_graph_close(g);
  look_afterwards(&w, &plan);
  world_free(&w);
  return fired;
}

/* Every call, until the operation ends before the one that would fail.  op NULL: init. */
static tally sweep(operation op, const char *what)
{
  tally t = {0};
  for (size_t i = 0; i < OG_ARRAY_LEN(plans); i++) {
    og_fault_plan plan = plans[i];
    plan.nth = 1;
    while (op ? fault_in(op, plan, &t) : fault_in_init(plan, &t)) plan.nth++;
    OG_CHECK(plan.nth > 10);
  }
  print_message("%s: %d succeeded, %d failed, %d unknown\n", what, t.done, t.failed, t.unknown);
  return t;
}

OG_TEST(graph_faults, init_is_whole_or_absent_and_the_caller_knows)
{
  tally t = sweep(NULL, "init");
  OG_CHECK(t.done > 4 && t.failed > 0 && t.unknown > 0);
}

OG_TEST(graph_faults, commit_is_whole_or_absent_and_the_caller_knows)
{
  tally t = sweep(commit, "commit");
  OG_CHECK(t.done > 4 && t.failed > 0 && t.unknown > 0);
}

OG_TEST(graph_faults, branch_create_leaves_a_whole_branch_or_none)
{
  tally t = sweep(create, "branch create");
  OG_CHECK(t.done > 4 && t.failed > 0);
}

OG_TEST(graph_faults, branch_delete_leaves_a_whole_branch_or_none)
{
  tally t = sweep(delete, "branch delete");
  OG_CHECK(t.done > 4 && t.failed > 0);
}

OG_TEST_MAIN(OG_CASE(graph_faults, init_is_whole_or_absent_and_the_caller_knows),
             OG_CASE(graph_faults, commit_is_whole_or_absent_and_the_caller_knows),
             OG_CASE(graph_faults, branch_create_leaves_a_whole_branch_or_none),
             OG_CASE(graph_faults, branch_delete_leaves_a_whole_branch_or_none))
