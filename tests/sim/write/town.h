/* SPDX-License-Identifier: MIT */
/* sim/write/town.h -- people, cities and their edges, written through the front door, and what the graph must say.
 *
 * Every operation is a load or a mutation over few keys, so that operations of different writers touch the same rows;
 * its number is its actor, so that the log tells whose each commit is.  A look replays the commits that a branch shows:
 *
 *  - each is its operation applied to what the commits below it left, and the operation was legal there: keys and mail
 *    addresses are unique, ends exist, nobody lives in two cities;
 *  - no operation is there twice, none that was reported failed or idle is there, and one whose outcome was unknown has
 *    the id that its error named;
 *  - what was acknowledged, or shown to anybody, before the look began is there;
 *  - each version has the schema that the last change of it left;
 *  - the rows of the newest version (of every version, when asked for) are exactly what the replay gives.
 *
 * All of a world runs on one thread: the town needs no locks.
 */
#pragma once

#include "db/db.h"

#define TOWN_ROOT    "/g"
#define TOWN_PERSONS 6
#define TOWN_CITIES  3
#define TOWN_EDGES   96
#define TOWN_OPS     64
#define TOWN_MAILS   3
#define TOWN_FORMS   4

typedef enum town_kind {
  TOWN_SETTLE, /* load, overwrite: `who` and `whom` know each other, `who` lives in `city`; nobody else is there */
  TOWN_JOIN,   /* load, append: the new person `who` with `mail` knows `whom` */
  TOWN_MERGE,  /* load, merge: `who` with `mail`, `whom` without; `city`, where `who` lives */
  TOWN_PUT,    /* insert, over the old row if there is one: `who` with `mail` */
  TOWN_ARRIVE, /* the same without mail, and knows `whom`, in one mutation */
  TOWN_MEET,   /* insert an edge: `who` knows `whom` */
  TOWN_HOUSE,  /* insert an edge: `who` lives in `city` */
  TOWN_QUIT,   /* delete an edge: `who` lives nowhere */
  TOWN_RENAME, /* update `who` */
  TOWN_LEAVE,  /* delete `who`, with all edges */
  TOWN_RAZE,   /* delete `city`, with all edges */
  TOWN_FOUND,  /* insert `city`, over the old row if there is one */
  TOWN_EVOLVE, /* schema apply, on main: form `who`, see town.c */
  TOWN_KINDS
} town_kind;

typedef enum town_fate {
  TOWN_RUNNING,
  TOWN_DONE,    /* acknowledged with a commit */
  TOWN_IDLE,    /* acknowledged; there was nothing to change */
  TOWN_FAILED,  /* the caller was told that it did not happen */
  TOWN_UNKNOWN, /* OG_EUNKNOWN */
  TOWN_DEAD     /* its process died */
} town_fate;

typedef struct town_op {
  town_kind kind;
  bool on_branch; /* "b"; else main */
  bool spills;    /* a load that has no memory for its keys */
  int who, whom, city;
  int mail; /* -1: none */
  /* -- how it went -- */
  town_fate fate;
  og_ulid commit;            /* DONE, and UNKNOWN */
  uint64_t done_at, seen_at; /* when it was acknowledged, and first shown to somebody; 0: not */
  uint64_t from, to;         /* log versions it may have stood on when it failed; 0: nobody asked */
  char error[160];           /* what it failed with */
  bool had_reason;           /* it failed, and on one of them it was illegal */
} town_op;

typedef struct town {
  uint64_t now;
  uint64_t looked; /* log version of the newest commit in the last look */
  town_op ops[TOWN_OPS];
  int n_ops;
  char problem[768]; /* the first thing that did not hold; empty: none */
} town;

void town_problem(town *t, const char *fmt, ...) OG_PRINTF(2, 3);

/* An empty town in TOWN_ROOT of the env's disk, or in a store. */
og_status town_init(og_ctx *cx);
og_status town_init_in(og_ctx *cx, og_store *store);
/* Adds the operation and runs it.  OG_OK: `fate` tells; else the context's error. */
og_status town_run(og_ctx *cx, town *t, og_db *db, town_op op);
/* Looks at a branch ("": main). */
og_status town_look(og_ctx *cx, town *t, og_graph *g, const char *branch, bool every_version);
/* Whether the files at the root are those of main's schema, as they are once somebody opened the graph for writing. */
og_status town_check_mirrors(og_ctx *cx, town *t, og_store *store);
/* Looks at every version, and compares the export with the newest.  Of failed operations, `had_reason` is set. */
og_status town_look_and_export(og_ctx *cx, town *t, og_db *db, const char *branch);
