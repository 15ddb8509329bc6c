/* SPDX-License-Identifier: MIT */
/* lance/scan_impl.h -- a scan and its windows, as scan.c and scan_window.c see them. */
#pragma once

#include "lance/table_impl.h"

enum { OG_SCAN__OFFSET, OG_SCAN__ID, OG_SCAN__CREATED, OG_SCAN__UPDATED, OG_SCAN__EXTRAS };

/* Rows of a fragment that are decoded at once, for all columns: a read has costs of its own.  `sel` are those of them
 * that go out, from the window's first; NULL: all. */
typedef struct og_scan__window {
  og_column **cols; /* of the rows that go out, one per entry of the scan's `columns`; NULL: not decoded */
  uint64_t from;    /* within the fragment */
  uint32_t rows, *sel, n_sel;
} og_scan__window;

struct og_lance_scan {
  og_lance_table *table;
  og_schema *schema;
  uint32_t *columns; /* those that go out, then one per condition */
  uint32_t n_columns, n_where, batch_rows, row_bytes /* decoded, about */;
  og_lance_condition *where;
  const uint64_t *only; /* rows that may go out, by dense offset; NULL: all */
  size_t n_only, at_only;
  bool extra[OG_SCAN__EXTRAS];
  uint32_t fragment, end_fragment;
  uint64_t row; /* behind the windows, within the fragment */
  og_arena located;
  og_table__source *sources;           /* one per entry of `columns`, of this fragment; NULL: not yet located */
  og_scan__window *windows;            /* of this fragment, decoded together */
  uint32_t cap_windows, n_windows, at; /* at: the one that goes out */
  uint32_t next;                       /* how many of its rows went out */
  bool warm;                           /* one was loaded: there will be many */
  bool varies;                         /* a column has values of no fixed size */
  bool refs;                           /* blobs go out as references */
  bool blobs;                          /* there are some among the columns */
  bool counts;                         /* of the rows only their number goes out */
};

/* Loads the windows that start at the current row; each may turn out empty. */
OG_MUST_USE og_status og_scan__load(og_ctx *cx, og_lance_scan *s);
void og_scan__drop(og_lance_scan *s);
