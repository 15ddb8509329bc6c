/* SPDX-License-Identifier: MIT */
/* write/merge_rows.c -- the truth table: what becomes of each row that the source changed. */
#include "write/merge_impl.h"

#include <stdarg.h>
#include <stdio.h>

og_status og_merge__conflict(og_ctx *cx, og_merge__job *j, const og_type_def *type, og_conflict_kind kind,
                             og_str entity_id, const char *fmt, ...)
{
  char text[1024];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  const size_t bad = og_utf8_check(og_str_of(text)); /* a long id was cut in the middle of a character */
  if (bad != SIZE_MAX) text[bad] = '\0';
  og_merge_conflict *c = og_vec_push(cx, &j->conflicts);
  if (!c) return OG_ENOMEM;
  *c = (og_merge_conflict){.kind = kind, .is_edge = type->is_edge};
  OG_TRY(og_arena_str(cx, cx->arena, type->name, &c->type_name));
  if (entity_id.ptr) OG_TRY(og_arena_str(cx, cx->arena, entity_id, &c->entity_id));
  return og_arena_str(cx, cx->arena, og_str_of(text), &c->message);
}

const og_merge__row *og_merge__row_of(const og_merge__table *t, og_str id)
{
  size_t lo = 0, hi = t->rows.len;
  while (lo < hi) {
    const size_t mid = lo + (hi - lo) / 2;
    const og_merge__row *r = &OG_VEC_AT(&t->rows, og_merge__row, mid);
    const int c = og_str_cmp(r->id, id);
    if (c == 0) return r;
    if (c < 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  return NULL;
}

/* A row that only the source changed, or whose image the source's is to be: `ours` NULL: the target's is the base's. */
static og_status take_source(og_ctx *cx, og_merge__table *t, const og_delta_row *theirs, const og_delta_row *ours,
                             bool *from_target)
{
  const bool in_target = ours ? ours->op != OG_DELTA_DELETE : theirs->op != OG_DELTA_INSERT;
  const og_merge__row row = {.id = theirs->id,
                             .op = theirs->op == OG_DELTA_DELETE ? OG_DELTA_DELETE
                                   : in_target                   ? OG_DELTA_UPDATE
                                                                 : OG_DELTA_INSERT,
                             .from_source = theirs->to,
                             .in_base = theirs->from,
                             .in_target = ours ? ours->to : OG_DELTA_NOWHERE,
                             .from_target = from_target};
  return og_vec_add(cx, &t->rows, &row);
}

/* ---- rows that both changed */

/* With `fields`: the columns that keep the target's value.  *clash names one that went two ways. */
static og_status split_fields(og_ctx *cx, const og_merge__job *j, const og_merge__table *t, const og_delta_row *theirs,
                              const og_delta_row *ours, bool **from_target, og_str *clash)
{
  const uint32_t n = og_lance_table_schema(t->target)->arrow->n_fields;
  const og_merge_prefer prefer = j->merge->prefer;
  *clash = OG_STR_NONE;
  *from_target = og_push_array(cx, (size_t)n + 1, sizeof **from_target);
  if (!*from_target) return OG_ENOMEM;
  for (uint32_t i = 0; i < n; i++) {
    const og_delta_column same = {i, i};
    bool source_kept, target_kept, equal;
    const og_delta_pairs in_source = {t->base, t->source, &same, 1, &theirs->from, &theirs->to, 1},
                         in_target = {t->base, t->target, &same, 1, &ours->from, &ours->to, 1},
                         in_both = {t->source, t->target, &same, 1, &theirs->to, &ours->to, 1};
    OG_TRY(og_delta_equal_rows(cx, &in_source, &source_kept));
    OG_TRY(og_delta_equal_rows(cx, &in_target, &target_kept));
    (*from_target)[i] = source_kept;
    if (source_kept || target_kept) continue;
    OG_TRY(og_delta_equal_rows(cx, &in_both, &equal));
    if (!equal && prefer == OG_MERGE_ASK) *clash = og_lance_table_schema(t->target)->arrow->fields[i].name;
    (*from_target)[i] = prefer == OG_MERGE_OURS;
  }
  return OG_OK;
}

static og_status diverged(og_ctx *cx, og_merge__job *j, og_merge__table *t, const og_delta_row *theirs,
                          const og_delta_row *ours)
{
  const char *const what = t->type->is_edge ? "edge" : "node";
  bool *from_target = NULL;
  og_str clash = OG_STR_NONE;
  const bool both_updated = theirs->op == OG_DELTA_UPDATE && ours->op == OG_DELTA_UPDATE;
  if (j->merge->fields && both_updated) {
    OG_TRY(split_fields(cx, j, t, theirs, ours, &from_target, &clash));
    if (!clash.ptr) return take_source(cx, t, theirs, ours, from_target);
    return og_merge__conflict(cx, j, t->type, OG_CONFLICT_DIVERGENT_UPDATE, theirs->id,
                              "%s '" OG_STR_FMT "': both branches changed '" OG_STR_FMT "', in different ways", what,
                              OG_STR_ARG(theirs->id), OG_STR_ARG(clash));
  }
  if (j->merge->prefer == OG_MERGE_OURS) return OG_OK;
  if (j->merge->prefer == OG_MERGE_THEIRS) return take_source(cx, t, theirs, ours, NULL);
  if (both_updated)
    return og_merge__conflict(cx, j, t->type, OG_CONFLICT_DIVERGENT_UPDATE, theirs->id,
                              "%s '" OG_STR_FMT "' was updated on both branches, in different ways", what,
                              OG_STR_ARG(theirs->id));
  if (theirs->op == OG_DELTA_INSERT)
    return og_merge__conflict(cx, j, t->type, OG_CONFLICT_DIVERGENT_INSERT, theirs->id,
                              "%s '" OG_STR_FMT "' was inserted on both branches, with different values", what,
                              OG_STR_ARG(theirs->id));
  return og_merge__conflict(cx, j, t->type, OG_CONFLICT_DELETE_VS_UPDATE, theirs->id,
                            "%s '" OG_STR_FMT "' was deleted on the %s and updated on the %s", what,
                            OG_STR_ARG(theirs->id), theirs->op == OG_DELTA_DELETE ? "source" : "target",
                            theirs->op == OG_DELTA_DELETE ? "target" : "source");
}

#define PAIRS_AT_ONCE 1024

typedef struct pairs {
  const og_delta_row *theirs[PAIRS_AT_ONCE], *ours[PAIRS_AT_ONCE];
  uint64_t in_source[PAIRS_AT_ONCE], in_target[PAIRS_AT_ONCE];
  bool equal[PAIRS_AT_ONCE];
  size_t n;
} pairs;

/* Identical edits agree; the others diverged. */
static og_status flush_pairs(og_ctx *cx, og_merge__job *j, og_merge__table *t, pairs *p)
{
  og_delta_column *columns;
  uint32_t n;
  if (p->n == 0) return OG_OK;
  OG_TRY(og_delta_pair_columns(cx, cx->arena, t->source, t->target, &columns, &n));
  const og_delta_pairs all = {t->source, t->target, columns, n, p->in_source, p->in_target, p->n};
  OG_TRY(og_delta_equal_rows(cx, &all, p->equal));
  for (size_t i = 0; i < p->n; i++)
    if (!p->equal[i]) OG_TRY(diverged(cx, j, t, p->theirs[i], p->ours[i]));
  p->n = 0;
  return OG_OK;
}

static og_status both_changed(og_ctx *cx, og_merge__job *j, og_merge__table *t, const og_delta_row *theirs,
                              const og_delta_row *ours, pairs *p)
{
  if (theirs->op == OG_DELTA_DELETE && ours->op == OG_DELTA_DELETE) return OG_OK;
  if (theirs->op == OG_DELTA_DELETE || ours->op == OG_DELTA_DELETE) return diverged(cx, j, t, theirs, ours);
  p->theirs[p->n] = theirs;
  p->ours[p->n] = ours;
  p->in_source[p->n] = theirs->to;
  p->in_target[p->n++] = ours->to;
  return p->n == PAIRS_AT_ONCE ? flush_pairs(cx, j, t, p) : OG_OK;
}

static int by_id(const void *a, const void *b, void *arg)
{
  (void)arg;
  return og_str_cmp(((const og_merge__row *)a)->id, ((const og_merge__row *)b)->id);
}

static og_status decide_all(og_ctx *cx, og_merge__job *j, og_merge__table *t, const og_delta *theirs,
                            const og_delta *ours, pairs *p)
{
  size_t k = 0; /* both are ascending by id */
  for (size_t i = 0; i < theirs->n_rows; i++) {
    const og_delta_row *r = &theirs->rows[i];
    while (k < ours->n_rows && og_str_cmp(ours->rows[k].id, r->id) < 0) k++;
    if (k < ours->n_rows && og_str_eq(ours->rows[k].id, r->id))
      OG_TRY(both_changed(cx, j, t, r, &ours->rows[k], p));
    else
      OG_TRY(take_source(cx, t, r, NULL, NULL));
  }
  OG_TRY(flush_pairs(cx, j, t, p));
  return og_sort(cx, t->rows.data, t->rows.len, sizeof(og_merge__row), by_id, NULL);
}

og_status og_merge__decide(og_ctx *cx, og_merge__job *j, og_merge__table *t)
{
  const og_delta *theirs, *ours;
  if (!t->source_moved) return OG_OK;
  OG_TRY(og_merge__theirs(cx, j, t, &theirs));
  if (theirs->n_rows == 0) return OG_OK;
  OG_TRY(og_merge__ours(cx, j, t, &ours));
  pairs *p = og_zalloc(cx, sizeof *p);
  if (!p) return OG_ENOMEM;
  og_status st = decide_all(cx, j, t, theirs, ours, p);
  og_free(p);
  return st;
}
