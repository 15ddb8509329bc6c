/* SPDX-License-Identifier: MIT */
/* Finding the end of a log from a version that is held. */
#include "og_test.h"

#include "base/env_sim.h"
#include "scene.h"

static void commit(og_ctx *cx, model *m, og_graph *g, og_str branch)
{
  scene_stats unused = {0};
  const scene_commit c = {.branch = branch, .adds = {1, 1}};
  OG_CHECK_OK(cx, scene_commit_run(cx, m, g, &c, &unused));
}

static uint64_t newest(og_ctx *cx, og_graph *g, og_str branch)
{
  og_snapshot *s = NULL;
  OG_CHECK_OK(cx, og_graph_snapshot(cx, g, branch, &s));
  uint64_t version = s->fold->version;
  og_snapshot_unref(s);
  return version;
}

/* Cleanup took the versions up to 3, and a late writer then filled number 2 again. */
static void refill(og_ctx *cx, og_store *store, og_str branch)
{
  const og_lance_place log = {store, OG_STR(OG_LOG_ROOT), branch};
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

typedef struct world {
  model m;
  og_sim *sim;
  og_ctx cx;
  og_error err;
  og_arena arena;
  og_store *store;
  og_graph *writer, *reader;
} world;

static void world_open(world *w)
{
  memset(w, 0, sizeof *w);
  w->sim = og_sim_new(1);
  og_sim_ctx_init(og_sim_process_new(w->sim), &w->cx, &w->err, &w->arena);
  OG_CHECK_OK(&w->cx, og_store_memory_new(&w->cx, &w->store));
  OG_CHECK_OK(&w->cx, scene_init(&w->cx, w->store, false));
  OG_CHECK_OK(&w->cx, og_graph_open(&w->cx, w->store, false, &w->writer));
}

static void world_close(world *w)
{
  OG_CHECK_OK(&w->cx, model_look_at_all(&w->cx, &w->m, w->reader));
  OG_CHECK(*w->m.problem == '\0');
  og_graph_close(w->reader);
  og_graph_close(w->writer);
  og_store_unref(w->store);
  og_arena_cleanup(&w->arena);
  og_sim_free(w->sim);
}

OG_TEST(graph_pin, held_number_that_was_filled_again_is_not_the_end)
{
  static world w;
  world_open(&w);
  commit(&w.cx, &w.m, w.writer, OG_STR(""));
  OG_CHECK_OK(&w.cx, og_graph_open(&w.cx, w.store, true, &w.reader));
  OG_CHECK_U64(newest(&w.cx, w.reader, OG_STR("")), 2);
  commit(&w.cx, &w.m, w.writer, OG_STR(""));
  commit(&w.cx, &w.m, w.writer, OG_STR(""));
  refill(&w.cx, w.store, OG_STR(""));
  OG_CHECK_U64(newest(&w.cx, w.reader, OG_STR("")), 4);
  world_close(&w);
}

OG_TEST(graph_pin, stale_hint_at_a_number_that_was_filled_again_is_not_the_end)
{
  static world w;
  og_buf hint = {0};
  const og_str key = OG_STR(OG_LOG_ROOT "/_versions/latest_version_hint.json");
  world_open(&w);
  commit(&w.cx, &w.m, w.writer, OG_STR(""));
  OG_CHECK_OK(&w.cx, og_store_get(&w.cx, w.store, key, 4096, &hint));
  commit(&w.cx, &w.m, w.writer, OG_STR(""));
  commit(&w.cx, &w.m, w.writer, OG_STR(""));
  refill(&w.cx, w.store, OG_STR(""));
  OG_CHECK_OK(&w.cx, og_store_put(&w.cx, w.store, key, og_buf_str(&hint)));
  OG_CHECK_OK(&w.cx, og_graph_open(&w.cx, w.store, true, &w.reader));
  OG_CHECK_U64(newest(&w.cx, w.reader, OG_STR("")), 4);
  og_graph_close(w.reader);
  /* Another engine's hint names no object at all. */
  OG_CHECK_OK(&w.cx, og_store_put(&w.cx, w.store, key, OG_STR("{\"version\":2}")));
  OG_CHECK_OK(&w.cx, og_graph_open(&w.cx, w.store, true, &w.reader));
  OG_CHECK_U64(newest(&w.cx, w.reader, OG_STR("")), 4);
  og_buf_cleanup(&hint); /* its memory is the world's */
  world_close(&w);
}

OG_TEST(graph_pin, first_version_of_a_branch_that_was_filled_again_is_not_the_end)
{
  static world w;
  const og_str b = OG_STR("b");
  world_open(&w);
  commit(&w.cx, &w.m, w.writer, OG_STR(""));
  OG_CHECK_OK(&w.cx, scene_create_branch(&w.cx, &w.m, w.writer, 'b')); /* starts at 2 */
  commit(&w.cx, &w.m, w.writer, b);
  commit(&w.cx, &w.m, w.writer, b);
  refill(&w.cx, w.store, b);
  OG_CHECK_OK(&w.cx, og_store_delete(&w.cx, w.store, OG_STR(OG_LOG_ROOT "/tree/b/_versions/latest_version_hint.json")));
  OG_CHECK_OK(&w.cx, og_graph_open(&w.cx, w.store, true, &w.reader));
  OG_CHECK_U64(newest(&w.cx, w.reader, b), 4);
  world_close(&w);
}

OG_TEST(graph_pin, hint_of_an_earlier_branch_of_the_name_is_below_its_log)
{
  static world w;
  world_open(&w);
  OG_CHECK_OK(&w.cx, scene_create_branch(&w.cx, &w.m, w.writer, 'b'));
  commit(&w.cx, &w.m, w.writer, OG_STR("b"));
  OG_CHECK_OK(&w.cx, scene_delete_branch(&w.cx, &w.m, w.writer, 'b')); /* the seal is 3, the hint says so */
  for (int i = 0; i < 4; i++) commit(&w.cx, &w.m, w.writer, OG_STR(""));
  OG_CHECK_OK(&w.cx, scene_create_branch(&w.cx, &w.m, w.writer, 'b'));
  OG_CHECK_OK(&w.cx, og_graph_open(&w.cx, w.store, true, &w.reader));
  OG_CHECK(newest(&w.cx, w.reader, OG_STR("b")) > 4);
  world_close(&w);
}

OG_TEST_MAIN(OG_CASE(graph_pin, held_number_that_was_filled_again_is_not_the_end),
             OG_CASE(graph_pin, stale_hint_at_a_number_that_was_filled_again_is_not_the_end),
             OG_CASE(graph_pin, hint_of_an_earlier_branch_of_the_name_is_below_its_log),
             OG_CASE(graph_pin, first_version_of_a_branch_that_was_filled_again_is_not_the_end))
