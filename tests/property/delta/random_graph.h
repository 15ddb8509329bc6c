/* SPDX-License-Identifier: MIT */
/* property/delta/random_graph.h -- a graph with random branches and writes, and its states as plain rows. */
#pragma once

#include "og_test_world.h"

#include "db/db.h"

#define RG_BRANCHES 3
#define RG_KEYS     48
#define RG_COMMITS  256

typedef struct random_graph {
  og_test_world w;
  og_ctx *cx;
  og_store *store;
  og_db *db;
  uint64_t random;
  og_str branches[RG_BRANCHES]; /* main, then others */
  int n_branches;
  char commits[RG_COMMITS][27];
  int n_commits;
} random_graph;

void rg_open(random_graph *r, uint64_t seed);
void rg_open_with(random_graph *r, uint64_t seed, const char *schema);
void rg_close(random_graph *r);
uint64_t rg_pick(random_graph *r, uint64_t n);
/* One write, compaction or new branch; what commits is remembered. */
void rg_step(random_graph *r);
/* Runs a mutation text; a refusal is fine. */
void rg_mutate(random_graph *r, og_str branch, const char *text);
void rg_remember(random_graph *r, const og_commit *c);
og_snapshot *rg_snapshot(random_graph *r, const char *commit);

/* Every row of a table of a state, as JSON texts by id; in the context's arena. */
#define RG_CELLS 8
typedef struct rg_row {
  og_str id, text;        /* of all columns but the id */
  og_str cells[RG_CELLS]; /* singly, in the table's order */
} rg_row;
void rg_rows(random_graph *r, og_snapshot *s, og_str key, og_vec *out);
const rg_row *rg_find(const og_vec *rows, og_str id);
