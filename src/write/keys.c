/* SPDX-License-Identifier: MIT */
#include "write/keys.h"

#include "base/buf.h"

og_status og_keys_spill(og_ctx *cx, og_keys *k, size_t budget)
{
  if (!k->sorter) OG_TRY(og_sorter_new(cx, budget, &k->sorter));
  return OG_OK;
}

og_status og_keys_add(og_ctx *cx, og_keys *k, og_str key, uint64_t number, og_str holder)
{
  OG_AUTO(og_buf) value = {0};
  if (holder.len == 0) return og_sorter_add(cx, k->sorter, key, og_str_from((const char *)&number, sizeof number));
  OG_TRY(og_buf_append(cx, &value, &number, sizeof number));
  OG_TRY(og_buf_append_str(cx, &value, holder));
  return og_sorter_add(cx, k->sorter, key, og_buf_str(&value));
}

void og_keys_cleanup(og_ctx *cx, og_keys *k)
{
  og_map_cleanup(&k->map);
  og_sorter_free(cx, k->sorter);
  k->sorter = NULL;
}
