/* SPDX-License-Identifier: MIT */
/* Writing and reading a data file while allocations fail: each time a clean error, nothing lost,
 * nothing visible. */
#include "property/lance/random_columns.h"
#include "unit/og_test.h"

#include "base/env.h"
#include "lance/file.h"

#define N_FIELDS 3

static og_status read_back(og_ctx *cx, og_store *store)
{
  og_lance_file *f;
  og_column *c;
  og_lance_column_ref ref;
  const uint64_t rows[] = {0, 7, 8, 150};
  OG_TRY(og_lance_file_open(cx, store, OG_STR("f"), 0, &f));
  og_status st = OG_OK;
  for (uint32_t i = 0; i < N_FIELDS && st == OG_OK; i++) {
    st = og_lance_file_layout(cx, f, i, &ref);
    if (st == OG_OK) st = og_lance_file_read(cx, f, &ref, 0, og_lance_file_num_rows(f), &c);
    if (st == OG_OK) og_column_unref(c);
    if (st == OG_OK) st = og_lance_file_take(cx, f, &ref, rows, 4, &c);
    if (st == OG_OK) og_column_unref(c);
  }
  og_lance_file_unref(f);
  return st;
}

static og_status write_and_read(og_ctx *cx, og_store *store, og_schema *schema,
                                const og_batch *batch)
{
  og_lance_schema *lance;
  og_lance_file_writer *w;
  og_lance_file_stats stats;
  OG_TRY(og_lance_schema_new(cx, schema, &lance));
  og_status st =
      og_lance_file_writer_open(cx, store, OG_STR("f"), lance, (og_lance_version){2, 2}, &w);
  og_lance_schema_unref(lance);
  OG_TRY(st);
  st = og_lance_file_write(cx, w, batch);
  if (st != OG_OK) {
    og_lance_file_abort(cx, w);
    return st;
  }
  OG_TRY(og_lance_file_finish(cx, w, &stats));
  return read_back(cx, store);
}

/* Fails allocation 1, then 2, ... until none is reached; returns how many there were. */
static uint64_t fail_each(uint64_t seed)
{
  uint32_t n_all;
  const og_field *all = og_random_fields(&n_all);
  og_runtime rt = {0};
  og_error err;
  og_arena arena = {0};
  og_ctx cx;
  og_store *store;
  og_schema *schema;
  og_batch *batch;
  og_column *columns[N_FIELDS];
  og_dice dice = {seed};
  og_mem_init(&rt.mem, 0);
  assert_int_equal(og_env_posix_new(&rt.mem, &rt.env), OG_OK);
  og_ctx_init(&cx, &rt, &err, &arena);
  OG_CHECK_OK(&cx, og_schema_new(&cx, &all[seed * N_FIELDS % (n_all - N_FIELDS)], N_FIELDS, NULL, 0,
                                 &schema));
  for (int i = 0; i < N_FIELDS; i++)
    OG_CHECK_OK(&cx, og_random_column(&cx, &dice, &schema->fields[i], 300, &columns[i]));
  OG_CHECK_OK(&cx, og_batch_new(&cx, schema, columns, N_FIELDS, 300, &batch));
  const uint64_t before = rt.mem.in_use;
  uint64_t n = 0;
  for (bool failed = true; failed;) {
    og_mem_init(&rt.mem, 0);
    rt.mem.in_use = before;
    OG_CHECK_OK(&cx, og_store_memory_new(&cx, &store));
    rt.mem.fail_at = rt.mem.calls + ++n;
    og_status st = write_and_read(&cx, store, schema, batch);
    failed = st != OG_OK;
    OG_CHECK(st == OG_OK || st == OG_ENOMEM);
    og_store_unref(store);
    og_arena_cleanup(&arena);
    OG_CHECK_U64(rt.mem.in_use, before);
  }
  for (int i = 0; i < N_FIELDS; i++) og_column_unref(columns[i]);
  og_batch_unref(batch);
  og_schema_unref(schema);
  og_env_posix_free(rt.env);
  OG_CHECK_U64(rt.mem.in_use, 0);
  return n;
}

OG_TEST(lance_file, every_failed_allocation_is_a_clean_error)
{
  for (uint64_t seed = 0; seed < 11; seed++) OG_CHECK(fail_each(seed) > 50);
}

OG_TEST_MAIN(OG_CASE(lance_file, every_failed_allocation_is_a_clean_error))
