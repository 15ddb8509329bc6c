/* SPDX-License-Identifier: MIT */
/* answer.c -- is this the answer?
 *
 *   with an order, or groups with a window   the rows in their total order (orderings, then ids or keys), and its part
 *   without an order                         the same bag; with a window, so many of it
 */
#include "model.h"

#include "base/vec.h"
#include "og_test.h"

typedef struct bag {
  const m_val *cells;
  uint32_t width;
} bag;

static int by_cells(const void *a, const void *b, void *arg)
{
  const bag *s = arg;
  const m_val *x = s->cells + *(const size_t *)a * s->width, *y = s->cells + *(const size_t *)b * s->width;
  int c = 0;
  for (uint32_t i = 0; c == 0 && i < s->width; i++) c = m_order(&x[i], &y[i]);
  return c;
}

static size_t *sorted(og_ctx *cx, const m_answer *a)
{
  bag s = {a->cells, a->n_columns};
  size_t *order = m_take(cx, a->n_rows, sizeof *order);
  for (size_t i = 0; i < a->n_rows; i++) order[i] = i;
  OG_CHECK_OK(cx, og_sort(cx, order, a->n_rows, sizeof *order, by_cells, &s));
  return order;
}

static bool same_row(const m_answer *a, size_t i, const m_answer *b, size_t k)
{
  for (uint32_t c = 0; c < a->n_columns; c++)
    if (!m_same(&a->cells[i * a->n_columns + c], &b->cells[k * b->n_columns + c])) return false;
  return true;
}

/* Every row of `got` is one of `all`, each used once. */
static bool is_part(og_ctx *cx, const m_answer *all, const m_answer *got)
{
  size_t *x = sorted(cx, all), *y = sorted(cx, got), i = 0;
  for (size_t k = 0; k < got->n_rows; k++, i++) {
    while (i < all->n_rows && !same_row(all, x[i], got, y[k])) i++;
    if (i == all->n_rows) return false;
  }
  return true;
}

bool m_alike(og_ctx *cx, const m_case *c, const m_answer *all, const m_answer *got, const char **why)
{
  size_t from = c->has_offset ? c->offset : 0, n = from < all->n_rows ? all->n_rows - from : 0;
  if (c->has_limit && c->limit < n) n = c->limit;
  *why = "other columns";
  if (all->n_columns != got->n_columns) return false;
  for (uint32_t i = 0; i < all->n_columns; i++)
    if (!og_str_eq(all->names[i], got->names[i])) return false;
  *why = "another number of rows";
  if (got->n_rows != n) return false;
  if (all->n_keys || (c->aggregate && (c->has_limit || c->has_offset))) {
    *why = "other rows, or in another order";
    for (size_t i = 0; i < n; i++)
      if (!same_row(all, from + i, got, i)) return false;
    return true;
  }
  *why = "other rows";
  return is_part(cx, all, got);
}
