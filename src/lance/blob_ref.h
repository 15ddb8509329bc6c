/* SPDX-License-Identifier: MIT */
/* lance/blob_ref.h -- blobs handed on without their bytes.
 *
 * Where rows are written again, a blob need not pass through memory: a batch for og_lance_change may have a column of
 * type binary where the table has a blob (large_binary), and its values are then references: bytes of any length given
 * at once, a blob in another data file of the table, a blob outside, or one that was given piece by piece.  Scans and
 * takes give references when asked to.  References live in one process only, and are never written.
 */
#pragma once

#include "arrow/column.h"
#include "base/buf.h"

/* ---- Objects outside the table that blobs may name: those in folders that are allowed.  Thread rule: immutable once
 * the folders are in. */
typedef struct og_lance_outside og_lance_outside;
OG_MUST_USE og_status og_lance_outside_new(og_ctx *cx, og_lance_outside **out);
void og_lance_outside_free(og_lance_outside *o);                                              /* NULL is fine */
OG_MUST_USE og_status og_lance_outside_allow(og_ctx *cx, og_lance_outside *o, og_str folder); /* path or file:// */
/* OG_EDENIED: `uri` is in none of them; OG_EUNSUPPORTED: a kind of store we do not know. */
OG_MUST_USE og_status og_lance_outside_check(og_ctx *cx, const og_lance_outside *o, og_str uri);

/* ---- References */

/* Appends a reference. */
OG_MUST_USE og_status og_lance_blob_ref_bytes(og_ctx *cx, og_str bytes, og_buf *out);
/* A range of an object outside the table; position 0 and size 0: all of it.  OG_EINVALID: the range overflows, or `uri`
 * has no scheme, is longer than 64 KiB or no UTF-8. */
OG_MUST_USE og_status og_lance_blob_ref_outside(og_ctx *cx, og_str uri, uint64_t position, uint64_t size, og_buf *out);
/* Bytes that it will take to read the blob; a guess for one outside that is taken whole. */
uint64_t og_lance_blob_ref_size(og_str ref);

/* `schema` as it fits `columns`: blobs that come as references are binary.  One reference is the caller's. */
OG_MUST_USE og_status og_lance_blob_ref_schema(og_ctx *cx, og_schema *schema, og_column *const *columns,
                                               og_schema **out);
