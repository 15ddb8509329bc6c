/* SPDX-License-Identifier: MIT */
/* arrow/type.h -- the Arrow types we store and compute on, and named fields over them.
 *
 * https://arrow.apache.org/docs/format/Columnar.html.  An og_type is a small value; nested types keep their children in
 * the field (names, nullability) or in the column (data), never here.
 * Thread rule: og_schema is immutable after og_schema_new; share by reference.
 */
#pragma once

#include "base/arena.h"
#include "base/ctx.h"

typedef enum og_type_id {
  OG_TYPE_NULL,
  OG_TYPE_BOOL, /* bit-packed, LSB first */
  OG_TYPE_I8,
  OG_TYPE_I16,
  OG_TYPE_I32,
  OG_TYPE_I64,
  OG_TYPE_U8,
  OG_TYPE_U16,
  OG_TYPE_U32,
  OG_TYPE_U64,
  OG_TYPE_F16,
  OG_TYPE_F32,
  OG_TYPE_F64,
  OG_TYPE_UTF8,         /* i32 offsets */
  OG_TYPE_LARGE_UTF8,   /* i64 offsets */
  OG_TYPE_BINARY,       /* i32 offsets */
  OG_TYPE_LARGE_BINARY, /* i64 offsets */
  OG_TYPE_DATE32,       /* i32 days */
  OG_TYPE_DATE64,       /* i64 milliseconds */
  OG_TYPE_TIMESTAMP,    /* i64 in `unit` */
  OG_TYPE_TIME32,       /* i32 in `unit` since midnight: s, ms */
  OG_TYPE_TIME64,       /* i64 in `unit` since midnight: us, ns */
  OG_TYPE_DURATION,     /* i64 in `unit` */
  OG_TYPE_LIST,         /* i32 offsets, one child "item" */
  OG_TYPE_LARGE_LIST,   /* i64 offsets, one child */
  OG_TYPE_FIXED_LIST,   /* `size` items per row, one child */
  OG_TYPE_STRUCT        /* one child per field */
} og_type_id;

typedef enum og_time_unit { OG_UNIT_S, OG_UNIT_MS, OG_UNIT_US, OG_UNIT_NS } og_time_unit;

typedef struct og_type {
  og_type_id id;
  og_time_unit unit; /* TIMESTAMP, TIME32, TIME64, DURATION */
  bool utc;          /* TIMESTAMP with zone UTC */
  int32_t size;      /* FIXED_LIST: items per row, >= 1 */
} og_type;

static inline og_type og_type_of(og_type_id id)
{
  return (og_type){.id = id};
}
static inline og_type og_type_fixed_list(int32_t n)
{
  return (og_type){.id = OG_TYPE_FIXED_LIST, .size = n};
}
bool og_type_eq(og_type a, og_type b);
const char *og_type_name(og_type t); /* "int32", "string", ... for messages */

/* Bytes per value of fixed-width types (1, 2, 4, 8); 0 for BOOL, variable and nested ones. */
unsigned og_type_width(og_type_id id);
bool og_type_is_numeric(og_type_id id); /* integers and floats */
bool og_type_is_string(og_type_id id);  /* UTF8, LARGE_UTF8 */
bool og_type_is_varbin(og_type_id id);  /* strings and binaries */
bool og_type_is_nested(og_type_id id);  /* lists and structs */
bool og_type_has_unit(og_type_id id);   /* values count units of time */

typedef struct og_field {
  og_str name;
  og_type type;
  bool nullable;
  const struct og_field *children; /* lists: 1, struct: n */
  uint32_t n_children;
  const og_str *meta; /* key, value, key, value, ...: 2 * n_meta strings */
  uint32_t n_meta;
} og_field;

/* Value of metadata `key`; false when absent. */
bool og_field_meta(const og_field *f, og_str key, og_str *out);

typedef struct og_schema {
  _Atomic uint32_t refs;
  og_arena arena; /* owns everything below */
  og_field *fields;
  uint32_t n_fields;
  const og_str *meta;
  uint32_t n_meta;
} og_schema;

/* Deep copy of `fields` (and of `meta`, 2 * n_meta strings). *out holds one reference. */
OG_MUST_USE og_status og_schema_new(og_ctx *cx, const og_field *fields, uint32_t n, const og_str *meta, uint32_t n_meta,
                                    og_schema **out);
og_schema *og_schema_ref(og_schema *s);
void og_schema_unref(og_schema *s); /* NULL is fine */
/* Index of the top-level field, or -1. */
int og_schema_find(const og_schema *s, og_str name);
bool og_field_eq(const og_field *a, const og_field *b, bool with_meta);
