/* SPDX-License-Identifier: MIT */
/* base/mem.h -- the one door to the heap.
 *
 * Every block remembers the og_mem it came from, so og_free needs no context.  An og_mem counts bytes and calls,
 * refuses beyond its limit, and can fail the n-th call (for tests that try every one).
 * Blocks are 64-byte aligned when asked with og_alloc_aligned, else 16-byte aligned.
 * Thread rule: an og_mem may be used from any thread; a block belongs to whoever holds its pointer.
 */
#pragma once

#include "base/error.h"

#include <stdatomic.h>

typedef struct og_mem_reuse og_mem_reuse;
typedef struct og_mem og_mem;
struct og_mem {
  _Atomic uint64_t in_use; /* bytes, headers included */
  _Atomic uint64_t peak;
  _Atomic uint64_t calls; /* allocations so far */
  uint64_t limit;         /* bytes; 0: none.  Set before use. */
  uint64_t fail_at;       /* fail the call with this ordinal (1-based); 0: never */
  og_mem *parent;         /* a budget: what is counted here is counted there too */
  const char *budget;     /* a budget: what the limit is called, static text */
  bool is_block;          /* made by og_mem_new or og_mem_new_budget */
  og_mem_reuse *reuse;    /* og_mem_new: large blocks that were freed; NULL: none are kept */
};

/* One that the caller keeps; it must outlive its blocks. */
void og_mem_init(og_mem *m, uint64_t limit);
/* One on the heap, for blocks that may outlive whoever opened it: it counts itself as its first block, og_mem_free
 * gives that one back, and it is gone with the last.  It keeps some of the large blocks that are freed, for the next
 * that asks (base/mem_reuse.h).  NULL: no memory. */
og_mem *og_mem_new(uint64_t limit);
void og_mem_free(og_mem *m); /* NULL is fine */
/* The same inside cx->mem: at most `limit` bytes of that, called `budget` in the error.  NULL after og_fail. */
og_mem *og_mem_new_budget(og_ctx *cx, uint64_t limit, const char *budget);

/* All return NULL after og_fail(cx, OG_ENOMEM, ...).  A size of 0 gives a valid block.  The block is counted in
 * cx->mem.  og_zalloc zeroes.  og_realloc keeps the old block on failure; p may be NULL. */
void *og_alloc(og_ctx *cx, size_t size);
void *og_zalloc(og_ctx *cx, size_t size);
void *og_calloc(og_ctx *cx, size_t n, size_t size); /* n * size checked for overflow */
void *og_realloc(og_ctx *cx, void *p, size_t size);
/* 64-byte aligned, and padded so that reading 64 bytes past `size` stays inside the block: for column buffers. */
void *og_alloc_aligned(og_ctx *cx, size_t size);

/* Frees any of the above; NULL is fine. */
void og_free(void *p);

/* A copy of `s` with a NUL behind it. */
char *og_strdup(og_ctx *cx, og_str s);
