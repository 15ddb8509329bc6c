/* SPDX-License-Identifier: MIT */
/* base/ulid.h -- ULIDs: 48 bits of milliseconds and 80 random bits, as 26 characters of Crockford base 32.
 *
 * https://github.com/ulid/spec.  A generator is monotonic: within one millisecond, and when the clock goes back, the
 * previous value is incremented.  Thread rule: a generator belongs to one thread, or is guarded by its owner.
 */
#pragma once

#include "base/ctx.h"

#define OG_ULID_LEN 26

typedef struct og_ulid {
  uint8_t bytes[16]; /* big-endian: memcmp order is time order */
} og_ulid;

typedef struct og_ulid_gen {
  og_ulid last; /* all zero at first */
} og_ulid_gen;

/* A fresh ULID, greater than all earlier ones of this generator and than `floor` (NULL: no floor). */
OG_MUST_USE og_status og_ulid_next(og_ctx *cx, og_ulid_gen *gen, const og_ulid *floor, og_ulid *out);
/* n that follow each other, without looking at the clock: the first is one above the generator's last. */
OG_MUST_USE og_status og_ulid_take(og_ctx *cx, og_ulid_gen *gen, uint64_t n, og_ulid *first);
/* Canonical upper-case text, no NUL. */
void og_ulid_format(const og_ulid *u, char out[OG_ULID_LEN]);
/* The texts of n that follow each other, one behind the other. */
void og_ulid_format_run(const og_ulid *first, uint64_t n, char *out);
/* Canonical upper-case only; false otherwise (wrong length or character, value above 128 bits). */
bool og_ulid_parse(og_str s, og_ulid *out);
static inline int og_ulid_cmp(const og_ulid *a, const og_ulid *b)
{
  return memcmp(a->bytes, b->bytes, 16);
}
/* Milliseconds since 1970 in it. */
uint64_t og_ulid_ms(const og_ulid *u);

/* RFC 4122 version 4 from the env's randomness, as 32 lower-case hex digits with dashes (36 characters, no NUL). */
OG_MUST_USE og_status og_uuid_v4(og_ctx *cx, uint8_t bytes[16]);
void og_uuid_format(const uint8_t bytes[16], char out[36]);
