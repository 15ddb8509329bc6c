/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include "base/num.h"

#include <math.h>

void og_json_writer_init(og_json_writer *w, og_buf *out, bool pretty)
{
  *w = (og_json_writer){.out = out, .pretty = pretty};
}

static bool has_items(const og_json_writer *w)
{
  return w->has_items[w->depth >> 6] >> (w->depth & 63) & 1;
}

static void set_items(og_json_writer *w, bool on)
{
  uint64_t bit = 1ull << (w->depth & 63);
  if (on)
    w->has_items[w->depth >> 6] |= bit;
  else
    w->has_items[w->depth >> 6] &= ~bit;
}

static og_status newline(og_ctx *cx, og_json_writer *w)
{
  if (!w->pretty) return OG_OK;
  OG_TRY(og_buf_append_byte(cx, w->out, '\n'));
  for (unsigned i = 0; i < w->depth; i++) OG_TRY(og_buf_append(cx, w->out, "  ", 2));
  return OG_OK;
}

/* What stands before a value or key: nothing after a key, else a comma and a new line as needed. */
static og_status before(og_ctx *cx, og_json_writer *w)
{
  if (w->after_key) {
    w->after_key = false;
    return OG_OK;
  }
  if (w->depth == 0) return OG_OK;
  if (has_items(w)) OG_TRY(og_buf_append_byte(cx, w->out, ','));
  set_items(w, true);
  return newline(cx, w);
}

static og_status begin(og_ctx *cx, og_json_writer *w, uint8_t c)
{
  OG_TRY(before(cx, w));
  if (w->depth == 255) return og_fail(cx, OG_EINTERNAL, "JSON to be written is nested too deep");
  w->depth++;
  set_items(w, false);
  return og_buf_append_byte(cx, w->out, c);
}

static og_status end(og_ctx *cx, og_json_writer *w, uint8_t c)
{
  OG_ASSERT(w->depth > 0 && !w->after_key);
  bool any = has_items(w);
  w->depth--;
  if (any) OG_TRY(newline(cx, w));
  return og_buf_append_byte(cx, w->out, c);
}

og_status og_json_begin_object(og_ctx *cx, og_json_writer *w)
{
  return begin(cx, w, '{');
}

og_status og_json_end_object(og_ctx *cx, og_json_writer *w)
{
  return end(cx, w, '}');
}

og_status og_json_begin_array(og_ctx *cx, og_json_writer *w)
{
  return begin(cx, w, '[');
}

og_status og_json_end_array(og_ctx *cx, og_json_writer *w)
{
  return end(cx, w, ']');
}

/* Bytes from the front that stand for themselves, eight at a time (Mycroft's test for a byte in a word). */
static size_t plain_prefix(og_str s)
{
  const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
  size_t i = 0;
  for (; i + 8 <= s.len; i += 8) {
    uint64_t w;
    memcpy(&w, s.ptr + i, 8);
    uint64_t quote = w ^ (ones * '"'), backslash = w ^ (ones * '\\');
    if ((((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | ((w - ones * ' ') & ~w)) & highs) break;
  }
  for (; i < s.len; i++) {
    unsigned char c = (unsigned char)s.ptr[i];
    if (c < ' ' || c == '"' || c == '\\') break;
  }
  return i;
}

static og_status escape(og_ctx *cx, og_buf *out, unsigned char c)
{
  static const char hex[] = "0123456789abcdef";
  static const char short_of[32] = {[8] = 'b', [9] = 't', [10] = 'n', [12] = 'f', [13] = 'r'};
  if (c >= ' ' || short_of[c]) {
    const char two[2] = {'\\', c >= ' ' ? (char)c : short_of[c]};
    return og_buf_append(cx, out, two, 2);
  }
  const char six[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
  return og_buf_append(cx, out, six, 6);
}

og_status og_json_quote(og_ctx *cx, og_buf *out, og_str s)
{
  OG_TRY(og_buf_reserve(cx, out, s.len + 2));
  out->data[out->len++] = '"';
  for (;;) {
    size_t plain = plain_prefix(s);
    OG_TRY(og_buf_append(cx, out, s.ptr, plain));
    if (plain == s.len) break;
    OG_TRY(escape(cx, out, (unsigned char)s.ptr[plain]));
    s = og_str_sub(s, plain + 1, s.len);
  }
  return og_buf_append_byte(cx, out, '"');
}

og_status og_json_key(og_ctx *cx, og_json_writer *w, og_str key)
{
  OG_TRY(before(cx, w));
  OG_TRY(og_json_quote(cx, w->out, key));
  w->after_key = true;
  return w->pretty ? og_buf_append(cx, w->out, ": ", 2) : og_buf_append_byte(cx, w->out, ':');
}

og_status og_json_str(og_ctx *cx, og_json_writer *w, og_str s)
{
  OG_TRY(before(cx, w));
  return og_json_quote(cx, w->out, s);
}

og_status og_json_i64(og_ctx *cx, og_json_writer *w, int64_t v)
{
  OG_TRY(before(cx, w));
  return og_buf_append_i64(cx, w->out, v);
}

og_status og_json_u64(og_ctx *cx, og_json_writer *w, uint64_t v)
{
  OG_TRY(before(cx, w));
  return og_buf_append_u64(cx, w->out, v);
}

og_status og_json_f64(og_ctx *cx, og_json_writer *w, double v)
{
  char text[OG_F64_TEXT_MAX];
  if (isnan(v)) return og_json_str(cx, w, OG_STR("NaN"));
  if (isinf(v)) return og_json_str(cx, w, v > 0 ? OG_STR("Infinity") : OG_STR("-Infinity"));
  OG_TRY(before(cx, w));
  return og_buf_append(cx, w->out, text, og_f64_format(v, text));
}

og_status og_json_f32(og_ctx *cx, og_json_writer *w, float v)
{
  return og_json_f64(cx, w, (double)v);
}

og_status og_json_bool(og_ctx *cx, og_json_writer *w, bool v)
{
  OG_TRY(before(cx, w));
  return v ? og_buf_append(cx, w->out, "true", 4) : og_buf_append(cx, w->out, "false", 5);
}

og_status og_json_null(og_ctx *cx, og_json_writer *w)
{
  OG_TRY(before(cx, w));
  return og_buf_append(cx, w->out, "null", 4);
}

og_status og_json_raw(og_ctx *cx, og_json_writer *w, og_str json)
{
  OG_TRY(before(cx, w));
  return og_buf_append_str(cx, w->out, json);
}

og_status og_json_node(og_ctx *cx, og_json_writer *w, const og_json *node)
{
  switch (node->kind) {
  case OG_JSON_NULL: return og_json_null(cx, w);
  case OG_JSON_BOOL: return og_json_bool(cx, w, node->u.boolean);
  case OG_JSON_I64: return og_json_i64(cx, w, node->u.i64);
  case OG_JSON_U64: return og_json_u64(cx, w, node->u.u64);
  case OG_JSON_F64: return og_json_f64(cx, w, node->u.f64);
  case OG_JSON_STRING: return og_json_str(cx, w, node->u.str);
  case OG_JSON_ARRAY:
    OG_TRY(og_json_begin_array(cx, w));
    for (size_t i = 0; i < node->u.array.len; i++) OG_TRY(og_json_node(cx, w, &node->u.array.items[i]));
    return og_json_end_array(cx, w);
  case OG_JSON_OBJECT:
    OG_TRY(og_json_begin_object(cx, w));
    for (size_t i = 0; i < node->u.object.len; i++) {
      OG_TRY(og_json_key(cx, w, node->u.object.members[i].key));
      OG_TRY(og_json_node(cx, w, node->u.object.members[i].value));
    }
    return og_json_end_object(cx, w);
  }
  return og_fail(cx, OG_EINTERNAL, "JSON value of an unknown kind");
}

og_status og_json_kv_str(og_ctx *cx, og_json_writer *w, const char *key, og_str s)
{
  OG_TRY(og_json_key(cx, w, og_str_of(key)));
  return og_json_str(cx, w, s);
}

og_status og_json_kv_u64(og_ctx *cx, og_json_writer *w, const char *key, uint64_t v)
{
  OG_TRY(og_json_key(cx, w, og_str_of(key)));
  return og_json_u64(cx, w, v);
}

og_status og_json_kv_i64(og_ctx *cx, og_json_writer *w, const char *key, int64_t v)
{
  OG_TRY(og_json_key(cx, w, og_str_of(key)));
  return og_json_i64(cx, w, v);
}

og_status og_json_kv_bool(og_ctx *cx, og_json_writer *w, const char *key, bool v)
{
  OG_TRY(og_json_key(cx, w, og_str_of(key)));
  return og_json_bool(cx, w, v);
}

og_status og_json_kv_null(og_ctx *cx, og_json_writer *w, const char *key)
{
  OG_TRY(og_json_key(cx, w, og_str_of(key)));
  return og_json_null(cx, w);
}
