/* SPDX-License-Identifier: MIT */
#include "exec/hops.h"

#include "arrow/column.h"

void og_hops_cleanup(og_hops *w)
{
  og_vec_cleanup(&w->reached);
  og_vec_cleanup(&w->met);
  og_free(w->marks);
  *w = (og_hops){0};
}

static og_status begin(og_ctx *cx, og_hops *w, const og_csr *c, uint32_t start)
{
  if (!w->marks) {
    w->reached = w->met = OG_VEC_INIT(uint32_t);
    w->marks = og_calloc(cx, c->n / 8 + 8, 1);
    if (!w->marks) return OG_ENOMEM;
  }
  for (size_t i = 0; i < w->met.len; i++) og_bit_clear(w->marks, OG_VEC_AT(&w->met, uint32_t, i));
  og_vec_clear(&w->met);
  og_vec_clear(&w->reached);
  OG_TRY(og_vec_add(cx, &w->met, &start));
  og_bit_set(w->marks, start);
  return OG_OK;
}

/* Nodes next to u that were not met are met now. */
static og_status hop_from(og_ctx *cx, og_hops *w, const og_csr *c, uint32_t u, bool counts, bool loops_count)
{
  uint64_t from = c->first[u], to = c->first[u + 1];
  OG_TRY(og_vec_reserve(cx, &w->met, (size_t)(to - from)));
  if (counts) OG_TRY(og_vec_reserve(cx, &w->reached, (size_t)(to - from)));
  uint32_t *met = w->met.data, *reached = w->reached.data;
  size_t n_met = w->met.len, n_reached = w->reached.len;
  for (uint64_t k = from; k < to; k++) {
    uint32_t x = c->targets[k];
    if (x == u && loops_count) reached[n_reached++] = x;
    if (og_bit_get(w->marks, x)) continue;
    og_bit_set(w->marks, x);
    met[n_met++] = x;
    if (counts) reached[n_reached++] = x;
  }
  w->met.len = n_met;
  w->reached.len = n_reached;
  return OG_OK;
}

static bool has_loop(const og_csr *c, uint32_t u)
{
  for (uint64_t k = c->first[u]; c->loops && k < c->first[u + 1]; k++)
    if (c->targets[k] == u) return true;
  return false;
}

/* A node counts by its shortest distance.  The only way to meet a node again is its own loop: hop h finds u, at
 * distance h - 1, by u's loop, and u counts then unless it has before, which is to say only if h is the first hop that
 * counts. Backwards, the loop is that of the node where all walks end. */
og_status og_hops_from(og_ctx *cx, og_hops *w, const og_csr *c, uint32_t start, og_hop_range hops)
{
  size_t from = 0;
  OG_TRY(begin(cx, w, c, start));
  bool ends_in_loop = hops.backwards && has_loop(c, start);
  if (ends_in_loop && hops.min == 1) OG_TRY(og_vec_add(cx, &w->reached, &start));
  for (uint32_t hop = 1; hop <= hops.max && from < w->met.len; hop++) {
    size_t to = w->met.len;
    bool counts = hop >= hops.min || (ends_in_loop && hop + 1 == hops.min);
    OG_TRY(og_ctx_poll(cx));
    for (size_t i = from; i < to; i++)
      OG_TRY(hop_from(cx, w, c, OG_VEC_AT(&w->met, uint32_t, i), counts, hop == hops.min && !hops.backwards));
    from = to;
  }
  return OG_OK;
}
