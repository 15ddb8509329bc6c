/* SPDX-License-Identifier: MIT */
/* lance/deletions_arrow.c -- deletion files in Arrow IPC form, as Lance writes sparse ones.
 *
 *   "ARROW1", zeros
 *   per message: u32 0xFFFFFFFF | u32 bytes of metadata | metadata (a flatbuffer) | body
 *   ... end mark, footer (not needed: the messages say everything)
 *
 * One batch of one column, uint32 and without nulls.  A compressed buffer begins with its raw length as i64, -1 for
 * "not compressed after all".  Sources: https://arrow.apache.org/docs/format/Columnar.html, Message.fbs, Schema.fbs.
 *
 * A flatbuffer is read through three checked accessors; every offset in it is hostile.
 */
#include "lance/deletions.h"

#include "base/ctx.h"

#include <zstd.h>

#define HEADER_SCHEMA 1
#define HEADER_BATCH  3
#define TYPE_INT      2
#define CODEC_ZSTD    1

static og_status corrupt(og_ctx *cx, const char *what)
{
  return og_fail(cx, OG_ECORRUPT, "deletion file: %s", what);
}

/* ---- flatbuffers: a table is a position; its first word leads back to a list of where its fields are */

typedef struct flat {
  const uint8_t *p;
  size_t len;
} flat;

/* n little-endian bytes at `at`; false beyond the end. */
static bool flat_uint(const flat *f, size_t at, size_t n, uint64_t *out)
{
  uint64_t v = 0;
  if (at > f->len || n > f->len - at) return false;
  memcpy(&v, f->p + at, n);
  *out = v;
  return true;
}

/* Where field `i` of the table at `table` stands; *at is 0 when it is left out. */
static bool flat_field(const flat *f, size_t table, unsigned i, size_t *at)
{
  uint64_t back, size, off;
  *at = 0;
  if (!flat_uint(f, table, 4, &back)) return false;
  int64_t vtable = (int64_t)table - (int32_t)(uint32_t)back;
  if (vtable < 0 || !flat_uint(f, (size_t)vtable, 2, &size)) return false;
  if (4 + 2 * (uint64_t)i + 2 > size) return true;
  if (!flat_uint(f, (size_t)vtable + 4 + 2 * (size_t)i, 2, &off)) return false;
  if (off) *at = table + (size_t)off;
  return true;
}

static bool flat_scalar(const flat *f, size_t table, unsigned i, size_t n, uint64_t *out)
{
  size_t at;
  *out = 0;
  return flat_field(f, table, i, &at) && (at == 0 || flat_uint(f, at, n, out));
}

/* The table or vector that field `i` refers to; 0 when it is left out. */
static bool flat_ref(const flat *f, size_t table, unsigned i, size_t *out)
{
  size_t at;
  uint64_t off;
  *out = 0;
  if (!flat_field(f, table, i, &at)) return false;
  if (at == 0) return true;
  if (!flat_uint(f, at, 4, &off)) return false;
  *out = at + (size_t)off;
  return *out < f->len;
}

/* ---- messages */

typedef struct message {
  flat meta;
  uint64_t kind;
  size_t header; /* table */
  og_str body;
} message;

static og_status next_message(og_ctx *cx, og_str file, size_t *at, message *out)
{
  flat whole = {(const uint8_t *)file.ptr, file.len};
  uint64_t mark, len, root, body;
  if (!flat_uint(&whole, *at, 4, &mark) || !flat_uint(&whole, *at + 4, 4, &len) || mark != 0xFFFFFFFF || len == 0 ||
      len > file.len - *at - 8)
    return corrupt(cx, "an Arrow message is missing or cut short");
  *out = (message){.meta = {whole.p + *at + 8, (size_t)len}};
  *at += 8 + (size_t)len;
  if (!flat_uint(&out->meta, 0, 4, &root) || !flat_scalar(&out->meta, (size_t)root, 1, 1, &out->kind) ||
      !flat_ref(&out->meta, (size_t)root, 2, &out->header) || out->header == 0 ||
      !flat_scalar(&out->meta, (size_t)root, 3, 8, &body) || body > file.len - *at)
    return corrupt(cx, "an Arrow message has a broken header");
  out->body = og_str_sub(file, *at, *at + (size_t)body);
  *at += (size_t)body;
  return OG_OK;
}

/* One field, of type uint32. */
static og_status check_schema(og_ctx *cx, const message *m)
{
  size_t fields, type;
  uint64_t n, off, kind, bits, is_signed;
  const flat *f = &m->meta;
  if (m->kind != HEADER_SCHEMA || !flat_ref(f, m->header, 1, &fields) || fields == 0 || !flat_uint(f, fields, 4, &n) ||
      n != 1 || !flat_uint(f, fields + 4, 4, &off))
    return corrupt(cx, "it is no Arrow file of one column");
  size_t field = fields + 4 + (size_t)off;
  if (!flat_scalar(f, field, 2, 1, &kind) || !flat_ref(f, field, 3, &type) || type == 0 ||
      !flat_scalar(f, type, 0, 4, &bits) || !flat_scalar(f, type, 1, 1, &is_signed))
    return corrupt(cx, "its Arrow schema is broken");
  if (kind != TYPE_INT || bits != 32 || is_signed) return corrupt(cx, "its column is not of type uint32");
  return OG_OK;
}

typedef struct batch {
  uint64_t rows, nulls;
  og_str values; /* as stored */
  bool zstd;
} batch;

static og_status read_batch(og_ctx *cx, const message *m, batch *out)
{
  const flat *f = &m->meta;
  size_t nodes, buffers, compression;
  uint64_t n_nodes, n_buffers, codec = CODEC_ZSTD, off, len;
  if (m->kind != HEADER_BATCH || !flat_scalar(f, m->header, 0, 8, &out->rows) || !flat_ref(f, m->header, 1, &nodes) ||
      !flat_ref(f, m->header, 2, &buffers) || !flat_ref(f, m->header, 3, &compression) || nodes == 0 || buffers == 0)
    return corrupt(cx, "its Arrow batch is broken");
  if (!flat_uint(f, nodes, 4, &n_nodes) || n_nodes != 1 || !flat_uint(f, nodes + 12, 8, &out->nulls) ||
      !flat_uint(f, buffers, 4, &n_buffers) || n_buffers != 2 || !flat_uint(f, buffers + 20, 8, &off) ||
      !flat_uint(f, buffers + 28, 8, &len) || off > m->body.len || len > m->body.len - off)
    return corrupt(cx, "its Arrow batch has buffers outside its body");
  if (out->nulls) return corrupt(cx, "it holds nulls");
  if (compression && !flat_scalar(f, compression, 0, 1, &codec)) return corrupt(cx, "its compression is broken");
  if (codec != CODEC_ZSTD) return og_fail(cx, OG_EUNSUPPORTED, "deletion file: compressed with lz4, not with zstd");
  out->zstd = compression != 0;
  out->values = og_str_sub(m->body, (size_t)off, (size_t)(off + len));
  return OG_OK;
}

/* rows * 4 bytes, decompressed into `store` if need be. */
static og_status expand(og_ctx *cx, const batch *b, og_buf *store, og_str *out)
{
  int64_t raw = -1;
  og_str in = b->values;
  size_t want = (size_t)b->rows * 4;
  if (b->zstd && in.len >= 8) {
    memcpy(&raw, in.ptr, 8);
    in = og_str_sub(in, 8, in.len);
  }
  if (raw != -1 && raw != (int64_t)want) return corrupt(cx, "its column has another length than its batch");
  if (raw != -1) {
    OG_TRY(og_buf_reserve(cx, store, want));
    size_t got = ZSTD_decompress(store->data, want, in.ptr, in.len);
    if (ZSTD_isError(got) || got != want) return corrupt(cx, "its zstd block is damaged");
    store->len = want;
    in = og_buf_str(store);
  }
  if (in.len < want) return corrupt(cx, "its column is shorter than its batch");
  *out = in;
  return OG_OK;
}

og_status og_deletions_decode_arrow(og_ctx *cx, og_str bytes, uint64_t rows, uint8_t *bits, uint64_t *n)
{
  message m;
  batch b;
  og_str values = OG_STR_NONE;
  OG_AUTO(og_buf) store = {0};
  size_t at = 8;
  uint32_t word = 0;
  if (bytes.len < 8 || memcmp(bytes.ptr, "ARROW1", 6) != 0) return corrupt(cx, "it is no Arrow file");
  for (; bytes.len - at >= 8; at += 8) { /* writers may pad up to 64 bytes */
    memcpy(&word, bytes.ptr + at, 4);
    if (word != 0) break;
  }
  OG_TRY(next_message(cx, bytes, &at, &m));
  OG_TRY(check_schema(cx, &m));
  OG_TRY(next_message(cx, bytes, &at, &m));
  OG_TRY(read_batch(cx, &m, &b));
  if (b.rows > rows) return corrupt(cx, "it names more rows than the fragment has");
  OG_TRY(expand(cx, &b, &store, &values));
  *n = 0;
  for (uint64_t i = 0; i < b.rows; i++) {
    uint32_t row;
    memcpy(&row, values.ptr + 4 * i, 4);
    if (row >= rows) return corrupt(cx, "it names a row the fragment does not have");
    uint8_t bit = (uint8_t)(1u << (row & 7));
    *n += !(bits[row >> 3] & bit);
    bits[row >> 3] = (uint8_t)(bits[row >> 3] | bit);
  }
  return OG_OK;
}
