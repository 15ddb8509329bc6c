/* SPDX-License-Identifier: MIT */
/* arrow/make.c -- columns from buffers that already exist. */
#include "arrow/builder.h"
#include "arrow/column_impl.h"

/* Bits behind len become 0 and nulls are counted; a bitmap without nulls is dropped. */
static void settle_validity(og_column *c)
{
  uint8_t *bits = c->owned[OG_SLOT_VALIDITY];
  if (!bits || c->type.id == OG_TYPE_NULL) return;
  if (c->len & 7) bits[c->len >> 3] = (uint8_t)(bits[c->len >> 3] & ((1u << (c->len & 7)) - 1));
  c->nulls = c->len - og_bits_count(bits, 0, c->len);
  c->validity = bits;
  if (c->nulls) return;
  og_free(bits);
  c->owned[OG_SLOT_VALIDITY] = NULL;
  c->validity = NULL;
}

/* Null slots of fixed-width and bool values become zeros. */
static void settle_values(og_column *c)
{
  uint8_t *v = c->owned[OG_SLOT_DATA0];
  size_t width = og_type_width(c->type.id), bytes = og_bits_bytes(c->len);
  if (c->type.id == OG_TYPE_BOOL && (c->len & 7)) v[bytes - 1] = (uint8_t)(v[bytes - 1] & ((1u << (c->len & 7)) - 1));
  if (!c->validity) return;
  if (c->type.id == OG_TYPE_BOOL)
    for (size_t i = 0; i < bytes; i++) v[i] &= c->validity[i];
  if (!width) return;
  for (size_t byte = 0; byte < bytes; byte++) {
    if (c->validity[byte] == 0xff) continue;
    for (int64_t i = (int64_t)byte * 8; i < (int64_t)byte * 8 + 8 && i < c->len; i++)
      if (!og_bit_get(c->validity, i)) memset(v + (size_t)i * width, 0, width);
  }
}

og_status og_column_adopt(og_ctx *cx, const og_column_parts *p, og_column **out)
{
  og_column *c;
  og_status st = og_column__alloc(cx, p->type, p->len, p->n_children, &c);
  if (st != OG_OK) {
    og_free(p->validity);
    og_free(p->data[0]);
    og_free(p->data[1]);
    return st;
  }
  c->owned[OG_SLOT_VALIDITY] = p->validity;
  c->owned[OG_SLOT_DATA0] = p->data[0];
  c->owned[OG_SLOT_DATA1] = p->data[1];
  c->data[0] = p->data[0];
  c->data[1] = p->data[1];
  c->bytes_len = p->bytes_len;
  for (uint32_t i = 0; i < p->n_children; i++) c->children[i] = og_column_ref(p->children[i]);
  settle_validity(c);
  if (p->len && p->data[0]) settle_values(c);
  *out = c;
  return OG_OK;
}

og_status og_column_from_fixed(og_ctx *cx, og_type type, const void *values, const uint8_t *validity, int64_t n,
                               og_column **out)
{
  size_t width = og_type_width(type.id), bits = og_bits_bytes(n), size = bits;
  if (width == 0 && type.id != OG_TYPE_BOOL)
    return og_fail(cx, OG_EINTERNAL, "%s is not a fixed-width type", og_type_name(type));
  if (width && OG_MUL_OVERFLOWS((size_t)n, width, &size))
    return og_fail(cx, OG_ENOMEM, "out of memory (%lld values)", (long long)n);
  uint8_t *data = og_alloc_aligned(cx, size), *valid = NULL;
  if (!data) return OG_ENOMEM;
  if (size) memcpy(data, values, size);
  if (validity) {
    valid = og_alloc_aligned(cx, bits);
    if (!valid) {
      og_free(data);
      return OG_ENOMEM;
    }
    if (bits) memcpy(valid, validity, bits);
  }
  og_column_parts parts = {.type = type, .len = n, .validity = valid, .data = {data, NULL}};
  return og_column_adopt(cx, &parts, out);
}
