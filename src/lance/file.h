/* SPDX-License-Identifier: MIT */
/* lance/file.h -- one Lance data file: pages of encoded columns.
 *
 * Byte layout and encodings: docs/dev/lance-format.md.  We write file version 2.2 (2.1 when a table
 * says so) and read 2.0 to 2.3.  Every size and offset from the file is checked before use
 * (OG_ECORRUPT with key, column and page). Thread rule: a writer belongs to one thread; an open
 * reader is immutable and may be shared.
 */
#pragma once

#include "arrow/column.h"
#include "lance/blob_ref.h"
#include "lance/fields.h"
#include "store/store.h"

typedef struct og_lance_version {
  uint16_t major, minor; /* as the manifest says: 2,1 or 2,2 */
} og_lance_version;

typedef struct og_lance_file_writer og_lance_file_writer;

typedef struct og_lance_file_stats {
  uint64_t rows, bytes;
  /* One entry per written column: leaf field id and column index, parallel, as DataFile wants them.
   * Arena of the writer's caller context (cx->arena). */
  int32_t *field_ids;
  int32_t *column_indices;
  uint32_t n_columns;
  og_str *beside; /* keys of the blob files beside it */
  uint32_t n_beside;
} og_lance_file_stats;

/* Starts a file at `key`.  Rows of all top-level fields of `schema` will be written.  Columns are
 * buffered up to a page's worth (8 MiB of values) and then encoded and streamed out, so memory is
 * bounded by columns x page. */
OG_MUST_USE og_status og_lance_file_writer_open(og_ctx *cx, og_store *store, og_str key, og_lance_schema *schema,
                                                og_lance_version version, og_lance_file_writer **out);
/* Blobs that are not small go into files of their own from now on, in a folder named as the data file without .lance:
 * whoever deletes the data file must know of them.  Before the first row. */
void og_lance_file_blobs_beside(og_lance_file_writer *w);
/* The batch's columns must match the schema's top-level fields in order and type; blobs may be references
 * (blob_ref.h). */
OG_MUST_USE og_status og_lance_file_write(og_ctx *cx, og_lance_file_writer *w, const og_batch *batch);
/* One more entry of the file's metadata, beside those of the schema: for what is known only after the rows. */
OG_MUST_USE og_status og_lance_file_writer_meta(og_ctx *cx, og_lance_file_writer *w, og_str key, og_str value);
/* Writes a global buffer of the file; *number is which, counted from 1 on: 0 is the schema. */
OG_MUST_USE og_status og_lance_file_writer_global(og_ctx *cx, og_lance_file_writer *w, og_str bytes, uint32_t *number);
uint64_t og_lance_file_rows(const og_lance_file_writer *w);
uint64_t og_lance_file_bytes(const og_lance_file_writer *w); /* written so far */
/* A blob for a row that is still to be written, given piece by piece: one at a time, of top-level field `field`, and no
 * rows between begin and end.  `ref` gets the reference that stands for it in rows of this file. */
OG_MUST_USE og_status og_lance_file_blob_begin(og_ctx *cx, og_lance_file_writer *w, uint32_t field);
OG_MUST_USE og_status og_lance_file_blob_append(og_ctx *cx, og_lance_file_writer *w, og_str bytes);
OG_MUST_USE og_status og_lance_file_blob_end(og_ctx *cx, og_lance_file_writer *w, og_buf *ref);
/* Writes footer; frees w in every case; the object is visible on OG_OK (durable after
 * og_store_sync). */
OG_MUST_USE og_status og_lance_file_finish(og_ctx *cx, og_lance_file_writer *w, og_lance_file_stats *out);
void og_lance_file_abort(og_ctx *cx, og_lance_file_writer *w);

typedef struct og_lance_file og_lance_file;

/* Reads footer and column metadata (one tail read, usually).  size 0: unknown. */
OG_MUST_USE og_status og_lance_file_open(og_ctx *cx, og_store *store, og_str key, uint64_t size, og_lance_file **out);
og_lance_file *og_lance_file_ref(og_lance_file *f);
void og_lance_file_unref(og_lance_file *f);
uint64_t og_lance_file_num_rows(const og_lance_file *f);
og_lance_version og_lance_file_version(const og_lance_file *f);
const og_lance_schema *og_lance_file_schema(const og_lance_file *f); /* borrowed */
/* The file's n-th global buffer (0 is the schema). */
OG_MUST_USE og_status og_lance_file_global_buffer(og_ctx *cx, og_lance_file *f, uint32_t n, og_buf *out);

/* How one top-level field of a table lies in this file: column index per leaf, in depth-first leaf
 * order.  A table fills it from DataFile; og_lance_file_layout gives it from the file's own schema.
 */
typedef struct og_lance_column_ref {
  const og_field *field;  /* Arrow view of the field, children included */
  const int32_t *columns; /* column index of each leaf */
  uint32_t n_columns;
  const og_lance_outside *outside; /* of a blob; NULL: nothing outside is read */
  bool refs;                       /* of a blob: references are read (blob_ref.h), a column of type binary */
} og_lance_column_ref;
OG_MUST_USE og_status og_lance_file_layout(og_ctx *cx, const og_lance_file *f, uint32_t top_field,
                                           og_lance_column_ref *out); /* arena of cx */

/* Rows [from, from + n).  Columns that come out are sound: offsets ascend, strings are UTF-8, null
 * slots are empty. */
OG_MUST_USE og_status og_lance_file_read(og_ctx *cx, og_lance_file *f, const og_lance_column_ref *ref, uint64_t from,
                                         uint64_t n, og_column **out);
/* Where the value of a blob field lies. */
typedef struct og_lance_blob {
  bool null;
  og_store *store; /* borrowed */
  og_str key;      /* an object of it, in cx->arena */
  uint64_t off, size;
} og_lance_blob;
OG_MUST_USE og_status og_lance_file_blob(og_ctx *cx, og_lance_file *f, const og_lance_column_ref *ref, uint64_t row,
                                         og_lance_blob *out);
/* Rows at ascending, distinct offsets, touching only the pages (and chunks) that hold them. */
OG_MUST_USE og_status og_lance_file_take(og_ctx *cx, og_lance_file *f, const og_lance_column_ref *ref,
                                         const uint64_t *rows, size_t n, og_column **out);
