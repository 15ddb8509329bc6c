/* SPDX-License-Identifier: MIT */
/* lance/table.h -- versions of a Lance table: opening, reading, and preparing the next one.
 *
 * A table lives under `root` (a key prefix of the store).  A version is one immutable manifest; a branch's versions lie
 * under root/tree/<branch>/.  Writing is split so that a caller can make many tables visible with one commit elsewhere:
 * an og_lance_change writes data, deletion and transaction files that nothing names, renders the next manifest on
 * any base, and puts it if absent.
 * Thread rule: og_lance_table is immutable; share by reference.  A change belongs to one thread.
 */
#pragma once

#include "arrow/kernels.h"
#include "lance/blob_ref.h"
#include "lance/file.h"
#include "store/store.h"

typedef struct og_lance_table og_lance_table;

typedef struct og_lance_place {
  og_store *store;
  og_str root;   /* "nodes/0000000000000001-0000000000000005" */
  og_str branch; /* empty: main; "wip", "a/b": under tree/ */
} og_lance_place;

/* The table at a URI, in a store that begins at the folder above it: the bases of a shallow clone lie beside it.
 * `branch` is borrowed, the root is in cx->arena; one reference of the store is the caller's. */
OG_MUST_USE og_status og_lance_place_open(og_ctx *cx, og_str uri, og_str branch, bool read_only, og_lance_place *out);

/* Key of a version's manifest: root[/tree/branch]/_versions/%020u.manifest of UINT64_MAX - version. */
OG_MUST_USE og_status og_lance_manifest_key(og_ctx *cx, const og_lance_place *at, uint64_t version, og_str *out);

/* Exactly this version.  expect_uuid (36 characters, or empty) must equal the manifest's transaction uuid, else
 * OG_EGONE: the number was reclaimed and refilled.  OG_ENOTFOUND: no such version.  Unknown reader flags:
 * OG_EUNSUPPORTED. */
OG_MUST_USE og_status og_lance_table_open(og_ctx *cx, const og_lance_place *at, uint64_t version, og_str expect_uuid,
                                          og_lance_table **out);
/* Newest version by one ordered list; 0 when there is none. */
OG_MUST_USE og_status og_lance_newest_version(og_ctx *cx, const og_lance_place *at, uint64_t *out);
/* From manifest bytes already at hand. */
OG_MUST_USE og_status og_lance_table_decode(og_ctx *cx, const og_lance_place *at, og_str bytes, og_lance_table **out);
/* Blobs outside the table are read where they lie in this folder (a path or file://), and nowhere else.  Before the
 * table is shared. */
OG_MUST_USE og_status og_lance_table_allow_blobs(og_ctx *cx, og_lance_table *t, og_str folder);
og_lance_table *og_lance_table_ref(og_lance_table *t);
void og_lance_table_unref(og_lance_table *t);

uint64_t og_lance_table_version(const og_lance_table *t);
og_str og_lance_table_uuid(const og_lance_table *t);             /* transaction uuid */
uint64_t og_lance_table_rows(const og_lance_table *t);           /* live rows */
uint64_t og_lance_table_physical_rows(const og_lance_table *t);  /* with deleted ones: size of the dense offset space */
og_lance_schema *og_lance_table_schema(const og_lance_table *t); /* borrowed */
og_lance_version og_lance_table_file_version(const og_lance_table *t);
bool og_lance_table_has_stable_ids(const og_lance_table *t); /* else a row's id is its address */
int64_t og_lance_table_timestamp_us(const og_lance_table *t);
/* Value of a key in config, else table metadata, else schema metadata; false when absent. */
bool og_lance_table_config(const og_lance_table *t, og_str key, og_str *out);

typedef struct og_lance_fragment_info {
  uint64_t id, physical_rows, deleted_rows;
  uint64_t first_offset; /* dense offset of its first row within the version */
  uint64_t bytes;        /* of its data files */
} og_lance_fragment_info;
uint32_t og_lance_table_fragments(const og_lance_table *t);
/* Do fragment i of `a` and fragment k of `b`, versions of one table, hold the same rows in the same order, deleted ones
 * counted?  True only when it is certain. */
bool og_lance_table_same_rows(const og_lance_table *a, uint32_t i, const og_lance_table *b, uint32_t k);
og_lance_fragment_info og_lance_table_fragment(const og_lance_table *t, uint32_t i);

/* Of a fragment of one version: the fragment of another version, of this or another branch, over the same data files.
 * Both hold the same rows in the same places. */
#define OG_LANCE_UNPAIRED UINT32_MAX
typedef struct og_lance_pair {
  uint32_t fragment;   /* OG_LANCE_UNPAIRED: none */
  bool same_deletions; /* and they name the same deletion file, or none: what is live is the same, too */
} og_lance_pair;
/* out[i]: that of fragment i of `a` in `b`.  Reads nothing but the two manifests. */
OG_MUST_USE og_status og_lance_table_pair(og_ctx *cx, const og_lance_table *a, const og_lance_table *b,
                                          og_lance_pair *out);
/* Bitmap over the fragment's physical rows, 1 = deleted; NULL when nothing is.  Borrowed, loaded on first use. */
OG_MUST_USE og_status og_lance_table_fragment_deleted(og_ctx *cx, og_lance_table *t, uint32_t fragment,
                                                      const uint8_t **bits);
/* The id the next new fragment of a change on this version will get; further ones follow by one. */
uint64_t og_lance_table_next_fragment_id(const og_lance_table *t);

/* Shows the version under other columns: dropped ones are not there, new ones are null, all else as the alteration
 * says. For one who has just opened it and shares it with nobody yet. */
OG_MUST_USE og_status og_lance_table_relayout(og_ctx *cx, og_lance_table *t, const og_lance_alteration *a);
/* A field id that no field and no data file of the version has, nor any above it; INT32_MAX: there are none left. */
int32_t og_lance_table_free_field(const og_lance_table *t);
/* 0: the columns are those that are stored; else a number that tells one relayout from another. */
uint64_t og_lance_table_layout(const og_lance_table *t);

/* ---- Reading.  A row's *dense offset* is its position among all physical rows of the version, fragments in order:
 * 0 .. physical_rows - 1, deleted rows included, so offsets are stable for the version. */

/* What must hold for a row to be scanned. */
typedef struct og_lance_condition {
  enum {
    OG_LANCE_COMPARES,
    OG_LANCE_IS_NULL,
    OG_LANCE_IS_NOT_NULL,
    OG_LANCE_CONTAINS, /* a text has the value in it */
    OG_LANCE_HAS,      /* a list has an item that is equal to it */
    OG_LANCE_IN        /* equal to one of `values` */
  } kind;
  uint32_t column;
  og_cmp_op op;    /* OG_LANCE_COMPARES: as og_kernels says; never true of a null */
  og_scalar value; /* not null; text is borrowed */
  const og_scalar
      *values; /* OG_LANCE_IN: likewise, ascending as og_scalar_cmp says; borrowed until the scan is closed */
  uint32_t n_values;
} og_lance_condition;

typedef struct og_lance_scan_opts {
  const uint32_t *columns; /* top-level field indices, output order */
  uint32_t n_columns;
  const og_lance_condition *where; /* all of them */
  uint32_t n_where;
  const uint64_t *only; /* dense offsets, ascending and distinct: no other rows; borrowed until the scan is closed */
  size_t n_only;        /* 0: all rows, unless `only` is given */
  bool with_offset;     /* extra columns behind, in this order: uint64 each */
  bool with_row_id;     /* stable row id */
  bool with_created;    /* _row_created_at_version */
  bool with_updated;    /* _row_last_updated_at_version */
  uint32_t batch_rows;  /* at most; 0: 2048 */
  bool blob_refs;       /* blobs as references (blob_ref.h), of type binary */
  uint32_t from_fragment, n_fragments; /* n 0: all */
} og_lance_scan_opts;

typedef struct og_lance_scan og_lance_scan;
OG_MUST_USE og_status og_lance_scan_open(og_ctx *cx, og_lance_table *t, const og_lance_scan_opts *opts,
                                         og_lance_scan **out);
og_schema *og_lance_scan_schema(const og_lance_scan *s); /* of its batches; borrowed */
/* The next batch of live rows in offset order; *out is NULL at the end. */
OG_MUST_USE og_status og_lance_scan_next(og_ctx *cx, og_lance_scan *s, og_batch **out);
/* Rows that are left, of a scan without columns: no batch is made. */
OG_MUST_USE og_status og_lance_scan_count(og_ctx *cx, og_lance_scan *s, uint64_t *rows);
void og_lance_scan_close(og_lance_scan *s);

/* Where the blob in a row lies, by dense offset.  OG_EINVALID: the column is no blob. */
OG_MUST_USE og_status og_lance_table_blob(og_ctx *cx, og_lance_table *t, uint32_t column, uint64_t offset,
                                          og_lance_blob *out);
/* Its bytes from `from` on, at most `most`, appended to `out`; nothing of one that is null. */
OG_MUST_USE og_status og_lance_table_blob_read(og_ctx *cx, og_lance_table *t, const og_lance_blob *b, uint64_t from,
                                               uint64_t most, og_buf *out);

/* One whole column of all physical rows (deleted ones hold whatever they held), dense offset = row. For indexes and
 * hot columns. */
OG_MUST_USE og_status og_lance_table_column(og_ctx *cx, og_lance_table *t, uint32_t column, og_column **out);
/* The first live row whose string in `column` is `value`.  *found false: there is none.  Columns searched are kept with
 * the version, up to 16 MiB. */
OG_MUST_USE og_status og_lance_table_find(og_ctx *cx, og_lance_table *t, uint32_t column, og_str value,
                                          uint64_t *offset, bool *found);
/* Takes over what `older`, another version of the same table, has kept of data files that both name. */
void og_lance_table_inherit(og_lance_table *t, og_lance_table *older);
/* Rows at dense offsets, any order, repeats allowed; deleted rows must not be asked for. */
OG_MUST_USE og_status og_lance_table_take(og_ctx *cx, og_lance_table *t, const uint32_t *columns, uint32_t n_columns,
                                          const uint64_t *offsets, size_t n, og_batch **out);
/* The same with blobs as references (blob_ref.h): for rows that are written again. */
OG_MUST_USE og_status og_lance_table_take_refs(og_ctx *cx, og_lance_table *t, const uint32_t *columns,
                                               uint32_t n_columns, const uint64_t *offsets, size_t n, og_batch **out);
/* Dense offsets of the live rows with these row ids (addresses, in a table without stable ids).  OG_ENOTFOUND names one
 * that no live row has. */
OG_MUST_USE og_status og_lance_table_offsets(og_ctx *cx, og_lance_table *t, const uint64_t *ids, size_t n,
                                             uint64_t *offsets);
/* Bitmap over the dense offset space, 1 = deleted; NULL when nothing is deleted.  Borrowed from the table, loaded on
 * first use. */
OG_MUST_USE og_status og_lance_table_deleted(og_ctx *cx, og_lance_table *t, const uint8_t **bitmap);
/* Stable row ids (and created versions when `created` is not NULL) at dense offsets; `ids` may be `offsets` when
 * `created` is NULL. */
OG_MUST_USE og_status og_lance_table_row_ids(og_ctx *cx, og_lance_table *t, const uint64_t *offsets, size_t n,
                                             uint64_t *ids, uint64_t *created);

/* ---- Preparing the next version. */

typedef struct og_lance_change og_lance_change;

typedef enum og_lance_op {
  OG_LANCE_APPEND,    /* inserts only; recorded as an update if it also removes rows, */
  OG_LANCE_DELETE,    /* deletes only; and so is this if it also adds some */
  OG_LANCE_UPDATE,    /* inserts, updates, deletes in one */
  OG_LANCE_OVERWRITE, /* everything replaced; row ids start anew above next_row_id */
  OG_LANCE_INDEX,     /* no row changes: indexes are added, replaced, dropped (index.h) */
  OG_LANCE_REWRITE,   /* rows carried over (og_lance_change_carry), nothing else: a compaction */
  OG_LANCE_PROJECT,   /* no row changes: columns are dropped and renamed */
  OG_LANCE_MERGE,     /* columns are added beside the others, and perhaps others dropped and renamed */
  OG_LANCE_RESTORE,   /* everything as it was in an older version */
  OG_LANCE_CONFIG,    /* config keys, nothing else */
  OG_LANCE_CLONE      /* nothing changes: the first version of a branch's tree, naming the base's files */
} og_lance_op;

typedef struct og_lance_change_opts {
  og_lance_op op; /* as which Lance transaction it is recorded */
  og_str attempt; /* a ULID: every file written tells it, see change.c (6) */
  og_str tx_uuid; /* transaction uuid text, e.g. "omnigraph-<ULID>"; renders after the first append "-<n>" */
  /* Small fragments at the end of base are taken into the new one, as long as the new one stays at or below this many
   * rows: a table of one-row changes then keeps O(log rows) fragments.  Reads at most 1 MiB of data files, and never
   * makes a conflict.  For first tries, not for retries.  0: never. */
  uint32_t fold_rows;
  /* Updated rows count as created by this version: for tables nobody asks when a row came, whose manifests would name a
   * version for every row otherwise. */
  bool renew_created;
  bool
      blobs_beside; /* blobs that are not small lie in files beside their data file: for who cleans up with cleanup.h */
  bool shed;        /* a compaction also takes fragments whose files hold columns that the table has no more */
  bool no_row_ids;  /* a new table: without stable row ids, and thus without versions of rows */
} og_lance_change_opts;

/* A change that failed in any call before render can only be freed.
 *
 * On `base` (one reference is taken).  The change writes under `at` (same root; the branch may differ from base's: a
 * first touch, then inherited files get base paths as a shallow clone). */
OG_MUST_USE og_status og_lance_change_new(og_ctx *cx, const og_lance_place *at, og_lance_table *base,
                                          const og_lance_change_opts *opts, og_lance_change **out);
/* A new table: version 1 will be empty or hold the inserted rows. `meta`: schema metadata is in `schema`; config pairs
 * may be NULL. */
OG_MUST_USE og_status og_lance_change_create(og_ctx *cx, const og_lance_place *at, og_lance_schema *schema,
                                             og_lance_version file_version, const og_lance_change_opts *opts,
                                             og_lance_change **out);
void og_lance_change_free(og_ctx *cx, og_lance_change *c); /* deletes nothing: files die by cleanup.  NULL is fine */

/* New rows: columns as the table's top-level fields. */
OG_MUST_USE og_status og_lance_change_insert(og_ctx *cx, og_lance_change *c, const og_batch *rows);
/* New images of the live rows at `offsets` of base: they keep stable id and created version; the old images are
 * deleted. */
OG_MUST_USE og_status og_lance_change_update(og_ctx *cx, og_lance_change *c, const og_batch *rows,
                                             const uint64_t *offsets, size_t n);
/* The live rows at `offsets` written again as they are, into the current file: for folding small fragments by hand (see
 * fold_rows).  They keep id, created and updated version.  One that somebody else changes meanwhile is no conflict: it
 * is deleted from the new fragment when that is rendered. */
OG_MUST_USE og_status og_lance_change_carry(og_ctx *cx, og_lance_change *c, const og_batch *rows,
                                            const uint64_t *offsets, size_t n);
/* Takes small fragments in now (see fold_rows), for `rows` that are still to be inserted: so they keep their order. */
OG_MUST_USE og_status og_lance_change_fold(og_ctx *cx, og_lance_change *c, uint64_t rows);
/* A blob for a row that comes with one of the next rows, of top-level column `column`, given piece by piece: one at a
 * time, and no rows before its end.  `ref` gets its reference (blob_ref.h).  The rows must come in one batch of at most
 * OG_LANCE_BLOB_ROWS; until then no file is ended. */
#define OG_LANCE_BLOB_ROWS 65536
OG_MUST_USE og_status og_lance_change_blob_begin(og_ctx *cx, og_lance_change *c, uint32_t column);
OG_MUST_USE og_status og_lance_change_blob_append(og_ctx *cx, og_lance_change *c, og_str bytes);
OG_MUST_USE og_status og_lance_change_blob_end(og_ctx *cx, og_lance_change *c, og_buf *ref);
OG_MUST_USE og_status og_lance_change_delete(og_ctx *cx, og_lance_change *c, const uint64_t *offsets, size_t n);
/* With op REWRITE: carries the rows of fragments that are worth it, which are small neighbours, and those a tenth or
 * more of whose rows are deleted; see compact.c.  *taken: how many; 0: there is nothing to do.  Stops once it has taken
 * some four million rows, for 32 bytes are kept for each: commit, and call it on the new version, until *taken is 0. */
OG_MUST_USE og_status og_lance_change_compact(og_ctx *cx, og_lance_change *c, uint32_t *taken);
/* Ends the current data file: rows added from here on go to a new fragment.  Nothing when it is empty. */
OG_MUST_USE og_status og_lance_change_cut(og_ctx *cx, og_lance_change *c);
/* Replaces config keys in the next manifest (NULL value: removes). */
OG_MUST_USE og_status og_lance_change_config(og_ctx *cx, og_lance_change *c, og_str key, const og_str *value);

/* Columns, with ops PROJECT and MERGE.  No data file is written again: fields keep their ids, and fragments get another
 * file beside those they have.  `column` is a top-level field of base.  An index of a dropped column goes with it. */
OG_MUST_USE og_status og_lance_change_drop_column(og_ctx *cx, og_lance_change *c, uint32_t column);
OG_MUST_USE og_status og_lance_change_rename_column(og_ctx *cx, og_lance_change *c, uint32_t column, og_str name);
/* Behind the first `fixed` columns, the new ones included, stand the others in the order of their names. */
OG_MUST_USE og_status og_lance_change_sort_columns(og_ctx *cx, og_lance_change *c, uint32_t fixed);
/* Once, behind drops and renames.  All null, unless values follow: those of all live rows, in the order of their
 * offsets, in batches of any size. Then every row counts as updated.  OG_EINVALID: the table has such a column, or one
 * is not nullable and gets no values. */
OG_MUST_USE og_status og_lance_change_add_columns(og_ctx *cx, og_lance_change *c, const og_schema *columns);
OG_MUST_USE og_status og_lance_change_add_values(og_ctx *cx, og_lance_change *c, const og_batch *values);
/* With op RESTORE: what `older`, another version of the same table, holds. */
OG_MUST_USE og_status og_lance_change_restore(og_ctx *cx, og_lance_change *c, og_lance_table *older);

/* Closes data files.  After it no rows may be added. */
OG_MUST_USE og_status og_lance_change_finish(og_ctx *cx, og_lance_change *c);
/* Renders manifest number `version` over `base` (NULL: the change's own) and writes deletion and transaction files it
 * names.  Over a newer base this is the rebase: fragments, row ids and version runs are renumbered, deletion bits
 * united.  OG_ECONFLICT when a row this change updates or deletes is gone or changed there.
 * The bytes are kept in the change; og_lance_change_bytes borrows them. */
OG_MUST_USE og_status og_lance_change_render(og_ctx *cx, og_lance_change *c, og_lance_table *base, uint64_t version);
og_str og_lance_change_bytes(const og_lance_change *c);
/* Appends the keys of all files written so far (not the manifest) for one og_store_sync. */
OG_MUST_USE og_status og_lance_change_keys(og_ctx *cx, const og_lance_change *c, og_vec *out /* og_str */);
/* Puts the rendered manifest: OG_EEXISTS when the number is taken, OG_EUNKNOWN as the store says. */
OG_MUST_USE og_status og_lance_change_put(og_ctx *cx, og_lance_change *c);
uint64_t og_lance_change_version(const og_lance_change *c);
uint32_t og_lance_change_files(const og_lance_change *c); /* data files of its own */
/* The rendered version as a table, without reading it back. */
OG_MUST_USE og_status og_lance_change_table(og_ctx *cx, const og_lance_change *c, og_lance_table **out);

/* Does what the change was worked out from still hold on `newer`?  Rows that came since are in the fragments that
 * og_lance_table_is_new tells; rows that went are no concern of this, for render looks at those the change touches.
 * OG_ECONFLICT: no. */
typedef og_status (*og_lance_fits_fn)(og_ctx *cx, void *arg, og_lance_table *newer);
/* Is fragment i of `newer` none of `base`'s? */
bool og_lance_table_is_new(const og_lance_table *newer, uint32_t i, const og_lance_table *base);
bool og_lance_table_same_columns(const og_lance_table *a, const og_lance_table *b); /* ids, names and types */

/* Finishes the change, if it is not, and makes it the newest version of its table, durably: for tables that are no part
 * of a graph. `rebase`: when somebody else took the number, render it again on what they made, if the two kinds of
 * change bear each other (conflict.c), and `fits` (NULL: not asked) agrees; else OG_ECONFLICT.  A new table: OG_EEXISTS
 * when there is one by now. OG_EUNKNOWN: the store lost its replies, and it may have happened. */
OG_MUST_USE og_status og_lance_commit(og_ctx *cx, og_lance_change *c, bool rebase, og_lance_fits_fn fits, void *arg);
