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
  og_vec keys;                  /* og_str: files written since the start */
  uint32_t renders;
  bool finished;
  /* rendered */
  og_buf bytes;
  uint64_t number;
  og_str manifest_key;
};

/* Writes a file of the change's own and remembers its key. */
OG_MUST_USE og_status og_change__put(og_ctx *cx, og_lance_change *c, const char *folder, og_str name, og_str bytes);
/* Carries small fragments at the end of base over.  `deleted` must be sorted. */
OG_MUST_USE og_status og_change__fold(og_ctx *cx, og_lance_change *c);
static inline og_change__file *og_change__current(og_lance_change *c)
{
  return &OG_VEC_AT(&c->files, og_change__file, c->files.len - 1);
}
/* First position in `deleted` of an offset >= x. */
size_t og_change__deleted_from(const og_lance_change *c, uint64_t x);
