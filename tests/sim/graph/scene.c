/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include "arrow/builder.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>

static const og_str keys[MODEL_TABLES] = {{"node:A", 6}, {"node:B", 6}};

og_status scene_init(og_ctx *cx, og_store *store, bool force)
{
  return og_graph_init(cx, store, OG_STR("node A { n: I64 }\nnode B { n: I64 }\n"), OG_STR("s.pg"), force, OG_STR_NONE);
}

/* -- a commit -- */

static og_status batch_of(og_ctx *cx, og_schema *schema, int record, int table, const model_commit *c, og_batch **out)
{
  og_builder *b[2] = {NULL, NULL};
  og_column *columns[2] = {NULL, NULL};
  og_status st = OG_OK;
  for (uint32_t i = 0; st == OG_OK && i < 2; i++) st = og_builder_new(cx, &schema->fields[i], &b[i]);
  for (int i = 0; st == OG_OK && i < c->adds[table]; i++) {
    char id[32];
    int len = snprintf(id, sizeof id, "r%d.%d.%d", record, table, i);
    st = og_builder_str(cx, b[0], og_str_from(id, (size_t)len));
    if (st == OG_OK) st = og_builder_i64(cx, b[1], c->counts ? c->counted : 0);
  }
  for (uint32_t i = 0; st == OG_OK && i < 2; i++) st = og_builder_finish(cx, b[i], &columns[i]);
  if (st == OG_OK) st = og_batch_new(cx, schema, columns, 2, c->adds[table], out);
  for (uint32_t i = 0; i < 2; i++) {
    og_column_unref(columns[i]);
    og_builder_free(b[i]);
  }
  return st;
}

typedef struct attempt {
  model *m;
  og_snapshot *base;
  int record;
  og_ulid id;
  char text[OG_ULID_LEN], uuid[OG_ULID_LEN + 16];
  og_table_change changes[MODEL_TABLES];
  size_t n;
  uint64_t delete_at; /* offset in A */
} attempt;

static og_status change_table(og_ctx *cx, attempt *a, int table)
{
  const model_commit *c = &a->m->commits[a->record];
  bool removes = c->deletes && table == 0;
  og_lance_table *t;
  og_lance_place at;
  og_batch *batch = NULL;
  if (c->adds[table] == 0 && !removes) return OG_OK;
  const og_lance_change_opts opts = {.op = removes ? OG_LANCE_UPDATE : OG_LANCE_APPEND,
                                     .attempt = og_str_from(a->text, OG_ULID_LEN),
                                     .tx_uuid = og_str_of(a->uuid),
                                     .fold_rows = 64};
  OG_TRY(og_snapshot_write_place(cx, a->base, keys[table], &at));
  OG_TRY(og_snapshot_table(cx, a->base, keys[table], &t));
  og_table_change *out = &a->changes[a->n];
  out->key = keys[table];
  og_status st = og_lance_change_new(cx, &at, t, &opts, &out->change);
  if (st == OG_OK) a->n++;
  if (st == OG_OK && c->adds[table]) st = batch_of(cx, og_lance_table_schema(t)->arrow, a->record, table, c, &batch);
  if (st == OG_OK && batch) st = og_lance_change_insert(cx, out->change, batch);
  if (st == OG_OK && removes) st = og_lance_change_delete(cx, out->change, &a->delete_at, 1);
  if (st == OG_OK) st = og_lance_change_finish(cx, out->change);
  og_batch_unref(batch);
  og_lance_table_unref(t);
  return st;
}

/* What the commit depends on: A's rows, counted, and one of them to delete. */
static og_status read_base(og_ctx *cx, attempt *a, const scene_commit *want)
{
  og_vec rows = OG_VEC_INIT(model_seen);
  model_commit *c = &a->m->commits[a->record];
  if (!want->counts && !want->deletes) return OG_OK;
  og_status st = model_read(cx, a->m, a->base, 0, &rows);
  if (st == OG_OK) c->counted = (int64_t)rows.len;
  if (st == OG_OK && want->deletes && rows.len) {
    const model_seen *row = &OG_VEC_AT(&rows, model_seen, want->pick % rows.len);
    c->deletes = true;
    c->deleted = row->row;
    a->delete_at = row->offset;
  }
  og_vec_cleanup(&rows);
  return st;
}

/* Rows that others add do not matter to one who adds rows or deletes one by its id. */
static og_status never(og_ctx *cx, void *arg, og_str key, og_lance_table *was, og_lance_table *now, bool *conflict)
{
  (void)cx;
  (void)arg;
  (void)key;
  *conflict = !was || !now;
  return OG_OK;
}

static og_status publish(og_ctx *cx, og_graph *g, attempt *a, bool *rerun, og_commit *out)
{
  model_commit *c = &a->m->commits[a->record];
  og_publish_outcome outcome = OG_PUBLISHED;
  const og_publication p = {.base = a->base,
                            .tables = a->changes,
                            .n_tables = a->n,
                            .reads = keys,
                            .n_reads = c->counts ? 1 : 0,
                            .conflict = c->counts ? NULL : never,
                            .attempt = a->id,
                            .commit = c->id};
  c->prepared = true;
  og_status st = og_graph_publish(cx, g, &p, &outcome, out);
  *rerun = st == OG_OK && outcome == OG_PUBLISH_RERUN;
  return st;
}

static og_status run_attempt(og_ctx *cx, og_graph *g, attempt *a, const scene_commit *want, bool *rerun)
{
  model_commit *c = &a->m->commits[a->record];
  og_commit done;
  OG_TRY(og_graph_attempt(cx, g, a->base, &a->id));
  OG_TRY(og_graph_attempt(cx, g, a->base, &c->id));
  og_ulid_format(&a->id, a->text);
  snprintf(a->uuid, sizeof a->uuid, "omnigraph-%.26s", a->text);
  OG_TRY(read_base(cx, a, want));
  for (int t = 0; t < MODEL_TABLES; t++) OG_TRY(change_table(cx, a, t));
  OG_TRY(publish(cx, g, a, rerun, &done));
  if (*rerun) return OG_OK;
  if (og_ulid_cmp(&done.id, &c->id) != 0) model_problem(a->m, "publish answers another commit");
  c->version = done.manifest_version;
  return OG_OK;
}

static bool carries_commit(og_ctx *cx, const og_ulid *id)
{
  char text[OG_ULID_LEN + 1] = {0};
  og_ulid_format(id, text);
  return cx->err->detail.kind == OG_DETAIL_OUTCOME_UNKNOWN && strcmp(cx->err->detail.entity_id, text) == 0;
}

/* Writes the end of an attempt down. */
static void settle(og_ctx *cx, attempt *a, og_status st, bool rerun)
{
  model_commit *c = &a->m->commits[a->record];
  bool dead = atomic_load(cx->cancel);
  c->state = st != OG_OK || rerun ? MODEL_FAILED : MODEL_ACKED;
  if (st == OG_EUNKNOWN) {
    c->state = MODEL_UNKNOWN;
    if (!carries_commit(cx, &c->id)) model_problem(a->m, "an unknown outcome without the commit's id");
  }
  if (dead && c->state == MODEL_FAILED) c->state = MODEL_UNKNOWN; /* nobody was told */
  c->acked_at = ++a->m->now;
}

static og_status one_attempt(og_ctx *cx, model *m, og_graph *g, const scene_commit *want, bool *rerun)
{
  attempt a = {.m = m, .record = m->n_commits};
  OG_TRY(model_look(cx, m, g, want->branch, &a.base));
  if (m->n_commits == MODEL_COMMITS) {
    og_snapshot_unref(a.base);
    *rerun = false;
    return OG_OK;
  }
  a.record = m->n_commits++;
  model_commit *c = &m->commits[a.record];
  *c = (model_commit){.counts = want->counts};
  memcpy(c->incarnation, a.base->incarnation, 16);
  for (int t = 0; t < MODEL_TABLES; t++) c->adds[t] = want->adds[t];
  og_status st = run_attempt(cx, g, &a, want, rerun);
  settle(cx, &a, st, *rerun);
  for (size_t i = 0; i < a.n; i++) og_lance_change_free(cx, a.changes[i].change);
  og_snapshot_unref(a.base);
  return st;
}

og_status scene_commit_run(og_ctx *cx, model *m, og_graph *g, const scene_commit *c, scene_stats *stats)
{
  bool rerun = true;
  for (int i = 0; rerun && i <= c->max_reruns; i++) {
    og_status st = one_attempt(cx, m, g, c, &rerun);
    if (st == OG_ECONFLICT && c->deletes) { /* somebody deleted the same row */
      og_error_clear(cx);
      continue;
    }
    OG_TRY(st);
    stats->acked += !rerun;
    stats->reruns += rerun;
  }
  return OG_OK;
}

/* -- branches -- */

og_status scene_create_branch(og_ctx *cx, model *m, og_graph *g, char name)
{
  model_branch none, *b = m->n_created < MODEL_BRANCHES ? &m->created[m->n_created++] : &none;
  *b = (model_branch){.name = name, .started = ++m->now};
  og_status st = og_graph_branch_create(cx, g, og_str_from(&name, 1), OG_STR(""));
  b->state = st == OG_OK ? MODEL_ACKED : MODEL_UNKNOWN;
  b->acked_at = ++m->now;
  return st;
}

og_status scene_delete_branch(og_ctx *cx, model *m, og_graph *g, char name)
{
  og_snapshot *s;
  uint8_t incarnation[16];
  OG_TRY(og_graph_snapshot(cx, g, og_str_from(&name, 1), &s));
  memcpy(incarnation, s->incarnation, 16);
  og_snapshot_unref(s);
  m->deleting[name - 'b']++;
  m->last_delete[name - 'b'] = UINT64_MAX;
  og_status st = og_graph_branch_delete(cx, g, og_str_from(&name, 1));
  if (st == OG_OK && m->n_deaths < MODEL_BRANCHES) {
    model_death *d = &m->deaths[m->n_deaths++];
    memcpy(d->incarnation, incarnation, 16);
    d->acked_at = ++m->now;
  }
  if (--m->deleting[name - 'b'] == 0) m->last_delete[name - 'b'] = ++m->now;
  return st;
}

/* -- processes -- */

typedef struct worker {
  const scene_opts *o;
  og_sim *sim;
  model *m;
  scene_stats *stats;
  og_store *faulty; /* the fault wrapper, or NULL */
  bool cleans;
} worker;

static bool is_expected(const worker *w, og_status st)
{
  switch (st) {
  case OG_OK:
  case OG_ECONFLICT: /* branches that depend on each other; deletes of one row */
  case OG_ENOTFOUND: /* no such branch, or not any more */
  case OG_EEXISTS: /* the branch */ return true;
  case OG_EIO:
  case OG_EUNKNOWN: return w->o->faults;
  case OG_EGONE: return w->o->cleaner;
  default: return false;
  }
}

static og_status commit_something(og_ctx *cx, worker *w, og_graph *g)
{
  static const char names[3][2] = {"", "b", "c"};
  const char *name = w->o->branches ? names[og_sim_rand(w->sim, 3)] : "";
  if (w->o->one_branch) name = "b";
  uint64_t kind = og_sim_rand(w->sim, 4);
  scene_commit c = {.branch = og_str_of(name),
                    .adds = {(int)og_sim_rand(w->sim, 3), kind == 0},
                    .counts = kind == 0,
                    .deletes = kind == 1,
                    .pick = (uint32_t)og_sim_rand(w->sim, 1000),
                    .max_reruns = 6};
  if (c.adds[0] + c.adds[1] == 0) c.adds[1] = 1;
  return scene_commit_run(cx, w->m, g, &c, w->stats);
}

/* A snapshot stays what it is while others go on. */
static og_status read_twice(og_ctx *cx, worker *w, og_graph *g)
{
  og_snapshot *s;
  uint64_t since = w->m->now;
  OG_TRY(model_look(cx, w->m, g, OG_STR(""), &s));
  for (int i = 0; i < 20; i++) cx->env->ops->yield(cx->env);
  og_status st = model_look_at(cx, w->m, s, since);
  og_snapshot_unref(s);
  return st;
}

/* Deletes log versions of main from the oldest up, leaving some of the newest. */
static og_status clean(og_ctx *cx, worker *w, og_graph *g)
{
  og_snapshot *s;
  OG_TRY(og_graph_snapshot(cx, g, OG_STR(""), &s));
  uint64_t newest = s->fold->version, keep = og_sim_rand(w->sim, 2);
  const og_lance_place log = {og_graph_store(g), OG_STR(OG_LOG_ROOT), OG_STR("")};
  og_snapshot_unref(s);
  for (uint64_t v = 1; v + keep < newest; v++) {
    og_str key;
    OG_TRY(og_lance_manifest_key(cx, &log, v, &key));
    OG_TRY(og_store_delete(cx, og_graph_store(g), key));
  }
  return OG_OK;
}

static og_status one_operation(og_ctx *cx, worker *w, og_graph *g)
{
  uint64_t kind = og_sim_rand(w->sim, 10);
  char name = (char)('b' + og_sim_rand(w->sim, 2));
  if (w->o->one_branch) {
    name = 'b';
    kind = kind / 2 + (kind > 7); /* 0 0 1 1 2 2 3 3 5 5: fewer commits */
  }
  if (w->cleans) return clean(cx, w, g);
  if (w->o->branches && kind < 2) {
    w->stats->branches++;
    return scene_create_branch(cx, w->m, g, name);
  }
  if (w->o->branches && kind == 2) {
    w->stats->deletes++;
    return scene_delete_branch(cx, w->m, g, name);
  }
  return kind == 3 ? read_twice(cx, w, g) : commit_something(cx, w, g);
}

static void plan_fault(worker *w)
{
  static const og_fault_kind kinds[] = {OG_FAULT_FAIL, OG_FAULT_LOSE_REPLY, OG_FAULT_LOSE_REPLY, OG_FAULT_DELAY};
  if (!w->faulty) return;
  og_fault_kind kind = kinds[og_sim_rand(w->sim, OG_ARRAY_LEN(kinds))];
  const og_fault_plan plan = {.kind = w->o->delays ? OG_FAULT_DELAY : kind,
                              .nth = 1 + og_sim_rand(w->sim, 120),
                              .sticky = og_sim_rand(w->sim, 4) == 0 && !w->o->delays};
  og_store_fault_set(w->faulty, plan);
}

static og_status operate(og_ctx *cx, worker *w, og_store *store)
{
  og_graph *g;
  OG_TRY(og_graph_open(cx, store, false, &g));
  og_arena *arena = cx->arena;
  int operations = w->cleans ? 10 * w->o->operations : w->o->operations; /* cleaning is quick, and goes on */
  for (int i = 0; i < operations && !atomic_load(cx->cancel) && !*w->m->problem; i++) {
    OG_AUTO(og_arena) scratch = {0};
    cx->arena = &scratch;
    plan_fault(w);
    og_status st = one_operation(cx, w, g);
    if (!atomic_load(cx->cancel) && !is_expected(w, st))
      model_problem(w->m, "%s: %.400s", og_status_name(st), cx->err->text);
    og_error_clear(cx);
  }
  cx->arena = arena;
  og_graph_close(g);
  return OG_OK;
}

static og_status work(og_ctx *cx, void *arg)
{
  worker *w = arg;
  OG_AUTO(og_arena) arena = {0};
  og_store *store = NULL;
  cx->arena = &arena;
  og_status st = og_store_local_new(cx, OG_STR(SCENE_ROOT), false, &store);
  if (st == OG_OK && (w->o->faults || w->o->delays)) {
    og_store *inner = store;
    st = og_store_fault_new(cx, inner, &store);
    og_store_unref(inner);
    w->faulty = store;
  }
  if (st == OG_OK) st = operate(cx, w, store);
  if (st != OG_OK && !atomic_load(cx->cancel)) model_problem(w->m, "open: %.400s", cx->err->text);
  og_store_unref(store);
  cx->arena = NULL;
  return st;
}

/* -- a whole world -- */

typedef struct listener {
  scene_stats *stats;
  bool print;
} listener;

static bool ends_with(const char *text, const char *end)
{
  size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + n - m, end) == 0;
}

static void listen(void *arg, const char *line)
{
  listener *l = arg;
  if (l->print) fprintf(stderr, "%s\n", line);
  if (strstr(line, " link " SCENE_ROOT "/" OG_LOG_ROOT "/") && ends_with(line, og_status_name(OG_EEXISTS)))
    l->stats->lost_races++;
}

static og_status count_prepared(og_ctx *cx, const model *m, og_graph *g, scene_stats *stats)
{
  for (int i = 0; i < m->n_commits; i++) {
    const model_commit *c = &m->commits[i];
    bool there;
    if (!c->prepared || c->state != MODEL_UNKNOWN) continue;
    OG_TRY(model_is_visible(cx, g, c, &there));
    stats->crashed_after_preparing += !there;
  }
  return OG_OK;
}

/* What other readers of the format take for the newest version of main's tables is the visible one: what losers left
 * is below it, because nobody ever leaves a number out.  After a commit to every table, where no file was lost. */
static og_status look_at_numbers(og_ctx *cx, model *m, og_graph *g)
{
  og_snapshot *s;
  OG_TRY(og_graph_snapshot(cx, g, OG_STR(""), &s));
  og_status st = OG_OK;
  for (int t = 0; st == OG_OK && t < MODEL_TABLES; t++) {
    const og_table_state *is = og_fold_table_by_key(s->fold, keys[t]);
    const og_lance_place at = {og_graph_store(g), is->path, is->branch};
    uint64_t newest = 0;
    st = og_lance_newest_version(cx, &at, &newest);
    if (st == OG_OK && newest != is->version)
      model_problem(m, "table %d is at version %" PRIu64 ", its newest file at %" PRIu64, t, is->version, newest);
    for (uint64_t v = 1; st == OG_OK && v < newest; v++) {
      og_object_info unused;
      og_str key;
      st = og_lance_manifest_key(cx, &at, v, &key);
      if (st == OG_OK) st = og_store_info(cx, at.store, key, &unused);
      if (st == OG_ENOTFOUND) model_problem(m, "table %d has version %" PRIu64 " but not %" PRIu64, t, newest, v);
    }
  }
  og_snapshot_unref(s);
  return st;
}

/* A process that was not there before sees it all, and can write. */
static og_status look_afterwards(og_ctx *cx, const scene_opts *o, model *m, scene_stats *stats)
{
  og_store *store;
  og_graph *g;
  scene_stats unused = {0};
  const scene_commit more = {.branch = OG_STR(""), .adds = {1, 1}};
  OG_TRY(og_store_local_new(cx, OG_STR(SCENE_ROOT), false, &store));
  og_status st = og_graph_open(cx, store, false, &g);
  og_store_unref(store);
  OG_TRY(st);
  st = model_look_at_all(cx, m, g);
  if (st == OG_OK) st = count_prepared(cx, m, g, stats);
  if (st == OG_OK && m->n_commits < MODEL_COMMITS) st = scene_commit_run(cx, m, g, &more, &unused);
  if (st == OG_OK) st = model_look(cx, m, g, OG_STR(""), NULL);
  if (st == OG_OK && !o->power_within && m->n_commits < MODEL_COMMITS) st = look_at_numbers(cx, m, g);
  og_graph_close(g);
  return st;
}

static og_status begin(og_sim *sim)
{
  og_ctx cx;
  og_error err;
  OG_AUTO(og_arena) arena = {0};
  og_store *store;
  og_sim_ctx_init(og_sim_process_new(sim), &cx, &err, &arena);
  OG_TRY(og_store_local_new(&cx, OG_STR(SCENE_ROOT), false, &store));
  og_status st = scene_init(&cx, store, false);
  og_store_unref(store);
  return st;
}

static void finish(og_sim *sim, const scene_opts *o, model *m, scene_stats *stats)
{
  og_ctx cx;
  og_error err;
  OG_AUTO(og_arena) arena = {0};
  og_sim_ctx_init(og_sim_process_new(sim), &cx, &err, &arena);
  og_status st = look_afterwards(&cx, o, m, stats);
  if (st != OG_OK) model_problem(m, "afterwards: %.400s", err.text);
}

static void run_world(og_sim *sim, const scene_opts *o, model *m, scene_stats *stats)
{
  worker workers[SCENE_PROCESSES];
  og_sim_process *p[SCENE_PROCESSES];
  uint64_t before = og_sim_stats_get(sim).calls;
  if (o->delays) og_sim_set_switch_permille(sim, 30); /* the others do much while one is delayed */
  for (int i = 0; i < SCENE_PROCESSES; i++) {
    workers[i] = (worker){.o = o, .sim = sim, .m = m, .stats = stats, .cleans = o->cleaner && i == 0};
    p[i] = og_sim_process_new(sim);
    (void)og_sim_spawn(p[i], work, &workers[i]);
  }
  if (o->crash_within) og_sim_crash_at(p[0], 1 + og_sim_rand(sim, o->crash_within));
  if (o->power_within) og_sim_power_loss_at(sim, before + 1 + og_sim_rand(sim, o->power_within));
  if (og_sim_run(sim) != OG_SIM_DONE) model_problem(m, "the run did not end");
  og_sim_power_loss_at(sim, 0);
  for (int i = 0; i < SCENE_PROCESSES; i++)
    if (og_sim_runtime(p[i])->mem.in_use > 0) model_problem(m, "process %d left memory behind", i);
}

scene_opts scene_world(uint64_t seed)
{
  scene_opts o = {.seed = seed, .operations = 3};
  uint64_t kind = seed % 10;
  o.branches = kind < 5;
  o.one_branch = kind == 4;
  o.faults = kind == 2 || kind == 7;
  o.cleaner = kind >= 8;
  o.delays = kind >= 8;
  o.crash_within = kind % 5 == 0 || kind % 5 == 3 ? 400 : 0;
  o.power_within = kind % 5 == 1 || kind == 9 ? 3000 : 0;
  if (o.one_branch) o.operations = 6;
  if (o.delays) o.operations = 8;
  return o;
}

void scene_play(const scene_opts *o, scene_stats *stats, char problem[512])
{
  static model m; /* one world at a time; too large for a stack */
  listener l = {stats, o->trace};
  og_sim *sim = og_sim_new(o->seed);
  memset(&m, 0, sizeof m);
  *stats = (scene_stats){0};
  og_sim_set_trace(sim, listen, &l);
  if (begin(sim) != OG_OK) model_problem(&m, "init failed");
  if (!*m.problem) run_world(sim, o, &m, stats);
  if (!*m.problem) finish(sim, o, &m, stats);
  stats->calls = og_sim_stats_get(sim).calls;
  snprintf(problem, 512, "%s", m.problem);
  og_sim_free(sim);
}
