/* SPDX-License-Identifier: MIT */
#include "ahead.h"

static bool is_known(ahead *a, uint64_t disk)
{
  for (size_t i = a->n_disks; i > 0; i--)
    if (a->disks[i - 1] == disk) return true;
  if (a->n_disks < AHEAD_DISKS) a->disks[a->n_disks++] = disk;
  return false;
}

static void look_after(ahead *a, size_t i)
{
  /* a seed of its own: who comes later draws other names than those that are there */
  og_sim *after = og_sim_after_loss(a->sim, ~a->calls, a->losses[i]);
  OG_INVARIANT(after != NULL);
  const uint64_t both[2] = {og_sim_disk_digest(after), a->promised};
  if (!is_known(a, og_str_hash(og_str_from((const char *)both, sizeof both)))) {
    a->looks++;
    a->enough = !a->look(a->arg, after);
  }
  og_sim_free(after);
}

static void look_now(void *arg)
{
  ahead *a = arg;
  a->calls++;
  if (a->enough) return;
  uint64_t changes = og_sim_disk_changes(a->sim), promised = a->promises(a->arg);
  if (a->started && changes == a->changes && promised == a->promised) return;
  a->started = true;
  a->changes = changes;
  a->promised = promised;
  for (size_t i = 0; i < a->n_losses && !a->enough; i++) look_after(a, i);
}

void ahead_start(ahead *a)
{
  og_sim_set_before_call(a->sim, look_now, a);
}

void ahead_end(ahead *a)
{
  og_sim_set_before_call(a->sim, NULL, NULL);
  look_now(a);
}
