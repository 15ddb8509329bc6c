/* SPDX-License-Identifier: MIT */
#include "base/ctx.h"
#include "lance/page.h"

/* A column of its own whose every row is null: nothing needs to be stored. */
static bool levels_are_implied(const og_lance__leaf *l)
{
  if (l->path->n_layers > 1 || !l->def.len) return false;
  for (size_t i = 1; i < l->def.len; i++)
    if (l->def.data[i] != l->def.data[0]) return false;
  return true;
}

static og_status put_levels(og_ctx *cx, const og_lance__leaf *l, const og_lance__numbering *num, bool is_rep,
                            unsigned minor, og_lance__page_out *out, og_lance__layout *layout)
{
  static const og_lance__enc word = {.kind = OG_LANCE__ENC_FLAT, .bits = 16};
  static const og_lance__enc byte = {.kind = OG_LANCE__ENC_FLAT, .bits = 8};
  static const og_lance__enc runs = {.kind = OG_LANCE__ENC_RLE, .inner = &word, .lengths = &byte};
  static const og_lance__enc packed[9] = {
      {.kind = OG_LANCE__ENC_NONE},
      {.kind = OG_LANCE__ENC_OUT_OF_LINE, .bits = 16, .packed_bits = 1},
      {.kind = OG_LANCE__ENC_OUT_OF_LINE, .bits = 16, .packed_bits = 2},
      {.kind = OG_LANCE__ENC_OUT_OF_LINE, .bits = 16, .packed_bits = 3},
      {.kind = OG_LANCE__ENC_OUT_OF_LINE, .bits = 16, .packed_bits = 4},
      {.kind = OG_LANCE__ENC_OUT_OF_LINE, .bits = 16, .packed_bits = 5},
      {.kind = OG_LANCE__ENC_OUT_OF_LINE, .bits = 16, .packed_bits = 6},
      {.kind = OG_LANCE__ENC_OUT_OF_LINE, .bits = 16, .packed_bits = 7},
      {.kind = OG_LANCE__ENC_OUT_OF_LINE, .bits = 16, .packed_bits = 8},
  };
  OG_AUTO(og_buf) raw = {0};
  OG_AUTO(og_buf) values = {0};
  OG_AUTO(og_buf) lengths = {0};
  og_buf *to = &out->buffers[out->n_buffers++];
  const unsigned max = is_rep ? l->path->n_lists : num->max_def;
  if (max == 0) return OG_OK;
  OG_TRY(og_lance__levels_raw(cx, l, num, is_rep, 0, l->n_entries, &raw));
  if (minor < 2) {
    og_buf_move(to, &raw);
    return OG_OK;
  }
  const unsigned bits = og_lance__bit_width(max);
  *(is_rep ? &layout->n_rep : &layout->n_def) = l->n_entries;
  const og_lance__enc **enc = is_rep ? &layout->rep : &layout->def;
  if (og_lance__rle_runs(raw.data, l->n_entries, 2) * 3 + 8 >= l->n_entries * bits / 8) {
    *enc = &packed[bits];
    return og_lance__out_of_line_encode(cx, bits, raw.data, l->n_entries, 2, to);
  }
  *enc = &runs;
  OG_TRY(og_lance__rle_encode(cx, raw.data, l->n_entries, 2, &values, &lengths));
  OG_TRY(og_buf_put_u64(cx, to, values.len));
  OG_TRY(og_buf_append(cx, to, values.data, values.len));
  return og_buf_append(cx, to, lengths.data, lengths.len);
}

/* u32 parts, u32 length of each, offsets, bytes */
static og_status put_string(og_ctx *cx, const og_lance__slots *s, og_buf *out)
{
  const og_str v = og_lance__slots_str(s, 0);
  const uint32_t w = s->shape.wide ? 8 : 4;
  const uint64_t zero = 0, len = v.len;
  OG_TRY(og_buf_put_u32(cx, out, 2));
  OG_TRY(og_buf_put_u32(cx, out, 2 * w));
  OG_TRY(og_buf_put_u32(cx, out, (uint32_t)len));
  OG_TRY(og_buf_append(cx, out, &zero, w));
  OG_TRY(og_buf_append(cx, out, &len, w));
  return og_buf_append(cx, out, v.ptr, v.len);
}

og_status og_lance__constant_write(og_ctx *cx, const og_lance__leaf *leaf, unsigned minor, og_lance__page_out *out)
{
  og_lance__layout l = {.kind = OG_LANCE__CONSTANT};
  og_lance__numbering num;
  const og_lance__slots *s = &leaf->slots;
  og_lance__numbering_make(leaf, &l, &num);
  const bool has_value = !leaf->def.len && !leaf->path->n_lists && s->shape.form != OG_LANCE__NONE;
  if (has_value && s->shape.form == OG_LANCE__VARBIN) {
    OG_TRY(put_string(cx, s, &out->buffers[out->n_buffers++]));
  } else if (has_value) {
    l.has_value = true;
    l.value = og_str_from(s->data.data, s->shape.width);
  } else if (!levels_are_implied(leaf)) {
    OG_TRY(put_levels(cx, leaf, &num, true, minor, out, &l));
    OG_TRY(put_levels(cx, leaf, &num, false, minor, out, &l));
  }
  return og_lance__layout_put(cx, &l, &out->layout);
}
