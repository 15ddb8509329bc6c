/* SPDX-License-Identifier: MIT */
/* lance/scan.c -- rows of a version in order, those that conditions hold for. */
#include "arrow/builder.h"
#include "arrow/kernels.h"
#include "base/pool.h"
#include "lance/page.h"
#include "lance/table_impl.h"

#include <inttypes.h>

/* ---- one column of one fragment */

static int column_of(const og_data_file *f, int32_t id)
{
  for (uint32_t i = 0; i < f->n; i++)
    if (f->fields[i] == id) return f->columns[i];
  return -1;
}

/* The file's columns of the given leaves: how many it has. */
static uint32_t find_leaves(const og_data_file *f, const int32_t *ids, int32_t *columns, uint32_t leaves)
{
  uint32_t have = 0;
  for (uint32_t l = 0; l < leaves; l++) have += (columns[l] = column_of(f, ids[l])) >= 0;
  return have;
}

static og_status check_rows(og_ctx *cx, const og_fragment *f, uint32_t file, const og_lance_file *open)
{
  uint64_t rows = og_lance_file_num_rows(open);
  if (rows == f->rows) return OG_OK;
  return og_fail(cx, OG_ECORRUPT, "data file '" OG_STR_FMT "' has %" PRIu64 " rows, its fragment %" PRIu64,
                 OG_STR_ARG(f->files[file].path), rows, f->rows);
}

og_status og_table__locate(og_ctx *cx, og_arena *a, og_lance_table *t, uint32_t fragment, uint32_t column,
                           og_table__source *out)
{
  const og_fragment *f = &t->m.fragments[fragment];
  const og_lance_schema *s = t->m.schema;
  uint32_t pos = og_lance_schema_top(s, column), leaves = og_lance__leaf_count(&s->arrow->fields[column]), most = 0;
  int32_t *columns = og_arena_calloc(cx, a, leaves + 1, sizeof *columns);
  int32_t *ids = og_arena_calloc(cx, a, leaves + 1, sizeof *ids), *next = ids;
  if (!columns || !ids) return OG_ENOMEM;
  og_lance__leaf_ids(s, &s->arrow->fields[column], &pos, &next);
  *out = (og_table__source){.ref = {&s->arrow->fields[column], columns, leaves}};
  for (uint32_t i = 0; i < f->n_files; i++) {
    uint32_t have = find_leaves(&f->files[i], ids, columns, leaves);
    if (have > most) most = have;
    if (have != leaves) continue;
    OG_TRY(og_table__file(cx, t, fragment, i, &out->file));
    OG_TRY_NOTE(cx, check_rows(cx, f, i, out->file), "while opening '" OG_STR_FMT "'", OG_STR_ARG(t->at.root));
    return OG_OK;
  }
  og_str name = out->ref.field->name;
  if (most)
    return og_fail(cx, OG_EUNSUPPORTED,
                   "column '" OG_STR_FMT "' of fragment %" PRIu64 " of '" OG_STR_FMT "' lies in several data files",
                   OG_STR_ARG(name), f->id, OG_STR_ARG(t->at.root));
  if (!out->ref.field->nullable)
    return og_fail(cx, OG_ECORRUPT,
                   "column '" OG_STR_FMT "' may not be null, and fragment %" PRIu64 " of '" OG_STR_FMT "' lacks it",
                   OG_STR_ARG(name), f->id, OG_STR_ARG(t->at.root));
  return OG_OK;
}

og_status og_table__read(og_ctx *cx, const og_table__source *s, uint64_t from, uint64_t n, const uint64_t *rows,
                         og_column **out)
{
  if (!s->file) return og_column_nulls(cx, s->ref.field, (int64_t)n, out);
  if (rows) return og_lance_file_take(cx, s->file, &s->ref, rows, (size_t)n, out);
  return og_lance_file_read(cx, s->file, &s->ref, from, n, out);
}

/* ---- scan */

enum { EXTRA_OFFSET, EXTRA_ID, EXTRA_CREATED, EXTRA_UPDATED, EXTRAS };

#define WINDOW_BYTES (4u << 20) /* of stored data decoded at once */
#define WINDOW_ROWS  65536u

/* A window of rows is decoded at once, for all columns: a read has costs of its own.  `rows` are those of it that go
 * out, from the window's first; NULL: all of them.  When conditions leave few, only these are decoded: `sparse`. */
struct og_lance_scan {
  og_lance_table *table;
  og_schema *schema;
  uint32_t *columns; /* those that go out, then one per condition */
  uint32_t n_columns, n_where, batch_rows;
  og_lance_condition *where;
  const uint64_t *only; /* rows that may go out, by dense offset; NULL: all */
  size_t n_only, at_only;
  bool extra[EXTRAS];
  uint32_t fragment, end_fragment;
  uint64_t row; /* behind the window, within the fragment */
  og_arena located;
  og_table__source *sources; /* one per entry of `columns`, of this fragment; NULL: not yet located */
  og_column **window;        /* likewise; NULL: not decoded */
  uint64_t window_from;
  uint32_t window_rows, *rows, n_rows, next; /* next: how many of them went out */
  bool sparse;
};

static og_status scan_schema(og_ctx *cx, const og_lance_scan *s, og_schema **out)
{
  static const char *const names[EXTRAS] = {"_rowoffset", "_rowid", "_row_created_at_version",
                                            "_row_last_updated_at_version"};
  uint32_t n = s->n_columns;
  og_field *fields = og_push_array(cx, n + EXTRAS, sizeof *fields);
  if (!fields) return OG_ENOMEM;
  for (uint32_t i = 0; i < s->n_columns; i++) fields[i] = s->table->m.schema->arrow->fields[s->columns[i]];
  for (int e = 0; e < EXTRAS; e++)
    if (s->extra[e]) fields[n++] = (og_field){.name = og_str_of(names[e]), .type = og_type_of(OG_TYPE_U64)};
  return og_schema_new(cx, fields, n, NULL, 0, out);
}

static og_status scan_columns(og_ctx *cx, og_lance_scan *s, const og_lance_scan_opts *o)
{
  const uint32_t n = o->n_columns + o->n_where;
  s->columns = og_calloc(cx, n + 1, sizeof *s->columns);
  s->window = og_calloc(cx, n + 1, sizeof(og_column *));
  s->where = og_calloc(cx, o->n_where + 1, sizeof *s->where);
  if (!s->columns || !s->window || !s->where) return OG_ENOMEM;
  s->n_columns = o->n_columns;
  s->n_where = o->n_where;
  if (o->n_columns) memcpy(s->columns, o->columns, o->n_columns * sizeof *s->columns);
  for (uint32_t i = 0; i < o->n_where; i++) {
    s->where[i] = o->where[i];
    s->columns[o->n_columns + i] = o->where[i].column;
  }
  for (uint32_t i = 0; i < n; i++) OG_ASSERT(s->columns[i] < s->table->m.schema->arrow->n_fields);
  return OG_OK;
}

static og_status scan_init(og_ctx *cx, og_lance_scan *s, const og_lance_scan_opts *o)
{
  OG_TRY(scan_columns(cx, s, o));
  s->batch_rows = o->batch_rows ? o->batch_rows : 2048;
  s->extra[EXTRA_OFFSET] = o->with_offset;
  s->extra[EXTRA_ID] = o->with_row_id;
  s->extra[EXTRA_CREATED] = o->with_created;
  s->extra[EXTRA_UPDATED] = o->with_updated;
  s->fragment = o->from_fragment;
  s->end_fragment = o->n_fragments ? o->from_fragment + o->n_fragments : s->table->m.n_fragments;
  s->only = o->only;
  s->n_only = o->n_only;
  return scan_schema(cx, s, &s->schema);
}

og_status og_lance_scan_open(og_ctx *cx, og_lance_table *t, const og_lance_scan_opts *opts, og_lance_scan **out)
{
  og_lance_scan *s = og_zalloc(cx, sizeof *s);
  if (!s) return OG_ENOMEM;
  s->table = og_lance_table_ref(t);
  og_status st = scan_init(cx, s, opts);
  if (st != OG_OK)
    og_lance_scan_close(s);
  else
    *out = s;
  return st;
}

static void drop_window(og_lance_scan *s)
{
  for (uint32_t i = 0; s->window && i < s->n_columns + s->n_where; i++) {
    og_column_unref(s->window[i]);
    s->window[i] = NULL;
  }
  og_free(s->rows);
  s->rows = NULL;
  s->window_rows = s->n_rows = s->next = 0;
  s->sparse = false;
}

void og_lance_scan_close(og_lance_scan *s)
{
  if (!s) return;
  drop_window(s);
  og_free(s->window);
  og_free(s->where);
  og_arena_cleanup(&s->located);
  og_schema_unref(s->schema);
  og_lance_table_unref(s->table);
  og_free(s->columns);
  og_free(s);
}

og_schema *og_lance_scan_schema(const og_lance_scan *s)
{
  return s->schema;
}

static uint32_t window_size(const og_lance_scan *s)
{
  og_lance_fragment_info info = og_lance_table_fragment(s->table, s->fragment);
  uint64_t per_row = info.bytes / info.physical_rows + 1, rows = WINDOW_BYTES / per_row;
  if (rows > WINDOW_ROWS) rows = WINDOW_ROWS;
  rows = rows > s->batch_rows ? rows - rows % s->batch_rows : s->batch_rows;
  return (uint32_t)(rows < info.physical_rows - s->row ? rows : info.physical_rows - s->row);
}

static og_status locate_columns(og_ctx *cx, og_lance_scan *s)
{
  const uint32_t n = s->n_columns + s->n_where;
  s->sources = og_arena_calloc(cx, &s->located, n + 1, sizeof *s->sources);
  if (!s->sources) return OG_ENOMEM;
  for (uint32_t i = 0; i < n; i++)
    OG_TRY(og_table__locate(cx, &s->located, s->table, s->fragment, s->columns[i], &s->sources[i]));
  return OG_OK;
}

/* Entry i of `columns` for the window's rows, or for `rows` of them. */
static og_status decode(og_ctx *cx, og_lance_scan *s, uint32_t i, const uint64_t *rows)
{
  if (s->window[i]) return OG_OK;
  return og_table__read(cx, &s->sources[i], s->window_from, rows ? s->n_rows : s->window_rows, rows, &s->window[i]);
}

/* The window's rows that are not deleted; `rows` stays NULL when all live. */
static og_status select_live(og_ctx *cx, og_lance_scan *s)
{
  const uint8_t *deleted;
  s->n_rows = s->window_rows;
  OG_TRY(og_table__deleted(cx, s->table, s->fragment, &deleted));
  const int64_t from = (int64_t)s->window_from;
  if (!deleted || og_bits_count(deleted, from, s->window_rows) == 0) return OG_OK;
  s->rows = og_alloc(cx, (s->window_rows + 1) * sizeof *s->rows);
  if (!s->rows) return OG_ENOMEM;
  s->n_rows = 0;
  for (uint32_t i = 0; i < s->window_rows; i++)
    if (!og_bit_get(deleted, from + i)) s->rows[s->n_rows++] = i;
  return OG_OK;
}

/* Of the window's rows, those that are among the only ones. */
static og_status select_only(og_ctx *cx, og_lance_scan *s)
{
  const uint64_t first = s->table->first[s->fragment] + s->window_from;
  const uint8_t *deleted;
  uint32_t n = 0;
  OG_TRY(og_table__deleted(cx, s->table, s->fragment, &deleted));
  s->rows = og_alloc(cx, (s->window_rows + 1) * sizeof *s->rows);
  if (!s->rows) return OG_ENOMEM;
  for (; s->at_only < s->n_only && s->only[s->at_only] < first + s->window_rows; s->at_only++) {
    const uint32_t row = (uint32_t)(s->only[s->at_only] - first);
    if (!deleted || !og_bit_get(deleted, (int64_t)(s->window_from + row))) s->rows[n++] = row;
  }
  s->n_rows = n;
  return OG_OK;
}

/* Moves on to the next of the only rows, at most to the end of the fragment. */
static void seek(og_lance_scan *s)
{
  const uint64_t first = s->table->first[s->fragment], rows = s->table->m.fragments[s->fragment].rows;
  while (s->at_only < s->n_only && s->only[s->at_only] < first + s->row) s->at_only++;
  const uint64_t to = s->at_only < s->n_only ? s->only[s->at_only] - first : rows;
  s->row = to < rows ? to : rows;
}

static uint32_t select_null(const og_column *c, bool null, const uint32_t *in, uint32_t n, uint32_t *out)
{
  uint32_t k = 0;
  for (uint32_t i = 0; i < n; i++) {
    const uint32_t row = in ? in[i] : i;
    if (og_column_is_null(c, row) == null) out[k++] = row;
  }
  return k;
}

/* Of the rows selected, those that one condition holds for. */
static og_status select_where(og_ctx *cx, og_lance_scan *s, uint32_t i)
{
  const og_lance_condition *w = &s->where[i];
  for (uint32_t k = 0; k < i && !s->window[s->n_columns + i]; k++) /* the same column, decoded for another condition */
    if (s->where[k].column == w->column) s->window[s->n_columns + i] = og_column_ref(s->window[s->n_columns + k]);
  OG_TRY(decode(cx, s, s->n_columns + i, NULL));
  const og_column *c = s->window[s->n_columns + i];
  uint32_t *to = s->rows ? s->rows : og_alloc(cx, (s->window_rows + 1) * sizeof *to);
  if (!to) return OG_ENOMEM;
  if (w->kind == OG_LANCE_COMPARES)
    s->n_rows = (uint32_t)og_kernels_scalar.select_cmp(c, w->op, &w->value, s->rows, s->n_rows, to);
  else
    s->n_rows = select_null(c, w->kind == OG_LANCE_IS_NULL, s->rows, s->n_rows, to);
  s->rows = to;
  return OG_OK;
}

typedef struct decoding {
  og_lance_scan *scan;
  uint64_t *only; /* rows; NULL: the whole window */
} decoding;

static og_status decode_one(og_ctx *cx, void *arg, size_t item, unsigned worker)
{
  const decoding *d = arg;
  (void)worker;
  return decode(cx, d->scan, (uint32_t)item, d->only);
}

/* A column that was decoded for a condition need not be decoded again, unless fewer rows of it go out. */
static void share_decoded(og_lance_scan *s)
{
  for (uint32_t w = s->n_columns; w < s->n_columns + s->n_where; w++)
    for (uint32_t i = 0; i < s->n_columns && s->window[w]; i++)
      if (!s->window[i] && s->columns[i] == s->columns[w]) s->window[i] = og_column_ref(s->window[w]);
}

/* Decodes what goes out: of the whole window, or of few rows of it. */
static og_status decode_window(og_ctx *cx, og_lance_scan *s)
{
  decoding d = {.scan = s};
  s->sparse = (s->n_where || s->only) && s->n_rows < s->window_rows / 16;
  if (s->sparse) {
    d.only = og_alloc(cx, (s->n_rows + 1) * sizeof *d.only);
    if (!d.only) return OG_ENOMEM;
    for (uint32_t i = 0; i < s->n_rows; i++) d.only[i] = s->window_from + s->rows[i];
  } else {
    share_decoded(s);
  }
  og_status st = og_parallel(cx, s->n_columns, decode_one, &d);
  og_free(d.only);
  return st;
}

/* The window that starts at the current row; it may turn out empty. */
static og_status load_window(og_ctx *cx, og_lance_scan *s)
{
  drop_window(s);
  if (!s->sources) OG_TRY(locate_columns(cx, s));
  s->window_from = s->row;
  s->window_rows = window_size(s);
  s->row += s->window_rows;
  OG_TRY(s->only ? select_only(cx, s) : select_live(cx, s));
  for (uint32_t i = 0; i < s->n_where && s->n_rows; i++) OG_TRY(select_where(cx, s, i));
  return s->n_rows ? decode_window(cx, s) : OG_OK;
}

/* ---- what goes out */

static og_status extra_column(og_ctx *cx, og_lance_scan *s, int which, uint32_t n, og_column **out)
{
  const og_fragment_state *q = NULL;
  if (which != EXTRA_OFFSET) OG_TRY(og_table__sequences(cx, s->table, s->fragment, &q));
  uint64_t *v = og_calloc(cx, n + 1, sizeof *v);
  if (!v) return OG_ENOMEM;
  for (uint32_t i = 0; i < n; i++) {
    const uint64_t row = s->window_from + (s->rows ? s->rows[s->next + i] : s->next + i);
    v[i] = which == EXTRA_OFFSET    ? s->table->first[s->fragment] + row
           : which == EXTRA_ID      ? og_rowids_get(&q->ids, row)
           : which == EXTRA_CREATED ? og_version_runs_get(&q->created, row)
                                    : og_version_runs_get(&q->updated, row);
  }
  og_status st = og_column_from_fixed(cx, og_type_of(OG_TYPE_U64), v, NULL, (int64_t)n, out);
  og_free(v);
  return st;
}

/* The next n selected rows of the window's column i. */
static og_status data_column(og_ctx *cx, og_lance_scan *s, uint32_t i, uint32_t n, og_column **out)
{
  if (!s->rows || s->sparse) return og_column_slice(cx, s->window[i], s->next, n, out);
  int64_t *rows = og_alloc(cx, ((size_t)n + 1) * sizeof *rows);
  if (!rows) return OG_ENOMEM;
  for (uint32_t k = 0; k < n; k++) rows[k] = s->rows[s->next + k];
  og_status st = og_column_take(cx, s->window[i], rows, (int64_t)n, out);
  og_free(rows);
  return st;
}

static og_status next_batch(og_ctx *cx, og_lance_scan *s, og_batch **out)
{
  const uint32_t total = s->schema->n_fields, left = s->n_rows - s->next;
  const uint32_t n = left < s->batch_rows ? left : s->batch_rows;
  uint32_t at = 0;
  og_column **cols = og_calloc(cx, total + 1, sizeof(og_column *));
  if (!cols) return OG_ENOMEM;
  og_status st = OG_OK;
  for (; st == OG_OK && at < s->n_columns; at++) st = data_column(cx, s, at, n, &cols[at]);
  for (int e = 0; st == OG_OK && e < EXTRAS; e++)
    if (s->extra[e]) st = extra_column(cx, s, e, n, &cols[at++]);
  if (st == OG_OK) st = og_batch_new(cx, s->schema, cols, total, (int64_t)n, out);
  for (uint32_t i = 0; i < total; i++) og_column_unref(cols[i]);
  og_free(cols);
  s->next += n;
  return st;
}

static void next_fragment(og_lance_scan *s)
{
  drop_window(s);
  s->fragment++;
  s->row = 0;
  s->sources = NULL;
  og_arena_reset(&s->located);
}

og_status og_lance_scan_next(og_ctx *cx, og_lance_scan *s, og_batch **out)
{
  *out = NULL;
  OG_TRY(og_ctx_poll(cx));
  while (s->next == s->n_rows) {
    if (s->fragment >= s->end_fragment) return OG_OK;
    if (s->only) seek(s);
    if (s->row == s->table->m.fragments[s->fragment].rows) {
      next_fragment(s);
      continue;
    }
    OG_TRY(og_ctx_poll(cx));
    OG_TRY_NOTE(cx, load_window(cx, s), "while scanning '" OG_STR_FMT "'", OG_STR_ARG(s->table->at.root));
  }
  OG_TRY_NOTE(cx, next_batch(cx, s, out), "while scanning '" OG_STR_FMT "'", OG_STR_ARG(s->table->at.root));
  return OG_OK;
}

og_status og_lance_scan_count(og_ctx *cx, og_lance_scan *s, uint64_t *rows)
{
  OG_INVARIANT(s->n_columns == 0);
  *rows = 0;
  for (; s->fragment < s->end_fragment; next_fragment(s))
    while (s->row < s->table->m.fragments[s->fragment].rows) {
      OG_TRY(og_ctx_poll(cx));
      if (s->only) seek(s);
      if (s->row == s->table->m.fragments[s->fragment].rows) break;
      OG_TRY_NOTE(cx, load_window(cx, s), "while counting rows of '" OG_STR_FMT "'", OG_STR_ARG(s->table->at.root));
      *rows += s->n_rows;
    }
  return OG_OK;
}
