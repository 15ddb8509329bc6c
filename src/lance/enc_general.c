/* SPDX-License-Identifier: MIT */
/* lance/enc_general.c -- whole buffers through lz4 or zstd.
 *
 * lz4: u32 raw size, block.  zstd: u64 raw size, frame; a bare frame is also met.
 */
#include "base/ctx.h"
#include "base/limits.h"
#include "lance/enc.h"

#include <inttypes.h>
#include <lz4.h>
#include <zstd.h>

static og_status lz4_decode(og_ctx *cx, og_str in, og_buf *out)
{
  uint32_t raw = in.len < 4 ? UINT32_MAX : og_lance__u32(in.ptr);
  /* A block expands at most 255 times; a larger claim is a lie that must not cost memory. */
  if (raw > INT32_MAX || in.len > INT32_MAX || raw > 256 * (uint64_t)in.len)
    return og_fail(cx, OG_ECORRUPT, "an lz4 buffer of %zu bytes says it holds %" PRIu32, in.len, raw);
  OG_TRY(og_buf_reserve(cx, out, (size_t)raw + 1));
  int got = LZ4_decompress_safe(in.ptr + 4, (char *)out->data + out->len, (int)in.len - 4, (int)raw);
  if (got < 0 || (uint32_t)got != raw)
    return og_fail(cx, OG_ECORRUPT, "an lz4 buffer of %zu bytes does not expand to %" PRIu32, in.len, raw);
  out->len += raw;
  return OG_OK;
}

static og_status zstd_decode(og_ctx *cx, og_str in, og_buf *out)
{
  static const uint32_t magic = 0xFD2FB528u;
  bool bare = in.len >= 4 && og_lance__u32(in.ptr) == magic;
  uint64_t raw;
  if (bare) {
    raw = ZSTD_getFrameContentSize(in.ptr, in.len);
  } else {
    raw = in.len < 8 ? UINT64_MAX : og_lance__u64(in.ptr);
    in = og_str_sub(in, 8, in.len);
  }
  if (raw > OG_LIMIT_PAGE_BYTES)
    return og_fail(cx, OG_ECORRUPT, "a zstd buffer of %zu bytes says it holds %" PRIu64, in.len, raw);
  OG_TRY(og_buf_reserve(cx, out, (size_t)raw + 1));
  size_t got = ZSTD_decompress(out->data + out->len, (size_t)raw, in.ptr, in.len);
  if (ZSTD_isError(got) || got != raw)
    return og_fail(cx, OG_ECORRUPT, "a zstd buffer of %zu bytes does not expand to %" PRIu64, in.len, raw);
  out->len += (size_t)raw;
  return OG_OK;
}

og_status og_lance__general_decode(og_ctx *cx, og_lance__scheme scheme, og_str in, og_buf *out)
{
  return scheme == OG_LANCE__LZ4 ? lz4_decode(cx, in, out) : zstd_decode(cx, in, out);
}

og_status og_lance__lz4_encode(og_ctx *cx, og_str in, og_buf *out)
{
  OG_ASSERT(in.len <= LZ4_MAX_INPUT_SIZE);
  int bound = LZ4_compressBound((int)in.len);
  OG_TRY(og_buf_put_u32(cx, out, (uint32_t)in.len));
  OG_TRY(og_buf_reserve(cx, out, (size_t)bound));
  int n = LZ4_compress_default(in.ptr, (char *)out->data + out->len, (int)in.len, bound);
  if (n <= 0) return og_fail(cx, OG_EINTERNAL, "lz4 refused %zu bytes", in.len);
  out->len += (size_t)n;
  return OG_OK;
}

static og_status zstd_encode(og_ctx *cx, int level, og_str in, og_buf *out)
{
  const size_t bound = ZSTD_compressBound(in.len);
  OG_TRY(og_buf_put_u64(cx, out, in.len));
  OG_TRY(og_buf_reserve(cx, out, bound));
  const size_t n =
      ZSTD_compress(out->data + out->len, bound, in.len ? in.ptr : "", in.len, level ? level : ZSTD_CLEVEL_DEFAULT);
  if (ZSTD_isError(n)) return og_fail(cx, OG_EINTERNAL, "zstd refused %zu bytes: %s", in.len, ZSTD_getErrorName(n));
  out->len += n;
  return OG_OK;
}

og_status og_lance__general_encode(og_ctx *cx, og_lance__scheme scheme, int level, og_str in, og_buf *out)
{
  return scheme == OG_LANCE__LZ4 ? og_lance__lz4_encode(cx, in, out) : zstd_encode(cx, level, in, out);
}
