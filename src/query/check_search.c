/* SPDX-License-Identifier: MIT */
/* query/check_search.c -- search() fuzzy() match_text() nearest() bm25() rrf(): their operands. */
#include "query/check.h"

static og_status text_operand(og_checker *c, const og_expr *e, const char *code, const char *what)
{
  og_operand o;
  OG_TRY(og_check__operand(c, e, &o));
  if (o.px && !o.entity && !o.type.list && o.type.kind == OG_SC_STRING) return OG_OK;
  return OG_CHECK_FAIL(c, e->span, OG_STR_NONE, "type error: %s: %s must be a String, not " OG_STR_FMT, code, what,
                       OG_STR_ARG(og_check__type_text(c, &o.type)));
}

static og_status text_call(og_checker *c, const og_expr *e, const char *code)
{
  const og_expr *field = e->args[0];
  if (field->kind != OG_EXPR_PROP)
    return OG_CHECK_FAIL(c, field->span, OG_STR("write $variable.property"),
                         "type error: %s: the first operand must be a String property", code);
  uint32_t slot = og_check__find(c, field->var);
  if (slot != OG_NO_SLOT && c->slots[slot].is_edge)
    return OG_CHECK_FAIL(c, field->span, OG_STR_NONE, "type error: T23: edges cannot be searched");
  OG_TRY(text_operand(c, field, code, "the searched property"));
  OG_TRY(text_operand(c, e->args[1], code, "the search text"));
  if (e->n_args < 3) return OG_OK;
  og_operand edits;
  OG_TRY(og_check__operand(c, e->args[2], &edits));
  og_scalar_kind k = edits.type.kind;
  bool integer = og_scalar_is_number(k) && k != OG_SC_F32 && k != OG_SC_F64 && !edits.type.list;
  if (integer && edits.px) return OG_OK;
  return OG_CHECK_FAIL(c, e->args[2]->span, OG_STR_NONE, "type error: %s: the number of edits must be an integer",
                       code);
}

static og_status nearest_query(og_checker *c, const og_expr *e, uint32_t dim)
{
  if (e->kind == OG_EXPR_LITERAL && e->lit.kind == OG_LIT_LIST) {
    og_prop_type t = {.kind = OG_SC_VECTOR, .dim = dim};
    og_scalar unused;
    for (uint32_t i = 0; i < e->lit.n_items; i++)
      if (e->lit.items[i].kind != OG_LIT_INT && e->lit.items[i].kind != OG_LIT_FLOAT)
        return OG_CHECK_FAIL(c, e->lit.items[i].span, OG_STR_NONE, "type error: T15: a vector holds numbers");
    if (e->lit.n_items == dim) return og_check__literal_as(c, &e->lit, &t, OG_STR("nearest"), &unused);
    return OG_CHECK_FAIL(c, e->span, OG_STR_NONE, "type error: T15: nearest expects %u dimensions, got %u", dim,
                         e->lit.n_items);
  }
  og_operand q;
  OG_TRY(og_check__operand(c, e, &q));
  bool text = q.type.kind == OG_SC_STRING && !q.type.list && !q.entity;
  if (q.px && (text || (q.type.kind == OG_SC_VECTOR && q.type.dim == dim))) return OG_OK;
  return OG_CHECK_FAIL(c, e->span, OG_STR_NONE,
                       "type error: T15: nearest expects a Vector(%u), a list of %u numbers or a String", dim, dim);
}

static og_status check_nearest(og_checker *c, const og_expr *e)
{
  const og_expr *field = e->args[0];
  if (field->kind != OG_EXPR_PROP)
    return OG_CHECK_FAIL(c, field->span, OG_STR("write $variable.property"),
                         "type error: T15: the first operand of nearest must be a Vector property");
  uint32_t slot = og_check__find(c, field->var);
  if (slot != OG_NO_SLOT && c->slots[slot].is_edge)
    return OG_CHECK_FAIL(c, field->span, OG_STR_NONE, "type error: T23: edges cannot be ranked");
  og_operand target;
  OG_TRY(og_check__property(c, field, &target));
  if (target.type.kind != OG_SC_VECTOR)
    return OG_CHECK_FAIL(c, field->span, OG_STR_NONE,
                         "type error: T15: property '" OG_STR_FMT "' is " OG_STR_FMT ", not a Vector",
                         OG_STR_ARG(field->prop), OG_STR_ARG(og_check__type_text(c, &target.type)));
  OG_TRY(nearest_query(c, e->args[1], target.type.dim));
  if (c->q->limit.has) return OG_OK;
  return OG_CHECK_FAIL(c, e->span, OG_STR("add `limit 10` behind the order"), "type error: T17: nearest needs a limit");
}

static og_status check_rrf(og_checker *c, const og_expr *e)
{
  og_operand unused;
  for (uint32_t i = 0; i < 2; i++) {
    if (e->args[i]->kind != OG_EXPR_NEAREST && e->args[i]->kind != OG_EXPR_BM25)
      return OG_CHECK_FAIL(c, e->args[i]->span, OG_STR_NONE,
                           "type error: T21: rrf fuses nearest() and bm25() rankings");
    if (!c->q->limit.has)
      return OG_CHECK_FAIL(c, e->span, OG_STR("add `limit 10` behind the order"), "type error: T21: rrf needs a limit");
    OG_TRY(og_check__search(c, e->args[i], &unused));
  }
  if (e->n_args < 3) return OG_OK;
  const og_expr *k = e->args[2];
  if (k->kind == OG_EXPR_LITERAL && k->lit.kind == OG_LIT_INT && k->lit.i > 0) return OG_OK;
  if (k->kind == OG_EXPR_VAR) {
    og_operand o;
    OG_TRY(og_check__operand(c, k, &o));
    og_scalar_kind kind = o.type.kind;
    if (!o.entity && !o.type.list && og_scalar_is_number(kind) && kind != OG_SC_F32 && kind != OG_SC_F64) return OG_OK;
  }
  return OG_CHECK_FAIL(c, k->span, OG_STR_NONE, "type error: T21: the third operand of rrf must be an integer above 0");
}

og_status og_check__search(og_checker *c, const og_expr *e, og_operand *out)
{
  *out = (og_operand){.type = {.kind = OG_SC_F64}};
  switch (e->kind) {
  case OG_EXPR_SEARCH:
  case OG_EXPR_FUZZY:
    out->type.kind = OG_SC_BOOL;
    og_check__need(c, e->kind == OG_EXPR_FUZZY ? OG_FEATURE_FUZZY : OG_FEATURE_SEARCH, e->span);
    return text_call(c, e, "T19");
  case OG_EXPR_MATCH_TEXT:
    out->type.kind = OG_SC_BOOL;
    og_check__need(c, OG_FEATURE_MATCH_TEXT, e->span);
    return text_call(c, e, "T20");
  case OG_EXPR_BM25: og_check__need(c, OG_FEATURE_BM25, e->span); return text_call(c, e, "T20");
  case OG_EXPR_NEAREST: og_check__need(c, OG_FEATURE_NEAREST, e->span); return check_nearest(c, e);
  case OG_EXPR_RRF: og_check__need(c, OG_FEATURE_RRF, e->span); return check_rrf(c, e);
  default: return og_fail(c->cx, OG_EINTERNAL, "this expression is no search call");
  }
}
