/* SPDX-License-Identifier: MIT */
/* graph/init.c -- making a graph.
 *
 *  1. Look: a place with a manifest, or with schema files (unless forced), is refused.
 *  2. Compile the schema; make every table, empty, at version 1, by create-if-absent: a folder that is there already
 *     was left by an init that crashed or lost, and its incarnation ids are skipped.
 *  3. Create version 1 of `__manifest`: registrations, versions, the schema row, the genesis commit and head.  This is
 *     the instant the graph exists; before it there are only files nothing refers to.
 *  4. Mirror the schema files.
 *
 * Two inits at once meet at step 3: one wins, the other is told that the graph exists.
 */
#include "graph/internal.h"

#include "base/env.h"

typedef struct init {
  og_store *store;
  og_catalog *catalog;
  og_ulid_gen ulids;
  og_vec rows, keys; /* og_log_row, og_str */
  bool collision;
} init;

static og_status exists(og_ctx *cx, og_store *store, const char *key, bool *out)
{
  og_object_info info;
  og_status st = og_store_info(cx, store, og_str_of(key), &info);
  *out = st == OG_OK;
  if (st != OG_ENOTFOUND) return st;
  og_error_clear(cx);
  return OG_OK;
}

static og_status already(og_ctx *cx, og_store *store)
{
  return og_fail(cx, OG_EEXISTS, "already initialized: '" OG_STR_FMT "' holds a graph",
                 OG_STR_ARG(og_store_root(store)));
}

static og_status check_place(og_ctx *cx, og_store *store, bool force)
{
  static const char *const files[] = {"_schema.pg", "_schema.ir.json", "__schema_state.json"};
  const og_lance_place log = {store, OG_STR(OG_LOG_ROOT), OG_STR_NONE};
  og_store_caps caps;
  uint64_t newest;
  OG_TRY(og_store_probe(cx, store, &caps));
  if (!caps.put_if_absent)
    return og_fail(cx, OG_EUNSUPPORTED,
                   "'" OG_STR_FMT "' cannot create a file without replacing one: no graph can live there",
                   OG_STR_ARG(og_store_root(store)));
  OG_TRY(og_lance_newest_version(cx, &log, &newest));
  if (newest) return already(cx, store);
  for (size_t i = 0; i < OG_ARRAY_LEN(files) && !force; i++) {
    bool there;
    OG_TRY(exists(cx, store, files[i], &there));
    if (there)
      return og_fail(cx, OG_EEXISTS,
                     "already initialized: '" OG_STR_FMT
                     "' has a %s, but no manifest; if an init was interrupted there, "
                     "run it again with --force",
                     OG_STR_ARG(og_store_root(store)), files[i]);
  }
  return OG_OK;
}

static og_status make_tables(og_ctx *cx, init *in)
{
  og_ulid attempt;
  og_vec made = OG_VEC_INIT(og_table_version);
  OG_TRY(og_ulid_next(cx, &in->ulids, NULL, &attempt));
  og_status st = og_create__tables(cx, in->store, in->catalog, NULL, &attempt, &made, &in->collision);
  for (size_t i = 0; st == OG_OK && !in->collision && i < made.len; i++)
    st = og_create__rows(cx, &OG_VEC_AT(&made, og_table_version, i), &in->rows);
  og_vec_cleanup(&made);
  return st;
}

static og_status lineage_rows(og_ctx *cx, init *in, const og_contract *contract, og_str actor, og_ulid *genesis)
{
  OG_TRY(og_ulid_next(cx, &in->ulids, NULL, genesis));
  const og_commit commit = {
      .id = *genesis, .manifest_version = 1, .created_us = og_wall_us(cx), .actor = actor.len ? actor : OG_STR_NONE};
  og_log_row *row = og_vec_push(cx, &in->rows);
  if (!row) return OG_ENOMEM;
  OG_TRY(og_contract__row(cx, cx->arena, contract, row));
  row = og_vec_push(cx, &in->rows);
  if (!row) return OG_ENOMEM;
  OG_TRY(og_row_commit(cx, cx->arena, &commit, row));
  row = og_vec_push(cx, &in->rows);
  if (!row) return OG_ENOMEM;
  return og_row_head(cx, cx->arena, OG_STR_NONE, &commit, row);
}

/* Somebody created version 1: was it us, with the reply lost? */
static og_status recognise(og_ctx *cx, og_store *store, const og_ulid *genesis)
{
  og_fold *fold = NULL;
  og_commit commit;
  bool found = false;
  og_error_clear(cx);
  OG_TRY(og_fold_load(cx, store, OG_STR_NONE, 1, NULL, 0, &fold));
  og_status st = og_fold_find_commit(cx, fold, cx->arena, genesis, 0, &commit, &found);
  og_fold_unref(fold);
  OG_TRY(st);
  return found ? OG_OK : already(cx, store);
}

static og_status create_log(og_ctx *cx, init *in, const og_ulid *genesis)
{
  og_ulid attempt;
  bool unsure = false;
  og_log_append *log;
  OG_TRY(og_ulid_next(cx, &in->ulids, NULL, &attempt));
  OG_TRY(og_log_create(cx, in->store, &attempt, in->rows.data, in->rows.len, &log));
  og_vec_clear(&in->keys);
  og_status st = og_log_keys(cx, log, &in->keys);
  if (st == OG_OK) st = og_store_sync(cx, in->store, in->keys.data, in->keys.len);
  if (st == OG_OK) st = og_log_put(cx, log, &unsure);
  og_log_append_free(cx, log);
  if (st == OG_EEXISTS) {
    st = recognise(cx, in->store, genesis);
    if (st != OG_OK && st != OG_EEXISTS && unsure) st = OG_EUNKNOWN;
  }
  if (st == OG_EUNKNOWN) {
    char id[OG_ULID_LEN];
    og_ulid_format(genesis, id);
    return og_graph__unknown(cx, og_str_from(id, sizeof id));
  }
  return st;
}

static og_status publish(og_ctx *cx, init *in, og_str actor)
{
  og_contract contract = {.generation = 1};
  og_ulid genesis;
  OG_TRY(og_contract__texts(cx, in->catalog, &contract));
  OG_TRY(lineage_rows(cx, in, &contract, actor, &genesis));
  OG_TRY(create_log(cx, in, &genesis));
  /* The graph exists now, whatever happens to its mirrors: the next open for writing writes those. */
  if (og_contract__mirror(cx, in->store, &contract) != OG_OK) og_error_clear(cx);
  return OG_OK;
}

static void init_cleanup(init *in)
{
  og_vec_cleanup(&in->rows);
  og_vec_cleanup(&in->keys);
  og_catalog_unref(in->catalog);
}

static og_status init_once(og_ctx *cx, init *in, og_str source, og_str file_name, uint64_t skip, og_str actor)
{
  og_ulid domain;
  OG_TRY(og_ulid_next(cx, &in->ulids, NULL, &domain));
  OG_TRY(og_schema_compile(cx, source, file_name, &domain, skip, &in->catalog));
  OG_TRY(make_tables(cx, in));
  return in->collision ? OG_OK : publish(cx, in, actor);
}

#define MAX_COLLISIONS 16

og_status og_graph_init(og_ctx *cx, og_store *store, og_str source, og_str file_name, bool force, og_str actor)
{
  uint64_t skip = 0;
  og_catalog *checked;
  OG_TRY(og_schema_check(cx, source, file_name, &checked)); /* a wrong schema leaves no trace */
  og_catalog_unref(checked);
  OG_TRY(check_place(cx, store, force));
  for (unsigned i = 0; i < MAX_COLLISIONS; i++) {
    init in = {.store = store, .rows = OG_VEC_INIT(og_log_row), .keys = OG_VEC_INIT(og_str)};
    og_status st = init_once(cx, &in, source, file_name, skip, actor);
    bool collision = in.collision;
    if (in.catalog) skip += in.catalog->n_nodes + in.catalog->n_edges;
    init_cleanup(&in);
    if (st != OG_OK || !collision) return st;
    OG_TRY(check_place(cx, store, force)); /* perhaps the other init won meanwhile */
  }
  return og_fail(cx, OG_EEXISTS, "'" OG_STR_FMT "' holds the tables of many interrupted inits: use an empty folder",
                 OG_STR_ARG(og_store_root(store)));
}
