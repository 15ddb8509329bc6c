/* SPDX-License-Identifier: MIT */
/* lance/roaring.c -- the portable Roaring format, read and written by hand where that is less than a library's glue.
 *
 *   cookie 12346 without runs: u32 cookie, u32 containers
 *   cookie 12347 with runs:    u32 cookie | (containers - 1) << 16, bitmap of which containers are runs
 *   per container              u16 key, u16 cardinality - 1
 *   offsets                    u32 per container (always with 12346; with 12347 from four containers on)
 *   containers                 run: u16 runs, then u16 start, u16 length - 1 each; cardinality <= 4096: u16 values;
 *                              else 8 KiB of bits
 *
 * The whole of it is some hundred lines, and a decoder of our own needs no second check of the bytes: so no library is
 * called here at all.
 */
#include "lance/roaring.h"

#include "arrow/column.h"

#define COOKIE_PLAIN 12346u
#define COOKIE_RUNS  12347u
#define ARRAY_MAX    4096u

typedef struct cursor {
  og_ctx *cx;
  const char *what;
  const uint8_t *at, *end;
  og_roaring_fn fn;
  void *arg;
} cursor;

static og_status corrupt(const cursor *c, const char *text)
{
  return og_fail(c->cx, OG_ECORRUPT, "%s: %s", c->what, text);
}

static og_status need(const cursor *c, size_t n)
{
  return (size_t)(c->end - c->at) >= n ? OG_OK : corrupt(c, "it ends in the middle of its bitmap");
}

static uint32_t take_u16(cursor *c)
{
  uint16_t v;
  memcpy(&v, c->at, 2);
  c->at += 2;
  return v;
}

static uint32_t take_u32(cursor *c)
{
  uint32_t v;
  memcpy(&v, c->at, 4);
  c->at += 4;
  return v;
}

static og_status give(const cursor *c, uint32_t from, uint32_t to)
{
  return c->fn(c->cx, c->arg, (og_u32_range){from, to});
}

static og_status read_runs(cursor *c, uint32_t high, uint32_t cardinality)
{
  uint32_t total = 0, next = 0;
  OG_TRY(need(c, 2));
  uint32_t runs = take_u16(c);
  OG_TRY(need(c, 4 * (size_t)runs));
  for (uint32_t i = 0; i < runs; i++) {
    uint32_t start = take_u16(c), len = take_u16(c) + 1;
    if ((i > 0 && start < next) || start + len > 65536) return corrupt(c, "its runs overlap");
    OG_TRY(give(c, high + start, high + start + len - 1));
    next = start + len;
    total += len;
  }
  return total == cardinality ? OG_OK : corrupt(c, "a run container has another cardinality than it says");
}

static og_status read_array(cursor *c, uint32_t high, uint32_t cardinality)
{
  OG_TRY(need(c, 2 * (size_t)cardinality));
  for (uint32_t i = 0, last = 0; i < cardinality; i++) {
    uint32_t v = take_u16(c);
    if (i > 0 && v <= last) return corrupt(c, "the values of a container do not ascend");
    OG_TRY(give(c, high + v, high + v));
    last = v;
  }
  return OG_OK;
}

static og_status read_bits(cursor *c, uint32_t high, uint32_t cardinality)
{
  uint32_t total = 0;
  OG_TRY(need(c, OG_ROARING_BITS));
  for (uint32_t i = 0; i < 65536; i++) {
    if (!(c->at[i >> 3] >> (i & 7) & 1)) continue;
    uint32_t from = i;
    while (i < 65535 && (c->at[(i + 1) >> 3] >> ((i + 1) & 7) & 1)) i++;
    OG_TRY(give(c, high + from, high + i));
    total += i - from + 1;
  }
  c->at += OG_ROARING_BITS;
  return total == cardinality ? OG_OK : corrupt(c, "a bitmap container has another cardinality than it says");
}

static og_status read_head(cursor *c, uint32_t *count, const uint8_t **run_flags)
{
  OG_TRY(need(c, 4));
  uint32_t cookie = take_u32(c);
  *run_flags = NULL;
  if ((cookie & 0xFFFF) == COOKIE_RUNS) {
    *count = (cookie >> 16) + 1;
    OG_TRY(need(c, (*count + 7) / 8));
    *run_flags = c->at;
    c->at += (*count + 7) / 8;
    return OG_OK;
  }
  if (cookie != COOKIE_PLAIN) return corrupt(c, "it does not begin with the cookie of a Roaring bitmap");
  OG_TRY(need(c, 4));
  *count = take_u32(c);
  return *count <= 65536 ? OG_OK : corrupt(c, "it has more containers than there are keys");
}

og_status og_roaring_read_first(og_ctx *cx, og_str bytes, const char *what, og_roaring_fn fn, void *arg, size_t *len)
{
  cursor all = {cx, what, (const uint8_t *)bytes.ptr, (const uint8_t *)bytes.ptr + bytes.len, fn, arg}, *c = &all;
  uint32_t count = 0;
  const uint8_t *run_flags;
  OG_TRY(read_head(c, &count, &run_flags));
  OG_TRY(need(c, 4 * (size_t)count));
  const uint8_t *keys = c->at;
  c->at += 4 * (size_t)count;
  if (!run_flags || count >= 4) {
    OG_TRY(need(c, 4 * (size_t)count));
    c->at += 4 * (size_t)count; /* offsets: containers follow each other anyway */
  }
  for (uint32_t i = 0, last = 0; i < count; i++) {
    uint16_t key, less_one;
    memcpy(&key, keys + 4 * (size_t)i, 2);
    memcpy(&less_one, keys + 4 * (size_t)i + 2, 2);
    if (i > 0 && key <= last) return corrupt(c, "its keys do not ascend");
    last = key;
    uint32_t high = (uint32_t)key << 16, cardinality = (uint32_t)less_one + 1;
    bool runs = run_flags && (run_flags[i >> 3] >> (i & 7) & 1);
    OG_TRY(runs                       ? read_runs(c, high, cardinality)
           : cardinality <= ARRAY_MAX ? read_array(c, high, cardinality)
                                      : read_bits(c, high, cardinality));
  }
  *len = (size_t)(c->at - (const uint8_t *)bytes.ptr);
  return OG_OK;
}

og_status og_roaring_read(og_ctx *cx, og_str bytes, const char *what, og_roaring_fn fn, void *arg)
{
  size_t len;
  OG_TRY(og_roaring_read_first(cx, bytes, what, fn, arg, &len));
  return len == bytes.len ? OG_OK : og_fail(cx, OG_ECORRUPT, "%s: bytes follow its bitmap", what);
}

/* ---- ranges */

static og_status join_range(og_ctx *cx, void *arg, og_u32_range r)
{
  og_vec *out = arg;
  og_u32_range *last = out->len ? &OG_VEC_AT(out, og_u32_range, out->len - 1) : NULL;
  if (!last || (uint64_t)last->to + 1 != r.from) return og_vec_add(cx, out, &r);
  last->to = r.to;
  return OG_OK;
}

og_status og_roaring_ranges(og_ctx *cx, og_str bytes, const char *what, og_vec *out)
{
  return og_roaring_read(cx, bytes, what, join_range, out);
}

bool og_ranges_have(const og_u32_range *r, size_t n, uint64_t v)
{
  size_t lo = 0, hi = n;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    if (r[mid].to < v)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo < n && r[lo].from <= v;
}

/* ---- writing */

void og_roaring_writer_cleanup(og_roaring_writer *w)
{
  og_buf_cleanup(&w->keys);
  og_buf_cleanup(&w->offsets);
  og_buf_cleanup(&w->body);
}

og_status og_roaring_add(og_ctx *cx, og_roaring_writer *w, uint16_t key, const uint8_t bits[OG_ROARING_BITS])
{
  uint32_t n = (uint32_t)og_bits_count(bits, 0, 65536);
  if (n == 0) return OG_OK;
  OG_TRY(og_buf_put_u16(cx, &w->keys, key));
  OG_TRY(og_buf_put_u16(cx, &w->keys, (uint16_t)(n - 1)));
  OG_TRY(og_buf_put_u32(cx, &w->offsets, (uint32_t)w->body.len)); /* from the first container: fixed up at the end */
  w->containers++;
  if (n > ARRAY_MAX) return og_buf_append(cx, &w->body, bits, OG_ROARING_BITS);
  for (uint32_t at = 0; at < OG_ROARING_BITS; at++)
    for (uint32_t i = 0; bits[at] >> i; i++)
      if (bits[at] >> i & 1) OG_TRY(og_buf_put_u16(cx, &w->body, (uint16_t)(8 * at + i)));
  return OG_OK;
}

og_status og_roaring_finish(og_ctx *cx, const og_roaring_writer *w, og_buf *out)
{
  OG_TRY(og_buf_put_u32(cx, out, COOKIE_PLAIN));
  OG_TRY(og_buf_put_u32(cx, out, w->containers));
  OG_TRY(og_buf_append_str(cx, out, og_buf_str(&w->keys)));
  uint32_t header = 8 + 8 * w->containers;
  for (uint32_t i = 0; i < w->containers; i++) {
    uint32_t at;
    memcpy(&at, w->offsets.data + 4 * (size_t)i, 4);
    OG_TRY(og_buf_put_u32(cx, out, header + at));
  }
  return og_buf_append_str(cx, out, og_buf_str(&w->body));
}

og_status og_roaring_encode(og_ctx *cx, const uint32_t *values, size_t n, og_buf *out)
{
  OG_AUTO(og_roaring_writer) w = {0};
  uint8_t bits[OG_ROARING_BITS] = {0};
  for (size_t i = 0; i < n; i++) {
    uint32_t low = values[i] & 0xFFFF;
    bits[low >> 3] = (uint8_t)(bits[low >> 3] | 1u << (low & 7));
    if (i + 1 < n && values[i + 1] >> 16 == values[i] >> 16) continue;
    OG_TRY(og_roaring_add(cx, &w, (uint16_t)(values[i] >> 16), bits));
    memset(bits, 0, sizeof bits);
  }
  return og_roaring_finish(cx, &w, out);
}
