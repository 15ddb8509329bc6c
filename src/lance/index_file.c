/* SPDX-License-Identifier: MIT */
/* lance/index_file.c -- the files of an index, which are ordinary data files, by the names of their columns. */
#include "lance/index_impl.h"

og_status og_index__column(og_ctx *cx, og_arena *a, const og_lance_file *f, og_str name, og_type type,
                           og_lance_column_ref *out)
{
  const og_schema *s = og_lance_file_schema(f)->arrow;
  int at = og_schema_find(s, name);
  if (at < 0) return og_fail(cx, OG_ECORRUPT, "the index file lacks the column '" OG_STR_FMT "'", OG_STR_ARG(name));
  if (!og_type_eq(s->fields[at].type, type))
    return og_fail(cx, OG_ECORRUPT, "column '" OG_STR_FMT "' of the index is %s and should be %s", OG_STR_ARG(name),
                   og_type_name(s->fields[at].type), og_type_name(type));
  OG_TRY(og_lance_file_layout(cx, f, (uint32_t)at, out));
  int32_t *columns = og_arena_calloc(cx, a, (size_t)out->n_columns + 1, sizeof *columns);
  if (!columns) return OG_ENOMEM;
  memcpy(columns, out->columns, out->n_columns * sizeof *columns);
  out->columns = columns;
  return OG_OK;
}

og_status og_index__read_column(og_ctx *cx, og_lance_file *f, og_str name, og_type type, og_column **out)
{
  og_lance_column_ref ref;
  OG_TRY(og_index__column(cx, cx->arena, f, name, type, &ref));
  return og_lance_file_read(cx, f, &ref, 0, og_lance_file_num_rows(f), out);
}
