/* SPDX-License-Identifier: MIT */
/* query/ast.h -- what a `.gq` text says, before it means anything.
 *
 * Everything lives in the arena given to og_query_parse; strings are unescaped copies or point into the source.
 */
#pragma once

#include "base/source.h"

typedef enum og_lit_kind {
  OG_LIT_NULL,
  OG_LIT_STRING,
  OG_LIT_INT, /* int64; a '-' in front belongs to it */
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

typedef enum og_agg { OG_AGG_COUNT, OG_AGG_SUM, OG_AGG_AVG, OG_AGG_MIN, OG_AGG_MAX } og_agg;
const char *og_agg_text(og_agg agg);

typedef enum og_op {
  OG_OP_EQ,
  OG_OP_NE,
  OG_OP_LT,
  OG_OP_LE,
  OG_OP_GT,
  OG_OP_GE,
  OG_OP_CONTAINS,
  OG_OP_STARTS_WITH,
  OG_OP_ENDS_WITH
} og_op;
const char *og_op_text(og_op op);

/* What computes a value of values.  Signs first; the rest are written name(…).  exec/eval.h says what each does. */
typedef enum og_fn {
  OG_FN_NEG,
  OG_FN_ADD,
  OG_FN_SUB,
  OG_FN_MUL,
  OG_FN_DIV,
  OG_FN_MOD,
  OG_FN_ABS,
  OG_FN_ROUND,
  OG_FN_FLOOR,
  OG_FN_CEIL,
  OG_FN_LEAST,
  OG_FN_GREATEST,
  OG_FN_COALESCE,
  OG_FN_IF,
  OG_FN_LOWER,
  OG_FN_UPPER,
  OG_FN_TRIM,
  OG_FN_LENGTH,
  OG_FN_SUBSTRING,
  OG_FN_REPLACE,
  OG_FN_CONCAT,
  OG_FN_YEAR,
  OG_FN_MONTH,
  OG_FN_DAY,
  OG_FN_HOUR,
  OG_FN_MINUTE,
  OG_FN_SECOND,
  OG_FN_TO_DATE,   /* date(…) of anything but a string literal, which is a literal */
  OG_FN_TO_STRING, /* string(…) */
  OG_FN_TO_INT,    /* int(…) */
  OG_FN_TO_FLOAT,  /* float(…) */
  OG_FN_ID,        /* id($x): of a node or edge variable */
  OG_FN_TYPE,      /* type($x) */
  OG_FN_HOPS,      /* hops($path) */
  OG_FN_NODES,     /* nodes($path) */
  OG_FN_EDGES,     /* edges($path) */
  OG_FN_COUNT_     /* how many there are */
} og_fn;

typedef struct og_fn_info {
  const char *text; /* the name, or the sign of the first six */
  uint8_t min_args, max_args;
} og_fn_info;
const og_fn_info *og_fn_describe(og_fn fn);

typedef enum og_expr_kind {
  OG_EXPR_LITERAL,
  OG_EXPR_VAR,   /* $x: a parameter or a bound variable */
  OG_EXPR_PROP,  /* $x.p */
  OG_EXPR_ALIAS, /* ident: a returned column; in a mutation a property of the row */
  OG_EXPR_NOW,
  OG_EXPR_AGG,     /* agg of args[0]; `distinct` */
  OG_EXPR_NEAREST, /* args: PROP, query */
  OG_EXPR_SEARCH,
  OG_EXPR_FUZZY, /* 2 or 3 args */
  OG_EXPR_MATCH_TEXT,
  OG_EXPR_PHRASE,
  OG_EXPR_BM25,
  OG_EXPR_RRF,     /* 2 or 3 args */
  OG_EXPR_LIST,    /* [args], where not all are literals; only behind `in` */
  OG_EXPR_CALL,    /* fn of args */
  OG_EXPR_COMPARE, /* args[0] op args[1] */
  OG_EXPR_IN,      /* args[0] in args[1]; `negated`: not in */
  OG_EXPR_IS_NULL, /* args[0] is null; `negated`: is not null */
  OG_EXPR_NOT,     /* not (args[0]) */
  OG_EXPR_AND,     /* two or more args, none an AND */
  OG_EXPR_OR       /* two or more args, none an OR */
} og_expr_kind;

/* Precedence, loosest first: or, and, not (…), comparisons and in and is (not chained), + -, * / %, sign, call.
 * A tree is at most OG_LIMIT_EXPR_DEPTH deep. */
typedef struct og_expr {
  og_expr_kind kind;
  og_span span;
  og_literal lit;
  og_str var;  /* VAR, PROP: without '$'; "_" is the anonymous one */
  og_str prop; /* PROP; ALIAS: the name */
  og_agg agg;
  og_fn fn;
  og_op op;
  bool negated;  /* IN, IS_NULL */
  bool distinct; /* AGG */
  const struct og_expr *const *args;
  uint32_t n_args;
  uint32_t depth; /* of the tree below, at least 1 */
} og_expr;

typedef enum og_clause_kind {
  OG_CLAUSE_BINDING,
  OG_CLAUSE_TRAVERSAL,
  OG_CLAUSE_FILTER,
  OG_CLAUSE_NOT,
  OG_CLAUSE_OPTIONAL
} og_clause_kind;

typedef struct og_assign { /* name: value */
  og_str name;
  og_span name_span;
  const og_expr *value;
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
  /* TRAVERSAL: $var [$edge_var:] edge [{min,max}] $dst [path $path_var] */
  og_str edge, edge_var, dst, path_var; /* edge_var, path_var empty: none */
  og_span edge_span, edge_var_span, dst_span, path_span;
  bool undirected, has_bounds;
  bool has_max;   /* not {a,} */
  bool unbounded; /* {a,*} */
  int64_t min, max;
  /* FILTER: must be true */
  const og_expr *cond;
  /* NOT, OPTIONAL */
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

/* limit n, offset n: a number, or a parameter. */
typedef struct og_row_count {
  bool has;
  uint64_t n;
  og_str param; /* empty: n */
  og_span span;
} og_row_count;

typedef enum og_stmt_kind { OG_STMT_INSERT, OG_STMT_UPDATE, OG_STMT_DELETE } og_stmt_kind;

typedef struct og_stmt {
  og_stmt_kind kind;
  og_span span;
  og_str type;
  og_span type_span;
  const og_assign *assigns;
  uint32_t n_assigns;
  const og_expr *where; /* UPDATE, DELETE: a bare name is a property of the row (ALIAS) */
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
  bool distinct; /* return distinct */
  const og_projection *returns;
  uint32_t n_returns;
  const og_expr *const *having; /* all must be true */
  uint32_t n_having;
  const og_ordering *order;
  uint32_t n_order;
  og_row_count limit, offset;
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
