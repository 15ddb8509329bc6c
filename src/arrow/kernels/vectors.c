/* SPDX-License-Identifier: MIT */
/* arrow/kernels/vectors.c -- distances, one lane after the other.  ISO C does not contract a product and a sum into one
 * rounding, so neither does this file's compiler, nor may any override. */
#include "arrow/kernels/kernels_impl.h"

enum { LANES = 16 };

static float l2_one(const float *q, const float *v, size_t dim)
{
  float sum[LANES] = {0};
  size_t j = 0;
  for (; j + LANES <= dim; j += LANES) {
    for (size_t k = 0; k < LANES; k++) {
      const float d = q[j + k] - v[j + k];
      sum[k] += d * d;
    }
  }
  for (size_t k = 0; j + k < dim; k++) {
    const float d = q[j + k] - v[j + k];
    sum[k] += d * d;
  }
  for (size_t half = LANES / 2; half; half /= 2)
    for (size_t k = 0; k < half; k++) sum[k] += sum[k + half];
  return sum[0];
}

void og_kernels__l2_scalar(const float *q, const float *vectors, size_t n, size_t dim, float *out)
{
  for (size_t i = 0; i < n; i++) out[i] = l2_one(q, vectors + i * dim, dim);
}
