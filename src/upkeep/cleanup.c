/* SPDX-License-Identifier: MIT */
/* upkeep/cleanup.c -- garbage collection by reachability over the whole root, beside everybody.
 *
 * A file that no state names may be garbage, or the work of a slow writer.  No clock tells them apart; the log does:
 *
 *   choose   per live branch a floor: the oldest log version that stays.  A cutoff X: attempts below it are condemned.
 *   list     every file of the graph.
 *   mark     what the versions from the floors on name; and, apart, what the versions below them name.
 *   fence    X and the floors, published on every live log (graph/fence.c).  What came between pin and fence is marked.
 *   sweep    log versions below the floors, oldest first; then what only they named, and unnamed files of attempts
 * below X.
 *
 *  (1) A swept file was named by no version from its log's floor to its log's fence.  A publish after the fence stands
 * on a fold that contains it, so it brings files of attempts >= X, and else only what that fold names.  Hence nothing
 * will ever name the file again, and it may be deleted by anyone, however late, and twice. (2) Table manifests have
 * numbers for names, which could be filled again: the fence's number floor keeps new ones above every orphan swept.
 * Below the largest number a log has seen none is ever given anyway (publish.c (5)). (3) The last version of every log
 * stays, the seal of a dead one included: there its commits are looked up, and above it its numbers go on. (4) Log
 * versions go in ascending order, so that a writer who finds the version it stands on still there knows that the one
 * above was never anybody else's (publish.c (3)).  Files go after the versions that name them. (5) What merges need
 * stays: the state that each two live branches would begin from, and of every table that stays its first version, for a
 * branch that takes over a newer schema begins new types with it (write/schema_apply.c). (6) When anything that stays
 * cannot be read, nothing is deleted.  Files of other writers do not tell their attempt: they go only once a version
 * that named them went. (7) Versions of tables that were erased (graph/evolve.c) can be read in the newest state of a
 * branch only, so for (1) no older one names them.
 */
#include "upkeep/cleanup.h"

#include "base/env.h"
#include "base/map.h"
#include "lance/named.h"

#include <inttypes.h>

typedef struct a_file {
  og_str key;
  uint64_t size;
} a_file;

typedef struct a_version {
  uint64_t number;
  a_file file;
} a_version;

typedef struct log_state {
  og_log_info info;
  og_fold *newest; /* of a live one; one reference */
  uint64_t floor;  /* versions below it go */
  og_vec versions; /* a_version: those there are, ascending */
} log_state;

typedef struct cleaner {
  og_ctx *cx;
  og_graph *g;
  og_store *store;
  const og_cleanup_policy *opts;
  uint64_t cutoff_ms;
  og_vec logs;   /* log_state */
  og_vec files;  /* a_file */
  og_map marked; /* what stays: keys, and folders with a slash behind */
  og_map named;  /* what versions that go name */
  og_vec goes;   /* a_file: swept, in order */
  og_vec tables; /* og_cleaned_table */
  uint64_t number_floor, orphans;
} cleaner;

static log_state *log_named(cleaner *k, og_str branch)
{
  for (size_t i = 0; i < k->logs.len; i++)
    if (og_str_eq(OG_VEC_AT(&k->logs, log_state, i).info.branch, branch)) return &OG_VEC_AT(&k->logs, log_state, i);
  return NULL;
}

/* ---- logs and floors */

static og_status add_log(cleaner *k, const og_log_info *info)
{
  log_state *l = og_vec_push(k->cx, &k->logs);
  og_snapshot *s;
  if (!l) return OG_ENOMEM;
  *l = (log_state){.info = *info, .floor = info->newest, .versions = OG_VEC_INIT(a_version)};
  if (!info->live) return OG_OK;
  og_status st = og_graph_snapshot(k->cx, k->g, info->branch, &s);
  if (st == OG_ENOTFOUND) { /* deleted meanwhile: the next cleanup deals with it */
    og_error_clear(k->cx);
    l->floor = info->first;
    return OG_OK;
  }
  OG_TRY(st);
  l->newest = og_fold_ref(s->fold);
  l->floor = l->info.newest = s->fold->version;
  og_snapshot_unref(s);
  return OG_OK;
}

static og_status find_logs(cleaner *k)
{
  og_vec infos = OG_VEC_INIT(og_log_info);
  og_status st = og_graph_logs(k->cx, k->g, &infos);
  for (size_t i = 0; st == OG_OK && i < infos.len; i++) st = add_log(k, &OG_VEC_AT(&infos, og_log_info, i));
  og_vec_cleanup(&infos);
  return st;
}

static bool is_own(const log_state *l, const og_commit *c)
{
  return og_str_eq(c->branch, l->info.branch) && c->manifest_version >= l->info.first;
}

/* The oldest version that one of the criteria keeps; the newest commit's is kept always. */
static void choose_floor(const cleaner *k, log_state *l, const og_vec *commits)
{
  const int64_t since = og_wall_us(k->cx) - k->opts->older_us;
  uint64_t seen = 0;
  bool more = true;
  for (size_t i = 0; more && i < commits->len; i++) { /* newest first */
    const og_commit *c = &OG_VEC_AT(commits, og_commit, i);
    if (!is_own(l, c)) continue;
    const bool by_count = k->opts->keep && seen < k->opts->keep;
    const bool by_age = k->opts->has_older && c->created_us >= since;
    more = seen == 0 || by_count || by_age;
    if (more && c->manifest_version < l->floor) l->floor = c->manifest_version;
    seen++;
  }
}

static og_status choose_floors(cleaner *k)
{
  for (size_t i = 0; i < k->logs.len; i++) {
    log_state *l = &OG_VEC_AT(&k->logs, log_state, i);
    og_vec commits = OG_VEC_INIT(og_commit);
    if (!l->newest) continue;
    og_status st = og_fold_commits(k->cx, l->newest, k->cx->arena, &commits);
    if (st == OG_OK) choose_floor(k, l, &commits);
    og_vec_cleanup(&commits);
    OG_TRY(st);
  }
  return OG_OK;
}

/* Invariant (5). */
static void keep_base(cleaner *k, const og_commit *base)
{
  log_state *l = log_named(k, base->branch);
  if (l && l->newest && is_own(l, base) && base->manifest_version < l->floor) l->floor = base->manifest_version;
}

static og_status keep_bases_of(cleaner *k, og_str a, og_str b)
{
  og_snapshot *x = NULL, *y = NULL;
  og_vec bases = OG_VEC_INIT(og_commit);
  og_status st = og_graph_snapshot(k->cx, k->g, a, &x);
  if (st == OG_OK) st = og_graph_snapshot(k->cx, k->g, b, &y);
  if (st == OG_OK) st = og_graph_merge_bases(k->cx, x, y, &bases);
  for (size_t i = 0; st == OG_OK && i < bases.len; i++) keep_base(k, &OG_VEC_AT(&bases, og_commit, i));
  og_vec_cleanup(&bases);
  og_snapshot_unref(x);
  og_snapshot_unref(y);
  if (st != OG_ENOTFOUND) return st;
  og_error_clear(k->cx); /* one was deleted meanwhile */
  return OG_OK;
}

static og_status keep_bases(cleaner *k)
{
  for (size_t i = 0; i < k->logs.len; i++)
    for (size_t n = i + 1; n < k->logs.len; n++) {
      const log_state *a = &OG_VEC_AT(&k->logs, log_state, i), *b = &OG_VEC_AT(&k->logs, log_state, n);
      if (a->newest && b->newest) OG_TRY(keep_bases_of(k, a->info.branch, b->info.branch));
    }
  return OG_OK;
}

/* ---- the list */

static og_status see_file(og_ctx *cx, void *arg, og_str key, uint64_t size)
{
  cleaner *k = arg;
  a_file f = {.size = size};
  OG_TRY(og_ctx_poll(cx));
  OG_TRY(og_arena_str(cx, cx->arena, key, &f.key));
  return og_vec_add(cx, &k->files, &f);
}

/* "a/b" of "<root>/tree/a/b". */
static og_str branch_of(og_str folder)
{
  const size_t at = og_str_find(folder, OG_STR("/tree/"));
  return at == SIZE_MAX ? OG_STR("") : og_str_sub(folder, at + 6, folder.len);
}

/* A log that nobody knew when the logs were listed: of a branch that came since, whose files stay (fence_new), or of
 * another engine's, which the registry does not know now either.  A branch is registered before its log begins. */
static og_status check_came_since(cleaner *k, og_str branch)
{
  og_vec infos = OG_VEC_INIT(og_log_info);
  bool found = false;
  og_status st = og_graph_logs(k->cx, k->g, &infos);
  for (size_t i = 0; st == OG_OK && i < infos.len; i++)
    found = found || og_str_eq(OG_VEC_AT(&infos, og_log_info, i).branch, branch);
  og_vec_cleanup(&infos);
  if (st != OG_OK || found) return st;
  return og_fail(k->cx, OG_EUNSUPPORTED,
                 "branch '" OG_STR_FMT "' was made by another engine: delete it there before cleaning up here",
                 OG_STR_ARG(branch));
}

static og_status see_version(cleaner *k, og_str folder, uint64_t version, const a_file *f)
{
  const a_version v = {version, *f};
  log_state *l = log_named(k, branch_of(folder));
  return l ? og_vec_add(k->cx, &l->versions, &v) : check_came_since(k, branch_of(folder));
}

static int ascending(const void *a, const void *b, void *arg)
{
  (void)arg;
  const a_version *x = a, *y = b;
  return x->number < y->number ? -1 : x->number > y->number;
}

static bool is_log_file(og_str key)
{
  return og_str_starts_with(key, OG_STR(OG_LOG_ROOT "/"));
}

static og_status list_files(cleaner *k)
{
  static const char *const roots[] = {OG_LOG_ROOT "/", "nodes/", "edges/"};
  og_str folder;
  uint64_t version;
  for (size_t i = 0; i < OG_ARRAY_LEN(roots); i++)
    OG_TRY(og_store_list(k->cx, k->store, og_str_of(roots[i]), OG_STR_NONE, see_file, k));
  for (size_t i = 0; i < k->files.len; i++) {
    const a_file *f = &OG_VEC_AT(&k->files, a_file, i);
    if (is_log_file(f->key) && og_lance_manifest_parse(f->key, &folder, &version))
      OG_TRY(see_version(k, folder, version, f));
  }
  for (size_t i = 0; i < k->logs.len; i++) {
    og_vec *v = &OG_VEC_AT(&k->logs, log_state, i).versions;
    OG_TRY(og_sort(k->cx, v->data, v->len, sizeof(a_version), ascending, NULL));
  }
  return OG_OK;
}

/* ---- mark */

static og_status put_key(og_ctx *cx, og_map *m, const og_lance_place *at, uint64_t version, bool *was_new)
{
  og_str key;
  OG_TRY(og_lance_manifest_key(cx, at, version, &key));
  return og_map_put(cx, m, key, 1, was_new);
}

static og_status name_table(cleaner *k, og_ctx *cx, og_map *m, const og_table_state *s)
{
  const og_lance_place at = {k->store, s->path, s->branch};
  og_lance_table *t;
  bool was_new;
  OG_TRY(put_key(cx, m, &at, s->version, &was_new));
  if (!was_new) return OG_OK;
  OG_TRY(og_lance_table_open(cx, &at, s->version, s->uuid, &t));
  og_status st = og_lance_table_named(cx, t, m);
  og_lance_table_unref(t);
  return st;
}

/* Naming what may be gone: an earlier cleanup did not get to its end. */
static og_status name_left(cleaner *k, og_ctx *cx, og_map *m, const og_table_state *s)
{
  og_status st = name_table(k, cx, m, s);
  if (st != OG_ENOTFOUND && st != OG_EGONE) return st;
  og_error_clear(cx);
  return OG_OK;
}

/* Invariant (5).  Other engines may have taken it: then there is nothing to keep. */
static og_status name_first(cleaner *k, og_ctx *cx, og_map *m, const og_table_state *s)
{
  const og_table_state first = {.path = s->path, .branch = OG_STR(""), .version = 1};
  return name_left(k, cx, m, &first);
}

/* Invariant (7). */
static og_status is_erased(const cleaner *k, og_ctx *cx, const og_table_state *s, bool *out)
{
  og_status st = og_graph_check_erased(cx, OG_VEC_AT(&k->logs, log_state, 0).newest, s);
  *out = st == OG_EGONE;
  if (!*out) return st;
  og_error_clear(cx);
  return OG_OK;
}

static og_status name_tables(cleaner *k, og_ctx *cx, const og_fold *f, bool must, bool readable)
{
  og_map *m = must ? &k->marked : &k->named;
  for (uint32_t i = 0; i < f->n_tables; i++) {
    const og_table_state *s = &f->tables[i];
    bool erased = false;
    if (s->version == 0) continue;
    OG_TRY(name_first(k, cx, m, s));
    if (must && !readable) OG_TRY(is_erased(k, cx, s, &erased));
    OG_TRY(must && !erased ? name_table(k, cx, m, s) : name_left(k, cx, &k->named, s));
  }
  return OG_OK;
}

/* What one log version names, among what stays (`must`: it has to be there) or what goes; `tables`: those it shows,
 * too.
 */
static og_status name_version(cleaner *k, const log_state *l, uint64_t version, bool tables, bool must)
{
  og_map *m = must ? &k->marked : &k->named;
  const bool readable = !l->newest || version >= l->newest->version;
  OG_AUTO(og_arena) scratch = {0};
  og_ctx cx = *k->cx;
  og_fold *f = NULL;
  const og_lance_place at = {k->store, OG_STR(OG_LOG_ROOT), l->info.branch};
  cx.arena = &scratch;
  OG_TRY(og_ctx_poll(&cx));
  og_status st = og_fold_load(&cx, k->store, l->info.branch, version, NULL, 0, &f);
  if (st == OG_OK) st = put_key(&cx, m, &at, version, NULL);
  if (st == OG_OK) st = og_lance_table_named(&cx, f->log, m);
  if (st == OG_OK && tables) st = name_tables(k, &cx, f, must, readable);
  og_fold_unref(f);
  if (!must && (st == OG_ENOTFOUND || st == OG_EGONE)) {
    og_error_clear(&cx);
    return OG_OK;
  }
  return st == OG_OK ? OG_OK
                     : og_note(k->cx, st, "while looking for what version %" PRIu64 " of the log needs", version);
}

static bool stays(const log_state *l, uint64_t version)
{
  return l->newest ? version >= l->floor : version == OG_VEC_AT(&l->versions, a_version, l->versions.len - 1).number;
}

/* Of live logs the versions that stay, with their tables; of dead ones the last, for its commits. */
static og_status mark_all(cleaner *k)
{
  for (size_t i = 0; i < k->logs.len; i++) {
    const log_state *l = &OG_VEC_AT(&k->logs, log_state, i);
    const bool unsettled = l->info.live && !l->newest;
    for (size_t n = 0; n < l->versions.len; n++) {
      const uint64_t v = OG_VEC_AT(&l->versions, a_version, n).number;
      if (unsettled || stays(l, v)) OG_TRY(name_version(k, l, v, l->newest || unsettled, true));
    }
  }
  return OG_OK;
}

static og_status name_expired(cleaner *k)
{
  for (size_t i = 0; i < k->logs.len; i++) {
    const log_state *l = &OG_VEC_AT(&k->logs, log_state, i);
    if (l->info.live && !l->newest) continue;
    for (size_t n = 0; n < l->versions.len; n++) {
      const uint64_t v = OG_VEC_AT(&l->versions, a_version, n).number;
      if (!stays(l, v) || !l->newest) OG_TRY(name_version(k, l, v, true, false));
    }
  }
  return OG_OK;
}

/* ---- what goes */

static bool is_registered(const cleaner *k, og_str path)
{
  for (size_t i = 0; i < k->logs.len; i++) {
    const og_fold *f = OG_VEC_AT(&k->logs, log_state, i).newest;
    for (size_t n = 0; f && n < f->rows.len; n++) {
      const og_log_row *r = &OG_VEC_AT(&f->rows, og_log_row, n);
      if (r->kind == OG_ROW_TABLE && og_str_eq(r->location, path)) return true;
    }
  }
  return false;
}

/* "nodes/…" of "nodes/…/tree/b". */
static og_str path_of(og_str folder)
{
  return og_str_sub(folder, 0, og_str_find(folder, OG_STR("/tree/")));
}

/* A folder of an identity that may still be given out is claimed by its first manifest, which is therefore never
 * deleted: a late delete would take another claim's. */
static bool may_be_claimed(const cleaner *k, og_str path, uint64_t next_id)
{
  uint64_t n = 0;
  if (is_registered(k, path)) return false;
  for (size_t i = path.len < 16 ? 0 : path.len - 16; i < path.len; i++) {
    const char c = path.ptr[i];
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return true; /* no folder of ours */
    n = n << 4 | (uint64_t)digit;
  }
  return n >= next_id;
}

static const og_table_state *state_at(const og_fold *f, og_str path)
{
  for (uint32_t i = 0; f && i < f->n_tables; i++)
    if (og_str_eq(f->tables[i].path, path)) return &f->tables[i];
  return NULL;
}

/* Invariant (2). */
static void raise_floor(cleaner *k, og_str folder, uint64_t version)
{
  const log_state *l = log_named(k, branch_of(folder));
  const og_table_state *s = l ? state_at(l->newest, path_of(folder)) : NULL;
  if ((!s || version > s->max_version) && version > k->number_floor) k->number_floor = version;
}

static og_status is_condemned_manifest(cleaner *k, og_str folder, uint64_t version, bool *out)
{
  const og_lance_place at = {k->store, path_of(folder), branch_of(folder)};
  og_lance_table *t;
  uint64_t ms;
  *out = false;
  og_status st = og_lance_table_open(k->cx, &at, version, OG_STR_NONE, &t);
  if (st == OG_ENOTFOUND || st == OG_ECORRUPT) { /* another cleanup took it; or it is none, and not ours to judge */
    og_error_clear(k->cx);
    return OG_OK;
  }
  OG_TRY(st);
  *out = og_lance_table_began(t, &ms) && ms < k->cutoff_ms;
  og_lance_table_unref(t);
  return OG_OK;
}

static og_status add_goner(cleaner *k, const a_file *f, bool orphan)
{
  k->orphans += orphan;
  return og_vec_add(k->cx, &k->goes, f);
}

static og_status judge_manifest(cleaner *k, const a_file *f, og_str folder, uint64_t version, uint64_t next_id)
{
  bool goes = og_lance_is_named(&k->named, f->key), condemned = false;
  if (!goes) OG_TRY(is_condemned_manifest(k, folder, version, &condemned));
  if (!goes && (!condemned || may_be_claimed(k, path_of(folder), next_id))) return OG_OK;
  raise_floor(k, folder, version);
  return add_goner(k, f, condemned);
}

static og_status judge_tables(cleaner *k, uint64_t next_id)
{
  og_str folder;
  uint64_t version;
  for (size_t i = 0; i < k->files.len; i++) {
    const a_file *f = &OG_VEC_AT(&k->files, a_file, i);
    if (is_log_file(f->key) || !og_lance_manifest_parse(f->key, &folder, &version)) continue;
    OG_TRY(og_ctx_poll(k->cx));
    if (!og_lance_is_named(&k->marked, f->key)) OG_TRY(judge_manifest(k, f, folder, version, next_id));
  }
  return OG_OK;
}

static og_status judge_files(cleaner *k)
{
  og_str folder;
  uint64_t version, ms;
  for (size_t i = 0; i < k->files.len; i++) {
    const a_file *f = &OG_VEC_AT(&k->files, a_file, i);
    if (og_lance_manifest_parse(f->key, &folder, &version) || og_lance_is_named(&k->marked, f->key)) continue;
    const bool named = og_lance_is_named(&k->named, f->key);
    const bool condemned = !named && og_lance_file_began(f->key, &ms) && ms < k->cutoff_ms;
    if (named || condemned) OG_TRY(add_goner(k, f, condemned));
  }
  return OG_OK;
}

/* Ascending, before everything else: invariant (4). */
static og_status judge_logs(cleaner *k)
{
  for (size_t i = 0; i < k->logs.len; i++) {
    const log_state *l = &OG_VEC_AT(&k->logs, log_state, i);
    if (l->info.live && !l->newest) continue;
    for (size_t n = 0; n < l->versions.len; n++) {
      const a_version *v = &OG_VEC_AT(&l->versions, a_version, n);
      if (!stays(l, v->number)) OG_TRY(add_goner(k, &v->file, false));
    }
  }
  return OG_OK;
}

/* ---- fence */

static og_status list_floors(cleaner *k, og_vec *out)
{
  for (size_t i = 0; i < k->logs.len; i++) {
    const log_state *l = &OG_VEC_AT(&k->logs, log_state, i);
    og_log_floor f = {.version = l->floor};
    memcpy(f.incarnation, l->info.incarnation, 16);
    if (l->newest) OG_TRY(og_vec_add(k->cx, out, &f));
  }
  return OG_OK;
}

static og_ulid cutoff_of(uint64_t ms)
{
  og_ulid id = {{0}};
  for (int i = 0; i < 6; i++) id.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
  return id;
}

/* Fences the log, and marks what came to it since it was pinned. */
static og_status fence_log(cleaner *k, log_state *l, const og_fence *fence)
{
  uint64_t version;
  og_status st = og_graph_fence(k->cx, k->g, &l->info, fence, &version);
  if (st == OG_ENOTFOUND) { /* deleted meanwhile: nobody publishes there any more, and what it names is marked */
    og_error_clear(k->cx);
    return OG_OK;
  }
  OG_TRY(st);
  for (uint64_t v = l->info.newest + 1; v <= version; v++) OG_TRY(name_version(k, l, v, true, true));
  return OG_OK;
}

/* main first: no branch made later lacks the fence, for it copies main's row or that of a branch that has it. */
static og_status fence_all(cleaner *k)
{
  og_vec floors = OG_VEC_INIT(og_log_floor);
  og_status st = list_floors(k, &floors);
  const og_fence fence = {cutoff_of(k->cutoff_ms), k->number_floor, floors.data, floors.len};
  for (size_t i = 0; st == OG_OK && i < k->logs.len; i++) {
    log_state *l = &OG_VEC_AT(&k->logs, log_state, i);
    if (l->newest) st = fence_log(k, l, &fence);
  }
  og_vec_cleanup(&floors);
  return st;
}

/* Branches that came since the logs were listed: fenced and marked, too. */
static og_status fence_new(cleaner *k)
{
  const size_t known = k->logs.len;
  og_vec infos = OG_VEC_INIT(og_log_info);
  og_status st = og_graph_logs(k->cx, k->g, &infos);
  for (size_t i = 0; st == OG_OK && i < infos.len; i++) {
    const og_log_info *info = &OG_VEC_AT(&infos, og_log_info, i);
    const log_state *old = log_named(k, info->branch);
    if (!info->live || (old && memcmp(old->info.incarnation, info->incarnation, 16) == 0)) continue;
    st = add_log(k, info);
  }
  og_vec_cleanup(&infos);
  for (size_t i = known; st == OG_OK && i < k->logs.len; i++) {
    log_state *l = &OG_VEC_AT(&k->logs, log_state, i);
    const og_fence fence = {cutoff_of(k->cutoff_ms), k->number_floor, NULL, 0};
    for (uint64_t v = l->info.first; st == OG_OK && l->newest && v <= l->info.newest; v++)
      st = name_version(k, l, v, true, true);
    if (st == OG_OK && l->newest) st = fence_log(k, l, &fence);
  }
  return st;
}

/* A merge that was on its way while the floors were chosen may have made another state a base, one below them; the
 * fences let no such merge through any more.  What it needs stays, too. */
static og_status keep_late_bases(cleaner *k)
{
  uint64_t *before = og_push_array(k->cx, k->logs.len + 1, sizeof *before);
  if (!before) return OG_ENOMEM;
  for (size_t i = 0; i < k->logs.len; i++) before[i] = OG_VEC_AT(&k->logs, log_state, i).floor;
  OG_TRY(keep_bases(k));
  for (size_t i = 0; i < k->logs.len; i++) {
    const log_state *l = &OG_VEC_AT(&k->logs, log_state, i);
    for (size_t n = 0; n < l->versions.len; n++) {
      const uint64_t v = OG_VEC_AT(&l->versions, a_version, n).number;
      if (v >= l->floor && v < before[i]) OG_TRY(name_version(k, l, v, true, true));
    }
  }
  return OG_OK;
}

/* ---- sweep */

static og_cleaned_table *counts_of(cleaner *k, og_str key)
{
  og_str name = OG_STR("");
  const og_fold *f = OG_VEC_AT(&k->logs, log_state, 0).newest;
  if (is_log_file(key)) name = OG_STR(OG_LOG_ROOT);
  for (uint32_t i = 0; f && i < f->n_tables; i++)
    if (og_str_starts_with(key, f->tables[i].path)) name = f->tables[i].key;
  for (size_t i = 0; i < k->tables.len; i++)
    if (og_str_eq(OG_VEC_AT(&k->tables, og_cleaned_table, i).key, name))
      return &OG_VEC_AT(&k->tables, og_cleaned_table, i);
  og_cleaned_table *t = og_vec_push(k->cx, &k->tables);
  if (t && og_arena_str(k->cx, k->cx->arena, name, &t->key) != OG_OK) return NULL;
  return t;
}

static og_status sweep(cleaner *k)
{
  og_str folder;
  uint64_t version;
  for (size_t i = 0; i < k->goes.len; i++) {
    const a_file *f = &OG_VEC_AT(&k->goes, a_file, i);
    if (og_lance_is_named(&k->marked, f->key)) continue; /* since the fence */
    og_cleaned_table *t = counts_of(k, f->key);
    if (!t) return OG_ENOMEM;
    OG_TRY(og_ctx_poll(k->cx));
    if (!k->opts->dry) OG_TRY(og_store_delete(k->cx, k->store, f->key));
    if (og_lance_manifest_parse(f->key, &folder, &version))
      t->versions++;
    else
      t->files++;
    t->bytes += f->size;
  }
  return OG_OK;
}

static og_status run(cleaner *k)
{
  og_snapshot *s;
  OG_TRY(find_logs(k));
  OG_TRY(choose_floors(k));
  OG_TRY(keep_bases(k));
  OG_TRY(list_files(k));
  OG_TRY(mark_all(k));
  OG_TRY(name_expired(k));
  OG_TRY(og_graph_snapshot(k->cx, k->g, OG_STR_NONE, &s));
  const uint64_t next_id = s->catalog->next_id;
  og_snapshot_unref(s);
  OG_TRY(judge_logs(k));
  OG_TRY(judge_tables(k, next_id));
  OG_TRY(judge_files(k));
  if (!k->opts->dry) OG_TRY(fence_all(k));
  if (!k->opts->dry) OG_TRY(fence_new(k));
  if (!k->opts->dry) OG_TRY(keep_late_bases(k));
  return sweep(k);
}

static int by_key(const void *a, const void *b, void *arg)
{
  (void)arg;
  return og_str_cmp(((const og_cleaned_table *)a)->key, ((const og_cleaned_table *)b)->key);
}

static og_status give(cleaner *k, og_cleaned *out)
{
  OG_TRY(og_sort(k->cx, k->tables.data, k->tables.len, sizeof(og_cleaned_table), by_key, NULL));
  out->tables = og_push_array(k->cx, k->tables.len + 1, sizeof *out->tables);
  if (!out->tables) return OG_ENOMEM;
  if (k->tables.len) memcpy(out->tables, k->tables.data, k->tables.len * sizeof *out->tables);
  out->n_tables = k->tables.len;
  out->orphans = k->orphans;
  return OG_OK;
}

static void cleaner_cleanup(cleaner *k)
{
  for (size_t i = 0; i < k->logs.len; i++) {
    og_fold_unref(OG_VEC_AT(&k->logs, log_state, i).newest);
    og_vec_cleanup(&OG_VEC_AT(&k->logs, log_state, i).versions);
  }
  og_vec_cleanup(&k->logs);
  og_vec_cleanup(&k->files);
  og_vec_cleanup(&k->goes);
  og_vec_cleanup(&k->tables);
  og_map_cleanup(&k->marked);
  og_map_cleanup(&k->named);
}

og_status og_cleanup(og_ctx *cx, og_graph *g, const og_cleanup_policy *opts, og_cleaned *out)
{
  const int64_t now = og_wall_us(cx);
  *out = (og_cleaned){0};
  if (!opts->keep && !opts->has_older)
    return og_fail(cx, OG_EINVALID, "cleanup needs to be told what stays: --keep N, --older-than DURATION, or both");
  cleaner k = {.cx = cx,
               .g = g,
               .store = og_graph_store(g),
               .opts = opts,
               .cutoff_ms = now > opts->grace_us ? (uint64_t)(now - opts->grace_us) / 1000 : 0,
               .logs = OG_VEC_INIT(log_state),
               .files = OG_VEC_INIT(a_file),
               .goes = OG_VEC_INIT(a_file),
               .tables = OG_VEC_INIT(og_cleaned_table)};
  og_map_init(&k.marked, true);
  og_map_init(&k.named, true);
  og_status st = run(&k);
  if (st == OG_OK) st = give(&k, out);
  cleaner_cleanup(&k);
  return st;
}
