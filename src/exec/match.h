/* SPDX-License-Identifier: MIT */
/* exec/match.h -- does one text have the words that are looked for?  The same answers as postings give, from the text
 * itself: for the few rows of a query that meets only a few.
 *
 * Thread rule: a matcher is one thread's.
 */
#pragma once

#include "base/vec.h"
#include "exec/postings.h"

typedef struct og_matcher {
  og_analyzer *analyzer;
  const og_terms *terms; /* what the tags of its words are about */
  og_vec found;          /* words of the text that were looked for */
} og_matcher;

OG_MUST_USE og_status og_matcher_init(og_ctx *cx, og_matcher *m);
void og_matcher_cleanup(og_matcher *m);
/* Any of the words; `phrase`: all in their order and at their distances. */
OG_MUST_USE og_status og_matcher_text(og_ctx *cx, og_matcher *m, const og_terms *t, bool phrase, og_str text,
                                      bool *out);
