/* SPDX-License-Identifier: MIT */
/* schema/catalog.c -- a finished catalog: how types are spelled, who holds it, what is found in it by name. */
#include "schema/internal.h"

/* ---- types as text */

static const struct {
  const char *name;
  og_scalar_kind kind;
} scalars[] = {{"String", OG_SC_STRING}, {"Blob", OG_SC_BLOB},         {"Bool", OG_SC_BOOL}, {"I32", OG_SC_I32},
               {"I64", OG_SC_I64},       {"U32", OG_SC_U32},           {"U64", OG_SC_U64},   {"F32", OG_SC_F32},
               {"F64", OG_SC_F64},       {"DateTime", OG_SC_DATETIME}, {"Date", OG_SC_DATE}};

const char *og_scalar_name(og_scalar_kind kind)
{
  for (size_t i = 0; i < OG_ARRAY_LEN(scalars); i++)
    if (scalars[i].kind == kind) return scalars[i].name;
  return "Vector";
}

bool og_scalar_by_name(og_str name, og_scalar_kind *out)
{
  for (size_t i = 0; i < OG_ARRAY_LEN(scalars); i++) {
    if (!og_str_eq(name, og_str_of(scalars[i].name))) continue;
    *out = scalars[i].kind;
    return true;
  }
  return false;
}

bool og_scalar_is_number(og_scalar_kind kind)
{
  return kind >= OG_SC_I32 && kind <= OG_SC_F64;
}

static og_status type_core(og_ctx *cx, og_buf *b, const og_prop_type *t)
{
  if (t->kind == OG_SC_VECTOR) return og_buf_printf(cx, b, "Vector(%u)", t->dim);
  if (!t->n_enum) return og_buf_append_str(cx, b, og_str_of(og_scalar_name(t->kind)));
  OG_TRY(og_buf_append_str(cx, b, OG_STR("enum(")));
  for (uint32_t i = 0; i < t->n_enum; i++) {
    if (i) OG_TRY(og_buf_append_str(cx, b, OG_STR(", ")));
    OG_TRY(og_buf_append_str(cx, b, t->enum_values[i]));
  }
  return og_buf_append_byte(cx, b, ')');
}

og_status og_prop_type_text(og_ctx *cx, og_arena *a, const og_prop_type *t, og_str *out)
{
  OG_AUTO(og_buf) b = {0};
  if (t->list) OG_TRY(og_buf_append_byte(cx, &b, '['));
  OG_TRY(type_core(cx, &b, t));
  if (t->list) OG_TRY(og_buf_append_byte(cx, &b, ']'));
  if (t->nullable) OG_TRY(og_buf_append_byte(cx, &b, '?'));
  return og_arena_str(cx, a, og_buf_str(&b), out);
}

/* ---- look-ups */

og_catalog *og_catalog_ref(og_catalog *c)
{
  atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
  return c;
}

void og_catalog_unref(og_catalog *c)
{
  if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1) return;
  og_arena_cleanup(&c->arena);
  og_free(c);
}

const og_type_def *og_catalog__find(const og_type_def *list, uint32_t n, og_str name)
{
  uint32_t lo = 0, hi = n;
  while (lo < hi) {
    uint32_t mid = lo + (hi - lo) / 2;
    int c = og_str_cmp(list[mid].name, name);
    if (c == 0) return &list[mid];
    if (c < 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  return NULL;
}

const og_type_def *og_catalog_node(const og_catalog *c, og_str name)
{
  return og_catalog__find(c->nodes, c->n_nodes, name);
}

const og_type_def *og_catalog_interface(const og_catalog *c, og_str name)
{
  return og_catalog__find(c->interfaces, c->n_interfaces, name);
}

const og_type_def *og_catalog_edge_exact(const og_catalog *c, og_str name)
{
  return og_catalog__find(c->edges, c->n_edges, name);
}

const og_type_def *og_catalog_edge(const og_catalog *c, og_str name)
{
  const og_type_def *exact = og_catalog_edge_exact(c, name);
  for (uint32_t i = 0; !exact && i < c->n_edges; i++)
    if (og_str_eq_fold(c->edges[i].name, name)) exact = &c->edges[i];
  return exact;
}

const og_type_def *og_catalog_table(const og_catalog *c, og_str key)
{
  og_str name = og_str_sub(key, 5, key.len);
  if (og_str_starts_with(key, OG_STR("node:"))) return og_catalog_node(c, name);
  return og_str_starts_with(key, OG_STR("edge:")) ? og_catalog_edge_exact(c, name) : NULL;
}

int32_t og_type_property(const og_type_def *t, og_str name)
{
  uint32_t lo = 0, hi = t->n_properties;
  while (lo < hi) {
    uint32_t mid = lo + (hi - lo) / 2;
    int c = og_str_cmp(t->properties[mid].name, name);
    if (c == 0) return (int32_t)mid;
    if (c < 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  return -1;
}

static og_str nearer(og_str name, og_str candidate, og_str best, unsigned *distance)
{
  unsigned d = og_str_distance(name, candidate, 2);
  if (d >= *distance || d >= name.len) return best; /* nothing of the name is left in it */
  *distance = d;
  return candidate;
}

og_str og_catalog_suggest_node(const og_catalog *c, og_str name)
{
  og_str best = OG_STR_NONE;
  unsigned distance = 3;
  for (uint32_t i = 0; i < c->n_nodes; i++) best = nearer(name, c->nodes[i].name, best, &distance);
  for (uint32_t i = 0; i < c->n_interfaces; i++) best = nearer(name, c->interfaces[i].name, best, &distance);
  return best;
}

og_str og_catalog_suggest_edge(const og_catalog *c, og_str name)
{
  og_str best = OG_STR_NONE;
  unsigned distance = 3;
  for (uint32_t i = 0; i < c->n_edges; i++) best = nearer(name, c->edges[i].name, best, &distance);
  return best;
}

og_str og_type_suggest_property(const og_type_def *t, og_str name)
{
  og_str best = OG_STR_NONE;
  unsigned distance = 3;
  for (uint32_t i = 0; i < t->n_properties; i++) best = nearer(name, t->properties[i].name, best, &distance);
  return best;
}
