/* SPDX-License-Identifier: MIT */
#include "lance/steer.h"

#include "lance/pb.h"

static og_str wish(const og_field *leaf, const og_field *top, const char *key)
{
  og_str value = OG_STR_NONE;
  if (!og_field_meta(leaf, og_str_of(key), &value)) (void)og_field_meta(top, og_str_of(key), &value);
  return value;
}

static og_status packed_bits(og_ctx *cx, og_arena *a, const og_field *leaf, og_str *out)
{
  OG_AUTO(og_buf) bits = {0};
  for (uint32_t i = 0; i < leaf->n_children; i++) {
    og_lance__shape shape;
    if (!og_lance__shape_of(&leaf->children[i], &shape)) return OG_OK; /* not packed, then */
    OG_TRY(og_pb_put_varint(cx, &bits, og_lance__shape_bits(&shape)));
  }
  return og_arena_str(cx, a, og_buf_str(&bits), out);
}

og_status og_lance__steer_of(og_ctx *cx, og_arena *a, const og_field *leaf, const og_field *top, og_lance__steer *out)
{
  const og_str compression = wish(leaf, top, "lance-encoding:compression");
  const og_str layout = wish(leaf, top, "lance-encoding:structural-encoding");
  uint64_t level;
  *out = (og_lance__steer){
      .none = og_str_eq(compression, OG_STR("none")),
      .fsst = og_str_eq(compression, OG_STR("fsst")),
      .no_split = og_str_eq(wish(leaf, top, "lance-encoding:bss"), OG_STR("off")),
      .mini_block = og_str_eq(layout, OG_STR("miniblock")),
      .full_zip = og_str_eq(layout, OG_STR("fullzip")),
  };
  if (og_str_eq(compression, OG_STR("lz4"))) out->scheme = OG_LANCE__LZ4;
  if (og_str_eq(compression, OG_STR("zstd"))) out->scheme = OG_LANCE__ZSTD;
  if (og_str_to_u64(wish(leaf, top, "lance-encoding:compression-level"), &level) && level <= 22)
    out->level = (int)level;
  return leaf->type.id == OG_TYPE_STRUCT ? packed_bits(cx, a, leaf, &out->packed) : OG_OK;
}
