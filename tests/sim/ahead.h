/* SPDX-License-Identifier: MIT */
/* sim/ahead.h -- what if power were lost now?  Asked before every call of a run.
 *
 * From each call the disk that a power loss would leave is looked at in a world of its own, while the run goes on.  A
 * disk and promises that were looked at before are not looked at again: what is there must hold what was promised, and
 * nothing else matters to that.  So a run of a thousand calls costs one run and some dozens of looks.
 */
#pragma once

#include "base/env_sim.h"

#define AHEAD_DISKS 4096

typedef struct ahead {
  og_sim *sim;
  const og_sim_loss *losses;
  size_t n_losses;
  /* Everything that a look depends on beside the disk: two equal digests promise the same. */
  uint64_t (*promises)(void *arg);
  /* Looks at the world `after`; false: enough, nothing more needs to be looked at. */
  bool (*look)(void *arg, og_sim *after);
  void *arg;
  /* -- what it keeps -- */
  uint64_t disks[AHEAD_DISKS];
  size_t n_disks;
  uint64_t changes, promised; /* at the last call looked from */
  uint64_t looks, calls;
  bool started, enough;
} ahead;

/* Looks from every counted call of the next og_sim_run of a->sim; the first fields are set, the others zero. */
void ahead_start(ahead *a);
/* Looks from where the world stands now, and no more. */
void ahead_end(ahead *a);
