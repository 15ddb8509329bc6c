/* SPDX-License-Identifier: MIT */
/* query/check_cond.c -- predicates: comparisons, membership, null tests, and what joins them; inline matches. */
#include "query/check.h"

static og_status bool_node(og_checker *c, og_px_kind kind, const og_operand *args, uint32_t n, og_operand *out,
                           og_pexpr **px)
{
  out->type = og_prop_type_scalar(OG_SC_BOOL);
  OG_TRY(og_check__node_px(c, kind, &out->type, args, n, px));
  out->px = *px;
  out->type.nullable = *px && (*px)->nullable;
  return OG_OK;
}

/* ---- comparisons */

static bool is_text(const og_operand *o)
{
  return o->type.kind == OG_SC_STRING && !o->type.list && !o->entity && !o->is_null;
}

static bool is_plain(const og_operand *o)
{
  return !o->type.list && o->type.kind != OG_SC_VECTOR && o->type.kind != OG_SC_BLOB && !o->entity;
}

static og_status not_alike(og_checker *c, og_span at, const char *what, og_operand *left, og_operand *right)
{
  return OG_CHECK_FAIL(c, at, OG_STR_NONE, "type error: T7: %s " OG_STR_FMT " and " OG_STR_FMT, what,
                       OG_STR_ARG(og_check__type_text(c, &left->type)),
                       OG_STR_ARG(og_check__type_text(c, &right->type)));
}

static og_status equals_null(og_checker *c, og_span at)
{
  return OG_CHECK_FAIL(c, at, OG_STR("write `is null` or `is not null`"),
                       "type error: T7: nothing compares with null, not even null");
}

static og_status contains(og_checker *c, const og_expr *e, og_operand *args, og_operand *out)
{
  og_pexpr *px;
  og_operand *left = &args[0], *right = &args[1];
  if (left->type.list) {
    og_prop_type item = left->type;
    item.list = false;
    if (left->type.kind == OG_SC_VECTOR || right->entity || !og_check__compatible(&item, &right->type))
      return not_alike(c, e->args[1]->span, "contains does not fit", left, right);
    return bool_node(c, OG_PX_MEMBER, args, 2, out, &px);
  }
  if (!is_text(left) || !is_text(right)) return not_alike(c, e->args[0]->span, "contains does not fit", left, right);
  return bool_node(c, OG_PX_SUBSTRING, args, 2, out, &px);
}

static og_status affix(og_checker *c, const og_expr *e, og_operand *args, og_operand *out)
{
  og_pexpr *px;
  bool starts = e->op == OG_OP_STARTS_WITH;
  if (!is_text(&args[0]) || !is_text(&args[1]))
    return not_alike(c, e->args[0]->span,
                     starts ? "starts_with needs two strings, not" : "ends_with needs two strings, not", &args[0],
                     &args[1]);
  return bool_node(c, starts ? OG_PX_STARTS_WITH : OG_PX_ENDS_WITH, args, 2, out, &px);
}

static og_status compare_as(og_checker *c, og_cmp_op op, const og_operand *args, og_operand *out)
{
  og_pexpr *px;
  OG_TRY(bool_node(c, OG_PX_CMP, args, 2, out, &px));
  if (px) px->cmp = op;
  return OG_OK;
}

static og_status check_compare(og_checker *c, const og_expr *e, og_operand *out)
{
  static const og_cmp_op ops[] = {OG_CMP_EQ, OG_CMP_NE, OG_CMP_LT, OG_CMP_LE, OG_CMP_GT, OG_CMP_GE};
  og_operand args[2];
  for (int i = 0; i < 2; i++) OG_TRY(og_check__operand(c, e->args[i], &args[i]));
  for (int i = 0; i < 2; i++)
    if (args[i].is_null) return equals_null(c, e->args[i]->span);
  if (e->op == OG_OP_CONTAINS) return contains(c, e, args, out);
  if (e->op == OG_OP_STARTS_WITH || e->op == OG_OP_ENDS_WITH) return affix(c, e, args, out);
  if (!is_plain(&args[0]) || !is_plain(&args[1])) {
    int bad = is_plain(&args[0]) ? 1 : 0;
    return OG_CHECK_FAIL(c, e->args[bad]->span,
                         args[bad].entity ? OG_STR("compare a property: $variable.property") : OG_STR_NONE,
                         "type error: T7: '%s' compares single values only", og_op_text(e->op));
  }
  if (!og_check__compatible(&args[0].type, &args[1].type))
    return not_alike(c, e->args[1]->span, "cannot compare", &args[0], &args[1]);
  return compare_as(c, ops[e->op], args, out);
}

/* ---- in */

static og_status negate(og_checker *c, og_operand *o)
{
  og_operand arg = *o;
  og_pexpr *px;
  return bool_node(c, OG_PX_NOT, &arg, 1, o, &px);
}

static og_status fits_item(og_checker *c, const og_expr *e, og_operand *needle, const og_expr *at, og_operand *item)
{
  if (item->is_null)
    return OG_CHECK_FAIL(c, at->span, OG_STR("add `or … is null`"), "type error: T7: nothing equals null");
  if (is_plain(item) && og_check__compatible(&needle->type, &item->type)) return OG_OK;
  return not_alike(c, at == e->args[1] ? e->args[0]->span : at->span, "cannot look up", needle, item);
}

/* x in [a, b] is x = a or x = b. */
static og_status in_exprs(og_checker *c, const og_expr *e, og_operand *needle, og_operand *out)
{
  const og_expr *list = e->args[1];
  og_pexpr *px;
  og_operand *terms = og_arena_calloc(c->cx, c->a, (size_t)list->n_args + 1, sizeof *terms);
  if (!terms) return OG_ENOMEM;
  for (uint32_t i = 0; i < list->n_args; i++) {
    og_operand pair[2] = {*needle};
    OG_TRY(og_check__operand(c, list->args[i], &pair[1]));
    OG_TRY(fits_item(c, e, needle, list->args[i], &pair[1]));
    OG_TRY(compare_as(c, OG_CMP_EQ, pair, &terms[i]));
  }
  return bool_node(c, OG_PX_OR, terms, list->n_args, out, &px);
}

static og_status check_in(og_checker *c, const og_expr *e, og_operand *out)
{
  og_operand needle, pair[2];
  og_pexpr *px;
  const og_expr *list = e->args[1];
  OG_TRY(og_check__operand(c, e->args[0], &needle));
  if (needle.is_null) return equals_null(c, e->args[0]->span);
  if (!is_plain(&needle))
    return OG_CHECK_FAIL(c, e->args[0]->span,
                         needle.entity ? OG_STR("look up a property: $variable.property") : OG_STR_NONE,
                         "type error: T7: 'in' looks up a single value");
  if (list->kind == OG_EXPR_LIST) {
    OG_TRY(in_exprs(c, e, &needle, out));
    return e->negated ? negate(c, out) : OG_OK;
  }
  OG_TRY(og_check__operand(c, list, &pair[0]));
  bool empty = list->kind == OG_EXPR_LITERAL && list->lit.kind == OG_LIT_LIST && list->lit.n_items == 0;
  og_operand item = pair[0];
  item.type.list = false;
  if (!pair[0].type.list)
    return OG_CHECK_FAIL(c, list->span, OG_STR("write [a, b], or name a list"),
                         "type error: T7: 'in' needs a list, not " OG_STR_FMT,
                         OG_STR_ARG(og_check__type_text(c, &pair[0].type)));
  if (!empty) OG_TRY(fits_item(c, e, &needle, list, &item));
  pair[1] = needle;
  OG_TRY(bool_node(c, OG_PX_MEMBER, pair, 2, out, &px));
  return e->negated ? negate(c, out) : OG_OK;
}

/* ---- is null, not, and, or */

/* Variables of every kind may hold no row behind `optional`: their id tells. */
static og_status null_operand(og_checker *c, const og_expr *e, og_operand *out)
{
  uint32_t slot = OG_NO_SLOT;
  if (e->kind == OG_EXPR_VAR) OG_TRY(og_check__variable(c, e, &slot));
  if (slot == OG_NO_SLOT || c->grouping) return og_check__operand(c, e, out);
  *out = (og_operand){.type = og_prop_type_scalar(OG_SC_STRING)};
  if (!c->slots[slot].is_path) return og_check__field_px(c, slot, OG_FIELD_ID, &out->px);
  og_pexpr *px;
  out->type = (og_prop_type){.kind = OG_SC_I64, .nullable = c->slots[slot].optional};
  OG_TRY(og_check__value_px(c, OG_PX_PATH, &out->type, &px));
  px->slot = slot;
  px->part = OG_PATH_HOPS;
  out->px = px;
  return OG_OK;
}

static og_status check_is_null(og_checker *c, const og_expr *e, og_operand *out)
{
  og_operand of;
  og_pexpr *px;
  OG_TRY(null_operand(c, e->args[0], &of));
  OG_TRY(bool_node(c, OG_PX_IS_NULL, &of, 1, out, &px));
  if (px) px->nullable = false;
  out->type.nullable = false;
  return e->negated ? negate(c, out) : OG_OK;
}

static og_status bool_operand(og_checker *c, const og_expr *e, og_operand *out)
{
  OG_TRY(og_check__operand(c, e, out));
  if (out->is_null || (out->type.kind == OG_SC_BOOL && !out->type.list)) return OG_OK;
  return OG_CHECK_FAIL(c, e->span, OG_STR_NONE, "type error: T7: a condition is true or false, not " OG_STR_FMT,
                       OG_STR_ARG(og_check__type_text(c, &out->type)));
}

static og_status check_logic(og_checker *c, const og_expr *e, og_operand *out)
{
  og_px_kind kind = e->kind == OG_EXPR_NOT ? OG_PX_NOT : e->kind == OG_EXPR_AND ? OG_PX_AND : OG_PX_OR;
  og_operand *args = og_arena_calloc(c->cx, c->a, (size_t)e->n_args + 1, sizeof *args);
  og_pexpr *px;
  if (!args) return OG_ENOMEM;
  for (uint32_t i = 0; i < e->n_args; i++) OG_TRY(bool_operand(c, e->args[i], &args[i]));
  return bool_node(c, kind, args, e->n_args, out, &px);
}

og_status og_check__predicate(og_checker *c, const og_expr *e, og_operand *out)
{
  switch (e->kind) {
  case OG_EXPR_COMPARE: return check_compare(c, e, out);
  case OG_EXPR_IN: return check_in(c, e, out);
  case OG_EXPR_IS_NULL: return check_is_null(c, e, out);
  default: return check_logic(c, e, out);
  }
}

og_status og_check__condition(og_checker *c, const og_expr *e, const og_pexpr **out)
{
  og_operand o;
  OG_TRY(bool_operand(c, e, &o));
  *out = o.px;
  return OG_OK;
}

/* ---- inline matches: $v: T { name: value } */

static og_status inline_literal(og_checker *c, const og_property *p, const og_assign *m, og_operand *value)
{
  og_prop_type own, item = p->type;
  const og_literal *lit = &m->value->lit;
  if (lit->kind == OG_LIT_NULL) return equals_null(c, m->value->span);
  OG_TRY(og_check__literal_type(c, lit, &own));
  item.list = false;
  item.nullable = false;
  if (!og_check__compatible(&item, &own)) {
    og_scalar unused;
    return og_check__literal_as(c, lit, &item, p->name, &unused); /* says how they differ */
  }
  if (own.kind == OG_SC_STRING && !og_check__in_enum(&p->type, lit->str))
    return OG_CHECK_FAIL(c, m->value->span, OG_STR_NONE,
                         "type error: T3: '" OG_STR_FMT "' is not a value of '" OG_STR_FMT "', which is " OG_STR_FMT,
                         OG_STR_ARG(lit->str), OG_STR_ARG(p->name), OG_STR_ARG(og_check__type_text(c, &p->type)));
  return og_check__literal_px(c, lit, value);
}

static og_status inline_value(og_checker *c, const og_property *p, const og_assign *m, og_operand *value)
{
  const og_expr *e = m->value;
  if (e->kind == OG_EXPR_LITERAL) return inline_literal(c, p, m, value);
  if (e->kind == OG_EXPR_VAR && og_check__param(c, e->var) < 0) return og_check__no_param(c, e->var, e->span, "");
  og_prop_type item = p->type;
  item.list = false;
  OG_TRY(og_check__operand(c, e, value));
  if (og_check__compatible(&item, &value->type)) return OG_OK;
  return OG_CHECK_FAIL(c, e->span, OG_STR_NONE,
                       "type error: T7: property '" OG_STR_FMT "' is " OG_STR_FMT ", but this value is " OG_STR_FMT,
                       OG_STR_ARG(p->name), OG_STR_ARG(og_check__type_text(c, &p->type)),
                       OG_STR_ARG(og_check__type_text(c, &value->type)));
}

static bool is_list_value(const og_checker *c, const og_expr *e)
{
  if (e->kind == OG_EXPR_LITERAL) return e->lit.kind == OG_LIT_LIST;
  int param = e->kind == OG_EXPR_VAR ? og_check__param(c, e->var) : -1;
  return param >= 0 && (c->param_types[param].list || c->param_types[param].kind == OG_SC_VECTOR);
}

og_status og_check__inline(og_checker *c, uint32_t slot, const og_assign *m, const og_pexpr **out)
{
  const og_type_def *t = c->slots[slot].type;
  int32_t field = og_type_property(t, m->name);
  if (field < 0)
    return OG_CHECK_FAIL(c, m->name_span, og_check__hint(c, og_type_suggest_property(t, m->name)),
                         "type error: T2: %s '" OG_STR_FMT "' has no property '" OG_STR_FMT "'", og_check__kind_text(t),
                         OG_STR_ARG(t->name), OG_STR_ARG(m->name));
  const og_property *p = &t->properties[field];
  if (p->type.kind == OG_SC_BLOB || p->type.kind == OG_SC_VECTOR || (p->type.list && is_list_value(c, m->value)))
    return OG_CHECK_FAIL(c, m->value->span, OG_STR_NONE,
                         "type error: T3: property '" OG_STR_FMT "' is " OG_STR_FMT
                         " and cannot be matched by equality",
                         OG_STR_ARG(p->name), OG_STR_ARG(og_check__type_text(c, &p->type)));
  og_operand pair[2] = {{.type = p->type}}, made = {0};
  og_pexpr *px;
  OG_TRY(inline_value(c, p, m, &pair[1]));
  OG_TRY(og_check__field_px(c, slot, field, &pair[0].px));
  OG_TRY(p->type.list ? bool_node(c, OG_PX_MEMBER, pair, 2, &made, &px) : compare_as(c, OG_CMP_EQ, pair, &made));
  *out = made.px;
  return OG_OK;
}
