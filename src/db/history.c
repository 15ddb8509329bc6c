/* SPDX-License-Identifier: MIT */
/* db/history.c -- diff, changes and baselines as one asks for them: by names of commits and branches. */
#include "base/env.h"
#include "db/internal.h"

#include <stdio.h>

/* A commit's id, or a branch. */
static og_status pin_ref(og_ctx *cx, og_db *db, og_str ref, og_snapshot **out)
{
  og_ulid id;
  ref = og_str_trim(ref);
  if (og_ulid_parse(ref, &id)) return og_graph_snapshot_own(cx, og_db__graph(db), OG_STR_NONE, &id, out);
  return og_graph_snapshot(cx, og_db__graph(db), ref, out);
}

typedef struct two {
  og_snapshot *from, *to;
} two;

static og_status open_diff(og_ctx *cx, og_db *db, const og_diff_args *args, two *s, og_changes **out)
{
  OG_TRY(og_change_filter_check(cx, &args->filter));
  OG_TRY(pin_ref(cx, db, args->from, &s->from));
  OG_TRY(pin_ref(cx, db, args->to, &s->to));
  return og_changes_open(cx, s->from, s->to, OG_CHANGES_DIFF, &args->filter, out);
}

static void close_diff(two *s, og_changes *c)
{
  og_changes_close(c);
  og_snapshot_unref(s->from);
  og_snapshot_unref(s->to);
}

og_status og_db_diff(og_ctx *cx, og_db *db, const og_diff_args *args, og_change_fn fn, void *arg)
{
  two s = {0};
  og_changes *c = NULL;
  og_change change;
  bool more = true;
  og_status st = open_diff(cx, db, args, &s, &c);
  while (st == OG_OK && (st = og_changes_next(cx, c, &change, &more)) == OG_OK && more) st = fn(cx, arg, &change);
  close_diff(&s, c);
  return st;
}

og_status og_db_diff_count(og_ctx *cx, og_db *db, const og_diff_args *args, og_vec *out)
{
  two s = {0};
  og_changes *c = NULL;
  og_status st = open_diff(cx, db, args, &s, &c);
  if (st == OG_OK) st = og_changes_count(cx, c, out);
  close_diff(&s, c);
  return st;
}

og_status og_db_commit_changes(og_ctx *cx, og_db *db, og_str commit, const og_commit_ask *ask, og_change_block *out,
                               og_str *next)
{
  og_commit_ask whole = *ask;
  OG_TRY(og_db__commit_id(cx, commit, &whole.commit));
  return og_commit_changes(cx, og_db__graph(db), &whole, out, next);
}

og_status og_db_feed(og_ctx *cx, og_db *db, const og_feed_poll *poll, og_feed_page *out)
{
  return og_feed_read(cx, og_db__graph(db), poll, out);
}

/* ---- baselines: a file that is complete before its cursor is told */

typedef struct baseline_file {
  og_file *file;
} baseline_file;

static og_status append(og_ctx *cx, void *arg, og_str bytes)
{
  baseline_file *b = arg;
  return cx->env->ops->file_append(cx, b->file, bytes.ptr, bytes.len);
}

static og_status write_file(og_ctx *cx, og_snapshot *s, const og_change_filter *filter, const char *path)
{
  const og_env_ops *ops = cx->env->ops;
  baseline_file b;
  OG_TRY(ops->file_open(cx, path, OG_OPEN_TRUNCATE, &b.file));
  og_status st = og_db__export(cx, s, filter, append, &b);
  if (st == OG_OK) st = ops->file_sync(cx, b.file);
  ops->file_close(cx->env, b.file);
  return st;
}

static og_status replace(og_ctx *cx, const char *temporary, const char *path)
{
  const og_env_ops *ops = cx->env->ops;
  og_str folder, whole = og_str_of(path);
  OG_TRY(ops->rename(cx, temporary, path));
  OG_TRY(og_arena_str(cx, cx->arena, og_str_sub(whole, 0, og_str_rfind_byte(whole, '/')), &folder));
  return ops->sync_dir(cx, folder.len ? folder.ptr : "/");
}

static og_status capture(og_ctx *cx, og_db *db, og_str branch, const og_change_filter *filter, const char *path,
                         og_baseline *out)
{
  og_snapshot *s;
  og_str temporary;
  char head[OG_ULID_LEN];
  OG_TRY(og_arena_printf(cx, cx->arena, &temporary, "%s.tmp", path));
  OG_TRY(og_graph_snapshot(cx, og_db__graph(db), branch, &s));
  og_status st = write_file(cx, s, filter, temporary.ptr);
  if (st == OG_OK) st = replace(cx, temporary.ptr, path);
  if (st == OG_OK) st = og_feed_cursor(cx, s, filter, &out->resume_cursor);
  og_ulid_format(&s->fold->head, head);
  og_snapshot_unref(s);
  OG_TRY(st);
  return og_arena_str(cx, cx->arena, og_str_from(head, sizeof head), &out->snapshot_commit);
}

og_status og_db_baseline(og_ctx *cx, og_db *db, og_str branch, const og_change_filter *filter, const char *path,
                         og_baseline *out)
{
  const og_env_ops *ops = cx->env->ops;
  og_str lock;
  og_file *held;
  *out = (og_baseline){0};
  OG_TRY(og_change_filter_check(cx, filter));
  OG_TRY(og_arena_printf(cx, cx->arena, &lock, "%s.lock", path));
  og_status st = ops->file_open(cx, lock.ptr, OG_OPEN_CREATE_NEW, &held);
  if (st == OG_EEXISTS)
    return og_fail(cx, OG_ECONFLICT,
                   "another baseline is being written to '%s'; if none is, remove what it left: '" OG_STR_FMT "'", path,
                   OG_STR_ARG(lock));
  OG_TRY(st);
  st = capture(cx, db, branch, filter, path, out);
  const og_error kept = *cx->err;
  ops->file_close(cx->env, held);
  if (ops->unlink(cx, lock.ptr) != OG_OK && st == OG_OK) return cx->err->status;
  *cx->err = kept;
  return st;
}

/* ---- going back, and comparing */

og_status og_db_restate(og_ctx *cx, og_db *db, og_str commit, const og_merge *how, og_merged *out)
{
  og_merge whole = *how;
  *out = (og_merged){0};
  OG_TRY(og_db__commit_id(cx, commit, &whole.commit));
  return og_db_branch_merge(cx, db, &whole, out);
}

og_status og_db_compare(og_ctx *cx, og_db *db, og_str branch, og_str with, uint64_t *ahead, uint64_t *behind)
{
  og_snapshot *a = NULL, *b = NULL;
  og_status st = og_graph_snapshot(cx, og_db__graph(db), branch, &a);
  if (st == OG_OK) st = og_graph_snapshot(cx, og_db__graph(db), with, &b);
  if (st == OG_OK) st = og_graph_ahead_behind(cx, a, b, ahead, behind);
  og_snapshot_unref(a);
  og_snapshot_unref(b);
  return st;
}
