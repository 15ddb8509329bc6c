/* SPDX-License-Identifier: MIT */
/* write/merge.c -- three-way merge of two branches, row by row.
 *
 * The base is the nearest common ancestor over first and merged parents (graph/ancestry.c).  The source's head behind
 * it: already up to date.  The target's head is the base: fast-forward, which still publishes a commit.  Else three
 * ways:
 *
 *   base      source against base   target against base        result
 *   any       same                  any                        the target's
 *   any       changed               same                       the source's, deletion included
 *   any       changed               changed to the same        the target's
 *   absent    inserted              inserted, other values     divergent_insert
 *   present   deleted               updated, or the converse   delete_vs_update
 *   present   updated               updated, other values      divergent_update
 *
 * Rows compare whole; with `fields`, rows that both updated are taken apart by property and conflict only where one
 * property went two ways.  `prefer` settles what would conflict.  If no row conflicts, the result is checked as a
 * whole.
 *
 *  (1) Cost follows what the two sides changed since the base (delta/table.c).  The checks need no more than that: each
 *      side is valid by itself, so a violation needs a row that one side changed and one that the other changed, and is
 *      looked for among those (merge_check.c).
 *  (2) Everything is worked out against one target, which is pinned first; a target that moves makes all of it run
 * again (graph/publish.c (7)).  A source that moves is of no concern: its pinned head is recorded. (3) The target's
 * tables are changed in place of being exchanged for the source's: a table version always descends from the one before
 * it on its branch.  So no version number of another branch can hide or shadow anything, and the row versions on which
 * deltas rely stay those of one history. (4) All conflicts are found in one pass and come in one order: type key,
 * entity, kind, message. (5) A merge that changes no row still publishes its commit: that is what makes the next one up
 * to date.
 */
#include "write/merge.h"

#include "base/limits.h"
#include "write/merge_impl.h"
#include "write/write.h"

#include <stdio.h>

const char *og_merge_outcome_name(og_merge_outcome o)
{
  static const char *const names[] = {"already_up_to_date", "fast_forward", "merged"};
  return names[o];
}

const char *og_conflict_kind_name(og_conflict_kind k)
{
  static const char *const names[] = {
      "divergent_insert", "divergent_update",      "delete_vs_update",          "orphan_edge",
      "unique_violation", "cardinality_violation", "value_constraint_violation"};
  return names[k];
}

/* ---- tables and their differences */

og_merge__table *og_merge__table_of(const og_merge__job *j, const og_type_def *type)
{
  for (uint32_t i = 0; i < j->n_tables; i++)
    if (j->tables[i].type == type) return &j->tables[i];
  return NULL;
}

static og_status open_table(og_ctx *cx, og_snapshot *s, const og_type_def *type, og_lance_table **out)
{
  if (*out) return OG_OK;
  return og_snapshot_table(cx, s, type->key, out);
}

og_status og_merge__theirs(og_ctx *cx, og_merge__job *j, og_merge__table *t, const og_delta **out)
{
  *out = &t->theirs;
  if (t->has_theirs || !t->source_moved) return OG_OK;
  t->has_theirs = true;
  OG_TRY(og_delta_open(cx, j->base, j->source, &t->by_source, &t->theirs));
  OG_TRY(open_table(cx, j->target, t->type, &t->target));
  t->source = t->theirs.to ? og_lance_table_ref(t->theirs.to) : NULL;
  t->base = t->theirs.from ? og_lance_table_ref(t->theirs.from) : NULL;
  return OG_OK;
}

og_status og_merge__ours(og_ctx *cx, og_merge__job *j, og_merge__table *t, const og_delta **out)
{
  *out = &t->ours;
  if (t->has_ours || !t->target_moved) return OG_OK;
  t->has_ours = true;
  OG_TRY(og_delta_open(cx, j->base, j->target, &t->by_target, &t->ours));
  return open_table(cx, j->target, t->type, &t->target);
}

static og_status list_types(og_ctx *cx, og_merge__job *j)
{
  const og_catalog *c = j->target->catalog;
  j->tables = og_push_array(cx, (size_t)c->n_nodes + c->n_edges + 1, sizeof *j->tables);
  if (!j->tables) return OG_ENOMEM;
  for (uint32_t i = 0; i < c->n_nodes + c->n_edges; i++) {
    og_merge__table *t = &j->tables[j->n_tables++];
    *t = (og_merge__table){.type = i < c->n_nodes ? &c->nodes[i] : &c->edges[i - c->n_nodes],
                           .rows = OG_VEC_INIT(og_merge__row)};
    og_map_init(&t->gone, false);
  }
  return OG_OK;
}

static const og_delta_table *of_type(const og_vec *moved, const og_type_def *type)
{
  for (size_t i = 0; i < moved->len; i++) {
    const og_delta_table *d = &OG_VEC_AT(moved, og_delta_table, i);
    if (d->id == type->id && d->incarnation == type->incarnation) return d;
  }
  return NULL;
}

static og_status find_moved(og_ctx *cx, og_merge__job *j)
{
  og_vec theirs = OG_VEC_INIT(og_delta_table), ours = OG_VEC_INIT(og_delta_table);
  og_status st = og_delta_snapshots(cx, j->base, j->source, &theirs);
  if (st == OG_OK) st = og_delta_snapshots(cx, j->base, j->target, &ours);
  for (uint32_t i = 0; st == OG_OK && i < j->n_tables; i++) {
    og_merge__table *t = &j->tables[i];
    const og_delta_table *source = of_type(&theirs, t->type), *target = of_type(&ours, t->type);
    t->source_moved = source != NULL;
    t->target_moved = target != NULL;
    if (source) t->by_source = *source;
    if (target) t->by_target = *target;
  }
  og_vec_cleanup(&theirs);
  og_vec_cleanup(&ours);
  return st;
}

static void table_cleanup(og_ctx *cx, og_merge__table *t)
{
  og_delta_cleanup(&t->theirs);
  og_delta_cleanup(&t->ours);
  og_lance_table_unref(t->base);
  og_lance_table_unref(t->source);
  og_lance_table_unref(t->target);
  og_lance_change_free(cx, t->change);
  og_map_cleanup(&t->gone);
  og_vec_cleanup(&t->rows);
}

static void job_cleanup(og_ctx *cx, og_merge__job *j)
{
  for (uint32_t i = 0; i < j->n_tables; i++) table_cleanup(cx, &j->tables[i]);
  og_vec_cleanup(&j->conflicts);
  og_snapshot_unref(j->base);
  og_snapshot_unref(j->source);
  og_snapshot_unref(j->target);
}

/* ---- conflicts */

static int conflict_order(const void *a, const void *b, void *arg)
{
  (void)arg;
  const og_merge_conflict *x = a, *y = b;
  if (x->is_edge != y->is_edge) return x->is_edge ? -1 : 1; /* "edge:…" sorts before "node:…" */
  int c = og_str_cmp(x->type_name, y->type_name);
  if (c == 0) c = og_str_cmp(x->entity_id, y->entity_id);
  if (c == 0) c = (int)x->kind - (int)y->kind;
  return c ? c : og_str_cmp(x->message, y->message);
}

#define CONFLICTS_TOLD 8

/* "merge conflicts: node type 'Person', entity id 'Ada' (divergent_update); …" */
static og_status refuse(og_ctx *cx, const og_merged *out)
{
  OG_AUTO(og_buf) text = {0};
  for (size_t i = 0; i < out->n_conflicts && i < CONFLICTS_TOLD; i++) {
    const og_merge_conflict *c = &out->conflicts[i];
    OG_TRY(og_buf_printf(cx, &text, "%s%s type '" OG_STR_FMT "'", i ? "; " : "", c->is_edge ? "edge" : "node",
                         OG_STR_ARG(c->type_name)));
    if (c->entity_id.ptr) OG_TRY(og_buf_printf(cx, &text, ", entity id '" OG_STR_FMT "'", OG_STR_ARG(c->entity_id)));
    OG_TRY(og_buf_printf(cx, &text, " (%s)", og_conflict_kind_name(c->kind)));
  }
  if (out->n_conflicts > CONFLICTS_TOLD)
    OG_TRY(og_buf_printf(cx, &text, "; and %zu more", out->n_conflicts - CONFLICTS_TOLD));
  og_fail(cx, OG_ECONFLICT, "merge conflicts: " OG_STR_FMT, OG_STR_ARG(og_buf_str(&text)));
  og_error_detail(cx, OG_DETAIL_MERGE_CONFLICTS)->used = out->n_conflicts;
  return OG_ECONFLICT;
}

static og_status tell_conflicts(og_ctx *cx, og_merge__job *j, og_merged *out)
{
  if (j->conflicts.len == 0) return OG_OK;
  OG_TRY(og_sort(cx, j->conflicts.data, j->conflicts.len, sizeof(og_merge_conflict), conflict_order, NULL));
  out->conflicts = og_push_array(cx, j->conflicts.len, sizeof *out->conflicts);
  if (!out->conflicts) return OG_ENOMEM;
  memcpy(out->conflicts, j->conflicts.data, j->conflicts.len * sizeof *out->conflicts);
  out->n_conflicts = j->conflicts.len;
  return refuse(cx, out);
}

/* ---- one merge of one source into one target */

static og_status count(og_ctx *cx, og_merge__job *j, og_merged *out)
{
  out->counts = og_push_array(cx, (size_t)j->n_tables + 1, sizeof *out->counts);
  if (!out->counts) return OG_ENOMEM;
  out->n_counts = 0;
  for (uint32_t i = 0; i < j->n_tables; i++) {
    const og_merge__table *t = &j->tables[i];
    og_merge_count *c = &out->counts[out->n_counts];
    *c = (og_merge_count){0};
    for (size_t k = 0; k < t->rows.len; k++) {
      const og_delta_op op = OG_VEC_AT(&t->rows, og_merge__row, k).op;
      ++*(op == OG_DELTA_INSERT ? &c->inserted : op == OG_DELTA_UPDATE ? &c->updated : &c->deleted);
    }
    if (t->rows.len == 0) continue;
    OG_TRY(og_arena_str(cx, cx->arena, t->type->key, &c->key));
    out->n_counts++;
  }
  return OG_OK;
}

/* Did the one who wrote change rows of a table that the other has dropped?  Versions alone do not tell: a table may
 * have been taken over, with its rows, from where it was dropped later.  States that were erased cannot be told from
 * others. */
static og_status has_changed(og_ctx *cx, og_merge__job *j, og_snapshot *writer, const og_delta_table *d, bool *out)
{
  og_delta_table table = *d;
  og_delta delta;
  *out = d->to->rows > 0 || (d->from && d->from->rows > 0);
  if (!*out) return OG_OK;
  table.was = d->is; /* the base is seen through the writer's catalog meanwhile */
  og_status st = og_delta_open(cx, j->base, writer, &table, &delta);
  if (st == OG_OK) *out = delta.n_rows > 0;
  og_delta_cleanup(&delta);
  if (st != OG_EGONE) return st;
  og_error_clear(cx);
  return OG_OK;
}

/* What one side wrote into a type that the other's schema has dropped would be lost.  Seen before the sides are bound;
 * leaves the base bound to the writer's catalog. */
static og_status check_dropped(og_ctx *cx, og_merge__job *j, og_merge_prefer dropper, const og_merged *out)
{
  const bool by_target = dropper == OG_MERGE_OURS;
  const og_fold *there = (by_target ? j->target : j->source)->fold;
  const og_str dropped_on = by_target ? out->target : out->source, written_on = by_target ? out->source : out->target;
  og_vec moved = OG_VEC_INIT(og_delta_table);
  og_snapshot *writer = by_target ? j->source : j->target;
  bool changed;
  if (j->merge->prefer == dropper) return OG_OK;
  og_status st = og_snapshot_bind(cx, j->base, writer->catalog, false);
  if (st == OG_OK) st = og_delta_snapshots(cx, j->base, writer, &moved);
  for (size_t i = 0; st == OG_OK && i < moved.len; i++) {
    const og_delta_table *d = &OG_VEC_AT(&moved, og_delta_table, i);
    if (!d->is || !d->to || og_fold_table(there, d->id, d->incarnation)) continue;
    st = has_changed(cx, j, writer, d, &changed);
    if (st != OG_OK || !changed) continue;
    st = og_merge__conflict(cx, j, d->is, OG_CONFLICT_DELETE_VS_UPDATE, OG_STR_NONE,
                            "the type was dropped on '" OG_STR_FMT "' and written to on '" OG_STR_FMT "'",
                            OG_STR_ARG(dropped_on), OG_STR_ARG(written_on));
  }
  og_vec_cleanup(&moved);
  return st;
}

/* Both sides and their base are seen through the newer of the two schemas.  Applies go to main only, so one was changed
 * to the other.  A target whose schema is behind has to accept the source's before rows are written to it. */
static og_status agree_on_schema(og_ctx *cx, og_merge__job *j, const og_merged *out)
{
  og_schema_order order;
  OG_TRY(og_snapshot_schemas(cx, j->target, j->source, &order));
  switch (order) {
  case OG_SCHEMAS_SAME: return OG_OK;
  case OG_SCHEMAS_AHEAD:
    if (j->merge->kind == OG_MERGE_BRANCH) {
      OG_TRY(check_dropped(cx, j, OG_MERGE_OURS, out));
      OG_TRY(og_snapshot_bind(cx, j->base, j->target->catalog, false));
    }
    return og_snapshot_bind(cx, j->source, j->target->catalog, false);
  case OG_SCHEMAS_BEHIND:
    j->adopts = true;
    OG_TRY(check_dropped(cx, j, OG_MERGE_THEIRS, out));
    OG_TRY(og_snapshot_bind(cx, j->target, j->source->catalog, true));
    return og_snapshot_bind(cx, j->base, j->source->catalog, false);
  case OG_SCHEMAS_APART: break;
  }
  return og_fail(cx, OG_ECONFLICT, "the schemas of branches '" OG_STR_FMT "' and '" OG_STR_FMT "' went different ways",
                 OG_STR_ARG(out->source), OG_STR_ARG(out->target));
}

static og_status prepare(og_ctx *cx, og_merge__job *j, og_merged *out)
{
  OG_TRY(agree_on_schema(cx, j, out));
  OG_TRY(list_types(cx, j));
  OG_TRY(find_moved(cx, j));
  for (uint32_t i = 0; i < j->n_tables; i++)
    OG_TRY_NOTE(cx, og_merge__decide(cx, j, &j->tables[i]), "while merging '" OG_STR_FMT "'",
                OG_STR_ARG(j->tables[i].type->key));
  if (j->conflicts.len == 0) OG_TRY(og_merge__check(cx, j));
  OG_TRY(tell_conflicts(cx, j, out));
  return count(cx, j, out);
}

static og_status publish(og_ctx *cx, og_graph *g, og_merge__job *j, og_merged *out, bool *rerun)
{
  og_publish_outcome outcome = OG_PUBLISHED;
  og_vec changes = OG_VEC_INIT(og_table_change);
  og_publication p = {.base = j->target,
                      .attempt = j->attempt,
                      .actor = j->merge->actor.len ? j->merge->actor : OG_STR_NONE,
                      .merged = j->merge->kind == OG_MERGE_BRANCH ? j->source : NULL,
                      .on_head = true};
  og_status st = OG_OK;
  for (uint32_t i = 0; st == OG_OK && i < j->n_tables; i++) {
    const og_table_change c = {.key = j->tables[i].type->key, .change = j->tables[i].change};
    if (c.change) st = og_vec_add(cx, &changes, &c);
  }
  p.tables = changes.data;
  p.n_tables = changes.len;
  if (st == OG_OK) st = og_graph_attempt(cx, g, j->target, &p.commit);
  if (st == OG_OK) st = og_graph_publish(cx, g, &p, &outcome, &out->commit);
  og_vec_cleanup(&changes);
  OG_TRY(st);
  *rerun = outcome == OG_PUBLISH_RERUN;
  out->has_commit = !*rerun;
  return OG_OK;
}

static og_status write_and_publish(og_ctx *cx, og_graph *g, og_merge__job *j, og_merged *out, bool *rerun)
{
  OG_TRY(og_graph_attempt(cx, g, j->target, &j->attempt));
  og_ulid_format(&j->attempt, j->attempt_text);
  j->attempt_text[OG_ULID_LEN] = '\0';
  snprintf(j->uuid_text, sizeof j->uuid_text, "omnigraph-%s", j->attempt_text);
  for (uint32_t i = 0; i < j->n_tables; i++)
    OG_TRY_NOTE(cx, og_merge__apply(cx, j, &j->tables[i]), "while merging '" OG_STR_FMT "'",
                OG_STR_ARG(j->tables[i].type->key));
  return publish(cx, g, j, out, rerun);
}

static bool same_commit(const og_ulid *a, const og_ulid *b)
{
  return og_ulid_cmp(a, b) == 0;
}

static og_status pin_revert(og_ctx *cx, og_graph *g, og_merge__job *j)
{
  og_commit c;
  OG_TRY(og_graph_find_commit(cx, g, j->merge->target, &j->merge->commit, &c));
  if (!c.has_parent) return og_fail(cx, OG_EINVALID, "the first commit of a graph cannot be reverted");
  OG_TRY(og_graph_snapshot_at(cx, g, c.branch, &c.id, &j->base));
  OG_TRY(og_graph_snapshot_at(cx, g, c.branch, &c.parent, &j->source));
  og_schema_order order;
  OG_TRY(og_snapshot_schemas(cx, j->source, j->base, &order));
  if (order == OG_SCHEMAS_SAME) return OG_OK;
  return og_fail(cx, OG_ECONFLICT,
                 "this commit changed the schema, which a revert does not undo: apply the schema that is wanted");
}

/* The two kinds that bring no other branch in. */
static og_status pin_states(og_ctx *cx, og_graph *g, og_merge__job *j, og_merged *out)
{
  OG_TRY(og_graph_snapshot(cx, g, j->merge->target, &j->target));
  out->target_head = j->target->fold->head;
  out->outcome = OG_MERGE_MERGED;
  if (j->merge->kind == OG_MERGE_REVERT) {
    OG_TRY(pin_revert(cx, g, j));
  } else {
    OG_TRY(og_graph_snapshot_at(cx, g, j->merge->target, &j->merge->commit, &j->source));
    j->base = og_snapshot_ref(j->target);
  }
  out->base = j->base->fold->head;
  out->source_head = j->source->fold->head;
  return OG_OK;
}

/* Target first: a source pinned later can only know more of it. */
static og_status pin(og_ctx *cx, og_graph *g, og_merge__job *j, og_merged *out)
{
  og_vec bases = OG_VEC_INIT(og_commit);
  og_commit base = {0};
  OG_TRY(og_graph_snapshot(cx, g, j->merge->target, &j->target));
  OG_TRY(og_graph_snapshot(cx, g, j->merge->source, &j->source));
  out->source_head = j->source->fold->head;
  out->target_head = j->target->fold->head;
  og_status st = og_graph_merge_bases(cx, j->source, j->target, &bases);
  const bool found = st == OG_OK && bases.len > 0;
  if (found) base = OG_VEC_AT(&bases, og_commit, 0);
  og_vec_cleanup(&bases);
  OG_TRY(st);
  if (!found)
    return og_fail(cx, OG_ECONFLICT, "branches '" OG_STR_FMT "' and '" OG_STR_FMT "' have no commit in common",
                   OG_STR_ARG(out->source), OG_STR_ARG(out->target));
  out->base = base.id;
  out->outcome = same_commit(&base.id, &out->source_head)   ? OG_MERGE_UP_TO_DATE
                 : same_commit(&base.id, &out->target_head) ? OG_MERGE_FAST_FORWARD
                                                            : OG_MERGE_MERGED;
  if (out->outcome == OG_MERGE_UP_TO_DATE) return OG_OK;
  OG_TRY_NOTE(cx, og_graph_snapshot_at(cx, g, j->merge->target, &base.id, &j->base),
              "while reading the state that both branches have in common");
  return OG_OK;
}

static og_status merge_once(og_ctx *cx, og_graph *g, const og_merge *merge, og_merged *out, bool *rerun)
{
  og_merge__job j = {.merge = merge, .conflicts = OG_VEC_INIT(og_merge_conflict)};
  *rerun = false;
  og_status st = merge->kind == OG_MERGE_BRANCH ? pin(cx, g, &j, out) : pin_states(cx, g, &j, out);
  if (st == OG_OK && out->outcome != OG_MERGE_UP_TO_DATE) {
    st = prepare(cx, &j, out);
    const bool idle = merge->kind != OG_MERGE_BRANCH && !j.adopts && out->n_counts == 0;
    if (idle) out->outcome = OG_MERGE_UP_TO_DATE;
    /* The schema would be a commit of the target's own, and the merge go on top of it. */
    if (merge->dry_run && j.adopts) out->outcome = OG_MERGE_MERGED;
    if (st == OG_OK && !merge->dry_run && j.adopts) {
      st = og_write_schema_adopt(cx, g, merge->target, j.source, merge->actor);
      *rerun = true; /* on what the target is now */
    } else if (st == OG_OK && !merge->dry_run && !idle) {
      st = write_and_publish(cx, g, &j, out, rerun);
    }
  }
  job_cleanup(cx, &j);
  return st;
}

/* The name as it is told, "main" spelled out; one that no branch can have is refused as such. */
static og_status spell(og_ctx *cx, og_str branch, og_str *out)
{
  branch = og_str_trim(branch);
  if (branch.len == 0) branch = OG_STR("main");
  if (!og_str_eq(branch, OG_STR("main"))) OG_TRY(og_branch_name_check(cx, branch));
  return og_arena_str(cx, cx->arena, branch, out);
}

og_status og_write_merge(og_ctx *cx, og_graph *g, const og_merge *merge, og_merged *out)
{
  *out = (og_merged){0};
  OG_TRY(spell(cx, merge->source, &out->source));
  OG_TRY(spell(cx, merge->target, &out->target));
  if (merge->kind == OG_MERGE_BRANCH && og_str_eq(out->source, out->target))
    return og_fail(cx, OG_EINVALID, "branch '" OG_STR_FMT "' cannot be merged into itself", OG_STR_ARG(out->source));
  for (unsigned i = 0; i < OG_LIMIT_REEXECUTIONS; i++) {
    bool rerun;
    OG_TRY(merge_once(cx, g, merge, out, &rerun));
    if (!rerun) return OG_OK;
  }
  return og_fail(cx, OG_ECONFLICT,
                 "branch '" OG_STR_FMT "' moved on %d times while the merge ran; try again when it is quieter",
                 OG_STR_ARG(out->target), OG_LIMIT_REEXECUTIONS);
}
