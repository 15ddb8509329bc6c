/* SPDX-License-Identifier: MIT */
/* base/vec.h -- a growable array of equal-sized elements.
 *
 * Declare with OG_VEC_INIT(T); elements move when it grows.  Thread rule: one thread at a time.
 */
#pragma once

#include "base/mem.h"

typedef struct og_vec {
  void *data;
  size_t len, cap;
  size_t elem; /* bytes per element */
} og_vec;

#define OG_VEC_INIT(T)     ((og_vec){NULL, 0, 0, sizeof(T)})
#define OG_VEC_AT(v, T, i) (((T *)(v)->data)[i])

void og_vec_init(og_vec *v, size_t elem);
void og_vec_cleanup(og_vec *v); /* frees the array, not what elements point at; keeps `elem` */
void og_vec_clear(og_vec *v);
OG_MUST_USE og_status og_vec_reserve(og_ctx *cx, og_vec *v, size_t more);
/* A new zeroed element at the end, or NULL after og_fail(OG_ENOMEM). */
void *og_vec_push(og_ctx *cx, og_vec *v);
/* Appends a copy of *elem. */
OG_MUST_USE og_status og_vec_add(og_ctx *cx, og_vec *v, const void *elem);
/* Removes element i, keeping order. */
void og_vec_remove(og_vec *v, size_t i);

/* Stable merge sort with a caller's context; needs scratch of the same size, hence fallible. */
OG_MUST_USE og_status og_sort(og_ctx *cx, void *data, size_t n, size_t elem,
                              int (*cmp)(const void *a, const void *b, void *arg), void *arg);
