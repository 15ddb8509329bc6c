/* SPDX-License-Identifier: MIT */
#include "history/digest.h"

#include "schema/catalog.h"

og_status og_digest_hex(og_ctx *cx, og_str bytes, char out[64])
{
  char text[OG_SHA256_TEXT];
  OG_TRY(og_sha256_text(cx, bytes, text));
  memcpy(out, text + OG_SHA256_TEXT - 64, 64);
  return OG_OK;
}

static unsigned hex_value(char c)
{
  return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

og_status og_digest(og_ctx *cx, og_str bytes, uint8_t out[32])
{
  char hex[64];
  OG_TRY(og_digest_hex(cx, bytes, hex));
  for (size_t i = 0; i < 32; i++) out[i] = (uint8_t)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
  return OG_OK;
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void og_base64url(const uint8_t *bytes, size_t n, char *out)
{
  uint32_t bits = 0;
  unsigned have = 0;
  for (size_t i = 0; i < n; i++) {
    bits = bits << 8 | bytes[i];
    for (have += 8; have >= 6; have -= 6) *out++ = digits[bits >> (have - 6) & 63];
  }
  if (have) *out = digits[bits << (6 - have) & 63];
}

og_status og_base64url_decode(og_ctx *cx, og_str text, og_buf *out, bool *ok)
{
  uint32_t bits = 0;
  unsigned have = 0;
  *ok = text.len % 4 != 1;
  for (size_t i = 0; *ok && i < text.len; i++) {
    const char *d = text.ptr[i] ? strchr(digits, text.ptr[i]) : NULL;
    *ok = d != NULL;
    if (!d) break;
    bits = bits << 6 | (uint32_t)(d - digits);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    OG_TRY(og_buf_append_byte(cx, out, (uint8_t)(bits >> have)));
  }
  if (have && (bits & ((1u << have) - 1))) *ok = false; /* bits behind the end: another spelling */
  return OG_OK;
}
