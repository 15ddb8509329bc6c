/* SPDX-License-Identifier: MIT */
/* base/fiber.h -- stacks to switch between, for the simulated world only.  Address sanitizer is
 * told of each switch.
 *
 * Thread rule: all fibers of a thread stay on it.
 */
#pragma once

#include "base/compiler.h"

#include <stddef.h>
#include <ucontext.h>

typedef struct og_fiber {
  ucontext_t context;
  void (*fn)(void *arg); /* must not return: its last act is og_fiber_leave */
  void *arg;
  void *stack; /* NULL: the thread's own stack */
  const void *bottom;
  size_t size;
  void *fake; /* address sanitizer's */
} og_fiber;

/* A stack with a guard page below it; its pages cost nothing until touched.  NULL: no memory. */
void *og_fiber_stack_new(void);
void og_fiber_stack_free(void *stack);

void og_fiber_init_main(og_fiber *f); /* the thread as it runs */
void og_fiber_init(og_fiber *f, void *stack, void (*fn)(void *arg), void *arg);
void og_fiber_switch(og_fiber *from, og_fiber *to);
/* Switches for the last time: nothing of `from` is used again. */
OG_NORETURN void og_fiber_leave(og_fiber *from, og_fiber *to);
