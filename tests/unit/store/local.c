/* SPDX-License-Identifier: MIT */
/* What only a folder on a disk can do wrong. */
#define _DEFAULT_SOURCE 1
#include "og_test.h"

#include "base/env_sim.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct world {
  og_sim *sim;
  og_sim_process *process;
  og_ctx cx;
  og_error err;
  og_store *store;
} world;

static void boot(world *w, bool read_only)
{
  w->process = og_sim_process_new(w->sim);
  og_sim_ctx_init(w->process, &w->cx, &w->err, NULL);
  OG_CHECK_OK(&w->cx, og_store_local_new(&w->cx, OG_STR("/g"), read_only, &w->store));
}

static void world_new(world *w)
{
  w->sim = og_sim_new(1);
  og_sim_set_loss(w->sim, OG_SIM_LOSE_ALL);
  boot(w, false);
}

static void lose_power(world *w)
{
  og_store_unref(w->store);
  og_sim_power_loss(w->sim);
  boot(w, false);
}

static void world_free(world *w)
{
  og_store_unref(w->store);
  og_sim_free(w->sim);
}

static og_status get(world *w, const char *key, og_str want)
{
  og_buf b = {0};
  og_status st = og_store_get(&w->cx, w->store, og_str_of(key), 100, &b);
  if (st == OG_OK) OG_CHECK_STR(og_buf_str(&b), want);
  og_buf_cleanup(&b);
  return st;
}

OG_TEST(local, put_if_absent_is_durable_when_it_returns)
{
  world w;
  world_new(&w);
  OG_CHECK_OK(&w.cx, og_store_put_if_absent(&w.cx, w.store, OG_STR("a/b/c"), OG_STR("x")));
  lose_power(&w);
  OG_CHECK_OK(&w.cx, get(&w, "a/b/c", OG_STR("x")));
  world_free(&w);
}

OG_TEST(local, put_is_durable_after_sync_and_not_before)
{
  world w;
  world_new(&w);
  og_str keys[2] = {OG_STR("a/b/c"), OG_STR("d")};
  for (size_t i = 0; i < 2; i++)
    OG_CHECK_OK(&w.cx, og_store_put(&w.cx, w.store, keys[i], OG_STR("x")));
  lose_power(&w);
  OG_CHECK_STATUS(&w.cx, get(&w, "d", OG_STR("x")), OG_ENOTFOUND);
  for (size_t i = 0; i < 2; i++)
    OG_CHECK_OK(&w.cx, og_store_put(&w.cx, w.store, keys[i], OG_STR("x")));
  OG_CHECK_OK(&w.cx, og_store_sync(&w.cx, w.store, keys, 2));
  lose_power(&w);
  OG_CHECK_OK(&w.cx, get(&w, "a/b/c", OG_STR("x")));
  OG_CHECK_OK(&w.cx, get(&w, "d", OG_STR("x")));
  world_free(&w);
}

/* The worst disk for replacing: the new name arrives, its bytes do not. */
OG_TEST(local, put_replaces_whole_and_put_hint_need_not)
{
  world w;
  world_new(&w);
  og_str key = OG_STR("k");
  OG_CHECK_OK(&w.cx, og_store_put(&w.cx, w.store, key, OG_STR("old")));
  OG_CHECK_OK(&w.cx, og_store_sync(&w.cx, w.store, &key, 1));
  og_sim_set_loss(w.sim, OG_SIM_LOSE_DATA);
  OG_CHECK_OK(&w.cx, og_store_put(&w.cx, w.store, key, OG_STR("new")));
  lose_power(&w);
  OG_CHECK_OK(&w.cx, get(&w, "k", OG_STR("new")));
  OG_CHECK_OK(&w.cx, og_store_put_hint(&w.cx, w.store, key, OG_STR("hint")));
  lose_power(&w);
  OG_CHECK_OK(&w.cx, get(&w, "k", OG_STR("")));
  world_free(&w);
}

OG_TEST(local, what_another_process_linked_is_durable_after_sync_seen)
{
  world w;
  world_new(&w);
  OG_CHECK_OK(&w.cx, og_store_put_if_absent(&w.cx, w.store, OG_STR("v/1"), OG_STR("x")));
  /* The other process died right after its link: make that state by leaving out its last sync. */
  og_sim_suppress_site(w.sim, "sync folder /g/v");
  OG_CHECK_OK(&w.cx, og_store_put_if_absent(&w.cx, w.store, OG_STR("v/2"), OG_STR("y")));
  og_sim_suppress_site(w.sim, NULL);
  og_store *reader = NULL;
  OG_CHECK_OK(&w.cx, og_store_local_new(&w.cx, OG_STR("/g"), true, &reader));
  OG_CHECK_OK(&w.cx, og_store_sync_seen(&w.cx, reader, OG_STR("v/2")));
  og_store_unref(reader);
  lose_power(&w);
  OG_CHECK_OK(&w.cx, get(&w, "v/2", OG_STR("y")));
  world_free(&w);
}

/* A folder whose maker died before syncing its entry. */
OG_TEST(local, folder_made_by_a_dead_process_is_made_durable_by_the_next)
{
  world w;
  world_new(&w);
  OG_CHECK_OK(&w.cx, w.cx.env->ops->mkdir(&w.cx, "/g"));
  OG_CHECK_OK(&w.cx, w.cx.env->ops->mkdir(&w.cx, "/g/v"));
  OG_CHECK_OK(&w.cx, og_store_put_if_absent(&w.cx, w.store, OG_STR("v/1"), OG_STR("x")));
  lose_power(&w);
  OG_CHECK_OK(&w.cx, get(&w, "v/1", OG_STR("x")));
  world_free(&w);
}

OG_TEST(local, failed_folder_sync_after_the_link_leaves_the_outcome_unknown)
{
  world w;
  world_new(&w);
  OG_CHECK_OK(&w.cx, og_store_put_if_absent(&w.cx, w.store, OG_STR("1"), OG_STR("x")));
  /* create, write, sync, link, delete, sync folder */
  og_sim_fail_at(w.process, og_sim_process_calls(w.process) + 6, EIO);
  OG_CHECK_STATUS(&w.cx, og_store_put_if_absent(&w.cx, w.store, OG_STR("2"), OG_STR("x")),
                  OG_EUNKNOWN);
  OG_CHECK(w.err.status == OG_EUNKNOWN);
  OG_CHECK_STATUS(&w.cx, og_store_put_if_absent(&w.cx, w.store, OG_STR("2"), OG_STR("x")),
                  OG_EEXISTS);
  og_sim_fail_at(w.process, og_sim_process_calls(w.process) + 4, EIO);
  OG_CHECK_STATUS(&w.cx, og_store_put_if_absent(&w.cx, w.store, OG_STR("3"), OG_STR("x")),
                  OG_EUNKNOWN);
  OG_CHECK_OK(&w.cx, og_store_put_if_absent(&w.cx, w.store, OG_STR("3"), OG_STR("x")));
  og_sim_fail_at(w.process, og_sim_process_calls(w.process) + 3, EIO);
  OG_CHECK_STATUS(&w.cx, og_store_put_if_absent(&w.cx, w.store, OG_STR("4"), OG_STR("x")), OG_EIO);
  OG_CHECK_STATUS(&w.cx, get(&w, "4", OG_STR("x")), OG_ENOTFOUND);
  world_free(&w);
}

OG_TEST(local, full_disk_leaves_no_object_and_no_temporary)
{
  world w;
  world_new(&w);
  OG_CHECK_OK(&w.cx, og_store_put(&w.cx, w.store, OG_STR("a"), OG_STR("x")));
  og_sim_set_disk_bytes(w.sim, 1200);
  char big[2000];
  memset(big, 'x', sizeof big);
  og_str bytes = og_str_from(big, sizeof big);
  OG_CHECK_STATUS(&w.cx, og_store_put(&w.cx, w.store, OG_STR("b"), bytes), OG_ELIMIT);
  OG_CHECK(strstr(w.err.text, "disk is full") != NULL);
  OG_CHECK_STATUS(&w.cx, og_store_put_if_absent(&w.cx, w.store, OG_STR("b"), bytes), OG_ELIMIT);
  og_store_writer *out = NULL;
  OG_CHECK_OK(&w.cx, og_store_writer_open(&w.cx, w.store, OG_STR("b"), &out));
  OG_CHECK_OK(&w.cx, og_store_writer_append(&w.cx, w.store, out, bytes));
  OG_CHECK_STATUS(&w.cx, og_store_writer_finish(&w.cx, w.store, out), OG_ELIMIT);
  OG_CHECK_OK(&w.cx, og_store_put(&w.cx, w.store, OG_STR("c"),
                                  OG_STR("fits"))); /* the space is free again */
  OG_CHECK_OK(&w.cx, get(&w, "a", OG_STR("x")));
  world_free(&w);
}

OG_TEST(local, read_only_disk_and_missing_hard_links_are_told_at_the_probe)
{
  world w;
  world_new(&w);
  og_store_caps caps;
  og_sim_set_hard_links(w.sim, false);
  OG_CHECK_STATUS(&w.cx, og_store_probe(&w.cx, w.store, &caps), OG_EUNSUPPORTED);
  OG_CHECK(strstr(w.err.text, "hard links") != NULL);
  og_sim_set_hard_links(w.sim, true);
  OG_CHECK_OK(&w.cx, og_store_probe(&w.cx, w.store, &caps));
  og_sim_set_read_only(w.sim, true);
  OG_CHECK_STATUS(&w.cx, og_store_probe(&w.cx, w.store, &caps), OG_EREADONLY);
  og_store_unref(w.store);
  boot(&w, true);
  OG_CHECK_OK(&w.cx, og_store_probe(&w.cx, w.store, &caps));
  OG_CHECK(!caps.put_if_absent);
  OG_CHECK_STATUS(&w.cx, og_store_put(&w.cx, w.store, OG_STR("a"), OG_STR("x")), OG_EREADONLY);
  OG_CHECK_STATUS(&w.cx, og_store_delete(&w.cx, w.store, OG_STR("a")), OG_EREADONLY);
  og_store_writer *out = NULL;
  OG_CHECK_STATUS(&w.cx, og_store_writer_open(&w.cx, w.store, OG_STR("a"), &out), OG_EREADONLY);
  world_free(&w);
}

OG_TEST(local, folder_that_went_away_is_made_again)
{
  world w;
  world_new(&w);
  OG_CHECK_OK(&w.cx, og_store_put(&w.cx, w.store, OG_STR("d/a"), OG_STR("x")));
  OG_CHECK_OK(&w.cx, og_store_delete(&w.cx, w.store, OG_STR("d/a")));
  OG_CHECK_OK(&w.cx, w.cx.env->ops->rmdir(&w.cx, "/g/d"));
  OG_CHECK_OK(&w.cx, og_store_put_if_absent(&w.cx, w.store, OG_STR("d/a"), OG_STR("y")));
  lose_power(&w);
  OG_CHECK_OK(&w.cx, get(&w, "d/a", OG_STR("y")));
  world_free(&w);
}

/* -- on a real disk -- */

static og_status count_key(og_ctx *cx, void *arg, og_str key, uint64_t size)
{
  (void)cx;
  (void)key;
  (void)size;
  *(int *)arg += 1;
  return OG_OK;
}

static void check_planted_links(og_ctx *cx, og_store *s)
{
  og_buf b = {0};
  int n = 0;
  OG_CHECK_STATUS(cx, og_store_get(cx, s, OG_STR("file"), 10, &b), OG_EDENIED);
  OG_CHECK_STATUS(cx, og_store_get(cx, s, OG_STR("folder/secret"), 10, &b), OG_EDENIED);
  OG_CHECK_STATUS(cx, og_store_info(cx, s, OG_STR("folder/secret"), &(og_object_info){0}),
                  OG_EDENIED);
  OG_CHECK_STATUS(cx, og_store_info(cx, s, OG_STR("file"), &(og_object_info){0}), OG_EDENIED);
  OG_CHECK_STATUS(cx, og_store_put(cx, s, OG_STR("folder/x"), OG_STR("x")), OG_EDENIED);
  OG_CHECK_STATUS(cx, og_store_delete(cx, s, OG_STR("folder/secret")), OG_EDENIED);
  OG_CHECK_STATUS(cx, og_store_list(cx, s, OG_STR("folder/"), OG_STR_NONE, count_key, &n),
                  OG_EDENIED);
  OG_CHECK_OK(cx, og_store_list(cx, s, OG_STR_NONE, OG_STR_NONE, count_key, &n));
  OG_CHECK(n == 0);
  OG_CHECK_OK(cx, og_store_put_if_absent(cx, s, OG_STR("real"), OG_STR("x")));
}

OG_TEST(local, links_inside_the_root_are_refused_and_the_root_may_be_one)
{
  char dir[] = "/tmp/og-local-XXXXXX", path[5][64], clean[64];
  og_runtime rt = {0};
  og_error err;
  og_ctx cx;
  og_store *s = NULL;
  OG_CHECK(mkdtemp(dir) != NULL);
  static const char *const names[5] = {"outside", "outside/secret", "root", "root/folder",
                                       "root/file"};
  for (int i = 0; i < 5; i++) snprintf(path[i], sizeof path[i], "%s/%s", dir, names[i]);
  OG_CHECK(mkdir(path[0], 0700) == 0 && mkdir(path[2], 0700) == 0);
  FILE *secret = fopen(path[1], "w");
  OG_CHECK(secret != NULL && fclose(secret) == 0);
  OG_CHECK(symlink(path[0], path[3]) == 0 && symlink(path[1], path[4]) == 0);
  snprintf(clean, sizeof clean, "%s/alias", dir);
  OG_CHECK(symlink(path[2], clean) == 0);
  og_mem_init(&rt.mem, 0);
  OG_CHECK(og_env_posix_new(&rt.mem, &rt.env) == OG_OK);
  og_ctx_init(&cx, &rt, &err, NULL);
  OG_CHECK_OK(&cx, og_store_local_new(&cx, og_str_of(clean), false, &s));
  check_planted_links(&cx, s);
  og_store_unref(s);
  og_env_posix_free(rt.env);
  OG_CHECK(access(path[1], F_OK) == 0);
  snprintf(clean, sizeof clean, "rm -r %s", dir);
  OG_CHECK(system(clean) == 0);
}

OG_TEST_MAIN(OG_CASE(local, put_if_absent_is_durable_when_it_returns),
             OG_CASE(local, put_is_durable_after_sync_and_not_before),
             OG_CASE(local, put_replaces_whole_and_put_hint_need_not),
             OG_CASE(local, what_another_process_linked_is_durable_after_sync_seen),
             OG_CASE(local, folder_made_by_a_dead_process_is_made_durable_by_the_next),
             OG_CASE(local, failed_folder_sync_after_the_link_leaves_the_outcome_unknown),
             OG_CASE(local, full_disk_leaves_no_object_and_no_temporary),
             OG_CASE(local, read_only_disk_and_missing_hard_links_are_told_at_the_probe),
             OG_CASE(local, folder_that_went_away_is_made_again),
             OG_CASE(local, links_inside_the_root_are_refused_and_the_root_may_be_one))
