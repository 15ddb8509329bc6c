/* SPDX-License-Identifier: MIT */
/* fuzz_lance_manifest: any bytes as a manifest, beside the data and deletion files of the sample table it is from.
 *
 * What decodes is written back to a fixed point, opens as a table, takes a change of its own, and every file it names
 * lies inside its table.  Its rows are read in every way there is: what one way reads, the others read too, what is
 * read passes the column check and has a JSON form, and the inspector tells of it. */
#include "fuzz/fuzz_world.h"

#include "arrow/json.h"
#include "lance/inspect.h"
#include "lance/table_impl.h"

#define MAX_SAMPLES 512
#define MAX_ROWS    4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the files of the samples, read once */

typedef struct sample {
  char key[256]; /* below the folder of all samples: "v2.1/ints.lance/data/<name>.lance" */
  char *bytes;
  size_t len, table; /* length of the key's part that names the table */
} sample;

static struct {
  sample all[MAX_SAMPLES];
  size_t n;
} samples;

static og_status see_sample(og_ctx *cx, void *arg, og_str key, uint64_t size)
{
  og_buf bytes = {0};
  size_t table = og_str_find(key, OG_STR(".lance/"));
  if (table == SIZE_MAX || og_str_find(key, OG_STR("/_versions/")) != SIZE_MAX) return OG_OK;
  fuzz_expect(samples.n < MAX_SAMPLES && key.len < sizeof samples.all[0].key);
  fuzz_expect(og_store_get(cx, arg, key, size, &bytes) == OG_OK);
  sample *s = &samples.all[samples.n++];
  *s = (sample){.bytes = malloc(bytes.len + 1), .len = bytes.len, .table = table + 7};
  fuzz_expect(s->bytes != NULL);
  memcpy(s->bytes, bytes.data, bytes.len);
  memcpy(s->key, key.ptr, key.len);
  og_buf_cleanup(&bytes);
  return OG_OK;
}

static void read_samples(og_ctx *cx)
{
  og_store *store;
  if (samples.n) return;
  fuzz_expect(og_store_open(cx, OG_STR(OG_TEST_DATA "/lance"), true, &store) == OG_OK);
  fuzz_expect(og_store_list(cx, store, OG_STR_NONE, OG_STR_NONE, see_sample, store) == OG_OK && samples.n > 0);
  og_store_unref(store);
}

static og_str name_of(const sample *s)
{
  og_str key = og_str_of(s->key);
  return og_str_sub(key, og_str_rfind_byte(key, '/') + 1, key.len);
}

/* The table whose data files the manifest names, as table "t". */
static void put_table(og_ctx *cx, og_store *store, og_str manifest)
{
  const sample *of = NULL;
  og_str key;
  for (size_t i = 0; i < samples.n && !of; i++)
    if (og_str_find(manifest, name_of(&samples.all[i])) != SIZE_MAX) of = &samples.all[i];
  for (size_t i = 0; i < samples.n && of; i++) {
    const sample *s = &samples.all[i];
    if (s->table != of->table || memcmp(s->key, of->key, s->table) != 0) continue;
    fuzz_expect(og_arena_printf(cx, cx->arena, &key, "t/%s", s->key + s->table) == OG_OK);
    fuzz_expect(og_store_put(cx, store, key, og_str_from(s->bytes, s->len)) == OG_OK);
  }
}

/* ---- the manifest */

static void write_back(og_ctx *cx, const og_manifest *m, og_buf *once)
{
  og_manifest again;
  og_buf twice = {0};
  fuzz_expect(og_manifest_encode(cx, m, once) == OG_OK);
  fuzz_expect(og_manifest_decode(cx, og_buf_str(once), &again) == OG_OK);
  fuzz_expect(og_manifest_encode(cx, &again, &twice) == OG_OK);
  fuzz_expect(og_str_eq(og_buf_str(once), og_buf_str(&twice)));
  og_manifest_cleanup(&again);
  og_buf_cleanup(&twice);
}

static void change(og_ctx *cx, const og_lance_place *at, og_lance_table *t)
{
  const og_lance_place branch = {at->store, at->root, OG_STR("wip")};
  const og_lance_change_opts opts = {
      .op = OG_LANCE_UPDATE, .attempt = OG_STR("01ARZ3NDEKTSV4RRFFQ69G5FAV"), .tx_uuid = OG_STR("u")};
  og_lance_change *c;
  og_lance_table *next;
  if (og_lance_change_new(cx, &branch, t, &opts, &c) != OG_OK) return;
  const uint64_t first = 0;
  og_status st = og_lance_table_physical_rows(t) ? og_lance_change_delete(cx, c, &first, 1) : OG_OK;
  if (st == OG_OK && og_lance_change_finish(cx, c) == OG_OK && og_lance_change_render(cx, c, NULL, 9) == OG_OK) {
    fuzz_expect(og_lance_change_table(cx, c, &next) == OG_OK);
    og_lance_table_unref(next);
  }
  og_lance_change_free(cx, c);
}

/* ---- its rows */

static void expect_sound(og_ctx *cx, const og_batch *b)
{
  og_buf text = {0};
  og_json_writer w;
  for (uint32_t i = 0; i < b->n_columns; i++) {
    fuzz_expect(b->columns[i]->len == b->len && og_column_check(cx, b->columns[i], OG_ECORRUPT) == OG_OK);
    og_json_writer_init(&w, &text, false);
    for (int64_t k = 0; k < b->len && k < 4; k++) fuzz_expect_error(cx, og_column_json(cx, &w, b->columns[i], k));
    og_buf_clear(&text);
  }
  og_buf_cleanup(&text);
}

/* Rows of a scan, and the dense offsets of the first of them; false when they cannot be read. */
static bool scan_rows(og_ctx *cx, og_lance_table *t, const uint32_t *columns, uint32_t n, uint64_t offsets[3],
                      og_batch **first)
{
  const og_lance_scan_opts opts = {.columns = columns,
                                   .n_columns = n,
                                   .with_offset = true,
                                   .with_row_id = true,
                                   .with_created = true,
                                   .with_updated = true,
                                   .batch_rows = 64};
  og_lance_scan *scan;
  og_batch *b;
  uint64_t rows = 0;
  if (og_lance_scan_open(cx, t, &opts, &scan) != OG_OK) return false;
  og_status st;
  while ((st = og_lance_scan_next(cx, scan, &b)) == OG_OK && b) {
    expect_sound(cx, b);
    fuzz_expect(b->n_columns == n + 4 && b->len > 0);
    for (int64_t i = 0; i < 3 && !*first; i++) offsets[i] = og_column_u64(b->columns[n])[i < b->len ? i : b->len - 1];
    if (!*first) *first = og_batch_ref(b);
    rows += (uint64_t)b->len;
    og_batch_unref(b);
  }
  og_lance_scan_close(scan);
  fuzz_expect_error(cx, st);
  fuzz_expect(st != OG_OK || rows == og_lance_table_rows(t));
  return st == OG_OK && *first;
}

/* The first rows of `scanned` again by their offsets, backwards: taken, and from whole columns. */
static void take_rows(og_ctx *cx, og_lance_table *t, const uint32_t *columns, uint32_t n, const uint64_t offsets[3],
                      const og_batch *scanned)
{
  const uint64_t backwards[3] = {offsets[2], offsets[1], offsets[0]};
  uint64_t ids[3], created[3], found;
  bool is_found;
  og_batch *taken;
  og_column *whole;
  fuzz_expect(og_lance_table_take(cx, t, columns, n, backwards, 3, &taken) == OG_OK && taken->len == 3);
  fuzz_expect(og_lance_table_row_ids(cx, t, offsets, 3, ids, created) == OG_OK);
  fuzz_expect(ids[0] == og_column_u64(scanned->columns[n + 1])[0]);
  fuzz_expect(created[0] == og_column_u64(scanned->columns[n + 2])[0]);
  for (uint32_t i = 0; i < n; i++) {
    fuzz_expect(og_column_value_eq(taken->columns[i], 2, scanned->columns[i], 0));
    if (og_lance_table_column(cx, t, columns[i], &whole) == OG_OK) {
      fuzz_expect((uint64_t)whole->len == og_lance_table_physical_rows(t));
      fuzz_expect(og_column_value_eq(whole, (int64_t)offsets[0], scanned->columns[i], 0));
      og_column_unref(whole);
    }
    og_error_clear(cx);
    if (scanned->columns[i]->type.id != OG_TYPE_UTF8 || og_column_is_null(scanned->columns[i], 0)) continue;
    og_status st = og_lance_table_find(cx, t, columns[i], og_column_str(scanned->columns[i], 0), &found, &is_found);
    fuzz_expect_error(cx, st);
    fuzz_expect(st != OG_OK || (is_found && found <= offsets[0]));
  }
  og_batch_unref(taken);
}

static void read_rows(og_ctx *cx, og_lance_table *t)
{
  uint32_t columns[64], n = og_lance_table_schema(t)->arrow->n_fields;
  const uint8_t *deleted;
  uint64_t offsets[3] = {0};
  og_batch *first = NULL;
  if (n > OG_ARRAY_LEN(columns) || og_lance_table_deleted(cx, t, &deleted) != OG_OK) return;
  if (og_lance_table_physical_rows(t) > MAX_ROWS) return;
  for (uint32_t i = 0; i < n; i++) columns[i] = i;
  if (scan_rows(cx, t, columns, n, offsets, &first)) take_rows(cx, t, columns, n, offsets, first);
  og_batch_unref(first);
  og_error_clear(cx);
}

static void inspect(og_ctx *cx, const og_lance_place *at, og_lance_table *t, og_str manifest)
{
  og_str key;
  og_buf text = {0};
  og_json_writer w;
  bool sound;
  uint64_t version = og_lance_table_version(t);
  if (version == 0 || og_lance_table_physical_rows(t) > MAX_ROWS) return;
  fuzz_expect(og_lance_manifest_key(cx, at, version, &key) == OG_OK);
  fuzz_expect(og_store_put(cx, at->store, key, manifest) == OG_OK);
  og_json_writer_init(&w, &text, false);
  og_status st = og_lance_inspect(cx, at, version, true, &w, &sound);
  fuzz_expect_error(cx, st);
  og_error_clear(cx);
  const og_json *json;
  if (st == OG_OK) st = og_json_read(cx, cx->arena, og_buf_str(&text), &json);
  if (cx->err->status == OG_EINVALID) fprintf(stderr, "%s\n", cx->err->text);
  fuzz_expect(cx->err->status != OG_EINVALID);
  og_error_clear(cx);
  og_buf_cleanup(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fuzz_world w;
  og_ctx *cx = fuzz_open(&w);
  og_manifest m;
  og_store *store;
  og_buf once = {0};
  read_samples(cx);
  fuzz_expect(og_store_memory_new(cx, &store) == OG_OK);
  const og_lance_place at = {store, OG_STR("t"), OG_STR_NONE};
  if (og_manifest_decode(cx, og_str_from(data, size), &m) == OG_OK) {
    og_lance_table *t;
    write_back(cx, &m, &once);
    og_manifest_cleanup(&m);
    put_table(cx, store, og_buf_str(&once));
    if (og_lance_table_decode(cx, &at, og_buf_str(&once), &t) == OG_OK) {
      read_rows(cx, t);
      inspect(cx, &at, t, og_buf_str(&once));
      change(cx, &at, t);
      og_lance_table_unref(t);
    }
  }
  og_buf_cleanup(&once);
  og_store_unref(store);
  fuzz_close(&w);
  return 0;
}
