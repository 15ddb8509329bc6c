/* SPDX-License-Identifier: MIT */
/* lance/manifest.h -- one version of a table, as its manifest file says it.
 *
 * Byte layout: docs/dev/lance-format.md.  Whatever a message holds that we do not know is kept as raw bytes and written
 * back, so that rewriting a table of a newer Lance loses nothing.
 * Thread rule: immutable once decoded; lives in its arena.
 */
#pragma once

#include "lance/fields.h"
#include "lance/pb.h"
#include "store/store.h"

#define OG_FLAG_DELETIONS  1u
#define OG_FLAG_STABLE_IDS 2u
#define OG_FLAG_CONFIG     8u
#define OG_FLAG_BASE_PATHS 16u
#define OG_FLAGS_READ      (1u | 2u | 4u | 16u)
#define OG_FLAGS_WRITE     (1u | 2u | 4u | 8u | 16u | 32u)

typedef struct og_data_file {
  og_str path;                     /* below data/ */
  const int32_t *fields, *columns; /* parallel; column -1: not said (files before 2.0) */
  uint32_t n;                      /* leaves */
  uint32_t major, minor;
  uint64_t size; /* 0: unknown */
  bool has_base;
  uint32_t base;
  og_str unknown;
} og_data_file;

/* A sequence kept inline, or in a file of its own. */
/* Part of a file of its own. */
typedef struct og_external_file {
  og_str path; /* below the table's folder */
  uint64_t off, len;
} og_external_file;

typedef struct og_sequence_ref {
  bool present;
  og_str bytes; /* inline: the sequence; external: the ExternalFile message, written back as it is */
  const og_external_file *external; /* NULL: inline */
} og_sequence_ref;

typedef struct og_deletion_ref {
  bool present;
  uint32_t kind; /* 0 Arrow IPC, 1 Roaring */
  uint64_t read_version, id, rows;
  bool has_base;
  uint32_t base;
  og_str unknown;
} og_deletion_ref;

typedef struct og_fragment {
  uint64_t id, rows; /* physical */
  og_data_file *files;
  uint32_t n_files;
  og_deletion_ref del;
  og_sequence_ref ids, updated, created;
  og_str unknown;
} og_fragment;

typedef struct og_base_path {
  uint32_t id;
  og_str name;
  bool is_root;
  og_str path; /* absolute, as recorded */
  og_str unknown;
} og_base_path;

typedef struct og_manifest {
  og_arena arena;
  og_lance_schema *schema; /* one reference */
  og_fragment *fragments;
  uint32_t n_fragments;
  uint64_t version;
  int64_t seconds;
  int32_t nanos;
  uint64_t reader_flags, writer_flags;
  bool has_max_fragment;
  uint32_t max_fragment;
  og_str tx_file; /* below _transactions/ */
  og_str writer;  /* raw WriterVersion message */
  uint64_t next_row_id;
  og_str format, format_version; /* "lance", "2.2" */
  og_str format_unknown;
  og_str *config; /* key, value, ... */
  uint32_t n_config;
  og_str *table_meta; /* the same */
  uint32_t n_table_meta;
  og_base_path *bases;
  uint32_t n_bases;
  og_str branch;
  og_str index_section; /* raw IndexSection message; ptr NULL: none */
  og_str transaction;   /* raw inline Transaction message; ptr NULL: none */
  og_str unknown;       /* fields we do not know */
} og_manifest;

void og_manifest_cleanup(og_manifest *m);
/* From the whole file.  OG_ECORRUPT; OG_EUNSUPPORTED for unknown reader flags.  On failure `out` is empty. */
OG_MUST_USE og_status og_manifest_decode(og_ctx *cx, og_str file, og_manifest *out);
/* The whole file; `transaction` and `index_section` go in front. */
OG_MUST_USE og_status og_manifest_encode(og_ctx *cx, const og_manifest *m, og_buf *out);
/* The IndexSection with `base` as the base path of every index that names none: for a shallow clone. */
OG_MUST_USE og_status og_index_section_inherit(og_ctx *cx, og_str section, uint32_t base, og_buf *out);
/* DataFragment message, for manifests and transactions. */
OG_MUST_USE og_status og_fragment_encode(og_ctx *cx, const og_fragment *f, og_buf *out);
