/* SPDX-License-Identifier: MIT */
/* lance_index_tool FOLDER TABLE[@BRANCH] COMMAND ... -- indexes for the tests that share them with real Lance.
 *
 *   list                 segments: {"name", "uuid", "kind", "fields", "version", "fragments", "files"} a line
 *   build COLUMN NAME [BTREE|BITMAP]
 *   fold NAME [all]      brings it up to the newest version; prints how many segments there are then
 *   drop NAME
 *   find NAME            answers each query on standard input with the stable row ids of the rows, ascending
 *   seek NAME SECONDS    looks one value up again and again, each time another one of those on standard input, and
 *                        prints {"lookups", "rows", "seconds"}
 *
 * A query is a JSON object: {"in": [...]}, {"low": v, "high": v, "low_open": true, "high_open": true} or {"null":
 * true}. "NaN", "inf" and "-inf" stand for those; dates and timestamps are numbers in the column's unit.
 */
#include "arrow/builder.h"
#include "base/env.h"
#include "base/json.h"
#include "base/ulid.h"
#include "lance/index.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

typedef struct tool {
  og_ctx *cx;
  og_lance_place at;
  og_lance_table *newest;
} tool;

/* ---- values in */

static og_status add_float(og_ctx *cx, og_builder *b, const og_json *v)
{
  if (v->kind == OG_JSON_I64) return og_builder_f64(cx, b, (double)v->u.i64);
  if (v->kind == OG_JSON_F64) return og_builder_f64(cx, b, v->u.f64);
  bool nan = og_str_eq(v->u.str, OG_STR("NaN")), inf = og_str_eq(v->u.str, OG_STR("inf"));
  return og_builder_f64(cx, b, nan ? (double)NAN : inf ? (double)INFINITY : -(double)INFINITY);
}

static og_status add_value(og_ctx *cx, og_builder *b, og_type type, const og_json *v)
{
  if (v->kind == OG_JSON_NULL) return og_builder_null(cx, b);
  if (og_type_is_varbin(type.id)) return og_builder_str(cx, b, v->u.str);
  if (type.id == OG_TYPE_BOOL) return og_builder_bool(cx, b, v->u.boolean);
  if (type.id == OG_TYPE_F16 || type.id == OG_TYPE_F32 || type.id == OG_TYPE_F64) return add_float(cx, b, v);
  return og_builder_i64(cx, b, v->u.i64);
}

static og_status column_of(og_ctx *cx, const og_field *f, const og_json *const *values, size_t n, og_column **out)
{
  og_builder *b;
  OG_TRY(og_builder_new(cx, f, &b));
  og_status st = OG_OK;
  for (size_t i = 0; st == OG_OK && i < n; i++) st = add_value(cx, b, f->type, values[i]);
  if (st == OG_OK) st = og_builder_finish(cx, b, out);
  og_builder_free(b);
  return st;
}

static og_status list_of(og_ctx *cx, const og_field *f, const og_json *list, og_column **out)
{
  const og_json **values = og_push_array(cx, list->u.array.len + 1, sizeof(og_json *));
  if (!values) return OG_ENOMEM;
  for (size_t i = 0; i < list->u.array.len; i++) values[i] = &list->u.array.items[i];
  return column_of(cx, f, values, list->u.array.len, out);
}

static bool is_set(const og_json *q, const char *key)
{
  const og_json *v = og_json_get(q, og_str_of(key));
  return v && v->kind == OG_JSON_BOOL && v->u.boolean;
}

/* ---- finding */

static og_status find(og_ctx *cx, tool *t, og_lance_index *x, const og_json *q, og_vec *rows)
{
  const og_field *f = &og_lance_table_schema(t->newest)->arrow->fields[og_lance_index_column(x)];
  const og_json *in = og_json_get(q, OG_STR("in")), *low = og_json_get(q, OG_STR("low")),
                *high = og_json_get(q, OG_STR("high"));
  og_column *values = NULL, *from = NULL, *to = NULL;
  if (in) OG_TRY(list_of(cx, f, in, &values));
  if (low) OG_TRY(column_of(cx, f, &low, 1, &from));
  if (high) OG_TRY(column_of(cx, f, &high, 1, &to));
  const og_lance_index_query query = {.op = in                  ? OG_INDEX_IN
                                            : is_set(q, "null") ? OG_INDEX_NULL
                                                                : OG_INDEX_RANGE,
                                      .values = values,
                                      .low = from,
                                      .high = to,
                                      .low_open = is_set(q, "low_open"),
                                      .high_open = is_set(q, "high_open")};
  og_status st = og_lance_index_rows(cx, x, &query, rows);
  og_column_unref(values);
  og_column_unref(from);
  og_column_unref(to);
  return st;
}

static og_status print_ids(og_ctx *cx, tool *t, const og_vec *rows)
{
  uint64_t *ids = og_push_array(cx, rows->len + 1, sizeof *ids);
  if (!ids) return OG_ENOMEM;
  OG_TRY(og_lance_table_row_ids(cx, t->newest, rows->data, rows->len, ids, NULL));
  printf("[");
  for (size_t i = 0; i < rows->len; i++) printf(i ? ",%" PRIu64 : "%" PRIu64, ids[i]);
  printf("]\n");
  return OG_OK;
}

static og_status find_all(og_ctx *cx, tool *t, og_lance_index *x)
{
  char line[65536];
  while (fgets(line, sizeof line, stdin)) {
    OG_AUTO(og_vec) rows = OG_VEC_INIT(uint64_t);
    const og_json *q;
    OG_TRY(og_json_read(cx, cx->arena, og_str_of(line), &q));
    OG_TRY(find(cx, t, x, q, &rows));
    OG_TRY(print_ids(cx, t, &rows));
  }
  return OG_OK;
}

static og_status seek(og_ctx *cx, tool *t, og_lance_index *x, double seconds)
{
  const og_field *f = &og_lance_table_schema(t->newest)->arrow->fields[og_lance_index_column(x)];
  char line[65536];
  og_column *keys[4096];
  size_t n = 0;
  while (n < 4096 && fgets(line, sizeof line, stdin)) {
    const og_json *v;
    OG_TRY(og_json_read(cx, cx->arena, og_str_of(line), &v));
    OG_TRY(column_of(cx, f, &v, 1, &keys[n++]));
  }
  OG_AUTO(og_vec) rows = OG_VEC_INIT(uint64_t);
  uint64_t start = og_mono_ns(cx), now = start, lookups = 0;
  while (n && (double)(now - start) < seconds * 1e9) {
    for (size_t i = 0; i < n; i++, lookups++) {
      const og_lance_index_query q = {.op = OG_INDEX_IN, .values = keys[i]};
      OG_TRY(og_lance_index_rows(cx, x, &q, &rows));
    }
    now = og_mono_ns(cx);
    printf("{\"lookups\":%" PRIu64 ",\"rows\":%zu,\"nanoseconds\":%" PRIu64 "}\n", lookups, rows.len, now - start);
    og_vec_clear(&rows);
  }
  for (size_t i = 0; i < n; i++) og_column_unref(keys[i]);
  return OG_OK;
}

/* ---- changing */

typedef enum command { BUILD, FOLD, DROP } command;

static og_status edit(og_ctx *cx, tool *t, og_lance_change *c, command what, const og_str argument[3])
{
  bool changed = true;
  if (what == BUILD) {
    int column = og_schema_find(og_lance_table_schema(t->newest)->arrow, argument[0]);
    if (column < 0) return og_fail(cx, OG_ENOTFOUND, "no such column");
    og_lance_index_kind kind = og_str_eq(argument[2], OG_STR("BITMAP")) ? OG_INDEX_BITMAP : OG_INDEX_BTREE;
    OG_TRY(og_lance_change_index_build(cx, c, kind, (uint32_t)column, argument[1]));
  } else if (what == FOLD) {
    OG_TRY(og_lance_change_index_fold(cx, c, argument[0], argument[1].len > 0, &changed));
  } else {
    OG_TRY(og_lance_change_index_drop(cx, c, argument[0]));
  }
  if (!changed) return OG_OK;
  OG_TRY(og_lance_change_finish(cx, c));
  OG_TRY(og_lance_change_render(cx, c, NULL, og_lance_table_version(t->newest) + 1));
  return og_lance_change_put(cx, c);
}

static og_status change(og_ctx *cx, tool *t, command what, const og_str argument[3])
{
  og_ulid_gen ulids = {0};
  og_ulid id;
  char text[OG_ULID_LEN];
  og_lance_change *c;
  OG_TRY(og_ulid_next(cx, &ulids, NULL, &id));
  og_ulid_format(&id, text);
  const og_str attempt = og_str_from(text, sizeof text);
  const og_lance_change_opts opts = {.op = OG_LANCE_INDEX, .attempt = attempt, .tx_uuid = attempt};
  OG_TRY(og_lance_change_new(cx, &t->at, t->newest, &opts, &c));
  og_status st = edit(cx, t, c, what, argument);
  og_lance_change_free(cx, c);
  return st;
}

/* ---- listing */

static void print_entry(const og_lance_index_entry *e)
{
  char uuid[36];
  og_uuid_format(e->uuid, uuid);
  printf("{\"name\":\"" OG_STR_FMT "\",\"uuid\":\"%.36s\",\"kind\":\"" OG_STR_FMT "\",\"version\":%" PRIu64
         ",\"fields\":[",
         OG_STR_ARG(e->name), uuid, OG_STR_ARG(e->kind), e->version);
  for (uint32_t i = 0; i < e->n_fields; i++) printf(i ? ",%d" : "%d", e->fields[i]);
  printf("],\"fragments\":[");
  for (size_t i = 0; i < e->n_fragments; i++)
    for (uint64_t f = e->fragments[i].from; f <= e->fragments[i].to; f++)
      printf(i || f > e->fragments[i].from ? ",%" PRIu64 : "%" PRIu64, f);
  printf("],\"files\":{");
  for (uint32_t i = 0; i < e->n_files; i++)
    printf("%s\"" OG_STR_FMT "\":%" PRIu64, i ? "," : "", OG_STR_ARG(e->files[i].name), e->files[i].size);
  printf("}}\n");
}

static og_status list(og_ctx *cx, tool *t)
{
  const og_lance_index_entry *e;
  size_t n;
  OG_TRY(og_lance_table_indexes(cx, t->newest, &e, &n));
  for (size_t i = 0; i < n; i++) print_entry(&e[i]);
  return OG_OK;
}

static og_status look_up(og_ctx *cx, tool *t, bool again, const og_str argument[3])
{
  og_lance_index *x;
  uint64_t seconds = 1;
  (void)og_str_to_u64(argument[1], &seconds);
  OG_TRY(og_lance_index_open(cx, t->newest, argument[0], NULL, &x));
  og_status st = again ? seek(cx, t, x, (double)seconds) : find_all(cx, t, x);
  og_lance_index_unref(x);
  return st;
}

static og_status run(og_ctx *cx, tool *t, og_str name, const og_str argument[3])
{
  uint64_t version;
  OG_TRY(og_lance_newest_version(cx, &t->at, &version));
  OG_TRY(og_lance_table_open(cx, &t->at, version, OG_STR_NONE, &t->newest));
  if (og_str_eq(name, OG_STR("list"))) return list(cx, t);
  if (og_str_eq(name, OG_STR("build"))) return change(cx, t, BUILD, argument);
  if (og_str_eq(name, OG_STR("fold"))) return change(cx, t, FOLD, argument);
  if (og_str_eq(name, OG_STR("drop"))) return change(cx, t, DROP, argument);
  if (og_str_eq(name, OG_STR("find"))) return look_up(cx, t, false, argument);
  if (og_str_eq(name, OG_STR("seek"))) return look_up(cx, t, true, argument);
  return og_fail(cx, OG_EINVALID, "no such command");
}

int main(int argc, char **argv)
{
  og_runtime rt = {0};
  og_error err;
  og_arena arena = {0};
  og_ctx cx;
  tool t = {.cx = &cx};
  og_mem_init(&rt.mem, 0);
  if (argc < 4 || og_env_posix_new(&rt.mem, &rt.env) != OG_OK) return 2;
  og_ctx_init(&cx, &rt, &err, &arena);
  og_str name = og_str_of(argv[2]);
  size_t sign = og_str_rfind_byte(name, '@');
  const og_str argument[3] = {og_str_of(argc > 4 ? argv[4] : NULL), og_str_of(argc > 5 ? argv[5] : NULL),
                              og_str_of(argc > 6 ? argv[6] : NULL)};
  t.at.root = og_str_sub(name, 0, sign);
  t.at.branch = sign == SIZE_MAX ? OG_STR_NONE : og_str_sub(name, sign + 1, name.len);
  og_status st = og_store_open(&cx, og_str_of(argv[1]), false, &t.at.store);
  if (st == OG_OK) st = run(&cx, &t, og_str_of(argv[3]), argument);
  if (st != OG_OK) {
    fprintf(stderr, "%s\n", err.text); /* a tool: what an error leaves allocated dies with the process */
    return 1;
  }
  og_lance_table_unref(t.newest);
  og_store_unref(t.at.store);
  og_arena_cleanup(&arena);
  og_env_posix_free(rt.env);
  return rt.mem.in_use ? 3 : 0;
}
