/* SPDX-License-Identifier: MIT */
/* schema/rules.c -- what a declaration must obey on its own, once its properties are complete.
 *
 * Messages end in the place, `(Type.property)`; positions point at what was written.
 */
#include "schema/internal.h"

#define FAIL(k, at, hint, ...)                                                                                         \
  og_source_fail((k)->cx, OG_EINVALID, &(k)->file->source, (at), (hint), "catalog error: " __VA_ARGS__)

/* "@<name> <problem> (Type.property)" */
static og_status fail_on(og_compiler *k, og_span at, og_str hint, og_str name, const char *problem, const og_decl *d,
                         const og_decl_property *p)
{
  if (!p)
    return FAIL(k, at, hint, "@" OG_STR_FMT " %s (" OG_STR_FMT ")", OG_STR_ARG(name), problem, OG_STR_ARG(d->name));
  return FAIL(k, at, hint, "@" OG_STR_FMT " %s (" OG_STR_FMT "." OG_STR_FMT ")", OG_STR_ARG(name), problem,
              OG_STR_ARG(d->name), OG_STR_ARG(p->name));
}

/* The effective property of that name, or NULL: properties are in name order. */
static const og_decl_property *effective(const og_effective *e, og_str name)
{
  uint32_t lo = 0, hi = e->n;
  while (lo < hi) {
    uint32_t mid = lo + (hi - lo) / 2;
    int c = og_str_cmp(e->props[mid].decl->name, name);
    if (c == 0) return e->props[mid].decl;
    if (c < 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  return NULL;
}

static og_status suggest(og_compiler *k, const og_effective *e, og_str name, og_str *hint)
{
  og_str near = OG_STR_NONE;
  unsigned best = 3;
  *hint = OG_STR_NONE;
  for (uint32_t i = 0; i < e->n; i++) {
    unsigned distance = og_str_distance(e->props[i].decl->name, name, 2);
    if (distance >= best) continue;
    best = distance;
    near = e->props[i].decl->name;
  }
  if (!near.ptr) return OG_OK;
  return og_arena_printf(k->cx, k->scratch, hint, "did you mean '" OG_STR_FMT "'?", OG_STR_ARG(near));
}

static bool is_blank(og_str s)
{
  return og_str_trim(s).len == 0;
}

static bool named(const og_decl_annotation *a, const char *name)
{
  return og_str_eq(a->a.name, og_str_of(name));
}

/* ---- annotations */

static bool is_relation(const og_decl_annotation *a)
{
  return named(a, "key") || named(a, "unique") || named(a, "index") || named(a, "embed");
}

static og_status check_repeats(og_compiler *k, const og_decl_annotation *list, uint32_t n, const og_decl *d,
                               const og_decl_property *p)
{
  static const char *const once[] = {"key", "unique", "index", "embed", "description", "instruction", "rename_from"};
  for (size_t w = 0; w < OG_ARRAY_LEN(once); w++) {
    unsigned seen = 0;
    for (uint32_t i = 0; i < n; i++)
      if (named(&list[i], once[w]) && ++seen == 2)
        return fail_on(k, list[i].span, OG_STR_NONE, list[i].a.name, "is declared multiple times", d, p);
  }
  return OG_OK;
}

static og_status check_text(og_compiler *k, const og_decl_annotation *a, const og_decl *d, const og_decl_property *p)
{
  bool rename = named(a, "rename_from");
  if (!rename && !named(a, "description") && !named(a, "instruction")) return OG_OK;
  if (!a->a.value.ptr || is_blank(a->a.value))
    return fail_on(k, a->span, OG_STR_NONE, a->a.name,
                   rename ? "requires exactly one non-empty positional value" : "requires a non-empty value", d, p);
  if (rename && a->a.n_kwargs)
    return fail_on(k, a->span, OG_STR_NONE, a->a.name, "does not accept keyword arguments", d, p);
  return OG_OK;
}

static og_status check_type_annotations(og_compiler *k, const og_decl *d)
{
  OG_TRY(check_repeats(k, d->annotations, d->n_annotations, d, NULL));
  for (uint32_t i = 0; i < d->n_annotations; i++) {
    const og_decl_annotation *a = &d->annotations[i];
    if (is_relation(a) && d->kind == OG_DECL_EDGE)
      return fail_on(k, a->span, OG_STR("write it on a property, or as @unique(a, b) in the body"), a->a.name,
                     "is not supported on edges", d, NULL);
    if (is_relation(a))
      return fail_on(k, a->span, OG_STR("write it on a property, or with the names of several in the body"), a->a.name,
                     "is only supported on node properties or as body constraint", d, NULL);
    if (named(a, "range") || named(a, "check"))
      return fail_on(k, a->span, OG_STR("@range(prop, min..max), @check(prop, \"regex\")"), a->a.name,
                     "stands in the body, with its arguments", d, NULL);
    OG_TRY(check_text(k, a, d, NULL));
  }
  return OG_OK;
}

/* Where @key, @unique, @index and @embed may stand. */
static og_status check_relation(og_compiler *k, const og_decl *d, const og_decl_property *p,
                                const og_decl_annotation *a)
{
  const char *problem = NULL;
  bool key = named(a, "key"), unique = named(a, "unique"), embed = named(a, "embed");
  if (d->kind == OG_DECL_EDGE && (key || embed))
    problem = "is not supported on edge properties";
  else if (p->type.list)
    problem = "is not supported on a list property";
  else if (p->type.kind == OG_SC_VECTOR && (key || unique))
    problem = "is not supported on a vector property";
  else if (p->type.kind == OG_SC_BLOB)
    problem = "is not supported on a blob property";
  return problem ? fail_on(k, a->span, OG_STR_NONE, a->a.name, problem, d, p) : OG_OK;
}

static og_status check_embed(og_compiler *k, const og_decl *d, const og_effective *e, const og_decl_property *p,
                             const og_decl_annotation *a)
{
  og_str name = a->a.name, hint;
  if (p->type.kind != OG_SC_VECTOR)
    return fail_on(k, a->span, OG_STR_NONE, name, "is only supported on vector properties", d, p);
  if (!a->a.value.ptr || is_blank(a->a.value))
    return fail_on(k, a->span, OG_STR("@embed(\"source_property\")"), name, "requires a source property name", d, p);
  for (uint32_t i = 0; i < a->a.n_kwargs; i++)
    if (!og_str_eq(a->a.kwargs[2 * (size_t)i], OG_STR("model")))
      return fail_on(k, a->span, OG_STR_NONE, name, "accepts only the keyword argument 'model'", d, p);
  const og_decl_property *source = effective(e, a->a.value);
  if (!source) {
    OG_TRY(suggest(k, e, a->a.value, &hint));
    return FAIL(k, a->span, hint,
                "@embed names an unknown source property '" OG_STR_FMT "' (" OG_STR_FMT "." OG_STR_FMT ")",
                OG_STR_ARG(a->a.value), OG_STR_ARG(d->name), OG_STR_ARG(p->name));
  }
  if (source->type.kind != OG_SC_STRING || source->type.list)
    return FAIL(k, a->span, OG_STR_NONE,
                "@embed source property '" OG_STR_FMT "' must be String (" OG_STR_FMT "." OG_STR_FMT ")",
                OG_STR_ARG(a->a.value), OG_STR_ARG(d->name), OG_STR_ARG(p->name));
  return OG_OK;
}

static og_status check_property_annotations(og_compiler *k, const og_decl *d, const og_effective *e,
                                            const og_decl_property *p)
{
  OG_TRY(check_repeats(k, p->annotations, p->n_annotations, d, p));
  for (uint32_t i = 0; i < p->n_annotations; i++) {
    const og_decl_annotation *a = &p->annotations[i];
    if (named(a, "instruction"))
      return fail_on(k, a->span, OG_STR_NONE, a->a.name, "is only supported on node and edge types", d, p);
    if (is_relation(a)) OG_TRY(check_relation(k, d, p, a));
    if (named(a, "embed")) OG_TRY(check_embed(k, d, e, p, a));
    if (named(a, "range") || named(a, "check"))
      return fail_on(k, a->span, OG_STR("@range(prop, min..max), @check(prop, \"regex\")"), a->a.name,
                     "needs its arguments", d, p);
    OG_TRY(check_text(k, a, d, p));
  }
  return OG_OK;
}

/* ---- names */

static bool is_system_column(og_str name)
{
  static const char *const reserved[] = {"_rowid", "_rowaddr", "_rowoffset", "_row_created_at_version",
                                         "_row_last_updated_at_version"};
  for (size_t i = 0; i < OG_ARRAY_LEN(reserved); i++)
    if (og_str_eq(name, og_str_of(reserved[i]))) return true;
  return false;
}

static og_status check_property_name(og_compiler *k, const og_decl *d, const og_decl_property *p)
{
  if (is_system_column(p->name))
    return FAIL(k, p->span, OG_STR_NONE,
                "property name '" OG_STR_FMT "' is reserved for a virtual storage system column (" OG_STR_FMT ")",
                OG_STR_ARG(p->name), OG_STR_ARG(d->name));
  bool edge_end = d->kind == OG_DECL_EDGE && (og_str_eq(p->name, OG_STR("src")) || og_str_eq(p->name, OG_STR("dst")));
  if (og_str_eq(p->name, OG_STR("id")) || edge_end)
    return FAIL(k, p->span, OG_STR("every entity has an id, and every edge its endpoints, without declaring them"),
                "property name '" OG_STR_FMT "' is reserved (" OG_STR_FMT ")", OG_STR_ARG(p->name),
                OG_STR_ARG(d->name));
  return OG_OK;
}

/* ---- constraints */

static og_str constraint_name(og_constraint_kind kind)
{
  static const char *const names[] = {"key", "unique", "index", "range", "check"};
  return og_str_of(names[kind]);
}

static bool is_edge_end(const og_decl *d, og_str name)
{
  return d->kind == OG_DECL_EDGE && (og_str_eq(name, OG_STR("src")) || og_str_eq(name, OG_STR("dst")));
}

static og_status check_key_member(og_compiler *k, const og_decl *d, const og_decl_property *p, og_span at)
{
  og_str key = OG_STR("key");
  if (p->type.nullable)
    return fail_on(k, at, OG_STR("a key member must always have a value: drop the '?'"), key,
                   "is not supported on a nullable property", d, p);
  if (p->type.list) return fail_on(k, at, OG_STR_NONE, key, "is not supported on a list property", d, p);
  if (p->type.kind == OG_SC_VECTOR)
    return fail_on(k, at, OG_STR_NONE, key, "is not supported on a vector property", d, p);
  if (p->type.kind == OG_SC_BLOB) return fail_on(k, at, OG_STR_NONE, key, "is not supported on a blob property", d, p);
  return OG_OK;
}

/* What about the property's type keeps it out of the constraint; NULL: nothing. */
static const char *type_problem(og_constraint_kind kind, const og_prop_type *t)
{
  switch (kind) {
  case OG_CON_KEY: return NULL; /* check_key_member's */
  case OG_CON_UNIQUE:
    if (t->list) return "is not supported on a list property";
    if (t->kind == OG_SC_VECTOR) return "is not supported on a vector property";
    return t->kind == OG_SC_BLOB ? "is not supported on a blob property" : NULL;
  case OG_CON_INDEX: return t->kind == OG_SC_BLOB ? "is not supported on a blob property" : NULL;
  case OG_CON_RANGE: return og_scalar_is_number(t->kind) && !t->list ? NULL : "is only supported on numeric properties";
  case OG_CON_CHECK: return t->kind == OG_SC_STRING && !t->list ? NULL : "is only supported on String properties";
  }
  return NULL;
}

static og_status check_member(og_compiler *k, const og_decl *d, const og_effective *e, const og_decl_constraint *c,
                              uint32_t i)
{
  og_span at = c->name_spans[i];
  og_str name = c->names[i], hint;
  if (is_edge_end(d, name) && (c->kind == OG_CON_UNIQUE || c->kind == OG_CON_INDEX)) return OG_OK;
  const og_decl_property *p = effective(e, name);
  if (!p) {
    OG_TRY(suggest(k, e, name, &hint));
    return FAIL(k, at, hint, "@" OG_STR_FMT " names unknown property '" OG_STR_FMT "' (" OG_STR_FMT ")",
                OG_STR_ARG(constraint_name(c->kind)), OG_STR_ARG(name), OG_STR_ARG(d->name));
  }
  if (c->kind == OG_CON_KEY) return check_key_member(k, d, p, at);
  const char *problem = type_problem(c->kind, &p->type);
  return problem ? fail_on(k, at, OG_STR_NONE, constraint_name(c->kind), problem, d, p) : OG_OK;
}

static og_status check_constraints(og_compiler *k, const og_decl *d, const og_effective *e)
{
  for (uint32_t i = 0; i < d->n_constraints; i++) {
    const og_decl_constraint *c = &d->constraints[i];
    bool node_only = c->kind == OG_CON_KEY || c->kind == OG_CON_RANGE || c->kind == OG_CON_CHECK;
    if (d->kind == OG_DECL_EDGE && node_only)
      return fail_on(k, c->span, OG_STR_NONE, constraint_name(c->kind), "is not supported on edges", d, NULL);
    for (uint32_t m = 0; m < c->n; m++) OG_TRY(check_member(k, d, e, c, m));
  }
  return OG_OK;
}

static og_status check_keys(og_compiler *k, const og_decl *d, const og_effective *e)
{
  unsigned keys = 0;
  og_span second = d->span;
  for (uint32_t i = 0; i < d->n_constraints; i++) {
    if (d->constraints[i].kind != OG_CON_KEY) continue;
    if (++keys == 2) second = d->constraints[i].span;
  }
  for (uint32_t i = 0; i < e->n; i++) {
    const og_decl_property *p = e->props[i].decl;
    for (uint32_t m = 0; m < p->n_annotations; m++) {
      const og_decl_annotation *a = &p->annotations[m];
      if (!named(a, "key")) continue;
      OG_TRY(check_key_member(k, d, p, a->span));
      if (++keys == 2) second = a->span;
    }
  }
  if (keys < 2) return OG_OK;
  return FAIL(k, second, OG_STR("a composite key is written @key(a, b)"),
              "a type cannot have multiple @key constraints (" OG_STR_FMT ")", OG_STR_ARG(d->name));
}

og_status og_rules__check(og_compiler *k, const og_decl *d, const og_effective *e)
{
  OG_TRY(check_type_annotations(k, d));
  for (uint32_t i = 0; i < e->n; i++) {
    OG_TRY(check_property_name(k, d, e->props[i].decl));
    OG_TRY(check_property_annotations(k, d, e, e->props[i].decl));
  }
  OG_TRY(check_constraints(k, d, e));
  return d->kind == OG_DECL_NODE ? check_keys(k, d, e) : OG_OK;
}
