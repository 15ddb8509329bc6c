/* SPDX-License-Identifier: MIT */
/* exec/pattern.h -- a pattern as a graph of slots, for plans whose rows need not all be made: see pattern.c. */
#pragma once

#include "exec/test.h"
#include "exec/weights.h"

#define OG_PATTERN_VERTICES 64
#define OG_PATTERN_MEASURES 16
#define OG_PATTERN_CLOSERS  8

typedef struct og_side { /* what a vertex knows of itself and of what hangs below it */
  bool done, sparse;
  og_sparse set;      /* sparse: the rows that count; may lack an index */
  uint64_t *weights;  /* dense, per row; NULL: 1 for every row that passes the test */
  og_amount *amounts; /* dense, n_measures per row; NULL: nothing is measured below */
} og_side;

typedef struct og_vertex {
  uint32_t slot;
  og_view *view;
  og_test test;
  bool core;               /* its rows are enumerated */
  double passing;          /* rows that are expected to pass the test */
  uint64_t measured, hung; /* bit per measure: of this slot; of this and what hangs below, core vertices left out */
  og_side side;
} og_vertex;

typedef enum og_link_kind {
  OG_LINK_JOIN,
  OG_LINK_NONE /* rows count for which the other side has nothing */
} og_link_kind;

typedef struct og_link {
  og_link_kind kind;
  const og_plan_op *op;
  uint32_t ends[2];          /* vertices: src, dst of the op */
  const og_csr *lists[2][2]; /* [0]: from src, [1]: from dst; the second of each: an undirected bound edge against */
  unsigned n_lists;
  bool skip_loops; /* in the second list */
  bool walk;       /* more than one hop */
  bool never;      /* nothing can be reached over it */
  bool closes;     /* both ends are bound when it comes: no part of the tree */
  og_test edge;    /* of its edge slot */
} og_link;

typedef struct og_pattern {
  og_run *run;
  og_vertex *vertices;
  uint32_t n_vertices;
  og_link *links;
  uint32_t n_links;
  const og_pexpr **loose; /* predicates on several slots, all of them core */
  uint32_t n_loose;
  bool empty; /* a predicate on no slot is not true */
  og_measure measures[OG_PATTERN_MEASURES];
  uint32_t n_measures;
  uint32_t root;
  uint32_t parent[OG_PATTERN_VERTICES]; /* link to the parent; UINT32_MAX: the root */
  _Atomic bool overflow;
} og_pattern;

/* The pattern of the plan's ops; *fits false: it has something that only rows can tell. */
OG_MUST_USE og_status og_pattern_new(og_ctx *cx, og_run *run, og_pattern **out, bool *fits);
void og_pattern_free(og_pattern *p); /* NULL is fine */
/* Finds what is needed of the topology, and a root: a core vertex if there is one. */
OG_MUST_USE og_status og_pattern_settle(og_ctx *cx, og_pattern *p);
/* Fills p->vertices[v].side from what hangs below v, core neighbours left out. */
OG_MUST_USE og_status og_pattern_weigh(og_ctx *cx, og_pattern *p, uint32_t v);
/* (3): OG_EINVALID when a number did not fit. */
OG_MUST_USE og_status og_pattern_check(og_ctx *cx, const og_pattern *p);
