/* SPDX-License-Identifier: MIT */
/* db/db.c -- one function per thing one can do with a graph: parse, check, plan, run, and give back plain results. */
#include "db/internal.h"

#include "arrow/json.h"
#include "base/env.h"
#include "base/limits.h"
#include "exec/exec.h"
#include "lance/inspect.h"
#include "query/params.h"

struct og_db {
  og_store *store;
  og_graph *graph;
};

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
  og_status st = og_graph_open(cx, store, read_only, &db->graph);
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

static og_status parse_id(og_ctx *cx, og_str text, og_ulid *out)
{
  if (og_ulid_parse(text, out)) return OG_OK;
  return og_fail(cx, OG_EINVALID, "'" OG_STR_FMT "' is no commit id: 26 characters, as `commit list` shows them",
                 OG_STR_ARG(text));
}

static og_status pin_target(og_ctx *cx, og_db *db, const og_db_target *target, og_snapshot **out)
{
  og_ulid id;
  if (target->snapshot.len == 0) return og_graph_snapshot(cx, db->graph, target->branch, out);
  OG_TRY(parse_id(cx, target->snapshot, &id));
  return og_graph_snapshot_at(cx, db->graph, target->branch, &id, out);
}

static og_status head_text(og_ctx *cx, const og_snapshot *s, og_str *out)
{
  char text[OG_ULID_LEN];
  *out = OG_STR("");
  if (!s->fold->has_head) return OG_OK;
  og_ulid_format(&s->fold->head, text);
  return og_arena_str(cx, cx->arena, og_str_from(text, sizeof text), out);
}

static og_status branch_text(og_ctx *cx, og_str branch, og_str *out)
{
  branch = og_str_trim(branch);
  return og_arena_str(cx, cx->arena, branch.len ? branch : OG_STR("main"), out);
}

/* ---- queries */

void og_result_cleanup(og_result *r)
{
  for (uint32_t i = 0; r->values && i < r->n_columns; i++) og_column_unref(r->values[i]);
  og_free(r->values);
  og_schema_unref(r->schema);
  *r = (og_result){0};
}

og_status og_result_put_row(og_ctx *cx, const og_result *r, int64_t i, og_json_writer *w)
{
  OG_TRY(og_json_begin_object(cx, w));
  for (uint32_t c = 0; c < r->n_columns; c++) {
    OG_TRY(og_json_key(cx, w, r->columns[c]));
    OG_TRY(og_column_json(cx, w, r->values[c], i));
  }
  return og_json_end_object(cx, w);
}

static og_status name_columns(og_ctx *cx, const og_plan *plan, og_result *out)
{
  out->columns = og_push_array(cx, plan->n_columns + 1, sizeof *out->columns);
  if (!out->columns) return OG_ENOMEM;
  for (uint32_t i = 0; i < plan->n_columns; i++)
    OG_TRY(og_arena_str(cx, cx->arena, plan->columns[i].name, &out->columns[i]));
  return OG_OK;
}

/* The types are those of the columns; what may be null, the plan knows. */
static og_status describe_columns(og_ctx *cx, const og_plan *plan, og_result *r)
{
  og_field *fields = og_push_array(cx, (size_t)r->n_columns * 2 + 1, sizeof *fields), *items = fields + r->n_columns;
  if (!fields) return OG_ENOMEM;
  for (uint32_t i = 0; i < r->n_columns; i++) {
    const og_column *c = r->values[i];
    fields[i] = (og_field){.name = r->columns[i], .type = c->type, .nullable = plan->columns[i].nullable || c->nulls};
    if (c->n_children == 0) continue; /* lists of scalars are all that nests in an answer */
    items[i] = (og_field){.name = OG_STR("item"), .type = c->children[0]->type, .nullable = true};
    fields[i].children = &items[i];
    fields[i].n_children = 1;
  }
  return og_schema_new(cx, fields, r->n_columns, NULL, 0, &r->schema);
}

static og_status run_query(og_ctx *cx, og_snapshot *s, const og_query_file *file, const og_query *q, og_str params,
                           og_result *out)
{
  const og_plan *plan;
  const og_scalar *values;
  og_exec_result result;
  OG_TRY(og_query_plan(cx, cx->arena, s->catalog, file, q, &plan));
  OG_TRY(og_params_bind(cx, cx->arena, q, params, &values));
  OG_TRY(name_columns(cx, plan, out));
  OG_TRY(og_arena_str(cx, cx->arena, q->name, &out->query_name));
  OG_TRY(head_text(cx, s, &out->commit));
  OG_TRY(og_exec_run(cx, s, plan, values, og_wall_us(cx) / 1000, &result));
  out->values = result.columns;
  out->n_columns = result.n_columns;
  out->n_rows = result.n_rows;
  return describe_columns(cx, plan, out);
}

og_status og_db_query(og_ctx *cx, og_db *db, const og_db_query_args *args, og_result *out)
{
  og_query_file file;
  const og_query *q;
  og_snapshot *s;
  *out = (og_result){.target = args->target};
  OG_TRY(og_query_parse(cx, cx->arena, args->source, args->source_name, &file));
  OG_TRY(og_query_find(cx, &file, args->name, &q));
  if (q->is_mutation)
    return og_fail(cx, OG_EINVALID, "query '" OG_STR_FMT "' is a mutation: run it with `omnigraph mutate`",
                   OG_STR_ARG(q->name));
  OG_TRY(pin_target(cx, db, &args->target, &s));
  if (args->target.snapshot.len == 0) OG_TRY(branch_text(cx, args->target.branch, &out->target.branch));
  og_status st = run_query(cx, s, &file, q, args->params, out);
  og_snapshot_unref(s);
  if (st != OG_OK) og_result_cleanup(out);
  return st;
}

typedef struct mutation_source {
  const og_query_file *file;
  const og_query *q;
  og_str params;
} mutation_source;

static og_status plan_mutation(og_ctx *cx, void *arg, const og_catalog *catalog, const og_mutation_plan **plan,
                               const og_scalar **values)
{
  const mutation_source *m = arg;
  OG_TRY(og_query_plan_mutation(cx, cx->arena, catalog, m->file, m->q, plan));
  return og_params_bind(cx, cx->arena, m->q, m->params, values);
}

og_status og_db_mutate(og_ctx *cx, og_db *db, const og_db_query_args *args, og_write_result *out)
{
  og_query_file file;
  og_ulid if_commit;
  og_mutated done;
  mutation_source m = {.file = &file, .params = args->params};
  *out = (og_write_result){0};
  OG_TRY(og_query_parse(cx, cx->arena, args->source, args->source_name, &file));
  OG_TRY(og_query_find(cx, &file, args->name, &m.q));
  if (!m.q->is_mutation)
    return og_fail(cx, OG_EINVALID, "query '" OG_STR_FMT "' only reads: run it with `omnigraph query`",
                   OG_STR_ARG(m.q->name));
  if (args->if_commit.len) OG_TRY(parse_id(cx, args->if_commit, &if_commit));
  OG_TRY(branch_text(cx, args->target.branch, &out->branch));
  OG_TRY(og_arena_str(cx, cx->arena, m.q->name, &out->query_name));
  const og_mutation mutation = {.branch = args->target.branch,
                                .plan = plan_mutation,
                                .plan_arg = &m,
                                .actor = args->actor,
                                .if_commit = args->if_commit.len ? &if_commit : NULL};
  OG_TRY(og_write_mutate(cx, db->graph, &mutation, &done));
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
  OG_TRY(parse_id(cx, id, &ulid));
  return og_graph_find_commit(cx, db->graph, branch, &ulid, out);
}

og_status og_db_schema_plan(og_ctx *cx, og_db *db, const og_db_schema_args *args, og_migration *out)
{
  og_snapshot *s;
  OG_TRY(og_graph_snapshot(cx, db->graph, OG_STR(""), &s));
  og_status st = og_schema_migrate(cx, s->catalog, args->source, args->source_name, args->allow_data_loss, 0, out);
  og_snapshot_unref(s);
  return st;
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
