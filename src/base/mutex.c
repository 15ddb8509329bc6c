/* SPDX-License-Identifier: MIT */
#include "base/mutex.h"

#ifndef NDEBUG

/* State outside any handle, for debug builds alone: the rule is about a thread, and a thread has no handle. */
static _Thread_local const og_mutex *held;

void og_mutex__taking(const og_mutex *m)
{
  OG_INVARIANT(held == NULL); /* a second mutex under the first */
  held = m;
}

void og_mutex__giving(const og_mutex *m)
{
  OG_INVARIANT(held == m); /* not locked by this thread */
  held = NULL;
}

void og_mutex__may_block(void)
{
  OG_INVARIANT(held == NULL); /* a blocking call under a mutex */
}

#endif
