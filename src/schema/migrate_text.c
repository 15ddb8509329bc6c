/* SPDX-License-Identifier: MIT */
/* schema/migrate_text.c -- steps in words. */
#include "schema/migrate_impl.h"

og_status og_step_entity(og_ctx *cx, og_arena *a, const og_step *s, og_str *out)
{
  return og_arena_printf(cx, a, out, "%s:" OG_STR_FMT "%s" OG_STR_FMT, og_type_kind_name(s->type_kind),
                         OG_STR_ARG(s->type), s->property.ptr ? "." : "", OG_STR_ARG(s->property));
}

/* "node type 'Car'", "interface 'Named'" */
static og_status put_type(og_ctx *cx, og_buf *b, const og_step *s, og_str name)
{
  static const char *const words[] = {"interface", "node type", "edge type"};
  return og_buf_printf(cx, b, "%s '" OG_STR_FMT "'", words[s->type_kind], OG_STR_ARG(name));
}

static og_status put_property(og_ctx *cx, og_buf *b, const og_step *s, og_str name)
{
  OG_TRY(og_buf_printf(cx, b, "property '" OG_STR_FMT "' of ", OG_STR_ARG(name)));
  return put_type(cx, b, s, s->type);
}

static og_status put_names(og_ctx *cx, og_buf *b, const og_str *names, uint32_t n)
{
  for (uint32_t i = 0; i < n; i++) OG_TRY(og_buf_printf(cx, b, "%s" OG_STR_FMT, i ? ", " : "", OG_STR_ARG(names[i])));
  return OG_OK;
}

static og_status put_subject(og_ctx *cx, og_buf *b, const og_step *s)
{
  return s->property.ptr ? put_property(cx, b, s, s->property) : put_type(cx, b, s, s->type);
}

static og_status put_new_property(og_ctx *cx, og_arena *a, og_buf *b, const og_step *s)
{
  og_str type;
  OG_TRY(og_prop_type_text(cx, a, &s->definition->type, &type));
  OG_TRY(og_buf_printf(cx, b, "add property '" OG_STR_FMT "' (" OG_STR_FMT ") to ", OG_STR_ARG(s->property),
                       OG_STR_ARG(type)));
  return put_type(cx, b, s, s->type);
}

static og_status put_step(og_ctx *cx, og_arena *a, og_buf *b, const og_step *s)
{
  switch (s->kind) {
  case OG_STEP_ADD_TYPE: OG_TRY(og_buf_append_str(cx, b, OG_STR("add "))); return put_type(cx, b, s, s->type);
  case OG_STEP_RENAME_TYPE:
    OG_TRY(og_buf_append_str(cx, b, OG_STR("rename ")));
    OG_TRY(put_type(cx, b, s, s->from));
    return og_buf_printf(cx, b, " to '" OG_STR_FMT "'", OG_STR_ARG(s->type));
  case OG_STEP_ADD_PROPERTY: return put_new_property(cx, a, b, s);
  case OG_STEP_RENAME_PROPERTY:
    OG_TRY(og_buf_append_str(cx, b, OG_STR("rename ")));
    OG_TRY(put_property(cx, b, s, s->from));
    return og_buf_printf(cx, b, " to '" OG_STR_FMT "'", OG_STR_ARG(s->property));
  case OG_STEP_EXTEND_ENUM:
    OG_TRY(og_buf_append_str(cx, b, OG_STR("extend ")));
    OG_TRY(put_subject(cx, b, s));
    OG_TRY(og_buf_append_str(cx, b, OG_STR(" by ")));
    return put_names(cx, b, s->added, s->n_added);
  case OG_STEP_ADD_CONSTRAINT:
    OG_TRY(og_buf_append_str(cx, b, OG_STR("add @index(")));
    OG_TRY(put_names(cx, b, s->constraint->names, s->constraint->n));
    OG_TRY(og_buf_append_str(cx, b, OG_STR(") to ")));
    return put_type(cx, b, s, s->type);
  case OG_STEP_UPDATE_TYPE_METADATA:
  case OG_STEP_UPDATE_PROPERTY_METADATA:
    OG_TRY(og_buf_append_str(cx, b, OG_STR("update the metadata of ")));
    return put_subject(cx, b, s);
  case OG_STEP_DROP_PROPERTY:
  case OG_STEP_DROP_TYPE:
    OG_TRY(og_buf_append_str(cx, b, OG_STR("drop ")));
    OG_TRY(put_subject(cx, b, s));
    return og_buf_append_str(cx, b, s->hard ? OG_STR(" (hard)") : OG_STR(" (soft)"));
  case OG_STEP_UNSUPPORTED:
    OG_TRY(og_buf_append_str(cx, b, OG_STR("unsupported: ")));
    OG_TRY(put_subject(cx, b, s));
    OG_TRY(og_buf_printf(cx, b, ": %s%s%s", s->code ? "[" : "", s->code ? s->code : "", s->code ? "] " : ""));
    return og_buf_append_str(cx, b, s->reason);
  }
  return OG_OK;
}

og_status og_step_text(og_ctx *cx, og_arena *a, const og_step *s, og_str *out)
{
  OG_AUTO(og_buf) b = {0};
  OG_TRY(put_step(cx, a, &b, s));
  return og_arena_str(cx, a, og_buf_str(&b), out);
}
