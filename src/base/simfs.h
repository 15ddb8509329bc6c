/* SPDX-License-Identifier: MIT */
/* base/simfs.h -- a file system in memory with a page cache that power loss empties; the disk of
 * env_sim.
 *
 * Functions return 0 or an errno value, as the system does.  Paths are absolute.  There are no
 * symbolic links.
 * Thread rule: one thread.
 */
#pragma once

#include "base/env.h"
#include "base/vec.h"

typedef struct og_simfs og_simfs;
typedef struct og_simfs_node og_simfs_node; /* an open file */

/* `mem` counts what the file system keeps.  NULL when there is no memory. */
og_simfs *og_simfs_new(og_mem *mem);
void og_simfs_free(og_simfs *fs);

void og_simfs_set_now(og_simfs *fs, int64_t ns);       /* the time stamps of what follows */
void og_simfs_set_limit(og_simfs *fs, uint64_t bytes); /* 0: endless */
void og_simfs_set_read_only(og_simfs *fs, bool on);
void og_simfs_set_hard_links(og_simfs *fs, bool on);

int og_simfs_open(og_simfs *fs, const char *path, og_open_mode mode, og_simfs_node **out);
/* A file that nothing names, for appending and reading; it dies with its handle. */
int og_simfs_open_scratch(og_simfs *fs, og_simfs_node **out);
void og_simfs_close(og_simfs *fs, og_simfs_node *node);
/* All n bytes or EOVERFLOW (the file ends before). */
int og_simfs_read(const og_simfs_node *node, uint64_t off, void *out, size_t n);
int og_simfs_append(og_simfs *fs, og_simfs_node *node, const void *p, size_t n);
int og_simfs_sync(og_simfs *fs, og_simfs_node *node);
/* A sync that failed: what was not durable now never becomes so by syncing. */
void og_simfs_sync_failed(og_simfs_node *node);
void og_simfs_info(const og_simfs_node *node, og_file_info *out);

int og_simfs_path_info(og_simfs *fs, const char *path, og_file_info *out);
/* The file or folder at path, opened for syncing only; close it with og_simfs_close. */
int og_simfs_open_any(og_simfs *fs, const char *path, og_simfs_node **out, bool *is_dir);
int og_simfs_mkdir(og_simfs *fs, const char *path);
int og_simfs_sync_dir(og_simfs *fs, og_simfs_node *dir);
int og_simfs_link(og_simfs *fs, const char *from, const char *to);
int og_simfs_rename(og_simfs *fs, const char *from, const char *to);
int og_simfs_unlink(og_simfs *fs, const char *path);
int og_simfs_rmdir(og_simfs *fs, const char *path);

/* The folder's entries; `names` (og_str) and `dirs` (bool) receive one element each.  The strings
 * live as long as the file system. */
int og_simfs_list(og_simfs *fs, og_ctx *cx, const char *path, og_vec *names, og_vec *dirs);

/* What a power loss does with changes that were not synced. */
typedef enum og_simfs_fate {
  OG_SIMFS_NONE,   /* none survives */
  OG_SIMFS_ALL,    /* all survive */
  OG_SIMFS_PREFIX, /* entries: the first so many in time; bytes: as COIN */
  OG_SIMFS_COIN    /* each entry change, and each page, by itself */
} og_simfs_fate;
/* rand(arg) gives 64 random bits. */
int og_simfs_power_loss(og_simfs *fs, og_simfs_fate entries, og_simfs_fate data, uint64_t (*rand)(void *arg),
                        void *arg);
/* What a power loss now would leave, as a disk of its own; `fs` goes on.  For NONE and ALL only, which leave nothing to
 * chance.  NULL when there is no memory. */
og_simfs *og_simfs_after_loss(const og_simfs *fs, og_simfs_fate entries, og_simfs_fate data, og_mem *mem);
/* Grows with every call that changes what is seen or what is durable. */
uint64_t og_simfs_changes(const og_simfs *fs);
/* Of all names and bytes seen: disks of one digest hold the same. */
uint64_t og_simfs_digest(const og_simfs *fs);
