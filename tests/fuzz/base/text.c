/* SPDX-License-Identifier: MIT */
/* fuzz_base_text: any bytes as each kind of value that has a text: numbers, dates, times, ULIDs.
 *
 * What a text says is the same when it is written and read again; where there is one spelling only, it is that one.
 * The other way round, the first bytes as a value: what is written of it reads back as it. */
#include "fuzz/fuzz_world.h"

#include "base/buf.h"
#include "base/civil.h"
#include "base/num.h"
#include "base/ulid.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- from text */

static void integers(og_ctx *cx, og_str s)
{
  og_buf out = {0};
  int64_t i, i2;
  uint64_t u, u2;
  if (og_str_to_i64(s, &i)) {
    fuzz_expect(og_buf_append_i64(cx, &out, i) == OG_OK);
    fuzz_expect(og_str_to_i64(og_buf_str(&out), &i2) && i2 == i);
  }
  og_buf_clear(&out);
  if (og_str_to_u64(s, &u)) {
    fuzz_expect(og_buf_append_u64(cx, &out, u) == OG_OK);
    fuzz_expect(og_str_to_u64(og_buf_str(&out), &u2) && u2 == u);
  }
  og_buf_cleanup(&out);
}

static void double_round(double v)
{
  char text[OG_F64_TEXT_MAX];
  double back;
  size_t n = og_f64_format(v, text);
  fuzz_expect(n <= sizeof text && og_str_to_f64(og_str_from(text, n), &back));
  fuzz_expect(memcmp(&v, &back, sizeof v) == 0);
}

static void date_text(og_str s)
{
  char text[OG_DATE_TEXT_MAX];
  int32_t days;
  if (og_date_parse(s, &days)) fuzz_expect(og_str_eq(og_str_from(text, og_date_format(days, text)), s));
}

static void datetime_text(og_str s)
{
  char text[OG_DATETIME_TEXT_MAX];
  int64_t ms, back;
  if (!og_datetime_parse(s, &ms)) return;
  og_str written = og_str_from(text, og_datetime_format(ms, text));
  /* An offset may carry the last and first hours of the calendar out of it. */
  if (written.len == 24) fuzz_expect(og_datetime_parse(written, &back) && back == ms);
}

static void ulid_text(og_str s)
{
  char text[OG_ULID_LEN];
  og_ulid u;
  if (!og_ulid_parse(s, &u)) return;
  og_ulid_format(&u, text);
  fuzz_expect(og_str_eq(og_str_from(text, sizeof text), s));
}

/* ---- from values */

static void dates_of(int64_t v)
{
  char text[OG_DATETIME_TEXT_MAX];
  int32_t days = (int32_t)v, days_back;
  int64_t y, ms_back;
  unsigned m, d;
  og_civil_from_days(days, &y, &m, &d);
  fuzz_expect(m >= 1 && m <= 12 && d >= 1 && d <= 31 && og_days_from_civil(y, m, d) == days);
  size_t n = og_date_format(days, text);
  fuzz_expect(n <= OG_DATE_TEXT_MAX);
  if (y >= 0 && y <= 9999) fuzz_expect(og_date_parse(og_str_from(text, n), &days_back) && days_back == days);
  n = og_datetime_format(v, text);
  fuzz_expect(n <= OG_DATETIME_TEXT_MAX);
  if (n == 24 && text[0] != '-') fuzz_expect(og_datetime_parse(og_str_from(text, n), &ms_back) && ms_back == v);
}

static void numbers_of(uint64_t bits)
{
  char text[OG_F64_TEXT_MAX];
  double wide, back = 0;
  float narrow;
  uint32_t low = (uint32_t)bits;
  memcpy(&wide, &bits, sizeof wide);
  memcpy(&narrow, &low, sizeof narrow);
  if (isfinite(wide)) double_round(wide);
  if (!isfinite(narrow)) return;
  size_t n = og_f32_format(narrow, text);
  fuzz_expect(n <= sizeof text && og_str_to_f64(og_str_from(text, n), &back));
  float again = (float)back;
  fuzz_expect(memcmp(&again, &narrow, sizeof again) == 0);
}

/* A generator whose last id, and whose floor, are anything. */
static void ulids_of(og_ctx *cx, const uint8_t bytes[32])
{
  og_ulid_gen gen;
  og_ulid floor, last, next, back;
  char text[OG_ULID_LEN];
  memcpy(gen.last.bytes, bytes, 16);
  memcpy(floor.bytes, bytes + 16, 16);
  last = gen.last;
  if (og_ulid_next(cx, &gen, &floor, &next) != OG_OK) return; /* used up */
  fuzz_expect(og_ulid_cmp(&next, &last) > 0 && og_ulid_cmp(&next, &floor) > 0);
  fuzz_expect(og_ulid_ms(&next) >= og_ulid_ms(&floor));
  og_ulid_format(&next, text);
  fuzz_expect(og_ulid_parse(og_str_from(text, sizeof text), &back) && og_ulid_cmp(&next, &back) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fuzz_world w;
  uint64_t bits;
  double v;
  og_ctx *cx = fuzz_open(&w);
  og_str s = og_str_from(data, size);
  integers(cx, s);
  if (og_str_to_f64(s, &v)) {
    fuzz_expect(isfinite(v));
    double_round(v);
  }
  date_text(s);
  datetime_text(s);
  ulid_text(s);
  if (size >= sizeof bits) {
    memcpy(&bits, data, sizeof bits);
    dates_of((int64_t)bits);
    numbers_of(bits);
  }
  if (size >= 32) ulids_of(cx, data);
  fuzz_close(&w);
  return 0;
}
