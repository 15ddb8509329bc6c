/* SPDX-License-Identifier: MIT */
/* api/schema.c -- plans of schema changes as JSON. */
#include "api/render.h"

static og_status put_annotations(og_ctx *cx, const og_annotation *a, uint32_t n, og_json_writer *w)
{
  OG_TRY(og_json_key(cx, w, OG_STR("annotations")));
  OG_TRY(og_json_begin_array(cx, w));
  for (uint32_t i = 0; i < n; i++) OG_TRY(og_schema_annotation_write(cx, &a[i], w));
  return og_json_end_array(cx, w);
}

static og_status put_names(og_ctx *cx, const char *key, const og_str *names, uint32_t n, og_json_writer *w)
{
  OG_TRY(og_json_key(cx, w, og_str_of(key)));
  OG_TRY(og_json_begin_array(cx, w));
  for (uint32_t i = 0; i < n; i++) OG_TRY(og_json_str(cx, w, names[i]));
  return og_json_end_array(cx, w);
}

/* The type is `name` where the step is about it, and `type_name` where it is about something in it. */
static og_status put_subject(og_ctx *cx, const og_step *s, bool inside, og_json_writer *w)
{
  OG_TRY(og_json_kv_str(cx, w, "type_kind", og_str_of(og_type_kind_name(s->type_kind))));
  OG_TRY(og_json_kv_str(cx, w, inside ? "type_name" : "name", s->type));
  return s->property.ptr ? og_json_kv_str(cx, w, "property_name", s->property) : OG_OK;
}

static og_status put_rename(og_ctx *cx, const og_step *s, og_json_writer *w)
{
  OG_TRY(og_json_kv_str(cx, w, "type_kind", og_str_of(og_type_kind_name(s->type_kind))));
  if (s->property.ptr) OG_TRY(og_json_kv_str(cx, w, "type_name", s->type));
  OG_TRY(og_json_kv_str(cx, w, "from", s->from));
  return og_json_kv_str(cx, w, "to", s->property.ptr ? s->property : s->type);
}

static og_status put_index(og_ctx *cx, const og_constraint *k, og_json_writer *w)
{
  OG_TRY(og_json_key(cx, w, OG_STR("constraint")));
  OG_TRY(og_json_begin_object(cx, w));
  OG_TRY(og_json_kv_str(cx, w, "kind", OG_STR("index")));
  OG_TRY(put_names(cx, "columns", k->names, k->n, w));
  return og_json_end_object(cx, w);
}

static og_status put_unsupported(og_ctx *cx, const og_step *s, og_json_writer *w)
{
  og_str entity;
  OG_TRY(og_step_entity(cx, cx->arena, s, &entity));
  OG_TRY(og_json_kv_str(cx, w, "entity", entity));
  OG_TRY(og_json_kv_str(cx, w, "reason", s->reason));
  return s->code ? og_json_kv_str(cx, w, "code", og_str_of(s->code)) : OG_OK;
}

static og_status put_details(og_ctx *cx, const og_step *s, og_json_writer *w)
{
  switch (s->kind) {
  case OG_STEP_ADD_TYPE: return put_subject(cx, s, false, w);
  case OG_STEP_RENAME_TYPE:
  case OG_STEP_RENAME_PROPERTY: return put_rename(cx, s, w);
  case OG_STEP_ADD_PROPERTY:
    OG_TRY(put_subject(cx, s, true, w));
    OG_TRY(og_json_key(cx, w, OG_STR("property_type")));
    return og_schema_type_write(cx, &s->definition->type, w);
  case OG_STEP_EXTEND_ENUM:
    OG_TRY(put_subject(cx, s, true, w));
    return put_names(cx, "added_values", s->added, s->n_added, w);
  case OG_STEP_ADD_CONSTRAINT: OG_TRY(put_subject(cx, s, true, w)); return put_index(cx, s->constraint, w);
  case OG_STEP_UPDATE_TYPE_METADATA:
    OG_TRY(put_subject(cx, s, false, w));
    return put_annotations(cx, s->metadata, s->n_metadata, w);
  case OG_STEP_UPDATE_PROPERTY_METADATA:
    OG_TRY(put_subject(cx, s, true, w));
    return put_annotations(cx, s->metadata, s->n_metadata, w);
  case OG_STEP_DROP_PROPERTY:
  case OG_STEP_DROP_TYPE:
    OG_TRY(put_subject(cx, s, s->property.ptr != NULL, w));
    return og_json_kv_str(cx, w, "mode", s->hard ? OG_STR("hard") : OG_STR("soft"));
  case OG_STEP_UNSUPPORTED: return put_unsupported(cx, s, w);
  }
  return OG_OK;
}

static og_status put_steps(og_ctx *cx, const og_migration *m, og_json_writer *w)
{
  OG_TRY(og_json_kv_u64(cx, w, "step_count", m->n_steps));
  OG_TRY(og_json_key(cx, w, OG_STR("steps")));
  OG_TRY(og_json_begin_array(cx, w));
  for (uint32_t i = 0; i < m->n_steps; i++) {
    OG_TRY(og_json_begin_object(cx, w));
    OG_TRY(og_json_kv_str(cx, w, "kind", og_str_of(og_step_kind_name(m->steps[i].kind))));
    OG_TRY(put_details(cx, &m->steps[i], w));
    OG_TRY(og_json_end_object(cx, w));
  }
  return og_json_end_array(cx, w);
}

og_status og_api_schema_plan(og_ctx *cx, const og_migration *m, og_str uri, og_json_writer *w)
{
  OG_TRY(og_json_begin_object(cx, w));
  OG_TRY(og_json_kv_str(cx, w, "uri", uri));
  OG_TRY(og_json_kv_bool(cx, w, "supported", m->supported));
  OG_TRY(put_steps(cx, m, w));
  return og_json_end_object(cx, w);
}

og_status og_api_schema_applied(og_ctx *cx, const og_schema_applied *r, og_str uri, og_json_writer *w)
{
  OG_TRY(og_json_begin_object(cx, w));
  OG_TRY(og_json_kv_str(cx, w, "uri", uri));
  OG_TRY(og_json_kv_bool(cx, w, "supported", r->plan.supported));
  OG_TRY(og_json_kv_bool(cx, w, "applied", r->applied));
  if (r->applied)
    OG_TRY(og_json_kv_u64(cx, w, "graph_manifest_version", r->commit.manifest_version));
  else
    OG_TRY(og_json_kv_null(cx, w, "graph_manifest_version"));
  OG_TRY(put_steps(cx, &r->plan, w));
  return og_json_end_object(cx, w);
}
