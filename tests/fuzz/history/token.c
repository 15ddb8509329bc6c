/* SPDX-License-Identifier: MIT */
/* fuzz_history_token: any bytes as a token of each kind, and as the JSON inside one.  What is accepted is written as
 * the same token again when it was ours, and every refusal says that the cursor is rejected. */
#include "fuzz/fuzz_world.h"

#include "history/digest.h"
#include "history/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try(og_ctx *cx, og_token_kind kind, og_str text)
{
  og_token bound = {.kind = kind}, token, again;
  og_str spelled;
  memset(bound.graph, '0', 64);
  memset(bound.branch, '0', 64);
  memset(bound.filter, '0', 64);
  og_status st = og_token_decode(cx, text, &bound, &token);
  if (st != OG_OK) {
    fuzz_expect(st == OG_ENOMEM || og_str_starts_with(og_str_of(cx->err->text), OG_STR("change cursor rejected: ")));
    og_error_clear(cx);
    return;
  }
  fuzz_expect(og_token_encode(cx, &token, &spelled) == OG_OK);
  fuzz_expect(og_token_decode(cx, spelled, &bound, &again) == OG_OK);
  fuzz_expect(og_ulid_cmp(&token.position, &again.position) == 0 && og_str_eq(token.place.id, again.place.id));
}

/* The bytes as what a token holds, with the hash that makes it one. */
static void wrap(og_ctx *cx, og_str body, og_str *out)
{
  OG_AUTO(og_buf) b = {0};
  uint8_t digest[32];
  fuzz_expect(og_digest(cx, body, digest) == OG_OK);
  fuzz_expect(og_buf_append_str(cx, &b, body) == OG_OK && og_buf_append(cx, &b, digest, sizeof digest) == OG_OK);
  char *text = og_push(cx, 2 * b.len + 2);
  fuzz_expect(text != NULL);
  og_base64url(b.data, b.len, text);
  *out = og_str_from(text, (4 * b.len + 2) / 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fuzz_world w;
  og_str wrapped;
  og_ctx *cx = fuzz_open(&w);
  wrap(cx, og_str_from(data, size), &wrapped);
  for (int kind = OG_TOKEN_COMMIT_PAGE; kind <= OG_TOKEN_FEED_PAGE; kind++) {
    try(cx, (og_token_kind)kind, og_str_from(data, size));
    try(cx, (og_token_kind)kind, wrapped);
  }
  fuzz_close(&w);
  return 0;
}
