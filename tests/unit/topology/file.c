/* SPDX-License-Identifier: MIT */
/* Derived files of adjacency: what is written is read, and what was changed is refused. */
#include "topology/file.h"

#include "og_test_world.h"
#include "topology/graph.h"

typedef struct kept {
  og_cache *cache;
  og_store *store;
  graph g;
  og_ends ends;
  og_topology *t;
  og_str key;
} kept;

static void kept_open(og_ctx *cx, uint32_t seed, kept *k)
{
  OG_CHECK_OK(cx, og_cache_new(cx, 1u << 30, &k->cache));
  OG_CHECK_OK(cx, og_store_memory_new(cx, &k->store));
  graph_init(cx, k->cache, seed, &k->g);
  k->ends = (og_ends){.edges = &k->g.edge_table, .from = &k->g.node_table, .to = &k->g.node_table, .src = 1, .dst = 2};
  k->key = OG_STR("__topology/t/adjacency");
  OG_CHECK_OK(cx, og_topology_get(cx, k->cache, &k->ends, &k->t));
  OG_CHECK_OK(cx, og_topology_write(cx, k->store, k->key, &k->ends, k->t));
}

static void kept_close(kept *k)
{
  og_cached_unref(k->t);
  og_cache_free(k->cache);
  og_store_unref(k->store);
  graph_cleanup(&k->g);
}

static void check_same(const og_csr *a, const og_csr *b, bool rows)
{
  OG_CHECK_U64(a->n, b->n);
  OG_CHECK_U64(a->n_far, b->n_far);
  OG_CHECK(a->loops == b->loops && a->parallel == b->parallel);
  OG_CHECK(memcmp(a->first, b->first, (a->n + 1) * sizeof *a->first) == 0);
  OG_CHECK(memcmp(a->targets, b->targets, a->first[a->n] * sizeof *a->targets) == 0);
  OG_CHECK(rows ? memcmp(a->rows, b->rows, a->first[a->n] * sizeof *a->rows) == 0 : b->rows == NULL);
}

OG_TEST(topology_file, is_read_as_written)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  for (uint32_t seed = 1; seed <= 30; seed++) {
    kept k;
    bool found;
    og_topology all = {0}, out = {0};
    kept_open(cx, seed, &k);
    OG_CHECK_OK(cx, og_topology_read(cx, k.store, k.key, &k.ends, OG_TOPOLOGY_ALL, &all, &found));
    OG_CHECK(found);
    check_same(&k.t->out, &all.out, true);
    check_same(&k.t->in, &all.in, true);
    og_csr_cleanup(&all.out);
    og_csr_cleanup(&all.in);
    OG_CHECK_OK(cx, og_topology_read(cx, k.store, k.key, &k.ends, OG_TOPOLOGY_OUT, &out, &found));
    OG_CHECK(found == !k.t->out.parallel);
    if (found) check_same(&k.t->out, &out.out, false);
    og_csr_cleanup(&out.out);
    kept_close(&k);
  }
  og_test_world_close(&w);
}

OG_TEST(topology_file, of_other_versions_is_not_found)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  kept k;
  bool found;
  og_topology t = {0};
  kept_open(cx, 5, &k);
  OG_CHECK_OK(cx, og_topology_read(cx, k.store, OG_STR("__topology/u"), &k.ends, OG_TOPOLOGY_ALL, &t, &found));
  OG_CHECK(!found);
  k.g.node_table.name = OG_STR("nodes, changed");
  OG_CHECK_OK(cx, og_topology_read(cx, k.store, k.key, &k.ends, OG_TOPOLOGY_ALL, &t, &found));
  OG_CHECK(!found);
  kept_close(&k);
  og_test_world_close(&w);
}

/* Every byte counts, but for those that fill up to the next section. */
OG_TEST(topology_file, with_any_byte_changed_is_refused)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  kept k;
  og_buf bytes = {0};
  uint64_t refused = 0, as_it_was = 0;
  kept_open(cx, 7, &k);
  OG_CHECK_OK(cx, og_store_get(cx, k.store, k.key, 1u << 20, &bytes));
  for (size_t i = 0; i < bytes.len; i++) {
    bool found = false;
    og_topology t = {0};
    bytes.data[i] ^= 0x10;
    OG_CHECK_OK(cx, og_store_put(cx, k.store, k.key, og_buf_str(&bytes)));
    bytes.data[i] ^= 0x10;
    og_status st = og_topology_read(cx, k.store, k.key, &k.ends, OG_TOPOLOGY_ALL, &t, &found);
    OG_CHECK(st == OG_OK || st == OG_ECORRUPT);
    OG_CHECK(st == OG_OK || !found);
    if (st == OG_OK && found) {
      check_same(&k.t->out, &t.out, true);
      check_same(&k.t->in, &t.in, true);
    }
    as_it_was += st == OG_OK && found;
    refused += st == OG_ECORRUPT;
    og_csr_cleanup(&t.out);
    og_csr_cleanup(&t.in);
    og_error_clear(cx);
  }
  OG_CHECK(as_it_was < 7 * 64);
  OG_CHECK(refused + as_it_was + 4 >= bytes.len); /* the format's number: another engine's file */
  for (size_t len = 0; len + 64 < bytes.len; len += 13) {
    bool found;
    og_topology t = {0};
    OG_CHECK_OK(cx, og_store_put(cx, k.store, k.key, og_str_from(bytes.data, len)));
    OG_CHECK(og_topology_read(cx, k.store, k.key, &k.ends, OG_TOPOLOGY_ALL, &t, &found) != OG_OK);
    og_error_clear(cx);
  }
  og_buf_cleanup(&bytes);
  kept_close(&k);
  og_test_world_close(&w);
}

OG_TEST_MAIN(OG_CASE(topology_file, is_read_as_written), OG_CASE(topology_file, of_other_versions_is_not_found),
             OG_CASE(topology_file, with_any_byte_changed_is_refused))
