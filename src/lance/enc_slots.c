/* SPDX-License-Identifier: MIT */
#include "base/ctx.h"
#include "base/limits.h"
#include "lance/enc.h"

#include <inttypes.h>

void og_lance__mem_cleanup(og_lance__mem *m)
{
  og_free(m->data);
  *m = (og_lance__mem){0};
}

og_status og_lance__mem_reserve(og_ctx *cx, og_lance__mem *m, size_t more)
{
  size_t need;
  if (OG_ADD_OVERFLOWS(m->len, more, &need) || need > 4 * OG_LIMIT_PAGE_BYTES)
    return og_fail(cx, OG_ELIMIT, "decoded values of %zu + %zu bytes are more than a page may hold", m->len, more);
  if (need <= m->cap && m->data) return OG_OK; /* never without memory: NULL means failure */
  size_t cap = m->cap + m->cap / 2;
  if (cap < need) cap = need;
  if (cap < 64) cap = 64;
  uint8_t *data = og_alloc_aligned(cx, cap);
  if (!data) return OG_ENOMEM;
  if (m->len) memcpy(data, m->data, m->len);
  og_free(m->data);
  m->data = data;
  m->cap = cap;
  return OG_OK;
}

uint8_t *og_lance__mem_push(og_ctx *cx, og_lance__mem *m, size_t n)
{
  if (og_lance__mem_reserve(cx, m, n) != OG_OK) return NULL;
  uint8_t *at = m->data + m->len;
  m->len += n;
  return at;
}

og_status og_lance__mem_take(og_ctx *cx, og_lance__mem *m, void **out)
{
  size_t pad = (8 - m->len % 8) % 8;
  if (!m->data) OG_TRY(og_lance__mem_reserve(cx, m, 1));
  memset(m->data + m->len, 0, pad); /* og_alloc_aligned has room behind the end */
  *out = m->data;
  *m = (og_lance__mem){0};
  return OG_OK;
}

static bool packed_shape(const og_field *f, og_lance__shape *out)
{
  uint64_t bytes = 0;
  bool varies = false;
  for (uint32_t i = 0; i < f->n_children; i++) {
    og_lance__shape child;
    if (f->children[i].type.id == OG_TYPE_STRUCT || !og_lance__shape_of(&f->children[i], &child)) return false;
    if (child.form != OG_LANCE__FIXED && child.form != OG_LANCE__VARBIN) return false;
    varies = varies || child.form == OG_LANCE__VARBIN;
    if (child.form == OG_LANCE__FIXED) bytes += (uint64_t)child.width * child.dim;
  }
  *out = (og_lance__shape){.form = OG_LANCE__VARBIN, .dim = 1, .packed = true, .of = f};
  if (varies) return bytes <= OG_LIMIT_VECTOR_DIM;
  *out = (og_lance__shape){
      .form = OG_LANCE__FIXED, .width = 1, .dim = (uint32_t)bytes, .is_list = true, .packed = true, .of = f};
  return bytes > 0 && bytes <= OG_LIMIT_VECTOR_DIM;
}

bool og_lance__shape_of(const og_field *leaf, og_lance__shape *out)
{
  *out = (og_lance__shape){.dim = 1};
  og_type_id id = leaf->type.id;
  if (id == OG_TYPE_STRUCT) return packed_shape(leaf, out);
  if (id == OG_TYPE_FIXED_LIST) {
    out->is_list = true;
    out->dim = (uint32_t)leaf->type.size;
    id = leaf->children[0].type.id;
  }
  if (id == OG_TYPE_NULL)
    out->form = OG_LANCE__NONE;
  else if (id == OG_TYPE_BOOL)
    out->form = OG_LANCE__BITS;
  else if (og_type_is_varbin(id))
    out->form = OG_LANCE__VARBIN;
  else
    out->form = OG_LANCE__FIXED;
  out->width = og_type_width(id);
  out->wide = id == OG_TYPE_LARGE_UTF8 || id == OG_TYPE_LARGE_BINARY;
  return !og_type_is_nested(id);
}

uint64_t og_lance__shape_bits(const og_lance__shape *s)
{
  switch (s->form) {
  case OG_LANCE__FIXED: return (uint64_t)s->width * 8 * s->dim;
  case OG_LANCE__BITS: return s->dim;
  case OG_LANCE__VARBIN:
  case OG_LANCE__NONE: break;
  }
  return 0;
}

void og_lance__slots_init(og_lance__slots *s, og_lance__shape shape)
{
  *s = (og_lance__slots){.shape = shape};
}

void og_lance__slots_cleanup(og_lance__slots *s)
{
  og_lance__mem_cleanup(&s->data);
  og_lance__mem_cleanup(&s->offsets);
  og_lance__mem_cleanup(&s->valid);
  s->n = 0;
}

void og_lance__slots_clear(og_lance__slots *s)
{
  s->data.len = s->offsets.len = s->valid.len = 0;
  s->n = 0;
}

uint64_t og_lance__slots_bytes(const og_lance__slots *s)
{
  return s->data.len + s->offsets.len + s->valid.len;
}

/* ---- Bits. */

og_status og_lance__bits_fill(og_ctx *cx, og_lance__mem *m, uint64_t len, bool bit, uint64_t n)
{
  size_t need = (size_t)((len + n + 7) / 8);
  size_t old = m->len;
  if (need > old) {
    uint8_t *at = og_lance__mem_push(cx, m, need - old);
    if (!at) return OG_ENOMEM;
    memset(at, bit ? 0xff : 0, need - old);
  }
  if (!bit) return OG_OK;
  for (uint64_t i = len; i < len + n && i / 8 < old; i++) og_bit_set(m->data, (int64_t)i);
  if ((len + n) % 8) m->data[need - 1] &= (uint8_t)((1u << (len + n) % 8) - 1);
  return OG_OK;
}

og_status og_lance__bits_append(og_ctx *cx, og_lance__mem *m, uint64_t len, const uint8_t *src, uint64_t at, uint64_t n)
{
  if (n == 0) return OG_OK;
  OG_TRY(og_lance__bits_fill(cx, m, len, false, n));
  if (len % 8 == 0 && at % 8 == 0) {
    memcpy(m->data + len / 8, src + at / 8, (size_t)((n + 7) / 8));
    if ((len + n) % 8) m->data[(len + n) / 8] &= (uint8_t)((1u << (len + n) % 8) - 1);
    return OG_OK;
  }
  for (uint64_t i = 0; i < n; i++)
    if (og_bit_get(src, (int64_t)(at + i))) og_bit_set(m->data, (int64_t)(len + i));
  return OG_OK;
}

/* ---- Appending slots. */

static size_t offset_width(const og_lance__slots *s)
{
  return s->shape.wide ? 8 : 4;
}

uint64_t og_lance__slots_offset(const og_lance__slots *s, uint64_t i)
{
  if (s->offsets.len == 0) return 0;
  return s->shape.wide ? (uint64_t)((const int64_t *)(const void *)s->offsets.data)[i]
                       : (uint64_t)((const int32_t *)(const void *)s->offsets.data)[i];
}

og_status og_lance__slots_open(og_ctx *cx, og_lance__slots *s, uint64_t n, uint64_t bytes, uint8_t **bytes_at)
{
  size_t w = offset_width(s), more;
  if (bytes > OG_LIMIT_PAGE_BYTES || (!s->shape.wide && s->data.len + bytes > INT32_MAX))
    return og_fail(cx, OG_ELIMIT,
                   "%" PRIu64 " bytes of strings do not fit a column with 32-bit offsets; read fewer rows at once",
                   (uint64_t)s->data.len + bytes);
  if (s->offsets.len == 0) {
    uint8_t *first = og_lance__mem_push(cx, &s->offsets, w);
    if (!first) return OG_ENOMEM;
    memset(first, 0, w);
  }
  if (OG_MUL_OVERFLOWS((size_t)n, w, &more)) more = SIZE_MAX;
  if (!og_lance__mem_push(cx, &s->offsets, more)) return cx->err->status;
  *bytes_at = og_lance__mem_push(cx, &s->data, (size_t)bytes);
  if (!*bytes_at) return cx->err->status;
  s->n += n;
  return OG_OK;
}

static og_status check_count(og_ctx *cx, const og_lance__slots *s, uint64_t n, uint64_t *elems)
{
  if (n > OG_LIMIT_PAGE_BYTES || OG_MUL_OVERFLOWS(n, (uint64_t)s->shape.dim, elems))
    return og_fail(cx, OG_ELIMIT, "%" PRIu64 " values are more than a page may hold", n);
  return OG_OK;
}

og_status og_lance__slots_zeros(og_ctx *cx, og_lance__slots *s, uint64_t n)
{
  uint64_t elems = 0;
  uint8_t *at;
  OG_TRY(check_count(cx, s, n, &elems));
  if (s->valid.len) OG_TRY(og_lance__bits_fill(cx, &s->valid, s->n * s->shape.dim, true, elems));
  switch (s->shape.form) {
  case OG_LANCE__FIXED:
    if (elems > OG_LIMIT_PAGE_BYTES) return og_fail(cx, OG_ELIMIT, "%" PRIu64 " values in one page", elems);
    at = og_lance__mem_push(cx, &s->data, (size_t)elems * s->shape.width);
    if (!at) return cx->err->status;
    memset(at, 0, (size_t)elems * s->shape.width);
    break;
  case OG_LANCE__BITS: OG_TRY(og_lance__bits_fill(cx, &s->data, s->n * s->shape.dim, false, elems)); break;
  case OG_LANCE__VARBIN:
    OG_TRY(og_lance__slots_open(cx, s, n, 0, &at));
    for (uint64_t i = 0; i < n; i++) og_lance__slots_set_end(s, s->n - n + i, s->data.len);
    return OG_OK;
  case OG_LANCE__NONE: break;
  }
  s->n += n;
  return OG_OK;
}

static og_status copy_strings(og_ctx *cx, og_lance__slots *s, const og_lance__slots *src, uint64_t from, uint64_t n)
{
  uint64_t start = og_lance__slots_offset(src, from);
  uint64_t bytes = og_lance__slots_offset(src, from + n) - start;
  uint64_t base = s->data.len, first = s->n;
  uint8_t *at;
  OG_TRY(og_lance__slots_open(cx, s, n, bytes, &at));
  if (bytes) memcpy(at, src->data.data + start, (size_t)bytes);
  for (uint64_t i = 0; i < n; i++)
    og_lance__slots_set_end(s, first + i, og_lance__slots_offset(src, from + i + 1) - start + base);
  return OG_OK;
}

/* Brings the element bitmaps of both sides together before `elems` elements at `from_elem` are
 * appended. */
static og_status copy_validity(og_ctx *cx, og_lance__slots *s, const og_lance__slots *src, uint64_t from_elem,
                               uint64_t elems)
{
  uint64_t have = s->n * s->shape.dim;
  if (src->valid.len) {
    if (!s->valid.len) OG_TRY(og_lance__bits_fill(cx, &s->valid, 0, true, have));
    return og_lance__bits_append(cx, &s->valid, have, src->valid.data, from_elem, elems);
  }
  return s->valid.len ? og_lance__bits_fill(cx, &s->valid, have, true, elems) : OG_OK;
}

og_status og_lance__slots_copy(og_ctx *cx, og_lance__slots *s, const og_lance__slots *from_slots, uint64_t from,
                               uint64_t n)
{
  OG_ASSERT(from + n <= from_slots->n);
  if (n == 0) return OG_OK;
  if (s->shape.form == OG_LANCE__VARBIN) return copy_strings(cx, s, from_slots, from, n);
  const uint64_t dim = s->shape.dim, w = s->shape.width;
  uint64_t elems = 0;
  OG_TRY(check_count(cx, s, n, &elems));
  if (s->shape.is_list) OG_TRY(copy_validity(cx, s, from_slots, from * dim, elems));
  if (s->shape.form == OG_LANCE__BITS) {
    OG_TRY(og_lance__bits_append(cx, &s->data, s->n * dim, from_slots->data.data, from * dim, elems));
  } else if (s->shape.form == OG_LANCE__FIXED) {
    uint8_t *at = og_lance__mem_push(cx, &s->data, (size_t)(elems * w));
    if (!at) return cx->err->status;
    memcpy(at, from_slots->data.data + from * dim * w, (size_t)(elems * w));
  }
  s->n += n;
  return OG_OK;
}

/* ---- Dictionaries. */

static og_status bad_index(og_ctx *cx, uint32_t idx, uint64_t n)
{
  return og_fail(cx, OG_ECORRUPT, "a dictionary of %" PRIu64 " values has no value %" PRIu32, n, idx);
}

static og_status gather_strings(og_ctx *cx, og_lance__slots *s, const og_lance__slots *dict, const uint32_t *idx,
                                uint64_t n)
{
  uint64_t bytes = 0, first = s->n, end = s->data.len;
  uint8_t *at;
  for (uint64_t i = 0; i < n; i++) {
    if (idx[i] >= dict->n) return bad_index(cx, idx[i], dict->n);
    bytes += og_lance__slots_str(dict, idx[i]).len;
  }
  OG_TRY(og_lance__slots_open(cx, s, n, bytes, &at));
  for (uint64_t i = 0; i < n; i++) {
    og_str v = og_lance__slots_str(dict, idx[i]);
    if (v.len) memcpy(at, v.ptr, v.len);
    at += v.len;
    end += v.len;
    og_lance__slots_set_end(s, first + i, end);
  }
  return OG_OK;
}

og_status og_lance__slots_gather(og_ctx *cx, og_lance__slots *s, const og_lance__slots *dict, const uint32_t *idx,
                                 uint64_t n)
{
  if (s->shape.form == OG_LANCE__VARBIN) return gather_strings(cx, s, dict, idx, n);
  if (s->shape.form != OG_LANCE__FIXED) return og_fail(cx, OG_EUNSUPPORTED, "a dictionary of bits or null values");
  size_t w = (size_t)s->shape.width * s->shape.dim, bytes;
  if (OG_MUL_OVERFLOWS(w, (size_t)n, &bytes)) bytes = SIZE_MAX;
  uint8_t *at = og_lance__mem_push(cx, &s->data, bytes);
  if (!at) return cx->err->status;
  for (uint64_t i = 0; i < n; i++, at += w) {
    if (idx[i] >= dict->n) return bad_index(cx, idx[i], dict->n);
    memcpy(at, dict->data.data + idx[i] * w, w);
  }
  s->n += n;
  return OG_OK;
}
