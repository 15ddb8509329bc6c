/* SPDX-License-Identifier: MIT */
/* query/px.c -- what can be said of a planned expression without a row. */
#include "query/plan.h"

static bool is_slot_leaf(const og_pexpr *px)
{
  return px->kind == OG_PX_FIELD || px->kind == OG_PX_TYPE || px->kind == OG_PX_PATH;
}

bool og_px_is_constant(const og_pexpr *px)
{
  if (is_slot_leaf(px) || px->kind == OG_PX_GROUP) return false;
  for (uint32_t i = 0; i < px->n_args; i++)
    if (!og_px_is_constant(px->args[i])) return false;
  return true;
}

bool og_px_each_slot(const og_pexpr *px, bool (*visit)(uint32_t slot, void *arg), void *arg)
{
  if (is_slot_leaf(px)) return visit(px->slot, arg);
  for (uint32_t i = 0; i < px->n_args; i++)
    if (!og_px_each_slot(px->args[i], visit, arg)) return false;
  return true;
}

static bool differs(uint32_t slot, void *arg)
{
  return slot != *(const uint32_t *)arg;
}

bool og_px_mentions(const og_pexpr *px, uint32_t slot)
{
  return !og_px_each_slot(px, differs, &slot);
}

static bool same_literal(const og_scalar *a, const og_scalar *b)
{
  int c;
  if (a->is_null || b->is_null) return a->is_null && b->is_null;
  return a->type.id == b->type.id && og_scalar_cmp(a, b, &c) && c == 0;
}

bool og_px_equal(const og_pexpr *a, const og_pexpr *b)
{
  if (a->kind != b->kind || a->n_args != b->n_args) return false;
  bool same = true;
  switch (a->kind) {
  case OG_PX_LITERAL: same = same_literal(&a->literal, &b->literal); break;
  case OG_PX_PARAM: same = a->param == b->param; break;
  case OG_PX_FIELD: same = a->slot == b->slot && a->field == b->field; break;
  case OG_PX_TYPE: same = a->slot == b->slot; break;
  case OG_PX_PATH: same = a->slot == b->slot && a->part == b->part; break;
  case OG_PX_GROUP: same = a->group == b->group; break;
  case OG_PX_CMP: same = a->cmp == b->cmp; break;
  case OG_PX_CALL: same = a->fn == b->fn; break;
  case OG_PX_TEXT: same = a->text == b->text; break;
  default: break;
  }
  for (uint32_t i = 0; i < a->n_args && same; i++) same = og_px_equal(a->args[i], b->args[i]);
  return same;
}

static og_status bad_count(og_ctx *cx, const og_plan *plan, const og_plan_count *c, const char *what)
{
  return og_source_fail(cx, OG_EINVALID, plan->source, c->span, OG_STR_NONE,
                        "execution error: %s needs a number of rows, 0 or more, in parameter '$" OG_STR_FMT "'", what,
                        OG_STR_ARG(plan->params[c->param].name));
}

static og_status count_of(og_ctx *cx, const og_plan *plan, const og_plan_count *c, const og_scalar *values,
                          const char *what, uint64_t *out)
{
  if (!c->has) return OG_OK;
  *out = c->n;
  if (!c->is_param) return OG_OK;
  const og_scalar *v = &values[c->param];
  bool is_unsigned = v->type.id == OG_TYPE_U32 || v->type.id == OG_TYPE_U64;
  if (v->is_null || (!is_unsigned && v->v.i < 0)) return bad_count(cx, plan, c, what);
  *out = is_unsigned ? v->v.u : (uint64_t)v->v.i;
  return OG_OK;
}

og_status og_plan_window(og_ctx *cx, const og_plan *plan, const og_scalar *values, uint64_t *offset, uint64_t *limit)
{
  *offset = 0;
  *limit = UINT64_MAX;
  OG_TRY(count_of(cx, plan, &plan->offset, values, "offset", offset));
  return count_of(cx, plan, &plan->limit, values, "limit", limit);
}
