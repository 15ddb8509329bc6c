/* SPDX-License-Identifier: MIT */
/* engine.c -- the same question to the database: a graph in memory, asked through og_db. */
#include "model.h"

#include "arrow/kernels.h"
#include "base/pool.h"
#include "db/db.h"
#include "og_test.h"

const m_setup m_setups[] = {
    {.name = "1 thread", .threads = 1},
    {.name = "2 threads", .threads = 2},
    {.name = "1 thread, op by op", .threads = 1, .by_ops = true},
    {.name = "2 threads, op by op", .threads = 2, .by_ops = true},
};
const uint32_t m_n_setups = OG_ARRAY_LEN(m_setups);

struct m_engine {
  og_db *db;
  og_pool *pool;
};

m_engine *m_engine_open(og_ctx *cx, const m_graph *g)
{
  og_buf schema = {0}, rows = {0};
  og_store *store;
  m_engine *e = m_take(cx, 1, sizeof *e);
  m_write_schema(cx, g, &schema);
  m_write_rows(cx, g, &rows);
  OG_CHECK_OK(cx, og_store_memory_new(cx, &store));
  OG_CHECK_OK(cx, og_graph_init(cx, store, og_buf_str(&schema), OG_STR("schema.pg"), false, OG_STR_NONE));
  OG_CHECK_OK(cx, og_db_open_store(cx, store, false, &e->db));
  og_store_unref(store);
  OG_CHECK_OK(cx, og_pool_new(cx, 2, &e->pool));
  if (rows.len) {
    og_load_result loaded;
    const og_load_args args = {.bytes = og_buf_str(&rows), .mode = OG_LOAD_APPEND};
    OG_CHECK_OK(cx, og_db_load(cx, e->db, &args, &loaded));
  }
  og_buf_cleanup(&schema);
  og_buf_cleanup(&rows);
  return e;
}

void m_engine_close(og_ctx *cx, m_engine *e)
{
  (void)cx;
  og_db_close(e->db);
  og_pool_free(e->pool);
}

/* ---- answers */

static m_val cell(og_ctx *cx, const og_column *c, int64_t i)
{
  if (og_column_is_null(c, i)) return m_null();
  if (og_type_is_nested(c->type.id)) {
    int64_t from, to;
    og_column_list(c, i, &from, &to);
    m_val *items = m_take(cx, (size_t)(to - from), sizeof *items);
    for (int64_t k = from; k < to; k++) items[k - from] = cell(cx, c->children[0], k);
    return (m_val){.kind = M_LIST, .items = items, .n_items = (uint32_t)(to - from)};
  }
  og_scalar s = og_scalar_at(c, i);
  og_str text;
  switch (c->type.id) {
  case OG_TYPE_BOOL: return m_bool(s.v.b);
  case OG_TYPE_U32:
  case OG_TYPE_U64: return (m_val){.kind = M_INT, .magnitude = s.v.u};
  case OG_TYPE_F32:
  case OG_TYPE_F64: return m_float(s.v.f);
  case OG_TYPE_DATE32: return (m_val){.kind = M_DATE, .i = s.v.i};
  case OG_TYPE_DATE64: return (m_val){.kind = M_TIME, .i = s.v.i};
  case OG_TYPE_UTF8: OG_CHECK_OK(cx, og_arena_str(cx, cx->arena, s.v.s, &text)); return m_text(text);
  case OG_TYPE_I32:
  case OG_TYPE_I64: return m_int(s.v.i);
  default: OG_CHECK(false); return m_null();
  }
}

static void take_answer(og_ctx *cx, const og_result *r, m_answer *out)
{
  *out = (m_answer){.n_columns = r->n_columns, .n_rows = (size_t)r->n_rows};
  out->names = m_take(cx, r->n_columns, sizeof *out->names);
  out->cells = m_take(cx, out->n_rows * r->n_columns, sizeof *out->cells);
  for (uint32_t c = 0; c < r->n_columns; c++) {
    OG_CHECK_OK(cx, og_arena_str(cx, cx->arena, r->columns[c], &out->names[c]));
    for (size_t i = 0; i < out->n_rows; i++) out->cells[i * r->n_columns + c] = cell(cx, r->values[c], (int64_t)i);
  }
}

bool m_engine_ask(og_ctx *cx, m_engine *e, const m_case *c, const m_setup *how, m_answer *out)
{
  og_buf source = {0}, params = {0};
  og_result r;
  m_write_query(cx, c, &source);
  m_write_params(cx, c, &params);
  const og_db_query_args args = {.source = og_buf_str(&source),
                                 .source_name = OG_STR("q.gq"),
                                 .params = og_buf_str(&params),
                                 .limits = {.by_ops = how->by_ops}};
  *cx->err = (og_error){0};
  cx->rt->pool = how->threads > 1 ? e->pool : NULL;
  og_status st = og_db_query(cx, e->db, &args, &r);
  cx->rt->pool = NULL;
  if (st == OG_OK) {
    take_answer(cx, &r, out);
    og_result_cleanup(&r);
  }
  og_buf_cleanup(&source);
  og_buf_cleanup(&params);
  return st == OG_OK;
}
