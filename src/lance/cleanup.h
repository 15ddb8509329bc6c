/* SPDX-License-Identifier: MIT */
/* lance/cleanup.h -- old versions of a table go, and the files that only they named.  For tables that are no part of a
 * graph. */
#pragma once

#include "lance/table.h"

typedef struct og_lance_cleanup_opts {
  uint64_t keep;     /* newest versions of each branch that stay; at least 1 */
  int64_t before_us; /* of the others, those made before this moment go (microseconds since 1970) */
  /* Files of ours that no version names, whose writer began before this moment, go too: it crashed, or lost a race.
   * Younger ones may belong to a write that is under way.  Files of other writers do not tell their age, and stay. */
  int64_t orphans_before_us;
  bool dry; /* counts only */
} og_lance_cleanup_opts;

typedef struct og_lance_cleanup_counts {
  uint64_t versions, files, bytes; /* files: manifests not counted; bytes: of both */
} og_lance_cleanup_counts;

/* What stays: the newest versions, those with a tag, those at which a branch began, and the one after each of these.  A
 * reader of a version that goes meets OG_ENOTFOUND.  OG_ECORRUPT: a manifest cannot be read, so what it needs is not
 * known: nothing was deleted. */
OG_MUST_USE og_status og_lance_cleanup(og_ctx *cx, const og_lance_place *at, const og_lance_cleanup_opts *opts,
                                       og_lance_cleanup_counts *out);
