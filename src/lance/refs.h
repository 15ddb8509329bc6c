/* SPDX-License-Identifier: MIT */
/* lance/refs.h -- tags and branches of a table, and the versions it has.
 *
 *   root/_refs/tags/<name>.json        a name for a version of one branch
 *   root/_refs/branches/<name>.json    a branch; '/' in its name is "%2F" in the file's
 *   root/tree/<name>/...               its versions: a shallow clone of the version it began at, then its own
 *
 * For tables that are no part of a graph; a graph keeps a registry of its own.  In a place, `branch` is the one a
 * function is about, and of no account where it is about the whole table.  Results live in cx->arena.
 */
#pragma once

#include "lance/table.h"

typedef struct og_lance_version_ref {
  uint64_t version;
  uint64_t size; /* of its manifest */
} og_lance_version_ref;
/* The versions of one branch, ascending. */
OG_MUST_USE og_status og_lance_versions(og_ctx *cx, const og_lance_place *at, og_vec *out /* og_lance_version_ref */);

/* OG_EINVALID says which rule of Lance's the name breaks. */
OG_MUST_USE og_status og_lance_branch_name_check(og_ctx *cx, og_str name);
OG_MUST_USE og_status og_lance_tag_name_check(og_ctx *cx, og_str name);

typedef struct og_lance_tag {
  og_str name, branch; /* branch: empty: main */
  uint64_t version;
} og_lance_tag;
/* By name.  OG_ECORRUPT: one that cannot be read. */
OG_MUST_USE og_status og_lance_tags(og_ctx *cx, const og_lance_place *at, og_vec *out /* og_lance_tag */);
/* Names a version of at->branch.  OG_ENOTFOUND: there is no such version; OG_EEXISTS: there is such a tag, unless
 * `move`. */
OG_MUST_USE og_status og_lance_tag_put(og_ctx *cx, const og_lance_place *at, og_str name, uint64_t version, bool move);
/* OG_ENOTFOUND. */
OG_MUST_USE og_status og_lance_tag_delete(og_ctx *cx, const og_lance_place *at, og_str name);

typedef struct og_lance_branch {
  og_str name, parent; /* parent: empty: main */
  uint64_t version;    /* at which it began */
  og_str mapping;      /* JSON array of [version, "32 hex digits"], ancestors first; empty: none recorded */
} og_lance_branch;
OG_MUST_USE og_status og_lance_branches(og_ctx *cx, const og_lance_place *at, og_vec *out /* og_lance_branch */);
/* Makes branch `name` of a version (0: the newest) of at->branch.  OG_EEXISTS: there is one, or what is left of one;
 * OG_ENOTFOUND. */
OG_MUST_USE og_status og_lance_branch_create(og_ctx *cx, const og_lance_place *at, og_str name, uint64_t version,
                                             const og_lance_change_opts *opts);
/* And its files.  OG_ENOTFOUND; OG_ECONFLICT: another branch began at it, or a tag names a version of it. */
OG_MUST_USE og_status og_lance_branch_delete(og_ctx *cx, const og_lance_place *at, og_str name);
