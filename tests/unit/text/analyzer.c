/* SPDX-License-Identifier: MIT */
#include "og_test.h"
#include "og_test_world.h"

#include "base/buf.h"
#include "text/analyzer.h"

#include <stdio.h>

/* The words of a text as "word@position word@position". */
static og_str words(og_ctx *cx, og_analyzer *a, og_str text, og_buf *out)
{
  og_word *w = NULL;
  og_buf_clear(out);
  og_analyzer_begin(a, text);
  for (;;) {
    OG_CHECK_OK(cx, og_analyzer_next(cx, a, &w));
    if (!w) return og_buf_str(out);
    OG_CHECK_OK(cx, og_buf_printf(cx, out, "%s" OG_STR_FMT "@%u", out->len ? " " : "", OG_STR_ARG(w->text),
                                  og_analyzer_position(a)));
  }
}

typedef struct pair {
  const char *text, *expected;
} pair;

static void check_all(const pair *pairs, size_t n)
{
  og_test_world w;
  og_buf out = {0};
  og_analyzer *a = NULL;
  og_ctx *cx = og_test_world_open(&w);
  OG_CHECK_OK(cx, og_analyzer_new(cx, &a));
  for (unsigned round = 0; round < 2; round++) /* the second time from memory */
    for (size_t i = 0; i < n; i++)
      OG_CHECK_STR(words(cx, a, og_str_of(pairs[i].text), &out), og_str_of(pairs[i].expected));
  og_analyzer_free(a);
  og_buf_cleanup(&out);
  og_test_world_close(&w);
}

OG_TEST(analyzer, splits_lowers_stems_and_drops_stop_words)
{
  static const pair pairs[] = {
      {"", ""},
      {" . ", ""},
      {"The Running engines", "run@1 engin@2"},
      {"it's a HARBOR-side_walk", "harbor@3 side@4 walk@5"},
      {"state of the art", "state@0 art@3"},
      {"will willing its", ""},          /* what is a stop word is asked of the stem, */
      {"very before", "veri@0 befor@1"}, /* so these are none */
      {"covid19 2.5", "covid19@0 2@1 5@2"},
      {"the", ""},
  };
  check_all(pairs, sizeof pairs / sizeof *pairs);
}

OG_TEST(analyzer, reads_any_script_and_drops_accents)
{
  static const pair pairs[] = {
      {"Caf\xC3\xA9s na\xC3\xAFve", "cafe@0 naiv@1"},
      /* stemmed before it is folded: "strasse" has the stem "strass" */
      {"Stra\xC3\x9F"
       "e \xC3\x86gir",
       "strasse@0 aegir@1"},
      {"\xD0\x9C\xD0\xBE\xD1\x81\xD0\xBA\xD0\xB2\xD0\xB0", "\xD0\xBC\xD0\xBE\xD1\x81\xD0\xBA\xD0\xB2\xD0\xB0@0"},
      {"\xE4\xB8\xAD\xE6\x96\x87\xE3\x80\x82x", "\xE4\xB8\xAD\xE6\x96\x87@0 x@1"},
      {"bad\xFFutf8 \xC3", "bad@0 utf8@1"}, /* malformed bytes divide */
  };
  check_all(pairs, sizeof pairs / sizeof *pairs);
}

OG_TEST(analyzer, drops_tokens_of_40_bytes_and_keeps_their_place)
{
  static const pair pairs[] = {
      {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa x", "x@1"},
      {"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz x", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz@0 x@1"},
  };
  check_all(pairs, sizeof pairs / sizeof *pairs);
}

OG_TEST(analyzer, remembers_tags_of_words_until_told_otherwise)
{
  og_test_world w;
  og_analyzer *a = NULL;
  og_word *word = NULL;
  og_ctx *cx = og_test_world_open(&w);
  OG_CHECK_OK(cx, og_analyzer_new(cx, &a));
  og_analyzer_begin(a, OG_STR("harbor Harbor harbor"));
  OG_CHECK_OK(cx, og_analyzer_next(cx, a, &word));
  word->tag = 7;
  OG_CHECK_OK(cx, og_analyzer_next(cx, a, &word));
  OG_CHECK(word->tag == 0); /* another spelling */
  OG_CHECK_OK(cx, og_analyzer_next(cx, a, &word));
  OG_CHECK(word->tag == 7);
  og_analyzer_forget_tags(a);
  OG_CHECK(word->tag == 0);
  og_analyzer_free(a);
  og_test_world_close(&w);
}

/* More distinct tokens than are remembered: the rest is computed anew, and right. */
OG_TEST(analyzer, takes_texts_of_more_words_than_it_remembers)
{
  og_test_world w;
  og_buf text = {0};
  og_analyzer *a = NULL;
  og_word *word = NULL;
  og_ctx *cx = og_test_world_open(&w);
  OG_CHECK_OK(cx, og_analyzer_new(cx, &a));
  for (unsigned i = 0; i < 70000; i++) OG_CHECK_OK(cx, og_buf_printf(cx, &text, "w%u ", i));
  og_analyzer_begin(a, og_buf_str(&text));
  for (unsigned i = 0; i < 70000; i++) {
    char expected[16];
    OG_CHECK_OK(cx, og_analyzer_next(cx, a, &word));
    OG_CHECK(word && word->tag == 0);
    snprintf(expected, sizeof expected, "w%u", i);
    OG_CHECK_STR(word->text, og_str_of(expected));
    word->tag = 1;
  }
  OG_CHECK_OK(cx, og_analyzer_next(cx, a, &word));
  OG_CHECK(!word);
  og_analyzer_free(a);
  og_buf_cleanup(&text);
  og_test_world_close(&w);
}

OG_TEST(analyzer, survives_every_failing_allocation)
{
  for (uint64_t nth = 1, failed = 1; failed; nth++) {
    og_test_world w;
    og_analyzer *a = NULL;
    og_word *word = NULL;
    og_ctx *cx = og_test_world_open(&w);
    cx->mem->fail_at = cx->mem->calls + nth;
    og_status st = og_analyzer_new(cx, &a);
    if (st == OG_OK) og_analyzer_begin(a, OG_STR("one two three"));
    do {
      if (st == OG_OK) st = og_analyzer_next(cx, a, &word);
    } while (st == OG_OK && word);
    failed = st != OG_OK;
    OG_CHECK(st == OG_OK || st == OG_ENOMEM);
    cx->mem->fail_at = 0;
    og_analyzer_free(a);
    og_test_world_close(&w);
  }
}

OG_TEST_MAIN(OG_CASE(analyzer, splits_lowers_stems_and_drops_stop_words),
             OG_CASE(analyzer, reads_any_script_and_drops_accents),
             OG_CASE(analyzer, drops_tokens_of_40_bytes_and_keeps_their_place),
             OG_CASE(analyzer, remembers_tags_of_words_until_told_otherwise),
             OG_CASE(analyzer, takes_texts_of_more_words_than_it_remembers),
             OG_CASE(analyzer, survives_every_failing_allocation))
