/* SPDX-License-Identifier: MIT */
/* exec/profile.h -- what the operators of one run cost, when somebody wants to know.
 *
 * Whoever works enters with the cost that is to be charged and leaves with what enter gave back; in between, work that
 * enters with another cost is charged there.  Without a profile (NULL) both do nothing.
 * Thread rule: one thread, that of the run.  Work that a pool does for it is charged by the clock of that thread.
 */
#pragma once

#include "base/env.h"
#include "query/explain.h"
#include "store/store.h"

typedef struct og_profile {
  og_plan_costs *costs;
  const og_plan *plan;
  const og_store *store;
  og_plan_cost *current; /* NULL: nobody */
  uint64_t since_ns, since_bytes;
  uint64_t start_ns, memory; /* held when the run began */
} og_profile;

/* `costs` has room for every op of the plan and is zero but for that. */
void og_profile_begin(og_ctx *cx, og_profile *p, og_plan_costs *costs, const og_plan *plan, const og_store *store);
void og_profile_end(og_ctx *cx, og_profile *p, uint64_t rows);

/* The cost of an op; NULL without a profile, and of an op that is not the plan's. */
static inline og_plan_cost *og_profile_of(const og_profile *p, const og_plan_op *op)
{
  uint32_t index = p ? og_plan_op_index(p->plan, op) : UINT32_MAX;
  return index == UINT32_MAX ? NULL : &p->costs->ops[index];
}
static inline og_plan_cost *og_profile_step(const og_profile *p, og_plan_step step)
{
  return p ? &p->costs->steps[step] : NULL;
}

og_plan_cost *og_profile__switch(og_ctx *cx, og_profile *p, og_plan_cost *to);
static inline og_plan_cost *og_profile_enter(og_ctx *cx, og_profile *p, og_plan_cost *cost)
{
  return OG_UNLIKELY(p != NULL) ? og_profile__switch(cx, p, cost) : NULL;
}
static inline void og_profile_leave(og_ctx *cx, og_profile *p, og_plan_cost *before)
{
  if (OG_UNLIKELY(p != NULL)) (void)og_profile__switch(cx, p, before);
}
