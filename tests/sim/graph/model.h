/* SPDX-License-Identifier: MIT */
/* sim/graph/model.h -- what the graph of a simulated world must say, kept beside it.
 *
 * The graph has two node tables, A and B, of rows (id, n).  Every operation writes down what it is about to do before
 * it starts and what it was told when it ends; a look at any snapshot replays the commits it shows and compares.  All
 * of a world runs on one thread, so the model needs no locks, and `now` orders its events.
 *
 * What a look checks:
 *  - the visible commits are one chain, parents and version numbers ascending, and end at the head;
 *  - every commit acknowledged on this incarnation, or shown to anybody on it, before the look began is in it, none
 * that was reported failed is, and none of another incarnation;
 *  - every table opens under its recorded uuid and holds exactly the rows that replaying the chain gives;
 *  - a commit that counted A's rows counted what the chain has below it (no lost update);
 *  - the incarnation was not deleted before the look began.
 */
#pragma once

#include "graph/graph.h"

#define MODEL_TABLES   2
#define MODEL_COMMITS  96
#define MODEL_ROWS     2 /* a commit adds at most so many to a table */
#define MODEL_BRANCHES 48

typedef enum model_state {
  MODEL_RUNNING,
  MODEL_ACKED,
  MODEL_FAILED, /* the caller was told that it did not happen */
  MODEL_UNKNOWN /* OG_EUNKNOWN, or its process died */
} model_state;

typedef struct model_row {
  int commit, table, i; /* the commit that adds it */
} model_row;

typedef struct model_commit {
  og_ulid id;
  model_state state;
  uint8_t incarnation[16]; /* of the branch it is for; zero: main */
  int adds[MODEL_TABLES];
  bool deletes;
  model_row deleted;
  bool counts; /* its rows' n is the number of rows of A on its base */
  int64_t counted;
  uint64_t version; /* acknowledged: log version */
  uint64_t acked_at;
  bool prepared;    /* its files were written, publish was entered */
  uint64_t seen_at; /* when somebody was first shown it on its own branch; 0: never */
} model_commit;

typedef struct model_branch {
  char name;
  model_state state;
  uint64_t started, acked_at;
} model_branch;

typedef struct model_death {
  uint8_t incarnation[16];
  uint64_t acked_at;
} model_death;

typedef struct model {
  uint64_t now;
  model_commit commits[MODEL_COMMITS];
  int n_commits;
  model_branch created[MODEL_BRANCHES];
  int n_created;
  model_death deaths[MODEL_BRANCHES];
  int n_deaths;
  uint64_t last_delete[2]; /* per name 'b', 'c': when the last attempt to delete it ended; UINT64_MAX: running */
  int deleting[2];
  char problem[512]; /* the first thing that did not hold; empty: none */
} model;

void model_problem(model *m, const char *fmt, ...) OG_PRINTF(2, 3);
/* A row of a snapshot's table, as the model names it. */
typedef struct model_seen {
  model_row row;
  int64_t n;
  uint64_t offset;
} model_seen;
/* The live rows of a table ("node:A" for 0); elements are model_seen.  A row nobody wrote is a problem. */
og_status model_read(og_ctx *cx, model *m, og_snapshot *s, int table, og_vec *out);
/* Takes the newest snapshot of a branch and looks at it; *out (may be NULL) is the snapshot, for the caller to unref.
 */
og_status model_look(og_ctx *cx, model *m, og_graph *g, og_str branch, og_snapshot **out);
/* Looks again at a snapshot taken when the model said `since`. */
og_status model_look_at(og_ctx *cx, model *m, og_snapshot *s, uint64_t since);
/* The world has come to rest: main and every branch is looked at, and acknowledged creations are there. */
og_status model_look_at_all(og_ctx *cx, model *m, og_graph *g);
/* Whether main or a live branch shows the commit. */
og_status model_is_visible(og_ctx *cx, og_graph *g, const model_commit *c, bool *out);
