/* SPDX-License-Identifier: MIT */
/* base/env_posix.c -- the real world.
 *
 *  (1) Every descriptor is close-on-exec.  A file is opened without following a link in its last
 *      part, and only when it is a regular file: a planted pipe or device must not hang or feed us.
 *  (2) Files are made 0666 and folders 0777; the umask decides.
 *  (3) A call interrupted by a signal is repeated; short transfers are continued.
 *  (4) After a failed sync the kernel may have dropped the dirty pages and marked them clean, so
 *      the same file is never synced again through its handle; the caller writes a new one.
 *  (5) Several syncs run at once on a few threads: concurrent syncs share the journal's commit
 *      (three small files and their folder: 0.4 ms together, 0.75 ms one after another, on ext4).
 */
#define _DEFAULT_SOURCE  1 /* d_type, getrandom */
#define _DARWIN_C_SOURCE 1
#include "base/env.h"
#include "base/env_fail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/random.h>
#endif

#define SYNC_THREADS 4u /* the caller's included */

struct og_file {
  int fd;
  bool sync_failed;
  char path[]; /* for messages */
};

struct og_task {
  pthread_t thread;
  og_status (*fn)(void *arg);
  void *arg;
  og_status result;
};

/* -- time and randomness -- */

static int64_t posix_wall_us(og_env *env)
{
  (void)env;
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static uint64_t posix_mono_ns(og_env *env)
{
  (void)env;
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void posix_sleep_ns(og_env *env, uint64_t ns)
{
  (void)env;
  struct timespec left = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

static og_status posix_random(og_ctx *cx, void *out, size_t n)
{
  uint8_t *at = out;
  while (n > 0) {
    size_t step = n < 256 ? n : 256;
#if defined(__linux__)
    ssize_t got = getrandom(at, step, 0);
    if (got < 0 && errno == EINTR) continue;
#else
    ssize_t got = getentropy(at, step) == 0 ? (ssize_t)step : -1;
#endif
    if (got <= 0) return og_env__fail(cx, errno, "read", "the system's random numbers");
    at += got;
    n -= (size_t)got;
  }
  return OG_OK;
}

/* -- tasks -- */

static void *task_main(void *arg)
{
  og_task *t = arg;
  t->result = t->fn(t->arg);
  return NULL;
}

/* Signals belong to the host's own threads. */
static int start_quiet(pthread_t *thread, void *(*fn)(void *), void *arg)
{
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int err = pthread_create(thread, NULL, fn, arg);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return err;
}

static og_status posix_task_start(og_ctx *cx, og_status (*fn)(void *arg), void *arg, og_task **out)
{
  og_task *t = og_alloc(cx, sizeof *t);
  if (!t) return OG_ENOMEM;
  *t = (og_task){.fn = fn, .arg = arg};
  int err = start_quiet(&t->thread, task_main, t);
  if (err != 0) {
    og_free(t);
    return og_env__fail(cx, err, "start", "a thread");
  }
  *out = t;
  return OG_OK;
}

static og_status posix_task_join(og_ctx *cx, og_task *t)
{
  (void)cx;
  OG_INVARIANT(pthread_join(t->thread, NULL) == 0);
  og_status st = t->result;
  og_free(t);
  return st;
}

static void posix_yield(og_env *env)
{
  (void)env;
}

/* -- files -- */

static int open_retry(const char *path, int flags)
{
  int fd;
  do fd = open(path, flags | O_CLOEXEC, 0666);
  while (fd < 0 && errno == EINTR);
  return fd;
}

/* A regular file's descriptor, or -1 with errno.  O_NONBLOCK keeps a pipe from blocking the open;
 * for regular files it means nothing. */
static int open_regular(const char *path, int follow)
{
  int fd = open_retry(path, O_RDONLY | follow | O_NONBLOCK);
  if (fd < 0) return -1;
  struct stat sb;
  int err = 0;
  if (fstat(fd, &sb) != 0)
    err = errno;
  else if (S_ISDIR(sb.st_mode))
    err = EISDIR;
  else if (!S_ISREG(sb.st_mode))
    err = EINVAL;
  if (err == 0) return fd;
  close(fd);
  errno = err;
  return -1;
}

static og_status posix_file_open(og_ctx *cx, const char *path, og_open_mode mode, og_file **out)
{
  size_t len = strlen(path) + 1;
  og_file *f = og_alloc(cx, sizeof *f + len);
  if (!f) return OG_ENOMEM;
  f->sync_failed = false;
  memcpy(f->path, path, len);
  bool reads = mode == OG_OPEN_READ || mode == OG_OPEN_READ_USER;
  if (reads)
    f->fd = open_regular(path, mode == OG_OPEN_READ ? O_NOFOLLOW : 0);
  else if (mode == OG_OPEN_CREATE_NEW)
    f->fd = open_retry(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
  else
    f->fd = open_retry(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
  if (f->fd < 0) {
    int err = errno;
    og_free(f);
    return og_env__fail(cx, err, reads ? "open" : "create", path);
  }
  *out = f;
  return OG_OK;
}

/* Made with a name that is taken away at once: not every file system knows files without one.  mkstemp makes it
 * readable by us alone. */
static og_status posix_file_scratch(og_ctx *cx, og_file **out)
{
  const char *folder = getenv("TMPDIR"), *name = "/omnigraph-spill-XXXXXX";
  if (!folder || folder[0] != '/') folder = "/var/tmp";
  size_t len = strlen(folder) + strlen(name) + 1;
  og_file *f = og_alloc(cx, sizeof *f + len);
  if (!f) return OG_ENOMEM;
  f->sync_failed = false;
  snprintf(f->path, len, "%s%s", folder, name);
  f->fd = mkstemp(f->path);
  int err = f->fd < 0 ? errno : 0;
  if (err == 0 && (unlink(f->path) != 0 || fcntl(f->fd, F_SETFD, FD_CLOEXEC) != 0)) err = errno;
  if (err == 0) {
    *out = f;
    return OG_OK;
  }
  og_status st = og_env__fail(cx, err, "make a scratch file in", folder);
  if (f->fd >= 0) close(f->fd);
  og_free(f);
  return st;
}

static og_status posix_file_read(og_ctx *cx, og_file *f, uint64_t off, void *out, size_t n)
{
  uint8_t *at = out;
  uint64_t end;
  if (OG_ADD_OVERFLOWS(off, n, &end) || end > INT64_MAX)
    return og_fail(cx, OG_ECORRUPT, "%s: a read beyond the largest file was asked for", f->path);
  while (n > 0) {
    ssize_t got = pread(f->fd, at, n, (off_t)off);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return og_env__fail(cx, errno, "read", f->path);
    if (got == 0)
      return og_fail(cx, OG_ECORRUPT, "%s ends at byte %llu, %zu bytes early; it was cut short", f->path,
                     (unsigned long long)off, n);
    at += got;
    off += (uint64_t)got;
    n -= (size_t)got;
  }
  return OG_OK;
}

static og_status posix_file_append(og_ctx *cx, og_file *f, const void *p, size_t n)
{
  const uint8_t *at = p;
  while (n > 0) {
    ssize_t put = write(f->fd, at, n);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return og_env__fail(cx, errno, "write", f->path);
    at += put;
    n -= (size_t)put;
  }
  return OG_OK;
}

/* 0 or errno. */
static int sync_fd(int fd)
{
  int rc;
  do {
#if defined(__APPLE__)
    rc = fcntl(fd, F_FULLFSYNC); /* fsync leaves the data in the drive's cache there */
    if (rc != 0 && (errno == ENOTSUP || errno == EINVAL)) rc = fsync(fd);
#else
    rc = fsync(fd);
#endif
  } while (rc != 0 && errno == EINTR);
  if (rc == 0) return 0;
  int err = errno;
  struct stat sb;
  /* Some network and user-space file systems cannot sync a folder and say so with EINVAL: their
   * entries are as durable as they ever get. */
  if (err == EINVAL && fstat(fd, &sb) == 0 && S_ISDIR(sb.st_mode)) return 0;
  return err;
}

static og_status posix_file_sync(og_ctx *cx, og_file *f)
{
  if (f->sync_failed)
    return og_fail(cx, OG_EIO, "%s could not be synced before; its data must be written to a new file", f->path);
  int err = sync_fd(f->fd);
  if (err == 0) return OG_OK;
  f->sync_failed = true;
  return og_env__fail(cx, err, "sync", f->path);
}

static void fill_info(const struct stat *sb, og_file_info *out)
{
#if defined(__APPLE__)
  struct timespec c = sb->st_ctimespec, m = sb->st_mtimespec;
#else
  struct timespec c = sb->st_ctim, m = sb->st_mtim;
#endif
  out->size = (uint64_t)sb->st_size;
  out->dev = (uint64_t)sb->st_dev;
  out->ino = (uint64_t)sb->st_ino;
  out->ctime_ns = (int64_t)c.tv_sec * 1000000000 + c.tv_nsec;
  out->mtime_ns = (int64_t)m.tv_sec * 1000000000 + m.tv_nsec;
  out->is_dir = S_ISDIR(sb->st_mode);
  out->is_link = S_ISLNK(sb->st_mode);
}

static og_status posix_file_info(og_ctx *cx, og_file *f, og_file_info *out)
{
  struct stat sb;
  if (fstat(f->fd, &sb) != 0) return og_env__fail(cx, errno, "stat", f->path);
  fill_info(&sb, out);
  return OG_OK;
}

static void posix_file_close(og_env *env, og_file *f)
{
  (void)env;
  if (!f) return;
  close(f->fd); /* what mattered was synced; nothing can be learned here */
  og_free(f);
}

/* -- names -- */

static og_status posix_path_info(og_ctx *cx, const char *path, og_file_info *out)
{
  struct stat sb, target;
  if (lstat(path, &sb) != 0) return og_env__fail(cx, errno, "stat", path);
  bool is_link = S_ISLNK(sb.st_mode);
  if (is_link && stat(path, &target) == 0) sb = target;
  fill_info(&sb, out);
  out->is_link = is_link;
  return OG_OK;
}

static og_status posix_mkdir(og_ctx *cx, const char *path)
{
  return mkdir(path, 0777) == 0 ? OG_OK : og_env__fail(cx, errno, "create folder", path);
}

/* Opens a file or folder, syncs it; 0 or errno. */
static int sync_path(const char *path, int flags)
{
  int fd = open_retry(path, O_RDONLY | O_NONBLOCK | flags);
  if (fd < 0) return errno;
  int err = sync_fd(fd);
  close(fd);
  return err;
}

static og_status posix_sync_dir(og_ctx *cx, const char *path)
{
  int err = sync_path(path, O_DIRECTORY);
  return err == 0 ? OG_OK : og_env__fail(cx, err, "sync folder", path);
}

static og_status list_entries(og_ctx *cx, DIR *dir, const char *path, og_dir_fn fn, void *arg)
{
  for (;;) {
    errno = 0;
    const struct dirent *e = readdir(dir);
    if (!e) return errno == 0 ? OG_OK : og_env__fail(cx, errno, "list", path);
    og_str name = og_str_of(e->d_name);
    if (og_str_eq(name, OG_STR(".")) || og_str_eq(name, OG_STR(".."))) continue;
    bool is_dir = e->d_type == DT_DIR;
    if (e->d_type == DT_UNKNOWN) {
      struct stat sb;
      if (fstatat(dirfd(dir), e->d_name, &sb, AT_SYMLINK_NOFOLLOW) != 0) continue; /* gone meanwhile */
      is_dir = S_ISDIR(sb.st_mode);
    }
    OG_TRY(fn(cx, arg, name, is_dir));
  }
}

static og_status posix_list_dir(og_ctx *cx, const char *path, og_dir_fn fn, void *arg)
{
  DIR *dir = opendir(path);
  if (!dir) return og_env__fail(cx, errno, "list", path);
  og_status st = list_entries(cx, dir, path, fn, arg);
  closedir(dir);
  return st;
}

static og_status posix_link(og_ctx *cx, const char *from, const char *to)
{
  return link(from, to) == 0 ? OG_OK : og_env__fail(cx, errno, "link", to);
}

static og_status posix_rename(og_ctx *cx, const char *from, const char *to)
{
  return rename(from, to) == 0 ? OG_OK : og_env__fail(cx, errno, "rename", to);
}

static og_status posix_unlink(og_ctx *cx, const char *path)
{
  return unlink(path) == 0 ? OG_OK : og_env__fail(cx, errno, "delete", path);
}

static og_status posix_rmdir(og_ctx *cx, const char *path)
{
  return rmdir(path) == 0 ? OG_OK : og_env__fail(cx, errno, "delete folder", path);
}

/* -- many syncs at once -- */

typedef struct sync_batch {
  const char *const *paths;
  size_t n;
  _Atomic size_t next;
} sync_batch;

typedef struct sync_worker {
  sync_batch *batch;
  pthread_t thread;
  size_t failed; /* index of its first failure; SIZE_MAX: none */
  int err;
} sync_worker;

static void *sync_main(void *arg)
{
  sync_worker *w = arg;
  for (;;) {
    size_t i = atomic_fetch_add_explicit(&w->batch->next, 1, memory_order_relaxed);
    if (i >= w->batch->n) return NULL;
    int err = sync_path(w->batch->paths[i], O_NOFOLLOW);
    if (err == ELOOP) err = sync_path(w->batch->paths[i], O_DIRECTORY); /* the root itself may be a link */
    if (err == 0 || w->failed != SIZE_MAX) continue;
    w->failed = i;
    w->err = err;
  }
}

static og_status posix_sync_paths(og_ctx *cx, const char *const *paths, size_t n)
{
  sync_batch batch = {.paths = paths, .n = n};
  atomic_init(&batch.next, 0);
  sync_worker workers[SYNC_THREADS];
  size_t started = 1; /* the caller is worker 0; a thread that cannot start is done without */
  workers[0] = (sync_worker){.batch = &batch, .failed = SIZE_MAX};
  while (started < SYNC_THREADS && started < n) {
    sync_worker *w = &workers[started];
    *w = (sync_worker){.batch = &batch, .failed = SIZE_MAX};
    if (start_quiet(&w->thread, sync_main, w) != 0) break;
    started++;
  }
  sync_main(&workers[0]);
  for (size_t i = 1; i < started; i++) OG_INVARIANT(pthread_join(workers[i].thread, NULL) == 0);
  const sync_worker *first = &workers[0];
  for (size_t i = 1; i < started; i++)
    if (workers[i].failed < first->failed) first = &workers[i];
  if (first->failed == SIZE_MAX) return OG_OK;
  return og_env__fail(cx, first->err, "sync", paths[first->failed]);
}

static og_status posix_cwd(og_ctx *cx, og_buf *out)
{
  for (size_t size = 256; size <= 1u << 20; size *= 2) {
    OG_TRY(og_buf_reserve(cx, out, size));
    char *at = (char *)out->data + out->len;
    if (getcwd(at, size)) {
      out->len += strlen(at);
      return OG_OK;
    }
    if (errno != ERANGE) break;
  }
  return og_env__fail(cx, errno, "find", "the working folder");
}

static const og_env_ops posix_ops = {
    .name = "posix",
    .wall_us = posix_wall_us,
    .mono_ns = posix_mono_ns,
    .sleep_ns = posix_sleep_ns,
    .random = posix_random,
    .task_start = posix_task_start,
    .task_join = posix_task_join,
    .yield = posix_yield,
    .file_open = posix_file_open,
    .file_scratch = posix_file_scratch,
    .file_read = posix_file_read,
    .file_append = posix_file_append,
    .file_sync = posix_file_sync,
    .file_info = posix_file_info,
    .file_close = posix_file_close,
    .path_info = posix_path_info,
    .mkdir = posix_mkdir,
    .sync_dir = posix_sync_dir,
    .list_dir = posix_list_dir,
    .link = posix_link,
    .rename = posix_rename,
    .unlink = posix_unlink,
    .rmdir = posix_rmdir,
    .sync_paths = posix_sync_paths,
    .cwd = posix_cwd,
};

og_status og_env_posix_new(og_mem *mem, og_env **out)
{
  og_error err = {0};
  og_ctx cx = {.err = &err, .mem = mem};
  og_env *env = og_alloc(&cx, sizeof *env);
  if (!env) return OG_ENOMEM;
  env->ops = &posix_ops;
  *out = env;
  return OG_OK;
}

void og_env_posix_free(og_env *env)
{
  og_free(env);
}
