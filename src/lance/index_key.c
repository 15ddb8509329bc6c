/* SPDX-License-Identifier: MIT */
/* lance/index_key.c -- the order of an index's values, and queries as spans of it.
 *
 * The files hold floats in the order of their bits: negative NaNs, numbers with -0.0 before 0.0, NaNs.  We compare
 * otherwise: zeros are one value, NaN is one value above all.  A query is therefore turned into spans of the files'
 * order: a bound that is a zero takes both or neither, and what reaches up to NaN takes both ends.
 */
#include "arrow/builder.h"
#include "lance/index_impl.h"

#define SIGN64 (1ull << 63)

bool og_index__is_text(og_type type)
{
  return og_type_is_varbin(type.id);
}

static bool is_plain(og_type type)
{
  return type.id == OG_TYPE_BOOL || og_type_is_varbin(type.id) ||
         (og_type_width(type.id) > 0 && !og_type_is_nested(type.id));
}

bool og_index__key_type(og_lance_index_kind kind, const og_field *column, og_type *out)
{
  const og_type_id id = column->type.id;
  *out = column->type;
  switch (kind) {
  case OG_INDEX_BTREE:
  case OG_INDEX_BITMAP: return is_plain(*out);
  case OG_INDEX_LABELS:
    if (id != OG_TYPE_LIST && id != OG_TYPE_LARGE_LIST) return false;
    *out = column->children[0].type;
    return is_plain(*out);
  case OG_INDEX_NGRAM: *out = og_type_of(OG_TYPE_U32); return id == OG_TYPE_UTF8 || id == OG_TYPE_LARGE_UTF8;
  case OG_INDEX_KINDS: break;
  }
  return false;
}

bool og_lance_index_can(og_lance_index_kind kind, const og_field *column)
{
  og_type type;
  return og_index__key_type(kind, column, &type);
}

og_bitmap_form og_index__form(og_lance_index_kind kind)
{
  return kind == OG_INDEX_NGRAM ? OG_BITMAP_GRAMS : kind == OG_INDEX_LABELS ? OG_BITMAP_LABELS : OG_BITMAP_VALUES;
}

static bool is_float(og_type type)
{
  return type.id == OG_TYPE_F16 || type.id == OG_TYPE_F32 || type.id == OG_TYPE_F64;
}

static bool is_unsigned(og_type type)
{
  return type.id == OG_TYPE_BOOL || type.id == OG_TYPE_U8 || type.id == OG_TYPE_U16 || type.id == OG_TYPE_U32 ||
         type.id == OG_TYPE_U64;
}

static uint64_t float_key(uint64_t bits, unsigned width)
{
  uint64_t sign = 1ull << (8 * width - 1), mask = sign | (sign - 1);
  return (bits & sign ? ~bits : bits | sign) & mask;
}

/* The value's own bytes again, in the lower bits. */
static uint64_t raw_of(og_type type, uint64_t num)
{
  if (is_unsigned(type)) return num;
  if (!is_float(type)) return num ^ SIGN64;
  uint64_t sign = 1ull << (8 * og_type_width(type.id) - 1), mask = sign | (sign - 1);
  return (num & sign ? num ^ sign : ~num) & mask;
}

static uint64_t load(const og_column *c, int64_t i, unsigned width)
{
  uint64_t v = 0;
  memcpy(&v, (const uint8_t *)c->data[0] + (size_t)i * width, width);
  return v;
}

og_index__key og_index__key_of(const og_column *c, int64_t i)
{
  unsigned width = og_type_width(c->type.id);
  if (og_index__is_text(c->type)) return (og_index__key){.str = og_column_str(c, i)};
  if (c->type.id == OG_TYPE_BOOL) return (og_index__key){.num = og_column_bool(c, i)};
  uint64_t v = load(c, i, width);
  if (is_unsigned(c->type)) return (og_index__key){.num = v};
  if (is_float(c->type)) return (og_index__key){.num = float_key(v, width)};
  unsigned shift = 64 - 8 * width;
  return (og_index__key){.num = (uint64_t)((int64_t)(v << shift) >> shift) ^ SIGN64};
}

int og_index__key_cmp(bool text, og_index__key a, og_index__key b)
{
  return text ? og_str_cmp(a.str, b.str) : (a.num > b.num) - (a.num < b.num);
}

bool og_index__is_below(bool text, og_index__key k, const og_index__span *s)
{
  int c = og_index__key_cmp(text, k, s->low);
  return c < 0 || (c == 0 && s->low_open);
}

bool og_index__is_above(bool text, og_index__key k, const og_index__span *s)
{
  if (s->no_high) return false;
  int c = og_index__key_cmp(text, k, s->high);
  return c > 0 || (c == 0 && s->high_open);
}

/* ---- values again */

static og_status put_number(og_ctx *cx, og_builder *b, og_type type, uint64_t num)
{
  uint64_t raw = raw_of(type, num);
  og_column *one;
  OG_TRY(og_column_from_fixed(cx, type, &raw, NULL, 1, &one));
  og_status st = og_builder_copy(cx, b, one, 0);
  og_column_unref(one);
  return st;
}

og_status og_index__put_key(og_ctx *cx, og_builder *b, og_type t, const og_index__key *key)
{
  if (!key) return og_builder_null(cx, b);
  if (og_index__is_text(t)) return og_builder_str(cx, b, key->str);
  switch (t.id) {
  case OG_TYPE_BOOL: return og_builder_bool(cx, b, key->num != 0);
  case OG_TYPE_F16:
  case OG_TYPE_F32:
  case OG_TYPE_F64: return put_number(cx, b, t, key->num); /* its bits, NaNs too */
  case OG_TYPE_U8:
  case OG_TYPE_U16:
  case OG_TYPE_U32:
  case OG_TYPE_U64: return og_builder_u64(cx, b, key->num);
  default: return og_builder_i64(cx, b, (int64_t)raw_of(t, key->num));
  }
}

/* ---- queries */

void og_index__wanted_cleanup(og_index__wanted *w)
{
  og_vec_cleanup(&w->spans);
  og_vec_cleanup(&w->grams);
}

/* Keys of what every float type has. */
typedef struct marks {
  uint64_t low_inf, low_zero, high_zero, high_inf;
} marks;

static marks marks_of(og_type type)
{
  unsigned width = og_type_width(type.id), fraction = width == 2 ? 10 : width == 4 ? 23 : 52;
  uint64_t sign = 1ull << (8 * width - 1), inf = (sign - 1) & ~((1ull << fraction) - 1);
  return (marks){float_key(sign | inf, width), float_key(sign, width), float_key(0, width), float_key(inf, width)};
}

static og_status add_span(og_ctx *cx, og_index__wanted *w, uint64_t low, uint64_t high)
{
  const og_index__span s = {.low.num = low, .high.num = high};
  return low <= high ? og_vec_add(cx, &w->spans, &s) : OG_OK;
}

/* A closed or open bound as the first, or last, number that belongs to it.  False: none does. */
static bool first_number(uint64_t key, bool open, uint64_t *out)
{
  *out = open ? key + 1 : key;
  return !open || key != UINT64_MAX;
}

static bool last_number(uint64_t key, bool open, uint64_t *out)
{
  *out = open ? key - 1 : key;
  return !open || key != 0;
}

static og_status want_numbers(og_ctx *cx, const og_lance_index_query *q, og_index__wanted *w)
{
  uint64_t low = 0, high = UINT64_MAX;
  if (q->low && !first_number(og_index__key_of(q->low, 0).num, q->low_open, &low)) return OG_OK;
  if (q->high && !last_number(og_index__key_of(q->high, 0).num, q->high_open, &high)) return OG_OK;
  return add_span(cx, w, low, high);
}

static bool is_nan(const marks *m, uint64_t key)
{
  return key < m->low_inf || key > m->high_inf;
}

/* A bound as the first, or last, number that belongs to it: both zeros lie on the same side. */
static uint64_t first_float(const marks *m, uint64_t key, bool open)
{
  if (key == m->low_zero || key == m->high_zero) return open ? m->high_zero + 1 : m->low_zero;
  return open ? key + 1 : key;
}

static uint64_t last_float(const marks *m, uint64_t key, bool open)
{
  if (key == m->low_zero || key == m->high_zero) return open ? m->low_zero - 1 : m->high_zero;
  return open ? key - 1 : key;
}

/* Below NaN lies [-inf, inf]; NaN itself, both ends of the order. */
static og_status want_floats(og_ctx *cx, og_type type, const og_lance_index_query *q, og_index__wanted *w)
{
  marks m = marks_of(type);
  uint64_t low = m.low_inf, high = m.high_inf;
  uint64_t from = q->low ? og_index__key_of(q->low, 0).num : low, to = q->high ? og_index__key_of(q->high, 0).num : 0;
  bool above_numbers = is_nan(&m, from), nan = !q->high || (is_nan(&m, to) && !q->high_open);
  if (q->high && !is_nan(&m, to)) high = last_float(&m, to, q->high_open);
  if (above_numbers)
    nan = nan && !q->low_open;
  else if (q->low)
    low = first_float(&m, from, q->low_open);
  if (nan) OG_TRY(add_span(cx, w, 0, m.low_inf - 1));
  if (!above_numbers) OG_TRY(add_span(cx, w, low, high));
  return nan ? add_span(cx, w, m.high_inf + 1, UINT64_MAX) : OG_OK;
}

static og_status want_text(og_ctx *cx, const og_lance_index_query *q, og_index__wanted *w)
{
  og_index__span s = {
      .low.str = OG_STR(""), .no_high = !q->high, .low_open = q->low && q->low_open, .high_open = q->high_open};
  if (q->low) s.low = og_index__key_of(q->low, 0);
  if (q->high) s.high = og_index__key_of(q->high, 0);
  return og_vec_add(cx, &w->spans, &s);
}

static og_status want_range(og_ctx *cx, og_type type, const og_lance_index_query *q, og_index__wanted *w)
{
  return w->text ? want_text(cx, q, w) : is_float(type) ? want_floats(cx, type, q, w) : want_numbers(cx, q, w);
}

static int by_low(const void *a, const void *b, void *arg)
{
  return og_index__key_cmp(*(const bool *)arg, ((const og_index__span *)a)->low, ((const og_index__span *)b)->low);
}

static og_status want_values(og_ctx *cx, og_type type, const og_column *values, og_index__wanted *w)
{
  og_vec *v = &w->spans;
  marks m = is_float(type) ? marks_of(type) : (marks){0};
  bool nan = false;
  for (int64_t i = 0; i < values->len; i++) {
    if (og_column_is_null(values, i)) continue;
    og_index__span s = {.low = og_index__key_of(values, i)};
    s.high = s.low;
    if (is_float(type) && is_nan(&m, s.low.num)) {
      nan = true;
      continue;
    }
    if (is_float(type) && (s.low.num == m.low_zero || s.low.num == m.high_zero)) {
      s.low.num = m.low_zero;
      s.high.num = m.high_zero;
    }
    OG_TRY(og_vec_add(cx, v, &s));
  }
  if (nan) OG_TRY(add_span(cx, w, 0, m.low_inf - 1));
  if (nan) OG_TRY(add_span(cx, w, m.high_inf + 1, UINT64_MAX));
  if (v->len < 2) return OG_OK;
  OG_TRY(og_sort(cx, v->data, v->len, sizeof(og_index__span), by_low, &w->text));
  size_t kept = 1;
  og_index__span *s = v->data;
  for (size_t i = 1; i < v->len; i++)
    if (og_index__key_cmp(w->text, s[i].low, s[kept - 1].low)) s[kept++] = s[i];
  v->len = kept;
  return OG_OK;
}

static og_status check_values(og_ctx *cx, og_type type, const og_column *c, bool is_bound)
{
  if (!c) return OG_OK;
  if (!og_type_eq(c->type, type))
    return og_fail(cx, OG_EINVALID, "an index over %s was asked for a value of %s", og_type_name(type),
                   og_type_name(c->type));
  if (is_bound && (c->len != 1 || og_column_is_null(c, 0)))
    return og_fail(cx, OG_EINVALID, "the bound of a range is one value, and not null");
  return OG_OK;
}

og_status og_index__want(og_ctx *cx, og_type type, const og_lance_index_query *q, og_index__wanted *out)
{
  *out = (og_index__wanted){.text = og_index__is_text(type), .nulls = q->op == OG_INDEX_NULL, .part = q->part};
  out->spans = OG_VEC_INIT(og_index__span);
  out->grams = OG_VEC_INIT(uint32_t);
  if (q->op == OG_INDEX_NULL) return OG_OK;
  if (q->op == OG_INDEX_CONTAINS) return og_index__grams_wanted(cx, q->part, &out->grams);
  OG_TRY(check_values(cx, type, q->values, false));
  OG_TRY(check_values(cx, type, q->low, true));
  OG_TRY(check_values(cx, type, q->high, true));
  if (q->op == OG_INDEX_RANGE) return want_range(cx, type, q, out);
  return q->values ? want_values(cx, type, q->values, out) : OG_OK;
}

static bool any_matches(const og_index__wanted *w, const og_column *c, int64_t i)
{
  int64_t from, to;
  og_column_list(c, i, &from, &to);
  for (; from < to; from++)
    if (!og_column_is_null(c->children[0], from) && og_index__matches(w, c->children[0], from)) return true;
  return false;
}

bool og_index__matches(const og_index__wanted *w, const og_column *c, int64_t i)
{
  if (og_column_is_null(c, i)) return w->nulls;
  if (w->part.ptr) return og_str_find(og_column_str(c, i), w->part) != SIZE_MAX;
  if (og_type_is_nested(c->type.id)) return any_matches(w, c, i);
  const og_index__span *s = w->spans.data;
  og_index__key k = og_index__key_of(c, i);
  size_t lo = 0, hi = w->spans.len; /* the last span that does not begin above the key */
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    if (og_index__is_below(w->text, k, &s[mid]))
      hi = mid;
    else
      lo = mid + 1;
  }
  return lo > 0 && !og_index__is_above(w->text, k, &s[lo - 1]);
}
