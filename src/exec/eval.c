/* SPDX-License-Identifier: MIT */
/* exec/eval.c -- expressions for one row: leaves, predicates, and calls whose operands may be null. */
#include "exec/eval.h"

/* ---- columns */

/* Items [from, to) as a column of their own, sharing the buffers where alignment allows. */
static og_status list_view(og_ctx *cx, og_arena *a, const og_column *items, int64_t from, int64_t to, og_column **out)
{
  og_column *v = og_arena_zalloc(cx, a, sizeof *v);
  if (!v) return OG_ENOMEM;
  *v = (og_column){.refs = 1, .type = items->type, .len = to - from, .bytes_len = items->bytes_len};
  unsigned width = og_type_is_varbin(items->type.id) ? 4 : og_type_width(items->type.id);
  v->data[1] = items->data[1];
  size_t bytes = (size_t)(v->len + 7) / 8 + 1;
  if (width) {
    v->data[0] = (const char *)items->data[0] + (size_t)from * width;
  } else { /* bits: copied, for they start anywhere in a byte */
    uint8_t *bits = og_arena_zalloc(cx, a, bytes);
    if (!bits) return OG_ENOMEM;
    og_bits_copy(bits, 0, items->data[0], from, v->len);
    v->data[0] = bits;
  }
  *out = v;
  if (!items->validity) return OG_OK;
  uint8_t *valid = og_arena_zalloc(cx, a, bytes);
  if (!valid) return OG_ENOMEM;
  og_bits_copy(valid, 0, items->validity, from, v->len);
  v->validity = valid;
  v->nulls = v->len - og_bits_count(valid, 0, v->len);
  return OG_OK;
}

og_status og_eval_column_at(og_ctx *cx, og_arena *scratch, const og_column *c, int64_t i, og_scalar *out)
{
  int64_t from, to;
  if (!og_type_is_nested(c->type.id)) {
    *out = og_scalar_at(c, i);
    return OG_OK;
  }
  *out = (og_scalar){.type = c->type, .is_null = og_column_is_null(c, i)};
  if (out->is_null) return OG_OK;
  og_column_list(c, i, &from, &to);
  return list_view(cx, scratch, c->children[0], from, to, &out->v.list);
}

/* ---- predicates */

static void give_bool(og_scalar *out, bool v)
{
  *out = (og_scalar){.type = og_type_of(OG_TYPE_BOOL), .v.b = v};
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

static bool is_member(const og_column *items, const og_scalar *needle)
{
  for (int64_t i = 0; i < items->len; i++) {
    int c;
    if (og_column_is_null(items, i)) continue;
    og_scalar item = og_scalar_at(items, i);
    if (og_scalar_cmp(&item, needle, &c) && c == 0) return true;
  }
  return false;
}

static og_status binary_predicate(og_ctx *cx, const og_eval *ev, const og_pexpr *e, og_scalar *out)
{
  og_scalar a, b;
  int c;
  OG_TRY(og_eval_value(cx, ev, e->args[0], &a));
  OG_TRY(og_eval_value(cx, ev, e->args[1], &b));
  give_bool(out, false);
  out->is_null = a.is_null || b.is_null;
  if (out->is_null) return OG_OK;
  switch (e->kind) {
  case OG_PX_CMP: out->v.b = og_scalar_cmp(&a, &b, &c) && compares(e->cmp, c); break;
  case OG_PX_MEMBER: out->v.b = is_member(a.v.list, &b); break;
  case OG_PX_SUBSTRING: out->v.b = og_str_find(a.v.s, b.v.s) != SIZE_MAX; break;
  case OG_PX_STARTS_WITH: out->v.b = og_str_starts_with(a.v.s, b.v.s); break;
  default: out->v.b = og_str_ends_with(a.v.s, b.v.s); break;
  }
  return OG_OK;
}

/* AND is settled by false, OR by true. */
static og_status logic(og_ctx *cx, const og_eval *ev, const og_pexpr *e, og_scalar *out)
{
  bool settles = e->kind == OG_PX_OR, unknown = false;
  give_bool(out, !settles);
  for (uint32_t i = 0; i < e->n_args; i++) {
    og_scalar v;
    OG_TRY(og_eval_value(cx, ev, e->args[i], &v));
    unknown = unknown || v.is_null;
    if (v.is_null || v.v.b != settles) continue;
    out->v.b = settles;
    return OG_OK;
  }
  out->is_null = unknown;
  return OG_OK;
}

static og_status unary_predicate(og_ctx *cx, const og_eval *ev, const og_pexpr *e, og_scalar *out)
{
  og_scalar v;
  OG_TRY(og_eval_value(cx, ev, e->args[0], &v));
  give_bool(out, v.is_null);
  if (e->kind == OG_PX_IS_NULL) return OG_OK;
  out->is_null = v.is_null;
  out->v.b = !v.is_null && !v.v.b;
  return OG_OK;
}

/* ---- calls that look at nulls */

static og_status give_as(og_ctx *cx, const og_eval *ev, const og_pexpr *e, const og_scalar *v, og_scalar *out)
{
  *out = *v;
  if (v->is_null || v->type.id == e->type.type.id) {
    out->type = e->type.type;
    return OG_OK;
  }
  return og_eval__number_as(cx, ev, e, v, e->type.type, out);
}

static og_status null_of(const og_pexpr *e, og_scalar *out)
{
  *out = (og_scalar){.type = e->type.type, .is_null = true};
  return OG_OK;
}

static og_status first_not_null(og_ctx *cx, const og_eval *ev, const og_pexpr *e, og_scalar *out)
{
  for (uint32_t i = 0; i < e->n_args; i++) {
    og_scalar v;
    OG_TRY(og_eval_value(cx, ev, e->args[i], &v));
    if (!v.is_null) return give_as(cx, ev, e, &v, out);
  }
  return null_of(e, out);
}

static og_status choose(og_ctx *cx, const og_eval *ev, const og_pexpr *e, og_scalar *out)
{
  og_scalar c, v;
  OG_TRY(og_eval_value(cx, ev, e->args[0], &c));
  OG_TRY(og_eval_value(cx, ev, e->args[!c.is_null && c.v.b ? 1 : 2], &v));
  return give_as(cx, ev, e, &v, out);
}

static og_status extreme(og_ctx *cx, const og_eval *ev, const og_pexpr *e, og_scalar *out)
{
  og_scalar best = {.is_null = true};
  for (uint32_t i = 0; i < e->n_args; i++) {
    og_scalar v;
    int c = 0;
    OG_TRY(og_eval_value(cx, ev, e->args[i], &v));
    if (v.is_null) continue;
    if (!best.is_null && !og_scalar_cmp(&v, &best, &c)) continue;
    if (best.is_null || (e->fn == OG_FN_LEAST ? c < 0 : c > 0)) best = v;
  }
  return best.is_null ? null_of(e, out) : give_as(cx, ev, e, &best, out);
}

enum { FEW_ARGS = 8 };

static og_status call(og_ctx *cx, const og_eval *ev, const og_pexpr *e, og_scalar *out)
{
  og_scalar few[FEW_ARGS], *args = few;
  if (e->fn == OG_FN_COALESCE) return first_not_null(cx, ev, e, out);
  if (e->fn == OG_FN_IF) return choose(cx, ev, e, out);
  if (e->fn == OG_FN_LEAST || e->fn == OG_FN_GREATEST) return extreme(cx, ev, e, out);
  if (e->n_args > FEW_ARGS) args = og_arena_calloc(cx, ev->scratch, e->n_args, sizeof *args);
  if (!args) return OG_ENOMEM;
  for (uint32_t i = 0; i < e->n_args; i++) {
    OG_TRY(og_eval_value(cx, ev, e->args[i], &args[i]));
    if (args[i].is_null) return null_of(e, out);
  }
  return og_eval__call(cx, ev, e, args, out);
}

/* ---- everything */

og_status og_eval_value(og_ctx *cx, const og_eval *ev, const og_pexpr *e, og_scalar *out)
{
  switch (e->kind) {
  case OG_PX_LITERAL: *out = e->literal; return OG_OK;
  case OG_PX_PARAM: *out = ev->values[e->param]; return OG_OK;
  case OG_PX_NOW: *out = ev->now; return OG_OK;
  case OG_PX_CMP:
  case OG_PX_MEMBER:
  case OG_PX_SUBSTRING:
  case OG_PX_STARTS_WITH:
  case OG_PX_ENDS_WITH: return binary_predicate(cx, ev, e, out);
  case OG_PX_IS_NULL:
  case OG_PX_NOT: return unary_predicate(cx, ev, e, out);
  case OG_PX_AND:
  case OG_PX_OR: return logic(cx, ev, e, out);
  case OG_PX_CALL: return call(cx, ev, e, out);
  case OG_PX_FIELD:
  case OG_PX_TYPE:
  case OG_PX_PATH:
  case OG_PX_GROUP:
  case OG_PX_TEXT:
  case OG_PX_BM25:
  case OG_PX_NEAREST:
  case OG_PX_NEAR_SET: break;
  }
  if (!ev->leaf) return og_fail(cx, OG_EINTERNAL, "an expression needs a row where there is none");
  return ev->leaf(cx, ev, e, out);
}

og_status og_eval_holds(og_ctx *cx, const og_eval *ev, const og_pexpr *e, bool *out)
{
  og_scalar v;
  OG_TRY(og_eval_value(cx, ev, e, &v));
  *out = !v.is_null && v.v.b;
  return OG_OK;
}
