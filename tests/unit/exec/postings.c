/* SPDX-License-Identifier: MIT */
/* Finding by postings and by the text itself give the same, and what a look at all words gives. */
#include "og_test.h"
#include "og_test_world.h"

#include "arrow/builder.h"
#include "base/buf.h"
#include "base/pool.h"
#include "exec/match.h"

#include <math.h>

static og_column *texts_of(og_ctx *cx, const char *const *texts, size_t n)
{
  const og_field field = {.name = OG_STR("t"), .type = og_type_of(OG_TYPE_UTF8), .nullable = true};
  og_builder *b;
  og_column *c;
  OG_CHECK_OK(cx, og_builder_new(cx, &field, &b));
  for (size_t i = 0; i < n; i++)
    OG_CHECK_OK(cx, texts[i] ? og_builder_str(cx, b, og_str_of(texts[i])) : og_builder_null(cx, b));
  OG_CHECK_OK(cx, og_builder_finish(cx, b, &c));
  og_builder_free(b);
  return c;
}

enum { ANY = 1, PHRASE = 2, FUZZY = 4 };

static const char *const harbor[] = {
    "harbor lights", "harbor patrol manual harbor", NULL, "the of", "mountain trail", "", "lights of the harbor",
    "harbour"};
enum { HARBOR = sizeof harbor / sizeof *harbor };

/* Rows as bits. */
static unsigned found(og_ctx *cx, const og_postings *p, const char *query, int kind)
{
  og_terms t;
  og_hits h = {0};
  unsigned rows = 0;
  og_status st = og_terms_init(cx, og_str_of(query), kind == FUZZY ? OG_EDITS_USUAL : OG_NO_EDITS, &t);
  OG_CHECK_OK(cx, st);
  OG_CHECK_OK(cx, kind == PHRASE ? og_postings_phrase(cx, p, &t, &h) : og_postings_any(cx, p, &t, &h));
  for (unsigned i = 0; i < p->rows; i++) rows |= (unsigned)og_hits_has(&h, i) << i;
  og_hits_cleanup(&h);
  og_terms_cleanup(&t);
  return rows;
}

OG_TEST(postings, find_words_phrases_and_what_is_near)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_column *c = texts_of(cx, harbor, HARBOR);
  og_postings *p;
  uint64_t bytes = 0;
  OG_CHECK_OK(cx, og_postings_build(cx, c, NULL, &p, &bytes));
  OG_CHECK(p->docs == 5 && p->words == 11 && bytes > 0);
  OG_CHECK(found(cx, p, "HARBORS", ANY) == 0x43);
  OG_CHECK(found(cx, p, "trails lights", ANY) == 0x51);
  OG_CHECK(found(cx, p, "harbor lights", PHRASE) == 0x01);
  OG_CHECK(found(cx, p, "lights in our harbor", PHRASE) == 0x40); /* stop words are gaps, whichever they are */
  OG_CHECK(found(cx, p, "manual harbor", PHRASE) == 0x02);
  OG_CHECK(found(cx, p, "harbro", FUZZY) == 0x43 && found(cx, p, "harbur", FUZZY) == 0xC3);
  OG_CHECK(found(cx, p, "the", ANY) == 0 && found(cx, p, "", PHRASE) == 0 && found(cx, p, "", FUZZY) == 0);
  og_cached_unref(p);
  og_column_unref(c);
  og_test_world_close(&w);
}

/* As Lance 10 and 14 score these texts: tests/interop/test_text_search.py asks them. */
OG_TEST(postings, bm25_counts_documents_with_words_only)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_column *c = texts_of(cx, harbor, 5);
  og_postings *p;
  og_terms t;
  og_hits h;
  uint64_t bytes, docs_of[2] = {0};
  og_bm25 all = {.docs_of = docs_of};
  OG_CHECK_OK(cx, og_postings_build(cx, c, NULL, &p, &bytes));
  OG_CHECK_OK(cx, og_terms_init(cx, OG_STR("harbor"), OG_NO_EDITS, &t));
  og_bm25_add(&all, p, &t);
  OG_CHECK(all.docs == 3 && all.words == 8 && docs_of[0] == 2);
  OG_CHECK_OK(cx, og_postings_bm25(cx, p, &t, &all, &h));
  OG_CHECK(h.n == 2 && !og_hits_score(&h, 4) && !og_hits_score(&h, 99));
  OG_CHECK(fabs(*og_hits_score(&h, 0) - 0.5235483465) < 1e-9 && fabs(*og_hits_score(&h, 1) - 0.5665797175) < 1e-9);
  for (uint64_t row = 0; row < 2; row++) {
    const double apart = og_bm25_score(&all, p, &t, row) - *og_hits_score(&h, row);
    OG_CHECK(!(apart < 0) && !(apart > 0));
  }
  og_hits_cleanup(&h);
  og_terms_cleanup(&t);
  og_cached_unref(p);
  og_column_unref(c);
  og_test_world_close(&w);
}

/* ---- random texts over few words, deleted rows among them, on one thread and on two */

enum { ROWS = 9000, QUERIES = 60 };

static uint64_t next(uint64_t *state)
{
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 33;
}

static void random_text(og_ctx *cx, uint64_t *state, og_buf *out)
{
  static const char *const words[] = {"alpha", "alphas", "beta", "betta", "gamma", "the", "of", "delta", "deltas", "x"};
  og_buf_clear(out);
  for (uint64_t n = next(state) % 9; n; n--)
    OG_CHECK_OK(cx, og_buf_printf(cx, out, "%s ", words[next(state) % (sizeof words / sizeof *words)]));
}

static og_column *random_texts(og_ctx *cx, uint64_t seed)
{
  const og_field field = {.name = OG_STR("t"), .type = og_type_of(OG_TYPE_UTF8), .nullable = true};
  og_builder *b;
  og_column *c;
  og_buf text = {0};
  OG_CHECK_OK(cx, og_builder_new(cx, &field, &b));
  for (size_t i = 0; i < ROWS; i++) {
    random_text(cx, &seed, &text);
    OG_CHECK_OK(cx, next(&seed) % 10 ? og_builder_str(cx, b, og_buf_str(&text)) : og_builder_null(cx, b));
  }
  OG_CHECK_OK(cx, og_builder_finish(cx, b, &c));
  og_builder_free(b);
  og_buf_cleanup(&text);
  return c;
}

static void compare(og_ctx *cx, og_matcher *m, const og_postings *const p[2], const og_column *c,
                    const uint8_t *deleted, og_str query, int kind)
{
  og_terms t;
  og_hits h[2];
  OG_CHECK_OK(cx, og_terms_init(cx, query, kind == FUZZY ? 1 : OG_NO_EDITS, &t));
  for (unsigned i = 0; i < 2; i++)
    OG_CHECK_OK(cx, kind == PHRASE ? og_postings_phrase(cx, p[i], &t, &h[i]) : og_postings_any(cx, p[i], &t, &h[i]));
  for (int64_t row = 0; row < ROWS; row++) {
    bool is = false;
    if (!og_bit_get(deleted, row) && !og_column_is_null(c, row))
      OG_CHECK_OK(cx, og_matcher_text(cx, m, &t, kind == PHRASE, og_column_str(c, row), &is));
    OG_CHECK(og_hits_has(&h[0], (uint64_t)row) == is && og_hits_has(&h[1], (uint64_t)row) == is);
  }
  m->terms = NULL;
  for (unsigned i = 0; i < 2; i++) og_hits_cleanup(&h[i]);
  og_terms_cleanup(&t);
}

OG_TEST(postings, find_what_a_look_at_each_text_finds_on_any_number_of_threads)
{
  static uint8_t deleted[ROWS / 8 + 64];
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  uint64_t state = 3, bytes;
  og_buf query = {0};
  og_matcher m;
  og_pool *pool;
  og_postings *p[2];
  og_column *c = random_texts(cx, 7);
  for (size_t i = 0; i < ROWS; i++)
    if (next(&state) % 20 == 0) og_bit_set(deleted, (int64_t)i);
  OG_CHECK_OK(cx, og_matcher_init(cx, &m));
  OG_CHECK_OK(cx, og_postings_build(cx, c, deleted, &p[0], &bytes));
  OG_CHECK_OK(cx, og_pool_new(cx, 2, &pool));
  og_pool *none = cx->rt->pool;
  cx->rt->pool = pool;
  OG_CHECK_OK(cx, og_postings_build(cx, c, deleted, &p[1], &bytes));
  cx->rt->pool = none;
  og_pool_free(pool);
  OG_CHECK(p[0]->docs == p[1]->docs && p[0]->words == p[1]->words && p[0]->words > ROWS);
  for (unsigned i = 0; i < QUERIES; i++) {
    random_text(cx, &state, &query);
    compare(cx, &m, (const og_postings *const *)p, c, deleted, og_buf_str(&query), 1 << i % 3);
  }
  og_matcher_cleanup(&m);
  og_buf_cleanup(&query);
  og_cached_unref(p[0]);
  og_cached_unref(p[1]);
  og_column_unref(c);
  og_test_world_close(&w);
}

OG_TEST(postings, survive_every_failing_allocation)
{
  for (uint64_t nth = 1, failed = 1; failed; nth++) {
    og_test_world w;
    og_ctx *cx = og_test_world_open(&w);
    og_column *c = texts_of(cx, harbor, HARBOR);
    og_postings *p = NULL;
    uint64_t bytes;
    cx->mem->fail_at = cx->mem->calls + nth;
    const og_status st = og_postings_build(cx, c, NULL, &p, &bytes);
    cx->mem->fail_at = 0;
    failed = st != OG_OK;
    OG_CHECK(st == OG_OK || st == OG_ENOMEM);
    og_cached_unref(p);
    og_column_unref(c);
    og_test_world_close(&w);
  }
}

OG_TEST_MAIN(OG_CASE(postings, find_words_phrases_and_what_is_near),
             OG_CASE(postings, bm25_counts_documents_with_words_only),
             OG_CASE(postings, find_what_a_look_at_each_text_finds_on_any_number_of_threads),
             OG_CASE(postings, survive_every_failing_allocation))
