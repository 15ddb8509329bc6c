/* SPDX-License-Identifier: MIT */
/* write/merge_apply.c -- the rows decided on, as a change of the target's table.
 *
 * A row to be replaced or deleted stands in the target where it stood in the base, if the fragment it lies in is there
 * unchanged; what was folded or compacted meanwhile is looked up by id among the fragments that are new in the target.
 */
#include "graph/tables.h"
#include "write/merge_impl.h"

#define CHUNK     1024
#define FOLD_ROWS 8192 /* as other writes do: a table of small merges keeps few fragments */

/* ---- places */

static uint32_t fragment_of(const og_lance_table *t, uint64_t offset)
{
  uint32_t lo = 0, hi = og_lance_table_fragments(t);
  while (hi - lo > 1) {
    const uint32_t mid = lo + (hi - lo) / 2;
    if (og_lance_table_fragment(t, mid).first_offset <= offset)
      lo = mid;
    else
      hi = mid;
  }
  return lo;
}

/* Those whose fragment is still there; the others go to `moved`, by id. */
static og_status place_paired(og_ctx *cx, og_merge__table *t, const og_lance_pair *pairs, og_map *moved)
{
  for (size_t i = 0; i < t->rows.len; i++) {
    og_merge__row *r = &OG_VEC_AT(&t->rows, og_merge__row, i);
    const uint8_t *deleted;
    if (r->op == OG_DELTA_INSERT || r->in_target != OG_DELTA_NOWHERE) continue;
    const uint32_t f = fragment_of(t->base, r->in_base), g = pairs[f].fragment;
    if (g != OG_LANCE_UNPAIRED) {
      const uint64_t row = r->in_base - og_lance_table_fragment(t->base, f).first_offset;
      OG_TRY(og_lance_table_fragment_deleted(cx, t->target, g, &deleted));
      if (!deleted || !og_bit_get(deleted, (int64_t)row)) {
        r->in_target = og_lance_table_fragment(t->target, g).first_offset + row;
        continue;
      }
    }
    OG_TRY(og_map_put(cx, moved, r->id, i, NULL));
  }
  return OG_OK;
}

static og_status find_in_fragment(og_ctx *cx, og_merge__table *t, uint32_t fragment, og_map *moved)
{
  static const uint32_t column = OG_COLUMN_ID;
  const og_lance_scan_opts opts = {
      .columns = &column, .n_columns = 1, .with_offset = true, .from_fragment = fragment, .n_fragments = 1};
  og_lance_scan *scan;
  og_batch *batch = NULL;
  uint64_t at;
  OG_TRY(og_lance_scan_open(cx, t->target, &opts, &scan));
  og_status st;
  while ((st = og_lance_scan_next(cx, scan, &batch)) == OG_OK && batch) {
    for (int64_t i = 0; i < batch->len; i++) {
      const og_str id = og_column_str(batch->columns[0], i);
      if (!og_map_get(moved, id, &at)) continue;
      OG_VEC_AT(&t->rows, og_merge__row, at).in_target = og_column_u64(batch->columns[1])[i];
      og_map_remove(moved, id);
    }
    og_batch_unref(batch);
  }
  og_lance_scan_close(scan);
  return st;
}

static og_status find_moved(og_ctx *cx, og_merge__table *t, og_map *moved)
{
  const uint32_t n = og_lance_table_fragments(t->target);
  if (moved->len == 0) return OG_OK;
  og_lance_pair *pairs = og_calloc(cx, (size_t)n + 1, sizeof *pairs);
  if (!pairs) return OG_ENOMEM;
  og_status st = og_lance_table_pair(cx, t->target, t->base, pairs);
  for (uint32_t f = n; st == OG_OK && f > 0 && moved->len; f--) /* small and late fragments first */
    if (pairs[f - 1].fragment == OG_LANCE_UNPAIRED) st = find_in_fragment(cx, t, f - 1, moved);
  og_free(pairs);
  if (st != OG_OK || moved->len == 0) return st;
  size_t pos = 0;
  const og_map_entry *lost = og_map_next(moved, &pos);
  return og_fail(cx, OG_ECORRUPT,
                 "entity '" OG_STR_FMT "' of '" OG_STR_FMT "' is in the base and unchanged, but not there",
                 OG_STR_ARG(lost->key), OG_STR_ARG(t->type->key));
}

og_status og_merge__place(og_ctx *cx, og_merge__table *t)
{
  og_map moved;
  if (!t->base || t->rows.len == 0) return OG_OK;
  og_lance_pair *pairs = og_calloc(cx, (size_t)og_lance_table_fragments(t->base) + 1, sizeof *pairs);
  if (!pairs) return OG_ENOMEM;
  og_map_init(&moved, false);
  og_status st = og_lance_table_pair(cx, t->base, t->target, pairs);
  if (st == OG_OK) st = place_paired(cx, t, pairs, &moved);
  if (st == OG_OK) st = find_moved(cx, t, &moved);
  og_map_cleanup(&moved);
  og_free(pairs);
  return st;
}

/* ---- images */

static og_status take(og_ctx *cx, og_lance_table *table, const og_merge__row *rows, size_t n, bool of_target,
                      og_batch **out)
{
  const uint32_t n_columns = og_lance_table_schema(table)->arrow->n_fields;
  uint32_t *columns = og_calloc(cx, (size_t)n_columns + 1, sizeof *columns);
  uint64_t *offsets = og_calloc(cx, n + 1, sizeof *offsets);
  og_status st = columns && offsets ? OG_OK : OG_ENOMEM;
  for (uint32_t i = 0; st == OG_OK && i < n_columns; i++) columns[i] = i;
  for (size_t i = 0; st == OG_OK && i < n; i++) offsets[i] = of_target ? rows[i].in_target : rows[i].from_source;
  if (st == OG_OK) st = og_lance_table_take(cx, table, columns, n_columns, offsets, n, out);
  og_free(columns);
  og_free(offsets);
  return st;
}

/* Column c of rows with parts of both: the source's and the target's, one behind the other, and a choice from them. */
static og_status mix_column(og_ctx *cx, const og_merge__row *rows, size_t n, uint32_t c, og_column *theirs,
                            og_column *ours, og_column **out)
{
  og_column *both[2] = {theirs, ours}, *all = NULL;
  int64_t *pick = og_calloc(cx, n + 1, sizeof *pick);
  if (!pick) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++) pick[i] = (int64_t)(rows[i].from_target && rows[i].from_target[c] ? n + i : i);
  og_status st = og_column_concat(cx, both, 2, &all);
  if (st == OG_OK) st = og_column_take(cx, all, pick, (int64_t)n, out);
  og_column_unref(all);
  og_free(pick);
  return st;
}

static og_status mix(og_ctx *cx, const og_merge__row *rows, size_t n, const og_batch *theirs, const og_batch *ours,
                     og_batch **out)
{
  og_column **columns = og_calloc(cx, (size_t)theirs->n_columns + 1, sizeof(og_column *));
  og_status st = columns ? OG_OK : OG_ENOMEM;
  for (uint32_t c = 0; st == OG_OK && c < theirs->n_columns; c++)
    st = mix_column(cx, rows, n, c, theirs->columns[c], ours->columns[c], &columns[c]);
  if (st == OG_OK) st = og_batch_new(cx, theirs->schema, columns, theirs->n_columns, (int64_t)n, out);
  for (uint32_t c = 0; columns && c < theirs->n_columns; c++) og_column_unref(columns[c]);
  og_free(columns);
  return st;
}

og_status og_merge__images(og_ctx *cx, const og_merge__table *t, const og_merge__row *rows, size_t n, og_batch **out)
{
  bool mixed = false;
  og_batch *theirs, *ours = NULL;
  for (size_t i = 0; i < n; i++) mixed = mixed || rows[i].from_target;
  OG_TRY(take(cx, t->source, rows, n, false, &theirs));
  if (!mixed) {
    *out = theirs;
    return OG_OK;
  }
  og_status st = take(cx, t->target, rows, n, true, &ours);
  if (st == OG_OK) st = mix(cx, rows, n, theirs, ours, out);
  og_batch_unref(theirs);
  og_batch_unref(ours);
  return st;
}

/* ---- the change */

static int by_source_place(const void *a, const void *b, void *arg)
{
  (void)arg;
  const og_merge__row *x = a, *y = b;
  return x->from_source < y->from_source ? -1 : x->from_source > y->from_source;
}

static og_status write_chunk(og_ctx *cx, og_merge__table *t, og_delta_op op, const og_merge__row *rows, size_t n)
{
  og_batch *images = NULL;
  uint64_t *offsets = og_calloc(cx, n + 1, sizeof *offsets);
  if (!offsets) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++) offsets[i] = rows[i].in_target;
  og_status st = op == OG_DELTA_DELETE ? OG_OK : og_merge__images(cx, t, rows, n, &images);
  if (st == OG_OK)
    st = op == OG_DELTA_DELETE   ? og_lance_change_delete(cx, t->change, offsets, n)
         : op == OG_DELTA_UPDATE ? og_lance_change_update(cx, t->change, images, offsets, n)
                                 : og_lance_change_insert(cx, t->change, images);
  og_batch_unref(images);
  og_free(offsets);
  return st;
}

/* Rows of one kind, in the order in which they lie in the source: it is read once, forwards. */
static og_status write_rows(og_ctx *cx, og_merge__table *t, og_delta_op op)
{
  og_vec rows = OG_VEC_INIT(og_merge__row);
  og_status st = OG_OK;
  for (size_t i = 0; st == OG_OK && i < t->rows.len; i++)
    if (OG_VEC_AT(&t->rows, og_merge__row, i).op == op)
      st = og_vec_add(cx, &rows, &OG_VEC_AT(&t->rows, og_merge__row, i));
  if (st == OG_OK) st = og_sort(cx, rows.data, rows.len, sizeof(og_merge__row), by_source_place, NULL);
  for (size_t from = 0; st == OG_OK && from < rows.len; from += CHUNK) {
    const size_t n = rows.len - from < CHUNK ? rows.len - from : CHUNK;
    st = og_ctx_poll(cx);
    if (st == OG_OK) st = write_chunk(cx, t, op, &OG_VEC_AT(&rows, og_merge__row, from), n);
  }
  og_vec_cleanup(&rows);
  return st;
}

/* Rows pass from table to table by position. */
static og_status check_columns(og_ctx *cx, const og_merge__table *t)
{
  if (!t->source) return OG_OK;
  const og_schema *a = og_lance_table_schema(t->source)->arrow, *b = og_lance_table_schema(t->target)->arrow;
  bool same = a->n_fields == b->n_fields;
  for (uint32_t i = 0; same && i < a->n_fields; i++) same = og_field_eq(&a->fields[i], &b->fields[i], false);
  return same ? OG_OK
              : og_fail(cx, OG_ECORRUPT, "the tables of '" OG_STR_FMT "' differ in their columns on the two branches",
                        OG_STR_ARG(t->type->key));
}

og_status og_merge__apply(og_ctx *cx, og_merge__job *j, og_merge__table *t)
{
  const og_lance_change_opts opts = {.op = OG_LANCE_UPDATE,
                                     .attempt = og_str_of(j->attempt_text),
                                     .tx_uuid = og_str_of(j->uuid_text),
                                     .fold_rows = FOLD_ROWS};
  og_lance_place at;
  if (t->rows.len == 0) return OG_OK;
  OG_TRY(check_columns(cx, t));
  OG_TRY(og_merge__place(cx, t));
  OG_TRY(og_snapshot_write_place(cx, j->target, t->type->key, &at));
  OG_TRY(og_lance_change_new(cx, &at, t->target, &opts, &t->change));
  OG_TRY(write_rows(cx, t, OG_DELTA_DELETE));
  OG_TRY(write_rows(cx, t, OG_DELTA_UPDATE));
  OG_TRY(write_rows(cx, t, OG_DELTA_INSERT));
  return og_lance_change_finish(cx, t->change);
}
