/* SPDX-License-Identifier: MIT */
/* base/env.c -- what both worlds share: error texts, whole files, nested folders. */
#include "base/env.h"

#include "base/env_fail.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

typedef struct errno_row {
  int err;
  og_status status;
  const char *words; /* NULL: the system's */
} errno_row;

static const errno_row errno_rows[] = {
    {ENOENT, OG_ENOTFOUND, "no such file or folder"},
    {ENOTDIR, OG_EINVALID, "a part of the path is not a folder"},
    {EISDIR, OG_EINVALID, "it is a folder"},
    {EINVAL, OG_EINVALID, "it is not a regular file"},
    {ENAMETOOLONG, OG_EINVALID, "the name is too long for this file system"},
    {EEXIST, OG_EEXISTS, "it exists"},
    {ENOTEMPTY, OG_EEXISTS, "the folder is not empty"},
    {EACCES, OG_EDENIED, "permission denied; check the owner and mode of the folder"},
    {EPERM, OG_EDENIED, "operation not permitted; check the owner and mode of the folder"},
    {ELOOP, OG_EDENIED, "it is a symbolic link, which is not followed inside a graph; replace it by a copy"},
    {EROFS, OG_EREADONLY, "read-only file system; mount it writable or choose another place"},
    {ENOSPC, OG_ELIMIT, "the disk is full; free some space and try again"},
    {EDQUOT, OG_ELIMIT, "the disk quota is spent; free some space and try again"},
    {EFBIG, OG_ELIMIT, "the file is too large for this file system or process limit"},
    {EMFILE, OG_EIO, "too many open files; raise the limit (ulimit -n)"},
    {ENFILE, OG_EIO, "too many open files on this machine"},
    {ENOMEM, OG_ENOMEM, "out of memory"},
    {ENOSYS, OG_EUNSUPPORTED, "this file system does not support it"},
    {EOPNOTSUPP, OG_EUNSUPPORTED, "this file system does not support it"},
    {EXDEV, OG_EUNSUPPORTED, "source and target are on different file systems"},
    {EIO, OG_EIO, "input/output error; check the disk and the system's log"},
};

og_status og_env__fail(og_ctx *cx, int err, const char *verb, const char *path)
{
  if (strcmp(verb, "link") == 0 && (err == EPERM || err == EOPNOTSUPP))
    return og_fail(cx, OG_EUNSUPPORTED,
                   "cannot link %s: this file system has no hard links; put the graph on another one", path);
  for (size_t i = 0; i < OG_ARRAY_LEN(errno_rows); i++) {
    const errno_row *row = &errno_rows[i];
    if (row->err != err) continue;
    og_status st = og_fail(cx, row->status, "cannot %s %s: %s", verb, path, row->words);
    if (err == ENOSPC || err == EDQUOT) {
      og_detail *d = og_error_detail(cx, OG_DETAIL_RESOURCE_LIMIT);
      og_detail_set(d->resource, sizeof d->resource, OG_STR("disk"));
    }
    return st;
  }
  char words[128];
  if (strerror_r(err, words, sizeof words) != 0) snprintf(words, sizeof words, "system error %d", err);
  return og_fail(cx, OG_EIO, "cannot %s %s: %s", verb, path, words);
}

static og_status read_open_file(og_ctx *cx, og_file *f, const char *path, uint64_t max, og_buf *out)
{
  og_file_info info;
  OG_TRY(cx->env->ops->file_info(cx, f, &info));
  if (info.size > max)
    return og_fail(cx, OG_ELIMIT, "%s has %llu bytes; at most %llu are read", path, (unsigned long long)info.size,
                   (unsigned long long)max);
  if (info.size == 0) return OG_OK;
  OG_TRY(og_buf_reserve(cx, out, (size_t)info.size));
  OG_TRY(cx->env->ops->file_read(cx, f, 0, out->data + out->len, (size_t)info.size));
  out->len += (size_t)info.size;
  return OG_OK;
}

og_status og_env_read_file(og_ctx *cx, const char *path, uint64_t max, og_buf *out)
{
  og_file *f = NULL;
  OG_TRY(cx->env->ops->file_open(cx, path, OG_OPEN_READ_USER, &f));
  og_status st = read_open_file(cx, f, path, max, out);
  cx->env->ops->file_close(cx->env, f);
  return st;
}

static og_status sync_parent(og_ctx *cx, char *path, size_t end)
{
  size_t slash = end;
  while (slash > 0 && path[slash] != '/') slash--;
  if (slash == 0) return cx->env->ops->sync_dir(cx, "/");
  path[slash] = '\0';
  og_status st = cx->env->ops->sync_dir(cx, path);
  path[slash] = '/';
  return st;
}

/* Makes the folder path[0, end).  A folder somebody else just made is as good as ours, and its
 * entry is synced too: its maker may have died between making and syncing it. */
static og_status make_one(og_ctx *cx, char *path, size_t end, unsigned *made)
{
  char kept = path[end];
  path[end] = '\0';
  og_file_info info;
  og_status st = cx->env->ops->path_info(cx, path, &info);
  if (st == OG_OK && !info.is_dir)
    st = og_fail(cx, OG_EINVALID, "%s is not a folder; choose another place", path);
  else if (st == OG_ENOTFOUND) {
    og_error_clear(cx);
    st = cx->env->ops->mkdir(cx, path);
    if (st == OG_OK) *made += 1;
    if (st == OG_EEXISTS) {
      og_error_clear(cx);
      st = OG_OK;
    }
    if (st == OG_OK) st = sync_parent(cx, path, end);
  }
  path[end] = kept;
  return st;
}

og_status og_env_make_dirs(og_ctx *cx, const char *path, unsigned *made)
{
  unsigned count = 0;
  size_t len = strlen(path);
  og_file_info info;
  if (cx->env->ops->path_info(cx, path, &info) == OG_OK && info.is_dir) {
    if (made) *made = 0;
    return OG_OK;
  }
  og_error_clear(cx);
  char *copy = og_strdup(cx, og_str_from(path, len));
  if (!copy) return OG_ENOMEM;
  og_status st = OG_OK;
  for (size_t i = 1; i <= len && st == OG_OK; i++)
    if (copy[i] == '/' || copy[i] == '\0') st = make_one(cx, copy, i, &count);
  og_free(copy);
  if (st == OG_OK && made) *made = count;
  return st;
}
