/* SPDX-License-Identifier: MIT */
/* base/buf.h -- a growable byte buffer that owns its bytes.
 *
 * All-zero is empty and ready.  Appending may move `data`.  Thread rule: one thread at a time.
 */
#pragma once

#include "base/mem.h"

typedef struct og_buf {
  uint8_t *data;
  size_t len, cap;
} og_buf;

void og_buf_cleanup(og_buf *b); /* frees; empty again */
void og_buf_clear(og_buf *b);   /* keeps the memory */
static inline og_str og_buf_str(const og_buf *b)
{
  return (og_str){(const char *)b->data, b->len};
}

/* Room for `more` bytes behind len, without changing len. */
OG_MUST_USE og_status og_buf_reserve(og_ctx *cx, og_buf *b, size_t more);
OG_MUST_USE og_status og_buf_append(og_ctx *cx, og_buf *b, const void *p, size_t n);
OG_MUST_USE og_status og_buf_append_str(og_ctx *cx, og_buf *b, og_str s);
OG_MUST_USE og_status og_buf_append_byte(og_ctx *cx, og_buf *b, uint8_t c);
OG_MUST_USE og_status og_buf_append_u64(og_ctx *cx, og_buf *b, uint64_t v); /* decimal text */
OG_MUST_USE og_status og_buf_append_i64(og_ctx *cx, og_buf *b, int64_t v);  /* decimal text */
OG_MUST_USE og_status og_buf_append_zeros(og_ctx *cx, og_buf *b, size_t n);
OG_MUST_USE og_status og_buf_pad(og_ctx *cx, og_buf *b, size_t multiple); /* zero bytes up to a multiple */
/* printf rules.  Never for doubles. */
OG_MUST_USE og_status og_buf_printf(og_ctx *cx, og_buf *b, const char *fmt, ...) OG_PRINTF(3, 4);
/* Little-endian raw values. */
OG_MUST_USE og_status og_buf_put_u16(og_ctx *cx, og_buf *b, uint16_t v);
OG_MUST_USE og_status og_buf_put_u32(og_ctx *cx, og_buf *b, uint32_t v);
OG_MUST_USE og_status og_buf_put_u64(og_ctx *cx, og_buf *b, uint64_t v);
/* Moves src's bytes to dst (dst is freed first); src is empty after. */
void og_buf_move(og_buf *dst, og_buf *src);
