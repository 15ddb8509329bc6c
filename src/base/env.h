/* SPDX-License-Identifier: MIT */
/* base/env.h -- the only door to time, randomness, tasks and files.
 *
 * Two worlds implement it: the real one (env_posix.c) and the simulated one (env_sim.c, with simfs), in which a seed
 * decides every interleaving and every failure.  Nothing else in the engine may call the system for these.
 *
 * Paths are absolute, NUL-terminated, without "." or "..".  File functions return OG_ENOTFOUND, OG_EEXISTS,
 * OG_EDENIED, OG_EREADONLY (read-only file system), OG_EUNSUPPORTED (no hard links here), OG_ELIMIT (disk full:
 * ENOSPC, EDQUOT) or OG_EIO with the path and the system's words in the text.  EINTR and short transfers are handled.
 * Thread rule: an env may be used from any thread; one og_file by one thread at a time, except file_read.
 */
#pragma once

#include "base/buf.h"
#include "base/ctx.h"

typedef struct og_file og_file;
typedef struct og_task og_task;

typedef struct og_file_info {
  uint64_t size;
  uint64_t dev, ino;
  int64_t ctime_ns, mtime_ns;
  bool is_dir;
  bool is_link; /* path_info only: the name is a symbolic link; the rest tells of its target, if there is one */
} og_file_info;

typedef enum og_open_mode {
  OG_OPEN_READ,       /* existing file; a symbolic link is refused */
  OG_OPEN_READ_USER,  /* existing file that the user named: links are followed */
  OG_OPEN_CREATE_NEW, /* fails with OG_EEXISTS; write only */
  OG_OPEN_TRUNCATE    /* created or emptied; write only */
} og_open_mode;

/* Called per entry, in no particular order; return other than OG_OK to stop with that status. */
typedef og_status (*og_dir_fn)(og_ctx *cx, void *arg, og_str name, bool is_dir);

typedef struct og_env_ops {
  const char *name; /* "posix", "sim" */

  /* Wall clock, microseconds since 1970.  Never decides correctness. */
  int64_t (*wall_us)(og_env *env);
  /* Monotonic, nanoseconds. */
  uint64_t (*mono_ns)(og_env *env);
  void (*sleep_ns)(og_env *env, uint64_t ns);
  /* Unpredictable bytes (simulated: seeded). */
  og_status (*random)(og_ctx *cx, void *out, size_t n);

  /* Tasks.  fn runs once; task_join waits, frees the task, and returns what fn returned. */
  og_status (*task_start)(og_ctx *cx, og_status (*fn)(void *arg), void *arg, og_task **out);
  og_status (*task_join)(og_ctx *cx, og_task *task);
  /* A point where the simulated world may switch tasks or crash the process; nothing in the real one. */
  void (*yield)(og_env *env);

  og_status (*file_open)(og_ctx *cx, const char *path, og_open_mode mode, og_file **out);
  /* A file without a name, to append to and read, gone when it is closed or the process ends; for spilling only.  It
   * lies in the folder that $TMPDIR names, else in /var/tmp. */
  og_status (*file_scratch)(og_ctx *cx, og_file **out);
  /* Reads exactly n bytes at `off`; OG_ECORRUPT when the file ends before. */
  og_status (*file_read)(og_ctx *cx, og_file *f, uint64_t off, void *out, size_t n);
  og_status (*file_append)(og_ctx *cx, og_file *f, const void *p, size_t n);
  /* Data and size durable.  After a failure the file must not be synced again: write a new one. */
  og_status (*file_sync)(og_ctx *cx, og_file *f);
  og_status (*file_info)(og_ctx *cx, og_file *f, og_file_info *out);
  void (*file_close)(og_env *env, og_file *f);

  og_status (*path_info)(og_ctx *cx, const char *path, og_file_info *out);
  og_status (*mkdir)(og_ctx *cx, const char *path);    /* OG_EEXISTS when it is there */
  og_status (*sync_dir)(og_ctx *cx, const char *path); /* entries of the folder durable */
  og_status (*list_dir)(og_ctx *cx, const char *path, og_dir_fn fn, void *arg);
  og_status (*link)(og_ctx *cx, const char *from, const char *to);   /* never replaces: OG_EEXISTS */
  og_status (*rename)(og_ctx *cx, const char *from, const char *to); /* replaces */
  og_status (*unlink)(og_ctx *cx, const char *path);
  og_status (*rmdir)(og_ctx *cx, const char *path);
  /* Several files' data and folders' entries durable, one barrier without an order inside (may run in parallel). */
  og_status (*sync_paths)(og_ctx *cx, const char *const *paths, size_t n);
  /* Appends the process's working folder, an absolute path. */
  og_status (*cwd)(og_ctx *cx, og_buf *out);
} og_env_ops;

struct og_env {
  const og_env_ops *ops;
};

/* The real world.  One per process is enough; free after every user of it. */
OG_MUST_USE og_status og_env_posix_new(og_mem *mem, og_env **out);
void og_env_posix_free(og_env *env);

/* Conveniences over the table. */
static inline int64_t og_wall_us(og_ctx *cx)
{
  return cx->env->ops->wall_us(cx->env);
}
static inline uint64_t og_mono_ns(og_ctx *cx)
{
  return cx->env->ops->mono_ns(cx->env);
}
OG_MUST_USE static inline og_status og_random(og_ctx *cx, void *out, size_t n)
{
  return cx->env->ops->random(cx, out, n);
}
/* Whole file that the user named (links are followed); OG_ELIMIT when larger than max. */
OG_MUST_USE og_status og_env_read_file(og_ctx *cx, const char *path, uint64_t max, og_buf *out);
/* mkdir -p; syncs the parents of folders it made.  *made (may be NULL): number of new folders. */
OG_MUST_USE og_status og_env_make_dirs(og_ctx *cx, const char *path, unsigned *made);
