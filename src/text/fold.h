/* SPDX-License-Identifier: MIT */
/* text/fold.h -- characters, one by one: which make words, and what they are for comparison.
 *
 * Thread rule: pure functions.
 */
#pragma once

#include "base/str.h"

#include <stdint.h>

/* Alphabetic, or a number of any script. */
bool og_text_is_letter(uint32_t c);

#define OG_TEXT_FOLD_MAX 18 /* ASCII bytes that one character can become */

/* The small letters of `c`, as UTF-8 in out[0..8); returns how many bytes.  Only U+0130 has two. */
size_t og_text_lower(uint32_t c, char out[8]);
/* `c` without its accents, in ASCII; a character that has nothing ASCII in it stays as it is.  Returns bytes. */
size_t og_text_fold(uint32_t c, char out[OG_TEXT_FOLD_MAX]);

/* UTF-8 of a code point; returns bytes, at most 4. */
size_t og_text_put(uint32_t c, char out[4]);
