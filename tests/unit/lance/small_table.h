/* SPDX-License-Identifier: MIT */
/* small_table.h -- tables of (id utf8, n int64) in a memory store, for the tests of tables. */
#pragma once

#include "unit/og_test_world.h"

#include "arrow/builder.h"
#include "base/ulid.h"
#include "lance/table.h"

#include <inttypes.h>
#include <stdio.h>

#define SMALL_ROOT OG_STR("nodes/t")

typedef struct small_world {
  og_test_world w;
  og_store *store;
  og_ulid_gen ulids;
} small_world;

static inline og_ctx *small_open(small_world *s)
{
  memset(s, 0, sizeof *s);
  og_ctx *cx = og_test_world_open(&s->w);
  OG_CHECK_OK(cx, og_store_memory_new(cx, &s->store));
  return cx;
}

static inline void small_close(small_world *s)
{
  og_store_unref(s->store);
  og_test_world_close(&s->w);
}

static inline og_lance_place small_place(const small_world *s, const char *branch)
{
  return (og_lance_place){s->store, SMALL_ROOT, og_str_of(branch)};
}

static inline og_status small_schema(og_ctx *cx, og_lance_schema **out)
{
  const og_field fields[] = {{.name = OG_STR("id"), .type = og_type_of(OG_TYPE_UTF8)},
                             {.name = OG_STR("n"), .type = og_type_of(OG_TYPE_I64), .nullable = true}};
  og_schema *arrow;
  OG_TRY(og_schema_new(cx, fields, 2, NULL, 0, &arrow));
  og_status st = og_lance_schema_new(cx, arrow, out);
  og_schema_unref(arrow);
  return st;
}

/* Rows "r<from>".. "r<from + n - 1>" with n = value + number. */
static inline og_status small_rows(og_ctx *cx, og_schema *schema, int64_t from, int64_t n, int64_t value,
                                   og_batch **out)
{
  og_builder *id = NULL, *v = NULL;
  og_column *columns[2] = {NULL, NULL};
  og_status st = og_builder_new(cx, &schema->fields[0], &id);
  if (st == OG_OK) st = og_builder_new(cx, &schema->fields[1], &v);
  for (int64_t i = from; st == OG_OK && i < from + n; i++) {
    char text[32];
    snprintf(text, sizeof text, "r%" PRId64, i);
    st = og_builder_str(cx, id, og_str_of(text));
    if (st == OG_OK) st = og_builder_i64(cx, v, value + i);
  }
  if (st == OG_OK) st = og_builder_finish(cx, id, &columns[0]);
  if (st == OG_OK) st = og_builder_finish(cx, v, &columns[1]);
  if (st == OG_OK) st = og_batch_new(cx, schema, columns, 2, n, out);
  og_builder_free(id);
  og_builder_free(v);
  og_column_unref(columns[0]);
  og_column_unref(columns[1]);
  return st;
}

static inline og_status small_opts(og_ctx *cx, og_ulid_gen *ulids, og_lance_op op, og_lance_change_opts *out)
{
  og_ulid id;
  char text[OG_ULID_LEN];
  OG_TRY(og_ulid_next(cx, ulids, NULL, &id));
  og_ulid_format(&id, text);
  *out = (og_lance_change_opts){.op = op};
  OG_TRY(og_arena_str(cx, cx->arena, og_str_from(text, sizeof text), &out->attempt));
  return og_arena_printf(cx, cx->arena, &out->tx_uuid, "omnigraph-" OG_STR_FMT, OG_STR_ARG(out->attempt));
}

/* What one change does; offsets are of its base. */
typedef struct small_step {
  og_lance_op op;
  const char *branch;
  int64_t insert_from, insert;   /* rows */
  const uint64_t *update, *drop; /* offsets */
  size_t n_update, n_drop;
  int64_t value; /* new n of updated rows, and of inserted ones less their number */
  uint32_t fold_rows;
} small_step;

static inline og_status small_write(og_ctx *cx, og_lance_change *c, og_schema *schema, const small_step *s)
{
  og_batch *rows = NULL;
  og_status st = OG_OK;
  if (s->insert) {
    OG_TRY(small_rows(cx, schema, s->insert_from, s->insert, s->value, &rows));
    st = og_lance_change_insert(cx, c, rows);
    og_batch_unref(rows);
  }
  for (size_t i = 0; st == OG_OK && i < s->n_update; i++) {
    OG_TRY(small_rows(cx, schema, (int64_t)s->update[i], 1, s->value, &rows));
    st = og_lance_change_update(cx, c, rows, &s->update[i], 1);
    og_batch_unref(rows);
  }
  if (st == OG_OK && s->n_drop) st = og_lance_change_delete(cx, c, s->drop, s->n_drop);
  if (st == OG_OK) st = og_lance_change_finish(cx, c);
  return st;
}

/* A finished change on `base` (NULL: a new table). */
static inline og_status small_change(og_ctx *cx, small_world *w, og_lance_table *base, const small_step *s,
                                     og_lance_change **out)
{
  og_lance_change_opts opts;
  og_lance_schema *schema = NULL;
  og_lance_change *c = NULL;
  const og_lance_place at = small_place(w, s->branch);
  OG_TRY(small_opts(cx, &w->ulids, s->op, &opts));
  opts.fold_rows = s->fold_rows;
  OG_TRY(small_schema(cx, &schema));
  og_status st = base ? og_lance_change_new(cx, &at, base, &opts, &c)
                      : og_lance_change_create(cx, &at, schema, (og_lance_version){2, 2}, &opts, &c);
  if (st == OG_OK) st = small_write(cx, c, schema->arrow, s);
  og_lance_schema_unref(schema);
  if (st == OG_OK)
    *out = c;
  else
    og_lance_change_free(cx, c);
  return st;
}

/* Renders on `on` (NULL: its own base), puts, and gives the new version as it reads back from the store. */
static inline og_status small_put(og_ctx *cx, small_world *w, og_lance_change *c, og_lance_table *on,
                                  const char *branch, uint64_t version, og_lance_table **out)
{
  const og_lance_place at = small_place(w, branch);
  OG_TRY(og_lance_change_render(cx, c, on, version));
  OG_TRY(og_lance_change_put(cx, c));
  return og_lance_table_open(cx, &at, version, OG_STR_NONE, out);
}

/* One step from `base` to the next version. */
static inline og_status small_commit(og_ctx *cx, small_world *w, og_lance_table *base, const small_step *s,
                                     og_lance_table **out)
{
  og_lance_change *c;
  OG_TRY(small_change(cx, w, base, s, &c));
  og_status st = small_put(cx, w, c, NULL, s->branch, base ? og_lance_table_version(base) + 1 : 1, out);
  og_lance_change_free(cx, c);
  return st;
}

/* Live rows in offset order as "id=n/rowid.created.updated ..." in the arena. */
static inline og_status small_print(og_ctx *cx, og_lance_table *t, og_str *out)
{
  OG_AUTO(og_buf) text = {0};
  static const uint32_t columns[] = {0, 1};
  const og_lance_scan_opts opts = {.columns = columns,
                                   .n_columns = 2,
                                   .with_row_id = true,
                                   .with_created = true,
                                   .with_updated = true,
                                   .batch_rows = 3};
  og_lance_scan *scan;
  og_batch *b = NULL;
  OG_TRY(og_lance_scan_open(cx, t, &opts, &scan));
  og_status st = og_lance_scan_next(cx, scan, &b);
  while (st == OG_OK && b) {
    for (int64_t i = 0; st == OG_OK && i < b->len; i++) {
      og_str id = og_column_str(b->columns[0], i);
      st = og_buf_printf(cx, &text, "%s" OG_STR_FMT "=%" PRId64 "/%" PRIu64 ".%" PRIu64 ".%" PRIu64,
                         text.len ? " " : "", OG_STR_ARG(id), og_column_i64(b->columns[1])[i],
                         og_column_u64(b->columns[2])[i], og_column_u64(b->columns[3])[i],
                         og_column_u64(b->columns[4])[i]);
    }
    og_batch_unref(b);
    b = NULL;
    if (st == OG_OK) st = og_lance_scan_next(cx, scan, &b);
  }
  og_lance_scan_close(scan);
  OG_TRY(st);
  return og_arena_str(cx, cx->arena, og_buf_str(&text), out);
}

#define SMALL_CHECK_ROWS(cx, t, want)                                                                                  \
  do {                                                                                                                 \
    og_str got_;                                                                                                       \
    OG_CHECK_OK(cx, small_print(cx, t, &got_));                                                                        \
    OG_CHECK_STR(got_, OG_STR(want));                                                                                  \
  } while (0)
