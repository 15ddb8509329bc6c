/* SPDX-License-Identifier: MIT */
/* exec/expr.c -- expressions over rows of slots (eval.h does the rest), and whole tables through their filters. */
#include "exec/search.h"

#include "arrow/kernels.h"

/* ---- leaves */

static og_status null_leaf(const og_pexpr *e, og_scalar *out)
{
  *out = (og_scalar){.type = e->type.type, .is_null = true};
  return OG_OK;
}

static og_status field_leaf(og_ctx *cx, og_run *run, const og_pexpr *e, uint64_t value, og_scalar *out)
{
  const og_slot *slot = &run->plan->slots[e->slot];
  uint32_t type = og_row_type(value);
  int32_t field = e->field;
  const og_column *c;
  if (slot->fields && field >= 0) field = slot->fields[type * slot->type->n_properties + (uint32_t)field];
  OG_TRY(og_view_column(cx, run->views[e->slot][type], field, &c));
  return og_eval_column_at(cx, &run->scratch, c, (int64_t)og_row_offset(value), out);
}

static og_status leaf(og_ctx *cx, const og_eval *ev, const og_pexpr *e, og_scalar *out)
{
  og_run *run = ev->arg;
  if (og_px_is_search(e->kind)) return og_search_value(cx, run, e, run->row, out);
  uint64_t value = run->row[e->slot];
  if (value == OG_ROW_NONE) return null_leaf(e, out);
  switch (e->kind) {
  case OG_PX_FIELD: return field_leaf(cx, run, e, value, out);
  case OG_PX_TYPE:
    *out = (og_scalar){.type = e->type.type, .v.s = run->plan->slots[e->slot].types[og_row_type(value)]->name};
    return OG_OK;
  case OG_PX_PATH: return og_run__path(cx, run, e, value, out);
  default: return og_fail(cx, OG_EINTERNAL, "an expression of groups is asked of a row");
  }
}

void og_run__eval_init(og_run *run)
{
  run->eval = (og_eval){.values = run->values,
                        .now = run->now,
                        .leaf = leaf,
                        .arg = run,
                        .scratch = &run->scratch,
                        .source = run->plan->source};
}

og_status og_run__value(og_ctx *cx, og_run *run, const og_pexpr *e, const uint64_t *slots, og_scalar *out)
{
  run->row = slots;
  return og_eval_value(cx, &run->eval, e, out);
}

og_status og_run__holds(og_ctx *cx, og_run *run, const og_pexpr *e, const uint64_t *slots, bool *out)
{
  run->row = slots;
  og_status st = og_eval_holds(cx, &run->eval, e, out);
  og_arena_reset(&run->scratch);
  return st;
}

/* ---- a whole table through its filters */

/* A filter the kernels take: field against constant, field first.  Others go row by row. */
static bool is_vectorised(const og_slot *slot, const og_pexpr *e)
{
  bool kind = e->kind == OG_PX_CMP || e->kind == OG_PX_SUBSTRING || e->kind == OG_PX_STARTS_WITH;
  return kind && !slot->fields && e->args[0]->kind == OG_PX_FIELD && og_px_is_constant(e->args[1]) &&
         !og_type_is_nested(e->args[0]->type.type.id);
}

typedef struct table_select { /* one table of a slot */
  uint32_t slot, type;
  og_view *view;
  uint64_t *slots; /* scratch: a row */
  uint32_t *sel;   /* scratch: BLOCK row numbers */
} table_select;

static og_status select_vector(og_ctx *cx, og_run *run, og_view *v, const og_pexpr *e, uint32_t *sel, size_t *n)
{
  const og_column *c;
  og_scalar rhs;
  OG_TRY(og_view_column(cx, v, e->args[0]->field, &c));
  OG_TRY(og_run__value(cx, run, e->args[1], NULL, &rhs)); /* lives in the scratch until the next row is judged */
  if (rhs.is_null)
    *n = 0;
  else if (e->kind == OG_PX_CMP)
    *n = og_kernels_scalar.select_cmp(c, e->cmp, &rhs, sel, *n, sel);
  else if (e->kind == OG_PX_SUBSTRING)
    *n = og_select_contains(c, rhs.v.s, sel, *n, sel);
  else
    *n = og_select_starts_with(c, rhs.v.s, sel, *n, sel);
  return OG_OK;
}

static og_status select_rows(og_ctx *cx, og_run *run, const og_pexpr *e, const table_select *t, size_t *n)
{
  size_t kept = 0;
  for (size_t i = 0; i < *n; i++) {
    bool holds;
    t->slots[t->slot] = og_row_of(t->type, t->sel[i]);
    OG_TRY(og_run__holds(cx, run, e, t->slots, &holds));
    if (holds) t->sel[kept++] = t->sel[i];
  }
  *n = kept;
  return OG_OK;
}

static og_status select_block(og_ctx *cx, og_run *run, const og_plan_op *op, uint32_t first, const table_select *t,
                              size_t *n)
{
  for (uint32_t i = first; i < op->n_filters && *n; i++) {
    const og_pexpr *e = op->filters[i];
    if (e->kind == OG_PX_TEXT || e->kind == OG_PX_NEAR_SET)
      OG_TRY(og_search_select(cx, run, e, t->slot, t->type, t->sel, n));
    else if (is_vectorised(&run->plan->slots[t->slot], e))
      OG_TRY(select_vector(cx, run, t->view, e, t->sel, n));
    else
      OG_TRY(select_rows(cx, run, e, t, n));
  }
  return OG_OK;
}

#define BLOCK 65536u

static og_status select_table(og_ctx *cx, og_run *run, const og_plan_op *op, const table_select *t, og_vec *rows)
{
  const og_view *v = t->view;
  const og_hits *found = NULL; /* by a search that is the first filter: then nothing else is looked at */
  if (v->rows > UINT32_MAX)
    return og_fail(cx, OG_ELIMIT, "table '" OG_STR_FMT "' has more than 2^32 rows", OG_STR_ARG(v->type->key));
  if (op->n_filters) OG_TRY(og_search_found(cx, run, op->filters[0], t->type, &found));
  for (uint64_t from = 0; from < v->rows; from += BLOCK) {
    size_t n = 0;
    uint64_t to = from + BLOCK < v->rows ? from + BLOCK : v->rows;
    if (found) n = og_hits_list(found, from, to, t->sel);
    for (uint64_t r = from; r < to && !found; r++)
      if (og_view_is_live(v, r)) t->sel[n++] = (uint32_t)r;
    OG_TRY(og_ctx_poll(cx));
    OG_TRY(select_block(cx, run, op, found ? 1 : 0, t, &n));
    OG_TRY(og_vec_reserve(cx, rows, n));
    for (size_t i = 0; i < n; i++) ((uint64_t *)rows->data)[rows->len++] = og_row_of(t->type, t->sel[i]);
  }
  return OG_OK;
}

og_status og_run__select(og_ctx *cx, og_run *run, const og_plan_op *op, uint32_t slot, og_vec *rows)
{
  table_select t = {.slot = slot};
  t.slots = og_push_array(cx, run->plan->n_slots, sizeof *t.slots);
  t.sel = og_calloc(cx, BLOCK, sizeof *t.sel);
  og_status st = t.slots && t.sel ? OG_OK : OG_ENOMEM;
  for (; st == OG_OK && t.type < run->plan->slots[slot].n_types; t.type++) {
    t.view = run->views[slot][t.type];
    st = select_table(cx, run, op, &t, rows);
  }
  og_free(t.sel);
  return st;
}
