/* SPDX-License-Identifier: MIT */
#include "random_columns.h"

#include <stdio.h>

uint64_t og_dice_next(og_dice *r)
{
  uint64_t z = (r->state += 0x9E3779B97F4A7C15u);
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

uint64_t og_dice_below(og_dice *r, uint64_t n)
{
  return og_dice_next(r) % n;
}

/* ---- Fields. */

#define TYPE(t)                                                                                    \
  {                                                                                                \
    .id = t                                                                                        \
  }
#define LEAF(text, t)                                                                              \
  {                                                                                                \
    .name = {text, sizeof text - 1}, .type = TYPE(t), .nullable = true                             \
  }
#define NEST(text, t, list)                                                                        \
  {                                                                                                \
    .name = {text, sizeof text - 1}, .type = TYPE(t), .nullable = true, .children = list,          \
    .n_children = OG_ARRAY_LEN(list)                                                               \
  }
#define VECTOR(text, n, item)                                                                      \
  {                                                                                                \
    .name = {text, sizeof text - 1}, .type = {.id = OG_TYPE_FIXED_LIST, .size = n},                \
    .nullable = true, .children = item, .n_children = 1                                            \
  }

static const og_field item_f32[] = {LEAF("item", OG_TYPE_F32)};
static const og_field item_i32[] = {LEAF("item", OG_TYPE_I32)};
static const og_field item_i64[] = {LEAF("item", OG_TYPE_I64)};
static const og_field item_u8[] = {LEAF("item", OG_TYPE_U8)};
static const og_field item_f64[] = {LEAF("item", OG_TYPE_F64)};
static const og_field item_bool[] = {LEAF("item", OG_TYPE_BOOL)};
static const og_field item_utf8[] = {LEAF("item", OG_TYPE_UTF8)};
static const og_field item_list[] = {NEST("item", OG_TYPE_LIST, item_i64)};
static const og_field item_list_list[] = {NEST("item", OG_TYPE_LIST, item_list)};
static const og_field item_vector[] = {VECTOR("item", 100, item_f32)};
static const og_field pair[] = {LEAF("a", OG_TYPE_I32), NEST("b", OG_TYPE_LIST, item_utf8)};
static const og_field item_pair[] = {NEST("item", OG_TYPE_STRUCT, pair)};
static const og_field inner[] = {LEAF("x", OG_TYPE_F64), LEAF("y", OG_TYPE_UTF8),
                                 NEST("z", OG_TYPE_LIST, item_bool)};
static const og_field outer[] = {LEAF("n", OG_TYPE_I64), NEST("s", OG_TYPE_STRUCT, inner),
                                 NEST("l", OG_TYPE_LIST, item_pair), VECTOR("v", 4, item_f32)};

static const og_field all_fields[] = {
    LEAF("bool", OG_TYPE_BOOL),
    LEAF("i8", OG_TYPE_I8),
    LEAF("i16", OG_TYPE_I16),
    LEAF("i32", OG_TYPE_I32),
    LEAF("i64", OG_TYPE_I64),
    LEAF("u8", OG_TYPE_U8),
    LEAF("u16", OG_TYPE_U16),
    LEAF("u32", OG_TYPE_U32),
    LEAF("u64", OG_TYPE_U64),
    LEAF("f32", OG_TYPE_F32),
    LEAF("f64", OG_TYPE_F64),
    LEAF("utf8", OG_TYPE_UTF8),
    LEAF("large_utf8", OG_TYPE_LARGE_UTF8),
    LEAF("binary", OG_TYPE_BINARY),
    LEAF("large_binary", OG_TYPE_LARGE_BINARY),
    LEAF("date32", OG_TYPE_DATE32),
    LEAF("date64", OG_TYPE_DATE64),
    {.name = {"ts", 2},
     .type = {.id = OG_TYPE_TIMESTAMP, .unit = OG_UNIT_US, .utc = true},
     .nullable = true},
    {.name = {"t32", 3}, .type = {.id = OG_TYPE_TIME32, .unit = OG_UNIT_MS}, .nullable = true},
    {.name = {"t64", 3}, .type = {.id = OG_TYPE_TIME64, .unit = OG_UNIT_NS}, .nullable = true},
    {.name = {"dur", 3}, .type = {.id = OG_TYPE_DURATION, .unit = OG_UNIT_US}, .nullable = true},
    LEAF("null", OG_TYPE_NULL),
    VECTOR("v4", 4, item_f32),
    VECTOR("v3", 3, item_i32),
    VECTOR("v128", 128, item_f32),
    VECTOR("v9bits", 9, item_bool),
    VECTOR("v300", 300, item_u8),
    NEST("list_i32", OG_TYPE_LIST, item_i32),
    NEST("list_bool", OG_TYPE_LIST, item_bool),
    NEST("list_utf8", OG_TYPE_LIST, item_utf8),
    NEST("large_list", OG_TYPE_LARGE_LIST, item_f64),
    NEST("list_list", OG_TYPE_LIST, item_list),
    NEST("list_list_list", OG_TYPE_LIST, item_list_list),
    NEST("list_vector", OG_TYPE_LIST, item_vector),
    NEST("list_struct", OG_TYPE_LIST, item_pair),
    NEST("struct", OG_TYPE_STRUCT, inner),
    NEST("deep", OG_TYPE_STRUCT, outer),
};

const og_field *og_random_fields(uint32_t *n_fields)
{
  *n_fields = OG_ARRAY_LEN(all_fields);
  return all_fields;
}

/* ---- Values. */

typedef enum manner { CONSTANT, RUNS, FEW, SMALL, ANY, LONG, N_MANNERS } manner;

/* One per level of a field's tree, drawn once per column. */
typedef struct draw {
  manner manner;
  unsigned null_percent, empty_percent;
  uint64_t max_items;
  uint64_t last, left; /* RUNS */
} draw;

typedef struct maker {
  og_dice *r;
  draw draws[16];
} maker;

static void draw_make(og_dice *r, draw *d)
{
  static const unsigned shares[] = {0, 0, 10, 50, 95, 100};
  d->manner = (manner)og_dice_below(r, N_MANNERS);
  d->null_percent = shares[og_dice_below(r, OG_ARRAY_LEN(shares))];
  d->empty_percent = shares[og_dice_below(r, OG_ARRAY_LEN(shares))];
  d->max_items = 1 + og_dice_below(r, og_dice_below(r, 4) ? 4 : 40);
  d->last = og_dice_next(r);
  d->left = 0;
}

static uint64_t number(og_dice *r, draw *d)
{
  switch (d->manner) {
  case CONSTANT: return d->last;
  case RUNS:
    if (d->left-- == 0) {
      d->left = og_dice_below(r, 600);
      d->last = og_dice_next(r);
    }
    return d->last;
  case FEW: return d->last + og_dice_below(r, 7) * 0x123456789u;
  case SMALL: return og_dice_below(r, 1u << og_dice_below(r, 12));
  default: return og_dice_next(r);
  }
}

static int64_t in_range(uint64_t v, og_type_id id)
{
  switch (id) {
  case OG_TYPE_I8: return (int8_t)v;
  case OG_TYPE_I16: return (int16_t)v;
  case OG_TYPE_I32:
  case OG_TYPE_DATE32: return (int32_t)v;
  case OG_TYPE_U8: return (uint8_t)v;
  case OG_TYPE_U16: return (uint16_t)v;
  case OG_TYPE_U32: return (uint32_t)v;
  case OG_TYPE_TIME32: return (int64_t)(v % 86400000);
  case OG_TYPE_TIME64: return (int64_t)(v % 86400000000000);
  case OG_TYPE_DURATION:
  case OG_TYPE_DATE64:
  case OG_TYPE_TIMESTAMP: return (int64_t)v % 4000000000000;
  default: return (int64_t)v;
  }
}

static og_status put_text(og_ctx *cx, og_builder *b, og_dice *r, draw *d)
{
  char text[1200];
  const uint64_t v = number(r, d);
  int len = snprintf(text, sizeof text, "%llx", (unsigned long long)v);
  size_t n = (size_t)len;
  if (d->manner == ANY || d->manner == SMALL) n = og_dice_below(r, n + 1);
  if (d->manner == LONG) {
    n = og_dice_below(r, og_dice_below(r, 8) ? 30 : sizeof text);
    for (size_t i = 0; i < n; i++) text[i] = (char)('a' + (v >> i % 60) % 26);
  }
  return og_builder_str(cx, b, og_str_from(text, n));
}

static og_status put(og_ctx *cx, maker *m, const og_field *f, og_builder *b, unsigned level);

static og_status put_nested(og_ctx *cx, maker *m, const og_field *f, og_builder *b, unsigned level)
{
  draw *d = &m->draws[level];
  if (f->type.id == OG_TYPE_STRUCT) {
    for (uint32_t i = 0; i < f->n_children; i++)
      OG_TRY(put(cx, m, &f->children[i], og_builder_child(b, i), level + 1 + i));
    return og_builder_struct_end(cx, b);
  }
  uint64_t n = (uint64_t)f->type.size;
  if (f->type.id != OG_TYPE_FIXED_LIST)
    n = og_dice_below(m->r, 100) < d->empty_percent ? 0 : 1 + og_dice_below(m->r, d->max_items);
  OG_TRY(og_builder_list_begin(cx, b));
  for (uint64_t i = 0; i < n; i++)
    OG_TRY(put(cx, m, &f->children[0], og_builder_child(b, 0), level + 1));
  return og_builder_list_end(cx, b);
}

static og_status put(og_ctx *cx, maker *m, const og_field *f, og_builder *b, unsigned level)
{
  draw *d = &m->draws[level];
  if (f->type.id == OG_TYPE_NULL || og_dice_below(m->r, 100) < d->null_percent)
    return og_builder_null(cx, b);
  if (og_type_is_nested(f->type.id)) return put_nested(cx, m, f, b, level);
  if (og_type_is_varbin(f->type.id)) return put_text(cx, b, m->r, d);
  const uint64_t v = number(m->r, d);
  switch (f->type.id) {
  case OG_TYPE_BOOL: return og_builder_bool(cx, b, v & 1);
  case OG_TYPE_F32:
  case OG_TYPE_F64: return og_builder_f64(cx, b, (double)(int64_t)v / 1024);
  case OG_TYPE_U64: return og_builder_u64(cx, b, v);
  default: return og_builder_i64(cx, b, in_range(v, f->type.id));
  }
}

og_status og_random_column(og_ctx *cx, og_dice *r, const og_field *field, int64_t n,
                           og_column **out)
{
  maker m = {.r = r};
  og_builder *b = NULL;
  for (size_t i = 0; i < OG_ARRAY_LEN(m.draws); i++) draw_make(r, &m.draws[i]);
  OG_TRY(og_builder_new(cx, field, &b));
  og_status st = OG_OK;
  for (int64_t i = 0; i < n && st == OG_OK; i++) st = put(cx, &m, field, b, 0);
  if (st == OG_OK) st = og_builder_finish(cx, b, out);
  og_builder_free(b);
  return st;
}
