/* SPDX-License-Identifier: MIT */
/* lance/index_places.c -- where in a version the rows with given ids lie.
 *
 * A fragment's ids are runs: ranges, or lists of values (rowids.h).  All runs of the version, sorted by their smallest
 * id, make an implicit balanced tree, in which each node knows the largest id below it; so the runs that may hold an id
 * are found without looking at the others, although runs overlap where rows were updated (the old place is deleted
 * then, and still named).  A list that does not ascend gets an order to search it by.
 */
#include "lance/index_impl.h"

typedef struct run {
  uint64_t low, high; /* ids, both included */
  uint64_t first;     /* dense offset of its first row */
  uint64_t n;
  const uint64_t *values; /* NULL: low, low + 1, ... */
  const uint32_t *order;  /* NULL: the values ascend */
} run;

void og_places_cleanup(og_places *p)
{
  og_vec_cleanup(&p->runs);
  og_arena_cleanup(&p->arena);
}

static int by_value(const void *a, const void *b, void *arg)
{
  const uint64_t *values = arg;
  uint64_t x = values[*(const uint32_t *)a], y = values[*(const uint32_t *)b];
  return (x > y) - (x < y);
}

static og_status order_of(og_ctx *cx, og_places *p, const og_rowid_seg *s, const uint32_t **out)
{
  bool ascends = true;
  *out = NULL;
  for (uint64_t i = 1; ascends && i < s->n; i++) ascends = s->values[i - 1] < s->values[i];
  if (ascends) return OG_OK;
  uint32_t *order = og_arena_calloc(cx, &p->arena, s->n, sizeof *order);
  if (!order) return OG_ENOMEM;
  for (uint32_t i = 0; i < s->n; i++) order[i] = i; /* a fragment has at most 2^32 - 1 rows */
  *out = order;
  return og_sort(cx, order, s->n, sizeof *order, by_value, (void *)(uintptr_t)s->values);
}

static uint64_t value_at(const run *r, uint64_t i)
{
  return r->values[r->order ? r->order[i] : i];
}

static og_status add_run(og_ctx *cx, og_places *p, const og_rowid_seg *s, uint64_t first)
{
  run *r = og_vec_push(cx, &p->runs);
  if (!r) return OG_ENOMEM;
  *r = (run){.first = first + s->first, .n = s->n, .values = s->values};
  if (s->values) OG_TRY(order_of(cx, p, s, &r->order));
  r->low = s->values ? value_at(r, 0) : s->start;
  r->high = s->values ? value_at(r, s->n - 1) : s->start + s->n - 1;
  return OG_OK;
}

static int by_low(const void *a, const void *b, void *arg)
{
  (void)arg;
  uint64_t x = ((const run *)a)->low, y = ((const run *)b)->low;
  return (x > y) - (x < y);
}

/* Largest id of the runs [from, to), whose root is the middle one. */
static uint64_t fill_reach(og_places *p, size_t from, size_t to)
{
  if (from >= to) return 0;
  size_t mid = from + (to - from) / 2;
  uint64_t most = OG_VEC_AT(&p->runs, run, mid).high;
  uint64_t left = fill_reach(p, from, mid), right = fill_reach(p, mid + 1, to);
  if (left > most) most = left;
  if (right > most) most = right;
  p->reach[mid] = most;
  return most;
}

static og_status add_fragment(og_ctx *cx, og_lance_table *t, uint32_t f, bool addresses, og_places *p)
{
  const og_fragment *fragment = &t->m.fragments[f];
  const og_fragment_state *s;
  if (addresses) {
    const og_rowid_seg all = {.start = fragment->id << 32, .n = fragment->rows};
    return all.n && fragment->id <= UINT32_MAX ? add_run(cx, p, &all, t->first[f]) : OG_OK;
  }
  OG_TRY(og_table__sequences(cx, t, f, &s));
  for (size_t i = 0; i < s->ids.segs.len; i++)
    OG_TRY(add_run(cx, p, &OG_VEC_AT(&s->ids.segs, og_rowid_seg, i), t->first[f]));
  return OG_OK;
}

static og_status gather(og_ctx *cx, og_lance_table *t, bool addresses, og_places *p)
{
  for (uint32_t f = 0; f < t->m.n_fragments; f++) OG_TRY(add_fragment(cx, t, f, addresses, p));
  OG_TRY(og_sort(cx, p->runs.data, p->runs.len, sizeof(run), by_low, NULL));
  p->reach = og_arena_calloc(cx, &p->arena, p->runs.len + 1, sizeof *p->reach);
  if (!p->reach) return OG_ENOMEM;
  fill_reach(p, 0, p->runs.len);
  return OG_OK;
}

og_status og_places_init(og_ctx *cx, og_lance_table *t, bool addresses, og_places *out)
{
  *out = (og_places){.runs = OG_VEC_INIT(run)};
  return gather(cx, t, addresses, out);
}

/* The first of the run's values that is not below the id. */
static uint64_t first_value(const run *r, uint64_t id)
{
  uint64_t lo = 0, hi = r->n;
  while (lo < hi) {
    uint64_t mid = lo + (hi - lo) / 2;
    if (value_at(r, mid) < id)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

static og_status find_in_run(og_ctx *cx, const run *r, og_index__ids ids, og_vec *out)
{
  uint64_t at = r->values ? first_value(r, ids.from) : ids.from > r->low ? ids.from - r->low : 0;
  for (; at < r->n && (r->values ? value_at(r, at) : r->low + at) <= ids.to; at++) {
    uint64_t offset = r->first + (r->order ? r->order[at] : at);
    OG_TRY(og_vec_add(cx, out, &offset));
  }
  return OG_OK;
}

static og_status find_below(og_ctx *cx, const og_places *p, size_t from, size_t to, og_index__ids ids, og_vec *out)
{
  while (from < to) {
    size_t mid = from + (to - from) / 2;
    const run *r = &OG_VEC_AT(&p->runs, run, mid);
    if (p->reach[mid] < ids.from) return OG_OK;
    OG_TRY(find_below(cx, p, from, mid, ids, out));
    if (r->low > ids.to) return OG_OK;
    if (ids.from <= r->high) OG_TRY(find_in_run(cx, r, ids, out));
    from = mid + 1;
  }
  return OG_OK;
}

og_status og_places_find(og_ctx *cx, const og_places *p, og_index__ids ids, og_vec *out)
{
  return find_below(cx, p, 0, p->runs.len, ids, out);
}
