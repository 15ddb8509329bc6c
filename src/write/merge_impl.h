/* SPDX-License-Identifier: MIT */
/* write/merge_impl.h -- a merge at work, as merge*.c see it. */
#pragma once

#include "base/map.h"
#include "write/merge.h"

/* What becomes of an entity of the target. */
typedef struct og_merge__row {
  og_str id;
  og_delta_op op;
  uint64_t from_source; /* dense offset of the row in the source; OG_DELTA_NOWHERE: a deletion */
  uint64_t in_base;     /* of the row in the base; OG_DELTA_NOWHERE: an insert */
  uint64_t in_target;   /* of the row in the target; OG_DELTA_NOWHERE: an insert, or not looked up yet */
  bool *from_target;    /* per column: its value stays the target's; NULL: none does */
} og_merge__row;

typedef struct og_merge__table {
  const og_type_def *type; /* in the target's catalog */
  bool source_moved, target_moved;
  og_delta_table by_source, by_target;    /* from the base; valid when moved */
  bool has_theirs, has_ours;              /* are the deltas below open? */
  og_delta theirs, ours;                  /* base to source, base to target */
  og_lance_table *base, *source, *target; /* opened with the deltas; NULL: not there, or not needed */
  og_vec rows;                            /* og_merge__row, ascending by id */
  og_map gone;                            /* nodes: ids that are no more once the merge is in; of both sides */
  bool has_gone;
  og_lance_change *change;
} og_merge__table;

typedef struct og_merge__job {
  const og_merge *merge;
  og_snapshot *base, *source, *target;
  og_merge__table *tables; /* of the target's catalog: nodes, then edges */
  uint32_t n_tables;
  bool adopts;      /* the target has the source's schema yet to accept; until then it is seen through it */
  og_vec conflicts; /* og_merge_conflict, strings in cx->arena */
  og_ulid attempt;
  char attempt_text[OG_ULID_LEN + 1], uuid_text[OG_ULID_LEN + 16];
} og_merge__job;

/* The table's own differences, read when first asked for; an empty delta when it did not move. */
OG_MUST_USE og_status og_merge__theirs(og_ctx *cx, og_merge__job *j, og_merge__table *t, const og_delta **out);
OG_MUST_USE og_status og_merge__ours(og_ctx *cx, og_merge__job *j, og_merge__table *t, const og_delta **out);
og_merge__table *og_merge__table_of(const og_merge__job *j, const og_type_def *type);

/* merge_rows.c: fills t->rows, or adds conflicts. */
OG_MUST_USE og_status og_merge__decide(og_ctx *cx, og_merge__job *j, og_merge__table *t);
const og_merge__row *og_merge__row_of(const og_merge__table *t, og_str id);
OG_MUST_USE og_status og_merge__conflict(og_ctx *cx, og_merge__job *j, const og_type_def *type, og_conflict_kind kind,
                                         og_str entity_id, const char *fmt, ...) OG_PRINTF(6, 7);

/* merge_check.c: adds what the result would break. */
OG_MUST_USE og_status og_merge__check(og_ctx *cx, og_merge__job *j);

/* merge_apply.c: prepares the target's change. */
OG_MUST_USE og_status og_merge__apply(og_ctx *cx, og_merge__job *j, og_merge__table *t);
/* Sets in_target of every row that replaces or deletes one. */
OG_MUST_USE og_status og_merge__place(og_ctx *cx, og_merge__table *t);
/* The rows' images as they will stand: columns of the table, from the source or the target. */
OG_MUST_USE og_status og_merge__images(og_ctx *cx, const og_merge__table *t, const og_merge__row *rows, size_t n,
                                       og_batch **out);
