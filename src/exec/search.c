/* SPDX-License-Identifier: MIT */
/* exec/search.c -- what a search expression is for one run.
 *
 * A search compares a property with something looked for: words, or a vector.  It is a value like any other, so it may
 * stand in a filter, under not and or, in a column and in an order; ranking is no mode of the executor but
 * a filter (which rows may rank) and an order by the score, which the planner writes (query/rank.c).
 *
 *  (1) Nothing here depends on what else the query has: a text matches, and a row scores, the same whatever the other
 *      filters are.  BM25 counts all live rows of the searched type in the snapshot.
 *  (2) Few rows are judged from their own text (match.c); many, and every score, from the words of the whole column
 *      (postings.c), which the handle's cache keeps per table version.  Both give the same answers.
 *  (3) Null is looked for nowhere and found nowhere: a null property, or a null search, gives null.  A search text
 *      without words (empty, or stop words only) matches nothing and scores 0.
 */
#include "exec/search_impl.h"

/* ---- life */

og_status og_search__sides(og_ctx *cx, og_run *run, const og_pexpr *field, og_search_side **out, uint32_t *n)
{
  const og_slot *slot = &run->plan->slots[field->slot];
  og_search_side *sides = og_push_array(cx, slot->n_types, sizeof *sides);
  if (!sides) return OG_ENOMEM;
  for (uint32_t t = 0; t < slot->n_types; t++) {
    const uint32_t at = t * slot->type->n_properties + (uint32_t)field->field;
    sides[t].field = slot->fields ? slot->fields[at] : field->field;
    OG_TRY(og_run__view(cx, run, slot->types[t], &sides[t].view));
  }
  *out = sides;
  *n = slot->n_types;
  return OG_OK;
}

static og_status open_one(og_ctx *cx, og_run *run, const og_pexpr *e, og_search *s)
{
  *s = (og_search){.e = e, .idle = OG_VEC_INIT(og_matcher *)};
  og_mutex_init(&s->lock);
  const og_pexpr *field = e->kind == OG_PX_NEAR_SET ? e->args[0]->args[0] : e->args[0];
  OG_TRY(og_search__sides(cx, run, field, &s->sides, &s->n_sides));
  switch (e->kind) {
  case OG_PX_TEXT:
  case OG_PX_BM25: return og_search__open_text(cx, run, s);
  default: return og_search__open_near(cx, run, s);
  }
}

static void close_one(og_search *s)
{
  if (!s->e) return;
  for (uint32_t i = 0; i < s->n_sides; i++) {
    og_hits *h = atomic_load_explicit(&s->sides[i].hits, memory_order_acquire);
    if (h) og_hits_cleanup(h);
    og_free(h);
    og_cached_unref(atomic_load_explicit(&s->sides[i].postings, memory_order_acquire));
  }
  for (size_t i = 0; i < s->idle.len; i++) {
    og_matcher *m = OG_VEC_AT(&s->idle, og_matcher *, i);
    og_matcher_cleanup(m);
    og_free(m);
  }
  og_vec_cleanup(&s->idle);
  og_terms_cleanup(&s->terms);
  og_mutex_cleanup(&s->lock);
}

og_status og_search_open(og_ctx *cx, og_run *run)
{
  const og_plan *plan = run->plan;
  if (plan->n_searches == 0) return OG_OK;
  run->search = og_push(cx, sizeof *run->search);
  if (!run->search) return OG_ENOMEM;
  *run->search = (og_searches){.list = og_push_array(cx, plan->n_searches, sizeof(og_search)), .n = plan->n_searches};
  if (!run->search->list) return OG_ENOMEM;
  for (uint32_t i = 0; i < plan->n_searches; i++) OG_TRY(open_one(cx, run, plan->searches[i], &run->search->list[i]));
  /* Their filters may be searches themselves. */
  for (uint32_t i = 0; i < plan->n_searches; i++)
    if (plan->searches[i]->kind == OG_PX_NEAR_SET) OG_TRY(og_search__near_set(cx, run, &run->search->list[i]));
  return OG_OK;
}

void og_search_close(og_run *run)
{
  if (!run->search || !run->search->list) return;
  for (uint32_t i = 0; i < run->search->n; i++) close_one(&run->search->list[i]);
  run->search = NULL;
}

/* ---- values */

og_status og_search_value(og_ctx *cx, og_run *run, const og_pexpr *e, const uint64_t *slots, og_scalar *out)
{
  og_search *s = &run->search->list[e->search];
  switch (e->kind) {
  case OG_PX_TEXT: return og_search__text(cx, run, s, slots, out);
  case OG_PX_BM25: return og_search__bm25(cx, run, s, slots, out);
  case OG_PX_NEAREST: return og_search__nearest(cx, s, slots, out);
  default: break;
  }
  const uint64_t row = slots[e->args[0]->args[0]->slot];
  const og_hits *h = row == OG_ROW_NONE ? NULL
                                        : atomic_load_explicit(&s->sides[og_row_type(row)].hits, memory_order_acquire);
  *out = (og_scalar){.type = og_type_of(OG_TYPE_BOOL), .v.b = h && og_hits_has(h, og_row_offset(row))};
  return OG_OK;
}

og_status og_search_found(og_ctx *cx, og_run *run, const og_pexpr *e, uint32_t type, const og_hits **out)
{
  *out = NULL;
  if (e->kind != OG_PX_TEXT && e->kind != OG_PX_NEAR_SET) return OG_OK;
  og_search *s = &run->search->list[e->search];
  if (e->kind == OG_PX_TEXT) return og_search__text_found(cx, run, s, &s->sides[type], out);
  *out = atomic_load_explicit(&s->sides[type].hits, memory_order_acquire);
  return OG_OK;
}

og_status og_search_select(og_ctx *cx, og_run *run, const og_pexpr *e, uint32_t slot, uint32_t type, uint32_t *sel,
                           size_t *n)
{
  og_search *s = &run->search->list[e->search];
  if (e->kind == OG_PX_TEXT) return og_search__select_text(cx, run, s, slot, type, sel, n);
  const og_hits *h = atomic_load_explicit(&s->sides[type].hits, memory_order_acquire);
  size_t kept = 0;
  for (size_t i = 0; i < *n; i++)
    if (h && og_hits_has(h, sel[i])) sel[kept++] = sel[i];
  *n = kept;
  return OG_OK;
}
