/* SPDX-License-Identifier: MIT */
/* base/pool.h -- one thread pool for morsels, owned by the runtime.
 *
 * Work is data-parallel: run fn for items 0..n-1, join, report the first failure (lowest item index wins, so errors
 * are deterministic).  Threads start with the first work.  With a NULL pool, or in the simulated world, items run in order on the caller.
 */
#pragma once

#include "base/ctx.h"

OG_MUST_USE og_status og_pool_new(og_ctx *cx, unsigned threads, og_pool **out); /* 0: one per CPU */
void og_pool_free(og_pool *p);                                                  /* after all work has been joined */
unsigned og_pool_threads(const og_pool *p);                                     /* 1 for NULL */

/* fn gets its own child context and may run on any thread.  `worker` < og_pool_threads() identifies the thread slot,
 * for per-thread state.  Returns when every item is done or skipped after a failure. */
typedef og_status (*og_work_fn)(og_ctx *cx, void *arg, size_t item, unsigned worker);
OG_MUST_USE og_status og_parallel(og_ctx *cx, size_t n, og_work_fn fn, void *arg);
