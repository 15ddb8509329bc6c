/* SPDX-License-Identifier: MIT */
/* Several processes load and mutate one town through the front door, on keys they share, in worlds that one seed
 * decides: who runs when, who crashes where, when power is lost, which store calls fail, are late or lose their reply.
 * What every version must say, town.h tells. */
#include "og_test.h"

#include "base/env_sim.h"
#include "town.h"

#include <stdio.h>

#define SEEDS     400
#define PROCESSES 3
#define OPS       6 /* of each process */

typedef struct world {
  uint64_t seed;
  og_sim *sim;
  town t;
  bool faults, delays, branch;
  int lost_races;
} world;

typedef struct worker {
  world *w;
  og_store *faulty; /* NULL: nothing is to fail */
} worker;

static void listen(void *arg, const char *line)
{
  world *w = arg;
  w->lost_races += strstr(line, "/__manifest/") && strstr(line, " link ") && strstr(line, ".manifest: OG_EEXISTS");
}

static bool is_expected(const worker *w, og_status st)
{
  switch (st) {
  case OG_OK:
  case OG_EINVALID: /* a rule was broken */
  case OG_ECONFLICT: /* a key exists; lost too many races */ return true;
  case OG_EIO:
  case OG_EUNKNOWN: return w->w->faults;
  default: return false;
  }
}

static town_op draw_op(og_sim *sim, bool branch)
{
  town_op op = {.kind = (town_kind)og_sim_rand(sim, TOWN_KINDS),
                .on_branch = branch && og_sim_rand(sim, 2) == 0,
                .spills = og_sim_rand(sim, 3) == 0,
                .who = (int)og_sim_rand(sim, TOWN_PERSONS),
                .city = (int)og_sim_rand(sim, TOWN_CITIES),
                .mail = (int)og_sim_rand(sim, TOWN_MAILS + 2) - 2};
  if (op.mail < -1) op.mail = -1;
  if (op.kind == TOWN_EVOLVE) {
    op.on_branch = false;
    op.who = (int)og_sim_rand(sim, TOWN_FORMS);
  }
  if (op.kind == TOWN_SETTLE && og_sim_rand(sim, 3) != 0) op.kind = TOWN_QUIT; /* it wipes out too much */
  op.whom = (op.who + 1 + (int)og_sim_rand(sim, TOWN_PERSONS - 1)) % TOWN_PERSONS;
  return op;
}

static void plan_fault(const worker *w)
{
  static const og_fault_kind kinds[] = {OG_FAULT_FAIL, OG_FAULT_LOSE_REPLY, OG_FAULT_LOSE_REPLY};
  og_sim *sim = w->w->sim;
  if (!w->faulty) return;
  og_fault_kind kind = kinds[og_sim_rand(sim, OG_ARRAY_LEN(kinds))];
  const og_fault_plan plan = {.kind = w->w->delays ? OG_FAULT_DELAY : kind,
                              .nth = 1 + og_sim_rand(sim, 80),
                              .sticky = !w->w->delays && og_sim_rand(sim, 4) == 0};
  og_store_fault_set(w->faulty, plan);
}

static og_status one_operation(og_ctx *cx, worker *w, og_db *db, og_graph *g)
{
  town *t = &w->w->t;
  town_op op = draw_op(w->w->sim, w->w->branch);
  const char *branch = op.on_branch ? "b" : "";
  int number;
  OG_TRY(town_look(cx, t, g, branch, false));
  op.from = t->looked;
  number = t->n_ops;
  plan_fault(w);
  og_status st = town_run(cx, t, db, op);
  if (w->faulty) og_store_fault_set(w->faulty, (og_fault_plan){0});
  if (!atomic_load(cx->cancel) && !is_expected(w, st))
    town_problem(t, "o%d: %s: %.400s", number, og_status_name(st), cx->err->text);
  if (st == OG_ECONFLICT && og_str_find(og_str_of(cx->err->text), OG_STR("times")) != SIZE_MAX) {
    town_problem(t, "o%d never won: %.400s", number, cx->err->text); /* three writers are not that many */
  }
  og_error_clear(cx);
  OG_TRY(town_look(cx, t, g, branch, false));
  t->ops[number].to = t->looked;
  return OG_OK;
}

static og_status live(og_ctx *cx, worker *w, og_store *store)
{
  og_db *db;
  og_graph *g = NULL;
  og_arena *arena = cx->arena;
  OG_TRY(og_db_open_store(cx, store, false, &db));
  og_status st = og_graph_open(cx, store, true, &g);
  for (int i = 0; i < OPS && st == OG_OK && !*w->w->t.problem; i++) {
    OG_AUTO(og_arena) scratch = {0};
    cx->arena = &scratch;
    st = one_operation(cx, w, db, g);
  }
  cx->arena = arena;
  og_graph_close(g);
  og_db_close(db);
  return st;
}

static og_status work(og_ctx *cx, void *arg)
{
  worker *w = arg;
  OG_AUTO(og_arena) arena = {0};
  og_store *store = NULL;
  cx->arena = &arena;
  og_status st = og_store_local_new(cx, OG_STR(TOWN_ROOT), false, &store);
  if (st == OG_OK && (w->w->faults || w->w->delays)) {
    og_store *inner = store;
    st = og_store_fault_new(cx, inner, &store);
    og_store_unref(inner);
    w->faulty = store;
  }
  if (st == OG_OK) st = live(cx, w, store);
  if (st != OG_OK && !atomic_load(cx->cancel)) town_problem(&w->w->t, "%.400s", cx->err->text);
  og_store_unref(store);
  cx->arena = NULL;
  return st;
}

/* -- a whole world -- */

static og_status begin(og_ctx *cx, world *w)
{
  static const town_op first = {.kind = TOWN_SETTLE, .who = 0, .whom = 1, .city = 0, .mail = 0};
  og_db *db;
  OG_TRY(town_init(cx));
  OG_TRY(og_db_open(cx, OG_STR(TOWN_ROOT), false, &db));
  og_status st = town_run(cx, &w->t, db, first);
  if (st == OG_OK && w->branch) st = og_db_branch_create(cx, db, OG_STR("b"), OG_STR(""), OG_STR(""));
  og_db_close(db);
  return st;
}

static og_status look_afterwards(og_ctx *cx, world *w)
{
  static const town_op last = {.kind = TOWN_SETTLE, .who = 2, .whom = 3, .city = 1, .mail = 1};
  og_db *db;
  OG_TRY(og_db_open(cx, OG_STR(TOWN_ROOT), false, &db));
  og_status st = town_look_and_export(cx, &w->t, db, "");
  if (st == OG_OK && w->branch) st = town_look_and_export(cx, &w->t, db, "b");
  if (st == OG_OK) st = town_run(cx, &w->t, db, last);
  if (st == OG_OK) st = town_look_and_export(cx, &w->t, db, "");
  og_db_close(db);
  return st;
}

static void outside(world *w, og_status (*fn)(og_ctx *cx, world *w), const char *what)
{
  og_ctx cx;
  og_error err;
  OG_AUTO(og_arena) arena = {0};
  if (*w->t.problem) return;
  og_sim_ctx_init(og_sim_process_new(w->sim), &cx, &err, &arena);
  if (fn(&cx, w) != OG_OK) town_problem(&w->t, "%s: %.400s", what, err.text);
}

static void run_processes(world *w)
{
  worker workers[PROCESSES];
  og_sim_process *p[PROCESSES];
  uint64_t before = og_sim_stats_get(w->sim).calls, kind = w->seed % 10;
  if (*w->t.problem) return;
  for (int i = 0; i < PROCESSES; i++) {
    workers[i] = (worker){.w = w};
    p[i] = og_sim_process_new(w->sim);
    (void)og_sim_spawn(p[i], work, &workers[i]);
  }
  if (kind == 3 || kind == 4) og_sim_crash_at(p[0], 1 + og_sim_rand(w->sim, 1500));
  if (kind == 5 || kind == 6) og_sim_power_loss_at(w->sim, before + 1 + og_sim_rand(w->sim, 5000));
  if (og_sim_run(w->sim) != OG_SIM_DONE) town_problem(&w->t, "the run did not end");
  og_sim_power_loss_at(w->sim, 0);
  for (int i = 0; i < PROCESSES; i++)
    if (og_sim_runtime(p[i])->mem.in_use > 0) town_problem(&w->t, "process %d left memory behind", i);
}

/* What was refused, was refused for a reason. */
static void check_refusals(world *w)
{
  for (int i = 0; i < w->t.n_ops; i++) {
    const town_op *op = &w->t.ops[i];
    if (op->fate == TOWN_FAILED && op->to && !op->had_reason && !w->faults)
      town_problem(&w->t, "o%d (kind %d) was refused (%s), but was legal in every version from %d to %d", i,
                   (int)op->kind, op->error, (int)op->from, (int)op->to);
  }
}

static void play(world *w, uint64_t seed)
{
  memset(w, 0, sizeof *w);
  w->seed = seed;
  w->faults = seed % 10 == 7;
  w->delays = seed % 10 == 8;
  w->branch = seed % 3 == 0;
  w->sim = og_sim_new(seed);
  og_sim_set_trace(w->sim, listen, w);
  outside(w, begin, "at the beginning");
  run_processes(w);
  outside(w, look_afterwards, "afterwards");
  check_refusals(w);
  og_sim_free(w->sim);
}

static int count(const town *t, town_fate fate)
{
  int n = 0;
  for (int i = 0; i < t->n_ops; i++) n += t->ops[i].fate == fate;
  return n;
}

OG_TEST(write_sim, every_commit_is_its_operation_on_what_it_stands_on)
{
  static world w;
  int fates[TOWN_DEAD + 1] = {0}, raced = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    play(&w, seed);
    if (*w.t.problem) fail_msg("seed %d: %s", (int)seed, w.t.problem);
    for (town_fate f = TOWN_RUNNING; f <= TOWN_DEAD; f++) fates[f] += count(&w.t, f);
    raced += w.lost_races > 0;
  }
  print_message("%d seeds: %d commits, %d idle, %d refused, %d unknown, %d died; %d%% lost a race\n", SEEDS,
                fates[TOWN_DONE], fates[TOWN_IDLE], fates[TOWN_FAILED], fates[TOWN_UNKNOWN], fates[TOWN_DEAD],
                raced * 100 / SEEDS);
  OG_CHECK(fates[TOWN_DONE] > 4 * SEEDS && fates[TOWN_FAILED] > SEEDS);
  OG_CHECK(raced * 10 > SEEDS * 3);
}

OG_TEST_MAIN(OG_CASE(write_sim, every_commit_is_its_operation_on_what_it_stands_on))
