/* SPDX-License-Identifier: MIT */
/* graph/bind.h -- what tells the columns of a stored table from those that a type wants, by identity.
 *
 * A property column carries its property's id in its field metadata.  Two things are made of the difference: the change
 * that a schema apply makes to the table, and the view of an old version under a newer type.
 */
#pragma once

#include "lance/table.h"
#include "schema/catalog.h"

typedef struct og_column_rename {
  uint32_t column; /* of the stored table */
  og_str name;     /* borrowed from the type */
} og_column_rename;

typedef struct og_binding {
  bool same; /* the table is as the type wants it: all else is empty */
  uint32_t *dropped;
  size_t n_dropped;
  og_column_rename *renamed;
  size_t n_renamed;
  og_schema *added; /* columns to add, all null; one reference, or NULL */
  uint32_t fixed;   /* columns that stand in front of the properties; those are in name order behind */
} og_binding;

/* Of `t` as it is stored, for the type `will`.  `named` is a type whose names the columns have: it tells which property
 * a column is when it does not say itself, as in older graphs of the original engine.  Lists live in cx->arena. */
OG_MUST_USE og_status og_bind(og_ctx *cx, const og_type_def *named, const og_type_def *will, const og_lance_table *t,
                              og_binding *out);
void og_binding_cleanup(og_binding *b);
/* Shows a table, which nobody else holds yet, as the type wants it. */
OG_MUST_USE og_status og_binding_relayout(og_ctx *cx, const og_binding *b, og_lance_table *t);
