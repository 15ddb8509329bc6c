/* SPDX-License-Identifier: MIT */
/* exec/test.h -- the predicates on one slot, judged a row at a time or for a whole table.
 *
 * A comparison of a number, date, bool or string with a constant is compiled: looking at a row costs a load and two
 * comparisons.  Others go to the evaluator (exec/eval.h).
 * Thread rule: compiled and judged whole by one thread; then, if it is quick, rows may be judged by any.
 */
#pragma once

#include "exec/run.h"

#define OG_TEST_SLOTS 256 /* plans of more slots have no tests */

typedef struct og_quick {
  enum { OG_QUICK_NUMBER, OG_QUICK_STRING } kind;
  const og_column *column;
  int64_t lo, hi; /* NUMBER: inside, or or not, when `outside` */
  bool outside;
  og_cmp_op cmp; /* STRING */
  og_str str;
} og_quick;

typedef struct og_test {
  uint32_t slot;
  og_view *view;
  const og_pexpr **filters; /* none: every live row passes */
  uint32_t n;
  bool compiled;
  og_quick *quick; /* those filters that could be compiled, and the others: */
  uint32_t n_quick;
  const og_pexpr **slow;
  uint32_t n_slow;
  uint8_t *bits;  /* per row, once all were judged; NULL: not yet */
  uint64_t kept;  /* of them */
  uint32_t *rows; /* all that pass, when they were found by id; NULL: not */
  size_t n_rows;
} og_test;

/* All filters are there.  Arrays are in cx->arena. */
OG_MUST_USE og_status og_test_compile(og_ctx *cx, og_run *run, og_test *t);
void og_test_cleanup(og_test *t);
/* May rows be judged by several threads? */
static inline bool og_test_is_quick(const og_test *t)
{
  return t->n_slow == 0 || t->bits;
}
/* A live row. */
OG_MUST_USE og_status og_test_passes(og_ctx *cx, og_run *run, const og_test *t, uint64_t row, bool *out);
/* Judges every row: t->bits. */
OG_MUST_USE og_status og_test_all(og_ctx *cx, og_run *run, og_test *t);
