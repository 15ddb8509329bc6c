/* SPDX-License-Identifier: MIT */
/* lance/blob.h -- Lance blobs: values that lie apart from their column.
 *
 * Private to the room.  The column holds descriptors:
 *
 *   u8 kind, u64 position, u64 size, u32 blob number, u32 length and bytes of a URI
 *
 *   kind  the bytes are                                             position
 *   0     in the data file itself                                   in the file
 *   1     among others in a file beside it                          in that file
 *   2     a file beside it                                          0
 *   3     behind the URI, which is refused                          in what it names
 *
 * "Beside" a data file x.lance is the folder x, where a blob file is named by the 32 bits of its number, lowest first.
 * An empty value has size 0; a null one has no descriptor.  We write kind 0 only, aligned to 64 bytes.
 * Source: files written by Lance 14.
 */
#pragma once

#include "lance/enc.h"
#include "lance/file.h"
#include "store/store.h"

#define OG_LANCE__BLOB_BYTES 25u /* a descriptor without a URI */

/* How descriptors lie in a page. */
extern const og_lance__enc og_lance__blob_enc;
OG_MUST_USE og_status og_lance__blob_encoding_check(og_ctx *cx, const og_lance__enc *e);
/* The descriptor of bytes in the data file itself, in `text`. */
og_str og_lance__blob_inline(uint64_t position, uint64_t size, char text[OG_LANCE__BLOB_BYTES]);
/* Where the bytes of a descriptor lie, of the data file at `key`. */
OG_MUST_USE og_status og_lance__blob_find(og_ctx *cx, og_str key, og_str descriptor, og_lance_blob *out);
/* The bytes that a column of descriptors names, of the data file at `key`. */
OG_MUST_USE og_status og_lance__blobs_fetch(og_ctx *cx, og_store *store, og_str key, const og_field *field,
                                            const og_column *descriptors, og_column **out);
