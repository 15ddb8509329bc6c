/* SPDX-License-Identifier: MIT */
/* fault/write/world.h -- a town in a store, the operations that something goes wrong in, and the look afterwards.
 *
 * What is there afterwards must be what the caller was told: the new commit after OG_OK, the old one after an error,
 * and either of them only after OG_EUNKNOWN, which names the commit to look for.
 */
#pragma once

#include "og_test.h"

#include "base/env_sim.h"
#include "town.h"

typedef struct fault_case {
  const char *name;
  town_op op;
} fault_case;

#define CASES 7
extern const fault_case cases[CASES];
/* On a branch there is one less: the last changes the schema, which is main's. */
static inline size_t n_cases(bool on_branch)
{
  return on_branch ? CASES - 1 : CASES;
}
town_op op_of(size_t i, bool on_branch);

typedef struct world {
  og_sim *sim;
  og_store *inner, *store; /* store: what the operation writes through, when it is another */
  og_sim_process *people[64];
  int n_people;
  town t;
} world;

/* A context of a process of its own. */
typedef struct person {
  og_sim_process *p;
  og_ctx cx;
  og_error err;
  og_arena arena;
} person;

og_ctx *person_new(world *w, person *p);
void person_gone(person *p);

/* Makes the town in w->inner, and its branch. */
void set_scene(world *w, bool on_branch);
/* From a handle that was not there, over the store that works; then the next write. */
void look_afterwards(world *w, bool on_branch);
/* The last reference of a store frees what everybody put into it; then nothing is left. */
void world_free(world *w);

typedef struct tally {
  int done, failed, unknown;
} tally;
void count(tally *t, const world *w, int op);
