/* SPDX-License-Identifier: MIT */
/* arrow/column_impl.h -- what the files of this room share about making columns and reading raw
 * values. */
#pragma once

#include "arrow/column.h"

/* The slots of og_column.owned. */
enum { OG_SLOT_VALIDITY, OG_SLOT_DATA0, OG_SLOT_DATA1 };

/* A take index: the value becomes null, or a valid zero (below a null struct or fixed-size list,
 * whose items may not be nullable). */
#define OG_TAKE_NULL  (-1)
#define OG_TAKE_EMPTY (-2)

/* How values are read and compared, one for several types. */
typedef enum og_kind {
  OG_KIND_NULL,
  OG_KIND_BOOL,
  OG_KIND_INT, /* dates and timestamps too */
  OG_KIND_UINT,
  OG_KIND_FLOAT,
  OG_KIND_BYTES,
  OG_KIND_LIST,
  OG_KIND_STRUCT
} og_kind;
og_kind og_column__kind(og_type_id id);

/* A column without buffers, one reference, room for n_children (all NULL). */
OG_MUST_USE og_status og_column__alloc(og_ctx *cx, og_type type, int64_t len, uint32_t n_children, og_column **out);
/* A buffer of the column, uninitialised but for its padding.  NULL after og_fail(OG_ENOMEM). */
void *og_column__buffer(og_ctx *cx, og_column *c, int slot, size_t size);
/* The same, n * width bytes with the product checked. */
void *og_column__array(og_ctx *cx, og_column *c, int slot, int64_t n, size_t width);

static inline size_t og_bits_bytes(int64_t n)
{
  return ((size_t)n + 7) / 8;
}

static inline bool og_type_is_wide(og_type_id id) /* 64-bit offsets */
{
  return id == OG_TYPE_LARGE_UTF8 || id == OG_TYPE_LARGE_BINARY || id == OG_TYPE_LARGE_LIST;
}

static inline bool og_type_has_offsets(og_type_id id)
{
  return og_type_is_varbin(id) || id == OG_TYPE_LIST || id == OG_TYPE_LARGE_LIST;
}

static inline int64_t og_column__offset(const og_column *c, int64_t i)
{
  return og_type_is_wide(c->type.id) ? ((const int64_t *)c->data[0])[i] : ((const int32_t *)c->data[0])[i];
}

/* Offset number i of a column under construction. */
static inline void og_column__set_offset(og_column *c, int64_t i, int64_t v)
{
  if (og_type_is_wide(c->type.id))
    ((int64_t *)c->owned[OG_SLOT_DATA0])[i] = v;
  else
    ((int32_t *)c->owned[OG_SLOT_DATA0])[i] = (int32_t)v;
}

/* OG_ELIMIT when a column of this type cannot hold `total` bytes or items behind its offsets. */
OG_MUST_USE og_status og_column__check_total(og_ctx *cx, og_type type, int64_t total);

int64_t og_column__load_i64(const og_column *c, int64_t i);  /* OG_KIND_INT */
uint64_t og_column__load_u64(const og_column *c, int64_t i); /* OG_KIND_UINT */
double og_column__load_f64(const og_column *c, int64_t i);   /* OG_KIND_FLOAT */

double og_f16_to_f64(uint16_t half);
uint16_t og_f16_from_f64(double v); /* to nearest, ties to even; overflow gives infinity */

/* Integers in the order of the doubles: both zeros are one, every NaN is one and last. */
static inline int64_t og_f64_key(double v)
{
  if (v != v) return INT64_MAX;
  v += 0.0; /* -0.0 becomes 0.0 */
  int64_t bits;
  memcpy(&bits, &v, sizeof bits);
  return bits ^ (int64_t)((uint64_t)(bits >> 63) >> 1);
}

/* A 64-bit mixer (the finaliser of splitmix64): every input bit reaches every output bit. */
static inline uint64_t og_hash_mix(uint64_t seed, uint64_t v)
{
  uint64_t x = (seed ^ (v + 0x9e3779b97f4a7c15ull)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

#define OG_HASH_NULL 0x6e756c6cull
