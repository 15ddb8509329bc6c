/* SPDX-License-Identifier: MIT */
/* Random writes and merges in all directions between three branches, compared with a merge of whole tables in memory:
 * the outcome, each row conflict, each orphan, whether a unique tuple or a count is violated, and every row of the
 * result. A merge with nothing new is up to date, and two branches merged into each other hold the same rows. */
#include "property/delta/random_graph.h"

#include "db/internal.h"

#include <stdio.h>

#define SEEDS 60
#define STEPS 160

static const char schema[] = "node P {\n  k: String @key\n  n: I64?\n  u: I64? @unique\n  a: I64?\n  b: I64?\n"
                             "  @unique(a, b)\n}\n"
                             "edge E: P -> P @card(0..2) { w: I64? }\n";
/* columns: P: id a b k n u; E: id src dst w */
enum { P_A = 1, P_B = 2, P_U = 5, E_SRC = 1, E_DST = 2 };

typedef struct state {
  og_vec p, e; /* rg_row */
} state;

static void state_read(random_graph *r, og_snapshot *s, state *out)
{
  *out = (state){OG_VEC_INIT(rg_row), OG_VEC_INIT(rg_row)};
  rg_rows(r, s, OG_STR("node:P"), &out->p);
  rg_rows(r, s, OG_STR("edge:E"), &out->e);
}

static void state_of_branch(random_graph *r, og_str branch, state *out)
{
  og_snapshot *s;
  OG_CHECK_OK(r->cx, og_graph_snapshot(r->cx, og_db__graph(r->db), branch, &s));
  state_read(r, s, out);
  og_snapshot_unref(s);
}

static void state_cleanup(state *s)
{
  og_vec_cleanup(&s->p);
  og_vec_cleanup(&s->e);
}

/* What came up in all runs: a test that never met a conflict of a kind says nothing about it. */
typedef struct sights {
  size_t outcomes[3], conflicts[OG_CONFLICT_VALUE + 1];
} sights;

/* ---- the merge of whole tables */

typedef struct expected {
  state merged;
  size_t row_conflicts, orphans;
  bool unique, card;
} expected;

static bool same(const rg_row *a, const rg_row *b)
{
  return a && b ? og_str_eq(a->text, b->text) : a == b;
}

static void keep(random_graph *r, og_vec *out, const rg_row *row)
{
  if (row) OG_CHECK_OK(r->cx, og_vec_add(r->cx, out, row));
}

static void merge_row(random_graph *r, const rg_row *b, const rg_row *s, const rg_row *t, og_merge_prefer prefer,
                      expected *x, og_vec *out)
{
  if (same(b, s) || same(s, t))
    keep(r, out, t);
  else if (same(b, t) || prefer == OG_MERGE_THEIRS)
    keep(r, out, s);
  else if (prefer == OG_MERGE_OURS)
    keep(r, out, t);
  else
    x->row_conflicts++;
}

static void merge_table(random_graph *r, const og_vec *b, const og_vec *s, const og_vec *t, og_merge_prefer prefer,
                        expected *x, og_vec *out)
{
  for (size_t i = 0; i < t->len; i++) {
    const rg_row *row = &OG_VEC_AT(t, rg_row, i);
    merge_row(r, rg_find(b, row->id), rg_find(s, row->id), row, prefer, x, out);
  }
  for (size_t i = 0; i < s->len; i++) {
    const rg_row *row = &OG_VEC_AT(s, rg_row, i);
    if (!rg_find(t, row->id)) merge_row(r, rg_find(b, row->id), row, NULL, prefer, x, out);
  }
  for (size_t i = 0; i < out->len; i++) /* by id, so that rg_find works */
    for (size_t k = i; k > 0 && og_str_cmp(OG_VEC_AT(out, rg_row, k - 1).id, OG_VEC_AT(out, rg_row, k).id) > 0; k--) {
      const rg_row swap = OG_VEC_AT(out, rg_row, k);
      OG_VEC_AT(out, rg_row, k) = OG_VEC_AT(out, rg_row, k - 1);
      OG_VEC_AT(out, rg_row, k - 1) = swap;
    }
}

static bool is_null(og_str cell)
{
  return og_str_eq(cell, OG_STR("null"));
}

static void find_violations(expected *x)
{
  const state *m = &x->merged;
  for (size_t i = 0; i < m->p.len; i++)
    for (size_t k = i + 1; k < m->p.len; k++) {
      const rg_row *a = &OG_VEC_AT(&m->p, rg_row, i), *b = &OG_VEC_AT(&m->p, rg_row, k);
      if (!is_null(a->cells[P_U]) && og_str_eq(a->cells[P_U], b->cells[P_U])) x->unique = true;
      if (!is_null(a->cells[P_A]) && !is_null(a->cells[P_B]) && og_str_eq(a->cells[P_A], b->cells[P_A]) &&
          og_str_eq(a->cells[P_B], b->cells[P_B]))
        x->unique = true;
    }
  for (size_t i = 0; i < m->e.len; i++) {
    const rg_row *e = &OG_VEC_AT(&m->e, rg_row, i);
    size_t n = 0;
    for (int end = E_SRC; end <= E_DST; end++)
      x->orphans += !rg_find(&m->p, og_str_sub(e->cells[end], 1, e->cells[end].len - 1));
    for (size_t k = 0; k < m->e.len; k++) n += og_str_eq(OG_VEC_AT(&m->e, rg_row, k).cells[E_SRC], e->cells[E_SRC]);
    if (n > 2 && rg_find(&m->p, og_str_sub(e->cells[E_SRC], 1, e->cells[E_SRC].len - 1))) x->card = true;
  }
}

/* ---- against ours */

static void same_rows(const og_vec *have, const og_vec *want)
{
  OG_CHECK_U64(have->len, want->len);
  for (size_t i = 0; i < have->len; i++) {
    const rg_row *a = &OG_VEC_AT(have, rg_row, i), *b = rg_find(want, a->id);
    OG_CHECK(b && og_str_eq(a->text, b->text));
  }
}

static size_t conflicts_of(const og_merged *m, og_conflict_kind from, og_conflict_kind to)
{
  size_t n = 0;
  for (size_t i = 0; i < m->n_conflicts; i++) n += m->conflicts[i].kind >= from && m->conflicts[i].kind <= to;
  return n;
}

static void check_merge(random_graph *r, og_str source, og_str target, og_merge_prefer prefer, const og_merged *m,
                        og_status st)
{
  char base[27];
  expected x = {.merged = {OG_VEC_INIT(rg_row), OG_VEC_INIT(rg_row)}};
  state b, s, t, after;
  char text[OG_ULID_LEN];
  og_ulid_format(&m->base, text);
  snprintf(base, sizeof base, "%.26s", text);
  og_snapshot *at = rg_snapshot(r, base);
  state_read(r, at, &b);
  og_snapshot_unref(at);
  state_of_branch(r, source, &s);
  og_ulid_format(&m->target_head, text);
  snprintf(base, sizeof base, "%.26s", text);
  at = rg_snapshot(r, base);
  state_read(r, at, &t);
  og_snapshot_unref(at);
  merge_table(r, &b.p, &s.p, &t.p, prefer, &x, &x.merged.p);
  merge_table(r, &b.e, &s.e, &t.e, prefer, &x, &x.merged.e);
  if (x.row_conflicts == 0) find_violations(&x);
  OG_CHECK_U64(conflicts_of(m, OG_CONFLICT_DIVERGENT_INSERT, OG_CONFLICT_DELETE_VS_UPDATE), x.row_conflicts);
  OG_CHECK_U64(conflicts_of(m, OG_CONFLICT_ORPHAN_EDGE, OG_CONFLICT_ORPHAN_EDGE), x.orphans);
  OG_CHECK_U64(conflicts_of(m, OG_CONFLICT_UNIQUE, OG_CONFLICT_UNIQUE) > 0, x.unique);
  OG_CHECK_U64(conflicts_of(m, OG_CONFLICT_CARDINALITY, OG_CONFLICT_CARDINALITY) > 0, x.card);
  OG_CHECK((st != OG_OK) == (m->n_conflicts > 0));
  state_of_branch(r, target, &after);
  same_rows(&after.p, m->n_conflicts ? &t.p : &x.merged.p);
  same_rows(&after.e, m->n_conflicts ? &t.e : &x.merged.e);
  state_cleanup(&b);
  state_cleanup(&s);
  state_cleanup(&t);
  state_cleanup(&after);
  state_cleanup(&x.merged);
}

static bool merge(random_graph *r, og_str source, og_str target, og_merge_prefer prefer, sights *seen)
{
  og_merged m, again;
  const og_merge how = {.source = source, .target = target, .prefer = prefer};
  og_status st = og_db_branch_merge(r->cx, r->db, &how, &m);
  if (st != OG_OK) OG_CHECK_STATUS(r->cx, st, OG_ECONFLICT);
  og_error_clear(r->cx);
  seen->outcomes[m.outcome]++;
  for (size_t i = 0; i < m.n_conflicts; i++) seen->conflicts[m.conflicts[i].kind]++;
  if (m.outcome == OG_MERGE_UP_TO_DATE) return true;
  if (m.has_commit) rg_remember(r, &m.commit);
  check_merge(r, source, target, prefer, &m, st);
  if (st != OG_OK) return false;
  OG_CHECK_OK(r->cx, og_db_branch_merge(r->cx, r->db, &how, &again));
  OG_CHECK_U64(again.outcome, OG_MERGE_UP_TO_DATE);
  return true;
}

static void both_ways(random_graph *r, og_str a, og_str b, sights *seen)
{
  state x, y;
  if (!merge(r, a, b, OG_MERGE_THEIRS, seen) || !merge(r, b, a, OG_MERGE_ASK, seen)) return;
  state_of_branch(r, a, &x);
  state_of_branch(r, b, &y);
  same_rows(&x.p, &y.p);
  same_rows(&x.e, &y.e);
  state_cleanup(&x);
  state_cleanup(&y);
}

static void write_something(random_graph *r, og_str branch)
{
  char text[512];
  int k = (int)rg_pick(r, 16), m = (int)rg_pick(r, 16), n = (int)rg_pick(r, 24);
  switch (rg_pick(r, 8)) {
  case 0:
    snprintf(text, sizeof text, "query q() { insert P { k: \"p%d\", n: %d, u: %d } }", k, n % 3, n * 2 + m % 2);
    break;
  case 1: snprintf(text, sizeof text, "query q() { update P set { n: %d } where k = \"p%d\" }", n % 3, k); break;
  case 2: snprintf(text, sizeof text, "query q() { update P set { u: %d } where k = \"p%d\" }", n, k); break;
  case 3:
    snprintf(text, sizeof text, "query q() { update P set { a: %d, b: %d } where k = \"p%d\" }", n % 4, m % 4, k);
    break;
  case 4: snprintf(text, sizeof text, "query q() { delete P where k = \"p%d\" }", k); break;
  case 5: snprintf(text, sizeof text, "query q() { delete E where from = \"p%d\" }", k); break;
  default:
    snprintf(text, sizeof text, "query q() { insert E { from: \"p%d\", to: \"p%d\", w: %d } }", k % 5, m % 9, n);
    break;
  }
  rg_mutate(r, branch, text);
}

static void step(random_graph *r, sights *seen)
{
  const og_str a = r->branches[rg_pick(r, (uint64_t)r->n_branches)],
               b = r->branches[rg_pick(r, (uint64_t)r->n_branches)];
  og_optimized done;
  switch (rg_pick(r, 36)) {
  case 0: OG_CHECK_OK(r->cx, og_db_optimize(r->cx, r->db, a, OG_STR_NONE, &done)); break;
  case 1:
  case 2:
    if (!og_str_eq(a, b)) merge(r, a, b, (og_merge_prefer)rg_pick(r, 3), seen);
    break;
  case 3:
    if (!og_str_eq(a, b)) both_ways(r, a, b, seen);
    break;
  default: write_something(r, a); break;
  }
  og_arena_reset(r->cx->arena);
}

OG_TEST(merge, gives_what_a_merge_of_whole_tables_gives)
{
  sights seen = {0};
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    random_graph r;
    print_message("seed %u\n", (unsigned)seed);
    rg_open_with(&r, seed, schema);
    for (int i = 0; i < 8; i++) write_something(&r, OG_STR("main"));
    r.branches[1] = OG_STR("b");
    r.branches[2] = OG_STR("b2/c");
    r.n_branches = 3;
    OG_CHECK_OK(r.cx, og_db_branch_create(r.cx, r.db, OG_STR("b"), OG_STR("main"), OG_STR_NONE));
    write_something(&r, OG_STR("b"));
    OG_CHECK_OK(r.cx, og_db_branch_create(r.cx, r.db, OG_STR("b2/c"), OG_STR("b"), OG_STR_NONE));
    for (int i = 0; i < STEPS; i++) step(&r, &seen);
    rg_close(&r);
  }
  for (int i = 0; i < 3; i++) OG_CHECK(seen.outcomes[i] > 20);
  for (int i = 0; i < OG_CONFLICT_VALUE; i++) {
    print_message("%s: %u\n", og_conflict_kind_name((og_conflict_kind)i), (unsigned)seen.conflicts[i]);
    OG_CHECK(seen.conflicts[i] > 2);
  }
}

OG_TEST_MAIN(OG_CASE(merge, gives_what_a_merge_of_whole_tables_gives))
