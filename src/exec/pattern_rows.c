/* SPDX-License-Identifier: MIT */
/* exec/pattern_rows.c -- enumerating the core: depth first from the root's rows, one step per core vertex.
 *
 * A step that reaches a vertex which also closes cycles takes only what is in all of the lists that lead to it: they
 * ascend, so the shortest is gone through and the others are searched from where the last search ended (the worst-case
 * optimal join of one variable after the other).
 */
#include "exec/pattern_rows.h"

#define CLOSERS OG_PATTERN_CLOSERS

typedef struct step {
  const og_link *link; /* from the vertex at `end` to `v`; an edge step (v UINT32_MAX): closes with its edge bound */
  unsigned end;
  uint32_t v;
  const og_link *closers[CLOSERS]; /* set links to v from vertices that are bound by then */
  unsigned closer_ends[CLOSERS];   /* of them: which end is bound */
  uint32_t n_closers;
  const og_pexpr *const *loose; /* judged once v is bound */
  uint32_t n_loose;
  og_hops walk;
} step;

typedef struct rows {
  og_pattern *p;
  og_core_fn fn;
  void *arg;
  step *steps;
  uint32_t n_steps;
  uint64_t *slots;
  bool *bound;        /* per slot */
  uint64_t *n;        /* per step: rows that go with what is bound up to it */
  og_amount *amounts; /* per step: n_measures */
  uint64_t polled;
  bool stop;
} rows;

/* ---- steps */

static bool is_bound(uint32_t slot, void *arg)
{
  return ((const bool *)arg)[slot];
}

/* Loose predicates that can be judged now and could not before. */
static og_status ready(og_ctx *cx, rows *r, bool *placed, step *s)
{
  const og_pexpr **list = og_push_array(cx, r->p->n_loose + 1, sizeof *list);
  if (!list) return OG_ENOMEM;
  s->loose = list;
  for (uint32_t i = 0; i < r->p->n_loose; i++) {
    if (placed[i] || !og_px_each_slot(r->p->loose[i], is_bound, r->bound)) continue;
    placed[i] = true;
    list[s->n_loose++] = r->p->loose[i];
  }
  return OG_OK;
}

static void find_closers(rows *r, step *s)
{
  og_pattern *p = r->p;
  for (uint32_t i = 0; i < p->n_links; i++) {
    const og_link *l = &p->links[i];
    if (!l->closes || l->op->edge_slot != OG_NO_SLOT || s->n_closers == CLOSERS) continue;
    for (unsigned end = 0; end < 2; end++) {
      bool to_v = l->ends[1 - end] == s->v, from_bound = r->bound[p->vertices[l->ends[end]].slot];
      if (!to_v || !from_bound || (end == 1 && l->ends[0] == l->ends[1])) continue;
      s->closers[s->n_closers] = l;
      s->closer_ends[s->n_closers++] = end;
      break;
    }
  }
}

static og_status add_step(og_ctx *cx, rows *r, bool *placed, const og_link *l, unsigned end, uint32_t v);

/* Cycles whose edge is a variable: bound once both ends are. */
static og_status edge_steps(og_ctx *cx, rows *r, bool *placed)
{
  for (uint32_t i = 0; i < r->p->n_links; i++) {
    const og_link *l = &r->p->links[i];
    if (!l->closes || l->op->edge_slot == OG_NO_SLOT || r->bound[l->op->edge_slot]) continue;
    if (r->bound[l->op->src] && r->bound[l->op->dst]) OG_TRY(add_step(cx, r, placed, l, 0, UINT32_MAX));
  }
  return OG_OK;
}

static og_status add_step(og_ctx *cx, rows *r, bool *placed, const og_link *l, unsigned end, uint32_t v)
{
  step *s = &r->steps[r->n_steps++];
  *s = (step){.link = l, .end = end, .v = v};
  if (v != UINT32_MAX) r->bound[r->p->vertices[v].slot] = true;
  if (v != UINT32_MAX) find_closers(r, s);
  if (l && l->op->edge_slot != OG_NO_SLOT) r->bound[l->op->edge_slot] = true;
  OG_TRY(ready(cx, r, placed, s));
  return v == UINT32_MAX ? OG_OK : edge_steps(cx, r, placed);
}

/* Of the core vertices next to those bound, the one that leads to the fewest rows per row comes first. */
static og_status add_steps(og_ctx *cx, rows *r, bool *placed)
{
  og_pattern *p = r->p;
  OG_TRY(add_step(cx, r, placed, NULL, 0, p->root));
  for (;;) {
    const og_link *best = NULL;
    unsigned best_end = 0;
    double least = 0;
    for (uint32_t i = 0; i < p->n_links; i++) {
      const og_link *l = &p->links[i];
      if (l->closes) continue;
      for (unsigned end = 0; end < 2; end++) {
        const og_vertex *from = &p->vertices[l->ends[end]], *to = &p->vertices[l->ends[1 - end]];
        if (!to->core || !from->core || !r->bound[from->slot] || r->bound[to->slot]) continue;
        double fan = og_pattern__degree(l, end) * (to->passing + 1) / ((double)to->view->rows + 1);
        if (best && fan >= least) continue;
        best = l;
        best_end = end;
        least = fan;
      }
    }
    if (!best) return OG_OK;
    OG_TRY(add_step(cx, r, placed, best, best_end, best->ends[1 - best_end]));
  }
}

/* ---- one row further */

static og_status go_on(og_ctx *cx, rows *r, uint32_t at);

static og_status emit(og_ctx *cx, rows *r)
{
  uint32_t last = r->n_steps - 1;
  const og_core_row row = {r->slots, r->n[last], r->amounts + (size_t)last * r->p->n_measures};
  return r->fn(cx, r->arg, &row, &r->stop);
}

/* What is bound at the step counts n rows, with these amounts of measures below it: joined with what went before. */
static void join_numbers(rows *r, uint32_t at, uint64_t n, const og_amount *own)
{
  og_pattern *p = r->p;
  const step *s = &r->steps[at];
  uint64_t before = at ? r->n[at - 1] : 1, below = s->v == UINT32_MAX ? 0 : p->vertices[s->v].hung;
  if (OG_MUL_OVERFLOWS(before, n, &r->n[at])) atomic_store_explicit(&p->overflow, true, memory_order_relaxed);
  for (uint32_t k = 0; k < p->n_measures; k++) {
    og_amount *to = &r->amounts[(size_t)at * p->n_measures + k];
    if (below >> k & 1)
      *to = og_amount_times(&p->measures[k], own[k], before);
    else
      *to = at ? og_amount_times(&p->measures[k], r->amounts[(size_t)(at - 1) * p->n_measures + k], n) : (og_amount){0};
  }
}

static og_status loose_hold(og_ctx *cx, rows *r, const step *s, bool *holds)
{
  *holds = true;
  for (uint32_t i = 0; i < s->n_loose && *holds; i++)
    OG_TRY(og_run__holds(cx, r->p->run, s->loose[i], r->slots, holds));
  return OG_OK;
}

/* The vertex of a step stands at `row`, over edge row `edge` if that is bound. */
static og_status arrive_with(og_ctx *cx, rows *r, uint32_t at, uint32_t row, uint64_t n, const og_amount *own)
{
  bool holds;
  const step *s = &r->steps[at];
  if ((++r->polled & 4095) == 0) OG_TRY(og_ctx_poll(cx));
  r->slots[r->p->vertices[s->v].slot] = row;
  OG_TRY(loose_hold(cx, r, s, &holds));
  if (!holds) return OG_OK;
  join_numbers(r, at, n, own);
  return go_on(cx, r, at + 1);
}

static og_status arrive(og_ctx *cx, rows *r, uint32_t at, uint32_t row)
{
  uint64_t n;
  og_amount own[OG_PATTERN_MEASURES];
  OG_TRY(og_pattern__number(cx, r->p, r->steps[at].v, row, &n, own));
  return n ? arrive_with(cx, r, at, row, n, own) : OG_OK;
}

static bool contains(const og_csr *c, uint64_t from, uint32_t to, uint64_t *cursor)
{
  uint64_t lo = *cursor, hi = c->first[from + 1], jump = 1;
  while (lo + jump < hi && c->targets[lo + jump] < to) jump *= 2; /* from where the last search ended */
  if (lo + jump < hi) hi = lo + jump + 1;
  while (lo < hi) {
    uint64_t mid = lo + (hi - lo) / 2;
    if (c->targets[mid] < to)
      lo = mid + 1;
    else
      hi = mid;
  }
  *cursor = lo;
  return lo < c->first[from + 1] && c->targets[lo] == to;
}

typedef struct meet { /* lists that a neighbour must be in */
  const og_csr *lists[CLOSERS + 1];
  uint64_t from[CLOSERS + 1], cursors[CLOSERS + 1];
  uint32_t n;
} meet;

static void add_list(const rows *r, const og_link *l, unsigned end, meet *m)
{
  const og_csr *c = l->lists[end][0];
  uint64_t from = r->slots[r->p->vertices[l->ends[end]].slot];
  m->lists[m->n] = c;
  m->from[m->n] = from;
  m->cursors[m->n++] = c->first[from];
}

static bool in_all(meet *m, uint32_t driver, uint32_t row)
{
  for (uint32_t i = 0; i < m->n; i++)
    if (i != driver && !contains(m->lists[i], m->from[i], row, &m->cursors[i])) return false;
  return true;
}

/* Closers from the vertex to itself ask for a loop. */
static bool loops_there(const step *s, uint32_t row)
{
  for (uint32_t i = 0; i < s->n_closers; i++) {
    const og_link *l = s->closers[i];
    if (l->ends[0] != l->ends[1]) continue; /* of another vertex: `row` is none of its rows */
    uint64_t cursor = l->lists[0][0]->first[row];
    if (!contains(l->lists[0][0], row, row, &cursor)) return false;
  }
  return true;
}

static void closing_lists(const rows *r, const step *s, meet *m)
{
  for (uint32_t i = 0; i < s->n_closers; i++)
    if (s->closers[i]->ends[0] != s->closers[i]->ends[1]) add_list(r, s->closers[i], s->closer_ends[i], m);
}

/* Distinct neighbours that are in all lists. */
static og_status step_set(og_ctx *cx, rows *r, uint32_t at)
{
  step *s = &r->steps[at];
  meet m = {.n = 0};
  uint32_t driver = 0;
  add_list(r, s->link, s->end, &m);
  closing_lists(r, s, &m);
  for (uint32_t i = 1; i < m.n; i++)
    if (og_csr_degree(m.lists[i], m.from[i]) < og_csr_degree(m.lists[driver], m.from[driver])) driver = i;
  const og_csr *c = m.lists[driver];
  for (uint64_t i = c->first[m.from[driver]]; i < c->first[m.from[driver] + 1] && !r->stop; i++)
    if (in_all(&m, driver, c->targets[i]) && loops_there(s, c->targets[i])) OG_TRY(arrive(cx, r, at, c->targets[i]));
  return OG_OK;
}

static og_status step_walk(og_ctx *cx, rows *r, uint32_t at)
{
  step *s = &r->steps[at];
  uint32_t from = (uint32_t)r->slots[r->p->vertices[s->link->ends[s->end]].slot];
  OG_TRY(og_hops_from(cx, &s->walk, s->link->lists[s->end][0], from, og_pattern__hops(s->link, s->end)));
  for (size_t i = 0; i < s->walk.reached.len && !r->stop; i++) {
    uint32_t row = OG_VEC_AT(&s->walk.reached, uint32_t, i);
    meet m = {.n = 0};
    closing_lists(r, s, &m);
    if (in_all(&m, UINT32_MAX, row) && loops_there(s, row)) OG_TRY(arrive(cx, r, at, row));
  }
  return OG_OK;
}

/* One edge row of a step. */
static og_status over_edge(og_ctx *cx, rows *r, uint32_t at, const og_csr *c, uint64_t i)
{
  bool passes = true, holds;
  step *s = &r->steps[at];
  const og_link *l = s->link;
  OG_TRY(og_test_passes(cx, r->p->run, &l->edge, c->rows[i], &passes));
  if (!passes) return OG_OK;
  r->slots[l->op->edge_slot] = c->rows[i];
  if (s->v == UINT32_MAX) {
    OG_TRY(loose_hold(cx, r, s, &holds));
    if (!holds) return OG_OK;
    join_numbers(r, at, 1, NULL);
    return go_on(cx, r, at + 1);
  }
  meet m = {.n = 0};
  closing_lists(r, s, &m);
  if (!in_all(&m, UINT32_MAX, c->targets[i]) || !loops_there(s, c->targets[i])) return OG_OK;
  return arrive(cx, r, at, c->targets[i]);
}

static og_status step_edges(og_ctx *cx, rows *r, uint32_t at)
{
  const step *s = &r->steps[at];
  const og_link *l = s->link;
  uint64_t from = r->slots[r->p->vertices[l->ends[s->end]].slot];
  uint64_t to = s->v == UINT32_MAX ? r->slots[r->p->vertices[l->ends[1 - s->end]].slot] : 0;
  for (unsigned k = 0; k < l->n_lists; k++) {
    const og_csr *c = l->lists[s->end][k];
    uint64_t i = c->first[from];
    if (s->v == UINT32_MAX && !contains(c, from, (uint32_t)to, &i)) continue;
    for (; i < c->first[from + 1] && !r->stop; i++) {
      if (s->v == UINT32_MAX && c->targets[i] != to) break;
      if (k == 1 && l->skip_loops && c->targets[i] == from) continue;
      OG_TRY(over_edge(cx, r, at, c, i));
    }
  }
  return OG_OK;
}

static og_status go_on(og_ctx *cx, rows *r, uint32_t at)
{
  if (at == r->n_steps) return emit(cx, r);
  const og_link *l = r->steps[at].link;
  if (l->op->edge_slot != OG_NO_SLOT) return step_edges(cx, r, at);
  return l->walk ? step_walk(cx, r, at) : step_set(cx, r, at);
}

/* ---- the root's rows */

static og_status from_root(og_ctx *cx, rows *r)
{
  uint32_t n = r->p->n_measures;
  const og_vertex *root = &r->p->vertices[r->p->root];
  const og_side *side = &root->side;
  for (size_t i = 0; side->sparse && i < side->set.n && !r->stop; i++)
    if (loops_there(&r->steps[0], side->set.rows[i]))
      OG_TRY(arrive_with(cx, r, 0, side->set.rows[i], side->set.weights[i], side->set.amounts + i * n));
  for (uint64_t row = 0; !side->sparse && row < root->view->rows && !r->stop; row++) {
    uint64_t times = side->weights ? side->weights[row] : !root->test.bits || og_bit_get(root->test.bits, (int64_t)row);
    if (times && loops_there(&r->steps[0], (uint32_t)row))
      OG_TRY(arrive_with(cx, r, 0, (uint32_t)row, times, side->amounts ? side->amounts + row * n : NULL));
  }
  return OG_OK;
}

/* Sides of core vertices below the root: worked out whole where most rows will be asked for. */
static og_status weigh_core(og_ctx *cx, rows *r)
{
  og_pattern *p = r->p;
  OG_TRY(og_pattern_weigh(cx, p, p->root));
  const og_side *root = &p->vertices[p->root].side;
  double coming = root->sparse ? (double)root->set.n : p->vertices[p->root].passing;
  for (uint32_t i = 1; i < r->n_steps; i++) {
    const step *s = &r->steps[i];
    if (s->v == UINT32_MAX) continue;
    coming *= og_pattern__degree(s->link, s->end);
    og_vertex *v = &p->vertices[s->v];
    bool bare = v->test.n == 0 && v->hung == 0 && og_pattern__hangs_nothing(p, s->v);
    if (bare || coming >= (double)v->view->rows / 4) OG_TRY(og_pattern_weigh(cx, p, s->v));
    if (v->side.sparse) OG_TRY(og_sparse_index(cx, &v->side.set));
  }
  return OG_OK;
}

static og_status prepare(og_ctx *cx, rows *r)
{
  og_pattern *p = r->p;
  uint32_t n_slots = p->run->plan->n_slots;
  bool *placed = og_push_array(cx, p->n_loose + 1, sizeof *placed);
  r->steps = og_push_array(cx, (size_t)p->n_vertices + p->n_links + 1, sizeof *r->steps);
  r->slots = og_push_array(cx, n_slots + 1, sizeof *r->slots);
  r->bound = og_push_array(cx, n_slots + 1, sizeof *r->bound);
  r->n = og_push_array(cx, (size_t)p->n_vertices + p->n_links + 1, sizeof *r->n);
  r->amounts = og_push_array(cx, ((size_t)p->n_vertices + p->n_links + 1) * (p->n_measures + 1), sizeof *r->amounts);
  if (!placed || !r->steps || !r->slots || !r->bound || !r->n || !r->amounts) return OG_ENOMEM;
  OG_TRY(add_steps(cx, r, placed));
  return weigh_core(cx, r);
}

og_status og_pattern_rows(og_ctx *cx, og_pattern *p, og_core_fn fn, void *arg)
{
  rows r = {.p = p, .fn = fn, .arg = arg};
  if (p->empty) return OG_OK;
  og_status st = prepare(cx, &r);
  if (st == OG_OK) st = from_root(cx, &r);
  for (uint32_t i = 0; i < r.n_steps; i++) og_hops_cleanup(&r.steps[i].walk);
  return st == OG_OK ? og_pattern_check(cx, p) : st;
}
