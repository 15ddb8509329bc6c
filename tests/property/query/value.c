/* SPDX-License-Identifier: MIT */
/* value.c -- values, their order, and chance. */
#include "model.h"

#include "base/civil.h"
#include "base/json.h"
#include "base/num.h"
#include "og_test.h"

#include <math.h>
#include <stdlib.h>

void *m_take(og_ctx *cx, size_t n, size_t size)
{
  void *p = og_push_array(cx, n + 1, size);
  if (!p) abort();
  return p;
}

/* ---- chance: splitmix64 */

m_rng m_rng_from(uint64_t seed, uint64_t part)
{
  m_rng r = {seed * 0x9E3779B97F4A7C15u + part};
  m_rng_next(&r);
  return r;
}

uint64_t m_rng_next(m_rng *r)
{
  uint64_t z = (r->state += 0x9E3779B97F4A7C15u);
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

uint32_t m_below(m_rng *r, uint32_t n)
{
  return (uint32_t)(m_rng_next(r) % n);
}

bool m_chance(m_rng *r, uint32_t percent)
{
  return m_below(r, 100) < percent;
}

/* ---- making them */

m_val m_null(void)
{
  return (m_val){.kind = M_NULL};
}

m_val m_bool(bool b)
{
  return (m_val){.kind = M_BOOL, .i = b};
}

m_val m_int(int64_t i)
{
  return (m_val){.kind = M_INT, .negative = i < 0, .magnitude = i < 0 ? 0 - (uint64_t)i : (uint64_t)i};
}

m_val m_float(double f)
{
  return (m_val){.kind = M_FLOAT, .f = f};
}

m_val m_text(og_str s)
{
  return (m_val){.kind = M_TEXT, .s = s};
}

/* ---- comparing */

static int sign_of(bool less, bool more)
{
  return more - less;
}

static int compare_ints(const m_val *a, const m_val *b)
{
  if (a->negative != b->negative) return a->negative ? -1 : 1;
  int c = sign_of(a->magnitude<b->magnitude, a->magnitude> b->magnitude);
  return a->negative ? -c : c;
}

/* An integer against a float, without rounding either. */
static int compare_mixed(const m_val *i, double f)
{
  bool negative = f < 0;
  double size = fabs(f);
  if (i->negative != negative) {
    if (i->magnitude == 0 && f == 0) return 0;
    return i->negative ? -1 : 1;
  }
  int c;
  if (size >= 0x1p64) {
    c = -1;
  } else {
    uint64_t whole = (uint64_t)size;
    c = sign_of(i->magnitude<whole, i->magnitude> whole);
    if (c == 0 && (double)whole < size) c = -1;
  }
  return negative ? -c : c;
}

bool m_compare(const m_val *a, const m_val *b, int *out)
{
  if (a->kind == M_INT && b->kind == M_FLOAT) {
    *out = compare_mixed(a, b->f);
    return true;
  }
  if (a->kind == M_FLOAT && b->kind == M_INT) {
    *out = -compare_mixed(b, a->f);
    return true;
  }
  if (a->kind != b->kind) return false;
  switch (a->kind) {
  case M_INT: *out = compare_ints(a, b); return true;
  case M_FLOAT: *out = sign_of(a->f<b->f, a->f> b->f); return true;
  case M_TEXT: {
    size_t n = a->s.len < b->s.len ? a->s.len : b->s.len;
    int c = n ? memcmp(a->s.ptr, b->s.ptr, n) : 0;
    *out = c ? c : sign_of(a->s.len<b->s.len, a->s.len> b->s.len);
    return true;
  }
  case M_BOOL:
  case M_DATE:
  case M_TIME: *out = sign_of(a->i<b->i, a->i> b->i); return true;
  default: return false;
  }
}

int m_order(const m_val *a, const m_val *b)
{
  int c;
  if (a->kind == M_NULL || b->kind == M_NULL) return sign_of(a->kind == M_NULL, b->kind == M_NULL);
  if (m_compare(a, b, &c)) return c;
  if (a->kind != b->kind) return sign_of(a->kind<b->kind, a->kind> b->kind);
  for (uint32_t i = 0; i < a->n_items && i < b->n_items; i++)
    if ((c = m_order(&a->items[i], &b->items[i])) != 0) return c;
  return sign_of(a->n_items<b->n_items, a->n_items> b->n_items);
}

bool m_same(const m_val *expected, const m_val *got)
{
  if (expected->kind == M_INT && got->kind == M_FLOAT && expected->slack > 0)
    return fabs((expected->negative ? -1.0 : 1.0) * (double)expected->magnitude - got->f) <= expected->slack;
  if (expected->kind == M_FLOAT && got->kind == M_FLOAT) return fabs(expected->f - got->f) <= expected->slack;
  if (expected->kind != got->kind) return false;
  if (expected->kind == M_TIME && expected->slack > 0) return fabs((double)(expected->i - got->i)) <= expected->slack;
  if (expected->kind != M_LIST) return m_order(expected, got) == 0;
  if (expected->n_items != got->n_items) return false;
  for (uint32_t i = 0; i < expected->n_items; i++)
    if (!m_same(&expected->items[i], &got->items[i])) return false;
  return true;
}

/* ---- text */

static void print_text(og_ctx *cx, og_buf *out, og_str s)
{
  OG_CHECK_OK(cx, og_buf_append_byte(cx, out, '"'));
  for (size_t i = 0; i < s.len; i++) {
    char c = s.ptr[i];
    if (c == '"' || c == '\\') OG_CHECK_OK(cx, og_buf_append_byte(cx, out, '\\'));
    if (c == '\n')
      OG_CHECK_OK(cx, og_buf_append_str(cx, out, OG_STR("\\n")));
    else
      OG_CHECK_OK(cx, og_buf_append_byte(cx, out, (uint8_t)c));
  }
  OG_CHECK_OK(cx, og_buf_append_byte(cx, out, '"'));
}

void m_print_val(og_ctx *cx, og_buf *out, const m_val *v)
{
  char text[OG_F64_TEXT_MAX + OG_DATETIME_TEXT_MAX];
  switch (v->kind) {
  case M_NULL: OG_CHECK_OK(cx, og_buf_printf(cx, out, "null")); return;
  case M_BOOL: OG_CHECK_OK(cx, og_buf_printf(cx, out, "%s", v->i ? "true" : "false")); return;
  case M_INT:
    if (v->negative) OG_CHECK_OK(cx, og_buf_append_byte(cx, out, '-'));
    OG_CHECK_OK(cx, og_buf_append_u64(cx, out, v->magnitude));
    return;
  case M_FLOAT: OG_CHECK_OK(cx, og_buf_append(cx, out, text, og_f64_format(v->f, text))); return;
  case M_TEXT: print_text(cx, out, v->s); return;
  case M_DATE:
  case M_TIME: {
    size_t n = v->kind == M_DATE ? og_date_format((int32_t)v->i, text) : og_datetime_format(v->i, text);
    print_text(cx, out, og_str_from(text, n));
    return;
  }
  case M_LIST: break;
  }
  OG_CHECK_OK(cx, og_buf_append_byte(cx, out, '['));
  for (uint32_t i = 0; i < v->n_items; i++) {
    if (i) OG_CHECK_OK(cx, og_buf_append_str(cx, out, OG_STR(", ")));
    m_print_val(cx, out, &v->items[i]);
  }
  OG_CHECK_OK(cx, og_buf_append_byte(cx, out, ']'));
}
