/* SPDX-License-Identifier: MIT */
/* exec/postings.c -- words to rows: build, and the three ways to look.
 *
 * Blocks of rows are read side by side.  Every thread numbers the words it meets itself; the numbers are translated
 * when all have finished, and one counting sort by term, over the blocks in their order, puts everything in place: what
 * comes out does not depend on who read what.
 *
 *  (1) Within a term, occurrences are ascending by row and position.
 *  (2) Terms have no order of their own: nothing that is answered may depend on their numbers.
 *  (3) A score is summed over the words of the search text in their order, so the same rows have the same score to the
 *      last bit however they were found.
 *
 * BM25 as Lance computes it (Robertson and Zaragoza 2009, with the factor k1 + 1): documents are the rows with at least
 * one word, a length is the words of a row, and a word that the search text has twice counts twice.
 */
#include "exec/postings.h"

#include "base/pool.h"
#include "base/vec.h"

#include <math.h>

enum { BLOCK_ROWS = 4096 };

typedef struct occurrence {
  uint32_t term, row, position;
} occurrence;

typedef struct reader { /* one thread's */
  og_analyzer *analyzer;
  og_map terms;
  uint32_t *global; /* its numbers, translated */
} reader;

typedef struct build {
  const og_column *texts;
  const uint8_t *deleted;
  og_postings *p;
  reader *readers;
  unsigned n_readers;
  og_vec *blocks;      /* occurrence: terms by the number of who read the block */
  unsigned *reader_of; /* per block */
  size_t n_blocks;
} build;

/* ---- reading */

static og_status read_row(og_ctx *cx, build *b, reader *r, uint32_t row, og_vec *out)
{
  og_word *w;
  uint32_t length = 0;
  og_analyzer_begin(r->analyzer, og_column_str(b->texts, row));
  for (;; length++) {
    OG_TRY(og_analyzer_next(cx, r->analyzer, &w));
    if (!w) break;
    if (w->tag == 0) {
      uint64_t *number = og_map_at(cx, &r->terms, w->text, NULL);
      if (!number) return OG_ENOMEM;
      if (*number == 0) *number = r->terms.len;
      w->tag = *number;
    }
    const occurrence o = {(uint32_t)(w->tag - 1), row, og_analyzer_position(r->analyzer)};
    OG_TRY(og_vec_add(cx, out, &o));
  }
  b->p->length[row] = length;
  return OG_OK;
}

static og_status read_block(og_ctx *cx, void *arg, size_t item, unsigned worker)
{
  build *b = arg;
  reader *r = &b->readers[worker];
  const uint64_t from = (uint64_t)item * BLOCK_ROWS;
  const uint64_t to = from + BLOCK_ROWS < b->p->rows ? from + BLOCK_ROWS : b->p->rows;
  OG_TRY(og_ctx_poll(cx));
  if (!r->analyzer) OG_TRY(og_analyzer_new(cx, &r->analyzer));
  b->reader_of[item] = worker;
  for (uint64_t row = from; row < to; row++) {
    if (b->deleted && og_bit_get(b->deleted, (int64_t)row)) continue;
    if (og_column_is_null(b->texts, (int64_t)row)) continue;
    OG_TRY(read_row(cx, b, r, (uint32_t)row, &b->blocks[item]));
  }
  return OG_OK;
}

/* ---- putting together */

static og_status translate(og_ctx *cx, build *b, reader *r)
{
  const og_map_entry *e;
  size_t pos = 0;
  r->global = og_calloc(cx, r->terms.len + 1, sizeof *r->global);
  if (!r->global) return OG_ENOMEM;
  while ((e = og_map_next(&r->terms, &pos))) {
    uint64_t *number = og_map_at(cx, &b->p->terms, e->key, NULL);
    if (!number) return OG_ENOMEM;
    if (*number == 0) *number = b->p->terms.len;
    r->global[e->value - 1] = (uint32_t)(*number - 1);
  }
  return OG_OK;
}

static void count_block(build *b, size_t item)
{
  const uint32_t *global = b->readers[b->reader_of[item]].global;
  occurrence *o = b->blocks[item].data;
  for (size_t i = 0; i < b->blocks[item].len; i++) {
    o[i].term = global[o[i].term];
    b->p->first[o[i].term + 2]++;
  }
}

/* first[t + 1] runs from the start of t's occurrences to their end, and is then what it has to be. */
static void place_block(og_postings *p, const og_vec *block, uint32_t *last_row)
{
  const occurrence *o = block->data;
  for (size_t i = 0; i < block->len; i++) {
    const uint64_t at = p->first[o[i].term + 1]++;
    p->row[at] = o[i].row;
    p->position[at] = o[i].position;
    if (last_row[o[i].term] != o[i].row + 1) p->docs_of[o[i].term]++;
    last_row[o[i].term] = o[i].row + 1;
  }
}

static og_status put_together(og_ctx *cx, build *b, uint64_t *bytes)
{
  og_postings *p = b->p;
  for (unsigned r = 0; r < b->n_readers; r++)
    if (b->readers[r].analyzer) OG_TRY(translate(cx, b, &b->readers[r]));
  const size_t terms = p->terms.len;
  p->first = og_calloc(cx, terms + 3, sizeof *p->first);
  p->docs_of = og_calloc(cx, terms + 1, sizeof *p->docs_of);
  uint32_t *last_row = og_calloc(cx, terms + 1, sizeof *last_row);
  og_status st = p->first && p->docs_of && last_row ? OG_OK : OG_ENOMEM;
  for (size_t i = 0; st == OG_OK && i < b->n_blocks; i++) {
    count_block(b, i);
    p->words += b->blocks[i].len;
  }
  if (st == OG_OK) {
    for (size_t t = 1; t < terms + 3; t++) p->first[t] += p->first[t - 1];
    p->row = og_calloc(cx, (size_t)p->words + 1, sizeof *p->row);
    p->position = og_calloc(cx, (size_t)p->words + 1, sizeof *p->position);
    st = p->row && p->position ? OG_OK : OG_ENOMEM;
  }
  for (size_t i = 0; st == OG_OK && i < b->n_blocks; i++) {
    place_block(p, &b->blocks[i], last_row);
    og_vec_cleanup(&b->blocks[i]);
  }
  for (uint64_t row = 0; row < p->rows; row++) p->docs += p->length[row] > 0;
  *bytes = p->words * 8 + p->rows * 4 + terms * 96;
  og_free(last_row);
  return st;
}

static void free_postings(og_cached *c)
{
  og_postings *p = (og_postings *)c;
  og_map_cleanup(&p->terms);
  og_free(p->first);
  og_free(p->docs_of);
  og_free(p->row);
  og_free(p->position);
  og_free(p->length);
  og_free(p);
}

static og_status run_build(og_ctx *cx, build *b, uint64_t *bytes)
{
  b->n_readers = og_pool_threads(cx->rt->pool);
  b->readers = og_calloc(cx, b->n_readers, sizeof *b->readers);
  b->blocks = og_calloc(cx, b->n_blocks + 1, sizeof *b->blocks);
  b->reader_of = og_calloc(cx, b->n_blocks + 1, sizeof *b->reader_of);
  b->p->length = og_calloc(cx, (size_t)b->p->rows + 1, sizeof *b->p->length);
  if (!b->readers || !b->blocks || !b->reader_of || !b->p->length) return OG_ENOMEM;
  for (unsigned r = 0; r < b->n_readers; r++) og_map_init(&b->readers[r].terms, true);
  for (size_t i = 0; i < b->n_blocks; i++) b->blocks[i] = OG_VEC_INIT(occurrence);
  OG_TRY(og_parallel(cx, b->n_blocks, read_block, b));
  return put_together(cx, b, bytes);
}

og_status og_postings_build(og_ctx *cx, const og_column *texts, const uint8_t *deleted, og_postings **out,
                            uint64_t *bytes)
{
  if (texts->bytes_len > OG_POSTINGS_TEXT_MAX || texts->len >= UINT32_MAX)
    return og_fail(cx, OG_ELIMIT, "too much text to rank without an index: at most %llu bytes in a property",
                   (unsigned long long)OG_POSTINGS_TEXT_MAX);
  build b = {.texts = texts, .deleted = deleted, .p = og_zalloc(cx, sizeof *b.p)};
  if (!b.p) return OG_ENOMEM;
  b.p->base = (og_cached){.refs = 1, .free = free_postings};
  b.p->rows = (uint64_t)texts->len;
  b.n_blocks = (size_t)((b.p->rows + BLOCK_ROWS - 1) / BLOCK_ROWS);
  og_map_init(&b.p->terms, true);
  const og_status st = run_build(cx, &b, bytes);
  for (unsigned r = 0; b.readers && r < b.n_readers; r++) {
    og_analyzer_free(b.readers[r].analyzer);
    og_map_cleanup(&b.readers[r].terms);
    og_free(b.readers[r].global);
  }
  for (size_t i = 0; b.blocks && i < b.n_blocks; i++) og_vec_cleanup(&b.blocks[i]);
  og_free(b.readers);
  og_free(b.blocks);
  og_free(b.reader_of);
  if (st != OG_OK)
    og_cached_unref(b.p);
  else
    *out = b.p;
  return st;
}

/* ---- hits */

og_status og_hits_init(og_ctx *cx, og_hits *h, uint64_t rows)
{
  *h = (og_hits){.rows = rows, .bits = og_calloc(cx, (size_t)(rows / 64) + 1, sizeof *h->bits)};
  return h->bits ? OG_OK : OG_ENOMEM;
}

void og_hits_cleanup(og_hits *h)
{
  og_free(h->bits);
  og_free(h->before);
  og_free(h->scores);
  *h = (og_hits){0};
}

og_status og_hits_seal(og_ctx *cx, og_hits *h, bool scores)
{
  const size_t words = (size_t)(h->rows / 64) + 1;
  h->before = og_calloc(cx, words, sizeof *h->before);
  if (!h->before) return OG_ENOMEM;
  h->n = 0;
  for (size_t w = 0; w < words; w++) {
    h->before[w] = (uint32_t)h->n;
    h->n += (uint64_t)__builtin_popcountll(h->bits[w]);
  }
  if (!scores) return OG_OK;
  h->scores = og_calloc(cx, (size_t)h->n + 1, sizeof *h->scores);
  return h->scores ? OG_OK : OG_ENOMEM;
}

/* ---- what is looked for */

static og_status read_terms(og_ctx *cx, og_analyzer *analyzer, og_terms *t)
{
  og_word *w;
  for (uint32_t from = 0;; t->n++) {
    OG_TRY(og_analyzer_next(cx, analyzer, &w));
    if (!w) return OG_OK;
    if (t->n == 0) from = og_analyzer_position(analyzer);
    OG_TRY(og_arena_str(cx, &t->arena, w->text, &t->words[t->n]));
    t->positions[t->n] = og_analyzer_position(analyzer) - from;
    bool was_new;
    uint64_t *first = og_map_at(cx, &t->index, t->words[t->n], &was_new);
    if (!first) return OG_ENOMEM;
    if (was_new) *first = t->n;
    t->same[t->n] = (uint32_t)*first;
  }
}

og_status og_terms_init(og_ctx *cx, og_str text, int64_t edits, og_terms *out)
{
  og_analyzer *analyzer;
  const size_t most = text.len / 2 + 1; /* words are divided */
  *out = (og_terms){0};
  og_map_init(&out->index, false);
  if (text.len > OG_TERMS_TEXT_MAX)
    return og_fail(cx, OG_ELIMIT, "a text to search for has at most %d bytes", OG_TERMS_TEXT_MAX);
  out->words = og_arena_calloc(cx, &out->arena, most, sizeof *out->words);
  out->positions = og_arena_calloc(cx, &out->arena, most, sizeof *out->positions);
  out->same = og_arena_calloc(cx, &out->arena, most, sizeof *out->same);
  if (!out->words || !out->positions || !out->same) return OG_ENOMEM;
  OG_TRY(og_analyzer_new(cx, &analyzer));
  og_analyzer_begin(analyzer, text);
  og_status st = read_terms(cx, analyzer, out);
  og_analyzer_free(analyzer);
  if (st != OG_OK || edits == OG_NO_EDITS) return st;
  out->edits = og_arena_calloc(cx, &out->arena, out->n + 1, sizeof *out->edits);
  for (size_t i = 0; out->edits && i < out->n; i++)
    og_edits_init(&out->edits[i], out->words[i], edits < 0 ? og_edits_usual(out->words[i]) : (unsigned)edits);
  return out->edits ? OG_OK : OG_ENOMEM;
}

void og_terms_cleanup(og_terms *t)
{
  og_map_cleanup(&t->index);
  og_arena_cleanup(&t->arena);
}

/* ---- looking */

uint32_t og_postings_term(const og_postings *p, og_str word)
{
  uint64_t number;
  return og_map_get(&p->terms, word, &number) ? (uint32_t)(number - 1) : OG_NO_TERM;
}

static void add_term(const og_postings *p, uint32_t term, og_hits *out)
{
  for (uint64_t i = p->first[term]; i < p->first[term + 1]; i++) og_hits_add(out, p->row[i]);
}

static og_status add_near_terms(og_ctx *cx, const og_postings *p, const og_terms *t, og_hits *out)
{
  const og_map_entry *e;
  size_t pos = 0, seen = 0;
  while ((e = og_map_next(&p->terms, &pos))) {
    if ((seen++ & 0xFFF) == 0) OG_TRY(og_ctx_poll(cx));
    bool near = false;
    for (size_t i = 0; i < t->n && !near; i++) near = og_edits_match(&t->edits[i], e->key);
    if (near) add_term(p, (uint32_t)(e->value - 1), out);
  }
  return OG_OK;
}

og_status og_postings_any(og_ctx *cx, const og_postings *p, const og_terms *t, og_hits *out)
{
  OG_TRY(og_hits_init(cx, out, p->rows));
  if (t->edits && t->n) OG_TRY(add_near_terms(cx, p, t, out));
  for (size_t i = 0; i < t->n && !t->edits; i++) {
    const uint32_t term = og_postings_term(p, t->words[i]);
    if (term != OG_NO_TERM) add_term(p, term, out);
  }
  return OG_OK;
}

/* The first of a term's occurrences at (row, position) or behind it. */
static uint64_t seek(const og_postings *p, uint32_t term, uint32_t row, uint64_t position)
{
  uint64_t lo = p->first[term], hi = p->first[term + 1];
  while (lo < hi) {
    const uint64_t mid = lo + (hi - lo) / 2;
    if (p->row[mid] < row || (p->row[mid] == row && p->position[mid] < position))
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

static bool stands_at(const og_postings *p, uint32_t term, uint32_t row, uint64_t position)
{
  const uint64_t at = seek(p, term, row, position);
  return at < p->first[term + 1] && p->row[at] == row && p->position[at] == position;
}

/* The rarest word leads: for each of its occurrences the others are looked for where they would have to be. */
og_status og_postings_phrase(og_ctx *cx, const og_postings *p, const og_terms *t, og_hits *out)
{
  OG_TRY(og_hits_init(cx, out, p->rows));
  uint32_t *terms = og_calloc(cx, t->n + 1, sizeof *terms);
  size_t lead = 0;
  bool all = terms && t->n > 0;
  for (size_t i = 0; i < t->n && all; i++) {
    terms[i] = og_postings_term(p, t->words[i]);
    all = terms[i] != OG_NO_TERM;
    if (all && p->docs_of[terms[i]] < p->docs_of[terms[lead]]) lead = i;
  }
  og_status st = terms ? OG_OK : OG_ENOMEM;
  for (uint64_t k = all ? p->first[terms[lead]] : 0; all && st == OG_OK && k < p->first[terms[lead] + 1]; k++) {
    if ((k & 0xFFF) == 0) st = og_ctx_poll(cx);
    bool found = p->position[k] >= t->positions[lead];
    const uint64_t start = (uint64_t)p->position[k] - t->positions[lead];
    for (size_t i = 0; i < t->n && found; i++)
      found = i == lead || stands_at(p, terms[i], p->row[k], start + t->positions[i]);
    if (found) og_hits_add(out, p->row[k]);
  }
  og_free(terms);
  return st;
}

/* ---- BM25 */

void og_bm25_add(og_bm25 *s, const og_postings *p, const og_terms *t)
{
  s->docs += p->docs;
  s->words += p->words;
  for (size_t i = 0; i < t->n; i++) {
    const uint32_t term = og_postings_term(p, t->words[i]);
    if (term != OG_NO_TERM) s->docs_of[i] += p->docs_of[term];
  }
}

/* What word i adds to a document that has it `count` times among `length` words. */
static double weight(const og_bm25 *s, size_t i, uint64_t count, uint64_t length)
{
  const double k1 = 1.2, b = 0.75, f = (double)count, n = (double)s->docs_of[i];
  const double idf = log(((double)s->docs - n + 0.5) / (n + 0.5) + 1.0);
  const double average = (double)s->words / (double)s->docs;
  return idf * ((k1 + 1.0) * f / (f + k1 * (1.0 - b + b * (double)length / average)));
}

double og_bm25_score(const og_bm25 *s, const og_postings *p, const og_terms *t, uint64_t row)
{
  double score = 0;
  for (size_t i = 0; i < t->n; i++) {
    const uint32_t term = og_postings_term(p, t->words[i]);
    if (term == OG_NO_TERM) continue;
    const uint64_t from = seek(p, term, (uint32_t)row, 0), to = seek(p, term, (uint32_t)row + 1, 0);
    if (to > from) score += weight(s, i, to - from, p->length[row]);
  }
  return score;
}

static void score_word(const og_bm25 *s, const og_postings *p, size_t word, uint32_t term, og_hits *out)
{
  const uint64_t end = p->first[term + 1];
  for (uint64_t i = p->first[term], next; i < end; i = next) {
    for (next = i + 1; next < end && p->row[next] == p->row[i];) next++;
    *og_hits_score(out, p->row[i]) += weight(s, word, next - i, p->length[p->row[i]]);
  }
}

og_status og_postings_bm25(og_ctx *cx, const og_postings *p, const og_terms *t, const og_bm25 *s, og_hits *out)
{
  OG_TRY(og_postings_any(cx, p, t, out));
  OG_TRY(og_hits_seal(cx, out, true));
  for (size_t i = 0; i < t->n; i++) {
    const uint32_t term = og_postings_term(p, t->words[i]);
    if (term != OG_NO_TERM) score_word(s, p, i, term, out);
  }
  return OG_OK;
}
