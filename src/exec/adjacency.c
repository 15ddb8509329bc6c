/* SPDX-License-Identifier: MIT */
/* exec/adjacency.c -- neighbours as arrays: one counting pass, one filling pass (compressed sparse rows).
 *
 * String ids appear only here: each endpoint of a live edge is looked up once among the ids of its node type.  Edges of
 * one source keep the order of their rows.
 */
#include "exec/run.h"

typedef struct ends {
  uint64_t *from, *to; /* per edge row; UINT64_MAX: no such node, or the edge is deleted */
} ends;

static og_status resolve(og_ctx *cx, og_view *edges, og_view *nodes, int32_t field, uint64_t *out)
{
  const og_column *c;
  OG_TRY(og_view_ids(cx, nodes));
  OG_TRY(og_view_column(cx, edges, field, &c));
  for (uint64_t i = 0; i < edges->rows; i++) {
    if ((i & 0xFFFF) == 0) OG_TRY(og_ctx_poll(cx));
    bool found = og_view_is_live(edges, i) && og_map_get(&nodes->ids, og_column_str(c, (int64_t)i), &out[i]);
    if (!found) out[i] = UINT64_MAX;
  }
  return OG_OK;
}

static bool is_edge(const ends *e, uint64_t i)
{
  return e->from[i] != UINT64_MAX && e->to[i] != UINT64_MAX;
}

static og_status fill(og_ctx *cx, const ends *e, uint64_t n_edges, uint64_t n_from, og_adjacency *out)
{
  out->first = og_calloc(cx, n_from + 2, sizeof *out->first);
  if (!out->first) return OG_ENOMEM;
  for (uint64_t i = 0; i < n_edges; i++)
    if (is_edge(e, i)) out->first[e->from[i] + 2]++;
  for (uint64_t v = 2; v < n_from + 2; v++) out->first[v] += out->first[v - 1];
  uint64_t total = out->first[n_from + 1];
  out->targets = og_calloc(cx, total + 1, sizeof *out->targets);
  out->edges = og_calloc(cx, total + 1, sizeof *out->edges);
  if (!out->targets || !out->edges) return OG_ENOMEM;
  /* first[v + 1] runs from the start of v's range to its end, and is then what it has to be. */
  for (uint64_t i = 0; i < n_edges; i++) {
    if (!is_edge(e, i)) continue;
    uint64_t at = out->first[e->from[i] + 1]++;
    out->targets[at] = e->to[i];
    out->edges[at] = i;
  }
  return OG_OK;
}

static og_status build(og_ctx *cx, og_run *run, og_adjacency *a)
{
  og_view *edges, *from, *to;
  const og_catalog *c = run->snapshot->catalog;
  OG_TRY(og_run__view(cx, run, a->edge, &edges));
  OG_TRY(og_run__view(cx, run, a->reverse ? og_edge_to(c, a->edge) : og_edge_from(c, a->edge), &from));
  OG_TRY(og_run__view(cx, run, a->reverse ? og_edge_from(c, a->edge) : og_edge_to(c, a->edge), &to));
  ends e = {og_calloc(cx, edges->rows + 1, sizeof(uint64_t)), og_calloc(cx, edges->rows + 1, sizeof(uint64_t))};
  og_status st = e.from && e.to ? OG_OK : OG_ENOMEM;
  if (st == OG_OK) st = resolve(cx, edges, from, a->reverse ? OG_FIELD_DST : OG_FIELD_SRC, e.from);
  if (st == OG_OK) st = resolve(cx, edges, to, a->reverse ? OG_FIELD_SRC : OG_FIELD_DST, e.to);
  if (st == OG_OK) st = fill(cx, &e, edges->rows, from->rows, a);
  og_free(e.from);
  og_free(e.to);
  return st;
}

og_status og_run__adjacency(og_ctx *cx, og_run *run, const og_type_def *edge, bool reverse, const og_adjacency **out)
{
  for (size_t i = 0; i < run->adjacencies.len; i++) {
    *out = OG_VEC_AT(&run->adjacencies, og_adjacency *, i);
    if ((*out)->edge == edge && (*out)->reverse == reverse) return OG_OK;
  }
  og_adjacency *a = og_zalloc(cx, sizeof *a);
  if (!a) return OG_ENOMEM;
  a->edge = edge;
  a->reverse = reverse;
  og_status st = og_vec_add(cx, &run->adjacencies, &a);
  if (st != OG_OK) {
    og_free(a);
    return st;
  }
  OG_TRY_NOTE(cx, build(cx, run, a), "while reading the edges '" OG_STR_FMT "'", OG_STR_ARG(edge->name));
  *out = a;
  return OG_OK;
}
