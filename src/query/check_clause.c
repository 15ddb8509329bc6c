/* SPDX-License-Identifier: MIT */
/* query/check_clause.c -- bindings, traversals, filters and negations of one block. */
#include "query/check.h"

#include "base/limits.h"

typedef struct og_block_scope {
  og_block *b;
  bool inner;
} og_block_scope;

static bool anonymous(og_str var)
{
  return og_str_eq(var, OG_STR("_"));
}

static uint32_t new_slot(og_checker *c, const og_block_scope *s, og_str name, const og_type_def *type)
{
  uint32_t slot = c->n_slots++;
  bool hidden = anonymous(name);
  c->slots[slot] = (og_slot){.name = name, .type = type, .hidden = hidden || s->inner, .inner = s->inner};
  if (!hidden) c->scope[c->n_scope++] = slot;
  return slot;
}

/* ---- bindings */

static og_status binding_type(og_checker *c, const og_clause *b, const og_type_def **out)
{
  *out = og_catalog_node(c->catalog, b->type);
  if (*out) return OG_OK;
  return OG_CHECK_FAIL(c, b->type_span, og_check__hint(c, og_catalog_suggest_node(c->catalog, b->type)),
                       "type error: T1: unknown node type '" OG_STR_FMT "'", OG_STR_ARG(b->type));
}

/* Gives named variables their types before any traversal is looked at. */
static og_status declare(og_checker *c, const og_block_scope *s, const og_clause *b)
{
  const og_type_def *type;
  OG_TRY(binding_type(c, b, &type));
  if (anonymous(b->var)) return OG_OK;
  uint32_t slot = og_check__find(c, b->var);
  if (slot == OG_NO_SLOT) {
    new_slot(c, s, b->var, type);
    return OG_OK;
  }
  if (c->slots[slot].is_edge)
    return OG_CHECK_FAIL(c, b->var_span, OG_STR_NONE,
                         "type error: T23: '$" OG_STR_FMT "' is an edge and cannot be bound as a node",
                         OG_STR_ARG(b->var));
  if (c->slots[slot].type != type)
    return OG_CHECK_FAIL(c, b->type_span, OG_STR_NONE,
                         "type error: variable '$" OG_STR_FMT "' is " OG_STR_FMT " and cannot also be " OG_STR_FMT,
                         OG_STR_ARG(b->var), OG_STR_ARG(c->slots[slot].type->name), OG_STR_ARG(type->name));
  return OG_OK;
}

static og_status check_binding(og_checker *c, const og_block_scope *s, const og_clause *b)
{
  const og_type_def *type = og_catalog_node(c->catalog, b->type);
  uint32_t slot = anonymous(b->var) ? new_slot(c, s, b->var, type) : og_check__find(c, b->var);
  c->written[slot] = true;
  s->b->roots[s->b->n_roots++] = slot;
  for (uint32_t i = 0; i < b->n_matches; i++)
    OG_TRY(og_check__inline(c, slot, &b->matches[i], &s->b->filters[s->b->n_filters++]));
  return OG_OK;
}

/* ---- traversals */

static og_status check_bounds(og_checker *c, const og_clause *t, og_hop *hop)
{
  hop->min = hop->max = 1;
  if (!t->has_bounds) return OG_OK;
  if (!t->has_max)
    return OG_CHECK_FAIL(c, t->edge_span, OG_STR("give an upper bound: {1,3}"),
                         "type error: T15: the number of hops needs an upper bound");
  if (t->min < 1 || t->max < t->min || t->max >= OG_HOPS_UNBOUNDED)
    return OG_CHECK_FAIL(c, t->edge_span, OG_STR_NONE,
                         "type error: T15: hops start at 1 and cannot end below their start");
  hop->min = (uint32_t)t->min;
  hop->max = (uint32_t)t->max;
  if (hop->min != 1 || hop->max != 1) og_check__need(c, OG_FEATURE_HOPS, t->edge_span);
  return OG_OK;
}

static og_status endpoint(og_checker *c, og_str name, og_span at, uint32_t *slot)
{
  *slot = og_check__find(c, name);
  if (*slot != OG_NO_SLOT && c->slots[*slot].is_edge)
    return OG_CHECK_FAIL(c, at, OG_STR_NONE, "type error: T23: '$" OG_STR_FMT "' is an edge and cannot be an endpoint",
                         OG_STR_ARG(name));
  return OG_OK;
}

static og_status wrong_end(og_checker *c, og_str name, og_span at, const og_type_def *has, const og_type_def *edge)
{
  return OG_CHECK_FAIL(c, at, OG_STR_NONE,
                       "type error: T5: '$" OG_STR_FMT "' is " OG_STR_FMT ", but edge " OG_STR_FMT
                       " goes from " OG_STR_FMT " to " OG_STR_FMT,
                       OG_STR_ARG(name), OG_STR_ARG(has->name), OG_STR_ARG(edge->name),
                       OG_STR_ARG(og_edge_from(c->catalog, edge)->name),
                       OG_STR_ARG(og_edge_to(c->catalog, edge)->name));
}

/* Along the edge or against it: by the type of the left end, else of the right one, else along. */
static og_status direction(og_checker *c, const og_clause *t, og_hop *hop)
{
  const og_type_def *from = og_edge_from(c->catalog, hop->edge), *to = og_edge_to(c->catalog, hop->edge);
  const og_type_def *left = hop->src == OG_NO_SLOT ? NULL : c->slots[hop->src].type;
  const og_type_def *right = hop->dst == OG_NO_SLOT ? NULL : c->slots[hop->dst].type;
  hop->dir = OG_DIR_OUT;
  if (t->undirected) {
    if (from != to)
      return OG_CHECK_FAIL(c, t->edge_span, OG_STR_NONE,
                           "type error: T22: <" OG_STR_FMT "> needs an edge whose ends have one type, but " OG_STR_FMT
                           " goes from " OG_STR_FMT " to " OG_STR_FMT,
                           OG_STR_ARG(t->edge), OG_STR_ARG(hop->edge->name), OG_STR_ARG(from->name),
                           OG_STR_ARG(to->name));
    hop->dir = OG_DIR_BOTH;
  } else if (left ? left != from : right && right != to) {
    hop->dir = OG_DIR_IN;
  }
  bool back = hop->dir == OG_DIR_IN;
  if (left && left != (back ? to : from)) return wrong_end(c, t->var, t->var_span, left, hop->edge);
  if (right && right != (back ? from : to)) return wrong_end(c, t->dst, t->dst_span, right, hop->edge);
  return OG_OK;
}

static og_status edge_variable(og_checker *c, const og_block_scope *s, const og_clause *t, og_hop *hop)
{
  hop->edge_slot = OG_NO_SLOT;
  if (t->edge_var.len == 0 || anonymous(t->edge_var)) return OG_OK;
  og_check__need(c, OG_FEATURE_EDGE_VAR, t->edge_var_span);
  if (t->has_bounds)
    return OG_CHECK_FAIL(c, t->edge_var_span, OG_STR_NONE,
                         "type error: T23: an edge bound to a variable is a single hop");
  bool taken = og_check__find(c, t->edge_var) != OG_NO_SLOT;
  if (taken || og_str_eq(t->edge_var, t->var) || og_str_eq(t->edge_var, t->dst))
    return OG_CHECK_FAIL(c, t->edge_var_span, OG_STR_NONE, "type error: T23: the name '$" OG_STR_FMT "' is taken",
                         OG_STR_ARG(t->edge_var));
  hop->edge_slot = new_slot(c, s, t->edge_var, hop->edge);
  c->slots[hop->edge_slot].is_edge = true;
  c->written[hop->edge_slot] = true;
  return OG_OK;
}

/* An edge type is spelled like a type where it is declared, and like a property where it is walked. */
static og_status unknown_edge(og_checker *c, const og_clause *t)
{
  og_str near = og_catalog_suggest_edge(c->catalog, t->edge);
  if (near.len)
    OG_TRY(og_arena_printf(c->cx, c->a, &near, "%c" OG_STR_FMT, near.ptr[0] | 0x20,
                           OG_STR_ARG(og_str_sub(near, 1, near.len))));
  return OG_CHECK_FAIL(c, t->edge_span, og_check__hint(c, near), "type error: T4: unknown edge '" OG_STR_FMT "'",
                       OG_STR_ARG(t->edge));
}

static og_status check_traversal(og_checker *c, const og_block_scope *s, const og_clause *t)
{
  og_hop *hop = &s->b->hops[s->b->n_hops];
  hop->edge = og_catalog_edge(c->catalog, t->edge);
  if (!hop->edge) return unknown_edge(c, t);
  OG_TRY(check_bounds(c, t, hop));
  OG_TRY(endpoint(c, t->var, t->var_span, &hop->src));
  OG_TRY(endpoint(c, t->dst, t->dst_span, &hop->dst));
  OG_TRY(direction(c, t, hop));
  const og_type_def *from = og_edge_from(c->catalog, hop->edge), *to = og_edge_to(c->catalog, hop->edge);
  bool back = hop->dir == OG_DIR_IN;
  if (from != to && hop->max > 1) hop->max = 1;
  if (hop->src == OG_NO_SLOT) hop->src = new_slot(c, s, t->var, back ? to : from);
  bool loop = !anonymous(t->dst) && og_str_eq(t->var, t->dst);
  if (loop && from != to) return wrong_end(c, t->dst, t->dst_span, c->slots[hop->src].type, hop->edge);
  if (loop) hop->dst = hop->src;
  if (hop->dst == OG_NO_SLOT) hop->dst = new_slot(c, s, t->dst, back ? from : to);
  c->written[hop->src] = c->written[hop->dst] = true;
  OG_TRY(edge_variable(c, s, t, hop));
  s->b->n_hops++;
  return OG_OK;
}

/* ---- negations */

static bool mentions(const og_checker *c, const og_expr *e, uint32_t n_outer)
{
  if (!e) return false;
  if (e->kind == OG_EXPR_VAR && og_check__param(c, e->var) >= 0) return false;
  for (uint32_t i = 0; i < n_outer; i++)
    if ((e->kind == OG_EXPR_VAR || e->kind == OG_EXPR_PROP) && og_str_eq(c->slots[c->scope[i]].name, e->var))
      return true;
  for (uint32_t i = 0; i < e->n_args; i++)
    if (mentions(c, e->args[i], n_outer)) return true;
  return false;
}

static bool is_outer(const og_checker *c, og_str var, uint32_t n_outer)
{
  for (uint32_t i = 0; i < n_outer; i++)
    if (og_str_eq(c->slots[c->scope[i]].name, var)) return true;
  return false;
}

static bool refers_out(const og_checker *c, const og_clause *in, uint32_t n_outer)
{
  switch (in->kind) {
  case OG_CLAUSE_BINDING: return is_outer(c, in->var, n_outer);
  case OG_CLAUSE_TRAVERSAL: return is_outer(c, in->var, n_outer) || is_outer(c, in->dst, n_outer);
  case OG_CLAUSE_FILTER:
  case OG_CLAUSE_TEXT: return mentions(c, in->left, n_outer) || mentions(c, in->right, n_outer);
  case OG_CLAUSE_NOT: break;
  }
  return false;
}

static og_status check_not(og_checker *c, const og_block_scope *s, const og_clause *clause)
{
  bool refers = false;
  for (uint32_t i = 0; i < clause->n_inner; i++) refers |= refers_out(c, &clause->inner[i], c->n_scope);
  if (!refers)
    return OG_CHECK_FAIL(c, clause->span, OG_STR("one of its own clauses must use a variable bound outside"),
                         "type error: T9: this negation has nothing to do with the query around it");
  og_check__need(c, OG_FEATURE_NEGATION, clause->span);
  uint32_t outer = c->n_scope;
  OG_TRY(og_check__block(c, clause->inner, clause->n_inner, true, &s->b->nots[s->b->n_nots++]));
  c->n_scope = outer;
  return OG_OK;
}

/* ---- blocks */

static og_status new_block(og_checker *c, const og_clause *clauses, uint32_t n, og_block **out)
{
  size_t filters = n;
  for (uint32_t i = 0; i < n; i++) filters += clauses[i].n_matches;
  og_block *b = og_arena_zalloc(c->cx, c->a, sizeof *b);
  if (!b) return OG_ENOMEM;
  b->roots = og_arena_calloc(c->cx, c->a, (size_t)n + 1, sizeof *b->roots);
  b->hops = og_arena_calloc(c->cx, c->a, (size_t)n + 1, sizeof *b->hops);
  b->filters = og_arena_calloc(c->cx, c->a, filters + 1, sizeof *b->filters);
  b->nots = og_arena_calloc(c->cx, c->a, (size_t)n + 1, sizeof *b->nots);
  *out = b;
  return b->roots && b->hops && b->filters && b->nots ? OG_OK : OG_ENOMEM;
}

static og_status check_clause(og_checker *c, const og_block_scope *s, const og_clause *clause)
{
  if (clause->kind == OG_CLAUSE_BINDING) return check_binding(c, s, clause);
  if (clause->kind == OG_CLAUSE_TRAVERSAL) return check_traversal(c, s, clause);
  if (clause->kind == OG_CLAUSE_NOT) return OG_OK; /* below */
  const og_pexpr *px;
  OG_TRY(og_check__filter(c, clause, &px));
  if (px) s->b->filters[s->b->n_filters++] = px;
  return OG_OK;
}

og_status og_check__block(og_checker *c, const og_clause *clauses, uint32_t n, bool inner, og_block **out)
{
  og_block_scope s = {.inner = inner};
  OG_TRY(new_block(c, clauses, n, &s.b));
  for (uint32_t i = 0; i < n; i++)
    if (clauses[i].kind == OG_CLAUSE_BINDING) OG_TRY(declare(c, &s, &clauses[i]));
  for (uint32_t i = 0; i < n; i++) OG_TRY(check_clause(c, &s, &clauses[i]));
  for (uint32_t i = 0; i < n; i++)
    if (clauses[i].kind == OG_CLAUSE_NOT) OG_TRY(check_not(c, &s, &clauses[i]));
  *out = s.b;
  return OG_OK;
}
