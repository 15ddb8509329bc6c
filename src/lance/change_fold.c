/* SPDX-License-Identifier: MIT */
/* lance/change_fold.c -- rows carried over into the change's own file, fragment by fragment; and the small fragments at
 * the end of the base, which become part of the new one so: see change.c (7). */
#include "lance/change_impl.h"

#define FOLD_BYTES (1u << 20) /* of data files, and blobs beside them, read for one change */

/* Rows of a fragment that stay after the change's own deletions. */
static uint64_t rows_left(const og_lance_change *c, uint32_t fragment)
{
  og_lance_fragment_info f = og_lance_table_fragment(c->base, fragment);
  size_t from = og_change__deleted_from(c, f.first_offset);
  return f.physical_rows - f.deleted_rows - (og_change__deleted_from(c, f.first_offset + f.physical_rows) - from);
}

/* Adds the bytes of one blob column of a fragment. */
static og_status add_blobs(og_ctx *cx, const og_lance_change *c, uint32_t fragment, uint32_t column, uint64_t *bytes)
{
  OG_AUTO(og_arena) located = {0};
  og_table__source source;
  og_column *refs;
  OG_TRY(og_table__locate(cx, &located, c->base, fragment, column, &source));
  og_table__refer(&source);
  OG_TRY(og_table__read(cx, &source, 0, c->base->m.fragments[fragment].rows, NULL, &refs));
  for (int64_t i = 0; i < refs->len && *bytes <= FOLD_BYTES; i++)
    if (!og_column_is_null(refs, i)) *bytes += og_lance_blob_ref_size(og_column_str(refs, i));
  og_column_unref(refs);
  return OG_OK;
}

/* A fragment's files, and the blobs that lie beside them, if there may be any. */
static og_status add_bytes(og_ctx *cx, const og_lance_change *c, uint32_t fragment, uint64_t *bytes)
{
  const og_schema *s = c->schema->arrow;
  *bytes += og_lance_table_fragment(c->base, fragment).bytes;
  for (uint32_t i = 0; i < s->n_fields && *bytes <= FOLD_BYTES; i++)
    if (og_lance_is_blob(&s->fields[i])) OG_TRY(add_blobs(cx, c, fragment, i, bytes));
  return OG_OK;
}

/* The first of the fragments to carry over into a file of so many rows. */
static og_status choose(og_ctx *cx, const og_lance_change *c, uint64_t rows, uint32_t *out)
{
  uint64_t bytes = 0;
  uint32_t from = og_lance_table_fragments(c->base);
  for (; from > 0; from--) {
    uint64_t more = rows_left(c, from - 1);
    if (more > 2 * rows || rows + more > c->opts.fold_rows) break;
    OG_TRY(add_bytes(cx, c, from - 1, &bytes));
    if (bytes > FOLD_BYTES) break;
    rows += more;
  }
  *out = from;
  return OG_OK;
}

/* Rows of a scanned batch that the change does not delete. */
static size_t select_rows(const og_lance_change *c, const og_column *offsets, int64_t *rows)
{
  size_t n = 0;
  for (int64_t i = 0; i < offsets->len; i++) {
    uint64_t offset = og_column_u64(offsets)[i];
    size_t at = og_change__deleted_from(c, offset);
    bool goes = at < c->deleted.len && OG_VEC_AT(&c->deleted, uint64_t, at) == offset;
    if (!goes) rows[n++] = i;
  }
  return n;
}

typedef struct columns {
  og_column **list;
  uint32_t n;
} columns;

static void columns_cleanup(columns *c)
{
  for (uint32_t i = 0; c->list && i < c->n; i++) og_column_unref(c->list[i]);
  og_free(c->list);
}

/* The batch's columns are the table's, then the offset. */
static og_status carry(og_ctx *cx, og_lance_change *c, const og_batch *b, const int64_t *rows, size_t n)
{
  OG_AUTO(columns) cols = {.n = b->n_columns};
  og_batch *batch;
  og_schema *schema;
  cols.list = og_calloc(cx, b->n_columns, sizeof(og_column *));
  if (!cols.list) return OG_ENOMEM;
  for (uint32_t i = 0; i < cols.n; i++) OG_TRY(og_column_take(cx, b->columns[i], rows, (int64_t)n, &cols.list[i]));
  OG_TRY(og_lance_blob_ref_schema(cx, c->schema->arrow, cols.list, &schema));
  og_status st = og_batch_new(cx, schema, cols.list, cols.n - 1, (int64_t)n, &batch);
  og_schema_unref(schema);
  OG_TRY(st);
  st = og_lance_change_carry(cx, c, batch, og_column_u64(cols.list[cols.n - 1]), n);
  og_batch_unref(batch);
  return st;
}

static og_status fold_batch(og_ctx *cx, og_lance_change *c, const og_batch *b)
{
  int64_t *rows = og_calloc(cx, (size_t)b->len + 1, sizeof *rows);
  if (!rows) return OG_ENOMEM;
  size_t n = select_rows(c, b->columns[c->schema->arrow->n_fields], rows);
  og_status st = n ? carry(cx, c, b, rows, n) : OG_OK;
  og_free(rows);
  return st;
}

og_status og_change__carry_fragments(og_ctx *cx, og_lance_change *c, uint32_t from, uint32_t count)
{
  const uint32_t n = c->schema->arrow->n_fields;
  uint32_t *all = og_push_array(cx, (size_t)n + 1, sizeof *all);
  og_lance_scan *scan;
  og_batch *b;
  if (!all) return OG_ENOMEM;
  if (count == 0) return OG_OK;
  for (uint32_t i = 0; i < n; i++) all[i] = i;
  const og_lance_scan_opts opts = {.columns = all,
                                   .n_columns = n,
                                   .with_offset = true,
                                   .blob_refs = true,
                                   .from_fragment = from,
                                   .n_fragments = count};
  OG_TRY(og_lance_scan_open(cx, c->base, &opts, &scan));
  og_status st = og_lance_scan_next(cx, scan, &b);
  while (st == OG_OK && b) {
    st = fold_batch(cx, c, b);
    og_batch_unref(b);
    if (st == OG_OK) st = og_ctx_poll(cx);
    if (st == OG_OK) st = og_lance_scan_next(cx, scan, &b);
  }
  og_lance_scan_close(scan);
  return st;
}

og_status og_lance_change_fold(og_ctx *cx, og_lance_change *c, uint64_t rows)
{
  const uint32_t end = og_lance_table_fragments(c->base);
  uint32_t from = end;
  OG_TRY(choose(cx, c, rows, &from));
  OG_TRY_NOTE(cx, og_change__carry_fragments(cx, c, from, end - from), "while folding small fragments");
  return OG_OK;
}
