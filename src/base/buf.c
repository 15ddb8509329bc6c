/* SPDX-License-Identifier: MIT */
#include "base/buf.h"
#include "base/ctx.h"

#include <stdio.h>

void og_buf_cleanup(og_buf *b)
{
  og_free(b->data);
  *b = (og_buf){0};
}

void og_buf_clear(og_buf *b)
{
  b->len = 0;
}

og_status og_buf_reserve(og_ctx *cx, og_buf *b, size_t more)
{
  size_t need;
  if (OG_ADD_OVERFLOWS(b->len, more, &need)) return og_fail(cx, OG_ENOMEM, "out of memory (%zu more bytes)", more);
  if (need <= b->cap) return OG_OK;
  size_t cap = b->cap < SIZE_MAX / 2 ? b->cap * 2 : need;
  if (cap < need) cap = need;
  if (cap < 64) cap = 64;
  uint8_t *p = og_realloc(cx, b->data, cap);
  if (!p) return OG_ENOMEM;
  b->data = p;
  b->cap = cap;
  return OG_OK;
}

og_status og_buf_append(og_ctx *cx, og_buf *b, const void *p, size_t n)
{
  if (n == 0) return OG_OK;
  OG_TRY(og_buf_reserve(cx, b, n));
  memcpy(b->data + b->len, p, n);
  b->len += n;
  return OG_OK;
}

og_status og_buf_append_str(og_ctx *cx, og_buf *b, og_str s)
{
  return og_buf_append(cx, b, s.ptr, s.len);
}

og_status og_buf_append_byte(og_ctx *cx, og_buf *b, uint8_t c)
{
  if (OG_UNLIKELY(b->len == b->cap)) OG_TRY(og_buf_reserve(cx, b, 1));
  b->data[b->len++] = c;
  return OG_OK;
}

og_status og_buf_append_u64(og_ctx *cx, og_buf *b, uint64_t v)
{
  char text[20];
  size_t at = sizeof text;
  do {
    text[--at] = (char)('0' + v % 10);
    v /= 10;
  } while (v);
  return og_buf_append(cx, b, text + at, sizeof text - at);
}

og_status og_buf_append_i64(og_ctx *cx, og_buf *b, int64_t v)
{
  if (v >= 0) return og_buf_append_u64(cx, b, (uint64_t)v);
  OG_TRY(og_buf_append_byte(cx, b, '-'));
  return og_buf_append_u64(cx, b, 0 - (uint64_t)v);
}

og_status og_buf_append_zeros(og_ctx *cx, og_buf *b, size_t n)
{
  if (n == 0) return OG_OK;
  OG_TRY(og_buf_reserve(cx, b, n));
  memset(b->data + b->len, 0, n);
  b->len += n;
  return OG_OK;
}

og_status og_buf_pad(og_ctx *cx, og_buf *b, size_t multiple)
{
  size_t over = b->len % multiple;
  return over ? og_buf_append_zeros(cx, b, multiple - over) : OG_OK;
}

og_status og_buf_printf(og_ctx *cx, og_buf *b, const char *fmt, ...)
{
  va_list args, again;
  va_start(args, fmt);
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, fmt, args);
  va_end(args);
  og_status st = n < 0 ? og_fail(cx, OG_EINTERNAL, "cannot format a text") : og_buf_reserve(cx, b, (size_t)n + 1);
  if (st == OG_OK) {
    vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, again);
    b->len += (size_t)n;
  }
  va_end(again);
  return st;
}

og_status og_buf_put_u16(og_ctx *cx, og_buf *b, uint16_t v)
{
  return og_buf_append(cx, b, &v, sizeof v);
}

og_status og_buf_put_u32(og_ctx *cx, og_buf *b, uint32_t v)
{
  return og_buf_append(cx, b, &v, sizeof v);
}

og_status og_buf_put_u64(og_ctx *cx, og_buf *b, uint64_t v)
{
  return og_buf_append(cx, b, &v, sizeof v);
}

void og_buf_move(og_buf *dst, og_buf *src)
{
  og_buf_cleanup(dst);
  *dst = *src;
  *src = (og_buf){0};
}
