/* SPDX-License-Identifier: MIT */
#include "lance/inspect.h"

#include "base/civil.h"
#include "base/sorter.h"
#include "base/vec.h"
#include "lance/file_impl.h"
#include "lance/table_impl.h"

#include <inttypes.h>
#include <stdio.h>

#define SORT_BYTES ((size_t)64 << 20) /* of row ids kept in memory while looking for one that stands twice */

/* ---- encodings as text: "general lz4 of variable, offsets flat 32" */

static og_status enc_text(og_ctx *cx, const og_lance__enc *e, og_buf *out)
{
  if (!e) return OG_OK;
  OG_TRY(og_buf_append_str(cx, out, og_str_of(og_lance__enc_name(e->kind))));
  switch (e->kind) {
  case OG_LANCE__ENC_FLAT:
  case OG_LANCE__ENC_INLINE: return og_buf_printf(cx, out, " %" PRIu64, e->bits);
  case OG_LANCE__ENC_OUT_OF_LINE: return og_buf_printf(cx, out, " %" PRIu64 " in %" PRIu64, e->bits, e->packed_bits);
  case OG_LANCE__ENC_VARIABLE: OG_TRY(og_buf_append_str(cx, out, OG_STR(", offsets "))); break;
  case OG_LANCE__ENC_GENERAL:
    OG_TRY(og_buf_append_str(cx, out, e->scheme == OG_LANCE__LZ4 ? OG_STR(" lz4 of ") : OG_STR(" zstd of ")));
    break;
  case OG_LANCE__ENC_FIXED_LIST:
    OG_TRY(og_buf_printf(cx, out, " of %" PRIu64 "%s, ", e->items, e->has_validity ? " with nulls" : ""));
    break;
  default: OG_TRY(og_buf_append_str(cx, out, OG_STR(" of ")));
  }
  return enc_text(cx, e->inner, out);
}

static og_status labelled(og_ctx *cx, const char *label, const og_lance__enc *e, og_buf *out)
{
  if (!e) return OG_OK;
  OG_TRY(og_buf_printf(cx, out, "%s", label));
  return enc_text(cx, e, out);
}

static og_status layout_text(og_ctx *cx, const og_lance_file *f, const og_lance__page *p, og_buf *out)
{
  static const char *const kinds[] = {"?", "mini-block", "constant", "full-zip", "blob"};
  OG_AUTO(og_arena) arena = {0};
  og_lance__layout l;
  if (f->version.minor == 0) return og_buf_append_str(cx, out, OG_STR("array"));
  OG_TRY(og_lance__layout_parse(cx, &arena, p->layout, &l));
  OG_TRY(og_buf_append_str(cx, out, og_str_of(kinds[l.kind])));
  if (l.kind == OG_LANCE__CONSTANT && !l.has_value && p->n_buffers == 0)
    OG_TRY(og_buf_append_str(cx, out, OG_STR(", all null")));
  OG_TRY(labelled(cx, ": ", l.values, out));
  if (l.dictionary) OG_TRY(og_buf_printf(cx, out, "; dictionary of %" PRIu64, l.dictionary_items));
  OG_TRY(labelled(cx, ", ", l.dictionary, out));
  OG_TRY(labelled(cx, "; repetition ", l.rep, out));
  return labelled(cx, "; definition ", l.def, out);
}

/* ---- files */

static og_status put_page(og_ctx *cx, const og_lance_file *f, const og_lance__page *p, og_json_writer *w)
{
  OG_AUTO(og_buf) text = {0};
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < p->n_buffers; i++) bytes += p->sizes[i];
  og_status st = layout_text(cx, f, p, &text);
  if (st == OG_EUNSUPPORTED || st == OG_ECORRUPT) { /* what is wrong is what there is to say */
    og_buf_clear(&text);
    st = og_buf_append_str(cx, &text, og_str_of(cx->err->text));
    og_error_clear(cx);
  }
  OG_TRY(st);
  OG_TRY(og_json_begin_object(cx, w));
  OG_TRY(og_json_kv_u64(cx, w, "rows", p->n_rows));
  OG_TRY(og_json_kv_u64(cx, w, "bytes", bytes));
  OG_TRY(og_json_kv_str(cx, w, "encoding", og_buf_str(&text)));
  return og_json_end_object(cx, w);
}

static og_status put_column(og_ctx *cx, const og_lance_file *f, const og_lance_schema *s, int32_t id, int32_t column,
                            og_json_writer *w)
{
  int at = og_lance_schema_find_id(s, id);
  OG_TRY(og_json_begin_object(cx, w));
  OG_TRY(og_json_kv_i64(cx, w, "field", id));
  if (at >= 0) OG_TRY(og_json_kv_str(cx, w, "name", s->fields[at].name));
  OG_TRY(og_json_kv_i64(cx, w, "column", column));
  OG_TRY(og_json_key(cx, w, OG_STR("pages")));
  OG_TRY(og_json_begin_array(cx, w));
  bool known = column >= 0 && (uint32_t)column < f->n_columns;
  for (size_t i = 0; known && i < f->columns[column].n_pages; i++)
    OG_TRY(put_page(cx, f, &f->columns[column].pages[i], w));
  OG_TRY(og_json_end_array(cx, w));
  return og_json_end_object(cx, w);
}

static og_status put_file(og_ctx *cx, og_lance_table *t, uint32_t fragment, uint32_t i, og_json_writer *w)
{
  const og_data_file *d = &t->m.fragments[fragment].files[i];
  og_lance_file *f;
  char version[32];
  OG_TRY(og_json_begin_object(cx, w));
  OG_TRY(og_json_kv_str(cx, w, "path", d->path));
  og_status st = og_table__file(cx, t, fragment, i, &f);
  if (st == OG_ENOMEM || st == OG_ECANCELLED) return st;
  if (st != OG_OK) {
    OG_TRY(og_json_kv_str(cx, w, "problem", og_str_of(cx->err->text)));
    og_error_clear(cx);
    return og_json_end_object(cx, w);
  }
  snprintf(version, sizeof version, "%u.%u", f->version.major, f->version.minor);
  OG_TRY(og_json_kv_u64(cx, w, "bytes", f->size));
  OG_TRY(og_json_kv_str(cx, w, "version", og_str_of(version)));
  OG_TRY(og_json_kv_u64(cx, w, "rows", f->n_rows));
  OG_TRY(og_json_key(cx, w, OG_STR("columns")));
  OG_TRY(og_json_begin_array(cx, w));
  for (uint32_t k = 0; k < d->n; k++) OG_TRY(put_column(cx, f, t->m.schema, d->fields[k], d->columns[k], w));
  OG_TRY(og_json_end_array(cx, w));
  return og_json_end_object(cx, w);
}

/* ---- fragments */

/* "0..99" for a range, "7, 9, 4 and 2 more" for single ids. */
static og_status segment_text(og_ctx *cx, const og_rowid_seg *s, og_buf *out)
{
  if (!s->values) return og_buf_printf(cx, out, "%" PRIu64 "..%" PRIu64, s->start, s->start + s->n - 1);
  for (uint64_t i = 0; i < s->n && i < 3; i++)
    OG_TRY(og_buf_printf(cx, out, i ? ", %" PRIu64 : "%" PRIu64, s->values[i]));
  return s->n > 3 ? og_buf_printf(cx, out, " and %" PRIu64 " more", s->n - 3) : OG_OK;
}

static og_status put_ids(og_ctx *cx, const og_rowids *ids, og_json_writer *w)
{
  OG_TRY(og_json_key(cx, w, OG_STR("row_ids")));
  OG_TRY(og_json_begin_array(cx, w));
  for (size_t i = 0; i < ids->segs.len; i++) {
    OG_AUTO(og_buf) text = {0};
    OG_TRY(segment_text(cx, &OG_VEC_AT(&ids->segs, og_rowid_seg, i), &text));
    OG_TRY(og_json_str(cx, w, og_buf_str(&text)));
  }
  return og_json_end_array(cx, w);
}

/* "3 x 100": 100 rows of version 3. */
static og_status put_runs(og_ctx *cx, const char *name, const og_version_runs *v, og_json_writer *w)
{
  OG_TRY(og_json_key(cx, w, og_str_of(name)));
  OG_TRY(og_json_begin_array(cx, w));
  for (size_t i = 0; i < v->runs.len; i++) {
    const og_version_run *r = &OG_VEC_AT(&v->runs, og_version_run, i);
    char text[64];
    snprintf(text, sizeof text, "%" PRIu64 " x %" PRIu64, r->version, r->n);
    OG_TRY(og_json_str(cx, w, og_str_of(text)));
  }
  return og_json_end_array(cx, w);
}

static og_status put_fragment(og_ctx *cx, og_lance_table *t, uint32_t i, og_json_writer *w)
{
  const og_fragment *f = &t->m.fragments[i];
  const og_fragment_state *s;
  OG_TRY(og_table__sequences(cx, t, i, &s));
  OG_TRY(og_json_begin_object(cx, w));
  OG_TRY(og_json_kv_u64(cx, w, "id", f->id));
  OG_TRY(og_json_kv_u64(cx, w, "rows", f->rows));
  OG_TRY(og_json_kv_u64(cx, w, "deleted", f->del.present ? f->del.rows : 0));
  OG_TRY(put_ids(cx, &s->ids, w));
  OG_TRY(put_runs(cx, "created", &s->created, w));
  OG_TRY(put_runs(cx, "updated", &s->updated, w));
  OG_TRY(og_json_key(cx, w, OG_STR("files")));
  OG_TRY(og_json_begin_array(cx, w));
  for (uint32_t k = 0; k < f->n_files; k++) OG_TRY(put_file(cx, t, i, k, w));
  OG_TRY(og_json_end_array(cx, w));
  return og_json_end_object(cx, w);
}

/* ---- the version */

static og_status put_schema(og_ctx *cx, const og_lance_schema *s, og_json_writer *w)
{
  OG_TRY(og_json_key(cx, w, OG_STR("schema")));
  OG_TRY(og_json_begin_array(cx, w));
  for (uint32_t i = 0; i < s->n_fields; i++) {
    const og_lance_field *f = &s->fields[i];
    OG_TRY(og_json_begin_object(cx, w));
    OG_TRY(og_json_kv_i64(cx, w, "id", f->id));
    OG_TRY(og_json_kv_i64(cx, w, "parent", f->parent));
    OG_TRY(og_json_kv_str(cx, w, "name", f->name));
    OG_TRY(og_json_kv_str(cx, w, "type", f->logical_type));
    OG_TRY(og_json_kv_bool(cx, w, "nullable", f->nullable));
    OG_TRY(og_json_end_object(cx, w));
  }
  return og_json_end_array(cx, w);
}

static og_status put_head(og_ctx *cx, const og_lance_table *t, uint64_t newest, og_json_writer *w)
{
  char time[OG_DATETIME_TEXT_MAX];
  const og_manifest *m = &t->m;
  size_t n = og_datetime_format(og_lance_table_timestamp_us(t) / 1000, time);
  OG_TRY(og_json_kv_str(cx, w, "table", t->at.root));
  if (t->at.branch.len) OG_TRY(og_json_kv_str(cx, w, "branch", t->at.branch));
  OG_TRY(og_json_kv_u64(cx, w, "version", m->version));
  OG_TRY(og_json_kv_u64(cx, w, "newest_version", newest));
  OG_TRY(og_json_kv_str(cx, w, "time", og_str_from(time, n)));
  OG_TRY(og_json_kv_str(cx, w, "transaction", t->uuid));
  OG_TRY(og_json_kv_str(cx, w, "file_version", m->format_version));
  OG_TRY(og_json_kv_u64(cx, w, "reader_flags", m->reader_flags));
  OG_TRY(og_json_kv_u64(cx, w, "writer_flags", m->writer_flags));
  OG_TRY(og_json_kv_u64(cx, w, "rows", og_lance_table_rows(t)));
  OG_TRY(og_json_kv_u64(cx, w, "deleted_rows", og_lance_table_physical_rows(t) - og_lance_table_rows(t)));
  OG_TRY(og_json_kv_u64(cx, w, "next_row_id", m->next_row_id));
  OG_TRY(og_json_kv_u64(cx, w, "index_bytes", m->index_section.len));
  OG_TRY(og_json_key(cx, w, OG_STR("base_paths")));
  OG_TRY(og_json_begin_array(cx, w));
  for (uint32_t i = 0; i < m->n_bases; i++) OG_TRY(og_json_str(cx, w, m->bases[i].path));
  return og_json_end_array(cx, w);
}

/* ---- verifying */

static og_status note_problem(og_ctx *cx, og_str what, og_json_writer *w, bool *sound)
{
  *sound = false;
  return og_json_str(cx, w, what);
}

/* A failure of the file's is a problem to list; others end the inspection. */
static og_status as_problem(og_ctx *cx, og_status st, og_json_writer *w, bool *sound)
{
  if (st != OG_ECORRUPT && st != OG_EUNSUPPORTED && st != OG_ENOTFOUND && st != OG_ELIMIT) return st;
  og_error e = *cx->err;
  og_error_clear(cx);
  return note_problem(cx, og_str_of(e.text), w, sound);
}

static og_status read_column(og_ctx *cx, og_lance_table *t, uint32_t column, bool refs, uint64_t *rows)
{
  const og_lance_scan_opts opts = {.columns = &column, .n_columns = 1, .blob_refs = refs};
  og_lance_scan *scan;
  og_batch *batch = NULL;
  *rows = 0;
  OG_TRY(og_lance_scan_open(cx, t, &opts, &scan));
  og_status st;
  while ((st = og_lance_scan_next(cx, scan, &batch)) == OG_OK && batch) {
    *rows += (uint64_t)batch->len;
    st = og_column_check(cx, batch->columns[0], OG_ECORRUPT);
    og_batch_unref(batch);
    if (st == OG_OK) st = og_ctx_poll(cx);
    if (st != OG_OK) break;
  }
  og_lance_scan_close(scan);
  return st;
}

static og_status verify_column(og_ctx *cx, og_lance_table *t, uint32_t column, og_json_writer *w, bool *sound)
{
  uint64_t rows;
  char text[160];
  og_status st = read_column(cx, t, column, false, &rows);
  if (st == OG_EDENIED) { /* a blob outside, which is not ours to read */
    og_error_clear(cx);
    st = read_column(cx, t, column, true, &rows);
  }
  if (st != OG_OK) return as_problem(cx, st, w, sound);
  if (rows == og_lance_table_rows(t)) return OG_OK;
  snprintf(text, sizeof text, "column %u has %" PRIu64 " rows, the version %" PRIu64, column, rows,
           og_lance_table_rows(t));
  return note_problem(cx, og_str_of(text), w, sound);
}

static og_status sort_row_ids(og_ctx *cx, og_lance_table *t, og_sorter *ids)
{
  for (uint32_t i = 0; i < t->m.n_fragments; i++) {
    const og_fragment_state *s;
    const uint8_t *deleted;
    OG_TRY(og_table__sequences(cx, t, i, &s));
    OG_TRY(og_table__deleted(cx, t, i, &deleted));
    for (uint64_t k = 0; k < s->ids.len; k++) {
      char key[8];
      if (deleted && og_bit_get(deleted, (int64_t)k)) continue; /* the new image of a changed row has its id */
      uint64_t id = og_rowids_get(&s->ids, k);
      for (int b = 0; b < 8; b++) key[b] = (char)(id >> (56 - 8 * b));
      OG_TRY(og_sorter_add(cx, ids, og_str_from(key, sizeof key), OG_STR_NONE));
    }
  }
  return og_sorter_sort(cx, ids);
}

/* Rows of one id: the sorter's readers only borrow a record until the next, hence the copy. */
static og_status count_twins(og_ctx *cx, og_sorter *ids, uint64_t *twins)
{
  og_sorted *r;
  og_record record;
  bool more = true, first = true;
  char last[8] = "";
  OG_TRY(og_sorted_open(cx, ids, &r));
  og_status st;
  while ((st = og_sorted_next(cx, r, &record, &more)) == OG_OK && more) {
    *twins += !first && memcmp(last, record.key.ptr, sizeof last) == 0;
    memcpy(last, record.key.ptr, sizeof last);
    first = false;
  }
  og_sorted_close(r);
  return st;
}

static og_status verify_row_ids(og_ctx *cx, og_lance_table *t, og_json_writer *w, bool *sound)
{
  og_sorter *ids;
  uint64_t twins = 0;
  char text[96];
  if (!(t->m.reader_flags & OG_FLAG_STABLE_IDS)) return OG_OK;
  OG_TRY(og_sorter_new(cx, SORT_BYTES, &ids));
  og_status st = sort_row_ids(cx, t, ids);
  if (st == OG_OK) st = count_twins(cx, ids, &twins);
  og_sorter_free(cx, ids);
  if (st != OG_OK) return as_problem(cx, st, w, sound);
  if (twins == 0) return OG_OK;
  snprintf(text, sizeof text, "%" PRIu64 " rows have the row id of another", twins);
  return note_problem(cx, og_str_of(text), w, sound);
}

static og_status verify(og_ctx *cx, og_lance_table *t, og_json_writer *w, bool *sound)
{
  OG_TRY(og_json_key(cx, w, OG_STR("problems")));
  OG_TRY(og_json_begin_array(cx, w));
  for (uint32_t i = 0; i < t->m.schema->arrow->n_fields; i++) OG_TRY(verify_column(cx, t, i, w, sound));
  OG_TRY(verify_row_ids(cx, t, w, sound));
  return og_json_end_array(cx, w);
}

/* ---- all of it */

static og_status inspect(og_ctx *cx, og_lance_table *t, uint64_t newest, bool verified, og_json_writer *w, bool *sound)
{
  OG_TRY(og_json_begin_object(cx, w));
  OG_TRY(put_head(cx, t, newest, w));
  OG_TRY(put_schema(cx, t->m.schema, w));
  OG_TRY(og_json_key(cx, w, OG_STR("fragments")));
  OG_TRY(og_json_begin_array(cx, w));
  for (uint32_t i = 0; i < t->m.n_fragments; i++) OG_TRY(put_fragment(cx, t, i, w));
  OG_TRY(og_json_end_array(cx, w));
  if (verified) OG_TRY(verify(cx, t, w, sound));
  return og_json_end_object(cx, w);
}

og_status og_lance_inspect(og_ctx *cx, const og_lance_place *at, uint64_t version, bool verified, og_json_writer *w,
                           bool *sound)
{
  uint64_t newest;
  og_lance_table *t;
  *sound = true;
  OG_TRY(og_lance_newest_version(cx, at, &newest));
  if (newest == 0)
    return og_fail(cx, OG_ENOTFOUND, "no Lance table at '" OG_STR_FMT "': it has no _versions", OG_STR_ARG(at->root));
  if (version > newest)
    return og_fail(cx, OG_ENOTFOUND, "'" OG_STR_FMT "' has no version %" PRIu64 ": the newest is %" PRIu64,
                   OG_STR_ARG(at->root), version, newest);
  OG_TRY(og_lance_table_open(cx, at, version ? version : newest, OG_STR_NONE, &t));
  og_status st = inspect(cx, t, newest, verified, w, sound);
  og_lance_table_unref(t);
  return st;
}
