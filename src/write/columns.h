/* SPDX-License-Identifier: MIT */
/* write/columns.h -- lines of NDJSON straight into columns, without a tree and without boxed rows in between.
 *
 * It takes what is plainly right and refuses the rest without an error: whoever asks then reads the line as JSON, and
 * finds out what is the matter, or that nothing is.  What it takes means the same there.
 * Thread rule: one thread at a time; several readers may share a catalog.
 */
#pragma once

#include "arrow/builder.h"
#include "base/vec.h"
#include "schema/catalog.h"

typedef struct og_columns og_columns;

typedef enum og_columns_fate {
  OG_COLUMNS_TAKEN,
  OG_COLUMNS_RECORD, /* of a type whose rows must be checked one by one */
  OG_COLUMNS_ODD     /* wrong, or spelled in a way that is not handled here */
} og_columns_fate;

/* Rows of one type. */
typedef struct og_columns_block {
  const og_type_def *type;
  og_schema *schema; /* one reference; as og_type_schema */
  og_column *
      *columns; /* one reference each; the first (id) is NULL: all ids are to be generated; null in it: that one */
  uint32_t n_columns;
  int64_t rows;
  uint32_t *lines; /* per row, as given to og_columns_line */
} og_columns_block;
void og_columns_block_cleanup(og_columns_block *b);

/* The catalog is borrowed. */
OG_MUST_USE og_status og_columns_new(og_ctx *cx, const og_catalog *catalog, og_columns **out);
void og_columns_free(og_columns *c); /* NULL is fine */

/* Bytes that must be readable, and zero, behind a text. */
#define OG_COLUMNS_PADDING 16

/* Reads the line at *at in a text that ends at `end`.  When it was taken, *at is moved behind its newline. */
OG_MUST_USE og_status og_columns_line(og_ctx *cx, og_columns *c, const char **at, const char *end, uint32_t line,
                                      og_columns_fate *fate);
/* Appends the rows taken since the last call to `blocks` (og_columns_block), types in the order they came. */
OG_MUST_USE og_status og_columns_cut(og_ctx *cx, og_columns *c, og_vec *blocks);
