/* SPDX-License-Identifier: MIT */
/* query/plan.h -- what a checked query asks for: the logical plan.
 *
 * A read plan is a straight pipeline, then an optional grouping, then columns, order and a window of rows:
 *
 *   SCAN -> op -> op -> ... -> [group] -> [having] -> columns -> order -> offset, limit
 *
 * Every variable (and every hidden edge or node the query does not name) is a *slot*.  A slot holds one row of its
 * type's table; of a type that is an interface, one row of one of its implementers' tables (og_row); of a path
 * variable, a path.  Slots bound inside an OPTIONAL may hold no row (OG_ROW_NONE): all their fields are null.
 * Ops bind slots or drop rows; properties are named by (slot, field), where field is a property index of the slot's
 * type or OG_FIELD_ID / SRC / DST.
 *
 *   op           binds           keeps / makes
 *   SCAN         slot            the first op, and only that: all rows of the slot's type that pass `filters`
 *   CROSS        slot            each incoming row with each row of the slot's type that passes `filters`
 *   HASH_JOIN    slot            as CROSS, where left_keys[i] = right_keys[i] for all i (nulls never match)
 *   EXPAND       dst, edge_slot  per incoming row the neighbours of src that pass `filters` (language, 6.3)
 *                path_slot
 *   CLOSE        edge_slot       incoming rows whose dst is among the neighbours of src
 *                path_slot
 *   FILTER       -               incoming rows for which `filters` are all true
 *   ANTI         inner slots     incoming rows for which `inner`, fed that one row, makes none; inner slots end there
 *   OPTIONAL     inner slots     per incoming row what `inner`, fed that one row, makes of it; when that is nothing,
 * the row itself with all slots bound in `inner` (deeper ones too) set to OG_ROW_NONE
 *
 * Without an edge slot EXPAND and CLOSE treat parallel edges as one; with one there is a row per edge row.
 * EXPAND and CLOSE make nothing of a row whose src (or, for CLOSE, dst) is OG_ROW_NONE or of another type than the edge
 * needs (src_type, dst_type).
 * Filters on a single slot stand on the op that binds it; the others on a FILTER as early as their slots are bound.
 * Predicates are three-valued: unknown is not true.  Filters of one op are judged in their order, and one that comes
 * behind a false one is not computed: an expression that may fail (og_pexpr.fails) must never be computed for a row
 * that an earlier op or filter drops.
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

/* A column of non-null values whose memory is the arena's: read it, do not keep it.  OG_ELIMIT. */
OG_MUST_USE og_status og_query_list(og_ctx *cx, og_arena *a, og_type item, const og_scalar *values, size_t n,
                                    og_column **out);

/* ---- Expressions */

typedef enum og_px_kind {
  /* Leaves: constants of one run. */
  OG_PX_LITERAL, /* literal; may be null */
  OG_PX_PARAM,   /* values[param] */
  OG_PX_NOW,     /* the instant of the query: date64 */
  /* Leaves: of a row. */
  OG_PX_FIELD, /* slot, field */
  OG_PX_TYPE,  /* slot: the name of its type */
  OG_PX_PATH,  /* slot, part: HOPS int64; NODES and EDGES: list of ids */
  OG_PX_GROUP, /* keys[group], or aggs[group - n_keys]; behind a grouping, and only there */
  /* Predicates: BOOL, null when unknown. */
  OG_PX_CMP,         /* args[0] cmp args[1], exact across numeric kinds as og_scalar_cmp */
  OG_PX_MEMBER,      /* the list args[0] holds the scalar args[1]; null items match nothing */
  OG_PX_SUBSTRING,   /* the string args[0] holds the string args[1] */
  OG_PX_STARTS_WITH, /* the string args[0] starts with args[1] */
  OG_PX_ENDS_WITH,   /* the string args[0] ends with args[1] */
  OG_PX_IS_NULL,     /* args[0] is null: never null itself */
  OG_PX_NOT,         /* of args[0] */
  OG_PX_AND,         /* of all args; false as soon as one is, whatever the others */
  OG_PX_OR,          /* of all args */
  /* Values. */
  OG_PX_CALL, /* fn of args: exec/eval.h; never one of ID TYPE HOPS NODES EDGES, which are leaves */
  /* Searches: exec/search.c.  args[0] is a FIELD of a node slot; null when an operand is. */
  OG_PX_TEXT, /* BOOL: the words of the text args[1] are in a string, as `text` says; FUZZY may have edits, args[2] */
  OG_PX_BM25, /* float64: how well a string matches the words of the text args[1] */
  OG_PX_NEAREST, /* float64: the squared distance of a vector and the vector args[1], which is a constant or a FIELD */
  OG_PX_NEAR_SET /* BOOL, never null: the row is among the offset + limit nearest, by the NEAREST args[0], of the rows
                  * of its slot for which near->filters are true, ties by id */
} og_px_kind;

static inline bool og_px_is_search(og_px_kind k)
{
  return k >= OG_PX_TEXT;
}

typedef enum og_text_match { OG_TEXT_ANY, OG_TEXT_PHRASE, OG_TEXT_FUZZY } og_text_match;

typedef struct og_near_set {
  const struct og_pexpr *const *filters; /* ANDed, over the slot alone */
  uint32_t n_filters;
} og_near_set;

typedef enum og_path_part { OG_PATH_HOPS, OG_PATH_NODES, OG_PATH_EDGES } og_path_part;

typedef struct og_pexpr {
  og_px_kind kind;
  og_value_type type; /* predicates: BOOL */
  bool nullable;
  bool fails;    /* computing it may raise (overflow, division by zero, a conversion) */
  uint32_t slot; /* FIELD, TYPE, PATH */
  int32_t field;
  og_path_part part;
  uint32_t group;
  og_scalar literal;
  uint32_t param;
  og_cmp_op cmp;
  og_fn fn;
  og_text_match text;
  uint32_t search; /* TEXT to NEAR_SET: number in the plan's `searches` */
  const og_near_set *near;
  const struct og_pexpr *const *args;
  uint32_t n_args;
  og_span span; /* where it is written, for errors at run time */
} og_pexpr;

/* No leaf of a row beneath: one value for the whole run. */
bool og_px_is_constant(const og_pexpr *px);
/* The same computation, written the same way. */
bool og_px_equal(const og_pexpr *a, const og_pexpr *b);
/* Whether a leaf beneath is about `slot`. */
bool og_px_mentions(const og_pexpr *px, uint32_t slot);
/* Calls `visit` for every leaf beneath that is about a slot, until it returns false; false: it did. */
bool og_px_each_slot(const og_pexpr *px, bool (*visit)(uint32_t slot, void *arg), void *arg);

/* ---- Slots */

typedef struct og_slot {
  og_str name; /* without '$'; hidden: "_" */
  /* The node or edge type; or an interface, whose properties are then what `field` indexes.  Path slots: NULL. */
  const og_type_def *type;
  /* The types a row may be of, by name; one unless `type` is an interface.  fields[t * type->n_properties + f] is the
   * property of types[t] that serves as property f. */
  const og_type_def *const *types;
  const int32_t *fields; /* NULL: the same index (one type) */
  uint32_t n_types;      /* path slots: 0 */
  bool is_edge, is_path;
  bool hidden;   /* not a variable of the query: no part in the tie-break */
  bool inner;    /* bound inside an ANTI only */
  bool optional; /* bound inside an OPTIONAL: may be OG_ROW_NONE */
} og_slot;

/* The value of a slot: which of its types (8 bits), and the row in that type's table.  With a single type it is the
 * row.  A path slot's value is the number of hops when the op that binds it says so (path_hops_only), else whatever
 * the executor makes of it. */
#define OG_ROW_NONE      UINT64_MAX
#define OG_ROW_TYPE_BITS 8
#define OG_ROW_MAX_TYPES 255
static inline uint64_t og_row_of(uint32_t type, uint64_t row)
{
  return (uint64_t)type << (64 - OG_ROW_TYPE_BITS) | row;
}
static inline uint32_t og_row_type(uint64_t value) /* not of OG_ROW_NONE */
{
  return (uint32_t)(value >> (64 - OG_ROW_TYPE_BITS));
}
static inline uint64_t og_row_offset(uint64_t value)
{
  return value & (UINT64_MAX >> OG_ROW_TYPE_BITS);
}

/* ---- Ops */

typedef enum og_plan_op_kind {
  OG_PLAN_SCAN,
  OG_PLAN_CROSS,
  OG_PLAN_HASH_JOIN,
  OG_PLAN_EXPAND,
  OG_PLAN_CLOSE,
  OG_PLAN_FILTER,
  OG_PLAN_ANTI,
  OG_PLAN_OPTIONAL
} og_plan_op_kind;

typedef enum og_direction { OG_DIR_OUT, OG_DIR_IN, OG_DIR_BOTH } og_direction; /* from src: along, against, either */

#define OG_NO_SLOT        UINT32_MAX
#define OG_HOPS_UNBOUNDED UINT32_MAX /* as `max`: until nothing new is met; OG_LIMIT_HOPS then raises */

typedef struct og_plan_op {
  og_plan_op_kind kind;
  uint32_t slot;                  /* SCAN, CROSS, HASH_JOIN */
  const og_pexpr *const *filters; /* ANDed predicates; SCAN, CROSS, HASH_JOIN, EXPAND: over the node bound only */
  uint32_t n_filters;
  uint32_t src, dst;           /* EXPAND, CLOSE */
  uint32_t src_type, dst_type; /* index into the slots' types: what the edge leads from and to.  0 with one type */
  uint32_t edge_slot;          /* OG_NO_SLOT: the edge is not bound.  Its filters stand on a FILTER behind this op */
  uint32_t path_slot;          /* OG_NO_SLOT: the path is not bound; never together with an edge slot */
  bool path_hops_only;         /* nothing but the number of hops is read of the path */
  bool path_reversed;          /* the query walks from dst to src: nodes() and edges() are told in that order */
  const og_type_def *edge;
  og_direction dir;
  uint32_t min, max; /* hops; {1, 1} with an edge slot; across types max is 1, and min > max gives nothing */
  const og_pexpr *const *left_keys;  /* HASH_JOIN: over slots bound before; none that may fail */
  const og_pexpr *const *right_keys; /* HASH_JOIN: over `slot`; likewise */
  uint32_t n_keys;
  const struct og_plan_op *inner; /* ANTI, OPTIONAL: no SCAN in it; ANTI empty of ops: drops every row */
  uint32_t n_inner;
} og_plan_op;

/* A path is a shortest one from src to dst; of several the one whose nodes, read backwards from dst, have the smallest
 * ids (by bytes), and of parallel edges the one with the smallest id.  So it does not depend on how rows are stored;
 * but it does on which end the walk starts from, so an op with a path slot must not be turned around. */

/* ---- Behind the last op */

typedef struct og_plan_agg {
  og_agg agg;
  bool distinct;        /* of equal values one counts */
  const og_pexpr *expr; /* over slots */
  /* COUNT: int64.  SUM: int64 of signed integers and U32, uint64 of U64, exact, OG_EINVALID when the sum does not fit;
   * float64 of floats.  AVG: float64.  MIN, MAX: as the argument. */
  og_value_type type;
} og_plan_agg;

typedef struct og_plan_column {
  og_str name; /* in the answer */
  og_value_type type;
  bool nullable;
  const og_pexpr *expr; /* over slots; behind a grouping over GROUP leaves and constants */
} og_plan_column;

typedef struct og_plan_order {
  const og_pexpr *expr; /* as a column's; NULL: the projected column */
  uint32_t column;
  bool desc; /* nulls last; ascending: nulls first */
} og_plan_order;

/* rrf(): the rows for which a member is true, ranked by its score, ties as the plan's; exec/search_rank.c fuses them.
 */
typedef struct og_plan_arm {
  const og_pexpr *member, *score;
  bool desc;
} og_plan_arm;

typedef struct og_plan_rrf {
  og_plan_arm arms[2];
  const og_pexpr *k; /* NULL: 60 */
  uint32_t slot;     /* whose rows are ranked */
} og_plan_rrf;

typedef struct og_plan_count { /* limit, offset */
  bool has;
  bool is_param; /* values[param] */
  uint64_t n;
  uint32_t param;
  og_span span;
} og_plan_count;

typedef struct og_plan {
  og_str name;
  const og_slot *slots;
  uint32_t n_slots;
  const og_plan_op *ops; /* at least one: SCAN */
  uint32_t n_ops;
  /* A grouping: one row per distinct combination of keys (null is a value); without keys one row, even of no rows.
   * `return distinct` without aggregates is a grouping by all columns. */
  bool aggregate;
  const og_pexpr *const *keys; /* over slots */
  uint32_t n_keys;
  const og_plan_agg *aggs;
  uint32_t n_aggs;
  const og_pexpr *const *having; /* ANDed; only behind a grouping: else they are filters of the last op */
  uint32_t n_having;
  const og_plan_column *columns;
  uint32_t n_columns;
  const og_plan_order *order;
  uint32_t n_order;
  /* What is equal by `order` comes in the order of the ids of these slots, ascending, in this sequence, and of slots of
   * several types then by type (its index); behind a grouping in that of its keys, ascending, nulls first.  Applied
   * when there is an order; behind a grouping also when there is a limit or an offset. */
  const og_plan_rrf *rrf;          /* the order, in the place of `order`; NULL: none */
  const og_pexpr *const *searches; /* every TEXT, BM25, NEAREST and NEAR_SET in the plan */
  uint32_t n_searches;
  const uint32_t *ties;
  uint32_t n_ties;             /* none when `aggregate` */
  og_plan_count limit, offset; /* offset rows are skipped, then limit rows kept */
  bool uses_now;
  const og_param_decl *params; /* the values to bind, in this order */
  uint32_t n_params;
  const og_source *source; /* what spans point into */
} og_plan;

/* How many rows to skip and to keep (UINT64_MAX: all) with these parameters.  OG_EINVALID for a null or negative one.
 */
OG_MUST_USE og_status og_plan_window(og_ctx *cx, const og_plan *plan, const og_scalar *values, uint64_t *offset,
                                     uint64_t *limit);

/* Checks a read query and plans it.  `file` gives positions to errors.
 * OG_EINVALID "type error: Tn: …"; "plan error: …" for a mutation; OG_EUNSUPPORTED "not supported yet: …". */
OG_MUST_USE og_status og_query_plan(og_ctx *cx, og_arena *a, const og_catalog *catalog, const og_query_file *file,
                                    const og_query *query, const og_plan **out);

/* ---- Mutations */

/* FIELD leaves are about the row a statement looks at, as it was before the statement: slot 0, of the statement's type;
 * the field is a property index or OG_FIELD_SRC / OG_FIELD_DST.  An INSERT has no such row. */
typedef struct og_mutation_assign {
  int32_t field; /* property index; INSERT of an edge also OG_FIELD_SRC / OG_FIELD_DST (`from`, `to`: node ids) */
  /* A literal is of the property's type already, and checked against enum and dimension.  All else is of a type that
   * fits; the run still checks null, range and enum. */
  const og_pexpr *value;
} og_mutation_assign;

typedef struct og_mutation_stmt {
  og_stmt_kind kind;
  const og_type_def *type;
  const og_mutation_assign *assigns;
  uint32_t n_assigns;
  const og_pexpr *where; /* UPDATE, DELETE: rows for which it is true */
  og_span span;          /* in the source, for errors at run time */
} og_mutation_stmt;

typedef struct og_mutation_plan {
  og_str name;
  const og_mutation_stmt *stmts;
  uint32_t n_stmts;
  bool deletes; /* all statements delete; else none does */
  bool uses_now;
  const og_param_decl *params;
  uint32_t n_params;
  const og_source *source; /* what spans point into */
} og_mutation_plan;

OG_MUST_USE og_status og_query_plan_mutation(og_ctx *cx, og_arena *a, const og_catalog *catalog,
                                             const og_query_file *file, const og_query *query,
                                             const og_mutation_plan **out);

/* ---- Text, one op per line, for tests and for people. */
OG_MUST_USE og_status og_plan_print(og_ctx *cx, const og_plan *plan, og_buf *out);
/* One expression, one op of the plan, without a newline. */
OG_MUST_USE og_status og_plan_print_px(og_ctx *cx, const og_plan *plan, const og_pexpr *px, og_buf *out);
OG_MUST_USE og_status og_plan_print_op(og_ctx *cx, const og_plan *plan, const og_plan_op *op, og_buf *out);
OG_MUST_USE og_status og_mutation_plan_print(og_ctx *cx, const og_mutation_plan *plan, og_buf *out);
