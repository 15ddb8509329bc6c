/* SPDX-License-Identifier: MIT */
/* topology/extend.c -- see extend.h.
 *
 *  (1) Rows keep their order: fragments of both versions must stand in the same order in both, so renumbered lists
 * still ascend. (2) No row may have come back to life, and no old edge may have been without its nodes: what the old
 * lists leave out is then out for good.
 */
#include "topology/extend.h"

/* With more than this share of edges to look up, all are. */
#define MOST_LOOKED_UP 4
/* So few ids are looked for in the table, unless there is an index. */
#define FEW_IDS 2

typedef struct moves { /* of the rows of one table */
  uint32_t *to;        /* per old row; OG_NO_ROW: it is gone */
  uint32_t *from;      /* per new row; OG_NO_ROW: it is new */
} moves;

static void moves_cleanup(moves *m)
{
  og_free(m->to);
  og_free(m->from);
}

/* *fits false: (2) does not hold.  Versions of one branch delete more and more, but a branch may have been made again
 * under its name: as many deleted rows need not be the same ones. */
static og_status shift(og_ctx *cx, og_lance_table *old, const og_decoded *now, uint32_t i, uint32_t k, moves *m,
                       bool *fits)
{
  og_lance_fragment_info was = og_lance_table_fragment(old, i), is = og_lance_table_fragment(now->table, k);
  const uint8_t *deleted;
  OG_TRY(og_lance_table_fragment_deleted(cx, old, i, &deleted));
  for (uint64_t r = 0; r < was.physical_rows && *fits; r++) {
    bool live = og_decoded_is_live(now, is.first_offset + r);
    m->from[is.first_offset + r] = (uint32_t)(was.first_offset + r);
    if (live) m->to[was.first_offset + r] = (uint32_t)(is.first_offset + r);
    *fits = !live || !deleted || !og_bit_get(deleted, (int64_t)r);
  }
  return OG_OK;
}

/* *fits false: (1) or (2) does not hold. */
static og_status find_moves(og_ctx *cx, og_lance_table *old, const og_decoded *now, moves *m, bool *fits)
{
  uint64_t rows = og_lance_table_physical_rows(old);
  *fits = rows < OG_NO_ROW && now->rows < OG_NO_ROW;
  if (!*fits) return OG_OK;
  m->to = og_alloc(cx, (rows + 1) * sizeof *m->to);
  m->from = og_alloc(cx, (now->rows + 1) * sizeof *m->from);
  if (!m->to || !m->from) return OG_ENOMEM;
  memset(m->to, 0xff, rows * sizeof *m->to);
  memset(m->from, 0xff, now->rows * sizeof *m->from);
  uint32_t k = 0, n = og_lance_table_fragments(now->table);
  for (uint32_t i = 0; *fits && i < og_lance_table_fragments(old); i++) {
    uint32_t at = k;
    while (at < n && !og_lance_table_same_rows(old, i, now->table, at)) at++;
    if (at == n) continue; /* gone, or before k: then its rows are new ones */
    OG_TRY(shift(cx, old, now, i, at, m, fits));
    k = at + 1;
  }
  return OG_OK;
}

/* ---- edges to look up */

typedef struct extra { /* an edge that the old lists do not tell */
  uint32_t src, dst, row;
} extra;

typedef struct extension {
  const og_topology *old;
  const og_ends *ends;
  moves edges, from, to;
  og_vec rows;  /* uint64_t: rows to look up, of the new edge table */
  og_vec added; /* extra */
} extension;

static bool too_many(const extension *x)
{
  return x->rows.len > x->ends->edges->rows / MOST_LOOKED_UP + 16;
}

static og_status note_new_rows(og_ctx *cx, extension *x)
{
  const og_decoded *e = x->ends->edges;
  for (uint64_t r = 0; r < e->rows && !too_many(x); r++)
    if (x->edges.from[r] == OG_NO_ROW && og_decoded_is_live(e, r)) OG_TRY(og_vec_add(cx, &x->rows, &r));
  return OG_OK;
}

/* Edges that are still there, but one of whose nodes is gone: it was written again, with the same id. */
static og_status note_uprooted(og_ctx *cx, extension *x)
{
  const og_csr *c = &x->old->out;
  for (uint64_t v = 0; v < c->n && !too_many(x); v++) {
    for (uint64_t i = c->first[v]; i < c->first[v + 1]; i++) {
      uint64_t row = x->edges.to[c->rows[i]];
      if (row == OG_NO_ROW) continue;
      if (x->from.to[v] != OG_NO_ROW && x->to.to[c->targets[i]] != OG_NO_ROW) continue;
      OG_TRY(og_vec_add(cx, &x->rows, &row));
    }
  }
  return OG_OK;
}

static og_status look_up(og_ctx *cx, og_decoded *nodes, const og_column *ids, uint32_t *out)
{
  const og_ids *index;
  bool few = ids->len <= FEW_IDS && !atomic_load_explicit(&nodes->ids, memory_order_acquire);
  for (int64_t i = 0; few && i < ids->len; i++) {
    uint64_t row;
    bool found;
    OG_TRY(og_lance_table_find(cx, nodes->table, 0, og_column_str(ids, i), &row, &found));
    out[i] = found ? (uint32_t)row : OG_NO_ROW;
  }
  if (few) return OG_OK;
  OG_TRY(og_decoded_ids(cx, nodes, &index));
  og_ids_find_many(index, ids, 0, (size_t)ids->len, out);
  return OG_OK;
}

static og_status look_up_rows(og_ctx *cx, extension *x)
{
  size_t n = x->rows.len;
  og_batch *b;
  const uint32_t columns[2] = {x->ends->src, x->ends->dst};
  if (n == 0) return OG_OK;
  uint32_t *src = og_alloc(cx, (n + 1) * sizeof *src), *dst = og_alloc(cx, (n + 1) * sizeof *dst);
  og_status st = src && dst ? OG_OK : OG_ENOMEM;
  if (st == OG_OK) st = og_lance_table_take(cx, x->ends->edges->table, columns, 2, x->rows.data, n, &b);
  if (st == OG_OK) {
    st = look_up(cx, x->ends->from, b->columns[0], src);
    if (st == OG_OK) st = look_up(cx, x->ends->to, b->columns[1], dst);
    og_batch_unref(b);
  }
  for (size_t i = 0; st == OG_OK && i < n; i++) {
    const extra e = {src[i], dst[i], (uint32_t)OG_VEC_AT(&x->rows, uint64_t, i)};
    if (e.src != OG_NO_ROW && e.dst != OG_NO_ROW) st = og_vec_add(cx, &x->added, &e);
  }
  og_free(src);
  og_free(dst);
  return st;
}

/* ---- merging */

static int by_out(const void *a, const void *b, void *arg)
{
  const extra *x = a, *y = b;
  (void)arg;
  if (x->src != y->src) return x->src < y->src ? -1 : 1;
  if (x->dst != y->dst) return x->dst < y->dst ? -1 : 1;
  return x->row < y->row ? -1 : x->row > y->row;
}

static int by_in(const void *a, const void *b, void *arg)
{
  const extra *x = a, *y = b;
  const extra p = {x->dst, x->src, x->row}, q = {y->dst, y->src, y->row};
  return by_out(&p, &q, arg);
}

typedef struct merge { /* one direction */
  const og_csr *old;
  const moves *near_moves, *far_moves, *edges;
  const extra *added;
  size_t n_added, at;
  bool against;
  og_csr *out;
  uint64_t n;
} merge;

static void put(merge *m, uint32_t target, uint32_t row)
{
  m->out->targets[m->n] = target;
  m->out->rows[m->n++] = row;
}

/* Those of the node's added edges that come before (target, row). */
static void put_added(merge *m, uint64_t v, uint32_t target, uint32_t row)
{
  for (; m->at < m->n_added; m->at++) {
    const extra *e = &m->added[m->at];
    uint32_t near_end = m->against ? e->dst : e->src, far_end = m->against ? e->src : e->dst;
    if (near_end != v || far_end > target || (far_end == target && e->row > row)) return;
    put(m, far_end, e->row);
  }
}

static void merge_node(merge *m, uint64_t v)
{
  uint32_t was = m->near_moves->from[v];
  bool there = was != OG_NO_ROW && m->near_moves->to[was] == v;
  for (uint64_t i = there ? m->old->first[was] : 0; there && i < m->old->first[was + 1]; i++) {
    uint32_t target = m->far_moves->to[m->old->targets[i]], row = m->edges->to[m->old->rows[i]];
    if (target == OG_NO_ROW || row == OG_NO_ROW) continue;
    put_added(m, v, target, row);
    put(m, target, row);
  }
  put_added(m, v, OG_NO_ROW, OG_NO_ROW);
}

static og_status merge_way(og_ctx *cx, extension *x, bool against, og_csr *out)
{
  const og_csr *old = against ? &x->old->in : &x->old->out;
  const moves *from = against ? &x->to : &x->from, *to = against ? &x->from : &x->to;
  uint64_t most = old->first[old->n] + x->added.len;
  out->n = against ? x->ends->to->rows : x->ends->from->rows;
  out->n_far = against ? x->ends->from->rows : x->ends->to->rows;
  out->first = og_alloc(cx, (out->n + 1) * sizeof *out->first);
  out->targets = og_alloc(cx, (most + 1) * sizeof *out->targets);
  out->rows = og_alloc(cx, (most + 1) * sizeof *out->rows);
  if (!out->first || !out->targets || !out->rows) return OG_ENOMEM;
  OG_TRY(og_sort(cx, x->added.data, x->added.len, sizeof(extra), against ? by_in : by_out, NULL));
  merge m = {old, from, to, &x->edges, x->added.data, x->added.len, 0, against, out, 0};
  for (uint64_t v = 0; v < out->n; v++) {
    if ((v & 0xFFFF) == 0) OG_TRY(og_ctx_poll(cx));
    out->first[v] = m.n;
    merge_node(&m, v);
  }
  out->first[out->n] = m.n;
  return OG_OK;
}

static og_status extend(og_ctx *cx, extension *x, og_topology *out, bool *done)
{
  const og_topology *old = x->old;
  OG_TRY(find_moves(cx, old->edges, x->ends->edges, &x->edges, done));
  if (*done) OG_TRY(find_moves(cx, old->from, x->ends->from, &x->from, done));
  if (*done) OG_TRY(find_moves(cx, old->to, x->ends->to, &x->to, done));
  if (*done) OG_TRY(note_new_rows(cx, x));
  if (*done) OG_TRY(note_uprooted(cx, x));
  *done = *done && !too_many(x);
  if (!*done) return OG_OK;
  OG_TRY(look_up_rows(cx, x));
  OG_TRY(merge_way(cx, x, false, &out->out));
  return merge_way(cx, x, true, &out->in);
}

og_status og_topology_extend(og_ctx *cx, const og_topology *old, const og_ends *ends, og_topology *out, bool *done)
{
  extension x = {.old = old, .ends = ends, .rows = OG_VEC_INIT(uint64_t), .added = OG_VEC_INIT(extra)};
  *done = false;
  if (!old->edges || old->same != (ends->from == ends->to)) return OG_OK;
  if (old->out.first[old->out.n] != og_lance_table_rows(old->edges)) return OG_OK; /* (2) */
  og_status st = extend(cx, &x, out, done);
  moves_cleanup(&x.edges);
  moves_cleanup(&x.from);
  moves_cleanup(&x.to);
  og_vec_cleanup(&x.rows);
  og_vec_cleanup(&x.added);
  if (st == OG_OK && *done) return OG_OK;
  og_csr_cleanup(&out->out);
  og_csr_cleanup(&out->in);
  out->out = out->in = (og_csr){0};
  return st;
}
