/* SPDX-License-Identifier: MIT */
/* omnigraph/value.h -- one value: of a condition, a parameter, or a row. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum og_value_kind {
  OG_VALUE_BOOL,
  OG_VALUE_INT,  /* also of dates, times and durations: the integer that is stored, in the column's unit */
  OG_VALUE_UINT, /* likewise */
  OG_VALUE_FLOAT,
  OG_VALUE_TEXT,
  OG_VALUE_LIST, /* of other values, for OG_COMPARE_IN */
  OG_VALUE_JSON, /* a list or vector, as text; only of parameters and rows */
  OG_VALUE_NULL  /* likewise */
} og_value_kind;

typedef struct og_value {
  og_value_kind kind;
  union {
    bool boolean;
    int64_t integer;
    uint64_t unsigned_integer;
    double number;
    const char *text; /* TEXT and JSON */
    struct {
      const struct og_value *values;
      size_t count; /* at most 1,048,576 */
    } list;
  } as;
} og_value;

/* Values in C and in C++ alike.  Texts are not copied. */
static inline og_value og_value_bool(bool v)
{
  og_value out;
  out.kind = OG_VALUE_BOOL;
  out.as.boolean = v;
  return out;
}
static inline og_value og_value_int(int64_t v)
{
  og_value out;
  out.kind = OG_VALUE_INT;
  out.as.integer = v;
  return out;
}
static inline og_value og_value_float(double v)
{
  og_value out;
  out.kind = OG_VALUE_FLOAT;
  out.as.number = v;
  return out;
}
static inline og_value og_value_text(const char *v)
{
  og_value out;
  out.kind = OG_VALUE_TEXT;
  out.as.text = v;
  return out;
}
static inline og_value og_value_json(const char *v)
{
  og_value out;
  out.kind = OG_VALUE_JSON;
  out.as.text = v;
  return out;
}

#ifdef __cplusplus
}
#endif
