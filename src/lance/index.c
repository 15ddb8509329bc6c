/* SPDX-License-Identifier: MIT */
/* lance/index.c -- an index at one version of its table.
 *
 *  (1) A segment answers with row ids, or, as Lance 14 writes them, with row addresses, which a compaction changes;
 *      whoever compacts must then write the segment anew.  Either counts only where the row lies now: in a fragment
 *      the segment covers, and not deleted there.  An updated row lies in a fragment written later, which the
 *      segment that knew its old value does not cover; so no segment ever has to be told of an update or a delete,
 *      and forged ids reach nothing.
 *  (2) Fragments that no segment covers are *bare*: their values are read and compared.  Small ones are kept.
 *  (3) Segments are immutable and shared between the versions that name them.
 */
#include "lance/index_impl.h"

#include <inttypes.h>

#define BARE_BYTES (32u << 20) /* of bare columns kept */
#define LOOKED_AT  2048        /* texts at once */

/* ---- which there are */

/* The kinds we know, and up to which version their files are as we read them. */
static const struct known {
  const char *url, *name;
  uint32_t version;
} kinds[OG_INDEX_KINDS] = {[OG_INDEX_BTREE] = {OG_LANCE_BTREE, "BTREE", OG_BTREE_ADDRESSES},
                           [OG_INDEX_BITMAP] = {OG_LANCE_BITMAP, "BITMAP", 0},
                           [OG_INDEX_LABELS] = {OG_LANCE_LABELS, "LABEL_LIST", OG_LABELS_NULLS},
                           [OG_INDEX_NGRAM] = {OG_LANCE_NGRAM, "NGRAM", 0}};

bool og_lance_index_kind_of(const og_lance_index_entry *e, og_lance_index_kind *out)
{
  for (int i = 0; i < OG_INDEX_KINDS; i++) {
    *out = (og_lance_index_kind)i;
    if (og_str_eq(e->kind, og_str_of(kinds[i].url))) return true;
  }
  return false;
}

og_status og_lance_index_of_column(og_ctx *cx, const og_lance_table *t, uint32_t column, og_lance_index_kind kind,
                                   og_str *name, bool *found)
{
  const og_lance_index_entry *e;
  og_lance_index_kind is;
  size_t n;
  int32_t field = t->m.schema->fields[og_lance_schema_top(t->m.schema, column)].id;
  *found = false;
  OG_TRY(og_lance_table_indexes(cx, t, &e, &n));
  for (size_t i = 0; i < n && !*found; i++) {
    if (e[i].n_fields != 1 || e[i].fields[0] != field || !og_lance_index_kind_of(&e[i], &is) || is != kind) continue;
    *name = e[i].name;
    *found = true;
  }
  return OG_OK;
}

static og_status find_column(og_ctx *cx, const og_lance_table *t, const og_lance_index_entry *e,
                             og_lance_index_kind kind, uint32_t *out, og_type *key_type)
{
  const og_lance_schema *s = t->m.schema;
  for (uint32_t i = 0; e->n_fields == 1 && i < s->arrow->n_fields; i++) {
    if (s->fields[og_lance_schema_top(s, i)].id != e->fields[0]) continue;
    *out = i;
    if (og_index__key_type(kind, &s->arrow->fields[i], key_type)) return OG_OK;
  }
  return og_fail(cx, OG_EUNSUPPORTED,
                 "index '" OG_STR_FMT "' is not over one top-level column of a type for a %s, and cannot be read",
                 OG_STR_ARG(e->name), kinds[kind].name);
}

/* ---- opening */

og_lance_index *og_lance_index_ref(og_lance_index *x)
{
  atomic_fetch_add_explicit(&x->refs, 1, memory_order_relaxed);
  return x;
}

void og_lance_index_unref(og_lance_index *x)
{
  if (!x || atomic_fetch_sub_explicit(&x->refs, 1, memory_order_acq_rel) != 1) return;
  for (uint32_t i = 0; i < x->n_segments; i++) {
    og_btree_unref(x->segments[i].tree);
    og_bitmap_unref(x->segments[i].bitmap);
  }
  for (uint32_t i = 0; x->bare_col && i < x->n_bare; i++) og_column_unref(x->bare_col[i]);
  og_places_cleanup(&x->places[0]);
  og_places_cleanup(&x->places[1]);
  og_lance_table_unref(x->table);
  og_mutex_cleanup(&x->mu);
  og_arena_cleanup(&x->arena);
  og_free(x);
}

static og_status open_segment(og_ctx *cx, og_lance_index *x, const og_lance_index_entry *e, og_lance_index *earlier,
                              og_index__segment *s)
{
  og_str prefix, folder;
  bool same = earlier && earlier->column == x->column && earlier->kind == x->kind;
  for (uint32_t i = 0; same && i < earlier->n_segments; i++) {
    const og_index__segment *old = &earlier->segments[i];
    if (!og_index__same(old->uuid, e->uuid)) continue;
    s->tree = old->tree ? og_btree_ref(old->tree) : NULL;
    s->bitmap = old->bitmap ? og_bitmap_ref(old->bitmap) : NULL;
    return OG_OK;
  }
  OG_TRY(og_table__folder(cx, x->table, e->has_base, e->base, &prefix));
  OG_TRY(og_index__folder(cx, prefix, e->uuid, &folder));
  return x->kind == OG_INDEX_BTREE
             ? og_btree_open(cx, x->table->at.store, folder, x->key_type, &s->tree)
             : og_bitmap_open(cx, x->table->at.store, folder, og_index__form(x->kind), x->key_type, &s->bitmap);
}

static og_status check_kind(og_ctx *cx, const og_lance_index_entry *e, og_lance_index_kind *out)
{
  if (!og_lance_index_kind_of(e, out))
    return og_fail(cx, OG_EUNSUPPORTED,
                   "index '" OG_STR_FMT "' is of kind '" OG_STR_FMT "'; BTREE, BITMAP, LABEL_LIST and NGRAM are read",
                   OG_STR_ARG(e->name), OG_STR_ARG(e->kind));
  if (e->index_version > kinds[*out].version)
    return og_fail(cx, OG_EUNSUPPORTED, "index '" OG_STR_FMT "' is a %s of version %u: upgrade OmniGraph",
                   OG_STR_ARG(e->name), kinds[*out].name, e->index_version);
  return OG_OK;
}

static og_status add_segment(og_ctx *cx, og_lance_index *x, const og_lance_index_entry *e, og_lance_index *earlier)
{
  const og_manifest *m = &x->table->m;
  og_index__segment *s = &x->segments[x->n_segments];
  uint32_t column = 0;
  og_lance_index_kind kind;
  og_type key_type;
  OG_TRY(check_kind(cx, e, &kind));
  OG_TRY(find_column(cx, x->table, e, kind, &column, &key_type));
  if (x->n_segments && (column != x->column || kind != x->kind))
    return og_fail(cx, OG_ECORRUPT, "the segments of index '" OG_STR_FMT "' are over several columns, or of two kinds",
                   OG_STR_ARG(e->name));
  x->column = column;
  x->kind = kind;
  x->key_type = key_type;
  memcpy(s->uuid, e->uuid, 16);
  s->addresses = kind == OG_INDEX_BTREE && e->index_version == OG_BTREE_ADDRESSES;
  s->covers = og_arena_zalloc(cx, &x->arena, m->n_fragments / 8 + 1);
  if (!s->covers) return OG_ENOMEM;
  for (uint32_t f = 0; f < m->n_fragments; f++)
    if (og_ranges_have(e->fragments, e->n_fragments, m->fragments[f].id)) og_bit_set(s->covers, f);
  OG_TRY(open_segment(cx, x, e, earlier, s));
  x->n_segments++;
  return OG_OK;
}

static og_status list_bare(og_ctx *cx, og_lance_index *x)
{
  const og_manifest *m = &x->table->m;
  x->bare = og_arena_calloc(cx, &x->arena, (size_t)m->n_fragments + 1, sizeof *x->bare);
  x->bare_col = og_arena_calloc(cx, &x->arena, (size_t)m->n_fragments + 1, sizeof(og_column *));
  if (!x->bare || !x->bare_col) return OG_ENOMEM;
  for (uint32_t f = 0; f < m->n_fragments; f++) {
    bool covered = false;
    for (uint32_t i = 0; i < x->n_segments; i++) covered = covered || og_bit_get(x->segments[i].covers, f);
    if (covered) continue;
    x->bare[x->n_bare++] = f;
    x->bare_rows += m->fragments[f].rows;
  }
  return OG_OK;
}

static og_status open_all(og_ctx *cx, og_lance_index *x, og_str name, og_lance_index *earlier)
{
  const og_lance_index_entry *e;
  size_t n;
  OG_TRY(og_lance_table_indexes(cx, x->table, &e, &n));
  x->segments = og_arena_calloc(cx, &x->arena, n + 1, sizeof *x->segments);
  if (!x->segments) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++)
    if (og_str_eq(e[i].name, name)) OG_TRY(add_segment(cx, x, &e[i], earlier));
  if (x->n_segments == 0)
    return og_fail(cx, OG_ENOTFOUND, "'" OG_STR_FMT "' has no index '" OG_STR_FMT "'", OG_STR_ARG(x->table->at.root),
                   OG_STR_ARG(name));
  OG_TRY(list_bare(cx, x));
  bool needed[2] = {false, false};
  for (uint32_t i = 0; i < x->n_segments; i++) needed[x->segments[i].addresses] = true;
  for (int i = 0; i < 2; i++)
    if (needed[i]) OG_TRY(og_places_init(cx, x->table, i == 1, &x->places[i]));
  return OG_OK;
}

og_status og_lance_index_open(og_ctx *cx, og_lance_table *t, og_str name, og_lance_index *earlier, og_lance_index **out)
{
  og_lance_index *x = og_zalloc(cx, sizeof *x);
  if (!x) return OG_ENOMEM;
  atomic_init(&x->refs, 1);
  og_mutex_init(&x->mu);
  x->table = og_lance_table_ref(t);
  og_status st = open_all(cx, x, name, earlier);
  if (st != OG_OK)
    og_lance_index_unref(x);
  else
    *out = x;
  return st;
}

uint32_t og_lance_index_column(const og_lance_index *x)
{
  return x->column;
}

uint32_t og_lance_index_segments(const og_lance_index *x)
{
  return x->n_segments;
}

uint64_t og_lance_index_uncovered(const og_lance_index *x)
{
  return x->bare_rows;
}

/* ---- finding */

og_status og_index__place(og_ctx *cx, og_lance_index *x, const og_index__segment *s, const og_index__ids *ids, size_t n,
                          og_vec *out)
{
  OG_AUTO(og_vec) places = OG_VEC_INIT(uint64_t);
  for (size_t i = 0; i < n; i++) {
    og_vec_clear(&places);
    OG_TRY(og_places_find(cx, &x->places[s->addresses], ids[i], &places));
    for (size_t k = 0; k < places.len; k++) {
      uint64_t offset = OG_VEC_AT(&places, uint64_t, k);
      uint32_t f = og_table__fragment_at(x->table, offset);
      const uint8_t *deleted;
      if (!og_bit_get(s->covers, f)) continue;
      OG_TRY(og_table__deleted(cx, x->table, f, &deleted));
      if (!deleted || !og_bit_get(deleted, (int64_t)(offset - x->table->first[f])))
        OG_TRY(og_vec_add(cx, out, &offset));
    }
  }
  return OG_OK;
}

static uint64_t column_bytes(const og_column *c)
{
  uint64_t bytes = (uint64_t)c->len * (og_type_is_varbin(c->type.id) ? 8 : og_type_width(c->type.id) + 1u) +
                   c->bytes_len;
  for (uint32_t i = 0; i < c->n_children; i++) bytes += 8 * (uint64_t)c->len + column_bytes(c->children[i]);
  return bytes;
}

/* The column of a bare fragment with a reference, kept if there is room. */
static og_status bare_column(og_ctx *cx, og_lance_index *x, uint32_t i, og_column **out)
{
  og_table__source source;
  og_mutex_lock(&x->mu);
  og_column *c = x->bare_col[i];
  if (c) og_column_ref(c);
  og_mutex_unlock(&x->mu);
  if (!c) {
    uint32_t f = x->bare[i];
    OG_TRY(og_ctx_poll(cx));
    OG_TRY(og_table__locate(cx, cx->arena, x->table, f, x->column, &source));
    OG_TRY(og_table__read(cx, &source, 0, x->table->m.fragments[f].rows, NULL, &c));
    og_mutex_lock(&x->mu);
    if (!x->bare_col[i] && x->bare_bytes + column_bytes(c) <= BARE_BYTES) {
      x->bare_col[i] = og_column_ref(c);
      x->bare_bytes += column_bytes(c);
    }
    og_mutex_unlock(&x->mu);
  }
  *out = c;
  return OG_OK;
}

/* Of the fragment's values, those that match. */
static og_status find_in(og_ctx *cx, og_lance_index *x, uint32_t fragment, const og_column *c,
                         const og_index__wanted *w, og_vec *out)
{
  const uint8_t *deleted;
  OG_TRY(og_table__deleted(cx, x->table, fragment, &deleted));
  for (int64_t row = 0; row < c->len; row++) {
    const uint64_t offset = x->table->first[fragment] + (uint64_t)row;
    if (og_index__matches(w, c, row) && !(deleted && og_bit_get(deleted, row))) OG_TRY(og_vec_add(cx, out, &offset));
  }
  return OG_OK;
}

static og_status find_bare(og_ctx *cx, og_lance_index *x, const og_index__wanted *w, og_vec *out)
{
  for (uint32_t i = 0; i < x->n_bare; i++) {
    og_column *c;
    OG_TRY(bare_column(cx, x, i, &c));
    const og_status st = find_in(cx, x, x->bare[i], c, w, out);
    og_column_unref(c);
    OG_TRY(st);
  }
  return OG_OK;
}

/* What the index cannot tell anything about: the values of the fragments it covers. */
static og_status find_covered(og_ctx *cx, og_lance_index *x, const og_index__wanted *w, og_vec *out)
{
  for (uint32_t f = 0, bare = 0; f < x->table->m.n_fragments; f++) {
    og_table__source source;
    og_column *c;
    if (bare < x->n_bare && x->bare[bare] == f) {
      bare++;
      continue;
    }
    OG_TRY(og_ctx_poll(cx));
    OG_TRY(og_table__locate(cx, cx->arena, x->table, f, x->column, &source));
    OG_TRY(og_table__read(cx, &source, 0, x->table->m.fragments[f].rows, NULL, &c));
    const og_status st = find_in(cx, x, f, c, w, out);
    og_column_unref(c);
    OG_TRY(st);
  }
  return OG_OK;
}

static int by_offset(const void *a, const void *b, void *arg)
{
  (void)arg;
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

og_status og_index__in_order(og_ctx *cx, og_vec *v, size_t from)
{
  uint64_t *o = (uint64_t *)v->data + from;
  size_t n = v->len - from, kept = 1;
  bool ascends = true;
  for (size_t i = 1; ascends && i < n; i++) ascends = o[i - 1] < o[i];
  if (ascends) return OG_OK;
  OG_TRY(og_sort(cx, o, n, sizeof *o, by_offset, NULL));
  for (size_t i = 1; i < n; i++)
    if (o[i] != o[kept - 1]) o[kept++] = o[i];
  v->len = from + kept;
  return OG_OK;
}

/* Row ids of one segment that may match. */
static og_status ask_segment(og_ctx *cx, const og_lance_index *x, const og_index__segment *s, const og_index__wanted *w,
                             og_vec *ids)
{
  static const uint32_t null_gram = 0;
  const og_vec *absent;
  if (s->tree) return og_btree_find(cx, s->tree, w, ids);
  if (w->grams.len) return og_bitmap_find_all(cx, s->bitmap, w->grams.data, w->grams.len, ids);
  if (w->nulls && x->kind == OG_INDEX_NGRAM) return og_bitmap_find_all(cx, s->bitmap, &null_gram, 1, ids);
  if (!w->nulls || x->kind != OG_INDEX_LABELS) return og_bitmap_find(cx, s->bitmap, w, ids);
  OG_TRY(og_bitmap_absent(cx, s->bitmap, &absent));
  for (size_t i = 0; i < absent->len; i++) OG_TRY(og_vec_add(cx, ids, &OG_VEC_AT(absent, og_index__ids, i)));
  return OG_OK;
}

/* Of n rows, which may match, those that do: moved to `kept`. */
static og_status look_at_some(og_ctx *cx, og_lance_index *x, const og_index__wanted *w, const uint64_t *offset,
                              size_t n, uint64_t **kept)
{
  og_batch *b;
  OG_TRY(og_ctx_poll(cx));
  OG_TRY(og_lance_table_take(cx, x->table, &x->column, 1, offset, n, &b));
  for (size_t i = 0; i < n; i++)
    if (og_index__matches(w, b->columns[0], (int64_t)i)) *(*kept)++ = offset[i];
  og_batch_unref(b);
  return OG_OK;
}

/* The same of all from `from` on; a common gram may name most of the table. */
static og_status look_at(og_ctx *cx, og_lance_index *x, const og_index__wanted *w, size_t from, og_vec *rows)
{
  if (rows->len == from) return OG_OK;
  uint64_t *all = rows->data, *kept = all + from;
  for (size_t i = from, n; i < rows->len; i += n) {
    n = rows->len - i < LOOKED_AT ? rows->len - i : LOOKED_AT;
    OG_TRY(look_at_some(cx, x, w, all + i, n, &kept));
  }
  rows->len = (size_t)(kept - all);
  return OG_OK;
}

static og_status find_rows(og_ctx *cx, og_lance_index *x, const og_index__wanted *w, og_vec *out)
{
  OG_AUTO(og_vec) ids = OG_VEC_INIT(og_index__ids);
  size_t from = out->len;
  const bool blind = w->part.ptr && w->grams.len == 0;
  if (blind) OG_TRY(find_covered(cx, x, w, out));
  for (uint32_t i = 0; !blind && i < x->n_segments; i++) {
    og_vec_clear(&ids);
    OG_TRY(ask_segment(cx, x, &x->segments[i], w, &ids));
    OG_TRY(og_index__place(cx, x, &x->segments[i], ids.data, ids.len, out));
  }
  if (out->len > from) OG_TRY(og_index__in_order(cx, out, from)); /* overlapping segments may name a row twice */
  if (w->part.ptr && !blind) OG_TRY(look_at(cx, x, w, from, out));
  OG_TRY(find_bare(cx, x, w, out));
  return out->len > from ? og_index__in_order(cx, out, from) : OG_OK;
}

static og_status check_query(og_ctx *cx, const og_lance_index *x, const og_lance_index_query *q)
{
  const bool contains = q->op == OG_INDEX_CONTAINS, grams = x->kind == OG_INDEX_NGRAM;
  if (q->op == OG_INDEX_RANGE && (grams || x->kind == OG_INDEX_LABELS))
    return og_fail(cx, OG_EINVALID, "a %s has no ranges", kinds[x->kind].name);
  if (q->op != OG_INDEX_NULL && contains != grams)
    return og_fail(cx, OG_EINVALID, "a %s does not tell this", kinds[x->kind].name);
  return OG_OK;
}

og_status og_lance_index_rows(og_ctx *cx, og_lance_index *x, const og_lance_index_query *q, og_vec *out)
{
  og_index__wanted w = {0};
  OG_TRY(check_query(cx, x, q));
  og_status st = og_index__want(cx, x->key_type, q, &w);
  if (st == OG_OK) st = find_rows(cx, x, &w, out);
  og_index__wanted_cleanup(&w);
  OG_TRY_NOTE(cx, st, "while looking up an index of '" OG_STR_FMT "'", OG_STR_ARG(x->table->at.root));
  return OG_OK;
}

static og_status about(og_ctx *cx, const og_lance_index *x, const og_index__wanted *w, uint64_t *rows)
{
  OG_AUTO(og_vec) ids = OG_VEC_INIT(og_index__ids);
  *rows = 0;
  for (uint32_t i = 0; i < x->n_segments; i++) {
    uint64_t n = 0;
    og_vec_clear(&ids);
    if (x->segments[i].tree)
      OG_TRY(og_btree_count(cx, x->segments[i].tree, w, &n));
    else
      OG_TRY(ask_segment(cx, x, &x->segments[i], w, &ids));
    for (size_t k = 0; k < ids.len; k++)
      n += OG_VEC_AT(&ids, og_index__ids, k).to - OG_VEC_AT(&ids, og_index__ids, k).from + 1;
    *rows += n;
  }
  return OG_OK;
}

og_status og_lance_index_about(og_ctx *cx, og_lance_index *x, const og_lance_index_query *q, uint64_t *rows)
{
  og_index__wanted w = {0};
  OG_TRY(check_query(cx, x, q));
  og_status st = og_index__want(cx, x->key_type, q, &w);
  if (st == OG_OK) st = about(cx, x, &w, rows);
  og_index__wanted_cleanup(&w);
  OG_TRY_NOTE(cx, st, "while looking up an index of '" OG_STR_FMT "'", OG_STR_ARG(x->table->at.root));
  return OG_OK;
}
