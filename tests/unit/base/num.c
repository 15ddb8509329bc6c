/* SPDX-License-Identifier: MIT */
#include "og_test.h"

#include "base/num.h"

#include <float.h>

static uint64_t next(uint64_t *state)
{
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

static void check_text(double v, const char *want)
{
  char text[OG_F64_TEXT_MAX];
  OG_CHECK_STR(og_str_from(text, og_f64_format(v, text)), og_str_of(want));
}

OG_TEST(num, doubles_have_one_spelling)
{
  check_text(0, "0.0");
  check_text(-0.0, "-0.0");
  check_text(1, "1.0");
  check_text(-1.5, "-1.5");
  check_text(0.1, "0.1");
  check_text(0.1 + 0.2, "0.30000000000000004");
  check_text(100, "100.0");
  check_text(123456789, "123456789.0");
  check_text(9007199254740992, "9007199254740992.0");
  check_text(1e15, "1000000000000000.0");
  check_text(1e16, "1e16");
  check_text(1.5e16, "1.5e16");
  check_text(1e300, "1e300");
  check_text(0.00001, "0.00001");
  check_text(0.000012, "0.000012");
  check_text(0.000001, "1e-6");
  check_text(1.5e-7, "1.5e-7");
  check_text(DBL_MAX, "1.7976931348623157e308");
  check_text(DBL_MIN, "2.2250738585072014e-308");
  check_text(5e-324, "5e-324");
  check_text(-2.2250738585072011e-308, "-2.225073858507201e-308"); /* the largest subnormal */
}

OG_TEST(num, floats_have_their_own_shortest_spelling)
{
  char text[OG_F64_TEXT_MAX];
  OG_CHECK_STR(og_str_from(text, og_f32_format(0.1f, text)), OG_STR("0.1"));
  OG_CHECK_STR(og_str_from(text, og_f32_format(16777216.0f, text)), OG_STR("16777216.0"));
  OG_CHECK_STR(og_str_from(text, og_f32_format(FLT_MAX, text)), OG_STR("3.4028235e38"));
  OG_CHECK_STR(og_str_from(text, og_f32_format(1e-45f, text)), OG_STR("1e-45"));
}

OG_TEST(num, a_million_random_doubles_and_floats_come_back)
{
  uint64_t state = 1;
  for (unsigned i = 0; i < 1000000; i++) {
    const uint64_t bits = next(&state);
    char text[OG_F64_TEXT_MAX];
    double v, back = 0;
    memcpy(&v, &bits, sizeof v);
    if (!(v - v == 0)) continue; /* infinite or NaN */
    const size_t len = og_f64_format(v, text);
    OG_CHECK(len <= OG_F64_TEXT_MAX && og_str_to_f64(og_str_from(text, len), &back));
    OG_CHECK(memcmp(&v, &back, sizeof v) == 0);
    float f, f_back;
    const uint32_t low = (uint32_t)bits;
    memcpy(&f, &low, sizeof f);
    if (!(f - f == 0)) continue;
    OG_CHECK(og_str_to_f64(og_str_from(text, og_f32_format(f, text)), &back));
    f_back = (float)back;
    OG_CHECK(memcmp(&f, &f_back, sizeof f) == 0);
  }
}

OG_TEST(num, parsing_rounds_correctly)
{
  double v = 0;
  /* Halfway between 1 and its successor goes to the even one, a trace more goes up. */
  OG_CHECK(og_str_to_f64(OG_STR("1.00000000000000011102230246251565404236316680908203125"), &v) && v == 1);
  OG_CHECK(og_str_to_f64(OG_STR("1.00000000000000011102230246251565404236316680908203126"), &v) &&
           v == 1 + DBL_EPSILON);
  OG_CHECK(og_str_to_f64(OG_STR("9007199254740993"), &v) && v == 9007199254740992.0);
  OG_CHECK(og_str_to_f64(OG_STR("2.2250738585072011e-308"), &v) && v < DBL_MIN && v > 0);
  OG_CHECK(og_str_to_f64(OG_STR("-1.5E+3"), &v) && v == -1500);
  OG_CHECK(og_str_to_f64(OG_STR("007"), &v) && v == 7);
}

OG_TEST(num, what_is_no_decimal_number_is_refused)
{
  static const char *const bad[] = {"",     "-",  "+1", ".5",  "1.",   "1e",  "1e+",  "inf",   "nan",
                                    "0x10", " 1", "1 ", "1,5", "1.5f", "--1", "1e5.", "1e400", "-1e400"};
  double v = 42;
  for (size_t i = 0; i < OG_ARRAY_LEN(bad); i++) OG_CHECK(!og_str_to_f64(og_str_of(bad[i]), &v));
  OG_CHECK(v == 42);
}

OG_TEST_MAIN(OG_CASE(num, doubles_have_one_spelling), OG_CASE(num, floats_have_their_own_shortest_spelling),
             OG_CASE(num, a_million_random_doubles_and_floats_come_back), OG_CASE(num, parsing_rounds_correctly),
             OG_CASE(num, what_is_no_decimal_number_is_refused))
