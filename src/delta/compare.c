/* SPDX-License-Identifier: MIT */
/* delta/compare.c -- columns paired by identity, and rows compared by value. */
#include "delta/delta.h"

static const og_str property_id_key = {"omnigraph.stable_property_id", 28};

/* What tells a column: the property's lasting number, or, of system columns and of graphs that older engines made, its
 * name. */
static og_str identity_of(const og_field *f, bool *numbered)
{
  for (size_t i = 0; i < f->n_meta; i++)
    if (og_str_eq(f->meta[2 * i], property_id_key)) {
      *numbered = true;
      return f->meta[2 * i + 1];
    }
  *numbered = false;
  return f->name;
}

static bool same_column(const og_field *a, const og_field *b)
{
  bool x, y;
  const og_str left = identity_of(a, &x), right = identity_of(b, &y);
  return x == y ? og_str_eq(left, right) : og_str_eq(a->name, b->name);
}

og_status og_delta_pair_columns(og_ctx *cx, og_arena *a, const og_lance_table *from, const og_lance_table *to,
                                og_delta_column **out, uint32_t *n)
{
  const og_schema *x = og_lance_table_schema(from)->arrow, *y = og_lance_table_schema(to)->arrow;
  og_delta_column *pairs = og_arena_calloc(cx, a, (size_t)x->n_fields + y->n_fields + 1, sizeof *pairs);
  if (!pairs) return OG_ENOMEM;
  *out = pairs;
  *n = 0;
  for (uint32_t i = 0; i < x->n_fields; i++) {
    pairs[*n] = (og_delta_column){i, OG_DELTA_ABSENT};
    for (uint32_t k = 0; k < y->n_fields; k++)
      if (same_column(&x->fields[i], &y->fields[k])) pairs[*n].to = k;
    ++*n;
  }
  for (uint32_t k = 0; k < y->n_fields; k++) {
    bool paired = false;
    for (uint32_t i = 0; !paired && i < x->n_fields; i++) paired = pairs[i].to == k;
    if (!paired) pairs[(*n)++] = (og_delta_column){OG_DELTA_ABSENT, k};
  }
  return OG_OK;
}

static og_status take(og_ctx *cx, og_lance_table *t, uint32_t column, const uint64_t *offsets, size_t n, og_batch **out)
{
  *out = NULL;
  return column == OG_DELTA_ABSENT ? OG_OK : og_lance_table_take(cx, t, &column, 1, offsets, n, out);
}

static bool equal_at(const og_batch *x, const og_batch *y, int64_t i)
{
  if (!x || !y) { /* the column is there on one side, or on none */
    const og_batch *any = x ? x : y;
    return !any || og_column_is_null(any->columns[0], i);
  }
  return og_column_value_eq(x->columns[0], i, y->columns[0], i);
}

/* The rows still equal, so that one that differs early costs no further column. */
static size_t pick_equal(const og_delta_pairs *p, const bool *equal, uint64_t *a, uint64_t *b, size_t *which)
{
  size_t left = 0;
  for (size_t i = 0; i < p->n; i++) {
    if (!equal[i]) continue;
    a[left] = p->in_a[i];
    b[left] = p->in_b[i];
    which[left++] = i;
  }
  return left;
}

og_status og_delta_equal_rows(og_ctx *cx, const og_delta_pairs *p, bool *equal)
{
  uint64_t *x = og_calloc(cx, 3 * p->n + 1, sizeof *x), *y = x ? x + p->n : NULL;
  size_t *which = (size_t *)(x ? y + p->n : NULL);
  if (!x) return OG_ENOMEM;
  og_status st = OG_OK;
  for (size_t i = 0; i < p->n; i++) equal[i] = true;
  for (uint32_t c = 0; st == OG_OK && c < p->n_columns; c++) {
    og_batch *left = NULL, *right = NULL;
    const size_t m = pick_equal(p, equal, x, y, which);
    if (m == 0) break;
    st = og_ctx_poll(cx);
    if (st == OG_OK) st = take(cx, p->a, p->columns[c].from, x, m, &left);
    if (st == OG_OK) st = take(cx, p->b, p->columns[c].to, y, m, &right);
    for (size_t i = 0; st == OG_OK && i < m; i++) equal[which[i]] = equal_at(left, right, (int64_t)i);
    og_batch_unref(left);
    og_batch_unref(right);
  }
  og_free(x);
  return st;
}
