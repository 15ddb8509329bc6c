/* SPDX-License-Identifier: MIT */
/* lance_rows FILE [ROW...] -- prints rows of a data file, one JSON object a line: all of them, or
 * those at the given ascending offsets.  Times are milliseconds, binaries arrays of bytes. */
#include "base/env.h"
#include "base/num.h"
#include "lance/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void print_value(const og_column *c, const og_field *f, int64_t i);

static void print_f64(double v)
{
  if (v != v)
    printf("NaN");
  else if (v > 1.7976931348623157e308)
    printf("Infinity");
  else if (v < -1.7976931348623157e308)
    printf("-Infinity");
  else
    printf("%.17g", v);
}

static double half(uint16_t h)
{
  const int exponent = h >> 10 & 31;
  double v = exponent ? 1.0 + (h & 1023) / 1024.0 : (h & 1023) / 1024.0;
  for (int e = exponent ? exponent : 1; e < 15; e++) v /= 2;
  for (int e = exponent; e > 15; e--) v *= 2;
  return h >> 15 ? -v : v;
}

static void print_str(og_str s)
{
  putchar('"');
  for (size_t i = 0; i < s.len; i++) {
    unsigned char ch = (unsigned char)s.ptr[i];
    if (ch == '"' || ch == '\\' || ch < 0x20)
      printf("\\u%04x", ch);
    else
      putchar(ch);
  }
  putchar('"');
}

static void print_list(const og_column *c, const og_field *f, int64_t i)
{
  int64_t from, to;
  og_column_list(c, i, &from, &to);
  putchar('[');
  for (int64_t k = from; k < to; k++) {
    if (k > from) putchar(',');
    print_value(c->children[0], &f->children[0], k);
  }
  putchar(']');
}

static void print_time(og_type t, int64_t v)
{
  static const double per_ms[] = {0.001, 1, 1000, 1000000};
  if (t.id == OG_TYPE_TIMESTAMP && t.unit != OG_UNIT_MS)
    print_f64((double)v / per_ms[t.unit]);
  else
    printf("%" PRId64, v);
}

static void print_value(const og_column *c, const og_field *f, int64_t i)
{
  if (og_column_is_null(c, i)) {
    printf("null");
    return;
  }
  const void *d = c->data[0];
  switch (c->type.id) {
  case OG_TYPE_BOOL: printf(og_column_bool(c, i) ? "true" : "false"); break;
  case OG_TYPE_I8: printf("%d", ((const int8_t *)d)[i]); break;
  case OG_TYPE_U8: printf("%d", ((const uint8_t *)d)[i]); break;
  case OG_TYPE_I16: printf("%d", ((const int16_t *)d)[i]); break;
  case OG_TYPE_U16: printf("%d", ((const uint16_t *)d)[i]); break;
  case OG_TYPE_I32: printf("%" PRId32, og_column_i32(c)[i]); break;
  case OG_TYPE_U32: printf("%" PRIu32, ((const uint32_t *)d)[i]); break;
  case OG_TYPE_DATE32: printf("%" PRId64, (int64_t)og_column_i32(c)[i] * 86400000); break;
  case OG_TYPE_I64: printf("%" PRId64, og_column_i64(c)[i]); break;
  case OG_TYPE_U64: printf("%" PRIu64, og_column_u64(c)[i]); break;
  case OG_TYPE_DATE64:
  case OG_TYPE_TIMESTAMP: print_time(c->type, og_column_i64(c)[i]); break;
  case OG_TYPE_F16: print_f64(half(((const uint16_t *)d)[i])); break;
  case OG_TYPE_F32: print_f64((double)og_column_f32(c)[i]); break;
  case OG_TYPE_F64: print_f64(og_column_f64(c)[i]); break;
  case OG_TYPE_UTF8:
  case OG_TYPE_LARGE_UTF8: print_str(og_column_str(c, i)); break;
  case OG_TYPE_BINARY:
  case OG_TYPE_LARGE_BINARY: {
    og_str s = og_column_str(c, i);
    putchar('[');
    for (size_t k = 0; k < s.len; k++) printf(k ? ",%d" : "%d", (unsigned char)s.ptr[k]);
    putchar(']');
    break;
  }
  case OG_TYPE_LIST:
  case OG_TYPE_LARGE_LIST:
  case OG_TYPE_FIXED_LIST: print_list(c, f, i); break;
  case OG_TYPE_STRUCT:
    putchar('{');
    for (uint32_t k = 0; k < f->n_children; k++) {
      if (k) putchar(',');
      print_str(f->children[k].name);
      putchar(':');
      print_value(c->children[k], &f->children[k], i);
    }
    putchar('}');
    break;
  case OG_TYPE_NULL: break;
  }
}

static og_status read_column(og_ctx *cx, og_lance_file *f, uint32_t i, const uint64_t *rows,
                             size_t n_rows, og_column **out)
{
  og_lance_column_ref ref;
  OG_TRY(og_lance_file_layout(cx, f, i, &ref));
  OG_TRY(n_rows ? og_lance_file_take(cx, f, &ref, rows, n_rows, out)
                : og_lance_file_read(cx, f, &ref, 0, og_lance_file_num_rows(f), out));
  return og_column_check(cx, *out, OG_ECORRUPT);
}

static og_status print_file(og_ctx *cx, og_store *store, og_str name, const uint64_t *rows,
                            size_t n_rows)
{
  og_lance_file *f;
  OG_TRY(og_lance_file_open(cx, store, name, 0, &f));
  const og_schema *s = og_lance_file_schema(f)->arrow;
  og_column **cols = og_push_array(cx, s->n_fields, sizeof(og_column *));
  if (!cols) return OG_ENOMEM;
  for (uint32_t i = 0; i < s->n_fields; i++) OG_TRY(read_column(cx, f, i, rows, n_rows, &cols[i]));
  const int64_t n = n_rows ? (int64_t)n_rows : (int64_t)og_lance_file_num_rows(f);
  for (int64_t r = 0; r < n; r++) {
    putchar('{');
    for (uint32_t i = 0; i < s->n_fields; i++) {
      if (i) putchar(',');
      print_str(s->fields[i].name);
      putchar(':');
      print_value(cols[i], &s->fields[i], r);
    }
    printf("}\n");
  }
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
