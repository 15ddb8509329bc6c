/* SPDX-License-Identifier: MIT */
/* text/analyzer.c -- the English analyser.
 *
 * What the original's default does, in its order:
 *
 *   1. a token is a longest run of letters and digits of any script;
 *   2. tokens of 40 bytes and more are dropped;
 *   3. letters are made small;
 *   4. the stem is taken: Porter's second algorithm for English;
 *   5. stems that are stop words are dropped;
 *   6. accents go, as far as ASCII can do without them.
 *
 * The order shows: "willing" has the stem "will", which is a stop word, and "café" is stemmed with its accent.  A token
 * that is dropped keeps its position, so "state of the art" is a phrase with a gap in it.
 *
 *  (1) Equal tokens give equal words, and stemming costs ten times what finding them costs, so what a token became is
 *      remembered: at most REMEMBERED tokens, then no more are taken in.  Texts repeat themselves: nearly every token
 *      of a long one is there.
 *  (2) A word is never longer than OG_TEXT_WORD_MAX: 39 bytes are at most 19 characters above ASCII, of which each
 *      becomes at most 18 bytes.  The stem is never longer than its token but for an `e` that is put back.
 *  (3) The caller's tag lives with the remembered token, so that "is this word among mine?" is asked once for each.
 */
#include "text/analyzer.h"

#include "text/fold.h"

#include <libstemmer.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { REMEMBERED = 1 << 16, FIRST_SLOTS = 1 << 10 };

typedef struct entry {
  og_word word; /* text empty: a stop word */
  const char *token;
  uint32_t len;
  uint32_t hash;
} entry;

struct og_analyzer {
  struct sb_stemmer *stemmer;
  og_str text;
  size_t at;
  uint32_t tokens; /* read so far */
  entry *entries;  /* in order of arrival; n_slots / 2 of them fit */
  uint32_t *slots; /* index + 1; 0: empty */
  uint32_t n_entries, n_slots;
  entry scratch; /* what could not be remembered */
  og_arena arena;
  char lowered[OG_TEXT_WORD_MAX], folded[OG_TEXT_WORD_MAX];
};

/* As the original has them: NLTK's, with what is left of contractions.  A space on each side. */
/* clang-format off */
static const char stop_words[] =
    " a about above after again against ain all am an and any are aren as at be because been before being "
    "below between both but by can couldn d did didn do does doesn doing don down during each few for "
    "from further had hadn has hasn have haven having he her here hers herself him himself his how i if "
    "in into is isn it its itself just ll m ma me mightn more most mustn my myself needn no nor not now "
    "o of off on once only or other our ours ourselves out over own re s same shan she should shouldn so "
    "some such t than that the their theirs them themselves then there these they this those through to "
    "too under until up ve very was wasn we were weren what when where which while who whom why will "
    "with won wouldn y you your yours yourself yourselves ";
/* clang-format on */

/* ---- life */

og_status og_analyzer_new(og_ctx *cx, og_analyzer **out)
{
  og_analyzer *a = og_zalloc(cx, sizeof *a);
  if (!a) return OG_ENOMEM;
  a->n_slots = FIRST_SLOTS;
  a->slots = og_calloc(cx, FIRST_SLOTS, sizeof *a->slots);
  a->entries = og_calloc(cx, FIRST_SLOTS / 2, sizeof *a->entries);
  a->stemmer = sb_stemmer_new("english", NULL);
  if (a->slots && a->entries && a->stemmer) {
    *out = a;
    return OG_OK;
  }
  const bool ours = !a->slots || !a->entries;
  og_analyzer_free(a);
  return ours ? OG_ENOMEM : og_fail(cx, OG_ENOMEM, "the English stemmer could not be made");
}

void og_analyzer_free(og_analyzer *a)
{
  if (!a) return;
  sb_stemmer_delete(a->stemmer);
  og_free(a->slots);
  og_free(a->entries);
  og_arena_cleanup(&a->arena);
  og_free(a);
}

void og_analyzer_begin(og_analyzer *a, og_str text)
{
  a->text = text;
  a->at = 0;
  a->tokens = 0;
}

uint32_t og_analyzer_position(const og_analyzer *a)
{
  return a->tokens ? a->tokens - 1 : 0;
}

void og_analyzer_forget_tags(og_analyzer *a)
{
  for (uint32_t i = 0; i < a->n_entries; i++) a->entries[i].word.tag = 0;
}

/* ---- tokens */

static inline bool is_ascii_letter(uint8_t b)
{
  return (uint8_t)((b | 0x20) - 'a') < 26 || (uint8_t)(b - '0') < 10;
}

/* Behind the letters that begin at `at`, or behind what is between words (`letters` false). */
static size_t run_end(og_str s, size_t at, bool letters)
{
  while (at < s.len) {
    const uint8_t b = (uint8_t)s.ptr[at];
    size_t next = at;
    const bool is = b < 0x80 ? is_ascii_letter(b) : og_text_is_letter(og_utf8_next(s, &next));
    if (is != letters) break;
    at = b < 0x80 ? at + 1 : next;
  }
  return at;
}

/* The next token; false behind the last. */
static bool next_token(og_analyzer *a, og_str *out)
{
  const size_t from = run_end(a->text, a->at, false);
  a->at = run_end(a->text, from, true);
  *out = og_str_sub(a->text, from, a->at);
  a->tokens += out->len > 0;
  return out->len > 0;
}

/* ---- from a token to its word */

static og_str lowered(og_analyzer *a, og_str token)
{
  size_t n = 0;
  for (size_t at = 0; at < token.len;) {
    const uint8_t b = (uint8_t)token.ptr[at];
    if (b < 0x80) {
      a->lowered[n++] = (char)(b >= 'A' && b <= 'Z' ? b + 32 : b);
      at++;
    } else {
      n += og_text_lower(og_utf8_next(token, &at), a->lowered + n);
    }
  }
  return og_str_from(a->lowered, n);
}

static og_status stemmed(og_ctx *cx, og_analyzer *a, og_str word, og_str *out)
{
  const sb_symbol *stem = sb_stemmer_stem(a->stemmer, (const sb_symbol *)word.ptr, (int)word.len);
  if (!stem) return og_fail(cx, OG_ENOMEM, "a word could not be stemmed");
  *out = og_str_from(stem, (size_t)sb_stemmer_length(a->stemmer));
  return OG_OK;
}

static bool is_stop_word(og_str s)
{
  char spaced[16];
  if (s.len == 0 || s.len + 2 > sizeof spaced) return s.len == 0; /* the longest has 10 letters */
  spaced[0] = spaced[s.len + 1] = ' ';
  memcpy(spaced + 1, s.ptr, s.len);
  return og_str_find(og_str_from(stop_words, sizeof stop_words - 1), og_str_from(spaced, s.len + 2)) != SIZE_MAX;
}

static og_str folded(og_analyzer *a, og_str word)
{
  size_t n = 0;
  for (size_t at = 0; at < word.len && n + OG_TEXT_FOLD_MAX <= sizeof a->folded;) {
    const uint8_t b = (uint8_t)word.ptr[at];
    if (b < 0x80) {
      a->folded[n++] = (char)b;
      at++;
    } else {
      n += og_text_fold(og_utf8_next(word, &at), a->folded + n);
    }
  }
  return og_str_from(a->folded, n);
}

/* The word in scratch memory; empty: a stop word. */
static og_status word_of(og_ctx *cx, og_analyzer *a, og_str token, og_str *out)
{
  og_str stem = OG_STR_NONE;
  OG_TRY(stemmed(cx, a, lowered(a, token), &stem));
  *out = is_stop_word(stem) ? OG_STR_NONE : folded(a, stem);
  return OG_OK;
}

/* ---- remembering */

static uint32_t *slot_of(const og_analyzer *a, og_str token, uint32_t hash)
{
  for (uint32_t i = hash;; i++) {
    uint32_t *slot = &a->slots[i & (a->n_slots - 1)];
    if (*slot == 0) return slot;
    const entry *e = &a->entries[*slot - 1];
    if (e->hash == hash && e->len == token.len && memcmp(e->token, token.ptr, token.len) == 0) return slot;
  }
}

static og_status grow(og_ctx *cx, og_analyzer *a)
{
  const uint32_t n = a->n_slots * 2;
  entry *entries = og_realloc(cx, a->entries, n / 2 * sizeof *entries);
  if (!entries) return OG_ENOMEM;
  a->entries = entries;
  uint32_t *slots = og_calloc(cx, n, sizeof *slots);
  if (!slots) return OG_ENOMEM;
  for (uint32_t i = 0; i < a->n_entries; i++) {
    uint32_t at = entries[i].hash;
    while (slots[at & (n - 1)]) at++;
    slots[at & (n - 1)] = i + 1;
  }
  og_free(a->slots);
  a->slots = slots;
  a->n_slots = n;
  return OG_OK;
}

static og_status remember(og_ctx *cx, og_analyzer *a, og_str token, uint32_t hash, entry **out)
{
  og_str word, kept_token, kept_word;
  OG_TRY(word_of(cx, a, token, &word));
  if (a->n_entries == REMEMBERED) {
    a->scratch = (entry){.word = {.text = word}};
    *out = &a->scratch;
    return OG_OK;
  }
  if (a->n_entries == a->n_slots / 2) OG_TRY(grow(cx, a));
  OG_TRY(og_arena_str(cx, &a->arena, token, &kept_token));
  OG_TRY(og_arena_str(cx, &a->arena, word, &kept_word));
  entry *e = &a->entries[a->n_entries];
  *e = (entry){.word = {.text = kept_word}, .token = kept_token.ptr, .len = (uint32_t)token.len, .hash = hash};
  *slot_of(a, token, hash) = ++a->n_entries;
  *out = e;
  return OG_OK;
}

og_status og_analyzer_next(og_ctx *cx, og_analyzer *a, og_word **out)
{
  og_str token;
  *out = NULL;
  while (next_token(a, &token)) {
    if (token.len > OG_TEXT_TOKEN_MAX) continue;
    const uint32_t hash = (uint32_t)XXH3_64bits(token.ptr, token.len);
    const uint32_t slot = *slot_of(a, token, hash);
    entry *e = slot ? &a->entries[slot - 1] : NULL;
    if (!e) OG_TRY(remember(cx, a, token, hash, &e));
    if (e->word.text.len == 0) continue;
    *out = &e->word;
    return OG_OK;
  }
  return OG_OK;
}
