/* SPDX-License-Identifier: MIT */
/* lance/file_write.c -- a data file, front to back.
 *
 * Rows are shredded into one leaf per column as they come.  A leaf that has gathered a page's worth becomes a page and
 * is appended to the object, so memory is bounded by columns x page; pages of several columns are encoded on the pool.
 * Metadata follows at the end: global buffer 0 (the schema), column metadata, the two tables, the footer. Page buffers
 * start at multiples of 64.
 */
#include "arrow/builder.h"
#include "base/ctx.h"
#include "base/pool.h"
#include "base/vec.h"
#include "lance/blob_ref_impl.h"
#include "lance/file.h"
#include "lance/page.h"
#include "lance/pb.h"

#include <inttypes.h>

#define PAGE_BYTES (8u << 20)
#define WIDE_BYTES                                                                                                     \
  (12u << 20) /* of vectors: they lie one behind the other, so that a larger page only saves metadata */
#define WIDE_BITS    1024
#define STEP_BYTES   (1u << 20) /* shredded between two looks at the leaves */
#define BUFFER_ALIGN 64

typedef struct column_out {
  int32_t field_id;
  og_lance__steer steer;
  uint64_t rows_done; /* in pages already written */
  og_buf pages;       /* Page messages of ColumnMetadata */
} column_out;

typedef struct top_field {
  const og_field *field;
  og_lance__blob_sizes sizes; /* of a blob */
  uint32_t first, n;          /* columns */
} top_field;

struct og_lance_file_writer {
  og_arena arena;
  og_store *store;
  og_store_writer *out; /* NULL once finished */
  og_str key;
  og_lance_schema *schema;
  og_lance_version version;
  uint64_t n_rows, position;
  top_field *fields;
  column_out *columns;
  og_lance__leaf *leaves; /* parallel to columns */
  uint32_t n_columns;
  og_lance__blobs_out blobs;
  og_lance__blob_coming coming;
  uint32_t coming_field;
  og_buf meta;    /* entries beside those of the schema */
  og_buf globals; /* places of the global buffers behind the schema: u64 position, u64 size each */
};

static void writer_free(og_ctx *cx, og_lance_file_writer *w)
{
  og_lance__blobs_cleanup(cx, &w->blobs);
  og_buf_cleanup(&w->coming.held);
  for (uint32_t i = 0; i < w->n_columns; i++) {
    og_lance__leaf_cleanup(&w->leaves[i]);
    og_buf_cleanup(&w->columns[i].pages);
  }
  og_buf_cleanup(&w->meta);
  og_buf_cleanup(&w->globals);
  og_lance_schema_unref(w->schema);
  og_store_unref(w->store);
  og_arena_cleanup(&w->arena);
  og_free(w);
}

/* ---- Opening. */

/* Of packed structs only those of numbers are written. */
static og_status check_packed(og_ctx *cx, const og_field *f)
{
  for (uint32_t i = 0; i < f->n_children; i++)
    if (f->children[i].type.id == OG_TYPE_FIXED_LIST || og_type_is_varbin(f->children[i].type.id))
      return og_fail(cx, OG_EUNSUPPORTED,
                     "field \"" OG_STR_FMT "\" is a packed struct with more than numbers in it, and is only read",
                     OG_STR_ARG(f->name));
  return OG_OK;
}

static og_status prepare_columns(og_ctx *cx, og_lance_file_writer *w)
{
  const og_schema *s = w->schema->arrow;
  uint32_t n = 0, pos = 0;
  for (uint32_t i = 0; i < s->n_fields; i++) n += og_lance__leaf_count(&s->fields[i]);
  w->fields = og_arena_calloc(cx, &w->arena, s->n_fields, sizeof *w->fields);
  w->columns = og_arena_calloc(cx, &w->arena, n, sizeof *w->columns);
  w->leaves = og_arena_calloc(cx, &w->arena, n, sizeof *w->leaves);
  if (!w->fields || !w->columns || !w->leaves) return OG_ENOMEM;
  int32_t *ids = og_arena_calloc(cx, &w->arena, n + 1, sizeof *ids), *next = ids;
  if (!ids) return OG_ENOMEM;
  for (uint32_t i = 0; i < s->n_fields; i++) {
    og_lance__leaf_info *infos;
    uint32_t n_leaves;
    OG_TRY(og_lance__leaves_of(cx, &w->arena, &s->fields[i], &infos, &n_leaves));
    w->fields[i] = (top_field){.field = &s->fields[i], .first = w->n_columns, .n = n_leaves};
    og_lance__blob_sizes_of(&s->fields[i], &w->fields[i].sizes);
    og_lance__leaf_ids(w->schema, &s->fields[i], &pos, &next);
    if (og_lance_is_blob(&s->fields[i]) && w->version.minor < 2)
      return og_fail(cx, OG_EUNSUPPORTED, "blob \"" OG_STR_FMT "\": blobs are written in file version 2.2 only",
                     OG_STR_ARG(s->fields[i].name));
    for (uint32_t k = 0; k < n_leaves; k++, w->n_columns++) {
      w->columns[w->n_columns].field_id = ids[w->n_columns];
      if (infos[k].shape.packed) OG_TRY(check_packed(cx, infos[k].field));
      OG_TRY(og_lance__steer_of(cx, &w->arena, infos[k].field, &s->fields[i], &w->columns[w->n_columns].steer));
      og_lance__leaf_init(&w->leaves[w->n_columns], &infos[k].path, infos[k].shape);
    }
  }
  return OG_OK;
}

static og_status writer_start(og_ctx *cx, og_lance_file_writer *w, og_str key)
{
  if (w->version.major != 2 || (w->version.minor != 1 && w->version.minor != 2))
    return og_fail(cx, OG_EUNSUPPORTED, "Lance file version %u.%u; 2.1 and 2.2 are written", w->version.major,
                   w->version.minor);
  OG_TRY(og_arena_str(cx, &w->arena, key, &w->key));
  w->blobs = (og_lance__blobs_out){.arena = &w->arena, .store = w->store, .key = w->key, .keys = OG_VEC_INIT(og_str)};
  OG_TRY(prepare_columns(cx, w));
  return og_store_writer_open(cx, w->store, key, &w->out);
}

og_status og_lance_file_writer_open(og_ctx *cx, og_store *store, og_str key, og_lance_schema *schema,
                                    og_lance_version version, og_lance_file_writer **out)
{
  og_lance_file_writer *w = og_zalloc(cx, sizeof *w);
  if (!w) return OG_ENOMEM;
  w->store = og_store_ref(store);
  w->schema = og_lance_schema_ref(schema);
  w->version = version;
  og_status st = writer_start(cx, w, key);
  if (st != OG_OK) {
    writer_free(cx, w);
    return og_note(cx, st, "while starting data file " OG_STR_FMT, OG_STR_ARG(key));
  }
  *out = w;
  return OG_OK;
}

/* ---- Pages. */

static og_status append(og_ctx *cx, og_lance_file_writer *w, og_str bytes)
{
  OG_TRY(og_store_writer_append(cx, w->store, w->out, bytes));
  w->position += bytes.len;
  return OG_OK;
}

static og_status align(og_ctx *cx, og_lance_file_writer *w)
{
  static const char zeros[BUFFER_ALIGN] = {0};
  const size_t pad = (size_t)(-w->position % BUFFER_ALIGN);
  return pad ? append(cx, w, og_str_from(zeros, pad)) : OG_OK;
}

/* Encoding { 2 Direct { 1 Any { 1 url, 2 value } } } */
static og_status put_encoding(og_ctx *cx, og_buf *out, uint32_t num, og_str url, og_str value)
{
  OG_AUTO(og_buf) any = {0};
  OG_AUTO(og_buf) direct = {0};
  OG_AUTO(og_buf) encoding = {0};
  OG_TRY(og_pb_put_bytes(cx, &any, 1, url));
  OG_TRY(og_pb_put_bytes(cx, &any, 2, value));
  OG_TRY(og_pb_put_bytes(cx, &direct, 1, og_buf_str(&any)));
  OG_TRY(og_pb_put_bytes(cx, &encoding, 2, og_buf_str(&direct)));
  return og_pb_put_bytes(cx, out, num, og_buf_str(&encoding));
}

static og_status store_page(og_ctx *cx, og_lance_file_writer *w, column_out *c, const og_lance__page_out *page,
                            uint64_t rows)
{
  OG_AUTO(og_buf) message = {0};
  uint64_t offsets[OG_ARRAY_LEN(page->buffers)], sizes[OG_ARRAY_LEN(page->buffers)];
  for (uint32_t i = 0; i < page->n_buffers; i++) {
    OG_TRY(align(cx, w));
    offsets[i] = w->position;
    sizes[i] = page->buffers[i].len;
    if (sizes[i]) OG_TRY(append(cx, w, og_buf_str(&page->buffers[i])));
  }
  OG_TRY(og_pb_put_packed(cx, &message, 1, offsets, page->n_buffers));
  OG_TRY(og_pb_put_packed(cx, &message, 2, sizes, page->n_buffers));
  OG_TRY(og_pb_put_u64(cx, &message, 3, rows));
  OG_TRY(put_encoding(cx, &message, 4, OG_STR("/lance.encodings21.PageLayout"), og_buf_str(&page->layout)));
  OG_TRY(og_pb_put_u64(cx, &message, 5, c->rows_done));
  OG_TRY(og_pb_put_bytes(cx, &c->pages, 2, og_buf_str(&message)));
  c->rows_done += rows;
  return OG_OK;
}

/* A page that is encoded, and not in the file yet. */
typedef struct encoded {
  og_lance__page_out page;
  uint64_t rows;
} encoded;

typedef struct flushing {
  og_lance_file_writer *w;
  const uint32_t *columns;
  og_vec *pages; /* encoded, per column */
} flushing;

static og_status encode_part(og_ctx *cx, const og_lance_file_writer *w, const og_lance__steer *steer,
                             const og_lance__leaf *part, bool large, og_vec *pages)
{
  encoded *e = og_vec_push(cx, pages);
  if (!e) return OG_ENOMEM;
  e->rows = part->n_rows;
  return og_lance__page_write(cx, part, steer, w->version.minor, large, &e->page);
}

/* All rows gathered for a column, as one page unless og_lance__leaf_split cuts them. */
static og_status encode_column(og_ctx *cx, void *arg, size_t item, unsigned worker)
{
  const flushing *f = arg;
  const og_lance__leaf *l = &f->w->leaves[f->columns[item]];
  uint64_t slot = 0;
  (void)worker;
  for (uint64_t from = 0, to; from < l->n_entries; from = to) {
    OG_AUTO(og_lance__leaf) part = {0};
    const og_lance__leaf *whole = l;
    bool large;
    og_lance__leaf_split(l, from, &to, &large);
    if (from > 0 || to < l->n_entries) {
      og_lance__leaf_init(&part, l->path, l->slots.shape);
      OG_TRY(og_lance__leaf_copy(cx, &part, l, from, to, slot));
      slot += part.slots.n;
      whole = &part;
    }
    OG_TRY(encode_part(cx, f->w, &f->w->columns[f->columns[item]].steer, whole, large, &f->pages[item]));
  }
  return OG_OK;
}

static og_status store_pages(og_ctx *cx, const flushing *f, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k < f->pages[i].len; k++) {
      const encoded *e = &OG_VEC_AT(&f->pages[i], encoded, k);
      OG_TRY(store_page(cx, f->w, &f->w->columns[f->columns[i]], &e->page, e->rows));
    }
    og_lance__leaf_clear(&f->w->leaves[f->columns[i]]);
  }
  return OG_OK;
}

/* Pages are encoded side by side, and stored in the order of the columns, so that a file is the same with any pool. */
static og_status flush_columns(og_ctx *cx, og_lance_file_writer *w, const uint32_t *columns, size_t n)
{
  OG_AUTO(og_arena) scratch = {0};
  flushing f = {w, columns, og_arena_calloc(cx, &scratch, n + 1, sizeof *f.pages)};
  if (!f.pages) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++) f.pages[i] = OG_VEC_INIT(encoded);
  og_status st = og_parallel(cx, n, encode_column, &f);
  if (st == OG_OK) st = store_pages(cx, &f, n);
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k < f.pages[i].len; k++) og_lance__page_out_cleanup(&OG_VEC_AT(&f.pages[i], encoded, k).page);
    og_vec_cleanup(&f.pages[i]);
  }
  return st;
}

static og_status flush(og_ctx *cx, og_lance_file_writer *w, uint32_t column)
{
  return flush_columns(cx, w, &column, 1);
}

/* The columns that have gathered so many bytes. */
static og_status flush_full(og_ctx *cx, og_lance_file_writer *w, uint64_t bytes)
{
  OG_AUTO(og_arena) scratch = {0};
  uint32_t *full = og_arena_calloc(cx, &scratch, (size_t)w->n_columns + 1, sizeof *full);
  size_t n = 0;
  if (!full) return OG_ENOMEM;
  for (uint32_t i = 0; i < w->n_columns; i++)
    if (w->leaves[i].n_entries && og_lance__leaf_bytes(&w->leaves[i]) >= bytes) full[n++] = i;
  return flush_columns(cx, w, full, n);
}

static bool is_full(const og_lance__leaf *l)
{
  const bool wide = !l->path->n_lists && og_lance__shape_bits(&l->slots.shape) >= WIDE_BITS;
  return og_lance__leaf_bytes(l) >= (wide ? WIDE_BYTES : PAGE_BYTES);
}

/* Columns of a table fill up at about the same time: those that are half full go along, and encode beside each other.
 */
static og_status flush_if_full(og_ctx *cx, og_lance_file_writer *w)
{
  for (uint32_t i = 0; i < w->n_columns; i++)
    if (is_full(&w->leaves[i])) return flush_full(cx, w, PAGE_BYTES / 2);
  return OG_OK;
}

/* ---- Blobs. */

void og_lance_file_blobs_beside(og_lance_file_writer *w)
{
  w->blobs.beside = true;
}

/* Bytes that belong into this file; empty ones have a place, too. */
static og_status put_blob(og_ctx *cx, og_lance_file_writer *w, og_str bytes, uint64_t *position)
{
  OG_TRY(align(cx, w));
  *position = w->position;
  return bytes.len ? append(cx, w, bytes) : OG_OK;
}

og_status og_lance_file_blob_begin(og_ctx *cx, og_lance_file_writer *w, uint32_t field)
{
  og_lance__blob_coming *b = &w->coming;
  if (b->open || field >= w->schema->arrow->n_fields || !og_lance_is_blob(w->fields[field].field))
    return og_fail(cx, OG_EINTERNAL, "a blob of field %u cannot begin now", field);
  b->open = true;
  b->sizes = w->fields[field].sizes;
  b->size = 0;
  og_buf_clear(&b->held);
  w->coming_field = field;
  if (!w->blobs.beside) OG_TRY(align(cx, w)); /* its bytes go there as they come */
  return OG_OK;
}

og_status og_lance_file_blob_append(og_ctx *cx, og_lance_file_writer *w, og_str bytes)
{
  OG_INVARIANT(w->coming.open);
  if (bytes.len == 0) return OG_OK;
  if (w->blobs.beside) return og_lance__blobs_append(cx, &w->blobs, &w->coming, bytes);
  w->coming.size += bytes.len;
  return append(cx, w, bytes);
}

og_status og_lance_file_blob_end(og_ctx *cx, og_lance_file_writer *w, og_buf *ref)
{
  og_lance__blob_coming *b = &w->coming;
  og_lance__descriptor d = {OG_LANCE__BLOB_IN_FILE, w->position - b->size, b->size, 0, OG_STR_NONE};
  bool in_file = false;
  OG_INVARIANT(b->open);
  b->open = false;
  if (w->blobs.beside) OG_TRY(og_lance__blobs_end(cx, &w->blobs, b, &d, &in_file));
  if (in_file) OG_TRY(put_blob(cx, w, og_buf_str(&b->held), &d.position));
  return og_lance__ref_here(cx, &d, w->key, ref);
}

/* Another file's, piece by piece. */
static og_status copy_blob(og_ctx *cx, og_lance_file_writer *w, uint32_t field, const og_lance__ref *r,
                           og_lance__descriptor *out)
{
  OG_AUTO(og_buf) piece = {0};
  OG_AUTO(og_buf) ref = {0};
  og_lance__ref here;
  OG_TRY(og_lance_file_blob_begin(cx, w, field));
  og_status st = OG_OK;
  for (uint64_t at = 0; st == OG_OK && at < r->size; at += piece.len) {
    const uint64_t left = r->size - at;
    og_buf_clear(&piece);
    st = og_ctx_poll(cx);
    if (st == OG_OK)
      st = og_store_get_range(cx, w->store, r->text, r->off + at, left < STEP_BYTES ? left : STEP_BYTES, &piece);
    if (st == OG_OK) st = og_lance_file_blob_append(cx, w, og_buf_str(&piece));
  }
  OG_TRY(st);
  OG_TRY(og_lance_file_blob_end(cx, w, &ref));
  OG_TRY(og_lance__ref_parse(cx, og_buf_str(&ref), &here));
  *out = here.descriptor;
  return OG_OK;
}

static og_status place_bytes(og_ctx *cx, og_lance_file_writer *w, const top_field *f, og_str bytes,
                             og_lance__descriptor *out)
{
  bool in_file;
  OG_TRY(og_lance__blobs_put(cx, &w->blobs, &f->sizes, bytes, out, &in_file));
  return in_file ? put_blob(cx, w, bytes, &out->position) : OG_OK;
}

static og_status place_ref(og_ctx *cx, og_lance_file_writer *w, const top_field *f, og_str ref,
                           og_lance__descriptor *out)
{
  og_lance__ref r;
  OG_TRY(og_lance__ref_parse(cx, ref, &r));
  if (r.tag == OG_LANCE__REF_BYTES) return place_bytes(cx, w, f, r.text, out);
  if (r.tag == OG_LANCE__REF_COPY) return copy_blob(cx, w, (uint32_t)(f - w->fields), &r, out);
  if (r.tag == OG_LANCE__REF_HERE && !og_str_eq(r.text, w->key))
    return og_fail(cx, OG_EINTERNAL, "a blob that was given for data file " OG_STR_FMT, OG_STR_ARG(r.text));
  *out = r.descriptor;
  return OG_OK;
}

/* ---- Rows. */

/* A blob may come as a reference. */
static bool type_fits(const og_field *f, og_type type)
{
  return og_type_eq(type, f->type) || (type.id == OG_TYPE_BINARY && og_lance_is_blob(f));
}

static og_status check_batch(og_ctx *cx, const og_lance_file_writer *w, const og_batch *batch)
{
  const og_schema *s = w->schema->arrow;
  if (batch->n_columns != s->n_fields)
    return og_fail(cx, OG_EINVALID, "%u columns for a schema of %u", batch->n_columns, s->n_fields);
  for (uint32_t i = 0; i < s->n_fields; i++)
    if (!type_fits(&s->fields[i], batch->columns[i]->type) || batch->columns[i]->len != batch->len)
      return og_fail(cx, OG_EINVALID, "column \"" OG_STR_FMT "\" is %s, its field is %s", OG_STR_ARG(s->fields[i].name),
                     og_type_name(batch->columns[i]->type), og_type_name(s->fields[i].type));
  return OG_OK;
}

/* Rows of a column that make about STEP_BYTES: bytes per row are guessed from the buffers. */
static int64_t step_rows(const og_column *c)
{
  uint64_t bytes = 8 * (uint64_t)c->len + c->bytes_len + 1;
  if (c->type.id == OG_TYPE_FIXED_LIST) bytes += 8 * (uint64_t)c->len * (uint64_t)c->type.size;
  for (uint32_t i = 0; i < c->n_children; i++) bytes += 8 * (uint64_t)c->children[i]->len + c->children[i]->bytes_len;
  const uint64_t rows = (uint64_t)((double)STEP_BYTES / (double)bytes * (double)c->len);
  return rows < 1 ? 1 : (int64_t)rows;
}

static og_status write_rows(og_ctx *cx, og_lance_file_writer *w, const top_field *f, const og_column *c)
{
  const int64_t step = step_rows(c);
  for (int64_t from = 0; from < c->len; from += step) {
    const int64_t n = c->len - from < step ? c->len - from : step;
    OG_TRY(og_lance__shred(cx, f->field, c, from, n, &w->leaves[f->first]));
    for (uint32_t k = f->first; k < f->first + f->n; k++)
      if (og_lance__leaf_bytes(&w->leaves[k]) >= UINT64_C(2) * PAGE_BYTES)
        OG_TRY(flush(cx, w, k)); /* of a huge batch */
  }
  return OG_OK;
}

/* The bytes go to their place at once, their descriptors into the column. */
static og_status write_blobs(og_ctx *cx, og_lance_file_writer *w, const top_field *f, const og_column *c)
{
  OG_AUTO(og_buf) text = {0};
  OG_AUTO(og_builder_p) b = NULL;
  og_column *descriptors;
  OG_TRY(og_builder_new(cx, f->field, &b));
  for (int64_t i = 0; i < c->len; i++) {
    og_lance__descriptor d;
    if (og_column_is_null(c, i)) {
      OG_TRY(og_builder_null(cx, b));
      continue;
    }
    OG_TRY(c->type.id == OG_TYPE_BINARY ? place_ref(cx, w, f, og_column_str(c, i), &d)
                                        : place_bytes(cx, w, f, og_column_str(c, i), &d));
    og_buf_clear(&text);
    OG_TRY(og_lance__descriptor_put(cx, &d, &text));
    OG_TRY(og_builder_str(cx, b, og_buf_str(&text)));
  }
  OG_TRY(og_builder_finish(cx, b, &descriptors));
  og_status st = write_rows(cx, w, f, descriptors);
  og_column_unref(descriptors);
  return st;
}

static og_status write_column(og_ctx *cx, og_lance_file_writer *w, const top_field *f, const og_column *c)
{
  return og_lance_is_blob(f->field) ? write_blobs(cx, w, f, c) : write_rows(cx, w, f, c);
}

og_status og_lance_file_write(og_ctx *cx, og_lance_file_writer *w, const og_batch *batch)
{
  OG_TRY_NOTE(cx, check_batch(cx, w, batch), "while writing data file " OG_STR_FMT, OG_STR_ARG(w->key));
  for (uint32_t i = 0; i < batch->n_columns; i++) {
    OG_TRY(og_ctx_poll(cx));
    OG_TRY_NOTE(cx, write_column(cx, w, &w->fields[i], batch->columns[i]),
                "while writing column \"" OG_STR_FMT "\" of data file " OG_STR_FMT,
                OG_STR_ARG(w->fields[i].field->name), OG_STR_ARG(w->key));
  }
  w->n_rows += (uint64_t)batch->len;
  OG_TRY_NOTE(cx, flush_if_full(cx, w), "while writing data file " OG_STR_FMT, OG_STR_ARG(w->key));
  return OG_OK;
}

uint64_t og_lance_file_rows(const og_lance_file_writer *w)
{
  return w->n_rows;
}

uint64_t og_lance_file_bytes(const og_lance_file_writer *w)
{
  return w->position;
}

/* ---- Finishing. */

typedef struct table {
  og_buf pairs; /* u64 position, u64 size */
} table;

static void table_cleanup(table *t)
{
  og_buf_cleanup(&t->pairs);
}

static og_status append_entry(og_ctx *cx, og_lance_file_writer *w, table *t, og_str bytes)
{
  OG_TRY(og_buf_put_u64(cx, &t->pairs, w->position));
  OG_TRY(og_buf_put_u64(cx, &t->pairs, bytes.len));
  return append(cx, w, bytes);
}

og_status og_lance_file_writer_meta(og_ctx *cx, og_lance_file_writer *w, og_str key, og_str value)
{
  return og_lance_meta_entry_encode(cx, 5, key, value, &w->meta);
}

og_status og_lance_file_writer_global(og_ctx *cx, og_lance_file_writer *w, og_str bytes, uint32_t *number)
{
  OG_TRY(align(cx, w));
  OG_TRY(og_buf_put_u64(cx, &w->globals, w->position));
  OG_TRY(og_buf_put_u64(cx, &w->globals, bytes.len));
  *number = (uint32_t)(w->globals.len / 16);
  return append(cx, w, bytes);
}

/* FileDescriptor { 1 Schema { 1 fields, 5 metadata }, 2 rows } */
static og_status put_descriptor(og_ctx *cx, const og_lance_file_writer *w, og_buf *out)
{
  OG_AUTO(og_buf) schema = {0};
  OG_TRY(og_lance_file_fields_encode(cx, w->schema, 1, &schema));
  OG_TRY(og_lance_meta_encode(cx, w->schema, 5, &schema));
  OG_TRY(og_buf_append_str(cx, &schema, og_buf_str(&w->meta)));
  OG_TRY(og_pb_put_bytes(cx, out, 1, og_buf_str(&schema)));
  return og_pb_put_u64(cx, out, 2, w->n_rows);
}

static og_status put_column(og_ctx *cx, const column_out *c, og_buf *out)
{
  /* ColumnEncoding { 1 values {} } */
  OG_TRY(put_encoding(cx, out, 1, OG_STR("/lance.encodings.ColumnEncoding"), OG_STR("\x0a\x00")));
  return og_buf_append(cx, out, c->pages.data, c->pages.len);
}

static og_status put_footer(og_ctx *cx, const og_lance_file_writer *w, const uint64_t at[3], og_buf *out)
{
  for (int i = 0; i < 3; i++) OG_TRY(og_buf_put_u64(cx, out, at[i]));
  OG_TRY(og_buf_put_u32(cx, out, 1 + (uint32_t)(w->globals.len / 16)));
  OG_TRY(og_buf_put_u32(cx, out, w->n_columns));
  OG_TRY(og_buf_put_u16(cx, out, w->version.major));
  OG_TRY(og_buf_put_u16(cx, out, w->version.minor));
  return og_buf_append(cx, out, "LANC", 4);
}

static og_status write_end(og_ctx *cx, og_lance_file_writer *w)
{
  OG_AUTO(table) globals = {0};
  OG_AUTO(table) columns = {0};
  OG_AUTO(og_buf) bytes = {0};
  uint64_t at[3]; /* of column metadata, of its table, of the table of global buffers */
  OG_TRY(flush_full(cx, w, 0));
  OG_TRY(put_descriptor(cx, w, &bytes));
  OG_TRY(align(cx, w));
  OG_TRY(append_entry(cx, w, &globals, og_buf_str(&bytes)));
  at[0] = w->position;
  for (uint32_t i = 0; i < w->n_columns; i++) {
    og_buf_clear(&bytes);
    OG_TRY(put_column(cx, &w->columns[i], &bytes));
    OG_TRY(append_entry(cx, w, &columns, og_buf_str(&bytes)));
  }
  at[1] = w->position;
  if (columns.pairs.len) OG_TRY(append(cx, w, og_buf_str(&columns.pairs)));
  at[2] = w->position;
  OG_TRY(append(cx, w, og_buf_str(&globals.pairs)));
  if (w->globals.len) OG_TRY(append(cx, w, og_buf_str(&w->globals)));
  og_buf_clear(&bytes);
  OG_TRY(put_footer(cx, w, at, &bytes));
  return append(cx, w, og_buf_str(&bytes));
}

static og_status fill_stats(og_ctx *cx, const og_lance_file_writer *w, og_lance_file_stats *out)
{
  og_lance_file_stats s = {.rows = w->n_rows, .n_columns = w->n_columns};
  s.field_ids = og_push_array(cx, w->n_columns, sizeof *s.field_ids);
  s.column_indices = og_push_array(cx, w->n_columns, sizeof *s.column_indices);
  s.n_beside = (uint32_t)w->blobs.keys.len;
  s.beside = og_push_array(cx, (size_t)s.n_beside + 1, sizeof *s.beside);
  if (!s.field_ids || !s.column_indices || !s.beside) return OG_ENOMEM;
  for (uint32_t i = 0; i < s.n_beside; i++)
    OG_TRY(og_arena_str(cx, cx->arena, OG_VEC_AT(&w->blobs.keys, og_str, i), &s.beside[i]));
  for (uint32_t i = 0; i < w->n_columns; i++) {
    s.field_ids[i] = w->columns[i].field_id;
    s.column_indices[i] = (int32_t)i;
  }
  *out = s;
  return OG_OK;
}

og_status og_lance_file_finish(og_ctx *cx, og_lance_file_writer *w, og_lance_file_stats *out)
{
  og_lance_file_stats stats = {0};
  og_status st = og_lance__blobs_finish(cx, &w->blobs);
  if (st == OG_OK) st = fill_stats(cx, w, &stats);
  if (st == OG_OK) st = write_end(cx, w);
  stats.bytes = w->position;
  if (st == OG_OK) {
    og_store_writer *to = w->out;
    w->out = NULL;
    st = og_store_writer_finish(cx, w->store, to);
  }
  if (st == OG_OK)
    *out = stats;
  else
    st = og_note(cx, st, "while writing data file " OG_STR_FMT, OG_STR_ARG(w->key));
  og_lance_file_abort(cx, w);
  return st;
}

void og_lance_file_abort(og_ctx *cx, og_lance_file_writer *w)
{
  if (!w) return;
  if (w->out) og_store_writer_abort(cx, w->store, w->out);
  writer_free(cx, w);
}
