/* SPDX-License-Identifier: MIT */
/* print.c -- see print.h. */
#include "print.h"

#include <inttypes.h>
#include <stdio.h>

static void print_f64(double v)
{
  if (v != v)
    printf("NaN");
  else if (v > 1.7976931348623157e308)
    printf("Infinity");
  else if (v < -1.7976931348623157e308)
    printf("-Infinity");
  else
    printf("%.17g", v);
}

static double half(uint16_t h)
{
  const int exponent = h >> 10 & 31;
  double v = exponent ? 1.0 + (h & 1023) / 1024.0 : (h & 1023) / 1024.0;
  for (int e = exponent ? exponent : 1; e < 15; e++) v /= 2;
  for (int e = exponent; e > 15; e--) v *= 2;
  return h >> 15 ? -v : v;
}

void print_str(og_str s)
{
  putchar('"');
  for (size_t i = 0; i < s.len; i++) {
    unsigned char ch = (unsigned char)s.ptr[i];
    if (ch == '"' || ch == '\\' || ch < 0x20)
      printf("\\u%04x", ch);
    else
      putchar(ch);
  }
  putchar('"');
}

static void print_list(const og_column *c, const og_field *f, int64_t i)
{
  int64_t from, to;
  og_column_list(c, i, &from, &to);
  putchar('[');
  for (int64_t k = from; k < to; k++) {
    if (k > from) putchar(',');
    print_value(c->children[0], &f->children[0], k);
  }
  putchar(']');
}

static void print_time(og_type t, int64_t v)
{
  static const double per_ms[] = {0.001, 1, 1000, 1000000};
  if (t.id == OG_TYPE_TIMESTAMP && t.unit != OG_UNIT_MS) /* times of day and durations as they count */
    print_f64((double)v / per_ms[t.unit]);
  else
    printf("%" PRId64, v);
}

void print_value(const og_column *c, const og_field *f, int64_t i)
{
  if (og_column_is_null(c, i)) {
    printf("null");
    return;
  }
  const void *d = c->data[0];
  switch (c->type.id) {
  case OG_TYPE_BOOL: printf(og_column_bool(c, i) ? "true" : "false"); break;
  case OG_TYPE_I8: printf("%d", ((const int8_t *)d)[i]); break;
  case OG_TYPE_U8: printf("%d", ((const uint8_t *)d)[i]); break;
  case OG_TYPE_I16: printf("%d", ((const int16_t *)d)[i]); break;
  case OG_TYPE_U16: printf("%d", ((const uint16_t *)d)[i]); break;
  case OG_TYPE_I32: printf("%" PRId32, og_column_i32(c)[i]); break;
  case OG_TYPE_U32: printf("%" PRIu32, ((const uint32_t *)d)[i]); break;
  case OG_TYPE_DATE32: printf("%" PRId64, (int64_t)og_column_i32(c)[i] * 86400000); break;
  case OG_TYPE_I64: printf("%" PRId64, og_column_i64(c)[i]); break;
  case OG_TYPE_U64: printf("%" PRIu64, og_column_u64(c)[i]); break;
  case OG_TYPE_DATE64:
  case OG_TYPE_TIME64:
  case OG_TYPE_DURATION:
  case OG_TYPE_TIMESTAMP: print_time(c->type, og_column_i64(c)[i]); break;
  case OG_TYPE_TIME32: printf("%" PRId32, og_column_i32(c)[i]); break;
  case OG_TYPE_F16: print_f64(half(((const uint16_t *)d)[i])); break;
  case OG_TYPE_F32: print_f64((double)og_column_f32(c)[i]); break;
  case OG_TYPE_F64: print_f64(og_column_f64(c)[i]); break;
  case OG_TYPE_UTF8:
  case OG_TYPE_LARGE_UTF8: print_str(og_column_str(c, i)); break;
  case OG_TYPE_BINARY:
  case OG_TYPE_LARGE_BINARY: {
    og_str s = og_column_str(c, i);
    putchar('[');
    for (size_t k = 0; k < s.len; k++) printf(k ? ",%d" : "%d", (unsigned char)s.ptr[k]);
    putchar(']');
    break;
  }
  case OG_TYPE_LIST:
  case OG_TYPE_LARGE_LIST:
  case OG_TYPE_FIXED_LIST: print_list(c, f, i); break;
  case OG_TYPE_STRUCT:
    putchar('{');
    for (uint32_t k = 0; k < f->n_children; k++) {
      if (k) putchar(',');
      print_str(f->children[k].name);
      putchar(':');
      print_value(c->children[k], &f->children[k], i);
    }
    putchar('}');
    break;
  case OG_TYPE_NULL: break;
  }
}

void print_row(og_column *const *columns, const og_field *fields, uint32_t n, int64_t i)
{
  putchar('{');
  for (uint32_t k = 0; k < n; k++) {
    if (k) putchar(',');
    print_str(fields[k].name);
    putchar(':');
    print_value(columns[k], &fields[k], i);
  }
  printf("}\n");
}
