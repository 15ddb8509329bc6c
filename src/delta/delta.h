/* SPDX-License-Identifier: MIT */
/* delta/delta.h -- what changed between two states: of one table, and of a graph.
 *
 * Merge, diff, change feed and revert all stand on this.  The cost follows the change and not the table; see the essay
 * in table.c.
 * Thread rule: a delta belongs to one thread; the tables and snapshots it names are shared.
 */
#pragma once

#include "graph/graph.h"

typedef enum og_delta_op { OG_DELTA_INSERT, OG_DELTA_UPDATE, OG_DELTA_DELETE } og_delta_op;
const char *og_delta_op_name(og_delta_op op); /* "insert", … */

#define OG_DELTA_NOWHERE UINT64_MAX

typedef struct og_delta_row {
  og_str id; /* the entity: its `id` column; lives as long as the delta */
  og_delta_op op;
  uint64_t from, to; /* dense offsets in the older and the newer version; OG_DELTA_NOWHERE: not there */
} og_delta_row;

/* A column of both versions, paired by property identity. */
#define OG_DELTA_ABSENT UINT32_MAX
typedef struct og_delta_column {
  uint32_t from, to; /* top-level fields; OG_DELTA_ABSENT: that version has none, and it reads as null */
} og_delta_column;

typedef struct og_delta {
  og_lance_table *from, *to; /* one reference each; NULL: there is no such table on that side */
  og_delta_column *columns;
  uint32_t n_columns;
  og_delta_row *rows; /* ascending by id, one per entity */
  size_t n_rows;
  uint64_t compared; /* rows whose values were looked at */
  og_arena arena;
} og_delta;

/* The rows that `to` has, lacks, or has with other values, compared with `from`.  Either may be NULL: a table without
 * rows.  A row written again with equal values is no change.
 * `common`: a version of the table that both descend from, on whichever branch, or one of the two; 0: none is known,
 * and more rows are compared.  Initialises *out, also when it fails; og_delta_cleanup in any case. */
OG_MUST_USE og_status og_delta_tables(og_ctx *cx, og_lance_table *from, og_lance_table *to, uint64_t common,
                                      og_delta *out);
void og_delta_cleanup(og_delta *d);
/* The entity's change, or NULL. */
const og_delta_row *og_delta_find(const og_delta *d, og_str id);

/* Rows of two versions to be compared one by one: offset in_a[i] of `a` with in_b[i] of `b`, i < n. */
typedef struct og_delta_pairs {
  og_lance_table *a, *b;
  const og_delta_column *columns; /* from: of a, to: of b */
  uint32_t n_columns;
  const uint64_t *in_a, *in_b;
  size_t n;
} og_delta_pairs;
/* equal[i]: are the values of pair i equal in all columns?  A column that one of them lacks must be null in the other.
 */
OG_MUST_USE og_status og_delta_equal_rows(og_ctx *cx, const og_delta_pairs *p, bool *equal);
/* The columns of two versions of one table, paired; *out in arena `a`. */
OG_MUST_USE og_status og_delta_pair_columns(og_ctx *cx, og_arena *a, const og_lance_table *from,
                                            const og_lance_table *to, og_delta_column **out, uint32_t *n);

/* ---- Graphs */

/* A table that is not the same in two snapshots. */
typedef struct og_delta_table {
  uint64_t id, incarnation;        /* of the type: what pairs it, whatever it is called */
  const og_type_def *was, *is;     /* its type in either catalog; NULL: not there */
  const og_table_state *from, *to; /* NULL: not there */
  uint64_t common;                 /* as og_delta_tables wants it */
} og_delta_table;

/* The tables whose state differs, by name (that of the newer side) and then by identity.  Elements are og_delta_table,
 * borrowing from the snapshots. */
OG_MUST_USE og_status og_delta_snapshots(og_ctx *cx, og_snapshot *from, og_snapshot *to, og_vec *out);
/* og_delta_tables over one of them. */
OG_MUST_USE og_status og_delta_open(og_ctx *cx, og_snapshot *from, og_snapshot *to, const og_delta_table *t,
                                    og_delta *out);
/* Do both types have the same properties: identity, name, type, nullability?  Else images of the two do not compare. */
bool og_delta_same_shape(const og_type_def *a, const og_type_def *b);
