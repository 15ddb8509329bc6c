/* SPDX-License-Identifier: MIT */
/* schema/identity.c -- numbers for types, properties and table incarnations.
 *
 * One counter from 1, never reused: new types in order (interfaces, nodes, edges; each by name), then new properties by
 * (owner id, name), then incarnations of new nodes and edges by type id.
 */
#include "base/vec.h"
#include "schema/internal.h"
#include "schema/migrate.h"

/* The catalog is being made: its const parts are still ours to fill. */
static og_type_def *mutable_types(const og_type_def *t)
{
  return (og_type_def *)(uintptr_t)t;
}

static og_property *mutable_property(const og_type_def *t, uint32_t i)
{
  return (og_property *)(uintptr_t)&t->properties[i];
}

static void lists_of(const og_catalog *c, og_type_list out[3])
{
  for (og_type_kind kind = OG_KIND_INTERFACE; kind <= OG_KIND_EDGE; kind++) out[kind] = og_catalog_types(c, kind);
}

static int by_id(const void *a, const void *b, void *arg)
{
  (void)arg;
  const og_type_ref *x = a, *y = b;
  return x->id < y->id ? -1 : x->id > y->id;
}

static int by_owner(const void *a, const void *b, void *arg)
{
  (void)arg;
  const og_interface_ref *x = a, *y = b;
  if (x->owner_id != y->owner_id) return x->owner_id < y->owner_id ? -1 : 1;
  return og_str_cmp(x->owner, y->owner);
}

static const og_type_def *interface_named(const og_catalog *c, og_str name)
{
  return og_catalog__find(c->interfaces, c->n_interfaces, name);
}

/* References by name get their numbers once everything has one. */
og_status og_identity__link(og_ctx *cx, const og_catalog *c)
{
  for (uint32_t i = 0; i < c->n_nodes; i++) {
    const og_type_def *t = &c->nodes[i];
    og_type_ref *refs = (og_type_ref *)(uintptr_t)t->implements;
    for (uint32_t r = 0; r < t->n_implements; r++) refs[r].id = interface_named(c, refs[r].name)->id;
    OG_TRY(og_sort(cx, refs, t->n_implements, sizeof *refs, by_id, NULL));
    for (uint32_t p = 0; p < t->n_properties; p++) {
      og_interface_ref *s = (og_interface_ref *)(uintptr_t)t->properties[p].satisfies;
      for (uint32_t r = 0; r < t->properties[p].n_satisfies; r++) {
        const og_type_def *owner = interface_named(c, s[r].owner);
        s[r].owner_id = owner->id;
        s[r].property_id = owner->properties[og_type_property(owner, s[r].property)].id;
      }
      OG_TRY(og_sort(cx, s, t->properties[p].n_satisfies, sizeof *s, by_owner, NULL));
    }
  }
  return OG_OK;
}

typedef struct unnumbered {
  uint64_t owner;
  og_property *property; /* properties of one owner are in name order */
} unnumbered;

static int by_owner_id(const void *a, const void *b, void *arg)
{
  (void)arg;
  const unnumbered *x = a, *y = b;
  return x->owner < y->owner ? -1 : x->owner > y->owner;
}

static og_status number_properties(og_ctx *cx, const og_type_list lists[3], og_vec *fresh, uint64_t *next)
{
  for (int k = 0; k < 3; k++)
    for (uint32_t i = 0; i < lists[k].n; i++)
      for (uint32_t p = 0; p < lists[k].types[i].n_properties; p++) {
        const unnumbered u = {lists[k].types[i].id, mutable_property(&lists[k].types[i], p)};
        if (u.property->id == 0) OG_TRY(og_vec_add(cx, fresh, &u));
      }
  OG_TRY(og_sort(cx, fresh->data, fresh->len, fresh->elem, by_owner_id, NULL));
  for (size_t i = 0; i < fresh->len; i++) OG_VEC_AT(fresh, unnumbered, i).property->id = (*next)++;
  return OG_OK;
}

og_status og_identity__assign(og_ctx *cx, og_catalog *c, uint64_t skip)
{
  og_type_list lists[3];
  uint64_t next = c->next_id;
  og_vec fresh = OG_VEC_INIT(unnumbered);
  lists_of(c, lists);
  for (int k = 0; k < 3; k++)
    for (uint32_t i = 0; i < lists[k].n; i++)
      if (lists[k].types[i].id == 0) mutable_types(lists[k].types)[i].id = next++;
  og_status st = number_properties(cx, lists, &fresh, &next);
  og_vec_cleanup(&fresh);
  OG_TRY(st);
  next += skip;
  /* New types were numbered in list order, so that is the order of their ids. */
  for (int k = 1; k < 3; k++)
    for (uint32_t i = 0; i < lists[k].n; i++)
      if (lists[k].types[i].incarnation == 0) mutable_types(lists[k].types)[i].incarnation = next++;
  c->next_id = next;
  return og_identity__link(cx, c);
}
