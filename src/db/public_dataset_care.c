/* SPDX-License-Identifier: MIT */
/* db/public_dataset_care.c -- Lance tables in the C API: restoring, compacting, indexes. */
#include "db/public_writer.h"
#include "lance/index.h"

/* ---- og_dataset_restore */

static og_status restore(og_writer *w, uint64_t version, uint64_t *made)
{
  og_lance_table *old;
  og_lance_change *c;
  og_status st = og_lance_table_open(w->cx, &w->at, version, OG_STR_NONE, &old);
  if (st == OG_ENOTFOUND)
    return og_fail(w->cx, OG_ENOTFOUND, "'" OG_STR_FMT "' has no version %llu, or not any more", OG_STR_ARG(w->uri),
                   (unsigned long long)version);
  OG_TRY(st);
  st = og_db__writer_change(w, OG_LANCE_RESTORE, &c);
  if (st == OG_OK) st = og_db__writer_commit(w, c, og_lance_change_restore(w->cx, c, old), NULL, NULL, made);
  og_lance_table_unref(old);
  return st;
}

og_status og_dataset_restore(const char *uri, uint64_t version, const og_write_opts *opts, uint64_t *made,
                             og_error *err)
{
  og_writer w;
  og_status st = og_db__writer_begin_on(&w, uri, opts, err);
  if (st == OG_OK) st = restore(&w, version, made);
  return og_db__writer_end(&w, st);
}

/* ---- og_dataset_compact */

typedef struct compaction {
  uint32_t taken;
  uint64_t before, after; /* fragments */
} compaction;

/* One version.  Fragments that others add meanwhile are no business of ours, so the counts are of its own base. */
static og_status compact_once(og_writer *w, void *arg)
{
  compaction *k = arg;
  og_lance_change *c;
  og_lance_table *made = NULL;
  OG_TRY(og_db__writer_change(w, OG_LANCE_REWRITE, &c));
  og_status st = og_lance_change_compact(w->cx, c, &k->taken);
  if (st == OG_OK && k->taken) st = og_lance_commit(w->cx, c, true, NULL, NULL);
  if (st == OG_OK && k->taken) st = og_lance_change_table(w->cx, c, &made);
  if (made) k->after = og_lance_table_fragments(made);
  k->before = og_lance_table_fragments(w->base);
  og_lance_table_unref(made);
  og_lance_change_free(w->cx, c);
  return st;
}

static og_status compact(og_writer *w, og_compact_counts *counts)
{
  for (;;) {
    compaction k = {0};
    OG_TRY(og_db__writer_retry(w, compact_once, &k));
    if (k.taken == 0) return OG_OK;
    counts->fragments_taken += k.taken;
    if (k.after + k.taken > k.before) counts->fragments_made += k.after + k.taken - k.before;
    OG_TRY(og_db__writer_reopen(w));
    OG_TRY(og_db__writer_need_base(w));
  }
}

og_status og_dataset_compact(const char *uri, const og_write_opts *opts, og_compact_counts *counts, og_error *err)
{
  og_writer w;
  og_compact_counts done = {0};
  og_status st = og_db__writer_begin_on(&w, uri, opts, err);
  if (st == OG_OK) st = compact(&w, &done);
  if (counts) *counts = done;
  return og_db__writer_end(&w, st);
}

/* ---- indexes */

typedef struct index_edit {
  const char *column;
  og_lance_index_kind kind;
  og_str name;
  bool all;
} index_edit;

static og_status create_index(og_writer *w, void *arg)
{
  const index_edit *e = arg;
  og_lance_change *c;
  uint32_t column;
  OG_TRY(og_db__column_need(w->cx, w->base, e->column, &column));
  OG_TRY(og_db__writer_change(w, OG_LANCE_INDEX, &c));
  const og_status st = og_lance_change_index_build(w->cx, c, e->kind, column, e->name);
  return og_db__writer_commit(w, c, st, NULL, NULL, NULL);
}

static og_status kind_take(og_ctx *cx, og_index_kind given, og_lance_index_kind *out)
{
  switch (given) {
  case OG_INDEX_KIND_BTREE: *out = OG_INDEX_BTREE; return OG_OK;
  case OG_INDEX_KIND_BITMAP: *out = OG_INDEX_BITMAP; return OG_OK;
  case OG_INDEX_KIND_LABEL_LIST: *out = OG_INDEX_LABELS; return OG_OK;
  case OG_INDEX_KIND_NGRAM: *out = OG_INDEX_NGRAM; return OG_OK;
  }
  return og_fail(cx, OG_EINVALID, "an index of kind %d, which is none", (int)given);
}

static og_status name_take(og_ctx *cx, const char *name, const char *column, og_str *out)
{
  if (name) return og_db__text_need(cx, name, "name", out);
  OG_TRY(og_db__text_need(cx, column, "column", out));
  return og_arena_printf(cx, cx->arena, out, "%s_idx", column);
}

og_status og_dataset_index_create(const char *uri, const char *column, og_index_kind kind, const char *name,
                                  const og_write_opts *opts, og_error *err)
{
  og_writer w;
  index_edit e = {.column = column};
  og_status st = og_db__writer_begin_on(&w, uri, opts, err);
  if (st == OG_OK) st = kind_take(w.cx, kind, &e.kind);
  if (st == OG_OK) st = name_take(w.cx, name, column, &e.name);
  if (st == OG_OK) st = og_db__writer_retry(&w, create_index, &e);
  return og_db__writer_end(&w, st);
}

static og_status fold_index(og_writer *w, void *arg)
{
  const index_edit *e = arg;
  og_lance_change *c;
  bool changed = false;
  OG_TRY(og_db__writer_change(w, OG_LANCE_INDEX, &c));
  og_status st = og_lance_change_index_fold(w->cx, c, e->name, e->all, &changed);
  if (st == OG_OK && changed) st = og_lance_commit(w->cx, c, true, NULL, NULL);
  og_lance_change_free(w->cx, c);
  return st;
}

static bool is_known(const og_lance_index_entry *e)
{
  og_lance_index_kind kind;
  return og_lance_index_kind_of(e, &kind);
}

/* All indexes of the kinds we make; each of their names once. */
static og_status fold_all(og_writer *w, index_edit *e)
{
  const og_lance_index_entry *entries;
  size_t n;
  OG_TRY(og_lance_table_indexes(w->cx, w->base, &entries, &n));
  for (size_t i = 0; i < n; i++) {
    bool again = !is_known(&entries[i]);
    for (size_t k = 0; k < i; k++) again = again || og_str_eq(entries[k].name, entries[i].name);
    if (again) continue;
    e->name = entries[i].name;
    OG_TRY(og_db__writer_retry(w, fold_index, e));
    OG_TRY(og_db__writer_reopen(w));
    OG_TRY(og_db__writer_need_base(w));
  }
  return OG_OK;
}

static og_status update_index(og_writer *w, const char *name, index_edit *e)
{
  if (!name) return fold_all(w, e);
  OG_TRY(og_db__text_need(w->cx, name, "name", &e->name));
  return og_db__writer_retry(w, fold_index, e);
}

og_status og_dataset_index_update(const char *uri, const char *name, bool all_parts, const og_write_opts *opts,
                                  og_error *err)
{
  og_writer w;
  index_edit e = {.all = all_parts};
  og_status st = og_db__writer_begin_on(&w, uri, opts, err);
  if (st == OG_OK) st = update_index(&w, name, &e);
  return og_db__writer_end(&w, st);
}

static og_status drop_index(og_writer *w, void *arg)
{
  const index_edit *e = arg;
  og_lance_change *c;
  OG_TRY(og_db__writer_change(w, OG_LANCE_INDEX, &c));
  return og_db__writer_commit(w, c, og_lance_change_index_drop(w->cx, c, e->name), NULL, NULL, NULL);
}

og_status og_dataset_index_drop(const char *uri, const char *name, const og_write_opts *opts, og_error *err)
{
  og_writer w;
  index_edit e = {0};
  og_status st = og_db__writer_begin_on(&w, uri, opts, err);
  if (st == OG_OK) st = og_db__text_need(w.cx, name, "name", &e.name);
  if (st == OG_OK) st = og_db__writer_retry(&w, drop_index, &e);
  return og_db__writer_end(&w, st);
}
