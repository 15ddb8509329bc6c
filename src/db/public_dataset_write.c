/* SPDX-License-Identifier: MIT */
/* db/public_dataset_write.c -- Lance tables in the C API: rows that come, go, and change. */
#include "db/public_writer.h"

/* ---- og_dataset_write */

static og_status check_mode(const og_writer *w)
{
  switch (w->opts.mode) {
  case OG_WRITE_CREATE:
    if (!w->base) return OG_OK;
    return og_fail(w->cx, OG_EEXISTS, "there is a table at '" OG_STR_FMT "'", OG_STR_ARG(w->uri));
  case OG_WRITE_APPEND:
  case OG_WRITE_OVERWRITE: return og_db__writer_need_base(w);
  }
  return og_fail(w->cx, OG_EINVALID, "a write of mode %d, which is none", (int)w->opts.mode);
}

static og_status new_table(og_writer *w, const og_rows_in *s, og_lance_schema **schema, og_lance_change **out)
{
  const unsigned minor = w->opts.file_minor ? w->opts.file_minor : 2;
  og_lance_change_opts opts;
  if (minor != 1 && minor != 2)
    return og_fail(w->cx, OG_EINVALID, "file version 2.%u is not written; 2.1 and 2.2 are", minor);
  OG_TRY(og_db__writer_opts(w, OG_LANCE_OVERWRITE, &opts));
  opts.no_row_ids = w->opts.no_row_ids;
  og_schema *columns;
  OG_TRY(og_db__blob_schema(w->cx, s->schema, s->given != NULL, &columns));
  const og_status st = og_lance_schema_new(w->cx, columns, schema);
  og_schema_unref(columns);
  OG_TRY(st);
  return og_lance_change_create(w->cx, &w->at, *schema, (og_lance_version){2, (uint16_t)minor}, &opts, out);
}

static og_status insert_batch(og_ctx *cx, const og_rows_in *s, const og_batch *b, og_lance_change *c)
{
  og_batch *rows;
  OG_TRY(og_db__rows_fit(cx, s, b, &rows));
  const og_status st = og_lance_change_insert(cx, c, rows);
  og_batch_unref(rows);
  return st;
}

/* Batches until there are more rows than a fold is for, or no more. */
static og_status look_ahead(og_ctx *cx, og_rows_in *s, og_vec *batches, uint64_t *rows)
{
  for (*rows = 0; *rows < OG_DB__FOLD_ROWS;) {
    og_batch *b;
    OG_TRY(og_db__rows_next(cx, s, &b));
    if (!b) return OG_OK;
    const og_status st = og_vec_add(cx, batches, &b);
    if (st != OG_OK) og_batch_unref(b);
    OG_TRY(st);
    *rows += (uint64_t)b->len;
  }
  return OG_OK;
}

static og_status insert_rest(og_ctx *cx, og_rows_in *s, og_lance_change *c)
{
  for (;;) {
    og_batch *b;
    OG_TRY(og_db__rows_next(cx, s, &b));
    if (!b) return OG_OK;
    const og_status st = insert_batch(cx, s, b, c);
    og_batch_unref(b);
    OG_TRY(st);
  }
}

/* Small fragments that are folded come first, so that rows stay in the order in which they were appended. */
static og_status insert_all(og_ctx *cx, og_rows_in *s, bool fold, og_lance_change *c)
{
  OG_AUTO(og_vec) first = OG_VEC_INIT(og_batch *);
  uint64_t rows;
  og_status st = look_ahead(cx, s, &first, &rows);
  if (st == OG_OK && fold && rows) st = og_lance_change_fold(cx, c, rows);
  for (size_t i = 0; i < first.len; i++) {
    if (st == OG_OK) st = insert_batch(cx, s, OG_VEC_AT(&first, og_batch *, i), c);
    og_batch_unref(OG_VEC_AT(&first, og_batch *, i));
  }
  return st == OG_OK ? insert_rest(cx, s, c) : st;
}

og_status og_db__write_begin(og_writer *w, og_rows_in *s, og_lance_schema **own, og_lance_change **out)
{
  OG_TRY(check_mode(w));
  if (w->opts.mode == OG_WRITE_CREATE) {
    OG_TRY(new_table(w, s, own, out));
    return og_db__rows_match(w->cx, s, (*own)->arrow);
  }
  OG_TRY(og_db__writer_change(w, w->opts.mode == OG_WRITE_APPEND ? OG_LANCE_APPEND : OG_LANCE_OVERWRITE, out));
  return og_db__rows_match(w->cx, s, og_lance_table_schema(w->base)->arrow);
}

static og_status write_rows(og_writer *w, og_rows_in *s, uint64_t *version)
{
  og_lance_schema *own = NULL;
  og_lance_change *c = NULL;
  s->outside = w->outside;
  OG_TRY(og_db__rows_begin(w->cx, s));
  og_status st = og_db__write_begin(w, s, &own, &c);
  if (st == OG_OK) st = insert_all(w->cx, s, w->opts.mode == OG_WRITE_APPEND, c);
  st = og_db__writer_commit(w, c, st, NULL, NULL, version);
  og_lance_schema_unref(own);
  return st;
}

og_status og_dataset_write(const char *uri, struct ArrowArrayStream *rows, const og_write_opts *opts, uint64_t *version,
                           og_error *err)
{
  og_writer w;
  og_rows_in s = {.stream = rows};
  og_status st = og_db__writer_begin(&w, uri, opts, err);
  if (st == OG_OK) st = write_rows(&w, &s, version);
  og_db__rows_end(&s);
  return og_db__writer_end(&w, st);
}

/* ---- rows by conditions */

typedef struct by_condition {
  const og_condition *where;
  size_t n;
  const og_assignment *set; /* of an update */
  size_t n_set;
  uint64_t found;
  /* of an attempt */
  const og_lance_table *base;
  const og_lance_condition *conditions;
} by_condition;

/* A row that came since, and for which the conditions hold, would have been found. */
static og_status nothing_new_matches(og_ctx *cx, void *arg, og_lance_table *newer)
{
  const by_condition *a = arg;
  bool fits = og_lance_table_same_columns(a->base, newer);
  for (uint32_t i = 0; fits && i < og_lance_table_fragments(newer); i++) {
    const og_lance_scan_opts opts = {
        .where = a->conditions, .n_where = (uint32_t)a->n, .from_fragment = i, .n_fragments = 1};
    uint64_t n = 0;
    og_lance_scan *scan;
    if (!og_lance_table_is_new(newer, i, a->base)) continue;
    OG_TRY(og_lance_scan_open(cx, newer, &opts, &scan));
    const og_status st = og_lance_scan_count(cx, scan, &n);
    og_lance_scan_close(scan);
    OG_TRY(st);
    fits = n == 0;
  }
  return fits ? OG_OK : og_fail(cx, OG_ECONFLICT, "rows that this write is about came meanwhile");
}

/* Dense offsets of the rows for which all conditions hold, appended to `out` (uint64_t). */
static og_status find_rows(og_writer *w, by_condition *a, og_vec *out)
{
  og_ctx *cx = w->cx;
  og_lance_scan_opts opts = {.with_offset = true, .n_where = (uint32_t)a->n, .batch_rows = 65536};
  og_lance_scan *scan;
  og_batch *b;
  OG_TRY(og_db__conditions(cx, w->base, a->where, a->n, &opts.where));
  a->base = w->base;
  a->conditions = opts.where;
  OG_TRY(og_lance_scan_open(cx, w->base, &opts, &scan));
  og_status st;
  while ((st = og_lance_scan_next(cx, scan, &b)) == OG_OK && b) {
    for (int64_t i = 0; st == OG_OK && i < b->len; i++) st = og_vec_add(cx, out, &og_column_u64(b->columns[0])[i]);
    og_batch_unref(b);
    if (st != OG_OK) break;
  }
  og_lance_scan_close(scan);
  a->found = out->len;
  return st;
}

/* ---- og_dataset_delete */

static og_status delete_once(og_writer *w, void *arg)
{
  by_condition *d = arg;
  OG_AUTO(og_vec) offsets = OG_VEC_INIT(uint64_t);
  og_lance_change *c;
  OG_TRY(find_rows(w, d, &offsets));
  if (offsets.len == 0) return OG_OK;
  OG_TRY(og_db__writer_change(w, OG_LANCE_DELETE, &c));
  og_status st = og_lance_change_delete(w->cx, c, offsets.data, offsets.len);
  return og_db__writer_commit(w, c, st, nothing_new_matches, d, NULL);
}

og_status og_dataset_delete(const char *uri, const og_condition *where, size_t count, const og_write_opts *opts,
                            uint64_t *deleted, og_error *err)
{
  og_writer w;
  by_condition d = {.where = where, .n = count};
  og_status st = og_db__writer_begin_on(&w, uri, opts, err);
  if (st == OG_OK) st = og_db__writer_retry(&w, delete_once, &d);
  if (st == OG_OK && deleted) *deleted = d.found;
  return og_db__writer_end(&w, st);
}

/* ---- og_dataset_update */

#define UPDATE_ROWS 65536 /* taken and written at a time */

typedef struct update {
  uint32_t *columns; /* all of the table */
  og_column **one;   /* per column: its new value, one row; NULL: stays */
  int64_t *zeros;    /* UPDATE_ROWS of them */
  og_lance_change *c;
} update;

static og_status update_some(og_writer *w, const update *u, const uint64_t *offsets, size_t n)
{
  og_ctx *cx = w->cx;
  og_schema *schema = og_lance_table_schema(w->base)->arrow;
  og_batch *old = NULL, *rows = NULL;
  og_column **cols = og_calloc(cx, (size_t)schema->n_fields + 1, sizeof(og_column *));
  og_status st = cols ? og_lance_table_take_refs(cx, w->base, u->columns, schema->n_fields, offsets, n, &old)
                      : OG_ENOMEM;
  for (uint32_t i = 0; st == OG_OK && i < schema->n_fields; i++) {
    if (u->one[i])
      st = og_column_take(cx, u->one[i], u->zeros, (int64_t)n, &cols[i]);
    else
      cols[i] = og_column_ref(old->columns[i]);
  }
  if (st == OG_OK) st = og_db__batch_with_blobs(cx, schema, cols, (int64_t)n, &rows);
  if (st == OG_OK) st = og_lance_change_update(cx, u->c, rows, offsets, n);
  og_batch_unref(rows);
  og_batch_unref(old);
  for (uint32_t i = 0; cols && i < schema->n_fields; i++) og_column_unref(cols[i]);
  og_free(cols);
  return st;
}

static og_status set_values(og_writer *w, const by_condition *a, update *u)
{
  const og_lance_schema *s = og_lance_table_schema(w->base);
  for (size_t i = 0; i < a->n_set; i++) {
    uint32_t column;
    OG_TRY(og_db__column_need(w->cx, w->base, a->set[i].column, &column));
    if (u->one[column]) return og_fail(w->cx, OG_EINVALID, "column '%s' is set twice", a->set[i].column);
    OG_TRY(og_db__constant(w->cx, &s->arrow->fields[column], a->set[i].value, &u->one[column]));
  }
  return OG_OK;
}

static og_status update_rows(og_writer *w, by_condition *a, update *u, const og_vec *offsets)
{
  OG_TRY(set_values(w, a, u));
  if (offsets->len == 0) return OG_OK;
  OG_TRY(og_db__writer_change(w, OG_LANCE_UPDATE, &u->c));
  og_status st = OG_OK;
  for (size_t at = 0; st == OG_OK && at < offsets->len; at += UPDATE_ROWS) {
    const size_t n = offsets->len - at < UPDATE_ROWS ? offsets->len - at : UPDATE_ROWS;
    st = og_ctx_poll(w->cx);
    if (st == OG_OK) st = update_some(w, u, (const uint64_t *)offsets->data + at, n);
  }
  return og_db__writer_commit(w, u->c, st, nothing_new_matches, a, NULL);
}

static og_status update_once(og_writer *w, void *arg)
{
  by_condition *a = arg;
  OG_AUTO(og_vec) offsets = OG_VEC_INIT(uint64_t);
  const uint32_t n = og_lance_table_schema(w->base)->arrow->n_fields;
  update u = {.one = og_push_array(w->cx, (size_t)n + 1, sizeof(og_column *)),
              .zeros = og_push_array(w->cx, UPDATE_ROWS, sizeof(int64_t))};
  if (!u.one || !u.zeros) return OG_ENOMEM;
  OG_TRY(og_db__all_columns(w->cx, w->base, &u.columns));
  OG_TRY(find_rows(w, a, &offsets));
  og_status st = update_rows(w, a, &u, &offsets);
  for (uint32_t i = 0; i < n; i++) og_column_unref(u.one[i]);
  return st;
}

og_status og_dataset_update(const char *uri, const og_condition *where, size_t count, const og_assignment *set,
                            size_t set_count, const og_write_opts *opts, uint64_t *updated, og_error *err)
{
  og_writer w;
  by_condition a = {.where = where, .n = count, .set = set, .n_set = set_count};
  og_status st = og_db__writer_begin_on(&w, uri, opts, err);
  if (st == OG_OK && (!set || set_count == 0)) st = og_fail(w.cx, OG_EINVALID, "'set' must be given, it is not");
  if (st == OG_OK) st = og_db__writer_retry(&w, update_once, &a);
  if (st == OG_OK && updated) *updated = a.found;
  return og_db__writer_end(&w, st);
}
