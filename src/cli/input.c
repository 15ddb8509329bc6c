/* SPDX-License-Identifier: MIT */
/* cli/input.c -- what the user names to be read: files, pipes, and "-" for the standard input.
 *
 * A pipe can be read once, and a load may have to read its records again.  So they are kept in a file without a name
 * for as long as the load takes; memory stays bounded, the disk holds what came through the pipe.
 */
#include "base/env.h"
#include "base/limits.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK ((size_t)256 << 10)

og_status cli_absolute(cli *c, og_str path, og_str *out)
{
  if (path.len && path.ptr[0] == '/') return og_arena_str(c->cx, c->cx->arena, path, out);
  OG_AUTO(og_buf) cwd = {0};
  OG_TRY(c->cx->env->ops->cwd(c->cx, &cwd));
  return og_arena_printf(c->cx, c->cx->arena, out, OG_STR_FMT "/" OG_STR_FMT, OG_STR_ARG(og_buf_str(&cwd)),
                         OG_STR_ARG(path));
}

/* The descriptor of a stream; -1: `path` is none. */
static og_status open_stream(cli *c, og_str path, int *fd)
{
  struct stat sb;
  og_str absolute = OG_STR_NONE;
  *fd = -1;
  if (og_str_eq(path, OG_STR("-"))) {
    *fd = STDIN_FILENO;
    return OG_OK;
  }
  OG_TRY(cli_absolute(c, path, &absolute));
  if (stat(absolute.ptr, &sb) != 0) return OG_OK; /* style: allow stat -- to see pipes; the env has only files */
  if (!S_ISFIFO(sb.st_mode) && !S_ISSOCK(sb.st_mode)) return OG_OK;
  do {
    OG_TRY(og_ctx_poll(c->cx));
    *fd = open(absolute.ptr, O_RDONLY | O_CLOEXEC); /* style: allow open -- a pipe; the env has only files */
  } while (*fd < 0 && errno == EINTR);
  if (*fd >= 0) return OG_OK;
  return og_fail(c->cx, OG_EIO, "cannot open " OG_STR_FMT ": %s", OG_STR_ARG(absolute), strerror(errno));
}

static void close_stream(int fd)
{
  if (fd != STDIN_FILENO) close(fd);
}

/* The next bytes into `block`; it stays empty at the end. */
static og_status read_stream(cli *c, int fd, og_str name, og_buf *block)
{
  og_buf_clear(block);
  OG_TRY(og_buf_reserve(c->cx, block, BLOCK));
  for (;;) {
    OG_TRY(og_ctx_poll(c->cx));
    ssize_t n = read(fd, block->data, BLOCK);
    if (n >= 0) {
      block->len = (size_t)n;
      return OG_OK;
    }
    if (errno != EINTR)
      return og_fail(c->cx, OG_EIO, "cannot read " OG_STR_FMT ": %s",
                     OG_STR_ARG(fd == STDIN_FILENO ? OG_STR("the standard input") : name), strerror(errno));
  }
}

static og_status read_whole(cli *c, int fd, og_str name, og_buf *out)
{
  OG_AUTO(og_buf) block = {0};
  do {
    OG_TRY(read_stream(c, fd, name, &block));
    OG_TRY(og_buf_append_str(c->cx, out, og_buf_str(&block)));
    if (out->len > OG_LIMIT_SOURCE_BYTES)
      return og_fail(c->cx, OG_ELIMIT, OG_STR_FMT " is longer than %llu bytes", OG_STR_ARG(name),
                     (unsigned long long)OG_LIMIT_SOURCE_BYTES);
  } while (block.len);
  return OG_OK;
}

og_status cli_read_file(cli *c, og_str path, og_str *out)
{
  int fd;
  og_str absolute = OG_STR_NONE;
  OG_AUTO(og_buf) text = {0};
  OG_TRY(open_stream(c, path, &fd));
  if (fd >= 0) {
    og_status st = read_whole(c, fd, path, &text);
    close_stream(fd);
    OG_TRY(st);
  } else {
    OG_TRY(cli_absolute(c, path, &absolute));
    OG_TRY(og_env_read_file(c->cx, absolute.ptr, OG_LIMIT_SOURCE_BYTES, &text));
  }
  return og_arena_str(c->cx, c->cx->arena, og_buf_str(&text), out);
}

static og_status keep_stream(cli *c, int fd, og_str name, og_file *to)
{
  OG_AUTO(og_buf) block = {0};
  do {
    OG_TRY(read_stream(c, fd, name, &block));
    OG_TRY_NOTE(c->cx, c->cx->env->ops->file_append(c->cx, to, block.data, block.len),
                "while keeping what comes through the pipe; TMPDIR names a folder with more room");
  } while (block.len);
  return OG_OK;
}

og_status cli_spool(cli *c, og_str path, og_file **out)
{
  int fd;
  *out = NULL;
  OG_TRY(open_stream(c, path, &fd));
  if (fd < 0) return OG_OK;
  og_status st = c->cx->env->ops->file_scratch(c->cx, out);
  if (st == OG_OK) {
    st = keep_stream(c, fd, path, *out);
    if (st != OG_OK) {
      c->cx->env->ops->file_close(c->cx->env, *out);
      *out = NULL;
    }
  }
  close_stream(fd);
  return st;
}
