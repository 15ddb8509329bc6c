/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem, memrchr: in every libc we support */
#include "base/str.h"

int og_str_cmp(og_str a, og_str b)
{
  size_t n = a.len < b.len ? a.len : b.len;
  int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
  if (c) return c;
  return a.len < b.len ? -1 : a.len > b.len;
}

bool og_str_starts_with(og_str s, og_str prefix)
{
  return s.len >= prefix.len && og_str_eq(og_str_sub(s, 0, prefix.len), prefix);
}

bool og_str_ends_with(og_str s, og_str suffix)
{
  return s.len >= suffix.len && og_str_eq(og_str_sub(s, s.len - suffix.len, s.len), suffix);
}

size_t og_str_find(og_str s, og_str needle)
{
  if (needle.len == 0) return 0;
  if (needle.len > s.len) return SIZE_MAX;
  const char *hit = memmem(s.ptr, s.len, needle.ptr, needle.len);
  return hit ? (size_t)(hit - s.ptr) : SIZE_MAX;
}

size_t og_str_rfind_byte(og_str s, char c)
{
  for (size_t i = s.len; i > 0; i--)
    if (s.ptr[i - 1] == c) return i - 1;
  return SIZE_MAX;
}

og_str og_str_sub(og_str s, size_t from, size_t to)
{
  if (to > s.len) to = s.len;
  if (from > to) from = to;
  return (og_str){s.ptr ? s.ptr + from : NULL, to - from};
}

static bool is_space(char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

og_str og_str_trim(og_str s)
{
  while (s.len && is_space(s.ptr[0])) s = og_str_sub(s, 1, s.len);
  while (s.len && is_space(s.ptr[s.len - 1])) s.len--;
  return s;
}

static unsigned char fold(char c)
{
  return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool og_str_eq_fold(og_str a, og_str b)
{
  if (a.len != b.len) return false;
  for (size_t i = 0; i < a.len; i++)
    if (fold(a.ptr[i]) != fold(b.ptr[i])) return false;
  return true;
}

bool og_str_to_u64(og_str s, uint64_t *out)
{
  uint64_t v = 0;
  if (s.len == 0) return false;
  for (size_t i = 0; i < s.len; i++) {
    unsigned d = (unsigned)(unsigned char)s.ptr[i] - '0';
    if (d > 9 || OG_MUL_OVERFLOWS(v, (uint64_t)10, &v) || OG_ADD_OVERFLOWS(v, (uint64_t)d, &v)) return false;
  }
  *out = v;
  return true;
}

bool og_str_to_i64(og_str s, int64_t *out)
{
  bool negative = s.len > 0 && s.ptr[0] == '-';
  uint64_t v;
  if (!og_str_to_u64(negative ? og_str_sub(s, 1, s.len) : s, &v)) return false;
  if (v > (uint64_t)INT64_MAX + (negative ? 1 : 0)) return false;
  *out = negative ? (int64_t)(0 - v) : (int64_t)v;
  return true;
}

/* Bytes of the code point that starts at p, or 0 when it is malformed (RFC 3629, table 3-7 of Unicode). */
static size_t sequence_len(const unsigned char *p, size_t left)
{
  unsigned char c = p[0];
  if (c < 0x80) return 1;
  size_t n = c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;
  if (n == 0 || n > left) return 0;
  for (size_t i = 1; i < n; i++)
    if ((p[i] & 0xC0) != 0x80) return 0;
  if (c == 0xE0 && p[1] < 0xA0) return 0; /* overlong */
  if (c == 0xED && p[1] > 0x9F) return 0; /* surrogates */
  if (c == 0xF0 && p[1] < 0x90) return 0; /* overlong */
  if (c == 0xF4 && p[1] > 0x8F) return 0; /* above U+10FFFF */
  return n;
}

size_t og_utf8_check(og_str s)
{
  const unsigned char *p = (const unsigned char *)s.ptr;
  for (size_t i = 0; i < s.len;) {
    uint64_t word;
    if (i + 8 <= s.len && (memcpy(&word, p + i, 8), (word & 0x8080808080808080ull) == 0)) {
      i += 8;
      continue;
    }
    size_t n = sequence_len(p + i, s.len - i);
    if (n == 0) return i;
    i += n;
  }
  return SIZE_MAX;
}

uint32_t og_utf8_next(og_str s, size_t *pos)
{
  const unsigned char *p = (const unsigned char *)s.ptr + *pos;
  size_t n = sequence_len(p, s.len - *pos);
  if (n == 0) {
    (*pos)++;
    return 0xFFFD;
  }
  *pos += n;
  uint32_t c = n == 1 ? p[0] : (uint32_t)p[0] & (0xFFu >> (n + 1));
  for (size_t i = 1; i < n; i++) c = c << 6 | (p[i] & 0x3Fu);
  return c;
}

#define DISTANCE_MAX 64

unsigned og_str_distance(og_str a, og_str b, unsigned max)
{
  if (a.len > DISTANCE_MAX || b.len > DISTANCE_MAX) return max + 1;
  unsigned rows[3][DISTANCE_MAX + 1]; /* two rows back for transpositions */
  unsigned *before = rows[0], *prev = rows[1], *cur = rows[2];
  for (size_t j = 0; j <= b.len; j++) prev[j] = (unsigned)j;
  for (size_t i = 1; i <= a.len; i++) {
    cur[0] = (unsigned)i;
    for (size_t j = 1; j <= b.len; j++) {
      unsigned d = prev[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);
      if (prev[j] + 1 < d) d = prev[j] + 1;
      if (cur[j - 1] + 1 < d) d = cur[j - 1] + 1;
      bool swapped = i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1];
      if (swapped && before[j - 2] + 1 < d) d = before[j - 2] + 1;
      cur[j] = d;
    }
    unsigned *t = before;
    before = prev;
    prev = cur;
    cur = t;
  }
  return prev[b.len] > max ? max + 1 : prev[b.len];
}
