/* SPDX-License-Identifier: MIT */
/* exec/path_walk.h -- the breadth-first walk of a traversal whose path is asked for, and the paths it finds.
 *
 * What it reaches is what the traversal reaches (language, 6.3): a destination counts by its shortest distance; the
 * source comes back only through a loop of its own.  Rows here are offsets in the tables of the edge's end types.
 * Thread rule: one thread at a time.
 */
#pragma once

#include "base/map.h"
#include "exec/run.h"

typedef struct og_path_walk {
  const og_plan_op *op;
  const og_csr *near;     /* NULL: not prepared yet */
  bool same;              /* the edge's ends are of one type */
  bool whole;             /* remember how each node was reached */
  og_view *nodes, *edges; /* whole: of the source's type, and of the edge */
  const og_topology *topology;
  og_vec emitted;        /* uint64_t: destinations, in the order in which they were found */
  og_umap seen;          /* destination -> number of hops */
  og_vec frontier, next; /* uint64_t */
  og_umap visited;       /* node -> index + 1 in `reached` (whole), else 1 */
  og_vec reached;        /* what the .c knows */
} og_path_walk;

void og_path_walk_init(og_path_walk *w, const og_plan_op *op);
void og_path_walk_cleanup(og_path_walk *w);
/* All destinations of `src`, in w->emitted and w->seen.  OG_ELIMIT ("hops") when an unbounded walk has not ended after
 * OG_LIMIT_HOPS. */
OG_MUST_USE og_status og_path_walk_from(og_ctx *cx, og_run *run, og_path_walk *w, uint64_t src);
/* What the path slot of the op holds for a destination of the walk just made. */
OG_MUST_USE og_status og_path_walk_value(og_ctx *cx, og_run *run, const og_path_walk *w, uint64_t dst, uint64_t *value);
/* OG_ELIMIT: an unbounded walk along the op's edge has not ended in time. */
og_status og_walk__never_ends(og_ctx *cx, const og_plan_op *op);
