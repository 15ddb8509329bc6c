/* SPDX-License-Identifier: MIT */
/* exec/eval.h -- the value of a planned expression for one row: the reference that everything faster must equal.
 *
 * Where a row's leaves come from is the caller's: a row of slots, a group, a row that a mutation has staged.
 *
 * Predicates are three-valued.  A comparison, MEMBER, SUBSTRING, STARTS_WITH and ENDS_WITH of a null operand is null;
 * NOT of null is null; AND is false when one operand is, else null when one is; OR is true when one operand is, else
 * null when one is.  AND and OR go from left to right and stop at the first operand that settles them, so what stands
 * behind it cannot fail.
 *
 * Functions give null when an operand is null, but for COALESCE, IF, LEAST and GREATEST.
 *
 *   -x, + - * / %        integers: exact, in int64 whatever the operands' widths; what does not fit is an error.  `/`
 *                        cuts towards zero, `%` has the sign of its left side.  With a float operand: float64.
 *                        Dividing by zero, and a float result that is not finite, are errors
 *   + of two strings     one behind the other
 *   Date ± integer       days; DateTime ± integer: milliseconds; the difference of two counts them
 *   abs floor ceil       of integers int64, of floats float64
 *   round(x[, digits])   half away from zero; digits -18 to 18, default 0
 *   least greatest       of the operands that are not null; null when all are
 *   coalesce             the first operand that is not null; what stands behind it is not computed
 *   if(c, a, b)          a when c is true, else b; the other is not computed
 *   lower upper          code point by code point, by Unicode's simple mappings
 *   trim                 without white space (Unicode's) at both ends
 *   length               code points of a string, items of a list
 *   substring(s, from[, n])  code points, the first is 0; what lies outside of s is left out; a negative operand is an
 *                        error
 *   replace(s, a, b)     every a, from the left, by b; s itself when a is empty
 *   concat               the operands as `string` gives them, one behind the other
 *   year month day, hour minute second   of a Date or a DateTime, in UTC, int64
 *   date                 the day of a DateTime; a String as a date literal has it; else an error
 *   string               as an answer spells the value in JSON, without the quotes
 *   int                  of a float: towards zero; of a String: decimal digits with an optional sign; of a Bool: 0, 1
 *   float                of a number or a String
 *
 * Errors: OG_EINVALID "execution error: …" with the place of the operation in the query, when `source` is given;
 * OG_ELIMIT for a string beyond OG_LIMIT_STRING_BYTES.
 */
#pragma once

#include "query/plan.h"

typedef struct og_eval og_eval;
/* The value of a leaf of a row (FIELD, TYPE, PATH, GROUP, and kinds that og_eval_value does not know). */
typedef og_status (*og_eval_leaf_fn)(og_ctx *cx, const og_eval *ev, const og_pexpr *leaf, og_scalar *out);

struct og_eval {
  const og_scalar *values; /* of the parameters */
  og_scalar now;
  og_eval_leaf_fn leaf;    /* NULL: there is no row */
  void *arg;               /* the leaf function's */
  og_arena *scratch;       /* strings and lists made live here, until the caller resets it */
  const og_source *source; /* NULL: errors carry no place */
};

/* Strings and lists may borrow from the plan, the parameters, the leaf's source and the scratch arena.  The scalar's
 * type is e->type, or null. */
OG_MUST_USE og_status og_eval_value(og_ctx *cx, const og_eval *ev, const og_pexpr *e, og_scalar *out);
/* Whether a predicate is true: null is not. */
OG_MUST_USE og_status og_eval_holds(og_ctx *cx, const og_eval *ev, const og_pexpr *e, bool *out);

/* Row i of a column, lists included: their items are a view in `scratch` of the column's own. */
OG_MUST_USE og_status og_eval_column_at(og_ctx *cx, og_arena *scratch, const og_column *c, int64_t i, og_scalar *out);

/* fn.c: a function of values that are not null. */
OG_MUST_USE og_status og_eval__call(og_ctx *cx, const og_eval *ev, const og_pexpr *e, const og_scalar *args,
                                    og_scalar *out);
/* A number as the numeric type `to`. */
OG_MUST_USE og_status og_eval__number_as(og_ctx *cx, const og_eval *ev, const og_pexpr *e, const og_scalar *v,
                                         og_type to, og_scalar *out);
