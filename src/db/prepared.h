/* SPDX-License-Identifier: MIT */
/* db/prepared.h -- a query text of one schema: parsed, checked and planned once.
 *
 * Thread rule: immutable; share by reference (og_cached_ref, og_cached_unref).
 */
#pragma once

#include "base/cache.h"
#include "db/db.h"
#include "query/explain.h"
#include "query/params.h"
#include "query/plan.h"

struct og_db {
  og_store *store;
  og_graph *graph;
  og_cache *plans; /* og_prepared */
};

struct og_prepared {
  og_cached base;
  og_arena arena;      /* all of this, the text included */
  og_catalog *catalog; /* what it was checked against; one reference */
  og_query_file file;
  const og_query *query;
  const og_plan *plan;              /* reads */
  const og_mutation_plan *mutation; /* mutations */
  og_str *columns;                  /* reads: names, NUL-terminated */
  og_str *params;                   /* likewise */
};

/* From the handle's plan cache, or made: keyed by catalog, text, its name in messages, and query.  *out holds one
 * reference. */
OG_MUST_USE og_status og_db__prepare(og_ctx *cx, og_db *db, og_catalog *catalog, og_str source, og_str source_name,
                                     og_str name, og_prepared **out);

/* Runs a read over a snapshot of its catalog.  The result keeps `p`, and nothing in it is the context's.  `costs`
 * (NULL: not wanted) has room for every op. */
OG_MUST_USE og_status og_db__run(og_ctx *cx, og_snapshot *s, og_prepared *p, const og_scalar *values,
                                 const og_db_limits *limits, og_plan_costs *costs, og_result *out);
/* The state that a target names.  *out holds one reference. */
OG_MUST_USE og_status og_db__pin(og_ctx *cx, og_db *db, const og_db_target *target, og_snapshot **out);
/* OG_EINVALID: a mutation where a read is wanted, or the other way round. */
OG_MUST_USE og_status og_db__expect(og_ctx *cx, const og_query *q, bool mutation);
