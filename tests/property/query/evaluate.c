/* SPDX-License-Identifier: MIT */
/* evaluate.c -- the answer by trying everything.
 *
 * A block's variables get one row after the other; each clause is looked at as soon as all it mentions is known, and
 * blocks under `not` last.  Whether a walk leads from one node to another is read off the table of distances:
 *
 *   the walk's algorithm (language, 6.3) emits w from s when min <= distance(s, w) <= max and w is not s, for it visits
 *   each node once, at its distance; and by its own loop a node that is in the frontier, which a node at distance d is
 *   at hop d + 1: emitted when that hop is `min` (were it later, the node was emitted already).  A node s itself is at
 *   distance 0.  So only a loop at the far end can tell from which end one walked.
 */
#include "evaluate.h"

#include "og_test.h"

enum { FAR = 255, LONGEST = 250, MOST_TRIED = 300000, MOST_TRIED_IN_LARGE = 30000000 };

/* ---- distances */

/* distance[s * n + w], at most LONGEST; edges along their direction, or both ways. */
static uint8_t *distances(m_evaluator *v, m_type *e, bool both)
{
  if (e->hops[both]) return e->hops[both];
  uint32_t n = v->c->graph->types[e->from].n_rows;
  uint8_t *d = m_take(v->cx, (size_t)n * n, 1);
  memset(d, FAR, (size_t)n * n);
  for (uint32_t s = 0; s < n; s++) {
    uint8_t *of = d + (size_t)s * n;
    of[s] = 0;
    bool more = true;
    for (uint32_t hop = 1; more && hop <= (v->c->graph->large ? 5 : LONGEST); hop++) {
      more = false;
      for (uint32_t i = 0; i < e->n_rows; i++) {
        if (!m_row_is_there(v->c->graph, e, i)) continue;
        uint32_t a = e->rows[i].src, b = e->rows[i].dst;
        if (of[a] == hop - 1 && of[b] == FAR) of[b] = (uint8_t)hop, more = true;
        if (both && of[b] == hop - 1 && of[a] == FAR) of[a] = (uint8_t)hop, more = true;
      }
    }
  }
  return e->hops[both] = d;
}

static bool edge_between(m_evaluator *v, m_type *e, uint32_t from, uint32_t to)
{
  const m_graph *g = v->c->graph;
  size_t width = g->types[e->to].n_rows;
  if (!e->direct) {
    e->direct = m_take(v->cx, g->types[e->from].n_rows * width, 1);
    for (uint32_t i = 0; i < e->n_rows; i++)
      if (m_row_is_there(g, e, i)) e->direct[e->rows[i].src * width + e->rows[i].dst] = 1;
  }
  return e->direct[from * width + to];
}

static bool walks(m_evaluator *v, const m_clause *w)
{
  m_graph *g = v->c->graph;
  m_type *e = &g->types[w->type];
  uint32_t one = v->at[w->turned ? w->right : w->left], other = v->at[w->turned ? w->left : w->right];
  if (w->edge_var != M_NO_VAR) {
    const m_row *row = &e->rows[v->at[w->edge_var]];
    return (row->src == one && row->dst == other) || (w->undirected && row->src == other && row->dst == one);
  }
  if (e->from != e->to) return w->min == 1 && edge_between(v, e, one, other);
  uint32_t n = g->types[e->from].n_rows, far = w->from_right ? one : other;
  uint32_t d = distances(v, e, w->undirected)[(size_t)one * n + other];
  if (one != other && d >= w->min && d <= w->max) return true;
  return d + 1 == w->min && edge_between(v, e, far, far);
}

/* ---- expressions */

static m_val truth(const m_expr *e, const m_val *a, const m_val *b)
{
  int c = 0;
  if (a->kind == M_NULL || b->kind == M_NULL) return m_null();
  if (e->kind == MX_STARTS_WITH)
    return m_bool(b->s.len <= a->s.len && (b->s.len == 0 || memcmp(a->s.ptr, b->s.ptr, b->s.len) == 0));
  if (e->kind == MX_CONTAINS && a->kind == M_TEXT) {
    for (size_t i = 0; i + b->s.len <= a->s.len; i++)
      if (b->s.len == 0 || memcmp(a->s.ptr + i, b->s.ptr, b->s.len) == 0) return m_bool(true);
    return m_bool(false);
  }
  if (e->kind == MX_CONTAINS) {
    for (uint32_t i = 0; i < a->n_items; i++)
      if (m_compare(&a->items[i], b, &c) && c == 0) return m_bool(true);
    return m_bool(false);
  }
  OG_CHECK(m_compare(a, b, &c));
  switch (e->op) {
  case M_EQ: return m_bool(c == 0);
  case M_NE: return m_bool(c != 0);
  case M_LT: return m_bool(c < 0);
  case M_LE: return m_bool(c <= 0);
  case M_GT: return m_bool(c > 0);
  default: return m_bool(c >= 0);
  }
}

m_val m_value_of(const m_evaluator *v, const m_expr *e)
{
  switch (e->kind) {
  case MX_LITERAL: return e->value;
  case MX_PARAM: return v->c->params[e->param].value;
  case MX_NOW: return (m_val){.kind = M_TIME, .i = 1800000000000, .slack = 1e11}; /* all others are decades away */
  case MX_PROP: return m_type_of(v->c, e->var)->rows[v->at[e->var]].values[e->prop];
  case MX_ID: return m_text(m_type_of(v->c, e->var)->rows[v->at[e->var]].id);
  default: break;
  }
  m_val a = m_value_of(v, e->args[0]), b = m_value_of(v, e->args[1]);
  return truth(e, &a, &b);
}

static bool is_true(const m_evaluator *v, const m_expr *e)
{
  m_val t = m_value_of(v, e);
  return t.kind == M_BOOL && t.i;
}

/* ---- clauses and blocks */

typedef struct unknowns { /* variables of a block that are not known from outside, in the order of first mention */
  uint32_t vars[64], n;
} unknowns;

static void add_unknown(const m_evaluator *v, unknowns *u, uint32_t var)
{
  if (var == M_NO_VAR || v->at[var] != M_NO_ROW) return;
  for (uint32_t i = 0; i < u->n; i++)
    if (u->vars[i] == var) return;
  u->vars[u->n++] = var;
}

static bool expr_known(const m_evaluator *v, const m_expr *e)
{
  if ((e->kind == MX_PROP || e->kind == MX_ID) && v->at[e->var] == M_NO_ROW) return false;
  for (uint32_t i = 0; i < e->n_args; i++)
    if (!expr_known(v, e->args[i])) return false;
  return true;
}

static bool clause_known(const m_evaluator *v, const m_clause *c)
{
  switch (c->kind) {
  case M_BIND: return v->at[c->var] != M_NO_ROW;
  case M_FILTER: return expr_known(v, c->expr);
  case M_WALK:
    return v->at[c->left] != M_NO_ROW && v->at[c->right] != M_NO_ROW &&
           (c->edge_var == M_NO_VAR || v->at[c->edge_var] != M_NO_ROW);
  default: return false;
  }
}

static bool expr_names(const m_expr *e, uint32_t var)
{
  if ((e->kind == MX_PROP || e->kind == MX_ID) && e->var == var) return true;
  for (uint32_t i = 0; i < e->n_args; i++)
    if (expr_names(e->args[i], var)) return true;
  return false;
}

static bool clause_names(const m_clause *c, uint32_t var)
{
  if (c->kind == M_BIND) return c->var == var;
  if (c->kind == M_WALK) return c->left == var || c->right == var || c->edge_var == var;
  return c->kind == M_FILTER && expr_names(c->expr, var);
}

static bool holds(m_evaluator *v, const m_clause *c)
{
  if (c->kind == M_WALK) return walks(v, c);
  if (c->kind == M_FILTER) return is_true(v, c->expr);
  for (uint32_t i = 0; i < c->n_inline; i++)
    if (!is_true(v, c->inlines[i])) return false;
  return true;
}

typedef bool (*found_fn)(m_evaluator *v); /* false: enough */

static bool found_one(m_evaluator *v)
{
  (void)v;
  return false;
}

static bool extend(m_evaluator *v, const m_block *b, const unknowns *u, uint32_t next, found_fn found);

/* Whether the block has a row, given what is known. */
static bool any_row(m_evaluator *v, const m_block *b)
{
  unknowns u = {.n = 0};
  for (uint32_t i = 0; i < b->n_clauses; i++) {
    const m_clause *c = &b->clauses[i];
    if (c->off) continue;
    if (c->kind == M_BIND) add_unknown(v, &u, c->var);
    if (c->kind == M_WALK) {
      add_unknown(v, &u, c->left);
      add_unknown(v, &u, c->right);
      add_unknown(v, &u, c->edge_var);
    }
  }
  for (uint32_t i = 0; i < b->n_clauses; i++) /* what is about outer variables alone */
    if (!b->clauses[i].off && clause_known(v, &b->clauses[i]) && !holds(v, &b->clauses[i])) return false;
  return !extend(v, b, &u, 0, found_one);
}

static bool nots_hold(m_evaluator *v, const m_block *b)
{
  for (uint32_t i = 0; i < b->n_clauses; i++)
    if (!b->clauses[i].off && b->clauses[i].kind == M_NOT && any_row(v, b->clauses[i].inner)) return false;
  return true;
}

static bool fits(m_evaluator *v, const m_block *b, uint32_t var)
{
  for (uint32_t i = 0; i < b->n_clauses; i++) {
    const m_clause *c = &b->clauses[i];
    if (!c->off && clause_names(c, var) && clause_known(v, c) && !holds(v, c)) return false;
  }
  return true;
}

/* Every way to give the variables from `next` on a row; false when `found` had enough. */
static bool extend(m_evaluator *v, const m_block *b, const unknowns *u, uint32_t next, found_fn found)
{
  if (next == u->n) return nots_hold(v, b) ? found(v) : true;
  uint32_t var = u->vars[next];
  const m_type *t = m_type_of(v->c, var);
  bool more = true;
  for (uint32_t row = 0; more && row < t->n_rows; row++) {
    if (!m_row_is_there(v->c->graph, t, row)) continue;
    v->at[var] = row;
    v->too_many |= ++v->tried > (v->c->graph->large ? MOST_TRIED_IN_LARGE : MOST_TRIED);
    if (v->too_many) break;
    if (fits(v, b, var)) more = extend(v, b, u, next + 1, found);
  }
  v->at[var] = M_NO_ROW;
  return more && !v->too_many;
}

static bool keep_row(m_evaluator *v)
{
  v->too_many |= ++v->n_rows > M_MANY_ROWS;
  for (uint32_t i = 0; i < v->c->n_vars; i++) OG_CHECK_OK(v->cx, og_vec_add(v->cx, &v->rows, &v->at[i]));
  return !v->too_many;
}

static void find_rows(m_evaluator *v)
{
  unknowns u = {.n = 0};
  const m_block *b = &v->c->block;
  for (uint32_t i = 0; i < b->n_clauses; i++) {
    const m_clause *c = &b->clauses[i];
    if (c->off) continue;
    if (c->kind == M_BIND) add_unknown(v, &u, c->var);
    if (c->kind == M_WALK) {
      add_unknown(v, &u, c->left);
      add_unknown(v, &u, c->edge_var); /* sooner than its other end: an edge says which that is */
      add_unknown(v, &u, c->right);
    }
  }
  for (uint32_t i = 0; i < b->n_clauses; i++)
    if (!b->clauses[i].off && b->clauses[i].kind == M_FILTER && clause_known(v, &b->clauses[i]) &&
        !holds(v, &b->clauses[i]))
      return;
  extend(v, b, &u, 0, keep_row);
}

bool m_evaluate(og_ctx *cx, m_case *c, m_answer *out)
{
  m_evaluator v = {.cx = cx, .c = c, .rows = OG_VEC_INIT(uint32_t)};
  *out = (m_answer){0};
  v.at = m_take(cx, c->n_vars, sizeof *v.at);
  out->names = m_take(cx, c->n_columns, sizeof *out->names);
  memset(v.at, 0xff, c->n_vars * sizeof *v.at);
  for (uint32_t i = 0; i < c->n_columns; i++)
    if (!c->columns[i].off) out->names[out->n_columns++] = c->columns[i].name;
  for (uint32_t i = 0; i < c->n_order; i++) out->n_keys += !c->order[i].off;
  find_rows(&v);
  if (!v.too_many) c->aggregate ? m_grouped_rows(&v, out) : m_plain_rows(&v, out);
  og_vec_cleanup(&v.rows);
  return !v.too_many;
}
