/* SPDX-License-Identifier: MIT */
/* db/export_order.c -- a radix sort of texts, eight bytes at a time.
 *
 * Ids that are generated come in order already, which is seen at once.  Others are sorted by their first eight bytes as
 * a big-endian number (least significant byte first; bytes that all have in common cost one look), then each run of
 * equal numbers by the next eight.  Short runs, and those that are equal for long, are compared as texts.
 */
#include "db/export_order.h"

#include "base/vec.h"

#define FEW   32u /* are compared */
#define DEPTH 64u /* bytes in common, from which on they are compared */

typedef struct item {
  uint64_t key, row;
} item;

typedef struct sorter {
  const og_column *ids;
  item *items, *spare;
} sorter;

static int by_text(const void *a, const void *b, void *arg)
{
  const og_column *ids = arg;
  return og_str_cmp(og_column_str(ids, (int64_t)((const item *)a)->row),
                    og_column_str(ids, (int64_t)((const item *)b)->row));
}

static bool in_order(const og_column *ids, const uint64_t *rows, size_t n)
{
  for (size_t i = 1; i < n; i++)
    if (og_str_cmp(og_column_str(ids, (int64_t)rows[i - 1]), og_column_str(ids, (int64_t)rows[i])) > 0) return false;
  return true;
}

/* Bytes [depth, depth + 8); texts have no zero bytes, so that zeros behind the end sort the shorter one first. */
static uint64_t key_at(og_str s, size_t depth)
{
  uint64_t key = 0;
  if (s.len > depth) memcpy(&key, s.ptr + depth, s.len - depth < 8 ? s.len - depth : 8);
  return __builtin_bswap64(key); /* little-endian machines only, as everywhere */
}

/* One pass over one byte of the keys; *done: all are the same, nothing was moved. */
static void scatter(const item *from, item *to, size_t n, unsigned shift, bool *done)
{
  size_t at[256] = {0}, sum = 0;
  for (size_t i = 0; i < n; i++) at[from[i].key >> shift & 255]++;
  *done = at[from[0].key >> shift & 255] == n;
  if (*done) return;
  for (int b = 0; b < 256; b++) {
    size_t count = at[b];
    at[b] = sum;
    sum += count;
  }
  for (size_t i = 0; i < n; i++) to[at[from[i].key >> shift & 255]++] = from[i];
}

static void sort_by_key(item *items, item *spare, size_t n)
{
  item *from = items, *to = spare;
  for (unsigned shift = 0; shift < 64; shift += 8) {
    bool done;
    scatter(from, to, n, shift, &done);
    if (done) continue;
    item *swap = from;
    from = to;
    to = swap;
  }
  if (from != items) memcpy(items, from, n * sizeof *items);
}

static og_status sort_span(og_ctx *cx, sorter *s, size_t from, size_t n, size_t depth)
{
  item *items = s->items + from;
  if (n < 2) return OG_OK;
  if (n <= FEW || depth >= DEPTH) return og_sort(cx, items, n, sizeof *items, by_text, (void *)(uintptr_t)s->ids);
  OG_TRY(og_ctx_poll(cx));
  for (size_t i = 0; i < n; i++) items[i].key = key_at(og_column_str(s->ids, (int64_t)items[i].row), depth);
  sort_by_key(items, s->spare + from, n);
  for (size_t i = 0, end; i < n; i = end) {
    for (end = i + 1; end < n && items[end].key == items[i].key;) end++;
    OG_TRY(sort_span(cx, s, from + i, end - i, depth + 8));
  }
  return OG_OK;
}

og_status og_export__order(og_ctx *cx, const og_column *ids, uint64_t *rows, size_t n)
{
  if (in_order(ids, rows, n)) return OG_OK;
  sorter s = {ids, og_calloc(cx, n, sizeof(item)), og_calloc(cx, n, sizeof(item))};
  og_status st = s.items && s.spare ? OG_OK : OG_ENOMEM;
  for (size_t i = 0; st == OG_OK && i < n; i++) s.items[i].row = rows[i];
  if (st == OG_OK) st = sort_span(cx, &s, 0, n, 0);
  for (size_t i = 0; st == OG_OK && i < n; i++) rows[i] = s.items[i].row;
  og_free(s.items);
  og_free(s.spare);
  return st;
}
