/* SPDX-License-Identifier: MIT */
/* fuzz_world.h -- what every fuzz target needs: a context with a memory limit, for one input. */
#pragma once

#include "base/env.h"

#include <stdio.h>
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

/* Like assert, in every build. */
#define fuzz_expect(ok) fuzz__expect((ok), #ok, __FILE__, __LINE__)
static inline void fuzz__expect(bool ok, const char *what, const char *file, int line)
{
  if (ok) return;
  fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
  abort();
}

/* An error has a text, and is one that bad input may cause: nothing internal. */
#define fuzz_expect_error(cx, st) fuzz__expect_error((cx), (st), __FILE__, __LINE__)
static inline void fuzz__expect_error(const og_ctx *cx, og_status st, const char *file, int line)
{
  if (st == OG_OK || (st == cx->err->status && cx->err->text[0] && st != OG_EINTERNAL)) return;
  fprintf(stderr, "%s:%d: %s, and the error is %s: %s\n", file, line, og_status_name(st),
          og_status_name(cx->err->status), cx->err->text);
  abort();
}
