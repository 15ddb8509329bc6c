/* SPDX-License-Identifier: MIT */
/* Any bytes as a manifest: what decodes is written back to a fixed point, opens as a table, takes a change of its own,
 * and every file it names lies inside its table. */
#include "fuzz/fuzz_world.h"

#include "lance/table_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

static void read_rows(og_ctx *cx, og_lance_table *t)
{
  const og_lance_scan_opts opts = {.with_row_id = true, .with_created = true, .batch_rows = 64};
  og_lance_scan *scan;
  og_batch *b;
  const uint8_t *deleted;
  if (og_lance_table_deleted(cx, t, &deleted) != OG_OK || og_lance_table_physical_rows(t) > 1u << 16) return;
  if (og_lance_scan_open(cx, t, &opts, &scan) != OG_OK) return;
  while (og_lance_scan_next(cx, scan, &b) == OG_OK && b) og_batch_unref(b);
  og_lance_scan_close(scan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fuzz_world w;
  og_ctx *cx = fuzz_open(&w);
  og_manifest m;
  og_store *store;
  og_buf once = {0};
  fuzz_expect(og_store_memory_new(cx, &store) == OG_OK);
  const og_lance_place at = {store, OG_STR("t"), OG_STR_NONE};
  if (og_manifest_decode(cx, og_str_from(data, size), &m) == OG_OK) {
    og_lance_table *t;
    write_back(cx, &m, &once);
    og_manifest_cleanup(&m);
    if (og_lance_table_decode(cx, &at, og_buf_str(&once), &t) == OG_OK) {
      read_rows(cx, t);
      change(cx, &at, t);
      og_lance_table_unref(t);
    }
  }
  og_buf_cleanup(&once);
  og_store_unref(store);
  fuzz_close(&w);
  return 0;
}
