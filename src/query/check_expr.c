/* SPDX-License-Identifier: MIT */
/* query/check_expr.c -- expressions: what they name, and their types. */
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
  og_prop_type t = og_prop_type_scalar(OG_SC_STRING);
  og_pexpr *px;
  if (field >= 0) t = c->slots[slot].type->properties[field].type;
  t.nullable = t.nullable || c->slots[slot].optional;
  OG_TRY(og_check__value_px(c, OG_PX_FIELD, &t, &px));
  px->slot = slot;
  px->field = field;
  *out = px;
  return OG_OK;
}

og_status og_check__node_px(og_checker *c, og_px_kind kind, const og_prop_type *t, const og_operand *args, uint32_t n,
                            og_pexpr **out)
{
  og_pexpr *px;
  const og_pexpr **list = og_arena_calloc(c->cx, c->a, (size_t)n + 1, sizeof *list);
  if (!list) return OG_ENOMEM;
  *out = NULL;
  OG_TRY(og_check__value_px(c, kind, t, &px));
  px->nullable = false;
  for (uint32_t i = 0; i < n; i++) {
    if (!args[i].px) return OG_OK;
    list[i] = args[i].px;
    px->nullable = px->nullable || list[i]->nullable;
    px->fails = px->fails || list[i]->fails;
  }
  px->args = list;
  px->n_args = n;
  *out = px;
  return OG_OK;
}

og_status og_check__literal_px(og_checker *c, const og_literal *lit, og_operand *out)
{
  og_pexpr *px;
  OG_TRY(og_check__literal_type(c, lit, &out->type));
  OG_TRY(og_check__value_px(c, OG_PX_LITERAL, &out->type, &px));
  OG_TRY(og_check__literal_scalar(c, lit, &px->literal));
  out->is_null = lit->kind == OG_LIT_NULL;
  out->px = px;
  return OG_OK;
}

static og_status unbound(og_checker *c, const og_expr *e, const char *code)
{
  if (c->q->is_mutation) return og_check__no_param(c, e->var, e->span, "T14: ");
  if (og_check__find(c, e->var) != OG_NO_SLOT)
    return OG_CHECK_FAIL(c, e->span, OG_STR("a clause that reads a variable stands behind the one that binds it"),
                         "type error: %svariable '$" OG_STR_FMT "' is not bound yet", code, OG_STR_ARG(e->var));
  return OG_CHECK_FAIL(c, e->span, og_check__near_var(c, e->var, true),
                       "type error: %svariable '$" OG_STR_FMT "' is not bound here", code, OG_STR_ARG(e->var));
}

og_status og_check__property(og_checker *c, const og_expr *e, og_operand *out)
{
  uint32_t slot = og_check__find(c, e->var);
  if (slot == OG_NO_SLOT || !c->written[slot]) return unbound(c, e, "T6: ");
  const og_type_def *t = c->slots[slot].type;
  if (!t)
    return OG_CHECK_FAIL(c, e->span, OG_STR("take its hops(), nodes() or edges()"),
                         "type error: T6: the path variable '$" OG_STR_FMT "' has no properties", OG_STR_ARG(e->var));
  int32_t field = og_type_property(t, e->prop);
  if (field < 0)
    return OG_CHECK_FAIL(c, e->span, og_check__hint(c, og_type_suggest_property(t, e->prop)),
                         "type error: T6: %s '" OG_STR_FMT "' has no property '" OG_STR_FMT "'", og_check__kind_text(t),
                         OG_STR_ARG(t->name), OG_STR_ARG(e->prop));
  out->type = t->properties[field].type;
  out->type.nullable = out->type.nullable || c->slots[slot].optional;
  if (out->type.kind == OG_SC_BLOB)
    return OG_CHECK_FAIL(c, e->span, OG_STR("blobs are written by export"),
                         "type error: T24: property '" OG_STR_FMT "' is a Blob and cannot be read in a query",
                         OG_STR_ARG(e->prop));
  return og_check__field_px(c, slot, field, &out->px);
}

og_status og_check__variable(og_checker *c, const og_expr *e, uint32_t *slot)
{
  *slot = OG_NO_SLOT;
  if (og_check__param(c, e->var) >= 0) return OG_OK;
  *slot = og_check__find(c, e->var);
  if (*slot == OG_NO_SLOT || !c->written[*slot]) return unbound(c, e, "");
  return OG_OK;
}

static og_status check_var(og_checker *c, const og_expr *e, og_operand *out)
{
  uint32_t slot;
  OG_TRY(og_check__variable(c, e, &slot));
  if (slot == OG_NO_SLOT) {
    int param = og_check__param(c, e->var);
    og_pexpr *px;
    out->type = c->param_types[param];
    OG_TRY(og_check__value_px(c, OG_PX_PARAM, &out->type, &px));
    px->param = (uint32_t)param;
    out->px = px;
    return OG_OK;
  }
  if (c->slots[slot].is_edge)
    return OG_CHECK_FAIL(c, e->span, OG_STR("name one of its properties, or take its id($variable)"),
                         "type error: T23: the edge variable '$" OG_STR_FMT "' has no value of its own",
                         OG_STR_ARG(e->var));
  if (c->slots[slot].is_path)
    return OG_CHECK_FAIL(c, e->span, OG_STR("take its hops(), nodes() or edges()"),
                         "type error: T7: the path variable '$" OG_STR_FMT "' has no value of its own",
                         OG_STR_ARG(e->var));
  out->entity = true;
  out->type = og_prop_type_scalar(OG_SC_STRING);
  out->type.nullable = c->slots[slot].optional;
  return og_check__field_px(c, slot, OG_FIELD_ID, &out->px);
}

static og_status check_now(og_checker *c, og_operand *out)
{
  og_pexpr *px;
  out->type = og_prop_type_scalar(OG_SC_DATETIME);
  c->uses_now = true;
  OG_TRY(og_check__value_px(c, OG_PX_NOW, &out->type, &px));
  out->px = px;
  return OG_OK;
}

static og_status check_name(og_checker *c, const og_expr *e, og_operand *out)
{
  if (c->target != OG_NO_SLOT) return og_check__target(c, e, out);
  if (c->aliases) return og_check__alias(c, e, out);
  if (c->q->is_mutation)
    return OG_CHECK_FAIL(c, e->span, OG_STR("an insert has no row to read from; use a parameter"),
                         "type error: T7: '" OG_STR_FMT "' has no value here", OG_STR_ARG(e->prop));
  return OG_CHECK_FAIL(c, e->span, OG_STR("write $variable.property; a column's name stands in having and order"),
                       "type error: T7: '" OG_STR_FMT "' has no value here", OG_STR_ARG(e->prop));
}

og_status og_check__operand(og_checker *c, const og_expr *e, og_operand *out)
{
  bool done = false;
  *out = (og_operand){0};
  if (c->grouping) OG_TRY(og_check__grouped(c, e, out, &done));
  if (done) return OG_OK;
  switch (e->kind) {
  case OG_EXPR_LITERAL: return og_check__literal_px(c, &e->lit, out);
  case OG_EXPR_VAR: return check_var(c, e, out);
  case OG_EXPR_PROP: return og_check__property(c, e, out);
  case OG_EXPR_NOW: return check_now(c, out);
  case OG_EXPR_ALIAS: return check_name(c, e, out);
  case OG_EXPR_AGG:
    return OG_CHECK_FAIL(c, e->span, OG_STR("having { … } is where groups are chosen"),
                         "type error: T8: an aggregate stands in what is returned, in having or in order");
  case OG_EXPR_LIST:
    return OG_CHECK_FAIL(c, e->span, OG_STR_NONE, "type error: T7: a list of expressions stands behind 'in' only");
  case OG_EXPR_CALL: return og_check__call(c, e, out);
  case OG_EXPR_COMPARE:
  case OG_EXPR_IN:
  case OG_EXPR_IS_NULL:
  case OG_EXPR_NOT:
  case OG_EXPR_AND:
  case OG_EXPR_OR: return og_check__predicate(c, e, out);
  case OG_EXPR_NEAREST:
  case OG_EXPR_SEARCH:
  case OG_EXPR_FUZZY:
  case OG_EXPR_MATCH_TEXT:
  case OG_EXPR_PHRASE:
  case OG_EXPR_BM25:
  case OG_EXPR_RRF: break;
  }
  return og_check__search(c, e, out);
}
