/* SPDX-License-Identifier: MIT */
/* history/digest.h -- SHA-256 and base64url, for opaque ids and tokens. */
#pragma once

#include "base/buf.h"
#include "base/ctx.h"

OG_MUST_USE og_status og_digest(og_ctx *cx, og_str bytes, uint8_t out[32]);
OG_MUST_USE og_status og_digest_hex(og_ctx *cx, og_str bytes, char out[64]);
/* Without padding: (4 * n + 2) / 3 characters, no NUL. */
void og_base64url(const uint8_t *bytes, size_t n, char *out);
/* The only spelling of some bytes; false for any other text.  Appends. */
OG_MUST_USE og_status og_base64url_decode(og_ctx *cx, og_str text, og_buf *out, bool *ok);
