/* SPDX-License-Identifier: MIT */
/* upkeep/cleanup.h -- old states go, and the files that only they, or nobody, needed.
 *
 * Rules: essay in cleanup.c.  Thread rule: any thread; beside any number of writers, readers and other cleanups.
 */
#pragma once

#include "graph/graph.h"

#define OG_CLEANUP_GRACE_US (24ll * 3600 * 1000000) /* longer than any honest write takes */

typedef struct og_cleanup_policy {
  uint64_t keep;    /* the newest commits of each branch whose states stay; 0: no criterion */
  bool has_older;   /* with both criteria, a state goes when it meets both */
  int64_t older_us; /* states of commits younger than this stay */
  int64_t grace_us; /* unpublished files of writes that began within it are left alone */
  bool dry;         /* counts, fences nothing, deletes nothing */
} og_cleanup_policy;

typedef struct og_cleaned_table {
  og_str key;                      /* "node:Person"; "__manifest"; empty: tables of types that are no more */
  uint64_t versions, files, bytes; /* versions removed; files: others; bytes: of both */
} og_cleaned_table;

typedef struct og_cleaned {
  og_cleaned_table *tables; /* by key, in cx->arena */
  size_t n_tables;
  uint64_t orphans; /* of the files and versions: those that no state ever named */
} og_cleaned;

/* What stays of each branch: its newest state, those the options say, and what a merge of two live branches would begin
 * from.  A reader of an older state meets OG_EGONE or OG_ENOTFOUND from then on.  OG_EINVALID: no criterion.
 * OG_EUNSUPPORTED: there are branches that another engine made.  OG_ECORRUPT, OG_ENOTFOUND: a state that stays cannot
 * be read, so what it needs is not known: nothing was deleted. */
OG_MUST_USE og_status og_cleanup(og_ctx *cx, og_graph *g, const og_cleanup_policy *opts, og_cleaned *out);
