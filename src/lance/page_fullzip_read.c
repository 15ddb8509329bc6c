/* SPDX-License-Identifier: MIT */
/* lance/page_fullzip_read.c -- pages of large values, each with its levels in front.
 *
 * Buffer 0, per entry: control word (0, 1, 2 or 4 bytes) = rep << bits_def | def; then the value.
 * A fixed-size value follows every visible entry, null or not; a variable one, length first, only
 * visible entries with def 0.  Buffer 1 (variable values, or lists): rows + 1 positions in buffer
 * 0, all of the width that the largest needs.  Without levels and with fixed values the page is a
 * plain array.
 */
#include "base/ctx.h"
#include "lance/blob.h"
#include "lance/page.h"

#include <inttypes.h>

typedef struct zip_page {
  og_lance__page_reader *r;
  unsigned control;  /* bytes of the control word */
  uint64_t value;    /* bytes of a fixed-size value with its validity; 0: variable */
  uint64_t validity; /* bytes of an item bitmap in front of each fixed-size list */
  unsigned length;   /* bytes of a variable value's length */
  bool rows;         /* packed structs of a fixed size, with their length in front all the same */
  const og_lance__fsst *const *tables; /* of the strings of packed structs */
  bool general;
og_lance__scheme scheme;
  const og_lance__fsst *fsst; /* NULL: none */
  og_lance__mem rep, def; /* raw levels of a range */
  og_buf plain;           /* one decompressed value */
} zip_page;

static void zip_page_cleanup(zip_page *z)
{
  og_lance__mem_cleanup(&z->rep);
  og_lance__mem_cleanup(&z->def);
  og_buf_cleanup(&z->plain);
}

/* ---- Opening. */

static og_status open_length(og_ctx *cx, zip_page *z)
{
  const uint64_t bits = z->r->layout.bits_offset;
  if (bits != 8 && bits != 16 && bits != 32 && bits != 64)
    return og_fail(cx, OG_ECORRUPT, "full-zip lengths of %" PRIu64 " bits", bits);
  z->length = (unsigned)(bits / 8);
  return OG_OK;
}

static og_status open_fixed(og_ctx *cx, zip_page *z, const og_lance__shape *shape)
{
  const og_lance__layout *l = &z->r->layout;
  const og_lance__enc *e = l->values;
  uint64_t bits = og_lance__shape_bits(shape);
  if (shape->packed && e->kind == OG_LANCE__ENC_PACKED_VARIABLE) {
    z->rows = true;
    OG_TRY(open_length(cx, z));
    return og_lance__packed_rows_open(cx, z->r->arena, e, shape->of, &z->tables);
  }
  if (shape->packed) {
    OG_TRY(og_lance__packed_check(cx, e, shape));
    e = &og_lance__bytes_enc;
  } else if (e->kind == OG_LANCE__ENC_FIXED_LIST) {
    if (!shape->is_list || e->items != shape->dim)
      return og_fail(cx, OG_ECORRUPT, "lists of %" PRIu64 " items for a type of %u", e->items,
                     shape->dim);
    if (e->has_validity) z->validity = (e->items + 7) / 8;
    e = e->inner;
  }
  if (e->kind != OG_LANCE__ENC_FLAT)
    return og_fail(cx, OG_EUNSUPPORTED, "full-zip values encoded as %s",
                   og_lance__enc_name(e->kind));
  z->value = bits / 8 + z->validity;
  if (bits % 8 || bits == 0 || z->value * 8 != l->bits_value)
    return og_fail(cx, OG_ECORRUPT, "full-zip values of %" PRIu64 " bits for a type of %" PRIu64,
                   l->bits_value, bits);
  return OG_OK;
}

static og_status open_variable(og_ctx *cx, zip_page *z, const og_lance__shape *shape)
{
  const og_lance__layout *l = &z->r->layout;
  const og_lance__enc *e = l->values;
  OG_TRY(open_length(cx, z));
  if (shape->blob) return og_lance__blob_encoding_check(cx, e);
  if (shape->packed) return og_lance__packed_rows_open(cx, z->r->arena, e, shape->of, &z->tables);
  if (e->kind == OG_LANCE__ENC_GENERAL) {
    z->general = true;
    z->scheme = e->scheme;
    e = e->inner;
  }
  if (e->kind == OG_LANCE__ENC_FSST) {
    z->fsst = e->fsst;
    e = e->inner;
  }
  if (e->kind != OG_LANCE__ENC_VARIABLE)
    return og_fail(cx, OG_EUNSUPPORTED, "full-zip strings encoded as %s",
                   og_lance__enc_name(e->kind));
  return OG_OK;
}

static og_status open_page(og_ctx *cx, zip_page *z, const og_lance__leaf *out)
{
  const og_lance__layout *l = &z->r->layout;
  const uint64_t bits = l->bits_rep + l->bits_def;
  if (l->bits_rep > 16 || l->bits_def > 16)
    return og_fail(cx, OG_ECORRUPT, "levels of %" PRIu64 " bits", bits);
  if ((l->bits_rep > 0) != (out->path->n_lists > 0) ||
      (l->bits_def > 0) != (z->r->numbering.max_def > 0))
    return og_fail(cx, OG_ECORRUPT, "control words do not go with the page's layers");
  z->control = bits == 0 ? 0 : bits <= 8 ? 1 : bits <= 16 ? 2 : 4;
  if (out->slots.shape.form == OG_LANCE__VARBIN)
    OG_TRY(open_variable(cx, z, &out->slots.shape));
  else
    OG_TRY(open_fixed(cx, z, &out->slots.shape));
  const bool indexed = z->length || out->path->n_lists;
  if (z->r->page->n_buffers < 1u + indexed)
    return og_fail(cx, OG_ECORRUPT, "a full-zip page of %u buffers", z->r->page->n_buffers);
  return OG_OK;
}

/* ---- Values. */

static og_status add_fixed(og_ctx *cx, const zip_page *z, const uint8_t *at, uint64_t n,
                           og_lance__slots *s)
{
  const uint64_t dim = s->shape.dim;
  if (z->validity) {
    if (!s->valid.len) OG_TRY(og_lance__bits_fill(cx, &s->valid, 0, true, s->n * dim));
    OG_TRY(og_lance__bits_append(cx, &s->valid, s->n * dim, at, 0, dim));
  } else if (s->valid.len) {
    OG_TRY(og_lance__bits_fill(cx, &s->valid, s->n * dim, true, n * dim));
  }
  at += z->validity;
  if (s->shape.form == OG_LANCE__BITS) {
    OG_TRY(og_lance__bits_append(cx, &s->data, s->n * dim, at, 0, n * dim));
  } else {
    uint8_t *to = og_lance__mem_push(cx, &s->data, (size_t)(n * z->value));
    if (!to) return cx->err->status;
    memcpy(to, at, (size_t)(n * (z->value - z->validity)));
    s->data.len -= (size_t)(n * z->validity);
  }
  s->n += n;
  return OG_OK;
}

static og_status add_variable(og_ctx *cx, zip_page *z, og_str v, og_lance__slots *s)
{
  uint8_t *to;
  if (z->rows) {
    if (v.len != s->shape.dim)
      return og_fail(cx, OG_ECORRUPT, "a packed struct of %zu bytes, its type has %u", v.len, s->shape.dim);
    to = og_lance__mem_push(cx, &s->data, v.len);
    if (!to) return cx->err->status;
    memcpy(to, v.ptr, v.len);
    s->n++;
    return OG_OK;
  }
  if (z->general) {
    og_buf_clear(&z->plain);
    OG_TRY(og_lance__general_decode(cx, z->scheme, v, &z->plain));
    v = og_buf_str(&z->plain);
  }
  if (z->tables) {
    og_buf_clear(&z->plain);
    OG_TRY(og_lance__packed_row_expand(cx, s->shape.of, z->tables, v, &z->plain));
    v = og_buf_str(&z->plain);
  }
  if (!(z->fsst && z->fsst->active)) {
    OG_TRY(og_lance__slots_open(cx, s, 1, v.len, &to));
    if (v.len) memcpy(to, v.ptr, v.len);
  } else {
    OG_TRY(og_lance__mem_reserve(cx, &s->data, 8 * v.len + 8));
    const size_t len = og_lance__fsst_expand(z->fsst, v, s->data.data + s->data.len);
    if (len == SIZE_MAX)
      return og_fail(cx, OG_ECORRUPT, "an FSST string ends in an escape or has an unknown code");
    OG_TRY(og_lance__slots_open(cx, s, 1, len, &to)); /* the bytes are in place already */
  }
  og_lance__slots_set_end(s, s->n - 1, s->data.len);
  return OG_OK;
}

/* ---- Entries. */

static og_status cut_short(og_ctx *cx)
{
  return og_fail(cx, OG_ECORRUPT, "a full-zip entry is cut short");
}

static og_status add_value(og_ctx *cx, zip_page *z, const uint8_t **at, const uint8_t *end,
                           bool null, og_lance__slots *s)
{
  const size_t left = (size_t)(end - *at);
  if (z->value) {
    if (left < z->value) return cut_short(cx);
    OG_TRY(add_fixed(cx, z, *at, 1, s));
    *at += z->value;
    return OG_OK;
  }
  if (null) return og_lance__slots_zeros(cx, s, 1);
  if (left < z->length) return cut_short(cx);
  const uint64_t len = og_lance__uint(*at, z->length);
  if (len > left - z->length) return cut_short(cx);
  OG_TRY(add_variable(cx, z, og_str_from(*at + z->length, (size_t)len), s));
  *at += z->length + len;
  return OG_OK;
}

/* Entries that fill `bytes`, all of them wanted. */
static og_status add_entries(og_ctx *cx, zip_page *z, og_str bytes, og_lance__leaf *out)
{
  const uint8_t *at = (const uint8_t *)bytes.ptr, *end = bytes.len > 0 ? at + bytes.len : at;
  const og_lance__numbering *num = &z->r->numbering;
  const unsigned shift = (unsigned)z->r->layout.bits_def;
  const uint64_t mask = ((uint64_t)1 << shift) - 1;
  uint64_t n = 0;
  z->rep.len = z->def.len = 0;
  while (at < end) {
    if ((size_t)(end - at) < z->control) return cut_short(cx);
    const uint64_t word = z->control ? og_lance__uint(at, z->control) : 0;
    const uint16_t rep = (uint16_t)(word >> shift), def = (uint16_t)(word & mask);
    at += z->control;
    if (z->control) {
      uint8_t *to_rep = og_lance__mem_push(cx, &z->rep, 2),
              *to_def = og_lance__mem_push(cx, &z->def, 2);
      if (!to_rep || !to_def) return cx->err->status;
      memcpy(to_rep, &rep, 2);
      memcpy(to_def, &def, 2);
    }
    if (def > num->max_def)
      return og_fail(cx, OG_ECORRUPT, "a definition level of %u, at most %u", def, num->max_def);
    if (num->to_path[def] <= out->path->max_visible)
      OG_TRY(add_value(cx, z, &at, end, def > 0, &out->slots));
    n++;
  }
  const uint16_t *reps = z->control ? (const uint16_t *)(const void *)z->rep.data : NULL;
  const uint16_t *defs = z->control ? (const uint16_t *)(const void *)z->def.data : NULL;
  if (out->path->n_lists && reps && reps[0] != out->path->n_lists)
    return og_fail(cx, OG_ECORRUPT, "a row begins inside a list");
  return n ? og_lance__levels_add(cx, out, num, reps, defs, n) : OG_OK;
}

/* ---- Ranges. */

/* Byte ranges of row ranges when every entry has the same size. */
static og_status locate_flat(og_ctx *cx, const zip_page *z, const og_lance__rows *rows, size_t n,
                             og_range *out)
{
  const og_lance__page *p = z->r->page;
  const uint64_t entry = z->control + z->value;
  if (p->sizes[0] / entry < p->n_rows)
    return og_fail(cx, OG_ECORRUPT, "%" PRIu64 " bytes cannot hold %" PRIu64 " values", p->sizes[0],
                   p->n_rows);
  for (size_t i = 0; i < n; i++)
    out[i] = (og_range){.off = p->offsets[0] + rows[i].from * entry,
                        .len = (rows[i].to - rows[i].from) * entry};
  return OG_OK;
}

/* The same by the positions in buffer 1. */
static og_status locate_indexed(og_ctx *cx, const zip_page *z, const og_lance__rows *rows, size_t n,
                                og_range *out)
{
  const og_lance__page *p = z->r->page;
  const uint64_t w = p->sizes[1] / (p->n_rows + 1);
  if ((w != 1 && w != 2 && w != 4 && w != 8) || p->sizes[1] != w * (p->n_rows + 1))
    return og_fail(cx, OG_ECORRUPT, "an index of %" PRIu64 " bytes for %" PRIu64 " rows",
                   p->sizes[1], p->n_rows);
  OG_AUTO(og_lance__fetched) index = {0};
  for (size_t i = 0; i < n; i++)
    out[i] = (og_range){.off = p->offsets[1] + rows[i].from * w,
                        .len = (rows[i].to - rows[i].from + 1) * w};
  OG_TRY(og_lance__fetch(cx, z->r, out, n, &index));
  for (size_t i = 0; i < n; i++) {
    const uint8_t *at = (const uint8_t *)index.views[i].ptr;
    const uint64_t from = og_lance__uint(at, (unsigned)w);
    const uint64_t to = og_lance__uint(at + (rows[i].to - rows[i].from) * w, (unsigned)w);
    if (from > to || to > p->sizes[0])
      return og_fail(cx, OG_ECORRUPT,
                     "row %" PRIu64 " lies at %" PRIu64 "..%" PRIu64 " of %" PRIu64 " bytes",
                     rows[i].from, from, to, p->sizes[0]);
    out[i] = (og_range){.off = p->offsets[0] + from, .len = to - from};
  }
  return OG_OK;
}

og_status og_lance__full_zip_read(og_ctx *cx, og_lance__page_reader *r, const og_lance__rows *rows,
                                  size_t n, og_lance__leaf *out)
{
  OG_AUTO(zip_page) z = {.r = r};
  OG_AUTO(og_lance__fetched) got = {0};
  const og_lance__page *p = r->page;
  OG_TRY(open_page(cx, &z, out));
  og_range *where = og_arena_calloc(cx, r->arena, n, sizeof *where);
  if (!where) return OG_ENOMEM;
  const bool whole = n == 1 && rows[0].from == 0 && rows[0].to == p->n_rows;
  const bool flat = z.value && out->path->n_lists == 0;
  if (flat)
    OG_TRY(locate_flat(cx, &z, rows, n, where));
  else if (whole)
    where[0] = (og_range){.off = p->offsets[0], .len = p->sizes[0]};
  else
    OG_TRY(locate_indexed(cx, &z, rows, n, where));
  OG_TRY(og_lance__fetch(cx, r, where, n, &got));
  for (size_t i = 0; i < n; i++) {
    const uint64_t count = rows[i].to - rows[i].from;
    if (flat && !z.control && !z.validity) {
      OG_TRY(add_fixed(cx, &z, (const uint8_t *)got.views[i].ptr, count, &out->slots));
      OG_TRY(og_lance__levels_add(cx, out, &r->numbering, NULL, NULL, count));
    } else {
      OG_TRY(add_entries(cx, &z, got.views[i], out));
    }
  }
  return OG_OK;
}
