/* SPDX-License-Identifier: MIT */
/* lance/page_assemble.c -- leaves into columns: the two tests of page_levels.c, layer by layer.
 *
 * A struct takes its validity, a list its offsets, from the first leaf below; the other leaves must
 * agree on the lengths, which is checked.  Null slots are cleared, so that columns never show what
 * a writer left there.
 */
#include "arrow/builder.h"
#include "base/ctx.h"
#include "lance/page.h"

#include <inttypes.h>

typedef struct layer_out {
  int64_t n, nulls;
  og_lance__mem validity; /* empty: no nulls */
  og_lance__mem offsets;  /* lists */
} layer_out;

static void layer_out_cleanup(layer_out *l)
{
  og_lance__mem_cleanup(&l->validity);
  og_lance__mem_cleanup(&l->offsets);
}

typedef struct column_list {
  og_column **cols;
  uint32_t n;
} column_list;

static void column_list_cleanup(column_list *l)
{
  for (uint32_t i = 0; i < l->n; i++) og_column_unref(l->cols[i]);
  og_free(l->cols);
}

/* ---- Validity. */

/* What each definition level means at one layer. */
typedef struct layer_view {
  bool stands[OG_LANCE__MAX_DEFS]; /* reaches the layer */
  bool null[OG_LANCE__MAX_DEFS];   /* is null there */
  uint8_t min_rep;                 /* a smaller repetition level starts nothing there */
} layer_view;

static void layer_view_make(const og_lance__path *p, uint32_t layer, layer_view *out)
{
  memset(out, 0, sizeof *out);
  out->min_rep = p->lists_upto[layer];
  out->stands[0] = true;
  for (unsigned d = 1; d <= p->max_def; d++) {
    const bool empty = p->is_list[p->layer_of[d]] && d != p->null_def[p->layer_of[d]];
    out->stands[d] = layer >= p->stop_of[d];
    out->null[d] = p->layer_of[d] > layer || (p->layer_of[d] == layer && !empty);
  }
}

static og_status put_validity(og_ctx *cx, layer_out *out, const uint8_t *null, int64_t n)
{
  size_t bytes = (size_t)((n + 7) / 8);
  uint8_t *bits = og_lance__mem_push(cx, &out->validity, bytes);
  if (!bits) return cx->err->status;
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    /* Eight bytes of 0 or 1: the product brings byte k's bit to bit 56 + k. */
    const uint8_t null_bits = (uint8_t)(og_lance__u64(null + i) * 0x0102040810204080u >> 56);
    bits[i / 8] = (uint8_t)~null_bits;
  }
  if (i < n) bits[i / 8] = 0;
  for (; i < n; i++) bits[i / 8] = (uint8_t)(bits[i / 8] | (uint8_t)(!null[i]) << i % 8);
  const int64_t nulls = n - og_bits_count(bits, 0, n);
  out->nulls = nulls;
  if (nulls == 0) og_lance__mem_cleanup(&out->validity);
  return OG_OK;
}

/* The layer when every entry stands there: no lists at or below it. */
static og_status flat_layer(og_ctx *cx, const og_lance__leaf *l, uint32_t layer, layer_out *out)
{
  layer_view view;
  out->n = (int64_t)l->n_entries;
  if (!l->def.len) return OG_OK;
  layer_view_make(l->path, layer, &view);
  OG_AUTO(og_lance__mem) null = {0};
  uint8_t *to = og_lance__mem_push(cx, &null, (size_t)l->n_entries);
  if (!to) return cx->err->status;
  for (uint64_t i = 0; i < l->n_entries; i++) to[i] = view.null[l->def.data[i]];
  return put_validity(cx, out, to, out->n);
}

/* A layer inside lists, or a list itself: then starts[k] receives the number of items before the
 * k-th list. */
static og_status nested_layer(og_ctx *cx, const og_lance__leaf *l, uint32_t layer, bool is_list, layer_out *out,
                              og_lance__mem *starts)
{
  layer_view here, below = {0};
  OG_AUTO(og_lance__mem) null = {0};
  layer_view_make(l->path, layer, &here);
  if (is_list) layer_view_make(l->path, layer - 1, &below);
  uint8_t *to = og_lance__mem_push(cx, &null, (size_t)l->n_entries);
  if (!to) return cx->err->status;
  int64_t *start = NULL;
  if (is_list) {
    start = (int64_t *)(void *)og_lance__mem_push(cx, starts, (size_t)(l->n_entries + 1) * sizeof *start);
    if (!start) return cx->err->status;
  }
  int64_t n = 0, items = 0;
  bool bad = false;
  for (uint64_t i = 0; i < l->n_entries; i++) {
    const uint8_t d = og_lance__leaf_def(l, i), r = l->rep.data[i];
    if (r >= here.min_rep && here.stands[d]) {
      if (start) start[n] = items;
      to[n++] = here.null[d];
    }
    const bool item = is_list && r >= below.min_rep && below.stands[d];
    items += item;
    bad |= item && (n == 0 || to[n - 1]);
  }
  if (bad) return og_fail(cx, OG_ECORRUPT, "levels put an item into a null list");
  if (start) start[n] = items;
  out->n = n;
  return put_validity(cx, out, to, n);
}

static og_status list_offsets(og_ctx *cx, const og_field *f, const int64_t *starts, layer_out *out)
{
  const bool wide = f->type.id == OG_TYPE_LARGE_LIST;
  const size_t n = (size_t)out->n + 1;
  OG_INVARIANT(starts); /* there is one more than lists */
  if (!wide && starts[out->n] > INT32_MAX)
    return og_fail(cx, OG_ELIMIT, "%" PRId64 " list items do not fit 32-bit offsets; read fewer rows at once",
                   starts[out->n]);
  uint8_t *to = og_lance__mem_push(cx, &out->offsets, n * (wide ? 8 : 4));
  if (!to) return cx->err->status;
  if (wide) memcpy(to, starts, n * 8);
  for (size_t i = 0; !wide && i < n; i++) ((int32_t *)(void *)to)[i] = (int32_t)starts[i];
  return OG_OK;
}

static og_status unravel(og_ctx *cx, const og_field *f, const og_lance__leaf *l, uint32_t layer, layer_out *out)
{
  const og_lance__path *p = l->path;
  if (p->n_lists == 0) return flat_layer(cx, l, layer, out);
  OG_AUTO(og_lance__mem) starts = {0};
  OG_TRY(nested_layer(cx, l, layer, p->is_list[layer], out, &starts));
  return p->is_list[layer] ? list_offsets(cx, f, (const int64_t *)(const void *)starts.data, out) : OG_OK;
}

/* ---- Leaf columns. */

static void clear_null_strings(og_lance__slots *s, const uint8_t *validity)
{
  bool dirty = false;
  for (uint64_t i = 0; i < s->n && !dirty; i++)
    dirty = !og_bit_get(validity, (int64_t)i) && og_lance__slots_str(s, i).len > 0;
  if (!dirty) return;
  uint64_t end = 0, start = 0;
  for (uint64_t i = 0; i < s->n; i++) { /* moves bytes down over the null slots' */
    uint64_t next = og_lance__slots_offset(s, i + 1), len = next - start;
    if (og_bit_get(validity, (int64_t)i)) {
      memmove(s->data.data + end, s->data.data + start, (size_t)len);
      end += len;
    }
    og_lance__slots_set_end(s, i, end);
    start = next;
  }
  s->data.len = (size_t)end;
}

/* Items below null fixed-size lists; the builder of columns clears other fixed-width slots. */
static void clear_null_items(og_lance__slots *s, const uint8_t *validity)
{
  const uint64_t dim = s->shape.dim, w = s->shape.width * dim;
  for (uint64_t i = 0; i < s->n; i++) {
    if (og_bit_get(validity, (int64_t)i)) continue;
    if (s->shape.form == OG_LANCE__FIXED) memset(s->data.data + i * w, 0, (size_t)w);
    for (uint64_t k = i * dim; s->shape.form == OG_LANCE__BITS && k < (i + 1) * dim; k++)
      og_bit_clear(s->data.data, (int64_t)k);
  }
}

/* Items of fixed-size lists: a column of n * dim elements with the element bitmap. */
static og_status item_column(og_ctx *cx, og_type type, og_lance__slots *s, og_column **out)
{
  void *validity = NULL, *data = NULL;
  if (s->valid.len) OG_TRY(og_lance__mem_take(cx, &s->valid, &validity));
  og_status st = og_lance__mem_take(cx, &s->data, &data);
  if (st != OG_OK) {
    og_free(validity);
    return st;
  }
  const og_column_parts parts = {
      .type = type, .len = (int64_t)(s->n * s->shape.dim), .validity = validity, .data = {data, NULL}};
  return og_column_adopt(cx, &parts, out);
}

static bool is_ascii(const uint8_t *p, uint64_t n)
{
  uint64_t all = 0, i = 0;
  for (; i + 8 <= n; i += 8) all |= og_lance__u64(p + i);
  for (; i < n; i++) all |= p[i];
  return (all & 0x8080808080808080u) == 0;
}

/* Strings are UTF-8, whoever wrote the file; ASCII, the usual case, costs one pass without
 * branches. */
static og_status check_text(og_ctx *cx, og_column **c)
{
  if (is_ascii((*c)->data[1], (*c)->bytes_len)) return OG_OK;
  og_status st = og_column_check(cx, *c, OG_ECORRUPT);
  if (st != OG_OK) {
    og_column_unref(*c);
    *c = NULL;
  }
  return st;
}

static og_status take_validity(og_ctx *cx, layer_out *layer, void **out)
{
  *out = NULL;
  return layer->validity.len ? og_lance__mem_take(cx, &layer->validity, out) : OG_OK;
}

static og_status check_slots(og_ctx *cx, const og_lance__slots *s, const layer_out *layer)
{
  if ((uint64_t)layer->n == s->n) return OG_OK;
  return og_fail(cx, OG_ECORRUPT, "levels call for %" PRId64 " values, the pages hold %" PRIu64, layer->n, s->n);
}

/* Child of n packed structs: `at` is where it lies in each. */
static og_status packed_child(og_ctx *cx, const og_field *f, const og_lance__slots *s, uint64_t at, og_column **out)
{
  og_lance__shape shape;
  og_column *items = NULL;
  OG_INVARIANT(og_lance__shape_of(f, &shape));
  const uint64_t w = (uint64_t)shape.width * shape.dim;
  uint8_t *data = og_alloc_aligned(cx, (size_t)(s->n * w) + 8);
  if (!data) return OG_ENOMEM;
  for (uint64_t i = 0; i < s->n; i++) memcpy(data + i * w, s->data.data + i * s->shape.dim + at, (size_t)w);
  og_column_parts parts = {.type = f->type, .len = (int64_t)s->n, .data = {data, NULL}};
  if (!shape.is_list) return og_column_adopt(cx, &parts, out);
  parts.type = f->children[0].type;
  parts.len *= shape.dim;
  OG_TRY(og_column_adopt(cx, &parts, &items));
  parts = (og_column_parts){.type = f->type, .len = (int64_t)s->n, .children = &items, .n_children = 1};
  og_status st = og_column_adopt(cx, &parts, out);
  og_column_unref(items);
  return st;
}

/* Of rows that have no fixed size. */
static og_status packed_rows(og_ctx *cx, const og_field *f, const og_lance__slots *s, layer_out *layer, og_column **out)
{
  OG_AUTO(og_arena) scratch = {0};
  OG_AUTO(column_list) children = {0};
  og_builder **b = og_arena_calloc(cx, &scratch, (size_t)f->n_children + 1, sizeof(og_builder *));
  void *validity;
  children.cols = og_calloc(cx, (size_t)f->n_children + 1, sizeof *children.cols);
  og_status st = b && children.cols ? check_slots(cx, s, layer) : OG_ENOMEM;
  for (uint32_t i = 0; st == OG_OK && i < f->n_children; i++) st = og_builder_new(cx, &f->children[i], &b[i]);
  if (st == OG_OK) st = og_lance__packed_rows_split(cx, f, s, layer->validity.len ? layer->validity.data : NULL, b);
  for (; st == OG_OK && children.n < f->n_children; children.n++) {
    st = og_builder_finish(cx, b[children.n], &children.cols[children.n]);
    if (st != OG_OK) break;
  }
  for (uint32_t i = 0; b && i < f->n_children; i++) og_builder_free(b[i]);
  OG_TRY(st);
  OG_TRY(take_validity(cx, layer, &validity));
  const og_column_parts parts = {
      .type = f->type, .len = layer->n, .validity = validity, .children = children.cols, .n_children = children.n};
  return og_column_adopt(cx, &parts, out);
}

/* The children's own nulls are not stored. */
static og_status packed_column(og_ctx *cx, const og_field *f, og_lance__slots *s, layer_out *layer, og_column **out)
{
  uint64_t at = 0;
  void *validity;
  if (s->shape.form == OG_LANCE__VARBIN) return packed_rows(cx, f, s, layer, out);
  OG_TRY(check_slots(cx, s, layer));
  if (layer->validity.len) clear_null_items(s, layer->validity.data);
  OG_AUTO(column_list) children = {0};
  children.cols = og_calloc(cx, f->n_children, sizeof *children.cols);
  if (!children.cols) return OG_ENOMEM;
  for (; children.n < f->n_children; children.n++) {
    og_lance__shape shape;
    OG_INVARIANT(og_lance__shape_of(&f->children[children.n], &shape));
    OG_TRY(packed_child(cx, &f->children[children.n], s, at, &children.cols[children.n]));
    at += (uint64_t)shape.width * shape.dim;
  }
  OG_TRY(take_validity(cx, layer, &validity));
  const og_column_parts parts = {
      .type = f->type, .len = layer->n, .validity = validity, .children = children.cols, .n_children = children.n};
  return og_column_adopt(cx, &parts, out);
}

static og_status leaf_column(og_ctx *cx, const og_field *f, og_lance__leaf *l, layer_out *layer, og_column **out)
{
  og_lance__slots *s = &l->slots;
  void *validity = NULL, *data[2] = {NULL, NULL};
  og_column *items = NULL;
  OG_TRY(check_slots(cx, s, layer));
  if (f->type.id == OG_TYPE_NULL) return og_column_nulls(cx, f, layer->n, out);
  if (layer->validity.len && s->shape.form == OG_LANCE__VARBIN) clear_null_strings(s, layer->validity.data);
  if (layer->validity.len && s->shape.is_list) clear_null_items(s, layer->validity.data);
  if (s->shape.is_list) OG_TRY(item_column(cx, f->children[0].type, s, &items));
  og_status st = take_validity(cx, layer, &validity);
  const uint64_t bytes = s->data.len;
  if (st == OG_OK && s->shape.form == OG_LANCE__VARBIN) {
    uint8_t *nothing;
    if (!s->offsets.len) st = og_lance__slots_open(cx, s, 0, 0, &nothing); /* the leading 0 */
    if (st == OG_OK) st = og_lance__mem_take(cx, &s->offsets, &data[0]);
    if (st == OG_OK) st = og_lance__mem_take(cx, &s->data, &data[1]);
  } else if (st == OG_OK && !items) {
    st = og_lance__mem_take(cx, &s->data, &data[0]);
  }
  if (st == OG_OK) {
    const og_column_parts parts = {.type = f->type,
                                   .len = layer->n,
                                   .validity = validity,
                                   .data = {data[0], data[1]},
                                   .bytes_len = s->shape.form == OG_LANCE__VARBIN ? bytes : 0,
                                   .children = &items,
                                   .n_children = items ? 1 : 0};
    st = og_column_adopt(cx, &parts, out);
  } else {
    og_free(validity);
    og_free(data[0]);
    og_free(data[1]);
  }
  og_column_unref(items);
  if (st == OG_OK && og_type_is_string(f->type.id)) st = check_text(cx, out);
  return st;
}

/* ---- Nodes. */

static og_status assemble(og_ctx *cx, const og_field *f, og_lance__leaf *leaves, uint32_t depth, og_column **out);

static og_status node_column(og_ctx *cx, const og_field *f, og_lance__leaf *leaves, uint32_t depth, layer_out *layer,
                             og_column **out)
{
  const bool is_list = f->type.id != OG_TYPE_STRUCT;
  int64_t expect = layer->n;
  OG_AUTO(column_list) children = {0};
  children.cols = og_calloc(cx, f->n_children, sizeof *children.cols);
  if (!children.cols) return OG_ENOMEM;
  if (is_list) {
    const bool wide = f->type.id == OG_TYPE_LARGE_LIST;
    OG_INVARIANT(layer->offsets.data);
    expect = wide ? ((const int64_t *)(const void *)layer->offsets.data)[layer->n]
                  : ((const int32_t *)(const void *)layer->offsets.data)[layer->n];
  }
  for (uint32_t i = 0; i < f->n_children; i++) {
    OG_TRY(assemble(cx, &f->children[i], leaves, depth + 1, &children.cols[i]));
    children.n = i + 1;
    if (children.cols[i]->len != expect)
      return og_fail(cx, OG_ECORRUPT, "\"" OG_STR_FMT "\" has %" PRId64 " values where its parent needs %" PRId64,
                     OG_STR_ARG(f->children[i].name), children.cols[i]->len, expect);
    leaves += og_lance__leaf_count(&f->children[i]);
  }
  void *validity, *offsets = NULL;
  OG_TRY(take_validity(cx, layer, &validity));
  if (is_list) {
    og_status st = og_lance__mem_take(cx, &layer->offsets, &offsets);
    if (st != OG_OK) {
      og_free(validity);
      return st;
    }
  }
  const og_column_parts parts = {.type = f->type,
                                 .len = layer->n,
                                 .validity = validity,
                                 .data = {offsets, NULL},
                                 .children = children.cols,
                                 .n_children = children.n};
  return og_column_adopt(cx, &parts, out);
}

static og_status assemble(og_ctx *cx, const og_field *f, og_lance__leaf *leaves, uint32_t depth, og_column **out)
{
  OG_AUTO(layer_out) layer = {0};
  const uint32_t at = leaves[0].path->n_layers - 1 - depth;
  OG_TRY(unravel(cx, f, &leaves[0], at, &layer));
  if (at == 0 && leaves[0].slots.shape.packed) return packed_column(cx, f, &leaves[0].slots, &layer, out);
  if (at == 0) return leaf_column(cx, f, &leaves[0], &layer, out);
  return node_column(cx, f, leaves, depth, &layer, out);
}

og_status og_lance__assemble(og_ctx *cx, const og_field *field, og_lance__leaf *leaves, og_column **out)
{
  return assemble(cx, field, leaves, 0, out);
}
