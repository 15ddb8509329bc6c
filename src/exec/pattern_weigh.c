/* SPDX-License-Identifier: MIT */
/* exec/pattern_weigh.c -- gathering the numbers of a subtree at its top: push, pull, lazy (see pattern.c).
 *
 * A *message* is what one row of a vertex gets over one link: how many rows of the subtree behind it go with the row,
 * and what they add up to.  Rows of a vertex are worked on in blocks on all threads; each row is one thread's alone.
 */
#include "exec/pattern_impl.h"

#include "base/pool.h"

#define BLOCK 8192u

typedef struct message {
  uint64_t n;
  og_amount amounts[OG_PATTERN_MEASURES];
} message;

static void message_clear(const og_pattern *p, message *m)
{
  m->n = 0;
  for (uint32_t k = 0; k < p->n_measures; k++) m->amounts[k] = (og_amount){0};
}

/* ---- numbers that do not wrap */

static uint64_t times(og_pattern *p, uint64_t a, uint64_t b)
{
  uint64_t c;
  if (OG_UNLIKELY(OG_MUL_OVERFLOWS(a, b, &c))) atomic_store_explicit(&p->overflow, true, memory_order_relaxed);
  return c;
}

static uint64_t plus(og_pattern *p, uint64_t a, uint64_t b)
{
  uint64_t c;
  if (OG_UNLIKELY(OG_ADD_OVERFLOWS(a, b, &c))) atomic_store_explicit(&p->overflow, true, memory_order_relaxed);
  return c;
}

/* ---- one row of a vertex */

static og_status row_message(og_ctx *cx, og_pattern *p, const og_link *l, unsigned end, uint32_t row, message *out);

/* Multiplies what a row has so far with what comes over one more link. */
static void take_in(og_pattern *p, const og_link *l, uint64_t below, const message *in, message *io)
{
  if (l->kind == OG_LINK_NONE) {
    if (in->n) message_clear(p, io);
    return;
  }
  for (uint32_t k = 0; below && k < p->n_measures; k++) {
    bool theirs = below >> k & 1;
    io->amounts[k] = in->n == 0 || io->n == 0 ? (og_amount){0}
                     : theirs                 ? og_amount_times(&p->measures[k], in->amounts[k], io->n)
                                              : og_amount_times(&p->measures[k], io->amounts[k], in->n);
  }
  if (!below && in->n > 1)
    for (uint32_t k = 0; k < p->n_measures && io->n; k++)
      io->amounts[k] = og_amount_times(&p->measures[k], io->amounts[k], in->n);
  io->n = times(p, io->n, in->n);
}

static void own_amounts(const og_pattern *p, const og_vertex *v, uint64_t row, message *m)
{
  m->n = 1;
  for (uint32_t k = 0; k < p->n_measures; k++)
    m->amounts[k] = v->measured >> k & 1 ? og_amount_of(&p->measures[k], row, 1) : (og_amount){0};
}

og_status og_pattern__row(og_ctx *cx, og_pattern *p, uint32_t v, uint32_t row, uint64_t *n, og_amount *amounts)
{
  bool passes;
  message m, in;
  const og_vertex *at = &p->vertices[v];
  *n = 0;
  OG_TRY(og_test_passes(cx, p->run, &at->test, row, &passes));
  if (!passes) return OG_OK;
  own_amounts(p, at, row, &m);
  for (uint32_t i = 0; i < p->n_links && m.n; i++) {
    unsigned end;
    const og_link *l = &p->links[i];
    if (!og_pattern__hangs(p, v, l, &end)) continue;
    OG_TRY(row_message(cx, p, l, end, row, &in));
    take_in(p, l, p->vertices[l->ends[1 - end]].hung, &in, &m);
  }
  *n = m.n;
  if (m.n) memcpy(amounts, m.amounts, p->n_measures * sizeof *amounts);
  return OG_OK;
}

og_status og_pattern__number(og_ctx *cx, og_pattern *p, uint32_t c, uint32_t row, uint64_t *n, og_amount *amounts)
{
  const og_vertex *at = &p->vertices[c];
  const og_side *s = &at->side;
  if (!s->done) return og_pattern__row(cx, p, c, row, n, amounts);
  if (s->sparse) {
    size_t i = og_sparse_find(&s->set, row);
    *n = i == OG_SPARSE_NONE ? 0 : s->set.weights[i];
    if (*n && p->n_measures) memcpy(amounts, s->set.amounts + i * p->n_measures, p->n_measures * sizeof *amounts);
    return OG_OK;
  }
  *n = s->weights ? s->weights[row] : !at->test.bits || og_bit_get(at->test.bits, row);
  if (*n && s->amounts) memcpy(amounts, s->amounts + (size_t)row * p->n_measures, p->n_measures * sizeof *amounts);
  return OG_OK;
}

static og_status add_neighbour(og_ctx *cx, og_pattern *p, uint32_t c, uint32_t row, message *out)
{
  uint64_t n = 0;
  og_amount amounts[OG_PATTERN_MEASURES];
  uint64_t below = p->vertices[c].hung;
  OG_TRY(og_pattern__number(cx, p, c, row, &n, amounts));
  if (n == 0) return OG_OK;
  out->n = plus(p, out->n, n);
  for (uint32_t k = 0; below && k < p->n_measures; k++)
    if (below >> k & 1) out->amounts[k] = og_amount_add(&p->measures[k], out->amounts[k], amounts[k]);
  return OG_OK;
}

/* Over edges, one by one. */
static og_status edges_message(og_ctx *cx, og_pattern *p, const og_link *l, unsigned end, uint32_t row, message *out)
{
  for (unsigned k = 0; k < l->n_lists; k++) {
    const og_csr *c = l->lists[end][k];
    for (uint64_t i = c->first[row]; i < c->first[row + 1]; i++) {
      bool passes = true;
      if (k == 1 && l->skip_loops && c->targets[i] == row) continue;
      if (l->edge.n) OG_TRY(og_test_passes(cx, p->run, &l->edge, c->rows[i], &passes));
      if (passes) OG_TRY(add_neighbour(cx, p, l->ends[1 - end], c->targets[i], out));
      if (l->kind == OG_LINK_NONE && out->n) return OG_OK;
    }
  }
  return OG_OK;
}

static og_status walk_message(og_ctx *cx, og_pattern *p, const og_link *l, unsigned end, uint32_t row, message *out)
{
  og_hops w = {0};
  og_status st = og_hops_from(cx, &w, l->lists[end][0], row, og_pattern__hops(l, end));
  for (size_t i = 0; st == OG_OK && i < w.reached.len; i++)
    st = add_neighbour(cx, p, l->ends[1 - end], OG_VEC_AT(&w.reached, uint32_t, i), out);
  og_hops_cleanup(&w);
  return st;
}

/* ---- loops for the common cases */

static uint64_t count_bits(const og_csr *c, uint32_t row, const uint8_t *bits)
{
  uint64_t n = 0;
  for (uint64_t i = c->first[row]; i < c->first[row + 1]; i++) n += og_bit_get(bits, c->targets[i]);
  return n;
}

static uint64_t sum_weights(og_pattern *p, const og_csr *c, uint32_t row, const uint64_t *weights)
{
  uint64_t n = 0;
  for (uint64_t i = c->first[row]; i < c->first[row + 1]; i++) n = plus(p, n, weights[c->targets[i]]);
  return n;
}

static og_status row_message(og_ctx *cx, og_pattern *p, const og_link *l, unsigned end, uint32_t row, message *out)
{
  const og_vertex *c = &p->vertices[l->ends[1 - end]];
  const og_side *s = &c->side;
  message_clear(p, out);
  if (l->never) return OG_OK;
  if (l->walk) return walk_message(cx, p, l, end, row, out);
  bool plain = l->edge.n == 0 && (l->n_lists == 1 || !l->skip_loops);
  bool dense = plain && c->hung == 0 && s->done && !s->sparse;
  if (!dense) return edges_message(cx, p, l, end, row, out);
  for (unsigned k = 0; k < l->n_lists; k++) {
    const og_csr *lists = l->lists[end][k];
    out->n += s->weights     ? sum_weights(p, lists, row, s->weights)
              : c->test.bits ? count_bits(lists, row, c->test.bits)
                             : og_csr_degree(lists, row);
  }
  return OG_OK;
}

/* ---- push */

/* Few rows of child `c` count: what each of them gives to the rows of the vertex at `end`. */
static og_status push_to(og_ctx *cx, og_pattern *p, const og_link *l, const og_sparse *from, size_t at, uint32_t row,
                         og_sparse *out)
{
  size_t to;
  if (from->n == 1 && l->op->edge_slot == OG_NO_SLOT) /* neighbours of one row are distinct */
    OG_TRY(og_sparse_append(cx, out, row, &to));
  else
    OG_TRY(og_sparse_at(cx, out, row, &to));
  out->weights[to] = plus(p, out->weights[to], from->weights[at]);
  for (uint32_t m = 0; m < p->n_measures; m++)
    out->amounts[to * p->n_measures + m] =
        og_amount_add(&p->measures[m], out->amounts[to * p->n_measures + m], from->amounts[at * p->n_measures + m]);
  return OG_OK;
}

static og_status push_list(og_ctx *cx, og_pattern *p, const og_link *l, unsigned end, size_t at, og_sparse *out)
{
  const og_sparse *from = &p->vertices[l->ends[1 - end]].side.set;
  uint32_t row = from->rows[at];
  for (unsigned k = 0; k < l->n_lists; k++) {
    const og_csr *lists = l->lists[1 - end][k];
    for (uint64_t i = lists->first[row]; i < lists->first[row + 1]; i++) {
      bool passes = true;
      if (k == 1 && l->skip_loops && lists->targets[i] == row) continue;
      if (l->edge.n) OG_TRY(og_test_passes(cx, p->run, &l->edge, lists->rows[i], &passes));
      if (passes) OG_TRY(push_to(cx, p, l, from, at, lists->targets[i], out));
    }
  }
  return OG_OK;
}

static og_status push_walk(og_ctx *cx, og_pattern *p, const og_link *l, unsigned end, size_t at, og_hops *w,
                           og_sparse *out)
{
  const og_sparse *from = &p->vertices[l->ends[1 - end]].side.set;
  OG_TRY(og_hops_from(cx, w, l->lists[1 - end][0], from->rows[at], og_pattern__hops(l, 1 - end)));
  for (size_t i = 0; i < w->reached.len; i++)
    OG_TRY(push_to(cx, p, l, from, at, OG_VEC_AT(&w->reached, uint32_t, i), out));
  return OG_OK;
}

static og_status push(og_ctx *cx, og_pattern *p, const og_link *l, unsigned end, og_sparse *out)
{
  og_hops w = {0};
  const og_sparse *from = &p->vertices[l->ends[1 - end]].side.set;
  og_status st = OG_OK;
  out->n_measures = p->n_measures;
  for (size_t i = 0; st == OG_OK && i < from->n && !l->never; i++) {
    if ((i & 255) == 0) st = og_ctx_poll(cx);
    if (st != OG_OK || from->weights[i] == 0) continue;
    st = l->walk ? push_walk(cx, p, l, end, i, &w, out) : push_list(cx, p, l, end, i, out);
  }
  og_hops_cleanup(&w);
  return st;
}

/* ---- a vertex */

typedef struct job { /* one vertex under way */
  og_pattern *p;
  uint32_t v;
  const og_link *pulled[OG_PATTERN_VERTICES];
  unsigned ends[OG_PATTERN_VERTICES];
  uint32_t n_pulled;
} job;

static og_status gather_row(og_ctx *cx, const job *j, uint32_t row, message *m)
{
  message in;
  for (uint32_t i = 0; i < j->n_pulled && m->n; i++) {
    const og_link *l = j->pulled[i];
    OG_TRY(row_message(cx, j->p, l, j->ends[i], row, &in));
    take_in(j->p, l, j->p->vertices[l->ends[1 - j->ends[i]]].hung, &in, m);
  }
  return OG_OK;
}

/* Numbers alone over plain links, link by link: what most patterns are. */
static bool is_plain(const og_pattern *p, const og_link *l, unsigned end)
{
  const og_vertex *c = &p->vertices[l->ends[1 - end]];
  bool plain = !l->walk && !l->never && l->edge.n == 0 && l->n_lists == 1;
  return plain && c->hung == 0 && c->side.done && !c->side.sparse;
}

static void multiply_plain(og_pattern *p, const og_link *l, unsigned end, uint64_t from, uint64_t to, uint64_t *n)
{
  const og_vertex *c = &p->vertices[l->ends[1 - end]];
  const og_csr *lists = l->lists[end][0];
  const uint64_t *weights = c->side.weights;
  const uint8_t *bits = c->test.bits;
  for (uint64_t r = from; r < to; r++) {
    if (n[r] == 0) continue;
    uint64_t in = weights ? sum_weights(p, lists, (uint32_t)r, weights)
                  : bits  ? count_bits(lists, (uint32_t)r, bits)
                          : og_csr_degree(lists, r);
    n[r] = l->kind == OG_LINK_NONE ? (in ? 0 : n[r]) : times(p, n[r], in);
  }
}

static og_status multiply(og_ctx *cx, og_pattern *p, const og_link *l, unsigned end, uint64_t from, uint64_t to,
                          uint64_t *n)
{
  message in;
  for (uint64_t r = from; r < to; r++) {
    if (n[r] == 0) continue;
    OG_TRY(row_message(cx, p, l, end, (uint32_t)r, &in));
    n[r] = l->kind == OG_LINK_NONE ? (in.n ? 0 : n[r]) : times(p, n[r], in.n);
  }
  return OG_OK;
}

static og_status measured_rows(og_ctx *cx, const job *j, uint64_t from, uint64_t to)
{
  og_pattern *p = j->p;
  og_vertex *v = &p->vertices[j->v];
  for (uint64_t r = from; r < to; r++) {
    message m;
    if (v->side.weights[r] == 0) continue;
    own_amounts(p, v, r, &m);
    OG_TRY(gather_row(cx, j, (uint32_t)r, &m));
    memcpy(v->side.amounts + r * p->n_measures, m.amounts, p->n_measures * sizeof *m.amounts);
    v->side.weights[r] = m.n;
  }
  return OG_OK;
}

static og_status dense_block(og_ctx *cx, void *arg, size_t item, unsigned worker)
{
  const job *j = arg;
  og_vertex *v = &j->p->vertices[j->v];
  uint64_t from = (uint64_t)item * BLOCK, to = from + BLOCK < v->view->rows ? from + BLOCK : v->view->rows;
  uint64_t *n = v->side.weights;
  (void)worker;
  for (uint64_t r = from; r < to; r++)
    n[r] = v->test.bits ? og_bit_get(v->test.bits, (int64_t)r) : og_view_is_live(v->view, r);
  if (v->side.amounts) return measured_rows(cx, j, from, to);
  for (uint32_t i = 0; i < j->n_pulled; i++) {
    if (is_plain(j->p, j->pulled[i], j->ends[i]))
      multiply_plain(j->p, j->pulled[i], j->ends[i], from, to, n);
    else
      OG_TRY(multiply(cx, j->p, j->pulled[i], j->ends[i], from, to, n));
  }
  return OG_OK;
}

static og_status weigh_dense(og_ctx *cx, job *j)
{
  og_pattern *p = j->p;
  og_vertex *v = &p->vertices[j->v];
  if (v->test.n) OG_TRY(og_test_all(cx, p->run, &v->test));
  if (j->n_pulled || v->hung || (v->view->deleted && !v->test.bits)) {
    v->side.weights = og_alloc(cx, (v->view->rows + 1) * sizeof *v->side.weights);
    if (!v->side.weights) return OG_ENOMEM;
    if (v->hung) v->side.amounts = og_calloc(cx, v->view->rows * p->n_measures + 1, sizeof *v->side.amounts);
    if (v->hung && !v->side.amounts) return OG_ENOMEM;
    OG_TRY(og_parallel(cx, (size_t)((v->view->rows + BLOCK - 1) / BLOCK), dense_block, j));
  }
  v->side.done = true;
  return OG_OK;
}

static og_status sparse_row(og_ctx *cx, job *j, const og_sparse *sets, uint32_t n_sets, const og_link *const *pushed,
                            uint32_t row)
{
  og_pattern *p = j->p;
  og_vertex *v = &p->vertices[j->v];
  bool passes = true;
  message m, in;
  size_t to;
  own_amounts(p, v, row, &m);
  for (uint32_t i = 0; i < n_sets; i++) {
    size_t at = og_sparse_find(&sets[i], row);
    if (at == OG_SPARSE_NONE) return OG_OK;
    in.n = sets[i].weights[at];
    if (p->n_measures) memcpy(in.amounts, sets[i].amounts + at * p->n_measures, p->n_measures * sizeof *in.amounts);
    const og_link *l = pushed[i];
    uint32_t child = l->ends[0] == j->v ? l->ends[1] : l->ends[0];
    take_in(p, l, p->vertices[child].hung, &in, &m);
  }
  if (!v->test.rows) OG_TRY(og_test_passes(cx, p->run, &v->test, row, &passes));
  if (!passes) return OG_OK;
  OG_TRY(gather_row(cx, j, row, &m));
  if (m.n == 0) return OG_OK;
  OG_TRY(og_sparse_append(cx, &v->side.set, row, &to));
  v->side.set.weights[to] = m.n;
  if (p->n_measures) memcpy(v->side.set.amounts + to * p->n_measures, m.amounts, p->n_measures * sizeof *m.amounts);
  return OG_OK;
}

static og_status weigh_sparse(og_ctx *cx, job *j, og_sparse *sets, uint32_t n_sets, const og_link *const *pushed)
{
  og_vertex *v = &j->p->vertices[j->v];
  const uint32_t *rows = v->test.rows;
  size_t n = v->test.n_rows;
  if (n_sets == 1 && !rows && v->test.n == 0 && j->n_pulled == 0 && j->p->n_measures == 0) { /* nothing to add */
    v->side.sparse = v->side.done = true;
    v->side.set = sets[0];
    sets[0] = (og_sparse){0};
    return OG_OK;
  }
  for (uint32_t i = 0; i < n_sets; i++) OG_TRY(og_sparse_index(cx, &sets[i]));
  for (uint32_t i = 0; i < n_sets && !v->test.rows; i++) {
    if (rows && sets[i].n >= n) continue;
    rows = sets[i].rows;
    n = sets[i].n;
  }
  v->side.sparse = v->side.done = true;
  v->side.set.n_measures = j->p->n_measures;
  for (size_t i = 0; i < n; i++) {
    if ((i & 1023) == 0) OG_TRY(og_ctx_poll(cx));
    OG_TRY(sparse_row(cx, j, sets, n_sets, pushed, rows[i]));
  }
  return OG_OK;
}

/* Rows of v expected to count, from its own test and what is known of its children. */
static double expected(og_pattern *p, uint32_t v)
{
  const og_vertex *at = &p->vertices[v];
  if (at->side.done && at->side.sparse) return (double)at->side.set.n;
  double n = at->passing;
  for (uint32_t i = 0; i < p->n_links; i++) {
    unsigned end;
    const og_link *l = &p->links[i];
    if (!og_pattern__hangs(p, v, l, &end) || l->kind != OG_LINK_JOIN) continue;
    double pushed = expected(p, l->ends[1 - end]) * og_pattern__degree(l, 1 - end);
    if (pushed < n) n = pushed;
  }
  return n;
}

static bool is_pushed(og_pattern *p, const og_link *l, unsigned end)
{
  uint32_t c = l->ends[1 - end], v = l->ends[end];
  double n = expected(p, c);
  return l->kind == OG_LINK_JOIN &&
         (n <= 1 || n * og_pattern__degree(l, 1 - end) < (double)p->vertices[v].view->rows / 4);
}

/* The child's rows as a list, for pushing. */
static og_status weigh_child_sparse(og_ctx *cx, og_pattern *p, uint32_t c)
{
  og_vertex *at = &p->vertices[c];
  OG_TRY(og_pattern_weigh(cx, p, c));
  if (at->side.sparse) return OG_OK;
  og_sparse list = {.n_measures = p->n_measures};
  for (uint64_t r = 0; r < at->view->rows; r++) {
    uint64_t n;
    size_t to;
    og_amount amounts[OG_PATTERN_MEASURES];
    if (!at->side.weights && !at->test.bits && !og_view_is_live(at->view, r)) continue;
    og_status st = og_pattern__number(cx, p, c, (uint32_t)r, &n, amounts);
    if (st == OG_OK && n) st = og_sparse_append(cx, &list, (uint32_t)r, &to);
    if (st != OG_OK) {
      og_sparse_cleanup(&list);
      return st;
    }
    if (n == 0) continue;
    list.weights[to] = n;
    if (at->side.amounts) memcpy(list.amounts + to * p->n_measures, amounts, p->n_measures * sizeof *amounts);
  }
  at->side.set = list;
  at->side.sparse = true;
  return OG_OK;
}

/* Rows below are worked out one by one, perhaps by many threads: what cannot be judged by these is judged now. */
static og_status ready_lazily(og_ctx *cx, og_pattern *p, uint32_t c, const og_link *via)
{
  og_vertex *at = &p->vertices[c];
  if (!og_test_is_quick(&at->test)) OG_TRY(og_test_all(cx, p->run, &at->test));
  for (uint32_t i = 0; i < p->n_links; i++) {
    unsigned end;
    og_link *l = &p->links[i];
    if (l == via && !og_test_is_quick(&l->edge)) OG_TRY(og_test_all(cx, p->run, &l->edge));
    if (og_pattern__hangs(p, c, l, &end)) OG_TRY(ready_lazily(cx, p, l->ends[1 - end], l));
  }
  return OG_OK;
}

static og_status pull_from(og_ctx *cx, job *j, const og_link *l, unsigned end, double active)
{
  og_pattern *p = j->p;
  uint32_t c = l->ends[1 - end];
  const og_vertex *at = &p->vertices[c];
  double looks = active * og_pattern__degree(l, end);
  bool leaf = at->test.n == 0 && at->hung == 0 && og_pattern__hangs_nothing(p, c) && !at->view->deleted;
  j->ends[j->n_pulled] = end;
  j->pulled[j->n_pulled++] = l;
  if (!leaf && looks < (double)at->view->rows / 8) return ready_lazily(cx, p, c, l);
  if (!og_test_is_quick(&l->edge)) OG_TRY(og_test_all(cx, p->run, &p->links[l - p->links].edge));
  OG_TRY(og_pattern_weigh(cx, p, c));
  return p->vertices[c].side.sparse ? og_sparse_index(cx, &p->vertices[c].side.set) : OG_OK;
}

static og_status weigh(og_ctx *cx, job *j, og_sparse *sets, uint32_t *n_sets, const og_link **pushed)
{
  og_pattern *p = j->p;
  const og_vertex *v = &p->vertices[j->v];
  double active = v->passing;
  unsigned end;
  bool push_it[OG_PATTERN_VERTICES] = {0}; /* decided before anything is known better */
  for (uint32_t i = 0; i < p->n_links; i++)
    push_it[i] = og_pattern__hangs(p, j->v, &p->links[i], &end) && is_pushed(p, &p->links[i], end);
  for (uint32_t i = 0; i < p->n_links; i++) {
    const og_link *l = &p->links[i];
    if (!push_it[i] || !og_pattern__hangs(p, j->v, l, &end)) continue;
    OG_TRY(weigh_child_sparse(cx, p, l->ends[1 - end]));
    pushed[*n_sets] = l;
    og_sparse *set = &sets[(*n_sets)++];
    OG_TRY(push(cx, p, l, end, set));
    if ((double)set->n < active) active = (double)set->n;
  }
  for (uint32_t i = 0; i < p->n_links; i++) {
    const og_link *l = &p->links[i];
    if (!push_it[i] && og_pattern__hangs(p, j->v, l, &end)) OG_TRY(pull_from(cx, j, l, end, active));
  }
  if (*n_sets || v->test.rows) return weigh_sparse(cx, j, sets, *n_sets, pushed);
  return weigh_dense(cx, j);
}

og_status og_pattern_weigh(og_ctx *cx, og_pattern *p, uint32_t v)
{
  uint32_t n_sets = 0;
  job j = {.p = p, .v = v};
  if (p->vertices[v].side.done) return OG_OK;
  og_sparse *sets = og_push_array(cx, p->n_links + 1, sizeof *sets);
  const og_link **pushed = og_push_array(cx, p->n_links + 1, sizeof *pushed);
  if (!sets || !pushed) return OG_ENOMEM;
  OG_TRY(og_ctx_poll(cx));
  og_status st = weigh(cx, &j, sets, &n_sets, pushed);
  for (uint32_t i = 0; i < n_sets; i++) og_sparse_cleanup(&sets[i]);
  return st;
}
