/* SPDX-License-Identifier: MIT */
/* lance/index_gram.c -- the grams of a text: all runs of three letters or digits in it, as an NGRAM index numbers them.
 *
 *  (1) Real Lance asks such an index by what it makes of a needle, so a text must have at least the grams that Lance
 *      gives it: characters are made small, then ASCII: those ASCII characters, and letters of `folded`, that their
 *      compatibility decomposition (NFKD) has.  One without any stands between grams, as do ASCII signs.  This was
 *      compared with an index of Lance 14 over all of Unicode; tests/interop/test_lance_grams.py does it again.
 *  (2) What folding makes large letters of (of a mathematical A, which has no small one) gets the number that Lance's
 *      arithmetic on bytes gives it.
 *  (3) We ask only by the runs of ASCII letters and digits in a needle, which every version of Lance leaves as they
 *      are.  An index tells rows that may hold the needle; whoever asks looks at them.
 */
#include "base/ctx.h"
#include "lance/index_impl.h"

#include <utf8proc.h>

#define ALPHABET 37u /* letters, digits and nothing */

/* Letters that Unicode does not decompose. */
static const struct folded {
  uint32_t from;
  char to[3];
} folded[] = {{0xC6, "AE"}, {0xD0, "D"},  {0xD8, "O"},    {0xDE, "TH"}, {0xDF, "ss"}, {0xE6, "ae"},  {0xF0, "d"},
              {0xF8, "o"},  {0xFE, "th"}, {0x110, "D"},   {0x111, "d"}, {0x126, "H"}, {0x127, "h"},  {0x131, "i"},
              {0x138, "k"}, {0x141, "L"}, {0x142, "l"},   {0x14A, "N"}, {0x14B, "n"}, {0x152, "OE"}, {0x153, "oe"},
              {0x166, "T"}, {0x167, "t"}, {0x1E9E, "SS"}, {0xA7F1, "S"}};
/* Outlined letters and digits of Unicode 16, which libraries may be too old to know. */
#define OUTLINED_A 0x1CCD6u
#define OUTLINED_0 0x1CCF0u

/* The last characters of the text as it folds; 0: between grams. */
typedef struct window {
  og_ctx *cx;
  og_vec *out;
  char last[3];
} window;

static unsigned number_of(char c)
{
  const uint8_t b = (uint8_t)c;
  return (uint8_t)((b <= '9' ? b - '0' : b - 'a' + 10) + 1);
}

static bool is_alnum(uint32_t c)
{
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static og_status put(window *w, uint32_t c)
{
  memmove(w->last, w->last + 1, 2);
  w->last[2] = '\0';
  if (is_alnum(c)) w->last[2] = (char)c; /* below 128 */
  if (!w->last[0] || !w->last[1] || !w->last[2]) return OG_OK;
  const uint32_t gram = (number_of(w->last[0]) * ALPHABET + number_of(w->last[1])) * ALPHABET + number_of(w->last[2]);
  return og_vec_add(w->cx, w->out, &gram);
}

static const char *find_folded(uint32_t c)
{
  for (size_t i = 0; i < sizeof folded / sizeof *folded; i++)
    if (folded[i].from == c) return folded[i].to;
  return NULL;
}

/* One character of the decomposition; *some: it has something in ASCII. */
static og_status put_part(window *w, uint32_t c, bool *some)
{
  const char *to = find_folded(c);
  const bool letter = c >= OUTLINED_A && c < OUTLINED_0, digit = c >= OUTLINED_0 && c < OUTLINED_0 + 10;
  if (c >= 0x80 && !to && !letter && !digit) return OG_OK;
  *some = true;
  if (c < 0x80) return put(w, c);
  if (letter) return put(w, 'A' + (c - OUTLINED_A));
  if (digit) return put(w, '0' + (c - OUTLINED_0));
  for (; *to; to++) OG_TRY(put(w, (uint8_t)*to));
  return OG_OK;
}

static og_status put_character(window *w, uint32_t c)
{
  utf8proc_int32_t parts[64]; /* the longest decomposition has 18 */
  int boundary = 0;
  bool some = false;
  const uint32_t small = (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
  if (c < 0x80) return put(w, c >= 'A' && c <= 'Z' ? c + 32 : c);
  const utf8proc_ssize_t n =
      utf8proc_decompose_char((utf8proc_int32_t)small, parts, 64, UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE, &boundary);
  for (utf8proc_ssize_t i = 0; i < n && i < 64; i++) OG_TRY(put_part(w, (uint32_t)parts[i], &some));
  if (c == 0x130) return put(w, ' '); /* a small i, then a dot above it */
  return some ? OG_OK : put(w, ' ');
}

static int by_number(const void *a, const void *b, void *arg)
{
  (void)arg;
  const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static og_status make_distinct(og_ctx *cx, og_vec *v)
{
  uint32_t *x = v->data;
  size_t kept = 0;
  if (v->len < 2) return OG_OK;
  OG_TRY(og_sort(cx, x, v->len, sizeof *x, by_number, NULL));
  for (size_t i = 0; i < v->len; i++)
    if (i == 0 || x[i] != x[kept - 1]) x[kept++] = x[i];
  v->len = kept;
  return OG_OK;
}

og_status og_index__grams(og_ctx *cx, og_str text, og_vec *out)
{
  window w = {.cx = cx, .out = out};
  og_vec_clear(out);
  for (size_t at = 0; at < text.len;) OG_TRY(put_character(&w, og_utf8_next(text, &at)));
  return make_distinct(cx, out);
}

bool og_lance_index_tells(og_str part)
{
  size_t run = 0;
  for (size_t i = 0; i < part.len && run < 3; i++) run = is_alnum((uint8_t)part.ptr[i]) ? run + 1 : 0;
  return run == 3;
}

og_status og_index__grams_wanted(og_ctx *cx, og_str part, og_vec *out)
{
  window w = {.cx = cx, .out = out};
  og_vec_clear(out);
  for (size_t i = 0; i < part.len; i++) {
    const uint8_t c = (uint8_t)part.ptr[i];
    OG_TRY(put(&w, c >= 'A' && c <= 'Z' ? c + 32u : c < 0x80 ? c : ' '));
  }
  return make_distinct(cx, out);
}
