/* SPDX-License-Identifier: MIT */
/* arrow/take.c -- rows by number.
 *
 * Sizes are found first, then every buffer is written once.  Gaps (negative indices) are looked for
 * once, so that the common case has no test per row.
 */
#include "arrow/column_impl.h"

typedef struct pick {
  const int64_t *idx;
  int64_t n;
  bool gaps; /* some index is negative */
} pick;

static og_status take(og_ctx *cx, const og_column *c, const pick *p, og_column **out);

static bool row_is_null(const og_column *c, int64_t row)
{
  return row < 0 ? row == OG_TAKE_NULL : c->validity && !og_bit_get(c->validity, row);
}

static og_status take_validity(og_ctx *cx, const og_column *c, const pick *p, og_column *out)
{
  if (!c->validity && !p->gaps) return OG_OK;
  size_t bytes = og_bits_bytes(p->n);
  uint8_t *bits = og_column__buffer(cx, out, OG_SLOT_VALIDITY, bytes);
  if (!bits) return OG_ENOMEM;
  memset(bits, 0, bytes);
  int64_t nulls = 0;
  for (int64_t i = 0; i < p->n; i++) {
    bool null = row_is_null(c, p->idx[i]);
    bits[i >> 3] = (uint8_t)(bits[i >> 3] | (unsigned)!null << (i & 7));
    nulls += null;
  }
  out->nulls = nulls;
  if (nulls) return OG_OK;
  og_free(bits);
  out->owned[OG_SLOT_VALIDITY] = NULL;
  out->validity = NULL;
  return OG_OK;
}

static og_status take_bits(og_ctx *cx, const og_column *c, const pick *p, og_column *out)
{
  size_t bytes = og_bits_bytes(p->n);
  uint8_t *bits = og_column__buffer(cx, out, OG_SLOT_DATA0, bytes);
  if (!bits) return OG_ENOMEM;
  memset(bits, 0, bytes);
  for (int64_t i = 0; i < p->n; i++)
    if (p->idx[i] >= 0 && og_column_bool(c, p->idx[i])) og_bit_set(bits, i);
  return OG_OK;
}

#define T    uint8_t
#define NAME gather_1
#include "arrow/take.inc.h"
#define T    uint16_t
#define NAME gather_2
#include "arrow/take.inc.h"
#define T    uint32_t
#define NAME gather_4
#include "arrow/take.inc.h"
#define T    uint64_t
#define NAME gather_8
#include "arrow/take.inc.h"

static og_status take_fixed(og_ctx *cx, const og_column *c, const pick *p, og_column *out)
{
  size_t width = og_type_width(c->type.id);
  const void *values = c->data[0];
  void *to = og_column__array(cx, out, OG_SLOT_DATA0, p->n, width);
  if (!to) return OG_ENOMEM;
  switch (width) {
  case 1: gather_1(values, p, to); break;
  case 2: gather_2(values, p, to); break;
  case 4: gather_4(values, p, to); break;
  default: gather_8(values, p, to); break;
  }
  return OG_OK;
}

/* Bytes or items of row `row`; nothing for a gap. */
static int64_t row_extent(const og_column *c, int64_t row, int64_t *from)
{
  if (row < 0) {
    *from = 0;
    return 0;
  }
  *from = og_column__offset(c, row);
  return og_column__offset(c, row + 1) - *from;
}

static og_status take_offsets(og_ctx *cx, const og_column *c, const pick *p, og_column *out, int64_t *total)
{
  size_t width = og_type_is_wide(c->type.id) ? 8 : 4;
  int64_t sum = 0, from;
  if (!og_column__array(cx, out, OG_SLOT_DATA0, p->n + 1, width)) return OG_ENOMEM;
  og_column__set_offset(out, 0, 0);
  for (int64_t i = 0; i < p->n; i++) {
    if (OG_ADD_OVERFLOWS(sum, row_extent(c, p->idx[i], &from), &sum)) sum = INT64_MAX;
    if (width == 4 && OG_UNLIKELY(sum > INT32_MAX)) return og_column__check_total(cx, c->type, sum);
    og_column__set_offset(out, i + 1, sum);
  }
  *total = sum;
  return OG_OK;
}

static og_status take_bytes(og_ctx *cx, const og_column *c, const pick *p, og_column *out)
{
  int64_t total = 0, from = 0;
  OG_TRY(take_offsets(cx, c, p, out, &total));
  char *to = og_column__buffer(cx, out, OG_SLOT_DATA1, (size_t)total);
  if (!to) return OG_ENOMEM;
  out->bytes_len = (uint64_t)total;
  for (int64_t i = 0; i < p->n; i++) {
    int64_t n = row_extent(c, p->idx[i], &from);
    if (n) memcpy(to, (const char *)c->data[1] + from, (size_t)n);
    to += n;
  }
  return OG_OK;
}

static og_status take_items(og_ctx *cx, const og_column *c, const pick *p, og_column *out)
{
  int64_t total = 0, from = 0, at = 0;
  OG_TRY(take_offsets(cx, c, p, out, &total));
  int64_t *idx = og_calloc(cx, (size_t)total, sizeof *idx);
  if (!idx) return OG_ENOMEM;
  for (int64_t i = 0; i < p->n; i++) {
    int64_t n = row_extent(c, p->idx[i], &from);
    for (int64_t k = 0; k < n; k++) idx[at++] = from + k;
  }
  og_status st = take(cx, c->children[0], &(pick){idx, total, false}, &out->children[0]);
  og_free(idx);
  return st;
}

/* Vectors: rows are blocks of equal size in the child's only buffer. */
static og_status take_blocks(og_ctx *cx, const og_column *c, const pick *p, og_column *out)
{
  const og_column *items = c->children[0];
  size_t block = og_type_width(items->type.id) * (size_t)c->type.size;
  OG_TRY(og_column__alloc(cx, items->type, p->n * c->type.size, 0, &out->children[0]));
  uint8_t *to = og_column__array(cx, out->children[0], OG_SLOT_DATA0, p->n, block);
  if (!to) return OG_ENOMEM;
  for (int64_t i = 0; i < p->n; i++, to += block) {
    if (p->idx[i] < 0)
      memset(to, 0, block);
    else
      memcpy(to, (const uint8_t *)items->data[0] + (size_t)p->idx[i] * block, block);
  }
  return OG_OK;
}

/* Children of structs and fixed-size lists: `scale` child rows for each of ours; a gap leaves valid
 * zeros below. */
static og_status take_children(og_ctx *cx, const og_column *c, const pick *p, og_column *out)
{
  int64_t scale = c->type.id == OG_TYPE_FIXED_LIST ? c->type.size : 1;
  pick inner = *p;
  int64_t *idx = NULL;
  if (p->gaps || scale > 1) {
    idx = og_calloc(cx, (size_t)p->n, (size_t)scale * sizeof *idx);
    if (!idx) return OG_ENOMEM;
    inner.idx = idx;
    inner.n = p->n * scale;
    for (int64_t i = 0, at = 0; i < p->n; i++)
      for (int64_t k = 0; k < scale; k++) idx[at++] = p->idx[i] < 0 ? OG_TAKE_EMPTY : p->idx[i] * scale + k;
  }
  og_status st = OG_OK;
  for (uint32_t i = 0; i < c->n_children && st == OG_OK; i++) st = take(cx, c->children[i], &inner, &out->children[i]);
  og_free(idx);
  return st;
}

static og_status take_values(og_ctx *cx, const og_column *c, const pick *p, og_column *out)
{
  og_type_id id = c->type.id;
  if (id == OG_TYPE_NULL) return OG_OK;
  OG_TRY(take_validity(cx, c, p, out));
  if (id == OG_TYPE_BOOL) return take_bits(cx, c, p, out);
  if (og_type_width(id)) return take_fixed(cx, c, p, out);
  if (og_type_is_varbin(id)) return take_bytes(cx, c, p, out);
  if (og_type_has_offsets(id)) return take_items(cx, c, p, out);
  if (id == OG_TYPE_FIXED_LIST && og_type_width(c->children[0]->type.id) && !c->children[0]->validity)
    return take_blocks(cx, c, p, out);
  return take_children(cx, c, p, out);
}

static og_status take(og_ctx *cx, const og_column *c, const pick *p, og_column **out)
{
  og_column *taken;
  OG_TRY(og_column__alloc(cx, c->type, p->n, c->n_children, &taken));
  og_status st = take_values(cx, c, p, taken);
  if (st != OG_OK) {
    og_column_unref(taken);
    return st;
  }
  *out = taken;
  return OG_OK;
}

og_status og_column_take(og_ctx *cx, const og_column *c, const int64_t *idx, int64_t n, og_column **out)
{
  pick p = {idx, n, false};
  for (int64_t i = 0; i < n; i++) p.gaps |= idx[i] < 0;
  return take(cx, c, &p, out);
}
