/* SPDX-License-Identifier: MIT */
/* exec/pattern.c -- a plan as a graph of slots, and where to begin with it.
 *
 * A plan's ops are one way to find the rows of a pattern.  Where predicates are about one slot each, the pattern can be
 * read as a graph: a *vertex* per slot with its test, a *link* per traversal.  Two things follow.
 *
 * Nothing that is not asked for need be enumerated.  Vertices that the answer mentions are the *core*; what hangs off
 * it only multiplies: for a row r of vertex v, the number of rows of the subtree below is the product over its children
 * of the sum of their numbers over r's neighbours.  So the two-step paths of a graph are counted by one multiplication
 * per node, and the followers of each person by one subtraction.  Sums, means, smallest and largest values of a hanging
 * vertex travel the same way.  (Factorised aggregation; Yannakakis' algorithm with numbers for semi-joins.)
 *
 * And the order is ours: the *root*, towards which everything is gathered, is chosen by cost, and from each vertex the
 * gathering goes whichever way is cheaper:
 *
 *   push   few rows of the child count: each hands its number to its neighbours; only these of the parent count
 *   pull   each row of the parend adds up its neighbours' numbers; with a plain leaf below that is its degree
 *   lazy   few rows of the parent count: their neighbours' numbers are worked out one by one
 *
 *  (1) A link belongs to the tree or closes a cycle; the ends of one that closes are core.
 *  (2) Vertices between two core vertices are core.
 *  (3) Numbers of rows are exact or the query fails: they never wrap.
 *  (4) Nothing here depends on the order of rows, so neither root nor way nor the number of threads shows in an answer.
 */
#include "exec/pattern_impl.h"

#include <inttypes.h>
#include <stdio.h>

#define SELECTIVITY_EQ    0.03
#define SELECTIVITY_RANGE 0.4
#define SELECTIVITY_OTHER 0.5
/* Tables of so many rows are judged whole before anything is decided. */
#define SMALL_TABLE 16384

/* ---- vertices and links */

static og_vertex *vertex_of(og_pattern *p, uint32_t slot)
{
  for (uint32_t i = 0; i < p->n_vertices; i++)
    if (p->vertices[i].slot == slot) return &p->vertices[i];
  return NULL;
}

static og_link *link_of_edge(og_pattern *p, uint32_t slot)
{
  for (uint32_t i = 0; i < p->n_links; i++)
    if (p->links[i].op->edge_slot == slot) return &p->links[i];
  return NULL;
}

static og_status test_add(og_ctx *cx, og_test *t, const og_pexpr *const *filters, uint32_t n)
{
  if (n == 0) return OG_OK;
  const og_pexpr **all = og_push_array(cx, (size_t)t->n + n, sizeof *all);
  if (!all) return OG_ENOMEM;
  if (t->n) memcpy(all, t->filters, t->n * sizeof *all);
  memcpy(all + t->n, filters, n * sizeof *all);
  t->filters = all;
  t->n += n;
  return OG_OK;
}

static og_status add_vertex(og_ctx *cx, og_pattern *p, uint32_t slot, const og_plan_op *op, bool *fits)
{
  const og_slot *s = &p->run->plan->slots[slot];
  *fits = p->n_vertices < OG_PATTERN_VERTICES && p->run->plan->n_slots <= OG_TEST_SLOTS && s->n_types == 1 &&
          !s->optional && s->type == s->types[0];
  if (!*fits) return OG_OK;
  og_vertex *v = &p->vertices[p->n_vertices++];
  *v =
      (og_vertex){.slot = slot, .view = p->run->views[slot][0], .test = {.slot = slot, .view = p->run->views[slot][0]}};
  return test_add(cx, &v->test, op->filters, op->n_filters);
}

static og_status lists_of(og_ctx *cx, og_pattern *p, og_link *l)
{
  const og_plan_op *op = l->op;
  const og_topology *t;
  if (op->edge_slot == OG_NO_SLOT) {
    static const og_way from_src[] = {[OG_DIR_OUT] = OG_WAY_OUT, [OG_DIR_IN] = OG_WAY_IN, [OG_DIR_BOTH] = OG_WAY_BOTH};
    static const og_way from_dst[] = {[OG_DIR_OUT] = OG_WAY_IN, [OG_DIR_IN] = OG_WAY_OUT, [OG_DIR_BOTH] = OG_WAY_BOTH};
    l->n_lists = 1;
    OG_TRY(og_run__neighbours(cx, p->run, op->edge, from_src[op->dir], &l->lists[0][0]));
    return og_run__neighbours(cx, p->run, op->edge, from_dst[op->dir], &l->lists[1][0]);
  }
  OG_TRY(og_run__topology(cx, p->run, op->edge, &t));
  const og_csr *along = op->dir == OG_DIR_IN ? &t->in : &t->out, *against = op->dir == OG_DIR_IN ? &t->out : &t->in;
  l->n_lists = op->dir == OG_DIR_BOTH ? 2 : 1;
  l->skip_loops = op->dir == OG_DIR_BOTH && t->out.loops;
  l->lists[0][0] = l->lists[1][1] = along;
  l->lists[1][0] = l->lists[0][1] = against;
  return OG_OK;
}

static og_status add_link(og_ctx *cx, og_pattern *p, const og_plan_op *op, bool inner, bool *fits)
{
  og_vertex *src = vertex_of(p, op->src), *dst = vertex_of(p, op->dst);
  bool same = op->edge->from == op->edge->to;
  *fits = src && dst && op->path_slot == OG_NO_SLOT && p->n_links < OG_PATTERN_VERTICES;
  if (!*fits) return OG_OK;
  og_link *l = &p->links[p->n_links++];
  *l = (og_link){.kind = OG_LINK_JOIN,
                 .op = op,
                 .ends = {(uint32_t)(src - p->vertices), (uint32_t)(dst - p->vertices)},
                 .closes = op->kind == OG_PLAN_CLOSE,
                 .edge = {.slot = op->edge_slot}};
  l->never = op->min > (same ? op->max : 1) || op->max == 0; /* across types no walk goes on */
  p->empty = p->empty || (l->never && !inner);
  l->walk = same && op->max > 1;
  *fits = !(l->walk && l->closes);
  if (op->edge_slot != OG_NO_SLOT) l->edge.view = p->run->views[op->edge_slot][0];
  return *fits ? lists_of(cx, p, l) : OG_OK;
}

/* ---- predicates */

typedef struct slots_seen {
  uint32_t slots[2];
  unsigned n; /* 3: more than two do not matter */
} slots_seen;

static bool see_slot(uint32_t slot, void *arg)
{
  slots_seen *s = arg;
  for (unsigned i = 0; i < s->n && i < 2; i++)
    if (s->slots[i] == slot) return true;
  if (s->n < 2) s->slots[s->n] = slot;
  s->n++;
  return s->n < 2;
}

static bool mark_core(uint32_t slot, void *arg)
{
  og_pattern *p = arg;
  og_vertex *v = vertex_of(p, slot);
  og_link *l = v ? NULL : link_of_edge(p, slot);
  if (v) v->core = true;
  if (l) p->vertices[l->ends[0]].core = p->vertices[l->ends[1]].core = true;
  return v || l;
}

static og_status add_filter(og_ctx *cx, og_pattern *p, const og_pexpr *px, bool *fits)
{
  slots_seen seen = {0};
  (void)og_px_each_slot(px, see_slot, &seen);
  if (seen.n == 0) {
    bool holds;
    OG_TRY(og_run__holds(cx, p->run, px, NULL, &holds));
    p->empty = p->empty || !holds;
    return OG_OK;
  }
  if (seen.n > 1) {
    p->loose[p->n_loose++] = px;
    *fits = og_px_each_slot(px, mark_core, p);
    return OG_OK;
  }
  og_vertex *v = vertex_of(p, seen.slots[0]);
  og_link *l = v ? NULL : link_of_edge(p, seen.slots[0]);
  *fits = v || l;
  if (!*fits) return OG_OK;
  return test_add(cx, v ? &v->test : &l->edge, &px, 1);
}

/* ---- ops */

static og_status add_ops(og_ctx *cx, og_pattern *p, const og_plan_op *ops, uint32_t n, bool inner, bool *fits);

/* A negation fits when one traversal from outside leads to all of it. */
static og_status add_anti(og_ctx *cx, og_pattern *p, const og_plan_op *op, bool *fits)
{
  uint32_t before = p->n_vertices;
  if (op->n_inner == 0) {
    p->empty = true;
    return OG_OK;
  }
  *fits = op->inner[0].kind == OG_PLAN_EXPAND;
  if (!*fits) return OG_OK;
  OG_TRY(add_ops(cx, p, op->inner, op->n_inner, true, fits));
  uint32_t entries = 0;
  for (uint32_t i = 0; *fits && i < p->n_links; i++) {
    og_link *l = &p->links[i];
    bool src_in = l->ends[0] >= before, dst_in = l->ends[1] >= before;
    if (src_in == dst_in) continue;
    entries++;
    l->kind = OG_LINK_NONE;
  }
  *fits = *fits && entries == 1;
  return OG_OK;
}

static og_status add_op(og_ctx *cx, og_pattern *p, const og_plan_op *op, bool inner, bool *fits)
{
  switch (op->kind) {
  case OG_PLAN_SCAN: return add_vertex(cx, p, op->slot, op, fits);
  case OG_PLAN_EXPAND:
    OG_TRY(add_vertex(cx, p, op->dst, op, fits));
    return *fits ? add_link(cx, p, op, inner, fits) : OG_OK;
  case OG_PLAN_CLOSE: *fits = !inner; return *fits ? add_link(cx, p, op, inner, fits) : OG_OK;
  case OG_PLAN_FILTER:
    for (uint32_t i = 0; *fits && i < op->n_filters; i++) {
      uint32_t loose = p->n_loose;
      OG_TRY(add_filter(cx, p, op->filters[i], fits));
      if (inner && p->n_loose > loose) *fits = false;
    }
    return OG_OK;
  case OG_PLAN_ANTI: *fits = !inner; return *fits ? add_anti(cx, p, op, fits) : OG_OK;
  default: *fits = false; return OG_OK;
  }
}

static og_status add_ops(og_ctx *cx, og_pattern *p, const og_plan_op *ops, uint32_t n, bool inner, bool *fits)
{
  for (uint32_t i = 0; *fits && i < n; i++) OG_TRY(add_op(cx, p, &ops[i], inner, fits));
  return OG_OK;
}

/* Room for everything: each op makes a vertex, a link, and has its filters. */
static void count_ops(const og_plan_op *ops, uint32_t n, size_t *n_ops, size_t *n_filters)
{
  for (uint32_t i = 0; i < n; i++) {
    ++*n_ops;
    *n_filters += ops[i].n_filters;
    count_ops(ops[i].inner, ops[i].n_inner, n_ops, n_filters);
  }
}

og_status og_pattern_new(og_ctx *cx, og_run *run, og_pattern **out, bool *fits)
{
  size_t n_ops = 0, n_filters = 0;
  og_pattern *p = og_push_array(cx, 1, sizeof *p);
  if (!p) return OG_ENOMEM;
  count_ops(run->plan->ops, run->plan->n_ops, &n_ops, &n_filters);
  p->run = run;
  p->vertices = og_push_array(cx, n_ops + 1, sizeof *p->vertices);
  p->links = og_push_array(cx, n_ops + 1, sizeof *p->links);
  p->loose = og_push_array(cx, n_filters + 1, sizeof *p->loose);
  if (!p->vertices || !p->links || !p->loose) return OG_ENOMEM;
  *out = p;
  *fits = true;
  OG_TRY(add_ops(cx, p, run->plan->ops, run->plan->n_ops, false, fits));
  uint32_t n_closers = 0;
  for (uint32_t i = 0; i < p->n_links; i++) {
    if (!p->links[i].closes) continue;
    n_closers++;
    p->vertices[p->links[i].ends[0]].core = p->vertices[p->links[i].ends[1]].core = true; /* (1) */
  }
  *fits = *fits && n_closers <= OG_PATTERN_CLOSERS;
  return OG_OK;
}

void og_pattern_free(og_pattern *p)
{
  if (!p) return;
  for (uint32_t i = 0; i < p->n_vertices; i++) {
    og_vertex *v = &p->vertices[i];
    og_test_cleanup(&v->test);
    og_sparse_cleanup(&v->side.set);
    og_free(v->side.weights);
    og_free(v->side.amounts);
  }
  for (uint32_t i = 0; i < p->n_links; i++) og_test_cleanup(&p->links[i].edge);
}

/* ---- rows found by their id */

/* The constant as the id of a node of this type whose only key is `field`; false: it is none that could be told. */
static bool id_text(const og_type_def *type, int32_t field, const og_scalar *v, char digits[24], og_str *out)
{
  const og_constraint *key = type->key_fields;
  bool is_id = field == OG_FIELD_ID, is_key = key && key->n == 1 && key->fields[0] == field;
  if (v->is_null || !(is_id || is_key)) return false;
  og_scalar_kind kind = is_id ? OG_SC_STRING : type->properties[field].type.kind;
  if (kind == OG_SC_STRING) {
    *out = v->v.s;
    return og_type_is_string(v->type.id);
  }
  if (kind < OG_SC_I32 || kind > OG_SC_U64) return false;
  bool is_signed = v->type.id >= OG_TYPE_I8 && v->type.id <= OG_TYPE_I64;
  bool is_unsigned = v->type.id >= OG_TYPE_U8 && v->type.id <= OG_TYPE_U64;
  if (is_signed) *out = og_str_from(digits, (size_t)snprintf(digits, 24, "%" PRId64, v->v.i));
  if (is_unsigned) *out = og_str_from(digits, (size_t)snprintf(digits, 24, "%" PRIu64, v->v.u));
  return is_signed || is_unsigned;
}

static og_status find_row(og_ctx *cx, og_pattern *p, og_vertex *v, og_str id)
{
  uint64_t row;
  bool found, passes = true;
  og_test *t = &v->test;
  OG_TRY(og_decoded_find(cx, v->view->data, id, &row, &found));
  if (found && row >= UINT32_MAX) return og_fail(cx, OG_ELIMIT, "a table has 2^32 rows or more");
  if (found) OG_TRY(og_test_passes(cx, p->run, t, row, &passes));
  t->rows = og_alloc(cx, sizeof *t->rows);
  if (!t->rows) return OG_ENOMEM;
  t->rows[0] = found ? (uint32_t)row : 0;
  t->n_rows = found && passes;
  return OG_OK;
}

/* Finds the one row when a predicate names its id. */
static og_status find_seed(og_ctx *cx, og_pattern *p, og_vertex *v)
{
  const og_type_def *type = v->view->type;
  for (uint32_t i = 0; i < v->test.n && !type->is_edge; i++) {
    const og_pexpr *px = v->test.filters[i];
    if (px->kind != OG_PX_CMP || px->cmp != OG_CMP_EQ) continue;
    unsigned field = px->args[0]->kind == OG_PX_FIELD ? 0 : 1;
    if (px->args[field]->kind != OG_PX_FIELD || !og_px_is_constant(px->args[1 - field])) continue;
    og_scalar value;
    char digits[24];
    og_str id;
    OG_TRY(og_run__value(cx, p->run, px->args[1 - field], NULL, &value));
    if (id_text(type, px->args[field]->field, &value, digits, &id)) return find_row(cx, p, v, id);
  }
  return OG_OK;
}

/* ---- estimates */

static double selectivity(const og_pexpr *px)
{
  if (px->kind != OG_PX_CMP) return SELECTIVITY_OTHER;
  return px->cmp == OG_CMP_EQ ? SELECTIVITY_EQ : px->cmp == OG_CMP_NE ? 1 : SELECTIVITY_RANGE;
}

static og_status estimate(og_ctx *cx, og_pattern *p, og_vertex *v)
{
  OG_TRY(find_seed(cx, p, v));
  v->passing = (double)v->view->data->live;
  if (v->test.rows) {
    v->passing = (double)v->test.n_rows;
  } else if (v->test.n && v->view->rows <= SMALL_TABLE) {
    OG_TRY(og_test_all(cx, p->run, &v->test));
    v->passing = (double)v->test.kept;
  } else {
    for (uint32_t i = 0; i < v->test.n; i++) v->passing *= selectivity(v->test.filters[i]);
  }
  return OG_OK;
}

enum { MOST_HOPS = 32 }; /* that an estimate looks at: of an unbounded walk over few edges it stays small for ever */

double og_pattern__degree(const og_link *l, unsigned from_end)
{
  double edges = 0, n = (double)l->lists[from_end][0]->n, most = (double)l->lists[from_end][0]->n_far;
  for (unsigned i = 0; i < l->n_lists; i++) edges += (double)l->lists[from_end][i]->first[l->lists[from_end][i]->n];
  double d = n > 0 ? edges / n : 0, all = d;
  for (uint32_t hop = 1; l->walk && hop < l->op->max && hop < MOST_HOPS && all < most; hop++) all = all * d + d;
  return all < most || !l->walk ? all : most;
}

typedef struct gain {
  double active, cost;
  bool leaf; /* no test, nothing below */
} gain;

static gain gather(const og_pattern *p, uint32_t v, uint32_t via);

/* What it takes to bring child c's numbers to v, of which `active` rows count. */
static double pull_cost(const og_pattern *p, const og_link *l, unsigned end, double active, const gain *child)
{
  const og_vertex *c = &p->vertices[l->ends[1 - end]];
  double looks = active * og_pattern__degree(l, end);
  if (child->leaf && !l->walk) return active;
  return looks < (double)c->view->rows / 4 ? looks * 8 : looks + child->cost + (double)c->view->rows / 8;
}

static gain gather(const og_pattern *p, uint32_t v, uint32_t via)
{
  const og_vertex *at = &p->vertices[v];
  gain g = {at->passing, at->test.n && !at->test.rows && !at->test.bits ? (double)at->view->rows : 0, at->test.n == 0};
  double pulls = 0;
  for (int pass = 0; pass < 2; pass++) { /* what is pushed limits what is pulled */
    for (uint32_t i = 0; i < p->n_links; i++) {
      const og_link *l = &p->links[i];
      if (i == via || l->closes || (l->ends[0] != v && l->ends[1] != v)) continue;
      unsigned end = l->ends[0] == v ? 0 : 1;
      gain child = gather(p, l->ends[1 - end], i);
      double pushed = child.active * og_pattern__degree(l, 1 - end);
      bool push = pushed < (double)at->view->rows / 4 && l->kind == OG_LINK_JOIN;
      g.leaf = false;
      if (pass == 0 && push) {
        g.cost += child.cost + pushed * 4;
        if (pushed < g.active) g.active = pushed * (at->passing + 1) / ((double)at->view->rows + 1);
      }
      if (pass == 1 && !push) pulls += pull_cost(p, l, end, g.active, &child);
    }
  }
  g.cost += g.active + pulls;
  return g;
}

bool og_pattern__hangs(const og_pattern *p, uint32_t v, const og_link *l, unsigned *end)
{
  if (l->closes || (size_t)(l - p->links) == p->parent[v] || (l->ends[0] != v && l->ends[1] != v)) return false;
  *end = l->ends[0] == v ? 0 : 1;
  return !(p->vertices[v].core && p->vertices[l->ends[1 - *end]].core);
}

bool og_pattern__hangs_nothing(const og_pattern *p, uint32_t v)
{
  unsigned end;
  for (uint32_t i = 0; i < p->n_links; i++)
    if (og_pattern__hangs(p, v, &p->links[i], &end)) return false;
  return true;
}

/* ---- root */

static void hang(og_pattern *p, uint32_t v, uint32_t via)
{
  p->parent[v] = via;
  for (uint32_t i = 0; i < p->n_links; i++) {
    const og_link *l = &p->links[i];
    if (i == via || l->closes || (l->ends[0] != v && l->ends[1] != v)) continue;
    hang(p, l->ends[0] == v ? l->ends[1] : l->ends[0], i);
  }
}

static uint32_t parent_of(const og_pattern *p, uint32_t v)
{
  const og_link *l = &p->links[p->parent[v]];
  return l->ends[0] == v ? l->ends[1] : l->ends[0];
}

static uint64_t measured_below(og_pattern *p, uint32_t v)
{
  og_vertex *at = &p->vertices[v];
  at->hung = at->measured;
  for (uint32_t c = 0; c < p->n_vertices; c++) {
    if (p->parent[c] == UINT32_MAX || parent_of(p, c) != v) continue;
    uint64_t below = measured_below(p, c);
    if (!(at->core && p->vertices[c].core)) at->hung |= below;
  }
  return at->hung;
}

og_status og_pattern_settle(og_ctx *cx, og_pattern *p)
{
  bool any_core = false;
  double best = -1;
  for (uint32_t v = 0; v < p->n_vertices; v++) OG_TRY(og_test_compile(cx, p->run, &p->vertices[v].test));
  for (uint32_t i = 0; i < p->n_links; i++)
    if (p->links[i].edge.n) OG_TRY(og_test_compile(cx, p->run, &p->links[i].edge));
  for (uint32_t v = 0; v < p->n_vertices; v++) {
    OG_TRY(estimate(cx, p, &p->vertices[v]));
    any_core = any_core || p->vertices[v].core;
  }
  for (uint32_t v = 0; v < p->n_vertices; v++) {
    if (any_core ? !p->vertices[v].core : p->run->plan->slots[p->vertices[v].slot].inner) continue;
    gain g = gather(p, v, UINT32_MAX);
    if (best >= 0 && g.cost >= best) continue;
    best = g.cost;
    p->root = v;
  }
  hang(p, p->root, UINT32_MAX);
  p->vertices[p->root].core = true;
  for (uint32_t v = 0; v < p->n_vertices; v++) /* (2) */
    for (uint32_t up = v; p->vertices[v].core && up != p->root; up = parent_of(p, up)) p->vertices[up].core = true;
  (void)measured_below(p, p->root);
  return OG_OK;
}

og_status og_pattern_check(og_ctx *cx, const og_pattern *p)
{
  if (!p->overflow) return OG_OK;
  return og_fail(cx, OG_EINVALID, "execution error: the number of rows that are counted does not fit into 64 bits");
}
