/* SPDX-License-Identifier: MIT */
/* text/edits.h -- is one word within so many edits of another?
 *
 * An edit adds, drops or changes one character, or swaps two neighbours; no character is edited twice (optimal string
 * alignment).  Characters are code points.  Thread rule: a pattern is immutable once made.
 */
#pragma once

#include "text/analyzer.h"

#include <stdint.h>

#define OG_TEXT_EDITS_MAX 16

typedef struct og_edits {
  uint32_t chars[OG_TEXT_WORD_MAX];
  size_t n;
  unsigned max;
} og_edits;

/* `word` is at most OG_TEXT_WORD_MAX bytes, `max` at most OG_TEXT_EDITS_MAX. */
void og_edits_init(og_edits *e, og_str word, unsigned max);
bool og_edits_match(const og_edits *e, og_str word);

/* The usual number of edits for a word: none up to 2 characters, 1 up to 5, else 2. */
unsigned og_edits_usual(og_str word);
