/* SPDX-License-Identifier: MIT */
/* lance_rows FILE [ROW...] -- prints rows of a data file, one JSON object a line: all of them, or
 * those at the given ascending offsets.  Times are milliseconds, binaries arrays of bytes. */
#include "base/env.h"
#include "lance/file.h"
#include "print.h"

#include <stdio.h>
#include <stdlib.h>

static og_status read_column(og_ctx *cx, og_lance_file *f, uint32_t i, const uint64_t *rows, size_t n_rows,
                             og_column **out)
{
  og_lance_column_ref ref;
  OG_TRY(og_lance_file_layout(cx, f, i, &ref));
  OG_TRY(n_rows ? og_lance_file_take(cx, f, &ref, rows, n_rows, out)
                : og_lance_file_read(cx, f, &ref, 0, og_lance_file_num_rows(f), out));
  return og_column_check(cx, *out, OG_ECORRUPT);
}

static og_status print_file(og_ctx *cx, og_store *store, og_str name, const uint64_t *rows, size_t n_rows)
{
  og_lance_file *f;
  OG_TRY(og_lance_file_open(cx, store, name, 0, &f));
  const og_schema *s = og_lance_file_schema(f)->arrow;
  og_column **cols = og_push_array(cx, s->n_fields, sizeof(og_column *));
  if (!cols) return OG_ENOMEM;
  for (uint32_t i = 0; i < s->n_fields; i++) OG_TRY(read_column(cx, f, i, rows, n_rows, &cols[i]));
  const int64_t n = n_rows ? (int64_t)n_rows : (int64_t)og_lance_file_num_rows(f);
  for (int64_t r = 0; r < n; r++) print_row(cols, s->fields, s->n_fields, r);
  for (uint32_t i = 0; i < s->n_fields; i++) og_column_unref(cols[i]);
  og_lance_file_unref(f);
  return OG_OK;
}

int main(int argc, char **argv)
{
  og_runtime rt = {0};
  og_error err;
  og_arena arena = {0};
  og_ctx cx;
  og_store *store;
  og_mem_init(&rt.mem, 0);
  if (argc < 2 || og_env_posix_new(&rt.mem, &rt.env) != OG_OK) return 2;
  og_ctx_init(&cx, &rt, &err, &arena);
  og_str path = og_str_of(argv[1]);
  size_t slash = og_str_rfind_byte(path, '/');
  size_t n_rows = (size_t)argc - 2;
  uint64_t *rows = og_push_array(&cx, n_rows + 1, sizeof *rows);
  for (size_t i = 0; i < n_rows; i++)
    if (!rows || !og_str_to_u64(og_str_of(argv[i + 2]), &rows[i])) return 2;
  if (slash == SIZE_MAX || og_store_open(&cx, og_str_sub(path, 0, slash), true, &store) != OG_OK ||
      print_file(&cx, store, og_str_sub(path, slash + 1, path.len), rows, n_rows) != OG_OK) {
    fprintf(stderr, "%s\n", err.text);
    return 1;
  }
  og_store_unref(store);
  og_arena_cleanup(&arena);
  og_env_posix_free(rt.env);
  return 0;
}
