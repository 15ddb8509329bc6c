/* SPDX-License-Identifier: MIT */
/* write/keys.h -- keys that a write must remember to its end, each with a number.
 *
 * While they are few they are a map and can be asked; when a load has too many they become records of a sorter, which
 * only takes more and is read in order at the end (spilled.c).
 */
#pragma once

#include "base/map.h"
#include "base/sorter.h"

typedef struct og_keys {
  og_map map;        /* keys borrow from the stage's arena */
  og_sorter *sorter; /* NULL: not spilled */
} og_keys;

/* Makes the set spilled: from here on only og_keys_add.  What the map holds must have been added by the caller. */
OG_MUST_USE og_status og_keys_spill(og_ctx *cx, og_keys *k, size_t budget);
/* A record of a spilled set: the number and, for unique tuples, the id of the row that holds it. */
OG_MUST_USE og_status og_keys_add(og_ctx *cx, og_keys *k, og_str key, uint64_t number, og_str holder);
void og_keys_cleanup(og_ctx *cx, og_keys *k);

/* In a number: the row is outdone by another one of its id, and holds its tuple against its own batch only. */
#define OG_KEYS_OUTDONE (1ull << 63)

static inline uint64_t og_keys_number(const og_record *r)
{
  uint64_t n;
  memcpy(&n, r->value.ptr, sizeof n);
  return n & ~OG_KEYS_OUTDONE;
}
static inline bool og_keys_is_outdone(const og_record *r)
{
  uint64_t n;
  memcpy(&n, r->value.ptr, sizeof n);
  return (n & OG_KEYS_OUTDONE) != 0;
}
static inline og_str og_keys_holder(const og_record *r)
{
  return og_str_sub(r->value, sizeof(uint64_t), r->value.len);
}
