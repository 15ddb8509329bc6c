/* SPDX-License-Identifier: MIT */
/* small_blobs.h -- tables of (id int64, b blob) for tests: blobs over 4 bytes are packed, over 30 lie alone. */
#pragma once

#include "unit/lance/small_table.h"

static inline og_status blobs_schema(og_ctx *cx, og_lance_schema **out)
{
  static const og_str meta[] = {{OG_LANCE_BLOB_MARK, sizeof OG_LANCE_BLOB_MARK - 1},  {"v2", 2},
                                {"lance-encoding:blob-inline-size-threshold", 41},    {"4", 1},
                                {"lance-encoding:blob-dedicated-size-threshold", 44}, {"30", 2}};
  const og_field fields[] = {
      {.name = OG_STR("id"), .type = og_type_of(OG_TYPE_I64)},
      {.name = OG_STR("b"), .type = og_type_of(OG_TYPE_LARGE_BINARY), .nullable = true, .meta = meta, .n_meta = 3}};
  og_schema *arrow;
  OG_TRY(og_schema_new(cx, fields, 2, NULL, 0, &arrow));
  const og_status st = og_lance_schema_new(cx, arrow, out);
  og_schema_unref(arrow);
  return st;
}

/* Row number i has i times ten bytes of its letter; the fourth of each five has none, but null. */
static inline uint64_t blob_size(int64_t i)
{
  return (uint64_t)(i % 5) * 10;
}

static inline char blob_letter(int64_t i)
{
  return (char)('a' + i % 26);
}

static inline og_status blob_rows(og_ctx *cx, og_schema *schema, int64_t from, int64_t n, og_batch **out)
{
  og_builder *id = NULL, *b = NULL;
  og_column *columns[2] = {NULL, NULL};
  og_status st = og_builder_new(cx, &schema->fields[0], &id);
  if (st == OG_OK) st = og_builder_new(cx, &schema->fields[1], &b);
  for (int64_t i = from; st == OG_OK && i < from + n; i++) {
    char bytes[64];
    memset(bytes, blob_letter(i), sizeof bytes);
    st = og_builder_i64(cx, id, i);
    if (st == OG_OK) st = i % 5 == 3 ? og_builder_null(cx, b) : og_builder_str(cx, b, og_str_from(bytes, blob_size(i)));
  }
  if (st == OG_OK) st = og_builder_finish(cx, id, &columns[0]);
  if (st == OG_OK) st = og_builder_finish(cx, b, &columns[1]);
  if (st == OG_OK) st = og_batch_new(cx, schema, columns, 2, n, out);
  og_builder_free(id);
  og_builder_free(b);
  og_column_unref(columns[0]);
  og_column_unref(columns[1]);
  return st;
}

static inline og_status blob_insert(og_ctx *cx, og_lance_change *c, og_schema *schema, int64_t from, int64_t n)
{
  og_batch *rows;
  OG_TRY(blob_rows(cx, schema, from, n, &rows));
  const og_status st = og_lance_change_insert(cx, c, rows);
  og_batch_unref(rows);
  return st;
}

/* One row, whose blob comes in pieces of seven bytes. */
static inline og_status blob_pieces(og_ctx *cx, og_lance_change *c, int64_t i)
{
  const og_field fields[] = {{.name = OG_STR("id"), .type = og_type_of(OG_TYPE_I64)},
                             {.name = OG_STR("b"), .type = og_type_of(OG_TYPE_BINARY), .nullable = true}};
  OG_AUTO(og_buf) ref = {0};
  og_builder *id = NULL, *b = NULL;
  og_column *columns[2] = {NULL, NULL};
  og_schema *schema = NULL;
  og_batch *rows = NULL;
  char piece[7];
  memset(piece, blob_letter(i), sizeof piece);
  OG_TRY(og_lance_change_blob_begin(cx, c, 1));
  for (uint64_t at = 0, n = blob_size(i); at < n; at += 7)
    OG_TRY(og_lance_change_blob_append(cx, c, og_str_from(piece, n - at < 7 ? (size_t)(n - at) : 7)));
  OG_TRY(og_lance_change_blob_end(cx, c, &ref));
  og_status st = og_schema_new(cx, fields, 2, NULL, 0, &schema);
  if (st == OG_OK) st = og_builder_new(cx, &fields[0], &id);
  if (st == OG_OK) st = og_builder_new(cx, &fields[1], &b);
  if (st == OG_OK) st = og_builder_i64(cx, id, i);
  if (st == OG_OK) st = og_builder_str(cx, b, og_buf_str(&ref));
  if (st == OG_OK) st = og_builder_finish(cx, id, &columns[0]);
  if (st == OG_OK) st = og_builder_finish(cx, b, &columns[1]);
  if (st == OG_OK) st = og_batch_new(cx, schema, columns, 2, 1, &rows);
  if (st == OG_OK) st = og_lance_change_insert(cx, c, rows);
  og_batch_unref(rows);
  og_builder_free(id);
  og_builder_free(b);
  og_column_unref(columns[0]);
  og_column_unref(columns[1]);
  og_schema_unref(schema);
  return st;
}

/* The ids of the newest version, each after a look at its blob: "4 5 6"; a blob that is wrong is told. */
static inline og_status blobs_describe(og_ctx *cx, const og_lance_place *at, og_buf *out)
{
  static const uint32_t columns[] = {0, 1};
  const og_lance_scan_opts opts = {.columns = columns, .n_columns = 2};
  uint64_t newest;
  og_lance_table *t;
  og_lance_scan *scan;
  og_batch *b = NULL;
  OG_TRY(og_lance_newest_version(cx, at, &newest));
  if (newest == 0) return OG_OK;
  OG_TRY(og_lance_table_open(cx, at, newest, OG_STR_NONE, &t));
  og_status st = og_lance_scan_open(cx, t, &opts, &scan);
  og_lance_table_unref(t);
  OG_TRY(st);
  while ((st = og_lance_scan_next(cx, scan, &b)) == OG_OK && b) {
    for (int64_t k = 0; st == OG_OK && k < b->len; k++) {
      const int64_t i = og_column_i64(b->columns[0])[k];
      const bool null = og_column_is_null(b->columns[1], k);
      const og_str bytes = null ? OG_STR("") : og_column_str(b->columns[1], k);
      bool right = null == (i % 5 == 3) && (null || bytes.len == blob_size(i));
      for (size_t j = 0; right && j < bytes.len; j++) right = bytes.ptr[j] == blob_letter(i);
      st = og_buf_printf(cx, out, "%s%" PRId64 "%s", out->len ? " " : "", i, right ? "" : " IS WRONG");
    }
    og_batch_unref(b);
    if (st != OG_OK) break;
  }
  og_lance_scan_close(scan);
  return st;
}
