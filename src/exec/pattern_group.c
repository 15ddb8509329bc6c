/* SPDX-License-Identifier: MIT */
/* exec/pattern_group.c -- answers from patterns: which slots the answer needs one by one, and what becomes of their
 * rows.
 *
 * Without a grouping, rows of the core are the rows of the answer, each as often as its number says.  With one, they
 * are put together by code: a key's row in its table has a small number, equal for rows with equal values, so a group
 * is found by comparing integers, and the values are looked at once per row of a table, not once per row of the join.
 */
#include "exec/pattern_group.h"

#include "arrow/builder.h"
#include "exec/pattern_rows.h"

#define NO_CODE UINT32_MAX

/* ---- codes of one slot's keys */

typedef struct code_slot {
  uint32_t tag;  /* upper half of the hash */
  uint32_t code; /* + 1; 0: free */
} code_slot;

typedef struct coder {
  uint32_t slot;
  og_view *view;
  const og_column **columns;
  uint32_t n_columns;
  bool unique;      /* no two rows have equal values */
  uint32_t *known;  /* code per row of the table; NULL: few rows will come */
  og_sparse seen;   /* then: the rows that came, and their codes as weights */
  og_vec firsts;    /* uint32_t per code: a row that has it */
  og_vec hashes;    /* uint64_t per code; not of unique ones */
  code_slot *index; /* open addressing */
  uint64_t mask;
} coder;

static uint64_t values_hash(const coder *c, uint32_t row)
{
  uint64_t h = 0;
  for (uint32_t i = 0; i < c->n_columns; i++) h = og_column_value_hash(c->columns[i], row, h + 0x9e3779b97f4a7c15ull);
  return h;
}

static bool values_eq(const coder *c, uint32_t a, uint32_t b)
{
  for (uint32_t i = 0; i < c->n_columns; i++)
    if (!og_column_value_eq(c->columns[i], a, c->columns[i], b)) return false;
  return true;
}

static og_status coder_grow(og_ctx *cx, coder *c)
{
  if (c->index && c->firsts.len * 2 <= c->mask) return OG_OK;
  uint64_t size = c->index ? (c->mask + 1) * 4 : 256;
  code_slot *index = og_calloc(cx, size, sizeof *index);
  if (!index) return OG_ENOMEM;
  for (size_t k = 0; k < c->firsts.len; k++) {
    uint64_t hash = OG_VEC_AT(&c->hashes, uint64_t, k), i = hash & (size - 1);
    while (index[i].code) i = (i + 1) & (size - 1);
    index[i] = (code_slot){(uint32_t)(hash >> 32), (uint32_t)k + 1};
  }
  og_free(c->index);
  c->index = index;
  c->mask = size - 1;
  return OG_OK;
}

static og_status code_by_value(og_ctx *cx, coder *c, uint32_t row, uint32_t *out)
{
  *out = (uint32_t)c->firsts.len;
  if (c->unique) return og_vec_add(cx, &c->firsts, &row);
  OG_TRY(coder_grow(cx, c));
  uint64_t hash = values_hash(c, row), i = hash & c->mask;
  uint32_t tag = (uint32_t)(hash >> 32);
  for (; c->index[i].code; i = (i + 1) & c->mask) {
    if (c->index[i].tag != tag || !values_eq(c, OG_VEC_AT(&c->firsts, uint32_t, c->index[i].code - 1), row)) continue;
    *out = c->index[i].code - 1;
    return OG_OK;
  }
  c->index[i] = (code_slot){tag, *out + 1};
  OG_TRY(og_vec_add(cx, &c->hashes, &hash));
  return og_vec_add(cx, &c->firsts, &row);
}

static og_status code_of(og_ctx *cx, coder *c, uint32_t row, uint32_t *out)
{
  size_t at;
  if (c->known) {
    if (c->known[row] == NO_CODE) OG_TRY(code_by_value(cx, c, row, &c->known[row]));
    *out = c->known[row];
    return OG_OK;
  }
  size_t before = c->seen.n;
  OG_TRY(og_sparse_at(cx, &c->seen, row, &at));
  if (c->seen.n > before) {
    OG_TRY(code_by_value(cx, c, row, out));
    c->seen.weights[at] = *out;
  }
  *out = (uint32_t)c->seen.weights[at];
  return OG_OK;
}

static void coder_cleanup(coder *c)
{
  og_free(c->known);
  og_free(c->index);
  og_sparse_cleanup(&c->seen);
  og_vec_cleanup(&c->firsts);
  og_vec_cleanup(&c->hashes);
}

/* ---- groups */

typedef struct groups {
  og_run *run;
  og_pattern *p;
  coder *coders; /* one per slot with keys */
  uint32_t n_coders;
  og_vec codes;    /* uint32_t: n_coders per group; not kept with one coder, where code and group are the same */
  og_vec counts;   /* uint64_t per group */
  og_vec amounts;  /* og_amount: n_measures per group */
  uint32_t *index; /* two coders or more: open addressing, group + 1 */
  uint64_t mask;
  int measure_of[OG_PATTERN_MEASURES], count_of[OG_PATTERN_MEASURES]; /* per aggregate: its measure, that of how many
                                                                       * values; -1: the rows themselves */
  bool edge_measure[OG_PATTERN_MEASURES];
  bool distinct; /* rows of the one core vertex are counted, not those of the pattern */
} groups;

static uint64_t codes_hash(const uint32_t *codes, uint32_t n)
{
  uint64_t h = 0;
  /* n are set: NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
  for (uint32_t i = 0; i < n; i++) h = (h ^ codes[i]) * 0x9e3779b97f4a7c15ull;
  return h ^ h >> 29;
}

static og_status groups_grow(og_ctx *cx, groups *g)
{
  size_t n = g->counts.len;
  if (g->index && n * 2 <= g->mask) return OG_OK;
  uint64_t size = g->index ? (g->mask + 1) * 2 : 64;
  uint32_t *index = og_calloc(cx, size, sizeof *index);
  if (!index) return OG_ENOMEM;
  for (size_t k = 0; k < n; k++) {
    uint64_t i = codes_hash((const uint32_t *)g->codes.data + k * g->n_coders, g->n_coders) & (size - 1);
    while (index[i]) i = (i + 1) & (size - 1);
    index[i] = (uint32_t)k + 1;
  }
  og_free(g->index);
  g->index = index;
  g->mask = size - 1;
  return OG_OK;
}

static og_status new_group(og_ctx *cx, groups *g)
{
  const og_amount none = {0};
  const uint64_t zero = 0;
  for (uint32_t k = 0; k < g->p->n_measures; k++) OG_TRY(og_vec_add(cx, &g->amounts, &none));
  return og_vec_add(cx, &g->counts, &zero);
}

static og_status find_group(og_ctx *cx, groups *g, const uint32_t *codes, size_t *out)
{
  const uint32_t *all = g->codes.data;
  OG_TRY(groups_grow(cx, g));
  uint64_t i = codes_hash(codes, g->n_coders) & g->mask;
  for (; g->index[i]; i = (i + 1) & g->mask) {
    *out = g->index[i] - 1;
    if (memcmp(all + *out * g->n_coders, codes, g->n_coders * sizeof *codes) == 0) return OG_OK;
  }
  *out = g->counts.len;
  g->index[i] = (uint32_t)*out + 1;
  OG_TRY(og_vec_reserve(cx, &g->codes, g->n_coders));
  memcpy((uint32_t *)g->codes.data + g->codes.len, codes, g->n_coders * sizeof *codes);
  g->codes.len += g->n_coders;
  return new_group(cx, g);
}

static og_status group_of(og_ctx *cx, groups *g, const uint64_t *slots, size_t *out)
{
  uint32_t codes[OG_PATTERN_VERTICES];
  for (uint32_t i = 0; i < g->n_coders; i++)
    OG_TRY(code_of(cx, &g->coders[i], (uint32_t)slots[g->coders[i].slot], &codes[i]));
  if (g->n_coders > 1) return find_group(cx, g, codes, out);
  *out = g->n_coders ? codes[0] : 0;
  while (g->counts.len <= *out) OG_TRY(new_group(cx, g));
  return OG_OK;
}

static og_status add_row(og_ctx *cx, void *arg, const og_core_row *row, bool *stop)
{
  size_t at;
  groups *g = arg;
  uint32_t n = g->p->n_measures;
  (void)stop;
  OG_TRY(group_of(cx, g, row->slots, &at));
  uint64_t *count = &OG_VEC_AT(&g->counts, uint64_t, at);
  if (OG_ADD_OVERFLOWS(*count, g->distinct ? 1 : row->n, count)) g->p->overflow = true;
  for (uint32_t k = 0; k < n; k++) {
    og_amount *to = &OG_VEC_AT(&g->amounts, og_amount, at * n + k);
    const og_measure *m = &g->p->measures[k];
    *to = og_amount_add(m, *to, g->edge_measure[k] ? og_amount_of(m, row->slots[m->slot], row->n) : row->amounts[k]);
  }
  return OG_OK;
}

/* ---- from the plan */

static og_vertex *vertex_of(og_pattern *p, uint32_t slot)
{
  for (uint32_t i = 0; i < p->n_vertices; i++)
    if (p->vertices[i].slot == slot) return &p->vertices[i];
  return NULL;
}

/* Makes the slot one whose rows are enumerated; false: the pattern does not have it. */
static bool need_slot(uint32_t slot, void *arg)
{
  og_pattern *p = arg;
  og_vertex *v = vertex_of(p, slot);
  if (v) v->core = true;
  for (uint32_t i = 0; i < p->n_links && !v; i++) {
    const og_link *l = &p->links[i];
    if (l->op->edge_slot != slot) continue;
    p->vertices[l->ends[0]].core = p->vertices[l->ends[1]].core = true;
    return l->kind == OG_LINK_JOIN;
  }
  return v != NULL;
}

static og_view *view_of(og_run *run, uint32_t slot)
{
  return run->plan->slots[slot].n_types == 1 ? run->views[slot][0] : NULL;
}

static bool is_unique_field(const og_type_def *type, int32_t field)
{
  const og_constraint *key = type->key_fields;
  return field == OG_FIELD_ID || (!type->is_edge && key && key->n == 1 && key->fields[0] == field);
}

static bool is_plain_field(const og_run *run, const og_pexpr *e)
{
  const og_slot *s = e->kind == OG_PX_FIELD ? &run->plan->slots[e->slot] : NULL;
  return s && s->n_types == 1 && !s->optional && !s->is_path && !og_type_is_nested(e->type.type.id);
}

/* The measure for an aggregate of values of one slot, an old one if it is the same; -1: no room. */
static int measure_at(og_pattern *p, og_measure_kind kind, uint32_t slot, const og_column *column)
{
  for (uint32_t i = 0; i < p->n_measures; i++)
    if (p->measures[i].kind == kind && p->measures[i].slot == slot && p->measures[i].column == column) return (int)i;
  if (p->n_measures == OG_PATTERN_MEASURES) return -1;
  p->measures[p->n_measures] = (og_measure){kind, slot, column};
  return (int)p->n_measures++;
}

static og_measure_kind kind_of(const og_plan_agg *agg, const og_column *c)
{
  if (agg->agg == OG_AGG_MIN) return OG_MEASURE_MIN;
  if (agg->agg == OG_AGG_MAX) return OG_MEASURE_MAX;
  return c->type.id >= OG_TYPE_F16 && c->type.id <= OG_TYPE_F64 ? OG_MEASURE_FLOAT : OG_MEASURE_INT;
}

static og_status add_agg(og_ctx *cx, groups *g, uint32_t i, bool *fits)
{
  og_pattern *p = g->p;
  const og_column *c;
  const og_plan_agg *agg = &g->run->plan->aggs[i];
  *fits = is_plain_field(g->run, agg->expr) && i < OG_PATTERN_MEASURES;
  if (!*fits) return OG_OK;
  uint32_t slot = agg->expr->slot;
  og_vertex *v = vertex_of(p, slot);
  g->measure_of[i] = g->count_of[i] = -1;
  if (agg->distinct && agg->agg != OG_AGG_MIN && agg->agg != OG_AGG_MAX) {
    *fits = v && agg->agg == OG_AGG_COUNT && is_unique_field(v->view->type, agg->expr->field) &&
            g->run->plan->n_keys == 0 && g->run->plan->n_aggs == 1 && p->n_loose == 0;
    for (uint32_t k = 0; k < p->n_vertices && *fits; k++) *fits = !p->vertices[k].core;
    if (*fits) g->distinct = v->core = true;
    return OG_OK;
  }
  if (agg->agg == OG_AGG_COUNT && agg->expr->field == OG_FIELD_ID) {
    *fits = v || need_slot(slot, p);
    return OG_OK;
  }
  OG_TRY(og_view_column(cx, view_of(g->run, slot), agg->expr->field, &c));
  if (!v) *fits = need_slot(slot, p);
  if (c->nulls) g->count_of[i] = measure_at(p, OG_MEASURE_COUNT, slot, c);
  if (agg->agg != OG_AGG_COUNT) g->measure_of[i] = measure_at(p, kind_of(agg, c), slot, c);
  *fits = *fits && (!c->nulls || g->count_of[i] >= 0) && (agg->agg == OG_AGG_COUNT || g->measure_of[i] >= 0);
  return OG_OK;
}

static og_status add_key(og_ctx *cx, groups *g, const og_pexpr *key, bool *fits)
{
  coder *c = NULL;
  *fits = is_plain_field(g->run, key) && need_slot(key->slot, g->p);
  if (!*fits) return OG_OK;
  for (uint32_t i = 0; i < g->n_coders && !c; i++)
    if (g->coders[i].slot == key->slot) c = &g->coders[i];
  if (!c) {
    c = &g->coders[g->n_coders++];
    *c = (coder){.slot = key->slot,
                 .view = view_of(g->run, key->slot),
                 .firsts = OG_VEC_INIT(uint32_t),
                 .hashes = OG_VEC_INIT(uint64_t)};
    c->columns = og_push_array(cx, g->run->plan->n_keys + 1, sizeof *c->columns);
    if (!c->columns) return OG_ENOMEM;
  }
  c->unique = c->unique || is_unique_field(c->view->type, key->field);
  if (key->field != OG_FIELD_ID) OG_TRY(og_view_column(cx, c->view, key->field, &c->columns[c->n_columns++]));
  *fits = g->n_coders < OG_PATTERN_VERTICES && c->view->rows < NO_CODE;
  return OG_OK;
}

static og_status read_grouping(og_ctx *cx, groups *g, bool *fits)
{
  const og_plan *plan = g->run->plan;
  g->coders = og_push_array(cx, plan->n_keys + 1, sizeof *g->coders);
  if (!g->coders) return OG_ENOMEM;
  for (uint32_t i = 0; i < plan->n_keys && *fits; i++) OG_TRY(add_key(cx, g, plan->keys[i], fits));
  for (uint32_t i = 0; i < plan->n_aggs && *fits; i++) OG_TRY(add_agg(cx, g, i, fits));
  for (uint32_t k = 0; k < g->p->n_measures; k++) {
    og_vertex *v = vertex_of(g->p, g->p->measures[k].slot);
    if (v) v->measured |= 1ull << k;
    g->edge_measure[k] = !v;
  }
  return OG_OK;
}

/* ---- columns of groups */

static og_status build_agg(og_ctx *cx, const groups *g, uint32_t i, size_t at, og_builder *b)
{
  uint32_t n = g->p->n_measures;
  const og_plan_agg *agg = &g->run->plan->aggs[i];
  const og_amount *amounts = (const og_amount *)g->amounts.data + at * n;
  og_i128 count = g->count_of[i] < 0 ? (og_i128)OG_VEC_AT(&g->counts, uint64_t, at) : amounts[g->count_of[i]].i;
  if (agg->agg == OG_AGG_COUNT) {
    if (count > INT64_MAX) return og_fail(cx, OG_EINVALID, "execution error: a count does not fit an I64");
    return og_builder_i64(cx, b, (int64_t)count);
  }
  if (count == 0) return og_builder_null(cx, b);
  const og_measure *m = &g->p->measures[g->measure_of[i]];
  og_amount sum = amounts[g->measure_of[i]];
  if (m->kind >= OG_MEASURE_MIN) return og_builder_copy(cx, b, m->column, (int64_t)sum.best - 1);
  double real = m->kind == OG_MEASURE_FLOAT ? sum.f.hi + sum.f.lo : (double)sum.i;
  if (agg->agg == OG_AGG_AVG) return og_builder_f64(cx, b, real / (double)count);
  if (m->kind == OG_MEASURE_FLOAT) return og_builder_f64(cx, b, real);
  bool is_unsigned = agg->type.type.id == OG_TYPE_U64;
  if (is_unsigned ? sum.i > UINT64_MAX : sum.i > INT64_MAX || sum.i < INT64_MIN)
    return og_fail(cx, OG_EINVALID, "execution error: a sum does not fit %s", is_unsigned ? "a U64" : "an I64");
  return is_unsigned ? og_builder_u64(cx, b, (uint64_t)sum.i) : og_builder_i64(cx, b, (int64_t)sum.i);
}

static og_status agg_column(og_ctx *cx, const groups *g, uint32_t i, const uint64_t *which, size_t n, og_column **out)
{
  og_builder *b;
  const og_field field = {.name = OG_STR("v"), .type = g->run->plan->aggs[i].type.type, .nullable = true};
  OG_TRY(og_builder_new(cx, &field, &b));
  og_status st = OG_OK;
  for (size_t k = 0; st == OG_OK && k < n; k++) st = build_agg(cx, g, i, (size_t)which[k], b);
  if (st == OG_OK) st = og_builder_finish(cx, b, out);
  og_builder_free(b);
  return st;
}

static og_status key_column(og_ctx *cx, const groups *g, const og_pexpr *key, const uint64_t *which, size_t n,
                            og_column **out)
{
  uint32_t at = 0;
  while (g->coders[at].slot != key->slot) at++;
  const coder *c = &g->coders[at];
  uint64_t *rows = og_calloc(cx, n + 1, sizeof *rows);
  if (!rows) return OG_ENOMEM;
  for (size_t k = 0; k < n; k++) {
    uint64_t code = g->n_coders == 1 ? which[k] : OG_VEC_AT(&g->codes, uint32_t, which[k] * g->n_coders + at);
    rows[k] = OG_VEC_AT(&c->firsts, uint32_t, code);
  }
  og_status st = og_view_fetch(cx, c->view, key->field, rows, n, out);
  og_free(rows);
  return st;
}

/* ---- which groups can be in the answer */

/* The count by which groups are ordered before anything else; -1: they are not. */
static int first_count(const groups *g)
{
  const og_plan *plan = g->run->plan;
  if (plan->n_having || plan->n_order == 0) return -1;
  const og_plan_order *o = &plan->order[0];
  const og_pexpr *e = o->expr ? o->expr : plan->columns[o->column].expr;
  if (e->kind != OG_PX_GROUP || e->group < plan->n_keys) return -1;
  uint32_t i = e->group - plan->n_keys;
  return plan->aggs[i].agg == OG_AGG_COUNT && g->count_of[i] < 0 ? (int)i : -1;
}

static void sift(uint64_t *heap, size_t n, size_t at, bool desc)
{
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= n) return;
    if (child + 1 < n && (desc ? heap[child + 1] < heap[child] : heap[child + 1] > heap[child])) child++;
    if (desc ? heap[child] >= heap[at] : heap[child] <= heap[at]) return;
    uint64_t swap = heap[at];
    heap[at] = heap[child];
    heap[child] = swap;
    at = child;
  }
}

/* Groups whose count puts them among the first `want`, ties included: the others need no values. */
static og_status choose(og_ctx *cx, const groups *g, uint64_t want, uint64_t *which, size_t *n)
{
  const uint64_t *counts = g->counts.data;
  bool desc = g->run->plan->order[0].desc;
  uint64_t *heap = og_alloc(cx, (size_t)(want + 1) * sizeof *heap);
  if (!heap) return OG_ENOMEM;
  memcpy(heap, counts, (size_t)want * sizeof *heap);
  for (size_t i = (size_t)want; i-- > 0;) sift(heap, (size_t)want, i, desc);
  for (size_t i = (size_t)want; i < *n; i++) {
    if (desc ? counts[i] <= heap[0] : counts[i] >= heap[0]) continue;
    heap[0] = counts[i];
    sift(heap, (size_t)want, 0, desc);
  }
  size_t kept = 0;
  for (size_t i = 0; i < *n; i++)
    if (desc ? counts[i] >= heap[0] : counts[i] <= heap[0]) which[kept++] = i;
  *n = kept;
  og_free(heap);
  return OG_OK;
}

static og_status finish(og_ctx *cx, groups *g, og_exec_result *out)
{
  og_run *run = g->run;
  const og_plan *plan = run->plan;
  if (plan->n_keys == 0 && g->counts.len == 0) OG_TRY(new_group(cx, g)); /* one row, even of no rows */
  size_t n = g->counts.len;
  uint64_t *which = og_alloc(cx, (n + 1) * sizeof *which), want;
  og_column **columns = og_calloc(cx, (size_t)plan->n_keys + plan->n_aggs + 1, sizeof *columns);
  og_status st = which && columns ? OG_OK : OG_ENOMEM;
  for (size_t i = 0; st == OG_OK && i < n; i++) which[i] = i;
  bool bounded = run->limit != UINT64_MAX && !OG_ADD_OVERFLOWS(run->limit, run->offset, &want) && want && want < n / 4;
  if (st == OG_OK && bounded && first_count(g) >= 0) st = choose(cx, g, want, which, &n);
  for (uint32_t i = 0; st == OG_OK && i < plan->n_keys; i++)
    st = key_column(cx, g, plan->keys[i], which, n, &columns[i]);
  for (uint32_t i = 0; st == OG_OK && i < plan->n_aggs; i++)
    st = agg_column(cx, g, i, which, n, &columns[plan->n_keys + i]);
  if (st == OG_OK) st = og_run__finish_groups(cx, run, columns, n, out);
  for (uint32_t i = 0; columns && i < plan->n_keys + plan->n_aggs; i++) og_column_unref(columns[i]);
  og_free(columns);
  og_free(which);
  return st;
}

static void groups_cleanup(groups *g)
{
  for (uint32_t i = 0; i < g->n_coders; i++) coder_cleanup(&g->coders[i]);
  og_vec_cleanup(&g->codes);
  og_vec_cleanup(&g->counts);
  og_vec_cleanup(&g->amounts);
  og_free(g->index);
}

/* Tables of which many rows will come know their codes by row. */
static og_status know_codes(og_ctx *cx, groups *g)
{
  const og_side *root = &g->p->vertices[g->p->root].side;
  for (uint32_t i = 0; i < g->n_coders; i++) {
    coder *c = &g->coders[i];
    if (root->sparse && root->set.n < c->view->rows / 64) continue;
    c->known = og_alloc(cx, (c->view->rows + 1) * sizeof *c->known);
    if (!c->known) return OG_ENOMEM;
    memset(c->known, 0xff, c->view->rows * sizeof *c->known);
  }
  return OG_OK;
}

/* ---- the root alone is core: its side is the answer */

static bool is_root_alone(const og_pattern *p)
{
  uint32_t n_core = 0;
  for (uint32_t v = 0; v < p->n_vertices; v++) n_core += p->vertices[v].core;
  for (uint32_t i = 0; i < p->n_links; i++)
    if (p->links[i].closes) return false;
  return n_core == 1 && p->n_loose == 0;
}

/* Row i of the side, which may be that of no row: *n is 0 then. */
static uint32_t side_row(const og_vertex *v, size_t i, uint64_t *n)
{
  if (v->side.sparse) {
    *n = v->side.set.weights[i];
    return v->side.set.rows[i];
  }
  *n = v->side.weights ? v->side.weights[i] : !v->test.bits || og_bit_get(v->test.bits, (int64_t)i);
  return (uint32_t)i;
}

static void add_amounts(const groups *g, const og_vertex *v, size_t i, og_amount *to)
{
  uint32_t n = g->p->n_measures;
  const og_amount *from = v->side.sparse ? v->side.set.amounts : v->side.amounts;
  for (uint32_t k = 0; k < n; k++) to[k] = og_amount_add(&g->p->measures[k], to[k], from[i * n + k]);
}

/* All rows are one group. */
static og_status sum_root(og_ctx *cx, groups *g, const og_vertex *v, size_t rows)
{
  uint64_t sum = 0, n;
  bool overflow = false;
  OG_TRY(new_group(cx, g));
  if (!v->side.sparse && !v->side.weights && g->p->n_measures == 0) {
    sum = v->test.bits ? v->test.kept : v->view->data->live;
  } else {
    for (size_t i = 0; i < rows; i++) {
      (void)side_row(v, i, &n);
      if (n && g->p->n_measures) add_amounts(g, v, i, g->amounts.data);
      overflow |= OG_ADD_OVERFLOWS(sum, g->distinct ? n != 0 : n, &sum);
    }
  }
  OG_VEC_AT(&g->counts, uint64_t, 0) = sum;
  if (overflow) g->p->overflow = true;
  return OG_OK;
}

/* Each row is a group. */
static og_status list_root(og_ctx *cx, groups *g, const og_vertex *v, size_t rows)
{
  uint64_t n;
  uint32_t n_measures = g->p->n_measures;
  OG_TRY(og_vec_reserve(cx, &g->coders[0].firsts, rows));
  OG_TRY(og_vec_reserve(cx, &g->counts, rows));
  OG_TRY(og_vec_reserve(cx, &g->amounts, rows * n_measures));
  uint32_t *firsts = g->coders[0].firsts.data;
  uint64_t *counts = g->counts.data;
  size_t kept = 0;
  for (size_t i = 0; i < rows; i++) {
    firsts[kept] = side_row(v, i, &n);
    counts[kept] = n;
    if (n && n_measures) {
      og_amount *to = (og_amount *)g->amounts.data + kept * n_measures;
      memset(to, 0, n_measures * sizeof *to);
      add_amounts(g, v, i, to);
    }
    kept += n != 0;
  }
  g->coders[0].firsts.len = g->counts.len = kept;
  g->amounts.len = kept * n_measures;
  return OG_OK;
}

static og_status count_rows(og_ctx *cx, groups *g)
{
  og_pattern *p = g->p;
  const og_vertex *root = &p->vertices[p->root];
  if (p->empty) return OG_OK;
  OG_TRY(og_pattern_weigh(cx, p, p->root));
  size_t rows = root->side.sparse ? root->side.set.n : (size_t)root->view->rows;
  if (is_root_alone(p) && g->n_coders == 0) {
    OG_TRY(sum_root(cx, g, root, rows));
  } else if (is_root_alone(p) && g->n_coders == 1 && g->coders[0].unique) {
    OG_TRY(list_root(cx, g, root, rows));
  } else {
    OG_TRY(know_codes(cx, g));
    return og_pattern_rows(cx, p, add_row, g);
  }
  return og_pattern_check(cx, p);
}

static og_status group_pattern(og_ctx *cx, groups *g, og_exec_result *out, bool *fits)
{
  OG_TRY(read_grouping(cx, g, fits));
  if (!*fits) return OG_OK;
  OG_TRY(og_pattern_settle(cx, g->p));
  OG_TRY(count_rows(cx, g));
  return finish(cx, g, out);
}

/* ---- without a grouping */

typedef struct plain {
  og_run *run;
  uint64_t enough; /* rows after which no more are wanted */
} plain;

static og_status keep_row(og_ctx *cx, void *arg, const og_core_row *row, bool *stop)
{
  plain *w = arg;
  og_run *run = w->run;
  uint32_t n_slots = run->plan->n_slots;
  uint64_t times = row->n < w->enough - run->n_out ? row->n : w->enough - run->n_out;
  for (uint64_t i = 0; i < times; i++) {
    if ((i & 4095) == 0) OG_TRY(og_ctx_poll(cx));
    OG_TRY(og_run__check_room(cx, run, n_slots));
    OG_TRY(og_vec_reserve(cx, &run->out, n_slots));
    memcpy((uint64_t *)run->out.data + run->out.len, row->slots, n_slots * sizeof(uint64_t));
    run->out.len += n_slots;
    run->n_out++;
  }
  *stop = run->n_out >= w->enough;
  return OG_OK;
}

static og_status plain_pattern(og_ctx *cx, og_run *run, og_pattern *p, og_exec_result *out, bool *fits)
{
  const og_plan *plan = run->plan;
  plain w = {run, UINT64_MAX};
  for (uint32_t i = 0; i < plan->n_columns && *fits; i++) *fits = og_px_each_slot(plan->columns[i].expr, need_slot, p);
  for (uint32_t i = 0; i < plan->n_order && *fits; i++)
    if (plan->order[i].expr) *fits = og_px_each_slot(plan->order[i].expr, need_slot, p);
  for (uint32_t i = 0; i < plan->n_ties && plan->n_order && *fits; i++) *fits = need_slot(plan->ties[i], p);
  if (!*fits) return OG_OK;
  OG_TRY(og_pattern_settle(cx, p));
  if (plan->n_order == 0 && OG_ADD_OVERFLOWS(run->limit, run->offset, &w.enough)) w.enough = UINT64_MAX;
  if (w.enough) OG_TRY(og_pattern_rows(cx, p, keep_row, &w));
  return og_run__finish(cx, run, out);
}

/* An expression that may fail must not be computed for rows that an earlier op drops: only the ops know which. */
static bool may_fail(const og_plan_op *ops, uint32_t n)
{
  for (uint32_t i = 0; i < n; i++) {
    for (uint32_t k = 0; k < ops[i].n_filters; k++)
      if (ops[i].filters[k]->fails) return true;
    if (may_fail(ops[i].inner, ops[i].n_inner)) return true;
  }
  return false;
}

og_status og_run__by_pattern(og_ctx *cx, og_run *run, og_exec_result *out, bool *done)
{
  og_pattern *p = NULL;
  groups g = {
      .run = run, .codes = OG_VEC_INIT(uint32_t), .counts = OG_VEC_INIT(uint64_t), .amounts = OG_VEC_INIT(og_amount)};
  *done = false;
  if (run->plan->rrf || may_fail(run->plan->ops, run->plan->n_ops)) return OG_OK;
  og_status st = og_pattern_new(cx, run, &p, done);
  g.p = p;
  if (st == OG_OK && *done)
    st = run->plan->aggregate ? group_pattern(cx, &g, out, done) : plain_pattern(cx, run, p, out, done);
  groups_cleanup(&g);
  og_pattern_free(p);
  return st;
}
