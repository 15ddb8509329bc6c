/* SPDX-License-Identifier: MIT */
#include "trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static trace *trace_of(const og_ctx *cx)
{
  return (trace *)cx->env; /* env is its first member */
}

static const char *below(const trace *t, const char *path)
{
  size_t n = strlen(t->root);
  if (strncmp(path, t->root, n) != 0) return path;
  return path[n] == '/' ? path + n + 1 : ".";
}

static struct trace_file *find(trace *t, const og_file *f)
{
  for (size_t i = 0; i < TRACE_OPEN; i++)
    if (t->open[i].file == f) return &t->open[i];
  return NULL;
}

static og_status traced_open(og_ctx *cx, const char *path, og_open_mode mode, og_file **out)
{
  trace *t = trace_of(cx);
  OG_TRY(t->real->file_open(cx, path, mode, out));
  if (mode == OG_OPEN_READ || mode == OG_OPEN_READ_USER) {
    t->counts.opened++;
    return OG_OK;
  }
  t->counts.files++;
  struct trace_file *slot = find(t, NULL);
  OG_INVARIANT(slot != NULL);
  *slot = (struct trace_file){.file = *out, .path = strdup(below(t, path))};
  OG_INVARIANT(slot->path != NULL);
  return OG_OK;
}

static og_status traced_append(og_ctx *cx, og_file *f, const void *p, size_t n)
{
  trace *t = trace_of(cx);
  t->counts.bytes += n;
  find(t, f)->size += n;
  return t->real->file_append(cx, f, p, n);
}

static og_status traced_sync(og_ctx *cx, og_file *f)
{
  trace *t = trace_of(cx);
  t->counts.syncs++;
  t->counts.barriers++;
  find(t, f)->synced = true;
  return t->real->file_sync(cx, f);
}

static void traced_close(og_env *env, og_file *f)
{
  trace *t = (trace *)env;
  struct trace_file *w = find(t, f);
  if (w) {
    if (t->out) fprintf(t->out, "W\t%s\t%" PRIu64 "\t%d\n", w->path, w->size, w->synced);
    free(w->path);
    *w = (struct trace_file){0};
  }
  t->real->file_close(env, f);
}

static og_status traced_rename(og_ctx *cx, const char *from, const char *to)
{
  trace *t = trace_of(cx);
  if (t->out) fprintf(t->out, "R\t%s\t%s\n", below(t, from), below(t, to));
  return t->real->rename(cx, from, to);
}

static og_status traced_link(og_ctx *cx, const char *from, const char *to)
{
  trace *t = trace_of(cx);
  if (t->out) fprintf(t->out, "L\t%s\t%s\n", below(t, from), below(t, to));
  return t->real->link(cx, from, to);
}

static og_status traced_unlink(og_ctx *cx, const char *path)
{
  trace *t = trace_of(cx);
  if (t->out) fprintf(t->out, "U\t%s\n", below(t, path));
  return t->real->unlink(cx, path);
}

static og_status traced_sync_paths(og_ctx *cx, const char *const *paths, size_t n)
{
  trace *t = trace_of(cx);
  t->counts.syncs += n;
  t->counts.barriers++;
  if (t->out) {
    fputc('S', t->out);
    for (size_t i = 0; i < n; i++) fprintf(t->out, "\t%s", below(t, paths[i]));
    fputc('\n', t->out);
  }
  return t->real->sync_paths(cx, paths, n);
}

static og_status traced_sync_dir(og_ctx *cx, const char *path)
{
  trace *t = trace_of(cx);
  t->counts.syncs++;
  t->counts.barriers++;
  if (t->out) fprintf(t->out, "S\t%s\n", below(t, path));
  return t->real->sync_dir(cx, path);
}

void trace_init(trace *t, const og_env *real, const char *root)
{
  *t = (trace){.real = real->ops, .ops = *real->ops, .root = root};
  t->env.ops = &t->ops;
  t->ops.file_open = traced_open;
  t->ops.file_append = traced_append;
  t->ops.file_sync = traced_sync;
  t->ops.file_close = traced_close;
  t->ops.rename = traced_rename;
  t->ops.link = traced_link;
  t->ops.unlink = traced_unlink;
  t->ops.sync_paths = traced_sync_paths;
  t->ops.sync_dir = traced_sync_dir;
}

void trace_commit(trace *t, uint64_t n)
{
  t->counts = (trace_counts){0};
  if (t->out) fprintf(t->out, "C\t%" PRIu64 "\n", n);
}
