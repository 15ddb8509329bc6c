/* SPDX-License-Identifier: MIT */
/* query/params.c -- parameters: declared types, and values from JSON.
 *
 *   declared            JSON accepted
 *   String Blob         string
 *   Bool                true, false
 *   I32 I64 U32 U64     integer number, or a string of decimal digits, in range; U64 up to 2^63 - 1 as the language has
 * it F32 F64             number (F32: finite after rounding) Date DateTime       string Vector(N)           array of N
 * numbers [T]                 array of T, no nulls any of them with ?  also null, or nothing
 */
#include "query/params.h"

#include "base/civil.h"
#include "base/json.h"
#include "query/check.h"

bool og_query__param_type(const og_param_decl *d, og_prop_type *out)
{
  *out = (og_prop_type){.list = d->list, .nullable = d->nullable};
  if (og_str_eq(d->type, OG_STR("Vector")) && !d->list) {
    out->kind = OG_SC_VECTOR;
    out->dim = d->dim;
    return d->dim > 0;
  }
  return og_scalar_by_name(d->type, &out->kind) && !(d->list && out->kind == OG_SC_BLOB);
}

typedef struct binder {
  og_ctx *cx;
  og_arena *a;
  og_str name; /* of the parameter */
} binder;

static og_status wrong(const binder *b, const char *expected)
{
  return og_fail(b->cx, OG_EINVALID, "param '" OG_STR_FMT "': expected %s", OG_STR_ARG(b->name), expected);
}

/* ---- one value */

static bool integer_of(const og_json *v, og_scalar *out)
{
  *out = (og_scalar){.type = og_type_of(OG_TYPE_I64)};
  if (v->kind == OG_JSON_I64) {
    out->v.i = v->u.i64;
    return true;
  }
  if (v->kind == OG_JSON_STRING && og_str_to_i64(v->u.str, &out->v.i)) return true;
  out->type = og_type_of(OG_TYPE_U64);
  if (v->kind == OG_JSON_U64) out->v.u = v->u.u64;
  return v->kind == OG_JSON_U64 || (v->kind == OG_JSON_STRING && og_str_to_u64(v->u.str, &out->v.u));
}

static og_status bind_integer(const binder *b, og_scalar_kind kind, const og_json *v, og_scalar *out)
{
  og_scalar n;
  const char *range;
  bool is_unsigned = kind == OG_SC_U32 || kind == OG_SC_U64;
  if (!integer_of(v, &n)) return wrong(b, is_unsigned ? "unsigned integer" : "integer");
  if (is_unsigned && n.type.id == OG_TYPE_I64 && n.v.i < 0) return wrong(b, "unsigned integer");
  bool too_large = kind == OG_SC_U64 && n.type.id == OG_TYPE_U64; /* above 2^63 - 1 */
  if (!too_large && og_query__number_as(&n, kind, out, &range)) return OG_OK;
  return og_fail(b->cx, OG_EINVALID, "param '" OG_STR_FMT "': value exceeds %s", OG_STR_ARG(b->name),
                 too_large ? "the largest U64 parameter, 9223372036854775807" : og_scalar_name(kind));
}

static og_status bind_float(const binder *b, og_scalar_kind kind, const og_json *v, og_scalar *out)
{
  og_scalar n = {.type = og_type_of(OG_TYPE_F64)};
  const char *range;
  if (v->kind == OG_JSON_F64)
    n.v.f = v->u.f64;
  else if ((v->kind != OG_JSON_I64 && v->kind != OG_JSON_U64) || !integer_of(v, &n))
    return wrong(b, "number");
  if (og_query__number_as(&n, kind, out, &range)) return OG_OK;
  return og_fail(b->cx, OG_EINVALID, "param '" OG_STR_FMT "': value exceeds %s", OG_STR_ARG(b->name),
                 og_scalar_name(kind));
}

static og_status bind_dated(const binder *b, og_scalar_kind kind, const og_json *v, og_scalar *out)
{
  bool date = kind == OG_SC_DATE;
  int32_t days = 0;
  if (v->kind != OG_JSON_STRING) return wrong(b, date ? "date string" : "datetime string");
  bool ok = date ? og_date_parse(v->u.str, &days) : og_datetime_parse(v->u.str, &out->v.i);
  if (date) out->v.i = days;
  if (ok) return OG_OK;
  return og_fail(b->cx, OG_EINVALID, "param '" OG_STR_FMT "': invalid %s '" OG_STR_FMT "'", OG_STR_ARG(b->name),
                 date ? "Date" : "DateTime", OG_STR_ARG(v->u.str));
}

static og_status bind_scalar(const binder *b, og_scalar_kind kind, const og_json *v, og_scalar *out)
{
  og_prop_type t = og_prop_type_scalar(kind);
  *out = (og_scalar){.type = og_value_type_of(&t).type};
  switch (kind) {
  case OG_SC_STRING:
  case OG_SC_BLOB:
    if (v->kind != OG_JSON_STRING) return wrong(b, "string");
    out->v.s = v->u.str;
    return OG_OK;
  case OG_SC_BOOL:
    if (v->kind != OG_JSON_BOOL) return wrong(b, "boolean");
    out->v.b = v->u.boolean;
    return OG_OK;
  case OG_SC_I32:
  case OG_SC_I64:
  case OG_SC_U32:
  case OG_SC_U64: return bind_integer(b, kind, v, out);
  case OG_SC_F32:
  case OG_SC_F64: return bind_float(b, kind, v, out);
  case OG_SC_DATETIME:
  case OG_SC_DATE: return bind_dated(b, kind, v, out);
  case OG_SC_VECTOR: break;
  }
  return og_fail(b->cx, OG_EINTERNAL, "a vector is not one value");
}

/* ---- lists */

static og_status bind_items(const binder *b, og_scalar_kind kind, const og_json *v, og_scalar *out)
{
  size_t n = v->u.array.len;
  og_prop_type item = og_prop_type_scalar(kind);
  og_scalar *values = og_arena_calloc(b->cx, b->a, n + 1, sizeof *values);
  if (!values) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++) OG_TRY(bind_scalar(b, kind, &v->u.array.items[i], &values[i]));
  return og_query_list(b->cx, b->a, og_value_type_of(&item).type, values, n, &out->v.list);
}

static og_status bind_value(const binder *b, const og_prop_type *t, const og_json *v, og_scalar *out)
{
  bool vector = t->kind == OG_SC_VECTOR;
  if (!t->list && !vector) return bind_scalar(b, t->kind, v, out);
  *out = (og_scalar){.type = og_value_type_of(t).type};
  if (v->kind != OG_JSON_ARRAY) return wrong(b, "array");
  if (vector && v->u.array.len != t->dim)
    return og_fail(b->cx, OG_EINVALID, "param '" OG_STR_FMT "': expected %u values for Vector(%u), got %zu",
                   OG_STR_ARG(b->name), t->dim, t->dim, v->u.array.len);
  return bind_items(b, vector ? OG_SC_F32 : t->kind, v, out);
}

/* ---- all of them */

og_status og_params_bind_one(og_ctx *cx, og_arena *a, const og_param_decl *d, const og_json *v, og_scalar *out)
{
  binder b = {cx, a, d->name};
  og_prop_type t;
  if (!og_query__param_type(d, &t))
    return og_fail(cx, OG_EINVALID, "type error: unknown parameter type '" OG_STR_FMT "'", OG_STR_ARG(d->type));
  if (v && v->kind != OG_JSON_NULL) return bind_value(&b, &t, v, out);
  *out = (og_scalar){.type = og_value_type_of(&t).type, .is_null = true};
  if (d->nullable) return OG_OK;
  if (v)
    return og_fail(cx, OG_EINVALID, "param '" OG_STR_FMT "': null is not accepted for non-nullable parameter",
                   OG_STR_ARG(d->name));
  return og_fail(cx, OG_EINVALID, "parameter '" OG_STR_FMT "' not provided; it is required", OG_STR_ARG(d->name));
}

static og_status check_undeclared(og_ctx *cx, const og_query *q, const og_json *object)
{
  for (size_t i = 0; i < object->u.object.len; i++) {
    const og_json_member *m = &object->u.object.members[i];
    bool declared = false;
    for (uint32_t k = 0; k < q->n_params && !declared; k++) declared = og_str_eq(q->params[k].name, m->key);
    if (!declared && m->value->kind == OG_JSON_OBJECT)
      return og_fail(cx, OG_EINVALID, "param '" OG_STR_FMT "': objects are not accepted", OG_STR_ARG(m->key));
  }
  return OG_OK;
}

og_status og_params_bind(og_ctx *cx, og_arena *a, const og_query *query, og_str json, const og_scalar **values)
{
  const og_json *object = NULL;
  if (og_str_trim(json).len) OG_TRY_NOTE(cx, og_json_read(cx, a, json, &object), "while reading the parameters");
  if (object && object->kind == OG_JSON_NULL) object = NULL;
  if (object && object->kind != OG_JSON_OBJECT)
    return og_fail(cx, OG_EINVALID, "parameters must be a JSON object, with names as keys");
  if (object) OG_TRY(check_undeclared(cx, query, object));
  og_scalar *list = og_arena_calloc(cx, a, (size_t)query->n_params + 1, sizeof *list);
  if (!list) return OG_ENOMEM;
  for (uint32_t i = 0; i < query->n_params; i++) {
    const og_json *v = object ? og_json_get(object, query->params[i].name) : NULL;
    OG_TRY(og_params_bind_one(cx, a, &query->params[i], v, &list[i]));
  }
  *values = list;
  return OG_OK;
}
