/* SPDX-License-Identifier: MIT */
/* exec/exec.h -- running a read plan over a snapshot.
 *
 * Thread rule: one run per context; the snapshot may be shared.
 */
#pragma once

#include "graph/graph.h"
#include "query/explain.h"
#include "query/plan.h"

typedef struct og_exec_result {
  og_column **columns; /* one reference each; as plan->columns */
  uint32_t n_columns;
  int64_t n_rows;
} og_exec_result;
void og_exec_result_cleanup(og_exec_result *r);

/* How a plan is run.  Answers do not depend on it, but for the order of rows where the query leaves that open. */
typedef enum og_exec_method {
  OG_EXEC_AUTO, /* by its pattern where that fits (pattern.c), else by its ops */
  OG_EXEC_OPS   /* op by op, every row made: what the other is tested against */
} og_exec_method;

typedef struct og_exec_opts {
  og_exec_method method;
  og_plan_costs *costs; /* is filled in, with room for every op of the plan; NULL: not wanted */
} og_exec_opts;

/* Runs `plan` with the bound `values`; `now_ms` is the query's instant; opts may be NULL.  OG_ECANCELLED, OG_EDEADLINE,
 * OG_ELIMIT ("query memory") when it takes more than OG_LIMIT_QUERY_MEMORY, or the rows found half of that, and
 * whatever reading the tables may raise. */
OG_MUST_USE og_status og_exec_run(og_ctx *cx, og_snapshot *snapshot, const og_plan *plan, const og_scalar *values,
                                  int64_t now_ms, const og_exec_opts *opts, og_exec_result *out);

/* Makes the adjacency of all edge types, so that handles opened later find it in derived files (topology/file.h); a
 * read-only graph keeps it in memory. */
OG_MUST_USE og_status og_exec_keep_adjacency(og_ctx *cx, og_snapshot *snapshot);
