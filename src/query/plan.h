/* SPDX-License-Identifier: MIT */
/* query/plan.h -- what a checked query asks for: the logical plan.
 *
 * A read plan is a straight pipeline.  Every variable (and every hidden edge or node the query does not name) is a
 * *slot*: one row of its type's table.  Ops bind slots or drop rows; properties are named by (slot, field), where field
 * is a property index of the slot's type or OG_FIELD_ID / SRC / DST.  Projections, order and limit follow the last op.
 *
 *   op           binds           keeps / makes
 *   SCAN         slot            the first op, and only that: all rows of the slot's type that pass `filters`
 *   CROSS        slot            each incoming row with each row of the slot's type that passes `filters`
 *   HASH_JOIN    slot            as CROSS, where left_keys[i] = right_keys[i] for all i (nulls never match)
 *   EXPAND       dst, edge_slot  per incoming row the neighbours of src that pass `filters` (language, 6.3)
 *   CLOSE        edge_slot       incoming rows whose dst is among the neighbours of src
 *   FILTER       -               incoming rows for which `filters` are all true
 *   ANTI         inner slots     incoming rows for which `inner`, fed that one row, makes none; inner slots end there
 *
 * Without an edge slot EXPAND and CLOSE treat parallel edges as one; with one there is a row per edge row.
 * Filters on a single slot stand on the op that binds it; the others on a FILTER as early as their slots are bound.
 * Predicates are three-valued: unknown is not true.
 *
 * Everything lives in the arena given, and borrows the catalog and the parsed query.  Literal lists are columns whose
 * memory is the arena's too: read them, copy what outlives the plan.
 * Thread rule: immutable once made.
 */
#pragma once

#include "arrow/kernels.h"
#include "query/ast.h"
#include "schema/catalog.h"

/* The column type a property is stored and answered with; lists: `item` too (else OG_TYPE_NULL). */
typedef struct og_value_type {
  og_type type;
  og_type item; /* LIST and FIXED_LIST */
} og_value_type;
og_value_type og_value_type_of(const og_prop_type *t);

typedef enum og_px_kind {
  OG_PX_FIELD,      /* slot, field */
  OG_PX_LITERAL,    /* literal */
  OG_PX_PARAM,      /* values[param] */
  OG_PX_NOW,        /* the instant of the query: date64 */
  OG_PX_CMP,        /* args[0] cmp args[1], exact across numeric kinds as og_scalar_cmp */
  OG_PX_MEMBER,     /* the list args[0] holds the scalar args[1]; null items match nothing */
  OG_PX_SUBSTRING,  /* the string args[0] holds the string args[1] */
  OG_PX_STARTS_WITH /* the string args[0] starts with args[1] */
} og_px_kind;

typedef struct og_pexpr {
  og_px_kind kind;
  og_value_type type; /* predicates: BOOL */
  bool nullable;
  uint32_t slot; /* FIELD */
  int32_t field;
  og_scalar literal;
  uint32_t param;
  og_cmp_op cmp;
  const struct og_pexpr *args[2]; /* predicates; either side may be any of the first four kinds */
} og_pexpr;

typedef struct og_slot {
  og_str name; /* without '$'; hidden: "_" */
  const og_type_def *type;
  bool is_edge;
  bool hidden; /* not a variable of the query: no part in the tie-break */
  bool inner;  /* bound inside an ANTI only */
} og_slot;

typedef enum og_plan_op_kind {
  OG_PLAN_SCAN,
  OG_PLAN_CROSS,
  OG_PLAN_HASH_JOIN,
  OG_PLAN_EXPAND,
  OG_PLAN_CLOSE,
  OG_PLAN_FILTER,
  OG_PLAN_ANTI
} og_plan_op_kind;

typedef enum og_direction { OG_DIR_OUT, OG_DIR_IN, OG_DIR_BOTH } og_direction; /* from src: along, against, either */

#define OG_NO_SLOT        UINT32_MAX
#define OG_HOPS_UNBOUNDED UINT32_MAX

typedef struct og_plan_op {
  og_plan_op_kind kind;
  uint32_t slot;                  /* SCAN, CROSS, HASH_JOIN */
  const og_pexpr *const *filters; /* ANDed predicates; SCAN, CROSS, HASH_JOIN, EXPAND: over the node bound only */
  uint32_t n_filters;
  uint32_t src, dst;  /* EXPAND, CLOSE */
  uint32_t edge_slot; /* OG_NO_SLOT: the edge is not bound.  Its filters stand on a FILTER behind this op */
  const og_type_def *edge;
  og_direction dir;
  uint32_t min, max; /* hops; {1, 1} with an edge slot; across types max is 1, and min > max gives nothing */
  const og_pexpr *const *left_keys;  /* HASH_JOIN: over slots bound before */
  const og_pexpr *const *right_keys; /* HASH_JOIN: over `slot` */
  uint32_t n_keys;
  const struct og_plan_op *inner; /* ANTI: no SCAN in it; empty of ops: drops every row */
  uint32_t n_inner;
} og_plan_op;

typedef struct og_plan_column {
  og_str name; /* in the answer */
  og_value_type type;
  bool nullable;
  bool is_agg;
  og_agg agg; /* is_agg: over `expr` */
  const og_pexpr *expr;
} og_plan_column;

typedef struct og_plan_order {
  const og_pexpr *expr; /* NULL: the projected column */
  uint32_t column;
  bool desc; /* nulls last; ascending: nulls first */
} og_plan_order;

typedef struct og_plan {
  og_str name;
  const og_slot *slots;
  uint32_t n_slots;
  const og_plan_op *ops; /* at least one: SCAN */
  uint32_t n_ops;
  const og_plan_column *columns;
  uint32_t n_columns;
  bool aggregate; /* the columns that are no aggregates are the group keys; no keys: one group, even of no rows */
  const og_plan_order *order; /* aggregate: columns only */
  uint32_t n_order;
  const uint32_t *ties; /* slots whose ids break ties, ascending, in this sequence; none when `aggregate` */
  uint32_t n_ties;
  bool has_limit;
  uint64_t limit;
  bool uses_now;
  const og_param_decl *params; /* the values to bind, in this order */
  uint32_t n_params;
} og_plan;

/* Checks a read query and plans it.  `file` gives positions to errors.
 * OG_EINVALID "type error: Tn: …"; "plan error: …" for a mutation; OG_EUNSUPPORTED "not supported yet: …". */
OG_MUST_USE og_status og_query_plan(og_ctx *cx, og_arena *a, const og_catalog *catalog, const og_query_file *file,
                                    const og_query *query, const og_plan **out);

/* ---- Mutations */

typedef struct og_mutation_assign {
  int32_t field; /* property index, or OG_FIELD_SRC / OG_FIELD_DST (edges: `from`, `to`: node ids) */
  const og_pexpr
      *value; /* LITERAL (already of the property's type, checked against enum and dimension), PARAM or NOW */
} og_mutation_assign;

typedef struct og_mutation_stmt {
  og_stmt_kind kind;
  const og_type_def *type; /* UPDATE: a node */
  const og_mutation_assign *assigns;
  uint32_t n_assigns;
  int32_t pred_field; /* UPDATE, DELETE: property index or OG_FIELD_SRC / DST */
  og_cmp_op pred_op;
  const og_pexpr *pred_value;
  og_span span; /* in the source, for errors at run time */
} og_mutation_stmt;

typedef struct og_mutation_plan {
  og_str name;
  const og_mutation_stmt *stmts;
  uint32_t n_stmts;
  bool deletes; /* all statements delete; else none does */
  bool uses_now;
  const og_param_decl *params;
  uint32_t n_params;
} og_mutation_plan;

OG_MUST_USE og_status og_query_plan_mutation(og_ctx *cx, og_arena *a, const og_catalog *catalog,
                                             const og_query_file *file, const og_query *query,
                                             const og_mutation_plan **out);

/* ---- Text, one op per line, for tests and for people. */
OG_MUST_USE og_status og_plan_print(og_ctx *cx, const og_plan *plan, og_buf *out);
OG_MUST_USE og_status og_mutation_plan_print(og_ctx *cx, const og_mutation_plan *plan, og_buf *out);
