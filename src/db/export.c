/* SPDX-License-Identifier: MIT */
/* db/export.c -- a snapshot as NDJSON that loads again: types by key (edges first), rows by id, every property present.
 */
#include "arrow/json.h"
#include "base/vec.h"
#include "db/internal.h"
#include "exec/view.h"

#define CHUNK 1024u

typedef struct exporter {
  og_snapshot *s;
  og_write_fn write;
  void *arg;
  og_buf line;
} exporter;

typedef struct by_id {
  const og_column *ids;
} by_id;

static int cmp_ids(const void *a, const void *b, void *arg)
{
  const by_id *k = arg;
  return og_str_cmp(og_column_str(k->ids, (int64_t) * (const uint64_t *)a),
                    og_column_str(k->ids, (int64_t) * (const uint64_t *)b));
}

static og_status write_row(og_ctx *cx, exporter *e, const og_type_def *t, const og_batch *rows, int64_t i)
{
  og_json_writer w;
  uint32_t first = og_type_first_property(t);
  og_buf_clear(&e->line);
  og_json_writer_init(&w, &e->line, false);
  OG_TRY(og_json_begin_object(cx, &w));
  OG_TRY(og_json_kv_str(cx, &w, t->is_edge ? "edge" : "type", t->name));
  if (t->is_edge) {
    OG_TRY(og_json_kv_str(cx, &w, "from", og_column_str(rows->columns[OG_COLUMN_SRC], i)));
    OG_TRY(og_json_kv_str(cx, &w, "to", og_column_str(rows->columns[OG_COLUMN_DST], i)));
  }
  OG_TRY(og_json_key(cx, &w, OG_STR("data")));
  OG_TRY(og_json_begin_object(cx, &w));
  OG_TRY(og_json_kv_str(cx, &w, "id", og_column_str(rows->columns[OG_COLUMN_ID], i)));
  for (uint32_t p = 0; p < t->n_properties; p++) {
    OG_TRY(og_json_key(cx, &w, t->properties[p].name));
    OG_TRY(og_column_json(cx, &w, rows->columns[first + p], i));
  }
  OG_TRY(og_json_end_object(cx, &w));
  OG_TRY(og_json_end_object(cx, &w));
  OG_TRY(og_buf_append_byte(cx, &e->line, '\n'));
  return e->write(cx, e->arg, og_buf_str(&e->line));
}

static og_status write_rows(og_ctx *cx, exporter *e, og_view *v, const uint64_t *rows, size_t n)
{
  uint32_t *columns = og_push_array(cx, v->n_columns + 1, sizeof *columns);
  if (!columns) return OG_ENOMEM;
  for (uint32_t i = 0; i < v->n_columns; i++) columns[i] = i;
  for (size_t from = 0; from < n; from += CHUNK) {
    size_t m = n - from < CHUNK ? n - from : CHUNK;
    og_batch *batch;
    OG_TRY(og_ctx_poll(cx));
    OG_TRY(og_lance_table_take(cx, v->table, columns, v->n_columns, rows + from, m, &batch));
    og_status st = OG_OK;
    for (size_t i = 0; st == OG_OK && i < m; i++) st = write_row(cx, e, v->type, batch, (int64_t)i);
    og_batch_unref(batch);
    OG_TRY(st);
  }
  return OG_OK;
}

/* Whole columns sorted at once when a type is large: taking rows in id order from everywhere would decode pages over
 * and over. */
static og_status write_sorted(og_ctx *cx, exporter *e, og_view *v, const uint64_t *rows, size_t n)
{
  og_column **cols = og_calloc(cx, v->n_columns + 1, sizeof(og_column *));
  og_batch *batch = NULL;
  og_status st = cols ? OG_OK : OG_ENOMEM;
  for (uint32_t i = 0; st == OG_OK && i < v->n_columns; i++) {
    og_column *whole;
    st = og_lance_table_column(cx, v->table, i, &whole);
    if (st != OG_OK) break;
    st = og_column_take(cx, whole, (const int64_t *)rows, (int64_t)n, &cols[i]);
    og_column_unref(whole);
  }
  if (st == OG_OK)
    st = og_batch_new(cx, og_lance_table_schema(v->table)->arrow, cols, v->n_columns, (int64_t)n, &batch);
  for (size_t i = 0; st == OG_OK && i < n; i++) {
    if (i % CHUNK == 0) st = og_ctx_poll(cx);
    if (st == OG_OK) st = write_row(cx, e, v->type, batch, (int64_t)i);
  }
  og_batch_unref(batch);
  for (uint32_t i = 0; cols && i < v->n_columns; i++) og_column_unref(cols[i]);
  og_free(cols);
  return st;
}

static og_status export_view(og_ctx *cx, exporter *e, og_view *v)
{
  by_id key;
  og_vec rows = OG_VEC_INIT(uint64_t);
  og_status st = og_view_column(cx, v, OG_FIELD_ID, &key.ids);
  for (uint64_t r = 0; st == OG_OK && r < v->rows; r++)
    if (og_view_is_live(v, r)) st = og_vec_add(cx, &rows, &r);
  if (st == OG_OK) st = og_sort(cx, rows.data, rows.len, sizeof(uint64_t), cmp_ids, &key);
  if (st == OG_OK)
    st = rows.len > 4 * CHUNK ? write_sorted(cx, e, v, rows.data, rows.len) : write_rows(cx, e, v, rows.data, rows.len);
  og_vec_cleanup(&rows);
  return st;
}

static og_status export_type(og_ctx *cx, exporter *e, const og_type_def *t)
{
  og_view *v;
  OG_TRY(og_view_open(cx, e->s, t, &v));
  og_status st = export_view(cx, e, v);
  og_view_free(v);
  return st;
}

static bool wanted(og_str name, const og_str *types, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (og_str_eq(types[i], name)) return true;
  return n == 0;
}

static og_status export_all(og_ctx *cx, exporter *e, const og_str *types, size_t n)
{
  const og_catalog *c = e->s->catalog;
  for (size_t i = 0; i < n; i++)
    if (!og_catalog_node(c, types[i]) && !og_catalog_edge_exact(c, types[i]))
      return og_fail(cx, OG_EINVALID, "unknown export type '" OG_STR_FMT "'", OG_STR_ARG(types[i]));
  for (uint32_t i = 0; i < c->n_edges; i++)
    if (wanted(c->edges[i].name, types, n)) OG_TRY(export_type(cx, e, &c->edges[i]));
  for (uint32_t i = 0; i < c->n_nodes; i++)
    if (wanted(c->nodes[i].name, types, n)) OG_TRY(export_type(cx, e, &c->nodes[i]));
  return OG_OK;
}

og_status og_db_export(og_ctx *cx, og_db *db, og_str branch, const og_str *types, size_t n_types, og_write_fn write,
                       void *arg)
{
  exporter e = {.write = write, .arg = arg};
  OG_TRY(og_graph_snapshot(cx, og_db__graph(db), branch, &e.s));
  og_status st = export_all(cx, &e, types, n_types);
  og_buf_cleanup(&e.line);
  og_snapshot_unref(e.s);
  return st;
}
