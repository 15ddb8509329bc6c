/* SPDX-License-Identifier: MIT */
/* lance/cleanup.c -- mark and sweep over the files of a table.
 *
 *  (1) Marked are the files that versions which stay name, of all branches: a branch names files of its parents.  Swept
 *      are those that only versions which go name, and old orphans.  Anything else is not ours to judge, and stays.
 *  (2) Manifests go first, oldest first, and files after them: a crash leaves files that no version names, never a
 *      version whose files are gone.
 *  (3) The version after one that stays, stays: then a writer that committed on top of version N, and finds N still
 * there, knows that its number N + 1 was never anybody else's (commit.c). (4) A clone without a branch file may be a
 * branch that is just being made: its versions count as kept.
 */
#include "lance/cleanup.h"

#include "base/env.h"
#include "lance/index_impl.h"
#include "lance/named.h"
#include "lance/refs.h"

#include <inttypes.h>

typedef struct branch {
  og_lance_place at;
  og_vec versions; /* og_lance_version_ref, ascending */
  bool *stays;     /* parallel */
} branch;

typedef struct cleanup {
  og_ctx *cx;
  const og_lance_place *at;
  const og_lance_cleanup_opts *opts;
  og_vec branches; /* branch */
  og_map marked;   /* keys, and folders of indexes and blobs with a slash behind */
  og_map named;    /* the same of versions that go */
  og_vec files;    /* found: every key below the root */
  og_lance_cleanup_counts *counts;
} cleanup;

typedef struct found {
  og_str key;
  uint64_t size;
} found;

/* ---- which branches there are */

static og_status see_file(og_ctx *cx, void *arg, og_str key, uint64_t size)
{
  cleanup *k = arg;
  found f = {.size = size};
  OG_TRY(og_ctx_poll(cx));
  OG_TRY(og_arena_str(cx, cx->arena, key, &f.key));
  return og_vec_add(cx, &k->files, &f);
}

static og_status add_branch(cleanup *k, og_str name)
{
  for (size_t i = 0; i < k->branches.len; i++)
    if (og_str_eq(OG_VEC_AT(&k->branches, branch, i).at.branch, name)) return OG_OK;
  branch *b = og_vec_push(k->cx, &k->branches);
  if (!b) return OG_ENOMEM;
  b->at = (og_lance_place){k->at->store, k->at->root, name};
  b->versions = OG_VEC_INIT(og_lance_version_ref);
  return og_lance_versions(k->cx, &b->at, &b->versions);
}

/* Those that have versions, whether or not a file says so. */
static og_status find_branches(cleanup *k)
{
  og_str prefix;
  OG_TRY(og_arena_printf(k->cx, k->cx->arena, &prefix, OG_STR_FMT "/", OG_STR_ARG(k->at->root)));
  OG_TRY(og_store_list(k->cx, k->at->store, prefix, OG_STR_NONE, see_file, k));
  OG_TRY(add_branch(k, OG_STR("")));
  for (size_t i = 0; i < k->files.len; i++) {
    const og_str key = OG_VEC_AT(&k->files, found, i).key;
    const og_str below = og_str_sub(key, prefix.len, key.len);
    const size_t end = og_str_find(below, OG_STR("/_versions/"));
    if (!og_str_starts_with(below, OG_STR("tree/")) || end == SIZE_MAX || !og_str_ends_with(key, OG_STR(".manifest")))
      continue;
    OG_TRY(add_branch(k, og_str_sub(below, 5, end)));
  }
  return OG_OK;
}

/* ---- which versions stay */

static void keep_version(cleanup *k, og_str name, uint64_t version)
{
  for (size_t i = 0; i < k->branches.len; i++) {
    branch *b = &OG_VEC_AT(&k->branches, branch, i);
    for (size_t n = 0; og_str_eq(b->at.branch, name) && n < b->versions.len; n++)
      if (OG_VEC_AT(&b->versions, og_lance_version_ref, n).version == version) b->stays[n] = true;
  }
}

static bool is_branch(const og_vec *branches, og_str name)
{
  for (size_t i = 0; i < branches->len; i++)
    if (og_str_eq(OG_VEC_AT(branches, og_lance_branch, i).name, name)) return true;
  return name.len == 0;
}

static og_status keep_young(cleanup *k, branch *b)
{
  for (size_t n = 0; n < b->versions.len; n++) {
    og_lance_table *t;
    if (b->stays[n]) continue;
    OG_TRY(
        og_lance_table_open(k->cx, &b->at, OG_VEC_AT(&b->versions, og_lance_version_ref, n).version, OG_STR_NONE, &t));
    b->stays[n] = og_lance_table_timestamp_us(t) >= k->opts->before_us;
    og_lance_table_unref(t);
  }
  return OG_OK;
}

static og_status choose_in(cleanup *k, branch *b, bool is_known)
{
  const size_t n = b->versions.len;
  const uint64_t keep = k->opts->keep ? k->opts->keep : 1;
  b->stays = og_push_array(k->cx, n + 1, sizeof *b->stays);
  if (!b->stays) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++) b->stays[i] = !is_known || n - i <= keep;
  return keep_young(k, b);
}

static og_status choose(cleanup *k)
{
  OG_AUTO(og_vec) branches = OG_VEC_INIT(og_lance_branch);
  OG_AUTO(og_vec) tags = OG_VEC_INIT(og_lance_tag);
  OG_TRY(og_lance_branches(k->cx, k->at, &branches));
  OG_TRY(og_lance_tags(k->cx, k->at, &tags));
  for (size_t i = 0; i < k->branches.len; i++) {
    branch *b = &OG_VEC_AT(&k->branches, branch, i);
    OG_TRY(choose_in(k, b, is_branch(&branches, b->at.branch)));
  }
  for (size_t i = 0; i < tags.len; i++)
    keep_version(k, OG_VEC_AT(&tags, og_lance_tag, i).branch, OG_VEC_AT(&tags, og_lance_tag, i).version);
  for (size_t i = 0; i < branches.len; i++)
    keep_version(k, OG_VEC_AT(&branches, og_lance_branch, i).parent, OG_VEC_AT(&branches, og_lance_branch, i).version);
  for (size_t i = 0; i < k->branches.len; i++) { /* (3); from behind, so that one does not pull all others along */
    branch *b = &OG_VEC_AT(&k->branches, branch, i);
    for (size_t n = b->versions.len; n-- > 1;) b->stays[n] = b->stays[n] || b->stays[n - 1];
  }
  return OG_OK;
}

/* ---- mark */

static og_status mark_version(cleanup *k, const branch *b, size_t n)
{
  og_map *m = b->stays[n] ? &k->marked : &k->named;
  og_lance_table *t;
  OG_TRY(og_ctx_poll(k->cx));
  OG_TRY(og_lance_table_open(k->cx, &b->at, OG_VEC_AT(&b->versions, og_lance_version_ref, n).version, OG_STR_NONE, &t));
  og_status st = og_lance_table_named(k->cx, t, m);
  og_lance_table_unref(t);
  return st;
}

static og_status mark_all(cleanup *k)
{
  for (size_t i = 0; i < k->branches.len; i++) {
    const branch *b = &OG_VEC_AT(&k->branches, branch, i);
    for (size_t n = 0; n < b->versions.len; n++) OG_TRY(mark_version(k, b, n));
  }
  return OG_OK;
}

/* ---- sweep */

static og_status remove_key(cleanup *k, og_str key, uint64_t size)
{
  k->counts->bytes += size;
  return k->opts->dry ? OG_OK : og_store_delete(k->cx, k->at->store, key);
}

static og_status remove_version(cleanup *k, const branch *b, const og_lance_version_ref *v)
{
  og_str key, folder;
  og_object_info info;
  OG_TRY(og_lance_manifest_key(k->cx, &b->at, v->version, &key));
  og_status st = og_store_info(k->cx, k->at->store, key, &info);
  if (st == OG_ENOTFOUND) { /* named in the old way */
    og_error_clear(k->cx);
    folder = og_str_sub(key, 0, og_str_rfind_byte(key, '/'));
    OG_TRY(
        og_arena_printf(k->cx, k->cx->arena, &key, OG_STR_FMT "/%" PRIu64 ".manifest", OG_STR_ARG(folder), v->version));
    st = OG_OK;
  }
  OG_TRY(st);
  k->counts->versions++;
  return remove_key(k, key, v->size);
}

static og_status sweep_versions(cleanup *k)
{
  for (size_t i = 0; i < k->branches.len; i++) {
    const branch *b = &OG_VEC_AT(&k->branches, branch, i);
    for (size_t n = 0; n < b->versions.len; n++)
      if (!b->stays[n]) OG_TRY(remove_version(k, b, &OG_VEC_AT(&b->versions, og_lance_version_ref, n)));
  }
  return OG_OK;
}

/* Deletion files stay: of those that other writers made, the name says nothing about their age. */
static bool goes(const cleanup *k, og_str key)
{
  uint64_t ms;
  if (og_lance_is_named(&k->marked, key)) return false;
  if (og_lance_is_named(&k->named, key)) return true;
  if (og_str_find(key, OG_STR("/_deletions/")) != SIZE_MAX) return false;
  return og_lance_file_began(key, &ms) && (int64_t)(ms * 1000) < k->opts->orphans_before_us;
}

static og_status sweep_files(cleanup *k)
{
  for (size_t i = 0; i < k->files.len; i++) {
    const found *f = &OG_VEC_AT(&k->files, found, i);
    if (!goes(k, f->key)) continue;
    OG_TRY(og_ctx_poll(k->cx));
    k->counts->files++;
    OG_TRY(remove_key(k, f->key, f->size));
  }
  return OG_OK;
}

static og_status run(cleanup *k)
{
  OG_TRY(find_branches(k));
  OG_TRY(choose(k));
  OG_TRY(mark_all(k));
  OG_TRY(sweep_versions(k));
  return sweep_files(k);
}

og_status og_lance_cleanup(og_ctx *cx, const og_lance_place *at, const og_lance_cleanup_opts *opts,
                           og_lance_cleanup_counts *out)
{
  cleanup k = {
      .cx = cx, .at = at, .opts = opts, .branches = OG_VEC_INIT(branch), .files = OG_VEC_INIT(found), .counts = out};
  *out = (og_lance_cleanup_counts){0};
  og_map_init(&k.marked, false);
  og_map_init(&k.named, false);
  const og_status st = run(&k);
  for (size_t i = 0; i < k.branches.len; i++) og_vec_cleanup(&OG_VEC_AT(&k.branches, branch, i).versions);
  og_vec_cleanup(&k.branches);
  og_vec_cleanup(&k.files);
  og_map_cleanup(&k.marked);
  og_map_cleanup(&k.named);
  return st == OG_OK ? OG_OK : og_note(cx, st, "while cleaning up '" OG_STR_FMT "'", OG_STR_ARG(at->root));
}
