/* SPDX-License-Identifier: MIT */
/* graph/contract.c -- the accepted schema: a row of the log, mirrored as three files at the root.
 *
 *   row `schema`   metadata {"source": …, "ir": …, "state": …}: the texts of the three files; "generation" counts
 *                  changes, "before" has the hashes of the IRs there were
 *   files          _schema.pg, _schema.ir.json, __schema_state.json
 *
 *  (1) The row is the authority; it is published in the same version as the tables it describes.
 *  (2) The files are written after it, and healed by any opener for writing.  They are for people and for readers of
 *      the original engine.
 *  (3) A graph without a row was made by the original engine: its files are the contract.
 */
#include "graph/internal.h"

#include "base/json.h"
#include "base/limits.h"

static const char *const file_names[3] = {"_schema.pg", "_schema.ir.json", "__schema_state.json"};

og_status og_contract__row(og_ctx *cx, og_arena *a, const og_contract *c, og_log_row *out)
{
  OG_AUTO(og_buf) json = {0};
  og_json_writer w;
  og_json_writer_init(&w, &json, false);
  OG_TRY(og_json_begin_object(cx, &w));
  OG_TRY(og_json_kv_str(cx, &w, "source", c->source));
  OG_TRY(og_json_kv_str(cx, &w, "ir", c->ir));
  OG_TRY(og_json_kv_str(cx, &w, "state", c->state));
  OG_TRY(og_json_kv_u64(cx, &w, "generation", c->generation));
  OG_TRY(og_json_key(cx, &w, OG_STR("before")));
  OG_TRY(og_json_begin_array(cx, &w));
  for (size_t i = 0; i < c->n_before; i++) OG_TRY(og_json_str(cx, &w, c->before[i]));
  OG_TRY(og_json_end_array(cx, &w));
  OG_TRY(og_json_end_object(cx, &w));
  return og_row_private(cx, a, OG_ROW_SCHEMA, OG_STR("schema"), og_buf_str(&json), out);
}

static og_status read_file(og_ctx *cx, og_graph *g, const char *name, og_str *out)
{
  OG_AUTO(og_buf) text = {0};
  OG_TRY_NOTE(cx, og_store_get(cx, g->store, og_str_of(name), OG_LIMIT_SOURCE_BYTES * 8ull, &text),
              "while reading the schema of the graph");
  return og_arena_str(cx, cx->arena, og_buf_str(&text), out);
}

static og_status read_before(og_ctx *cx, const og_json *json, og_contract *out)
{
  const og_json *list = og_json_get(json, OG_STR("before"));
  if (!og_json_get_u64(json, OG_STR("generation"), &out->generation)) out->generation = 0;
  if (!list || list->kind != OG_JSON_ARRAY) return OG_OK; /* written before there were changes */
  og_str *before = og_push_array(cx, list->u.array.len + 1, sizeof *before);
  if (!before) return OG_ENOMEM;
  for (size_t i = 0; i < list->u.array.len; i++)
    if (list->u.array.items[i].kind == OG_JSON_STRING) before[out->n_before++] = list->u.array.items[i].u.str;
  out->before = before;
  return OG_OK;
}

og_status og_contract__of_files(og_ctx *cx, og_graph *g, og_contract *out)
{
  *out = (og_contract){0};
  OG_TRY(read_file(cx, g, file_names[0], &out->source));
  OG_TRY(read_file(cx, g, file_names[1], &out->ir));
  return read_file(cx, g, file_names[2], &out->state);
}

og_status og_contract__of_fold(og_ctx *cx, og_graph *g, const og_fold *f, og_contract *out)
{
  if (!f->schema) return og_contract__of_files(cx, g, out);
  *out = (og_contract){0};
  const og_json *json;
  OG_TRY_NOTE(cx, og_json_read(cx, cx->arena, f->schema->metadata, &json),
              "while reading the schema row of __manifest");
  if (og_json_get_str(json, OG_STR("source"), &out->source) && og_json_get_str(json, OG_STR("ir"), &out->ir) &&
      og_json_get_str(json, OG_STR("state"), &out->state))
    return read_before(cx, json, out);
  return og_fail(cx, OG_ECORRUPT, "the schema row of __manifest lacks a member");
}

/* Every live table has its type and every type its table, under the same identity. */
static og_status check_tables(og_ctx *cx, const og_fold *f, const og_catalog *c)
{
  for (uint32_t i = 0; i < f->n_tables; i++) {
    const og_type_def *t = og_catalog_table(c, f->tables[i].key);
    if (!t || t->id != f->tables[i].table_id || t->incarnation != f->tables[i].incarnation)
      return og_fail(cx, OG_ECORRUPT, "table '" OG_STR_FMT "' of the graph is not in its accepted schema",
                     OG_STR_ARG(f->tables[i].key));
  }
  if (f->n_tables != c->n_nodes + c->n_edges)
    return og_fail(cx, OG_ECORRUPT, "the accepted schema has %u types, the graph %u tables", c->n_nodes + c->n_edges,
                   f->n_tables);
  return OG_OK;
}

bool og_contract__same(const og_fold *a, const og_fold *b)
{
  if (!a->schema || !b->schema) return a->schema == b->schema;
  return og_str_eq(a->schema->metadata, b->schema->metadata);
}

bool og_contract__fits(const og_catalog *c, const og_fold *f)
{
  bool fits = f->n_tables == c->n_nodes + c->n_edges;
  for (uint32_t i = 0; fits && i < f->n_tables; i++) {
    const og_type_def *t = og_catalog_table(c, f->tables[i].key);
    fits = t && t->id == f->tables[i].table_id && t->incarnation == f->tables[i].incarnation;
  }
  return fits;
}

static og_catalog *cached(og_graph *g, og_str key)
{
  og_catalog *hit = NULL;
  og_mutex_lock(&g->mu);
  if (g->catalog && og_str_eq(og_str_of(g->catalog_key), key)) hit = og_catalog_ref(g->catalog);
  og_mutex_unlock(&g->mu);
  return hit;
}

static void remember(og_ctx *cx, og_graph *g, og_str key, og_catalog *c)
{
  char *copy = og_strdup(cx, key);
  if (!copy) {
    og_error_clear(cx); /* a cache that cannot grow is no failure */
    return;
  }
  og_mutex_lock(&g->mu);
  og_catalog *old = g->catalog;
  char *old_key = g->catalog_key;
  g->catalog = og_catalog_ref(c);
  g->catalog_key = copy;
  og_mutex_unlock(&g->mu);
  og_catalog_unref(old);
  og_free(old_key);
}

og_status og_contract__catalog(og_ctx *cx, og_graph *g, const og_fold *f, og_catalog **out)
{
  og_contract contract = {0};
  OG_TRY(og_contract__of_fold(cx, g, f, &contract));
  og_catalog *c = cached(g, contract.state);
  if (!c) {
    OG_TRY_NOTE(cx, og_schema_restore(cx, contract.source, contract.ir, contract.state, &c),
                "while reading the accepted schema of the graph at '" OG_STR_FMT "'",
                OG_STR_ARG(og_store_root(g->store)));
    remember(cx, g, contract.state, c);
  }
  og_status st = check_tables(cx, f, c);
  if (st != OG_OK) {
    og_catalog_unref(c);
    og_note(cx, st, "while opening the graph at '" OG_STR_FMT "'", OG_STR_ARG(og_store_root(g->store)));
  } else {
    *out = c;
  }
  return st;
}

og_status og_contract__mirror(og_ctx *cx, og_store *store, const og_contract *c)
{
  const og_str texts[3] = {c->source, c->ir, c->state};
  for (int i = 0; i < 3; i++) {
    OG_AUTO(og_buf) have = {0};
    og_status st = og_store_get(cx, store, og_str_of(file_names[i]), OG_LIMIT_SOURCE_BYTES * 8ull, &have);
    if (st == OG_OK && og_str_eq(og_buf_str(&have), texts[i])) continue;
    if (st != OG_OK && st != OG_ENOTFOUND && st != OG_ELIMIT) return st;
    og_error_clear(cx);
    OG_TRY(og_store_put(cx, store, og_str_of(file_names[i]), texts[i]));
  }
  return OG_OK;
}
