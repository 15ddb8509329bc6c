/* SPDX-License-Identifier: MIT */
/* exec/fn.c -- functions of values that are not null.  What each does stands in eval.h.
 *
 * Integer arithmetic is done in 128 bits and then must fit: no operand of 64 bits can overflow a sum, a difference or a
 * product there.
 */
#include "exec/eval.h"

#include <math.h>
#include <utf8proc.h>

#include "base/civil.h"
#include "base/limits.h"
#include "base/num.h"

__extension__ typedef __int128 og_i128;

#define MS_PER_DAY 86400000

#define EVAL_FAIL(cx, ev, e, ...)                                                                                      \
  ((ev)->source                                                                                                        \
       ? og_source_fail(cx, OG_EINVALID, (ev)->source, (e)->span, OG_STR_NONE, "execution error: " __VA_ARGS__)        \
       : og_fail(cx, OG_EINVALID, "execution error: " __VA_ARGS__))

/* ---- numbers */

static bool is_float(og_type t)
{
  return t.id == OG_TYPE_F64 || t.id == OG_TYPE_F32;
}

static bool is_unsigned(og_type t)
{
  return t.id == OG_TYPE_U64 || t.id == OG_TYPE_U32;
}

static og_i128 int_of(const og_scalar *v)
{
  return is_unsigned(v->type) ? (og_i128)v->v.u : (og_i128)v->v.i;
}

static double double_of(const og_scalar *v)
{
  return is_float(v->type) ? v->v.f : is_unsigned(v->type) ? (double)v->v.u : (double)v->v.i;
}

static og_status give_int(og_ctx *cx, const og_eval *ev, const og_pexpr *e, og_i128 n, og_scalar *out)
{
  if (n < INT64_MIN || n > INT64_MAX) return EVAL_FAIL(cx, ev, e, "the result does not fit an I64");
  out->v.i = (int64_t)n;
  return OG_OK;
}

static og_status give_double(og_ctx *cx, const og_eval *ev, const og_pexpr *e, double d, og_scalar *out)
{
  if (!isfinite(d)) return EVAL_FAIL(cx, ev, e, "the result is not a finite number");
  out->v.f = d;
  return OG_OK;
}

og_status og_eval__number_as(og_ctx *cx, const og_eval *ev, const og_pexpr *e, const og_scalar *v, og_type to,
                             og_scalar *out)
{
  *out = (og_scalar){.type = to};
  if (is_float(to)) {
    out->v.f = double_of(v);
    return OG_OK;
  }
  return give_int(cx, ev, e, int_of(v), out);
}

static og_status divide_by_zero(og_ctx *cx, const og_eval *ev, const og_pexpr *e)
{
  return EVAL_FAIL(cx, ev, e, "division by zero");
}

static og_status int_arithmetic(og_ctx *cx, const og_eval *ev, const og_pexpr *e, og_i128 a, og_i128 b, og_scalar *out)
{
  if ((e->fn == OG_FN_DIV || e->fn == OG_FN_MOD) && b == 0) return divide_by_zero(cx, ev, e);
  switch (e->fn) {
  case OG_FN_ADD: return give_int(cx, ev, e, a + b, out);
  case OG_FN_SUB: return give_int(cx, ev, e, a - b, out);
  case OG_FN_MUL: return give_int(cx, ev, e, a * b, out);
  case OG_FN_DIV: return give_int(cx, ev, e, a / b, out);
  default: return give_int(cx, ev, e, a % b, out);
  }
}

static og_status float_arithmetic(og_ctx *cx, const og_eval *ev, const og_pexpr *e, double a, double b, og_scalar *out)
{
  if ((e->fn == OG_FN_DIV || e->fn == OG_FN_MOD) && b == 0) return divide_by_zero(cx, ev, e);
  switch (e->fn) {
  case OG_FN_ADD: return give_double(cx, ev, e, a + b, out);
  case OG_FN_SUB: return give_double(cx, ev, e, a - b, out);
  case OG_FN_MUL: return give_double(cx, ev, e, a * b, out);
  case OG_FN_DIV: return give_double(cx, ev, e, a / b, out);
  default: return give_double(cx, ev, e, fmod(a, b), out);
  }
}

static og_status one_number(og_ctx *cx, const og_eval *ev, const og_pexpr *e, const og_scalar *v, og_scalar *out)
{
  if (!is_float(e->type.type)) {
    og_i128 n = int_of(v);
    bool turn = e->fn == OG_FN_NEG || (e->fn == OG_FN_ABS && n < 0);
    return give_int(cx, ev, e, turn ? -n : n, out);
  }
  double d = double_of(v);
  switch (e->fn) {
  case OG_FN_NEG: return give_double(cx, ev, e, -d, out);
  case OG_FN_ABS: return give_double(cx, ev, e, fabs(d), out);
  case OG_FN_FLOOR: return give_double(cx, ev, e, floor(d), out);
  default: return give_double(cx, ev, e, ceil(d), out);
  }
}

enum { MAX_DIGITS = 18 };

static int64_t power_of_ten(int64_t n)
{
  int64_t p = 1;
  while (n-- > 0) p *= 10;
  return p;
}

/* Scaled and rounded in binary, as C's round: what is written 0.285 is a little less. */
static og_status round_float(og_ctx *cx, const og_eval *ev, const og_pexpr *e, double d, int64_t digits, og_scalar *out)
{
  double scale = (double)power_of_ten(digits < 0 ? -digits : digits);
  double scaled = digits < 0 ? d / scale : d * scale;
  if (!isfinite(scaled) || fabs(scaled) >= 0x1p52) return give_double(cx, ev, e, digits < 0 ? 0 : d, out);
  double whole = round(scaled);
  return give_double(cx, ev, e, digits < 0 ? whole * scale : whole / scale, out);
}

static og_status round_number(og_ctx *cx, const og_eval *ev, const og_pexpr *e, const og_scalar *args, og_scalar *out)
{
  og_i128 n = int_of(&args[0]), digits = e->n_args == 2 ? int_of(&args[1]) : 0;
  if (digits < -MAX_DIGITS || digits > MAX_DIGITS)
    return EVAL_FAIL(cx, ev, e, "round takes -%d to %d digits", MAX_DIGITS, MAX_DIGITS);
  if (is_float(e->type.type)) return round_float(cx, ev, e, double_of(&args[0]), (int64_t)digits, out);
  if (digits >= 0) return give_int(cx, ev, e, n, out);
  og_i128 unit = power_of_ten((int64_t)-digits), rest = n % unit;
  n -= rest;
  if (2 * (rest < 0 ? -rest : rest) >= unit) n += rest < 0 ? -unit : unit;
  return give_int(cx, ev, e, n, out);
}

/* ---- dates */

static og_status give_date(og_ctx *cx, const og_eval *ev, const og_pexpr *e, og_i128 days, og_scalar *out)
{
  if (days < INT32_MIN || days > INT32_MAX) return EVAL_FAIL(cx, ev, e, "the result does not fit a Date");
  out->v.i = (int64_t)days;
  return OG_OK;
}

static int64_t floor_div(int64_t a, int64_t b)
{
  return a / b - (a % b < 0);
}

static int64_t days_of(const og_scalar *v)
{
  return v->type.id == OG_TYPE_DATE32 ? v->v.i : floor_div(v->v.i, MS_PER_DAY);
}

static int64_t date_part(og_fn fn, const og_scalar *v)
{
  int64_t y;
  unsigned m, d;
  og_civil_from_days(days_of(v), &y, &m, &d);
  return fn == OG_FN_YEAR ? y : fn == OG_FN_MONTH ? m : d;
}

static int64_t time_part(og_fn fn, const og_scalar *v)
{
  int64_t ms = v->v.i % MS_PER_DAY, seconds = (ms < 0 ? ms + MS_PER_DAY : ms) / 1000;
  return fn == OG_FN_HOUR ? seconds / 3600 : fn == OG_FN_MINUTE ? seconds / 60 % 60 : seconds % 60;
}

static og_status to_date(og_ctx *cx, const og_eval *ev, const og_pexpr *e, const og_scalar *v, og_scalar *out)
{
  int32_t days;
  if (!og_type_is_string(v->type.id)) return give_date(cx, ev, e, days_of(v), out);
  if (!og_date_parse(v->v.s, &days))
    return EVAL_FAIL(cx, ev, e, "'" OG_STR_FMT "' is not a date: write 2024-01-31", OG_STR_ARG(v->v.s));
  out->v.i = days;
  return OG_OK;
}

/* ---- strings */

static og_status too_long(og_ctx *cx, const og_pexpr *e, uint64_t used)
{
  (void)e;
  og_fail(cx, OG_ELIMIT, "execution error: a string of more than %u bytes", OG_LIMIT_STRING_BYTES);
  og_detail *d = og_error_detail(cx, OG_DETAIL_RESOURCE_LIMIT);
  og_detail_set(d->resource, sizeof d->resource, OG_STR("string bytes"));
  d->limit = OG_LIMIT_STRING_BYTES;
  d->used = used;
  return OG_ELIMIT;
}

static og_status room_for(og_ctx *cx, const og_eval *ev, const og_pexpr *e, uint64_t bytes, char **out)
{
  if (bytes > OG_LIMIT_STRING_BYTES) return too_long(cx, e, bytes);
  *out = og_arena_alloc(cx, ev->scratch, (size_t)bytes + 1);
  return *out ? OG_OK : OG_ENOMEM;
}

static char *put(char *to, og_str s)
{
  if (s.len) memcpy(to, s.ptr, s.len);
  return to + s.len;
}

/* A code point's other case may take up to four bytes where it took one. */
static og_status change_case(og_ctx *cx, const og_eval *ev, const og_pexpr *e, og_str s, og_scalar *out)
{
  char *to;
  size_t n = 0;
  OG_TRY(room_for(cx, ev, e, (uint64_t)s.len * 2 + 4, &to));
  for (size_t at = 0; at < s.len;) {
    utf8proc_int32_t c = (utf8proc_int32_t)og_utf8_next(s, &at);
    c = e->fn == OG_FN_LOWER ? utf8proc_tolower(c) : utf8proc_toupper(c);
    if (n + 4 > s.len * 2 + 4) return og_fail(cx, OG_EINTERNAL, "a changed case takes more than twice the room");
    n += (size_t)utf8proc_encode_char(c, (utf8proc_uint8_t *)to + n);
  }
  out->v.s = (og_str){to, n};
  return OG_OK;
}

static bool is_space(uint32_t c)
{
  utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);
  return (c >= 9 && c <= 13) || c == 0x85 || k == UTF8PROC_CATEGORY_ZS || k == UTF8PROC_CATEGORY_ZL ||
         k == UTF8PROC_CATEGORY_ZP;
}

static og_str trimmed(og_str s)
{
  size_t from = s.len, to = 0;
  for (size_t at = 0; at < s.len;) {
    size_t start = at;
    if (is_space(og_utf8_next(s, &at))) continue;
    if (from > start) from = start;
    to = at;
  }
  return from < to ? og_str_sub(s, from, to) : og_str_sub(s, 0, 0);
}

static int64_t code_points(og_str s)
{
  int64_t n = 0;
  for (size_t i = 0; i < s.len; i++) n += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
  return n;
}

static og_status substring(og_ctx *cx, const og_eval *ev, const og_pexpr *e, const og_scalar *args, og_scalar *out)
{
  og_str s = args[0].v.s;
  og_i128 skip = int_of(&args[1]), keep = e->n_args == 3 ? int_of(&args[2]) : (og_i128)s.len;
  if (skip < 0 || keep < 0) return EVAL_FAIL(cx, ev, e, "substring counts from 0 and takes 0 or more");
  size_t from = 0, to;
  while (skip > 0 && from < s.len) {
    og_utf8_next(s, &from);
    skip--;
  }
  for (to = from; keep > 0 && to < s.len; keep--) og_utf8_next(s, &to);
  out->v.s = og_str_sub(s, from, to);
  return OG_OK;
}

static size_t find_from(og_str s, size_t from, og_str needle)
{
  size_t at = og_str_find(og_str_sub(s, from, s.len), needle);
  return at == SIZE_MAX ? SIZE_MAX : from + at;
}

static og_status replace(og_ctx *cx, const og_eval *ev, const og_pexpr *e, const og_scalar *args, og_scalar *out)
{
  og_str s = args[0].v.s, old = args[1].v.s, new = args[2].v.s;
  uint64_t bytes = s.len;
  char *to, *end;
  out->v.s = s;
  if (old.len == 0) return OG_OK;
  for (size_t at = find_from(s, 0, old); at != SIZE_MAX; at = find_from(s, at + old.len, old))
    bytes = bytes - old.len + new.len;
  OG_TRY(room_for(cx, ev, e, bytes, &to));
  end = to;
  size_t from = 0;
  for (size_t at = find_from(s, 0, old); at != SIZE_MAX; at = find_from(s, from, old)) {
    end = put(put(end, og_str_sub(s, from, at)), new);
    from = at + old.len;
  }
  end = put(end, og_str_sub(s, from, s.len));
  out->v.s = (og_str){to, (size_t)(end - to)};
  return OG_OK;
}

/* ---- texts of values */

static og_status text_of(og_ctx *cx, const og_eval *ev, const og_scalar *v, og_str *out)
{
  char text[64];
  size_t n;
  switch (v->type.id) {
  case OG_TYPE_UTF8:
  case OG_TYPE_LARGE_UTF8: *out = v->v.s; return OG_OK;
  case OG_TYPE_BOOL: *out = v->v.b ? OG_STR("true") : OG_STR("false"); return OG_OK;
  case OG_TYPE_F32:
  case OG_TYPE_F64:
    if (!isfinite(v->v.f)) {
      *out = isnan(v->v.f) ? OG_STR("NaN") : v->v.f < 0 ? OG_STR("-Infinity") : OG_STR("Infinity");
      return OG_OK;
    }
    n = og_f64_format(v->v.f, text);
    break;
  case OG_TYPE_DATE32: n = og_date_format((int32_t)v->v.i, text); break;
  case OG_TYPE_DATE64: n = og_datetime_format(v->v.i, text); break;
  default:
    return is_unsigned(v->type) ? og_arena_printf(cx, ev->scratch, out, "%llu", (unsigned long long)v->v.u)
                                : og_arena_printf(cx, ev->scratch, out, "%lld", (long long)v->v.i);
  }
  return og_arena_str(cx, ev->scratch, (og_str){text, n}, out);
}

static og_status concat(og_ctx *cx, const og_eval *ev, const og_pexpr *e, const og_scalar *args, og_scalar *out)
{
  og_str *parts = og_arena_calloc(cx, ev->scratch, (size_t)e->n_args + 1, sizeof *parts);
  uint64_t bytes = 0;
  char *to, *end;
  if (!parts) return OG_ENOMEM;
  for (uint32_t i = 0; i < e->n_args; i++) {
    OG_TRY(text_of(cx, ev, &args[i], &parts[i]));
    bytes += parts[i].len;
  }
  OG_TRY(room_for(cx, ev, e, bytes, &to));
  end = to;
  for (uint32_t i = 0; i < e->n_args; i++) end = put(end, parts[i]);
  out->v.s = (og_str){to, (size_t)bytes};
  return OG_OK;
}

static og_status no_number(og_ctx *cx, const og_eval *ev, const og_pexpr *e, og_str s, const char *what)
{
  return EVAL_FAIL(cx, ev, e, "'" OG_STR_FMT "' is not %s", OG_STR_ARG(s), what);
}

static og_status to_int(og_ctx *cx, const og_eval *ev, const og_pexpr *e, const og_scalar *v, og_scalar *out)
{
  if (og_type_is_string(v->type.id))
    return og_str_to_i64(v->v.s, &out->v.i) ? OG_OK : no_number(cx, ev, e, v->v.s, "an integer in the range of I64");
  if (v->type.id == OG_TYPE_BOOL) {
    out->v.i = v->v.b;
    return OG_OK;
  }
  if (!is_float(v->type)) return give_int(cx, ev, e, int_of(v), out);
  double whole = trunc(v->v.f);
  if (!(whole >= -0x1p63 && whole < 0x1p63)) return EVAL_FAIL(cx, ev, e, "the result does not fit an I64");
  out->v.i = (int64_t)whole;
  return OG_OK;
}

static og_status to_float(og_ctx *cx, const og_eval *ev, const og_pexpr *e, const og_scalar *v, og_scalar *out)
{
  if (!og_type_is_string(v->type.id)) {
    out->v.f = double_of(v);
    return OG_OK;
  }
  return og_str_to_f64(v->v.s, &out->v.f) ? OG_OK : no_number(cx, ev, e, v->v.s, "a number");
}

/* ---- by name */

static og_status arithmetic(og_ctx *cx, const og_eval *ev, const og_pexpr *e, const og_scalar *args, og_scalar *out)
{
  switch (e->type.type.id) {
  case OG_TYPE_UTF8: return concat(cx, ev, e, args, out);
  case OG_TYPE_F64: return float_arithmetic(cx, ev, e, double_of(&args[0]), double_of(&args[1]), out);
  default: break;
  }
  OG_TRY(int_arithmetic(cx, ev, e, int_of(&args[0]), int_of(&args[1]), out));
  return e->type.type.id == OG_TYPE_DATE32 ? give_date(cx, ev, e, out->v.i, out) : OG_OK;
}

og_status og_eval__call(og_ctx *cx, const og_eval *ev, const og_pexpr *e, const og_scalar *args, og_scalar *out)
{
  *out = (og_scalar){.type = e->type.type};
  switch (e->fn) {
  case OG_FN_ADD:
  case OG_FN_SUB:
  case OG_FN_MUL:
  case OG_FN_DIV:
  case OG_FN_MOD: return arithmetic(cx, ev, e, args, out);
  case OG_FN_NEG:
  case OG_FN_ABS:
  case OG_FN_FLOOR:
  case OG_FN_CEIL: return one_number(cx, ev, e, args, out);
  case OG_FN_ROUND: return round_number(cx, ev, e, args, out);
  case OG_FN_LOWER:
  case OG_FN_UPPER: return change_case(cx, ev, e, args[0].v.s, out);
  case OG_FN_TRIM: out->v.s = trimmed(args[0].v.s); return OG_OK;
  case OG_FN_LENGTH:
    out->v.i = og_type_is_string(args[0].type.id) ? code_points(args[0].v.s) : args[0].v.list->len;
    return OG_OK;
  case OG_FN_SUBSTRING: return substring(cx, ev, e, args, out);
  case OG_FN_REPLACE: return replace(cx, ev, e, args, out);
  case OG_FN_CONCAT: return concat(cx, ev, e, args, out);
  case OG_FN_YEAR:
  case OG_FN_MONTH:
  case OG_FN_DAY: out->v.i = date_part(e->fn, args); return OG_OK;
  case OG_FN_HOUR:
  case OG_FN_MINUTE:
  case OG_FN_SECOND: out->v.i = time_part(e->fn, args); return OG_OK;
  case OG_FN_TO_DATE: return to_date(cx, ev, e, args, out);
  case OG_FN_TO_STRING: return text_of(cx, ev, args, &out->v.s);
  case OG_FN_TO_INT: return to_int(cx, ev, e, args, out);
  case OG_FN_TO_FLOAT: return to_float(cx, ev, e, args, out);
  default: return og_fail(cx, OG_EINTERNAL, "function %s has no values", og_fn_describe(e->fn)->text);
  }
}
