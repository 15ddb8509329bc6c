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

/* By how many hops the walk comes from one end to the other; 0: it does not. */
static uint32_t hops_of(m_evaluator *v, const m_clause *w)
{
  m_graph *g = v->c->graph;
  m_type *e = &g->types[w->type];
  uint32_t one = v->at[w->turned ? w->right : w->left], other = v->at[w->turned ? w->left : w->right];
  if (one == M_NULL_ROW || other == M_NULL_ROW) return 0;
  if (w->edge_var != M_NO_VAR) {
    if (v->at[w->edge_var] == M_NULL_ROW) return 0;
    const m_row *row = &e->rows[v->at[w->edge_var]];
    return (row->src == one && row->dst == other) || (w->undirected && row->src == other && row->dst == one);
  }
  if (e->from != e->to) return w->min == 1 && edge_between(v, e, one, other);
  uint32_t n = g->types[e->from].n_rows, far = w->from_right ? one : other;
  uint32_t d = distances(v, e, w->undirected)[(size_t)one * n + other];
  if (one != other && d >= w->min && d <= w->max && d != FAR) return d;
  return d + 1 == w->min && edge_between(v, e, far, far) ? w->min : 0;
}

/* ---- expressions */

static bool ends_with(og_str s, og_str end)
{
  return end.len <= s.len && (end.len == 0 || memcmp(s.ptr + s.len - end.len, end.ptr, end.len) == 0);
}

static bool holds_text(og_str s, og_str part)
{
  for (size_t i = 0; i + part.len <= s.len; i++)
    if (part.len == 0 || memcmp(s.ptr + i, part.ptr, part.len) == 0) return true;
  return false;
}

static m_val compared(m_op op, const m_val *a, const m_val *b)
{
  int c = 0;
  if (a->kind == M_NULL || b->kind == M_NULL) return m_null();
  OG_CHECK(m_compare(a, b, &c));
  switch (op) {
  case M_EQ: return m_bool(c == 0);
  case M_NE: return m_bool(c != 0);
  case M_LT: return m_bool(c < 0);
  case M_LE: return m_bool(c <= 0);
  case M_GT: return m_bool(c > 0);
  default: return m_bool(c >= 0);
  }
}

static m_val of_two(const m_expr *e, const m_val *a, const m_val *b)
{
  if (e->kind == MX_COMPARE) return compared(e->op, a, b);
  if (a->kind == M_NULL || b->kind == M_NULL) return m_null();
  if (e->kind == MX_ENDS_WITH) return m_bool(ends_with(a->s, b->s));
  if (e->kind == MX_STARTS_WITH) return m_bool(b->s.len <= a->s.len && ends_with((og_str){a->s.ptr, b->s.len}, b->s));
  if (a->kind == M_TEXT) return m_bool(holds_text(a->s, b->s));
  for (uint32_t i = 0; i < a->n_items; i++) {
    m_val same = compared(M_EQ, &a->items[i], b);
    if (same.i) return same;
  }
  return m_bool(false);
}

static m_val negated(m_val v)
{
  return v.kind == M_NULL ? v : m_bool(!v.i);
}

/* AND is settled by false, OR by true; else null, if one is. */
static m_val joined(const m_evaluator *v, const m_expr *e)
{
  bool settles = e->kind == MX_OR;
  m_val out = m_bool(!settles);
  for (uint32_t i = 0; i < e->n_args; i++) {
    m_val x = m_value_of(v, e->args[i]);
    if (x.kind == M_NULL)
      out = x;
    else if (x.i == settles)
      return x;
  }
  return out;
}

static m_val is_one_of(const m_evaluator *v, const m_expr *e)
{
  m_val x = m_value_of(v, e->args[0]), out = m_bool(false);
  for (uint32_t i = 1; i < e->n_args; i++) {
    m_val y = m_value_of(v, e->args[i]), same = compared(M_EQ, &x, &y);
    if (same.kind == M_NULL)
      out = same;
    else if (same.i)
      return same;
  }
  return out;
}

static m_val arithmetic(const m_evaluator *v, char sign, const m_val *a, const m_val *b)
{
  if (a->kind == M_NULL || b->kind == M_NULL) return m_null();
  if (a->kind == M_TEXT) {
    char *both = m_take(v->cx, a->s.len + b->s.len, 1);
    if (a->s.len) memcpy(both, a->s.ptr, a->s.len);
    if (b->s.len) memcpy(both + a->s.len, b->s.ptr, b->s.len);
    return m_text(og_str_from(both, a->s.len + b->s.len));
  }
  int64_t i = a->negative ? -(int64_t)a->magnitude : (int64_t)a->magnitude;
  int64_t k = b->negative ? -(int64_t)b->magnitude : (int64_t)b->magnitude;
  if (a->kind == M_INT && b->kind == M_INT) return m_int(sign == '+' ? i + k : sign == '-' ? i - k : i * k);
  double f = a->kind == M_INT ? (double)i : a->f, g = b->kind == M_INT ? (double)k : b->f;
  return m_float(sign == '+' ? f + g : sign == '-' ? f - g : f * g);
}

static m_val length_of(const m_val *a)
{
  int64_t n = 0;
  if (a->kind == M_NULL) return *a;
  for (size_t i = 0; i < a->s.len; i++) n += ((unsigned char)a->s.ptr[i] & 0xC0) != 0x80;
  return m_int(n);
}

/* The walk that the path variable is of. */
static const m_clause *walk_of(const m_block *b, uint32_t path)
{
  for (uint32_t i = 0; i < b->n_clauses; i++) {
    const m_clause *c = &b->clauses[i];
    if (c->kind == M_WALK && c->path_var == path) return c;
    const m_clause *in = c->inner ? walk_of(c->inner, path) : NULL;
    if (in) return in;
  }
  return NULL;
}

static m_val leaf(const m_evaluator *v, const m_expr *e)
{
  if (e->kind == MX_HOPS) {
    if (v->at[e->var] == M_NULL_ROW) return m_null();
    const m_clause *w = walk_of(&v->c->block, e->var);
    uint32_t hops = hops_of((m_evaluator *)(uintptr_t)v, w);
    return hops ? m_int(hops) : m_null();
  }
  if (v->at[e->var] == M_NULL_ROW) return m_null();
  const m_row *row = &m_type_of(v->c, e->var)->rows[v->at[e->var]];
  return e->kind == MX_ID ? m_text(row->id) : row->values[e->prop];
}

m_val m_value_of(const m_evaluator *v, const m_expr *e)
{
  m_val args[3] = {{0}};
  switch (e->kind) {
  case MX_LITERAL: return e->value;
  case MX_PARAM: return v->c->params[e->param].value;
  case MX_NOW: return (m_val){.kind = M_TIME, .i = 1800000000000, .slack = 1e11}; /* all others are decades away */
  case MX_PROP:
  case MX_ID:
  case MX_HOPS: return leaf(v, e);
  case MX_COLUMN: return v->cells[e->column];
  case MX_AND:
  case MX_OR: return joined(v, e);
  case MX_IN: args[0] = is_one_of(v, e); return e->negated ? negated(args[0]) : args[0];
  default: break;
  }
  for (uint32_t i = 0; i < e->n_args; i++) args[i] = m_value_of(v, e->args[i]);
  switch (e->kind) {
  case MX_NOT: return negated(args[0]);
  case MX_IS_NULL: return m_bool((args[0].kind == M_NULL) != e->negated);
  case MX_ARITH: return arithmetic(v, e->sign, &args[0], &args[1]);
  case MX_LENGTH: return length_of(&args[0]);
  case MX_COALESCE: return args[args[0].kind == M_NULL];
  case MX_IF: return args[args[0].kind == M_BOOL && args[0].i ? 1 : 2];
  default: return of_two(e, &args[0], &args[1]);
  }
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
  if (e->kind == MX_HOPS) {
    const m_clause *w = walk_of(&v->c->block, e->var);
    return v->at[w->left] != M_NO_ROW && v->at[w->right] != M_NO_ROW;
  }
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
  if (e->kind == MX_HOPS) return true; /* of one end or the other, perhaps */
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
  if (c->kind == M_WALK) return hops_of(v, c) > 0;
  if (c->kind == M_FILTER) return is_true(v, c->expr);
  if (v->at[c->var] == M_NULL_ROW) return false;
  for (uint32_t i = 0; i < c->n_inline; i++)
    if (!is_true(v, c->inlines[i])) return false;
  return true;
}

/* What to do with a row: false when there were enough. */
typedef struct then {
  bool (*found)(m_evaluator *v, const struct then *t);
  const m_block *block; /* what else there is of it: its optional parts from `next` on */
  uint32_t next;
  const struct then *after; /* then */
  bool *any;
} then;

static bool go_on(m_evaluator *v, const then *t)
{
  return t->found(v, t);
}

static bool found_one(m_evaluator *v, const then *t)
{
  (void)v;
  *t->any = true;
  return false;
}

static bool is_behind_optional(const m_block *b, uint32_t clause)
{
  for (uint32_t i = 0; i < clause; i++)
    if (!b->clauses[i].off && b->clauses[i].kind == M_OPTIONAL) return true;
  return false;
}

static bool fits(m_evaluator *v, const m_block *b, uint32_t var)
{
  for (uint32_t i = 0; i < b->n_clauses; i++) {
    const m_clause *c = &b->clauses[i];
    if (c->off || !clause_names(c, var) || !clause_known(v, c)) continue;
    if (c->kind == M_FILTER && is_behind_optional(b, i)) continue;
    if (!holds(v, c)) return false;
  }
  return true;
}

/* Every way to give the variables from `next` on a row; false when there were enough. */
static bool extend(m_evaluator *v, const m_block *b, const unknowns *u, uint32_t next, const then *t)
{
  if (next == u->n) return go_on(v, t);
  uint32_t var = u->vars[next];
  const m_type *type = m_type_of(v->c, var);
  bool more = true;
  for (uint32_t row = 0; more && row < type->n_rows; row++) {
    if (!m_row_is_there(v->c->graph, type, row)) continue;
    v->at[var] = row;
    v->too_many |= ++v->tried > (v->c->graph->large ? MOST_TRIED_IN_LARGE : MOST_TRIED);
    if (v->too_many) break;
    if (fits(v, b, var)) more = extend(v, b, u, next + 1, t);
  }
  v->at[var] = M_NO_ROW;
  return more && !v->too_many;
}

static void collect(const m_evaluator *v, const m_block *b, unknowns *u)
{
  for (uint32_t i = 0; i < b->n_clauses; i++) {
    const m_clause *c = &b->clauses[i];
    if (c->off) continue;
    if (c->kind == M_BIND) add_unknown(v, u, c->var);
    if (c->kind != M_WALK) continue;
    add_unknown(v, u, c->left);
    add_unknown(v, u, c->edge_var); /* sooner than its other end: an edge says which that is */
    add_unknown(v, u, c->right);
  }
}

static bool parts_of(m_evaluator *v, const then *t);

/* All rows of a block, given what is known; false when there were enough. */
static bool each_row(m_evaluator *v, const m_block *b, const then *after)
{
  const then t = {.found = parts_of, .block = b, .after = after};
  unknowns u = {.n = 0};
  collect(v, b, &u);
  for (uint32_t i = 0; i < b->n_clauses; i++) { /* what is about outer variables alone, or about none */
    const m_clause *c = &b->clauses[i];
    if (c->off || !clause_known(v, c) || (c->kind == M_FILTER && is_behind_optional(b, i))) continue;
    if (!holds(v, c)) return true;
  }
  return extend(v, b, &u, 0, &t);
}

static bool any_row(m_evaluator *v, const m_block *b)
{
  bool any = false;
  const then t = {.found = found_one, .any = &any};
  each_row(v, b, &t);
  return any;
}

static bool note_and_go_on(m_evaluator *v, const then *t)
{
  *t->any = true;
  return go_on(v, t->after);
}

/* Variables that only an optional part binds, deeper ones too, have no row. */
static void set_null(m_evaluator *v, const m_block *b, uint32_t to)
{
  unknowns u = {.n = 0};
  collect(v, b, &u);
  for (uint32_t i = 0; i < u.n; i++) v->at[u.vars[i]] = to;
  for (uint32_t i = 0; i < b->n_clauses; i++) /* a path has none either, even between two that are there */
    if (!b->clauses[i].off && b->clauses[i].kind == M_WALK && b->clauses[i].path_var != M_NO_VAR)
      v->at[b->clauses[i].path_var] = to;
  for (uint32_t i = 0; i < b->n_clauses; i++)
    if (!b->clauses[i].off && b->clauses[i].kind == M_OPTIONAL) set_null(v, b->clauses[i].inner, to);
}

static bool without_part(m_evaluator *v, const m_block *part, const then *rest)
{
  uint32_t before[64];
  memcpy(before, v->at, v->c->n_vars * sizeof *before);
  set_null(v, part, M_NULL_ROW);
  bool more = go_on(v, rest);
  memcpy(v->at, before, v->c->n_vars * sizeof *before);
  return more;
}

/* The optional parts of a block one after the other, then the conditions behind them and the negations. */
static bool parts_of(m_evaluator *v, const then *t)
{
  const m_block *b = t->block;
  for (uint32_t i = t->next; i < b->n_clauses; i++) {
    if (b->clauses[i].off || b->clauses[i].kind != M_OPTIONAL) continue;
    bool any = false;
    const then rest = {.found = parts_of, .block = b, .next = i + 1, .after = t->after};
    const then noted = {.found = note_and_go_on, .after = &rest, .any = &any};
    bool more = each_row(v, b->clauses[i].inner, &noted);
    return any || !more ? more : without_part(v, b->clauses[i].inner, &rest);
  }
  for (uint32_t i = 0; i < b->n_clauses; i++) {
    const m_clause *c = &b->clauses[i];
    if (c->off) continue;
    if (c->kind == M_FILTER && is_behind_optional(b, i) && !is_true(v, c->expr)) return true;
    if (c->kind == M_NOT && any_row(v, c->inner)) return true;
  }
  return go_on(v, t->after);
}

static bool keep_row(m_evaluator *v, const then *t)
{
  (void)t;
  v->too_many |= ++v->n_rows > M_MANY_ROWS;
  for (uint32_t i = 0; i < v->c->n_vars; i++) OG_CHECK_OK(v->cx, og_vec_add(v->cx, &v->rows, &v->at[i]));
  return !v->too_many;
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
  const then keep = {.found = keep_row};
  each_row(&v, &c->block, &keep);
  if (!v.too_many) c->aggregate ? m_grouped_rows(&v, out) : m_plain_rows(&v, out);
  og_vec_cleanup(&v.rows);
  return !v.too_many;
}
