/* SPDX-License-Identifier: MIT */
/* db/public_dataset_merge.c -- Lance tables in the C API: rows brought in by key.
 *
 *  (1) The stream's rows are kept, and their keys put into a map; then the key columns of the table are scanned, and
 * what matches is noted.  Only matched rows of the table are read whole, and only when the stream lacks a column. (2)
 * Everything becomes one change: new images, deletions, new rows.  A writer that was faster may have brought some of
 *      the keys, so all is done again on what it made.
 *  (3) A key is bytes that are equal where its columns are: numbers by value, zeros alike, NaNs alike; text with its
 *      length in front.
 */
#include "arrow/kernels.h"
#include "base/map.h"
#include "db/public_writer.h"

#include <math.h>

#define ROWS_AT_ONCE 65536

typedef struct pair {
  uint64_t offset; /* of the table's row */
  uint64_t row;    /* of the stream's */
} pair;

typedef struct merge {
  og_merge_opts opts;
  og_rows_in source;
  og_vec batches; /* og_batch *: rows of the stream */
  og_vec first;   /* uint64_t: number of each batch's first row */
  uint64_t n_rows;
  const char *const *on;
  uint32_t n_on;
  og_schema *want; /* the table's columns the stream was matched with; one reference */
  og_merge_counts counts;
} merge;

/* One attempt. */
typedef struct matching {
  uint32_t *key;       /* the key's columns in the table */
  og_map rows;         /* key -> number of the stream's row */
  uint8_t *is_matched; /* bit per row of the stream */
  og_vec pairs;        /* pair */
  og_vec others;       /* uint64_t: offsets of rows whose key the stream has not */
} matching;

void og_merge_opts_init(og_merge_opts *opts)
{
  *opts = (og_merge_opts){.size = sizeof *opts};
}

/* ---- keys */

static og_status append_part(og_ctx *cx, const og_column *c, int64_t i, og_buf *key)
{
  const og_scalar s = og_scalar_at(c, i);
  if (og_type_is_varbin(s.type.id)) {
    const uint64_t len = s.v.s.len;
    OG_TRY(og_buf_append(cx, key, &len, sizeof len));
    return og_buf_append_str(cx, key, s.v.s);
  }
  if (s.type.id == OG_TYPE_F32 || s.type.id == OG_TYPE_F64) {
    const double f = s.v.f != s.v.f ? (double)NAN : s.v.f + 0.0; /* -0.0 + 0.0 is 0.0 */
    return og_buf_append(cx, key, &f, sizeof f);
  }
  const uint64_t bits = s.type.id == OG_TYPE_BOOL ? s.v.b : s.v.u;
  return og_buf_append(cx, key, &bits, sizeof bits);
}

/* *is_null: a part is null, and the key equals none. */
static og_status key_of(og_ctx *cx, og_column *const *parts, uint32_t n, int64_t i, og_buf *key, bool *is_null)
{
  og_buf_clear(key);
  *is_null = false;
  for (uint32_t k = 0; k < n; k++) {
    *is_null = *is_null || og_column_is_null(parts[k], i);
    if (!*is_null) OG_TRY(append_part(cx, parts[k], i, key));
  }
  return OG_OK;
}

static bool can_be_key(const og_type *t)
{
  return !og_type_is_nested(t->id) && t->id != OG_TYPE_F16 && t->id != OG_TYPE_NULL;
}

static og_status find_key(og_writer *w, const merge *g, matching *m)
{
  const og_schema *schema = og_lance_table_schema(w->base)->arrow;
  m->key = og_push_array(w->cx, (size_t)g->n_on + 1, sizeof *m->key);
  if (!m->key) return OG_ENOMEM;
  for (uint32_t i = 0; i < g->n_on; i++) {
    OG_TRY(og_db__column_need(w->cx, w->base, g->on[i], &m->key[i]));
    if (!can_be_key(&schema->fields[m->key[i]].type))
      return og_fail(w->cx, OG_EINVALID, "column '%s' cannot be part of a key", g->on[i]);
    if (g->source.from[m->key[i]] < 0)
      return og_fail(w->cx, OG_EINVALID, "the stream lacks the column '%s' of the key", g->on[i]);
  }
  return OG_OK;
}

/* ---- the stream */

static og_status put_keys(og_writer *w, const merge *g, matching *m, const og_batch *b, uint64_t first)
{
  og_ctx *cx = w->cx;
  OG_AUTO(og_buf) key = {0};
  og_column **parts = og_push_array(cx, (size_t)g->n_on + 1, sizeof(og_column *));
  if (!parts) return OG_ENOMEM;
  for (uint32_t k = 0; k < g->n_on; k++) parts[k] = b->columns[g->source.from[m->key[k]]];
  for (int64_t i = 0; i < b->len; i++) {
    bool is_null, fresh = true;
    OG_TRY(key_of(cx, parts, g->n_on, i, &key, &is_null));
    if (is_null) continue;
    OG_TRY(og_map_put(cx, &m->rows, og_buf_str(&key), first + (uint64_t)i, &fresh));
    if (!fresh)
      return og_fail(cx, OG_EINVALID, "two rows of the stream have one key: the second is number %llu",
                     (unsigned long long)(first + (uint64_t)i));
  }
  return OG_OK;
}

static og_status keep_stream(og_ctx *cx, merge *g)
{
  for (;;) {
    og_batch *b;
    OG_TRY(og_db__rows_next(cx, &g->source, &b));
    if (!b) return OG_OK;
    og_status st = og_vec_add(cx, &g->batches, &b);
    if (st != OG_OK) og_batch_unref(b);
    if (st == OG_OK) st = og_vec_add(cx, &g->first, &g->n_rows);
    OG_TRY(st);
    g->n_rows += (uint64_t)b->len;
  }
}

/* ---- the table */

static og_status match_batch(og_ctx *cx, const merge *g, matching *m, const og_batch *b)
{
  OG_AUTO(og_buf) key = {0};
  const uint64_t *offsets = og_column_u64(b->columns[g->n_on]);
  for (int64_t i = 0; i < b->len; i++) {
    bool is_null;
    pair p = {.offset = offsets[i]};
    OG_TRY(key_of(cx, b->columns, g->n_on, i, &key, &is_null));
    if (!is_null && og_map_get(&m->rows, og_buf_str(&key), &p.row)) {
      og_bit_set(m->is_matched, (int64_t)p.row);
      OG_TRY(og_vec_add(cx, &m->pairs, &p));
    } else if (g->opts.delete_others) {
      OG_TRY(og_vec_add(cx, &m->others, &offsets[i]));
    }
  }
  return OG_OK;
}

static og_status match_rows(og_writer *w, const merge *g, matching *m)
{
  og_ctx *cx = w->cx;
  const og_lance_scan_opts opts = {
      .columns = m->key, .n_columns = g->n_on, .with_offset = true, .batch_rows = ROWS_AT_ONCE};
  og_lance_scan *scan;
  og_batch *b;
  OG_TRY(og_lance_scan_open(cx, w->base, &opts, &scan));
  og_status st;
  while ((st = og_lance_scan_next(cx, scan, &b)) == OG_OK && b) {
    st = match_batch(cx, g, m, b);
    og_batch_unref(b);
    if (st == OG_OK) st = og_ctx_poll(cx);
    if (st != OG_OK) break;
  }
  og_lance_scan_close(scan);
  return st;
}

/* One attempt, for those who ask whether it still fits. */
typedef struct attempt {
  const merge *g;
  const matching *m;
  const og_lance_table *base;
} attempt;

static og_status keys_came(og_ctx *cx)
{
  return og_fail(cx, OG_ECONFLICT, "rows with keys of the stream came meanwhile");
}

static og_status look_for_keys(og_ctx *cx, const attempt *a, const og_batch *b)
{
  OG_AUTO(og_buf) key = {0};
  if (a->g->opts.delete_others && b->len) return keys_came(cx);
  for (int64_t i = 0; i < b->len; i++) {
    bool is_null;
    OG_TRY(key_of(cx, b->columns, a->g->n_on, i, &key, &is_null));
    if (!is_null && og_map_get(&a->m->rows, og_buf_str(&key), NULL)) return keys_came(cx);
  }
  return OG_OK;
}

static og_status look_at_fragment(og_ctx *cx, const attempt *a, og_lance_table *newer, uint32_t i)
{
  const og_lance_scan_opts opts = {
      .columns = a->m->key, .n_columns = a->g->n_on, .batch_rows = ROWS_AT_ONCE, .from_fragment = i, .n_fragments = 1};
  og_lance_scan *scan;
  og_batch *b;
  OG_TRY(og_lance_scan_open(cx, newer, &opts, &scan));
  og_status st;
  while ((st = og_lance_scan_next(cx, scan, &b)) == OG_OK && b) {
    st = look_for_keys(cx, a, b);
    og_batch_unref(b);
    if (st != OG_OK) break;
  }
  og_lance_scan_close(scan);
  return st;
}

/* A row that came since, and has one of the keys, would have been matched. */
static og_status no_new_keys(og_ctx *cx, void *arg, og_lance_table *newer)
{
  const attempt *a = arg;
  if (!og_lance_table_same_columns(a->base, newer)) return keys_came(cx);
  for (uint32_t i = 0; i < og_lance_table_fragments(newer); i++)
    if (og_lance_table_is_new(newer, i, a->base)) OG_TRY(look_at_fragment(cx, a, newer, i));
  return OG_OK;
}

/* ---- writing */

/* Scratch for gathering: as many of each as there are rows and batches. */
typedef struct gathering {
  int64_t *picked;
  og_column **parts;
} gathering;

/* Column `from` of the stream at its rows `rows`, which ascend. */
static og_status gather(og_ctx *cx, const merge *g, uint32_t from, const uint64_t *rows, size_t n, const gathering *x,
                        og_column **out)
{
  size_t at = 0, n_parts = 0;
  og_status st = OG_OK;
  for (size_t k = 0; st == OG_OK && k < g->batches.len; k++) {
    const og_batch *b = OG_VEC_AT(&g->batches, og_batch *, k);
    const uint64_t first = OG_VEC_AT(&g->first, uint64_t, k);
    size_t m = 0;
    for (; at < n && rows[at] < first + (uint64_t)b->len; at++) x->picked[m++] = (int64_t)(rows[at] - first);
    if (m) st = og_column_take(cx, b->columns[from], x->picked, (int64_t)m, &x->parts[n_parts]);
    if (m && st == OG_OK) n_parts++;
  }
  if (st == OG_OK) st = og_column_concat(cx, x->parts, n_parts, out);
  for (size_t k = 0; k < n_parts; k++) og_column_unref(x->parts[k]);
  return st;
}

/* Column f of the table at the same rows. */
static og_status from_stream(og_ctx *cx, const merge *g, uint32_t f, const uint64_t *rows, size_t n, const gathering *x,
                             og_column **out)
{
  og_column *given;
  OG_TRY(gather(cx, g, (uint32_t)g->source.from[f], rows, n, x, &given));
  if (!og_lance_is_blob(&g->want->fields[f])) {
    *out = given;
    return OG_OK;
  }
  const og_status st = og_db__blobs_in(cx, &g->source, &g->want->fields[f], given, out);
  og_column_unref(given);
  return st;
}

/* Rows of the stream by their numbers, ascending, with the table's columns; those it lacks come from `old`, row by row,
 * or are null. */
static og_status rows_of(og_ctx *cx, const merge *g, const uint64_t *rows, size_t n, const og_batch *old,
                         og_batch **out)
{
  const uint32_t n_fields = g->want->n_fields;
  OG_AUTO(og_arena) scratch = {0};
  const gathering x = {og_arena_calloc(cx, &scratch, n + 1, sizeof *x.picked),
                       og_arena_calloc(cx, &scratch, g->batches.len + 1, sizeof *x.parts)};
  og_column **cols = og_arena_calloc(cx, &scratch, (size_t)n_fields + 1, sizeof(og_column *));
  og_status st = x.picked && x.parts && cols ? OG_OK : OG_ENOMEM;
  for (uint32_t f = 0; st == OG_OK && f < n_fields; f++) {
    const int from = g->source.from[f];
    if (from >= 0)
      st = from_stream(cx, g, f, rows, n, &x, &cols[f]);
    else if (old)
      cols[f] = og_column_ref(old->columns[f]);
    else
      st = og_column_nulls(cx, &g->want->fields[f], (int64_t)n, &cols[f]);
  }
  if (st == OG_OK) st = og_db__batch_with_blobs(cx, g->want, cols, (int64_t)n, out);
  for (uint32_t f = 0; cols && f < n_fields; f++) og_column_unref(cols[f]);
  return st;
}

static og_status insert_rows(og_writer *w, merge *g, const matching *m, og_lance_change *c)
{
  og_ctx *cx = w->cx;
  OG_AUTO(og_vec) fresh = OG_VEC_INIT(uint64_t);
  for (uint64_t i = 0; i < g->n_rows; i++)
    if (!og_bit_get(m->is_matched, (int64_t)i)) OG_TRY(og_vec_add(cx, &fresh, &i));
  for (size_t at = 0; at < fresh.len; at += ROWS_AT_ONCE) {
    const size_t n = fresh.len - at < ROWS_AT_ONCE ? fresh.len - at : ROWS_AT_ONCE;
    og_batch *b;
    OG_TRY(rows_of(cx, g, (const uint64_t *)fresh.data + at, n, NULL, &b));
    const og_status st = og_lance_change_insert(cx, c, b);
    og_batch_unref(b);
    OG_TRY(st);
  }
  g->counts.inserted = fresh.len;
  return OG_OK;
}

static int by_row(const void *a, const void *b, void *arg)
{
  const pair *x = a, *y = b;
  (void)arg;
  return x->row != y->row ? (x->row > y->row) - (x->row < y->row) : (x->offset > y->offset) - (x->offset < y->offset);
}

static og_status update_some(og_writer *w, const merge *g, const pair *pairs, size_t n, og_lance_change *c)
{
  og_ctx *cx = w->cx;
  OG_AUTO(og_arena) scratch = {0};
  uint64_t *offsets = og_arena_calloc(cx, &scratch, n, sizeof *offsets),
           *rows = og_arena_calloc(cx, &scratch, n, sizeof *rows);
  uint32_t *all;
  og_batch *old = NULL, *b = NULL;
  if (!offsets || !rows) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++) {
    offsets[i] = pairs[i].offset;
    rows[i] = pairs[i].row;
  }
  OG_TRY(og_db__all_columns(cx, w->base, &all));
  og_status st = OG_OK;
  bool is_whole = true;
  for (uint32_t f = 0; f < g->want->n_fields; f++) is_whole = is_whole && g->source.from[f] >= 0;
  if (!is_whole) st = og_lance_table_take_refs(cx, w->base, all, g->want->n_fields, offsets, n, &old);
  if (st == OG_OK) st = rows_of(cx, g, rows, n, old, &b);
  if (st == OG_OK) st = og_lance_change_update(cx, c, b, offsets, n);
  og_batch_unref(b);
  og_batch_unref(old);
  return st;
}

static og_status update_rows(og_writer *w, merge *g, matching *m, og_lance_change *c)
{
  const pair *pairs = m->pairs.data;
  OG_TRY(og_sort(w->cx, m->pairs.data, m->pairs.len, sizeof(pair), by_row, NULL));
  for (size_t at = 0; at < m->pairs.len; at += ROWS_AT_ONCE) {
    const size_t n = m->pairs.len - at < ROWS_AT_ONCE ? m->pairs.len - at : ROWS_AT_ONCE;
    OG_TRY(og_ctx_poll(w->cx));
    OG_TRY(update_some(w, g, pairs + at, n, c));
  }
  g->counts.updated = m->pairs.len;
  return OG_OK;
}

static og_status write_all(og_writer *w, merge *g, matching *m, og_lance_change *c)
{
  if (g->opts.matched == OG_MATCHED_UPDATE) OG_TRY(update_rows(w, g, m, c));
  if (!g->opts.skip_new) OG_TRY(insert_rows(w, g, m, c));
  g->counts.deleted = m->others.len;
  return og_lance_change_delete(w->cx, c, m->others.data, m->others.len);
}

static og_status match_all(og_writer *w, merge *g, matching *m)
{
  OG_TRY(og_db__rows_match(w->cx, &g->source, g->want));
  OG_TRY(find_key(w, g, m));
  m->is_matched = og_arena_zalloc(w->cx, w->cx->arena, g->n_rows / 8 + 8);
  if (!m->is_matched) return OG_ENOMEM;
  for (size_t i = 0; i < g->batches.len; i++)
    OG_TRY(put_keys(w, g, m, OG_VEC_AT(&g->batches, og_batch *, i), OG_VEC_AT(&g->first, uint64_t, i)));
  OG_TRY(match_rows(w, g, m));
  if (m->pairs.len == 0 || g->opts.matched != OG_MATCHED_FAIL) return OG_OK;
  return og_fail(w->cx, OG_EEXISTS, "the table has %zu rows with keys of the stream", m->pairs.len);
}

static og_status merge_matched(og_writer *w, merge *g, matching *m)
{
  og_lance_change *c;
  OG_TRY(match_all(w, g, m));
  OG_TRY(og_db__writer_change(w, OG_LANCE_UPDATE, &c));
  og_status st = write_all(w, g, m, c);
  if (g->counts.inserted + g->counts.updated + g->counts.deleted) {
    attempt a = {g, m, w->base};
    return og_db__writer_commit(w, c, st, no_new_keys, &a, NULL);
  }
  og_lance_change_free(w->cx, c);
  return st;
}

static og_status merge_once(og_writer *w, void *arg)
{
  merge *g = arg;
  matching m = {.pairs = OG_VEC_INIT(pair), .others = OG_VEC_INIT(uint64_t)};
  og_map_init(&m.rows, true);
  og_schema_unref(g->want);
  g->want = og_schema_ref(og_lance_table_schema(w->base)->arrow);
  g->counts = (og_merge_counts){0};
  const og_status st = merge_matched(w, g, &m);
  og_map_cleanup(&m.rows);
  og_vec_cleanup(&m.pairs);
  og_vec_cleanup(&m.others);
  return st;
}

static og_status merge_take(og_ctx *cx, merge *g, const og_merge_opts *given)
{
  og_merge_opts_init(&g->opts);
  OG_TRY(og_db__opts_take(cx, &g->opts, sizeof g->opts, given));
  g->on = g->opts.on;
  while (g->on && g->on[g->n_on]) g->n_on++;
  if (g->n_on == 0) return og_fail(cx, OG_EINVALID, "'on' must name the columns of the key");
  if (g->opts.matched <= OG_MATCHED_FAIL) return OG_OK;
  return og_fail(cx, OG_EINVALID, "matched %d, which is nothing to do", (int)g->opts.matched);
}

static og_status merge_stream(og_writer *w, merge *g)
{
  g->source.outside = w->outside;
  OG_TRY(og_db__rows_begin(w->cx, &g->source));
  OG_TRY(keep_stream(w->cx, g));
  return og_db__writer_retry(w, merge_once, g);
}

og_status og_dataset_merge(const char *uri, struct ArrowArrayStream *rows, const og_merge_opts *opts,
                           const og_write_opts *write, og_merge_counts *counts, og_error *err)
{
  og_writer w;
  merge g = {.source = {.stream = rows}, .batches = OG_VEC_INIT(og_batch *), .first = OG_VEC_INIT(uint64_t)};
  og_status st = og_db__writer_begin_on(&w, uri, write, err);
  if (st == OG_OK) st = merge_take(w.cx, &g, opts);
  if (st == OG_OK) st = merge_stream(&w, &g);
  if (st == OG_OK && counts) *counts = g.counts;
  for (size_t i = 0; i < g.batches.len; i++) og_batch_unref(OG_VEC_AT(&g.batches, og_batch *, i));
  og_vec_cleanup(&g.batches);
  og_vec_cleanup(&g.first);
  og_schema_unref(g.want);
  og_db__rows_end(&g.source);
  return og_db__writer_end(&w, st);
}
