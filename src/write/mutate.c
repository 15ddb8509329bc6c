/* SPDX-License-Identifier: MIT */
/* write/mutate.c -- insert, update and delete, in order, as one commit.
 *
 *  (1) Each statement sees what the earlier ones staged: a staged row shadows the committed one it replaces.
 *  (2) All checks that span rows run once, at the end; nothing matched and nothing inserted publishes nothing.
 *  (3) An update computes all of its values from the row as it was before the statement.
 *  (4) Deleting nodes takes their edges along, in every edge type at both ends; each entity is counted once.
 */
#include "write/write.h"

#include "base/env.h"
#include "base/limits.h"
#include "exec/eval.h"
#include "write/stage.h"

typedef struct mutator {
  const og_mutation_plan *plan;
  const og_scalar *values;
  og_scalar now;
  og_stage stage;
  og_mutated *out;
  og_arena scratch; /* what judging or setting one row makes */
} mutator;

static void count(mutator *m, const og_type_def *t)
{
  if (t->is_edge)
    m->out->edges++;
  else
    m->out->nodes++;
}

/* ---- expressions */

/* The row that bare names are about: values, or a committed row of a view. */
typedef struct target {
  const og_type_def *type;
  const og_scalar *row; /* per column; NULL: in the view */
  og_view *view;
  uint64_t offset;
} target;

static og_status leaf(og_ctx *cx, const og_eval *ev, const og_pexpr *e, og_scalar *out)
{
  const target *t = ev->arg;
  const og_column *c;
  if (e->kind != OG_PX_FIELD) return og_fail(cx, OG_EINTERNAL, "a mutation asks for what a row does not have");
  if (t->row) {
    *out = t->row[og_type_column(t->type, e->field)];
    return OG_OK;
  }
  OG_TRY(og_view_column(cx, t->view, e->field, &c));
  return og_eval_column_at(cx, ev->scratch, c, (int64_t)t->offset, out);
}

static og_eval eval_over(mutator *m, target *t)
{
  return (og_eval){.values = m->values,
                   .now = m->now,
                   .leaf = t ? leaf : NULL,
                   .arg = t,
                   .scratch = &m->scratch,
                   .source = m->plan->source};
}

/* What must hold: one by one, so that what stands behind a part that does not hold is not computed. */
typedef struct parts {
  const og_pexpr *const *list;
  uint32_t n;
} parts;

static parts parts_of(const og_mutation_stmt *st)
{
  if (st->where->kind == OG_PX_AND) return (parts){st->where->args, st->where->n_args};
  return (parts){&st->where, 1};
}

static og_status holds(og_ctx *cx, const og_eval *ev, parts p, bool *out)
{
  *out = true;
  for (uint32_t i = 0; i < p.n && *out; i++) OG_TRY(og_eval_holds(cx, ev, p.list[i], out));
  return OG_OK;
}

/* ---- which committed rows */

#define BLOCK 65536u

/* A part that the kernels take: a field against a constant. */
static bool is_vectorised(const og_pexpr *e)
{
  return e->kind == OG_PX_CMP && e->args[0]->kind == OG_PX_FIELD && og_px_is_constant(e->args[1]) &&
         !og_type_is_nested(e->args[0]->type.type.id);
}

static og_status select_part(og_ctx *cx, mutator *m, og_stage_table *t, const og_pexpr *e, uint32_t *sel, size_t *n)
{
  target row = {.type = t->type, .view = t->view};
  og_eval ev = eval_over(m, &row);
  if (is_vectorised(e)) {
    const og_column *c;
    og_scalar rhs;
    OG_TRY(og_view_column(cx, t->view, e->args[0]->field, &c));
    OG_TRY(og_eval_value(cx, &ev, e->args[1], &rhs));
    *n = rhs.is_null ? 0 : og_kernels_scalar.select_cmp(c, e->cmp, &rhs, sel, *n, sel);
    og_arena_reset(&m->scratch);
    return OG_OK;
  }
  size_t kept = 0;
  for (size_t i = 0; i < *n; i++) {
    bool keep;
    row.offset = sel[i];
    OG_TRY(og_eval_holds(cx, &ev, e, &keep));
    og_arena_reset(&m->scratch);
    if (keep) sel[kept++] = sel[i];
  }
  *n = kept;
  return OG_OK;
}

static og_status match_block(og_ctx *cx, mutator *m, og_stage_table *t, parts p, uint64_t from, uint32_t *sel,
                             og_vec *out)
{
  size_t n = 0;
  uint64_t to = from + BLOCK < t->view->rows ? from + BLOCK : t->view->rows;
  OG_TRY(og_ctx_poll(cx));
  for (uint64_t r = from; r < to; r++)
    if (og_stage_is_retained(t, r)) sel[n++] = (uint32_t)r;
  for (uint32_t i = 0; i < p.n && n; i++) OG_TRY(select_part(cx, m, t, p.list[i], sel, &n));
  OG_TRY(og_vec_reserve(cx, out, n));
  for (size_t i = 0; i < n; i++) ((uint64_t *)out->data)[out->len++] = sel[i];
  return OG_OK;
}

/* Committed rows the stage has not touched that the statement is about. */
static og_status match_committed(og_ctx *cx, mutator *m, const og_mutation_stmt *st, og_stage_table *t, og_vec *out)
{
  if (t->view->rows > UINT32_MAX)
    return og_fail(cx, OG_ELIMIT, "table '" OG_STR_FMT "' has more than 2^32 rows", OG_STR_ARG(t->type->key));
  uint32_t *sel = og_calloc(cx, BLOCK, sizeof *sel);
  if (!sel) return OG_ENOMEM;
  og_status rc = OG_OK;
  for (uint64_t from = 0; rc == OG_OK && from < t->view->rows; from += BLOCK)
    rc = match_block(cx, m, t, parts_of(st), from, sel, out);
  og_free(sel);
  return rc;
}

/* ---- insert and update */

static og_status assign(og_ctx *cx, const og_type_def *t, const og_mutation_assign *a, const og_eval *ev,
                        og_scalar *row)
{
  og_scalar v;
  og_scalar *slot = &row[og_type_column(t, a->field)];
  OG_TRY(og_eval_value(cx, ev, a->value, &v));
  if (a->field >= 0) return og_value_coerce(cx, t, &t->properties[a->field], &v, slot);
  if (v.is_null || !og_type_is_string(v.type.id))
    return og_fail(cx, OG_EINVALID, "edge " OG_STR_FMT ": from and to must be node ids", OG_STR_ARG(t->name));
  *slot = (og_scalar){.type = og_type_of(OG_TYPE_UTF8), .v.s = v.v.s};
  return OG_OK;
}

static og_status run_insert(og_ctx *cx, mutator *m, const og_mutation_stmt *st)
{
  og_stage_table *t;
  og_field item;
  og_eval ev = eval_over(m, NULL);
  OG_TRY(og_stage_table_of(cx, &m->stage, st->type, &t));
  uint32_t first = og_type_first_property(st->type);
  og_scalar *row = og_push_array(cx, t->view->n_columns + 1, sizeof *row);
  if (!row) return OG_ENOMEM;
  for (uint32_t i = 0; i < first; i++) row[i] = (og_scalar){.type = og_type_of(OG_TYPE_UTF8), .is_null = true};
  for (uint32_t i = 0; i < st->type->n_properties; i++)
    row[first + i] = (og_scalar){.type = og_prop_arrow_type(&st->type->properties[i].type, &item), .is_null = true};
  for (uint32_t i = 0; i < st->n_assigns; i++) OG_TRY(assign(cx, st->type, &st->assigns[i], &ev, row));
  OG_TRY(og_stage_put(cx, &m->stage, t, row, st->type->key_fields ? OG_PUT_UPSERT : OG_PUT_INSERT, false));
  og_arena_reset(&m->scratch);
  count(m, st->type);
  return OG_OK;
}

typedef struct updater {
  mutator *m;
  const og_mutation_stmt *st;
  og_stage_table *t;
  og_scalar *old, *row; /* per column: as it was, and as it will be */
} updater;

/* Every value is computed from the row as it was. */
static og_status update_row(og_ctx *cx, updater *u, uint64_t offset, size_t staged)
{
  target was = {.type = u->st->type, .row = u->old};
  og_eval ev = eval_over(u->m, &was);
  memcpy(u->row, u->old, u->t->view->n_columns * sizeof *u->row);
  for (uint32_t i = 0; i < u->st->n_assigns; i++) OG_TRY(assign(cx, u->st->type, &u->st->assigns[i], &ev, u->row));
  OG_TRY(og_stage_replace(cx, &u->m->stage, u->t, offset, staged, u->row));
  og_arena_reset(&u->m->scratch);
  count(u->m, u->st->type);
  return OG_OK;
}

/* Staged rows first: they are few, and an update must see them before it adds its own. */
static og_status update_staged(og_ctx *cx, updater *u)
{
  target was = {.type = u->st->type, .row = u->old};
  og_eval ev = eval_over(u->m, &was);
  for (size_t i = 0, n = u->t->rows.len; i < n; i++) {
    bool matches;
    memcpy(u->old, OG_VEC_AT(&u->t->rows, og_staged_row, i).values, u->t->view->n_columns * sizeof *u->old);
    OG_TRY(holds(cx, &ev, parts_of(u->st), &matches));
    og_arena_reset(&u->m->scratch);
    if (matches) OG_TRY(update_row(cx, u, OG_NO_OFFSET, i));
  }
  return OG_OK;
}

static og_status update_rows(og_ctx *cx, updater *u, const og_batch *rows, const uint64_t *offsets)
{
  og_vec keep = OG_VEC_INIT(og_column *);
  og_status rc = OG_OK;
  for (int64_t i = 0; rc == OG_OK && i < rows->len; i++) {
    for (uint32_t c = 0; rc == OG_OK && c < rows->n_columns; c++)
      rc = og_value_at(cx, rows->columns[c], i, &keep, &u->old[c]);
    if (rc == OG_OK) rc = update_row(cx, u, offsets[i], 0);
  }
  for (size_t i = 0; i < keep.len; i++) og_column_unref(OG_VEC_AT(&keep, og_column *, i));
  og_vec_cleanup(&keep);
  return rc;
}

/* A block at a time: whole rows may be large. */
static og_status update_committed(og_ctx *cx, updater *u, const og_vec *offsets)
{
  const uint64_t *all = offsets->data;
  uint32_t n_columns = u->t->view->n_columns, *columns = og_push_array(cx, n_columns + 1, sizeof *columns);
  if (!columns) return OG_ENOMEM;
  for (uint32_t i = 0; i < n_columns; i++) columns[i] = i;
  for (size_t from = 0; from < offsets->len; from += BLOCK) {
    og_batch *rows;
    size_t n = offsets->len - from < BLOCK ? offsets->len - from : BLOCK;
    OG_TRY(og_ctx_poll(cx));
    OG_TRY(og_lance_table_take(cx, u->t->view->table, columns, n_columns, all + from, n, &rows));
    og_status rc = update_rows(cx, u, rows, all + from);
    og_batch_unref(rows);
    OG_TRY(rc);
  }
  return OG_OK;
}

static og_status run_update(og_ctx *cx, mutator *m, const og_mutation_stmt *st)
{
  updater u = {.m = m, .st = st};
  og_vec offsets = OG_VEC_INIT(uint64_t);
  OG_TRY(og_stage_table_of(cx, &m->stage, st->type, &u.t));
  u.old = og_push_array(cx, u.t->view->n_columns + 1, sizeof *u.old);
  u.row = og_push_array(cx, u.t->view->n_columns + 1, sizeof *u.row);
  if (!u.old || !u.row) return OG_ENOMEM;
  u.t->predicate = true;
  og_status rc = match_committed(cx, m, st, u.t, &offsets);
  if (rc == OG_OK) rc = update_staged(cx, &u);
  if (rc == OG_OK) rc = update_committed(cx, &u, &offsets);
  og_vec_cleanup(&offsets);
  return rc;
}

/* ---- delete */

static og_status delete_offsets(og_ctx *cx, mutator *m, og_stage_table *t, const og_vec *offsets)
{
  for (size_t i = 0; i < offsets->len; i++) {
    bool was_new;
    OG_TRY(og_stage_delete(cx, &m->stage, t, OG_VEC_AT(offsets, uint64_t, i), &was_new));
    if (was_new) count(m, t->type);
  }
  return OG_OK;
}

/* Edges of one type with that end among `ids`. */
static og_status cascade_end(og_ctx *cx, mutator *m, og_stage_table *t, int32_t field, const og_map *ids)
{
  const og_column *ends;
  og_vec hit = OG_VEC_INIT(uint64_t);
  og_status st = og_view_column(cx, t->view, field, &ends);
  for (uint64_t row = 0; st == OG_OK && row < t->view->rows; row++)
    if (og_view_is_live(t->view, row) && og_map_get(ids, og_column_str(ends, (int64_t)row), NULL))
      st = og_vec_add(cx, &hit, &row);
  if (st == OG_OK) st = delete_offsets(cx, m, t, &hit);
  og_vec_cleanup(&hit);
  return st;
}

static og_status cascade(og_ctx *cx, mutator *m, const og_type_def *node, const og_map *ids)
{
  const og_catalog *c = m->stage.snapshot->catalog;
  for (uint32_t i = 0; i < c->n_edges; i++) {
    const og_type_def *e = &c->edges[i];
    og_stage_table *t;
    if (og_edge_from(c, e) != node && og_edge_to(c, e) != node) continue;
    OG_TRY(og_stage_table_of(cx, &m->stage, e, &t));
    t->predicate = true; /* an edge added meanwhile would have to go, too */
    if (og_edge_from(c, e) == node) OG_TRY(cascade_end(cx, m, t, OG_FIELD_SRC, ids));
    if (og_edge_to(c, e) == node) OG_TRY(cascade_end(cx, m, t, OG_FIELD_DST, ids));
  }
  return OG_OK;
}

static og_status cascade_from(og_ctx *cx, mutator *m, og_stage_table *t, const og_vec *offsets)
{
  const og_column *column;
  og_map ids;
  if (t->type->is_edge || offsets->len == 0) return OG_OK;
  OG_TRY(og_view_column(cx, t->view, OG_FIELD_ID, &column));
  og_map_init(&ids, false);
  og_status st = OG_OK;
  for (size_t i = 0; st == OG_OK && i < offsets->len; i++)
    st = og_map_put(cx, &ids, og_column_str(column, (int64_t)OG_VEC_AT(offsets, uint64_t, i)), 1, NULL);
  if (st == OG_OK) st = cascade(cx, m, t->type, &ids);
  og_map_cleanup(&ids);
  return st;
}

static og_status run_delete(og_ctx *cx, mutator *m, const og_mutation_stmt *st)
{
  og_stage_table *t;
  og_vec offsets = OG_VEC_INIT(uint64_t);
  OG_TRY(og_stage_table_of(cx, &m->stage, st->type, &t));
  t->predicate = true;
  og_status rc = match_committed(cx, m, st, t, &offsets);
  if (rc == OG_OK) rc = delete_offsets(cx, m, t, &offsets);
  if (rc == OG_OK) rc = cascade_from(cx, m, t, &offsets);
  og_vec_cleanup(&offsets);
  return rc;
}

/* ---- one try, and tries */

static bool changes_anything(const og_stage *s)
{
  for (size_t i = 0; i < s->tables.len; i++) {
    const og_stage_table *t = OG_VEC_AT(&s->tables, og_stage_table *, i);
    if (t->rows.len || t->deleted.len) return true;
  }
  return false;
}

static og_status check_precondition(og_ctx *cx, const og_snapshot *s, const og_ulid *if_commit)
{
  char want[OG_ULID_LEN], have[OG_ULID_LEN];
  if (!if_commit || og_ulid_cmp(if_commit, &s->fold->head) == 0) return OG_OK;
  og_ulid_format(if_commit, want);
  og_ulid_format(&s->fold->head, have);
  og_fail(cx, OG_EPRECONDITION, "the branch is at commit %.26s, not at %.26s: nothing was written", have, want);
  og_detail *d = og_error_detail(cx, OG_DETAIL_PRECONDITION);
  og_detail_set(d->expected, sizeof d->expected, og_str_from(want, sizeof want));
  og_detail_set(d->actual, sizeof d->actual, og_str_from(have, sizeof have));
  return OG_EPRECONDITION;
}

static og_status mutate_once(og_ctx *cx, mutator *m, const og_mutation *r, bool *rerun)
{
  *m->out = (og_mutated){0};
  OG_TRY(check_precondition(cx, m->stage.snapshot, r->if_commit));
  for (uint32_t i = 0; i < m->plan->n_stmts; i++) {
    const og_mutation_stmt *st = &m->plan->stmts[i];
    OG_TRY(st->kind == OG_STMT_INSERT   ? run_insert(cx, m, st)
           : st->kind == OG_STMT_UPDATE ? run_update(cx, m, st)
                                        : run_delete(cx, m, st));
  }
  if (!changes_anything(&m->stage)) return OG_OK;
  OG_TRY(og_stage_finish(cx, &m->stage));
  m->out->has_commit = true;
  return og_stage_publish(cx, &m->stage, r->actor, r->if_commit, rerun, &m->out->commit);
}

static og_status mutate_try(og_ctx *cx, og_graph *g, const og_mutation *r, bool *rerun, og_mutated *out)
{
  og_snapshot *snapshot;
  mutator m = {.out = out, .now = {.type = og_type_of(OG_TYPE_DATE64), .v.i = og_wall_us(cx) / 1000}};
  OG_TRY(og_graph_snapshot(cx, g, r->branch, &snapshot));
  og_status st = og_stage_init(cx, &m.stage, snapshot, 0);
  if (st == OG_OK) st = r->plan(cx, r->plan_arg, snapshot->catalog, &m.plan, &m.values);
  if (st == OG_OK) st = mutate_once(cx, &m, r, rerun);
  og_stage_cleanup(cx, &m.stage);
  og_arena_cleanup(&m.scratch);
  og_snapshot_unref(snapshot);
  return st;
}

static og_status mutate_until(og_ctx *cx, og_graph *g, const og_mutation *mutation, og_mutated *out)
{
  for (unsigned i = 0; i < OG_LIMIT_REEXECUTIONS; i++) {
    bool rerun = false;
    OG_TRY(mutate_try(cx, g, mutation, &rerun, out));
    if (!rerun) return OG_OK;
  }
  return og_fail(cx, OG_ECONFLICT, "the mutation lost against other writers %d times; try again when it is quieter",
                 OG_LIMIT_REEXECUTIONS);
}

og_status og_write_mutate(og_ctx *cx, og_graph *g, const og_mutation *mutation, og_mutated *out)
{
  og_mem *outer;
  OG_TRY(og_ctx_budget_begin(cx, OG_LIMIT_QUERY_MEMORY, "query memory", &outer));
  return og_ctx_budget_end(cx, outer, mutate_until(cx, g, mutation, out));
}
