/* SPDX-License-Identifier: MIT */
#include "exec/view.h"

/* Decoding a whole column costs about as much as fetching this fraction of its rows one by one. */
#define WHOLE_COLUMN_SHARE 16

static og_status open_view(og_ctx *cx, og_snapshot *s, og_view *v)
{
  OG_TRY(og_snapshot_table(cx, s, v->type->key, &v->table));
  v->rows = og_lance_table_physical_rows(v->table);
  v->n_columns = og_lance_table_schema(v->table)->arrow->n_fields;
  if (v->n_columns != og_type_first_property(v->type) + v->type->n_properties)
    return og_fail(cx, OG_ECORRUPT, "table '" OG_STR_FMT "' has %u columns, its type needs %u",
                   OG_STR_ARG(v->type->key), v->n_columns, og_type_first_property(v->type) + v->type->n_properties);
  v->columns = og_calloc(cx, v->n_columns + 1, sizeof(og_column *));
  if (!v->columns) return OG_ENOMEM;
  return og_lance_table_deleted(cx, v->table, &v->deleted);
}

og_status og_view_open(og_ctx *cx, og_snapshot *s, const og_type_def *type, og_view **out)
{
  og_view *v = og_zalloc(cx, sizeof *v);
  if (!v) return OG_ENOMEM;
  v->type = type;
  og_map_init(&v->ids, false);
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
  for (uint32_t i = 0; v->columns && i < v->n_columns; i++) og_column_unref(v->columns[i]);
  og_free(v->columns);
  og_map_cleanup(&v->ids);
  og_lance_table_unref(v->table);
  og_free(v);
}

og_status og_view_column(og_ctx *cx, og_view *v, int32_t field, const og_column **out)
{
  uint32_t column = og_type_column(v->type, field);
  if (!v->columns[column]) OG_TRY(og_lance_table_column(cx, v->table, column, &v->columns[column]));
  *out = v->columns[column];
  return OG_OK;
}

og_status og_view_fetch(og_ctx *cx, og_view *v, int32_t field, const uint64_t *rows, size_t n, og_column **out)
{
  uint32_t column = og_type_column(v->type, field);
  if (v->columns[column] || n > v->rows / WHOLE_COLUMN_SHARE) {
    const og_column *whole;
    OG_TRY(og_view_column(cx, v, field, &whole));
    return og_column_take(cx, whole, (const int64_t *)rows, (int64_t)n, out);
  }
  og_batch *batch;
  OG_TRY(og_lance_table_take(cx, v->table, &column, 1, rows, n, &batch));
  *out = og_column_ref(batch->columns[0]);
  og_batch_unref(batch);
  return OG_OK;
}

og_status og_view_ids(og_ctx *cx, og_view *v)
{
  const og_column *ids;
  if (v->has_ids) return OG_OK;
  OG_TRY(og_view_column(cx, v, OG_FIELD_ID, &ids));
  for (uint64_t row = 0; row < v->rows; row++)
    if (og_view_is_live(v, row)) OG_TRY(og_map_put(cx, &v->ids, og_column_str(ids, (int64_t)row), row, NULL));
  v->has_ids = true;
  return OG_OK;
}
