/* SPDX-License-Identifier: MIT */
/* text/analyzer.h -- a text as the words it is searched by.
 *
 *   og_analyzer *a;
 *   OG_TRY(og_analyzer_new(cx, &a));
 *   og_analyzer_begin(a, OG_STR("The running engines"));
 *   og_word *w;
 *   while ((st = og_analyzer_next(cx, a, &w)) == OG_OK && w) ...       run (position 1), engin (position 2)
 *
 * Search with an index and without one, and the text that is looked for, all go through here: two words match when
 * their bytes are equal.
 * Thread rule: one thread at a time.
 */
#pragma once

#include "base/ctx.h"

#define OG_TEXT_TOKEN_MAX 39  /* bytes; longer runs of letters are no words */
#define OG_TEXT_WORD_MAX  512 /* bytes that a word takes at the most, once folded */

typedef struct og_analyzer og_analyzer;

typedef struct og_word {
  og_str text;  /* never empty but for a stop word's, which is never handed out; valid until the next call */
  uint64_t tag; /* the caller's, 0 at first.  It may come again with the same word of the text, or be forgotten */
} og_word;

OG_MUST_USE og_status og_analyzer_new(og_ctx *cx, og_analyzer **out);
void og_analyzer_free(og_analyzer *a); /* NULL is fine */

/* Starts a text; its bytes must stay until the last word has been read.  Malformed UTF-8 divides words. */
void og_analyzer_begin(og_analyzer *a, og_str text);
/* The next word, or NULL behind the last.  OG_ENOMEM. */
OG_MUST_USE og_status og_analyzer_next(og_ctx *cx, og_analyzer *a, og_word **out);
/* Where the word handed out last stands: the number of tokens before it, stop words and overlong ones included. */
uint32_t og_analyzer_position(const og_analyzer *a);
/* Sets all tags back to 0. */
void og_analyzer_forget_tags(og_analyzer *a);
