/* SPDX-License-Identifier: MIT */
/* query/explain.c -- see explain.h.
 *
 * In the tree a step stands above the one whose rows it takes, so that reading from the bottom up is the way of the
 * rows; an inner pipeline hangs below the operator that runs it for each row.
 */
#include "query/explain.h"

#include <inttypes.h>

/* ---- numbering */

static uint32_t count(const og_plan_op *ops, uint32_t n)
{
  uint32_t all = n;
  for (uint32_t i = 0; i < n; i++) all += count(ops[i].inner, ops[i].n_inner);
  return all;
}

uint32_t og_plan_count_ops(const og_plan *plan)
{
  return count(plan->ops, plan->n_ops);
}

static bool find(const og_plan_op *ops, uint32_t n, const og_plan_op *op, uint32_t *index)
{
  for (uint32_t i = 0; i < n; i++, ++*index) {
    if (&ops[i] == op) return true;
    ++*index;
    if (find(ops[i].inner, ops[i].n_inner, op, index)) return true;
    --*index;
  }
  return false;
}

uint32_t og_plan_op_index(const og_plan *plan, const og_plan_op *op)
{
  uint32_t index = 0;
  return find(plan->ops, plan->n_ops, op, &index) ? index : UINT32_MAX;
}

/* ---- the tree */

typedef struct tree {
  og_ctx *cx;
  const og_plan *plan;
  const og_plan_costs *costs;
  og_buf *out;
  og_buf line;
} tree;

#define COST_COLUMN 60u /* where costs begin on short lines */

static og_status put_ns(tree *t, uint64_t ns)
{
  uint64_t us = ns / 1000;
  return og_buf_printf(t->cx, &t->line, "%" PRIu64 ".%03" PRIu64 " ms", us / 1000, us % 1000);
}

static og_status put_bytes(tree *t, uint64_t bytes)
{
  if (bytes < 10240) return og_buf_printf(t->cx, &t->line, "%" PRIu64 " B", bytes);
  if (bytes < 10ull << 20) return og_buf_printf(t->cx, &t->line, "%" PRIu64 " KiB", bytes >> 10);
  return og_buf_printf(t->cx, &t->line, "%" PRIu64 " MiB", bytes >> 20);
}

static og_status put_cost(tree *t, const og_plan_cost *c)
{
  while (t->line.len < COST_COLUMN) OG_TRY(og_buf_append_byte(t->cx, &t->line, ' '));
  if (!c->ran) return OG_OK;
  OG_TRY(og_buf_printf(t->cx, &t->line, "  rows %" PRIu64 "  ", c->rows));
  OG_TRY(put_ns(t, c->ns));
  OG_TRY(og_buf_append_str(t->cx, &t->line, OG_STR("  read ")));
  OG_TRY(put_bytes(t, c->bytes));
  OG_TRY(og_buf_append_str(t->cx, &t->line, OG_STR("  memory ")));
  return put_bytes(t, c->memory);
}

static og_status end_line(tree *t, const og_plan_cost *cost)
{
  if (cost && cost->ran) OG_TRY(put_cost(t, cost));
  OG_TRY(og_buf_append_byte(t->cx, &t->line, '\n'));
  og_status st = og_buf_append_str(t->cx, t->out, og_buf_str(&t->line));
  og_buf_clear(&t->line);
  return st;
}

static og_status begin_line(tree *t, unsigned depth)
{
  for (unsigned i = 0; i < depth; i++) OG_TRY(og_buf_append_str(t->cx, &t->line, OG_STR("  ")));
  return OG_OK;
}

static const og_plan_cost *step_cost(const tree *t, og_plan_step step)
{
  return t->costs ? &t->costs->steps[step] : NULL;
}

/* The last op first; *index is that of the first one. */
static og_status put_ops(tree *t, const og_plan_op *ops, uint32_t n, uint32_t index, unsigned depth)
{
  if (n == 0) return OG_OK;
  const og_plan_op *last = &ops[n - 1];
  uint32_t at = index + count(ops, n - 1);
  OG_TRY(begin_line(t, depth));
  OG_TRY(og_plan_print_op(t->cx, t->plan, last, &t->line));
  OG_TRY(end_line(t, t->costs ? &t->costs->ops[at] : NULL));
  if (last->n_inner) {
    OG_TRY(begin_line(t, depth + 1));
    OG_TRY(og_buf_append_str(t->cx, &t->line, OG_STR("for each row:")));
    OG_TRY(end_line(t, NULL));
    OG_TRY(put_ops(t, last->inner, last->n_inner, at + 1, depth + 2));
  }
  return put_ops(t, ops, n - 1, index, depth + 1);
}

static og_status put_window(tree *t, const og_plan_count *c, const char *word, unsigned *depth)
{
  if (!c->has) return OG_OK;
  OG_TRY(begin_line(t, (*depth)++));
  OG_TRY(og_buf_printf(t->cx, &t->line, "%s ", word));
  if (c->is_param)
    OG_TRY(og_buf_printf(t->cx, &t->line, "$" OG_STR_FMT, OG_STR_ARG(t->plan->params[c->param].name)));
  else
    OG_TRY(og_buf_append_u64(t->cx, &t->line, c->n));
  return end_line(t, NULL);
}

static og_status put_order(tree *t, unsigned *depth)
{
  const og_plan *plan = t->plan;
  if (plan->n_order == 0) return OG_OK;
  OG_TRY(begin_line(t, (*depth)++));
  for (uint32_t i = 0; i < plan->n_order; i++) {
    const og_plan_order *o = &plan->order[i];
    OG_TRY(og_buf_append_str(t->cx, &t->line, i ? OG_STR(", ") : OG_STR("order by ")));
    OG_TRY(o->expr ? og_plan_print_px(t->cx, plan, o->expr, &t->line)
                   : og_buf_append_str(t->cx, &t->line, plan->columns[o->column].name));
    if (o->desc) OG_TRY(og_buf_append_str(t->cx, &t->line, OG_STR(" desc")));
  }
  return end_line(t, NULL);
}

static og_status put_columns(tree *t, unsigned *depth)
{
  OG_TRY(begin_line(t, (*depth)++));
  for (uint32_t i = 0; i < t->plan->n_columns; i++) {
    const og_plan_column *c = &t->plan->columns[i];
    OG_TRY(og_buf_printf(t->cx, &t->line, "%s" OG_STR_FMT " = ", i ? ", " : "return ", OG_STR_ARG(c->name)));
    OG_TRY(og_plan_print_px(t->cx, t->plan, c->expr, &t->line));
  }
  return end_line(t, step_cost(t, OG_STEP_ANSWER));
}

static og_status put_group(tree *t, unsigned *depth)
{
  const og_plan *plan = t->plan;
  if (!plan->aggregate) return OG_OK;
  for (uint32_t i = 0; i < plan->n_having; i++) {
    if (i == 0) OG_TRY(begin_line(t, (*depth)++));
    OG_TRY(og_buf_append_str(t->cx, &t->line, i ? OG_STR(" and ") : OG_STR("having ")));
    OG_TRY(og_plan_print_px(t->cx, plan, plan->having[i], &t->line));
    if (i + 1 == plan->n_having) OG_TRY(end_line(t, NULL));
  }
  OG_TRY(begin_line(t, (*depth)++));
  OG_TRY(og_buf_append_str(t->cx, &t->line, plan->n_keys ? OG_STR("group by ") : OG_STR("group all")));
  for (uint32_t i = 0; i < plan->n_keys; i++) {
    if (i) OG_TRY(og_buf_append_str(t->cx, &t->line, OG_STR(", ")));
    OG_TRY(og_plan_print_px(t->cx, plan, plan->keys[i], &t->line));
  }
  return end_line(t, step_cost(t, OG_STEP_GROUP));
}

static og_status put_total(tree *t)
{
  OG_TRY(og_buf_printf(t->cx, &t->line, "%" PRIu64 " rows in ", t->costs->rows));
  OG_TRY(put_ns(t, t->costs->ns));
  OG_TRY(og_buf_append_str(t->cx, &t->line, OG_STR(", at most ")));
  OG_TRY(put_bytes(t, t->costs->memory));
  OG_TRY(og_buf_printf(t->cx, &t->line, "; matched %s", t->costs->method));
  return end_line(t, NULL);
}

static og_status put_tree(tree *t)
{
  unsigned depth = 0;
  const og_plan *plan = t->plan;
  OG_TRY(put_window(t, &plan->limit, "limit", &depth));
  OG_TRY(put_window(t, &plan->offset, "offset", &depth));
  OG_TRY(put_order(t, &depth));
  OG_TRY(put_columns(t, &depth));
  OG_TRY(put_group(t, &depth));
  if (t->costs && t->costs->steps[OG_STEP_MATCH].ran) {
    OG_TRY(begin_line(t, depth++));
    OG_TRY(og_buf_append_str(t->cx, &t->line, OG_STR("match")));
    OG_TRY(end_line(t, step_cost(t, OG_STEP_MATCH)));
  }
  OG_TRY(put_ops(t, plan->ops, plan->n_ops, 0, depth));
  if (!t->costs) return OG_OK;
  OG_TRY(og_buf_append_str(t->cx, &t->line, OG_STR("open tables")));
  OG_TRY(end_line(t, step_cost(t, OG_STEP_OPEN)));
  return put_total(t);
}

og_status og_plan_explain_text(og_ctx *cx, const og_plan *plan, const og_plan_costs *costs, og_buf *out)
{
  tree t = {cx, plan, costs, out, {0}};
  og_status st = put_tree(&t);
  og_buf_cleanup(&t.line);
  return st;
}

/* ---- JSON */

typedef struct json {
  og_ctx *cx;
  const og_plan *plan;
  const og_plan_costs *costs;
  og_json_writer *w;
} json;

static og_status kv_px(const json *j, const char *key, const og_pexpr *px)
{
  OG_AUTO(og_buf) text = {0};
  OG_TRY(og_plan_print_px(j->cx, j->plan, px, &text));
  return key ? og_json_kv_str(j->cx, j->w, key, og_buf_str(&text)) : og_json_str(j->cx, j->w, og_buf_str(&text));
}

static og_status kv_px_list(const json *j, const char *key, const og_pexpr *const *list, uint32_t n)
{
  if (n == 0) return OG_OK;
  OG_TRY(og_json_key(j->cx, j->w, og_str_of(key)));
  OG_TRY(og_json_begin_array(j->cx, j->w));
  for (uint32_t i = 0; i < n; i++) OG_TRY(kv_px(j, NULL, list[i]));
  return og_json_end_array(j->cx, j->w);
}

static og_status kv_slot(const json *j, const char *key, uint32_t slot)
{
  if (slot == OG_NO_SLOT) return OG_OK;
  return og_json_kv_str(j->cx, j->w, key, j->plan->slots[slot].name);
}

static og_status put_cost_members(const json *j, const og_plan_cost *c)
{
  OG_TRY(og_json_kv_u64(j->cx, j->w, "rows", c->rows));
  OG_TRY(og_json_kv_u64(j->cx, j->w, "ns", c->ns));
  OG_TRY(og_json_kv_u64(j->cx, j->w, "bytes", c->bytes));
  return og_json_kv_u64(j->cx, j->w, "memory", c->memory);
}

static og_status put_node_members(const json *j, const og_plan_op *op)
{
  const og_slot *slot = &j->plan->slots[op->slot];
  OG_TRY(kv_slot(j, "variable", op->slot));
  OG_TRY(og_json_kv_str(j->cx, j->w, "type", slot->type->name));
  if (op->n_keys == 0) return OG_OK;
  OG_TRY(kv_px_list(j, "left_keys", op->left_keys, op->n_keys));
  return kv_px_list(j, "right_keys", op->right_keys, op->n_keys);
}

static og_status put_hop_members(const json *j, const og_plan_op *op)
{
  static const char *const ways[] = {"out", "in", "both"};
  OG_TRY(kv_slot(j, "from", op->src));
  OG_TRY(og_json_kv_str(j->cx, j->w, "edge", op->edge->name));
  OG_TRY(og_json_kv_str(j->cx, j->w, "direction", og_str_of(ways[op->dir])));
  OG_TRY(kv_slot(j, "to", op->dst));
  OG_TRY(kv_slot(j, "edge_variable", op->edge_slot));
  OG_TRY(kv_slot(j, "path_variable", op->path_slot));
  OG_TRY(og_json_kv_u64(j->cx, j->w, "min_hops", op->min));
  return op->max == OG_HOPS_UNBOUNDED ? og_json_kv_null(j->cx, j->w, "max_hops")
                                      : og_json_kv_u64(j->cx, j->w, "max_hops", op->max);
}

static og_status put_op_list(const json *j, const og_plan_op *ops, uint32_t n, uint32_t *index);

static og_status put_op(const json *j, const og_plan_op *op, uint32_t *index)
{
  static const char *const names[] = {"scan", "cross", "join", "expand", "close", "filter", "anti", "optional"};
  OG_TRY(og_json_begin_object(j->cx, j->w));
  OG_TRY(og_json_kv_str(j->cx, j->w, "operator", og_str_of(names[op->kind])));
  bool node = op->kind == OG_PLAN_SCAN || op->kind == OG_PLAN_CROSS || op->kind == OG_PLAN_HASH_JOIN;
  if (node) OG_TRY(put_node_members(j, op));
  if (op->kind == OG_PLAN_EXPAND || op->kind == OG_PLAN_CLOSE) OG_TRY(put_hop_members(j, op));
  OG_TRY(kv_px_list(j, "filters", op->filters, op->n_filters));
  const og_plan_cost *cost = j->costs ? &j->costs->ops[*index] : NULL;
  if (cost && cost->ran) OG_TRY(put_cost_members(j, cost));
  ++*index;
  if (op->kind == OG_PLAN_ANTI || op->kind == OG_PLAN_OPTIONAL) {
    OG_TRY(og_json_key(j->cx, j->w, OG_STR("inner")));
    OG_TRY(put_op_list(j, op->inner, op->n_inner, index));
  }
  return og_json_end_object(j->cx, j->w);
}

static og_status put_op_list(const json *j, const og_plan_op *ops, uint32_t n, uint32_t *index)
{
  OG_TRY(og_json_begin_array(j->cx, j->w));
  for (uint32_t i = 0; i < n; i++) OG_TRY(put_op(j, &ops[i], index));
  return og_json_end_array(j->cx, j->w);
}

static og_status put_json_group(const json *j)
{
  const og_plan *plan = j->plan;
  if (!plan->aggregate) return OG_OK;
  OG_TRY(og_json_key(j->cx, j->w, OG_STR("group")));
  OG_TRY(og_json_begin_object(j->cx, j->w));
  OG_TRY(kv_px_list(j, "keys", plan->keys, plan->n_keys));
  OG_TRY(og_json_kv_u64(j->cx, j->w, "aggregates", plan->n_aggs));
  OG_TRY(kv_px_list(j, "having", plan->having, plan->n_having));
  return og_json_end_object(j->cx, j->w);
}

static og_status put_json_columns(const json *j)
{
  OG_TRY(og_json_key(j->cx, j->w, OG_STR("columns")));
  OG_TRY(og_json_begin_array(j->cx, j->w));
  for (uint32_t i = 0; i < j->plan->n_columns; i++) {
    const og_plan_column *c = &j->plan->columns[i];
    OG_TRY(og_json_begin_object(j->cx, j->w));
    OG_TRY(og_json_kv_str(j->cx, j->w, "name", c->name));
    OG_TRY(og_json_kv_str(j->cx, j->w, "type", og_str_of(og_type_name(c->type.type))));
    OG_TRY(og_json_kv_bool(j->cx, j->w, "nullable", c->nullable));
    OG_TRY(kv_px(j, "expression", c->expr));
    OG_TRY(og_json_end_object(j->cx, j->w));
  }
  return og_json_end_array(j->cx, j->w);
}

static og_status put_json_order(const json *j)
{
  if (j->plan->n_order == 0) return OG_OK;
  OG_TRY(og_json_key(j->cx, j->w, OG_STR("order")));
  OG_TRY(og_json_begin_array(j->cx, j->w));
  for (uint32_t i = 0; i < j->plan->n_order; i++) {
    const og_plan_order *o = &j->plan->order[i];
    OG_TRY(og_json_begin_object(j->cx, j->w));
    OG_TRY(o->expr ? kv_px(j, "expression", o->expr)
                   : og_json_kv_str(j->cx, j->w, "expression", j->plan->columns[o->column].name));
    OG_TRY(og_json_kv_bool(j->cx, j->w, "descending", o->desc));
    OG_TRY(og_json_end_object(j->cx, j->w));
  }
  return og_json_end_array(j->cx, j->w);
}

static og_status put_json_window(const json *j, const char *key, const og_plan_count *c)
{
  if (!c->has) return OG_OK;
  if (!c->is_param) return og_json_kv_u64(j->cx, j->w, key, c->n);
  OG_AUTO(og_buf) text = {0};
  OG_TRY(og_buf_printf(j->cx, &text, "$" OG_STR_FMT, OG_STR_ARG(j->plan->params[c->param].name)));
  return og_json_kv_str(j->cx, j->w, key, og_buf_str(&text));
}

static og_status put_profile(const json *j)
{
  static const char *const steps[] = {"open", "match", "group", "answer"};
  if (!j->costs) return OG_OK;
  OG_TRY(og_json_key(j->cx, j->w, OG_STR("profile")));
  OG_TRY(og_json_begin_object(j->cx, j->w));
  OG_TRY(og_json_kv_u64(j->cx, j->w, "rows", j->costs->rows));
  OG_TRY(og_json_kv_u64(j->cx, j->w, "ns", j->costs->ns));
  OG_TRY(og_json_kv_u64(j->cx, j->w, "memory", j->costs->memory));
  OG_TRY(og_json_kv_str(j->cx, j->w, "matched", og_str_of(j->costs->method)));
  for (int i = 0; i < OG_STEPS; i++) {
    if (!j->costs->steps[i].ran) continue;
    OG_TRY(og_json_key(j->cx, j->w, og_str_of(steps[i])));
    OG_TRY(og_json_begin_object(j->cx, j->w));
    OG_TRY(put_cost_members(j, &j->costs->steps[i]));
    OG_TRY(og_json_end_object(j->cx, j->w));
  }
  return og_json_end_object(j->cx, j->w);
}

og_status og_plan_explain_json(og_ctx *cx, const og_plan *plan, const og_plan_costs *costs, og_json_writer *w)
{
  const json j = {cx, plan, costs, w};
  uint32_t index = 0;
  OG_TRY(og_json_begin_object(cx, w));
  OG_TRY(og_json_kv_str(cx, w, "query", plan->name));
  OG_TRY(og_json_key(cx, w, OG_STR("operators")));
  OG_TRY(put_op_list(&j, plan->ops, plan->n_ops, &index));
  OG_TRY(put_json_group(&j));
  OG_TRY(put_json_columns(&j));
  OG_TRY(put_json_order(&j));
  OG_TRY(put_json_window(&j, "offset", &plan->offset));
  OG_TRY(put_json_window(&j, "limit", &plan->limit));
  OG_TRY(put_profile(&j));
  return og_json_end_object(cx, w);
}
