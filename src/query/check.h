/* SPDX-License-Identifier: MIT */
/* query/check.h -- the checker's own structures, shared by its files and by lowering.  Private to this room.
 *
 * Checking turns clauses into blocks: what is bound, which edges connect it, which predicates must hold, which inner
 * blocks must be empty.  Blocks know no order; lowering finds one.
 * Everything lives in the checker's arena.  Arrays are sized by the number of clauses, so nothing grows.
 */
#pragma once

#include "query/plan.h"

/* ---- What the language has and this engine cannot run yet (supported.c). */
typedef enum og_feature {
  OG_FEATURE_EMBEDDING,
  OG_FEATURE_SUM,
  OG_FEATURE_AVG,
  OG_FEATURE_MIN,
  OG_FEATURE_MAX,
  OG_FEATURE_NEGATION,
  OG_FEATURE_HOPS,
  OG_FEATURE_EDGE_VAR
} og_feature;

typedef struct og_hop {                    /* a traversal, its direction settled */
  uint32_t src, dst, edge_slot, path_slot; /* edge_slot, path_slot: OG_NO_SLOT when not bound */
  const og_type_def *edge;
  og_direction dir;
  uint32_t min, max;
} og_hop;

typedef struct og_block {
  uint32_t *roots; /* slots of bindings, as first written */
  uint32_t n_roots;
  og_hop *hops;
  uint32_t n_hops;
  const og_pexpr **filters; /* ANDed, inline and standalone */
  uint32_t n_filters;
  struct og_block **optionals;
  uint32_t n_optionals;
  struct og_block **nots;
  uint32_t n_nots;
} og_block;

typedef struct og_checker {
  og_ctx *cx;
  og_arena *a;
  const og_catalog *catalog;
  const og_source *src;
  const og_query *q;
  og_prop_type *param_types; /* as q->params */
  og_slot *slots;
  uint32_t n_slots;
  bool *written;   /* per slot: the clause that introduces it has been read */
  bool *path_read; /* per slot: more of the path is read than its hops */
  uint32_t *scope; /* slots visible by name, inner blocks last */
  uint32_t n_scope;
  bool uses_now;
  /* What an expression may name, where it stands. */
  uint32_t target; /* mutations: a bare name is a property of this slot's row; else OG_NO_SLOT */
  bool aliases;    /* a bare name is a returned column: having, order */
  bool grouping;   /* behind a grouping: keys, aggregates and constants */
  bool lacks;      /* the first feature met that cannot run yet, and where */
  og_feature feature;
  og_span feature_span;
  /* results for reads */
  og_block *block;
  og_plan_column *columns;
  og_prop_type *column_types;
  uint32_t n_columns; /* those checked so far, while they are */
  bool aggregate;
  const og_pexpr **keys;
  uint32_t n_keys;
  og_plan_agg *aggs;
  uint32_t n_aggs;
  const og_pexpr **having; /* behind a grouping, or filters of what is returned */
  uint32_t n_having;
  og_plan_order *order;
  uint32_t n_order;
  og_plan_count limit, offset;
  const og_pexpr **searches;
  uint32_t n_searches;
  const og_pexpr *rank[2], *rank_k; /* the first ordering when it ranks: BM25 or NEAREST, two of rrf */
  bool is_rrf;
  const og_plan_rrf *rrf;
} og_checker;

/* A typed expression of a query. */
typedef struct og_operand {
  const og_pexpr *px; /* NULL: it holds what has no plan yet, which is noted */
  og_prop_type type;
  bool entity;  /* a node variable: px is its id */
  bool is_null; /* the literal null: of any type */
} og_operand;

/* Raises OG_EINVALID at a place of the text. */
#define OG_CHECK_FAIL(c, span, hint, ...) og_source_fail((c)->cx, OG_EINVALID, (c)->src, (span), (hint), __VA_ARGS__)

/* Notes that the query needs `f`; og_check__supported raises it once everything else is known to be right. */
void og_check__need(og_checker *c, og_feature f, og_span at);
OG_MUST_USE og_status og_check__supported(og_checker *c);

/* check.c */
OG_MUST_USE og_status og_check__init(og_ctx *cx, og_arena *a, const og_catalog *catalog, const og_query_file *file,
                                     const og_query *q, og_checker *c);
OG_MUST_USE og_status og_check__read(og_checker *c);
/* The slot of a name in scope, or OG_NO_SLOT. */
uint32_t og_check__find(const og_checker *c, og_str name);
int og_check__param(const og_checker *c, og_str name);            /* index, or -1 */
og_str og_check__type_text(og_checker *c, const og_prop_type *t); /* without `?` */
const char *og_check__kind_text(const og_type_def *t);            /* "node type", "edge type", "interface" */
/* "did you mean 'x'?" in the arena, or empty. */
og_str og_check__hint(og_checker *c, og_str near);
/* The same with the nearest name of a parameter and, unless they are not meant, of a variable in scope. */
og_str og_check__near_var(og_checker *c, og_str name, bool variables);
/* Raises that `$name` is no parameter; `code` as "T14: ". */
og_status og_check__no_param(og_checker *c, og_str name, og_span at, const char *code);

/* check_clause.c */
OG_MUST_USE og_status og_check__block(og_checker *c, const og_clause *clauses, uint32_t n, og_block **out);

/* check_expr.c: leaves, and what an expression is. */
bool og_check__compatible(const og_prop_type *a, const og_prop_type *b); /* equal, or both numeric; lists alike */
OG_MUST_USE og_status og_check__property(og_checker *c, const og_expr *e, og_operand *out);
/* Any expression as a value.  Predicates are values of type Bool. */
OG_MUST_USE og_status og_check__operand(og_checker *c, const og_expr *e, og_operand *out);
OG_MUST_USE og_status og_check__field_px(og_checker *c, uint32_t slot, int32_t field, const og_pexpr **out);
/* A leaf of type `t`, for the caller to fill in. */
OG_MUST_USE og_status og_check__value_px(og_checker *c, og_px_kind kind, const og_prop_type *t, og_pexpr **out);
/* An inner node over `n` operands: null when one of them may be, unless the caller says otherwise.  *out is NULL when
 * an operand has no plan. */
OG_MUST_USE og_status og_check__node_px(og_checker *c, og_px_kind kind, const og_prop_type *t, const og_operand *args,
                                        uint32_t n, og_pexpr **out);
OG_MUST_USE og_status og_check__literal_px(og_checker *c, const og_literal *lit, og_operand *out);
/* The slot of a bare variable that is bound and read already; OG_NO_SLOT: it is a parameter. */
OG_MUST_USE og_status og_check__variable(og_checker *c, const og_expr *e, uint32_t *slot);

/* check_cond.c: predicates. */
/* What must be true: a filter, an item of having, a where.  *out NULL: it has no plan yet. */
OG_MUST_USE og_status og_check__condition(og_checker *c, const og_expr *e, const og_pexpr **out);
OG_MUST_USE og_status og_check__predicate(og_checker *c, const og_expr *e, og_operand *out); /* COMPARE to OR */
OG_MUST_USE og_status og_check__inline(og_checker *c, uint32_t slot, const og_assign *m, const og_pexpr **out);

/* check_fn.c: arithmetic and functions. */
OG_MUST_USE og_status og_check__call(og_checker *c, const og_expr *e, og_operand *out);

/* check_search.c */
OG_MUST_USE og_status og_check__search(og_checker *c, const og_expr *e, og_operand *out);
const char *og_check__search_name(og_expr_kind kind); /* NULL: no search call */
/* Numbers a search; *out is an equal earlier one when there is one. */
OG_MUST_USE og_status og_check__add_search(og_checker *c, og_pexpr *px, const og_pexpr **out);

/* rank.c */
/* An ordering that is a search call. */
OG_MUST_USE og_status og_check__rank(og_checker *c, const og_expr *e, bool first, og_plan_order *o);
OG_MUST_USE og_status og_check__rank_mix(og_checker *c);
/* Makes filters and orders of a first ordering that ranks. */
OG_MUST_USE og_status og_check__plan_rank(og_checker *c);

/* check_return.c */
OG_MUST_USE og_status og_check__returns(og_checker *c);
/* Behind a grouping: a key or an aggregate.  *done false: `e` is neither, and its parts may be. */
OG_MUST_USE og_status og_check__grouped(og_checker *c, const og_expr *e, og_operand *out, bool *done);
/* A bare name as a returned column. */
OG_MUST_USE og_status og_check__alias(og_checker *c, const og_expr *e, og_operand *out);

/* literal.c */
OG_MUST_USE og_status og_check__literal_type(og_checker *c, const og_literal *lit, og_prop_type *out);
OG_MUST_USE og_status og_check__literal_scalar(og_checker *c, const og_literal *lit, og_scalar *out);
/* The literal as a value of `t`, which belongs to the property called `what`: exact family (but integers serve as
 * floats), range, enum, dimension.  T3. */
OG_MUST_USE og_status og_check__literal_as(og_checker *c, const og_literal *lit, const og_prop_type *t, og_str what,
                                           og_scalar *out);
bool og_check__in_enum(const og_prop_type *t, og_str value);

/* value.c */
og_prop_type og_prop_type_scalar(og_scalar_kind kind);
/* false: out of the range of `kind` (an integer or float kind); then *range names it ("Int32"). */
bool og_query__number_as(const og_scalar *v, og_scalar_kind kind, og_scalar *out, const char **range);

/* params.c */
/* The type a declaration names; false: no such type. */
bool og_query__param_type(const og_param_decl *d, og_prop_type *out);

/* lower.c */
OG_MUST_USE og_status og_lower__read(og_checker *c, const og_plan **out);

/* check_mutation.c */
/* A bare name as a property of the row that c->target stands for. */
OG_MUST_USE og_status og_check__target(og_checker *c, const og_expr *e, og_operand *out);
OG_MUST_USE og_status og_check__mutation(og_checker *c, og_mutation_plan *out);
/* Refuses what typing lets pass but no run could: a required @embed target left for its source to fill. */
OG_MUST_USE og_status og_check__mutation_complete(og_checker *c, const og_mutation_plan *plan);
