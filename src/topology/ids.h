/* SPDX-License-Identifier: MIT */
/* topology/ids.h -- from a row's id to its dense offset.
 *
 * Open addressing over the hashes of the live rows' ids: 8 bytes a slot, at most two thirds full.
 * Thread rule: immutable once made; share by reference.
 */
#pragma once

#include "arrow/column.h"

#define OG_NO_ROW UINT32_MAX

typedef struct og_ids_slot {
  uint32_t tag; /* upper half of the id's hash */
  uint32_t row; /* OG_NO_ROW: free */
} og_ids_slot;

typedef struct og_ids {
  og_column *ids; /* one reference */
  og_ids_slot *slots;
  uint64_t mask; /* slots - 1, a power of two */
} og_ids;

/* Over the rows of `ids` that `deleted` (NULL: none) does not have; where two have one id the later row counts.
 * OG_ELIMIT: 2^32 - 1 rows or more. */
OG_MUST_USE og_status og_ids_new(og_ctx *cx, og_column *ids, const uint8_t *deleted, og_ids **out);
void og_ids_free(og_ids *x); /* NULL is fine */
uint64_t og_ids_bytes(const og_ids *x);

uint32_t og_ids_find(const og_ids *x, og_str id); /* or OG_NO_ROW */
/* rows[i] = row of values[from + i], or OG_NO_ROW: the waits for memory overlap. */
void og_ids_find_many(const og_ids *x, const og_column *values, uint64_t from, size_t n, uint32_t *rows);
