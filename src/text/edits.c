/* SPDX-License-Identifier: MIT */
/* text/edits.c -- bounded edit distance: the diagonal band of the table, three rows at a time.
 *
 * A cell further than `max` from the diagonal is more than `max`, so a row has 2 * max + 1 cells, and a row in which
 * all cells are more than `max` ends it (Ukkonen 1985).  band[d] stands for column row + d - max.
 */
#include "text/edits.h"

typedef struct row {
  unsigned band[2 * OG_TEXT_EDITS_MAX + 3]; /* one cell of border on each side */
} row;

static size_t decode(og_str s, uint32_t *out, size_t cap)
{
  size_t n = 0;
  for (size_t at = 0; at < s.len && n < cap;) out[n++] = og_utf8_next(s, &at);
  return n;
}

void og_edits_init(og_edits *e, og_str word, unsigned max)
{
  e->n = decode(word, e->chars, OG_TEXT_WORD_MAX);
  e->max = max < OG_TEXT_EDITS_MAX ? max : OG_TEXT_EDITS_MAX;
}

unsigned og_edits_usual(og_str word)
{
  size_t n = 0;
  for (size_t at = 0; at < word.len; n++) og_utf8_next(word, &at);
  return n <= 2 ? 0 : n <= 5 ? 1 : 2;
}

static unsigned least(unsigned a, unsigned b)
{
  return a < b ? a : b;
}

/* Row i of the table from the two before it; returns its least cell. */
static unsigned next_row(const og_edits *e, const uint32_t *other, size_t n, size_t i, const row *before,
                         const row *last, row *now)
{
  const unsigned far = e->max + 1;
  unsigned best = far;
  for (size_t k = 0; k < 2 * (size_t)e->max + 1; k++) {
    unsigned *cell = &now->band[k + 1];
    *cell = far;
    if (i + k < e->max || i + k > n + e->max) continue; /* no such column */
    const size_t j = i + k - e->max;
    if (j == 0) {
      *cell = least((unsigned)i, far);
    } else {
      const bool same = e->chars[i - 1] == other[j - 1];
      *cell = least(last->band[k + 1] + !same, least(last->band[k + 2], now->band[k]) + 1);
      const bool swapped = i > 1 && j > 1 && e->chars[i - 1] == other[j - 2] && e->chars[i - 2] == other[j - 1];
      if (swapped) *cell = least(*cell, before->band[k + 1] + 1);
      *cell = least(*cell, far);
    }
    best = least(best, *cell);
  }
  return best;
}

bool og_edits_match(const og_edits *e, og_str word)
{
  uint32_t other[OG_TEXT_WORD_MAX];
  if (word.len > OG_TEXT_WORD_MAX) return false;
  const size_t n = decode(word, other, OG_TEXT_WORD_MAX);
  const unsigned far = e->max + 1;
  row rows[3];
  if (n > e->n + e->max || e->n > n + e->max) return false;
  for (unsigned r = 0; r < 3; r++)
    for (size_t k = 0; k < sizeof rows->band / sizeof *rows->band; k++) rows[r].band[k] = far;
  for (size_t k = e->max; k < 2 * (size_t)e->max + 1; k++) rows[0].band[k + 1] = (unsigned)(k - e->max);
  for (size_t i = 1; i <= e->n; i++)
    if (next_row(e, other, n, i, &rows[(i + 1) % 3], &rows[(i + 2) % 3], &rows[i % 3]) > e->max) return false;
  return rows[e->n % 3].band[n + e->max - e->n + 1] <= e->max;
}
