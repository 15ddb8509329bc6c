/* SPDX-License-Identifier: MIT */
#include "lance/blob.h"

#include "arrow/builder.h"
#include "base/ctx.h"
#include "base/limits.h"

#include <inttypes.h>

#define AT_ONCE 64u /* ranges asked of the store in one call */

enum { IN_FILE = 0, PACKED = 1, DEDICATED = 2, EXTERNAL = 3 };

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

og_str og_lance__blob_inline(uint64_t position, uint64_t size, char text[OG_LANCE__BLOB_BYTES])
{
  memset(text, 0, OG_LANCE__BLOB_BYTES);
  memcpy(text + 1, &position, sizeof position);
  memcpy(text + 9, &size, sizeof size);
  return og_str_from(text, OG_LANCE__BLOB_BYTES);
}

typedef struct descriptor {
  uint8_t kind;
  uint64_t position, size;
  uint32_t number;
} descriptor;

static og_status parse(og_ctx *cx, og_str bytes, descriptor *out)
{
  if (bytes.len < OG_LANCE__BLOB_BYTES || og_lance__u32(bytes.ptr + 21) != bytes.len - OG_LANCE__BLOB_BYTES)
    return og_fail(cx, OG_ECORRUPT, "a blob descriptor of %zu bytes", bytes.len);
  *out = (descriptor){.kind = (uint8_t)bytes.ptr[0],
                      .position = og_lance__u64(bytes.ptr + 1),
                      .size = og_lance__u64(bytes.ptr + 9),
                      .number = og_lance__u32(bytes.ptr + 17)};
  if (out->kind == EXTERNAL)
    return og_fail(cx, OG_EUNSUPPORTED,
                   "a blob lies outside the table, at '" OG_STR_FMT "'; external blobs are not read",
                   OG_STR_ARG(og_str_sub(bytes, OG_LANCE__BLOB_BYTES, bytes.len)));
  return out->kind > EXTERNAL ? og_fail(cx, OG_EUNSUPPORTED, "a blob of kind %u", out->kind) : OG_OK;
}

/* Of a value that is read whole. */
static og_status parse_whole(og_ctx *cx, og_str bytes, descriptor *out)
{
  OG_TRY(parse(cx, bytes, out));
  if (out->size <= OG_LIMIT_PAGE_BYTES) return OG_OK;
  return og_fail(cx, OG_ELIMIT, "a blob of %" PRIu64 " bytes cannot be read as one value", out->size);
}

static og_status file_key(og_ctx *cx, og_str key, const descriptor *d, og_str *out)
{
  const og_str suffix = OG_STR(".lance");
  char bits[33];
  if (d->kind == IN_FILE) {
    *out = key;
    return OG_OK;
  }
  if (!og_str_ends_with(key, suffix)) return og_fail(cx, OG_ECORRUPT, "a data file with blobs is not named .lance");
  for (unsigned i = 0; i < 32; i++) bits[i] = d->number >> i & 1 ? '1' : '0';
  bits[32] = '\0';
  return og_arena_printf(cx, cx->arena, out, OG_STR_FMT "/%s.blob",
                         OG_STR_ARG(og_str_sub(key, 0, key.len - suffix.len)), bits);
}

/* Values of the data file itself are asked for together: some from the current row on. */
static og_status fetch_inline(og_ctx *cx, og_store *store, og_str key, const og_column *c, int64_t *row, og_builder *b)
{
  og_range ranges[AT_ONCE];
  og_buf bufs[AT_ONCE] = {{0}};
  size_t n = 0;
  int64_t first = *row, i = first;
  for (; i < c->len && n < AT_ONCE; i++) {
    descriptor d;
    if (og_column_is_null(c, i)) continue;
    OG_TRY(parse_whole(cx, og_column_str(c, i), &d));
    if (d.kind != IN_FILE) break;
    if (d.size) ranges[n++] = (og_range){.off = d.position, .len = d.size};
  }
  og_status st = n ? og_store_get_ranges(cx, store, key, ranges, n, bufs) : OG_OK;
  n = 0;
  for (int64_t k = first; st == OG_OK && k < i; k++) {
    descriptor d = {0};
    bool null = og_column_is_null(c, k);
    if (!null) st = parse_whole(cx, og_column_str(c, k), &d);
    if (st == OG_OK && !null && d.size && bufs[n].len != d.size)
      st = og_fail(cx, OG_ECORRUPT, "a blob of %" PRIu64 " bytes lies behind the file's end", d.size);
    if (st != OG_OK) break;
    st = null ? og_builder_null(cx, b) : og_builder_str(cx, b, d.size ? og_buf_str(&bufs[n++]) : OG_STR(""));
  }
  for (size_t k = 0; k < AT_ONCE; k++) og_buf_cleanup(&bufs[k]);
  *row = i;
  return st;
}

static og_status fetch_beside(og_ctx *cx, og_store *store, og_str key, og_str bytes, og_builder *b)
{
  descriptor d;
  og_str file;
  OG_AUTO(og_buf) data = {0};
  OG_TRY(parse_whole(cx, bytes, &d));
  OG_TRY(file_key(cx, key, &d, &file));
  if (d.size) OG_TRY(og_store_get_range(cx, store, file, d.position, d.size, &data));
  if (data.len != d.size) return og_fail(cx, OG_ECORRUPT, "blob file " OG_STR_FMT " is too short", OG_STR_ARG(file));
  return og_builder_str(cx, b, d.size ? og_buf_str(&data) : OG_STR(""));
}

og_status og_lance__blob_find(og_ctx *cx, og_str key, og_str bytes, og_lance_blob *out)
{
  descriptor d;
  OG_TRY(parse(cx, bytes, &d));
  if (d.size > UINT64_MAX - d.position)
    return og_fail(cx, OG_ECORRUPT, "a blob of %" PRIu64 " bytes at %" PRIu64, d.size, d.position);
  *out = (og_lance_blob){.off = d.position, .size = d.size};
  return file_key(cx, key, &d, &out->key);
}

static og_status fetch_all(og_ctx *cx, og_store *store, og_str key, const og_column *c, og_builder *b)
{
  for (int64_t i = 0; i < c->len;) {
    int64_t before = i;
    OG_TRY(og_ctx_poll(cx));
    OG_TRY(fetch_inline(cx, store, key, c, &i, b));
    if (i == before) OG_TRY(fetch_beside(cx, store, key, og_column_str(c, i++), b));
  }
  return OG_OK;
}

og_status og_lance__blobs_fetch(og_ctx *cx, og_store *store, og_str key, const og_field *field,
                                const og_column *descriptors, og_column **out)
{
  OG_AUTO(og_arena) arena = {0};
  OG_AUTO(og_builder_p) b = NULL;
  og_ctx inner = *cx;
  inner.arena = &arena; /* keys of blob files */
  OG_TRY(og_builder_new(cx, field, &b));
  OG_TRY(fetch_all(&inner, store, key, descriptors, b));
  return og_builder_finish(cx, b, out);
}
