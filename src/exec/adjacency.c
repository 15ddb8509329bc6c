/* SPDX-License-Identifier: MIT */
/* exec/adjacency.c -- what a run holds of the topology of its edge types. */
#include "exec/run.h"

static og_status entry_of(og_ctx *cx, og_run *run, const og_type_def *edge, og_adjacency **out)
{
  for (size_t i = 0; i < run->adjacencies.len; i++) {
    *out = &OG_VEC_AT(&run->adjacencies, og_adjacency, i);
    if ((*out)->edge == edge) return OG_OK;
  }
  *out = og_vec_push(cx, &run->adjacencies);
  if (!*out) return OG_ENOMEM;
  (*out)->edge = edge;
  return OG_OK;
}

static og_status ends_of(og_ctx *cx, og_run *run, const og_type_def *edge, og_ends *out)
{
  og_view *edges, *from, *to;
  const og_catalog *c = run->snapshot->catalog;
  OG_TRY(og_run__view(cx, run, edge, &edges));
  OG_TRY(og_run__view(cx, run, og_edge_from(c, edge), &from));
  OG_TRY(og_run__view(cx, run, og_edge_to(c, edge), &to));
  *out = (og_ends){.edges = edges->data,
                   .from = from->data,
                   .to = to->data,
                   .src = og_type_column(edge, OG_FIELD_SRC),
                   .dst = og_type_column(edge, OG_FIELD_DST),
                   .store = og_graph_store(run->snapshot->graph),
                   .keep = !og_graph_is_read_only(run->snapshot->graph)};
  return OG_OK;
}

og_status og_run__topology(og_ctx *cx, og_run *run, const og_type_def *edge, const og_topology **out)
{
  og_ends ends;
  og_adjacency *a;
  OG_TRY(entry_of(cx, run, edge, &a));
  if (!a->edges) {
    OG_TRY(ends_of(cx, run, edge, &ends));
    OG_TRY_NOTE(cx, og_topology_get(cx, og_graph_cache(run->snapshot->graph), &ends, &a->edges),
                "while reading the edges '" OG_STR_FMT "'", OG_STR_ARG(edge->name));
  }
  *out = a->edges;
  return OG_OK;
}

og_status og_run__neighbours(og_ctx *cx, og_run *run, const og_type_def *edge, og_way way, const og_csr **out)
{
  og_ends ends;
  og_adjacency *a;
  OG_TRY(entry_of(cx, run, edge, &a));
  if (!a->sets[way]) {
    OG_TRY(ends_of(cx, run, edge, &ends));
    OG_TRY_NOTE(cx, og_neighbours_get(cx, og_graph_cache(run->snapshot->graph), &ends, way, &a->sets[way]),
                "while reading the edges '" OG_STR_FMT "'", OG_STR_ARG(edge->name));
  }
  *out = &a->sets[way]->csr;
  return OG_OK;
}

void og_run__forget_adjacency(og_run *run)
{
  for (size_t i = 0; i < run->adjacencies.len; i++) {
    og_adjacency *a = &OG_VEC_AT(&run->adjacencies, og_adjacency, i);
    og_cached_unref(a->edges);
    for (size_t way = 0; way < OG_ARRAY_LEN(a->sets); way++) og_cached_unref(a->sets[way]);
  }
  og_vec_cleanup(&run->adjacencies);
}

og_status og_exec_keep_adjacency(og_ctx *cx, og_snapshot *snapshot)
{
  og_run run = {.snapshot = snapshot, .all_views = OG_VEC_INIT(og_view *), .adjacencies = OG_VEC_INIT(og_adjacency)};
  og_status st = OG_OK;
  for (uint32_t i = 0; st == OG_OK && i < snapshot->catalog->n_edges; i++) {
    og_ends ends;
    st = ends_of(cx, &run, &snapshot->catalog->edges[i], &ends);
    if (st == OG_OK) st = og_topology_keep(cx, og_graph_cache(snapshot->graph), &ends);
  }
  og_run__forget_adjacency(&run);
  for (size_t i = 0; i < run.all_views.len; i++) og_view_free(OG_VEC_AT(&run.all_views, og_view *, i));
  og_vec_cleanup(&run.all_views);
  return st;
}
