/* SPDX-License-Identifier: MIT */
/* lance/transaction.h -- the record of what a version changed, for Lance writers elsewhere that must rebase over it. */
#pragma once

#include "lance/manifest.h"
#include "lance/table.h"

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
  const og_lance_schema *schema;   /* OVERWRITE */
  og_str clone_path, clone_branch; /* CLONE: absolute path of the source table, and the branch made */
  uint64_t clone_version;
} og_transaction;

OG_MUST_USE og_status og_transaction_encode(og_ctx *cx, const og_transaction *t, og_buf *out);
