/* SPDX-License-Identifier: MIT */
/* exec/pipeline.c -- ops as stages that push chunks of row offsets onward.
 *
 *   SCAN -> stage 1 -> stage 2 -> ... -> sink
 *
 * Each stage takes a chunk, makes rows of its own into its output chunk, and hands that on whenever it is full and once
 * at the end of its input.  A stage owns one output chunk, so memory does not grow with the number of rows in flight.
 * `stop` travels back when the sink wants no more.
 *
 * A negation is a pipeline inside a stage: each outer row is its only input, and the first row to reach its end stops
 * it.  So is an optional part; its rows go on behind that stage, or the outer row does when there are none.
 */
#include "exec/path_walk.h"

#include "base/limits.h"
#include "base/map.h"

#define CHUNK_CELLS (4u << 20) /* of all chunks of a pipeline: 32 MiB */

typedef struct pipe pipe_t;

typedef struct stage {
  const og_plan_op *op;
  og_plan_cost *cost; /* NULL: nobody asks */
  og_chunk out;
  uint64_t *slots;     /* the row being pushed */
  uint64_t *outer_row; /* OPTIONAL: the same, kept while its inner pipeline runs */
  pipe_t *inner;       /* ANTI, OPTIONAL: made at the first row, and used for all: what its joins have prepared stays */
  og_vec rows;         /* CROSS, HASH_JOIN: uint64_t rows of the slot that pass */
  og_map keys;         /* HASH_JOIN: encoded keys -> first row + 1 in `chain` */
  og_vec chain;        /* HASH_JOIN: link */
  bool prepared;
  og_vec emitted, frontier, next; /* EXPAND: uint32_t */
  uint32_t *marks, epoch;         /* EXPAND: per node, whether this walk has met it */
  og_path_walk paths;             /* EXPAND, CLOSE with a path slot */
} stage;

typedef struct link {
  uint64_t row, next; /* next: index + 1, 0: end */
} link;

struct pipe {
  og_run *run;
  stage *stages;
  uint32_t n;
  og_sink_fn sink;
  uint64_t **seed; /* columns of one row, when the pipeline starts from rows given to it */
  bool stop;
  pipe_t *outer; /* inside an OPTIONAL: whose stage `outer_at` takes the rows */
  uint32_t outer_at;
  bool found; /* a row reached the end */
};

static og_status push(og_ctx *cx, pipe_t *p, uint32_t at, const og_chunk *in);

/* ---- chunks */

static og_status chunk_init(og_ctx *cx, uint32_t n_slots, size_t cap, og_chunk *c)
{
  c->n = 0;
  c->cap = cap;
  c->slots = og_push_array(cx, n_slots + 1, sizeof(uint64_t *));
  if (!c->slots) return OG_ENOMEM;
  for (uint32_t i = 0; i < n_slots; i++)
    if (!(c->slots[i] = og_push_array(cx, cap, sizeof(uint64_t)))) return OG_ENOMEM;
  return OG_OK;
}

static void gather(const og_run *run, const og_chunk *c, size_t row, uint64_t *slots)
{
  for (uint32_t s = 0; s < run->plan->n_slots; s++) slots[s] = c->slots[s][row];
}

static og_status flush(og_ctx *cx, pipe_t *p, uint32_t at)
{
  og_chunk *out = &p->stages[at].out;
  if (out->n == 0) return OG_OK;
  if (p->stages[at].cost) p->stages[at].cost->rows += out->n;
  og_status st = push(cx, p, at + 1, out);
  out->n = 0;
  return st;
}

/* One output row. */
static og_status emit(og_ctx *cx, pipe_t *p, uint32_t at, const uint64_t *slots)
{
  og_chunk *out = &p->stages[at].out;
  for (uint32_t s = 0; s < p->run->plan->n_slots; s++) out->slots[s][out->n] = slots[s];
  return ++out->n == out->cap ? flush(cx, p, at) : OG_OK;
}

static og_status all_hold(og_ctx *cx, og_run *run, const og_plan_op *op, const uint64_t *slots, bool *out)
{
  *out = true;
  for (uint32_t i = 0; i < op->n_filters && *out; i++) OG_TRY(og_run__holds(cx, run, op->filters[i], slots, out));
  return OG_OK;
}

/* ---- CROSS and HASH_JOIN */

/* Join keys as bytes: the hash of exact comparison would do for finding, but equal values must also compare equal. */
static og_status key_of(og_ctx *cx, og_run *run, const og_pexpr *const *keys, uint32_t n, const uint64_t *slots,
                        uint64_t *hash, bool *null)
{
  *hash = 0x9e3779b97f4a7c15ull;
  *null = false;
  for (uint32_t i = 0; i < n && !*null; i++) {
    og_scalar v;
    OG_TRY(og_run__value(cx, run, keys[i], slots, &v));
    *null = v.is_null;
    if (!v.is_null) *hash = og_scalar_hash(&v, *hash);
  }
  og_arena_reset(&run->scratch);
  return OG_OK;
}

static og_status keys_match(og_ctx *cx, og_run *run, const og_plan_op *op, const uint64_t *slots, bool *out)
{
  *out = true;
  for (uint32_t i = 0; i < op->n_keys && *out; i++) {
    og_scalar a, b;
    int c;
    OG_TRY(og_run__value(cx, run, op->left_keys[i], slots, &a));
    OG_TRY(og_run__value(cx, run, op->right_keys[i], slots, &b));
    *out = !a.is_null && !b.is_null && og_scalar_cmp(&a, &b, &c) && c == 0;
  }
  og_arena_reset(&run->scratch);
  return OG_OK;
}

static og_status build_side(og_ctx *cx, pipe_t *p, stage *s, uint64_t *slots)
{
  for (size_t i = 0; i < s->rows.len; i++) {
    uint64_t hash;
    bool null;
    slots[s->op->slot] = OG_VEC_AT(&s->rows, uint64_t, i);
    OG_TRY(key_of(cx, p->run, s->op->right_keys, s->op->n_keys, slots, &hash, &null));
    if (null) continue;
    uint64_t *head = og_umap_at(cx, &s->keys, hash, NULL);
    if (!head) return OG_ENOMEM;
    const link l = {OG_VEC_AT(&s->rows, uint64_t, i), *head};
    OG_TRY(og_vec_add(cx, &s->chain, &l));
    *head = s->chain.len;
  }
  return OG_OK;
}

static og_status prepare_join(og_ctx *cx, pipe_t *p, stage *s, uint64_t *slots)
{
  if (s->prepared) return OG_OK;
  s->prepared = true;
  OG_TRY(og_run__select(cx, p->run, s->op, s->op->slot, &s->rows));
  return s->op->kind == OG_PLAN_HASH_JOIN ? build_side(cx, p, s, slots) : OG_OK;
}

static og_status push_cross(og_ctx *cx, pipe_t *p, uint32_t at, uint64_t *slots)
{
  stage *s = &p->stages[at];
  for (size_t i = 0; i < s->rows.len && !p->stop; i++) {
    slots[s->op->slot] = OG_VEC_AT(&s->rows, uint64_t, i);
    OG_TRY(emit(cx, p, at, slots));
  }
  return OG_OK;
}

static og_status push_hash_join(og_ctx *cx, pipe_t *p, uint32_t at, uint64_t *slots)
{
  stage *s = &p->stages[at];
  uint64_t hash, head;
  bool null, match;
  OG_TRY(key_of(cx, p->run, s->op->left_keys, s->op->n_keys, slots, &hash, &null));
  if (null || !og_umap_get(&s->keys, hash, &head)) return OG_OK;
  for (; head && !p->stop; head = OG_VEC_AT(&s->chain, link, head - 1).next) {
    slots[s->op->slot] = OG_VEC_AT(&s->chain, link, head - 1).row;
    OG_TRY(keys_match(cx, p->run, s->op, slots, &match));
    if (match) OG_TRY(emit(cx, p, at, slots));
  }
  return OG_OK;
}

/* ---- EXPAND and CLOSE */

static og_way way_of(og_direction dir)
{
  return dir == OG_DIR_OUT ? OG_WAY_OUT : dir == OG_DIR_IN ? OG_WAY_IN : OG_WAY_BOTH;
}

/* The row of a slot, when it holds one of that type. */
static bool row_of(const uint64_t *slots, uint32_t slot, uint32_t type, uint64_t *out)
{
  uint64_t v = slots[slot];
  *out = og_row_offset(v);
  return v != OG_ROW_NONE && og_row_type(v) == type;
}

/* One output row per edge row of `c`: parallel edges are distinct. */
static og_status expand_list(og_ctx *cx, pipe_t *p, uint32_t at, uint64_t *slots, const og_csr *c, bool bound,
                             bool no_loops)
{
  const og_plan_op *op = p->stages[at].op;
  uint64_t src = og_row_offset(slots[op->src]), dst = og_row_offset(slots[op->dst]);
  for (uint64_t i = c->first[src]; i < c->first[src + 1] && !p->stop; i++) {
    bool keep;
    if (bound && c->targets[i] != dst) continue;
    if (no_loops && c->targets[i] == src) continue;
    slots[op->dst] = og_row_of(op->dst_type, c->targets[i]);
    slots[op->edge_slot] = c->rows[i];
    OG_TRY(all_hold(cx, p->run, op, slots, &keep));
    if (keep) OG_TRY(emit(cx, p, at, slots));
  }
  return OG_OK;
}

static og_status expand_edges(og_ctx *cx, pipe_t *p, uint32_t at, uint64_t *slots, bool bound)
{
  const og_plan_op *op = p->stages[at].op;
  const og_topology *t;
  OG_TRY(og_run__topology(cx, p->run, op->edge, &t));
  if (op->dir != OG_DIR_IN) OG_TRY(expand_list(cx, p, at, slots, &t->out, bound, false));
  /* A self-loop is one row, whichever way it is read. */
  if (op->dir != OG_DIR_OUT) OG_TRY(expand_list(cx, p, at, slots, &t->in, bound, op->dir == OG_DIR_BOTH));
  return OG_OK;
}

/* Marks of a walk: one number per node instead of a set to clear. */
static og_status marks_begin(og_ctx *cx, stage *s, uint64_t n)
{
  if (!s->marks && !(s->marks = og_calloc(cx, n + 1, sizeof *s->marks))) return OG_ENOMEM;
  if (++s->epoch == 0) {
    memset(s->marks, 0, n * sizeof *s->marks);
    s->epoch = 1;
  }
  return OG_OK;
}

/* One hop of the walk from all nodes of the frontier, among nodes of one type.
 *
 * A node counts by its shortest distance.  The only way to meet a node again is its own loop: hop h finds u, at
 * distance h - 1, by u's loop; u counts then unless it has before, which is to say only if h is the first hop that
 * counts. */
static og_status walk_hop(og_ctx *cx, stage *s, const og_csr *c, uint32_t hop)
{
  bool counts = hop >= s->op->min, loops_count = hop == s->op->min;
  for (size_t i = 0; i < s->frontier.len; i++) {
    uint32_t u = OG_VEC_AT(&s->frontier, uint32_t, i);
    uint64_t from = c->first[u], to = c->first[u + 1];
    OG_TRY(og_vec_reserve(cx, &s->next, to - from));
    if (counts) OG_TRY(og_vec_reserve(cx, &s->emitted, to - from));
    for (uint64_t k = from; k < to; k++) {
      uint32_t w = c->targets[k];
      if (w == u && loops_count) OG_VEC_AT(&s->emitted, uint32_t, s->emitted.len++) = w;
      if (s->marks[w] == s->epoch) continue;
      s->marks[w] = s->epoch;
      OG_VEC_AT(&s->next, uint32_t, s->next.len++) = w;
      if (counts) OG_VEC_AT(&s->emitted, uint32_t, s->emitted.len++) = w;
    }
  }
  return OG_OK;
}

/* The breadth-first walk of the language's section on traversal; what it reaches is in s->emitted. */
static og_status walk(og_ctx *cx, stage *s, const og_csr *c, uint64_t src)
{
  const og_plan_op *op = s->op;
  const uint32_t first = (uint32_t)src;
  og_vec_clear(&s->emitted);
  og_vec_clear(&s->frontier);
  OG_TRY(og_vec_add(cx, &s->frontier, &first));
  OG_TRY(marks_begin(cx, s, c->n));
  s->marks[first] = s->epoch;
  for (uint32_t hop = 1; hop <= op->max && s->frontier.len; hop++) {
    if (op->max == OG_HOPS_UNBOUNDED && hop > OG_LIMIT_HOPS) return og_walk__never_ends(cx, op);
    OG_TRY(og_ctx_poll(cx));
    og_vec_clear(&s->next);
    OG_TRY(walk_hop(cx, s, c, hop));
    og_vec swap = s->frontier;
    s->frontier = s->next;
    s->next = swap;
  }
  return OG_OK;
}

/* Nodes that the op reaches from src, distinct: a list of the topology where one hop is meant, else a walk. */
static og_status reach(og_ctx *cx, pipe_t *p, stage *s, uint64_t src, const uint32_t **out, uint64_t *n)
{
  const og_csr *c;
  const og_plan_op *op = s->op;
  bool same = op->edge->from == op->edge->to;
  *n = 0;
  if (op->min > (same ? op->max : 1) || op->max == 0) return OG_OK; /* across types no walk goes on */
  OG_TRY(og_run__neighbours(cx, p->run, op->edge, way_of(op->dir), &c));
  if (op->max == 1 || !same) {
    *out = c->targets + c->first[src];
    *n = og_csr_degree(c, src);
    return OG_OK;
  }
  OG_TRY(walk(cx, s, c, src));
  *out = s->emitted.data;
  *n = s->emitted.len;
  return OG_OK;
}

/* The same with paths: one row per destination, its path slot set. */
static og_status expand_paths(og_ctx *cx, pipe_t *p, uint32_t at, uint64_t *slots, uint64_t src)
{
  stage *s = &p->stages[at];
  const og_plan_op *op = s->op;
  OG_TRY(og_path_walk_from(cx, p->run, &s->paths, src));
  for (size_t i = 0; i < s->paths.emitted.len && !p->stop; i++) {
    bool keep;
    uint64_t dst = OG_VEC_AT(&s->paths.emitted, uint64_t, i);
    slots[op->dst] = og_row_of(op->dst_type, dst);
    OG_TRY(all_hold(cx, p->run, op, slots, &keep));
    if (keep) OG_TRY(og_path_walk_value(cx, p->run, &s->paths, dst, &slots[op->path_slot]));
    if (keep) OG_TRY(emit(cx, p, at, slots));
  }
  return OG_OK;
}

static og_status push_expand(og_ctx *cx, pipe_t *p, uint32_t at, uint64_t *slots)
{
  stage *s = &p->stages[at];
  const og_plan_op *op = s->op;
  const uint32_t *to = NULL;
  uint64_t n, src;
  if (!row_of(slots, op->src, op->src_type, &src)) return OG_OK;
  if (op->edge_slot != OG_NO_SLOT) return expand_edges(cx, p, at, slots, false);
  if (op->path_slot != OG_NO_SLOT) return expand_paths(cx, p, at, slots, src);
  OG_TRY(reach(cx, p, s, src, &to, &n));
  for (uint64_t i = 0; i < n && !p->stop; i++) {
    bool keep;
    slots[op->dst] = og_row_of(op->dst_type, to[i]);
    OG_TRY(all_hold(cx, p->run, op, slots, &keep));
    if (keep) OG_TRY(emit(cx, p, at, slots));
  }
  return OG_OK;
}

static og_status close_path(og_ctx *cx, pipe_t *p, uint32_t at, uint64_t *slots, uint64_t src, uint64_t dst)
{
  stage *s = &p->stages[at];
  OG_TRY(og_path_walk_from(cx, p->run, &s->paths, src));
  if (!og_umap_get(&s->paths.seen, dst, NULL)) return OG_OK;
  OG_TRY(og_path_walk_value(cx, p->run, &s->paths, dst, &slots[s->op->path_slot]));
  return emit(cx, p, at, slots);
}

static og_status push_close(og_ctx *cx, pipe_t *p, uint32_t at, uint64_t *slots)
{
  stage *s = &p->stages[at];
  const og_plan_op *op = s->op;
  const uint32_t *to = NULL;
  uint64_t n, src, dst;
  bool found = false;
  if (!row_of(slots, op->src, op->src_type, &src) || !row_of(slots, op->dst, op->dst_type, &dst)) return OG_OK;
  if (op->edge_slot != OG_NO_SLOT) return expand_edges(cx, p, at, slots, true);
  if (op->path_slot != OG_NO_SLOT) return close_path(cx, p, at, slots, src, dst);
  OG_TRY(reach(cx, p, s, src, &to, &n));
  for (uint64_t i = 0; i < n && !found; i++) found = to[i] == dst;
  return found ? emit(cx, p, at, slots) : OG_OK;
}

/* ---- FILTER, ANTI and OPTIONAL */

static og_status pipe_init(og_ctx *cx, og_run *run, const og_plan_op *ops, uint32_t n, og_sink_fn sink, pipe_t *p);
static og_status push_seed(og_ctx *cx, pipe_t *p, uint64_t *seed);

static og_status inner_pipe(og_ctx *cx, pipe_t *p, uint32_t at)
{
  stage *s = &p->stages[at];
  if (s->inner) return OG_OK;
  s->inner = og_push_array(cx, 1, sizeof *s->inner);
  if (!s->inner) return OG_ENOMEM;
  OG_TRY(pipe_init(cx, p->run, s->op->inner, s->op->n_inner, NULL, s->inner));
  if (s->op->kind == OG_PLAN_OPTIONAL) s->inner->outer = p;
  s->inner->outer_at = at;
  return OG_OK;
}

/* Rows at the end of an inner pipeline: one is enough for a negation, all go on for an optional part. */
static og_status inner_rows(og_ctx *cx, pipe_t *p, const og_chunk *in)
{
  p->found = p->found || in->n;
  p->stop = p->found && !p->outer;
  if (!p->outer) return OG_OK;
  stage *s = &p->outer->stages[p->outer_at];
  for (size_t i = 0; i < in->n && !p->outer->stop; i++) {
    gather(p->run, in, i, s->slots);
    OG_TRY(emit(cx, p->outer, p->outer_at, s->slots));
  }
  p->stop = p->outer->stop;
  return OG_OK;
}

static og_status push_anti(og_ctx *cx, pipe_t *p, uint32_t at, uint64_t *slots)
{
  OG_TRY(inner_pipe(cx, p, at));
  OG_TRY(push_seed(cx, p->stages[at].inner, slots));
  return p->stages[at].inner->found ? OG_OK : emit(cx, p, at, slots);
}

static void clear_bound(const og_plan_op *ops, uint32_t n, uint64_t *slots)
{
  for (uint32_t i = 0; i < n; i++) {
    const og_plan_op *op = &ops[i];
    bool node = op->kind == OG_PLAN_CROSS || op->kind == OG_PLAN_HASH_JOIN, expand = op->kind == OG_PLAN_EXPAND;
    if (node) slots[op->slot] = OG_ROW_NONE;
    if (expand) slots[op->dst] = OG_ROW_NONE;
    if (expand || op->kind == OG_PLAN_CLOSE) {
      if (op->edge_slot != OG_NO_SLOT) slots[op->edge_slot] = OG_ROW_NONE;
      if (op->path_slot != OG_NO_SLOT) slots[op->path_slot] = OG_ROW_NONE;
    }
    if (op->kind == OG_PLAN_OPTIONAL) clear_bound(op->inner, op->n_inner, slots);
  }
}

static og_status push_optional(og_ctx *cx, pipe_t *p, uint32_t at, uint64_t *slots)
{
  stage *s = &p->stages[at];
  OG_TRY(inner_pipe(cx, p, at));
  memcpy(s->outer_row, slots, p->run->plan->n_slots * sizeof *slots); /* what comes back overwrites `slots` */
  OG_TRY(push_seed(cx, s->inner, s->outer_row));
  if (s->inner->found || p->stop) return OG_OK;
  memcpy(slots, s->outer_row, p->run->plan->n_slots * sizeof *slots);
  clear_bound(s->op->inner, s->op->n_inner, slots);
  return emit(cx, p, at, slots);
}

static og_status push_filter(og_ctx *cx, pipe_t *p, uint32_t at, uint64_t *slots)
{
  bool keep;
  OG_TRY(all_hold(cx, p->run, p->stages[at].op, slots, &keep));
  return keep ? emit(cx, p, at, slots) : OG_OK;
}

/* ---- driving */

static og_status push_row(og_ctx *cx, pipe_t *p, uint32_t at, uint64_t *slots)
{
  switch (p->stages[at].op->kind) {
  case OG_PLAN_CROSS: return push_cross(cx, p, at, slots);
  case OG_PLAN_HASH_JOIN: return push_hash_join(cx, p, at, slots);
  case OG_PLAN_EXPAND: return push_expand(cx, p, at, slots);
  case OG_PLAN_CLOSE: return push_close(cx, p, at, slots);
  case OG_PLAN_FILTER: return push_filter(cx, p, at, slots);
  case OG_PLAN_ANTI: return push_anti(cx, p, at, slots);
  case OG_PLAN_OPTIONAL: return push_optional(cx, p, at, slots);
  case OG_PLAN_SCAN: break;
  }
  return og_fail(cx, OG_EINTERNAL, "a scan stands in the middle of a plan");
}

static og_status push_chunk(og_ctx *cx, pipe_t *p, uint32_t at, const og_chunk *in)
{
  stage *s = &p->stages[at];
  OG_TRY(og_ctx_poll(cx));
  if (s->op->kind == OG_PLAN_CROSS || s->op->kind == OG_PLAN_HASH_JOIN) OG_TRY(prepare_join(cx, p, s, s->slots));
  for (size_t i = 0; i < in->n && !p->stop; i++) {
    gather(p->run, in, i, s->slots);
    OG_TRY(push_row(cx, p, at, s->slots));
  }
  return OG_OK;
}

static og_status push(og_ctx *cx, pipe_t *p, uint32_t at, const og_chunk *in)
{
  og_profile *profile = p->run->profile;
  if (at == p->n && !p->sink) return inner_rows(cx, p, in);
  og_plan_cost *cost = at < p->n ? p->stages[at].cost : og_profile_step(profile, OG_STEP_ANSWER);
  og_plan_cost *before = og_profile_enter(cx, profile, cost);
  og_status st = at == p->n ? p->sink(cx, p->run, in, &p->stop) : push_chunk(cx, p, at, in);
  og_profile_leave(cx, profile, before);
  return st;
}

/* The input of stage `at` has ended: what its chunk still holds goes on, stage by stage. */
static og_status finish(og_ctx *cx, pipe_t *p, uint32_t at)
{
  for (; at < p->n && !p->stop; at++) OG_TRY(flush(cx, p, at));
  return OG_OK;
}

static og_status push_scan(og_ctx *cx, pipe_t *p)
{
  stage *s = &p->stages[0];
  og_chunk *out = &s->out;
  OG_TRY(og_run__select(cx, p->run, s->op, s->op->slot, &s->rows));
  for (size_t i = 0; i < s->rows.len && !p->stop; i++) {
    out->slots[s->op->slot][out->n++] = OG_VEC_AT(&s->rows, uint64_t, i);
    if (out->n == out->cap) OG_TRY(flush(cx, p, 0));
  }
  return finish(cx, p, 0);
}

/* Runs the pipeline over one row, from scratch. */
static og_status push_seed(og_ctx *cx, pipe_t *p, uint64_t *seed)
{
  p->stop = p->found = false;
  for (uint32_t i = 0; i < p->n; i++) p->stages[i].out.n = 0; /* a stop leaves rows behind */
  for (uint32_t i = 0; i < p->run->plan->n_slots; i++) p->seed[i] = &seed[i];
  const og_chunk one = {p->seed, 1, 1};
  OG_TRY(push(cx, p, 0, &one));
  return finish(cx, p, 0);
}

static og_status stage_init(og_ctx *cx, og_run *run, const og_plan_op *op, size_t cap, stage *s)
{
  s->op = op;
  s->cost = og_profile_of(run->profile, op);
  s->rows = OG_VEC_INIT(uint64_t);
  s->chain = OG_VEC_INIT(link);
  s->emitted = s->frontier = s->next = OG_VEC_INIT(uint32_t);
  og_path_walk_init(&s->paths, op);
  og_umap_init(&s->keys);
  s->slots = og_push_array(cx, run->plan->n_slots + 1, sizeof *s->slots);
  s->outer_row = og_push_array(cx, run->plan->n_slots + 1, sizeof *s->outer_row);
  return s->slots && s->outer_row ? chunk_init(cx, run->plan->n_slots, cap, &s->out) : OG_ENOMEM;
}

static void pipe_cleanup(pipe_t *p);

static void stage_cleanup(stage *s)
{
  if (!s->op) return;
  if (s->inner) pipe_cleanup(s->inner);
  og_vec_cleanup(&s->rows);
  og_vec_cleanup(&s->chain);
  og_vec_cleanup(&s->emitted);
  og_vec_cleanup(&s->frontier);
  og_vec_cleanup(&s->next);
  og_path_walk_cleanup(&s->paths);
  og_map_cleanup(&s->keys);
  og_free(s->marks);
}

static og_status pipe_init(og_ctx *cx, og_run *run, const og_plan_op *ops, uint32_t n, og_sink_fn sink, pipe_t *p)
{
  *p = (pipe_t){.run = run, .n = n, .sink = sink};
  p->seed = og_push_array(cx, run->plan->n_slots + 1, sizeof *p->seed);
  p->stages = og_push_array(cx, n + 1, sizeof *p->stages);
  if (!p->seed || !p->stages) return OG_ENOMEM;
  uint64_t cells = (uint64_t)run->plan->n_slots * n + 1, cap = CHUNK_CELLS / cells; /* every stage has every slot */
  cap = cap < 1 ? 1 : cap > OG_CHUNK ? OG_CHUNK : cap;
  for (uint32_t i = 0; i < n; i++) OG_TRY(stage_init(cx, run, &ops[i], (size_t)cap, &p->stages[i]));
  return OG_OK;
}

static void pipe_cleanup(pipe_t *p)
{
  for (uint32_t i = 0; p->stages && i < p->n; i++) stage_cleanup(&p->stages[i]);
}

og_status og_run__ops(og_ctx *cx, og_run *run, const og_plan_op *ops, uint32_t n, og_sink_fn sink)
{
  pipe_t p;
  og_status st = pipe_init(cx, run, ops, n, sink, &p);
  og_plan_cost *before = og_profile_enter(cx, run->profile, st == OG_OK ? p.stages[0].cost : NULL);
  if (st == OG_OK) st = push_scan(cx, &p);
  og_profile_leave(cx, run->profile, before);
  pipe_cleanup(&p);
  return st;
}
