/* SPDX-License-Identifier: MIT */
/* exec/match.c -- words against words.
 *
 * What a word of the text is to the search is kept in its tag: 1, nothing; 2 + i, the word i of the search (the first
 * of equal ones).  So a word that comes again is not compared again.
 */
#include "exec/match.h"

typedef struct found {
  uint32_t position;
  uint32_t word; /* of the search, the first of equal ones */
} found;

og_status og_matcher_init(og_ctx *cx, og_matcher *m)
{
  *m = (og_matcher){.found = OG_VEC_INIT(found)};
  return og_analyzer_new(cx, &m->analyzer);
}

void og_matcher_cleanup(og_matcher *m)
{
  og_analyzer_free(m->analyzer);
  og_vec_cleanup(&m->found);
}

static uint64_t tag_of(const og_terms *t, og_str word)
{
  uint64_t first;
  if (!t->edits) return og_map_get(&t->index, word, &first) ? 2 + first : 1;
  for (size_t i = 0; i < t->n; i++)
    if (og_edits_match(&t->edits[i], word)) return 2 + i;
  return 1;
}

/* The next word of the text that is looked for; *out NULL: there is none. */
static og_status next_found(og_ctx *cx, og_matcher *m, const og_terms *t, og_word **out)
{
  for (;;) {
    OG_TRY(og_analyzer_next(cx, m->analyzer, out));
    if (!*out) return OG_OK;
    if ((*out)->tag == 0) (*out)->tag = tag_of(t, (*out)->text);
    if ((*out)->tag > 1) return OG_OK;
  }
}

static bool stands_at(const og_matcher *m, size_t from, uint64_t position, uint32_t word)
{
  const found *f = m->found.data;
  size_t lo = from, hi = m->found.len;
  while (lo < hi) {
    const size_t mid = lo + (hi - lo) / 2;
    if (f[mid].position < position)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo < m->found.len && f[lo].position == position && f[lo].word == word;
}

static bool begins_at(const og_matcher *m, const og_terms *t, size_t at)
{
  const found *f = m->found.data;
  for (size_t i = 0; i < t->n; i++)
    if (!stands_at(m, at, (uint64_t)f[at].position + t->positions[i], t->same[i])) return false;
  return true;
}

og_status og_matcher_text(og_ctx *cx, og_matcher *m, const og_terms *t, bool phrase, og_str text, bool *out)
{
  og_word *w;
  *out = false;
  if (t->n == 0) return OG_OK;
  if (m->terms != t) og_analyzer_forget_tags(m->analyzer);
  m->terms = t;
  og_vec_clear(&m->found);
  og_analyzer_begin(m->analyzer, text);
  for (;;) {
    OG_TRY(next_found(cx, m, t, &w));
    if (!w) break;
    const found f = {og_analyzer_position(m->analyzer), (uint32_t)(w->tag - 2)};
    *out = !phrase;
    if (*out) return OG_OK;
    OG_TRY(og_vec_add(cx, &m->found, &f));
  }
  for (size_t i = 0; i < m->found.len && !*out; i++) {
    if ((i & 0xFFF) == 0xFFF) OG_TRY(og_ctx_poll(cx));
    *out = begins_at(m, t, i);
  }
  return OG_OK;
}
