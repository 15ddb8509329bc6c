/* SPDX-License-Identifier: MIT */
/* base/str.h -- borrowed byte strings.
 *
 * An og_str never owns its bytes and carries no NUL; a NUL-terminated copy is made only at the edges (operating
 * system, public API).  The empty string may have a NULL pointer.  All comparisons are by bytes.
 * Thread rule: values; share as you share the bytes behind them.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct og_str {
  const char *ptr;
  size_t len;
} og_str;

#define OG_STR(lit)   ((og_str){"" lit, sizeof(lit) - 1}) /* literals only */
#define OG_STR_NONE   ((og_str){NULL, 0})
#define OG_STR_FMT    "%.*s"
#define OG_STR_ARG(s) og_str_clamp(s), (s).ptr ? (s).ptr : "" /* lengths may be hostile: never cast */

/* The length as printf wants it, at most 4096: error texts need no more. */
static inline int og_str_clamp(og_str s)
{
  return s.len > 4096 ? 4096 : (int)s.len;
}

static inline og_str og_str_of(const char *z) /* z may be NULL */
{
  return (og_str){z, z ? strlen(z) : 0};
}

static inline og_str og_str_from(const void *p, size_t n)
{
  return (og_str){(const char *)p, n};
}

static inline bool og_str_eq(og_str a, og_str b)
{
  return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Byte order: negative, zero or positive as memcmp; a proper prefix sorts first. */
int og_str_cmp(og_str a, og_str b);

bool og_str_starts_with(og_str s, og_str prefix);
bool og_str_ends_with(og_str s, og_str suffix);

/* Offset of the first `needle` in `s`, or SIZE_MAX.  The empty needle is at 0. */
size_t og_str_find(og_str s, og_str needle);
/* Offset of the last byte `c`, or SIZE_MAX. */
size_t og_str_rfind_byte(og_str s, char c);

/* s[from, to), both clamped to the string. */
og_str og_str_sub(og_str s, size_t from, size_t to);

/* Without leading and trailing ASCII white space. */
og_str og_str_trim(og_str s);

/* True when ASCII case folding makes them equal.  Bytes above 0x7f compare as they are. */
bool og_str_eq_fold(og_str a, og_str b);

/* Whole string as an unsigned/signed decimal.  False on an empty string, another byte, or overflow. */
bool og_str_to_u64(og_str s, uint64_t *out);
bool og_str_to_i64(og_str s, int64_t *out);

/* XXH3 over the bytes with a fixed seed: for hash tables, never for anything stored. */
uint64_t og_str_hash(og_str s);
/* XXH3, 64 bits, seed 0: a checksum for what is stored. */
uint64_t og_str_checksum(og_str s);

/* Offset of the first byte that is not part of well-formed UTF-8 (overlong forms, surrogates and
 * values above U+10FFFF are malformed), or SIZE_MAX when all is well.  U+0000 is well-formed here. */
size_t og_utf8_check(og_str s);

/* Decodes one code point at s[*pos] and advances *pos; U+FFFD and one byte on malformed input. */
uint32_t og_utf8_next(og_str s, size_t *pos);

/* Edit distance (optimal string alignment) bounded by `max`; returns max + 1 when it is larger.
 * For "did you mean": inputs over 64 bytes count as too far. */
unsigned og_str_distance(og_str a, og_str b, unsigned max);
