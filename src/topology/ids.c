/* SPDX-License-Identifier: MIT */
#include "topology/ids.h"

#include "base/pool.h"

#define BLOCK 16384u

typedef struct hashing {
  const og_column *ids;
  uint64_t *out;
} hashing;

static og_status hash_block(og_ctx *cx, void *arg, size_t item, unsigned worker)
{
  const hashing *h = arg;
  int64_t from = (int64_t)item * BLOCK, to = from + BLOCK < h->ids->len ? from + BLOCK : h->ids->len;
  (void)cx;
  (void)worker;
  for (int64_t i = from; i < to; i++) h->out[i] = og_str_hash(og_column_str(h->ids, i));
  return OG_OK;
}

static bool same_id(const og_ids *x, uint32_t row, og_str id)
{
  return og_str_eq(og_column_str(x->ids, row), id);
}

/* The slot of the id, or the free one where it would go. */
static og_ids_slot *slot_of(const og_ids *x, uint64_t hash, og_str id)
{
  uint32_t tag = (uint32_t)(hash >> 32);
  for (uint64_t i = hash & x->mask;; i = (i + 1) & x->mask) {
    og_ids_slot *s = &x->slots[i];
    if (s->row == OG_NO_ROW || (s->tag == tag && same_id(x, s->row, id))) return s;
  }
}

static og_status fill(og_ctx *cx, og_ids *x, const uint8_t *deleted)
{
  int64_t n = x->ids->len;
  uint64_t *hashes = og_calloc(cx, (size_t)n + 1, sizeof *hashes), slots = 16;
  if (!hashes) return OG_ENOMEM;
  while (slots < (uint64_t)n + (uint64_t)n / 2) slots *= 2;
  const hashing h = {x->ids, hashes};
  og_status st = og_parallel(cx, ((size_t)n + BLOCK - 1) / BLOCK, hash_block, (void *)(uintptr_t)&h);
  if (st == OG_OK) x->slots = og_alloc(cx, slots * sizeof *x->slots);
  if (st == OG_OK && !x->slots) st = OG_ENOMEM;
  x->mask = slots - 1;
  if (st == OG_OK) memset(x->slots, 0xff, slots * sizeof *x->slots);
  for (int64_t i = 0; st == OG_OK && i < n; i++) {
    if (i + 16 < n) OG_PREFETCH(&x->slots[hashes[i + 16] & x->mask]);
    if (deleted && og_bit_get(deleted, i)) continue;
    *slot_of(x, hashes[i], og_column_str(x->ids, i)) = (og_ids_slot){(uint32_t)(hashes[i] >> 32), (uint32_t)i};
  }
  og_free(hashes);
  return st;
}

og_status og_ids_new(og_ctx *cx, og_column *ids, const uint8_t *deleted, og_ids **out)
{
  if (ids->len >= UINT32_MAX) return og_fail(cx, OG_ELIMIT, "a table has 2^32 rows or more");
  og_ids *x = og_zalloc(cx, sizeof *x);
  if (!x) return OG_ENOMEM;
  x->ids = og_column_ref(ids);
  og_status st = fill(cx, x, deleted);
  if (st != OG_OK)
    og_ids_free(x);
  else
    *out = x;
  return st;
}

void og_ids_free(og_ids *x)
{
  if (!x) return;
  og_column_unref(x->ids);
  og_free(x->slots);
  og_free(x);
}

uint64_t og_ids_bytes(const og_ids *x)
{
  return (x->mask + 1) * sizeof *x->slots;
}

uint32_t og_ids_find(const og_ids *x, og_str id)
{
  return slot_of(x, og_str_hash(id), id)->row;
}

#define GROUP 32u

/* Edges are often stored source by source, so the last answer is tried first. */
void og_ids_find_many(const og_ids *x, const og_column *values, uint64_t from, size_t n, uint32_t *rows)
{
  uint64_t hashes[GROUP];
  og_str last = OG_STR_NONE;
  uint32_t last_row = OG_NO_ROW;
  for (size_t at = 0; at < n; at += GROUP) {
    size_t group = n - at < GROUP ? n - at : GROUP;
    for (size_t i = 0; i < group; i++) {
      og_str v = og_column_str(values, (int64_t)(from + at + i));
      hashes[i] = og_str_eq(v, last) ? 0 : og_str_hash(v);
      if (hashes[i]) OG_PREFETCH(&x->slots[hashes[i] & x->mask]);
      last = v;
    }
    for (size_t i = 0; i < group; i++) {
      if (hashes[i]) last_row = slot_of(x, hashes[i], og_column_str(values, (int64_t)(from + at + i)))->row;
      rows[at + i] = last_row;
    }
  }
}
