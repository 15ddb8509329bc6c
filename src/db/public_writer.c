/* SPDX-License-Identifier: MIT */
/* db/public_writer.c -- what all functions of lance.h that write share: a writer, and rows of a stream.
 *
 *  (1) What is written is one og_lance_change, committed by og_lance_commit; nothing here decides a race.
 *  (2) What depends on the rows that are there (which ones to delete, which keys to find) is done again from the start
 *      when somebody else was faster.
 */
#include "db/public_writer.h"
#include "arrow/c_data.h"
#include "base/env.h"
#include "base/pool.h"
#include "base/ulid.h"

void og_write_opts_init(og_write_opts *opts)
{
  *opts = (og_write_opts){.size = sizeof *opts};
}

/* ---- a writer */

og_status og_db__writer_reopen(og_writer *w)
{
  og_ctx *cx = w->cx;
  uint64_t newest;
  og_str key;
  og_lance_table_unref(w->base);
  w->base = NULL;
  OG_TRY(og_lance_newest_version(cx, &w->at, &newest));
  if (newest == 0) return OG_OK;
  OG_TRY(og_lance_manifest_key(cx, &w->at, newest, &key));
  OG_TRY(og_store_sync_seen(cx, w->at.store, key));
  return og_lance_table_open(cx, &w->at, newest, OG_STR_NONE, &w->base);
}

static og_status begin(og_writer *w, const char *uri, const og_write_opts *given)
{
  og_ctx *cx = w->cx;
  og_str branch;
  OG_TRY(og_db__opts_take(cx, &w->opts, sizeof w->opts, given));
  OG_TRY(og_db__dataset_new(cx, w->opts.memory_limit, &w->world));
  OG_TRY(og_db__text_need(cx, uri, "uri", &w->uri));
  OG_TRY(og_db__text_take(cx, w->opts.branch, "branch", &branch));
  OG_TRY(og_db__dataset_enter(&w->call, w->world, w->opts.timeout_ms, w->opts.cancel));
  if (w->opts.threads != 1) OG_TRY(og_pool_new(cx, w->opts.threads, &w->world->rt.pool));
  OG_TRY(og_db__outside_take(cx, w->opts.blob_folders, &w->outside));
  OG_TRY(og_lance_place_open(cx, w->uri, branch, false, &w->at));
  return og_db__writer_reopen(w);
}

og_status og_db__writer_begin(og_writer *w, const char *uri, const og_write_opts *opts, og_error *err)
{
  *w = (og_writer){0};
  w->cx = og_db__call_bare(&w->call, &w->none.mem, &w->none, err);
  og_write_opts_init(&w->opts);
  return begin(w, uri, opts);
}

og_status og_db__writer_begin_on(og_writer *w, const char *uri, const og_write_opts *opts, og_error *err)
{
  OG_TRY(og_db__writer_begin(w, uri, opts, err));
  if (w->opts.mode != OG_WRITE_CREATE || w->opts.file_minor || w->opts.no_row_ids)
    return og_fail(w->cx, OG_EINVALID, "'mode', 'file_minor' and 'no_row_ids' are about og_dataset_write");
  return og_db__writer_need_base(w);
}

og_status og_db__writer_end(og_writer *w, og_status st)
{
  og_lance_table_unref(w->base);
  og_lance_outside_free(w->outside);
  og_store_unref(w->at.store);
  st = og_db__call_end(&w->call, st);
  og_db__dataset_unref(w->world);
  return st;
}

og_status og_db__writer_need_base(const og_writer *w)
{
  if (w->base) return OG_OK;
  return og_fail(w->cx, OG_ENOTFOUND, "no Lance table at '" OG_STR_FMT "': it has no _versions", OG_STR_ARG(w->uri));
}

static og_status see_any(og_ctx *cx, void *arg, og_str key, uint64_t size)
{
  (void)cx;
  (void)key;
  (void)size;
  *(bool *)arg = true;
  return OG_LIST_STOP;
}

/* A graph lies two folders above its tables. */
og_status og_db__writer_refuse_graph(og_writer *w)
{
  og_str folder = og_store_root(w->at.store);
  const size_t slash = og_str_rfind_byte(folder, '/');
  og_store *above;
  bool found = false;
  if (slash == SIZE_MAX || slash == 0) return OG_OK;
  folder = og_str_sub(folder, 0, slash);
  OG_TRY(og_store_open(w->cx, folder, true, &above));
  const og_status st = og_store_list(w->cx, above, OG_STR("__manifest/_versions/"), OG_STR_NONE, see_any, &found);
  og_store_unref(above);
  OG_TRY(st);
  if (!found) return OG_OK;
  return og_fail(w->cx, OG_EINVALID,
                 "'" OG_STR_FMT "' is a table of the graph '" OG_STR_FMT
                 "', whose commits need its versions: nothing of it is deleted here",
                 OG_STR_ARG(w->uri), OG_STR_ARG(folder));
}

og_status og_db__writer_opts(og_writer *w, og_lance_op op, og_lance_change_opts *out)
{
  og_ulid_gen ids = {0};
  og_ulid id;
  char text[OG_ULID_LEN];
  og_ctx *cx = w->cx;
  OG_TRY(og_ulid_next(cx, &ids, NULL, &id));
  og_ulid_format(&id, text);
  *out = (og_lance_change_opts){.op = op, .blobs_beside = true};
  OG_TRY(og_arena_str(cx, cx->arena, og_str_from(text, sizeof text), &out->attempt));
  return og_arena_printf(cx, cx->arena, &out->tx_uuid, "omnigraph-%.26s", text);
}

og_status og_db__writer_change(og_writer *w, og_lance_op op, og_lance_change **out)
{
  og_lance_change_opts opts;
  OG_TRY(og_db__writer_opts(w, op, &opts));
  if (op == OG_LANCE_APPEND) opts.fold_rows = OG_DB__FOLD_ROWS; /* rows of few are gathered as they come */
  return og_lance_change_new(w->cx, &w->at, w->base, &opts, out);
}

og_status og_db__writer_commit(og_writer *w, og_lance_change *c, og_status st, og_lance_fits_fn fits, void *arg,
                               uint64_t *version)
{
  if (st == OG_OK) st = og_lance_commit(w->cx, c, true, fits, arg);
  if (st == OG_OK && version) *version = og_lance_change_version(c);
  og_lance_change_free(w->cx, c);
  return st;
}

og_status og_db__writer_retry(og_writer *w, og_attempt_fn fn, void *arg)
{
  for (unsigned i = 0;; i++) {
    const og_status st = fn(w, arg);
    if (st != OG_ECONFLICT || i == OG_LIMIT_REEXECUTIONS) return st;
    og_error_clear(w->cx);
    OG_TRY(og_ctx_poll(w->cx));
    OG_TRY(og_db__writer_reopen(w));
    OG_TRY(og_db__writer_need_base(w));
  }
}

og_status og_db__column_need(og_ctx *cx, const og_lance_table *t, const char *name, uint32_t *out)
{
  og_str wanted;
  OG_TRY(og_db__text_need(cx, name, "a column's name", &wanted));
  const og_schema *s = og_lance_table_schema(t)->arrow;
  for (uint32_t i = 0; i < s->n_fields; i++) {
    *out = i;
    if (og_str_eq(s->fields[i].name, wanted)) return OG_OK;
  }
  return og_fail(cx, OG_EINVALID, "the table has no column '%s'", name);
}

og_status og_db__all_columns(og_ctx *cx, const og_lance_table *t, uint32_t **out)
{
  const uint32_t n = og_lance_table_schema(t)->arrow->n_fields;
  *out = og_push_array(cx, (size_t)n + 1, sizeof **out);
  if (!*out) return OG_ENOMEM;
  for (uint32_t i = 0; i < n; i++) (*out)[i] = i;
  return OG_OK;
}

/* ---- rows of a stream */

static og_status stream_failed(og_ctx *cx, struct ArrowArrayStream *s, int error)
{
  const char *text = s->get_last_error(s);
  return og_fail(cx, OG_EINVALID, "the stream of rows failed with error %d%s%s", error, text ? ": " : "",
                 text ? text : "");
}

og_status og_db__rows_begin(og_ctx *cx, og_rows_in *s)
{
  if (!s->stream || !s->stream->release) return og_fail(cx, OG_EINVALID, "'rows' must be given, it is not");
  struct ArrowSchema schema;
  const int error = s->stream->get_schema(s->stream, &schema);
  if (error) return stream_failed(cx, s->stream, error);
  return og_arrow_import_schema(cx, &schema, &s->schema);
}

static int field_named(const og_schema *s, og_str name)
{
  for (uint32_t i = 0; i < s->n_fields; i++)
    if (og_str_eq(s->fields[i].name, name)) return (int)i;
  return -1;
}

static og_status check_field(og_ctx *cx, const og_field *have, const og_field *want)
{
  if (!og_type_eq(have->type, want->type) || have->n_children != want->n_children)
    return og_fail(cx, OG_EINVALID, "column '" OG_STR_FMT "' is %s, the table's is %s", OG_STR_ARG(want->name),
                   og_type_name(have->type), og_type_name(want->type));
  for (uint32_t i = 0; i < want->n_children; i++) {
    if (want->type.id == OG_TYPE_STRUCT && !og_str_eq(have->children[i].name, want->children[i].name))
      return og_fail(cx, OG_EINVALID,
                     "column '" OG_STR_FMT "' has a member '" OG_STR_FMT "', the table's '" OG_STR_FMT "'",
                     OG_STR_ARG(want->name), OG_STR_ARG(have->children[i].name), OG_STR_ARG(want->children[i].name));
    OG_TRY(check_field(cx, &have->children[i], &want->children[i]));
  }
  return OG_OK;
}

og_status og_db__rows_match(og_ctx *cx, og_rows_in *s, og_schema *want)
{
  uint32_t found = 0;
  s->want = want;
  s->from = og_push_array(cx, (size_t)want->n_fields + 1, sizeof *s->from);
  if (!s->from) return OG_ENOMEM;
  for (uint32_t i = 0; i < want->n_fields; i++) {
    const og_field *f = &want->fields[i];
    s->from[i] = field_named(s->schema, f->name);
    if (s->from[i] < 0 && !f->nullable)
      return og_fail(cx, OG_EINVALID, "column '" OG_STR_FMT "' is missing, and may not be null", OG_STR_ARG(f->name));
    if (s->from[i] < 0) continue;
    if (!og_lance_is_blob(f) || !og_db__is_blob_form(&s->schema->fields[s->from[i]], s->given != NULL))
      OG_TRY(check_field(cx, &s->schema->fields[s->from[i]], f));
    found++;
  }
  for (uint32_t i = 0; i < s->schema->n_fields && found < s->schema->n_fields; i++)
    if (field_named(want, s->schema->fields[i].name) < 0)
      return og_fail(cx, OG_EINVALID, "the table has no column '" OG_STR_FMT "'",
                     OG_STR_ARG(s->schema->fields[i].name));
  return found == s->schema->n_fields ? OG_OK : og_fail(cx, OG_EINVALID, "the stream has a column twice");
}

static og_status check_nulls(og_ctx *cx, const og_field *f, const og_column *c)
{
  if (f->nullable || c->nulls == 0) return OG_OK;
  return og_fail(cx, OG_EINVALID, "column '" OG_STR_FMT "' may not be null, and %lld values of it are",
                 OG_STR_ARG(f->name), (long long)c->nulls);
}

static og_status column_in(og_ctx *cx, const og_rows_in *s, uint32_t i, og_column *c, og_column **out)
{
  if (og_lance_is_blob(&s->want->fields[i])) return og_db__blobs_in(cx, s, &s->want->fields[i], c, out);
  *out = og_column_ref(c);
  return OG_OK;
}

og_status og_db__batch_with_blobs(og_ctx *cx, og_schema *want, og_column *const *cols, int64_t len, og_batch **out)
{
  og_schema *schema;
  OG_TRY(og_lance_blob_ref_schema(cx, want, cols, &schema));
  const og_status st = og_batch_new(cx, schema, cols, want->n_fields, len, out);
  og_schema_unref(schema);
  return st;
}

og_status og_db__rows_fit(og_ctx *cx, const og_rows_in *s, const og_batch *b, og_batch **out)
{
  const og_schema *want = s->want;
  og_column **cols = og_calloc(cx, (size_t)want->n_fields + 1, sizeof(og_column *));
  og_status st = cols ? OG_OK : OG_ENOMEM;
  for (uint32_t i = 0; st == OG_OK && i < want->n_fields; i++) {
    if (s->from[i] < 0)
      st = og_column_nulls(cx, &want->fields[i], b->len, &cols[i]);
    else
      st = column_in(cx, s, i, b->columns[s->from[i]], &cols[i]);
    if (st == OG_OK) st = check_nulls(cx, &want->fields[i], cols[i]);
  }
  if (st == OG_OK) st = og_db__batch_with_blobs(cx, s->want, cols, b->len, out);
  for (uint32_t i = 0; cols && i < want->n_fields; i++) og_column_unref(cols[i]);
  og_free(cols);
  return st;
}

og_status og_db__rows_next(og_ctx *cx, og_rows_in *s, og_batch **out)
{
  for (*out = NULL;;) {
    struct ArrowArray array;
    OG_TRY(og_ctx_poll(cx));
    const int error = s->stream->get_next(s->stream, &array);
    if (error) return stream_failed(cx, s->stream, error);
    if (!array.release) return OG_OK;
    OG_TRY(og_arrow_import_batch(cx, &array, s->schema, out));
    if ((*out)->len) return OG_OK;
    og_batch_unref(*out);
    *out = NULL;
  }
}

void og_db__rows_end(og_rows_in *s)
{
  if (s->stream && s->stream->release) s->stream->release(s->stream);
  og_schema_unref(s->schema);
}
