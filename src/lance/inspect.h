/* SPDX-License-Identifier: MIT */
/* lance/inspect.h -- a Lance table laid open: for people who want to know what is in the files.
 *
 * Thread rule: one thread.
 */
#pragma once

#include "base/json.h"
#include "lance/table.h"

/* Writes one JSON object about a version (0: the newest): its number, time and transaction, the range of versions there
 * are, the schema, and per fragment its rows, stable row ids, row versions, and files with the pages of every column
 * and how they are encoded.
 *
 * With `verify`, every value of every column is read and checked on top: "problems" lists what is wrong or cannot be
 * read, and *sound tells whether it is empty.  Without it *sound is true.
 * OG_ENOTFOUND: no table, or no such version; whatever opening a version may raise. */
OG_MUST_USE og_status og_lance_inspect(og_ctx *cx, const og_lance_place *at, uint64_t version, bool verify,
                                       og_json_writer *w, bool *sound);
