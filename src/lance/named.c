/* SPDX-License-Identifier: MIT */
/* lance/named.c -- which files a version of a table names, and when the writer of a file began. */
#include "lance/named.h"

#include "base/ulid.h"
#include "lance/index_impl.h"

#include <inttypes.h>

static og_status mark(og_ctx *cx, og_map *m, og_str folder, const char *below, og_str name)
{
  og_str key;
  OG_TRY(
      og_arena_printf(cx, cx->arena, &key, OG_STR_FMT "/%s/" OG_STR_FMT, OG_STR_ARG(folder), below, OG_STR_ARG(name)));
  return og_map_put(cx, m, key, 1, NULL);
}

/* The folder of the blobs of a data file. */
static og_status mark_blobs(og_ctx *cx, og_map *m, og_str folder, og_str file)
{
  og_str key;
  if (!og_str_ends_with(file, OG_STR(".lance"))) return OG_OK;
  OG_TRY(og_arena_printf(cx, cx->arena, &key, OG_STR_FMT "/data/" OG_STR_FMT "/", OG_STR_ARG(folder),
                         OG_STR_ARG(og_str_sub(file, 0, file.len - 6))));
  return og_map_put(cx, m, key, 1, NULL);
}

static og_status mark_sequence(og_ctx *cx, og_map *m, const og_lance_table *t, const og_sequence_ref *s)
{
  og_str folder, key;
  if (!s->external) return OG_OK;
  OG_TRY(og_table__folder(cx, t, false, 0, &folder));
  OG_TRY(og_arena_printf(cx, cx->arena, &key, OG_STR_FMT "/" OG_STR_FMT, OG_STR_ARG(folder),
                         OG_STR_ARG(s->external->path)));
  return og_map_put(cx, m, key, 1, NULL);
}

static og_status mark_fragment(og_ctx *cx, og_map *m, const og_lance_table *t, const og_fragment *f)
{
  og_str folder, name;
  for (uint32_t i = 0; i < f->n_files; i++) {
    OG_TRY(og_table__folder(cx, t, f->files[i].has_base, f->files[i].base, &folder));
    OG_TRY(mark(cx, m, folder, "data", f->files[i].path));
    OG_TRY(mark_blobs(cx, m, folder, f->files[i].path));
  }
  if (f->del.present) {
    OG_TRY(og_table__folder(cx, t, f->del.has_base, f->del.base, &folder));
    OG_TRY(og_arena_printf(cx, cx->arena, &name, "%" PRIu64 "-%" PRIu64 "-%" PRIu64 ".%s", f->id, f->del.read_version,
                           f->del.id, f->del.kind ? "bin" : "arrow"));
    OG_TRY(mark(cx, m, folder, "_deletions", name));
  }
  OG_TRY(mark_sequence(cx, m, t, &f->ids));
  OG_TRY(mark_sequence(cx, m, t, &f->created));
  return mark_sequence(cx, m, t, &f->updated);
}

static og_status mark_indexes(og_ctx *cx, og_map *m, const og_lance_table *t)
{
  const og_lance_index_entry *e;
  size_t n;
  OG_TRY(og_lance_table_indexes(cx, t, &e, &n));
  for (size_t i = 0; i < n; i++) {
    og_str folder, key;
    OG_TRY(og_table__folder(cx, t, e[i].has_base, e[i].base, &folder));
    OG_TRY(og_index__folder(cx, folder, e[i].uuid, &key));
    OG_TRY(og_arena_printf(cx, cx->arena, &key, OG_STR_FMT "/", OG_STR_ARG(key)));
    OG_TRY(og_map_put(cx, m, key, 1, NULL));
  }
  return OG_OK;
}

og_status og_lance_table_named(og_ctx *cx, const og_lance_table *t, og_map *out)
{
  og_str folder;
  OG_TRY(og_table__folder(cx, t, false, 0, &folder));
  if (t->m.tx_file.len) OG_TRY(mark(cx, out, folder, "_transactions", t->m.tx_file));
  OG_TRY(mark_indexes(cx, out, t));
  for (uint32_t i = 0; i < t->m.n_fragments; i++) OG_TRY(mark_fragment(cx, out, t, &t->m.fragments[i]));
  return OG_OK;
}

bool og_lance_is_named(const og_map *named, og_str key)
{
  const size_t slash = og_str_rfind_byte(key, '/');
  return og_map_get(named, key, NULL) || og_map_get(named, og_str_sub(key, 0, slash + 1), NULL);
}

/* ---- ages */

/* When the writer of one of our files began, by the attempt in the file's name (change.c); false for others. */
static bool age_of(og_str folder, og_str name, uint64_t *ms)
{
  og_ulid id;
  size_t at = 0;
  if (og_str_eq(folder, OG_STR("_transactions"))) {
    at = og_str_find(name, OG_STR("-omnigraph-"));
    if (at == SIZE_MAX) return false;
    at += 11;
  } else if (!og_str_eq(folder, OG_STR("data"))) {
    return false;
  }
  if (name.len < at + OG_ULID_LEN || !og_ulid_parse(og_str_sub(name, at, at + OG_ULID_LEN), &id)) return false;
  *ms = og_ulid_ms(&id);
  return true;
}

/* The same of a folder of an index: our uuids are of version 7, which tells the time. */
static bool age_of_index(og_str folder, uint64_t *ms)
{
  const og_str text = og_str_sub(folder, 0, 13);
  uint64_t n = 0;
  if (folder.len != 36 || folder.ptr[14] != '7') return false;
  for (size_t i = 0; i < text.len; i++) {
    const char c = text.ptr[i];
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (i == 8 ? c != '-' : digit < 0) return false;
    if (i != 8) n = n << 4 | (uint64_t)digit;
  }
  *ms = n;
  return true;
}

/* "<fragment>-<version>-<id>.bin": milliseconds stand in the upper bits of an id of ours. */
static bool age_of_deletion(og_str name, uint64_t *ms)
{
  uint64_t id;
  const size_t dash = og_str_rfind_byte(name, '-');
  if (dash == SIZE_MAX || !og_str_ends_with(name, OG_STR(".bin"))) return false;
  if (!og_str_to_u64(og_str_sub(name, dash + 1, name.len - 4), &id)) return false;
  *ms = id >> 22;
  return true;
}

/* Is this the folder of the blobs of a data file? */
static bool has_blobs(og_str path, og_str name)
{
  const size_t slash = og_str_rfind_byte(path, '/');
  return slash != SIZE_MAX && og_str_ends_with(og_str_sub(path, 0, slash), OG_STR("/data")) &&
         og_str_ends_with(name, OG_STR(".blob"));
}

bool og_lance_file_began(og_str key, uint64_t *ms)
{
  const size_t slash = og_str_rfind_byte(key, '/');
  if (slash == SIZE_MAX) return false;
  const og_str path = og_str_sub(key, 0, slash), name = og_str_sub(key, slash + 1, key.len);
  const size_t before = og_str_rfind_byte(path, '/');
  if (before == SIZE_MAX) return false;
  const og_str folder = og_str_sub(path, before + 1, path.len);
  if (has_blobs(path, name)) return age_of(OG_STR("data"), folder, ms);
  if (og_str_ends_with(og_str_sub(path, 0, before), OG_STR("/_indices"))) return age_of_index(folder, ms);
  if (og_str_eq(folder, OG_STR("_deletions"))) return age_of_deletion(name, ms);
  return age_of(folder, name, ms);
}

bool og_lance_table_began(const og_lance_table *t, uint64_t *ms)
{
  og_ulid id;
  const og_str uuid = og_lance_table_uuid(t);
  if (!og_str_starts_with(uuid, OG_STR("omnigraph-")) || !og_ulid_parse(og_str_sub(uuid, 10, 10 + OG_ULID_LEN), &id))
    return false;
  *ms = og_ulid_ms(&id);
  return true;
}

bool og_lance_manifest_parse(og_str key, og_str *folder, uint64_t *version)
{
  const size_t at = og_str_find(key, OG_STR("/_versions/"));
  uint64_t n;
  if (at == SIZE_MAX || !og_str_ends_with(key, OG_STR(".manifest"))) return false;
  const og_str name = og_str_sub(key, at + 11, key.len - 9);
  if (name.len != 20 || !og_str_to_u64(name, &n)) return false;
  *folder = og_str_sub(key, 0, at);
  *version = UINT64_MAX - n;
  return true;
}
