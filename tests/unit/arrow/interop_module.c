/* SPDX-License-Identifier: MIT */
/* The Arrow C data interface for tests/interop/test_arrow_c_data.py, which loads this with ctypes.
 *
 * Every call returns 0, or a status with its text in *error. */
#include "arrow/builder.h"
#include "arrow/c_data.h"

OG_API int og_interop_round_trip(struct ArrowSchema *schema_in, struct ArrowArray *array_in,
                                    struct ArrowSchema *schema_out, struct ArrowArray *array_out,
                                    const char **error);
OG_API int og_interop_import_schema(struct ArrowSchema *in, const char **error);
OG_API int og_interop_describe(struct ArrowSchema *schema_in, struct ArrowArray *array_in,
                                  const char **text, const char **error);
OG_API uint64_t og_interop_bytes_in_use(void);

/* Exported arrays outlive the call that made them, and so must what counts their memory. */
static og_runtime runtime;
static og_error last_error;
static og_buf description;

static og_ctx begin(void)
{
  og_ctx cx;
  og_error_clear(&(og_ctx){.err = &last_error});
  og_ctx_init(&cx, &runtime, &last_error, NULL);
  return cx;
}

static int end(og_status st, const char **error)
{
  *error = last_error.text;
  return (int)st;
}

static og_status import_both(og_ctx *cx, struct ArrowSchema *schema_in, struct ArrowArray *array_in,
                             og_batch **out)
{
  og_schema *schema;
  OG_TRY(og_arrow_import_schema(cx, schema_in, &schema));
  og_status st = og_arrow_import_batch(cx, array_in, schema, out);
  og_schema_unref(schema);
  return st;
}

int og_interop_round_trip(struct ArrowSchema *schema_in, struct ArrowArray *array_in,
                          struct ArrowSchema *schema_out, struct ArrowArray *array_out,
                          const char **error)
{
  og_ctx cx = begin();
  og_batch *batch;
  og_status st = import_both(&cx, schema_in, array_in, &batch);
  if (st != OG_OK) return end(st, error);
  st = og_arrow_export_schema(&cx, batch->schema, schema_out);
  if (st == OG_OK) {
    st = og_arrow_export_batch(&cx, batch, array_out);
    if (st != OG_OK) schema_out->release(schema_out);
  }
  og_batch_unref(batch);
  return end(st, error);
}

int og_interop_import_schema(struct ArrowSchema *in, const char **error)
{
  og_ctx cx = begin();
  og_schema *schema;
  og_status st = og_arrow_import_schema(&cx, in, &schema);
  if (st == OG_OK) og_schema_unref(schema);
  return end(st, error);
}

/* ---- what we see in a batch: one line a column, numbers as decimals, floats as their bits, bytes
 * in hex ---- */

static og_status describe_value(og_ctx *cx, const og_column *c, int64_t i);

static og_status describe_range(og_ctx *cx, const og_column *c, int64_t from, int64_t to)
{
  OG_TRY(og_buf_append_byte(cx, &description, '['));
  for (int64_t i = from; i < to; i++) {
    if (i > from) OG_TRY(og_buf_append_byte(cx, &description, ' '));
    OG_TRY(describe_value(cx, c, i));
  }
  return og_buf_append_byte(cx, &description, ']');
}

static og_status describe_struct(og_ctx *cx, const og_column *c, int64_t i)
{
  OG_TRY(og_buf_append_byte(cx, &description, '{'));
  for (uint32_t k = 0; k < c->n_children; k++) {
    if (k) OG_TRY(og_buf_append_byte(cx, &description, ' '));
    OG_TRY(describe_value(cx, c->children[k], i));
  }
  return og_buf_append_byte(cx, &description, '}');
}

static og_status describe_raw(og_ctx *cx, const og_column *c, int64_t i)
{
  size_t width = og_type_width(c->type.id);
  uint64_t v = 0;
  memcpy(&v, (const char *)c->data[0] + (size_t)i * width, width);
  switch (c->type.id) {
  case OG_TYPE_U8:
  case OG_TYPE_U16:
  case OG_TYPE_U32:
  case OG_TYPE_U64:
  case OG_TYPE_F16:
  case OG_TYPE_F32:
  case OG_TYPE_F64: return og_buf_append_u64(cx, &description, v);
  default: break;
  }
  unsigned spare = 64 - 8 * (unsigned)width;
  return og_buf_append_i64(cx, &description, (int64_t)(v << spare) >> spare);
}

static og_status describe_value(og_ctx *cx, const og_column *c, int64_t i)
{
  int64_t from, to;
  if (og_column_is_null(c, i)) return og_buf_append_str(cx, &description, OG_STR("null"));
  if (c->type.id == OG_TYPE_BOOL)
    return og_buf_append_byte(cx, &description, og_column_bool(c, i) ? 't' : 'f');
  if (og_type_is_varbin(c->type.id)) {
    og_str s = og_column_str(c, i);
    OG_TRY(og_buf_append_byte(cx, &description, 'x'));
    for (size_t k = 0; k < s.len; k++)
      OG_TRY(og_buf_printf(cx, &description, "%02x", (unsigned)(unsigned char)s.ptr[k]));
    return OG_OK;
  }
  if (c->type.id == OG_TYPE_STRUCT) return describe_struct(cx, c, i);
  if (!og_type_is_nested(c->type.id)) return describe_raw(cx, c, i);
  og_column_list(c, i, &from, &to);
  return describe_range(cx, c->children[0], from, to);
}

static og_status describe_batch(og_ctx *cx, const og_batch *b)
{
  og_buf_clear(&description);
  for (uint32_t i = 0; i < b->n_columns; i++) {
    OG_TRY(og_buf_printf(cx, &description, "%s %lld ", og_type_name(b->columns[i]->type),
                         (long long)b->columns[i]->nulls));
    OG_TRY(describe_range(cx, b->columns[i], 0, b->len));
    OG_TRY(og_buf_append_byte(cx, &description, '\n'));
  }
  return og_buf_append_byte(cx, &description, '\0');
}

int og_interop_describe(struct ArrowSchema *schema_in, struct ArrowArray *array_in,
                        const char **text, const char **error)
{
  og_ctx cx = begin();
  og_batch *batch;
  og_status st = import_both(&cx, schema_in, array_in, &batch);
  if (st != OG_OK) return end(st, error);
  st = describe_batch(&cx, batch);
  og_batch_unref(batch);
  *text = (const char *)description.data;
  return end(st, error);
}

uint64_t og_interop_bytes_in_use(void)
{
  og_buf_cleanup(&description);
  return runtime.mem.in_use;
}
