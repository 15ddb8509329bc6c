/* SPDX-License-Identifier: MIT */
/* lance_table_tool FOLDER TABLE[@BRANCH] COMMAND ... -- tables for the tests that share them with real Lance.
 *
 *   create MINOR           version 1 of a table in file version 2.MINOR, with the rows on standard input
 *   insert | overwrite     the rows on standard input; insert and update take [FOLD_ROWS]
 *   update                 rows on standard input replace those of equal id
 *   delete                 rows whose ids stand on standard input, {"id": ...} a line
 *   clone BRANCH           the first version of a branch, on the newest version
 *   scan [VERSION]         rows with _rowid and versions, one JSON object a line
 *   info                   version, rows, fragments
 *
 * Rows are JSON objects, one a line, of the columns in `fields` below.
 */
#include "arrow/builder.h"
#include "base/env.h"
#include "base/json.h"
#include "base/map.h"
#include "base/ulid.h"
#include "lance/table.h"
#include "print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const og_field text_item = {.name = {"item", 4}, .type = {.id = OG_TYPE_UTF8}, .nullable = true};
static const og_field float_item = {.name = {"item", 4}, .type = {.id = OG_TYPE_F32}, .nullable = true};
static const og_field fields[] = {
    {.name = {"id", 2}, .type = {.id = OG_TYPE_UTF8}},
    {.name = {"n", 1}, .type = {.id = OG_TYPE_I64}, .nullable = true},
    {.name = {"x", 1}, .type = {.id = OG_TYPE_F64}, .nullable = true},
    {.name = {"tags", 4}, .type = {.id = OG_TYPE_LIST}, .nullable = true, .children = &text_item, .n_children = 1},
    {.name = {"v", 1},
     .type = {.id = OG_TYPE_FIXED_LIST, .size = 4},
     .nullable = true,
     .children = &float_item,
     .n_children = 1},
};
#define N_FIELDS (sizeof fields / sizeof fields[0])

typedef struct tool {
  og_ctx *cx;
  og_lance_place at;
  og_ulid_gen ulids;
  og_lance_table *newest; /* NULL: none */
} tool;

/* ---- rows in */

static og_status add_value(og_ctx *cx, og_builder *b, const og_json *v)
{
  if (!v || v->kind == OG_JSON_NULL) return og_builder_null(cx, b);
  switch (v->kind) {
  case OG_JSON_I64: {
    og_status st = og_builder_i64(cx, b, v->u.i64);
    return st == OG_OK ? st : og_builder_f64(cx, b, (double)v->u.i64);
  }
  case OG_JSON_F64: return og_builder_f64(cx, b, v->u.f64);
  case OG_JSON_STRING: return og_builder_str(cx, b, v->u.str);
  case OG_JSON_ARRAY:
    OG_TRY(og_builder_list_begin(cx, b));
    for (size_t i = 0; i < v->u.array.len; i++) OG_TRY(add_value(cx, og_builder_child(b, 0), &v->u.array.items[i]));
    return og_builder_list_end(cx, b);
  default: return og_fail(cx, OG_EINVALID, "a value of a kind that has no column here");
  }
}

static og_status read_rows(og_ctx *cx, og_schema *schema, og_batch **out)
{
  char line[65536];
  og_builder *builders[N_FIELDS];
  og_column *columns[N_FIELDS];
  int64_t n = 0;
  for (uint32_t i = 0; i < N_FIELDS; i++) OG_TRY(og_builder_new(cx, &fields[i], &builders[i]));
  for (; fgets(line, sizeof line, stdin); n++) {
    const og_json *row;
    OG_TRY(og_json_read(cx, cx->arena, og_str_of(line), &row));
    for (uint32_t i = 0; i < N_FIELDS; i++) OG_TRY(add_value(cx, builders[i], og_json_get(row, fields[i].name)));
  }
  for (uint32_t i = 0; i < N_FIELDS; i++) {
    OG_TRY(og_builder_finish(cx, builders[i], &columns[i]));
    og_builder_free(builders[i]);
  }
  OG_TRY(og_batch_new(cx, schema, columns, N_FIELDS, n, out));
  for (uint32_t i = 0; i < N_FIELDS; i++) og_column_unref(columns[i]);
  return OG_OK;
}

/* Dense offsets of the rows with the ids of `rows`. */
static og_status find_rows(tool *t, const og_batch *rows, uint64_t *offsets)
{
  og_ctx *cx = t->cx;
  og_map where;
  og_lance_scan *scan;
  og_batch *b;
  const uint32_t id = 0;
  const og_lance_scan_opts opts = {.columns = &id, .n_columns = 1, .with_offset = true};
  og_map_init(&where, true);
  OG_TRY(og_lance_scan_open(cx, t->newest, &opts, &scan));
  for (;;) {
    OG_TRY(og_lance_scan_next(cx, scan, &b));
    if (!b) break;
    for (int64_t i = 0; i < b->len; i++)
      OG_TRY(og_map_put(cx, &where, og_column_str(b->columns[0], i), og_column_u64(b->columns[1])[i], NULL));
    og_batch_unref(b);
  }
  og_lance_scan_close(scan);
  for (int64_t i = 0; i < rows->len; i++)
    if (!og_map_get(&where, og_column_str(rows->columns[0], i), &offsets[i]))
      return og_fail(cx, OG_ENOTFOUND, "no row of that id");
  og_map_cleanup(&where);
  return OG_OK;
}

/* ---- commands */

static og_status commit(tool *t, og_lance_change *c, uint64_t version)
{
  OG_TRY(og_lance_change_finish(t->cx, c));
  OG_TRY(og_lance_change_render(t->cx, c, NULL, version));
  og_status st = og_lance_change_put(t->cx, c);
  og_lance_change_free(t->cx, c);
  return st;
}

static og_status options(tool *t, og_lance_op op, og_lance_change_opts *out)
{
  og_ulid id;
  char text[OG_ULID_LEN];
  OG_TRY(og_ulid_next(t->cx, &t->ulids, NULL, &id));
  og_ulid_format(&id, text);
  *out = (og_lance_change_opts){.op = op};
  OG_TRY(og_arena_str(t->cx, t->cx->arena, og_str_from(text, sizeof text), &out->attempt));
  return og_arena_printf(t->cx, t->cx->arena, &out->tx_uuid, "omnigraph-" OG_STR_FMT, OG_STR_ARG(out->attempt));
}

static og_status create(tool *t, uint16_t minor)
{
  og_schema *arrow;
  og_lance_schema *schema;
  og_batch *rows;
  og_lance_change *c;
  og_lance_change_opts opts;
  OG_TRY(options(t, OG_LANCE_OVERWRITE, &opts));
  OG_TRY(og_schema_new(t->cx, fields, N_FIELDS, NULL, 0, &arrow));
  OG_TRY(og_lance_schema_new(t->cx, arrow, &schema));
  OG_TRY(og_lance_change_create(t->cx, &t->at, schema, (og_lance_version){2, minor}, &opts, &c));
  OG_TRY(read_rows(t->cx, arrow, &rows));
  OG_TRY(og_lance_change_insert(t->cx, c, rows));
  og_batch_unref(rows);
  og_lance_schema_unref(schema);
  og_schema_unref(arrow);
  return commit(t, c, 1);
}

static og_status change(tool *t, og_str command, uint32_t fold_rows)
{
  bool is_update = og_str_eq(command, OG_STR("update")), is_delete = og_str_eq(command, OG_STR("delete"));
  og_batch *rows;
  og_lance_change *c;
  og_lance_change_opts opts;
  OG_TRY(options(t,
                 is_delete                                 ? OG_LANCE_DELETE
                 : og_str_eq(command, OG_STR("overwrite")) ? OG_LANCE_OVERWRITE
                                                           : OG_LANCE_UPDATE,
                 &opts));
  opts.fold_rows = fold_rows;
  OG_TRY(og_lance_change_new(t->cx, &t->at, t->newest, &opts, &c));
  OG_TRY(read_rows(t->cx, og_lance_table_schema(t->newest)->arrow, &rows));
  uint64_t *offsets = og_push_array(t->cx, (size_t)rows->len + 1, sizeof *offsets);
  if (!offsets) return OG_ENOMEM;
  if (is_update || is_delete) OG_TRY(find_rows(t, rows, offsets));
  OG_TRY(is_update   ? og_lance_change_update(t->cx, c, rows, offsets, (size_t)rows->len)
         : is_delete ? og_lance_change_delete(t->cx, c, offsets, (size_t)rows->len)
                     : og_lance_change_insert(t->cx, c, rows));
  og_batch_unref(rows);
  return commit(t, c, og_lance_table_version(t->newest) + 1);
}

static og_status clone(tool *t, og_str branch)
{
  og_lance_change *c;
  og_lance_change_opts opts;
  og_lance_place at = t->at;
  at.branch = branch;
  OG_TRY(options(t, OG_LANCE_CLONE, &opts));
  OG_TRY(og_lance_change_new(t->cx, &at, t->newest, &opts, &c));
  return commit(t, c, og_lance_table_version(t->newest));
}

static og_status scan(tool *t, og_lance_table *table)
{
  const og_schema *s = og_lance_table_schema(table)->arrow;
  uint32_t *all = og_push_array(t->cx, (size_t)s->n_fields + 1, sizeof *all);
  og_lance_scan *scan;
  og_batch *b;
  if (!all) return OG_ENOMEM;
  for (uint32_t i = 0; i < s->n_fields; i++) all[i] = i;
  const og_lance_scan_opts opts = {
      .columns = all, .n_columns = s->n_fields, .with_row_id = true, .with_created = true, .with_updated = true};
  OG_TRY(og_lance_scan_open(t->cx, table, &opts, &scan));
  for (;;) {
    OG_TRY(og_lance_scan_next(t->cx, scan, &b));
    if (!b) break;
    for (int64_t i = 0; i < b->len; i++) print_row(b->columns, b->schema->fields, b->n_columns, i);
    og_batch_unref(b);
  }
  og_lance_scan_close(scan);
  return OG_OK;
}

static void info(const og_lance_table *t)
{
  printf("{\"version\":%" PRIu64 ",\"rows\":%" PRIu64 ",\"physical\":%" PRIu64 ",\"fragments\":[",
         og_lance_table_version(t), og_lance_table_rows(t), og_lance_table_physical_rows(t));
  for (uint32_t i = 0; i < og_lance_table_fragments(t); i++)
    printf(i ? ",%" PRIu64 : "%" PRIu64, og_lance_table_fragment(t, i).physical_rows);
  printf("]}\n");
}

static og_status open_version(tool *t, uint64_t version)
{
  if (version == 0) OG_TRY(og_lance_newest_version(t->cx, &t->at, &version));
  if (version == 0) return og_fail(t->cx, OG_ENOTFOUND, "no such table");
  return og_lance_table_open(t->cx, &t->at, version, OG_STR_NONE, &t->newest);
}

static og_status run(tool *t, og_str command, og_str argument)
{
  uint64_t number = 0;
  bool is_scan = og_str_eq(command, OG_STR("scan"));
  (void)og_str_to_u64(argument, &number);
  if (og_str_eq(command, OG_STR("create"))) return create(t, (uint16_t)number);
  OG_TRY(open_version(t, is_scan ? number : 0));
  if (is_scan) return scan(t, t->newest);
  if (og_str_eq(command, OG_STR("clone"))) return clone(t, argument);
  if (!og_str_eq(command, OG_STR("info"))) return change(t, command, (uint32_t)number);
  info(t->newest);
  return OG_OK;
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
  t.at.root = og_str_sub(name, 0, sign);
  t.at.branch = sign == SIZE_MAX ? OG_STR_NONE : og_str_sub(name, sign + 1, name.len);
  og_status st = og_store_open(&cx, og_str_of(argv[1]), false, &t.at.store);
  if (st == OG_OK) st = run(&t, og_str_of(argv[3]), og_str_of(argc > 4 ? argv[4] : NULL));
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
