/* SPDX-License-Identifier: MIT */
/* graph/fold.h -- what one version of a branch's log says.
 *
 * A branch's log is the chain of `__manifest` versions; its fold is the state a reader sees: per table the newest
 * visible version, the head commit, the accepted schema, the branch registry (main only), and cleanup's fence.
 * History (old commits) is not read until asked for.
 * Thread rule: immutable; share by reference.
 */
#pragma once

#include "base/json.h"
#include "graph/rows.h"
#include "lance/table.h"

#define OG_LOG_ROOT "__manifest"
/* Config key of the log: ids of fragments that hold nothing but old commits, so that an open can leave them alone. */
#define OG_LOG_HISTORY "omnigraph.commit_fragments"

typedef struct og_table_state {
  uint64_t table_id, incarnation;
  og_str key;       /* "node:Person" */
  og_str path;      /* "nodes/..." below the graph root */
  uint64_t version; /* visible version; 0: registered without one */
  og_str branch;    /* table branch that holds it; empty: main */
  uint64_t rows;
  og_str uuid;          /* transaction uuid of the version; empty when its writer recorded none */
  uint64_t max_version; /* largest version or tombstone seen in this lineage */
  uint64_t tombstone;   /* largest tombstone */
} og_table_state;

typedef struct og_fold {
  _Atomic uint32_t refs;
  og_arena arena;
  og_str branch;          /* of the log; empty: main */
  uint64_t version;       /* N */
  og_lance_table *log;    /* the version itself */
  og_object_info stamp;   /* of the object N was when it was pinned; zero: not pinned */
  og_vec rows;            /* og_log_row: everything but the history fragments, in offset order */
  og_table_state *tables; /* live ones, by key */
  uint32_t n_tables;
  og_ulid head; /* commit the branch stands at */
  bool has_head;
  const og_log_row *schema; /* newest schema row, or NULL (a graph of the original engine) */
  const og_log_row *gc;     /* or NULL */
  const og_log_row *seal;   /* or NULL: the branch ends here */
  og_ulid cutoff;           /* gc: attempts below it are condemned */
  uint64_t number_floor;    /* gc: table manifest numbers must be above it */
  const og_json *floors;    /* gc: {incarnation in hex: version}, states below are gone; or NULL */
} og_fold;

/* Folds version `version` of the log of `branch`.  `ancestors` are the branches it was created from, nearest first: a
 * branch without a commit of its own stands at theirs.  OG_EUNSUPPORTED for another stamp than 6, by name. */
OG_MUST_USE og_status og_fold_load(og_ctx *cx, og_store *store, og_str branch, uint64_t version,
                                   const og_str *ancestors, size_t n_ancestors, og_fold **out);
og_fold *og_fold_ref(og_fold *f);
void og_fold_unref(og_fold *f); /* NULL is fine */
static inline void og_fold_p_cleanup(og_fold **f)
{
  og_fold_unref(*f);
}

const og_table_state *og_fold_table(const og_fold *f, uint64_t table_id, uint64_t incarnation); /* or NULL */
const og_table_state *og_fold_table_by_key(const og_fold *f, og_str key);                       /* or NULL */
/* Row with this object id among those read, or NULL. */
const og_log_row *og_fold_row(const og_fold *f, og_str object_id);

/* Every visible commit, newest first by (manifest version, created_at, id); reads the history.  Elements are og_commit
 * with strings in `a`. */
OG_MUST_USE og_status og_fold_commits(og_ctx *cx, og_fold *f, og_arena *a, og_vec *out);
/* Looks one commit up, newest rows first, among those whose manifest version is above `since` (0: all); history is
 * read only as far back as that needs. */
OG_MUST_USE og_status og_fold_find_commit(og_ctx *cx, og_fold *f, og_arena *a, const og_ulid *id, uint64_t since,
                                          og_commit *out, bool *found);
/* True when fragment i of f->log is history. */
bool og_fold_is_history(const og_fold *f, uint32_t fragment);
/* Rows of one fragment, whatever it holds; elements are og_log_row with strings in `a`. */
OG_MUST_USE og_status og_fold_read_fragment(og_ctx *cx, og_fold *f, uint32_t fragment, og_arena *a, og_vec *out);
