/* SPDX-License-Identifier: MIT */
/* exec/search_near.c -- vectors: nearest(), and the sets of the k nearest rows.
 *
 * Exact: every vector of the rows that qualify is measured, block by block on the pool, by the distance kernel.  Of the
 * candidates more than KEEP * k are cut down to the k nearest whenever they have gathered, ties included, so memory is
 * for a few k and for the ties.  In the end ties at the k-th place are settled by id, as the order of the answer
 * settles them.
 */
#include "exec/search_impl.h"

#include "arrow/kernels.h"
#include "base/pool.h"

#include <math.h>

enum { BLOCK = 4096, KEEP = 4, KEEP_LEAST = 1 << 14 };

/* ---- vectors */

/* The floats of a row of a vector column; NULL: it is null, or holds a null. */
static const float *floats_at(const og_column *c, uint64_t row)
{
  int64_t from, to;
  const og_column *items = c->children[0];
  if (og_column_is_null(c, (int64_t)row)) return NULL;
  og_column_list(c, (int64_t)row, &from, &to);
  for (int64_t i = from; items->validity && i < to; i++)
    if (og_column_is_null(items, i)) return NULL;
  return og_column_f32(items) + from;
}

/* The same of a field for a row of slots.  `keep` holds what it lies in, unless that is the whole column. */
static og_status field_floats(og_ctx *cx, const og_search_side *side, uint64_t row, og_column **keep, const float **out)
{
  og_decoded *d = side->view->data;
  const og_column *whole =
      atomic_load_explicit(&d->columns[og_type_column(side->view->type, side->field)], memory_order_acquire);
  if (!whole) OG_TRY(og_view_fetch(cx, side->view, side->field, &row, 1, keep));
  *out = whole ? floats_at(whole, row) : floats_at(*keep, 0);
  return OG_OK;
}

og_status og_search__open_near(og_ctx *cx, og_run *run, og_search *s)
{
  og_scalar v;
  uint32_t n;
  const og_pexpr *q = s->e->kind == OG_PX_NEAR_SET ? s->e->args[0]->args[1] : s->e->args[1];
  s->constant = og_px_is_constant(q);
  if (!s->constant) return og_search__sides(cx, run, q, &s->other, &n);
  OG_TRY(og_run__value(cx, run, q, NULL, &v));
  s->is_null = v.is_null;
  if (!v.is_null) s->query = og_column_f32(v.v.list);
  return OG_OK;
}

static size_t dim_of(const og_search *s)
{
  const og_pexpr *nearest = s->e->kind == OG_PX_NEAR_SET ? s->e->args[0] : s->e;
  return (size_t)nearest->args[0]->type.type.size;
}

og_status og_search__nearest(og_ctx *cx, const og_search *s, const uint64_t *slots, og_scalar *out)
{
  og_column *mine = NULL, *other = NULL;
  const float *v = NULL, *q = s->query;
  const uint64_t row = slots[s->e->args[0]->slot];
  *out = (og_scalar){.type = og_type_of(OG_TYPE_F64), .is_null = true};
  if (s->is_null || row == OG_ROW_NONE) return OG_OK;
  og_status st = field_floats(cx, &s->sides[og_row_type(row)], og_row_offset(row), &mine, &v);
  const uint64_t q_row = s->constant ? OG_ROW_NONE : slots[s->e->args[1]->slot];
  if (st == OG_OK && v && q_row != OG_ROW_NONE)
    st = field_floats(cx, &s->other[og_row_type(q_row)], og_row_offset(q_row), &other, &q);
  if (st == OG_OK && v && q) {
    float d;
    og_kernels_for(og_cpu_detect(false))->l2(q, v, 1, dim_of(s), &d);
    *out = (og_scalar){.type = out->type, .v.f = d};
  }
  og_column_unref(mine);
  og_column_unref(other);
  return st;
}

/* ---- the k nearest */

typedef struct candidate {
  float distance;
  uint64_t row; /* as a slot has it */
} candidate;

typedef struct measuring {
  const og_search *s;
  const og_kernels *kernels;
  const og_column **columns; /* per side */
  const uint64_t *rows;      /* ascending */
  size_t n, dim;
  uint64_t k;
  og_vec *found; /* per worker: candidate */
} measuring;

/* NaN, which tables of others may hold, is further than all. */
static bool nearer(float a, float b)
{
  return a < b || (isnan(b) && !isnan(a));
}

static void swap_at(candidate *c, size_t i, size_t j)
{
  const candidate t = c[i];
  c[i] = c[j];
  c[j] = t;
}

/* The k-th smallest distance of n > k >= 1; changes the order (Hoare's selection, median of three). */
static float kth(candidate *c, size_t n, size_t k)
{
  size_t lo = 0, hi = n - 1;
  while (lo < hi) {
    const size_t mid = lo + (hi - lo) / 2;
    if (nearer(c[mid].distance, c[lo].distance)) swap_at(c, mid, lo);
    if (nearer(c[hi].distance, c[lo].distance)) swap_at(c, hi, lo);
    if (nearer(c[hi].distance, c[mid].distance)) swap_at(c, hi, mid);
    const float pivot = c[mid].distance;
    size_t i = lo, j = hi;
    for (;;) {
      while (nearer(c[i].distance, pivot)) i++;
      while (nearer(pivot, c[j].distance)) j--;
      if (i >= j) break;
      swap_at(c, i++, j--);
    }
    if (k - 1 <= j)
      hi = j;
    else
      lo = j + 1;
  }
  return c[k - 1].distance;
}

/* Drops what cannot be among the k nearest. */
static void cut(og_vec *found, uint64_t k)
{
  candidate *c = found->data;
  size_t kept = 0;
  if (k == 0) found->len = 0;
  if (found->len <= k) return;
  const float limit = kth(c, found->len, (size_t)k);
  for (size_t i = 0; i < found->len; i++)
    if (!nearer(limit, c[i].distance)) c[kept++] = c[i];
  found->len = kept;
}

static og_status measure_block(og_ctx *cx, void *arg, size_t item, unsigned worker)
{
  measuring *m = arg;
  float distances[BLOCK];
  og_vec *found = &m->found[worker];
  const size_t from = item * BLOCK, to = from + BLOCK < m->n ? from + BLOCK : m->n;
  OG_TRY(og_ctx_poll(cx));
  OG_TRY(og_vec_reserve(cx, found, BLOCK));
  for (size_t i = from, run; i < to; i += run) {
    const og_column *c = m->columns[og_row_type(m->rows[i])];
    const float *v = floats_at(c, og_row_offset(m->rows[i]));
    for (run = 1; v && i + run < to; run++) { /* neighbours lie one behind the other */
      if (m->rows[i + run] != m->rows[i] + run || !floats_at(c, og_row_offset(m->rows[i + run]))) break;
    }
    if (!v) continue;
    m->kernels->l2(m->s->query, v, run, m->dim, distances);
    for (size_t r = 0; r < run; r++)
      ((candidate *)found->data)[found->len++] = (candidate){distances[r], m->rows[i + r]};
  }
  if (found->len > KEEP_LEAST && found->len / KEEP > m->k) cut(found, m->k);
  return OG_OK;
}

typedef struct tie {
  og_str id;
  uint32_t type;
  uint64_t row;
} tie;

static int by_id(const void *a, const void *b, void *arg)
{
  (void)arg;
  const tie *x = a, *y = b;
  const int c = og_str_cmp(x->id, y->id);
  return c ? c : (x->type > y->type) - (x->type < y->type);
}

/* Of the rows at the k-th distance those with the smallest ids. */
static og_status settle(og_ctx *cx, og_search *s, og_vec *found, uint64_t k, og_hits *const *out)
{
  candidate *c = found->data;
  const float limit = k && found->len > k ? kth(c, found->len, (size_t)k) : INFINITY;
  og_vec ties = OG_VEC_INIT(tie);
  og_status st = OG_OK;
  uint64_t taken = 0;
  for (size_t i = 0; st == OG_OK && i < found->len; i++) {
    const uint32_t type = og_row_type(c[i].row);
    const uint64_t row = og_row_offset(c[i].row);
    if (found->len <= k || nearer(c[i].distance, limit)) {
      og_hits_add(out[type], row);
      taken++;
      continue;
    }
    const og_column *ids;
    st = og_view_column(cx, s->sides[type].view, OG_FIELD_ID, &ids);
    const tie t = {st == OG_OK ? og_column_str(ids, (int64_t)row) : OG_STR_NONE, type, row};
    if (st == OG_OK) st = og_vec_add(cx, &ties, &t);
  }
  if (st == OG_OK && ties.len) st = og_sort(cx, ties.data, ties.len, sizeof(tie), by_id, NULL);
  for (size_t i = 0; st == OG_OK && taken < k && i < ties.len; i++, taken++)
    og_hits_add(out[OG_VEC_AT(&ties, tie, i).type], OG_VEC_AT(&ties, tie, i).row);
  og_vec_cleanup(&ties);
  return st;
}

static og_status measure(og_ctx *cx, measuring *m, og_search *s, og_hits *const *out)
{
  const unsigned workers = og_pool_threads(cx->rt->pool);
  m->found = og_calloc(cx, workers, sizeof *m->found);
  if (!m->found) return OG_ENOMEM;
  for (unsigned w = 0; w < workers; w++) m->found[w] = OG_VEC_INIT(candidate);
  og_status st = og_parallel(cx, (m->n + BLOCK - 1) / BLOCK, measure_block, m);
  og_vec *all = &m->found[0];
  for (unsigned w = 1; st == OG_OK && w < workers; w++) {
    st = og_vec_reserve(cx, all, m->found[w].len);
    if (st != OG_OK || m->found[w].len == 0) continue;
    memcpy((candidate *)all->data + all->len, m->found[w].data, m->found[w].len * sizeof(candidate));
    all->len += m->found[w].len;
  }
  if (st == OG_OK) {
    cut(all, m->k);
    st = settle(cx, s, all, m->k, out);
  }
  for (unsigned w = 0; w < workers; w++) og_vec_cleanup(&m->found[w]);
  og_free(m->found);
  return st;
}

static og_status prepare(og_ctx *cx, og_search *s, measuring *m, og_hits **hits)
{
  for (uint32_t i = 0; i < s->n_sides; i++) {
    hits[i] = og_zalloc(cx, sizeof *hits[i]);
    if (!hits[i]) return OG_ENOMEM;
    atomic_store_explicit(&s->sides[i].hits, hits[i], memory_order_release);
    OG_TRY(og_hits_init(cx, hits[i], s->sides[i].view->rows));
    OG_TRY(og_view_column(cx, s->sides[i].view, s->sides[i].field, &m->columns[i]));
  }
  return OG_OK;
}

og_status og_search__near_set(og_ctx *cx, og_run *run, og_search *s)
{
  uint64_t offset, limit;
  const uint32_t slot = s->e->args[0]->args[0]->slot;
  const og_plan_op rows = {
      .kind = OG_PLAN_SCAN, .slot = slot, .filters = s->e->near->filters, .n_filters = s->e->near->n_filters};
  og_vec qualify = OG_VEC_INIT(uint64_t);
  measuring m = {.s = s, .kernels = og_kernels_for(og_cpu_detect(false)), .dim = dim_of(s)};
  og_hits **hits = og_push_array(cx, s->n_sides, sizeof *hits);
  m.columns = og_push_array(cx, s->n_sides, sizeof *m.columns);
  if (!hits || !m.columns) return OG_ENOMEM;
  if (s->is_null) return OG_OK; /* null is near nothing */
  OG_TRY(og_plan_window(cx, run->plan, run->values, &offset, &limit));
  m.k = limit > UINT64_MAX - offset ? UINT64_MAX : offset + limit;
  OG_TRY(prepare(cx, s, &m, hits));
  og_status st = og_run__select(cx, run, &rows, slot, &qualify);
  m.rows = qualify.data;
  m.n = qualify.len;
  if (st == OG_OK) st = measure(cx, &m, s, hits);
  og_vec_cleanup(&qualify);
  return st;
}
