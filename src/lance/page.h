/* SPDX-License-Identifier: MIT */
/* lance/page.h -- pages: one leaf column's rows as levels and slots, and their three layouts on
 * disk.
 *
 * Private to the room.  A *leaf* is a column of a data file: a field without children of its own,
 * with the structs and lists above it as *layers*, innermost first.  A leaf's rows are a sequence
 * of *entries*: a repetition level (which list starts here), a definition level (which layer is
 * null or empty), and, when visible, a slot.  In memory definition levels have one numbering for
 * all pages (the path's); each page has its own on disk. Thread rule: a leaf belongs to one thread;
 * the rest is immutable.
 */
#pragma once

#include "base/limits.h"
#include "lance/enc.h"
#include "lance/fields.h"
#include "lance/steer.h"
#include "store/store.h"

#define OG_LANCE__MAX_LAYERS (OG_LIMIT_TYPE_DEPTH + 1)
#define OG_LANCE__MAX_DEFS   (2 * OG_LANCE__MAX_LAYERS + 1)

/* Layers of a leaf.  Definition levels: 0 all valid, then per layer, innermost first, one number
 * for a null item or two for a null and an empty list. */
typedef struct og_lance__path {
  uint32_t n_layers;
  bool is_list[OG_LANCE__MAX_LAYERS];
  uint8_t null_def[OG_LANCE__MAX_LAYERS];   /* a list's empty is null_def + 1 */
  uint8_t lists_upto[OG_LANCE__MAX_LAYERS]; /* lists among layers 0 .. i */
  uint8_t n_lists;                          /* the repetition level that starts a row */
  uint8_t max_def;
  uint8_t max_visible;                  /* entries with a larger definition level have no slot */
  uint8_t layer_of[OG_LANCE__MAX_DEFS]; /* the layer a level speaks of; of 0: unused */
  uint8_t stop_of[OG_LANCE__MAX_DEFS];  /* the innermost layer at which an entry with this level
                                           stands */
} og_lance__path;

/* Completes a path whose n_layers and is_list are set. */
void og_lance__path_complete(og_lance__path *p);

typedef struct og_lance__leaf {
  const og_lance__path *path;
  og_lance__slots slots;
  og_lance__mem rep; /* a byte per entry; unused when the path has no list */
  og_lance__mem def; /* a byte per entry; empty while every entry is 0 */
  uint64_t n_entries;
  uint64_t n_rows;
} og_lance__leaf;

void og_lance__leaf_init(og_lance__leaf *l, const og_lance__path *path, og_lance__shape shape);
void og_lance__leaf_cleanup(og_lance__leaf *l);
void og_lance__leaf_clear(og_lance__leaf *l);
uint64_t og_lance__leaf_bytes(const og_lance__leaf *l);
static inline uint8_t og_lance__leaf_def(const og_lance__leaf *l, uint64_t i)
{
  return l->def.len ? l->def.data[i] : 0;
}
/* n entries of definition level `def`: the first has repetition level `first`, the others `rest`.
 * Rows are counted by the caller. */
OG_MUST_USE og_status og_lance__leaf_entries(og_ctx *cx, og_lance__leaf *l, uint64_t n, uint8_t first, uint8_t rest,
                                             uint8_t def);
/* Entries [from, to) of `src` with their slots, which start at `slot`; adds their rows. */
OG_MUST_USE og_status og_lance__leaf_copy(og_ctx *cx, og_lance__leaf *l, const og_lance__leaf *src, uint64_t from,
                                          uint64_t to, uint64_t slot);
/* Visible entries among [from, to). */
uint64_t og_lance__leaf_visible(const og_lance__leaf *l, uint64_t from, uint64_t to);

/* ---- Columns to leaves and back. */

/* The leaf fields below `field`, itself included, in depth-first order, each with its path: what
 * one top-level field occupies in a file.  Arena of the caller.  OG_EUNSUPPORTED names packed
 * structs and blobs. */
typedef struct og_lance__leaf_info {
  const og_field *field;
  og_lance__path path;
  og_lance__shape shape;
} og_lance__leaf_info;
/* Ids of those leaves: `field` stands at s->fields[*pos]; *pos moves behind what is below it, *ids behind the ids. */
void og_lance__leaf_ids(const og_lance_schema *s, const og_field *field, uint32_t *pos, int32_t **ids);
OG_MUST_USE og_status og_lance__leaves_of(og_ctx *cx, og_arena *a, const og_field *field, og_lance__leaf_info **out,
                                          uint32_t *n);
/* Columns that `field` occupies in a file, without looking at whether we read them. */
uint32_t og_lance__leaf_count(const og_field *field);

/* Appends rows [from, from + n) of c to the leaves of its field. */
OG_MUST_USE og_status og_lance__shred(og_ctx *cx, const og_field *field, const og_column *c, int64_t from, int64_t n,
                                      og_lance__leaf *leaves);
/* The column that the leaves of `field` make; takes their memory. */
OG_MUST_USE og_status og_lance__assemble(og_ctx *cx, const og_field *field, og_lance__leaf *leaves, og_column **out);

/* ---- Page layouts. */

typedef enum og_lance__layout_kind { /* field numbers of PageLayout */
                                     OG_LANCE__MINI_BLOCK = 1,
                                     OG_LANCE__CONSTANT = 2,
                                     OG_LANCE__FULL_ZIP = 3,
                                     OG_LANCE__BLOB = 4
} og_lance__layout_kind;

typedef struct og_lance__layout {
  og_lance__layout_kind kind;
  uint64_t layers[OG_LANCE__MAX_LAYERS]; /* RepDefLayer numbers */
  uint32_t n_layers;
  const og_lance__enc *rep, *def, *values, *dictionary; /* NULL: absent */
  uint64_t dictionary_items;
  uint64_t n_buffers;          /* MINI_BLOCK: value buffers per chunk */
  uint64_t rep_depth;          /* MINI_BLOCK: of the repetition index; 0: none */
  uint64_t n_items;            /* MINI_BLOCK: slots; FULL_ZIP: entries */
  uint64_t n_visible;          /* FULL_ZIP: slots */
  bool large;                  /* MINI_BLOCK: 32-bit chunk words */
  uint64_t bits_rep, bits_def; /* FULL_ZIP */
  uint64_t bits_value;         /* FULL_ZIP: of a fixed-size value; 0: variable */
  uint64_t bits_offset;        /* FULL_ZIP: of a length */
  bool has_value;              /* CONSTANT: inline value */
  og_str value;
  uint64_t n_rep, n_def; /* CONSTANT: levels in a compressed buffer */
} og_lance__layout;

/* From PageLayout bytes, which it borrows. */
OG_MUST_USE og_status og_lance__layout_parse(og_ctx *cx, og_arena *a, og_str bytes, og_lance__layout *out);
OG_MUST_USE og_status og_lance__layout_put(og_ctx *cx, const og_lance__layout *l, og_buf *out);

/* How a page numbers its definition levels. */
typedef struct og_lance__numbering {
  uint8_t max_def;                       /* the page's */
  uint8_t to_path[OG_LANCE__MAX_DEFS];   /* page level -> path level */
  uint8_t from_path[OG_LANCE__MAX_DEFS]; /* path level -> page level; only levels that occur */
} og_lance__numbering;
/* From a page's layers; OG_ECORRUPT when they do not fit the path. */
OG_MUST_USE og_status og_lance__numbering_read(og_ctx *cx, const og_lance__path *p, const og_lance__layout *l,
                                               og_lance__numbering *out);
/* The tightest for a leaf; fills the layout's layers. */
void og_lance__numbering_make(const og_lance__leaf *leaf, og_lance__layout *l, og_lance__numbering *out);

/* Appends n entries from raw levels (u16 each; NULL: all 0). */
OG_MUST_USE og_status og_lance__levels_add(og_ctx *cx, og_lance__leaf *leaf, const og_lance__numbering *num,
                                           const uint16_t *rep, const uint16_t *def, uint64_t n);

/* ---- Reading. */

/* Where the chunks of a mini-block page lie, and its dictionary. */
typedef struct og_lance__chunk {
  uint32_t at;      /* its place in the chunks buffer, / 8 */
  uint32_t slot;    /* slots before it */
  uint32_t row;     /* rows that start before it */
  uint32_t goes_on; /* 1: its first entry continues row - 1 */
} og_lance__chunk;

typedef struct og_lance__directory {
  og_lance__chunk *chunks; /* one more than chunks: the end */
  uint64_t n_chunks;
  uint8_t n_lists;            /* of the path it was read for */
  og_lance__slots dictionary; /* its shape is set in any case */
  bool has_dictionary;
} og_lance__directory;

typedef struct og_lance__page {
  uint64_t first_row, n_rows;
  const uint64_t *offsets, *sizes; /* buffers */
  uint32_t n_buffers;
  og_str layout;                                  /* PageLayout bytes */
  _Atomic(const og_lance__directory *) directory; /* NULL: not kept */
} og_lance__page;

/* Directories that an open file keeps. */
typedef struct og_lance__kept {
  _Atomic uint64_t bytes;
  uint64_t most;
} og_lance__kept;

typedef struct og_lance__rows {
  uint64_t from, to; /* [from, to), relative to the page */
} og_lance__rows;

typedef struct og_lance__page_reader {
  og_store *store;
  og_str key;
  og_str whole; /* the file's bytes when it is small, else empty */
  og_lance__page *page;
  og_lance__kept *kept; /* NULL: none */
  og_arena *arena;      /* scratch for this page */
  og_lance__layout layout;
  og_lance__numbering numbering;
} og_lance__page_reader;

/* Appends the rows of ascending, disjoint, non-empty ranges to the leaf. */
OG_MUST_USE og_status og_lance__page_read(og_ctx *cx, og_lance__page_reader *r, const og_lance__rows *rows, size_t n,
                                          og_lance__leaf *out);
OG_MUST_USE og_status og_lance__mini_block_read(og_ctx *cx, og_lance__page_reader *r, const og_lance__rows *rows,
                                                size_t n, og_lance__leaf *out);
OG_MUST_USE og_status og_lance__full_zip_read(og_ctx *cx, og_lance__page_reader *r, const og_lance__rows *rows,
                                              size_t n, og_lance__leaf *out);
OG_MUST_USE og_status og_lance__constant_read(og_ctx *cx, og_lance__page_reader *r, const og_lance__rows *rows,
                                              size_t n, og_lance__leaf *out);
/* Views of the chunks buffer, too, when `whole` or when it is small: all->views[0].  Give the directory back. */
typedef struct og_lance__fetched og_lance__fetched;
OG_MUST_USE og_status og_lance__directory_open(og_ctx *cx, og_lance__page_reader *r, const og_lance__leaf *out,
                                               bool whole, const og_lance__directory **dir, og_lance__fetched *all);
void og_lance__directory_release(const og_lance__page_reader *r, const og_lance__directory *dir); /* NULL is fine */
/* Of a page that nobody reads any more. */
void og_lance__directory_drop(og_lance__page *p);
static inline uint64_t og_lance__chunk_at(const og_lance__directory *d, uint64_t c)
{
  return (uint64_t)d->chunks[c].at * 8;
}
#define OG_LANCE__CHUNK_BUFFERS 4 /* of values, at most */

/* Appends the wanted rows among the entries of `chunk`, whose first entry lies in row `row` or
 * starts it (`row` counts the row an unfinished first entry belongs to); advances *range over
 * finished ranges. */
OG_MUST_USE og_status og_lance__rows_select(og_ctx *cx, const og_lance__leaf *chunk, uint64_t first_row,
                                            const og_lance__rows *rows, size_t n, size_t *range, og_lance__leaf *out);

/* Byte ranges of the page's file, near ones read together.  views[i] lies in one of `bufs`, which
 * the caller frees with og_lance__fetched_cleanup, or in the reader's `whole`. */
struct og_lance__fetched {
  og_buf *bufs;
  size_t n_bufs;
  og_str *views;
};
void og_lance__fetched_cleanup(og_lance__fetched *f);
OG_MUST_USE og_status og_lance__fetch(og_ctx *cx, const og_lance__page_reader *r, const og_range *want, size_t n,
                                      og_lance__fetched *out);

/* ---- Writing. */

typedef struct og_lance__page_out {
  og_buf buffers[4];
  uint32_t n_buffers;
  og_buf layout; /* PageLayout bytes */
} og_lance__page_out;
void og_lance__page_out_cleanup(og_lance__page_out *p);

/* One page of all the leaf's rows, in the layout and encoding that turn out smallest.  `minor`:
 * file version 2.minor. `large`: as og_lance__leaf_split says. */
OG_MUST_USE og_status og_lance__page_write(og_ctx *cx, const og_lance__leaf *leaf, const og_lance__steer *steer,
                                           unsigned minor, bool large, og_lance__page_out *out);
/* A chunk of a mini-block page ends with a value, so the entries without one between two values
 * must fit a chunk. */
#define OG_LANCE__MAX_INVISIBLE 8192
/* Entries [from, *to) make the next page: all that are left, or those before or within a long run
 * of null and empty lists.  *large: no cut helps, because the run lies within one row; such a page
 * cannot be mini-block. */
void og_lance__leaf_split(const og_lance__leaf *l, uint64_t from, uint64_t *to, bool *large);
OG_MUST_USE og_status og_lance__mini_block_write(og_ctx *cx, const og_lance__leaf *leaf, const og_lance__steer *steer,
                                                 unsigned minor, og_lance__page_out *out);
OG_MUST_USE og_status og_lance__full_zip_write(og_ctx *cx, const og_lance__leaf *leaf, const og_lance__steer *steer,
                                               og_lance__page_out *out);
OG_MUST_USE og_status og_lance__constant_write(og_ctx *cx, const og_lance__leaf *leaf, unsigned minor,
                                               og_lance__page_out *out);
/* Page levels of entries [from, to) as u16, for rep (is_rep) or def. */
OG_MUST_USE og_status og_lance__levels_raw(og_ctx *cx, const og_lance__leaf *leaf, const og_lance__numbering *num,
                                           bool is_rep, uint64_t from, uint64_t to, og_buf *out);
static inline unsigned og_lance__bit_width(uint64_t v)
{
  unsigned bits = 0;
  for (; v; v >>= 1) bits++;
  return bits;
}
