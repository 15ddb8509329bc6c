/* SPDX-License-Identifier: MIT */
/* db/public_value.c -- values of the C API as columns of a table's types. */
#include "arrow/builder.h"
#include "db/public_dataset.h"

static og_status does_not_fit(og_ctx *cx, const og_field *f)
{
  return og_fail(cx, OG_EINVALID, "column '" OG_STR_FMT "' of type %s cannot be set to that value", OG_STR_ARG(f->name),
                 og_type_name(f->type));
}

static bool is_unsigned(og_type_id id)
{
  return id == OG_TYPE_U8 || id == OG_TYPE_U16 || id == OG_TYPE_U32 || id == OG_TYPE_U64;
}

/* Dates and times, too, are integers. */
static bool is_integer(og_type_id id)
{
  return is_unsigned(id) || id == OG_TYPE_I8 || id == OG_TYPE_I16 || id == OG_TYPE_I32 || id == OG_TYPE_I64 ||
         id == OG_TYPE_DATE32 || id == OG_TYPE_DATE64 || og_type_has_unit(id);
}

/* The value as an integer of the column: bounds are checked by their bits. */
static og_status put_integer(og_ctx *cx, og_builder *b, const og_field *f, const og_value *v)
{
  const unsigned bits = 8 * og_type_width(f->type.id);
  const bool negative = v->kind == OG_VALUE_INT && v->as.integer < 0;
  const uint64_t u = v->kind == OG_VALUE_INT ? (uint64_t)v->as.integer : v->as.unsigned_integer;
  if (is_unsigned(f->type.id)) {
    if (negative || (bits < 64 && u >> bits)) return does_not_fit(cx, f);
    return og_builder_u64(cx, b, u);
  }
  const int64_t lowest = bits < 64 ? -((int64_t)1 << (bits - 1)) : INT64_MIN;
  if ((!negative && u > (uint64_t)(-(lowest + 1))) || (negative && v->as.integer < lowest)) return does_not_fit(cx, f);
  return og_builder_i64(cx, b, (int64_t)u);
}

static og_status put_text(og_ctx *cx, og_builder *b, const og_value *v)
{
  og_str text;
  OG_TRY(og_db__text_need(cx, v->as.text, "a value's text", &text));
  return og_builder_str(cx, b, text);
}

static og_status put_value(og_ctx *cx, og_builder *b, const og_field *f, const og_value *v)
{
  const og_type_id id = f->type.id;
  const bool is_number = v->kind == OG_VALUE_INT || v->kind == OG_VALUE_UINT;
  if (id == OG_TYPE_BOOL && v->kind == OG_VALUE_BOOL) return og_builder_bool(cx, b, v->as.boolean);
  if (is_integer(id) && is_number) return put_integer(cx, b, f, v);
  if ((id == OG_TYPE_F32 || id == OG_TYPE_F64) && v->kind == OG_VALUE_FLOAT) return og_builder_f64(cx, b, v->as.number);
  if ((id == OG_TYPE_UTF8 || id == OG_TYPE_LARGE_UTF8) && v->kind == OG_VALUE_TEXT) return put_text(cx, b, v);
  return does_not_fit(cx, f);
}

og_status og_db__constant(og_ctx *cx, const og_field *f, const og_value *v, og_column **out)
{
  og_builder *b;
  if (!v && !f->nullable)
    return og_fail(cx, OG_EINVALID, "column '" OG_STR_FMT "' may not be null", OG_STR_ARG(f->name));
  OG_TRY(og_builder_new(cx, f, &b));
  og_status st = v ? put_value(cx, b, f, v) : og_builder_null(cx, b);
  if (st == OG_OK) st = og_builder_finish(cx, b, out);
  og_builder_free(b);
  return st;
}
