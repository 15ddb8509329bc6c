/* SPDX-License-Identifier: MIT */
/* lance/change.c -- preparing the next version of a table.
 *
 *  (1) Rows go to data files at once, so memory is bounded; what they are (new, or new images of old rows) is kept as a
 *      list of spans per file.
 *  (2) Nothing is numbered before render: fragment ids, row ids and versions come from the base given there, so that a
 *      change that lost a race is rendered again on what won, without writing a row twice.
 *  (3) An updated row keeps its stable id and created version; its old image is a deletion.  A fragment whose rows are
 *      all deleted is dropped.
 *  (4) A deletion file holds the union with the fragment's earlier one, and never zero rows.
 *  (5) On another branch than the base's (a first touch), inherited files get a base path, as a shallow clone.
 *  (6) Every file carries the attempt id in its name; render writes deletion and transaction files under fresh names.
 */
#include "base/env.h"
#include "base/map.h"
#include "lance/deletions.h"
#include "lance/table_impl.h"
#include "lance/transaction.h"

#include <inttypes.h>

#define FILE_ROWS (1u << 20) /* a data file is cut here */

typedef struct span { /* consecutive rows of a new file */
  uint64_t n;
  const uint64_t *ids, *created; /* NULL: new rows */
} span;

typedef struct new_file {
  og_str name; /* below data/ */
  og_lance_file_stats stats;
  og_vec spans;
} new_file;

typedef struct config_change {
  og_str key, value;
  bool remove;
} config_change;

struct og_lance_change {
  og_arena arena;
  og_lance_place at;
  og_lance_table *base; /* NULL: a new table */
  og_lance_schema *schema;
  og_lance_version version;
  og_lance_change_opts opts;
  og_lance_file_writer *writer; /* the current file, or NULL */
  og_vec files;   /* new_file */
  og_vec deleted; /* uint64_t: dense offsets of base */
  og_vec config;  /* config_change */
  og_vec keys;    /* og_str: files written since the start */
  uint32_t renders;
  bool finished;
  /* rendered */
  og_buf bytes;
  uint64_t number;
  og_str manifest_key;
};

void og_lance_change_free(og_ctx *cx, og_lance_change *c)
{
  if (!c) return;
  og_lance_file_abort(cx, c->writer);
  for (size_t i = 0; i < c->files.len; i++) og_vec_cleanup(&OG_VEC_AT(&c->files, new_file, i).spans);
  og_vec_cleanup(&c->files);
  og_vec_cleanup(&c->deleted);
  og_vec_cleanup(&c->config);
  og_vec_cleanup(&c->keys);
  og_buf_cleanup(&c->bytes);
  og_lance_table_unref(c->base);
  og_lance_schema_unref(c->schema);
  og_store_unref(c->at.store);
  og_arena_cleanup(&c->arena);
  og_free(c);
}

/* ---- making one */

static og_status copy_opts(og_ctx *cx, og_lance_change *c, const og_lance_place *at, const og_lance_change_opts *opts)
{
  c->at.store = og_store_ref(at->store);
  c->opts = *opts;
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
  c->files = OG_VEC_INIT(new_file);
  c->deleted = OG_VEC_INIT(uint64_t);
  c->config = OG_VEC_INIT(config_change);
  c->keys = OG_VEC_INIT(og_str);
  og_status st = copy_opts(cx, c, at, opts);
  if (st != OG_OK) og_lance_change_free(cx, c);
  else *out = c;
  return st;
}

og_status og_lance_change_new(og_ctx *cx, const og_lance_place *at, og_lance_table *base,
                              const og_lance_change_opts *opts, og_lance_change **out)
{
  uint64_t unknown = base->m.writer_flags & ~(uint64_t)OG_FLAGS_WRITE;
  if (unknown)
    return og_fail(cx, OG_EUNSUPPORTED,
                   "table '" OG_STR_FMT "' was written with format features we cannot write (writer flags %" PRIu64
                   "): upgrade OmniGraph",
                   OG_STR_ARG(base->at.root), unknown);
  if (base->m.n_fragments && !(base->m.reader_flags & OG_FLAG_STABLE_IDS))
    return og_fail(cx, OG_EUNSUPPORTED, "table '" OG_STR_FMT "' has no stable row ids: it was not made by OmniGraph",
                   OG_STR_ARG(base->at.root));
  OG_TRY(change_alloc(cx, at, opts, out));
  (*out)->base = og_lance_table_ref(base);
  (*out)->schema = og_lance_schema_ref(base->m.schema);
  (*out)->version = og_lance_table_file_version(base);
  return OG_OK;
}

og_status og_lance_change_create(og_ctx *cx, const og_lance_place *at, og_lance_schema *schema,
                                 og_lance_version file_version, const og_lance_change_opts *opts,
                                 og_lance_change **out)
{
  OG_TRY(change_alloc(cx, at, opts, out));
  (*out)->schema = og_lance_schema_ref(schema);
  (*out)->version = file_version;
  return OG_OK;
}

/* ---- rows */

static og_status place_prefix(og_ctx *cx, const og_lance_change *c, og_str *out)
{
  return og_table__prefix(cx, &c->at, out);
}

static og_status remember_key(og_ctx *cx, og_lance_change *c, og_str key)
{
  og_str copy;
  OG_TRY(og_arena_str(cx, &c->arena, key, &copy));
  return og_vec_add(cx, &c->keys, &copy);
}

static og_status open_file(og_ctx *cx, og_lance_change *c)
{
  og_str prefix, key;
  if (c->writer) return OG_OK;
  OG_TRY(place_prefix(cx, c, &prefix));
  new_file *f = og_vec_push(cx, &c->files);
  if (!f) return OG_ENOMEM;
  f->spans = OG_VEC_INIT(span);
  OG_TRY(og_arena_printf(cx, &c->arena, &f->name, OG_STR_FMT "-%zu.lance", OG_STR_ARG(c->opts.attempt), c->files.len));
  OG_TRY(og_arena_printf(cx, cx->arena, &key, OG_STR_FMT "/data/" OG_STR_FMT, OG_STR_ARG(prefix), OG_STR_ARG(f->name)));
  OG_TRY(remember_key(cx, c, key));
  return og_lance_file_writer_open(cx, c->at.store, key, c->schema, c->version, &c->writer);
}

static new_file *current_file(og_lance_change *c)
{
  return &OG_VEC_AT(&c->files, new_file, c->files.len - 1);
}

static og_status add_span(og_ctx *cx, og_lance_change *c, uint64_t n, const uint64_t *ids, const uint64_t *created)
{
  new_file *f = current_file(c);
  span *last = f->spans.len ? &OG_VEC_AT(&f->spans, span, f->spans.len - 1) : NULL;
  if (last && !last->ids && !ids) {
    last->n += n;
    return OG_OK;
  }
  const span s = {n, ids, created};
  return og_vec_add(cx, &f->spans, &s);
}

static og_status close_file(og_ctx *cx, og_lance_change *c)
{
  if (!c->writer) return OG_OK;
  new_file *f = current_file(c);
  og_lance_file_writer *w = c->writer;
  og_lance_file_stats stats;
  c->writer = NULL;
  OG_TRY(og_lance_file_finish(cx, w, &stats));
  f->stats = stats;
  int32_t *ids = og_arena_calloc(cx, &c->arena, stats.n_columns + 1, sizeof *ids);
  int32_t *columns = og_arena_calloc(cx, &c->arena, stats.n_columns + 1, sizeof *columns);
  if (!ids || !columns) return OG_ENOMEM;
  memcpy(ids, stats.field_ids, stats.n_columns * sizeof *ids);
  memcpy(columns, stats.column_indices, stats.n_columns * sizeof *columns);
  f->stats.field_ids = ids;
  f->stats.column_indices = columns;
  return OG_OK;
}

static og_status write_rows(og_ctx *cx, og_lance_change *c, const og_batch *rows, const uint64_t *ids,
                            const uint64_t *created)
{
  OG_ASSERT(!c->finished);
  if (rows->len == 0) return OG_OK;
  if (c->writer && og_lance_file_rows(c->writer) + (uint64_t)rows->len > FILE_ROWS) OG_TRY(close_file(cx, c));
  OG_TRY(open_file(cx, c));
  OG_TRY(og_lance_file_write(cx, c->writer, rows));
  return add_span(cx, c, (uint64_t)rows->len, ids, created);
}

og_status og_lance_change_insert(og_ctx *cx, og_lance_change *c, const og_batch *rows)
{
  return write_rows(cx, c, rows, NULL, NULL);
}

og_status og_lance_change_update(og_ctx *cx, og_lance_change *c, const og_batch *rows, const uint64_t *offsets,
                                 size_t n)
{
  OG_ASSERT(c->base && (size_t)rows->len == n);
  uint64_t *ids = og_arena_calloc(cx, &c->arena, n + 1, sizeof *ids);
  uint64_t *created = og_arena_calloc(cx, &c->arena, n + 1, sizeof *created);
  if (!ids || !created) return OG_ENOMEM;
  OG_TRY(og_lance_table_row_ids(cx, c->base, offsets, n, ids, created));
  OG_TRY(write_rows(cx, c, rows, ids, created));
  return og_lance_change_delete(cx, c, offsets, n);
}

og_status og_lance_change_delete(og_ctx *cx, og_lance_change *c, const uint64_t *offsets, size_t n)
{
  OG_ASSERT(c->base && !c->finished);
  for (size_t i = 0; i < n; i++) {
    OG_ASSERT(offsets[i] < c->base->physical_rows);
    OG_TRY(og_vec_add(cx, &c->deleted, &offsets[i]));
  }
  return OG_OK;
}

og_status og_lance_change_cut(og_ctx *cx, og_lance_change *c)
{
  return close_file(cx, c);
}

og_status og_lance_change_config(og_ctx *cx, og_lance_change *c, og_str key, const og_str *value)
{
  config_change *k = og_vec_push(cx, &c->config);
  if (!k) return OG_ENOMEM;
  k->remove = value == NULL;
  OG_TRY(og_arena_str(cx, &c->arena, key, &k->key));
  return value ? og_arena_str(cx, &c->arena, *value, &k->value) : OG_OK;
}

static int cmp_u64(const void *a, const void *b, void *arg)
{
  (void)arg;
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

og_status og_lance_change_finish(og_ctx *cx, og_lance_change *c)
{
  OG_TRY(close_file(cx, c));
  OG_TRY(og_sort(cx, c->deleted.data, c->deleted.len, sizeof(uint64_t), cmp_u64, NULL));
  size_t kept = 0;
  uint64_t *d = c->deleted.data;
  for (size_t i = 0; i < c->deleted.len; i++)
    if (kept == 0 || d[kept - 1] != d[i]) d[kept++] = d[i];
  c->deleted.len = kept;
  c->finished = true;
  return OG_OK;
}

/* ---- render: the deletions of the base given */

typedef struct render {
  og_lance_change *c;
  og_lance_table *base; /* NULL: a new table */
  uint64_t version;
  og_arena *a;          /* dies with the render */
  og_manifest m;        /* what is being made; shares the base's strings */
  og_vec fragments;     /* og_fragment */
  og_vec updated;       /* og_fragment with new deletion files */
  og_vec removed;       /* uint64_t */
  og_vec added;         /* og_fragment */
  uint32_t inherited;   /* base id of inherited files */
  bool first_touch;
} render;

/* Whether fragment i of `base` is the same as fragment j of `from`: same id over the same files. */
static bool same_fragment(const og_fragment *a, const og_fragment *b)
{
  if (a->id != b->id || a->rows != b->rows || a->n_files != b->n_files) return false;
  for (uint32_t i = 0; i < a->n_files; i++)
    if (!og_str_eq(a->files[i].path, b->files[i].path)) return false;
  return true;
}

static og_status gone(og_ctx *cx, const og_lance_change *c)
{
  return og_fail(cx, OG_ECONFLICT, "rows of '" OG_STR_FMT "' that this write changes were changed by another",
                 OG_STR_ARG(c->at.root));
}

/* Row ids of the rows wanted, found again among the fragments of `base` that the change did not know. */
static og_status find_moved(og_ctx *cx, render *r, const uint64_t *offsets, size_t n, uint8_t **bits)
{
  og_umap where;
  uint64_t *ids = og_arena_calloc(cx, r->a, n + 1, sizeof *ids);
  og_umap_init(&where);
  og_status st = ids ? og_lance_table_row_ids(cx, r->c->base, offsets, n, ids, NULL) : OG_ENOMEM;
  for (size_t i = 0; st == OG_OK && i < n; i++) st = og_umap_put(cx, &where, ids[i], i, NULL);
  size_t found = 0;
  for (uint32_t f = 0; st == OG_OK && f < r->base->m.n_fragments; f++) {
    const og_fragment_state *s;
    const uint8_t *deleted;
    st = og_table__sequences(cx, r->base, f, &s);
    if (st == OG_OK) st = og_table__deleted(cx, r->base, f, &deleted);
    for (uint64_t row = 0; st == OG_OK && row < r->base->m.fragments[f].rows; row++) {
      uint64_t i;
      if (deleted && og_bit_get(deleted, (int64_t)row)) continue;
      if (!og_umap_get(&where, og_rowids_get(&s->ids, row), &i)) continue;
      /* Moved by a compaction keeps its version; a newer one is another writer's update. */
      if (og_version_runs_get(&s->updated, row) > og_lance_table_version(r->c->base)) continue;
      bits[f][row >> 3] = (uint8_t)(bits[f][row >> 3] | 1u << (row & 7));
      found++;
    }
  }
  og_map_cleanup(&where);
  if (st == OG_OK && found != n) st = gone(cx, r->c);
  return st;
}

/* Per fragment of the base a bitmap of what this change deletes there. */
static og_status map_deletions(og_ctx *cx, render *r, uint8_t **bits)
{
  const og_lance_table *own = r->c->base, *base = r->base;
  og_vec moved = OG_VEC_INIT(uint64_t);
  og_status st = OG_OK;
  for (size_t i = 0; st == OG_OK && i < r->c->deleted.len; i++) {
    uint64_t offset = OG_VEC_AT(&r->c->deleted, uint64_t, i), row;
    uint32_t from = og_table__fragment_at(own, offset), to = from;
    const og_fragment *f = &own->m.fragments[from];
    const uint8_t *deleted;
    row = offset - own->first[from];
    if (base != own)
      for (to = 0; to < base->m.n_fragments && !same_fragment(f, &base->m.fragments[to]); to++) {
      }
    if (to == base->m.n_fragments) {
      st = og_vec_add(cx, &moved, &offset);
      continue;
    }
    st = og_table__deleted(cx, r->base, to, &deleted);
    if (st == OG_OK && deleted && og_bit_get(deleted, (int64_t)row)) st = gone(cx, r->c);
    if (st == OG_OK) bits[to][row >> 3] = (uint8_t)(bits[to][row >> 3] | 1u << (row & 7));
  }
  if (st == OG_OK && moved.len) st = find_moved(cx, r, moved.data, moved.len, bits);
  og_vec_cleanup(&moved);
  return st;
}

static og_status put_file(og_ctx *cx, render *r, const char *folder, og_str name, og_str bytes)
{
  og_str prefix, key;
  OG_TRY(place_prefix(cx, r->c, &prefix));
  OG_TRY(og_arena_printf(cx, cx->arena, &key, OG_STR_FMT "/%s/" OG_STR_FMT, OG_STR_ARG(prefix), folder, OG_STR_ARG(name)));
  OG_TRY(og_store_put(cx, r->c->at.store, key, bytes));
  return remember_key(cx, r->c, key);
}

static uint64_t read_version(const render *r)
{
  return r->base ? r->base->m.version : 0;
}

/* The fragment with `bits` united into its deletions; dropped when nothing is left. */
static og_status delete_rows(og_ctx *cx, render *r, og_fragment *f, uint32_t at, uint8_t *bits, bool *dropped)
{
  const uint8_t *old;
  uint64_t n = 0, id;
  OG_TRY(og_table__deleted(cx, r->base, at, &old));
  for (uint64_t i = 0; i < (f->rows + 7) / 8; i++) {
    bits[i] = (uint8_t)(bits[i] | (old ? old[i] : 0));
    n += (uint64_t)__builtin_popcount(bits[i]);
  }
  *dropped = n == f->rows;
  if (*dropped) return og_vec_add(cx, &r->removed, &f->id);
  OG_AUTO(og_buf) bytes = {0};
  og_str name;
  OG_TRY(og_random(cx, &id, sizeof id));
  id >>= 1; /* positive as a signed number, too */
  OG_TRY(og_deletions_encode(cx, bits, f->rows, &bytes));
  OG_TRY(og_arena_printf(cx, cx->arena, &name, "%" PRIu64 "-%" PRIu64 "-%" PRIu64 ".bin", f->id, read_version(r), id));
  OG_TRY(put_file(cx, r, "_deletions", name, og_buf_str(&bytes)));
  f->del = (og_deletion_ref){.present = true, .kind = 1, .read_version = read_version(r), .id = id, .rows = n};
  return og_vec_add(cx, &r->updated, f);
}

/* Marks what an inherited fragment names as lying under the base path of a first touch. */
static og_status inherit(og_ctx *cx, render *r, og_fragment *f)
{
  if (!r->first_touch) return OG_OK;
  og_data_file *files = og_arena_calloc(cx, r->a, f->n_files + 1, sizeof *files);
  if (!files) return OG_ENOMEM;
  for (uint32_t i = 0; i < f->n_files; i++) {
    files[i] = f->files[i];
    if (files[i].has_base) continue;
    files[i].has_base = true;
    files[i].base = r->inherited;
  }
  f->files = files;
  if (f->del.present && !f->del.has_base) {
    f->del.has_base = true;
    f->del.base = r->inherited;
  }
  if (f->ids.external || f->created.external || f->updated.external)
    return og_fail(cx, OG_EUNSUPPORTED, "a branch of a table whose row ids lie in files of their own is not supported yet");
  return OG_OK;
}

static og_status keep_fragments(og_ctx *cx, render *r)
{
  uint32_t n = r->base->m.n_fragments;
  uint8_t **bits = og_arena_calloc(cx, r->a, n + 1, sizeof(uint8_t *));
  if (!bits) return OG_ENOMEM;
  for (uint32_t i = 0; r->c->deleted.len && i < n; i++) {
    bits[i] = og_arena_zalloc(cx, r->a, r->base->m.fragments[i].rows / 8 + 8);
    if (!bits[i]) return OG_ENOMEM;
  }
  OG_TRY(map_deletions(cx, r, bits));
  for (uint32_t i = 0; i < n; i++) {
    og_fragment f = r->base->m.fragments[i];
    bool touched = false, dropped = false;
    for (uint64_t b = 0; bits[i] && b < (f.rows + 7) / 8 && !touched; b++) touched = bits[i][b] != 0;
    OG_TRY(inherit(cx, r, &f));
    if (touched) OG_TRY(delete_rows(cx, r, &f, i, bits[i], &dropped));
    if (!dropped) OG_TRY(og_vec_add(cx, &r->fragments, &f));
  }
  return OG_OK;
}

/* ---- render: new fragments */

static og_status to_arena(og_ctx *cx, render *r, og_buf *b, og_status st, og_sequence_ref *out)
{
  *out = (og_sequence_ref){.present = true};
  if (st == OG_OK) st = og_arena_str(cx, r->a, og_buf_str(b), &out->bytes);
  og_buf_cleanup(b);
  return st;
}

static og_status number_rows(og_ctx *cx, render *r, const new_file *f, og_rowids *ids, og_version_runs *created)
{
  for (size_t i = 0; i < f->spans.len; i++) {
    const span *s = &OG_VEC_AT(&f->spans, span, i);
    if (!s->ids) {
      OG_TRY(og_rowids_add_range(cx, ids, r->m.next_row_id, s->n));
      OG_TRY(og_version_runs_add(cx, created, r->version, s->n));
      r->m.next_row_id += s->n;
      continue;
    }
    OG_TRY(og_rowids_add_values(cx, ids, s->ids, s->n));
    for (uint64_t k = 0; k < s->n; k++) OG_TRY(og_version_runs_add(cx, created, s->created[k], 1));
  }
  return OG_OK;
}

static og_status encode_sequences(og_ctx *cx, render *r, const new_file *nf, og_fragment *f)
{
  og_rowids ids;
  og_version_runs created, updated;
  og_buf b = {0};
  og_rowids_init(&ids);
  og_version_runs_init(&created);
  og_version_runs_init(&updated);
  og_status st = number_rows(cx, r, nf, &ids, &created);
  if (st == OG_OK) st = og_version_runs_add(cx, &updated, r->version, f->rows);
  if (st == OG_OK) st = to_arena(cx, r, &b, og_rowids_encode(cx, &ids, &b), &f->ids);
  if (st == OG_OK) st = to_arena(cx, r, &b, og_version_runs_encode(cx, &created, &b), &f->created);
  if (st == OG_OK) st = to_arena(cx, r, &b, og_version_runs_encode(cx, &updated, &b), &f->updated);
  og_rowids_cleanup(&ids);
  og_version_runs_cleanup(&created);
  og_version_runs_cleanup(&updated);
  return st;
}

static og_status add_fragment(og_ctx *cx, render *r, const new_file *nf, uint64_t id)
{
  og_fragment f = {.id = id, .rows = nf->stats.rows, .n_files = 1};
  og_data_file *file = og_arena_calloc(cx, r->a, 1, sizeof *file);
  if (!file) return OG_ENOMEM;
  if (id > UINT32_MAX) return og_fail(cx, OG_ELIMIT, "table '" OG_STR_FMT "' has used up its fragment ids", OG_STR_ARG(r->c->at.root));
  *file = (og_data_file){.path = nf->name,
                         .fields = nf->stats.field_ids,
                         .columns = nf->stats.column_indices,
                         .n = nf->stats.n_columns,
                         .major = r->c->version.major,
                         .minor = r->c->version.minor,
                         .size = nf->stats.bytes};
  f.files = file;
  OG_TRY(encode_sequences(cx, r, nf, &f));
  r->m.has_max_fragment = true;
  r->m.max_fragment = (uint32_t)id;
  OG_TRY(og_vec_add(cx, &r->added, &f));
  return og_vec_add(cx, &r->fragments, &f);
}

static og_status add_fragments(og_ctx *cx, render *r)
{
  uint64_t next = r->base ? og_lance_table_next_fragment_id(r->base) : 0;
  for (size_t i = 0; i < r->c->files.len; i++)
    OG_TRY(add_fragment(cx, r, &OG_VEC_AT(&r->c->files, new_file, i), next++));
  return OG_OK;
}

/* ---- render: the rest of the manifest */

static og_status absolute_path(og_ctx *cx, const render *r, og_str *out)
{
  og_str prefix;
  OG_TRY(og_table__prefix(cx, &r->base->at, &prefix));
  return og_arena_printf(cx, r->a, out, OG_STR_FMT "/" OG_STR_FMT, OG_STR_ARG(og_store_root(r->c->at.store)),
                         OG_STR_ARG(prefix));
}

static og_status add_base_path(og_ctx *cx, render *r)
{
  uint32_t n = r->base->m.n_bases, next = 0;
  og_base_path *bases = og_arena_calloc(cx, r->a, n + 1, sizeof *bases);
  if (!bases) return OG_ENOMEM;
  for (uint32_t i = 0; i < n; i++) {
    bases[i] = r->base->m.bases[i];
    if (bases[i].id >= next) next = bases[i].id + 1;
  }
  bases[n] = (og_base_path){.id = next, .is_root = true, .name = r->base->at.branch};
  OG_TRY(absolute_path(cx, r, &bases[n].path));
  r->inherited = next;
  r->m.bases = bases;
  r->m.n_bases = n + 1;
  r->m.branch = r->c->at.branch;
  return OG_OK;
}

static og_status apply_config(og_ctx *cx, render *r)
{
  size_t room = r->m.n_config + r->c->config.len + 1;
  og_str *pairs = og_arena_calloc(cx, r->a, 2 * room, sizeof *pairs);
  uint32_t n = r->m.n_config;
  if (!pairs) return OG_ENOMEM;
  if (n) memcpy(pairs, r->m.config, 2 * (size_t)n * sizeof *pairs);
  for (size_t i = 0; i < r->c->config.len; i++) {
    const config_change *k = &OG_VEC_AT(&r->c->config, config_change, i);
    uint32_t at = 0;
    while (at < n && !og_str_eq(pairs[2 * at], k->key)) at++;
    if (k->remove && at < n) {
      n--;
      pairs[2 * at] = pairs[2 * n];
      pairs[2 * at + 1] = pairs[2 * n + 1];
    } else if (!k->remove) {
      pairs[2 * at] = k->key;
      pairs[2 * at + 1] = k->value;
      if (at == n) n++;
    }
  }
  r->m.config = pairs;
  r->m.n_config = n;
  return OG_OK;
}

static og_status writer_version(og_ctx *cx, render *r)
{
  OG_AUTO(og_buf) b = {0};
  OG_TRY(og_pb_put_str(cx, &b, 1, OG_STR("omnigraph")));
  OG_TRY(og_pb_put_str(cx, &b, 2, OG_STR("0.1.0")));
  return og_arena_str(cx, r->a, og_buf_str(&b), &r->m.writer);
}

static og_status start_manifest(og_ctx *cx, render *r)
{
  int64_t now = og_wall_us(cx);
  if (r->base) {
    r->m = r->base->m;
    r->m.arena = (og_arena){0};
  } else {
    r->m.format = OG_STR("lance");
    r->m.format_version = r->c->version.minor == 1 ? OG_STR("2.1") : OG_STR("2.2");
  }
  r->m.schema = r->c->schema;
  r->m.version = r->version;
  r->m.seconds = now / 1000000;
  r->m.nanos = (int32_t)(now % 1000000) * 1000;
  r->first_touch = r->base && !og_str_eq(r->base->at.branch, r->c->at.branch);
  if (r->first_touch) OG_TRY(add_base_path(cx, r));
  OG_TRY(apply_config(cx, r));
  return writer_version(cx, r);
}

static void set_flags(render *r)
{
  uint64_t known = OG_FLAG_DELETIONS | OG_FLAG_STABLE_IDS | OG_FLAG_BASE_PATHS;
  uint64_t flags = OG_FLAG_STABLE_IDS;
  for (size_t i = 0; i < r->fragments.len; i++)
    if (OG_VEC_AT(&r->fragments, og_fragment, i).del.present) flags |= OG_FLAG_DELETIONS;
  if (r->m.n_bases) flags |= OG_FLAG_BASE_PATHS;
  r->m.reader_flags = (r->m.reader_flags & ~known) | flags;
  r->m.writer_flags = (r->m.writer_flags & ~(known | OG_FLAG_CONFIG)) | flags | (r->m.n_config ? OG_FLAG_CONFIG : 0);
}

/* The record as a file and in the manifest.  Its uuid is the attempt's own, told apart by how often it was rendered. */
static og_status write_transaction(og_ctx *cx, render *r)
{
  og_lance_change *c = r->c;
  og_str uuid;
  og_transaction t = {.op = c->opts.op,
                      .read_version = read_version(r),
                      .added = r->added.data,
                      .n_added = (uint32_t)r->added.len,
                      .updated = r->updated.data,
                      .n_updated = (uint32_t)r->updated.len,
                      .removed = r->removed.data,
                      .n_removed = (uint32_t)r->removed.len,
                      .schema = c->schema,
                      .clone_branch = c->at.branch};
  OG_TRY(c->renders == 1 ? og_arena_str(cx, r->a, c->opts.tx_uuid, &uuid)
                         : og_arena_printf(cx, r->a, &uuid, OG_STR_FMT "-%u", OG_STR_ARG(c->opts.tx_uuid), c->renders));
  t.uuid = uuid;
  if (t.op == OG_LANCE_CLONE) {
    OG_TRY(absolute_path(cx, r, &t.clone_path));
    t.clone_version = read_version(r);
  }
  OG_AUTO(og_buf) bytes = {0};
  OG_TRY(og_transaction_encode(cx, &t, &bytes));
  OG_TRY(og_arena_printf(cx, r->a, &r->m.tx_file, "%" PRIu64 "-" OG_STR_FMT ".txn", read_version(r), OG_STR_ARG(uuid)));
  OG_TRY(put_file(cx, r, "_transactions", r->m.tx_file, og_buf_str(&bytes)));
  return og_arena_str(cx, r->a, og_buf_str(&bytes), &r->m.transaction);
}

static og_status render_all(og_ctx *cx, render *r)
{
  OG_TRY(start_manifest(cx, r));
  if (r->base && r->c->opts.op != OG_LANCE_OVERWRITE) OG_TRY(keep_fragments(cx, r));
  OG_TRY(add_fragments(cx, r));
  r->m.fragments = r->fragments.data;
  r->m.n_fragments = (uint32_t)r->fragments.len;
  set_flags(r);
  OG_TRY(write_transaction(cx, r));
  og_buf_clear(&r->c->bytes);
  OG_TRY(og_manifest_encode(cx, &r->m, &r->c->bytes));
  og_str key;
  OG_TRY(og_lance_manifest_key(cx, &r->c->at, r->version, &key));
  return og_arena_str(cx, &r->c->arena, key, &r->c->manifest_key);
}

og_status og_lance_change_render(og_ctx *cx, og_lance_change *c, og_lance_table *base, uint64_t version)
{
  OG_AUTO(og_arena) scratch = {0};
  OG_ASSERT(c->finished);
  c->renders++;
  render r = {.c = c,
              .base = base ? base : c->base,
              .version = version,
              .a = &scratch,
              .fragments = OG_VEC_INIT(og_fragment),
              .updated = OG_VEC_INIT(og_fragment),
              .removed = OG_VEC_INIT(uint64_t),
              .added = OG_VEC_INIT(og_fragment)};
  og_status st = render_all(cx, &r);
  og_vec_cleanup(&r.fragments);
  og_vec_cleanup(&r.updated);
  og_vec_cleanup(&r.removed);
  og_vec_cleanup(&r.added);
  if (st == OG_OK) c->number = version;
  return st;
}

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

og_status og_lance_change_table(og_ctx *cx, const og_lance_change *c, og_lance_table **out)
{
  return og_lance_table_decode(cx, &c->at, og_buf_str(&c->bytes), out);
}
