/* SPDX-License-Identifier: MIT */
/* arrow_test.h -- a context for tests of this room, and columns of every type with seeded random
 * values. */
#pragma once

#include "og_test.h"

#include "arrow/builder.h"

typedef struct world {
  og_runtime rt;
  og_error err;
  og_ctx cx;
} world;

static inline og_ctx *world_open(world *w)
{
  memset(w, 0, sizeof *w);
  og_mem_init(&w->rt.mem, 0);
  og_ctx_init(&w->cx, &w->rt, &w->err, NULL);
  return &w->cx;
}

/* Everything allocated was freed. */
static inline void world_close(world *w)
{
  OG_CHECK_U64(w->rt.mem.in_use, 0);
}

static inline uint64_t rnd(uint64_t *state)
{
  uint64_t x = (*state += 0x9e3779b97f4a7c15ull);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

static inline double og_test_nan(void)
{
  uint64_t bits = 0x7ff8000000000001ull;
  double v;
  memcpy(&v, &bits, sizeof v);
  return v;
}

#define TEXT(lit)                                                                                  \
  {                                                                                                \
    "" lit, sizeof(lit) - 1                                                                        \
  } /* OG_STR for static tables */
#define LEAF(n, t)                                                                                 \
  {                                                                                                \
    .name = TEXT(n), .type = {.id = t}, .nullable = true                                           \
  }

static const og_field item_i64 = LEAF("item", OG_TYPE_I64);
static const og_field item_f32 = LEAF("item", OG_TYPE_F32);
static const og_field item_str = LEAF("item", OG_TYPE_UTF8);
static const og_field item_bool = LEAF("item", OG_TYPE_BOOL);
static const og_field members[] = {LEAF("a", OG_TYPE_I32), LEAF("b", OG_TYPE_LARGE_UTF8),
                                   LEAF("c", OG_TYPE_BOOL)};
static const og_field item_struct = {.name = TEXT("item"),
                                     .type = {.id = OG_TYPE_STRUCT},
                                     .nullable = true,
                                     .children = members,
                                     .n_children = 3};
static const og_field item_list = {.name = TEXT("item"),
                                   .type = {.id = OG_TYPE_LIST},
                                   .nullable = true,
                                   .children = &item_str,
                                   .n_children = 1};

#define NESTED(n, t, kids, k)                                                                      \
  {                                                                                                \
    .name = TEXT(n), .type = t, .nullable = true, .children = kids, .n_children = k                \
  }
#define TYPE(i)                                                                                    \
  {                                                                                                \
    .id = i                                                                                        \
  }
#define VECTOR(n)                                                                                  \
  {                                                                                                \
    .id = OG_TYPE_FIXED_LIST, .size = n                                                            \
  }
#define STAMP(u, tz)                                                                               \
  {                                                                                                \
    .id = OG_TYPE_TIMESTAMP, .unit = u, .utc = tz                                                  \
  }

#define UNIT(i, u)                                                                                 \
  {                                                                                                \
    .id = i, .unit = u                                                                             \
  }

/* Every type, and the nestings that copy differently. */
static const og_field every_field[] = {
    LEAF("null", OG_TYPE_NULL),
    LEAF("bool", OG_TYPE_BOOL),
    LEAF("i8", OG_TYPE_I8),
    LEAF("i16", OG_TYPE_I16),
    LEAF("i32", OG_TYPE_I32),
    LEAF("i64", OG_TYPE_I64),
    LEAF("u8", OG_TYPE_U8),
    LEAF("u16", OG_TYPE_U16),
    LEAF("u32", OG_TYPE_U32),
    LEAF("u64", OG_TYPE_U64),
    LEAF("f16", OG_TYPE_F16),
    LEAF("f32", OG_TYPE_F32),
    LEAF("f64", OG_TYPE_F64),
    LEAF("utf8", OG_TYPE_UTF8),
    LEAF("large_utf8", OG_TYPE_LARGE_UTF8),
    LEAF("binary", OG_TYPE_BINARY),
    LEAF("large_binary", OG_TYPE_LARGE_BINARY),
    LEAF("date32", OG_TYPE_DATE32),
    LEAF("date64", OG_TYPE_DATE64),
    NESTED("ts_s", STAMP(OG_UNIT_S, false), NULL, 0),
    NESTED("ts_ms", STAMP(OG_UNIT_MS, true), NULL, 0),
    NESTED("ts_us", STAMP(OG_UNIT_US, false), NULL, 0),
    NESTED("ts_ns", STAMP(OG_UNIT_NS, true), NULL, 0),
    NESTED("time_s", UNIT(OG_TYPE_TIME32, OG_UNIT_S), NULL, 0),
    NESTED("time_ms", UNIT(OG_TYPE_TIME32, OG_UNIT_MS), NULL, 0),
    NESTED("time_us", UNIT(OG_TYPE_TIME64, OG_UNIT_US), NULL, 0),
    NESTED("time_ns", UNIT(OG_TYPE_TIME64, OG_UNIT_NS), NULL, 0),
    NESTED("duration_s", UNIT(OG_TYPE_DURATION, OG_UNIT_S), NULL, 0),
    NESTED("duration_ns", UNIT(OG_TYPE_DURATION, OG_UNIT_NS), NULL, 0),
    NESTED("list", TYPE(OG_TYPE_LIST), &item_i64, 1),
    NESTED("large_list", TYPE(OG_TYPE_LARGE_LIST), &item_str, 1),
    NESTED("list_of_lists", TYPE(OG_TYPE_LIST), &item_list, 1),
    NESTED("list_of_structs", TYPE(OG_TYPE_LIST), &item_struct, 1),
    NESTED("vector", VECTOR(3), &item_f32, 1),
    NESTED("bits", VECTOR(5), &item_bool, 1),
    NESTED("structs_by_two", VECTOR(2), &item_struct, 1),
    NESTED("struct", TYPE(OG_TYPE_STRUCT), members, 3),
};

#define N_EVERY OG_ARRAY_LEN(every_field)

static inline og_status append_random(og_ctx *cx, og_builder *b, const og_field *f, uint64_t *seed);

static inline og_status append_random_items(og_ctx *cx, og_builder *b, const og_field *f,
                                            uint64_t *seed)
{
  int64_t n = f->type.id == OG_TYPE_FIXED_LIST ? f->type.size : (int64_t)(rnd(seed) % 4);
  OG_TRY(og_builder_list_begin(cx, b));
  for (int64_t i = 0; i < n; i++)
    OG_TRY(append_random(cx, og_builder_child(b, 0), &f->children[0], seed));
  return og_builder_list_end(cx, b);
}

static inline og_status append_random_float(og_ctx *cx, og_builder *b, uint64_t *seed)
{
  static const double special[] = {0.0, -0.0, 1.0, 0.5, -2.5, 3.0, 1e10, 0x1p63, -0x1p63};
  if (rnd(seed) % 2) return og_builder_f64(cx, b, special[rnd(seed) % OG_ARRAY_LEN(special)]);
  if (rnd(seed) % 8 == 0) return og_builder_f64(cx, b, og_test_nan());
  return og_builder_f64(cx, b, (double)(int64_t)rnd(seed) / 0x1p48);
}

/* Small values often, so that equal ones meet; the ends of the range sometimes. */
static inline og_status append_random_integer(og_ctx *cx, og_builder *b, og_type_id id,
                                              uint64_t *seed)
{
  unsigned spare = 64 - 8 * og_type_width(id);
  uint64_t r = rnd(seed);
  if (id == OG_TYPE_U8 || id == OG_TYPE_U16 || id == OG_TYPE_U32 || id == OG_TYPE_U64)
    return og_builder_u64(cx, b,
                          r % 3 == 0   ? r >> spare
                          : r % 3 == 1 ? r % 5
                                       : UINT64_MAX >> spare);
  if (r % 7 == 0) return og_builder_i64(cx, b, INT64_MIN >> spare);
  if (r % 7 == 1) return og_builder_i64(cx, b, INT64_MAX >> spare);
  return og_builder_i64(cx, b, r % 7 < 4 ? (int64_t)r >> spare : (int64_t)(r % 7) - 5);
}

static inline og_status append_random(og_ctx *cx, og_builder *b, const og_field *f, uint64_t *seed)
{
  static const char text[] = "xy\xc3\xa9yx";
  static const unsigned cuts[] = {0, 1, 2, 4, 5, 6}; /* whole characters */
  og_type_id id = f->type.id;
  uint64_t r = rnd(seed);
  if (id == OG_TYPE_NULL || (f->nullable && r % 5 == 0)) return og_builder_null(cx, b);
  if (id == OG_TYPE_BOOL) return og_builder_bool(cx, b, r % 3 == 0);
  if (og_type_is_varbin(id)) {
    unsigned from = cuts[r / 8 % 6], to = cuts[r / 64 % 6];
    return og_builder_str(cx, b, og_str_sub(og_str_of(text), from, to < from ? from : to));
  }
  if (id == OG_TYPE_F16 || id == OG_TYPE_F32 || id == OG_TYPE_F64)
    return append_random_float(cx, b, seed);
  if (og_type_width(id)) return append_random_integer(cx, b, id, seed);
  if (id != OG_TYPE_STRUCT) return append_random_items(cx, b, f, seed);
  for (uint32_t i = 0; i < f->n_children; i++)
    OG_TRY(append_random(cx, og_builder_child(b, i), &f->children[i], seed));
  return og_builder_struct_end(cx, b);
}

static inline og_status random_column(og_ctx *cx, const og_field *f, int64_t n, uint64_t seed,
                                      og_column **out)
{
  og_builder *b;
  OG_TRY(og_builder_new(cx, f, &b));
  og_status st = OG_OK;
  for (int64_t i = 0; i < n && st == OG_OK; i++) st = append_random(cx, b, f, &seed);
  if (st == OG_OK) st = og_builder_finish(cx, b, out);
  og_builder_free(b);
  return st;
}

/* Row by row the same values. */
static inline bool same_rows(const og_column *a, int64_t from, const og_column *b, int64_t at,
                             int64_t n)
{
  for (int64_t i = 0; i < n; i++)
    if (!og_column_value_eq(a, from + i, b, at + i)) return false;
  return true;
}
