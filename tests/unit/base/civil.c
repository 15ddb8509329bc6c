/* SPDX-License-Identifier: MIT */
#include "og_test.h"

#include "base/civil.h"

static void check_date(int64_t days, int64_t y, unsigned m, unsigned d)
{
  int64_t got_y;
  unsigned got_m, got_d;
  assert_int_equal(og_days_from_civil(y, m, d), days);
  og_civil_from_days(days, &got_y, &got_m, &got_d);
  OG_CHECK(got_y == y && got_m == m && got_d == d);
}

OG_TEST(civil, known_days)
{
  check_date(0, 1970, 1, 1);
  check_date(-1, 1969, 12, 31);
  check_date(11016, 2000, 2, 29);
  check_date(11017, 2000, 3, 1);
  check_date(-719162, 1, 1, 1);
  check_date(-719468, 0, 3, 1);
  check_date(-719528, 0, 1, 1);
  check_date(2932896, 9999, 12, 31);
  check_date(-25567, 1900, 1, 1);
  check_date(-25508, 1900, 3, 1); /* 1900 had no 29 February */
}

OG_TEST(civil, every_day_of_four_thousand_years_follows_the_one_before)
{
  static const unsigned lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int64_t y = -2000;
  unsigned m = 1, d = 1;
  int64_t days = og_days_from_civil(y, m, d);
  for (; y < 2100; days++) {
    check_date(days, y, m, d);
    const bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (++d <= lengths[m - 1] + (unsigned)(m == 2 && leap)) continue;
    d = 1;
    if (++m <= 12) continue;
    m = 1;
    y++;
  }
}

static void check_datetime(int64_t ms, const char *want)
{
  char text[OG_DATETIME_TEXT_MAX];
  OG_CHECK_STR(og_str_from(text, og_datetime_format(ms, text)), og_str_of(want));
}

OG_TEST(civil, the_ends_of_the_range_have_texts)
{
  char text[OG_DATE_TEXT_MAX];
  OG_CHECK_STR(og_str_from(text, og_date_format(INT32_MAX, text)), OG_STR("5881580-07-11"));
  OG_CHECK_STR(og_str_from(text, og_date_format(INT32_MIN, text)), OG_STR("-5877641-06-23"));
  OG_CHECK_STR(og_str_from(text, og_date_format(-719528, text)), OG_STR("0000-01-01"));
  OG_CHECK_STR(og_str_from(text, og_date_format(-719529, text)), OG_STR("-0001-12-31"));
  check_datetime(0, "1970-01-01T00:00:00.000Z");
  check_datetime(-1, "1969-12-31T23:59:59.999Z");
  check_datetime(951827696789, "2000-02-29T12:34:56.789Z");
  check_datetime(INT64_MAX, "292278994-08-17T07:12:55.807Z");
  check_datetime(INT64_MIN, "-292275055-05-16T16:47:04.192Z");
}

OG_TEST(civil, dates_are_read_strictly)
{
  static const char *const bad[] = {
      "",           "2023-02-29",  "1900-02-29",  "2024-13-01",  "2024-00-01",  "2024-01-00",
      "2024-04-31", "2024-1-01",   "24-01-01",    "2024/01/01",  "2024-01-01 ", " 2024-01-01",
      "2024-01-0a", "-2024-01-01", "02024-01-01", "2024-01-01T", "2024-01"};
  int32_t days = 7;
  for (size_t i = 0; i < OG_ARRAY_LEN(bad); i++) OG_CHECK(!og_date_parse(og_str_of(bad[i]), &days));
  OG_CHECK(days == 7);
  OG_CHECK(og_date_parse(OG_STR("2000-02-29"), &days) && days == 11016);
  OG_CHECK(og_date_parse(OG_STR("0001-01-01"), &days) && days == -719162);
}

OG_TEST(civil, datetimes_are_read_with_and_without_their_optional_parts)
{
  static const struct {
    const char *text;
    int64_t ms;
  } good[] = {
      {"1970-01-01", 0},
      {"2000-02-29T12:34:56.789Z", 951827696789},
      {"2000-02-29 12:34:56.789", 951827696789},
      {"2000-02-29t12:34:56.789z", 951827696789},
      {"2000-02-29T12:34:56.7899999999999999999", 951827696789},
      {"2000-02-29T12:34:56.7", 951827696700},
      {"2000-02-29T12:34", 951827640000},
      {"2000-02-29T14:34:56.789+02:00", 951827696789},
      {"2000-02-29T07:04:56.789-05:30", 951827696789},
      {"1970-01-01T00:00:00+00:01", -60000},
      {"0000-01-01T00:00:00Z", -62167219200000},
  };
  static const char *const bad[] = {"",
                                    "2000-02-30",
                                    "2000-02-29T",
                                    "2000-02-29T12",
                                    "2000-02-29T24:00",
                                    "2000-02-29T12:60",
                                    "2000-02-29T12:34:60",
                                    "2000-02-29T12:34:",
                                    "2000-02-29T12:34:56.",
                                    "2000-02-29T12:34.5",
                                    "2000-02-29T12:34:56.7x",
                                    "2000-02-29T12:34:56Zx",
                                    "2000-02-29T12:34:56+24:00",
                                    "2000-02-29T12:34:56+1:00",
                                    "2000-02-29Z",
                                    "2000-02-29  12:34",
                                    "12:34:56"};
  int64_t ms = 7;
  for (size_t i = 0; i < OG_ARRAY_LEN(bad); i++) {
    if (og_datetime_parse(og_str_of(bad[i]), &ms)) fail_msg("accepted: %s", bad[i]);
  }
  OG_CHECK(ms == 7);
  for (size_t i = 0; i < OG_ARRAY_LEN(good); i++) {
    OG_CHECK(og_datetime_parse(og_str_of(good[i].text), &ms));
    assert_int_equal(ms, good[i].ms);
  }
}

OG_TEST_MAIN(OG_CASE(civil, known_days), OG_CASE(civil, every_day_of_four_thousand_years_follows_the_one_before),
             OG_CASE(civil, the_ends_of_the_range_have_texts), OG_CASE(civil, dates_are_read_strictly),
             OG_CASE(civil, datetimes_are_read_with_and_without_their_optional_parts))
