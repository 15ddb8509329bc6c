/* SPDX-License-Identifier: MIT */
/* schema/rules.c -- what a declaration must obey on its own, once its properties are complete.
 *
 * Messages name the place as `Type.property`; positions point at what was written.
 */
#include "schema/internal.h"

static og_status fail(og_compiler *k, og_span at, og_str hint, const char *what, og_str type, og_str prop)
{
  if (prop.len)
    return og_source_fail(k->cx, OG_EINVALID, &k->file->source, at, hint,
                          "catalog error: %s (" OG_STR_FMT "." OG_STR_FMT ")", what, OG_STR_ARG(type),
                          OG_STR_ARG(prop));
  return og_source_fail(k->cx, OG_EINVALID, &k->file->source, at, hint, "catalog error: %s (" OG_STR_FMT ")", what,
                        OG_STR_ARG(type));
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

static og_status check_repeats(og_compiler *k, const og_decl_annotation *list, uint32_t n, og_str type, og_str prop)
{
  static const char *const once[] = {"key", "unique", "index", "embed", "description", "instruction", "rename_from"};
  for (size_t w = 0; w < OG_ARRAY_LEN(once); w++) {
    unsigned seen = 0;
    for (uint32_t i = 0; i < n; i++) {
      if (!named(&list[i], once[w]) || ++seen < 2) continue;
      return og_source_fail(k->cx, OG_EINVALID, &k->file->source, list[i].span, OG_STR_NONE,
                            "catalog error: " OG_STR_FMT "%s" OG_STR_FMT " declares @%s multiple times",
                            OG_STR_ARG(type), prop.len ? "." : "", OG_STR_ARG(prop), once[w]);
    }
  }
  return OG_OK;
}

static og_status check_text(og_compiler *k, const og_decl_annotation *a, og_str type, og_str prop)
{
  bool rename = named(a, "rename_from");
  if (!rename && !named(a, "description") && !named(a, "instruction")) return OG_OK;
  if (!a->a.value.ptr || is_blank(a->a.value))
    return fail(k, a->span, OG_STR_NONE,
                rename ? "@rename_from requires exactly one non-empty positional value"
                       : "this annotation requires a non-empty value",
                type, prop);
  if (rename && a->a.n_kwargs)
    return fail(k, a->span, OG_STR_NONE, "@rename_from does not accept keyword arguments", type, prop);
  return OG_OK;
}

static og_status check_type_annotations(og_compiler *k, const og_decl *d)
{
  OG_TRY(check_repeats(k, d->annotations, d->n_annotations, d->name, OG_STR_NONE));
  for (uint32_t i = 0; i < d->n_annotations; i++) {
    const og_decl_annotation *a = &d->annotations[i];
    bool relation = named(a, "key") || named(a, "unique") || named(a, "index") || named(a, "embed");
    if (relation && d->kind == OG_DECL_EDGE)
      return fail(k, a->span, OG_STR("write it on a property, or as @unique(a, b) in the body"),
                  "this annotation is not supported on edges", d->name, OG_STR_NONE);
    if (relation)
      return fail(k, a->span, OG_STR("write it on a property, or as @key(a, b) in the body"),
                  "this annotation is only supported on node properties or as body constraint", d->name, OG_STR_NONE);
    OG_TRY(check_text(k, a, d->name, OG_STR_NONE));
  }
  return OG_OK;
}

static og_status check_relation(og_compiler *k, const og_decl *d, const og_decl_property *p,
                                const og_decl_annotation *a)
{
  bool key = named(a, "key"), unique = named(a, "unique"), embed = named(a, "embed");
  if (p->type.list)
    return fail(k, a->span, OG_STR_NONE, "key, unique, index and embed are not supported on a list property", d->name,
                p->name);
  if (p->type.kind == OG_SC_VECTOR && (key || unique))
    return fail(k, a->span, OG_STR_NONE, "@key and @unique are not supported on a vector property", d->name, p->name);
  if (p->type.kind == OG_SC_BLOB)
    return fail(k, a->span, OG_STR_NONE, "key, unique, index and embed are not supported on a blob property", d->name,
                p->name);
  if (d->kind == OG_DECL_EDGE && (key || embed))
    return fail(k, a->span, OG_STR_NONE, "@key and @embed are not supported on edge properties", d->name, p->name);
  if (!embed && a->a.value.ptr)
    return fail(k, a->span, OG_STR_NONE, "this annotation does not accept a value", d->name, p->name);
  return OG_OK;
}

static const og_decl_property *effective(const og_effective *e, og_str name)
{
  for (uint32_t i = 0; i < e->n; i++)
    if (og_str_eq(e->props[i].decl->name, name)) return e->props[i].decl;
  return NULL;
}

static og_status check_embed(og_compiler *k, const og_decl *d, const og_effective *e, const og_decl_property *p,
                             const og_decl_annotation *a)
{
  if (p->type.kind != OG_SC_VECTOR)
    return fail(k, a->span, OG_STR_NONE, "@embed is only supported on vector properties", d->name, p->name);
  if (!a->a.value.ptr || is_blank(a->a.value))
    return fail(k, a->span, OG_STR("@embed(\"source_property\")"), "@embed requires a source property name", d->name,
                p->name);
  for (uint32_t i = 0; i < a->a.n_kwargs; i++)
    if (!og_str_eq(a->a.kwargs[2 * i], OG_STR("model")))
      return fail(k, a->span, OG_STR_NONE, "@embed accepts only the keyword argument 'model'", d->name, p->name);
  const og_decl_property *source = effective(e, a->a.value);
  if (!source) return fail(k, a->span, OG_STR_NONE, "@embed names an unknown source property", d->name, p->name);
  if (source->type.kind != OG_SC_STRING || source->type.list)
    return fail(k, a->span, OG_STR_NONE, "the source property of @embed must be String", d->name, p->name);
  return OG_OK;
}

static og_status check_property_annotations(og_compiler *k, const og_decl *d, const og_effective *e,
                                            const og_decl_property *p)
{
  OG_TRY(check_repeats(k, p->annotations, p->n_annotations, d->name, p->name));
  for (uint32_t i = 0; i < p->n_annotations; i++) {
    const og_decl_annotation *a = &p->annotations[i];
    if (named(a, "instruction"))
      return fail(k, a->span, OG_STR_NONE, "@instruction is only supported on node and edge types", d->name, p->name);
    bool relation = named(a, "key") || named(a, "unique") || named(a, "index") || named(a, "embed");
    if (relation) OG_TRY(check_relation(k, d, p, a));
    if (named(a, "embed") && d->kind == OG_DECL_NODE) OG_TRY(check_embed(k, d, e, p, a));
    if ((named(a, "range") || named(a, "check")) && d->kind != OG_DECL_INTERFACE)
      return fail(k, a->span, OG_STR("@range(prop, min..max), @check(prop, \"regex\")"),
                  "this constraint needs its arguments", d->name, p->name);
    OG_TRY(check_text(k, a, d->name, p->name));
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
    return fail(k, p->span, OG_STR_NONE, "this property name is reserved for a virtual storage system column", d->name,
                p->name);
  bool edge_end = d->kind == OG_DECL_EDGE && (og_str_eq(p->name, OG_STR("src")) || og_str_eq(p->name, OG_STR("dst")));
  if (og_str_eq(p->name, OG_STR("id")) || edge_end)
    return fail(k, p->span, OG_STR("every entity has an id, and every edge its endpoints, without declaring them"),
                "this property name is reserved", d->name, p->name);
  return OG_OK;
}

/* ---- constraints */

static bool is_edge_end(const og_decl *d, og_str name)
{
  return d->kind == OG_DECL_EDGE && (og_str_eq(name, OG_STR("src")) || og_str_eq(name, OG_STR("dst")));
}

static og_status check_key_member(og_compiler *k, const og_decl *d, const og_decl_property *p, og_span at)
{
  if (p->type.nullable)
    return fail(k, at, OG_STR("a key member must always have a value: drop the '?'"), "@key on a nullable property",
                d->name, p->name);
  if (p->type.list || p->type.kind == OG_SC_VECTOR || p->type.kind == OG_SC_BLOB)
    return fail(k, at, OG_STR_NONE, "@key is not supported on a list, vector or blob property", d->name, p->name);
  return OG_OK;
}

static og_status check_member(og_compiler *k, const og_decl *d, const og_effective *e, const og_decl_constraint *c,
                              uint32_t i)
{
  og_span at = c->name_spans[i];
  if (is_edge_end(d, c->names[i]) && (c->kind == OG_CON_UNIQUE || c->kind == OG_CON_INDEX)) return OG_OK;
  const og_decl_property *p = effective(e, c->names[i]);
  if (!p) return fail(k, at, OG_STR_NONE, "a constraint names a property that is not declared", d->name, c->names[i]);
  switch (c->kind) {
  case OG_CON_KEY: return check_key_member(k, d, p, at);
  case OG_CON_UNIQUE:
  case OG_CON_INDEX:
    if (p->type.kind == OG_SC_BLOB)
      return fail(k, at, OG_STR_NONE, "@unique and @index are not supported on a blob property", d->name, p->name);
    if (c->kind == OG_CON_UNIQUE && (p->type.list || p->type.kind == OG_SC_VECTOR))
      return fail(k, at, OG_STR_NONE, "@unique is not supported on a list or vector property", d->name, p->name);
    return OG_OK;
  case OG_CON_RANGE:
    if (!og_scalar_is_number(p->type.kind) || p->type.list)
      return fail(k, at, OG_STR_NONE, "@range is only supported on numeric properties", d->name, p->name);
    return OG_OK;
  case OG_CON_CHECK:
    if (p->type.kind != OG_SC_STRING || p->type.list)
      return fail(k, at, OG_STR_NONE, "@check is only supported on String properties", d->name, p->name);
    return OG_OK;
  }
  return OG_OK;
}

static og_status check_constraints(og_compiler *k, const og_decl *d, const og_effective *e)
{
  for (uint32_t i = 0; i < d->n_constraints; i++) {
    const og_decl_constraint *c = &d->constraints[i];
    bool node_only = c->kind == OG_CON_KEY || c->kind == OG_CON_RANGE || c->kind == OG_CON_CHECK;
    if (d->kind == OG_DECL_EDGE && node_only)
      return fail(k, c->span, OG_STR_NONE, "@key, @range and @check are not supported on edges", d->name, OG_STR_NONE);
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
  return fail(k, second, OG_STR("a composite key is written @key(a, b)"),
              "a type cannot have multiple @key constraints", d->name, OG_STR_NONE);
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
