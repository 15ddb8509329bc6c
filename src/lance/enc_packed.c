/* SPDX-License-Identifier: MIT */
/* lance/enc_packed.c -- packed structs whose rows have no fixed size (VariablePackedStruct).
 *
 *   VariablePackedStruct { repeated 1 { 1 encoding, 2 bits of a value | 3 bits of a length } }, one per child
 *
 * A row is a value of a full-zip page: its children one behind the other, a number or fixed-size list as its bytes, a
 * string as its length (u32, of large types u64) and bytes, which may be codes of symbols that the child's encoding
 * has (enc_fsst.c).  Nulls of children have no place.  Source: files of Lance 14, file version 2.2; it
 * does not write other lengths, nor lists of varying size (it panics), nor nullable strings with nulls (it refuses
 * them).
 */
#include "base/ctx.h"
#include "lance/page.h"
#include "lance/pb.h"

#include <inttypes.h>

typedef struct part {
  og_str encoding;
  uint64_t bits, length_bits;
} part;

static og_status parse_part(og_ctx *cx, og_str bytes, part *out)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  *out = (part){.encoding = OG_STR_NONE};
  og_pb_reader_init(&r, bytes, "child of a packed struct");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) return OG_OK;
    if (f.num == 1) out->encoding = f.bytes;
    if (f.num == 2) out->bits = f.value;
    if (f.num == 3) out->length_bits = f.value;
  }
}

static og_status check_part(og_ctx *cx, og_arena *a, const part *p, const og_field *child, const og_lance__fsst **fsst)
{
  og_lance__shape shape;
  const og_lance__enc *e;
  OG_INVARIANT(og_lance__shape_of(child, &shape));
  OG_TRY(og_lance__enc_parse(cx, a, p->encoding, &e));
  *fsst = NULL;
  if (shape.form == OG_LANCE__VARBIN) {
    if (e->kind == OG_LANCE__ENC_FSST) {
      *fsst = e->fsst && e->fsst->active ? e->fsst : NULL;
      e = e->inner;
    }
    if (e->kind == OG_LANCE__ENC_VARIABLE && p->length_bits == (shape.wide ? 64 : 32)) return OG_OK;
    return og_fail(cx, OG_EUNSUPPORTED,
                   "child \"" OG_STR_FMT "\" of a packed struct encoded as %s with lengths of %" PRIu64 " bits",
                   OG_STR_ARG(child->name), og_lance__enc_name(e->kind), p->length_bits);
  }
  if (e->kind == OG_LANCE__ENC_FIXED_LIST && !e->has_validity && e->items == shape.dim) e = e->inner;
  if (e->kind == OG_LANCE__ENC_FLAT && p->bits == og_lance__shape_bits(&shape)) return OG_OK;
  return og_fail(cx, OG_EUNSUPPORTED, "child \"" OG_STR_FMT "\" of a packed struct encoded as %s of %" PRIu64 " bits",
                 OG_STR_ARG(child->name), og_lance__enc_name(e->kind), p->bits);
}

og_status og_lance__packed_rows_open(og_ctx *cx, og_arena *a, const og_lance__enc *e, const og_field *f,
                                     const og_lance__fsst *const **out)
{
  const og_lance__fsst **tables = og_arena_calloc(cx, a, (size_t)f->n_children + 1, sizeof *tables);
  bool any = false;
  og_pb_reader r;
  og_pb_field field;
  bool more;
  uint32_t n = 0;
  if (!tables) return OG_ENOMEM;
  if (e->kind != OG_LANCE__ENC_PACKED_VARIABLE)
    return og_fail(cx, OG_EUNSUPPORTED, "a packed struct encoded as %s", og_lance__enc_name(e->kind));
  og_pb_reader_init(&r, e->table, "packed struct");
  for (;;) {
    part p;
    OG_TRY(og_pb_next(cx, &r, &field, &more));
    if (!more) break;
    if (field.num != 1) continue;
    OG_TRY(og_pb_expect(cx, &r, &field, OG_PB_BYTES));
    if (n == f->n_children) return og_fail(cx, OG_ECORRUPT, "a packed struct of more children than its type has");
    OG_TRY(parse_part(cx, field.bytes, &p));
    OG_TRY(check_part(cx, a, &p, &f->children[n], &tables[n]));
    any = any || tables[n];
    n++;
  }
  *out = any ? tables : NULL;
  return n == f->n_children ? OG_OK : og_fail(cx, OG_ECORRUPT, "a packed struct of %u children", n);
}

static og_status cut_short(og_ctx *cx)
{
  return og_fail(cx, OG_ECORRUPT, "a row of a packed struct is cut short");
}

/* Bytes of the child in front of the row, of a string those behind its length; *head: of that length. */
static og_status child_bytes(og_ctx *cx, const og_field *f, og_str row, og_lance__shape *shape, size_t *head, size_t *n)
{
  OG_INVARIANT(og_lance__shape_of(f, shape));
  *head = shape->form != OG_LANCE__VARBIN ? 0 : shape->wide ? 8 : 4;
  if (row.len < *head) return cut_short(cx);
  const uint64_t bytes = *head ? og_lance__uint((const uint8_t *)row.ptr, (unsigned)*head)
                               : og_lance__shape_bits(shape) / 8;
  *n = (size_t)bytes;
  return bytes <= row.len - *head ? OG_OK : cut_short(cx);
}

og_status og_lance__packed_row_expand(og_ctx *cx, const og_field *f, const og_lance__fsst *const *tables, og_str row,
                                      og_buf *out)
{
  for (uint32_t k = 0; k < f->n_children; k++) {
    og_lance__shape shape;
    size_t head = 0, n = 0;
    OG_TRY(child_bytes(cx, &f->children[k], row, &shape, &head, &n));
    if (!tables[k]) {
      OG_TRY(og_buf_append(cx, out, row.ptr, head + n));
    } else {
      OG_TRY(og_buf_reserve(cx, out, 8 * n + 16));
      uint8_t *to = out->data + out->len;
      const size_t len = og_lance__fsst_expand(tables[k], og_str_sub(row, head, head + n), to + head);
      if (len > UINT32_MAX) return og_fail(cx, OG_ECORRUPT, "an FSST string ends in an escape or has an unknown code");
      memcpy(to, &(uint64_t){len}, head);
      out->len += head + len;
    }
    row = og_str_sub(row, head + n, row.len);
  }
  return og_buf_append_str(cx, out, row);
}

static og_status add_fixed(og_ctx *cx, const og_field *f, const og_lance__shape *shape, const char *at, og_builder *b)
{
  if (f->type.id != OG_TYPE_FIXED_LIST) return og_builder_raw(cx, b, at);
  OG_TRY(og_builder_list_begin(cx, b));
  for (uint32_t i = 0; i < shape->dim; i++)
    OG_TRY(og_builder_raw(cx, og_builder_child(b, 0), at + (size_t)i * shape->width));
  return og_builder_list_end(cx, b);
}

/* One child off the front of the row. */
static og_status add_child(og_ctx *cx, const og_field *f, og_str *row, og_builder *b)
{
  og_lance__shape shape;
  size_t head = 0, n = 0;
  OG_TRY(child_bytes(cx, f, *row, &shape, &head, &n));
  const og_str bytes = og_str_sub(*row, head, head + n);
  *row = og_str_sub(*row, head + n, row->len);
  if (!head) return add_fixed(cx, f, &shape, bytes.ptr, b);
  if ((f->type.id == OG_TYPE_UTF8 || f->type.id == OG_TYPE_LARGE_UTF8) && og_utf8_check(bytes) != SIZE_MAX)
    return og_fail(cx, OG_ECORRUPT, "a string of a packed struct is no UTF-8");
  return og_builder_str(cx, b, bytes);
}

og_status og_lance__packed_rows_split(og_ctx *cx, const og_field *f, const og_lance__slots *s, const uint8_t *validity,
                                      og_builder *const *children)
{
  for (uint64_t i = 0; i < s->n; i++) {
    const uint64_t from = og_lance__slots_offset(s, i), to = og_lance__slots_offset(s, i + 1);
    og_str row = og_str_from(s->data.data + from, (size_t)(to - from));
    const bool null = validity && !og_bit_get(validity, (int64_t)i);
    for (uint32_t k = 0; k < f->n_children; k++)
      OG_TRY(null ? og_builder_null(cx, children[k]) : add_child(cx, &f->children[k], &row, children[k]));
    if (!null && row.len) return og_fail(cx, OG_ECORRUPT, "a row of a packed struct has %zu bytes too many", row.len);
  }
  return OG_OK;
}
