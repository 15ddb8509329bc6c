/* SPDX-License-Identifier: MIT */
/* base/mem.c -- blocks that know their allocator.
 *
 * Layout of a block: [base pointer | og_mem | size] in the 32 bytes in front of what the caller gets.  Aligned blocks
 * keep the same header directly in front, with `base` pointing at what malloc returned.
 */
#include "base/ctx.h"
#include "base/mem_reuse.h"

#include <stdlib.h>

typedef struct block_header {
  void *base;
  og_mem *mem;
  size_t size; /* as asked for */
  uint64_t check;
} block_header;

_Static_assert(sizeof(block_header) == 32, "keeps 16-byte alignment");

#define BLOCK_CHECK   0x6f6d6e6967726170ull /* a freed or foreign pointer is noticed, not followed */
#define ALIGNED_CHECK (BLOCK_CHECK + 1)
#define ALIGN_TO      64u
#define PAD           64u

static block_header *header_of(void *p)
{
  block_header *h = (block_header *)p - 1;
  OG_INVARIANT(h->check == BLOCK_CHECK || h->check == ALIGNED_CHECK);
  return h;
}

void og_mem_init(og_mem *m, uint64_t limit)
{
  atomic_init(&m->in_use, 0);
  atomic_init(&m->peak, 0);
  atomic_init(&m->calls, 0);
  m->limit = limit;
  m->fail_at = 0;
  m->parent = NULL;
  m->budget = NULL;
  m->is_block = false;
  m->reuse = NULL;
}

static og_mem *new_block(uint64_t limit)
{
  og_mem *m = malloc(sizeof *m);
  if (!m) return NULL;
  og_mem_init(m, limit);
  m->is_block = true;
  atomic_init(&m->in_use, sizeof *m);
  return m;
}

og_mem *og_mem_new(uint64_t limit)
{
  og_mem *m = new_block(limit);
  if (m) m->reuse = calloc(1, sizeof *m->reuse); /* without it everything works */
  return m;
}

static void free_block(og_mem *m)
{
  if (m->reuse) og_mem_reuse_clear(m->reuse);
  free(m->reuse);
  free(m);
}

static void note_peak(og_mem *m, uint64_t now)
{
  uint64_t peak = atomic_load_explicit(&m->peak, memory_order_relaxed);
  while (now > peak &&
         !atomic_compare_exchange_weak_explicit(&m->peak, &peak, now, memory_order_relaxed, memory_order_relaxed)) {
  }
}

static og_status over_limit(og_ctx *cx, const og_mem *m, uint64_t wanted)
{
  if (!m->budget)
    return og_fail(cx, OG_ENOMEM, "memory budget of %llu bytes is spent; raise it or ask for less",
                   (unsigned long long)m->limit);
  og_fail(cx, OG_ENOMEM, "this needs more than its %s of %llu bytes; ask for less at a time", m->budget,
          (unsigned long long)m->limit);
  og_detail *d = og_error_detail(cx, OG_DETAIL_RESOURCE_LIMIT);
  og_detail_set(d->resource, sizeof d->resource, og_str_of(m->budget));
  d->limit = m->limit;
  d->used = wanted;
  return OG_ENOMEM;
}

static og_status charge_one(og_ctx *cx, og_mem *m, size_t bytes)
{
  uint64_t call = atomic_fetch_add_explicit(&m->calls, 1, memory_order_relaxed) + 1;
  if (OG_UNLIKELY(call == m->fail_at)) return og_fail(cx, OG_ENOMEM, "out of memory (%zu bytes)", bytes);
  uint64_t now = atomic_fetch_add_explicit(&m->in_use, bytes, memory_order_relaxed) + bytes;
  if (OG_UNLIKELY(m->limit && now > m->limit)) {
    atomic_fetch_sub_explicit(&m->in_use, bytes, memory_order_relaxed);
    return over_limit(cx, m, now);
  }
  note_peak(m, now);
  return OG_OK;
}

/* The count is also the number of reasons to keep an og_mem_new: at 0 nobody can be charging it any more.  After the
 * subtraction it may be another's to free. */
static void uncharge_up_to(og_mem *m, const og_mem *end, size_t bytes)
{
  while (m != end) {
    og_mem *parent = m->parent;
    bool is_block = m->is_block;
    if (atomic_fetch_sub_explicit(&m->in_use, bytes, memory_order_acq_rel) == bytes && is_block) free_block(m);
    m = parent;
  }
}

static void uncharge(og_mem *m, size_t bytes)
{
  uncharge_up_to(m, NULL, bytes);
}

/* Reserves `bytes` in the count of cx->mem and of what it is a budget of, or says why not. */
static og_status charge(og_ctx *cx, size_t bytes)
{
  for (og_mem *m = cx->mem; m; m = m->parent) {
    if (OG_LIKELY(charge_one(cx, m, bytes) == OG_OK)) continue;
    uncharge_up_to(cx->mem, m, bytes);
    return OG_ENOMEM;
  }
  return OG_OK;
}

og_mem *og_mem_new_budget(og_ctx *cx, uint64_t limit, const char *budget)
{
  if (charge(cx, sizeof(og_mem)) != OG_OK) return NULL;
  og_mem *m = new_block(limit);
  if (!m) {
    uncharge(cx->mem, sizeof *m);
    og_fail(cx, OG_ENOMEM, "out of memory (a budget)");
    return NULL;
  }
  m->parent = cx->mem;
  m->budget = budget;
  return m;
}

void og_mem_free(og_mem *m)
{
  if (m) uncharge(m, sizeof *m);
}

static og_mem_reuse *reuse_of(const og_mem *m)
{
  while (m->parent) m = m->parent;
  return m->reuse;
}

/* Memory for an aligned block. */
static char *take(const og_mem *m, size_t total)
{
  og_mem_reuse *r = reuse_of(m);
  const size_t kept = r ? og_mem_reuse_size(total) : 0;
  char *base = kept ? og_mem_reuse_take(r, kept) : NULL;
  return base ? base : malloc(kept ? kept : total);
}

/* `front` bytes before the block's header slot allow aligning; 0 for plain blocks. */
static void *block_new(og_ctx *cx, size_t size, bool aligned, bool zeroed)
{
  size_t extra = sizeof(block_header) + (aligned ? ALIGN_TO + PAD : 0), total;
  if (OG_ADD_OVERFLOWS(size, extra, &total)) {
    og_fail(cx, OG_ENOMEM, "out of memory (%zu bytes)", size);
    return NULL;
  }
  if (charge(cx, total) != OG_OK) return NULL;
  char *base = zeroed ? calloc(1, total) : aligned ? take(cx->mem, total) : malloc(total);
  if (!base) {
    uncharge(cx->mem, total);
    og_fail(cx, OG_ENOMEM, "out of memory (%zu bytes)", size);
    return NULL;
  }
  char *at = base + sizeof(block_header);
  if (aligned) {
    at += (ALIGN_TO - ((uintptr_t)at & (ALIGN_TO - 1))) & (ALIGN_TO - 1);
    memset(at + size, 0, PAD);
  }
  block_header *h = (block_header *)(void *)at - 1;
  *h = (block_header){base, cx->mem, total, aligned ? ALIGNED_CHECK : BLOCK_CHECK};
  return at;
}

void *og_alloc(og_ctx *cx, size_t size)
{
  return block_new(cx, size, false, false);
}

void *og_zalloc(og_ctx *cx, size_t size)
{
  return block_new(cx, size, false, true);
}

void *og_calloc(og_ctx *cx, size_t n, size_t size)
{
  size_t total;
  if (OG_MUL_OVERFLOWS(n, size, &total)) {
    og_fail(cx, OG_ENOMEM, "out of memory (%zu x %zu bytes)", n, size);
    return NULL;
  }
  return og_zalloc(cx, total);
}

void *og_alloc_aligned(og_ctx *cx, size_t size)
{
  return block_new(cx, size, true, false);
}

void *og_realloc(og_ctx *cx, void *p, size_t size)
{
  if (!p) return og_alloc(cx, size);
  block_header *h = header_of(p);
  OG_ASSERT(h->check == BLOCK_CHECK); /* aligned blocks do not grow */
  size_t total, old = h->size;
  if (OG_ADD_OVERFLOWS(size, sizeof(block_header), &total)) {
    og_fail(cx, OG_ENOMEM, "out of memory (%zu bytes)", size);
    return NULL;
  }
  og_mem *home = h->mem;
  if (charge(cx, total) != OG_OK) return NULL;
  block_header *fresh = realloc(h, total);
  if (!fresh) {
    uncharge(cx->mem, total);
    og_fail(cx, OG_ENOMEM, "out of memory (%zu bytes)", size);
    return NULL;
  }
  uncharge(home, old);
  *fresh = (block_header){fresh, cx->mem, total, BLOCK_CHECK};
  return fresh + 1;
}

/* `aligned` is the size of an aligned block, else 0. */
static void give(const og_mem *m, void *base, size_t aligned)
{
  og_mem_reuse *r = aligned ? reuse_of(m) : NULL;
  const size_t kept = r ? og_mem_reuse_size(aligned) : 0;
  if (!kept || !og_mem_reuse_keep(r, base, kept)) free(base);
}

void og_free(void *p)
{
  if (!p) return;
  block_header *h = header_of(p);
  void *base = h->base;
  og_mem *m = h->mem;
  const size_t size = h->size;
  const bool aligned = h->check == ALIGNED_CHECK;
  h->check = 0;
  give(m, base, aligned ? size : 0); /* still counted, so the account is still there */
  uncharge(m, size);
}

char *og_strdup(og_ctx *cx, og_str s)
{
  char *copy = og_alloc(cx, s.len + 1);
  if (!copy) return NULL;
  if (s.len) memcpy(copy, s.ptr, s.len);
  copy[s.len] = '\0';
  return copy;
}
