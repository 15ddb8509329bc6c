/* SPDX-License-Identifier: MIT */
/* query/check_return.c -- columns, aggregates and order. */
#include "query/check.h"

#include "base/map.h"

/* ---- columns */

static og_status default_name(og_checker *c, const og_expr *e, og_str *out)
{
  switch (e->kind) {
  case OG_EXPR_PROP:
    return og_arena_printf(c->cx, c->a, out, OG_STR_FMT "." OG_STR_FMT, OG_STR_ARG(e->var), OG_STR_ARG(e->prop));
  case OG_EXPR_VAR: *out = e->var; return OG_OK;
  case OG_EXPR_AGG: return default_name(c, e->args[0], out);
  case OG_EXPR_NOW: *out = OG_STR("now"); return OG_OK;
  default: *out = OG_STR("literal"); return OG_OK;
  }
}

static bool is_number(const og_prop_type *t)
{
  return og_scalar_is_number(t->kind) && !t->list;
}

static og_status bad_argument(og_checker *c, const og_expr *e, const char *needs, og_operand *arg)
{
  return OG_CHECK_FAIL(c, e->span, OG_STR_NONE, "type error: T8: %s, not " OG_STR_FMT, needs,
                       OG_STR_ARG(og_check__type_text(c, &arg->type)));
}

static og_status check_aggregate(og_checker *c, const og_expr *e, og_plan_column *col, og_operand *arg)
{
  static const og_feature needs[] = {[OG_AGG_SUM] = OG_FEATURE_SUM,
                                     [OG_AGG_AVG] = OG_FEATURE_AVG,
                                     [OG_AGG_MIN] = OG_FEATURE_MIN,
                                     [OG_AGG_MAX] = OG_FEATURE_MAX};
  const og_expr *of = e->args[0];
  if (of->kind == OG_EXPR_AGG)
    return OG_CHECK_FAIL(c, of->span, OG_STR_NONE, "type error: T8: aggregates cannot be nested");
  OG_TRY(og_check__operand(c, of, arg));
  if (!arg->px) return OG_CHECK_FAIL(c, of->span, OG_STR_NONE, "type error: T8: a search call cannot be aggregated");
  og_prop_type result = og_prop_type_scalar(OG_SC_I64);
  if (e->agg != OG_AGG_COUNT) {
    og_check__need(c, needs[e->agg], e->span);
    bool number = is_number(&arg->type);
    bool text = !arg->entity && !arg->type.list && arg->type.kind == OG_SC_STRING;
    bool total = e->agg == OG_AGG_SUM || e->agg == OG_AGG_AVG;
    if (total && !number) return bad_argument(c, of, "sum and avg need a number", arg);
    if (!number && !text) return bad_argument(c, of, "min and max need a number or a String", arg);
    result = og_prop_type_scalar(total ? OG_SC_F64 : arg->type.kind);
    result.nullable = true;
  }
  col->is_agg = true;
  col->agg = e->agg;
  col->expr = arg->px;
  col->type = og_value_type_of(&result);
  col->nullable = result.nullable;
  c->aggregate = true;
  return OG_OK;
}

static og_status check_column(og_checker *c, const og_projection *p, og_plan_column *col)
{
  og_operand o;
  col->name = p->alias;
  if (p->alias.len == 0) OG_TRY(default_name(c, p->expr, &col->name));
  if (p->expr->kind == OG_EXPR_AGG) return check_aggregate(c, p->expr, col, &o);
  OG_TRY(og_check__operand(c, p->expr, &o));
  col->expr = o.px; /* NULL for a search call: noted as not supported */
  col->type = og_value_type_of(&o.type);
  col->nullable = o.type.nullable;
  return OG_OK;
}

static og_status check_keys(og_checker *c)
{
  if (!c->aggregate) return OG_OK;
  for (uint32_t i = 0; i < c->n_columns; i++) {
    const og_expr *e = c->q->returns[i].expr;
    const og_pexpr *px = c->columns[i].expr;
    if (c->columns[i].is_agg || (px && px->kind == OG_PX_FIELD)) continue;
    return OG_CHECK_FAIL(c, e->span, OG_STR("a group key is $variable.property or $variable"),
                         "type error: T9: beside aggregates a column must be a property or a variable");
  }
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

/* ---- order */

static bool same_field(const og_pexpr *a, const og_pexpr *b)
{
  return a && b && a->kind == OG_PX_FIELD && b->kind == OG_PX_FIELD && a->slot == b->slot && a->field == b->field;
}

static og_status check_sortable(og_checker *c, const og_expr *e, og_value_type t)
{
  if (!og_type_is_nested(t.type.id)) return OG_OK;
  return OG_CHECK_FAIL(c, e->span, OG_STR_NONE, "type error: T7: lists and vectors cannot be ordered by");
}

static og_status order_by_alias(og_checker *c, const og_expr *e, og_plan_order *o)
{
  og_str near = OG_STR_NONE;
  for (uint32_t i = 0; i < c->n_columns; i++) {
    og_str alias = c->q->returns[i].alias;
    if (alias.len && og_str_distance(alias, e->prop, 2) <= 2) near = alias;
    if (!og_str_eq(alias, e->prop)) continue;
    o->column = i;
    return check_sortable(c, e, c->columns[i].type);
  }
  return OG_CHECK_FAIL(c, e->span, og_check__hint(c, near), "type error: no returned column is called '" OG_STR_FMT "'",
                       OG_STR_ARG(e->prop));
}

/* In an aggregate query rows are groups: only their columns have values. */
static og_status order_by_column(og_checker *c, const og_expr *e, const og_pexpr *px, og_plan_order *o)
{
  bool agg = e->kind == OG_EXPR_AGG;
  for (uint32_t i = 0; i < c->n_columns; i++) {
    const og_plan_column *col = &c->columns[i];
    if (col->is_agg != agg || (agg && col->agg != e->agg) || !same_field(col->expr, px)) continue;
    o->expr = NULL;
    o->column = i;
    return check_sortable(c, e, col->type);
  }
  return OG_CHECK_FAIL(c, e->span, OG_STR("return it as a column and order by that"),
                       "type error: T9: an aggregate query can only be ordered by what it returns");
}

static og_status check_ordering(og_checker *c, const og_ordering *ord, og_plan_order *o)
{
  const og_expr *e = ord->expr;
  og_operand v;
  o->desc = ord->desc;
  switch (e->kind) {
  case OG_EXPR_ALIAS: return order_by_alias(c, e, o);
  case OG_EXPR_PROP:
  case OG_EXPR_VAR:
    OG_TRY(og_check__operand(c, e, &v));
    OG_TRY(check_sortable(c, e, v.px->type));
    o->expr = v.px;
    return c->aggregate ? order_by_column(c, e, v.px, o) : OG_OK;
  case OG_EXPR_AGG: OG_TRY(og_check__operand(c, e->args[0], &v)); return order_by_column(c, e, v.px, o);
  case OG_EXPR_LITERAL:
  case OG_EXPR_NOW: return OG_CHECK_FAIL(c, e->span, OG_STR_NONE, "type error: a constant cannot be ordered by");
  default: return og_check__search(c, e, &v);
  }
}

static og_status check_rank_mix(og_checker *c)
{
  const og_ordering *nearest = NULL, *alias = NULL, *rrf = NULL;
  for (uint32_t i = 0; i < c->q->n_order; i++) {
    og_expr_kind k = c->q->order[i].expr->kind;
    if (k == OG_EXPR_NEAREST) nearest = &c->q->order[i];
    if (k == OG_EXPR_ALIAS) alias = &c->q->order[i];
    if (k == OG_EXPR_RRF) rrf = &c->q->order[i];
  }
  if (nearest && alias)
    return OG_CHECK_FAIL(c, alias->expr->span, OG_STR_NONE,
                         "type error: T18: nearest cannot be combined with ordering by an alias");
  if (rrf && c->q->n_order > 1)
    return OG_CHECK_FAIL(c, rrf->expr->span, OG_STR_NONE, "type error: T21: rrf must be the only ordering");
  return OG_OK;
}

og_status og_check__returns(og_checker *c)
{
  c->n_columns = c->q->n_returns;
  c->n_order = c->q->n_order;
  c->columns = og_arena_calloc(c->cx, c->a, (size_t)c->n_columns + 1, sizeof *c->columns);
  c->order = og_arena_calloc(c->cx, c->a, (size_t)c->n_order + 1, sizeof *c->order);
  if (!c->columns || !c->order) return OG_ENOMEM;
  for (uint32_t i = 0; i < c->n_columns; i++) OG_TRY(check_column(c, &c->q->returns[i], &c->columns[i]));
  OG_TRY(check_names(c));
  OG_TRY(check_keys(c));
  for (uint32_t i = 0; i < c->n_order; i++) OG_TRY(check_ordering(c, &c->q->order[i], &c->order[i]));
  return check_rank_mix(c);
}
