/* SPDX-License-Identifier: MIT */
/* exec/pattern_impl.h -- what the files of patterns share. */
#pragma once

#include "exec/hops.h"
#include "exec/pattern.h"

/* Rows at the other end per row at this one, on average. */
double og_pattern__degree(const og_link *l, unsigned from_end);
/* How a link of several hops is walked from this end. */
static inline og_hop_range og_pattern__hops(const og_link *l, unsigned from_end)
{
  return (og_hop_range){l->op->min, l->op->max, from_end == 1};
}
/* Does something hang from v over this link?  *end: which of its ends v is. */
bool og_pattern__hangs(const og_pattern *p, uint32_t v, const og_link *l, unsigned *end);
bool og_pattern__hangs_nothing(const og_pattern *p, uint32_t v);
/* The number of one row of v, worked out for itself; amounts: n_measures, written when *n is not 0. */
OG_MUST_USE og_status og_pattern__row(og_ctx *cx, og_pattern *p, uint32_t v, uint32_t row, uint64_t *n,
                                      og_amount *amounts);
/* The same, from the vertex's side if it is done. */
OG_MUST_USE og_status og_pattern__number(og_ctx *cx, og_pattern *p, uint32_t v, uint32_t row, uint64_t *n,
                                         og_amount *amounts);
