/* SPDX-License-Identifier: MIT */
/* query/check_expr.c -- expressions of read queries: what they name, their types, and comparisons of two. */
#include "query/check.h"

bool og_check__compatible(const og_prop_type *a, const og_prop_type *b)
{
  if (a->list != b->list) return false;
  if (a->kind == OG_SC_VECTOR && b->kind == OG_SC_VECTOR) return a->dim == b->dim;
  return a->kind == b->kind || (og_scalar_is_number(a->kind) && og_scalar_is_number(b->kind));
}

/* ---- leaves */

og_status og_check__value_px(og_checker *c, og_px_kind kind, const og_prop_type *t, og_pexpr **out)
{
  og_pexpr *px = og_arena_zalloc(c->cx, c->a, sizeof *px);
  if (!px) return OG_ENOMEM;
  px->kind = kind;
  px->type = og_value_type_of(t);
  px->nullable = t->nullable;
  *out = px;
  return OG_OK;
}

og_status og_check__field_px(og_checker *c, uint32_t slot, int32_t field, const og_pexpr **out)
{
  og_prop_type id = og_prop_type_scalar(OG_SC_STRING);
  og_pexpr *px;
  OG_TRY(og_check__value_px(c, OG_PX_FIELD, field < 0 ? &id : &c->slots[slot].type->properties[field].type, &px));
  px->slot = slot;
  px->field = field;
  *out = px;
  return OG_OK;
}

static og_status predicate(og_checker *c, og_px_kind kind, const og_pexpr *left, const og_pexpr *right,
                           const og_pexpr **out)
{
  og_prop_type boolean = {.kind = OG_SC_BOOL, .nullable = left->nullable || right->nullable};
  og_pexpr *px;
  OG_TRY(og_check__value_px(c, kind, &boolean, &px));
  px->args[0] = left;
  px->args[1] = right;
  *out = px;
  return OG_OK;
}

og_status og_check__literal_px(og_checker *c, const og_literal *lit, og_operand *out)
{
  og_pexpr *px;
  OG_TRY(og_check__literal_type(c, lit, &out->type));
  OG_TRY(og_check__value_px(c, OG_PX_LITERAL, &out->type, &px));
  OG_TRY(og_check__literal_scalar(c, lit, &px->literal));
  out->px = px;
  return OG_OK;
}

static og_status unbound(og_checker *c, const og_expr *e, const char *code)
{
  og_str near = OG_STR_NONE;
  if (og_check__find(c, e->var) != OG_NO_SLOT)
    return OG_CHECK_FAIL(c, e->span, OG_STR("a clause that reads a variable stands behind the one that binds it"),
                         "type error: %svariable '$" OG_STR_FMT "' is not bound yet", code, OG_STR_ARG(e->var));
  for (uint32_t i = 0; i < c->n_scope; i++) {
    size_t distance = og_str_distance(c->slots[c->scope[i]].name, e->var, 2);
    if (distance <= 2 && distance < e->var.len) near = c->slots[c->scope[i]].name; /* not $p for $q */
  }
  if (near.len && og_arena_printf(c->cx, c->a, &near, "$" OG_STR_FMT, OG_STR_ARG(near)) != OG_OK) return OG_ENOMEM;
  return OG_CHECK_FAIL(c, e->span, og_check__hint(c, near),
                       "type error: %svariable '$" OG_STR_FMT "' is not bound here", code, OG_STR_ARG(e->var));
}

og_status og_check__property(og_checker *c, const og_expr *e, og_operand *out)
{
  uint32_t slot = og_check__find(c, e->var);
  if (slot == OG_NO_SLOT || !c->written[slot]) return unbound(c, e, "T6: ");
  const og_type_def *t = c->slots[slot].type;
  int32_t field = og_type_property(t, e->prop);
  if (field < 0)
    return OG_CHECK_FAIL(c, e->span, og_check__hint(c, og_type_suggest_property(t, e->prop)),
                         "type error: T6: %s '" OG_STR_FMT "' has no property '" OG_STR_FMT "'",
                         t->is_edge ? "edge type" : "node type", OG_STR_ARG(t->name), OG_STR_ARG(e->prop));
  out->type = t->properties[field].type;
  if (out->type.kind == OG_SC_BLOB)
    return OG_CHECK_FAIL(c, e->span, OG_STR("blobs are written by export"),
                         "type error: T24: property '" OG_STR_FMT "' is a Blob and cannot be read in a query",
                         OG_STR_ARG(e->prop));
  return og_check__field_px(c, slot, field, &out->px);
}

static og_status check_var(og_checker *c, const og_expr *e, og_operand *out)
{
  int param = og_check__param(c, e->var);
  if (param >= 0) {
    og_pexpr *px;
    out->type = c->param_types[param];
    OG_TRY(og_check__value_px(c, OG_PX_PARAM, &out->type, &px));
    px->param = (uint32_t)param;
    out->px = px;
    return OG_OK;
  }
  uint32_t slot = og_check__find(c, e->var);
  if (slot == OG_NO_SLOT || !c->written[slot]) return unbound(c, e, "");
  if (c->slots[slot].is_edge)
    return OG_CHECK_FAIL(c, e->span, OG_STR("name one of its properties"),
                         "type error: T23: the edge variable '$" OG_STR_FMT "' has no value of its own",
                         OG_STR_ARG(e->var));
  out->entity = true;
  out->type = og_prop_type_scalar(OG_SC_STRING);
  return og_check__field_px(c, slot, OG_FIELD_ID, &out->px);
}

og_status og_check__operand(og_checker *c, const og_expr *e, og_operand *out)
{
  og_prop_type instant = og_prop_type_scalar(OG_SC_DATETIME);
  og_pexpr *px;
  *out = (og_operand){0};
  switch (e->kind) {
  case OG_EXPR_LITERAL: return og_check__literal_px(c, &e->lit, out);
  case OG_EXPR_VAR: return check_var(c, e, out);
  case OG_EXPR_PROP: return og_check__property(c, e, out);
  case OG_EXPR_NOW:
    c->uses_now = true;
    out->type = instant;
    OG_TRY(og_check__value_px(c, OG_PX_NOW, &instant, &px));
    out->px = px;
    return OG_OK;
  case OG_EXPR_ALIAS:
    return OG_CHECK_FAIL(c, e->span,
                         og_str_eq(e->prop, OG_STR("null"))
                             ? OG_STR("nothing equals null; not { $x.p = $x.p } finds what has no p")
                             : OG_STR("write $variable.property; an alias can only be ordered by"),
                         "type error: T7: '" OG_STR_FMT "' has no value here", OG_STR_ARG(e->prop));
  case OG_EXPR_AGG:
    return OG_CHECK_FAIL(c, e->span, OG_STR_NONE, "type error: T8: an aggregate can only be a column of its own");
  default: return og_check__search(c, e, out);
  }
}

/* ---- filters */

static bool is_text(const og_operand *o)
{
  return o->type.kind == OG_SC_STRING && !o->type.list && !o->entity;
}

static og_status not_alike(og_checker *c, og_span at, const char *what, og_operand *left, og_operand *right)
{
  return OG_CHECK_FAIL(c, at, OG_STR_NONE, "type error: T7: %s " OG_STR_FMT " and " OG_STR_FMT, what,
                       OG_STR_ARG(og_check__type_text(c, &left->type)),
                       OG_STR_ARG(og_check__type_text(c, &right->type)));
}

static og_status contains(og_checker *c, const og_clause *f, og_operand *left, og_operand *right, const og_pexpr **out)
{
  if (left->type.list) {
    og_prop_type item = left->type;
    item.list = false;
    if (left->type.kind == OG_SC_VECTOR || !og_check__compatible(&item, &right->type))
      return not_alike(c, f->right->span, "contains does not fit", left, right);
    return predicate(c, OG_PX_MEMBER, left->px, right->px, out);
  }
  if (!is_text(left) || !is_text(right)) return not_alike(c, f->left->span, "contains does not fit", left, right);
  return predicate(c, OG_PX_SUBSTRING, left->px, right->px, out);
}

static og_status compare(og_checker *c, og_op op, const og_pexpr *left, const og_pexpr *right, const og_pexpr **out)
{
  static const og_cmp_op ops[] = {OG_CMP_EQ, OG_CMP_NE, OG_CMP_LT, OG_CMP_LE, OG_CMP_GT, OG_CMP_GE};
  const og_pexpr *px;
  OG_TRY(predicate(c, OG_PX_CMP, left, right, &px));
  og_pexpr *made = (og_pexpr *)(uintptr_t)px;
  made->cmp = ops[op];
  *out = made;
  return OG_OK;
}

static bool is_plain(const og_operand *o)
{
  return !o->type.list && o->type.kind != OG_SC_VECTOR && o->type.kind != OG_SC_BLOB && !o->entity;
}

static og_status check_op(og_checker *c, const og_clause *f, og_operand *left, og_operand *right, const og_pexpr **out)
{
  if (f->op == OG_OP_CONTAINS) return contains(c, f, left, right, out);
  if (f->op == OG_OP_STARTS_WITH) {
    if (!is_text(left) || !is_text(right))
      return not_alike(c, f->left->span, "starts_with needs two strings, not", left, right);
    return predicate(c, OG_PX_STARTS_WITH, left->px, right->px, out);
  }
  if (!is_plain(left) || !is_plain(right)) {
    const og_operand *bad = is_plain(left) ? right : left;
    return OG_CHECK_FAIL(c, bad == left ? f->left->span : f->right->span,
                         bad->entity ? OG_STR("compare a property: $variable.property") : OG_STR_NONE,
                         "type error: T7: '%s' compares single values only", og_op_text(f->op));
  }
  if (!og_check__compatible(&left->type, &right->type))
    return not_alike(c, f->right->span, "cannot compare", left, right);
  return compare(c, f->op, left->px, right->px, out);
}

og_status og_check__filter(og_checker *c, const og_clause *f, const og_pexpr **out)
{
  og_operand left, right;
  *out = NULL;
  OG_TRY(og_check__operand(c, f->left, &left));
  if (f->kind == OG_CLAUSE_TEXT) return OG_OK;
  OG_TRY(og_check__operand(c, f->right, &right));
  if (!left.px || !right.px) return OG_OK; /* a search call: noted as not supported */
  return check_op(c, f, &left, &right, out);
}

/* ---- inline matches: $v: T { name: value } */

static og_status inline_literal(og_checker *c, const og_property *p, const og_assign *m, og_operand *value)
{
  og_prop_type own, item = p->type;
  OG_TRY(og_check__literal_type(c, &m->value->lit, &own));
  item.list = false;
  item.nullable = false;
  if (!og_check__compatible(&item, &own)) {
    og_scalar unused;
    return og_check__literal_as(c, &m->value->lit, &item, p->name, &unused); /* says how they differ */
  }
  if (own.kind == OG_SC_STRING && !og_check__in_enum(&p->type, m->value->lit.str))
    return OG_CHECK_FAIL(c, m->value->span, OG_STR_NONE,
                         "type error: T3: '" OG_STR_FMT "' is not a value of '" OG_STR_FMT "', which is " OG_STR_FMT,
                         OG_STR_ARG(m->value->lit.str), OG_STR_ARG(p->name),
                         OG_STR_ARG(og_check__type_text(c, &p->type)));
  return og_check__literal_px(c, &m->value->lit, value);
}

static og_status inline_value(og_checker *c, const og_property *p, const og_assign *m, og_operand *value)
{
  const og_expr *e = m->value;
  if (e->kind == OG_EXPR_LITERAL) return inline_literal(c, p, m, value);
  if (e->kind == OG_EXPR_VAR && og_check__param(c, e->var) < 0)
    return OG_CHECK_FAIL(c, e->span, OG_STR("declare it behind the query's name"),
                         "type error: '$" OG_STR_FMT "' is not a parameter of this query", OG_STR_ARG(e->var));
  og_prop_type item = p->type;
  item.list = false;
  OG_TRY(og_check__operand(c, e, value));
  if (og_check__compatible(&item, &value->type)) return OG_OK;
  return OG_CHECK_FAIL(c, e->span, OG_STR_NONE,
                       "type error: T7: property '" OG_STR_FMT "' is " OG_STR_FMT ", but this value is " OG_STR_FMT,
                       OG_STR_ARG(p->name), OG_STR_ARG(og_check__type_text(c, &p->type)),
                       OG_STR_ARG(og_check__type_text(c, &value->type)));
}

og_status og_check__inline(og_checker *c, uint32_t slot, const og_assign *m, const og_pexpr **out)
{
  const og_type_def *t = c->slots[slot].type;
  int32_t field = og_type_property(t, m->name);
  if (field < 0)
    return OG_CHECK_FAIL(c, m->name_span, og_check__hint(c, og_type_suggest_property(t, m->name)),
                         "type error: T2: node type '" OG_STR_FMT "' has no property '" OG_STR_FMT "'",
                         OG_STR_ARG(t->name), OG_STR_ARG(m->name));
  const og_property *p = &t->properties[field];
  bool list_value = m->value->kind == OG_EXPR_LITERAL && m->value->lit.kind == OG_LIT_LIST;
  if (m->value->kind == OG_EXPR_VAR) {
    int param = og_check__param(c, m->value->var);
    list_value = param >= 0 && (c->param_types[param].list || c->param_types[param].kind == OG_SC_VECTOR);
  }
  if (p->type.kind == OG_SC_BLOB || p->type.kind == OG_SC_VECTOR || (p->type.list && list_value))
    return OG_CHECK_FAIL(c, m->value->span, OG_STR_NONE,
                         "type error: T3: property '" OG_STR_FMT "' is " OG_STR_FMT
                         " and cannot be matched by equality",
                         OG_STR_ARG(p->name), OG_STR_ARG(og_check__type_text(c, &p->type)));
  og_operand value = {0};
  const og_pexpr *left;
  OG_TRY(inline_value(c, p, m, &value));
  OG_TRY(og_check__field_px(c, slot, field, &left));
  if (p->type.list) return predicate(c, OG_PX_MEMBER, left, value.px, out);
  return compare(c, OG_OP_EQ, left, value.px, out);
}
