/* SPDX-License-Identifier: MIT */
/* query/check_return.c -- what is returned: columns, groups, having, order, and how many rows.
 *
 * An aggregate anywhere makes the answer one of groups.  Then columns without aggregates are the group keys, and what
 * stands beside or behind them is made of keys, aggregates and constants: it is planned over GROUP leaves.
 * `return distinct` of plain columns is a grouping by all of them.
 */
#include "query/check.h"

#include "base/map.h"

/* ---- looking for things in expressions */

static uint32_t count_aggs(const og_expr *e)
{
  uint32_t n = e->kind == OG_EXPR_AGG;
  for (uint32_t i = 0; i < e->n_args; i++) n += count_aggs(e->args[i]);
  return n;
}

static bool names_column(const og_expr *e)
{
  if (e->kind == OG_EXPR_ALIAS) return true;
  for (uint32_t i = 0; i < e->n_args; i++)
    if (names_column(e->args[i])) return true;
  return false;
}

static uint32_t aggs_of_query(const og_query *q)
{
  uint32_t n = 0;
  for (uint32_t i = 0; i < q->n_returns; i++) n += count_aggs(q->returns[i].expr);
  for (uint32_t i = 0; i < q->n_having; i++) n += count_aggs(q->having[i]);
  for (uint32_t i = 0; i < q->n_order; i++) n += count_aggs(q->order[i].expr);
  return n;
}

/* ---- aggregates */

static og_status bad_argument(og_checker *c, const og_expr *e, const char *needs, og_operand *arg)
{
  return OG_CHECK_FAIL(c, e->span, OG_STR_NONE, "type error: T8: %s, not " OG_STR_FMT, needs,
                       OG_STR_ARG(og_check__type_text(c, &arg->type)));
}

static og_status aggregate_type(og_checker *c, const og_expr *e, og_operand *arg, og_prop_type *out)
{
  const og_expr *of = e->args[0];
  const og_prop_type *t = &arg->type;
  bool single = !arg->entity && !t->list && t->kind != OG_SC_VECTOR && t->kind != OG_SC_BLOB;
  bool number = single && og_scalar_is_number(t->kind), is_float = t->kind == OG_SC_F32 || t->kind == OG_SC_F64;
  *out = og_prop_type_scalar(OG_SC_I64);
  if (e->agg == OG_AGG_COUNT) return OG_OK;
  out->nullable = true;
  if (e->agg == OG_AGG_MIN || e->agg == OG_AGG_MAX) {
    if (!single) return bad_argument(c, of, "min and max need a single value that has an order", arg);
    out->kind = t->kind;
    return OG_OK;
  }
  if (!number) return bad_argument(c, of, "sum and avg need a number", arg);
  if (e->agg == OG_AGG_AVG || is_float) out->kind = OG_SC_F64;
  if (e->agg == OG_AGG_SUM && t->kind == OG_SC_U64) out->kind = OG_SC_U64;
  return OG_OK;
}

static bool same_agg(const og_plan_agg *a, const og_plan_agg *b)
{
  return a->agg == b->agg && a->distinct == b->distinct && og_px_equal(a->expr, b->expr);
}

static og_status group_px(og_checker *c, uint32_t group, const og_prop_type *t, const og_pexpr **out)
{
  og_pexpr *px;
  OG_TRY(og_check__value_px(c, OG_PX_GROUP, t, &px));
  px->group = group;
  *out = px;
  return OG_OK;
}

static og_status check_aggregate(og_checker *c, const og_expr *e, og_operand *out)
{
  og_operand arg;
  const og_expr *of = e->args[0];
  if (count_aggs(of)) return OG_CHECK_FAIL(c, of->span, OG_STR_NONE, "type error: T8: aggregates cannot be nested");
  bool aliases = c->aliases;
  c->grouping = c->aliases = false;
  OG_TRY(og_check__operand(c, of, &arg));
  c->grouping = true;
  c->aliases = aliases;
  if (!arg.px) return OG_OK;
  OG_TRY(aggregate_type(c, e, &arg, &out->type));
  const og_plan_agg agg = {e->agg, e->distinct, arg.px, og_value_type_of(&out->type)};
  uint32_t at = 0;
  while (at < c->n_aggs && !same_agg(&c->aggs[at], &agg)) at++;
  if (at == c->n_aggs) c->aggs[c->n_aggs++] = agg;
  return group_px(c, c->n_keys + at, &out->type, &out->px);
}

/* ---- keys */

static og_status check_without_groups(og_checker *c, const og_expr *e, og_operand *out)
{
  bool aliases = c->aliases;
  c->grouping = c->aliases = false;
  og_status st = og_check__operand(c, e, out);
  c->grouping = true;
  c->aliases = aliases;
  return st;
}

og_status og_check__grouped(og_checker *c, const og_expr *e, og_operand *out, bool *done)
{
  *done = true;
  if (e->kind == OG_EXPR_AGG) return check_aggregate(c, e, out);
  *done = false;
  if (e->kind == OG_EXPR_LIST || names_column(e) || count_aggs(e)) return OG_OK;
  *done = true;
  OG_TRY(check_without_groups(c, e, out));
  if (!out->px || og_px_is_constant(out->px)) return OG_OK;
  for (uint32_t i = 0; i < c->n_keys; i++)
    if (og_px_equal(c->keys[i], out->px)) return group_px(c, i, &out->type, &out->px);
  bool leaf = e->kind == OG_EXPR_VAR || e->kind == OG_EXPR_PROP || (e->kind == OG_EXPR_CALL && e->fn >= OG_FN_ID);
  *done = false;
  if (!leaf) return OG_OK;
  return OG_CHECK_FAIL(c, e->span, OG_STR("return it as a column, or aggregate it"),
                       "type error: T9: a group has no single value of this");
}

/* A column that is no aggregate, of an answer of groups. */
static og_status check_key(og_checker *c, const og_expr *e, const og_operand *o, const og_pexpr **out)
{
  if (!o->px) return OG_OK;
  if (c->aggregate && og_px_is_constant(o->px))
    return OG_CHECK_FAIL(c, e->span, OG_STR("a group key is made of $variable.property or $variable"),
                         "type error: T9: beside aggregates a column must be a property or a variable");
  uint32_t at = 0;
  while (at < c->n_keys && !og_px_equal(c->keys[at], o->px)) at++;
  if (at == c->n_keys) c->keys[c->n_keys++] = o->px;
  return group_px(c, at, &o->type, out);
}

/* ---- columns */

static og_status default_name(og_checker *c, const og_expr *e, og_str *out)
{
  switch (e->kind) {
  case OG_EXPR_PROP:
    return og_arena_printf(c->cx, c->a, out, OG_STR_FMT "." OG_STR_FMT, OG_STR_ARG(e->var), OG_STR_ARG(e->prop));
  case OG_EXPR_VAR: *out = e->var; return OG_OK;
  case OG_EXPR_AGG: return default_name(c, e->args[0], out);
  case OG_EXPR_NOW: *out = OG_STR("now"); return OG_OK;
  case OG_EXPR_CALL: *out = e->fn < OG_FN_ABS ? OG_STR("expr") : og_str_of(og_fn_describe(e->fn)->text); return OG_OK;
  case OG_EXPR_COMPARE:
  case OG_EXPR_IN:
  case OG_EXPR_IS_NULL:
  case OG_EXPR_NOT:
  case OG_EXPR_AND:
  case OG_EXPR_OR: *out = OG_STR("expr"); return OG_OK;
  case OG_EXPR_LITERAL: *out = OG_STR("literal"); return OG_OK;
  default: *out = og_str_of(og_check__search_name(e->kind)); return OG_OK;
  }
}

static void take_column(og_checker *c, uint32_t i, const og_operand *o, const og_pexpr *px)
{
  og_plan_column *col = &c->columns[i];
  col->expr = px; /* NULL: noted as not supported */
  col->type = og_value_type_of(&o->type);
  col->nullable = o->type.nullable;
  c->column_types[i] = o->type;
}

static og_status check_columns(og_checker *c, bool groups)
{
  og_operand o;
  for (uint32_t i = 0; i < c->q->n_returns; i++) {
    const og_projection *p = &c->q->returns[i];
    c->columns[i].name = p->alias;
    if (p->alias.len == 0) OG_TRY(default_name(c, p->expr, &c->columns[i].name));
    if (count_aggs(p->expr)) continue;
    OG_TRY(og_check__operand(c, p->expr, &o));
    const og_pexpr *px = o.px;
    if (groups) OG_TRY(check_key(c, p->expr, &o, &px));
    take_column(c, i, &o, px);
  }
  c->grouping = groups; /* keys are complete */
  for (uint32_t i = 0; i < c->q->n_returns; i++) {
    if (count_aggs(c->q->returns[i].expr) == 0) continue;
    OG_TRY(og_check__operand(c, c->q->returns[i].expr, &o));
    take_column(c, i, &o, o.px);
  }
  c->n_columns = c->q->n_returns;
  return OG_OK;
}

/* A row is an object with the columns as its members: a name that is there twice would hide a value. */
static og_status check_names(og_checker *c)
{
  OG_AUTO(og_map) seen;
  bool is_new = true;
  og_map_init(&seen, false);
  for (uint32_t i = 0; i < c->n_columns; i++) {
    OG_TRY(og_map_put(c->cx, &seen, c->columns[i].name, i, &is_new));
    if (!is_new)
      return OG_CHECK_FAIL(c, c->q->returns[i].expr->span, OG_STR("give one of them a name of its own with 'as'"),
                           "type error: two columns are called '" OG_STR_FMT "'", OG_STR_ARG(c->columns[i].name));
  }
  return OG_OK;
}

/* ---- having and order */

og_status og_check__alias(og_checker *c, const og_expr *e, og_operand *out)
{
  og_str near = OG_STR_NONE;
  for (uint32_t i = 0; i < c->n_columns; i++) {
    og_str alias = c->q->returns[i].alias;
    if (alias.len && og_str_distance(alias, e->prop, 2) <= 2) near = alias;
    if (!og_str_eq(alias, e->prop)) continue;
    *out = (og_operand){.px = c->columns[i].expr, .type = c->column_types[i]};
    return OG_OK;
  }
  return OG_CHECK_FAIL(c, e->span, og_check__hint(c, near), "type error: no returned column is called '" OG_STR_FMT "'",
                       OG_STR_ARG(e->prop));
}

static og_status check_having(og_checker *c)
{
  c->having = og_arena_calloc(c->cx, c->a, (size_t)c->q->n_having + 1, sizeof *c->having);
  if (!c->having) return OG_ENOMEM;
  for (uint32_t i = 0; i < c->q->n_having; i++) {
    const og_pexpr *px;
    OG_TRY(og_check__condition(c, c->q->having[i], &px));
    if (px) c->having[c->n_having++] = px;
  }
  return OG_OK;
}

/* A column may be called null: `order { null }` has always meant that one. */
static og_str column_name(const og_expr *e)
{
  if (e->kind == OG_EXPR_ALIAS) return e->prop;
  return e->kind == OG_EXPR_LITERAL && e->lit.kind == OG_LIT_NULL ? OG_STR("null") : OG_STR_NONE;
}

static og_status check_sortable(og_checker *c, const og_expr *e, const og_operand *o)
{
  if (!o->px || !og_type_is_nested(o->px->type.type.id)) return OG_OK;
  return OG_CHECK_FAIL(c, e->span, OG_STR_NONE, "type error: T7: lists and vectors cannot be ordered by");
}

static og_status order_by_column(og_checker *c, const og_expr *e, og_str name, og_plan_order *o)
{
  og_operand v = {0};
  const og_expr named = {.kind = OG_EXPR_ALIAS, .span = e->span, .prop = name};
  OG_TRY(og_check__alias(c, &named, &v));
  for (uint32_t i = 0; i < c->n_columns; i++)
    if (og_str_eq(c->q->returns[i].alias, name)) o->column = i;
  return check_sortable(c, e, &v);
}

static og_status order_by_value(og_checker *c, const og_expr *e, og_plan_order *o)
{
  og_operand v;
  OG_TRY(og_check__operand(c, e, &v));
  OG_TRY(check_sortable(c, e, &v));
  if (v.px && og_px_is_constant(v.px))
    return OG_CHECK_FAIL(c, e->span, OG_STR_NONE, "type error: a constant cannot be ordered by");
  o->expr = v.px;
  for (uint32_t i = 0; c->grouping && v.px && i < c->n_columns; i++) {
    if (!c->columns[i].expr || !og_px_equal(c->columns[i].expr, v.px)) continue;
    o->expr = NULL;
    o->column = i;
    return OG_OK;
  }
  return OG_OK;
}

static og_status check_ordering(og_checker *c, const og_ordering *ord, og_plan_order *o)
{
  og_str name = column_name(ord->expr);
  o->desc = ord->desc;
  switch (ord->expr->kind) {
  case OG_EXPR_NEAREST:
  case OG_EXPR_BM25:
  case OG_EXPR_RRF: return og_check__rank(c, ord->expr, c->n_order == 0, o);
  default: break;
  }
  return name.len ? order_by_column(c, ord->expr, name, o) : order_by_value(c, ord->expr, o);
}

/* ---- how many rows */

static og_status check_count(og_checker *c, const og_row_count *n, const char *what, og_plan_count *out)
{
  *out = (og_plan_count){.has = n->has, .n = n->n, .span = n->span};
  if (n->param.len == 0) return OG_OK;
  int param = og_check__param(c, n->param);
  if (param < 0) return og_check__no_param(c, n->param, n->span, "");
  const og_prop_type *t = &c->param_types[param];
  bool integer = !t->list && og_scalar_is_number(t->kind) && t->kind != OG_SC_F32 && t->kind != OG_SC_F64;
  if (!integer)
    return OG_CHECK_FAIL(c, n->span, OG_STR_NONE, "type error: T7: %s needs an integer, not " OG_STR_FMT, what,
                         OG_STR_ARG(og_check__type_text(c, t)));
  out->is_param = true;
  out->param = (uint32_t)param;
  return OG_OK;
}

og_status og_check__returns(og_checker *c)
{
  size_t n = (size_t)c->q->n_returns + 1;
  uint32_t n_aggs = aggs_of_query(c->q);
  c->aggregate = n_aggs > 0;
  c->columns = og_arena_calloc(c->cx, c->a, n, sizeof *c->columns);
  c->column_types = og_arena_calloc(c->cx, c->a, n, sizeof *c->column_types);
  c->keys = og_arena_calloc(c->cx, c->a, n, sizeof *c->keys);
  c->aggs = og_arena_calloc(c->cx, c->a, (size_t)n_aggs + 1, sizeof *c->aggs);
  c->order = og_arena_calloc(c->cx, c->a, (size_t)c->q->n_order + 1, sizeof *c->order);
  if (!c->columns || !c->column_types || !c->keys || !c->aggs || !c->order) return OG_ENOMEM;
  OG_TRY(check_columns(c, c->aggregate || c->q->distinct));
  OG_TRY(check_names(c));
  c->aliases = true;
  OG_TRY(check_having(c));
  for (; c->n_order < c->q->n_order; c->n_order++)
    OG_TRY(check_ordering(c, &c->q->order[c->n_order], &c->order[c->n_order]));
  c->aliases = false;
  OG_TRY(og_check__rank_mix(c));
  c->aggregate = c->grouping;
  c->grouping = false;
  OG_TRY(check_count(c, &c->q->limit, "limit", &c->limit));
  return check_count(c, &c->q->offset, "offset", &c->offset);
}
