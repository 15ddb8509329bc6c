/* SPDX-License-Identifier: MIT */
/* exec/expr.c -- values and predicates.  Three-valued: a null operand makes a predicate unknown, which is not true. */
#include "exec/run.h"

#include "arrow/kernels.h"

/* One value of a column, lists included (their items are a slice the run's arena keeps alive). */
static og_status value_at(og_ctx *cx, const og_column *c, uint64_t row, og_scalar *out)
{
  if (!og_type_is_nested(c->type.id)) {
    *out = og_scalar_at(c, (int64_t)row);
    return OG_OK;
  }
  return og_fail(cx, OG_EINTERNAL, "a list is compared as a value");
}

og_status og_run__value(og_ctx *cx, og_run *run, const og_pexpr *e, const uint64_t *slots, og_scalar *out)
{
  const og_column *c;
  switch (e->kind) {
  case OG_PX_FIELD:
    OG_TRY(og_view_column(cx, run->views[e->slot], e->field, &c));
    return value_at(cx, c, slots[e->slot], out);
  case OG_PX_LITERAL: *out = e->literal; return OG_OK;
  case OG_PX_PARAM: *out = run->values[e->param]; return OG_OK;
  case OG_PX_NOW: *out = run->now; return OG_OK;
  default: return og_fail(cx, OG_EINTERNAL, "a predicate is used as a value");
  }
}

static bool compares(og_cmp_op op, int c)
{
  switch (op) {
  case OG_CMP_EQ: return c == 0;
  case OG_CMP_NE: return c != 0;
  case OG_CMP_LT: return c < 0;
  case OG_CMP_LE: return c <= 0;
  case OG_CMP_GT: return c > 0;
  default: return c >= 0;
  }
}

/* The list is a column's row, or a literal or parameter whose items are a column of their own. */
static og_status holds_member(og_ctx *cx, og_run *run, const og_pexpr *e, const uint64_t *slots, bool *out)
{
  og_scalar needle, list;
  const og_column *items;
  int64_t from = 0, to = 0;
  *out = false;
  OG_TRY(og_run__value(cx, run, e->args[1], slots, &needle));
  if (needle.is_null) return OG_OK;
  if (e->args[0]->kind == OG_PX_FIELD) {
    const og_column *c;
    OG_TRY(og_view_column(cx, run->views[e->args[0]->slot], e->args[0]->field, &c));
    int64_t row = (int64_t)slots[e->args[0]->slot];
    if (og_column_is_null(c, row)) return OG_OK;
    og_column_list(c, row, &from, &to);
    items = c->children[0];
  } else {
    OG_TRY(og_run__value(cx, run, e->args[0], slots, &list));
    if (list.is_null) return OG_OK;
    items = list.v.list;
    to = items->len;
  }
  for (int64_t i = from; i < to && !*out; i++) {
    int c;
    if (og_column_is_null(items, i)) continue;
    og_scalar item = og_scalar_at(items, i);
    *out = og_scalar_cmp(&item, &needle, &c) && c == 0;
  }
  return OG_OK;
}

og_status og_run__holds(og_ctx *cx, og_run *run, const og_pexpr *e, const uint64_t *slots, bool *out)
{
  og_scalar a, b;
  int c;
  *out = false;
  if (e->kind == OG_PX_MEMBER) return holds_member(cx, run, e, slots, out);
  OG_TRY(og_run__value(cx, run, e->args[0], slots, &a));
  OG_TRY(og_run__value(cx, run, e->args[1], slots, &b));
  if (a.is_null || b.is_null) return OG_OK;
  switch (e->kind) {
  case OG_PX_CMP: *out = og_scalar_cmp(&a, &b, &c) && compares(e->cmp, c); return OG_OK;
  case OG_PX_SUBSTRING: *out = og_str_find(a.v.s, b.v.s) != SIZE_MAX; return OG_OK;
  case OG_PX_STARTS_WITH: *out = og_str_starts_with(a.v.s, b.v.s); return OG_OK;
  default: return og_fail(cx, OG_EINTERNAL, "a value is used as a predicate");
  }
}

/* ---- a whole table through its filters */

static bool is_constant(const og_pexpr *e)
{
  return e->kind == OG_PX_LITERAL || e->kind == OG_PX_PARAM || e->kind == OG_PX_NOW;
}

/* A filter the kernels take: field against constant, field first.  Others go row by row. */
static bool is_vectorised(const og_pexpr *e)
{
  bool field_first = e->kind != OG_PX_MEMBER && e->args[0]->kind == OG_PX_FIELD && is_constant(e->args[1]);
  return field_first && !og_type_is_nested(e->args[0]->type.type.id);
}

static og_status select_vector(og_ctx *cx, og_run *run, og_view *v, const og_pexpr *e, uint32_t *sel, size_t *n)
{
  const og_column *c;
  og_scalar rhs;
  OG_TRY(og_view_column(cx, v, e->args[0]->field, &c));
  OG_TRY(og_run__value(cx, run, e->args[1], NULL, &rhs));
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

static og_status select_rows(og_ctx *cx, og_run *run, uint32_t slot, const og_pexpr *e, uint64_t *slots, uint32_t *sel,
                             size_t *n)
{
  size_t kept = 0;
  for (size_t i = 0; i < *n; i++) {
    bool holds;
    slots[slot] = sel[i];
    OG_TRY(og_run__holds(cx, run, e, slots, &holds));
    if (holds) sel[kept++] = sel[i];
  }
  *n = kept;
  return OG_OK;
}

static og_status select_block(og_ctx *cx, og_run *run, const og_plan_op *op, uint32_t slot, uint64_t *slots,
                              uint32_t *sel, size_t *n)
{
  for (uint32_t i = 0; i < op->n_filters && *n; i++) {
    const og_pexpr *e = op->filters[i];
    OG_TRY(is_vectorised(e) ? select_vector(cx, run, run->views[slot], e, sel, n)
                            : select_rows(cx, run, slot, e, slots, sel, n));
  }
  return OG_OK;
}

#define BLOCK 65536u

og_status og_run__select(og_ctx *cx, og_run *run, const og_plan_op *op, uint32_t slot, og_vec *rows)
{
  const og_view *v = run->views[slot];
  uint64_t *slots = og_push_array(cx, run->plan->n_slots, sizeof *slots);
  uint32_t *sel = og_calloc(cx, BLOCK, sizeof *sel);
  og_status st = slots && sel ? OG_OK : OG_ENOMEM;
  if (st == OG_OK && v->rows > UINT32_MAX)
    st = og_fail(cx, OG_ELIMIT, "table '" OG_STR_FMT "' has more than 2^32 rows", OG_STR_ARG(v->type->key));
  for (uint64_t from = 0; st == OG_OK && from < v->rows; from += BLOCK) {
    size_t n = 0;
    uint64_t to = from + BLOCK < v->rows ? from + BLOCK : v->rows;
    for (uint64_t r = from; r < to; r++)
      if (og_view_is_live(v, r)) sel[n++] = (uint32_t)r;
    st = og_ctx_poll(cx);
    if (st == OG_OK) st = select_block(cx, run, op, slot, slots, sel, &n);
    if (st == OG_OK) st = og_vec_reserve(cx, rows, n);
    for (size_t i = 0; st == OG_OK && i < n; i++) ((uint64_t *)rows->data)[rows->len++] = sel[i];
  }
  og_free(sel);
  return st;
}
