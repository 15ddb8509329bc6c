/* SPDX-License-Identifier: MIT */
/* query/check_fn.c -- arithmetic and functions: what they take and what they give.  exec/eval.h says what they do. */
#include "query/check.h"

typedef struct call {
  og_checker *c;
  const og_expr *e;
  og_operand *args;
  og_operand *out;
} call;

/* ---- operands */

static bool is_float(const og_prop_type *t)
{
  return t->kind == OG_SC_F32 || t->kind == OG_SC_F64;
}

static bool is_single(const og_operand *o)
{
  return !o->type.list && !o->entity && o->type.kind != OG_SC_VECTOR && o->type.kind != OG_SC_BLOB;
}

static bool is_number(const og_operand *o)
{
  return o->is_null || (is_single(o) && og_scalar_is_number(o->type.kind));
}

static bool is_integer(const og_operand *o)
{
  return o->is_null || (is_number(o) && !is_float(&o->type));
}

static bool is_kind(const og_operand *o, og_scalar_kind kind)
{
  return o->is_null || (is_single(o) && o->type.kind == kind);
}

static og_status wrong(const call *k, uint32_t i, const char *needs)
{
  const og_fn_info *fn = og_fn_describe(k->e->fn);
  return OG_CHECK_FAIL(k->c, k->e->args[i]->span,
                       k->args[i].entity ? OG_STR("name a property: $variable.property") : OG_STR_NONE,
                       "type error: T7: %s needs %s, not " OG_STR_FMT, fn->text, needs,
                       OG_STR_ARG(og_check__type_text(k->c, &k->args[i].type)));
}

static og_status each(const call *k, bool (*fits)(const og_operand *), const char *needs)
{
  for (uint32_t i = 0; i < k->e->n_args; i++)
    if (!fits(&k->args[i])) return wrong(k, i, needs);
  return OG_OK;
}

/* ---- results */

static og_status give(const call *k, og_scalar_kind kind, bool fails)
{
  og_pexpr *px;
  k->out->type = og_prop_type_scalar(kind);
  OG_TRY(og_check__node_px(k->c, OG_PX_CALL, &k->out->type, k->args, k->e->n_args, &px));
  k->out->px = px;
  k->out->type.nullable = !px || px->nullable;
  if (!px) return OG_OK;
  px->fn = k->e->fn;
  px->fails = px->fails || fails;
  px->span = k->e->span;
  return OG_OK;
}

/* Null whatever the operands say: a function of one that may have none. */
static og_status give_as(const call *k, og_scalar_kind kind, bool nullable)
{
  OG_TRY(give(k, kind, false));
  k->out->type.nullable = nullable;
  if (k->out->px) ((og_pexpr *)(uintptr_t)k->out->px)->nullable = nullable;
  return OG_OK;
}

static og_scalar_kind number_kind(const call *k)
{
  for (uint32_t i = 0; i < k->e->n_args; i++)
    if (is_float(&k->args[i].type)) return OG_SC_F64;
  return OG_SC_I64;
}

/* ---- arithmetic */

static og_status numeric(const call *k)
{
  OG_TRY(each(k, is_number, "numbers"));
  return give(k, number_kind(k), true);
}

/* Days are added to a Date, milliseconds to a DateTime; the difference of two is counted in them. */
static og_status check_sum(const call *k)
{
  const og_operand *a = &k->args[0], *b = &k->args[1];
  bool add = k->e->fn == OG_FN_ADD;
  if (add && !a->is_null && !b->is_null && is_kind(a, OG_SC_STRING) && is_kind(b, OG_SC_STRING))
    return give(k, OG_SC_STRING, true);
  for (int i = 0; i < 2; i++) {
    og_scalar_kind dated = i ? OG_SC_DATETIME : OG_SC_DATE;
    if (is_kind(a, dated) && !a->is_null && is_integer(b)) return give(k, dated, true);
    if (add && is_kind(b, dated) && !b->is_null && is_integer(a)) return give(k, dated, true);
    if (!add && is_kind(a, dated) && is_kind(b, dated) && !a->is_null) return give(k, OG_SC_I64, true);
  }
  if (is_number(a) && is_number(b)) return numeric(k);
  return OG_CHECK_FAIL(k->c, k->e->span, OG_STR_NONE, "type error: T7: cannot %s " OG_STR_FMT " and " OG_STR_FMT,
                       add ? "add" : "subtract", OG_STR_ARG(og_check__type_text(k->c, &a->type)),
                       OG_STR_ARG(og_check__type_text(k->c, &b->type)));
}

static og_status check_round(const call *k)
{
  if (!is_number(&k->args[0])) return wrong(k, 0, "a number");
  if (k->e->n_args == 2 && !is_integer(&k->args[1])) return wrong(k, 1, "a number of digits");
  return give(k, is_float(&k->args[0].type) ? OG_SC_F64 : OG_SC_I64, true);
}

/* ---- one of several values */

/* The type that holds every operand from `first` on. */
static og_status common_kind(const call *k, uint32_t first, og_scalar_kind *out)
{
  const og_operand *have = NULL;
  *out = OG_SC_STRING;
  for (uint32_t i = first; i < k->e->n_args; i++) {
    const og_operand *o = &k->args[i];
    if (o->is_null) continue;
    if (!is_single(o)) return wrong(k, i, "single values");
    bool numbers = have && og_scalar_is_number(*out) && og_scalar_is_number(o->type.kind);
    if (have && !numbers && o->type.kind != *out)
      return OG_CHECK_FAIL(
          k->c, k->e->args[i]->span, OG_STR_NONE, "type error: T7: %s cannot give %s here and " OG_STR_FMT " there",
          og_fn_describe(k->e->fn)->text, og_scalar_name(*out), OG_STR_ARG(og_check__type_text(k->c, &o->type)));
    if (numbers && o->type.kind != *out)
      *out = is_float(&o->type) || is_float(&(og_prop_type){.kind = *out}) ? OG_SC_F64 : OG_SC_I64;
    else
      *out = o->type.kind;
    have = o;
  }
  return OG_OK;
}

static og_status check_choice(const call *k)
{
  og_scalar_kind kind;
  bool any = false, all = true, is_if = k->e->fn == OG_FN_IF;
  if (is_if && !is_kind(&k->args[0], OG_SC_BOOL)) return wrong(k, 0, "a condition");
  OG_TRY(common_kind(k, is_if ? 1 : 0, &kind));
  for (uint32_t i = is_if ? 1 : 0; i < k->e->n_args; i++) {
    bool nullable = k->args[i].is_null || k->args[i].type.nullable;
    any = any || nullable;
    all = all && nullable;
  }
  OG_TRY(give_as(k, kind, is_if ? any : all));
  /* U64 beside signed integers: the value may not fit. */
  if (k->out->px && kind == OG_SC_I64) ((og_pexpr *)(uintptr_t)k->out->px)->fails = true;
  return OG_OK;
}

/* ---- strings, dates, conversions */

static bool is_text(const og_operand *o)
{
  return is_kind(o, OG_SC_STRING);
}

static bool is_dated(const og_operand *o)
{
  return is_kind(o, OG_SC_DATE) || is_kind(o, OG_SC_DATETIME);
}

static og_status check_length(const call *k)
{
  const og_operand *o = &k->args[0];
  bool list = o->type.list || o->type.kind == OG_SC_VECTOR;
  if (!list && !is_text(o)) return wrong(k, 0, "a String or a list");
  return give(k, OG_SC_I64, false);
}

static og_status check_substring(const call *k)
{
  if (!is_text(&k->args[0])) return wrong(k, 0, "a String");
  for (uint32_t i = 1; i < k->e->n_args; i++)
    if (!is_integer(&k->args[i])) return wrong(k, i, "an integer");
  return give(k, OG_SC_STRING, true);
}

static og_status check_conversion(const call *k)
{
  const og_operand *o = &k->args[0];
  switch (k->e->fn) {
  case OG_FN_TO_DATE:
    if (!is_dated(o) && !is_text(o)) return wrong(k, 0, "a DateTime or a String");
    return give(k, OG_SC_DATE, true);
  case OG_FN_TO_INT:
    if (!is_number(o) && !is_text(o) && !is_kind(o, OG_SC_BOOL)) return wrong(k, 0, "a number, a String or a Bool");
    return give(k, OG_SC_I64, true);
  default:
    if (!is_number(o) && !is_text(o)) return wrong(k, 0, "a number or a String");
    return give(k, OG_SC_F64, true);
  }
}

/* ---- of variables */

static og_status not_a(og_checker *c, const og_expr *e, const char *needs)
{
  return OG_CHECK_FAIL(c, e->args[0]->span, OG_STR_NONE, "type error: T7: %s needs %s", og_fn_describe(e->fn)->text,
                       needs);
}

static og_status check_path(og_checker *c, const og_expr *e, uint32_t slot, og_operand *out)
{
  og_pexpr *px;
  bool hops = e->fn == OG_FN_HOPS;
  out->type = og_prop_type_scalar(hops ? OG_SC_I64 : OG_SC_STRING);
  out->type.list = !hops;
  out->type.nullable = c->slots[slot].optional;
  OG_TRY(og_check__value_px(c, OG_PX_PATH, &out->type, &px));
  px->slot = slot;
  px->part = hops ? OG_PATH_HOPS : e->fn == OG_FN_NODES ? OG_PATH_NODES : OG_PATH_EDGES;
  if (!hops) c->path_read[slot] = true;
  out->px = px;
  return OG_OK;
}

static og_status check_of_variable(og_checker *c, const og_expr *e, og_operand *out)
{
  uint32_t slot = OG_NO_SLOT;
  bool path = e->fn >= OG_FN_HOPS;
  const char *needs = path ? "a path variable: $a edge{1,3} $b path $p" : "a node or edge variable";
  if (e->args[0]->kind != OG_EXPR_VAR) return not_a(c, e, needs);
  OG_TRY(og_check__variable(c, e->args[0], &slot));
  if (slot == OG_NO_SLOT || c->slots[slot].is_path != path) return not_a(c, e, needs);
  if (path) return check_path(c, e, slot, out);
  out->type = og_prop_type_scalar(OG_SC_STRING);
  out->type.nullable = c->slots[slot].optional;
  if (e->fn == OG_FN_ID) return og_check__field_px(c, slot, OG_FIELD_ID, &out->px);
  og_pexpr *px;
  OG_TRY(og_check__value_px(c, OG_PX_TYPE, &out->type, &px));
  px->slot = slot;
  out->px = px;
  return OG_OK;
}

/* ---- all of them */

og_status og_check__call(og_checker *c, const og_expr *e, og_operand *out)
{
  if (e->fn >= OG_FN_ID) return check_of_variable(c, e, out);
  call k = {.c = c, .e = e, .out = out, .args = og_arena_calloc(c->cx, c->a, (size_t)e->n_args + 1, sizeof *k.args)};
  if (!k.args) return OG_ENOMEM;
  for (uint32_t i = 0; i < e->n_args; i++) OG_TRY(og_check__operand(c, e->args[i], &k.args[i]));
  switch (e->fn) {
  case OG_FN_ADD:
  case OG_FN_SUB: return check_sum(&k);
  case OG_FN_ROUND: return check_round(&k);
  case OG_FN_LEAST:
  case OG_FN_GREATEST:
  case OG_FN_COALESCE:
  case OG_FN_IF: return check_choice(&k);
  case OG_FN_LENGTH: return check_length(&k);
  case OG_FN_SUBSTRING: return check_substring(&k);
  case OG_FN_LOWER:
  case OG_FN_UPPER:
  case OG_FN_TRIM: OG_TRY(each(&k, is_text, "a String")); return give(&k, OG_SC_STRING, false);
  case OG_FN_REPLACE: OG_TRY(each(&k, is_text, "strings")); return give(&k, OG_SC_STRING, true);
  case OG_FN_CONCAT:
  case OG_FN_TO_STRING: OG_TRY(each(&k, is_single, "single values")); return give(&k, OG_SC_STRING, true);
  case OG_FN_YEAR:
  case OG_FN_MONTH:
  case OG_FN_DAY: OG_TRY(each(&k, is_dated, "a Date or a DateTime")); return give(&k, OG_SC_I64, false);
  case OG_FN_HOUR:
  case OG_FN_MINUTE:
  case OG_FN_SECOND:
    if (!is_kind(&k.args[0], OG_SC_DATETIME)) return wrong(&k, 0, "a DateTime");
    return give(&k, OG_SC_I64, false);
  case OG_FN_TO_DATE:
  case OG_FN_TO_INT:
  case OG_FN_TO_FLOAT: return check_conversion(&k);
  default: return numeric(&k);
  }
}
