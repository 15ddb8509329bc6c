/* SPDX-License-Identifier: MIT */
/* lance/page_layout.c -- the PageLayout message, and how a page numbers its definition levels. */
#include "base/ctx.h"
#include "base/vec.h"
#include "lance/page.h"
#include "lance/pb.h"

#include <inttypes.h>

/* RepDefLayer */
enum {
  LAYER_ITEM = 1, /* all valid */
  LAYER_LIST = 2, /* all valid */
  LAYER_NULL_ITEM = 3,
  LAYER_NULL_LIST = 4,
  LAYER_EMPTY_LIST = 5,
  LAYER_NULL_EMPTY_LIST = 6
};

/* ---- Reading the message. */

static og_status parse_layers(og_ctx *cx, const og_pb_reader *r, const og_pb_field *f,
                              og_lance__layout *out)
{
  OG_AUTO(og_vec) layers = OG_VEC_INIT(uint64_t);
  OG_TRY(og_pb_repeated_u64(cx, r, f, &layers));
  if (layers.len + out->n_layers > OG_LANCE__MAX_LAYERS)
    return og_fail(cx, OG_ECORRUPT, "a page of %zu layers", layers.len + out->n_layers);
  for (size_t i = 0; i < layers.len; i++)
    out->layers[out->n_layers++] = OG_VEC_AT(&layers, uint64_t, i);
  return OG_OK;
}

/* Where a field of the message goes: numbers, encodings, or the layers. */
typedef struct slot {
  uint64_t *number;
  const og_lance__enc **enc;
  bool *flag;
  bool layers;
  bool value;
} slot;

static slot mini_block_slot(og_lance__layout *l, uint32_t num)
{
  switch (num) {
  case 1: return (slot){.enc = &l->rep};
  case 2: return (slot){.enc = &l->def};
  case 3: return (slot){.enc = &l->values};
  case 4: return (slot){.enc = &l->dictionary};
  case 5: return (slot){.number = &l->dictionary_items};
  case 6: return (slot){.layers = true};
  case 7: return (slot){.number = &l->n_buffers};
  case 8: return (slot){.number = &l->rep_depth};
  case 9: return (slot){.number = &l->n_items};
  case 10: return (slot){.flag = &l->large};
  default: return (slot){0};
  }
}

static slot full_zip_slot(og_lance__layout *l, uint32_t num)
{
  switch (num) {
  case 1: return (slot){.number = &l->bits_rep};
  case 2: return (slot){.number = &l->bits_def};
  case 3: return (slot){.number = &l->bits_value};
  case 4: return (slot){.number = &l->bits_offset};
  case 5: return (slot){.number = &l->n_items};
  case 6: return (slot){.number = &l->n_visible};
  case 7: return (slot){.enc = &l->values};
  case 8: return (slot){.layers = true};
  default: return (slot){0};
  }
}

static slot constant_slot(og_lance__layout *l, uint32_t num)
{
  switch (num) {
  case 5: return (slot){.layers = true};
  case 6: return (slot){.value = true};
  case 7: return (slot){.enc = &l->rep};
  case 8: return (slot){.enc = &l->def};
  case 9: return (slot){.number = &l->n_rep};
  case 10: return (slot){.number = &l->n_def};
  default: return (slot){0};
  }
}

static og_status parse_field(og_ctx *cx, og_arena *a, const og_pb_reader *r, const og_pb_field *f,
                             og_lance__layout *out)
{
  slot to = out->kind == OG_LANCE__MINI_BLOCK ? mini_block_slot(out, f->num)
            : out->kind == OG_LANCE__FULL_ZIP ? full_zip_slot(out, f->num)
                                              : constant_slot(out, f->num);
  if (to.layers) return parse_layers(cx, r, f, out);
  if (to.enc) {
    OG_TRY(og_pb_expect(cx, r, f, OG_PB_BYTES));
    return og_lance__enc_parse(cx, a, f->bytes, to.enc);
  }
  if (to.value) {
    OG_TRY(og_pb_expect(cx, r, f, OG_PB_BYTES));
    out->has_value = true;
    out->value = f->bytes;
    return OG_OK;
  }
  if (!to.number && !to.flag)
    return og_fail(cx, OG_EUNSUPPORTED, "a page layout with field %u, newer than this program",
                   f->num);
  OG_TRY(og_pb_expect(cx, r, f, OG_PB_VARINT));
  if (to.flag)
    *to.flag = f->value != 0;
  else
    *to.number = f->value;
  return OG_OK;
}

og_status og_lance__layout_parse(og_ctx *cx, og_arena *a, og_str bytes, og_lance__layout *out)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  *out = (og_lance__layout){0};
  og_pb_reader_init(&r, bytes, "page layout");
  OG_TRY(og_pb_next(cx, &r, &f, &more));
  if (!more) return og_fail(cx, OG_ECORRUPT, "an empty page layout");
  OG_TRY(og_pb_expect(cx, &r, &f, OG_PB_BYTES));
  if (f.num == OG_LANCE__BLOB) return og_fail(cx, OG_EUNSUPPORTED, "a page of Lance blobs");
  if (f.num > OG_LANCE__BLOB) return og_fail(cx, OG_EUNSUPPORTED, "page layout number %u", f.num);
  out->kind = (og_lance__layout_kind)f.num;
  og_pb_reader_init(&r, f.bytes, "page layout");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) break;
    OG_TRY(parse_field(cx, a, &r, &f, out));
  }
  if (out->kind != OG_LANCE__CONSTANT && !out->values)
    return og_fail(cx, OG_ECORRUPT, "a page layout without a value encoding");
  return OG_OK;
}

/* ---- Writing the message. */

static og_status put_enc(og_ctx *cx, og_buf *b, uint32_t num, const og_lance__enc *e)
{
  return e ? og_lance__enc_put(cx, b, num, e) : OG_OK;
}

static og_status put_mini_block(og_ctx *cx, const og_lance__layout *l, og_buf *b)
{
  OG_TRY(put_enc(cx, b, 1, l->rep));
  OG_TRY(put_enc(cx, b, 2, l->def));
  OG_TRY(put_enc(cx, b, 3, l->values));
  OG_TRY(put_enc(cx, b, 4, l->dictionary));
  OG_TRY(og_pb_put_u64(cx, b, 5, l->dictionary_items));
  OG_TRY(og_pb_put_packed(cx, b, 6, l->layers, l->n_layers));
  OG_TRY(og_pb_put_u64(cx, b, 7, l->n_buffers));
  OG_TRY(og_pb_put_u64(cx, b, 8, l->rep_depth));
  OG_TRY(og_pb_put_u64(cx, b, 9, l->n_items));
  return og_pb_put_u64(cx, b, 10, l->large);
}

static og_status put_full_zip(og_ctx *cx, const og_lance__layout *l, og_buf *b)
{
  OG_TRY(og_pb_put_u64(cx, b, 1, l->bits_rep));
  OG_TRY(og_pb_put_u64(cx, b, 2, l->bits_def));
  /* One of the two has explicit presence: 0 would read as neither. */
  OG_TRY(
      og_pb_put_u64(cx, b, l->bits_value ? 3 : 4, l->bits_value ? l->bits_value : l->bits_offset));
  OG_TRY(og_pb_put_u64(cx, b, 5, l->n_items));
  OG_TRY(og_pb_put_u64(cx, b, 6, l->n_visible));
  OG_TRY(put_enc(cx, b, 7, l->values));
  return og_pb_put_packed(cx, b, 8, l->layers, l->n_layers);
}

static og_status put_constant(og_ctx *cx, const og_lance__layout *l, og_buf *b)
{
  OG_TRY(og_pb_put_packed(cx, b, 5, l->layers, l->n_layers));
  if (l->has_value) OG_TRY(og_pb_put_bytes(cx, b, 6, l->value));
  OG_TRY(put_enc(cx, b, 7, l->rep));
  OG_TRY(put_enc(cx, b, 8, l->def));
  OG_TRY(og_pb_put_u64(cx, b, 9, l->n_rep));
  return og_pb_put_u64(cx, b, 10, l->n_def);
}

og_status og_lance__layout_put(og_ctx *cx, const og_lance__layout *l, og_buf *out)
{
  OG_AUTO(og_buf) body = {0};
  switch (l->kind) {
  case OG_LANCE__MINI_BLOCK: OG_TRY(put_mini_block(cx, l, &body)); break;
  case OG_LANCE__FULL_ZIP: OG_TRY(put_full_zip(cx, l, &body)); break;
  case OG_LANCE__CONSTANT: OG_TRY(put_constant(cx, l, &body)); break;
  case OG_LANCE__BLOB: OG_ASSERT(false /* blob pages are never written */); break;
  }
  return og_pb_put_bytes(cx, out, (uint32_t)l->kind, og_buf_str(&body));
}

/* ---- Numbering. */

og_status og_lance__numbering_read(og_ctx *cx, const og_lance__path *p, const og_lance__layout *l,
                                   og_lance__numbering *out)
{
  *out = (og_lance__numbering){0};
  if (l->n_layers != p->n_layers)
    return og_fail(cx, OG_ECORRUPT, "a page of %u layers for a field of %u", l->n_layers,
                   p->n_layers);
  for (uint32_t i = 0; i < l->n_layers; i++) {
    const uint64_t layer = l->layers[i];
    const bool is_list = layer == LAYER_LIST ||
                         (layer >= LAYER_NULL_LIST && layer <= LAYER_NULL_EMPTY_LIST);
    if (layer < LAYER_ITEM || layer > LAYER_NULL_EMPTY_LIST || is_list != p->is_list[i])
      return og_fail(cx, OG_ECORRUPT,
                     "page layer %u is of kind %" PRIu64 ", which the field's type is not", i,
                     layer);
    if (layer == LAYER_NULL_ITEM || layer == LAYER_NULL_LIST || layer == LAYER_NULL_EMPTY_LIST)
      out->to_path[++out->max_def] = p->null_def[i];
    if (layer == LAYER_EMPTY_LIST || layer == LAYER_NULL_EMPTY_LIST)
      out->to_path[++out->max_def] = (uint8_t)(p->null_def[i] + 1);
  }
  return OG_OK;
}

/* A null struct around list layer i.  Real Lance then reads the list wrongly as all valid: it must
 * be called nullable, whether or not one of its own is null. */
static bool is_masked(const og_lance__path *p, uint32_t i, const bool *seen)
{
  for (uint32_t k = i + 1; k < p->n_layers && !p->is_list[k]; k++)
    if (seen[p->null_def[k]]) return true;
  return false;
}

static uint64_t layer_number(bool is_list, bool has_null, bool has_empty)
{
  if (!is_list) return has_null ? LAYER_NULL_ITEM : LAYER_ITEM;
  if (has_null) return has_empty ? LAYER_NULL_EMPTY_LIST : LAYER_NULL_LIST;
  return has_empty ? LAYER_EMPTY_LIST : LAYER_LIST;
}

void og_lance__numbering_make(const og_lance__leaf *leaf, og_lance__layout *l,
                              og_lance__numbering *out)
{
  const og_lance__path *p = leaf->path;
  bool seen[256] = {false};
  for (size_t i = 0; i < leaf->def.len; i++) seen[leaf->def.data[i]] = true;
  *out = (og_lance__numbering){0};
  l->n_layers = p->n_layers;
  for (uint32_t i = 0; i < p->n_layers; i++) {
    const uint8_t null = p->null_def[i], empty = (uint8_t)(null + 1);
    const bool has_empty = p->is_list[i] && seen[empty];
    const bool has_null = seen[null] || (p->is_list[i] && !has_empty && is_masked(p, i, seen));
    l->layers[i] = layer_number(p->is_list[i], has_null, has_empty);
    if (has_null) {
      out->to_path[++out->max_def] = null;
      out->from_path[null] = out->max_def;
    }
    if (has_empty) {
      out->to_path[++out->max_def] = empty;
      out->from_path[empty] = out->max_def;
    }
  }
}

static og_status bad_level(og_ctx *cx, const char *what, unsigned level, unsigned max)
{
  return og_fail(cx, OG_ECORRUPT, "a %s level of %u where %u is the largest", what, level, max);
}

static og_status add_reps(og_ctx *cx, og_lance__leaf *leaf, const uint16_t *rep, uint64_t n)
{
  const uint8_t max = leaf->path->n_lists;
  uint8_t *to = og_lance__mem_push(cx, &leaf->rep, (size_t)n);
  if (!to) return cx->err->status;
  uint16_t worst = 0;
  uint64_t rows = 0;
  for (uint64_t i = 0; i < n; i++) {
    to[i] = (uint8_t)rep[i];
    worst = rep[i] > worst ? rep[i] : worst;
    rows += rep[i] == max;
  }
  leaf->n_rows += rows;
  return worst > max ? bad_level(cx, "repetition", worst, max) : OG_OK;
}

static og_status add_defs(og_ctx *cx, og_lance__leaf *leaf, const og_lance__numbering *num,
                          const uint16_t *def, uint64_t n)
{
  size_t missing = (size_t)(leaf->n_entries - leaf->def.len);
  uint8_t *to = og_lance__mem_push(cx, &leaf->def, missing + (size_t)n);
  if (!to) return cx->err->status;
  memset(to, 0, missing);
  to += missing;
  uint16_t worst = 0;
  for (uint64_t i = 0; i < n; i++) worst = def[i] > worst ? def[i] : worst;
  if (worst > num->max_def) return bad_level(cx, "definition", worst, num->max_def);
  for (uint64_t i = 0; i < n; i++) to[i] = num->to_path[def[i]];
  return OG_OK;
}

og_status og_lance__levels_add(og_ctx *cx, og_lance__leaf *leaf, const og_lance__numbering *num,
                               const uint16_t *rep, const uint16_t *def, uint64_t n)
{
  if (def && num->max_def) {
    OG_TRY(add_defs(cx, leaf, num, def, n));
  } else if (leaf->def.len) { /* earlier pages had nulls */
    uint8_t *zeros = og_lance__mem_push(cx, &leaf->def, (size_t)n);
    if (!zeros) return cx->err->status;
    memset(zeros, 0, (size_t)n);
  }
  if (leaf->path->n_lists == 0)
    leaf->n_rows += n;
  else if (rep)
    OG_TRY(add_reps(cx, leaf, rep, n));
  else
    return og_fail(cx, OG_ECORRUPT, "a list page without repetition levels");
  leaf->n_entries += n;
  return OG_OK;
}

og_status og_lance__levels_raw(og_ctx *cx, const og_lance__leaf *leaf,
                               const og_lance__numbering *num, bool is_rep, uint64_t from,
                               uint64_t to, og_buf *out)
{
  OG_TRY(og_buf_reserve(cx, out, (size_t)(to - from) * 2));
  uint8_t *at = out->data + out->len;
  for (uint64_t i = from; i < to; i++, at += 2) {
    const uint16_t v = is_rep ? leaf->rep.data[i] : num->from_path[og_lance__leaf_def(leaf, i)];
    memcpy(at, &v, 2);
  }
  out->len += (size_t)(to - from) * 2;
  return OG_OK;
}
