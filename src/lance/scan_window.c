/* SPDX-License-Identifier: MIT */
/* lance/scan_window.c -- the windows of a scan: which rows are decoded together, and which of them go out.
 *
 *  (1) A window has at most WINDOW_BYTES of stored data, and about DECODED_BYTES of values.  Where conditions choose it
 *      is smaller, for the processor's caches; and of the columns that only they need nothing is kept.
 *  (2) The first window is small and loaded alone, its columns side by side: a scan may be stopped after few rows.
 *      Later ones are loaded several at once, each by one thread: columns differ too much in cost to be shared out.
 *  (3) Conditions are looked at in their order, each only for the rows that are left.
 */
#include "lance/scan_impl.h"

#include "arrow/kernels.h"
#include "base/pool.h"

#define WINDOW_BYTES  (8u << 20)
#define DECODED_BYTES (16u << 20)
#define WINDOW_ROWS   65536u
#define CHOSEN_ROWS   16384u
#define COUNTED_MOST  64 /* windows at once */

static void drop_window(const og_lance_scan *s, og_scan__window *w)
{
  for (uint32_t i = 0; i < s->n_columns + s->n_where; i++) {
    og_column_unref(w->cols[i]);
    w->cols[i] = NULL;
  }
  og_free(w->sel);
  w->sel = NULL;
  w->rows = w->n_sel = 0;
}

void og_scan__drop(og_lance_scan *s)
{
  for (uint32_t i = 0; i < s->n_windows; i++) drop_window(s, &s->windows[i]);
  s->n_windows = s->at = s->next = 0;
}

/* ---- one window */

typedef struct loading {
  og_lance_scan *scan;
  og_scan__window *w;
  uint64_t *only; /* rows to decode, of the file; NULL: the whole window */
  int64_t *keep;  /* rows of the window to keep after that; NULL: all */
} loading;

/* Entry i of `columns` for the window's rows, or for `rows` of them. */
static og_status decode(og_ctx *cx, const loading *l, uint32_t i, const uint64_t *rows)
{
  og_scan__window *w = l->w;
  if (w->cols[i]) return OG_OK;
  return og_table__read(cx, &l->scan->sources[i], w->from, rows ? w->n_sel : w->rows, rows, &w->cols[i]);
}

/* The window's rows that are not deleted; `sel` stays NULL when all live. */
static og_status select_live(og_ctx *cx, const loading *l)
{
  og_scan__window *w = l->w;
  const uint8_t *deleted;
  w->n_sel = w->rows;
  OG_TRY(og_table__deleted(cx, l->scan->table, l->scan->fragment, &deleted));
  const int64_t from = (int64_t)w->from;
  if (!deleted || og_bits_count(deleted, from, w->rows) == 0) return OG_OK;
  w->sel = og_alloc(cx, ((size_t)w->rows + 1) * sizeof *w->sel);
  if (!w->sel) return OG_ENOMEM;
  w->n_sel = 0;
  for (uint32_t i = 0; i < w->rows; i++)
    if (!og_bit_get(deleted, from + i)) w->sel[w->n_sel++] = i;
  return OG_OK;
}

/* Of the window's rows, those that are among the only ones. */
static og_status select_only(og_ctx *cx, const loading *l)
{
  og_lance_scan *s = l->scan;
  og_scan__window *w = l->w;
  const uint64_t first = s->table->first[s->fragment] + w->from;
  const uint8_t *deleted;
  const size_t most = s->n_only - s->at_only < w->rows ? s->n_only - s->at_only : w->rows;
  uint32_t n = 0;
  OG_TRY(og_table__deleted(cx, s->table, s->fragment, &deleted));
  w->sel = og_alloc(cx, (most + 1) * sizeof *w->sel);
  if (!w->sel) return OG_ENOMEM;
  for (; s->at_only < s->n_only && s->only[s->at_only] < first + w->rows; s->at_only++) {
    const uint32_t row = (uint32_t)(s->only[s->at_only] - first);
    if (!deleted || !og_bit_get(deleted, (int64_t)(w->from + row))) w->sel[n++] = row;
  }
  w->n_sel = n;
  return OG_OK;
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

static uint32_t select_containing(const og_column *c, og_str part, const uint32_t *in, uint32_t n, uint32_t *out)
{
  uint32_t k = 0;
  for (uint32_t i = 0; i < n; i++) {
    const uint32_t row = in ? in[i] : i;
    if (!og_column_is_null(c, row) && og_str_find(og_column_str(c, row), part) != SIZE_MAX) out[k++] = row;
  }
  return k;
}

/* Rows are ascending, and so are the items that are equal. */
static og_status select_having(og_ctx *cx, const og_column *c, const og_scalar *value, const uint32_t *in, uint32_t *n,
                               uint32_t *out)
{
  const og_column *items = c->children[0];
  uint32_t *equal = og_alloc(cx, ((size_t)items->len + 1) * sizeof *equal), kept = 0;
  if (!equal) return OG_ENOMEM;
  const size_t found = og_kernels_scalar.select_cmp(items, OG_CMP_EQ, value, NULL, (size_t)items->len, equal);
  size_t at = 0;
  for (uint32_t i = 0; i < *n; i++) {
    const uint32_t row = in ? in[i] : i;
    int64_t from, to;
    og_column_list(c, row, &from, &to);
    while (at < found && equal[at] < from) at++;
    if (!og_column_is_null(c, row) && at < found && equal[at] < to) out[kept++] = row;
  }
  og_free(equal);
  *n = kept;
  return OG_OK;
}

static bool is_among(const og_lance_condition *c, const og_scalar *v)
{
  uint32_t lo = 0, hi = c->n_values;
  while (lo < hi) {
    const uint32_t mid = lo + (hi - lo) / 2;
    int order;
    if (!og_scalar_cmp(v, &c->values[mid], &order)) return false;
    if (order == 0) return true;
    if (order < 0)
      hi = mid;
    else
      lo = mid + 1;
  }
  return false;
}

/* Neighbours are often equal. */
static uint32_t select_in(const og_column *col, const og_lance_condition *c, const uint32_t *in, uint32_t n,
                          uint32_t *out)
{
  og_scalar last = {.is_null = true};
  bool was = false;
  uint32_t k = 0;
  for (uint32_t i = 0; i < n; i++) {
    const uint32_t row = in ? in[i] : i;
    int order;
    if (og_column_is_null(col, row)) continue;
    const og_scalar v = og_scalar_at(col, row);
    if (last.is_null || !og_scalar_cmp(&v, &last, &order) || order) was = is_among(c, &v);
    last = v;
    if (was) out[k++] = row;
  }
  return k;
}

/* Of the rows selected, those that one condition holds for. */
static og_status select_where(og_ctx *cx, const loading *l, uint32_t i)
{
  const og_lance_scan *s = l->scan;
  og_scan__window *w = l->w;
  const og_lance_condition *c = &s->where[i];
  og_column **col = &w->cols[s->n_columns + i];
  for (uint32_t k = 0; k < i && !*col; k++) /* the same column, decoded for another condition */
    if (s->where[k].column == c->column) *col = og_column_ref(w->cols[s->n_columns + k]);
  OG_TRY(decode(cx, l, s->n_columns + i, NULL));
  uint32_t *to = w->sel ? w->sel : og_alloc(cx, ((size_t)w->rows + 1) * sizeof *to);
  if (!to) return OG_ENOMEM;
  const uint32_t *in = w->sel;
  w->sel = to;
  switch (c->kind) {
  case OG_LANCE_COMPARES:
    w->n_sel = (uint32_t)og_kernels_scalar.select_cmp(*col, c->op, &c->value, in, w->n_sel, to);
    break;
  case OG_LANCE_IS_NULL:
  case OG_LANCE_IS_NOT_NULL: w->n_sel = select_null(*col, c->kind == OG_LANCE_IS_NULL, in, w->n_sel, to); break;
  case OG_LANCE_CONTAINS: w->n_sel = select_containing(*col, c->value.v.s, in, w->n_sel, to); break;
  case OG_LANCE_HAS: return select_having(cx, *col, &c->value, in, &w->n_sel, to);
  case OG_LANCE_IN: w->n_sel = select_in(*col, c, in, w->n_sel, to); break;
  }
  return OG_OK;
}

/* A column that goes out: of the rows selected. */
static og_status decode_one(og_ctx *cx, void *arg, size_t item, unsigned worker)
{
  const loading *l = arg;
  og_column **col = &l->w->cols[item], *all;
  (void)worker;
  OG_TRY(decode(cx, l, (uint32_t)item, l->only));
  if (!l->keep) return OG_OK;
  all = *col;
  *col = NULL;
  og_status st = og_column_take(cx, all, l->keep, l->w->n_sel, col);
  og_column_unref(all);
  return st;
}

/* A column that was decoded for a condition need not be decoded again, unless fewer rows of it go out. */
static void share_decoded(const og_lance_scan *s, og_scan__window *w)
{
  for (uint32_t k = s->n_columns; k < s->n_columns + s->n_where; k++)
    for (uint32_t i = 0; i < s->n_columns && w->cols[k]; i++)
      if (!w->cols[i] && s->columns[i] == s->columns[k]) w->cols[i] = og_column_ref(w->cols[k]);
}

/* Of a window some of whose rows go out: few are decoded alone, many kept of all. */
static og_status list_rows(og_ctx *cx, loading *l)
{
  const og_lance_scan *s = l->scan;
  const og_scan__window *w = l->w;
  const bool few = (s->n_where || s->only) && w->n_sel < w->rows / 16;
  uint64_t *rows = og_alloc(cx, ((size_t)w->n_sel + 1) * sizeof *rows);
  if (!rows) return OG_ENOMEM;
  for (uint32_t i = 0; i < w->n_sel; i++) rows[i] = (few ? w->from : 0) + w->sel[i];
  if (few)
    l->only = rows;
  else
    l->keep = (int64_t *)rows;
  return OG_OK;
}

/* Decodes what goes out, and gives back what only conditions needed. */
static og_status decode_window(og_ctx *cx, loading *l)
{
  const og_lance_scan *s = l->scan;
  og_scan__window *w = l->w;
  og_status st = w->sel ? list_rows(cx, l) : OG_OK;
  if (st == OG_OK && !l->only) share_decoded(s, w);
  for (uint32_t i = s->n_columns; i < s->n_columns + s->n_where; i++) {
    og_column_unref(w->cols[i]);
    w->cols[i] = NULL;
  }
  if (s->n_windows > 1 || (l->only && w->n_sel < OG_TABLE__FEW_ROWS))
    for (uint32_t i = 0; st == OG_OK && i < s->n_columns; i++) st = decode_one(cx, l, i, 0);
  else if (st == OG_OK)
    st = og_parallel(cx, s->n_columns, decode_one, l);
  og_free(l->only);
  og_free(l->keep);
  return st;
}

/* What only served to count is given back at once, while it is in the caches. */
static void forget(const og_lance_scan *s, og_scan__window *w)
{
  const uint32_t n = w->n_sel;
  drop_window(s, w);
  w->n_sel = n;
}

static og_status load_one(og_ctx *cx, void *arg, size_t item, unsigned worker)
{
  og_lance_scan *s = arg;
  loading l = {.scan = s, .w = &s->windows[item]};
  (void)worker;
  OG_TRY(s->only ? select_only(cx, &l) : select_live(cx, &l));
  for (uint32_t i = 0; i < s->n_where && l.w->n_sel; i++) OG_TRY(select_where(cx, &l, i));
  if (s->counts) forget(s, l.w);
  return l.w->n_sel ? decode_window(cx, &l) : OG_OK;
}

/* ---- several */

static og_status locate_columns(og_ctx *cx, og_lance_scan *s)
{
  const uint32_t n = s->n_columns + s->n_where;
  s->sources = og_arena_calloc(cx, &s->located, n + 1, sizeof *s->sources);
  if (!s->sources) return OG_ENOMEM;
  for (uint32_t i = 0; i < n; i++) {
    OG_TRY(og_table__locate(cx, &s->located, s->table, s->fragment, s->columns[i], &s->sources[i]));
    if (s->refs) og_table__refer(&s->sources[i]);
  }
  return OG_OK;
}

static uint32_t window_rows(const og_lance_scan *s)
{
  const og_lance_fragment_info info = og_lance_table_fragment(s->table, s->fragment);
  const uint64_t stored = WINDOW_BYTES / (info.bytes / info.physical_rows + 1), decoded = DECODED_BYTES / s->row_bytes;
  uint64_t rows = s->counts || s->n_where ? CHOSEN_ROWS : WINDOW_ROWS;
  if (s->varies && rows > stored) rows = stored; /* of all columns: more than is read, perhaps */
  if (rows > decoded) rows = decoded;
  if (rows > s->batch_rows) rows -= rows % s->batch_rows;
  if (rows == 0) rows = 1;
  return (uint32_t)(rows < info.physical_rows - s->row ? rows : info.physical_rows - s->row);
}

/* So many of the window's rows that their blobs are about DECODED_BYTES, but one at least: their sizes are read first.
 */
static og_status limit_blobs(og_ctx *cx, const og_lance_scan *s, og_scan__window *w)
{
  for (uint32_t i = 0; i < s->n_columns; i++) {
    og_table__source sizes = s->sources[i];
    og_column *refs;
    uint64_t bytes = 0;
    uint32_t n = 0;
    og_table__refer(&sizes);
    if (!sizes.ref.refs || !sizes.file) continue;
    OG_TRY(og_table__read(cx, &sizes, w->from, w->rows, NULL, &refs));
    for (; n < w->rows && (n == 0 || bytes < DECODED_BYTES); n++)
      if (!og_column_is_null(refs, n)) bytes += og_lance_blob_ref_size(og_column_str(refs, n));
    og_column_unref(refs);
    if (bytes >= DECODED_BYTES && n > 1) n--; /* the last made it too many */
    w->rows = n;
  }
  return OG_OK;
}

/* How many at once: some per thread, so that none waits long for the last. */
static uint32_t window_count(og_ctx *cx, const og_lance_scan *s)
{
  const uint32_t threads = og_pool_threads(cx->rt->pool);
  if (!s->warm || s->only || threads == 1) return 1;
  return s->counts ? COUNTED_MOST : (s->n_where ? 16 : 4) * threads;
}

static og_status reserve_windows(og_ctx *cx, og_lance_scan *s, uint32_t n)
{
  if (n <= s->cap_windows) return OG_OK;
  og_scan__window *more = og_realloc(cx, s->windows, n * sizeof *more);
  if (!more) return OG_ENOMEM;
  s->windows = more;
  for (; s->cap_windows < n; s->cap_windows++) {
    og_scan__window *w = &more[s->cap_windows];
    *w = (og_scan__window){.cols = og_calloc(cx, (size_t)s->n_columns + s->n_where + 1, sizeof(og_column *))};
    if (!w->cols) return OG_ENOMEM;
  }
  return OG_OK;
}

og_status og_scan__load(og_ctx *cx, og_lance_scan *s)
{
  const uint64_t end = s->table->m.fragments[s->fragment].rows;
  const uint32_t n = window_count(cx, s);
  og_scan__drop(s);
  OG_TRY(reserve_windows(cx, s, n));
  if (!s->sources) OG_TRY(locate_columns(cx, s));
  for (; s->n_windows < n && s->row < end; s->n_windows++) {
    og_scan__window *w = &s->windows[s->n_windows];
    w->from = s->row;
    w->rows = window_rows(s);
    if (s->blobs && !s->refs) OG_TRY(limit_blobs(cx, s, w));
    s->row += w->rows;
  }
  s->warm = true;
  return s->n_windows == 1 ? load_one(cx, s, 0, 0) : og_parallel(cx, s->n_windows, load_one, s);
}
