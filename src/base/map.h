/* SPDX-License-Identifier: MIT */
/* base/map.h -- hash maps from byte strings or u64 keys to u64 values (an index, a pointer as uintptr_t, a count).
 *
 * Open addressing over XXH3; iteration is in insertion order, so results never depend on hashing.
 * Thread rule: one thread at a time; concurrent readers without a writer are fine.
 */
#pragma once

#include "base/arena.h"

typedef struct og_map_entry {
  og_str key;   /* og_map */
  uint64_t num; /* og_umap */
  uint64_t value;
  uint64_t hash;
  bool live;
} og_map_entry;

typedef struct og_map {
  og_map_entry *entries; /* insertion order; removed ones have live == false */
  uint64_t *slots;       /* upper half of the hash, index + 1 into entries; 0: empty */
  size_t len;            /* live entries */
  size_t n_entries, cap_entries, n_slots;
  bool copy_keys; /* keys are copied into `keys` */
  og_arena keys;
} og_map;

/* Keys are borrowed and must outlive the map, unless copy_keys. */
void og_map_init(og_map *m, bool copy_keys);
void og_map_cleanup(og_map *m);
void og_map_clear(og_map *m);
bool og_map_get(const og_map *m, og_str key, uint64_t *value); /* value may be NULL */
/* Sets key to value.  *was_new (may be NULL) tells an insert from an overwrite. */
OG_MUST_USE og_status og_map_put(og_ctx *cx, og_map *m, og_str key, uint64_t value, bool *was_new);
/* Pointer to the value, inserted as 0 when absent; valid until the next insert.  NULL after og_fail. */
uint64_t *og_map_at(og_ctx *cx, og_map *m, og_str key, bool *was_new);
bool og_map_remove(og_map *m, og_str key);
/* Looks up n keys, values[i] staying as it is where key i is absent.  The waits for memory overlap: in a map larger
 * than the caches this takes a fraction of n og_map_get. */
void og_map_get_many(const og_map *m, const og_str *keys, size_t n, uint64_t *values);

/* Iterates: *pos starts at 0; returns the next live entry or NULL. */
const og_map_entry *og_map_next(const og_map *m, size_t *pos);

/* The same with u64 keys. */
typedef struct og_map og_umap;
void og_umap_init(og_umap *m);
bool og_umap_get(const og_umap *m, uint64_t key, uint64_t *value);
OG_MUST_USE og_status og_umap_put(og_ctx *cx, og_umap *m, uint64_t key, uint64_t value, bool *was_new);
uint64_t *og_umap_at(og_ctx *cx, og_umap *m, uint64_t key, bool *was_new);
bool og_umap_remove(og_umap *m, uint64_t key);
