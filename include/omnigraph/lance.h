/* SPDX-License-Identifier: MIT */
/* omnigraph/lance.h -- tables in the Lance format, with or without a graph around them.
 *
 * A Lance table ("dataset") is a folder of immutable files; each commit adds a numbered version of the whole table.  A
 * dataset here is one such version, open for reading; writing makes the next one, and is as durable as the rest of this
 * library: when a function that writes has returned OG_OK, the version survives a power loss.  Any number of processes
 * may write to one table, real Lance among them.
 *
 * File versions 2.0 to 2.3 are read; 2.2 is written, or what the table says.  Format: https://lance.org/format/.
 *
 *   og_dataset *ds;
 *   struct ArrowArrayStream rows;
 *   if (og_dataset_open("people.lance", NULL, &ds, &err) == OG_OK &&
 *       og_dataset_scan(ds, NULL, &rows, &err) == OG_OK)
 *     ... hand `rows` to any Arrow library ...
 *
 * These functions are in libomnigraph, and alone in the smaller libomnigraph-lance.
 */
#pragma once

#include <omnigraph/arrow.h>
#include <omnigraph/call.h>
#include <omnigraph/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Opening */

typedef struct og_dataset og_dataset;

typedef struct og_dataset_opts {
  size_t size;
  const char *branch;      /* NULL: the main line */
  uint64_t version;        /* 0: the newest */
  uint64_t memory_limit;   /* bytes that it, and what comes from it, may hold; 0: no limit */
  unsigned threads;        /* that decode; 0: as many as processors, 1: only the caller's */
  uint64_t timeout_ms;     /* of the opening; 0: none */
  const og_cancel *cancel; /* of the opening; NULL: cannot be cancelled */
  const char *const *blob_folders; /* where blobs outside the table may be read: folders, paths or file://, ended by */
                                   /* NULL; NULL: nowhere, and reading one is OG_EDENIED */
} og_dataset_opts;
OG_API void og_dataset_opts_init(og_dataset_opts *opts);

/* `uri` is the table's folder: a path, or file://.  OG_ENOTFOUND: no table is there, or no such branch or version;
 * OG_EUNSUPPORTED: a kind of store, or a feature of the format, that we do not know. */
OG_API og_status og_dataset_open(const char *uri, const og_dataset_opts *opts, og_dataset **out, og_error *err);
/* When no call on it is running any more.  NULL is fine. */
OG_API void og_dataset_close(og_dataset *dataset);

OG_API uint64_t og_dataset_version(const og_dataset *dataset);
/* Rows that are not deleted. */
OG_API uint64_t og_dataset_row_count(const og_dataset *dataset);
OG_API uint64_t og_dataset_fragment_count(const og_dataset *dataset);
/* *out is written on success, and then the caller's to release. */
OG_API og_status og_dataset_schema(og_dataset *dataset, struct ArrowSchema *out, og_error *err);

/* ---- Conditions */

typedef enum og_compare {
  OG_COMPARE_EQ,
  OG_COMPARE_NE,
  OG_COMPARE_LT,
  OG_COMPARE_LE,
  OG_COMPARE_GT,
  OG_COMPARE_GE,
  OG_COMPARE_IS_NULL, /* the value is not looked at */
  OG_COMPARE_IS_NOT_NULL,
  OG_COMPARE_CONTAINS, /* a text has this text in it, byte by byte */
  OG_COMPARE_HAS,      /* a list has an item that is equal */
  OG_COMPARE_IN        /* equal to one of a list of values */
} og_compare;

/* Numbers compare exactly by value, whatever their kinds; NaN equals itself and is larger than all others; text by
 * bytes; false is before true.  A null fulfils no comparison. */
typedef struct og_condition {
  const char *column; /* a top-level one, of a scalar type, or for OG_COMPARE_HAS of a list of such */
  og_compare compare;
  og_value value;
} og_condition;

/* ---- Reading */

typedef struct og_order {
  const char *column; /* a top-level one, of a scalar type */
  bool descending;
} og_order;

typedef struct og_scan_opts {
  size_t size;
  const char *const *columns; /* names of top-level columns, in the order wanted, ended by NULL; NULL: all */
  const og_condition *where;  /* all of them must hold */
  size_t where_count;
  bool row_id;          /* extra columns behind the others, of type uint64: _rowid, which no later version of a row */
  bool row_offset;      /* changes; _rowoffset, the row's place in this version, deleted ones counted; the versions */
  bool created_version; /* that made it: _row_created_at_version, */
  bool updated_version; /* _row_last_updated_at_version */
  uint64_t limit;       /* rows; 0: all */
  uint32_t batch_rows;  /* rows of a batch at most; 0: as many as is fastest, at most 65,536 */
  uint64_t timeout_ms;  /* from this call to the end of the stream; 0: none */
  const og_cancel *cancel; /* must outlive the stream; NULL: cannot be cancelled */
  const og_order *order_by; /* rows in the order of these columns; NULL: in that of the table */
  size_t order_count;
} og_scan_opts;
OG_API void og_scan_opts_init(og_scan_opts *opts);

/* The rows in the order of the table, or of `order_by`: nulls come first, then values as conditions compare them,
 * descending the other way round; rows that are equal stay in the order of the table.  What is to be ordered and exceeds 64 MiB, or a
 * fourth of the memory limit, goes through scratch files.  Otherwise rows are decoded as the stream is pulled: memory does not grow with the table.  Columns
 * that only `where` needs are read first, and the others only where rows are left.  An index answers conditions when that is
 * sooner: "equal", "in" and "null" on a column with a BTREE or a BITMAP, bounds with a BTREE, "has" with a LABEL_LIST,
 * "contains" with an NGRAM.  *out is written on success, and
 * then the caller's to release, before or after the dataset is closed.  OG_EINVALID: no such column, or a value that
 * its type cannot be compared with; OG_EUNSUPPORTED: an extra column that the table does not keep. */
OG_API og_status og_dataset_scan(og_dataset *dataset, const og_scan_opts *opts, struct ArrowArrayStream *out,
                                 og_error *err);

/* How many rows a scan with these options would give; only `where`, `timeout_ms` and `cancel` may be set. */
OG_API og_status og_dataset_count(og_dataset *dataset, const og_scan_opts *opts, uint64_t *out, og_error *err);

typedef enum og_take_by {
  OG_TAKE_BY_OFFSET, /* _rowoffset: 0 is the first row, deleted ones are counted */
  OG_TAKE_BY_ID      /* _rowid */
} og_take_by;

typedef struct og_take_opts {
  size_t size;
  og_take_by by;
  const char *const *columns; /* as of og_scan_opts */
  uint64_t timeout_ms;
  const og_cancel *cancel;
} og_take_opts;
OG_API void og_take_opts_init(og_take_opts *opts);

/* Given rows in the given order, which may repeat, in one batch.  Only what holds them is read: one page's chunk each,
 * near ones together.  OG_ENOTFOUND: one of them is not there, or deleted. */
OG_API og_status og_dataset_take(og_dataset *dataset, const uint64_t *rows, size_t count, const og_take_opts *opts,
                                 struct ArrowArrayStream *out, og_error *err);

/* ---- Blobs
 *
 * A blob is a value of any size that lies apart from its column (Lance's extension type lance.blob.v2, in file version
 * 2.2).  A scan gives it as large_binary, whole, and its batches are then small; these functions read parts. */

#define OG_BLOB_MOST (4u << 20)
#define OG_BLOB_NULL UINT64_MAX
typedef struct og_blob_part {
  og_take_by by; /* which row, as of og_dataset_take */
  uint64_t row;
  uint64_t from; /* its first byte */
  void *to;      /* where it goes */
  size_t room;   /* bytes that fit there */
  size_t len;    /* set: how many it has, 0 at the end */
  uint64_t size; /* set: of the whole blob, or OG_BLOB_NULL */
} og_blob_part;
/* Reads part of a blob without the rest: what fits, and at most OG_BLOB_MOST bytes.  OG_ENOTFOUND: no such row, or the
 * object outside that it names is not there; OG_EINVALID: the column is no blob; OG_EDENIED: it lies outside the table, in
 * none of the blob_folders. */
OG_API og_status og_dataset_blob_read(og_dataset *dataset, const char *column, og_blob_part *part, og_error *err);

/* One blob, found once, to be read piece by piece.  It may be used from several threads, and after og_dataset_close. */
typedef struct og_blob og_blob;
/* Errors as of og_dataset_blob_read. */
OG_API og_status og_dataset_blob_open(og_dataset *dataset, const char *column, og_take_by by, uint64_t row, og_blob **out,
                                      og_error *err);
OG_API uint64_t og_blob_size(const og_blob *blob); /* OG_BLOB_NULL: null */
/* *len: how many bytes from `from` on were put to `to`: `room`, OG_BLOB_MOST or what is left, whichever is least. */
OG_API og_status og_blob_read(og_blob *blob, uint64_t from, void *to, size_t room, size_t *len, og_error *err);
OG_API void og_blob_close(og_blob *blob); /* NULL is fine */

/* ---- Writing
 *
 * Each function makes one version, or none: what fails has changed nothing that a reader can see.  When other writers
 * are faster, it begins again on what they made.  Beside the errors below: OG_EUNSUPPORTED: the table uses a feature of
 * the format that we cannot write (old version names, dictionary columns); OG_ECONFLICT: other writers were faster too
 * often, or did what this cannot go on top of (an append after an overwrite, say), and the text says which;
 * OG_EINVALID: no such column, or a value that is not one of its type; OG_EUNKNOWN: the store lost its replies, so the
 * version may have been made; OG_EREADONLY, OG_EDENIED; OG_ELIMIT: the disk is full. */

typedef enum og_write_mode {
  OG_WRITE_CREATE,   /* OG_EEXISTS: there is a table */
  OG_WRITE_APPEND,   /* OG_ENOTFOUND: there is none.  Small fragments at the end become part of the new one */
  OG_WRITE_OVERWRITE /* all rows are replaced; OG_ENOTFOUND: there is none */
} og_write_mode;

typedef struct og_write_opts {
  size_t size;
  og_write_mode mode;      /* og_dataset_write */
  const char *branch;      /* an existing one; NULL: the main line */
  unsigned file_minor;     /* OG_WRITE_CREATE: file version 2.1 or 2.2; 0: 2.2 */
  unsigned threads;        /* that encode and decode; 0: as many as processors, 1: only the caller's */
  uint64_t memory_limit;   /* bytes; 0: no limit.  Some 32 MiB per column are needed */
  uint64_t timeout_ms;     /* 0: none */
  const og_cancel *cancel; /* NULL: cannot be cancelled */
  bool no_row_ids;         /* OG_WRITE_CREATE: rows have addresses only, as other writers of Lance have it by default: */
                           /* _rowid then changes when rows are moved, rows have no versions, and commits are smaller */
  const char *const *blob_folders; /* as of og_dataset_opts: where blobs outside may lie that rows name */
} og_write_opts;
OG_API void og_write_opts_init(og_write_opts *opts);

/* Writes the rows of a stream; memory does not grow with it.  `rows` is used up and released in every case.  A new
 * table has the columns of the stream; other writes find their columns by name: one that is missing becomes null,
 * where it may.  Small fragments at the end are written again with the new rows, so that many small appends leave few;
 * the versions of rows that are then older than 48 versions may become larger by a 24th of their age, never smaller.
 * A blob comes as large_binary, in a new table with the field metadata "lance:blob", or as Lance has it: the extension
 * type lance.blob.v2 over a struct of data (large_binary), uri (utf8) and, if wanted, position and size (uint64), where
 * data has the bytes, or uri names an object outside that is not copied, or size bytes from position on of it.  Small blobs
 * lie in the data file, others beside it; the field metadata lance-encoding:blob-inline-size-threshold,
 * blob-dedicated-size-threshold and blob-pack-file-size-threshold are obeyed.
 * *version (NULL: not wanted) is the one that was made.  OG_EINVALID: a column does not fit the table's,
 * or the stream failed; OG_EDENIED: a blob outside in none of the blob_folders. */
OG_API og_status og_dataset_write(const char *uri, struct ArrowArrayStream *rows, const og_write_opts *opts,
                                  uint64_t *version, og_error *err);

/* ---- Writing piece by piece: rows as they come, and blobs of which no more than a piece is in memory. */

typedef struct og_dataset_writer og_dataset_writer;
/* Begins a write as og_dataset_write would do it, of rows with these columns; `schema` is released in every case.  A blob
 * may be declared as uint64 (in a new table with the field metadata "lance:blob"): its values are then numbers of blobs
 * that og_dataset_writer_blob_end gave.  A writer belongs to one thread at a time. */
OG_API og_status og_dataset_writer_open(const char *uri, struct ArrowSchema *schema, const og_write_opts *opts,
                                        og_dataset_writer **out, og_error *err);
/* A blob of a column for one of the next rows: begin, bytes in pieces of any size, end.  *number stands for it in the next
 * call of og_dataset_writer_rows, and in no later one. */
OG_API og_status og_dataset_writer_blob_begin(og_dataset_writer *writer, const char *column, og_error *err);
OG_API og_status og_dataset_writer_blob(og_dataset_writer *writer, const void *bytes, size_t len, og_error *err);
OG_API og_status og_dataset_writer_blob_end(og_dataset_writer *writer, uint64_t *number, og_error *err);
/* Rows as a struct array with the columns of the schema; `rows` is released in every case.  At most 65,536 of them at once
 * with numbers of blobs. */
OG_API og_status og_dataset_writer_rows(og_dataset_writer *writer, struct ArrowArray *rows, og_error *err);
/* Makes the version.  Afterwards, and after any call that failed, the writer can only be closed. */
OG_API og_status og_dataset_writer_commit(og_dataset_writer *writer, uint64_t *version, og_error *err);
OG_API void og_dataset_writer_close(og_dataset_writer *writer); /* without a commit nothing was written.  NULL is fine */

/* Deletes the rows for which all `count` conditions hold; with none, all rows.  *deleted (NULL: not wanted) is how
 * many; without any, no version is made. */
OG_API og_status og_dataset_delete(const char *uri, const og_condition *where, size_t count, const og_write_opts *opts,
                                   uint64_t *deleted, og_error *err);

typedef struct og_assignment {
  const char *column;    /* a top-level one: bool, integer, float, text, date or time */
  const og_value *value; /* NULL: null */
} og_assignment;

/* Sets columns of the rows for which all conditions hold; they keep their ids.  *updated as *deleted above. */
OG_API og_status og_dataset_update(const char *uri, const og_condition *where, size_t count, const og_assignment *set,
                                   size_t set_count, const og_write_opts *opts, uint64_t *updated, og_error *err);

typedef enum og_merge_matched {
  OG_MATCHED_UPDATE, /* the columns that the stream has; the others stay */
  OG_MATCHED_KEEP,
  OG_MATCHED_FAIL /* OG_EEXISTS */
} og_merge_matched;

typedef struct og_merge_opts {
  size_t size;
  const char *const *on;    /* names of the key's columns, ended by NULL: scalars */
  og_merge_matched matched; /* rows of the stream whose key the table has */
  bool skip_new;            /* rows whose key it has not are left out, not inserted */
  bool delete_others;       /* rows of the table whose key the stream has not are deleted */
} og_merge_opts;
OG_API void og_merge_opts_init(og_merge_opts *opts);

typedef struct og_merge_counts {
  uint64_t inserted, updated, deleted;
} og_merge_counts;

/* Brings the rows of a stream in by key, as one version.  Keys are equal when all their columns are, as conditions
 * compare them; one with a null equals none.  The stream is held in memory.  OG_EINVALID: two of its rows have one key.
 * `rows` is used up in every case; `counts` may be NULL.  No version is made when nothing changes. */
OG_API og_status og_dataset_merge(const char *uri, struct ArrowArrayStream *rows, const og_merge_opts *merge,
                                  const og_write_opts *opts, og_merge_counts *counts, og_error *err);

/* ---- Columns.  No row is written again. */

/* New columns beside the others, with the stream's values: one for each row of version `of`, in the order of a scan.
 * OG_ECONFLICT: the table is not at `of` any more in what concerns its rows (0: no check but the number of rows). */
OG_API og_status og_dataset_add_columns(const char *uri, struct ArrowArrayStream *values, uint64_t of,
                                        const og_write_opts *opts, uint64_t *version, og_error *err);
/* New columns that are null in every row.  `columns` is a struct of them, and is released in every case. */
OG_API og_status og_dataset_add_null_columns(const char *uri, struct ArrowSchema *columns, const og_write_opts *opts,
                                             uint64_t *version, og_error *err);
/* `columns`: names of top-level columns, ended by NULL.  An index of a column goes with it. */
OG_API og_status og_dataset_drop_columns(const char *uri, const char *const *columns, const og_write_opts *opts,
                                         uint64_t *version, og_error *err);
OG_API og_status og_dataset_rename_column(const char *uri, const char *column, const char *name,
                                          const og_write_opts *opts, uint64_t *version, og_error *err);

/* ---- Upkeep */

/* Makes a version with the rows, columns and indexes of an older one.  OG_ENOTFOUND: there is none, or not any more. */
OG_API og_status og_dataset_restore(const char *uri, uint64_t version, const og_write_opts *opts, uint64_t *made,
                                    og_error *err);

typedef struct og_compact_counts {
  uint64_t fragments_taken, fragments_made;
} og_compact_counts;
/* Gathers small fragments into larger ones, and leaves deleted rows behind.  Rows keep their ids and versions, so that
 * nobody but who asks for it notices; writers beside it are not disturbed, and it undoes nothing of theirs.  Several
 * versions are made of a large table, none when there is nothing to do.  `counts` may be NULL. */
OG_API og_status og_dataset_compact(const char *uri, const og_write_opts *opts, og_compact_counts *counts,
                                    og_error *err);

typedef enum og_index_kind {
  OG_INDEX_KIND_BTREE,      /* for any values */
  OG_INDEX_KIND_BITMAP,     /* for few distinct ones */
  OG_INDEX_KIND_LABEL_LIST, /* of lists, for what items they have */
  OG_INDEX_KIND_NGRAM       /* of texts, for what they contain: three letters or digits in a row at least */
} og_index_kind;
/* An index of a top-level column over all rows; replaces the one of that name.  name NULL: the column's with "_idx". */
OG_API og_status og_dataset_index_create(const char *uri, const char *column, og_index_kind kind, const char *name,
                                         const og_write_opts *opts, og_error *err);
/* Brings indexes up to the newest version: rows written since become part of them.  name NULL: all.  `all_parts`: into
 * one part each; else parts that are large already are left alone. */
OG_API og_status og_dataset_index_update(const char *uri, const char *name, bool all_parts, const og_write_opts *opts,
                                         og_error *err);
OG_API og_status og_dataset_index_drop(const char *uri, const char *name, const og_write_opts *opts, og_error *err);

/* ---- Versions, tags, branches.  Lists are one block each; a branch's name in them is empty for the main line. */

typedef struct og_dataset_version_info {
  uint64_t version;
  int64_t timestamp_us; /* since 1970 */
} og_dataset_version_info;
typedef struct og_dataset_versions {
  const og_dataset_version_info *items; /* ascending; numbers may be missing */
  size_t count;
} og_dataset_versions;
/* Of opts->branch; opts->version has no meaning. */
OG_API og_status og_dataset_list_versions(const char *uri, const og_dataset_opts *opts, og_dataset_versions **out,
                                          og_error *err);
OG_API void og_dataset_versions_free(og_dataset_versions *list); /* NULL is fine; so below */

typedef struct og_dataset_tag {
  const char *name, *branch;
  uint64_t version;
} og_dataset_tag;
typedef struct og_dataset_tags {
  const og_dataset_tag *items; /* by name */
  size_t count;
} og_dataset_tags;
OG_API og_status og_dataset_list_tags(const char *uri, og_dataset_tags **out, og_error *err);
OG_API void og_dataset_tags_free(og_dataset_tags *list);
/* A name for a version (0: the newest) of opts->branch, which keeps it from being cleaned up.  OG_EEXISTS: there is
 * such a tag, unless `move`; OG_EINVALID: names are letters, digits, '.', '-' and '_'. */
OG_API og_status og_dataset_tag_create(const char *uri, const char *name, uint64_t version, bool move,
                                       const og_write_opts *opts, og_error *err);
OG_API og_status og_dataset_tag_delete(const char *uri, const char *name, const og_write_opts *opts, og_error *err);

typedef struct og_dataset_branch {
  const char *name, *parent;
  uint64_t version; /* of the parent, at which it began */
} og_dataset_branch;
typedef struct og_dataset_branches {
  const og_dataset_branch *items; /* by name */
  size_t count;
} og_dataset_branches;
OG_API og_status og_dataset_list_branches(const char *uri, og_dataset_branches **out, og_error *err);
OG_API void og_dataset_branches_free(og_dataset_branches *list);
/* A branch that begins at a version (0: the newest) of opts->branch.  No row is copied.  OG_EEXISTS: there is one. */
OG_API og_status og_dataset_branch_create(const char *uri, const char *name, uint64_t version,
                                          const og_write_opts *opts, og_error *err);
/* With its files.  OG_ECONFLICT: another branch began at it, or a tag names a version of it; OG_EINVALID: it is a table of
 * a graph. */
OG_API og_status og_dataset_branch_delete(const char *uri, const char *name, const og_write_opts *opts, og_error *err);

typedef struct og_cleanup_opts {
  size_t size;
  uint64_t keep;         /* newest versions of each branch that stay, whatever their age; 0: 1 */
  uint64_t older_than_s; /* others stay for so many seconds; 1,209,600 (two weeks) unless set */
  uint64_t orphans_s;    /* so do files of writers of ours that failed, and that no version names; 604,800 (a week) */
  bool dry;              /* only counts */
} og_cleanup_opts;
OG_API void og_cleanup_opts_init(og_cleanup_opts *opts);
typedef struct og_cleanup_counts {
  uint64_t versions, files, bytes;
} og_cleanup_counts;
/* Deletes old versions of all branches, and the files that only they needed.  Versions with a tag, those at which a branch
 * began, and the one after each of these stay.  Readers of what goes meet OG_ENOTFOUND.  OG_ECORRUPT: a manifest cannot
 * be read, so that nothing is deleted; OG_EINVALID: it is a table of a graph, whose commits need its versions. */
OG_API og_status og_dataset_cleanup(const char *uri, const og_cleanup_opts *cleanup, const og_write_opts *opts,
                                    og_cleanup_counts *counts, og_error *err);

#ifdef __cplusplus
}
#endif
