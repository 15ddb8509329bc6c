/* SPDX-License-Identifier: MIT */
/* history/changes.h -- the difference of two states as a stream of changes with their images.
 *
 * Thread rule: a stream belongs to one thread.
 */
#pragma once

#include "delta/delta.h"

/* What a caller wants to see; all-zero: everything. */
typedef struct og_change_filter {
  const og_str *kinds, *types, *ops; /* "node", "edge"; names of types; "insert", "update", "delete" */
  size_t n_kinds, n_types, n_ops;    /* 0: all of them */
} og_change_filter;
/* OG_EINVALID names a kind or an operation that there is none of. */
OG_MUST_USE og_status og_change_filter_check(og_ctx *cx, const og_change_filter *f);

/* A type as clients know it across renames: base64url of a hash of its identity. */
#define OG_TYPE_TOKEN 43
void og_type_token(const uint8_t digest[32], char out[OG_TYPE_TOKEN]);

typedef struct og_change {
  bool is_edge;
  og_str type_name, type_id; /* id: OG_TYPE_TOKEN characters */
  og_str id;
  og_delta_op op;
  og_str before, after; /* {"properties": {…}, "endpoints"?: {"from", "to"}} as JSON; ptr NULL: there is none */
} og_change;

/* Where a stream stands: behind this change. */
typedef struct og_change_place {
  og_str type_id;
  og_str id;     /* whole, or its first 64 bytes when `digest` is set */
  og_str digest; /* hex of the SHA-256 of an id that is longer than 256 bytes; ptr NULL: `id` is whole */
} og_change_place;

typedef enum og_changes_kind {
  OG_CHANGES_OF_COMMIT, /* nodes, then edges; by type id; by entity.  A type that came or went with rows is a boundary.
                         */
  OG_CHANGES_DIFF       /* by type key, so edges first; by entity.  Types that came or went report all their rows. */
} og_changes_kind;

typedef struct og_changes og_changes;
/* Both snapshots must outlive the stream.  OG_ECONFLICT with OG_DETAIL_DIFF_REFUSAL, reason schema_boundary: a type
 * that has rows has other properties in the two states, so that their images do not compare. */
OG_MUST_USE og_status og_changes_open(og_ctx *cx, og_snapshot *from, og_snapshot *to, og_changes_kind kind,
                                      const og_change_filter *filter, og_changes **out);
/* Goes on behind `place`. */
OG_MUST_USE og_status og_changes_seek(og_ctx *cx, og_changes *c, const og_change_place *place);
/* The next change; *more false: there is none.  Its texts live until the next call. */
OG_MUST_USE og_status og_changes_next(og_ctx *cx, og_changes *c, og_change *out, bool *more);
void og_changes_close(og_changes *c); /* NULL is fine */

typedef struct og_change_count {
  bool is_edge;
  og_str type_name;
  uint64_t inserted, updated, deleted;
} og_change_count;
/* Counts by type, without images; elements are og_change_count in cx->arena, types without a change left out. */
OG_MUST_USE og_status og_changes_count(og_ctx *cx, og_changes *c, og_vec *out);
