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
  OG_FEATURE_NEAREST,
  OG_FEATURE_SEARCH,
  OG_FEATURE_FUZZY,
  OG_FEATURE_MATCH_TEXT,
  OG_FEATURE_BM25,
  OG_FEATURE_RRF,
  OG_FEATURE_SUM,
  OG_FEATURE_AVG,
  OG_FEATURE_MIN,
  OG_FEATURE_MAX,
  OG_FEATURE_NEGATION,
  OG_FEATURE_HOPS,
  OG_FEATURE_EDGE_VAR
} og_feature;

typedef struct og_hop {         /* a traversal, its direction settled */
  uint32_t src, dst, edge_slot; /* edge_slot: OG_NO_SLOT when not bound */
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
  uint32_t *scope; /* slots visible by name, inner blocks last */
  uint32_t n_scope;
  bool uses_now;
  bool lacks; /* the first feature met that cannot run yet, and where */
  og_feature feature;
  og_span feature_span;
  /* results for reads */
  og_block *block;
  og_plan_column *columns;
  uint32_t n_columns;
  bool aggregate;
  og_plan_order *order;
  uint32_t n_order;
} og_checker;

/* A typed expression of a query. */
typedef struct og_operand {
  const og_pexpr *px; /* NULL: a search call, which has no plan yet */
  og_prop_type type;
  bool entity; /* a node variable: px is its id */
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
/* "did you mean 'x'?" in the arena, or empty. */
og_str og_check__hint(og_checker *c, og_str near);

/* check_clause.c */
OG_MUST_USE og_status og_check__block(og_checker *c, const og_clause *clauses, uint32_t n, bool inner, og_block **out);

/* check_expr.c */
bool og_check__compatible(const og_prop_type *a, const og_prop_type *b); /* equal, or both numeric; lists alike */
OG_MUST_USE og_status og_check__property(og_checker *c, const og_expr *e, og_operand *out);
OG_MUST_USE og_status og_check__operand(og_checker *c, const og_expr *e, og_operand *out);
OG_MUST_USE og_status og_check__filter(og_checker *c, const og_clause *clause, const og_pexpr **out);
OG_MUST_USE og_status og_check__inline(og_checker *c, uint32_t slot, const og_assign *m, const og_pexpr **out);
OG_MUST_USE og_status og_check__field_px(og_checker *c, uint32_t slot, int32_t field, const og_pexpr **out);
OG_MUST_USE og_status og_check__value_px(og_checker *c, og_px_kind kind, const og_prop_type *t, og_pexpr **out);
OG_MUST_USE og_status og_check__literal_px(og_checker *c, const og_literal *lit, og_operand *out);

/* check_search.c */
OG_MUST_USE og_status og_check__search(og_checker *c, const og_expr *e, og_operand *out);

/* check_return.c */
OG_MUST_USE og_status og_check__returns(og_checker *c);

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
/* A column of non-null values whose memory is the arena's. */
OG_MUST_USE og_status og_query__list(og_ctx *cx, og_arena *a, og_type item, const og_scalar *values, size_t n,
                                     og_column **out);
/* false: out of the range of `kind` (an integer or float kind); then *range names it ("Int32"). */
bool og_query__number_as(const og_scalar *v, og_scalar_kind kind, og_scalar *out, const char **range);

/* params.c */
/* The type a declaration names; false: no such type. */
bool og_query__param_type(const og_param_decl *d, og_prop_type *out);

/* lower.c */
OG_MUST_USE og_status og_lower__read(og_checker *c, const og_plan **out);

/* check_mutation.c */
OG_MUST_USE og_status og_check__mutation(og_checker *c, og_mutation_plan *out);
/* Refuses what typing lets pass but no run could: a required @embed target left for its source to fill. */
OG_MUST_USE og_status og_check__mutation_complete(og_checker *c, const og_mutation_plan *plan);
