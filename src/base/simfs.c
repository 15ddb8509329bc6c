/* SPDX-License-Identifier: MIT */
/* base/simfs.c -- the simulated disk.
 *
 * The idea: keep two states, what processes see and what the platter holds, and let only syncs move
 * the second towards the first.  A power loss makes the first equal to the second, after some of
 * the difference was written by chance.
 *
 *   what                  seen by processes   durable                      made durable by
 *   bytes of a file       data[0, len)        data[0, synced), or `old`    og_simfs_sync
 *                                             after an unsynced truncation
 *   entries of a folder   seen                kept                         og_simfs_sync_dir
 *   their difference                          pending (changes, in time)
 *
 *  (1) Syncing a file does not make its entry durable, nor its folder's entry in the parent: POSIX
 *      promises neither, though some journals give both.
 *  (2) Each change of an entry (create, link, unlink, mkdir, rmdir, one rename) survives or not by
 *      itself; a rename is one change, so no power loss shows half of it.
 *  (3) Files only grow at their end, so what survives of unsynced bytes is: the durable part, then
 *      up to some length pages that are either written or zero.  A length may survive without its
 *      bytes.
 *  (4) After a failed sync, the bytes it was to save are clean in the cache and absent on the disk;
 *      later syncs of the file report success and change nothing (what Linux does).  Folders live
 *      in the journal, which has no such trap.
 *  (5) The number of a dead inode is given to the next file, as ext4 does: identity by (device,
 *      inode) alone is wrong.
 *
 * A node lives while something names it: a seen entry, a durable entry, a pending change, or an
 * open handle.
 * Sources: T. S. Pillai et al., "All File Systems Are Not Created Equal" (OSDI 2014); A. Rebello et
 * al., "Can Applications Recover from fsync Failures?" (ATC 2020).
 */
#include "base/simfs.h"

#include "base/map.h"

#include <errno.h>

#define PAGE        4096u
#define ENTRY_BYTES 256u /* what an entry costs on a limited disk */

typedef struct entry {
  uint64_t name; /* index into names */
  og_simfs_node *node;
} entry;

typedef struct entries {
  entry *at;
  size_t len, cap;
} entries;

struct og_simfs_node {
  uint64_t ino;
  bool is_dir;
  uint32_t links, kept_links, pending, opens; /* who names it: seen, durable, changes, handles */
  int64_t ctime_ns, mtime_ns;
  uint8_t *data;
  size_t len, cap, synced;
  uint8_t *old; /* has_old: the durable bytes from before an unsynced truncation */
  size_t old_len;
  bool has_old, poisoned;
  entries seen, kept;
  bool reached; /* scratch of recount */
  size_t slot;  /* in fs->nodes */
};

/* name in dir becomes node (NULL: goes); a rename also removes from_name from from_dir. */
typedef struct change {
  og_simfs_node *dir, *node, *from_dir;
  uint64_t name, from_name;
} change;

struct og_simfs {
  og_ctx cx; /* for allocation only */
  og_error err;
  og_simfs_node *root;
  og_vec nodes;    /* og_simfs_node * */
  og_vec free_ino; /* uint64_t */
  og_vec pending;  /* change */
  og_map ids;      /* name -> index into names */
  og_vec names;    /* og_str */
  uint64_t next_ino, used, limit, changes;
  int64_t now_ns;
  bool read_only, no_links;
};

/* -- names and entries -- */

static bool name_find(const og_simfs *fs, og_str name, uint64_t *id)
{
  return og_map_get(&fs->ids, name, id);
}

static int name_intern(og_simfs *fs, og_str name, uint64_t *id)
{
  if (name.len > 255) return ENAMETOOLONG;
  if (name_find(fs, name, id)) return 0;
  *id = fs->names.len;
  if (og_map_put(&fs->cx, &fs->ids, name, *id, NULL) != OG_OK) return ENOMEM;
  og_str stable = fs->ids.entries[fs->ids.n_entries - 1].key;
  return og_vec_add(&fs->cx, &fs->names, &stable) == OG_OK ? 0 : ENOMEM;
}

static entry *entry_find(const entries *e, uint64_t name)
{
  for (size_t i = 0; i < e->len; i++)
    if (e->at[i].name == name) return &e->at[i];
  return NULL;
}

static int entries_reserve(og_simfs *fs, entries *e, size_t cap)
{
  if (e->cap >= cap) return 0;
  size_t grown = e->cap * 2 < cap ? cap + 8 : e->cap * 2;
  entry *at = og_realloc(&fs->cx, e->at, grown * sizeof *at);
  if (!at) return ENOMEM;
  e->at = at;
  e->cap = grown;
  return 0;
}

static void entry_drop(entries *e, entry *at)
{
  *at = e->at[--e->len];
}

/* -- nodes -- */

static og_simfs_node *node_new(og_simfs *fs, bool is_dir)
{
  og_simfs_node *n = og_zalloc(&fs->cx, sizeof *n);
  if (!n) return NULL;
  n->is_dir = is_dir;
  n->slot = fs->nodes.len;
  n->ctime_ns = n->mtime_ns = fs->now_ns;
  if (og_vec_add(&fs->cx, &fs->nodes, &n) != OG_OK) {
    og_free(n);
    return NULL;
  }
  if (fs->free_ino.len > 0)
    n->ino = OG_VEC_AT(&fs->free_ino, uint64_t, --fs->free_ino.len);
  else
    n->ino = fs->next_ino++;
  return n;
}

static void node_destroy(og_simfs_node *n)
{
  og_free(n->data);
  og_free(n->old);
  og_free(n->seen.at);
  og_free(n->kept.at);
  og_free(n);
}

static void kept_set(og_simfs *fs, og_simfs_node *dir, uint64_t name, og_simfs_node *node);

static void node_release(og_simfs *fs, og_simfs_node *n)
{
  if (n == fs->root || n->links + n->kept_links + n->pending + n->opens > 0) return;
  while (n->kept.len > 0) kept_set(fs, n, n->kept.at[0].name, NULL);
  (void)!og_vec_add(&fs->cx, &fs->free_ino, &n->ino); /* a number lost for want of memory is only not reused */
  og_simfs_node *last = OG_VEC_AT(&fs->nodes, og_simfs_node *, fs->nodes.len - 1);
  OG_VEC_AT(&fs->nodes, og_simfs_node *, n->slot) = last;
  last->slot = n->slot;
  fs->nodes.len--;
  node_destroy(n);
}

static uint64_t node_cost(const og_simfs_node *n)
{
  return ENTRY_BYTES + n->len;
}

/* The seen entry `name` of dir becomes `node`; the caller has reserved room. */
static void seen_set(og_simfs *fs, og_simfs_node *dir, uint64_t name, og_simfs_node *node)
{
  entry *e = entry_find(&dir->seen, name);
  og_simfs_node *before = e ? e->node : NULL;
  if (node) {
    if (node->links++ == 0) fs->used += node_cost(node);
    node->ctime_ns = fs->now_ns;
    if (e)
      e->node = node;
    else
      dir->seen.at[dir->seen.len++] = (entry){name, node};
  } else if (e) {
    entry_drop(&dir->seen, e);
  }
  dir->mtime_ns = dir->ctime_ns = fs->now_ns;
  if (!before) return;
  before->ctime_ns = fs->now_ns;
  if (--before->links == 0) fs->used -= node_cost(before);
  node_release(fs, before);
}

static void kept_set(og_simfs *fs, og_simfs_node *dir, uint64_t name, og_simfs_node *node)
{
  entry *e = entry_find(&dir->kept, name);
  og_simfs_node *before = e ? e->node : NULL;
  if (node) {
    node->kept_links++;
    if (e)
      e->node = node;
    else
      dir->kept.at[dir->kept.len++] = (entry){name, node};
  } else if (e) {
    entry_drop(&dir->kept, e);
  }
  if (!before) return;
  before->kept_links--;
  node_release(fs, before);
}

/* Records a change that is seen but not durable, with room for it in the durable entries. */
static int change_add(og_simfs *fs, change c)
{
  size_t room = 1 + fs->pending.len; /* at most so many changes come before it */
  int err = c.node ? entries_reserve(fs, &c.dir->kept, c.dir->kept.len + room) : 0;
  if (err != 0) return err;
  if (og_vec_add(&fs->cx, &fs->pending, &c) != OG_OK) return ENOMEM;
  fs->changes++;
  c.dir->pending++;
  if (c.node) c.node->pending++;
  if (c.from_dir) c.from_dir->pending++;
  return 0;
}

/* Applies (or forgets) one change; the caller takes it out of `pending`. */
static void change_end(og_simfs *fs, const change *c, bool apply)
{
  c->dir->opens++; /* outlives the releases below */
  if (apply) {
    if (c->from_dir) kept_set(fs, c->from_dir, c->from_name, NULL);
    kept_set(fs, c->dir, c->name, c->node);
  }
  og_simfs_node *named[3] = {c->node, c->dir, c->from_dir};
  for (size_t i = 0; i < 3; i++)
    if (named[i]) named[i]->pending--;
  if (c->node) node_release(fs, c->node);
  if (c->from_dir && c->from_dir != c->dir) node_release(fs, c->from_dir);
  c->dir->opens--;
  node_release(fs, c->dir);
}

/* -- paths -- */

/* The next part of *path, which moves behind it; empty at the end. */
static og_str next_part(const char **path)
{
  while (**path == '/') (*path)++;
  const char *start = *path;
  while (**path != '\0' && **path != '/') (*path)++;
  return og_str_from(start, (size_t)(*path - start));
}

static int find(const og_simfs *fs, const char *path, og_simfs_node **out)
{
  og_simfs_node *at = fs->root;
  for (og_str part = next_part(&path); part.len > 0; part = next_part(&path)) {
    if (!at->is_dir) return ENOTDIR;
    uint64_t id;
    const entry *e = name_find(fs, part, &id) ? entry_find(&at->seen, id) : NULL;
    if (!e) return ENOENT;
    at = e->node;
  }
  *out = at;
  return 0;
}

/* Where an entry lies: its folder, the name, and the node there now (NULL: none). */
typedef struct place {
  og_simfs_node *dir, *node;
  uint64_t name;
} place;

static int find_place(og_simfs *fs, const char *path, place *out)
{
  og_simfs_node *at = fs->root;
  og_str part = next_part(&path);
  if (part.len == 0) return EEXIST; /* the root */
  for (;;) {
    og_str after = next_part(&path);
    if (!at->is_dir) return ENOTDIR;
    uint64_t id;
    if (after.len == 0) {
      int err = name_intern(fs, part, &id);
      if (err != 0) return err;
      const entry *e = entry_find(&at->seen, id);
      *out = (place){.dir = at, .node = e ? e->node : NULL, .name = id};
      return 0;
    }
    const entry *e = name_find(fs, part, &id) ? entry_find(&at->seen, id) : NULL;
    if (!e) return ENOENT;
    at = e->node;
    part = after;
  }
}

static bool is_full(const og_simfs *fs, uint64_t more)
{
  return fs->limit > 0 && fs->used + more > fs->limit;
}

/* Makes `node` the entry at `p`, seen now and durable later. */
static int place_set(og_simfs *fs, const place *p, og_simfs_node *node)
{
  int err = entries_reserve(fs, &p->dir->seen, p->dir->seen.len + 1);
  if (err == 0) err = change_add(fs, (change){.dir = p->dir, .node = node, .name = p->name});
  if (err == 0) seen_set(fs, p->dir, p->name, node);
  return err;
}

static int place_create(og_simfs *fs, const place *p, bool is_dir, og_simfs_node **out)
{
  if (fs->read_only) return EROFS;
  if (is_full(fs, ENTRY_BYTES)) return ENOSPC;
  og_simfs_node *n = node_new(fs, is_dir);
  if (!n) return ENOMEM;
  n->opens = 1;
  int err = place_set(fs, p, n);
  n->opens = 0;
  if (err != 0)
    node_release(fs, n);
  else
    *out = n;
  return err;
}

/* -- files -- */

static int node_truncate(og_simfs *fs, og_simfs_node *n)
{
  if (fs->read_only) return EROFS;
  if (!n->has_old) {
    n->has_old = true;
    n->old = n->data;
    n->old_len = n->synced;
    n->data = NULL;
    n->cap = 0;
  }
  fs->changes++;
  if (n->links > 0) fs->used -= n->len;
  n->len = n->synced = 0;
  n->mtime_ns = n->ctime_ns = fs->now_ns;
  return 0;
}

int og_simfs_open(og_simfs *fs, const char *path, og_open_mode mode, og_simfs_node **out)
{
  og_simfs_node *n = NULL;
  int err;
  if (mode == OG_OPEN_READ || mode == OG_OPEN_READ_USER) { /* this file system has no links */
    err = find(fs, path, &n);
  } else {
    place p;
    err = find_place(fs, path, &p);
    if (err == 0 && !p.node)
      err = place_create(fs, &p, false, &n);
    else if (err == 0 && mode == OG_OPEN_CREATE_NEW)
      err = EEXIST;
    else if (err == 0 && !p.node->is_dir)
      err = node_truncate(fs, n = p.node);
    else if (err == 0)
      n = p.node;
  }
  if (err != 0) return err;
  if (n->is_dir) return EISDIR;
  n->opens++;
  *out = n;
  return 0;
}

int og_simfs_open_scratch(og_simfs *fs, og_simfs_node **out)
{
  *out = node_new(fs, false);
  if (!*out) return ENOMEM;
  (*out)->opens = 1;
  return 0;
}

int og_simfs_open_any(og_simfs *fs, const char *path, og_simfs_node **out, bool *is_dir)
{
  int err = find(fs, path, out);
  if (err != 0) return err;
  (*out)->opens++;
  *is_dir = (*out)->is_dir;
  return 0;
}

void og_simfs_close(og_simfs *fs, og_simfs_node *n)
{
  n->opens--;
  node_release(fs, n);
}

int og_simfs_read(const og_simfs_node *n, uint64_t off, void *out, size_t size)
{
  if (off > n->len || size > n->len - off) return EOVERFLOW;
  if (size > 0) memcpy(out, n->data + off, size);
  return 0;
}

int og_simfs_append(og_simfs *fs, og_simfs_node *n, const void *p, size_t size)
{
  if (fs->read_only) return EROFS;
  int err = 0;
  if (is_full(fs, size)) {
    err = ENOSPC; /* after what still fits, as a short write does */
    size = fs->limit > fs->used ? (size_t)(fs->limit - fs->used) : 0;
  }
  if (size == 0) return err;
  if (n->cap - n->len < size) {
    size_t cap = n->cap * 2 < n->len + size ? n->len + size : n->cap * 2;
    uint8_t *data = og_realloc(&fs->cx, n->data, cap);
    if (!data) return ENOMEM;
    n->data = data;
    n->cap = cap;
  }
  fs->changes++;
  memcpy(n->data + n->len, p, size);
  n->len += size;
  if (n->links > 0) fs->used += size;
  n->mtime_ns = n->ctime_ns = fs->now_ns;
  return err;
}

int og_simfs_sync(og_simfs *fs, og_simfs_node *n)
{
  fs->changes++;
  if (n->poisoned) return 0; /* (4) */
  n->synced = n->len;
  n->has_old = false;
  og_free(n->old);
  n->old = NULL;
  return 0;
}

void og_simfs_sync_failed(og_simfs_node *n)
{
  if (n->synced < n->len || n->has_old) n->poisoned = true;
}

void og_simfs_info(const og_simfs_node *n, og_file_info *out)
{
  *out = (og_file_info){.size = n->is_dir ? 0 : n->len,
                        .dev = 1,
                        .ino = n->ino,
                        .ctime_ns = n->ctime_ns,
                        .mtime_ns = n->mtime_ns,
                        .is_dir = n->is_dir};
}

/* -- names -- */

int og_simfs_path_info(og_simfs *fs, const char *path, og_file_info *out)
{
  og_simfs_node *n;
  int err = find(fs, path, &n);
  if (err == 0) og_simfs_info(n, out);
  return err;
}

int og_simfs_mkdir(og_simfs *fs, const char *path)
{
  place p;
  og_simfs_node *n;
  int err = find_place(fs, path, &p);
  if (err != 0) return err;
  return p.node ? EEXIST : place_create(fs, &p, true, &n);
}

int og_simfs_link(og_simfs *fs, const char *from, const char *to)
{
  og_simfs_node *n;
  place p;
  int err = find(fs, from, &n);
  if (err == 0) err = find_place(fs, to, &p);
  if (err != 0) return err;
  if (p.node) return EEXIST;
  if (n->is_dir || fs->no_links) return EPERM;
  if (fs->read_only) return EROFS;
  if (is_full(fs, ENTRY_BYTES)) return ENOSPC;
  return place_set(fs, &p, n);
}

static int check_rename(const og_simfs *fs, const place *from, const place *to)
{
  if (!from->node) return ENOENT;
  if (fs->read_only) return EROFS;
  if (!to->node) return 0;
  if (from->node->is_dir && !to->node->is_dir) return ENOTDIR;
  if (!from->node->is_dir && to->node->is_dir) return EISDIR;
  return to->node->is_dir && to->node->seen.len > 0 ? ENOTEMPTY : 0;
}

int og_simfs_rename(og_simfs *fs, const char *from, const char *to)
{
  place a, b;
  int err = find_place(fs, from, &a);
  if (err == 0) err = find_place(fs, to, &b);
  if (err == 0) err = check_rename(fs, &a, &b);
  if (err != 0 || a.node == b.node) return err; /* two links of one file: nothing happens */
  err = entries_reserve(fs, &b.dir->seen, b.dir->seen.len + 1);
  if (err == 0)
    err =
        change_add(fs, (change){.dir = b.dir, .node = a.node, .from_dir = a.dir, .name = b.name, .from_name = a.name});
  if (err != 0) return err;
  seen_set(fs, b.dir, b.name, a.node);
  seen_set(fs, a.dir, a.name, NULL);
  return 0;
}

static int remove_entry(og_simfs *fs, const char *path, bool dir)
{
  place p;
  int err = find_place(fs, path, &p);
  if (err != 0) return err;
  if (!p.node) return ENOENT;
  if (fs->read_only) return EROFS;
  if (!dir && p.node->is_dir) return EISDIR;
  if (dir && !p.node->is_dir) return ENOTDIR;
  if (dir && p.node->seen.len > 0) return ENOTEMPTY;
  err = change_add(fs, (change){.dir = p.dir, .name = p.name});
  if (err == 0) seen_set(fs, p.dir, p.name, NULL);
  return err;
}

int og_simfs_unlink(og_simfs *fs, const char *path)
{
  return remove_entry(fs, path, false);
}
int og_simfs_rmdir(og_simfs *fs, const char *path)
{
  return remove_entry(fs, path, true);
}

int og_simfs_list(og_simfs *fs, og_ctx *cx, const char *path, og_vec *names, og_vec *dirs)
{
  og_simfs_node *n;
  int err = find(fs, path, &n);
  if (err != 0) return err;
  if (!n->is_dir) return ENOTDIR;
  for (size_t i = 0; i < n->seen.len; i++) {
    const entry *e = &n->seen.at[i];
    if (og_vec_add(cx, names, &OG_VEC_AT(&fs->names, og_str, e->name)) != OG_OK) return ENOMEM;
    if (og_vec_add(cx, dirs, &e->node->is_dir) != OG_OK) return ENOMEM;
  }
  return 0;
}

/* -- durability -- */

int og_simfs_sync_dir(og_simfs *fs, og_simfs_node *dir)
{
  size_t kept = 0;
  og_vec *p = &fs->pending;
  fs->changes++;
  for (size_t i = 0; i < p->len; i++) {
    change c = OG_VEC_AT(p, change, i);
    if (c.dir == dir || c.from_dir == dir)
      change_end(fs, &c, true);
    else
      OG_VEC_AT(p, change, kept++) = c;
  }
  p->len = kept;
  return 0;
}

typedef struct chance {
  uint64_t (*rand)(void *arg);
  void *arg;
} chance;

static uint64_t below(const chance *ch, uint64_t n)
{
  return ch->rand(ch->arg) % n;
}

static void lose_entries(og_simfs *fs, og_simfs_fate fate, const chance *ch)
{
  og_vec *p = &fs->pending;
  size_t n = p->len;
  size_t prefix = fate == OG_SIMFS_PREFIX ? (size_t)below(ch, n + 1) : 0;
  for (size_t i = 0; i < n; i++) {
    change c = OG_VEC_AT(p, change, i);
    bool apply = fate == OG_SIMFS_ALL || i < prefix || (fate == OG_SIMFS_COIN && below(ch, 2) == 0);
    change_end(fs, &c, apply);
  }
  p->len = 0;
}

/* (3): cuts the unsynced end somewhere and zeroes some of its pages. */
static void lose_pages(og_simfs_node *n, const chance *ch)
{
  size_t tail = n->len - n->synced;
  const size_t whole OG_UNUSED = n->len; /* only asserted */
  if (below(ch, 3) == 0)
    n->len = n->synced;
  else if (below(ch, 2) == 0)
    n->len = n->synced + (size_t)below(ch, tail + 1);
  for (size_t at = n->synced; at < n->len;) {
    size_t end = (at / PAGE + 1) * PAGE;
    if (end > n->len) end = n->len;
    if (below(ch, 2) == 0) memset(n->data + at, 0, end - at);
    at = end;
  }
  OG_ASSERT(n->len <= whole);
}

static void restore_old(og_simfs_node *n)
{
  og_free(n->data);
  n->data = n->old;
  n->len = n->synced = n->cap = n->old_len;
  n->old = NULL;
  n->has_old = false;
}

static void lose_data(og_simfs_node *n, og_simfs_fate fate, const chance *ch)
{
  bool coin = fate == OG_SIMFS_PREFIX || fate == OG_SIMFS_COIN;
  if (n->has_old && (fate == OG_SIMFS_NONE || (coin && below(ch, 2) == 0))) restore_old(n);
  if (fate == OG_SIMFS_NONE) n->len = n->synced;
  if (coin && n->len > n->synced) lose_pages(n, ch);
  og_free(n->old);
  n->old = NULL;
  n->has_old = n->poisoned = false;
  n->synced = n->len;
}

/* What is seen becomes what is kept. */
static int reset_seen(og_simfs *fs, og_simfs_node *dir)
{
  int err = entries_reserve(fs, &dir->seen, dir->kept.len);
  if (err != 0) return err;
  if (dir->kept.len > 0) memcpy(dir->seen.at, dir->kept.at, dir->kept.len * sizeof *dir->kept.at);
  dir->seen.len = dir->kept.len;
  return 0;
}

/* Counts links and space of what the root reaches; `stack` holds folders still to visit. */
static int recount(og_simfs *fs)
{
  OG_AUTO(og_vec) stack = OG_VEC_INIT(og_simfs_node *);
  fs->used = 0;
  if (og_vec_add(&fs->cx, &stack, &fs->root) != OG_OK) return ENOMEM;
  while (stack.len > 0) {
    og_simfs_node *dir = OG_VEC_AT(&stack, og_simfs_node *, --stack.len);
    for (size_t i = 0; i < dir->seen.len; i++) {
      og_simfs_node *n = dir->seen.at[i].node;
      if (n->links++ == 0) fs->used += node_cost(n);
      if (!n->is_dir || n->reached) continue;
      n->reached = true;
      if (og_vec_add(&fs->cx, &stack, &n) != OG_OK) return ENOMEM;
    }
  }
  return 0;
}

/* Durable entries of folders that were lost themselves hold nothing any more. */
static void drop_unreached(og_simfs *fs)
{
  og_vec lost = OG_VEC_INIT(og_simfs_node *);
  for (size_t i = 0; i < fs->nodes.len; i++) {
    og_simfs_node *n = OG_VEC_AT(&fs->nodes, og_simfs_node *, i);
    n->opens++; /* none goes while we walk */
    (void)!og_vec_add(&fs->cx, &lost, &n);
  }
  for (size_t i = 0; i < lost.len; i++) {
    og_simfs_node *n = OG_VEC_AT(&lost, og_simfs_node *, i);
    while (n->is_dir && !n->reached && n->kept.len > 0) kept_set(fs, n, n->kept.at[0].name, NULL);
    if (!n->reached) n->seen.len = 0;
  }
  for (size_t i = 0; i < lost.len; i++) {
    og_simfs_node *n = OG_VEC_AT(&lost, og_simfs_node *, i);
    n->opens--;
    node_release(fs, n);
  }
  og_vec_cleanup(&lost);
}

int og_simfs_power_loss(og_simfs *fs, og_simfs_fate entries_fate, og_simfs_fate data, uint64_t (*rand)(void *arg),
                        void *arg)
{
  chance ch = {rand, arg};
  fs->changes++;
  lose_entries(fs, entries_fate, &ch);
  for (size_t i = 0; i < fs->nodes.len; i++) {
    og_simfs_node *n = OG_VEC_AT(&fs->nodes, og_simfs_node *, i);
    n->links = 0;
    n->reached = n == fs->root;
    if (!n->is_dir)
      lose_data(n, data, &ch);
    else if (reset_seen(fs, n) != 0)
      return ENOMEM;
  }
  int err = recount(fs);
  if (err == 0) drop_unreached(fs);
  return err;
}

/* -- what a power loss would leave, in a disk of its own -- */

typedef struct copier {
  const og_simfs *from;
  og_simfs *to;
  og_simfs_fate entries, data;
  og_simfs_node **twins; /* of each node, by slot; NULL: not met yet */
} copier;

static int copy_bytes(const copier *c, const og_simfs_node *from, og_simfs_node *to)
{
  bool none = c->data == OG_SIMFS_NONE, old = none && from->has_old;
  int err = old ? og_simfs_append(c->to, to, from->old, from->old_len)
                : og_simfs_append(c->to, to, from->data, none ? from->synced : from->len);
  to->synced = to->len;
  return err;
}

static int copy_dir(copier *c, const og_simfs_node *from, og_simfs_node *to);

static int copy_entry(copier *c, const entry *e, og_simfs_node *dir)
{
  og_simfs_node **twin = &c->twins[e->node->slot];
  uint64_t name;
  bool is_new = !*twin;
  if (is_new) *twin = node_new(c->to, e->node->is_dir);
  if (!*twin) return ENOMEM;
  int err = name_intern(c->to, OG_VEC_AT(&c->from->names, og_str, e->name), &name);
  if (err == 0) err = entries_reserve(c->to, &dir->seen, dir->seen.len + 1);
  if (err == 0) err = entries_reserve(c->to, &dir->kept, dir->kept.len + 1);
  if (err != 0) return err; /* what is not linked yet goes with the whole */
  kept_set(c->to, dir, name, *twin);
  seen_set(c->to, dir, name, *twin);
  if (!is_new) return 0;
  return e->node->is_dir ? copy_dir(c, e->node, *twin) : copy_bytes(c, e->node, *twin);
}

static int copy_dir(copier *c, const og_simfs_node *from, og_simfs_node *to)
{
  const entries *e = c->entries == OG_SIMFS_ALL ? &from->seen : &from->kept;
  int err = 0;
  for (size_t i = 0; err == 0 && i < e->len; i++) err = copy_entry(c, &e->at[i], to);
  return err;
}

og_simfs *og_simfs_after_loss(const og_simfs *fs, og_simfs_fate entries_fate, og_simfs_fate data, og_mem *mem)
{
  OG_ASSERT(entries_fate <= OG_SIMFS_ALL && data <= OG_SIMFS_ALL);
  copier c = {.from = fs, .to = og_simfs_new(mem), .entries = entries_fate, .data = data};
  if (!c.to) return NULL;
  c.to->now_ns = fs->now_ns;
  c.twins = og_calloc(&c.to->cx, fs->nodes.len, sizeof(og_simfs_node *));
  int err = c.twins ? copy_dir(&c, fs->root, c.to->root) : ENOMEM;
  og_free(c.twins);
  if (err == 0) return c.to;
  og_simfs_free(c.to);
  return NULL;
}

uint64_t og_simfs_changes(const og_simfs *fs)
{
  return fs->changes;
}

static uint64_t digest_dir(const og_simfs *fs, const og_simfs_node *dir)
{
  uint64_t sum = 0;
  for (size_t i = 0; i < dir->seen.len; i++) {
    const entry *e = &dir->seen.at[i];
    const og_simfs_node *n = e->node;
    uint64_t parts[3] = {og_str_hash(OG_VEC_AT(&fs->names, og_str, e->name)), n->is_dir,
                         n->is_dir ? digest_dir(fs, n) : og_str_hash(og_str_from((const char *)n->data, n->len))};
    sum += og_str_hash(og_str_from((const char *)parts, sizeof parts)); /* in whatever order they stand */
  }
  return sum;
}

uint64_t og_simfs_digest(const og_simfs *fs)
{
  return digest_dir(fs, fs->root);
}

/* -- life -- */

og_simfs *og_simfs_new(og_mem *mem)
{
  og_error err = {0};
  og_ctx cx = {.err = &err, .mem = mem};
  og_simfs *fs = og_zalloc(&cx, sizeof *fs);
  if (!fs) return NULL;
  fs->cx = (og_ctx){.err = &fs->err, .mem = mem};
  fs->nodes = OG_VEC_INIT(og_simfs_node *);
  fs->free_ino = OG_VEC_INIT(uint64_t);
  fs->pending = OG_VEC_INIT(change);
  fs->names = OG_VEC_INIT(og_str);
  og_map_init(&fs->ids, true);
  fs->next_ino = 2;
  fs->root = node_new(fs, true);
  if (!fs->root) {
    og_simfs_free(fs);
    return NULL;
  }
  return fs;
}

void og_simfs_free(og_simfs *fs)
{
  if (!fs) return;
  for (size_t i = 0; i < fs->nodes.len; i++) node_destroy(OG_VEC_AT(&fs->nodes, og_simfs_node *, i));
  og_vec_cleanup(&fs->nodes);
  og_vec_cleanup(&fs->free_ino);
  og_vec_cleanup(&fs->pending);
  og_vec_cleanup(&fs->names);
  og_map_cleanup(&fs->ids);
  og_free(fs);
}

void og_simfs_set_now(og_simfs *fs, int64_t ns)
{
  fs->now_ns = ns;
}
void og_simfs_set_limit(og_simfs *fs, uint64_t bytes)
{
  fs->limit = bytes;
}
void og_simfs_set_read_only(og_simfs *fs, bool on)
{
  fs->read_only = on;
}
void og_simfs_set_hard_links(og_simfs *fs, bool on)
{
  fs->no_links = !on;
}
