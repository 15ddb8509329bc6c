/* SPDX-License-Identifier: MIT */
/* lance/change_impl.h -- a change being prepared, as change*.c see it. */
#pragma once

#include "base/ulid.h"
#include "base/vec.h"
#include "lance/table_impl.h"

typedef enum og_change__kind {
  OG_CHANGE__NEW,     /* gets a row id when rendered */
  OG_CHANGE__UPDATED, /* new image of a row of base: keeps id and created version */
  OG_CHANGE__FOLDED   /* the same row of base again: keeps its last-updated version, too */
} og_change__kind;

typedef struct og_change__span { /* consecutive rows of a new file */
  og_change__kind kind;
  uint64_t n;
} og_change__span;

typedef struct og_change__file {
  og_str name; /* below data/ */
  og_lance_file_stats stats;
  uint64_t bytes;       /* of the values given, unencoded */
  og_vec spans;         /* og_change__span */
  og_vec ids, created;  /* uint64_t per updated or folded row, in order */
  og_vec updated, from; /* uint64_t per folded row: last-updated version, dense offset in base */
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
  og_vec deleted;               /* uint64_t: those deleted; from finish on both, ascending and distinct */
  og_vec folded;                /* uint32_t: fragments of base, ascending */
  og_vec config;                /* og_change__config */
  og_vec keys;                  /* og_str: files written since the start */
  uint32_t renders;
  bool finished;
  /* rendered */
  og_buf bytes;
  uint64_t number;
  og_str manifest_key;
};

/* Adds rows to the current data file; `ids` and `created` for kinds other than NEW, `updated` and `from` for FOLDED. */
OG_MUST_USE og_status og_change__write(og_ctx *cx, og_lance_change *c, og_change__kind kind, const og_batch *rows,
                                       const uint64_t *ids, const uint64_t *created);
/* Writes a file of the change's own and remembers its key. */
OG_MUST_USE og_status og_change__put(og_ctx *cx, og_lance_change *c, const char *folder, og_str name, og_str bytes);
/* Takes small fragments at the end of base into the current data file.  `deleted` must be sorted. */
OG_MUST_USE og_status og_change__fold(og_ctx *cx, og_lance_change *c);
static inline og_change__file *og_change__current(og_lance_change *c)
{
  return &OG_VEC_AT(&c->files, og_change__file, c->files.len - 1);
}
/* First position in `deleted` of an offset >= x. */
size_t og_change__deleted_from(const og_lance_change *c, uint64_t x);
