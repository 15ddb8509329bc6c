/* SPDX-License-Identifier: MIT */
/* db/public_dataset_refs.c -- Lance tables in the C API: versions, tags, branches, and cleaning up. */
#include "base/env.h"
#include "db/public_writer.h"
#include "lance/cleanup.h"
#include "lance/refs.h"

/* ---- lists */

/* A call that reads what a table's folder says about all its versions. */
typedef struct reader {
  og_call call;
  og_runtime none;
  og_dataset *world;
  og_ctx *cx;
  og_lance_place at;
  og_arena arena; /* of the list */
} reader;

static og_status need_table(og_ctx *cx, const og_lance_place *at, og_str uri)
{
  uint64_t newest;
  OG_TRY(og_lance_newest_version(cx, at, &newest));
  if (newest) return OG_OK;
  return og_fail(cx, OG_ENOTFOUND, "no Lance table at '" OG_STR_FMT "'%s" OG_STR_FMT ": it has no _versions",
                 OG_STR_ARG(uri), at->branch.len ? ", branch " : "", OG_STR_ARG(at->branch));
}

static og_status open_place(reader *r, const char *uri, const og_dataset_opts *given)
{
  og_dataset_opts o;
  og_str at, branch;
  og_dataset_opts_init(&o);
  OG_TRY(og_db__opts_take(r->cx, &o, sizeof o, given));
  OG_TRY(og_db__dataset_new(r->cx, o.memory_limit, &r->world));
  OG_TRY(og_db__text_need(r->cx, uri, "uri", &at));
  OG_TRY(og_db__text_take(r->cx, o.branch, "branch", &branch));
  OG_TRY(og_db__dataset_enter(&r->call, r->world, o.timeout_ms, o.cancel));
  OG_TRY(og_lance_place_open(r->cx, at, branch, true, &r->at));
  return need_table(r->cx, &r->at, at);
}

static og_status reader_begin(reader *r, const char *uri, const og_dataset_opts *opts, og_error *err)
{
  *r = (reader){0};
  r->cx = og_db__call_bare(&r->call, &r->none.mem, &r->none, err);
  return open_place(r, uri, opts);
}

/* The list is `list` from now on, or NULL. */
static og_status reader_end(reader *r, og_status st, void *list, void *out)
{
  if (og_db__list_keep(st, list, &r->arena)) memcpy(out, &list, sizeof list);
  og_store_unref(r->at.store);
  st = og_db__call_end(&r->call, st);
  og_db__dataset_unref(r->world);
  return st;
}

static og_status time_of(reader *r, uint64_t version, int64_t *out)
{
  og_lance_table *t;
  OG_TRY(og_ctx_poll(r->cx));
  OG_TRY(og_lance_table_open(r->cx, &r->at, version, OG_STR_NONE, &t));
  *out = og_lance_table_timestamp_us(t);
  og_lance_table_unref(t);
  return OG_OK;
}

static og_status list_versions(reader *r, og_dataset_versions **out)
{
  OG_AUTO(og_vec) all = OG_VEC_INIT(og_lance_version_ref);
  OG_TRY(og_lance_versions(r->cx, &r->at, &all));
  *out = og_db__list_new(r->cx, &r->arena, sizeof **out);
  og_dataset_version_info *items = og_arena_calloc(r->cx, &r->arena, all.len + 1, sizeof *items);
  if (!*out || !items) return OG_ENOMEM;
  for (size_t i = 0; i < all.len; i++) {
    items[i].version = OG_VEC_AT(&all, og_lance_version_ref, i).version;
    OG_TRY(time_of(r, items[i].version, &items[i].timestamp_us));
  }
  **out = (og_dataset_versions){items, all.len};
  return OG_OK;
}

og_status og_dataset_list_versions(const char *uri, const og_dataset_opts *opts, og_dataset_versions **out,
                                   og_error *err)
{
  reader r;
  og_dataset_versions *list = NULL;
  og_status st = reader_begin(&r, uri, opts, err);
  if (st == OG_OK) st = list_versions(&r, &list);
  return reader_end(&r, st, list, out);
}

void og_dataset_versions_free(og_dataset_versions *list)
{
  og_db__list_free(list);
}

static og_status list_tags(reader *r, og_dataset_tags **out)
{
  OG_AUTO(og_vec) all = OG_VEC_INIT(og_lance_tag);
  OG_TRY(og_lance_tags(r->cx, &r->at, &all));
  *out = og_db__list_new(r->cx, &r->arena, sizeof **out);
  og_dataset_tag *items = og_arena_calloc(r->cx, &r->arena, all.len + 1, sizeof *items);
  if (!*out || !items) return OG_ENOMEM;
  for (size_t i = 0; i < all.len; i++) {
    const og_lance_tag *t = &OG_VEC_AT(&all, og_lance_tag, i);
    items[i].version = t->version;
    OG_TRY(og_db__text_give(r->cx, &r->arena, t->name, false, &items[i].name));
    OG_TRY(og_db__text_give(r->cx, &r->arena, t->branch, false, &items[i].branch));
  }
  **out = (og_dataset_tags){items, all.len};
  return OG_OK;
}

og_status og_dataset_list_tags(const char *uri, og_dataset_tags **out, og_error *err)
{
  reader r;
  og_dataset_tags *list = NULL;
  og_status st = reader_begin(&r, uri, NULL, err);
  if (st == OG_OK) st = list_tags(&r, &list);
  return reader_end(&r, st, list, out);
}

void og_dataset_tags_free(og_dataset_tags *list)
{
  og_db__list_free(list);
}

static og_status list_branches(reader *r, og_dataset_branches **out)
{
  OG_AUTO(og_vec) all = OG_VEC_INIT(og_lance_branch);
  OG_TRY(og_lance_branches(r->cx, &r->at, &all));
  *out = og_db__list_new(r->cx, &r->arena, sizeof **out);
  og_dataset_branch *items = og_arena_calloc(r->cx, &r->arena, all.len + 1, sizeof *items);
  if (!*out || !items) return OG_ENOMEM;
  for (size_t i = 0; i < all.len; i++) {
    const og_lance_branch *b = &OG_VEC_AT(&all, og_lance_branch, i);
    items[i].version = b->version;
    OG_TRY(og_db__text_give(r->cx, &r->arena, b->name, false, &items[i].name));
    OG_TRY(og_db__text_give(r->cx, &r->arena, b->parent, false, &items[i].parent));
  }
  **out = (og_dataset_branches){items, all.len};
  return OG_OK;
}

og_status og_dataset_list_branches(const char *uri, og_dataset_branches **out, og_error *err)
{
  reader r;
  og_dataset_branches *list = NULL;
  og_status st = reader_begin(&r, uri, NULL, err);
  if (st == OG_OK) st = list_branches(&r, &list);
  return reader_end(&r, st, list, out);
}

void og_dataset_branches_free(og_dataset_branches *list)
{
  og_db__list_free(list);
}

/* ---- tags and branches */

og_status og_dataset_tag_create(const char *uri, const char *name, uint64_t version, bool move,
                                const og_write_opts *opts, og_error *err)
{
  og_writer w;
  og_str text;
  og_status st = og_db__writer_begin_on(&w, uri, opts, err);
  if (st == OG_OK) st = og_db__text_need(w.cx, name, "name", &text);
  if (st == OG_OK) st = og_lance_tag_put(w.cx, &w.at, text, version, move);
  return og_db__writer_end(&w, st);
}

og_status og_dataset_tag_delete(const char *uri, const char *name, const og_write_opts *opts, og_error *err)
{
  og_writer w;
  og_str text;
  og_status st = og_db__writer_begin_on(&w, uri, opts, err);
  if (st == OG_OK) st = og_db__text_need(w.cx, name, "name", &text);
  if (st == OG_OK) st = og_lance_tag_delete(w.cx, &w.at, text);
  return og_db__writer_end(&w, st);
}

og_status og_dataset_branch_create(const char *uri, const char *name, uint64_t version, const og_write_opts *opts,
                                   og_error *err)
{
  og_writer w;
  og_str text;
  og_lance_change_opts change;
  og_status st = og_db__writer_begin_on(&w, uri, opts, err);
  if (st == OG_OK) st = og_db__text_need(w.cx, name, "name", &text);
  if (st == OG_OK) st = og_db__writer_opts(&w, OG_LANCE_CLONE, &change);
  if (st == OG_OK) st = og_lance_branch_create(w.cx, &w.at, text, version, &change);
  return og_db__writer_end(&w, st);
}

og_status og_dataset_branch_delete(const char *uri, const char *name, const og_write_opts *opts, og_error *err)
{
  og_writer w;
  og_str text;
  og_status st = og_db__writer_begin_on(&w, uri, opts, err);
  if (st == OG_OK) st = og_db__writer_refuse_graph(&w);
  if (st == OG_OK) st = og_db__text_need(w.cx, name, "name", &text);
  if (st == OG_OK) st = og_lance_branch_delete(w.cx, &w.at, text);
  return og_db__writer_end(&w, st);
}

/* ---- og_dataset_cleanup */

void og_cleanup_opts_init(og_cleanup_opts *opts)
{
  *opts = (og_cleanup_opts){.size = sizeof *opts, .older_than_s = 14 * 86400, .orphans_s = 7 * 86400};
}

static int64_t so_long_ago(int64_t now_us, uint64_t seconds)
{
  return seconds > (uint64_t)now_us / 1000000 ? 0 : now_us - (int64_t)(seconds * 1000000);
}

static og_status cleanup(og_writer *w, const og_cleanup_opts *given, og_lance_cleanup_counts *out)
{
  og_cleanup_opts o;
  og_cleanup_opts_init(&o);
  OG_TRY(og_db__opts_take(w->cx, &o, sizeof o, given));
  const int64_t now = og_wall_us(w->cx);
  const og_lance_cleanup_opts opts = {.keep = o.keep,
                                      .before_us = so_long_ago(now, o.older_than_s),
                                      .orphans_before_us = so_long_ago(now, o.orphans_s),
                                      .dry = o.dry};
  return og_lance_cleanup(w->cx, &w->at, &opts, out);
}

og_status og_dataset_cleanup(const char *uri, const og_cleanup_opts *opts, const og_write_opts *write,
                             og_cleanup_counts *counts, og_error *err)
{
  og_writer w;
  og_lance_cleanup_counts done = {0};
  og_status st = og_db__writer_begin_on(&w, uri, write, err);
  if (st == OG_OK) st = og_db__writer_refuse_graph(&w);
  if (st == OG_OK) st = cleanup(&w, opts, &done);
  if (counts) *counts = (og_cleanup_counts){done.versions, done.files, done.bytes};
  return og_db__writer_end(&w, st);
}
