/* SPDX-License-Identifier: MIT */
/* arrow/column.h -- immutable, reference-counted Arrow arrays.
 *
 * Buffers are 64-byte aligned and readable up to the next 64 bytes.  Columns have no offset: slicing that cannot share
 * copies (imports with an offset are normalised).  A column cannot be changed once built; builders make new ones.
 * Thread rule: immutable; share freely by reference.
 */
#pragma once

#include "arrow/type.h"

typedef struct og_column {
  _Atomic uint32_t refs;
  og_type type;
  int64_t len;
  int64_t nulls;           /* exact */
  const uint8_t *validity; /* bitmap, LSB first, 1 = valid; NULL: no nulls.  Padding bits are 0. */
  const void *data[2];     /* [0]: values, bits, or offsets (len + 1); [1]: bytes of varbin.  Null slots hold zeros. */
  uint64_t bytes_len;      /* varbin: length of data[1] */
  uint32_t n_children;
  struct og_column **children; /* lists, structs: one reference each */
  void *owned[3];              /* og_alloc'ed buffers freed with the column */
} og_column;

og_column *og_column_ref(og_column *c);
void og_column_unref(og_column *c); /* NULL is fine */
static inline void og_column_p_cleanup(og_column **c)
{
  og_column_unref(*c);
}

static inline bool og_bit_get(const uint8_t *bits, int64_t i)
{
  return (bits[i >> 3] >> (i & 7)) & 1;
}
static inline void og_bit_set(uint8_t *bits, int64_t i)
{
  bits[i >> 3] = (uint8_t)(bits[i >> 3] | (1u << (i & 7)));
}
static inline void og_bit_clear(uint8_t *bits, int64_t i)
{
  bits[i >> 3] = (uint8_t)(bits[i >> 3] & ~(1u << (i & 7)));
}
int64_t og_bits_count(const uint8_t *bits, int64_t off, int64_t n); /* ones in [off, off + n) */
/* n bits at any two offsets; the maps do not overlap, other bits of dst stay. */
void og_bits_copy(uint8_t *dst, int64_t dst_off, const uint8_t *src, int64_t src_off, int64_t n);
void og_bits_fill(uint8_t *bits, int64_t off, int64_t n); /* ones in [off, off + n) */

static inline bool og_column_is_null(const og_column *c, int64_t i)
{
  return c->type.id == OG_TYPE_NULL || (c->validity && !og_bit_get(c->validity, i));
}
/* Unchecked typed access; the caller knows the type and that 0 <= i < len. */
static inline const int32_t *og_column_i32(const og_column *c)
{
  return (const int32_t *)c->data[0];
}
static inline const int64_t *og_column_i64(const og_column *c)
{
  return (const int64_t *)c->data[0];
}
static inline const uint64_t *og_column_u64(const og_column *c)
{
  return (const uint64_t *)c->data[0];
}
static inline const float *og_column_f32(const og_column *c)
{
  return (const float *)c->data[0];
}
static inline const double *og_column_f64(const og_column *c)
{
  return (const double *)c->data[0];
}
static inline bool og_column_bool(const og_column *c, int64_t i)
{
  return og_bit_get((const uint8_t *)c->data[0], i);
}
/* Bytes of a UTF8/BINARY/LARGE_* value; borrowed from the column. */
og_str og_column_str(const og_column *c, int64_t i);
/* Item range [*from, *to) of a LIST/LARGE_LIST/FIXED_LIST row in children[0]. */
void og_column_list(const og_column *c, int64_t i, int64_t *from, int64_t *to);

/* Structural check of every buffer size and offset: for columns that came from outside.  OG_ECORRUPT or
 * OG_EINVALID as `st` says. */
OG_MUST_USE og_status og_column_check(og_ctx *cx, const og_column *c, og_status st);

/* All-null column of a type.  `field` gives nested children; its name is not used. */
OG_MUST_USE og_status og_column_nulls(og_ctx *cx, const og_field *field, int64_t len, og_column **out);
/* Rows [from, from + len): a copy, or another reference when that is all of them. */
OG_MUST_USE og_status og_column_slice(og_ctx *cx, og_column *c, int64_t from, int64_t len, og_column **out);
/* Rows idx[0..n); an index of -1 gives null.  Indices are trusted to be < len.  OG_ELIMIT as og_column_concat. */
OG_MUST_USE og_status og_column_take(og_ctx *cx, const og_column *c, const int64_t *idx, int64_t n, og_column **out);
/* All rows of n >= 1 columns of one type, in order.  OG_ELIMIT when 32-bit offsets cannot hold them. */
OG_MUST_USE og_status og_column_concat(og_ctx *cx, og_column *const *cols, size_t n, og_column **out);

/* Value equality: null equals null; -0.0 equals 0.0, NaN equals NaN; recursive. */
bool og_column_value_eq(const og_column *a, int64_t i, const og_column *b, int64_t j);
/* Total order of two values of one type: nulls first, NaN last, strings by bytes, lists lexicographically. */
int og_column_value_cmp(const og_column *a, int64_t i, const og_column *b, int64_t j);
/* Hash consistent with og_column_value_eq. */
uint64_t og_column_value_hash(const og_column *c, int64_t i, uint64_t seed);

/* Equal-length columns under a schema. */
typedef struct og_batch {
  _Atomic uint32_t refs;
  og_schema *schema; /* one reference */
  int64_t len;
  uint32_t n_columns;
  og_column **columns; /* one reference each */
} og_batch;

/* Takes its own references of schema and columns. */
OG_MUST_USE og_status og_batch_new(og_ctx *cx, og_schema *schema, og_column *const *columns, uint32_t n, int64_t len,
                                   og_batch **out);
og_batch *og_batch_ref(og_batch *b);
void og_batch_unref(og_batch *b); /* NULL is fine */
