/* SPDX-License-Identifier: MIT */
/* lance/table.c -- opening a version, and what is read of it on first use.
 *
 *   root/_versions/%020u.manifest       of UINT64_MAX - version (V2); plain decimal (V1) is understood
 *   root/_transactions/<read>-<uuid>.txn
 *   root/_deletions/<fragment>-<read>-<id>.bin
 *   root/data/<name>.lance
 *   root/tree/<branch>/...              the same again for a branch
 *
 * (1) A version is immutable.  What is read of it on first use (open files, deletions, row ids) is loaded outside the
 *      lock and kept: the first loader wins, so readers wait for nothing but a pointer swap.
 *  (2) A branch's manifest names inherited files through base paths, which are recorded as absolute paths.  They are
 *      resolved against where the table is found, and only inside it: the part of the recorded path from this table's
 *      root on is used, anything else is refused.  So a moved or copied graph still opens, and a forged path reaches
 *      nothing.
 *  (3) Every count in a manifest is checked against the file it speaks of before a row is read through it.
 */
#include "lance/table_impl.h"

#include "base/limits.h"
#include "lance/deletions.h"

#include <inttypes.h>

/* ---- places */

og_status og_table__prefix(og_ctx *cx, const og_lance_place *at, og_str *out)
{
  if (at->branch.len == 0) return og_arena_str(cx, cx->arena, at->root, out);
  return og_arena_printf(cx, cx->arena, out, OG_STR_FMT "/tree/" OG_STR_FMT, OG_STR_ARG(at->root),
                         OG_STR_ARG(at->branch));
}

og_status og_lance_place_open(og_ctx *cx, og_str uri, og_str branch, bool read_only, og_lance_place *out)
{
  og_store *at; /* the table's own folder, for its name: `uri` may end in "." or a slash */
  og_str whole;
  *out = (og_lance_place){.branch = branch};
  OG_TRY(og_store_open(cx, uri, true, &at));
  og_status st = og_arena_str(cx, cx->arena, og_store_root(at), &whole);
  og_store_unref(at);
  OG_TRY(st);
  const size_t slash = og_str_rfind_byte(whole, '/');
  if (slash != SIZE_MAX) out->root = og_str_sub(whole, slash + 1, whole.len);
  if (!og_key_is_valid(out->root))
    return og_fail(cx, OG_EINVALID, "'" OG_STR_FMT "' cannot be the folder of a Lance table", OG_STR_ARG(uri));
  return og_store_open(cx, slash == 0 ? OG_STR("/") : og_str_sub(whole, 0, slash), read_only, &out->store);
}

og_status og_lance_manifest_key(og_ctx *cx, const og_lance_place *at, uint64_t version, og_str *out)
{
  og_str prefix;
  OG_TRY(og_table__prefix(cx, at, &prefix));
  return og_arena_printf(cx, cx->arena, out, OG_STR_FMT "/_versions/%020" PRIu64 ".manifest", OG_STR_ARG(prefix),
                         UINT64_MAX - version);
}

/* Is `path` the table's root, or one of its branches? */
static bool is_inside(const og_lance_table *t, og_str path)
{
  if (!og_str_starts_with(path, t->at.root) || !og_key_is_valid(path)) return false;
  og_str behind = og_str_sub(path, t->at.root.len, path.len);
  return behind.len == 0 || og_str_starts_with(behind, OG_STR("/tree/"));
}

/* The key prefix a recorded base path stands for: the whole of it below this store's root, or, when the graph lies
 * elsewhere now, its longest end that lies inside this table. */
static bool find_inside(const og_lance_table *t, og_str path, og_str *out)
{
  og_str store = og_store_root(t->at.store);
  while (path.len && path.ptr[path.len - 1] == '/') path.len--;
  if (og_str_starts_with(path, store) && path.len > store.len) {
    *out = og_str_sub(path, store.len + (path.ptr[store.len] == '/'), path.len);
    if (is_inside(t, *out)) return true;
  }
  for (size_t i = 1; i < path.len; i++) {
    if (path.ptr[i - 1] != '/') continue;
    *out = og_str_sub(path, i, path.len);
    if (is_inside(t, *out)) return true;
  }
  return false;
}

static og_status resolve_base(og_ctx *cx, const og_lance_table *t, uint32_t id, og_str *out)
{
  const og_base_path *base = NULL;
  og_str found;
  for (uint32_t i = 0; i < t->m.n_bases; i++)
    if (t->m.bases[i].id == id) base = &t->m.bases[i];
  if (!base) return og_fail(cx, OG_ECORRUPT, "the manifest uses base path %u, which it does not define", id);
  if (base->is_root && find_inside(t, base->path, &found)) return og_arena_str(cx, cx->arena, found, out);
  return og_fail(cx, OG_ECORRUPT,
                 "the manifest names files under '" OG_STR_FMT "', which is not inside its own table '" OG_STR_FMT
                 "': restore the table together with that folder",
                 OG_STR_ARG(base->path), OG_STR_ARG(t->at.root));
}

og_status og_table__folder(og_ctx *cx, const og_lance_table *t, bool has_base, uint32_t base, og_str *out)
{
  return has_base ? resolve_base(cx, t, base, out) : og_table__prefix(cx, &t->at, out);
}

/* ---- opening */

/* The transaction's uuid: from its file's name "<read version>-<uuid>.txn", or from the inline record. */
static og_status find_uuid(og_ctx *cx, og_lance_table *t)
{
  og_str name = t->m.tx_file;
  og_pb_reader r;
  og_pb_field f;
  bool more;
  size_t dash = og_str_find(name, OG_STR("-"));
  if (dash != SIZE_MAX && og_str_ends_with(name, OG_STR(".txn"))) {
    t->uuid = og_str_sub(name, dash + 1, name.len - 4);
    return OG_OK;
  }
  og_pb_reader_init(&r, t->m.transaction, "Transaction");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) return OG_OK;
    if (f.num == 2 && f.wire == OG_PB_BYTES) t->uuid = f.bytes;
    if (og_utf8_check(t->uuid) != SIZE_MAX || og_str_find(t->uuid, OG_STR("\0")) != SIZE_MAX)
      return og_fail(cx, OG_ECORRUPT, "the uuid of the manifest's transaction is no UTF-8 text");
  }
}

static og_status count_rows(og_ctx *cx, og_lance_table *t)
{
  t->first = og_arena_calloc(cx, &t->arena, t->m.n_fragments + 1, sizeof *t->first);
  t->frags = og_arena_calloc(cx, &t->arena, t->m.n_fragments + 1, sizeof *t->frags);
  size_t n_files = 0;
  for (uint32_t i = 0; i < t->m.n_fragments; i++) n_files += t->m.fragments[i].n_files;
  og_lance_file **files = og_arena_calloc(cx, &t->arena, n_files + 1, sizeof(og_lance_file *));
  if (!t->first || !t->frags || !files) return OG_ENOMEM;
  for (uint32_t i = 0; i < t->m.n_fragments; i++) {
    const og_fragment *f = &t->m.fragments[i];
    t->first[i] = t->physical_rows;
    t->physical_rows += f->rows; /* at most 2^24 fragments of 2^32 rows: no overflow */
    og_rowids_init(&t->frags[i].ids);
    og_version_runs_init(&t->frags[i].created);
    og_version_runs_init(&t->frags[i].updated);
    t->frags[i].files = files;
    files += f->n_files;
  }
  return OG_OK;
}

/* Live rows.  A deletion file whose manifest does not say how many rows it names has to be read. */
static og_status count_live(og_ctx *cx, og_lance_table *t)
{
  for (uint32_t i = 0; i < t->m.n_fragments; i++) {
    og_fragment *f = &t->m.fragments[i];
    const uint8_t *bits;
    if (f->del.present && f->del.rows == 0) {
      OG_TRY(og_table__deleted(cx, t, i, &bits));
      f->del.rows = (uint64_t)og_bits_count(bits, 0, (int64_t)f->rows);
    }
    t->rows += f->rows - (f->del.present ? f->del.rows : 0);
  }
  return OG_OK;
}

og_status og_table__new(og_ctx *cx, const og_lance_place *at, og_manifest *m, og_lance_table **out)
{
  og_lance_table *t = og_zalloc(cx, sizeof *t);
  if (!t) {
    og_manifest_cleanup(m);
    return OG_ENOMEM;
  }
  atomic_init(&t->refs, 1);
  og_mutex_init(&t->mu);
  t->m = *m;
  *m = (og_manifest){0};
  t->at.store = og_store_ref(at->store);
  t->outside = (og_lance_outside){t->m.bases, t->m.n_bases, OG_VEC_INIT(og_store *)};
  og_status st = og_arena_str(cx, &t->arena, at->root, &t->at.root);
  if (st == OG_OK) st = og_arena_str(cx, &t->arena, at->branch, &t->at.branch);
  if (st == OG_OK) st = count_rows(cx, t);
  if (st == OG_OK) st = count_live(cx, t);
  if (st == OG_OK) st = find_uuid(cx, t);
  if (st != OG_OK)
    og_lance_table_unref(t);
  else
    *out = t;
  return st;
}

og_status og_lance_table_decode(og_ctx *cx, const og_lance_place *at, og_str bytes, og_lance_table **out)
{
  og_manifest m;
  OG_TRY(og_manifest_decode(cx, bytes, &m));
  return og_table__new(cx, at, &m, out);
}

static og_status open_at(og_ctx *cx, const og_lance_place *at, uint64_t version, og_str key, og_lance_table **out)
{
  OG_AUTO(og_buf) bytes = {0};
  og_lance_table *t;
  OG_TRY(og_store_get(cx, at->store, key, OG_LIMIT_MANIFEST_BYTES, &bytes));
  OG_TRY(og_lance_table_decode(cx, at, og_buf_str(&bytes), &t));
  if (t->m.version == version) {
    *out = t;
    return OG_OK;
  }
  og_status st =
      og_fail(cx, OG_ECORRUPT, "the manifest says version %" PRIu64 ", its name says %" PRIu64, t->m.version, version);
  og_lance_table_unref(t);
  return st;
}

static og_status v1_key(og_ctx *cx, const og_lance_place *at, uint64_t version, og_str *out)
{
  og_str prefix;
  OG_TRY(og_table__prefix(cx, at, &prefix));
  return og_arena_printf(cx, cx->arena, out, OG_STR_FMT "/_versions/%" PRIu64 ".manifest", OG_STR_ARG(prefix), version);
}

og_status og_lance_table_open(og_ctx *cx, const og_lance_place *at, uint64_t version, og_str expect_uuid,
                              og_lance_table **out)
{
  og_str key, old_key;
  og_lance_table *t;
  OG_TRY(og_lance_manifest_key(cx, at, version, &key));
  og_status st = open_at(cx, at, version, key, &t);
  if (st == OG_ENOTFOUND) {
    OG_TRY(v1_key(cx, at, version, &old_key));
    st = open_at(cx, at, version, old_key, &t);
    if (st == OG_OK) t->old_names = true;
  }
  OG_TRY_NOTE(cx, st, "while opening " OG_STR_FMT, OG_STR_ARG(key));
  if (expect_uuid.len && !og_str_eq(expect_uuid, t->uuid)) {
    og_lance_table_unref(t);
    return og_fail(cx, OG_EGONE,
                   "version %" PRIu64 " of '" OG_STR_FMT "' was reclaimed: its number holds another write now", version,
                   OG_STR_ARG(at->root));
  }
  *out = t;
  return OG_OK;
}

typedef struct newest_arg {
  uint64_t newest;
} newest_arg;

static og_status see_version(og_ctx *cx, void *arg, og_str key, uint64_t size)
{
  newest_arg *n = arg;
  og_str name = og_str_sub(key, og_str_rfind_byte(key, '/') + 1, key.len);
  uint64_t v;
  (void)cx;
  (void)size;
  if (!og_str_ends_with(name, OG_STR(".manifest"))) return OG_OK;
  og_str digits = og_str_sub(name, 0, name.len - 9);
  if (!og_str_to_u64(digits, &v)) return OG_OK; /* detached versions and the like */
  bool v2 = digits.len == 20;
  if (v2) v = UINT64_MAX - v;
  if (v > INT64_MAX) return OG_OK; /* detached: not of the chain */
  if (v > n->newest) n->newest = v;
  return v2 ? OG_LIST_STOP : OG_OK; /* V2 names sort newest first */
}

og_status og_lance_newest_version(og_ctx *cx, const og_lance_place *at, uint64_t *out)
{
  og_str prefix, folder;
  newest_arg arg = {0};
  OG_TRY(og_table__prefix(cx, at, &prefix));
  OG_TRY(og_arena_printf(cx, cx->arena, &folder, OG_STR_FMT "/_versions/", OG_STR_ARG(prefix)));
  OG_TRY(og_store_list(cx, at->store, folder, OG_STR_NONE, see_version, &arg));
  *out = arg.newest;
  return OG_OK;
}

og_lance_table *og_lance_table_ref(og_lance_table *t)
{
  atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
  return t;
}

static void free_fragment(og_lance_table *t, uint32_t i)
{
  og_fragment_state *s = &t->frags[i];
  for (uint32_t k = 0; s->files && k < t->m.fragments[i].n_files; k++) og_lance_file_unref(s->files[k]);
  og_rowids_cleanup(&s->ids);
  og_version_runs_cleanup(&s->created);
  og_version_runs_cleanup(&s->updated);
  og_arena_cleanup(&s->sequences);
  og_column_unref(s->searched);
  og_free(s->deleted);
}

void og_lance_table_unref(og_lance_table *t)
{
  if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1) return;
  for (uint32_t i = 0; t->frags && i < t->m.n_fragments; i++) free_fragment(t, i);
  og_free(t->deleted);
  og_lance__outside_cleanup(&t->outside);
  og_manifest_cleanup(&t->m);
  og_mutex_cleanup(&t->mu);
  og_store_unref(t->at.store);
  og_arena_cleanup(&t->arena);
  og_free(t);
}

og_status og_lance_table_allow_blobs(og_ctx *cx, og_lance_table *t, og_str folder)
{
  return og_lance_outside_allow(cx, &t->outside, folder);
}

/* ---- facts */

uint64_t og_lance_table_version(const og_lance_table *t)
{
  return t->m.version;
}

og_str og_lance_table_uuid(const og_lance_table *t)
{
  return t->uuid;
}

uint64_t og_lance_table_rows(const og_lance_table *t)
{
  return t->rows;
}

uint64_t og_lance_table_physical_rows(const og_lance_table *t)
{
  return t->physical_rows;
}

og_lance_schema *og_lance_table_schema(const og_lance_table *t)
{
  return t->m.schema;
}

og_lance_version og_lance_table_file_version(const og_lance_table *t)
{
  og_str named = t->m.format_version;
  if (named.len == 3 && named.ptr[1] == '.')
    return (og_lance_version){(uint16_t)(named.ptr[0] - '0'), (uint16_t)(named.ptr[2] - '0')};
  if (t->m.n_fragments && t->m.fragments[0].n_files) { /* tables older than the field */
    const og_data_file *f = &t->m.fragments[0].files[0];
    return (og_lance_version){(uint16_t)f->major, (uint16_t)f->minor};
  }
  return (og_lance_version){2, 2};
}

bool og_lance_table_has_stable_ids(const og_lance_table *t)
{
  return t->m.reader_flags & OG_FLAG_STABLE_IDS;
}

int64_t og_lance_table_timestamp_us(const og_lance_table *t)
{
  int64_t us;
  bool fits = !OG_MUL_OVERFLOWS(t->m.seconds, 1000000, &us) && !OG_ADD_OVERFLOWS(us, t->m.nanos / 1000, &us);
  return fits ? us : t->m.seconds < 0 ? INT64_MIN : INT64_MAX;
}

static bool find_pair(const og_str *pairs, uint32_t n, og_str key, og_str *out)
{
  for (size_t i = 0; i < n; i++) {
    if (!og_str_eq(pairs[2 * i], key)) continue;
    *out = pairs[2 * i + 1];
    return true;
  }
  return false;
}

bool og_lance_table_config(const og_lance_table *t, og_str key, og_str *out)
{
  const og_manifest *m = &t->m;
  return find_pair(m->config, m->n_config, key, out) || find_pair(m->table_meta, m->n_table_meta, key, out) ||
         find_pair(m->schema->meta, m->schema->n_meta, key, out);
}

uint32_t og_lance_table_fragments(const og_lance_table *t)
{
  return t->m.n_fragments;
}

og_lance_fragment_info og_lance_table_fragment(const og_lance_table *t, uint32_t i)
{
  const og_fragment *f = &t->m.fragments[i];
  og_lance_fragment_info info = {.id = f->id,
                                 .physical_rows = f->rows,
                                 .deleted_rows = f->del.present ? f->del.rows : 0,
                                 .first_offset = t->first[i]};
  for (uint32_t k = 0; k < f->n_files; k++) info.bytes += f->files[k].size;
  return info;
}

uint64_t og_lance_table_next_fragment_id(const og_lance_table *t)
{
  uint64_t next = t->m.has_max_fragment ? (uint64_t)t->m.max_fragment + 1 : 0;
  for (uint32_t i = 0; i < t->m.n_fragments; i++)
    if (t->m.fragments[i].id >= next) next = t->m.fragments[i].id + 1;
  return next;
}

bool og_lance_table_is_new(const og_lance_table *newer, uint32_t i, const og_lance_table *base)
{
  return newer->m.fragments[i].id >= og_lance_table_next_fragment_id(base);
}

static uint64_t layout_of(const og_lance_schema *s)
{
  uint64_t h = 1;
  for (uint32_t i = 0; i < s->n_fields; i++)
    h = (h ^ og_str_hash(s->fields[i].name) ^ ((uint64_t)(uint32_t)s->fields[i].id << 32)) * 0x9E3779B97F4A7C15u;
  return h ? h : 1;
}

og_status og_lance_table_relayout(og_ctx *cx, og_lance_table *t, const og_lance_alteration *a)
{
  og_lance_schema *altered;
  OG_ASSERT(atomic_load_explicit(&t->refs, memory_order_relaxed) == 1);
  OG_TRY_NOTE(cx, og_lance_schema_alter(cx, t->m.schema, a, &altered), "in the columns of '" OG_STR_FMT "'",
              OG_STR_ARG(t->at.root));
  og_lance_schema_unref(t->m.schema);
  t->m.schema = altered;
  t->layout = layout_of(altered);
  return OG_OK;
}

uint64_t og_lance_table_layout(const og_lance_table *t)
{
  return t->layout;
}

bool og_lance_table_same_columns(const og_lance_table *a, const og_lance_table *b)
{
  const og_lance_schema *x = a->m.schema, *y = b->m.schema;
  if (x->n_fields != y->n_fields) return false;
  for (uint32_t i = 0; i < x->n_fields; i++)
    if (x->fields[i].id != y->fields[i].id || !og_str_eq(x->fields[i].name, y->fields[i].name) ||
        !og_str_eq(x->fields[i].logical_type, y->fields[i].logical_type))
      return false;
  return true;
}

bool og_lance_table_same_rows(const og_lance_table *a, uint32_t i, const og_lance_table *b, uint32_t k)
{
  const og_fragment *x = &a->m.fragments[i], *y = &b->m.fragments[k];
  if (x->id != y->id || x->rows != y->rows || x->n_files == 0 || y->n_files == 0) return false;
  const og_data_file *f = &x->files[0], *g = &y->files[0]; /* others add columns; the first has the rows since ever */
  return og_str_eq(f->path, g->path) && f->has_base == g->has_base && f->base == g->base;
}

uint32_t og_table__fragment_at(const og_lance_table *t, uint64_t offset)
{
  uint32_t lo = 0, hi = t->m.n_fragments;
  while (hi - lo > 1) {
    uint32_t mid = lo + (hi - lo) / 2;
    if (t->first[mid] <= offset)
      lo = mid;
    else
      hi = mid;
  }
  return lo;
}

/* ---- read on first use: load outside the lock, keep the first that arrives */

og_status og_table__file(og_ctx *cx, og_lance_table *t, uint32_t fragment, uint32_t file, og_lance_file **out)
{
  const og_data_file *d = &t->m.fragments[fragment].files[file];
  og_lance_file **slot = &t->frags[fragment].files[file];
  og_mutex_lock(&t->mu);
  og_lance_file *f = *slot;
  og_mutex_unlock(&t->mu);
  if (f) {
    *out = f;
    return OG_OK;
  }
  og_str folder, key;
  OG_TRY(og_table__folder(cx, t, d->has_base, d->base, &folder));
  OG_TRY(og_arena_printf(cx, cx->arena, &key, OG_STR_FMT "/data/" OG_STR_FMT, OG_STR_ARG(folder), OG_STR_ARG(d->path)));
  OG_TRY(og_lance_file_open(cx, t->at.store, key, d->size, &f));
  og_mutex_lock(&t->mu);
  og_lance_file *mine = f;
  if (*slot)
    f = *slot;
  else
    *slot = f;
  og_mutex_unlock(&t->mu);
  if (f != mine) og_lance_file_unref(mine);
  *out = f;
  return OG_OK;
}

static og_status decode_deletions(og_ctx *cx, const og_fragment *f, og_str bytes, uint8_t *bits)
{
  const og_deletion_ref *d = &f->del;
  uint64_t n = 0;
  OG_TRY(d->kind == 0 ? og_deletions_decode_arrow(cx, bytes, f->rows, bits, &n)
                      : og_deletions_decode(cx, bytes, f->rows, bits, &n));
  if (d->rows == 0 || n == d->rows) return OG_OK;
  return og_fail(cx, OG_ECORRUPT, "deletion file: it names %" PRIu64 " rows, the manifest says %" PRIu64, n, d->rows);
}

static og_status load_deletions(og_ctx *cx, og_lance_table *t, const og_fragment *f, uint8_t **out)
{
  const og_deletion_ref *d = &f->del;
  og_str folder, key;
  OG_AUTO(og_buf) bytes = {0};
  if (d->kind > 1) return og_fail(cx, OG_EUNSUPPORTED, "a deletion file of unknown kind %u", d->kind);
  OG_TRY(og_table__folder(cx, t, d->has_base, d->base, &folder));
  OG_TRY(og_arena_printf(cx, cx->arena, &key, OG_STR_FMT "/_deletions/%" PRIu64 "-%" PRIu64 "-%" PRIu64 ".%s",
                         OG_STR_ARG(folder), f->id, d->read_version, d->id, d->kind ? "bin" : "arrow"));
  OG_TRY(og_store_get(cx, t->at.store, key, 8 * f->rows + (1u << 20), &bytes));
  uint8_t *bits = og_zalloc(cx, f->rows / 8 + 8);
  if (!bits) return OG_ENOMEM;
  og_status st = decode_deletions(cx, f, og_buf_str(&bytes), bits);
  if (st != OG_OK) {
    og_free(bits);
    return og_note(cx, st, "while reading " OG_STR_FMT, OG_STR_ARG(key));
  }
  *out = bits;
  return OG_OK;
}

og_status og_table__deleted(og_ctx *cx, og_lance_table *t, uint32_t fragment, const uint8_t **out)
{
  og_fragment_state *s = &t->frags[fragment];
  uint8_t *bits = NULL;
  *out = NULL;
  if (!t->m.fragments[fragment].del.present) return OG_OK;
  og_mutex_lock(&t->mu);
  bool loaded = s->deletions_loaded;
  og_mutex_unlock(&t->mu);
  if (!loaded) {
    OG_TRY(load_deletions(cx, t, &t->m.fragments[fragment], &bits));
    og_mutex_lock(&t->mu);
    if (!s->deletions_loaded) {
      s->deleted = bits;
      s->deletions_loaded = true;
      bits = NULL;
    }
    og_mutex_unlock(&t->mu);
    og_free(bits);
  }
  *out = s->deleted;
  return OG_OK;
}

og_status og_table__sequence_bytes(og_ctx *cx, og_lance_table *t, const og_sequence_ref *s, og_buf *out)
{
  if (!s->external) return og_buf_append_str(cx, out, s->bytes);
  og_str prefix, key;
  OG_TRY(og_table__prefix(cx, &t->at, &prefix));
  OG_TRY(og_arena_printf(cx, cx->arena, &key, OG_STR_FMT "/" OG_STR_FMT, OG_STR_ARG(prefix),
                         OG_STR_ARG(s->external->path)));
  if (s->external->len > OG_LIMIT_MANIFEST_BYTES)
    return og_fail(cx, OG_ECORRUPT, "a row id file claims %" PRIu64 " bytes", s->external->len);
  return og_store_get_range(cx, t->at.store, key, s->external->off, s->external->len, out);
}

static og_status decode_sequences(og_ctx *cx, og_lance_table *t, const og_fragment *f, og_fragment_state *s)
{
  OG_AUTO(og_buf) ids = {0};
  OG_AUTO(og_buf) created = {0};
  OG_AUTO(og_buf) updated = {0};
  OG_TRY(og_table__sequence_bytes(cx, t, &f->ids, &ids));
  OG_TRY(og_table__sequence_bytes(cx, t, &f->created, &created));
  OG_TRY(og_table__sequence_bytes(cx, t, &f->updated, &updated));
  if (f->ids.present)
    OG_TRY(og_rowids_decode(cx, &s->sequences, og_buf_str(&ids), f->rows, &s->ids));
  else
    OG_TRY(og_rowids_add_range(cx, &s->ids, f->id << 32, f->rows)); /* no stable ids: the address is the id */
  OG_TRY(og_version_runs_decode(cx, og_buf_str(&created), f->rows, &s->created));
  return og_version_runs_decode(cx, og_buf_str(&updated), f->rows, &s->updated);
}

static void free_sequences(og_fragment_state *s)
{
  og_rowids_cleanup(&s->ids);
  og_version_runs_cleanup(&s->created);
  og_version_runs_cleanup(&s->updated);
  og_arena_cleanup(&s->sequences);
}

og_status og_table__sequences(og_ctx *cx, og_lance_table *t, uint32_t fragment, const og_fragment_state **out)
{
  og_fragment_state *s = &t->frags[fragment];
  og_mutex_lock(&t->mu);
  bool loaded = s->sequences_loaded;
  og_mutex_unlock(&t->mu);
  if (!loaded) {
    og_fragment_state fresh = {0};
    og_rowids_init(&fresh.ids);
    og_version_runs_init(&fresh.created);
    og_version_runs_init(&fresh.updated);
    og_status st = decode_sequences(cx, t, &t->m.fragments[fragment], &fresh);
    if (st != OG_OK) {
      free_sequences(&fresh);
      return og_note(cx, st, "in fragment %" PRIu64 " of '" OG_STR_FMT "'", t->m.fragments[fragment].id,
                     OG_STR_ARG(t->at.root));
    }
    og_mutex_lock(&t->mu);
    bool won = !s->sequences_loaded;
    if (won) {
      s->sequences = fresh.sequences;
      s->ids = fresh.ids;
      s->created = fresh.created;
      s->updated = fresh.updated;
      s->sequences_loaded = true;
    }
    og_mutex_unlock(&t->mu);
    if (!won) free_sequences(&fresh);
  }
  *out = s;
  return OG_OK;
}
