/* SPDX-License-Identifier: MIT */
/* An index as anybody might have left it.  The first byte says what the rest is: 0, an index section; 1 and 2, the one
 * or the other file of a BTREE; else edits to the two files of a good one, five bytes each: file, position, value.
 *
 * A section that decodes is kept byte by byte when nothing of it is removed, and its entries come back when they are
 * written anew. */
#include "fuzz/fuzz_world.h"

#include "lance/index_impl.h"

#define ENTRIES  9000
#define MOST_IDS 20000 /* of a segment's fragments, written again */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is said of the segment, and the fragments it covers, come back from bytes of our own. */
static void write_entry(og_ctx *cx, const og_lance_index_entry *e)
{
  og_vec ids = OG_VEC_INIT(uint32_t), back = OG_VEC_INIT(og_lance_index_entry);
  og_buf message = {0}, section = {0};
  for (size_t i = 0; i < e->n_fragments; i++)
    for (uint64_t id = e->fragments[i].from; id <= e->fragments[i].to && ids.len < MOST_IDS; id++) {
      const uint32_t low = (uint32_t)id;
      fuzz_expect(og_vec_add(cx, &ids, &low) == OG_OK);
    }
  fuzz_expect(og_index__encode(cx, e, ids.data, ids.len, &message) == OG_OK);
  fuzz_expect(og_pb_put_bytes(cx, &section, 1, og_buf_str(&message)) == OG_OK);
  fuzz_expect(og_index__decode(cx, cx->arena, og_buf_str(&section), &back) == OG_OK && back.len == 1);
  const og_lance_index_entry *b = back.data;
  fuzz_expect(og_str_eq(b->name, e->name) && og_str_eq(b->kind, e->kind) && og_str_eq(b->details, e->details));
  fuzz_expect(b->n_fields == e->n_fields && b->n_files == e->n_files && b->version == e->version);
  fuzz_expect(og_index__same(b->uuid, e->uuid));
  for (size_t i = 0; i < ids.len; i++)
    fuzz_expect(og_ranges_have(b->fragments, b->n_fragments, OG_VEC_AT(&ids, uint32_t, i)));
  og_vec_cleanup(&ids);
  og_vec_cleanup(&back);
  og_buf_cleanup(&message);
  og_buf_cleanup(&section);
}

static void read_section(og_ctx *cx, og_str bytes)
{
  og_vec entries = OG_VEC_INIT(og_lance_index_entry), none = {.elem = 16};
  og_buf again = {0};
  og_status st = og_index__decode(cx, cx->arena, bytes, &entries);
  fuzz_expect_error(cx, st);
  if (st == OG_OK) {
    fuzz_expect(og_index__without(cx, bytes, &none, &again) == OG_OK);
    fuzz_expect(og_str_eq(og_buf_str(&again), bytes));
    for (size_t i = 0; i < entries.len && i < 20; i++) write_entry(cx, &OG_VEC_AT(&entries, og_lance_index_entry, i));
  }
  og_vec_cleanup(&entries);
  og_buf_cleanup(&again);
}

static void write_good(og_ctx *cx, og_store *store, og_type type)
{
  const og_field field = {.name = OG_STR("v"), .type = type, .nullable = true};
  og_btree_writer *w;
  uint64_t sizes[2];
  fuzz_expect(og_btree_writer_open(cx, store, OG_STR("x"), &field, (og_lance_version){2, 2}, &w) == OG_OK);
  for (uint64_t i = 0; i < ENTRIES; i++) {
    char text[8] = {(char)('a' + i / 1000), (char)('0' + i / 100 % 10)};
    const og_index__key key = {.num = (1ull << 63) + i / 3, .str = og_str_from(text, 2)};
    fuzz_expect(og_btree_write(cx, w, i < 5000 ? NULL : &key, i) == OG_OK);
  }
  fuzz_expect(og_btree_writer_finish(cx, w, sizes) == OG_OK);
}

static void edit(og_ctx *cx, og_store *store, const uint8_t *data, size_t size)
{
  static const char *const keys[] = {"x/page_data.lance", "x/page_lookup.lance"};
  for (unsigned file = 0; file < 2; file++) {
    og_buf bytes = {0};
    fuzz_expect(og_store_get(cx, store, og_str_of(keys[file]), 1u << 24, &bytes) == OG_OK);
    for (size_t i = 0; i + 5 <= size; i += 5) {
      size_t at = (size_t)data[i + 1] | (size_t)data[i + 2] << 8 | (size_t)data[i + 3] << 16;
      if (data[i] % 2 == file) bytes.data[bytes.len - 1 - at % bytes.len] = data[i + 4];
    }
    fuzz_expect(og_store_put(cx, store, og_str_of(keys[file]), og_buf_str(&bytes)) == OG_OK);
    og_buf_cleanup(&bytes);
  }
}

static void search(og_ctx *cx, og_btree *b, og_type type)
{
  bool text = og_index__is_text(type);
  og_index__span spans[] = {{.low.str = OG_STR(""), .high.num = UINT64_MAX, .no_high = text},
                            {.low = {(1ull << 63) + 2000, OG_STR("g3")}, .high = {(1ull << 63) + 2000, OG_STR("g3")}}};
  og_vec ids = OG_VEC_INIT(uint64_t);
  for (int i = 0; i < 2; i++) {
    og_index__wanted w = {.text = text, .nulls = i == 1, .spans = {&spans[i], 1, 1, sizeof spans[i]}};
    og_vec_clear(&ids);
    og_status st = og_btree_find(cx, b, &w, &ids);
    fuzz_expect_error(cx, st);
    if (st == OG_OK) fuzz_expect(ids.len <= 2 * og_btree_pages(b) * (uint64_t)(1u << 20));
  }
  og_vec_cleanup(&ids);
}

static void read_files(og_ctx *cx, og_store *store, og_type type)
{
  og_btree *b;
  og_status st = og_btree_open(cx, store, OG_STR("x"), type, &b);
  fuzz_expect_error(cx, st);
  if (st != OG_OK) return;
  search(cx, b, type);
  og_btree_unref(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fuzz_world w;
  og_ctx *cx = fuzz_open(&w);
  og_store *store;
  if (size == 0) {
    fuzz_close(&w);
    return 0;
  }
  fuzz_expect(og_store_memory_new(cx, &store) == OG_OK);
  const og_type type = og_type_of(data[0] & 0x80 ? OG_TYPE_UTF8 : OG_TYPE_I64);
  const og_str rest = og_str_from(data + 1, size - 1);
  unsigned what = data[0] & 0x7F;
  if (what == 0) {
    read_section(cx, rest);
  } else {
    write_good(cx, store, type);
    if (what == 1) fuzz_expect(og_store_put(cx, store, OG_STR("x/page_data.lance"), rest) == OG_OK);
    if (what == 2) fuzz_expect(og_store_put(cx, store, OG_STR("x/page_lookup.lance"), rest) == OG_OK);
    if (what > 2) edit(cx, store, data + 1, size - 1);
    read_files(cx, store, type);
  }
  og_store_unref(store);
  fuzz_close(&w);
  return 0;
}
