/* SPDX-License-Identifier: MIT */
/* lance/index.h -- scalar indexes of a table version: which there are, finding rows by value, and making them.
 *
 * An index has a name and one or more *segments*, each with files of its own below _indices/<uuid>/ and a set of
 * fragments it covers; the version's manifest lists them.  A segment says which row ids hold which values; where those
 * rows lie is the version's business, hence a new version needs no new index.  Rows of fragments that no segment covers
 * are looked at one by one, so an answer is exact however old the index is.
 *
 * Of the kinds Lance knows, the scalar ones below are opened and made here (index_btree.c and index_bitmap.c have the
 * bytes); others are listed, carried from version to version, and refused by name when opened. Thread rule: an open
 * index may be used from any thread.
 */
#pragma once

#include "lance/roaring.h"
#include "lance/table.h"

typedef struct og_lance_index_file {
  og_str name; /* below _indices/<uuid>/ */
  uint64_t size;
} og_lance_index_file;

/* One segment, as the manifest says it. */
typedef struct og_lance_index_entry {
  uint8_t uuid[16];
  og_str name;
  const int32_t *fields; /* ids of the indexed fields */
  uint32_t n_fields;
  uint64_t version; /* of the table, when it was built */
  bool has_fragments;
  const og_u32_range *fragments; /* ids it covers; also ones that are gone by now */
  size_t n_fragments;            /* ranges */
  og_str kind, details;          /* type URL and message */
  uint32_t index_version;
  int64_t created_ms;
  bool has_base;
  uint32_t base;
  const og_lance_index_file *files;
  uint32_t n_files;
  og_str raw; /* the whole message */
} og_lance_index_entry;

/* The kinds we open and make, and their type URLs. */
typedef enum og_lance_index_kind {
  OG_INDEX_BTREE,  /* any values */
  OG_INDEX_BITMAP, /* few distinct ones */
  OG_INDEX_LABELS, /* LABEL_LIST: lists, by their items */
  OG_INDEX_NGRAM,  /* texts, by what they contain */
  OG_INDEX_KINDS
} og_lance_index_kind;
#define OG_LANCE_BTREE  "/lance.table.BTreeIndexDetails"
#define OG_LANCE_BITMAP "/lance.table.BitmapIndexDetails"
#define OG_LANCE_LABELS "/lance.table.LabelListIndexDetails"
#define OG_LANCE_NGRAM  "/lance.table.NGramIndexDetails"
/* False: none of these. */
bool og_lance_index_kind_of(const og_lance_index_entry *e, og_lance_index_kind *out);

/* All segments of the version in the order of the manifest, in cx->arena. */
OG_MUST_USE og_status og_lance_table_indexes(og_ctx *cx, const og_lance_table *t, const og_lance_index_entry **out,
                                             size_t *n);
/* Can such a column have one? */
bool og_lance_index_can(og_lance_index_kind kind, const og_field *column);
/* Name of an index of this kind over this top-level column alone, in cx->arena; false when there is none. */
OG_MUST_USE og_status og_lance_index_of_column(og_ctx *cx, const og_lance_table *t, uint32_t column,
                                               og_lance_index_kind kind, og_str *name, bool *found);

/* ---- finding rows */

typedef struct og_lance_index og_lance_index;

/* The index of that name, for this version.  Segments that `earlier` (NULL: none; an index of another version) has open
 * already are shared, with the pages they hold.  OG_ENOTFOUND; OG_EUNSUPPORTED for kinds, types or layouts we do not
 * read; OG_ECORRUPT. */
OG_MUST_USE og_status og_lance_index_open(og_ctx *cx, og_lance_table *t, og_str name, og_lance_index *earlier,
                                          og_lance_index **out);
og_lance_index *og_lance_index_ref(og_lance_index *x);
void og_lance_index_unref(og_lance_index *x); /* NULL is fine */
uint32_t og_lance_index_column(const og_lance_index *x);
uint32_t og_lance_index_segments(const og_lance_index *x);
uint64_t og_lance_index_uncovered(const og_lance_index *x); /* physical rows that are looked at one by one */

typedef enum og_lance_index_op {
  OG_INDEX_IN,       /* equal to one of `values`, of LABELS: a list with one of them; nulls among them match nothing */
  OG_INDEX_RANGE,    /* between low and high; not of LABELS and NGRAM */
  OG_INDEX_CONTAINS, /* NGRAM: a text with the text `part` in it, byte by byte */
  OG_INDEX_NULL      /* null */
} og_lance_index_op;

/* Values are compared as og_column_value_cmp does: zeros are one value, NaN is one value above all others. */
typedef struct og_lance_index_query {
  og_lance_index_op op;
  const og_column *values;     /* IN: of the column's type, of LABELS: of its items' */
  og_str part;                 /* CONTAINS */
  const og_column *low, *high; /* RANGE: one row each, not null; NULL: no bound */
  bool low_open, high_open;    /* the bound itself does not belong to it */
} og_lance_index_query;

/* Does an NGRAM know anything about texts with `part` in them?  Else the answer is right, but all texts are read. */
bool og_lance_index_tells(og_str part);
/* Dense offsets of the live rows that match, ascending, appended to `out` (uint64_t).  OG_EINVALID: values of another
 * type, or what the kind does not answer. */
OG_MUST_USE og_status og_lance_index_rows(og_ctx *cx, og_lance_index *x, const og_lance_index_query *q, og_vec *out);

/* At least as many rows as og_lance_index_rows would give from segments, of a BTREE or a BITMAP, found without placing
 * them. */
OG_MUST_USE og_status og_lance_index_about(og_ctx *cx, og_lance_index *x, const og_lance_index_query *q,
                                           uint64_t *rows);

/* ---- conditions of a scan: which index answers them (index_choose.c) */

/* The indexes of a version, opened when first wanted.  Any thread. */
typedef struct og_lance_indexes og_lance_indexes;
OG_MUST_USE og_status og_lance_indexes_new(og_ctx *cx, og_lance_table *t, og_lance_indexes **out);
void og_lance_indexes_free(og_lance_indexes *x); /* NULL is fine */
/* The rows for which one or some of the conditions hold, if an index tells them sooner than a scan: ascending dense
 * offsets, appended to `out` (uint64_t), for og_lance_scan_opts.only; answered[i]: condition i need not be looked at
 * any more.  *used false: there is none, and `out` is as it was. */
OG_MUST_USE og_status og_lance_indexes_rows(og_ctx *cx, og_lance_indexes *x, const og_lance_condition *where,
                                            uint32_t n, og_vec *out, bool *answered, bool *used);

/* ---- making them: changes with op OG_LANCE_INDEX.  Files are written at once, and synced with the change's other
 * keys; what a segment covers is settled when the change is rendered.  Rendered on a version where a covered fragment
 * holds other files for the column, where a replaced segment is gone, or where another segment of that name covers the
 * same fragments, it is OG_ECONFLICT. */

/* An index named `name` over all rows of the change's base; replaces the index of that name. */
OG_MUST_USE og_status og_lance_change_index_build(og_ctx *cx, og_lance_change *c, og_lance_index_kind kind,
                                                  uint32_t column, og_str name);
/* Brings the index up to the base: rows of fragments not covered yet become a new segment, into which the newest
 * segments are merged as long as each has at most twice the rows gathered so far.  `all`: one segment.  All are merged
 * also when a row to be added was updated in its life, for Lance 10 takes an older segment's word for it.  *changed
 * false: there is nothing to do, and nothing was. */
OG_MUST_USE og_status og_lance_change_index_fold(og_ctx *cx, og_lance_change *c, og_str name, bool all, bool *changed);
OG_MUST_USE og_status og_lance_change_index_drop(og_ctx *cx, og_lance_change *c, og_str name);
