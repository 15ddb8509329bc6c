/* SPDX-License-Identifier: MIT */
/* The simulator is worth something if it catches what it is for: with one rule of the protocol left out at a time, one
 * of the first 500 seeds must fail. */
#include "og_test.h"

#include "graph/bugs.h"
#include "scene.h"

#include <stdio.h>

#define SEEDS 500

og_bug og_graph__bug = OG_BUG_NONE;

/* The seed that caught it, or -1. */
static int caught_by(og_bug bug, char problem[512])
{
  int found = -1;
  og_graph__bug = bug;
  for (uint64_t seed = 0; found < 0 && seed < SEEDS; seed++) {
    scene_opts o = scene_world(seed);
    scene_stats stats;
    scene_play(&o, &stats, problem);
    if (*problem) found = (int)seed;
  }
  og_graph__bug = OG_BUG_NONE;
  return found;
}

static void must_be_caught(og_bug bug, const char *what)
{
  char problem[512];
  int seed = caught_by(bug, problem);
  if (seed < 0) fail_msg("%s: not caught by %d seeds", what, SEEDS);
  print_message("%s: caught by seed %d: %.150s\n", what, seed, problem);
}

OG_TEST(protocol_bugs, version_put_into_a_hole_is_acknowledged)
{
  must_be_caught(OG_BUG_NO_ADJACENCY, "no adjacency check");
}

OG_TEST(protocol_bugs, own_commit_is_not_looked_for_after_a_lost_slot)
{
  must_be_caught(OG_BUG_NO_LOOKUP, "no own-id lookup");
}

OG_TEST(protocol_bugs, rebase_does_not_check_again)
{
  must_be_caught(OG_BUG_NO_RECHECK, "no check on rebase");
}

OG_TEST(protocol_bugs, prepared_files_are_not_synced)
{
  must_be_caught(OG_BUG_NO_BARRIER, "no barrier before the put");
}

OG_TEST(protocol_bugs, taken_table_number_is_used)
{
  must_be_caught(OG_BUG_REUSE_NUMBER, "a taken table number used");
}

OG_TEST(protocol_bugs, recreated_branch_starts_below_its_seal)
{
  must_be_caught(OG_BUG_RECREATE_LOW, "a branch made anew below its seal");
}

OG_TEST_MAIN(OG_CASE(protocol_bugs, version_put_into_a_hole_is_acknowledged),
             OG_CASE(protocol_bugs, own_commit_is_not_looked_for_after_a_lost_slot),
             OG_CASE(protocol_bugs, rebase_does_not_check_again), OG_CASE(protocol_bugs, prepared_files_are_not_synced),
             OG_CASE(protocol_bugs, taken_table_number_is_used),
             OG_CASE(protocol_bugs, recreated_branch_starts_below_its_seal))
