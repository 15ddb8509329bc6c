/* SPDX-License-Identifier: MIT */
/* arrow/row_bytes.c -- a row as bytes.
 *
 *   value        u8 0: null, 1: what follows
 *   fixed width  its bytes; bool: one
 *   string       u32 length, bytes
 *   list         u64 items, their values
 *   fixed list   values of its items, behind a u8 1; or u8 2 and the bytes of all, where none is null
 *   struct       values of its children
 *
 * A key is u8 0 (null) or 1, then a number of 8 bytes, highest first, or text with zeros doubled as 0 255 and 0 0 at
 * its end; all bits are turned for a descending order.
 */
#include "arrow/row_bytes.h"

#include "arrow/kernels.h"
#include "base/ctx.h"

#include <math.h>

enum { IS_NULL, IS_VALUE, IS_PLAIN };

/* ---- putting */

static og_status put_value(og_ctx *cx, const og_column *c, int64_t i, og_buf *out);

static og_status put_items(og_ctx *cx, const og_column *items, int64_t from, int64_t to, og_buf *out)
{
  for (int64_t k = from; k < to; k++) OG_TRY(put_value(cx, items, k, out));
  return OG_OK;
}

static og_status put_fixed_list(og_ctx *cx, const og_column *c, int64_t i, og_buf *out)
{
  const og_column *items = c->children[0];
  const size_t width = og_type_width(items->type.id), n = (size_t)c->type.size;
  const int64_t from = i * c->type.size;
  const bool plain = width && items->type.id != OG_TYPE_BOOL && !og_type_is_varbin(items->type.id) &&
                     !og_type_is_nested(items->type.id) &&
                     (!items->validity || og_bits_count(items->validity, from, (int64_t)n) == (int64_t)n);
  OG_TRY(og_buf_append_byte(cx, out, plain ? IS_PLAIN : IS_VALUE));
  if (!plain) return put_items(cx, items, from, from + (int64_t)n, out);
  return og_buf_append(cx, out, (const uint8_t *)items->data[0] + (size_t)from * width, n * width);
}

static og_status put_list(og_ctx *cx, const og_column *c, int64_t i, og_buf *out)
{
  int64_t from, to;
  og_column_list(c, i, &from, &to);
  OG_TRY(og_buf_put_u64(cx, out, (uint64_t)(to - from)));
  return put_items(cx, c->children[0], from, to, out);
}

static og_status put_text(og_ctx *cx, og_str s, og_buf *out)
{
  if (s.len > UINT32_MAX) return og_fail(cx, OG_ELIMIT, "a value of %zu bytes cannot be sorted", s.len);
  OG_TRY(og_buf_put_u32(cx, out, (uint32_t)s.len));
  return og_buf_append_str(cx, out, s);
}

static og_status put_value(og_ctx *cx, const og_column *c, int64_t i, og_buf *out)
{
  const size_t width = og_type_width(c->type.id);
  if (og_column_is_null(c, i)) return og_buf_append_byte(cx, out, IS_NULL);
  if (c->type.id == OG_TYPE_FIXED_LIST) return put_fixed_list(cx, c, i, out);
  OG_TRY(og_buf_append_byte(cx, out, IS_VALUE));
  if (og_type_is_varbin(c->type.id)) return put_text(cx, og_column_str(c, i), out);
  switch (c->type.id) {
  case OG_TYPE_BOOL: return og_buf_append_byte(cx, out, og_column_bool(c, i));
  case OG_TYPE_LIST:
  case OG_TYPE_LARGE_LIST: return put_list(cx, c, i, out);
  case OG_TYPE_STRUCT:
    for (uint32_t k = 0; k < c->n_children; k++) OG_TRY(put_value(cx, c->children[k], i, out));
    return OG_OK;
  default: return og_buf_append(cx, out, (const uint8_t *)c->data[0] + (size_t)i * width, width);
  }
}

og_status og_row_bytes_put(og_ctx *cx, og_column *const *columns, uint32_t n, int64_t i, og_buf *out)
{
  for (uint32_t k = 0; k < n; k++) OG_TRY(put_value(cx, columns[k], i, out));
  return OG_OK;
}

/* ---- getting */

static og_status take_bytes(og_ctx *cx, og_str *from, size_t n, const char **out)
{
  if (from->len < n) return og_fail(cx, OG_ECORRUPT, "a sorted row ends before its values do");
  *out = from->ptr;
  *from = og_str_sub(*from, n, from->len);
  return OG_OK;
}

static og_status get_value(og_ctx *cx, const og_field *f, og_str *from, og_builder *b);

static og_status get_items(og_ctx *cx, const og_field *item, uint64_t n, og_str *from, og_builder *b)
{
  for (uint64_t k = 0; k < n; k++) OG_TRY(get_value(cx, item, from, og_builder_child(b, 0)));
  return OG_OK;
}

static og_status get_plain(og_ctx *cx, const og_field *item, uint64_t n, og_str *from, og_builder *b)
{
  const size_t width = og_type_width(item->type.id);
  const char *p = NULL;
  OG_TRY(take_bytes(cx, from, n * width, &p));
  for (uint64_t k = 0; k < n; k++) OG_TRY(og_builder_raw(cx, og_builder_child(b, 0), p + k * width));
  return OG_OK;
}

static og_status get_list(og_ctx *cx, const og_field *f, bool plain, og_str *from, og_builder *b)
{
  uint64_t n = (uint64_t)f->type.size;
  const char *p = NULL;
  if (f->type.id != OG_TYPE_FIXED_LIST) {
    OG_TRY(take_bytes(cx, from, sizeof n, &p));
    memcpy(&n, p, sizeof n);
  }
  OG_TRY(og_builder_list_begin(cx, b));
  OG_TRY(plain ? get_plain(cx, &f->children[0], n, from, b) : get_items(cx, &f->children[0], n, from, b));
  return og_builder_list_end(cx, b);
}

static og_status get_text(og_ctx *cx, og_str *from, og_builder *b)
{
  uint32_t n;
  const char *p = NULL;
  OG_TRY(take_bytes(cx, from, sizeof n, &p));
  memcpy(&n, p, sizeof n);
  OG_TRY(take_bytes(cx, from, n, &p));
  return og_builder_str(cx, b, og_str_from(p, n));
}

static og_status get_value(og_ctx *cx, const og_field *f, og_str *from, og_builder *b)
{
  const char *p = NULL;
  OG_TRY(take_bytes(cx, from, 1, &p));
  const int mark = (unsigned char)*p;
  if (mark == IS_NULL) return og_builder_null(cx, b);
  if (og_type_is_varbin(f->type.id)) return get_text(cx, from, b);
  switch (f->type.id) {
  case OG_TYPE_BOOL: OG_TRY(take_bytes(cx, from, 1, &p)); return og_builder_bool(cx, b, *p != 0);
  case OG_TYPE_LIST:
  case OG_TYPE_LARGE_LIST:
  case OG_TYPE_FIXED_LIST: return get_list(cx, f, mark == IS_PLAIN, from, b);
  case OG_TYPE_STRUCT:
    for (uint32_t k = 0; k < f->n_children; k++) OG_TRY(get_value(cx, &f->children[k], from, og_builder_child(b, k)));
    return og_builder_struct_end(cx, b);
  default: OG_TRY(take_bytes(cx, from, og_type_width(f->type.id), &p)); return og_builder_raw(cx, b, p);
  }
}

og_status og_row_bytes_get(og_ctx *cx, const og_field *fields, uint32_t n, og_str bytes, og_builder *const *builders)
{
  for (uint32_t k = 0; k < n; k++) OG_TRY(get_value(cx, &fields[k], &bytes, builders[k]));
  return bytes.len ? og_fail(cx, OG_ECORRUPT, "a sorted row has %zu bytes too many", bytes.len) : OG_OK;
}

/* ---- keys */

bool og_row_key_can(og_type type)
{
  return !og_type_is_nested(type.id);
}

static bool is_float(og_type_id id)
{
  return id == OG_TYPE_F16 || id == OG_TYPE_F32 || id == OG_TYPE_F64;
}

/* A number whose order as an unsigned one is the value's. */
static uint64_t number_of(const og_column *c, int64_t i)
{
  const uint64_t sign = UINT64_C(1) << 63;
  const og_scalar v = og_scalar_at(c, i);
  uint64_t bits;
  if (c->type.id == OG_TYPE_BOOL) return v.v.b;
  if (is_float(c->type.id)) {
    const double f = v.v.f != v.v.f ? (double)NAN : v.v.f + 0.0; /* -0.0 + 0.0 is 0.0 */
    memcpy(&bits, &f, sizeof bits);
    if (f != f) return UINT64_MAX;
    return bits & sign ? ~bits : bits | sign;
  }
  if (c->type.id >= OG_TYPE_U8 && c->type.id <= OG_TYPE_U64) return v.v.u;
  return (uint64_t)v.v.i ^ sign;
}

static og_status put_text_key(og_ctx *cx, og_str s, og_buf *out)
{
  while (s.len) {
    const char *zero = memchr(s.ptr, 0, s.len);
    const size_t n = zero ? (size_t)(zero - s.ptr) + 1 : s.len;
    OG_TRY(og_buf_append(cx, out, s.ptr, n));
    if (zero) OG_TRY(og_buf_append_byte(cx, out, 255));
    s = og_str_sub(s, n, s.len);
  }
  return og_buf_append(cx, out, "\0\0", 2);
}

og_status og_row_key_put(og_ctx *cx, const og_column *c, int64_t i, bool descending, og_buf *out)
{
  const size_t before = out->len;
  const bool null = og_column_is_null(c, i);
  OG_TRY(og_buf_append_byte(cx, out, null ? IS_NULL : IS_VALUE));
  if (!null && og_type_is_varbin(c->type.id)) {
    OG_TRY(put_text_key(cx, og_column_str(c, i), out));
  } else if (!null) {
    const uint64_t n = number_of(c, i);
    uint8_t bytes[8];
    for (unsigned k = 0; k < 8; k++) bytes[k] = (uint8_t)(n >> (56 - 8 * k));
    OG_TRY(og_buf_append(cx, out, bytes, sizeof bytes));
  }
  for (size_t k = before; descending && k < out->len; k++) out->data[k] = (uint8_t)~out->data[k];
  return OG_OK;
}
