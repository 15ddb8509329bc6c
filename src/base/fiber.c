/* SPDX-License-Identifier: MIT */
/* NOLINTBEGIN(bugprone-reserved-identifier): the C library's own switches */
#define _DEFAULT_SOURCE 1   /* MAP_ANONYMOUS */
#define _XOPEN_SOURCE   700 /* ucontext on macOS */
/* NOLINTEND(bugprone-reserved-identifier) */
#include "base/fiber.h"

#include "base/error.h"

#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#define STACK_BYTES ((size_t)1 << 20)
#define GUARD_BYTES ((size_t)1 << 16) /* a multiple of every page size */

void *og_fiber_stack_new(void)
{
  void *at = mmap(NULL, GUARD_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return NULL;
  if (mprotect(at, GUARD_BYTES, PROT_NONE) == 0) return at;
  munmap(at, GUARD_BYTES + STACK_BYTES);
  return NULL;
}

void og_fiber_stack_free(void *stack)
{
  if (!stack) return;
#ifdef HAS_ASAN
  /* A fiber that was left in the middle leaves poison behind; the next mapping here must start
   * clean. */
  ASAN_UNPOISON_MEMORY_REGION((char *)stack + GUARD_BYTES, STACK_BYTES);
#endif
  munmap(stack, GUARD_BYTES + STACK_BYTES);
}

static void before_switch(void **fake, const og_fiber *to)
{
#ifdef HAS_ASAN
  __sanitizer_start_switch_fiber(fake, to->bottom, to->size);
#else
  (void)fake;
  (void)to;
#endif
}

static void after_switch(og_fiber *self)
{
#ifdef HAS_ASAN
  const void *bottom;
  size_t size;
  __sanitizer_finish_switch_fiber(self->fake, &bottom, &size);
#else
  (void)self;
#endif
}

static void fiber_entry(unsigned high, unsigned low)
{
  og_fiber *self = (og_fiber *)(((uintptr_t)high << 32) | low); /* makecontext passes ints only */
  after_switch(self);
  self->fn(self->arg);
  og_assert_failed("a fiber must leave, not return", __FILE__, __LINE__);
}

void og_fiber_init_main(og_fiber *f)
{
  *f = (og_fiber){0};
#ifdef HAS_ASAN
  /* Its bounds are what address sanitizer believes now: switching to "no fiber" and back tells
   * them. */
  __sanitizer_start_switch_fiber(&f->fake, NULL, 0);
  __sanitizer_finish_switch_fiber(f->fake, &f->bottom, &f->size);
  __sanitizer_start_switch_fiber(&f->fake, f->bottom, f->size);
  __sanitizer_finish_switch_fiber(f->fake, NULL, NULL);
#endif
}

void og_fiber_init(og_fiber *f, void *stack, void (*fn)(void *arg), void *arg)
{
  *f = (og_fiber){.fn = fn, .arg = arg, .stack = stack, .bottom = (char *)stack + GUARD_BYTES, .size = STACK_BYTES};
  OG_INVARIANT(getcontext(&f->context) == 0);
  f->context.uc_stack.ss_sp = (char *)stack + GUARD_BYTES;
  f->context.uc_stack.ss_size = STACK_BYTES;
  f->context.uc_link = NULL;
  uintptr_t self = (uintptr_t)f;
  makecontext(&f->context, (void (*)(void))fiber_entry, 2, (unsigned)(self >> 32), (unsigned)self);
}

void og_fiber_switch(og_fiber *from, og_fiber *to)
{
  before_switch(&from->fake, to);
  OG_INVARIANT(swapcontext(&from->context, &to->context) == 0);
  after_switch(from);
}

void og_fiber_leave(og_fiber *from, og_fiber *to)
{
  (void)from;
  before_switch(NULL, to);
  setcontext(&to->context);
  og_assert_failed("setcontext returned", __FILE__, __LINE__);
}
