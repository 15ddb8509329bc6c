/* SPDX-License-Identifier: MIT */
/* Finding the end of a log from a version that is held. */
#include "og_test.h"

#include "base/env_sim.h"
#include "scene.h"

static void commit(og_ctx *cx, model *m, og_graph *g)
{
  scene_stats unused = {0};
  const scene_commit c = {.branch = OG_STR(""), .adds = {1, 1}};
  OG_CHECK_OK(cx, scene_commit_run(cx, m, g, &c, &unused));
}

static uint64_t newest(og_ctx *cx, og_graph *g)
{
  og_snapshot *s = NULL;
  OG_CHECK_OK(cx, og_graph_snapshot(cx, g, OG_STR(""), &s));
  uint64_t version = s->fold->version;
  og_snapshot_unref(s);
  return version;
}

/* Cleanup took the versions up to 3, and a late writer then filled number 2 again. */
static void refill(og_ctx *cx, og_store *store)
{
  const og_lance_place log = {store, OG_STR(OG_LOG_ROOT), OG_STR("")};
  OG_AUTO(og_buf) bytes = {0};
  og_str key = OG_STR_NONE;
  for (uint64_t v = 3; v >= 1; v--) {
    OG_CHECK_OK(cx, og_lance_manifest_key(cx, &log, v, &key));
    if (v == 2) OG_CHECK_OK(cx, og_store_get(cx, store, key, 1 << 20, &bytes));
    OG_CHECK_OK(cx, og_store_delete(cx, store, key));
  }
  OG_CHECK_OK(cx, og_lance_manifest_key(cx, &log, 2, &key));
  OG_CHECK_OK(cx, og_store_put_if_absent(cx, store, key, og_buf_str(&bytes)));
}

OG_TEST(graph_pin, held_number_that_was_filled_again_is_not_the_end)
{
  static model m;
  og_sim *sim = og_sim_new(1);
  og_ctx cx;
  og_error err;
  og_arena arena = {0};
  og_store *store = NULL;
  og_graph *writer = NULL, *reader = NULL;
  og_sim_ctx_init(og_sim_process_new(sim), &cx, &err, &arena);
  OG_CHECK_OK(&cx, og_store_memory_new(&cx, &store));
  OG_CHECK_OK(&cx, scene_init(&cx, store, false));
  OG_CHECK_OK(&cx, og_graph_open(&cx, store, false, &writer));
  commit(&cx, &m, writer);
  OG_CHECK_OK(&cx, og_graph_open(&cx, store, true, &reader));
  OG_CHECK_U64(newest(&cx, reader), 2);
  commit(&cx, &m, writer);
  commit(&cx, &m, writer);
  refill(&cx, store);
  OG_CHECK_U64(newest(&cx, reader), 4);
  OG_CHECK_OK(&cx, model_look_at_all(&cx, &m, reader));
  OG_CHECK(*m.problem == '\0');
  og_graph_close(reader);
  og_graph_close(writer);
  og_store_unref(store);
  og_arena_cleanup(&arena);
  og_sim_free(sim);
}

OG_TEST_MAIN(OG_CASE(graph_pin, held_number_that_was_filled_again_is_not_the_end))
