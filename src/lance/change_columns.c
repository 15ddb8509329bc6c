/* SPDX-License-Identifier: MIT */
/* lance/change_columns.c -- columns that come, go, and change their names.
 *
 *  (1) Columns are known by field id, so dropping and renaming are changes of the schema alone.  A data file none of
 *      whose columns are left is no longer named; each fragment keeps at least one, because its rows are counted there.
 *  (2) Values of new columns go to one more data file per fragment, with a slot for every physical row: a deleted row
 *      holds what its neighbour holds, and nobody looks at it.
 *  (3) New field ids lie above every id that a field or a data file of the version has.
 *  (4) Rows whose columns got values count as updated by the version; new columns of nulls change no row.
 */
#include "lance/change_impl.h"

#include <inttypes.h>

static og_status need_op(og_ctx *cx, const og_lance_change *c, og_lance_op op)
{
  if (c->base && c->opts.op == op && !c->finished) return OG_OK;
  return og_fail(cx, OG_EINTERNAL, "a change of '" OG_STR_FMT "' is not about columns", OG_STR_ARG(c->at.root));
}

/* Dropping and renaming also go beside new columns. */
static og_status need_columns(og_ctx *cx, const og_lance_change *c)
{
  return need_op(cx, c, c->opts.op == OG_LANCE_MERGE ? OG_LANCE_MERGE : OG_LANCE_PROJECT);
}

static int32_t id_of(const og_lance_change *c, uint32_t column)
{
  return c->schema->fields[og_lance_schema_top(c->schema, column)].id;
}

og_status og_lance_change_drop_column(og_ctx *cx, og_lance_change *c, uint32_t column)
{
  OG_TRY(need_columns(cx, c));
  const int32_t id = id_of(c, column);
  return og_vec_add(cx, &c->dropped, &id);
}

og_status og_lance_change_rename_column(og_ctx *cx, og_lance_change *c, uint32_t column, og_str name)
{
  OG_TRY(need_columns(cx, c));
  og_lance_rename r = {.id = id_of(c, column)};
  OG_TRY(og_arena_str(cx, &c->arena, name, &r.name));
  return og_vec_add(cx, &c->renamed, &r);
}

og_status og_lance_change_sort_columns(og_ctx *cx, og_lance_change *c, uint32_t fixed)
{
  OG_TRY(need_columns(cx, c));
  c->sorted = true;
  c->fixed = fixed;
  return OG_OK;
}

int32_t og_lance_table_free_field(const og_lance_table *t)
{
  const og_manifest *m = &t->m;
  int32_t highest = -1;
  for (uint32_t i = 0; i < m->schema->n_fields; i++)
    if (m->schema->fields[i].id > highest) highest = m->schema->fields[i].id;
  for (uint32_t i = 0; i < m->n_fragments; i++)
    for (uint32_t k = 0; k < m->fragments[i].n_files; k++)
      for (uint32_t n = 0; n < m->fragments[i].files[k].n; n++)
        if (m->fragments[i].files[k].fields[n] > highest) highest = m->fragments[i].files[k].fields[n];
  return highest < INT32_MAX ? highest + 1 : INT32_MAX;
}

og_status og_lance_change_add_columns(og_ctx *cx, og_lance_change *c, const og_schema *columns)
{
  OG_TRY(need_op(cx, c, OG_LANCE_MERGE));
  og_lance_schema *altered;
  const int32_t first = og_lance_table_free_field(c->base);
  if (c->added || first == INT32_MAX)
    return og_fail(cx, OG_EINVALID, "'" OG_STR_FMT "' takes no more columns", OG_STR_ARG(c->at.root));
  OG_TRY(og_lance_schema_numbered(cx, columns, first, &c->added));
  OG_TRY(og_change__alter(cx, c, c->base, &altered)); /* would it do? */
  og_lance_schema_unref(altered);
  return OG_OK;
}

/* ---- values */

static og_change__beside *current(og_lance_change *c)
{
  return &OG_VEC_AT(&c->beside, og_change__beside, c->beside.len - 1);
}

static og_status open_beside(og_ctx *cx, og_lance_change *c, uint32_t fragment)
{
  og_str key;
  og_change__beside *b = og_vec_push(cx, &c->beside);
  if (!b) return OG_ENOMEM;
  b->fragment = fragment;
  OG_TRY(og_change__data_file(cx, c, &b->name, &key));
  OG_TRY(og_lance_file_writer_open(cx, c->at.store, key, c->added, c->version, &c->writer));
  if (c->opts.blobs_beside) og_lance_file_blobs_beside(c->writer);
  return OG_OK;
}

static og_status close_beside(og_ctx *cx, og_lance_change *c)
{
  og_lance_file_writer *w = c->writer;
  c->writer = NULL;
  OG_TRY(og_lance_file_finish(cx, w, &current(c)->stats));
  return og_change__keep_stats(cx, c, &current(c)->stats);
}

/* Slots for the rows of one fragment from `row` on: which of the values from *used on each gets.  Stops where the
 * values or the fragment end; deleted rows behind the last value are taken along. */
static size_t fill_slots(const uint8_t *deleted, uint64_t row, uint64_t rows, int64_t *used, int64_t n, int64_t *slots)
{
  size_t filled = 0;
  for (; row < rows; row++) {
    const bool gone = deleted && og_bit_get(deleted, (int64_t)row);
    if (!gone && *used == n) break;
    slots[filled++] = *used < n ? *used : n - 1;
    if (!gone) ++*used;
  }
  return filled;
}

static og_status write_slots(og_ctx *cx, og_lance_change *c, const og_batch *values, const int64_t *slots, size_t n)
{
  og_column **cols = og_calloc(cx, (size_t)values->n_columns + 1, sizeof(og_column *));
  og_batch *b = NULL;
  og_schema *schema = NULL;
  og_status st = cols ? OG_OK : OG_ENOMEM;
  for (uint32_t i = 0; st == OG_OK && i < values->n_columns; i++)
    st = og_column_take(cx, values->columns[i], slots, (int64_t)n, &cols[i]);
  if (st == OG_OK) st = og_lance_blob_ref_schema(cx, c->added->arrow, cols, &schema);
  if (st == OG_OK) st = og_batch_new(cx, schema, cols, values->n_columns, (int64_t)n, &b);
  og_schema_unref(schema);
  if (st == OG_OK) st = og_lance_file_write(cx, c->writer, b);
  og_batch_unref(b);
  for (uint32_t i = 0; cols && i < values->n_columns; i++) og_column_unref(cols[i]);
  og_free(cols);
  return st;
}

/* Values from *used on for the fragment in which the next row lies. */
static og_status add_to_fragment(og_ctx *cx, og_lance_change *c, const og_batch *values, int64_t *used)
{
  og_lance_table *t = c->base;
  const uint32_t f = og_table__fragment_at(t, c->valued);
  const uint64_t rows = t->m.fragments[f].rows, row = c->valued - t->first[f];
  const uint8_t *deleted;
  OG_AUTO(og_arena) scratch = {0};
  OG_TRY(og_table__deleted(cx, t, f, &deleted));
  int64_t *slots = og_arena_calloc(cx, &scratch, rows - row + 1, sizeof *slots);
  if (!slots) return OG_ENOMEM;
  if (!c->writer) OG_TRY(open_beside(cx, c, f));
  const size_t n = fill_slots(deleted, row, rows, used, values->len, slots);
  OG_TRY(write_slots(cx, c, values, slots, n));
  c->valued += n;
  return row + n == rows ? close_beside(cx, c) : OG_OK;
}

/* Passes over fragments all of whose rows are deleted. */
static og_status skip_dead(og_ctx *cx, og_lance_change *c)
{
  og_lance_table *t = c->base;
  (void)cx;
  while (!c->writer && c->valued < t->physical_rows) {
    const og_fragment *f = &t->m.fragments[og_table__fragment_at(t, c->valued)];
    if (f->rows != (f->del.present ? f->del.rows : 0)) break;
    c->valued += f->rows;
  }
  return OG_OK;
}

og_status og_lance_change_add_values(og_ctx *cx, og_lance_change *c, const og_batch *values)
{
  OG_TRY(need_op(cx, c, OG_LANCE_MERGE));
  for (int64_t used = 0; used < values->len;) {
    OG_TRY(skip_dead(cx, c));
    if (c->valued == c->base->physical_rows)
      return og_fail(cx, OG_EINVALID, "more values than '" OG_STR_FMT "' has rows, which are %" PRIu64,
                     OG_STR_ARG(c->at.root), c->base->rows);
    OG_TRY(add_to_fragment(cx, c, values, &used));
  }
  return OG_OK;
}

og_status og_change__columns_finish(og_ctx *cx, og_lance_change *c)
{
  if (!c->added) return OG_OK;
  OG_TRY(skip_dead(cx, c));
  if (c->valued && c->valued < c->base->physical_rows)
    return og_fail(cx, OG_EINVALID, "fewer values than '" OG_STR_FMT "' has rows, which are %" PRIu64,
                   OG_STR_ARG(c->at.root), c->base->rows);
  for (uint32_t i = 0; c->base->rows && c->beside.len == 0 && i < c->added->arrow->n_fields; i++)
    if (!c->added->arrow->fields[i].nullable)
      return og_fail(cx, OG_EINVALID, "the new column '" OG_STR_FMT "' may not be null, and no values are given",
                     OG_STR_ARG(c->added->arrow->fields[i].name));
  return OG_OK;
}

/* ---- rendering */

og_status og_change__alter(og_ctx *cx, const og_lance_change *c, const og_lance_table *base, og_lance_schema **out)
{
  const og_lance_alteration a = {.dropped = c->dropped.data,
                                 .n_dropped = c->dropped.len,
                                 .renamed = c->renamed.data,
                                 .n_renamed = c->renamed.len,
                                 .added = c->added,
                                 .by_name = c->sorted,
                                 .fixed = c->fixed};
  OG_TRY_NOTE(cx, og_lance_schema_alter(cx, base->m.schema, &a, out), "in the columns of '" OG_STR_FMT "'",
              OG_STR_ARG(c->at.root));
  return OG_OK;
}

static bool has_any(const og_data_file *f, const og_lance_schema *s)
{
  for (uint32_t i = 0; i < f->n; i++)
    if (og_lance_schema_find_id(s, f->fields[i]) >= 0) return true;
  return false;
}

static og_status all_updated(og_ctx *cx, og_arena *a, uint64_t version, og_fragment *f)
{
  OG_AUTO(og_version_runs) runs = {0};
  OG_AUTO(og_buf) b = {0};
  og_version_runs_init(&runs);
  OG_TRY(og_version_runs_add(cx, &runs, version, f->rows));
  OG_TRY(og_version_runs_encode(cx, &runs, &b));
  f->updated = (og_sequence_ref){.present = true};
  return og_arena_str(cx, a, og_buf_str(&b), &f->updated.bytes);
}

static og_status add_file(og_ctx *cx, og_arena *a, const og_lance_change *c, const og_change__beside *b,
                          uint64_t version, og_fragment *f)
{
  f->files[f->n_files++] = (og_data_file){.path = b->name,
                                          .fields = b->stats.field_ids,
                                          .columns = b->stats.column_indices,
                                          .n = b->stats.n_columns,
                                          .major = c->version.major,
                                          .minor = c->version.minor,
                                          .size = b->stats.bytes};
  return f->updated.present ? all_updated(cx, a, version, f) : OG_OK;
}

og_status og_change__alter_fragment(og_ctx *cx, og_arena *a, const og_lance_change *c, const og_lance_schema *schema,
                                    uint32_t own, uint64_t version, og_fragment *f)
{
  og_data_file *files = og_arena_calloc(cx, a, (size_t)f->n_files + 2, sizeof *files);
  uint32_t n = 0;
  if (!files) return OG_ENOMEM;
  for (uint32_t i = 0; i < f->n_files; i++)
    if (c->dropped.len == 0 || has_any(&f->files[i], schema)) files[n++] = f->files[i];
  if (n == 0 && f->n_files) files[n++] = f->files[0];
  f->files = files;
  f->n_files = n;
  for (size_t i = 0; i < c->beside.len; i++) {
    const og_change__beside *b = &OG_VEC_AT(&c->beside, og_change__beside, i);
    if (b->fragment == own) OG_TRY(add_file(cx, a, c, b, version, f));
  }
  return OG_OK;
}
