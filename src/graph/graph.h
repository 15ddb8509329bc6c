/* SPDX-License-Identifier: MIT */
/* graph/graph.h -- a graph: opening, snapshots, branches, and the one way to change it.
 *
 * Thread rule: an og_graph may be used from any thread; snapshots are immutable and shared by reference.
 * Protocol and its invariants: essay in publish.c and docs/dev/commit-protocol.md.
 */
#pragma once

#include "base/cache.h"
#include "graph/fold.h"
#include "schema/catalog.h"
#include "store/store.h"

typedef struct og_graph og_graph;

/* ---- Init and open */

/* Creates a graph in an empty place from schema source text.  `file_name` is for messages.  OG_EEXISTS when a graph (or
 * schema files of one, unless `force`) is there; force replaces orphan schema files only after proving that no
 * manifest exists.  One create-if-absent makes it exist. */
OG_MUST_USE og_status og_graph_init(og_ctx *cx, og_store *store, og_str source, og_str file_name, bool force,
                                    og_str actor);
/* OG_ENOTFOUND when the place holds no graph.  A handle that will write first probes the store, and heals the mirror
 * files.  The store's reference is taken. */
OG_MUST_USE og_status og_graph_open(og_ctx *cx, og_store *store, bool read_only, og_graph **out);
void og_graph_close(og_graph *g);            /* after every snapshot of it; NULL is fine */
og_store *og_graph_store(const og_graph *g); /* borrowed */
bool og_graph_is_read_only(const og_graph *g);
og_cache *og_graph_cache(const og_graph *g); /* of what is derived from table versions; borrowed */

/* ---- Snapshots */

typedef struct og_snapshot {
  _Atomic uint32_t refs;
  og_arena arena;      /* of `absent` */
  og_graph *graph;     /* borrowed: outlives the snapshot */
  og_fold *fold;       /* one reference */
  og_catalog *catalog; /* one reference; the schema accepted in this version, or: */
  /* The catalog is a newer one than the version was made with: tables are found by identity, and shown as it wants
   * them. A type without a table there is OG_ENOTFOUND, "does not exist at this snapshot". */
  bool bound;
  og_table_state *absent; /* og_snapshot_bind: tables that the version has not, as they began: empty */
  uint32_t n_absent;
  og_fold *main_fold;      /* of a commit: main's newest, which says what was erased since; one reference, or NULL */
  og_str branch;           /* empty: main; borrowed from the fold */
  uint8_t incarnation[16]; /* of the branch; zero: main */
} og_snapshot;

/* The newest state of a branch ("" or "main": main).  OG_ENOTFOUND names unknown branches with a hint. */
OG_MUST_USE og_status og_graph_snapshot(og_ctx *cx, og_graph *g, og_str branch, og_snapshot **out);
/* The state a commit published, whichever live branch it is on; `branch` is searched first.  It is seen through the
 * schema that the branch it was found on has now. */
OG_MUST_USE og_status og_graph_snapshot_at(og_ctx *cx, og_graph *g, og_str branch, const og_ulid *commit,
                                           og_snapshot **out);
/* The same, through the schema that was accepted then: for comparing states. */
OG_MUST_USE og_status og_graph_snapshot_own(og_ctx *cx, og_graph *g, og_str branch, const og_ulid *commit,
                                            og_snapshot **out);
/* The commit, searched on `branch` first, then on every live one; OG_ENOTFOUND.  Strings in cx->arena. */
OG_MUST_USE og_status og_graph_find_commit(og_ctx *cx, og_graph *g, og_str branch, const og_ulid *id, og_commit *out);
og_snapshot *og_snapshot_ref(og_snapshot *s);
void og_snapshot_unref(og_snapshot *s); /* NULL is fine */

/* Shows a snapshot that nobody shares yet through another catalog of the same graph.  `begin`: types that it has no
 * table for are empty, as they were when they were made. */
OG_MUST_USE og_status og_snapshot_bind(og_ctx *cx, og_snapshot *s, og_catalog *c, bool begin);
/* How the schemas that two states accepted stand to each other. */
typedef enum og_schema_order {
  OG_SCHEMAS_SAME,
  OG_SCHEMAS_BEHIND, /* the first was changed to the second */
  OG_SCHEMAS_AHEAD,  /* the second was changed to the first */
  OG_SCHEMAS_APART
} og_schema_order;
OG_MUST_USE og_status og_snapshot_schemas(og_ctx *cx, const og_snapshot *a, const og_snapshot *b, og_schema_order *out);

/* Were versions of the table erased, so that what is left of them has to go? */
OG_MUST_USE og_status og_snapshot_was_erased(og_ctx *cx, const og_snapshot *s, const og_table_state *t, bool *out);

/* OG_EGONE when this version of the table was erased, as `main_fold` has it. */
OG_MUST_USE og_status og_graph_check_erased(og_ctx *cx, const og_fold *main_fold, const og_table_state *t);

/* The table state of a catalog table key ("node:Person"); NULL when the version has none. */
const og_table_state *og_snapshot_table_state(const og_snapshot *s, og_str key);
/* Opens the table version the snapshot names, from a cache of the graph.  *out holds one reference.  OG_EGONE: a
 * cleanup took it. */
OG_MUST_USE og_status og_snapshot_table(og_ctx *cx, og_snapshot *s, og_str key, og_lance_table **out);
/* Has a cleanup said, or a branch's delete, that files of this state may be gone? */
OG_MUST_USE og_status og_snapshot_is_reclaimed(og_ctx *cx, const og_snapshot *s, bool *out);
/* The last log version that both states stand on, whichever branch it is of: what is the same in both descends from it.
 * *out holds one reference; NULL: none is left. */
OG_MUST_USE og_status og_snapshot_common(og_ctx *cx, og_snapshot *a, og_snapshot *b, og_fold **out);
/* The text of the accepted schema; borrowed from the snapshot. */
OG_MUST_USE og_status og_snapshot_schema_source(og_ctx *cx, og_snapshot *s, og_str *out);

/* ---- Writing */

/* A fresh attempt id: greater than the fence of `s` and than any earlier one of this handle. */
OG_MUST_USE og_status og_graph_attempt(og_ctx *cx, og_graph *g, const og_snapshot *s, og_ulid *out);
/* Where a write to this table goes: its folder, on the snapshot's branch. */
OG_MUST_USE og_status og_snapshot_write_place(og_ctx *cx, const og_snapshot *s, og_str key, og_lance_place *out);

/* One table's part of a commit. */
typedef struct og_table_change {
  og_str key;
  og_lance_change *change; /* finished (og_lance_change_finish); owned by the caller */
  bool begun;              /* of a table that this very commit registers, worked out on the version registered */
} og_table_change;

/* A change of the accepted schema, with the tables that come and go. */
typedef struct og_schema_change {
  /* Accepted with the commit.  Tables that its types do not have any more are dropped, those whose types are called
   * otherwise get the new name. */
  const og_catalog *catalog;
  /* The state the schema is taken from as it is; NULL: it is a new one.  A fence that puts it below its floor makes the
   * commit stale: cleanup takes the first versions of tables that no state shows any more. */
  const og_snapshot *adopted;
  const og_table_version *created; /* tables that its new types have: what to register */
  size_t n_created;
} og_schema_change;
/* Makes an empty table for every type of `c` that has none in `base`, in a folder of its own, and appends what to
 * register (og_table_version, strings in cx->arena).  *taken: a folder was in the way; plan with other incarnations. */
OG_MUST_USE og_status og_graph_create_tables(og_ctx *cx, const og_snapshot *base, const og_catalog *c,
                                             const og_ulid *attempt, og_vec *out, bool *taken);

/* Whether what won a race invalidates us, for one table changed between `was` and `now` (both may be NULL: appeared or
 * dropped).  Sets *conflict. */
typedef og_status (*og_conflict_fn)(og_ctx *cx, void *arg, og_str key, og_lance_table *was, og_lance_table *now,
                                    bool *conflict);

typedef struct og_publication {
  og_snapshot *base; /* what the write ran on */
  const og_table_change *tables;
  size_t n_tables;
  const og_str *reads; /* keys of tables whose change invalidates the result, beyond those in `tables` */
  size_t n_reads;
  og_conflict_fn conflict; /* NULL: every change of a table read or written conflicts */
  void *conflict_arg;
  const og_schema_change *schema; /* NULL: the schema stays */
  /* Tables of the base whose older versions, and of those that are dropped all, are not to be read any more. */
  const og_table_identity *erased;
  size_t n_erased;
  og_ulid attempt;          /* carried in every prepared file */
  og_ulid commit;           /* pre-made id of the commit */
  og_str actor;             /* ptr NULL: none */
  const og_ulid *if_commit; /* precondition on the head, or NULL */
  /* A merge: what was merged, whose head is the commit's second parent.  It was worked out against one state of the
   * target, so any commit that came since makes it stale, disjoint or not; and so does a fence that puts the source
   * below its floor, for the next merge begins from it. */
  const og_snapshot *merged; /* the source; NULL: no merge */
  bool on_head;              /* the same of the target alone: any commit that came since makes it stale */
} og_publication;

typedef enum og_publish_outcome {
  OG_PUBLISHED,
  OG_PUBLISH_RERUN /* the branch moved and the result is stale: take a new snapshot and run again; nothing happened */
} og_publish_outcome;

/* Makes the prepared changes visible with one create-if-absent.  Disjoint winners are rebased over.  *out is the commit
 * (strings in cx->arena).  OG_EPRECONDITION, OG_ENOTFOUND (branch deleted), OG_EUNKNOWN with the commit id in the
 * detail, OG_EREADONLY. */
OG_MUST_USE og_status og_graph_publish(og_ctx *cx, og_graph *g, const og_publication *p, og_publish_outcome *outcome,
                                       og_commit *out);

/* ---- Ancestry: who was merged into whom; see ancestry.c. */

/* What two states have in common: common ancestors that are none of another's, over first and merged parents alike. The
 * nearest to both together comes first, and of equally near ones that of the higher manifest version: it is the base of
 * a merge.  There are several where branches were merged into each other at once.  Elements are og_commit in cx->arena.
 */
OG_MUST_USE og_status og_graph_merge_bases(og_ctx *cx, og_snapshot *a, og_snapshot *b, og_vec *out);
/* How many commits each has among its ancestors that are none of the other's. */
OG_MUST_USE og_status og_graph_ahead_behind(og_ctx *cx, og_snapshot *a, og_snapshot *b, uint64_t *ahead,
                                            uint64_t *behind);

/* First parents of `from`, itself included, newest first, down to `until`, which is left out; `until` NULL: to the
 * first commit, included.  Elements are og_commit in cx->arena.  *found false: the line does not reach `until`. */
OG_MUST_USE og_status og_graph_first_parents(og_ctx *cx, og_snapshot *s, const og_ulid *from, const og_ulid *until,
                                             og_vec *out, bool *found);

/* ---- Branches */

typedef struct og_branch_info {
  og_str name;
  og_str parent; /* empty: main */
} og_branch_info;

/* Live branches and main, by name; elements are og_branch_info in cx->arena. */
OG_MUST_USE og_status og_graph_branches(og_ctx *cx, og_graph *g, og_vec *out);
OG_MUST_USE og_status og_graph_branch_create(og_ctx *cx, og_graph *g, og_str name, og_str from);
OG_MUST_USE og_status og_graph_branch_delete(og_ctx *cx, og_graph *g, og_str name);
/* OG_EINVALID saying which rule the name breaks. */
OG_MUST_USE og_status og_branch_name_check(og_ctx *cx, og_str name);

/* ---- For upkeep: every log there is, and the fence; see fence.c. */

typedef struct og_log_info {
  og_str branch; /* empty: main */
  uint8_t incarnation[16];
  bool live;       /* false: the name is free, or its last incarnation is sealed */
  uint64_t first;  /* first version of this incarnation */
  uint64_t newest; /* of the name's log; 0: it has none */
} og_log_info;
/* main first, then by name, dead ones too; elements are og_log_info in cx->arena.  A live branch whose creation did not
 * finish is finished. */
OG_MUST_USE og_status og_graph_logs(og_ctx *cx, og_graph *g, og_vec *out);

typedef struct og_log_floor {
  uint8_t incarnation[16]; /* zero: main */
  uint64_t version;
} og_log_floor;
typedef struct og_fence {
  og_ulid cutoff;        /* attempts below it may not publish any more */
  uint64_t number_floor; /* table manifests must be numbered above it */
  const og_log_floor *floors;
  size_t n_floors;
} og_fence;
/* Publishes the fence on a log; what stands there already and is larger, stays.  OG_ENOTFOUND: the branch was deleted
 * meanwhile. */
OG_MUST_USE og_status og_graph_fence(og_ctx *cx, og_graph *g, const og_log_info *log, const og_fence *fence,
                                     uint64_t *version);
