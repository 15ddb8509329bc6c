/* SPDX-License-Identifier: MIT */
/* graph/ancestry.c -- the commit graph: which commits a state is made of.
 *
 * A commit has a parent and, when it merged another branch, a second one.  Both count alike.  Commits are looked up in
 * the logs of the two states that are compared, newest rows first, and older ones are read only when the walk gets
 * there; then on every live branch, for a commit that was merged from a third one.  A commit that no live branch knows
 * ends its line: what lies behind it cannot be a base, and merging then compares more, not less.
 *
 * The walk goes level by level from both ends, so that its cost follows the distance and not the history.
 */
#include "graph/internal.h"

#include "base/map.h"

typedef struct pool {
  og_graph *graph;
  og_fold *folds[2];
  uint32_t next[2]; /* history fragments below it are not read yet */
  og_vec commits;   /* og_commit; strings in the context's arena */
  og_map by_id;     /* 16 bytes -> index */
} pool;

static og_str key_of(const og_ulid *id)
{
  return og_str_from(id->bytes, sizeof id->bytes);
}

static og_status add_commit(og_ctx *cx, pool *p, const og_commit *c)
{
  if (og_map_get(&p->by_id, key_of(&c->id), NULL)) return OG_OK;
  OG_TRY(og_map_put(cx, &p->by_id, key_of(&c->id), p->commits.len, NULL));
  return og_vec_add(cx, &p->commits, c);
}

static og_status add_rows(og_ctx *cx, pool *p, const og_vec *rows)
{
  for (size_t i = 0; i < rows->len; i++) {
    og_commit c;
    if (OG_VEC_AT(rows, og_log_row, i).kind != OG_ROW_COMMIT) continue;
    OG_TRY(og_row_parse_commit(cx, cx->arena, &OG_VEC_AT(rows, og_log_row, i), &c));
    OG_TRY(add_commit(cx, p, &c));
  }
  return OG_OK;
}

static og_status add_fragment(og_ctx *cx, pool *p, og_fold *f, uint32_t fragment)
{
  og_vec rows = OG_VEC_INIT(og_log_row);
  og_status st = og_fold_read_fragment(cx, f, fragment, cx->arena, &rows);
  if (st == OG_OK) st = add_rows(cx, p, &rows);
  og_vec_cleanup(&rows);
  return st;
}

static og_status pool_init(og_ctx *cx, pool *p, og_snapshot *a, og_snapshot *b)
{
  *p = (pool){.graph = a->graph, .folds = {a->fold, b->fold}, .commits = OG_VEC_INIT(og_commit)};
  og_map_init(&p->by_id, true);
  for (int i = 0; i < 2; i++) {
    p->next[i] = og_lance_table_fragments(p->folds[i]->log);
    if (i && p->folds[1] == p->folds[0]) p->next[1] = 0;
    OG_TRY(add_rows(cx, p, &p->folds[i]->rows));
  }
  return OG_OK;
}

static void pool_cleanup(pool *p)
{
  og_map_cleanup(&p->by_id);
  og_vec_cleanup(&p->commits);
}

/* Reads the next older fragment of history of either log; *more false: there is none. */
static og_status read_older(og_ctx *cx, pool *p, bool *more)
{
  *more = false;
  for (int i = 0; i < 2; i++) {
    og_fold *f = p->folds[i];
    while (p->next[i] > 0 && !og_fold_is_history(f, p->next[i] - 1)) p->next[i]--;
    if (p->next[i] == 0) continue;
    *more = true;
    OG_TRY(add_fragment(cx, p, f, --p->next[i]));
  }
  return OG_OK;
}

static og_status find_elsewhere(og_ctx *cx, pool *p, const og_ulid *id, bool *found)
{
  og_commit c;
  og_status st = og_graph_find_commit(cx, p->graph, OG_STR_NONE, id, &c);
  *found = st == OG_OK;
  if (st == OG_ENOTFOUND) {
    og_error_clear(cx);
    return OG_OK;
  }
  return st == OG_OK ? add_commit(cx, p, &c) : st;
}

/* *at indexes p->commits, which moves as it grows. */
static og_status find(og_ctx *cx, pool *p, const og_ulid *id, uint64_t *at, bool *found)
{
  bool more = true;
  while (!(*found = og_map_get(&p->by_id, key_of(id), at)) && more) OG_TRY(read_older(cx, p, &more));
  if (*found) return OG_OK;
  OG_TRY(find_elsewhere(cx, p, id, found));
  if (*found) *found = og_map_get(&p->by_id, key_of(id), at);
  return OG_OK;
}

/* ---- walking */

typedef struct walk {
  og_umap seen; /* index of a commit -> its distance */
  og_vec level; /* uint64_t: commits at the distance reached */
  uint64_t depth;
} walk;

static void walk_init(walk *w)
{
  *w = (walk){.level = OG_VEC_INIT(uint64_t)};
  og_umap_init(&w->seen);
}

static void walk_cleanup(walk *w)
{
  og_map_cleanup(&w->seen);
  og_vec_cleanup(&w->level);
}

static og_status reach(og_ctx *cx, pool *p, walk *w, og_vec *level, const og_ulid *id)
{
  uint64_t at;
  bool found;
  OG_TRY(find(cx, p, id, &at, &found));
  if (!found || og_umap_get(&w->seen, at, NULL)) return OG_OK;
  OG_TRY(og_umap_put(cx, &w->seen, at, w->depth, NULL));
  return og_vec_add(cx, level, &at);
}

static og_status walk_start(og_ctx *cx, pool *p, walk *w, const og_fold *f)
{
  return f->has_head ? reach(cx, p, w, &w->level, &f->head) : OG_OK;
}

/* To the parents of the level reached. */
static og_status walk_on(og_ctx *cx, pool *p, walk *w)
{
  og_vec next = OG_VEC_INIT(uint64_t);
  og_status st = og_ctx_poll(cx);
  w->depth++;
  for (size_t i = 0; st == OG_OK && i < w->level.len; i++) {
    const og_commit c = OG_VEC_AT(&p->commits, og_commit, OG_VEC_AT(&w->level, uint64_t, i));
    if (c.has_parent) st = reach(cx, p, w, &next, &c.parent);
    if (st == OG_OK && c.has_merged_parent) st = reach(cx, p, w, &next, &c.merged_parent);
  }
  og_vec_cleanup(&w->level);
  w->level = next;
  return st;
}

typedef struct best {
  bool found;
  uint64_t at, distance;
} best;

/* Commits of `w`'s newest level that the other walk has seen. */
static void meet(const pool *p, const walk *w, const walk *other, best *b)
{
  for (size_t i = 0; i < w->level.len; i++) {
    const uint64_t at = OG_VEC_AT(&w->level, uint64_t, i);
    uint64_t d;
    if (!og_umap_get(&other->seen, at, &d)) continue;
    d += w->depth;
    const bool nearer = !b->found || d < b->distance;
    const bool newer = b->found && d == b->distance &&
                       OG_VEC_AT(&p->commits, og_commit, at).manifest_version >
                           OG_VEC_AT(&p->commits, og_commit, b->at).manifest_version;
    if (nearer || newer) *b = (best){true, at, d};
  }
}

static og_status find_base(og_ctx *cx, pool *p, walk *x, walk *y, best *b)
{
  OG_TRY(walk_start(cx, p, x, p->folds[0]));
  OG_TRY(walk_start(cx, p, y, p->folds[1]));
  meet(p, x, y, b);
  /* What neither has seen is farther than `depth` from one of them; one as near as the best may still come. */
  while ((x->level.len || y->level.len) && !(b->found && b->distance <= x->depth)) {
    OG_TRY(walk_on(cx, p, x));
    meet(p, x, y, b);
    OG_TRY(walk_on(cx, p, y));
    meet(p, y, x, b);
  }
  return OG_OK;
}

og_status og_graph_merge_base(og_ctx *cx, og_snapshot *a, og_snapshot *b, og_commit *out, bool *found)
{
  pool p;
  walk x, y;
  best near = {0};
  walk_init(&x);
  walk_init(&y);
  og_status st = pool_init(cx, &p, a, b);
  if (st == OG_OK) st = find_base(cx, &p, &x, &y, &near);
  *found = st == OG_OK && near.found;
  if (*found) *out = OG_VEC_AT(&p.commits, og_commit, near.at);
  walk_cleanup(&x);
  walk_cleanup(&y);
  pool_cleanup(&p);
  return st;
}

static uint64_t only_in(const walk *w, const walk *other)
{
  uint64_t n = 0;
  const og_map_entry *e;
  for (size_t pos = 0; (e = og_map_next(&w->seen, &pos));) n += !og_umap_get(&other->seen, e->num, NULL);
  return n;
}

static og_status walk_all(og_ctx *cx, pool *p, walk *w, const og_fold *f)
{
  OG_TRY(walk_start(cx, p, w, f));
  while (w->level.len) OG_TRY(walk_on(cx, p, w));
  return OG_OK;
}

og_status og_graph_ahead_behind(og_ctx *cx, og_snapshot *a, og_snapshot *b, uint64_t *ahead, uint64_t *behind)
{
  pool p;
  walk x, y;
  walk_init(&x);
  walk_init(&y);
  og_status st = pool_init(cx, &p, a, b);
  if (st == OG_OK) st = walk_all(cx, &p, &x, a->fold);
  if (st == OG_OK) st = walk_all(cx, &p, &y, b->fold);
  *ahead = only_in(&x, &y);
  *behind = only_in(&y, &x);
  walk_cleanup(&x);
  walk_cleanup(&y);
  pool_cleanup(&p);
  return st;
}

static og_status follow(og_ctx *cx, pool *p, const og_ulid *from, const og_ulid *until, og_vec *out, bool *reached)
{
  og_ulid at = *from;
  for (*reached = false; !until || og_ulid_cmp(&at, until) != 0;) {
    uint64_t i;
    bool found;
    OG_TRY(og_ctx_poll(cx));
    OG_TRY(find(cx, p, &at, &i, &found));
    if (!found) return OG_OK;
    const og_commit c = OG_VEC_AT(&p->commits, og_commit, i);
    OG_TRY(og_vec_add(cx, out, &c));
    if (!c.has_parent) {
      *reached = !until;
      return OG_OK;
    }
    at = c.parent;
  }
  *reached = true;
  return OG_OK;
}

og_status og_graph_first_parents(og_ctx *cx, og_snapshot *s, const og_ulid *from, const og_ulid *until, og_vec *out,
                                 bool *found)
{
  pool p;
  og_status st = pool_init(cx, &p, s, s);
  if (st == OG_OK) st = follow(cx, &p, from, until, out, found);
  pool_cleanup(&p);
  return st;
}
