/* SPDX-License-Identifier: MIT */
/* arrow/c_import.c -- schemas and arrays of the Arrow C data interface as ours.
 *
 * Arrays are copied, not wrapped: foreign buffers promise neither our alignment, nor readable
 * padding, nor zeros in null slots, nor offset 0, and everything above relies on these.  The
 * structures are released before returning, so that no foreign code runs later.
 *
 * The interface does not say how long buffers are; that a producer's `length` is true has to be
 * believed.  Everything that can be checked is: counts, signs, offsets, nesting, UTF-8, nulls where
 * there may be none.
 */
#include "arrow/builder.h"
#include "arrow/c_data.h"
#include "arrow/column_impl.h"
#include "base/limits.h"

/* ---- schemas ---- */

static const og_type *simple_type(og_str format)
{
  static const struct {
    const char *code;
    og_type type;
  } table[] = {
      {"n", {.id = OG_TYPE_NULL}},
      {"b", {.id = OG_TYPE_BOOL}},
      {"c", {.id = OG_TYPE_I8}},
      {"s", {.id = OG_TYPE_I16}},
      {"i", {.id = OG_TYPE_I32}},
      {"l", {.id = OG_TYPE_I64}},
      {"C", {.id = OG_TYPE_U8}},
      {"S", {.id = OG_TYPE_U16}},
      {"I", {.id = OG_TYPE_U32}},
      {"L", {.id = OG_TYPE_U64}},
      {"e", {.id = OG_TYPE_F16}},
      {"f", {.id = OG_TYPE_F32}},
      {"g", {.id = OG_TYPE_F64}},
      {"u", {.id = OG_TYPE_UTF8}},
      {"U", {.id = OG_TYPE_LARGE_UTF8}},
      {"z", {.id = OG_TYPE_BINARY}},
      {"Z", {.id = OG_TYPE_LARGE_BINARY}},
      {"tdD", {.id = OG_TYPE_DATE32}},
      {"tdm", {.id = OG_TYPE_DATE64}},
      {"tss:", {.id = OG_TYPE_TIMESTAMP, .unit = OG_UNIT_S}},
      {"tsm:", {.id = OG_TYPE_TIMESTAMP, .unit = OG_UNIT_MS}},
      {"tsu:", {.id = OG_TYPE_TIMESTAMP, .unit = OG_UNIT_US}},
      {"tsn:", {.id = OG_TYPE_TIMESTAMP, .unit = OG_UNIT_NS}},
      {"tss:UTC", {.id = OG_TYPE_TIMESTAMP, .unit = OG_UNIT_S, .utc = true}},
      {"tsm:UTC", {.id = OG_TYPE_TIMESTAMP, .unit = OG_UNIT_MS, .utc = true}},
      {"tsu:UTC", {.id = OG_TYPE_TIMESTAMP, .unit = OG_UNIT_US, .utc = true}},
      {"tsn:UTC", {.id = OG_TYPE_TIMESTAMP, .unit = OG_UNIT_NS, .utc = true}},
      {"tts", {.id = OG_TYPE_TIME32, .unit = OG_UNIT_S}},
      {"ttm", {.id = OG_TYPE_TIME32, .unit = OG_UNIT_MS}},
      {"ttu", {.id = OG_TYPE_TIME64, .unit = OG_UNIT_US}},
      {"ttn", {.id = OG_TYPE_TIME64, .unit = OG_UNIT_NS}},
      {"tDs", {.id = OG_TYPE_DURATION, .unit = OG_UNIT_S}},
      {"tDm", {.id = OG_TYPE_DURATION, .unit = OG_UNIT_MS}},
      {"tDu", {.id = OG_TYPE_DURATION, .unit = OG_UNIT_US}},
      {"tDn", {.id = OG_TYPE_DURATION, .unit = OG_UNIT_NS}},
      {"+l", {.id = OG_TYPE_LIST}},
      {"+L", {.id = OG_TYPE_LARGE_LIST}},
      {"+s", {.id = OG_TYPE_STRUCT}},
  };
  for (size_t i = 0; i < OG_ARRAY_LEN(table); i++)
    if (og_str_eq(format, og_str_of(table[i].code))) return &table[i].type;
  return NULL;
}

static og_status parse_format(og_ctx *cx, const struct ArrowSchema *s, og_field *f)
{
  og_str format = og_str_of(s->format);
  uint64_t size = 0;
  const og_type *simple = simple_type(format);
  if (simple) {
    f->type = *simple;
  } else if (og_str_starts_with(format, OG_STR("+w:")) && og_str_to_u64(og_str_sub(format, 3, format.len), &size)) {
    if (size < 1 || size > INT32_MAX)
      return og_fail(cx, OG_EUNSUPPORTED, "field '" OG_STR_FMT "' has lists of %llu items; 1 to %d are supported",
                     OG_STR_ARG(f->name), (unsigned long long)size, INT32_MAX);
    f->type = og_type_fixed_list((int32_t)size);
  } else {
    return og_fail(cx, OG_EUNSUPPORTED,
                   "field '" OG_STR_FMT "' has Arrow type '" OG_STR_FMT "', which is not supported",
                   OG_STR_ARG(f->name), OG_STR_ARG(format));
  }
  if (s->dictionary)
    return og_fail(cx, OG_EUNSUPPORTED, "field '" OG_STR_FMT "' is dictionary-encoded; decode it before handing it in",
                   OG_STR_ARG(f->name));
  bool list = og_column__kind(f->type.id) == OG_KIND_LIST, leaf = !og_type_is_nested(f->type.id);
  if ((list && s->n_children != 1) || (leaf && s->n_children != 0) || s->n_children < 0 ||
      (s->n_children && !s->children))
    return og_fail(cx, OG_EINVALID, "field '" OG_STR_FMT "' of type %s has %lld children", OG_STR_ARG(f->name),
                   og_type_name(f->type), (long long)s->n_children);
  return OG_OK;
}

static og_status read_metadata(og_ctx *cx, og_arena *a, const char *at, og_field *f)
{
  int32_t pairs, len;
  if (!at) return OG_OK;
  memcpy(&pairs, at, 4);
  if (pairs < 0)
    return og_fail(cx, OG_EINVALID, "metadata of field '" OG_STR_FMT "' has %d entries", OG_STR_ARG(f->name), pairs);
  og_str *meta = og_arena_calloc(cx, a, (size_t)pairs * 2, sizeof *meta);
  if (!meta) return OG_ENOMEM;
  at += 4;
  for (size_t i = 0; i < (size_t)pairs * 2; i++) {
    memcpy(&len, at, 4);
    if (len < 0)
      return og_fail(cx, OG_EINVALID, "metadata of field '" OG_STR_FMT "' has a text of %d bytes", OG_STR_ARG(f->name),
                     len);
    meta[i] = og_str_from(at + 4, (size_t)len);
    at += 4 + (size_t)len;
  }
  f->meta = meta;
  f->n_meta = (uint32_t)pairs;
  return OG_OK;
}

/* The field borrows names and metadata from `s`. */
static og_status import_field(og_ctx *cx, og_arena *a, const struct ArrowSchema *s, int depth, og_field *f)
{
  if (!s || !s->release || !s->format)
    return og_fail(cx, OG_EINVALID, "an Arrow schema was already released or has no format");
  if (depth > OG_LIMIT_TYPE_DEPTH)
    return og_fail(cx, OG_ELIMIT, "Arrow type is nested deeper than %d", OG_LIMIT_TYPE_DEPTH);
  *f = (og_field){.name = og_str_of(s->name), .nullable = (s->flags & ARROW_FLAG_NULLABLE) != 0};
  if (og_utf8_check(f->name) != SIZE_MAX) return og_fail(cx, OG_EINVALID, "the name of an Arrow field is not UTF-8");
  OG_TRY(parse_format(cx, s, f));
  OG_TRY(read_metadata(cx, a, s->metadata, f));
  if (s->n_children == 0) return OG_OK;
  if (s->n_children > OG_LIMIT_COLUMNS)
    return og_fail(cx, OG_ELIMIT, "field '" OG_STR_FMT "' has %lld children; at most %d", OG_STR_ARG(f->name),
                   (long long)s->n_children, OG_LIMIT_COLUMNS);
  og_field *children = og_arena_calloc(cx, a, (size_t)s->n_children, sizeof *children);
  if (!children) return OG_ENOMEM;
  for (int64_t i = 0; i < s->n_children; i++) OG_TRY(import_field(cx, a, s->children[i], depth + 1, &children[i]));
  f->children = children;
  f->n_children = (uint32_t)s->n_children;
  return OG_OK;
}

og_status og_arrow_import_schema(og_ctx *cx, struct ArrowSchema *in, og_schema **out)
{
  OG_AUTO(og_arena) arena = {0};
  og_field top = {0};
  og_status st = import_field(cx, &arena, in, 0, &top);
  if (st == OG_OK && top.type.id != OG_TYPE_STRUCT)
    st = og_fail(cx, OG_EINVALID, "an Arrow schema must be a struct, not %s", og_type_name(top.type));
  if (st == OG_OK) st = og_schema_new(cx, top.children, top.n_children, top.meta, top.n_meta, out);
  if (in && in->release) in->release(in);
  return st;
}

/* ---- arrays ---- */

/* Rows [at, at + len) of an array's buffers: its own offset and the range its parent asks for,
 * added up. */
typedef struct view {
  const og_field *f;
  const struct ArrowArray *a;
  int64_t at, len;
} view;

static og_status import_rows(og_ctx *cx, const og_field *f, const struct ArrowArray *a, int64_t from, int64_t len,
                             og_column **out);

static og_status bad_array(og_ctx *cx, const og_field *f, const char *what)
{
  return og_fail(cx, OG_EINVALID, "Arrow array of field '" OG_STR_FMT "' (%s) %s", OG_STR_ARG(f->name),
                 og_type_name(f->type), what);
}

static og_status check_array(og_ctx *cx, const og_field *f, const struct ArrowArray *a, int64_t from, int64_t len)
{
  int64_t end, want = og_type_is_varbin(f->type.id) ? 3 : 2;
  if (f->type.id == OG_TYPE_NULL) want = 0;
  if (f->type.id == OG_TYPE_STRUCT || f->type.id == OG_TYPE_FIXED_LIST) want = 1;
  if (!a || !a->release) return bad_array(cx, f, "was already released");
  if (a->dictionary) return bad_array(cx, f, "is dictionary-encoded");
  if (a->n_buffers != want || (want && !a->buffers)) return bad_array(cx, f, "has the wrong number of buffers");
  if (a->n_children != f->n_children || (f->n_children && !a->children))
    return bad_array(cx, f, "has the wrong number of children");
  if (a->length < 0 || a->offset < 0 || OG_ADD_OVERFLOWS(a->length, a->offset, &end))
    return bad_array(cx, f, "has a negative length or offset");
  if (OG_ADD_OVERFLOWS(from, len, &end) || end > a->length) return bad_array(cx, f, "is shorter than its parent needs");
  if (want && a->null_count > 0 && !a->buffers[0]) return bad_array(cx, f, "has nulls but no bitmap");
  return OG_OK;
}

/* n bits from bit `at`, aligned and with zeros behind. */
static og_status copy_bits(og_ctx *cx, const void *bits, int64_t at, int64_t n, void **out)
{
  size_t bytes = og_bits_bytes(n);
  uint8_t *copy = og_alloc_aligned(cx, bytes);
  if (!copy) return OG_ENOMEM;
  memset(copy, 0, bytes);
  og_bits_copy(copy, 0, (const uint8_t *)bits, at, n);
  *out = copy;
  return OG_OK;
}

static og_status copy_values(og_ctx *cx, const view *v, og_column_parts *p)
{
  const void *values = v->a->buffers[1];
  size_t width = og_type_width(v->f->type.id), size, skip;
  if (v->len && !values) return bad_array(cx, v->f, "has no values");
  if (v->f->type.id == OG_TYPE_BOOL) return copy_bits(cx, values, v->at, v->len, &p->data[0]);
  if (OG_MUL_OVERFLOWS((size_t)v->at, width, &skip) || OG_MUL_OVERFLOWS((size_t)v->len, width, &size))
    return bad_array(cx, v->f, "is too long");
  p->data[0] = og_alloc_aligned(cx, size);
  if (!p->data[0]) return OG_ENOMEM;
  if (size) memcpy(p->data[0], (const char *)values + skip, size);
  return OG_OK;
}

static int64_t offset_at(const view *v, int64_t i)
{
  const char *offsets = v->a->buffers[1]; /* perhaps unaligned */
  int32_t narrow;
  int64_t wide;
  if (og_type_is_wide(v->f->type.id)) {
    memcpy(&wide, offsets + (size_t)(v->at + i) * sizeof wide, sizeof wide);
    return wide;
  }
  memcpy(&narrow, offsets + (size_t)(v->at + i) * sizeof narrow, sizeof narrow);
  return narrow;
}

/* What the offsets of a view cover: [first, last) of the bytes or items, of which valid rows use
 * `used`. */
typedef struct cover {
  int64_t first, last, used;
} cover;

/* Checks the offsets and writes ours, in which null rows are empty. */
static og_status copy_offsets(og_ctx *cx, const view *v, og_column_parts *p, cover *out)
{
  size_t width = og_type_is_wide(v->f->type.id) ? 8 : 4, size;
  *out = (cover){0};
  if (v->len && !v->a->buffers[1]) return bad_array(cx, v->f, "has no offsets");
  if (OG_MUL_OVERFLOWS((size_t)v->len + 1, width, &size)) return bad_array(cx, v->f, "is too long");
  char *to = p->data[0] = og_alloc_aligned(cx, size);
  if (!to) return OG_ENOMEM;
  memset(to, 0, width);
  if (v->len == 0) return OG_OK;
  int64_t at = out->first = offset_at(v, 0);
  if (at < 0) return bad_array(cx, v->f, "has a negative offset");
  for (int64_t i = 0; i < v->len; i++) {
    int64_t next = offset_at(v, i + 1);
    if (next < at) return bad_array(cx, v->f, "has falling offsets");
    if (!p->validity || og_bit_get(p->validity, i)) out->used += next - at;
    memcpy(to + (size_t)(i + 1) * width, &out->used, width); /* the low bytes, little-endian */
    at = next;
  }
  out->last = at;
  return OG_OK;
}

static og_status copy_bytes(og_ctx *cx, const view *v, og_column_parts *p)
{
  cover c;
  OG_TRY(copy_offsets(cx, v, p, &c));
  const char *bytes = v->a->buffers[2];
  if (c.used && !bytes) return bad_array(cx, v->f, "has no bytes");
  char *to = p->data[1] = og_alloc_aligned(cx, (size_t)c.used);
  if (!to) return OG_ENOMEM;
  p->bytes_len = (uint64_t)c.used;
  if (c.used && c.used == c.last - c.first) {
    memcpy(to, bytes + c.first, (size_t)c.used);
    return OG_OK;
  }
  for (int64_t i = 0; c.used && i < v->len; i++) {
    if (!og_bit_get(p->validity, i)) continue;
    int64_t from = offset_at(v, i), n = offset_at(v, i + 1) - from;
    if (n) memcpy(to, bytes + from, (size_t)n);
    to += n;
  }
  return OG_OK;
}

/* Leaves out the items of null rows. */
static og_status pack_items(og_ctx *cx, const view *v, const og_column_parts *p, const cover *c, og_column **items)
{
  og_column *packed;
  int64_t at = 0, *idx = og_calloc(cx, (size_t)c->used, sizeof *idx);
  if (!idx) return OG_ENOMEM;
  for (int64_t i = 0; i < v->len; i++) {
    if (!og_bit_get(p->validity, i)) continue;
    for (int64_t k = offset_at(v, i); k < offset_at(v, i + 1); k++) idx[at++] = k - c->first;
  }
  og_status st = og_column_take(cx, *items, idx, at, &packed);
  og_free(idx);
  if (st != OG_OK) return st;
  og_column_unref(*items);
  *items = packed;
  return OG_OK;
}

static og_status copy_children(og_ctx *cx, const view *v, og_column_parts *p, og_column **children)
{
  int64_t from = v->at, len = v->len, end;
  cover c = {0};
  if (og_type_has_offsets(v->f->type.id)) {
    OG_TRY(copy_offsets(cx, v, p, &c));
    from = c.first;
    len = c.last - c.first;
  } else if (v->f->type.id == OG_TYPE_FIXED_LIST) {
    if (OG_MUL_OVERFLOWS(v->at + v->len, (int64_t)v->f->type.size, &end)) return bad_array(cx, v->f, "is too long");
    from *= v->f->type.size;
    len *= v->f->type.size;
  }
  for (uint32_t i = 0; i < v->f->n_children; i++)
    OG_TRY(import_rows(cx, &v->f->children[i], v->a->children[i], from, len, &children[i]));
  return c.used < c.last - c.first ? pack_items(cx, v, p, &c, &children[0]) : OG_OK;
}

static og_status copy_parts(og_ctx *cx, const view *v, og_column_parts *p, og_column **children)
{
  og_type_id id = v->f->type.id;
  if (id == OG_TYPE_NULL) return OG_OK;
  if (v->a->buffers[0] && v->a->null_count != 0) OG_TRY(copy_bits(cx, v->a->buffers[0], v->at, v->len, &p->validity));
  if (og_type_is_varbin(id)) return copy_bytes(cx, v, p);
  if (og_type_is_nested(id)) return copy_children(cx, v, p, children);
  return copy_values(cx, v, p);
}

static og_status import_rows(og_ctx *cx, const og_field *f, const struct ArrowArray *a, int64_t from, int64_t len,
                             og_column **out)
{
  OG_TRY(check_array(cx, f, a, from, len));
  og_column **children = og_calloc(cx, f->n_children, sizeof(og_column *));
  if (!children) return OG_ENOMEM;
  view v = {f, a, a->offset + from, len};
  og_column_parts p = {.type = f->type, .len = len, .children = children, .n_children = f->n_children};
  og_status st = copy_parts(cx, &v, &p, children);
  if (st == OG_OK) {
    st = og_column_adopt(cx, &p, out);
  } else {
    og_free(p.validity);
    og_free(p.data[0]);
    og_free(p.data[1]);
  }
  for (uint32_t i = 0; i < f->n_children; i++) og_column_unref(children[i]);
  og_free(children);
  return st;
}

static og_status import_top(og_ctx *cx, const og_field *f, const struct ArrowArray *batch, const struct ArrowArray *a,
                            og_column **out)
{
  og_column *c;
  OG_TRY(import_rows(cx, f, a, batch->offset, batch->length, &c));
  og_status st = og_column_check(cx, c, OG_EINVALID);
  if (st == OG_OK && !f->nullable && c->nulls)
    st = og_fail(cx, OG_EINVALID, "field is not nullable, but its array has %lld nulls", (long long)c->nulls);
  if (st != OG_OK) {
    og_column_unref(c);
    return og_note(cx, st, "while importing Arrow column '" OG_STR_FMT "'", OG_STR_ARG(f->name));
  }
  *out = c;
  return OG_OK;
}

static og_status import_columns(og_ctx *cx, const struct ArrowArray *in, const og_field *top, og_column **columns)
{
  OG_TRY(check_array(cx, top, in, 0, in->length));
  if (in->buffers[0] && in->null_count != 0 &&
      og_bits_count((const uint8_t *)in->buffers[0], in->offset, in->length) != in->length)
    return og_fail(cx, OG_EINVALID, "a row of an Arrow batch cannot be null as a whole");
  for (uint32_t i = 0; i < top->n_children; i++)
    OG_TRY(import_top(cx, &top->children[i], in, in->children[i], &columns[i]));
  return OG_OK;
}

og_status og_arrow_import_batch(og_ctx *cx, struct ArrowArray *in, og_schema *schema, og_batch **out)
{
  og_field top = {
      .name = OG_STR("batch"),
      .type = og_type_of(OG_TYPE_STRUCT),
      .children = schema->fields,
      .n_children = schema->n_fields,
  };
  og_column **columns = og_calloc(cx, schema->n_fields, sizeof(og_column *));
  og_status st = columns ? import_columns(cx, in, &top, columns) : OG_ENOMEM;
  if (st == OG_OK) st = og_batch_new(cx, schema, columns, schema->n_fields, in->length, out);
  for (uint32_t i = 0; columns && i < schema->n_fields; i++) og_column_unref(columns[i]);
  og_free(columns);
  if (in->release) in->release(in);
  return st;
}
