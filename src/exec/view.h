/* SPDX-License-Identifier: MIT */
/* exec/view.h -- one table version as the operators see it: live rows, columns on demand.
 *
 * A row is a dense offset.  A whole column is decoded when much of it is needed and kept for the run; a few rows are
 * fetched singly.  Thread rule: one thread at a time.
 */
#pragma once

#include "base/map.h"
#include "graph/graph.h"
#include "graph/tables.h"

typedef struct og_view {
  const og_type_def *type;
  og_lance_table *table;  /* one reference */
  uint64_t rows;          /* size of the offset space */
  const uint8_t *deleted; /* borrowed; NULL: none */
  og_column **columns;    /* decoded whole, or NULL */
  uint32_t n_columns;
  og_map ids; /* id -> offset of live rows; filled by og_view_ids */
  bool has_ids;
} og_view;

OG_MUST_USE og_status og_view_open(og_ctx *cx, og_snapshot *s, const og_type_def *type, og_view **out);
void og_view_free(og_view *v);
static inline bool og_view_is_live(const og_view *v, uint64_t row)
{
  return !v->deleted || !og_bit_get(v->deleted, (int64_t)row);
}
/* The whole column of a field (property index or OG_FIELD_…); borrowed. */
OG_MUST_USE og_status og_view_column(og_ctx *cx, og_view *v, int32_t field, const og_column **out);
/* Values of a field at rows, in their order: from the whole column when that is at hand or cheaper. */
OG_MUST_USE og_status og_view_fetch(og_ctx *cx, og_view *v, int32_t field, const uint64_t *rows, size_t n,
                                    og_column **out);
/* Makes `ids` complete. */
OG_MUST_USE og_status og_view_ids(og_ctx *cx, og_view *v);
