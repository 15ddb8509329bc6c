/* SPDX-License-Identifier: MIT */
#include "base/ctx.h"

#include <stdio.h>
#include <stdlib.h>

/* A text that did not fit is cut at a UTF-8 boundary, so that it stays printable. */
static void cut_to_utf8(char *text, size_t size)
{
  size_t len = strlen(text);
  if (len + 1 < size) return;
  while (len > 0 && ((unsigned char)text[len - 1] & 0xC0) == 0x80) len--;
  if (len > 0 && (unsigned char)text[len - 1] >= 0xC0) len--;
  text[len] = '\0';
}

/* Messages quote bytes of files and requests.  What is malformed, or would steer a terminal, becomes '?'. */
static void make_printable(char *text)
{
  og_str all = og_str_of(text);
  for (size_t at = 0; at < all.len;) {
    size_t from = at;
    uint32_t c = og_utf8_next(all, &at);
    bool malformed = c == 0xFFFD && at - from == 1;
    bool control = (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c < 0xA0);
    if (malformed || control) memset(text + from, '?', at - from);
  }
}

og_status og_fail_at(og_ctx *cx, og_status st, const char *file, int line, const char *fmt, ...)
{
  OG_ASSERT(st != OG_OK);
  og_error *e = cx->err;
  e->status = st;
  e->file = file;
  e->line = line;
  e->detail = (og_detail){0};
  va_list args;
  va_start(args, fmt);
  vsnprintf(e->text, sizeof e->text, fmt, args);
  va_end(args);
  cut_to_utf8(e->text, sizeof e->text);
  make_printable(e->text);
  return st;
}

og_status og_note(og_ctx *cx, og_status st, const char *fmt, ...)
{
  og_error *e = cx->err;
  size_t len = strlen(e->text);
  if (len + 8 >= sizeof e->text) return st; /* full: the innermost causes matter most */
  memcpy(e->text + len, "\n  ", 4);
  len += 3;
  va_list args;
  va_start(args, fmt);
  vsnprintf(e->text + len, sizeof e->text - len, fmt, args);
  va_end(args);
  cut_to_utf8(e->text, sizeof e->text);
  make_printable(e->text + len);
  return st;
}

og_detail *og_error_detail(og_ctx *cx, og_detail_kind kind)
{
  cx->err->detail = (og_detail){.kind = kind};
  return &cx->err->detail;
}

void og_detail_set(char *field, size_t size, og_str s)
{
  size_t n = s.len < size - 1 ? s.len : size - 1;
  if (n) memcpy(field, s.ptr, n);
  field[n] = '\0';
  if (n < s.len) cut_to_utf8(field, size);
}

void og_error_clear(og_ctx *cx)
{
  cx->err->status = OG_OK;
  cx->err->text[0] = '\0';
  cx->err->detail = (og_detail){0};
}

void og_assert_failed(const char *expr, const char *file, int line)
{
  /* The one place of the library that writes to a stream: the process is about to die of our bug. */
  fprintf(stderr, "omnigraph: internal error: %s does not hold at %s:%d\n", expr, file, line);
  abort();
}
