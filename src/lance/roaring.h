/* SPDX-License-Identifier: MIT */
/* lance/roaring.h -- 32-bit Roaring bitmaps in the portable format.
 *
 * https://github.com/RoaringBitmap/RoaringFormatSpec.  Deletion files and the fragment sets of indexes are such
 * bitmaps. A reader hands them out as ranges, so that what a few bytes may claim takes a few bytes of memory. Thread
 * rule: pure functions.
 */
#pragma once

#include "base/buf.h"
#include "base/vec.h"

typedef struct og_u32_range {
  uint32_t from, to; /* both belong to it */
} og_u32_range;

/* Called with ascending, disjoint ranges, which may touch. */
typedef og_status (*og_roaring_fn)(og_ctx *cx, void *arg, og_u32_range r);
/* Cookie, container counts, sizes, ascending keys and values and run bounds are checked.  OG_ECORRUPT, its text led by
 * `what`; or whatever `fn` returns. */
OG_MUST_USE og_status og_roaring_read(og_ctx *cx, og_str bytes, const char *what, og_roaring_fn fn, void *arg);
/* One that other bytes follow: it has *len of them. */
OG_MUST_USE og_status og_roaring_read_first(og_ctx *cx, og_str bytes, const char *what, og_roaring_fn fn, void *arg,
                                            size_t *len);
/* All ranges, joined where they touch, appended to `out` (og_u32_range). */
OG_MUST_USE og_status og_roaring_ranges(og_ctx *cx, og_str bytes, const char *what, og_vec *out);
bool og_ranges_have(const og_u32_range *r, size_t n, uint64_t v);

/* Writing, container by container with ascending keys; never as runs. */
typedef struct og_roaring_writer {
  og_buf keys, offsets, body;
  uint32_t containers;
} og_roaring_writer;
void og_roaring_writer_cleanup(og_roaring_writer *w);
#define OG_ROARING_BITS 8192 /* bytes of a container's bitmap */
/* The values key << 16 | i of all set bits i; nothing when there is none. */
OG_MUST_USE og_status og_roaring_add(og_ctx *cx, og_roaring_writer *w, uint16_t key,
                                     const uint8_t bits[OG_ROARING_BITS]);
OG_MUST_USE og_status og_roaring_finish(og_ctx *cx, const og_roaring_writer *w, og_buf *out);
/* Ascending, distinct values in one go. */
OG_MUST_USE og_status og_roaring_encode(og_ctx *cx, const uint32_t *values, size_t n, og_buf *out);
