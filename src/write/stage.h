/* SPDX-License-Identifier: MIT */
/* write/stage.h -- what a write is about to do, table by table, before anything is visible.
 *
 * A stage stands on one snapshot.  Rows are put or deleted, checked one by one as they come (values, ranges, patterns)
 * and all together at the end (unique tuples, endpoints, cardinality), and then become one change per table.
 * Thread rule: one thread.  A stage dies with its attempt; a lost race makes a new one.
 */
#pragma once

#include "exec/view.h"
#include "write/value.h"

#define OG_NO_OFFSET UINT64_MAX

typedef struct og_staged_row {
  og_scalar *values; /* per column */
  uint64_t offset;   /* committed row it replaces, or OG_NO_OFFSET */
} og_staged_row;

typedef struct og_stage_table {
  const og_type_def *type;
  og_view *view;   /* committed rows */
  bool replaced;   /* overwrite: committed rows are gone */
  bool predicate;  /* the write read the table through a predicate: any change of it makes the write stale */
  og_vec rows;     /* og_staged_row; empty when streaming */
  og_map ids;      /* id -> index into rows; generated ids are not in it when streaming */
  og_umap touched; /* committed offsets replaced or deleted */
  og_vec deleted;  /* uint64_t: committed offsets deleted */
  uint64_t puts;   /* rows put by the caller, for counts */
  uint64_t finds;  /* look-ups by id so far */
  /* the block on its way to a file */
  og_builder **builders;
  og_vec offsets; /* uint64_t per row of the block */
  og_lance_change *change;
  /* what the end has to check of the rows (constraints.c) */
  og_map need_src, need_dst; /* edges: endpoints named */
  og_map sources;            /* edges with a cardinality: source -> rows put */
  og_map *unique;            /* per constraint of the type: tuple -> id + 1 in `holders`; only @unique ones are used */
  og_vec holders;            /* og_str */
} og_stage_table;

typedef struct og_stage {
  og_snapshot *snapshot; /* borrowed */
  og_ulid attempt;
  char attempt_text[OG_ULID_LEN + 1], uuid_text[OG_ULID_LEN + 16];
  og_ulid_gen ids; /* for generated ids */
  og_arena arena;  /* rows, ids, tuples: live as long as the stage */
  og_vec keep;     /* og_column *: list items of rows */
  og_vec tables;   /* og_stage_table * */
  og_vec patterns; /* compiled @check patterns, see constraints.c */
  bool streaming;  /* rows go to files as they come and are not read again (loads) */
} og_stage;

OG_MUST_USE og_status og_stage_init(og_ctx *cx, og_stage *s, og_snapshot *snapshot, bool streaming);
void og_stage_cleanup(og_ctx *cx, og_stage *s);
OG_MUST_USE og_status og_stage_table_of(og_ctx *cx, og_stage *s, const og_type_def *t, og_stage_table **out);

typedef enum og_put_mode { OG_PUT_INSERT, OG_PUT_UPSERT } og_put_mode;

/* A whole row: values[0] is the id, or null for one to be derived or generated.  Checks the row's own constraints.
 * `same_batch`: a second row of the same id is a unique violation; else it replaces the first. */
OG_MUST_USE og_status og_stage_put(og_ctx *cx, og_stage *s, og_stage_table *t, const og_scalar *values,
                                   og_put_mode mode, bool same_batch);
/* A new image of a committed row (offset) or of a staged one (index into rows, offset OG_NO_OFFSET). */
OG_MUST_USE og_status og_stage_replace(og_ctx *cx, og_stage *s, og_stage_table *t, uint64_t offset, size_t staged,
                                       const og_scalar *values);
OG_MUST_USE og_status og_stage_delete(og_ctx *cx, og_stage *s, og_stage_table *t, uint64_t offset, bool *was_new);
/* Committed row with this id that the stage has not touched, or OG_NO_OFFSET. */
OG_MUST_USE og_status og_stage_find(og_ctx *cx, og_stage_table *t, og_str id, uint64_t *out);
/* A generated id, in the stage's memory. */
OG_MUST_USE og_status og_stage_new_id(og_ctx *cx, og_stage *s, og_str *out);
/* Whether the node will exist once the stage is committed. */
OG_MUST_USE og_status og_stage_has_node(og_ctx *cx, og_stage *s, const og_type_def *t, og_str id, bool *out);

/* constraints.c */
OG_MUST_USE og_status og_stage_check_row(og_ctx *cx, og_stage *s, const og_type_def *t, const og_scalar *values);
/* Remembers what the end must check of a row that will be written. */
OG_MUST_USE og_status og_stage_note(og_ctx *cx, og_stage *s, og_stage_table *t, const og_scalar *values);
OG_MUST_USE og_status og_stage_validate(og_ctx *cx, og_stage *s);
og_status og_stage_unique_error(og_ctx *cx, const og_type_def *t, const og_str *names, uint32_t n, og_str value,
                                og_str a, og_str b);

/* Writes what is left and finishes every change; then runs og_stage_validate. */
OG_MUST_USE og_status og_stage_finish(og_ctx *cx, og_stage *s);

/* Publishes a finished stage.  *rerun: it lost a race that matters; make a new one. */
OG_MUST_USE og_status og_stage_publish(og_ctx *cx, og_stage *s, og_str actor, const og_ulid *if_commit, bool *rerun,
                                       og_commit *out);
