/* SPDX-License-Identifier: MIT */
/* exec/view.h -- one table version as the operators see it: live rows, columns on demand.
 *
 * A row is a dense offset.  What is decoded is the handle's (topology/decoded.h) and stays for the next query.
 * Thread rule: one thread at a time opens and closes; columns, ids and values may be asked for by any.
 */
#pragma once

#include "graph/graph.h"
#include "graph/tables.h"
#include "topology/decoded.h"

typedef struct og_view {
  const og_type_def *type;
  og_decoded *data;       /* one reference */
  og_lance_table *table;  /* borrowed from `data`, as are: */
  uint64_t rows;          /* size of the offset space */
  const uint8_t *deleted; /* NULL: none */
  uint32_t n_columns;
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
/* Ids of the live rows; borrowed. */
OG_MUST_USE og_status og_view_ids(og_ctx *cx, og_view *v, const og_ids **out);
