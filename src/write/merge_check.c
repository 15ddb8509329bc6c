/* SPDX-License-Identifier: MIT */
/* write/merge_check.c -- what a merge would break, though no row conflicts.
 *
 * Both sides are valid by themselves.  So the merged state can only be broken where a change of one meets a change of
 * the other, and each rule is a join of two small sets:
 *
 *   endpoints    edges that one side wrote, against nodes that the other deleted.  What a side's own edges need, that
 * side has; and an edge that nobody touched lost its nodes on neither, for that would have taken it along.
 *   @unique      tuples of rows that the source brings, against tuples of rows that the target changed.  A row that
 *                neither changed held its tuple on the source, too.  A row put together of both sides' properties holds
 * a tuple that no side has seen: it is looked for in the whole table.
 *   @card        sources whose edges both sides changed, or one side, when a choice of sides kept a node that was
 *                deleted with them: theirs are counted, in the table.
 *
 * Ranges, patterns and enums are rules of one value, and every value comes from a valid row.
 */
#include "graph/tables.h"
#include "write/merge_impl.h"
#include "write/stage.h"

#include <inttypes.h>

#define CHUNK 1024

/* ---- reading some columns of some rows */

typedef og_status (*row_fn)(og_ctx *cx, void *arg, const og_batch *rows, int64_t i, size_t which);

typedef struct read_plan {
  og_lance_table *table;
  const uint32_t *columns;
  uint32_t n_columns;
  const og_vec *offsets; /* uint64_t */
} read_plan;

/* Calls `fn` with the given columns of each row. */
static og_status each_row(og_ctx *cx, const read_plan *p, row_fn fn, void *arg)
{
  for (size_t from = 0; from < p->offsets->len; from += CHUNK) {
    const size_t m = p->offsets->len - from < CHUNK ? p->offsets->len - from : CHUNK;
    og_batch *rows;
    OG_TRY(og_ctx_poll(cx));
    OG_TRY(
        og_lance_table_take(cx, p->table, p->columns, p->n_columns, &OG_VEC_AT(p->offsets, uint64_t, from), m, &rows));
    og_status st = OG_OK;
    for (size_t i = 0; st == OG_OK && i < m; i++) st = fn(cx, arg, rows, (int64_t)i, from + i);
    og_batch_unref(rows);
    OG_TRY(st);
  }
  return OG_OK;
}

/* A changed row of the target that the merge leaves as it is. */
static bool stays(const og_merge__table *t, const og_delta_row *r)
{
  return r->op != OG_DELTA_DELETE && !og_merge__row_of(t, r->id);
}

typedef struct some_rows {
  og_vec offsets; /* uint64_t */
  og_vec ids;     /* og_str */
} some_rows;

static void some_rows_init(some_rows *s)
{
  *s = (some_rows){OG_VEC_INIT(uint64_t), OG_VEC_INIT(og_str)};
}

static void some_rows_cleanup(some_rows *s)
{
  og_vec_cleanup(&s->offsets);
  og_vec_cleanup(&s->ids);
}

static og_status some_rows_add(og_ctx *cx, some_rows *s, og_str id, uint64_t offset)
{
  OG_TRY(og_vec_add(cx, &s->offsets, &offset));
  return og_vec_add(cx, &s->ids, &id);
}

/* What the target changed and the merge leaves. */
static og_status target_rows(og_ctx *cx, const og_merge__table *t, const og_delta *ours, some_rows *out)
{
  for (size_t i = 0; i < ours->n_rows; i++)
    if (stays(t, &ours->rows[i])) OG_TRY(some_rows_add(cx, out, ours->rows[i].id, ours->rows[i].to));
  return OG_OK;
}

/* ---- endpoints */

static og_status add_gone(og_ctx *cx, og_merge__table *t, og_str id)
{
  return og_map_put(cx, &t->gone, id, 1, NULL);
}

/* Ids that one side deleted and that are not back. */
static og_status find_gone(og_ctx *cx, og_merge__job *j, og_merge__table *t)
{
  const og_delta *ours;
  if (t->has_gone) return OG_OK;
  t->has_gone = true;
  OG_TRY(og_merge__ours(cx, j, t, &ours));
  for (size_t i = 0; i < ours->n_rows; i++) {
    const og_delta_row *r = &ours->rows[i];
    if (r->op == OG_DELTA_DELETE && !og_merge__row_of(t, r->id)) OG_TRY(add_gone(cx, t, r->id));
  }
  for (size_t i = 0; i < t->rows.len; i++) {
    const og_merge__row *r = &OG_VEC_AT(&t->rows, og_merge__row, i);
    if (r->op == OG_DELTA_DELETE) OG_TRY(add_gone(cx, t, r->id));
  }
  return OG_OK;
}

typedef struct end_check {
  og_merge__job *j;
  const og_merge__table *edges;
  const og_merge__table *nodes[2]; /* of src and dst */
  const og_str *ids;               /* of the edges being looked at */
  uint32_t first;                  /* where src stands in their rows; dst is behind it */
} end_check;

static og_status check_ends(og_ctx *cx, void *arg, const og_batch *rows, int64_t i, size_t which)
{
  const end_check *c = arg;
  for (int end = 0; end < 2; end++) {
    const og_str node = og_column_str(rows->columns[c->first + (uint32_t)end], i);
    const og_str edge = c->ids[which];
    if (!og_map_get(&c->nodes[end]->gone, node, NULL)) continue;
    OG_TRY(og_merge__conflict(cx, c->j, c->edges->type, OG_CONFLICT_ORPHAN_EDGE, edge,
                              "edge '" OG_STR_FMT "': %s '" OG_STR_FMT "' of type '" OG_STR_FMT "' was deleted",
                              OG_STR_ARG(edge), end ? "dst" : "src", OG_STR_ARG(node),
                              OG_STR_ARG(c->nodes[end]->type->name)));
  }
  return OG_OK;
}

static og_status check_edges_of(og_ctx *cx, const end_check *ends, og_lance_table *table, const some_rows *rows)
{
  static const uint32_t columns[] = {OG_COLUMN_SRC, OG_COLUMN_DST};
  const read_plan plan = {table, columns, 2, &rows->offsets};
  end_check c = *ends;
  c.ids = rows->ids.data;
  return each_row(cx, &plan, check_ends, &c);
}

static og_status check_source_edges(og_ctx *cx, const end_check *c, const og_merge__table *t)
{
  some_rows rows;
  some_rows_init(&rows);
  og_status st = OG_OK;
  for (size_t i = 0; st == OG_OK && i < t->rows.len; i++) {
    const og_merge__row *r = &OG_VEC_AT(&t->rows, og_merge__row, i);
    if (r->op != OG_DELTA_DELETE && !r->from_target) st = some_rows_add(cx, &rows, r->id, r->from_source);
  }
  if (st == OG_OK && rows.offsets.len) st = check_edges_of(cx, c, t->source, &rows);
  some_rows_cleanup(&rows);
  return st;
}

/* Edges put together of both sides: one end may be the source's and the other the target's. */
static og_status check_mixed_edges(og_ctx *cx, const end_check *ends, const og_merge__table *t)
{
  end_check c = *ends;
  c.first = OG_COLUMN_SRC;
  for (size_t i = 0; i < t->rows.len; i++) {
    const og_merge__row *r = &OG_VEC_AT(&t->rows, og_merge__row, i);
    og_batch *image;
    if (!r->from_target) continue;
    OG_TRY(og_ctx_poll(cx));
    OG_TRY(og_merge__images(cx, t, r, 1, &image));
    c.ids = &r->id;
    og_status st = check_ends(cx, &c, image, 0, 0);
    og_batch_unref(image);
    OG_TRY(st);
  }
  return OG_OK;
}

static og_status check_target_edges(og_ctx *cx, const end_check *c, og_merge__table *t)
{
  const og_delta *ours;
  some_rows rows;
  OG_TRY(og_merge__ours(cx, c->j, t, &ours));
  some_rows_init(&rows);
  og_status st = target_rows(cx, t, ours, &rows);
  if (st == OG_OK && rows.offsets.len) st = check_edges_of(cx, c, t->target, &rows);
  some_rows_cleanup(&rows);
  return st;
}

static og_status check_orphans(og_ctx *cx, og_merge__job *j, og_merge__table *t)
{
  const og_catalog *catalog = j->target->catalog;
  og_merge__table *from = og_merge__table_of(j, og_edge_from(catalog, t->type)),
                  *to = og_merge__table_of(j, og_edge_to(catalog, t->type));
  end_check c = {.j = j, .edges = t, .nodes = {from, to}};
  OG_TRY(find_gone(cx, j, from));
  OG_TRY(find_gone(cx, j, to));
  if (from->gone.len == 0 && to->gone.len == 0) return OG_OK;
  OG_TRY(check_source_edges(cx, &c, t));
  OG_TRY(check_mixed_edges(cx, &c, t));
  return check_target_edges(cx, &c, t);
}

/* ---- unique */

typedef struct tuples {
  og_merge__job *j;
  const og_merge__table *t;
  const og_constraint *constraint;
  uint32_t *columns;  /* of the members in the table */
  const uint32_t *at; /* and in the batches being looked at */
  const og_str *ids;  /* of the rows being looked at */
  bool claims;        /* they may clash with what is held */
  og_arena arena;
  og_map held;    /* tuple -> index into holders */
  og_vec holders; /* og_str: ids */
  og_scalar *values;
} tuples;

static og_status clash(og_ctx *cx, const tuples *u, og_str tuple, og_str holder, og_str id)
{
  (void)!og_stage__clash(cx, u->t->type, u->constraint, tuple, holder, id); /* for its words */
  const og_error why = *cx->err;
  og_error_clear(cx);
  return og_merge__conflict(cx, u->j, u->t->type, OG_CONFLICT_UNIQUE, id, "%s", why.text);
}

static og_status see_tuple(og_ctx *cx, void *arg, const og_batch *rows, int64_t i, size_t which)
{
  tuples *u = arg;
  OG_AUTO(og_buf) tuple = {0};
  uint64_t holder;
  og_str key;
  for (uint32_t k = 0; k < u->constraint->n; k++) {
    const og_column *c = rows->columns[u->at[k]];
    u->values[u->columns[k]] = og_column_is_null(c, i) ? (og_scalar){.is_null = true} : og_scalar_at(c, i);
  }
  OG_TRY(og_stage__tuple(cx, u->t->type, u->constraint, u->values, &tuple));
  if (tuple.len == 0) return OG_OK;
  if (og_map_get(&u->held, og_buf_str(&tuple), &holder)) {
    const og_str other = OG_VEC_AT(&u->holders, og_str, holder);
    if (!u->claims || og_str_eq(other, u->ids[which])) return OG_OK;
    return clash(cx, u, og_buf_str(&tuple), other, u->ids[which]);
  }
  OG_TRY(og_arena_str(cx, &u->arena, og_buf_str(&tuple), &key));
  OG_TRY(og_map_put(cx, &u->held, key, u->holders.len, NULL));
  return og_vec_add(cx, &u->holders, &u->ids[which]);
}

static og_status see_rows(og_ctx *cx, tuples *u, og_lance_table *table, const some_rows *rows)
{
  uint32_t *at = og_push_array(cx, (size_t)u->constraint->n + 1, sizeof *at);
  if (!at) return OG_ENOMEM;
  for (uint32_t k = 0; k < u->constraint->n; k++) at[k] = k;
  u->at = at;
  u->ids = rows->ids.data;
  const read_plan plan = {table, u->columns, u->constraint->n, &rows->offsets};
  return each_row(cx, &plan, see_tuple, u);
}

/* Every row of the target that the merge leaves as it is. */
static og_status all_target_rows(og_ctx *cx, tuples *u, some_rows *out)
{
  static const uint32_t column = OG_COLUMN_ID;
  const og_lance_scan_opts opts = {.columns = &column, .n_columns = 1, .with_offset = true};
  og_lance_scan *scan;
  og_batch *batch = NULL;
  OG_TRY(og_lance_scan_open(cx, u->t->target, &opts, &scan));
  og_status st;
  while ((st = og_lance_scan_next(cx, scan, &batch)) == OG_OK && batch) {
    for (int64_t i = 0; st == OG_OK && i < batch->len; i++) {
      og_str id = og_column_str(batch->columns[0], i);
      if (og_merge__row_of(u->t, id)) continue;
      st = og_arena_str(cx, &u->arena, id, &id);
      if (st == OG_OK) st = some_rows_add(cx, out, id, og_column_u64(batch->columns[1])[i]);
    }
    og_batch_unref(batch);
    if (st != OG_OK) break;
  }
  og_lance_scan_close(scan);
  return st;
}

static og_status see_target(og_ctx *cx, tuples *u, const og_delta *ours, bool all)
{
  some_rows rows;
  some_rows_init(&rows);
  og_status st = all ? all_target_rows(cx, u, &rows) : target_rows(cx, u->t, ours, &rows);
  u->claims = false;
  if (st == OG_OK && rows.offsets.len) st = see_rows(cx, u, u->t->target, &rows);
  some_rows_cleanup(&rows);
  return st;
}

static og_status see_source(og_ctx *cx, tuples *u)
{
  some_rows rows;
  some_rows_init(&rows);
  og_status st = OG_OK;
  for (size_t i = 0; st == OG_OK && i < u->t->rows.len; i++) {
    const og_merge__row *r = &OG_VEC_AT(&u->t->rows, og_merge__row, i);
    if (r->op != OG_DELTA_DELETE && !r->from_target) st = some_rows_add(cx, &rows, r->id, r->from_source);
  }
  u->claims = true;
  if (st == OG_OK && rows.offsets.len) st = see_rows(cx, u, u->t->source, &rows);
  some_rows_cleanup(&rows);
  return st;
}

/* Rows put together of both sides. */
static og_status see_mixed(og_ctx *cx, tuples *u)
{
  u->at = u->columns;
  u->claims = true;
  for (size_t i = 0; i < u->t->rows.len; i++) {
    const og_merge__row *r = &OG_VEC_AT(&u->t->rows, og_merge__row, i);
    og_batch *image;
    if (!r->from_target) continue;
    OG_TRY(og_merge__images(cx, u->t, r, 1, &image));
    u->ids = &r->id;
    og_status st = see_tuple(cx, u, image, 0, 0);
    og_batch_unref(image);
    OG_TRY(st);
  }
  return OG_OK;
}

static bool has_mixed(const og_merge__table *t)
{
  for (size_t i = 0; i < t->rows.len; i++)
    if (OG_VEC_AT(&t->rows, og_merge__row, i).from_target) return true;
  return false;
}

static og_status see_all(og_ctx *cx, tuples *u, const og_delta *ours)
{
  const bool mixed = has_mixed(u->t);
  const size_t n_values = (size_t)og_type_first_property(u->t->type) + u->t->type->n_properties;
  u->values = og_push_array(cx, n_values + 1, sizeof *u->values);
  u->columns = og_push_array(cx, (size_t)u->constraint->n + 1, sizeof *u->columns);
  if (!u->values || !u->columns) return OG_ENOMEM;
  for (uint32_t k = 0; k < u->constraint->n; k++) u->columns[k] = og_type_column(u->t->type, u->constraint->fields[k]);
  OG_TRY(see_target(cx, u, ours, mixed));
  OG_TRY(see_source(cx, u));
  return mixed ? see_mixed(cx, u) : OG_OK;
}

static og_status check_unique(og_ctx *cx, og_merge__job *j, og_merge__table *t)
{
  const og_delta *ours;
  OG_TRY(og_merge__ours(cx, j, t, &ours));
  for (uint32_t i = 0; i < t->type->n_constraints; i++) {
    tuples u = {.j = j, .t = t, .constraint = &t->type->constraints[i], .holders = OG_VEC_INIT(og_str)};
    if (u.constraint->kind != OG_CON_UNIQUE || ours->n_rows == 0) continue;
    og_map_init(&u.held, false);
    og_status st = see_all(cx, &u, ours);
    og_map_cleanup(&u.held);
    og_vec_cleanup(&u.holders);
    og_arena_cleanup(&u.arena);
    OG_TRY(st);
  }
  return OG_OK;
}

/* ---- cardinality */

typedef struct sources {
  og_map of_target, of_both; /* source id -> count of edges, signed as uint64_t, from what the target has now */
  uint64_t by;
  og_arena arena;
} sources;

static og_status count_source(og_ctx *cx, og_map *m, og_arena *a, og_str id, uint64_t by)
{
  uint64_t *n;
  og_str copy = id;
  if (!og_map_get(m, id, NULL)) OG_TRY(og_arena_str(cx, a, id, &copy));
  n = og_map_at(cx, m, copy, NULL);
  if (!n) return OG_ENOMEM;
  *n += by;
  return OG_OK;
}

static og_status see_target_source(og_ctx *cx, void *arg, const og_batch *rows, int64_t i, size_t which)
{
  sources *s = arg;
  (void)which;
  return count_source(cx, &s->of_target, &s->arena, og_column_str(rows->columns[0], i), 0);
}

static og_status see_shared_source(og_ctx *cx, void *arg, const og_batch *rows, int64_t i, size_t which)
{
  sources *s = arg;
  const og_str id = og_column_str(rows->columns[0], i);
  (void)which;
  return og_map_get(&s->of_target, id, NULL) ? count_source(cx, &s->of_both, &s->arena, id, s->by) : OG_OK;
}

static og_status see_ends(og_ctx *cx, sources *s, og_lance_table *t, const og_vec *offsets, row_fn fn)
{
  static const uint32_t column = OG_COLUMN_SRC;
  const read_plan plan = {t, &column, 1, offsets};
  return each_row(cx, &plan, fn, s);
}

/* Sources of the edges that the target changed, as they were and as they are. */
static og_status sources_of_target(og_ctx *cx, sources *s, const og_delta *ours)
{
  og_vec from = OG_VEC_INIT(uint64_t), to = OG_VEC_INIT(uint64_t);
  og_status st = OG_OK;
  for (size_t i = 0; st == OG_OK && i < ours->n_rows; i++) {
    const og_delta_row *r = &ours->rows[i];
    if (r->op != OG_DELTA_INSERT) st = og_vec_add(cx, &from, &r->from);
    if (st == OG_OK && r->op != OG_DELTA_DELETE) st = og_vec_add(cx, &to, &r->to);
  }
  if (st == OG_OK) st = see_ends(cx, s, ours->from, &from, see_target_source);
  if (st == OG_OK) st = see_ends(cx, s, ours->to, &to, see_target_source);
  og_vec_cleanup(&from);
  og_vec_cleanup(&to);
  return st;
}

/* What the merge takes from and adds to the sources that the target changed, too. */
static og_status sources_of_merge(og_ctx *cx, sources *s, og_merge__table *t)
{
  og_vec old = OG_VEC_INIT(uint64_t), new = OG_VEC_INIT(uint64_t);
  og_status st = og_merge__place(cx, t);
  for (size_t i = 0; st == OG_OK && i < t->rows.len; i++) {
    const og_merge__row *r = &OG_VEC_AT(&t->rows, og_merge__row, i);
    const bool keeps_source = r->from_target && r->from_target[OG_COLUMN_SRC];
    if (keeps_source) continue;
    if (r->op != OG_DELTA_INSERT) st = og_vec_add(cx, &old, &r->in_target);
    if (st == OG_OK && r->op != OG_DELTA_DELETE) st = og_vec_add(cx, &new, &r->from_source);
  }
  s->by = UINT64_MAX; /* one less */
  if (st == OG_OK) st = see_ends(cx, s, t->target, &old, see_shared_source);
  s->by = 1;
  if (st == OG_OK) st = see_ends(cx, s, t->source, &new, see_shared_source);
  og_vec_cleanup(&old);
  og_vec_cleanup(&new);
  return st;
}

/* A choice of sides can keep, or bring back, a node that one side deleted; its edges went with it there, and only those
 * that the other side changed come back.  All of its sources' edges that either side changed are counted then. */
static og_status note_kept_node(og_ctx *cx, sources *s, og_str id)
{
  og_map *m = og_map_get(&s->of_target, id, NULL) ? &s->of_both : &s->of_target;
  return count_source(cx, m, &s->arena, id, 0);
}

static og_status note_kept_nodes(og_ctx *cx, og_merge__job *j, sources *s, og_merge__table *nodes)
{
  const og_delta *theirs, *ours;
  if (j->merge->prefer == OG_MERGE_ASK) return OG_OK;
  OG_TRY(og_merge__theirs(cx, j, nodes, &theirs));
  OG_TRY(og_merge__ours(cx, j, nodes, &ours));
  for (size_t i = 0; i < theirs->n_rows; i++) {
    const og_delta_row *r = &theirs->rows[i], *o = r->op == OG_DELTA_DELETE ? og_delta_find(ours, r->id) : NULL;
    if (o && o->op != OG_DELTA_DELETE && !og_merge__row_of(nodes, r->id)) OG_TRY(note_kept_node(cx, s, r->id));
  }
  for (size_t i = 0; i < nodes->rows.len; i++) {
    const og_merge__row *r = &OG_VEC_AT(&nodes->rows, og_merge__row, i);
    if (r->op == OG_DELTA_INSERT && r->in_base != OG_DELTA_NOWHERE) OG_TRY(note_kept_node(cx, s, r->id));
  }
  return OG_OK;
}

static og_status count_in_target(og_ctx *cx, sources *s, og_lance_table *target)
{
  static const uint32_t column = OG_COLUMN_SRC;
  const og_lance_scan_opts opts = {.columns = &column, .n_columns = 1};
  og_lance_scan *scan;
  og_batch *batch = NULL;
  OG_TRY(og_lance_scan_open(cx, target, &opts, &scan));
  og_status st;
  while ((st = og_lance_scan_next(cx, scan, &batch)) == OG_OK && batch) {
    for (int64_t i = 0; st == OG_OK && i < batch->len; i++) {
      const og_str id = og_column_str(batch->columns[0], i);
      if (og_map_get(&s->of_both, id, NULL)) st = count_source(cx, &s->of_both, &s->arena, id, 1);
    }
    og_batch_unref(batch);
    if (st != OG_OK) break;
  }
  og_lance_scan_close(scan);
  return st;
}

static og_status check_counts(og_ctx *cx, og_merge__job *j, const og_merge__table *t, const sources *s)
{
  const og_merge__table *from = og_merge__table_of(j, og_edge_from(j->target->catalog, t->type));
  const og_map_entry *e;
  for (size_t pos = 0; (e = og_map_next(&s->of_both, &pos));) {
    if (!og_stage__breaks_card(t->type, e->value) || og_map_get(&from->gone, e->key, NULL)) continue;
    (void)!og_stage__card_error(cx, t->type, e->key, e->value); /* for its words */
    const og_error why = *cx->err;
    og_error_clear(cx);
    OG_TRY(og_merge__conflict(cx, j, t->type, OG_CONFLICT_CARDINALITY, OG_STR_NONE, "%s", why.text));
  }
  return OG_OK;
}

static og_status check_cardinality(og_ctx *cx, og_merge__job *j, og_merge__table *t)
{
  const og_delta *ours;
  sources s = {0};
  if (!og_stage__has_card(t->type)) return OG_OK;
  OG_TRY(og_merge__ours(cx, j, t, &ours));
  og_map_init(&s.of_target, false);
  og_map_init(&s.of_both, false);
  og_status st = ours->n_rows ? sources_of_target(cx, &s, ours) : OG_OK;
  if (st == OG_OK) st = note_kept_nodes(cx, j, &s, og_merge__table_of(j, og_edge_from(j->target->catalog, t->type)));
  if (st == OG_OK && s.of_target.len && t->rows.len) st = sources_of_merge(cx, &s, t);
  if (st == OG_OK && s.of_both.len) st = count_in_target(cx, &s, t->target);
  if (st == OG_OK) st = check_counts(cx, j, t, &s);
  og_map_cleanup(&s.of_target);
  og_map_cleanup(&s.of_both);
  og_arena_cleanup(&s.arena);
  return st;
}

/* ---- all of it */

og_status og_merge__check(og_ctx *cx, og_merge__job *j)
{
  for (uint32_t i = 0; i < j->n_tables; i++) {
    og_merge__table *t = &j->tables[i];
    if (t->type->is_edge) OG_TRY(check_orphans(cx, j, t));
    if (t->rows.len) OG_TRY(check_unique(cx, j, t));
    if (t->type->is_edge) OG_TRY(check_cardinality(cx, j, t));
  }
  return OG_OK;
}
