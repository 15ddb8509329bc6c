/* SPDX-License-Identifier: MIT */
/* schema/catalog.h -- an accepted `.pg` schema: types, properties, constraints, and their lasting identities.
 *
 * A catalog is what the rest of the engine sees of a schema.  Names are how people speak of things; identity is by
 * number: a type has a stable id and an incarnation id (its table folder), a property a stable id.
 * Thread rule: immutable; share by reference.  Everything in it lives as long as the catalog.
 */
#pragma once

#include "base/buf.h"
#include "base/json.h"
#include "base/source.h"
#include "base/ulid.h"

typedef enum og_scalar_kind {
  OG_SC_STRING,
  OG_SC_BLOB,
  OG_SC_BOOL,
  OG_SC_I32,
  OG_SC_I64,
  OG_SC_U32,
  OG_SC_U64,
  OG_SC_F32,
  OG_SC_F64,
  OG_SC_DATETIME, /* epoch milliseconds */
  OG_SC_DATE,     /* epoch days */
  OG_SC_VECTOR    /* `dim` 32-bit floats */
} og_scalar_kind;

typedef struct og_prop_type {
  og_scalar_kind kind;
  uint32_t dim; /* VECTOR */
  bool list, nullable;
  const og_str *enum_values; /* sorted; kind is STRING then */
  uint32_t n_enum;
} og_prop_type;

const char *og_scalar_name(og_scalar_kind kind);          /* "String", … "Vector" */
bool og_scalar_by_name(og_str name, og_scalar_kind *out); /* not Vector */
bool og_scalar_is_number(og_scalar_kind kind);
/* "[String]?", "Vector(3)", "enum(a, b)" as written in a schema. */
OG_MUST_USE og_status og_prop_type_text(og_ctx *cx, og_arena *a, const og_prop_type *t, og_str *out);

bool og_prop_type_eq(const og_prop_type *a, const og_prop_type *b); /* of enums the values, too */

typedef struct og_annotation {
  og_str name;
  og_str value;         /* ptr NULL: none; strings unquoted, other literals as written */
  const og_str *kwargs; /* key, value, ... sorted by key */
  uint32_t n_kwargs;
} og_annotation;

/* What @rename_from says: for the migration from an older schema only, and no part of the contract. */
typedef struct og_rename_hint {
  og_str from; /* ptr NULL: none */
  og_span span;
} og_rename_hint;

typedef struct og_interface_ref { /* an interface property that a node property satisfies */
  og_str owner, property;
  uint64_t owner_id, property_id;
} og_interface_ref;

typedef struct og_property {
  og_str name;
  uint64_t id;
  og_prop_type type;
  bool key, unique, index;          /* written on the property itself */
  const og_annotation *annotations; /* canonical: without key, unique, index, embed, rename_from; sorted */
  uint32_t n_annotations;
  og_str embed_source, embed_model;  /* ptr NULL: none */
  bool direct;                       /* written in the type's own body */
  const og_interface_ref *satisfies; /* sorted by owner id */
  uint32_t n_satisfies;
  og_rename_hint hint;
} og_property;

typedef enum og_constraint_kind {
  OG_CON_KEY,
  OG_CON_UNIQUE,
  OG_CON_INDEX,
  OG_CON_RANGE,
  OG_CON_CHECK
} og_constraint_kind;

typedef struct og_bound {
  bool has, is_float;
  int64_t i;
  double f; /* the same value, whichever form it was written in */
} og_bound;

#define OG_FIELD_ID  (-1)
#define OG_FIELD_SRC (-2)
#define OG_FIELD_DST (-3)

typedef struct og_constraint {
  og_constraint_kind kind;
  const og_str *names;   /* sorted */
  const int32_t *fields; /* per name: index into the type's properties, or OG_FIELD_… */
  uint32_t n;            /* RANGE, CHECK: 1 */
  og_bound min, max;     /* RANGE, inclusive */
  og_str pattern;        /* CHECK */
} og_constraint;

typedef struct og_type_ref {
  og_str name;
  uint64_t id;
} og_type_ref;

typedef struct og_type_def {
  bool is_edge;
  og_str name;
  og_str key;                    /* "node:Person", "edge:Knows": the table key */
  uint64_t id, incarnation;      /* incarnation 0: an interface */
  const og_property *properties; /* by name */
  uint32_t n_properties;
  const og_constraint *constraints; /* canonical order */
  uint32_t n_constraints;
  const og_constraint *key_fields; /* the @key constraint, or NULL */
  const og_annotation *annotations;
  uint32_t n_annotations;
  const og_type_ref *implements; /* by id */
  uint32_t n_implements;
  uint32_t from, to; /* edges: index into nodes */
  uint32_t card_min, card_max;
  bool has_card_max;
  og_rename_hint hint;
} og_type_def;

typedef struct og_catalog {
  _Atomic uint32_t refs;
  og_arena arena;
  og_str source;                 /* the text it was compiled from */
  og_ulid domain;                /* namespace of every id here */
  uint64_t next_id;              /* ids are never reused */
  const og_type_def *interfaces; /* by name */
  uint32_t n_interfaces;
  const og_type_def *nodes; /* by name */
  uint32_t n_nodes;
  const og_type_def *edges; /* by name */
  uint32_t n_edges;
} og_catalog;

/* Compiles source text for a fresh graph: ids from 1.  `incarnation_skip` leaves that many ids unused before the
 * incarnations, when table folders of a crashed init stand in the way; normally 0.
 * OG_EINVALID "parse error: …" or "catalog error: …" with position, caret and hint. *out holds one reference. */
OG_MUST_USE og_status og_schema_compile(og_ctx *cx, og_str source, og_str file_name, const og_ulid *domain,
                                        uint64_t incarnation_skip, og_catalog **out);
/* Compiles source text that was accepted before, with the identities recorded in its IR; `state` proves both.
 * OG_ECORRUPT when the three do not belong together. */
OG_MUST_USE og_status og_schema_restore(og_ctx *cx, og_str source, og_str ir, og_str state, og_catalog **out);
/* Compiles without a graph, for linting: ids as for a fresh one. */
OG_MUST_USE og_status og_schema_check(og_ctx *cx, og_str source, og_str file_name, og_catalog **out);
/* Only whether the text keeps to the grammar, for formatting.  Everything is in `a`. */
OG_MUST_USE og_status og_schema_parse_only(og_ctx *cx, og_arena *a, og_str source, og_str file_name);

og_catalog *og_catalog_ref(og_catalog *c);
void og_catalog_unref(og_catalog *c); /* NULL is fine */

const og_type_def *og_catalog_node(const og_catalog *c, og_str name);      /* exact, or NULL */
const og_type_def *og_catalog_interface(const og_catalog *c, og_str name); /* exact, or NULL */
const og_type_def *og_catalog_edge(const og_catalog *c, og_str name);      /* exact, else ASCII case folded, or NULL */
const og_type_def *og_catalog_edge_exact(const og_catalog *c, og_str name);
const og_type_def *og_catalog_table(const og_catalog *c, og_str key); /* "node:…", "edge:…", or NULL */
int32_t og_type_property(const og_type_def *t, og_str name);          /* index, or -1 */
static inline const og_type_def *og_edge_from(const og_catalog *c, const og_type_def *e)
{
  return &c->nodes[e->from];
}
static inline const og_type_def *og_edge_to(const og_catalog *c, const og_type_def *e)
{
  return &c->nodes[e->to];
}
/* The nearest name within edit distance 2, for "did you mean"; empty: none.  An interface counts as a node type. */
og_str og_catalog_suggest_node(const og_catalog *c, og_str name);
og_str og_catalog_suggest_edge(const og_catalog *c, og_str name);
og_str og_type_suggest_property(const og_type_def *t, og_str name);

/* ---- The contract (schema/ir.c): byte-exact, because its hashes are compared. */

/* Identity-bearing IR as JSON; the file is pretty, the hash is over the compact form. */
OG_MUST_USE og_status og_schema_ir_write(og_ctx *cx, const og_catalog *c, bool pretty, og_buf *out);
/* Identity-free shape, compact. */
OG_MUST_USE og_status og_schema_shape_write(og_ctx *cx, const og_catalog *c, og_buf *out);
/* `__schema_state.json`. */
OG_MUST_USE og_status og_schema_state_write(og_ctx *cx, const og_catalog *c, og_buf *out);
/* Its parts, where an answer shows them. */
OG_MUST_USE og_status og_schema_type_write(og_ctx *cx, const og_prop_type *t, og_json_writer *w);
OG_MUST_USE og_status og_schema_annotation_write(og_ctx *cx, const og_annotation *a, og_json_writer *w);
#define OG_SHA256_TEXT (7 + 64)
/* "sha256:" and 64 hex digits, no NUL. */
OG_MUST_USE og_status og_sha256_text(og_ctx *cx, og_str bytes, char out[OG_SHA256_TEXT]);
