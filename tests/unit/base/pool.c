/* SPDX-License-Identifier: MIT */
/* Threads are real here: run under the thread sanitizer too. */
#include "og_test_world.h"

#include "base/cpu.h"
#include "base/env_sim.h"
#include "base/pool.h"

#include <stdio.h>

#define ITEMS 1000

typedef struct work {
  _Atomic unsigned done[ITEMS];
  _Atomic unsigned in_slot[64]; /* calls running per worker slot */
  _Atomic bool shared_slot;
  unsigned slots;
  size_t fail_from, fail_step; /* step 0: none */
} work;

static og_status do_item(og_ctx *cx, void *arg, size_t item, unsigned worker)
{
  work *w = arg;
  if (worker >= w->slots || atomic_fetch_add(&w->in_slot[worker], 1) != 0) atomic_store(&w->shared_slot, true);
  atomic_fetch_add(&w->done[item], 1);
  void *scratch = og_push(cx, 100);
  if (scratch) memset(scratch, (int)item, 100);
  if (worker < w->slots) atomic_fetch_sub(&w->in_slot[worker], 1);
  if (w->fail_step && item >= w->fail_from && (item - w->fail_from) % w->fail_step == 0)
    return og_fail(cx, item % 2 ? OG_EIO : OG_EINVALID, "item %zu", item);
  return scratch ? OG_OK : OG_ENOMEM;
}

OG_TEST(pool, runs_every_item_once_each_slot_by_one_thread)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  OG_CHECK_OK(cx, og_pool_new(cx, 4, &w.rt.pool));
  OG_CHECK_U64(og_pool_threads(w.rt.pool), 4);
  for (unsigned round = 0; round < 50; round++) {
    work k = {.slots = 4};
    const size_t n = round == 0 ? 0 : round == 1 ? 1 : ITEMS - round;
    OG_CHECK_OK(cx, og_parallel(cx, n, do_item, &k));
    for (size_t i = 0; i < ITEMS; i++) OG_CHECK_U64(k.done[i], i < n);
    OG_CHECK(!k.shared_slot);
  }
  og_pool_free(w.rt.pool);
  og_test_world_close(&w);
}

OG_TEST(pool, the_lowest_failing_item_is_the_error_every_time)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  for (unsigned threads = 0; threads <= 8; threads += 4) { /* 0: without a pool */
    w.rt.pool = NULL;
    if (threads) OG_CHECK_OK(cx, og_pool_new(cx, threads, &w.rt.pool));
    for (unsigned round = 0; round < 200; round++) {
      work k = {.slots = 8, .fail_from = 37 + round, .fail_step = 1};
      char want[32];
      const int len = snprintf(want, sizeof want, "item %u", 37 + round);
      OG_CHECK_STATUS(cx, og_parallel(cx, ITEMS, do_item, &k), (37 + round) % 2 ? OG_EIO : OG_EINVALID);
      OG_CHECK_STR(og_str_of(cx->err->text), og_str_from(want, (size_t)len));
      for (size_t i = 0; i < 37 + round; i++) OG_CHECK_U64(k.done[i], 1);
      OG_CHECK_U64(k.done[ITEMS - 1], 0); /* the rest was skipped */
      og_error_clear(cx);
    }
    og_pool_free(w.rt.pool);
  }
  og_test_world_close(&w);
}

static og_status nest(og_ctx *cx, void *arg, size_t item, unsigned worker)
{
  _Atomic unsigned *total = arg;
  (void)worker;
  work k = {.slots = 64};
  OG_TRY(og_parallel(cx, item % 50, do_item, &k));
  for (size_t i = 0; i < item % 50; i++) atomic_fetch_add(total, k.done[i]);
  return OG_OK;
}

OG_TEST(pool, jobs_inside_jobs_end)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  _Atomic unsigned total = 0;
  OG_CHECK_OK(cx, og_pool_new(cx, 4, &w.rt.pool));
  OG_CHECK_OK(cx, og_parallel(cx, 500, nest, &total));
  OG_CHECK_U64(total, 10 * (49 * 50 / 2));
  og_pool_free(w.rt.pool);
  og_test_world_close(&w);
}

OG_TEST(pool, cancelling_stops_the_job)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  const _Atomic bool cancel = true;
  work k = {.slots = 4};
  OG_CHECK_OK(cx, og_pool_new(cx, 4, &w.rt.pool));
  cx->cancel = &cancel;
  OG_CHECK_STATUS(cx, og_parallel(cx, ITEMS, do_item, &k), OG_ECANCELLED);
  for (size_t i = 0; i < ITEMS; i++) OG_CHECK_U64(k.done[i], 0);
  cx->cancel = NULL;
  og_pool_free(w.rt.pool);
  og_test_world_close(&w);
}

static og_status count_item(og_ctx *cx, void *arg, size_t item, unsigned worker)
{
  work *k = arg;
  (void)cx;
  (void)worker;
  atomic_fetch_add(&k->done[item], 1);
  return OG_OK;
}

OG_TEST(pool, workers_that_cannot_start_are_done_without)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  const uint64_t before = w.rt.mem.in_use;
  w.rt.mem.fail_at = w.rt.mem.calls + 1;
  OG_CHECK_STATUS(cx, og_pool_new(cx, 3, &w.rt.pool), OG_ENOMEM);
  og_error_clear(cx);
  uint64_t used = 0;
  for (uint64_t nth = 1; nth == 1 || used >= nth - 1; nth++) {
    work k = {.slots = 4};
    OG_CHECK_OK(cx, og_pool_new(cx, 3, &w.rt.pool));
    const uint64_t calls = w.rt.mem.calls;
    w.rt.mem.fail_at = calls + nth;
    OG_CHECK_OK(cx, og_parallel(cx, ITEMS, count_item, &k));
    used = w.rt.mem.calls - calls;
    w.rt.mem.fail_at = 0;
    for (size_t i = 0; i < ITEMS; i++) OG_CHECK_U64(k.done[i], 1);
    og_pool_free(w.rt.pool);
    w.rt.pool = NULL;
    OG_CHECK_U64(w.rt.mem.in_use, before);
  }
  OG_CHECK(used > 1);
  og_test_world_close(&w);
}

static og_status use_pool(og_ctx *cx, void *arg)
{
  og_pool *p;
  OG_TRY(og_pool_new(cx, 4, &p));
  og_arena arena = {0};
  cx->arena = &arena;
  cx->rt->pool = p;
  const og_status st = og_pool_threads(p) == 1 ? og_parallel(cx, ITEMS, do_item, arg) : OG_EINTERNAL;
  cx->rt->pool = NULL;
  cx->arena = NULL;
  og_arena_cleanup(&arena);
  og_pool_free(p);
  return st;
}

OG_TEST(pool, in_the_simulated_world_items_run_in_order_on_the_caller)
{
  og_sim *sim = og_sim_new(1);
  work k = {.slots = 1};
  og_sim_task *task = og_sim_spawn(og_sim_process_new(sim), use_pool, &k);
  OG_CHECK(og_sim_run(sim) == OG_SIM_DONE);
  OG_CHECK(og_sim_task_result(task) == OG_OK);
  for (size_t i = 0; i < ITEMS; i++) OG_CHECK_U64(k.done[i], 1);
  OG_CHECK(!k.shared_slot);
  og_sim_free(sim);
}

OG_TEST(cpu, scalar_can_be_forced_and_there_is_a_processor)
{
  const og_cpu none = og_cpu_detect(true);
  OG_CHECK(!none.avx2 && !none.avx512 && !none.neon);
  OG_CHECK(og_cpu_count() >= 1);
}

OG_TEST_MAIN(OG_CASE(pool, runs_every_item_once_each_slot_by_one_thread),
             OG_CASE(pool, the_lowest_failing_item_is_the_error_every_time), OG_CASE(pool, jobs_inside_jobs_end),
             OG_CASE(pool, cancelling_stops_the_job), OG_CASE(pool, workers_that_cannot_start_are_done_without),
             OG_CASE(pool, in_the_simulated_world_items_run_in_order_on_the_caller),
             OG_CASE(cpu, scalar_can_be_forced_and_there_is_a_processor))
