/* SPDX-License-Identifier: MIT */
/* Several processes change one graph over the local store, in worlds that one seed decides: who runs when, who crashes
 * where, when power is lost, which store calls fail or lose their reply, when old versions vanish. */
#include "og_test.h"

#include "scene.h"

#include <stdio.h>

#define SEEDS 2000

OG_TEST(publish_sim, no_seed_loses_invents_or_doubles_anything)
{
  int raced = 0, prepared = 0, acked = 0, branches = 0, deletes = 0, reruns = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    scene_opts o = scene_world(seed);
    scene_stats stats;
    char problem[512];
    scene_play(&o, &stats, problem);
    if (*problem) {
      o.trace = true;
      scene_play(&o, &stats, problem);
      fail_msg("seed %d: %s", (int)seed, problem);
    }
    raced += stats.lost_races > 0;
    prepared += stats.crashed_after_preparing > 0;
    acked += stats.acked;
    branches += stats.branches;
    deletes += stats.deletes;
    reruns += stats.reruns;
  }
  print_message("%d seeds: %d commits, %d reruns, %d branches, %d deletes\n", SEEDS, acked, reruns, branches, deletes);
  print_message("lost a race: %d%%  crashed after preparing: %d%%\n", raced * 100 / SEEDS, prepared * 100 / SEEDS);
  OG_CHECK(raced * 10 >= SEEDS * 3);
  OG_CHECK(prepared * 10 >= SEEDS);
}

OG_TEST_MAIN(OG_CASE(publish_sim, no_seed_loses_invents_or_doubles_anything))
