/* SPDX-License-Identifier: MIT */
/* query/literal.c -- literals: their own type and value, and their value as a property's. */
#include "query/check.h"

#include "base/civil.h"

static og_scalar_kind kind_of(og_lit_kind kind)
{
  switch (kind) {
  case OG_LIT_INT: return OG_SC_I64;
  case OG_LIT_FLOAT: return OG_SC_F64;
  case OG_LIT_BOOL: return OG_SC_BOOL;
  case OG_LIT_DATE: return OG_SC_DATE;
  case OG_LIT_DATETIME: return OG_SC_DATETIME;
  case OG_LIT_NULL: /* of any type; this one when nothing else says which */
  case OG_LIT_STRING:
  case OG_LIT_LIST: break;
  }
  return OG_SC_STRING;
}

og_status og_check__literal_type(og_checker *c, const og_literal *lit, og_prop_type *out)
{
  *out = og_prop_type_scalar(kind_of(lit->kind));
  out->nullable = lit->kind == OG_LIT_NULL;
  if (lit->kind != OG_LIT_LIST) return OG_OK;
  out->list = true;
  for (uint32_t i = 0; i < lit->n_items; i++) {
    const og_literal *item = &lit->items[i];
    if (item->kind == OG_LIT_LIST)
      return OG_CHECK_FAIL(c, item->span, OG_STR_NONE, "type error: lists cannot be nested");
    if (item->kind == OG_LIT_NULL)
      return OG_CHECK_FAIL(c, item->span, OG_STR_NONE, "type error: T3: a list cannot hold null");
    og_scalar_kind kind = kind_of(item->kind);
    if (i == 0) out->kind = kind;
    if (kind == out->kind) continue;
    if (!og_scalar_is_number(kind) || !og_scalar_is_number(out->kind))
      return OG_CHECK_FAIL(c, item->span, OG_STR_NONE, "type error: a list cannot mix %s and %s",
                           og_scalar_name(out->kind), og_scalar_name(kind));
    out->kind = OG_SC_F64; /* integers and floats together */
  }
  return OG_OK;
}

static og_status dated(og_checker *c, const og_literal *lit, og_scalar *out)
{
  int32_t days = 0;
  bool date = lit->kind == OG_LIT_DATE;
  bool ok = date ? og_date_parse(lit->str, &days) : og_datetime_parse(lit->str, &out->v.i);
  if (date) out->v.i = days;
  if (ok) return OG_OK;
  return OG_CHECK_FAIL(
      c, lit->span, date ? OG_STR("write date(\"2024-01-31\")") : OG_STR("write datetime(\"2024-01-31T12:00:00Z\")"),
      "type error: T3: invalid %s literal '" OG_STR_FMT "'", date ? "Date" : "DateTime", OG_STR_ARG(lit->str));
}

static og_status list_scalar(og_checker *c, const og_literal *lit, og_scalar_kind item, og_scalar *out)
{
  og_scalar *values = og_arena_calloc(c->cx, c->a, (size_t)lit->n_items + 1, sizeof *values);
  if (!values) return OG_ENOMEM;
  og_prop_type t = og_prop_type_scalar(item);
  for (uint32_t i = 0; i < lit->n_items; i++) {
    OG_TRY(og_check__literal_scalar(c, &lit->items[i], &values[i]));
    const char *range;
    og_scalar v = values[i];
    if (og_scalar_is_number(item) && !og_query__number_as(&v, item, &values[i], &range))
      return OG_CHECK_FAIL(c, lit->items[i].span, OG_STR_NONE, "type error: T3: this number exceeds %s range", range);
  }
  return og_query_list(c->cx, c->a, og_value_type_of(&t).type, values, lit->n_items, &out->v.list);
}

og_status og_check__literal_scalar(og_checker *c, const og_literal *lit, og_scalar *out)
{
  og_prop_type t;
  OG_TRY(og_check__literal_type(c, lit, &t));
  *out = (og_scalar){.type = og_value_type_of(&t).type};
  switch (lit->kind) {
  case OG_LIT_NULL: out->is_null = true; return OG_OK;
  case OG_LIT_STRING: out->v.s = lit->str; return OG_OK;
  case OG_LIT_INT: out->v.i = lit->i; return OG_OK;
  case OG_LIT_FLOAT: out->v.f = lit->f; return OG_OK;
  case OG_LIT_BOOL: out->v.b = lit->b; return OG_OK;
  case OG_LIT_DATE:
  case OG_LIT_DATETIME: return dated(c, lit, out);
  case OG_LIT_LIST: break;
  }
  return list_scalar(c, lit, t.kind, out);
}

/* ---- as a property's value */

bool og_check__in_enum(const og_prop_type *t, og_str value)
{
  for (uint32_t i = 0; i < t->n_enum; i++)
    if (og_str_eq(t->enum_values[i], value)) return true;
  return t->n_enum == 0;
}

static og_status mismatch(og_checker *c, const og_literal *lit, const og_prop_type *t, og_str what)
{
  og_prop_type own;
  OG_TRY(og_check__literal_type(c, lit, &own));
  return OG_CHECK_FAIL(c, lit->span, OG_STR_NONE,
                       "type error: T3: property '" OG_STR_FMT "' is " OG_STR_FMT ", but this value is " OG_STR_FMT,
                       OG_STR_ARG(what), OG_STR_ARG(og_check__type_text(c, t)),
                       OG_STR_ARG(og_check__type_text(c, &own)));
}

static bool all_numbers(const og_literal *lit)
{
  for (uint32_t i = 0; i < lit->n_items; i++)
    if (lit->items[i].kind != OG_LIT_INT && lit->items[i].kind != OG_LIT_FLOAT) return false;
  return true;
}

static og_status vector_as(og_checker *c, const og_literal *lit, const og_prop_type *t, og_str what, og_scalar *out)
{
  if (lit->kind != OG_LIT_LIST || !all_numbers(lit)) return mismatch(c, lit, t, what);
  if (lit->n_items != t->dim)
    return OG_CHECK_FAIL(c, lit->span, OG_STR_NONE,
                         "type error: T3: property '" OG_STR_FMT "' expects %u dimensions, got %u", OG_STR_ARG(what),
                         t->dim, lit->n_items);
  return list_scalar(c, lit, OG_SC_F32, out);
}

static og_status items_as(og_checker *c, const og_literal *lit, const og_prop_type *t, og_str what, og_scalar *out)
{
  og_prop_type item = og_prop_type_scalar(t->kind);
  og_scalar *values = og_arena_calloc(c->cx, c->a, (size_t)lit->n_items + 1, sizeof *values);
  if (!values) return OG_ENOMEM;
  if (lit->kind != OG_LIT_LIST) return mismatch(c, lit, t, what);
  for (uint32_t i = 0; i < lit->n_items; i++) OG_TRY(og_check__literal_as(c, &lit->items[i], &item, what, &values[i]));
  return og_query_list(c->cx, c->a, og_value_type_of(&item).type, values, lit->n_items, &out->v.list);
}

og_status og_check__literal_as(og_checker *c, const og_literal *lit, const og_prop_type *t, og_str what, og_scalar *out)
{
  *out = (og_scalar){.type = og_value_type_of(t).type, .is_null = lit->kind == OG_LIT_NULL};
  if (out->is_null && t->nullable) return OG_OK;
  if (out->is_null)
    return OG_CHECK_FAIL(c, lit->span, OG_STR_NONE, "type error: T3: property '" OG_STR_FMT "' cannot be null",
                         OG_STR_ARG(what));
  if (t->kind == OG_SC_VECTOR) return vector_as(c, lit, t, what, out);
  if (t->list) return items_as(c, lit, t, what, out);
  og_scalar own;
  OG_TRY(og_check__literal_scalar(c, lit, &own));
  if (og_scalar_is_number(t->kind)) {
    bool wide = t->kind == OG_SC_F32 || t->kind == OG_SC_F64;
    const char *range;
    if (lit->kind != OG_LIT_INT && !(wide && lit->kind == OG_LIT_FLOAT)) return mismatch(c, lit, t, what);
    if (og_query__number_as(&own, t->kind, out, &range)) return OG_OK;
    return OG_CHECK_FAIL(c, lit->span, OG_STR_NONE, "type error: T3: the value of '" OG_STR_FMT "' exceeds %s range",
                         OG_STR_ARG(what), range);
  }
  og_scalar_kind kind = kind_of(lit->kind);
  bool text_of_blob = t->kind == OG_SC_BLOB && lit->kind == OG_LIT_STRING;
  if (lit->kind == OG_LIT_LIST || (kind != t->kind && !text_of_blob)) return mismatch(c, lit, t, what);
  if (kind == OG_SC_STRING && !og_check__in_enum(t, lit->str))
    return OG_CHECK_FAIL(c, lit->span, OG_STR_NONE,
                         "type error: T3: '" OG_STR_FMT "' is not a value of '" OG_STR_FMT "', which is " OG_STR_FMT,
                         OG_STR_ARG(lit->str), OG_STR_ARG(what), OG_STR_ARG(og_check__type_text(c, t)));
  *out = own;
  return OG_OK;
}
