/* SPDX-License-Identifier: MIT */
/* og_test_world.h -- a context over the real world, for tests that touch files, clocks or threads.
 *
 *   og_test_world w;
 *   og_ctx *cx = og_test_world_open(&w);
 *   ...
 *   og_test_world_close(&w);          also checks that everything allocated was freed
 *
 * The world must not move while it is open: the context points into it. */
#pragma once

#include "og_test.h"

#include "base/env.h"

typedef struct og_test_world {
  og_runtime rt;
  og_error err;
  og_arena arena;
  og_ctx cx;
} og_test_world;

static inline og_ctx *og_test_world_open(og_test_world *w)
{
  memset(w, 0, sizeof *w);
  og_mem_init(&w->rt.mem, 0);
  OG_CHECK(og_env_posix_new(&w->rt.mem, &w->rt.env) == OG_OK);
  og_ctx_init(&w->cx, &w->rt, &w->err, &w->arena);
  return &w->cx;
}

static inline void og_test_world_close(og_test_world *w)
{
  og_arena_cleanup(&w->arena);
  og_env_posix_free(w->rt.env);
  OG_CHECK_U64(w->rt.mem.in_use, 0);
}
