/* SPDX-License-Identifier: MIT */
/* query/value.c -- types and values shared by literals and parameters. */
#include "query/check.h"

#include <math.h>

static const og_type_id stored[] = {
    [OG_SC_STRING] = OG_TYPE_UTF8,     [OG_SC_BLOB] = OG_TYPE_LARGE_BINARY, [OG_SC_BOOL] = OG_TYPE_BOOL,
    [OG_SC_I32] = OG_TYPE_I32,         [OG_SC_I64] = OG_TYPE_I64,           [OG_SC_U32] = OG_TYPE_U32,
    [OG_SC_U64] = OG_TYPE_U64,         [OG_SC_F32] = OG_TYPE_F32,           [OG_SC_F64] = OG_TYPE_F64,
    [OG_SC_DATETIME] = OG_TYPE_DATE64, [OG_SC_DATE] = OG_TYPE_DATE32,       [OG_SC_VECTOR] = OG_TYPE_FIXED_LIST,
};

og_value_type og_value_type_of(const og_prop_type *t)
{
  og_value_type v = {.type = og_type_of(stored[t->kind]), .item = og_type_of(OG_TYPE_NULL)};
  if (t->kind == OG_SC_VECTOR) {
    v.type = og_type_fixed_list((int32_t)t->dim);
    v.item = og_type_of(OG_TYPE_F32);
  } else if (t->list) {
    v.item = v.type;
    v.type = og_type_of(OG_TYPE_LIST);
  }
  return v;
}

og_prop_type og_prop_type_scalar(og_scalar_kind kind)
{
  return (og_prop_type){.kind = kind};
}

/* ---- numbers */

typedef struct int_range {
  int64_t min;
  uint64_t max;
  const char *name;
} int_range;

static bool range_of(og_scalar_kind kind, int_range *out)
{
  switch (kind) {
  case OG_SC_I32: *out = (int_range){INT32_MIN, INT32_MAX, "Int32"}; return true;
  case OG_SC_I64: *out = (int_range){INT64_MIN, INT64_MAX, "Int64"}; return true;
  case OG_SC_U32: *out = (int_range){0, UINT32_MAX, "UInt32"}; return true;
  case OG_SC_U64: *out = (int_range){0, UINT64_MAX, "UInt64"}; return true;
  default: return false;
  }
}

static bool float_as(const og_scalar *v, og_scalar_kind kind, og_scalar *out, const char **range)
{
  double f = v->v.f;
  if (v->type.id == OG_TYPE_I64) f = (double)v->v.i;
  if (v->type.id == OG_TYPE_U64) f = (double)v->v.u;
  *range = kind == OG_SC_F32 ? "Float32" : "Float64";
  /* Halfway between the largest float and the next power of two rounds up, to infinity. */
  if (!isfinite(f) || (kind == OG_SC_F32 && fabs(f) >= 0x1.ffffffp127)) return false;
  out->v.f = kind == OG_SC_F32 ? (double)(float)f : f;
  return true;
}

bool og_query__number_as(const og_scalar *v, og_scalar_kind kind, og_scalar *out, const char **range)
{
  int_range r;
  *out = (og_scalar){.type = og_type_of(stored[kind])};
  if (!range_of(kind, &r)) return float_as(v, kind, out, range);
  *range = r.name;
  bool is_unsigned = v->type.id == OG_TYPE_U64;
  bool negative = !is_unsigned && v->v.i < 0;
  uint64_t magnitude = is_unsigned ? v->v.u : (uint64_t)v->v.i;
  if (negative ? v->v.i < r.min : magnitude > r.max) return false;
  if (r.min == 0)
    out->v.u = magnitude;
  else
    out->v.i = negative ? v->v.i : (int64_t)magnitude;
  return true;
}

/* ---- lists in an arena */

enum { ALIGN = 64 };

static void *aligned(og_ctx *cx, og_arena *a, size_t n, size_t width)
{
  size_t bytes;
  if (OG_MUL_OVERFLOWS(n, width, &bytes) || OG_ADD_OVERFLOWS(bytes, (size_t)2 * ALIGN, &bytes)) {
    og_fail(cx, OG_ENOMEM, "a list of %zu values does not fit memory", n);
    return NULL;
  }
  char *p = og_arena_zalloc(cx, a, bytes);
  return p ? p + (ALIGN - (uintptr_t)p % ALIGN) % ALIGN : NULL;
}

static og_status fill_strings(og_ctx *cx, og_arena *a, const og_scalar *values, size_t n, og_column *col)
{
  uint64_t bytes = 0;
  for (size_t i = 0; i < n; i++) bytes += values[i].v.s.len;
  if (bytes > INT32_MAX) return og_fail(cx, OG_ELIMIT, "the strings of one list take more than 2 GiB");
  int32_t *offsets = aligned(cx, a, n + 1, sizeof *offsets);
  char *text = aligned(cx, a, (size_t)bytes, 1);
  if (!offsets || !text) return OG_ENOMEM;
  for (size_t i = 0, at = 0; i < n; i++) {
    og_str s = values[i].v.s;
    if (s.len) memcpy(text + at, s.ptr, s.len);
    at += s.len;
    offsets[i + 1] = (int32_t)at;
  }
  col->data[0] = offsets;
  col->data[1] = text;
  col->bytes_len = bytes;
  return OG_OK;
}

static void store_value(void *to, size_t i, const og_scalar *v)
{
  switch (v->type.id) {
  case OG_TYPE_BOOL:
    if (v->v.b) og_bit_set(to, (int64_t)i);
    break;
  case OG_TYPE_I32:
  case OG_TYPE_DATE32: ((int32_t *)to)[i] = (int32_t)v->v.i; break;
  case OG_TYPE_I64:
  case OG_TYPE_DATE64: ((int64_t *)to)[i] = v->v.i; break;
  case OG_TYPE_U32: ((uint32_t *)to)[i] = (uint32_t)v->v.u; break;
  case OG_TYPE_U64: ((uint64_t *)to)[i] = v->v.u; break;
  case OG_TYPE_F32: ((float *)to)[i] = (float)v->v.f; break;
  case OG_TYPE_F64: ((double *)to)[i] = v->v.f; break;
  default: OG_ASSERT(false);
  }
}

og_status og_query_list(og_ctx *cx, og_arena *a, og_type item, const og_scalar *values, size_t n, og_column **out)
{
  if (n > INT32_MAX) return og_fail(cx, OG_ELIMIT, "a list holds at most 2147483647 values");
  og_column *col = og_arena_zalloc(cx, a, sizeof *col);
  if (!col) return OG_ENOMEM;
  col->refs = 1; /* never given back: the arena frees it */
  col->type = item;
  col->len = (int64_t)n;
  if (item.id == OG_TYPE_UTF8) {
    OG_TRY(fill_strings(cx, a, values, n, col));
  } else {
    unsigned width = og_type_width(item.id);
    void *data = aligned(cx, a, n, width ? width : 1);
    if (!data) return OG_ENOMEM;
    for (size_t i = 0; i < n; i++) store_value(data, i, &values[i]);
    col->data[0] = data;
  }
  *out = col;
  return OG_OK;
}
