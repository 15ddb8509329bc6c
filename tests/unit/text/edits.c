/* SPDX-License-Identifier: MIT */
#include "og_test.h"

#include "text/edits.h"

static bool within(const char *a, const char *b, unsigned max)
{
  og_edits e;
  og_edits_init(&e, og_str_of(a), max);
  return og_edits_match(&e, og_str_of(b));
}

OG_TEST(edits, counts_characters_added_dropped_changed_and_swapped)
{
  OG_CHECK(within("", "", 0));
  OG_CHECK(within("harbor", "harbor", 0) && !within("harbor", "harbour", 0));
  OG_CHECK(within("harbor", "harbour", 1) && within("harbour", "harbor", 1));
  OG_CHECK(within("harbor", "herbor", 1) && within("harbor", "ahrbor", 1)); /* two neighbours swapped: one edit */
  OG_CHECK(!within("kitten", "sitting", 2) && within("kitten", "sitting", 3));
  OG_CHECK(!within("ca", "abc", 2) && within("ca", "abc", 3)); /* no character is edited twice */
  OG_CHECK(within("", "ab", 2) && !within("", "abc", 2));
  OG_CHECK(within("na\xC3\xAFve", "naive", 1)); /* characters, not bytes */
}

OG_TEST(edits, usual_number_grows_with_the_word)
{
  OG_CHECK(og_edits_usual(OG_STR("ab")) == 0 && og_edits_usual(OG_STR("abc")) == 1);
  OG_CHECK(og_edits_usual(OG_STR("abcde")) == 1 && og_edits_usual(OG_STR("abcdef")) == 2);
  OG_CHECK(og_edits_usual(OG_STR("\xC3\xA9\xC3\xA9")) == 0);
}

/* ---- against the whole table */

enum { LEN = 7 };

static unsigned whole_table(const char *a, size_t n, const char *b, size_t m)
{
  unsigned d[LEN + 1][LEN + 1];
  for (size_t i = 0; i <= n; i++) {
    for (size_t j = 0; j <= m; j++) {
      if (i == 0 || j == 0) {
        d[i][j] = (unsigned)(i + j);
        continue;
      }
      unsigned v = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      if (d[i - 1][j] + 1 < v) v = d[i - 1][j] + 1;
      if (d[i][j - 1] + 1 < v) v = d[i][j - 1] + 1;
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped && d[i - 2][j - 2] + 1 < v) v = d[i - 2][j - 2] + 1;
      d[i][j] = v;
    }
  }
  return d[n][m];
}

OG_TEST(edits, band_agrees_with_the_whole_table)
{
  uint64_t state = 1;
  for (unsigned round = 0; round < 20000; round++) {
    char a[LEN], b[LEN];
    size_t n = 0, m = 0;
    for (unsigned i = 0; i < 2 * LEN; i++) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const unsigned r = (unsigned)(state >> 33) % 8;
      if (r < 3) a[n] = (char)('a' + r), n += n < LEN - 1;
      if (r >= 3 && r < 6) b[m] = (char)('a' + r - 3), m += m < LEN - 1;
    }
    const unsigned distance = whole_table(a, n, b, m);
    for (unsigned max = 0; max <= 6; max++) {
      og_edits e;
      og_edits_init(&e, og_str_from(a, n), max);
      OG_CHECK(og_edits_match(&e, og_str_from(b, m)) == (distance <= max));
    }
  }
}

OG_TEST_MAIN(OG_CASE(edits, counts_characters_added_dropped_changed_and_swapped),
             OG_CASE(edits, usual_number_grows_with_the_word), OG_CASE(edits, band_agrees_with_the_whole_table))
