/* SPDX-License-Identifier: MIT */
/* lance/fields.h -- a Lance schema: fields flat in depth-first order, each with an id that is never
 * reused.
 *
 * The same protobuf message stands in manifests and in data files.  Unknown parts of a field are
 * kept. Thread rule: immutable once made; share by reference.
 */
#pragma once

#include "arrow/type.h"
#include "base/buf.h"
#include "base/vec.h"

typedef struct og_lance_field {
  int32_t id, parent; /* parent -1: top level */
  og_str name, logical_type;
  bool nullable;
  bool primary_key;      /* field 12 */
  uint64_t key_position; /* field 13 */
  int32_t encoding;      /* legacy field 7, kept */
  const og_str *meta;    /* key, value, ... */
  uint32_t n_meta;
  og_str unknown; /* raw bytes of fields we do not know */
} og_lance_field;

/* An Arrow dictionary: read as its values, never written. */
static inline bool og_lance_field_is_dictionary(const og_lance_field *f)
{
  return og_str_starts_with(f->logical_type, OG_STR("dict:"));
}

typedef struct og_lance_schema {
  _Atomic uint32_t refs;
  og_arena arena;
  og_lance_field *fields; /* depth first */
  uint32_t n_fields;
  og_schema *arrow;   /* the same as Arrow, top-level fields in order */
  const og_str *meta; /* schema metadata */
  uint32_t n_meta;
} og_lance_schema;

/* A Lance blob ("blob v2"): to Arrow and to us a large_binary field that carries this mark, on disk a struct whose values
 * lie apart (blob.h).  The mark is metadata of the Arrow view only. */
#define OG_LANCE_BLOB_MARK "lance:blob"
bool og_lance_is_blob(const og_field *f);

/* From an Arrow schema, ids 0.. in depth-first order.  Field metadata is carried over;
 * `lance-schema:unenforced-primary-key` = "true" also sets field 12.  OG_EUNSUPPORTED names a type
 * Lance lacks. */
OG_MUST_USE og_status og_lance_schema_new(og_ctx *cx, const og_schema *arrow,
                                          og_lance_schema **out);
/* The same, but ids from `first_id` on: for columns that a table gets later.  OG_ELIMIT: there are no more ids. */
OG_MUST_USE og_status og_lance_schema_numbered(og_ctx *cx, const og_schema *arrow, int32_t first_id,
                                               og_lance_schema **out);
og_lance_schema *og_lance_schema_ref(og_lance_schema *s);
void og_lance_schema_unref(og_lance_schema *s);

/* Position in `fields` of the field with this id, or -1. */
int og_lance_schema_find_id(const og_lance_schema *s, int32_t id);
/* Position in `fields` of the top-level field with this name, or -1. */
int og_lance_schema_find(const og_lance_schema *s, og_str name);
/* Position of the i-th top-level field (Arrow field i). */
uint32_t og_lance_schema_top(const og_lance_schema *s, uint32_t i);

/* Appends the fields as a data file of ours has them: as below, but blobs by the parts of their descriptors. */
OG_MUST_USE og_status og_lance_file_fields_encode(og_ctx *cx, const og_lance_schema *s, uint32_t num, og_buf *out);
/* Appends the fields as `repeated Field fields = num`. */
OG_MUST_USE og_status og_lance_fields_encode(og_ctx *cx, const og_lance_schema *s, uint32_t num,
                                             og_buf *out);
/* Appends the schema metadata as `map<string, bytes> meta = num`. */
OG_MUST_USE og_status og_lance_meta_encode(og_ctx *cx, const og_lance_schema *s, uint32_t num,
                                           og_buf *out);
OG_MUST_USE og_status og_lance_meta_entry_encode(og_ctx *cx, uint32_t num, og_str key, og_str value, og_buf *out);
/* From the raw bytes of each Field message and of each metadata map entry. OG_ECORRUPT on cycles,
 * unknown parents, duplicate ids; OG_EUNSUPPORTED names a logical type we do not know. */
OG_MUST_USE og_status og_lance_schema_decode(og_ctx *cx, const og_str *fields, size_t n_fields,
                                             const og_str *meta_entries, size_t n_meta,
                                             og_lance_schema **out);

/* Another schema made of this one. */
typedef struct og_lance_rename {
  int32_t id;
  og_str name;
} og_lance_rename;
typedef struct og_lance_alteration {
  const int32_t *dropped; /* ids of top-level fields; their children go with them */
  size_t n_dropped;
  const og_lance_rename *renamed; /* top-level fields */
  size_t n_renamed;
  const og_lance_schema *added; /* behind the others; NULL: none */
  bool by_name;                 /* then the top-level fields behind the first `fixed` stand in the order of their names */
  uint32_t fixed;
} og_lance_alteration;
/* OG_EINVALID: two columns of one name, or none left; ids that are not there are passed over. */
OG_MUST_USE og_status og_lance_schema_alter(og_ctx *cx, const og_lance_schema *from, const og_lance_alteration *a,
                                            og_lance_schema **out);
