/* SPDX-License-Identifier: MIT */
/* schema/internal.h -- what the compiler's files share. */
#pragma once

#include "base/json.h"
#include "schema/decl.h"

/* A property of a type with what its interfaces contribute. */
typedef struct og_effective_property {
  const og_decl_property *decl; /* the type's own, or the first interface's (interfaces sorted by name) */
  bool direct;
  const og_str *owners; /* contributing interfaces, sorted by name */
  uint32_t n_owners;
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
  og_effective *effective; /* per declaration */
} og_compiler;

OG_MUST_USE og_status og_rules__check(og_compiler *k, const og_decl *d, const og_effective *e);

/* Hands out ids for what has none: types, then properties, then incarnations after `skip` unused numbers. */
OG_MUST_USE og_status og_identity__assign(og_ctx *cx, og_catalog *c, uint64_t skip);
/* Takes every id from an IR document. */
OG_MUST_USE og_status og_identity__restore(og_ctx *cx, og_catalog *c, const og_json *ir);
