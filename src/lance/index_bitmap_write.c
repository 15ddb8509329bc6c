/* SPDX-License-Identifier: MIT */
/* lance/index_bitmap_write.c -- the file of a segment of bitmaps, from entries in the order of keys; see index_bitmap.c
 * for the bytes.
 *
 * The row ids of one value are gathered, sorted and encoded; values are written as they come.  So memory holds the ids
 * of the commonest value, eight bytes each.
 */
#include "arrow/builder.h"
#include "lance/index_impl.h"

#include <inttypes.h>

#define BATCH_BYTES (4u << 20)
#define BATCH_ROWS  4096

struct og_bitmap_writer {
  og_lance_file_writer *file; /* NULL once finished */
  og_schema *schema;
  og_builder *keys, *bitmaps; /* of the batch being gathered */
  size_t bytes;               /* in it */
  og_bitmap_form form;
  og_type type;
  bool text;
  og_vec absent; /* uint64_t: rows without a list */
  /* the value being gathered */
  bool null;
  og_index__key key;
  og_buf own;      /* the text of it */
  og_vec ids;      /* uint64_t; none: no value yet */
  uint64_t values; /* written */
};

static og_status open_file(og_ctx *cx, og_bitmap_writer *w, og_store *store, og_str folder, og_lance_version version)
{
  const bool grams = w->form == OG_BITMAP_GRAMS;
  const og_field fields[] = {
      {.name = grams ? OG_STR("tokens") : OG_STR("keys"), .type = w->type, .nullable = true},
      {.name = grams ? OG_STR("posting_list") : OG_STR("bitmaps"), .type = og_type_of(OG_TYPE_BINARY)}};
  const char *name = grams ? "ngram_postings.lance" : "bitmap_page_lookup.lance";
  og_lance_schema *schema;
  og_str key;
  OG_TRY(og_schema_new(cx, fields, 2, NULL, 0, &w->schema));
  OG_TRY(og_builder_new(cx, &w->schema->fields[0], &w->keys));
  OG_TRY(og_builder_new(cx, &w->schema->fields[1], &w->bitmaps));
  OG_TRY(og_arena_printf(cx, cx->arena, &key, OG_STR_FMT "/%s", OG_STR_ARG(folder), name));
  OG_TRY(og_lance_schema_new(cx, w->schema, &schema));
  og_status st = og_lance_file_writer_open(cx, store, key, schema, version, &w->file);
  og_lance_schema_unref(schema);
  return st;
}

og_status og_bitmap_writer_open(og_ctx *cx, og_store *store, og_str folder, og_bitmap_form form, og_type type,
                                og_lance_version version, og_bitmap_writer **out)
{
  og_bitmap_writer *w = og_zalloc(cx, sizeof *w);
  if (!w) return OG_ENOMEM;
  w->form = form;
  w->type = type;
  w->text = og_index__is_text(type);
  w->ids = OG_VEC_INIT(uint64_t);
  w->absent = OG_VEC_INIT(uint64_t);
  og_status st = open_file(cx, w, store, folder, version);
  if (st != OG_OK)
    og_bitmap_writer_abort(cx, w);
  else
    *out = w;
  return st;
}

void og_bitmap_writer_abort(og_ctx *cx, og_bitmap_writer *w)
{
  if (!w) return;
  og_lance_file_abort(cx, w->file);
  og_builder_free(w->keys);
  og_builder_free(w->bitmaps);
  og_schema_unref(w->schema);
  og_buf_cleanup(&w->own);
  og_vec_cleanup(&w->ids);
  og_vec_cleanup(&w->absent);
  og_free(w);
}

/* ---- a bitmap */

/* Ids of one upper half, from number `from` of them on; *to is where the next one begins. */
static og_status encode_half(og_ctx *cx, bool with_size, const og_vec *ids, size_t from, size_t *to, og_buf *out)
{
  OG_AUTO(og_vec) low = OG_VEC_INIT(uint32_t);
  OG_AUTO(og_buf) bitmap = {0};
  const uint64_t *id = ids->data;
  size_t i = from;
  for (; i < ids->len && id[i] >> 32 == id[from] >> 32; i++) {
    const uint32_t v = (uint32_t)id[i];
    OG_TRY(og_vec_add(cx, &low, &v));
  }
  OG_TRY(og_roaring_encode(cx, low.data, low.len, &bitmap));
  OG_TRY(og_buf_put_u32(cx, out, (uint32_t)(id[from] >> 32)));
  if (with_size) OG_TRY(og_buf_put_u32(cx, out, (uint32_t)bitmap.len)); /* at most 512 MiB and a little */
  *to = i;
  return og_buf_append_str(cx, out, og_buf_str(&bitmap));
}

og_status og_bitmap_encode(og_ctx *cx, og_bitmap_form form, const og_vec *ids, og_buf *out)
{
  const uint64_t *id = ids->data;
  const bool grams = form == OG_BITMAP_GRAMS;
  uint32_t halves = 0;
  for (size_t i = 0; i < ids->len; i++) halves += i == 0 || id[i] >> 32 != id[i - 1] >> 32;
  OG_TRY(grams ? og_buf_put_u64(cx, out, halves) : og_buf_put_u32(cx, out, halves));
  for (size_t i = 0; i < ids->len;) OG_TRY(encode_half(cx, !grams, ids, i, &i, out));
  return OG_OK;
}

/* ---- values */

static og_status write_columns(og_ctx *cx, og_bitmap_writer *w, og_column *const columns[2])
{
  og_batch *b;
  OG_TRY(og_batch_new(cx, w->schema, columns, 2, columns[0]->len, &b));
  og_status st = og_lance_file_write(cx, w->file, b);
  og_batch_unref(b);
  return st;
}

static og_status end_batch(og_ctx *cx, og_bitmap_writer *w)
{
  og_column *columns[2] = {NULL, NULL};
  w->bytes = 0;
  og_status st = og_builder_finish(cx, w->keys, &columns[0]);
  if (st == OG_OK) st = og_builder_finish(cx, w->bitmaps, &columns[1]);
  if (st == OG_OK) st = write_columns(cx, w, columns);
  og_column_unref(columns[0]);
  og_column_unref(columns[1]);
  return st;
}

static og_status end_value(og_ctx *cx, og_bitmap_writer *w)
{
  OG_AUTO(og_buf) bitmap = {0};
  if (w->ids.len == 0) return OG_OK;
  OG_TRY(og_ctx_poll(cx));
  OG_TRY(og_index__in_order(cx, &w->ids, 0));
  OG_TRY(og_bitmap_encode(cx, w->form, &w->ids, &bitmap));
  OG_TRY(og_index__put_key(cx, w->keys, w->type, w->null ? NULL : &w->key));
  OG_TRY(og_builder_str(cx, w->bitmaps, og_buf_str(&bitmap)));
  og_vec_clear(&w->ids);
  w->values++;
  w->bytes += bitmap.len;
  return w->bytes >= BATCH_BYTES || og_builder_len(w->keys) >= BATCH_ROWS ? end_batch(cx, w) : OG_OK;
}

static og_status begin_value(og_ctx *cx, og_bitmap_writer *w, const og_index__key *key)
{
  w->null = !key;
  if (!key) return OG_OK;
  w->key = *key;
  if (!w->text) return OG_OK;
  og_buf_clear(&w->own);
  OG_TRY(og_buf_append_str(cx, &w->own, key->str));
  w->key.str = og_buf_str(&w->own);
  return OG_OK;
}

og_status og_bitmap_write(og_ctx *cx, og_bitmap_writer *w, const og_index__key *key, uint64_t id)
{
  bool same = w->ids.len > 0 && w->null == !key && (!key || og_index__key_cmp(w->text, *key, w->key) == 0);
  if (!same) {
    OG_TRY(end_value(cx, w));
    OG_TRY(begin_value(cx, w, key));
  }
  return og_vec_add(cx, &w->ids, &id);
}

og_status og_bitmap_write_absent(og_ctx *cx, og_bitmap_writer *w, uint64_t id)
{
  return og_vec_add(cx, &w->absent, &id);
}

static og_status put_absent(og_ctx *cx, og_bitmap_writer *w)
{
  OG_AUTO(og_buf) bitmap = {0};
  uint32_t number;
  og_str text;
  if (w->absent.len) OG_TRY(og_index__in_order(cx, &w->absent, 0));
  OG_TRY(og_bitmap_encode(cx, w->form, &w->absent, &bitmap));
  OG_TRY(og_lance_file_writer_global(cx, w->file, og_buf_str(&bitmap), &number));
  OG_TRY(og_arena_printf(cx, cx->arena, &text, "%u", number));
  return og_lance_file_writer_meta(cx, w->file, OG_STR("lance:label_list_nulls"), text);
}

static og_status put_stats(og_ctx *cx, og_bitmap_writer *w)
{
  og_str text;
  OG_TRY(og_arena_printf(cx, cx->arena, &text, "{\"num_bitmaps\":%" PRIu64 "}", w->values));
  return og_lance_file_writer_meta(cx, w->file, OG_STR("lance:index_stats"), text);
}

static og_status finish_file(og_ctx *cx, og_bitmap_writer *w, uint64_t *size)
{
  og_lance_file_stats stats;
  OG_TRY(end_value(cx, w));
  OG_TRY(end_batch(cx, w));
  if (w->form != OG_BITMAP_GRAMS) OG_TRY(put_stats(cx, w));
  if (w->form == OG_BITMAP_LABELS) OG_TRY(put_absent(cx, w));
  og_lance_file_writer *file = w->file;
  w->file = NULL;
  OG_TRY(og_lance_file_finish(cx, file, &stats));
  *size = stats.bytes;
  return OG_OK;
}

og_status og_bitmap_writer_finish(og_ctx *cx, og_bitmap_writer *w, uint64_t *size)
{
  og_status st = finish_file(cx, w, size);
  og_bitmap_writer_abort(cx, w);
  return st;
}
