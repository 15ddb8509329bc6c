/* SPDX-License-Identifier: MIT */
/* exec/path_walk.c -- breadth first, level by level.
 *
 * Where whole paths are asked for every node remembers one predecessor: the one with the smallest id among those of the
 * level before.  That is a choice of the graph, not of the order in which rows are met, so a path does not depend on
 * storage.
 */
#include "exec/path_walk.h"

#include "base/limits.h"

typedef struct walk_step {
  uint64_t node;
  uint64_t from; /* index in `reached` of the predecessor; the source: its own */
  uint32_t hop;
} walk_step;

void og_path_walk_init(og_path_walk *w, const og_plan_op *op)
{
  *w = (og_path_walk){.op = op};
  w->emitted = w->frontier = w->next = OG_VEC_INIT(uint64_t);
  w->reached = OG_VEC_INIT(walk_step);
  og_umap_init(&w->seen);
  og_umap_init(&w->visited);
}

void og_path_walk_cleanup(og_path_walk *w)
{
  og_vec_cleanup(&w->emitted);
  og_vec_cleanup(&w->frontier);
  og_vec_cleanup(&w->next);
  og_vec_cleanup(&w->reached);
  og_map_cleanup(&w->seen);
  og_map_cleanup(&w->visited);
}

static og_status prepare(og_ctx *cx, og_run *run, og_path_walk *w)
{
  const og_plan_op *op = w->op;
  if (w->near) return OG_OK;
  w->same = op->edge->from == op->edge->to;
  w->whole = !op->path_hops_only;
  if (w->whole) {
    w->nodes = run->views[op->src][op->src_type];
    OG_TRY(og_run__view(cx, run, op->edge, &w->edges));
    OG_TRY(og_run__topology(cx, run, op->edge, &w->topology));
  }
  og_way way = op->dir == OG_DIR_OUT ? OG_WAY_OUT : op->dir == OG_DIR_IN ? OG_WAY_IN : OG_WAY_BOTH;
  return og_run__neighbours(cx, run, op->edge, way, &w->near);
}

/* ---- steps */

static og_str id_of(const og_column *ids, uint64_t row)
{
  return og_column_str(ids, (int64_t)row);
}

static const walk_step *step_at(const og_path_walk *w, uint64_t i)
{
  return (const walk_step *)w->reached.data + i;
}

static og_status remember(og_ctx *cx, og_path_walk *w, uint64_t node, uint64_t from, uint32_t hop)
{
  const walk_step step = {node, from, hop};
  OG_TRY(og_vec_add(cx, &w->reached, &step));
  return og_umap_put(cx, &w->visited, node, w->reached.len, NULL);
}

/* `node` was met before; from `u`, at this hop.  A predecessor of smaller id takes over. */
static og_status met_again(og_ctx *cx, og_path_walk *w, uint64_t node, uint64_t u, uint32_t hop)
{
  const og_column *ids;
  uint64_t at = 0, from = 0;
  bool known = og_umap_get(&w->visited, node, &at) && og_umap_get(&w->visited, u, &from);
  if (!known || step_at(w, at - 1)->hop != hop) return OG_OK;
  OG_TRY(og_view_column(cx, w->nodes, OG_FIELD_ID, &ids));
  walk_step *step = (walk_step *)w->reached.data + (at - 1);
  if (og_str_cmp(id_of(ids, u), id_of(ids, step_at(w, step->from)->node)) < 0) step->from = from - 1;
  return OG_OK;
}

/* Whether `node` is met for the first time. */
static og_status enter(og_ctx *cx, og_path_walk *w, uint64_t node, uint64_t u, uint32_t hop, bool *is_new)
{
  uint64_t at = 0;
  if (!w->whole) return og_umap_put(cx, &w->visited, node, 1, is_new);
  *is_new = !og_umap_get(&w->visited, node, NULL);
  if (!*is_new) return met_again(cx, w, node, u, hop);
  if (!og_umap_get(&w->visited, u, &at)) return og_fail(cx, OG_EINTERNAL, "a walk goes on from a node it never met");
  return remember(cx, w, node, at - 1, hop);
}

static og_status emit(og_ctx *cx, og_path_walk *w, uint64_t node, uint32_t hop)
{
  bool is_new = !og_umap_get(&w->seen, node, NULL);
  if (!is_new) return OG_OK;
  OG_TRY(og_umap_put(cx, &w->seen, node, hop, NULL));
  return og_vec_add(cx, &w->emitted, &node);
}

/* One edge of the walk, from u to v. */
static og_status walk_edge(og_ctx *cx, og_path_walk *w, uint64_t u, uint64_t v, uint32_t hop)
{
  bool loop = w->same && v == u, is_new = true;
  if (w->same && !loop) OG_TRY(enter(cx, w, v, u, hop, &is_new));
  if (!is_new) return OG_OK;
  if (!loop) OG_TRY(og_vec_add(cx, &w->next, &v));
  return hop >= w->op->min ? emit(cx, w, v, hop) : OG_OK;
}

static og_status walk_level(og_ctx *cx, og_path_walk *w, uint32_t hop)
{
  const og_csr *c = w->near;
  for (size_t i = 0; i < w->frontier.len; i++) {
    uint64_t u = OG_VEC_AT(&w->frontier, uint64_t, i);
    for (uint64_t k = c->first[u]; k < c->first[u + 1]; k++) OG_TRY(walk_edge(cx, w, u, c->targets[k], hop));
  }
  return OG_OK;
}

og_status og_walk__never_ends(og_ctx *cx, const og_plan_op *op)
{
  og_fail(cx, OG_ELIMIT,
          "the walk along '" OG_STR_FMT "' has not ended after %u hops; give it an upper bound, as in {1,10}",
          OG_STR_ARG(op->edge->name), OG_LIMIT_HOPS);
  og_detail *d = og_error_detail(cx, OG_DETAIL_RESOURCE_LIMIT);
  og_detail_set(d->resource, sizeof d->resource, OG_STR("hops"));
  d->limit = OG_LIMIT_HOPS;
  d->used = (uint64_t)OG_LIMIT_HOPS + 1;
  return OG_ELIMIT;
}

og_status og_path_walk_from(og_ctx *cx, og_run *run, og_path_walk *w, uint64_t src)
{
  OG_TRY(prepare(cx, run, w));
  uint32_t max = w->same ? w->op->max : w->op->max < 1 ? w->op->max : 1;
  og_map_clear(&w->seen);
  og_map_clear(&w->visited);
  og_vec_clear(&w->emitted);
  og_vec_clear(&w->frontier);
  og_vec_clear(&w->reached);
  OG_TRY(og_vec_add(cx, &w->frontier, &src));
  if (w->whole)
    OG_TRY(remember(cx, w, src, 0, 0));
  else if (w->same)
    OG_TRY(og_umap_put(cx, &w->visited, src, 1, NULL));
  for (uint32_t hop = 1; hop <= max && w->frontier.len; hop++) {
    if (max == OG_HOPS_UNBOUNDED && hop > OG_LIMIT_HOPS) return og_walk__never_ends(cx, w->op);
    OG_TRY(og_ctx_poll(cx));
    og_vec_clear(&w->next);
    OG_TRY(walk_level(cx, w, hop));
    og_vec swap = w->frontier;
    w->frontier = w->next;
    w->next = swap;
  }
  return OG_OK;
}

/* ---- paths */

/* The smallest id among the edges of one list from u to v. */
static void smaller_edge(const og_column *ids, const og_csr *c, uint64_t u, uint64_t v, uint64_t *best)
{
  for (uint64_t k = c->first[u]; k < c->first[u + 1]; k++) {
    if (c->targets[k] != v) continue;
    if (*best == OG_ROW_NONE || og_str_cmp(id_of(ids, c->rows[k]), id_of(ids, *best)) < 0) *best = c->rows[k];
  }
}

static og_status smallest_edge(og_ctx *cx, const og_path_walk *w, uint64_t u, uint64_t v, uint64_t *out)
{
  const og_column *ids;
  *out = OG_ROW_NONE;
  OG_TRY(og_view_column(cx, w->edges, OG_FIELD_ID, &ids));
  if (w->op->dir != OG_DIR_IN) smaller_edge(ids, &w->topology->out, u, v, out);
  if (w->op->dir != OG_DIR_OUT) smaller_edge(ids, &w->topology->in, u, v, out);
  return OG_OK;
}

/* Nodes from the end to the source, as the predecessors tell; across types there are just the two. */
static og_status fill_path(og_ctx *cx, const og_path_walk *w, uint64_t dst, uint64_t hops, uint64_t *to)
{
  uint64_t *nodes = to + 1, *edges = nodes + hops + 1, at = 0, n = hops;
  to[0] = hops;
  nodes[n] = dst;
  if (w->same && og_umap_get(&w->visited, dst, &at)) {
    const walk_step *step = step_at(w, at - 1);
    if (step->hop < hops) nodes[--n] = dst; /* it was met a hop before, and emitted by its own loop */
    while (n > 0) {
      step = step_at(w, step->from);
      nodes[--n] = step->node;
    }
  } else {
    nodes[0] = step_at(w, 0)->node;
  }
  for (uint64_t i = 0; i < hops; i++) OG_TRY(smallest_edge(cx, w, nodes[i], nodes[i + 1], &edges[i]));
  return OG_OK;
}

og_status og_path_walk_value(og_ctx *cx, og_run *run, const og_path_walk *w, uint64_t dst, uint64_t *value)
{
  uint64_t hops = 0;
  if (!og_umap_get(&w->seen, dst, &hops)) return og_fail(cx, OG_EINTERNAL, "a path to where no walk leads");
  *value = hops;
  if (w->op->path_hops_only) return OG_OK;
  *value = run->paths.len;
  size_t cells = (size_t)hops * 2 + 2;
  OG_TRY(og_vec_reserve(cx, &run->paths, cells));
  OG_TRY(fill_path(cx, w, dst, hops, (uint64_t *)run->paths.data + *value));
  run->paths.len += cells;
  return OG_OK;
}

/* ---- path slots as values */

static const og_plan_op *op_of_path(const og_plan_op *ops, uint32_t n, uint32_t slot)
{
  for (uint32_t i = 0; i < n; i++) {
    bool walks = ops[i].kind == OG_PLAN_EXPAND || ops[i].kind == OG_PLAN_CLOSE;
    if (walks && ops[i].path_slot == slot) return &ops[i];
    const og_plan_op *inner = op_of_path(ops[i].inner, ops[i].n_inner, slot);
    if (inner) return inner;
  }
  return NULL;
}

static og_status ids_at(og_ctx *cx, og_view *v, uint64_t row, og_scalar *out)
{
  const og_column *ids;
  OG_TRY(og_view_column(cx, v, OG_FIELD_ID, &ids));
  *out = og_scalar_at(ids, (int64_t)row);
  return OG_OK;
}

og_status og_run__path(og_ctx *cx, og_run *run, const og_pexpr *e, uint64_t value, og_scalar *out)
{
  const og_plan_op *op = op_of_path(run->plan->ops, run->plan->n_ops, e->slot);
  if (!op) return og_fail(cx, OG_EINTERNAL, "no operation binds a path");
  const uint64_t *path = op->path_hops_only ? &value : (const uint64_t *)run->paths.data + value;
  uint64_t hops = path[0];
  *out = (og_scalar){.type = e->type.type, .v.i = (int64_t)hops};
  if (e->part == OG_PATH_HOPS) return OG_OK;
  bool nodes = e->part == OG_PATH_NODES;
  size_t n = (size_t)hops + nodes;
  og_scalar *ids = og_arena_calloc(cx, &run->scratch, n + 1, sizeof *ids);
  og_view *edges;
  if (!ids) return OG_ENOMEM;
  OG_TRY(og_run__view(cx, run, op->edge, &edges));
  for (size_t i = 0; i < n; i++) {
    size_t at = op->path_reversed ? n - 1 - i : i;
    og_view *ends = at == hops ? run->views[op->dst][op->dst_type] : run->views[op->src][op->src_type];
    OG_TRY(ids_at(cx, nodes ? ends : edges, path[(nodes ? 1 : hops + 2) + at], &ids[i]));
  }
  return og_query_list(cx, &run->scratch, og_type_of(OG_TYPE_UTF8), ids, n, &out->v.list);
}
