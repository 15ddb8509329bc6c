/* SPDX-License-Identifier: MIT */
/* exec/finish.c -- from rows of offsets to the columns of an answer: group, order, limit, and only then the properties.
 *
 * Order is total without aggregates: the orderings, then every variable's id.  Groups come in the order in which their
 * first row arrived.
 */
#include "exec/run.h"

#include "arrow/builder.h"
#include "arrow/kernels.h"
#include "base/map.h"

/* Offsets of slot `slot` in the rows listed. */
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

/* The same value in every row: a literal, a parameter, now(). */
static og_status constant(og_ctx *cx, og_run *run, const og_pexpr *e, size_t n, og_column **out)
{
  og_scalar v;
  og_builder *b;
  const og_field item = {.name = OG_STR("item"), .type = e->type.item, .nullable = true};
  bool nested = og_type_is_nested(e->type.type.id);
  const og_field field = {.name = OG_STR("v"),
                          .type = e->type.type,
                          .nullable = true,
                          .children = nested ? &item : NULL,
                          .n_children = nested ? 1 : 0};
  OG_TRY(og_run__value(cx, run, e, NULL, &v));
  OG_TRY(og_builder_new(cx, &field, &b));
  og_status st = OG_OK;
  for (size_t i = 0; st == OG_OK && i < n; i++)
    st = v.is_null ? og_builder_null(cx, b) : nested ? build_list(cx, b, v.v.list) : build_scalar(cx, b, &v);
  if (st == OG_OK) st = og_builder_finish(cx, b, out);
  og_builder_free(b);
  return st;
}

static og_status fetch(og_ctx *cx, og_run *run, const og_pexpr *e, const uint64_t *rows, size_t n, og_column **out)
{
  if (e->kind != OG_PX_FIELD) return constant(cx, run, e, n, out);
  uint64_t *offsets;
  OG_TRY(slot_rows(cx, run, e->slot, rows, n, &offsets));
  og_status st = og_view_fetch(cx, run->views[e->slot], e->field, offsets, n, out);
  og_free(offsets);
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

static size_t limited(const og_plan *plan, size_t n)
{
  return plan->has_limit && plan->limit < n ? (size_t)plan->limit : n;
}

/* ---- plain answers */

static og_status row_keys(og_ctx *cx, og_run *run, const uint64_t *rows, size_t n, sorter *s)
{
  const og_plan *plan = run->plan;
  s->keys = og_push_array(cx, plan->n_order + plan->n_ties + 1, sizeof *s->keys);
  if (!s->keys) return OG_ENOMEM;
  for (uint32_t i = 0; i < plan->n_order; i++) {
    const og_plan_order *o = &plan->order[i];
    const og_pexpr *e = o->expr ? o->expr : plan->columns[o->column].expr;
    OG_TRY(fetch(cx, run, e, rows, n, &s->keys[s->n].values));
    s->keys[s->n++].desc = o->desc;
  }
  for (uint32_t i = 0; i < plan->n_ties; i++) {
    const og_pexpr id = {.kind = OG_PX_FIELD, .slot = plan->ties[i], .field = OG_FIELD_ID};
    OG_TRY(fetch(cx, run, &id, rows, n, &s->keys[s->n].values));
    s->n++;
  }
  return OG_OK;
}

static og_status order_rows(og_ctx *cx, og_run *run, uint64_t *rows, size_t n)
{
  sorter s = {0};
  if (run->plan->n_order == 0 || n < 2) return OG_OK;
  og_status st = row_keys(cx, run, rows, n, &s);
  if (st == OG_OK) st = sort_positions(cx, &s, rows, n); /* rows were 0..n-1: positions are rows */
  sorter_cleanup(&s);
  return st;
}

static og_status finish_rows(og_ctx *cx, og_run *run, og_exec_result *out)
{
  size_t n = (size_t)run->n_out;
  uint64_t *rows = og_calloc(cx, n + 1, sizeof *rows);
  if (!rows) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++) rows[i] = i;
  og_status st = order_rows(cx, run, rows, n);
  n = limited(run->plan, n);
  for (uint32_t i = 0; st == OG_OK && i < out->n_columns; i++)
    st = fetch(cx, run, run->plan->columns[i].expr, rows, n, &out->columns[i]);
  out->n_rows = (int64_t)n;
  og_free(rows);
  return st;
}

/* ---- groups */

typedef struct grouping {
  og_column **values; /* per plan column: the key or the argument, for every row */
  uint64_t *group;    /* per row */
  uint64_t *first;    /* per group: its first row */
  size_t n_rows, n_groups;
} grouping;

static uint64_t key_hash(const og_plan *plan, const grouping *g, size_t row)
{
  uint64_t h = 0;
  for (uint32_t i = 0; i < plan->n_columns; i++)
    if (!plan->columns[i].is_agg) h = og_column_value_hash(g->values[i], (int64_t)row, h + 0x9e3779b97f4a7c15ull);
  return h;
}

static bool same_keys(const og_plan *plan, const grouping *g, size_t a, size_t b)
{
  for (uint32_t i = 0; i < plan->n_columns; i++)
    if (!plan->columns[i].is_agg && !og_column_value_eq(g->values[i], (int64_t)a, g->values[i], (int64_t)b))
      return false;
  return true;
}

/* Groups chained per hash: chain[g] is the previous group of the same hash, plus 1. */
static og_status assign_groups(og_ctx *cx, const og_plan *plan, grouping *g)
{
  og_umap heads;
  og_vec chain = OG_VEC_INIT(uint64_t);
  og_umap_init(&heads);
  og_status st = OG_OK;
  for (size_t r = 0; st == OG_OK && r < g->n_rows; r++) {
    uint64_t *head = og_umap_at(cx, &heads, key_hash(plan, g, r), NULL), at;
    if (!head) {
      st = OG_ENOMEM;
      break;
    }
    for (at = *head; at && !same_keys(plan, g, g->first[at - 1], r); at = OG_VEC_AT(&chain, uint64_t, at - 1)) {
    }
    if (!at) {
      uint64_t old = *head;
      g->first[g->n_groups++] = r;
      *head = at = g->n_groups;
      st = og_vec_add(cx, &chain, &old);
    }
    g->group[r] = at - 1;
  }
  og_map_cleanup(&heads);
  og_vec_cleanup(&chain);
  return st;
}

typedef struct accumulator {
  int64_t count;
  double sum;
  int64_t best; /* row of the smallest or largest value so far; -1: none */
} accumulator;

static double as_double(const og_column *c, int64_t i)
{
  og_scalar v = og_scalar_at(c, i);
  bool is_float = v.type.id == OG_TYPE_F32 || v.type.id == OG_TYPE_F64;
  bool is_unsigned = v.type.id == OG_TYPE_U32 || v.type.id == OG_TYPE_U64;
  return is_float ? v.v.f : is_unsigned ? (double)v.v.u : (double)v.v.i;
}

static void accumulate(const og_plan_column *c, const og_column *v, int64_t row, accumulator *a)
{
  if (og_column_is_null(v, row)) return;
  a->count++;
  if (c->agg == OG_AGG_SUM || c->agg == OG_AGG_AVG) a->sum += as_double(v, row);
  if (c->agg != OG_AGG_MIN && c->agg != OG_AGG_MAX) return;
  int order = a->best < 0 ? 0 : og_column_value_cmp(v, row, v, a->best);
  if (a->best < 0 || (c->agg == OG_AGG_MIN ? order < 0 : order > 0)) a->best = row;
}

static og_status agg_value(og_ctx *cx, og_builder *b, const og_plan_column *c, const og_column *v, const accumulator *a)
{
  switch (c->agg) {
  case OG_AGG_COUNT: return og_builder_i64(cx, b, a->count);
  case OG_AGG_SUM: return a->count ? og_builder_f64(cx, b, a->sum) : og_builder_null(cx, b);
  case OG_AGG_AVG: return a->count ? og_builder_f64(cx, b, a->sum / (double)a->count) : og_builder_null(cx, b);
  default: return a->best >= 0 ? og_builder_copy(cx, b, v, a->best) : og_builder_null(cx, b);
  }
}

static og_status agg_column(og_ctx *cx, const og_plan_column *c, const grouping *g, const og_column *v, og_column **out)
{
  accumulator *acc = og_calloc(cx, g->n_groups + 1, sizeof *acc);
  og_builder *b = NULL;
  const og_field field = {.name = OG_STR("v"), .type = c->type.type, .nullable = true};
  og_status st = acc ? og_builder_new(cx, &field, &b) : OG_ENOMEM;
  for (size_t i = 0; st == OG_OK && i < g->n_groups; i++) acc[i].best = -1;
  for (size_t r = 0; st == OG_OK && r < g->n_rows; r++) accumulate(c, v, (int64_t)r, &acc[g->group[r]]);
  for (size_t i = 0; st == OG_OK && i < g->n_groups; i++) st = agg_value(cx, b, c, v, &acc[i]);
  if (st == OG_OK) st = og_builder_finish(cx, b, out);
  og_builder_free(b);
  og_free(acc);
  return st;
}

static og_status group_columns(og_ctx *cx, const og_plan *plan, grouping *g, og_column **out)
{
  for (uint32_t i = 0; i < plan->n_columns; i++) {
    const og_plan_column *c = &plan->columns[i];
    OG_TRY(c->is_agg ? agg_column(cx, c, g, g->values[i], &out[i])
                     : og_column_take(cx, g->values[i], (const int64_t *)g->first, (int64_t)g->n_groups, &out[i]));
  }
  return OG_OK;
}

/* Orders and cuts finished groups. */
static og_status order_groups(og_ctx *cx, const og_plan *plan, size_t n_groups, og_exec_result *out)
{
  sorter s = {.keys = og_push_array(cx, plan->n_order + 1, sizeof(sort_key))};
  uint64_t *positions = og_calloc(cx, n_groups + 1, sizeof *positions);
  size_t n = limited(plan, n_groups);
  if (!s.keys || !positions) {
    og_free(positions);
    return OG_ENOMEM;
  }
  for (; s.n < plan->n_order; s.n++)
    s.keys[s.n] = (sort_key){og_column_ref(out->columns[plan->order[s.n].column]), plan->order[s.n].desc};
  og_status st = sort_positions(cx, &s, positions, n_groups);
  for (uint32_t i = 0; st == OG_OK && i < out->n_columns; i++) {
    og_column *sorted;
    st = og_column_take(cx, out->columns[i], (const int64_t *)positions, (int64_t)n, &sorted);
    if (st != OG_OK) break;
    og_column_unref(out->columns[i]);
    out->columns[i] = sorted;
  }
  out->n_rows = (int64_t)n;
  sorter_cleanup(&s);
  og_free(positions);
  return st;
}

static og_status group(og_ctx *cx, og_run *run, grouping *g, og_exec_result *out)
{
  const og_plan *plan = run->plan;
  uint64_t *rows = g->group; /* scratch until groups are assigned */
  bool keyed = false;
  for (size_t i = 0; i < g->n_rows; i++) rows[i] = i;
  for (uint32_t i = 0; i < plan->n_columns; i++) {
    OG_TRY(fetch(cx, run, plan->columns[i].expr, rows, g->n_rows, &g->values[i]));
    keyed = keyed || !plan->columns[i].is_agg;
  }
  OG_TRY(assign_groups(cx, plan, g));
  if (!keyed) g->n_groups = 1; /* one group, even of no rows */
  OG_TRY(group_columns(cx, plan, g, out->columns));
  return order_groups(cx, plan, g->n_groups, out);
}

static og_status finish_groups(og_ctx *cx, og_run *run, og_exec_result *out)
{
  grouping g = {.n_rows = (size_t)run->n_out};
  g.values = og_calloc(cx, run->plan->n_columns + 1, sizeof(og_column *));
  g.group = og_calloc(cx, g.n_rows + 1, sizeof *g.group);
  g.first = og_calloc(cx, g.n_rows + 1, sizeof *g.first);
  og_status st = g.values && g.group && g.first ? group(cx, run, &g, out) : OG_ENOMEM;
  for (uint32_t i = 0; g.values && i < run->plan->n_columns; i++) og_column_unref(g.values[i]);
  og_free(g.values);
  og_free(g.group);
  og_free(g.first);
  return st;
}

og_status og_run__finish(og_ctx *cx, og_run *run, og_exec_result *out)
{
  out->n_columns = run->plan->n_columns;
  out->columns = og_calloc(cx, out->n_columns + 1, sizeof(og_column *));
  if (!out->columns) return OG_ENOMEM;
  return run->plan->aggregate ? finish_groups(cx, run, out) : finish_rows(cx, run, out);
}
