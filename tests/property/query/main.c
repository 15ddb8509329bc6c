/* SPDX-License-Identifier: MIT */
/* main.c -- the engine answers as trying everything does.
 *
 * OG_SEED (1) and OG_CASES (2000) say what is tried; OG_ALL=1 asks each query in every setup, else in the first and in
 * one other in turn; OG_GRAPH=n tries the cases of the n-th graph alone.  run.sh keeps a log of what was tried.
 */
#include "model.h"

#include "og_test_world.h"

#include <inttypes.h>
#include <stdlib.h>

enum { CASES_OF_A_GRAPH = 25, CASES_OF_A_LARGE_GRAPH = 4 };

typedef struct tally {
  uint64_t cases, with_rows, negations, hops, groups, limits, skipped;
} tally;

typedef struct trial {
  m_engine *engine; /* NULL: make one of what is left of the graph */
  const m_setup *how;
  const char *why;
  char refused[sizeof((og_error){0}).text]; /* not empty: the engine did not answer */
  bool refuses;                             /* shrinking: it must be refused, and for the same reason */
} trial;

/* Whether the two differ; t->why says how. */
static bool differs(og_ctx *cx, m_case *c, trial *t, m_answer *all, m_answer *got)
{
  t->refused[0] = 0;
  if (!m_settle(c)) return false;
  if (!m_engine_ask(cx, t->engine, c, t->how, got)) {
    if (strstr(cx->err->text, "a sum does not fit") && m_evaluate(cx, c, all) && all->overflows) return false;
    memcpy(t->refused, cx->err->text, sizeof t->refused);
    t->why = "the engine refuses";
    return true;
  }
  return m_evaluate(cx, c, all) && !m_alike(cx, c, all, got, &t->why);
}

static bool fails_still(og_ctx *cx, m_case *c, void *arg)
{
  trial *was = arg, t = {.how = was->how};
  m_answer all, got;
  t.engine = m_engine_open(cx, c->graph);
  bool bad = differs(cx, c, &t, &all, &got);
  m_engine_close(cx, t.engine);
  if (was->refused[0] == 0) return bad && t.refused[0] == 0;
  return bad && strncmp(was->refused, t.refused, 30) == 0;
}

static void tell(og_ctx *cx, m_case *c, trial *t, uint64_t seed, uint64_t graph)
{
  og_buf text = {0};
  m_answer all = {0}, got = {0};
  m_shrink(cx, c, fails_still, t);
  t->engine = m_engine_open(cx, c->graph);
  bool bad = differs(cx, c, t, &all, &got);
  OG_CHECK_OK(cx, og_buf_printf(cx, &text, "OG_SEED=%" PRIu64 " OG_GRAPH=%" PRIu64 " (%s): %s%s%s\n\n", seed, graph,
                                t->how->name, bad ? t->why : "fails no more when asked again",
                                t->refused[0] ? ": " : "", t->refused));
  m_write_schema(cx, c->graph, &text);
  OG_CHECK_OK(cx, og_buf_append_byte(cx, &text, '\n'));
  m_write_rows(cx, c->graph, &text);
  OG_CHECK_OK(cx, og_buf_append_byte(cx, &text, '\n'));
  m_write_query(cx, c, &text);
  OG_CHECK_OK(cx, og_buf_append_str(cx, &text, OG_STR("params ")));
  m_write_params(cx, c, &text);
  OG_CHECK_OK(cx, og_buf_append_str(cx, &text, OG_STR("\n\nall rows are\n")));
  m_print_answer(cx, &text, &all);
  if (!t->refused[0]) OG_CHECK_OK(cx, og_buf_append_str(cx, &text, OG_STR("\nthe engine has\n")));
  if (!t->refused[0]) m_print_answer(cx, &text, &got);
  og_str s = og_buf_str(&text);
  for (size_t at = 0; at < s.len; at += 512) /* cmocka cuts long lines */
    print_error("%.*s", (int)(s.len - at < 512 ? s.len - at : 512), s.ptr + at);
  m_engine_close(cx, t->engine);
  og_buf_cleanup(&text);
  fail();
}

static bool has_clause(const m_block *b, m_clause_kind kind, bool hops)
{
  for (uint32_t i = 0; i < b->n_clauses; i++) {
    const m_clause *c = &b->clauses[i];
    if (c->kind == kind && (!hops || c->max > 1)) return true;
  }
  return false;
}

static void count(const m_case *c, const m_answer *all, tally *n)
{
  n->cases++;
  n->with_rows += all->n_rows > (size_t)(c->aggregate ? 1 : 0);
  n->negations += has_clause(&c->block, M_NOT, false);
  n->hops += has_clause(&c->block, M_WALK, true);
  n->groups += c->aggregate;
  n->limits += c->has_limit;
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
  uint64_t n;
  const char *text = getenv(name);
  return text && og_str_to_u64(og_str_of(text), &n) ? n : otherwise;
}

static void try_graph(og_ctx *cx, uint64_t seed, uint64_t graph, uint64_t most, tally *n)
{
  m_graph g;
  m_rng r = m_rng_from(seed, graph);
  bool every = number_from("OG_ALL", 0) != 0;
  m_make_graph(cx, &r, &g);
  m_engine *e = m_engine_open(cx, &g);
  for (uint32_t i = 0; i < (g.large ? CASES_OF_A_LARGE_GRAPH : CASES_OF_A_GRAPH) && n->cases < most; i++) {
    m_case c;
    m_answer all = {0}, got;
    m_make_case(cx, &r, &g, &c);
    uint32_t second = m_n_setups > 1 ? 1 + i % (m_n_setups - 1) : 0;
    if (!m_settle(&c) || !m_evaluate(cx, &c, &all)) {
      n->skipped++;
      continue;
    }
    for (uint32_t k = 0; k < m_n_setups; k++) {
      trial t = {.engine = e, .how = &m_setups[k]};
      if ((every || k == 0 || k == second) && differs(cx, &c, &t, &all, &got)) tell(cx, &c, &t, seed, graph);
    }
    count(&c, &all, n);
  }
  m_engine_close(cx, e);
}

OG_TEST(query, answers_as_trying_everything_does)
{
  og_test_world w;
  tally n = {0};
  og_ctx *cx = og_test_world_open(&w);
  uint64_t seed = number_from("OG_SEED", 1), most = number_from("OG_CASES", 2000);
  uint64_t only = number_from("OG_GRAPH", UINT64_MAX);
  for (uint64_t graph = only == UINT64_MAX ? 0 : only; n.cases < most; graph++) {
    try_graph(cx, seed, graph, most, &n);
    og_arena_reset(cx->arena);
    if (only != UINT64_MAX) break;
  }
  print_message("seed %" PRIu64 ": %" PRIu64 " cases, %" PRIu64 " with rows, %" PRIu64 " with negations, %" PRIu64
                " with several hops, %" PRIu64 " with groups, %" PRIu64 " with limits; %" PRIu64 " left out\n",
                seed, n.cases, n.with_rows, n.negations, n.hops, n.groups, n.limits, n.skipped);
  OG_CHECK(only != UINT64_MAX || n.with_rows * 5 > n.cases); /* else they tell little */
  og_test_world_close(&w);
}

OG_TEST_MAIN(OG_CASE(query, answers_as_trying_everything_does))
