/* SPDX-License-Identifier: MIT */
#include "property/delta/random_graph.h"

#include "arrow/json.h"
#include "db/internal.h"

#include <stdio.h>

static const char schema[] = "node P {\n  k: String @key\n  n: I64?\n  t: String?\n  v: Vector(2)?\n  l: [I64]?\n}\n"
                             "node Q { k: String @key }\n"
                             "edge E: P -> P { w: I64? }\n";

uint64_t rg_pick(random_graph *r, uint64_t n)
{
  r->random += 0x9E3779B97F4A7C15u;
  uint64_t z = (r->random ^ r->random >> 30) * 0xBF58476D1CE4E5B9u;
  return (z ^ z >> 31) % n;
}

void rg_open(random_graph *r, uint64_t seed)
{
  rg_open_with(r, seed, schema);
}

void rg_open_with(random_graph *r, uint64_t seed, const char *source)
{
  *r = (random_graph){.random = seed};
  r->cx = og_test_world_open(&r->w);
  OG_CHECK_OK(r->cx, og_store_memory_new(r->cx, &r->store));
  OG_CHECK_OK(r->cx, og_graph_init(r->cx, r->store, og_str_of(source), OG_STR("s.pg"), false, OG_STR_NONE));
  OG_CHECK_OK(r->cx, og_db_open_store(r->cx, r->store, false, &r->db));
  r->branches[0] = OG_STR("main");
  r->n_branches = 1;
}

void rg_close(random_graph *r)
{
  og_db_close(r->db);
  og_store_unref(r->store);
  og_test_world_close(&r->w);
}

void rg_remember(random_graph *r, const og_commit *c)
{
  char text[OG_ULID_LEN];
  if (r->n_commits == RG_COMMITS) return;
  og_ulid_format(&c->id, text);
  snprintf(r->commits[r->n_commits++], 27, "%.26s", text);
}

void rg_mutate(random_graph *r, og_str branch, const char *text)
{
  og_write_result out;
  const og_db_query_args args = {.source = og_str_of(text), .source_name = OG_STR("q"), .target = {.branch = branch}};
  og_status st = og_db_mutate(r->cx, r->db, &args, &out);
  if (st == OG_OK && out.has_commit) rg_remember(r, &out.commit);
  if (st != OG_OK) OG_CHECK_STATUS(r->cx, st, OG_EINVALID);
  if (st != OG_OK) og_error_clear(r->cx);
}

static void some_mutation(random_graph *r, og_str branch)
{
  char text[512];
  int k = (int)rg_pick(r, RG_KEYS), m = (int)rg_pick(r, RG_KEYS), n = (int)rg_pick(r, 5);
  switch (rg_pick(r, 6)) {
  case 0: snprintf(text, sizeof text, "query q() { insert P { k: \"p%d\", n: %d, l: [%d, 2] } }", k, n, n); break;
  case 1: snprintf(text, sizeof text, "query q() { update P set { n: %d } where k = \"p%d\" }", n, k); break;
  case 2: snprintf(text, sizeof text, "query q() { update P set { t: \"t%d\" } where n = %d }", m, n); break;
  case 3: snprintf(text, sizeof text, "query q() { delete P where k = \"p%d\" }", k); break;
  case 4: snprintf(text, sizeof text, "query q() { insert E { from: \"p%d\", to: \"p%d\", w: %d } }", k, m, n); break;
  default: snprintf(text, sizeof text, "query q() { insert Q { k: \"q%d\" } }", k); break;
  }
  rg_mutate(r, branch, text);
}

static void some_load(random_graph *r, og_str branch)
{
  OG_AUTO(og_buf) lines = {0};
  og_load_result out;
  int rows = 1 + (int)rg_pick(r, 30), first = (int)rg_pick(r, RG_KEYS);
  for (int i = 0; i < rows; i++)
    OG_CHECK_OK(r->cx,
                og_buf_printf(r->cx, &lines, "{\"type\":\"P\",\"data\":{\"k\":\"p%d\",\"n\":%d,\"v\":[%d,0.5]}}\n",
                              (first + i) % RG_KEYS, (int)rg_pick(r, 3), (int)rg_pick(r, 2)));
  const og_load_args args = {.bytes = og_buf_str(&lines), .mode = OG_LOAD_MERGE, .branch = branch};
  OG_CHECK_OK(r->cx, og_db_load(r->cx, r->db, &args, &out));
  rg_remember(r, &out.commit);
}

void rg_step(random_graph *r)
{
  static const char *const names[] = {"main", "b", "c"};
  og_optimized done;
  og_str branch = r->branches[rg_pick(r, (uint64_t)r->n_branches)];
  switch (rg_pick(r, 12)) {
  case 0:
    if (r->n_branches == RG_BRANCHES) break;
    r->branches[r->n_branches] = og_str_of(names[r->n_branches]);
    OG_CHECK_OK(r->cx, og_db_branch_create(r->cx, r->db, r->branches[r->n_branches++], branch, OG_STR_NONE));
    break;
  case 1:
    OG_CHECK_OK(r->cx, og_db_optimize(r->cx, r->db, branch, OG_STR_NONE, &done));
    if (done.has_commit) rg_remember(r, &done.commit);
    break;
  case 2:
  case 3: some_load(r, branch); break;
  default: some_mutation(r, branch); break;
  }
}

og_snapshot *rg_snapshot(random_graph *r, const char *commit)
{
  og_ulid id;
  og_snapshot *s;
  OG_CHECK(og_ulid_parse(og_str_of(commit), &id));
  OG_CHECK_OK(r->cx, og_graph_snapshot_at(r->cx, og_db__graph(r->db), OG_STR_NONE, &id, &s));
  return s;
}

static int by_id(const void *a, const void *b, void *arg)
{
  (void)arg;
  return og_str_cmp(((const rg_row *)a)->id, ((const rg_row *)b)->id);
}

void rg_rows(random_graph *r, og_snapshot *s, og_str key, og_vec *out)
{
  og_lance_table *t;
  uint32_t columns[8];
  og_lance_scan *scan;
  og_batch *b;
  OG_CHECK_OK(r->cx, og_snapshot_table(r->cx, s, key, &t));
  const uint32_t n = og_lance_table_schema(t)->arrow->n_fields;
  for (uint32_t i = 0; i < n; i++) columns[i] = i;
  const og_lance_scan_opts opts = {.columns = columns, .n_columns = n};
  OG_CHECK_OK(r->cx, og_lance_scan_open(r->cx, t, &opts, &scan));
  for (;;) {
    OG_CHECK_OK(r->cx, og_lance_scan_next(r->cx, scan, &b));
    if (!b) break;
    for (int64_t i = 0; i < b->len; i++) {
      OG_AUTO(og_buf) text = {0};
      og_json_writer w;
      rg_row row = {0};
      uint32_t ends[RG_CELLS + 1] = {0};
      OG_CHECK(b->n_columns <= RG_CELLS);
      for (uint32_t c = 1; c < b->n_columns; c++) {
        og_json_writer_init(&w, &text, false);
        OG_CHECK_OK(r->cx, og_column_json(r->cx, &w, b->columns[c], i));
        ends[c] = (uint32_t)text.len;
        OG_CHECK_OK(r->cx, og_buf_append_byte(r->cx, &text, ' '));
      }
      OG_CHECK_OK(r->cx, og_arena_str(r->cx, r->cx->arena, og_column_str(b->columns[0], i), &row.id));
      OG_CHECK_OK(r->cx, og_arena_str(r->cx, r->cx->arena, og_buf_str(&text), &row.text));
      row.cells[0] = row.id;
      for (uint32_t c = 1; c < b->n_columns; c++)
        row.cells[c] = og_str_sub(row.text, c == 1 ? 0 : ends[c - 1] + 1, ends[c]);
      OG_CHECK_OK(r->cx, og_vec_add(r->cx, out, &row));
    }
    og_batch_unref(b);
  }
  og_lance_scan_close(scan);
  og_lance_table_unref(t);
  OG_CHECK_OK(r->cx, og_sort(r->cx, out->data, out->len, sizeof(rg_row), by_id, NULL));
}

const rg_row *rg_find(const og_vec *rows, og_str id)
{
  size_t lo = 0, hi = rows->len;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    int c = og_str_cmp(OG_VEC_AT(rows, rg_row, mid).id, id);
    if (c == 0) return &OG_VEC_AT(rows, rg_row, mid);
    if (c < 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  return NULL;
}
