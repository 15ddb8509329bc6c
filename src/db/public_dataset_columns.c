/* SPDX-License-Identifier: MIT */
/* db/public_dataset_columns.c -- Lance tables in the C API: columns. */
#include "arrow/c_data.h"
#include "db/public_writer.h"

/* ---- og_dataset_add_columns */

static og_status add_all(og_ctx *cx, og_rows_in *s, og_lance_change *c)
{
  for (;;) {
    og_batch *b;
    OG_TRY(og_db__rows_next(cx, s, &b));
    if (!b) return OG_OK;
    og_batch *fit = NULL;
    og_status st = og_db__rows_fit(cx, s, b, &fit);
    if (st == OG_OK) st = og_lance_change_add_values(cx, c, fit);
    og_batch_unref(fit);
    og_batch_unref(b);
    OG_TRY(st);
  }
}

/* From now on the base is the version that the values belong to. */
static og_status go_to(og_writer *w, uint64_t version)
{
  og_lance_table *t;
  if (version == 0 || version == og_lance_table_version(w->base)) return OG_OK;
  OG_TRY(og_lance_table_open(w->cx, &w->at, version, OG_STR_NONE, &t));
  og_lance_table_unref(w->base);
  w->base = t;
  return OG_OK;
}

static og_status add_columns(og_writer *w, og_rows_in *s, uint64_t of, uint64_t *version)
{
  og_lance_change *c;
  og_schema *columns = NULL;
  s->outside = w->outside;
  OG_TRY(go_to(w, of));
  OG_TRY(og_db__rows_begin(w->cx, s));
  OG_TRY(og_db__writer_change(w, OG_LANCE_MERGE, &c));
  og_status st = og_db__blob_schema(w->cx, s->schema, false, &columns);
  if (st == OG_OK) st = og_db__rows_match(w->cx, s, columns);
  if (st == OG_OK) st = og_lance_change_add_columns(w->cx, c, columns);
  if (st == OG_OK) st = add_all(w->cx, s, c);
  st = og_db__writer_commit(w, c, st, NULL, NULL, version);
  og_schema_unref(columns);
  return st;
}

og_status og_dataset_add_columns(const char *uri, struct ArrowArrayStream *values, uint64_t of,
                                 const og_write_opts *opts, uint64_t *version, og_error *err)
{
  og_writer w;
  og_rows_in s = {.stream = values};
  og_status st = og_db__writer_begin_on(&w, uri, opts, err);
  if (st == OG_OK) st = add_columns(&w, &s, of, version);
  og_db__rows_end(&s);
  return og_db__writer_end(&w, st);
}

/* ---- og_dataset_add_null_columns */

typedef struct altered {
  og_schema *added;
  const char *const *dropped;
  const char *renamed, *name;
  uint64_t version;
} altered;

static og_status add_nulls_once(og_writer *w, void *arg)
{
  altered *a = arg;
  og_lance_change *c;
  OG_TRY(og_db__writer_change(w, OG_LANCE_MERGE, &c));
  return og_db__writer_commit(w, c, og_lance_change_add_columns(w->cx, c, a->added), NULL, NULL, &a->version);
}

static og_status add_nulls(og_writer *w, struct ArrowSchema *columns, altered *a)
{
  if (!columns || !columns->release) return og_fail(w->cx, OG_EINVALID, "'columns' must be given, it is not");
  og_schema *given;
  OG_TRY(og_arrow_import_schema(w->cx, columns, &given));
  const og_status st = og_db__blob_schema(w->cx, given, false, &a->added);
  og_schema_unref(given);
  OG_TRY(st);
  return og_db__writer_retry(w, add_nulls_once, a);
}

og_status og_dataset_add_null_columns(const char *uri, struct ArrowSchema *columns, const og_write_opts *opts,
                                      uint64_t *version, og_error *err)
{
  og_writer w;
  altered a = {0};
  og_status st = og_db__writer_begin_on(&w, uri, opts, err);
  if (st == OG_OK) st = add_nulls(&w, columns, &a);
  if (st == OG_OK && version) *version = a.version;
  if (columns && columns->release) columns->release(columns);
  og_schema_unref(a.added);
  return og_db__writer_end(&w, st);
}

/* ---- og_dataset_drop_columns, og_dataset_rename_column */

static og_status drop_all(og_writer *w, const altered *a, og_lance_change *c)
{
  for (size_t i = 0; a->dropped[i]; i++) {
    uint32_t column;
    OG_TRY(og_db__column_need(w->cx, w->base, a->dropped[i], &column));
    OG_TRY(og_lance_change_drop_column(w->cx, c, column));
  }
  return OG_OK;
}

static og_status drop_once(og_writer *w, void *arg)
{
  altered *a = arg;
  og_lance_change *c;
  OG_TRY(og_db__writer_change(w, OG_LANCE_PROJECT, &c));
  return og_db__writer_commit(w, c, drop_all(w, a, c), NULL, NULL, &a->version);
}

og_status og_dataset_drop_columns(const char *uri, const char *const *columns, const og_write_opts *opts,
                                  uint64_t *version, og_error *err)
{
  og_writer w;
  altered a = {.dropped = columns};
  og_status st = og_db__writer_begin_on(&w, uri, opts, err);
  if (st == OG_OK && (!columns || !columns[0])) st = og_fail(w.cx, OG_EINVALID, "'columns' must be given, it is not");
  if (st == OG_OK) st = og_db__writer_retry(&w, drop_once, &a);
  if (st == OG_OK && version) *version = a.version;
  return og_db__writer_end(&w, st);
}

static og_status rename_it(og_writer *w, const altered *a, og_lance_change *c)
{
  uint32_t column;
  og_str name;
  OG_TRY(og_db__column_need(w->cx, w->base, a->renamed, &column));
  OG_TRY(og_db__text_need(w->cx, a->name, "name", &name));
  return og_lance_change_rename_column(w->cx, c, column, name);
}

static og_status rename_once(og_writer *w, void *arg)
{
  altered *a = arg;
  og_lance_change *c;
  OG_TRY(og_db__writer_change(w, OG_LANCE_PROJECT, &c));
  return og_db__writer_commit(w, c, rename_it(w, a, c), NULL, NULL, &a->version);
}

og_status og_dataset_rename_column(const char *uri, const char *column, const char *name, const og_write_opts *opts,
                                   uint64_t *version, og_error *err)
{
  og_writer w;
  altered a = {.renamed = column, .name = name};
  og_status st = og_db__writer_begin_on(&w, uri, opts, err);
  if (st == OG_OK) st = og_db__writer_retry(&w, rename_once, &a);
  if (st == OG_OK && version) *version = a.version;
  return og_db__writer_end(&w, st);
}
