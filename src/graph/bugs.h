/* SPDX-License-Identifier: MIT */
/* graph/bugs.h -- faults of the protocol that the simulator must catch.
 *
 * A build with OG_PROTOCOL_BUGS, which only tests/sim/graph makes, can leave one rule of the protocol out at a time; in
 * any other build OG_BUG is false and nothing of this remains.
 */
#pragma once

#ifdef OG_PROTOCOL_BUGS
typedef enum og_bug {
  OG_BUG_NONE,
  OG_BUG_NO_ADJACENCY, /* a version put into a hole is acknowledged */
  OG_BUG_NO_LOOKUP,    /* after a lost slot the own id is not looked for */
  OG_BUG_NO_RECHECK,   /* a rebase does not ask whether the result is stale */
  OG_BUG_NO_BARRIER,   /* the prepared files are not synced before the put */
  OG_BUG_REUSE_NUMBER, /* a table manifest found under our number is taken for ours */
  OG_BUG_RECREATE_LOW, /* a branch made anew starts where its parent stands, not above its seal */
  OG_BUGS
} og_bug;
extern og_bug og_graph__bug; /* defined by the test */
#define OG_BUG(name) (og_graph__bug == OG_BUG_##name)
#else
#define OG_BUG(name) 0
#endif
