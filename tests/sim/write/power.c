/* SPDX-License-Identifier: MIT */
/* Power is lost at every call of loads and mutations, on main and on a branch that they touch first, while another
 * process reads what it finds.  Afterwards every commit is whole or absent, what was acknowledged or shown is there,
 * the export says the same, and the graph takes the next write.  Then every sync is left out in turn: something must be
 * lost. */
#include "og_test.h"

#include "sim/ahead.h"
#include "sim/lance_files.h"
#include "sim/reader.h"
#include "town.h"

#include <stdio.h>

typedef struct script {
  const char *name;
  bool on_branch;
  int n;
  town_op ops[6];
} script;

static const script scripts[] = {
    {"loads",
     false,
     3,
     {{.kind = TOWN_JOIN, .who = 3, .whom = 0, .mail = 1},
      {.kind = TOWN_MERGE, .who = 4, .whom = 0, .city = 1, .mail = 2},
      {.kind = TOWN_SETTLE, .who = 1, .whom = 2, .city = 2, .mail = -1}}},
    {"loads that spill",
     false,
     3,
     {{.kind = TOWN_JOIN, .who = 3, .whom = 0, .mail = 1, .spills = true},
      {.kind = TOWN_MERGE, .who = 4, .whom = 0, .city = 1, .mail = 2, .spills = true},
      {.kind = TOWN_SETTLE, .who = 1, .whom = 2, .city = 2, .mail = -1, .spills = true}}},
    {"mutations",
     false,
     6,
     {{.kind = TOWN_PUT, .who = 3, .mail = 1},
      {.kind = TOWN_ARRIVE, .who = 0, .whom = 3, .mail = -1},
      {.kind = TOWN_RENAME, .who = 1},
      {.kind = TOWN_QUIT, .who = 0},
      {.kind = TOWN_HOUSE, .who = 3, .city = 0},
      {.kind = TOWN_LEAVE, .who = 0}}},
    {"schema changes",
     false,
     5,
     {{.kind = TOWN_EVOLVE, .who = 2},
      {.kind = TOWN_PUT, .who = 3, .mail = 1},
      {.kind = TOWN_EVOLVE, .who = 3},
      {.kind = TOWN_RENAME, .who = 1},
      {.kind = TOWN_EVOLVE, .who = 0}}},
    {"a branch's first load", true, 1, {{.kind = TOWN_MERGE, .who = 1, .whom = 4, .city = 1, .mail = 2}}},
    {"a branch's first mutations",
     true,
     4,
     {{.kind = TOWN_LEAVE, .who = 0},
      {.kind = TOWN_PUT, .who = 3, .mail = 0},
      {.kind = TOWN_RENAME, .who = 1},
      {.kind = TOWN_ARRIVE, .who = 2, .whom = 1}}},
};

#define SCRIPTS OG_ARRAY_LEN(scripts)

typedef struct play {
  const script *s;
  uint64_t seed;
  const char *without; /* the sync site left out, or NULL */
} play;

typedef struct actor {
  const play *p;
  town *t;
  reader *other;
} actor;

/* -- what happens -- */

static og_status set_scene(og_ctx *cx, actor *a)
{
  static const town_op settle = {.kind = TOWN_SETTLE, .who = 0, .whom = 1, .city = 0, .mail = 0},
                       more = {.kind = TOWN_PUT, .who = 2, .mail = -1};
  og_db *db;
  OG_TRY(town_init(cx));
  OG_TRY(og_db_open(cx, OG_STR(TOWN_ROOT), false, &db));
  og_status st = town_run(cx, a->t, db, settle);
  if (st == OG_OK) st = town_run(cx, a->t, db, more);
  if (st == OG_OK && a->p->s->on_branch) st = og_db_branch_create(cx, db, OG_STR("b"), OG_STR(""), OG_STR(""));
  og_db_close(db);
  return st;
}

static og_status write_script(og_ctx *cx, actor *a)
{
  og_db *db;
  og_status st = OG_OK;
  OG_TRY(og_db_open(cx, OG_STR(TOWN_ROOT), false, &db));
  for (int i = 0; st == OG_OK && i < a->p->s->n; i++) {
    town_op op = a->p->s->ops[i];
    op.on_branch = a->p->s->on_branch;
    st = town_run(cx, a->t, db, op);
    if (st == OG_OK && a->t->ops[a->t->n_ops - 1].fate != TOWN_DONE) town_problem(a->t, "operation %d was idle", i);
  }
  og_db_close(db);
  return st;
}

static og_status writer(og_ctx *cx, void *arg)
{
  OG_AUTO(og_arena) arena = {0};
  actor *a = arg;
  cx->arena = &arena;
  og_status st = write_script(cx, a);
  if (st != OG_OK) town_problem(a->t, "writer: %.400s", cx->err->text);
  a->other->done = true;
  cx->arena = NULL;
  return st;
}

static og_status look_around(og_ctx *cx, town *t, const script *s)
{
  og_store *store;
  og_graph *g;
  OG_TRY(og_store_local_new(cx, OG_STR(TOWN_ROOT), true, &store));
  og_status st = og_graph_open(cx, store, true, &g);
  og_store_unref(store);
  OG_TRY(st);
  st = town_look(cx, t, g, s->on_branch ? "b" : "", false);
  og_graph_close(g);
  return st;
}

static og_status reader_look(og_ctx *cx, void *arg)
{
  const actor *a = arg;
  return look_around(cx, a->t, a->p->s);
}

static void reader_problem(void *arg, const og_error *err)
{
  const actor *a = arg;
  town_problem(a->t, "reader: %.400s", err->text);
}

/* -- what must be there afterwards -- */

static og_status look_afterwards(og_ctx *cx, town *t, const script *s)
{
  const town_op next = {.kind = TOWN_PUT, .who = 5, .mail = -1, .on_branch = s->on_branch};
  const char *branch = s->on_branch ? "b" : "";
  og_store *store;
  og_db *db;
  OG_TRY(og_store_local_new(cx, OG_STR(TOWN_ROOT), false, &store));
  og_status st = og_db_open_store(cx, store, false, &db);
  if (st == OG_OK) {
    st = town_look_and_export(cx, t, db, branch);
    if (st == OG_OK && s->on_branch) st = town_look_and_export(cx, t, db, "");
    if (st == OG_OK) st = check_transactions(cx, store);
    if (st == OG_OK) st = town_check_mirrors(cx, t, store);
    if (st == OG_OK && !*t->problem) st = town_run(cx, t, db, next);
    if (st == OG_OK) st = look_around(cx, t, s);
    og_db_close(db);
  }
  og_store_unref(store);
  return st;
}

typedef struct promise {
  const script *s;
  town *t;
  town look; /* the town as a look needs it: it notes what it saw */
} promise;

/* The town without its clock. */
static uint64_t promises(void *arg)
{
  static town still;
  const promise *p = arg;
  still = *p->t;
  still.now = still.looked = 0;
  for (int i = 0; i < still.n_ops; i++) {
    still.ops[i].done_at = still.ops[i].done_at > 0;
    still.ops[i].seen_at = still.ops[i].seen_at > 0;
  }
  return og_str_hash(og_str_from((const char *)&still, sizeof still));
}

static bool look_ahead(void *arg, og_sim *after)
{
  promise *p = arg;
  og_ctx cx;
  og_error err;
  OG_AUTO(og_arena) arena = {0};
  p->look = *p->t;
  og_sim_ctx_init(og_sim_process_new(after), &cx, &err, &arena);
  if (look_afterwards(&cx, &p->look, p->s) != OG_OK) town_problem(&p->look, "afterwards: %.400s", err.text);
  if (*p->look.problem) town_problem(p->t, "%s", p->look.problem);
  return *p->look.problem == '\0';
}

/* -- playing -- */

typedef struct outcome {
  uint64_t calls, looks;
  char problem[sizeof((town *)0)->problem];
} outcome;

typedef struct sites {
  char name[96][128];
  bool needed[96];
  bool used[96]; /* by the last play that left nothing out */
  int n;
} sites;

static sites all;

static void note_site(const char *name)
{
  int i = 0;
  while (i < all.n && strcmp(all.name[i], name) != 0) i++;
  OG_CHECK((size_t)i < OG_ARRAY_LEN(all.name));
  if (i == all.n) snprintf(all.name[all.n++], sizeof all.name[0], "%s", name);
  all.used[i] = true;
}

/* Folders whose entries init and branch create made, and made durable before the graph or the branch got its name:
 * sim_graph_power removes those syncs.  Who opens a graph cannot know that, and syncs them once more; and what a writer
 * must do before it acknowledges, a reader need not do again. */
static bool is_covered(const char *site)
{
  static const char *const covered[] = {"sync folder /",
                                        "sync folder " TOWN_ROOT,
                                        "sync file " TOWN_ROOT
                                        "/.tmp-*", /* a mirror: whoever opens for writing heals it */
                                        "sync folder /g/nodes",
                                        "sync folder /g/edges",
                                        "sync folder /g/__manifest",
                                        "sync folder /g/__manifest/tree",
                                        "reader sync folder /",
                                        "reader sync folder " TOWN_ROOT,
                                        "reader sync folder /g/__manifest",
                                        "reader sync folder /g/__manifest/tree",
                                        "reader sync folder /g/__manifest/tree/b"};
  for (size_t i = 0; i < OG_ARRAY_LEN(covered); i++)
    if (strcmp(site, covered[i]) == 0) return true;
  return false;
}

typedef struct counts {
  uint64_t of[96];
} counts;

static counts count_sites(const og_sim *sim)
{
  counts c = {{0}};
  for (size_t i = 0; i < og_sim_sync_sites(sim) && i < OG_ARRAY_LEN(c.of); i++)
    c.of[i] = og_sim_sync_site_count(sim, i);
  return c;
}

/* The scene's own sites are not the script's. */
static void note_sites(const og_sim *sim, const counts *before)
{
  memset(all.used, 0, sizeof all.used);
  for (size_t i = 0; i < og_sim_sync_sites(sim); i++)
    if (og_sim_sync_site_count(sim, i) > before->of[i]) note_site(og_sim_sync_site(sim, i));
}

static void set_scene_outside(og_sim *sim, actor *a)
{
  og_ctx cx;
  og_error err;
  OG_AUTO(og_arena) arena = {0};
  og_sim_ctx_init(og_sim_process_new(sim), &cx, &err, &arena);
  if (set_scene(&cx, a) != OG_OK) town_problem(a->t, "setting: %.400s", err.text);
}

/* Plays once, and loses power at every call of it. */
static outcome run(const play *p, const og_sim_loss *losses, size_t n_losses)
{
  static town t;
  static promise promised;
  static ahead look;
  og_sim *sim = og_sim_new(p->seed);
  reader other = {.sim = sim,
                  .how = (reading)(p->seed % READINGS),
                  .log = TOWN_ROOT "/__manifest/",
                  .look = reader_look,
                  .problem = reader_problem};
  actor a = {.p = p, .t = &t, .other = &other};
  other.arg = &a;
  memset(&t, 0, sizeof t);
  promised = (promise){.s = p->s, .t = &t};
  look = (ahead){
      .sim = sim, .losses = losses, .n_losses = n_losses, .promises = promises, .look = look_ahead, .arg = &promised};
  og_sim_set_switch_permille(sim, SWITCH_PERMILLE);
  set_scene_outside(sim, &a);
  counts before = count_sites(sim);
  og_sim_suppress_site(sim, p->without);
  ahead_start(&look);
  (void)og_sim_spawn(og_sim_process_new(sim), writer, &a);
  reader_start(&other, 3); /* behind setting and writer */
  if (og_sim_run(sim) != OG_SIM_DONE) town_problem(&t, "the run did not end");
  ahead_end(&look);
  if (!p->without) note_sites(sim, &before);
  outcome o = {.calls = look.calls, .looks = look.looks};
  snprintf(o.problem, sizeof o.problem, "%s", t.problem);
  og_sim_free(sim);
  return o;
}

#define SEEDS 9 /* three of each way of reading */

/* A reader makes good what a writer left out: a reader's sync is removed where it reads at once, a writer's where
 * nobody reads. */
static bool can_show(uint64_t seed, int i)
{
  bool is_reader = strncmp(all.name[i], "reader ", 7) == 0;
  if (!all.used[i] || all.needed[i] || is_covered(all.name[i])) return false;
  return seed % READINGS == (is_reader ? READ_AT_ONCE : READ_NEVER);
}

static void power_loss_everywhere(const script *s)
{
  static const og_sim_loss losses[SEEDS / READINGS][2] = {
      {OG_SIM_LOSE_ALL, OG_SIM_LOSE_DATA}, {OG_SIM_LOSE_ALL, OG_SIM_LOSE_ENTRIES}, {OG_SIM_LOSE_ALL, OG_SIM_LOSE_ALL}};
  uint64_t calls = 0, looks = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    play p = {s, seed, NULL};
    outcome o = run(&p, losses[seed / READINGS], 2);
    if (*o.problem) fail_msg("%s, seed %d: %s", s->name, (int)seed, o.problem);
    calls += o.calls;
    looks += o.looks;
    for (int i = 0; i < all.n; i++) {
      if (!can_show(seed, i)) continue;
      p.without = all.name[i];
      all.needed[i] = *run(&p, losses[0], 1).problem != '\0';
    }
  }
  print_message("%s: power lost at %d calls: %d disks\n", s->name, (int)calls, (int)looks);
  OG_CHECK(looks > 50);
}

OG_TEST(write_power, loads_are_whole_or_absent)
{
  power_loss_everywhere(&scripts[0]);
}

OG_TEST(write_power, loads_that_spill_are_whole_or_absent)
{
  power_loss_everywhere(&scripts[1]);
}

OG_TEST(write_power, mutations_are_whole_or_absent)
{
  power_loss_everywhere(&scripts[2]);
}

OG_TEST(write_power, schema_changes_are_whole_or_absent)
{
  power_loss_everywhere(&scripts[3]);
}

OG_TEST(write_power, the_first_load_of_a_branch_is_whole_or_absent)
{
  power_loss_everywhere(&scripts[4]);
}

OG_TEST(write_power, the_first_mutations_of_a_branch_are_whole_or_absent)
{
  power_loss_everywhere(&scripts[5]);
}

/* Of the tests above. */
OG_TEST(write_power, every_sync_is_needed)
{
  int unneeded = 0;
  for (int i = 0; i < all.n; i++) {
    const char *verdict = is_covered(all.name[i]) ? "covered by those of init" : "NOT NEEDED";
    print_message("without %s: %s\n", all.name[i], all.needed[i] ? "something is lost" : verdict);
    unneeded += !all.needed[i] && !is_covered(all.name[i]);
  }
  OG_CHECK(all.n > 0 && unneeded == 0);
}

OG_TEST_MAIN(OG_CASE(write_power, loads_are_whole_or_absent),
             OG_CASE(write_power, loads_that_spill_are_whole_or_absent),
             OG_CASE(write_power, mutations_are_whole_or_absent),
             OG_CASE(write_power, schema_changes_are_whole_or_absent),
             OG_CASE(write_power, the_first_load_of_a_branch_is_whole_or_absent),
             OG_CASE(write_power, the_first_mutations_of_a_branch_are_whole_or_absent),
             OG_CASE(write_power, every_sync_is_needed))
