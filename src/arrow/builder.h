/* SPDX-License-Identifier: MIT */
/* arrow/builder.h -- the only way to make a column value by value.
 *
 * A builder follows a field (its type and children).  Append one value per row: scalars with the typed calls; a list
 * row by og_builder_list_begin, items on og_builder_child(b, 0), og_builder_list_end; a struct row by appending to
 * every child and then og_builder_struct_end.  FIXED_LIST: exactly `size` items between begin and end.
 * A scalar call that fails with OG_EINVALID (range) or OG_ELIMIT (32-bit offsets are full) leaves the builder as it
 * was; after any other failure it can only be freed.  Text is not checked for UTF-8 here. Thread rule: one thread at a
 * time.
 */
#pragma once

#include "arrow/column.h"
#include "base/buf.h"

typedef struct og_builder og_builder;

OG_MUST_USE og_status og_builder_new(og_ctx *cx, const og_field *field, og_builder **out);
void og_builder_free(og_builder *b); /* NULL is fine */
typedef og_builder *og_builder_p; /* for OG_AUTO */
static inline void og_builder_p_cleanup(og_builder **b)
{
  og_builder_free(*b);
}
int64_t og_builder_len(const og_builder *b);
uint64_t og_builder_bytes(const og_builder *b); /* memory of the values so far */

OG_MUST_USE og_status og_builder_null(og_ctx *cx, og_builder *b); /* any type, fills children as needed */
OG_MUST_USE og_status og_builder_bool(og_ctx *cx, og_builder *b, bool v);
/* Any integer or date/time type; out of the type's range is OG_EINVALID ("exceeds Int32 range"). */
OG_MUST_USE og_status og_builder_i64(og_ctx *cx, og_builder *b, int64_t v);
OG_MUST_USE og_status og_builder_u64(og_ctx *cx, og_builder *b, uint64_t v);
OG_MUST_USE og_status og_builder_f64(og_ctx *cx, og_builder *b, double v); /* F32: rounded; F64 */
/* The bytes of a fixed-width value (not bool) as a column has them, any alignment. */
OG_MUST_USE og_status og_builder_raw(og_ctx *cx, og_builder *b, const void *bytes);
OG_MUST_USE og_status og_builder_str(og_ctx *cx, og_builder *b, og_str v); /* strings and binaries */
OG_MUST_USE og_status og_builder_list_begin(og_ctx *cx, og_builder *b);
OG_MUST_USE og_status og_builder_list_end(og_ctx *cx, og_builder *b);
OG_MUST_USE og_status og_builder_struct_end(og_ctx *cx, og_builder *b);
og_builder *og_builder_child(og_builder *b, uint32_t i);
/* Row i of a column of the same type. */
OG_MUST_USE og_status og_builder_copy(og_ctx *cx, og_builder *b, const og_column *c, int64_t i);
/* Rows [from, from + n) of a column of the same type: fast path of the above. */
OG_MUST_USE og_status og_builder_copy_range(og_ctx *cx, og_builder *b, const og_column *c, int64_t from, int64_t n);
/* Hands the rows out as a column; the builder is empty again and may be reused. */
OG_MUST_USE og_status og_builder_finish(og_ctx *cx, og_builder *b, og_column **out);

/* Fixed-width and bool columns in one go: copies n values (bool: bits) and the validity bitmap (NULL: no nulls). */
OG_MUST_USE og_status og_column_from_fixed(og_ctx *cx, og_type type, const void *values, const uint8_t *validity,
                                           int64_t n, og_column **out);
/* A column in parts; unused members are zero. */
typedef struct og_column_parts {
  og_type type;
  int64_t len;
  void *validity; /* NULL: no nulls */
  void *data[2];  /* as in og_column */
  uint64_t bytes_len;
  og_column *const *children;
  uint32_t n_children;
} og_column_parts;

/* Adopts og_alloc_aligned buffers (freed with the column, also on failure) and takes its own references of children.
 * Nulls are counted here, padding bits and null slots of bits and fixed-width values zeroed.  Null rows of strings and
 * lists must be empty.  Not checked: og_column_check. */
OG_MUST_USE og_status og_column_adopt(og_ctx *cx, const og_column_parts *parts, og_column **out);
