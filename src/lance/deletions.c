/* SPDX-License-Identifier: MIT */
/* lance/deletions.c -- the portable Roaring format, read and written by hand.
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
#include "lance/deletions.h"

#define COOKIE_PLAIN 12346u
#define COOKIE_RUNS  12347u
#define ARRAY_MAX    4096u
#define BITS_BYTES   8192u

typedef struct cursor {
  og_ctx *cx;
  const uint8_t *at, *end;
  uint64_t limit;
  uint8_t *bits;
  uint64_t n;
} cursor;

static og_status corrupt(og_ctx *cx, const char *what)
{
  return og_fail(cx, OG_ECORRUPT, "deletion file: %s", what);
}

static og_status need(cursor *c, size_t n)
{
  return (size_t)(c->end - c->at) >= n ? OG_OK : corrupt(c->cx, "it ends in the middle of its bitmap");
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

static og_status put(cursor *c, uint64_t v)
{
  if (v >= c->limit) return corrupt(c->cx, "it names a row the fragment does not have");
  c->bits[v >> 3] = (uint8_t)(c->bits[v >> 3] | 1u << (v & 7));
  c->n++;
  return OG_OK;
}

static og_status read_runs(cursor *c, uint64_t high, uint32_t cardinality)
{
  uint32_t total = 0, next = 0;
  OG_TRY(need(c, 2));
  uint32_t runs = take_u16(c);
  OG_TRY(need(c, 4 * (size_t)runs));
  for (uint32_t i = 0; i < runs; i++) {
    uint32_t start = take_u16(c), len = take_u16(c) + 1;
    if ((i > 0 && start < next) || start + len > 65536) return corrupt(c->cx, "its runs overlap");
    for (uint32_t k = 0; k < len; k++) OG_TRY(put(c, high + start + k));
    next = start + len;
    total += len;
  }
  return total == cardinality ? OG_OK : corrupt(c->cx, "a run container has another cardinality than it says");
}

static og_status read_array(cursor *c, uint64_t high, uint32_t cardinality)
{
  OG_TRY(need(c, 2 * (size_t)cardinality));
  for (uint32_t i = 0, last = 0; i < cardinality; i++) {
    uint32_t v = take_u16(c);
    if (i > 0 && v <= last) return corrupt(c->cx, "the values of a container do not ascend");
    OG_TRY(put(c, high + v));
    last = v;
  }
  return OG_OK;
}

static og_status read_bits(cursor *c, uint64_t high, uint32_t cardinality)
{
  uint32_t total = 0;
  OG_TRY(need(c, BITS_BYTES));
  for (uint32_t i = 0; i < 65536; i++) {
    if (!(c->at[i >> 3] >> (i & 7) & 1)) continue;
    OG_TRY(put(c, high + i));
    total++;
  }
  c->at += BITS_BYTES;
  return total == cardinality ? OG_OK : corrupt(c->cx, "a bitmap container has another cardinality than it says");
}

static og_status read_bitmap(cursor *c)
{
  OG_TRY(need(c, 4));
  uint32_t cookie = take_u32(c), count;
  const uint8_t *run_flags = NULL;
  if ((cookie & 0xFFFF) == COOKIE_RUNS) {
    count = (cookie >> 16) + 1;
    OG_TRY(need(c, (count + 7) / 8));
    run_flags = c->at;
    c->at += (count + 7) / 8;
  } else if (cookie == COOKIE_PLAIN) {
    OG_TRY(need(c, 4));
    count = take_u32(c);
    if (count > 65536) return corrupt(c->cx, "it has more containers than there are keys");
  } else {
    return corrupt(c->cx, "it does not begin with the cookie of a Roaring bitmap");
  }
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
    if (i > 0 && key <= last) return corrupt(c->cx, "its keys do not ascend");
    last = key;
    uint64_t high = (uint64_t)key << 16;
    uint32_t cardinality = (uint32_t)less_one + 1;
    bool runs = run_flags && (run_flags[i >> 3] >> (i & 7) & 1);
    OG_TRY(runs                       ? read_runs(c, high, cardinality)
           : cardinality <= ARRAY_MAX ? read_array(c, high, cardinality)
                                      : read_bits(c, high, cardinality));
  }
  return c->at == c->end ? OG_OK : corrupt(c->cx, "bytes follow its bitmap");
}

og_status og_deletions_decode(og_ctx *cx, og_str bytes, uint64_t rows, uint8_t *bits, uint64_t *n)
{
  cursor c = {.cx = cx,
              .at = (const uint8_t *)bytes.ptr,
              .end = (const uint8_t *)bytes.ptr + bytes.len,
              .limit = rows,
              .bits = bits};
  OG_TRY(read_bitmap(&c));
  *n = c.n;
  return OG_OK;
}

/* ---- writing */

static uint32_t count_ones(const uint8_t *bits, uint64_t from, uint64_t to)
{
  uint32_t n = 0;
  for (uint64_t i = from; i < to; i++) n += (uint32_t)(bits[i >> 3] >> (i & 7)) & 1u;
  return n;
}

static og_status write_container(og_ctx *cx, og_buf *out, const uint8_t *bits, uint64_t from, uint64_t to, uint32_t n)
{
  if (n > ARRAY_MAX) {
    size_t bytes = (size_t)((to - from + 7) / 8);
    OG_TRY(og_buf_append(cx, out, bits + from / 8, bytes));
    if (to % 8) out->data[out->len - 1] = (uint8_t)(out->data[out->len - 1] & ((1u << (to % 8)) - 1));
    return og_buf_append_zeros(cx, out, BITS_BYTES - bytes);
  }
  for (uint64_t i = from; i < to; i++)
    if (bits[i >> 3] >> (i & 7) & 1) OG_TRY(og_buf_put_u16(cx, out, (uint16_t)(i - from)));
  return OG_OK;
}

og_status og_deletions_encode(og_ctx *cx, const uint8_t *bits, uint64_t rows, og_buf *out)
{
  OG_AUTO(og_buf) keys = {0};
  OG_AUTO(og_buf) offsets = {0};
  OG_AUTO(og_buf) body = {0};
  uint32_t count = 0;
  OG_INVARIANT(rows <= UINT32_MAX);
  for (uint64_t from = 0; from < rows; from += 65536) {
    uint64_t to = from + 65536 < rows ? from + 65536 : rows;
    uint32_t n = count_ones(bits, from, to);
    if (n == 0) continue;
    OG_TRY(og_buf_put_u16(cx, &keys, (uint16_t)(from >> 16)));
    OG_TRY(og_buf_put_u16(cx, &keys, (uint16_t)(n - 1)));
    OG_TRY(og_buf_put_u32(cx, &offsets, (uint32_t)body.len)); /* from the first container: fixed up below */
    OG_TRY(write_container(cx, &body, bits, from, to, n));
    count++;
  }
  OG_TRY(og_buf_put_u32(cx, out, COOKIE_PLAIN));
  OG_TRY(og_buf_put_u32(cx, out, count));
  OG_TRY(og_buf_append_str(cx, out, og_buf_str(&keys)));
  uint32_t header = 8 + 8 * count;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t at;
    memcpy(&at, offsets.data + 4 * (size_t)i, 4);
    OG_TRY(og_buf_put_u32(cx, out, header + at));
  }
  return og_buf_append_str(cx, out, og_buf_str(&body));
}
