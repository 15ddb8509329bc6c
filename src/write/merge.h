/* SPDX-License-Identifier: MIT */
/* write/merge.h -- what one branch has, brought into another.
 *
 * Rules and invariants: essay in merge.c.
 * Thread rule: as for all writes, any thread.
 */
#pragma once

#include "delta/delta.h"
#include "graph/graph.h"

typedef enum og_merge_prefer {
  OG_MERGE_ASK,   /* a row that both sides changed in different ways is a conflict */
  OG_MERGE_OURS,  /* the target's row stands */
  OG_MERGE_THEIRS /* the source's row stands */
} og_merge_prefer;

typedef enum og_merge_kind {
  OG_MERGE_BRANCH, /* what the source has that the target lacks */
  OG_MERGE_REVERT, /* what `commit` did, undone: what came since stays, and may conflict */
  OG_MERGE_RESET   /* the target's rows become those of `commit`; never a conflict */
} og_merge_kind;

typedef struct og_merge {
  og_merge_kind kind;
  og_str source, target; /* branches; "" and "main" are main; `source` of OG_MERGE_BRANCH only */
  og_ulid commit;        /* of the other two: it may be of any branch */
  og_str actor;
  og_merge_prefer prefer;
  bool fields;  /* rows that both sides updated are merged property by property */
  bool dry_run; /* nothing is written */
} og_merge;

typedef enum og_merge_outcome { OG_MERGE_UP_TO_DATE, OG_MERGE_FAST_FORWARD, OG_MERGE_MERGED } og_merge_outcome;
const char *og_merge_outcome_name(og_merge_outcome o); /* "already_up_to_date", "fast_forward", "merged" */

typedef enum og_conflict_kind {
  OG_CONFLICT_DIVERGENT_INSERT, /* in this order among conflicts of one entity */
  OG_CONFLICT_DIVERGENT_UPDATE,
  OG_CONFLICT_DELETE_VS_UPDATE,
  OG_CONFLICT_ORPHAN_EDGE,
  OG_CONFLICT_UNIQUE,
  OG_CONFLICT_CARDINALITY,
  OG_CONFLICT_VALUE
} og_conflict_kind;
const char *og_conflict_kind_name(og_conflict_kind k); /* "divergent_insert", … */

typedef struct og_merge_conflict {
  og_conflict_kind kind;
  bool is_edge;
  og_str type_name;
  og_str entity_id; /* ptr NULL: it is about no single entity */
  og_str message;
} og_merge_conflict;

typedef struct og_merge_count {
  og_str key; /* "node:Person" */
  uint64_t inserted, updated, deleted;
} og_merge_count;

typedef struct og_merged {
  og_merge_outcome outcome;
  og_str source, target; /* as asked, "main" spelled out */
  og_ulid source_head, target_head, base;
  bool has_commit;
  og_commit commit;
  og_merge_count *counts; /* what changes in the target, by table; only tables that change */
  uint32_t n_counts;
  og_merge_conflict *conflicts; /* by type key, entity, kind and message; with OG_ECONFLICT */
  size_t n_conflicts;
} og_merged;

/* Brings what `source` has into `target` as one commit whose second parent is the source's head; a revert and a reset
 * are commits like any other, without one, and none when nothing changes. OG_ECONFLICT with OG_DETAIL_MERGE_CONFLICTS:
 * out->conflicts has all of them, and nothing was written; the same status without: other writers were faster, again
 * and again.  OG_EINVALID: source and target are one branch. What *out points at lives in cx->arena. */
OG_MUST_USE og_status og_write_merge(og_ctx *cx, og_graph *g, const og_merge *merge, og_merged *out);
