/* SPDX-License-Identifier: MIT */
/* query/check_search.c -- search() match_text() phrase() fuzzy() bm25() nearest() rrf(): their operands, and their
 * plan.
 *
 * A search call is a value: a Bool, or a score.  rrf() is none: it ranks, and only an order may hold it (rank.c).
 */
#include "query/check.h"

#include "text/edits.h"

const char *og_check__search_name(og_expr_kind kind)
{
  switch (kind) {
  case OG_EXPR_SEARCH: return "search";
  case OG_EXPR_MATCH_TEXT: return "match_text";
  case OG_EXPR_PHRASE: return "phrase";
  case OG_EXPR_FUZZY: return "fuzzy";
  case OG_EXPR_BM25: return "bm25";
  case OG_EXPR_NEAREST: return "nearest";
  case OG_EXPR_RRF: return "rrf";
  default: return NULL;
  }
}

/* ---- plans */

og_status og_check__add_search(og_checker *c, og_pexpr *px, const og_pexpr **out)
{
  *out = px;
  for (uint32_t i = 0; i < c->n_searches; i++) {
    if (!og_px_equal(c->searches[i], px)) continue;
    *out = c->searches[i]; /* asked once, however often it is written */
    return OG_OK;
  }
  if ((c->n_searches & (c->n_searches - 1)) == 0) { /* full at every power of two */
    const og_pexpr **list = og_arena_calloc(c->cx, c->a, (size_t)c->n_searches * 2 + 1, sizeof *list);
    if (!list) return OG_ENOMEM;
    if (c->n_searches) memcpy(list, c->searches, c->n_searches * sizeof *list);
    c->searches = list;
  }
  px->search = c->n_searches;
  c->searches[c->n_searches++] = px;
  return OG_OK;
}

static og_status search_px(og_checker *c, const og_expr *e, og_px_kind kind, const og_operand *args, og_operand *out)
{
  og_pexpr *px;
  OG_TRY(og_check__node_px(c, kind, &out->type, args, e->n_args, &px));
  if (!px) return OG_OK;
  px->span = e->span;
  if (e->kind == OG_EXPR_PHRASE) px->text = OG_TEXT_PHRASE;
  if (e->kind == OG_EXPR_FUZZY) px->text = OG_TEXT_FUZZY;
  out->type.nullable = px->nullable;
  return og_check__add_search(c, px, &out->px);
}

/* ---- words */

static og_status text_operand(og_checker *c, const og_expr *e, const char *code, const char *what, og_operand *o)
{
  OG_TRY(og_check__operand(c, e, o));
  if (o->is_null || (!o->entity && !o->type.list && o->type.kind == OG_SC_STRING)) return OG_OK;
  return OG_CHECK_FAIL(c, e->span, OG_STR_NONE, "type error: %s: %s must be a String, not " OG_STR_FMT, code, what,
                       OG_STR_ARG(og_check__type_text(c, &o->type)));
}

static og_status edits_operand(og_checker *c, const og_expr *e, const char *code, og_operand *o)
{
  OG_TRY(og_check__operand(c, e, o));
  const og_scalar_kind k = o->type.kind;
  const bool integer = og_scalar_is_number(k) && k != OG_SC_F32 && k != OG_SC_F64 && !o->type.list;
  if (!o->is_null && !integer)
    return OG_CHECK_FAIL(c, e->span, OG_STR_NONE, "type error: %s: the number of edits must be an integer", code);
  if (e->kind != OG_EXPR_LITERAL || o->is_null || (e->lit.i >= 0 && e->lit.i <= OG_TEXT_EDITS_MAX)) return OG_OK;
  return OG_CHECK_FAIL(c, e->span, OG_STR_NONE, "type error: %s: fuzzy takes 0 to %d edits", code, OG_TEXT_EDITS_MAX);
}

static og_status text_call(og_checker *c, const og_expr *e, const char *code, og_operand *out)
{
  og_operand args[3] = {{0}};
  const og_expr *field = e->args[0];
  if (field->kind != OG_EXPR_PROP)
    return OG_CHECK_FAIL(c, field->span, OG_STR("write $variable.property"),
                         "type error: %s: the first operand must be a String property", code);
  const uint32_t slot = og_check__find(c, field->var);
  if (slot != OG_NO_SLOT && c->slots[slot].is_edge)
    return OG_CHECK_FAIL(c, field->span, OG_STR_NONE, "type error: T23: edges cannot be searched");
  OG_TRY(text_operand(c, field, code, "the searched property", &args[0]));
  OG_TRY(text_operand(c, e->args[1], code, "the search text", &args[1]));
  if (e->n_args == 3) OG_TRY(edits_operand(c, e->args[2], code, &args[2]));
  OG_TRY(search_px(c, e, e->kind == OG_EXPR_BM25 ? OG_PX_BM25 : OG_PX_TEXT, args, out));
  return OG_OK;
}

/* ---- vectors */

static og_status vector_literal(og_checker *c, const og_expr *e, uint32_t dim, og_operand *out)
{
  og_pexpr *px;
  out->type = (og_prop_type){.kind = OG_SC_VECTOR, .dim = dim};
  for (uint32_t i = 0; i < e->lit.n_items; i++)
    if (e->lit.items[i].kind != OG_LIT_INT && e->lit.items[i].kind != OG_LIT_FLOAT)
      return OG_CHECK_FAIL(c, e->lit.items[i].span, OG_STR_NONE, "type error: T15: a vector holds numbers");
  if (e->lit.n_items != dim)
    return OG_CHECK_FAIL(c, e->span, OG_STR_NONE, "type error: T15: nearest expects %u dimensions, got %u", dim,
                         e->lit.n_items);
  OG_TRY(og_check__value_px(c, OG_PX_LITERAL, &out->type, &px));
  OG_TRY(og_check__literal_as(c, &e->lit, &out->type, OG_STR("nearest"), &px->literal));
  out->px = px;
  return OG_OK;
}

static og_status nearest_query(og_checker *c, const og_expr *e, uint32_t dim, og_operand *q)
{
  if (e->kind == OG_EXPR_LITERAL && e->lit.kind == OG_LIT_LIST) return vector_literal(c, e, dim, q);
  OG_TRY(og_check__operand(c, e, q));
  if (q->type.kind == OG_SC_VECTOR && !q->type.list && q->type.dim == dim &&
      (e->kind == OG_EXPR_PROP || og_px_is_constant(q->px)))
    return OG_OK;
  if (q->type.kind != OG_SC_STRING || q->type.list || q->entity || q->is_null)
    return OG_CHECK_FAIL(c, e->span, OG_STR_NONE,
                         "type error: T15: nearest expects a Vector(%u), a list of %u numbers or a String", dim, dim);
  og_check__need(c, OG_FEATURE_EMBEDDING, e->span);
  q->px = NULL;
  return OG_OK;
}

static og_status check_nearest(og_checker *c, const og_expr *e, og_operand *out)
{
  og_operand args[2] = {{0}};
  const og_expr *field = e->args[0];
  if (field->kind != OG_EXPR_PROP)
    return OG_CHECK_FAIL(c, field->span, OG_STR("write $variable.property"),
                         "type error: T15: the first operand of nearest must be a Vector property");
  const uint32_t slot = og_check__find(c, field->var);
  if (slot != OG_NO_SLOT && c->slots[slot].is_edge)
    return OG_CHECK_FAIL(c, field->span, OG_STR_NONE, "type error: T23: edges cannot be ranked");
  OG_TRY(og_check__property(c, field, &args[0]));
  if (args[0].type.kind != OG_SC_VECTOR)
    return OG_CHECK_FAIL(c, field->span, OG_STR_NONE,
                         "type error: T15: property '" OG_STR_FMT "' is " OG_STR_FMT ", not a Vector",
                         OG_STR_ARG(field->prop), OG_STR_ARG(og_check__type_text(c, &args[0].type)));
  OG_TRY(nearest_query(c, e->args[1], args[0].type.dim, &args[1]));
  return search_px(c, e, OG_PX_NEAREST, args, out);
}

og_status og_check__search(og_checker *c, const og_expr *e, og_operand *out)
{
  *out = (og_operand){.type = {.kind = OG_SC_BOOL}};
  switch (e->kind) {
  case OG_EXPR_SEARCH:
  case OG_EXPR_FUZZY: return text_call(c, e, "T19", out);
  case OG_EXPR_MATCH_TEXT:
  case OG_EXPR_PHRASE: return text_call(c, e, "T20", out);
  case OG_EXPR_BM25: out->type.kind = OG_SC_F64; return text_call(c, e, "T20", out);
  case OG_EXPR_NEAREST: out->type.kind = OG_SC_F64; return check_nearest(c, e, out);
  case OG_EXPR_RRF:
    return OG_CHECK_FAIL(c, e->span, OG_STR("write it into order { … }"),
                         "type error: T21: rrf ranks an answer and has no value of its own");
  default: return og_fail(c->cx, OG_EINTERNAL, "this expression is no search call");
  }
}
