/* SPDX-License-Identifier: MIT */
/* base/mutex.h -- mutual exclusion for short sections.
 *
 * Nothing that may block (a store or env call, a callback) runs under a mutex: the simulated world
 * switches tasks at those calls, and a task that waits for a mutex there would wait for ever.
 */
#pragma once

#include "base/error.h"

#include <pthread.h>

typedef struct og_mutex {
  pthread_mutex_t raw;
} og_mutex;

/* A mutex with default attributes cannot fail to initialise, lock or unlock, except by misuse. */
static inline void og_mutex_init(og_mutex *m)
{
  OG_INVARIANT(pthread_mutex_init(&m->raw, NULL) == 0);
}
static inline void og_mutex_cleanup(og_mutex *m)
{
  OG_INVARIANT(pthread_mutex_destroy(&m->raw) == 0);
}
static inline void og_mutex_lock(og_mutex *m)
{
  OG_INVARIANT(pthread_mutex_lock(&m->raw) == 0);
}
static inline void og_mutex_unlock(og_mutex *m)
{
  OG_INVARIANT(pthread_mutex_unlock(&m->raw) == 0);
}
