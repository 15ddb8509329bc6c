/* SPDX-License-Identifier: MIT */
/* The interface against itself, and against producers that lie; tests/interop has pyarrow on the
 * other side. */
#include "arrow_test.h"

#include "arrow/c_data.h"

enum { ROWS = 37 };

/* One batch with a column of every type. */
static og_status every_batch(og_ctx *cx, og_batch **out)
{
  og_schema *schema = NULL;
  og_column *columns[N_EVERY] = {NULL};
  og_status st = og_schema_new(cx, every_field, N_EVERY, NULL, 0, &schema);
  for (size_t i = 0; i < N_EVERY && st == OG_OK; i++)
    st = random_column(cx, &every_field[i], ROWS, i, &columns[i]);
  if (st == OG_OK) st = og_batch_new(cx, schema, columns, N_EVERY, ROWS, out);
  for (size_t i = 0; i < N_EVERY; i++) og_column_unref(columns[i]);
  og_schema_unref(schema);
  return st;
}

static og_status round_trip(og_ctx *cx, og_batch *b, og_batch **out)
{
  struct ArrowSchema schema;
  struct ArrowArray array;
  og_schema *imported;
  OG_TRY(og_arrow_export_schema(cx, b->schema, &schema));
  OG_TRY(og_arrow_import_schema(cx, &schema, &imported));
  og_status st = og_arrow_export_batch(cx, b, &array);
  if (st == OG_OK) st = og_arrow_import_batch(cx, &array, imported, out);
  og_schema_unref(imported);
  return st;
}

OG_TEST(c_data, a_round_trip_keeps_every_type)
{
  world w;
  og_ctx *cx = world_open(&w);
  og_batch *b, *back;
  OG_CHECK_OK(cx, every_batch(cx, &b));
  OG_CHECK_OK(cx, round_trip(cx, b, &back));
  for (uint32_t i = 0; i < N_EVERY; i++) {
    OG_CHECK(og_field_eq(&b->schema->fields[i], &back->schema->fields[i], true));
    OG_CHECK(b->columns[i]->nulls == back->columns[i]->nulls);
    OG_CHECK(same_rows(b->columns[i], 0, back->columns[i], 0, ROWS));
  }
  og_batch_unref(back);
  og_batch_unref(b);
  world_close(&w);
}

OG_TEST(c_data, an_export_outlives_the_batch_and_its_parent)
{
  world w;
  og_ctx *cx = world_open(&w);
  og_batch *b;
  struct ArrowArray array, child;
  OG_CHECK_OK(cx, every_batch(cx, &b));
  OG_CHECK_OK(cx, og_arrow_export_batch(cx, b, &array));
  og_column *first = og_column_ref(b->columns[5]);
  og_batch_unref(b);
  child = *array.children[5]; /* a move, as the interface defines it */
  array.children[5]->release = NULL;
  array.release(&array);
  OG_CHECK(!array.release);
  OG_CHECK(child.length == ROWS && child.buffers[1] == first->data[0]);
  child.release(&child);
  OG_CHECK(!child.release);
  og_column_unref(first);
  world_close(&w);
}

/* Exports column `i` alone, lets `lie` spoil the array, and imports it. */
static void check_refused(size_t i, void (*lie)(struct ArrowArray *a), const char *text)
{
  world w;
  og_ctx *cx = world_open(&w);
  og_schema *schema;
  og_column *c;
  og_batch *b, *back;
  struct ArrowArray array;
  OG_CHECK_OK(cx, og_schema_new(cx, &every_field[i], 1, NULL, 0, &schema));
  OG_CHECK_OK(cx, random_column(cx, &every_field[i], ROWS, 3, &c));
  OG_CHECK_OK(cx, og_batch_new(cx, schema, &c, 1, ROWS, &b));
  OG_CHECK_OK(cx, og_arrow_export_batch(cx, b, &array));
  lie(array.children[0]);
  OG_CHECK_STATUS(cx, og_arrow_import_batch(cx, &array, schema, &back), OG_EINVALID);
  if (!strstr(w.err.text, text)) fail_msg("'%s' instead of '%s'", w.err.text, text);
  OG_CHECK(!array.release);
  og_batch_unref(b);
  og_column_unref(c);
  og_schema_unref(schema);
  world_close(&w);
}

static void say_long(struct ArrowArray *a)
{
  a->length = ROWS - 1;
}

static void say_negative(struct ArrowArray *a)
{
  a->offset = -1;
}

static void say_overflow(struct ArrowArray *a)
{
  a->offset = INT64_MAX;
}

static void say_buffers(struct ArrowArray *a)
{
  a->n_buffers++;
}

static void drop_bitmap(struct ArrowArray *a)
{
  a->buffers[0] = NULL;
}

static void drop_buffer_1(struct ArrowArray *a)
{
  a->buffers[1] = NULL;
}

static void drop_buffer_2(struct ArrowArray *a)
{
  a->buffers[2] = NULL;
}

static size_t field_at(const char *name)
{
  for (size_t i = 0; i < N_EVERY; i++)
    if (og_str_eq(every_field[i].name, og_str_of(name))) return i;
  fail_msg("no field %s", name);
  return 0;
}

OG_TEST(c_data, import_refuses_arrays_that_cannot_be_true)
{
  for (size_t i = 0; i < N_EVERY; i++) {
    check_refused(i, say_long, "shorter than its parent needs");
    check_refused(i, say_negative, "negative length or offset");
    check_refused(i, say_overflow, "negative length or offset");
    check_refused(i, say_buffers, "wrong number of buffers");
    if (every_field[i].type.id == OG_TYPE_NULL) continue;
    check_refused(i, drop_bitmap, "nulls but no bitmap");
    if (og_type_width(every_field[i].type.id)) check_refused(i, drop_buffer_1, "has no values");
    if (!og_type_is_varbin(every_field[i].type.id)) continue;
    check_refused(i, drop_buffer_1, "has no offsets");
    check_refused(i, drop_buffer_2, "has no bytes");
  }
  check_refused(field_at("list"), drop_buffer_1, "has no offsets");
}

/* Offsets of our own making instead of the exported ones; the export is released unharmed. */
static int32_t bad_offsets[ROWS + 1];

static void use_bad_offsets(struct ArrowArray *a)
{
  a->buffers[1] = bad_offsets;
}

OG_TEST(c_data, import_refuses_offsets_that_point_outside)
{
  memset(bad_offsets, 0, sizeof bad_offsets);
  bad_offsets[0] = -1;
  check_refused(field_at("utf8"), use_bad_offsets, "negative offset");
  check_refused(field_at("list"), use_bad_offsets, "negative offset");
  bad_offsets[0] = 1;
  check_refused(field_at("utf8"), use_bad_offsets, "falling offsets");
  check_refused(field_at("list_of_structs"), use_bad_offsets, "falling offsets");
  bad_offsets[0] = 0;
  bad_offsets[ROWS] = INT32_MAX;
  check_refused(field_at("list"), use_bad_offsets, "shorter than its parent needs");
}

OG_TEST(c_data, import_refuses_a_wrong_number_of_children)
{
  world w;
  og_ctx *cx = world_open(&w);
  og_batch *b, *back;
  OG_CHECK_OK(cx, every_batch(cx, &b));
  og_schema *fewer;
  OG_CHECK_OK(cx, og_schema_new(cx, every_field, N_EVERY - 1, NULL, 0, &fewer));
  struct ArrowArray array;
  OG_CHECK_OK(cx, og_arrow_export_batch(cx, b, &array));
  OG_CHECK_STATUS(cx, og_arrow_import_batch(cx, &array, fewer, &back), OG_EINVALID);
  OG_CHECK(!array.release);
  og_schema_unref(fewer);
  og_batch_unref(b);
  world_close(&w);
}

OG_TEST(c_data, everything_is_freed_when_any_allocation_fails)
{
  world w;
  og_ctx *cx = world_open(&w);
  og_batch *b;
  OG_CHECK_OK(cx, every_batch(cx, &b));
  uint64_t before = w.rt.mem.in_use;
  og_status st = OG_ENOMEM;
  for (uint64_t nth = 1; st != OG_OK; nth++) {
    og_batch *back = NULL;
    w.rt.mem.calls = 0;
    w.rt.mem.fail_at = nth;
    st = round_trip(cx, b, &back);
    OG_CHECK(st == OG_OK || st == OG_ENOMEM);
    og_batch_unref(back);
    OG_CHECK_U64(w.rt.mem.in_use, before);
  }
  og_batch_unref(b);
  world_close(&w);
}

OG_TEST_MAIN(OG_CASE(c_data, a_round_trip_keeps_every_type),
             OG_CASE(c_data, an_export_outlives_the_batch_and_its_parent),
             OG_CASE(c_data, import_refuses_arrays_that_cannot_be_true),
             OG_CASE(c_data, import_refuses_offsets_that_point_outside),
             OG_CASE(c_data, import_refuses_a_wrong_number_of_children),
             OG_CASE(c_data, everything_is_freed_when_any_allocation_fails))
