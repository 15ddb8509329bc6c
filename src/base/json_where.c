/* SPDX-License-Identifier: MIT */
/* base/json_where.c -- a second reader of RFC 8259 that keeps nothing but its place.
 *
 *  (1) It accepts exactly what og_json_parse accepts, duplicates and nesting apart; the fuzz target holds them
 *      together.
 *  (2) No recursion and no heap: one bit per open bracket tells '[' from '{'.  A text nested deeper than there are
 *      bits is wrong for that alone: the fast reader's own ceiling lies there.
 *  (3) The first wrong byte is named, be it grammar or UTF-8.
 */
#include "base/json_where.h"

#include "base/num.h"

enum { MAX_OPEN = 1024 };

typedef struct scan {
  og_str text;
  size_t at;
  size_t open;                    /* brackets */
  uint64_t braces[MAX_OPEN / 64]; /* bit per open bracket: it is '{' */
  const char *why;                /* NULL: all well so far */
} scan;

static bool wrong(scan *s, size_t at, const char *why)
{
  s->at = at;
  s->why = why;
  return false;
}

static int peek(const scan *s)
{
  return s->at < s->text.len ? (unsigned char)s->text.ptr[s->at] : -1;
}

static void skip_space(scan *s)
{
  for (int c = peek(s); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = peek(s)) s->at++;
}

/* Four hexadecimal digits at s->at, or -1. */
static int hex4(const scan *s)
{
  int v = 0;
  if (s->text.len - s->at < 4) return -1;
  for (size_t i = 0; i < 4; i++) {
    const int c = (unsigned char)s->text.ptr[s->at + i], lower = c | 32;
    if (c >= '0' && c <= '9')
      v = v * 16 + (c - '0');
    else if (lower >= 'a' && lower <= 'f')
      v = v * 16 + (lower - 'a' + 10);
    else
      return -1;
  }
  return v;
}

/* Behind "\u". */
static bool unicode_escape(scan *s, size_t start)
{
  const int high = hex4(s);
  if (high < 0) return wrong(s, start, "\\u needs four hexadecimal digits");
  if (high == 0) return wrong(s, start, "a string contains U+0000, which cannot be stored");
  s->at += 4;
  if (high < 0xD800 || high > 0xDFFF) return true;
  if (high > 0xDBFF || !og_str_starts_with(og_str_sub(s->text, s->at, s->text.len), OG_STR("\\u")))
    return wrong(s, start, "a surrogate stands alone");
  s->at += 2;
  const int low = hex4(s);
  if (low < 0xDC00 || low > 0xDFFF) return wrong(s, start, "a surrogate stands alone");
  s->at += 4;
  return true;
}

static bool string(scan *s)
{
  const size_t start = s->at++;
  for (int c = peek(s); c != '"'; c = peek(s)) {
    const size_t here = s->at;
    if (c < 0) return wrong(s, start, "a string does not end");
    if (c < ' ') return wrong(s, here, "a control character in a string must be escaped");
    s->at++;
    if (c != '\\') continue;
    c = peek(s);
    if (c < 0) return wrong(s, start, "a string does not end");
    s->at++;
    if (c == 'u' ? !unicode_escape(s, here) : !memchr("\"\\/bfnrt", c, 8))
      return s->why ? false : wrong(s, here, "unknown escape in a string");
  }
  s->at++;
  return true;
}

static size_t digits(scan *s)
{
  const size_t start = s->at;
  while (peek(s) >= '0' && peek(s) <= '9') s->at++;
  return s->at - start;
}

/* A number that no double can hold is too large, unless its first digit other than 0 stands behind the point: then it
 * is too small, and read as 0.  Exponents are compared, not computed with, beyond 10^9. */
static bool is_too_large(og_str t)
{
  double value;
  int64_t exponent = 0, first = 0;
  size_t e = 0, i = t.ptr[0] == '-';
  if (og_str_to_f64(t, &value)) return false;
  while (e < t.len && (t.ptr[e] | 32) != 'e') e++;
  for (size_t k = e + 1; k < t.len; k++)
    if (t.ptr[k] >= '0' && t.ptr[k] <= '9' && exponent < 1000000000) exponent = exponent * 10 + (t.ptr[k] - '0');
  if (e + 1 < t.len && t.ptr[e + 1] == '-') exponent = -exponent;
  size_t point = i;
  while (point < e && t.ptr[point] != '.') point++;
  for (; i < e && (t.ptr[i] == '0' || t.ptr[i] == '.'); i++) {
  }
  first = i < point ? (int64_t)(point - i) : (int64_t)point - (int64_t)i; /* about the power of ten of that digit */
  return i < e && first + exponent > 0;
}

static bool number(scan *s)
{
  const size_t start = s->at;
  int64_t i;
  uint64_t u;
  bool whole = true;
  if (peek(s) == '-') s->at++;
  const size_t first = s->at, n = digits(s);
  if (n == 0) return wrong(s, start, "a number needs a digit");
  if (n > 1 && s->text.ptr[first] == '0') return wrong(s, start, "a number starts with 0");
  if (peek(s) == '.') {
    whole = false;
    s->at++;
    if (digits(s) == 0) return wrong(s, start, "a number needs a digit behind its point");
  }
  if (peek(s) == 'e' || peek(s) == 'E') {
    whole = false;
    s->at++;
    if (peek(s) == '+' || peek(s) == '-') s->at++;
    if (digits(s) == 0) return wrong(s, start, "a number needs a digit in its exponent");
  }
  const og_str text = og_str_sub(s->text, start, s->at);
  if (whole && !og_str_to_i64(text, &i) && !og_str_to_u64(text, &u))
    return wrong(s, start, "an integer does not fit 64 bits");
  if (!whole && is_too_large(text)) return wrong(s, start, "a number is too large for a double");
  return true;
}

static bool word(scan *s, og_str literal)
{
  if (!og_str_starts_with(og_str_sub(s->text, s->at, s->text.len), literal)) return wrong(s, s->at, "expected a value");
  s->at += literal.len;
  return true;
}

static bool scalar(scan *s)
{
  switch (peek(s)) {
  case '"': return string(s);
  case 't': return word(s, OG_STR("true"));
  case 'f': return word(s, OG_STR("false"));
  case 'n': return word(s, OG_STR("null"));
  case -1: return wrong(s, s->at, "the text ends early");
  default:
    if (peek(s) == '-' || (peek(s) >= '0' && peek(s) <= '9')) return number(s);
    return wrong(s, s->at, "expected a value");
  }
}

static bool in_object(const scan *s)
{
  return s->braces[(s->open - 1) / 64] >> ((s->open - 1) % 64) & 1;
}

static bool push(scan *s, bool object)
{
  if (s->open == MAX_OPEN) return wrong(s, s->at, "nested more than 1024 levels deep");
  const uint64_t bit = 1ull << (s->open % 64);
  if (object)
    s->braces[s->open / 64] |= bit;
  else
    s->braces[s->open / 64] &= ~bit;
  s->open++;
  s->at++;
  return true;
}

/* Name and colon of a member. */
static bool name(scan *s)
{
  skip_space(s);
  if (peek(s) != '"') return wrong(s, s->at, "expected a member name in quotes");
  if (!string(s)) return false;
  skip_space(s);
  if (peek(s) != ':') return wrong(s, s->at, "expected ':' behind a member name");
  s->at++;
  return true;
}

/* Behind a value: closes brackets up to a comma, then stands where the next value begins; *done at the end. */
static bool behind_value(scan *s, bool *done)
{
  for (;;) {
    skip_space(s);
    *done = s->open == 0;
    if (*done) return s->at == s->text.len || wrong(s, s->at, "text behind the value");
    const bool object = in_object(s);
    if (peek(s) == ',') {
      s->at++;
      return !object || name(s);
    }
    if (peek(s) != (object ? '}' : ']'))
      return wrong(s, s->at, object ? "expected ',' or '}' behind a member" : "expected ',' or ']' behind an item");
    s->at++;
    s->open--;
  }
}

/* One scalar, or what opens; *value when a value ends here, false when one must follow. */
static bool begin_value(scan *s, bool *value)
{
  skip_space(s);
  const int c = peek(s);
  *value = true;
  if (c != '[' && c != '{') return scalar(s);
  if (!push(s, c == '{')) return false;
  skip_space(s);
  if (peek(s) == (c == '{' ? '}' : ']')) {
    s->at++;
    s->open--;
    return true;
  }
  *value = false;
  return c == '[' || name(s);
}

const char *og_json__where(og_str text, size_t *offset)
{
  scan s = {.text = text};
  bool value = false, done = false;
  while (!done && begin_value(&s, &value))
    if (value && !behind_value(&s, &done)) break;
  const size_t malformed = og_utf8_check(text);
  if (malformed != SIZE_MAX && (!s.why || malformed < s.at)) {
    *offset = malformed;
    return "this is not UTF-8";
  }
  *offset = s.at;
  return s.why;
}
