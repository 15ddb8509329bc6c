/* SPDX-License-Identifier: MIT */
/* lance/scan.c -- rows of a version in order, those that conditions hold for. */
#include "lance/scan_impl.h"

#include "arrow/builder.h"
#include "lance/page.h"

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
  *out = (og_table__source){.ref = {&s->arrow->fields[column], columns, leaves, &t->outside, false}};
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

void og_table__refer(og_table__source *s)
{
  const og_field *f = s->ref.field;
  s->ref.refs = og_lance_is_blob(f);
  if (s->ref.refs) s->as = (og_field){.name = f->name, .type = og_type_of(OG_TYPE_BINARY), .nullable = f->nullable};
}

og_status og_table__read(og_ctx *cx, const og_table__source *s, uint64_t from, uint64_t n, const uint64_t *rows,
                         og_column **out)
{
  if (!s->file) return og_column_nulls(cx, s->ref.refs ? &s->as : s->ref.field, (int64_t)n, out);
  if (rows) return og_lance_file_take(cx, s->file, &s->ref, rows, (size_t)n, out);
  return og_lance_file_read(cx, s->file, &s->ref, from, n, out);
}

/* ---- scan */

static og_status scan_schema(og_ctx *cx, const og_lance_scan *s, og_schema **out)
{
  static const char *const names[OG_SCAN__EXTRAS] = {"_rowoffset", "_rowid", "_row_created_at_version",
                                                     "_row_last_updated_at_version"};
  uint32_t n = s->n_columns;
  og_field *fields = og_push_array(cx, n + OG_SCAN__EXTRAS, sizeof *fields);
  if (!fields) return OG_ENOMEM;
  for (uint32_t i = 0; i < s->n_columns; i++) {
    fields[i] = s->table->m.schema->arrow->fields[s->columns[i]];
    if (s->refs && og_lance_is_blob(&fields[i]))
      fields[i] =
          (og_field){.name = fields[i].name, .type = og_type_of(OG_TYPE_BINARY), .nullable = fields[i].nullable};
  }
  for (int e = 0; e < OG_SCAN__EXTRAS; e++)
    if (s->extra[e]) fields[n++] = (og_field){.name = og_str_of(names[e]), .type = og_type_of(OG_TYPE_U64)};
  return og_schema_new(cx, fields, n, NULL, 0, out);
}

/* Of a value, about; what varies is bounded by the stored bytes. */
static uint32_t decoded_bytes(const og_field *f)
{
  uint64_t n = og_type_width(f->type.id), dim = f->type.id == OG_TYPE_FIXED_LIST ? (uint64_t)f->type.size : 1;
  for (uint32_t i = 0; i < f->n_children; i++) n += decoded_bytes(&f->children[i]);
  if (og_type_is_varbin(f->type.id)) n = 16;
  return n * dim < 1u << 24 ? (uint32_t)(n * dim) : 1u << 24;
}

static bool has_fixed_size(const og_field *f)
{
  const og_type_id id = f->type.id;
  if (og_type_is_varbin(id) || id == OG_TYPE_LIST || id == OG_TYPE_LARGE_LIST) return false;
  for (uint32_t i = 0; i < f->n_children; i++)
    if (!has_fixed_size(&f->children[i])) return false;
  return true;
}

static og_status scan_columns(og_ctx *cx, og_lance_scan *s, const og_lance_scan_opts *o)
{
  const uint32_t n = o->n_columns + o->n_where;
  s->columns = og_calloc(cx, n + 1, sizeof *s->columns);
  s->where = og_calloc(cx, o->n_where + 1, sizeof *s->where);
  if (!s->columns || !s->where) return OG_ENOMEM;
  s->n_columns = o->n_columns;
  s->n_where = o->n_where;
  if (o->n_columns) memcpy(s->columns, o->columns, o->n_columns * sizeof *s->columns);
  for (uint32_t i = 0; i < o->n_where; i++) {
    s->where[i] = o->where[i];
    s->columns[o->n_columns + i] = o->where[i].column;
  }
  s->row_bytes = 1;
  for (uint32_t i = 0; i < n; i++) {
    OG_ASSERT(s->columns[i] < s->table->m.schema->arrow->n_fields);
    s->row_bytes += decoded_bytes(&s->table->m.schema->arrow->fields[s->columns[i]]);
    if (i < o->n_columns && og_lance_is_blob(&s->table->m.schema->arrow->fields[s->columns[i]])) s->blobs = true;
    s->varies = s->varies || !has_fixed_size(&s->table->m.schema->arrow->fields[s->columns[i]]);
  }
  return OG_OK;
}

static og_status scan_init(og_ctx *cx, og_lance_scan *s, const og_lance_scan_opts *o)
{
  OG_TRY(scan_columns(cx, s, o));
  s->batch_rows = o->batch_rows ? o->batch_rows : 2048;
  s->extra[OG_SCAN__OFFSET] = o->with_offset;
  s->extra[OG_SCAN__ID] = o->with_row_id;
  s->extra[OG_SCAN__CREATED] = o->with_created;
  s->extra[OG_SCAN__UPDATED] = o->with_updated;
  s->fragment = o->from_fragment;
  s->end_fragment = o->n_fragments ? o->from_fragment + o->n_fragments : s->table->m.n_fragments;
  s->refs = o->blob_refs;
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

void og_lance_scan_close(og_lance_scan *s)
{
  if (!s) return;
  og_scan__drop(s);
  for (uint32_t i = 0; i < s->cap_windows; i++) og_free(s->windows[i].cols);
  og_free(s->windows);
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

/* ---- what goes out */

static og_status extra_column(og_ctx *cx, og_lance_scan *s, int which, uint32_t n, og_column **out)
{
  const og_scan__window *w = &s->windows[s->at];
  const og_fragment_state *q = NULL;
  if (which != OG_SCAN__OFFSET) OG_TRY(og_table__sequences(cx, s->table, s->fragment, &q));
  uint64_t *v = og_calloc(cx, n + 1, sizeof *v);
  if (!v) return OG_ENOMEM;
  for (uint32_t i = 0; i < n; i++) {
    const uint64_t row = w->from + (w->sel ? w->sel[s->next + i] : s->next + i);
    v[i] = which == OG_SCAN__OFFSET    ? s->table->first[s->fragment] + row
           : which == OG_SCAN__ID      ? og_rowids_get(&q->ids, row)
           : which == OG_SCAN__CREATED ? og_version_runs_get(&q->created, row)
                                       : og_version_runs_get(&q->updated, row);
  }
  og_status st = og_column_from_fixed(cx, og_type_of(OG_TYPE_U64), v, NULL, (int64_t)n, out);
  og_free(v);
  return st;
}

static og_status next_batch(og_ctx *cx, og_lance_scan *s, og_batch **out)
{
  const uint32_t total = s->schema->n_fields, left = s->windows[s->at].n_sel - s->next;
  const uint32_t n = left < s->batch_rows ? left : s->batch_rows;
  uint32_t at = 0;
  og_column **cols = og_calloc(cx, total + 1, sizeof(og_column *));
  if (!cols) return OG_ENOMEM;
  og_status st = OG_OK;
  for (; st == OG_OK && at < s->n_columns; at++)
    st = og_column_slice(cx, s->windows[s->at].cols[at], s->next, n, &cols[at]);
  for (int e = 0; st == OG_OK && e < OG_SCAN__EXTRAS; e++)
    if (s->extra[e]) st = extra_column(cx, s, e, n, &cols[at++]);
  if (st == OG_OK) st = og_batch_new(cx, s->schema, cols, total, (int64_t)n, out);
  for (uint32_t i = 0; i < total; i++) og_column_unref(cols[i]);
  og_free(cols);
  s->next += n;
  return st;
}

static void next_fragment(og_lance_scan *s)
{
  og_scan__drop(s);
  s->fragment++;
  s->row = 0;
  s->sources = NULL;
  og_arena_reset(&s->located);
}

/* Moves on to the next of the only rows, at most to the end of the fragment. */
static void seek(og_lance_scan *s)
{
  const uint64_t first = s->table->first[s->fragment], rows = s->table->m.fragments[s->fragment].rows;
  while (s->at_only < s->n_only && s->only[s->at_only] < first + s->row) s->at_only++;
  const uint64_t to = s->at_only < s->n_only ? s->only[s->at_only] - first : rows;
  s->row = to < rows ? to : rows;
}

/* Moves on to a window with rows that did not go out yet, among those loaded. */
static bool find_rows(og_lance_scan *s)
{
  while (s->at < s->n_windows && s->next == s->windows[s->at].n_sel) {
    s->at++;
    s->next = 0;
  }
  return s->at < s->n_windows;
}

og_status og_lance_scan_next(og_ctx *cx, og_lance_scan *s, og_batch **out)
{
  *out = NULL;
  OG_TRY(og_ctx_poll(cx));
  while (!find_rows(s)) {
    if (s->fragment >= s->end_fragment) return OG_OK;
    if (s->only) seek(s);
    if (s->row == s->table->m.fragments[s->fragment].rows) {
      next_fragment(s);
      continue;
    }
    OG_TRY(og_ctx_poll(cx));
    OG_TRY_NOTE(cx, og_scan__load(cx, s), "while scanning '" OG_STR_FMT "'", OG_STR_ARG(s->table->at.root));
  }
  OG_TRY_NOTE(cx, next_batch(cx, s, out), "while scanning '" OG_STR_FMT "'", OG_STR_ARG(s->table->at.root));
  return OG_OK;
}

og_status og_lance_scan_count(og_ctx *cx, og_lance_scan *s, uint64_t *rows)
{
  OG_INVARIANT(s->n_columns == 0);
  s->counts = true;
  *rows = 0;
  for (; s->fragment < s->end_fragment; next_fragment(s))
    while (s->row < s->table->m.fragments[s->fragment].rows) {
      OG_TRY(og_ctx_poll(cx));
      if (s->only) seek(s);
      if (s->row == s->table->m.fragments[s->fragment].rows) break;
      OG_TRY_NOTE(cx, og_scan__load(cx, s), "while counting rows of '" OG_STR_FMT "'", OG_STR_ARG(s->table->at.root));
      for (uint32_t i = 0; i < s->n_windows; i++) *rows += s->windows[i].n_sel;
    }
  return OG_OK;
}
