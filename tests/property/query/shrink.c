/* SPDX-License-Identifier: MIT */
/* shrink.c -- a case that fails, made smaller: takes away one thing after the other, and keeps away what is not needed
 * for it to fail. */
#include "model.h"

#include "og_test.h"

typedef struct shrinker {
  og_ctx *cx;
  m_case *c;
  m_fails_fn fails;
  void *arg;
  bool progress;
} shrinker;

static void forget(m_graph *g)
{
  for (uint32_t i = 0; i < g->n_types; i++) g->types[i].hops[0] = g->types[i].hops[1] = g->types[i].direct = NULL;
}

static bool still_fails(shrinker *s)
{
  forget(s->c->graph);
  return s->fails(s->cx, s->c, s->arg);
}

static void without(shrinker *s, bool *off)
{
  if (*off) return;
  *off = true;
  if (still_fails(s))
    s->progress = true;
  else
    *off = false;
}

/* Halves of a table, then quarters, and so on: most rows of a large one have nothing to do with it. */
static void without_rows(shrinker *s, m_type *t)
{
  for (uint32_t width = t->n_rows; width; width /= 2) {
    for (uint32_t from = 0; from < t->n_rows; from += width) {
      uint32_t to = from + width < t->n_rows ? from + width : t->n_rows, gone = 0;
      bool *was = m_take(s->cx, width, sizeof *was);
      for (uint32_t i = from; i < to; i++) {
        was[i - from] = t->rows[i].off;
        gone += !t->rows[i].off;
        t->rows[i].off = true;
      }
      if (gone == 0) continue;
      if (still_fails(s))
        s->progress = true;
      else
        for (uint32_t i = from; i < to; i++) t->rows[i].off = was[i - from];
    }
  }
}

/* An operand instead of the whole, as long as that is a condition still. */
static void simpler(shrinker *s, m_expr **e)
{
  for (uint32_t i = 0; i < (*e)->n_args; i++) {
    m_expr *was = *e;
    if (was->kind != MX_NOT && was->kind != MX_AND && was->kind != MX_OR) return;
    *e = was->args[i];
    if (still_fails(s)) {
      s->progress = true;
      i = UINT32_MAX; /* from the start */
      continue;
    }
    *e = was;
  }
}

static void without_clauses(shrinker *s, m_block *b)
{
  for (uint32_t i = b->n_clauses; i-- > 0;) {
    m_clause *c = &b->clauses[i];
    without(s, &c->off);
    if (c->off) continue;
    if (c->inner) without_clauses(s, c->inner);
    if (c->kind == M_FILTER) simpler(s, &c->expr);
    while (c->n_inline) {
      c->n_inline--;
      if (still_fails(s)) {
        s->progress = true;
        continue;
      }
      c->n_inline++;
      break;
    }
  }
}

static void without_flag(shrinker *s, bool *flag)
{
  if (!*flag) return;
  *flag = false;
  if (still_fails(s))
    s->progress = true;
  else
    *flag = true;
}

static void without_having(shrinker *s)
{
  m_expr *was = s->c->having;
  if (!was) return;
  s->c->having = NULL;
  if (still_fails(s))
    s->progress = true;
  else
    s->c->having = was;
}

/* A column that is ordered by stays; so does the last. */
static void without_columns(shrinker *s)
{
  for (uint32_t i = 0; i < s->c->n_columns; i++) {
    uint32_t others = 0;
    bool used = s->c->having != NULL;
    for (uint32_t k = 0; k < s->c->n_columns; k++) others += k != i && !s->c->columns[k].off;
    for (uint32_t k = 0; k < s->c->n_order; k++) used |= !s->c->order[k].off && s->c->order[k].column == i;
    if (others && !used) without(s, &s->c->columns[i].off);
  }
}

void m_shrink(og_ctx *cx, m_case *c, m_fails_fn fails, void *arg)
{
  shrinker s = {cx, c, fails, arg, true};
  for (unsigned round = 0; s.progress && round < 6; round++) {
    s.progress = false;
    without_clauses(&s, &c->block);
    for (uint32_t i = 0; i < c->n_order; i++) without(&s, &c->order[i].off);
    without_columns(&s);
    without_flag(&s, &c->has_limit);
    without_flag(&s, &c->has_offset);
    without_having(&s);
    for (uint32_t i = c->graph->n_types; i-- > 0;) without_rows(&s, &c->graph->types[i]);
  }
  forget(c->graph);
}
