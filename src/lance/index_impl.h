/* SPDX-License-Identifier: MIT */
/* lance/index_impl.h -- keys, segments and places, as the files of the index see them. */
#pragma once

#include "arrow/builder.h"
#include "base/mutex.h"
#include "lance/index.h"
#include "lance/table_impl.h"

/* ---- the section of the manifest (index_section.c) */

OG_MUST_USE og_status og_index__decode(og_ctx *cx, og_arena *a, og_str section, og_vec *out /* entry */);
/* IndexMetadata with the given fragments, which are ascending and distinct. */
OG_MUST_USE og_status og_index__encode(og_ctx *cx, const og_lance_index_entry *e, const uint32_t *fragments, size_t n,
                                       og_buf *out);
/* The section without the entries of these uuids (16 bytes each). */
OG_MUST_USE og_status og_index__without(og_ctx *cx, og_str section, const og_vec *uuids, og_buf *out);
static inline bool og_index__same(const uint8_t a[16], const uint8_t b[16])
{
  return memcmp(a, b, 16) == 0;
}
/* root[/tree/branch]/_indices/<uuid> in cx->arena. */
OG_MUST_USE og_status og_index__folder(og_ctx *cx, og_str prefix, const uint8_t uuid[16], og_str *out);

/* ---- keys (index_key.c): values in the total order of the files.  Fixed-width values are a number whose order is
 * theirs; floats come by their bits, so that -0.0 < 0.0 and NaNs lie at both ends.  Strings are their bytes. */

typedef struct og_index__key {
  uint64_t num;
  og_str str; /* text: this one counts */
} og_index__key;

bool og_index__is_text(og_type type);
og_index__key og_index__key_of(const og_column *c, int64_t i); /* not null; strings are borrowed */
int og_index__key_cmp(bool text, og_index__key a, og_index__key b);
OG_MUST_USE og_status og_index__put_key(og_ctx *cx, og_builder *b, og_type type,
                                        const og_index__key *key /* or null */);

/* Keys between two ends.  Numbers are always closed: an open bound is the next number. */
typedef struct og_index__span {
  og_index__key low, high;
  bool low_open, high_open, no_high; /* text only */
} og_index__span;

typedef struct og_index__wanted {
  bool text, nulls;
  og_vec spans; /* og_index__span, ascending; may overlap */
  og_str part;  /* CONTAINS; none otherwise */
  og_vec grams; /* of it */
} og_index__wanted;
void og_index__wanted_cleanup(og_index__wanted *w);
/* Strings are borrowed from the query. */
OG_MUST_USE og_status og_index__want(og_ctx *cx, og_type type, const og_lance_index_query *q, og_index__wanted *out);
/* Is the key below (above) all of the span? */
bool og_index__is_below(bool text, og_index__key k, const og_index__span *s);
bool og_index__is_above(bool text, og_index__key k, const og_index__span *s);
bool og_index__matches(const og_index__wanted *w, const og_column *c, int64_t i);

/* ---- files (index_file.c) */

/* A column of an index file, by name and type; its reference lives in `a`. */
OG_MUST_USE og_status og_index__column(og_ctx *cx, og_arena *a, const og_lance_file *f, og_str name, og_type type,
                                       og_lance_column_ref *out);
OG_MUST_USE og_status og_index__read_column(og_ctx *cx, og_lance_file *f, og_str name, og_type type, og_column **out);

/* What a segment names rows by. */
typedef struct og_index__ids {
  uint64_t from, to; /* both belong to it */
} og_index__ids;

/* ---- segments of a BTREE (index_btree.c) */

typedef struct og_btree og_btree;
typedef struct og_btree_page {
  _Atomic uint32_t refs;
  og_column *values;
  og_column *ids;
  int64_t nulls; /* they come first */
} og_btree_page;

OG_MUST_USE og_status og_btree_open(og_ctx *cx, og_store *store, og_str folder, og_type type, og_btree **out);
og_btree *og_btree_ref(og_btree *b);
void og_btree_unref(og_btree *b); /* NULL is fine */
uint32_t og_btree_pages(const og_btree *b);
/* Row ids of matching values, in no order, appended to `ids` (og_index__ids). */
OG_MUST_USE og_status og_btree_find(og_ctx *cx, og_btree *b, const og_index__wanted *w, og_vec *ids);
/* How many entries match. */
OG_MUST_USE og_status og_btree_count(og_ctx *cx, og_btree *b, const og_index__wanted *w, uint64_t *n);
/* Page i of the order of keys, past the cache. */
OG_MUST_USE og_status og_btree_page_read(og_ctx *cx, og_btree *b, uint32_t i, og_btree_page **out);
void og_btree_page_unref(og_btree_page *p);

/* ---- writing one (index_btree_write.c): entries in the order of keys, nulls first */

typedef struct og_btree_writer og_btree_writer;
OG_MUST_USE og_status og_btree_writer_open(og_ctx *cx, og_store *store, og_str folder, const og_field *field,
                                           og_lance_version version, og_btree_writer **out);
OG_MUST_USE og_status og_btree_write(og_ctx *cx, og_btree_writer *w, const og_index__key *key /* NULL: null */,
                                     uint64_t id);
/* Frees w in every case.  sizes: of page_data.lance and page_lookup.lance. */
OG_MUST_USE og_status og_btree_writer_finish(og_ctx *cx, og_btree_writer *w, uint64_t sizes[2]);
void og_btree_writer_abort(og_ctx *cx, og_btree_writer *w); /* NULL is fine */

/* ---- segments of a BITMAP (index_bitmap.c), and writing one (index_bitmap_write.c) */

/* Three kinds of index are bitmaps by key. */
typedef enum og_bitmap_form {
  OG_BITMAP_VALUES, /* BITMAP: null is a key */
  OG_BITMAP_LABELS, /* LABEL_LIST: keys are items, null ones too; rows without a list apart */
  OG_BITMAP_GRAMS   /* NGRAM: keys are numbers of three characters (index_gram.c), 0 of null; another bitmap codec */
} og_bitmap_form;

typedef struct og_bitmap og_bitmap;
/* `type`: of the keys. */
OG_MUST_USE og_status og_bitmap_open(og_ctx *cx, og_store *store, og_str folder, og_bitmap_form form, og_type type,
                                     og_bitmap **out);
og_bitmap *og_bitmap_ref(og_bitmap *b);
void og_bitmap_unref(og_bitmap *b); /* NULL is fine */
uint32_t og_bitmap_keys(const og_bitmap *b);
/* The i-th key in their order; false: it is null. */
bool og_bitmap_key(const og_bitmap *b, uint32_t i, og_index__key *out);
OG_MUST_USE og_status og_bitmap_ids(og_ctx *cx, og_bitmap *b, uint32_t i, og_vec *ids /* og_index__ids */);
OG_MUST_USE og_status og_bitmap_find(og_ctx *cx, og_bitmap *b, const og_index__wanted *w, og_vec *ids);
/* Of LABELS: rows without a list (og_index__ids). */
OG_MUST_USE og_status og_bitmap_absent(og_ctx *cx, const og_bitmap *b, const og_vec **out);
/* Row ids that all of the n keys have, which are numbers; ascending. */
OG_MUST_USE og_status og_bitmap_find_all(og_ctx *cx, og_bitmap *b, const uint32_t *keys, size_t n, og_vec *ids);
OG_MUST_USE og_status og_bitmap_decode(og_ctx *cx, og_bitmap_form form, og_str bytes, og_vec *out /* og_index__ids */);
/* ids: uint64_t, ascending and distinct. */
OG_MUST_USE og_status og_bitmap_encode(og_ctx *cx, og_bitmap_form form, const og_vec *ids, og_buf *out);

typedef struct og_bitmap_writer og_bitmap_writer;
OG_MUST_USE og_status og_bitmap_writer_open(og_ctx *cx, og_store *store, og_str folder, og_bitmap_form form,
                                            og_type type, og_lance_version version, og_bitmap_writer **out);
/* Of LABELS, behind the entries: a row without a list. */
OG_MUST_USE og_status og_bitmap_write_absent(og_ctx *cx, og_bitmap_writer *w, uint64_t id);
OG_MUST_USE og_status og_bitmap_write(og_ctx *cx, og_bitmap_writer *w, const og_index__key *key /* NULL: null */,
                                      uint64_t id);
OG_MUST_USE og_status og_bitmap_writer_finish(og_ctx *cx, og_bitmap_writer *w, uint64_t *size); /* frees w */
void og_bitmap_writer_abort(og_ctx *cx, og_bitmap_writer *w);                                   /* NULL is fine */

/* ---- grams (index_gram.c) */

/* Numbers of all grams that a text has in an index of Lance, and perhaps some more; ascending and distinct. */
OG_MUST_USE og_status og_index__grams(og_ctx *cx, og_str text, og_vec *out /* uint32_t */);
/* Grams that every text with this part in it has in such an index.  None: it is too short to tell. */
OG_MUST_USE og_status og_index__grams_wanted(og_ctx *cx, og_str part, og_vec *out /* uint32_t */);

/* ---- places (index_places.c): from row ids, or from row addresses, to dense offsets */

typedef struct og_places {
  og_arena arena;
  og_vec runs; /* see index_places.c */
  uint64_t *reach;
} og_places;
void og_places_cleanup(og_places *p);
/* A row's address is fragment id << 32 | row. */
OG_MUST_USE og_status og_places_init(og_ctx *cx, og_lance_table *t, bool addresses, og_places *out);
/* Every dense offset that has one of the ids, deleted rows too, appended to `out`. */
OG_MUST_USE og_status og_places_find(og_ctx *cx, const og_places *p, og_index__ids ids, og_vec *out);

/* ---- an open index (index.c) */

/* Of a BTREE's entries: what they name rows by. */
#define OG_BTREE_IDS       0 /* stable row ids, or addresses in a table without them; what we write */
#define OG_BTREE_ADDRESSES 1 /* addresses; from Lance 14 on */

#define OG_LABELS_NULLS 1 /* version of a LABEL_LIST that knows rows without a list; what we write */

typedef struct og_index__segment {
  uint8_t uuid[16];
  og_btree *tree;    /* of a BTREE, */
  og_bitmap *bitmap; /* or of the others */
  uint8_t *covers;   /* bit per fragment of the version */
  bool addresses;    /* its entries name rows by address */
} og_index__segment;

struct og_lance_index {
  _Atomic uint32_t refs;
  og_arena arena;
  og_lance_table *table;
  uint32_t column;
  og_lance_index_kind kind;
  og_type key_type; /* the column's, its items', or of grams */
  og_index__segment *segments;
  uint32_t n_segments;
  og_places places[2]; /* by row id, by address: those that a segment needs */
  uint32_t *bare;      /* fragments that no segment covers */
  uint32_t n_bare;
  uint64_t bare_rows;
  og_mutex mu;          /* guards what follows, never held across a read */
  og_column **bare_col; /* parallel to bare; NULL: not kept */
  uint64_t bare_bytes;
};

/* The type of an index's keys over such a column; false: there is none of this kind. */
bool og_index__key_type(og_lance_index_kind kind, const og_field *column, og_type *out);
og_bitmap_form og_index__form(og_lance_index_kind kind); /* not of a BTREE */

/* Appends the live rows among `ids` that lie where the segment covers. */
OG_MUST_USE og_status og_index__place(og_ctx *cx, og_lance_index *x, const og_index__segment *s,
                                      const og_index__ids *ids, size_t n, og_vec *out);
/* Makes numbers (uint64_t) ascending and distinct from `from` on. */
OG_MUST_USE og_status og_index__in_order(og_ctx *cx, og_vec *v, size_t from);

/* ---- in changes (index_build.c) */

/* A segment a change adds. */
typedef struct og_change__index {
  og_lance_index_entry entry;
  uint32_t *fragments; /* ascending */
  size_t n_fragments;
} og_change__index;

/* What a change makes of the index section. */
typedef struct og_index__edit {
  og_str section;        /* in: the base's as the new version inherits it; out: the new one, or none */
  og_vec added, removed; /* og_str: IndexMetadata messages */
} og_index__edit;
/* Everything that comes out lies in `a`. */
OG_MUST_USE og_status og_index__rebase(og_ctx *cx, const og_lance_change *c, const og_lance_table *base, og_arena *a,
                                       og_index__edit *out);
