/* SPDX-License-Identifier: MIT */
/* exec/exec.c -- one run of a plan: open views, drive the pipeline, finish the answer. */
#include "exec/pattern_group.h"
#include "exec/search.h"

#include "base/limits.h"

og_status og_run__view(og_ctx *cx, og_run *run, const og_type_def *type, og_view **out)
{
  for (size_t i = 0; i < run->all_views.len; i++) {
    *out = OG_VEC_AT(&run->all_views, og_view *, i);
    if ((*out)->type == type) return OG_OK;
  }
  OG_TRY(og_view_open(cx, run->snapshot, type, out));
  og_status st = og_vec_add(cx, &run->all_views, out);
  if (st != OG_OK) og_view_free(*out);
  return st;
}

/* Positions of the rows of an answer may have half of the budget: ordering and fetching take about as much again. */
og_status og_run__check_room(og_ctx *cx, const og_run *run, uint64_t more)
{
  uint64_t limit = OG_LIMIT_QUERY_MEMORY / 2, used = ((uint64_t)run->out.len + more) * sizeof(uint64_t);
  if (used <= limit) return OG_OK;
  og_fail(
      cx, OG_ELIMIT,
      "the query finds too many rows: their positions alone take more than %llu bytes of memory; add a filter, or a "
      "limit without an order",
      (unsigned long long)limit);
  og_detail *d = og_error_detail(cx, OG_DETAIL_RESOURCE_LIMIT);
  og_detail_set(d->resource, sizeof d->resource, OG_STR("query memory"));
  d->limit = limit;
  d->used = used;
  return OG_ELIMIT;
}

/* Rows that reach the end; without an order, a full limit ends the run. */
static og_status collect(og_ctx *cx, og_run *run, const og_chunk *rows, bool *stop)
{
  uint32_t n_slots = run->plan->n_slots;
  OG_TRY(og_run__check_room(cx, run, (uint64_t)rows->n * n_slots));
  OG_TRY(og_vec_reserve(cx, &run->out, rows->n * n_slots));
  uint64_t *to = (uint64_t *)run->out.data + run->out.len;
  for (size_t i = 0; i < rows->n; i++)
    for (uint32_t s = 0; s < n_slots; s++) *to++ = rows->slots[s][i];
  run->out.len += rows->n * n_slots;
  run->n_out += rows->n;
  bool any_rows_do = run->plan->n_order == 0 && !run->plan->rrf && !run->plan->aggregate;
  *stop = any_rows_do && run->n_out >= run->offset && run->n_out - run->offset >= run->limit;
  return OG_OK;
}

static og_status open_views(og_ctx *cx, og_run *run)
{
  const og_plan *plan = run->plan;
  run->views = og_push_array(cx, plan->n_slots + 1, sizeof *run->views);
  if (!run->views) return OG_ENOMEM;
  for (uint32_t i = 0; i < plan->n_slots; i++) {
    const og_slot *slot = &plan->slots[i];
    run->views[i] = og_push_array(cx, slot->n_types + 1, sizeof **run->views);
    if (!run->views[i]) return OG_ENOMEM;
    for (uint32_t t = 0; t < slot->n_types; t++) OG_TRY(og_run__view(cx, run, slot->types[t], &run->views[i][t]));
  }
  return OG_OK;
}

static og_status by_pattern(og_ctx *cx, og_run *run, og_exec_result *out, bool *done)
{
  og_plan_cost *match = og_profile_step(run->profile, OG_STEP_MATCH);
  og_plan_cost *before = og_profile_enter(cx, run->profile, match);
  og_status st = og_run__by_pattern(cx, run, out, done);
  og_profile_leave(cx, run->profile, before);
  if (!match) return st;
  match->ran = match->ran && *done; /* else it only looked whether it can */
  match->rows = run->n_out;
  if (*done) run->profile->costs->method = "by their pattern";
  return st;
}

static og_status run_all(og_ctx *cx, og_run *run, og_exec_result *out)
{
  const og_plan *plan = run->plan;
  OG_TRY(og_plan_window(cx, plan, run->values, &run->offset, &run->limit));
  OG_TRY(open_views(cx, run));
  og_run__eval_init(run);
  OG_TRY(og_search_open(cx, run));
  bool done = false;
  if (run->method == OG_EXEC_AUTO) OG_TRY(by_pattern(cx, run, out, &done));
  if (done) return OG_OK;
  OG_TRY(og_run__ops(cx, run, plan->ops, plan->n_ops, collect));
  return og_run__finish(cx, run, out);
}

/* Charges what is nobody's else's to the opening. */
static og_status run_profiled(og_ctx *cx, og_run *run, og_plan_costs *costs, og_exec_result *out)
{
  og_profile profile;
  if (!costs) return run_all(cx, run, out);
  og_profile_begin(cx, &profile, costs, run->plan, og_graph_store(run->snapshot->graph));
  run->profile = &profile;
  (void)og_profile_enter(cx, &profile, og_profile_step(&profile, OG_STEP_OPEN));
  og_status st = run_all(cx, run, out);
  og_profile_leave(cx, &profile, NULL);
  og_profile_end(cx, &profile, (uint64_t)out->n_rows);
  return st;
}

og_status og_exec_run(og_ctx *cx, og_snapshot *snapshot, const og_plan *plan, const og_scalar *values, int64_t now_ms,
                      const og_exec_opts *opts, og_exec_result *out)
{
  og_run run = {.snapshot = snapshot,
                .method = opts ? opts->method : OG_EXEC_AUTO,
                .plan = plan,
                .values = values,
                .now = {.type = og_type_of(OG_TYPE_DATE64), .v.i = now_ms},
                .all_views = OG_VEC_INIT(og_view *),
                .adjacencies = OG_VEC_INIT(og_adjacency),
                .paths = OG_VEC_INIT(uint64_t),
                .out = OG_VEC_INIT(uint64_t)};
  og_exec_result result = {0};
  og_mem *outer;
  OG_TRY(og_ctx_budget_begin(cx, OG_LIMIT_QUERY_MEMORY, "query memory", &outer));
  og_status st = og_ctx_budget_end(cx, outer, run_profiled(cx, &run, opts ? opts->costs : NULL, &result));
  og_search_close(&run);
  for (size_t i = 0; i < run.all_views.len; i++) og_view_free(OG_VEC_AT(&run.all_views, og_view *, i));
  og_run__forget_adjacency(&run);
  og_vec_cleanup(&run.all_views);
  og_vec_cleanup(&run.paths);
  og_vec_cleanup(&run.out);
  og_arena_cleanup(&run.scratch);
  if (st != OG_OK)
    og_exec_result_cleanup(&result);
  else
    *out = result;
  return st;
}

void og_exec_result_cleanup(og_exec_result *r)
{
  for (uint32_t i = 0; r->columns && i < r->n_columns; i++) og_column_unref(r->columns[i]);
  og_free(r->columns);
  *r = (og_exec_result){0};
}
