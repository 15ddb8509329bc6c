/* SPDX-License-Identifier: MIT */
/* graph/mirror.c -- what Lance tools see of the branch registry: `__manifest/_refs/branches/<name>.json`.
 *
 *   {"parentBranch": null | "name", "identifier": {"version_mapping": [[k, "32hex"], ...]}, "parentVersion": k,
 *    "createAt": seconds, "manifestSize": bytes, "metadata": {}}
 *
 * The mapping names ancestors first and the branch itself last; that last hex is the incarnation.  '/' in a name is
 * "%2F" in the file's.
 *
 *  (1) A mirror is never the authority: a row of main's log is, and whoever meets one without the other repairs.
 *  (2) A live row whose mirror is missing, unreadable or of another incarnation: it is written, over what is there.
 *  (3) A dead row whose mirror is of an incarnation the registry knows: it is deleted.
 *  (4) A mirror of an incarnation the registry never knew was made by another engine.  Under a dead name it stays, and
 *      the name is not given away again.
 *  (5) Neither a put that replaces nor a delete can be made conditional, so a slow one may undo a newer one: whoever
 *      changed a mirror looks at the registry again, until there is nothing to change.
 *
 * docs/dev/commit-protocol.md, branches.
 */
#include "graph/internal.h"

#include "base/env.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/map.h"

#define MIRRORS OG_LOG_ROOT "/_refs/branches/"

#define SETTLE_TRIES 8

static og_status mirror_key(og_ctx *cx, og_str name, og_str *out)
{
  OG_AUTO(og_buf) key = {0};
  OG_TRY(og_buf_append_str(cx, &key, OG_STR(MIRRORS)));
  for (size_t i = 0; i < name.len; i++)
    OG_TRY(name.ptr[i] == '/' ? og_buf_append_str(cx, &key, OG_STR("%2F"))
                              : og_buf_append_byte(cx, &key, (uint8_t)name.ptr[i]));
  OG_TRY(og_buf_append_str(cx, &key, OG_STR(".json")));
  return og_arena_str(cx, cx->arena, og_buf_str(&key), out);
}

/* ---- writing one */

static og_status write_mapping(og_ctx *cx, og_json_writer *w, const og_fold *main_fold, const og_branch_row *row,
                               unsigned depth)
{
  if (depth > 256) return og_fail(cx, OG_ECORRUPT, "the branch registry goes in a circle");
  if (row->parent.len) {
    og_branch_row parent;
    bool found;
    OG_TRY(og_branch__get(cx, cx->arena, main_fold, row->parent, &parent, &found));
    if (found) OG_TRY(write_mapping(cx, w, main_fold, &parent, depth + 1));
  }
  char hex[32];
  og_branch__hex(row->incarnation, hex);
  OG_TRY(og_json_begin_array(cx, w));
  OG_TRY(og_json_u64(cx, w, row->k));
  OG_TRY(og_json_str(cx, w, og_str_from(hex, sizeof hex)));
  return og_json_end_array(cx, w);
}

static og_status write_mirror(og_ctx *cx, og_buf *json, const og_fold *main_fold, const og_branch_row *row,
                              uint64_t manifest_size)
{
  og_json_writer w;
  og_json_writer_init(&w, json, false);
  OG_TRY(og_json_begin_object(cx, &w));
  if (row->parent.len)
    OG_TRY(og_json_kv_str(cx, &w, "parentBranch", row->parent));
  else
    OG_TRY(og_json_kv_null(cx, &w, "parentBranch"));
  OG_TRY(og_json_key(cx, &w, OG_STR("identifier")));
  OG_TRY(og_json_begin_object(cx, &w));
  OG_TRY(og_json_key(cx, &w, OG_STR("version_mapping")));
  OG_TRY(og_json_begin_array(cx, &w));
  OG_TRY(write_mapping(cx, &w, main_fold, row, 0));
  OG_TRY(og_json_end_array(cx, &w));
  OG_TRY(og_json_end_object(cx, &w));
  OG_TRY(og_json_kv_u64(cx, &w, "parentVersion", row->k));
  OG_TRY(og_json_kv_i64(cx, &w, "createAt", og_wall_us(cx) / 1000000));
  OG_TRY(og_json_kv_u64(cx, &w, "manifestSize", manifest_size));
  OG_TRY(og_json_key(cx, &w, OG_STR("metadata")));
  OG_TRY(og_json_begin_object(cx, &w));
  OG_TRY(og_json_end_object(cx, &w));
  return og_json_end_object(cx, &w);
}

/* What is absent is created whole or not at all; what is there is replaced, and stays whole. */
static og_status put_mirror(og_ctx *cx, og_store *store, og_str key, bool there, og_str json)
{
  if (there) {
    OG_TRY(og_store_put(cx, store, key, json));
    return og_store_sync(cx, store, &key, 1);
  }
  og_status st = OG_EUNKNOWN;
  for (unsigned i = 0; st == OG_EUNKNOWN && i < SETTLE_TRIES; i++) st = og_store_put_if_absent(cx, store, key, json);
  if (st != OG_EEXISTS) return st;
  og_error_clear(cx); /* ours after all, or somebody's: the next look tells */
  return OG_OK;
}

/* ---- reading one */

typedef enum mirror_state { MIRROR_ABSENT, MIRROR_UNREADABLE, MIRROR_READ } mirror_state;

/* The incarnation a mirror names, as its text. */
static mirror_state parse_mirror(og_ctx *cx, og_str text, og_str *out)
{
  const og_json *json;
  if (og_json_read(cx, cx->arena, text, &json) != OG_OK) return MIRROR_UNREADABLE;
  const og_json *map = og_json_get(og_json_get(json, OG_STR("identifier")), OG_STR("version_mapping"));
  if (!map || map->kind != OG_JSON_ARRAY || map->u.array.len == 0) return MIRROR_UNREADABLE;
  const og_json *last = &map->u.array.items[map->u.array.len - 1];
  if (last->kind != OG_JSON_ARRAY || last->u.array.len != 2) return MIRROR_UNREADABLE;
  if (last->u.array.items[1].kind != OG_JSON_STRING) return MIRROR_UNREADABLE;
  *out = last->u.array.items[1].u.str;
  return MIRROR_READ;
}

static og_status read_mirror(og_ctx *cx, og_store *store, og_str key, og_str *incarnation, mirror_state *state)
{
  OG_AUTO(og_buf) text = {0};
  og_status st = og_store_get(cx, store, key, OG_LIMIT_SOURCE_BYTES, &text);
  *state = MIRROR_ABSENT;
  if (st == OG_OK) *state = parse_mirror(cx, og_buf_str(&text), incarnation);
  if (cx->err->status == OG_ENOMEM) return OG_ENOMEM;
  if (st == OG_ELIMIT) *state = MIRROR_UNREADABLE;
  if (st != OG_OK && st != OG_ELIMIT && st != OG_ENOTFOUND) return st;
  og_error_clear(cx);
  return OG_OK;
}

/* Has the registry ever known this incarnation? */
static bool is_recorded(const og_fold *main_fold, og_str incarnation)
{
  if (incarnation.len != 32) return false;
  for (size_t i = 0; i < main_fold->rows.len; i++) {
    const og_log_row *r = &OG_VEC_AT(&main_fold->rows, og_log_row, i);
    bool registers = r->kind == OG_ROW_BRANCH || r->kind == OG_ROW_BRANCH_OP;
    if (registers && og_str_find(r->metadata, incarnation) != SIZE_MAX) return true;
  }
  return false;
}

og_status og_mirror__check_free(og_ctx *cx, og_graph *g, const og_fold *main_fold, og_str name)
{
  og_str key, incarnation = OG_STR_NONE;
  mirror_state state;
  OG_TRY(mirror_key(cx, name, &key));
  OG_TRY(read_mirror(cx, g->store, key, &incarnation, &state));
  if (state != MIRROR_READ || is_recorded(main_fold, incarnation)) return OG_OK;
  return og_fail(cx, OG_EEXISTS,
                 "branch '" OG_STR_FMT "' already exists: another engine made it ('" OG_STR_FMT
                 "'); branches of other engines are not taken over; delete it there, or choose another name",
                 OG_STR_ARG(name), OG_STR_ARG(key));
}

/* ---- settling */

static og_status write_live(og_ctx *cx, og_graph *g, og_fold *main_fold, const og_branch_row *row, og_str key,
                            bool there)
{
  OG_AUTO(og_buf) json = {0};
  uint64_t size;
  OG_TRY(og_branch__start(cx, g, main_fold, row, &size));
  OG_TRY(write_mirror(cx, &json, main_fold, row, size));
  return put_mirror(cx, g->store, key, there, og_buf_str(&json));
}

/* One look at the registry and the mirror.  *changed: something had to be done. */
static og_status settle_once(og_ctx *cx, og_graph *g, og_fold *main_fold, og_str name, bool *changed)
{
  og_branch_row row;
  bool found;
  char hex[32];
  mirror_state state;
  og_str key, have = OG_STR_NONE;
  *changed = false;
  OG_TRY(og_branch__get(cx, cx->arena, main_fold, name, &row, &found));
  if (!found) return OG_OK;
  OG_TRY(mirror_key(cx, name, &key));
  OG_TRY(read_mirror(cx, g->store, key, &have, &state));
  og_branch__hex(row.incarnation, hex);
  if (row.live) {
    *changed = state != MIRROR_READ || !og_str_eq(have, og_str_from(hex, sizeof hex));
    return *changed ? write_live(cx, g, main_fold, &row, key, state != MIRROR_ABSENT) : OG_OK;
  }
  *changed = state == MIRROR_UNREADABLE || (state == MIRROR_READ && is_recorded(main_fold, have));
  return *changed ? og_store_delete(cx, g->store, key) : OG_OK;
}

og_status og_mirror__settle(og_ctx *cx, og_graph *g, og_str name)
{
  bool changed = true;
  /* A name that others change this often will be settled by them, or by the next open. */
  for (unsigned i = 0; changed && i < SETTLE_TRIES; i++) {
    og_fold *main_fold = NULL;
    og_branch_row unused;
    OG_TRY(og_graph__pin(cx, g, OG_STR_NONE, &main_fold, &unused));
    og_status st = settle_once(cx, g, main_fold, name, &changed);
    og_fold_unref(main_fold);
    OG_TRY_NOTE(cx, st, "while mirroring branch '" OG_STR_FMT "' for Lance tools", OG_STR_ARG(name));
  }
  return OG_OK;
}

static og_status see_mirror(og_ctx *cx, void *arg, og_str key, uint64_t size)
{
  (void)size;
  return og_map_put(cx, arg, key, 0, NULL);
}

/* A mirror that cannot be repaired must not keep a graph from being written; giving up is another matter. */
static og_status settle_softly(og_ctx *cx, og_graph *g, og_str name)
{
  og_status st = og_mirror__settle(cx, g, name);
  if (st == OG_OK || st == OG_ENOMEM || st == OG_ECANCELLED || st == OG_EDEADLINE) return st;
  og_log(cx, OG_LOG_WARN, "branch_mirror_not_repaired", OG_KV_STR("branch", name),
         OG_KV_STR("error", og_str_of(cx->err->text)));
  og_error_clear(cx);
  return OG_OK;
}

static og_status heal_all(og_ctx *cx, og_graph *g, const og_vec *all)
{
  OG_AUTO(og_map) there;
  og_map_init(&there, true);
  OG_TRY(og_store_list(cx, g->store, OG_STR(MIRRORS), OG_STR_NONE, see_mirror, &there));
  for (size_t i = 0; i < all->len; i++) {
    const og_branch_row *b = &OG_VEC_AT(all, og_branch_row, i);
    og_str key;
    OG_TRY(mirror_key(cx, b->name, &key));
    bool has = og_map_get(&there, key, NULL);
    /* A mirror of another incarnation can only stand where there was one before. */
    bool doubtful = b->live ? !has || b->has_seal : has;
    if (doubtful) OG_TRY(settle_softly(cx, g, b->name));
  }
  return OG_OK;
}

og_status og_mirror__heal(og_ctx *cx, og_graph *g, const og_fold *main_fold)
{
  og_vec all = OG_VEC_INIT(og_branch_row);
  og_status st = og_branch__all(cx, cx->arena, main_fold, &all);
  if (st == OG_OK && all.len) st = heal_all(cx, g, &all);
  og_vec_cleanup(&all);
  return st;
}
