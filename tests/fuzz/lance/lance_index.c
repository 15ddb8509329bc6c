/* SPDX-License-Identifier: MIT */
/* An index as anybody might have left it.  The first byte says what the rest is: 0, an index section; 1 and 2, the one
 * or the other file of a BTREE; 3, a bitmap of a BITMAP; 4, its file; 5 and 6, of an NGRAM; 7, the file of a
 * LABEL_LIST; 8, a text; else edits to the files of a good BTREE, or, from 64 on, BITMAP, from 80 on LABEL_LIST, from
 * 96 on NGRAM, five bytes each: file, position, value.
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

/* What a bitmap names comes back from bytes of our own. */
static void read_bitmap(og_ctx *cx, og_bitmap_form form, og_str bytes)
{
  og_vec ranges = OG_VEC_INIT(og_index__ids), ids = OG_VEC_INIT(uint64_t), back = OG_VEC_INIT(og_index__ids);
  og_buf again = {0};
  og_status st = og_bitmap_decode(cx, form, bytes, &ranges);
  fuzz_expect_error(cx, st);
  for (size_t i = 0; st == OG_OK && i < ranges.len; i++) {
    const og_index__ids r = OG_VEC_AT(&ranges, og_index__ids, i);
    fuzz_expect(r.from <= r.to && (i == 0 || OG_VEC_AT(&ranges, og_index__ids, i - 1).to < r.from));
    for (uint64_t id = r.from; ids.len < MOST_IDS; id++) {
      fuzz_expect(og_vec_add(cx, &ids, &id) == OG_OK);
      if (id == r.to) break;
    }
  }
  if (st == OG_OK && ids.len < MOST_IDS) {
    fuzz_expect(og_bitmap_encode(cx, form, &ids, &again) == OG_OK);
    fuzz_expect(og_bitmap_decode(cx, form, og_buf_str(&again), &back) == OG_OK && back.len == ranges.len);
    if (back.len) fuzz_expect(memcmp(back.data, ranges.data, back.len * sizeof(og_index__ids)) == 0);
  }
  og_vec_cleanup(&ranges);
  og_vec_cleanup(&ids);
  og_vec_cleanup(&back);
  og_buf_cleanup(&again);
}

static og_index__key key_of(uint64_t i, char text[8])
{
  text[0] = (char)('a' + i / 1000);
  text[1] = (char)('0' + i / 100 % 10);
  return (og_index__key){.num = (1ull << 63) + i / 3, .str = og_str_from(text, 2)};
}

static void write_tree(og_ctx *cx, og_store *store, const og_field *field)
{
  og_btree_writer *w;
  uint64_t sizes[2];
  char text[8];
  fuzz_expect(og_btree_writer_open(cx, store, OG_STR("x"), field, (og_lance_version){2, 2}, &w) == OG_OK);
  for (uint64_t i = 0; i < ENTRIES; i++) {
    const og_index__key key = key_of(i, text);
    fuzz_expect(og_btree_write(cx, w, i < 5000 ? NULL : &key, i) == OG_OK);
  }
  fuzz_expect(og_btree_writer_finish(cx, w, sizes) == OG_OK);
}

static void write_bitmap(og_ctx *cx, og_store *store, og_bitmap_form form, og_type type)
{
  og_bitmap_writer *w;
  uint64_t size;
  char text[8];
  fuzz_expect(og_bitmap_writer_open(cx, store, OG_STR("x"), form, type, (og_lance_version){2, 2}, &w) == OG_OK);
  for (uint64_t i = 4900; i < 5100; i++) {
    og_index__key key = key_of(i, text);
    if (form == OG_BITMAP_GRAMS) key.num &= UINT32_MAX;
    fuzz_expect(og_bitmap_write(cx, w, i < 5000 ? NULL : &key, i << (i % 40)) == OG_OK);
  }
  for (uint64_t i = 0; form == OG_BITMAP_LABELS && i < 100; i++)
    fuzz_expect(og_bitmap_write_absent(cx, w, i << (i % 40)) == OG_OK);
  fuzz_expect(og_bitmap_writer_finish(cx, w, &size) == OG_OK);
}

static void edit(og_ctx *cx, og_store *store, bool bitmap, bool grams, const uint8_t *data, size_t size)
{
  static const char *const keys[] = {"x/page_data.lance", "x/page_lookup.lance", "x/bitmap_page_lookup.lance",
                                     "x/ngram_postings.lance"};
  const unsigned first = grams ? 3 : bitmap ? 2 : 0;
  for (unsigned file = first; file < first + (bitmap ? 1 : 2); file++) {
    og_buf bytes = {0};
    fuzz_expect(og_store_get(cx, store, og_str_of(keys[file]), 1u << 24, &bytes) == OG_OK);
    for (size_t i = 0; i + 5 <= size; i += 5) {
      size_t at = (size_t)data[i + 1] | (size_t)data[i + 2] << 8 | (size_t)data[i + 3] << 16;
      if (bitmap || data[i] % 2 == file) bytes.data[bytes.len - 1 - at % bytes.len] = data[i + 4];
    }
    fuzz_expect(og_store_put(cx, store, og_str_of(keys[file]), og_buf_str(&bytes)) == OG_OK);
    og_buf_cleanup(&bytes);
  }
}

static void search(og_ctx *cx, og_btree *b, og_bitmap *m, og_type type)
{
  bool text = og_index__is_text(type);
  og_index__span spans[] = {{.low.str = OG_STR(""), .high.num = UINT64_MAX, .no_high = text},
                            {.low = {(1ull << 63) + 2000, OG_STR("g3")}, .high = {(1ull << 63) + 2000, OG_STR("g3")}}};
  og_vec ids = OG_VEC_INIT(og_index__ids);
  for (int i = 0; i < 2; i++) {
    og_index__wanted w = {.text = text, .nulls = i == 1, .spans = {&spans[i], 1, 1, sizeof spans[i]}};
    og_vec_clear(&ids);
    og_status st = m ? og_bitmap_find(cx, m, &w, &ids) : og_btree_find(cx, b, &w, &ids);
    fuzz_expect_error(cx, st);
    if (st == OG_OK && b) fuzz_expect(ids.len <= 2 * og_btree_pages(b) * (uint64_t)(1u << 20));
  }
  og_vec_cleanup(&ids);
}

static void read_files(og_ctx *cx, og_store *store, og_type type)
{
  og_btree *b;
  og_status st = og_btree_open(cx, store, OG_STR("x"), type, &b);
  fuzz_expect_error(cx, st);
  if (st != OG_OK) return;
  search(cx, b, NULL, type);
  og_btree_unref(b);
}

static void read_bitmap_file(og_ctx *cx, og_store *store, og_bitmap_form form, og_type type)
{
  static const uint32_t grams[] = {1, 2000, 3000};
  const og_vec *absent;
  og_vec ids = OG_VEC_INIT(og_index__ids);
  og_bitmap *b;
  og_status st = og_bitmap_open(cx, store, OG_STR("x"), form, type, &b);
  fuzz_expect_error(cx, st);
  if (st != OG_OK) return;
  search(cx, NULL, b, type);
  if (form == OG_BITMAP_GRAMS) fuzz_expect_error(cx, og_bitmap_find_all(cx, b, grams, 3, &ids));
  if (form == OG_BITMAP_LABELS) fuzz_expect_error(cx, og_bitmap_absent(cx, b, &absent));
  og_vec_cleanup(&ids);
  og_bitmap_unref(b);
}

/* A text that is part of another has no gram that is asked for and the other lacks. */
static void read_text(og_ctx *cx, og_str text)
{
  og_vec all = OG_VEC_INIT(uint32_t), some = OG_VEC_INIT(uint32_t);
  if (og_utf8_check(text) == SIZE_MAX) {
    og_str part = og_str_sub(text, text.len / 4, text.len - text.len / 4);
    fuzz_expect(og_index__grams(cx, text, &all) == OG_OK);
    fuzz_expect(og_index__grams_wanted(cx, part, &some) == OG_OK);
    for (size_t i = 0, k = 0; i < some.len; i++) {
      while (k < all.len && OG_VEC_AT(&all, uint32_t, k) < OG_VEC_AT(&some, uint32_t, i)) k++;
      fuzz_expect(k < all.len && OG_VEC_AT(&all, uint32_t, k) == OG_VEC_AT(&some, uint32_t, i));
    }
  }
  og_vec_cleanup(&all);
  og_vec_cleanup(&some);
}

static void read_bitmaps(og_ctx *cx, og_store *store, unsigned what, og_type type, og_str rest)
{
  const og_bitmap_form form = what == 6 || what >= 96   ? OG_BITMAP_GRAMS
                              : what == 7 || what >= 80 ? OG_BITMAP_LABELS
                                                        : OG_BITMAP_VALUES;
  const bool grams = form == OG_BITMAP_GRAMS;
  const char *key = grams ? "x/ngram_postings.lance" : "x/bitmap_page_lookup.lance";
  if (grams) type = og_type_of(OG_TYPE_U32);
  write_bitmap(cx, store, form, type);
  if (what < 64)
    fuzz_expect(og_store_put(cx, store, og_str_of(key), rest) == OG_OK);
  else
    edit(cx, store, true, grams, (const uint8_t *)rest.ptr, rest.len);
  read_bitmap_file(cx, store, form, type);
}

static void read_trees(og_ctx *cx, og_store *store, unsigned what, og_type type, og_str rest)
{
  const og_field field = {.name = OG_STR("v"), .type = type, .nullable = true};
  write_tree(cx, store, &field);
  if (what == 1) fuzz_expect(og_store_put(cx, store, OG_STR("x/page_data.lance"), rest) == OG_OK);
  if (what == 2) fuzz_expect(og_store_put(cx, store, OG_STR("x/page_lookup.lance"), rest) == OG_OK);
  if (what > 2) edit(cx, store, false, false, (const uint8_t *)rest.ptr, rest.len);
  read_files(cx, store, type);
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
  const unsigned what = data[0] & 0x7F;
  switch (what) {
  case 0: read_section(cx, rest); break;
  case 3: read_bitmap(cx, OG_BITMAP_VALUES, rest); break;
  case 5: read_bitmap(cx, OG_BITMAP_GRAMS, rest); break;
  case 8: read_text(cx, rest); break;
  default:
    if (what == 4 || what == 6 || what == 7 || what >= 64)
      read_bitmaps(cx, store, what, type, rest);
    else
      read_trees(cx, store, what, type, rest);
  }
  og_store_unref(store);
  fuzz_close(&w);
  return 0;
}
