/* SPDX-License-Identifier: MIT */
/* arrow/builder.c -- columns value by value.
 *
 * A builder is a column under construction: growing buffers instead of fixed ones, builders instead
 * of child columns.
 *
 *  (1) `len` counts finished rows.  Children of a list may be ahead of it while a row is open.
 *  (2) The validity bitmap appears with the first null; until then no append pays for it.
 *  (3) Bits behind the last row are 0, so finishing only has to hand the buffers over.
 *  (4) A null appends zeros, an empty string, an empty list, or valid zeros to the children of a struct or fixed-size
 *      list, whose own nullability then holds whatever the parent is.
 *
 * Buffers are handed to the column with the slack of doubling; copying them to size would cost more
 * than it saves.
 */
#include "arrow/builder.h"
#include "arrow/column_impl.h"

/* Growable memory from og_alloc_aligned, because a column adopts it. */
typedef struct slab {
  uint8_t *data;
  size_t len, cap;
} slab;

struct og_builder {
  og_type type;
  og_kind kind;
  uint8_t width; /* bytes per value, or per offset */
  bool open;     /* between list_begin and list_end */
  int64_t len, nulls;
  slab validity; /* bits; no memory before the first null */
  slab data;     /* values, bits or offsets */
  slab bytes;    /* of strings and binaries */
  uint32_t n_children;
  og_builder *children[];
};

#define MIN_SLAB 64u
#define PAD      64u

static og_status slab_grow(og_ctx *cx, slab *s, size_t more)
{
  size_t need, cap = s->cap < MIN_SLAB ? MIN_SLAB : s->cap;
  if (OG_ADD_OVERFLOWS(s->len, more, &need) || need > SIZE_MAX / 4)
    return og_fail(cx, OG_ENOMEM, "out of memory (%zu more bytes)", more);
  while (cap < need) cap *= 2;
  uint8_t *p = og_alloc_aligned(cx, cap);
  if (!p) return OG_ENOMEM;
  if (s->len) memcpy(p, s->data, s->len);
  og_free(s->data);
  s->data = p;
  s->cap = cap;
  return OG_OK;
}

static inline og_status slab_reserve(og_ctx *cx, slab *s, size_t more)
{
  return OG_LIKELY(s->cap - s->len >= more && s->data) ? OG_OK : slab_grow(cx, s, more);
}

static og_status slab_zeros(og_ctx *cx, slab *s, size_t n)
{
  OG_TRY(slab_reserve(cx, s, n));
  memset(s->data + s->len, 0, n);
  s->len += n;
  return OG_OK;
}

static og_status slab_append(og_ctx *cx, slab *s, const void *p, size_t n)
{
  OG_TRY(slab_reserve(cx, s, n));
  if (n) memcpy(s->data + s->len, p, n);
  s->len += n;
  return OG_OK;
}

/* Zeroed room for bits [0, bits). */
static og_status slab_bits(og_ctx *cx, slab *s, int64_t bits)
{
  size_t bytes = og_bits_bytes(bits);
  return bytes <= s->len ? OG_OK : slab_zeros(cx, s, bytes - s->len);
}

/* ---- life ---- */

static og_status check_field(og_ctx *cx, const og_field *f)
{
  og_kind kind = og_column__kind(f->type.id);
  if (kind == OG_KIND_LIST ? f->n_children != 1 : kind != OG_KIND_STRUCT && f->n_children != 0)
    return og_fail(cx, OG_EINVALID, "field '" OG_STR_FMT "' of type %s cannot have %u children", OG_STR_ARG(f->name),
                   og_type_name(f->type), f->n_children);
  if (f->type.id == OG_TYPE_FIXED_LIST && f->type.size < 1)
    return og_fail(cx, OG_EINVALID, "field '" OG_STR_FMT "' has lists of %d items; at least 1", OG_STR_ARG(f->name),
                   f->type.size);
  return OG_OK;
}

og_status og_builder_new(og_ctx *cx, const og_field *field, og_builder **out)
{
  OG_TRY(check_field(cx, field));
  og_builder *b = og_zalloc(cx, sizeof *b + field->n_children * sizeof(og_builder *));
  if (!b) return OG_ENOMEM;
  b->type = field->type;
  b->kind = og_column__kind(field->type.id);
  b->width = (uint8_t)og_type_width(field->type.id);
  if (og_type_has_offsets(field->type.id)) b->width = og_type_is_wide(field->type.id) ? 8 : 4;
  b->n_children = field->n_children;
  for (uint32_t i = 0; i < field->n_children; i++) {
    og_status st = og_builder_new(cx, &field->children[i], &b->children[i]);
    if (st == OG_OK) continue;
    og_builder_free(b);
    return st;
  }
  *out = b;
  return OG_OK;
}

void og_builder_free(og_builder *b)
{
  if (!b) return;
  for (uint32_t i = 0; i < b->n_children; i++) og_builder_free(b->children[i]);
  og_free(b->validity.data);
  og_free(b->data.data);
  og_free(b->bytes.data);
  og_free(b);
}

int64_t og_builder_len(const og_builder *b)
{
  return b->len;
}

uint64_t og_builder_bytes(const og_builder *b)
{
  uint64_t n = b->validity.len + b->data.len + b->bytes.len;
  for (uint32_t i = 0; i < b->n_children; i++) n += og_builder_bytes(b->children[i]);
  return n;
}

og_builder *og_builder_child(og_builder *b, uint32_t i)
{
  OG_ASSERT(i < b->n_children);
  return b->children[i];
}

/* ---- validity and offsets ---- */

/* Makes rows [len, len + n) valid or null in the bitmap; `len` moves later. */
static og_status mark(og_ctx *cx, og_builder *b, int64_t n, bool valid)
{
  if (b->type.id == OG_TYPE_NULL || (valid && !b->validity.data)) return OG_OK;
  bool first = !b->validity.data;
  OG_TRY(slab_bits(cx, &b->validity, b->len + n));
  if (first) og_bits_fill(b->validity.data, 0, b->len);
  if (valid)
    og_bits_fill(b->validity.data, b->len, n);
  else
    b->nulls += n;
  return OG_OK;
}

static inline og_status mark_valid(og_ctx *cx, og_builder *b)
{
  return OG_LIKELY(!b->validity.data) ? OG_OK : mark(cx, b, 1, true);
}

/* Room for n more offsets, and the leading 0. */
static og_status offsets_reserve(og_ctx *cx, og_builder *b, int64_t n)
{
  OG_TRY(slab_reserve(cx, &b->data, ((size_t)n + 1) * b->width));
  if (b->data.len == 0) OG_TRY(slab_zeros(cx, &b->data, b->width));
  return OG_OK;
}

static inline void offset_push(og_builder *b, int64_t v) /* memory is reserved */
{
  uint8_t *at = b->data.data + b->data.len;
  int32_t narrow = (int32_t)v;
  if (b->width == 8)
    memcpy(at, &v, 8);
  else
    memcpy(at, &narrow, 4);
  b->data.len += b->width;
}

/* What the offsets count: bytes or items so far. */
static int64_t extent(const og_builder *b)
{
  return b->n_children ? b->children[0]->len : (int64_t)b->bytes.len;
}

/* ---- nulls and blanks ---- */

static og_status append_blank(og_ctx *cx, og_builder *b, int64_t n, bool null);

static og_status blank_offsets(og_ctx *cx, og_builder *b, int64_t n)
{
  OG_TRY(offsets_reserve(cx, b, n));
  for (int64_t i = 0; i < n; i++) offset_push(b, extent(b));
  return OG_OK;
}

static og_status blank_children(og_ctx *cx, og_builder *b, int64_t n)
{
  int64_t inner = n;
  if (b->kind == OG_KIND_LIST && OG_MUL_OVERFLOWS(n, (int64_t)b->type.size, &inner))
    return og_fail(cx, OG_ENOMEM, "out of memory (%lld vectors)", (long long)n);
  for (uint32_t i = 0; i < b->n_children; i++) OG_TRY(append_blank(cx, b->children[i], inner, false));
  return OG_OK;
}

static og_status append_blank(og_ctx *cx, og_builder *b, int64_t n, bool null)
{
  og_status st;
  OG_TRY(mark(cx, b, n, !null));
  if (og_type_has_offsets(b->type.id))
    st = blank_offsets(cx, b, n);
  else if (b->width)
    st = slab_zeros(cx, &b->data, (size_t)n * b->width);
  else if (b->kind == OG_KIND_BOOL)
    st = slab_bits(cx, &b->data, b->len + n);
  else
    st = blank_children(cx, b, n);
  if (st == OG_OK) b->len += n;
  return st;
}

og_status og_builder_null(og_ctx *cx, og_builder *b)
{
  return append_blank(cx, b, 1, true);
}

/* ---- scalars ---- */

static og_status wrong_kind(og_ctx *cx, const og_builder *b, const char *what)
{
  return og_fail(cx, OG_EINTERNAL, "a %s column does not take %s", og_type_name(b->type), what);
}

og_status og_builder_bool(og_ctx *cx, og_builder *b, bool v)
{
  if (b->kind != OG_KIND_BOOL) return wrong_kind(cx, b, "a bool");
  OG_TRY(mark_valid(cx, b));
  OG_TRY(slab_bits(cx, &b->data, b->len + 1));
  if (v) og_bit_set(b->data.data, b->len);
  b->len++;
  return OG_OK;
}

static og_status out_of_range(og_ctx *cx, const og_builder *b)
{
  static const char *const names[] = {
      [OG_TYPE_I8] = "Int8",
      [OG_TYPE_I16] = "Int16",
      [OG_TYPE_I32] = "Int32",
      [OG_TYPE_I64] = "Int64",
      [OG_TYPE_U8] = "UInt8",
      [OG_TYPE_U16] = "UInt16",
      [OG_TYPE_U32] = "UInt32",
      [OG_TYPE_U64] = "UInt64",
      [OG_TYPE_DATE32] = "Date32",
      [OG_TYPE_DATE64] = "Date64",
      [OG_TYPE_TIMESTAMP] = "Timestamp",
      [OG_TYPE_TIME32] = "Time32",
      [OG_TYPE_TIME64] = "Time64",
      [OG_TYPE_DURATION] = "Duration",
  };
  return og_fail(cx, OG_EINVALID, "exceeds %s range", names[b->type.id]);
}

/* The value's low bytes are its little-endian form at any width. */
static og_status push_fixed(og_ctx *cx, og_builder *b, const void *v)
{
  OG_TRY(mark_valid(cx, b));
  OG_TRY(slab_reserve(cx, &b->data, 8));
  memcpy(b->data.data + b->data.len, v, 8);
  b->data.len += b->width;
  b->len++;
  return OG_OK;
}

og_status og_builder_i64(og_ctx *cx, og_builder *b, int64_t v)
{
  if (b->kind == OG_KIND_UINT) {
    if (v < 0) return out_of_range(cx, b);
    return og_builder_u64(cx, b, (uint64_t)v);
  }
  if (b->kind != OG_KIND_INT) return wrong_kind(cx, b, "an integer");
  unsigned spare = 64 - 8u * b->width;
  if (v > (INT64_MAX >> spare) || v < (INT64_MIN >> spare)) return out_of_range(cx, b);
  return push_fixed(cx, b, &v);
}

og_status og_builder_u64(og_ctx *cx, og_builder *b, uint64_t v)
{
  if (b->kind == OG_KIND_INT) {
    if (v > INT64_MAX) return out_of_range(cx, b);
    return og_builder_i64(cx, b, (int64_t)v);
  }
  if (b->kind != OG_KIND_UINT) return wrong_kind(cx, b, "an integer");
  if (v > (UINT64_MAX >> (64 - 8u * b->width))) return out_of_range(cx, b);
  return push_fixed(cx, b, &v);
}

og_status og_builder_f64(og_ctx *cx, og_builder *b, double v)
{
  uint64_t raw = 0;
  if (b->kind != OG_KIND_FLOAT) return wrong_kind(cx, b, "a float");
  if (b->type.id == OG_TYPE_F64) return push_fixed(cx, b, &v);
  if (b->type.id == OG_TYPE_F32) {
    float f = (float)v;
    memcpy(&raw, &f, sizeof f);
  } else {
    raw = og_f16_from_f64(v);
  }
  return push_fixed(cx, b, &raw);
}

og_status og_builder_raw(og_ctx *cx, og_builder *b, const void *bytes)
{
  if (b->kind != OG_KIND_INT && b->kind != OG_KIND_UINT && b->kind != OG_KIND_FLOAT)
    return wrong_kind(cx, b, "a value of fixed width");
  uint64_t raw = 0; /* push_fixed reads eight bytes */
  memcpy(&raw, bytes, b->width);
  return push_fixed(cx, b, &raw);
}

og_status og_builder_str(og_ctx *cx, og_builder *b, og_str v)
{
  if (b->kind != OG_KIND_BYTES) return wrong_kind(cx, b, "a string");
  size_t total;
  if (OG_ADD_OVERFLOWS(b->bytes.len, v.len, &total) || total > INT64_MAX) total = INT64_MAX;
  if (OG_UNLIKELY(b->width == 4 && total > INT32_MAX)) return og_column__check_total(cx, b->type, (int64_t)total);
  OG_TRY(offsets_reserve(cx, b, 1));
  OG_TRY(slab_append(cx, &b->bytes, v.ptr, v.len));
  OG_TRY(mark_valid(cx, b));
  offset_push(b, (int64_t)b->bytes.len);
  b->len++;
  return OG_OK;
}

/* ---- nested rows ---- */

og_status og_builder_list_begin(og_ctx *cx, og_builder *b)
{
  if (b->kind != OG_KIND_LIST) return wrong_kind(cx, b, "a list");
  if (b->open) return og_fail(cx, OG_EINTERNAL, "a list row is already open");
  b->open = true;
  return OG_OK;
}

og_status og_builder_list_end(og_ctx *cx, og_builder *b)
{
  if (!b->open) return og_fail(cx, OG_EINTERNAL, "no list row is open");
  int64_t items = b->children[0]->len;
  if (b->type.id == OG_TYPE_FIXED_LIST) {
    int64_t got = items - b->len * b->type.size;
    if (got != b->type.size)
      return og_fail(cx, OG_EINVALID, "expects %d dimensions, got %lld", b->type.size, (long long)got);
  } else {
    OG_TRY(og_column__check_total(cx, b->type, items));
    OG_TRY(offsets_reserve(cx, b, 1));
    offset_push(b, items);
  }
  OG_TRY(mark_valid(cx, b));
  b->open = false;
  b->len++;
  return OG_OK;
}

og_status og_builder_struct_end(og_ctx *cx, og_builder *b)
{
  if (b->kind != OG_KIND_STRUCT) return wrong_kind(cx, b, "a struct");
  for (uint32_t i = 0; i < b->n_children; i++)
    if (b->children[i]->len != b->len + 1)
      return og_fail(cx, OG_EINTERNAL, "member %u of a struct row is missing or doubled", i);
  OG_TRY(mark_valid(cx, b));
  b->len++;
  return OG_OK;
}

/* ---- copying ---- */

static og_status copy_validity(og_ctx *cx, og_builder *b, const og_column *c, int64_t from, int64_t n)
{
  int64_t nulls = c->validity ? n - og_bits_count(c->validity, from, n) : 0;
  if (nulls == 0) return mark(cx, b, n, true);
  OG_TRY(mark(cx, b, n, false));
  b->nulls += nulls - n; /* mark counted all of them */
  og_bits_copy(b->validity.data, b->len, c->validity, from, n);
  return OG_OK;
}

static og_status copy_offsets(og_ctx *cx, og_builder *b, const og_column *c, int64_t from, int64_t n)
{
  int64_t first = og_column__offset(c, from), total;
  int64_t delta = extent(b) - first;
  if (OG_ADD_OVERFLOWS(og_column__offset(c, from + n), delta, &total)) total = INT64_MAX;
  OG_TRY(og_column__check_total(cx, b->type, total));
  OG_TRY(offsets_reserve(cx, b, n));
  for (int64_t i = 1; i <= n; i++) offset_push(b, og_column__offset(c, from + i) + delta);
  int64_t inner = total - extent(b);
  if (b->n_children) return og_builder_copy_range(cx, b->children[0], c->children[0], first, inner);
  return slab_append(cx, &b->bytes, (const uint8_t *)c->data[1] + first, (size_t)inner);
}

static og_status copy_values(og_ctx *cx, og_builder *b, const og_column *c, int64_t from, int64_t n)
{
  if (b->kind == OG_KIND_NULL) return OG_OK;
  if (b->kind == OG_KIND_BOOL) {
    OG_TRY(slab_bits(cx, &b->data, b->len + n));
    og_bits_copy(b->data.data, b->len, (const uint8_t *)c->data[0], from, n);
    return OG_OK;
  }
  if (og_type_has_offsets(b->type.id)) return copy_offsets(cx, b, c, from, n);
  if (b->width)
    return slab_append(cx, &b->data, (const uint8_t *)c->data[0] + (size_t)from * b->width, (size_t)n * b->width);
  int64_t scale = b->kind == OG_KIND_LIST ? b->type.size : 1;
  for (uint32_t i = 0; i < b->n_children; i++)
    OG_TRY(og_builder_copy_range(cx, b->children[i], c->children[i], from * scale, n * scale));
  return OG_OK;
}

og_status og_builder_copy_range(og_ctx *cx, og_builder *b, const og_column *c, int64_t from, int64_t n)
{
  OG_ASSERT(from >= 0 && n >= 0 && from <= c->len - n);
  if (!og_type_eq(b->type, c->type) || b->n_children != c->n_children) return wrong_kind(cx, b, og_type_name(c->type));
  if (n == 0) return OG_OK;
  OG_TRY(copy_validity(cx, b, c, from, n));
  OG_TRY(copy_values(cx, b, c, from, n));
  b->len += n;
  return OG_OK;
}

og_status og_builder_copy(og_ctx *cx, og_builder *b, const og_column *c, int64_t i)
{
  return og_builder_copy_range(cx, b, c, i, 1);
}

/* ---- finish ---- */

/* Moves the slab into the column; what lies behind len is zeroed as far as readers may look. */
static og_status hand_over(og_ctx *cx, slab *s, og_column *c, int slot)
{
  OG_TRY(slab_reserve(cx, s, 0));
  size_t slack = s->cap - s->len;
  memset(s->data + s->len, 0, slack < PAD ? slack : PAD);
  c->owned[slot] = s->data;
  if (slot == OG_SLOT_VALIDITY)
    c->validity = s->data;
  else
    c->data[slot - OG_SLOT_DATA0] = s->data;
  *s = (slab){0};
  return OG_OK;
}

static og_status finish_into(og_ctx *cx, og_builder *b, og_column *c)
{
  og_type_id id = b->type.id;
  if (id == OG_TYPE_NULL) return OG_OK;
  c->nulls = b->nulls;
  if (b->validity.data) OG_TRY(hand_over(cx, &b->validity, c, OG_SLOT_VALIDITY));
  if (og_type_has_offsets(id)) OG_TRY(offsets_reserve(cx, b, 0));
  if (b->width || b->kind == OG_KIND_BOOL) OG_TRY(hand_over(cx, &b->data, c, OG_SLOT_DATA0));
  if (b->kind == OG_KIND_BYTES) {
    c->bytes_len = b->bytes.len;
    OG_TRY(hand_over(cx, &b->bytes, c, OG_SLOT_DATA1));
  }
  for (uint32_t i = 0; i < b->n_children; i++) OG_TRY(og_builder_finish(cx, b->children[i], &c->children[i]));
  return OG_OK;
}

og_status og_builder_finish(og_ctx *cx, og_builder *b, og_column **out)
{
  og_column *c;
  if (b->open) return og_fail(cx, OG_EINTERNAL, "a list row is still open");
  OG_TRY(og_column__alloc(cx, b->type, b->len, b->n_children, &c));
  og_status st = finish_into(cx, b, c);
  if (st != OG_OK) {
    og_column_unref(c);
    return st;
  }
  b->len = b->nulls = 0;
  *out = c;
  return OG_OK;
}
