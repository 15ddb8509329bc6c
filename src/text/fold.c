/* SPDX-License-Identifier: MIT */
/* text/fold.c -- letters, small letters, letters without accents.
 *
 * Facts about the original, compared with indexes of Lance 10 and 14 over all of Unicode by
 * tests/interop/test_text_analyser.py: words are runs of Alphabetic and Number characters; letters are made small one
 * by one, without regard to their neighbours; folding takes the ASCII part of the compatibility decomposition (NFKD),
 * drops combining marks, and has a short list of letters that Unicode does not decompose.
 */
#include "text/fold.h"

#include <utf8proc.h>

typedef struct run {
  uint32_t first, last;
} run;

static const run letters[] = {
#include "text/letters.inc.h"
};

bool og_text_is_letter(uint32_t c)
{
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  size_t lo = 0, hi = sizeof letters / sizeof *letters;
  while (lo < hi) {
    const size_t mid = (lo + hi) / 2;
    if (letters[mid].last < c)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo < sizeof letters / sizeof *letters && letters[lo].first <= c;
}

size_t og_text_put(uint32_t c, char out[4])
{
  return (size_t)utf8proc_encode_char((utf8proc_int32_t)c, (utf8proc_uint8_t *)out);
}

size_t og_text_lower(uint32_t c, char out[8])
{
  if (c != 0x130) return og_text_put((uint32_t)utf8proc_tolower((utf8proc_int32_t)c), out);
  out[0] = 'i'; /* a small i, then a dot above it */
  return 1 + og_text_put(0x307, out + 1);
}

static const struct {
  uint32_t from;
  char to[3];
} whole[] = {{0xC6, "AE"}, {0xD0, "D"},  {0xD8, "O"},  {0xDE, "TH"},  {0xDF, "ss"}, {0xE6, "ae"},  {0xF0, "d"},
             {0xF8, "o"},  {0xFE, "th"}, {0x110, "D"}, {0x111, "d"},  {0x126, "H"}, {0x127, "h"},  {0x131, "i"},
             {0x138, "k"}, {0x141, "L"}, {0x142, "l"}, {0x14A, "N"},  {0x14B, "n"}, {0x152, "OE"}, {0x153, "oe"},
             {0x166, "T"}, {0x167, "t"}, {0x17F, "s"}, {0x1E9E, "SS"}};

static const char *folded_whole(uint32_t c)
{
  for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
    if (whole[i].from == c) return whole[i].to;
  return NULL;
}

static size_t put_text(const char *s, char *out, size_t at)
{
  for (; *s && at < OG_TEXT_FOLD_MAX; s++) out[at++] = *s;
  return at;
}

size_t og_text_fold(uint32_t c, char out[OG_TEXT_FOLD_MAX])
{
  utf8proc_int32_t parts[OG_TEXT_FOLD_MAX]; /* the longest decomposition there is has as many */
  int boundary = 0;
  size_t n = 0;
  const char *to = folded_whole(c);
  if (c < 0x80) return og_text_put(c, out);
  if (to) return put_text(to, out, 0);
  if (c >= 0x1CCF0 && c <= 0x1CCF9) { /* outlined digits, of Unicode 16: utf8proc may be older */
    out[0] = (char)('0' + (c - 0x1CCF0));
    return 1;
  }
  const utf8proc_ssize_t len = utf8proc_decompose_char((utf8proc_int32_t)c, parts, OG_TEXT_FOLD_MAX,
                                                       UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE, &boundary);
  for (utf8proc_ssize_t i = 0; i < len && i < OG_TEXT_FOLD_MAX; i++) {
    const uint32_t part = (uint32_t)parts[i];
    if (part < 0x80 && n < OG_TEXT_FOLD_MAX)
      out[n++] = (char)part;
    else if ((to = folded_whole(part)))
      n = put_text(to, out, n);
  }
  return n ? n : og_text_put(c, out);
}
