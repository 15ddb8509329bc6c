/* SPDX-License-Identifier: MIT */
/* schema/identity.c -- numbers for types, properties and table incarnations.
 *
 * One counter from 1, never reused: new types in order (interfaces, nodes, edges; each by name), then new properties by
 * (owner id, name), then incarnations of new nodes and edges by type id.
 */
#include "base/vec.h"
#include "schema/internal.h"

/* The catalog is being made: its const parts are still ours to fill. */
static og_type_def *mutable_types(const og_type_def *t)
{
  return (og_type_def *)(uintptr_t)t;
}

static og_property *mutable_property(const og_type_def *t, uint32_t i)
{
  return (og_property *)(uintptr_t)&t->properties[i];
}

typedef struct type_list {
  const og_type_def *types;
  uint32_t n;
} type_list;

static void lists_of(const og_catalog *c, type_list out[3])
{
  out[0] = (type_list){c->interfaces, c->n_interfaces};
  out[1] = (type_list){c->nodes, c->n_nodes};
  out[2] = (type_list){c->edges, c->n_edges};
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

og_status og_identity__assign(og_ctx *cx, og_catalog *c, uint64_t skip)
{
  type_list lists[3];
  uint64_t next = 1;
  lists_of(c, lists);
  for (int k = 0; k < 3; k++)
    for (uint32_t i = 0; i < lists[k].n; i++) mutable_types(lists[k].types)[i].id = next++;
  /* Types were numbered in list order, so list order is owner order; properties are in name order. */
  for (int k = 0; k < 3; k++)
    for (uint32_t i = 0; i < lists[k].n; i++)
      for (uint32_t p = 0; p < lists[k].types[i].n_properties; p++)
        mutable_property(&lists[k].types[i], p)->id = next++;
  next += skip;
  for (int k = 1; k < 3; k++)
    for (uint32_t i = 0; i < lists[k].n; i++) mutable_types(lists[k].types)[i].incarnation = next++;
  c->next_id = next;
  return og_identity__link(cx, c);
}
