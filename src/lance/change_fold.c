/* SPDX-License-Identifier: MIT */
/* lance/change_fold.c -- small fragments at the end of the base become part of the new one; see change.c (7). */
#include "lance/change_impl.h"

#define FOLD_BYTES (1u << 20) /* of data files read for one change */

/* Rows of a fragment that stay after the change's own deletions. */
static uint64_t rows_left(const og_lance_change *c, uint32_t fragment)
{
  og_lance_fragment_info f = og_lance_table_fragment(c->base, fragment);
  size_t from = og_change__deleted_from(c, f.first_offset);
  return f.physical_rows - f.deleted_rows - (og_change__deleted_from(c, f.first_offset + f.physical_rows) - from);
}

static og_status choose(og_ctx *cx, og_lance_change *c)
{
  uint64_t rows = og_lance_file_rows(c->writer), bytes = 0;
  uint32_t from = og_lance_table_fragments(c->base);
  for (; from > 0; from--) {
    uint64_t more = rows_left(c, from - 1);
    bytes += og_lance_table_fragment(c->base, from - 1).bytes;
    if (more > 2 * rows || rows + more > c->opts.fold_rows || bytes > FOLD_BYTES) break;
    rows += more;
  }
  for (uint32_t i = from; i < og_lance_table_fragments(c->base); i++)
    if (rows_left(c, i)) OG_TRY(og_vec_add(cx, &c->folded, &i));
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

/* The batch's columns are the table's, then offset, row id, created, updated. */
static og_status write_folded(og_ctx *cx, og_lance_change *c, const og_batch *b, const int64_t *rows, size_t n)
{
  og_schema *schema = c->schema->arrow;
  OG_AUTO(columns) cols = {.n = b->n_columns};
  cols.list = og_calloc(cx, b->n_columns, sizeof(og_column *));
  if (!cols.list) return OG_ENOMEM;
  for (uint32_t i = 0; i < cols.n; i++) OG_TRY(og_column_take(cx, b->columns[i], rows, (int64_t)n, &cols.list[i]));
  og_column **extra = cols.list + schema->n_fields;
  og_batch *batch;
  OG_TRY(og_batch_new(cx, schema, cols.list, schema->n_fields, (int64_t)n, &batch));
  og_status st = og_change__write(cx, c, OG_CHANGE__FOLDED, batch, og_column_u64(extra[1]), og_column_u64(extra[2]));
  og_batch_unref(batch);
  OG_TRY(st);
  og_change__file *f = og_change__current(c);
  for (size_t i = 0; i < n; i++) {
    OG_TRY(og_vec_add(cx, &f->from, &og_column_u64(extra[0])[i]));
    OG_TRY(og_vec_add(cx, &f->updated, &og_column_u64(extra[3])[i]));
  }
  return OG_OK;
}

static og_status fold_batch(og_ctx *cx, og_lance_change *c, const og_batch *b)
{
  int64_t *rows = og_calloc(cx, (size_t)b->len + 1, sizeof *rows);
  if (!rows) return OG_ENOMEM;
  size_t n = select_rows(c, b->columns[c->schema->arrow->n_fields], rows);
  og_status st = n ? write_folded(cx, c, b, rows, n) : OG_OK;
  og_free(rows);
  return st;
}

static og_status fold_fragment(og_ctx *cx, og_lance_change *c, uint32_t fragment)
{
  uint32_t n = c->schema->arrow->n_fields;
  uint32_t *all = og_push_array(cx, (size_t)n + 1, sizeof *all);
  og_lance_scan *scan;
  if (!all) return OG_ENOMEM;
  for (uint32_t i = 0; i < n; i++) all[i] = i;
  const og_lance_scan_opts opts = {.columns = all,
                                   .n_columns = n,
                                   .with_offset = true,
                                   .with_row_id = true,
                                   .with_created = true,
                                   .with_updated = true,
                                   .from_fragment = fragment,
                                   .n_fragments = 1};
  OG_TRY(og_lance_scan_open(cx, c->base, &opts, &scan));
  og_status st;
  for (;;) {
    og_batch *b;
    st = og_lance_scan_next(cx, scan, &b);
    if (st != OG_OK || !b) break;
    st = fold_batch(cx, c, b);
    og_batch_unref(b);
    if (st != OG_OK) break;
  }
  og_lance_scan_close(scan);
  return st;
}

og_status og_change__fold(og_ctx *cx, og_lance_change *c)
{
  OG_TRY(choose(cx, c));
  for (size_t i = 0; i < c->folded.len; i++)
    OG_TRY_NOTE(cx, fold_fragment(cx, c, OG_VEC_AT(&c->folded, uint32_t, i)), "while folding small fragments");
  return OG_OK;
}
