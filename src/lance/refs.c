/* SPDX-License-Identifier: MIT */
/* lance/refs.c -- see refs.h.  The two kinds of file, as Lance writes and reads them:
 *
 *   tag     {"branch": null | "name", "version": n, "createdAt": RFC 3339, "updatedAt": the same, "manifestSize":
 * bytes, "metadata": {}} branch  {"parentBranch": null | "name", "identifier": {"version_mapping": [[n, "32hex"],
 * ...]}, "parentVersion": n, "createAt": seconds, "manifestSize": bytes, "metadata": {}}
 *
 *  (1) A branch is its clone first and its file last: who finds the file finds a branch that can be opened.  A clone
 *      without a file is what a crash left; its name is not given away before it is deleted.
 *  (2) Deleting goes the other way round: file first.
 */
#include "lance/refs.h"

#include "base/civil.h"
#include "base/env.h"
#include "base/json.h"
#include "base/limits.h"

#include <inttypes.h>

/* ---- names */

static bool is_name_byte(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

static const char *why_not(og_str name, bool slashes)
{
  if (name.len == 0) return "it is empty";
  if (name.len > OG_LIMIT_BRANCH_NAME) return "it is longer than 200 bytes";
  if (name.ptr[0] == '/' || name.ptr[name.len - 1] == '/') return "it must not begin or end with '/'";
  if (og_str_find(name, OG_STR("//")) != SIZE_MAX) return "it must not contain '//'";
  if (og_str_find(name, OG_STR("..")) != SIZE_MAX || og_str_eq(name, OG_STR(".")))
    return "it must not be '.', nor contain '..'";
  if (og_str_ends_with(name, OG_STR(".lock"))) return "it must not end with '.lock'";
  for (size_t i = 0; i < name.len; i++)
    if (!is_name_byte(name.ptr[i]) && !(slashes && name.ptr[i] == '/'))
      return slashes ? "only letters, digits, '.', '-', '_' and '/' are allowed"
                     : "only letters, digits, '.', '-' and '_' are allowed";
  return NULL;
}

og_status og_lance_branch_name_check(og_ctx *cx, og_str name)
{
  const char *why = og_str_eq(name, OG_STR("main")) ? "main is the branch that is always there" : why_not(name, true);
  return why ? og_fail(cx, OG_EINVALID, "invalid branch name '" OG_STR_FMT "': %s", OG_STR_ARG(name), why) : OG_OK;
}

og_status og_lance_tag_name_check(og_ctx *cx, og_str name)
{
  const char *why = why_not(name, false);
  return why ? og_fail(cx, OG_EINVALID, "invalid tag '" OG_STR_FMT "': %s", OG_STR_ARG(name), why) : OG_OK;
}

/* ---- versions */

static og_status see_version(og_ctx *cx, void *arg, og_str key, uint64_t size)
{
  const og_str name = og_str_sub(key, og_str_rfind_byte(key, '/') + 1, key.len);
  og_lance_version_ref v = {.size = size};
  if (!og_str_ends_with(name, OG_STR(".manifest"))) return OG_OK;
  const og_str digits = og_str_sub(name, 0, name.len - 9);
  if (!og_str_to_u64(digits, &v.version)) return OG_OK; /* detached versions and the like */
  if (digits.len == 20) v.version = UINT64_MAX - v.version;
  return v.version > INT64_MAX ? OG_OK : og_vec_add(cx, arg, &v);
}

static int by_version(const void *a, const void *b, void *arg)
{
  const og_lance_version_ref *x = a, *y = b;
  (void)arg;
  return (x->version > y->version) - (x->version < y->version);
}

static og_status folder_of(og_ctx *cx, const og_lance_place *at, og_str *out)
{
  if (at->branch.len == 0) return og_arena_str(cx, cx->arena, at->root, out);
  return og_arena_printf(cx, cx->arena, out, OG_STR_FMT "/tree/" OG_STR_FMT, OG_STR_ARG(at->root),
                         OG_STR_ARG(at->branch));
}

og_status og_lance_versions(og_ctx *cx, const og_lance_place *at, og_vec *out)
{
  og_str folder, prefix;
  OG_TRY(folder_of(cx, at, &folder));
  OG_TRY(og_arena_printf(cx, cx->arena, &prefix, OG_STR_FMT "/_versions/", OG_STR_ARG(folder)));
  OG_TRY(og_store_list(cx, at->store, prefix, OG_STR_NONE, see_version, out));
  return og_sort(cx, out->data, out->len, sizeof(og_lance_version_ref), by_version, NULL);
}

/* One of them.  version 0: the newest. */
static og_status find_version(og_ctx *cx, const og_lance_place *at, uint64_t version, og_lance_version_ref *out)
{
  OG_AUTO(og_vec) all = OG_VEC_INIT(og_lance_version_ref);
  OG_TRY(og_lance_versions(cx, at, &all));
  for (size_t i = all.len; i-- > 0;) {
    *out = OG_VEC_AT(&all, og_lance_version_ref, i);
    if (version == 0 || out->version == version) return OG_OK;
  }
  return og_fail(cx, OG_ENOTFOUND, "'" OG_STR_FMT "'%s" OG_STR_FMT " has no version %" PRIu64 ", or not any more",
                 OG_STR_ARG(at->root), at->branch.len ? ", branch " : "", OG_STR_ARG(at->branch), version);
}

/* ---- files */

static og_status ref_key(og_ctx *cx, const og_lance_place *at, const char *folder, og_str name, og_str *out)
{
  OG_AUTO(og_buf) key = {0};
  OG_TRY(og_buf_printf(cx, &key, OG_STR_FMT "/_refs/%s/", OG_STR_ARG(at->root), folder));
  for (size_t i = 0; i < name.len; i++)
    OG_TRY(name.ptr[i] == '/' ? og_buf_append_str(cx, &key, OG_STR("%2F"))
                              : og_buf_append_byte(cx, &key, (uint8_t)name.ptr[i]));
  OG_TRY(og_buf_append_str(cx, &key, OG_STR(".json")));
  return og_arena_str(cx, cx->arena, og_buf_str(&key), out);
}

/* The name in a key of that kind; false for other files. */
static og_status name_of(og_ctx *cx, og_str key, og_str *out, bool *is_ref)
{
  OG_AUTO(og_buf) name = {0};
  og_str text = og_str_sub(key, og_str_rfind_byte(key, '/') + 1, key.len);
  *is_ref = og_str_ends_with(text, OG_STR(".json"));
  if (!*is_ref) return OG_OK;
  text.len -= 5;
  for (size_t i = 0; i < text.len; i++) {
    const bool slash = og_str_starts_with(og_str_sub(text, i, text.len), OG_STR("%2F"));
    OG_TRY(og_buf_append_byte(cx, &name, slash ? '/' : (uint8_t)text.ptr[i]));
    if (slash) i += 2;
  }
  return og_arena_str(cx, cx->arena, og_buf_str(&name), out);
}

typedef struct listing {
  og_vec keys; /* og_str */
} listing;

static og_status see_key(og_ctx *cx, void *arg, og_str key, uint64_t size)
{
  listing *l = arg;
  og_str copy;
  (void)size;
  OG_TRY(og_arena_str(cx, cx->arena, key, &copy));
  return og_vec_add(cx, &l->keys, &copy);
}

static og_status list_keys(og_ctx *cx, const og_lance_place *at, const char *below, og_vec *out)
{
  listing l = {.keys = *out};
  og_str prefix;
  OG_TRY(og_arena_printf(cx, cx->arena, &prefix, OG_STR_FMT "/%s", OG_STR_ARG(at->root), below));
  const og_status st = og_store_list(cx, at->store, prefix, OG_STR_NONE, see_key, &l);
  *out = l.keys;
  return st;
}

static og_status unreadable(og_ctx *cx, og_str key)
{
  return og_fail(cx, OG_ECORRUPT, "'" OG_STR_FMT "' is no tag or branch as Lance writes them", OG_STR_ARG(key));
}

static og_status read_json(og_ctx *cx, const og_lance_place *at, og_str key, const og_json **out)
{
  OG_AUTO(og_buf) text = {0};
  OG_TRY(og_store_get(cx, at->store, key, OG_LIMIT_SOURCE_BYTES, &text));
  OG_TRY_NOTE(cx, og_json_read(cx, cx->arena, og_buf_str(&text), out), "in '" OG_STR_FMT "'", OG_STR_ARG(key));
  return OG_OK;
}

/* Null and absent alike are the main line. */
static og_status branch_in(og_ctx *cx, const og_json *json, const char *member, og_str key, og_str *out)
{
  const og_json *j = og_json_get(json, og_str_of(member));
  *out = OG_STR("");
  if (!j || j->kind == OG_JSON_NULL) return OG_OK;
  return og_json_get_str(json, og_str_of(member), out) ? OG_OK : unreadable(cx, key);
}

static og_status read_tag(og_ctx *cx, const og_lance_place *at, og_str key, og_lance_tag *out)
{
  const og_json *json;
  OG_TRY(read_json(cx, at, key, &json));
  OG_TRY(branch_in(cx, json, "branch", key, &out->branch));
  return og_json_get_u64(json, OG_STR("version"), &out->version) ? OG_OK : unreadable(cx, key);
}

static og_status read_branch(og_ctx *cx, const og_lance_place *at, og_str key, og_lance_branch *out)
{
  const og_json *json;
  OG_AUTO(og_buf) text = {0};
  og_json_writer w;
  OG_TRY(read_json(cx, at, key, &json));
  OG_TRY(branch_in(cx, json, "parentBranch", key, &out->parent));
  if (!og_json_get_u64(json, OG_STR("parentVersion"), &out->version)) return unreadable(cx, key);
  const og_json *map = og_json_get(og_json_get(json, OG_STR("identifier")), OG_STR("version_mapping"));
  if (!map || map->kind != OG_JSON_ARRAY) return OG_OK;
  og_json_writer_init(&w, &text, false);
  OG_TRY(og_json_node(cx, &w, map));
  return og_arena_str(cx, cx->arena, og_buf_str(&text), &out->mapping);
}

og_status og_lance_tags(og_ctx *cx, const og_lance_place *at, og_vec *out)
{
  OG_AUTO(og_vec) keys = OG_VEC_INIT(og_str);
  OG_TRY(list_keys(cx, at, "_refs/tags/", &keys));
  for (size_t i = 0; i < keys.len; i++) {
    const og_str key = OG_VEC_AT(&keys, og_str, i);
    og_lance_tag t = {0};
    bool is_ref;
    OG_TRY(name_of(cx, key, &t.name, &is_ref));
    if (!is_ref) continue;
    OG_TRY(read_tag(cx, at, key, &t));
    OG_TRY(og_vec_add(cx, out, &t));
  }
  return OG_OK;
}

og_status og_lance_branches(og_ctx *cx, const og_lance_place *at, og_vec *out)
{
  OG_AUTO(og_vec) keys = OG_VEC_INIT(og_str);
  OG_TRY(list_keys(cx, at, "_refs/branches/", &keys));
  for (size_t i = 0; i < keys.len; i++) {
    const og_str key = OG_VEC_AT(&keys, og_str, i);
    og_lance_branch b = {0};
    bool is_ref;
    OG_TRY(name_of(cx, key, &b.name, &is_ref));
    if (!is_ref) continue;
    OG_TRY(read_branch(cx, at, key, &b));
    OG_TRY(og_vec_add(cx, out, &b));
  }
  return OG_OK;
}

/* ---- tags */

static og_status kv_branch(og_ctx *cx, og_json_writer *w, const char *key, og_str branch)
{
  return branch.len ? og_json_kv_str(cx, w, key, branch) : og_json_kv_null(cx, w, key);
}

static og_status end_ref(og_ctx *cx, og_json_writer *w, uint64_t manifest_size)
{
  OG_TRY(og_json_kv_u64(cx, w, "manifestSize", manifest_size));
  OG_TRY(og_json_key(cx, w, OG_STR("metadata")));
  OG_TRY(og_json_begin_object(cx, w));
  OG_TRY(og_json_end_object(cx, w));
  return og_json_end_object(cx, w);
}

static og_status write_tag(og_ctx *cx, const og_lance_place *at, const og_lance_version_ref *v, og_buf *out)
{
  og_json_writer w;
  char now[OG_DATETIME_TEXT_MAX];
  const og_str text = og_str_from(now, og_datetime_format(og_wall_us(cx) / 1000, now));
  og_json_writer_init(&w, out, false);
  OG_TRY(og_json_begin_object(cx, &w));
  OG_TRY(kv_branch(cx, &w, "branch", at->branch));
  OG_TRY(og_json_kv_u64(cx, &w, "version", v->version));
  OG_TRY(og_json_kv_str(cx, &w, "createdAt", text));
  OG_TRY(og_json_kv_str(cx, &w, "updatedAt", text));
  return end_ref(cx, &w, v->size);
}

og_status og_lance_tag_put(og_ctx *cx, const og_lance_place *at, og_str name, uint64_t version, bool move)
{
  OG_AUTO(og_buf) json = {0};
  og_lance_version_ref v;
  og_str key;
  OG_TRY(og_lance_tag_name_check(cx, name));
  OG_TRY(find_version(cx, at, version, &v));
  OG_TRY(ref_key(cx, at, "tags", name, &key));
  OG_TRY(write_tag(cx, at, &v, &json));
  if (move) {
    OG_TRY(og_store_put(cx, at->store, key, og_buf_str(&json)));
    return og_store_sync(cx, at->store, &key, 1);
  }
  const og_status st = og_store_put_if_absent(cx, at->store, key, og_buf_str(&json));
  return st == OG_EEXISTS ? og_fail(cx, OG_EEXISTS, "there is a tag '" OG_STR_FMT "'", OG_STR_ARG(name)) : st;
}

static og_status delete_ref(og_ctx *cx, const og_lance_place *at, const char *kind, og_str key, og_str name)
{
  og_object_info info;
  const og_status st = og_store_info(cx, at->store, key, &info);
  if (st == OG_ENOTFOUND) return og_fail(cx, OG_ENOTFOUND, "there is no %s '" OG_STR_FMT "'", kind, OG_STR_ARG(name));
  OG_TRY(st);
  OG_TRY(og_store_delete(cx, at->store, key));
  return og_store_sync_seen(cx, at->store, key); /* it must not come back after a power loss */
}

og_status og_lance_tag_delete(og_ctx *cx, const og_lance_place *at, og_str name)
{
  og_str key;
  OG_TRY(og_lance_tag_name_check(cx, name));
  OG_TRY(ref_key(cx, at, "tags", name, &key));
  return delete_ref(cx, at, "tag", key, name);
}

/* ---- branches */

/* The parent's mapping and one more entry: how Lance tells two branches of one name apart. */
static og_status write_identifier(og_ctx *cx, og_json_writer *w, const og_lance_branch *parent, uint64_t version)
{
  uint8_t id[16];
  static const char digits[] = "0123456789abcdef";
  char hex[32];
  og_str inner = parent ? parent->mapping : OG_STR_NONE;
  OG_TRY(og_random(cx, id, sizeof id));
  for (size_t i = 0; i < sizeof hex; i++) hex[i] = digits[i % 2 ? id[i / 2] & 15 : id[i / 2] >> 4];
  inner = inner.len > 2 ? og_str_sub(inner, 1, inner.len - 1) : OG_STR("");
  og_str mapping;
  OG_TRY(og_arena_printf(cx, cx->arena, &mapping, "[" OG_STR_FMT "%s[%" PRIu64 ",\"%.32s\"]]", OG_STR_ARG(inner),
                         inner.len ? "," : "", version, hex));
  OG_TRY(og_json_key(cx, w, OG_STR("identifier")));
  OG_TRY(og_json_begin_object(cx, w));
  OG_TRY(og_json_key(cx, w, OG_STR("version_mapping")));
  OG_TRY(og_json_raw(cx, w, mapping));
  return og_json_end_object(cx, w);
}

static og_status write_branch(og_ctx *cx, const og_lance_place *at, const og_lance_version_ref *v, og_buf *out)
{
  OG_AUTO(og_vec) all = OG_VEC_INIT(og_lance_branch);
  const og_lance_branch *parent = NULL;
  og_json_writer w;
  OG_TRY(og_lance_branches(cx, at, &all));
  for (size_t i = 0; i < all.len; i++)
    if (og_str_eq(OG_VEC_AT(&all, og_lance_branch, i).name, at->branch)) parent = &OG_VEC_AT(&all, og_lance_branch, i);
  og_json_writer_init(&w, out, false);
  OG_TRY(og_json_begin_object(cx, &w));
  OG_TRY(kv_branch(cx, &w, "parentBranch", at->branch));
  OG_TRY(write_identifier(cx, &w, parent, v->version));
  OG_TRY(og_json_kv_u64(cx, &w, "parentVersion", v->version));
  OG_TRY(og_json_kv_i64(cx, &w, "createAt", og_wall_us(cx) / 1000000));
  return end_ref(cx, &w, v->size);
}

static og_status exists(og_ctx *cx, og_str name)
{
  return og_fail(cx, OG_EEXISTS, "there is a branch '" OG_STR_FMT "', or what is left of one: delete it first",
                 OG_STR_ARG(name));
}

/* The branch's first version: a shallow clone with its parent's number. */
static og_status put_clone(og_ctx *cx, const og_lance_place *at, og_str name, uint64_t version,
                           const og_lance_change_opts *given)
{
  const og_lance_place to = {at->store, at->root, name};
  OG_AUTO(og_vec) keys = OG_VEC_INIT(og_str);
  og_lance_change_opts opts = *given;
  og_lance_table *base;
  og_lance_change *c = NULL;
  opts.op = OG_LANCE_CLONE;
  OG_TRY(og_lance_table_open(cx, at, version, OG_STR_NONE, &base));
  og_status st = og_lance_change_new(cx, &to, base, &opts, &c);
  if (st == OG_OK) st = og_lance_change_finish(cx, c);
  if (st == OG_OK) st = og_lance_change_render(cx, c, NULL, version);
  if (st == OG_OK) st = og_lance_change_keys(cx, c, &keys);
  if (st == OG_OK) st = og_store_sync(cx, at->store, keys.data, keys.len);
  if (st == OG_OK) st = og_lance_change_put(cx, c);
  og_lance_change_free(cx, c);
  og_lance_table_unref(base);
  return st == OG_EEXISTS ? exists(cx, name) : st;
}

og_status og_lance_branch_create(og_ctx *cx, const og_lance_place *at, og_str name, uint64_t version,
                                 const og_lance_change_opts *opts)
{
  const og_lance_place to = {at->store, at->root, name};
  OG_AUTO(og_vec) there = OG_VEC_INIT(og_lance_version_ref);
  OG_AUTO(og_buf) json = {0};
  og_lance_version_ref v;
  og_str key;
  OG_TRY(og_lance_branch_name_check(cx, name));
  OG_TRY(find_version(cx, at, version, &v));
  OG_TRY(og_lance_versions(cx, &to, &there));
  if (there.len) return exists(cx, name);
  OG_TRY(put_clone(cx, at, name, v.version, opts));
  OG_TRY(ref_key(cx, at, "branches", name, &key));
  OG_TRY(write_branch(cx, at, &v, &json));
  const og_status st = og_store_put_if_absent(cx, at->store, key, og_buf_str(&json));
  return st == OG_EEXISTS ? exists(cx, name) : st;
}

static og_status check_unused(og_ctx *cx, const og_lance_place *at, og_str name)
{
  OG_AUTO(og_vec) branches = OG_VEC_INIT(og_lance_branch);
  OG_AUTO(og_vec) tags = OG_VEC_INIT(og_lance_tag);
  OG_TRY(og_lance_branches(cx, at, &branches));
  OG_TRY(og_lance_tags(cx, at, &tags));
  for (size_t i = 0; i < branches.len; i++) {
    const og_lance_branch *b = &OG_VEC_AT(&branches, og_lance_branch, i);
    if (og_str_eq(b->parent, name))
      return og_fail(cx, OG_ECONFLICT, "branch '" OG_STR_FMT "' began at '" OG_STR_FMT "', and needs its files",
                     OG_STR_ARG(b->name), OG_STR_ARG(name));
  }
  for (size_t i = 0; i < tags.len; i++) {
    const og_lance_tag *t = &OG_VEC_AT(&tags, og_lance_tag, i);
    if (og_str_eq(t->branch, name))
      return og_fail(cx, OG_ECONFLICT, "tag '" OG_STR_FMT "' names a version of branch '" OG_STR_FMT "'",
                     OG_STR_ARG(t->name), OG_STR_ARG(name));
  }
  return OG_OK;
}

/* The branch's own folders: those of "a/b" lie below those of "a". */
static og_status list_files(og_ctx *cx, const og_lance_place *at, og_str name, og_vec *out)
{
  static const char *const folders[] = {"_versions", "_transactions", "_deletions", "_indices", "data"};
  for (size_t i = 0; i < OG_ARRAY_LEN(folders); i++) {
    og_str below;
    OG_TRY(og_arena_printf(cx, cx->arena, &below, "tree/" OG_STR_FMT "/%s/", OG_STR_ARG(name), folders[i]));
    OG_TRY(list_keys(cx, at, below.ptr, out));
  }
  return OG_OK;
}

og_status og_lance_branch_delete(og_ctx *cx, const og_lance_place *at, og_str name)
{
  OG_AUTO(og_vec) files = OG_VEC_INIT(og_str);
  og_str key;
  OG_TRY(og_lance_branch_name_check(cx, name));
  OG_TRY(check_unused(cx, at, name));
  OG_TRY(list_files(cx, at, name, &files));
  OG_TRY(ref_key(cx, at, "branches", name, &key));
  const og_status st = delete_ref(cx, at, "branch", key, name);
  if (st == OG_ENOTFOUND && files.len) og_error_clear(cx); /* what a crash left */
  if (st != OG_OK && (st != OG_ENOTFOUND || files.len == 0)) return st;
  for (size_t i = 0; i < files.len; i++) OG_TRY(og_store_delete(cx, at->store, OG_VEC_AT(&files, og_str, i)));
  return OG_OK;
}
