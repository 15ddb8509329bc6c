/* SPDX-License-Identifier: MIT */
/* Real threads over one store: exactly one wins each key, and everybody can read what won. */
#define _DEFAULT_SOURCE 1
#include "og_test_world.h"

#include "base/env.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>

#define THREADS 4
#define KEYS    40

typedef struct racer {
  og_runtime *rt;
  og_store *store;
  int id, wins;
} racer;

static og_status claim_keys(og_ctx *cx, racer *r)
{
  for (int i = 0; i < KEYS; i++) {
    char key[32];
    og_str k = og_str_from(key, (size_t)snprintf(key, sizeof key, "v%d/%d", i % 3, i));
    og_status st = og_store_put_if_absent(cx, r->store, k, OG_STR("whole"));
    r->wins += st == OG_OK;
    if (st != OG_EEXISTS) OG_TRY(st);
    og_error_clear(cx);
    og_buf b = {0};
    st = og_store_get(cx, r->store, k, 100, &b);
    if (st == OG_OK && b.len != 5) st = og_fail(cx, OG_ECORRUPT, "torn");
    og_buf_cleanup(&b);
    OG_TRY(st);
    OG_TRY(og_store_sync_seen(cx, r->store, k));
  }
  return OG_OK;
}

static og_status race(void *arg)
{
  racer *r = arg;
  og_error err;
  og_ctx cx;
  og_ctx_init(&cx, r->rt, &err, NULL);
  return claim_keys(&cx, r);
}

static void check_race(og_ctx *cx, og_store *s)
{
  racer r[THREADS];
  og_task *t[THREADS];
  int wins = 0;
  for (int i = 0; i < THREADS; i++) {
    r[i] = (racer){.rt = cx->rt, .store = s, .id = i};
    OG_CHECK_OK(cx, cx->env->ops->task_start(cx, race, &r[i], &t[i]));
  }
  for (int i = 0; i < THREADS; i++) {
    OG_CHECK(cx->env->ops->task_join(cx, t[i]) == OG_OK);
    wins += r[i].wins;
  }
  OG_CHECK(wins == KEYS);
}

OG_TEST(threads, one_of_them_wins_each_key)
{
  char dir[] = "/tmp/og-threads-XXXXXX", clean[64];
  og_test_world w;
  og_store *stores[2] = {NULL, NULL}, *counting = NULL;
  OG_CHECK(mkdtemp(dir) != NULL);
  og_ctx *cx = og_test_world_open(&w);
  OG_CHECK_OK(cx, og_store_local_new(cx, og_str_of(dir), false, &stores[0]));
  OG_CHECK_OK(cx, og_store_memory_new(cx, &stores[1]));
  for (int i = 0; i < 2; i++) {
    OG_CHECK_OK(cx, og_store_counting_new(cx, stores[i], &counting));
    check_race(cx, counting);
    OG_CHECK_U64(og_store_counting_get(counting).puts_if_absent, THREADS * KEYS);
    og_store_unref(counting);
    og_store_unref(stores[i]);
  }
  og_test_world_close(&w);
  snprintf(clean, sizeof clean, "rm -r %s", dir);
  OG_CHECK(system(clean) == 0);
}

OG_TEST_MAIN(OG_CASE(threads, one_of_them_wins_each_key))
