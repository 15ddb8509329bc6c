/* SPDX-License-Identifier: MIT */
/* exec/search.h -- search expressions in a run: search(), match_text(), phrase(), fuzzy(), bm25(), nearest(), and the
 * sets of nearest rows that ranking needs.
 *
 * og_search_open makes what all threads then read; a value or a selection may be asked for by any thread.
 */
#pragma once

#include "exec/postings.h"
#include "exec/run.h"

/* Prepares every search expression of the plan: run->search.  Views of the slots must be there.  OG_ELIMIT: too much
 * text to rank; what reading tables may raise; OG_EINVALID for a number of edits that is none. */
OG_MUST_USE og_status og_search_open(og_ctx *cx, og_run *run);
void og_search_close(og_run *run);

/* Value of a TEXT, BM25, NEAREST or NEAR_SET for one row of slots. */
OG_MUST_USE og_status og_search_value(og_ctx *cx, og_run *run, const og_pexpr *e, const uint64_t *slots,
                                      og_scalar *out);
/* Keeps, of n rows of one of the types of `slot`, those for which a TEXT or NEAR_SET over it is true. */
OG_MUST_USE og_status og_search_select(og_ctx *cx, og_run *run, const og_pexpr *e, uint32_t slot, uint32_t type,
                                       uint32_t *sel, size_t *n);

/* All rows of one type of a slot for which `e` is true, when it is a NEAR_SET or a TEXT that looks for the same in
 * every row; else NULL.  None is deleted.  Borrowed. */
OG_MUST_USE og_status og_search_found(og_ctx *cx, og_run *run, const og_pexpr *e, uint32_t type, const og_hits **out);

/* The rows of an answer ranked by plan->rrf: order[0..*n) are numbers of rows among `rows` (run->out), best first; what
 * is not ranked is not there.  `rows` is over run->n_out rows. */
OG_MUST_USE og_status og_search_rrf(og_ctx *cx, og_run *run, uint64_t *order, size_t *n);
