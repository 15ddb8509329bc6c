/* SPDX-License-Identifier: MIT */
/* query/lower.c -- from blocks to a pipeline.
 *
 * Per connected component the first binding is scanned and everything else is reached by expansion:
 *
 *   1. a traversal with both ends bound closes (CLOSE); this only drops rows, so it goes first;
 *   2. else the first traversal with one end bound expands to the other, reversed when only its right end is bound;
 *   3. else the next binding starts a component: SCAN, or beside earlier ones HASH_JOIN when a filter equates fields of
 *      both, or CROSS;
 *   4. else the left end of the next traversal does: none of its component has a binding.
 *
 * Every predicate is placed once, at the earliest op after which all of its slots are bound: on that op when it is
 * about the node bound there alone, else on a FILTER behind it.  Optional parts come behind everything that the block
 * needs, negations last; an inner block starts from the outer row, so its slots count as bound.  Inner slots are
 * distinct, so one `bound` array serves all blocks.
 */
#include "query/check.h"

#include "base/vec.h"

typedef struct og_lowering {
  og_checker *c;
  bool *bound; /* per slot, of all blocks */
} og_lowering;

typedef struct og_stage { /* one block under way */
  const og_block *b;
  bool *placed; /* per filter */
  bool *walked; /* per hop */
  og_plan_op *ops;
  uint32_t n_ops;
  bool inner;
} og_stage;

/* ---- predicates */

static bool is_bound(uint32_t slot, void *bound)
{
  return ((const bool *)bound)[slot];
}

static bool all_bound(const og_lowering *l, const og_pexpr *px)
{
  return og_px_each_slot(px, is_bound, l->bound);
}

static bool is_same(uint32_t slot, void *arg)
{
  return slot == *(const uint32_t *)arg;
}

/* About `slot`, and about no other. */
static bool belongs(const og_pexpr *px, uint32_t slot)
{
  return slot != OG_NO_SLOT && !og_px_is_constant(px) && og_px_each_slot(px, is_same, &slot);
}

/* Gives `op` the unplaced predicates that can be judged now: those about `slot` alone, or (OG_NO_SLOT) all. */
static og_status place(og_lowering *l, og_stage *s, uint32_t slot, og_plan_op *op)
{
  const og_pexpr **list = og_arena_calloc(l->c->cx, l->c->a, (size_t)s->b->n_filters + 1, sizeof *list);
  if (!list) return OG_ENOMEM;
  for (uint32_t i = 0; i < s->b->n_filters; i++) {
    const og_pexpr *px = s->b->filters[i];
    bool fits = slot == OG_NO_SLOT ? all_bound(l, px) : belongs(px, slot);
    if (s->placed[i] || !fits) continue;
    s->placed[i] = true;
    list[op->n_filters++] = px;
  }
  op->filters = list;
  return OG_OK;
}

static og_plan_op *new_op(og_stage *s, og_plan_op_kind kind)
{
  og_plan_op *op = &s->ops[s->n_ops++];
  *op = (og_plan_op){.kind = kind, .edge_slot = OG_NO_SLOT, .path_slot = OG_NO_SLOT};
  return op;
}

static bool any_ready(const og_lowering *l, const og_stage *s)
{
  for (uint32_t i = 0; i < s->b->n_filters; i++)
    if (!s->placed[i] && all_bound(l, s->b->filters[i])) return true;
  return false;
}

static og_status emit_filter(og_lowering *l, og_stage *s)
{
  if (!any_ready(l, s)) return OG_OK;
  return place(l, s, OG_NO_SLOT, new_op(s, OG_PLAN_FILTER));
}

/* ---- components */

/* An equality of something of the new slot and something of bound ones.  Keys are computed for rows that never meet, so
 * what may fail is none. */
static bool is_join(const og_lowering *l, const og_pexpr *px, uint32_t slot)
{
  if (px->kind != OG_PX_CMP || px->cmp != OG_CMP_EQ || px->fails) return false;
  const og_pexpr *a = px->args[0], *b = px->args[1];
  if (belongs(b, slot)) return !og_px_is_constant(a) && all_bound(l, a);
  return belongs(a, slot) && !og_px_is_constant(b) && all_bound(l, b);
}

/* Such equalities become the keys of a hash join. */
static og_status join_keys(og_lowering *l, og_stage *s, uint32_t slot, og_plan_op *op)
{
  size_t room = (size_t)s->b->n_filters + 1;
  const og_pexpr **left = og_arena_calloc(l->c->cx, l->c->a, room, sizeof *left);
  const og_pexpr **right = og_arena_calloc(l->c->cx, l->c->a, room, sizeof *right);
  if (!left || !right) return OG_ENOMEM;
  for (uint32_t i = 0; i < s->b->n_filters; i++) {
    const og_pexpr *px = s->b->filters[i];
    if (s->placed[i] || !is_join(l, px, slot)) continue;
    bool swapped = belongs(px->args[0], slot);
    left[op->n_keys] = px->args[swapped];
    right[op->n_keys++] = px->args[!swapped];
    s->placed[i] = true;
  }
  if (op->n_keys == 0) return OG_OK;
  op->kind = OG_PLAN_HASH_JOIN;
  op->left_keys = left;
  op->right_keys = right;
  return OG_OK;
}

static og_status emit_component(og_lowering *l, og_stage *s, uint32_t slot)
{
  bool first = s->n_ops == 0 && !s->inner;
  og_plan_op *op = new_op(s, first ? OG_PLAN_SCAN : OG_PLAN_CROSS);
  op->slot = slot;
  if (!first) OG_TRY(join_keys(l, s, slot, op));
  l->bound[slot] = true;
  OG_TRY(place(l, s, slot, op));
  return emit_filter(l, s);
}

static uint32_t type_index(const og_slot *slot, const og_type_def *t)
{
  uint32_t i = 0;
  while (i + 1 < slot->n_types && slot->types[i] != t) i++;
  return i;
}

/* Which of the slots' types the edge leads from and to. */
static void end_types(const og_checker *c, og_plan_op *op)
{
  const og_type_def *from = og_edge_from(c->catalog, op->edge), *to = og_edge_to(c->catalog, op->edge);
  bool back = op->dir == OG_DIR_IN;
  op->src_type = type_index(&c->slots[op->src], back ? to : from);
  op->dst_type = type_index(&c->slots[op->dst], back ? from : to);
}

static og_status emit_hop(og_lowering *l, og_stage *s, uint32_t i)
{
  const og_hop *hop = &s->b->hops[i];
  bool close = l->bound[hop->src] && l->bound[hop->dst], back = !l->bound[hop->src];
  og_plan_op *op = new_op(s, close ? OG_PLAN_CLOSE : OG_PLAN_EXPAND);
  op->src = back ? hop->dst : hop->src;
  op->dst = back ? hop->src : hop->dst;
  op->edge_slot = hop->edge_slot;
  op->path_slot = hop->path_slot;
  op->edge = hop->edge;
  op->dir = hop->dir;
  if (back && hop->dir != OG_DIR_BOTH) op->dir = hop->dir == OG_DIR_OUT ? OG_DIR_IN : OG_DIR_OUT;
  op->path_reversed = back;
  op->min = hop->min;
  op->max = hop->max;
  end_types(l->c, op);
  s->walked[i] = true;
  l->bound[op->dst] = true;
  if (hop->edge_slot != OG_NO_SLOT) l->bound[hop->edge_slot] = true;
  if (hop->path_slot != OG_NO_SLOT) {
    l->bound[hop->path_slot] = true;
    op->path_hops_only = !l->c->path_read[hop->path_slot];
  }
  if (!close) OG_TRY(place(l, s, op->dst, op));
  return emit_filter(l, s);
}

/* The next hop that can be walked: a closing one before others; n_hops: none. */
static uint32_t next_hop(const og_lowering *l, const og_stage *s)
{
  uint32_t found = s->b->n_hops;
  for (uint32_t i = 0; i < s->b->n_hops; i++) {
    if (s->walked[i]) continue;
    bool src = l->bound[s->b->hops[i].src], dst = l->bound[s->b->hops[i].dst];
    if (src && dst) return i;
    if ((src || dst) && found == s->b->n_hops) found = i;
  }
  return found;
}

/* What starts the next component; OG_NO_SLOT: there is none. */
static uint32_t next_root(const og_lowering *l, const og_stage *s)
{
  for (uint32_t i = 0; i < s->b->n_roots; i++)
    if (!l->bound[s->b->roots[i]]) return s->b->roots[i];
  for (uint32_t i = 0; i < s->b->n_hops; i++)
    if (!s->walked[i]) return s->b->hops[i].src;
  return OG_NO_SLOT;
}

/* ---- blocks */

static og_status new_stage(og_lowering *l, const og_block *b, bool inner, og_stage *s)
{
  /* A hop may need a scan before it, and every op a filter behind it. */
  size_t ops = (size_t)b->n_roots * 2 + (size_t)b->n_hops * 4 + b->n_optionals * (size_t)2 + b->n_nots + 2;
  *s = (og_stage){.b = b, .inner = inner};
  s->placed = og_arena_calloc(l->c->cx, l->c->a, (size_t)b->n_filters + 1, sizeof *s->placed);
  s->walked = og_arena_calloc(l->c->cx, l->c->a, (size_t)b->n_hops + 1, sizeof *s->walked);
  s->ops = og_arena_calloc(l->c->cx, l->c->a, ops, sizeof *s->ops);
  return s->placed && s->walked && s->ops ? OG_OK : OG_ENOMEM;
}

static og_status lower_block(og_lowering *l, const og_block *b, bool inner, og_stage *s);

static og_status emit_inner(og_lowering *l, og_stage *s, og_plan_op_kind kind, const og_block *b)
{
  og_stage in;
  OG_TRY(lower_block(l, b, true, &in));
  og_plan_op *op = new_op(s, kind);
  op->inner = in.ops;
  op->n_inner = in.n_ops;
  return OG_OK;
}

static og_status lower_block(og_lowering *l, const og_block *b, bool inner, og_stage *s)
{
  OG_TRY(new_stage(l, b, inner, s));
  if (inner) OG_TRY(emit_filter(l, s)); /* what is about the outer row alone */
  for (;;) {
    uint32_t hop = next_hop(l, s), root;
    if (hop < b->n_hops) {
      OG_TRY(emit_hop(l, s, hop));
    } else if ((root = next_root(l, s)) != OG_NO_SLOT) {
      OG_TRY(emit_component(l, s, root));
    } else {
      break;
    }
  }
  for (uint32_t i = 0; i < b->n_optionals; i++) {
    OG_TRY(emit_inner(l, s, OG_PLAN_OPTIONAL, b->optionals[i]));
    OG_TRY(emit_filter(l, s));
  }
  for (uint32_t i = 0; i < b->n_nots; i++) OG_TRY(emit_inner(l, s, OG_PLAN_ANTI, b->nots[i]));
  return OG_OK;
}

/* ---- the plan around them */

static int by_name(const void *a, const void *b, void *arg)
{
  const og_slot *slots = arg;
  return og_str_cmp(slots[*(const uint32_t *)a].name, slots[*(const uint32_t *)b].name);
}

static og_status tie_break(og_checker *c, og_plan *plan)
{
  uint32_t *ties = og_arena_calloc(c->cx, c->a, (size_t)c->n_slots + 1, sizeof *ties);
  if (!ties) return OG_ENOMEM;
  plan->ties = ties;
  if (c->aggregate) return OG_OK;
  for (uint32_t i = 0; i < c->n_slots; i++)
    if (!c->slots[i].hidden) ties[plan->n_ties++] = i;
  return og_sort(c->cx, ties, plan->n_ties, sizeof *ties, by_name, c->slots);
}

/* Without a grouping a condition on what is returned is one on the rows. */
static void emit_having(const og_checker *c, og_stage *s, og_plan *plan)
{
  if (c->aggregate) {
    plan->having = c->having;
    plan->n_having = c->n_having;
  } else if (c->n_having) {
    og_plan_op *op = new_op(s, OG_PLAN_FILTER);
    op->filters = c->having;
    op->n_filters = c->n_having;
  }
}

og_status og_lower__read(og_checker *c, const og_plan **out)
{
  og_plan *plan = og_arena_zalloc(c->cx, c->a, sizeof *plan);
  og_lowering l = {.c = c};
  l.bound = og_arena_calloc(c->cx, c->a, (size_t)c->n_slots + 1, sizeof *l.bound);
  if (!plan || !l.bound) return OG_ENOMEM;
  OG_TRY(og_check__plan_rank(c));
  og_stage s;
  OG_TRY(lower_block(&l, c->block, false, &s));
  *plan = (og_plan){.name = c->q->name,
                    .slots = c->slots,
                    .n_slots = c->n_slots,
                    .columns = c->columns,
                    .n_columns = c->n_columns,
                    .aggregate = c->aggregate,
                    .keys = c->keys,
                    .n_keys = c->n_keys,
                    .aggs = c->aggs,
                    .n_aggs = c->n_aggs,
                    .order = c->order,
                    .n_order = c->n_order,
                    .limit = c->limit,
                    .offset = c->offset,
                    .rrf = c->rrf,
                    .searches = c->searches,
                    .n_searches = c->n_searches,
                    .uses_now = c->uses_now,
                    .params = c->q->params,
                    .n_params = c->q->n_params,
                    .source = c->src};
  emit_having(c, &s, plan);
  plan->ops = s.ops;
  plan->n_ops = s.n_ops;
  OG_TRY(tie_break(c, plan));
  *out = plan;
  return OG_OK;
}
