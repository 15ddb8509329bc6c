/* SPDX-License-Identifier: MIT */
/* db/export.c -- a snapshot as NDJSON that loads again: types by key (edges first), rows by id, every property present.
 *
 *  (1) A type's columns are decoded whole: rows come in the order of their ids, from everywhere in the table.
 *  (2) Rows are put in order by the first bytes of their ids as numbers (export_order.c).
 *  (3) Some thousand rows are a chunk, written as text into a buffer of its own.  A round of chunks is made on all
 *      threads by a task, while the caller's thread gives the one before to the callback: in order, and whatever the
 *      number of threads the same bytes.
 */
#include "arrow/json.h"
#include "base/env.h"
#include "base/pool.h"
#include "base/vec.h"
#include "db/export_order.h"
#include "db/internal.h"
#include "exec/view.h"

#define ROUND       16u            /* chunks */
#define CHUNK_ROWS  4096u          /* at most */
#define CHUNK_BYTES (512ull << 10) /* of values, about */

/* One column, and the text in front of its values. */
typedef struct part {
  og_column *column; /* one reference */
  og_str lead;
} part;

/* The rows of one type. */
typedef struct exporter {
  const og_type_def *type;
  part *parts; /* in the order of the text */
  uint32_t n_parts;
  const uint64_t *rows; /* live ones, by id */
  size_t n_rows, chunk_rows;
} exporter;

/* A round of chunks, from row `from` on. */
typedef struct round_of {
  const exporter *e;
  size_t from, n_chunks;
  og_buf texts[ROUND];
  og_ctx cx; /* the task's */
  og_error err;
  og_task *task;
} round_of;

/* ---- text */

static og_status put_value(og_ctx *cx, og_buf *out, const og_column *c, int64_t row)
{
  og_json_writer w;
  if (og_type_is_string(c->type.id) && !og_column_is_null(c, row)) return og_json_quote(cx, out, og_column_str(c, row));
  if (c->type.id == OG_TYPE_I32 && !og_column_is_null(c, row)) return og_buf_append_i64(cx, out, og_column_i32(c)[row]);
  og_json_writer_init(&w, out, false);
  return og_column_json(cx, &w, c, row);
}

static og_status put_row(og_ctx *cx, const exporter *e, int64_t row, og_buf *out)
{
  for (uint32_t i = 0; i < e->n_parts; i++) {
    OG_TRY(og_buf_append_str(cx, out, e->parts[i].lead));
    OG_TRY(put_value(cx, out, e->parts[i].column, row));
  }
  return og_buf_append_str(cx, out, OG_STR("}}\n"));
}

static og_status put_chunk(og_ctx *cx, void *arg, size_t item, unsigned worker)
{
  round_of *r = arg;
  const exporter *e = r->e;
  size_t from = r->from + item * e->chunk_rows;
  size_t to = e->n_rows - from < e->chunk_rows ? e->n_rows : from + e->chunk_rows;
  (void)worker;
  og_buf_clear(&r->texts[item]);
  for (size_t i = from; i < to; i++) OG_TRY(put_row(cx, e, (int64_t)e->rows[i], &r->texts[item]));
  return OG_OK;
}

static og_status put_round(void *arg)
{
  round_of *r = arg;
  return og_parallel(&r->cx, r->n_chunks, put_chunk, r);
}

/* ---- rounds */

/* Lets the round be made; where no thread can be had, before going on.  None when no rows are left. */
static void start(og_ctx *cx, const exporter *e, size_t from, round_of *r)
{
  size_t left = (e->n_rows - from + e->chunk_rows - 1) / e->chunk_rows;
  r->e = e;
  r->from = from;
  r->n_chunks = left < ROUND ? left : ROUND;
  og_ctx_child(&r->cx, cx, &r->err, cx->arena); /* nothing is taken from it */
  if (r->n_chunks == 0) return;
  bool worth_it = r->n_chunks > 1;
  if (worth_it && cx->env->ops->task_start(cx, put_round, r, &r->task) == OG_OK) return;
  og_error_clear(cx);
  r->task = NULL;
  (void)!put_round(r); /* r->err holds its error */
}

static og_status join(og_ctx *cx, round_of *r)
{
  if (r->task) (void)!cx->env->ops->task_join(cx, r->task);
  r->task = NULL;
  if (r->err.status != OG_OK) *cx->err = r->err;
  return r->err.status;
}

static og_status give(og_ctx *cx, const round_of *r, og_write_fn write, void *arg)
{
  for (size_t i = 0; i < r->n_chunks; i++) {
    OG_TRY(og_ctx_poll(cx));
    OG_TRY(write(cx, arg, og_buf_str(&r->texts[i])));
  }
  return OG_OK;
}

static og_status write_rows(og_ctx *cx, const exporter *e, og_write_fn write, void *arg)
{
  round_of *rounds = og_calloc(cx, 2, sizeof *rounds);
  og_status st = OG_OK;
  unsigned now = 0;
  if (!rounds) return OG_ENOMEM;
  start(cx, e, 0, &rounds[0]);
  while (st == OG_OK && rounds[now].n_chunks) {
    st = join(cx, &rounds[now]);
    if (st != OG_OK) break;
    size_t next = rounds[now].from + rounds[now].n_chunks * e->chunk_rows;
    start(cx, e, next < e->n_rows ? next : e->n_rows, &rounds[!now]);
    st = give(cx, &rounds[now], write, arg);
    now = !now;
  }
  const og_error why = *cx->err;
  for (int i = 0; i < 2; i++) {
    if (rounds[i].task) (void)!join(cx, &rounds[i]);
    for (unsigned k = 0; k < ROUND; k++) og_buf_cleanup(&rounds[i].texts[k]);
  }
  if (st != OG_OK) *cx->err = why;
  og_free(rounds);
  return st;
}

/* ---- a type */

static og_status add_part(og_ctx *cx, exporter *e, uint32_t column, const char *before, og_str name)
{
  OG_AUTO(og_buf) lead = {0};
  part *p = &e->parts[column];
  OG_TRY(og_buf_append_str(cx, &lead, og_str_of(before)));
  OG_TRY(og_json_quote(cx, &lead, name));
  OG_TRY(og_buf_append_byte(cx, &lead, ':'));
  return og_arena_str(cx, cx->arena, og_buf_str(&lead), &p->lead);
}

/* {"edge":"Knows","from":… ,"to":… ,"data":{"id":… ,"since":… */
static og_status make_leads(og_ctx *cx, exporter *e)
{
  const og_type_def *t = e->type;
  uint32_t first = og_type_first_property(t), at = 0;
  OG_AUTO(og_buf) front = {0};
  OG_TRY(og_buf_append_str(cx, &front, t->is_edge ? OG_STR("{\"edge\":") : OG_STR("{\"type\":")));
  OG_TRY(og_json_quote(cx, &front, t->name));
  OG_TRY(og_buf_append_str(cx, &front, t->is_edge ? OG_STR(",") : OG_STR(",\"data\":{")));
  OG_TRY(og_buf_append_byte(cx, &front, '\0'));
  const char *begin = (const char *)front.data;
  if (t->is_edge) {
    OG_TRY(add_part(cx, e, at++, begin, OG_STR("from")));
    OG_TRY(add_part(cx, e, at++, ",", OG_STR("to")));
    begin = ",\"data\":{";
  }
  OG_TRY(add_part(cx, e, at++, begin, OG_STR("id")));
  for (uint32_t p = 0; first + p < e->n_parts; p++) OG_TRY(add_part(cx, e, at++, ",", t->properties[p].name));
  return OG_OK;
}

typedef struct loading {
  exporter *e;
  og_lance_table *table;
} loading;

/* Where column `i` of the table stands in the text: source and target come before the id. */
static uint32_t part_of(const og_type_def *t, uint32_t i)
{
  if (!t->is_edge || i > OG_COLUMN_DST) return i;
  return i == OG_COLUMN_ID ? 2 : i - 1;
}

static og_status load_column(og_ctx *cx, void *arg, size_t item, unsigned worker)
{
  const loading *l = arg;
  (void)worker;
  uint32_t column = (uint32_t)item;
  return og_lance_table_column(cx, l->table, column, &l->e->parts[part_of(l->e->type, column)].column);
}

static uint64_t bytes_of(const exporter *e)
{
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < e->n_parts; i++)
    bytes += og_column_bytes(e->parts[i].column) + (uint64_t)e->parts[i].column->len;
  return bytes;
}

static og_status live_rows(og_ctx *cx, exporter *e, const og_view *v, og_vec *rows)
{
  OG_TRY(og_vec_reserve(cx, rows, (size_t)v->rows));
  for (uint64_t r = 0; r < v->rows; r++)
    if (og_view_is_live(v, r)) OG_TRY(og_vec_add(cx, rows, &r));
  OG_TRY(og_export__order(cx, e->parts[part_of(e->type, OG_COLUMN_ID)].column, rows->data, rows->len));
  e->rows = rows->data;
  e->n_rows = rows->len;
  uint64_t per_row = v->rows ? bytes_of(e) / v->rows + 1 : 1, fit = CHUNK_BYTES / per_row;
  e->chunk_rows = fit < 1 ? 1 : fit > CHUNK_ROWS ? CHUNK_ROWS : (size_t)fit;
  return OG_OK;
}

static og_status export_view(og_ctx *cx, const og_view *v, og_write_fn write, void *arg)
{
  og_vec rows = OG_VEC_INIT(uint64_t);
  exporter e = {.type = v->type, .n_parts = v->n_columns};
  e.parts = og_push_array(cx, (size_t)v->n_columns + 1, sizeof *e.parts);
  if (!e.parts) return OG_ENOMEM;
  loading l = {&e, v->table};
  og_status st = make_leads(cx, &e);
  if (st == OG_OK) st = og_parallel(cx, e.n_parts, load_column, &l);
  if (st == OG_OK) st = live_rows(cx, &e, v, &rows);
  if (st == OG_OK) st = write_rows(cx, &e, write, arg);
  for (uint32_t i = 0; i < e.n_parts; i++) og_column_unref(e.parts[i].column);
  og_vec_cleanup(&rows);
  return st;
}

static og_status export_type(og_ctx *cx, og_snapshot *s, const og_type_def *t, og_write_fn write, void *arg)
{
  og_view *v;
  OG_TRY(og_view_open(cx, s, t, &v));
  og_status st = v->rows ? export_view(cx, v, write, arg) : OG_OK;
  og_view_free(v);
  return st;
}

static bool wanted(og_str name, const og_str *types, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (og_str_eq(types[i], name)) return true;
  return n == 0;
}

static bool wants_kind(const og_change_filter *f, og_str kind)
{
  return wanted(kind, f->kinds, f->n_kinds);
}

og_status og_db__export(og_ctx *cx, og_snapshot *s, const og_change_filter *f, og_write_fn write, void *arg)
{
  const og_catalog *c = s->catalog;
  for (size_t i = 0; i < f->n_types; i++)
    if (!og_catalog_node(c, f->types[i]) && !og_catalog_edge_exact(c, f->types[i]))
      return og_fail(cx, OG_EINVALID, "unknown export type '" OG_STR_FMT "'", OG_STR_ARG(f->types[i]));
  for (uint32_t i = 0; i < c->n_edges && wants_kind(f, OG_STR("edge")); i++)
    if (wanted(c->edges[i].name, f->types, f->n_types)) OG_TRY(export_type(cx, s, &c->edges[i], write, arg));
  for (uint32_t i = 0; i < c->n_nodes && wants_kind(f, OG_STR("node")); i++)
    if (wanted(c->nodes[i].name, f->types, f->n_types)) OG_TRY(export_type(cx, s, &c->nodes[i], write, arg));
  return OG_OK;
}

og_status og_db_export(og_ctx *cx, og_db *db, og_str branch, const og_str *types, size_t n_types, og_write_fn write,
                       void *arg)
{
  og_snapshot *s;
  const og_change_filter filter = {.types = types, .n_types = n_types};
  OG_TRY(og_graph_snapshot(cx, og_db__graph(db), branch, &s));
  og_status st = og_db__export(cx, s, &filter, write, arg);
  og_snapshot_unref(s);
  return st;
}
