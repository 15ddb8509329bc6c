/* SPDX-License-Identifier: MIT */
/* graph/lineage.c -- where the logs of two states part.
 *
 * A branch's log begins as a clone of its parent's version k, so logs form a tree, and a state is a place in it: a
 * branch's incarnation and a version.  Two states have every version up to a last one in common.  This is about what
 * versions *physically* descend from, and thus what their tables share; which commits were merged is not asked.
 */
#include "graph/internal.h"

#include "base/limits.h"

typedef struct place {
  og_str branch;
  uint8_t incarnation[16];
  uint64_t version;
} place;

static bool same_log(const place *a, const place *b)
{
  return og_str_eq(a->branch, b->branch) && memcmp(a->incarnation, b->incarnation, 16) == 0;
}

/* The places a state stands on, its own first.  The chain ends early at an incarnation that the registry no longer
 * knows. */
static og_status list_places(og_ctx *cx, const og_fold *main_fold, const og_snapshot *s, og_vec *out)
{
  place at = {.branch = s->branch, .version = s->fold->version};
  memcpy(at.incarnation, s->incarnation, 16);
  for (;;) {
    og_branch_row row;
    bool found;
    OG_TRY(og_vec_add(cx, out, &at));
    if (at.branch.len == 0) return OG_OK;
    if (out->len > OG_LIMIT_TYPES) return og_fail(cx, OG_ECORRUPT, "the branch registry goes in a circle");
    OG_TRY(og_branch__get(cx, cx->arena, main_fold, at.branch, &row, &found));
    if (!found || memcmp(row.incarnation, at.incarnation, 16) != 0) return OG_OK;
    at = (place){.branch = row.parent, .version = row.k};
    memcpy(at.incarnation, row.parent_incarnation, 16);
  }
}

/* The last place on both ways. */
static bool last_common(const og_vec *a, const og_vec *b, place *out)
{
  for (size_t i = 0; i < a->len; i++)
    for (size_t k = 0; k < b->len; k++) {
      const place *x = &OG_VEC_AT(a, place, i), *y = &OG_VEC_AT(b, place, k);
      if (!same_log(x, y)) continue;
      *out = x->version < y->version ? *x : *y;
      return true;
    }
  return false;
}

static bool stands_at(const og_snapshot *s, const place *p)
{
  return og_str_eq(s->branch, p->branch) && memcmp(s->incarnation, p->incarnation, 16) == 0 &&
         s->fold->version == p->version;
}

/* A version that cleanup took is not needed to know it: what is left to compare is only more. */
static og_status load_place(og_ctx *cx, og_graph *g, const og_fold *main_fold, const place *p, og_fold **out)
{
  og_branch_row row = {.name = p->branch};
  og_vec ancestors = OG_VEC_INIT(og_str);
  bool found = true;
  og_status st = p->branch.len ? og_branch__get(cx, cx->arena, main_fold, p->branch, &row, &found) : OG_OK;
  if (st == OG_OK && p->branch.len) st = og_branch__ancestors(cx, cx->arena, main_fold, &row, &ancestors);
  if (st == OG_OK) st = og_fold_load(cx, g->store, p->branch, p->version, ancestors.data, ancestors.len, out);
  og_vec_cleanup(&ancestors);
  if (st != OG_ENOTFOUND && st != OG_EGONE) return st;
  og_error_clear(cx);
  *out = NULL;
  return OG_OK;
}

static og_status find_common(og_ctx *cx, const og_fold *main_fold, og_snapshot *a, og_snapshot *b, og_fold **out)
{
  place common;
  og_vec of_a = OG_VEC_INIT(place), of_b = OG_VEC_INIT(place);
  og_status st = list_places(cx, main_fold, a, &of_a);
  if (st == OG_OK) st = list_places(cx, main_fold, b, &of_b);
  if (st == OG_OK && last_common(&of_a, &of_b, &common)) {
    if (stands_at(a, &common))
      *out = og_fold_ref(a->fold);
    else if (stands_at(b, &common))
      *out = og_fold_ref(b->fold);
    else
      st = load_place(cx, a->graph, main_fold, &common, out);
  }
  og_vec_cleanup(&of_a);
  og_vec_cleanup(&of_b);
  return st;
}

og_status og_snapshot_common(og_ctx *cx, og_snapshot *a, og_snapshot *b, og_fold **out)
{
  og_fold *main_fold = NULL;
  og_branch_row unused;
  *out = NULL;
  OG_TRY(og_graph__pin(cx, a->graph, OG_STR_NONE, &main_fold, &unused));
  og_status st = find_common(cx, main_fold, a, b, out);
  og_fold_unref(main_fold);
  return st;
}
