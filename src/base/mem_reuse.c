/* SPDX-License-Identifier: MIT */
/* base/mem_reuse.c -- lists of free blocks, eight sizes per power of two: at most an eighth is wasted. */
#include "base/mem_reuse.h"

#include "base/compiler.h"

#include <stdint.h>
#include <stdlib.h>

#define LOOKS      64
#define LEAST_BITS 16 /* 64 KiB: what is smaller, malloc keeps itself */
#define LEAST      ((size_t)1 << LEAST_BITS)
#define MOST       (LEAST << (OG_MEM_REUSE_CLASSES / 8)) /* 8 MiB */

static unsigned class_of(size_t size)
{
  unsigned bits = LEAST_BITS;
  while (size >> bits > 1) bits++;
  return (bits - LEAST_BITS) * 8 + (unsigned)((size - ((size_t)1 << bits)) >> (bits - 3));
}

size_t og_mem_reuse_size(size_t size)
{
#ifdef OG_MEM_NO_REUSE /* sanitizers look for uses of what was freed */
  (void)size;
  return 0;
#else
  if (size < LEAST || size >= MOST - MOST / 8) return 0;
  size_t step = LEAST / 8;
  while (step * 16 <= size) step *= 2;
  return (size + step - 1) / step * step;
#endif
}

/* What is done under it takes less than what the kernel would do instead: a few looks are worth it. */
static bool enter(og_mem_reuse *r)
{
  for (unsigned i = 0; i < LOOKS; i++)
    if (!atomic_flag_test_and_set_explicit(&r->busy, memory_order_acquire)) return true;
  return false;
}

void *og_mem_reuse_take(og_mem_reuse *r, size_t size)
{
  if (!enter(r)) return NULL;
  void **at = &r->first[class_of(size)], *block = *at;
  if (block) {
    *at = *(void **)block;
    r->bytes -= size;
  }
  atomic_flag_clear_explicit(&r->busy, memory_order_release);
  return block;
}

bool og_mem_reuse_keep(og_mem_reuse *r, void *block, size_t size)
{
  if (!enter(r)) return false;
  const bool room = size <= OG_MEM_REUSE_BYTES - r->bytes;
  if (room) {
    void **at = &r->first[class_of(size)];
    *(void **)block = *at;
    *at = block;
    r->bytes += size;
  }
  atomic_flag_clear_explicit(&r->busy, memory_order_release);
  return room;
}

void og_mem_reuse_clear(og_mem_reuse *r)
{
  for (unsigned i = 0; i < OG_MEM_REUSE_CLASSES; i++) {
    for (void *block = r->first[i], *next; block; block = next) {
      next = *(void **)block;
      free(block);
    }
    r->first[i] = NULL;
  }
  r->bytes = 0;
}
