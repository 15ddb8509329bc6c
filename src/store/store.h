/* SPDX-License-Identifier: MIT */
/* store/store.h -- an object store: immutable blobs under '/'-separated keys, and one conditional operation.
 *
 * Keys are relative ("nodes/0001-0005/data/x.lance"), UTF-8 of at most 1024 bytes, without empty segments, "." or "..",
 * segments that start with ".tmp-" (unfinished writes), NUL or backslash; og_store checks this at its door
 * (OG_EINVALID), so implementations and callers with names from files need not.
 * `put_if_absent` is the only operation correctness rests on.  Reads and lists are strongly consistent.
 *
 * Durability: put and the writer's finish make bytes visible to this store's readers; they are durable after `sync` of
 * their keys returned.  Before that, a power loss may take a new object or leave it damaged; an object that put
 * replaces is whole in any case, old or new.  put_hint replaces without that promise: for bytes that check themselves.
 * put_if_absent is durable when it returns.
 *
 * Every door lets the env switch tasks first (nothing in the real world).
 *
 * Outcomes: OG_ENOTFOUND, OG_EEXISTS (put_if_absent lost), OG_EUNKNOWN (put_if_absent may or may not have happened:
 * repeat the same call on the same key until the answer is definite), else as in base/env.h.
 * Thread rule: a store may be used from any thread; a writer by one.
 */
#pragma once

#include "base/buf.h"
#include "base/ctx.h"

typedef struct og_store og_store;
typedef struct og_store_writer og_store_writer;

typedef struct og_range {
  uint64_t off, len;
} og_range;

/* What identifies one version of an object.  Two equal stamps of an existing key mean: the same object, never
 * recreated in between (local: device, inode, ctime; memory: a counter; S3: not provable, stamp_is_identity false). */
typedef struct og_object_info {
  uint64_t size;
  uint64_t stamp[3];
} og_object_info;

typedef struct og_store_caps {
  bool put_if_absent;     /* creates without replacing; false: the store must not be written */
  bool stamp_is_identity; /* see og_object_info */
  bool list_is_cheap;     /* one ordered request (object stores); false: a folder scan (local) */
} og_store_caps;

/* Per key in ascending byte order.  Return other than OG_OK to stop with that status; OG_LIST_STOP ends early. */
typedef og_status (*og_list_fn)(og_ctx *cx, void *arg, og_str key, uint64_t size);
#define OG_LIST_STOP OG_EEXISTS /* list returns OG_OK */

typedef struct og_store_ops {
  const char *name; /* "local", "memory", "fault", ... */
  /* Exactly len bytes at off, appended to out; OG_ECORRUPT when the object is shorter. */
  og_status (*get_range)(og_ctx *cx, og_store *s, og_str key, uint64_t off, uint64_t len, og_buf *out);
  /* The last `len` bytes (all, when the object is smaller); *size is the object's size. */
  og_status (*get_tail)(og_ctx *cx, og_store *s, og_str key, uint64_t len, og_buf *out, uint64_t *size);
  /* n ranges at once; outs[i] receives range i. */
  og_status (*get_ranges)(og_ctx *cx, og_store *s, og_str key, const og_range *ranges, size_t n, og_buf *outs);
  og_status (*info)(og_ctx *cx, og_store *s, og_str key, og_object_info *out);
  /* Creates or replaces, atomically for readers. */
  og_status (*put)(og_ctx *cx, og_store *s, og_str key, og_str bytes);
  og_status (*put_hint)(og_ctx *cx, og_store *s, og_str key, og_str bytes);
  og_status (*put_if_absent)(og_ctx *cx, og_store *s, og_str key, og_str bytes);
  og_status (*del)(og_ctx *cx, og_store *s, og_str key); /* OG_OK when it was not there */
  /* Keys that start with `prefix` and sort after `after` (may be empty). */
  og_status (*list)(og_ctx *cx, og_store *s, og_str prefix, og_str after, og_list_fn fn, void *arg);
  /* One barrier for all: on return every key's bytes, and its entry, survive power loss. */
  og_status (*sync)(og_ctx *cx, og_store *s, const og_str *keys, size_t n);
  /* "Whoever first learns of a version makes it durable before using it": entries of the folder that holds `key`. */
  og_status (*sync_seen)(og_ctx *cx, og_store *s, og_str key);
  /* Streaming put: nothing is visible before finish; abort leaves nothing. */
  og_status (*writer_open)(og_ctx *cx, og_store *s, og_str key, og_store_writer **out);
  og_status (*writer_append)(og_ctx *cx, og_store_writer *w, og_str bytes);
  og_status (*writer_finish)(og_ctx *cx, og_store_writer *w); /* frees w in every case */
  void (*writer_abort)(og_ctx *cx, og_store_writer *w);
  og_status (*probe)(og_ctx *cx, og_store *s, og_store_caps *out); /* may create and delete a probe object */
  void (*destroy)(og_store *s);
} og_store_ops;

struct og_store {
  const og_store_ops *ops;
  _Atomic uint32_t refs;
  og_str root; /* see og_store_root; owned by the implementation */
  _Atomic uint64_t bytes_read;
};

og_store *og_store_ref(og_store *s);
void og_store_unref(og_store *s); /* NULL is fine */

/* Bytes of objects that came through the doors below so far. */
static inline uint64_t og_store_bytes_read(const og_store *s)
{
  return atomic_load_explicit(&s->bytes_read, memory_order_relaxed);
}

/* Opens a URI: an absolute or relative path, or file://…, as a local store over cx->env.  Nothing is created.
 * `read_only` refuses every write with OG_EREADONLY.  OG_EUNSUPPORTED names schemes we do not know. */
OG_MUST_USE og_status og_store_open(og_ctx *cx, og_str uri, bool read_only, og_store **out);
/* Over cx->env with the absolute folder `root` (no "." or ".." parts); every later cx must carry the same world. */
OG_MUST_USE og_status og_store_local_new(og_ctx *cx, og_str root, bool read_only, og_store **out);
OG_MUST_USE og_status og_store_memory_new(og_ctx *cx, og_store **out);
/* The absolute URI or path under which `s` was opened, for messages and mirror metadata; borrowed. */
og_str og_store_root(const og_store *s);
/* Appends the absolute path that a URI as of og_store_open names, without looking whether anything is there. */
OG_MUST_USE og_status og_store_path(og_ctx *cx, og_str uri, og_buf *out);

/* The doors: check the key, then call the table.  Outs are written only on success. */
OG_MUST_USE og_status og_store_get(og_ctx *cx, og_store *s, og_str key, uint64_t max, og_buf *out); /* whole */
OG_MUST_USE og_status og_store_get_range(og_ctx *cx, og_store *s, og_str key, uint64_t off, uint64_t len, og_buf *out);
OG_MUST_USE og_status og_store_get_tail(og_ctx *cx, og_store *s, og_str key, uint64_t len, og_buf *out, uint64_t *size);
OG_MUST_USE og_status og_store_get_ranges(og_ctx *cx, og_store *s, og_str key, const og_range *ranges, size_t n,
                                          og_buf *outs);
OG_MUST_USE og_status og_store_info(og_ctx *cx, og_store *s, og_str key, og_object_info *out);
OG_MUST_USE og_status og_store_put(og_ctx *cx, og_store *s, og_str key, og_str bytes);
OG_MUST_USE og_status og_store_put_hint(og_ctx *cx, og_store *s, og_str key, og_str bytes);
OG_MUST_USE og_status og_store_put_if_absent(og_ctx *cx, og_store *s, og_str key, og_str bytes);
OG_MUST_USE og_status og_store_delete(og_ctx *cx, og_store *s, og_str key);
OG_MUST_USE og_status og_store_list(og_ctx *cx, og_store *s, og_str prefix, og_str after, og_list_fn fn, void *arg);
OG_MUST_USE og_status og_store_sync(og_ctx *cx, og_store *s, const og_str *keys, size_t n);
OG_MUST_USE og_status og_store_sync_seen(og_ctx *cx, og_store *s, og_str key);
OG_MUST_USE og_status og_store_writer_open(og_ctx *cx, og_store *s, og_str key, og_store_writer **out);
OG_MUST_USE og_status og_store_writer_append(og_ctx *cx, og_store *s, og_store_writer *w, og_str bytes);
OG_MUST_USE og_status og_store_writer_finish(og_ctx *cx, og_store *s, og_store_writer *w);
void og_store_writer_abort(og_ctx *cx, og_store *s, og_store_writer *w);
OG_MUST_USE og_status og_store_probe(og_ctx *cx, og_store *s, og_store_caps *out);

/* False, with nothing raised, for a key that breaks the rules above. */
bool og_key_is_valid(og_str key);

/* Counters of requests, for benchmarks and cost tests: a wrapper that owns a reference to `inner`. */
typedef struct og_store_counts {
  uint64_t gets, puts, puts_if_absent, deletes, lists, syncs, bytes_read, bytes_written;
} og_store_counts;
OG_MUST_USE og_status og_store_counting_new(og_ctx *cx, og_store *inner, og_store **out);
og_store_counts og_store_counting_get(const og_store *s);

/* The fault wrapper: fails, delays or loses the reply of the n-th call that matches. */
typedef enum og_fault_kind {
  OG_FAULT_NONE,
  OG_FAULT_FAIL,       /* the call fails before its effect: OG_EIO */
  OG_FAULT_LOSE_REPLY, /* the effect happens, the caller gets OG_EIO (put_if_absent: OG_EUNKNOWN) */
  OG_FAULT_DELAY       /* yields to the env many times first */
} og_fault_kind;
typedef struct og_fault_plan {
  og_fault_kind kind;
  uint64_t nth; /* 1-based over all calls through the wrapper; 0: never */
  bool sticky;  /* every later call fails too (the machine is gone) */
} og_fault_plan;
OG_MUST_USE og_status og_store_fault_new(og_ctx *cx, og_store *inner, og_store **out);
void og_store_fault_set(og_store *s, og_fault_plan plan); /* resets the call counter */
uint64_t og_store_fault_calls(const og_store *s);
bool og_store_fault_fired(const og_store *s);
