/* SPDX-License-Identifier: MIT */
/* lance/change.c -- preparing the next version of a table.
 *
 *  (1) Rows go to data files at once, so memory is bounded; what they are (new, new images of old rows, or old rows
 *      carried over) is kept as spans per file, with 8 to 32 bytes per row that is not new.
 *  (2) Nothing is numbered before render: fragment ids, row ids and versions come from the base given there, so that a
 *      change that lost a race is rendered again on what won, without writing a row twice.
 *  (3) An updated row keeps its stable id and created version; its old image is a deletion.  A fragment whose rows are
 *      all deleted is dropped.
 *  (4) A deletion file holds the union with the fragment's earlier one, and never zero rows.
 *  (5) On another branch than the base's (a first touch), inherited files get a base path, as a shallow clone.
 *  (6) Every file tells its attempt: data and transaction files by its text in their names, deletion files, whose
 *      names are only numbers, by its milliseconds in the upper bits of their id.
 *  (7) Folding: a one-row change would leave a one-row fragment for ever, so the small fragments at the end of the
 *      base are written into the new file, as long as each is at most twice what is gathered.  Fragment sizes then
 *      grow geometrically, and a row is rewritten O(log rows) times.  To Lance it is an update of those rows with
 *      equal values.  Folding never makes a conflict: a folded row that was changed meanwhile is deleted from the new
 *      fragment when that is rendered.  The versions of old rows become coarser on the way (rowids_settle.c); those
 *      of a compaction do not.
 *
 *  (8) What a change is, decides on which newer versions it may be rendered: conflict.c.
 *
 * change.c gathers rows and change_columns.c columns, change_fold.c folds, change_render.c makes the manifest, with
 * change_rewrite.c for compactions.
 */
#include "lance/change_impl.h"
#include "lance/index_impl.h"

#include "base/env.h"
#include "lance/blob.h"

#include <inttypes.h>

void og_lance_change_free(og_ctx *cx, og_lance_change *c)
{
  if (!c) return;
  og_lance_file_abort(cx, c->writer);
  for (size_t i = 0; i < c->files.len; i++) {
    og_change__file *f = &OG_VEC_AT(&c->files, og_change__file, i);
    og_vec_cleanup(&f->spans);
    og_vec_cleanup(&f->ids);
    og_vec_cleanup(&f->created);
    og_vec_cleanup(&f->updated);
    og_vec_cleanup(&f->from);
  }
  og_vec_cleanup(&c->files);
  og_vec_cleanup(&c->replaced);
  og_vec_cleanup(&c->deleted);
  og_vec_cleanup(&c->carried);
  og_vec_cleanup(&c->config);
  og_vec_cleanup(&c->indexes);
  og_vec_cleanup(&c->unindexed);
  og_vec_cleanup(&c->dropped);
  og_vec_cleanup(&c->renamed);
  og_vec_cleanup(&c->beside);
  og_vec_cleanup(&c->keys);
  og_buf_cleanup(&c->bytes);
  og_lance_table_unref(c->base);
  og_lance_table_unref(c->restored);
  og_lance_schema_unref(c->schema);
  og_lance_schema_unref(c->added);
  og_store_unref(c->at.store);
  og_arena_cleanup(&c->arena);
  og_free(c);
}

/* ---- making one */

static og_status copy_opts(og_ctx *cx, og_lance_change *c, const og_lance_place *at, const og_lance_change_opts *opts)
{
  c->at.store = og_store_ref(at->store);
  c->opts = *opts;
  if (!og_ulid_parse(opts->attempt, &c->attempt))
    return og_fail(cx, OG_EINVALID, "'" OG_STR_FMT "' is no attempt id: it must be a ULID", OG_STR_ARG(opts->attempt));
  OG_TRY(og_arena_str(cx, &c->arena, at->root, &c->at.root));
  OG_TRY(og_arena_str(cx, &c->arena, at->branch, &c->at.branch));
  OG_TRY(og_arena_str(cx, &c->arena, opts->attempt, &c->opts.attempt));
  return og_arena_str(cx, &c->arena, opts->tx_uuid, &c->opts.tx_uuid);
}

static og_status change_alloc(og_ctx *cx, const og_lance_place *at, const og_lance_change_opts *opts,
                              og_lance_change **out)
{
  og_lance_change *c = og_zalloc(cx, sizeof *c);
  if (!c) return OG_ENOMEM;
  c->files = OG_VEC_INIT(og_change__file);
  c->replaced = OG_VEC_INIT(uint64_t);
  c->deleted = OG_VEC_INIT(uint64_t);
  c->carried = OG_VEC_INIT(uint64_t);
  c->config = OG_VEC_INIT(og_change__config);
  c->indexes = OG_VEC_INIT(og_change__index);
  og_vec_init(&c->unindexed, 16);
  c->dropped = OG_VEC_INIT(int32_t);
  c->renamed = OG_VEC_INIT(og_lance_rename);
  c->beside = OG_VEC_INIT(og_change__beside);
  c->keys = OG_VEC_INIT(og_str);
  og_status st = copy_opts(cx, c, at, opts);
  if (st != OG_OK)
    og_lance_change_free(cx, c);
  else
    *out = c;
  return st;
}

/* What we must not write to, because we would break it. */
static og_status check_writable(og_ctx *cx, const og_lance_table *base)
{
  og_str root = base->at.root;
  uint64_t unknown = base->m.writer_flags & ~(uint64_t)OG_FLAGS_WRITE;
  og_lance_version v = og_lance_table_file_version(base);
  if (unknown)
    return og_fail(cx, OG_EUNSUPPORTED,
                   "table '" OG_STR_FMT "' was written with format features we cannot write (writer flags %" PRIu64
                   "): upgrade OmniGraph",
                   OG_STR_ARG(root), unknown);
  if (base->old_names)
    return og_fail(cx, OG_EUNSUPPORTED,
                   "table '" OG_STR_FMT
                   "' names its versions in the old way, and the two ways must not be mixed: migrate "
                   "it with Lance (migrate_manifest_paths_v2)",
                   OG_STR_ARG(root));
  for (uint32_t i = 0; i < base->m.schema->n_fields; i++)
    if (og_lance_field_is_dictionary(&base->m.schema->fields[i]))
      return og_fail(cx, OG_EUNSUPPORTED,
                     "table '" OG_STR_FMT "' has a dictionary column, '" OG_STR_FMT "': it is read, but not written",
                     OG_STR_ARG(root), OG_STR_ARG(base->m.schema->fields[i].name));
  if (v.major != 2 || (v.minor != 1 && v.minor != 2))
    return og_fail(cx, OG_EUNSUPPORTED, "table '" OG_STR_FMT "' is kept in file version %u.%u; 2.1 and 2.2 are written",
                   OG_STR_ARG(root), v.major, v.minor);
  return OG_OK;
}

og_status og_lance_change_new(og_ctx *cx, const og_lance_place *at, og_lance_table *base,
                              const og_lance_change_opts *opts, og_lance_change **out)
{
  OG_TRY(check_writable(cx, base));
  OG_TRY(change_alloc(cx, at, opts, out));
  (*out)->base = og_lance_table_ref(base);
  (*out)->schema = og_lance_schema_ref(base->m.schema);
  (*out)->version = og_lance_table_file_version(base);
  return OG_OK;
}

og_status og_lance_change_create(og_ctx *cx, const og_lance_place *at, og_lance_schema *schema,
                                 og_lance_version file_version, const og_lance_change_opts *opts, og_lance_change **out)
{
  OG_TRY(change_alloc(cx, at, opts, out));
  (*out)->schema = og_lance_schema_ref(schema);
  (*out)->version = file_version;
  return OG_OK;
}

/* ---- files */

static og_status remember_key(og_ctx *cx, og_lance_change *c, og_str key)
{
  og_str copy;
  OG_TRY(og_arena_str(cx, &c->arena, key, &copy));
  return og_vec_add(cx, &c->keys, &copy);
}

static og_status own_key(og_ctx *cx, const og_lance_change *c, const char *folder, og_str name, og_str *out)
{
  og_str prefix;
  OG_TRY(og_table__prefix(cx, &c->at, &prefix));
  return og_arena_printf(cx, cx->arena, out, OG_STR_FMT "/%s/" OG_STR_FMT, OG_STR_ARG(prefix), folder,
                         OG_STR_ARG(name));
}

og_status og_change__put(og_ctx *cx, og_lance_change *c, const char *folder, og_str name, og_str bytes)
{
  og_str key;
  OG_TRY(own_key(cx, c, folder, name, &key));
  OG_TRY(og_store_put(cx, c->at.store, key, bytes));
  return remember_key(cx, c, key);
}

og_status og_change__data_file(og_ctx *cx, og_lance_change *c, og_str *name, og_str *key)
{
  OG_TRY(og_arena_printf(cx, &c->arena, name, OG_STR_FMT "-%zu.lance", OG_STR_ARG(c->opts.attempt),
                         c->files.len + c->beside.len));
  OG_TRY(own_key(cx, c, "data", *name, key));
  return remember_key(cx, c, *key);
}

static og_status open_file(og_ctx *cx, og_lance_change *c)
{
  og_str key;
  if (c->writer) return OG_OK;
  og_change__file *f = og_vec_push(cx, &c->files);
  if (!f) return OG_ENOMEM;
  f->spans = OG_VEC_INIT(og_change__span);
  f->ids = f->created = f->updated = f->from = OG_VEC_INIT(uint64_t);
  OG_TRY(og_change__data_file(cx, c, &f->name, &key));
  OG_TRY(og_lance_file_writer_open(cx, c->at.store, key, c->schema, c->version, &c->writer));
  if (c->opts.blobs_beside) og_lance_file_blobs_beside(c->writer);
  return OG_OK;
}

static og_status copy_ints(og_ctx *cx, og_lance_change *c, int32_t **list, uint32_t n)
{
  int32_t *copy = og_arena_calloc(cx, &c->arena, (size_t)n + 1, sizeof *copy);
  if (!copy) return OG_ENOMEM;
  if (n) memcpy(copy, *list, n * sizeof *copy);
  *list = copy;
  return OG_OK;
}

og_status og_change__keep_stats(og_ctx *cx, og_lance_change *c, og_lance_file_stats *stats)
{
  for (uint32_t i = 0; i < stats->n_beside; i++) OG_TRY(remember_key(cx, c, stats->beside[i]));
  stats->beside = NULL;
  OG_TRY(copy_ints(cx, c, &stats->field_ids, stats->n_columns));
  return copy_ints(cx, c, &stats->column_indices, stats->n_columns);
}

static og_status close_file(og_ctx *cx, og_lance_change *c)
{
  if (!c->writer) return OG_OK;
  og_lance_file_writer *w = c->writer;
  og_lance_file_stats *stats = &og_change__current(c)->stats;
  c->writer = NULL;
  OG_TRY(og_lance_file_finish(cx, w, stats));
  return og_change__keep_stats(cx, c, stats);
}

og_status og_lance_change_cut(og_ctx *cx, og_lance_change *c)
{
  return close_file(cx, c);
}

/* ---- rows */

static uint64_t column_bytes(const og_column *c)
{
  uint64_t n = (uint64_t)c->len * og_type_width(c->type.id) + c->bytes_len;
  if (og_type_is_varbin(c->type.id)) n += (uint64_t)c->len * 4;
  for (uint32_t i = 0; i < c->n_children; i++) n += column_bytes(c->children[i]);
  return n;
}

static og_status add_numbers(og_ctx *cx, og_vec *v, const uint64_t *list, size_t n)
{
  OG_TRY(og_vec_reserve(cx, v, n));
  for (size_t i = 0; i < n; i++) OG_TRY(og_vec_add(cx, v, &list[i]));
  return OG_OK;
}

static og_status add_span(og_ctx *cx, og_lance_change *c, og_change__kind kind, size_t n, size_t at,
                          const og_change__kept *kept)
{
  og_change__file *f = og_change__current(c);
  og_change__span *last = f->spans.len ? &OG_VEC_AT(&f->spans, og_change__span, f->spans.len - 1) : NULL;
  if (kind != OG_CHANGE__NEW) {
    OG_TRY(add_numbers(cx, &f->ids, kept->ids + at, n));
    OG_TRY(add_numbers(cx, &f->created, kept->created + at, n));
  }
  if (kind == OG_CHANGE__CARRIED) {
    OG_TRY(add_numbers(cx, &f->updated, kept->updated + at, n));
    OG_TRY(add_numbers(cx, &f->from, kept->from + at, n));
  }
  if (last && last->kind == kind) {
    last->n += n;
    return OG_OK;
  }
  const og_change__span s = {kind, n};
  return og_vec_add(cx, &f->spans, &s);
}

static og_status slice_batch(og_ctx *cx, const og_batch *b, int64_t from, int64_t n, og_batch **out)
{
  og_column **cols = og_calloc(cx, b->n_columns + 1, sizeof(og_column *));
  if (!cols) return OG_ENOMEM;
  og_status st = OG_OK;
  for (uint32_t i = 0; st == OG_OK && i < b->n_columns; i++) st = og_column_slice(cx, b->columns[i], from, n, &cols[i]);
  if (st == OG_OK) st = og_batch_new(cx, b->schema, cols, b->n_columns, n, out);
  for (uint32_t i = 0; i < b->n_columns; i++) og_column_unref(cols[i]);
  og_free(cols);
  return st;
}

static og_status write_part(og_ctx *cx, og_lance_change *c, og_change__kind kind, const og_batch *part, size_t at,
                            const og_change__kept *kept)
{
  OG_TRY(open_file(cx, c));
  for (uint32_t i = 0; i < part->n_columns; i++) og_change__current(c)->bytes += column_bytes(part->columns[i]);
  OG_TRY(og_lance_file_write(cx, c->writer, part));
  return add_span(cx, c, kind, (size_t)part->len, at, kept);
}

/* A compaction chooses by their size on disk what goes into one file. */
static bool is_full(og_lance_change *c)
{
  return og_lance_file_rows(c->writer) >= OG_CHANGE__FILE_ROWS ||
         (c->opts.op != OG_LANCE_REWRITE && (og_change__current(c)->bytes >= OG_CHANGE__FILE_BYTES ||
                                             og_lance_file_bytes(c->writer) >= OG_CHANGE__FILE_BYTES));
}

/* Cuts files where they are full, also in the middle of a batch. */
static og_status write_rows(og_ctx *cx, og_lance_change *c, og_change__kind kind, const og_batch *rows,
                            const og_change__kept *kept)
{
  OG_ASSERT(!c->finished);
  const bool with_blobs = c->blobs_given && kind == OG_CHANGE__NEW; /* which are in this file */
  c->blobs_given = c->blobs_given && !with_blobs;
  if (with_blobs && rows->len > OG_LANCE_BLOB_ROWS)
    return og_fail(cx, OG_ELIMIT, "%" PRId64 " rows at once with blobs that were given before; %d are possible",
                   rows->len, OG_LANCE_BLOB_ROWS);
  for (int64_t at = 0; at < rows->len;) {
    if (c->writer && !with_blobs && is_full(c)) OG_TRY(close_file(cx, c));
    int64_t room = OG_CHANGE__FILE_ROWS - (int64_t)(c->writer ? og_lance_file_rows(c->writer) : 0);
    int64_t n = rows->len - at < room ? rows->len - at : room;
    if (n == rows->len) return write_part(cx, c, kind, rows, 0, kept);
    og_batch *part = NULL;
    OG_TRY(slice_batch(cx, rows, at, n, &part));
    og_status st = write_part(cx, c, kind, part, (size_t)at, kept);
    og_batch_unref(part);
    OG_TRY(st);
    at += n;
  }
  return OG_OK;
}

og_status og_lance_change_insert(og_ctx *cx, og_lance_change *c, const og_batch *rows)
{
  return write_rows(cx, c, OG_CHANGE__NEW, rows, NULL);
}

static og_status add_offsets(og_ctx *cx, og_lance_change *c, og_vec *v, const uint64_t *offsets, size_t n)
{
  OG_ASSERT(!c->finished);
  for (size_t i = 0; i < n; i++)
    if (!c->base || offsets[i] >= c->base->physical_rows)
      return og_fail(cx, OG_EINVALID, "row offset %" PRIu64 " of '" OG_STR_FMT "', which has fewer rows", offsets[i],
                     OG_STR_ARG(c->at.root));
  return add_numbers(cx, v, offsets, n);
}

static og_status find_updated(og_ctx *cx, og_lance_table *base, const uint64_t *offsets, size_t n, uint64_t *out)
{
  for (size_t i = 0; i < n; i++) {
    const og_fragment_state *s;
    uint32_t f = og_table__fragment_at(base, offsets[i]);
    OG_TRY(og_table__sequences(cx, base, f, &s));
    out[i] = og_version_runs_get(&s->updated, offsets[i] - base->first[f]);
  }
  return OG_OK;
}

/* Rows of the base written again under their ids. */
static og_status rewrite_rows(og_ctx *cx, og_lance_change *c, og_change__kind kind, const og_batch *rows,
                              const uint64_t *offsets, size_t n)
{
  OG_ASSERT((size_t)rows->len == n);
  OG_AUTO(og_arena) scratch = {0};
  uint64_t *kept = og_arena_calloc(cx, &scratch, 3 * n + 1, sizeof *kept);
  if (!kept) return OG_ENOMEM;
  OG_TRY(og_lance_table_row_ids(cx, c->base, offsets, n, kept, kept + n));
  if (kind == OG_CHANGE__CARRIED) OG_TRY(find_updated(cx, c->base, offsets, n, kept + 2 * n));
  const og_change__kept all = {kept, kept + n, kept + 2 * n, offsets};
  return write_rows(cx, c, kind, rows, &all);
}

og_status og_lance_change_update(og_ctx *cx, og_lance_change *c, const og_batch *rows, const uint64_t *offsets,
                                 size_t n)
{
  OG_TRY(add_offsets(cx, c, &c->replaced, offsets, n));
  return rewrite_rows(cx, c, OG_CHANGE__UPDATED, rows, offsets, n);
}

og_status og_lance_change_carry(og_ctx *cx, og_lance_change *c, const og_batch *rows, const uint64_t *offsets, size_t n)
{
  OG_TRY(add_offsets(cx, c, &c->carried, offsets, n));
  return rewrite_rows(cx, c, OG_CHANGE__CARRIED, rows, offsets, n);
}

/* The file it goes to has room for the rows that follow. */
og_status og_lance_change_blob_begin(og_ctx *cx, og_lance_change *c, uint32_t column)
{
  OG_ASSERT(!c->finished);
  if (c->writer && !c->blobs_given &&
      (is_full(c) || og_lance_file_rows(c->writer) > OG_CHANGE__FILE_ROWS - OG_LANCE_BLOB_ROWS))
    OG_TRY(close_file(cx, c));
  OG_TRY(open_file(cx, c));
  c->blobs_given = true;
  return og_lance_file_blob_begin(cx, c->writer, column);
}

og_status og_lance_change_blob_append(og_ctx *cx, og_lance_change *c, og_str bytes)
{
  OG_INVARIANT(c->writer);
  return og_lance_file_blob_append(cx, c->writer, bytes);
}

og_status og_lance_change_blob_end(og_ctx *cx, og_lance_change *c, og_buf *ref)
{
  OG_INVARIANT(c->writer);
  return og_lance_file_blob_end(cx, c->writer, ref);
}

og_status og_lance_change_delete(og_ctx *cx, og_lance_change *c, const uint64_t *offsets, size_t n)
{
  return add_offsets(cx, c, &c->deleted, offsets, n);
}

og_status og_lance_change_config(og_ctx *cx, og_lance_change *c, og_str key, const og_str *value)
{
  og_change__config *k = og_vec_push(cx, &c->config);
  if (!k) return OG_ENOMEM;
  k->remove = value == NULL;
  OG_TRY(og_arena_str(cx, &c->arena, key, &k->key));
  return value ? og_arena_str(cx, &c->arena, *value, &k->value) : OG_OK;
}

og_status og_lance_change_restore(og_ctx *cx, og_lance_change *c, og_lance_table *older)
{
  if (!c->base || c->opts.op != OG_LANCE_RESTORE || c->restored)
    return og_fail(cx, OG_EINTERNAL, "a change of '" OG_STR_FMT "' restores nothing", OG_STR_ARG(c->at.root));
  c->restored = og_lance_table_ref(older);
  return OG_OK;
}

/* ---- the end of gathering */

static int cmp_u64(const void *a, const void *b, void *arg)
{
  (void)arg;
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

static og_status sort(og_ctx *cx, og_vec *v)
{
  return og_sort(cx, v->data, v->len, sizeof(uint64_t), cmp_u64, NULL);
}

/* Two new images of one row would be one row twice. */
static og_status check_once(og_ctx *cx, const og_lance_change *c)
{
  OG_AUTO(og_vec) all = OG_VEC_INIT(uint64_t);
  OG_TRY(add_numbers(cx, &all, c->replaced.data, c->replaced.len));
  OG_TRY(add_numbers(cx, &all, c->carried.data, c->carried.len));
  OG_TRY(sort(cx, &all));
  for (size_t i = 1; i < all.len; i++)
    if (OG_VEC_AT(&all, uint64_t, i) == OG_VEC_AT(&all, uint64_t, i - 1))
      return og_fail(cx, OG_EINVALID, "one change of '" OG_STR_FMT "' writes the row at offset %" PRIu64 " twice",
                     OG_STR_ARG(c->at.root), OG_VEC_AT(&all, uint64_t, i));
  return OG_OK;
}

/* `deleted` becomes all rows of base whose old image goes for good. */
static og_status sort_deleted(og_ctx *cx, og_lance_change *c)
{
  OG_TRY(add_numbers(cx, &c->deleted, c->replaced.data, c->replaced.len));
  OG_TRY(sort(cx, &c->deleted));
  size_t kept = 0;
  uint64_t *d = c->deleted.data;
  for (size_t i = 0; i < c->deleted.len; i++)
    if (kept == 0 || d[kept - 1] != d[i]) d[kept++] = d[i];
  c->deleted.len = kept;
  return OG_OK;
}

size_t og_change__deleted_from(const og_lance_change *c, uint64_t x)
{
  size_t lo = 0, hi = c->deleted.len;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    if (OG_VEC_AT(&c->deleted, uint64_t, mid) < x)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

og_status og_lance_change_finish(og_ctx *cx, og_lance_change *c)
{
  OG_TRY(og_change__columns_finish(cx, c));
  bool fold = c->opts.fold_rows && c->base && c->writer && c->carried.len == 0 && c->opts.op != OG_LANCE_OVERWRITE;
  OG_TRY(sort_deleted(cx, c));
  if (fold) OG_TRY(og_lance_change_fold(cx, c, og_lance_file_rows(c->writer)));
  OG_TRY(close_file(cx, c));
  OG_TRY(check_once(cx, c));
  c->finished = true;
  return OG_OK;
}

/* ---- the result */

og_str og_lance_change_bytes(const og_lance_change *c)
{
  return og_buf_str(&c->bytes);
}

og_status og_lance_change_keys(og_ctx *cx, const og_lance_change *c, og_vec *out)
{
  for (size_t i = 0; i < c->keys.len; i++) OG_TRY(og_vec_add(cx, out, &OG_VEC_AT(&c->keys, og_str, i)));
  return OG_OK;
}

og_status og_lance_change_put(og_ctx *cx, og_lance_change *c)
{
  OG_INVARIANT(c->number > 0);
  return og_store_put_if_absent(cx, c->at.store, c->manifest_key, og_buf_str(&c->bytes));
}

uint64_t og_lance_change_version(const og_lance_change *c)
{
  return c->number;
}

uint32_t og_lance_change_files(const og_lance_change *c)
{
  return (uint32_t)c->files.len;
}

og_status og_lance_change_table(og_ctx *cx, const og_lance_change *c, og_lance_table **out)
{
  return og_lance_table_decode(cx, &c->at, og_buf_str(&c->bytes), out);
}
