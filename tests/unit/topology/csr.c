/* SPDX-License-Identifier: MIT */
/* Adjacency of random tables against the plain list of their edges, and the index of ids it is made with. */
#include "topology/graph.h"

#include "og_test_world.h"

static bool is_edge(const graph *g, uint32_t i)
{
  return !og_bit_get(g->edge_deleted, i) && g->from[i] < g->nodes && g->to[i] < g->nodes &&
         !og_bit_get(g->node_deleted, g->from[i]) && !og_bit_get(g->node_deleted, g->to[i]);
}

/* Every edge is in its near node's list once, and lists ascend by (target, row). */
static void check_lists(const graph *g, const og_csr *c, const uint32_t *near_end, const uint32_t *far_end)
{
  uint64_t n = 0;
  for (uint32_t v = 0; v < g->nodes; v++) {
    for (uint64_t k = c->first[v]; k < c->first[v + 1]; k++, n++) {
      OG_CHECK(is_edge(g, c->rows[k]));
      OG_CHECK_U64(near_end[c->rows[k]], v);
      OG_CHECK_U64(far_end[c->rows[k]], c->targets[k]);
      if (k == c->first[v]) continue;
      OG_CHECK(c->targets[k - 1] < c->targets[k] ||
               (c->targets[k - 1] == c->targets[k] && c->rows[k - 1] < c->rows[k]));
    }
  }
  for (uint32_t i = 0; i < g->edges; i++) n -= is_edge(g, i);
  OG_CHECK_U64(n, 0);
}

static bool connects(const graph *g, og_way way, uint32_t v, uint32_t w)
{
  for (uint32_t i = 0; i < g->edges; i++) {
    if (!is_edge(g, i)) continue;
    if (way != OG_WAY_IN && g->from[i] == v && g->to[i] == w) return true;
    if (way != OG_WAY_OUT && g->to[i] == v && g->from[i] == w) return true;
  }
  return false;
}

static void check_set(og_ctx *cx, og_cache *cache, const graph *g, const og_ends *ends, og_way way)
{
  og_neighbours *x;
  OG_CHECK_OK(cx, og_neighbours_get(cx, cache, ends, way, &x));
  for (uint32_t v = 0; v < g->nodes; v++) {
    uint64_t k = x->csr.first[v];
    for (uint32_t w = 0; w < g->nodes; w++) {
      if (!connects(g, way, v, w)) continue;
      OG_CHECK(k < x->csr.first[v + 1]);
      OG_CHECK_U64(x->csr.targets[k++], w);
    }
    OG_CHECK_U64(k, x->csr.first[v + 1]);
  }
  og_cached_unref(x);
}

static void check_seed(og_ctx *cx, uint32_t seed)
{
  graph g;
  og_cache *cache;
  og_topology *t;
  OG_CHECK_OK(cx, og_cache_new(cx, 1u << 30, &cache));
  graph_init(cx, cache, seed, &g);
  const og_ends ends = {.edges = &g.edge_table, .from = &g.node_table, .to = &g.node_table, .src = 1, .dst = 2};
  OG_CHECK_OK(cx, og_topology_get(cx, cache, &ends, &t));
  check_lists(&g, &t->out, g.from, g.to);
  check_lists(&g, &t->in, g.to, g.from);
  og_cached_unref(t);
  for (int way = OG_WAY_OUT; way <= OG_WAY_BOTH; way++) check_set(cx, cache, &g, &ends, (og_way)way);
  og_cache_free(cache);
  graph_cleanup(&g);
}

OG_TEST(topology, adjacency_is_the_list_of_edges)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  for (uint32_t seed = 1; seed <= 60; seed++) check_seed(cx, seed);
  og_test_world_close(&w);
}

OG_TEST(topology, ids_are_found_and_others_are_not)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  char text[16];
  og_ids *x;
  uint8_t deleted[200] = {0};
  og_column *ids = graph_strings(cx, NULL, 1000), *asked;
  uint32_t numbers[300], rows[300];
  og_bit_set(deleted, 7);
  OG_CHECK_OK(cx, og_ids_new(cx, ids, deleted, &x));
  for (uint32_t i = 0; i < 1100; i++)
    OG_CHECK_U64(og_ids_find(x, graph_name(text, i)), i < 1000 && i != 7 ? i : OG_NO_ROW);
  for (uint32_t i = 0; i < 300; i++) numbers[i] = i / 3 * 13;
  asked = graph_strings(cx, numbers, 300);
  og_ids_find_many(x, asked, 1, 299, rows);
  for (uint32_t i = 1; i < 300; i++) OG_CHECK_U64(rows[i - 1], numbers[i] < 1000 ? numbers[i] : OG_NO_ROW);
  og_ids_free(x);
  og_column_unref(ids);
  og_column_unref(asked);
  og_test_world_close(&w);
}

OG_TEST_MAIN(OG_CASE(topology, adjacency_is_the_list_of_edges), OG_CASE(topology, ids_are_found_and_others_are_not))
