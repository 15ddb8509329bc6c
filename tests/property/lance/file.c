/* SPDX-License-Identifier: MIT */
/* What is written is read, whole, in ranges and singly, whatever the columns.  `property_lance_file
 * SEED COUNT` runs other seeds; a failure names its seed. */
#include "random_columns.h"
#include "unit/og_test.h"

#include "base/env.h"
#include "lance/file.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct world {
  og_runtime rt;
  og_error err;
  og_arena arena;
  og_ctx cx;
  og_store *store;
} world;

static void world_new(world *w)
{
  *w = (world){0};
  og_mem_init(&w->rt.mem, 0);
  assert_int_equal(og_env_posix_new(&w->rt.mem, &w->rt.env), OG_OK);
  og_ctx_init(&w->cx, &w->rt, &w->err, &w->arena);
  OG_CHECK_OK(&w->cx, og_store_memory_new(&w->cx, &w->store));
}

static void world_free(world *w)
{
  og_store_unref(w->store);
  og_arena_cleanup(&w->arena);
  og_env_posix_free(w->rt.env);
  OG_CHECK_U64(w->rt.mem.in_use, 0); /* nothing leaks */
}

/* Columns of one length under a schema of random fields, in batches. */
typedef struct sample {
  og_schema *schema;
  og_lance_schema *lance;
  og_batch *batches[4];
  uint32_t n_batches;
  int64_t n_rows;
} sample;

static void sample_new(world *w, og_dice *r, int64_t max_rows, uint32_t max_fields, sample *s)
{
  uint32_t n_all, n = 1 + (uint32_t)og_dice_below(r, max_fields);
  const og_field *all = og_random_fields(&n_all);
  og_field fields[8];
  og_column *columns[8];
  *s = (sample){.n_batches = 1 + (uint32_t)og_dice_below(r, 4)};
  for (uint32_t i = 0; i < n; i++) fields[i] = all[og_dice_below(r, n_all)];
  OG_CHECK_OK(&w->cx, og_schema_new(&w->cx, fields, n, NULL, 0, &s->schema));
  OG_CHECK_OK(&w->cx, og_lance_schema_new(&w->cx, s->schema, &s->lance));
  for (uint32_t b = 0; b < s->n_batches; b++) {
    int64_t rows = (int64_t)og_dice_below(r, (uint64_t)max_rows / s->n_batches + 1);
    if (b == 0 && rows == 0) rows = 1;
    for (uint32_t i = 0; i < n; i++)
      OG_CHECK_OK(&w->cx, og_random_column(&w->cx, r, &s->schema->fields[i], rows, &columns[i]));
    OG_CHECK_OK(&w->cx, og_batch_new(&w->cx, s->schema, columns, n, rows, &s->batches[b]));
    for (uint32_t i = 0; i < n; i++) og_column_unref(columns[i]);
    s->n_rows += rows;
  }
}

static void sample_free(sample *s)
{
  for (uint32_t b = 0; b < s->n_batches; b++) og_batch_unref(s->batches[b]);
  og_lance_schema_unref(s->lance);
  og_schema_unref(s->schema);
}

static void write_sample(world *w, const sample *s, uint16_t minor)
{
  og_lance_file_writer *out;
  og_lance_file_stats stats;
  OG_CHECK_OK(&w->cx, og_lance_file_writer_open(&w->cx, w->store, OG_STR("f.lance"), s->lance,
                                                (og_lance_version){2, minor}, &out));
  for (uint32_t b = 0; b < s->n_batches; b++)
    OG_CHECK_OK(&w->cx, og_lance_file_write(&w->cx, out, s->batches[b]));
  OG_CHECK_OK(&w->cx, og_lance_file_finish(&w->cx, out, &stats));
  OG_CHECK_U64(stats.rows, (uint64_t)s->n_rows);
}

/* Rows idx[0 .. n) of the sample's column i equal c's. */
static void check_rows(const sample *s, uint32_t i, const uint64_t *idx, uint64_t n,
                       const og_column *c)
{
  OG_CHECK_U64(c->len, n);
  for (uint64_t k = 0; k < n; k++) {
    int64_t row = (int64_t)idx[k];
    uint32_t b = 0;
    for (; row >= s->batches[b]->len; b++) row -= s->batches[b]->len;
    if (og_column_value_eq(s->batches[b]->columns[i], row, c, (int64_t)k)) continue;
    print_error("field " OG_STR_FMT ", row %llu differs\n", OG_STR_ARG(s->schema->fields[i].name),
                (unsigned long long)idx[k]);
    fail();
  }
}

static void check_field(world *w, og_dice *r, const sample *s, og_lance_file *f, uint32_t i)
{
  const uint64_t n = (uint64_t)s->n_rows;
  og_lance_column_ref ref;
  og_column *c;
  uint64_t *idx = og_push_array(&w->cx, n, sizeof *idx);
  OG_CHECK_OK(&w->cx, og_lance_file_layout(&w->cx, f, i, &ref));
  for (uint64_t k = 0; k < n; k++) idx[k] = k;
  OG_CHECK_OK(&w->cx, og_lance_file_read(&w->cx, f, &ref, 0, n, &c));
  OG_CHECK_OK(&w->cx, og_column_check(&w->cx, c, OG_ECORRUPT));
  check_rows(s, i, idx, n, c);
  og_column_unref(c);
  for (int round = 0; round < 4; round++) {
    const uint64_t from = og_dice_below(r, n + 1), len = og_dice_below(r, n - from + 1);
    OG_CHECK_OK(&w->cx, og_lance_file_read(&w->cx, f, &ref, from, len, &c));
    check_rows(s, i, idx + from, len, c);
    og_column_unref(c);
    uint64_t *some = og_push_array(&w->cx, n, sizeof *some), k = 0;
    const uint64_t gap = 1 + og_dice_below(r, round ? 3 : 400);
    for (uint64_t row = og_dice_below(r, gap); row < n; row += 1 + og_dice_below(r, gap))
      some[k++] = row;
    OG_CHECK_OK(&w->cx, og_lance_file_take(&w->cx, f, &ref, some, k, &c));
    OG_CHECK_OK(&w->cx, og_column_check(&w->cx, c, OG_ECORRUPT));
    check_rows(s, i, some, k, c);
    og_column_unref(c);
  }
  og_arena_reset(&w->arena);
}

static void round_trip(uint64_t seed, int64_t max_rows, uint32_t max_fields)
{
  world w;
  sample s;
  og_dice r = {seed};
  world_new(&w);
  sample_new(&w, &r, max_rows, max_fields, &s);
  for (uint16_t minor = 1; minor <= 2; minor++) {
    og_lance_file *f;
    write_sample(&w, &s, minor);
    OG_CHECK_OK(&w.cx, og_lance_file_open(&w.cx, w.store, OG_STR("f.lance"), 0, &f));
    OG_CHECK_U64(og_lance_file_num_rows(f), (uint64_t)s.n_rows);
    for (uint32_t i = 0; i < s.schema->n_fields; i++) check_field(&w, &r, &s, f, i);
    og_lance_file_unref(f);
  }
  sample_free(&s);
  world_free(&w);
}

static uint64_t first_seed = 1, n_seeds = 60;

OG_TEST(lance_file, small_files_come_back_as_written)
{
  for (uint64_t seed = first_seed; seed < first_seed + n_seeds; seed++) {
    print_message("seed %llu\n", (unsigned long long)seed);
    round_trip(seed, seed % 3 ? 5000 : 40, 6);
  }
}

OG_TEST(lance_file, files_of_many_pages_come_back_as_written)
{
  for (uint64_t seed = first_seed; seed < first_seed + (n_seeds + 29) / 30; seed++) {
    print_message("large seed %llu\n", (unsigned long long)seed);
    round_trip(seed * 7919, 200000, 2);
  }
}

/* Thousands of empty lists between two values do not fit a chunk. */
OG_TEST(lance_file, long_runs_of_empty_lists_come_back_as_written)
{
  static const og_field items[] = {
      {.name = {"item", 4}, .type = {.id = OG_TYPE_BOOL}, .nullable = true}};
  const og_field field = {.name = {"l", 1},
                          .type = {.id = OG_TYPE_LIST},
                          .nullable = true,
                          .children = items,
                          .n_children = 1};
  static const int64_t gaps[] = {0, 8191, 8192, 8193, 30000, 3, 100000, 1, 8200};
  world w;
  og_dice r = {7};
  sample s = {.n_batches = 1};
  og_builder *b;
  og_column *c;
  og_lance_file *f;
  world_new(&w);
  OG_CHECK_OK(&w.cx, og_schema_new(&w.cx, &field, 1, NULL, 0, &s.schema));
  OG_CHECK_OK(&w.cx, og_lance_schema_new(&w.cx, s.schema, &s.lance));
  OG_CHECK_OK(&w.cx, og_builder_new(&w.cx, &field, &b));
  for (size_t g = 0; g < OG_ARRAY_LEN(gaps); g++) {
    for (int64_t i = 0; i < gaps[g]; i++) {
      if (i % 3 == 0) {
        OG_CHECK_OK(&w.cx, og_builder_null(&w.cx, b));
        continue;
      }
      OG_CHECK_OK(&w.cx, og_builder_list_begin(&w.cx, b));
      OG_CHECK_OK(&w.cx, og_builder_list_end(&w.cx, b));
    }
    OG_CHECK_OK(&w.cx, og_builder_list_begin(&w.cx, b));
    for (size_t i = 0; i <= g; i++)
      OG_CHECK_OK(&w.cx, og_builder_bool(&w.cx, og_builder_child(b, 0), i % 2));
    OG_CHECK_OK(&w.cx, og_builder_list_end(&w.cx, b));
  }
  OG_CHECK_OK(&w.cx, og_builder_finish(&w.cx, b, &c));
  og_builder_free(b);
  s.n_rows = c->len;
  OG_CHECK_OK(&w.cx, og_batch_new(&w.cx, s.schema, &c, 1, c->len, &s.batches[0]));
  og_column_unref(c);
  for (uint16_t minor = 1; minor <= 2; minor++) {
    write_sample(&w, &s, minor);
    OG_CHECK_OK(&w.cx, og_lance_file_open(&w.cx, w.store, OG_STR("f.lance"), 0, &f));
    check_field(&w, &r, &s, f, 0);
    og_lance_file_unref(f);
  }
  sample_free(&s);
  world_free(&w);
}

int main(int argc, char **argv)
{
  if (argc > 1) first_seed = strtoull(argv[1], NULL, 10);
  if (argc > 2) n_seeds = strtoull(argv[2], NULL, 10);
  const struct CMUnitTest tests[] = {
      OG_CASE(lance_file, small_files_come_back_as_written),
      OG_CASE(lance_file, files_of_many_pages_come_back_as_written),
      OG_CASE(lance_file, long_runs_of_empty_lists_come_back_as_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
