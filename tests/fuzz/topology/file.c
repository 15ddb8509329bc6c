/* SPDX-License-Identifier: MIT */
/* A derived file of a small graph with some of its bytes changed, and the checksums made good again, so that what lies
 * behind them is reached.  An input is: 1 byte (bit 0: make checksums good; the rest: which graph), then patches of
 * 3 bytes: offset (16 bits), value.  What is read must be safe to walk. */
#include "topology/file.h"

#include "fuzz/fuzz_world.h"
#include "topology/graph.h"

#define TABLE 56u /* of sections, in the header */

static void repair(uint8_t *data, size_t len)
{
  uint32_t header;
  memcpy(&header, data + 12, sizeof header);
  for (size_t i = 0; i < 6; i++) {
    uint64_t at[2];
    memcpy(at, data + TABLE + 24 * i, sizeof at);
    if (at[0] > len || at[1] > len - at[0]) continue;
    uint64_t sum = og_str_checksum(og_str_from(data + at[0], (size_t)at[1]));
    memcpy(data + TABLE + 24 * i + 16, &sum, sizeof sum);
  }
  if (header < 16 || header > len) return;
  uint64_t sum = og_str_checksum(og_str_from(data, header - 8));
  memcpy(data + header - 8, &sum, sizeof sum);
}

static void walk(const og_csr *c)
{
  uint64_t sum = 0;
  for (uint64_t v = 0; v < c->n; v++)
    for (uint64_t i = c->first[v]; i < c->first[v + 1]; i++)
      sum += c->first[v] + c->targets[i] + (c->rows ? c->rows[i] : 0);
  fuzz_expect(sum != UINT64_MAX);
}

static void read_part(og_ctx *cx, og_store *store, og_str key, const og_ends *ends, og_topology_part part)
{
  bool found = false;
  og_topology t = {0};
  og_status st = og_topology_read(cx, store, key, ends, part, &t, &found);
  fuzz_expect_error(cx, st);
  if (st == OG_OK && found && t.out.first) walk(&t.out);
  if (st == OG_OK && found && t.in.first) walk(&t.in);
  og_csr_cleanup(&t.out);
  og_csr_cleanup(&t.in);
  og_error_clear(cx);
}

static void one(og_ctx *cx, const uint8_t *data, size_t size, og_cache *cache, og_store *store)
{
  graph g;
  og_topology *t;
  OG_AUTO(og_buf) bytes = {0};
  og_str key = OG_STR("__topology/t");
  graph_init(cx, cache, 1 + data[0] / 2 % 8, &g);
  const og_ends ends = {.edges = &g.edge_table, .from = &g.node_table, .to = &g.node_table, .src = 1, .dst = 2};
  fuzz_expect(og_topology_get(cx, cache, &ends, &t) == OG_OK);
  fuzz_expect(og_topology_write(cx, store, key, &ends, t) == OG_OK);
  fuzz_expect(og_store_get(cx, store, key, 1u << 24, &bytes) == OG_OK);
  for (size_t i = 1; i + 3 <= size; i += 3) bytes.data[(data[i] | (size_t)data[i + 1] << 8) % bytes.len] = data[i + 2];
  if (data[0] & 1) repair(bytes.data, bytes.len);
  fuzz_expect(og_store_put(cx, store, key, og_buf_str(&bytes)) == OG_OK);
  for (int part = OG_TOPOLOGY_ALL; part <= OG_TOPOLOGY_IN; part++)
    read_part(cx, store, key, &ends, (og_topology_part)part);
  og_cached_unref(t);
  graph_cleanup(&g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fuzz_world w;
  og_store *store;
  og_cache *cache;
  if (size == 0) return 0;
  og_ctx *cx = fuzz_open(&w);
  fuzz_expect(og_cache_new(cx, 1u << 24, &cache) == OG_OK);
  fuzz_expect(og_store_memory_new(cx, &store) == OG_OK);
  one(cx, data, size, cache, store);
  og_store_unref(store);
  og_cache_free(cache);
  fuzz_close(&w);
  return 0;
}
