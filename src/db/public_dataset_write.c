/* SPDX-License-Identifier: MIT */
/* db/public_dataset_write.c -- Lance tables in the C API: writing.
 *
 *  (1) What is written is one og_lance_change, committed by og_lance_commit; nothing here decides a race.
 *  (2) Appends and overwrites are rebased.  A delete that lost a race looks for its rows again: somebody may have added
 *      some.
 */
#include "arrow/c_data.h"
#include "base/env.h"
#include "base/ulid.h"
#include "db/public_dataset.h"

void og_write_opts_init(og_write_opts *opts)
{
  *opts = (og_write_opts){.size = sizeof *opts};
}

/* ---- a write */

typedef struct writer {
  og_ctx *cx;
  og_write_opts opts;
  og_str uri;
  og_lance_place at;
  og_lance_table *base; /* NULL: there is no table */
} writer;

/* The newest version, durable before anything is built on it: its maker may be a Lance that never synced it. */
static og_status open_base(writer *w)
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

static og_status writer_open(og_call *c, og_dataset *d, const char *uri, writer *w)
{
  og_ctx *cx = w->cx = &c->cx;
  og_str branch;
  OG_TRY(og_db__text_need(cx, uri, "uri", &w->uri));
  OG_TRY(og_db__text_take(cx, w->opts.branch, "branch", &branch));
  OG_TRY(og_db__dataset_enter(c, d, w->opts.timeout_ms, w->opts.cancel));
  OG_TRY(og_lance_place_open(cx, w->uri, branch, false, &w->at));
  return open_base(w);
}

static void writer_close(writer *w)
{
  og_lance_table_unref(w->base);
  og_store_unref(w->at.store);
}

static og_status need_base(const writer *w)
{
  if (w->base) return OG_OK;
  return og_fail(w->cx, OG_ENOTFOUND, "no Lance table at '" OG_STR_FMT "': it has no _versions", OG_STR_ARG(w->uri));
}

static og_status change_opts(writer *w, og_lance_op op, og_lance_change_opts *out)
{
  og_ulid_gen ids = {0};
  og_ulid id;
  char text[OG_ULID_LEN];
  og_ctx *cx = w->cx;
  OG_TRY(og_ulid_next(cx, &ids, NULL, &id));
  og_ulid_format(&id, text);
  *out = (og_lance_change_opts){.op = op};
  OG_TRY(og_arena_str(cx, cx->arena, og_str_from(text, sizeof text), &out->attempt));
  return og_arena_printf(cx, cx->arena, &out->tx_uuid, "omnigraph-%.26s", text);
}

/* ---- rows of a stream */

/* The stream's columns, and where in the table's order each of these lies: -1 for one that becomes null. */
typedef struct source {
  struct ArrowArrayStream *stream;
  og_schema *schema;
  int *from;
  const og_lance_schema *table;
} source;

static og_status stream_failed(og_ctx *cx, struct ArrowArrayStream *s, int error)
{
  const char *text = s->get_last_error(s);
  return og_fail(cx, OG_EINVALID, "the stream of rows failed with error %d%s%s", error, text ? ": " : "",
                 text ? text : "");
}

static og_status source_schema(og_ctx *cx, source *s)
{
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

static og_status match_columns(og_ctx *cx, source *s)
{
  const og_schema *want = s->table->arrow;
  uint32_t found = 0;
  s->from = og_push_array(cx, (size_t)want->n_fields + 1, sizeof *s->from);
  if (!s->from) return OG_ENOMEM;
  for (uint32_t i = 0; i < want->n_fields; i++) {
    const og_field *f = &want->fields[i];
    s->from[i] = field_named(s->schema, f->name);
    if (s->from[i] < 0 && !f->nullable)
      return og_fail(cx, OG_EINVALID, "column '" OG_STR_FMT "' is missing, and may not be null", OG_STR_ARG(f->name));
    if (s->from[i] < 0) continue;
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

static og_status insert_batch(og_ctx *cx, const source *s, const og_batch *b, og_lance_change *c)
{
  const og_schema *want = s->table->arrow;
  og_column **cols = og_calloc(cx, (size_t)want->n_fields + 1, sizeof(og_column *));
  og_batch *rows = NULL;
  og_status st = cols ? OG_OK : OG_ENOMEM;
  for (uint32_t i = 0; st == OG_OK && i < want->n_fields; i++) {
    if (s->from[i] < 0)
      st = og_column_nulls(cx, &want->fields[i], b->len, &cols[i]);
    else
      cols[i] = og_column_ref(b->columns[s->from[i]]);
    if (st == OG_OK) st = check_nulls(cx, &want->fields[i], cols[i]);
  }
  if (st == OG_OK) st = og_batch_new(cx, s->table->arrow, cols, want->n_fields, b->len, &rows);
  if (st == OG_OK) st = og_lance_change_insert(cx, c, rows);
  og_batch_unref(rows);
  for (uint32_t i = 0; cols && i < want->n_fields; i++) og_column_unref(cols[i]);
  og_free(cols);
  return st;
}

static og_status insert_all(og_ctx *cx, const source *s, og_lance_change *c)
{
  for (;;) {
    struct ArrowArray array;
    og_batch *b;
    OG_TRY(og_ctx_poll(cx));
    const int error = s->stream->get_next(s->stream, &array);
    if (error) return stream_failed(cx, s->stream, error);
    if (!array.release) return OG_OK;
    OG_TRY(og_arrow_import_batch(cx, &array, s->schema, &b));
    og_status st = b->len ? insert_batch(cx, s, b, c) : OG_OK;
    og_batch_unref(b);
    OG_TRY(st);
  }
}

/* ---- og_dataset_write */

static og_status check_mode(const writer *w)
{
  switch (w->opts.mode) {
  case OG_WRITE_CREATE:
    if (!w->base) return OG_OK;
    return og_fail(w->cx, OG_EEXISTS, "there is a table at '" OG_STR_FMT "'", OG_STR_ARG(w->uri));
  case OG_WRITE_APPEND:
  case OG_WRITE_OVERWRITE: return need_base(w);
  }
  return og_fail(w->cx, OG_EINVALID, "a write of mode %d, which is none", (int)w->opts.mode);
}

static og_status new_table(writer *w, source *s, const og_lance_change_opts *opts, og_lance_schema **schema,
                           og_lance_change **out)
{
  const unsigned minor = w->opts.file_minor ? w->opts.file_minor : 2;
  if (minor != 1 && minor != 2)
    return og_fail(w->cx, OG_EINVALID, "file version 2.%u is not written; 2.1 and 2.2 are", minor);
  OG_TRY(og_lance_schema_new(w->cx, s->schema, schema));
  return og_lance_change_create(w->cx, &w->at, *schema, (og_lance_version){2, (uint16_t)minor}, opts, out);
}

static og_status write_rows(writer *w, source *s, uint64_t *version)
{
  og_ctx *cx = w->cx;
  const bool create = w->opts.mode == OG_WRITE_CREATE;
  og_lance_schema *own = NULL;
  og_lance_change *c = NULL;
  og_lance_change_opts opts;
  OG_TRY(change_opts(w, w->opts.mode == OG_WRITE_APPEND ? OG_LANCE_APPEND : OG_LANCE_OVERWRITE, &opts));
  og_status st = create ? new_table(w, s, &opts, &own, &c) : og_lance_change_new(cx, &w->at, w->base, &opts, &c);
  s->table = create ? own : og_lance_table_schema(w->base);
  if (st == OG_OK) st = match_columns(cx, s);
  if (st == OG_OK) st = insert_all(cx, s, c);
  if (st == OG_OK) st = og_lance_commit(cx, c, true);
  if (st == OG_OK && version) *version = og_lance_change_version(c);
  og_lance_change_free(cx, c);
  og_lance_schema_unref(own);
  return st;
}

static og_status write_stream(og_call *c, og_dataset *d, const char *uri, writer *w, source *s, uint64_t *version)
{
  OG_TRY(writer_open(c, d, uri, w));
  OG_TRY(check_mode(w));
  OG_TRY(source_schema(w->cx, s));
  return write_rows(w, s, version);
}

/* A world and a writer in it, for one call; `err` is the caller's. */
static og_status write_begin(og_call *c, const og_write_opts *given, writer *w, og_dataset **d, og_runtime *none,
                             og_error *err)
{
  og_ctx *cx = og_db__call_bare(c, &none->mem, none, err);
  og_write_opts_init(&w->opts);
  OG_TRY(og_db__opts_take(cx, &w->opts, sizeof w->opts, given));
  return og_db__dataset_new(cx, w->opts.memory_limit, d);
}

og_status og_dataset_write(const char *uri, struct ArrowArrayStream *rows, const og_write_opts *opts, uint64_t *version,
                           og_error *err)
{
  og_call c;
  og_runtime none = {0};
  og_dataset *d = NULL;
  writer w = {0};
  source s = {.stream = rows};
  og_status st = write_begin(&c, opts, &w, &d, &none, err);
  if (st == OG_OK && (!rows || !rows->release)) st = og_fail(&c.cx, OG_EINVALID, "'rows' must be given, it is not");
  if (st == OG_OK) st = write_stream(&c, d, uri, &w, &s, version);
  if (rows && rows->release) rows->release(rows);
  og_schema_unref(s.schema);
  writer_close(&w);
  st = og_db__call_end(&c, st);
  og_db__dataset_unref(d);
  return st;
}

/* ---- og_dataset_delete */

static og_status find_rows(writer *w, const og_condition *given, size_t n, og_vec *offsets)
{
  og_ctx *cx = w->cx;
  og_lance_scan_opts opts = {.with_offset = true, .n_where = (uint32_t)n, .batch_rows = 65536};
  og_lance_scan *scan;
  og_batch *b;
  OG_TRY(og_db__conditions(cx, w->base, given, n, &opts.where));
  OG_TRY(og_lance_scan_open(cx, w->base, &opts, &scan));
  og_status st;
  while ((st = og_lance_scan_next(cx, scan, &b)) == OG_OK && b) {
    for (int64_t i = 0; st == OG_OK && i < b->len; i++) st = og_vec_add(cx, offsets, &og_column_u64(b->columns[0])[i]);
    og_batch_unref(b);
    if (st != OG_OK) break;
  }
  og_lance_scan_close(scan);
  return st;
}

static og_status delete_found(writer *w, const og_vec *offsets)
{
  og_ctx *cx = w->cx;
  og_lance_change *c;
  og_lance_change_opts opts;
  OG_TRY(change_opts(w, OG_LANCE_DELETE, &opts));
  OG_TRY(og_lance_change_new(cx, &w->at, w->base, &opts, &c));
  og_status st = og_lance_change_delete(cx, c, offsets->data, offsets->len);
  if (st == OG_OK) st = og_lance_commit(cx, c, false);
  og_lance_change_free(cx, c);
  return st;
}

static og_status delete_rows(og_call *c, og_dataset *d, const char *uri, writer *w, const og_condition *where, size_t n,
                             uint64_t *deleted)
{
  og_status st = writer_open(c, d, uri, w);
  if (st == OG_OK) st = need_base(w);
  OG_TRY(st);
  for (unsigned i = 0;; i++) {
    OG_AUTO(og_vec) offsets = OG_VEC_INIT(uint64_t);
    OG_TRY(find_rows(w, where, n, &offsets));
    st = offsets.len ? delete_found(w, &offsets) : OG_OK;
    if (st == OG_OK && deleted) *deleted = offsets.len;
    if (st != OG_ECONFLICT || i == OG_LIMIT_REEXECUTIONS) return st;
    og_error_clear(w->cx);
    OG_TRY(open_base(w));
    OG_TRY(need_base(w));
  }
}

og_status og_dataset_delete(const char *uri, const og_condition *where, size_t count, const og_write_opts *opts,
                            uint64_t *deleted, og_error *err)
{
  og_call c;
  og_runtime none = {0};
  og_dataset *d = NULL;
  writer w = {0};
  og_status st = write_begin(&c, opts, &w, &d, &none, err);
  if (st == OG_OK && w.opts.mode != OG_WRITE_CREATE)
    st = og_fail(&c.cx, OG_EINVALID, "'mode' and 'file_minor' are about og_dataset_write");
  if (st == OG_OK) st = delete_rows(&c, d, uri, &w, where, count, deleted);
  writer_close(&w);
  st = og_db__call_end(&c, st);
  og_db__dataset_unref(d);
  return st;
}
