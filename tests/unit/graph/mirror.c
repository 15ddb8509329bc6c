/* SPDX-License-Identifier: MIT */
/* What Lance tools see of the branch registry, after crashes between a row and its mirror. */
#include "og_test.h"

#include "base/env_sim.h"
#include "scene.h"

#include <stdio.h>

#define KEY OG_STR(OG_LOG_ROOT "/_refs/branches/a%2Fb.json")

static const og_str name = {"a/b", 3};

typedef struct world {
  og_sim *sim;
  og_ctx cx;
  og_error err;
  og_arena arena;
  og_store *store;
  og_graph *g;
} world;

static void reopen(world *w, bool read_only)
{
  og_graph_close(w->g);
  OG_CHECK_OK(&w->cx, og_graph_open(&w->cx, w->store, read_only, &w->g));
}

static void world_open(world *w)
{
  *w = (world){.sim = og_sim_new(1)};
  og_sim_ctx_init(og_sim_process_new(w->sim), &w->cx, &w->err, &w->arena);
  OG_CHECK_OK(&w->cx, og_store_memory_new(&w->cx, &w->store));
  OG_CHECK_OK(&w->cx, scene_init(&w->cx, w->store, false));
  reopen(w, false);
}

static void world_close(world *w)
{
  og_graph_close(w->g);
  og_store_unref(w->store);
  og_arena_cleanup(&w->arena);
  og_sim_free(w->sim);
}

static void create(world *w)
{
  OG_CHECK_OK(&w->cx, og_graph_branch_create(&w->cx, w->g, name, OG_STR("")));
}

static void drop(world *w)
{
  OG_CHECK_OK(&w->cx, og_graph_branch_delete(&w->cx, w->g, name));
}

static bool is_there(world *w)
{
  og_object_info info;
  og_status st = og_store_info(&w->cx, w->store, KEY, &info);
  if (st != OG_ENOTFOUND) OG_CHECK_OK(&w->cx, st);
  return st == OG_OK;
}

static og_str mirror(world *w)
{
  OG_AUTO(og_buf) text = {0};
  og_str copy;
  OG_CHECK_OK(&w->cx, og_store_get(&w->cx, w->store, KEY, 1 << 20, &text));
  OG_CHECK_OK(&w->cx, og_arena_str(&w->cx, &w->arena, og_buf_str(&text), &copy));
  return copy;
}

static void put(world *w, og_str bytes)
{
  OG_CHECK_OK(&w->cx, og_store_put(&w->cx, w->store, KEY, bytes));
}

/* The mirror is of the incarnation that the branch has now. */
static void check_current(world *w)
{
  og_snapshot *s = NULL;
  char hex[33];
  OG_CHECK_OK(&w->cx, og_graph_snapshot(&w->cx, w->g, name, &s));
  for (int i = 0; i < 16; i++) snprintf(hex + 2 * i, 3, "%02x", s->incarnation[i]);
  og_snapshot_unref(s);
  OG_CHECK(og_str_find(mirror(w), og_str_from(hex, 32)) != SIZE_MAX);
}

OG_TEST(graph_mirror, dead_incarnation_left_by_a_crash_is_replaced_by_the_next_creation)
{
  world w;
  world_open(&w);
  create(&w);
  og_str dead = mirror(&w);
  drop(&w);
  OG_CHECK(!is_there(&w));
  put(&w, dead); /* as if the delete had died before it got here */
  create(&w);
  check_current(&w);
  world_close(&w);
}

OG_TEST(graph_mirror, missing_one_is_put_back_by_an_open_for_writing_only)
{
  world w;
  world_open(&w);
  create(&w);
  OG_CHECK_OK(&w.cx, og_store_delete(&w.cx, w.store, KEY));
  reopen(&w, true);
  OG_CHECK(!is_there(&w));
  reopen(&w, false);
  check_current(&w);
  world_close(&w);
}

OG_TEST(graph_mirror, dead_one_is_deleted_by_an_open_for_writing_only)
{
  world w;
  world_open(&w);
  create(&w);
  og_str first = mirror(&w);
  drop(&w);
  create(&w);
  drop(&w);
  put(&w, first);
  reopen(&w, true);
  OG_CHECK(is_there(&w));
  reopen(&w, false);
  OG_CHECK(!is_there(&w));
  world_close(&w);
}

OG_TEST(graph_mirror, late_writer_s_old_one_over_a_live_branch_is_replaced_at_open)
{
  world w;
  world_open(&w);
  create(&w);
  og_str dead = mirror(&w);
  drop(&w);
  create(&w);
  put(&w, dead);
  reopen(&w, false);
  check_current(&w);
  put(&w, OG_STR("{\"identifier\": {\"version_mapping\": [[1, 2"));
  reopen(&w, false);
  check_current(&w);
  world_close(&w);
}

OG_TEST(graph_mirror, branch_of_another_engine_is_not_overwritten)
{
  world w;
  const og_str foreign = OG_STR("{\"parentBranch\":null,\"identifier\":{\"version_mapping\":"
                                "[[1,\"0123456789abcdef0123456789abcdef\"]]},\"parentVersion\":1}");
  world_open(&w);
  put(&w, foreign);
  OG_CHECK_STATUS(&w.cx, og_graph_branch_create(&w.cx, w.g, name, OG_STR("")), OG_EEXISTS);
  OG_CHECK_STR(mirror(&w), foreign);
  reopen(&w, false);
  OG_CHECK_STR(mirror(&w), foreign);
  world_close(&w);
}

OG_TEST_MAIN(OG_CASE(graph_mirror, dead_incarnation_left_by_a_crash_is_replaced_by_the_next_creation),
             OG_CASE(graph_mirror, missing_one_is_put_back_by_an_open_for_writing_only),
             OG_CASE(graph_mirror, dead_one_is_deleted_by_an_open_for_writing_only),
             OG_CASE(graph_mirror, late_writer_s_old_one_over_a_live_branch_is_replaced_at_open),
             OG_CASE(graph_mirror, branch_of_another_engine_is_not_overwritten))
