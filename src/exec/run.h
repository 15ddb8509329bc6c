/* SPDX-License-Identifier: MIT */
/* exec/run.h -- the state of one run, shared by this room's files. */
#pragma once

#include "exec/eval.h"
#include "exec/exec.h"
#include "exec/profile.h"
#include "exec/view.h"
#include "topology/csr.h"

/* The edges of one type as this run needs them. */
typedef struct og_adjacency {
  const og_type_def *edge;
  og_topology *edges;     /* with edge rows; one reference, or NULL: not asked for yet */
  og_neighbours *sets[3]; /* by og_way: without parallel edges; likewise */
} og_adjacency;

#define OG_CHUNK 2048

/* Rows in flight: per slot one offset each; only slots bound so far are meaningful. */
typedef struct og_chunk {
  uint64_t **slots; /* plan->n_slots columns with room for `cap` rows */
  size_t n, cap;    /* cap: OG_CHUNK, fewer in plans of very many slots */
} og_chunk;

typedef struct og_run og_run;
/* What takes the rows behind the last op.  *stop: no more are wanted. */
typedef og_status (*og_sink_fn)(og_ctx *cx, og_run *run, const og_chunk *rows, bool *stop);

struct og_run {
  og_snapshot *snapshot;
  og_exec_method method;
  og_profile *profile; /* NULL: nobody asks */
  const og_plan *plan;
  const og_scalar *values;
  og_scalar now;
  og_view ***views;   /* per slot and type of it; shared between slots of one type */
  og_vec all_views;   /* og_view * */
  og_vec adjacencies; /* og_adjacency */
  og_vec paths;       /* uint64_t: per path the hops, then its node rows and edge rows; a path slot says where */
  og_vec out;         /* uint64_t: rows that reached the end, slot by slot within a row */
  uint64_t n_out;
  uint64_t offset, limit;     /* the window of rows asked for */
  og_eval eval;               /* over run->row */
  const uint64_t *row;        /* slots of the row being judged */
  og_arena scratch;           /* of values made while a row is judged */
  struct og_searches *search; /* exec/search.h; NULL: the plan has none */
};

OG_MUST_USE og_status og_run__view(og_ctx *cx, og_run *run, const og_type_def *type, og_view **out);
/* Edges with their rows; distinct neighbours.  Borrowed from the run. */
OG_MUST_USE og_status og_run__topology(og_ctx *cx, og_run *run, const og_type_def *edge, const og_topology **out);
OG_MUST_USE og_status og_run__neighbours(og_ctx *cx, og_run *run, const og_type_def *edge, og_way way,
                                         const og_csr **out);
void og_run__forget_adjacency(og_run *run);
/* Value of an expression for one row of slots; strings borrow from the run, those made from run->scratch.  `slots` may
 * be NULL for constants. */
OG_MUST_USE og_status og_run__value(og_ctx *cx, og_run *run, const og_pexpr *e, const uint64_t *slots, og_scalar *out);
/* Whether a predicate is true for one row of slots. */
OG_MUST_USE og_status og_run__holds(og_ctx *cx, og_run *run, const og_pexpr *e, const uint64_t *slots, bool *out);
/* Makes run->eval. */
void og_run__eval_init(og_run *run);
/* A part of the path that a path slot's value stands for (og_path_walk_value made it). */
OG_MUST_USE og_status og_run__path(og_ctx *cx, og_run *run, const og_pexpr *e, uint64_t value, og_scalar *out);
/* Rows of slot `slot`'s tables that pass all filters, table by table, ascending; filters mention that slot only. */
OG_MUST_USE og_status og_run__select(og_ctx *cx, og_run *run, const og_plan_op *op, uint32_t slot, og_vec *rows);
/* Runs one pipeline whose first op is a source. */
OG_MUST_USE og_status og_run__ops(og_ctx *cx, og_run *run, const og_plan_op *ops, uint32_t n, og_sink_fn sink);
/* Sorts rows of run->out, which `rows` lists ascending, by these orders and then as the plan settles ties. */
OG_MUST_USE og_status og_run__sort(og_ctx *cx, og_run *run, const og_plan_order *orders, uint32_t n_orders,
                                   uint64_t *rows, size_t n);
/* OG_ELIMIT when `more` values beside those in run->out are too many. */
OG_MUST_USE og_status og_run__check_room(og_ctx *cx, const og_run *run, uint64_t more);
/* Columns of the answer from groups that are made already: `groups` are the plan's keys, then its aggregates, n rows
 * each, borrowed.  having, columns, order and window follow. */
OG_MUST_USE og_status og_run__finish_groups(og_ctx *cx, og_run *run, og_column *const *groups, size_t n,
                                            og_exec_result *out);
/* Columns of the answer from run->out. */
OG_MUST_USE og_status og_run__finish(og_ctx *cx, og_run *run, og_exec_result *out);
