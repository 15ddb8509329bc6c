/* SPDX-License-Identifier: MIT */
/* db/public_cursor.c -- the rows of an answer, one at a time. */
#include "arrow/json.h"
#include "arrow/kernels.h"
#include "db/public.h"

struct og_cursor {
  og_result result;
  og_mem *mem;    /* alive as long as this block is */
  int64_t row;    /* -1: before the first */
  og_arena texts; /* of the row */
};

og_status og_db__cursor_new(og_ctx *cx, og_result *r, og_cursor **out)
{
  og_cursor *c = og_zalloc(cx, sizeof *c);
  if (!c) return OG_ENOMEM;
  c->mem = cx->mem;
  c->row = -1;
  c->result = *r;
  c->result.target = (og_db_target){0}; /* borrowed from the call */
  *r = (og_result){0};
  *out = c;
  return OG_OK;
}

static og_status share(og_ctx *cx, const og_result *r, og_result *out)
{
  *out = *r;
  out->prepared = NULL;
  out->values = og_calloc(cx, (size_t)r->n_columns + 1, sizeof(og_column *));
  if (!out->values) return OG_ENOMEM;
  out->prepared = og_cached_ref(r->prepared);
  for (uint32_t i = 0; i < r->n_columns; i++) out->values[i] = og_column_ref(r->values[i]);
  return OG_OK;
}

og_status og_result_cursor(const og_result *result, og_cursor **out, og_error *err)
{
  og_call c;
  og_runtime none = {0};
  og_result shared;
  og_ctx *cx = og_db__call_bare(&c, og_db__answer_mem(result), &none, err);
  og_status st = share(cx, result, &shared);
  if (st == OG_OK) st = og_db__cursor_new(cx, &shared, out);
  og_result_cleanup(&shared);
  return og_db__call_end(&c, st);
}

void og_cursor_free(og_cursor *cursor)
{
  if (!cursor) return;
  og_result_cleanup(&cursor->result);
  og_arena_cleanup(&cursor->texts);
  og_free(cursor);
}

bool og_cursor_next(og_cursor *cursor)
{
  og_arena_reset(&cursor->texts);
  if (cursor->row < cursor->result.n_rows) cursor->row++;
  return cursor->row < cursor->result.n_rows;
}

size_t og_cursor_column_count(const og_cursor *cursor)
{
  return cursor->result.n_columns;
}

const char *og_cursor_column_name(const og_cursor *cursor, size_t column)
{
  return column < cursor->result.n_columns ? cursor->result.columns[column].ptr : NULL;
}

static og_status give_text(og_ctx *cx, og_cursor *c, og_str text, og_value_kind kind, og_value *out)
{
  og_str copy;
  OG_TRY(og_arena_str(cx, &c->texts, text, &copy));
  *out = (og_value){kind, {.text = copy.ptr}};
  return OG_OK;
}

static og_status give_json(og_ctx *cx, og_cursor *c, const og_column *column, og_value *out)
{
  OG_AUTO(og_buf) json = {0};
  og_json_writer w;
  og_json_writer_init(&w, &json, false);
  OG_TRY(og_column_json(cx, &w, column, c->row));
  return give_text(cx, c, og_buf_str(&json), OG_VALUE_JSON, out);
}

static og_status give_scalar(og_ctx *cx, og_cursor *c, const og_scalar *v, og_value *out)
{
  switch (v->type.id) {
  case OG_TYPE_BOOL: *out = (og_value){OG_VALUE_BOOL, {.boolean = v->v.b}}; return OG_OK;
  case OG_TYPE_U8:
  case OG_TYPE_U16:
  case OG_TYPE_U32:
  case OG_TYPE_U64: *out = (og_value){OG_VALUE_UINT, {.unsigned_integer = v->v.u}}; return OG_OK;
  case OG_TYPE_F32:
  case OG_TYPE_F64: *out = (og_value){OG_VALUE_FLOAT, {.number = v->v.f}}; return OG_OK;
  case OG_TYPE_UTF8:
  case OG_TYPE_LARGE_UTF8: return give_text(cx, c, v->v.s, OG_VALUE_TEXT, out);
  default: *out = (og_value){OG_VALUE_INT, {.integer = v->v.i}}; return OG_OK;
  }
}

static og_status get(og_ctx *cx, og_cursor *c, size_t column, og_value *out)
{
  if (column >= c->result.n_columns)
    return og_fail(cx, OG_EINVALID, "column %zu of an answer with %u columns", column, c->result.n_columns);
  if (c->row < 0 || c->row >= c->result.n_rows)
    return og_fail(cx, OG_EINVALID, "the cursor stands on no row: og_cursor_next moves it to one");
  const og_column *values = c->result.values[column];
  if (og_column_is_null(values, c->row)) {
    *out = (og_value){.kind = OG_VALUE_NULL};
    return OG_OK;
  }
  og_type_id id = values->type.id;
  if (og_type_is_nested(id) || id == OG_TYPE_BINARY || id == OG_TYPE_LARGE_BINARY) return give_json(cx, c, values, out);
  const og_scalar v = og_scalar_at(values, c->row);
  return give_scalar(cx, c, &v, out);
}

og_status og_cursor_get(og_cursor *cursor, size_t column, og_value *out, og_error *err)
{
  og_call c;
  og_runtime none = {0};
  og_ctx *cx = og_db__call_bare(&c, cursor->mem, &none, err);
  return og_db__call_end(&c, get(cx, cursor, column, out));
}
