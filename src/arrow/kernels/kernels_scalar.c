/* SPDX-License-Identifier: MIT */
/* arrow/kernels/kernels_scalar.c -- the reference kernels: plain C, every entry, every type.
 *
 * A comparison is three decisions taken once per call, and a loop that takes none.  First the
 * operator becomes a set of accepted three-way results (less, equal, greater).  Then the right side
 * becomes a key of the column's own type: where it lies between two values the column can hold, or
 * beyond all of them, the set is adjusted so that the answer stays exact.  "x < 2.5" over integers
 * is "x <= 2"; "x = 2.5" accepts nothing; "u8 < 300" accepts all.  Set and key together are one
 * range of keys or everything outside one, so the loop needs a single comparison whatever the
 * operator.
 *
 * Nulls are compared like the zeros they hold and then dropped in a second pass, which columns
 * without nulls skip. sel_out may be sel_in: a row is written only at or before the place it was
 * read from.
 */
#include "arrow/column_impl.h"
#include "arrow/kernels/kernels_impl.h"

enum { LT = 1, EQ = 2, GT = 4, ALL = LT | EQ | GT };

typedef struct rows {
  const uint32_t *sel; /* NULL: 0..n */
  size_t n;
} rows;

static inline uint32_t row_at(rows in, size_t i)
{
  return in.sel ? in.sel[i] : (uint32_t)i;
}

static inline size_t accepted(unsigned accept, bool lt, bool gt)
{
  return (accept >> (1u - lt + gt)) & 1u;
}

/* Keys lo, lo + 1, ... lo + span modulo 2^64, or all others.  Serves signed and unsigned keys
 * alike. */
typedef struct range {
  uint64_t lo, span;
  bool outside;
} range;

static inline size_t in_range(range r, uint64_t key)
{
  return (size_t)(key - r.lo <= r.span) ^ r.outside;
}

static inline size_t accepted_cmp(unsigned accept, int cmp)
{
  return accepted(accept, cmp<0, cmp> 0);
}

static unsigned accept_of(og_cmp_op op)
{
  static const uint8_t masks[] = {
      [OG_CMP_EQ] = EQ,      [OG_CMP_NE] = LT | GT, [OG_CMP_LT] = LT,
      [OG_CMP_LE] = LT | EQ, [OG_CMP_GT] = GT,      [OG_CMP_GE] = GT | EQ};
  return masks[op];
}

#define T       int8_t
#define K       int64_t
#define KEY(v)  (v)
#define NAME(x) x##_i8
#include "arrow/kernels/fixed.inc.h"
#define T       int16_t
#define K       int64_t
#define KEY(v)  (v)
#define NAME(x) x##_i16
#include "arrow/kernels/fixed.inc.h"
#define T       int32_t
#define K       int64_t
#define KEY(v)  (v)
#define NAME(x) x##_i32
#include "arrow/kernels/fixed.inc.h"
#define T       int64_t
#define K       int64_t
#define KEY(v)  (v)
#define NAME(x) x##_i64
#include "arrow/kernels/fixed.inc.h"
#define T       uint8_t
#define K       uint64_t
#define KEY(v)  (v)
#define NAME(x) x##_u8
#include "arrow/kernels/fixed.inc.h"
#define T       uint16_t
#define K       uint64_t
#define KEY(v)  (v)
#define NAME(x) x##_u16
#include "arrow/kernels/fixed.inc.h"
#define T       uint32_t
#define K       uint64_t
#define KEY(v)  (v)
#define NAME(x) x##_u32
#include "arrow/kernels/fixed.inc.h"
#define T       uint64_t
#define K       uint64_t
#define KEY(v)  (v)
#define NAME(x) x##_u64
#include "arrow/kernels/fixed.inc.h"
#define T       uint16_t
#define K       int64_t
#define KEY(v)  og_f64_key(og_f16_to_f64(v))
#define NAME(x) x##_f16
#include "arrow/kernels/fixed.inc.h"
#define T       float
#define K       int64_t
#define KEY(v)  og_f64_key((double)(v))
#define NAME(x) x##_f32
#include "arrow/kernels/fixed.inc.h"
#define T       double
#define K       int64_t
#define KEY(v)  og_f64_key(v)
#define NAME(x) x##_f64
#include "arrow/kernels/fixed.inc.h"

typedef struct fixed_loops {
  size_t (*select)(const void *v, range keep, rows in, uint32_t *sel_out);
  size_t (*select_pair)(const void *a, unsigned accept, const void *b, rows in, uint32_t *sel_out);
  void (*hash)(const void *v, int64_t n, uint64_t *out);
} fixed_loops;

#define LOOPS(x)                                                                                   \
  {                                                                                                \
    select_##x, select_pair_##x, hash_##x                                                          \
  }
static const fixed_loops loops[OG_TYPE_STRUCT + 1] = {
    [OG_TYPE_I8] = LOOPS(i8),      [OG_TYPE_I16] = LOOPS(i16),       [OG_TYPE_I32] = LOOPS(i32),
    [OG_TYPE_I64] = LOOPS(i64),    [OG_TYPE_U8] = LOOPS(u8),         [OG_TYPE_U16] = LOOPS(u16),
    [OG_TYPE_U32] = LOOPS(u32),    [OG_TYPE_U64] = LOOPS(u64),       [OG_TYPE_F16] = LOOPS(f16),
    [OG_TYPE_F32] = LOOPS(f32),    [OG_TYPE_F64] = LOOPS(f64),       [OG_TYPE_DATE32] = LOOPS(i32),
    [OG_TYPE_DATE64] = LOOPS(i64), [OG_TYPE_TIMESTAMP] = LOOPS(i64), [OG_TYPE_TIME32] = LOOPS(i32),
    [OG_TYPE_TIME64] = LOOPS(i64), [OG_TYPE_DURATION] = LOOPS(i64),
};

static size_t drop_nulls(const og_column *c, const uint32_t *sel, size_t n, uint32_t *sel_out)
{
  if (c->type.id == OG_TYPE_NULL) return 0;
  if (!c->validity) return n;
  size_t k = 0;
  for (size_t i = 0; i < n; i++) {
    uint32_t row = sel[i];
    sel_out[k] = row;
    k += og_bit_get(c->validity, row);
  }
  return k;
}

/* ---- the right side as a key of the column's type ---- */

typedef struct probe {
  unsigned accept;
  uint64_t key;
} probe;

/* Every value of the column compares with the right side as `cmp`. */
static probe constant_probe(unsigned accept, unsigned cmp)
{
  return (probe){accept & cmp ? ALL : 0, 0};
}

/* The right side lies strictly between `key` and the next value above it: `key` itself is below. */
static probe above_probe(unsigned accept, uint64_t key)
{
  return (probe){(accept & LT ? LT | EQ : 0) | (accept & GT), key};
}

static probe below_probe(unsigned accept, uint64_t key)
{
  return (probe){(accept & LT) | (accept & GT ? GT | EQ : 0), key};
}

static int cmp_numbers(const og_scalar *a, const og_scalar *b)
{
  int c = 0;
  bool comparable = og_scalar_cmp(a, b, &c);
  OG_ASSERT(comparable);
  (void)comparable;
  return c;
}

static probe integer_probe(og_type_id id, unsigned accept, const og_scalar *rhs)
{
  unsigned spare = 64 - 8 * og_type_width(id);
  bool is_signed = og_column__kind(id) == OG_KIND_INT;
  og_scalar lo = {.type = og_type_of(OG_TYPE_I64)}, hi = {.type = og_type_of(OG_TYPE_U64)};
  lo.v.i = is_signed ? INT64_MIN >> spare : 0;
  hi.v.u = is_signed ? (uint64_t)(INT64_MAX >> spare) : UINT64_MAX >> spare;
  if (cmp_numbers(rhs, &lo) < 0) return constant_probe(accept, GT);
  if (cmp_numbers(rhs, &hi) > 0) return constant_probe(accept, LT);
  switch (og_column__kind(rhs->type.id)) {
  case OG_KIND_INT: return (probe){accept, (uint64_t)rhs->v.i};
  case OG_KIND_UINT: return (probe){accept, rhs->v.u};
  default: break;
  }
  double f = rhs->v.f;
  uint64_t whole = f < 0 ? (uint64_t)(int64_t)f : (uint64_t)f; /* towards zero */
  double back = f < 0 ? (double)(int64_t)whole : (double)whole;
  if (back == f) return (probe){accept, whole};
  return f < 0 ? below_probe(accept, whole) : above_probe(accept, whole);
}

static probe float_probe(unsigned accept, const og_scalar *rhs)
{
  og_kind kind = og_column__kind(rhs->type.id);
  if (kind == OG_KIND_FLOAT) return (probe){accept, (uint64_t)og_f64_key(rhs->v.f)};
  og_scalar near = {.type = og_type_of(OG_TYPE_F64)};
  near.v.f = kind == OG_KIND_INT ? (double)rhs->v.i : (double)rhs->v.u;
  uint64_t key = (uint64_t)og_f64_key(near.v.f);
  int side = cmp_numbers(rhs, &near);
  if (side == 0) return (probe){accept, key};
  return side > 0 ? above_probe(accept, key) : below_probe(accept, key);
}

/* The keys that compare with the probe's key as accepted.  No case needs a key before the least or
 * after the last. */
static range range_of(probe p, bool is_unsigned)
{
  uint64_t least = is_unsigned ? 0 : (uint64_t)INT64_MIN, most = least - 1;
  switch (p.accept) {
  case EQ: return (range){p.key, 0, false};
  case LT | GT: return (range){p.key, 0, true};
  case GT | EQ: return (range){p.key, most - p.key, false};
  case LT: return (range){p.key, most - p.key, true};
  case LT | EQ: return (range){least, p.key - least, false};
  case GT: return (range){least, p.key - least, true};
  default: return (range){0, UINT64_MAX, p.accept == 0};
  }
}

/* ---- loops over the other types ---- */

static size_t select_bool(const og_column *c, unsigned accept, bool rhs, rows in, uint32_t *sel_out)
{
  size_t k = 0;
  for (size_t i = 0; i < in.n; i++) {
    uint32_t row = row_at(in, i);
    sel_out[k] = row;
    k += accepted_cmp(accept, (int)og_column_bool(c, row) - (int)rhs);
  }
  return k;
}

/* Looking for one id: the length and the last byte (ids share their beginnings) settle nearly every row. */
static size_t select_equal_bytes(const og_column *c, og_str rhs, rows in, uint32_t *sel_out)
{
  const int32_t *offsets = c->data[0];
  const char *bytes = c->data[1];
  size_t k = 0;
  for (size_t i = 0; i < in.n; i++) {
    uint32_t row = row_at(in, i);
    const char *v = bytes + offsets[row];
    size_t len = (size_t)(offsets[row + 1] - offsets[row]);
    sel_out[k] = row;
    k += len == rhs.len && (len == 0 || (v[len - 1] == rhs.ptr[len - 1] && memcmp(v, rhs.ptr, len) == 0));
  }
  return k;
}

static size_t select_bytes(const og_column *c, unsigned accept, og_str rhs, rows in,
                           uint32_t *sel_out)
{
  size_t k = 0;
  if (accept == EQ && !og_type_is_wide(c->type.id)) return select_equal_bytes(c, rhs, in, sel_out);
  bool only_equality = accept == EQ || accept == (LT | GT); /* lengths settle most rows */
  for (size_t i = 0; i < in.n; i++) {
    uint32_t row = row_at(in, i);
    og_str v = og_column_str(c, row);
    sel_out[k] = row;
    k += only_equality ? accepted(accept, !og_str_eq(v, rhs), false)
                       : accepted_cmp(accept, og_str_cmp(v, rhs));
  }
  return k;
}

static int cmp_list_row(const og_column *c, uint32_t row, const og_column *rhs)
{
  int64_t from, to, i = 0;
  og_column_list(c, row, &from, &to);
  for (; from < to && i < rhs->len; from++, i++) {
    int cmp = og_column_value_cmp(c->children[0], from, rhs, i);
    if (cmp) return cmp;
  }
  return (from < to) - (i < rhs->len);
}

static size_t select_list(const og_column *c, unsigned accept, const og_column *rhs, rows in,
                          uint32_t *sel_out)
{
  size_t k = 0;
  if (!og_type_eq(c->children[0]->type, rhs->type)) return 0;
  for (size_t i = 0; i < in.n; i++) {
    uint32_t row = row_at(in, i);
    sel_out[k] = row;
    k += accepted_cmp(accept, cmp_list_row(c, row, rhs));
  }
  return k;
}

/* Timestamps of another unit. */
static size_t select_times(const og_column *c, unsigned accept, const og_scalar *rhs, rows in,
                           uint32_t *sel_out)
{
  size_t k = 0;
  for (size_t i = 0; i < in.n; i++) {
    uint32_t row = row_at(in, i);
    og_scalar v = {.type = c->type, .v.i = og_column__load_i64(c, row)};
    int cmp;
    if (!og_scalar_cmp(&v, rhs, &cmp)) return 0;
    sel_out[k] = row;
    k += accepted_cmp(accept, cmp);
  }
  return k;
}

static size_t select_fixed(const og_column *c, unsigned accept, const og_scalar *rhs, rows in,
                           uint32_t *sel_out)
{
  og_type_id id = c->type.id;
  probe p = {accept, 0};
  if (og_type_is_numeric(id) != og_type_is_numeric(rhs->type.id)) return 0;
  if (!og_type_is_numeric(id)) {
    if (!og_type_eq(c->type, rhs->type))
      return og_type_has_unit(id) ? select_times(c, accept, rhs, in, sel_out) : 0;
    p.key = (uint64_t)rhs->v.i;
  } else if (og_column__kind(id) == OG_KIND_FLOAT) {
    p = float_probe(accept, rhs);
  } else {
    p = integer_probe(id, accept, rhs);
  }
  bool is_unsigned = og_column__kind(id) == OG_KIND_UINT;
  return loops[id].select(c->data[0], range_of(p, is_unsigned), in, sel_out);
}

size_t og_kernels__select_cmp(const og_column *c, og_cmp_op op, const og_scalar *rhs,
                                const uint32_t *sel_in, size_t n, uint32_t *sel_out)
{
  unsigned accept = accept_of(op);
  og_kind kind = og_column__kind(c->type.id), other = og_column__kind(rhs->type.id);
  rows in = {sel_in, n};
  size_t k = 0;
  OG_ASSERT(!rhs->is_null);
  if (loops[c->type.id].select)
    k = select_fixed(c, accept, rhs, in, sel_out);
  else if (kind != other)
    return 0;
  else if (kind == OG_KIND_BOOL)
    k = select_bool(c, accept, rhs->v.b, in, sel_out);
  else if (kind == OG_KIND_LIST)
    k = select_list(c, accept, rhs->v.list, in, sel_out);
  else if (kind == OG_KIND_BYTES &&
           og_type_is_string(c->type.id) == og_type_is_string(rhs->type.id))
    k = select_bytes(c, accept, rhs->v.s, in, sel_out);
  return drop_nulls(c, sel_out, k, sel_out);
}

/* ---- column against column ---- */

/* Rows of one type, or of two string types. */
static size_t select_alike(const og_column *a, unsigned accept, const og_column *b, rows in,
                           uint32_t *sel_out)
{
  size_t k = 0;
  for (size_t i = 0; i < in.n; i++) {
    uint32_t row = row_at(in, i);
    sel_out[k] = row;
    k += accepted_cmp(accept, og_column_value_cmp(a, row, b, row));
  }
  return k;
}

static size_t select_unlike(const og_column *a, unsigned accept, const og_column *b, rows in,
                            uint32_t *sel_out)
{
  size_t k = 0;
  for (size_t i = 0; i < in.n; i++) {
    uint32_t row = row_at(in, i);
    og_scalar x = og_scalar_at(a, row), y = og_scalar_at(b, row);
    int cmp = 0;
    if (x.is_null || y.is_null) continue;
    if (!og_scalar_cmp(&x, &y, &cmp)) return 0;
    sel_out[k] = row;
    k += accepted_cmp(accept, cmp);
  }
  return k;
}

/* Whether single values of the two types compare, where no loop over fixed-width values serves
 * both. */
static bool comparable(const og_column *a, const og_column *b)
{
  og_kind kind = og_column__kind(a->type.id);
  if (kind != og_column__kind(b->type.id)) return false;
  if (kind == OG_KIND_LIST) return og_type_eq(a->children[0]->type, b->children[0]->type);
  if (kind == OG_KIND_BYTES) return og_type_is_string(a->type.id) == og_type_is_string(b->type.id);
  return kind == OG_KIND_BOOL;
}

size_t og_kernels__select_cmp_columns(const og_column *a, og_cmp_op op, const og_column *b,
                                        const uint32_t *sel_in, size_t n, uint32_t *sel_out)
{
  unsigned accept = accept_of(op);
  rows in = {sel_in, n};
  size_t k = 0;
  if (og_type_eq(a->type, b->type) && loops[a->type.id].select_pair)
    k = loops[a->type.id].select_pair(a->data[0], accept, b->data[0], in, sel_out);
  else if (og_type_width(a->type.id) && og_type_width(b->type.id))
    k = select_unlike(a, accept, b, in, sel_out);
  else if (comparable(a, b))
    k = select_alike(a, accept, b, in, sel_out);
  return drop_nulls(b, sel_out, drop_nulls(a, sel_out, k, sel_out), sel_out);
}

/* ---- hash ---- */

void og_kernels__hash(const og_column *c, int64_t n, uint64_t *out)
{
  if (loops[c->type.id].hash && !c->validity) {
    loops[c->type.id].hash(c->data[0], n, out);
    return;
  }
  for (int64_t i = 0; i < n; i++) out[i] = og_column_value_hash(c, i, out[i]);
}

const og_kernels og_kernels_scalar = {
    .name = "scalar",
    .select_cmp = og_kernels__select_cmp,
    .select_cmp_columns = og_kernels__select_cmp_columns,
    .hash = og_kernels__hash,
    .l2 = og_kernels__l2_scalar,
};

const og_kernels *og_kernels_for(og_cpu cpu)
{
#if defined(__x86_64__)
  if (cpu.avx2) return &og_kernels_avx2;
#endif
  (void)cpu;
  return &og_kernels_scalar;
}
