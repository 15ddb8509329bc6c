/* SPDX-License-Identifier: MIT */
/* store/fault.c -- a store whose n-th call goes wrong.
 *
 * Every call through the table counts, the parts of a streamed put one by one (abort does not: it
 * cannot fail).  A call is split in two: `before` decides whether it reaches the inner store at
 * all, `after` whether its reply comes back.  A lost reply of put_if_absent is OG_EUNKNOWN, as over
 * a network; of any other call OG_EIO.
 */
#include "base/env.h"
#include "base/mutex.h"
#include "store/internal.h"

#define DELAY_YIELDS 64

typedef struct fault_store {
  og_store base;
  og_store *inner; /* a reference */
  og_mutex mu;     /* guards what follows */
  og_fault_plan plan;
  uint64_t calls;
  bool fired;
} fault_store;

_Static_assert(offsetof(fault_store, base) == 0, "og_store must come first");

struct og_store_writer {
  fault_store *store;
  og_store_writer *inner;
};

static fault_store *fault_of(og_store *s)
{
  return (fault_store *)s;
}
static og_store *inner_of(og_store *s)
{
  return fault_of(s)->inner;
}

/* What happens to this call. */
static og_fault_kind next_fate(fault_store *s)
{
  og_fault_kind fate = OG_FAULT_NONE;
  og_mutex_lock(&s->mu);
  s->calls++;
  if (s->calls == s->plan.nth)
    fate = s->plan.kind;
  else if (s->fired && s->plan.sticky)
    fate = OG_FAULT_FAIL;
  if (fate != OG_FAULT_NONE) s->fired = true;
  og_mutex_unlock(&s->mu);
  return fate;
}

/* *lose: the call goes through, its reply does not. */
static og_status before(og_ctx *cx, fault_store *s, const char *call, bool *lose)
{
  og_fault_kind fate = next_fate(s);
  *lose = fate == OG_FAULT_LOSE_REPLY;
  if (fate == OG_FAULT_FAIL) return og_fail(cx, OG_EIO, "%s: injected failure", call);
  for (int i = 0; fate == OG_FAULT_DELAY && i < DELAY_YIELDS; i++) cx->env->ops->yield(cx->env);
  return OG_OK;
}

static og_status after(og_ctx *cx, og_status st, bool lose, const char *call)
{
  return lose ? og_fail(cx, OG_EIO, "%s: injected loss of the reply", call) : st;
}

static og_status fault_get_range(og_ctx *cx, og_store *s, og_str key, uint64_t off, uint64_t len, og_buf *out)
{
  bool lose;
  size_t len_before = out->len;
  OG_TRY(before(cx, fault_of(s), "get_range", &lose));
  og_status st = inner_of(s)->ops->get_range(cx, inner_of(s), key, off, len, out);
  if (lose) out->len = len_before;
  return after(cx, st, lose, "get_range");
}

static og_status fault_get_tail(og_ctx *cx, og_store *s, og_str key, uint64_t len, og_buf *out, uint64_t *size)
{
  bool lose;
  size_t len_before = out->len;
  uint64_t got = 0;
  OG_TRY(before(cx, fault_of(s), "get_tail", &lose));
  og_status st = inner_of(s)->ops->get_tail(cx, inner_of(s), key, len, out, &got);
  if (lose) out->len = len_before;
  st = after(cx, st, lose, "get_tail");
  if (st == OG_OK) *size = got;
  return st;
}

static og_status fault_get_ranges(og_ctx *cx, og_store *s, og_str key, const og_range *ranges, size_t n, og_buf *outs)
{
  bool lose;
  OG_TRY(before(cx, fault_of(s), "get_ranges", &lose));
  return after(cx, inner_of(s)->ops->get_ranges(cx, inner_of(s), key, ranges, n, outs), lose, "get_ranges");
}

static og_status fault_info(og_ctx *cx, og_store *s, og_str key, og_object_info *out)
{
  bool lose;
  og_object_info info = {0};
  OG_TRY(before(cx, fault_of(s), "info", &lose));
  og_status st = after(cx, inner_of(s)->ops->info(cx, inner_of(s), key, &info), lose, "info");
  if (st == OG_OK) *out = info;
  return st;
}

static og_status fault_put(og_ctx *cx, og_store *s, og_str key, og_str bytes)
{
  bool lose;
  OG_TRY(before(cx, fault_of(s), "put", &lose));
  return after(cx, inner_of(s)->ops->put(cx, inner_of(s), key, bytes), lose, "put");
}

static og_status fault_put_hint(og_ctx *cx, og_store *s, og_str key, og_str bytes)
{
  bool lose;
  OG_TRY(before(cx, fault_of(s), "put_hint", &lose));
  return after(cx, inner_of(s)->ops->put_hint(cx, inner_of(s), key, bytes), lose, "put_hint");
}

static og_status fault_put_if_absent(og_ctx *cx, og_store *s, og_str key, og_str bytes)
{
  bool lose;
  OG_TRY(before(cx, fault_of(s), "put_if_absent", &lose));
  og_status st = inner_of(s)->ops->put_if_absent(cx, inner_of(s), key, bytes);
  if (lose) return og_fail(cx, OG_EUNKNOWN, "put_if_absent: injected loss of the reply");
  return st;
}

static og_status fault_del(og_ctx *cx, og_store *s, og_str key)
{
  bool lose;
  OG_TRY(before(cx, fault_of(s), "delete", &lose));
  return after(cx, inner_of(s)->ops->del(cx, inner_of(s), key), lose, "delete");
}

static og_status fault_list(og_ctx *cx, og_store *s, og_str prefix, og_str after_key, og_list_fn fn, void *arg)
{
  bool lose;
  OG_TRY(before(cx, fault_of(s), "list", &lose));
  return after(cx, inner_of(s)->ops->list(cx, inner_of(s), prefix, after_key, fn, arg), lose, "list");
}

static og_status fault_sync(og_ctx *cx, og_store *s, const og_str *keys, size_t n)
{
  bool lose;
  OG_TRY(before(cx, fault_of(s), "sync", &lose));
  return after(cx, inner_of(s)->ops->sync(cx, inner_of(s), keys, n), lose, "sync");
}

static og_status fault_sync_seen(og_ctx *cx, og_store *s, og_str key)
{
  bool lose;
  OG_TRY(before(cx, fault_of(s), "sync_seen", &lose));
  return after(cx, inner_of(s)->ops->sync_seen(cx, inner_of(s), key), lose, "sync_seen");
}

static og_status fault_writer_open(og_ctx *cx, og_store *s, og_str key, og_store_writer **out)
{
  bool lose;
  OG_TRY(before(cx, fault_of(s), "writer_open", &lose));
  og_store_writer *w = og_zalloc(cx, sizeof *w);
  if (!w) return OG_ENOMEM;
  og_status st = inner_of(s)->ops->writer_open(cx, inner_of(s), key, &w->inner);
  if (st == OG_OK && lose) inner_of(s)->ops->writer_abort(cx, w->inner);
  st = after(cx, st, lose, "writer_open");
  if (st != OG_OK) {
    og_free(w);
    return st;
  }
  w->store = fault_of(og_store_ref(s));
  *out = w;
  return OG_OK;
}

static og_status fault_writer_append(og_ctx *cx, og_store_writer *w, og_str bytes)
{
  bool lose;
  OG_TRY(before(cx, w->store, "writer_append", &lose));
  return after(cx, w->store->inner->ops->writer_append(cx, w->inner, bytes), lose, "writer_append");
}

static void writer_free(og_store_writer *w)
{
  og_store_unref(&w->store->base);
  og_free(w);
}

static void fault_writer_abort(og_ctx *cx, og_store_writer *w)
{
  w->store->inner->ops->writer_abort(cx, w->inner);
  writer_free(w);
}

static og_status fault_writer_finish(og_ctx *cx, og_store_writer *w)
{
  bool lose;
  og_status st = before(cx, w->store, "writer_finish", &lose);
  if (st != OG_OK) {
    fault_writer_abort(cx, w);
    return st;
  }
  st = after(cx, w->store->inner->ops->writer_finish(cx, w->inner), lose, "writer_finish");
  writer_free(w);
  return st;
}

static og_status fault_probe(og_ctx *cx, og_store *s, og_store_caps *out)
{
  bool lose;
  og_store_caps caps = {0};
  OG_TRY(before(cx, fault_of(s), "probe", &lose));
  og_status st = after(cx, inner_of(s)->ops->probe(cx, inner_of(s), &caps), lose, "probe");
  if (st == OG_OK) *out = caps;
  return st;
}

static void fault_destroy(og_store *base)
{
  og_store_unref(inner_of(base));
  og_mutex_cleanup(&fault_of(base)->mu);
  og_free(base);
}

static const og_store_ops fault_ops = {
    .name = "fault",
    .get_range = fault_get_range,
    .get_tail = fault_get_tail,
    .get_ranges = fault_get_ranges,
    .info = fault_info,
    .put = fault_put,
    .put_hint = fault_put_hint,
    .put_if_absent = fault_put_if_absent,
    .del = fault_del,
    .list = fault_list,
    .sync = fault_sync,
    .sync_seen = fault_sync_seen,
    .writer_open = fault_writer_open,
    .writer_append = fault_writer_append,
    .writer_finish = fault_writer_finish,
    .writer_abort = fault_writer_abort,
    .probe = fault_probe,
    .destroy = fault_destroy,
};

og_status og_store_fault_new(og_ctx *cx, og_store *inner, og_store **out)
{
  fault_store *s = og_zalloc(cx, sizeof *s);
  if (!s) return OG_ENOMEM;
  og_mutex_init(&s->mu);
  s->inner = og_store_ref(inner);
  og_store__init(&s->base, &fault_ops, inner->root);
  *out = &s->base;
  return OG_OK;
}

void og_store_fault_set(og_store *base, og_fault_plan plan)
{
  OG_INVARIANT(base->ops == &fault_ops);
  fault_store *s = fault_of(base);
  og_mutex_lock(&s->mu);
  s->plan = plan;
  s->calls = 0;
  s->fired = false;
  og_mutex_unlock(&s->mu);
}

/* The mutex is not part of what a const store promises to keep. */
uint64_t og_store_fault_calls(const og_store *base)
{
  fault_store *s = (fault_store *)(uintptr_t)base;
  og_mutex_lock(&s->mu);
  uint64_t calls = s->calls;
  og_mutex_unlock(&s->mu);
  return calls;
}

bool og_store_fault_fired(const og_store *base)
{
  fault_store *s = (fault_store *)(uintptr_t)base;
  og_mutex_lock(&s->mu);
  bool fired = s->fired;
  og_mutex_unlock(&s->mu);
  return fired;
}
