/* SPDX-License-Identifier: MIT */
/* lance/scan_order.h -- rows of a version in the order of columns. */
#pragma once

#include "lance/table.h"

typedef struct og_lance_order {
  uint32_t column; /* top-level, not a list or struct */
  bool descending;
} og_lance_order;

typedef struct og_lance_sort_opts {
  og_lance_scan_opts scan;  /* which rows and columns; what it borrows must outlive the sort */
  const og_lance_order *by; /* rows that are equal in all of them stay in the order of the table */
  uint32_t n_by;
  uint64_t limit; /* rows; 0: all */
  size_t budget;  /* bytes of rows kept in memory before they spill, about; 0: 64 MiB */
} og_lance_sort_opts;

/* Values order as og_column_value_cmp says: nulls first, NaN last; descending the other way round.  The first call of
 * _next reads all rows.  Thread rule: one thread. */
typedef struct og_lance_sorted og_lance_sorted;
OG_MUST_USE og_status og_lance_sorted_open(og_ctx *cx, og_lance_table *t, const og_lance_sort_opts *opts,
                                           og_lance_sorted **out);
og_schema *og_lance_sorted_schema(const og_lance_sorted *s); /* borrowed */
OG_MUST_USE og_status og_lance_sorted_next(og_ctx *cx, og_lance_sorted *s, og_batch **out);
void og_lance_sorted_close(og_ctx *cx, og_lance_sorted *s); /* NULL is fine */
