/* SPDX-License-Identifier: MIT */
/* schema/migrate.h -- from an accepted schema to a desired one: what would change, and under which identities.
 *
 * A pure function: nothing is read, nothing is written.  What it plans is a catalog that carries the identities of the
 * accepted one over, so whoever applies it compares the two by number and never by name.
 * Thread rule: a plan belongs to one thread; its catalogs are immutable.
 */
#pragma once

#include "base/map.h"
#include "schema/catalog.h"

typedef enum og_type_kind { OG_KIND_INTERFACE, OG_KIND_NODE, OG_KIND_EDGE } og_type_kind;
const char *og_type_kind_name(og_type_kind kind); /* "interface", "node", "edge" */

typedef enum og_step_kind {
  OG_STEP_ADD_TYPE,
  OG_STEP_RENAME_TYPE,
  OG_STEP_ADD_PROPERTY,
  OG_STEP_RENAME_PROPERTY,
  OG_STEP_EXTEND_ENUM,
  OG_STEP_ADD_CONSTRAINT, /* an index: others are unsupported on a type that exists */
  OG_STEP_UPDATE_TYPE_METADATA,
  OG_STEP_UPDATE_PROPERTY_METADATA,
  OG_STEP_DROP_PROPERTY,
  OG_STEP_DROP_TYPE,
  OG_STEP_UNSUPPORTED
} og_step_kind;
const char *og_step_kind_name(og_step_kind kind); /* "add_type", … "unsupported_change" */

typedef struct og_step {
  og_step_kind kind;
  og_type_kind type_kind;
  og_str type;                   /* its name in the desired schema; in the accepted one when it is dropped */
  og_str property;               /* likewise; ptr NULL: the step is about the type */
  og_str from;                   /* RENAME_…: the name until now */
  const og_property *definition; /* ADD_PROPERTY, EXTEND_ENUM, UPDATE_PROPERTY_METADATA: as desired */
  const og_annotation *metadata; /* UPDATE_…_METADATA: all annotations there will be */
  uint32_t n_metadata;
  const og_constraint *constraint; /* ADD_CONSTRAINT */
  const og_str *added;             /* EXTEND_ENUM: the new values, sorted */
  uint32_t n_added;
  bool hard;        /* DROP_…: history goes, too */
  const char *code; /* UNSUPPORTED: "OG-MF-103" …, or NULL */
  og_str reason;    /* UNSUPPORTED */
} og_step;

typedef struct og_migration {
  og_catalog *accepted, *planned; /* one reference each */
  og_arena arena;
  const og_step *steps; /* empty: the two schemas mean the same */
  uint32_t n_steps;
  bool supported; /* no step is UNSUPPORTED */
  /* Types and properties of both by identity: no type has the number of a property. */
  og_umap was, will;
} og_migration;

/* Plans the way from `accepted` to `source`.  `hard`: drops take the history with them.  `incarnation_skip`: as for
 * og_schema_compile.  OG_EINVALID: the source does not compile, or its @rename_from hints cannot be followed ("plan
 * error: …", with position). */
OG_MUST_USE og_status og_schema_migrate(og_ctx *cx, og_catalog *accepted, og_str source, og_str file_name, bool hard,
                                        uint64_t incarnation_skip, og_migration *out);
/* Without steps: what is what in two catalogs of one graph, the second a later one of the first. */
OG_MUST_USE og_status og_schema_pair(og_ctx *cx, og_catalog *accepted, og_catalog *planned, og_migration *out);
void og_migration_cleanup(og_migration *m);
/* "node:Person.name": what an unsupported step is about. */
OG_MUST_USE og_status og_step_entity(og_ctx *cx, og_arena *a, const og_step *s, og_str *out);
/* The step as one line for people: "add property 'color' (String?) to node type 'Car'". */
OG_MUST_USE og_status og_step_text(og_ctx *cx, og_arena *a, const og_step *s, og_str *out);

/* ---- By identity */

typedef struct og_type_list {
  const og_type_def *types; /* by name */
  uint32_t n;
} og_type_list;
og_type_list og_catalog_types(const og_catalog *c, og_type_kind kind);

/* The type, or the property, that has this identity; NULL: none has. */
static inline const og_type_def *og_ids_type(const og_umap *ids, uint64_t id)
{
  uint64_t at = 0;
  return og_umap_get(ids, id, &at) ? (const og_type_def *)(uintptr_t)at : NULL;
}
static inline const og_property *og_ids_property(const og_umap *ids, uint64_t id)
{
  uint64_t at = 0;
  return og_umap_get(ids, id, &at) ? (const og_property *)(uintptr_t)at : NULL;
}
