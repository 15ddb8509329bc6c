/* SPDX-License-Identifier: MIT */
/* lance/file_v20.c -- reading the pages of file version 2.0, which nothing writes any more.
 *
 * Every field has a column, lists and structs too, in depth-first order.  A page holds an array, described by a tree of
 * array encodings over the page's buffers:
 *
 *   nullable    no nulls | validity bitmap and values | all null
 *   flat        values of fixed width, or bits
 *   fixed list  items, `dimension` for each row
 *   binary      ends of the values as u64 (a null's end is raised by null_adjustment), and their bytes
 *   dictionary  items, and for each row 0 (null) or 1 + an item's number
 *   fsst        binary with a symbol table
 *   list        ends of the lists like binary's, counted within the page's items, which are the next column's rows
 *   struct      nothing: structs cannot be null here
 *
 * A page is decoded from its buffers for each read of it: what has no reader's interest is not made fast.
 * Source: protos/encodings_v2_0.proto of the Lance project, and files written by Lance 10.
 */
#include "lance/file_impl.h"

#include "arrow/builder.h"
#include "base/ctx.h"
#include "lance/pb.h"

#include <inttypes.h>

enum { FLAT = 1, NULLABLE = 2, FIXED_LIST = 3, LIST = 4, STRUCT = 5, BINARY = 6, DICTIONARY = 7, FSST = 8 };

typedef struct reader {
  const og_lance_file *f;
  const og_lance__page *page;
  unsigned depth;
} reader;

static bool has_columns_below(const og_field *f)
{
  return f->type.id == OG_TYPE_STRUCT || f->type.id == OG_TYPE_LIST || f->type.id == OG_TYPE_LARGE_LIST;
}

uint32_t og_lance__v20_columns(const og_field *field)
{
  uint32_t n = 1;
  for (uint32_t i = 0; has_columns_below(field) && i < field->n_children; i++)
    n += og_lance__v20_columns(&field->children[i]);
  return n;
}

uint32_t og_lance__v20_first_leaf(const og_field *field)
{
  return has_columns_below(field) ? 1 + og_lance__v20_first_leaf(&field->children[0]) : 0;
}

/* ---- the tree */

/* Fields 1 to 3 of any of the messages: numbers and parts. */
typedef struct message {
  uint32_t kind; /* of an array encoding */
  uint64_t number[4];
  og_str part[4];
} message;

static og_status parse(og_ctx *cx, og_str bytes, message *out)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  og_pb_reader_init(&r, bytes, "array encoding");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) return OG_OK;
    if (f.num > 3) continue;
    out->number[f.num] = f.value;
    if (f.wire == OG_PB_BYTES) out->part[f.num] = f.bytes;
  }
}

/* The one member of an array encoding. */
static og_status parse_encoding(og_ctx *cx, og_str bytes, message *out)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  *out = (message){0};
  og_pb_reader_init(&r, bytes, "array encoding");
  OG_TRY(og_pb_next(cx, &r, &f, &more));
  if (!more) return og_fail(cx, OG_ECORRUPT, "an empty array encoding");
  OG_TRY(og_pb_expect(cx, &r, &f, OG_PB_BYTES));
  out->kind = f.num;
  return parse(cx, f.bytes, out);
}

static og_status parse_child(og_ctx *cx, const message *m, uint32_t part, message *out)
{
  if (!m->part[part].ptr) return og_fail(cx, OG_ECORRUPT, "an array encoding lacks its part %u", part);
  return parse_encoding(cx, m->part[part], out);
}

static og_status unknown(og_ctx *cx, uint32_t kind)
{
  return og_fail(cx, OG_EUNSUPPORTED, "array encoding number %u of file version 2.0", kind);
}

/* ---- buffers */

/* Buffer { 1 index, 2 where: 0 the page }. */
static og_status load(og_ctx *cx, const reader *r, og_str buffer, og_buf *out)
{
  message b = {0};
  OG_TRY(parse(cx, buffer, &b));
  if (b.number[2] != 0) return og_fail(cx, OG_EUNSUPPORTED, "a buffer that does not lie in its page");
  if (b.number[1] >= r->page->n_buffers)
    return og_fail(cx, OG_ECORRUPT, "buffer %" PRIu64 " of a page that has %u", b.number[1], r->page->n_buffers);
  uint64_t at = r->page->offsets[b.number[1]], n = r->page->sizes[b.number[1]];
  if (n > OG_LIMIT_PAGE_BYTES) return og_fail(cx, OG_ELIMIT, "%" PRIu64 " bytes in one page", n);
  if (n == 0) return OG_OK;
  return og_store_get_range(cx, r->f->store, r->f->key, at, n, out);
}

/* Flat { 1 bits, 2 buffer, 3 compression }. */
static og_status load_flat(og_ctx *cx, const reader *r, const message *m, uint64_t bits, uint64_t rows, og_buf *out)
{
  if (m->kind != FLAT) return unknown(cx, m->kind);
  if (m->part[3].len) return og_fail(cx, OG_EUNSUPPORTED, "compressed flat values in file version 2.0");
  if (m->number[1] != bits)
    return og_fail(cx, OG_ECORRUPT, "flat values of %" PRIu64 " bits where %" PRIu64 " are due", m->number[1], bits);
  OG_TRY(load(cx, r, m->part[2], out));
  uint64_t need;
  if (OG_MUL_OVERFLOWS(rows, bits, &need) || out->len < need / 8 + (need % 8 != 0))
    return og_fail(cx, OG_ECORRUPT, "%zu bytes cannot hold %" PRIu64 " values of %" PRIu64 " bits", out->len, rows,
                   bits);
  return OG_OK;
}

/* ---- validity, and what is wrapped into it */

typedef struct wrapped {
  message values;
  og_buf validity; /* bits of all the array's rows; empty: no nulls */
  bool all_null;
} wrapped;

static void wrapped_cleanup(wrapped *w)
{
  og_buf_cleanup(&w->validity);
}

/* Nullable { 1 { 1 values } | 2 { 1 validity, 2 values } | 3 {} }; anything else has no nulls. */
static og_status unwrap(og_ctx *cx, const reader *r, const message *m, uint64_t rows, wrapped *out)
{
  message in = {0}, bits;
  out->values = *m;
  if (m->kind != NULLABLE) return OG_OK;
  out->all_null = m->part[3].ptr != NULL;
  if (out->all_null) return OG_OK;
  if (m->part[1].ptr) {
    OG_TRY(parse(cx, m->part[1], &in));
    return parse_child(cx, &in, 1, &out->values);
  }
  if (!m->part[2].ptr) return og_fail(cx, OG_ECORRUPT, "a nullable array of no kind");
  OG_TRY(parse(cx, m->part[2], &in));
  OG_TRY(parse_child(cx, &in, 1, &bits));
  if (bits.kind == NULLABLE) { /* a bitmap has no nulls of its own */
    OG_TRY(parse(cx, bits.part[1], &in));
    OG_TRY(parse_child(cx, &in, 1, &bits));
    OG_TRY(parse(cx, m->part[2], &in));
  }
  OG_TRY(load_flat(cx, r, &bits, 1, rows, &out->validity));
  return parse_child(cx, &in, 2, &out->values);
}

static bool is_valid(const wrapped *w, uint64_t row)
{
  return !w->validity.len || og_bit_get(w->validity.data, (int64_t)row);
}

/* The bits of rows [from, to), from bit 0 on; NULL: no nulls. */
static og_status valid_bits(og_ctx *cx, const wrapped *w, uint64_t from, uint64_t to, og_buf *keep, const uint8_t **out)
{
  *out = NULL;
  if (!w->validity.len) return OG_OK;
  OG_TRY(og_buf_append_zeros(cx, keep, (size_t)((to - from) / 8 + 9)));
  og_bits_copy(keep->data, 0, w->validity.data, (int64_t)from, (int64_t)(to - from));
  *out = keep->data;
  return OG_OK;
}

/* ---- arrays */

typedef struct wanted {
  uint64_t rows;     /* of the array */
  uint64_t from, to; /* those to read: [from, to) */
} wanted;

static og_status array(og_ctx *cx, reader *r, const message *m, const og_field *f, wanted want, og_column **out);

static og_status flat_array(og_ctx *cx, const reader *r, const wrapped *w, const og_field *f, wanted want,
                            og_column **out)
{
  OG_AUTO(og_buf) values = {0};
  OG_AUTO(og_buf) bits = {0};
  OG_AUTO(og_buf) valid = {0};
  const uint8_t *validity;
  bool is_bool = f->type.id == OG_TYPE_BOOL;
  unsigned width = og_type_width(f->type.id);
  int64_t n = (int64_t)(want.to - want.from);
  if (!is_bool && width == 0) return unknown(cx, w->values.kind);
  OG_TRY(load_flat(cx, r, &w->values, is_bool ? 1 : 8ull * width, want.rows, &values));
  OG_TRY(valid_bits(cx, w, want.from, want.to, &valid, &validity));
  if (!is_bool) return og_column_from_fixed(cx, f->type, values.data + want.from * width, validity, n, out);
  OG_TRY(og_buf_append_zeros(cx, &bits, (size_t)n / 8 + 9));
  og_bits_copy(bits.data, 0, values.data, (int64_t)want.from, n);
  return og_column_from_fixed(cx, f->type, bits.data, validity, n, out);
}

/* FixedSizeList { 1 dimension, 2 items, 3 has_validity }. */
static og_status fixed_list_array(og_ctx *cx, reader *r, const wrapped *w, const og_field *f, wanted want,
                                  og_column **out)
{
  message items;
  og_column *child = NULL;
  OG_AUTO(og_buf) valid = {0};
  const uint8_t *validity;
  void *own = NULL;
  uint64_t dim = w->values.number[1], all;
  size_t n = (size_t)(want.to - want.from);
  if (f->type.id != OG_TYPE_FIXED_LIST || dim != (uint64_t)f->type.size || OG_MUL_OVERFLOWS(want.rows, dim, &all))
    return og_fail(cx, OG_ECORRUPT, "lists of %" PRIu64 " items for a type of %" PRId32, dim, f->type.size);
  OG_TRY(parse_child(cx, &w->values, 2, &items));
  OG_TRY(valid_bits(cx, w, want.from, want.to, &valid, &validity));
  OG_TRY(array(cx, r, &items, &f->children[0], (wanted){all, want.from * dim, want.to * dim}, &child));
  if (validity && (own = og_alloc_aligned(cx, n / 8 + 8))) memcpy(own, validity, n / 8 + 8);
  const og_column_parts parts = {
      .type = f->type, .len = (int64_t)n, .validity = own, .children = &child, .n_children = 1};
  og_status st = validity && !own ? OG_ENOMEM : og_column_adopt(cx, &parts, out);
  og_column_unref(child);
  return st;
}

static og_status put_number(og_ctx *cx, og_buf *to, uint64_t v)
{
  return og_buf_append(cx, to, &v, sizeof v);
}

/* u64 numbers of rows [from, to), whatever integer they are kept as. */
static og_status numbers(og_ctx *cx, const reader *r, const message *m, wanted want, og_buf *out)
{
  OG_AUTO(wrapped) w = {0};
  OG_AUTO(og_buf) raw = {0};
  OG_TRY(unwrap(cx, r, m, want.rows, &w));
  uint64_t bits = w.values.number[1];
  if (w.all_null || (bits != 8 && bits != 16 && bits != 32 && bits != 64))
    return og_fail(cx, OG_ECORRUPT, "positions of %" PRIu64 " bits", bits);
  OG_TRY(load_flat(cx, r, &w.values, bits, want.rows, &raw));
  for (uint64_t i = want.from; i < want.to; i++) {
    OG_TRY(put_number(cx, out, og_lance__uint(raw.data + i * (bits / 8), (unsigned)(bits / 8))));
  }
  return OG_OK;
}

static uint64_t number_at(const og_buf *numbers, uint64_t i)
{
  OG_INVARIANT(numbers->data && i < numbers->len / 8);
  return og_lance__u64(numbers->data + i * 8);
}

/* Where values or lists lie: row i of those wanted is [at[i], at[i + 1]) of what they are made of. */
typedef struct spans {
  og_buf at, null; /* u64; a byte each */
} spans;

static void spans_cleanup(spans *s)
{
  og_buf_cleanup(&s->at);
  og_buf_cleanup(&s->null);
}

/* An end as it is kept: raised by `raise` where the row is null.  It is not before `last`, nor beyond `limit`. */
static og_status lower_end(og_ctx *cx, uint64_t *end, uint64_t raise, uint64_t last, uint64_t limit, uint8_t *null)
{
  *null = raise && *end >= raise;
  if (*null) *end -= raise;
  if (*end >= last && *end <= limit) return OG_OK;
  return og_fail(cx, OG_ECORRUPT, "an end of %" PRIu64 " behind one of %" PRIu64 ", of %" PRIu64, *end, last, limit);
}

static og_status spans_of(og_ctx *cx, const reader *r, const message *ends, wanted want, const message *of,
                          uint64_t limit, spans *out)
{
  OG_AUTO(og_buf) list = {0};
  uint64_t raise = of->kind == LIST ? of->number[2] : of->number[3], last = 0, i = 0;
  uint8_t null;
  OG_TRY(numbers(cx, r, ends, (wanted){want.rows, want.from ? want.from - 1 : 0, want.to}, &list));
  if (want.from) { /* where the first row wanted begins */
    last = number_at(&list, i++);
    OG_TRY(lower_end(cx, &last, raise, 0, limit, &null));
  }
  OG_TRY(put_number(cx, &out->at, last));
  for (; i < list.len / 8; i++) {
    uint64_t end = number_at(&list, i);
    OG_TRY(lower_end(cx, &end, raise, last, limit, &null));
    OG_TRY(put_number(cx, &out->at, end));
    OG_TRY(og_buf_append_byte(cx, &out->null, null));
    last = end;
  }
  return OG_OK;
}

static og_status put_value(og_ctx *cx, og_builder *b, og_str v, const og_lance__fsst *fsst, og_buf *text)
{
  if (!fsst || v.len == 0) return og_builder_str(cx, b, v);
  og_buf_clear(text);
  OG_TRY(og_buf_reserve(cx, text, v.len * 8 + 8));
  size_t n = og_lance__fsst_expand(fsst, v, text->data);
  if (n == SIZE_MAX) return og_fail(cx, OG_ECORRUPT, "a string that its FSST table does not expand");
  text->len = n;
  return og_builder_str(cx, b, og_buf_str(text));
}

static og_status put_values(og_ctx *cx, const wrapped *w, uint64_t first, const spans *s, og_str data,
                            const og_lance__fsst *fsst, og_builder *b)
{
  OG_AUTO(og_buf) text = {0};
  for (uint64_t i = 0; i < s->null.len; i++) {
    og_str v = og_str_sub(data, (size_t)number_at(&s->at, i), (size_t)number_at(&s->at, i + 1));
    if (s->null.data[i] || !is_valid(w, first + i))
      OG_TRY(og_builder_null(cx, b));
    else
      OG_TRY(put_value(cx, b, v, fsst, &text));
  }
  return OG_OK;
}

/* Binary { 1 ends, 2 bytes, 3 null_adjustment }; with a table the bytes of each value are expanded. */
static og_status binary_array(og_ctx *cx, const reader *r, const wrapped *w, const og_field *f, wanted want,
                              const og_lance__fsst *fsst, og_column **out)
{
  const message *m = &w->values;
  message ends, bytes;
  OG_AUTO(wrapped) inner = {0};
  OG_AUTO(og_buf) data = {0};
  OG_AUTO(spans) s = {0};
  OG_AUTO(og_builder_p) b = NULL;
  if (m->kind != BINARY || !og_type_is_varbin(f->type.id)) return unknown(cx, m->kind);
  OG_TRY(parse_child(cx, m, 1, &ends));
  OG_TRY(parse_child(cx, m, 2, &bytes));
  OG_TRY(unwrap(cx, r, &bytes, 0, &inner));
  OG_TRY(load_flat(cx, r, &inner.values, 8, 0, &data));
  OG_TRY(spans_of(cx, r, &ends, want, m, data.len, &s));
  OG_TRY(og_builder_new(cx, f, &b));
  OG_TRY(put_values(cx, w, want.from, &s, og_buf_str(&data), fsst, b));
  return og_builder_finish(cx, b, out);
}

/* Fsst { 1 binary, 2 table }. */
static og_status fsst_array(og_ctx *cx, const reader *r, const wrapped *w, const og_field *f, wanted want,
                            og_column **out)
{
  og_lance__fsst table;
  wrapped inner = {.validity = w->validity};
  OG_TRY(parse_child(cx, &w->values, 1, &inner.values));
  if (w->values.part[2].len != OG_LANCE__FSST_TABLE)
    return og_fail(cx, OG_ECORRUPT, "an FSST table of %zu bytes", w->values.part[2].len);
  OG_TRY(og_lance__fsst_open(cx, w->values.part[2], &table));
  return binary_array(cx, r, &inner, f, want, &table, out);
}

/* Dictionary { 1 indices, 2 items, 3 number of items }. */
static og_status dictionary_array(og_ctx *cx, reader *r, const wrapped *w, const og_field *f, wanted want,
                                  og_column **out)
{
  message indices, values;
  OG_AUTO(og_buf) list = {0};
  og_column *items;
  uint64_t n = w->values.number[3];
  OG_TRY(parse_child(cx, &w->values, 1, &indices));
  OG_TRY(parse_child(cx, &w->values, 2, &values));
  OG_TRY(numbers(cx, r, &indices, want, &list));
  OG_TRY(array(cx, r, &values, f, (wanted){n, 0, n}, &items));
  int64_t *at = (int64_t *)(void *)list.data;
  og_status st = OG_OK;
  for (uint64_t i = 0; st == OG_OK && i < want.to - want.from; i++) {
    uint64_t k = number_at(&list, i);
    if (k > n) st = og_fail(cx, OG_ECORRUPT, "item %" PRIu64 " of a dictionary of %" PRIu64, k, n);
    at[i] = is_valid(w, want.from + i) ? (int64_t)k - 1 : -1;
  }
  if (st == OG_OK) st = og_column_take(cx, items, at, (int64_t)(want.to - want.from), out);
  og_column_unref(items);
  return st;
}

static og_status values_array(og_ctx *cx, reader *r, const wrapped *w, const og_field *f, wanted want, og_column **out)
{
  if (w->all_null) return og_column_nulls(cx, f, (int64_t)(want.to - want.from), out);
  switch (w->values.kind) {
  case FLAT: return flat_array(cx, r, w, f, want, out);
  case FIXED_LIST: return fixed_list_array(cx, r, w, f, want, out);
  case BINARY: return binary_array(cx, r, w, f, want, NULL, out);
  case DICTIONARY: return dictionary_array(cx, r, w, f, want, out);
  case FSST: return fsst_array(cx, r, w, f, want, out);
  default: return unknown(cx, w->values.kind);
  }
}

static og_status array(og_ctx *cx, reader *r, const message *m, const og_field *f, wanted want, og_column **out)
{
  OG_AUTO(wrapped) w = {0};
  if (++r->depth > OG_LANCE__ENC_MAX_DEPTH) return og_fail(cx, OG_ECORRUPT, "array encodings nest too deep");
  OG_TRY(unwrap(cx, r, m, want.rows, &w));
  OG_TRY(values_array(cx, r, &w, f, want, out));
  r->depth--;
  return OG_OK;
}

/* ---- columns */

typedef struct column_list {
  og_column **cols;
  size_t n;
} column_list;

static void column_list_cleanup(column_list *l)
{
  for (size_t i = 0; i < l->n; i++) og_column_unref(l->cols[i]);
  og_free(l->cols);
}

static og_status find_column(og_ctx *cx, const og_lance_file *f, uint32_t at, og_lance__rows want,
                             const og_lance__column **out)
{
  if (at >= f->n_columns)
    return og_fail(cx, OG_ECORRUPT, "the file has %u columns, number %u is asked for", f->n_columns, at);
  *out = &f->columns[at];
  if (want.to <= (*out)->n_rows) return OG_OK;
  return og_fail(cx, OG_ECORRUPT, "column %u has %" PRIu64 " rows, %" PRIu64 " are asked for", at, (*out)->n_rows,
                 want.to);
}

/* The part of `want` that lies in the page, relative to it. */
static bool in_page(const og_lance__page *p, og_lance__rows want, wanted *out)
{
  uint64_t end = p->first_row + p->n_rows;
  if (want.to <= p->first_row || want.from >= end || want.from == want.to) return false;
  out->rows = p->n_rows;
  out->from = want.from > p->first_row ? want.from - p->first_row : 0;
  out->to = (want.to < end ? want.to : end) - p->first_row;
  return true;
}

static og_status read_values(og_ctx *cx, const og_lance_file *f, const og_field *field, const og_lance__column *c,
                             og_lance__rows want, og_column **out)
{
  OG_AUTO(column_list) parts = {0};
  parts.cols = og_calloc(cx, c->n_pages + 1, sizeof *parts.cols);
  if (!parts.cols) return OG_ENOMEM;
  for (size_t i = 0; i < c->n_pages; i++) {
    message m;
    wanted here;
    reader r = {.f = f, .page = &c->pages[i]};
    if (!in_page(r.page, want, &here)) continue;
    OG_TRY(og_ctx_poll(cx));
    OG_TRY(parse_encoding(cx, r.page->layout, &m));
    OG_TRY_NOTE(cx, array(cx, &r, &m, field, here, &parts.cols[parts.n]), "while reading page %zu", i);
    parts.n++;
  }
  return parts.n ? og_column_concat(cx, parts.cols, parts.n, out) : og_column_nulls(cx, field, 0, out);
}

static og_status read_node(og_ctx *cx, const og_lance_file *f, const og_field *field, uint32_t at, og_lance__rows want,
                           og_column **out);

static og_status read_struct(og_ctx *cx, const og_lance_file *f, const og_field *field, uint32_t at,
                             og_lance__rows want, og_column **out)
{
  OG_AUTO(column_list) children = {0};
  children.cols = og_calloc(cx, field->n_children + 1, sizeof *children.cols);
  if (!children.cols) return OG_ENOMEM;
  at++;
  for (; children.n < field->n_children; children.n++) {
    const og_field *child = &field->children[children.n];
    OG_TRY(read_node(cx, f, child, at, want, &children.cols[children.n]));
    at += og_lance__v20_columns(child);
  }
  const og_column_parts parts = {.type = field->type,
                                 .len = (int64_t)(want.to - want.from),
                                 .children = children.cols,
                                 .n_children = field->n_children};
  return og_column_adopt(cx, &parts, out);
}

/* Spans of the lists wanted, as rows of the column of items. */
static og_status list_spans(og_ctx *cx, const og_lance_file *f, const og_lance__column *c, og_lance__rows want,
                            spans *out)
{
  uint64_t items = 0; /* of the pages before */
  for (size_t i = 0; i < c->n_pages; i++) {
    message m, ends;
    wanted here;
    OG_AUTO(spans) part = {0};
    reader r = {.f = f, .page = &c->pages[i]};
    OG_TRY(parse_encoding(cx, r.page->layout, &m));
    if (m.kind != LIST) return unknown(cx, m.kind);
    if (in_page(r.page, want, &here)) {
      OG_TRY(parse_child(cx, &m, 1, &ends));
      OG_TRY(spans_of(cx, &r, &ends, here, &m, m.number[3], &part));
      for (uint64_t k = out->at.len ? 1 : 0; k <= part.null.len; k++)
        OG_TRY(put_number(cx, &out->at, items + number_at(&part.at, k)));
      OG_TRY(og_buf_append(cx, &out->null, part.null.data, part.null.len));
    }
    if (OG_ADD_OVERFLOWS(items, m.number[3], &items)) return og_fail(cx, OG_ECORRUPT, "lists of too many items");
  }
  return OG_OK;
}

static og_status read_list(og_ctx *cx, const og_lance_file *f, const og_field *field, uint32_t at,
                           const og_lance__column *c, og_lance__rows want, og_column **out)
{
  OG_AUTO(spans) s = {0};
  OG_AUTO(og_builder_p) b = NULL;
  og_column *items = NULL;
  OG_TRY(list_spans(cx, f, c, want, &s));
  uint64_t n = s.null.len, base = n ? number_at(&s.at, 0) : 0;
  og_lance__rows all = {base, n ? number_at(&s.at, n) : 0};
  if (all.to < all.from || n != want.to - want.from) return og_fail(cx, OG_ECORRUPT, "lists that do not ascend");
  OG_TRY(og_builder_new(cx, field, &b));
  OG_TRY(read_node(cx, f, &field->children[0], at + 1, all, &items));
  og_status st = OG_OK;
  for (uint64_t i = 0; st == OG_OK && i < n; i++) {
    uint64_t from = number_at(&s.at, i), to = number_at(&s.at, i + 1);
    if (s.null.data[i]) {
      st = og_builder_null(cx, b);
      continue;
    }
    st = og_builder_list_begin(cx, b);
    if (st == OG_OK && to > from)
      st = og_builder_copy_range(cx, og_builder_child(b, 0), items, (int64_t)(from - base), (int64_t)(to - from));
    if (st == OG_OK) st = og_builder_list_end(cx, b);
  }
  if (st == OG_OK) st = og_builder_finish(cx, b, out);
  og_column_unref(items);
  return st;
}

static og_status read_node(og_ctx *cx, const og_lance_file *f, const og_field *field, uint32_t at, og_lance__rows want,
                           og_column **out)
{
  const og_lance__column *c = NULL;
  if (field->type.id == OG_TYPE_NULL) return og_column_nulls(cx, field, (int64_t)(want.to - want.from), out);
  OG_TRY(find_column(cx, f, at, want, &c));
  if (field->type.id == OG_TYPE_STRUCT) return read_struct(cx, f, field, at, want, out);
  return has_columns_below(field) ? read_list(cx, f, field, at, c, want, out) : read_values(cx, f, field, c, want, out);
}

og_status og_lance__v20_read(og_ctx *cx, const og_lance_file *f, const og_lance_column_ref *ref,
                             const og_lance__rows *rows, size_t n, og_column **out)
{
  OG_AUTO(column_list) parts = {0};
  uint32_t leaf = og_lance__v20_first_leaf(ref->field);
  if (ref->n_columns == 0 || ref->columns[0] < 0 || (uint32_t)ref->columns[0] < leaf)
    return og_fail(cx, OG_ECORRUPT, "a field whose columns are not where version 2.0 puts them");
  if (n == 0) return og_column_nulls(cx, ref->field, 0, out);
  parts.cols = og_calloc(cx, n, sizeof *parts.cols);
  if (!parts.cols) return OG_ENOMEM;
  for (; parts.n < n; parts.n++)
    OG_TRY(read_node(cx, f, ref->field, (uint32_t)ref->columns[0] - leaf, rows[parts.n], &parts.cols[parts.n]));
  OG_TRY(og_column_concat(cx, parts.cols, n, out));
  og_status st = og_column_check(cx, *out, OG_ECORRUPT);
  if (st != OG_OK) og_column_unref(*out);
  return st;
}
