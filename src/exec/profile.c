/* SPDX-License-Identifier: MIT */
/* exec/profile.c -- see profile.h.  A switch reads three counters: the clock, the store's, and the query's memory. */
#include "exec/profile.h"

static uint64_t held(const og_ctx *cx)
{
  return atomic_load_explicit(&cx->mem->in_use, memory_order_relaxed);
}

og_plan_cost *og_profile__switch(og_ctx *cx, og_profile *p, og_plan_cost *to)
{
  og_plan_cost *from = p->current;
  uint64_t now = og_mono_ns(cx), bytes = og_store_bytes_read(p->store), memory = held(cx);
  memory = memory > p->memory ? memory - p->memory : 0;
  if (from) {
    from->ran = true;
    from->ns += now - p->since_ns;
    from->bytes += bytes - p->since_bytes;
    if (memory > from->memory) from->memory = memory;
  }
  if (memory > p->costs->memory) p->costs->memory = memory;
  p->since_ns = now;
  p->since_bytes = bytes;
  p->current = to;
  return from;
}

void og_profile_begin(og_ctx *cx, og_profile *p, og_plan_costs *costs, const og_plan *plan, const og_store *store)
{
  *p = (og_profile){.costs = costs, .plan = plan, .store = store, .memory = held(cx)};
  costs->method = "operator by operator";
  p->start_ns = og_mono_ns(cx);
}

void og_profile_end(og_ctx *cx, og_profile *p, uint64_t rows)
{
  p->costs->ns = og_mono_ns(cx) - p->start_ns;
  p->costs->rows = rows;
}
