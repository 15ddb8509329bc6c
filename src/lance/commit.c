/* SPDX-License-Identifier: MIT */
/* lance/commit.c -- a change made the newest version of its own table: the commit of a table that is part of no graph.
 *
 *  (1) Files are durable before the manifest that names them is put; put_if_absent is durable when it returns.
 *  (2) A number that is taken was somebody's commit: the change is rendered again on top of it, if conflict.c lets it,
 *      and nothing is written twice.
 *  (3) A put whose reply was lost is repeated until the answer is definite; "taken" is then our own commit when the
 *      object has our bytes, which name our attempt.
 *  (4) A number below the newest may be free because its version was cleaned up.  Who was so slow that this could be
 *      looks whether it stands on anything.
 *  (5) A version that somebody else made is built upon only once it is durable: its maker may be a Lance that never
 *      synced it.
 */
#include "base/env.h"
#include "base/limits.h"
#include "lance/change_impl.h"

#include <inttypes.h>

#define UNKNOWN_TRIES 12

typedef struct attempt {
  og_lance_change *c;
  og_lance_fits_fn fits;
  void *arg;
  og_lance_table *newer; /* what the change is rendered on, when that is not its own base */
  size_t synced;         /* of c->keys */
} attempt;

static og_status sync_new_keys(og_ctx *cx, attempt *a)
{
  const og_vec *keys = &a->c->keys;
  const size_t n = keys->len - a->synced;
  OG_TRY(og_store_sync(cx, a->c->at.store, (const og_str *)keys->data + a->synced, n));
  a->synced = keys->len;
  return OG_OK;
}

/* After a lost reply: is what stands at our number what we put there? */
static og_status is_ours(og_ctx *cx, const og_lance_change *c, bool *ours)
{
  OG_AUTO(og_buf) there = {0};
  OG_TRY(og_store_get(cx, c->at.store, c->manifest_key, OG_LIMIT_MANIFEST_BYTES, &there));
  *ours = og_str_eq(og_buf_str(&there), og_buf_str(&c->bytes));
  return OG_OK;
}

/* OG_OK, OG_EEXISTS or a failure; once a reply was lost, a failure is OG_EUNKNOWN. */
static og_status put(og_ctx *cx, og_lance_change *c)
{
  bool ours = false;
  og_status st = og_lance_change_put(cx, c);
  if (st != OG_EUNKNOWN) return st;
  for (unsigned i = 0; st != OG_OK && st != OG_EEXISTS && i < UNKNOWN_TRIES && og_ctx_poll(cx) == OG_OK; i++) {
    cx->env->ops->sleep_ns(cx->env, UINT64_C(1000000) << i);
    st = og_lance_change_put(cx, c);
  }
  if (st == OG_EEXISTS && is_ours(cx, c, &ours) == OG_OK) return ours ? OG_OK : OG_EEXISTS;
  if (st == OG_OK) return OG_OK;
  return og_fail(cx, OG_EUNKNOWN,
                 "whether version %" PRIu64 " of '" OG_STR_FMT "' was made is not known: the store did not answer",
                 c->number, OG_STR_ARG(c->at.root));
}

/* The version to build on now that our number is taken; all that were made since are asked about, because the newest
 * alone does not tell what the others did. */
static og_status follow(og_ctx *cx, attempt *a)
{
  og_lance_change *c = a->c;
  uint64_t newest, from;
  og_str key;
  if (!c->base) return og_fail(cx, OG_EEXISTS, "there is a table at '" OG_STR_FMT "' by now", OG_STR_ARG(c->at.root));
  from = (a->newer ? a->newer : c->base)->m.version;
  OG_TRY(og_lance_newest_version(cx, &c->at, &newest));
  OG_TRY(og_lance_manifest_key(cx, &c->at, newest, &key));
  OG_TRY(og_store_sync_seen(cx, c->at.store, key));
  for (uint64_t v = from + 1; v <= newest; v++) {
    og_lance_table_unref(a->newer);
    a->newer = NULL;
    OG_TRY(og_ctx_poll(cx));
    og_status st = og_lance_table_open(cx, &c->at, v, OG_STR_NONE, &a->newer);
    if (st == OG_ENOTFOUND)
      return og_fail(cx, OG_ECONFLICT, "version %" PRIu64 " of '" OG_STR_FMT "' was cleaned up meanwhile: try again", v,
                     OG_STR_ARG(c->at.root));
    OG_TRY(st);
    OG_TRY(og_change__may_follow(cx, c, a->newer));
  }
  return a->fits ? a->fits(cx, a->arg, a->newer) : OG_OK;
}

/* Was our number free because nobody had it yet?  If the version below it has gone, a cleanup may have taken ours away
 * before we came, and what we made lies in a hole that no reader looks into.  A cleanup that leaves the version below
 * leaves ours (cleanup.c). */
static og_status check_hole(og_ctx *cx, const og_lance_change *c, const og_lance_table *on)
{
  uint64_t newest;
  og_object_info info;
  og_str key;
  if (!on || on->old_names) return OG_OK;
  OG_TRY(og_lance_manifest_key(cx, &c->at, on->m.version, &key));
  const og_status st = og_store_info(cx, c->at.store, key, &info);
  if (st != OG_ENOTFOUND) return st;
  og_error_clear(cx);
  OG_TRY(og_lance_newest_version(cx, &c->at, &newest));
  if (newest == c->number) return OG_OK;
  OG_TRY(og_store_delete(cx, c->at.store, c->manifest_key));
  return og_fail(cx, OG_ECONFLICT, "version %" PRIu64 " of '" OG_STR_FMT "' was cleaned up meanwhile: try again",
                 on->m.version, OG_STR_ARG(c->at.root));
}

static og_status settle(og_ctx *cx, const og_lance_change *c, const og_lance_table *on)
{
  const og_status st = check_hole(cx, c, on);
  if (st == OG_OK || st == OG_ECONFLICT) return st;
  return og_fail(cx, OG_EUNKNOWN,
                 "whether version %" PRIu64 " of '" OG_STR_FMT "' stands is not known: the store did not answer",
                 c->number, OG_STR_ARG(c->at.root));
}

static og_status commit(og_ctx *cx, attempt *a, bool rebase)
{
  og_lance_change *c = a->c;
  for (unsigned i = 0; i < OG_LIMIT_REBASES; i++) {
    const og_lance_table *on = a->newer ? a->newer : c->base;
    const uint64_t number = on ? on->m.version + 1 : 1;
    OG_TRY(og_ctx_poll(cx));
    OG_TRY(og_lance_change_render(cx, c, a->newer, number));
    OG_TRY(sync_new_keys(cx, a));
    og_status st = put(cx, c);
    if (st == OG_OK) return settle(cx, c, on);
    if (st != OG_EEXISTS) return st;
    og_error_clear(cx);
    if (c->base && !rebase)
      return og_fail(cx, OG_ECONFLICT, "version %" PRIu64 " of '" OG_STR_FMT "' was made by another writer", number,
                     OG_STR_ARG(c->at.root));
    OG_TRY(follow(cx, a));
  }
  return og_fail(cx, OG_ECONFLICT, "lost to other writers of '" OG_STR_FMT "' %d times in a row: try again",
                 OG_STR_ARG(c->at.root), OG_LIMIT_REBASES);
}

og_status og_lance_commit(og_ctx *cx, og_lance_change *c, bool rebase, og_lance_fits_fn fits, void *arg)
{
  attempt a = {.c = c, .fits = fits, .arg = arg};
  og_status st = c->finished ? OG_OK : og_lance_change_finish(cx, c);
  if (st == OG_OK) st = commit(cx, &a, rebase);
  og_lance_table_unref(a.newer);
  return st == OG_OK ? OG_OK : og_note(cx, st, "while committing to '" OG_STR_FMT "'", OG_STR_ARG(c->at.root));
}
