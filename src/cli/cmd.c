/* SPDX-License-Identifier: MIT */
/* cli/cmd.c -- the commands: read the flags, call the database, print. */
#include "api/render.h"
#include "base/env.h"
#include "base/pool.h"
#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* ---- init and load */

og_status cmd_init(cli *c)
{
  og_str uri, source, absolute;
  og_db *db;
  OG_TRY(cli_graph_uri(c, 0, &uri));
  if (!cli_has(c, FLAG_SCHEMA)) return cli_usage(c, "`init` needs --schema FILE");
  OG_TRY(cli_read_file(c, c->values[FLAG_SCHEMA], &source));
  OG_TRY(og_db_init(c->cx, uri, source, c->values[FLAG_SCHEMA], cli_has(c, FLAG_FORCE), c->values[FLAG_AS]));
  OG_TRY(og_db_open(c->cx, uri, true, &db));
  og_status st = og_arena_str(c->cx, c->cx->arena, og_db_uri(db), &absolute);
  og_db_close(db);
  OG_TRY(st);
  if (!cli_has(c, FLAG_JSON)) return cli_printf(c, "initialized " OG_STR_FMT "\n", OG_STR_ARG(absolute));
  og_json_writer w = cli_json(c);
  OG_TRY(og_json_begin_object(c->cx, &w));
  OG_TRY(og_json_kv_str(c->cx, &w, "uri", absolute));
  OG_TRY(og_json_kv_bool(c->cx, &w, "initialized", true));
  OG_TRY(og_json_end_object(c->cx, &w));
  return cli_end_json(c);
}

static og_status load_mode(cli *c, og_load_mode *out)
{
  static const char *const names[] = {"overwrite", "append", "merge"};
  for (int i = 0; i < 3; i++) {
    if (!og_str_eq(c->values[FLAG_MODE], og_str_of(names[i]))) continue;
    *out = (og_load_mode)i;
    return OG_OK;
  }
  if (cli_has(c, FLAG_MODE)) return cli_usage(c, "--mode is overwrite, append or merge");
  return cli_usage(c, "`load` needs --mode overwrite, append or merge");
}

typedef struct progress {
  og_ctx *cx;
  uint64_t start_ns, last_ns;
  bool shown;
} progress;

/* Only on a terminal, and only once a second has passed. */
static void show_progress(void *arg, uint64_t done, uint64_t total, uint64_t records)
{
  progress *p = arg;
  uint64_t now = og_mono_ns(p->cx), second = 1000000000;
  if (now - p->start_ns < second || now - p->last_ns < second / 10) return;
  p->last_ns = now;
  p->shown = true;
  double share = total ? (double)done / (double)total : 1, seconds = (double)(now - p->start_ns) / 1e9;
  int filled = (int)(share * 30);
  fprintf(stderr, "\r\033[K[%.*s%.*s] %3.0f %%  %" PRIu64 " records  %.1f MB/s", filled,
          "##############################", 30 - filled, "                              ", share * 100, records,
          (double)done / 1e6 / seconds);
}

static og_status print_loaded(cli *c, const og_load_args *args, const og_load_result *r, og_str uri)
{
  static const char *const modes[] = {"overwrite", "append", "merge"};
  if (cli_has(c, FLAG_JSON)) {
    og_json_writer w = cli_json(c);
    OG_TRY(og_api_load(c->cx, r, args, uri, &w));
    return cli_end_json(c);
  }
  OG_TRY(cli_printf(c,
                    "loaded " OG_STR_FMT " on branch " OG_STR_FMT " with %s: %" PRIu64
                    " entities across %u node types and %u edge types\n",
                    OG_STR_ARG(uri), OG_STR_ARG(r->branch), modes[args->mode], r->total, r->n_nodes, r->n_edges));
  if (!r->branch_created) return OG_OK;
  return cli_printf(c, "branch " OG_STR_FMT " created from " OG_STR_FMT "\n", OG_STR_ARG(r->branch),
                    OG_STR_ARG(args->from));
}

og_status cmd_load(cli *c)
{
  og_str path;
  og_db *db;
  og_load_result r;
  progress p = {.cx = c->cx, .start_ns = og_mono_ns(c->cx)};
  og_load_args args = {.branch = c->values[FLAG_BRANCH], .from = c->values[FLAG_FROM], .actor = c->values[FLAG_AS]};
  if (!cli_has(c, FLAG_DATA)) return cli_usage(c, "`load` needs --data FILE");
  OG_TRY(load_mode(c, &args.mode));
  OG_TRY(cli_absolute(c, c->values[FLAG_DATA], &path));
  if (isatty(STDERR_FILENO)) {
    args.progress = show_progress;
    args.progress_arg = &p;
  }
  OG_TRY(cli_open(c, 0, false, &db));
  cli_echo(c, db);
  og_status st = cli_spool(c, c->values[FLAG_DATA], &args.file);
  if (!args.file) args.path = path.ptr;
  if (st == OG_OK) st = og_pool_new(c->cx, 0, &c->cx->rt->pool); /* encodes columns side by side */
  if (st == OG_OK) st = og_db_load(c->cx, db, &args, &r);
  if (args.file) c->cx->env->ops->file_close(c->cx->env, args.file);
  if (p.shown) fprintf(stderr, "\r\033[K");
  if (st == OG_OK) st = print_loaded(c, &args, &r, og_db_uri(db));
  og_db_close(db);
  return st;
}

/* ---- query and mutate */

static og_status query_args(cli *c, og_db_query_args *out)
{
  *out = (og_db_query_args){.name = cli_positional(c, 0),
                            .target = {.branch = c->values[FLAG_BRANCH], .snapshot = c->values[FLAG_SNAPSHOT]},
                            .actor = c->values[FLAG_AS],
                            .if_commit = c->values[FLAG_IF_COMMIT]};
  if (cli_has(c, FLAG_QUERY)) {
    out->source_name = c->values[FLAG_QUERY];
    OG_TRY(cli_read_file(c, c->values[FLAG_QUERY], &out->source));
  } else if (cli_has(c, FLAG_SOURCE)) {
    out->source = c->values[FLAG_SOURCE];
    if (og_str_trim(out->source).len == 0) return og_fail(c->cx, OG_EINVALID, "the text behind -e must not be empty");
  } else {
    return og_fail(c->cx, OG_EINVALID,
                   "`%s` needs --query FILE or -e GQ (stored queries need a server, which is not supported yet)",
                   c->command->name);
  }
  out->params = c->values[FLAG_PARAMS];
  return cli_has(c, FLAG_PARAMS_FILE) ? cli_read_file(c, c->values[FLAG_PARAMS_FILE], &out->params) : OG_OK;
}

static og_status check_format(cli *c)
{
  static const char *const names[] = {"json", "jsonl", "csv", "kv", "table"};
  if (!cli_has(c, FLAG_FORMAT)) return OG_OK;
  for (size_t i = 0; i < OG_ARRAY_LEN(names); i++)
    if (og_str_eq(c->values[FLAG_FORMAT], og_str_of(names[i]))) return OG_OK;
  return cli_usage(c, "--format is json, jsonl, csv, kv or table, not '" OG_STR_FMT "'",
                   OG_STR_ARG(c->values[FLAG_FORMAT]));
}

og_status cmd_query(cli *c)
{
  og_db_query_args args;
  og_db *db;
  og_result r;
  OG_TRY(check_format(c));
  OG_TRY(query_args(c, &args));
  OG_TRY(cli_open(c, SIZE_MAX, true, &db));
  og_status st = og_db_query(c->cx, db, &args, &r);
  if (st == OG_OK) {
    st = cli_print_result(c, &r);
    og_result_cleanup(&r);
  }
  og_db_close(db);
  return st;
}

static og_status look_into(cli *c, bool profile)
{
  og_db_query_args args;
  og_db *db;
  OG_AUTO(og_buf) text = {0};
  OG_TRY(query_args(c, &args));
  OG_TRY(cli_open(c, SIZE_MAX, true, &db));
  og_status st = og_db_explain(c->cx, db, &args, profile, cli_has(c, FLAG_JSON), &text);
  og_db_close(db);
  OG_TRY(st);
  OG_TRY(cli_write(c, og_buf_str(&text)));
  return cli_has(c, FLAG_JSON) ? cli_write(c, OG_STR("\n")) : OG_OK;
}

og_status cmd_explain(cli *c)
{
  return look_into(c, false);
}

og_status cmd_profile(cli *c)
{
  return look_into(c, true);
}

og_status cmd_mutate(cli *c)
{
  og_db_query_args args;
  og_db *db;
  og_write_result r;
  OG_TRY(query_args(c, &args));
  OG_TRY(cli_open(c, SIZE_MAX, false, &db));
  cli_echo(c, db);
  og_status st = og_db_mutate(c->cx, db, &args, &r);
  og_db_close(db);
  OG_TRY(st);
  if (!cli_has(c, FLAG_JSON))
    return cli_printf(c, "changed " OG_STR_FMT " via " OG_STR_FMT ": %" PRIu64 " nodes, %" PRIu64 " edges\n",
                      OG_STR_ARG(r.branch), OG_STR_ARG(r.query_name), r.affected_nodes, r.affected_edges);
  og_json_writer w = cli_json(c);
  OG_TRY(og_api_write(c->cx, &r, args.actor, &w));
  return cli_end_json(c);
}

/* ---- facts */

static og_status print_snapshot(cli *c, const og_snapshot_info *s)
{
  OG_TRY(cli_printf(c,
                    "graph_branch: " OG_STR_FMT "\ngraph_manifest_version: %" PRIu64 "\ninternal_schema_version: 6\n",
                    OG_STR_ARG(s->branch), s->manifest_version));
  for (uint32_t i = 0; i < s->n_datasets; i++) {
    const og_dataset_info *d = &s->datasets[i];
    OG_TRY(cli_printf(c,
                      "%s type '" OG_STR_FMT "' published_dataset_version=%" PRIu64 " native_dataset_branch=" OG_STR_FMT
                      " entities=%" PRIu64 "\n",
                      d->is_edge ? "edge" : "node", OG_STR_ARG(d->type_name), d->version,
                      OG_STR_ARG(cli_branch_or_main(d->native_branch)), d->rows));
  }
  return OG_OK;
}

og_status cmd_snapshot(cli *c)
{
  og_db *db;
  og_snapshot_info info;
  OG_TRY(cli_open(c, 0, true, &db));
  og_status st = og_db_snapshot(c->cx, db, c->values[FLAG_BRANCH], &info);
  og_db_close(db);
  OG_TRY(st);
  if (!cli_has(c, FLAG_JSON)) return print_snapshot(c, &info);
  og_json_writer w = cli_json(c);
  OG_TRY(og_api_snapshot(c->cx, &info, &w));
  return cli_end_json(c);
}

static og_status write_out(og_ctx *cx, void *arg, og_str bytes)
{
  (void)cx;
  return cli_write(arg, bytes);
}

og_status cmd_export(cli *c)
{
  og_db *db;
  if (cli_has(c, FLAG_JSONL)) fprintf(stderr, "warning: --jsonl is not needed: an export is NDJSON\n");
  OG_TRY(cli_open(c, 0, true, &db));
  og_status st = og_pool_new(c->cx, 0, &c->cx->rt->pool); /* decodes and formats side by side */
  if (st == OG_OK) st = og_db_export(c->cx, db, c->values[FLAG_BRANCH], c->types.data, c->types.len, write_out, c);
  og_db_close(db);
  return st;
}

/* ---- upkeep */

static og_status print_optimized(cli *c, const og_optimized *r)
{
  for (uint32_t i = 0; i < r->n_tables; i++) {
    const og_optimized_table *t = &r->tables[i];
    if (t->removed)
      OG_TRY(cli_printf(c, OG_STR_FMT ": %u fragments became %u\n", OG_STR_ARG(t->key), t->removed, t->added));
  }
  return r->has_commit ? OG_OK : cli_printf(c, "nothing to do\n");
}

og_status cmd_optimize(cli *c)
{
  og_db *db;
  og_optimized r;
  OG_TRY(cli_open(c, 0, false, &db));
  cli_echo(c, db);
  og_status st = og_pool_new(c->cx, 0, &c->cx->rt->pool);
  if (st == OG_OK) st = og_db_optimize(c->cx, db, OG_STR(""), c->values[FLAG_AS], &r);
  if (st == OG_OK && cli_has(c, FLAG_JSON)) {
    og_json_writer w = cli_json(c);
    st = og_api_optimized(c->cx, &r, og_db_uri(db), &w);
    if (st == OG_OK) st = cli_end_json(c);
  } else if (st == OG_OK) {
    st = print_optimized(c, &r);
  }
  og_db_close(db);
  return st;
}

/* ---- branches */

static og_status print_branch_done(cli *c, og_db *db, const char *verb, og_str name, og_str from)
{
  if (!cli_has(c, FLAG_JSON)) {
    if (!from.ptr) return cli_printf(c, "%s branch " OG_STR_FMT "\n", verb, OG_STR_ARG(name));
    return cli_printf(c, "%s branch " OG_STR_FMT " from " OG_STR_FMT "\n", verb, OG_STR_ARG(name), OG_STR_ARG(from));
  }
  og_json_writer w = cli_json(c);
  OG_TRY(og_json_begin_object(c->cx, &w));
  OG_TRY(og_json_kv_str(c->cx, &w, "uri", og_db_uri(db)));
  if (from.ptr) OG_TRY(og_json_kv_str(c->cx, &w, "from", from));
  OG_TRY(og_json_kv_str(c->cx, &w, "name", name));
  OG_TRY(og_json_key(c->cx, &w, OG_STR("actor_id")));
  OG_TRY(cli_has(c, FLAG_AS) ? og_json_str(c->cx, &w, c->values[FLAG_AS]) : og_json_null(c->cx, &w));
  OG_TRY(og_json_end_object(c->cx, &w));
  return cli_end_json(c);
}

og_status cmd_branch_create(cli *c)
{
  og_db *db;
  og_str name = og_str_trim(cli_positional(c, 0)), from = cli_branch_or_main(c->values[FLAG_FROM]);
  OG_TRY(cli_open(c, 1, false, &db));
  cli_echo(c, db);
  og_status st = og_db_branch_create(c->cx, db, name, from, c->values[FLAG_AS]);
  if (st == OG_OK) st = print_branch_done(c, db, "created", name, from);
  og_db_close(db);
  return st;
}

og_status cmd_branch_delete(cli *c)
{
  og_db *db;
  og_str name = og_str_trim(cli_positional(c, 0));
  OG_TRY(cli_open(c, 1, false, &db));
  cli_echo(c, db);
  og_status st = og_db_branch_delete(c->cx, db, name, c->values[FLAG_AS]);
  if (st == OG_OK) st = print_branch_done(c, db, "deleted", name, OG_STR_NONE);
  og_db_close(db);
  return st;
}

static og_status print_branches(cli *c, const og_vec *branches)
{
  og_json_writer w = cli_json(c);
  if (cli_has(c, FLAG_JSON)) {
    OG_TRY(og_json_begin_object(c->cx, &w));
    OG_TRY(og_json_key(c->cx, &w, OG_STR("branches")));
    OG_TRY(og_json_begin_array(c->cx, &w));
  }
  for (size_t i = 0; i < branches->len; i++) {
    og_str name = OG_VEC_AT(branches, og_branch_info, i).name;
    OG_TRY(cli_has(c, FLAG_JSON) ? og_json_str(c->cx, &w, name) : cli_printf(c, OG_STR_FMT "\n", OG_STR_ARG(name)));
  }
  if (!cli_has(c, FLAG_JSON)) return OG_OK;
  OG_TRY(og_json_end_array(c->cx, &w));
  OG_TRY(og_json_end_object(c->cx, &w));
  return cli_end_json(c);
}

og_status cmd_branch_list(cli *c)
{
  og_db *db;
  og_vec branches = OG_VEC_INIT(og_branch_info);
  OG_TRY(cli_open(c, 0, true, &db));
  og_status st = og_db_branches(c->cx, db, &branches);
  if (st == OG_OK) st = print_branches(c, &branches);
  og_vec_cleanup(&branches);
  og_db_close(db);
  return st;
}

/* ---- commits */

static og_status ulid_or_none(cli *c, const char *key, bool has, const og_ulid *id)
{
  char text[OG_ULID_LEN];
  if (!has) return cli_printf(c, "%s: none\n", key);
  og_ulid_format(id, text);
  return cli_printf(c, "%s: %.26s\n", key, text);
}

static og_status print_commit_line(cli *c, const og_commit *k)
{
  char text[OG_ULID_LEN];
  og_ulid_format(&k->id, text);
  return cli_printf(c, "%.26s graph_branch=" OG_STR_FMT " graph_manifest_version=%" PRIu64 " actor=" OG_STR_FMT "\n",
                    text, OG_STR_ARG(cli_branch_or_main(k->branch)), k->manifest_version,
                    OG_STR_ARG(k->actor.len ? k->actor : OG_STR("none")));
}

static og_status print_commits(cli *c, const og_vec *commits)
{
  og_json_writer w = cli_json(c);
  if (!cli_has(c, FLAG_JSON)) {
    for (size_t i = 0; i < commits->len; i++) OG_TRY(print_commit_line(c, &OG_VEC_AT(commits, og_commit, i)));
    return OG_OK;
  }
  OG_TRY(og_json_begin_object(c->cx, &w));
  OG_TRY(og_json_key(c->cx, &w, OG_STR("commits")));
  OG_TRY(og_json_begin_array(c->cx, &w));
  for (size_t i = 0; i < commits->len; i++) OG_TRY(og_api_commit(c->cx, &OG_VEC_AT(commits, og_commit, i), &w));
  OG_TRY(og_json_end_array(c->cx, &w));
  OG_TRY(og_json_end_object(c->cx, &w));
  return cli_end_json(c);
}

og_status cmd_commit_list(cli *c)
{
  og_db *db;
  og_vec commits = OG_VEC_INIT(og_commit);
  OG_TRY(cli_open(c, 0, true, &db));
  og_status st = og_db_commits(c->cx, db, c->values[FLAG_BRANCH], &commits);
  if (st == OG_OK) st = print_commits(c, &commits);
  og_vec_cleanup(&commits);
  og_db_close(db);
  return st;
}

og_status cmd_commit_show(cli *c)
{
  og_db *db;
  og_commit k;
  OG_TRY(cli_open(c, 1, true, &db));
  og_status st = og_db_commit(c->cx, db, c->values[FLAG_BRANCH], cli_positional(c, 0), &k);
  og_db_close(db);
  OG_TRY(st);
  if (cli_has(c, FLAG_JSON)) {
    og_json_writer w = cli_json(c);
    OG_TRY(og_api_commit(c->cx, &k, &w));
    return cli_end_json(c);
  }
  OG_TRY(ulid_or_none(c, "graph_commit_id", true, &k.id));
  OG_TRY(cli_printf(c, "graph_branch: " OG_STR_FMT "\ngraph_manifest_version: %" PRIu64 "\n",
                    OG_STR_ARG(cli_branch_or_main(k.branch)), k.manifest_version));
  OG_TRY(ulid_or_none(c, "parent_commit_id", k.has_parent, &k.parent));
  OG_TRY(ulid_or_none(c, "merged_parent_commit_id", k.has_merged_parent, &k.merged_parent));
  return cli_printf(c, "actor_id: " OG_STR_FMT "\ncreated_at: %" PRId64 "\n",
                    OG_STR_ARG(k.actor.len ? k.actor : OG_STR("none")), k.created_us);
}

/* ---- lint */

static og_status print_lint(cli *c, const og_lint_report *r)
{
  for (uint32_t i = 0; i < r->n_queries; i++) {
    const og_lint_query *q = &r->queries[i];
    OG_TRY(cli_printf(c, "%s query `" OG_STR_FMT "` (%s)%s" OG_STR_FMT "\n", q->ok ? "OK   " : "ERROR",
                      OG_STR_ARG(q->name), q->is_mutation ? "mutation" : "read", q->ok ? "" : ": ",
                      OG_STR_ARG(q->ok ? OG_STR("") : q->error)));
    for (uint32_t k = 0; k < q->n_warnings; k++)
      OG_TRY(cli_printf(c, "WARN  query `" OG_STR_FMT "`: " OG_STR_FMT "\n", OG_STR_ARG(q->name),
                        OG_STR_ARG(q->warnings[k])));
  }
  static const char *const names[] = {"ERROR", "WARN ", "INFO "};
  for (uint32_t i = 0; i < r->n_findings; i++)
    OG_TRY(cli_printf(c, "%s %s " OG_STR_FMT "\n", names[r->findings[i].severity], r->findings[i].code,
                      OG_STR_ARG(r->findings[i].message)));
  return cli_printf(c, "INFO  Lint complete: %u queries processed, %u errors, %u warnings, %u infos\n", r->processed,
                    r->errors, r->warnings, r->infos);
}

og_status cmd_lint(cli *c)
{
  og_str source, where = c->values[FLAG_SCHEMA], schema;
  og_lint_report r;
  bool from_file = cli_has(c, FLAG_SCHEMA);
  if (!cli_has(c, FLAG_QUERY)) return cli_usage(c, "`lint` needs --query FILE");
  OG_TRY(cli_read_file(c, c->values[FLAG_QUERY], &source));
  if (from_file) {
    og_catalog *catalog;
    OG_TRY(cli_read_file(c, where, &schema));
    OG_TRY(og_schema_check(c->cx, schema, where, &catalog));
    og_status st = og_query_lint(c->cx, c->cx->arena, catalog, source, c->values[FLAG_QUERY], &r);
    if (st == OG_OK && !cli_has(c, FLAG_JSON)) st = print_lint(c, &r);
    og_json_writer w = cli_json(c);
    if (st == OG_OK && cli_has(c, FLAG_JSON)) st = og_api_lint(c->cx, &r, "file", where, c->values[FLAG_QUERY], &w);
    og_catalog_unref(catalog);
    OG_TRY(st);
  } else {
    og_db *db;
    OG_TRY(cli_open(c, 0, true, &db));
    og_status st = og_db_lint(c->cx, db, source, c->values[FLAG_QUERY], &r);
    if (st == OG_OK && !cli_has(c, FLAG_JSON)) st = print_lint(c, &r);
    og_json_writer w = cli_json(c);
    if (st == OG_OK && cli_has(c, FLAG_JSON))
      st = og_api_lint(c->cx, &r, "graph", og_db_uri(db), c->values[FLAG_QUERY], &w);
    og_db_close(db);
    OG_TRY(st);
  }
  if (cli_has(c, FLAG_JSON)) OG_TRY(cli_end_json(c));
  if (r.ok) return OG_OK;
  OG_TRY(cli_flush(c));
  return og_fail(c->cx, OG_EINVALID, "lint found %u error%s", r.errors, r.errors == 1 ? "" : "s");
}

og_status cmd_lance_inspect(cli *c)
{
  uint64_t version = 0;
  bool sound;
  og_str number = cli_positional(c, 1);
  og_json_writer w = cli_json(c);
  if (number.len && (!og_str_to_u64(number, &version) || version == 0))
    return cli_usage(c, "a version is a number from 1 on, not '" OG_STR_FMT "'", OG_STR_ARG(number));
  OG_TRY(og_db_lance_inspect(c->cx, cli_positional(c, 0), c->values[FLAG_BRANCH], version, &w, &sound));
  OG_TRY(cli_end_json(c));
  OG_TRY(cli_flush(c));
  return sound ? OG_OK : og_fail(c->cx, OG_ECORRUPT, "the table is not sound: see \"problems\"");
}

og_status cmd_version(cli *c)
{
  return cli_printf(c, "omnigraph " OG_VERSION "\ninternal-schema 6\n");
}
