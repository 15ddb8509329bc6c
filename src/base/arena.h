/* SPDX-License-Identifier: MIT */
/* base/arena.h -- memory that dies together: one per query, load or open.
 *
 * Nothing in it is freed singly.  Blocks are 16-byte aligned.  Thread rule: one thread at a time.
 */
#pragma once

#include "base/mem.h"

typedef struct og_arena_chunk og_arena_chunk;

typedef struct og_arena {
  og_arena_chunk *chunks; /* newest first */
  char *at, *end;
  size_t next_size;
} og_arena;

/* An all-zero og_arena is empty and ready. */
void og_arena_cleanup(og_arena *a); /* frees everything; the arena is empty again */
/* Frees all but the first chunk, for reuse in a loop. */
void og_arena_reset(og_arena *a);

size_t og_arena_bytes(const og_arena *a); /* that it takes */

/* From arena `a`, counted in cx->mem.  NULL after og_fail(OG_ENOMEM). */
void *og_arena_alloc(og_ctx *cx, og_arena *a, size_t size);
void *og_arena_zalloc(og_ctx *cx, og_arena *a, size_t size);
void *og_arena_calloc(og_ctx *cx, og_arena *a, size_t n, size_t size);
/* Copies bytes; *out is also NUL-terminated (not counted). */
OG_MUST_USE og_status og_arena_str(og_ctx *cx, og_arena *a, og_str s, og_str *out);
/* Formats with printf rules into the arena.  Never for doubles: they have their own writer. */
OG_MUST_USE og_status og_arena_printf(og_ctx *cx, og_arena *a, og_str *out, const char *fmt, ...) OG_PRINTF(4, 5);
