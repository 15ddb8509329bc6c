/* SPDX-License-Identifier: MIT */
/* store/memory.c -- a store without a disk: a sorted array of objects under one mutex.
 *
 * Everything is durable as long as the store lives; sync has nothing to do but to check that the
 * keys are there.  A stamp is a number that is never given twice.  Bytes are copied in and out.
 */
#include "base/mutex.h"
#include "base/vec.h"
#include "store/internal.h"

typedef struct object {
  og_str key; /* both behind the struct */
  og_str bytes;
  uint64_t stamp;
} object;

typedef struct memory_store {
  og_store base;
  og_mutex mu;    /* guards what follows; nothing blocks under it */
  og_vec objects; /* object *, by key */
  uint64_t next_stamp;
} memory_store;

_Static_assert(offsetof(memory_store, base) == 0, "og_store must come first");

struct og_store_writer {
  memory_store *store; /* a reference */
  og_buf bytes;
  og_str key; /* behind the struct */
};

static memory_store *memory_of(og_store *s)
{
  return (memory_store *)s;
}

static object *object_at(const memory_store *s, size_t i)
{
  return OG_VEC_AT(&s->objects, object *, i);
}

/* The first object whose key is not below `key`. */
static size_t lower_bound(const memory_store *s, og_str key)
{
  size_t low = 0, high = s->objects.len;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    if (og_str_cmp(object_at(s, mid)->key, key) < 0)
      low = mid + 1;
    else
      high = mid;
  }
  return low;
}

static object *find_locked(const memory_store *s, og_str key, size_t *at)
{
  *at = lower_bound(s, key);
  if (*at == s->objects.len || !og_str_eq(object_at(s, *at)->key, key)) return NULL;
  return object_at(s, *at);
}

static og_status missing(og_ctx *cx, og_str key)
{
  return og_fail(cx, OG_ENOTFOUND, "memory://" OG_STR_FMT ": no such object", OG_STR_ARG(key));
}

/* -- reading -- */

static og_status copy_range(og_ctx *cx, const object *o, uint64_t off, uint64_t len, og_buf *out)
{
  if (off > o->bytes.len || len > o->bytes.len - off)
    return og_fail(cx, OG_ECORRUPT, "memory://" OG_STR_FMT ": bytes %llu + %llu were asked for, but it has only %zu",
                   OG_STR_ARG(o->key), (unsigned long long)off, (unsigned long long)len, o->bytes.len);
  return og_buf_append(cx, out, o->bytes.ptr + off, (size_t)len);
}

static og_status memory_get_ranges(og_ctx *cx, og_store *base, og_str key, const og_range *ranges, size_t n,
                                   og_buf *outs)
{
  memory_store *s = memory_of(base);
  size_t at;
  og_mutex_lock(&s->mu);
  const object *o = find_locked(s, key, &at);
  og_status st = o ? OG_OK : missing(cx, key);
  for (size_t i = 0; i < n && st == OG_OK; i++) st = copy_range(cx, o, ranges[i].off, ranges[i].len, &outs[i]);
  og_mutex_unlock(&s->mu);
  return st;
}

static og_status memory_get_range(og_ctx *cx, og_store *base, og_str key, uint64_t off, uint64_t len, og_buf *out)
{
  return memory_get_ranges(cx, base, key, &(og_range){off, len}, 1, out);
}

static og_status memory_get_tail(og_ctx *cx, og_store *base, og_str key, uint64_t len, og_buf *out, uint64_t *size)
{
  memory_store *s = memory_of(base);
  size_t at;
  uint64_t total = 0;
  og_mutex_lock(&s->mu);
  const object *o = find_locked(s, key, &at);
  if (o) total = o->bytes.len;
  if (len > total) len = total;
  og_status st = o ? copy_range(cx, o, total - len, len, out) : missing(cx, key);
  og_mutex_unlock(&s->mu);
  if (st == OG_OK) *size = total;
  return st;
}

static og_status memory_info(og_ctx *cx, og_store *base, og_str key, og_object_info *out)
{
  memory_store *s = memory_of(base);
  size_t at;
  og_mutex_lock(&s->mu);
  const object *o = find_locked(s, key, &at);
  if (o) *out = (og_object_info){.size = o->bytes.len, .stamp = {o->stamp, 0, 0}};
  og_mutex_unlock(&s->mu);
  return o ? OG_OK : missing(cx, key);
}

/* The listed keys are copied first: the callback may call the store. */
static og_status collect(og_ctx *cx, memory_store *s, og_str prefix, og_str after, og_arena *arena, og_vec *keys,
                         og_vec *sizes)
{
  og_status st = OG_OK;
  og_mutex_lock(&s->mu);
  for (size_t i = lower_bound(s, prefix); i < s->objects.len && st == OG_OK; i++) {
    const object *o = object_at(s, i);
    if (!og_str_starts_with(o->key, prefix)) break;
    if (og_str_cmp(o->key, after) <= 0) continue;
    og_str key;
    uint64_t size = o->bytes.len;
    st = og_arena_str(cx, arena, o->key, &key);
    if (st == OG_OK) st = og_vec_add(cx, keys, &key);
    if (st == OG_OK) st = og_vec_add(cx, sizes, &size);
  }
  og_mutex_unlock(&s->mu);
  return st;
}

static og_status memory_list(og_ctx *cx, og_store *base, og_str prefix, og_str after, og_list_fn fn, void *arg)
{
  OG_AUTO(og_arena) arena = {0};
  OG_AUTO(og_vec) keys = OG_VEC_INIT(og_str);
  OG_AUTO(og_vec) sizes = OG_VEC_INIT(uint64_t);
  og_status st = collect(cx, memory_of(base), prefix, after, &arena, &keys, &sizes);
  for (size_t i = 0; i < keys.len && st == OG_OK; i++)
    st = fn(cx, arg, OG_VEC_AT(&keys, og_str, i), OG_VEC_AT(&sizes, uint64_t, i));
  if (st != OG_LIST_STOP) return st;
  og_error_clear(cx);
  return OG_OK;
}

/* -- writing -- */

static object *object_new(og_ctx *cx, og_str key, og_str bytes)
{
  object *o = og_alloc(cx, sizeof *o + key.len + bytes.len);
  if (!o) return NULL;
  char *at = (char *)(o + 1);
  *o = (object){.key = {at, key.len}, .bytes = {at + key.len, bytes.len}};
  memcpy(at, key.ptr, key.len);
  if (bytes.len > 0) memcpy(at + key.len, bytes.ptr, bytes.len);
  return o;
}

static og_status insert_locked(og_ctx *cx, memory_store *s, size_t at, object *o)
{
  OG_TRY(og_vec_add(cx, &s->objects, &o));
  object **all = s->objects.data;
  memmove(all + at + 1, all + at, (s->objects.len - 1 - at) * sizeof(object *));
  all[at] = o;
  return OG_OK;
}

/* Puts the new object; *old is what it replaced, or the new one itself when it was refused, for the
 * caller to free. */
static og_status store_object(og_ctx *cx, memory_store *s, object *o, bool replace, object **old)
{
  size_t at;
  og_status st = OG_OK;
  *old = o;
  og_mutex_lock(&s->mu);
  object *before = find_locked(s, o->key, &at);
  o->stamp = ++s->next_stamp;
  if (!before) {
    st = insert_locked(cx, s, at, o);
    if (st == OG_OK) *old = NULL;
  } else if (replace) {
    OG_VEC_AT(&s->objects, object *, at) = o;
    *old = before;
  } else {
    st = og_fail(cx, OG_EEXISTS, "memory://" OG_STR_FMT " exists", OG_STR_ARG(o->key));
  }
  og_mutex_unlock(&s->mu);
  return st;
}

static og_status put_object(og_ctx *cx, og_store *base, og_str key, og_str bytes, bool replace)
{
  object *old, *o = object_new(cx, key, bytes);
  if (!o) return OG_ENOMEM;
  og_status st = store_object(cx, memory_of(base), o, replace, &old);
  og_free(old);
  return st;
}

static og_status memory_put(og_ctx *cx, og_store *base, og_str key, og_str bytes)
{
  return put_object(cx, base, key, bytes, true);
}

static og_status memory_put_if_absent(og_ctx *cx, og_store *base, og_str key, og_str bytes)
{
  return put_object(cx, base, key, bytes, false);
}

static og_status memory_del(og_ctx *cx, og_store *base, og_str key)
{
  (void)cx;
  memory_store *s = memory_of(base);
  size_t at;
  og_mutex_lock(&s->mu);
  object *o = find_locked(s, key, &at);
  if (o) og_vec_remove(&s->objects, at);
  og_mutex_unlock(&s->mu);
  og_free(o);
  return OG_OK;
}

static og_status memory_sync(og_ctx *cx, og_store *base, const og_str *keys, size_t n)
{
  og_object_info info;
  for (size_t i = 0; i < n; i++) OG_TRY(memory_info(cx, base, keys[i], &info));
  return OG_OK;
}

static og_status memory_sync_seen(og_ctx *cx, og_store *base, og_str key)
{
  (void)cx;
  (void)base;
  (void)key;
  return OG_OK;
}

/* -- streaming -- */

static og_status memory_writer_open(og_ctx *cx, og_store *base, og_str key, og_store_writer **out)
{
  og_store_writer *w = og_alloc(cx, sizeof *w + key.len);
  if (!w) return OG_ENOMEM;
  *w = (og_store_writer){.store = memory_of(og_store_ref(base)), .key = {(const char *)(w + 1), key.len}};
  memcpy(w + 1, key.ptr, key.len);
  *out = w;
  return OG_OK;
}

static og_status memory_writer_append(og_ctx *cx, og_store_writer *w, og_str bytes)
{
  return og_buf_append_str(cx, &w->bytes, bytes);
}

static void memory_writer_abort(og_ctx *cx, og_store_writer *w)
{
  (void)cx;
  og_buf_cleanup(&w->bytes);
  og_store_unref(&w->store->base);
  og_free(w);
}

static og_status memory_writer_finish(og_ctx *cx, og_store_writer *w)
{
  og_status st = memory_put(cx, &w->store->base, w->key, og_buf_str(&w->bytes));
  memory_writer_abort(cx, w);
  return st;
}

/* -- life -- */

static og_status memory_probe(og_ctx *cx, og_store *base, og_store_caps *out)
{
  (void)cx;
  (void)base;
  *out = (og_store_caps){.put_if_absent = true, .stamp_is_identity = true, .list_is_cheap = true};
  return OG_OK;
}

static void memory_destroy(og_store *base)
{
  memory_store *s = memory_of(base);
  for (size_t i = 0; i < s->objects.len; i++) og_free(object_at(s, i));
  og_vec_cleanup(&s->objects);
  og_mutex_cleanup(&s->mu);
  og_free(s);
}

static const og_store_ops memory_ops = {
    .name = "memory",
    .get_range = memory_get_range,
    .get_tail = memory_get_tail,
    .get_ranges = memory_get_ranges,
    .info = memory_info,
    .put = memory_put,
    .put_hint = memory_put,
    .put_if_absent = memory_put_if_absent,
    .del = memory_del,
    .list = memory_list,
    .sync = memory_sync,
    .sync_seen = memory_sync_seen,
    .writer_open = memory_writer_open,
    .writer_append = memory_writer_append,
    .writer_finish = memory_writer_finish,
    .writer_abort = memory_writer_abort,
    .probe = memory_probe,
    .destroy = memory_destroy,
};

og_status og_store_memory_new(og_ctx *cx, og_store **out)
{
  memory_store *s = og_zalloc(cx, sizeof *s);
  if (!s) return OG_ENOMEM;
  og_mutex_init(&s->mu);
  s->objects = OG_VEC_INIT(object *);
  og_store__init(&s->base, &memory_ops, OG_STR("memory://"));
  *out = &s->base;
  return OG_OK;
}
