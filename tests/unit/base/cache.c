/* SPDX-License-Identifier: MIT */
#include "base/cache.h"

#include "og_test_world.h"

typedef struct thing {
  og_cached base;
  uint64_t number;
} thing;

static void thing_free(og_cached *c)
{
  og_free(c);
}

static og_status make(og_ctx *cx, void *arg, og_cached **out, uint64_t *bytes)
{
  thing *t = og_zalloc(cx, sizeof *t);
  if (!t) return OG_ENOMEM;
  atomic_init(&t->base.refs, 1);
  t->base.free = thing_free;
  t->number = ++*(uint64_t *)arg;
  *bytes = 100;
  *out = &t->base;
  return OG_OK;
}

static og_status refuse(og_ctx *cx, void *arg, og_cached **out, uint64_t *bytes)
{
  (void)arg;
  (void)out;
  (void)bytes;
  return og_fail(cx, OG_EIO, "no");
}

static uint64_t get(og_ctx *cx, og_cache *c, og_str name, size_t family, uint64_t *made)
{
  thing *t;
  OG_CHECK_OK(cx, og_cache_get(cx, c, (og_cache_key){name, family}, make, made, (void **)&t));
  uint64_t number = t->number;
  og_cached_unref(t);
  return number;
}

OG_TEST(cache, makes_a_thing_once)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_cache *c;
  uint64_t made = 0;
  OG_CHECK_OK(cx, og_cache_new(cx, 1000, &c));
  OG_CHECK(og_cache_peek(c, OG_STR("a")) == NULL);
  OG_CHECK_U64(get(cx, c, OG_STR("a"), 1, &made), 1);
  OG_CHECK_U64(get(cx, c, OG_STR("b"), 1, &made), 2);
  OG_CHECK_U64(get(cx, c, OG_STR("a"), 1, &made), 1);
  OG_CHECK_U64(og_cache_bytes(c), 200);
  thing *t = og_cache_peek(c, OG_STR("b"));
  og_cache_free(c);
  OG_CHECK_U64(t->number, 2); /* a reference outlives the cache */
  og_cached_unref(t);
  og_test_world_close(&w);
}

OG_TEST(cache, drops_what_was_used_longest_ago)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_cache *c;
  uint64_t made = 0;
  OG_CHECK_OK(cx, og_cache_new(cx, 250, &c));
  get(cx, c, OG_STR("a"), 1, &made);
  get(cx, c, OG_STR("b"), 1, &made);
  get(cx, c, OG_STR("a"), 1, &made);
  get(cx, c, OG_STR("c"), 1, &made);
  OG_CHECK_U64(og_cache_bytes(c), 200);
  OG_CHECK_U64(get(cx, c, OG_STR("a"), 1, &made), 1);
  OG_CHECK_U64(get(cx, c, OG_STR("b"), 1, &made), 4);
  og_cache_set_budget(c, 0);
  OG_CHECK_U64(og_cache_bytes(c), 100); /* the last one stays */
  og_cache_free(c);
  og_test_world_close(&w);
}

OG_TEST(cache, keeps_two_versions_of_a_family)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_cache *c;
  uint64_t made = 0;
  OG_CHECK_OK(cx, og_cache_new(cx, 10000, &c));
  get(cx, c, OG_STR("other1"), 5, &made);
  get(cx, c, OG_STR("table1"), 5, &made);
  get(cx, c, OG_STR("table2"), 5, &made);
  get(cx, c, OG_STR("table3"), 5, &made);
  OG_CHECK_U64(og_cache_bytes(c), 300);
  OG_CHECK_U64(get(cx, c, OG_STR("table1"), 5, &made), 5);
  OG_CHECK_U64(get(cx, c, OG_STR("other1"), 5, &made), 1);
  og_cache_free(c);
  og_test_world_close(&w);
}

OG_TEST(cache, counts_growth_and_survives_failures)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_cache *c;
  uint64_t made = 0;
  void *unused;
  OG_CHECK_OK(cx, og_cache_new(cx, 250, &c));
  get(cx, c, OG_STR("a"), 1, &made);
  get(cx, c, OG_STR("b"), 1, &made);
  OG_CHECK_STATUS(cx, og_cache_get(cx, c, (og_cache_key){OG_STR("x"), 1}, refuse, NULL, &unused), OG_EIO);
  OG_CHECK(og_cache_peek(c, OG_STR("x")) == NULL);
  thing *b = og_cache_peek(c, OG_STR("b"));
  og_cache_grew(c, b, 60); /* a has to go */
  og_cached_unref(b);
  OG_CHECK_U64(og_cache_bytes(c), 160);
  OG_CHECK(og_cache_peek(c, OG_STR("a")) == NULL);
  og_cache_free(c);
  og_test_world_close(&w);
}

OG_TEST_MAIN(OG_CASE(cache, makes_a_thing_once), OG_CASE(cache, drops_what_was_used_longest_ago),
             OG_CASE(cache, keeps_two_versions_of_a_family), OG_CASE(cache, counts_growth_and_survives_failures))
