/* SPDX-License-Identifier: MIT */
/* schema/decl.h -- a `.pg` text as declarations, between parser and compiler.  Everything lives in one arena. */
#pragma once

#include "schema/catalog.h"
#include "schema/lex.h"

typedef struct og_decl_annotation {
  og_annotation a;
  og_span span;
} og_decl_annotation;

typedef struct og_decl_constraint {
  og_constraint_kind kind;
  og_span span;
  const og_str *names;
  const og_span *name_spans;
  uint32_t n;
  og_bound min, max;
  og_str pattern;
} og_decl_constraint;

typedef struct og_decl_property {
  og_str name;
  og_span span, type_span;
  og_prop_type type;
  const og_decl_annotation *annotations;
  uint32_t n_annotations;
} og_decl_property;

typedef enum og_decl_kind { OG_DECL_INTERFACE, OG_DECL_NODE, OG_DECL_EDGE } og_decl_kind;

typedef struct og_decl {
  og_decl_kind kind;
  og_str name;
  og_span span;
  const og_decl_annotation *annotations;
  uint32_t n_annotations;
  const og_str *implements;
  const og_span *implements_spans;
  uint32_t n_implements;
  const og_decl_property *properties;
  uint32_t n_properties;
  const og_decl_constraint *constraints;
  uint32_t n_constraints;
  og_str from, to;
  og_span from_span, to_span;
  uint32_t card_min, card_max;
  bool has_card_max;
} og_decl;

typedef struct og_decl_file {
  og_source source;
  const og_decl *decls;
  uint32_t n;
} og_decl_file;

OG_MUST_USE og_status og_schema__parse(og_ctx *cx, og_arena *a, og_str text, og_str file_name, og_decl_file *out);
