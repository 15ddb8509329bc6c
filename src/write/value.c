/* SPDX-License-Identifier: MIT */
#include "write/value.h"

#include "base/civil.h"
#include "base/num.h"
#include "graph/tables.h"

#include <inttypes.h>
#include <math.h>

static const char *arrow_name(og_scalar_kind kind)
{
  static const char *const names[] = {"Utf8",   "Binary",  "Boolean", "Int32",  "Int64",  "UInt32",
                                      "UInt64", "Float32", "Float64", "Date64", "Date32", "vector"};
  return names[kind];
}

static const char *json_name(const og_json *j)
{
  static const char *const names[] = {"null",    "a boolean", "an integer", "an integer",
                                      "a float", "a string",  "a list",     "an object"};
  return names[j->kind];
}

static og_status wrong(og_ctx *cx, const og_type_def *t, const og_property *p, const char *want, const char *got)
{
  return og_fail(cx, OG_EINVALID, OG_STR_FMT "." OG_STR_FMT " expects %s, got %s", OG_STR_ARG(t->name),
                 OG_STR_ARG(p->name), want, got);
}

static og_status out_of_range(og_ctx *cx, const og_type_def *t, const og_property *p)
{
  return og_fail(cx, OG_EINVALID, OG_STR_FMT "." OG_STR_FMT ": value exceeds %s range", OG_STR_ARG(t->name),
                 OG_STR_ARG(p->name), arrow_name(p->type.kind));
}

static og_type item_type(const og_property *p)
{
  og_field item;
  og_type t = og_prop_arrow_type(&p->type, &item);
  return og_type_is_nested(t.id) ? item.type : t;
}

/* ---- numbers */

static og_status signed_value(og_ctx *cx, const og_type_def *t, const og_property *p, const og_scalar *in,
                              og_scalar *out)
{
  bool is_unsigned = in->type.id == OG_TYPE_U64 || in->type.id == OG_TYPE_U32;
  if (is_unsigned && in->v.u > INT64_MAX) return out_of_range(cx, t, p);
  int64_t v = is_unsigned ? (int64_t)in->v.u : in->v.i;
  if (p->type.kind == OG_SC_I32 && (v < INT32_MIN || v > INT32_MAX)) return out_of_range(cx, t, p);
  out->v.i = v;
  return OG_OK;
}

static og_status unsigned_value(og_ctx *cx, const og_type_def *t, const og_property *p, const og_scalar *in,
                                og_scalar *out)
{
  bool is_unsigned = in->type.id == OG_TYPE_U64 || in->type.id == OG_TYPE_U32;
  if (!is_unsigned && in->v.i < 0) return out_of_range(cx, t, p);
  uint64_t v = is_unsigned ? in->v.u : (uint64_t)in->v.i;
  if (p->type.kind == OG_SC_U32 && v > UINT32_MAX) return out_of_range(cx, t, p);
  out->v.u = v;
  return OG_OK;
}

static bool is_integer(const og_scalar *v)
{
  return v->type.id >= OG_TYPE_I8 && v->type.id <= OG_TYPE_U64;
}

static og_status float_value(og_ctx *cx, const og_type_def *t, const og_property *p, const og_scalar *in,
                             og_scalar *out)
{
  bool is_unsigned = in->type.id == OG_TYPE_U64 || in->type.id == OG_TYPE_U32;
  double v = !is_integer(in) ? in->v.f : is_unsigned ? (double)in->v.u : (double)in->v.i;
  if (!isfinite(v))
    return og_fail(cx, OG_EINVALID, OG_STR_FMT "." OG_STR_FMT ": value must be finite", OG_STR_ARG(t->name),
                   OG_STR_ARG(p->name));
  bool narrow = p->type.kind == OG_SC_F32 || p->type.kind == OG_SC_VECTOR;
  if (narrow && !isfinite((float)v))
    return og_fail(cx, OG_EINVALID, OG_STR_FMT "." OG_STR_FMT ": value exceeds Float32 range", OG_STR_ARG(t->name),
                   OG_STR_ARG(p->name));
  out->v.f = narrow ? (double)(float)v : v;
  return OG_OK;
}

static og_status number_value(og_ctx *cx, const og_type_def *t, const og_property *p, const og_scalar *in,
                              const char *got, og_scalar *out)
{
  bool is_float = in->type.id == OG_TYPE_F32 || in->type.id == OG_TYPE_F64;
  bool wants_float = p->type.kind == OG_SC_F32 || p->type.kind == OG_SC_F64 || p->type.kind == OG_SC_VECTOR;
  if (!is_integer(in) && !(is_float && wants_float)) return wrong(cx, t, p, arrow_name(p->type.kind), got);
  if (wants_float) return float_value(cx, t, p, in, out);
  bool wants_unsigned = p->type.kind == OG_SC_U32 || p->type.kind == OG_SC_U64;
  return wants_unsigned ? unsigned_value(cx, t, p, in, out) : signed_value(cx, t, p, in, out);
}

/* ---- texts */

static og_status check_enum(og_ctx *cx, const og_type_def *t, const og_property *p, og_str v)
{
  OG_AUTO(og_buf) all = {0};
  if (!p->type.n_enum) return OG_OK;
  for (uint32_t i = 0; i < p->type.n_enum; i++) {
    if (og_str_eq(p->type.enum_values[i], v)) return OG_OK;
    if (i) OG_TRY(og_buf_append_str(cx, &all, OG_STR(", ")));
    OG_TRY(og_buf_append_str(cx, &all, p->type.enum_values[i]));
  }
  return og_fail(cx, OG_EINVALID,
                 "invalid enum value '" OG_STR_FMT "' for " OG_STR_FMT "." OG_STR_FMT " (expected: " OG_STR_FMT ")",
                 OG_STR_ARG(v), OG_STR_ARG(t->name), OG_STR_ARG(p->name), OG_STR_ARG(og_buf_str(&all)));
}

static og_status date_value(og_ctx *cx, const og_type_def *t, const og_property *p, og_str text, og_scalar *out)
{
  int32_t days;
  bool ok = p->type.kind == OG_SC_DATE ? og_date_parse(text, &days) : og_datetime_parse(text, &out->v.i);
  if (!ok)
    return og_fail(cx, OG_EINVALID, OG_STR_FMT "." OG_STR_FMT ": invalid %s literal '" OG_STR_FMT "'",
                   OG_STR_ARG(t->name), OG_STR_ARG(p->name), og_scalar_name(p->type.kind), OG_STR_ARG(text));
  if (p->type.kind == OG_SC_DATE) out->v.i = days;
  return OG_OK;
}

/* `got` is what a message calls the kind of value that came. */
static og_status scalar_value(og_ctx *cx, const og_type_def *t, const og_property *p, const og_scalar *in,
                              const char *got, og_scalar *out)
{
  bool text = og_type_is_string(in->type.id);
  *out = (og_scalar){.type = item_type(p)};
  switch (p->type.kind) {
  case OG_SC_STRING:
    if (!text) return wrong(cx, t, p, "Utf8", got);
    out->v.s = in->v.s;
    return check_enum(cx, t, p, in->v.s);
  case OG_SC_BOOL:
    if (in->type.id != OG_TYPE_BOOL) return wrong(cx, t, p, "Boolean", got);
    out->v.b = in->v.b;
    return OG_OK;
  case OG_SC_DATE:
  case OG_SC_DATETIME:
    if (text) return date_value(cx, t, p, in->v.s, out);
    if (in->type.id != out->type.id && !is_integer(in)) return wrong(cx, t, p, arrow_name(p->type.kind), got);
    if (is_integer(in))
      OG_TRY(signed_value(cx, t, p, in, out));
    else
      out->v.i = in->v.i;
    if (p->type.kind == OG_SC_DATE && (out->v.i < INT32_MIN || out->v.i > INT32_MAX)) return out_of_range(cx, t, p);
    return OG_OK;
  case OG_SC_BLOB: return og_fail(cx, OG_EINTERNAL, "a Blob is no scalar");
  default: return number_value(cx, t, p, in, got, out);
  }
}

/* ---- bytes */

static int base64_digit(char c)
{
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Standard alphabet with padding. */
static bool base64_decode(og_str in, char *out, size_t *n)
{
  *n = 0;
  if (in.len % 4) return false;
  for (size_t i = 0; i < in.len; i += 4) {
    int d[4], bytes = 3;
    for (int k = 0; k < 4; k++) d[k] = base64_digit(in.ptr[i + (size_t)k]);
    bool last = i + 4 == in.len;
    if (last && in.ptr[i + 3] == '=') bytes = in.ptr[i + 2] == '=' ? 1 : 2;
    if (bytes < 3) d[3] = 0;
    if (bytes < 2) d[2] = 0;
    if (d[0] < 0 || d[1] < 0 || d[2] < 0 || d[3] < 0) return false;
    uint32_t v = (uint32_t)d[0] << 18 | (uint32_t)d[1] << 12 | (uint32_t)d[2] << 6 | (uint32_t)d[3];
    for (int k = 0; k < bytes; k++) out[(*n)++] = (char)(v >> (16 - 8 * k) & 255);
  }
  return true;
}

/* "base64:…" holds the bytes; anything else would be the URI of an external Blob, which nothing allows yet. */
static og_status blob_value(og_ctx *cx, const og_type_def *t, const og_property *p, og_str text, og_arena *a,
                            og_scalar *out)
{
  og_str digits = og_str_sub(text, 7, text.len);
  if (!og_str_starts_with(text, OG_STR("base64:")))
    return og_fail(cx, OG_EINVALID,
                   OG_STR_FMT "." OG_STR_FMT ": external Blob URIs are denied; give the bytes as base64:…",
                   OG_STR_ARG(t->name), OG_STR_ARG(p->name));
  char *bytes = og_arena_alloc(cx, a, digits.len + 1);
  if (!bytes) return OG_ENOMEM;
  *out = (og_scalar){.type = og_type_of(OG_TYPE_LARGE_BINARY), .v.s = {bytes, 0}};
  if (base64_decode(digits, bytes, &out->v.s.len)) return OG_OK;
  return og_fail(cx, OG_EINVALID, OG_STR_FMT "." OG_STR_FMT ": invalid base64 behind 'base64:'", OG_STR_ARG(t->name),
                 OG_STR_ARG(p->name));
}

og_status og_value_coerce(og_ctx *cx, const og_type_def *t, const og_property *p, const og_scalar *v, og_scalar *out)
{
  bool nested = p->type.list || p->type.kind == OG_SC_VECTOR;
  if (!v->is_null && p->type.kind == OG_SC_BLOB) return blob_value(cx, t, p, v->v.s, cx->arena, out);
  if (!v->is_null && !nested) return scalar_value(cx, t, p, v, og_type_name(v->type), out);
  og_field item;
  *out = *v;
  out->type = og_prop_arrow_type(&p->type, &item);
  if (v->is_null || p->type.kind != OG_SC_VECTOR || p->type.list || v->v.list->len == (int64_t)p->type.dim)
    return OG_OK;
  return og_fail(cx, OG_EINVALID, OG_STR_FMT "." OG_STR_FMT " expects %u dimensions, got %" PRId64, OG_STR_ARG(t->name),
                 OG_STR_ARG(p->name), p->type.dim, v->v.list->len);
}

/* ---- JSON */

static bool json_scalar(const og_json *j, og_scalar *out)
{
  *out = (og_scalar){0};
  switch (j->kind) {
  case OG_JSON_BOOL:
    out->type = og_type_of(OG_TYPE_BOOL);
    out->v.b = j->u.boolean;
    return true;
  case OG_JSON_I64:
    out->type = og_type_of(OG_TYPE_I64);
    out->v.i = j->u.i64;
    return true;
  case OG_JSON_U64:
    out->type = og_type_of(OG_TYPE_U64);
    out->v.u = j->u.u64;
    return true;
  case OG_JSON_F64:
    out->type = og_type_of(OG_TYPE_F64);
    out->v.f = j->u.f64;
    return true;
  case OG_JSON_STRING:
    out->type = og_type_of(OG_TYPE_UTF8);
    out->v.s = j->u.str;
    return true;
  default: return false;
  }
}

/* 64-bit integers may travel as decimal text. */
static void integer_text(const og_property *p, og_scalar *v)
{
  bool wide = p->type.kind == OG_SC_I64 || p->type.kind == OG_SC_U64;
  int64_t i;
  uint64_t u;
  if (!wide || v->type.id != OG_TYPE_UTF8) return;
  if (og_str_to_i64(v->v.s, &i))
    *v = (og_scalar){.type = og_type_of(OG_TYPE_I64), .v.i = i};
  else if (og_str_to_u64(v->v.s, &u))
    *v = (og_scalar){.type = og_type_of(OG_TYPE_U64), .v.u = u};
}

static og_status json_one(og_ctx *cx, const og_type_def *t, const og_property *p, const og_json *j, og_scalar *out)
{
  og_scalar in;
  bool vector = p->type.kind == OG_SC_VECTOR;
  if (!json_scalar(j, &in) || (vector && !is_integer(&in) && in.type.id != OG_TYPE_F64)) {
    if (vector)
      return og_fail(cx, OG_EINVALID, OG_STR_FMT "." OG_STR_FMT ": vector elements must be numeric",
                     OG_STR_ARG(t->name), OG_STR_ARG(p->name));
    return wrong(cx, t, p, arrow_name(p->type.kind), json_name(j));
  }
  integer_text(p, &in);
  return scalar_value(cx, t, p, &in, json_name(j), out);
}

static og_status json_list(og_ctx *cx, const og_type_def *t, const og_property *p, const og_json *j, og_builder *b)
{
  for (size_t i = 0; i < j->u.array.len; i++) {
    og_scalar item;
    if (j->u.array.items[i].kind == OG_JSON_NULL && p->type.list)
      return og_fail(cx, OG_EINVALID, OG_STR_FMT "." OG_STR_FMT ": a list holds a null or invalid item",
                     OG_STR_ARG(t->name), OG_STR_ARG(p->name));
    OG_TRY(json_one(cx, t, p, &j->u.array.items[i], &item));
    OG_TRY(og_value_build(cx, b, &item));
  }
  return OG_OK;
}

static og_status json_nested(og_ctx *cx, const og_type_def *t, const og_property *p, const og_json *j, og_vec *keep,
                             og_scalar *out)
{
  og_field item;
  og_builder *b;
  og_column *items = NULL;
  *out = (og_scalar){.type = og_prop_arrow_type(&p->type, &item)};
  if (j->kind != OG_JSON_ARRAY) return wrong(cx, t, p, "a JSON array", json_name(j));
  if (!p->type.list && j->u.array.len != p->type.dim)
    return og_fail(cx, OG_EINVALID, OG_STR_FMT "." OG_STR_FMT " expects %u dimensions, got %zu", OG_STR_ARG(t->name),
                   OG_STR_ARG(p->name), p->type.dim, j->u.array.len);
  OG_TRY(og_builder_new(cx, &item, &b));
  og_status st = json_list(cx, t, p, j, b);
  if (st == OG_OK) st = og_builder_finish(cx, b, &items);
  og_builder_free(b);
  if (st == OG_OK) st = og_vec_add(cx, keep, &items);
  if (st != OG_OK) og_column_unref(items);
  out->v.list = items;
  return st;
}

og_status og_value_from_json(og_ctx *cx, const og_type_def *t, const og_property *p, const og_json *j, og_arena *a,
                             og_vec *keep, og_scalar *out)
{
  og_field item;
  if (j->kind == OG_JSON_NULL) {
    *out = (og_scalar){.type = og_prop_arrow_type(&p->type, &item), .is_null = true};
    return OG_OK;
  }
  if (p->type.list || p->type.kind == OG_SC_VECTOR) return json_nested(cx, t, p, j, keep, out);
  if (p->type.kind == OG_SC_BLOB)
    return j->kind == OG_JSON_STRING ? blob_value(cx, t, p, j->u.str, a, out)
                                     : wrong(cx, t, p, "a URI string or base64 bytes (base64:…)", json_name(j));
  return json_one(cx, t, p, j, out);
}

/* ---- ids */

og_status og_value_text(og_ctx *cx, const og_scalar *v, og_buf *out)
{
  char text[OG_F64_TEXT_MAX];
  switch (v->type.id) {
  case OG_TYPE_UTF8:
  case OG_TYPE_LARGE_UTF8: return og_buf_append_str(cx, out, v->v.s);
  case OG_TYPE_BOOL: return og_buf_append_str(cx, out, v->v.b ? OG_STR("true") : OG_STR("false"));
  case OG_TYPE_U8:
  case OG_TYPE_U16:
  case OG_TYPE_U32:
  case OG_TYPE_U64: return og_buf_append_u64(cx, out, v->v.u);
  case OG_TYPE_F32:
  case OG_TYPE_F64:
    if (v->v.f == 0) return og_buf_append_byte(cx, out, '0');
    if (v->type.id == OG_TYPE_F32) return og_buf_append(cx, out, text, og_f32_format((float)v->v.f, text));
    return og_buf_append(cx, out, text, og_f64_format(v->v.f, text));
  default: return og_buf_append_i64(cx, out, v->v.i);
  }
}

/* Key members by stable property id: renames never change an id. */
static int32_t nth_member(const og_type_def *t, const og_constraint *key, uint32_t n)
{
  uint64_t last = 0;
  int32_t best = -1;
  for (uint32_t k = 0; k <= n; k++) {
    best = -1;
    for (uint32_t i = 0; i < key->n; i++) {
      uint64_t id = t->properties[key->fields[i]].id;
      if (id > last && (best < 0 || id < t->properties[best].id)) best = key->fields[i];
    }
    last = t->properties[best].id;
  }
  return best;
}

og_status og_value_id(og_ctx *cx, const og_type_def *t, const og_scalar *row, og_arena *a, og_str *out)
{
  const og_constraint *key = t->key_fields;
  OG_AUTO(og_buf) id = {0};
  if (key->n == 1) {
    OG_TRY(og_value_text(cx, &row[og_type_column(t, key->fields[0])], &id));
    return og_arena_str(cx, a, og_buf_str(&id), out);
  }
  og_json_writer w;
  OG_AUTO(og_buf) part = {0};
  og_json_writer_init(&w, &id, false);
  OG_TRY(og_json_begin_array(cx, &w));
  for (uint32_t i = 0; i < key->n; i++) {
    og_buf_clear(&part);
    OG_TRY(og_value_text(cx, &row[og_type_column(t, nth_member(t, key, i))], &part));
    OG_TRY(og_json_str(cx, &w, og_buf_str(&part)));
  }
  OG_TRY(og_json_end_array(cx, &w));
  return og_arena_str(cx, a, og_buf_str(&id), out);
}

/* ---- columns */

og_status og_value_build(og_ctx *cx, og_builder *b, const og_scalar *v)
{
  if (v->is_null) return og_builder_null(cx, b);
  switch (v->type.id) {
  case OG_TYPE_BOOL: return og_builder_bool(cx, b, v->v.b);
  case OG_TYPE_U8:
  case OG_TYPE_U16:
  case OG_TYPE_U32:
  case OG_TYPE_U64: return og_builder_u64(cx, b, v->v.u);
  case OG_TYPE_F32:
  case OG_TYPE_F64: return og_builder_f64(cx, b, v->v.f);
  case OG_TYPE_UTF8:
  case OG_TYPE_LARGE_UTF8:
  case OG_TYPE_BINARY:
  case OG_TYPE_LARGE_BINARY: return og_builder_str(cx, b, v->v.s);
  case OG_TYPE_LIST:
  case OG_TYPE_FIXED_LIST:
    OG_TRY(og_builder_list_begin(cx, b));
    OG_TRY(og_builder_copy_range(cx, og_builder_child(b, 0), v->v.list, 0, v->v.list->len));
    return og_builder_list_end(cx, b);
  default: return og_builder_i64(cx, b, v->v.i);
  }
}

og_status og_value_at(og_ctx *cx, og_column *c, int64_t i, og_vec *keep, og_scalar *out)
{
  *out = (og_scalar){.type = c->type, .is_null = og_column_is_null(c, i)};
  if (out->is_null) return OG_OK;
  if (!og_type_is_nested(c->type.id)) {
    *out = og_scalar_at(c, i);
    return OG_OK;
  }
  int64_t from, to;
  og_column *items;
  og_column_list(c, i, &from, &to);
  OG_TRY(og_column_slice(cx, c->children[0], from, to - from, &items));
  og_status st = og_vec_add(cx, keep, &items);
  if (st != OG_OK) og_column_unref(items);
  out->v.list = items;
  return st;
}
