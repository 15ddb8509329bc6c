/* SPDX-License-Identifier: MIT */
/* evaluate.h -- what evaluate.c leaves to rows.c: the rows found, before they are projected, grouped and ordered. */
#pragma once

#include "base/vec.h"
#include "model.h"

#define M_NO_ROW   UINT32_MAX       /* not known yet, or never visible */
#define M_NULL_ROW (UINT32_MAX - 1) /* of an optional part that has nothing */

typedef struct m_evaluator {
  og_ctx *cx;
  m_case *c;
  uint32_t *at;       /* row per variable, or one of these */
  const m_val *cells; /* of the row that having looks at */
  og_vec rows;        /* uint32_t * n_vars each */
  size_t n_rows;
  uint64_t tried;
  bool too_many;
} m_evaluator;

static inline const m_type *m_type_of(const m_case *c, uint32_t var)
{
  return &c->graph->types[c->vars[var].type];
}

/* Of an expression whose variables are all at a row. */
m_val m_value_of(const m_evaluator *v, const m_expr *e);

/* rows.c: fills the answer, but for its names. */
void m_plain_rows(m_evaluator *v, m_answer *a);
void m_grouped_rows(m_evaluator *v, m_answer *a);
