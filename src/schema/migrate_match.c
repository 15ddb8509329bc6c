/* SPDX-License-Identifier: MIT */
/* schema/migrate_match.c -- which declaration of the desired schema is which of the accepted one.
 *
 *  (1) A declaration is the accepted one of its kind (a property: of its owner) that has its name; that beats any hint.
 *  (2) Otherwise it is the one that its @rename_from names.  A hint that names nothing, something of another kind or
 *      owner, or what another declaration is already, is an error: to guess would lose data.
 *  (3) Otherwise it is new, and what nobody claimed is dropped.
 *
 * A property that an interface injects brings the interface's hint along; in a type that cannot follow it, it is new.
 */
#include "schema/migrate_impl.h"

static og_status fail(og_matcher *m, og_span at, og_str near, const char *fmt, ...) OG_PRINTF(4, 5);
static og_status fail(og_matcher *m, og_span at, og_str near, const char *fmt, ...)
{
  og_str hint = OG_STR_NONE;
  char message[600];
  va_list args;
  va_start(args, fmt);
  vsnprintf(message, sizeof message, fmt, args);
  va_end(args);
  if (near.ptr) OG_TRY(og_arena_printf(m->cx, m->cx->arena, &hint, "did you mean '" OG_STR_FMT "'?", OG_STR_ARG(near)));
  return og_source_fail(m->cx, OG_EINVALID, &m->source, at, hint, "plan error: %s", message);
}

static og_type_def *mutable_type(const og_type_def *t)
{
  return (og_type_def *)(uintptr_t)t; /* the planned catalog is still ours to fill */
}

/* ---- types */

static og_str nearest_type(og_type_list list, og_str name)
{
  og_str best = OG_STR_NONE;
  unsigned distance = 3;
  for (uint32_t i = 0; i < list.n; i++) {
    const unsigned d = og_str_distance(list.types[i].name, name, 2);
    if (d >= distance) continue;
    distance = d;
    best = list.types[i].name;
  }
  return best;
}

static og_status no_such_type(og_matcher *m, og_type_kind kind, const og_type_def *t)
{
  for (og_type_kind other = OG_KIND_INTERFACE; other <= OG_KIND_EDGE; other++) {
    const og_type_list list = og_catalog_types(m->accepted, other);
    if (!og_catalog__find(list.types, list.n, t->hint.from)) continue;
    return fail(m, t->hint.span, OG_STR_NONE,
                "%s type '" OG_STR_FMT "' cannot be renamed from '" OG_STR_FMT "', which is of kind %s",
                og_type_kind_name(kind), OG_STR_ARG(t->name), OG_STR_ARG(t->hint.from), og_type_kind_name(other));
  }
  return fail(m, t->hint.span, nearest_type(og_catalog_types(m->accepted, kind), t->hint.from),
              "%s type '" OG_STR_FMT "' cannot be renamed from '" OG_STR_FMT "': no accepted declaration has that name",
              og_type_kind_name(kind), OG_STR_ARG(t->name), OG_STR_ARG(t->hint.from));
}

static og_status claim_type(og_matcher *m, const og_type_def *will, const og_type_def *was)
{
  mutable_type(will)->id = was->id;
  mutable_type(will)->incarnation = was->incarnation;
  return og_umap_put(m->cx, &m->claimed, was->id, (uintptr_t)will, NULL);
}

static og_status follow_type_hint(og_matcher *m, og_type_kind kind, const og_type_def *t)
{
  const og_type_list was = og_catalog_types(m->accepted, kind);
  const og_type_def *old = og_catalog__find(was.types, was.n, t->hint.from);
  if (!old) return no_such_type(m, kind, t);
  const og_type_def *taken = og_ids_type(&m->claimed, old->id);
  if (taken)
    return fail(m, t->hint.span, OG_STR_NONE,
                "%s type '" OG_STR_FMT "' cannot be renamed from '" OG_STR_FMT "': '" OG_STR_FMT "' is that already",
                og_type_kind_name(kind), OG_STR_ARG(t->name), OG_STR_ARG(t->hint.from), OG_STR_ARG(taken->name));
  return claim_type(m, t, old);
}

static og_status match_types(og_matcher *m, og_type_kind kind)
{
  const og_type_list was = og_catalog_types(m->accepted, kind), will = og_catalog_types(m->planned, kind);
  for (uint32_t i = 0; i < will.n; i++) {
    const og_type_def *old = og_catalog__find(was.types, was.n, will.types[i].name);
    if (old) OG_TRY(claim_type(m, &will.types[i], old));
  }
  for (uint32_t i = 0; i < will.n; i++)
    if (will.types[i].id == 0 && will.types[i].hint.from.ptr) OG_TRY(follow_type_hint(m, kind, &will.types[i]));
  return OG_OK;
}

/* ---- properties */

static og_status claim_property(og_matcher *m, const og_property *will, const og_property *was)
{
  ((og_property *)(uintptr_t)will)->id = was->id;
  return og_umap_put(m->cx, &m->claimed, was->id, (uintptr_t)will, NULL);
}

/* Another type that had a property of that name: the user may think it moves. */
static const og_type_def *other_owner(const og_matcher *m, const og_type_def * not, og_str name)
{
  for (og_type_kind kind = OG_KIND_INTERFACE; kind <= OG_KIND_EDGE; kind++) {
    const og_type_list list = og_catalog_types(m->accepted, kind);
    for (uint32_t i = 0; i < list.n; i++)
      if (&list.types[i] != not &&og_type_property(&list.types[i], name) >= 0) return &list.types[i];
  }
  return NULL;
}

static og_status no_such_property(og_matcher *m, const og_type_def *was, const og_type_def *t, const og_property *p)
{
  const og_type_def *owner = other_owner(m, was, p->hint.from);
  if (!was)
    return fail(m, p->hint.span, OG_STR_NONE,
                "'" OG_STR_FMT "." OG_STR_FMT "' cannot be renamed from '" OG_STR_FMT "': its type is new",
                OG_STR_ARG(t->name), OG_STR_ARG(p->name), OG_STR_ARG(p->hint.from));
  if (owner)
    return fail(m, p->hint.span, og_type_suggest_property(was, p->hint.from),
                "'" OG_STR_FMT "." OG_STR_FMT "' cannot be renamed from '" OG_STR_FMT
                "': no accepted declaration has that name in '" OG_STR_FMT
                "', and a property cannot move between types, as from '" OG_STR_FMT "'",
                OG_STR_ARG(t->name), OG_STR_ARG(p->name), OG_STR_ARG(p->hint.from), OG_STR_ARG(was->name),
                OG_STR_ARG(owner->name));
  return fail(m, p->hint.span, og_type_suggest_property(was, p->hint.from),
              "'" OG_STR_FMT "." OG_STR_FMT "' cannot be renamed from '" OG_STR_FMT
              "': no accepted declaration has that name in '" OG_STR_FMT "'",
              OG_STR_ARG(t->name), OG_STR_ARG(p->name), OG_STR_ARG(p->hint.from), OG_STR_ARG(was->name));
}

static og_status follow_property_hint(og_matcher *m, const og_type_def *was, const og_type_def *t, const og_property *p)
{
  const int32_t at = was ? og_type_property(was, p->hint.from) : -1;
  if (at < 0) return p->direct ? no_such_property(m, was, t, p) : OG_OK;
  const og_property *taken = og_ids_property(&m->claimed, was->properties[at].id);
  if (taken && p->direct)
    return fail(m, p->hint.span, OG_STR_NONE,
                "'" OG_STR_FMT "." OG_STR_FMT "' cannot be renamed from '" OG_STR_FMT "': '" OG_STR_FMT
                "' is that already",
                OG_STR_ARG(t->name), OG_STR_ARG(p->name), OG_STR_ARG(p->hint.from), OG_STR_ARG(taken->name));
  return taken ? OG_OK : claim_property(m, p, &was->properties[at]);
}

static og_status match_properties(og_matcher *m, const og_type_def *t)
{
  const og_type_def *was = t->id ? og_ids_type(m->was, t->id) : NULL;
  for (uint32_t i = 0; was && i < t->n_properties; i++) {
    const int32_t at = og_type_property(was, t->properties[i].name);
    if (at >= 0) OG_TRY(claim_property(m, &t->properties[i], &was->properties[at]));
  }
  for (uint32_t i = 0; i < t->n_properties; i++)
    if (t->properties[i].id == 0 && t->properties[i].hint.from.ptr)
      OG_TRY(follow_property_hint(m, was, t, &t->properties[i]));
  return OG_OK;
}

og_status og_migrate__match(og_matcher *m)
{
  for (og_type_kind kind = OG_KIND_INTERFACE; kind <= OG_KIND_EDGE; kind++) OG_TRY(match_types(m, kind));
  for (og_type_kind kind = OG_KIND_INTERFACE; kind <= OG_KIND_EDGE; kind++) {
    const og_type_list list = og_catalog_types(m->planned, kind);
    for (uint32_t i = 0; i < list.n; i++) OG_TRY(match_properties(m, &list.types[i]));
  }
  return OG_OK;
}
