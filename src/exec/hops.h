/* SPDX-License-Identifier: MIT */
/* exec/hops.h -- the breadth-first walk of the language's section on traversal, among nodes of one type. */
#pragma once

#include "base/vec.h"
#include "topology/csr.h"

/* All-zero is ready; may be used for one walk after the other, over lists of one size. */
typedef struct og_hops {
  og_vec reached; /* uint32_t: nodes that count, nearest first */
  og_vec met;     /* uint32_t: every node met, so that the marks can be taken back */
  uint8_t *marks; /* bit per node */
} og_hops;

void og_hops_cleanup(og_hops *w);
typedef struct og_hop_range {
  uint32_t min, max; /* min >= 1 */
  bool backwards;    /* `start` is where walks end, and the lists are those against the edges */
} og_hop_range;

/* Nodes whose shortest distance from `start` lies in [min, max] are in w->reached; start itself by a loop of its own
 * only.  Backwards: the nodes from which a walk forwards would reach `start`.  Polls once per hop. */
OG_MUST_USE og_status og_hops_from(og_ctx *cx, og_hops *w, const og_csr *c, uint32_t start, og_hop_range hops);
