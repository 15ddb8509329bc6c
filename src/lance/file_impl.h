/* SPDX-License-Identifier: MIT */
/* lance/file_impl.h -- an open data file, as file_read.c and file_v20.c see it. */
#pragma once

#include "lance/file.h"
#include "lance/page.h"

typedef struct og_lance__column {
  og_lance__page *pages;
  size_t n_pages;
  uint64_t n_rows;
} og_lance__column;

struct og_lance_file {
  _Atomic uint32_t refs;
  og_arena arena; /* owns what is below */
  og_store *store;
  og_str key;
  og_buf whole; /* of a small file */
  uint64_t size, n_rows;
  og_lance_version version;
  og_lance_schema *schema;
  og_lance__column *columns;
  uint32_t n_columns;
  og_lance__kept *kept; /* here, for an open file is read as const */
  og_range *globals;
  uint32_t n_globals;
};

/* file_v20.c: rows of the given ranges, ascending and apart, from a file of version 2.0. */
OG_MUST_USE og_status og_lance__v20_read(og_ctx *cx, const og_lance_file *f, const og_lance_column_ref *ref,
                                         const og_lance__rows *rows, size_t n, og_column **out);
/* Columns that a field and those below it have in such a file, and which of them the first leaf has. */
uint32_t og_lance__v20_columns(const og_field *field);
uint32_t og_lance__v20_first_leaf(const og_field *field);
