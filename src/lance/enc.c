/* SPDX-License-Identifier: MIT */
#include "lance/enc.h"
#include "base/ctx.h"
#include "base/limits.h"
#include "lance/pb.h"

#include <inttypes.h>

const char *og_lance__enc_name(og_lance__enc_kind kind)
{
  static const char *const names[] = {"none",
                                      "flat",
                                      "variable",
                                      "constant",
                                      "out-of-line bit-packing",
                                      "inline bit-packing",
                                      "fsst",
                                      "dictionary",
                                      "rle",
                                      "byte-stream-split",
                                      "general",
                                      "fixed-size list",
                                      "packed struct",
                                      "variable packed struct"};
  return (size_t)kind < OG_ARRAY_LEN(names) ? names[kind] : "unknown";
}

/* ---- Reading the tree. */

static og_status parse_at(og_ctx *cx, og_arena *a, og_str bytes, unsigned depth, const og_lance__enc **out);

static og_status parse_child(og_ctx *cx, og_arena *a, const og_pb_reader *r, const og_pb_field *f, unsigned depth,
                             const og_lance__enc **out)
{
  OG_TRY(og_pb_expect(cx, r, f, OG_PB_BYTES));
  return parse_at(cx, a, f->bytes, depth + 1, out);
}

/* BufferCompression { 1 scheme, 2 level } */
static og_status parse_scheme(og_ctx *cx, og_str bytes, og_lance__scheme *out)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  uint64_t scheme = 0;
  og_pb_reader_init(&r, bytes, "compression scheme");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) break;
    if (f.num == 1) scheme = f.value;
  }
  if (scheme != OG_LANCE__LZ4 && scheme != OG_LANCE__ZSTD)
    return og_fail(cx, OG_EUNSUPPORTED, "compression scheme %" PRIu64 ", neither lz4 nor zstd", scheme);
  *out = (og_lance__scheme)scheme;
  return OG_OK;
}

/* Field `f` of out-of-line bit-packing: 1 raw bits, 3 a flat encoding with the packed bits. */
static og_status parse_packed(og_ctx *cx, og_arena *a, const og_pb_reader *r, const og_pb_field *f, unsigned depth,
                              og_lance__enc *e)
{
  const og_lance__enc *child = NULL;
  if (f->num == 1) e->bits = f->value;
  if (f->num != 3) return OG_OK;
  OG_TRY(parse_child(cx, a, r, f, depth, &child));
  if (!child || child->kind != OG_LANCE__ENC_FLAT)
    return og_fail(cx, OG_EUNSUPPORTED, "bit-packed values that are not flat");
  e->packed_bits = child->bits;
  return OG_OK;
}

/* Field `f` of an encoding of kind e->kind. */
static og_status parse_part(og_ctx *cx, og_arena *a, const og_pb_reader *r, const og_pb_field *f, unsigned depth,
                            og_lance__enc *e)
{
  switch (e->kind) {
  case OG_LANCE__ENC_FLAT:
  case OG_LANCE__ENC_INLINE:
    if (f->num == 1) e->bits = f->value;
    return OG_OK;
  case OG_LANCE__ENC_OUT_OF_LINE: return parse_packed(cx, a, r, f, depth, e);
  case OG_LANCE__ENC_VARIABLE:
  case OG_LANCE__ENC_BYTE_SPLIT: return f->num == 1 ? parse_child(cx, a, r, f, depth, &e->inner) : OG_OK;
  case OG_LANCE__ENC_RLE:
    if (f->num == 1) return parse_child(cx, a, r, f, depth, &e->inner);
    return f->num == 2 ? parse_child(cx, a, r, f, depth, &e->lengths) : OG_OK;
  case OG_LANCE__ENC_FSST:
    if (f->num == 1) e->table = f->bytes;
    return f->num == 2 ? parse_child(cx, a, r, f, depth, &e->inner) : OG_OK;
  case OG_LANCE__ENC_GENERAL:
    if (f->num == 1) return parse_scheme(cx, f->bytes, &e->scheme);
    return f->num == 3 ? parse_child(cx, a, r, f, depth, &e->inner) : OG_OK;
  case OG_LANCE__ENC_PACKED_STRUCT: /* 1: bits of each child, which the schema says as well */
    return f->num == 2 ? parse_child(cx, a, r, f, depth, &e->inner) : OG_OK;
  case OG_LANCE__ENC_FIXED_LIST:
    if (f->num == 1) e->items = f->value;
    if (f->num == 3) e->has_validity = f->value != 0;
    return f->num == 2 ? parse_child(cx, a, r, f, depth, &e->inner) : OG_OK;
  default: return og_fail(cx, OG_EUNSUPPORTED, "values encoded as %s", og_lance__enc_name(e->kind));
  }
}

static og_status check_bits(og_ctx *cx, const og_lance__enc *e)
{
  bool word = e->bits == 8 || e->bits == 16 || e->bits == 32 || e->bits == 64;
  switch (e->kind) {
  case OG_LANCE__ENC_FLAT:
    if (e->bits > 0 && e->bits <= 64ull * OG_LIMIT_VECTOR_DIM) return OG_OK;
    return og_fail(cx, OG_ECORRUPT, "flat values of %" PRIu64 " bits", e->bits);
  case OG_LANCE__ENC_INLINE:
    return word ? OG_OK : og_fail(cx, OG_ECORRUPT, "bit-packing of %" PRIu64 "-bit values", e->bits);
  case OG_LANCE__ENC_OUT_OF_LINE:
    if (word && e->packed_bits <= e->bits) return OG_OK;
    return og_fail(cx, OG_ECORRUPT, "bit-packing of %" PRIu64 "-bit values into %" PRIu64, e->bits, e->packed_bits);
  case OG_LANCE__ENC_FIXED_LIST:
    if (e->items < 1 || e->items > OG_LIMIT_VECTOR_DIM)
      return og_fail(cx, OG_ECORRUPT, "fixed-size lists of %" PRIu64 " items", e->items);
    break;
  case OG_LANCE__ENC_GENERAL:
    if (!e->scheme) return og_fail(cx, OG_ECORRUPT, "general compression without a scheme");
    break;
  case OG_LANCE__ENC_RLE:
    if (!e->lengths) return og_fail(cx, OG_ECORRUPT, "run-length encoding without lengths");
    break;
  default: break;
  }
  return e->inner ? OG_OK : og_fail(cx, OG_ECORRUPT, "%s without its inner encoding", og_lance__enc_name(e->kind));
}

static og_status open_table(og_ctx *cx, og_arena *a, og_lance__enc *e)
{
  og_lance__fsst *f = og_arena_zalloc(cx, a, sizeof *f);
  if (!f) return OG_ENOMEM;
  e->fsst = f;
  return og_lance__fsst_open(cx, e->table, f);
}

static og_status parse_body(og_ctx *cx, og_arena *a, og_str bytes, unsigned depth, og_lance__enc *e)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  og_pb_reader_init(&r, bytes, og_lance__enc_name(e->kind));
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) break;
    OG_TRY(parse_part(cx, a, &r, &f, depth, e));
  }
  OG_TRY(check_bits(cx, e));
  return e->kind == OG_LANCE__ENC_FSST ? open_table(cx, a, e) : OG_OK;
}

static og_status parse_at(og_ctx *cx, og_arena *a, og_str bytes, unsigned depth, const og_lance__enc **out)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  og_pb_reader_init(&r, bytes, "encoding");
  OG_TRY(og_pb_next(cx, &r, &f, &more));
  if (!more || depth > OG_LANCE__ENC_MAX_DEPTH)
    return og_fail(cx, OG_ECORRUPT, "an encoding is empty or nests too deep");
  if (f.num > OG_LANCE__ENC_PACKED_VARIABLE)
    return og_fail(cx, OG_EUNSUPPORTED, "encoding number %u is newer than this program", f.num);
  OG_TRY(og_pb_expect(cx, &r, &f, OG_PB_BYTES));
  og_lance__enc *e = og_arena_zalloc(cx, a, sizeof *e);
  if (!e) return OG_ENOMEM;
  e->kind = (og_lance__enc_kind)f.num;
  if (e->kind == OG_LANCE__ENC_PACKED_VARIABLE) { /* only blobs lie so, always with the same parts */
    e->table = f.bytes;
    *out = e;
    return OG_OK;
  }
  if (e->kind == OG_LANCE__ENC_CONSTANT || e->kind == OG_LANCE__ENC_DICTIONARY)
    return og_fail(cx, OG_EUNSUPPORTED, "values encoded as %s", og_lance__enc_name(e->kind));
  OG_TRY(parse_body(cx, a, f.bytes, depth, e));
  *out = e;
  return OG_OK;
}

og_status og_lance__enc_parse(og_ctx *cx, og_arena *a, og_str bytes, const og_lance__enc **out)
{
  return parse_at(cx, a, bytes, 0, out);
}

uint64_t og_lance__enc_bits(const og_lance__enc *e)
{
  switch (e->kind) {
  case OG_LANCE__ENC_FLAT:
  case OG_LANCE__ENC_INLINE:
  case OG_LANCE__ENC_OUT_OF_LINE: return e->bits;
  case OG_LANCE__ENC_RLE:
  case OG_LANCE__ENC_BYTE_SPLIT:
  case OG_LANCE__ENC_GENERAL: return og_lance__enc_bits(e->inner);
  default: return 0;
  }
}

uint32_t og_lance__enc_buffers(const og_lance__enc *e)
{
  switch (e->kind) {
  case OG_LANCE__ENC_RLE: return 2;
  case OG_LANCE__ENC_GENERAL: return og_lance__enc_buffers(e->inner);
  case OG_LANCE__ENC_FIXED_LIST: return og_lance__enc_buffers(e->inner) + e->has_validity;
  default: return 1;
  }
}

/* ---- Writing the tree. */

static og_status put_body(og_ctx *cx, og_buf *out, const og_lance__enc *e)
{
  OG_AUTO(og_buf) part = {0};
  switch (e->kind) {
  case OG_LANCE__ENC_PACKED_VARIABLE: return og_buf_append_str(cx, out, e->table);
  case OG_LANCE__ENC_FLAT:
  case OG_LANCE__ENC_INLINE: return og_pb_put_u64(cx, out, 1, e->bits);
  case OG_LANCE__ENC_OUT_OF_LINE:
    OG_TRY(og_pb_put_u64(cx, out, 1, e->bits));
    return og_lance__enc_put(cx, out, 3, &(og_lance__enc){.kind = OG_LANCE__ENC_FLAT, .bits = e->packed_bits});
  case OG_LANCE__ENC_VARIABLE:
  case OG_LANCE__ENC_BYTE_SPLIT: return og_lance__enc_put(cx, out, 1, e->inner);
  case OG_LANCE__ENC_RLE:
    OG_TRY(og_lance__enc_put(cx, out, 1, e->inner));
    return og_lance__enc_put(cx, out, 2, e->lengths);
  case OG_LANCE__ENC_FSST:
    OG_TRY(og_pb_put_bytes(cx, out, 1, e->table));
    return og_lance__enc_put(cx, out, 2, e->inner);
  case OG_LANCE__ENC_GENERAL:
    OG_TRY(og_pb_put_u64(cx, &part, 1, (uint64_t)e->scheme));
    OG_TRY(og_pb_put_bytes(cx, out, 1, og_buf_str(&part)));
    return og_lance__enc_put(cx, out, 3, e->inner);
  case OG_LANCE__ENC_PACKED_STRUCT:
    OG_TRY(og_pb_put_bytes(cx, out, 1, e->table));
    return og_lance__enc_put(cx, out, 2, e->inner);
  case OG_LANCE__ENC_FIXED_LIST:
    OG_TRY(og_pb_put_u64(cx, out, 1, e->items));
    OG_TRY(og_lance__enc_put(cx, out, 2, e->inner));
    return og_pb_put_u64(cx, out, 3, e->has_validity);
  default: break;
  }
  OG_ASSERT(false /* an encoding that is never written */);
  return OG_EINTERNAL;
}

og_status og_lance__enc_put(og_ctx *cx, og_buf *out, uint32_t num, const og_lance__enc *e)
{
  OG_AUTO(og_buf) body = {0};
  OG_AUTO(og_buf) message = {0};
  OG_TRY(put_body(cx, &body, e));
  OG_TRY(og_pb_put_bytes(cx, &message, (uint32_t)e->kind, og_buf_str(&body)));
  return og_pb_put_bytes(cx, out, num, og_buf_str(&message));
}

/* ---- Decoding fixed-width elements. */

static og_status flat_decode(og_ctx *cx, const og_lance__enc *e, og_str in, uint64_t n, unsigned width, uint8_t *dst)
{
  if (e->bits != 8ull * width)
    return og_fail(cx, OG_ECORRUPT, "flat values of %" PRIu64 " bits for a type of %u", e->bits, 8 * width);
  if (in.len / width < n)
    return og_fail(cx, OG_ECORRUPT, "%zu bytes cannot hold %" PRIu64 " flat values of %u", in.len, n, width);
  if (n) memcpy(dst, in.ptr, (size_t)(n * width));
  return OG_OK;
}

/* Byte k of every value lies together. */
static og_status byte_split_decode(og_ctx *cx, const og_lance__enc *e, og_str in, uint64_t n, unsigned width,
                                   uint8_t *dst)
{
  if (e->inner->kind != OG_LANCE__ENC_FLAT || e->inner->bits != 8ull * width)
    return og_fail(cx, OG_ECORRUPT, "byte-stream-split of values that are not flat %u-bit ones", 8 * width);
  if (in.len / width < n)
    return og_fail(cx, OG_ECORRUPT, "%zu bytes cannot hold %" PRIu64 " split values of %u", in.len, n, width);
  const uint8_t *src = (const uint8_t *)in.ptr;
  for (unsigned k = 0; k < width; k++, src += n)
    for (uint64_t i = 0; i < n; i++) dst[i * width + k] = src[i];
  return OG_OK;
}

og_status og_lance__fixed_decode(og_ctx *cx, const og_lance__enc *e, const og_str *bufs, uint32_t n_bufs, uint64_t n,
                                 unsigned width, uint8_t *dst)
{
  OG_AUTO(og_buf) plain = {0};
  og_str values, lengths;
  og_str parts[2];
  if (n_bufs < 1 || n_bufs > 2) return og_fail(cx, OG_ECORRUPT, "%u value buffers", n_bufs);
  switch (e->kind) {
  case OG_LANCE__ENC_FLAT: return flat_decode(cx, e, bufs[0], n, width, dst);
  case OG_LANCE__ENC_INLINE:
    if (e->bits != 8ull * width) break;
    return og_lance__inline_decode(cx, bufs[0], n, width, dst);
  case OG_LANCE__ENC_OUT_OF_LINE:
    if (e->bits != 8ull * width) break;
    return og_lance__out_of_line_decode(cx, e->packed_bits, bufs[0], n, width, dst);
  case OG_LANCE__ENC_BYTE_SPLIT: return byte_split_decode(cx, e, bufs[0], n, width, dst);
  case OG_LANCE__ENC_RLE:
    if (n_bufs == 2) return og_lance__rle_decode(cx, e, bufs[0], bufs[1], n, width, dst);
    OG_TRY(og_lance__rle_split(cx, bufs[0], &values, &lengths));
    return og_lance__rle_decode(cx, e, values, lengths, n, width, dst);
  case OG_LANCE__ENC_GENERAL: /* only the first buffer is compressed */
    OG_TRY(og_lance__general_decode(cx, e->scheme, bufs[0], &plain));
    parts[0] = og_buf_str(&plain);
    parts[1] = n_bufs == 2 ? bufs[1] : OG_STR_NONE;
    return og_lance__fixed_decode(cx, e->inner, parts, n_bufs, n, width, dst);
  default: break;
  }
  return og_fail(cx, OG_ECORRUPT, "%s of %" PRIu64 " bits for a type of %u", og_lance__enc_name(e->kind),
                 og_lance__enc_bits(e), 8 * width);
}

/* ---- Decoding slots. */

static og_status decode_bits(og_ctx *cx, const og_lance__enc *e, og_str in, uint64_t elems, og_lance__slots *out)
{
  OG_AUTO(og_buf) plain = {0};
  if (e->kind == OG_LANCE__ENC_GENERAL) {
    OG_TRY(og_lance__general_decode(cx, e->scheme, in, &plain));
    in = og_buf_str(&plain);
    e = e->inner;
  }
  if (e->kind != OG_LANCE__ENC_FLAT || e->bits != 1)
    return og_fail(cx, OG_EUNSUPPORTED, "booleans encoded as %s", og_lance__enc_name(e->kind));
  if (in.len < elems / 8 + (elems % 8 != 0))
    return og_fail(cx, OG_ECORRUPT, "%zu bytes cannot hold %" PRIu64 " bits", in.len, elems);
  return og_lance__bits_append(cx, &out->data, out->n * out->shape.dim, (const uint8_t *)in.ptr, 0, elems);
}

/* Consumes the element bitmap in bufs[0]. */
static og_status decode_list_validity(og_ctx *cx, og_str bitmap, uint64_t elems, og_lance__slots *out)
{
  uint64_t have = out->n * out->shape.dim;
  if (bitmap.len < elems / 8 + (elems % 8 != 0))
    return og_fail(cx, OG_ECORRUPT, "%zu bytes cannot hold the validity of %" PRIu64 " items", bitmap.len, elems);
  if (!out->valid.len) OG_TRY(og_lance__bits_fill(cx, &out->valid, 0, true, have));
  return og_lance__bits_append(cx, &out->valid, have, (const uint8_t *)bitmap.ptr, 0, elems);
}

const og_lance__enc og_lance__bytes_enc = {.kind = OG_LANCE__ENC_FLAT, .bits = 8};

og_status og_lance__packed_check(og_ctx *cx, const og_lance__enc *e, const og_lance__shape *shape)
{
  if (e->kind != OG_LANCE__ENC_PACKED_STRUCT || e->inner->kind != OG_LANCE__ENC_FLAT)
    return og_fail(cx, OG_EUNSUPPORTED, "a packed struct encoded as %s", og_lance__enc_name(e->kind));
  if (e->inner->bits != og_lance__shape_bits(shape))
    return og_fail(cx, OG_ECORRUPT, "a packed struct of %" PRIu64 " bits, its type has %" PRIu64, e->inner->bits,
                   og_lance__shape_bits(shape));
  return OG_OK;
}

/* Elements of fixed-size lists or plain slots: appends n * dim elements. */
static og_status decode_dense(og_ctx *cx, const og_lance__enc *e, const og_str *bufs, uint32_t n_bufs, uint64_t n,
                              og_lance__slots *out)
{
  uint64_t elems, bytes;
  if (OG_MUL_OVERFLOWS(n, (uint64_t)out->shape.dim, &elems) || elems > OG_LIMIT_PAGE_BYTES)
    return og_fail(cx, OG_ELIMIT, "%" PRIu64 " values in one page", n);
  if (e->kind == OG_LANCE__ENC_FIXED_LIST) {
    if (!out->shape.is_list || e->items != out->shape.dim)
      return og_fail(cx, OG_ECORRUPT, "lists of %" PRIu64 " items for a type of %u", e->items, out->shape.dim);
    if (e->has_validity) {
      if (n_bufs < 2) return og_fail(cx, OG_ECORRUPT, "fixed-size lists without their validity buffer");
      OG_TRY(decode_list_validity(cx, bufs[0], elems, out));
      bufs++;
      n_bufs--;
    } else if (out->valid.len) {
      OG_TRY(og_lance__bits_fill(cx, &out->valid, out->n * out->shape.dim, true, elems));
    }
    e = e->inner;
  } else if (out->shape.packed) {
    OG_TRY(og_lance__packed_check(cx, e, &out->shape));
    e = &og_lance__bytes_enc;
  } else if (out->shape.is_list && out->shape.dim != 1) {
    return og_fail(cx, OG_EUNSUPPORTED, "fixed-size lists encoded as %s", og_lance__enc_name(e->kind));
  }
  if (out->shape.form == OG_LANCE__BITS) {
    if (n_bufs < 1) return og_fail(cx, OG_ECORRUPT, "booleans without a buffer");
    OG_TRY(decode_bits(cx, e, bufs[0], elems, out));
  } else {
    bytes = elems * out->shape.width;
    uint8_t *at = og_lance__mem_push(cx, &out->data, (size_t)bytes);
    if (!at) return cx->err->status;
    OG_TRY(og_lance__fixed_decode(cx, e, bufs, n_bufs, elems, out->shape.width, at));
  }
  out->n += n;
  return OG_OK;
}

og_status og_lance__slots_decode(og_ctx *cx, const og_lance__enc *e, const og_str *bufs, uint32_t n_bufs, uint64_t n,
                                 og_lance__slots *out)
{
  OG_AUTO(og_buf) plain = {0};
  if (n_bufs < 1) return og_fail(cx, OG_ECORRUPT, "a chunk without value buffers");
  switch (out->shape.form) {
  case OG_LANCE__FIXED:
  case OG_LANCE__BITS:
    if (e->kind != OG_LANCE__ENC_GENERAL || e->inner->kind != OG_LANCE__ENC_FIXED_LIST || n_bufs > 3)
      return decode_dense(cx, e, bufs, n_bufs, n, out);
    OG_TRY(og_lance__general_decode(cx, e->scheme, bufs[0], &plain));
    og_str parts[3] = {og_buf_str(&plain)};
    for (uint32_t i = 1; i < n_bufs; i++) parts[i] = bufs[i];
    return decode_dense(cx, e->inner, parts, n_bufs, n, out);
  case OG_LANCE__VARBIN: return og_lance__variable_decode(cx, e, bufs[0], n, out);
  case OG_LANCE__NONE: break;
  }
  return og_fail(cx, OG_ECORRUPT, "values stored for the null type");
}

og_status og_lance__block_decode(og_ctx *cx, const og_lance__enc *e, og_str buf, uint64_t n, og_lance__slots *out)
{
  if (out->shape.form == OG_LANCE__VARBIN) return og_lance__variable_block_decode(cx, e, buf, n, out);
  if (out->shape.form != OG_LANCE__FIXED)
    return og_fail(cx, OG_EUNSUPPORTED, "a dictionary of booleans or null values");
  return decode_dense(cx, e, &buf, 1, n, out);
}

og_status og_lance__byte_split_encode(og_ctx *cx, const uint8_t *values, uint64_t n, unsigned width, og_buf *out)
{
  OG_TRY(og_buf_reserve(cx, out, (size_t)n * width));
  uint8_t *to = out->data + out->len;
  for (unsigned k = 0; k < width; k++)
    for (uint64_t i = 0; i < n; i++) *to++ = values[i * width + k];
  out->len += (size_t)n * width;
  return OG_OK;
}
