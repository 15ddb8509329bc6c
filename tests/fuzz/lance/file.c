/* SPDX-License-Identifier: MIT */
/* fuzz_lance_file: any bytes as a data file; fuzz_lance_pages (PATCH defined): edits to the pages
 * of a good file.
 *
 * Whatever the bytes: no crash, no leak, no more memory than the limit, and what is read passes the
 * column check. */
#include "fuzz/fuzz_world.h"

#include "lance/file.h"
#ifdef PATCH
#include "property/lance/random_columns.h"
#endif

#define KEY "f.lance"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_sound(og_ctx *cx, const og_column *c, uint64_t n)
{
  if (og_column_check(cx, c, OG_ECORRUPT) == OG_OK && (uint64_t)c->len == n) return;
  fprintf(stderr, "%s\n", cx->err->text);
  abort();
}

/* Blobs as references, and where single ones lie; one outside may be in a folder that is not there. */
static void read_blobs(og_ctx *cx, og_lance_file *f, og_lance_column_ref ref)
{
  og_column *c;
  og_lance_outside *outside;
  og_lance_blob b;
  const uint64_t n = og_lance_file_num_rows(f);
  fuzz_expect(og_lance_outside_new(cx, &outside) == OG_OK);
  fuzz_expect(og_lance_outside_allow(cx, outside, OG_STR("/no-such-folder/a")) == OG_OK);
  ref.outside = outside;
  for (uint64_t row = 0; row < n && row < 9; row++)
    if (og_lance_file_blob(cx, f, &ref, row, &b) == OG_OK) fuzz_expect(b.null || og_key_is_valid(b.key));
  ref.refs = true;
  if (n < 1u << 24 && og_lance_file_read(cx, f, &ref, 0, n, &c) == OG_OK) {
    expect_sound(cx, c, n);
    for (int64_t i = 0; i < c->len; i++)
      if (!og_column_is_null(c, i)) (void)og_lance_blob_ref_size(og_column_str(c, i));
    og_column_unref(c);
  }
  og_lance_outside_free(outside);
}

static void read_field(og_ctx *cx, og_lance_file *f, uint32_t i)
{
  og_lance_column_ref ref;
  og_column *c;
  uint64_t rows[9];
  size_t k = 0;
  const uint64_t n = og_lance_file_num_rows(f);
  if (og_lance_file_layout(cx, f, i, &ref) != OG_OK) return;
  if (og_lance_is_blob(ref.field)) read_blobs(cx, f, ref);
  if (n < 1u << 24 && og_lance_file_read(cx, f, &ref, 0, n, &c) == OG_OK) {
    expect_sound(cx, c, n);
    og_column_unref(c);
  }
  for (uint64_t j = 0; j < 9; j++) {
    const uint64_t row = n / 9 * j + j;
    if (row < n && (k == 0 || row > rows[k - 1])) rows[k++] = row;
  }
  if (og_lance_file_take(cx, f, &ref, rows, k, &c) == OG_OK) {
    expect_sound(cx, c, k);
    og_column_unref(c);
  }
}

/* What a blob's descriptor may name beside the file: numbers 0 and 1. */
static void put_blobs(og_ctx *cx, og_store *store)
{
  static const char bytes[200];
  const og_str names[] = {OG_STR("f/00000000000000000000000000000000.blob"),
                          OG_STR("f/10000000000000000000000000000000.blob")};
  for (size_t i = 0; i < OG_ARRAY_LEN(names); i++)
    fuzz_expect(og_store_put(cx, store, names[i], og_str_from(bytes, sizeof bytes)) == OG_OK);
}

static void read_file(og_ctx *cx, og_store *store)
{
  og_lance_file *f;
  if (og_lance_file_open(cx, store, OG_STR(KEY), 0, &f) != OG_OK) return;
  for (uint32_t i = 0; i < og_lance_file_schema(f)->arrow->n_fields; i++) read_field(cx, f, i);
  og_lance_file_unref(f);
}

#ifdef PATCH
/* A file of random columns; the bytes before its schema are pages. */
static void write_good_file(og_ctx *cx, og_store *store, uint64_t seed)
{
  uint32_t n;
  og_dice dice = {seed};
  const og_field *all = og_random_fields(&n), *fields = &all[og_dice_below(&dice, n - 2)];
  og_schema *schema;
  og_lance_schema *lance;
  og_lance_file_writer *w;
  og_lance_file_stats stats;
  og_batch *batch;
  og_column *columns[3];
  const int64_t rows = (int64_t)og_dice_below(&dice, 3000) + 1;
  const og_lance_version version = {2, (uint16_t)(1 + seed % 2)};
  fuzz_expect(og_schema_new(cx, fields, 3, NULL, 0, &schema) == OG_OK);
  fuzz_expect(og_lance_schema_new(cx, schema, &lance) == OG_OK);
  for (int i = 0; i < 3; i++) fuzz_expect(og_random_column(cx, &dice, &fields[i], rows, &columns[i]) == OG_OK);
  fuzz_expect(og_batch_new(cx, schema, columns, 3, rows, &batch) == OG_OK);
  fuzz_expect(og_lance_file_writer_open(cx, store, OG_STR(KEY), lance, version, &w) == OG_OK);
  fuzz_expect(og_lance_file_write(cx, w, batch) == OG_OK);
  fuzz_expect(og_lance_file_finish(cx, w, &stats) == OG_OK);
  for (int i = 0; i < 3; i++) og_column_unref(columns[i]);
  og_batch_unref(batch);
  og_lance_schema_unref(lance);
  og_schema_unref(schema);
}

/* The file of a seed: the last of each slot is kept, because writing one takes longer than reading it. */
static void good_file(og_ctx *cx, og_store *store, unsigned seed, og_buf *out)
{
  static struct {
    unsigned seed;
    size_t len;
    uint8_t *bytes; /* NULL: none yet */
  } slots[256], *s;
  s = &slots[seed % OG_ARRAY_LEN(slots)];
  if (s->bytes && s->seed == seed) {
    fuzz_expect(og_buf_append(cx, out, s->bytes, s->len) == OG_OK);
    return;
  }
  write_good_file(cx, store, seed);
  fuzz_expect(og_store_get(cx, store, OG_STR(KEY), FUZZ_MEMORY, out) == OG_OK);
  free(s->bytes);
  s->bytes = malloc(out->len);
  fuzz_expect(s->bytes != NULL);
  memcpy(s->bytes, out->data, out->len);
  s->len = out->len;
  s->seed = seed;
}

/* data: u16 seed, then edits of { u24 position, u8 value }. */
static void put_input(og_ctx *cx, og_store *store, const uint8_t *data, size_t size)
{
  og_buf file = {0};
  uint64_t footer[3] = {0};
  if (size < 2) return;
  good_file(cx, store, (unsigned)data[0] << 8 | data[1], &file);
  memcpy(footer, file.data + file.len - 40, sizeof footer);
  for (size_t at = 2; at + 4 <= size; at += 4) {
    const size_t pos = (size_t)data[at] << 16 | (size_t)data[at + 1] << 8 | data[at + 2];
    file.data[pos % footer[0]] = data[at + 3];
  }
  fuzz_expect(og_store_put(cx, store, OG_STR(KEY), og_buf_str(&file)) == OG_OK);
  og_buf_cleanup(&file);
}
#else
static void put_input(og_ctx *cx, og_store *store, const uint8_t *data, size_t size)
{
  fuzz_expect(og_store_put(cx, store, OG_STR(KEY), og_str_from(data, size)) == OG_OK);
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fuzz_world w;
  og_store *store;
  og_ctx *cx = fuzz_open(&w);
  fuzz_expect(og_store_memory_new(cx, &store) == OG_OK);
  put_blobs(cx, store);
  put_input(cx, store, data, size);
  read_file(cx, store);
  og_store_unref(store);
  fuzz_close(&w);
  return 0;
}
