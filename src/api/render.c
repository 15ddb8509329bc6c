/* SPDX-License-Identifier: MIT */
#include "api/render.h"

#define TRY_KV_STR(key, s) OG_TRY(og_json_kv_str(cx, w, key, s))
#define TRY_KV_U64(key, v) OG_TRY(og_json_kv_u64(cx, w, key, v))

static og_status opt_str(og_ctx *cx, og_json_writer *w, const char *key, og_str s)
{
  return s.len ? og_json_kv_str(cx, w, key, s) : og_json_kv_null(cx, w, key);
}

static og_status opt_ulid(og_ctx *cx, og_json_writer *w, const char *key, bool has, const og_ulid *id)
{
  char text[OG_ULID_LEN];
  if (!has) return og_json_kv_null(cx, w, key);
  og_ulid_format(id, text);
  return og_json_kv_str(cx, w, key, og_str_from(text, sizeof text));
}

/* ---- errors */

static og_status begin_detail(og_ctx *cx, og_json_writer *w, const char *key)
{
  OG_TRY(og_json_key(cx, w, og_str_of(key)));
  return og_json_begin_object(cx, w);
}

static og_status put_detail(og_ctx *cx, const og_detail *d, const og_api_extra *extra, og_json_writer *w)
{
  switch (d->kind) {
  case OG_DETAIL_KEY_CONFLICT:
    OG_TRY(begin_detail(cx, w, "key_conflict"));
    TRY_KV_STR("entity_kind", og_str_of(d->entity_kind));
    TRY_KV_STR("type_name", og_str_of(d->type_name));
    TRY_KV_STR("entity_id", og_str_of(d->entity_id));
    return og_json_end_object(cx, w);
  case OG_DETAIL_RESOURCE_LIMIT:
    OG_TRY(begin_detail(cx, w, "resource_limit"));
    TRY_KV_STR("resource", og_str_of(d->resource));
    TRY_KV_U64("limit", d->limit);
    TRY_KV_U64("actual", d->used);
    return og_json_end_object(cx, w);
  case OG_DETAIL_PRECONDITION:
    OG_TRY(begin_detail(cx, w, "precondition_failure"));
    TRY_KV_STR("expected", og_str_of(d->expected));
    OG_TRY(opt_str(cx, w, "actual", og_str_of(d->actual)));
    return og_json_end_object(cx, w);
  case OG_DETAIL_POSITION:
    OG_TRY(begin_detail(cx, w, "position"));
    TRY_KV_U64("line", d->line);
    TRY_KV_U64("column", d->column);
    return og_json_end_object(cx, w);
  case OG_DETAIL_OUTCOME_UNKNOWN:
    OG_TRY(begin_detail(cx, w, "outcome_unknown"));
    TRY_KV_STR("graph_commit_id", og_str_of(d->entity_id));
    return og_json_end_object(cx, w);
  case OG_DETAIL_DIFF_REFUSAL:
    OG_TRY(begin_detail(cx, w, "change_diff_refusal"));
    TRY_KV_STR("reason", og_str_of(d->resource));
    TRY_KV_STR("graph_commit_id", og_str_of(d->entity_id));
    if (d->type_name[0]) TRY_KV_STR("type_name", og_str_of(d->type_name));
    return og_json_end_object(cx, w);
  case OG_DETAIL_FEED_GAP:
    OG_TRY(begin_detail(cx, w, "change_feed_gap"));
    if (extra && extra->cursor.ptr) TRY_KV_STR("cursor", extra->cursor);
    TRY_KV_STR("first_unreadable_commit_id", og_str_of(d->entity_id));
    return og_json_end_object(cx, w);
  default: return OG_OK;
  }
}

static og_status put_conflicts(og_ctx *cx, const og_api_extra *extra, og_json_writer *w)
{
  if (!extra || extra->n_conflicts == 0) return OG_OK;
  OG_TRY(og_json_key(cx, w, OG_STR("merge_conflicts")));
  OG_TRY(og_json_begin_array(cx, w));
  for (size_t i = 0; i < extra->n_conflicts; i++) {
    const og_merge_conflict *c = &extra->conflicts[i];
    OG_TRY(og_json_begin_object(cx, w));
    TRY_KV_STR("entity_kind", c->is_edge ? OG_STR("edge") : OG_STR("node"));
    TRY_KV_STR("type_name", c->type_name);
    if (c->entity_id.ptr) TRY_KV_STR("entity_id", c->entity_id);
    TRY_KV_STR("kind", og_str_of(og_conflict_kind_name(c->kind)));
    TRY_KV_STR("message", c->message);
    OG_TRY(og_json_end_object(cx, w));
  }
  return og_json_end_array(cx, w);
}

og_status og_api_error(og_ctx *cx, const og_error *e, const og_api_extra *extra, og_json_writer *w)
{
  og_str code = og_str_of(og_status_code(e->status));
  OG_TRY(og_json_begin_object(cx, w));
  TRY_KV_STR("error", og_str_of(e->text));
  if (code.len && e->detail.kind != OG_DETAIL_DIFF_REFUSAL) TRY_KV_STR("code", code); /* its object tells */
  OG_TRY(put_detail(cx, &e->detail, extra, w));
  OG_TRY(put_conflicts(cx, extra, w));
  return og_json_end_object(cx, w);
}

/* ---- answers */

og_status og_api_commit(og_ctx *cx, const og_commit *c, og_json_writer *w)
{
  OG_TRY(og_json_begin_object(cx, w));
  OG_TRY(opt_ulid(cx, w, "graph_commit_id", true, &c->id));
  OG_TRY(opt_str(cx, w, "graph_branch", c->branch));
  TRY_KV_U64("graph_manifest_version", c->manifest_version);
  OG_TRY(opt_ulid(cx, w, "parent_commit_id", c->has_parent, &c->parent));
  OG_TRY(opt_ulid(cx, w, "merged_parent_commit_id", c->has_merged_parent, &c->merged_parent));
  OG_TRY(opt_str(cx, w, "actor_id", c->actor));
  OG_TRY(og_json_kv_i64(cx, w, "created_at", c->created_us));
  return og_json_end_object(cx, w);
}

og_status og_api_target(og_ctx *cx, const og_db_target *t, og_json_writer *w)
{
  OG_TRY(og_json_begin_object(cx, w));
  OG_TRY(opt_str(cx, w, "branch", t->branch));
  OG_TRY(opt_str(cx, w, "snapshot", t->snapshot));
  return og_json_end_object(cx, w);
}

og_status og_api_result(og_ctx *cx, const og_result *r, og_json_writer *w)
{
  OG_TRY(og_json_begin_object(cx, w));
  TRY_KV_STR("query_name", r->query_name);
  OG_TRY(og_json_key(cx, w, OG_STR("target")));
  OG_TRY(og_api_target(cx, &r->target, w));
  OG_TRY(og_json_kv_i64(cx, w, "row_count", r->n_rows));
  OG_TRY(og_json_key(cx, w, OG_STR("columns")));
  OG_TRY(og_json_begin_array(cx, w));
  for (uint32_t c = 0; c < r->n_columns; c++) OG_TRY(og_json_str(cx, w, r->columns[c]));
  OG_TRY(og_json_end_array(cx, w));
  OG_TRY(og_json_key(cx, w, OG_STR("rows")));
  OG_TRY(og_json_begin_array(cx, w));
  for (int64_t i = 0; i < r->n_rows; i++) OG_TRY(og_result_put_row(cx, r, i, w));
  OG_TRY(og_json_end_array(cx, w));
  if (r->commit[0]) TRY_KV_STR("graph_commit_id", og_str_of(r->commit));
  return og_json_end_object(cx, w);
}

og_status og_api_write(og_ctx *cx, const og_write_result *r, og_str actor, og_json_writer *w)
{
  OG_TRY(og_json_begin_object(cx, w));
  TRY_KV_STR("branch", r->branch);
  TRY_KV_STR("query_name", r->query_name);
  TRY_KV_U64("affected_nodes", r->affected_nodes);
  TRY_KV_U64("affected_edges", r->affected_edges);
  OG_TRY(opt_str(cx, w, "actor_id", actor));
  OG_TRY(og_json_key(cx, w, OG_STR("commit")));
  OG_TRY(r->has_commit ? og_api_commit(cx, &r->commit, w) : og_json_null(cx, w));
  return og_json_end_object(cx, w);
}

static og_status put_counts(og_ctx *cx, og_json_writer *w, const char *key, const og_load_count *c, uint32_t n)
{
  OG_TRY(og_json_key(cx, w, og_str_of(key)));
  OG_TRY(og_json_begin_array(cx, w));
  for (uint32_t i = 0; i < n; i++) {
    OG_TRY(og_json_begin_object(cx, w));
    TRY_KV_STR("name", c[i].name);
    TRY_KV_U64("entities_loaded", c[i].loaded);
    OG_TRY(og_json_end_object(cx, w));
  }
  return og_json_end_array(cx, w);
}

static const char *mode_name(og_load_mode mode)
{
  return mode == OG_LOAD_OVERWRITE ? "overwrite" : mode == OG_LOAD_APPEND ? "append" : "merge";
}

og_status og_api_load(og_ctx *cx, const og_load_result *r, const og_load_args *args, og_str uri, og_json_writer *w)
{
  OG_TRY(og_json_begin_object(cx, w));
  TRY_KV_STR("uri", uri);
  TRY_KV_STR("branch", r->branch);
  OG_TRY(opt_str(cx, w, "base_branch", args->from));
  OG_TRY(og_json_kv_bool(cx, w, "branch_created", r->branch_created));
  TRY_KV_STR("mode", og_str_of(mode_name(args->mode)));
  OG_TRY(put_counts(cx, w, "nodes", r->nodes, r->n_nodes));
  OG_TRY(put_counts(cx, w, "edges", r->edges, r->n_edges));
  TRY_KV_U64("total_entities", r->total);
  OG_TRY(opt_str(cx, w, "actor_id", args->actor));
  OG_TRY(og_json_key(cx, w, OG_STR("commit")));
  OG_TRY(og_api_commit(cx, &r->commit, w));
  return og_json_end_object(cx, w);
}

og_status og_api_snapshot(og_ctx *cx, const og_snapshot_info *s, og_json_writer *w)
{
  OG_TRY(og_json_begin_object(cx, w));
  TRY_KV_STR("graph_branch", s->branch);
  TRY_KV_U64("graph_manifest_version", s->manifest_version);
  TRY_KV_U64("internal_schema_version", 6);
  OG_TRY(og_json_key(cx, w, OG_STR("datasets")));
  OG_TRY(og_json_begin_array(cx, w));
  for (uint32_t i = 0; i < s->n_datasets; i++) {
    const og_dataset_info *d = &s->datasets[i];
    OG_TRY(og_json_begin_object(cx, w));
    TRY_KV_STR("entity_kind", d->is_edge ? OG_STR("edge") : OG_STR("node"));
    TRY_KV_STR("type_name", d->type_name);
    TRY_KV_STR("dataset_path", d->path);
    TRY_KV_U64("published_dataset_version", d->version);
    OG_TRY(opt_str(cx, w, "native_dataset_branch", d->native_branch));
    TRY_KV_U64("entity_count", d->rows);
    OG_TRY(og_json_end_object(cx, w));
  }
  OG_TRY(og_json_end_array(cx, w));
  return og_json_end_object(cx, w);
}

og_status og_api_optimized(og_ctx *cx, const og_optimized *r, og_str uri, og_json_writer *w)
{
  OG_TRY(og_json_begin_object(cx, w));
  TRY_KV_STR("uri", uri);
  OG_TRY(og_json_key(cx, w, OG_STR("datasets")));
  OG_TRY(og_json_begin_array(cx, w));
  for (uint32_t i = 0; i < r->n_tables; i++) {
    const og_optimized_table *t = &r->tables[i];
    OG_TRY(og_json_begin_object(cx, w));
    TRY_KV_STR("type_key", t->key);
    TRY_KV_U64("fragments_removed", t->removed);
    TRY_KV_U64("fragments_added", t->added);
    OG_TRY(og_json_kv_bool(cx, w, "committed", t->removed > 0));
    TRY_KV_U64("published_dataset_version", t->version);
    OG_TRY(og_json_end_object(cx, w));
  }
  OG_TRY(og_json_end_array(cx, w));
  return og_json_end_object(cx, w);
}

/* ---- lint */

static og_status put_touches(og_ctx *cx, og_json_writer *w, const char *key, const og_lint_touch *t, uint32_t n)
{
  OG_TRY(og_json_key(cx, w, og_str_of(key)));
  OG_TRY(og_json_begin_array(cx, w));
  for (uint32_t i = 0; i < n; i++) {
    OG_TRY(og_json_begin_object(cx, w));
    TRY_KV_STR("kind", t[i].is_edge ? OG_STR("edge") : OG_STR("node"));
    TRY_KV_STR("type_name", t[i].type_name);
    OG_TRY(og_json_end_object(cx, w));
  }
  return og_json_end_array(cx, w);
}

static og_status put_operation(og_ctx *cx, og_json_writer *w, const og_lint_query *q)
{
  OG_TRY(begin_detail(cx, w, "operation"));
  OG_TRY(og_json_key(cx, w, OG_STR("result")));
  OG_TRY(og_json_begin_array(cx, w));
  for (uint32_t i = 0; i < q->n_result; i++) {
    const og_lint_column *c = &q->result[i];
    OG_TRY(og_json_begin_object(cx, w));
    TRY_KV_STR("name", c->name);
    TRY_KV_STR("kind", og_str_of(c->kind));
    if (c->item_kind) TRY_KV_STR("item_kind", og_str_of(c->item_kind));
    if (c->vector_dim) TRY_KV_U64("vector_dim", c->vector_dim);
    OG_TRY(og_json_kv_bool(cx, w, "nullable", c->nullable));
    OG_TRY(og_json_end_object(cx, w));
  }
  OG_TRY(og_json_end_array(cx, w));
  OG_TRY(put_touches(cx, w, "reads", q->reads, q->n_reads));
  OG_TRY(put_touches(cx, w, "writes", q->writes, q->n_writes));
  return og_json_end_object(cx, w);
}

static og_status put_lint_query(og_ctx *cx, og_json_writer *w, const og_lint_query *q)
{
  OG_TRY(og_json_begin_object(cx, w));
  TRY_KV_STR("name", q->name);
  TRY_KV_STR("kind", q->is_mutation ? OG_STR("mutation") : OG_STR("read"));
  TRY_KV_STR("status", q->ok ? OG_STR("ok") : OG_STR("error"));
  OG_TRY(og_json_key(cx, w, OG_STR("warnings")));
  OG_TRY(og_json_begin_array(cx, w));
  for (uint32_t i = 0; i < q->n_warnings; i++) OG_TRY(og_json_str(cx, w, q->warnings[i]));
  OG_TRY(og_json_end_array(cx, w));
  if (q->ok)
    OG_TRY(put_operation(cx, w, q));
  else
    TRY_KV_STR("error", q->error);
  return og_json_end_object(cx, w);
}

static og_status put_finding(og_ctx *cx, og_json_writer *w, const og_lint_finding *f)
{
  static const char *const names[] = {"error", "warning", "info"};
  OG_TRY(og_json_begin_object(cx, w));
  TRY_KV_STR("severity", og_str_of(names[f->severity]));
  TRY_KV_STR("code", og_str_of(f->code));
  TRY_KV_STR("message", f->message);
  if (f->type_name.len) TRY_KV_STR("type_name", f->type_name);
  if (f->property.len) TRY_KV_STR("property", f->property);
  return og_json_end_object(cx, w);
}

og_status og_api_lint(og_ctx *cx, const og_lint_report *r, const char *kind, og_str where, og_str query_path,
                      og_json_writer *w)
{
  OG_TRY(og_json_begin_object(cx, w));
  TRY_KV_STR("status", r->ok ? OG_STR("ok") : OG_STR("error"));
  OG_TRY(begin_detail(cx, w, "schema_source"));
  TRY_KV_STR("kind", og_str_of(kind));
  TRY_KV_STR(strcmp(kind, "file") == 0 ? "path" : "uri", where);
  OG_TRY(og_json_end_object(cx, w));
  TRY_KV_STR("query_path", query_path);
  TRY_KV_U64("queries_processed", r->processed);
  TRY_KV_U64("errors", r->errors);
  TRY_KV_U64("warnings", r->warnings);
  TRY_KV_U64("infos", r->infos);
  OG_TRY(og_json_key(cx, w, OG_STR("results")));
  OG_TRY(og_json_begin_array(cx, w));
  for (uint32_t i = 0; i < r->n_queries; i++) OG_TRY(put_lint_query(cx, w, &r->queries[i]));
  OG_TRY(og_json_end_array(cx, w));
  OG_TRY(og_json_key(cx, w, OG_STR("findings")));
  OG_TRY(og_json_begin_array(cx, w));
  for (uint32_t i = 0; i < r->n_findings; i++) OG_TRY(put_finding(cx, w, &r->findings[i]));
  OG_TRY(og_json_end_array(cx, w));
  return og_json_end_object(cx, w);
}

og_status og_api_merged(og_ctx *cx, const og_merged *m, og_str actor, bool dry_run, const bool *deleted,
                        og_str delete_error, og_json_writer *w)
{
  OG_TRY(og_json_begin_object(cx, w));
  TRY_KV_STR("source", m->source);
  TRY_KV_STR("target", m->target);
  TRY_KV_STR("outcome", og_str_of(og_merge_outcome_name(m->outcome)));
  if (dry_run) OG_TRY(og_json_kv_bool(cx, w, "dry_run", true));
  OG_TRY(opt_str(cx, w, "actor_id", actor));
  OG_TRY(opt_ulid(cx, w, "base_commit_id", true, &m->base));
  OG_TRY(opt_ulid(cx, w, "source_commit_id", true, &m->source_head));
  OG_TRY(opt_ulid(cx, w, "target_commit_id", true, &m->target_head));
  OG_TRY(og_json_key(cx, w, OG_STR("changes")));
  OG_TRY(og_json_begin_array(cx, w));
  for (uint32_t i = 0; i < m->n_counts; i++) {
    OG_TRY(og_json_begin_object(cx, w));
    TRY_KV_STR("type_key", m->counts[i].key);
    TRY_KV_U64("inserted", m->counts[i].inserted);
    TRY_KV_U64("updated", m->counts[i].updated);
    TRY_KV_U64("deleted", m->counts[i].deleted);
    OG_TRY(og_json_end_object(cx, w));
  }
  OG_TRY(og_json_end_array(cx, w));
  OG_TRY(og_json_key(cx, w, OG_STR("commit")));
  OG_TRY(m->has_commit ? og_api_commit(cx, &m->commit, w) : og_json_null(cx, w));
  if (deleted) OG_TRY(og_json_kv_bool(cx, w, "branch_deleted", *deleted));
  if (delete_error.len) TRY_KV_STR("branch_delete_error", delete_error);
  return og_json_end_object(cx, w);
}

og_status og_api_cleaned(og_ctx *cx, const og_cleaned *r, og_str uri, bool dry, og_json_writer *w)
{
  OG_TRY(og_json_begin_object(cx, w));
  TRY_KV_STR("uri", uri);
  if (dry) OG_TRY(og_json_kv_bool(cx, w, "dry_run", true));
  OG_TRY(og_json_key(cx, w, OG_STR("datasets")));
  OG_TRY(og_json_begin_array(cx, w));
  for (size_t i = 0; i < r->n_tables; i++) {
    OG_TRY(og_json_begin_object(cx, w));
    TRY_KV_STR("type_key", r->tables[i].key);
    TRY_KV_U64("old_versions_removed", r->tables[i].versions);
    TRY_KV_U64("files_removed", r->tables[i].files);
    TRY_KV_U64("bytes_removed", r->tables[i].bytes);
    OG_TRY(og_json_kv_null(cx, w, "error"));
    OG_TRY(og_json_end_object(cx, w));
  }
  OG_TRY(og_json_end_array(cx, w));
  TRY_KV_U64("orphans_removed", r->orphans);
  return og_json_end_object(cx, w);
}

/* ---- changes */

og_status og_api_cause(og_ctx *cx, const og_commit *c, og_json_writer *w)
{
  OG_TRY(og_json_begin_object(cx, w));
  OG_TRY(opt_ulid(cx, w, "graph_commit_id", true, &c->id));
  if (c->has_parent) OG_TRY(opt_ulid(cx, w, "parent_commit_id", true, &c->parent));
  if (c->has_merged_parent) OG_TRY(opt_ulid(cx, w, "merged_parent_commit_id", true, &c->merged_parent));
  TRY_KV_STR("authored_branch", c->branch.len ? c->branch : OG_STR("main"));
  if (c->actor.len) TRY_KV_STR("actor_id", c->actor);
  OG_TRY(og_json_kv_i64(cx, w, "authored_at", c->created_us));
  return og_json_end_object(cx, w);
}

static og_status put_image(og_ctx *cx, og_json_writer *w, const char *key, og_str image)
{
  if (!image.ptr) return OG_OK;
  OG_TRY(og_json_key(cx, w, og_str_of(key)));
  return og_json_raw(cx, w, image);
}

og_status og_api_change(og_ctx *cx, const og_change *c, og_json_writer *w)
{
  OG_TRY(og_json_begin_object(cx, w));
  TRY_KV_STR("kind", c->is_edge ? OG_STR("edge") : OG_STR("node"));
  OG_TRY(og_json_key(cx, w, OG_STR("type")));
  OG_TRY(og_json_begin_object(cx, w));
  TRY_KV_STR("id", c->type_id);
  TRY_KV_STR("name", c->type_name);
  OG_TRY(og_json_end_object(cx, w));
  TRY_KV_STR("id", c->id);
  TRY_KV_STR("op", og_str_of(og_delta_op_name(c->op)));
  OG_TRY(put_image(cx, w, "before", c->before));
  OG_TRY(put_image(cx, w, "after", c->after));
  return og_json_end_object(cx, w);
}

og_status og_api_change_counts(og_ctx *cx, const og_vec *counts, og_json_writer *w)
{
  OG_TRY(og_json_begin_object(cx, w));
  OG_TRY(og_json_key(cx, w, OG_STR("types")));
  OG_TRY(og_json_begin_array(cx, w));
  for (size_t i = 0; i < counts->len; i++) {
    const og_change_count *n = &OG_VEC_AT(counts, og_change_count, i);
    OG_TRY(og_json_begin_object(cx, w));
    TRY_KV_STR("kind", n->is_edge ? OG_STR("edge") : OG_STR("node"));
    TRY_KV_STR("type_name", n->type_name);
    TRY_KV_U64("inserted", n->inserted);
    TRY_KV_U64("updated", n->updated);
    TRY_KV_U64("deleted", n->deleted);
    OG_TRY(og_json_end_object(cx, w));
  }
  OG_TRY(og_json_end_array(cx, w));
  return og_json_end_object(cx, w);
}

og_status og_api_commit_changes(og_ctx *cx, const og_change_block *b, og_str next, og_json_writer *w)
{
  OG_TRY(og_json_begin_object(cx, w));
  OG_TRY(og_json_key(cx, w, OG_STR("cause")));
  OG_TRY(og_api_cause(cx, &b->cause, w));
  OG_TRY(og_json_key(cx, w, OG_STR("changes")));
  OG_TRY(og_json_begin_array(cx, w));
  for (size_t i = 0; i < b->n_changes; i++) OG_TRY(og_api_change(cx, &b->changes[i], w));
  OG_TRY(og_json_end_array(cx, w));
  if (next.ptr) TRY_KV_STR("next_page_token", next);
  return og_json_end_object(cx, w);
}
