/* SPDX-License-Identifier: MIT */
/* graph/evolve.c -- what a change of the schema writes to the log, beside the tables it changes.
 *
 *  (1) Tables and types are compared by identity.  A table whose type is gone gets a tombstone above its newest
 * version, one whose type is called otherwise a new table row; both are worked out from the fold the commit goes on, so
 *      that writes to those tables that came meanwhile are no conflict.
 *  (2) The schema row goes into the same version: no reader sees tables and schema apart.
 *  (3) What is erased is recorded beside: versions of the table below the number are refused from then on, although
 *      their files stand until a cleanup takes them.
 *  (4) Root files of a schema that never was a row are the work of the original engine: it is made one.
 */
#include "graph/internal.h"

#include "base/json.h"

#include <inttypes.h>

/* ---- the contract, and what it follows */

og_status og_contract__texts(og_ctx *cx, const og_catalog *c, og_contract *out)
{
  OG_AUTO(og_buf) ir = {0};
  OG_AUTO(og_buf) state = {0};
  OG_TRY(og_arena_str(cx, cx->arena, c->source, &out->source));
  OG_TRY(og_schema_ir_write(cx, c, true, &ir));
  OG_TRY(og_schema_state_write(cx, c, &state));
  OG_TRY(og_arena_str(cx, cx->arena, og_buf_str(&ir), &out->ir));
  return og_arena_str(cx, cx->arena, og_buf_str(&state), &out->state);
}

static og_status ir_hash(og_ctx *cx, og_str state, og_str *out)
{
  const og_json *json;
  OG_TRY(og_json_read(cx, cx->arena, state, &json));
  if (og_json_get_str(json, OG_STR("schema_ir_hash"), out)) return OG_OK;
  return og_fail(cx, OG_ECORRUPT, "the state of the accepted schema lacks its hash");
}

#define MAX_BEFORE 256 /* every reader of the row reads them, too */

og_status og_contract__next(og_ctx *cx, og_graph *g, const og_fold *f, const og_catalog *c, og_contract *out)
{
  og_contract now;
  OG_TRY_NOTE(cx, og_contract__of_fold(cx, g, f, &now), "while reading the accepted schema");
  og_str *before = og_push_array(cx, now.n_before + 1, sizeof *before);
  if (!before) return OG_ENOMEM;
  const size_t skip = now.n_before >= MAX_BEFORE ? now.n_before - MAX_BEFORE + 1 : 0;
  size_t n = 0;
  for (size_t i = skip; i < now.n_before; i++) before[n++] = now.before[i];
  OG_TRY(ir_hash(cx, now.state, &before[n++]));
  *out = (og_contract){.generation = (now.generation ? now.generation : 1) + 1, .before = before, .n_before = n};
  return og_contract__texts(cx, c, out);
}

#define SETTLE_TRIES 16

og_status og_contract__settle(og_ctx *cx, og_graph *g)
{
  bool settled = false;
  for (unsigned i = 0; i < SETTLE_TRIES && !settled; i++) {
    og_fold *fold = NULL, *again = NULL;
    og_branch_row row;
    og_contract contract;
    OG_TRY(og_graph__pin(cx, g, OG_STR_NONE, &fold, &row));
    og_status st = fold->schema ? og_contract__of_fold(cx, g, fold, &contract) : OG_OK;
    if (st == OG_OK && fold->schema) st = og_contract__mirror(cx, g->store, &contract);
    if (st == OG_OK) st = og_graph__pin(cx, g, OG_STR_NONE, &again, &row);
    settled = st == OG_OK &&
              (!again->schema || !fold->schema || og_str_eq(again->schema->metadata, fold->schema->metadata));
    og_fold_unref(again);
    og_fold_unref(fold);
    OG_TRY(st);
  }
  return OG_OK; /* whoever goes on changing the schema settles it, too */
}

static bool was_before(const og_contract *old, og_str old_hash, const og_contract *now)
{
  if (old->generation >= now->generation) return false;
  for (size_t i = 0; i < now->n_before; i++)
    if (og_str_eq(now->before[i], old_hash)) return true;
  return false;
}

og_status og_contract__order(og_ctx *cx, og_graph *g, const og_fold *a, const og_fold *b, og_schema_order *out)
{
  og_contract x, y;
  og_str x_hash, y_hash;
  *out = OG_SCHEMAS_SAME;
  if (og_contract__same(a, b)) return OG_OK;
  OG_TRY(og_contract__of_fold(cx, g, a, &x));
  OG_TRY(og_contract__of_fold(cx, g, b, &y));
  OG_TRY(ir_hash(cx, x.state, &x_hash));
  OG_TRY(ir_hash(cx, y.state, &y_hash));
  *out = was_before(&x, x_hash, &y)   ? OG_SCHEMAS_BEHIND
         : was_before(&y, y_hash, &x) ? OG_SCHEMAS_AHEAD
                                      : OG_SCHEMAS_APART;
  return OG_OK;
}

/* ---- files that another engine wrote */

typedef struct adoption {
  og_graph *g;
  og_contract *found;
  const og_fold *seen; /* the state the files were held against */
  og_str own_id;
} adoption;

static og_status adoption_rows(og_ctx *cx, void *arg, og_fold *base, og_vec *rows, og_vec *keys, bool *rerun)
{
  adoption *a = arg;
  (void)keys;
  *rerun = !og_contract__same(base, a->seen);
  if (*rerun) return OG_OK;
  og_log_row *row = og_vec_push(cx, rows);
  if (!row) return OG_ENOMEM;
  OG_TRY(og_row_private(cx, cx->arena, OG_ROW_BRANCH_OP, a->own_id, OG_STR("{\"op\":\"adopt_schema\"}"), row));
  row = og_vec_push(cx, rows);
  return row ? og_contract__row(cx, cx->arena, a->found, row) : OG_ENOMEM;
}

static og_status adopt(og_ctx *cx, og_graph *g, const og_fold *f, og_contract *found)
{
  og_ulid id;
  char text[OG_ULID_LEN];
  adoption a = {.g = g, .found = found, .seen = f};
  og_publish_outcome outcome;
  uint64_t version;
  OG_TRY(og_graph__ulid(cx, g, f, &id));
  og_ulid_format(&id, text);
  OG_TRY(og_arena_printf(cx, cx->arena, &a.own_id, "branch_op:%.26s", text));
  const og_log_op op = {.branch = OG_STR(""), .own_id = a.own_id, .rows = adoption_rows, .arg = &a};
  return og_graph__publish(cx, g, &op, &outcome, &version);
}

/* Is `found`, in the root files, a schema that another engine applied to the tables of `f`? */
static og_status is_foreign(og_ctx *cx, const og_fold *f, const og_contract *row, og_contract *found, bool *out)
{
  og_str was, is;
  og_catalog *c, *accepted;
  *out = false;
  OG_TRY(ir_hash(cx, row->state, &was));
  OG_TRY(ir_hash(cx, found->state, &is));
  for (size_t i = 0; i < row->n_before; i++)
    if (og_str_eq(row->before[i], is)) return OG_OK; /* ours, and old */
  if (og_str_eq(was, is)) return OG_OK;
  OG_TRY(og_schema_restore(cx, found->source, found->ir, found->state, &c));
  og_status st = og_schema_restore(cx, row->source, row->ir, row->state, &accepted);
  if (st == OG_OK) {
    *out = memcmp(&c->domain, &accepted->domain, sizeof c->domain) == 0 && og_contract__fits(c, f);
    og_catalog_unref(accepted);
  }
  og_catalog_unref(c);
  if (!*out) return st;
  og_str *before = og_push_array(cx, row->n_before + 1, sizeof *before);
  if (!before) return OG_ENOMEM;
  for (size_t i = 0; i < row->n_before; i++) before[i] = row->before[i];
  before[row->n_before] = was;
  found->before = before;
  found->n_before = row->n_before + 1;
  found->generation = row->generation + 1;
  return st;
}

og_status og_contract__heal(og_ctx *cx, og_graph *g, const og_fold *f)
{
  og_contract row, found = {0};
  bool foreign = false;
  if (!f->schema) return OG_OK; /* the files are all there is */
  OG_TRY(og_contract__of_fold(cx, g, f, &row));
  og_status st = og_contract__of_files(cx, g, &found);
  if (st == OG_OK) st = is_foreign(cx, f, &row, &found, &foreign);
  if (st == OG_ENOMEM || st == OG_ECANCELLED) return st;
  if (st != OG_OK) og_error_clear(cx); /* damaged files are replaced */
  return foreign ? adopt(cx, g, f, &found) : og_contract__mirror(cx, g->store, &row);
}

/* ---- rows of the log */

static const og_type_def *type_of(const og_catalog *c, const og_table_state *t)
{
  const bool edge = og_str_starts_with(t->key, OG_STR("edge:"));
  const og_type_def *types = edge ? c->edges : c->nodes;
  const og_type_def *same_name = og_catalog_table(c, t->key); /* most keep theirs */
  if (same_name && same_name->id == t->table_id && same_name->incarnation == t->incarnation) return same_name;
  for (uint32_t i = 0; i < (edge ? c->n_edges : c->n_nodes); i++)
    if (types[i].id == t->table_id && types[i].incarnation == t->incarnation) return &types[i];
  return NULL;
}

og_str og_evolve__key(const og_publication *p, const og_table_state *t)
{
  const og_type_def *type = p->schema ? type_of(p->schema->catalog, t) : NULL;
  return type ? type->key : t->key;
}

static og_status table_row(og_ctx *cx, const og_catalog *c, const og_table_state *t, og_vec *rows)
{
  const og_type_def *type = type_of(c, t);
  if (type && og_str_eq(type->key, t->key)) return OG_OK;
  og_log_row *row = og_vec_push(cx, rows);
  if (!row) return OG_ENOMEM;
  if (type) return og_row_table(cx, cx->arena, type->key, t->table_id, t->incarnation, row);
  const og_table_version gone = {
      .key = t->key, .table_id = t->table_id, .incarnation = t->incarnation, .version = t->max_version + 1};
  return og_row_tombstone(cx, cx->arena, &gone, row);
}

/* Below the version that this very commit writes; when it writes none, all there were. */
static og_status erased_row(og_ctx *cx, const og_publication *p, const og_fold *now, const og_table_identity *e,
                            og_vec *rows)
{
  const og_table_state *t = og_fold_table(now, e->id, e->incarnation);
  if (!t) return OG_OK; /* its version numbers are not known any more, nor is anything to be read */
  uint64_t below = t->max_version + 1;
  for (size_t i = 0; i < p->n_tables; i++)
    if (!p->tables[i].begun && og_str_eq(p->tables[i].key, t->key))
      below = og_lance_change_version(p->tables[i].change);
  og_log_row *row = og_vec_push(cx, rows);
  return row ? og_row_erased(cx, cx->arena, e->id, e->incarnation, below, row) : OG_ENOMEM;
}

og_status og_evolve__rows(og_ctx *cx, og_graph *g, const og_publication *p, const og_fold *now, og_vec *rows)
{
  const og_schema_change *s = p->schema;
  og_contract contract;
  for (size_t i = 0; i < p->n_erased; i++) OG_TRY(erased_row(cx, p, now, &p->erased[i], rows));
  if (!s) return OG_OK;
  for (uint32_t i = 0; i < now->n_tables; i++) OG_TRY(table_row(cx, s->catalog, &now->tables[i], rows));
  for (size_t i = 0; i < s->n_created; i++) OG_TRY(og_create__rows(cx, &s->created[i], rows));
  if (s->adopted)
    OG_TRY(og_contract__of_fold(cx, g, s->adopted->fold, &contract));
  else
    OG_TRY(og_contract__next(cx, g, now, s->catalog, &contract));
  og_log_row *row = og_vec_push(cx, rows);
  return row ? og_contract__row(cx, cx->arena, &contract, row) : OG_ENOMEM;
}

og_status og_snapshot_was_erased(og_ctx *cx, const og_snapshot *s, const og_table_state *t, bool *out)
{
  og_str id;
  OG_TRY(og_row_erased_id(cx, cx->arena, t->table_id, t->incarnation, &id));
  *out = og_fold_row(s->fold, id) != NULL;
  return OG_OK;
}

og_status og_graph_check_erased(og_ctx *cx, const og_fold *main_fold, const og_table_state *t)
{
  og_str id;
  uint64_t below = 0;
  if (t->branch.len) return OG_OK;                   /* a branch's own versions stand as long as the branch */
  if (t->version == 1 && t->rows == 0) return OG_OK; /* as it was made: branches begin with it, whatever came later */
  OG_TRY(og_row_erased_id(cx, cx->arena, t->table_id, t->incarnation, &id));
  const og_log_row *row = og_fold_row(main_fold, id);
  if (row) OG_TRY(og_row_parse_erased(cx, cx->arena, row, &below));
  if (t->version >= below) return OG_OK;
  return og_fail(
      cx, OG_EGONE,
      "the state of %s type '" OG_STR_FMT "' at this snapshot was erased by a schema change that allowed data loss",
      og_str_starts_with(t->key, OG_STR("edge:")) ? "edge" : "node", OG_STR_ARG(og_str_sub(t->key, 5, t->key.len)));
}
