/* SPDX-License-Identifier: MIT */
/* query/lint.c -- every query of a file checked on its own, and what the file as a whole leaves out.
 *
 * A query that is right but not supported yet is right.  Reads and writes are those of the language: a traversal reads
 * its edge type and both end types, a mutation reads what it targets, an inserted edge reads the types of its ends, and
 * deleting nodes reads and writes every edge type that can hang on them.
 */
#include "query/lint.h"

#include "base/vec.h"
#include "query/check.h"

typedef struct og_linter {
  og_ctx *cx;
  og_arena *a;
  const og_catalog *catalog;
  const og_query_file *file;
  bool **set; /* per node type that a valid update targets: which properties some update assigns */
} og_linter;

/* ---- what is touched */

static og_status touch(og_linter *l, og_vec *list, const og_type_def *t)
{
  og_lint_touch item = {.is_edge = t->is_edge, .type_name = t->name};
  for (size_t i = 0; i < list->len; i++) {
    const og_lint_touch *have = &OG_VEC_AT(list, og_lint_touch, i);
    if (have->is_edge == item.is_edge && og_str_eq(have->type_name, item.type_name)) return OG_OK;
  }
  return og_vec_add(l->cx, list, &item);
}

static og_status touch_edge(og_linter *l, og_vec *list, const og_type_def *edge)
{
  OG_TRY(touch(l, list, edge));
  OG_TRY(touch(l, list, og_edge_from(l->catalog, edge)));
  return touch(l, list, og_edge_to(l->catalog, edge));
}

static og_status touch_block(og_linter *l, og_vec *reads, const og_checker *c, const og_block *b)
{
  for (uint32_t i = 0; i < b->n_roots; i++) {
    const og_slot *slot = &c->slots[b->roots[i]]; /* of an interface: what implements it */
    for (uint32_t t = 0; t < slot->n_types; t++) OG_TRY(touch(l, reads, slot->types[t]));
  }
  for (uint32_t i = 0; i < b->n_hops; i++) OG_TRY(touch_edge(l, reads, b->hops[i].edge));
  for (uint32_t i = 0; i < b->n_optionals; i++) OG_TRY(touch_block(l, reads, c, b->optionals[i]));
  for (uint32_t i = 0; i < b->n_nots; i++) OG_TRY(touch_block(l, reads, c, b->nots[i]));
  return OG_OK;
}

static og_status touch_stmt(og_linter *l, const og_mutation_stmt *s, og_vec *reads, og_vec *writes)
{
  OG_TRY(touch(l, writes, s->type));
  OG_TRY(s->kind == OG_STMT_INSERT && s->type->is_edge ? touch_edge(l, reads, s->type) : touch(l, reads, s->type));
  if (s->kind != OG_STMT_DELETE || s->type->is_edge) return OG_OK;
  for (uint32_t i = 0; i < l->catalog->n_edges; i++) {
    const og_type_def *edge = &l->catalog->edges[i];
    if (og_edge_from(l->catalog, edge) != s->type && og_edge_to(l->catalog, edge) != s->type) continue;
    OG_TRY(touch(l, reads, edge));
    OG_TRY(touch(l, writes, edge));
  }
  return OG_OK;
}

static int by_touch(const void *a, const void *b, void *arg)
{
  const og_lint_touch *x = a, *y = b;
  (void)arg;
  if (x->is_edge != y->is_edge) return x->is_edge ? 1 : -1;
  return og_str_cmp(x->type_name, y->type_name);
}

static og_status take_touches(og_linter *l, og_vec *list, const og_lint_touch **out, uint32_t *n)
{
  og_lint_touch *copy = og_arena_calloc(l->cx, l->a, list->len + 1, sizeof *copy);
  if (!copy) return OG_ENOMEM;
  if (list->len) memcpy(copy, list->data, list->len * sizeof *copy);
  *out = copy;
  *n = (uint32_t)list->len;
  return og_sort(l->cx, copy, list->len, sizeof *copy, by_touch, NULL);
}

/* ---- what is returned */

static const char *kind_name(og_type t)
{
  switch (t.id) {
  case OG_TYPE_BOOL: return "bool";
  case OG_TYPE_I32:
  case OG_TYPE_U32: return "int";
  case OG_TYPE_I64:
  case OG_TYPE_U64: return "bigint";
  case OG_TYPE_F32:
  case OG_TYPE_F64: return "float";
  case OG_TYPE_DATE32: return "date";
  case OG_TYPE_DATE64: return "datetime";
  case OG_TYPE_LARGE_BINARY: return "blob";
  case OG_TYPE_FIXED_LIST: return "vector";
  case OG_TYPE_LIST: return "list";
  default: return "string";
  }
}

static og_status describe(og_linter *l, const og_checker *c, og_lint_query *out)
{
  og_lint_column *cols = og_arena_calloc(l->cx, l->a, (size_t)c->n_columns + 1, sizeof *cols);
  if (!cols) return OG_ENOMEM;
  for (uint32_t i = 0; i < c->n_columns; i++) {
    const og_plan_column *col = &c->columns[i];
    const og_expr *e = c->q->returns[i].expr;
    bool node = e->kind == OG_EXPR_VAR && og_check__param(c, e->var) < 0;
    cols[i] = (og_lint_column){.name = col->name, .nullable = col->nullable};
    cols[i].kind = node ? "object" : kind_name(col->type.type);
    if (col->type.type.id == OG_TYPE_LIST) cols[i].item_kind = kind_name(col->type.item);
    if (col->type.type.id == OG_TYPE_FIXED_LIST) cols[i].vector_dim = (uint32_t)col->type.type.size;
  }
  out->result = cols;
  out->n_result = c->n_columns;
  return OG_OK;
}

/* ---- one query */

static og_status note_update(og_linter *l, const og_mutation_stmt *s)
{
  if (s->kind != OG_STMT_UPDATE || s->type->is_edge) return OG_OK;
  bool **set = &l->set[s->type - l->catalog->nodes];
  if (!*set) *set = og_arena_calloc(l->cx, l->a, (size_t)s->type->n_properties + 1, sizeof **set);
  if (!*set) return OG_ENOMEM;
  for (uint32_t i = 0; i < s->n_assigns; i++) (*set)[s->assigns[i].field] = true;
  return OG_OK;
}

static og_status lint_mutation(og_linter *l, og_checker *c, og_vec *reads, og_vec *writes)
{
  og_mutation_plan plan = {0};
  OG_TRY(og_check__mutation(c, &plan));
  for (uint32_t i = 0; i < plan.n_stmts; i++) {
    OG_TRY(touch_stmt(l, &plan.stmts[i], reads, writes));
    OG_TRY(note_update(l, &plan.stmts[i]));
  }
  return OG_OK;
}

static og_status check_one(og_linter *l, const og_query *q, og_vec *reads, og_vec *writes, og_lint_query *out)
{
  og_checker c;
  OG_TRY(og_check__init(l->cx, l->a, l->catalog, l->file, q, &c));
  if (q->is_mutation) return lint_mutation(l, &c, reads, writes);
  OG_TRY(og_check__read(&c));
  OG_TRY(touch_block(l, reads, &c, c.block));
  return describe(l, &c, out);
}

static og_status warn_no_params(og_linter *l, og_lint_query *out)
{
  og_str *text = og_arena_zalloc(l->cx, l->a, sizeof *text);
  if (!text) return OG_ENOMEM;
  *text = OG_STR("mutation declares no params; hardcoded mutations are easy to miss");
  out->warnings = text;
  out->n_warnings = 1;
  return OG_OK;
}

/* A failed check is a finding; only want of memory is a failure. */
static og_status take_error(og_linter *l, og_status st, og_str *out)
{
  if (st == OG_ENOMEM) return st;
  OG_TRY(og_arena_str(l->cx, l->a, og_str_of(l->cx->err->text), out));
  og_error_clear(l->cx);
  return OG_OK;
}

static og_status lint_query(og_linter *l, const og_query *q, og_lint_query *out)
{
  og_vec reads = OG_VEC_INIT(og_lint_touch), writes = OG_VEC_INIT(og_lint_touch);
  *out = (og_lint_query){.name = q->name, .is_mutation = q->is_mutation, .ok = true};
  og_status st = check_one(l, q, &reads, &writes, out);
  if (st != OG_OK) {
    out->ok = false;
    st = take_error(l, st, &out->error);
  } else {
    st = take_touches(l, &reads, &out->reads, &out->n_reads);
    if (st == OG_OK) st = take_touches(l, &writes, &out->writes, &out->n_writes);
  }
  if (st == OG_OK && q->is_mutation && q->n_params == 0) st = warn_no_params(l, out);
  og_vec_cleanup(&reads);
  og_vec_cleanup(&writes);
  return st;
}

/* ---- the file */

static bool is_key(const og_type_def *t, uint32_t property)
{
  for (uint32_t i = 0; t->key_fields && i < t->key_fields->n; i++)
    if (t->key_fields->fields[i] == (int32_t)property) return true;
  return false;
}

/* L201.  Types and properties are in name order already, so the findings are. */
static og_status find_unset(og_linter *l, og_vec *findings)
{
  for (uint32_t t = 0; t < l->catalog->n_nodes; t++) {
    const og_type_def *type = &l->catalog->nodes[t];
    for (uint32_t i = 0; l->set[t] && i < type->n_properties; i++) {
      const og_property *p = &type->properties[i];
      if (!p->type.nullable || is_key(type, i) || p->embed_source.ptr || l->set[t][i]) continue;
      og_lint_finding *f = og_vec_push(l->cx, findings);
      if (!f) return OG_ENOMEM;
      *f = (og_lint_finding){.severity = OG_SEV_WARNING, .code = "L201", .type_name = type->name, .property = p->name};
      OG_TRY(og_arena_printf(l->cx, l->a, &f->message,
                             "nullable property '" OG_STR_FMT "." OG_STR_FMT "' is not set by any update in this file",
                             OG_STR_ARG(type->name), OG_STR_ARG(p->name)));
    }
  }
  return OG_OK;
}

static og_status lint_queries(og_linter *l, og_vec *findings, og_lint_report *out)
{
  og_lint_query *queries = og_arena_calloc(l->cx, l->a, (size_t)l->file->n_queries + 1, sizeof *queries);
  l->set = og_arena_calloc(l->cx, l->a, (size_t)l->catalog->n_nodes + 1, sizeof *l->set);
  if (!queries || !l->set) return OG_ENOMEM;
  for (uint32_t i = 0; i < l->file->n_queries; i++) {
    OG_TRY(lint_query(l, &l->file->queries[i], &queries[i]));
    out->errors += !queries[i].ok;
    out->warnings += queries[i].n_warnings;
  }
  out->queries = queries;
  out->n_queries = out->processed = l->file->n_queries;
  OG_TRY(find_unset(l, findings));
  out->warnings += (uint32_t)findings->len;
  return OG_OK;
}

static og_status not_parsed(og_linter *l, og_status st, og_vec *findings, og_lint_report *out)
{
  og_str message;
  OG_TRY(take_error(l, st, &message));
  og_lint_finding f = {.severity = OG_SEV_ERROR, .code = "Q000", .message = message};
  out->errors = 1;
  return og_vec_add(l->cx, findings, &f);
}

static og_status take_findings(og_linter *l, og_vec *findings, og_lint_report *out)
{
  og_lint_finding *copy = og_arena_calloc(l->cx, l->a, findings->len + 1, sizeof *copy);
  if (!copy) return OG_ENOMEM;
  if (findings->len) memcpy(copy, findings->data, findings->len * sizeof *copy);
  out->findings = copy;
  out->n_findings = (uint32_t)findings->len;
  out->ok = out->errors == 0;
  return OG_OK;
}

og_status og_query_lint(og_ctx *cx, og_arena *a, const og_catalog *catalog, og_str source, og_str source_name,
                        og_lint_report *out)
{
  og_query_file file;
  og_linter l = {.cx = cx, .a = a, .catalog = catalog, .file = &file};
  og_vec findings = OG_VEC_INIT(og_lint_finding);
  *out = (og_lint_report){0};
  og_status st = og_query_parse(cx, a, source, source_name, &file);
  st = st == OG_OK ? lint_queries(&l, &findings, out) : not_parsed(&l, st, &findings, out);
  if (st == OG_OK) st = take_findings(&l, &findings, out);
  og_vec_cleanup(&findings);
  return st;
}
