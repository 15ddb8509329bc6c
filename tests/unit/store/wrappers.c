/* SPDX-License-Identifier: MIT */
/* The wrappers that fail and that count. */
#include "og_test.h"

#include "base/env_sim.h"
#include "store/store.h"

typedef struct world {
  og_sim *sim;
  og_ctx cx;
  og_error err;
  og_store *memory, *store;
} world;

static void world_new(world *w, og_status (*wrap)(og_ctx *cx, og_store *inner, og_store **out))
{
  w->sim = og_sim_new(1);
  og_sim_ctx_init(og_sim_process_new(w->sim), &w->cx, &w->err, NULL);
  OG_CHECK_OK(&w->cx, og_store_memory_new(&w->cx, &w->memory));
  OG_CHECK_OK(&w->cx, wrap(&w->cx, w->memory, &w->store));
}

static void world_free(world *w)
{
  og_store_unref(w->memory);
  og_store_unref(w->store);
  og_sim_free(w->sim);
}

static bool has(world *w, og_str key)
{
  og_status st = og_store_info(&w->cx, w->memory, key, &(og_object_info){0});
  og_error_clear(&w->cx);
  return st == OG_OK;
}

OG_TEST(fault, failed_call_has_no_effect_and_lost_reply_has)
{
  world w;
  world_new(&w, og_store_fault_new);
  og_store_fault_set(w.store, (og_fault_plan){.kind = OG_FAULT_FAIL, .nth = 2});
  OG_CHECK_OK(&w.cx, og_store_put(&w.cx, w.store, OG_STR("a"), OG_STR("x")));
  OG_CHECK_STATUS(&w.cx, og_store_put_if_absent(&w.cx, w.store, OG_STR("b"), OG_STR("x")), OG_EIO);
  OG_CHECK(og_store_fault_fired(w.store) && !has(&w, OG_STR("b")));
  OG_CHECK_OK(&w.cx, og_store_put_if_absent(&w.cx, w.store, OG_STR("b"), OG_STR("x")));
  OG_CHECK_U64(og_store_fault_calls(w.store), 3);
  og_store_fault_set(w.store, (og_fault_plan){.kind = OG_FAULT_LOSE_REPLY, .nth = 1});
  OG_CHECK(!og_store_fault_fired(w.store));
  OG_CHECK_STATUS(&w.cx, og_store_put_if_absent(&w.cx, w.store, OG_STR("c"), OG_STR("x")),
                  OG_EUNKNOWN);
  OG_CHECK(has(&w, OG_STR("c")));
  OG_CHECK_STATUS(&w.cx, og_store_put_if_absent(&w.cx, w.store, OG_STR("c"), OG_STR("x")),
                  OG_EEXISTS);
  og_store_fault_set(w.store, (og_fault_plan){.kind = OG_FAULT_LOSE_REPLY, .nth = 1});
  OG_CHECK_STATUS(&w.cx, og_store_put(&w.cx, w.store, OG_STR("d"), OG_STR("x")), OG_EIO);
  OG_CHECK(has(&w, OG_STR("d")));
  world_free(&w);
}

OG_TEST(fault, sticky_failure_lasts_until_a_new_plan)
{
  world w;
  world_new(&w, og_store_fault_new);
  og_store_fault_set(w.store, (og_fault_plan){.kind = OG_FAULT_FAIL, .nth = 1, .sticky = true});
  for (int i = 0; i < 3; i++)
    OG_CHECK_STATUS(&w.cx, og_store_delete(&w.cx, w.store, OG_STR("a")), OG_EIO);
  og_store_fault_set(w.store, (og_fault_plan){0});
  OG_CHECK_OK(&w.cx, og_store_delete(&w.cx, w.store, OG_STR("a")));
  world_free(&w);
}

/* A streamed put with a fault at its n-th call: the object is there whole or not at all, and
 * nothing leaks. */
OG_TEST(fault, streamed_put_fails_at_each_step_without_a_trace)
{
  for (uint64_t nth = 1; nth <= 3; nth++) {
    for (int lose = 0; lose < 2; lose++) {
      world w;
      world_new(&w, og_store_fault_new);
      og_store_fault_set(
          w.store, (og_fault_plan){.kind = lose ? OG_FAULT_LOSE_REPLY : OG_FAULT_FAIL, .nth = nth});
      og_store_writer *out = NULL;
      og_status st = og_store_writer_open(&w.cx, w.store, OG_STR("a"), &out);
      OG_CHECK((st == OG_OK) == (nth != 1));
      if (st == OG_OK) st = og_store_writer_append(&w.cx, w.store, out, OG_STR("x"));
      if (st == OG_OK)
        st = og_store_writer_finish(&w.cx, w.store, out);
      else if (out)
        og_store_writer_abort(&w.cx, w.store, out);
      OG_CHECK(st == OG_EIO);
      OG_CHECK(has(&w, OG_STR("a")) == (nth == 3 && lose));
      og_store_unref(w.memory);
      og_store_unref(w.store);
      OG_CHECK_U64(w.cx.mem->in_use, 0);
      og_sim_free(w.sim);
    }
  }
}

OG_TEST(fault, delay_lets_others_run_and_then_happens)
{
  world w;
  world_new(&w, og_store_fault_new);
  uint64_t before = og_mono_ns(&w.cx);
  og_store_fault_set(w.store, (og_fault_plan){.kind = OG_FAULT_DELAY, .nth = 1});
  OG_CHECK_OK(&w.cx, og_store_put(&w.cx, w.store, OG_STR("a"), OG_STR("x")));
  OG_CHECK(og_mono_ns(&w.cx) - before > 10000); /* each yield takes a microsecond there */
  OG_CHECK(has(&w, OG_STR("a")));
  world_free(&w);
}

OG_TEST(counting, counts_requests_and_bytes)
{
  world w;
  world_new(&w, og_store_counting_new);
  og_buf b = {0}, two[2] = {{0}, {0}};
  og_str keys[2] = {OG_STR("a"), OG_STR("w")};
  og_store_writer *out = NULL;
  OG_CHECK_OK(&w.cx, og_store_put(&w.cx, w.store, keys[0], OG_STR("12345")));
  OG_CHECK_OK(&w.cx, og_store_put_if_absent(&w.cx, w.store, OG_STR("b"), OG_STR("12")));
  OG_CHECK_STATUS(&w.cx, og_store_put_if_absent(&w.cx, w.store, OG_STR("b"), OG_STR("12")),
                  OG_EEXISTS);
  OG_CHECK_OK(&w.cx, og_store_writer_open(&w.cx, w.store, keys[1], &out));
  OG_CHECK_OK(&w.cx, og_store_writer_append(&w.cx, w.store, out, OG_STR("1234567")));
  OG_CHECK_OK(&w.cx, og_store_writer_finish(&w.cx, w.store, out));
  OG_CHECK_OK(&w.cx, og_store_get(&w.cx, w.store, keys[0], 10, &b));
  OG_CHECK_OK(&w.cx,
              og_store_get_ranges(&w.cx, w.store, keys[0], (og_range[]){{0, 1}, {2, 2}}, 2, two));
  OG_CHECK_OK(&w.cx, og_store_sync(&w.cx, w.store, keys, 2));
  OG_CHECK_OK(&w.cx, og_store_delete(&w.cx, w.store, keys[0]));
  og_store_counts c = og_store_counting_get(w.store);
  OG_CHECK_U64(c.puts, 2);
  OG_CHECK_U64(c.puts_if_absent, 2);
  OG_CHECK_U64(c.bytes_written, 5 + 2 + 7);
  OG_CHECK_U64(c.gets, 3);
  OG_CHECK_U64(c.bytes_read, 5 + 3);
  OG_CHECK_U64(c.syncs, 1);
  OG_CHECK_U64(c.deletes, 1);
  OG_CHECK_U64(c.lists, 0);
  og_buf_cleanup(&b);
  og_buf_cleanup(&two[0]);
  og_buf_cleanup(&two[1]);
  world_free(&w);
}

OG_TEST_MAIN(OG_CASE(fault, failed_call_has_no_effect_and_lost_reply_has),
             OG_CASE(fault, sticky_failure_lasts_until_a_new_plan),
             OG_CASE(fault, streamed_put_fails_at_each_step_without_a_trace),
             OG_CASE(fault, delay_lets_others_run_and_then_happens),
             OG_CASE(counting, counts_requests_and_bytes))
