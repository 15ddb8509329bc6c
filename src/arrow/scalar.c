/* SPDX-License-Identifier: MIT */
/* arrow/scalar.c -- one value against another of a different numeric kind, exactly.
 *
 * No comparison goes through a rounding conversion: an integer is compared with a double by the
 * double's integer part and then by the sign of its fraction.  Equal numbers hash equally because a
 * double without fraction hashes as the integer it is.
 */
#include "arrow/column_impl.h"
#include "arrow/kernels.h"

#include <xxhash.h>

#define THREE_WAY(a, b) (((a) > (b)) - ((a) < (b)))

#define TWO_63 0x1p63
#define TWO_64 0x1p64

og_scalar og_scalar_at(const og_column *c, int64_t i)
{
  og_scalar s = {.type = c->type, .is_null = og_column_is_null(c, i)};
  if (s.is_null) return s;
  switch (og_column__kind(c->type.id)) {
  case OG_KIND_BOOL: s.v.b = og_column_bool(c, i); break;
  case OG_KIND_INT: s.v.i = og_column__load_i64(c, i); break;
  case OG_KIND_UINT: s.v.u = og_column__load_u64(c, i); break;
  case OG_KIND_FLOAT: s.v.f = og_column__load_f64(c, i); break;
  case OG_KIND_BYTES: s.v.s = og_column_str(c, i); break;
  case OG_KIND_NULL:
  case OG_KIND_LIST:
  case OG_KIND_STRUCT: OG_ASSERT(s.is_null); break; /* not for nested values */
  }
  return s;
}

static int cmp_i64_u64(int64_t a, uint64_t b)
{
  return a < 0 ? -1 : THREE_WAY((uint64_t)a, b);
}

/* NaN is above every number. */
static int cmp_i64_f64(int64_t a, double b)
{
  if (!(b < TWO_63)) return -1;
  if (b < -TWO_63) return 1;
  int64_t whole = (int64_t)b;
  if (a != whole) return a < whole ? -1 : 1;
  double rest = b - (double)whole;
  return THREE_WAY(0.0, rest);
}

static int cmp_u64_f64(uint64_t a, double b)
{
  if (!(b < TWO_64)) return -1;
  if (b < 0) return 1;
  uint64_t whole = (uint64_t)b;
  if (a != whole) return a < whole ? -1 : 1;
  double rest = b - (double)whole;
  return THREE_WAY(0.0, rest);
}

static int cmp_numbers(const og_scalar *a, og_kind ka, const og_scalar *b, og_kind kb)
{
  if (ka == OG_KIND_INT && kb == OG_KIND_INT) return THREE_WAY(a->v.i, b->v.i);
  if (ka == OG_KIND_UINT && kb == OG_KIND_UINT) return THREE_WAY(a->v.u, b->v.u);
  if (ka == OG_KIND_FLOAT && kb == OG_KIND_FLOAT) return THREE_WAY(og_f64_key(a->v.f), og_f64_key(b->v.f));
  if (ka > kb) return -cmp_numbers(b, kb, a, ka); /* int < uint < float in og_kind */
  if (kb == OG_KIND_UINT) return cmp_i64_u64(a->v.i, b->v.u);
  return ka == OG_KIND_INT ? cmp_i64_f64(a->v.i, b->v.f) : cmp_u64_f64(a->v.u, b->v.f);
}

/* A time as whole seconds and nanoseconds, the form all units share. */
static int64_t split_time(const og_scalar *s, int64_t *ns)
{
  static const int64_t per_second[] = {1, 1000, 1000000, 1000000000};
  int64_t unit = per_second[s->type.unit], sec = s->v.i / unit, rest = s->v.i % unit;
  if (rest < 0) {
    rest += unit;
    sec--;
  }
  *ns = rest * (1000000000 / unit);
  return sec;
}

static int cmp_times(const og_scalar *a, const og_scalar *b)
{
  int64_t a_ns, b_ns, a_sec = split_time(a, &a_ns), b_sec = split_time(b, &b_ns);
  return a_sec != b_sec ? THREE_WAY(a_sec, b_sec) : THREE_WAY(a_ns, b_ns);
}

static bool cmp_lists(const og_column *a, const og_column *b, int *out)
{
  if (!og_type_eq(a->type, b->type)) return false;
  *out = THREE_WAY(a->len, b->len);
  for (int64_t i = 0; i < a->len && i < b->len; i++) {
    int c = og_column_value_cmp(a, i, b, i);
    if (c == 0) continue;
    *out = c;
    break;
  }
  return true;
}

bool og_scalar_cmp(const og_scalar *a, const og_scalar *b, int *out)
{
  og_kind ka = og_column__kind(a->type.id), kb = og_column__kind(b->type.id);
  if (og_type_is_numeric(a->type.id) && og_type_is_numeric(b->type.id)) {
    *out = cmp_numbers(a, ka, b, kb);
    return true;
  }
  if (ka != kb) return false;
  switch (ka) {
  case OG_KIND_BOOL: *out = (int)a->v.b - (int)b->v.b; return true;
  case OG_KIND_INT: /* dates and times */
    if (a->type.id != b->type.id || a->type.utc != b->type.utc) return false;
    *out = og_type_eq(a->type, b->type) ? THREE_WAY(a->v.i, b->v.i) : cmp_times(a, b);
    return true;
  case OG_KIND_BYTES:
    *out = og_str_cmp(a->v.s, b->v.s);
    return og_type_is_string(a->type.id) == og_type_is_string(b->type.id);
  case OG_KIND_LIST: return cmp_lists(a->v.list, b->v.list, out);
  case OG_KIND_NULL:
  case OG_KIND_UINT:
  case OG_KIND_FLOAT:
  case OG_KIND_STRUCT: break;
  }
  return false;
}

static uint64_t hash_f64(double v, uint64_t seed)
{
  if (v >= -TWO_63 && v < TWO_63 && v == (double)(int64_t)v) return og_hash_mix(seed, (uint64_t)(int64_t)v);
  if (v >= TWO_63 && v < TWO_64) return og_hash_mix(seed, (uint64_t)v); /* no fraction up there */
  return og_hash_mix(seed, (uint64_t)og_f64_key(v));
}

uint64_t og_scalar_hash(const og_scalar *a, uint64_t seed)
{
  if (a->is_null) return og_hash_mix(seed, OG_HASH_NULL);
  switch (og_column__kind(a->type.id)) {
  case OG_KIND_BOOL: return og_hash_mix(seed, a->v.b);
  case OG_KIND_INT: {
    int64_t ns;
    if (!og_type_has_unit(a->type.id)) return og_hash_mix(seed, (uint64_t)a->v.i);
    seed = og_hash_mix(seed, (uint64_t)split_time(a, &ns));
    return og_hash_mix(seed, (uint64_t)ns);
  }
  case OG_KIND_UINT: return og_hash_mix(seed, a->v.u);
  case OG_KIND_FLOAT: return hash_f64(a->v.f, seed);
  case OG_KIND_BYTES: return XXH3_64bits_withSeed(a->v.s.ptr, a->v.s.len, seed);
  case OG_KIND_LIST:
    seed = og_hash_mix(seed, (uint64_t)a->v.list->len);
    for (int64_t i = 0; i < a->v.list->len; i++) seed = og_column_value_hash(a->v.list, i, seed);
    return seed;
  case OG_KIND_NULL:
  case OG_KIND_STRUCT: break;
  }
  return seed;
}
