/* SPDX-License-Identifier: MIT */
/* Tables of many blocks, so that all threads work on one answer: by patterns on two threads, by patterns on one, and op
 * by op must say the same. */
#include "base/pool.h"
#include "db/db.h"
#include "og_test_world.h"

#define PEOPLE 30000u
#define EDGES  60000u

static const char schema[] =
    "node P {\n  slug: String @key\n  n: I32\n  w: F64?\n}\nnode C {\n  slug: String @key\n  kind: String\n}\n"
    "edge Knows: P -> P {\n  since: I32\n}\nedge In: P -> C\n";
static const char *const questions[] = {
    "match { $a: P $a knows $b $b knows $c } return { count($c) as n, sum($b.n) as s, avg($c.w) as w }",
    "match { $a: P $a knows $b $b.n < 40 $a in $c } return { $c.kind, count($a) as n, max($b.n) as m } order { $c.kind "
    "}",
    "match { $a: P $a $e:knows $b $e.since > 2000 $b.n != 7 } return { $b.n, count($a) as k, sum($e.since) as s } "
    "order { $b.n }",
    "match { $a: P $a <knows> $b not { $b in $c $c: C { kind: \"k1\" } } } return { count($a) as n, min($b.w) as w }",
    "match { $a: P $a.n = 5 $a knows{1,2} $b $b.slug starts_with \"p1\" } return { $a.slug, count($b) as n } "
    "order { n desc } limit 20",
    "match { $a: P $a knows $b $b knows $c $c knows $a } return { count($a) as n }",
    "match { $a: P $a in $c $c.kind = \"k2\" $a knows $b } return { count(distinct $b) as n }",
    "match { $a: P $a.w > 90.5 $a knows $b } return { $a.slug, $b.slug, $b.w } order { $b.w desc } limit 50",
};

static uint32_t next(uint32_t *x)
{
  return (*x = *x * 1664525u + 1013904223u) >> 8;
}

static void make(og_ctx *cx, og_db **out)
{
  uint32_t x = 7;
  og_store *store;
  og_load_result done;
  OG_AUTO(og_buf) lines = {0};
  OG_CHECK_OK(cx, og_store_memory_new(cx, &store));
  OG_CHECK_OK(cx, og_graph_init(cx, store, og_str_of(schema), OG_STR("s.pg"), false, OG_STR_NONE));
  OG_CHECK_OK(cx, og_db_open_store(cx, store, false, out));
  og_store_unref(store);
  for (uint32_t i = 0; i < 20; i++)
    OG_CHECK_OK(cx,
                og_buf_printf(cx, &lines, "{\"type\":\"C\",\"data\":{\"slug\":\"c%u\",\"kind\":\"k%u\"}}\n", i, i % 4));
  for (uint32_t i = 0; i < PEOPLE; i++) {
    OG_CHECK_OK(
        cx, og_buf_printf(cx, &lines, "{\"type\":\"P\",\"data\":{\"slug\":\"p%u\",\"n\":%u,\"w\":", i, next(&x) % 100));
    uint32_t w = next(&x) % 400; /* quarters: their sums are exact in any order */
    OG_CHECK_OK(cx, w % 10 ? og_buf_printf(cx, &lines, "%u.%02u}}\n", w / 4, w % 4 * 25)
                           : og_buf_append_str(cx, &lines, OG_STR("null}}\n")));
  }
  for (uint32_t i = 0; i < EDGES; i++)
    OG_CHECK_OK(cx, og_buf_printf(cx, &lines,
                                  "{\"edge\":\"Knows\",\"from\":\"p%u\",\"to\":\"p%u\",\"data\":{\"since\":%u}}\n",
                                  next(&x) % PEOPLE, next(&x) % PEOPLE, 1990 + next(&x) % 30));
  for (uint32_t i = 0; i < PEOPLE; i++)
    OG_CHECK_OK(cx, og_buf_printf(cx, &lines, "{\"edge\":\"In\",\"from\":\"p%u\",\"to\":\"c%u\"}\n", i, next(&x) % 20));
  const og_load_args args = {.bytes = og_buf_str(&lines), .mode = OG_LOAD_APPEND};
  OG_CHECK_OK(cx, og_db_load(cx, *out, &args, &done));
}

static void ask(og_ctx *cx, og_db *db, const char *question, bool by_ops, og_buf *out)
{
  og_str text;
  og_result r;
  og_json_writer w;
  OG_CHECK_OK(cx, og_arena_printf(cx, cx->arena, &text, "query q() { %s }", question));
  const og_db_query_args args = {.source = text, .source_name = OG_STR("q.gq"), .limits = {.by_ops = by_ops}};
  OG_CHECK_OK(cx, og_db_query(cx, db, &args, &r));
  og_buf_clear(out);
  og_json_writer_init(&w, out, false);
  OG_CHECK_OK(cx, og_json_begin_array(cx, &w));
  for (int64_t i = 0; i < r.n_rows; i++) OG_CHECK_OK(cx, og_result_put_row(cx, &r, i, &w));
  OG_CHECK_OK(cx, og_json_end_array(cx, &w));
  og_result_cleanup(&r);
}

OG_TEST(pattern, large_tables_answer_alike_on_all_threads_and_op_by_op)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_db *db;
  og_pool *pool;
  og_buf one = {0}, two = {0}, ops = {0};
  make(cx, &db);
  OG_CHECK_OK(cx, og_pool_new(cx, 2, &pool));
  for (size_t q = 0; q < OG_ARRAY_LEN(questions); q++) {
    w.rt.pool = pool;
    ask(cx, db, questions[q], false, &two);
    w.rt.pool = NULL;
    ask(cx, db, questions[q], false, &one);
    ask(cx, db, questions[q], true, &ops);
    if (!og_str_eq(og_buf_str(&ops), og_buf_str(&one))) print_error("%s\n", questions[q]);
    OG_CHECK_STR(og_buf_str(&two), og_buf_str(&one));
    OG_CHECK_STR(og_buf_str(&ops), og_buf_str(&one));
    OG_CHECK(one.len > 2);
    og_arena_reset(cx->arena);
  }
  og_pool_free(pool);
  og_db_close(db);
  og_buf_cleanup(&one);
  og_buf_cleanup(&two);
  og_buf_cleanup(&ops);
  og_test_world_close(&w);
}

OG_TEST_MAIN(OG_CASE(pattern, large_tables_answer_alike_on_all_threads_and_op_by_op))
