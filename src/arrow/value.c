/* SPDX-License-Identifier: MIT */
/* arrow/value.c -- single values of columns: equality, order, hash.
 *
 * Every type falls into one of eight kinds; within a kind values are read the same way.  Floats are
 * compared through og_f64_key, which makes both zeros one value and every NaN one value above all
 * others, so that equality, order and hash agree.
 */
#include "arrow/column_impl.h"

#include <xxhash.h>

og_kind og_column__kind(og_type_id id)
{
  switch (id) {
  case OG_TYPE_NULL: return OG_KIND_NULL;
  case OG_TYPE_BOOL: return OG_KIND_BOOL;
  case OG_TYPE_I8:
  case OG_TYPE_I16:
  case OG_TYPE_I32:
  case OG_TYPE_I64:
  case OG_TYPE_DATE32:
  case OG_TYPE_DATE64:
  case OG_TYPE_TIMESTAMP:
  case OG_TYPE_TIME32:
  case OG_TYPE_TIME64:
  case OG_TYPE_DURATION: return OG_KIND_INT;
  case OG_TYPE_U8:
  case OG_TYPE_U16:
  case OG_TYPE_U32:
  case OG_TYPE_U64: return OG_KIND_UINT;
  case OG_TYPE_F16:
  case OG_TYPE_F32:
  case OG_TYPE_F64: return OG_KIND_FLOAT;
  case OG_TYPE_UTF8:
  case OG_TYPE_LARGE_UTF8:
  case OG_TYPE_BINARY:
  case OG_TYPE_LARGE_BINARY: return OG_KIND_BYTES;
  case OG_TYPE_LIST:
  case OG_TYPE_LARGE_LIST:
  case OG_TYPE_FIXED_LIST: return OG_KIND_LIST;
  case OG_TYPE_STRUCT: break;
  }
  return OG_KIND_STRUCT;
}

int64_t og_column__load_i64(const og_column *c, int64_t i)
{
  switch (og_type_width(c->type.id)) {
  case 1: return ((const int8_t *)c->data[0])[i];
  case 2: return ((const int16_t *)c->data[0])[i];
  case 4: return ((const int32_t *)c->data[0])[i];
  default: return ((const int64_t *)c->data[0])[i];
  }
}

uint64_t og_column__load_u64(const og_column *c, int64_t i)
{
  switch (og_type_width(c->type.id)) {
  case 1: return ((const uint8_t *)c->data[0])[i];
  case 2: return ((const uint16_t *)c->data[0])[i];
  case 4: return ((const uint32_t *)c->data[0])[i];
  default: return ((const uint64_t *)c->data[0])[i];
  }
}

double og_column__load_f64(const og_column *c, int64_t i)
{
  switch (c->type.id) {
  case OG_TYPE_F16: return og_f16_to_f64(((const uint16_t *)c->data[0])[i]);
  case OG_TYPE_F32: return (double)((const float *)c->data[0])[i];
  default: return ((const double *)c->data[0])[i];
  }
}

double og_f16_to_f64(uint16_t half)
{
  uint64_t sign = (uint64_t)(half >> 15) << 63, exp = (half >> 10) & 31, frac = half & 1023u, bits;
  double v;
  if (exp == 0) { /* zero or subnormal: frac * 2^-24 */
    v = (double)frac * 0x1p-24;
    return sign ? -v : v;
  }
  bits = sign | (exp == 31 ? 2047ull : exp + 1023 - 15) << 52 | frac << 42;
  memcpy(&v, &bits, sizeof v);
  return v;
}

uint16_t og_f16_from_f64(double v)
{
  uint64_t bits;
  memcpy(&bits, &v, sizeof bits);
  uint16_t sign = (uint16_t)((bits >> 48) & 0x8000);
  int exp = (int)((bits >> 52) & 2047) - 1023;
  uint64_t frac = bits & ((1ull << 52) - 1);
  if (exp == 1024) return (uint16_t)(sign | 0x7c00 | (frac ? 0x200 : 0));
  if (exp > 15) return (uint16_t)(sign | 0x7c00);
  if (exp < -25) return sign;
  /* Keep 11 significant bits, fewer below 2^-14, and round what is cut off to even. */
  unsigned cut = exp >= -14 ? 42 : 42 + (unsigned)(-14 - exp);
  uint64_t whole = frac | 1ull << 52, kept = whole >> cut, rest = whole & ((1ull << cut) - 1);
  uint64_t half = 1ull << (cut - 1);
  kept += rest > half || (rest == half && (kept & 1));
  /* The hidden bit, kept, adds one to the exponent field; so does a carry out of the fraction. */
  uint64_t base = exp >= -14 ? (uint64_t)(exp + 14) << 10 : 0;
  return (uint16_t)(sign | (base + kept));
}

/* ---- order ---- */

#define THREE_WAY(a, b) (((a) > (b)) - ((a) < (b)))

/* Item by item; a proper prefix sorts first. */
static int list_cmp(const og_column *a, int64_t i, const og_column *b, int64_t j)
{
  int64_t af, at, bf, bt;
  og_column_list(a, i, &af, &at);
  og_column_list(b, j, &bf, &bt);
  for (; af < at && bf < bt; af++, bf++) {
    int c = og_column_value_cmp(a->children[0], af, b->children[0], bf);
    if (c) return c;
  }
  return (af < at) - (bf < bt);
}

static int struct_cmp(const og_column *a, int64_t i, const og_column *b, int64_t j)
{
  for (uint32_t k = 0; k < a->n_children; k++) {
    int c = og_column_value_cmp(a->children[k], i, b->children[k], j);
    if (c) return c;
  }
  return 0;
}

int og_column_value_cmp(const og_column *a, int64_t i, const og_column *b, int64_t j)
{
  bool an = og_column_is_null(a, i), bn = og_column_is_null(b, j);
  if (an || bn) return (int)bn - (int)an;
  switch (og_column__kind(a->type.id)) {
  case OG_KIND_BOOL: return (int)og_column_bool(a, i) - (int)og_column_bool(b, j);
  case OG_KIND_INT: return THREE_WAY(og_column__load_i64(a, i), og_column__load_i64(b, j));
  case OG_KIND_UINT: return THREE_WAY(og_column__load_u64(a, i), og_column__load_u64(b, j));
  case OG_KIND_FLOAT: return THREE_WAY(og_f64_key(og_column__load_f64(a, i)), og_f64_key(og_column__load_f64(b, j)));
  case OG_KIND_BYTES: return og_str_cmp(og_column_str(a, i), og_column_str(b, j));
  case OG_KIND_LIST: return list_cmp(a, i, b, j);
  case OG_KIND_STRUCT: return struct_cmp(a, i, b, j);
  case OG_KIND_NULL: break;
  }
  return 0;
}

bool og_column_value_eq(const og_column *a, int64_t i, const og_column *b, int64_t j)
{
  if (og_column__kind(a->type.id) == OG_KIND_BYTES && !og_column_is_null(a, i) && !og_column_is_null(b, j))
    return og_str_eq(og_column_str(a, i), og_column_str(b, j));
  return og_column_value_cmp(a, i, b, j) == 0;
}

/* ---- hash ---- */

uint64_t og_column_value_hash(const og_column *c, int64_t i, uint64_t seed)
{
  if (og_column_is_null(c, i)) return og_hash_mix(seed, OG_HASH_NULL);
  switch (og_column__kind(c->type.id)) {
  case OG_KIND_BOOL: return og_hash_mix(seed, og_column_bool(c, i));
  case OG_KIND_INT: return og_hash_mix(seed, (uint64_t)og_column__load_i64(c, i));
  case OG_KIND_UINT: return og_hash_mix(seed, og_column__load_u64(c, i));
  case OG_KIND_FLOAT: return og_hash_mix(seed, (uint64_t)og_f64_key(og_column__load_f64(c, i)));
  case OG_KIND_BYTES: {
    og_str s = og_column_str(c, i);
    return XXH3_64bits_withSeed(s.ptr, s.len, seed);
  }
  case OG_KIND_LIST: {
    int64_t from, to;
    og_column_list(c, i, &from, &to);
    seed = og_hash_mix(seed, (uint64_t)(to - from));
    for (; from < to; from++) seed = og_column_value_hash(c->children[0], from, seed);
    return seed;
  }
  case OG_KIND_STRUCT:
    for (uint32_t k = 0; k < c->n_children; k++) seed = og_column_value_hash(c->children[k], i, seed);
    return seed;
  case OG_KIND_NULL: break;
  }
  return seed;
}
