/* SPDX-License-Identifier: MIT */
/* query/print.c -- plans as text, one op per line, inner ops indented. */
#include "base/civil.h"
#include "base/num.h"
#include "query/plan.h"

typedef struct printer {
  og_ctx *cx;
  og_buf *out;
  const og_slot *slots;
  const og_param_decl *params;
  const og_pexpr *const *keys; /* of groups */
  uint32_t n_keys;
  const og_plan_agg *aggs;
  const og_type_def *target; /* of a mutation: whose row a statement looks at */
} printer;

static const char *const cmp_texts[] = {"=", "!=", "<", "<=", ">", ">="};

/* ---- expressions */

static og_status print_text(printer *p, og_str s)
{
  return og_buf_append_str(p->cx, p->out, s);
}

static og_status print_f64(printer *p, double f)
{
  char text[OG_F64_TEXT_MAX];
  return og_buf_append(p->cx, p->out, text, og_f64_format(f, text));
}

static og_status print_list(printer *p, const og_scalar *s);

static og_status print_scalar(printer *p, const og_scalar *s)
{
  char text[OG_DATETIME_TEXT_MAX];
  if (s->is_null) return print_text(p, OG_STR("null"));
  switch (s->type.id) {
  case OG_TYPE_BOOL: return print_text(p, s->v.b ? OG_STR("true") : OG_STR("false"));
  case OG_TYPE_UTF8: return og_buf_printf(p->cx, p->out, "\"" OG_STR_FMT "\"", OG_STR_ARG(s->v.s));
  case OG_TYPE_F32:
  case OG_TYPE_F64: return print_f64(p, s->v.f);
  case OG_TYPE_U32:
  case OG_TYPE_U64: return og_buf_append_u64(p->cx, p->out, s->v.u);
  case OG_TYPE_DATE32: return og_buf_append(p->cx, p->out, text, og_date_format((int32_t)s->v.i, text));
  case OG_TYPE_DATE64: return og_buf_append(p->cx, p->out, text, og_datetime_format(s->v.i, text));
  case OG_TYPE_LIST:
  case OG_TYPE_FIXED_LIST: return print_list(p, s);
  default: return og_buf_append_i64(p->cx, p->out, s->v.i);
  }
}

static og_status print_list(printer *p, const og_scalar *s)
{
  OG_TRY(og_buf_append_byte(p->cx, p->out, '['));
  for (int64_t i = 0; i < s->v.list->len; i++) {
    og_scalar item = og_scalar_at(s->v.list, i);
    if (i) OG_TRY(print_text(p, OG_STR(", ")));
    OG_TRY(print_scalar(p, &item));
  }
  return og_buf_append_byte(p->cx, p->out, ']');
}

static og_str field_name(const og_type_def *t, int32_t field)
{
  if (field >= 0) return t->properties[field].name;
  return field == OG_FIELD_ID ? OG_STR("id") : field == OG_FIELD_SRC ? OG_STR("src") : OG_STR("dst");
}

static og_status print_slot(printer *p, uint32_t slot)
{
  return og_buf_printf(p->cx, p->out, "$" OG_STR_FMT "#%u", OG_STR_ARG(p->slots[slot].name), slot);
}

static og_status print_px(printer *p, const og_pexpr *px);

static const char *node_name(const og_pexpr *px)
{
  static const char *const texts[] = {"search", "phrase", "fuzzy"};
  switch (px->kind) {
  case OG_PX_CALL: return og_fn_describe(px->fn)->text;
  case OG_PX_NOT: return "not ";
  case OG_PX_TEXT: return texts[px->text];
  case OG_PX_BM25: return "bm25";
  case OG_PX_NEAREST: return "nearest";
  case OG_PX_NEAR_SET: return "ranks by ";
  default: return "";
  }
}

/* name(a, b); signs and words between operands: (a + b). */
static og_status print_node_px(printer *p, const og_pexpr *px)
{
  const char *name = node_name(px);
  bool sign = px->kind == OG_PX_CALL && px->fn < OG_FN_ABS && px->n_args == 2;
  const char *between = px->kind == OG_PX_AND ? "and" : px->kind == OG_PX_OR ? "or" : sign ? name : NULL;
  if (!between) OG_TRY(print_text(p, og_str_of(name)));
  OG_TRY(print_text(p, OG_STR("(")));
  for (uint32_t i = 0; i < px->n_args; i++) {
    if (i) OG_TRY(between ? og_buf_printf(p->cx, p->out, " %s ", between) : print_text(p, OG_STR(", ")));
    OG_TRY(print_px(p, px->args[i]));
  }
  return print_text(p, OG_STR(")"));
}

static og_str mutation_field(const og_type_def *t, int32_t field)
{
  if (field >= 0) return t->properties[field].name;
  return field == OG_FIELD_SRC ? OG_STR("from") : OG_STR("to");
}

static og_status print_slot_leaf(printer *p, const og_pexpr *px)
{
  if (p->target) return print_text(p, mutation_field(p->target, px->field));
  static const char *const parts[] = {"hops", "nodes", "edges"};
  if (px->kind == OG_PX_FIELD) {
    OG_TRY(print_slot(p, px->slot));
    return og_buf_printf(p->cx, p->out, "." OG_STR_FMT, OG_STR_ARG(field_name(p->slots[px->slot].type, px->field)));
  }
  OG_TRY(og_buf_printf(p->cx, p->out, "%s(", px->kind == OG_PX_TYPE ? "type" : parts[px->part]));
  OG_TRY(print_slot(p, px->slot));
  return print_text(p, OG_STR(")"));
}

static og_status print_agg(printer *p, const og_plan_agg *agg)
{
  OG_TRY(og_buf_printf(p->cx, p->out, "%s(%s", og_agg_text(agg->agg), agg->distinct ? "distinct " : ""));
  OG_TRY(print_px(p, agg->expr));
  return print_text(p, OG_STR(")"));
}

static og_status print_group(printer *p, uint32_t group)
{
  /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) -- mutations have no groups, and no expressions over any */
  return group < p->n_keys ? print_px(p, p->keys[group]) : print_agg(p, &p->aggs[group - p->n_keys]);
}

static og_status print_predicate(printer *p, const og_pexpr *px)
{
  static const char *const words[] = {[OG_PX_MEMBER] = "has",
                                      [OG_PX_SUBSTRING] = "contains",
                                      [OG_PX_STARTS_WITH] = "starts_with",
                                      [OG_PX_ENDS_WITH] = "ends_with"};
  OG_TRY(print_px(p, px->args[0]));
  if (px->kind == OG_PX_IS_NULL) return print_text(p, OG_STR(" is null"));
  OG_TRY(og_buf_printf(p->cx, p->out, " %s ", px->kind == OG_PX_CMP ? cmp_texts[px->cmp] : words[px->kind]));
  return print_px(p, px->args[1]);
}

static og_status print_px(printer *p, const og_pexpr *px)
{
  switch (px->kind) {
  case OG_PX_FIELD:
  case OG_PX_TYPE:
  case OG_PX_PATH: return print_slot_leaf(p, px);
  case OG_PX_GROUP: return print_group(p, px->group);
  case OG_PX_LITERAL: return print_scalar(p, &px->literal);
  case OG_PX_PARAM: return og_buf_printf(p->cx, p->out, "param " OG_STR_FMT, OG_STR_ARG(p->params[px->param].name));
  case OG_PX_NOW: return print_text(p, OG_STR("now()"));
  case OG_PX_CMP:
  case OG_PX_MEMBER:
  case OG_PX_SUBSTRING:
  case OG_PX_STARTS_WITH:
  case OG_PX_ENDS_WITH:
  case OG_PX_IS_NULL: return print_predicate(p, px);
  case OG_PX_NOT:
  case OG_PX_AND:
  case OG_PX_OR:
  case OG_PX_CALL:
  case OG_PX_TEXT:
  case OG_PX_BM25:
  case OG_PX_NEAREST:
  case OG_PX_NEAR_SET: break;
  }
  return print_node_px(p, px);
}

/* ---- ops */

static og_status print_filters(printer *p, const og_plan_op *op)
{
  for (uint32_t i = 0; i < op->n_filters; i++) {
    OG_TRY(print_text(p, i ? OG_STR(" and ") : OG_STR(" where ")));
    OG_TRY(print_px(p, op->filters[i]));
  }
  return OG_OK;
}

static og_status print_node(printer *p, const char *word, const og_plan_op *op)
{
  OG_TRY(og_buf_printf(p->cx, p->out, "%s ", word));
  OG_TRY(print_slot(p, op->slot));
  OG_TRY(og_buf_printf(p->cx, p->out, ": " OG_STR_FMT, OG_STR_ARG(p->slots[op->slot].type->name)));
  for (uint32_t i = 0; i < op->n_keys; i++) {
    OG_TRY(print_text(p, i ? OG_STR(" and ") : OG_STR(" on ")));
    OG_TRY(print_px(p, op->left_keys[i]));
    OG_TRY(print_text(p, OG_STR(" = ")));
    OG_TRY(print_px(p, op->right_keys[i]));
  }
  return print_filters(p, op);
}

static og_status print_hop(printer *p, const char *word, const og_plan_op *op)
{
  static const char *const before[] = {" -", " <-", " -"}, *const after[] = {"-> ", "- ", "- "};
  OG_TRY(og_buf_printf(p->cx, p->out, "%s ", word));
  OG_TRY(print_slot(p, op->src));
  OG_TRY(og_buf_printf(p->cx, p->out, "%s", before[op->dir]));
  if (op->edge_slot != OG_NO_SLOT) {
    OG_TRY(print_slot(p, op->edge_slot));
    OG_TRY(print_text(p, OG_STR(":")));
  }
  OG_TRY(print_text(p, op->edge->name));
  if (op->max == OG_HOPS_UNBOUNDED)
    OG_TRY(og_buf_printf(p->cx, p->out, "{%u,*}", op->min));
  else if (op->min != 1 || op->max != 1)
    OG_TRY(og_buf_printf(p->cx, p->out, "{%u,%u}", op->min, op->max));
  OG_TRY(og_buf_printf(p->cx, p->out, "%s", after[op->dir]));
  OG_TRY(print_slot(p, op->dst));
  if (op->kind == OG_PLAN_EXPAND)
    OG_TRY(og_buf_printf(p->cx, p->out, ": " OG_STR_FMT, OG_STR_ARG(p->slots[op->dst].type->name)));
  if (op->path_slot != OG_NO_SLOT) {
    OG_TRY(print_text(p, op->path_hops_only ? OG_STR(" hops ") : OG_STR(" path ")));
    OG_TRY(print_slot(p, op->path_slot));
  }
  return print_filters(p, op);
}

static og_status print_op(printer *p, const og_plan_op *op)
{
  switch (op->kind) {
  case OG_PLAN_SCAN: return print_node(p, "scan", op);
  case OG_PLAN_CROSS: return print_node(p, "cross", op);
  case OG_PLAN_HASH_JOIN: return print_node(p, "join", op);
  case OG_PLAN_EXPAND: return print_hop(p, "expand", op);
  case OG_PLAN_CLOSE: return print_hop(p, "close", op);
  case OG_PLAN_FILTER: OG_TRY(print_text(p, OG_STR("filter"))); return print_filters(p, op);
  case OG_PLAN_ANTI:
  case OG_PLAN_OPTIONAL: break;
  }
  return print_text(p, op->kind == OG_PLAN_ANTI ? OG_STR("anti") : OG_STR("optional"));
}

static og_status print_ops(printer *p, const og_plan_op *ops, uint32_t n, unsigned depth)
{
  for (uint32_t i = 0; i < n; i++) {
    for (unsigned d = 0; d < depth; d++) OG_TRY(print_text(p, OG_STR("  ")));
    OG_TRY(print_op(p, &ops[i]));
    OG_TRY(og_buf_append_byte(p->cx, p->out, '\n'));
    OG_TRY(print_ops(p, ops[i].inner, ops[i].n_inner, depth + 1));
  }
  return OG_OK;
}

/* ---- what follows the pipeline */

static og_status print_columns(printer *p, const og_plan *plan)
{
  for (uint32_t i = 0; i < plan->n_columns; i++) {
    const og_plan_column *col = &plan->columns[i];
    OG_TRY(og_buf_printf(p->cx, p->out, "%s" OG_STR_FMT ": %s%s = ",
                         i                 ? ", "
                         : plan->aggregate ? "group "
                                           : "return ",
                         OG_STR_ARG(col->name), og_type_name(col->type.type), col->nullable ? "?" : ""));
    OG_TRY(print_px(p, col->expr));
  }
  OG_TRY(og_buf_append_byte(p->cx, p->out, '\n'));
  for (uint32_t i = 0; i < plan->n_having; i++) {
    OG_TRY(print_text(p, i ? OG_STR(" and ") : OG_STR("having ")));
    OG_TRY(print_px(p, plan->having[i]));
  }
  return plan->n_having ? og_buf_append_byte(p->cx, p->out, '\n') : OG_OK;
}

static og_status print_order(printer *p, const og_plan *plan)
{
  for (unsigned i = 0; plan->rrf && i < 2; i++) {
    OG_TRY(print_text(p, i ? OG_STR(", ") : OG_STR("order rrf(")));
    OG_TRY(print_px(p, plan->rrf->arms[i].score));
  }
  if (plan->rrf) OG_TRY(print_text(p, OG_STR(")\n")));
  for (uint32_t i = 0; i < plan->n_order; i++) {
    const og_plan_order *o = &plan->order[i];
    OG_TRY(print_text(p, i ? OG_STR(", ") : OG_STR("order ")));
    OG_TRY(o->expr ? print_px(p, o->expr) : print_text(p, plan->columns[o->column].name));
    if (o->desc) OG_TRY(print_text(p, OG_STR(" desc")));
  }
  if (plan->n_order) OG_TRY(og_buf_append_byte(p->cx, p->out, '\n'));
  for (uint32_t i = 0; i < plan->n_ties; i++) {
    OG_TRY(print_text(p, i ? OG_STR(", ") : OG_STR("ties ")));
    OG_TRY(print_slot(p, plan->ties[i]));
  }
  return plan->n_ties ? og_buf_append_byte(p->cx, p->out, '\n') : OG_OK;
}

static og_status print_count(printer *p, const char *word, const og_plan_count *c)
{
  if (!c->has) return OG_OK;
  OG_TRY(og_buf_printf(p->cx, p->out, "%s ", word));
  if (c->is_param)
    OG_TRY(og_buf_printf(p->cx, p->out, "param " OG_STR_FMT, OG_STR_ARG(p->params[c->param].name)));
  else
    OG_TRY(og_buf_append_u64(p->cx, p->out, c->n));
  return og_buf_append_byte(p->cx, p->out, '\n');
}

static printer printer_of(og_ctx *cx, const og_plan *plan, og_buf *out)
{
  return (printer){.cx = cx,
                   .out = out,
                   .slots = plan->slots,
                   .params = plan->params,
                   .keys = plan->keys,
                   .n_keys = plan->n_keys,
                   .aggs = plan->aggs};
}

og_status og_plan_print_px(og_ctx *cx, const og_plan *plan, const og_pexpr *px, og_buf *out)
{
  printer p = printer_of(cx, plan, out);
  return print_px(&p, px);
}

og_status og_plan_print_op(og_ctx *cx, const og_plan *plan, const og_plan_op *op, og_buf *out)
{
  printer p = printer_of(cx, plan, out);
  return print_op(&p, op);
}

og_status og_plan_print(og_ctx *cx, const og_plan *plan, og_buf *out)
{
  printer p = printer_of(cx, plan, out);
  OG_TRY(print_ops(&p, plan->ops, plan->n_ops, 0));
  OG_TRY(print_columns(&p, plan));
  OG_TRY(print_order(&p, plan));
  OG_TRY(print_count(&p, "offset", &plan->offset));
  return print_count(&p, "limit", &plan->limit);
}

/* ---- mutations */

og_status og_mutation_plan_print(og_ctx *cx, const og_mutation_plan *plan, og_buf *out)
{
  static const char *const verbs[] = {"insert", "update", "delete"};
  printer p = {.cx = cx, .out = out, .params = plan->params};
  for (uint32_t i = 0; i < plan->n_stmts; i++) {
    const og_mutation_stmt *s = &plan->stmts[i];
    p.target = s->type;
    OG_TRY(og_buf_printf(cx, out, "%s " OG_STR_FMT, verbs[s->kind], OG_STR_ARG(s->type->key)));
    for (uint32_t k = 0; k < s->n_assigns; k++) {
      OG_TRY(og_buf_printf(cx, out, "%s" OG_STR_FMT " = ", k ? ", " : " set ",
                           OG_STR_ARG(mutation_field(s->type, s->assigns[k].field))));
      OG_TRY(print_px(&p, s->assigns[k].value));
    }
    if (s->where) {
      OG_TRY(print_text(&p, OG_STR(" where ")));
      OG_TRY(print_px(&p, s->where));
    }
    OG_TRY(og_buf_append_byte(cx, out, '\n'));
  }
  return OG_OK;
}
