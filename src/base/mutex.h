/* SPDX-License-Identifier: MIT */
/* base/mutex.h -- mutual exclusion for short sections.
 *
 * Two rules make deadlock impossible without an order of locks to remember:
 *   (1) a thread holds at most one mutex;
 *   (2) nothing that may block (a store or env call, a callback) runs under one: the simulated world switches tasks at
 *       those calls, and a task that waits for a mutex there would wait for ever.
 * Debug builds end the process when one is broken: (1) at every lock, (2) at every call of the simulated world.
 */
#pragma once

#include "base/error.h"

#include <pthread.h>

typedef struct og_mutex {
  pthread_mutex_t raw;
} og_mutex;

#ifdef NDEBUG
static inline void og_mutex__taking(const og_mutex *m)
{
  (void)m;
}
static inline void og_mutex__giving(const og_mutex *m)
{
  (void)m;
}
static inline void og_mutex__may_block(void)
{
}
#else
void og_mutex__taking(const og_mutex *m);
void og_mutex__giving(const og_mutex *m);
void og_mutex__may_block(void);
#endif

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
  og_mutex__taking(m);
  OG_INVARIANT(pthread_mutex_lock(&m->raw) == 0);
}
static inline void og_mutex_unlock(og_mutex *m)
{
  og_mutex__giving(m);
  OG_INVARIANT(pthread_mutex_unlock(&m->raw) == 0);
}
