/* SPDX-License-Identifier: MIT */
/* lance/blob_outside.c -- which objects outside its table a blob may name.
 *
 *  (1) None, unless the caller allows folders: a table comes from anywhere, and must not make its reader open files.
 *  (2) A folder that is allowed is a store of its own, which opens nothing through links and nothing above it.
 *  (3) A URI that is relative belongs to a base path of the table's manifest, which is an absolute path and gives no
 *      right of its own.
 */
#include "base/ctx.h"
#include "lance/blob.h"

og_status og_lance_outside_new(og_ctx *cx, og_lance_outside **out)
{
  og_lance_outside *o = og_zalloc(cx, sizeof *o);
  if (!o) return OG_ENOMEM;
  o->roots = OG_VEC_INIT(og_store *);
  *out = o;
  return OG_OK;
}

void og_lance_outside_free(og_lance_outside *o)
{
  if (o) og_lance__outside_cleanup(o);
  og_free(o);
}

og_status og_lance_outside_allow(og_ctx *cx, og_lance_outside *o, og_str folder)
{
  og_store *root;
  OG_TRY(og_store_open(cx, folder, true, &root));
  const og_status st = og_vec_add(cx, &o->roots, &root);
  if (st != OG_OK) og_store_unref(root);
  return st;
}

void og_lance__outside_cleanup(og_lance_outside *o)
{
  for (size_t i = 0; i < o->roots.len; i++) og_store_unref(OG_VEC_AT(&o->roots, og_store *, i));
  og_vec_cleanup(&o->roots);
}

/* What the URI says, made absolute. */
static og_status whole_uri(og_ctx *cx, const og_lance_outside *o, const og_lance__descriptor *d, og_str *out)
{
  *out = d->uri;
  if (d->number == 0) return OG_OK;
  for (uint32_t i = 0; o && i < o->n_bases; i++)
    if (o->bases[i].id == d->number)
      return og_arena_printf(cx, cx->arena, out, OG_STR_FMT "/" OG_STR_FMT, OG_STR_ARG(o->bases[i].path),
                             OG_STR_ARG(d->uri));
  return og_fail(cx, OG_ECORRUPT, "a blob lies below base path %u, which the table does not define", d->number);
}

static bool is_below(og_str path, og_str root, og_str *key)
{
  if (path.len <= root.len + 1 || !og_str_starts_with(path, root) || path.ptr[root.len] != '/') return false;
  *key = og_str_sub(path, root.len + 1, path.len);
  return true;
}

og_status og_lance__outside_find(og_ctx *cx, const og_lance_outside *o, const og_lance__descriptor *d, og_store **store,
                                 og_str *key)
{
  OG_AUTO(og_buf) path = {0};
  og_str uri, at;
  OG_TRY(whole_uri(cx, o, d, &uri));
  if (o && o->roots.len) OG_TRY(og_store_path(cx, uri, &path));
  for (size_t i = 0; o && i < o->roots.len; i++) {
    og_store *root = OG_VEC_AT(&o->roots, og_store *, i);
    if (!is_below(og_buf_str(&path), og_store_root(root), &at)) continue;
    *store = root;
    return og_arena_str(cx, cx->arena, at, key);
  }
  return og_fail(cx, OG_EDENIED,
                 "a blob lies outside the table, at '" OG_STR_FMT "', in no folder that may be read for blobs",
                 OG_STR_ARG(uri));
}

og_status og_lance_outside_check(og_ctx *cx, const og_lance_outside *o, og_str uri)
{
  const og_lance__descriptor d = {.kind = OG_LANCE__BLOB_EXTERNAL, .uri = uri};
  og_store *store;
  og_str key;
  return og_lance__outside_find(cx, o, &d, &store, &key);
}
