/* SPDX-License-Identifier: MIT */
/* Random commits on one handle, which extends the adjacency it has, against a fresh handle after each, which builds it
 * from the columns.  OG_SEED, OG_CASES. */
#include "db/db.h"
#include "og_test_world.h"

#include <stdlib.h>

#define PEOPLE 60u

static const char schema[] = "node P {\n  slug: String @key\n  n: I32\n}\nedge Knows: P -> P\n";
static const char *const questions[] = {
    "query q() { match { $a: P $a $e:knows $b } return { $a.slug, $b.slug } order { $a.slug, $b.slug } }",
    "query q() { match { $a: P $b $e:knows $a } return { $a.slug, count($b) as n } order { $a.slug } }",
    "query q() { match { $a: P $a <knows> $b } return { $a.slug, $b.slug, $b.n } order { $a.slug, $b.slug } }",
    "query q() { match { $a: P $a knows $b $b knows $c } return { count($c) as n } }",
    "query q() { match { $a: P $a knows{1,3} $b } return { $a.slug, $b.slug } order { $a.slug, $b.slug } }",
};

static uint32_t next(uint32_t *x)
{
  return (*x = *x * 1664525u + 1013904223u) >> 8;
}

static void ask_on(og_ctx *cx, og_db *db, og_str branch, const char *question, og_buf *out)
{
  og_result r;
  og_json_writer w;
  const og_db_query_args args = {
      .source = og_str_of(question), .source_name = OG_STR("q.gq"), .target = {.branch = branch}};
  OG_CHECK_OK(cx, og_db_query(cx, db, &args, &r));
  og_buf_clear(out);
  og_json_writer_init(&w, out, false);
  OG_CHECK_OK(cx, og_json_begin_array(cx, &w));
  for (int64_t i = 0; i < r.n_rows; i++) OG_CHECK_OK(cx, og_result_put_row(cx, &r, i, &w));
  OG_CHECK_OK(cx, og_json_end_array(cx, &w));
  og_result_cleanup(&r);
}

static void ask(og_ctx *cx, og_db *db, const char *question, og_buf *out)
{
  ask_on(cx, db, OG_STR_NONE, question, out);
}

/* People and edges between people, some of whom are there already: upserts. */
static void load(og_ctx *cx, og_db *db, uint32_t *x, uint32_t people, uint32_t edges)
{
  og_load_result done;
  OG_AUTO(og_buf) lines = {0};
  uint32_t first = next(x) % PEOPLE;
  for (uint32_t i = 0; i < people; i++)
    OG_CHECK_OK(cx, og_buf_printf(cx, &lines, "{\"type\":\"P\",\"data\":{\"slug\":\"p%u\",\"n\":%u}}\n",
                                  (first + i) % PEOPLE, next(x) % 100));
  for (uint32_t i = 0; i < edges && people; i++)
    OG_CHECK_OK(cx, og_buf_printf(cx, &lines, "{\"edge\":\"Knows\",\"from\":\"p%u\",\"to\":\"p%u\"}\n",
                                  (first + next(x) % people) % PEOPLE, (first + next(x) % people) % PEOPLE));
  const og_load_args args = {.bytes = og_buf_str(&lines), .mode = OG_LOAD_MERGE};
  OG_CHECK_OK(cx, og_db_load(cx, db, &args, &done));
}

static void mutate(og_ctx *cx, og_db *db, const char *statement, uint32_t a, uint32_t b)
{
  og_str text;
  og_write_result done;
  OG_CHECK_OK(cx, og_arena_printf(cx, cx->arena, &text, statement, a, b));
  const og_db_query_args args = {.source = text, .source_name = OG_STR("m.gq")};
  OG_CHECK_OK(cx, og_db_mutate(cx, db, &args, &done));
}

static void change(og_ctx *cx, og_db *db, uint32_t *x)
{
  og_optimized optimized;
  uint32_t a = next(x) % PEOPLE, b = next(x) % 100;
  switch (next(x) % 8) {
  case 0: mutate(cx, db, "query m() { delete P where slug = \"p%u\" }", a, 0); break;
  case 1: mutate(cx, db, "query m() { update P set { n: %u } where slug = \"p%u\" }", b, a); break;
  case 2: mutate(cx, db, "query m() { delete Knows where from = \"p%u\" }", a, 0); break;
  case 3: mutate(cx, db, "query m() { update P set { n: %u } where n > %u }", a, 60 + b); break;
  case 4: OG_CHECK_OK(cx, og_db_optimize(cx, db, OG_STR_NONE, OG_STR_NONE, &optimized)); break;
  case 5: load(cx, db, x, 1 + next(x) % 30, next(x) % 60); break;
  default: load(cx, db, x, 2, 1 + next(x) % 3); break;
  }
}

static void try_seed(og_ctx *cx, uint32_t seed, uint32_t steps)
{
  og_store *store;
  og_db *kept, *fresh;
  uint32_t x = seed;
  og_buf mine = {0}, right = {0};
  OG_CHECK_OK(cx, og_store_memory_new(cx, &store));
  OG_CHECK_OK(cx, og_graph_init(cx, store, og_str_of(schema), OG_STR("s.pg"), false, OG_STR_NONE));
  OG_CHECK_OK(cx, og_db_open_store(cx, store, false, &kept));
  load(cx, kept, &x, PEOPLE / 2, 80);
  for (uint32_t step = 0; step < steps; step++) {
    change(cx, kept, &x);
    OG_CHECK_OK(cx, og_db_open_store(cx, store, true, &fresh));
    for (size_t q = 0; q < OG_ARRAY_LEN(questions); q++) {
      ask(cx, kept, questions[q], &mine);
      ask(cx, fresh, questions[q], &right);
      if (og_str_eq(og_buf_str(&mine), og_buf_str(&right))) continue;
      print_error("OG_SEED=%u step %u: %s\n", seed, step, questions[q]);
      OG_CHECK_STR(og_buf_str(&mine), og_buf_str(&right));
    }
    og_db_close(fresh);
    og_arena_reset(cx->arena);
  }
  og_db_close(kept);
  og_store_unref(store);
  og_buf_cleanup(&mine);
  og_buf_cleanup(&right);
}

static uint32_t setting(const char *name, uint32_t otherwise)
{
  const char *text = getenv(name);
  return text ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

OG_TEST(topology, extended_by_commits_is_as_built_anew)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  uint32_t first = setting("OG_SEED", 1), n = setting("OG_CASES", 6);
  for (uint32_t seed = first; seed < first + n; seed++) try_seed(cx, seed, 25);
  og_test_world_close(&w);
}

/* Versions of a branch that is gone have the numbers and fragments of one that was made under its name, but not its
 * deletions. */
OG_TEST(topology, of_a_branch_made_again_is_its_own)
{
  static const char people[] =
      "{\"type\":\"P\",\"data\":{\"slug\":\"p0\",\"n\":0}}\n{\"type\":\"P\",\"data\":{\"slug\":\"p1\",\"n\":1}}\n"
      "{\"type\":\"P\",\"data\":{\"slug\":\"p2\",\"n\":2}}\n{\"edge\":\"Knows\",\"from\":\"p0\",\"to\":\"p1\"}\n"
      "{\"edge\":\"Knows\",\"from\":\"p1\",\"to\":\"p2\"}\n{\"edge\":\"Knows\",\"from\":\"p2\",\"to\":\"p0\"}\n";
  static const char *const gone[] = {"query m() { delete Knows where from = \"p0\" }",
                                     "query m() { delete Knows where from = \"p1\" }"};
  static const char *const left[] = {"[{\"a.slug\":\"p1\",\"b.slug\":\"p2\"},{\"a.slug\":\"p2\",\"b.slug\":\"p0\"}]",
                                     "[{\"a.slug\":\"p0\",\"b.slug\":\"p1\"},{\"a.slug\":\"p2\",\"b.slug\":\"p0\"}]"};
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_store *store;
  og_db *db;
  og_buf answer = {0};
  og_load_result loaded;
  const og_str work = OG_STR("work");
  OG_CHECK_OK(cx, og_store_memory_new(cx, &store));
  OG_CHECK_OK(cx, og_graph_init(cx, store, og_str_of(schema), OG_STR("s.pg"), false, OG_STR_NONE));
  OG_CHECK_OK(cx, og_db_open_store(cx, store, false, &db));
  const og_load_args args = {.bytes = og_str_of(people), .mode = OG_LOAD_APPEND};
  OG_CHECK_OK(cx, og_db_load(cx, db, &args, &loaded));
  for (size_t i = 0; i < OG_ARRAY_LEN(gone); i++) {
    og_write_result done;
    const og_db_query_args m = {
        .source = og_str_of(gone[i]), .source_name = OG_STR("m.gq"), .target = {.branch = work}};
    OG_CHECK_OK(cx, og_db_branch_create(cx, db, work, OG_STR("main"), OG_STR_NONE));
    OG_CHECK_OK(cx, og_db_mutate(cx, db, &m, &done));
    ask_on(cx, db, work, questions[0], &answer);
    OG_CHECK_STR(og_buf_str(&answer), og_str_of(left[i]));
    OG_CHECK_OK(cx, og_db_branch_delete(cx, db, work, OG_STR_NONE));
  }
  og_db_close(db);
  og_store_unref(store);
  og_buf_cleanup(&answer);
  og_test_world_close(&w);
}

OG_TEST_MAIN(OG_CASE(topology, extended_by_commits_is_as_built_anew),
             OG_CASE(topology, of_a_branch_made_again_is_its_own))
