/* SPDX-License-Identifier: MIT */
/* graph/open.c -- handles and snapshots.
 *
 * A handle caches the newest fold it knows of each branch, the newest catalog, and open table versions.  All of them
 * are immutable; the caches only save reading again.  A snapshot is a fold and its catalog: pinning costs one probe for
 * a newer version when nothing changed.
 */
#include "graph/bind.h"
#include "graph/internal.h"

#include "base/limits.h"

#include <inttypes.h>

#define CACHED_TABLES 64

static og_status table_handle(og_ctx *cx, og_graph *g, og_str path, og_str branch, uint64_t version, og_str uuid,
                              og_lance_table **out);

static bool other_entry(og_str key)
{
  return og_str_starts_with(key, OG_STR(OG_LOG_ROOT "/"));
}

static og_status see_any(og_ctx *cx, void *arg, og_str key, uint64_t size)
{
  (void)cx;
  (void)size;
  *(bool *)arg = !other_entry(key);
  return OG_LIST_STOP;
}

static og_status no_graph(og_ctx *cx, og_graph *g)
{
  og_object_info info;
  bool any = false;
  og_str root = og_store_root(g->store);
  og_status st = og_store_info(cx, g->store, OG_STR("_schema.pg"), &info);
  if (st == OG_OK)
    return og_fail(cx, OG_ENOTFOUND,
                   "'" OG_STR_FMT
                   "' has schema files but no graph: an init did not finish; run `omnigraph init --force`",
                   OG_STR_ARG(root));
  og_error_clear(cx);
  st = og_store_list(cx, g->store, OG_STR_NONE, OG_STR_NONE, see_any, &any);
  if (st != OG_OK) og_error_clear(cx);
  return og_fail(cx, OG_ENOTFOUND, "no graph at '" OG_STR_FMT "'%s; `omnigraph init --schema FILE URI` makes one",
                 OG_STR_ARG(root), any ? ": the folder holds other files" : "");
}

/* The original engine left work to recover: writing beside it would lose one or the other. */
static og_status see_sidecar(og_ctx *cx, void *arg, og_str key, uint64_t size)
{
  (void)size;
  OG_TRY(og_arena_str(cx, cx->arena, key, arg));
  return OG_LIST_STOP;
}

static og_status check_writable(og_ctx *cx, og_graph *g)
{
  og_str sidecar = OG_STR_NONE;
  OG_TRY(og_store_probe(cx, g->store, &g->caps));
  if (!g->caps.put_if_absent)
    return og_fail(cx, OG_EUNSUPPORTED,
                   "'" OG_STR_FMT "' lies on a store that cannot create a file without replacing one: it can be read, "
                   "but not written safely",
                   OG_STR_ARG(og_store_root(g->store)));
  OG_TRY(og_store_list(cx, g->store, OG_STR("__recovery/"), OG_STR_NONE, see_sidecar, &sidecar));
  if (sidecar.ptr)
    return og_fail(cx, OG_ECONFLICT,
                   "the original engine left an unfinished write ('" OG_STR_FMT
                   "'): open the graph with it once, so that it recovers, then write here",
                   OG_STR_ARG(sidecar));
  return OG_OK;
}

/* The files that mirror rows of main's log. */
static og_status heal(og_ctx *cx, og_graph *g, const og_fold *fold)
{
  OG_TRY(og_contract__heal(cx, g, fold));
  return og_mirror__heal(cx, g, fold);
}

static og_status see_one(og_ctx *cx, void *arg, og_str key, uint64_t size)
{
  (void)cx;
  (void)key;
  (void)size;
  *(bool *)arg = true;
  return OG_LIST_STOP;
}

/* Nothing found, and no manifest either: there is no graph.  With a manifest it is a graph that lost a file. */
static og_status not_found(og_ctx *cx, og_graph *g)
{
  bool manifest = false;
  const og_error missing = *cx->err; /* a list leaves none behind */
  OG_TRY(og_store_list(cx, g->store, OG_STR(OG_LOG_ROOT "/_versions/"), OG_STR_NONE, see_one, &manifest));
  if (!manifest) {
    og_error_clear(cx);
    return no_graph(cx, g);
  }
  *cx->err = missing;
  cx->err->status = OG_ECORRUPT;
  return og_note(cx, OG_ECORRUPT, "while opening the graph at '" OG_STR_FMT "'", OG_STR_ARG(og_store_root(g->store)));
}

static og_status open_newest(og_ctx *cx, og_graph *g)
{
  og_fold *fold = NULL;
  og_branch_row row;
  og_status st = og_graph__pin(cx, g, OG_STR_NONE, &fold, &row);
  if (st == OG_ENOTFOUND) return not_found(cx, g);
  OG_TRY_NOTE(cx, st, "while opening the graph at '" OG_STR_FMT "'", OG_STR_ARG(og_store_root(g->store)));
  if (!g->read_only) st = check_writable(cx, g); /* before the first write */
  if (st == OG_OK && !g->read_only) st = heal(cx, g, fold);
  og_fold_unref(fold);
  return st;
}

og_status og_graph_open(og_ctx *cx, og_store *store, bool read_only, og_graph **out)
{
  og_graph *g = og_zalloc(cx, sizeof *g);
  if (!g) return OG_ENOMEM;
  og_mutex_init(&g->mu);
  g->store = og_store_ref(store);
  g->read_only = read_only;
  g->folds = OG_VEC_INIT(og_cached_fold);
  g->tables = OG_VEC_INIT(og_cached_table);
  g->caps = (og_store_caps){.stamp_is_identity = true}; /* for reading: a probe upward needs no more than stamps */
  og_status st = og_cache_new(cx, OG_LIMIT_CACHE_MEMORY, &g->derived);
  if (st == OG_OK) st = open_newest(cx, g);
  if (st != OG_OK)
    og_graph_close(g);
  else
    *out = g;
  return st;
}

static void free_table(og_cached_table *t)
{
  og_lance_table_unref(t->table);
  og_free(t->path);
  og_free(t->branch);
}

void og_graph_close(og_graph *g)
{
  if (!g) return;
  og_cache_free(g->derived);
  for (size_t i = 0; i < g->folds.len; i++) {
    og_free(OG_VEC_AT(&g->folds, og_cached_fold, i).branch);
    og_fold_unref(OG_VEC_AT(&g->folds, og_cached_fold, i).fold);
  }
  for (size_t i = 0; i < g->tables.len; i++) free_table(&OG_VEC_AT(&g->tables, og_cached_table, i));
  og_vec_cleanup(&g->folds);
  og_vec_cleanup(&g->tables);
  og_catalog_unref(g->catalog);
  og_catalog_unref(g->pinned_catalog);
  og_fold_unref(g->pinned);
  og_free(g->catalog_key);
  og_mutex_cleanup(&g->mu);
  og_store_unref(g->store);
  og_free(g);
}

og_store *og_graph_store(const og_graph *g)
{
  return g->store;
}

bool og_graph_is_read_only(const og_graph *g)
{
  return g->read_only;
}

og_cache *og_graph_cache(const og_graph *g)
{
  return g->derived;
}

og_status og_graph__ulid(og_ctx *cx, og_graph *g, const og_fold *f, og_ulid *out)
{
  /* The generator is a value under a mutex, the clock and randomness are asked outside it. */
  og_ulid_gen gen;
  og_mutex_lock(&g->mu);
  gen = g->ulids;
  og_mutex_unlock(&g->mu);
  OG_TRY(og_ulid_next(cx, &gen, f ? &f->cutoff : NULL, out));
  og_mutex_lock(&g->mu);
  if (og_ulid_cmp(&gen.last, &g->ulids.last) > 0) g->ulids = gen;
  og_mutex_unlock(&g->mu);
  return OG_OK;
}

og_status og_graph_attempt(og_ctx *cx, og_graph *g, const og_snapshot *s, og_ulid *out)
{
  return og_graph__ulid(cx, g, s ? s->fold : NULL, out);
}

/* ---- snapshots */

/* The catalog of a fold.  A fold is immutable, and so is what its schema row says: the one pinned last, which is the
 * next one, too, while nothing is written, need not be read again. */
static og_status catalog_of(og_ctx *cx, og_graph *g, og_fold *fold, og_catalog **out)
{
  og_catalog *hit = NULL, *old = NULL;
  og_fold *old_fold = NULL;
  og_mutex_lock(&g->mu);
  if (g->pinned == fold) hit = og_catalog_ref(g->pinned_catalog);
  og_mutex_unlock(&g->mu);
  *out = hit;
  if (hit) return OG_OK;
  OG_TRY(og_contract__catalog(cx, g, fold, out));
  if (!fold->schema) return OG_OK; /* it is in files, which may change */
  og_mutex_lock(&g->mu);
  old = g->pinned_catalog;
  old_fold = g->pinned;
  g->pinned_catalog = og_catalog_ref(*out);
  g->pinned = og_fold_ref(fold);
  og_mutex_unlock(&g->mu);
  og_catalog_unref(old);
  og_fold_unref(old_fold);
  return OG_OK;
}

static og_status snapshot_of(og_ctx *cx, og_graph *g, og_fold *fold, const uint8_t incarnation[16], og_snapshot **out)
{
  og_snapshot *s = og_zalloc(cx, sizeof *s);
  if (!s) return OG_ENOMEM;
  atomic_init(&s->refs, 1);
  s->graph = g;
  s->fold = og_fold_ref(fold);
  s->branch = s->fold->branch;
  memcpy(s->incarnation, incarnation, 16);
  og_status st = catalog_of(cx, g, fold, &s->catalog);
  if (st != OG_OK)
    og_snapshot_unref(s);
  else
    *out = s;
  return st;
}

og_status og_graph_snapshot(og_ctx *cx, og_graph *g, og_str branch, og_snapshot **out)
{
  og_fold *fold = NULL;
  og_branch_row row;
  OG_TRY(og_graph__pin(cx, g, branch, &fold, &row));
  og_status st = snapshot_of(cx, g, fold, row.incarnation, out);
  og_fold_unref(fold);
  return st;
}

static og_status find_on(og_ctx *cx, og_graph *g, og_str branch, const og_ulid *id, og_commit *out, bool *found)
{
  og_fold *fold = NULL;
  og_branch_row row;
  OG_TRY(og_graph__pin(cx, g, branch, &fold, &row));
  og_status st = og_fold_find_commit(cx, fold, cx->arena, id, 0, out, found);
  og_fold_unref(fold);
  return st;
}

/* `via`: the branch whose history it was found in. */
static og_status find_commit(og_ctx *cx, og_graph *g, og_str branch, const og_ulid *id, og_commit *out, og_str *via)
{
  bool found = false;
  char text[OG_ULID_LEN];
  og_vec branches = OG_VEC_INIT(og_branch_info);
  *via = branch;
  OG_TRY(find_on(cx, g, branch, id, out, &found));
  og_status st = found ? OG_OK : og_graph_branches(cx, g, &branches);
  for (size_t i = 0; st == OG_OK && !found && i < branches.len; i++) {
    *via = OG_VEC_AT(&branches, og_branch_info, i).name;
    st = find_on(cx, g, *via, id, out, &found);
  }
  og_vec_cleanup(&branches);
  OG_TRY(st);
  if (found) return OG_OK;
  og_ulid_format(id, text);
  return og_fail(cx, OG_ENOTFOUND, "commit '%.26s' not found", text);
}

og_status og_graph_find_commit(og_ctx *cx, og_graph *g, og_str branch, const og_ulid *id, og_commit *out)
{
  og_str via;
  return find_commit(cx, g, branch, id, out, &via);
}

/* The version of the log that published the commit. */
static og_status commit_fold(og_ctx *cx, og_graph *g, const og_fold *main_fold, const og_commit *c, og_branch_row *row,
                             og_fold **out)
{
  bool found = true;
  og_vec ancestors = OG_VEC_INIT(og_str);
  og_fold *fold = NULL;
  og_status st = c->branch.len ? og_branch__get(cx, cx->arena, main_fold, c->branch, row, &found) : OG_OK;
  if (st == OG_OK && found && c->branch.len) st = og_branch__ancestors(cx, cx->arena, main_fold, row, &ancestors);
  if (st == OG_OK)
    st = og_fold_load(cx, g->store, c->branch, c->manifest_version, ancestors.data, ancestors.len, &fold);
  og_vec_cleanup(&ancestors);
  if (st == OG_ENOTFOUND) return og_fail(cx, OG_EGONE, "the state of this commit was reclaimed by cleanup");
  OG_TRY(st);
  /* A branch made anew may hold another history under the same number. */
  if (fold->has_head && og_ulid_cmp(&fold->head, &c->id) == 0) {
    *out = fold;
    return OG_OK;
  }
  og_fold_unref(fold);
  return og_fail(cx, OG_EGONE, "the state of this commit was reclaimed");
}

static og_status snapshot_of_commit(og_ctx *cx, og_graph *g, og_fold *main_fold, const og_commit *c, og_snapshot **out)
{
  og_fold *fold = NULL;
  og_branch_row row = {0};
  OG_TRY(commit_fold(cx, g, main_fold, c, &row, &fold));
  og_status st = snapshot_of(cx, g, fold, row.incarnation, out);
  if (st == OG_OK) (*out)->main_fold = og_fold_ref(main_fold);
  og_fold_unref(fold);
  return st;
}

/* Shows the snapshot through the schema that branch `via` has now. */
static og_status bind_to_current(og_ctx *cx, og_graph *g, og_str via, og_snapshot *s)
{
  og_fold *now = NULL;
  og_branch_row row;
  og_catalog *catalog;
  OG_TRY(og_graph__pin(cx, g, via, &now, &row));
  og_status st = OG_OK;
  if (!og_contract__same(now, s->fold)) {
    st = og_contract__catalog(cx, g, now, &catalog);
    if (st == OG_OK) {
      og_catalog_unref(s->catalog);
      s->catalog = catalog;
      s->bound = true;
    }
  }
  og_fold_unref(now);
  return st;
}

static og_status snapshot_at(og_ctx *cx, og_graph *g, og_str branch, const og_ulid *commit, bool own, og_snapshot **out)
{
  og_commit c;
  og_fold *main_fold = NULL;
  og_branch_row unused;
  og_snapshot *s = NULL;
  og_str via;
  OG_TRY(find_commit(cx, g, branch, commit, &c, &via));
  OG_TRY(og_graph__pin(cx, g, OG_STR_NONE, &main_fold, &unused));
  og_status st = snapshot_of_commit(cx, g, main_fold, &c, &s);
  if (st == OG_OK && !own) st = bind_to_current(cx, g, via, s);
  og_fold_unref(main_fold);
  if (st != OG_OK)
    og_snapshot_unref(s);
  else
    *out = s;
  return st;
}

og_status og_graph_snapshot_at(og_ctx *cx, og_graph *g, og_str branch, const og_ulid *commit, og_snapshot **out)
{
  return snapshot_at(cx, g, branch, commit, false, out);
}

og_status og_graph_snapshot_own(og_ctx *cx, og_graph *g, og_str branch, const og_ulid *commit, og_snapshot **out)
{
  return snapshot_at(cx, g, branch, commit, true, out);
}

og_snapshot *og_snapshot_ref(og_snapshot *s)
{
  atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
  return s;
}

void og_snapshot_unref(og_snapshot *s)
{
  if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
  og_catalog_unref(s->catalog);
  og_fold_unref(s->fold);
  og_fold_unref(s->main_fold);
  og_arena_cleanup(&s->arena);
  og_free(s);
}

const og_table_state *og_snapshot_table_state(const og_snapshot *s, og_str key)
{
  if (!s->bound) return og_fold_table_by_key(s->fold, key);
  const og_type_def *t = og_catalog_table(s->catalog, key);
  const og_table_state *state = t ? og_fold_table(s->fold, t->id, t->incarnation) : NULL;
  for (uint32_t i = 0; t && !state && i < s->n_absent; i++)
    if (s->absent[i].table_id == t->id && s->absent[i].incarnation == t->incarnation) state = &s->absent[i];
  return state;
}

/* The table of a type as it was made: its first version, on main. */
static og_status begin_table(og_ctx *cx, og_snapshot *s, const og_type_def *t)
{
  if (og_fold_table(s->fold, t->id, t->incarnation)) return OG_OK;
  og_table_state *state = &s->absent[s->n_absent++];
  *state =
      (og_table_state){.table_id = t->id, .incarnation = t->incarnation, .key = t->key, .version = 1, .max_version = 1};
  return og_table_path(cx, &s->arena, t->key, t->id, t->incarnation, &state->path);
}

og_status og_snapshot_bind(og_ctx *cx, og_snapshot *s, og_catalog *c, bool begin)
{
  og_catalog *old = s->catalog;
  s->catalog = og_catalog_ref(c);
  og_catalog_unref(old);
  s->bound = true;
  s->n_absent = 0;
  if (!begin) return OG_OK;
  s->absent = og_arena_calloc(cx, &s->arena, (size_t)c->n_nodes + c->n_edges + 1, sizeof *s->absent);
  if (!s->absent) return OG_ENOMEM;
  for (uint32_t i = 0; i < c->n_nodes; i++) OG_TRY(begin_table(cx, s, &c->nodes[i]));
  for (uint32_t i = 0; i < c->n_edges; i++) OG_TRY(begin_table(cx, s, &c->edges[i]));
  return OG_OK;
}

og_status og_snapshot_schemas(og_ctx *cx, const og_snapshot *a, const og_snapshot *b, og_schema_order *out)
{
  return og_contract__order(cx, a->graph, a->fold, b->fold, out);
}

og_status og_snapshot_schema_source(og_ctx *cx, og_snapshot *s, og_str *out)
{
  (void)cx;
  *out = s->catalog->source;
  return OG_OK;
}

static og_status state_of(og_ctx *cx, const og_snapshot *s, og_str key, const og_table_state **out)
{
  *out = og_snapshot_table_state(s, key);
  if (*out && (*out)->version) return s->main_fold ? og_graph_check_erased(cx, s->main_fold, *out) : OG_OK;
  const og_type_def *t = s->bound ? og_catalog_table(s->catalog, key) : NULL;
  if (t)
    return og_fail(cx, OG_ENOTFOUND, "%s type '" OG_STR_FMT "' does not exist at this snapshot",
                   t->is_edge ? "edge" : "node", OG_STR_ARG(t->name));
  return og_fail(cx, OG_ENOTFOUND, "the graph at '" OG_STR_FMT "' has no table '" OG_STR_FMT "'",
                 OG_STR_ARG(og_store_root(s->graph->store)), OG_STR_ARG(key));
}

og_status og_snapshot_is_reclaimed(og_ctx *cx, const og_snapshot *s, bool *out)
{
  og_fold *newest = NULL;
  og_branch_row row;
  char hex[32];
  uint64_t floor = 0;
  *out = false;
  og_status st = og_graph__pin(cx, s->graph, s->branch, &newest, &row);
  if (st == OG_ENOTFOUND) { /* the branch was deleted: what it had may be collected */
    og_error_clear(cx);
    *out = true;
    return OG_OK;
  }
  OG_TRY(st);
  og_branch__hex(s->incarnation, hex);
  *out = memcmp(row.incarnation, s->incarnation, 16) != 0 ||
         (newest->floors && og_json_get_u64(newest->floors, og_str_from(hex, sizeof hex), &floor) &&
          s->fold->version < floor);
  og_fold_unref(newest);
  return OG_OK;
}

/* The table with the columns of the type that the snapshot is seen through, opened once more unless it has them. */
static og_status bound_table(og_ctx *cx, og_snapshot *s, og_str key, const og_table_state *state,
                             og_lance_table **table)
{
  const og_type_def *type = og_catalog_table(s->catalog, key);
  const og_lance_place at = {s->graph->store, state->path, state->branch};
  og_binding b;
  og_lance_table *other = NULL;
  OG_TRY(og_bind(cx, type, type, *table, &b));
  og_status st = OG_OK;
  if (!b.same) {
    st = og_lance_table_open(cx, &at, state->version, state->uuid, &other);
    if (st == OG_OK) st = og_binding_relayout(cx, &b, other);
    og_lance_table_unref(*table);
    *table = other;
  }
  og_binding_cleanup(&b);
  return st;
}

og_status og_snapshot_table(og_ctx *cx, og_snapshot *s, og_str key, og_lance_table **out)
{
  const og_table_state *t;
  og_lance_table *table = NULL;
  bool gone = false;
  OG_TRY(state_of(cx, s, key, &t));
  og_status st = table_handle(cx, s->graph, t->path, t->branch, t->version, t->uuid, &table);
  if (st == OG_OK && s->bound) st = bound_table(cx, s, key, t, &table);
  if (st == OG_OK) {
    *out = table;
    return OG_OK;
  }
  og_lance_table_unref(table);
  if (st != OG_ENOTFOUND) return st;
  const og_error missing = *cx->err;
  OG_TRY(og_snapshot_is_reclaimed(cx, s, &gone));
  if (gone) return og_fail(cx, OG_EGONE, "this state was reclaimed by cleanup: read a newer one");
  *cx->err = missing;
  return st;
}

og_status og_snapshot_write_place(og_ctx *cx, const og_snapshot *s, og_str key, og_lance_place *out)
{
  const og_table_state *t;
  OG_TRY(state_of(cx, s, key, &t));
  *out = (og_lance_place){s->graph->store, t->path, s->branch};
  return OG_OK;
}

/* ---- open tables */

static og_lance_table *cached_table(og_graph *g, og_str path, og_str branch, uint64_t version, og_str uuid)
{
  og_lance_table *hit = NULL;
  og_mutex_lock(&g->mu);
  for (size_t i = 0; i < g->tables.len && !hit; i++) {
    og_cached_table *t = &OG_VEC_AT(&g->tables, og_cached_table, i);
    bool same = t->version == version && og_str_eq(og_str_of(t->path), path) &&
                og_str_eq(og_str_of(t->branch), branch) &&
                (uuid.len == 0 || og_str_eq(uuid, og_lance_table_uuid(t->table)));
    if (!same) continue;
    t->used = ++g->clock;
    hit = og_lance_table_ref(t->table);
  }
  og_mutex_unlock(&g->mu);
  return hit;
}

/* The version of a table that was used last, whichever it is; NULL: none. */
static og_lance_table *sibling_table(og_graph *g, og_str path, og_str branch)
{
  const og_cached_table *last = NULL;
  og_mutex_lock(&g->mu);
  for (size_t i = 0; i < g->tables.len; i++) {
    const og_cached_table *t = &OG_VEC_AT(&g->tables, og_cached_table, i);
    bool same = og_str_eq(og_str_of(t->path), path) && og_str_eq(og_str_of(t->branch), branch);
    if (same && (!last || t->used > last->used)) last = t;
  }
  og_lance_table *found = last ? og_lance_table_ref(last->table) : NULL;
  og_mutex_unlock(&g->mu);
  return found;
}

/* Puts the table in; the least recently used one goes.  What does not fit is not kept. */
static void keep_table(og_ctx *cx, og_graph *g, og_str path, og_str branch, uint64_t version, og_lance_table *table)
{
  og_cached_table fresh = {.path = og_strdup(cx, path), .branch = og_strdup(cx, branch), .version = version}, old = {0};
  bool kept = false;
  if (fresh.path && fresh.branch) {
    og_mutex_lock(&g->mu);
    og_cached_table *slot = NULL;
    for (size_t i = 0; g->tables.len >= CACHED_TABLES && i < g->tables.len; i++) {
      og_cached_table *t = &OG_VEC_AT(&g->tables, og_cached_table, i);
      if (!slot || t->used < slot->used) slot = t;
    }
    if (!slot) slot = og_vec_push(cx, &g->tables);
    if (slot) {
      old = *slot;
      fresh.table = og_lance_table_ref(table);
      fresh.used = ++g->clock;
      *slot = fresh;
      kept = true;
    }
    og_mutex_unlock(&g->mu);
  }
  free_table(kept ? &old : &fresh);
  if (!kept) og_error_clear(cx);
}

static og_status table_handle(og_ctx *cx, og_graph *g, og_str path, og_str branch, uint64_t version, og_str uuid,
                              og_lance_table **out)
{
  og_lance_table *t = cached_table(g, path, branch, version, uuid);
  if (!t) {
    const og_lance_place at = {g->store, path, branch};
    OG_TRY(og_lance_table_open(cx, &at, version, uuid, &t));
    og_lance_table *older = sibling_table(g, path, branch);
    if (older) og_lance_table_inherit(t, older);
    og_lance_table_unref(older);
    keep_table(cx, g, path, branch, version, t);
  }
  *out = t;
  return OG_OK;
}
