/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include "base/buf.h"

void og_log_event(og_ctx *cx, og_log_level level, const char *name, const og_kv *kv, size_t n)
{
  og_sink *sink = cx->rt->sink;
  if (sink && level >= sink->min_level) sink->event(sink, level, name, kv, n);
}

/* logfmt: bare when it has no space, quote, '=' or control character; else quoted with escapes. */
static og_status put_value(og_ctx *cx, og_buf *out, og_str s)
{
  static const char hex[] = "0123456789abcdef";
  bool bare = s.len > 0;
  for (size_t i = 0; i < s.len && bare; i++)
    bare = s.ptr[i] > ' ' && s.ptr[i] != '"' && s.ptr[i] != '=' && s.ptr[i] != 127;
  if (bare) return og_buf_append_str(cx, out, s);
  OG_TRY(og_buf_append_byte(cx, out, '"'));
  for (size_t i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.ptr[i];
    if (c < ' ' || c == 127) {
      const char esc[4] = {'\\', 'x', hex[c >> 4], hex[c & 15]};
      OG_TRY(og_buf_append(cx, out, esc, sizeof esc));
      continue;
    }
    if (c == '"' || c == '\\') OG_TRY(og_buf_append_byte(cx, out, '\\'));
    OG_TRY(og_buf_append_byte(cx, out, c));
  }
  return og_buf_append_byte(cx, out, '"');
}

og_status og_log_format(og_ctx *cx, og_log_level level, const char *name, const og_kv *kv, size_t n, og_buf *out)
{
  static const char *const levels[] = {"debug", "info", "warn", "error"};
  OG_TRY(og_buf_printf(cx, out, "level=%s event=%s", levels[level], name));
  for (size_t i = 0; i < n; i++) {
    OG_TRY(og_buf_printf(cx, out, " %s=", kv[i].key));
    OG_TRY(kv[i].is_num ? og_buf_append_i64(cx, out, kv[i].num) : put_value(cx, out, kv[i].str));
  }
  return OG_OK;
}
