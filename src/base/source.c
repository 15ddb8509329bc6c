/* SPDX-License-Identifier: MIT */
#include "base/source.h"

#include <inttypes.h>
#include <stdio.h>

static uint32_t line_start(og_str text, uint32_t offset)
{
  while (offset > 0 && text.ptr[offset - 1] != '\n') offset--;
  return offset;
}

void og_source_position(const og_source *src, uint32_t offset, uint32_t *line, uint32_t *column)
{
  if (offset > src->text.len) offset = (uint32_t)src->text.len;
  *line = 1;
  for (uint32_t i = 0; i < offset; i++) *line += src->text.ptr[i] == '\n';
  *column = 1;
  for (uint32_t i = line_start(src->text, offset); i < offset; i++)
    *column += ((unsigned char)src->text.ptr[i] & 0xC0) != 0x80;
}

#define SHOWN_BYTES 160 /* of a source line: a minified file must not flood the message */

typedef struct excerpt {
  og_str line;
  uint32_t caret_from, caret_len; /* code points */
} excerpt;

static uint32_t code_points(og_str s)
{
  uint32_t n = 0;
  for (size_t i = 0; i < s.len; i++) n += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
  return n;
}

static excerpt cut_excerpt(const og_source *src, og_span at)
{
  uint32_t start = line_start(src->text, at.start), end = at.start;
  while (end < src->text.len && src->text.ptr[end] != '\n' && src->text.ptr[end] != '\r') end++;
  if (at.start - start > SHOWN_BYTES / 2) start = at.start - SHOWN_BYTES / 2;
  while (start < at.start && ((unsigned char)src->text.ptr[start] & 0xC0) == 0x80) start++;
  if (end - start > SHOWN_BYTES) end = start + SHOWN_BYTES;
  if (end < at.start) end = at.start;
  uint32_t stop = at.end > end ? end : at.end;
  excerpt e = {.line = og_str_sub(src->text, start, end),
               .caret_from = code_points(og_str_sub(src->text, start, at.start)),
               .caret_len = stop > at.start ? code_points(og_str_sub(src->text, at.start, stop)) : 1};
  if (e.caret_len == 0) e.caret_len = 1;
  return e;
}

static void repeat(char *out, size_t size, char c, uint32_t n)
{
  size_t len = n < size - 1 ? n : size - 1;
  memset(out, c, len);
  out[len] = '\0';
}

og_status og_source_fail(og_ctx *cx, og_status st, const og_source *src, og_span at, og_str hint, const char *fmt, ...)
{
  char message[700], margin[16], indent[SHOWN_BYTES + 1], caret[SHOWN_BYTES + 1], number[16];
  uint32_t line, column;
  if (at.start > src->text.len) at.start = (uint32_t)src->text.len;
  if (at.end > src->text.len) at.end = (uint32_t)src->text.len;
  va_list args;
  va_start(args, fmt);
  vsnprintf(message, sizeof message, fmt, args);
  va_end(args);
  og_source_position(src, at.start, &line, &column);
  excerpt e = cut_excerpt(src, at);
  int width = snprintf(number, sizeof number, "%" PRIu32, line);
  repeat(margin, sizeof margin, ' ', (uint32_t)width);
  repeat(indent, sizeof indent, ' ', e.caret_from);
  repeat(caret, sizeof caret, '^', e.caret_len);
  og_str name = src->name.len ? src->name : OG_STR("<input>");
  og_fail(cx, st,
          "%s\n%s--> " OG_STR_FMT ":%" PRIu32 ":%" PRIu32 "\n%s |\n%s | " OG_STR_FMT "\n%s | %s%s%s%s%s" OG_STR_FMT,
          message, margin, OG_STR_ARG(name), line, column, margin, number, OG_STR_ARG(e.line), margin, indent, caret,
          hint.len ? "\n" : "", hint.len ? margin : "", hint.len ? " = hint: " : "", OG_STR_ARG(hint));
  og_detail *d = og_error_detail(cx, OG_DETAIL_POSITION);
  d->line = line;
  d->column = column;
  d->span_start = at.start;
  d->span_end = at.end > at.start ? at.end : at.start + 1;
  return st;
}
