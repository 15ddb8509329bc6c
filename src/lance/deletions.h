/* SPDX-License-Identifier: MIT */
/* lance/deletions.h -- which rows of a fragment are gone.
 *
 * In memory a plain bitmap over the fragment's physical rows, least significant bit first, 1 = deleted.  On disk a
 * 32-bit Roaring bitmap in the portable format (https://github.com/RoaringBitmap/RoaringFormatSpec), or an Arrow IPC
 * file of row numbers, which we read but never write.
 * Thread rule: pure functions.
 */
#pragma once

#include "base/buf.h"

/* Sets a bit per value in `bits`, which is zeroed and has room for `rows`.  *n is how many.  Nothing of the bytes is
 * believed: cookie, counts, sizes, ascending keys and values, run bounds, and that every value is below `rows`. */
OG_MUST_USE og_status og_deletions_decode(og_ctx *cx, og_str bytes, uint64_t rows, uint8_t *bits, uint64_t *n);
/* The same from an Arrow IPC file of one uint32 column, its buffers plain or compressed with zstd. */
OG_MUST_USE og_status og_deletions_decode_arrow(og_ctx *cx, og_str bytes, uint64_t rows, uint8_t *bits, uint64_t *n);
OG_MUST_USE og_status og_deletions_encode(og_ctx *cx, const uint8_t *bits, uint64_t rows, og_buf *out);
