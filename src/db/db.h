/* SPDX-License-Identifier: MIT */
/* db/db.h -- a graph as its users see it: one function per thing one can do.
 *
 * The command line and every later front door stand on this table of functions; no rule of the database lives above it.
 * Strings in results live in cx->arena unless said otherwise.
 * Thread rule: an og_db may be used from any thread, each with its own context.
 */
#pragma once

#include "arrow/column.h"
#include "base/json.h"
#include "graph/graph.h"
#include "history/feed.h"
#include "query/lint.h"
#include "schema/migrate.h"
#include "upkeep/cleanup.h"
#include "write/merge.h"
#include "write/write.h" /* og_load_mode, og_load_count */

typedef struct og_db og_db;

/* Creates a graph at `uri`.  OG_EEXISTS: one is there. */
OG_MUST_USE og_status og_db_init(og_ctx *cx, og_str uri, og_str schema_source, og_str file_name, bool force,
                                 og_str actor);
OG_MUST_USE og_status og_db_open(og_ctx *cx, og_str uri, bool read_only, og_db **out);
/* The same over a store that is there; its reference is taken. */
OG_MUST_USE og_status og_db_open_store(og_ctx *cx, og_store *store, bool read_only, og_db **out);
void og_db_close(og_db *db);       /* NULL is fine */
og_str og_db_uri(const og_db *db); /* as given to open, made absolute; borrowed */
/* "local" for now: what the write echo calls the place. */
const char *og_db_place(const og_db *db);

/* Which state to read: a branch (empty: main), or the state a commit published (26 characters; empty: none). */
typedef struct og_db_target {
  og_str branch, snapshot;
} og_db_target;

/* The limits of one read; 0: none, or the default. */
typedef struct og_db_limits {
  uint64_t memory; /* bytes */
  uint64_t rows;   /* of the answer */
  bool by_ops;     /* not by its pattern, but op by op (exec/exec.h): for comparing the two */
} og_db_limits;

typedef struct og_db_query_args {
  og_str source;           /* .gq text */
  og_str source_name;      /* file name for messages */
  og_str name;             /* which query; empty: the only one */
  og_str params;           /* JSON object text; empty: none */
  const og_scalar *values; /* bound already, instead of `params`; NULL: not given */
  og_db_target target;
  og_snapshot *pin; /* reads: this state instead of `target`; borrowed; NULL: not given */
  og_db_limits limits;
  og_str actor;     /* mutations */
  og_str if_commit; /* mutations: 26 characters, or empty */
} og_db_query_args;

typedef struct og_prepared og_prepared; /* db/prepared.h */

/* Columns and rows of an answer.  Values are typed Arrow columns; og_column_json (arrow/json.h) spells them. */
typedef struct og_result {
  og_prepared *prepared; /* what it answers; one reference, and where the names are */
  og_str query_name;
  og_db_target target;   /* as asked for; borrowed */
  const og_str *columns; /* names, in projection order; a NUL behind each */
  og_column **values;    /* one reference each, n_columns */
  uint32_t n_columns;
  int64_t n_rows;
  char commit[OG_ULID_LEN + 1]; /* head commit of the state read; "": unknown */
} og_result;
void og_result_cleanup(og_result *r);
/* Names, types and nullability of the columns.  *out holds one reference. */
OG_MUST_USE og_status og_result_schema(og_ctx *cx, const og_result *r, og_schema **out);
/* Row i as a JSON object. */
OG_MUST_USE og_status og_result_put_row(og_ctx *cx, const og_result *r, int64_t i, og_json_writer *w);
OG_MUST_USE og_status og_db_query(og_ctx *cx, og_db *db, const og_db_query_args *args, og_result *out);

/* Appends what the query does, operator by operator: a tree of lines, or one JSON object (query/explain.h).  `profile`:
 * it is run first, its answer forgotten, and what each operator cost stands beside it; a mutation is not (OG_EINVALID). */
OG_MUST_USE og_status og_db_explain(og_ctx *cx, og_db *db, const og_db_query_args *args, bool profile, bool json,
                                    og_buf *out);

typedef struct og_write_result {
  og_str branch; /* "main", … */
  og_str query_name;
  uint64_t affected_nodes, affected_edges;
  bool has_commit; /* nothing changed: no commit */
  og_commit commit;
} og_write_result;
OG_MUST_USE og_status og_db_mutate(og_ctx *cx, og_db *db, const og_db_query_args *args, og_write_result *out);

typedef struct og_load_args {
  const char *path; /* NDJSON file, opened through the env; absolute; NULL: `file` or `bytes` is it */
  og_file *file;    /* an open file with the NDJSON, borrowed; NULL: `bytes` is it */
  og_str bytes;
  og_load_mode mode;
  og_str branch; /* empty: main */
  og_str from;   /* empty: a missing branch is an error; else it is created from this one first */
  og_str actor;
  uint64_t memory; /* about so many bytes are kept in memory before keys and rows go to disk; 0: 256 MiB */
  /* Called now and then with bytes read so far and in all; may be NULL. */
  void (*progress)(void *arg, uint64_t done, uint64_t total, uint64_t records);
  void *progress_arg;
} og_load_args;
typedef struct og_load_result {
  og_str branch;
  bool branch_created;
  og_load_count *nodes, *edges; /* by name */
  uint32_t n_nodes, n_edges;
  uint64_t total;
  og_commit commit;
} og_load_result;
OG_MUST_USE og_status og_db_load(og_ctx *cx, og_db *db, const og_load_args *args, og_load_result *out);

/* Streams NDJSON lines (with newline) to `write`; `types` restricts to node and edge types of those names. */
typedef og_status (*og_write_fn)(og_ctx *cx, void *arg, og_str bytes);
OG_MUST_USE og_status og_db_export(og_ctx *cx, og_db *db, og_str branch, const og_str *types, size_t n_types,
                                   og_write_fn write, void *arg);

/* Compacts the tables of a branch, again and again until nothing is left to do; `out` sums it up, and its commit is the
 * last one. */
OG_MUST_USE og_status og_db_optimize(og_ctx *cx, og_db *db, og_str branch, og_str actor, og_optimized *out);

/* Removes old states, and files that nothing needs; see upkeep/cleanup.h. */
OG_MUST_USE og_status og_db_cleanup(og_ctx *cx, og_db *db, const og_cleanup_policy *opts, og_cleaned *out);

typedef struct og_dataset_info {
  bool is_edge;
  og_str type_name;
  og_str path; /* below the root */
  uint64_t version;
  og_str native_branch; /* empty: main */
  uint64_t rows;
} og_dataset_info;
typedef struct og_snapshot_info {
  og_str branch; /* "main", … */
  uint64_t manifest_version;
  og_dataset_info *datasets; /* nodes and edges, by type key */
  uint32_t n_datasets;
} og_snapshot_info;
OG_MUST_USE og_status og_db_snapshot(og_ctx *cx, og_db *db, og_str branch, og_snapshot_info *out);

OG_MUST_USE og_status og_db_branches(og_ctx *cx, og_db *db, og_vec *out /* og_branch_info */);
OG_MUST_USE og_status og_db_branch_create(og_ctx *cx, og_db *db, og_str name, og_str from, og_str actor);
OG_MUST_USE og_status og_db_branch_delete(og_ctx *cx, og_db *db, og_str name, og_str actor);

/* Merges a branch into another; see write/merge.h. */
OG_MUST_USE og_status og_db_branch_merge(og_ctx *cx, og_db *db, const og_merge *merge, og_merged *out);

/* A merge of another kind than that of branches; its commit is taken from the text `commit`, 26 characters. */
OG_MUST_USE og_status og_db_restate(og_ctx *cx, og_db *db, og_str commit, const og_merge *how, og_merged *out);
/* How many commits two branches each have that the other lacks. */
OG_MUST_USE og_status og_db_compare(og_ctx *cx, og_db *db, og_str branch, og_str with, uint64_t *ahead,
                                    uint64_t *behind);

/* ---- What changed; see history/. */

typedef struct og_diff_args {
  og_str from, to; /* each a commit's id, or a branch */
  og_change_filter filter;
} og_diff_args;
typedef og_status (*og_change_fn)(og_ctx *cx, void *arg, const og_change *change);
/* Calls `fn` with each change between two states, edges first, by type and entity.  OG_ECONFLICT with
 * OG_DETAIL_DIFF_REFUSAL: the schemas do not compare. */
OG_MUST_USE og_status og_db_diff(og_ctx *cx, og_db *db, const og_diff_args *args, og_change_fn fn, void *arg);
/* How many there are; elements are og_change_count. */
OG_MUST_USE og_status og_db_diff_count(og_ctx *cx, og_db *db, const og_diff_args *args, og_vec *out);
/* `ask->commit` is taken from the text `commit`, 26 characters. */
OG_MUST_USE og_status og_db_commit_changes(og_ctx *cx, og_db *db, og_str commit, const og_commit_ask *ask,
                                           og_change_block *out, og_str *next);
OG_MUST_USE og_status og_db_feed(og_ctx *cx, og_db *db, const og_feed_poll *poll, og_feed_page *out);

typedef struct og_baseline {
  og_str snapshot_commit; /* whose state the file holds */
  og_str resume_cursor;   /* the feed goes on behind it */
} og_baseline;
/* Exports a branch to the file `path` (absolute), which is complete and durable, and only then replaced, before a
 * cursor is told.  The filter's kinds and types choose what is exported; its operations are the cursor's alone.
 * OG_ECONFLICT: another baseline holds `path`.lock. */
OG_MUST_USE og_status og_db_baseline(og_ctx *cx, og_db *db, og_str branch, const og_change_filter *filter,
                                     const char *path, og_baseline *out);

/* Newest first, inherited ones and the genesis included. */
OG_MUST_USE og_status og_db_commits(og_ctx *cx, og_db *db, og_str branch, og_vec *out /* og_commit */);
/* OG_ENOTFOUND; searched on `branch` first, then on every live one. */
OG_MUST_USE og_status og_db_commit(og_ctx *cx, og_db *db, og_str branch, og_str id, og_commit *out);

/* What would change on main; nothing does.  `out` is the caller's to clean up. */
OG_MUST_USE og_status og_db_schema_plan(og_ctx *cx, og_db *db, const og_schema_apply *args, og_migration *out);
/* See og_write_schema_apply; out->plan is the caller's to clean up. */
OG_MUST_USE og_status og_db_schema_apply(og_ctx *cx, og_db *db, const og_schema_apply *args, og_schema_applied *out);
OG_MUST_USE og_status og_db_schema_source(og_ctx *cx, og_db *db, og_str branch, og_str *out);
/* One JSON object about the Lance table in the folder `uri`, which need not belong to a graph; see lance/inspect.h.
 * `branch` may be empty, `version` 0.  Everything is read and checked: *sound. */
OG_MUST_USE og_status og_db_lance_inspect(og_ctx *cx, og_str uri, og_str branch, uint64_t version, og_json_writer *w,
                                          bool *sound);
/* Lints a .gq text against this graph's schema. */
OG_MUST_USE og_status og_db_lint(og_ctx *cx, og_db *db, og_str source, og_str source_name, og_lint_report *out);
