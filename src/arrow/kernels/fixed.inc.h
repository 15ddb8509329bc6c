/* SPDX-License-Identifier: MIT */
/* The loops over one fixed-width type; included once per type with these defined:
 *   T        the stored type
 *   K        the type it is compared as (int64_t or uint64_t)
 *   KEY(v)   the key of a stored value; keys order and equal as the values do
 *   NAME(x)  the function's name
 * A row is written always and counted only when kept, so no loop branches on data. */

static size_t NAME(select)(const void *values, range keep, rows in, uint32_t *sel_out)
{
  const T *v = (const T *)values;
  size_t k = 0;
  if (!in.sel) {
    for (uint32_t i = 0; i < in.n; i++) {
      sel_out[k] = i;
      k += in_range(keep, (uint64_t)KEY(v[i]));
    }
    return k;
  }
  for (size_t i = 0; i < in.n; i++) {
    uint32_t row = in.sel[i];
    sel_out[k] = row;
    k += in_range(keep, (uint64_t)KEY(v[row]));
  }
  return k;
}

static size_t NAME(select_pair)(const void *left, unsigned accept, const void *right, rows in,
                                uint32_t *sel_out)
{
  const T *a = (const T *)left, *b = (const T *)right;
  size_t k = 0;
  for (size_t i = 0; i < in.n; i++) {
    uint32_t row = in.sel ? in.sel[i] : (uint32_t)i;
    sel_out[k] = row;
    const K x = KEY(a[row]), y = KEY(b[row]);
    k += accepted(accept, x<y, x> y);
  }
  return k;
}

static void NAME(hash)(const void *values, int64_t n, uint64_t *out)
{
  const T *v = (const T *)values;
  for (int64_t i = 0; i < n; i++) out[i] = og_hash_mix(out[i], (uint64_t)KEY(v[i]));
}

#undef T
#undef K
#undef KEY
#undef NAME
