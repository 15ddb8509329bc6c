/* SPDX-License-Identifier: MIT */
/* lance/rowids.h -- which stable row ids, and which row versions, the rows of one fragment have.
 *
 * Both are sequences parallel to the fragment's physical rows, deleted ones included.  Byte forms: RowIdSequence and
 * RowDatasetVersionSequence, docs/dev/lance-format.md.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/vec.h"

typedef struct og_rowid_seg {
  uint64_t first; /* position of its first row in the sequence */
  uint64_t start, n;
  const uint64_t *values; /* NULL: start, start + 1, ...; else n values */
} og_rowid_seg;

typedef struct og_rowids {
  og_vec segs; /* og_rowid_seg; values live in the arena given to the maker */
  uint64_t len;
} og_rowids;

void og_rowids_init(og_rowids *r);
void og_rowids_cleanup(og_rowids *r);
/* A sequence that names another number of rows than `rows` is OG_ECORRUPT.  Memory is bounded by the bytes given: what
 * a few bytes may claim (ranges) stays a range. */
OG_MUST_USE og_status og_rowids_decode(og_ctx *cx, og_arena *a, og_str bytes, uint64_t rows, og_rowids *out);
/* Each run of values takes the smallest of the forms that can hold it. */
OG_MUST_USE og_status og_rowids_encode(og_ctx *cx, const og_rowids *r, og_buf *out);
OG_MUST_USE og_status og_rowids_add_range(og_ctx *cx, og_rowids *r, uint64_t start, uint64_t n);
/* `values` must outlive the sequence. */
OG_MUST_USE og_status og_rowids_add_values(og_ctx *cx, og_rowids *r, const uint64_t *values, uint64_t n);
uint64_t og_rowids_get(const og_rowids *r, uint64_t i); /* i < len */

/* Runs of equal versions. */
typedef struct og_version_run {
  uint64_t first, n, version;
} og_version_run;
typedef struct og_version_runs {
  og_vec runs; /* og_version_run */
  uint64_t len;
} og_version_runs;
void og_version_runs_init(og_version_runs *v);
void og_version_runs_cleanup(og_version_runs *v);
OG_MUST_USE og_status og_version_runs_add(og_ctx *cx, og_version_runs *v, uint64_t version, uint64_t n);
/* None at all, or as many as `rows`; else OG_ECORRUPT. */
OG_MUST_USE og_status og_version_runs_decode(og_ctx *cx, og_str bytes, uint64_t rows, og_version_runs *out);
OG_MUST_USE og_status og_version_runs_encode(og_ctx *cx, const og_version_runs *v, og_buf *out);
/* Fewer runs for rows that are old at version `now`, whose versions become a little larger: rowids_settle.c. */
OG_MUST_USE og_status og_version_runs_settle(og_ctx *cx, og_version_runs *created, og_version_runs *updated,
                                             uint64_t now);
/* 0: unknown, when no sequence was written. */
uint64_t og_version_runs_get(const og_version_runs *v, uint64_t i);
