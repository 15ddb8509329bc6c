/* SPDX-License-Identifier: MIT */
/* Power is lost at every call of init, of commits and of branch create and delete, while another process reads what it
 * finds.  Afterwards the graph opens, or an init that nobody knew of is absent and can be run again; what was
 * acknowledged or shown is there.  Then every sync is left out in turn: something must be lost. */
#include "og_test.h"

#include "scene.h"
#include "sim/ahead.h"
#include "sim/lance_files.h"
#include "sim/reader.h"

#include <stdio.h>

typedef enum script { SCRIPT_INIT, SCRIPT_COMMIT, SCRIPT_BRANCH, SCRIPTS } script;

typedef struct play {
  script script;
  uint64_t seed;
  const char *without; /* the sync site left out, or NULL */
} play;

typedef struct sites {
  char name[64][128];
  bool needed[64];
  int n;
} sites;

static int site_index(sites *s, const char *name)
{
  for (int i = 0; i < s->n; i++)
    if (strcmp(s->name[i], name) == 0) return i;
  OG_CHECK(s->n < 64);
  snprintf(s->name[s->n], sizeof s->name[0], "%s", name);
  return s->n++;
}

typedef struct actor {
  const play *p;
  model *m;
  bool *graph_known; /* acknowledged or opened */
  reader *other;
} actor;

static reading reading_of(const play *p)
{
  return (reading)(p->seed % READINGS);
}

/* -- what happens -- */

static og_status open_graph(og_ctx *cx, bool read_only, og_graph **out)
{
  og_store *store;
  OG_TRY(og_store_local_new(cx, OG_STR(SCENE_ROOT), read_only, &store));
  og_status st = og_graph_open(cx, store, read_only, out);
  og_store_unref(store);
  return st;
}

static og_status init_graph(og_ctx *cx, bool force)
{
  og_store *store;
  OG_TRY(og_store_local_new(cx, OG_STR(SCENE_ROOT), false, &store));
  og_status st = scene_init(cx, store, force);
  og_store_unref(store);
  return st;
}

static og_status write_commits(og_ctx *cx, model *m, og_graph *g, og_str branch)
{
  scene_stats unused = {0};
  const scene_commit add = {.branch = branch, .adds = {2, 1}},
                     del = {.branch = branch, .adds = {0, 1}, .deletes = true};
  OG_TRY(scene_commit_run(cx, m, g, &add, &unused));
  return scene_commit_run(cx, m, g, &del, &unused);
}

static og_status change_branches(og_ctx *cx, model *m, og_graph *g)
{
  scene_stats unused = {0};
  const scene_commit add = {.branch = OG_STR("b"), .adds = {1, 0}};
  for (int i = 0; i < 2; i++) {
    OG_TRY(scene_create_branch(cx, m, g, 'b'));
    OG_TRY(scene_commit_run(cx, m, g, &add, &unused));
    if (i == 0) OG_TRY(scene_delete_branch(cx, m, g, 'b'));
  }
  return OG_OK;
}

static og_status write_script(og_ctx *cx, actor *a)
{
  og_graph *g;
  if (a->p->script == SCRIPT_INIT) {
    OG_TRY(init_graph(cx, false));
    *a->graph_known = true;
    return OG_OK;
  }
  OG_TRY(open_graph(cx, false, &g));
  og_status st = a->p->script == SCRIPT_COMMIT ? write_commits(cx, a->m, g, OG_STR("")) : change_branches(cx, a->m, g);
  og_graph_close(g);
  return st;
}

/* Looks at main and b, whatever there is yet. */
static og_status look_around(og_ctx *cx, void *arg)
{
  actor *a = arg;
  og_graph *g;
  og_status st = open_graph(cx, true, &g);
  if (st != OG_OK) return st;
  *a->graph_known = true;
  st = model_look(cx, a->m, g, OG_STR(""), NULL);
  if (st == OG_OK && a->p->script == SCRIPT_BRANCH) st = model_look(cx, a->m, g, OG_STR("b"), NULL);
  og_graph_close(g);
  return st;
}

static og_status writer(og_ctx *cx, void *arg)
{
  OG_AUTO(og_arena) arena = {0};
  actor *a = arg;
  cx->arena = &arena;
  og_status st = write_script(cx, a);
  if (st != OG_OK && !atomic_load(cx->cancel)) model_problem(a->m, "writer: %.400s", cx->err->text);
  a->other->done = true;
  cx->arena = NULL;
  return st;
}

static void reader_problem(void *arg, const og_error *err)
{
  const actor *a = arg;
  model_problem(a->m, "reader: %.400s", err->text);
}

/* -- what must be there afterwards -- */

static og_status open_or_make(og_ctx *cx, model *m, bool known, og_graph **out)
{
  og_status st = open_graph(cx, false, out);
  if (st != OG_ENOTFOUND || known) return st;
  og_error_clear(cx);
  if (m->n_commits) model_problem(m, "the graph is gone");
  OG_TRY(init_graph(cx, true)); /* its schema files may be there already */
  return open_graph(cx, false, out);
}

/* The mirror of a branch whose creation was acknowledged: a whole JSON object. */
static og_status check_mirror(og_ctx *cx, const model *m, og_store *store)
{
  const model_branch *last = m->n_created ? &m->created[m->n_created - 1] : NULL;
  OG_AUTO(og_buf) text = {0};
  if (!last || last->state != MODEL_ACKED || m->last_delete[0] > last->started) return OG_OK;
  OG_TRY(og_store_get(cx, store, OG_STR(OG_LOG_ROOT "/_refs/branches/b.json"), 1 << 20, &text));
  if (og_str_ends_with(og_buf_str(&text), OG_STR("}"))) return OG_OK;
  return og_fail(cx, OG_ECORRUPT, "the mirror of branch b is damaged");
}

static og_status look_afterwards(og_ctx *cx, model *m, bool known)
{
  og_graph *g;
  OG_TRY(open_or_make(cx, m, known, &g));
  og_status st = model_look_at_all(cx, m, g);
  if (st == OG_OK) st = check_transactions(cx, og_graph_store(g));
  if (st == OG_OK) st = check_mirror(cx, m, og_graph_store(g));
  if (st == OG_OK && !*m->problem) st = write_commits(cx, m, g, OG_STR(""));
  if (st == OG_OK) st = model_look(cx, m, g, OG_STR(""), NULL);
  og_graph_close(g);
  return st;
}

static void finish(og_sim *sim, model *m, bool known)
{
  og_ctx cx;
  og_error err;
  OG_AUTO(og_arena) arena = {0};
  og_sim_ctx_init(og_sim_process_new(sim), &cx, &err, &arena);
  og_status st = look_afterwards(&cx, m, known);
  if (st != OG_OK) model_problem(m, "afterwards: %.400s", err.text);
}

static void set_scene(og_sim *sim, const play *p, model *m)
{
  og_ctx cx;
  og_error err;
  OG_AUTO(og_arena) arena = {0};
  if (p->script == SCRIPT_INIT) return;
  og_sim_ctx_init(og_sim_process_new(sim), &cx, &err, &arena);
  if (init_graph(&cx, false) != OG_OK) model_problem(m, "setting: %.400s", err.text);
}

/* -- what if power is lost? -- */

typedef struct promise {
  model *m;
  bool *known;
  model look; /* the model as a look needs it: it notes what it saw */
} promise;

/* The model without its clock. */
static uint64_t promises(void *arg)
{
  static model still;
  const promise *p = arg;
  still = *p->m;
  still.now = *p->known;
  for (int i = 0; i < still.n_commits; i++) {
    still.commits[i].acked_at = still.commits[i].acked_at > 0;
    still.commits[i].seen_at = still.commits[i].seen_at > 0;
  }
  return og_str_hash(og_str_from((const char *)&still, sizeof still));
}

static bool look_ahead(void *arg, og_sim *after)
{
  promise *p = arg;
  p->look = *p->m;
  finish(after, &p->look, *p->known);
  if (!*p->look.problem) return true;
  model_problem(p->m, "%s", p->look.problem);
  return false;
}

typedef struct outcome {
  uint64_t calls, looks;
  char problem[512];
} outcome;

/* Plays once, and loses power at every call of it; the sync sites are added to `all`. */
static outcome run(const play *p, const og_sim_loss *losses, size_t n_losses, sites *all)
{
  static model m;
  static promise promised;
  static ahead look;
  bool known = p->script != SCRIPT_INIT;
  og_sim *sim = og_sim_new(p->seed);
  reader other = {.sim = sim,
                  .how = reading_of(p),
                  .log = SCENE_ROOT "/" OG_LOG_ROOT "/",
                  .look = look_around,
                  .problem = reader_problem};
  actor a = {.p = p, .m = &m, .graph_known = &known, .other = &other};
  other.arg = &a;
  memset(&m, 0, sizeof m);
  promised = (promise){.m = &m, .known = &known};
  look = (ahead){
      .sim = sim, .losses = losses, .n_losses = n_losses, .promises = promises, .look = look_ahead, .arg = &promised};
  og_sim_set_switch_permille(sim, SWITCH_PERMILLE);
  set_scene(sim, p, &m);
  og_sim_suppress_site(sim, p->without);
  ahead_start(&look);
  (void)og_sim_spawn(og_sim_process_new(sim), writer, &a);
  reader_start(&other, p->script == SCRIPT_INIT ? 2 : 3); /* behind setting and writer */
  if (og_sim_run(sim) != OG_SIM_DONE) model_problem(&m, "the run did not end");
  ahead_end(&look);
  for (size_t i = 0; all && i < og_sim_sync_sites(sim); i++) (void)site_index(all, og_sim_sync_site(sim, i));
  outcome o = {.calls = look.calls, .looks = look.looks};
  snprintf(o.problem, sizeof o.problem, "%s", m.problem);
  og_sim_free(sim);
  return o;
}

#define SEEDS 15 /* five of each way of reading: whether a reader comes in time is chance */

/* A reader's first sync of a version's folder makes the folders above durable, too.  These the barrier of a writer has
 * made durable before the version got its name; and a branch whose log has nothing but its clone is made again from its
 * row, as is a branch's mirror by the next open for writing. */
static bool is_covered(const char *site)
{
  static const char *const covered[] = {"reader sync folder /",
                                        "reader sync folder " SCENE_ROOT,
                                        "reader sync folder " SCENE_ROOT "/" OG_LOG_ROOT "/tree",
                                        "reader sync folder " SCENE_ROOT "/" OG_LOG_ROOT "/tree/b",
                                        "sync folder " SCENE_ROOT "/" OG_LOG_ROOT "/_refs",
                                        "sync folder " SCENE_ROOT "/" OG_LOG_ROOT "/_refs/branches"};
  for (size_t i = 0; i < OG_ARRAY_LEN(covered); i++)
    if (strcmp(site, covered[i]) == 0) return true;
  return false;
}

static sites all_sites;

/* A reader makes good what a writer left out: a reader's sync is removed where it reads at once, a writer's where
 * nobody reads. */
static bool shows(uint64_t seed, const char *site)
{
  bool is_reader = strncmp(site, "reader ", 7) == 0;
  return !is_covered(site) && seed % READINGS == (is_reader ? READ_AT_ONCE : READ_NEVER);
}

static void power_loss_everywhere(script s)
{
  static const og_sim_loss losses[] = {OG_SIM_LOSE_ALL, OG_SIM_LOSE_DATA, OG_SIM_LOSE_ENTRIES};
  sites *all = &all_sites;
  uint64_t calls = 0, looks = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    play p = {s, seed, NULL};
    outcome o = run(&p, losses, OG_ARRAY_LEN(losses), all);
    if (*o.problem) fail_msg("script %d, seed %d: %s", (int)s, (int)seed, o.problem);
    calls += o.calls;
    looks += o.looks;
    for (int i = 0; i < all->n; i++) {
      if (all->needed[i] || !shows(seed, all->name[i])) continue;
      p.without = all->name[i];
      all->needed[i] = *run(&p, losses, 1, NULL).problem != '\0';
    }
  }
  print_message("power lost at %d calls: %d disks\n", (int)calls, (int)looks);
  OG_CHECK(looks > 50);
}

OG_TEST(graph_power, init_is_whole_or_absent)
{
  power_loss_everywhere(SCRIPT_INIT);
}

OG_TEST(graph_power, commits_survive)
{
  power_loss_everywhere(SCRIPT_COMMIT);
}

OG_TEST(graph_power, branches_survive)
{
  power_loss_everywhere(SCRIPT_BRANCH);
}

/* Of the tests above. */
OG_TEST(graph_power, every_sync_is_needed)
{
  int unneeded = 0;
  for (int i = 0; i < all_sites.n; i++) {
    const char *site = all_sites.name[i], *verdict = is_covered(site) ? "covered by another" : "NOT NEEDED";
    print_message("without %s: %s\n", site, all_sites.needed[i] ? "something is lost" : verdict);
    unneeded += !all_sites.needed[i] && !is_covered(site);
  }
  OG_CHECK(all_sites.n > 0 && unneeded == 0);
}

OG_TEST_MAIN(OG_CASE(graph_power, init_is_whole_or_absent), OG_CASE(graph_power, commits_survive),
             OG_CASE(graph_power, branches_survive), OG_CASE(graph_power, every_sync_is_needed))
