/* SPDX-License-Identifier: MIT */
/* lance/named.h -- which files a version of a table names, and when the writer of a file began: for collecting garbage.
 */
#pragma once

#include "base/map.h"
#include "lance/table.h"

/* Adds the keys of the files that a version names, its manifest left out: data, deletions, transaction, row ids; of
 * indexes and blobs the folder, with a slash behind.  Keys live in cx->arena, or in the map when it copies them. */
OG_MUST_USE og_status og_lance_table_named(og_ctx *cx, const og_lance_table *t, og_map *out);
/* Is the key, or the folder it lies in, among them? */
bool og_lance_is_named(const og_map *named, og_str key);
/* When the writer of one of our files began, in milliseconds since 1970, as its name tells (change.c (6)); false for
 * files of others, and for manifests. */
bool og_lance_file_began(og_str key, uint64_t *ms);
/* The same of a manifest, by its transaction uuid. */
bool og_lance_table_began(const og_lance_table *t, uint64_t *ms);
/* The number and the folder of a version, by the key of its manifest ("<root>[/tree/<branch>]"); false: it is none. */
bool og_lance_manifest_parse(og_str key, og_str *folder, uint64_t *version);
