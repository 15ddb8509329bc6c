/* SPDX-License-Identifier: MIT */
/* model.h -- a second, naive idea of what a read query means, to hold the engine against.
 *
 * It is written from the language's description and shares nothing with the executor: values are one tagged kind,
 * tables are arrays of rows, and a row of a match is an assignment of rows to variables for which all clauses hold. The
 * evaluator takes that literally and tries every assignment.  What it shares with the engine is only spelling: dates
 * and floats are written by base/.
 *
 *   seed -> graph (schema and rows)      generate.c, schema.c (written as .pg and NDJSON)
 *        -> case (query, parameters)     query.c, text.c (written as .gq)
 *        -> answer by trying everything  evaluate.c, value.c
 *        -> answer of the engine         engine.c
 *        -> alike?                       answer.c; if not, the case is made smaller (shrink.c) and printed
 *
 * Everything is in the context's arena, which a graph and its cases share.  There is no error handling: what cannot be
 * (no memory) ends the program through OG_CHECK.
 */
#pragma once

#include "base/buf.h"
#include "base/ctx.h"

/* n zeroed things in the arena. */
void *m_take(og_ctx *cx, size_t n, size_t size);

/* ---- Chance */

typedef struct m_rng {
  uint64_t state;
} m_rng;
m_rng m_rng_from(uint64_t seed, uint64_t part);
uint64_t m_rng_next(m_rng *r);
uint32_t m_below(m_rng *r, uint32_t n); /* 0 <= … < n; n > 0 */
bool m_chance(m_rng *r, uint32_t percent);

/* ---- Values */

typedef enum m_val_kind { M_NULL, M_BOOL, M_INT, M_FLOAT, M_TEXT, M_DATE, M_TIME, M_LIST } m_val_kind;

typedef struct m_val {
  m_val_kind kind;
  bool negative; /* INT: sign and magnitude, so that every 64-bit integer fits */
  uint64_t magnitude;
  int64_t i; /* BOOL, DATE (days), TIME (ms) */
  double f;
  double slack; /* made by adding up, or now(): by how much another one may differ */
  og_str s;
  const struct m_val *items; /* LIST */
  uint32_t n_items;
} m_val;

m_val m_null(void);
m_val m_bool(bool b);
m_val m_int(int64_t i);
m_val m_float(double f);
m_val m_text(og_str s);
/* Exact by value, numbers across kinds; not for nulls and lists.  False: of different families. */
bool m_compare(const m_val *a, const m_val *b, int *out);
/* A total order of everything: nulls first, then by kind of value. */
int m_order(const m_val *a, const m_val *b);
/* Whether an answer's cell is the one expected: kinds alike, but that integers may be answered as floats. */
bool m_same(const m_val *expected, const m_val *got);
void m_print_val(og_ctx *cx, og_buf *out, const m_val *v); /* as JSON, for people and for loading */

/* ---- Schema and rows */

typedef enum m_kind {
  M_STRING,
  M_ENUM,
  M_BOOLEAN,
  M_I32,
  M_I64,
  M_U32,
  M_U64,
  M_F32,
  M_F64,
  M_DATE_T,
  M_DATETIME,
  M_KINDS
} m_kind;
typedef enum m_family { M_NUMBERS, M_TEXTS, M_BOOLS, M_DATES, M_TIMES } m_family;
m_family m_family_of(m_kind k);
const char *m_kind_name(m_kind k); /* as a schema or a parameter spells it; ENUM with its values */

typedef struct m_prop {
  og_str name;
  m_kind kind;
  bool list, nullable, key, indexed;
} m_prop;

typedef struct m_row {
  og_str id;
  uint32_t src, dst; /* edges: rows of the end types */
  m_val *values;     /* per property */
  bool off;          /* the shrinker took it away */
} m_row;

typedef struct m_type {
  og_str name;
  bool is_edge;
  uint32_t from, to; /* edges: types */
  og_str word;       /* edges: as a traversal spells it */
  m_prop *props;     /* in name order */
  uint32_t n_props;
  m_row *rows;
  uint32_t n_rows;
  uint8_t *hops[2], *direct; /* edges: distances and neighbours, see evaluate.c; NULL: not known yet */
} m_type;

typedef struct m_graph {
  m_type *types; /* nodes, then edges */
  uint32_t n_nodes, n_types;
  bool large; /* more rows than one chunk: few variables only */
} m_graph;

void m_make_graph(og_ctx *cx, m_rng *r, m_graph *out);
void m_write_schema(og_ctx *cx, const m_graph *g, og_buf *out);
void m_write_rows(og_ctx *cx, const m_graph *g, og_buf *out);
bool m_row_is_there(const m_graph *g, const m_type *t, uint32_t row); /* it, and an edge's ends */
/* A value some property of this kind may hold; never null. */
m_val m_make_value(og_ctx *cx, m_rng *r, m_kind kind);
/* One that a query's text can spell. */
m_val m_make_literal(og_ctx *cx, m_rng *r, m_kind kind);

/* ---- Queries */

typedef enum m_op { M_EQ, M_NE, M_LT, M_LE, M_GT, M_GE } m_op;
typedef enum m_expr_kind {
  MX_LITERAL,
  MX_PARAM,
  MX_NOW,
  MX_PROP,
  MX_ID, /* a variable: its id */
  MX_COMPARE,
  MX_CONTAINS, /* text in text, or member of list */
  MX_STARTS_WITH,
  MX_ENDS_WITH,
  MX_IN,      /* args[0] in [the others] */
  MX_IS_NULL, /* args[0] */
  MX_NOT,
  MX_AND,
  MX_OR,
  MX_ARITH,    /* + - * of two numbers that cannot overflow; + of two texts */
  MX_LENGTH,   /* of a text, in code points */
  MX_COALESCE, /* of two */
  MX_IF,
  MX_HOPS,  /* of a path variable */
  MX_COLUMN /* in having: a column by its alias */
} m_expr_kind;

typedef struct m_expr {
  m_expr_kind kind;
  m_op op;
  uint32_t var, prop; /* PROP, ID, HOPS */
  uint32_t param, column;
  char sign;    /* ARITH: + - * */
  bool negated; /* IN, IS_NULL */
  m_val value;  /* LITERAL */
  m_kind literal_kind;
  struct m_expr **args;
  uint32_t n_args;
} m_expr;

typedef struct m_var {
  og_str name;
  uint32_t type;
  bool is_edge, is_path, anonymous;
} m_var;

typedef enum m_clause_kind { M_BIND, M_WALK, M_FILTER, M_OPTIONAL, M_NOT } m_clause_kind;
#define M_NO_VAR UINT32_MAX

typedef struct m_clause {
  m_clause_kind kind;
  bool off;
  uint32_t var; /* BIND */
  uint32_t n_inline;
  m_expr *inlines[3]; /* COMPARE = or CONTAINS of a property of var and a literal or parameter */
  uint32_t left, right, edge_var, path_var, type; /* WALK: type is the edge's */
  uint32_t min, max;                              /* max M_NO_VAR: as far as there is anything */
  bool undirected;
  bool turned;           /* written from the edge's end to its start */
  bool from_right;       /* walked from the right one; m_settle finds out */
  m_expr *expr;          /* FILTER */
  struct m_block *inner; /* OPTIONAL, NOT */
} m_clause;

typedef struct m_block {
  m_clause *clauses;
  uint32_t n_clauses;
} m_block;

typedef enum m_agg { M_COUNT, M_SUM, M_AVG, M_MIN, M_MAX, M_PLAIN } m_agg;

typedef struct m_column {
  m_expr *expr;
  m_agg agg;
  bool distinct; /* count, sum: of what is different */
  og_str alias;  /* empty: none */
  og_str name;   /* in the answer */
  bool off;
} m_column;

typedef struct m_ordering {
  uint32_t column; /* M_NO_VAR: by `expr` */
  m_expr *expr;
  bool desc, off;
} m_ordering;

typedef struct m_param {
  og_str name;
  m_kind kind;
  bool nullable, list;
  m_val value;
} m_param;

typedef struct m_case {
  m_graph *graph;
  m_var *vars;
  uint32_t n_vars;
  m_param *params;
  uint32_t n_params;
  m_block block;
  m_column *columns;
  uint32_t n_columns;
  m_ordering *order;
  uint32_t n_order;
  bool aggregate; /* also when `distinct`: then all columns are keys */
  bool distinct;
  m_expr *having; /* NULL: none; over columns that have an alias */
  bool has_limit, has_offset;
  uint32_t limit, offset;
} m_case;

void m_make_case(og_ctx *cx, m_rng *r, m_graph *g, m_case *out);
void m_write_query(og_ctx *cx, const m_case *c, og_buf *out);
void m_write_params(og_ctx *cx, const m_case *c, og_buf *out);

/* ---- Answers */

typedef struct m_answer {
  og_str *names;
  uint32_t n_columns;
  m_val *cells; /* n_rows * n_columns, in the order asked for */
  m_val *keys;  /* n_rows * n_keys: what they are ordered by */
  uint32_t n_keys;
  size_t n_rows;
  bool overflows; /* a sum of integers exceeds I64: of other than U64 it may be refused */
} m_answer;

#define M_MANY_ROWS 8000u
/* Finds out from which end each walk goes.  False: the language leaves it open, and it matters. */
bool m_settle(m_case *c); /* settle.c */
/* All rows, whatever the limit.  False: more than M_MANY_ROWS, or too much to try. */
bool m_evaluate(og_ctx *cx, m_case *c, m_answer *out);
/* Whether `got` answers `c`, of which `all` are all rows; else *why says what is wrong. */
bool m_alike(og_ctx *cx, const m_case *c, const m_answer *all, const m_answer *got, const char **why);
void m_print_answer(og_ctx *cx, og_buf *out, const m_answer *a);

/* ---- The engine */

typedef struct m_engine m_engine;
typedef struct m_setup { /* a way to run a query */
  const char *name;
  unsigned threads;
  bool by_ops; /* without patterns: every row made, op by op */
} m_setup;
extern const m_setup m_setups[];
extern const uint32_t m_n_setups;

/* A graph in memory with these rows. */
m_engine *m_engine_open(og_ctx *cx, const m_graph *g);
void m_engine_close(og_ctx *cx, m_engine *e);
/* False: it refused, with the reason in cx->err. */
bool m_engine_ask(og_ctx *cx, m_engine *e, const m_case *c, const m_setup *how, m_answer *out);

/* Makes a case that fails smaller while it fails in the same way. */
typedef bool (*m_fails_fn)(og_ctx *cx, m_case *c, void *arg);
void m_shrink(og_ctx *cx, m_case *c, m_fails_fn fails, void *arg);
