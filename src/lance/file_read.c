/* SPDX-License-Identifier: MIT */
/* lance/file_read.c -- opening a data file and reading rows of it.
 *
 * A file is read from its end: the 40-byte footer names the tables of column metadata and of global
 * buffers, these name the pages.  One read of the tail usually brings all of it. (1) Every offset
 * and size is checked against the file's size when the file is opened; page decoders rely on it.
 *  (2) Columns have page boundaries of their own; a page holds whole rows.
 *  (3) An open file never changes, but for the directories of its pages (page_directory.c), which are kept once read:
 *      readers share it without locks.
 *  (4) Of a file no longer than the tail all bytes are kept: it costs one request to open and read.
 */
#include "base/ctx.h"
#include "base/vec.h"
#include "lance/blob.h"
#include "lance/file_impl.h"
#include "lance/pb.h"

#include <inttypes.h>

#define FOOTER_BYTES 40u
#define TAIL_BYTES   (64u << 10)
#define KEPT_BYTES   (16u << 10) /* of page directories, */
#define KEPT_SHARE   64          /* and this part of the file's size */

/* ---- The tail of the file. */

typedef struct tail {
  og_buf bytes;
  uint64_t from; /* position of its first byte */
} tail;

static void tail_cleanup(tail *t)
{
  og_buf_cleanup(&t->bytes);
}

/* Extends the tail down to `from`. */
static og_status tail_reach(og_ctx *cx, const og_lance_file *f, tail *t, uint64_t from)
{
  if (from >= t->from) return OG_OK;
  OG_AUTO(og_buf) more = {0};
  if (f->size - from > OG_LIMIT_MANIFEST_BYTES)
    return og_fail(cx, OG_ELIMIT, "metadata of %" PRIu64 " bytes", f->size - from);
  OG_TRY(og_store_get_range(cx, f->store, f->key, from, t->from - from, &more));
  OG_TRY(og_buf_append(cx, &more, t->bytes.data, t->bytes.len));
  og_buf_move(&t->bytes, &more);
  t->from = from;
  return OG_OK;
}

static og_status tail_view(og_ctx *cx, const og_lance_file *f, tail *t, og_range where, og_str *out)
{
  if (where.off > f->size || where.len > f->size - where.off)
    return og_fail(cx, OG_ECORRUPT, "%" PRIu64 " bytes at %" PRIu64 " lie behind the file's end", where.len, where.off);
  OG_TRY(tail_reach(cx, f, t, where.off));
  *out = og_str_from(t->bytes.data + (where.off - t->from), (size_t)where.len);
  return OG_OK;
}

typedef struct footer {
  uint64_t columns, column_table, global_table;
  uint32_t n_globals, n_columns;
} footer;

static og_status check_version(og_ctx *cx, uint16_t major, uint16_t minor)
{
  if (major == 2 && minor <= 3) return OG_OK;
  return og_fail(cx, OG_EUNSUPPORTED, "Lance file version %u.%u; versions 2.0 to 2.3 are read", major, minor);
}

static og_status read_footer(og_ctx *cx, og_lance_file *f, tail *t, footer *out)
{
  if (t->bytes.len < FOOTER_BYTES) return og_fail(cx, OG_ECORRUPT, "%" PRIu64 " bytes are no Lance file", f->size);
  const uint8_t *p = t->bytes.data + t->bytes.len - FOOTER_BYTES;
  if (memcmp(p + 36, "LANC", 4) != 0) return og_fail(cx, OG_ECORRUPT, "no Lance file: the mark at its end is missing");
  *out = (footer){.columns = og_lance__u64(p),
                  .column_table = og_lance__u64(p + 8),
                  .global_table = og_lance__u64(p + 16),
                  .n_globals = og_lance__u32(p + 24),
                  .n_columns = og_lance__u32(p + 28)};
  f->version = (og_lance_version){.major = og_lance__u16(p + 32), .minor = og_lance__u16(p + 34)};
  if (f->version.major == 0 && f->version.minor == 3) f->version = (og_lance_version){2, 0}; /* what 2.0 says here */
  OG_TRY(check_version(cx, f->version.major, f->version.minor));
  if (out->n_globals < 1) return og_fail(cx, OG_ECORRUPT, "a Lance file without a schema");
  return OG_OK;
}

/* A table of (position, size) pairs. */
static og_status read_table(og_ctx *cx, og_lance_file *f, tail *t, uint64_t at, uint32_t n, og_range **out)
{
  og_str bytes = OG_STR_NONE;
  OG_TRY(tail_view(cx, f, t, (og_range){.off = at, .len = 16 * (uint64_t)n}, &bytes));
  og_range *ranges = og_arena_calloc(cx, &f->arena, n, sizeof *ranges);
  if (!ranges) return OG_ENOMEM;
  for (uint32_t i = 0; i < n; i++) {
    ranges[i] = (og_range){.off = og_lance__u64(bytes.ptr + 16 * (size_t)i),
                           .len = og_lance__u64(bytes.ptr + 16 * (size_t)i + 8)};
    if (ranges[i].off > f->size || ranges[i].len > f->size - ranges[i].off)
      return og_fail(cx, OG_ECORRUPT, "entry %u of a table points behind the file's end", i);
  }
  *out = ranges;
  return OG_OK;
}

/* ---- Column metadata. */

/* Any { 1 url, 2 value } inside Direct { 1 bytes } inside Encoding { 2 direct }. */
static og_status page_layout_bytes(og_ctx *cx, const og_lance_file *file, og_str encoding, og_str *out)
{
  og_str part = encoding, url = OG_STR_NONE, value = OG_STR_NONE;
  const uint32_t steps[2] = {2, 1};
  og_pb_reader r;
  og_pb_field f;
  bool more;
  for (size_t i = 0; i < 2; i++) {
    og_str found = OG_STR_NONE;
    og_pb_reader_init(&r, part, "page encoding");
    for (;;) {
      OG_TRY(og_pb_next(cx, &r, &f, &more));
      if (!more) break;
      if (f.num == steps[i]) found = f.bytes;
    }
    if (!found.ptr) return og_fail(cx, OG_EUNSUPPORTED, "a page whose encoding does not stand in its metadata");
    part = found;
  }
  og_pb_reader_init(&r, part, "page encoding");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) break;
    if (f.num == 1) url = f.bytes;
    if (f.num == 2) value = f.bytes;
  }
  bool old = file->version.minor == 0;
  if (!og_str_eq(url, old ? OG_STR("/lance.encodings.ArrayEncoding") : OG_STR("/lance.encodings21.PageLayout")))
    return og_fail(cx, OG_EUNSUPPORTED, "a page described by \"" OG_STR_FMT "\"", OG_STR_ARG(url));
  *out = value;
  return OG_OK;
}

static og_status copy_numbers(og_ctx *cx, og_arena *a, const og_vec *v, const uint64_t **out)
{
  uint64_t *copy = og_arena_calloc(cx, a, v->len, sizeof *copy);
  if (!copy) return OG_ENOMEM;
  if (v->len) memcpy(copy, v->data, v->len * sizeof *copy);
  *out = copy;
  return OG_OK;
}

static og_status parse_page(og_ctx *cx, og_lance_file *f, og_str bytes, og_lance__page *out)
{
  OG_AUTO(og_vec) offsets = OG_VEC_INIT(uint64_t);
  OG_AUTO(og_vec) sizes = OG_VEC_INIT(uint64_t);
  og_str encoding = OG_STR_NONE, layout = OG_STR_NONE;
  og_pb_reader r;
  og_pb_field field;
  bool more;
  og_pb_reader_init(&r, bytes, "page");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &field, &more));
    if (!more) break;
    switch (field.num) {
    case 1: OG_TRY(og_pb_repeated_u64(cx, &r, &field, &offsets)); break;
    case 2: OG_TRY(og_pb_repeated_u64(cx, &r, &field, &sizes)); break;
    case 3: out->n_rows = field.value; break;
    case 4: encoding = field.bytes; break;
    default: break;
    }
  }
  if (offsets.len != sizes.len || offsets.len > 64)
    return og_fail(cx, OG_ECORRUPT, "%zu buffer positions and %zu sizes", offsets.len, sizes.len);
  for (size_t i = 0; i < offsets.len; i++) {
    const uint64_t off = OG_VEC_AT(&offsets, uint64_t, i), len = OG_VEC_AT(&sizes, uint64_t, i);
    if (off > f->size || len > f->size - off)
      return og_fail(cx, OG_ECORRUPT, "buffer %zu lies behind the file's end", i);
  }
  out->n_buffers = (uint32_t)offsets.len;
  OG_TRY(copy_numbers(cx, &f->arena, &offsets, &out->offsets));
  OG_TRY(copy_numbers(cx, &f->arena, &sizes, &out->sizes));
  OG_TRY(page_layout_bytes(cx, f, encoding, &layout));
  return og_arena_str(cx, &f->arena, layout, &out->layout);
}

static og_status parse_column(og_ctx *cx, og_lance_file *f, og_str bytes, og_lance__column *out)
{
  og_pb_reader r;
  og_pb_field field;
  bool more;
  size_t n = 0;
  og_pb_reader_init(&r, bytes, "column metadata");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &field, &more));
    if (!more) break;
    n += field.num == 2;
  }
  out->pages = og_arena_calloc(cx, &f->arena, n, sizeof *out->pages);
  if (!out->pages) return OG_ENOMEM;
  og_pb_reader_init(&r, bytes, "column metadata");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &field, &more));
    if (!more) return OG_OK;
    if (field.num != 2) continue;
    OG_TRY(og_pb_expect(cx, &r, &field, OG_PB_BYTES));
    og_lance__page *page = &out->pages[out->n_pages];
    OG_TRY_NOTE(cx, parse_page(cx, f, field.bytes, page), "while reading page %zu", out->n_pages);
    page->first_row = out->n_rows;
    if (OG_ADD_OVERFLOWS(out->n_rows, page->n_rows, &out->n_rows) || out->n_rows > INT64_MAX)
      return og_fail(cx, OG_ECORRUPT, "pages of more rows than can be");
    out->n_pages++;
  }
}

/* Schema { 1 fields, 5 metadata } */
static og_status parse_schema(og_ctx *cx, og_lance_file *f, og_str bytes)
{
  OG_AUTO(og_vec) fields = OG_VEC_INIT(og_str);
  OG_AUTO(og_vec) meta = OG_VEC_INIT(og_str);
  og_pb_reader r;
  og_pb_field field;
  bool more;
  og_pb_reader_init(&r, bytes, "schema");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &field, &more));
    if (!more) break;
    if (field.num == 1) OG_TRY(og_vec_add(cx, &fields, &field.bytes));
    if (field.num == 5) OG_TRY(og_vec_add(cx, &meta, &field.bytes));
  }
  return og_lance_schema_decode(cx, (const og_str *)fields.data, fields.len, (const og_str *)meta.data, meta.len,
                                &f->schema);
}

/* FileDescriptor { 1 schema, 2 rows } */
static og_status parse_descriptor(og_ctx *cx, og_lance_file *f, og_str bytes)
{
  og_str schema = OG_STR_NONE;
  og_pb_reader r;
  og_pb_field field;
  bool more;
  og_pb_reader_init(&r, bytes, "file descriptor");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &field, &more));
    if (!more) break;
    if (field.num == 1) schema = field.bytes;
    if (field.num == 2) f->n_rows = field.value;
  }
  if (f->n_rows > INT64_MAX) return og_fail(cx, OG_ECORRUPT, "a file of %" PRIu64 " rows", f->n_rows);
  return parse_schema(cx, f, schema);
}

static og_status open_metadata(og_ctx *cx, og_lance_file *f, tail *t)
{
  footer foot = {0};
  og_range *columns;
  og_str bytes = OG_STR_NONE;
  OG_TRY(read_footer(cx, f, t, &foot));
  OG_TRY(read_table(cx, f, t, foot.column_table, foot.n_columns, &columns));
  OG_TRY(read_table(cx, f, t, foot.global_table, foot.n_globals, &f->globals));
  f->n_globals = foot.n_globals;
  if (foot.columns < f->size) OG_TRY(tail_reach(cx, f, t, foot.columns));
  f->columns = og_arena_calloc(cx, &f->arena, foot.n_columns, sizeof *f->columns);
  if (!f->columns) return OG_ENOMEM;
  f->n_columns = foot.n_columns;
  for (uint32_t i = 0; i < foot.n_columns; i++) {
    OG_TRY(tail_view(cx, f, t, columns[i], &bytes));
    OG_TRY_NOTE(cx, parse_column(cx, f, bytes, &f->columns[i]), "while reading the metadata of column %u", i);
  }
  if (f->globals[0].off >= t->from) {
    OG_TRY(tail_view(cx, f, t, f->globals[0], &bytes));
    return parse_descriptor(cx, f, bytes);
  }
  OG_AUTO(og_buf) schema = {0};
  OG_TRY(og_lance_file_global_buffer(cx, f, 0, &schema));
  return parse_descriptor(cx, f, og_buf_str(&schema));
}

static og_status open_file(og_ctx *cx, og_str key, uint64_t size, og_lance_file *f)
{
  OG_AUTO(tail) t = {0};
  f->kept = og_arena_calloc(cx, &f->arena, 1, sizeof *f->kept);
  if (!f->kept) return OG_ENOMEM;
  OG_TRY(og_arena_str(cx, &f->arena, key, &f->key));
  OG_TRY(og_store_get_tail(cx, f->store, key, TAIL_BYTES, &t.bytes, &f->size));
  if (t.bytes.len > f->size) return og_fail(cx, OG_EIO, "the store returned more bytes than the object has");
  t.from = f->size - t.bytes.len;
  if (size && size != f->size)
    return og_fail(cx, OG_ECORRUPT, "the file has %" PRIu64 " bytes, its table says %" PRIu64, f->size, size);
  OG_TRY(open_metadata(cx, f, &t));
  if (t.from == 0) og_buf_move(&f->whole, &t.bytes);
  f->kept->most = KEPT_BYTES + f->size / KEPT_SHARE;
  return OG_OK;
}

og_status og_lance_file_open(og_ctx *cx, og_store *store, og_str key, uint64_t size, og_lance_file **out)
{
  og_lance_file *f = og_zalloc(cx, sizeof *f);
  if (!f) return OG_ENOMEM;
  atomic_init(&f->refs, 1);
  f->store = og_store_ref(store);
  og_status st = open_file(cx, key, size, f);
  if (st != OG_OK) {
    og_lance_file_unref(f);
    return og_note(cx, st, "while opening data file " OG_STR_FMT, OG_STR_ARG(key));
  }
  *out = f;
  return OG_OK;
}

og_lance_file *og_lance_file_ref(og_lance_file *f)
{
  atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
  return f;
}

void og_lance_file_unref(og_lance_file *f)
{
  if (!f || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1) return;
  for (uint32_t i = 0; i < f->n_columns; i++)
    for (size_t k = 0; k < f->columns[i].n_pages; k++) og_lance__directory_drop(&f->columns[i].pages[k]);
  og_lance_schema_unref(f->schema);
  og_buf_cleanup(&f->whole);
  og_store_unref(f->store);
  og_arena_cleanup(&f->arena);
  og_free(f);
}

uint64_t og_lance_file_num_rows(const og_lance_file *f)
{
  return f->n_rows;
}

og_lance_version og_lance_file_version(const og_lance_file *f)
{
  return f->version;
}

const og_lance_schema *og_lance_file_schema(const og_lance_file *f)
{
  return f->schema;
}

og_status og_lance_file_global_buffer(og_ctx *cx, og_lance_file *f, uint32_t n, og_buf *out)
{
  if (n >= f->n_globals)
    return og_fail(cx, OG_ECORRUPT, OG_STR_FMT " has %u global buffers, number %u is asked for", OG_STR_ARG(f->key),
                   f->n_globals, n);
  if (f->globals[n].len > OG_LIMIT_PAGE_BYTES)
    return og_fail(cx, OG_ELIMIT, "a global buffer of %" PRIu64 " bytes", f->globals[n].len);
  return og_store_get_range(cx, f->store, f->key, f->globals[n].off, f->globals[n].len, out);
}

/* Column of each leaf of version 2.0, where what is above a leaf has columns, too; *at moves behind the field's. */
static void old_columns(const og_field *f, uint32_t *at, int32_t **out)
{
  bool leaf = og_lance__v20_columns(f) == 1;
  if (leaf) *(*out)++ = (int32_t)*at;
  ++*at;
  for (uint32_t i = 0; !leaf && i < f->n_children; i++) old_columns(&f->children[i], at, out);
}

static og_status old_layout(og_ctx *cx, const og_lance_file *f, uint32_t top_field, og_lance_column_ref *out)
{
  const og_schema *s = f->schema->arrow;
  const og_field *field = &s->fields[top_field];
  uint32_t first = 0, n = og_lance__leaf_count(field);
  int32_t *columns = og_push_array(cx, n + 1, sizeof *columns), *next = columns;
  if (!columns) return OG_ENOMEM;
  for (uint32_t i = 0; i < top_field; i++) first += og_lance__v20_columns(&s->fields[i]);
  old_columns(field, &first, &next);
  *out = (og_lance_column_ref){.field = field, .columns = columns, .n_columns = n};
  return OG_OK;
}

og_status og_lance_file_layout(og_ctx *cx, const og_lance_file *f, uint32_t top_field, og_lance_column_ref *out)
{
  const og_schema *s = f->schema->arrow;
  uint64_t first = 0;
  if (top_field >= s->n_fields)
    return og_fail(cx, OG_EINVALID, OG_STR_FMT " has %u fields, number %u is asked for", OG_STR_ARG(f->key),
                   s->n_fields, top_field);
  if (f->version.minor == 0) return old_layout(cx, f, top_field, out);
  for (uint32_t i = 0; i < top_field; i++) first += og_lance__leaf_count(&s->fields[i]);
  const uint32_t n = og_lance__leaf_count(&s->fields[top_field]);
  if (first + n > f->n_columns)
    return og_fail(cx, OG_ECORRUPT, OG_STR_FMT " has %u columns, its schema needs more", OG_STR_ARG(f->key),
                   f->n_columns);
  int32_t *columns = og_push_array(cx, n, sizeof *columns);
  if (!columns) return OG_ENOMEM;
  for (uint32_t i = 0; i < n; i++) columns[i] = (int32_t)(first + i);
  *out = (og_lance_column_ref){.field = &s->fields[top_field], .columns = columns, .n_columns = n};
  return OG_OK;
}

/* ---- Reading rows. */

/* The rows wanted of the file, and how far they have been read. */
typedef struct picks {
  const og_lance__rows *rows;
  size_t n, at; /* at: the first range that goes on behind the pages read so far */
} picks;

/* The part of `want` that lies in a page, relative to it. */
static og_status page_rows(og_ctx *cx, og_arena *a, const og_lance__page *p, picks *want, og_lance__rows **out,
                           size_t *n_out)
{
  const uint64_t end = p->first_row + p->n_rows;
  const og_lance__rows *rows = want->rows;
  size_t stop = want->at;
  while (stop < want->n && rows[stop].from < end) stop++;
  og_lance__rows *here = og_arena_calloc(cx, a, stop - want->at, sizeof *here);
  if (!here) return OG_ENOMEM;
  size_t k = 0;
  for (size_t i = want->at; i < stop; i++) {
    const uint64_t from = rows[i].from > p->first_row ? rows[i].from : p->first_row;
    const uint64_t to = rows[i].to < end ? rows[i].to : end;
    if (from < to) here[k++] = (og_lance__rows){.from = from - p->first_row, .to = to - p->first_row};
  }
  while (want->at < want->n && rows[want->at].to <= end) want->at++;
  *out = here;
  *n_out = k;
  return OG_OK;
}

/* Grows the leaf once instead of page by page.  A guess from what the file says, so it is bounded
 * by the file's size: a short file cannot make us allocate much. */
static og_status reserve_rows(og_ctx *cx, const og_lance_file *f, const og_lance__column *c, const og_lance__rows *rows,
                              size_t n, og_lance__leaf *out)
{
  og_lance__slots *s = &out->slots;
  uint64_t want = 0, stored = 0;
  for (size_t i = 0; i < n; i++) want += rows[i].to - rows[i].from;
  for (size_t i = 0; i < c->n_pages; i++)
    for (uint32_t b = 0; b < c->pages[i].n_buffers; b++) stored += c->pages[i].sizes[b];
  if (want == 0 || want / 64 > f->size) return OG_OK;
  if (s->shape.form == OG_LANCE__VARBIN) {
    const double share = (double)want / (double)c->n_rows * (double)(stored < f->size ? stored : f->size);
    OG_TRY(og_lance__mem_reserve(cx, &s->offsets, (size_t)(want + 1) * (s->shape.wide ? 8 : 4)));
    return og_lance__mem_reserve(cx, &s->data, (size_t)share);
  }
  const uint64_t bytes = want * (og_lance__shape_bits(&s->shape) / 8);
  if (out->path->n_lists || bytes / 64 > f->size) return OG_OK;
  return og_lance__mem_reserve(cx, &s->data, (size_t)bytes);
}

static og_status read_leaf(og_ctx *cx, const og_lance_file *f, int32_t column, const og_lance__rows *rows, size_t n,
                           og_lance__leaf *out)
{
  if (column < 0 || (uint32_t)column >= f->n_columns)
    return og_fail(cx, OG_ECORRUPT, "the file has %u columns, number %" PRId32 " is asked for", f->n_columns, column);
  const og_lance__column *c = &f->columns[column];
  if (c->n_rows != f->n_rows)
    return og_fail(cx, OG_ECORRUPT, "column %" PRId32 " has %" PRIu64 " of the file's %" PRIu64 " rows", column,
                   c->n_rows, f->n_rows);
  OG_AUTO(og_arena) arena = {0};
  picks want = {.rows = rows, .n = n};
  OG_TRY(reserve_rows(cx, f, c, rows, n, out));
  for (size_t i = 0; i < c->n_pages && want.at < n; i++) {
    og_lance__rows *here;
    size_t n_here;
    og_lance__page_reader r = {.store = f->store,
                               .key = f->key,
                               .whole = og_buf_str(&f->whole),
                               .page = &c->pages[i],
                               .kept = f->kept,
                               .arena = &arena};
    if (rows[want.at].from >= r.page->first_row + r.page->n_rows) continue;
    OG_TRY(og_ctx_poll(cx));
    OG_TRY(page_rows(cx, &arena, r.page, &want, &here, &n_here));
    if (n_here == 0) continue;
    OG_TRY_NOTE(cx, og_lance__page_read(cx, &r, here, n_here, out), "while reading page %zu of column %" PRId32, i,
                column);
    og_arena_reset(&arena);
  }
  return OG_OK;
}

typedef struct leaf_set {
  og_lance__leaf *leaves;
  uint32_t n;
} leaf_set;

static void leaf_set_cleanup(leaf_set *s)
{
  for (uint32_t i = 0; i < s->n; i++) og_lance__leaf_cleanup(&s->leaves[i]);
}

static og_status read_ranges(og_ctx *cx, const og_lance_file *f, const og_lance_column_ref *ref,
                             const og_lance__rows *rows, size_t n, og_column **out)
{
  if (f->version.minor == 0) return og_lance__v20_read(cx, f, ref, rows, n, out);
  OG_AUTO(og_arena) arena = {0};
  OG_AUTO(leaf_set) set = {0};
  og_lance__leaf_info *infos;
  uint32_t n_leaves;
  OG_TRY(og_lance__leaves_of(cx, &arena, ref->field, &infos, &n_leaves));
  if (n_leaves != ref->n_columns)
    return og_fail(cx, OG_ECORRUPT, "a field of %u leaves in %u columns", n_leaves, ref->n_columns);
  set.leaves = og_arena_calloc(cx, &arena, n_leaves, sizeof *set.leaves);
  if (!set.leaves) return OG_ENOMEM;
  for (; set.n < n_leaves; set.n++) og_lance__leaf_init(&set.leaves[set.n], &infos[set.n].path, infos[set.n].shape);
  for (uint32_t i = 0; i < n_leaves; i++) OG_TRY(read_leaf(cx, f, ref->columns[i], rows, n, &set.leaves[i]));
  return og_lance__assemble(cx, ref->field, set.leaves, out);
}

static og_status read_blobs(og_ctx *cx, const og_lance_file *f, const og_lance_column_ref *ref,
                            const og_lance__rows *rows, size_t n, og_column **out)
{
  og_column *descriptors;
  OG_TRY(read_ranges(cx, f, ref, rows, n, &descriptors));
  og_status st = ref->refs ? og_lance__blobs_refer(cx, f->key, ref->field, descriptors, out)
                           : og_lance__blobs_fetch(cx, f->store, f->key, ref, descriptors, out);
  og_column_unref(descriptors);
  return st;
}

static og_status read_field(og_ctx *cx, const og_lance_file *f, const og_lance_column_ref *ref,
                            const og_lance__rows *rows, size_t n, og_column **out)
{
  OG_TRY_NOTE(
      cx, og_lance_is_blob(ref->field) ? read_blobs(cx, f, ref, rows, n, out) : read_ranges(cx, f, ref, rows, n, out),
      "while reading field \"" OG_STR_FMT "\" of " OG_STR_FMT, OG_STR_ARG(ref->field->name), OG_STR_ARG(f->key));
  return OG_OK;
}

og_status og_lance_file_read(og_ctx *cx, og_lance_file *f, const og_lance_column_ref *ref, uint64_t from, uint64_t n,
                             og_column **out)
{
  if (from > f->n_rows || n > f->n_rows - from)
    return og_fail(cx, OG_EINVALID, "rows %" PRIu64 " + %" PRIu64 " of " OG_STR_FMT ", which has %" PRIu64, from, n,
                   OG_STR_ARG(f->key), f->n_rows);
  const og_lance__rows rows = {.from = from, .to = from + n};
  return read_field(cx, f, ref, &rows, n ? 1 : 0, out);
}

og_status og_lance_file_blob(og_ctx *cx, og_lance_file *f, const og_lance_column_ref *ref, uint64_t row,
                             og_lance_blob *out)
{
  const og_lance__rows rows = {.from = row, .to = row + 1};
  og_column *c;
  if (row >= f->n_rows || !og_lance_is_blob(ref->field))
    return og_fail(cx, OG_EINVALID, "row %" PRIu64 " of field \"" OG_STR_FMT "\" of " OG_STR_FMT " is no blob", row,
                   OG_STR_ARG(ref->field->name), OG_STR_ARG(f->key));
  OG_TRY(read_ranges(cx, f, ref, &rows, 1, &c));
  *out = (og_lance_blob){.null = og_column_is_null(c, 0)};
  og_status st = out->null ? OG_OK : og_lance__blob_find(cx, f->store, f->key, ref, og_column_str(c, 0), out);
  og_column_unref(c);
  OG_TRY_NOTE(cx, st, "while reading field \"" OG_STR_FMT "\" of " OG_STR_FMT, OG_STR_ARG(ref->field->name),
              OG_STR_ARG(f->key));
  return OG_OK;
}

og_status og_lance_file_take(og_ctx *cx, og_lance_file *f, const og_lance_column_ref *ref, const uint64_t *rows,
                             size_t n, og_column **out)
{
  OG_AUTO(og_arena) arena = {0};
  og_lance__rows *ranges = og_arena_calloc(cx, &arena, n, sizeof *ranges);
  if (!ranges) return OG_ENOMEM;
  size_t k = 0;
  for (size_t i = 0; i < n; i++) {
    if (rows[i] >= f->n_rows || (i > 0 && rows[i] <= rows[i - 1]))
      return og_fail(cx, OG_EINVALID,
                     "row %" PRIu64 " of " OG_STR_FMT " is behind its %" PRIu64 " rows, or out of order", rows[i],
                     OG_STR_ARG(f->key), f->n_rows);
    if (k && ranges[k - 1].to == rows[i])
      ranges[k - 1].to++;
    else
      ranges[k++] = (og_lance__rows){.from = rows[i], .to = rows[i] + 1};
  }
  return read_field(cx, f, ref, ranges, k, out);
}
