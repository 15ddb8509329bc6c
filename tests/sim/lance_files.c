/* SPDX-License-Identifier: MIT */
#include "lance_files.h"

#include "lance/manifest.h"

static og_status check_transaction(og_ctx *cx, og_store *store, og_str key, og_str prefix)
{
  OG_AUTO(og_buf) file = {0};
  OG_AUTO(og_buf) tx = {0};
  og_manifest manifest;
  og_str path;
  OG_TRY(og_store_get(cx, store, key, 1 << 20, &file));
  OG_TRY(og_manifest_decode(cx, og_buf_str(&file), &manifest));
  og_status st = og_arena_printf(cx, cx->arena, &path, OG_STR_FMT "_transactions/" OG_STR_FMT, OG_STR_ARG(prefix),
                                 OG_STR_ARG(manifest.tx_file));
  if (st == OG_OK) st = og_store_get(cx, store, path, 1 << 20, &tx);
  if (st == OG_OK && manifest.transaction.ptr && !og_str_eq(og_buf_str(&tx), manifest.transaction))
    st = og_fail(cx, OG_ECORRUPT, OG_STR_FMT " is damaged", OG_STR_ARG(path));
  og_manifest_cleanup(&manifest);
  return st;
}

static og_status see_key(og_ctx *cx, void *arg, og_str key, uint64_t size)
{
  og_store *store = arg;
  size_t at = og_str_find(key, OG_STR("_versions/"));
  (void)size;
  if (at == SIZE_MAX || !og_str_ends_with(key, OG_STR(".manifest"))) return OG_OK;
  return check_transaction(cx, store, key, og_str_sub(key, 0, at));
}

og_status check_transactions(og_ctx *cx, og_store *store)
{
  return og_store_list(cx, store, OG_STR(""), OG_STR(""), see_key, store);
}
