/* SPDX-License-Identifier: MIT */
/* Several processes insert and delete rows on three branches, merge these into each other, change the schema, and clean
 * up, in worlds that one seed decides: who runs when, who crashes where, when power is lost, which store calls fail or
 * lose their reply.
 *
 * Rows have keys of their own, and a row is deleted by whoever made it, so no merge conflicts, and what a state holds
 * follows from its ancestry alone: every row that a commit in it inserted and none in it deleted, over both parents of
 * merges.  (Where two branches were merged into each other at once, a later merge has two bases to choose from, and the
 * other one's deletions may be undone: rows deleted there are not looked at.)  Afterwards that must hold of every state
 * that is still there, on every branch; what was acknowledged is in its branch's ancestry, what was refused is nowhere;
 * each branch can be merged into main; and once more, and main into each, after a cleanup that keeps nothing but the
 * newest states. */
#include "og_test.h"

#include "base/env_sim.h"
#include "db/internal.h"
#include "graph/tables.h"

#include <inttypes.h>
#include <stdio.h>

#define ROOT      "/g"
#define SEEDS     110
#define PROCESSES 4
#define STEPS     6 /* of each process */
#define BRANCHES  3
#define MAX_OPS   64

static const char *const names[BRANCHES] = {"main", "b", "c"};

typedef enum fate { RUNNING, DONE, REFUSED, UNKNOWN, DEAD } fate;

typedef struct op {
  int branch;
  int deletes; /* the operation whose row it deletes; -1: it inserts its own */
  fate fate;
  og_ulid commit;
} op;

typedef struct world {
  uint64_t seed;
  og_sim *sim;
  op ops[MAX_OPS];
  int n_ops;
  int merges, cleanups, applies, reclaimed; /* that were done; states seen to be gone */
  bool faults;
  char problem[512];
} world;

typedef struct worker {
  world *w;
  og_store *faulty;
  bool keeper;
} worker;

static void problem(world *w, const char *fmt, ...) OG_PRINTF(2, 3);
static void problem(world *w, const char *fmt, ...)
{
  va_list args;
  if (*w->problem) return;
  va_start(args, fmt);
  vsnprintf(w->problem, sizeof w->problem, fmt, args);
  va_end(args);
}

/* ---- what processes do */

static og_status mutate(og_ctx *cx, og_db *db, int branch, int number, const char *text, og_commit *out, bool *has)
{
  char actor[16];
  og_write_result done = {0};
  snprintf(actor, sizeof actor, "o%d", number);
  const og_db_query_args args = {.source = og_str_of(text),
                                 .source_name = OG_STR("q"),
                                 .target = {.branch = og_str_of(names[branch])},
                                 .actor = og_str_of(actor)};
  og_status st = og_db_mutate(cx, db, &args, &done);
  *has = st == OG_OK && done.has_commit;
  if (*has) *out = done.commit;
  return st;
}

/* A row that this process may delete: one whose insert is known to have landed, and that is not deleted already. */
static int pick_own(const world *w, int branch)
{
  for (int i = w->n_ops - 1; i >= 0; i--) {
    bool taken = w->ops[i].deletes >= 0 || w->ops[i].fate != DONE || w->ops[i].branch != branch;
    for (int k = 0; k < w->n_ops; k++) taken = taken || w->ops[k].deletes == i;
    if (!taken) return i;
  }
  return -1;
}

static og_status write_one(og_ctx *cx, worker *k, og_db *db)
{
  world *w = k->w;
  char text[128];
  og_commit done;
  bool has;
  const int number = w->n_ops++, branch = (int)og_sim_rand(w->sim, BRANCHES);
  op *o = &w->ops[number];
  *o = (op){.branch = branch, .deletes = og_sim_rand(w->sim, 3) == 0 ? pick_own(w, branch) : -1};
  if (o->deletes >= 0)
    snprintf(text, sizeof text, "query q() { delete R where k = \"r%d\" }", o->deletes);
  else
    snprintf(text, sizeof text, "query q() { insert R { k: \"r%d\" } }", number);
  og_status st = mutate(cx, db, branch, number, text, &done, &has);
  if (atomic_load(cx->cancel)) {
    o->fate = DEAD;
    return OG_OK;
  }
  o->fate = st == OG_OK ? DONE : st == OG_EUNKNOWN ? UNKNOWN : REFUSED;
  if (st == OG_OK && !has) problem(w, "o%d changed nothing", number);
  if (st == OG_OK) o->commit = done.id;
  return st;
}

static og_status merge_some(og_ctx *cx, worker *k, og_db *db)
{
  world *w = k->w;
  og_merged done;
  const size_t from = og_sim_rand(w->sim, BRANCHES), to = (from + 1 + og_sim_rand(w->sim, BRANCHES - 1)) % BRANCHES;
  const og_merge how = {.source = og_str_of(names[from]), .target = og_str_of(names[to]), .actor = OG_STR("merge")};
  og_status st = og_db_branch_merge(cx, db, &how, &done);
  w->merges += st == OG_OK && done.has_commit;
  if (st == OG_ECONFLICT && done.n_conflicts) problem(w, "a merge conflicts: %.300s", cx->err->text);
  return st;
}

static og_status clean_up(og_ctx *cx, worker *k, og_db *db)
{
  og_cleaned done;
  const og_cleanup_policy opts = {.keep = 1 + og_sim_rand(k->w->sim, 3), .grace_us = 0};
  og_status st = og_db_cleanup(cx, db, &opts, &done);
  k->w->cleanups += st == OG_OK;
  return st;
}

static og_status optimize(og_ctx *cx, worker *k, og_db *db)
{
  og_optimized done;
  return og_db_optimize(cx, db, og_str_of(names[og_sim_rand(k->w->sim, BRANCHES)]), OG_STR("optimize"), &done);
}

/* Main's schema, to which the branches come by merges: R loses and gains a column, S comes and goes and
 * gains one; with data loss
 * only where R stays as it is, for states of R that were erased could not be merged any more. */
static og_status apply(og_ctx *cx, worker *k, og_db *db)
{
  static const char *const texts[] = {
      "node R { k: String @key }\n", "node R { k: String @key }\nnode S { k: String @key }\n",
      "node R { k: String @key  a: I32? }\n", "node R { b: String?  k: String @key }\nnode S { k: String @key }\n",
      "node R { k: String @key }\nnode S { k: String @key  x: I32? }\n"};
  const bool hard = k->w->seed % 2 == 0;
  og_schema_applied done;
  const og_schema_apply args = {.source = og_str_of(texts[og_sim_rand(k->w->sim, hard ? 2 : 5)]),
                                .source_name = OG_STR("s.pg"),
                                .allow_data_loss = hard,
                                .actor = OG_STR("apply")};
  og_status st = og_db_schema_apply(cx, db, &args, &done);
  k->w->applies += st == OG_OK && done.applied;
  og_migration_cleanup(&done.plan);
  return st;
}

/* What a write may meet beside cleanups that keep next to nothing: the state it stands on is gone. */
static bool is_expected(const worker *k, og_status st)
{
  return st == OG_OK || st == OG_EGONE || st == OG_ENOTFOUND || st == OG_ECONFLICT ||
         (k->w->faults && (st == OG_EIO || st == OG_EUNKNOWN));
}

static void plan_fault(const worker *k)
{
  og_sim *sim = k->w->sim;
  if (!k->faulty) return;
  const og_fault_plan plan = {.kind = og_sim_rand(sim, 2) ? OG_FAULT_LOSE_REPLY : OG_FAULT_FAIL,
                              .nth = 1 + og_sim_rand(sim, 60)};
  og_store_fault_set(k->faulty, plan);
}

static void step(og_ctx *cx, worker *k, og_db *db)
{
  const uint64_t what = og_sim_rand(k->w->sim, 10);
  plan_fault(k);
  og_status st = k->keeper && what < 7 ? clean_up(cx, k, db)
                 : what == 0           ? optimize(cx, k, db)
                 : what < 4            ? merge_some(cx, k, db)
                 : what == 4           ? apply(cx, k, db)
                                       : write_one(cx, k, db);
  if (k->faulty) og_store_fault_set(k->faulty, (og_fault_plan){0});
  if (!atomic_load(cx->cancel) && !is_expected(k, st)) problem(k->w, "%s: %.400s", og_status_name(st), cx->err->text);
  og_error_clear(cx);
}

static og_status work(og_ctx *cx, void *arg)
{
  worker *k = arg;
  OG_AUTO(og_arena) arena = {0};
  og_store *store = NULL;
  og_db *db = NULL;
  cx->arena = &arena;
  og_status st = og_store_local_new(cx, OG_STR(ROOT), false, &store);
  if (st == OG_OK && k->w->faults) {
    og_store *inner = store;
    st = og_store_fault_new(cx, inner, &store);
    og_store_unref(inner);
    k->faulty = store;
  }
  if (st == OG_OK) st = og_db_open_store(cx, store, false, &db);
  for (int i = 0; st == OG_OK && i < STEPS && !*k->w->problem && !atomic_load(cx->cancel); i++) {
    OG_AUTO(og_arena) scratch = {0};
    cx->arena = &scratch;
    step(cx, k, db);
    cx->arena = &arena;
  }
  og_db_close(db);
  if (st != OG_OK && !atomic_load(cx->cancel)) problem(k->w, "while opening: %.400s", cx->err->text);
  og_store_unref(store);
  cx->arena = NULL;
  return st;
}

/* ---- what must hold afterwards */

typedef struct history {
  og_vec commits; /* og_commit of all branches */
  og_map by_id;
} history;

static og_str key_of(const og_ulid *id)
{
  return og_str_from(id->bytes, 16);
}

static og_status read_history(og_ctx *cx, og_db *db, history *h)
{
  for (int b = 0; b < BRANCHES; b++) {
    og_vec some = OG_VEC_INIT(og_commit);
    og_status st = og_db_commits(cx, db, og_str_of(names[b]), &some);
    for (size_t i = 0; st == OG_OK && i < some.len; i++) {
      const og_commit *c = &OG_VEC_AT(&some, og_commit, i);
      if (og_map_get(&h->by_id, key_of(&c->id), NULL)) continue;
      st = og_map_put(cx, &h->by_id, key_of(&c->id), h->commits.len, NULL);
      if (st == OG_OK) st = og_vec_add(cx, &h->commits, c);
    }
    og_vec_cleanup(&some);
    OG_TRY(st);
  }
  return OG_OK;
}

/* Marks the ancestry of a commit, itself included. */
static void mark(const history *h, const og_ulid *id, bool *in)
{
  uint64_t at;
  if (!og_map_get(&h->by_id, key_of(id), &at) || in[at]) return;
  const og_commit *c = &OG_VEC_AT(&h->commits, og_commit, at);
  in[at] = true;
  if (c->has_parent) mark(h, &c->parent, in);
  if (c->has_merged_parent) mark(h, &c->merged_parent, in);
}

static int op_of(const world *w, const og_commit *c)
{
  uint64_t n;
  if (c->actor.len < 2 || c->actor.ptr[0] != 'o' || !og_str_to_u64(og_str_sub(c->actor, 1, c->actor.len), &n))
    return -1;
  return n < (uint64_t)w->n_ops ? (int)n : -1;
}

static void mark_all(const history *h, const og_ulid *id, bool *in)
{
  memset(in, 0, h->commits.len * sizeof *in);
  mark(h, id, in);
}

/* Common ancestors of the two parents that are none of another's. */
static og_status count_bases(og_ctx *cx, const history *h, const og_commit *merge, int *out)
{
  const size_t n = h->commits.len;
  bool *a = og_calloc(cx, 3 * n + 1, sizeof *a), *b = a ? a + n : NULL, *below = a ? b + n : NULL;
  if (!a) return OG_ENOMEM;
  mark_all(h, &merge->parent, a);
  mark_all(h, &merge->merged_parent, b);
  *out = 0;
  for (size_t i = 0; i < n; i++) a[i] = a[i] && b[i];
  for (size_t i = 0; i < n; i++) {
    bool maximal = a[i];
    for (size_t k = 0; maximal && k < n; k++) {
      if (k == i || !a[k]) continue;
      mark_all(h, &OG_VEC_AT(&h->commits, og_commit, k).id, below);
      maximal = !below[i];
    }
    *out += maximal;
  }
  og_free(a);
  return OG_OK;
}

/* Did a merge in the ancestry have several bases? */
static og_status is_crossed(og_ctx *cx, const history *h, const bool *in, bool *out)
{
  *out = false;
  for (size_t i = 0; !*out && i < h->commits.len; i++) {
    const og_commit *c = &OG_VEC_AT(&h->commits, og_commit, i);
    int bases = 1;
    if (in[i] && c->has_merged_parent) OG_TRY(count_bases(cx, h, c, &bases));
    *out = bases > 1;
  }
  return OG_OK;
}

/* Which rows a state with this head must hold; *crossed: those in `deleted` perhaps. */
static og_status expect_rows(og_ctx *cx, const world *w, const history *h, const og_ulid *head, bool rows[MAX_OPS],
                             bool deleted[MAX_OPS], bool *crossed)
{
  bool *in = og_calloc(cx, h->commits.len + 1, sizeof *in);
  if (!in) return OG_ENOMEM;
  memset(rows, 0, MAX_OPS * sizeof *rows);
  mark(h, head, in);
  for (int pass = 0; pass < 2; pass++)
    for (size_t i = 0; i < h->commits.len; i++) {
      const int n = in[i] ? op_of(w, &OG_VEC_AT(&h->commits, og_commit, i)) : -1;
      if (n >= 0 && pass == 0 && w->ops[n].deletes < 0) rows[n] = true;
      if (n < 0 || pass == 0 || w->ops[n].deletes < 0) continue;
      rows[w->ops[n].deletes] = false;
      deleted[w->ops[n].deletes] = true;
    }
  og_status st = is_crossed(cx, h, in, crossed);
  og_free(in);
  return st;
}

static og_status read_rows(og_ctx *cx, og_snapshot *s, bool rows[MAX_OPS], int *others)
{
  static const uint32_t id = 0;
  const og_lance_scan_opts opts = {.columns = &id, .n_columns = 1};
  og_lance_table *t;
  og_lance_scan *scan = NULL;
  og_batch *b = NULL;
  memset(rows, 0, MAX_OPS * sizeof *rows);
  OG_TRY(og_snapshot_table(cx, s, OG_STR("node:R"), &t));
  og_status st = og_lance_scan_open(cx, t, &opts, &scan);
  while (st == OG_OK && (st = og_lance_scan_next(cx, scan, &b)) == OG_OK && b) {
    for (int64_t i = 0; i < b->len; i++) {
      uint64_t n;
      const og_str k = og_column_str(b->columns[0], i);
      const bool known = og_str_to_u64(og_str_sub(k, 1, k.len), &n) && n < MAX_OPS && !rows[n];
      if (known) rows[n] = true;
      *others += !known;
    }
    og_batch_unref(b);
  }
  og_lance_scan_close(scan);
  og_lance_table_unref(t);
  return st;
}

/* For whoever has to find out why. */
static void tell(const history *h)
{
  for (size_t i = 0; i < h->commits.len; i++) {
    const og_commit *c = &OG_VEC_AT(&h->commits, og_commit, i);
    char id[OG_ULID_LEN], parent[OG_ULID_LEN] = "", merged[OG_ULID_LEN] = "";
    og_ulid_format(&c->id, id);
    if (c->has_parent) og_ulid_format(&c->parent, parent);
    if (c->has_merged_parent) og_ulid_format(&c->merged_parent, merged);
    print_message("  %.26s " OG_STR_FMT ":%d <- %.26s %.26s " OG_STR_FMT "\n", id, OG_STR_ARG(c->branch),
                  (int)c->manifest_version, parent, merged, OG_STR_ARG(c->actor));
  }
}

static og_status check_state(og_ctx *cx, world *w, const history *h, og_snapshot *s, const char *what)
{
  bool want[MAX_OPS], have[MAX_OPS], deleted[MAX_OPS] = {0}, crossed;
  int others = 0;
  OG_TRY(expect_rows(cx, w, h, &s->fold->head, want, deleted, &crossed));
  OG_TRY(read_rows(cx, s, have, &others));
  if (others) problem(w, "%s: rows that nobody wrote, or twice", what);
  for (int i = 0; i < MAX_OPS; i++) {
    if (want[i] == have[i] || (crossed && deleted[i])) continue;
    if (!*w->problem) tell(h);
    problem(w, "%s: row r%d is %s; log " OG_STR_FMT ":%d, table " OG_STR_FMT ":%d", what, i,
            have[i] ? "there" : "missing", OG_STR_ARG(s->branch), (int)s->fold->version,
            OG_STR_ARG(s->fold->tables[0].branch), (int)s->fold->tables[0].version);
  }
  return OG_OK;
}

/* A power loss brings back some of the files that a cleanup deleted: of states that it may have taken, and no others.
 */
static og_status excuse(og_ctx *cx, world *w, const og_snapshot *s, og_status st)
{
  bool gone;
  const og_error why = *cx->err;
  OG_TRY(og_snapshot_is_reclaimed(cx, s, &gone));
  *cx->err = why;
  if (!gone) return st;
  og_error_clear(cx);
  w->reclaimed++;
  return OG_OK;
}

/* Every state that is still there. */
static og_status check_commits(og_ctx *cx, world *w, og_db *db, const history *h)
{
  for (size_t i = 0; i < h->commits.len; i++) {
    const og_commit *c = &OG_VEC_AT(&h->commits, og_commit, i);
    char what[64], id[OG_ULID_LEN];
    og_snapshot *s;
    og_status st = og_graph_snapshot_at(cx, og_db__graph(db), c->branch, &c->id, &s);
    if (st == OG_EGONE) {
      w->reclaimed++;
      og_error_clear(cx);
      continue;
    }
    OG_TRY(st);
    og_ulid_format(&c->id, id);
    snprintf(what, sizeof what, "state %.26s (%.10s)", id, c->actor.ptr ? c->actor.ptr : "");
    st = check_state(cx, w, h, s, what);
    if (st == OG_ENOTFOUND || st == OG_EGONE) st = excuse(cx, w, s, st);
    og_snapshot_unref(s);
    OG_TRY(st);
  }
  return OG_OK;
}

/* Every type has its table, with its columns. */
static og_status check_tables(og_ctx *cx, world *w, og_snapshot *s)
{
  for (uint32_t i = 0; i < s->catalog->n_nodes; i++) {
    const og_type_def *t = &s->catalog->nodes[i];
    og_lance_table *table;
    OG_TRY(og_snapshot_table(cx, s, t->key, &table));
    if (og_lance_table_schema(table)->arrow->n_fields != og_type_first_property(t) + t->n_properties)
      problem(w, "table " OG_STR_FMT " of branch '" OG_STR_FMT "' does not fit its type", OG_STR_ARG(t->key),
              OG_STR_ARG(s->branch));
    og_lance_table_unref(table);
  }
  return OG_OK;
}

static og_status check_heads(og_ctx *cx, world *w, og_db *db, const history *h)
{
  for (int b = 0; b < BRANCHES; b++) {
    og_snapshot *s;
    OG_TRY(og_graph_snapshot(cx, og_db__graph(db), og_str_of(names[b]), &s));
    og_status st = check_state(cx, w, h, s, names[b]);
    if (st == OG_OK) st = check_tables(cx, w, s);
    bool *in = og_calloc(cx, h->commits.len + 1, sizeof *in);
    if (!in) return OG_ENOMEM;
    mark(h, &s->fold->head, in);
    for (int i = 0; i < w->n_ops; i++) {
      const op *o = &w->ops[i];
      uint64_t at;
      if (o->fate == DONE && o->branch == b && (!og_map_get(&h->by_id, key_of(&o->commit), &at) || !in[at]))
        problem(w, "o%d was acknowledged, and is not in %s", i, names[b]);
    }
    og_free(in);
    og_snapshot_unref(s);
    OG_TRY(st);
  }
  return OG_OK;
}

/* No operation twice, and none that was refused. */
static void check_once(world *w, const history *h)
{
  int seen[MAX_OPS] = {0};
  for (size_t i = 0; i < h->commits.len; i++) {
    const int n = op_of(w, &OG_VEC_AT(&h->commits, og_commit, i));
    if (n >= 0) seen[n]++;
  }
  for (int i = 0; i < w->n_ops; i++) {
    if (seen[i] > 1) problem(w, "o%d is there %d times", i, seen[i]);
    if (seen[i] && w->ops[i].fate == REFUSED) problem(w, "o%d was refused, and is there", i);
  }
}

static og_status check_all(og_ctx *cx, world *w, og_db *db)
{
  history h = {.commits = OG_VEC_INIT(og_commit)};
  og_map_init(&h.by_id, true);
  og_status st = read_history(cx, db, &h);
  if (st == OG_OK) st = check_commits(cx, w, db, &h);
  if (st == OG_OK) st = check_heads(cx, w, db, &h);
  if (st == OG_OK) check_once(w, &h);
  og_map_cleanup(&h.by_id);
  og_vec_cleanup(&h.commits);
  return st;
}

static og_status look_afterwards(og_ctx *cx, world *w)
{
  og_db *db;
  og_merged merged;
  og_cleaned cleaned;
  const og_cleanup_policy opts = {.keep = 1};
  OG_TRY(og_db_open(cx, OG_STR(ROOT), false, &db));
  og_status st = check_all(cx, w, db);
  for (int round = 0; st == OG_OK && round < 2; round++) {
    for (int b = 1; st == OG_OK && b < BRANCHES; b++) {
      const og_merge into_main = {.source = og_str_of(names[b])};
      st = og_db_branch_merge(cx, db, &into_main, &merged);
    }
    for (int b = 1; st == OG_OK && round && b < BRANCHES; b++) {
      const og_merge from_main = {.source = OG_STR("main"), .target = og_str_of(names[b])};
      st = og_db_branch_merge(cx, db, &from_main, &merged);
    }
    if (st == OG_OK) st = og_db_cleanup(cx, db, &opts, &cleaned);
    if (st == OG_OK) st = check_all(cx, w, db);
  }
  og_db_close(db);
  return st;
}

/* ---- a whole world */

static og_status begin(og_ctx *cx, world *w)
{
  og_db *db;
  (void)w;
  OG_TRY(og_db_init(cx, OG_STR(ROOT), OG_STR("node R { k: String @key }\n"), OG_STR("s.pg"), false, OG_STR_NONE));
  OG_TRY(og_db_open(cx, OG_STR(ROOT), false, &db));
  og_status st = og_db_branch_create(cx, db, OG_STR("b"), OG_STR("main"), OG_STR_NONE);
  if (st == OG_OK) st = og_db_branch_create(cx, db, OG_STR("c"), OG_STR("b"), OG_STR_NONE);
  og_db_close(db);
  return st;
}

static void outside(world *w, og_status (*fn)(og_ctx *cx, world *w), const char *what)
{
  og_ctx cx;
  og_error err;
  OG_AUTO(og_arena) arena = {0};
  if (*w->problem) return;
  og_sim_ctx_init(og_sim_process_new(w->sim), &cx, &err, &arena);
  if (fn(&cx, w) != OG_OK) problem(w, "%s: %.400s", what, err.text);
}

static void run_processes(world *w)
{
  worker workers[PROCESSES];
  og_sim_process *p[PROCESSES];
  const uint64_t before = og_sim_stats_get(w->sim).calls, kind = w->seed % 8;
  if (*w->problem) return;
  for (int i = 0; i < PROCESSES; i++) {
    workers[i] = (worker){.w = w, .keeper = i == 0 && w->seed % 3 != 0};
    p[i] = og_sim_process_new(w->sim);
    (void)og_sim_spawn(p[i], work, &workers[i]);
  }
  if (kind == 3 || kind == 4) og_sim_crash_at(p[kind - 3], 1 + og_sim_rand(w->sim, 1500));
  if (kind == 5) og_sim_power_loss_at(w->sim, before + 1 + og_sim_rand(w->sim, 5000));
  if (og_sim_run(w->sim) != OG_SIM_DONE) problem(w, "the run did not end");
  og_sim_power_loss_at(w->sim, 0);
  for (int i = 0; i < w->n_ops; i++)
    if (w->ops[i].fate == RUNNING) w->ops[i].fate = DEAD;
}

static void play(world *w, uint64_t seed)
{
  *w = (world){.seed = seed, .faults = seed % 8 == 6};
  w->sim = og_sim_new(seed);
  outside(w, begin, "at the beginning");
  run_processes(w);
  outside(w, look_afterwards, "afterwards");
  og_sim_free(w->sim);
}

OG_TEST(branches_sim, states_are_what_their_ancestry_says)
{
  static world w;
  int done = 0, merges = 0, cleanups = 0, applies = 0, reclaimed = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    play(&w, seed);
    if (*w.problem) fail_msg("seed %d: %s", (int)seed, w.problem);
    for (int i = 0; i < w.n_ops; i++) done += w.ops[i].fate == DONE;
    merges += w.merges;
    cleanups += w.cleanups;
    applies += w.applies;
    reclaimed += w.reclaimed;
  }
  print_message("%d seeds: %d commits, %d merges, %d cleanups, %d schema changes, %d states reclaimed\n", SEEDS, done,
                merges, cleanups, applies, reclaimed);
  OG_CHECK(done > 4 * SEEDS && merges > 2 * SEEDS && cleanups > SEEDS && 2 * applies > SEEDS && reclaimed > 4 * SEEDS);
}

OG_TEST_MAIN(OG_CASE(branches_sim, states_are_what_their_ancestry_says))
