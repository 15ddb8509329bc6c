/* SPDX-License-Identifier: MIT */
/* base/mem_reuse.h -- large blocks that were given back and wait to be taken again.  Private to mem.c.
 *
 * A query's columns are as large as the last one's.  An allocator that returns them to the system makes the kernel
 * clear each page anew, which on a scan takes more time than decoding does; so the account that they were counted in
 * keeps up to OG_MEM_REUSE_BYTES of them.  Thread rule: any thread; nobody ever waits here.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define OG_MEM_REUSE_BYTES   ((size_t)64 << 20)
#define OG_MEM_REUSE_CLASSES 56

typedef struct og_mem_reuse og_mem_reuse;
struct og_mem_reuse {
  atomic_flag busy; /* whoever finds it set several times goes to malloc */
  size_t bytes;
  void *first[OG_MEM_REUSE_CLASSES]; /* each block's first word is the next */
};

/* What a block of `size` bytes takes, so that others of about the same size can have it later; 0: such blocks are not
 * kept. */
size_t og_mem_reuse_size(size_t size);
/* Of a size that og_mem_reuse_size gave.  NULL: there is none. */
void *og_mem_reuse_take(og_mem_reuse *r, size_t size);
bool og_mem_reuse_keep(og_mem_reuse *r, void *block, size_t size); /* false: the caller frees it */
void og_mem_reuse_clear(og_mem_reuse *r);                          /* nobody else uses it any more */
