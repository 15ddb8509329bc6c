/* SPDX-License-Identifier: MIT */
#include "og_test.h"

#include "text/fold.h"

static bool is(size_t n, const char *out, const char *expected)
{
  return n == strlen(expected) && memcmp(out, expected, n) == 0;
}

static bool folds(uint32_t c, const char *expected)
{
  char out[OG_TEXT_FOLD_MAX];
  return is(og_text_fold(c, out), out, expected);
}

static bool lowers(uint32_t c, const char *expected)
{
  char out[8];
  return is(og_text_lower(c, out), out, expected);
}

OG_TEST(fold, letters_and_numbers_of_any_script_make_words)
{
  const uint32_t in[] = {'a', 'Z', '7', 0xE9, 0x3B1, 0x416, 0x5D0, 0x4E2D, 0x0903, 0xBD, 0x2460, 0x1D7D8, 0x10FFFD};
  const uint32_t out[] = {'_', '-', '\'', ' ', 0, 0x7F, 0x80, 0xA0, 0x2019, 0x3000, 0x094D, 0x1F600, 0x10FFFF};
  const size_t last = sizeof in / sizeof *in - 1; /* private use is none */
  for (size_t i = 0; i < last; i++) OG_CHECK(og_text_is_letter(in[i]));
  OG_CHECK(!og_text_is_letter(in[last]));
  for (size_t i = 0; i < sizeof out / sizeof *out; i++) OG_CHECK(!og_text_is_letter(out[i]));
}

OG_TEST(fold, accents_go_and_what_has_no_ascii_stays)
{
  OG_CHECK(folds('x', "x"));
  OG_CHECK(folds(0xE9, "e"));     /* e acute */
  OG_CHECK(folds(0x1EC7, "e"));   /* e circumflex and dot below */
  OG_CHECK(folds(0xDF, "ss"));    /* sharp s */
  OG_CHECK(folds(0xE6, "ae"));    /* ae */
  OG_CHECK(folds(0xFB03, "ffi")); /* ffi ligature */
  OG_CHECK(folds(0xBD, "12"));    /* one half: its stroke is not ASCII */
  OG_CHECK(folds(0xFF21, "A"));   /* fullwidth */
  OG_CHECK(folds(0x416, "\xD0\x96"));
  OG_CHECK(folds(0x4E2D, "\xE4\xB8\xAD"));
}

OG_TEST(fold, small_letters_come_one_by_one)
{
  OG_CHECK(lowers('A', "a"));
  OG_CHECK(lowers(0xC9, "\xC3\xA9"));
  OG_CHECK(lowers(0x3A3, "\xCF\x83"));  /* sigma, also at a word's end */
  OG_CHECK(lowers(0x130, "i\xCC\x87")); /* I with a dot: i and the dot */
  OG_CHECK(lowers(0x1E9E, "\xC3\x9F")); /* large sharp s */
}

/* Every character: what analyzer.c reserves for it is enough. */
OG_TEST(fold, no_character_becomes_longer_than_promised)
{
  char out[OG_TEXT_FOLD_MAX + 8];
  for (uint32_t c = 1; c < 0x110000; c++) {
    if (c >= 0xD800 && c < 0xE000) continue;
    OG_CHECK(og_text_lower(c, out) <= 4);
    const size_t n = og_text_fold(c, out);
    OG_CHECK(n >= 1 && n <= OG_TEXT_FOLD_MAX);
    OG_CHECK(og_utf8_check(og_str_from(out, n)) == SIZE_MAX);
  }
}

OG_TEST_MAIN(OG_CASE(fold, letters_and_numbers_of_any_script_make_words),
             OG_CASE(fold, accents_go_and_what_has_no_ascii_stays), OG_CASE(fold, small_letters_come_one_by_one),
             OG_CASE(fold, no_character_becomes_longer_than_promised))
