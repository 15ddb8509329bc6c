/* SPDX-License-Identifier: MIT */
#include "arrow/kernels.h"

typedef bool (*match_fn)(og_str s, og_str what);

static bool contains(og_str s, og_str needle)
{
  return og_str_find(s, needle) != SIZE_MAX;
}

static inline size_t select_matching(const og_column *c, match_fn match, og_str what,
                                     const uint32_t *sel_in, size_t n, uint32_t *sel_out)
{
  size_t k = 0;
  if (!og_type_is_varbin(c->type.id)) return 0;
  for (size_t i = 0; i < n; i++) {
    uint32_t row = sel_in ? sel_in[i] : (uint32_t)i;
    sel_out[k] = row;
    k += !og_column_is_null(c, row) && match(og_column_str(c, row), what);
  }
  return k;
}

size_t og_select_contains(const og_column *c, og_str needle, const uint32_t *sel_in, size_t n,
                          uint32_t *sel_out)
{
  return select_matching(c, contains, needle, sel_in, n, sel_out);
}

size_t og_select_starts_with(const og_column *c, og_str prefix, const uint32_t *sel_in, size_t n,
                             uint32_t *sel_out)
{
  return select_matching(c, og_str_starts_with, prefix, sel_in, n, sel_out);
}
