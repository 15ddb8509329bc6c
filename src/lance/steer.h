/* SPDX-License-Identifier: MIT */
/* lance/steer.h -- how a field's metadata asks for its pages to be written.  Private to the room.
 *
 *   lance-encoding:compression           none, fsst, lz4 or zstd; without it, what turns out smallest of the encodings
 *                                        that are fast to read
 *   lance-encoding:compression-level     of zstd
 *   lance-encoding:bss                   off, on or auto: bytes of numbers apart before they are compressed
 *   lance-encoding:structural-encoding   miniblock or fullzip
 *
 * Names and values are those of Lance (https://lance.org/format/).  A wish that does not fit the values is not obeyed:
 * pages are right in any case.  Values we do not know are no error, for a newer Lance may know them.
 */
#pragma once

#include "arrow/type.h"
#include "lance/enc.h"

typedef struct og_lance__steer {
  bool none, fsst;         /* compression: */
  og_lance__scheme scheme; /* 0: none asked for */
  int level;               /* 0: the usual one */
  bool no_split;
  bool mini_block, full_zip;
  og_str packed; /* of a packed struct: bits of each child, as packed varints */
} og_lance__steer;

/* Of a leaf field; what it does not say, the top-level field that it lies in may.  `a` is for what it points at. */
OG_MUST_USE og_status og_lance__steer_of(og_ctx *cx, og_arena *a, const og_field *leaf, const og_field *top,
                                         og_lance__steer *out);
