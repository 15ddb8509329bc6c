/* SPDX-License-Identifier: MIT */
/* Any bytes as a deletion file of either form: what decodes names no row beyond the fragment, counts right, and is the
 * same after a round through our own writer. */
#include "fuzz/fuzz_world.h"

#include "lance/deletions.h"

#define ROWS 70000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(og_ctx *cx, const uint8_t *bits, uint64_t n)
{
  og_buf out = {0};
  static uint8_t back[ROWS / 8 + 8];
  uint64_t m, count = 0;
  memset(back, 0, sizeof back);
  for (uint64_t i = 0; i < ROWS; i++) count += (uint32_t)(bits[i >> 3] >> (i & 7)) & 1u;
  fuzz_expect(count == n);
  fuzz_expect(og_deletions_encode(cx, bits, ROWS, &out) == OG_OK);
  fuzz_expect(og_deletions_decode(cx, og_buf_str(&out), ROWS, back, &m) == OG_OK);
  fuzz_expect(m == n && memcmp(bits, back, sizeof back) == 0);
  og_buf_cleanup(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fuzz_world w;
  og_ctx *cx = fuzz_open(&w);
  static uint8_t bits[ROWS / 8 + 8];
  uint64_t n;
  memset(bits, 0, sizeof bits);
  if (og_deletions_decode(cx, og_str_from(data, size), ROWS, bits, &n) == OG_OK) round_trip(cx, bits, n);
  memset(bits, 0, sizeof bits);
  if (og_deletions_decode_arrow(cx, og_str_from(data, size), ROWS, bits, &n) == OG_OK) round_trip(cx, bits, n);
  fuzz_close(&w);
  return 0;
}
