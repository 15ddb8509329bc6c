/* SPDX-License-Identifier: MIT */
#include "base/ctx.h"
#include "base/env.h"

void og_ctx_init(og_ctx *cx, og_runtime *rt, og_error *err, og_arena *arena)
{
  *err = (og_error){0};
  *cx = (og_ctx){.err = err, .mem = &rt->mem, .rt = rt, .env = rt->env, .arena = arena};
}

void og_ctx_child(og_ctx *child, const og_ctx *parent, og_error *err, og_arena *arena)
{
  *err = (og_error){0};
  *child = *parent;
  child->err = err;
  child->arena = arena;
}

void og_ctx_adopt_error(og_ctx *parent, const og_ctx *child)
{
  if (parent->err->status == OG_OK) *parent->err = *child->err;
}

og_status og_ctx_poll(og_ctx *cx)
{
  if (cx->cancel && atomic_load_explicit(cx->cancel, memory_order_relaxed))
    return og_fail(cx, OG_ECANCELLED, "cancelled");
  if (cx->deadline_ns && og_mono_ns(cx) > cx->deadline_ns) return og_fail(cx, OG_EDEADLINE, "the deadline passed");
  return OG_OK;
}

void *og_push(og_ctx *cx, size_t size)
{
  OG_ASSERT(cx->arena != NULL);
  return og_arena_alloc(cx, cx->arena, size);
}

void *og_push_array(og_ctx *cx, size_t n, size_t size)
{
  OG_ASSERT(cx->arena != NULL);
  return og_arena_calloc(cx, cx->arena, n, size);
}
