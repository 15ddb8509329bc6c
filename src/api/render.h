/* SPDX-License-Identifier: MIT */
/* api/render.h -- answers as JSON documents, and failures as the error envelope.  Shapes are interface: clients parse
 * them. */
#pragma once

#include "base/json.h"
#include "db/db.h"

/* What a failure has to tell that no og_error has room for; all may be empty. */
typedef struct og_api_extra {
  const og_merge_conflict *conflicts;
  size_t n_conflicts;
  og_str cursor; /* of a feed that has a gap */
} og_api_extra;
/* The error as {"error", "code"?, detail?}; `extra` may be NULL. */
OG_MUST_USE og_status og_api_error(og_ctx *cx, const og_error *e, const og_api_extra *extra, og_json_writer *w);
OG_MUST_USE og_status og_api_commit(og_ctx *cx, const og_commit *c, og_json_writer *w);
OG_MUST_USE og_status og_api_result(og_ctx *cx, const og_result *r, og_json_writer *w);
OG_MUST_USE og_status og_api_target(og_ctx *cx, const og_db_target *t, og_json_writer *w);
OG_MUST_USE og_status og_api_write(og_ctx *cx, const og_write_result *r, og_str actor, og_json_writer *w);
OG_MUST_USE og_status og_api_load(og_ctx *cx, const og_load_result *r, const og_load_args *args, og_str uri,
                                  og_json_writer *w);
/* `deleted` NULL: deleting the source was not asked for; `delete_error` empty: none. */
OG_MUST_USE og_status og_api_merged(og_ctx *cx, const og_merged *m, og_str actor, bool dry_run, const bool *deleted,
                                    og_str delete_error, og_json_writer *w);
OG_MUST_USE og_status og_api_cleaned(og_ctx *cx, const og_cleaned *r, og_str uri, bool dry, og_json_writer *w);
OG_MUST_USE og_status og_api_cause(og_ctx *cx, const og_commit *c, og_json_writer *w);
OG_MUST_USE og_status og_api_change(og_ctx *cx, const og_change *c, og_json_writer *w);
OG_MUST_USE og_status og_api_change_counts(og_ctx *cx, const og_vec *counts, og_json_writer *w);
/* `next` ptr NULL: the last page. */
OG_MUST_USE og_status og_api_commit_changes(og_ctx *cx, const og_change_block *b, og_str next, og_json_writer *w);
OG_MUST_USE og_status og_api_snapshot(og_ctx *cx, const og_snapshot_info *s, og_json_writer *w);
OG_MUST_USE og_status og_api_optimized(og_ctx *cx, const og_optimized *r, og_str uri, og_json_writer *w);
OG_MUST_USE og_status og_api_schema_plan(og_ctx *cx, const og_migration *m, og_str uri, og_json_writer *w);
OG_MUST_USE og_status og_api_schema_applied(og_ctx *cx, const og_schema_applied *r, og_str uri, og_json_writer *w);
/* `kind` "file" or "graph" with its path or URI. */
OG_MUST_USE og_status og_api_lint(og_ctx *cx, const og_lint_report *r, const char *kind, og_str where,
                                  og_str query_path, og_json_writer *w);
