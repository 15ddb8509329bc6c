/* SPDX-License-Identifier: MIT */
/* topology/csr.h -- the edges of one type as arrays: who is next to whom, along and against.
 *
 * Compressed sparse rows.  The neighbours of node row v are targets[first[v] .. first[v + 1]), ascending; edges between
 * the same two nodes lie side by side, in the order of their rows.  Offsets are 64 bits, node and edge rows 32.
 * Thread rule: immutable once made; share by reference.
 */
#pragma once

#include "topology/decoded.h"

typedef struct og_csr {
  uint64_t n;        /* nodes at the near side */
  uint64_t n_far;    /* and at the far side */
  uint64_t *first;   /* n + 1 */
  uint32_t *targets; /* first[n] */
  uint32_t *rows;    /* edge rows, parallel to targets; NULL: this is a set of neighbours */
  bool parallel;     /* two edges connect the same two nodes */
  bool loops;        /* an edge connects a node with itself (where both sides are one table) */
} og_csr;

static inline uint64_t og_csr_degree(const og_csr *c, uint64_t v)
{
  return c->first[v + 1] - c->first[v];
}
uint64_t og_csr_bytes(const og_csr *c);
void og_csr_cleanup(og_csr *c);

typedef struct og_topology {
  og_cached base;
  og_csr out, in;                    /* with rows: along the edges, from the source; against them, from the target */
  bool same;                         /* both sides are one table */
  og_lance_table *edges, *from, *to; /* the versions it was made from; one reference each, or NULL */
} og_topology;

/* A CSR on its own in the cache: without parallel edges, of one direction or of both together. */
typedef struct og_neighbours {
  og_cached base;
  og_csr csr;
  og_topology *of; /* whose arrays csr borrows; NULL: its own */
} og_neighbours;

typedef enum og_way { OG_WAY_OUT, OG_WAY_IN, OG_WAY_BOTH } og_way;

/* What a topology is made of; `from` and `to` may be the same. */
typedef struct og_ends {
  og_decoded *edges, *from, *to;
  uint32_t src, dst; /* columns of `edges` that hold node ids */
  og_store *store;   /* holds derived files (file.h), or NULL: none are read */
  bool keep;         /* and new ones are written, of tables that are worth it */
} og_ends;

/* Edge tables of fewer rows have no file: they are read as fast. */
#define OG_TOPOLOGY_FILE_ROWS 32768

/* From the cache, its file, or built from the columns.  An edge one of whose ends is no live node is left out.
 * *out holds one reference.  OG_ELIMIT: a table of 2^32 - 1 rows or more. */
OG_MUST_USE og_status og_topology_get(og_ctx *cx, og_cache *cache, const og_ends *ends, og_topology **out);
/* Makes it, and its derived file unless that is current, when ends->keep says so. */
OG_MUST_USE og_status og_topology_keep(og_ctx *cx, og_cache *cache, const og_ends *ends);
/* Distinct neighbours, ascending, one way or both: a node is its own neighbour when it has a loop.
 * *out holds one reference. */
OG_MUST_USE og_status og_neighbours_get(og_ctx *cx, og_cache *cache, const og_ends *ends, og_way way,
                                        og_neighbours **out);
