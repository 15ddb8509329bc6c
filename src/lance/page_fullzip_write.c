/* SPDX-License-Identifier: MIT */
#include "base/ctx.h"
#include "lance/blob.h"
#include "lance/page.h"

#define HUGE_VALUE (32u << 10) /* values of this size are compressed one by one if it pays */

typedef struct zip_out {
  const og_lance__leaf *leaf;
  const og_lance__steer *steer;
  og_lance__scheme scheme;       /* of each value; 0: none */
  const og_lance__slots *values; /* the leaf's, or codes of FSST */
  og_lance__slots coded;
  uint8_t table[OG_LANCE__FSST_TABLE];
  og_lance__numbering num;
  unsigned bits_rep, bits_def, control;
  og_buf *data;
  og_lance__mem starts; /* uint64_t per row, and the end */
} zip_out;

static void zip_out_cleanup(zip_out *z)
{
  og_lance__mem_cleanup(&z->starts);
  og_lance__slots_cleanup(&z->coded);
}

static og_status put_fixed(og_ctx *cx, zip_out *z, uint64_t slot)
{
  const og_lance__slots *s = &z->leaf->slots;
  const uint64_t dim = s->shape.dim;
  if (s->valid.len) {
    OG_AUTO(og_lance__mem) bits = {0};
    OG_TRY(og_lance__bits_append(cx, &bits, 0, s->valid.data, slot * dim, dim));
    OG_TRY(og_buf_append(cx, z->data, bits.data, bits.len));
  }
  if (s->shape.form == OG_LANCE__BITS) { /* dim is a multiple of 8 here */
    return og_buf_append(cx, z->data, s->data.data + slot * dim / 8, (size_t)(dim / 8));
  }
  const uint64_t w = s->shape.width * dim;
  return og_buf_append(cx, z->data, s->data.data + slot * w, (size_t)w);
}

static og_status put_string(og_ctx *cx, zip_out *z, uint64_t slot)
{
  const og_str v = og_lance__slots_str(z->values, slot);
  const uint64_t len = v.len;
  const bool wide = z->leaf->slots.shape.wide && !z->leaf->slots.shape.blob;
  OG_TRY(og_buf_append(cx, z->data, &len, wide ? 8 : 4));
  return og_buf_append(cx, z->data, v.ptr, v.len);
}

static og_status note_row(og_ctx *cx, zip_out *z)
{
  const uint64_t at = z->data->len;
  uint8_t *to = og_lance__mem_push(cx, &z->starts, sizeof at);
  if (!to) return cx->err->status;
  memcpy(to, &at, sizeof at);
  return OG_OK;
}

static og_status put_entries(og_ctx *cx, zip_out *z)
{
  const og_lance__leaf *l = z->leaf;
  const bool variable = l->slots.shape.form == OG_LANCE__VARBIN;
  uint64_t slot = 0;
  for (uint64_t i = 0; i < l->n_entries; i++) {
    const uint8_t def = og_lance__leaf_def(l, i), rep = l->path->n_lists ? l->rep.data[i] : 0;
    if (rep == l->path->n_lists) OG_TRY(note_row(cx, z));
    const uint32_t word = (uint32_t)rep << z->bits_def | z->num.from_path[def];
    OG_TRY(og_buf_append(cx, z->data, &word, z->control));
    if (def > l->path->max_visible) continue;
    if (!variable)
      OG_TRY(put_fixed(cx, z, slot));
    else if (def == 0)
      OG_TRY(put_string(cx, z, slot));
    slot++;
  }
  return note_row(cx, z);
}

static og_status put_index(og_ctx *cx, const zip_out *z, og_buf *out)
{
  const uint64_t *starts = (const uint64_t *)(const void *)z->starts.data;
  const uint64_t n = z->starts.len / sizeof *starts, max = z->data->len;
  const size_t w = max < 1u << 8 ? 1 : max < 1u << 16 ? 2 : max <= UINT32_MAX ? 4 : 8;
  OG_TRY(og_buf_reserve(cx, out, (size_t)n * w));
  for (uint64_t i = 0; i < n; i++) memcpy(out->data + i * w, &starts[i], w);
  out->len += (size_t)n * w;
  return OG_OK;
}

/* Bits of one item; of the length before it where items are strings. */
static unsigned item_bits(const og_lance__shape *s)
{
  if (s->form == OG_LANCE__VARBIN) return s->wide && !s->blob ? 64 : 32;
  return s->form == OG_LANCE__BITS ? 1 : 8 * s->width;
}

/* Bytes of the word before each entry. */
static unsigned control_width(unsigned bits)
{
  return bits == 0 ? 0 : bits <= 8 ? 1 : bits <= 16 ? 2 : 4;
}

static bool has_huge(const og_lance__slots *s)
{
  for (uint64_t i = 0; i < s->n; i++)
    if (og_lance__slots_str(s, i).len >= HUGE_VALUE) return true;
  return false;
}

/* Each value compressed, into z->coded; *pays: a tenth of the bytes goes, of which `other` are left otherwise. */
static og_status compress_values(og_ctx *cx, zip_out *z, og_lance__scheme scheme, uint64_t other, bool *pays)
{
  const og_lance__slots *s = &z->leaf->slots;
  OG_AUTO(og_buf) one = {0};
  og_lance__slots_cleanup(&z->coded);
  og_lance__slots_init(&z->coded, s->shape);
  *pays = false;
  for (uint64_t i = 0; i < s->n; i++) {
    uint8_t *at;
    og_buf_clear(&one);
    OG_TRY(og_lance__general_encode(cx, scheme, z->steer->level, og_lance__slots_str(s, i), &one));
    OG_TRY(og_lance__slots_open(cx, &z->coded, 1, one.len, &at));
    memcpy(at, one.data, one.len);
    og_lance__slots_set_end(&z->coded, i, z->coded.data.len);
    if (z->coded.data.len >= other - other / 10) return OG_OK;
  }
  *pays = true;
  z->scheme = scheme;
  return OG_OK;
}

/* How strings lie: as they are, as codes of FSST, or compressed one by one. */
static og_status choose_strings(og_ctx *cx, zip_out *z, bool *coded)
{
  const og_lance__slots *s = &z->leaf->slots;
  const uint64_t plain = og_lance__slots_offset(s, s->n) - og_lance__slots_offset(s, 0);
  og_lance__scheme scheme = z->steer->scheme;
  bool pays = false;
  *coded = false;
  if (z->steer->none) return OG_OK;
  if (!scheme && !z->steer->fsst && has_huge(s)) scheme = OG_LANCE__ZSTD;
  if (scheme) OG_TRY(compress_values(cx, z, scheme, plain, &pays));
  if (pays) {
    z->values = &z->coded;
    return OG_OK;
  }
  og_lance__slots_cleanup(&z->coded);
  OG_TRY(og_lance__fsst_slots(cx, s, &z->coded, z->table, coded));
  if (*coded) z->values = &z->coded;
  return OG_OK;
}

static og_status put_buffers(og_ctx *cx, zip_out *z, bool variable, bool items_null, og_lance__page_out *out)
{
  out->n_buffers = 1;
  if (z->control == 0 && !variable && !items_null) { /* a plain array */
    OG_TRY(og_buf_append(cx, z->data, z->leaf->slots.data.data, z->leaf->slots.data.len));
  } else {
    OG_TRY(put_entries(cx, z));
    if (variable || z->leaf->path->n_lists) OG_TRY(put_index(cx, z, &out->buffers[out->n_buffers++]));
  }
  return OG_OK;
}

og_status og_lance__full_zip_write(og_ctx *cx, const og_lance__leaf *leaf, const og_lance__steer *steer,
                                   og_lance__page_out *out)
{
  OG_AUTO(zip_out) z = {.leaf = leaf, .steer = steer, .values = &leaf->slots, .data = &out->buffers[0]};
  og_lance__layout l = {.kind = OG_LANCE__FULL_ZIP, .n_items = leaf->n_entries, .n_visible = leaf->slots.n};
  const og_lance__shape *shape = &leaf->slots.shape;
  og_lance__numbering_make(leaf, &l, &z.num);
  z.bits_rep = og_lance__bit_width(leaf->path->n_lists);
  z.bits_def = og_lance__bit_width(z.num.max_def);
  z.control = control_width(z.bits_rep + z.bits_def);
  l.bits_rep = z.bits_rep;
  l.bits_def = z.bits_def;

  const bool variable = shape->form == OG_LANCE__VARBIN, items_null = leaf->slots.valid.len > 0;
  const og_lance__enc flat = {.kind = OG_LANCE__ENC_FLAT, .bits = item_bits(shape)};
  const og_lance__enc list = {
      .kind = OG_LANCE__ENC_FIXED_LIST, .items = shape->dim, .has_validity = items_null, .inner = &flat};
  const og_lance__enc strings = {.kind = OG_LANCE__ENC_VARIABLE, .inner = &flat};
  bool coded = false;
  if (variable && !shape->blob) OG_TRY(choose_strings(cx, &z, &coded));
  const og_lance__enc fsst = {
      .kind = OG_LANCE__ENC_FSST, .table = og_str_from(z.table, sizeof z.table), .inner = &strings};
  const og_lance__enc general = {.kind = OG_LANCE__ENC_GENERAL, .scheme = z.scheme, .inner = &strings};
  l.values = shape->blob      ? &og_lance__blob_enc
             : z.scheme       ? &general
             : coded          ? &fsst
             : variable       ? &strings
             : shape->is_list ? &list
                              : &flat;
  if (variable)
    l.bits_offset = flat.bits;
  else
    l.bits_value = og_lance__shape_bits(shape) + (items_null ? (shape->dim + 7) / 8 * 8 : 0);

  OG_TRY(put_buffers(cx, &z, variable, items_null, out));
  return og_lance__layout_put(cx, &l, &out->layout);
}
