/* SPDX-License-Identifier: MIT */
#include "base/ulid.h"

#include "base/env.h"

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* Adds to the 128-bit big-endian number; false when it wraps. */
static bool add(og_ulid *u, uint64_t n)
{
  unsigned carry = 0;
  for (int i = 15; i >= 0; i--, n >>= 8) {
    unsigned sum = u->bytes[i] + (unsigned)(n & 255) + carry;
    u->bytes[i] = (uint8_t)sum;
    carry = sum >> 8;
  }
  return carry == 0;
}

static og_status used_up(og_ctx *cx)
{
  return og_fail(cx, OG_EINTERNAL, "ULIDs are used up: the clock is far in the future");
}

uint64_t og_ulid_ms(const og_ulid *u)
{
  uint64_t ms = 0;
  for (int i = 0; i < 6; i++) ms = ms << 8 | u->bytes[i];
  return ms;
}

og_status og_ulid_next(og_ctx *cx, og_ulid_gen *gen, const og_ulid *floor, og_ulid *out)
{
  og_ulid next, least = gen->last;
  if (floor && og_ulid_cmp(floor, &least) > 0) least = *floor;
  int64_t us = og_wall_us(cx);
  uint64_t ms = us > 0 ? (uint64_t)us / 1000 : 0;
  for (int i = 0; i < 6; i++) next.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
  /* In the millisecond of the generator's last one, one above that is as good as a new draw, and much cheaper. */
  bool drawn = ms != og_ulid_ms(&gen->last);
  if (drawn) OG_TRY(og_random(cx, next.bytes + 6, 10));
  /* Same millisecond, or the clock went back: one above the last keeps the order. */
  if (!drawn || og_ulid_cmp(&next, &least) <= 0) {
    next = least;
    if (!add(&next, 1)) return used_up(cx);
  }
  gen->last = next;
  *out = next;
  return OG_OK;
}

og_status og_ulid_take(og_ctx *cx, og_ulid_gen *gen, uint64_t n, og_ulid *first)
{
  og_ulid next = gen->last;
  if (!add(&next, 1)) return used_up(cx);
  *first = next;
  if (n > 0 && !add(&next, n - 1)) return used_up(cx);
  if (n > 0) gen->last = next;
  return OG_OK;
}

void og_ulid_format(const og_ulid *u, char out[OG_ULID_LEN])
{
  /* 130 bits in groups of five, the last group first; the two above 128 are zero. */
  uint64_t high = 0, low = 0;
  for (int i = 0; i < 8; i++) {
    high = high << 8 | u->bytes[i];
    low = low << 8 | u->bytes[8 + i];
  }
  for (int i = OG_ULID_LEN; i-- > 0;) {
    out[i] = alphabet[low & 31];
    low = low >> 5 | high << 59;
    high >>= 5;
  }
}

void og_ulid_format_run(const og_ulid *first, uint64_t n, char *out)
{
  char text[OG_ULID_LEN], after[128] = {0};
  for (int i = 0; i < 31; i++) after[(int)alphabet[i]] = alphabet[i + 1];
  og_ulid_format(first, text);
  for (uint64_t i = 0; i < n; i++, out += OG_ULID_LEN) {
    memcpy(out, text, OG_ULID_LEN);
    int at = OG_ULID_LEN - 1;
    for (; at > 0 && text[at] == 'Z'; at--) text[at] = '0';
    text[at] = after[(int)text[at]];
  }
}

static int digit(char c)
{
  const char *at = c ? strchr(alphabet, c) : NULL;
  return at ? (int)(at - alphabet) : -1;
}

bool og_ulid_parse(og_str s, og_ulid *out)
{
  og_ulid u = {{0}};
  if (s.len != OG_ULID_LEN || digit(s.ptr[0]) > 7) return false;
  for (int i = 0; i < OG_ULID_LEN; i++) {
    int v = digit(s.ptr[i]);
    if (v < 0) return false;
    for (int k = 0; k < 5; k++) {
      int b = 5 * i - 2 + k;
      if (b >= 0 && (v >> (4 - k) & 1)) u.bytes[b >> 3] = (uint8_t)(u.bytes[b >> 3] | 1u << (7 - (b & 7)));
    }
  }
  *out = u;
  return true;
}

og_status og_uuid_v4(og_ctx *cx, uint8_t bytes[16])
{
  OG_TRY(og_random(cx, bytes, 16));
  bytes[6] = (uint8_t)((bytes[6] & 0x0F) | 0x40);
  bytes[8] = (uint8_t)((bytes[8] & 0x3F) | 0x80);
  return OG_OK;
}

void og_uuid_format(const uint8_t bytes[16], char out[36])
{
  static const char hex[] = "0123456789abcdef";
  size_t at = 0;
  for (int i = 0; i < 16; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out[at++] = '-';
    out[at++] = hex[bytes[i] >> 4];
    out[at++] = hex[bytes[i] & 15];
  }
}
