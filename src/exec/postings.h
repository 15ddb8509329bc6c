/* SPDX-License-Identifier: MIT */
/* exec/postings.h -- the words of one string column of one table version: an inverted index in memory.
 *
 * Made from the rows when a query needs all of them, kept by the handle's cache.  A row without a word (null, empty,
 * nothing but stop words) is no document.  Row numbers are offsets in the table; deleted rows are not there.
 * Thread rule: immutable once made; share freely.
 */
#pragma once

#include "arrow/column.h"
#include "base/cache.h"
#include "base/map.h"
#include "text/edits.h"

typedef struct og_postings {
  og_cached base;
  uint64_t rows;            /* of the table, deleted ones included */
  uint64_t docs, words;     /* documents, and the words of all */
  og_map terms;             /* word -> term */
  uint64_t *first;          /* terms + 1: where a term's occurrences begin */
  uint32_t *docs_of;        /* per term: in how many documents */
  uint32_t *row, *position; /* per occurrence; by term, then row, then position */
  uint32_t *length;         /* per row: its words */
} og_postings;

/* Bytes of text that a column may have: more would take gigabytes of memory. */
#define OG_POSTINGS_TEXT_MAX ((uint64_t)1 << 30)

/* Over the live rows of `texts`; runs on the pool.  *bytes is about what it takes.  OG_ECANCELLED, OG_EDEADLINE;
 * OG_ELIMIT when there is too much text. */
OG_MUST_USE og_status og_postings_build(og_ctx *cx, const og_column *texts, const uint8_t *deleted, og_postings **out,
                                        uint64_t *bytes);

#define OG_NO_TERM UINT32_MAX
uint32_t og_postings_term(const og_postings *p, og_str word); /* OG_NO_TERM: no row has it */
static inline uint32_t og_postings_n_terms(const og_postings *p)
{
  return (uint32_t)p->terms.n_entries;
}

/* ---- Rows that were found: a bitmap, and a number for each row in it. */

typedef struct og_hits {
  uint64_t rows, n;
  uint64_t *bits;   /* rows / 64 + 1 words */
  uint32_t *before; /* per word: hits in the words before it.  Made by og_hits_seal */
  double *scores;   /* per hit, ascending by row.  NULL: none are kept */
} og_hits;
OG_MUST_USE og_status og_hits_init(og_ctx *cx, og_hits *h, uint64_t rows);
void og_hits_cleanup(og_hits *h);
static inline void og_hits_add(og_hits *h, uint64_t row)
{
  h->bits[row / 64] |= (uint64_t)1 << row % 64;
}
static inline bool og_hits_has(const og_hits *h, uint64_t row)
{
  return row < h->rows && (h->bits[row / 64] >> row % 64 & 1);
}
/* The hits in [from, to), ascending; `from` is a multiple of 64.  Returns how many. */
static inline size_t og_hits_list(const og_hits *h, uint64_t from, uint64_t to, uint32_t *out)
{
  size_t n = 0;
  for (uint64_t w = from / 64; w * 64 < to; w++)
    for (uint64_t left = h->bits[w]; left; left &= left - 1)
      out[n++] = (uint32_t)(w * 64 + (uint64_t)__builtin_ctzll(left));
  return n;
}
/* Counts; with `scores`, makes room for them, all 0. */
OG_MUST_USE og_status og_hits_seal(og_ctx *cx, og_hits *h, bool scores);
/* The score of a row; NULL: it is no hit.  Of a sealed set with scores. */
static inline double *og_hits_score(const og_hits *h, uint64_t row)
{
  if (!og_hits_has(h, row)) return NULL;
  const uint64_t below = h->bits[row / 64] & (((uint64_t)1 << row % 64) - 1);
  return &h->scores[h->before[row / 64] + (uint32_t)__builtin_popcountll(below)];
}

/* ---- What is looked for: the words of a search text. */

#define OG_TERMS_TEXT_MAX (1 << 20)

typedef struct og_terms {
  og_str *words;       /* in order, repeated ones too */
  uint32_t *positions; /* where each stands, counted from the first */
  uint32_t *same;      /* the first of the words equal to each */
  og_edits *edits;     /* fuzzy: one per word; else NULL */
  size_t n;            /* 0: nothing is found */
  og_map index;        /* word -> the first of them */
  og_arena arena;
} og_terms;
/* edits: fuzzy, so many for each word, or OG_EDITS_USUAL; OG_NO_EDITS: words as they are.  *out is fit for cleanup,
 * whatever is returned. */
#define OG_NO_EDITS    (-2)
#define OG_EDITS_USUAL (-1)
OG_MUST_USE og_status og_terms_init(og_ctx *cx, og_str text, int64_t edits, og_terms *out);
void og_terms_cleanup(og_terms *t);

/* Rows with any of the words. */
OG_MUST_USE og_status og_postings_any(og_ctx *cx, const og_postings *p, const og_terms *t, og_hits *out);
/* Rows with the words in their order and at their distances. */
OG_MUST_USE og_status og_postings_phrase(og_ctx *cx, const og_postings *p, const og_terms *t, og_hits *out);
/* ---- BM25: documents that many, with so many words together. */
typedef struct og_bm25 {
  uint64_t docs, words;
  uint64_t *docs_of; /* per word of the terms: the documents it is in */
} og_bm25;
/* Adds what `p` has; an all-zero one with room in docs_of for t->n is the start. */
void og_bm25_add(og_bm25 *s, const og_postings *p, const og_terms *t);
/* The score of one row. */
double og_bm25_score(const og_bm25 *s, const og_postings *p, const og_terms *t, uint64_t row);
/* Rows with any of the words, scored by that. */
OG_MUST_USE og_status og_postings_bm25(og_ctx *cx, const og_postings *p, const og_terms *t, const og_bm25 *s,
                                       og_hits *out);
