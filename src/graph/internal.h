/* SPDX-License-Identifier: MIT */
/* graph/internal.h -- what the files of this room share. */
#pragma once

#include "base/cache.h"
#include "base/mutex.h"
#include "graph/bugs.h"
#include "graph/graph.h"
#include "graph/log.h"

/* ---- The branch registry: rows `branch:<name>` of main's log. */

typedef struct og_branch_row {
  og_str name;
  bool live;
  uint8_t incarnation[16];
  og_str parent; /* empty: main */
  uint8_t parent_incarnation[16];
  uint64_t k;     /* the parent's log version it starts from */
  uint64_t first; /* first version of its own log */
  bool has_seal;
  uint64_t seal; /* dead: the version that ended it; live: the name was used before, up to that version */
} og_branch_row;

/* Row of `name` in main's fold; *found false when there never was such a branch. */
OG_MUST_USE og_status og_branch__get(og_ctx *cx, og_arena *a, const og_fold *main_fold, og_str name, og_branch_row *out,
                                     bool *found);
OG_MUST_USE og_status og_branch__encode(og_ctx *cx, og_arena *a, const og_branch_row *row, og_log_row *out);
/* All rows, live and dead; elements are og_branch_row. */
OG_MUST_USE og_status og_branch__all(og_ctx *cx, og_arena *a, const og_fold *main_fold, og_vec *out);
/* The clone manifest that begins the log of a live row, put where a crash left it out; *size in bytes. */
OG_MUST_USE og_status og_branch__start(og_ctx *cx, og_graph *g, og_fold *main_fold, const og_branch_row *row,
                                       uint64_t *size);
/* An incarnation as registry and mirrors spell it. */
void og_branch__hex(const uint8_t bytes[16], char out[32]);

/* ---- Mirrors of the registry for Lance tools: see mirror.c. */

/* Makes the mirror of `name` what main's newest row says: written, or deleted. */
OG_MUST_USE og_status og_mirror__settle(og_ctx *cx, og_graph *g, og_str name);
/* Settles every name whose mirror is missing, left over, or may be of an earlier incarnation: one list, and a read per
 * name used more than once.  What cannot be repaired is logged. */
OG_MUST_USE og_status og_mirror__heal(og_ctx *cx, og_graph *g, const og_fold *main_fold);
/* OG_EEXISTS when the name's mirror was made by another engine. */
OG_MUST_USE og_status og_mirror__check_free(og_ctx *cx, og_graph *g, const og_fold *main_fold, og_str name);

/* ---- The handle. */

typedef struct og_cached_fold {
  char *branch; /* NUL-terminated; "" main */
  uint8_t incarnation[16];
  og_fold *fold; /* one reference */
} og_cached_fold;

typedef struct og_cached_table {
  char *path, *branch;
  uint64_t version;
  og_lance_table *table; /* one reference */
  uint64_t used;         /* clock of the last use */
} og_cached_table;

struct og_graph {
  og_store *store;
  og_store_caps caps;
  bool read_only;
  og_cache *derived;
  og_mutex mu; /* guards everything below; never held across a store call */
  og_ulid_gen ulids;
  og_vec folds;  /* og_cached_fold: the newest known of each branch */
  og_vec tables; /* og_cached_table */
  uint64_t clock;
  og_catalog *catalog; /* of the newest schema row seen; one reference, or NULL */
  char *catalog_key;   /* what it was made from */
  og_fold *pinned;     /* the fold pinned last, and its catalog; one reference each, or NULL */
  og_catalog *pinned_catalog;
};

/* The newest fold of a branch and its registry row (zero but for the name on main).  "" and "main" are main. */
OG_MUST_USE og_status og_graph__pin(og_ctx *cx, og_graph *g, og_str branch, og_fold **fold, og_branch_row *row);
/* The same, but a sealed end is returned too: for a publish that must look for its own commit there. */
OG_MUST_USE og_status og_graph__pin_end(og_ctx *cx, og_graph *g, og_str branch, og_fold **fold, og_branch_row *row);
/* `id` above everything this handle minted and above the fence of `f`. */
OG_MUST_USE og_status og_graph__ulid(og_ctx *cx, og_graph *g, const og_fold *f, og_ulid *out);
/* "" for main, trimmed otherwise. */
og_str og_graph__branch_name(og_str branch);
/* Ancestor names of a branch, nearest first; elements are og_str in `a`. */
OG_MUST_USE og_status og_branch__ancestors(og_ctx *cx, og_arena *a, const og_fold *main_fold, const og_branch_row *row,
                                           og_vec *out);

/* ---- The one primitive: see publish.c. */

typedef struct og_log_op {
  og_str branch;
  uint8_t incarnation[16]; /* the branch must still be this one */
  og_str own_id;           /* object id of a row that proves, in any later fold, that this operation won */
  og_ulid own_commit;      /* its commit id when it is a commit */
  bool is_commit;
  og_commit *recalled; /* a commit recognised in a later fold is written here */
  /* Called for every base: appends the rows (og_log_row), and keys (og_str) of files to sync before the put.  May set
   * *rerun: the operation is stale, nothing is written. */
  og_status (*rows)(og_ctx *cx, void *arg, og_fold *base, og_vec *rows, og_vec *keys, bool *rerun);
  /* Called after the sync and before the put: makes what the rows name exist.  *again: prepare anew. NULL: nothing. */
  og_status (*before_put)(og_ctx *cx, void *arg, og_fold *base, bool *again);
  void *arg;
} og_log_op;

OG_MUST_USE og_status og_graph__publish(og_ctx *cx, og_graph *g, const og_log_op *op, og_publish_outcome *outcome,
                                        uint64_t *version);

/* OG_EUNKNOWN, with the error so far as its cause and the id to look up. */
og_status og_graph__unknown(og_ctx *cx, og_str own_id);

/* ---- The schema contract: see contract.c. */

typedef struct og_contract {
  og_str source, ir, state; /* texts */
  uint64_t generation;      /* 1 when the graph was made, one more with every change; 0: a row that does not say */
  const og_str *before;     /* hashes of the IRs there were, oldest first: of whom the root files may still be */
  size_t n_before;
} og_contract;

/* The texts of a catalog, in cx->arena; the rest is the caller's. */
OG_MUST_USE og_status og_contract__texts(og_ctx *cx, const og_catalog *c, og_contract *out);
/* The contract that follows the one of `f` when `c` is accepted. */
OG_MUST_USE og_status og_contract__next(og_ctx *cx, og_graph *g, const og_fold *f, const og_catalog *c,
                                        og_contract *out);

OG_MUST_USE og_status og_contract__row(og_ctx *cx, og_arena *a, const og_contract *c, og_log_row *out);
OG_MUST_USE og_status og_contract__of_fold(og_ctx *cx, og_graph *g, const og_fold *f, og_contract *out);
/* The catalog of a fold, from the handle's cache when the row is the same. */
OG_MUST_USE og_status og_contract__catalog(og_ctx *cx, og_graph *g, const og_fold *f, og_catalog **out);
OG_MUST_USE og_status og_contract__order(og_ctx *cx, og_graph *g, const og_fold *a, const og_fold *b,
                                         og_schema_order *out);
/* Is the accepted schema of both the same? */
bool og_contract__same(const og_fold *a, const og_fold *b);
OG_MUST_USE og_status og_contract__of_files(og_ctx *cx, og_graph *g, og_contract *out);
/* Has every table of the state its type, and every type its table, under the same name? */
bool og_contract__fits(const og_catalog *c, const og_fold *f);
/* Makes the root files those of main's newest row; but a schema in them that never was a row, and that fits, was
 * applied by the original engine: then the row is made that. */
OG_MUST_USE og_status og_contract__heal(og_ctx *cx, og_graph *g, const og_fold *f);
/* Writes the root files that mirror main's row where they differ. */
OG_MUST_USE og_status og_contract__mirror(og_ctx *cx, og_store *store, const og_contract *c);
/* The same for main's newest row, again until no newer one came meanwhile. */
OG_MUST_USE og_status og_contract__settle(og_ctx *cx, og_graph *g);

/* ---- New tables: see create.c. */

/* Makes the tables of `c` that `but` (NULL: none) has not, and appends what to register (og_table_version, strings in
 * cx->arena).  *taken: somebody's folder is in the way; skip the incarnations, and make them again. */
OG_MUST_USE og_status og_create__tables(og_ctx *cx, og_store *store, const og_catalog *c, const og_fold *but,
                                        const og_ulid *attempt, og_vec *out, bool *taken);
/* The rows that register one. */
OG_MUST_USE og_status og_create__rows(og_ctx *cx, const og_table_version *v, og_vec *rows);

/* ---- Changes of the schema in a publish: see evolve.c. */

/* Rows of what `p` changes about the schema in `now`; nothing when it changes nothing. */
OG_MUST_USE og_status og_evolve__rows(og_ctx *cx, og_graph *g, const og_publication *p, const og_fold *now,
                                      og_vec *rows);
/* What a table is called once `p` stands. */
og_str og_evolve__key(const og_publication *p, const og_table_state *t);
