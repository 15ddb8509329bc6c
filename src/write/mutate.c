/* SPDX-License-Identifier: MIT */
/* write/mutate.c -- insert, update and delete, in order, as one commit.
 *
 *  (1) Each statement sees what the earlier ones staged: a staged row shadows the committed one it replaces.
 *  (2) All checks that span rows run once, at the end; nothing matched and nothing inserted publishes nothing.
 *  (3) Deleting nodes takes their edges along, in every edge type at both ends; each entity is counted once.
 */
#include "write/write.h"

#include "base/env.h"
#include "base/limits.h"
#include "write/stage.h"

typedef struct mutator {
  const og_mutation_plan *plan;
  const og_scalar *values;
  og_scalar now;
  og_stage stage;
  og_mutated *out;
} mutator;

static og_status value_of(og_ctx *cx, const mutator *m, const og_pexpr *e, og_scalar *out)
{
  switch (e->kind) {
  case OG_PX_LITERAL: *out = e->literal; return OG_OK;
  case OG_PX_PARAM: *out = m->values[e->param]; return OG_OK;
  case OG_PX_NOW: *out = m->now; return OG_OK;
  default: return og_fail(cx, OG_EINTERNAL, "a mutation assigns something that is no value");
  }
}

/* ---- insert and update */

static og_status assign(og_ctx *cx, const mutator *m, const og_type_def *t, const og_mutation_assign *a, og_scalar *row)
{
  og_scalar v;
  og_scalar *slot = &row[og_type_column(t, a->field)];
  OG_TRY(value_of(cx, m, a->value, &v));
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
  OG_TRY(og_stage_table_of(cx, &m->stage, st->type, &t));
  uint32_t first = og_type_first_property(st->type);
  og_scalar *row = og_push_array(cx, t->view->n_columns + 1, sizeof *row);
  if (!row) return OG_ENOMEM;
  for (uint32_t i = 0; i < first; i++) row[i] = (og_scalar){.type = og_type_of(OG_TYPE_UTF8), .is_null = true};
  for (uint32_t i = 0; i < st->type->n_properties; i++)
    row[first + i] = (og_scalar){.type = og_prop_arrow_type(&st->type->properties[i].type, &item), .is_null = true};
  for (uint32_t i = 0; i < st->n_assigns; i++) OG_TRY(assign(cx, m, st->type, &st->assigns[i], row));
  OG_TRY(og_stage_put(cx, &m->stage, t, row, st->type->key_fields ? OG_PUT_UPSERT : OG_PUT_INSERT, false));
  if (st->type->is_edge)
    m->out->edges++;
  else
    m->out->nodes++;
  return OG_OK;
}

static bool holds(og_cmp_op op, const og_scalar *a, const og_scalar *b)
{
  int c;
  if (a->is_null || b->is_null || !og_scalar_cmp(a, b, &c)) return false;
  switch (op) {
  case OG_CMP_EQ: return c == 0;
  case OG_CMP_NE: return c != 0;
  case OG_CMP_LT: return c < 0;
  case OG_CMP_LE: return c <= 0;
  case OG_CMP_GT: return c > 0;
  default: return c >= 0;
  }
}

/* Committed rows the stage has not touched whose field passes. */
static og_status match_committed(og_ctx *cx, og_stage_table *t, int32_t field, og_cmp_op op, const og_scalar *rhs,
                                 og_vec *out)
{
  const og_column *c;
  if (rhs->is_null || t->view->rows == 0) return OG_OK;
  OG_TRY(og_view_column(cx, t->view, field, &c));
  uint32_t *sel = og_calloc(cx, t->view->rows + 1, sizeof *sel);
  if (!sel) return OG_ENOMEM;
  size_t n = og_kernels_scalar.select_cmp(c, op, rhs, NULL, (size_t)t->view->rows, sel);
  og_status st = OG_OK;
  for (size_t i = 0; st == OG_OK && i < n; i++) {
    uint64_t row = sel[i];
    if (og_stage_is_retained(t, row)) st = og_vec_add(cx, out, &row);
  }
  og_free(sel);
  return st;
}

static og_status set_fields(og_ctx *cx, mutator *m, const og_mutation_stmt *st, og_scalar *row)
{
  for (uint32_t i = 0; i < st->n_assigns; i++) OG_TRY(assign(cx, m, st->type, &st->assigns[i], row));
  return OG_OK;
}

/* Staged rows first: they are few, and an update must see them before it adds its own. */
static og_status update_staged(og_ctx *cx, mutator *m, const og_mutation_stmt *st, og_stage_table *t,
                               const og_scalar *rhs)
{
  og_scalar *row = og_push_array(cx, t->view->n_columns + 1, sizeof *row);
  if (!row) return OG_ENOMEM;
  for (size_t i = 0, n = t->rows.len; i < n; i++) {
    memcpy(row, OG_VEC_AT(&t->rows, og_staged_row, i).values, t->view->n_columns * sizeof *row);
    if (!holds(st->pred_op, &row[og_type_column(st->type, st->pred_field)], rhs)) continue;
    OG_TRY(set_fields(cx, m, st, row));
    OG_TRY(og_stage_replace(cx, &m->stage, t, OG_NO_OFFSET, i, row));
    m->out->nodes++;
  }
  return OG_OK;
}

static og_status update_rows(og_ctx *cx, mutator *m, const og_mutation_stmt *st, og_stage_table *t,
                             const og_batch *rows, const uint64_t *offsets)
{
  og_vec keep = OG_VEC_INIT(og_column *);
  og_scalar *row = og_push_array(cx, t->view->n_columns + 1, sizeof *row);
  og_status rc = row ? OG_OK : OG_ENOMEM;
  for (int64_t i = 0; rc == OG_OK && i < rows->len; i++) {
    for (uint32_t c = 0; rc == OG_OK && c < rows->n_columns; c++)
      rc = og_value_at(cx, rows->columns[c], i, &keep, &row[c]);
    if (rc == OG_OK) rc = set_fields(cx, m, st, row);
    if (rc == OG_OK) rc = og_stage_replace(cx, &m->stage, t, offsets[i], 0, row);
    m->out->nodes += rc == OG_OK;
  }
  for (size_t i = 0; i < keep.len; i++) og_column_unref(OG_VEC_AT(&keep, og_column *, i));
  og_vec_cleanup(&keep);
  return rc;
}

static og_status update_committed(og_ctx *cx, mutator *m, const og_mutation_stmt *st, og_stage_table *t,
                                  const og_vec *offsets)
{
  uint32_t *columns = og_push_array(cx, t->view->n_columns + 1, sizeof *columns);
  og_batch *rows;
  if (!columns) return OG_ENOMEM;
  if (offsets->len == 0) return OG_OK;
  for (uint32_t i = 0; i < t->view->n_columns; i++) columns[i] = i;
  OG_TRY(og_lance_table_take(cx, t->view->table, columns, t->view->n_columns, offsets->data, offsets->len, &rows));
  og_status rc = update_rows(cx, m, st, t, rows, offsets->data);
  og_batch_unref(rows);
  return rc;
}

static og_status run_update(og_ctx *cx, mutator *m, const og_mutation_stmt *st)
{
  og_stage_table *t;
  og_scalar rhs;
  og_vec offsets = OG_VEC_INIT(uint64_t);
  OG_TRY(og_stage_table_of(cx, &m->stage, st->type, &t));
  OG_TRY(value_of(cx, m, st->pred_value, &rhs));
  t->predicate = true;
  og_status rc = match_committed(cx, t, st->pred_field, st->pred_op, &rhs, &offsets);
  if (rc == OG_OK) rc = update_staged(cx, m, st, t, &rhs);
  if (rc == OG_OK) rc = update_committed(cx, m, st, t, &offsets);
  og_vec_cleanup(&offsets);
  return rc;
}

/* ---- delete */

static og_status delete_offsets(og_ctx *cx, mutator *m, og_stage_table *t, const og_vec *offsets)
{
  for (size_t i = 0; i < offsets->len; i++) {
    bool was_new;
    OG_TRY(og_stage_delete(cx, &m->stage, t, OG_VEC_AT(offsets, uint64_t, i), &was_new));
    if (!was_new) continue;
    if (t->type->is_edge)
      m->out->edges++;
    else
      m->out->nodes++;
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
  og_scalar rhs;
  og_vec offsets = OG_VEC_INIT(uint64_t);
  OG_TRY(og_stage_table_of(cx, &m->stage, st->type, &t));
  OG_TRY(value_of(cx, m, st->pred_value, &rhs));
  t->predicate = true;
  og_status rc = match_committed(cx, t, st->pred_field, st->pred_op, &rhs, &offsets);
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
