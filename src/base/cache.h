/* SPDX-License-Identifier: MIT */
/* base/cache.h -- derived, immutable things that are dear to make: kept by a handle, shared by its queries.
 *
 * An entry is named by bytes that say exactly what it was derived from ("column 3 of version 7 of that table"), so it
 * can never be stale, only useless.  The first bytes of a name are its family ("column 3 of that table"): of a family
 * the two entries used last are kept, for older versions are seldom asked again.  Beyond that the least recently used
 * go when the sum of sizes exceeds the budget.  Whoever holds a reference keeps the thing alive, cached or not. Memory
 * of cached things is charged to the account given at creation, not to the query that happened to need them first: make
 * them with og_cache_ctx. Thread rule: any thread.  Two that miss at once both build, and the first to finish wins.
 */
#pragma once

#include "base/ctx.h"

typedef struct og_cache og_cache;

/* First member of everything cached. */
typedef struct og_cached {
  _Atomic uint32_t refs; /* made with 1 */
  void (*free)(struct og_cached *c);
} og_cached;
void *og_cached_ref(void *thing);
void og_cached_unref(void *thing); /* NULL is fine */

/* What things are made in and how large they are: *bytes is 0 when called. */
typedef og_status (*og_cache_make_fn)(og_ctx *cx, void *arg, og_cached **out, uint64_t *bytes);

/* Charged to cx->mem, which must outlive it. */
OG_MUST_USE og_status og_cache_new(og_ctx *cx, uint64_t budget, og_cache **out);
void og_cache_free(og_cache *c); /* things with references live on.  NULL is fine */

typedef struct og_cache_key {
  og_str name;
  size_t family; /* so many bytes of it */
} og_cache_key;

/* The thing of that name, made when it is not there; *out holds one reference.  `make` runs without a lock, in a
 * context of the cache's account. */
OG_MUST_USE og_status og_cache_get(og_ctx *cx, og_cache *c, og_cache_key key, og_cache_make_fn make, void *arg,
                                   void **out);
/* The thing when it is there, with a reference; else NULL. */
void *og_cache_peek(og_cache *c, og_str name);
/* Of the same family but another name, the one used last, with a reference; NULL: none. */
void *og_cache_peek_sibling(og_cache *c, og_cache_key key);
/* A thing grew after it was made: it is counted with `more` bytes from now on.  Nothing when it is no longer kept. */
void og_cache_grew(og_cache *c, const void *thing, uint64_t more);
/* `cx`, but what is allocated is charged to the cache's account. */
og_ctx og_cache_ctx(const og_ctx *cx, const og_cache *c);
uint64_t og_cache_bytes(og_cache *c);
void og_cache_set_budget(og_cache *c, uint64_t budget); /* 0: keeps nothing but what was used last */
