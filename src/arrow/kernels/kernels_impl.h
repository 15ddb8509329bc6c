/* SPDX-License-Identifier: MIT */
/* arrow/kernels/kernels_impl.h -- the entries that tables share.  Private to this folder. */
#pragma once

#include "arrow/kernels.h"

size_t og_kernels__select_cmp(const og_column *c, og_cmp_op op, const og_scalar *rhs, const uint32_t *sel_in, size_t n,
                              uint32_t *sel_out);
size_t og_kernels__select_cmp_columns(const og_column *a, og_cmp_op op, const og_column *b, const uint32_t *sel_in,
                                      size_t n, uint32_t *sel_out);
void og_kernels__hash(const og_column *c, int64_t n, uint64_t *out);
void og_kernels__l2_scalar(const float *q, const float *vectors, size_t n, size_t dim, float *out);
