/* SPDX-License-Identifier: MIT */
/* graph/log.h -- one branch's log as a file: finding its end, and appending to it. */
#pragma once

#include "graph/fold.h"

/* Where looking for the end of a log may start. */
typedef struct og_log_known {
  uint64_t first;   /* no end is below it: the versions there belong to earlier branches of the name; 0: none do */
  uint64_t version; /* known to have been the object `is`; 0: the hint is asked */
  og_object_info is;
} og_log_known;

/* The newest version of the log of `branch`, 0 when there is none.  While the known version is the object it was, a
 * probe goes upward from it on stores where that is cheaper than a list. */
OG_MUST_USE og_status og_log_newest(og_ctx *cx, og_store *store, const og_store_caps *caps, og_str branch,
                                    const og_log_known *known, uint64_t *out);
/* Key of a version's manifest, in cx->arena. */
OG_MUST_USE og_status og_log_key(og_ctx *cx, og_str branch, uint64_t version, og_str *out);

/* A prepared append: version base + 1 with `rows` upserted by object id.  Its files are written, nothing names them. */
typedef struct og_log_append og_log_append;
OG_MUST_USE og_status og_log_prepare(og_ctx *cx, og_store *store, og_fold *base, const og_ulid *attempt,
                                     const og_log_row *rows, size_t n, og_log_append **out);
/* Appends the keys to sync before og_log_put. */
OG_MUST_USE og_status og_log_keys(og_ctx *cx, const og_log_append *a, og_vec *out);
/* The one create-if-absent.  OG_OK: created, durable.  OG_EEXISTS: lost the slot, unless *unsure: then an earlier
 * request of ours may have taken it.  OG_EUNKNOWN: given up after repeating the same request; the outcome is not known.
 */
OG_MUST_USE og_status og_log_put(og_ctx *cx, og_log_append *a, bool *unsure);
void og_log_append_free(og_ctx *cx, og_log_append *a);
/* Leaves the advisory hint behind, for the version that is the object `is`; failures do not matter. */
void og_log_hint(og_ctx *cx, og_store *store, og_str branch, uint64_t version, const og_object_info *is);

/* A first version for a log that has none: the root's creation (main), rows all new.  The same put rules. */
OG_MUST_USE og_status og_log_create(og_ctx *cx, og_store *store, const og_ulid *attempt, const og_log_row *rows,
                                    size_t n, og_log_append **out);
/* The clone manifest that starts a branch's log at `first` from `parent`'s fold. */
OG_MUST_USE og_status og_log_clone(og_ctx *cx, og_store *store, og_fold *parent, og_str branch, uint64_t first,
                                   const og_ulid *attempt, og_log_append **out);
