/* SPDX-License-Identifier: MIT */
/* sim/graph/scene.h -- processes that change one graph in a simulated world.
 *
 * Each operation writes itself into the model before and after.  Statuses that no world here can give rise to are
 * problems.
 */
#pragma once

#include "base/env_sim.h"
#include "model.h"

#define SCENE_ROOT      "/g"
#define SCENE_PROCESSES 3

typedef struct scene_opts {
  uint64_t seed;
  int operations;        /* of each process */
  bool branches;         /* create, delete, recreate branches, beside commits */
  bool one_branch;       /* hardly anything but that, under one name */
  bool cleaner;          /* old log versions vanish, in ascending order, as cleanup would have it */
  bool faults;           /* store calls fail, are delayed, lose their reply */
  bool delays;           /* they are only delayed */
  uint64_t crash_within; /* one process dies at a call below it; 0: none */
  uint64_t power_within; /* power is lost at a call below it; 0: not */
  bool trace;            /* every call is printed */
} scene_opts;

typedef struct scene_stats {
  int lost_races;              /* slots of the log found taken */
  int crashed_after_preparing; /* processes that died between writing a commit's files and its publish */
  int acked, branches, deletes, reruns;
  uint64_t calls;
} scene_stats;

/* Each seed is one of ten kinds of worlds. */
scene_opts scene_world(uint64_t seed);
/* Plays a seed from an empty disk, then looks at everything from a fresh process.  Empty when all holds, else what does
 * not, in `problem`. */
void scene_play(const scene_opts *o, scene_stats *stats, char problem[512]);

/* -- the parts, for scenes of another shape -- */

og_status scene_init(og_ctx *cx, og_store *store, bool force);
/* One commit: adds[t] rows to each table. */
typedef struct scene_commit {
  og_str branch;
  int adds[MODEL_TABLES];
  bool counts;   /* writes down how many rows A has; reads A */
  bool deletes;  /* deletes a row of A, if there is one */
  uint32_t pick; /* which */
  int max_reruns;
} scene_commit;
og_status scene_commit_run(og_ctx *cx, model *m, og_graph *g, const scene_commit *c, scene_stats *stats);
og_status scene_create_branch(og_ctx *cx, model *m, og_graph *g, char name);
og_status scene_delete_branch(og_ctx *cx, model *m, og_graph *g, char name);
