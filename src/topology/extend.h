/* SPDX-License-Identifier: MIT */
/* topology/extend.h -- adjacency of newer table versions from that of older ones, and what is new.
 *
 * A commit leaves most fragments alone.  Rows of a fragment that both versions have move together, so old lists are
 * copied with their rows renumbered; edges that went are left out, and only those that came, or whose nodes were
 * written again, are looked up by their ids.
 */
#pragma once

#include "topology/csr.h"

/* *done false: the versions have too little in common, or their order differs: build it from the columns. */
OG_MUST_USE og_status og_topology_extend(og_ctx *cx, const og_topology *old, const og_ends *ends, og_topology *out,
                                         bool *done);
