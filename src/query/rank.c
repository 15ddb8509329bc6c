/* SPDX-License-Identifier: MIT */
/* query/rank.c -- what it means to be ordered by a search, in terms of filters and orders.
 *
 * Only the first ordering ranks.  Ranking says which rows there are, then in which order:
 *
 *   order { bm25(f, q) }      rows of which f has a word of q, by score, best first, whatever direction is written
 *   order { nearest(f, q) }   of the rows of f's variable that pass its own filters the `limit` nearest, by distance.
 * So the limit counts before traversals and negations drop or repeat rows, and again behind them.  A variable that is
 * reached by a traversal, or a q that changes from row to row, has no such set: then all rows with a vector rank order
 * { rrf(a, b) }       rows that a or b has, and a fusion at the end (exec/search_rank.c)
 *
 * The set of rows is a filter like any other: it drops rows of one variable, so it may stand wherever that is bound. It
 * is put in front, for it drops most.  In a later ordering a search is a value, best first, null last.
 */
#include "query/check.h"

#include <math.h>

/* ---- orderings */

static og_status needs_limit(og_checker *c, const og_expr *e, const char *code, const char *what)
{
  if (c->q->limit.has) return OG_OK;
  return OG_CHECK_FAIL(c, e->span, OG_STR("add `limit 10` behind the order"), "type error: %s: %s needs a limit", code,
                       what);
}

static og_status check_k(og_checker *c, const og_expr *e, const og_pexpr **out)
{
  og_operand o;
  OG_TRY(og_check__operand(c, e, &o));
  *out = o.px;
  if (e->kind == OG_EXPR_LITERAL && e->lit.kind == OG_LIT_INT && e->lit.i > 0) return OG_OK;
  const og_scalar_kind kind = o.type.kind;
  const bool integer = !o.entity && !o.is_null && !o.type.list && og_scalar_is_number(kind) && kind != OG_SC_F32 &&
                       kind != OG_SC_F64;
  if (e->kind == OG_EXPR_VAR && integer && og_px_is_constant(o.px)) return OG_OK;
  return OG_CHECK_FAIL(c, e->span, OG_STR_NONE, "type error: T21: the third operand of rrf must be an integer above 0");
}

static og_status check_rrf(og_checker *c, const og_expr *e)
{
  og_operand o;
  for (uint32_t i = 0; i < 2; i++) {
    if (e->args[i]->kind != OG_EXPR_NEAREST && e->args[i]->kind != OG_EXPR_BM25)
      return OG_CHECK_FAIL(c, e->args[i]->span, OG_STR_NONE,
                           "type error: T21: rrf fuses nearest() and bm25() rankings");
    OG_TRY(needs_limit(c, e, "T21", "rrf"));
    OG_TRY(og_check__search(c, e->args[i], &o));
    c->rank[i] = o.px;
  }
  c->is_rrf = true;
  return e->n_args < 3 ? OG_OK : check_k(c, e->args[2], &c->rank_k);
}

/* Nothing is further than what has no distance. */
static og_status nulls_last(og_checker *c, const og_operand *distance, const og_pexpr **out)
{
  og_operand pair[2] = {*distance, {.type = og_prop_type_scalar(OG_SC_F64)}};
  og_pexpr *px;
  OG_TRY(og_check__value_px(c, OG_PX_LITERAL, &pair[1].type, &px));
  px->literal = (og_scalar){.type = og_type_of(OG_TYPE_F64), .v.f = INFINITY};
  pair[1].px = px;
  OG_TRY(og_check__node_px(c, OG_PX_CALL, &pair[1].type, pair, 2, &px));
  if (px) px->fn = OG_FN_COALESCE;
  *out = px;
  return OG_OK;
}

og_status og_check__rank(og_checker *c, const og_expr *e, bool first, og_plan_order *o)
{
  og_operand v;
  if (e->kind == OG_EXPR_RRF && first) return check_rrf(c, e);
  if (e->kind == OG_EXPR_NEAREST) OG_TRY(needs_limit(c, e, "T17", "nearest"));
  OG_TRY(og_check__search(c, e, &v));
  o->expr = v.px;
  o->desc = e->kind == OG_EXPR_BM25;
  if (first) c->rank[0] = v.px;
  if (!first && e->kind == OG_EXPR_NEAREST && v.px) return nulls_last(c, &v, &o->expr);
  return OG_OK;
}

og_status og_check__rank_mix(og_checker *c)
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
  if (rrf && c->grouping)
    return OG_CHECK_FAIL(c, rrf->expr->span, OG_STR_NONE, "type error: T9: rrf ranks rows, not groups");
  return OG_OK;
}

/* ---- which rows rank */

static bool is_same(uint32_t slot, void *arg)
{
  return slot == *(const uint32_t *)arg;
}

static uint32_t slot_of(const og_pexpr *px) /* of a BM25 or NEAREST */
{
  return px->args[0]->slot;
}

/* The first-declared binding of a connected component is what the original scans; of a component without a binding,
 * the left end of its first traversal. */
static og_status is_scanned(og_checker *c, uint32_t slot, bool *out)
{
  const og_block *b = c->block;
  bool *with = og_arena_calloc(c->cx, c->a, (size_t)c->n_slots + 1, sizeof *with); /* connected with `slot` */
  if (!with) return OG_ENOMEM;
  with[slot] = true;
  for (bool grew = true; grew;) {
    grew = false;
    for (uint32_t i = 0; i < b->n_hops; i++) {
      const og_hop *h = &b->hops[i];
      if (with[h->src] == with[h->dst]) continue;
      with[h->src] = with[h->dst] = grew = true;
    }
  }
  *out = false;
  for (uint32_t i = 0; i < b->n_roots; i++) {
    if (!with[b->roots[i]]) continue;
    *out = b->roots[i] == slot;
    return OG_OK;
  }
  for (uint32_t i = 0; i < b->n_hops; i++) {
    if (!with[b->hops[i].src]) continue;
    *out = b->hops[i].src == slot;
    return OG_OK;
  }
  return OG_OK;
}

static og_status near_set(og_checker *c, const og_pexpr *nearest, const og_pexpr **out)
{
  uint32_t slot = slot_of(nearest);
  const og_operand arg = {.px = nearest};
  const og_prop_type boolean = og_prop_type_scalar(OG_SC_BOOL);
  og_pexpr *px;
  og_near_set *set = og_arena_zalloc(c->cx, c->a, sizeof *set);
  const og_pexpr **filters = og_arena_calloc(c->cx, c->a, (size_t)c->block->n_filters + 1, sizeof *filters);
  if (!set || !filters) return OG_ENOMEM;
  for (uint32_t i = 0; i < c->block->n_filters; i++) {
    const og_pexpr *f = c->block->filters[i];
    if (!og_px_is_constant(f) && og_px_each_slot(f, is_same, &slot)) filters[set->n_filters++] = f;
  }
  set->filters = filters;
  OG_TRY(og_check__node_px(c, OG_PX_NEAR_SET, &boolean, &arg, 1, &px));
  px->nullable = false;
  px->near = set;
  return og_check__add_search(c, px, out);
}

static og_status not_null(og_checker *c, const og_pexpr *of, const og_pexpr **out)
{
  const og_prop_type boolean = og_prop_type_scalar(OG_SC_BOOL);
  og_operand arg = {.px = of};
  og_pexpr *px;
  OG_TRY(og_check__node_px(c, OG_PX_IS_NULL, &boolean, &arg, 1, &px));
  px->nullable = false;
  arg.px = px;
  OG_TRY(og_check__node_px(c, OG_PX_NOT, &boolean, &arg, 1, &px));
  *out = px;
  return OG_OK;
}

static og_status has_word(og_checker *c, const og_pexpr *bm25, const og_pexpr **out)
{
  const og_prop_type boolean = og_prop_type_scalar(OG_SC_BOOL);
  const og_operand args[2] = {{.px = bm25->args[0]}, {.px = bm25->args[1]}};
  og_pexpr *px;
  OG_TRY(og_check__node_px(c, OG_PX_TEXT, &boolean, args, 2, &px));
  px->span = bm25->span;
  return og_check__add_search(c, px, out);
}

static og_status member_of(og_checker *c, const og_pexpr *rank, const og_pexpr **out)
{
  bool scanned;
  if (rank->kind == OG_PX_BM25) return has_word(c, rank, out);
  OG_TRY(is_scanned(c, slot_of(rank), &scanned));
  return scanned && og_px_is_constant(rank->args[1]) ? near_set(c, rank, out) : not_null(c, rank, out);
}

static og_status put_in_front(og_checker *c, const og_pexpr *filter)
{
  og_block *b = c->block;
  const og_pexpr **filters = og_arena_calloc(c->cx, c->a, (size_t)b->n_filters + 1, sizeof *filters);
  if (!filters) return OG_ENOMEM;
  filters[0] = filter;
  if (b->n_filters) memcpy(filters + 1, b->filters, b->n_filters * sizeof *filters);
  b->filters = filters;
  b->n_filters++;
  return OG_OK;
}

static og_status plan_rrf(og_checker *c, const og_pexpr **filter)
{
  const og_prop_type boolean = og_prop_type_scalar(OG_SC_BOOL);
  og_operand either[2] = {{0}};
  og_pexpr *px;
  og_plan_rrf *rrf = og_arena_zalloc(c->cx, c->a, sizeof *rrf);
  if (!rrf) return OG_ENOMEM;
  for (unsigned i = 0; i < 2; i++) {
    OG_TRY(member_of(c, c->rank[i], &either[i].px));
    rrf->arms[i] = (og_plan_arm){either[i].px, c->rank[i], c->rank[i]->kind == OG_PX_BM25};
  }
  rrf->k = c->rank_k;
  rrf->slot = slot_of(c->rank[0]);
  c->rrf = rrf;
  c->n_order = 0;
  OG_TRY(og_check__node_px(c, OG_PX_OR, &boolean, either, 2, &px));
  *filter = px;
  return OG_OK;
}

og_status og_check__plan_rank(og_checker *c)
{
  const og_pexpr *filter;
  if (!c->rank[0]) return OG_OK;
  OG_TRY(c->is_rrf ? plan_rrf(c, &filter) : member_of(c, c->rank[0], &filter));
  return put_in_front(c, filter);
}
