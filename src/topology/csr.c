/* SPDX-License-Identifier: MIT */
/* topology/csr.c -- adjacency from columns.
 *
 * String ids appear only here: each endpoint of a live edge is looked up once among the ids of its node table, in
 * blocks on all threads.  Then three counting passes make both directions:
 *
 *   by source (in the order of edge rows) -> by target (in the order of sources) -> by source (in the order of targets)
 *
 *  (1) Each pass is stable, so lists come out ascending without a comparison, and parallel edges in the order of rows.
 *  (2) The result is a function of the three tables alone, whatever the number of threads.
 */
#include "topology/csr.h"

#include "base/log.h"
#include "base/pool.h"
#include "topology/extend.h"
#include "topology/file.h"

#include <inttypes.h>

#define BLOCK 65536u

uint64_t og_csr_bytes(const og_csr *c)
{
  uint64_t edges = c->first ? c->first[c->n] : 0;
  return (c->n + 1) * sizeof *c->first + edges * sizeof *c->targets + (c->rows ? edges * sizeof *c->rows : 0);
}

void og_csr_cleanup(og_csr *c)
{
  og_free(c->first);
  og_free(c->targets);
  og_free(c->rows);
}

/* ---- ends */

typedef struct resolving {
  const og_decoded *edges;
  const og_column *ids;
  const og_ids *nodes;
  uint32_t *out; /* per edge row; OG_NO_ROW: no such node, or the edge is deleted */
} resolving;

static og_status resolve_block(og_ctx *cx, void *arg, size_t item, unsigned worker)
{
  const resolving *r = arg;
  uint64_t from = (uint64_t)item * BLOCK, n = r->edges->rows - from < BLOCK ? r->edges->rows - from : BLOCK;
  (void)cx;
  (void)worker;
  og_ids_find_many(r->nodes, r->ids, from, (size_t)n, r->out + from);
  for (uint64_t i = from; r->edges->deleted && i < from + n; i++)
    if (!og_decoded_is_live(r->edges, i)) r->out[i] = OG_NO_ROW;
  return OG_OK;
}

/* The column is needed once: it is not kept, unless it was there. */
static og_status end_column(og_ctx *cx, og_decoded *edges, uint32_t column, og_column **out)
{
  og_column *kept = atomic_load_explicit(&edges->columns[column], memory_order_acquire);
  if (!kept) return og_lance_table_column(cx, edges->table, column, out);
  *out = og_column_ref(kept);
  return OG_OK;
}

static og_status resolve(og_ctx *cx, og_decoded *edges, uint32_t column, og_decoded *nodes, uint32_t *out)
{
  og_column *ids;
  resolving r = {.edges = edges, .out = out};
  OG_TRY(og_decoded_ids(cx, nodes, &r.nodes));
  OG_TRY(end_column(cx, edges, column, &ids));
  r.ids = ids;
  og_status st = og_parallel(cx, (size_t)((edges->rows + BLOCK - 1) / BLOCK), resolve_block, &r);
  og_column_unref(ids);
  return st;
}

/* ---- passes */

/* Room for the lists of `n` nodes; first[v + 1] is where v's list begins, and ends up as its end. */
static og_status lists_new(og_ctx *cx, const uint32_t *near_end, const uint32_t *far_end, uint64_t n_edges, og_csr *c)
{
  c->first = og_calloc(cx, c->n + 2, sizeof *c->first);
  if (!c->first) return OG_ENOMEM;
  for (uint64_t i = 0; i < n_edges; i++)
    if (near_end[i] != OG_NO_ROW && far_end[i] != OG_NO_ROW) c->first[near_end[i] + 2]++;
  for (uint64_t v = 2; v < c->n + 2; v++) c->first[v] += c->first[v - 1];
  uint64_t total = c->first[c->n + 1];
  c->targets = og_alloc(cx, (total + 1) * sizeof *c->targets);
  c->rows = og_alloc(cx, (total + 1) * sizeof *c->rows);
  return c->targets && c->rows ? OG_OK : OG_ENOMEM;
}

static og_status by_source(og_ctx *cx, const uint32_t *src, const uint32_t *dst, uint64_t n_edges, og_csr *c)
{
  OG_TRY(lists_new(cx, src, dst, n_edges, c));
  for (uint64_t i = 0; i < n_edges; i++) {
    if (src[i] == OG_NO_ROW || dst[i] == OG_NO_ROW) continue;
    uint64_t at = c->first[src[i] + 1]++;
    c->targets[at] = dst[i];
    c->rows[at] = (uint32_t)i;
  }
  return OG_OK;
}

/* Turns the lists around: `c` gets, for each far node of `from`, its near ones in ascending order. */
static og_status turn(og_ctx *cx, const og_csr *from, og_csr *c)
{
  uint64_t total = from->first[from->n];
  c->n = from->n_far;
  c->n_far = from->n;
  c->first = og_calloc(cx, c->n + 2, sizeof *c->first);
  c->targets = og_alloc(cx, (total + 1) * sizeof *c->targets);
  c->rows = from->rows ? og_alloc(cx, (total + 1) * sizeof *c->rows) : NULL;
  if (!c->first || !c->targets || (from->rows && !c->rows)) return OG_ENOMEM;
  for (uint64_t i = 0; i < total; i++) c->first[from->targets[i] + 2]++;
  for (uint64_t v = 2; v < c->n + 2; v++) c->first[v] += c->first[v - 1];
  for (uint64_t v = 0; v < from->n; v++) {
    for (uint64_t i = from->first[v]; i < from->first[v + 1]; i++) {
      uint64_t at = c->first[from->targets[i] + 1]++;
      c->targets[at] = (uint32_t)v;
      if (c->rows) c->rows[at] = from->rows[i];
    }
  }
  return OG_OK;
}

static void note_shape_of(og_csr *c, bool same)
{
  for (uint64_t v = 0; v < c->n; v++) {
    for (uint64_t i = c->first[v]; i < c->first[v + 1]; i++) {
      c->parallel = c->parallel || (i > c->first[v] && c->targets[i] == c->targets[i - 1]);
      c->loops = c->loops || (same && c->targets[i] == v);
    }
  }
}

static void note_shape(og_topology *t)
{
  note_shape_of(&t->out, t->same);
  t->in.parallel = t->out.parallel;
  t->in.loops = t->out.loops;
}

static og_status build_lists(og_ctx *cx, const og_ends *e, uint32_t *src, uint32_t *dst, og_topology *t)
{
  og_csr rough = {.n = e->from->rows, .n_far = e->to->rows};
  OG_TRY(resolve(cx, e->edges, e->src, e->from, src));
  OG_TRY(resolve(cx, e->edges, e->dst, e->to, dst));
  og_status st = by_source(cx, src, dst, e->edges->rows, &rough);
  if (st == OG_OK) st = turn(cx, &rough, &t->in);
  og_csr_cleanup(&rough);
  if (st == OG_OK) st = turn(cx, &t->in, &t->out);
  return st;
}

static void topology_free(og_cached *c)
{
  og_topology *t = (og_topology *)c;
  og_csr_cleanup(&t->out);
  og_csr_cleanup(&t->in);
  og_lance_table_unref(t->edges);
  og_lance_table_unref(t->from);
  og_lance_table_unref(t->to);
  og_free(t);
}

static og_status build(og_ctx *cx, const og_ends *e, og_topology *t)
{
  if (e->edges->rows >= OG_NO_ROW)
    return og_fail(cx, OG_ELIMIT, "an edge table has %" PRIu64 " rows: 2^32 - 2 at most can be walked", e->edges->rows);
  uint32_t *src = og_alloc(cx, (e->edges->rows + 1) * sizeof *src);
  uint32_t *dst = og_alloc(cx, (e->edges->rows + 1) * sizeof *dst);
  og_status st = src && dst ? build_lists(cx, e, src, dst, t) : OG_ENOMEM;
  og_free(src);
  og_free(dst);
  return st;
}

/* ---- derived files: what goes wrong with one costs time, never an answer */

static bool has_file(const og_ends *e)
{
  return e->store && e->edges->rows >= OG_TOPOLOGY_FILE_ROWS;
}

/* A failure of the file is none of the query; one of memory or time is. */
static og_status forgive(og_ctx *cx, og_status st)
{
  if (st == OG_OK || st == OG_ENOMEM || st == OG_ECANCELLED || st == OG_EDEADLINE) return st;
  og_log(cx, OG_LOG_WARN, "topology_file", OG_KV_STR("error", og_str_of(cx->err->text)));
  og_error_clear(cx);
  return OG_OK;
}

static og_status read_file(og_ctx *cx, const og_ends *e, og_topology_part part, og_topology *t, bool *found)
{
  og_str key;
  *found = false;
  if (!has_file(e)) return OG_OK;
  OG_TRY(og_topology_key(cx, e->edges, &key));
  return forgive(cx, og_topology_read(cx, e->store, key, e, part, t, found));
}

static og_status write_file(og_ctx *cx, const og_ends *e, const og_topology *t)
{
  og_str key;
  if (!e->keep || !has_file(e)) return OG_OK;
  OG_TRY(og_topology_key(cx, e->edges, &key));
  return forgive(cx, og_topology_write(cx, e->store, key, e, t));
}

typedef struct topology_job {
  const og_ends *ends;
  og_cache *cache;
  og_cache_key key;
} topology_job;

/* From that of other versions, when this handle has it. */
static og_status extend_sibling(og_ctx *cx, const topology_job *j, og_topology *t, bool *done)
{
  *done = false;
  og_topology *old = og_cache_peek_sibling(j->cache, j->key);
  if (!old) return OG_OK;
  og_status st = og_topology_extend(cx, old, j->ends, t, done);
  og_cached_unref(old);
  return st;
}

static og_status read_or_build(og_ctx *cx, const topology_job *j, og_topology *t)
{
  bool done;
  const og_ends *e = j->ends;
  OG_TRY(extend_sibling(cx, j, t, &done));
  if (done) {
    note_shape(t);
    return OG_OK; /* the file follows when somebody has to build anew, or optimizes */
  }
  OG_TRY(read_file(cx, e, OG_TOPOLOGY_ALL, t, &done));
  if (done) return OG_OK;
  OG_TRY(build(cx, e, t));
  note_shape(t);
  return write_file(cx, e, t);
}

static og_lance_table *ref_table(og_lance_table *t)
{
  return t ? og_lance_table_ref(t) : NULL;
}

static og_status make_topology(og_ctx *cx, void *arg, og_cached **out, uint64_t *bytes)
{
  const topology_job *j = arg;
  const og_ends *e = j->ends;
  og_topology *t = og_zalloc(cx, sizeof *t);
  if (!t) return OG_ENOMEM;
  atomic_init(&t->base.refs, 1);
  t->base.free = topology_free;
  t->same = e->from == e->to;
  t->edges = ref_table(e->edges->table);
  t->from = ref_table(e->from->table);
  t->to = ref_table(e->to->table);
  og_status st = read_or_build(cx, j, t);
  if (st != OG_OK) {
    topology_free(&t->base);
    return st;
  }
  *bytes = sizeof *t + og_csr_bytes(&t->out) + og_csr_bytes(&t->in);
  *out = &t->base;
  return OG_OK;
}

/* ---- in the cache */

/* The family is the kind, and the table of edges whatever its version. */
static og_status name_of(og_ctx *cx, const og_ends *e, og_str kind, og_cache_key *out)
{
  const og_str parts[] = {kind, e->edges->name, e->from->name, e->to->name};
  size_t len = 0;
  for (size_t i = 0; i < OG_ARRAY_LEN(parts); i++) len += parts[i].len + 1;
  char *p = og_push(cx, len);
  if (!p) return OG_ENOMEM;
  *out = (og_cache_key){og_str_from(p, len), kind.len + 1 + e->edges->family};
  for (size_t i = 0; i < OG_ARRAY_LEN(parts); i++) {
    memcpy(p, parts[i].ptr, parts[i].len);
    p += parts[i].len;
    *p++ = 0;
  }
  return OG_OK;
}

og_status og_topology_get(og_ctx *cx, og_cache *cache, const og_ends *ends, og_topology **out)
{
  topology_job j = {.ends = ends, .cache = cache};
  OG_TRY(name_of(cx, ends, OG_STR("topology"), &j.key));
  return og_cache_get(cx, cache, j.key, make_topology, &j, (void **)out);
}

og_status og_topology_keep(og_ctx *cx, og_cache *cache, const og_ends *ends)
{
  og_str key;
  og_topology *t;
  bool current = false;
  OG_TRY(og_topology_get(cx, cache, ends, &t));
  og_status st = has_file(ends) ? og_topology_key(cx, ends->edges, &key) : OG_OK;
  if (st == OG_OK && has_file(ends)) st = forgive(cx, og_topology_is_current(cx, ends->store, key, ends, &current));
  if (st == OG_OK && !current) st = write_file(cx, ends, t);
  og_cached_unref(t);
  return st;
}

/* ---- distinct neighbours */

/* Merges two ascending lists (b may be empty) into distinct values; returns how many. */
static uint64_t merge_distinct(const uint32_t *a, uint64_t na, const uint32_t *b, uint64_t nb, uint32_t *out)
{
  uint64_t i = 0, j = 0, n = 0;
  while (i < na || j < nb) {
    uint32_t v = j == nb || (i < na && a[i] <= b[j]) ? a[i] : b[j];
    while (i < na && a[i] == v) i++;
    while (j < nb && b[j] == v) j++;
    out[n++] = v;
  }
  return n;
}

/* `b` NULL: none. */
static og_status merged(og_ctx *cx, const og_csr *a, const og_csr *b, og_csr *c)
{
  uint64_t most = a->first[a->n] + (b ? b->first[b->n] : 0), n = 0;
  c->n = a->n;
  c->n_far = a->n_far;
  c->loops = a->loops;
  c->first = og_alloc(cx, (c->n + 1) * sizeof *c->first);
  c->targets = og_alloc(cx, (most + 1) * sizeof *c->targets);
  if (!c->first || !c->targets) return OG_ENOMEM;
  for (uint64_t v = 0; v < c->n; v++) {
    c->first[v] = n;
    n += merge_distinct(a->targets + a->first[v], og_csr_degree(a, v), b ? b->targets + b->first[v] : NULL,
                        b ? og_csr_degree(b, v) : 0, c->targets + n);
  }
  c->first[c->n] = n;
  return OG_OK;
}

typedef struct choosing {
  const og_ends *ends;
  og_cache *cache;
  og_way way;
} choosing;

static void neighbours_free(og_cached *c)
{
  og_neighbours *x = (og_neighbours *)c;
  if (!x->of) og_csr_cleanup(&x->csr);
  og_cached_unref(x->of);
  og_free(x);
}

static og_status choose(og_ctx *cx, const choosing *ch, og_neighbours *x)
{
  og_topology *t, part = {0};
  bool found = false;
  og_cache_key key;
  OG_TRY(name_of(cx, ch->ends, OG_STR("topology"), &key));
  t = ch->way == OG_WAY_BOTH ? NULL : og_cache_peek(ch->cache, key.name);
  if (!t && ch->way != OG_WAY_BOTH)
    OG_TRY(read_file(cx, ch->ends, ch->way == OG_WAY_OUT ? OG_TOPOLOGY_OUT : OG_TOPOLOGY_IN, &part, &found));
  if (found) {
    x->csr = ch->way == OG_WAY_OUT ? part.out : part.in;
    return OG_OK;
  }
  if (!t) OG_TRY(og_topology_get(cx, ch->cache, ch->ends, &t));
  const og_csr *a = ch->way == OG_WAY_IN ? &t->in : &t->out;
  if (ch->way != OG_WAY_BOTH && !a->parallel) {
    x->csr = *a;
    x->csr.rows = NULL;
    x->of = t; /* takes the reference */
    return OG_OK;
  }
  og_status st = merged(cx, a, ch->way == OG_WAY_BOTH ? &t->in : NULL, &x->csr);
  og_cached_unref(t);
  return st;
}

static og_status make_neighbours(og_ctx *cx, void *arg, og_cached **out, uint64_t *bytes)
{
  og_neighbours *x = og_zalloc(cx, sizeof *x);
  if (!x) return OG_ENOMEM;
  atomic_init(&x->base.refs, 1);
  x->base.free = neighbours_free;
  og_status st = choose(cx, arg, x);
  if (st != OG_OK) {
    neighbours_free(&x->base);
    return st;
  }
  *bytes = sizeof *x + (x->of ? 0 : og_csr_bytes(&x->csr));
  *out = &x->base;
  return OG_OK;
}

og_status og_neighbours_get(og_ctx *cx, og_cache *cache, const og_ends *ends, og_way way, og_neighbours **out)
{
  static const char *const kinds[] = {"out", "in", "both"};
  og_cache_key key;
  choosing ch = {ends, cache, way};
  OG_TRY(name_of(cx, ends, og_str_of(kinds[way]), &key));
  return og_cache_get(cx, cache, key, make_neighbours, &ch, (void **)out);
}
