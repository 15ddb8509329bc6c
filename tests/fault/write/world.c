/* SPDX-License-Identifier: MIT */
#include "world.h"

const fault_case cases[CASES] = {
    {"load, append", {.kind = TOWN_JOIN, .who = 3, .whom = 0, .mail = 1}},
    {"load, merge, spilling", {.kind = TOWN_MERGE, .who = 1, .whom = 4, .city = 1, .mail = 2, .spills = true}},
    {"load, overwrite", {.kind = TOWN_SETTLE, .who = 1, .whom = 2, .city = 2, .mail = -1}},
    {"insert", {.kind = TOWN_ARRIVE, .who = 3, .whom = 0, .mail = -1}},
    {"update", {.kind = TOWN_RENAME, .who = 0}},
    {"delete with its edges", {.kind = TOWN_LEAVE, .who = 0}},
    {"schema apply", {.kind = TOWN_EVOLVE, .who = 2}},
};

og_ctx *person_new(world *w, person *p)
{
  OG_CHECK((size_t)w->n_people < OG_ARRAY_LEN(w->people));
  *p = (person){.p = og_sim_process_new(w->sim)};
  w->people[w->n_people++] = p->p;
  og_sim_ctx_init(p->p, &p->cx, &p->err, &p->arena);
  return &p->cx;
}

void person_gone(person *p)
{
  og_arena_cleanup(&p->arena);
}

void world_free(world *w)
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

void set_scene(world *w, bool on_branch)
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

void look_afterwards(world *w, bool on_branch)
{
  const town_op next = {.kind = TOWN_PUT, .who = 5, .mail = -1, .on_branch = on_branch};
  person p;
  og_ctx *cx = person_new(w, &p);
  og_db *db = NULL;
  OG_CHECK_OK(cx, og_db_open_store(cx, w->inner, false, &db));
  OG_CHECK_OK(cx, town_look_and_export(cx, &w->t, db, name_of(on_branch)));
  if (on_branch) OG_CHECK_OK(cx, town_look_and_export(cx, &w->t, db, ""));
  OG_CHECK_OK(cx, town_check_mirrors(cx, &w->t, w->inner));
  if (!*w->t.problem) {
    OG_CHECK_OK(cx, town_run(cx, &w->t, db, next));
    OG_CHECK_OK(cx, town_look_and_export(cx, &w->t, db, name_of(on_branch)));
  }
  og_db_close(db);
  person_gone(&p);
}

void count(tally *t, const world *w, int op)
{
  town_fate f = w->t.ops[op].fate;
  t->done += f == TOWN_DONE;
  t->failed += f == TOWN_FAILED;
  t->unknown += f == TOWN_UNKNOWN;
}

town_op op_of(size_t i, bool on_branch)
{
  town_op op = cases[i].op;
  op.on_branch = on_branch;
  return op;
}
