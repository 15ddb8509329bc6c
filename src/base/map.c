/* SPDX-License-Identifier: MIT */
/* base/map.c -- open addressing with linear probing over an insertion-ordered entry array.
 *
 * slots[] holds, in 32 bits each, the upper half of the hash and the entry's index + 1: what is stepped over is told by
 * the slots alone, without touching its entry.  A removed entry stays in place with live == false until the next
 * rebuild, and its slot keeps probing chains whole.  At most 3/4 of the slots are used.
 */
#include "base/map.h"
#include "base/ctx.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t og_str_hash(og_str s)
{
  return XXH3_64bits(s.ptr ? s.ptr : "", s.len);
}

uint64_t og_str_checksum(og_str s)
{
  return XXH3_64bits(s.ptr ? s.ptr : "", s.len);
}

static uint64_t num_hash(uint64_t v)
{
  v ^= v >> 32; /* splitmix64's finaliser */
  v *= 0xd6e8feb86659fd93ull;
  v ^= v >> 32;
  v *= 0xd6e8feb86659fd93ull;
  v ^= v >> 32;
  return v;
}

/* A slot for entry i - 1. */
static uint64_t slot_of(uint64_t hash, size_t i)
{
  return (hash >> 32) << 32 | i;
}

static size_t slot_entry(uint64_t slot)
{
  return (uint32_t)slot - 1u;
}

void og_map_init(og_map *m, bool copy_keys)
{
  *m = (og_map){.copy_keys = copy_keys};
}

void og_umap_init(og_umap *m)
{
  og_map_init(m, false);
}

void og_map_cleanup(og_map *m)
{
  og_free(m->entries);
  og_free(m->slots);
  og_arena_cleanup(&m->keys);
  *m = (og_map){.copy_keys = m->copy_keys};
}

/* Few entries in a table that was large once are taken out one by one, newest first: what an entry had to step over
 * when it came is older, so the way to it is still there. */
static void empty_slots(og_map *m)
{
  size_t mask = m->n_slots - 1;
  if (m->n_entries >= m->n_slots / 8) {
    memset(m->slots, 0, m->n_slots * sizeof *m->slots);
    return;
  }
  for (size_t i = m->n_entries; i > 0; i--) {
    size_t at = (size_t)m->entries[i - 1].hash & mask;
    while ((uint32_t)m->slots[at] != i) at = (at + 1) & mask;
    m->slots[at] = 0;
  }
}

void og_map_clear(og_map *m)
{
  if (m->slots) empty_slots(m);
  m->len = m->n_entries = 0;
  og_arena_reset(&m->keys);
}

static bool entry_matches(const og_map_entry *e, uint64_t hash, og_str key, uint64_t num)
{
  return e->hash == hash && e->live && e->num == num && og_str_eq(e->key, key);
}

/* The slot that holds the key, or the empty one where it would go. */
static size_t find_slot(const og_map *m, uint64_t hash, og_str key, uint64_t num, bool *found)
{
  size_t mask = m->n_slots - 1, at = (size_t)hash & mask;
  for (uint64_t slot; (slot = m->slots[at]) != 0; at = (at + 1) & mask) {
    if (slot >> 32 != hash >> 32 || !entry_matches(&m->entries[slot_entry(slot)], hash, key, num)) continue;
    *found = true;
    return at;
  }
  *found = false;
  return at;
}

static void index_entries(og_map *m)
{
  memset(m->slots, 0, m->n_slots * sizeof *m->slots);
  size_t kept = 0, mask = m->n_slots - 1;
  for (size_t i = 0; i < m->n_entries; i++) {
    if (!m->entries[i].live) continue;
    m->entries[kept] = m->entries[i];
    size_t at = (size_t)m->entries[kept].hash & mask;
    while (m->slots[at]) at = (at + 1) & mask;
    kept++;
    m->slots[at] = slot_of(m->entries[kept - 1].hash, kept);
  }
  m->n_entries = kept;
}

static og_status grow(og_ctx *cx, og_map *m)
{
  size_t want = m->len < 4 ? 8 : m->len * 2;
  if (want > UINT32_MAX / 2) return og_fail(cx, OG_ENOMEM, "a hash map would pass 2^31 entries");
  size_t n_slots = 16;
  while (n_slots * 3 / 4 <= want) n_slots *= 2;
  uint64_t *slots = og_alloc(cx, n_slots * sizeof *slots);
  if (!slots) return OG_ENOMEM;
  size_t cap = n_slots * 3 / 4;
  og_map_entry *entries = og_realloc(cx, m->entries, (cap > m->n_entries ? cap : m->n_entries) * sizeof *entries);
  if (!entries) {
    og_free(slots);
    return OG_ENOMEM;
  }
  og_free(m->slots);
  m->entries = entries;
  m->cap_entries = cap;
  m->slots = slots;
  m->n_slots = n_slots;
  index_entries(m);
  return OG_OK;
}

static uint64_t *entry_at(og_ctx *cx, og_map *m, uint64_t hash, og_str key, uint64_t num, bool *was_new)
{
  bool found = false;
  if (m->n_entries == m->cap_entries && grow(cx, m) != OG_OK) return NULL;
  size_t at = find_slot(m, hash, key, num, &found);
  if (was_new) *was_new = !found;
  if (found) return &m->entries[slot_entry(m->slots[at])].value;
  if (m->copy_keys && og_arena_str(cx, &m->keys, key, &key) != OG_OK) return NULL;
  m->entries[m->n_entries] = (og_map_entry){key, num, 0, hash, true};
  m->slots[at] = slot_of(hash, m->n_entries + 1);
  m->len++;
  return &m->entries[m->n_entries++].value;
}

static bool entry_get(const og_map *m, uint64_t hash, og_str key, uint64_t num, uint64_t *value)
{
  if (m->len == 0) return false;
  bool found;
  size_t at = find_slot(m, hash, key, num, &found);
  if (found && value) *value = m->entries[slot_entry(m->slots[at])].value;
  return found;
}

static bool entry_remove(og_map *m, uint64_t hash, og_str key, uint64_t num)
{
  if (m->len == 0) return false;
  bool found;
  size_t at = find_slot(m, hash, key, num, &found);
  if (!found) return false;
  m->entries[slot_entry(m->slots[at])].live = false;
  m->len--;
  return true;
}

bool og_map_get(const og_map *m, og_str key, uint64_t *value)
{
  return entry_get(m, og_str_hash(key), key, 0, value);
}

#define AT_ONCE 32 /* look-ups under way together */

/* Each pass touches what the one before asked for: slots, entries, keys. */
static void get_some(const og_map *m, const og_str *keys, size_t n, uint64_t *values)
{
  uint64_t hashes[AT_ONCE];
  size_t mask = m->n_slots - 1;
  for (size_t i = 0; i < n; i++) {
    hashes[i] = og_str_hash(keys[i]);
    OG_PREFETCH(&m->slots[(size_t)hashes[i] & mask]);
  }
  for (size_t i = 0; i < n; i++) {
    uint64_t slot = m->slots[(size_t)hashes[i] & mask];
    if (slot) OG_PREFETCH(&m->entries[slot_entry(slot)]);
  }
  for (size_t i = 0; i < n; i++) {
    uint64_t slot = m->slots[(size_t)hashes[i] & mask];
    if (slot) OG_PREFETCH(m->entries[slot_entry(slot)].key.ptr);
  }
  for (size_t i = 0; i < n; i++) entry_get(m, hashes[i], keys[i], 0, &values[i]);
}

void og_map_get_many(const og_map *m, const og_str *keys, size_t n, uint64_t *values)
{
  if (m->len == 0) return;
  for (size_t i = 0; i < n; i += AT_ONCE) get_some(m, keys + i, n - i < AT_ONCE ? n - i : AT_ONCE, values + i);
}

uint64_t *og_map_at(og_ctx *cx, og_map *m, og_str key, bool *was_new)
{
  return entry_at(cx, m, og_str_hash(key), key, 0, was_new);
}

og_status og_map_put(og_ctx *cx, og_map *m, og_str key, uint64_t value, bool *was_new)
{
  uint64_t *at = og_map_at(cx, m, key, was_new);
  if (!at) return OG_ENOMEM;
  *at = value;
  return OG_OK;
}

bool og_map_remove(og_map *m, og_str key)
{
  return entry_remove(m, og_str_hash(key), key, 0);
}

bool og_umap_get(const og_umap *m, uint64_t key, uint64_t *value)
{
  return entry_get(m, num_hash(key), OG_STR_NONE, key, value);
}

uint64_t *og_umap_at(og_ctx *cx, og_umap *m, uint64_t key, bool *was_new)
{
  return entry_at(cx, m, num_hash(key), OG_STR_NONE, key, was_new);
}

og_status og_umap_put(og_ctx *cx, og_umap *m, uint64_t key, uint64_t value, bool *was_new)
{
  uint64_t *at = og_umap_at(cx, m, key, was_new);
  if (!at) return OG_ENOMEM;
  *at = value;
  return OG_OK;
}

bool og_umap_remove(og_umap *m, uint64_t key)
{
  return entry_remove(m, num_hash(key), OG_STR_NONE, key);
}

const og_map_entry *og_map_next(const og_map *m, size_t *pos)
{
  while (*pos < m->n_entries) {
    const og_map_entry *e = &m->entries[(*pos)++];
    if (e->live) return e;
  }
  return NULL;
}
