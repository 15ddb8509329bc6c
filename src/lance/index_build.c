/* SPDX-License-Identifier: MIT */
/* lance/index_build.c -- changes that make, fold and drop indexes.
 *
 *  (1) Entries of bare fragments are sorted outside memory (base/sorter.h) by a key whose bytes have the order of
 *      the values: 0 for null, else 1 and the number, big-endian, or the string's bytes; 2 for a row without a list.
 *      A list has an entry per item, a text one per gram, where the index is of such.
 *  (2) Segments are sorted already: folding merges them with what is new, one pass over each.  On the way entries
 *      are dropped whose row is gone, or lies where the segment does not cover it: stale ones die here.
 *  (3) Lance 10 unites what all segments of an index say of a row: an updated row would be found by its old value
 *      while the old segment lives.  Hence a fold that adds a row which was ever updated merges all of them.
 *  (4) So does a fold of segments that name rows by address, as Lance 14 writes them.  Ours name them by stable id,
 *      and live through compactions as they are.
 *  (5) The new segment covers the fragments of the change's base it was read from; og_index__rebase checks that it
 *      still does on the version rendered on.
 */
#include "lance/change_impl.h"
#include "lance/index_impl.h"

#include "base/env.h"
#include "base/sorter.h"

#include <inttypes.h>

#define SORT_BYTES (64u << 20)

/* ---- sources of entries in order */

typedef struct entry {
  bool absent; /* a row without a list: behind all keys */
  bool null;
  og_index__key key; /* strings are borrowed until the source moves on */
  uint64_t id;
} entry;

typedef struct source {
  bool more;
  entry at;
  /* rows of bare fragments */
  og_sorted *sorted;
  bool text;
  /* or a segment */
  og_lance_index *index;
  const og_index__segment *segment;
  og_btree_page *page;
  uint32_t next_page;
  int64_t row;
  uint32_t next_key; /* of bitmaps; beyond the last: rows without a list */
  og_vec ids;        /* uint64_t: rows of the key before, from `row` on */
} source;

static void source_cleanup(source *s)
{
  og_sorted_close(s->sorted);
  og_btree_page_unref(s->page);
  og_vec_cleanup(&s->ids);
}

static og_status next_sorted(og_ctx *cx, source *s)
{
  og_record r;
  OG_TRY(og_sorted_next(cx, s->sorted, &r, &s->more));
  if (!s->more) return OG_OK;
  s->at = (entry){.null = r.key.ptr[0] == 0, .absent = r.key.ptr[0] == 2};
  memcpy(&s->at.id, r.value.ptr, 8);
  s->at.key.str = og_str_sub(r.key, 1, r.key.len);
  for (size_t i = 1; !s->text && i < r.key.len; i++) s->at.key.num = s->at.key.num << 8 | (uint8_t)r.key.ptr[i];
  return OG_OK;
}

static og_status step_segment(og_ctx *cx, source *s)
{
  og_btree *tree = s->segment->tree;
  while (!s->page || ++s->row >= s->page->values->len) {
    og_btree_page_unref(s->page);
    s->page = NULL;
    s->more = s->next_page < og_btree_pages(tree);
    if (!s->more) return OG_OK;
    OG_TRY(og_ctx_poll(cx));
    OG_TRY(og_btree_page_read(cx, tree, s->next_page++, &s->page));
    s->row = -1;
  }
  s->at = (entry){.null = og_column_is_null(s->page->values, s->row), .id = og_column_u64(s->page->ids)[s->row]};
  if (!s->at.null) s->at.key = og_index__key_of(s->page->values, s->row);
  return OG_OK;
}

/* The next entry whose row still lies where the segment covers. */
static og_status next_of_segment(og_ctx *cx, source *s)
{
  OG_AUTO(og_vec) places = OG_VEC_INIT(uint64_t);
  do {
    og_vec_clear(&places);
    OG_TRY(step_segment(cx, s));
    const og_index__ids id = {s->at.id, s->at.id};
    if (s->more) OG_TRY(og_index__place(cx, s->index, s->segment, &id, 1, &places));
  } while (s->more && places.len == 0);
  if (!s->more || !s->segment->addresses) return OG_OK;
  return og_lance_table_row_ids(cx, s->index->table, places.data, 1, &s->at.id, NULL);
}

/* Row ids of the rows with the next key that still lie where the segment covers. */
static og_status read_bitmap(og_ctx *cx, source *s)
{
  OG_AUTO(og_vec) ids = OG_VEC_INIT(og_index__ids);
  const og_vec *from = &ids;
  og_vec_clear(&s->ids);
  if (s->next_key < og_bitmap_keys(s->segment->bitmap))
    OG_TRY(og_bitmap_ids(cx, s->segment->bitmap, s->next_key, &ids));
  else
    OG_TRY(og_bitmap_absent(cx, s->segment->bitmap, &from));
  s->next_key++;
  OG_TRY(og_index__place(cx, s->index, s->segment, from->data, from->len, &s->ids));
  if (s->ids.len == 0) return OG_OK;
  OG_TRY(og_index__in_order(cx, &s->ids, 0));
  return og_lance_table_row_ids(cx, s->index->table, s->ids.data, s->ids.len, s->ids.data, NULL);
}

static og_status next_of_bitmap(og_ctx *cx, source *s)
{
  const og_bitmap *b = s->segment->bitmap;
  const uint32_t keys = og_bitmap_keys(b), end = keys + (s->index->kind == OG_INDEX_LABELS);
  while ((size_t)++s->row >= s->ids.len) {
    s->more = s->next_key < end;
    if (!s->more) return OG_OK;
    OG_TRY(read_bitmap(cx, s));
    s->row = -1;
  }
  s->more = true;
  s->at = (entry){.id = OG_VEC_AT(&s->ids, uint64_t, s->row), .absent = s->next_key > keys};
  if (!s->at.absent) s->at.null = !og_bitmap_key(b, s->next_key - 1, &s->at.key);
  return OG_OK;
}

static og_status next(og_ctx *cx, source *s)
{
  if (s->sorted) return next_sorted(cx, s);
  return s->segment->bitmap ? next_of_bitmap(cx, s) : next_of_segment(cx, s);
}

/* Where entries go: one of the two. */
typedef struct sink {
  og_btree_writer *tree;
  og_bitmap_writer *bitmap;
} sink;

static og_status put(og_ctx *cx, const sink *w, const entry *e)
{
  const og_index__key *key = e->null ? NULL : &e->key;
  if (e->absent) return og_bitmap_write_absent(cx, w->bitmap, e->id);
  return w->bitmap ? og_bitmap_write(cx, w->bitmap, key, e->id) : og_btree_write(cx, w->tree, key, e->id);
}

static bool comes_first(bool text, const entry *a, const entry *b)
{
  if (a->absent || b->absent) return b->absent && !a->absent;
  if (a->null || b->null) return a->null && !b->null;
  return og_index__key_cmp(text, a->key, b->key) < 0;
}

static og_status merge(og_ctx *cx, source *s, size_t n, const sink *w, bool text)
{
  for (size_t i = 0; i < n; i++) OG_TRY(next(cx, &s[i]));
  for (;;) {
    source *first = NULL;
    for (size_t i = 0; i < n; i++)
      if (s[i].more && (!first || comes_first(text, &s[i].at, &first->at))) first = &s[i];
    if (!first) return OG_OK;
    OG_TRY(put(cx, w, &first->at));
    OG_TRY(next(cx, first));
  }
}

/* ---- rows of bare fragments */

static og_status sort_key(og_ctx *cx, const og_column *c, int64_t i, og_buf *out)
{
  og_buf_clear(out);
  if (og_column_is_null(c, i)) return og_buf_append_byte(cx, out, 0);
  OG_TRY(og_buf_append_byte(cx, out, 1));
  og_index__key k = og_index__key_of(c, i);
  if (og_index__is_text(c->type)) return og_buf_append_str(cx, out, k.str);
  for (int shift = 56; shift >= 0; shift -= 8) OG_TRY(og_buf_append_byte(cx, out, (uint8_t)(k.num >> shift)));
  return OG_OK;
}

typedef struct sorting {
  og_lance_index_kind kind;
  og_sorter *out;
  og_buf key;
  og_vec grams;
} sorting;

static void sorting_cleanup(sorting *s)
{
  og_buf_cleanup(&s->key);
  og_vec_cleanup(&s->grams);
}

static og_status add_key(og_ctx *cx, sorting *s, const uint64_t *id)
{
  return og_sorter_add(cx, s->out, og_buf_str(&s->key), og_str_from(id, 8));
}

static og_status add_value(og_ctx *cx, sorting *s, const og_column *c, int64_t i, const uint64_t *id)
{
  OG_TRY(sort_key(cx, c, i, &s->key));
  return add_key(cx, s, id);
}

static og_status add_items(og_ctx *cx, sorting *s, const og_column *c, int64_t i, const uint64_t *id)
{
  int64_t from, to;
  if (og_column_is_null(c, i)) {
    og_buf_clear(&s->key);
    OG_TRY(og_buf_append_byte(cx, &s->key, 2));
    return add_key(cx, s, id);
  }
  og_column_list(c, i, &from, &to);
  for (; from < to; from++) OG_TRY(add_value(cx, s, c->children[0], from, id));
  return OG_OK;
}

static og_status add_grams(og_ctx *cx, sorting *s, const og_column *c, int64_t i, const uint64_t *id)
{
  static const uint32_t null = 0;
  og_vec_clear(&s->grams);
  if (og_column_is_null(c, i))
    OG_TRY(og_vec_add(cx, &s->grams, &null));
  else
    OG_TRY(og_index__grams(cx, og_column_str(c, i), &s->grams));
  for (size_t g = 0; g < s->grams.len; g++) {
    const uint32_t gram = OG_VEC_AT(&s->grams, uint32_t, g);
    og_buf_clear(&s->key);
    OG_TRY(og_buf_append_byte(cx, &s->key, 1));
    for (int shift = 24; shift >= 0; shift -= 8) OG_TRY(og_buf_append_byte(cx, &s->key, (uint8_t)(gram >> shift)));
    OG_TRY(add_key(cx, s, id));
  }
  return OG_OK;
}

static og_status sort_batch(og_ctx *cx, const og_batch *b, sorting *s)
{
  const og_column *c = b->columns[0];
  for (int64_t i = 0; i < b->len; i++) {
    const uint64_t *id = &og_column_u64(b->columns[1])[i];
    OG_TRY(s->kind == OG_INDEX_LABELS  ? add_items(cx, s, c, i, id)
           : s->kind == OG_INDEX_NGRAM ? add_grams(cx, s, c, i, id)
                                       : add_value(cx, s, c, i, id));
  }
  return OG_OK;
}

static og_status sort_fragment(og_ctx *cx, og_lance_table *t, uint32_t column, uint32_t fragment, sorting *s)
{
  const og_lance_scan_opts opts = {
      .columns = &column, .n_columns = 1, .with_row_id = true, .from_fragment = fragment, .n_fragments = 1};
  og_lance_scan *scan;
  og_batch *b;
  OG_TRY(og_lance_scan_open(cx, t, &opts, &scan));
  og_status st = og_lance_scan_next(cx, scan, &b);
  while (st == OG_OK && b) {
    st = sort_batch(cx, b, s);
    og_batch_unref(b);
    if (st == OG_OK) st = og_lance_scan_next(cx, scan, &b);
  }
  og_lance_scan_close(scan);
  return st;
}

/* ---- a new segment */

/* What goes into it: fragments (positions in the base) to read, and segments to merge. */
typedef struct plan {
  og_lance_index_kind kind;
  og_type key_type;
  uint32_t column;
  og_str name;
  const uint32_t *bare;
  uint32_t n_bare;
  og_lance_index *index; /* NULL: no segments */
  uint32_t first_segment;
} plan;

static og_status write_entries(og_ctx *cx, og_lance_change *c, const plan *p, og_sorter *sorter, const sink *w)
{
  OG_AUTO(sorting) sort = {.kind = p->kind, .out = sorter, .grams = OG_VEC_INIT(uint32_t)};
  bool text = og_index__is_text(p->key_type);
  uint32_t n = p->index ? p->index->n_segments - p->first_segment : 0;
  source *s = og_push_array(cx, (size_t)n + 1, sizeof *s);
  if (!s) return OG_ENOMEM;
  for (uint32_t i = 0; i < n; i++)
    s[i] = (source){.index = p->index,
                    .segment = &p->index->segments[p->first_segment + i],
                    .ids = OG_VEC_INIT(uint64_t),
                    .row = -1};
  s[n].text = text;
  og_status st = OG_OK;
  for (uint32_t i = 0; st == OG_OK && i < p->n_bare; i++) st = sort_fragment(cx, c->base, p->column, p->bare[i], &sort);
  if (st == OG_OK) st = og_sorter_sort(cx, sorter);
  if (st == OG_OK) st = og_sorted_open(cx, sorter, &s[n].sorted);
  if (st == OG_OK) st = merge(cx, s, (size_t)n + 1, w, text);
  for (uint32_t i = 0; i <= n; i++) source_cleanup(&s[i]);
  return st;
}

static og_status write_segment(og_ctx *cx, og_lance_change *c, const plan *p, og_str folder, uint64_t sizes[2])
{
  const og_field *field = &c->schema->arrow->fields[p->column];
  sink w = {0};
  og_sorter *sorter;
  OG_TRY(p->kind == OG_INDEX_BTREE ? og_btree_writer_open(cx, c->at.store, folder, field, c->version, &w.tree)
                                   : og_bitmap_writer_open(cx, c->at.store, folder, og_index__form(p->kind),
                                                           p->key_type, c->version, &w.bitmap));
  og_status st = og_sorter_new(cx, SORT_BYTES, &sorter);
  if (st == OG_OK) {
    st = write_entries(cx, c, p, sorter, &w);
    og_sorter_free(cx, sorter);
  }
  if (st == OG_OK)
    return w.bitmap ? og_bitmap_writer_finish(cx, w.bitmap, sizes) : og_btree_writer_finish(cx, w.tree, sizes);
  og_bitmap_writer_abort(cx, w.bitmap);
  og_btree_writer_abort(cx, w.tree);
  return st;
}

/* The attempt's milliseconds in front, as every file of a change tells them: version 7 of RFC 9562. */
static og_status make_uuid(og_ctx *cx, const og_lance_change *c, uint8_t out[16])
{
  uint64_t ms = og_ulid_ms(&c->attempt);
  OG_TRY(og_random(cx, out, 16));
  for (int i = 0; i < 6; i++) out[i] = (uint8_t)(ms >> (40 - 8 * i));
  out[6] = (uint8_t)((out[6] & 0x0F) | 0x70);
  out[8] = (uint8_t)((out[8] & 0x3F) | 0x80);
  return OG_OK;
}

static og_status list_fragments(og_ctx *cx, og_lance_change *c, const plan *p, og_change__index *out)
{
  const og_manifest *m = &c->base->m;
  uint8_t *covered = og_arena_zalloc(cx, &c->arena, m->n_fragments / 8 + 1);
  out->fragments = og_arena_calloc(cx, &c->arena, (size_t)m->n_fragments + 1, sizeof *out->fragments);
  if (!covered || !out->fragments) return OG_ENOMEM;
  for (uint32_t i = 0; i < p->n_bare; i++) og_bit_set(covered, p->bare[i]);
  for (uint32_t s = p->first_segment; p->index && s < p->index->n_segments; s++)
    for (uint32_t f = 0; f < m->n_fragments; f++)
      if (og_bit_get(p->index->segments[s].covers, f)) og_bit_set(covered, f);
  for (uint32_t f = 0; f < m->n_fragments; f++)
    if (og_bit_get(covered, f)) out->fragments[out->n_fragments++] = (uint32_t)m->fragments[f].id;
  return OG_OK;
}

static int by_id(const void *a, const void *b, void *arg)
{
  (void)arg;
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static og_status describe(og_ctx *cx, og_lance_change *c, const plan *p, og_change__index *out)
{
  og_lance_index_entry *e = &out->entry;
  int32_t *field = og_arena_calloc(cx, &c->arena, 1, sizeof *field);
  og_lance_index_file *files = og_arena_calloc(cx, &c->arena, 2, sizeof *files);
  if (!field || !files) return OG_ENOMEM;
  *field = c->schema->fields[og_lance_schema_top(c->schema, p->column)].id;
  static const struct made {
    const char *url, *file;
    uint32_t version;
  } made[OG_INDEX_KINDS] = {[OG_INDEX_BTREE] = {OG_LANCE_BTREE, "page_data.lance", OG_BTREE_IDS},
                            [OG_INDEX_BITMAP] = {OG_LANCE_BITMAP, "bitmap_page_lookup.lance", 0},
                            [OG_INDEX_LABELS] = {OG_LANCE_LABELS, "bitmap_page_lookup.lance", OG_LABELS_NULLS},
                            [OG_INDEX_NGRAM] = {OG_LANCE_NGRAM, "ngram_postings.lance", 0}};
  files[0].name = og_str_of(made[p->kind].file);
  files[1].name = OG_STR("page_lookup.lance");
  e->fields = field;
  e->n_fields = 1;
  e->files = files;
  e->n_files = p->kind == OG_INDEX_BTREE ? 2 : 1;
  e->kind = og_str_of(made[p->kind].url);
  e->index_version = made[p->kind].version;
  e->version = c->base->m.version;
  e->created_ms = og_wall_us(cx) / 1000;
  OG_TRY(make_uuid(cx, c, e->uuid));
  OG_TRY(og_arena_str(cx, &c->arena, p->name, &e->name));
  OG_TRY(list_fragments(cx, c, p, out));
  return og_sort(cx, out->fragments, out->n_fragments, sizeof(uint32_t), by_id, NULL);
}

static og_status add_segment(og_ctx *cx, og_lance_change *c, const plan *p)
{
  og_change__index *x = og_vec_push(cx, &c->indexes);
  og_str prefix, folder;
  uint64_t sizes[2];
  if (!x) return OG_ENOMEM;
  OG_TRY(describe(cx, c, p, x));
  OG_TRY(og_table__prefix(cx, &c->at, &prefix));
  OG_TRY(og_index__folder(cx, prefix, x->entry.uuid, &folder));
  OG_TRY(write_segment(cx, c, p, folder, sizes));
  og_lance_index_file *files = og_arena_calloc(cx, &c->arena, 2, sizeof *files);
  if (!files) return OG_ENOMEM;
  for (uint32_t i = 0; i < x->entry.n_files; i++) {
    og_str key;
    files[i] = (og_lance_index_file){x->entry.files[i].name, sizes[i]};
    OG_TRY(
        og_arena_printf(cx, &c->arena, &key, OG_STR_FMT "/" OG_STR_FMT, OG_STR_ARG(folder), OG_STR_ARG(files[i].name)));
    OG_TRY(og_vec_add(cx, &c->keys, &key));
  }
  x->entry.files = files;
  return OG_OK;
}

/* ---- what a change does */

static og_status check_change(og_ctx *cx, const og_lance_change *c)
{
  if (c->opts.op == OG_LANCE_INDEX && c->base) return OG_OK;
  return og_fail(cx, OG_EINVALID, "indexes of '" OG_STR_FMT "' are changed by a change of their own, on a version",
                 OG_STR_ARG(c->at.root));
}

/* The segments of that name are replaced, from number `first` of them on; *n is how many there are. */
static og_status remove_segments(og_ctx *cx, og_lance_change *c, og_str name, uint32_t first, uint32_t *n)
{
  const og_lance_index_entry *e;
  size_t all;
  *n = 0;
  OG_TRY(og_lance_table_indexes(cx, c->base, &e, &all));
  for (size_t i = 0; i < all; i++)
    if (og_str_eq(e[i].name, name) && (*n)++ >= first) OG_TRY(og_vec_add(cx, &c->unindexed, e[i].uuid));
  return OG_OK;
}

og_status og_lance_change_index_build(og_ctx *cx, og_lance_change *c, og_lance_index_kind kind, uint32_t column,
                                      og_str name)
{
  uint32_t n;
  OG_TRY(check_change(cx, c));
  OG_ASSERT(column < c->schema->arrow->n_fields);
  og_type key_type;
  if (!og_index__key_type(kind, &c->schema->arrow->fields[column], &key_type))
    return og_fail(cx, OG_EUNSUPPORTED, "an index of this kind over column '" OG_STR_FMT "' of type %s",
                   OG_STR_ARG(c->schema->arrow->fields[column].name),
                   og_type_name(c->schema->arrow->fields[column].type));
  uint32_t *all = og_push_array(cx, (size_t)c->base->m.n_fragments + 1, sizeof *all);
  if (!all) return OG_ENOMEM;
  for (uint32_t f = 0; f < c->base->m.n_fragments; f++) all[f] = f;
  const plan p = {.kind = kind,
                  .key_type = key_type,
                  .column = column,
                  .name = name,
                  .bare = all,
                  .n_bare = c->base->m.n_fragments};
  OG_TRY(remove_segments(cx, c, name, 0, &n));
  OG_TRY_NOTE(cx, add_segment(cx, c, &p), "while building index '" OG_STR_FMT "' of '" OG_STR_FMT "'", OG_STR_ARG(name),
              OG_STR_ARG(c->at.root));
  return OG_OK;
}

og_status og_lance_change_index_drop(og_ctx *cx, og_lance_change *c, og_str name)
{
  uint32_t n;
  OG_TRY(check_change(cx, c));
  OG_TRY(remove_segments(cx, c, name, 0, &n));
  if (n) return OG_OK;
  return og_fail(cx, OG_ENOTFOUND, "'" OG_STR_FMT "' has no index '" OG_STR_FMT "'", OG_STR_ARG(c->at.root),
                 OG_STR_ARG(name));
}

/* Was a live row of the fragment ever updated?  Unknown counts as yes. */
static og_status has_updated(og_ctx *cx, og_lance_table *t, uint32_t f, bool *out)
{
  const og_fragment_state *s;
  const uint8_t *deleted;
  OG_TRY(og_table__sequences(cx, t, f, &s));
  OG_TRY(og_table__deleted(cx, t, f, &deleted));
  for (uint64_t row = 0; !*out && row < t->m.fragments[f].rows; row++) {
    uint64_t created = og_version_runs_get(&s->created, row);
    if (deleted && og_bit_get(deleted, (int64_t)row)) continue;
    *out = created == 0 || created != og_version_runs_get(&s->updated, row);
  }
  return OG_OK;
}

static uint64_t covered_rows(const og_lance_index *x, uint32_t segment)
{
  uint64_t rows = 0;
  for (uint32_t f = 0; f < x->table->m.n_fragments; f++)
    if (og_bit_get(x->segments[segment].covers, f)) rows += x->table->m.fragments[f].rows;
  return rows;
}

/* The first segment to merge, counted from the newest back. */
static og_status choose(og_ctx *cx, const og_lance_index *x, bool all, uint32_t *out)
{
  uint64_t rows = x->bare_rows;
  uint32_t first = x->n_segments;
  for (uint32_t i = 0; i < x->n_segments; i++) all = all || x->segments[i].addresses;
  for (uint32_t i = 0; !all && i < x->n_bare; i++) OG_TRY(has_updated(cx, x->table, x->bare[i], &all));
  while (first > 0 && (all || covered_rows(x, first - 1) <= 2 * rows)) rows += covered_rows(x, --first);
  *out = first;
  return OG_OK;
}

static og_status fold(og_ctx *cx, og_lance_change *c, og_lance_index *x, og_str name, bool all, bool *changed)
{
  plan p = {.kind = x->kind,
            .key_type = x->key_type,
            .column = x->column,
            .name = name,
            .bare = x->bare,
            .n_bare = x->n_bare,
            .index = x};
  uint32_t n;
  *changed = x->n_bare > 0 || (all && x->n_segments > 1);
  if (!*changed) return OG_OK;
  OG_TRY(choose(cx, x, all, &p.first_segment));
  OG_TRY(remove_segments(cx, c, name, p.first_segment, &n));
  return add_segment(cx, c, &p);
}

og_status og_lance_change_index_fold(og_ctx *cx, og_lance_change *c, og_str name, bool all, bool *changed)
{
  og_lance_index *x;
  OG_TRY(check_change(cx, c));
  OG_TRY(og_lance_index_open(cx, c->base, name, NULL, &x));
  og_status st = fold(cx, c, x, name, all, changed);
  og_lance_index_unref(x);
  OG_TRY_NOTE(cx, st, "while folding index '" OG_STR_FMT "' of '" OG_STR_FMT "'", OG_STR_ARG(name),
              OG_STR_ARG(c->at.root));
  return OG_OK;
}

/* ---- rendering */

static og_status conflict(og_ctx *cx, const og_lance_change *c, og_str name)
{
  return og_fail(cx, OG_ECONFLICT, "index '" OG_STR_FMT "' of '" OG_STR_FMT "' was changed by another write",
                 OG_STR_ARG(name), OG_STR_ARG(c->at.root));
}

static og_str path_of(const og_fragment *f, int32_t field)
{
  for (uint32_t i = 0; i < f->n_files; i++)
    for (uint32_t k = 0; k < f->files[i].n; k++)
      if (f->files[i].fields[k] == field) return f->files[i].path;
  return OG_STR_NONE;
}

static const og_fragment *find_fragment(const og_manifest *m, uint64_t id)
{
  for (uint32_t i = 0; i < m->n_fragments; i++)
    if (m->fragments[i].id == id) return &m->fragments[i];
  return NULL;
}

/* Fragments the segment still covers on `base`: those that are gone hold no rows any more, but one that holds other
 * values than were read is a conflict. */
static og_status keep_covered(og_ctx *cx, const og_lance_change *c, const og_change__index *x,
                              const og_lance_table *base, og_vec *out)
{
  int32_t field = x->entry.fields[0];
  if (og_lance_schema_find_id(base->m.schema, field) < 0) return conflict(cx, c, x->entry.name);
  for (size_t i = 0; i < x->n_fragments; i++) {
    const og_fragment *own = find_fragment(&c->base->m, x->fragments[i]);
    const og_fragment *now = find_fragment(&base->m, x->fragments[i]);
    if (!now) continue;
    if (!own || !og_str_eq(path_of(own, field), path_of(now, field))) return conflict(cx, c, x->entry.name);
    OG_TRY(og_vec_add(cx, out, &x->fragments[i]));
  }
  return OG_OK;
}

static bool is_removed(const og_lance_change *c, const uint8_t uuid[16])
{
  for (size_t i = 0; i < c->unindexed.len; i++)
    if (og_index__same((const uint8_t *)c->unindexed.data + 16 * i, uuid)) return true;
  return false;
}

/* Another segment of the name may stand beside the new one only if it covers none of its fragments. */
static og_status check_beside(og_ctx *cx, const og_lance_change *c, const og_change__index *x,
                              const og_lance_index_entry *e, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    if (!og_str_eq(e[i].name, x->entry.name) || is_removed(c, e[i].uuid)) continue;
    if (!e[i].has_fragments) return conflict(cx, c, x->entry.name);
    for (size_t k = 0; k < x->n_fragments; k++)
      if (og_ranges_have(e[i].fragments, e[i].n_fragments, x->fragments[k])) return conflict(cx, c, x->entry.name);
  }
  return OG_OK;
}

static og_status put_removed(og_ctx *cx, const og_lance_change *c, const og_lance_index_entry *e, size_t n, og_arena *a,
                             og_vec *removed)
{
  for (size_t i = 0; i < n; i++) {
    og_str raw;
    if (!is_removed(c, e[i].uuid)) continue;
    OG_TRY(og_arena_str(cx, a, e[i].raw, &raw));
    OG_TRY(og_vec_add(cx, removed, &raw));
  }
  if (removed->len == c->unindexed.len) return OG_OK;
  return og_fail(cx, OG_ECONFLICT, "an index of '" OG_STR_FMT "' that this write replaces was replaced by another",
                 OG_STR_ARG(c->at.root));
}

og_status og_index__rebase(og_ctx *cx, const og_lance_change *c, const og_lance_table *base, og_arena *a,
                           og_index__edit *out)
{
  OG_AUTO(og_buf) section = {0};
  OG_AUTO(og_buf) message = {0};
  OG_AUTO(og_vec) ids = OG_VEC_INIT(uint32_t);
  const og_lance_index_entry *e;
  size_t n;
  OG_TRY(og_lance_table_indexes(cx, base, &e, &n));
  OG_TRY(put_removed(cx, c, e, n, a, &out->removed));
  OG_TRY(og_index__without(cx, out->section, &c->unindexed, &section));
  for (size_t i = 0; i < c->indexes.len; i++) {
    const og_change__index *x = &OG_VEC_AT(&c->indexes, og_change__index, i);
    og_str raw;
    og_vec_clear(&ids);
    og_buf_clear(&message);
    OG_TRY(keep_covered(cx, c, x, base, &ids));
    OG_TRY(check_beside(cx, c, x, e, n));
    OG_TRY(og_index__encode(cx, &x->entry, ids.data, ids.len, &message));
    OG_TRY(og_arena_str(cx, a, og_buf_str(&message), &raw));
    OG_TRY(og_vec_add(cx, &out->added, &raw));
    OG_TRY(og_pb_put_bytes(cx, &section, 1, raw));
  }
  out->section = OG_STR_NONE;
  return section.len ? og_arena_str(cx, a, og_buf_str(&section), &out->section) : OG_OK;
}
