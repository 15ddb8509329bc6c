/* SPDX-License-Identifier: MIT */
/* lance/enc_variable.c -- strings and binaries: offsets and bytes.
 *
 * In a chunk: n + 1 offsets (u32 or u64) counted from the buffer's start, so the first is the
 * offsets' own size; the bytes; padding to the offsets' width, which real Lance insists on.  As a
 * block: the offsets' width in bits (u32, for 64-bit offsets u64), the position of the bytes in the
 * same width, n + 1 offsets that start at 0, bytes.  FSST codes take the bytes' place.
 */
#include "base/ctx.h"
#include "base/limits.h"
#include "lance/enc.h"

#include <inttypes.h>

/* Where n strings lie: offset i, of `width` bytes at offsets + i * width, is a position in `bytes`.
 */
typedef struct layout {
  const uint8_t *offsets;
  unsigned width;
  og_str bytes;
} layout;

static uint64_t layout_at(const layout *v, uint64_t i)
{
  return og_lance__uint(v->offsets + i * v->width, v->width);
}

static og_status bad_offsets(og_ctx *cx, uint64_t n, size_t len)
{
  return og_fail(cx, OG_ECORRUPT,
                 "the offsets of %" PRIu64 " strings in %zu bytes are not ascending within them", n,
                 len);
}

static og_status offset_width(og_ctx *cx, const og_lance__enc *e, unsigned *out)
{
  const og_lance__enc *o = e->inner;
  if (o->kind != OG_LANCE__ENC_FLAT || (o->bits != 32 && o->bits != 64))
    return og_fail(cx, OG_EUNSUPPORTED, "string offsets encoded as %s of %" PRIu64 " bits",
                   og_lance__enc_name(o->kind), o->bits);
  *out = (unsigned)(o->bits / 8);
  return OG_OK;
}

static og_status chunk_layout(og_ctx *cx, const og_lance__enc *e, og_str in, uint64_t n,
                              layout *out)
{
  OG_TRY(offset_width(cx, e, &out->width));
  if (n >= in.len || (n + 1) * out->width > in.len) return bad_offsets(cx, n, in.len);
  out->offsets = (const uint8_t *)in.ptr;
  out->bytes = in;
  return OG_OK;
}

static og_status block_layout(og_ctx *cx, const og_lance__enc *e, og_str in, uint64_t n,
                              layout *out)
{
  OG_TRY(offset_width(cx, e, &out->width));
  unsigned w = out->width;
  if (in.len < 2 * (size_t)w || og_lance__uint((const uint8_t *)in.ptr, w) != 8ull * w)
    return og_fail(cx, OG_ECORRUPT, "a string block of %zu bytes without its header", in.len);
  uint64_t start = og_lance__uint((const uint8_t *)in.ptr + w, w);
  if (start > in.len || start < 2ull * w || n >= in.len || (n + 1) * w > start - 2ull * w)
    return bad_offsets(cx, n, in.len);
  out->offsets = (const uint8_t *)in.ptr + 2 * (size_t)w;
  out->bytes = og_str_sub(in, (size_t)start, in.len);
  return OG_OK;
}

/* The hot loop, once per pair of widths; true when the offsets ascend. */
static bool move_offsets_32(const uint8_t *src, uint64_t n, int32_t *dst, uint32_t first,
                            int32_t base)
{
  uint32_t prev = first, bad = 0;
  for (uint64_t i = 0; i < n; i++) {
    uint32_t end = og_lance__u32(src + 4 * i);
    bad |= end < prev;
    prev = end;
    dst[i] = (int32_t)(end - first + (uint32_t)base);
  }
  return !bad;
}

static bool move_offsets(const layout *v, uint64_t n, og_lance__slots *out, uint64_t first_slot,
                         uint64_t base)
{
  uint64_t first = layout_at(v, 0), prev = first;
  if (v->width == 4 && !out->shape.wide)
    return move_offsets_32(v->offsets + 4, n, (int32_t *)(void *)out->offsets.data + first_slot + 1,
                           (uint32_t)first, (int32_t)base);
  for (uint64_t i = 0; i < n; i++) {
    uint64_t end = layout_at(v, i + 1);
    if (end < prev) return false;
    prev = end;
    og_lance__slots_set_end(out, first_slot + i, end - first + base);
  }
  return true;
}

static og_status append_plain(og_ctx *cx, const layout *v, uint64_t n, og_lance__slots *out)
{
  uint64_t first = layout_at(v, 0), last = layout_at(v, n);
  if (first > last || last > v->bytes.len) return bad_offsets(cx, n, v->bytes.len);
  uint64_t first_slot = out->n, base = out->data.len;
  uint8_t *at;
  OG_TRY(og_lance__slots_open(cx, out, n, last - first, &at));
  if (last > first) memcpy(at, v->bytes.ptr + first, (size_t)(last - first));
  /* Ends between the first and the last one were not compared with anything yet. */
  return move_offsets(v, n, out, first_slot, base) ? OG_OK : bad_offsets(cx, n, v->bytes.len);
}

static og_status bad_codes(og_ctx *cx)
{
  return og_fail(cx, OG_ECORRUPT, "an FSST string ends in an escape or has an unknown code");
}

/* All strings at once: where one ends tells a mark, not a branch. */
static og_status expand_all(og_ctx *cx, const og_lance__fsst *f, const layout *v, uint64_t n, uint32_t *marks,
                            og_lance__slots *out, uint64_t *end)
{
  const uint64_t first = layout_at(v, 0), base = *end, first_slot = out->n - n;
  const og_str codes = og_str_from(v->bytes.ptr + first, (size_t)(layout_at(v, n) - first));
  const size_t len = og_lance__fsst_expand_marked(f, codes, out->data.data + base, marks);
  uint64_t prev = first, bad = 0;
  if (len == SIZE_MAX) return bad_codes(cx);
  for (uint64_t i = 0; i < n; i++) {
    const uint64_t b = layout_at(v, i + 1);
    if (b < prev || b - first > codes.len) return bad_offsets(cx, n, v->bytes.len);
    bad |= marks[b - first] == UINT32_MAX;
    og_lance__slots_set_end(out, first_slot + i, base + marks[b - first]);
    prev = b;
  }
  *end = base + len;
  return bad ? bad_codes(cx) : OG_OK;
}

static og_status expand_each(og_ctx *cx, const og_lance__fsst *f, const layout *v, uint64_t n, og_lance__slots *out,
                             uint64_t *end)
{
  const uint64_t last = layout_at(v, n), first_slot = out->n - n;
  for (uint64_t i = 0; i < n; i++) {
    const uint64_t a = layout_at(v, i), b = layout_at(v, i + 1);
    if (a > b || b > last) return bad_offsets(cx, n, v->bytes.len);
    const size_t len =
        og_lance__fsst_expand(f, og_str_from(v->bytes.ptr + a, (size_t)(b - a)), out->data.data + *end);
    if (len == SIZE_MAX) return bad_codes(cx);
    *end += len;
    og_lance__slots_set_end(out, first_slot + i, *end);
  }
  return OG_OK;
}

#define FEW_STRINGS 32          /* expanded one by one */
#define MANY_CODES  (1u << 28) /* as well, for marks are 32 bits wide */

static og_status expand(og_ctx *cx, const og_lance__fsst *f, const layout *v, uint64_t n, og_lance__slots *out,
                        uint64_t *end)
{
  const uint64_t codes = layout_at(v, n) - layout_at(v, 0);
  if (n < FEW_STRINGS || codes > MANY_CODES || codes / n > 64) return expand_each(cx, f, v, n, out, end);
  uint32_t *marks = og_alloc(cx, ((size_t)codes + 1) * sizeof *marks);
  if (!marks) return OG_ENOMEM;
  og_status st = expand_all(cx, f, v, n, marks, out, end);
  og_free(marks);
  return st;
}

static og_status append_fsst(og_ctx *cx, const og_lance__fsst *f, const layout *v, uint64_t n,
                             og_lance__slots *out)
{
  uint64_t first = layout_at(v, 0), last = layout_at(v, n);
  if (first > last || last > v->bytes.len) return bad_offsets(cx, n, v->bytes.len);
  uint64_t end = out->data.len;
  uint8_t *at;
  /* Open for the longest result, close at the true one. */
  OG_TRY(og_lance__mem_reserve(cx, &out->data, (size_t)(8 * (last - first) + 8)));
  OG_TRY(og_lance__slots_open(cx, out, n, 0, &at));
  OG_TRY(expand(cx, f, v, n, out, &end));
  if (!out->shape.wide && end > INT32_MAX)
    return og_fail(cx, OG_ELIMIT,
                   "strings of %" PRIu64 " bytes do not fit 32-bit offsets; read fewer rows", end);
  out->data.len = (size_t)end;
  return OG_OK;
}

/* Of n strings, `count` from `from` on. */
typedef struct part {
  uint64_t from, count;
} part;

static og_status decode(og_ctx *cx, const og_lance__enc *e, og_str in, uint64_t n, part wanted, bool is_block,
                        og_lance__slots *out)
{
  OG_AUTO(og_buf) plain = {0};
  const og_lance__fsst *fsst = NULL;
  layout v = {0};
  if (e->kind == OG_LANCE__ENC_GENERAL) {
    OG_TRY(og_lance__general_decode(cx, e->scheme, in, &plain));
    in = og_buf_str(&plain);
    e = e->inner;
  }
  if (e->kind == OG_LANCE__ENC_FSST) {
    fsst = e->fsst;
    e = e->inner;
  }
  if (e->kind != OG_LANCE__ENC_VARIABLE)
    return og_fail(cx, OG_EUNSUPPORTED, "strings encoded as %s", og_lance__enc_name(e->kind));
  OG_TRY(is_block ? block_layout(cx, e, in, n, &v) : chunk_layout(cx, e, in, n, &v));
  v.offsets += wanted.from * v.width;
  return fsst && fsst->active ? append_fsst(cx, fsst, &v, wanted.count, out) : append_plain(cx, &v, wanted.count, out);
}

og_status og_lance__variable_decode(og_ctx *cx, const og_lance__enc *e, og_str in, uint64_t n,
                                    og_lance__slots *out)
{
  return decode(cx, e, in, n, (part){0, n}, false, out);
}

og_status og_lance__variable_decode_part(og_ctx *cx, const og_lance__enc *e, og_str in, uint64_t n, uint64_t from,
                                         uint64_t count, og_lance__slots *out)
{
  OG_ASSERT(from <= n && count <= n - from);
  return decode(cx, e, in, n, (part){from, count}, false, out);
}

og_status og_lance__variable_block_decode(og_ctx *cx, const og_lance__enc *e, og_str in, uint64_t n,
                                          og_lance__slots *out)
{
  return decode(cx, e, in, n, (part){0, n}, true, out);
}

/* ---- Writing. */

/* Offsets of slots from .. from + n, the first of which becomes `base`. */
static og_status put_offsets(og_ctx *cx, const og_lance__slots *s, uint64_t from, uint64_t n,
                             uint64_t base, og_buf *out)
{
  size_t w = s->shape.wide ? 8 : 4;
  OG_TRY(og_buf_reserve(cx, out, (size_t)(n + 1) * w));
  uint8_t *at = out->data + out->len;
  uint64_t first = og_lance__slots_offset(s, from);
  if (s->shape.wide || !s->offsets.len) {
    for (uint64_t i = 0; i <= n; i++) {
      uint64_t v = og_lance__slots_offset(s, from + i) - first + base;
      memcpy(at + i * w, &v, w);
    }
  } else {
    const int32_t *src = (const int32_t *)(const void *)s->offsets.data + from;
    for (uint64_t i = 0; i <= n; i++) {
      uint32_t v = (uint32_t)src[i] - (uint32_t)first + (uint32_t)base;
      memcpy(at + 4 * i, &v, 4);
    }
  }
  out->len += (size_t)(n + 1) * w;
  return OG_OK;
}

static og_status put_bytes(og_ctx *cx, const og_lance__slots *s, uint64_t from, uint64_t n,
                           og_buf *out)
{
  uint64_t a = og_lance__slots_offset(s, from), b = og_lance__slots_offset(s, from + n);
  return b > a ? og_buf_append(cx, out, s->data.data + a, (size_t)(b - a)) : OG_OK;
}

og_status og_lance__variable_encode(og_ctx *cx, const og_lance__slots *s, uint64_t from, uint64_t n,
                                    og_buf *out)
{
  const size_t w = s->shape.wide ? 8 : 4, start = out->len;
  OG_TRY(put_offsets(cx, s, from, n, (n + 1) * w, out));
  OG_TRY(put_bytes(cx, s, from, n, out));
  return og_buf_append_zeros(cx, out, (w - (out->len - start) % w) % w);
}

og_status og_lance__variable_block_encode(og_ctx *cx, const og_lance__slots *s, og_buf *out)
{
  uint64_t w = s->shape.wide ? 8 : 4, bits = 8 * w, start = (2 + s->n + 1) * w;
  OG_TRY(og_buf_append(cx, out, &bits, (size_t)w));
  OG_TRY(og_buf_append(cx, out, &start, (size_t)w));
  OG_TRY(put_offsets(cx, s, 0, s->n, 0, out));
  return put_bytes(cx, s, 0, s->n, out);
}
