/* SPDX-License-Identifier: MIT */
/* query/explain.h -- a plan for people (a tree) and for programs (JSON), with or without what a run of it cost. */
#pragma once

#include "base/json.h"
#include "query/plan.h"

/* What one operator cost in one run.  Where several threads worked for it, their times are added. */
typedef struct og_plan_cost {
  uint64_t rows;   /* that it made */
  uint64_t ns;     /* that it was busy, without those it fed */
  uint64_t bytes;  /* read from the store meanwhile; other calls on the handle at the same time count, too */
  uint64_t memory; /* most that the query held while it was busy, bytes */
  bool ran;        /* false: it was never reached, or done as part of another one */
} og_plan_cost;

/* The steps around the operators. */
typedef enum og_plan_step {
  OG_STEP_OPEN,   /* tables, and what is asked of them as a whole */
  OG_STEP_MATCH,  /* the operators together, when the executor finds rows by their pattern */
  OG_STEP_GROUP,  /* grouping and having */
  OG_STEP_ANSWER, /* order, window, and the columns */
  OG_STEPS
} og_plan_step;

typedef struct og_plan_costs {
  og_plan_cost steps[OG_STEPS];
  og_plan_cost *ops; /* in the order of the plan, those of an inner pipeline behind the op they belong to */
  uint32_t n_ops;
  uint64_t rows, ns, memory; /* of the whole run; memory: the peak */
  const char *method;        /* how the operators were run: static text */
} og_plan_costs;

/* Number of all ops, inner ones too. */
uint32_t og_plan_count_ops(const og_plan *plan);
/* Where `op` stands in og_plan_costs.ops; UINT32_MAX: it is none of the plan's. */
uint32_t og_plan_op_index(const og_plan *plan, const og_plan_op *op);

/* The tree, the last step first, one line each, with the costs beside them (NULL: none). */
OG_MUST_USE og_status og_plan_explain_text(og_ctx *cx, const og_plan *plan, const og_plan_costs *costs, og_buf *out);
/* One JSON object: {"query", "operators": [{"operator", …, "inner"?}], "group"?, "columns", "order", "offset", "limit",
 * "profile"?}. */
OG_MUST_USE og_status og_plan_explain_json(og_ctx *cx, const og_plan *plan, const og_plan_costs *costs,
                                           og_json_writer *w);
