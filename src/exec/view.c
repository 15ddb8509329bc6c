/* SPDX-License-Identifier: MIT */
#include "exec/view.h"

static og_status open_view(og_ctx *cx, og_snapshot *s, og_view *v)
{
  og_lance_table *table;
  OG_TRY(og_snapshot_table(cx, s, v->type->key, &table));
  const og_table_state *state = og_snapshot_table_state(s, v->type->key);
  const og_table_name name = {state->path, state->branch, state->version, og_lance_table_layout(table),
                              og_lance_table_uuid(table)};
  og_status st = og_decoded_get(cx, og_graph_cache(s->graph), &name, table, &v->data);
  og_lance_table_unref(table);
  OG_TRY(st);
  v->table = v->data->table;
  v->rows = v->data->rows;
  v->deleted = v->data->deleted;
  v->n_columns = v->data->n_columns;
  if (v->n_columns != og_type_first_property(v->type) + v->type->n_properties)
    return og_fail(cx, OG_ECORRUPT, "table '" OG_STR_FMT "' has %u columns, its type needs %u",
                   OG_STR_ARG(v->type->key), v->n_columns, og_type_first_property(v->type) + v->type->n_properties);
  return OG_OK;
}

og_status og_view_open(og_ctx *cx, og_snapshot *s, const og_type_def *type, og_view **out)
{
  og_view *v = og_zalloc(cx, sizeof *v);
  if (!v) return OG_ENOMEM;
  v->type = type;
  og_status st = open_view(cx, s, v);
  if (st != OG_OK)
    og_view_free(v);
  else
    *out = v;
  return st;
}

void og_view_free(og_view *v)
{
  if (!v) return;
  og_cached_unref(v->data);
  og_free(v);
}

og_status og_view_column(og_ctx *cx, og_view *v, int32_t field, const og_column **out)
{
  return og_decoded_column(cx, v->data, og_type_column(v->type, field), out);
}

og_status og_view_fetch(og_ctx *cx, og_view *v, int32_t field, const uint64_t *rows, size_t n, og_column **out)
{
  return og_decoded_fetch(cx, v->data, og_type_column(v->type, field), rows, n, out);
}

og_status og_view_ids(og_ctx *cx, og_view *v, const og_ids **out)
{
  return og_decoded_ids(cx, v->data, out);
}
