/* SPDX-License-Identifier: MIT */
/* bench/trace.h -- the real world, counting and writing down every change it makes to the file system.
 *
 * A trace has one line per operation, fields separated by tabs, paths relative to a root:
 *   C n            commit n begins
 *   W path size s  a file created, `size` bytes written to it; s: synced before it was closed (1) or not (0)
 *   R from to      renamed
 *   L from to      linked
 *   U path         unlinked
 *   S path ...     one barrier: each of these files and folders synced, at the same time
 * Reads are not part of it.  bench_commit_floor plays a trace again with bare system calls.
 * Thread rule: one thread.
 */
#pragma once

#include "base/env.h"

#include <stdio.h>

#define TRACE_OPEN 8 /* files open for writing at a time */

typedef struct trace_counts {
  uint64_t files;    /* created, those that are gone again included */
  uint64_t bytes;    /* written to them */
  uint64_t syncs;    /* files and folders synced */
  uint64_t barriers; /* of which each may hold many syncs */
  uint64_t opened;   /* files opened for reading */
} trace_counts;

typedef struct trace {
  og_env env; /* what contexts carry */
  const og_env_ops *real;
  og_env_ops ops;
  const char *root; /* absolute; borrowed */
  FILE *out;        /* NULL: only count */
  trace_counts counts;
  struct trace_file {
    og_file *file;
    char *path;
    uint64_t size;
    bool synced;
  } open[TRACE_OPEN];
} trace;

/* Over `real`, which must be the real world.  Nothing is written before `out` is set. */
void trace_init(trace *t, const og_env *real, const char *root);
void trace_commit(trace *t, uint64_t n); /* counts start at zero again */
