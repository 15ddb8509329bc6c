/* SPDX-License-Identifier: MIT */
#include "base/num.h"

#include "base/error.h"

size_t og__f64_scientific(double v, char *out, size_t size);
size_t og__f32_scientific(float v, char *out, size_t size);
bool og__f64_parse(const char *text, size_t len, double *out);

/* "d.ddde±xx" into sign, digits and exponent. */
typedef struct decimal {
  char digits[24];
  int n, exponent; /* value = 0.d1d2... x 10^(exponent + 1) */
  bool negative;
} decimal;

static decimal split(const char *text, size_t len)
{
  decimal d = {0};
  size_t i = 0;
  if (len && text[0] == '-') {
    d.negative = true;
    i = 1;
  }
  for (; i < len && text[i] != 'e'; i++)
    if (text[i] != '.' && d.n < (int)sizeof d.digits) d.digits[d.n++] = text[i];
  bool down = i + 1 < len && text[i + 1] == '-';
  for (i += 2; i < len; i++) d.exponent = d.exponent * 10 + (text[i] - '0');
  if (down) d.exponent = -d.exponent;
  while (d.n > 1 && d.digits[d.n - 1] == '0') d.n--;
  return d;
}

static size_t put(char *out, size_t at, const char *text, size_t n)
{
  memcpy(out + at, text, n);
  return at + n;
}

static size_t put_zeros(char *out, size_t at, int n)
{
  while (n-- > 0) out[at++] = '0';
  return at;
}

static size_t put_int(char *out, size_t at, int v)
{
  char text[8];
  size_t n = sizeof text;
  if (v < 0) {
    out[at++] = '-';
    v = -v;
  }
  do {
    text[--n] = (char)('0' + v % 10);
    v /= 10;
  } while (v);
  return put(out, at, text + n, sizeof text - n);
}

/* Plain between 1e-5 and 1e16, exponent form outside. */
static size_t spell(const decimal *d, char *out)
{
  size_t at = 0;
  int point = d->exponent + 1; /* digits before the decimal point */
  if (d->negative) out[at++] = '-';
  if (d->exponent < -5 || d->exponent >= 16) {
    at = put(out, at, d->digits, 1);
    if (d->n > 1) {
      out[at++] = '.';
      at = put(out, at, d->digits + 1, (size_t)d->n - 1);
    }
    out[at++] = 'e';
    return put_int(out, at, d->exponent);
  }
  if (point <= 0) {
    at = put(out, at, "0.", 2);
    at = put_zeros(out, at, -point);
    return put(out, at, d->digits, (size_t)d->n);
  }
  if (point >= d->n) {
    at = put(out, at, d->digits, (size_t)d->n);
    at = put_zeros(out, at, point - d->n);
    return put(out, at, ".0", 2);
  }
  at = put(out, at, d->digits, (size_t)point);
  out[at++] = '.';
  return put(out, at, d->digits + point, (size_t)(d->n - point));
}

size_t og_f64_format(double v, char out[OG_F64_TEXT_MAX])
{
  char text[40];
  size_t len = og__f64_scientific(v, text, sizeof text);
  OG_ASSERT(len > 0);
  decimal d = split(text, len);
  return spell(&d, out);
}

size_t og_f32_format(float v, char out[OG_F64_TEXT_MAX])
{
  char text[40];
  size_t len = og__f32_scientific(v, text, sizeof text);
  OG_ASSERT(len > 0);
  decimal d = split(text, len);
  return spell(&d, out);
}

static bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

/* [-]digits[.digits][(e|E)[+|-]digits]: what from_chars accepts beyond this (inf, nan, ".5") is no number here. */
static bool is_decimal(og_str s)
{
  size_t i = 0, digits = 0;
  if (i < s.len && s.ptr[i] == '-') i++;
  while (i < s.len && is_digit(s.ptr[i])) i++, digits++;
  if (digits == 0) return false;
  if (i < s.len && s.ptr[i] == '.') {
    size_t start = ++i;
    while (i < s.len && is_digit(s.ptr[i])) i++;
    if (i == start) return false;
  }
  if (i < s.len && (s.ptr[i] == 'e' || s.ptr[i] == 'E')) {
    i++;
    if (i < s.len && (s.ptr[i] == '-' || s.ptr[i] == '+')) i++;
    size_t start = i;
    while (i < s.len && is_digit(s.ptr[i])) i++;
    if (i == start) return false;
  }
  return i == s.len;
}

bool og_str_to_f64(og_str s, double *out)
{
  return is_decimal(s) && og__f64_parse(s.ptr, s.len, out);
}
