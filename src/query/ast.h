/* SPDX-License-Identifier: MIT */
/* query/ast.h -- what a `.gq` text says, before it means anything.
 *
 * Everything lives in the arena given to og_query_parse; strings are unescaped copies or point into the source.
 */
#pragma once

#include "base/source.h"

typedef enum og_lit_kind {
  OG_LIT_STRING,
  OG_LIT_INT, /* int64 */
  OG_LIT_FLOAT,
  OG_LIT_BOOL,
  OG_LIT_DATE, /* date("…"): text kept, parsed by the checker */
  OG_LIT_DATETIME,
  OG_LIT_LIST
} og_lit_kind;

typedef struct og_literal {
  og_lit_kind kind;
  og_span span;
  og_str str; /* STRING, DATE, DATETIME */
  int64_t i;
  double f;
  bool b;
  const struct og_literal *items;
  uint32_t n_items;
} og_literal;

typedef enum og_expr_kind {
  OG_EXPR_LITERAL,
  OG_EXPR_VAR,   /* $x: a parameter or a bound variable */
  OG_EXPR_PROP,  /* $x.p */
  OG_EXPR_ALIAS, /* ident */
  OG_EXPR_NOW,
  OG_EXPR_AGG,     /* count sum avg min max of args[0] */
  OG_EXPR_NEAREST, /* args: PROP, query */
  OG_EXPR_SEARCH,
  OG_EXPR_FUZZY, /* 2 or 3 args */
  OG_EXPR_MATCH_TEXT,
  OG_EXPR_BM25,
  OG_EXPR_RRF /* 2 or 3 args */
} og_expr_kind;

typedef enum og_agg { OG_AGG_COUNT, OG_AGG_SUM, OG_AGG_AVG, OG_AGG_MIN, OG_AGG_MAX } og_agg;

typedef struct og_expr {
  og_expr_kind kind;
  og_span span;
  og_literal lit;
  og_str var;  /* VAR, PROP: without '$'; "_" is the anonymous one */
  og_str prop; /* PROP; ALIAS: the name */
  og_agg agg;
  const struct og_expr *args[3];
  uint32_t n_args;
} og_expr;

typedef enum og_op {
  OG_OP_EQ,
  OG_OP_NE,
  OG_OP_LT,
  OG_OP_LE,
  OG_OP_GT,
  OG_OP_GE,
  OG_OP_CONTAINS,
  OG_OP_STARTS_WITH
} og_op;
const char *og_op_text(og_op op);

typedef enum og_clause_kind {
  OG_CLAUSE_BINDING,
  OG_CLAUSE_TRAVERSAL,
  OG_CLAUSE_FILTER,
  OG_CLAUSE_TEXT,
  OG_CLAUSE_NOT
} og_clause_kind;

typedef struct og_assign { /* name: value */
  og_str name;
  og_span name_span;
  const og_expr *value; /* LITERAL, VAR or NOW */
} og_assign;

typedef struct og_clause {
  og_clause_kind kind;
  og_span span;
  /* BINDING: $var: Type { matches } */
  og_str var;
  og_span var_span;
  og_str type;
  og_span type_span;
  const og_assign *matches;
  uint32_t n_matches;
  /* TRAVERSAL: $var [$edge_var:] edge [{min,max}] $dst */
  og_str edge, edge_var, dst; /* edge_var empty: none */
  og_span edge_span, edge_var_span, dst_span;
  bool undirected, has_bounds, has_max;
  int64_t min, max;
  /* FILTER: left op right.  TEXT: left is the call */
  const og_expr *left, *right;
  og_op op;
  /* NOT */
  const struct og_clause *inner;
  uint32_t n_inner;
} og_clause;

typedef struct og_projection {
  const og_expr *expr;
  og_str alias; /* empty: none */
  og_span alias_span;
} og_projection;

typedef struct og_ordering {
  const og_expr *expr;
  bool desc;
} og_ordering;

typedef enum og_stmt_kind { OG_STMT_INSERT, OG_STMT_UPDATE, OG_STMT_DELETE } og_stmt_kind;

typedef struct og_stmt {
  og_stmt_kind kind;
  og_span span;
  og_str type;
  og_span type_span;
  const og_assign *assigns;
  uint32_t n_assigns;
  og_str pred_prop; /* where prop op value */
  og_span pred_span;
  og_op pred_op;
  const og_expr *pred_value;
} og_stmt;

typedef struct og_param_decl {
  og_str name;
  og_span span;
  og_str type; /* scalar name as written: "String", "I64", … ; "Vector" with dim */
  og_span type_span;
  uint32_t dim;
  bool list, nullable;
} og_param_decl;

typedef struct og_query {
  og_str name;
  og_span name_span, span;
  const og_param_decl *params;
  uint32_t n_params;
  og_str description, instruction; /* ptr NULL: none */
  bool is_mutation;
  const og_clause *clauses;
  uint32_t n_clauses;
  const og_projection *returns;
  uint32_t n_returns;
  const og_ordering *order;
  uint32_t n_order;
  bool has_limit;
  uint64_t limit;
  og_span limit_span;
  const og_stmt *stmts;
  uint32_t n_stmts;
} og_query;

typedef struct og_query_file {
  og_source source;
  const og_query *queries;
  uint32_t n_queries;
} og_query_file;

/* Parses a whole file.  OG_EINVALID "parse error: …" with position, caret and hint; OG_ELIMIT on size and nesting. */
OG_MUST_USE og_status og_query_parse(og_ctx *cx, og_arena *a, og_str text, og_str file_name, og_query_file *out);
/* The query named so; the only one when `name` is empty.  OG_EINVALID "query 'x' not found". */
OG_MUST_USE og_status og_query_find(og_ctx *cx, const og_query_file *f, og_str name, const og_query **out);
