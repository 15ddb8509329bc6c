/* SPDX-License-Identifier: MIT */
/* base/cache.c -- entries in a small array, found by hash; see cache.h.
 *
 * There are as many entries as tables, edge types and versions in use: tens, so they are looked through one by one.
 *
 *  (1) Nothing is freed, and nothing made, under the mutex.
 *  (2) The entry used last stays, whatever its size: a thing that is larger than the budget would else be made again
 * for each operator that asks for it.
 */
#include "base/cache.h"

#include "base/mutex.h"
#include "base/vec.h"

#define FAMILY_ENTRIES 2

typedef struct entry {
  uint64_t hash;
  char *key;
  size_t key_len, family;
  og_cached *thing; /* one reference */
  uint64_t bytes, used;
} entry;

struct og_cache {
  og_mutex mu;
  og_mem *mem;
  og_vec entries; /* mu */
  uint64_t budget, bytes, clock;
};

void *og_cached_ref(void *thing)
{
  og_cached *c = thing;
  atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
  return thing;
}

void og_cached_unref(void *thing)
{
  og_cached *c = thing;
  if (c && atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1) c->free(c);
}

og_status og_cache_new(og_ctx *cx, uint64_t budget, og_cache **out)
{
  og_cache *c = og_zalloc(cx, sizeof *c);
  if (!c) return OG_ENOMEM;
  og_mutex_init(&c->mu);
  c->mem = cx->mem;
  c->entries = OG_VEC_INIT(entry);
  c->budget = budget;
  *out = c;
  return OG_OK;
}

static void drop_entry(entry *e)
{
  og_cached_unref(e->thing);
  og_free(e->key);
}

void og_cache_free(og_cache *c)
{
  if (!c) return;
  for (size_t i = 0; i < c->entries.len; i++) drop_entry(&OG_VEC_AT(&c->entries, entry, i));
  og_vec_cleanup(&c->entries);
  og_mutex_cleanup(&c->mu);
  og_free(c);
}

static entry *find_locked(og_cache *c, uint64_t hash, og_str key)
{
  for (size_t i = 0; i < c->entries.len; i++) {
    entry *e = &OG_VEC_AT(&c->entries, entry, i);
    if (e->hash != hash || !og_str_eq(og_str_from(e->key, e->key_len), key)) continue;
    e->used = ++c->clock;
    return e;
  }
  return NULL;
}

static bool same_family(const entry *a, const entry *b)
{
  return og_str_eq(og_str_from(a->key, a->family), og_str_from(b->key, b->family));
}

static void take_locked(og_cache *c, size_t i, entry *out)
{
  *out = OG_VEC_AT(&c->entries, entry, i);
  c->bytes -= out->bytes;
  og_vec_remove(&c->entries, i);
}

/* Takes one entry out that has to go; false: none has. */
static bool evict_locked(og_cache *c, entry *out)
{
  size_t oldest = SIZE_MAX;
  if (c->bytes <= c->budget || c->entries.len < 2) return false;
  for (size_t i = 0; i < c->entries.len; i++)
    if (oldest == SIZE_MAX || OG_VEC_AT(&c->entries, entry, i).used < OG_VEC_AT(&c->entries, entry, oldest).used)
      oldest = i;
  take_locked(c, oldest, out);
  return true;
}

/* The least recently used of the fresh entry's family, when there are too many; false: there are not. */
static bool retire_locked(og_cache *c, const entry *fresh, entry *out)
{
  size_t oldest = SIZE_MAX, n = 0;
  for (size_t i = 0; i < c->entries.len; i++) {
    const entry *e = &OG_VEC_AT(&c->entries, entry, i);
    if (!same_family(e, fresh)) continue;
    n++;
    if (oldest == SIZE_MAX || e->used < OG_VEC_AT(&c->entries, entry, oldest).used) oldest = i;
  }
  if (n <= FAMILY_ENTRIES) return false;
  take_locked(c, oldest, out);
  return true;
}

static void shrink(og_cache *c)
{
  for (bool more = true; more;) {
    entry gone;
    og_mutex_lock(&c->mu);
    more = evict_locked(c, &gone);
    og_mutex_unlock(&c->mu);
    if (more) drop_entry(&gone);
  }
}

void *og_cache_peek(og_cache *c, og_str name)
{
  uint64_t hash = og_str_hash(name);
  og_mutex_lock(&c->mu);
  entry *e = find_locked(c, hash, name);
  void *thing = e ? og_cached_ref(e->thing) : NULL;
  og_mutex_unlock(&c->mu);
  return thing;
}

void *og_cache_peek_sibling(og_cache *c, og_cache_key key)
{
  const entry *last = NULL;
  og_str family = og_str_sub(key.name, 0, key.family);
  og_mutex_lock(&c->mu);
  for (size_t i = 0; i < c->entries.len; i++) {
    const entry *e = &OG_VEC_AT(&c->entries, entry, i);
    bool sibling = og_str_eq(og_str_from(e->key, e->family), family) &&
                   !og_str_eq(og_str_from(e->key, e->key_len), key.name);
    if (sibling && (!last || e->used > last->used)) last = e;
  }
  void *thing = last ? og_cached_ref(last->thing) : NULL;
  og_mutex_unlock(&c->mu);
  return thing;
}

og_ctx og_cache_ctx(const og_ctx *cx, const og_cache *c)
{
  og_ctx own = *cx;
  own.mem = c->mem;
  return own;
}

/* Keeps the thing, unless one of that name is there: then *thing becomes that one. */
static og_status keep(og_ctx *cx, og_cache *c, og_cache_key key, og_cached **thing, uint64_t bytes)
{
  entry fresh = {.hash = og_str_hash(key.name),
                 .key = og_strdup(cx, key.name),
                 .key_len = key.name.len,
                 .family = key.family,
                 .bytes = bytes},
        old = {0};
  og_cached *loser = NULL;
  if (!fresh.key) return OG_ENOMEM;
  og_mutex_lock(&c->mu);
  entry *there = find_locked(c, fresh.hash, key.name);
  og_status st = OG_OK;
  if (there) {
    loser = *thing;
    *thing = og_cached_ref(there->thing);
  } else {
    fresh.thing = og_cached_ref(*thing);
    fresh.used = ++c->clock;
    st = og_vec_add(cx, &c->entries, &fresh);
    if (st == OG_OK) {
      c->bytes += bytes;
      (void)retire_locked(c, &fresh, &old);
    } else {
      loser = fresh.thing;
    }
  }
  og_mutex_unlock(&c->mu);
  if (there || st != OG_OK) og_free(fresh.key);
  og_cached_unref(loser);
  drop_entry(&old);
  return st;
}

og_status og_cache_get(og_ctx *cx, og_cache *c, og_cache_key key, og_cache_make_fn make, void *arg, void **out)
{
  og_cached *thing = og_cache_peek(c, key.name);
  if (!thing) {
    og_ctx own = og_cache_ctx(cx, c);
    uint64_t bytes = 0;
    OG_TRY(make(&own, arg, &thing, &bytes));
    og_status st = keep(&own, c, key, &thing, bytes);
    if (st != OG_OK) {
      og_cached_unref(thing);
      return st;
    }
    shrink(c);
  }
  *out = thing;
  return OG_OK;
}

void og_cache_grew(og_cache *c, const void *thing, uint64_t more)
{
  og_mutex_lock(&c->mu);
  for (size_t i = 0; i < c->entries.len; i++) {
    entry *e = &OG_VEC_AT(&c->entries, entry, i);
    if (e->thing != thing) continue;
    e->bytes += more;
    e->used = ++c->clock;
    c->bytes += more;
  }
  og_mutex_unlock(&c->mu);
  shrink(c);
}

uint64_t og_cache_bytes(og_cache *c)
{
  og_mutex_lock(&c->mu);
  uint64_t bytes = c->bytes;
  og_mutex_unlock(&c->mu);
  return bytes;
}

void og_cache_set_budget(og_cache *c, uint64_t budget)
{
  og_mutex_lock(&c->mu);
  c->budget = budget;
  og_mutex_unlock(&c->mu);
  shrink(c);
}
