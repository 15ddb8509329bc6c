/* SPDX-License-Identifier: MIT */
/* exec/weights.h -- how many rows of the rest of a pattern go with each row of one slot: see pattern.c. */
#pragma once

#include "base/vec.h"
#include "exec/run.h"

/* ---- Values that are added up beside the number of rows. */

typedef enum og_measure_kind {
  OG_MEASURE_COUNT, /* rows whose value is not null: .i */
  OG_MEASURE_INT,   /* exact sum: .i */
  OG_MEASURE_FLOAT, /* sum in two doubles, so that no order of addition shows: .f */
  OG_MEASURE_MIN,   /* .best: row + 1 of the slot's table; 0: none */
  OG_MEASURE_MAX
} og_measure_kind;

typedef struct og_measure {
  og_measure_kind kind;
  uint32_t slot;
  const og_column *column;
} og_measure;

typedef union og_amount {
  og_i128 i;
  struct {
    double hi, lo;
  } f;
  uint64_t best;
} og_amount;

/* What one row of the measure's own table contributes `times` over. */
og_amount og_amount_of(const og_measure *m, uint64_t row, uint64_t times);
og_amount og_amount_add(const og_measure *m, og_amount a, og_amount b);
og_amount og_amount_times(const og_measure *m, og_amount a, uint64_t times); /* times >= 1 */

/* ---- A set of rows with weights, for when few of a table are met. */

typedef struct og_sparse {
  uint32_t *rows;     /* in the order they came */
  uint64_t *weights;  /* parallel */
  og_amount *amounts; /* n_measures per row; NULL without measures */
  uint32_t n_measures;
  size_t n, cap;
  uint32_t *index; /* position + 1 by hash; 0: free.  Made when a row is first looked for */
  size_t mask, n_indexed;
} og_sparse;

void og_sparse_cleanup(og_sparse *s);
/* Adds a row that is not there, with weight 0. */
OG_MUST_USE og_status og_sparse_append(og_ctx *cx, og_sparse *s, uint32_t row, size_t *out);
/* Position of the row, which is added with weight 0 when it is not there. */
OG_MUST_USE og_status og_sparse_at(og_ctx *cx, og_sparse *s, uint32_t row, size_t *out);
/* Makes the index complete: og_sparse_find may then be called by many threads. */
OG_MUST_USE og_status og_sparse_index(og_ctx *cx, og_sparse *s);
#define OG_SPARSE_NONE SIZE_MAX
size_t og_sparse_find(const og_sparse *s, uint32_t row);
