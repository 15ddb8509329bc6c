/* SPDX-License-Identifier: MIT */
/* db/db.c -- one function per thing one can do with a graph: parse, check, plan, run, and give back plain results. */
#include "db/internal.h"

#include "arrow/json.h"
#include "base/env.h"
#include "base/limits.h"
#include "db/prepared.h"
#include "exec/exec.h"
#include "lance/inspect.h"

og_status og_db_init(og_ctx *cx, og_str uri, og_str schema_source, og_str file_name, bool force, og_str actor)
{
  og_store *store;
  OG_TRY(og_store_open(cx, uri, false, &store));
  og_status st = og_graph_init(cx, store, schema_source, file_name, force, actor);
  og_store_unref(store);
  return st;
}

og_status og_db_open_store(og_ctx *cx, og_store *store, bool read_only, og_db **out)
{
  og_db *db = og_zalloc(cx, sizeof *db);
  if (!db) return OG_ENOMEM;
  db->store = og_store_ref(store);
  og_status st = og_cache_new(cx, OG_LIMIT_PLAN_MEMORY, &db->plans);
  if (st == OG_OK) st = og_graph_open(cx, store, read_only, &db->graph);
  if (st != OG_OK)
    og_db_close(db);
  else
    *out = db;
  return st;
}

og_status og_db_open(og_ctx *cx, og_str uri, bool read_only, og_db **out)
{
  og_store *store;
  OG_TRY(og_store_open(cx, uri, read_only, &store));
  og_status st = og_db_open_store(cx, store, read_only, out);
  og_store_unref(store);
  return st;
}

void og_db_close(og_db *db)
{
  if (!db) return;
  og_cache_free(db->plans);
  og_graph_close(db->graph);
  og_store_unref(db->store);
  og_free(db);
}

og_str og_db_uri(const og_db *db)
{
  return og_store_root(db->store);
}

const char *og_db_place(const og_db *db)
{
  (void)db; /* every store there is lies on this machine */
  return "local";
}

/* ---- targets */

og_status og_db__commit_id(og_ctx *cx, og_str text, og_ulid *out)
{
  if (og_ulid_parse(text, out)) return OG_OK;
  return og_fail(cx, OG_EINVALID, "'" OG_STR_FMT "' is no commit id: 26 characters, as `commit list` shows them",
                 OG_STR_ARG(text));
}

og_status og_db__pin(og_ctx *cx, og_db *db, const og_db_target *target, og_snapshot **out)
{
  og_ulid id;
  if (target->snapshot.len == 0) return og_graph_snapshot(cx, db->graph, target->branch, out);
  OG_TRY(og_db__commit_id(cx, target->snapshot, &id));
  return og_graph_snapshot_at(cx, db->graph, target->branch, &id, out);
}

static og_status branch_text(og_ctx *cx, og_str branch, og_str *out)
{
  branch = og_str_trim(branch);
  return og_arena_str(cx, cx->arena, branch.len ? branch : OG_STR("main"), out);
}

/* ---- queries */

og_status og_result_put_row(og_ctx *cx, const og_result *r, int64_t i, og_json_writer *w)
{
  OG_TRY(og_json_begin_object(cx, w));
  for (uint32_t c = 0; c < r->n_columns; c++) {
    OG_TRY(og_json_key(cx, w, r->columns[c]));
    OG_TRY(og_column_json(cx, w, r->values[c], i));
  }
  return og_json_end_object(cx, w);
}

static og_status query_at(og_ctx *cx, og_db *db, og_snapshot *s, const og_db_query_args *args, og_result *out)
{
  og_prepared *p;
  const og_scalar *values;
  OG_TRY(og_db__prepare(cx, db, s->catalog, args->source, args->source_name, args->name, &p));
  og_status st = og_db__expect(cx, p->query, false);
  if (st == OG_OK) st = og_params_bind(cx, cx->arena, p->query, args->params, &values);
  if (st == OG_OK) st = og_db__run(cx, s, p, values, &args->limits, NULL, out);
  og_cached_unref(p);
  return st;
}

og_status og_db_query(og_ctx *cx, og_db *db, const og_db_query_args *args, og_result *out)
{
  og_snapshot *s = args->pin ? og_snapshot_ref(args->pin) : NULL;
  *out = (og_result){0};
  if (!s) OG_TRY(og_db__pin(cx, db, &args->target, &s));
  og_status st = query_at(cx, db, s, args, out);
  og_snapshot_unref(s);
  OG_TRY(st);
  out->target = args->target;
  if (args->target.snapshot.len > 0) return OG_OK;
  st = branch_text(cx, args->target.branch, &out->target.branch);
  if (st != OG_OK) og_result_cleanup(out);
  return st;
}

typedef struct mutation_source {
  og_db *db;
  const og_db_query_args *args;
  og_prepared *prepared; /* for the catalog planned against last */
} mutation_source;

static og_status plan_mutation(og_ctx *cx, void *arg, og_catalog *catalog, const og_mutation_plan **plan,
                               const og_scalar **values)
{
  mutation_source *m = arg;
  const og_db_query_args *a = m->args;
  og_cached_unref(m->prepared);
  m->prepared = NULL;
  OG_TRY(og_db__prepare(cx, m->db, catalog, a->source, a->source_name, a->name, &m->prepared));
  *plan = m->prepared->mutation;
  *values = a->values;
  return a->values ? OG_OK : og_params_bind(cx, cx->arena, m->prepared->query, a->params, values);
}

/* What the text is, before anything is pinned. */
static og_status check_mutation(og_ctx *cx, const og_db_query_args *args, og_write_result *out)
{
  og_query_file file;
  const og_query *q;
  OG_TRY(og_query_parse(cx, cx->arena, args->source, args->source_name, &file));
  OG_TRY(og_query_find(cx, &file, args->name, &q));
  OG_TRY(og_db__expect(cx, q, true));
  return og_arena_str(cx, cx->arena, q->name, &out->query_name);
}

og_status og_db_mutate(og_ctx *cx, og_db *db, const og_db_query_args *args, og_write_result *out)
{
  og_ulid if_commit;
  og_mutated done;
  mutation_source m = {.db = db, .args = args};
  *out = (og_write_result){0};
  OG_TRY(check_mutation(cx, args, out));
  if (args->if_commit.len) OG_TRY(og_db__commit_id(cx, args->if_commit, &if_commit));
  OG_TRY(branch_text(cx, args->target.branch, &out->branch));
  const og_mutation mutation = {.branch = args->target.branch,
                                .plan = plan_mutation,
                                .plan_arg = &m,
                                .actor = args->actor,
                                .if_commit = args->if_commit.len ? &if_commit : NULL};
  og_status st = og_write_mutate(cx, db->graph, &mutation, &done);
  og_cached_unref(m.prepared);
  OG_TRY(st);
  out->affected_nodes = done.nodes;
  out->affected_edges = done.edges;
  out->has_commit = done.has_commit;
  out->commit = done.commit;
  return OG_OK;
}

/* ---- loads */

/* Makes the branch when it is missing and `from` says what from. */
static og_status ensure_branch(og_ctx *cx, og_db *db, const og_load_args *args, bool *created)
{
  og_snapshot *s;
  *created = false;
  if (args->from.len == 0) return OG_OK;
  og_status st = og_graph_snapshot(cx, db->graph, args->branch, &s);
  if (st == OG_OK) {
    og_snapshot_unref(s);
    return OG_OK;
  }
  if (st != OG_ENOTFOUND) return st;
  og_error_clear(cx);
  OG_TRY(og_graph_branch_create(cx, db->graph, args->branch, args->from));
  *created = true;
  return OG_OK;
}

og_status og_db_load(og_ctx *cx, og_db *db, const og_load_args *args, og_load_result *out)
{
  og_loaded done;
  const og_load load = {.path = args->path,
                        .file = args->file,
                        .bytes = args->bytes,
                        .mode = args->mode,
                        .actor = args->actor,
                        .memory = args->memory,
                        .progress = args->progress,
                        .progress_arg = args->progress_arg};
  *out = (og_load_result){0};
  OG_TRY(branch_text(cx, args->branch, &out->branch));
  OG_TRY(ensure_branch(cx, db, args, &out->branch_created));
  OG_TRY(og_write_load(cx, db->graph, args->branch, &load, &done));
  out->nodes = done.nodes;
  out->edges = done.edges;
  out->n_nodes = done.n_nodes;
  out->n_edges = done.n_edges;
  out->total = done.total;
  out->commit = done.commit;
  return OG_OK;
}

/* ---- facts */

og_status og_db_snapshot(og_ctx *cx, og_db *db, og_str branch, og_snapshot_info *out)
{
  og_snapshot *s;
  *out = (og_snapshot_info){0};
  OG_TRY(og_graph_snapshot(cx, db->graph, branch, &s));
  og_status st = branch_text(cx, branch, &out->branch);
  out->manifest_version = s->fold->version;
  out->datasets = og_push_array(cx, s->fold->n_tables + 1, sizeof *out->datasets);
  if (!out->datasets) st = OG_ENOMEM;
  for (uint32_t i = 0; st == OG_OK && i < s->fold->n_tables; i++) {
    const og_table_state *t = &s->fold->tables[i];
    og_dataset_info *d = &out->datasets[out->n_datasets++];
    *d = (og_dataset_info){
        .is_edge = og_str_starts_with(t->key, OG_STR("edge:")), .version = t->version, .rows = t->rows};
    st = og_arena_str(cx, cx->arena, og_str_sub(t->key, 5, t->key.len), &d->type_name);
    if (st == OG_OK) st = og_arena_str(cx, cx->arena, t->path, &d->path);
    if (st == OG_OK) st = og_arena_str(cx, cx->arena, t->branch, &d->native_branch);
  }
  og_snapshot_unref(s);
  return st;
}

og_status og_db_branches(og_ctx *cx, og_db *db, og_vec *out)
{
  return og_graph_branches(cx, db->graph, out);
}

og_status og_db_branch_create(og_ctx *cx, og_db *db, og_str name, og_str from, og_str actor)
{
  (void)actor; /* creating a branch records no commit, hence no actor */
  return og_graph_branch_create(cx, db->graph, name, from);
}

og_status og_db_branch_delete(og_ctx *cx, og_db *db, og_str name, og_str actor)
{
  (void)actor;
  return og_graph_branch_delete(cx, db->graph, name);
}

og_status og_db_cleanup(og_ctx *cx, og_db *db, const og_cleanup_policy *opts, og_cleaned *out)
{
  return og_cleanup(cx, db->graph, opts, out);
}

og_status og_db_branch_merge(og_ctx *cx, og_db *db, const og_merge *merge, og_merged *out)
{
  og_mem *outer;
  OG_TRY(og_ctx_budget_begin(cx, OG_LIMIT_QUERY_MEMORY, "merge memory", &outer));
  return og_ctx_budget_end(cx, outer, og_write_merge(cx, db->graph, merge, out));
}

/* Both list the same types in the same order, unless the schema was changed between two rounds. */
static void add_round(og_optimized *sum, const og_optimized *round)
{
  for (uint32_t i = 0; i < sum->n_tables && i < round->n_tables; i++) {
    sum->tables[i].removed += round->tables[i].removed;
    sum->tables[i].added += round->tables[i].added;
    sum->tables[i].version = round->tables[i].version;
  }
  sum->commit = round->commit;
}

static og_status keep_adjacency(og_ctx *cx, og_db *db, og_str branch)
{
  og_snapshot *s;
  OG_TRY(og_graph_snapshot(cx, db->graph, branch, &s));
  og_status st = og_exec_keep_adjacency(cx, s);
  og_snapshot_unref(s);
  return st;
}

og_status og_db_optimize(og_ctx *cx, og_db *db, og_str branch, og_str actor, og_optimized *out)
{
  og_optimized round;
  OG_TRY(og_write_optimize(cx, db->graph, branch, actor, out));
  for (round = *out; round.has_commit;) {
    OG_TRY(og_ctx_poll(cx));
    OG_TRY(og_write_optimize(cx, db->graph, branch, actor, &round));
    if (round.has_commit) add_round(out, &round);
  }
  return keep_adjacency(cx, db, branch);
}

og_status og_db_commits(og_ctx *cx, og_db *db, og_str branch, og_vec *out)
{
  og_snapshot *s;
  OG_TRY(og_graph_snapshot(cx, db->graph, branch, &s));
  og_status st = og_fold_commits(cx, s->fold, cx->arena, out);
  og_snapshot_unref(s);
  return st;
}

og_status og_db_commit(og_ctx *cx, og_db *db, og_str branch, og_str id, og_commit *out)
{
  og_ulid ulid;
  OG_TRY(og_db__commit_id(cx, id, &ulid));
  return og_graph_find_commit(cx, db->graph, branch, &ulid, out);
}

og_status og_db_schema_plan(og_ctx *cx, og_db *db, const og_schema_apply *args, og_migration *out)
{
  og_snapshot *s;
  OG_TRY(og_graph_snapshot(cx, db->graph, OG_STR(""), &s));
  og_status st = og_schema_migrate(cx, s->catalog, args->source, args->source_name, args->allow_data_loss, 0, out);
  og_snapshot_unref(s);
  return st;
}

og_status og_db_schema_apply(og_ctx *cx, og_db *db, const og_schema_apply *args, og_schema_applied *out)
{
  return og_write_schema_apply(cx, db->graph, args, out);
}

og_status og_db_schema_source(og_ctx *cx, og_db *db, og_str branch, og_str *out)
{
  og_snapshot *s;
  og_str source;
  OG_TRY(og_graph_snapshot(cx, db->graph, branch, &s));
  og_status st = og_snapshot_schema_source(cx, s, &source);
  if (st == OG_OK) st = og_arena_str(cx, cx->arena, source, out);
  og_snapshot_unref(s);
  return st;
}

og_status og_db_lint(og_ctx *cx, og_db *db, og_str source, og_str source_name, og_lint_report *out)
{
  og_snapshot *s;
  OG_TRY(og_graph_snapshot(cx, db->graph, OG_STR_NONE, &s));
  og_status st = og_query_lint(cx, cx->arena, s->catalog, source, source_name, out);
  og_snapshot_unref(s);
  return st;
}

og_graph *og_db__graph(const og_db *db)
{
  return db->graph;
}

/* ---- tables */

og_status og_db_lance_inspect(og_ctx *cx, og_str uri, og_str branch, uint64_t version, og_json_writer *w, bool *sound)
{
  og_lance_place at;
  OG_TRY(og_lance_place_open(cx, uri, branch, true, &at));
  og_status st = og_lance_inspect(cx, &at, version, true, w, sound);
  og_store_unref(at.store);
  return st;
}
