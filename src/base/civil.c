/* SPDX-License-Identifier: MIT */
#include "base/civil.h"

int64_t og_days_from_civil(int64_t y, unsigned m, unsigned d)
{
  y -= m <= 2;
  int64_t era = (y >= 0 ? y : y - 399) / 400;
  int64_t yoe = y - era * 400;                                                    /* [0, 399] */
  int64_t doy = (153 * ((int64_t)m + (m > 2 ? -3 : 9)) + 2) / 5 + (int64_t)d - 1; /* [0, 365] */
  int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;                            /* [0, 146096] */
  return era * 146097 + doe - 719468;
}

void og_civil_from_days(int64_t days, int64_t *y, unsigned *m, unsigned *d)
{
  int64_t z = days + 719468;
  int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  int64_t doe = z - era * 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int64_t mp = (5 * doy + 2) / 153;
  *d = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
  *m = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
  *y = yoe + era * 400 + (*m <= 2);
}

static size_t put_padded(char *out, size_t at, uint64_t v, unsigned width)
{
  char text[20];
  unsigned n = 0;
  do {
    text[n++] = (char)('0' + v % 10);
    v /= 10;
  } while (v);
  while (width > n) {
    out[at++] = '0';
    width--;
  }
  while (n) out[at++] = text[--n];
  return at;
}

static size_t put_date(char *out, int64_t days)
{
  int64_t y;
  unsigned m, d;
  size_t at = 0;
  og_civil_from_days(days, &y, &m, &d);
  if (y < 0) {
    out[at++] = '-';
    y = -y;
  }
  at = put_padded(out, at, (uint64_t)y, 4);
  out[at++] = '-';
  at = put_padded(out, at, m, 2);
  out[at++] = '-';
  return put_padded(out, at, d, 2);
}

size_t og_date_format(int32_t days, char out[OG_DATE_TEXT_MAX])
{
  return put_date(out, days);
}

#define MS_PER_DAY 86400000ll

size_t og_datetime_format(int64_t ms, char out[OG_DATETIME_TEXT_MAX])
{
  int64_t days = ms / MS_PER_DAY, rest = ms % MS_PER_DAY;
  if (rest < 0) {
    days--;
    rest += MS_PER_DAY;
  }
  size_t at = put_date(out, days);
  out[at++] = 'T';
  at = put_padded(out, at, (uint64_t)(rest / 3600000), 2);
  out[at++] = ':';
  at = put_padded(out, at, (uint64_t)(rest / 60000 % 60), 2);
  out[at++] = ':';
  at = put_padded(out, at, (uint64_t)(rest / 1000 % 60), 2);
  out[at++] = '.';
  at = put_padded(out, at, (uint64_t)(rest % 1000), 3);
  out[at++] = 'Z';
  return at;
}

/* ---- reading */

/* Exactly n digits at *pos. */
static bool digits(og_str s, size_t *pos, size_t n, unsigned *out)
{
  unsigned v = 0;
  if (*pos + n > s.len) return false;
  for (size_t i = 0; i < n; i++) {
    unsigned d = (unsigned)(unsigned char)s.ptr[*pos + i] - '0';
    if (d > 9) return false;
    v = v * 10 + d;
  }
  *pos += n;
  *out = v;
  return true;
}

static bool byte(og_str s, size_t *pos, char c)
{
  if (*pos >= s.len || s.ptr[*pos] != c) return false;
  (*pos)++;
  return true;
}

static bool parse_date(og_str s, size_t *pos, int64_t *days)
{
  static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  unsigned y, m, d;
  if (!digits(s, pos, 4, &y) || !byte(s, pos, '-') || !digits(s, pos, 2, &m) || !byte(s, pos, '-') ||
      !digits(s, pos, 2, &d))
    return false;
  if (m < 1 || m > 12 || d < 1) return false;
  bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
  if (d > lengths[m - 1] + (unsigned)(m == 2 && leap)) return false;
  *days = og_days_from_civil((int64_t)y, m, d);
  return true;
}

bool og_date_parse(og_str s, int32_t *days)
{
  size_t pos = 0;
  int64_t v;
  if (!parse_date(s, &pos, &v) || pos != s.len) return false;
  *days = (int32_t)v;
  return true;
}

static bool parse_fraction(og_str s, size_t *pos, unsigned *ms)
{
  unsigned scale = 100;
  size_t start = *pos;
  for (*ms = 0; *pos < s.len && s.ptr[*pos] >= '0' && s.ptr[*pos] <= '9'; (*pos)++) {
    *ms += (unsigned)(s.ptr[*pos] - '0') * scale;
    scale /= 10;
  }
  return *pos > start;
}

static bool parse_clock(og_str s, size_t *pos, int64_t *ms)
{
  unsigned h, m, sec = 0, frac = 0;
  if (!digits(s, pos, 2, &h) || !byte(s, pos, ':') || !digits(s, pos, 2, &m)) return false;
  if (byte(s, pos, ':')) {
    if (!digits(s, pos, 2, &sec)) return false;
    if (byte(s, pos, '.') && !parse_fraction(s, pos, &frac)) return false;
  }
  if (h > 23 || m > 59 || sec > 59) return false;
  *ms = ((int64_t)h * 60 + m) * 60000 + (int64_t)sec * 1000 + frac;
  return true;
}

static bool parse_offset(og_str s, size_t *pos, int64_t *ms)
{
  unsigned h, m;
  *ms = 0;
  if (*pos == s.len || byte(s, pos, 'Z') || byte(s, pos, 'z')) return true;
  bool plus = byte(s, pos, '+');
  if (!plus && !byte(s, pos, '-')) return false;
  if (!digits(s, pos, 2, &h)) return false;
  byte(s, pos, ':');
  if (!digits(s, pos, 2, &m) || h > 23 || m > 59) return false;
  *ms = ((int64_t)h * 60 + m) * (plus ? 60000 : -60000);
  return true;
}

bool og_datetime_parse(og_str s, int64_t *ms)
{
  size_t pos = 0;
  int64_t days, clock = 0, offset = 0;
  if (!parse_date(s, &pos, &days)) return false;
  if (pos < s.len) {
    if (!byte(s, &pos, 'T') && !byte(s, &pos, 't') && !byte(s, &pos, ' ')) return false;
    if (!parse_clock(s, &pos, &clock) || !parse_offset(s, &pos, &offset)) return false;
  }
  if (pos != s.len) return false;
  *ms = days * MS_PER_DAY + clock - offset;
  return true;
}
