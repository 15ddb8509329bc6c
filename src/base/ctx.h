/* SPDX-License-Identifier: MIT */
/* base/ctx.h -- the context: first argument of everything that can fail.
 *
 * It names where errors go, where memory is counted, which world (env) the code runs in, and when to stop.
 * Thread rule: one context per thread; a task makes a child of its parent's and copies the error back.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/mem.h"

typedef struct og_env og_env;   /* base/env.h */
typedef struct og_sink og_sink; /* base/log.h */
typedef struct og_pool og_pool; /* base/pool.h */

/* What a host owns and lends to every handle: no globals anywhere else. */
typedef struct og_runtime {
  og_env *env;   /* clock, randomness, tasks, files; never NULL */
  og_pool *pool; /* worker threads; NULL: run on the caller's thread */
  og_sink *sink; /* log events; NULL: silent */
  og_mem mem;    /* counts everything allocated through it */
} og_runtime;

struct og_ctx {
  og_error *err;              /* never NULL */
  og_mem *mem;                /* never NULL */
  og_runtime *rt;             /* never NULL */
  og_env *env;                /* = rt->env */
  og_arena *arena;            /* the operation's arena, or NULL */
  uint64_t deadline_ns;       /* env's monotonic clock; 0: none */
  const _Atomic bool *cancel; /* NULL: cannot be cancelled */
};

/* A context over `rt` with errors in `err` (zeroed).  arena may be NULL. */
void og_ctx_init(og_ctx *cx, og_runtime *rt, og_error *err, og_arena *arena);
/* A child for another thread: same world, deadline, cancel; its own error and arena. */
void og_ctx_child(og_ctx *child, const og_ctx *parent, og_error *err, og_arena *arena);
/* Copies the child's error into the parent unless the parent already has one. */
void og_ctx_adopt_error(og_ctx *parent, const og_ctx *child);

/* OG_ECANCELLED or OG_EDEADLINE when it is time to stop; cheap, call once per chunk. */
OG_MUST_USE og_status og_ctx_poll(og_ctx *cx);

/* From here to og_ctx_budget_end what `cx` allocates is at most `limit` bytes, and counted in the same accounts as
 * before; blocks may outlive the end.  *outer is for the end. */
OG_MUST_USE og_status og_ctx_budget_begin(og_ctx *cx, uint64_t limit, const char *budget, og_mem **outer);
/* Returns `st`, but OG_ELIMIT with a resource_limit detail when it failed because the budget was spent. */
og_status og_ctx_budget_end(og_ctx *cx, og_mem *outer, og_status st);

/* From the context's arena (must not be NULL).  NULL after og_fail(OG_ENOMEM). */
void *og_push(og_ctx *cx, size_t size);
void *og_push_array(og_ctx *cx, size_t n, size_t size); /* zeroed, n * size checked */
