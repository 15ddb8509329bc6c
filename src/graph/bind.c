/* SPDX-License-Identifier: MIT */
#include "graph/bind.h"

#include "graph/tables.h"

#define MARKER "omnigraph.stable_property_id"

/* The property id that a stored column carries, else that of the property of its name; 0: of none. */
static uint64_t property_of(const og_type_def *named, const og_field *f)
{
  uint64_t id;
  for (uint32_t i = 0; i < f->n_meta; i++)
    if (og_str_eq(f->meta[2 * (size_t)i], OG_STR(MARKER)) && og_str_to_u64(f->meta[2 * (size_t)i + 1], &id)) return id;
  const int32_t at = og_type_property(named, f->name);
  return at < 0 ? 0 : named->properties[at].id;
}

static int32_t index_of(const og_type_def *t, uint64_t id)
{
  for (uint32_t i = 0; i < t->n_properties; i++)
    if (t->properties[i].id == id) return (int32_t)i;
  return -1;
}

static og_status check_fixed(og_ctx *cx, const og_type_def *will, const og_schema *stored)
{
  static const char *const names[] = {"id", "src", "dst"};
  const uint32_t n = og_type_first_property(will);
  bool ok = stored->n_fields >= n;
  for (uint32_t i = 0; ok && i < n; i++) ok = og_str_eq(stored->fields[i].name, og_str_of(names[i]));
  if (ok) return OG_OK;
  return og_fail(cx, OG_ECORRUPT, "table '" OG_STR_FMT "' does not begin with the columns that its type needs",
                 OG_STR_ARG(will->key));
}

/* The columns that are there; `found` per property of the type. */
static og_status compare(og_ctx *cx, const og_type_def *named, const og_type_def *will, const og_schema *stored,
                         og_binding *out, bool *found)
{
  int32_t last = -1;
  out->dropped = og_push_array(cx, (size_t)stored->n_fields + 1, sizeof *out->dropped);
  out->renamed = og_push_array(cx, (size_t)stored->n_fields + 1, sizeof *out->renamed);
  if (!out->dropped || !out->renamed) return OG_ENOMEM;
  out->same = true;
  for (uint32_t c = out->fixed; c < stored->n_fields; c++) {
    const uint64_t id = property_of(named, &stored->fields[c]);
    const int32_t at = id ? index_of(will, id) : -1;
    if (at < 0 || found[at]) {
      out->dropped[out->n_dropped++] = c;
      out->same = false;
      continue;
    }
    found[at] = true;
    if (!og_str_eq(will->properties[at].name, stored->fields[c].name))
      out->renamed[out->n_renamed++] = (og_column_rename){c, will->properties[at].name};
    out->same = out->same && at > last && out->n_renamed == 0;
    last = at;
  }
  return OG_OK;
}

static og_status added_columns(og_ctx *cx, const og_type_def *will, const bool *found, og_binding *out)
{
  og_schema *all;
  uint32_t n = 0;
  og_field *fields = og_push_array(cx, (size_t)will->n_properties + 1, sizeof *fields);
  if (!fields) return OG_ENOMEM;
  OG_TRY(og_type_schema(cx, will, &all));
  for (uint32_t i = 0; i < will->n_properties; i++) {
    if (found[i]) continue;
    fields[n] = all->fields[out->fixed + i];
    fields[n++].nullable = true;
  }
  og_status st = n ? og_schema_new(cx, fields, n, NULL, 0, &out->added) : OG_OK;
  out->same = out->same && n == 0;
  og_schema_unref(all);
  return st;
}

og_status og_bind(og_ctx *cx, const og_type_def *named, const og_type_def *will, const og_lance_table *t,
                  og_binding *out)
{
  const og_schema *stored = og_lance_table_schema(t)->arrow;
  bool *found = og_push_array(cx, (size_t)will->n_properties + 1, sizeof *found);
  *out = (og_binding){.fixed = og_type_first_property(will)};
  if (!found) return OG_ENOMEM;
  OG_TRY(check_fixed(cx, will, stored));
  OG_TRY(compare(cx, named, will, stored, out, found));
  return added_columns(cx, will, found, out);
}

void og_binding_cleanup(og_binding *b)
{
  og_schema_unref(b->added);
  *b = (og_binding){0};
}

og_status og_binding_relayout(og_ctx *cx, const og_binding *b, og_lance_table *t)
{
  const og_lance_schema *s = og_lance_table_schema(t);
  int32_t *dropped = og_push_array(cx, b->n_dropped + 1, sizeof *dropped);
  og_lance_rename *renamed = og_push_array(cx, b->n_renamed + 1, sizeof *renamed);
  og_lance_schema *added = NULL;
  if (!dropped || !renamed) return OG_ENOMEM;
  for (size_t i = 0; i < b->n_dropped; i++) dropped[i] = s->fields[og_lance_schema_top(s, b->dropped[i])].id;
  for (size_t i = 0; i < b->n_renamed; i++)
    renamed[i] = (og_lance_rename){s->fields[og_lance_schema_top(s, b->renamed[i].column)].id, b->renamed[i].name};
  if (b->added) OG_TRY(og_lance_schema_numbered(cx, b->added, og_lance_table_free_field(t), &added));
  const og_lance_alteration a = {.dropped = dropped,
                                 .n_dropped = b->n_dropped,
                                 .renamed = renamed,
                                 .n_renamed = b->n_renamed,
                                 .added = added,
                                 .by_name = true,
                                 .fixed = b->fixed};
  og_status st = og_lance_table_relayout(cx, t, &a);
  og_lance_schema_unref(added);
  return st;
}
