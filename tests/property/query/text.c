/* SPDX-License-Identifier: MIT */
/* text.c -- a query as `.gq`, its parameters as JSON, an answer for people. */
#include "model.h"

#include "og_test.h"

typedef struct writer {
  og_ctx *cx;
  og_buf *out;
  const m_case *c;
} writer;

static void put(const writer *w, const char *s)
{
  OG_CHECK_OK(w->cx, og_buf_append_str(w->cx, w->out, og_str_of(s)));
}

static void put_str(const writer *w, og_str s)
{
  OG_CHECK_OK(w->cx, og_buf_append_str(w->cx, w->out, s));
}

static void put_var(const writer *w, uint32_t var)
{
  put(w, "$");
  put_str(w, w->c->vars[var].name);
}

static void put_literal(const writer *w, const m_val *v)
{
  if (v->kind == M_LIST) {
    put(w, "[");
    for (uint32_t i = 0; i < v->n_items; i++) {
      if (i) put(w, ", ");
      put_literal(w, &v->items[i]);
    }
    put(w, "]");
    return;
  }
  bool dated = v->kind == M_DATE || v->kind == M_TIME;
  if (dated) put(w, v->kind == M_DATE ? "date(" : "datetime(");
  m_print_val(w->cx, w->out, v);
  if (dated) put(w, ")");
}

static const m_prop *prop_of(const writer *w, const m_expr *e)
{
  return &w->c->graph->types[w->c->vars[e->var].type].props[e->prop];
}

static void put_expr(const writer *w, const m_expr *e);

/* An operand: in brackets when it is more than a name or a call. */
static void put_arg(const writer *w, const m_expr *e)
{
  bool bare = e->kind <= MX_ID || e->kind == MX_LENGTH || e->kind == MX_COALESCE || e->kind == MX_IF ||
              e->kind == MX_HOPS || e->kind == MX_COLUMN;
  if (!bare) put(w, "(");
  put_expr(w, e);
  if (!bare) put(w, ")");
}

static void put_args(const writer *w, const m_expr *e, uint32_t from, const char *between)
{
  for (uint32_t i = from; i < e->n_args; i++) {
    if (i > from) put(w, between);
    put_arg(w, e->args[i]);
  }
}

static void put_leaf(const writer *w, const m_expr *e)
{
  switch (e->kind) {
  case MX_LITERAL: put_literal(w, &e->value); return;
  case MX_NOW: put(w, "now()"); return;
  case MX_PARAM:
    put(w, "$");
    put_str(w, w->c->params[e->param].name);
    return;
  case MX_PROP:
    put_var(w, e->var);
    put(w, ".");
    put_str(w, prop_of(w, e)->name);
    return;
  case MX_COLUMN: put_str(w, w->c->columns[e->column].alias); return;
  case MX_HOPS:
    put(w, "hops(");
    put_var(w, e->var);
    put(w, ")");
    return;
  default: put_var(w, e->var); return;
  }
}

static void put_call(const writer *w, const m_expr *e)
{
  put(w, e->kind == MX_LENGTH ? "length(" : e->kind == MX_COALESCE ? "coalesce(" : e->kind == MX_IF ? "if(" : "not (");
  for (uint32_t i = 0; i < e->n_args; i++) {
    if (i) put(w, ", ");
    put_expr(w, e->args[i]);
  }
  put(w, ")");
}

static void put_expr(const writer *w, const m_expr *e)
{
  static const char *const ops[] = {" = ", " != ", " < ", " <= ", " > ", " >= "};
  const char sign[] = {' ', e->sign, ' ', 0};
  switch (e->kind) {
  case MX_COMPARE: put_args(w, e, 0, ops[e->op]); return;
  case MX_CONTAINS: put_args(w, e, 0, " contains "); return;
  case MX_STARTS_WITH: put_args(w, e, 0, " starts_with "); return;
  case MX_ENDS_WITH: put_args(w, e, 0, " ends_with "); return;
  case MX_AND: put_args(w, e, 0, " and "); return;
  case MX_OR: put_args(w, e, 0, " or "); return;
  case MX_ARITH: put_args(w, e, 0, sign); return;
  case MX_IS_NULL:
    put_arg(w, e->args[0]);
    put(w, e->negated ? " is not null" : " is null");
    return;
  case MX_IN:
    put_arg(w, e->args[0]);
    put(w, e->negated ? " not in [" : " in [");
    put_args(w, e, 1, ", ");
    put(w, "]");
    return;
  case MX_NOT:
  case MX_LENGTH:
  case MX_COALESCE:
  case MX_IF: put_call(w, e); return;
  default: put_leaf(w, e); return;
  }
}

static void put_bind(const writer *w, const m_clause *c)
{
  put_var(w, c->var);
  put(w, ": ");
  put_str(w, w->c->graph->types[w->c->vars[c->var].type].name);
  for (uint32_t i = 0; i < c->n_inline; i++) {
    put(w, i ? ", " : " { ");
    put_str(w, prop_of(w, c->inlines[i]->args[0])->name);
    put(w, ": ");
    put_expr(w, c->inlines[i]->args[1]);
  }
  if (c->n_inline) put(w, " }");
}

static void put_walk(const writer *w, const m_clause *c)
{
  put_var(w, c->left);
  put(w, " ");
  if (c->edge_var != M_NO_VAR) {
    put_var(w, c->edge_var);
    put(w, ":");
  }
  if (c->undirected) put(w, "<");
  put_str(w, w->c->graph->types[c->type].word);
  if (c->undirected) put(w, ">");
  if (c->max == M_NO_VAR)
    OG_CHECK_OK(w->cx, og_buf_printf(w->cx, w->out, "{%u,*}", c->min));
  else if (c->min != 1 || c->max != 1)
    OG_CHECK_OK(w->cx, og_buf_printf(w->cx, w->out, "{%u,%u}", c->min, c->max));
  put(w, " ");
  put_var(w, c->right);
  if (c->path_var == M_NO_VAR) return;
  put(w, " path ");
  put_var(w, c->path_var);
}

static void put_block(const writer *w, const m_block *b, unsigned depth)
{
  for (uint32_t i = 0; i < b->n_clauses; i++) {
    const m_clause *c = &b->clauses[i];
    if (c->off) continue;
    for (unsigned d = 0; d < depth; d++) put(w, "  ");
    switch (c->kind) {
    case M_BIND: put_bind(w, c); break;
    case M_WALK: put_walk(w, c); break;
    case M_FILTER: put_expr(w, c->expr); break;
    case M_OPTIONAL:
    case M_NOT:
      put(w, c->kind == M_NOT ? "not {\n" : "optional {\n");
      put_block(w, c->inner, depth + 1);
      for (unsigned d = 0; d < depth; d++) put(w, "  ");
      put(w, "}");
      break;
    }
    put(w, "\n");
  }
}

static void put_returns(const writer *w)
{
  static const char *const aggs[] = {"count(", "sum(", "avg(", "min(", "max(", ""};
  bool first = true;
  put(w, w->c->distinct ? "  } return distinct { " : "  } return { ");
  for (uint32_t i = 0; i < w->c->n_columns; i++) {
    const m_column *col = &w->c->columns[i];
    if (col->off) continue;
    put(w, first ? "" : ", ");
    first = false;
    put(w, aggs[col->agg]);
    if (col->distinct) put(w, "distinct ");
    put_expr(w, col->expr);
    if (col->agg != M_PLAIN) put(w, ")");
    if (col->alias.len) put(w, " as ");
    put_str(w, col->alias);
  }
  put(w, " }");
}

static void put_order(const writer *w)
{
  bool first = true;
  for (uint32_t i = 0; i < w->c->n_order; i++) {
    const m_ordering *o = &w->c->order[i];
    if (o->off) continue;
    put(w, first ? " order { " : ", ");
    first = false;
    if (o->column == M_NO_VAR)
      put_expr(w, o->expr);
    else if (w->c->columns[o->column].alias.len)
      put_str(w, w->c->columns[o->column].alias);
    else
      put_expr(w, w->c->columns[o->column].expr);
    if (o->desc) put(w, " desc");
  }
  if (!first) put(w, " }");
}

void m_write_query(og_ctx *cx, const m_case *c, og_buf *out)
{
  writer w = {cx, out, c};
  put(&w, "query q(");
  for (uint32_t i = 0; i < c->n_params; i++) {
    const m_param *p = &c->params[i];
    put(&w, i ? ", $" : "$");
    put_str(&w, p->name);
    put(&w, ": ");
    put(&w, m_kind_name(p->kind));
    if (p->nullable) put(&w, "?");
  }
  put(&w, ") {\n  match {\n");
  put_block(&w, &c->block, 2);
  put_returns(&w);
  if (c->having) {
    put(&w, " having { ");
    put_expr(&w, c->having);
    put(&w, " }");
  }
  put_order(&w);
  if (c->has_limit) OG_CHECK_OK(cx, og_buf_printf(cx, out, " limit %u", c->limit));
  if (c->has_offset) OG_CHECK_OK(cx, og_buf_printf(cx, out, " offset %u", c->offset));
  put(&w, "\n}\n");
}

void m_write_params(og_ctx *cx, const m_case *c, og_buf *out)
{
  writer w = {cx, out, c};
  put(&w, "{");
  for (uint32_t i = 0; i < c->n_params; i++) {
    put(&w, i ? ", \"" : "\"");
    put_str(&w, c->params[i].name);
    put(&w, "\": ");
    m_print_val(cx, out, &c->params[i].value);
  }
  put(&w, "}");
}

void m_print_answer(og_ctx *cx, og_buf *out, const m_answer *a)
{
  for (uint32_t i = 0; i < a->n_columns; i++)
    OG_CHECK_OK(cx, og_buf_printf(cx, out, "%s" OG_STR_FMT, i ? " | " : "", OG_STR_ARG(a->names[i])));
  for (size_t r = 0; r < a->n_rows && r < 30; r++) {
    for (uint32_t i = 0; i < a->n_columns; i++) {
      OG_CHECK_OK(cx, og_buf_printf(cx, out, "%s", i ? " | " : "\n"));
      m_print_val(cx, out, &a->cells[r * a->n_columns + i]);
    }
  }
  OG_CHECK_OK(cx, og_buf_printf(cx, out, "\n(%zu rows)\n", a->n_rows));
}
