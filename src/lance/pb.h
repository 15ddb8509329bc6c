/* SPDX-License-Identifier: MIT */
/* lance/pb.h -- the protocol-buffers wire format, by hand.
 *
 * https://protobuf.dev/programming-guides/encoding/.  Reading walks fields; a decoder switches on
 * the number and keeps the raw bytes of what it does not know, so that rewriting a manifest loses
 * nothing a newer Lance put there. Thread rule: values on the stack.
 */
#pragma once

#include "base/buf.h"

typedef enum og_pb_wire {
  OG_PB_VARINT = 0,
  OG_PB_I64 = 1,
  OG_PB_BYTES = 2,
  OG_PB_I32 = 5
} og_pb_wire;

typedef struct og_pb_reader {
  const uint8_t *at, *end;
  const char *what; /* message name, for errors */
} og_pb_reader;

typedef struct og_pb_field {
  uint32_t num;
  og_pb_wire wire;
  uint64_t value; /* VARINT, I64, I32 */
  og_str bytes;   /* BYTES; borrowed from the input */
  og_str raw;     /* tag and value, for keeping unknown fields */
} og_pb_field;

void og_pb_reader_init(og_pb_reader *r, og_str bytes, const char *what);
/* Reads the next field; *more is false at the end.  OG_ECORRUPT on truncation, field number 0,
 * groups or a length beyond the input. */
OG_MUST_USE og_status og_pb_next(og_ctx *cx, og_pb_reader *r, og_pb_field *f, bool *more);
/* One varint of a packed field; advances *at. */
OG_MUST_USE og_status og_pb_long_varint(og_ctx *cx, og_pb_reader *r, uint64_t *out);
OG_MUST_USE static inline og_status og_pb_varint(og_ctx *cx, og_pb_reader *r, uint64_t *out)
{
  if (r->at == r->end || *r->at >= 0x80) return og_pb_long_varint(cx, r, out);
  *out = *r->at++; /* most have one byte */
  return OG_OK;
}
/* Fails with OG_ECORRUPT naming the message and field unless f has that wire type. */
OG_MUST_USE og_status og_pb_expect(og_ctx *cx, const og_pb_reader *r, const og_pb_field *f,
                                   og_pb_wire wire);
/* A repeated scalar that may come packed (BYTES) or single: appends u64s to `out` (og_vec of
 * uint64_t). */
struct og_vec;
OG_MUST_USE og_status og_pb_repeated_u64(og_ctx *cx, const og_pb_reader *r, const og_pb_field *f,
                                         void *out_vec);

OG_MUST_USE og_status og_pb_put_varint(og_ctx *cx, og_buf *b, uint64_t v); /* bare */
/* Fields.  _u64 leaves out zero (proto3 default); _u64_always writes it (explicit presence).
 * Negative int32/int64 go through (uint64_t)(int64_t)v: ten bytes. */
OG_MUST_USE og_status og_pb_put_u64(og_ctx *cx, og_buf *b, uint32_t num, uint64_t v);
OG_MUST_USE og_status og_pb_put_u64_always(og_ctx *cx, og_buf *b, uint32_t num, uint64_t v);
OG_MUST_USE og_status og_pb_put_bytes(og_ctx *cx, og_buf *b, uint32_t num,
                                      og_str v); /* also when empty */
OG_MUST_USE og_status og_pb_put_str(og_ctx *cx, og_buf *b, uint32_t num,
                                    og_str v); /* leaves out empty */
OG_MUST_USE og_status og_pb_put_packed(og_ctx *cx, og_buf *b, uint32_t num, const uint64_t *v,
                                       size_t n);
OG_MUST_USE og_status og_pb_put_f64(og_ctx *cx, og_buf *b, uint32_t num, double v);
