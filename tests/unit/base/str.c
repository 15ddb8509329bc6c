/* SPDX-License-Identifier: MIT */
/* Strings, errors and the places errors point to. */
#include "og_test_world.h"

#include "base/source.h"

OG_TEST(str, comparing_and_cutting)
{
  OG_CHECK(og_str_cmp(OG_STR("ab"), OG_STR("abc")) < 0 && og_str_cmp(OG_STR("b"), OG_STR("abc")) > 0);
  OG_CHECK(og_str_cmp(OG_STR("\xff"), OG_STR("a")) > 0 && og_str_cmp(OG_STR_NONE, OG_STR("")) == 0);
  OG_CHECK(og_str_starts_with(OG_STR("abc"), OG_STR("ab")) && !og_str_starts_with(OG_STR("a"), OG_STR("ab")));
  OG_CHECK(og_str_ends_with(OG_STR("abc"), OG_STR("bc")) && !og_str_ends_with(OG_STR("c"), OG_STR("bc")));
  OG_CHECK(og_str_starts_with(OG_STR_NONE, OG_STR("")) && og_str_ends_with(OG_STR("x"), OG_STR("")));
  OG_CHECK(og_str_find(OG_STR("abcabc"), OG_STR("ca")) == 2 && og_str_find(OG_STR("ab"), OG_STR("abc")) == SIZE_MAX);
  OG_CHECK(og_str_find(OG_STR("ab"), OG_STR("")) == 0 && og_str_find(OG_STR("abc"), OG_STR("x")) == SIZE_MAX);
  OG_CHECK(og_str_rfind_byte(OG_STR("a/b/c"), '/') == 3 && og_str_rfind_byte(OG_STR("abc"), '/') == SIZE_MAX);
  OG_CHECK_STR(og_str_sub(OG_STR("abc"), 1, 9), OG_STR("bc"));
  OG_CHECK_STR(og_str_sub(OG_STR("abc"), 5, 2), OG_STR(""));
  OG_CHECK_STR(og_str_trim(OG_STR(" \t a b\r\n")), OG_STR("a b"));
  OG_CHECK(og_str_trim(OG_STR(" \n")).len == 0);
  OG_CHECK(og_str_eq_fold(OG_STR("AbZ["), OG_STR("aBz[")) && !og_str_eq_fold(OG_STR("\xc3\x89"), OG_STR("\xc3\xa9")));
}

OG_TEST(str, integers_are_read_to_their_limits_and_no_further)
{
  uint64_t u = 1;
  int64_t i = 1;
  OG_CHECK(og_str_to_u64(OG_STR("18446744073709551615"), &u) && u == UINT64_MAX);
  OG_CHECK(og_str_to_i64(OG_STR("9223372036854775807"), &i) && i == INT64_MAX);
  OG_CHECK(og_str_to_i64(OG_STR("-9223372036854775808"), &i) && i == INT64_MIN);
  static const char *const bad_u[] = {"", "18446744073709551616", "99999999999999999999999", "-1", "+1", "1 ", "0x1"};
  static const char *const bad_i[] = {"", "-", "9223372036854775808", "-9223372036854775809", "--1", "+1", "1.0"};
  for (size_t k = 0; k < OG_ARRAY_LEN(bad_u); k++) OG_CHECK(!og_str_to_u64(og_str_of(bad_u[k]), &u));
  for (size_t k = 0; k < OG_ARRAY_LEN(bad_i); k++) OG_CHECK(!og_str_to_i64(og_str_of(bad_i[k]), &i));
}

/* UTF-8 by the definition: encodes every scalar value, one way only. */
static size_t encode(uint32_t c, char out[4])
{
  const size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  static const uint32_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
  for (size_t i = n; i-- > 1; c >>= 6) out[i] = (char)(0x80 | (c & 0x3F));
  out[0] = (char)(lead[n] | c);
  return n;
}

OG_TEST(utf8, every_code_point_goes_round_and_surrogates_do_not)
{
  for (uint32_t c = 0; c < 0x120000; c++) {
    char text[4];
    size_t pos = 0;
    const size_t n = encode(c, text);
    const bool good = c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
    OG_CHECK(og_utf8_check(og_str_from(text, n)) == (good ? SIZE_MAX : 0));
    OG_CHECK(og_utf8_next(og_str_from(text, n), &pos) == (good ? c : 0xFFFD) && pos == (good ? n : 1));
    if (n > 1) OG_CHECK(og_utf8_check(og_str_from(text, n - 1)) == 0); /* cut short */
  }
}

OG_TEST(utf8, the_first_wrong_byte_is_found_behind_plain_text_of_any_length)
{
  static const char *const bad[] = {"\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf",    "\xf0\x8f\xbf\xbf",
                                    "\x80",     "\xff",     "\xf5\x80\x80\x80"};
  char text[64];
  for (size_t k = 0; k < OG_ARRAY_LEN(bad); k++)
    for (size_t at = 0; at < 40; at++) {
      memset(text, 'a', sizeof text);
      memcpy(text + at, bad[k], strlen(bad[k]));
      OG_CHECK_U64(og_utf8_check(og_str_from(text, sizeof text)), at);
    }
}

OG_TEST(str, distance_counts_edits_and_swaps_up_to_its_bound)
{
  OG_CHECK_U64(og_str_distance(OG_STR("Person"), OG_STR("Person"), 3), 0);
  OG_CHECK_U64(og_str_distance(OG_STR("Person"), OG_STR("Presno"), 3), 2);
  OG_CHECK_U64(og_str_distance(OG_STR("Person"), OG_STR("Persons"), 3), 1);
  OG_CHECK_U64(og_str_distance(OG_STR("kitten"), OG_STR("sitting"), 3), 3);
  OG_CHECK_U64(og_str_distance(OG_STR("kitten"), OG_STR("sitting"), 2), 3);
  OG_CHECK_U64(og_str_distance(OG_STR(""), OG_STR("abc"), 9), 3);
  char big[65];
  memset(big, 'a', sizeof big);
  OG_CHECK_U64(og_str_distance(og_str_from(big, 65), og_str_from(big, 65), 3), 4);
  OG_CHECK_U64(og_str_distance(og_str_from(big, 64), og_str_from(big, 63), 3), 1);
}

OG_TEST(error, a_text_shows_no_byte_that_is_malformed_or_steers_a_terminal)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_fail(cx, OG_EIO, "a\xff\033[2Jb\x7f\xc2\x9b\n\t\xc3\xa9\xef\xbf\xbd\xc3");
  OG_CHECK_STR(og_str_of(cx->err->text), OG_STR("a??[2Jb???\n\t\xc3\xa9\xef\xbf\xbd?"));
  og_note(cx, OG_EIO, "while \033 \xfe");
  OG_CHECK(og_str_ends_with(og_str_of(cx->err->text), OG_STR("?\n  while ? ?")));
  og_test_world_close(&w);
}

OG_TEST(error, texts_are_cut_at_whole_characters_and_keep_the_innermost_cause)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  char big[4000];
  for (size_t i = 0; i + 1 < sizeof big; i += 2) memcpy(big + i, "\xc3\xa9", 2);
  for (int shift = 0; shift < 2; shift++) {
    OG_CHECK(og_fail(cx, OG_EIO, "%s" OG_STR_FMT, shift ? "x" : "", OG_STR_ARG(og_str_from(big, sizeof big))) ==
             OG_EIO);
    OG_CHECK(og_utf8_check(og_str_of(cx->err->text)) == SIZE_MAX && strlen(cx->err->text) > 1900);
    OG_CHECK(og_note(cx, OG_EIO, "while full") == OG_EIO && !strstr(cx->err->text, "while full"));
  }
  og_fail(cx, OG_EIO, "inner");
  og_note(cx, OG_EIO, "while %d", 1);
  og_note(cx, OG_EIO, "while %d", 2);
  OG_CHECK_STR(og_str_of(cx->err->text), OG_STR("inner\n  while 1\n  while 2"));
  char field[8];
  og_detail_set(field, sizeof field, OG_STR("abcdef\xc3\xa9"));
  OG_CHECK_STR(og_str_of(field), OG_STR("abcdef"));
  og_detail_set(field, sizeof field, OG_STR("abcdefg"));
  OG_CHECK_STR(og_str_of(field), OG_STR("abcdefg"));
  og_test_world_close(&w);
}

OG_TEST(error, every_status_has_a_name_an_exit_code_and_an_http_status)
{
#define X(name, num, http, exit, code)                                                                                 \
  OG_CHECK_STR(og_str_of(og_status_name(name)), OG_STR(#name));                                                        \
  OG_CHECK(og_status_http(name) == http && og_status_exit(name) == exit);                                              \
  OG_CHECK_STR(og_str_of(og_status_code(name)), OG_STR(code));
  OG_STATUS_LIST(X)
#undef X
}

OG_TEST(source, errors_show_line_caret_and_hint)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  const og_source src = {OG_STR("one\n  \xc3\xa9\xc3\xa9 bad here\nlast"), OG_STR("x.gq")};
  OG_CHECK(og_source_fail(cx, OG_EINVALID, &src, (og_span){11, 14}, OG_STR("say good"), "parse error: %s", "no") ==
           OG_EINVALID);
  OG_CHECK_STR(
      og_str_of(cx->err->text),
      OG_STR("parse error: no\n --> x.gq:2:6\n  |\n2 |   \xc3\xa9\xc3\xa9 bad here\n  |      ^^^\n  = hint: say good"));
  OG_CHECK(cx->err->detail.kind == OG_DETAIL_POSITION && cx->err->detail.line == 2 && cx->err->detail.column == 6);
  OG_CHECK(cx->err->detail.span_start == 11 && cx->err->detail.span_end == 14);
  /* any span over any text is answered, not followed */
  for (uint32_t start = 0; start < 40; start++)
    for (uint32_t end = 0; end < 40; end++) {
      og_source_fail(cx, OG_EINVALID, &src, (og_span){start, end}, OG_STR_NONE, "x");
      OG_CHECK(cx->err->detail.line >= 1 && cx->err->detail.line <= 3 && strstr(cx->err->text, "^"));
    }
  og_test_world_close(&w);
}

OG_TEST_MAIN(OG_CASE(str, comparing_and_cutting), OG_CASE(str, integers_are_read_to_their_limits_and_no_further),
             OG_CASE(utf8, every_code_point_goes_round_and_surrogates_do_not),
             OG_CASE(utf8, the_first_wrong_byte_is_found_behind_plain_text_of_any_length),
             OG_CASE(str, distance_counts_edits_and_swaps_up_to_its_bound),
             OG_CASE(error, a_text_shows_no_byte_that_is_malformed_or_steers_a_terminal),
             OG_CASE(error, texts_are_cut_at_whole_characters_and_keep_the_innermost_cause),
             OG_CASE(error, every_status_has_a_name_an_exit_code_and_an_http_status),
             OG_CASE(source, errors_show_line_caret_and_hint))
