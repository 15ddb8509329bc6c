/* SPDX-License-Identifier: MIT */
#include "lance/pb.h"
#include "base/ctx.h"
#include "base/vec.h"

void og_pb_reader_init(og_pb_reader *r, og_str bytes, const char *what)
{
  static const uint8_t nothing[1] = {0};
  r->at = bytes.len ? (const uint8_t *)bytes.ptr : nothing;
  r->end = r->at + bytes.len;
  r->what = what;
}

og_status og_pb_long_varint(og_ctx *cx, og_pb_reader *r, uint64_t *out)
{
  uint64_t v = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (r->at == r->end)
      return og_fail(cx, OG_ECORRUPT, "%s: the message ends inside a number", r->what);
    uint8_t byte = *r->at++;
    if (shift == 63 && byte > 1) break;
    v |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) {
      *out = v;
      return OG_OK;
    }
  }
  return og_fail(cx, OG_ECORRUPT, "%s: a number has more than 64 bits", r->what);
}

static og_status read_fixed(og_ctx *cx, og_pb_reader *r, size_t width, uint64_t *out)
{
  if ((size_t)(r->end - r->at) < width)
    return og_fail(cx, OG_ECORRUPT, "%s: the message ends inside a fixed-width number", r->what);
  *out = 0;
  memcpy(out, r->at, width);
  r->at += width;
  return OG_OK;
}

static og_status read_bytes(og_ctx *cx, og_pb_reader *r, og_str *out)
{
  uint64_t len;
  OG_TRY(og_pb_varint(cx, r, &len));
  size_t left = (size_t)(r->end - r->at);
  if (len > left)
    return og_fail(cx, OG_ECORRUPT, "%s: a field of %llu bytes with %zu left", r->what,
                   (unsigned long long)len, left);
  *out = og_str_from(r->at, (size_t)len);
  r->at += len;
  return OG_OK;
}

og_status og_pb_next(og_ctx *cx, og_pb_reader *r, og_pb_field *f, bool *more)
{
  if (r->at == r->end) {
    *more = false;
    return OG_OK;
  }
  const uint8_t *start = r->at;
  uint64_t tag;
  OG_TRY(og_pb_varint(cx, r, &tag));
  if (tag >> 3 == 0 || tag >> 3 > (1u << 29) - 1)
    return og_fail(cx, OG_ECORRUPT, "%s: field number %llu", r->what,
                   (unsigned long long)(tag >> 3));
  *f = (og_pb_field){.num = (uint32_t)(tag >> 3), .wire = (og_pb_wire)(tag & 7)};
  switch (tag & 7) {
  case OG_PB_VARINT: OG_TRY(og_pb_varint(cx, r, &f->value)); break;
  case OG_PB_I64: OG_TRY(read_fixed(cx, r, 8, &f->value)); break;
  case OG_PB_I32: OG_TRY(read_fixed(cx, r, 4, &f->value)); break;
  case OG_PB_BYTES: OG_TRY(read_bytes(cx, r, &f->bytes)); break;
  default:
    return og_fail(cx, OG_ECORRUPT, "%s: field %u has wire type %u", r->what, f->num,
                   (unsigned)(tag & 7));
  }
  f->raw = og_str_from(start, (size_t)(r->at - start));
  *more = true;
  return OG_OK;
}

og_status og_pb_expect(og_ctx *cx, const og_pb_reader *r, const og_pb_field *f, og_pb_wire wire)
{
  if (f->wire == wire) return OG_OK;
  return og_fail(cx, OG_ECORRUPT, "%s: field %u has wire type %u, expected %u", r->what, f->num,
                 (unsigned)f->wire, (unsigned)wire);
}

og_status og_pb_repeated_u64(og_ctx *cx, const og_pb_reader *r, const og_pb_field *f, void *out_vec)
{
  og_vec *out = (og_vec *)out_vec;
  if (f->wire == OG_PB_VARINT) return og_vec_add(cx, out, &f->value);
  OG_TRY(og_pb_expect(cx, r, f, OG_PB_BYTES));
  og_pb_reader sub;
  og_pb_reader_init(&sub, f->bytes, r->what);
  while (sub.at < sub.end) {
    uint64_t v;
    OG_TRY(og_pb_varint(cx, &sub, &v));
    OG_TRY(og_vec_add(cx, out, &v));
  }
  return OG_OK;
}

static size_t encode_varint(uint64_t v, uint8_t out[10])
{
  size_t n = 0;
  for (; v >= 0x80; v >>= 7) out[n++] = (uint8_t)(v | 0x80);
  out[n++] = (uint8_t)v;
  return n;
}

og_status og_pb_put_varint(og_ctx *cx, og_buf *b, uint64_t v)
{
  uint8_t bytes[10];
  return og_buf_append(cx, b, bytes, encode_varint(v, bytes));
}

static og_status put_tag(og_ctx *cx, og_buf *b, uint32_t num, og_pb_wire wire)
{
  return og_pb_put_varint(cx, b, (uint64_t)num << 3 | (uint64_t)wire);
}

og_status og_pb_put_u64_always(og_ctx *cx, og_buf *b, uint32_t num, uint64_t v)
{
  OG_TRY(put_tag(cx, b, num, OG_PB_VARINT));
  return og_pb_put_varint(cx, b, v);
}

og_status og_pb_put_u64(og_ctx *cx, og_buf *b, uint32_t num, uint64_t v)
{
  return v ? og_pb_put_u64_always(cx, b, num, v) : OG_OK;
}

og_status og_pb_put_bytes(og_ctx *cx, og_buf *b, uint32_t num, og_str v)
{
  OG_TRY(put_tag(cx, b, num, OG_PB_BYTES));
  OG_TRY(og_pb_put_varint(cx, b, v.len));
  return og_buf_append(cx, b, v.ptr, v.len);
}

og_status og_pb_put_str(og_ctx *cx, og_buf *b, uint32_t num, og_str v)
{
  return v.len ? og_pb_put_bytes(cx, b, num, v) : OG_OK;
}

og_status og_pb_put_packed(og_ctx *cx, og_buf *b, uint32_t num, const uint64_t *v, size_t n)
{
  uint8_t bytes[10];
  size_t len = 0;
  if (n == 0) return OG_OK;
  for (size_t i = 0; i < n; i++) len += encode_varint(v[i], bytes);
  OG_TRY(put_tag(cx, b, num, OG_PB_BYTES));
  OG_TRY(og_pb_put_varint(cx, b, len));
  for (size_t i = 0; i < n; i++) OG_TRY(og_pb_put_varint(cx, b, v[i]));
  return OG_OK;
}

og_status og_pb_put_f64(og_ctx *cx, og_buf *b, uint32_t num, double v)
{
  uint64_t bits;
  memcpy(&bits, &v, sizeof bits);
  OG_TRY(put_tag(cx, b, num, OG_PB_I64));
  return og_buf_put_u64(cx, b, bits);
}
