/* SPDX-License-Identifier: MIT */
/* arrow/kernels/kernels_avx2.c -- x86-64 with AVX2: 16 floats at a time, in two registers.  Compiled with -mavx2 and
 * without -mfma: a product is rounded before it is added, as everywhere. */
#include "arrow/kernels/kernels_impl.h"

#include <immintrin.h>

static inline __m256 add_square(__m256 sum, __m256 a, __m256 b)
{
  const __m256 d = _mm256_sub_ps(a, b);
  return _mm256_add_ps(sum, _mm256_mul_ps(d, d));
}

/* The lanes below n. */
static inline __m256i lanes_below(size_t n)
{
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), lane);
}

/* By halves: 16, 8, 4, 2, 1. */
static inline float total(__m256 lo, __m256 hi)
{
  const __m256 eight = _mm256_add_ps(lo, hi);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

static void l2(const float *q, const float *vectors, size_t n, size_t dim, float *out)
{
  const size_t whole = dim & ~(size_t)15, rest = dim - whole;
  const __m256i lo_mask = lanes_below(rest), hi_mask = lanes_below(rest > 8 ? rest - 8 : 0);
  for (size_t i = 0; i < n; i++) {
    const float *v = vectors + i * dim;
    __m256 lo = _mm256_setzero_ps(), hi = _mm256_setzero_ps();
    for (size_t j = 0; j < whole; j += 16) {
      lo = add_square(lo, _mm256_loadu_ps(q + j), _mm256_loadu_ps(v + j));
      hi = add_square(hi, _mm256_loadu_ps(q + j + 8), _mm256_loadu_ps(v + j + 8));
    }
    if (rest) lo = add_square(lo, _mm256_maskload_ps(q + whole, lo_mask), _mm256_maskload_ps(v + whole, lo_mask));
    if (rest > 8)
      hi = add_square(hi, _mm256_maskload_ps(q + whole + 8, hi_mask), _mm256_maskload_ps(v + whole + 8, hi_mask));
    out[i] = total(lo, hi);
  }
}

const og_kernels og_kernels_avx2 = {
    .name = "avx2",
    .select_cmp = og_kernels__select_cmp,
    .select_cmp_columns = og_kernels__select_cmp_columns,
    .hash = og_kernels__hash,
    .l2 = l2,
};
