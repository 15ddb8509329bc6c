/* SPDX-License-Identifier: MIT */
/* store/local.c -- a folder of a file system as an object store.
 *
 *  (1) An object appears whole: its bytes go to a temporary in the same folder (".tmp-<random>"),
 *      which takes the object's name by rename, or by link where nothing may be replaced.
 *  (2) put_if_absent: temporary written and synced; link; temporary unlinked; folder synced.  The
 *      unlink comes before the folder's sync, so that the folder is clean afterwards and a reader's
 *      sync of it costs nothing; nobody was told of the object before that sync.  An answer that is
 *      not definite (a network file system whose reply was lost) is settled by identity: the name
 *      and the temporary are the same file exactly when our link happened.
 *  (3) A folder is used by a process only after its entry, and those of the folders above it up to
 *      the root's parent, were made durable *by this process*: whoever made it may have died before
 *      syncing its parent.  `known` holds what this process has made sure of.
 *  (4) sync is one barrier: files, their folders and the parents of (3) in one sync_paths.  No
 *      order is needed inside, since nothing refers to these objects yet.
 *  (5) Nothing is followed out of the root: keys have no "..", a folder below the root that is a
 *      link is refused when first met, and files are opened without following links.  (The root
 *      itself may be reached by a link.)
 *  (6) After a failed sync nothing is synced again: the temporary is thrown away, and the caller
 *      writes new objects.
 *
 * Leftovers of a killed process are temporaries; list hides them.
 */
#include "base/env.h"
#include "base/map.h"
#include "base/mutex.h"
#include "base/vec.h"
#include "store/internal.h"

#include <stdio.h>

#define TEMP_RANDOM   8u /* bytes in a temporary's name */
#define WRITER_BUFFER ((size_t)256 << 10)

typedef enum folder_state {
  FOLDER_REAL = 1,   /* it exists, and is not a link */
  FOLDER_DURABLE = 2 /* its entry in its parent is durable */
} folder_state;

typedef struct local_store {
  og_store base;
  bool read_only;
  og_mutex mu;  /* guards known; held for look-ups only */
  og_map known; /* folder relative to the root ("" is the root) -> folder_state bits */
} local_store;

_Static_assert(offsetof(local_store, base) == 0, "og_store must come first");

struct og_store_writer {
  local_store *store; /* a reference */
  og_file *file;
  og_buf pending;
  og_buf temp; /* path with its NUL */
  og_str key;  /* behind the struct */
};

static local_store *local_of(og_store *s)
{
  return (local_store *)s;
}

static const og_env_ops *env_of(const og_ctx *cx)
{
  return cx->env->ops;
}

static const char *chars(const og_buf *path)
{
  return (const char *)path->data;
}

/* -- paths -- */

/* The object's path with its NUL.  An empty key is the root. */
static og_status path_of(og_ctx *cx, const local_store *s, og_str key, og_buf *out)
{
  og_buf_clear(out);
  OG_TRY(og_buf_append_str(cx, out, s->base.root));
  if (key.len > 0) OG_TRY(og_buf_append_byte(cx, out, '/'));
  OG_TRY(og_buf_append_str(cx, out, key));
  return og_buf_append_byte(cx, out, '\0');
}

/* The folder that holds `key`, relative to the root. */
static og_str folder_of(og_str key)
{
  size_t slash = og_str_rfind_byte(key, '/');
  return slash == SIZE_MAX ? og_str_sub(key, 0, 0) : og_str_sub(key, 0, slash);
}

/* A fresh temporary in the key's folder. */
static og_status temp_path(og_ctx *cx, const local_store *s, og_str key, og_buf *out)
{
  uint8_t bits[TEMP_RANDOM];
  OG_TRY(og_random(cx, bits, sizeof bits));
  OG_TRY(path_of(cx, s, folder_of(key), out));
  out->len--; /* the NUL */
  OG_TRY(og_buf_append_str(cx, out, OG_STR("/" OG_STORE__TEMP)));
  for (size_t i = 0; i < sizeof bits; i++) OG_TRY(og_buf_printf(cx, out, "%02x", bits[i]));
  return og_buf_append_byte(cx, out, '\0');
}

/* -- folders -- */

static unsigned known_get(local_store *s, og_str folder)
{
  uint64_t bits = 0;
  og_mutex_lock(&s->mu);
  if (!og_map_get(&s->known, folder, &bits)) bits = 0;
  og_mutex_unlock(&s->mu);
  return (unsigned)bits;
}

static og_status known_add(og_ctx *cx, local_store *s, og_str folder, unsigned bits)
{
  og_mutex_lock(&s->mu);
  uint64_t *value = og_map_at(cx, &s->known, folder, NULL);
  if (value) *value |= bits;
  og_mutex_unlock(&s->mu);
  return value ? OG_OK : OG_ENOMEM;
}

static og_status check_real(og_ctx *cx, const char *path)
{
  og_file_info info;
  OG_TRY(env_of(cx)->path_info(cx, path, &info));
  if (info.is_link)
    return og_fail(cx, OG_EDENIED,
                   "%s is a symbolic link, which is not followed inside a graph; replace it by a real folder", path);
  if (!info.is_dir) return og_fail(cx, OG_EINVALID, "%s is not a folder", path);
  return OG_OK;
}

/* One folder below the root: is there and real; made when `make`. */
static og_status meet_folder(og_ctx *cx, local_store *s, og_str folder, bool make)
{
  if (known_get(s, folder) & FOLDER_REAL) return OG_OK;
  OG_AUTO(og_buf) path = {0};
  OG_TRY(path_of(cx, s, folder, &path));
  og_status st = check_real(cx, chars(&path));
  if (st == OG_ENOTFOUND && make) {
    og_error_clear(cx);
    st = env_of(cx)->mkdir(cx, chars(&path));
    if (st == OG_EEXISTS) {
      og_error_clear(cx);
      st = check_real(cx, chars(&path));
    }
  }
  OG_TRY(st);
  return known_add(cx, s, folder, FOLDER_REAL);
}

static og_status make_root(og_ctx *cx, local_store *s)
{
  if (known_get(s, OG_STR_NONE) & FOLDER_REAL) return OG_OK;
  OG_AUTO(og_buf) root = {0};
  unsigned made = 0;
  OG_TRY(path_of(cx, s, OG_STR_NONE, &root));
  OG_TRY(og_env_make_dirs(cx, chars(&root), &made)); /* which syncs the entries of those it made */
  return known_add(cx, s, OG_STR_NONE, made > 0 ? FOLDER_REAL | FOLDER_DURABLE : FOLDER_REAL);
}

/* All folders on the way to `key`.  OG_ENOTFOUND when one is missing and not to be made. */
static og_status meet_folders(og_ctx *cx, local_store *s, og_str key, bool make)
{
  og_str folder = folder_of(key);
  if (make) OG_TRY(make_root(cx, s));
  if (folder.len == 0 || (known_get(s, folder) & FOLDER_REAL)) return OG_OK;
  for (size_t i = 1; i <= folder.len; i++) {
    if (i < folder.len && folder.ptr[i] != '/') continue;
    OG_TRY(meet_folder(cx, s, og_str_sub(folder, 0, i), make));
  }
  return OG_OK;
}

/* The root's own entry.  A parent that may not be read was not made by whoever made the graph, so
 * its entries are not of yesterday either. */
static og_status sync_root_entry(og_ctx *cx, local_store *s)
{
  if (known_get(s, OG_STR_NONE) & FOLDER_DURABLE) return OG_OK;
  OG_AUTO(og_buf) path = {0};
  og_str parent = folder_of(s->base.root);
  OG_TRY(og_buf_append_str(cx, &path, parent.len > 0 ? parent : OG_STR("/")));
  OG_TRY(og_buf_append_byte(cx, &path, '\0'));
  og_status st = env_of(cx)->sync_dir(cx, chars(&path));
  if (st == OG_EDENIED) {
    og_error_clear(cx);
    st = OG_OK;
  }
  OG_TRY(st);
  return known_add(cx, s, OG_STR_NONE, FOLDER_DURABLE);
}

/* -- one barrier -- */

/* What a barrier syncs: distinct paths, and the folders whose entries are durable once it is
 * through. */
typedef struct barrier {
  og_map paths;   /* path without NUL (copied with one) -> 0 */
  og_map folders; /* relative folder -> 0 */
} barrier;

static void barrier_cleanup(barrier *b)
{
  og_map_cleanup(&b->paths);
  og_map_cleanup(&b->folders);
}

static og_status barrier_path(og_ctx *cx, const local_store *s, barrier *b, og_str key)
{
  OG_AUTO(og_buf) path = {0};
  OG_TRY(path_of(cx, s, key, &path));
  return og_map_put(cx, &b->paths, og_str_from(path.data, path.len - 1), 0, NULL);
}

/* The folder's entries, and the entries by which it and the folders above it are reached. */
static og_status barrier_folder(og_ctx *cx, local_store *s, barrier *b, og_str folder)
{
  bool was_new;
  OG_TRY(og_map_put(cx, &b->folders, folder, 0, &was_new));
  if (was_new) OG_TRY(barrier_path(cx, s, b, folder));
  while (folder.len > 0 && !(known_get(s, folder) & FOLDER_DURABLE)) {
    OG_TRY(og_map_put(cx, &b->folders, folder, 0, NULL));
    folder = folder_of(folder);
    OG_TRY(barrier_path(cx, s, b, folder));
  }
  return OG_OK;
}

static og_status barrier_run(og_ctx *cx, local_store *s, barrier *b)
{
  OG_TRY(sync_root_entry(cx, s));
  OG_AUTO(og_vec) paths = OG_VEC_INIT(const char *);
  const og_map_entry *e;
  for (size_t at = 0; (e = og_map_next(&b->paths, &at)) != NULL;) OG_TRY(og_vec_add(cx, &paths, &e->key.ptr));
  OG_TRY(env_of(cx)->sync_paths(cx, (const char *const *)paths.data, paths.len));
  for (size_t at = 0; (e = og_map_next(&b->folders, &at)) != NULL;)
    if (e->key.len > 0) OG_TRY(known_add(cx, s, e->key, FOLDER_DURABLE));
  return OG_OK;
}

static og_status sync_keys(og_ctx *cx, local_store *s, const og_str *keys, size_t n, bool files)
{
  OG_AUTO(barrier) b;
  og_map_init(&b.paths, true);
  og_map_init(&b.folders, true);
  for (size_t i = 0; i < n; i++) {
    if (files) OG_TRY(barrier_path(cx, s, &b, keys[i]));
    OG_TRY(barrier_folder(cx, s, &b, folder_of(keys[i])));
  }
  return barrier_run(cx, s, &b);
}

static og_status local_sync(og_ctx *cx, og_store *base, const og_str *keys, size_t n)
{
  for (size_t i = 0; i < n; i++) OG_TRY(meet_folders(cx, local_of(base), keys[i], false));
  return sync_keys(cx, local_of(base), keys, n, true);
}

static og_status local_sync_seen(og_ctx *cx, og_store *base, og_str key)
{
  OG_TRY(meet_folders(cx, local_of(base), key, false));
  return sync_keys(cx, local_of(base), &key, 1, false);
}

/* -- reading -- */

static og_status open_object(og_ctx *cx, local_store *s, og_str key, og_file **out)
{
  OG_AUTO(og_buf) path = {0};
  OG_TRY(meet_folders(cx, s, key, false));
  OG_TRY(path_of(cx, s, key, &path));
  return env_of(cx)->file_open(cx, chars(&path), OG_OPEN_READ, out);
}

/* Ranges up to this are read without asking for the object's size before. */
#define SHORT_RANGE (256u << 10)

/* Appends the range.  The size is checked before much memory is taken: lengths come from files. */
static og_status read_range(og_ctx *cx, const local_store *s, og_str key, og_file *f, og_range r, og_buf *out)
{
  og_file_info info = {.size = UINT64_MAX};
  if (r.len > SHORT_RANGE) OG_TRY(env_of(cx)->file_info(cx, f, &info));
  if (r.off > info.size || r.len > info.size - r.off)
    return og_fail(cx, OG_ECORRUPT,
                   OG_STR_FMT "/" OG_STR_FMT
                              ": bytes %llu + %llu were asked for, but it has only %llu; it was cut short",
                   OG_STR_ARG(s->base.root), OG_STR_ARG(key), (unsigned long long)r.off, (unsigned long long)r.len,
                   (unsigned long long)info.size);
  if (r.len == 0) return OG_OK;
  OG_TRY(og_buf_reserve(cx, out, (size_t)r.len));
  OG_TRY(env_of(cx)->file_read(cx, f, r.off, out->data + out->len, (size_t)r.len));
  out->len += (size_t)r.len;
  return OG_OK;
}

static og_status local_get_ranges(og_ctx *cx, og_store *base, og_str key, const og_range *ranges, size_t n,
                                  og_buf *outs)
{
  og_file *f = NULL;
  OG_TRY(open_object(cx, local_of(base), key, &f));
  og_status st = OG_OK;
  for (size_t i = 0; i < n && st == OG_OK; i++) st = read_range(cx, local_of(base), key, f, ranges[i], &outs[i]);
  env_of(cx)->file_close(cx->env, f);
  return st;
}

static og_status local_get_range(og_ctx *cx, og_store *base, og_str key, uint64_t off, uint64_t len, og_buf *out)
{
  return local_get_ranges(cx, base, key, &(og_range){off, len}, 1, out);
}

static og_status local_get_tail(og_ctx *cx, og_store *base, og_str key, uint64_t len, og_buf *out, uint64_t *size)
{
  og_file *f = NULL;
  OG_TRY(open_object(cx, local_of(base), key, &f));
  og_file_info info = {0};
  og_status st = env_of(cx)->file_info(cx, f, &info);
  if (len > info.size) len = info.size;
  if (st == OG_OK) st = read_range(cx, local_of(base), key, f, (og_range){info.size - len, len}, out);
  env_of(cx)->file_close(cx->env, f);
  if (st == OG_OK) *size = info.size;
  return st;
}

static og_status local_info(og_ctx *cx, og_store *base, og_str key, og_object_info *out)
{
  OG_AUTO(og_buf) path = {0};
  OG_TRY(meet_folders(cx, local_of(base), key, false));
  OG_TRY(path_of(cx, local_of(base), key, &path));
  og_file_info info;
  OG_TRY(env_of(cx)->path_info(cx, chars(&path), &info));
  if (info.is_link)
    return og_fail(cx, OG_EDENIED, "%s is a symbolic link, which is not followed inside a graph", chars(&path));
  if (info.is_dir) return og_fail(cx, OG_ENOTFOUND, "%s is a folder, not an object", chars(&path));
  *out = (og_object_info){.size = info.size, .stamp = {info.dev, info.ino, (uint64_t)info.ctime_ns}};
  return OG_OK;
}

/* -- writing -- */

static og_status check_writable(og_ctx *cx, const local_store *s)
{
  if (!s->read_only) return OG_OK;
  return og_fail(cx, OG_EREADONLY, OG_STR_FMT " was opened read-only", OG_STR_ARG(s->base.root));
}

/* Best effort, and the current error stays. */
static void remove_temp(og_ctx *cx, const og_buf *temp)
{
  og_error kept = *cx->err;
  (void)!env_of(cx)->unlink(cx, chars(temp));
  *cx->err = kept;
}

static og_status fill_temp(og_ctx *cx, og_file *f, og_str bytes, bool sync)
{
  if (bytes.len > 0) OG_TRY(env_of(cx)->file_append(cx, f, bytes.ptr, bytes.len));
  return sync ? env_of(cx)->file_sync(cx, f) : OG_OK;
}

/* A new temporary beside `key`, open for writing.  Folders that went since we met them are met, and
 * made, anew. */
static og_status create_temp(og_ctx *cx, local_store *s, og_str key, og_buf *temp, og_file **out)
{
  OG_TRY(check_writable(cx, s));
  OG_TRY(meet_folders(cx, s, key, true));
  OG_TRY(temp_path(cx, s, key, temp));
  og_status st = env_of(cx)->file_open(cx, chars(temp), OG_OPEN_CREATE_NEW, out);
  if (st != OG_ENOTFOUND) return st;
  og_error_clear(cx);
  og_mutex_lock(&s->mu);
  og_map_clear(&s->known);
  og_mutex_unlock(&s->mu);
  OG_TRY(meet_folders(cx, s, key, true));
  return env_of(cx)->file_open(cx, chars(temp), OG_OPEN_CREATE_NEW, out);
}

/* A temporary beside `key` with these bytes; nothing is left on failure. */
static og_status write_temp(og_ctx *cx, local_store *s, og_str key, og_str bytes, bool sync, og_buf *temp)
{
  og_file *f = NULL;
  OG_TRY(create_temp(cx, s, key, temp, &f));
  og_status st = fill_temp(cx, f, bytes, sync);
  env_of(cx)->file_close(cx->env, f);
  if (st != OG_OK) remove_temp(cx, temp);
  return st;
}

static og_status name_temp(og_ctx *cx, const local_store *s, og_str key, const og_buf *temp)
{
  OG_AUTO(og_buf) path = {0};
  og_status st = path_of(cx, s, key, &path);
  if (st == OG_OK) st = env_of(cx)->rename(cx, chars(temp), chars(&path));
  if (st != OG_OK) remove_temp(cx, temp);
  return st;
}

static og_status local_put_hint(og_ctx *cx, og_store *base, og_str key, og_str bytes)
{
  OG_AUTO(og_buf) temp = {0};
  OG_TRY(write_temp(cx, local_of(base), key, bytes, false, &temp));
  return name_temp(cx, local_of(base), key, &temp);
}

/* Bytes that replace an object are synced first: a rename may reach the disk before the bytes do.
 */
static og_status local_put(og_ctx *cx, og_store *base, og_str key, og_str bytes)
{
  OG_AUTO(og_buf) temp = {0};
  og_object_info info;
  og_status st = local_info(cx, base, key, &info);
  if (st != OG_OK && st != OG_ENOTFOUND) return st;
  og_error_clear(cx);
  OG_TRY(write_temp(cx, local_of(base), key, bytes, st == OG_OK, &temp));
  return name_temp(cx, local_of(base), key, &temp);
}

/* Whether `path` is the temporary under its final name. */
static bool is_same_file(og_ctx *cx, const char *path, const char *temp)
{
  og_file_info a, b;
  og_error kept = *cx->err;
  bool same = env_of(cx)->path_info(cx, path, &a) == OG_OK && !a.is_link &&
              env_of(cx)->path_info(cx, temp, &b) == OG_OK && a.dev == b.dev && a.ino == b.ino;
  *cx->err = kept;
  return same;
}

/* OG_OK: the object is ours; OG_EEXISTS: somebody else's; OG_EUNKNOWN: cannot be told. */
static og_status link_temp(og_ctx *cx, const og_buf *temp, const og_buf *path)
{
  og_status st = env_of(cx)->link(cx, chars(temp), chars(path));
  if (st != OG_EEXISTS && st != OG_EIO) return st;
  if (is_same_file(cx, chars(path), chars(temp))) {
    og_error_clear(cx);
    return OG_OK;
  }
  if (st == OG_EEXISTS) return st;
  cx->err->status = OG_EUNKNOWN;
  return og_note(cx, OG_EUNKNOWN, "creating %s, which may have happened", chars(path));
}

static og_status local_put_if_absent(og_ctx *cx, og_store *base, og_str key, og_str bytes)
{
  local_store *s = local_of(base);
  OG_AUTO(og_buf) temp = {0};
  OG_AUTO(og_buf) path = {0};
  OG_TRY(path_of(cx, s, key, &path));
  OG_TRY(write_temp(cx, s, key, bytes, true, &temp));
  og_status st = link_temp(cx, &temp, &path);
  remove_temp(cx, &temp);
  OG_TRY(st);
  st = sync_keys(cx, s, &key, 1, false);
  if (st == OG_OK || st == OG_ECANCELLED) return st;
  cx->err->status = OG_EUNKNOWN;
  return og_note(cx, OG_EUNKNOWN, "making %s durable: it exists, but may not survive a power loss", chars(&path));
}

static og_status local_del(og_ctx *cx, og_store *base, og_str key)
{
  OG_AUTO(og_buf) path = {0};
  OG_TRY(check_writable(cx, local_of(base)));
  og_status st = meet_folders(cx, local_of(base), key, false);
  if (st == OG_OK) st = path_of(cx, local_of(base), key, &path);
  if (st == OG_OK) st = env_of(cx)->unlink(cx, chars(&path));
  if (st != OG_ENOTFOUND) return st;
  og_error_clear(cx);
  return OG_OK;
}

/* -- streaming -- */

static void writer_free(og_store_writer *w)
{
  og_buf_cleanup(&w->pending);
  og_buf_cleanup(&w->temp);
  og_store_unref(&w->store->base);
  og_free(w);
}

static og_status local_writer_open(og_ctx *cx, og_store *base, og_str key, og_store_writer **out)
{
  og_store_writer *w = og_alloc(cx, sizeof *w + key.len);
  if (!w) return OG_ENOMEM;
  *w = (og_store_writer){.store = local_of(base), .key = {(const char *)(w + 1), key.len}};
  memcpy(w + 1, key.ptr, key.len);
  og_store_ref(base);
  og_status st = create_temp(cx, w->store, key, &w->temp, &w->file);
  if (st == OG_OK)
    *out = w;
  else
    writer_free(w);
  return st;
}

static og_status writer_flush(og_ctx *cx, og_store_writer *w)
{
  if (w->pending.len == 0) return OG_OK;
  OG_TRY(env_of(cx)->file_append(cx, w->file, w->pending.data, w->pending.len));
  og_buf_clear(&w->pending);
  return OG_OK;
}

static og_status local_writer_append(og_ctx *cx, og_store_writer *w, og_str bytes)
{
  if (w->pending.len + bytes.len > WRITER_BUFFER) OG_TRY(writer_flush(cx, w));
  if (bytes.len >= WRITER_BUFFER) return env_of(cx)->file_append(cx, w->file, bytes.ptr, bytes.len);
  return og_buf_append_str(cx, &w->pending, bytes);
}

static og_status local_writer_finish(og_ctx *cx, og_store_writer *w)
{
  og_status st = writer_flush(cx, w);
  env_of(cx)->file_close(cx->env, w->file);
  if (st == OG_OK)
    st = name_temp(cx, w->store, w->key, &w->temp);
  else
    remove_temp(cx, &w->temp);
  writer_free(w);
  return st;
}

static void local_writer_abort(og_ctx *cx, og_store_writer *w)
{
  env_of(cx)->file_close(cx->env, w->file);
  remove_temp(cx, &w->temp);
  writer_free(w);
}

/* -- listing -- */

typedef struct listed {
  og_str key; /* in the list's arena; a folder's ends with '/' so that it sorts where its objects do */
  bool is_dir;
} listed;

typedef struct lister {
  local_store *store;
  og_str prefix, after;
  og_list_fn fn;
  void *arg;
  og_arena arena;
  og_vec todo;   /* listed, a heap: the smallest key first, for who lists may stop early */
  og_str folder; /* being read: "" or "a/b/" */
} lister;

static void lister_cleanup(lister *l)
{
  og_arena_cleanup(&l->arena);
  og_vec_cleanup(&l->todo);
}

/* Whether something under this entry can start with the prefix and come after `after`. */
static bool is_wanted(const lister *l, og_str key, bool is_dir)
{
  if (!is_dir) return og_str_starts_with(key, l->prefix) && og_str_cmp(key, l->after) > 0;
  if (!og_str_starts_with(key, l->prefix) && !og_str_starts_with(l->prefix, key)) return false;
  return og_str_starts_with(l->after, key) || og_str_cmp(key, l->after) > 0;
}

static void heap_up(listed *h, size_t i)
{
  const listed e = h[i];
  for (; i > 0 && og_str_cmp(e.key, h[(i - 1) / 2].key) < 0; i = (i - 1) / 2) h[i] = h[(i - 1) / 2];
  h[i] = e;
}

static void heap_down(listed *h, size_t n)
{
  const listed e = h[0];
  size_t i = 0, k = 1;
  for (; k < n; i = k, k = 2 * k + 1) {
    if (k + 1 < n && og_str_cmp(h[k + 1].key, h[k].key) < 0) k++;
    if (og_str_cmp(e.key, h[k].key) <= 0) break;
    h[i] = h[k];
  }
  h[i] = e;
}

static listed take_next(lister *l)
{
  listed *h = l->todo.data, first = h[0];
  h[0] = h[--l->todo.len];
  if (l->todo.len > 1) heap_down(h, l->todo.len);
  return first;
}

static og_status list_entry(og_ctx *cx, void *arg, og_str name, bool is_dir)
{
  lister *l = arg;
  if (og_str_starts_with(name, OG_STR(OG_STORE__TEMP)) || !og_key_is_valid(name)) return OG_OK;
  if (l->folder.len + name.len > OG_STORE__KEY_MAX) return OG_OK; /* not a name we could have given */
  char *to = og_arena_alloc(cx, &l->arena, l->folder.len + name.len + 1);
  if (!to) return OG_ENOMEM;
  if (l->folder.len) memcpy(to, l->folder.ptr, l->folder.len);
  memcpy(to + l->folder.len, name.ptr, name.len);
  to[l->folder.len + name.len] = '/';
  const listed e = {.key = og_str_from(to, l->folder.len + name.len + is_dir), .is_dir = is_dir};
  if (!is_wanted(l, e.key, is_dir)) return OG_OK;
  OG_TRY(og_vec_add(cx, &l->todo, &e));
  heap_up(l->todo.data, l->todo.len - 1);
  return OG_OK;
}

/* Puts the wanted entries of one folder ("" or "a/b/") on `todo`; they all come behind the folder itself. */
static og_status list_folder(og_ctx *cx, lister *l, og_str folder)
{
  OG_AUTO(og_buf) path = {0};
  l->folder = folder;
  OG_TRY(path_of(cx, l->store, folder.len > 0 ? og_str_sub(folder, 0, folder.len - 1) : folder, &path));
  og_status st = meet_folders(cx, l->store, folder, false);
  if (st == OG_OK) st = env_of(cx)->list_dir(cx, chars(&path), list_entry, l);
  if (st == OG_ENOTFOUND) {
    og_error_clear(cx);
    return OG_OK;
  }
  return st;
}

static og_status list_object(og_ctx *cx, lister *l, og_str key)
{
  OG_AUTO(og_buf) path = {0};
  OG_TRY(path_of(cx, l->store, key, &path));
  og_file_info info;
  og_status st = env_of(cx)->path_info(cx, chars(&path), &info);
  if (st == OG_ENOTFOUND) { /* deleted since the folder was read */
    og_error_clear(cx);
    return OG_OK;
  }
  OG_TRY(st);
  if (info.is_link || info.is_dir) return OG_OK;
  return l->fn(cx, l->arg, key, info.size);
}

static og_status list_all(og_ctx *cx, lister *l)
{
  size_t slash = og_str_rfind_byte(l->prefix, '/');
  OG_TRY(list_folder(cx, l, slash == SIZE_MAX ? OG_STR_NONE : og_str_sub(l->prefix, 0, slash + 1)));
  while (l->todo.len > 0) {
    const listed e = take_next(l);
    OG_TRY(e.is_dir ? list_folder(cx, l, e.key) : list_object(cx, l, e.key));
  }
  return OG_OK;
}

static og_status local_list(og_ctx *cx, og_store *base, og_str prefix, og_str after, og_list_fn fn, void *arg)
{
  OG_AUTO(lister)
  l = {.store = local_of(base), .prefix = prefix, .after = after, .fn = fn, .arg = arg};
  og_vec_init(&l.todo, sizeof(listed));
  og_status st = list_all(cx, &l);
  if (st != OG_LIST_STOP) return st;
  og_error_clear(cx);
  return OG_OK;
}

/* -- probing, life -- */

/* Makes two names for one temporary and checks that a third attempt is refused. */
static og_status probe_links(og_ctx *cx, const og_buf *temp, const og_buf *name)
{
  OG_TRY(env_of(cx)->link(cx, chars(temp), chars(name)));
  og_status st = env_of(cx)->link(cx, chars(temp), chars(name));
  remove_temp(cx, name);
  if (st == OG_EEXISTS) {
    og_error_clear(cx);
    return OG_OK;
  }
  if (st != OG_OK) return st;
  return og_fail(cx, OG_EUNSUPPORTED,
                 "%s: this file system replaces a file where it must refuse; put the graph on another one",
                 chars(name));
}

static og_status local_probe(og_ctx *cx, og_store *base, og_store_caps *out)
{
  local_store *s = local_of(base);
  og_store_caps caps = {.put_if_absent = !s->read_only, .stamp_is_identity = true};
  if (!s->read_only) {
    OG_AUTO(og_buf) temp = {0};
    OG_AUTO(og_buf) name = {0};
    OG_TRY(write_temp(cx, s, OG_STR("probe"), OG_STR("probe"), false, &temp));
    og_status st = temp_path(cx, s, OG_STR("probe"), &name);
    if (st == OG_OK) st = probe_links(cx, &temp, &name);
    remove_temp(cx, &temp);
    OG_TRY(st);
  }
  *out = caps;
  return OG_OK;
}

static void local_destroy(og_store *base)
{
  local_store *s = local_of(base);
  og_map_cleanup(&s->known);
  og_mutex_cleanup(&s->mu);
  og_free(s);
}

static const og_store_ops local_ops = {
    .name = "local",
    .get_range = local_get_range,
    .get_tail = local_get_tail,
    .get_ranges = local_get_ranges,
    .info = local_info,
    .put = local_put,
    .put_hint = local_put_hint,
    .put_if_absent = local_put_if_absent,
    .del = local_del,
    .list = local_list,
    .sync = local_sync,
    .sync_seen = local_sync_seen,
    .writer_open = local_writer_open,
    .writer_append = local_writer_append,
    .writer_finish = local_writer_finish,
    .writer_abort = local_writer_abort,
    .probe = local_probe,
    .destroy = local_destroy,
};

og_status og_store_local_new(og_ctx *cx, og_str root, bool read_only, og_store **out)
{
  if (root.len < 2 || root.ptr[0] != '/' || root.ptr[root.len - 1] == '/')
    return og_fail(cx, OG_EINVALID, "\"" OG_STR_FMT "\" is not an absolute folder", OG_STR_ARG(root));
  local_store *s = og_alloc(cx, sizeof *s + root.len);
  if (!s) return OG_ENOMEM;
  memcpy(s + 1, root.ptr, root.len);
  s->read_only = read_only;
  og_mutex_init(&s->mu);
  og_map_init(&s->known, true);
  og_store__init(&s->base, &local_ops, og_str_from(s + 1, root.len));
  *out = &s->base;
  return OG_OK;
}
