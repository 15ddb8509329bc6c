/* SPDX-License-Identifier: MIT */
/* lance_write_random FOLDER NAME SEED ROWS MINOR -- a data file of random columns of every type,
 * version 2.MINOR. */
#include "property/lance/random_columns.h"

#include "base/env.h"
#include "lance/file.h"

#include <stdio.h>

static og_status write_file(og_ctx *cx, og_store *store, og_str name, const uint64_t args[3])
{
  uint32_t n;
  og_dice dice = {args[0]};
  const og_field *fields = og_random_fields(&n);
  og_schema *schema;
  og_lance_schema *lance;
  og_lance_file_writer *w;
  og_lance_file_stats stats;
  og_batch *batch;
  OG_TRY(og_schema_new(cx, fields, n, NULL, 0, &schema));
  OG_TRY(og_lance_schema_new(cx, schema, &lance));
  og_column **columns = og_push_array(cx, n, sizeof *columns);
  if (!columns) return OG_ENOMEM;
  for (uint32_t i = 0; i < n; i++)
    OG_TRY(og_random_column(cx, &dice, &fields[i], (int64_t)args[1], &columns[i]));
  OG_TRY(og_batch_new(cx, schema, columns, n, (int64_t)args[1], &batch));
  OG_TRY(og_lance_file_writer_open(cx, store, name, lance, (og_lance_version){2, (uint16_t)args[2]},
                                   &w));
  OG_TRY(og_lance_file_write(cx, w, batch));
  OG_TRY(og_lance_file_finish(cx, w, &stats));
  for (uint32_t i = 0; i < n; i++) og_column_unref(columns[i]);
  og_batch_unref(batch);
  og_lance_schema_unref(lance);
  og_schema_unref(schema);
  return OG_OK;
}

int main(int argc, char **argv)
{
  og_runtime rt = {0};
  og_error err;
  og_arena arena = {0};
  og_ctx cx;
  og_store *store;
  uint64_t args[3];
  og_mem_init(&rt.mem, 0);
  if (argc != 6 || og_env_posix_new(&rt.mem, &rt.env) != OG_OK) return 2;
  og_ctx_init(&cx, &rt, &err, &arena);
  for (int i = 0; i < 3; i++)
    if (!og_str_to_u64(og_str_of(argv[3 + i]), &args[i])) return 2;
  if (og_store_open(&cx, og_str_of(argv[1]), false, &store) != OG_OK ||
      write_file(&cx, store, og_str_of(argv[2]), args) != OG_OK) {
    fprintf(stderr, "%s\n", err.text);
    return 1;
  }
  og_store_unref(store);
  og_arena_cleanup(&arena);
  og_env_posix_free(rt.env);
  return 0;
}
