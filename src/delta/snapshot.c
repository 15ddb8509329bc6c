/* SPDX-License-Identifier: MIT */
/* delta/snapshot.c -- the difference of two states of a graph: its tables, paired by identity.
 *
 * A table that both states name by one version of one branch is the same; no manifest of it is opened.  For the others
 * the version that both descend from is looked up in the log: where the two branches part (graph/lineage.c).
 */
#include "delta/delta.h"

static bool same_state(const og_table_state *a, const og_table_state *b)
{
  return a->version == b->version && og_str_eq(a->branch, b->branch) && og_str_eq(a->uuid, b->uuid);
}

/* Versions that another engine published tell nothing about descent: it may let a branch point at another's table. */
static uint64_t common_version(const og_fold *common, const og_table_state *from, const og_table_state *to)
{
  const og_table_state *base = common ? og_fold_table(common, from->table_id, from->incarnation) : NULL;
  return base && base->uuid.len && from->uuid.len && to->uuid.len ? base->version : 0;
}

static const og_type_def *with_identity(const og_type_def *types, uint32_t n, const og_table_state *t)
{
  for (uint32_t i = 0; i < n; i++)
    if (types[i].id == t->table_id && types[i].incarnation == t->incarnation) return &types[i];
  return NULL;
}

/* By identity: the state may be older than the type's name. */
static const og_type_def *type_of(const og_snapshot *s, const og_table_state *t)
{
  if (!t) return NULL;
  const og_type_def *node = with_identity(s->catalog->nodes, s->catalog->n_nodes, t);
  return node ? node : with_identity(s->catalog->edges, s->catalog->n_edges, t);
}

static og_status add(og_ctx *cx, og_snapshot *from, og_snapshot *to, const og_table_state *a, const og_table_state *b,
                     og_vec *out)
{
  const og_table_state *any = b ? b : a;
  const og_delta_table t = {any->table_id, any->incarnation, type_of(from, a), type_of(to, b), a, b, 0};
  return og_vec_add(cx, out, &t);
}

static int by_name(const void *a, const void *b, void *arg)
{
  (void)arg;
  const og_delta_table *x = a, *y = b;
  const int c = og_str_cmp((x->to ? x->to : x->from)->key, (y->to ? y->to : y->from)->key);
  if (c) return c;
  if (x->id != y->id) return x->id < y->id ? -1 : 1;
  return x->incarnation < y->incarnation ? -1 : x->incarnation > y->incarnation;
}

static og_status pair_tables(og_ctx *cx, og_snapshot *from, og_snapshot *to, og_vec *out)
{
  for (uint32_t i = 0; i < from->fold->n_tables; i++) {
    const og_table_state *a = &from->fold->tables[i], *b = og_fold_table(to->fold, a->table_id, a->incarnation);
    if (!b || !same_state(a, b)) OG_TRY(add(cx, from, to, a, b, out));
  }
  for (uint32_t i = 0; i < to->fold->n_tables; i++) {
    const og_table_state *b = &to->fold->tables[i];
    if (!og_fold_table(from->fold, b->table_id, b->incarnation)) OG_TRY(add(cx, from, to, NULL, b, out));
  }
  return og_sort(cx, out->data, out->len, sizeof(og_delta_table), by_name, NULL);
}

og_status og_delta_snapshots(og_ctx *cx, og_snapshot *from, og_snapshot *to, og_vec *out)
{
  og_fold *common = NULL;
  OG_TRY(pair_tables(cx, from, to, out));
  if (out->len == 0) return OG_OK;
  OG_TRY(og_snapshot_common(cx, from, to, &common));
  for (size_t i = 0; i < out->len; i++) {
    og_delta_table *t = &OG_VEC_AT(out, og_delta_table, i);
    if (t->from && t->to) t->common = common_version(common, t->from, t->to);
  }
  og_fold_unref(common);
  return OG_OK;
}

static og_status open_side(og_ctx *cx, og_snapshot *s, const og_type_def *type, const og_table_state *t,
                           og_lance_table **out)
{
  *out = NULL;
  return t && t->version ? og_snapshot_table(cx, s, type ? type->key : t->key, out) : OG_OK;
}

og_status og_delta_open(og_ctx *cx, og_snapshot *from, og_snapshot *to, const og_delta_table *t, og_delta *out)
{
  og_lance_table *a = NULL, *b = NULL;
  *out = (og_delta){0};
  og_status st = open_side(cx, from, t->was, t->from, &a);
  if (st == OG_OK) st = open_side(cx, to, t->is, t->to, &b);
  if (st == OG_OK) st = og_delta_tables(cx, a, b, t->common, out);
  og_lance_table_unref(a);
  og_lance_table_unref(b);
  return st == OG_OK
             ? OG_OK
             : og_note(cx, st, "while comparing table '" OG_STR_FMT "'", OG_STR_ARG((t->to ? t->to : t->from)->key));
}

static bool same_type(const og_prop_type *a, const og_prop_type *b)
{
  return a->kind == b->kind && a->dim == b->dim && a->list == b->list && a->nullable == b->nullable;
}

bool og_delta_same_shape(const og_type_def *a, const og_type_def *b)
{
  if (!a || !b || a->n_properties != b->n_properties) return false;
  for (uint32_t i = 0; i < a->n_properties; i++) {
    const og_property *p = &a->properties[i], *q = &b->properties[i];
    if (p->id != q->id || !og_str_eq(p->name, q->name) || !same_type(&p->type, &q->type)) return false;
  }
  return true;
}
