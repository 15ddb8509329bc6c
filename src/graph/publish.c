/* SPDX-License-Identifier: MIT */
/* graph/publish.c -- how anything becomes visible: one create-if-absent of the next log version.
 *
 * State of one publish, from prepared files to an acknowledgement:
 *
 *      pin N --> check against fold(N) --> write fragment for N+1 --> sync everything --> put-if-absent N+1
 *       ^             |                                                                    |created   |exists
 *       |             +--> stale: the caller runs again (nothing happened)                 v          |
 *       |                                                                            base N still there?
 *       |                                                                              |yes     |no  |
 *       |                                                                         acknowledge   |    |
 *       +---- look for our own id in the newest fold: found --> acknowledge <-------------------+----+
 *
 * Invariants
 *  (1) Before the put nothing refers to what was prepared; after it, everything does.  There is no third file.
 *  (2) Every row is recomputed from fold(N) on every try: two movements of a head never merge.
 *  (3) A version is put only on top of a pinned predecessor, and acknowledged only when that predecessor is still the
 *      one it was (or the newest fold holds our id): a number freed by cleanup is a hole, not a slot.
 *  (4) After "exists" or an unknown outcome, our own id is looked up before anything else: commits are kept for ever,
 *      so a lost reply cannot turn into a second commit or a false failure; a failure before that look is an unknown
 *      outcome.
 *  (5) A table manifest number is above every number this lineage has seen and above cleanup's floor.
 *  (6) Whoever first learns of a version makes its folder entry durable before using it (og_graph__pin).
 *  (7) A merge is published on the very head it was worked out against: whoever else commits first makes it run again.
 *
 * docs/dev/commit-protocol.md has the protocol with its crash table.
 */
#include "graph/internal.h"

#include "base/env.h"
#include "base/fault_point.h"
#include "base/json.h"
#include "base/limits.h"

#include <inttypes.h>

/* ---- the primitive */

static og_status version_info(og_ctx *cx, og_graph *g, og_str branch, uint64_t version, og_object_info *out)
{
  og_str key;
  OG_TRY(og_log_key(cx, branch, version, &key));
  return og_store_info(cx, g->store, key, out);
}

static og_status holds_own_id(og_ctx *cx, const og_log_op *op, og_fold *f, uint64_t since, bool *found)
{
  if (OG_BUG(NO_LOOKUP)) return OG_OK;
  if (op->is_commit) return og_fold_find_commit(cx, f, cx->arena, &op->own_commit, since, op->recalled, found);
  *found = og_fold_row(f, op->own_id) != NULL;
  return OG_OK;
}

/* After creating base+1: is it the end of the log, on top of the version we pinned? */
static og_status is_adjacent(og_ctx *cx, og_graph *g, const og_fold *base, bool *ok)
{
  if (OG_BUG(NO_ADJACENCY)) {
    *ok = true;
    return OG_OK;
  }
  if (g->caps.stamp_is_identity) {
    og_object_info now;
    og_status st = version_info(cx, g, base->branch, base->version, &now);
    if (st == OG_ENOTFOUND)
      og_error_clear(cx);
    else if (st != OG_OK)
      return st;
    *ok = st == OG_OK && memcmp(now.stamp, base->stamp.stamp, sizeof now.stamp) == 0;
    return OG_OK;
  }
  uint64_t newest;
  OG_TRY(og_log_newest(cx, g->store, &g->caps, base->branch, &(og_log_known){0}, &newest));
  *ok = newest == base->version + 1;
  return OG_OK;
}

typedef enum try_result {
  TRY_WON,
  TRY_LOST,   /* the slot was somebody's; look for our own id all the same */
  TRY_UNSURE, /* lost, but a request of ours may have taken effect: only that look can tell */
  TRY_STALE,
  TRY_AGAIN
} try_result;

/* One try on one base, with files prepared in `append`. */
static og_status put_on(og_ctx *cx, og_graph *g, const og_log_op *op, og_fold *base, og_log_append *append,
                        og_object_info *is, try_result *out)
{
  bool again = false, adjacent = false, unsure = false;
  OG_FAULT_POINT(cx, "after_intent_before_effect");
  if (op->before_put) OG_TRY(op->before_put(cx, op->arg, base, &again));
  if (again) {
    *out = TRY_AGAIN;
    return OG_OK;
  }
  OG_FAULT_POINT(cx, "after_effects_confirmed_before_publish");
  og_status st = og_log_put(cx, append, &unsure);
  if (st == OG_EEXISTS) {
    og_error_clear(cx);
    *out = unsure ? TRY_UNSURE : TRY_LOST;
    return OG_OK;
  }
  OG_TRY(st);
  /* Before the look at the base: while that stands, nothing above it went, so this is what we put. */
  if (version_info(cx, g, base->branch, base->version + 1, is) != OG_OK) og_error_clear(cx);
  st = is_adjacent(cx, g, base, &adjacent);
  if (st != OG_OK) {
    og_note(cx, st, "after the commit was written");
    return OG_EUNKNOWN;
  }
  *out = adjacent ? TRY_WON : TRY_UNSURE;
  return OG_OK;
}

static og_status try_on(og_ctx *cx, og_graph *g, const og_log_op *op, og_fold *base, og_object_info *is,
                        try_result *out)
{
  og_ulid attempt;
  bool rerun = false;
  og_log_append *append = NULL;
  og_vec rows = OG_VEC_INIT(og_log_row), keys = OG_VEC_INIT(og_str);
  og_status st = op->rows(cx, op->arg, base, &rows, &keys, &rerun);
  if (st == OG_OK && rerun) *out = TRY_STALE;
  if (st == OG_OK && !rerun) {
    st = og_graph__ulid(cx, g, base, &attempt);
    if (st == OG_OK) st = og_log_prepare(cx, g->store, base, &attempt, rows.data, rows.len, &append);
    if (st == OG_OK) st = og_log_keys(cx, append, &keys);
    if (st == OG_OK && !OG_BUG(NO_BARRIER)) st = og_store_sync(cx, g->store, keys.data, keys.len);
    if (st == OG_OK) st = put_on(cx, g, op, base, append, is, out);
  }
  og_log_append_free(cx, append);
  og_vec_cleanup(&rows);
  og_vec_cleanup(&keys);
  return st;
}

static bool same_incarnation(const og_branch_row *row, const uint8_t want[16])
{
  return memcmp(row->incarnation, want, 16) == 0;
}

static og_status check_branch(og_ctx *cx, const og_log_op *op, const og_fold *base, const og_branch_row *row)
{
  if (!base->seal && same_incarnation(row, op->incarnation)) return OG_OK;
  return og_fail(cx, OG_ENOTFOUND, "branch '" OG_STR_FMT "' was deleted while the write ran", OG_STR_ARG(op->branch));
}

og_status og_graph__unknown(og_ctx *cx, og_str own_id)
{
  og_error cause = *cx->err;
  og_fail(cx, OG_EUNKNOWN,
          "the outcome of the commit is unknown: it may or may not have happened; look for commit " OG_STR_FMT
          " before trying again\n  %s",
          OG_STR_ARG(own_id), cause.text);
  og_detail *d = og_error_detail(cx, OG_DETAIL_OUTCOME_UNKNOWN);
  og_detail_set(d->entity_id, sizeof d->entity_id, own_id);
  return OG_EUNKNOWN;
}

typedef struct publish_try {
  bool lost;           /* a slot: our own id is looked for before the next try */
  bool unsure;         /* we may have won it: no failure is definite before that look */
  uint64_t first_base; /* the version the first try was made on: our commit can only be above it */
  og_publish_outcome outcome;
  uint64_t version;
  bool done;
} publish_try;

/* Pins the newest version, recognises our own commit in it, or tries on top of it. */
static og_status step(og_ctx *cx, og_graph *g, const og_log_op *op, publish_try *t)
{
  og_fold *base = NULL;
  og_branch_row row;
  try_result result = TRY_AGAIN;
  og_object_info is = {0};
  bool own = false;
  OG_TRY(og_graph__pin_end(cx, g, op->branch, &base, &row));
  if (t->first_base == 0) t->first_base = base->version;
  og_status st = t->lost ? holds_own_id(cx, op, base, t->first_base, &own) : OG_OK;
  if (st == OG_OK && own) {
    *t = (publish_try){.outcome = OG_PUBLISHED, .version = base->version, .done = true};
    og_fold_unref(base);
    return OG_OK;
  }
  if (st == OG_OK) {
    t->unsure = false;
    st = check_branch(cx, op, base, &row);
  }
  if (st == OG_OK) st = try_on(cx, g, op, base, &is, &result);
  if (st == OG_OK && result == TRY_WON) {
    *t = (publish_try){.outcome = OG_PUBLISHED, .version = base->version + 1, .done = true};
    og_log_hint(cx, g->store, base->branch, t->version, &is);
  }
  if (st == OG_OK && result == TRY_STALE) *t = (publish_try){.outcome = OG_PUBLISH_RERUN, .done = true};
  t->unsure = result == TRY_UNSURE || (st != OG_OK && t->unsure);
  t->lost = t->lost || result == TRY_LOST || result == TRY_UNSURE;
  og_fold_unref(base);
  return st;
}

og_status og_graph__publish(og_ctx *cx, og_graph *g, const og_log_op *op, og_publish_outcome *outcome,
                            uint64_t *version)
{
  publish_try t = {0};
  if (g->read_only) return og_fail(cx, OG_EREADONLY, "the graph was opened read-only");
  for (unsigned i = 0; i < OG_LIMIT_REBASES && !t.done; i++) {
    og_status st = og_ctx_poll(cx);
    if (st == OG_OK) st = step(cx, g, op, &t);
    if (st == OG_EUNKNOWN || (st != OG_OK && t.unsure)) return og_graph__unknown(cx, op->own_id);
    OG_TRY(st);
  }
  if (!t.done && t.unsure) return og_graph__unknown(cx, op->own_id);
  if (!t.done)
    return og_fail(cx, OG_ECONFLICT,
                   "lost the race for the next version of branch '" OG_STR_FMT "' %d times; try again",
                   OG_STR_ARG(op->branch.len ? op->branch : OG_STR("main")), OG_LIMIT_REBASES);
  *outcome = t.outcome;
  *version = t.version;
  return OG_OK;
}

/* ---- commits: table changes and a moved head */

typedef struct commit_op {
  og_graph *g;
  og_ulid cutoff; /* of the fences of the log and of main: see take_fence */
  uint64_t number_floor;
  const og_publication *p;
  og_commit *commit;
  bool *placed;          /* per table: its manifest stands under its number */
  uint64_t *rendered_on; /* per table: log version whose table state it was rendered on; 0: never */
  uint64_t *taken;       /* per table: a number that is taken, as all are between it and the newest visible one */
  og_table_state *begun; /* of the tables that the commit registers: as they are then */
} commit_op;

static bool same_state(const og_table_state *a, const og_table_state *b)
{
  if (!a || !b) return a == b;
  return a->version == b->version && og_str_eq(a->branch, b->branch) && og_str_eq(a->uuid, b->uuid) &&
         a->table_id == b->table_id && a->incarnation == b->incarnation;
}

static og_status open_state(og_ctx *cx, og_graph *g, const og_table_state *s, og_lance_table **out)
{
  *out = NULL;
  if (!s || s->version == 0) return OG_OK;
  const og_lance_place at = {g->store, s->path, s->branch};
  return og_lance_table_open(cx, &at, s->version, s->uuid, out);
}

static og_status list_begun(og_ctx *cx, commit_op *c)
{
  const og_schema_change *s = c->p->schema;
  const size_t n = s ? s->n_created : 0;
  c->begun = og_push_array(cx, n + 1, sizeof *c->begun);
  if (!c->begun) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++) {
    const og_table_version *v = &s->created[i];
    og_table_state *t = &c->begun[i];
    *t = (og_table_state){.table_id = v->table_id,
                          .incarnation = v->incarnation,
                          .key = v->key,
                          .branch = OG_STR(""),
                          .version = v->version,
                          .max_version = v->version,
                          .uuid = v->meta.uuid};
    OG_TRY(og_table_path(cx, cx->arena, v->key, v->table_id, v->incarnation, &t->path));
  }
  return OG_OK;
}

/* What change i is made to, in `f`; NULL: it is not there.  (A new type may have the name of one that goes.) */
static const og_table_state *state_in(const commit_op *c, const og_fold *f, size_t i)
{
  const og_table_change *t = &c->p->tables[i];
  if (!t->begun) return og_fold_table_by_key(f, t->key);
  for (size_t n = 0; n < c->p->schema->n_created; n++)
    if (og_str_eq(c->begun[n].key, t->key)) return &c->begun[n];
  return NULL;
}

/* Has the table `key` changed since the base in a way that makes the result stale? */
static og_status table_conflicts(og_ctx *cx, const commit_op *c, const og_fold *now, og_str key, bool *conflict)
{
  const og_table_state *was = og_fold_table_by_key(c->p->base->fold, key), *is = og_fold_table_by_key(now, key);
  *conflict = false;
  if (same_state(was, is)) return OG_OK;
  *conflict = true;
  if (!c->p->conflict) return OG_OK;
  og_lance_table *old = NULL, *new = NULL;
  og_status st = open_state(cx, c->g, was, &old);
  if (st == OG_OK) st = open_state(cx, c->g, is, &new);
  if (st == OG_OK) st = c->p->conflict(cx, c->p->conflict_arg, key, old, new, conflict);
  og_lance_table_unref(old);
  og_lance_table_unref(new);
  return st;
}

static bool same_head(const og_fold *a, const og_fold *b)
{
  return a->has_head == b->has_head && (!a->has_head || og_ulid_cmp(&a->head, &b->head) == 0);
}

static bool is_below_floor(const og_fold *now, const og_snapshot *s)
{
  char hex[32];
  uint64_t floor;
  if (!s || !now->floors) return false;
  og_branch__hex(s->incarnation, hex);
  return og_json_get_u64(now->floors, og_str_from(hex, sizeof hex), &floor) && s->fold->version < floor;
}

static og_status is_stale(og_ctx *cx, const commit_op *c, const og_fold *now, bool *stale)
{
  const og_fold *base = c->p->base->fold;
  *stale = og_ulid_cmp(&c->p->attempt, &c->cutoff) < 0 || is_below_floor(now, c->p->merged) ||
           is_below_floor(now, c->p->schema ? c->p->schema->adopted : NULL);
  if (now->version == base->version || OG_BUG(NO_RECHECK)) return OG_OK;
  *stale = *stale || !og_contract__same(base, now) || ((c->p->merged || c->p->on_head) && !same_head(base, now));
  for (size_t i = 0; !*stale && i < c->p->n_tables; i++)
    if (!c->p->tables[i].begun) OG_TRY(table_conflicts(cx, c, now, c->p->tables[i].key, stale));
  for (size_t i = 0; !*stale && i < c->p->n_reads; i++) OG_TRY(table_conflicts(cx, c, now, c->p->reads[i], stale));
  return OG_OK;
}

static og_status check_precondition(og_ctx *cx, const og_publication *p, const og_fold *now)
{
  char want[OG_ULID_LEN], have[OG_ULID_LEN];
  if (!p->if_commit || (now->has_head && og_ulid_cmp(p->if_commit, &now->head) == 0)) return OG_OK;
  og_ulid_format(p->if_commit, want);
  og_ulid_format(&now->head, have);
  og_str expected = og_str_from(want, sizeof want), actual = og_str_from(have, now->has_head ? sizeof have : 0);
  og_fail(cx, OG_EPRECONDITION, "the branch is at commit " OG_STR_FMT ", not at " OG_STR_FMT ": nothing was written",
          OG_STR_ARG(actual), OG_STR_ARG(expected));
  og_detail *d = og_error_detail(cx, OG_DETAIL_PRECONDITION);
  og_detail_set(d->expected, sizeof d->expected, expected);
  og_detail_set(d->actual, sizeof d->actual, actual);
  return OG_EPRECONDITION;
}

/* Renders change i for the state of its table in `now`, unless what stands already fits. */
static og_status render_table(og_ctx *cx, commit_op *c, const og_fold *now, size_t i)
{
  const og_table_change *t = &c->p->tables[i];
  const og_table_state *is = state_in(c, now, i), *was = state_in(c, c->p->base->fold, i);
  if (!is) return og_fail(cx, OG_ECONFLICT, "table '" OG_STR_FMT "' is gone", OG_STR_ARG(t->key));
  const uint64_t above = is->max_version > c->number_floor ? is->max_version : c->number_floor;
  if (c->placed[i] && c->rendered_on[i] == is->version + 1 && og_lance_change_version(t->change) > above) return OG_OK;
  if (c->placed[i]) c->taken[i] = og_lance_change_version(t->change);
  const uint64_t number = 1 + (above > c->taken[i] ? above : c->taken[i]);
  og_lance_table *base = NULL;
  if (!same_state(was, is)) OG_TRY(open_state(cx, c->g, is, &base));
  og_status st = og_lance_change_render(cx, t->change, base, number);
  og_lance_table_unref(base);
  c->rendered_on[i] = is->version + 1;
  c->placed[i] = false;
  return st;
}

static og_status version_row(og_ctx *cx, const commit_op *c, const og_fold *now, size_t i, og_log_row *out)
{
  const og_table_change *t = &c->p->tables[i];
  const og_table_state *is = state_in(c, now, i);
  og_table_version v = {.key = og_evolve__key(c->p, is),
                        .table_id = is->table_id,
                        .incarnation = is->incarnation,
                        .version = og_lance_change_version(t->change),
                        .branch = now->branch,
                        .meta = {.manifest_size = og_lance_change_bytes(t->change).len}};
  const og_lance_place at = {c->g->store, is->path, now->branch};
  og_lance_table *table;
  og_str key;
  OG_TRY(og_lance_manifest_key(cx, &at, v.version, &key));
  OG_TRY(og_arena_printf(cx, cx->arena, &v.meta.manifest_path, OG_STR_FMT "/" OG_STR_FMT,
                         OG_STR_ARG(og_store_root(c->g->store)), OG_STR_ARG(key)));
  OG_TRY(og_lance_change_table(cx, t->change, &table));
  v.rows = og_lance_table_rows(table);
  og_status st = og_arena_str(cx, cx->arena, og_lance_table_uuid(table), &v.meta.uuid);
  og_lance_table_unref(table);
  return st == OG_OK ? og_row_table_version(cx, cx->arena, &v, out) : st;
}

static og_status commit_rows_of_tables(og_ctx *cx, commit_op *c, og_fold *now, og_vec *rows, og_vec *keys)
{
  for (size_t i = 0; i < c->p->n_tables; i++) {
    OG_TRY_NOTE(cx, render_table(cx, c, now, i), "while writing table '" OG_STR_FMT "'",
                OG_STR_ARG(c->p->tables[i].key));
    OG_TRY(og_lance_change_keys(cx, c->p->tables[i].change, keys));
    og_log_row *row = og_vec_push(cx, rows);
    if (!row) return OG_ENOMEM;
    OG_TRY(version_row(cx, c, now, i, row));
  }
  return OG_OK;
}

/* Cleanup fences main first.  A branch made before its parent was fenced, but after main was, starts without a fence:
 * so main's counts on every branch. */
static og_status take_fence(og_ctx *cx, commit_op *c, const og_fold *now)
{
  og_fold *main_fold = NULL;
  og_branch_row unused;
  c->cutoff = now->cutoff;
  c->number_floor = now->number_floor;
  if (now->branch.len == 0) return OG_OK;
  OG_TRY(og_graph__pin(cx, c->g, OG_STR_NONE, &main_fold, &unused));
  if (og_ulid_cmp(&main_fold->cutoff, &c->cutoff) > 0) c->cutoff = main_fold->cutoff;
  if (main_fold->number_floor > c->number_floor) c->number_floor = main_fold->number_floor;
  og_fold_unref(main_fold);
  return OG_OK;
}

static og_status commit_rows(og_ctx *cx, void *arg, og_fold *now, og_vec *rows, og_vec *keys, bool *rerun)
{
  commit_op *c = arg;
  OG_TRY(take_fence(cx, c, now));
  OG_TRY(check_precondition(cx, c->p, now));
  OG_TRY(is_stale(cx, c, now, rerun));
  if (*rerun) return OG_OK;
  OG_TRY(commit_rows_of_tables(cx, c, now, rows, keys));
  OG_TRY(og_evolve__rows(cx, c->g, c->p, now, rows));
  *c->commit = (og_commit){.id = c->p->commit,
                           .parent = now->head,
                           .has_parent = now->has_head,
                           .has_merged_parent = c->p->merged != NULL,
                           .actor = c->p->actor,
                           .branch = now->branch,
                           .manifest_version = now->version + 1,
                           .created_us = og_wall_us(cx)};
  if (c->p->merged) c->commit->merged_parent = c->p->merged->fold->head;
  og_log_row *row = og_vec_push(cx, rows);
  if (!row) return OG_ENOMEM;
  OG_TRY(og_row_commit(cx, cx->arena, c->commit, row));
  row = og_vec_push(cx, rows);
  if (!row) return OG_ENOMEM;
  return og_row_head(cx, cx->arena, now->branch, c->commit, row);
}

static og_status after_placing(og_ctx *cx, const commit_op *c, const og_fold *now, size_t i)
{
  const og_table_state *was = state_in(c, now, i);
  if (was && !og_str_eq(was->branch, now->branch)) OG_FAULT_POINT(cx, "after_fork_before_commit");
  OG_FAULT_POINT(cx, "after_first_table_effect");
  (void)cx;
  return OG_OK;
}

/* Table manifests, durable, before the log names them.  A taken number was left by somebody who lost: the next one, and
 * none left out.  Whoever commits then stands above everything that lost, and what other readers of the format take for
 * a table's newest version is the one that is visible. */
static og_status place_manifests(og_ctx *cx, void *arg, og_fold *now, bool *again)
{
  commit_op *c = arg;
  for (size_t i = 0; i < c->p->n_tables; i++) {
    if (c->placed[i]) continue;
    og_status st = og_lance_change_put(cx, c->p->tables[i].change);
    if (st == OG_EEXISTS && OG_BUG(REUSE_NUMBER)) st = OG_OK;
    if (st == OG_EEXISTS || st == OG_EUNKNOWN) { /* unknown: nobody refers to it yet, and asking again tells */
      og_error_clear(cx);
      if (st == OG_EEXISTS) c->taken[i] = og_lance_change_version(c->p->tables[i].change);
      c->rendered_on[i] = 0;
      *again = true;
      continue;
    }
    OG_TRY(st);
    c->placed[i] = true;
    OG_TRY(after_placing(cx, c, now, i));
  }
  return OG_OK;
}

og_status og_graph_publish(og_ctx *cx, og_graph *g, const og_publication *p, og_publish_outcome *outcome,
                           og_commit *out)
{
  char id[OG_ULID_LEN];
  og_str branch;
  og_ulid_format(&p->commit, id);
  size_t n = p->n_tables + 1;
  og_commit commit = {.id = p->commit};
  commit_op c = {.g = g,
                 .p = p,
                 .commit = &commit,
                 .placed = og_push_array(cx, n, sizeof(bool)),
                 .rendered_on = og_push_array(cx, n, sizeof(uint64_t)),
                 .taken = og_push_array(cx, n, sizeof(uint64_t))};
  if (!c.placed || !c.rendered_on || !c.taken) return OG_ENOMEM;
  OG_TRY(list_begun(cx, &c));
  og_log_op op = {.branch = p->base->branch,
                  .own_id = og_str_from(id, sizeof id),
                  .own_commit = p->commit,
                  .is_commit = true,
                  .recalled = &commit,
                  .rows = commit_rows,
                  .before_put = place_manifests,
                  .arg = &c};
  memcpy(op.incarnation, p->base->incarnation, 16);
  uint64_t version = 0;
  OG_FAULT_POINT(cx, "before_staging");
  OG_TRY(og_arena_str(cx, cx->arena, p->base->branch, &branch)); /* before: a commit that stands is not to fail */
  OG_TRY(og_graph__publish(cx, g, &op, outcome, &version));
  OG_FAULT_POINT(cx, "after_publish_before_promote");
  /* The commit stands, whatever happens to its mirrors: the next open for writing heals those. */
  if (p->schema && *outcome == OG_PUBLISHED && branch.len == 0 && og_contract__settle(cx, g) != OG_OK)
    og_error_clear(cx);
  *out = commit;
  out->branch = branch; /* not that of the fold it went on, which dies with its snapshot */
  out->actor = p->actor;
  return OG_OK;
}
