/* SPDX-License-Identifier: MIT */
/* Random histories on branches: the difference of any two states is what a full comparison of them says, and a small
 * edit of a large table is found by looking at little. */
#include "property/delta/random_graph.h"

#include "delta/delta.h"

#include <stdio.h>

#define SEEDS 12
#define STEPS 60
#define PAIRS 24

static const og_delta_table *table_of(const og_vec *tables, og_str key)
{
  for (size_t i = 0; i < tables->len; i++) {
    const og_delta_table *t = &OG_VEC_AT(tables, og_delta_table, i);
    if (og_str_eq(t->to->key, key)) return t;
  }
  return NULL;
}

/* The changes that the rows of both states show, each of which the delta must have, and no other. */
static void compare(const og_vec *from, const og_vec *to, const og_delta *d)
{
  size_t expected = 0;
  for (size_t i = 0; i < from->len; i++) {
    const rg_row *a = &OG_VEC_AT(from, rg_row, i), *b = rg_find(to, a->id);
    const og_delta_row *change = og_delta_find(d, a->id);
    const bool same = b && og_str_eq(a->text, b->text);
    expected += !same;
    OG_CHECK(same == !change);
    if (!same) OG_CHECK_U64(change->op, b ? OG_DELTA_UPDATE : OG_DELTA_DELETE);
  }
  for (size_t i = 0; i < to->len; i++) {
    const og_str id = OG_VEC_AT(to, rg_row, i).id;
    if (rg_find(from, id)) continue;
    expected++;
    OG_CHECK(og_delta_find(d, id) && og_delta_find(d, id)->op == OG_DELTA_INSERT);
  }
  OG_CHECK_U64(d->n_rows, expected);
}

static void check_table(random_graph *r, og_snapshot *a, og_snapshot *b, const og_vec *tables, og_str key)
{
  og_vec from = OG_VEC_INIT(rg_row), to = OG_VEC_INIT(rg_row);
  og_delta d = {0};
  const og_delta_table *t = table_of(tables, key);
  rg_rows(r, a, key, &from);
  rg_rows(r, b, key, &to);
  if (t) OG_CHECK_OK(r->cx, og_delta_open(r->cx, a, b, t, &d));
  compare(&from, &to, &d);
  og_delta_cleanup(&d);
  og_vec_cleanup(&from);
  og_vec_cleanup(&to);
}

static void check_pair(random_graph *r, const char *from, const char *to)
{
  og_vec tables = OG_VEC_INIT(og_delta_table);
  og_snapshot *a = rg_snapshot(r, from), *b = rg_snapshot(r, to);
  OG_CHECK_OK(r->cx, og_delta_snapshots(r->cx, a, b, &tables));
  check_table(r, a, b, &tables, OG_STR("node:P"));
  check_table(r, a, b, &tables, OG_STR("node:Q"));
  check_table(r, a, b, &tables, OG_STR("edge:E"));
  og_vec_cleanup(&tables);
  og_snapshot_unref(a);
  og_snapshot_unref(b);
  og_arena_reset(r->cx->arena);
}

OG_TEST(delta, says_what_a_full_comparison_says)
{
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    random_graph r;
    print_message("seed %u\n", (unsigned)seed);
    rg_open(&r, seed);
    for (int i = 0; i < STEPS; i++) rg_step(&r);
    for (int i = 0; i < PAIRS; i++)
      check_pair(&r, r.commits[rg_pick(&r, (uint64_t)r.n_commits)], r.commits[rg_pick(&r, (uint64_t)r.n_commits)]);
    rg_close(&r);
  }
}

/* ---- cost */

#define LARGE 20000

static void load_many(random_graph *r)
{
  OG_AUTO(og_buf) lines = {0};
  og_load_result out;
  for (int i = 0; i < LARGE; i++)
    OG_CHECK_OK(r->cx,
                og_buf_printf(r->cx, &lines, "{\"type\":\"P\",\"data\":{\"k\":\"p%05d\",\"n\":%d}}\n", i, i % 7));
  const og_load_args args = {.bytes = og_buf_str(&lines), .mode = OG_LOAD_MERGE};
  OG_CHECK_OK(r->cx, og_db_load(r->cx, r->db, &args, &out));
  rg_remember(r, &out.commit);
}

static void check_cost(random_graph *r, int from, int to, size_t rows, uint64_t compared)
{
  og_vec tables = OG_VEC_INIT(og_delta_table);
  og_delta d;
  og_snapshot *a = rg_snapshot(r, r->commits[from]), *b = rg_snapshot(r, r->commits[to]);
  OG_CHECK_OK(r->cx, og_delta_snapshots(r->cx, a, b, &tables));
  OG_CHECK_U64(tables.len, 1);
  OG_CHECK_OK(r->cx, og_delta_open(r->cx, a, b, tables.data, &d));
  OG_CHECK_U64(d.n_rows, rows);
  if (d.compared > compared) print_error("%u values compared\n", (unsigned)d.compared);
  OG_CHECK(d.compared <= compared);
  og_delta_cleanup(&d);
  og_vec_cleanup(&tables);
  og_snapshot_unref(a);
  og_snapshot_unref(b);
}

OG_TEST(delta, looks_at_what_changed_only)
{
  random_graph r;
  char text[128];
  rg_open(&r, 1);
  load_many(&r);                /* 0 */
  for (int i = 0; i < 8; i++) { /* 1 to 8 */
    snprintf(text, sizeof text, "query q() { update P set { n: 100 } where k = \"p%05d\" }", 1000 + i);
    rg_mutate(&r, OG_STR_NONE, text);
  }
  rg_mutate(&r, OG_STR_NONE, "query q() { delete P where n = 6 }"); /* 9 */
  og_optimized done;
  OG_CHECK_OK(r.cx, og_db_optimize(r.cx, r.db, OG_STR_NONE, OG_STR_NONE, &done));
  OG_CHECK(done.has_commit);
  rg_remember(&r, &done.commit); /* 10: every row has moved */
  check_cost(&r, 0, 1, 1, 1);
  check_cost(&r, 0, 8, 8, 8);
  check_cost(&r, 7, 8, 1, 1);
  check_cost(&r, 8, 0, 8, 8);
  check_cost(&r, 8, 9, LARGE / 7 - 2, 0);
  check_cost(&r, 9, 10, 0, 0);
  check_cost(&r, 0, 10, LARGE / 7 + 6, 8);
  rg_close(&r);
}

OG_TEST_MAIN(OG_CASE(delta, says_what_a_full_comparison_says), OG_CASE(delta, looks_at_what_changed_only))
