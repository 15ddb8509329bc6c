/* SPDX-License-Identifier: MIT */
/* store/counting.c -- counts requests on their way to another store.
 *
 * A range is one request, as it is on an object store; a sync counts its keys' barrier once;
 * put_hint is a put, and so is a finished writer.  Bytes are counted when they arrived.
 */
#include "store/internal.h"

typedef struct counting_store {
  og_store base;
  og_store *inner; /* a reference */
  _Atomic uint64_t gets, puts, puts_if_absent, deletes, lists, syncs, bytes_read, bytes_written;
} counting_store;

_Static_assert(offsetof(counting_store, base) == 0, "og_store must come first");

struct og_store_writer {
  counting_store *store;
  og_store_writer *inner;
  uint64_t bytes;
};

static counting_store *counting_of(og_store *s)
{
  return (counting_store *)s;
}
static og_store *inner_of(og_store *s)
{
  return counting_of(s)->inner;
}

static void add(_Atomic uint64_t *counter, uint64_t n)
{
  atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static og_status counting_get_range(og_ctx *cx, og_store *s, og_str key, uint64_t off, uint64_t len, og_buf *out)
{
  add(&counting_of(s)->gets, 1);
  OG_TRY(inner_of(s)->ops->get_range(cx, inner_of(s), key, off, len, out));
  add(&counting_of(s)->bytes_read, len);
  return OG_OK;
}

static og_status counting_get_tail(og_ctx *cx, og_store *s, og_str key, uint64_t len, og_buf *out, uint64_t *size)
{
  size_t before = out->len;
  add(&counting_of(s)->gets, 1);
  OG_TRY(inner_of(s)->ops->get_tail(cx, inner_of(s), key, len, out, size));
  add(&counting_of(s)->bytes_read, out->len - before);
  return OG_OK;
}

static og_status counting_get_ranges(og_ctx *cx, og_store *s, og_str key, const og_range *ranges, size_t n,
                                     og_buf *outs)
{
  uint64_t bytes = 0;
  for (size_t i = 0; i < n; i++) bytes += ranges[i].len;
  add(&counting_of(s)->gets, n);
  OG_TRY(inner_of(s)->ops->get_ranges(cx, inner_of(s), key, ranges, n, outs));
  add(&counting_of(s)->bytes_read, bytes);
  return OG_OK;
}

static og_status counting_info(og_ctx *cx, og_store *s, og_str key, og_object_info *out)
{
  add(&counting_of(s)->gets, 1);
  return inner_of(s)->ops->info(cx, inner_of(s), key, out);
}

static og_status counting_put(og_ctx *cx, og_store *s, og_str key, og_str bytes)
{
  add(&counting_of(s)->puts, 1);
  OG_TRY(inner_of(s)->ops->put(cx, inner_of(s), key, bytes));
  add(&counting_of(s)->bytes_written, bytes.len);
  return OG_OK;
}

static og_status counting_put_hint(og_ctx *cx, og_store *s, og_str key, og_str bytes)
{
  add(&counting_of(s)->puts, 1);
  OG_TRY(inner_of(s)->ops->put_hint(cx, inner_of(s), key, bytes));
  add(&counting_of(s)->bytes_written, bytes.len);
  return OG_OK;
}

static og_status counting_put_if_absent(og_ctx *cx, og_store *s, og_str key, og_str bytes)
{
  add(&counting_of(s)->puts_if_absent, 1);
  OG_TRY(inner_of(s)->ops->put_if_absent(cx, inner_of(s), key, bytes));
  add(&counting_of(s)->bytes_written, bytes.len);
  return OG_OK;
}

static og_status counting_del(og_ctx *cx, og_store *s, og_str key)
{
  add(&counting_of(s)->deletes, 1);
  return inner_of(s)->ops->del(cx, inner_of(s), key);
}

static og_status counting_list(og_ctx *cx, og_store *s, og_str prefix, og_str after, og_list_fn fn, void *arg)
{
  add(&counting_of(s)->lists, 1);
  return inner_of(s)->ops->list(cx, inner_of(s), prefix, after, fn, arg);
}

static og_status counting_sync(og_ctx *cx, og_store *s, const og_str *keys, size_t n)
{
  add(&counting_of(s)->syncs, 1);
  return inner_of(s)->ops->sync(cx, inner_of(s), keys, n);
}

static og_status counting_sync_seen(og_ctx *cx, og_store *s, og_str key)
{
  add(&counting_of(s)->syncs, 1);
  return inner_of(s)->ops->sync_seen(cx, inner_of(s), key);
}

static og_status counting_writer_open(og_ctx *cx, og_store *s, og_str key, og_store_writer **out)
{
  og_store_writer *w = og_zalloc(cx, sizeof *w);
  if (!w) return OG_ENOMEM;
  og_status st = inner_of(s)->ops->writer_open(cx, inner_of(s), key, &w->inner);
  if (st != OG_OK) {
    og_free(w);
    return st;
  }
  w->store = counting_of(og_store_ref(s));
  *out = w;
  return OG_OK;
}

static og_status counting_writer_append(og_ctx *cx, og_store_writer *w, og_str bytes)
{
  w->bytes += bytes.len;
  return w->store->inner->ops->writer_append(cx, w->inner, bytes);
}

static void writer_free(og_store_writer *w)
{
  og_store_unref(&w->store->base);
  og_free(w);
}

static og_status counting_writer_finish(og_ctx *cx, og_store_writer *w)
{
  add(&w->store->puts, 1);
  og_status st = w->store->inner->ops->writer_finish(cx, w->inner);
  if (st == OG_OK) add(&w->store->bytes_written, w->bytes);
  writer_free(w);
  return st;
}

static void counting_writer_abort(og_ctx *cx, og_store_writer *w)
{
  w->store->inner->ops->writer_abort(cx, w->inner);
  writer_free(w);
}

static og_status counting_probe(og_ctx *cx, og_store *s, og_store_caps *out)
{
  return inner_of(s)->ops->probe(cx, inner_of(s), out);
}

static void counting_destroy(og_store *s)
{
  og_store_unref(inner_of(s));
  og_free(s);
}

static const og_store_ops counting_ops = {
    .name = "counting",
    .get_range = counting_get_range,
    .get_tail = counting_get_tail,
    .get_ranges = counting_get_ranges,
    .info = counting_info,
    .put = counting_put,
    .put_hint = counting_put_hint,
    .put_if_absent = counting_put_if_absent,
    .del = counting_del,
    .list = counting_list,
    .sync = counting_sync,
    .sync_seen = counting_sync_seen,
    .writer_open = counting_writer_open,
    .writer_append = counting_writer_append,
    .writer_finish = counting_writer_finish,
    .writer_abort = counting_writer_abort,
    .probe = counting_probe,
    .destroy = counting_destroy,
};

og_status og_store_counting_new(og_ctx *cx, og_store *inner, og_store **out)
{
  counting_store *s = og_zalloc(cx, sizeof *s);
  if (!s) return OG_ENOMEM;
  s->inner = og_store_ref(inner);
  og_store__init(&s->base, &counting_ops, inner->root);
  *out = &s->base;
  return OG_OK;
}

static uint64_t value(const _Atomic uint64_t *counter)
{
  return atomic_load_explicit(counter, memory_order_relaxed);
}

og_store_counts og_store_counting_get(const og_store *base)
{
  OG_INVARIANT(base->ops == &counting_ops);
  const counting_store *s = (const counting_store *)base;
  return (og_store_counts){.gets = value(&s->gets),
                           .puts = value(&s->puts),
                           .puts_if_absent = value(&s->puts_if_absent),
                           .deletes = value(&s->deletes),
                           .lists = value(&s->lists),
                           .syncs = value(&s->syncs),
                           .bytes_read = value(&s->bytes_read),
                           .bytes_written = value(&s->bytes_written)};
}
