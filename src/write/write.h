/* SPDX-License-Identifier: MIT */
/* write/write.h -- loads and mutations: run, check, publish, and again when a race was lost. */
#pragma once

#include "base/env.h"
#include "graph/graph.h"
#include "query/plan.h"
#include "schema/migrate.h"

#include <omnigraph/load.h> /* og_load_mode */

typedef struct og_load_count {
  og_str name;
  uint64_t loaded;
} og_load_count;

typedef struct og_load {
  const char *path; /* NDJSON, absolute; read through the env; NULL: `file` or `bytes` is it */
  og_file *file;    /* an open file with the NDJSON, borrowed; NULL: `bytes` is it */
  og_str bytes;
  og_load_mode mode;
  og_str actor;
  uint64_t memory; /* about so many bytes of keys and rows are kept before they go to disk; 0: OG_LIMIT_LOAD_MEMORY */
  /* Called now and then; may be NULL. */
  void (*progress)(void *arg, uint64_t done, uint64_t total, uint64_t records);
  void *progress_arg;
} og_load;

typedef struct og_loaded {
  og_load_count *nodes, *edges; /* by name, in cx->arena */
  uint32_t n_nodes, n_edges;
  uint64_t total;
  og_commit commit;
} og_loaded;

/* Loads records into a branch, all or nothing.  Errors name the line. */
OG_MUST_USE og_status og_write_load(og_ctx *cx, og_graph *g, og_str branch, const og_load *load, og_loaded *out);

typedef struct og_mutated {
  uint64_t nodes, edges; /* affected */
  bool has_commit;
  og_commit commit;
} og_mutated;

/* Plans against the newest schema at every try, hence the callback. */
typedef og_status (*og_plan_fn)(og_ctx *cx, void *arg, og_catalog *catalog, const og_mutation_plan **plan,
                                const og_scalar **values);
typedef struct og_mutation {
  og_str branch;
  og_plan_fn plan;
  void *plan_arg;
  og_str actor;
  const og_ulid *if_commit; /* the head the branch must stand at, or NULL */
} og_mutation;
OG_MUST_USE og_status og_write_mutate(og_ctx *cx, og_graph *g, const og_mutation *mutation, og_mutated *out);

/* One table of an optimized branch. */
typedef struct og_optimized_table {
  og_str key;       /* "node:Person" */
  uint32_t removed; /* fragments whose rows lie elsewhere now; 0: it was well as it was */
  uint32_t added;   /* fragments they lie in */
  uint64_t version; /* of the Lance table, whether or not this made it */
} og_optimized_table;
typedef struct og_optimized {
  og_optimized_table *tables; /* nodes, then edges, in cx->arena */
  uint32_t n_tables;
  bool has_commit; /* some table had something to gain */
  og_commit commit;
} og_optimized;
/* Gathers the small fragments of every table of a branch, and leaves deleted rows behind.  What queries answer stays
 * the same; other writers are not disturbed.  Of a table of many millions of rows a part is done at a time: call it
 * until there is no commit.  OG_ECONFLICT: the schema or the branch was changed meanwhile. */
OG_MUST_USE og_status og_write_optimize(og_ctx *cx, og_graph *g, og_str branch, og_str actor, og_optimized *out);

typedef struct og_schema_apply {
  og_str source;      /* .pg text: the schema there is to be */
  og_str source_name; /* file name for messages */
  bool allow_data_loss;
  og_str actor;
} og_schema_apply;
typedef struct og_schema_applied {
  og_migration plan; /* og_migration_cleanup; empty after a failure */
  bool applied;      /* false: both schemas mean the same, and there is no commit */
  og_commit commit;
} og_schema_applied;
/* Makes main accept another schema.  Branches keep theirs.  OG_EINVALID: the source is wrong, or a change it asks for
 * is not supported (the first one is named). */
OG_MUST_USE og_status og_write_schema_apply(og_ctx *cx, og_graph *g, const og_schema_apply *args,
                                            og_schema_applied *out);
/* Makes a branch accept the schema of another state, which was changed from its own: a commit, unless somebody moved
 * the branch's schema meanwhile; then nothing happens. */
OG_MUST_USE og_status og_write_schema_adopt(og_ctx *cx, og_graph *g, og_str branch, og_snapshot *from, og_str actor);
/* Writes anew, on main, the rows of tables that were to lose data and whose files still hold dropped columns. */
OG_MUST_USE og_status og_write_shed(og_ctx *cx, og_graph *g, og_str actor);
