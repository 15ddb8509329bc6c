/* SPDX-License-Identifier: MIT */
/* lance/table_impl.h -- an open version, as this room's files see it. */
#pragma once

#include "base/mutex.h"
#include "lance/blob.h"
#include "lance/manifest.h"
#include "lance/rowids.h"
#include "lance/table.h"

/* What is read of a fragment on first use. */
typedef struct og_fragment_state {
  og_lance_file **files; /* parallel to the fragment's; NULL: not opened yet */
  uint8_t *deleted;      /* NULL: nothing deleted, or not loaded */
  bool deletions_loaded;
  bool sequences_loaded;
  og_arena sequences; /* values of the sequences below */
  og_rowids ids;
  og_version_runs created, updated;
  og_column *searched; /* one column, whole, that was searched and is kept for the next search; NULL: none */
  uint32_t searched_column;
} og_fragment_state;

struct og_lance_table {
  _Atomic uint32_t refs;
  og_arena arena;
  og_lance_place at; /* owned copies; one reference of the store */
  og_manifest m;
  og_str uuid;
  uint64_t layout; /* see og_lance_table_layout */
  og_lance_outside outside;
  bool old_names; /* found under a V1 name */
  uint64_t rows, physical_rows;
  uint64_t *first; /* dense offset of each fragment's first row */
  og_mutex mu;     /* guards the pointers below, never held across a read */
  og_fragment_state *frags;
  uint8_t *deleted; /* whole version; valid when deleted_loaded */
  bool deleted_loaded;
  uint64_t searched_bytes; /* of the columns kept */
};

/* Takes over `m` (also on failure). */
OG_MUST_USE og_status og_table__new(og_ctx *cx, const og_lance_place *at, og_manifest *m, og_lance_table **out);
/* root[/tree/branch] in cx->arena. */
OG_MUST_USE og_status og_table__prefix(og_ctx *cx, const og_lance_place *at, og_str *out);
/* The folder that files with this base path lie below, inside the table, in cx->arena. */
OG_MUST_USE og_status og_table__folder(og_ctx *cx, const og_lance_table *t, bool has_base, uint32_t base, og_str *out);
OG_MUST_USE og_status og_table__file(og_ctx *cx, og_lance_table *t, uint32_t fragment, uint32_t file,
                                     og_lance_file **out); /* borrowed */
OG_MUST_USE og_status og_table__deleted(og_ctx *cx, og_lance_table *t, uint32_t fragment, const uint8_t **out);
OG_MUST_USE og_status og_table__sequences(og_ctx *cx, og_lance_table *t, uint32_t fragment,
                                          const og_fragment_state **out);
/* Fragment that holds a dense offset. */
uint32_t og_table__fragment_at(const og_lance_table *t, uint64_t offset);
/* Bytes of a sequence, wherever they lie. */
OG_MUST_USE og_status og_table__sequence_bytes(og_ctx *cx, og_lance_table *t, const og_sequence_ref *s, og_buf *out);

/* Where a top-level column of a fragment lies; `file` NULL: in none, so it is all null. */
typedef struct og_table__source {
  og_lance_file *file; /* borrowed from the table */
  og_lance_column_ref ref;
  og_field as; /* of references: what is read */
} og_table__source;
OG_MUST_USE og_status og_table__locate(og_ctx *cx, og_arena *a, og_lance_table *t, uint32_t fragment, uint32_t column,
                                       og_table__source *out);
/* The source gives references of a blob (blob_ref.h). */
void og_table__refer(og_table__source *s);
/* So few rows are read by the caller's thread alone: waking others takes longer. */
#define OG_TABLE__FEW_ROWS 16

/* Rows [from, from + n), or the n given ascending rows when `rows` is not NULL. */
OG_MUST_USE og_status og_table__read(og_ctx *cx, const og_table__source *s, uint64_t from, uint64_t n,
                                     const uint64_t *rows, og_column **out);
