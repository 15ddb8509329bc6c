/* SPDX-License-Identifier: MIT */
/* arrow/row_bytes.h -- a row as bytes and back, and keys of bytes that order as values do: for what sorts more rows
 * than fit into memory (base/sorter.h).
 *
 * Bytes are for this process only: their layout may change, and they are read back by who wrote them; a disk that gave
 * them back damaged is found by the reader's checks (OG_ECORRUPT), not by luck.
 */
#pragma once

#include "arrow/builder.h"

/* Appends row i of the columns. */
OG_MUST_USE og_status og_row_bytes_put(og_ctx *cx, og_column *const *columns, uint32_t n, int64_t i, og_buf *out);
/* Appends the row to n builders of the fields that the columns had. */
OG_MUST_USE og_status og_row_bytes_get(og_ctx *cx, const og_field *fields, uint32_t n, og_str bytes,
                                       og_builder *const *builders);

/* Can values of this type be ordered by og_row_key_put?  Not lists and structs. */
bool og_row_key_can(og_type type);
/* Appends a key of value i that compares by memcmp as og_column_value_cmp does, also when more follow; the other way
 * round when `descending`.  So nulls are below all values, NaN above, and the zeros are one value. */
OG_MUST_USE og_status og_row_key_put(og_ctx *cx, const og_column *c, int64_t i, bool descending, og_buf *out);
