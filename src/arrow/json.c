/* SPDX-License-Identifier: MIT */
#include "arrow/json.h"

#include "base/civil.h"

#include <inttypes.h>
#include <stdio.h>

static og_status put_base64(og_ctx *cx, og_json_writer *w, og_str s)
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  OG_AUTO(og_buf) b = {0};
  OG_TRY(og_buf_append_str(cx, &b, OG_STR("base64:")));
  const unsigned char *p = (const unsigned char *)s.ptr;
  for (size_t i = 0; i < s.len; i += 3) {
    size_t n = s.len - i < 3 ? s.len - i : 3;
    uint32_t v = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (n > 2 ? p[i + 2] : 0);
    char four[4] = {digits[v >> 18], digits[v >> 12 & 63], digits[v >> 6 & 63], digits[v & 63]};
    if (n < 3) four[3] = '=';
    if (n < 2) four[2] = '=';
    OG_TRY(og_buf_append(cx, &b, four, sizeof four));
  }
  return og_json_str(cx, w, og_buf_str(&b));
}

static og_status put_list(og_ctx *cx, og_json_writer *w, const og_column *c, int64_t i)
{
  int64_t from, to;
  og_column_list(c, i, &from, &to);
  OG_TRY(og_json_begin_array(cx, w));
  for (; from < to; from++) OG_TRY(og_column_json(cx, w, c->children[0], from));
  return og_json_end_array(cx, w);
}

static og_status put_struct(og_ctx *cx, og_json_writer *w, const og_column *c, int64_t i)
{
  OG_TRY(og_json_begin_array(cx, w)); /* a column knows no names: fields in order */
  for (uint32_t k = 0; k < c->n_children; k++) OG_TRY(og_column_json(cx, w, c->children[k], i));
  return og_json_end_array(cx, w);
}

static og_status put_timestamp(og_ctx *cx, og_json_writer *w, const og_column *c, int64_t i)
{
  static const int64_t per_ms[] = {0, 1, 1000, 1000000};
  char text[OG_DATETIME_TEXT_MAX];
  int64_t v = og_column_i64(c)[i];
  if (c->type.unit != OG_UNIT_S)
    v /= per_ms[c->type.unit];
  else if (OG_MUL_OVERFLOWS(v, 1000, &v))
    return og_json_i64(cx, w, og_column_i64(c)[i]); /* no time that has a calendar */
  return og_json_str(cx, w, og_str_from(text, og_datetime_format(v, text)));
}

/* "13:05:09.25": as many digits behind the second as it takes. */
static og_status put_time(og_ctx *cx, og_json_writer *w, const og_column *c, int64_t v)
{
  static const int64_t per_second[] = {1, 1000, 1000000, 1000000000};
  static const int digits[] = {0, 3, 6, 9};
  char text[48];
  int64_t unit = per_second[c->type.unit], s = v / unit, rest = v % unit;
  if (v < 0) return og_json_i64(cx, w, v); /* no time of any day */
  int n = snprintf(text, sizeof text, "%02" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600, s / 60 % 60, s % 60);
  if (rest) n += snprintf(text + n, sizeof text - (size_t)n, ".%0*" PRId64, digits[c->type.unit], rest);
  while (rest && text[n - 1] == '0') n--;
  return og_json_str(cx, w, og_str_from(text, (size_t)n));
}

static og_status put_number(og_ctx *cx, og_json_writer *w, const og_column *c, int64_t i)
{
  switch (c->type.id) {
  case OG_TYPE_I8: return og_json_i64(cx, w, ((const int8_t *)c->data[0])[i]);
  case OG_TYPE_I16: return og_json_i64(cx, w, ((const int16_t *)c->data[0])[i]);
  case OG_TYPE_I32: return og_json_i64(cx, w, og_column_i32(c)[i]);
  case OG_TYPE_I64: return og_json_i64(cx, w, og_column_i64(c)[i]);
  case OG_TYPE_U8: return og_json_u64(cx, w, ((const uint8_t *)c->data[0])[i]);
  case OG_TYPE_U16: return og_json_u64(cx, w, ((const uint16_t *)c->data[0])[i]);
  case OG_TYPE_U32: return og_json_u64(cx, w, ((const uint32_t *)c->data[0])[i]);
  case OG_TYPE_U64: return og_json_u64(cx, w, og_column_u64(c)[i]);
  case OG_TYPE_F32: return og_json_f32(cx, w, og_column_f32(c)[i]);
  case OG_TYPE_F64: return og_json_f64(cx, w, og_column_f64(c)[i]);
  default: return og_fail(cx, OG_EUNSUPPORTED, "a %s value has no JSON form", og_type_name(c->type));
  }
}

og_status og_column_json(og_ctx *cx, og_json_writer *w, const og_column *c, int64_t i)
{
  char date[OG_DATE_TEXT_MAX], time[OG_DATETIME_TEXT_MAX];
  if (og_column_is_null(c, i)) return og_json_null(cx, w);
  switch (c->type.id) {
  case OG_TYPE_BOOL: return og_json_bool(cx, w, og_column_bool(c, i));
  case OG_TYPE_UTF8:
  case OG_TYPE_LARGE_UTF8: return og_json_str(cx, w, og_column_str(c, i));
  case OG_TYPE_BINARY:
  case OG_TYPE_LARGE_BINARY: return put_base64(cx, w, og_column_str(c, i));
  case OG_TYPE_DATE32: return og_json_str(cx, w, og_str_from(date, og_date_format(og_column_i32(c)[i], date)));
  case OG_TYPE_DATE64: return og_json_str(cx, w, og_str_from(time, og_datetime_format(og_column_i64(c)[i], time)));
  case OG_TYPE_TIMESTAMP: return put_timestamp(cx, w, c, i);
  case OG_TYPE_TIME32: return put_time(cx, w, c, og_column_i32(c)[i]);
  case OG_TYPE_TIME64: return put_time(cx, w, c, og_column_i64(c)[i]);
  case OG_TYPE_DURATION: return og_json_i64(cx, w, og_column_i64(c)[i]);
  case OG_TYPE_LIST:
  case OG_TYPE_LARGE_LIST:
  case OG_TYPE_FIXED_LIST: return put_list(cx, w, c, i);
  case OG_TYPE_STRUCT: return put_struct(cx, w, c, i);
  default: return put_number(cx, w, c, i);
  }
}
