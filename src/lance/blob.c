/* SPDX-License-Identifier: MIT */
/* lance/blob.c -- descriptors of blobs, and the bytes they name. */
#include "lance/blob.h"

#include "arrow/builder.h"
#include "base/ctx.h"
#include "base/limits.h"

#include <inttypes.h>

#define AT_ONCE 64u /* ranges asked of the store in one call */

/* VariablePackedStruct { repeated 1 { 1 encoding, 2 bits of a value | 3 bits of a length } } for the five parts. */
static const char parts[] = "\x0a\x08\x0a\x04\x0a\x02\x08\x08\x10\x08"
                            "\x0a\x08\x0a\x04\x0a\x02\x08\x40\x10\x40"
                            "\x0a\x08\x0a\x04\x0a\x02\x08\x40\x10\x40"
                            "\x0a\x08\x0a\x04\x0a\x02\x08\x20\x10\x20"
                            "\x0a\x0c\x0a\x08\x12\x06\x0a\x04\x0a\x02\x08\x20\x18\x20";

const og_lance__enc og_lance__blob_enc = {.kind = OG_LANCE__ENC_PACKED_VARIABLE, .table = {parts, sizeof parts - 1}};

og_status og_lance__blob_encoding_check(og_ctx *cx, const og_lance__enc *e)
{
  if (e->kind == og_lance__blob_enc.kind && og_str_eq(e->table, og_lance__blob_enc.table)) return OG_OK;
  return og_fail(cx, OG_EUNSUPPORTED, "blob descriptors encoded as %s of other parts", og_lance__enc_name(e->kind));
}

og_status og_lance__descriptor_parse(og_ctx *cx, og_str bytes, og_lance__descriptor *out)
{
  if (bytes.len < OG_LANCE__BLOB_BYTES || og_lance__u32(bytes.ptr + 21) != bytes.len - OG_LANCE__BLOB_BYTES)
    return og_fail(cx, OG_ECORRUPT, "a blob descriptor of %zu bytes", bytes.len);
  *out = (og_lance__descriptor){.kind = (uint8_t)bytes.ptr[0],
                                .position = og_lance__u64(bytes.ptr + 1),
                                .size = og_lance__u64(bytes.ptr + 9),
                                .number = og_lance__u32(bytes.ptr + 17),
                                .uri = og_str_sub(bytes, OG_LANCE__BLOB_BYTES, bytes.len)};
  if (out->kind > OG_LANCE__BLOB_EXTERNAL) return og_fail(cx, OG_EUNSUPPORTED, "a blob of kind %u", out->kind);
  if (out->size > UINT64_MAX - out->position)
    return og_fail(cx, OG_ECORRUPT, "a blob of %" PRIu64 " bytes at %" PRIu64, out->size, out->position);
  return OG_OK;
}

og_status og_lance__descriptor_put(og_ctx *cx, const og_lance__descriptor *d, og_buf *out)
{
  OG_TRY(og_buf_append_byte(cx, out, d->kind));
  OG_TRY(og_buf_put_u64(cx, out, d->position));
  OG_TRY(og_buf_put_u64(cx, out, d->size));
  OG_TRY(og_buf_put_u32(cx, out, d->number));
  OG_TRY(og_buf_put_u32(cx, out, (uint32_t)d->uri.len));
  return og_buf_append_str(cx, out, d->uri);
}

og_status og_lance__blob_key(og_ctx *cx, og_arena *a, og_str key, uint32_t number, og_str *out)
{
  const og_str suffix = OG_STR(".lance");
  char bits[33];
  if (!og_str_ends_with(key, suffix)) return og_fail(cx, OG_ECORRUPT, "a data file with blobs is not named .lance");
  for (unsigned i = 0; i < 32; i++) bits[i] = number >> i & 1 ? '1' : '0';
  bits[32] = '\0';
  return og_arena_printf(cx, a, out, OG_STR_FMT "/%s.blob", OG_STR_ARG(og_str_sub(key, 0, key.len - suffix.len)), bits);
}

static og_status find_outside(og_ctx *cx, const og_lance_column_ref *ref, const og_lance__descriptor *d,
                              og_lance_blob *out)
{
  og_object_info info;
  OG_TRY(og_lance__outside_find(cx, ref->outside, d, &out->store, &out->key));
  if (d->position || d->size) return OG_OK;
  OG_TRY(og_store_info(cx, out->store, out->key, &info));
  out->size = info.size;
  return OG_OK;
}

static og_status find(og_ctx *cx, og_store *store, og_str key, const og_lance_column_ref *ref,
                      const og_lance__descriptor *d, og_lance_blob *out)
{
  *out = (og_lance_blob){.store = store, .key = key, .off = d->position, .size = d->size};
  if (d->kind == OG_LANCE__BLOB_EXTERNAL) return find_outside(cx, ref, d, out);
  return d->kind == OG_LANCE__BLOB_IN_FILE ? OG_OK : og_lance__blob_key(cx, cx->arena, key, d->number, &out->key);
}

og_status og_lance__blob_find(og_ctx *cx, og_store *store, og_str key, const og_lance_column_ref *ref, og_str bytes,
                              og_lance_blob *out)
{
  og_lance__descriptor d;
  OG_TRY(og_lance__descriptor_parse(cx, bytes, &d));
  return find(cx, store, key, ref, &d, out);
}

/* ---- whole values */

typedef struct fetching {
  og_store *store;
  og_str key;
  const og_lance_column_ref *ref;
  const og_column *descriptors;
  og_builder *to;
} fetching;

static og_status check_size(og_ctx *cx, uint64_t size)
{
  if (size <= OG_LIMIT_PAGE_BYTES) return OG_OK;
  return og_fail(cx, OG_ELIMIT, "a blob of %" PRIu64 " bytes cannot be read as one value", size);
}

/* Values of the data file itself are asked for together: some from the current row on. */
static og_status fetch_inline(og_ctx *cx, const fetching *f, int64_t *row)
{
  const og_column *c = f->descriptors;
  og_range ranges[AT_ONCE];
  og_buf bufs[AT_ONCE] = {{0}};
  size_t n = 0;
  int64_t first = *row, i = first;
  for (; i < c->len && n < AT_ONCE; i++) {
    og_lance__descriptor d;
    if (og_column_is_null(c, i)) continue;
    OG_TRY(og_lance__descriptor_parse(cx, og_column_str(c, i), &d));
    OG_TRY(check_size(cx, d.size));
    if (d.kind != OG_LANCE__BLOB_IN_FILE) break;
    if (d.size) ranges[n++] = (og_range){.off = d.position, .len = d.size};
  }
  og_status st = n ? og_store_get_ranges(cx, f->store, f->key, ranges, n, bufs) : OG_OK;
  n = 0;
  for (int64_t k = first; st == OG_OK && k < i; k++) {
    og_lance__descriptor d = {0};
    bool null = og_column_is_null(c, k);
    if (!null) st = og_lance__descriptor_parse(cx, og_column_str(c, k), &d);
    if (st == OG_OK && !null && d.size && bufs[n].len != d.size)
      st = og_fail(cx, OG_ECORRUPT, "a blob of %" PRIu64 " bytes lies behind the file's end", d.size);
    if (st != OG_OK) break;
    st = null ? og_builder_null(cx, f->to) : og_builder_str(cx, f->to, d.size ? og_buf_str(&bufs[n++]) : OG_STR(""));
  }
  for (size_t k = 0; k < AT_ONCE; k++) og_buf_cleanup(&bufs[k]);
  *row = i;
  return st;
}

static og_status fetch_apart(og_ctx *cx, const fetching *f, int64_t row)
{
  og_lance_blob b;
  OG_AUTO(og_buf) data = {0};
  OG_TRY(og_lance__blob_find(cx, f->store, f->key, f->ref, og_column_str(f->descriptors, row), &b));
  OG_TRY(check_size(cx, b.size));
  if (b.size) OG_TRY(og_store_get_range(cx, b.store, b.key, b.off, b.size, &data));
  if (data.len != b.size) return og_fail(cx, OG_ECORRUPT, "blob file " OG_STR_FMT " is too short", OG_STR_ARG(b.key));
  return og_builder_str(cx, f->to, b.size ? og_buf_str(&data) : OG_STR(""));
}

static og_status fetch_all(og_ctx *cx, const fetching *f)
{
  for (int64_t i = 0; i < f->descriptors->len;) {
    int64_t before = i;
    OG_TRY(og_ctx_poll(cx));
    OG_TRY(fetch_inline(cx, f, &i));
    if (i == before) OG_TRY(fetch_apart(cx, f, i++));
  }
  return OG_OK;
}

og_status og_lance__blobs_fetch(og_ctx *cx, og_store *store, og_str key, const og_lance_column_ref *ref,
                                const og_column *descriptors, og_column **out)
{
  OG_AUTO(og_arena) arena = {0};
  OG_AUTO(og_builder_p) b = NULL;
  og_ctx inner = *cx;
  inner.arena = &arena; /* keys of blob files */
  OG_TRY(og_builder_new(cx, ref->field, &b));
  const fetching f = {store, key, ref, descriptors, b};
  OG_TRY(fetch_all(&inner, &f));
  return og_builder_finish(cx, b, out);
}
