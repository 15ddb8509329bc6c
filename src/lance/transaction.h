/* SPDX-License-Identifier: MIT */
/* lance/transaction.h -- the record of what a version changed, for Lance writers elsewhere that must rebase over it. */
#pragma once

#include "lance/manifest.h"
#include "lance/table.h"

/* Operations, as the record numbers them. */
typedef enum og_transaction_kind {
  OG_TX_UNKNOWN = 0, /* no record, or one of a kind we do not know */
  OG_TX_APPEND = 100,
  OG_TX_DELETE,
  OG_TX_OVERWRITE,
  OG_TX_CREATE_INDEX,
  OG_TX_REWRITE,
  OG_TX_MERGE,
  OG_TX_RESTORE,
  OG_TX_RESERVE_FRAGMENTS,
  OG_TX_UPDATE,
  OG_TX_PROJECT,
  OG_TX_UPDATE_CONFIG,
  OG_TX_DATA_REPLACEMENT,
  OG_TX_UPDATE_MEM_WAL,
  OG_TX_CLONE,
  OG_TX_UPDATE_BASES,
  OG_TX_END
} og_transaction_kind;

/* A REWRITE: some fragments became others. */
typedef struct og_transaction_group {
  const og_fragment *old_ones, *new_ones;
  uint32_t n_old, n_new;
} og_transaction_group;

/* A CONFIG: value.ptr NULL removes the key. */
typedef struct og_transaction_pair {
  og_str key, value;
} og_transaction_pair;

typedef struct og_transaction {
  og_lance_op op;
  uint64_t read_version;
  og_str uuid;
  const og_fragment *added; /* as a writer states them: id 0, no row ids */
  uint32_t n_added;
  const og_fragment *updated; /* full, with their new deletion files */
  uint32_t n_updated;
  const uint64_t *removed; /* fragment ids */
  uint32_t n_removed;
  const og_str *index_added, *index_removed; /* INDEX: IndexMetadata messages */
  uint32_t n_index_added, n_index_removed;
  const og_lance_schema *schema; /* OVERWRITE, PROJECT, MERGE */
  const og_fragment *all;        /* MERGE: every fragment of the version */
  uint32_t n_all;
  const og_transaction_group *groups; /* REWRITE */
  uint32_t n_groups;
  const og_transaction_pair *config; /* CONFIG */
  uint32_t n_config;
  uint64_t restored;               /* RESTORE: the version */
  og_str clone_path, clone_branch; /* CLONE: absolute path of the source table, and the branch made */
  uint64_t clone_version;
} og_transaction;

OG_MUST_USE og_status og_transaction_encode(og_ctx *cx, const og_transaction *t, og_buf *out);
/* Only what kind the record is of. */
OG_MUST_USE og_status og_transaction_kind_of(og_ctx *cx, og_str record, og_transaction_kind *out);
