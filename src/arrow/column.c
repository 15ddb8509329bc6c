/* SPDX-License-Identifier: MIT */
/* arrow/column.c -- arrays that never change.
 *
 * A column is a typed view over at most three buffers and, for nested types, child columns:
 *
 *   type              data[0]                 data[1]   children
 *   null              -                       -         -
 *   bool              bits                    -         -
 *   fixed width       len values              -         -
 *   string, binary    len + 1 offsets         bytes     -
 *   list              len + 1 offsets         -         items
 *   fixed-size list   -                       -         items, len * size of them
 *   struct            -                       -         one per field, each of len rows
 *
 *  (1) There is no offset: row 0 is the first value of every buffer, and offsets[0] is 0.  This costs a copy when a
 *      range is cut out and saves an addition, and a chance to forget it, in every loop of the engine.
 *  (2) `nulls` is exact and `validity` is NULL exactly when it is 0, so loops choose the branch without nulls once.
 *  (3) A null slot holds zeros, or an empty string or list: equal columns are equal bytes, and encoders may look at
 *      values before nulls.  Rows below a null struct or fixed-size list may hold anything and are never looked at.
 *  (4) Bits behind len in the last byte of a bitmap are 0.
 *  (5) Buffers are readable 64 bytes beyond their end; those bytes are initialised.
 *
 * Columns are shared by reference count; the last holder frees.  The layout is Arrow's
 * (https://arrow.apache.org/docs/format/Columnar.html) so that export is free.
 */
#include "arrow/column_impl.h"

og_status og_column__alloc(og_ctx *cx, og_type type, int64_t len, uint32_t n_children, og_column **out)
{
  og_column *c = og_zalloc(cx, sizeof *c + n_children * sizeof(og_column *));
  if (!c) return OG_ENOMEM;
  atomic_init(&c->refs, 1);
  c->type = type;
  c->len = len;
  c->nulls = type.id == OG_TYPE_NULL ? len : 0;
  c->n_children = n_children;
  c->children = n_children ? (og_column **)(void *)(c + 1) : NULL;
  *out = c;
  return OG_OK;
}

void *og_column__buffer(og_ctx *cx, og_column *c, int slot, size_t size)
{
  void *p = og_alloc_aligned(cx, size);
  if (!p) return NULL;
  c->owned[slot] = p;
  if (slot == OG_SLOT_VALIDITY)
    c->validity = p;
  else
    c->data[slot - OG_SLOT_DATA0] = p;
  return p;
}

void *og_column__array(og_ctx *cx, og_column *c, int slot, int64_t n, size_t width)
{
  size_t size;
  if (OG_MUL_OVERFLOWS((size_t)n, width, &size)) {
    og_fail(cx, OG_ENOMEM, "out of memory (%lld values)", (long long)n);
    return NULL;
  }
  return og_column__buffer(cx, c, slot, size);
}

og_column *og_column_ref(og_column *c)
{
  atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
  return c;
}

void og_column_unref(og_column *c)
{
  if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1) return;
  for (uint32_t i = 0; i < c->n_children; i++) og_column_unref(c->children[i]);
  for (size_t i = 0; i < OG_ARRAY_LEN(c->owned); i++) og_free(c->owned[i]);
  og_free(c);
}

og_str og_column_str(const og_column *c, int64_t i)
{
  int64_t from = og_column__offset(c, i);
  return og_str_from((const char *)c->data[1] + from, (size_t)(og_column__offset(c, i + 1) - from));
}

void og_column_list(const og_column *c, int64_t i, int64_t *from, int64_t *to)
{
  if (c->type.id == OG_TYPE_FIXED_LIST) {
    *from = i * c->type.size;
    *to = *from + c->type.size;
    return;
  }
  *from = og_column__offset(c, i);
  *to = og_column__offset(c, i + 1);
}

og_status og_column__check_total(og_ctx *cx, og_type type, int64_t total)
{
  if (og_type_is_wide(type.id) || total <= INT32_MAX) return OG_OK;
  return og_fail(cx, OG_ELIMIT, "a column of type %s cannot hold %lld %s; use fewer rows or the large type",
                 og_type_name(type), (long long)total, og_type_is_varbin(type.id) ? "bytes" : "items");
}

/* ---- joining ranges: slice and concat ---- */

typedef struct span {
  const og_column *c;
  int64_t from, len;
} span;

static int64_t span_nulls(const span *s)
{
  if (s->from == 0 && s->len == s->c->len) return s->c->nulls;
  if (s->c->type.id == OG_TYPE_NULL) return s->len;
  return s->c->validity ? s->len - og_bits_count(s->c->validity, s->from, s->len) : 0;
}

static og_status join_validity(og_ctx *cx, og_column *out, const span *spans, size_t n)
{
  for (size_t i = 0; i < n; i++) out->nulls += span_nulls(&spans[i]);
  if (out->nulls == 0) return OG_OK;
  size_t bytes = og_bits_bytes(out->len);
  uint8_t *bits = og_column__buffer(cx, out, OG_SLOT_VALIDITY, bytes);
  if (!bits) return OG_ENOMEM;
  memset(bits, 0, bytes);
  int64_t at = 0;
  for (size_t i = 0; i < n; i++) {
    if (spans[i].c->validity)
      og_bits_copy(bits, at, spans[i].c->validity, spans[i].from, spans[i].len);
    else
      og_bits_fill(bits, at, spans[i].len);
    at += spans[i].len;
  }
  return OG_OK;
}

static og_status join_bits(og_ctx *cx, og_column *out, const span *spans, size_t n)
{
  size_t bytes = og_bits_bytes(out->len);
  uint8_t *bits = og_column__buffer(cx, out, OG_SLOT_DATA0, bytes);
  if (!bits) return OG_ENOMEM;
  memset(bits, 0, bytes);
  int64_t at = 0;
  for (size_t i = 0; i < n; at += spans[i++].len)
    og_bits_copy(bits, at, (const uint8_t *)spans[i].c->data[0], spans[i].from, spans[i].len);
  return OG_OK;
}

static og_status join_fixed(og_ctx *cx, og_column *out, const span *spans, size_t n)
{
  size_t width = og_type_width(out->type.id);
  uint8_t *at = og_column__array(cx, out, OG_SLOT_DATA0, out->len, width);
  if (!at) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++) {
    size_t bytes = (size_t)spans[i].len * width;
    if (bytes) memcpy(at, (const uint8_t *)spans[i].c->data[0] + (size_t)spans[i].from * width, bytes);
    at += bytes;
  }
  return OG_OK;
}

static void rebase_i32(int32_t *dst, const int32_t *src, int64_t n, int64_t delta)
{
  for (int64_t i = 0; i < n; i++) dst[i] = (int32_t)(src[i] + delta);
}

static void rebase_i64(int64_t *dst, const int64_t *src, int64_t n, int64_t delta)
{
  for (int64_t i = 0; i < n; i++) dst[i] = src[i] + delta;
}

/* Writes the joined offsets; inner[i] becomes the range of bytes or items span i covers. */
static og_status join_offsets(og_ctx *cx, og_column *out, const span *spans, size_t n, span *inner)
{
  bool wide = og_type_is_wide(out->type.id);
  int64_t total = 0, at = 1;
  for (size_t i = 0; i < n; i++) {
    const og_column *c = spans[i].c;
    int64_t from = spans[i].len ? og_column__offset(c, spans[i].from) : 0;
    int64_t to = spans[i].len ? og_column__offset(c, spans[i].from + spans[i].len) : 0;
    inner[i] = (span){c->n_children ? c->children[0] : c, from, to - from};
    total += to - from;
  }
  OG_TRY(og_column__check_total(cx, out->type, total));
  if (!og_column__array(cx, out, OG_SLOT_DATA0, out->len + 1, wide ? 8 : 4)) return OG_ENOMEM;
  og_column__set_offset(out, 0, 0);
  total = 0;
  for (size_t i = 0; i < n; i++) {
    int64_t delta = total - inner[i].from, first = spans[i].from + 1;
    if (spans[i].len && wide)
      rebase_i64((int64_t *)out->owned[OG_SLOT_DATA0] + at, og_column_i64(spans[i].c) + first, spans[i].len, delta);
    else if (spans[i].len)
      rebase_i32((int32_t *)out->owned[OG_SLOT_DATA0] + at, og_column_i32(spans[i].c) + first, spans[i].len, delta);
    at += spans[i].len;
    total += inner[i].len;
  }
  return OG_OK;
}

static og_status join_bytes(og_ctx *cx, og_column *out, const span *inner, size_t n)
{
  for (size_t i = 0; i < n; i++) out->bytes_len += (uint64_t)inner[i].len;
  char *at = og_column__buffer(cx, out, OG_SLOT_DATA1, (size_t)out->bytes_len);
  if (!at) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++) {
    if (inner[i].len) memcpy(at, (const char *)inner[i].c->data[1] + inner[i].from, (size_t)inner[i].len);
    at += inner[i].len;
  }
  return OG_OK;
}

static og_status join(og_ctx *cx, const span *spans, size_t n, og_column **out);

static og_status join_children(og_ctx *cx, og_column *out, const span *spans, size_t n, span *inner)
{
  int64_t scale = out->type.id == OG_TYPE_FIXED_LIST ? out->type.size : 1;
  for (uint32_t k = 0; k < out->n_children; k++) {
    for (size_t i = 0; i < n; i++)
      inner[i] = (span){spans[i].c->children[k], spans[i].from * scale, spans[i].len * scale};
    OG_TRY(join(cx, inner, n, &out->children[k]));
  }
  return OG_OK;
}

static og_status join_nested(og_ctx *cx, og_column *out, const span *spans, size_t n)
{
  span *inner = og_calloc(cx, n, sizeof *inner);
  if (!inner) return OG_ENOMEM;
  og_status st;
  if (og_type_has_offsets(out->type.id)) {
    st = join_offsets(cx, out, spans, n, inner);
    if (st == OG_OK && out->n_children)
      st = join(cx, inner, n, &out->children[0]);
    else if (st == OG_OK)
      st = join_bytes(cx, out, inner, n);
  } else {
    st = join_children(cx, out, spans, n, inner);
  }
  og_free(inner);
  return st;
}

static og_status join_values(og_ctx *cx, og_column *out, const span *spans, size_t n)
{
  if (out->type.id == OG_TYPE_NULL) return OG_OK;
  OG_TRY(join_validity(cx, out, spans, n));
  if (out->type.id == OG_TYPE_BOOL) return join_bits(cx, out, spans, n);
  if (og_type_width(out->type.id)) return join_fixed(cx, out, spans, n);
  return join_nested(cx, out, spans, n);
}

static og_status join(og_ctx *cx, const span *spans, size_t n, og_column **out)
{
  const og_column *first = spans[0].c;
  int64_t len = 0;
  for (size_t i = 0; i < n; i++) {
    const og_column *c = spans[i].c;
    if (!og_type_eq(c->type, first->type) || c->n_children != first->n_children)
      return og_fail(cx, OG_EINTERNAL, "cannot join columns of types %s and %s", og_type_name(first->type),
                     og_type_name(c->type));
    len += spans[i].len;
  }
  og_column *joined;
  OG_TRY(og_column__alloc(cx, first->type, len, first->n_children, &joined));
  og_status st = join_values(cx, joined, spans, n);
  if (st != OG_OK) {
    og_column_unref(joined);
    return st;
  }
  *out = joined;
  return OG_OK;
}

og_status og_column_slice(og_ctx *cx, og_column *c, int64_t from, int64_t len, og_column **out)
{
  OG_ASSERT(from >= 0 && len >= 0 && from <= c->len - len);
  if (len == c->len) {
    *out = og_column_ref(c);
    return OG_OK;
  }
  return join(cx, &(span){c, from, len}, 1, out);
}

og_status og_column_concat(og_ctx *cx, og_column *const *cols, size_t n, og_column **out)
{
  if (n == 0) return og_fail(cx, OG_EINTERNAL, "nothing to concatenate");
  if (n == 1) {
    *out = og_column_ref(cols[0]);
    return OG_OK;
  }
  span *spans = og_calloc(cx, n, sizeof *spans);
  if (!spans) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++) spans[i] = (span){cols[i], 0, cols[i]->len};
  og_status st = join(cx, spans, n, out);
  og_free(spans);
  return st;
}

/* ---- all-null columns ---- */

static og_status blank(og_ctx *cx, const og_field *field, int64_t len, bool null, og_column **out);

static og_status zero_buffer(og_ctx *cx, og_column *c, int slot, int64_t n, size_t width)
{
  void *p = og_column__array(cx, c, slot, n, width);
  if (!p) return OG_ENOMEM;
  memset(p, 0, (size_t)n * width);
  return OG_OK;
}

static og_status blank_children(og_ctx *cx, const og_field *field, og_column *c)
{
  int64_t rows = c->len;
  if (c->type.id == OG_TYPE_LIST || c->type.id == OG_TYPE_LARGE_LIST) rows = 0;
  if (c->type.id == OG_TYPE_FIXED_LIST && OG_MUL_OVERFLOWS(rows, (int64_t)c->type.size, &rows))
    return og_fail(cx, OG_ENOMEM, "out of memory (%lld vectors)", (long long)c->len);
  for (uint32_t i = 0; i < c->n_children; i++) OG_TRY(blank(cx, &field->children[i], rows, false, &c->children[i]));
  return OG_OK;
}

static og_status blank_values(og_ctx *cx, const og_field *field, bool null, og_column *c)
{
  og_type_id id = c->type.id;
  size_t width = og_type_width(id);
  if (id == OG_TYPE_NULL) return OG_OK;
  if (null && c->len) {
    OG_TRY(zero_buffer(cx, c, OG_SLOT_VALIDITY, (int64_t)og_bits_bytes(c->len), 1));
    c->nulls = c->len;
  }
  if (id == OG_TYPE_BOOL) return zero_buffer(cx, c, OG_SLOT_DATA0, (int64_t)og_bits_bytes(c->len), 1);
  if (width) return zero_buffer(cx, c, OG_SLOT_DATA0, c->len, width);
  if (og_type_has_offsets(id)) OG_TRY(zero_buffer(cx, c, OG_SLOT_DATA0, c->len + 1, og_type_is_wide(id) ? 8 : 4));
  if (og_type_is_varbin(id)) return zero_buffer(cx, c, OG_SLOT_DATA1, 0, 1);
  return blank_children(cx, field, c);
}

static og_status blank(og_ctx *cx, const og_field *field, int64_t len, bool null, og_column **out)
{
  og_column *c;
  OG_TRY(og_column__alloc(cx, field->type, len, field->n_children, &c));
  og_status st = blank_values(cx, field, null, c);
  if (st != OG_OK) {
    og_column_unref(c);
    return st;
  }
  *out = c;
  return OG_OK;
}

og_status og_column_nulls(og_ctx *cx, const og_field *field, int64_t len, og_column **out)
{
  return blank(cx, field, len, true, out);
}
