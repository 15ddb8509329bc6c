/* SPDX-License-Identifier: MIT */
/* query/check_clause.c -- bindings, traversals, conditions, optional parts and negations of one block.
 *
 * A block is read in four passes: its bindings declare their variables; bindings, traversals and conditions in the
 * order written; optional parts, with the conditions that stand behind the first of them; negations.
 */
#include "query/check.h"

#include "base/limits.h"

typedef struct og_block_scope {
  og_block *b;
  bool inner, optional;
} og_block_scope;

static bool anonymous(og_str var)
{
  return og_str_eq(var, OG_STR("_"));
}

/* The node types that declare it, in name order, and where they keep its properties. */
static og_status interface_slot(og_checker *c, og_slot *slot)
{
  const og_type_def *t = slot->type,
                    **types = og_arena_calloc(c->cx, c->a, (size_t)c->catalog->n_nodes + 1, sizeof *types);
  if (!types) return OG_ENOMEM;
  slot->types = types;
  slot->n_types = 0;
  for (uint32_t i = 0; i < c->catalog->n_nodes; i++)
    for (uint32_t k = 0; k < c->catalog->nodes[i].n_implements; k++)
      if (c->catalog->nodes[i].implements[k].id == t->id) types[slot->n_types++] = &c->catalog->nodes[i];
  if (slot->n_types > OG_ROW_MAX_TYPES)
    return og_fail(c->cx, OG_ELIMIT, "interface '" OG_STR_FMT "' has more than %d node types; query them one by one",
                   OG_STR_ARG(t->name), OG_ROW_MAX_TYPES);
  size_t n = (size_t)slot->n_types * t->n_properties;
  int32_t *fields = og_arena_calloc(c->cx, c->a, n + 1, sizeof *fields);
  if (!fields) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++)
    fields[i] = og_type_property(types[i / t->n_properties], t->properties[i % t->n_properties].name);
  slot->fields = fields;
  return OG_OK;
}

static og_status new_slot(og_checker *c, const og_block_scope *s, og_str name, const og_type_def *type, uint32_t *out)
{
  uint32_t at = c->n_slots++;
  og_slot *slot = &c->slots[at];
  bool hidden = anonymous(name);
  *out = at;
  *slot = (og_slot){.name = name, .hidden = hidden || s->inner, .inner = s->inner, .optional = s->optional};
  slot->type = type;
  slot->n_types = type ? 1 : 0;
  if (!hidden) c->scope[c->n_scope++] = at;
  if (type && !type->is_edge && !type->incarnation) return interface_slot(c, slot);
  const og_type_def **types = og_arena_alloc(c->cx, c->a, sizeof *types);
  if (!types) return OG_ENOMEM;
  *types = type;
  slot->types = types;
  return OG_OK;
}

/* ---- bindings */

static og_status binding_type(og_checker *c, const og_clause *b, const og_type_def **out)
{
  *out = og_catalog_node(c->catalog, b->type);
  if (!*out) *out = og_catalog_interface(c->catalog, b->type);
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
  if (slot == OG_NO_SLOT) return new_slot(c, s, b->var, type, &slot);
  if (c->slots[slot].is_edge || c->slots[slot].is_path)
    return OG_CHECK_FAIL(c, b->var_span, OG_STR_NONE,
                         "type error: T23: '$" OG_STR_FMT "' is %s and cannot be bound as a node", OG_STR_ARG(b->var),
                         c->slots[slot].is_edge ? "an edge" : "a path");
  if (c->slots[slot].type != type)
    return OG_CHECK_FAIL(c, b->type_span, OG_STR_NONE,
                         "type error: variable '$" OG_STR_FMT "' is " OG_STR_FMT " and cannot also be " OG_STR_FMT,
                         OG_STR_ARG(b->var), OG_STR_ARG(c->slots[slot].type->name), OG_STR_ARG(type->name));
  return OG_OK;
}

static void add_filter(const og_block_scope *s, const og_pexpr *px)
{
  if (px) s->b->filters[s->b->n_filters++] = px; /* NULL: noted as not supported */
}

/* A variable of an optional part, bound again further in, must have a row. */
static og_status has_row(og_checker *c, const og_block_scope *s, const og_clause *b)
{
  const og_pexpr *px;
  const og_expr var = {.kind = OG_EXPR_VAR, .span = b->var_span, .var = b->var};
  const og_expr *const args[] = {&var};
  const og_expr test = {
      .kind = OG_EXPR_IS_NULL, .negated = true, .span = b->var_span, .args = args, .n_args = 1, .depth = 2};
  OG_TRY(og_check__condition(c, &test, &px));
  add_filter(s, px);
  return OG_OK;
}

static og_status check_binding(og_checker *c, const og_block_scope *s, const og_clause *b)
{
  const og_pexpr *px = NULL;
  const og_type_def *type;
  uint32_t slot = og_check__find(c, b->var);
  OG_TRY(binding_type(c, b, &type));
  if (anonymous(b->var)) OG_TRY(new_slot(c, s, b->var, type, &slot));
  if (c->written[slot] && c->slots[slot].optional) OG_TRY(has_row(c, s, b));
  c->written[slot] = true;
  s->b->roots[s->b->n_roots++] = slot;
  for (uint32_t i = 0; i < b->n_matches; i++) {
    OG_TRY(og_check__inline(c, slot, &b->matches[i], &px));
    add_filter(s, px);
  }
  return OG_OK;
}

/* ---- traversals */

static og_status check_bounds(og_checker *c, const og_clause *t, og_hop *hop)
{
  hop->min = hop->max = 1;
  if (!t->has_bounds) return OG_OK;
  if (!t->has_max)
    return OG_CHECK_FAIL(c, t->edge_span, OG_STR("give an upper bound: {1,3}, or {1,*} for as many as there are"),
                         "type error: T15: the number of hops needs an upper bound");
  int64_t max = t->unbounded ? OG_HOPS_UNBOUNDED : t->max;
  if (t->min < 1 || max < t->min || (max >= OG_HOPS_UNBOUNDED && !t->unbounded))
    return OG_CHECK_FAIL(c, t->edge_span, OG_STR_NONE,
                         "type error: T15: hops start at 1 and cannot end below their start");
  hop->min = (uint32_t)t->min;
  hop->max = (uint32_t)max;
  if (hop->min != 1 || hop->max != 1) og_check__need(c, OG_FEATURE_HOPS, t->edge_span);
  return OG_OK;
}

static og_status endpoint(og_checker *c, og_str name, og_span at, uint32_t *slot)
{
  *slot = og_check__find(c, name);
  if (*slot == OG_NO_SLOT || (!c->slots[*slot].is_edge && !c->slots[*slot].is_path)) return OG_OK;
  return OG_CHECK_FAIL(c, at, OG_STR_NONE, "type error: T23: '$" OG_STR_FMT "' is %s and cannot be an endpoint",
                       OG_STR_ARG(name), c->slots[*slot].is_edge ? "an edge" : "a path");
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

/* Whether a slot may hold rows of a type; any may when it is not bound yet. */
static bool accepts(const og_checker *c, uint32_t slot, const og_type_def *t)
{
  if (slot == OG_NO_SLOT) return true;
  for (uint32_t i = 0; i < c->slots[slot].n_types; i++)
    if (c->slots[slot].types[i] == t) return true;
  return false;
}

/* Along the edge or against it: by the type of the left end, else of the right one, else along. */
static og_status direction(og_checker *c, const og_clause *t, og_hop *hop)
{
  const og_type_def *from = og_edge_from(c->catalog, hop->edge), *to = og_edge_to(c->catalog, hop->edge);
  hop->dir = OG_DIR_OUT;
  if (t->undirected) {
    if (from != to)
      return OG_CHECK_FAIL(c, t->edge_span, OG_STR_NONE,
                           "type error: T22: <" OG_STR_FMT "> needs an edge whose ends have one type, but " OG_STR_FMT
                           " goes from " OG_STR_FMT " to " OG_STR_FMT,
                           OG_STR_ARG(t->edge), OG_STR_ARG(hop->edge->name), OG_STR_ARG(from->name),
                           OG_STR_ARG(to->name));
    hop->dir = OG_DIR_BOTH;
  } else if (hop->src != OG_NO_SLOT ? !accepts(c, hop->src, from) : !accepts(c, hop->dst, to)) {
    hop->dir = OG_DIR_IN;
  }
  bool back = hop->dir == OG_DIR_IN;
  if (!accepts(c, hop->src, back ? to : from))
    return wrong_end(c, t->var, t->var_span, c->slots[hop->src].type, hop->edge);
  if (!accepts(c, hop->dst, back ? from : to))
    return wrong_end(c, t->dst, t->dst_span, c->slots[hop->dst].type, hop->edge);
  return OG_OK;
}

static bool name_is_taken(const og_checker *c, const og_clause *t, og_str name)
{
  return og_check__find(c, name) != OG_NO_SLOT || og_str_eq(name, t->var) || og_str_eq(name, t->dst);
}

static og_status edge_variable(og_checker *c, const og_block_scope *s, const og_clause *t, og_hop *hop)
{
  hop->edge_slot = OG_NO_SLOT;
  if (t->edge_var.len == 0 || anonymous(t->edge_var)) return OG_OK;
  og_check__need(c, OG_FEATURE_EDGE_VAR, t->edge_var_span);
  if (t->has_bounds)
    return OG_CHECK_FAIL(c, t->edge_var_span, OG_STR("bind the path behind it: $a edge{1,3} $b path $p"),
                         "type error: T23: an edge bound to a variable is a single hop");
  if (name_is_taken(c, t, t->edge_var))
    return OG_CHECK_FAIL(c, t->edge_var_span, OG_STR_NONE, "type error: T23: the name '$" OG_STR_FMT "' is taken",
                         OG_STR_ARG(t->edge_var));
  OG_TRY(new_slot(c, s, t->edge_var, hop->edge, &hop->edge_slot));
  c->slots[hop->edge_slot].is_edge = true;
  c->written[hop->edge_slot] = true;
  return OG_OK;
}

static og_status path_variable(og_checker *c, const og_block_scope *s, const og_clause *t, og_hop *hop)
{
  hop->path_slot = OG_NO_SLOT;
  if (t->path_var.len == 0 || anonymous(t->path_var)) return OG_OK;
  if (hop->edge_slot != OG_NO_SLOT)
    return OG_CHECK_FAIL(c, t->path_span, OG_STR("the edge variable says all there is"),
                         "type error: T23: an edge bound to a variable has no path beside it");
  if (name_is_taken(c, t, t->path_var))
    return OG_CHECK_FAIL(c, t->path_span, OG_STR_NONE, "type error: T23: the name '$" OG_STR_FMT "' is taken",
                         OG_STR_ARG(t->path_var));
  OG_TRY(new_slot(c, s, t->path_var, NULL, &hop->path_slot));
  c->slots[hop->path_slot].is_path = c->slots[hop->path_slot].hidden = true;
  c->written[hop->path_slot] = true;
  return OG_OK;
}

/* An edge type is spelled like a type where it is declared, and like a property where it is walked. */
static og_status unknown_edge(og_checker *c, const og_clause *t)
{
  og_str near = og_catalog_suggest_edge(c->catalog, t->edge);
  if (near.len)
    OG_TRY(og_arena_printf(c->cx, c->a, &near, "%c" OG_STR_FMT, near.ptr[0] | 0x20,
                           OG_STR_ARG(og_str_sub(near, 1, near.len))));
  og_str hint = og_check__hint(c, near);
  static const char *const operators[] = {"contains", "starts_with", "ends_with", "in", "and", "or"};
  for (size_t i = 0; i < OG_ARRAY_LEN(operators); i++)
    if (og_str_eq(t->edge, og_str_of(operators[i])))
      hint = OG_STR("between two variables a word is an edge; put a condition in parentheses: ($a in $b)");
  return OG_CHECK_FAIL(c, t->edge_span, hint, "type error: T4: unknown edge '" OG_STR_FMT "'", OG_STR_ARG(t->edge));
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
  if (hop->src == OG_NO_SLOT) OG_TRY(new_slot(c, s, t->var, back ? to : from, &hop->src));
  bool loop = !anonymous(t->dst) && og_str_eq(t->var, t->dst);
  if (loop && from != to) return wrong_end(c, t->dst, t->dst_span, c->slots[hop->src].type, hop->edge);
  if (loop) hop->dst = hop->src;
  if (hop->dst == OG_NO_SLOT) OG_TRY(new_slot(c, s, t->dst, back ? from : to, &hop->dst));
  c->written[hop->src] = c->written[hop->dst] = true;
  OG_TRY(edge_variable(c, s, t, hop));
  OG_TRY(path_variable(c, s, t, hop));
  s->b->n_hops++;
  return OG_OK;
}

/* ---- negations */

static bool mentions(const og_checker *c, const og_expr *e, uint32_t n_outer)
{
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
  case OG_CLAUSE_BINDING:
    for (uint32_t i = 0; i < in->n_matches; i++)
      if (mentions(c, in->matches[i].value, n_outer)) return true;
    return is_outer(c, in->var, n_outer);
  case OG_CLAUSE_TRAVERSAL: return is_outer(c, in->var, n_outer) || is_outer(c, in->dst, n_outer);
  case OG_CLAUSE_FILTER: return mentions(c, in->cond, n_outer);
  case OG_CLAUSE_NOT:
  case OG_CLAUSE_OPTIONAL: break;
  }
  return false;
}

static og_status check_block(og_checker *c, const og_clause *clauses, uint32_t n, og_block_scope *s);

static og_status check_not(og_checker *c, const og_block_scope *s, const og_clause *clause)
{
  bool refers = false;
  for (uint32_t i = 0; i < clause->n_inner; i++) refers |= refers_out(c, &clause->inner[i], c->n_scope);
  if (!refers)
    return OG_CHECK_FAIL(c, clause->span, OG_STR("one of its own clauses must use a variable bound outside"),
                         "type error: T9: this negation has nothing to do with the query around it");
  og_check__need(c, OG_FEATURE_NEGATION, clause->span);
  uint32_t outer = c->n_scope;
  og_block_scope in = {.inner = true};
  OG_TRY(check_block(c, clause->inner, clause->n_inner, &in));
  s->b->nots[s->b->n_nots++] = in.b;
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
  b->optionals = og_arena_calloc(c->cx, c->a, (size_t)n + 1, sizeof *b->optionals);
  b->nots = og_arena_calloc(c->cx, c->a, (size_t)n + 1, sizeof *b->nots);
  *out = b;
  return b->roots && b->hops && b->filters && b->optionals && b->nots ? OG_OK : OG_ENOMEM;
}

/* Whether a binding or a traversal among the clauses, inner blocks included, names the variable. */
static bool binds_name(const og_clause *clauses, uint32_t n, og_str var)
{
  for (uint32_t i = 0; i < n; i++) {
    const og_clause *k = &clauses[i];
    bool node = k->kind == OG_CLAUSE_BINDING || k->kind == OG_CLAUSE_TRAVERSAL;
    if (node && (og_str_eq(k->var, var) || (k->kind == OG_CLAUSE_TRAVERSAL && og_str_eq(k->dst, var)))) return true;
    if (k->kind == OG_CLAUSE_OPTIONAL && binds_name(k->inner, k->n_inner, var)) return true;
  }
  return false;
}

/* `var`, at clause `i`, was first named by an optional part: what goes on from there would no longer be optional. */
static og_status check_not_optional(og_checker *c, const og_clause *clauses, uint32_t i, og_str var, og_span at)
{
  if (anonymous(var) || og_check__find(c, var) != OG_NO_SLOT) return OG_OK;
  for (uint32_t k = 0; k < i; k++) {
    if (!binds_name(&clauses[k], 1, var)) continue;
    if (clauses[k].kind != OG_CLAUSE_OPTIONAL) return OG_OK;
    return OG_CHECK_FAIL(c, at, OG_STR("put this clause into the optional part, or bind the variable before it"),
                         "type error: '$" OG_STR_FMT "' is bound by an optional part, and no clause outside of it can"
                         " go on from there",
                         OG_STR_ARG(var));
  }
  return OG_OK;
}

static og_status check_behind_optional(og_checker *c, const og_clause *clauses, uint32_t n, uint32_t first)
{
  for (uint32_t i = first; i < n; i++) {
    const og_clause *k = &clauses[i];
    if (k->kind != OG_CLAUSE_BINDING && k->kind != OG_CLAUSE_TRAVERSAL) continue;
    OG_TRY(check_not_optional(c, clauses, i, k->var, k->var_span));
    if (k->kind == OG_CLAUSE_TRAVERSAL) OG_TRY(check_not_optional(c, clauses, i, k->dst, k->dst_span));
  }
  return OG_OK;
}

static og_status check_optional(og_checker *c, const og_block_scope *s, const og_clause *clause)
{
  og_block_scope in = {.inner = s->inner, .optional = true};
  OG_TRY(check_block(c, clause->inner, clause->n_inner, &in));
  s->b->optionals[s->b->n_optionals++] = in.b;
  return OG_OK;
}

static og_status check_filter(og_checker *c, const og_block_scope *s, const og_clause *clause)
{
  const og_pexpr *px = NULL;
  OG_TRY(og_check__condition(c, clause->cond, &px));
  add_filter(s, px);
  return OG_OK;
}

static og_status check_block(og_checker *c, const og_clause *clauses, uint32_t n, og_block_scope *s)
{
  uint32_t first_optional = 0;
  OG_TRY(new_block(c, clauses, n, &s->b));
  while (first_optional < n && clauses[first_optional].kind != OG_CLAUSE_OPTIONAL) first_optional++;
  OG_TRY(check_behind_optional(c, clauses, n, first_optional));
  for (uint32_t i = 0; i < n; i++)
    if (clauses[i].kind == OG_CLAUSE_BINDING) OG_TRY(declare(c, s, &clauses[i]));
  for (uint32_t i = 0; i < n; i++) {
    if (clauses[i].kind == OG_CLAUSE_BINDING) OG_TRY(check_binding(c, s, &clauses[i]));
    if (clauses[i].kind == OG_CLAUSE_TRAVERSAL) OG_TRY(check_traversal(c, s, &clauses[i]));
    if (clauses[i].kind == OG_CLAUSE_FILTER && i < first_optional) OG_TRY(check_filter(c, s, &clauses[i]));
  }
  for (uint32_t i = first_optional; i < n; i++) {
    if (clauses[i].kind == OG_CLAUSE_OPTIONAL) OG_TRY(check_optional(c, s, &clauses[i]));
    if (clauses[i].kind == OG_CLAUSE_FILTER) OG_TRY(check_filter(c, s, &clauses[i]));
  }
  for (uint32_t i = 0; i < n; i++)
    if (clauses[i].kind == OG_CLAUSE_NOT) OG_TRY(check_not(c, s, &clauses[i]));
  return OG_OK;
}

og_status og_check__block(og_checker *c, const og_clause *clauses, uint32_t n, og_block **out)
{
  og_block_scope s = {0};
  OG_TRY(check_block(c, clauses, n, &s));
  *out = s.b;
  return OG_OK;
}
