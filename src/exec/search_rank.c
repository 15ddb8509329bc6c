/* SPDX-License-Identifier: MIT */
/* exec/search_rank.c -- rrf(): two rankings made one (Cormack, Clarke and Buettcher 2009).
 *
 * Each arm ranks the rows that belong to it, best first, ties by id.  What is ranked are the rows of one variable, the
 * one that the first arm is about: its rank in an arm is the place of the first row it appears in.  The score is the
 * sum of 1 / (k + rank) over the arms it is in.  Equal scores keep the order of the first arm, then what only the
 * second has.  As many as the answer may have rows stay, each with all its rows of the first arm that has it.
 */
#include "exec/search_impl.h"

typedef struct ranked {
  uint64_t rank[2]; /* from 1; 0: not in that arm */
  double score;
  uint64_t first; /* among the rows of the arm it is taken from: linked by `next` */
  uint64_t last;
} ranked;

typedef struct fusion {
  og_umap numbers; /* row of the variable -> number in `all`, plus 1 */
  og_vec all;      /* ranked, by first appearance */
  uint64_t *next;  /* per row of the answer: the next of the same; UINT64_MAX: last */
} fusion;

static og_status members(og_ctx *cx, og_run *run, const og_plan_arm *arm, uint64_t *rows, size_t *n)
{
  const uint64_t *all = run->out.data;
  *n = 0;
  for (uint64_t i = 0; i < run->n_out; i++) {
    bool in;
    if ((i & 0xFFFF) == 0) OG_TRY(og_ctx_poll(cx));
    OG_TRY(og_run__holds(cx, run, arm->member, all + i * run->plan->n_slots, &in));
    if (in) rows[(*n)++] = i;
  }
  return OG_OK;
}

static og_status note(og_ctx *cx, og_run *run, fusion *f, unsigned arm, uint64_t row, uint64_t *place)
{
  const uint64_t *all = run->out.data;
  const uint64_t entity = all[row * run->plan->n_slots + run->plan->rrf->slot];
  bool was_new;
  if (entity == OG_ROW_NONE) return OG_OK;
  uint64_t *number = og_umap_at(cx, &f->numbers, entity, &was_new);
  if (!number) return OG_ENOMEM;
  if (was_new) {
    const ranked fresh = {.first = UINT64_MAX};
    OG_TRY(og_vec_add(cx, &f->all, &fresh));
    *number = f->all.len;
  }
  ranked *r = &OG_VEC_AT(&f->all, ranked, *number - 1);
  if (r->rank[arm] == 0) r->rank[arm] = ++*place;
  if (arm == 1 && r->rank[0]) return OG_OK; /* its rows are the first arm's */
  f->next[row] = UINT64_MAX;
  if (r->first == UINT64_MAX)
    r->first = row;
  else
    f->next[r->last] = row;
  r->last = row;
  return OG_OK;
}

static og_status rank_arm(og_ctx *cx, og_run *run, fusion *f, unsigned arm, uint64_t *rows)
{
  const og_plan_arm *a = &run->plan->rrf->arms[arm];
  const og_plan_order by = {.expr = a->score, .desc = a->desc};
  uint64_t place = 0;
  size_t n;
  OG_TRY(members(cx, run, a, rows, &n));
  OG_TRY(og_run__sort(cx, run, &by, 1, rows, n));
  for (size_t i = 0; i < n; i++) OG_TRY(note(cx, run, f, arm, rows[i], &place));
  return OG_OK;
}

static og_status k_of(og_ctx *cx, og_run *run, double *out)
{
  const og_plan_rrf *rrf = run->plan->rrf;
  og_scalar v;
  *out = 60;
  if (!rrf->k) return OG_OK;
  OG_TRY(og_run__value(cx, run, rrf->k, NULL, &v));
  const bool is_unsigned = v.type.id == OG_TYPE_U32 || v.type.id == OG_TYPE_U64;
  *out = is_unsigned ? (double)v.v.u : (double)v.v.i;
  if (!v.is_null && *out > 0) return OG_OK;
  return og_source_fail(cx, OG_EINVALID, run->plan->source, rrf->k->span, OG_STR_NONE,
                        "execution error: T21: the third operand of rrf must be an integer above 0");
}

static int by_score(const void *a, const void *b, void *arg)
{
  (void)arg;
  const double x = ((const ranked *)a)->score, y = ((const ranked *)b)->score;
  return (x < y) - (x > y);
}

static og_status fuse(og_ctx *cx, og_run *run, fusion *f, uint64_t *order, size_t *n)
{
  uint64_t offset, limit;
  double k;
  OG_TRY(k_of(cx, run, &k));
  OG_TRY(og_plan_window(cx, run->plan, run->values, &offset, &limit));
  for (unsigned arm = 0; arm < 2; arm++) OG_TRY(rank_arm(cx, run, f, arm, order));
  for (size_t i = 0; i < f->all.len; i++) {
    ranked *r = &OG_VEC_AT(&f->all, ranked, i);
    for (unsigned arm = 0; arm < 2; arm++)
      if (r->rank[arm]) r->score += 1.0 / (k + (double)r->rank[arm]);
  }
  OG_TRY(og_sort(cx, f->all.data, f->all.len, sizeof(ranked), by_score, NULL));
  *n = 0;
  for (size_t i = 0; i < f->all.len && (limit > UINT64_MAX - offset || i < offset + limit); i++)
    for (uint64_t row = OG_VEC_AT(&f->all, ranked, i).first; row != UINT64_MAX; row = f->next[row]) order[(*n)++] = row;
  return OG_OK;
}

og_status og_search_rrf(og_ctx *cx, og_run *run, uint64_t *order, size_t *n)
{
  fusion f = {.all = OG_VEC_INIT(ranked), .next = og_calloc(cx, (size_t)run->n_out + 1, sizeof *f.next)};
  og_umap_init(&f.numbers);
  const og_status st = f.next ? fuse(cx, run, &f, order, n) : OG_ENOMEM;
  og_map_cleanup(&f.numbers);
  og_vec_cleanup(&f.all);
  og_free(f.next);
  return st;
}
