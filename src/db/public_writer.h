/* SPDX-License-Identifier: MIT */
/* db/public_writer.h -- what all functions of lance.h that write share. */
#pragma once

#include "db/public_dataset.h"

#define OG_DB__FOLD_ROWS 8192u /* more are never written again by an append */

/* One call that writes: a world, a table's place, and its newest version.  Must not move. */
typedef struct og_writer {
  og_call call;
  og_runtime none; /* before the world is there */
  og_dataset *world;
  og_ctx *cx; /* of the call */
  og_write_opts opts;
  og_str uri;
  og_lance_place at;
  og_lance_table *base;      /* NULL: there is no table */
  og_lance_outside *outside; /* where blobs outside may lie */
} og_writer;

/* To be ended in every case. */
OG_MUST_USE og_status og_db__writer_begin(og_writer *w, const char *uri, const og_write_opts *opts, og_error *err);
/* On a table that must be there. */
OG_MUST_USE og_status og_db__writer_begin_on(og_writer *w, const char *uri, const og_write_opts *opts, og_error *err);
og_status og_db__writer_end(og_writer *w, og_status st); /* returns `st` */
/* The newest version, durable before anything is built on it: its maker may be a Lance that never synced it. */
OG_MUST_USE og_status og_db__writer_reopen(og_writer *w);
OG_MUST_USE og_status og_db__writer_need_base(const og_writer *w);

/* OG_EINVALID: it is a table of a graph, from which nothing may be deleted behind the graph's back. */
OG_MUST_USE og_status og_db__writer_refuse_graph(og_writer *w);

OG_MUST_USE og_status og_db__writer_opts(og_writer *w, og_lance_op op, og_lance_change_opts *out);
/* A change of the newest version. */
OG_MUST_USE og_status og_db__writer_change(og_writer *w, og_lance_op op, og_lance_change **out);
/* Commits the change if `st` is OG_OK, on what others made meanwhile if `fits` (table.h) lets it, and frees it.
 * version: NULL, or for the one made. */
OG_MUST_USE og_status og_db__writer_commit(og_writer *w, og_lance_change *c, og_status st, og_lance_fits_fn fits,
                                           void *arg, uint64_t *version);
/* Does it again on what others made, as long as it ends in a conflict. */
typedef og_status (*og_attempt_fn)(og_writer *w, void *arg);
OG_MUST_USE og_status og_db__writer_retry(og_writer *w, og_attempt_fn fn, void *arg);

/* A top-level column by name. */
OG_MUST_USE og_status og_db__column_need(og_ctx *cx, const og_lance_table *t, const char *name, uint32_t *out);
/* The numbers of all columns, in cx->arena. */
OG_MUST_USE og_status og_db__all_columns(og_ctx *cx, const og_lance_table *t, uint32_t **out);
/* ---- rows of a stream */

typedef struct og_rows_in {
  struct ArrowArrayStream *stream; /* the caller's; released by _end */
  og_schema *schema;               /* of the stream */
  og_schema *want;                 /* what its columns are matched with; borrowed */
  int *from;                       /* per column wanted: where it is in the stream; -1: it becomes null */
  const og_lance_outside *outside; /* where blobs outside may lie */
  const og_vec *given;             /* og_str: references of blobs that rows name by number, from first_given on; */
  uint64_t first_given;            /* NULL: none does */
} og_rows_in;

OG_MUST_USE og_status og_db__rows_begin(og_ctx *cx, og_rows_in *s); /* reads the schema */
/* Finds the columns by name.  OG_EINVALID: one is missing that may not be null, is of another type, or is unknown. */
OG_MUST_USE og_status og_db__rows_match(og_ctx *cx, og_rows_in *s, og_schema *want);
/* The next batch with rows, as the stream has it; NULL at the end. */
OG_MUST_USE og_status og_db__rows_next(og_ctx *cx, og_rows_in *s, og_batch **out);
/* A batch of the columns wanted, of which blobs may be references. */
OG_MUST_USE og_status og_db__batch_with_blobs(og_ctx *cx, og_schema *want, og_column *const *cols, int64_t len,
                                              og_batch **out);
/* The batch with the columns wanted. */
OG_MUST_USE og_status og_db__rows_fit(og_ctx *cx, const og_rows_in *s, const og_batch *b, og_batch **out);
void og_db__rows_end(og_rows_in *s);

/* What og_dataset_write does first: the change that the rows go to, matched with its columns, and the schema of a new
 * table (*own). */
OG_MUST_USE og_status og_db__write_begin(og_writer *w, og_rows_in *s, og_lance_schema **own, og_lance_change **out);

/* ---- blobs in rows (public_dataset_blob.c) */

OG_MUST_USE og_status og_db__outside_take(og_ctx *cx, const char *const *folders, og_lance_outside **out);
/* A form in which a blob may come; `numbers`: by numbers, too. */
bool og_db__is_blob_form(const og_field *f, bool numbers);
/* A schema as it came, for a new table or new columns: what is said to be a blob becomes one as lance/fields.h has it.
 */
OG_MUST_USE og_status og_db__blob_schema(og_ctx *cx, og_schema *given, bool numbers, og_schema **out);
/* A column of blobs as lance/table.h takes it: bytes, or references. */
OG_MUST_USE og_status og_db__blobs_in(og_ctx *cx, const og_rows_in *s, const og_field *f, og_column *c,
                                      og_column **out);
