/* SPDX-License-Identifier: MIT */
/* write/spilled.c -- the checks at the end of a load whose keys did not fit into memory.
 *
 * Every set of keys is a sorter, and every question that a map would answer becomes a walk over two sorted lists:
 *
 *   id twice in the input      neighbours in `ids`; where the last one wins, the others are outdone
 *   endpoint exists            `need_src`, `need_dst` against the ids there will be
 *   tuple twice                neighbours in `unique`, and `unique` against the tuples of retained rows
 *   cardinality                `sources` against the sources of retained edges, against the ids there will be
 *   retained edge's node goes  ends of retained edges against the ids there will be
 *
 * The ids there will be are those of the node table's retained rows and of the input.  Rows of tables pass by in
 * batches, so memory depends on neither the input nor the tables.  Of several violations the one with the lowest
 * number is told, the number being a line of the input or an offset in a table: what a walk meets first means nothing.
 */
#include "write/stage.h"

#define NONE UINT64_MAX

/* For a sorter that lives to the end, one of many. */
static size_t sorter_budget(const og_stage *s)
{
  const og_catalog *c = s->snapshot->catalog;
  uint64_t sets = c->n_nodes + 4ull * c->n_edges; /* each type has some; few types have many rows */
  for (uint32_t i = 0; i < c->n_nodes; i++) sets += c->nodes[i].n_constraints;
  uint64_t share = s->budget / 2 / (sets ? sets : 1);
  return share < 4096 ? 4096 : (size_t)share;
}

/* For one that dies with the check that makes it. */
static size_t short_lived(const og_stage *s)
{
  return (size_t)(s->budget / 8);
}

/* ---- from maps to sorters */

static og_status spill_map(og_ctx *cx, og_keys *k, size_t budget)
{
  const og_map_entry *e;
  OG_TRY(og_keys_spill(cx, k, budget));
  for (size_t pos = 0; (e = og_map_next(&k->map, &pos));) OG_TRY(og_keys_add(cx, k, e->key, e->value, OG_STR_NONE));
  og_map_cleanup(&k->map);
  return OG_OK;
}

static og_status spill_unique(og_ctx *cx, const og_stage_table *t, og_keys *k, size_t budget)
{
  const og_map_entry *e;
  OG_TRY(og_keys_spill(cx, k, budget));
  for (size_t pos = 0; (e = og_map_next(&k->map, &pos));) {
    const og_stage_holder *h = &OG_VEC_AT(&t->holders, og_stage_holder, e->value);
    OG_TRY(og_keys_add(cx, k, e->key, h->line, h->id));
  }
  og_map_cleanup(&k->map);
  return OG_OK;
}

og_status og_stage__spill_table(og_ctx *cx, og_stage *s, og_stage_table *t)
{
  size_t budget = sorter_budget(s);
  OG_TRY(spill_map(cx, &t->ids, budget));
  OG_TRY(spill_map(cx, &t->need_src, budget));
  OG_TRY(spill_map(cx, &t->need_dst, budget));
  OG_TRY(spill_map(cx, &t->sources, budget));
  for (uint32_t i = 0; i < t->type->n_constraints; i++)
    if (t->type->constraints[i].kind == OG_CON_UNIQUE) OG_TRY(spill_unique(cx, t, &t->unique[i], budget));
  og_vec_cleanup(&t->holders);
  return OG_OK;
}

og_status og_stage__spill(og_ctx *cx, og_stage *s)
{
  for (size_t i = 0; i < s->tables.len; i++)
    OG_TRY(og_stage__spill_table(cx, s, OG_VEC_AT(&s->tables, og_stage_table *, i)));
  s->spilled = true;
  s->key_bytes = 0;
  return OG_OK;
}

/* ---- rows of a table, passing by */

typedef og_status (*row_fn)(og_ctx *cx, void *arg, const og_batch *batch, int64_t row, uint64_t offset);

/* Calls fn for every retained row with the columns asked for. */
static og_status each_retained(og_ctx *cx, const og_stage_table *t, const uint32_t *columns, uint32_t n, row_fn fn,
                               void *arg)
{
  const og_lance_scan_opts opts = {.columns = columns, .n_columns = n, .with_offset = true};
  og_lance_scan *scan;
  og_batch *batch = NULL;
  if (t->replaced || t->view->rows == 0) return OG_OK;
  OG_TRY(og_lance_scan_open(cx, t->view->table, &opts, &scan));
  og_status st;
  while ((st = og_lance_scan_next(cx, scan, &batch)) == OG_OK && batch) {
    const uint64_t *offsets = batch->columns[n]->data[0];
    for (int64_t i = 0; st == OG_OK && i < batch->len; i++)
      if (!og_stage_is_touched(t, offsets[i])) st = fn(cx, arg, batch, i, offsets[i]);
    og_batch_unref(batch);
    if (st != OG_OK) break;
  }
  og_lance_scan_close(scan);
  return st;
}

static og_status add_text(og_ctx *cx, void *arg, const og_batch *batch, int64_t row, uint64_t offset)
{
  og_keys k = {.sorter = arg};
  return og_keys_add(cx, &k, og_column_str(batch->columns[0], row), offset, OG_STR_NONE);
}

/* A sorter of one text column of the retained rows. */
static og_status column_sorter(og_ctx *cx, const og_stage_table *t, uint32_t column, size_t budget, og_sorter **out)
{
  OG_TRY(og_sorter_new(cx, budget, out));
  return each_retained(cx, t, &column, 1, add_text, *out);
}

/* ---- two lists side by side */

typedef struct walker {
  og_sorted *r;
  og_record at;
  bool more;
} walker;

static og_status step(og_ctx *cx, walker *w)
{
  return og_sorted_next(cx, w->r, &w->at, &w->more);
}

static og_status walker_open(og_ctx *cx, og_sorter *s, walker *w)
{
  *w = (walker){0};
  OG_TRY(og_sorted_open(cx, s, &w->r));
  return step(cx, w);
}

static void walker_close(walker *w)
{
  og_sorted_close(w->r);
  w->r = NULL;
}

/* Moves on to the first record whose key is not below `key`; *found: it is equal. */
static og_status seek(og_ctx *cx, walker *w, og_str key, bool *found)
{
  while (w->more && og_str_cmp(w->at.key, key) < 0) OG_TRY(step(cx, w));
  *found = w->more && og_str_eq(w->at.key, key);
  return OG_OK;
}

/* The worst violation so far. */
typedef struct verdict {
  uint64_t number; /* NONE: all is well */
  uint64_t line;   /* of the input, or 0 */
  og_buf key, a, b;
} verdict;

static og_status verdict_set(og_ctx *cx, verdict *v, uint64_t number, og_str key, og_str a, og_str b)
{
  if (number >= v->number) return OG_OK;
  v->number = number;
  og_buf_clear(&v->key);
  og_buf_clear(&v->a);
  og_buf_clear(&v->b);
  OG_TRY(og_buf_append_str(cx, &v->key, key));
  OG_TRY(og_buf_append_str(cx, &v->a, a));
  return og_buf_append_str(cx, &v->b, b);
}

static void verdict_cleanup(verdict *v)
{
  og_buf_cleanup(&v->key);
  og_buf_cleanup(&v->a);
  og_buf_cleanup(&v->b);
}

/* Keys of `need` that `have` lacks. */
static og_status walk_missing(og_ctx *cx, walker *need, walker *have, verdict *v)
{
  while (need->more) {
    bool found;
    OG_TRY(seek(cx, have, need->at.key, &found));
    if (!found) OG_TRY(verdict_set(cx, v, og_keys_number(&need->at), need->at.key, OG_STR_NONE, OG_STR_NONE));
    OG_TRY(step(cx, need));
  }
  return OG_OK;
}

/* Keys that stand twice in one list: the number is that of the second, a and b are the holders. */
static og_status walk_twins(og_ctx *cx, walker *w, walker *unused, verdict *v)
{
  OG_AUTO(og_buf) key = {0};
  OG_AUTO(og_buf) holder = {0};
  (void)unused;
  for (bool first = true; w->more; first = false) {
    bool again = !first && og_str_eq(og_buf_str(&key), w->at.key);
    if (again)
      OG_TRY(verdict_set(cx, v, og_keys_number(&w->at), w->at.key, og_buf_str(&holder), og_keys_holder(&w->at)));
    if (!again) {
      og_buf_clear(&key);
      og_buf_clear(&holder);
      OG_TRY(og_buf_append_str(cx, &key, w->at.key));
      OG_TRY(og_buf_append_str(cx, &holder, og_keys_holder(&w->at)));
    }
    OG_TRY(step(cx, w));
  }
  return OG_OK;
}

/* Keys that stand in both: the number is the one in `have`; a holds it there, b in `mine`. */
static og_status walk_common(og_ctx *cx, walker *mine, walker *have, verdict *v)
{
  while (have->more) {
    bool found;
    OG_TRY(seek(cx, mine, have->at.key, &found));
    if (found && !og_keys_is_outdone(&mine->at)) {
      bool worse = og_keys_number(&have->at) < v->number;
      if (worse) v->line = og_keys_number(&mine->at);
      OG_TRY(verdict_set(cx, v, og_keys_number(&have->at), have->at.key, og_keys_holder(&have->at),
                         og_keys_holder(&mine->at)));
    }
    OG_TRY(step(cx, have));
  }
  return OG_OK;
}

typedef og_status (*walk_fn)(og_ctx *cx, walker *a, walker *b, verdict *v);

/* `b` may be NULL. */
static og_status walk(og_ctx *cx, og_sorter *a, og_sorter *b, walk_fn fn, verdict *v)
{
  walker x = {0}, y = {0};
  v->number = NONE;
  og_status st = walker_open(cx, a, &x);
  if (st == OG_OK && b) st = walker_open(cx, b, &y);
  if (st == OG_OK) st = fn(cx, &x, &y, v);
  walker_close(&x);
  walker_close(&y);
  return st;
}

/* ---- ids */

/* Records of one key stand in the order they came, which is that of the lines. */
static og_status outdo_repeats(og_ctx *cx, og_stage *s, const og_stage_table *t)
{
  OG_AUTO(og_buf) key = {0};
  uint64_t line = 0;
  walker w;
  og_status st = walker_open(cx, t->ids.sorter, &w);
  for (; st == OG_OK && w.more; st = step(cx, &w)) {
    if (line && og_str_eq(og_buf_str(&key), w.at.key)) st = og_stage__outdo(cx, s, line);
    line = og_keys_number(&w.at);
    og_buf_clear(&key);
    if (st == OG_OK) st = og_buf_append_str(cx, &key, w.at.key);
    if (st != OG_OK) break;
  }
  walker_close(&w);
  return st;
}

static og_status check_twice(og_ctx *cx, og_stage *s, const og_stage_table *t)
{
  verdict v = {0};
  if (og_stage__may_repeat(s, t)) return outdo_repeats(cx, s, t);
  og_status st = walk(cx, t->ids.sorter, NULL, walk_twins, &v);
  if (st == OG_OK && v.number != NONE) {
    s->bad_line = v.number;
    st = og_stage__twice(cx, t->type, og_buf_str(&v.key));
  }
  verdict_cleanup(&v);
  return st;
}

static og_status copy_all(og_ctx *cx, og_sorter *from, og_sorter *to)
{
  walker w;
  og_status st = walker_open(cx, from, &w);
  for (; st == OG_OK && w.more; st = step(cx, &w)) {
    st = og_sorter_add(cx, to, w.at.key, w.at.value);
    if (st != OG_OK) break;
  }
  walker_close(&w);
  return st;
}

/* Ids of all nodes of a type once the load is committed.  The type's own `ids` must be sorted. */
static og_status will_be(og_ctx *cx, og_stage *s, const og_type_def *node, og_sorter **out)
{
  og_stage_table *t;
  OG_TRY(og_stage_table_of(cx, s, node, &t));
  *out = t->will_be;
  if (t->will_be) return OG_OK;
  OG_TRY(column_sorter(cx, t, OG_COLUMN_ID, sorter_budget(s), &t->will_be));
  OG_TRY(copy_all(cx, t->ids.sorter, t->will_be));
  OG_TRY(og_sorter_sort(cx, t->will_be));
  *out = t->will_be;
  return OG_OK;
}

/* ---- endpoints */

static og_status check_need(og_ctx *cx, og_stage *s, const og_type_def *edge, og_sorter *need, bool src, bool lines)
{
  const og_catalog *c = s->snapshot->catalog;
  const og_type_def *node = src ? og_edge_from(c, edge) : og_edge_to(c, edge);
  og_sorter *have;
  verdict v = {0};
  OG_TRY(will_be(cx, s, node, &have));
  og_status st = walk(cx, need, have, walk_missing, &v);
  if (st == OG_OK && v.number != NONE) {
    if (lines) s->bad_line = v.number;
    st = og_stage__missing_end(cx, edge, src ? "src" : "dst", og_buf_str(&v.key), node);
  }
  verdict_cleanup(&v);
  return st;
}

static og_status check_retained(og_ctx *cx, og_stage *s, const og_type_def *edge, bool src)
{
  const og_catalog *c = s->snapshot->catalog;
  og_stage_table *t;
  og_sorter *ends = NULL;
  if (!og_stage__loses_nodes(s, src ? og_edge_from(c, edge) : og_edge_to(c, edge))) return OG_OK;
  OG_TRY(og_stage_table_of(cx, s, edge, &t));
  if (t->replaced) return OG_OK;
  t->predicate = true; /* an edge added meanwhile could point at what goes */
  og_status st = column_sorter(cx, t, src ? OG_COLUMN_SRC : OG_COLUMN_DST, short_lived(s), &ends);
  if (st == OG_OK) st = og_sorter_sort(cx, ends);
  if (st == OG_OK) st = check_need(cx, s, edge, ends, src, false);
  og_sorter_free(cx, ends);
  return st;
}

/* ---- unique tuples */

typedef struct tuples {
  const og_type_def *type;
  const og_constraint *constraint;
  og_scalar *values; /* a row; only the constraint's columns are set */
  og_sorter *sorter;
} tuples;

static og_status add_tuple(og_ctx *cx, void *arg, const og_batch *batch, int64_t row, uint64_t offset)
{
  tuples *u = arg;
  og_keys k = {.sorter = u->sorter};
  OG_AUTO(og_buf) tuple = {0};
  for (uint32_t i = 0; i < u->constraint->n; i++) {
    const og_column *c = batch->columns[1 + i];
    bool null = og_column_is_null(c, row);
    u->values[og_type_column(u->type, u->constraint->fields[i])] = null ? (og_scalar){.is_null = true}
                                                                        : og_scalar_at(c, row);
  }
  OG_TRY(og_stage__tuple(cx, u->type, u->constraint, u->values, &tuple));
  if (tuple.len == 0) return OG_OK;
  return og_keys_add(cx, &k, og_buf_str(&tuple), offset, og_column_str(batch->columns[0], row));
}

static og_status retained_tuples(og_ctx *cx, const og_stage *s, const og_stage_table *t, const og_constraint *c,
                                 og_sorter **out)
{
  uint32_t *columns = og_push_array(cx, c->n + 1, sizeof *columns);
  tuples u = {t->type, c, og_push_array(cx, t->view->n_columns + 1, sizeof(og_scalar)), NULL};
  if (!columns || !u.values) return OG_ENOMEM;
  columns[0] = OG_COLUMN_ID;
  for (uint32_t i = 0; i < c->n; i++) columns[1 + i] = og_type_column(t->type, c->fields[i]);
  OG_TRY(og_sorter_new(cx, short_lived(s), out));
  u.sorter = *out;
  return each_retained(cx, t, columns, c->n + 1, add_tuple, &u);
}

static og_status check_holders(og_ctx *cx, og_stage *s, const og_stage_table *t, uint32_t i)
{
  const og_constraint *c = &t->type->constraints[i];
  og_sorter *mine = t->unique[i].sorter, *theirs = NULL;
  verdict v = {0};
  og_status st = walk(cx, mine, NULL, walk_twins, &v);
  bool twins = v.number != NONE;
  if (st == OG_OK && twins) s->bad_line = v.number;
  if (st == OG_OK && !twins) st = retained_tuples(cx, s, t, c, &theirs);
  if (st == OG_OK && !twins) st = og_sorter_sort(cx, theirs);
  if (st == OG_OK && !twins) st = walk(cx, mine, theirs, walk_common, &v);
  if (st == OG_OK && !twins && v.number != NONE) s->bad_line = v.line;
  if (st == OG_OK && v.number != NONE)
    st = og_stage__clash(cx, t->type, c, og_buf_str(&v.key), og_buf_str(&v.a), og_buf_str(&v.b));
  verdict_cleanup(&v);
  og_sorter_free(cx, theirs);
  return st;
}

/* ---- cardinality */

static og_status add_source(og_ctx *cx, void *arg, const og_batch *batch, int64_t row, uint64_t offset)
{
  og_keys k = {.sorter = arg};
  (void)offset;
  return og_keys_add(cx, &k, og_column_str(batch->columns[0], row), 1, OG_STR_NONE);
}

/* Sources of edges that moved count as touched, with no edge of their own.  They are the touched rows, so this reads
 * the rows that each_retained leaves out. */
static og_status add_former_sources(og_ctx *cx, og_stage_table *t)
{
  const uint32_t column = OG_COLUMN_SRC;
  const og_lance_scan_opts opts = {.columns = &column, .n_columns = 1, .with_offset = true};
  og_lance_scan *scan;
  og_batch *batch = NULL;
  if (t->n_touched == 0 && !t->replaced) return OG_OK;
  OG_TRY(og_lance_scan_open(cx, t->view->table, &opts, &scan));
  og_status st;
  while ((st = og_lance_scan_next(cx, scan, &batch)) == OG_OK && batch) {
    const uint64_t *offsets = batch->columns[1]->data[0];
    for (int64_t i = 0; st == OG_OK && i < batch->len; i++)
      if (!og_stage_is_retained(t, offsets[i]))
        st = og_keys_add(cx, &t->sources, og_column_str(batch->columns[0], i), 0, OG_STR_NONE);
    og_batch_unref(batch);
    if (st != OG_OK) break;
  }
  og_lance_scan_close(scan);
  return st;
}

/* Adds up the numbers of w's records of this key and moves behind them. */
static og_status sum(og_ctx *cx, walker *w, og_str key, uint64_t *n)
{
  bool found;
  OG_TRY(seek(cx, w, key, &found));
  while (found) {
    *n += og_keys_number(&w->at);
    OG_TRY(step(cx, w));
    found = w->more && og_str_eq(w->at.key, key);
  }
  return OG_OK;
}

static og_status walk_sources(og_ctx *cx, const og_type_def *edge, walker *mine, walker *theirs, walker *nodes)
{
  OG_AUTO(og_buf) key = {0};
  while (mine->more) {
    uint64_t n = 0;
    bool there;
    og_buf_clear(&key);
    OG_TRY(og_buf_append_str(cx, &key, mine->at.key));
    OG_TRY(sum(cx, mine, og_buf_str(&key), &n));
    OG_TRY(sum(cx, theirs, og_buf_str(&key), &n));
    if (!og_stage__breaks_card(edge, n)) continue;
    OG_TRY(seek(cx, nodes, og_buf_str(&key), &there));
    if (there) return og_stage__card_error(cx, edge, og_buf_str(&key), n);
  }
  return OG_OK;
}

static og_status check_card(og_ctx *cx, og_stage *s, og_stage_table *t)
{
  og_sorter *nodes, *theirs = NULL;
  walker a = {0}, b = {0}, c = {0};
  const uint32_t column = OG_COLUMN_SRC;
  if (!og_stage__has_card(t->type)) return OG_OK;
  OG_TRY(add_former_sources(cx, t));
  OG_TRY(og_sorter_sort(cx, t->sources.sorter));
  OG_TRY(will_be(cx, s, og_edge_from(s->snapshot->catalog, t->type), &nodes));
  OG_TRY(og_sorter_new(cx, short_lived(s), &theirs));
  og_status st = each_retained(cx, t, &column, 1, add_source, theirs);
  if (st == OG_OK) st = og_sorter_sort(cx, theirs);
  if (st == OG_OK) st = walker_open(cx, t->sources.sorter, &a);
  if (st == OG_OK) st = walker_open(cx, theirs, &b);
  if (st == OG_OK) st = walker_open(cx, nodes, &c);
  if (st == OG_OK) st = walk_sources(cx, t->type, &a, &b, &c);
  walker_close(&a);
  walker_close(&b);
  walker_close(&c);
  og_sorter_free(cx, theirs);
  return st;
}

/* ---- all of it */

static og_status sort_keys(og_ctx *cx, og_stage_table *t)
{
  OG_TRY(og_sorter_sort(cx, t->ids.sorter));
  OG_TRY(og_sorter_sort(cx, t->need_src.sorter));
  OG_TRY(og_sorter_sort(cx, t->need_dst.sorter));
  for (uint32_t i = 0; i < t->type->n_constraints; i++)
    if (t->unique[i].sorter) OG_TRY(og_sorter_sort(cx, t->unique[i].sorter));
  return OG_OK;
}

static og_status validate_table(og_ctx *cx, og_stage *s, og_stage_table *t)
{
  for (uint32_t i = 0; i < t->type->n_constraints; i++)
    if (t->unique[i].sorter) OG_TRY(check_holders(cx, s, t, i));
  if (!t->type->is_edge) return OG_OK;
  OG_TRY(check_need(cx, s, t->type, t->need_src.sorter, true, true));
  OG_TRY(check_need(cx, s, t->type, t->need_dst.sorter, false, true));
  return check_card(cx, s, t);
}

og_status og_stage__validate_spilled(og_ctx *cx, og_stage *s)
{
  const og_catalog *c = s->snapshot->catalog;
  size_t n = s->tables.len; /* more are opened below, for their rows only */
  for (uint32_t i = 0; i < c->n_nodes; i++) {
    og_stage_table *t;
    OG_TRY(og_stage_table_of(cx, s, &c->nodes[i], &t));
  }
  for (uint32_t i = 0; i < c->n_edges; i++) {
    bool lost = og_stage__loses_nodes(s, og_edge_from(c, &c->edges[i])) ||
                og_stage__loses_nodes(s, og_edge_to(c, &c->edges[i]));
    og_stage_table *t;
    if (lost) OG_TRY(og_stage_table_of(cx, s, &c->edges[i], &t));
  }
  for (size_t i = 0; i < s->tables.len; i++) OG_TRY(sort_keys(cx, OG_VEC_AT(&s->tables, og_stage_table *, i)));
  for (size_t i = 0; i < s->tables.len; i++) OG_TRY(check_twice(cx, s, OG_VEC_AT(&s->tables, og_stage_table *, i)));
  if (og_stage_is_outdone(s)) return OG_OK; /* what is missing cannot be checked */
  for (size_t i = 0; i < n; i++) OG_TRY(validate_table(cx, s, OG_VEC_AT(&s->tables, og_stage_table *, i)));
  for (uint32_t i = 0; i < c->n_edges; i++) {
    OG_TRY(check_retained(cx, s, &c->edges[i], true));
    OG_TRY(check_retained(cx, s, &c->edges[i], false));
  }
  return OG_OK;
}

/* ---- races */

static og_status shares_batch(og_ctx *cx, const og_stage_table *t, const og_batch *batch, og_sorter *theirs, bool *out)
{
  for (int64_t i = 0; i < batch->len && !*out; i++) {
    og_str id = og_column_str(batch->columns[0], i);
    if (theirs)
      OG_TRY(og_sorter_add(cx, theirs, id, OG_STR_NONE));
    else
      *out = og_map_get(&t->ids.map, id, NULL);
  }
  return OG_OK;
}

static og_status shares_scan(og_ctx *cx, const og_stage_table *t, og_lance_table *now, uint32_t first_new,
                             og_sorter *theirs, bool *out)
{
  const uint32_t id = OG_COLUMN_ID;
  const og_lance_scan_opts opts = {.columns = &id,
                                   .n_columns = 1,
                                   .from_fragment = first_new,
                                   .n_fragments = og_lance_table_fragments(now) - first_new};
  og_lance_scan *scan;
  og_batch *batch = NULL;
  OG_TRY(og_lance_scan_open(cx, now, &opts, &scan));
  og_status st;
  while ((st = og_lance_scan_next(cx, scan, &batch)) == OG_OK && batch) {
    st = shares_batch(cx, t, batch, theirs, out);
    og_batch_unref(batch);
    if (st != OG_OK) break;
  }
  og_lance_scan_close(scan);
  return st;
}

static og_status walk_shared(og_ctx *cx, walker *mine, walker *theirs, verdict *v)
{
  while (theirs->more && v->number == NONE) {
    bool found;
    OG_TRY(seek(cx, mine, theirs->at.key, &found));
    if (found) v->number = 0;
    OG_TRY(step(cx, theirs));
  }
  return OG_OK;
}

og_status og_stage__shares_ids(og_ctx *cx, const og_stage_table *t, og_lance_table *now, uint32_t first_new, bool *out)
{
  og_sorter *theirs = NULL;
  verdict v = {.number = NONE};
  if (og_lance_table_fragments(now) == first_new) return OG_OK;
  if (t->ids.sorter) OG_TRY(og_sorter_new(cx, (size_t)16 << 20, &theirs));
  og_status st = shares_scan(cx, t, now, first_new, theirs, out);
  if (st == OG_OK && theirs) st = og_sorter_sort(cx, theirs);
  if (st == OG_OK && theirs) st = walk(cx, t->ids.sorter, theirs, walk_shared, &v);
  if (theirs) *out = v.number != NONE;
  og_sorter_free(cx, theirs);
  return st;
}
