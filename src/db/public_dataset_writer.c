/* SPDX-License-Identifier: MIT */
/* db/public_dataset_writer.c -- Lance tables in the C API: a write in many calls, with blobs piece by piece.
 *
 *  (1) It is the write of og_dataset_write, held open: one change, one commit.
 *  (2) A blob's bytes go to where they will stay at once; its number stands for the reference that comes back, until
 * the next rows.  Numbers are never given twice. (3) After a failure nothing is certain about the change, so that it
 * can only be given up.
 */
#include "arrow/c_data.h"
#include "db/public_writer.h"
#include "lance/fields.h"

struct og_dataset_writer {
  og_writer w;
  og_rows_in rows;
  og_lance_schema *own; /* of a new table */
  og_lance_change *change;
  og_vec given;        /* og_str: references of blobs since the last rows */
  og_arena references; /* theirs */
  og_buf ref;
  bool blob_open, ended;
};

static og_status enter(og_dataset_writer *d, og_error *err)
{
  d->w.call.cx.err = err ? err : &d->w.call.own;
  return d->ended ? og_fail(d->w.cx, OG_EINVALID, "the writer has ended: it can only be closed") : OG_OK;
}

static og_status leave(og_dataset_writer *d, og_status st)
{
  d->ended = d->ended || st != OG_OK;
  return st;
}

static og_status begin(og_dataset_writer *d, struct ArrowSchema *schema)
{
  og_ctx *cx = d->w.cx;
  if (!schema || !schema->release) return og_fail(cx, OG_EINVALID, "'schema' must be given, it is not");
  OG_TRY(og_arrow_import_schema(cx, schema, &d->rows.schema));
  d->rows.given = &d->given;
  d->rows.outside = d->w.outside;
  OG_TRY(og_db__write_begin(&d->w, &d->rows, &d->own, &d->change));
  /* how many rows will come is not known; the smallest fragments at the end become part of the new one in any case */
  return d->w.opts.mode == OG_WRITE_APPEND ? og_lance_change_fold(cx, d->change, 1) : OG_OK;
}

og_status og_dataset_writer_open(const char *uri, struct ArrowSchema *schema, const og_write_opts *opts,
                                 og_dataset_writer **out, og_error *err)
{
  og_call c;
  og_runtime none = {0};
  og_mem *mem = og_mem_new(0); /* of the handle alone */
  og_ctx *cx = og_db__call_bare(&c, mem, &none, err);
  og_dataset_writer *d = mem ? og_zalloc(cx, sizeof *d) : NULL;
  og_mem_free(mem); /* the handle keeps its account */
  og_status st = d ? OG_OK : og_fail(cx, OG_ENOMEM, "out of memory (a writer)");
  if (d) {
    d->given = OG_VEC_INIT(og_str);
    st = og_db__writer_begin(&d->w, uri, opts, err);
    if (st == OG_OK) st = begin(d, schema);
  }
  if (schema && schema->release) schema->release(schema);
  if (st == OG_OK)
    *out = d;
  else
    og_dataset_writer_close(d);
  return og_db__call_end(&c, st);
}

void og_dataset_writer_close(og_dataset_writer *writer)
{
  og_error last;
  if (!writer) return;
  writer->w.call.cx.err = &last;
  og_lance_change_free(writer->w.cx, writer->change);
  og_lance_schema_unref(writer->own);
  og_db__rows_end(&writer->rows);
  og_vec_cleanup(&writer->given);
  og_arena_cleanup(&writer->references);
  og_buf_cleanup(&writer->ref);
  (void)og_db__writer_end(&writer->w, OG_OK);
  og_free(writer);
}

/* ---- blobs */

static og_status blob_begin(og_dataset_writer *d, const char *column)
{
  og_ctx *cx = d->w.cx;
  const og_schema *want = d->rows.want;
  og_str name;
  if (d->blob_open) return og_fail(cx, OG_EINVALID, "a blob begins before the last one has ended");
  OG_TRY(og_db__text_need(cx, column, "column", &name));
  const int i = og_schema_find(want, name);
  if (i < 0 || !og_lance_is_blob(&want->fields[i]) || d->rows.from[i] < 0 ||
      d->rows.schema->fields[d->rows.from[i]].type.id != OG_TYPE_U64)
    return og_fail(cx, OG_EINVALID, "column '" OG_STR_FMT "' is no blob that is given by numbers", OG_STR_ARG(name));
  OG_TRY(og_lance_change_blob_begin(cx, d->change, (uint32_t)i));
  d->blob_open = true;
  return OG_OK;
}

og_status og_dataset_writer_blob_begin(og_dataset_writer *writer, const char *column, og_error *err)
{
  OG_TRY(enter(writer, err));
  return leave(writer, blob_begin(writer, column));
}

static og_status need_blob(og_dataset_writer *d)
{
  return d->blob_open ? OG_OK : og_fail(d->w.cx, OG_EINVALID, "no blob has begun");
}

static og_status blob_bytes(og_dataset_writer *d, const void *bytes, size_t len)
{
  OG_TRY(need_blob(d));
  OG_TRY(og_ctx_poll(d->w.cx));
  if (len && !bytes) return og_fail(d->w.cx, OG_EINVALID, "'bytes' must be given, it is NULL");
  return og_lance_change_blob_append(d->w.cx, d->change, og_str_from(bytes, len));
}

og_status og_dataset_writer_blob(og_dataset_writer *writer, const void *bytes, size_t len, og_error *err)
{
  OG_TRY(enter(writer, err));
  return leave(writer, blob_bytes(writer, bytes, len));
}

static og_status blob_end(og_dataset_writer *d, uint64_t *number)
{
  og_ctx *cx = d->w.cx;
  og_str ref;
  OG_TRY(need_blob(d));
  og_buf_clear(&d->ref);
  OG_TRY(og_lance_change_blob_end(cx, d->change, &d->ref));
  OG_TRY(og_arena_str(cx, &d->references, og_buf_str(&d->ref), &ref));
  *number = d->rows.first_given + d->given.len;
  d->blob_open = false;
  return og_vec_add(cx, &d->given, &ref);
}

og_status og_dataset_writer_blob_end(og_dataset_writer *writer, uint64_t *number, og_error *err)
{
  OG_TRY(enter(writer, err));
  return leave(writer, blob_end(writer, number));
}

/* ---- rows */

static og_status insert(og_dataset_writer *d, struct ArrowArray *rows)
{
  og_ctx *cx = d->w.cx;
  og_batch *b = NULL, *fit = NULL;
  if (d->blob_open) return og_fail(cx, OG_EINVALID, "rows come before the last blob has ended");
  if (!rows || !rows->release) return og_fail(cx, OG_EINVALID, "'rows' must be given, they are not");
  OG_TRY(og_ctx_poll(cx));
  OG_TRY(og_arrow_import_batch(cx, rows, d->rows.schema, &b));
  og_status st = b->len ? og_db__rows_fit(cx, &d->rows, b, &fit) : OG_OK;
  if (st == OG_OK && fit) st = og_lance_change_insert(cx, d->change, fit);
  og_batch_unref(fit);
  og_batch_unref(b);
  d->rows.first_given += d->given.len;
  og_vec_clear(&d->given);
  og_arena_reset(&d->references);
  return st;
}

og_status og_dataset_writer_rows(og_dataset_writer *writer, struct ArrowArray *rows, og_error *err)
{
  og_status st = enter(writer, err);
  if (st == OG_OK) st = leave(writer, insert(writer, rows));
  if (rows && rows->release) rows->release(rows);
  return st;
}

static og_status commit(og_dataset_writer *d, uint64_t *version)
{
  if (d->blob_open) return og_fail(d->w.cx, OG_EINVALID, "the last blob has not ended");
  og_lance_change *c = d->change;
  d->change = NULL;
  return og_db__writer_commit(&d->w, c, OG_OK, NULL, NULL, version);
}

og_status og_dataset_writer_commit(og_dataset_writer *writer, uint64_t *version, og_error *err)
{
  OG_TRY(enter(writer, err));
  const og_status st = leave(writer, commit(writer, version));
  writer->ended = true;
  return st;
}
