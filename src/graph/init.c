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
#include "graph/tables.h"

#include "base/env.h"

typedef struct init {
  og_store *store;
  og_catalog *catalog;
  og_ulid_gen ulids;
  og_vec rows, keys; /* og_log_row, og_str */
  og_vec changes;    /* og_lance_change * */
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

static og_status new_attempt(og_ctx *cx, init *in, og_lance_change_opts *out)
{
  og_ulid id;
  char text[OG_ULID_LEN];
  OG_TRY(og_ulid_next(cx, &in->ulids, NULL, &id));
  og_ulid_format(&id, text);
  *out = (og_lance_change_opts){.op = OG_LANCE_OVERWRITE};
  OG_TRY(og_arena_str(cx, cx->arena, og_str_from(text, sizeof text), &out->attempt));
  return og_arena_printf(cx, cx->arena, &out->tx_uuid, "omnigraph-%.26s", text);
}

static og_status render_table(og_ctx *cx, init *in, const og_type_def *t, const og_lance_place *at,
                              og_lance_change **out)
{
  og_schema *arrow;
  og_lance_schema *schema = NULL;
  og_lance_change_opts opts;
  OG_TRY(new_attempt(cx, in, &opts));
  OG_TRY(og_type_schema(cx, t, &arrow));
  og_status st = og_lance_schema_new(cx, arrow, &schema);
  if (st == OG_OK) st = og_lance_change_create(cx, at, schema, (og_lance_version){2, 2}, &opts, out);
  og_lance_schema_unref(schema);
  og_schema_unref(arrow);
  OG_TRY(st);
  OG_TRY(og_vec_add(cx, &in->changes, out));
  OG_TRY(og_lance_change_finish(cx, *out));
  OG_TRY(og_lance_change_render(cx, *out, NULL, 1));
  return og_lance_change_keys(cx, *out, &in->keys);
}

static og_status table_rows(og_ctx *cx, init *in, const og_type_def *t, const og_lance_place *at,
                            const og_lance_change *change)
{
  og_lance_table *table;
  og_str key;
  og_table_version v = {.key = t->key,
                        .table_id = t->id,
                        .incarnation = t->incarnation,
                        .version = 1,
                        .meta = {.manifest_size = og_lance_change_bytes(change).len}};
  og_log_row *row = og_vec_push(cx, &in->rows);
  if (!row) return OG_ENOMEM;
  OG_TRY(og_row_table(cx, cx->arena, t->key, t->id, t->incarnation, row));
  OG_TRY(og_lance_manifest_key(cx, at, 1, &key));
  OG_TRY(og_arena_printf(cx, cx->arena, &v.meta.manifest_path, OG_STR_FMT "/" OG_STR_FMT,
                         OG_STR_ARG(og_store_root(in->store)), OG_STR_ARG(key)));
  OG_TRY(og_lance_change_table(cx, change, &table));
  og_status st = og_arena_str(cx, cx->arena, og_lance_table_uuid(table), &v.meta.uuid);
  og_lance_table_unref(table);
  OG_TRY(st);
  row = og_vec_push(cx, &in->rows);
  return row ? og_row_table_version(cx, cx->arena, &v, row) : OG_ENOMEM;
}

static og_status make_table(og_ctx *cx, init *in, const og_type_def *t)
{
  og_lance_place at = {.store = in->store};
  og_lance_change *change;
  OG_TRY(og_table_path(cx, cx->arena, t->key, t->id, t->incarnation, &at.root));
  OG_TRY(render_table(cx, in, t, &at, &change));
  return table_rows(cx, in, t, &at, change);
}

static og_status make_tables(og_ctx *cx, init *in)
{
  const og_catalog *c = in->catalog;
  for (uint32_t i = 0; i < c->n_nodes; i++) OG_TRY(make_table(cx, in, &c->nodes[i]));
  for (uint32_t i = 0; i < c->n_edges; i++) OG_TRY(make_table(cx, in, &c->edges[i]));
  OG_TRY(og_store_sync(cx, in->store, in->keys.data, in->keys.len));
  for (size_t i = 0; i < in->changes.len; i++) {
    og_status st = OG_EUNKNOWN;
    for (unsigned n = 0; st == OG_EUNKNOWN && n < 8; n++)
      st = og_lance_change_put(cx, OG_VEC_AT(&in->changes, og_lance_change *, i));
    if (st == OG_EEXISTS) {
      og_error_clear(cx);
      in->collision = true;
      return OG_OK;
    }
    OG_TRY(st);
  }
  return OG_OK;
}

static og_status contract_texts(og_ctx *cx, const og_catalog *c, og_contract *out)
{
  OG_AUTO(og_buf) ir = {0};
  OG_AUTO(og_buf) state = {0};
  out->source = c->source;
  OG_TRY(og_schema_ir_write(cx, c, true, &ir));
  OG_TRY(og_schema_state_write(cx, c, &state));
  OG_TRY(og_arena_str(cx, cx->arena, og_buf_str(&ir), &out->ir));
  return og_arena_str(cx, cx->arena, og_buf_str(&state), &out->state);
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
  og_contract contract;
  og_ulid genesis;
  OG_TRY(contract_texts(cx, in->catalog, &contract));
  OG_TRY(lineage_rows(cx, in, &contract, actor, &genesis));
  OG_TRY(create_log(cx, in, &genesis));
  /* The graph exists now, whatever happens to its mirrors: the next open for writing writes those. */
  if (og_contract__mirror(cx, in->store, &contract) != OG_OK) og_error_clear(cx);
  return OG_OK;
}

static void init_cleanup(og_ctx *cx, init *in)
{
  for (size_t i = 0; i < in->changes.len; i++) og_lance_change_free(cx, OG_VEC_AT(&in->changes, og_lance_change *, i));
  og_vec_cleanup(&in->changes);
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
    init in = {.store = store,
               .rows = OG_VEC_INIT(og_log_row),
               .keys = OG_VEC_INIT(og_str),
               .changes = OG_VEC_INIT(og_lance_change *)};
    og_status st = init_once(cx, &in, source, file_name, skip, actor);
    bool collision = in.collision;
    if (in.catalog) skip += in.catalog->n_nodes + in.catalog->n_edges;
    init_cleanup(cx, &in);
    if (st != OG_OK || !collision) return st;
    OG_TRY(check_place(cx, store, force)); /* perhaps the other init won meanwhile */
  }
  return og_fail(cx, OG_EEXISTS, "'" OG_STR_FMT "' holds the tables of many interrupted inits: use an empty folder",
                 OG_STR_ARG(og_store_root(store)));
}
