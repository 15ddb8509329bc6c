/* SPDX-License-Identifier: MIT */
/* lance/change_impl.h -- a change being prepared, as change*.c see it. */
#pragma once

#include "base/ulid.h"
#include "base/vec.h"
#include "lance/table_impl.h"

typedef enum og_change__kind {
  OG_CHANGE__NEW,     /* gets a row id when rendered */
  OG_CHANGE__UPDATED, /* new image of a row of base: keeps id and created version */
  OG_CHANGE__CARRIED  /* the same row of base again: keeps its last-updated version, too */
} og_change__kind;

/* What rows that are not new keep: parallel arrays. */
typedef struct og_change__kept {
  const uint64_t *ids, *created, *updated;
  const uint64_t *from; /* dense offsets in base */
} og_change__kept;

typedef struct og_change__span { /* consecutive rows of a new file */
  og_change__kind kind;
  uint64_t n;
} og_change__span;

typedef struct og_change__file {
  og_str name; /* below data/ */
  og_lance_file_stats stats;
  uint64_t bytes;       /* of the values given, unencoded */
  og_vec spans;         /* og_change__span */
  og_vec ids, created;  /* uint64_t per updated or carried row, in order */
  og_vec updated, from; /* uint64_t per carried row: last-updated version, dense offset in base */
} og_change__file;

typedef struct og_change__config {
  og_str key, value;
  bool remove;
} og_change__config;

/* New columns of one fragment of base. */
typedef struct og_change__beside {
  uint32_t fragment; /* of base */
  og_str name;       /* below data/ */
  og_lance_file_stats stats;
} og_change__beside;

#define OG_CHANGE__FILE_ROWS  (1u << 20)   /* a data file is cut here, */
#define OG_CHANGE__FILE_BYTES (256u << 20) /* or here */

struct og_lance_change {
  og_arena arena;
  og_lance_place at;
  og_lance_table *base; /* NULL: a new table */
  og_lance_schema *schema;
  og_lance_version version;
  og_lance_change_opts opts;
  og_ulid attempt;
  og_lance_file_writer *writer; /* the current file, or NULL */
  og_vec files;                 /* og_change__file */
  og_vec replaced;              /* uint64_t: dense offsets of base with a new image */
  og_vec carried;               /* uint64_t: those written again as they are */
  og_vec deleted;               /* uint64_t: those deleted; from finish on with `replaced`, ascending and distinct */
  og_vec config;                /* og_change__config */
  og_vec indexes;               /* og_change__index: segments to add */
  og_vec unindexed;             /* uint8_t[16]: segments to remove */
  og_vec dropped;               /* int32_t: ids of top-level fields */
  og_vec renamed;               /* og_lance_rename */
  og_lance_schema *added;       /* new columns; NULL: none */
  bool sorted;                  /* columns behind the first `fixed` stand by name */
  uint32_t fixed;
  og_vec beside;            /* og_change__beside: their values, by fragment */
  uint64_t valued;          /* physical rows of base that have theirs */
  og_lance_table *restored; /* the version to go back to, or NULL */
  og_vec keys;              /* og_str: files written since the start */
  uint32_t renders;
  bool blobs_given; /* to the current file, for rows that are still to come */
  bool finished;
  /* rendered */
  og_buf bytes;
  uint64_t number;
  og_str manifest_key;
};

/* Writes a file of the change's own and remembers its key. */
OG_MUST_USE og_status og_change__put(og_ctx *cx, og_lance_change *c, const char *folder, og_str name, og_str bytes);
/* Carries the live rows of `count` fragments over, but those in `deleted`, which must be sorted. */
OG_MUST_USE og_status og_change__carry_fragments(og_ctx *cx, og_lance_change *c, uint32_t from, uint32_t count);
static inline og_change__file *og_change__current(og_lance_change *c)
{
  return &OG_VEC_AT(&c->files, og_change__file, c->files.len - 1);
}
/* First position in `deleted` of an offset >= x. */
size_t og_change__deleted_from(const og_lance_change *c, uint64_t x);

/* A name for another data file of the change, and its key, remembered. */
OG_MUST_USE og_status og_change__data_file(og_ctx *cx, og_lance_change *c, og_str *name, og_str *key);
/* Copies the lists of a finished file to where the change's other things live. */
OG_MUST_USE og_status og_change__keep_stats(og_ctx *cx, og_lance_change *c, og_lance_file_stats *stats);

/* ---- columns (change_columns.c) */

static inline bool og_change__alters(const og_lance_change *c)
{
  return c->dropped.len || c->renamed.len || c->added || c->sorted;
}
/* Every row has its values, or none has. */
OG_MUST_USE og_status og_change__columns_finish(og_ctx *cx, og_lance_change *c);
/* The schema of `base` with the change's columns. */
OG_MUST_USE og_status og_change__alter(og_ctx *cx, const og_lance_change *c, const og_lance_table *base,
                                       og_lance_schema **out);
/* A fragment of `base`, which is number `own` of the change's own base, with the files of its new columns and without
 * those that hold no column of `schema` any more. */
OG_MUST_USE og_status og_change__alter_fragment(og_ctx *cx, og_arena *a, const og_lance_change *c,
                                                const og_lance_schema *schema, uint32_t own, uint64_t version,
                                                og_fragment *f);

/* ---- compaction (change_rewrite.c) */

/* Which fragments of `base` became which of `added`, by the rows carried over. */
OG_MUST_USE og_status og_change__groups(og_ctx *cx, og_arena *a, const og_lance_change *c, const og_lance_table *base,
                                        const og_vec *added /* og_fragment */, og_vec *out /* og_transaction_group */);
/* The list of indexes after that: a segment that covered all of a group's old fragments covers the new ones, if it
 * names rows by ids that they keep. */
OG_MUST_USE og_status og_change__move_indexes(og_ctx *cx, og_arena *a, const og_vec *groups, og_str *section);
/* And without those of fields that are gone. */
OG_MUST_USE og_status og_change__drop_indexes(og_ctx *cx, og_arena *a, const og_lance_schema *schema, og_str *section);

/* ---- conflicts (conflict.c) */

/* May the change be rendered on `newer`, whose version is the next after those already followed?  OG_ECONFLICT says why
 * not. */
OG_MUST_USE og_status og_change__may_follow(og_ctx *cx, const og_lance_change *c, og_lance_table *newer);
