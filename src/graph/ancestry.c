/* SPDX-License-Identifier: MIT */
/* graph/ancestry.c -- the commit graph: which commits a state is made of.
 *
 * A commit has a parent and, when it merged another branch, a second one.  Both count alike.  Commits are looked up in
 * the logs of the two states that are compared, newest rows first, and older ones are read only when the walk gets
 * there; then on every live branch, for a commit that was merged from a third one.  A commit that no live branch knows
 * ends its line: what lies behind it cannot be a base, and merging then compares more, not less.
 *
 * The base of a merge is looked for from both heads downwards, the youngest commits first, and ends when all that is
 * left lies below a common ancestor: the cost follows the distance and not the history.  An ancestor of another common
 * ancestor is no base, however near a merge's second parent makes it: what came between the two would count as done by
 * both sides anew, and a deletion by one of them would be undone.
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

/* ---- the base */

#define OF_A  1u /* an ancestor of the first state, */
#define OF_B  2u /* of the second */
#define STALE 4u /* an ancestor of a common ancestor */

typedef struct mark {
  uint32_t flags;
  uint64_t from[2]; /* distance from either state; UINT64_MAX: not reached */
  bool waits;       /* in the queue */
} mark;

typedef struct paint {
  pool *pool;
  og_umap seen; /* index of a commit -> index of its mark */
  og_vec marks; /* mark */
  og_vec queue; /* uint64_t: indices of commits */
  size_t fresh; /* of those, how many are not stale */
} paint;

static mark *mark_of(og_ctx *cx, paint *p, uint64_t commit)
{
  bool was_new;
  uint64_t *at = og_umap_at(cx, &p->seen, commit, &was_new);
  if (!at) return NULL;
  if (!was_new) return &OG_VEC_AT(&p->marks, mark, *at);
  *at = p->marks.len;
  mark *m = og_vec_push(cx, &p->marks);
  if (m) *m = (mark){.from = {UINT64_MAX, UINT64_MAX}};
  return m;
}

/* Tells a commit what is known of it by way of a child; it waits to tell its parents if that is news. */
static og_status tell(og_ctx *cx, paint *p, const og_ulid *id, uint32_t flags, const uint64_t from[2])
{
  uint64_t at;
  bool found, news;
  OG_TRY(find(cx, p->pool, id, &at, &found));
  if (!found) return OG_OK;
  mark *m = mark_of(cx, p, at);
  if (!m) return OG_ENOMEM;
  news = (m->flags | flags) != m->flags || from[0] < m->from[0] || from[1] < m->from[1];
  if (!news) return OG_OK;
  if (m->waits && !(m->flags & STALE) && (flags & STALE)) p->fresh--;
  m->flags |= flags;
  for (int i = 0; i < 2; i++)
    if (from[i] < m->from[i]) m->from[i] = from[i];
  if (m->waits) return OG_OK;
  m->waits = true;
  p->fresh += !(m->flags & STALE);
  return og_vec_add(cx, &p->queue, &at);
}

/* The youngest that waits: children come before their parents, unless clocks were wrong, which only costs time. */
static uint64_t take_youngest(paint *p)
{
  size_t best = 0;
  uint64_t *queue = p->queue.data;
  for (size_t i = 1; i < p->queue.len; i++)
    if (OG_VEC_AT(&p->pool->commits, og_commit, queue[i]).created_us >
        OG_VEC_AT(&p->pool->commits, og_commit, queue[best]).created_us)
      best = i;
  const uint64_t taken = queue[best];
  queue[best] = queue[--p->queue.len];
  return taken;
}

static uint64_t farther(uint64_t d)
{
  return d == UINT64_MAX ? d : d + 1;
}

static og_status spread(og_ctx *cx, paint *p, uint64_t at)
{
  mark *m = mark_of(cx, p, at);
  if (!m) return OG_ENOMEM;
  m->waits = false;
  p->fresh -= !(m->flags & STALE);
  const bool common = (m->flags & (OF_A | OF_B)) == (OF_A | OF_B);
  const uint32_t flags = m->flags | (common ? STALE : 0);
  const uint64_t from[2] = {farther(m->from[0]), farther(m->from[1])};
  const og_commit c = OG_VEC_AT(&p->pool->commits, og_commit, at);
  if (c.has_parent) OG_TRY(tell(cx, p, &c.parent, flags, from));
  return c.has_merged_parent ? tell(cx, p, &c.merged_parent, flags, from) : OG_OK;
}

static og_status paint_all(og_ctx *cx, paint *p)
{
  static const uint64_t here[2][2] = {{0, UINT64_MAX}, {UINT64_MAX, 0}};
  for (int i = 0; i < 2; i++) {
    const og_fold *f = p->pool->folds[i];
    if (f->has_head) OG_TRY(tell(cx, p, &f->head, i ? OF_B : OF_A, here[i]));
  }
  while (p->fresh) {
    OG_TRY(og_ctx_poll(cx));
    OG_TRY(spread(cx, p, take_youngest(p)));
  }
  return OG_OK;
}

static bool is_base(const paint *p, const og_map_entry *e, uint64_t *distance)
{
  const mark *m = &OG_VEC_AT(&p->marks, mark, e->value);
  *distance = m->from[0] + m->from[1];
  return m->flags == (OF_A | OF_B);
}

/* The nearest first, and of equally near ones the newest. */
static og_status list_bases(og_ctx *cx, const paint *p, og_vec *out)
{
  const og_map_entry *e;
  og_vec distances = OG_VEC_INIT(uint64_t);
  og_status st = OG_OK;
  for (size_t pos = 0; st == OG_OK && (e = og_map_next(&p->seen, &pos));) {
    const og_commit *c = &OG_VEC_AT(&p->pool->commits, og_commit, e->num);
    uint64_t d;
    if (!is_base(p, e, &d)) continue;
    st = og_vec_add(cx, out, c);
    if (st == OG_OK) st = og_vec_add(cx, &distances, &d);
    for (size_t i = out->len - 1; st == OG_OK && i > 0; i--) {
      og_commit *b = &OG_VEC_AT(out, og_commit, i), *a = b - 1;
      uint64_t *y = &OG_VEC_AT(&distances, uint64_t, i), *x = y - 1;
      if (*x < *y || (*x == *y && a->manifest_version >= b->manifest_version)) break;
      const og_commit swap = *a;
      *a = *b;
      *b = swap;
      d = *x;
      *x = *y;
      *y = d;
    }
  }
  og_vec_cleanup(&distances);
  return st;
}

og_status og_graph_merge_bases(og_ctx *cx, og_snapshot *a, og_snapshot *b, og_vec *out)
{
  pool p;
  paint all = {.pool = &p, .marks = OG_VEC_INIT(mark), .queue = OG_VEC_INIT(uint64_t)};
  og_umap_init(&all.seen);
  og_status st = pool_init(cx, &p, a, b);
  if (st == OG_OK) st = paint_all(cx, &all);
  if (st == OG_OK) st = list_bases(cx, &all, out);
  og_map_cleanup(&all.seen);
  og_vec_cleanup(&all.marks);
  og_vec_cleanup(&all.queue);
  pool_cleanup(&p);
  return st;
}

/* ---- counting */

typedef struct walk {
  og_umap seen; /* indices of commits */
  og_vec level; /* uint64_t: those whose parents come next */
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
  OG_TRY(og_umap_put(cx, &w->seen, at, 1, NULL));
  return og_vec_add(cx, level, &at);
}

/* To the parents of the level reached. */
static og_status walk_on(og_ctx *cx, pool *p, walk *w)
{
  og_vec next = OG_VEC_INIT(uint64_t);
  og_status st = og_ctx_poll(cx);
  for (size_t i = 0; st == OG_OK && i < w->level.len; i++) {
    const og_commit c = OG_VEC_AT(&p->commits, og_commit, OG_VEC_AT(&w->level, uint64_t, i));
    if (c.has_parent) st = reach(cx, p, w, &next, &c.parent);
    if (st == OG_OK && c.has_merged_parent) st = reach(cx, p, w, &next, &c.merged_parent);
  }
  og_vec_cleanup(&w->level);
  w->level = next;
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
  if (f->has_head) OG_TRY(reach(cx, p, w, &w->level, &f->head));
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
