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

og_status og_ctx_budget_begin(og_ctx *cx, uint64_t limit, const char *budget, og_mem **outer)
{
  og_mem *own = og_mem_new_budget(cx, limit, budget);
  if (!own) return OG_ENOMEM;
  *outer = cx->mem;
  cx->mem = own;
  return OG_OK;
}

og_status og_ctx_budget_end(og_ctx *cx, og_mem *outer, og_status st)
{
  og_mem *own = cx->mem;
  const og_detail *d = &cx->err->detail;
  bool spent = st == OG_ENOMEM && d->kind == OG_DETAIL_RESOURCE_LIMIT &&
               og_str_eq(og_str_of(d->resource), og_str_of(own->budget));
  cx->mem = outer;
  og_mem_free(own);
  return spent ? cx->err->status = OG_ELIMIT : st;
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
