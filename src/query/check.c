/* SPDX-License-Identifier: MIT */
/* query/check.c -- is the query right, and what does it mean?
 *
 * The checker reads the clauses once, in source order, and leaves typed blocks behind (check.h) that lowering turns
 * into a pipeline.  Its rules carry the codes T1 to T24 of the language; a message names the thing, the place and,
 * where there is a near name, the likely intent.
 *
 *  (1) A node variable has one type for its whole life, given by its binding or by the first traversal that needs it.
 *      Bindings of a block are looked at before its traversals, so a traversal may be written first; a *condition* must
 *      follow what it mentions.
 *  (2) `not { … }` blocks are read after the rest of the block around them, because they run last: all of its variables
 *      are visible inside, whatever the order on paper.  What an inner block binds ends with it.  `optional { … }`
 *      blocks are read between the two, with the conditions written behind them; what they bind stays visible.
 *  (3) `$_` is a new variable each time: it joins nothing and has no name.
 *  (4) What is wrong is found before what is not supported yet (supported.c).
 *
 * Files: check_clause.c (clauses), check_expr.c (leaves of expressions), check_cond.c (predicates), check_fn.c
 * (functions), check_search.c (search and rank calls), check_return.c (columns, groups, order), check_mutation.c,
 * literal.c, value.c, px.c (expressions of plans).
 */
#include "query/check.h"

#include "base/limits.h"

/* ---- look-ups */

uint32_t og_check__find(const og_checker *c, og_str name)
{
  if (og_str_eq(name, OG_STR("_"))) return OG_NO_SLOT;
  for (uint32_t i = c->n_scope; i-- > 0;)
    if (og_str_eq(c->slots[c->scope[i]].name, name)) return c->scope[i];
  return OG_NO_SLOT;
}

int og_check__param(const og_checker *c, og_str name)
{
  for (uint32_t i = 0; i < c->q->n_params; i++)
    if (og_str_eq(c->q->params[i].name, name)) return (int)i;
  return -1;
}

og_str og_check__type_text(og_checker *c, const og_prop_type *t)
{
  og_str text = OG_STR("?");
  og_prop_type bare = *t;
  bare.nullable = false;
  if (og_prop_type_text(c->cx, c->a, &bare, &text) != OG_OK) og_error_clear(c->cx);
  return text;
}

const char *og_check__kind_text(const og_type_def *t)
{
  return t->is_edge ? "edge type" : t->incarnation ? "node type" : "interface";
}

og_str og_check__hint(og_checker *c, og_str near)
{
  og_str text = OG_STR_NONE;
  if (near.len == 0) return text;
  if (og_arena_printf(c->cx, c->a, &text, "did you mean '" OG_STR_FMT "'?", OG_STR_ARG(near)) != OG_OK)
    og_error_clear(c->cx);
  return text;
}

/* Not $p for $q: what is meant is seldom two letters from a name of one. */
static void nearer(og_str name, og_str candidate, og_str *best, unsigned *distance)
{
  unsigned d = og_str_distance(candidate, name, *distance);
  if (d > *distance || d >= name.len || (best->len && d == *distance)) return;
  *distance = d;
  *best = candidate;
}

og_str og_check__near_var(og_checker *c, og_str name, bool variables)
{
  og_str best = OG_STR_NONE, text = OG_STR_NONE;
  unsigned distance = 2;
  for (uint32_t i = 0; variables && i < c->n_scope; i++) nearer(name, c->slots[c->scope[i]].name, &best, &distance);
  for (uint32_t i = 0; i < c->q->n_params; i++) nearer(name, c->q->params[i].name, &best, &distance);
  if (best.len == 0) return text;
  if (og_arena_printf(c->cx, c->a, &text, "did you mean '$" OG_STR_FMT "'?", OG_STR_ARG(best)) != OG_OK)
    og_error_clear(c->cx);
  return text;
}

og_status og_check__no_param(og_checker *c, og_str name, og_span at, const char *code)
{
  og_str hint = og_check__near_var(c, name, false);
  if (hint.len == 0)
    hint = c->q->is_mutation ? OG_STR("declare it behind the query's name; a bare name is a property of the row")
                             : OG_STR("declare it behind the query's name");
  return OG_CHECK_FAIL(c, at, hint, "type error: %s'$" OG_STR_FMT "' is not a parameter of this query", code,
                       OG_STR_ARG(name));
}

/* ---- set-up */

static uint32_t count_clauses(const og_clause *clauses, uint32_t n)
{
  uint64_t total = n;
  for (uint32_t i = 0; i < n && total <= OG_LIMIT_CLAUSES; i++)
    total += (uint64_t)clauses[i].n_matches + count_clauses(clauses[i].inner, clauses[i].n_inner);
  return total > OG_LIMIT_CLAUSES ? OG_LIMIT_CLAUSES + 1 : (uint32_t)total;
}

static og_status init_slots(og_checker *c)
{
  uint32_t clauses = count_clauses(c->q->clauses, c->q->n_clauses);
  if (clauses > OG_LIMIT_CLAUSES) {
    og_source_fail(c->cx, OG_ELIMIT, c->src, c->q->name_span, OG_STR_NONE, "a query has at most %d clauses",
                   OG_LIMIT_CLAUSES);
    og_detail *d = og_error_detail(c->cx, OG_DETAIL_RESOURCE_LIMIT);
    og_detail_set(d->resource, sizeof d->resource, OG_STR("query clauses"));
    d->limit = OG_LIMIT_CLAUSES;
    d->used = clauses;
    return OG_ELIMIT;
  }
  size_t room = (size_t)clauses * 4 + 1; /* a traversal makes at most four */
  c->slots = og_arena_calloc(c->cx, c->a, room, sizeof *c->slots);
  c->written = og_arena_calloc(c->cx, c->a, room, sizeof *c->written);
  c->path_read = og_arena_calloc(c->cx, c->a, room, sizeof *c->path_read);
  c->scope = og_arena_calloc(c->cx, c->a, room, sizeof *c->scope);
  return c->slots && c->written && c->path_read && c->scope ? OG_OK : OG_ENOMEM;
}

static og_status check_params(og_checker *c)
{
  c->param_types = og_arena_calloc(c->cx, c->a, (size_t)c->q->n_params + 1, sizeof *c->param_types);
  if (!c->param_types) return OG_ENOMEM;
  for (uint32_t i = 0; i < c->q->n_params; i++) {
    const og_param_decl *d = &c->q->params[i];
    if (og_str_eq(d->name, OG_STR("__nanograph_now")) || og_str_eq(d->name, OG_STR("_")))
      return OG_CHECK_FAIL(c, d->span, OG_STR_NONE, "type error: the parameter name '$" OG_STR_FMT "' is reserved",
                           OG_STR_ARG(d->name));
    if (og_check__param(c, d->name) < (int)i)
      return OG_CHECK_FAIL(c, d->span, OG_STR_NONE, "type error: parameter '$" OG_STR_FMT "' is declared twice",
                           OG_STR_ARG(d->name));
    if (!og_query__param_type(d, &c->param_types[i]))
      return OG_CHECK_FAIL(
          c, d->type_span,
          OG_STR("types are String Blob Bool I32 I64 U32 U64 F32 F64 DateTime Date, lists [T] of all but"
                 " Blob, and Vector(N)"),
          "type error: unknown parameter type '%s" OG_STR_FMT "%s'", d->list ? "[" : "", OG_STR_ARG(d->type),
          d->list ? "]" : "");
  }
  return OG_OK;
}

og_status og_check__init(og_ctx *cx, og_arena *a, const og_catalog *catalog, const og_query_file *file,
                         const og_query *q, og_checker *c)
{
  *c = (og_checker){.cx = cx, .a = a, .catalog = catalog, .src = &file->source, .q = q, .target = OG_NO_SLOT};
  OG_TRY(init_slots(c));
  return check_params(c);
}

og_status og_check__read(og_checker *c)
{
  OG_TRY(og_check__block(c, c->q->clauses, c->q->n_clauses, &c->block));
  if (c->block->n_roots + c->block->n_hops == 0)
    return OG_CHECK_FAIL(c, c->q->name_span, OG_STR("bind one: $x: Type"),
                         "type error: query '" OG_STR_FMT "' matches no node: its match block binds no variable",
                         OG_STR_ARG(c->q->name));
  return og_check__returns(c);
}

/* ---- the room's door */

og_status og_query_plan(og_ctx *cx, og_arena *a, const og_catalog *catalog, const og_query_file *file,
                        const og_query *query, const og_plan **out)
{
  og_checker c;
  if (query->is_mutation)
    return og_source_fail(cx, OG_EINVALID, &file->source, query->name_span, OG_STR("run it as a mutation"),
                          "plan error: query '" OG_STR_FMT "' is a mutation; it cannot be run as a read query",
                          OG_STR_ARG(query->name));
  OG_TRY(og_check__init(cx, a, catalog, file, query, &c));
  OG_TRY(og_check__read(&c));
  OG_TRY(og_check__supported(&c));
  return og_lower__read(&c, out);
}

og_status og_query_plan_mutation(og_ctx *cx, og_arena *a, const og_catalog *catalog, const og_query_file *file,
                                 const og_query *query, const og_mutation_plan **out)
{
  og_checker c;
  if (!query->is_mutation)
    return og_source_fail(cx, OG_EINVALID, &file->source, query->name_span, OG_STR("run it as a read query"),
                          "plan error: query '" OG_STR_FMT "' is a read query; it cannot be run as a mutation",
                          OG_STR_ARG(query->name));
  OG_TRY(og_check__init(cx, a, catalog, file, query, &c));
  og_mutation_plan *plan = og_arena_zalloc(cx, a, sizeof *plan);
  if (!plan) return OG_ENOMEM;
  OG_TRY(og_check__mutation(&c, plan));
  OG_TRY(og_check__mutation_complete(&c, plan));
  OG_TRY(og_check__supported(&c));
  *out = plan;
  return OG_OK;
}
