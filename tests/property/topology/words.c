/* SPDX-License-Identifier: MIT */
/* Words that a handle has read of one version of a table are not taken for those of another. */
#include "db/db.h"
#include "og_test_world.h"

#define FOXES "query q() { match { $p: P match_text($p.text, \"fox\") } return { $p.slug } order { $p.slug } }"
#define BEST                                                                                                           \
  "query q() { match { $p: P match_text($p.text, \"fox\") } return { $p.slug } order { bm25($p.text, \"fox\") desc } " \
  "limit 3 }"

static int64_t count(og_ctx *cx, og_db *db, const char *question, og_str branch)
{
  og_result r;
  const og_db_query_args args = {
      .source = og_str_of(question), .source_name = OG_STR("q.gq"), .target = {.branch = branch}};
  OG_CHECK_OK(cx, og_db_query(cx, db, &args, &r));
  const int64_t n = r.n_rows;
  og_result_cleanup(&r);
  return n;
}

static void load(og_ctx *cx, og_db *db, const char *lines, og_str branch)
{
  og_load_result done;
  const og_load_args args = {.bytes = og_str_of(lines), .branch = branch, .mode = OG_LOAD_MERGE};
  OG_CHECK_OK(cx, og_db_load(cx, db, &args, &done));
}

OG_TEST(words, are_those_of_the_version_that_is_read)
{
  static const char schema[] = "node P {\n  slug: String @key\n  text: String\n}\n";
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_store *store;
  og_db *db;
  OG_CHECK_OK(cx, og_store_memory_new(cx, &store));
  OG_CHECK_OK(cx, og_graph_init(cx, store, og_str_of(schema), OG_STR("s.pg"), false, OG_STR_NONE));
  OG_CHECK_OK(cx, og_db_open_store(cx, store, false, &db));
  load(cx, db, "{\"type\":\"P\",\"data\":{\"slug\":\"a\",\"text\":\"a fox\"}}", OG_STR_NONE);
  OG_CHECK_OK(cx, og_db_branch_create(cx, db, OG_STR("work"), OG_STR("main"), OG_STR_NONE));
  OG_CHECK(count(cx, db, FOXES, OG_STR_NONE) == 1 && count(cx, db, BEST, OG_STR_NONE) == 1);
  load(cx, db, "{\"type\":\"P\",\"data\":{\"slug\":\"b\",\"text\":\"two foxes\"}}", OG_STR_NONE);
  OG_CHECK(count(cx, db, FOXES, OG_STR_NONE) == 2 && count(cx, db, BEST, OG_STR_NONE) == 2);
  load(cx, db, "{\"type\":\"P\",\"data\":{\"slug\":\"b\",\"text\":\"no cat\"}}", OG_STR("work"));
  OG_CHECK(count(cx, db, FOXES, OG_STR("work")) == 1 && count(cx, db, BEST, OG_STR("work")) == 1);
  load(cx, db, "{\"type\":\"P\",\"data\":{\"slug\":\"a\",\"text\":\"a dog\"}}", OG_STR_NONE);
  OG_CHECK(count(cx, db, FOXES, OG_STR_NONE) == 1 && count(cx, db, BEST, OG_STR_NONE) == 1);
  og_db_close(db);
  og_store_unref(store);
  og_test_world_close(&w);
}

OG_TEST_MAIN(OG_CASE(words, are_those_of_the_version_that_is_read))
