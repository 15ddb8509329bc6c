/* SPDX-License-Identifier: MIT */
/* base/json_simd.h -- the seam between simdjson (C++) and json_read.c: plain C types only, both languages include it.
 *
 * The parser walks a document and calls back per value, in document order.  A callback that returns non-zero stops the
 * walk.  Nothing of simdjson, and no exception, crosses this seam.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct og_simd_events {
  int (*array)(void *arg, size_t items);    /* then `items` values */
  int (*object)(void *arg, size_t members); /* then `members` times key and value */
  int (*key)(void *arg, const char *s, size_t n);
  int (*string)(void *arg, const char *s, size_t n);
  int (*i64)(void *arg, int64_t v);
  int (*u64)(void *arg, uint64_t v);
  int (*f64)(void *arg, double v);
  int (*boolean)(void *arg, int v);
  int (*null)(void *arg);
} og_simd_events;

typedef struct og_simd_parser og_simd_parser;

og_simd_parser *og_simd_new(void); /* NULL: no memory */
void og_simd_free(og_simd_parser *p);
size_t og_simd_padding(void); /* readable bytes needed behind the text */

/* The deepest nesting that can be asked for. */
#define OG_SIMD_MAX_DEPTH 1024

enum { OG_SIMD_OK = 0, OG_SIMD_STOPPED = 1, OG_SIMD_NOMEM = 2, OG_SIMD_INVALID = 3, OG_SIMD_DEEP = 4 };
/* `why` (static text) is set for OG_SIMD_INVALID. */
int og_simd_parse(og_simd_parser *p, const char *padded, size_t len, unsigned max_depth, const og_simd_events *ev,
                  void *arg, const char **why);

#ifdef __cplusplus
}
#endif
