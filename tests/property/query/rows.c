/* SPDX-License-Identifier: MIT */
/* rows.c -- from the rows found to the answer: columns, groups, order. */
#include "evaluate.h"

#include "og_test.h"

static void at_row(m_evaluator *v, size_t i)
{
  memcpy(v->at, (const uint32_t *)v->rows.data + i * v->c->n_vars, v->c->n_vars * sizeof *v->at);
}

typedef struct named {
  const m_case *c;
  const m_answer *a;
  const uint32_t *rows;
  uint32_t vars[64], n;
} named;

static int by_var_name(const m_case *c, uint32_t a, uint32_t b)
{
  m_val x = m_text(c->vars[a].name), y = m_text(c->vars[b].name);
  return m_order(&x, &y);
}

static int by_keys(const named *s, size_t x, size_t y)
{
  for (uint32_t k = 0, shown = 0; shown < s->a->n_keys; k++) {
    if (s->c->order[k].off) continue;
    int c = m_order(&s->a->keys[x * s->a->n_keys + shown], &s->a->keys[y * s->a->n_keys + shown]);
    shown++;
    if (c) return s->c->order[k].desc ? -c : c;
  }
  return 0;
}

static m_val id_of(const named *s, size_t row, uint32_t var)
{
  uint32_t at = s->rows[row * s->c->n_vars + var];
  return at == M_NULL_ROW ? m_null() : m_text(m_type_of(s->c, var)->rows[at].id);
}

static int by_keys_and_ids(const void *a, const void *b, void *arg)
{
  const named *s = arg;
  size_t x = *(const size_t *)a, y = *(const size_t *)b;
  int c = by_keys(s, x, y);
  for (uint32_t i = 0; c == 0 && i < s->n; i++) {
    m_val p = id_of(s, x, s->vars[i]), q = id_of(s, y, s->vars[i]);
    c = m_order(&p, &q);
  }
  for (uint32_t i = 0, k = 0; c == 0 && s->c->aggregate && i < s->c->n_columns; i++) { /* groups: by their keys */
    if (s->c->columns[i].off) continue;
    if (s->c->columns[i].agg == M_PLAIN)
      c = m_order(&s->a->cells[x * s->a->n_columns + k], &s->a->cells[y * s->a->n_columns + k]);
    k++;
  }
  return c;
}

/* Visible variables, by name. */
static void name_vars(m_evaluator *v, named *s)
{
  for (uint32_t i = 0; i < v->c->n_vars; i++) {
    if (v->at[i] == M_NO_ROW || v->c->vars[i].anonymous || v->c->vars[i].is_path) continue;
    uint32_t k = s->n++;
    for (; k && by_var_name(v->c, s->vars[k - 1], i) > 0; k--) s->vars[k] = s->vars[k - 1];
    s->vars[k] = i;
  }
}

/* Whether having lets a row through; `cells` are those of the columns that are on. */
static bool is_had(m_evaluator *v, const m_val *cells)
{
  m_val all[64];
  if (!v->c->having) return true;
  for (uint32_t i = 0; i < v->c->n_columns; i++) all[i] = v->c->columns[i].off ? m_null() : *cells++;
  v->cells = all;
  m_val t = m_value_of(v, v->c->having);
  return t.kind == M_BOOL && t.i;
}

static void reorder(m_evaluator *v, named *s, m_answer *a)
{
  size_t *order = m_take(v->cx, a->n_rows, sizeof *order);
  m_val *cells = m_take(v->cx, a->n_rows * a->n_columns, sizeof *cells);
  m_val *keys = m_take(v->cx, a->n_rows * a->n_keys, sizeof *keys);
  size_t kept = 0;
  for (size_t i = 0; i < a->n_rows; i++)
    if (is_had(v, a->cells + i * a->n_columns)) order[kept++] = i;
  a->n_rows = kept;
  OG_CHECK_OK(v->cx, og_sort(v->cx, order, a->n_rows, sizeof *order, by_keys_and_ids, s));
  for (size_t i = 0; i < a->n_rows; i++) {
    memcpy(cells + i * a->n_columns, a->cells + order[i] * a->n_columns, a->n_columns * sizeof *cells);
    memcpy(keys + i * a->n_keys, a->keys + order[i] * a->n_keys, a->n_keys * sizeof *keys);
  }
  a->cells = cells;
  a->keys = keys;
}

void m_plain_rows(m_evaluator *v, m_answer *a)
{
  named s = {.c = v->c, .a = a, .rows = v->rows.data};
  a->n_rows = v->n_rows;
  a->cells = m_take(v->cx, a->n_rows * a->n_columns, sizeof *a->cells);
  a->keys = m_take(v->cx, a->n_rows * a->n_keys, sizeof *a->keys);
  for (size_t i = 0; i < a->n_rows; i++) {
    at_row(v, i);
    if (i == 0) name_vars(v, &s);
    m_val *cell = a->cells + i * a->n_columns, *key = a->keys + i * a->n_keys;
    for (uint32_t k = 0; k < v->c->n_columns; k++)
      if (!v->c->columns[k].off) *cell++ = m_value_of(v, v->c->columns[k].expr);
    for (uint32_t k = 0; k < v->c->n_order; k++) {
      const m_ordering *o = &v->c->order[k];
      if (!o->off) *key++ = m_value_of(v, o->column == M_NO_VAR ? o->expr : v->c->columns[o->column].expr);
    }
  }
  reorder(v, &s, a);
}

/* ---- groups */

typedef struct total {
  uint64_t n;
  bool floats;
  int64_t high, low; /* of integers the sum is high * 2^32 + low */
  double sum, size;  /* of all as floats, and of their sizes */
  m_val best;
  og_vec seen; /* m_val; distinct */
} total;

static void add_integer(total *t, const m_val *x)
{
  int64_t high = (int64_t)(x->magnitude >> 32), low = (int64_t)(x->magnitude & UINT32_MAX);
  t->high += x->negative ? -high : high;
  t->low += x->negative ? -low : low;
}

static bool was_seen(m_evaluator *v, total *t, const m_val *x)
{
  for (size_t i = 0; i < t->seen.len; i++)
    if (m_order(&OG_VEC_AT(&t->seen, m_val, i), x) == 0) return true;
  t->seen.elem = sizeof *x;
  OG_CHECK_OK(v->cx, og_vec_add(v->cx, &t->seen, x));
  return false;
}

static void accumulate(total *t, m_agg agg, const m_val *x)
{
  if (x->kind == M_NULL) return;
  t->n++;
  if (agg == M_SUM || agg == M_AVG) {
    double f = x->kind == M_FLOAT ? x->f : (x->negative ? -1.0 : 1.0) * (double)x->magnitude;
    t->floats |= x->kind == M_FLOAT;
    if (x->kind == M_INT) add_integer(t, x);
    t->sum += f;
    t->size += f < 0 ? -f : f;
  }
  bool better = t->n == 1 || (agg == M_MIN && m_order(x, &t->best) < 0) || (agg == M_MAX && m_order(x, &t->best) > 0);
  if (better) t->best = *x;
}

/* high * 2^32 + low as a value, if it fits I64 or U64; whether it exceeds I64. */
static m_val integer_total(const total *t, bool *overflows)
{
  int64_t carry = t->low >> 32, high = t->high + carry;
  int64_t low = t->low - carry * 4294967296;
  bool fits = high >= -2147483648LL && high <= 2147483647LL;
  if (fits) return m_int(high * 4294967296 + low);
  *overflows = true;
  if (high < 0 || high > UINT32_MAX) return m_null();
  return (m_val){.kind = M_INT, .magnitude = (uint64_t)high << 32 | (uint64_t)low};
}

static m_val result_of(const total *t, m_agg agg, bool *overflows)
{
  m_val v = m_null();
  if (agg == M_COUNT) return m_int((int64_t)t->n);
  if (t->n == 0) return v;
  if (agg == M_MIN || agg == M_MAX) return t->best;
  if (agg == M_SUM && !t->floats) return integer_total(t, overflows);
  v = m_float(agg == M_AVG ? t->sum / (double)t->n : t->sum);
  v.slack = 1e-300 + t->size * 1e-12;
  return v;
}

static bool same_group(const m_answer *a, const m_case *c, size_t group, const m_val *cells)
{
  for (uint32_t i = 0, shown = 0; i < c->n_columns; i++) {
    if (c->columns[i].off) continue;
    if (c->columns[i].agg == M_PLAIN && m_order(&a->cells[group * a->n_columns + shown], &cells[shown]) != 0)
      return false;
    shown++;
  }
  return true;
}

/* The group these cells belong to, perhaps a new one. */
static size_t group_of(const m_case *c, m_answer *a, const m_val *cells)
{
  size_t g = 0;
  while (g < a->n_rows && !same_group(a, c, g, cells)) g++;
  if (g == a->n_rows) memcpy(a->cells + a->n_columns * a->n_rows++, cells, a->n_columns * sizeof *cells);
  return g;
}

static void add_row(m_evaluator *v, m_answer *a, total *totals)
{
  const m_case *c = v->c;
  m_val cells[64];
  for (uint32_t i = 0, k = 0; i < c->n_columns; i++)
    if (!c->columns[i].off) cells[k++] = m_value_of(v, c->columns[i].expr);
  size_t g = group_of(c, a, cells);
  for (uint32_t i = 0, k = 0; i < c->n_columns; i++) {
    if (c->columns[i].off) continue;
    total *t = &totals[g * a->n_columns + k];
    bool again = c->columns[i].distinct && was_seen(v, t, &cells[k]);
    if (c->columns[i].agg != M_PLAIN && !again) accumulate(t, c->columns[i].agg, &cells[k]);
    k++;
  }
}

static void finish_group(const m_case *c, m_answer *a, size_t g, const total *totals)
{
  uint32_t shown[64];
  m_val *cells = a->cells + g * a->n_columns, *key = a->keys + g * a->n_keys;
  for (uint32_t i = 0, k = 0; i < c->n_columns; i++) {
    if (c->columns[i].off) continue;
    shown[i] = k;
    if (c->columns[i].agg != M_PLAIN)
      cells[k] = result_of(&totals[g * a->n_columns + k], c->columns[i].agg, &a->overflows);
    k++;
  }
  for (uint32_t i = 0; i < c->n_order; i++)
    if (!c->order[i].off) *key++ = cells[shown[c->order[i].column]];
}

void m_grouped_rows(m_evaluator *v, m_answer *a)
{
  const m_case *c = v->c;
  named s = {.c = c, .a = a};
  bool keyed = false;
  total *totals = m_take(v->cx, (v->n_rows + 1) * a->n_columns, sizeof *totals);
  a->cells = m_take(v->cx, (v->n_rows + 1) * a->n_columns, sizeof *a->cells);
  for (uint32_t i = 0; i < c->n_columns; i++) keyed |= !c->columns[i].off && c->columns[i].agg == M_PLAIN;
  if (!keyed) a->n_rows = 1;
  for (size_t r = 0; r < v->n_rows; r++) {
    at_row(v, r);
    add_row(v, a, totals);
  }
  a->keys = m_take(v->cx, a->n_rows * a->n_keys, sizeof *a->keys);
  for (size_t g = 0; g < a->n_rows; g++) finish_group(c, a, g, totals);
  for (size_t i = 0; i < (v->n_rows + 1) * a->n_columns; i++) og_vec_cleanup(&totals[i].seen);
  reorder(v, &s, a);
}
