/* SPDX-License-Identifier: MIT */
/* query.c -- a query over a graph, from a seed: one the checker must accept.
 *
 * The rules it keeps: a filter stands behind what it mentions; a walk may stand in front of what it starts from, but is
 * then written along its edge; `not` mentions a variable from outside.
 */
#include "model.h"

#include "og_test.h"

enum { MOST_VARS = 48, MOST_PARAMS = 16, MOST_CLAUSES = 24, MOST_COLUMNS = 6 };

typedef struct maker {
  og_ctx *cx;
  m_rng *r;
  m_case *c;
  uint32_t scope[MOST_VARS]; /* variables in reach */
  uint32_t n_scope;
  uint32_t paths[MOST_VARS]; /* path variables in reach */
  uint32_t n_paths;
} maker;

static const m_type *type_of(const maker *k, uint32_t var)
{
  return &k->c->graph->types[k->c->vars[var].type];
}

/* ---- variables */

static uint32_t new_var(maker *k, uint32_t type, bool is_edge, bool anonymous)
{
  uint32_t v = k->c->n_vars++;
  OG_CHECK(v < MOST_VARS);
  m_var *var = &k->c->vars[v];
  *var = (m_var){.type = type, .is_edge = is_edge, .anonymous = anonymous};
  OG_CHECK_OK(k->cx, og_arena_printf(k->cx, k->cx->arena, &var->name, "%c%u", "xbza_"[m_below(k->r, 5)], v));
  if (anonymous) var->name = OG_STR("_");
  if (!anonymous) k->scope[k->n_scope++] = v;
  return v;
}

/* A variable in reach, or M_NO_VAR. */
static uint32_t any_var(maker *k, bool nodes_only, uint32_t type)
{
  uint32_t fits[MOST_VARS], n = 0;
  for (uint32_t i = 0; i < k->n_scope; i++) {
    const m_var *v = &k->c->vars[k->scope[i]];
    if ((!nodes_only || !v->is_edge) && (type == M_NO_VAR || v->type == type)) fits[n++] = k->scope[i];
  }
  return n ? fits[m_below(k->r, n)] : M_NO_VAR;
}

/* ---- operands */

static m_expr *new_expr(maker *k, m_expr_kind kind)
{
  m_expr *e = m_take(k->cx, 1, sizeof *e);
  e->kind = kind;
  return e;
}

static m_expr *literal(maker *k, m_kind kind)
{
  m_expr *e = new_expr(k, MX_LITERAL);
  e->value = m_make_literal(k->cx, k->r, kind);
  e->literal_kind = kind;
  return e;
}

static m_expr *list_literal(maker *k, m_kind kind)
{
  m_expr *e = new_expr(k, MX_LITERAL);
  e->value = (m_val){.kind = M_LIST, .n_items = 1 + m_below(k->r, 3)};
  m_val *items = m_take(k->cx, e->value.n_items, sizeof *items);
  for (uint32_t i = 0; i < e->value.n_items; i++) items[i] = m_make_literal(k->cx, k->r, kind);
  e->value.items = items;
  e->literal_kind = kind;
  return e;
}

static m_expr *param(maker *k, m_kind kind)
{
  if (k->c->n_params == MOST_PARAMS) return literal(k, kind);
  m_expr *e = new_expr(k, MX_PARAM);
  e->param = k->c->n_params++;
  m_param *p = &k->c->params[e->param];
  *p = (m_param){.kind = kind == M_ENUM ? M_STRING : kind, .nullable = m_chance(k->r, 30)};
  OG_CHECK_OK(k->cx, og_arena_printf(k->cx, k->cx->arena, &p->name, "q%u", e->param));
  do {
    p->value = m_make_value(k->cx, k->r, kind);
  } while (kind == M_U64 && p->value.magnitude > INT64_MAX); /* the language's limit */
  if (p->nullable && m_chance(k->r, 40)) p->value = m_null();
  return e;
}

static m_kind some_kind(maker *k, m_family f)
{
  static const m_kind numbers[] = {M_I32, M_I64, M_U32, M_U64, M_F32, M_F64};
  switch (f) {
  case M_NUMBERS: return numbers[m_below(k->r, 6)];
  case M_TEXTS: return M_STRING;
  case M_BOOLS: return M_BOOLEAN;
  case M_DATES: return M_DATE_T;
  default: return M_DATETIME;
  }
}

/* A property in reach, or NULL; `family` -1: any. */
static m_expr *any_prop(maker *k, int family, bool list)
{
  uint32_t fits_var[256], fits_prop[256], n = 0;
  for (uint32_t i = 0; i < k->n_scope; i++) {
    const m_type *t = type_of(k, k->scope[i]);
    for (uint32_t p = 0; p < t->n_props && n < 256; p++) {
      if (t->props[p].list != list) continue;
      if (family >= 0 && m_family_of(t->props[p].kind) != (m_family)family) continue;
      fits_var[n] = k->scope[i];
      fits_prop[n++] = p;
    }
  }
  if (n == 0) return NULL;
  uint32_t pick = m_below(k->r, n);
  m_expr *e = new_expr(k, MX_PROP);
  e->var = fits_var[pick];
  e->prop = fits_prop[pick];
  return e;
}

static const m_prop *prop_of(const maker *k, const m_expr *e)
{
  return &type_of(k, e->var)->props[e->prop];
}

static m_expr *constant(maker *k, m_kind kind)
{
  if (kind == M_DATETIME && m_chance(k->r, 10)) return new_expr(k, MX_NOW);
  return m_chance(k->r, 30) ? param(k, kind) : literal(k, kind);
}

/* Does it mention one of the first `below` variables? */
static bool expr_mentions(const m_expr *e, uint32_t below)
{
  if ((e->kind == MX_PROP || e->kind == MX_ID || e->kind == MX_HOPS) && e->var < below) return true;
  for (uint32_t i = 0; i < e->n_args; i++)
    if (expr_mentions(e->args[i], below)) return true;
  return false;
}

/* ---- values that are computed */

static m_expr *node(maker *k, m_expr_kind kind, m_expr *a, m_expr *b, m_expr *c)
{
  m_expr *e = new_expr(k, kind);
  e->args = m_take(k->cx, 8, sizeof(m_expr *));
  if (a) e->args[e->n_args++] = a;
  if (b) e->args[e->n_args++] = b;
  if (c) e->args[e->n_args++] = c;
  return e;
}

static m_expr *make_condition(maker *k, unsigned depth);

/* A property of one of some kinds (bits), or a literal of `otherwise`. */
static m_expr *of_kinds(maker *k, unsigned kinds, m_kind otherwise)
{
  for (unsigned tries = 0; tries < 4; tries++) {
    m_expr *e = any_prop(k, -1, false);
    if (e && (kinds >> prop_of(k, e)->kind & 1u)) return e;
  }
  return literal(k, otherwise);
}

#define INTS   (1u << M_I32)
#define FLOATS (1u << M_F32 | 1u << M_F64)
#define TEXTS  (1u << M_STRING | 1u << M_ENUM)

/* A number or text that is computed.  Integers are of 32 bits, so that nothing can overflow. */
static m_expr *computed(maker *k, m_family f)
{
  bool floats = m_chance(k->r, 40);
  unsigned kinds = f == M_TEXTS ? TEXTS : floats ? FLOATS : INTS;
  m_kind otherwise = f == M_TEXTS ? M_STRING : floats ? M_F64 : M_I64;
  m_expr *a = of_kinds(k, kinds, otherwise), *b = of_kinds(k, kinds, otherwise);
  switch (m_below(k->r, f == M_TEXTS ? 3 : 4)) {
  case 0: return node(k, MX_COALESCE, a, b, NULL);
  case 1: {
    m_expr *c = make_condition(k, 0);
    return c ? node(k, MX_IF, c, a, b) : a;
  }
  case 2: {
    m_expr *e = node(k, MX_ARITH, a, b, NULL);
    e->sign = "+-*"[f == M_TEXTS ? 0 : m_below(k->r, 3)];
    return e;
  }
  default: return node(k, MX_LENGTH, of_kinds(k, TEXTS, M_STRING), NULL, NULL);
  }
}

static m_expr *hops(maker *k)
{
  if (k->n_paths == 0) return NULL;
  m_expr *e = new_expr(k, MX_HOPS);
  e->var = k->paths[m_below(k->r, k->n_paths)];
  return e;
}

/* ---- predicates */

static m_expr *compare(maker *k, m_op op, m_expr *left, m_expr *right)
{
  m_expr *e = node(k, MX_COMPARE, left, right, NULL);
  e->op = op;
  return e;
}

static m_expr *of_texts(maker *k, m_expr_kind kind, m_expr *left, m_expr *right)
{
  bool walk = left->kind == MX_PARAM && right->kind != MX_LITERAL; /* `$q contains $x` is one */
  return walk ? compare(k, M_EQ, right, left) : node(k, kind, left, right, NULL);
}

static m_expr *membership(maker *k)
{
  m_expr *list = any_prop(k, -1, true), *item;
  m_family f;
  if (list && m_chance(k->r, 80)) {
    f = m_family_of(prop_of(k, list)->kind);
  } else {
    f = (m_family)m_below(k->r, 5);
    list = list_literal(k, some_kind(k, f));
  }
  item = m_chance(k->r, 50) ? any_prop(k, (int)f, false) : NULL;
  if (!item) item = constant(k, some_kind(k, f));
  return of_texts(k, MX_CONTAINS, list, item);
}

static m_expr *one_of(maker *k, m_expr *left, m_family f)
{
  m_expr *e = node(k, MX_IN, left, NULL, NULL);
  e->negated = m_chance(k->r, 30);
  for (uint32_t n = 1 + m_below(k->r, 3); n; n--) {
    m_expr *item = m_chance(k->r, 15) ? any_prop(k, (int)f, false) : NULL;
    e->args[e->n_args++] = item ? item : m_chance(k->r, 20) ? param(k, some_kind(k, f)) : literal(k, some_kind(k, f));
  }
  return e;
}

static m_expr *scalar(maker *k, m_family f)
{
  if ((f == M_NUMBERS || f == M_TEXTS) && m_chance(k->r, 12)) return computed(k, f);
  if (f == M_NUMBERS && m_chance(k->r, 20) && k->n_paths) return hops(k);
  return any_prop(k, (int)f, false);
}

static m_expr *simple_condition(maker *k)
{
  if (m_chance(k->r, 12)) return membership(k);
  m_expr *left = any_prop(k, -1, false), *right = NULL;
  if (!left) return NULL;
  m_kind kind = prop_of(k, left)->kind;
  m_family f = m_family_of(kind);
  if (m_chance(k->r, 10)) {
    m_expr *e = node(k, MX_IS_NULL, left, NULL, NULL);
    e->negated = m_chance(k->r, 50);
    return e;
  }
  if (m_chance(k->r, 10)) return one_of(k, left, f);
  if (m_chance(k->r, 25)) left = scalar(k, f);
  if (m_chance(k->r, 40)) right = scalar(k, f);
  if (!right) right = constant(k, m_chance(k->r, 50) ? some_kind(k, f) : kind);
  if (m_chance(k->r, 15)) {
    m_expr *swap = left;
    left = right;
    right = swap;
  }
  static const m_expr_kind of_text[] = {MX_CONTAINS, MX_STARTS_WITH, MX_ENDS_WITH};
  if (f == M_TEXTS && m_chance(k->r, 30)) return of_texts(k, of_text[m_below(k->r, 3)], left, right);
  return compare(k, m_chance(k->r, 30) ? M_NE : (m_op)m_below(k->r, 6), left, right);
}

/* NULL: there is nothing to be said. */
static m_expr *make_condition(maker *k, unsigned depth)
{
  if (depth && m_chance(k->r, 25)) {
    m_expr *a = make_condition(k, depth - 1), *b = make_condition(k, depth - 1);
    if (a && b) return node(k, m_chance(k->r, 60) ? MX_OR : MX_AND, a, b, NULL);
  }
  m_expr *e = simple_condition(k);
  return e && depth && m_chance(k->r, 10) ? node(k, MX_NOT, e, NULL, NULL) : e;
}

/* ---- clauses */

static m_clause *new_clause(maker *k, m_block *b, m_clause_kind kind)
{
  if (!b->clauses) b->clauses = m_take(k->cx, MOST_CLAUSES, sizeof *b->clauses);
  OG_CHECK(b->n_clauses < MOST_CLAUSES);
  m_clause *c = &b->clauses[b->n_clauses++];
  *c = (m_clause){.kind = kind, .edge_var = M_NO_VAR, .path_var = M_NO_VAR, .min = 1, .max = 1};
  return c;
}

static void add_inline(maker *k, m_clause *c)
{
  const m_type *t = type_of(k, c->var);
  uint32_t p = m_below(k->r, t->n_props);
  m_expr *left = new_expr(k, MX_PROP);
  left->var = c->var;
  left->prop = p;
  m_expr *value = constant(k, t->props[p].kind);
  c->inlines[c->n_inline++] = t->props[p].list ? of_texts(k, MX_CONTAINS, left, value) : compare(k, M_EQ, left, value);
}

static void add_bind(maker *k, m_block *b, uint32_t var)
{
  m_clause *c = new_clause(k, b, M_BIND);
  c->var = var;
  while (c->n_inline < 2 && m_chance(k->r, 10) && type_of(k, var)->n_props) add_inline(k, c);
}

static uint32_t any_node_type(maker *k)
{
  return m_below(k->r, k->c->graph->n_nodes);
}

/* An edge type that has this node type at an end, or M_NO_VAR. */
static uint32_t any_edge_at(maker *k, uint32_t node)
{
  const m_graph *g = k->c->graph;
  uint32_t fits[8], n = 0;
  for (uint32_t i = g->n_nodes; i < g->n_types; i++)
    if (g->types[i].from == node || g->types[i].to == node) fits[n++] = i;
  return n ? fits[m_below(k->r, n)] : M_NO_VAR;
}

static uint32_t other_end(maker *k, uint32_t type)
{
  uint32_t pick = m_below(k->r, 100);
  if (pick < 30) {
    uint32_t v = any_var(k, true, type);
    if (v != M_NO_VAR) return v;
  }
  return new_var(k, type, false, pick >= 30 && pick < 42);
}

static void set_bounds(maker *k, m_clause *c)
{
  if (m_chance(k->r, 15)) {
    c->edge_var = new_var(k, c->type, true, false);
  } else if (m_chance(k->r, 35)) {
    c->min = 1 + m_below(k->r, 3);
    c->max = c->min + m_below(k->r, k->c->graph->large ? 2 : 4);
    if (!k->c->graph->large && m_chance(k->r, 15)) c->max = M_NO_VAR;
  }
  if (c->edge_var != M_NO_VAR || !m_chance(k->r, 12)) return;
  uint32_t scope = k->n_scope; /* a path is no row of a table */
  c->path_var = new_var(k, c->type, false, false);
  k->c->vars[c->path_var].is_path = true;
  k->n_scope = scope;
  k->paths[k->n_paths++] = c->path_var;
}

/* `known` M_NO_VAR: neither end is.  `turned`: the other way round is fine, types are known by now. */
static void add_walk(maker *k, m_block *b, uint32_t known, bool turned)
{
  const m_graph *g = k->c->graph;
  uint32_t type = known == M_NO_VAR ? g->n_nodes + m_below(k->r, g->n_types - g->n_nodes)
                                    : any_edge_at(k, k->c->vars[known].type);
  if (type == M_NO_VAR) return;
  const m_type *e = &g->types[type];
  bool same = e->from == e->to;
  m_clause *c = new_clause(k, b, M_WALK);
  c->type = type;
  turned = turned && known != M_NO_VAR;
  if (known == M_NO_VAR) known = new_var(k, e->from, false, false);
  bool forward = same ? m_chance(k->r, 60) : k->c->vars[known].type == e->from;
  uint32_t other = other_end(k, forward ? e->to : e->from);
  c->left = forward ? known : other;
  c->right = forward ? other : known;
  c->undirected = same && m_chance(k->r, 25);
  if (turned && !same && m_chance(k->r, 40)) {
    uint32_t swap = c->left;
    c->left = c->right;
    c->right = swap;
    c->turned = true;
  }
  set_bounds(k, c);
}

static void add_filter(maker *k, m_block *b)
{
  m_expr *e = make_condition(k, 2);
  if (e) new_clause(k, b, M_FILTER)->expr = e;
}

/* ---- negation */

/* Variables from outside are those made before the block was begun. */
static bool mentions_outer(const m_block *b, uint32_t below)
{
  for (uint32_t i = 0; i < b->n_clauses; i++) {
    const m_clause *c = &b->clauses[i];
    if (c->kind == M_WALK && (c->left < below || c->right < below)) return true;
    if (c->kind == M_FILTER && expr_mentions(c->expr, below)) return true;
  }
  return false;
}

static void add_not(maker *k, m_block *outer, unsigned depth)
{
  uint32_t scope = k->n_scope, paths = k->n_paths, below = k->c->n_vars;
  if (below + 12 > MOST_VARS || scope == 0) return;
  m_block *b = m_take(k->cx, 1, sizeof *b);
  uint32_t from = any_var(k, true, M_NO_VAR);
  if (m_chance(k->r, 25)) {
    add_bind(k, b, new_var(k, any_node_type(k), false, false)); /* to be joined by a filter, or by nothing */
  } else if (from != M_NO_VAR) {
    add_walk(k, b, from, true);
    if (!k->c->graph->large && m_chance(k->r, 40)) add_walk(k, b, any_var(k, true, M_NO_VAR), true);
  }
  if (from != M_NO_VAR && m_chance(k->r, 15)) add_bind(k, b, from); /* the outer one again, perhaps with a condition */
  for (uint32_t n = m_below(k->r, 3); n; n--) add_filter(k, b);
  if (depth && b->n_clauses && m_chance(k->r, 30)) add_not(k, b, depth - 1);
  k->n_scope = scope;
  k->n_paths = paths;
  if (b->n_clauses && mentions_outer(b, below)) new_clause(k, outer, M_NOT)->inner = b;
}

/* ---- the match block */

static void shuffle(maker *k, m_clause *list, uint32_t n)
{
  for (uint32_t i = n; i > 1; i--) {
    uint32_t at = m_below(k->r, i);
    m_clause swap = list[i - 1];
    list[i - 1] = list[at];
    list[at] = swap;
  }
}

/* What there is of something: its variables stay in reach, and may have no row. */
static void add_optional(maker *k, m_block *outer, unsigned depth)
{
  uint32_t from = any_var(k, true, M_NO_VAR);
  if (k->c->n_vars + 14 > MOST_VARS || from == M_NO_VAR) return;
  m_block *b = m_take(k->cx, 1, sizeof *b);
  if (m_chance(k->r, 15))
    add_bind(k, b, new_var(k, any_node_type(k), false, false));
  else
    add_walk(k, b, from, true);
  if (b->n_clauses && !k->c->graph->large && m_chance(k->r, 25)) add_walk(k, b, any_var(k, true, M_NO_VAR), true);
  if (b->n_clauses == 0) return;
  if (m_chance(k->r, 40)) add_filter(k, b);
  if (depth && m_chance(k->r, 20)) add_optional(k, b, depth - 1);
  if (depth && m_chance(k->r, 15)) add_not(k, b, 0);
  if (b->n_clauses) new_clause(k, outer, M_OPTIONAL)->inner = b;
}

static void make_block(maker *k)
{
  m_block *b = &k->c->block;
  bool large = k->c->graph->large, shuffled = m_chance(k->r, 40);
  uint32_t binds = m_chance(k->r, 8) ? 0 : large || m_chance(k->r, 75) ? 1 : 2;
  for (uint32_t i = 0; i < binds; i++) add_bind(k, b, new_var(k, any_node_type(k), false, m_chance(k->r, 4)));
  uint32_t walks = m_below(k->r, large ? 3 : 4);
  if (k->n_scope == 0 && walks == 0) walks = 1;
  for (; walks; walks--) add_walk(k, b, m_chance(k->r, 4) ? M_NO_VAR : any_var(k, true, M_NO_VAR), !shuffled);
  if (m_chance(k->r, 10) && k->n_scope) { /* again, or typed after it was walked to */
    uint32_t v = any_var(k, true, M_NO_VAR);
    if (v != M_NO_VAR) add_bind(k, b, v);
  }
  if (shuffled) shuffle(k, b->clauses, b->n_clauses);
  for (uint32_t n = m_below(k->r, 4); n > 1; n--) add_filter(k, b);
  if (m_chance(k->r, 25))
    for (uint32_t n = 1 + m_below(k->r, 2); n; n--) add_optional(k, b, 1);
  if (m_chance(k->r, 20)) add_filter(k, b);
  for (uint32_t n = m_below(k->r, 4); n > 1; n--) add_not(k, b, 1);
}

/* ---- what is returned */

static void name_column(maker *k, m_column *col, uint32_t i)
{
  const m_expr *e = col->expr;
  bool named = e->kind == MX_PROP || e->kind == MX_ID;
  if (named && m_chance(k->r, 30)) {
    const m_var *v = &k->c->vars[e->var];
    if (e->kind == MX_ID)
      col->name = v->name;
    else
      OG_CHECK_OK(k->cx, og_arena_printf(k->cx, k->cx->arena, &col->name, OG_STR_FMT "." OG_STR_FMT,
                                         OG_STR_ARG(v->name), OG_STR_ARG(prop_of(k, e)->name)));
    for (uint32_t other = 0; other < i; other++)
      if (og_str_eq(k->c->columns[other].name, col->name)) named = false;
    if (named) return;
  }
  OG_CHECK_OK(k->cx, og_arena_printf(k->cx, k->cx->arena, &col->alias, "c%u", i));
  col->name = col->alias;
}

static m_expr *id_of(maker *k)
{
  uint32_t v = any_var(k, true, M_NO_VAR);
  if (v == M_NO_VAR) return NULL;
  m_expr *e = new_expr(k, MX_ID);
  e->var = v;
  return e;
}

static m_expr *plain_column(maker *k)
{
  m_expr *e = m_chance(k->r, 15) ? id_of(k) : any_prop(k, -1, m_chance(k->r, 15));
  if (!e) e = any_prop(k, -1, false);
  if (!e) e = id_of(k);
  return e;
}

static m_expr *argument(maker *k, m_agg *agg)
{
  m_expr *e = NULL;
  *agg = (m_agg)m_below(k->r, M_PLAIN);
  if (*agg >= M_MIN && m_chance(k->r, 50)) e = any_prop(k, -1, false);
  if (!e && *agg != M_COUNT) e = m_chance(k->r, 15) ? computed(k, M_NUMBERS) : any_prop(k, M_NUMBERS, false);
  if (e) return e;
  *agg = M_COUNT;
  return plain_column(k);
}

static void add_column(maker *k, bool aggregated)
{
  m_column *col = &k->c->columns[k->c->n_columns];
  *col = (m_column){.agg = M_PLAIN};
  col->expr = aggregated ? argument(k, &col->agg) : plain_column(k);
  if (!aggregated && !k->c->aggregate && m_chance(k->r, 5))
    col->expr = constant(k, some_kind(k, (m_family)m_below(k->r, 5)));
  if (col->expr) name_column(k, col, k->c->n_columns++);
}

static bool sortable(const maker *k, const m_expr *e)
{
  return e->kind != MX_PROP || !prop_of(k, e)->list;
}

static void add_ordering(maker *k)
{
  m_ordering o = {.column = M_NO_VAR, .desc = m_chance(k->r, 50)};
  if (!k->c->aggregate && m_chance(k->r, 40)) {
    o.expr = m_chance(k->r, 15) ? id_of(k) : m_chance(k->r, 15) ? computed(k, M_NUMBERS) : any_prop(k, -1, false);
    if (!o.expr || !expr_mentions(o.expr, MOST_VARS)) return;
  } else {
    o.column = m_below(k->r, k->c->n_columns);
    const m_column *col = &k->c->columns[o.column];
    bool list = !sortable(k, col->expr) && col->agg == M_PLAIN;
    bool constant = col->expr->kind != MX_PROP && col->expr->kind != MX_ID;
    if (list || (!col->alias.len && (col->agg != M_PLAIN || constant))) return;
  }
  k->c->order[k->c->n_order++] = o;
}

/* A comparison of a returned column with a constant. */
static void add_having(maker *k)
{
  uint32_t i = m_below(k->r, k->c->n_columns);
  const m_column *col = &k->c->columns[i];
  bool number = col->agg == M_COUNT || col->agg == M_SUM || col->agg == M_AVG || col->expr->kind == MX_HOPS ||
                col->expr->kind == MX_LENGTH;
  bool prop = col->expr->kind == MX_PROP && !prop_of(k, col->expr)->list;
  if (!col->alias.len || (!number && !prop)) return;
  m_expr *e = new_expr(k, MX_COLUMN);
  e->column = i;
  m_family f = number ? M_NUMBERS : m_family_of(prop_of(k, col->expr)->kind);
  k->c->having = compare(k, (m_op)m_below(k->r, 6), e, constant(k, some_kind(k, f)));
}

static void make_returns(maker *k)
{
  m_case *c = k->c;
  c->columns = m_take(k->cx, MOST_COLUMNS, sizeof *c->columns);
  c->order = m_take(k->cx, 4, sizeof *c->order);
  c->aggregate = m_chance(k->r, 30);
  for (uint32_t n = (c->aggregate ? 0 : 1) + m_below(k->r, 3); n; n--) add_column(k, false);
  for (uint32_t n = c->aggregate ? 1 + m_below(k->r, 2) : 0; n; n--) add_column(k, true);
  if (c->n_columns == 0) return;
  if (!c->aggregate && m_chance(k->r, 12)) c->distinct = c->aggregate = true;
  if (m_chance(k->r, 60))
    for (uint32_t n = m_below(k->r, 3); n; n--) add_ordering(k);
  if (m_chance(k->r, 15)) add_having(k);
  c->has_offset = m_chance(k->r, 10);
  c->offset = m_below(k->r, 5);
  c->has_limit = m_chance(k->r, 25);
  c->limit = m_below(k->r, m_chance(k->r, 80) ? 6 : 3000);
}

void m_make_case(og_ctx *cx, m_rng *r, m_graph *g, m_case *out)
{
  maker k = {.cx = cx, .r = r, .c = out};
  do { /* until something is there to be returned */
    *out = (m_case){.graph = g};
    k.n_scope = k.n_paths = 0;
    out->vars = m_take(cx, MOST_VARS, sizeof *out->vars);
    out->params = m_take(cx, MOST_PARAMS, sizeof *out->params);
    make_block(&k);
    if (k.n_scope) make_returns(&k);
  } while (out->n_columns == 0);
}
