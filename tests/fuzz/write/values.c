/* SPDX-License-Identifier: MIT */
/* fuzz_write_values: any bytes as NDJSON lines, and each member of each line as a value of every property type.
 *
 * What is accepted has the type of its column, goes into one and comes out the same, is the same once more when it is
 * written as JSON and read again, and has a text to make ids of. */
#include "fuzz/fuzz_world.h"

#include "arrow/json.h"
#include "graph/tables.h"
#include "write/ahead.h"
#include "write/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char schema[] = "node N { k: String i: I32 @key(k, i)\n text: String? kind: enum(a, b, c-d)? flag: Bool? "
                             "i64: I64? u32: U32? u64: U64? f32: F32? f64: F64? day: Date? at: DateTime? pic: Blob? "
                             "vec: Vector(2)? texts: [String]? flags: [Bool]? ints: [I32]? wide: [U64]? "
                             "floats: [F32]? days: [Date]? times: [DateTime]? }";

typedef struct target {
  og_ctx *cx;
  const og_type_def *type;
  og_schema *columns;
  og_vec keep; /* og_column *: lists of the values */
} target;

static bool same(const og_scalar *a, const og_scalar *b)
{
  int order;
  if (a->is_null || b->is_null) return a->is_null == b->is_null;
  return og_type_eq(a->type, b->type) && og_scalar_cmp(a, b, &order) && order == 0;
}

/* A column of that one value. */
static og_column *column_of(const target *t, const og_field *f, const og_scalar *v)
{
  og_builder *b;
  og_column *c;
  fuzz_expect(og_builder_new(t->cx, f, &b) == OG_OK && og_value_build(t->cx, b, v) == OG_OK);
  fuzz_expect(og_builder_finish(t->cx, b, &c) == OG_OK);
  og_builder_free(b);
  fuzz_expect(og_column_check(t->cx, c, OG_EINVALID) == OG_OK && c->len == 1);
  return c;
}

static void through_json(target *t, const og_property *p, const og_column *c, const og_scalar *v)
{
  og_buf text = {0};
  og_json_writer w;
  const og_json *json;
  og_scalar back;
  og_json_writer_init(&w, &text, false);
  fuzz_expect(og_column_json(t->cx, &w, c, 0) == OG_OK);
  fuzz_expect(og_json_read(t->cx, t->cx->arena, og_buf_str(&text), &json) == OG_OK);
  /* A date of a year that has no four digits is a number where it came from one, and no date text. */
  og_status st = og_value_from_json(t->cx, t->type, p, json, t->cx->arena, &t->keep, &back);
  bool time = p->type.kind == OG_SC_DATE || p->type.kind == OG_SC_DATETIME;
  fuzz_expect(st == OG_OK ? same(v, &back) : time);
  og_error_clear(t->cx);
  og_buf_cleanup(&text);
}

/* Mutations coerce literals with the same rules as loads. */
static void coerce(const target *t, const og_property *p, const og_json *j, og_status st, const og_scalar *v)
{
  og_scalar in, out;
  switch (j->kind) {
  case OG_JSON_BOOL: in = (og_scalar){.type = og_type_of(OG_TYPE_BOOL), .v.b = j->u.boolean}; break;
  case OG_JSON_I64: in = (og_scalar){.type = og_type_of(OG_TYPE_I64), .v.i = j->u.i64}; break;
  case OG_JSON_F64: in = (og_scalar){.type = og_type_of(OG_TYPE_F64), .v.f = j->u.f64}; break;
  default: return;
  }
  if (p->type.list || p->type.kind == OG_SC_VECTOR || p->type.kind == OG_SC_BLOB) return;
  fuzz_expect(og_value_coerce(t->cx, t->type, p, &in, &out) == st);
  if (st == OG_OK) fuzz_expect(same(v, &out));
  og_error_clear(t->cx);
}

static void take_value(target *t, uint32_t i, const og_json *j)
{
  const og_property *p = &t->type->properties[i];
  const og_field *f = &t->columns->fields[og_type_first_property(t->type) + i];
  og_scalar v, out;
  og_buf text = {0};
  og_status st = og_value_from_json(t->cx, t->type, p, j, t->cx->arena, &t->keep, &v);
  fuzz_expect_error(t->cx, st);
  og_error_clear(t->cx);
  coerce(t, p, j, st, &v);
  if (st != OG_OK) return;
  fuzz_expect(og_type_eq(v.type, f->type));
  og_column *c = column_of(t, f, &v);
  fuzz_expect(og_value_at(t->cx, c, 0, &t->keep, &out) == OG_OK && same(&v, &out));
  through_json(t, p, c, &v);
  if (!v.is_null && !og_type_is_nested(v.type.id) && !og_type_eq(v.type, og_type_of(OG_TYPE_LARGE_BINARY)))
    fuzz_expect(og_value_text(t->cx, &v, &text) == OG_OK);
  og_buf_cleanup(&text);
  og_column_unref(c);
}

/* The id of a row with those two key members; they stand in it in the order of their identities: i, k. */
static void take_id(target *t, const og_json *record)
{
  og_scalar row[32] = {{.is_null = true}};
  og_str id;
  const og_json *parsed;
  int32_t k = og_type_property(t->type, OG_STR("k")), i = og_type_property(t->type, OG_STR("i"));
  const og_json *key = og_json_get(record, OG_STR("k")), *number = og_json_get(record, OG_STR("i"));
  fuzz_expect(t->columns->n_fields <= OG_ARRAY_LEN(row));
  if (!key || !number || key->kind != OG_JSON_STRING) return;
  row[og_type_column(t->type, k)] = (og_scalar){.type = og_type_of(OG_TYPE_UTF8), .v.s = key->u.str};
  og_scalar *integer = &row[og_type_column(t->type, i)];
  og_status st = og_value_from_json(t->cx, t->type, &t->type->properties[i], number, t->cx->arena, &t->keep, integer);
  og_error_clear(t->cx);
  if (st != OG_OK || integer->is_null) return;
  fuzz_expect(og_value_id(t->cx, t->type, row, t->cx->arena, &id) == OG_OK);
  fuzz_expect(og_json_read(t->cx, t->cx->arena, id, &parsed) == OG_OK);
  fuzz_expect(parsed->kind == OG_JSON_ARRAY && parsed->u.array.len == 2);
  fuzz_expect(og_str_eq(parsed->u.array.items[1].u.str, key->u.str));
}

static void take_record(target *t, const og_json *record)
{
  if (record->kind != OG_JSON_OBJECT) return;
  for (size_t m = 0; m < record->u.object.len && m < 8; m++)
    for (uint32_t i = 0; i < t->type->n_properties; i++) take_value(t, i, record->u.object.members[m].value);
  take_id(t, record);
  for (size_t i = 0; i < t->keep.len; i++) og_column_unref(OG_VEC_AT(&t->keep, og_column *, i));
  og_vec_clear(&t->keep);
}

static void run(target *t, og_str input)
{
  og_ahead *lines;
  const og_ahead_part *parts;
  size_t n;
  uint64_t line = 0, last;
  fuzz_expect(og_ahead_open(t->cx, NULL, NULL, input.len, input, 1 << 20, &lines) == OG_OK);
  for (;;) {
    og_status st = og_ahead_next(t->cx, lines, &parts, &n, &last);
    fuzz_expect_error(t->cx, st);
    if (st != OG_OK || n == 0) break;
    for (size_t i = 0; i < n; i++)
      for (size_t k = 0; k < parts[i].n_packs; k++)
        for (size_t r = 0; r < parts[i].packs[k].n_records; r++) {
          const og_ahead_record *record = &parts[i].packs[k].records[r];
          fuzz_expect(record->line > line && parts[i].end <= input.len);
          line = record->line;
          take_record(t, record->json);
        }
    fuzz_expect(line <= last);
  }
  og_error_clear(t->cx);
  og_ahead_close(t->cx, lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fuzz_world w;
  og_catalog *c;
  target t = {.cx = fuzz_open(&w), .keep = OG_VEC_INIT(og_column *)};
  fuzz_expect(og_schema_check(t.cx, og_str_of(schema), OG_STR("s.pg"), &c) == OG_OK);
  t.type = &c->nodes[0];
  fuzz_expect(og_type_schema(t.cx, t.type, &t.columns) == OG_OK);
  run(&t, og_str_from(data, size));
  og_vec_cleanup(&t.keep);
  og_schema_unref(t.columns);
  og_catalog_unref(c);
  fuzz_close(&w);
  return 0;
}
