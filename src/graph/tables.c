/* SPDX-License-Identifier: MIT */
#include "graph/tables.h"

#include "lance/fields.h"

#include <inttypes.h>

static og_type scalar_type(const og_prop_type *p)
{
  static const og_type_id ids[] = {OG_TYPE_UTF8, OG_TYPE_LARGE_BINARY, OG_TYPE_BOOL,   OG_TYPE_I32,
                                   OG_TYPE_I64,  OG_TYPE_U32,          OG_TYPE_U64,    OG_TYPE_F32,
                                   OG_TYPE_F64,  OG_TYPE_DATE64,       OG_TYPE_DATE32, OG_TYPE_F32};
  return og_type_of(ids[p->kind]);
}

og_type og_prop_arrow_type(const og_prop_type *p, og_field *item)
{
  *item = (og_field){.name = OG_STR("item"), .type = scalar_type(p), .nullable = true};
  if (p->list) return og_type_of(OG_TYPE_LIST);
  if (p->kind == OG_SC_VECTOR) return og_type_fixed_list((int32_t)p->dim);
  return item->type;
}

static og_status property_field(og_ctx *cx, og_arena *a, const og_property *p, og_field *out)
{
  og_field *item = og_arena_alloc(cx, a, sizeof *item);
  og_str *meta = og_arena_calloc(cx, a, 4, sizeof *meta);
  if (!item || !meta) return OG_ENOMEM;
  *out = (og_field){.name = p->name, .nullable = p->type.nullable, .meta = meta, .n_meta = 1};
  out->type = og_prop_arrow_type(&p->type, item);
  if (og_type_is_nested(out->type.id)) {
    out->children = item;
    out->n_children = 1;
  }
  if (p->type.kind == OG_SC_BLOB) {
    meta[2 * out->n_meta] = OG_STR(OG_LANCE_BLOB_MARK);
    meta[2 * out->n_meta++ + 1] = OG_STR("v2");
  }
  meta[0] = OG_STR("omnigraph.stable_property_id");
  return og_arena_printf(cx, a, &meta[1], "%" PRIu64, p->id);
}

static og_status fill(og_ctx *cx, og_arena *a, const og_type_def *t, og_schema **out)
{
  static const char *const system[] = {"id", "src", "dst"};
  const og_str key_meta[2] = {OG_STR("lance-schema:unenforced-primary-key"), OG_STR("true")};
  uint32_t first = og_type_first_property(t), n = first + t->n_properties;
  og_field *fields = og_arena_calloc(cx, a, n, sizeof *fields);
  if (!fields) return OG_ENOMEM;
  for (uint32_t i = 0; i < first; i++)
    fields[i] = (og_field){.name = og_str_of(system[i]), .type = og_type_of(OG_TYPE_UTF8)};
  fields[0].meta = key_meta;
  fields[0].n_meta = 1;
  for (uint32_t i = 0; i < t->n_properties; i++) OG_TRY(property_field(cx, a, &t->properties[i], &fields[first + i]));
  return og_schema_new(cx, fields, n, NULL, 0, out);
}

og_status og_type_schema(og_ctx *cx, const og_type_def *t, og_schema **out)
{
  OG_AUTO(og_arena) a = {0};
  return fill(cx, &a, t, out);
}
