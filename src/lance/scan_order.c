/* SPDX-License-Identifier: MIT */
/* lance/scan_order.c -- rows of a version in the order of columns.
 *
 *  (1) Rows are scanned once and put into a sorter, which spills what exceeds its budget: memory does not grow with the
 *      table, and it is read once however large it is.
 *  (2) When few rows are wanted, or rows have blobs, only keys and offsets are sorted; the rows themselves are then
 * taken. Otherwise rows go along as bytes: taking them in their new order would read most of the table for each batch.
 *  (3) Batches have BATCH_ROWS rows at most, and about BATCH_BYTES.
 */
#include "lance/scan_order.h"

#include "arrow/row_bytes.h"
#include "base/sorter.h"
#include "lance/fields.h"

#define BUDGET_BYTES (64u << 20)
#define FEW_ROWS     65536u /* are taken after the sort */
#define BATCH_ROWS   65536u
#define BATCH_BYTES  (16u << 20)

struct og_lance_sorted {
  og_lance_table *table;
  og_lance_scan *scan;
  og_schema *schema; /* of what goes out */
  og_lance_order *by;
  uint32_t n_by, n_columns, n_out; /* n_columns: that the table has of n_out */
  uint32_t *columns;               /* of the table: those that go out, then those of the order */
  uint64_t left;
  uint32_t batch_rows;
  size_t budget;
  bool takes;      /* the rows are taken by their offsets */
  bool blobs;      /* some of the columns taken are blobs */
  bool has_extras; /* behind the columns */
  og_sorter *sorter;
  og_sorted *reader; /* NULL: not sorted yet */
};

/* ---- opening */

static og_status check_order(og_ctx *cx, const og_lance_table *t, const og_lance_sort_opts *o)
{
  const og_schema *s = og_lance_table_schema(t)->arrow;
  for (uint32_t i = 0; i < o->n_by; i++) {
    const og_field *f = &s->fields[o->by[i].column];
    if (!og_row_key_can(f->type) || og_lance_is_blob(f))
      return og_fail(cx, OG_EINVALID, "rows cannot be ordered by column \"" OG_STR_FMT "\" of type %s",
                     OG_STR_ARG(f->name), og_lance_is_blob(f) ? "blob" : og_type_name(f->type));
  }
  return OG_OK;
}

/* The columns that go out, then, for their keys, those of the order. */
static og_status list_columns(og_ctx *cx, og_lance_sorted *s, const og_lance_sort_opts *o)
{
  const og_schema *schema = og_lance_table_schema(s->table)->arrow;
  const uint32_t n = o->scan.n_columns;
  s->columns = og_calloc(cx, (size_t)n + o->n_by + 1, sizeof *s->columns);
  s->by = og_calloc(cx, (size_t)o->n_by + 1, sizeof *s->by);
  if (!s->columns || !s->by) return OG_ENOMEM;
  if (n) memcpy(s->columns, o->scan.columns, n * sizeof *s->columns);
  if (o->n_by) memcpy(s->by, o->by, o->n_by * sizeof *s->by);
  for (uint32_t i = 0; i < o->n_by; i++) s->columns[n + i] = o->by[i].column;
  for (uint32_t i = 0; i < n; i++) s->blobs = s->blobs || og_lance_is_blob(&schema->fields[s->columns[i]]);
  s->n_columns = n;
  s->n_by = o->n_by;
  return OG_OK;
}

/* What goes out has the schema of a scan without the order's columns. */
static og_status find_schema(og_ctx *cx, og_lance_sorted *s, const og_lance_sort_opts *o)
{
  og_lance_scan *plain;
  OG_TRY(og_lance_scan_open(cx, s->table, &o->scan, &plain));
  s->schema = og_schema_ref(og_lance_scan_schema(plain));
  og_lance_scan_close(plain);
  s->n_out = s->schema->n_fields;
  s->has_extras = s->n_out > s->n_columns;
  return OG_OK;
}

static og_status open_sorted(og_ctx *cx, og_lance_sorted *s, const og_lance_sort_opts *o)
{
  OG_TRY(check_order(cx, s->table, o));
  OG_TRY(list_columns(cx, s, o));
  OG_TRY(find_schema(cx, s, o));
  s->left = o->limit ? o->limit : UINT64_MAX;
  s->batch_rows = o->scan.batch_rows && o->scan.batch_rows < BATCH_ROWS ? o->scan.batch_rows : BATCH_ROWS;
  s->budget = o->budget ? o->budget : BUDGET_BYTES;
  s->takes = s->blobs || s->left <= FEW_ROWS;
  og_lance_scan_opts scan = o->scan;
  scan.columns = s->takes ? s->columns + s->n_columns : s->columns;
  scan.n_columns = s->takes ? s->n_by : s->n_columns + s->n_by;
  scan.with_offset = scan.with_offset || s->takes;
  scan.batch_rows = BATCH_ROWS;
  OG_TRY(og_lance_scan_open(cx, s->table, &scan, &s->scan));
  return og_sorter_new(cx, s->budget, &s->sorter);
}

og_status og_lance_sorted_open(og_ctx *cx, og_lance_table *t, const og_lance_sort_opts *opts, og_lance_sorted **out)
{
  og_lance_sorted *s = og_zalloc(cx, sizeof *s);
  if (!s) return OG_ENOMEM;
  s->table = og_lance_table_ref(t);
  const og_status st = open_sorted(cx, s, opts);
  if (st == OG_OK)
    *out = s;
  else
    og_lance_sorted_close(cx, s);
  return st;
}

void og_lance_sorted_close(og_ctx *cx, og_lance_sorted *s)
{
  if (!s) return;
  og_sorted_close(s->reader);
  og_sorter_free(cx, s->sorter);
  og_lance_scan_close(s->scan);
  og_schema_unref(s->schema);
  og_free(s->columns);
  og_free(s->by);
  og_lance_table_unref(s->table);
  og_free(s);
}

og_schema *og_lance_sorted_schema(const og_lance_sorted *s)
{
  return s->schema;
}

/* ---- sorting: a record's value is the row's offset and what is not in the table; or the whole row */

/* Of a batch: columns that go out, those of the order, extras. */
static og_status add_batch(og_ctx *cx, og_lance_sorted *s, const og_batch *b, og_buf *key, og_buf *value)
{
  const uint32_t first = s->takes ? 0 : s->n_columns; /* of the order's */
  const uint32_t extras = first + s->n_by;
  for (int64_t i = 0; i < b->len; i++) {
    og_buf_clear(key);
    og_buf_clear(value);
    for (uint32_t k = 0; k < s->n_by; k++)
      OG_TRY(og_row_key_put(cx, b->columns[first + k], i, s->by[k].descending, key));
    if (!s->takes) OG_TRY(og_row_bytes_put(cx, b->columns, s->n_columns, i, value));
    OG_TRY(og_row_bytes_put(cx, b->columns + extras, b->n_columns - extras, i, value));
    if (key->len > UINT32_MAX / 2 || value->len > UINT32_MAX / 2)
      return og_fail(cx, OG_ELIMIT, "a row of %zu bytes cannot be ordered", key->len + value->len);
    OG_TRY(og_sorter_add(cx, s->sorter, og_buf_str(key), og_buf_str(value)));
  }
  return OG_OK;
}

static og_status sort_all(og_ctx *cx, og_lance_sorted *s)
{
  OG_AUTO(og_buf) key = {0};
  OG_AUTO(og_buf) value = {0};
  for (;;) {
    og_batch *b;
    OG_TRY(og_lance_scan_next(cx, s->scan, &b));
    if (!b) break;
    const og_status st = add_batch(cx, s, b, &key, &value);
    og_batch_unref(b);
    OG_TRY(st);
  }
  og_lance_scan_close(s->scan);
  s->scan = NULL;
  OG_TRY(og_sorter_sort(cx, s->sorter));
  return og_sorted_open(cx, s->sorter, &s->reader);
}

/* ---- what goes out */

typedef struct batch_out {
  og_builder **builders; /* one per column of bytes */
  og_field *fields;
  og_column **columns;
  uint32_t n_bytes; /* columns that come as bytes: all, or the offset and the extras */
  int64_t rows;
} batch_out;

static void batch_out_cleanup(batch_out *o)
{
  for (uint32_t i = 0; o->builders && i < o->n_bytes; i++) og_builder_free(o->builders[i]);
  for (uint32_t i = 0; o->columns && i < o->n_bytes; i++) og_column_unref(o->columns[i]);
  og_free(o->builders);
  og_free(o->fields);
  og_free(o->columns);
}

/* The offset comes before the other extras, and is one of them perhaps. */
static bool gives_offset(const og_lance_sorted *s)
{
  return s->has_extras && og_str_eq(s->schema->fields[s->n_columns].name, OG_STR("_rowoffset"));
}

static og_status prepare(og_ctx *cx, const og_lance_sorted *s, batch_out *o)
{
  const bool own = s->takes && !gives_offset(s);
  const uint32_t from = s->takes ? s->n_columns : 0;
  o->n_bytes = s->n_out - from + own;
  o->builders = og_calloc(cx, (size_t)o->n_bytes + 1, sizeof(og_builder *));
  o->fields = og_calloc(cx, (size_t)o->n_bytes + 1, sizeof *o->fields);
  o->columns = og_calloc(cx, (size_t)o->n_bytes + 1, sizeof(og_column *));
  if (!o->builders || !o->fields || !o->columns) return OG_ENOMEM;
  if (own) o->fields[0] = (og_field){.name = OG_STR("_rowoffset"), .type = og_type_of(OG_TYPE_U64)};
  for (uint32_t i = own; i < o->n_bytes; i++) o->fields[i] = s->schema->fields[from + i - own];
  for (uint32_t i = 0; i < o->n_bytes; i++) OG_TRY(og_builder_new(cx, &o->fields[i], &o->builders[i]));
  return OG_OK;
}

/* Adds the size of the blobs in a row. */
static og_status add_blobs(og_ctx *cx, const og_lance_sorted *s, og_str value, uint64_t *bytes)
{
  const og_schema *schema = og_lance_table_schema(s->table)->arrow;
  uint64_t offset;
  OG_INVARIANT(value.len >= 9); /* a mark and the offset */
  memcpy(&offset, value.ptr + 1, sizeof offset);
  for (uint32_t i = 0; i < s->n_columns; i++) {
    og_lance_blob b;
    if (!og_lance_is_blob(&schema->fields[s->columns[i]])) continue;
    OG_TRY(og_lance_table_blob(cx, s->table, s->columns[i], offset, &b));
    if (!b.null) *bytes += b.size;
  }
  return OG_OK;
}

static og_status read_rows(og_ctx *cx, og_lance_sorted *s, batch_out *o)
{
  for (uint64_t bytes = 0; o->rows < s->batch_rows && s->left && bytes < BATCH_BYTES; o->rows++, s->left--) {
    og_record r;
    bool more;
    OG_TRY(og_sorted_next(cx, s->reader, &r, &more));
    if (!more) s->left = 0;
    if (!more) return OG_OK;
    bytes += r.value.len;
    if (s->blobs) OG_TRY(add_blobs(cx, s, r.value, &bytes));
    OG_TRY(og_row_bytes_get(cx, o->fields, o->n_bytes, r.value, o->builders));
  }
  return OG_OK;
}

/* Columns of the table by the offsets, then extras. */
static og_status take_rows(og_ctx *cx, const og_lance_sorted *s, const batch_out *o, og_batch **out)
{
  og_batch *taken;
  og_column **cols = og_calloc(cx, (size_t)s->n_out + 1, sizeof(og_column *));
  if (!cols) return OG_ENOMEM;
  og_status st = og_lance_table_take(cx, s->table, s->columns, s->n_columns, og_column_u64(o->columns[0]),
                                     (size_t)o->rows, &taken);
  if (st == OG_OK) {
    const uint32_t own = !gives_offset(s);
    for (uint32_t i = 0; i < s->n_columns; i++) cols[i] = taken->columns[i];
    for (uint32_t i = s->n_columns; i < s->n_out; i++) cols[i] = o->columns[i - s->n_columns + own];
    st = og_batch_new(cx, s->schema, cols, s->n_out, o->rows, out);
    og_batch_unref(taken);
  }
  og_free(cols);
  return st;
}

static og_status next_batch(og_ctx *cx, og_lance_sorted *s, og_batch **out)
{
  OG_AUTO(batch_out) o = {0};
  OG_TRY(prepare(cx, s, &o));
  OG_TRY(read_rows(cx, s, &o));
  if (o.rows == 0) return OG_OK;
  for (uint32_t i = 0; i < o.n_bytes; i++) OG_TRY(og_builder_finish(cx, o.builders[i], &o.columns[i]));
  return s->takes ? take_rows(cx, s, &o, out) : og_batch_new(cx, s->schema, o.columns, s->n_out, o.rows, out);
}

og_status og_lance_sorted_next(og_ctx *cx, og_lance_sorted *s, og_batch **out)
{
  OG_AUTO(og_arena) arena = {0};
  og_ctx inner = *cx;
  inner.arena = &arena;
  *out = NULL;
  OG_TRY(og_ctx_poll(cx));
  if (!s->reader) OG_TRY_NOTE(cx, sort_all(&inner, s), "while ordering rows");
  if (s->left == 0) return OG_OK;
  OG_TRY_NOTE(cx, next_batch(&inner, s, out), "while ordering rows");
  return OG_OK;
}
