/* SPDX-License-Identifier: MIT */
/* topology/decoded.h -- one table version, decoded as far as it was asked for, kept for all queries of a handle.
 *
 * Columns come whole, by dense offset, deleted rows included.
 * Thread rule: any thread; what is handed out is immutable and lives as long as the og_decoded.
 */
#pragma once

#include "base/cache.h"
#include "lance/table.h"
#include "topology/ids.h"

typedef struct og_decoded {
  og_cached base;
  og_cache *cache; /* borrowed; must outlive whoever loads more */
  og_lance_table *table;
  uint64_t rows;          /* size of the offset space */
  uint64_t live;          /* of them not deleted */
  const uint8_t *deleted; /* borrowed; NULL: none */
  uint32_t n_columns;
  og_column *_Atomic *columns; /* NULL: not loaded */
  og_ids *_Atomic ids;
  _Atomic uint32_t *asked; /* per column: rows fetched singly so far */
  og_str name;             /* og_table_name_bytes; owned */
  size_t family;           /* so many bytes of it tell the table */
} og_decoded;

/* Where a table version is found, which names what is derived from it. */
typedef struct og_table_name {
  og_str path, branch; /* of the table below the graph's root */
  uint64_t version;
  uint64_t layout; /* og_lance_table_layout: an old version may be seen under several */
  og_str uuid;
} og_table_name;
/* As bytes, in cx->arena: no two versions have the same. */
OG_MUST_USE og_status og_table_name_bytes(og_ctx *cx, const og_table_name *n, og_str *out);

/* From the cache, or fresh.  *out holds one reference. */
OG_MUST_USE og_status og_decoded_get(og_ctx *cx, og_cache *cache, const og_table_name *name, og_lance_table *table,
                                     og_decoded **out);

static inline bool og_decoded_is_live(const og_decoded *d, uint64_t row)
{
  return !d->deleted || !og_bit_get(d->deleted, (int64_t)row);
}
/* A whole column; borrowed. */
OG_MUST_USE og_status og_decoded_column(og_ctx *cx, og_decoded *d, uint32_t column, const og_column **out);
/* Ids of the live rows, which are in column 0; borrowed. */
OG_MUST_USE og_status og_decoded_ids(og_ctx *cx, og_decoded *d, const og_ids **out);
/* Values at rows, in their order: from the whole column when that is at hand, or worth it by now. */
OG_MUST_USE og_status og_decoded_fetch(og_ctx *cx, og_decoded *d, uint32_t column, const uint64_t *rows, size_t n,
                                       og_column **out);
/* The live row with this id.  A few are looked for in the table; then the ids are loaded. */
OG_MUST_USE og_status og_decoded_find(og_ctx *cx, og_decoded *d, og_str id, uint64_t *row, bool *found);

uint64_t og_column_bytes(const og_column *c); /* of its buffers, children included */
