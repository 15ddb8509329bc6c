/* SPDX-License-Identifier: MIT */
/* exec/search_impl.h -- shared by search*.c. */
#pragma once

#include "base/mutex.h"
#include "exec/match.h"
#include "exec/search.h"

/* One of the types that the searched slot may be of. */
typedef struct og_search_side {
  og_view *view;
  int32_t field;
  og_postings *_Atomic postings; /* one reference; NULL: not needed yet */
  og_hits *_Atomic hits;         /* of a constant search; likewise */
  _Atomic uint64_t asked;        /* rows judged one by one so far */
} og_search_side;

typedef struct og_search {
  const og_pexpr *e;
  bool constant; /* the search is the same for all rows; then: */
  bool is_null;  /* and null, so that every value is */
  og_terms terms;
  og_bm25 bm25;
  const float *query;    /* NEAREST */
  og_search_side *other; /* NEAREST to another property: that one's */
  og_search_side *sides;
  uint32_t n_sides;
  /* Matchers that no thread is using. */
  og_mutex lock;
  og_vec idle; /* og_matcher * */
} og_search;

typedef struct og_searches {
  og_search *list;
  uint32_t n;
} og_searches;

/* The types that a row may be of, and the property in each. */
OG_MUST_USE og_status og_search__sides(og_ctx *cx, og_run *run, const og_pexpr *field, og_search_side **out,
                                       uint32_t *n);

OG_MUST_USE og_status og_search__open_text(og_ctx *cx, og_run *run, og_search *s);
OG_MUST_USE og_status og_search__text(og_ctx *cx, og_run *run, og_search *s, const uint64_t *slots, og_scalar *out);
OG_MUST_USE og_status og_search__bm25(og_ctx *cx, og_run *run, og_search *s, const uint64_t *slots, og_scalar *out);
OG_MUST_USE og_status og_search__select_text(og_ctx *cx, og_run *run, og_search *s, uint32_t slot, uint32_t type,
                                             uint32_t *sel, size_t *n);

OG_MUST_USE og_status og_search__text_found(og_ctx *cx, og_run *run, og_search *s, og_search_side *side,
                                            const og_hits **out);

OG_MUST_USE og_status og_search__open_near(og_ctx *cx, og_run *run, og_search *s);
OG_MUST_USE og_status og_search__nearest(og_ctx *cx, const og_search *s, const uint64_t *slots, og_scalar *out);
OG_MUST_USE og_status og_search__near_set(og_ctx *cx, og_run *run, og_search *s); /* makes it */
