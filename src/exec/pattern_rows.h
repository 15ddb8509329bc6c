/* SPDX-License-Identifier: MIT */
/* exec/pattern_rows.h -- the rows of a pattern's core, one after the other. */
#pragma once

#include "exec/pattern_impl.h"

/* One row: slots of core vertices, and of edges between them, are set.  `n` rows of the whole pattern go with it, and
 * `amounts` is what these add up to. */
typedef struct og_core_row {
  const uint64_t *slots;
  uint64_t n;
  const og_amount *amounts;
} og_core_row;
typedef og_status (*og_core_fn)(og_ctx *cx, void *arg, const og_core_row *row, bool *stop);

/* Calls fn for every row, in an order that depends on the tables and the plan alone. */
OG_MUST_USE og_status og_pattern_rows(og_ctx *cx, og_pattern *p, og_core_fn fn, void *arg);
