/* SPDX-License-Identifier: MIT */
/* store/store.c -- the doors of every store, and which store a URI means.
 *
 *  (1) A key is checked here once; below, keys are trusted as names but never as destinations:
 *      local still refuses links.
 *  (2) Each door is a point where the simulated world may switch tasks, so that interleavings
 *      between store calls are explored even over stores without files.
 */
#include "store/store.h"

#include "base/env.h"
#include "store/internal.h"

og_store *og_store_ref(og_store *s)
{
  atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
  return s;
}

void og_store_unref(og_store *s)
{
  if (s && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1) s->ops->destroy(s);
}

og_str og_store_root(const og_store *s)
{
  return s->root;
}

void og_store__init(og_store *s, const og_store_ops *ops, og_str root)
{
  s->ops = ops;
  s->root = root;
  atomic_init(&s->refs, 1);
}

/* -- keys -- */

static bool segment_is_valid(og_str s)
{
  if (s.len > 0 && s.ptr[0] != '.') return true;
  return s.len > 0 && !og_str_eq(s, OG_STR(".")) && !og_str_eq(s, OG_STR("..")) &&
         !og_str_starts_with(s, OG_STR(OG_STORE__TEMP));
}

bool og_key_is_valid(og_str key)
{
  if (key.len == 0 || key.len > OG_STORE__KEY_MAX || og_utf8_check(key) != SIZE_MAX) return false;
  if (memchr(key.ptr, '\0', key.len) || memchr(key.ptr, '\\', key.len)) return false;
  for (;;) {
    const char *slash = memchr(key.ptr, '/', key.len);
    const size_t n = slash ? (size_t)(slash - key.ptr) : key.len;
    if (!segment_is_valid(og_str_from(key.ptr, n))) return false;
    if (!slash) return true;
    key = og_str_from(slash + 1, key.len - n - 1);
    if (key.len == 0) return false;
  }
}

static og_status door(og_ctx *cx, og_str key)
{
  if (!og_key_is_valid(key))
    return og_fail(cx, OG_EINVALID,
                   "\"" OG_STR_FMT "\" is not a valid object key: it must be relative, without \"..\", empty parts "
                   "or backslashes, and at most %u bytes long",
                   OG_STR_ARG(key), OG_STORE__KEY_MAX);
  cx->env->ops->yield(cx->env);
  return OG_OK;
}

/* -- doors -- */

static og_status note_read(og_store *s, og_status st, uint64_t bytes)
{
  if (st == OG_OK) atomic_fetch_add_explicit(&s->bytes_read, bytes, memory_order_relaxed);
  return st;
}

og_status og_store_get(og_ctx *cx, og_store *s, og_str key, uint64_t max, og_buf *out)
{
  OG_TRY(door(cx, key));
  uint64_t size = 0;
  size_t before = out->len;
  uint64_t ask = max < UINT64_MAX ? max + 1 : max; /* one more byte shows that there is more */
  OG_TRY(s->ops->get_tail(cx, s, key, ask, out, &size));
  if (size <= max) return note_read(s, OG_OK, out->len - before);
  out->len = before;
  return og_fail(cx, OG_ELIMIT, OG_STR_FMT "/" OG_STR_FMT " has %llu bytes; at most %llu are read", OG_STR_ARG(s->root),
                 OG_STR_ARG(key), (unsigned long long)size, (unsigned long long)max);
}

og_status og_store_get_range(og_ctx *cx, og_store *s, og_str key, uint64_t off, uint64_t len, og_buf *out)
{
  OG_TRY(door(cx, key));
  return note_read(s, s->ops->get_range(cx, s, key, off, len, out), len);
}

og_status og_store_get_tail(og_ctx *cx, og_store *s, og_str key, uint64_t len, og_buf *out, uint64_t *size)
{
  size_t before = out->len;
  OG_TRY(door(cx, key));
  og_status st = s->ops->get_tail(cx, s, key, len, out, size);
  return note_read(s, st, st == OG_OK ? out->len - before : 0);
}

og_status og_store_get_ranges(og_ctx *cx, og_store *s, og_str key, const og_range *ranges, size_t n, og_buf *outs)
{
  uint64_t bytes = 0;
  OG_TRY(door(cx, key));
  for (size_t i = 0; i < n; i++) bytes += ranges[i].len;
  return note_read(s, s->ops->get_ranges(cx, s, key, ranges, n, outs), bytes);
}

og_status og_store_info(og_ctx *cx, og_store *s, og_str key, og_object_info *out)
{
  OG_TRY(door(cx, key));
  return s->ops->info(cx, s, key, out);
}

og_status og_store_put(og_ctx *cx, og_store *s, og_str key, og_str bytes)
{
  OG_TRY(door(cx, key));
  return s->ops->put(cx, s, key, bytes);
}

og_status og_store_put_hint(og_ctx *cx, og_store *s, og_str key, og_str bytes)
{
  OG_TRY(door(cx, key));
  return s->ops->put_hint(cx, s, key, bytes);
}

og_status og_store_put_if_absent(og_ctx *cx, og_store *s, og_str key, og_str bytes)
{
  OG_TRY(door(cx, key));
  return s->ops->put_if_absent(cx, s, key, bytes);
}

og_status og_store_delete(og_ctx *cx, og_store *s, og_str key)
{
  OG_TRY(door(cx, key));
  return s->ops->del(cx, s, key);
}

/* A prefix is the start of a key: every whole part of it must be valid, the last may be cut
 * anywhere. */
static bool prefix_is_valid(og_str prefix)
{
  size_t slash = og_str_rfind_byte(prefix, '/');
  og_str last = slash == SIZE_MAX ? prefix : og_str_sub(prefix, slash + 1, prefix.len);
  if (slash != SIZE_MAX && !og_key_is_valid(og_str_sub(prefix, 0, slash))) return false;
  return memchr(last.len ? last.ptr : "", '\0', last.len) == NULL;
}

og_status og_store_list(og_ctx *cx, og_store *s, og_str prefix, og_str after, og_list_fn fn, void *arg)
{
  if (!prefix_is_valid(prefix))
    return og_fail(cx, OG_EINVALID, "\"" OG_STR_FMT "\" cannot start an object key", OG_STR_ARG(prefix));
  cx->env->ops->yield(cx->env);
  return s->ops->list(cx, s, prefix, after, fn, arg);
}

og_status og_store_sync(og_ctx *cx, og_store *s, const og_str *keys, size_t n)
{
  for (size_t i = 0; i < n; i++) OG_TRY(door(cx, keys[i]));
  return n == 0 ? OG_OK : s->ops->sync(cx, s, keys, n);
}

og_status og_store_sync_seen(og_ctx *cx, og_store *s, og_str key)
{
  OG_TRY(door(cx, key));
  return s->ops->sync_seen(cx, s, key);
}

og_status og_store_writer_open(og_ctx *cx, og_store *s, og_str key, og_store_writer **out)
{
  OG_TRY(door(cx, key));
  return s->ops->writer_open(cx, s, key, out);
}

og_status og_store_writer_append(og_ctx *cx, og_store *s, og_store_writer *w, og_str bytes)
{
  cx->env->ops->yield(cx->env);
  return s->ops->writer_append(cx, w, bytes);
}

og_status og_store_writer_finish(og_ctx *cx, og_store *s, og_store_writer *w)
{
  cx->env->ops->yield(cx->env);
  return s->ops->writer_finish(cx, w);
}

void og_store_writer_abort(og_ctx *cx, og_store *s, og_store_writer *w)
{
  if (w) s->ops->writer_abort(cx, w);
}

og_status og_store_probe(og_ctx *cx, og_store *s, og_store_caps *out)
{
  cx->env->ops->yield(cx->env);
  return s->ops->probe(cx, s, out);
}

/* -- what a URI means -- */

static int hex_digit(char c)
{
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

static og_status percent_decode(og_ctx *cx, og_str uri, og_str s, og_buf *out)
{
  for (size_t i = 0; i < s.len; i++) {
    char c = s.ptr[i];
    if (c == '%') {
      int high = i + 2 < s.len ? hex_digit(s.ptr[i + 1]) : -1;
      int low = i + 2 < s.len ? hex_digit(s.ptr[i + 2]) : -1;
      if (high < 0 || low < 0)
        return og_fail(cx, OG_EINVALID, "\"" OG_STR_FMT "\": %% must be followed by two hexadecimal digits",
                       OG_STR_ARG(uri));
      c = (char)(high * 16 + low);
      i += 2;
    }
    OG_TRY(og_buf_append_byte(cx, out, (uint8_t)c));
  }
  return OG_OK;
}

/* Length of "scheme" when s begins with "scheme://", else 0. */
static size_t scheme_length(og_str s)
{
  size_t n = og_str_find(s, OG_STR("://"));
  if (n == SIZE_MAX || n < 2) return 0;
  for (size_t i = 0; i < n; i++) {
    char c = s.ptr[i];
    bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (i > 0 && ((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'));
    if (!ok) return 0;
  }
  return n;
}

/* The path a URI names, still as written: relative, with dots. */
static og_status uri_path(og_ctx *cx, og_str uri, og_buf *out)
{
  size_t n = scheme_length(uri);
  if (n == 0) return og_buf_append_str(cx, out, uri);
  og_str scheme = og_str_sub(uri, 0, n), rest = og_str_sub(uri, n + 3, uri.len);
  if (!og_str_eq_fold(scheme, OG_STR("file")))
    return og_fail(cx, OG_EUNSUPPORTED, "stores of the kind \"" OG_STR_FMT "://\" are not supported yet; use a path",
                   OG_STR_ARG(scheme));
  if (og_str_starts_with(rest, OG_STR("localhost/"))) rest = og_str_sub(rest, 9, rest.len);
  if (rest.len == 0 || rest.ptr[0] != '/')
    return og_fail(cx, OG_EINVALID, "\"" OG_STR_FMT "\": a file URI names an absolute path, as in file:///data/graph",
                   OG_STR_ARG(uri));
  return percent_decode(cx, uri, rest, out);
}

static og_status append_part(og_ctx *cx, og_str part, og_buf *out)
{
  if (part.len == 0 || og_str_eq(part, OG_STR("."))) return OG_OK;
  if (og_str_eq(part, OG_STR(".."))) {
    size_t slash = og_str_rfind_byte(og_buf_str(out), '/');
    out->len = slash == SIZE_MAX ? 0 : slash;
    return OG_OK;
  }
  OG_TRY(og_buf_append_byte(cx, out, '/'));
  return og_buf_append_str(cx, out, part);
}

/* Appends the parts of `path` to `out`, resolving "." and ".." by their text. */
static og_status append_parts(og_ctx *cx, og_str path, og_buf *out)
{
  size_t start = 0;
  for (size_t i = 0; i <= path.len; i++) {
    if (i < path.len && path.ptr[i] != '/') continue;
    OG_TRY(append_part(cx, og_str_sub(path, start, i), out));
    start = i + 1;
  }
  return OG_OK;
}

og_status og_store_path(og_ctx *cx, og_str uri, og_buf *out)
{
  OG_AUTO(og_buf) path = {0};
  OG_TRY(uri_path(cx, uri, &path));
  og_str p = og_buf_str(&path);
  if (p.len == 0) return og_fail(cx, OG_EINVALID, "the graph's place is empty; give a path or a file:// URI");
  if (memchr(p.ptr, '\0', p.len)) return og_fail(cx, OG_EINVALID, "the graph's path holds a NUL byte");
  if (og_utf8_check(p) != SIZE_MAX) return og_fail(cx, OG_EINVALID, "the graph's path is not UTF-8");
  if (p.ptr[0] != '/') {
    OG_AUTO(og_buf) cwd = {0};
    OG_TRY(cx->env->ops->cwd(cx, &cwd));
    OG_TRY(append_parts(cx, og_buf_str(&cwd), out));
  }
  OG_TRY(append_parts(cx, p, out));
  return out->len > 0 ? OG_OK : og_fail(cx, OG_EINVALID, "the root folder \"/\" cannot hold a graph");
}

og_status og_store_open(og_ctx *cx, og_str uri, bool read_only, og_store **out)
{
  OG_AUTO(og_buf) path = {0};
  OG_TRY(og_store_path(cx, uri, &path));
  return og_store_local_new(cx, og_buf_str(&path), read_only, out);
}
