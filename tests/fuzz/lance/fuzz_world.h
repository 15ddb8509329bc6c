/* SPDX-License-Identifier: MIT */
/* fuzz_world.h -- a context with a memory limit, for one input. */
#pragma once

#include "base/env.h"

#include <stdlib.h>

#define FUZZ_MEMORY (256u << 20)

typedef struct fuzz_world {
  og_runtime rt;
  og_error err;
  og_arena arena;
  og_ctx cx;
} fuzz_world;

static inline og_ctx *fuzz_open(fuzz_world *w)
{
  memset(w, 0, sizeof *w);
  og_mem_init(&w->rt.mem, FUZZ_MEMORY);
  if (og_env_posix_new(&w->rt.mem, &w->rt.env) != OG_OK) abort();
  og_ctx_init(&w->cx, &w->rt, &w->err, &w->arena);
  return &w->cx;
}

/* Aborts when something leaked. */
static inline void fuzz_close(fuzz_world *w)
{
  og_arena_cleanup(&w->arena);
  og_env_posix_free(w->rt.env);
  if (w->rt.mem.in_use) abort();
}

static inline void fuzz_expect(bool ok)
{
  if (!ok) abort();
}
