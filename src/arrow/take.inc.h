/* SPDX-License-Identifier: MIT */
/* Values of one width by row number; included once per width with T and NAME defined. */

static void NAME(const void *values, const pick *p, void *to)
{
  const T *src = (const T *)values;
  T *dst = (T *)to;
  if (p->gaps) {
    for (int64_t i = 0; i < p->n; i++) dst[i] = p->idx[i] < 0 ? (T)0 : src[p->idx[i]];
    return;
  }
  for (int64_t i = 0; i < p->n; i++) dst[i] = src[p->idx[i]];
}

#undef T
#undef NAME
