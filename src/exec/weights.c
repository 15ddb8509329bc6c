/* SPDX-License-Identifier: MIT */
#include "exec/weights.h"

#include <math.h>

/* ---- amounts */

static og_amount value_of(const og_measure *m, int64_t row)
{
  og_scalar v = og_scalar_at(m->column, row);
  switch (m->kind) {
  case OG_MEASURE_INT:
    return (og_amount){.i = v.type.id >= OG_TYPE_U8 && v.type.id <= OG_TYPE_U64 ? (og_i128)v.v.u : (og_i128)v.v.i};
  case OG_MEASURE_FLOAT: return (og_amount){.f = {v.v.f, 0}};
  default: return (og_amount){.i = 1};
  }
}

og_amount og_amount_of(const og_measure *m, uint64_t row, uint64_t times)
{
  if (og_column_is_null(m->column, (int64_t)row)) return (og_amount){0};
  if (m->kind >= OG_MEASURE_MIN) return (og_amount){.best = row + 1};
  return og_amount_times(m, value_of(m, (int64_t)row), times);
}

/* Sums of two doubles, after Dekker and Knuth: an error of the last bits of 106, not of 53. */
static og_amount add_doubles(og_amount a, og_amount b)
{
  double sum = a.f.hi + b.f.hi;
  if (!isfinite(sum)) return (og_amount){.f = {sum, 0}};
  double part = sum - a.f.hi, error = (a.f.hi - (sum - part)) + (b.f.hi - part) + a.f.lo + b.f.lo;
  double hi = sum + error;
  return (og_amount){.f = {hi, error - (hi - sum)}};
}

static og_amount better(const og_measure *m, og_amount a, og_amount b)
{
  if (a.best == 0 || b.best == 0) return a.best ? a : b;
  int c = og_column_value_cmp(m->column, (int64_t)a.best - 1, m->column, (int64_t)b.best - 1);
  return (m->kind == OG_MEASURE_MIN ? c <= 0 : c >= 0) ? a : b;
}

og_amount og_amount_add(const og_measure *m, og_amount a, og_amount b)
{
  if (m->kind == OG_MEASURE_FLOAT) return add_doubles(a, b);
  if (m->kind >= OG_MEASURE_MIN) return better(m, a, b);
  return (og_amount){.i = a.i + b.i};
}

og_amount og_amount_times(const og_measure *m, og_amount a, uint64_t times)
{
  if (m->kind >= OG_MEASURE_MIN || times == 1) return a;
  if (m->kind != OG_MEASURE_FLOAT) return (og_amount){.i = a.i * (og_i128)times};
  double by = (double)times, product = a.f.hi * by;
  if (!isfinite(product)) return (og_amount){.f = {product, 0}};
  const og_amount high = {.f = {product, fma(a.f.hi, by, -product)}}, low = {.f = {a.f.lo * by, 0}};
  return add_doubles(high, low);
}

/* ---- sparse sets */

void og_sparse_cleanup(og_sparse *s)
{
  og_free(s->rows);
  og_free(s->weights);
  og_free(s->amounts);
  og_free(s->index);
  *s = (og_sparse){.n_measures = s->n_measures};
}

static size_t place_of(const og_sparse *s, uint32_t row)
{
  size_t i = (row * 0x9e3779b97f4a7c15ull) >> 32 & s->mask;
  while (s->index[i] && s->rows[s->index[i] - 1] != row) i = (i + 1) & s->mask;
  return i;
}

size_t og_sparse_find(const og_sparse *s, uint32_t row)
{
  if (s->n == 0) return OG_SPARSE_NONE;
  uint32_t at = s->index[place_of(s, row)];
  return at ? at - 1 : OG_SPARSE_NONE;
}

static og_status grow(og_ctx *cx, og_sparse *s)
{
  size_t cap = s->cap ? s->cap * 2 : 32;
  uint32_t *rows = og_realloc(cx, s->rows, cap * sizeof *rows);
  if (!rows) return OG_ENOMEM;
  s->rows = rows;
  uint64_t *weights = og_realloc(cx, s->weights, cap * sizeof *weights);
  if (!weights) return OG_ENOMEM;
  s->weights = weights;
  if (s->n_measures) {
    og_amount *amounts = og_realloc(cx, s->amounts, cap * s->n_measures * sizeof *amounts);
    if (!amounts) return OG_ENOMEM;
    s->amounts = amounts;
  }
  s->cap = cap;
  return OG_OK;
}

og_status og_sparse_append(og_ctx *cx, og_sparse *s, uint32_t row, size_t *out)
{
  if (s->n == s->cap) OG_TRY(grow(cx, s));
  s->rows[s->n] = row;
  s->weights[s->n] = 0;
  for (uint32_t k = 0; k < s->n_measures; k++) s->amounts[s->n * s->n_measures + k] = (og_amount){0};
  *out = s->n++;
  return OG_OK;
}

og_status og_sparse_index(og_ctx *cx, og_sparse *s)
{
  if (!s->index || s->n * 2 > s->mask) {
    size_t size = 64;
    while (size < s->n * 3) size *= 2;
    uint32_t *index = og_calloc(cx, size, sizeof *index);
    if (!index) return OG_ENOMEM;
    og_free(s->index);
    s->index = index;
    s->mask = size - 1;
    s->n_indexed = 0;
  }
  for (; s->n_indexed < s->n; s->n_indexed++) {
    size_t i = place_of(s, s->rows[s->n_indexed]);
    s->index[i] = (uint32_t)s->n_indexed + 1;
  }
  return OG_OK;
}

og_status og_sparse_at(og_ctx *cx, og_sparse *s, uint32_t row, size_t *out)
{
  if (!s->index || s->n_indexed != s->n || s->n * 2 > s->mask) OG_TRY(og_sparse_index(cx, s));
  size_t i = place_of(s, row);
  if (s->index[i]) {
    *out = s->index[i] - 1;
    return OG_OK;
  }
  OG_TRY(og_sparse_append(cx, s, row, out));
  s->index[i] = (uint32_t)s->n;
  s->n_indexed = s->n;
  return OG_OK;
}
