/* SPDX-License-Identifier: MIT */
/* schema/internal.h -- what the compiler's files share. */
#pragma once

#include "base/json.h"
#include "base/map.h"
#include "schema/decl.h"

/* A property of a type with what its interfaces contribute. */
typedef struct og_effective_property {
  const og_decl_property *decl; /* the type's own, or the first interface's (interfaces sorted by name) */
  bool direct;
  og_str *owners; /* contributing interfaces, sorted by name */
  uint32_t n_owners, owners_cap;
  const og_property *meaning; /* of an injected one, once a second interface had to agree; else NULL */
} og_effective_property;

typedef struct og_effective {
  og_effective_property *props; /* by name */
  uint32_t n;
} og_effective;

typedef struct og_compiler {
  og_ctx *cx;
  og_arena *a;       /* the catalog's */
  og_arena *scratch; /* dies with the compilation */
  const og_decl_file *file;
  og_catalog *catalog;
  og_map names[3];         /* per og_decl_kind: name to index into the declarations */
  og_effective *effective; /* per declaration */
} og_compiler;

OG_MUST_USE og_status og_rules__check(og_compiler *k, const og_decl *d, const og_effective *e);

/* Hands out ids for what has none, from c->next_id on: types, then properties, then incarnations after `skip` unused
 * numbers. */
OG_MUST_USE og_status og_identity__assign(og_ctx *cx, og_catalog *c, uint64_t skip);
/* Gives references by name their numbers, and puts them in the order of those. */
OG_MUST_USE og_status og_identity__link(og_ctx *cx, const og_catalog *c);

/* A catalog without identities.  *out holds one reference. */
OG_MUST_USE og_status og_schema__compile(og_ctx *cx, og_str source, og_str file_name, og_catalog **out);
/* By binary search; NULL: none. */
const og_type_def *og_catalog__find(const og_type_def *list, uint32_t n, og_str name);
bool og_optional__eq(og_str a, og_str b); /* none is not empty */
bool og_annotation__eq(const og_annotation *a, const og_annotation *b);
bool og_bound__eq(const og_bound *a, const og_bound *b);
/* An annotation as the contract spells it, compact: also the order annotations stand in. */
OG_MUST_USE og_status og_ir__annotation_text(og_ctx *cx, const og_annotation *a, og_buf *out);
