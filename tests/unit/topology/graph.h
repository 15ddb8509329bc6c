/* SPDX-License-Identifier: MIT */
/* topology/graph.h -- random tables of nodes and edges, decoded, for tests of what is derived from them. */
#pragma once

#include "arrow/builder.h"
#include "topology/csr.h"

#include <stdio.h>
#include <stdlib.h>

#define GRAPH_NEED(ok)                                                                                                 \
  do {                                                                                                                 \
    if (!(ok)) abort();                                                                                                \
  } while (0)

static inline uint32_t graph_next(uint32_t *x)
{
  return (*x = *x * 1664525u + 1013904223u) >> 8;
}

static inline og_str graph_name(char text[16], uint32_t i)
{
  return og_str_from(text, (size_t)snprintf(text, 16, "n%u", i));
}

typedef struct graph {
  uint32_t nodes, edges;
  uint32_t *from, *to; /* number of a node; one of those >= nodes is nobody's */
  uint8_t *node_deleted, *edge_deleted;
  og_decoded node_table, edge_table;
} graph;

static inline og_column *graph_strings(og_ctx *cx, const uint32_t *numbers, uint32_t n)
{
  og_column *out;
  og_builder *b;
  char text[16];
  const og_field field = {.name = OG_STR("id"), .type = og_type_of(OG_TYPE_UTF8)};
  GRAPH_NEED(og_builder_new(cx, &field, &b) == OG_OK);
  for (uint32_t i = 0; i < n; i++)
    GRAPH_NEED(og_builder_str(cx, b, graph_name(text, numbers ? numbers[i] : i)) == OG_OK);
  GRAPH_NEED(og_builder_finish(cx, b, &out) == OG_OK);
  og_builder_free(b);
  return out;
}

static inline void graph_table_init(og_ctx *cx, og_cache *cache, og_decoded *d, uint32_t rows, const uint8_t *deleted,
                                    og_str name)
{
  *d = (og_decoded){.cache = cache, .rows = rows, .deleted = deleted, .n_columns = 3, .name = name, .family = name.len};
  d->columns = og_calloc(cx, 3, sizeof *d->columns);
  GRAPH_NEED(d->columns != NULL);
}

static inline void graph_init(og_ctx *cx, og_cache *cache, uint32_t seed, graph *g)
{
  uint32_t x = seed;
  g->nodes = 1 + graph_next(&x) % 60;
  g->edges = graph_next(&x) % 400;
  g->from = og_calloc(cx, g->edges + 1, sizeof *g->from);
  g->to = og_calloc(cx, g->edges + 1, sizeof *g->to);
  g->node_deleted = og_calloc(cx, g->nodes / 8 + 1, 1);
  g->edge_deleted = og_calloc(cx, g->edges / 8 + 1, 1);
  for (uint32_t i = 0; i < g->edges; i++) {
    g->from[i] = graph_next(&x) % (g->nodes + 2);
    g->to[i] = graph_next(&x) % (g->nodes + 2);
    if (graph_next(&x) % 8 == 0) og_bit_set(g->edge_deleted, i);
  }
  for (uint32_t i = 0; i < g->nodes; i++)
    if (graph_next(&x) % 8 == 0) og_bit_set(g->node_deleted, i);
  graph_table_init(cx, cache, &g->node_table, g->nodes, g->node_deleted, OG_STR("nodes"));
  graph_table_init(cx, cache, &g->edge_table, g->edges, g->edge_deleted, OG_STR("edges"));
  g->node_table.columns[0] = graph_strings(cx, NULL, g->nodes);
  g->edge_table.columns[1] = graph_strings(cx, g->from, g->edges);
  g->edge_table.columns[2] = graph_strings(cx, g->to, g->edges);
}

static inline void graph_table_cleanup(og_decoded *d)
{
  for (uint32_t i = 0; i < d->n_columns; i++) og_column_unref(d->columns[i]);
  og_ids_free(d->ids);
  og_free(d->columns);
}

static inline void graph_cleanup(graph *g)
{
  graph_table_cleanup(&g->node_table);
  graph_table_cleanup(&g->edge_table);
  og_free(g->from);
  og_free(g->to);
  og_free(g->node_deleted);
  og_free(g->edge_deleted);
}
