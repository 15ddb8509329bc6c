/* SPDX-License-Identifier: MIT */
/* graph/rows.h -- the rows of `__manifest`, as values.
 *
 * Table of kinds and columns: essay in rows.c.  Strings are borrowed from whatever arena the row was made in.
 */
#pragma once

#include "arrow/column.h"
#include "base/ulid.h"
#include "base/vec.h"

typedef enum og_row_kind {
  OG_ROW_TABLE,
  OG_ROW_TABLE_VERSION,
  OG_ROW_TOMBSTONE,
  OG_ROW_COMMIT,
  OG_ROW_HEAD,
  OG_ROW_SCHEMA, /* ours from here on; readers of the original engine skip them */
  OG_ROW_GC,
  OG_ROW_BRANCH,
  OG_ROW_BRANCH_OP,
  OG_ROW_SEAL,
  OG_ROW_ERASED,
  OG_ROW_UNKNOWN /* kept, never interpreted */
} og_row_kind;

typedef struct og_log_row {
  og_row_kind kind;
  og_str object_id, object_type;
  og_str location, metadata, table_key, table_branch; /* ptr NULL: null (table_key: empty) */
  bool has_identity, has_version, has_count;
  uint64_t table_id, incarnation, version, row_count;
  uint64_t offset; /* dense offset in the log version it was read from; UINT64_MAX: new */
} og_log_row;

#define OG_ROW_NEW UINT64_MAX

/* The Arrow schema of `__manifest`, its stamp included.  *out holds one reference. */
OG_MUST_USE og_status og_rows_schema(og_ctx *cx, og_schema **out);
#define OG_LOG_COLUMNS 11
#define OG_STAMP_KEY   "omnigraph:internal_schema_version"
#define OG_STAMP       "6"

/* Rows as a batch of that schema. */
OG_MUST_USE og_status og_rows_encode(og_ctx *cx, og_schema *schema, const og_log_row *rows, size_t n, og_batch **out);
/* Appends the batch's rows (its columns: the log's, then the dense offset) to `out`, strings copied to `a`.  Checks
 * what readers must reject (spec: identities, object ids); OG_ECORRUPT names the row. */
OG_MUST_USE og_status og_rows_decode(og_ctx *cx, og_arena *a, const og_batch *batch, og_vec *out);

/* Makers.  Strings live in arena `a`. */
OG_MUST_USE og_status og_row_table(og_ctx *cx, og_arena *a, og_str key, uint64_t id, uint64_t inc, og_log_row *out);
typedef struct og_table_identity {
  uint64_t id, incarnation;
} og_table_identity;
typedef struct og_version_meta {
  og_str manifest_path; /* informational */
  uint64_t manifest_size;
  og_str uuid; /* transaction uuid: verified on every open of the number */
} og_version_meta;
typedef struct og_table_version {
  og_str key;
  uint64_t table_id, incarnation, version, rows;
  og_str branch; /* table branch; empty: main */
  og_version_meta meta;
} og_table_version;
OG_MUST_USE og_status og_row_table_version(og_ctx *cx, og_arena *a, const og_table_version *v, og_log_row *out);
OG_MUST_USE og_status og_row_parse_version_meta(og_ctx *cx, og_arena *a, const og_log_row *row, og_version_meta *out);

/* The table is gone from `version` on, which is above every version of it. */
OG_MUST_USE og_status og_row_tombstone(og_ctx *cx, og_arena *a, const og_table_version *v, og_log_row *out);
/* Versions of the table below `version` are not to be read any more. */
OG_MUST_USE og_status og_row_erased(og_ctx *cx, og_arena *a, uint64_t id, uint64_t inc, uint64_t version,
                                    og_log_row *out);
OG_MUST_USE og_status og_row_erased_id(og_ctx *cx, og_arena *a, uint64_t id, uint64_t inc, og_str *out);
OG_MUST_USE og_status og_row_parse_erased(og_ctx *cx, og_arena *a, const og_log_row *row, uint64_t *version);

/* One commit of the graph. */
typedef struct og_commit {
  og_ulid id, parent, merged_parent;
  bool has_parent, has_merged_parent;
  og_str actor;  /* ptr NULL: none */
  og_str branch; /* empty: main */
  uint64_t manifest_version;
  int64_t created_us;
} og_commit;
OG_MUST_USE og_status og_row_commit(og_ctx *cx, og_arena *a, const og_commit *c, og_log_row *out);
OG_MUST_USE og_status og_row_parse_commit(og_ctx *cx, og_arena *a, const og_log_row *row, og_commit *out);
OG_MUST_USE og_status og_row_head(og_ctx *cx, og_arena *a, og_str branch, const og_commit *head, og_log_row *out);
/* Head commit id named by a head row; the branch it is of (empty: main). */
OG_MUST_USE og_status og_row_parse_head(og_ctx *cx, og_arena *a, const og_log_row *row, og_ulid *id, og_str *branch);
/* A row of one of our private kinds: object_type by kind, metadata as given. */
OG_MUST_USE og_status og_row_private(og_ctx *cx, og_arena *a, og_row_kind kind, og_str object_id, og_str metadata,
                                     og_log_row *out);

/* "nodes/%016x-%016x" or "edges/..." for a table key of an identity. */
OG_MUST_USE og_status og_table_path(og_ctx *cx, og_arena *a, og_str key, uint64_t id, uint64_t inc, og_str *out);
