/* SPDX-License-Identifier: MIT */
/* exec/finish.c -- from rows of offsets to the columns of an answer: group, order, cut, and only then the properties.
 *
 *  (1) A property that is a column, a key or an argument by itself is fetched as a whole column; everything else is
 *      computed row by row (eval.h).
 *  (2) Order is total: the orderings, then every variable's id; of groups, then the keys.  So a window of rows does not
 *      depend on how rows are stored or met, as long as there is an order.
 *  (3) Groups without order and window come as their first rows arrived.
 */
#include "exec/search.h"

#include <math.h>

#include "arrow/builder.h"
#include "arrow/kernels.h"
#include "base/map.h"

__extension__ typedef __int128 og_i128;

/* ---- values of rows */

/* Values of slot `slot` in the rows listed. */
static og_status slot_rows(og_ctx *cx, const og_run *run, uint32_t slot, const uint64_t *rows, size_t n, uint64_t **out)
{
  uint64_t *v = og_calloc(cx, n + 1, sizeof *v);
  if (!v) return OG_ENOMEM;
  const uint64_t *all = run->out.data;
  for (size_t i = 0; i < n; i++) v[i] = all[rows[i] * run->plan->n_slots + slot];
  *out = v;
  return OG_OK;
}

static og_status build_scalar(og_ctx *cx, og_builder *b, const og_scalar *v)
{
  switch (v->type.id) {
  case OG_TYPE_BOOL: return og_builder_bool(cx, b, v->v.b);
  case OG_TYPE_U8:
  case OG_TYPE_U16:
  case OG_TYPE_U32:
  case OG_TYPE_U64: return og_builder_u64(cx, b, v->v.u);
  case OG_TYPE_F16:
  case OG_TYPE_F32:
  case OG_TYPE_F64: return og_builder_f64(cx, b, v->v.f);
  case OG_TYPE_UTF8:
  case OG_TYPE_LARGE_UTF8:
  case OG_TYPE_BINARY:
  case OG_TYPE_LARGE_BINARY: return og_builder_str(cx, b, v->v.s);
  default: return og_builder_i64(cx, b, v->v.i);
  }
}

static og_status build_list(og_ctx *cx, og_builder *b, const og_column *items)
{
  OG_TRY(og_builder_list_begin(cx, b));
  OG_TRY(og_builder_copy_range(cx, og_builder_child(b, 0), items, 0, items->len));
  return og_builder_list_end(cx, b);
}

static og_status build_value(og_ctx *cx, og_builder *b, const og_scalar *v)
{
  if (v->is_null) return og_builder_null(cx, b);
  return og_type_is_nested(v->type.id) ? build_list(cx, b, v->v.list) : build_scalar(cx, b, v);
}

static og_status builder_of(og_ctx *cx, og_value_type t, og_builder **out)
{
  const og_field item = {.name = OG_STR("item"), .type = t.item, .nullable = true};
  bool nested = og_type_is_nested(t.type.id);
  const og_field field = {.name = OG_STR("v"),
                          .type = t.type,
                          .nullable = true,
                          .children = nested ? &item : NULL,
                          .n_children = nested ? 1 : 0};
  return og_builder_new(cx, &field, out);
}

/* Where the rows of an expression come from: rows of slots, or groups. */
typedef og_status (*row_value_fn)(og_ctx *cx, void *arg, const og_pexpr *e, size_t i, og_scalar *out);

/* An expression for n rows, one by one; a constant is computed once. */
static og_status compute(og_ctx *cx, og_run *run, const og_pexpr *e, size_t n, row_value_fn value, void *arg,
                         og_column **out)
{
  og_builder *b;
  og_scalar v;
  bool constant = og_px_is_constant(e);
  OG_TRY(builder_of(cx, e->type, &b));
  og_status st = constant && n ? og_run__value(cx, run, e, NULL, &v) : OG_OK;
  for (size_t i = 0; st == OG_OK && i < n; i++) {
    if ((i & 0xFFF) == 0) st = og_ctx_poll(cx);
    if (st == OG_OK && !constant) st = value(cx, arg, e, i, &v);
    if (st == OG_OK) st = build_value(cx, b, &v);
    if (!constant) og_arena_reset(&run->scratch);
  }
  if (st == OG_OK) st = og_builder_finish(cx, b, out);
  og_builder_free(b);
  return st;
}

typedef struct row_source {
  og_run *run;
  const uint64_t *rows;
} row_source;

static og_status value_of_row(og_ctx *cx, void *arg, const og_pexpr *e, size_t i, og_scalar *out)
{
  const row_source *r = arg;
  const uint64_t *all = r->run->out.data;
  return og_run__value(cx, r->run, e, all + r->rows[i] * r->run->plan->n_slots, out);
}

typedef struct mixed_rows { /* values of a slot, and where each one's field is among those fetched; -1: nowhere */
  const uint64_t *values;
  int64_t *index;
  size_t n;
  int64_t fetched;
} mixed_rows;

/* The field of those of the rows that are of one table. */
static og_status fetch_type(og_ctx *cx, og_view *v, int32_t field, uint32_t type, mixed_rows *rows, og_column **out)
{
  uint64_t *offsets = og_calloc(cx, rows->n + 1, sizeof *offsets);
  size_t kept = 0;
  if (!offsets) return OG_ENOMEM;
  for (size_t i = 0; i < rows->n; i++) {
    if (rows->values[i] == OG_ROW_NONE || og_row_type(rows->values[i]) != type) continue;
    rows->index[i] = rows->fetched + (int64_t)kept;
    offsets[kept++] = og_row_offset(rows->values[i]);
  }
  rows->fetched += (int64_t)kept;
  og_status st = og_view_fetch(cx, v, field, offsets, kept, out);
  og_free(offsets);
  return st;
}

/* A field of a slot that may hold no row, or rows of several tables. */
static og_status fetch_mixed(og_ctx *cx, og_run *run, const og_pexpr *e, const uint64_t *values, size_t n,
                             og_column **out)
{
  const og_slot *slot = &run->plan->slots[e->slot];
  mixed_rows m = {.values = values, .index = og_calloc(cx, n + 1, sizeof *m.index), .n = n};
  og_column **parts = og_calloc(cx, (size_t)slot->n_types + 1, sizeof *parts), *all = NULL;
  og_status st = m.index && parts ? OG_OK : OG_ENOMEM;
  for (size_t i = 0; st == OG_OK && i < n; i++) m.index[i] = -1;
  for (uint32_t t = 0; st == OG_OK && t < slot->n_types; t++) {
    int32_t field = e->field;
    if (slot->fields && field >= 0) field = slot->fields[t * slot->type->n_properties + (uint32_t)field];
    st = fetch_type(cx, run->views[e->slot][t], field, t, &m, &parts[t]);
  }
  if (st == OG_OK) st = og_column_concat(cx, parts, slot->n_types, &all);
  if (st == OG_OK) st = og_column_take(cx, all, m.index, (int64_t)n, out);
  og_column_unref(all);
  for (uint32_t t = 0; parts && t < slot->n_types; t++) og_column_unref(parts[t]);
  og_free(parts);
  og_free(m.index);
  return st;
}

static og_status fetch(og_ctx *cx, og_run *run, const og_pexpr *e, const uint64_t *rows, size_t n, og_column **out)
{
  row_source source = {run, rows};
  const og_slot *slot = &run->plan->slots[e->slot];
  if (e->kind != OG_PX_FIELD || slot->n_types == 0) return compute(cx, run, e, n, value_of_row, &source, out);
  uint64_t *values;
  OG_TRY(slot_rows(cx, run, e->slot, rows, n, &values));
  og_status st = slot->optional || slot->n_types > 1
                     ? fetch_mixed(cx, run, e, values, n, out)
                     : og_view_fetch(cx, run->views[e->slot][0], e->field, values, n, out);
  og_free(values);
  return st;
}

/* ---- order */

typedef struct sort_key {
  og_column *values; /* one reference */
  bool desc;
} sort_key;

typedef struct sorter {
  sort_key *keys;
  size_t n;
} sorter;

static int by_keys(const void *a, const void *b, void *arg)
{
  const sorter *s = arg;
  int64_t x = (int64_t) * (const uint64_t *)a, y = (int64_t) * (const uint64_t *)b;
  for (size_t k = 0; k < s->n; k++) {
    int c = og_column_value_cmp(s->keys[k].values, x, s->keys[k].values, y); /* nulls first */
    if (c) return s->keys[k].desc ? -c : c;
  }
  return 0;
}

static og_status sort_positions(og_ctx *cx, const sorter *s, uint64_t *positions, size_t n)
{
  for (size_t i = 0; i < n; i++) positions[i] = i;
  return s->n ? og_sort(cx, positions, n, sizeof *positions, by_keys, (void *)(uintptr_t)s) : OG_OK;
}

static void sorter_cleanup(sorter *s)
{
  for (size_t i = 0; i < s->n; i++) og_column_unref(s->keys[i].values);
}

/* The window of rows asked for, of the n there are: *from and how many. */
static size_t window(const og_run *run, size_t n, size_t *from)
{
  *from = run->offset < n ? (size_t)run->offset : n;
  size_t left = n - *from;
  return run->limit < left ? (size_t)run->limit : left;
}

/* ---- plain answers */

/* A tie is broken by id, and where ids of several tables meet, by table. */
static og_status tie_keys(og_ctx *cx, og_run *run, uint32_t slot, const uint64_t *rows, size_t n, sorter *s)
{
  const og_pexpr id = {.kind = OG_PX_FIELD, .type.type = og_type_of(OG_TYPE_UTF8), .slot = slot, .field = OG_FIELD_ID};
  OG_TRY(fetch(cx, run, &id, rows, n, &s->keys[s->n].values));
  s->n++;
  if (run->plan->slots[slot].n_types < 2) return OG_OK;
  const og_pexpr type = {.kind = OG_PX_TYPE, .type.type = og_type_of(OG_TYPE_UTF8), .slot = slot};
  OG_TRY(fetch(cx, run, &type, rows, n, &s->keys[s->n].values));
  s->n++;
  return OG_OK;
}

static og_status row_keys(og_ctx *cx, og_run *run, const og_plan_order *orders, uint32_t n_orders, const uint64_t *rows,
                          size_t n, sorter *s)
{
  const og_plan *plan = run->plan;
  s->keys = og_push_array(cx, (size_t)n_orders + 2 * (size_t)plan->n_ties + 1, sizeof *s->keys);
  if (!s->keys) return OG_ENOMEM;
  for (uint32_t i = 0; i < n_orders; i++) {
    const og_plan_order *o = &orders[i];
    const og_pexpr *e = o->expr ? o->expr : plan->columns[o->column].expr;
    OG_TRY(fetch(cx, run, e, rows, n, &s->keys[s->n].values));
    s->keys[s->n++].desc = o->desc;
  }
  for (uint32_t i = 0; i < plan->n_ties; i++) OG_TRY(tie_keys(cx, run, plan->ties[i], rows, n, s));
  return OG_OK;
}

og_status og_run__sort(og_ctx *cx, og_run *run, const og_plan_order *orders, uint32_t n_orders, uint64_t *rows,
                       size_t n)
{
  sorter s = {0};
  if (n < 2) return OG_OK;
  uint64_t *sorted = og_calloc(cx, n, sizeof *sorted);
  og_status st = sorted ? row_keys(cx, run, orders, n_orders, rows, n, &s) : OG_ENOMEM;
  if (st == OG_OK) st = sort_positions(cx, &s, sorted, n);
  for (size_t i = 0; st == OG_OK && i < n; i++) sorted[i] = rows[sorted[i]];
  if (st == OG_OK) memcpy(rows, sorted, n * sizeof *rows);
  sorter_cleanup(&s);
  og_free(sorted);
  return st;
}

/* ---- the first rows of many */

static void sift_down(uint64_t *heap, size_t n, const sorter *s)
{
  for (size_t i = 0, child; (child = 2 * i + 1) < n; i = child) {
    if (child + 1 < n && by_keys(&heap[child + 1], &heap[child], (void *)(uintptr_t)s) > 0) child++;
    if (by_keys(&heap[i], &heap[child], (void *)(uintptr_t)s) >= 0) return;
    const uint64_t swap = heap[i];
    heap[i] = heap[child];
    heap[child] = swap;
  }
}

static void sift_up(uint64_t *heap, size_t i, const sorter *s)
{
  for (size_t parent; i && by_keys(&heap[i], &heap[parent = (i - 1) / 2], (void *)(uintptr_t)s) > 0; i = parent) {
    const uint64_t swap = heap[i];
    heap[i] = heap[parent];
    heap[parent] = swap;
  }
}

/* The position that comes `want`-th by the first key: the root of a heap of the `want` first ones. */
static og_status last_wanted(og_ctx *cx, const sorter *s, size_t n, size_t want, uint64_t *out)
{
  uint64_t *heap = og_calloc(cx, want, sizeof *heap);
  if (!heap) return OG_ENOMEM;
  for (uint64_t i = 0; i < n; i++) {
    if (i < want) {
      heap[i] = i;
      sift_up(heap, i, s);
    } else if (by_keys(&i, &heap[0], (void *)(uintptr_t)s) < 0) {
      heap[0] = i;
      sift_down(heap, want, s);
    }
  }
  *out = heap[0];
  og_free(heap);
  return OG_OK;
}

#define CUT_LEAST 1024 /* fewer rows are sorted at once */

/* Where a window asks for a few of many rows, those that the first ordering alone puts behind it are dropped; ties stay,
 * for the other orderings to settle. */
static og_status cut_rows(og_ctx *cx, og_run *run, const og_plan_order *first, uint64_t *rows, size_t *n)
{
  const uint64_t want = run->limit > UINT64_MAX - run->offset ? UINT64_MAX : run->offset + run->limit;
  if (*n < CUT_LEAST || want == 0 || want > *n / 8) return OG_OK;
  uint64_t last, i = 0;
  size_t kept = 0;
  sort_key key = {.desc = first->desc};
  OG_TRY(fetch(cx, run, first->expr ? first->expr : run->plan->columns[first->column].expr, rows, *n, &key.values));
  const sorter s = {&key, 1};
  const og_status st = last_wanted(cx, &s, *n, (size_t)want, &last);
  for (; st == OG_OK && i < *n; i++)
    if (by_keys(&i, &last, (void *)(uintptr_t)&s) <= 0) rows[kept++] = rows[i];
  if (st == OG_OK) *n = kept;
  og_column_unref(key.values);
  return st;
}

static og_status order_rows(og_ctx *cx, og_run *run, uint64_t *rows, size_t *n)
{
  const og_plan *plan = run->plan;
  if (plan->rrf) return og_search_rrf(cx, run, rows, n);
  if (plan->n_order == 0) return OG_OK;
  OG_TRY(cut_rows(cx, run, plan->order, rows, n));
  return og_run__sort(cx, run, plan->order, plan->n_order, rows, *n);
}

static og_status finish_rows(og_ctx *cx, og_run *run, og_exec_result *out)
{
  size_t n = (size_t)run->n_out, from;
  uint64_t *rows = og_calloc(cx, n + 1, sizeof *rows);
  if (!rows) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++) rows[i] = i;
  og_status st = order_rows(cx, run, rows, &n);
  n = window(run, n, &from);
  for (uint32_t i = 0; st == OG_OK && i < out->n_columns; i++)
    st = fetch(cx, run, run->plan->columns[i].expr, rows + from, n, &out->columns[i]);
  out->n_rows = (int64_t)n;
  og_free(rows);
  return st;
}

/* ---- groups */

typedef struct grouping {
  og_column **values; /* the keys, then the arguments, for every row */
  og_column **groups; /* the keys, then the aggregates, for every group */
  uint64_t *group;    /* per row */
  uint64_t *first;    /* per group: its first row */
  size_t n_rows, n_groups;
} grouping;

/* Rows equal in some columns, chained per hash: chain[i] is the set found before i with the same hash, plus 1. */
typedef struct row_sets {
  og_umap heads;
  og_vec chain; /* uint64_t */
  uint64_t *first;
  size_t n;
} row_sets;

typedef bool (*same_row_fn)(const void *arg, size_t a, size_t b);

/* The set that row r belongs to; a new one when no earlier row is the same. */
static og_status put_row(og_ctx *cx, row_sets *s, size_t r, uint64_t hash, same_row_fn same, const void *arg,
                         uint64_t *set)
{
  uint64_t *head = og_umap_at(cx, &s->heads, hash, NULL), at;
  if (!head) return OG_ENOMEM;
  for (at = *head; at && !same(arg, s->first[at - 1], r); at = OG_VEC_AT(&s->chain, uint64_t, at - 1)) {
  }
  *set = at - 1;
  if (at) return OG_OK;
  uint64_t old = *head;
  *set = s->n;
  s->first[s->n++] = r;
  *head = s->n;
  return og_vec_add(cx, &s->chain, &old);
}

static void row_sets_init(row_sets *s, uint64_t *first)
{
  *s = (row_sets){.chain = OG_VEC_INIT(uint64_t), .first = first};
  og_umap_init(&s->heads);
}

static void row_sets_cleanup(row_sets *s)
{
  og_map_cleanup(&s->heads);
  og_vec_cleanup(&s->chain);
}

typedef struct key_columns {
  og_column *const *columns;
  uint32_t n;
} key_columns;

static uint64_t key_hash(const key_columns *k, size_t row)
{
  uint64_t h = 0;
  for (uint32_t i = 0; i < k->n; i++) h = og_column_value_hash(k->columns[i], (int64_t)row, h + 0x9e3779b97f4a7c15ull);
  return h;
}

static bool same_keys(const void *arg, size_t a, size_t b)
{
  const key_columns *k = arg;
  for (uint32_t i = 0; i < k->n; i++)
    if (!og_column_value_eq(k->columns[i], (int64_t)a, k->columns[i], (int64_t)b)) return false;
  return true;
}

static og_status assign_groups(og_ctx *cx, const og_plan *plan, grouping *g)
{
  row_sets s;
  const key_columns k = {g->values, plan->n_keys};
  row_sets_init(&s, g->first);
  og_status st = OG_OK;
  for (size_t r = 0; st == OG_OK && r < g->n_rows; r++) {
    if ((r & 0xFFFF) == 0) st = og_ctx_poll(cx);
    if (st == OG_OK) st = put_row(cx, &s, r, key_hash(&k, r), same_keys, &k, &g->group[r]);
  }
  g->n_groups = s.n;
  row_sets_cleanup(&s);
  return st;
}

/* ---- aggregates */

typedef struct accumulator {
  int64_t count;
  og_i128 sum;       /* of integers: exact */
  double real, rest; /* of floats: the sum, and what its rounding has lost */
  int64_t best;      /* row of the smallest or largest value so far; -1: none */
} accumulator;

/* The error of the addition is exact, by Knuth's two-sum (The Art of Computer Programming 2, 4.2.2): so the order of
 * the rows does not show, short of cancellations beyond 100 bits. */
static void add_float(accumulator *a, double x)
{
  double sum = a->real + x, y = sum - a->real;
  a->rest += (a->real - (sum - y)) + (x - y);
  a->real = sum;
}

static void add_number(const og_column *c, int64_t i, accumulator *a)
{
  og_scalar v = og_scalar_at(c, i);
  if (v.type.id == OG_TYPE_F32 || v.type.id == OG_TYPE_F64)
    add_float(a, v.v.f);
  else
    a->sum += v.type.id == OG_TYPE_U32 || v.type.id == OG_TYPE_U64 ? (og_i128)v.v.u : (og_i128)v.v.i;
}

static void accumulate(const og_plan_agg *g, const og_column *v, int64_t row, accumulator *a)
{
  a->count++;
  if (g->agg == OG_AGG_SUM || g->agg == OG_AGG_AVG) add_number(v, row, a);
  if (g->agg != OG_AGG_MIN && g->agg != OG_AGG_MAX) return;
  int order = a->best < 0 ? 0 : og_column_value_cmp(v, row, v, a->best);
  if (a->best < 0 || (g->agg == OG_AGG_MIN ? order < 0 : order > 0)) a->best = row;
}

typedef struct distinct_key {
  const og_column *values;
  const uint64_t *group;
} distinct_key;

static bool same_in_group(const void *arg, size_t a, size_t b)
{
  const distinct_key *k = arg;
  return k->group[a] == k->group[b] && og_column_value_eq(k->values, (int64_t)a, k->values, (int64_t)b);
}

static og_status accumulate_distinct(og_ctx *cx, const og_plan_agg *agg, const grouping *g, const og_column *v,
                                     accumulator *acc)
{
  row_sets s;
  const distinct_key k = {v, g->group};
  uint64_t *first = og_calloc(cx, g->n_rows + 1, sizeof *first);
  if (!first) return OG_ENOMEM;
  row_sets_init(&s, first);
  og_status st = OG_OK;
  for (size_t r = 0; st == OG_OK && r < g->n_rows; r++) {
    uint64_t set;
    size_t before = s.n;
    if (og_column_is_null(v, (int64_t)r)) continue;
    st = put_row(cx, &s, r, og_column_value_hash(v, (int64_t)r, g->group[r]), same_in_group, &k, &set);
    if (st == OG_OK && s.n > before) accumulate(agg, v, (int64_t)r, &acc[g->group[r]]);
  }
  row_sets_cleanup(&s);
  og_free(first);
  return st;
}

static double total_of(const accumulator *a)
{
  return isfinite(a->real) ? a->real + a->rest : a->real; /* beyond all floats the rest is no number */
}

static og_status sum_value(og_ctx *cx, og_builder *b, const og_plan_agg *g, const accumulator *a)
{
  if (g->type.type.id == OG_TYPE_F64) return og_builder_f64(cx, b, total_of(a));
  bool is_unsigned = g->type.type.id == OG_TYPE_U64;
  if (is_unsigned ? a->sum > UINT64_MAX : a->sum > INT64_MAX || a->sum < INT64_MIN)
    return og_fail(cx, OG_EINVALID, "execution error: a sum does not fit %s", is_unsigned ? "a U64" : "an I64");
  return is_unsigned ? og_builder_u64(cx, b, (uint64_t)a->sum) : og_builder_i64(cx, b, (int64_t)a->sum);
}

static og_status agg_value(og_ctx *cx, og_builder *b, const og_plan_agg *g, const og_column *v, const accumulator *a)
{
  if (g->agg == OG_AGG_COUNT) return og_builder_i64(cx, b, a->count);
  if (a->count == 0) return og_builder_null(cx, b);
  switch (g->agg) {
  case OG_AGG_SUM: return sum_value(cx, b, g, a);
  case OG_AGG_AVG:
    return og_builder_f64(cx, b, (total_of(a) + (double)a->sum) / (double)a->count); /* one of the two is 0 */
  default: return og_builder_copy(cx, b, v, a->best);
  }
}

static og_status agg_column(og_ctx *cx, const og_plan_agg *agg, const grouping *g, const og_column *v, og_column **out)
{
  accumulator *acc = og_calloc(cx, g->n_groups + 1, sizeof *acc);
  og_builder *b = NULL;
  og_status st = acc ? builder_of(cx, agg->type, &b) : OG_ENOMEM;
  for (size_t i = 0; st == OG_OK && i < g->n_groups; i++) acc[i].best = -1;
  if (st == OG_OK && agg->distinct) st = accumulate_distinct(cx, agg, g, v, acc);
  for (size_t r = 0; st == OG_OK && !agg->distinct && r < g->n_rows; r++)
    if (!og_column_is_null(v, (int64_t)r)) accumulate(agg, v, (int64_t)r, &acc[g->group[r]]);
  for (size_t i = 0; st == OG_OK && i < g->n_groups; i++) st = agg_value(cx, b, agg, v, &acc[i]);
  if (st == OG_OK) st = og_builder_finish(cx, b, out);
  og_builder_free(b);
  og_free(acc);
  return st;
}

static og_status group_columns(og_ctx *cx, const og_plan *plan, grouping *g)
{
  for (uint32_t i = 0; i < plan->n_keys; i++)
    OG_TRY(og_column_take(cx, g->values[i], (const int64_t *)g->first, (int64_t)g->n_groups, &g->groups[i]));
  for (uint32_t i = 0; i < plan->n_aggs; i++) {
    uint32_t at = plan->n_keys + i;
    OG_TRY(agg_column(cx, &plan->aggs[i], g, g->values[at], &g->groups[at]));
  }
  return OG_OK;
}

/* ---- what stands behind the groups */

typedef struct group_source {
  og_run *run;
  og_column *const *groups;
  const uint64_t *rows; /* of groups */
  og_eval eval;
  uint64_t at;
} group_source;

static og_status group_leaf(og_ctx *cx, const og_eval *ev, const og_pexpr *e, og_scalar *out)
{
  const group_source *s = ev->arg;
  if (e->kind != OG_PX_GROUP) return og_fail(cx, OG_EINTERNAL, "an expression of rows is asked of a group");
  return og_eval_column_at(cx, ev->scratch, s->groups[e->group], (int64_t)s->at, out);
}

static og_status value_of_group(og_ctx *cx, void *arg, const og_pexpr *e, size_t i, og_scalar *out)
{
  group_source *s = arg;
  s->at = s->rows[i];
  return og_eval_value(cx, &s->eval, e, out);
}

static og_status project(og_ctx *cx, group_source *s, const og_pexpr *e, size_t n, og_column **out)
{
  if (e->kind == OG_PX_GROUP) return og_column_take(cx, s->groups[e->group], (const int64_t *)s->rows, (int64_t)n, out);
  return compute(cx, s->run, e, n, value_of_group, s, out);
}

/* Groups for which having holds, in order. */
static og_status having(og_ctx *cx, group_source *s, uint64_t *rows, size_t *n)
{
  const og_plan *plan = s->run->plan;
  size_t kept = 0;
  for (size_t i = 0; i < *n; i++) {
    bool keep = true;
    s->at = rows[i];
    for (uint32_t k = 0; k < plan->n_having && keep; k++) OG_TRY(og_eval_holds(cx, &s->eval, plan->having[k], &keep));
    og_arena_reset(s->eval.scratch);
    if (keep) rows[kept++] = rows[i];
  }
  *n = kept;
  return OG_OK;
}

static og_status group_keys(og_ctx *cx, group_source *s, size_t n, sorter *out)
{
  const og_plan *plan = s->run->plan;
  out->keys = og_push_array(cx, (size_t)plan->n_order + plan->n_keys + 1, sizeof(sort_key));
  if (!out->keys) return OG_ENOMEM;
  for (uint32_t i = 0; i < plan->n_order; i++) {
    const og_plan_order *o = &plan->order[i];
    OG_TRY(project(cx, s, o->expr ? o->expr : plan->columns[o->column].expr, n, &out->keys[out->n].values));
    out->keys[out->n++].desc = o->desc;
  }
  for (uint32_t i = 0; i < plan->n_keys; i++) {
    OG_TRY(og_column_take(cx, s->groups[i], (const int64_t *)s->rows, (int64_t)n, &out->keys[out->n].values));
    out->n++;
  }
  return OG_OK;
}

static og_status order_groups(og_ctx *cx, group_source *s, uint64_t *rows, size_t n)
{
  sorter keys = {0};
  const og_plan *plan = s->run->plan;
  if ((plan->n_order == 0 && !plan->limit.has && !plan->offset.has) || n < 2) return OG_OK;
  uint64_t *positions = og_calloc(cx, n + 1, sizeof *positions);
  og_status st = positions ? group_keys(cx, s, n, &keys) : OG_ENOMEM;
  if (st == OG_OK) st = sort_positions(cx, &keys, positions, n);
  for (size_t i = 0; st == OG_OK && i < n; i++) positions[i] = rows[positions[i]];
  if (st == OG_OK) memcpy(rows, positions, n * sizeof *rows);
  sorter_cleanup(&keys);
  og_free(positions);
  return st;
}

static og_status project_groups(og_ctx *cx, og_run *run, og_column *const *groups, size_t n, uint64_t *rows,
                                og_exec_result *out)
{
  group_source s = {.run = run, .groups = groups, .rows = rows, .eval = run->eval};
  size_t from;
  s.eval.leaf = group_leaf;
  s.eval.arg = &s;
  for (size_t i = 0; i < n; i++) rows[i] = i;
  if (run->plan->n_having) OG_TRY(having(cx, &s, rows, &n));
  OG_TRY(order_groups(cx, &s, rows, n));
  n = window(run, n, &from);
  s.rows = rows + from;
  for (uint32_t i = 0; i < out->n_columns; i++)
    OG_TRY(project(cx, &s, run->plan->columns[i].expr, n, &out->columns[i]));
  out->n_rows = (int64_t)n;
  return OG_OK;
}

static og_status answer_groups(og_ctx *cx, og_run *run, og_column *const *groups, size_t n, og_exec_result *out)
{
  uint64_t *rows = og_calloc(cx, n + 1, sizeof *rows);
  if (!rows) return OG_ENOMEM;
  og_status st = project_groups(cx, run, groups, n, rows, out);
  og_free(rows);
  return st;
}

static og_status group(og_ctx *cx, og_run *run, grouping *g, og_exec_result *out)
{
  const og_plan *plan = run->plan;
  uint64_t *rows = g->group; /* scratch until groups are assigned */
  for (size_t i = 0; i < g->n_rows; i++) rows[i] = i;
  for (uint32_t i = 0; i < plan->n_keys + plan->n_aggs; i++) {
    const og_pexpr *e = i < plan->n_keys ? plan->keys[i] : plan->aggs[i - plan->n_keys].expr;
    OG_TRY(fetch(cx, run, e, rows, g->n_rows, &g->values[i]));
  }
  OG_TRY(assign_groups(cx, plan, g));
  if (plan->n_keys == 0) g->n_groups = 1; /* one group, even of no rows */
  OG_TRY(group_columns(cx, plan, g));
  return answer_groups(cx, run, g->groups, g->n_groups, out);
}

static og_status finish_groups(og_ctx *cx, og_run *run, og_exec_result *out)
{
  grouping g = {.n_rows = (size_t)run->n_out};
  size_t n = (size_t)run->plan->n_keys + run->plan->n_aggs;
  g.values = og_calloc(cx, n + 1, sizeof(og_column *));
  g.groups = og_calloc(cx, n + 1, sizeof(og_column *));
  g.group = og_calloc(cx, g.n_rows + 1, sizeof *g.group);
  g.first = og_calloc(cx, g.n_rows + 1, sizeof *g.first);
  og_status st = g.values && g.groups && g.group && g.first ? group(cx, run, &g, out) : OG_ENOMEM;
  for (size_t i = 0; i < n; i++) {
    if (g.values) og_column_unref(g.values[i]);
    if (g.groups) og_column_unref(g.groups[i]);
  }
  og_free(g.values);
  og_free(g.groups);
  og_free(g.group);
  og_free(g.first);
  return st;
}

static og_status begin_answer(og_ctx *cx, const og_run *run, og_exec_result *out)
{
  out->n_columns = run->plan->n_columns;
  out->columns = og_calloc(cx, out->n_columns + 1, sizeof(og_column *));
  return out->columns ? OG_OK : OG_ENOMEM;
}

static og_status finish_made_groups(og_ctx *cx, og_run *run, og_column *const *groups, size_t n, og_exec_result *out)
{
  OG_TRY(begin_answer(cx, run, out));
  return answer_groups(cx, run, groups, n, out);
}

og_status og_run__finish_groups(og_ctx *cx, og_run *run, og_column *const *groups, size_t n, og_exec_result *out)
{
  og_plan_cost *cost = og_profile_step(run->profile, OG_STEP_GROUP);
  og_plan_cost *before = og_profile_enter(cx, run->profile, cost);
  og_status st = finish_made_groups(cx, run, groups, n, out);
  og_profile_leave(cx, run->profile, before);
  if (cost) cost->rows = (uint64_t)out->n_rows;
  return st;
}

og_status og_run__finish(og_ctx *cx, og_run *run, og_exec_result *out)
{
  bool groups = run->plan->aggregate;
  og_plan_cost *cost = og_profile_step(run->profile, groups ? OG_STEP_GROUP : OG_STEP_ANSWER);
  og_plan_cost *before = og_profile_enter(cx, run->profile, cost);
  og_status st = begin_answer(cx, run, out);
  if (st == OG_OK) st = groups ? finish_groups(cx, run, out) : finish_rows(cx, run, out);
  og_profile_leave(cx, run->profile, before);
  if (cost) cost->rows = (uint64_t)out->n_rows;
  return st;
}
