/* SPDX-License-Identifier: MIT */
/* lance/page_shred.c -- columns into leaves.
 *
 * Ranges are handled whole as long as nothing inside needs a look at single rows: a column of
 * numbers is one copy and, when it has nulls, one pass over its bitmap.
 */
#include "base/ctx.h"
#include "lance/page.h"

/* Where the walk stands.  `first` and `rest` say for the range's first entry and for the others how
 * many lists, from the outside, go on rather than start: 0 starts a row.  A leaf's repetition level
 * is its number of lists less that; leaves below one struct may have different numbers of lists. */
typedef struct place {
  og_lance__leaf *leaves; /* of the node */
  uint32_t n_leaves;
  uint8_t first, rest;
} place;

static og_status shred(og_ctx *cx, const og_field *f, const og_column *c, int64_t from, int64_t n, uint32_t depth,
                       place at);

/* The layer of a node `depth` levels below the root, in the numbering of one leaf (innermost
 * first). */
static uint32_t layer_at(const og_lance__leaf *l, uint32_t depth)
{
  return l->path->n_layers - 1 - depth;
}

static og_status put_entries(og_ctx *cx, og_lance__leaf *l, int64_t n, place at, uint8_t def)
{
  const uint8_t lists = l->path->n_lists;
  return og_lance__leaf_entries(cx, l, (uint64_t)n, (uint8_t)(lists - at.first), (uint8_t)(lists - at.rest), def);
}

/* n entries at which the node at `depth` is null (or an empty list): the same for every leaf below.
 */
static og_status put_absent(og_ctx *cx, place at, uint32_t depth, int64_t n, bool empty)
{
  for (uint32_t k = 0; k < at.n_leaves; k++) {
    og_lance__leaf *l = &at.leaves[k];
    uint8_t def = (uint8_t)(l->path->null_def[layer_at(l, depth)] + empty);
    OG_TRY(put_entries(cx, l, n, at, def));
    if (def <= l->path->max_visible) OG_TRY(og_lance__slots_zeros(cx, &l->slots, (uint64_t)n));
  }
  return OG_OK;
}

/* ---- Leaf values. */

static og_status put_strings(og_ctx *cx, const og_column *c, int64_t from, int64_t n, og_lance__slots *s)
{
  uint64_t first = s->n, base = s->data.len, start, end;
  uint8_t *to;
  if (s->shape.wide) {
    const int64_t *o = (const int64_t *)c->data[0] + from;
    start = (uint64_t)o[0];
    end = (uint64_t)o[n];
    OG_TRY(og_lance__slots_open(cx, s, (uint64_t)n, end - start, &to));
    int64_t *dst = (int64_t *)(void *)s->offsets.data + first + 1;
    for (int64_t i = 0; i < n; i++) dst[i] = o[i + 1] - (int64_t)start + (int64_t)base;
  } else {
    const int32_t *o = (const int32_t *)c->data[0] + from;
    start = (uint64_t)o[0];
    end = (uint64_t)o[n];
    OG_TRY(og_lance__slots_open(cx, s, (uint64_t)n, end - start, &to));
    int32_t *dst = (int32_t *)(void *)s->offsets.data + first + 1;
    const int32_t shift = (int32_t)base - (int32_t)start;
    for (int64_t i = 0; i < n; i++) dst[i] = o[i + 1] + shift;
  }
  if (end > start) memcpy(to, (const uint8_t *)c->data[1] + start, (size_t)(end - start));
  return OG_OK;
}

/* Validity of fixed-size lists' items; kept only when an item of a valid list is null. */
static og_status put_item_validity(og_ctx *cx, const og_column *items, int64_t from, int64_t n, og_lance__slots *s)
{
  uint64_t have = s->n * s->shape.dim;
  bool has_null = items->validity && og_bits_count(items->validity, from, n) < n;
  if (!has_null) return s->valid.len ? og_lance__bits_fill(cx, &s->valid, have, true, (uint64_t)n) : OG_OK;
  if (!s->valid.len) OG_TRY(og_lance__bits_fill(cx, &s->valid, 0, true, have));
  return og_lance__bits_append(cx, &s->valid, have, items->validity, (uint64_t)from, (uint64_t)n);
}

static og_status put_dense(og_ctx *cx, const og_column *c, int64_t from, int64_t n, og_lance__slots *s)
{
  const int64_t dim = s->shape.dim;
  if (s->shape.is_list) {
    OG_TRY(put_item_validity(cx, c->children[0], from * dim, n * dim, s));
    c = c->children[0];
  }
  if (s->shape.form == OG_LANCE__BITS) {
    OG_TRY(og_lance__bits_append(cx, &s->data, s->n * (uint64_t)dim, (const uint8_t *)c->data[0],
                                 (uint64_t)(from * dim), (uint64_t)(n * dim)));
  } else if (s->shape.form == OG_LANCE__FIXED) {
    const size_t w = (size_t)dim * s->shape.width;
    uint8_t *to = og_lance__mem_push(cx, &s->data, (size_t)n * w);
    if (!to) return cx->err->status;
    memcpy(to, (const uint8_t *)c->data[0] + (size_t)from * w, (size_t)n * w);
  }
  s->n += (uint64_t)n;
  return OG_OK;
}

static og_status put_leaf(og_ctx *cx, const og_column *c, int64_t from, int64_t n, place at)
{
  og_lance__leaf *l = at.leaves;
  const bool all_null = c->type.id == OG_TYPE_NULL;
  const bool some_null = !all_null && c->nulls > 0 && c->validity;
  const uint64_t before = l->n_entries;
  OG_TRY(put_entries(cx, l, n, at, all_null ? 1 : 0));
  if (some_null && og_bits_count(c->validity, from, n) < n) {
    if (!l->def.len) { /* bring the levels into being: all 0 so far */
      uint8_t *zeros = og_lance__mem_push(cx, &l->def, (size_t)l->n_entries);
      if (!zeros) return cx->err->status;
      memset(zeros, 0, (size_t)l->n_entries);
    }
    uint8_t *def = l->def.data + before;
    for (int64_t i = 0; i < n; i++) def[i] = !og_bit_get(c->validity, from + i);
  }
  if (l->slots.shape.form == OG_LANCE__VARBIN) return put_strings(cx, c, from, n, &l->slots);
  return put_dense(cx, c, from, n, &l->slots);
}

/* ---- Packed structs: the children of a row behind each other. */

/* Where a child's values lie; what the format has no place for is refused. */
static og_status packed_values(og_ctx *cx, const og_field *f, const og_column *c, int64_t from, int64_t n,
                               const uint8_t **out)
{
  const og_column *values = c->type.id == OG_TYPE_FIXED_LIST ? c->children[0] : c;
  const int64_t dim = values == c ? 1 : c->type.size;
  const bool some_null = (c->validity && og_bits_count(c->validity, from, n) < n) ||
                         (values->validity && og_bits_count(values->validity, from * dim, n * dim) < n * dim);
  *out = (const uint8_t *)values->data[0];
  if (!some_null) return OG_OK;
  return og_fail(cx, OG_EUNSUPPORTED,
                 "field \"" OG_STR_FMT "\" of a packed struct holds nulls, which cannot be stored there",
                 OG_STR_ARG(f->name));
}

/* n rows that are all valid, or all null. */
static og_status put_packed_run(og_ctx *cx, const og_field *f, const og_column *c, int64_t from, int64_t n, bool null,
                                place at)
{
  og_lance__slots *s = &at.leaves[0].slots;
  OG_TRY(put_entries(cx, at.leaves, n, at, null));
  if (null) return og_lance__slots_zeros(cx, s, (uint64_t)n);
  uint8_t *to = og_lance__mem_push(cx, &s->data, (size_t)n * s->shape.dim);
  if (!to) return cx->err->status;
  for (uint32_t k = 0; k < f->n_children; k++) {
    og_lance__shape shape;
    const uint8_t *values;
    OG_INVARIANT(og_lance__shape_of(&f->children[k], &shape));
    OG_TRY(packed_values(cx, &f->children[k], c->children[k], from, n, &values));
    const size_t w = (size_t)shape.width * shape.dim;
    for (int64_t i = 0; i < n; i++) memcpy(to + (size_t)i * s->shape.dim, values + (size_t)(from + i) * w, w);
    to += w;
  }
  s->n += (uint64_t)n;
  return OG_OK;
}

static int64_t run_end(const og_column *c, int64_t i, int64_t end, bool null);

static og_status put_packed(og_ctx *cx, const og_field *f, const og_column *c, int64_t from, int64_t n, place at)
{
  const int64_t end = from + n;
  for (int64_t i = from; i < end;) {
    const bool null = c->nulls > 0 && og_column_is_null(c, i);
    const int64_t to = c->nulls > 0 ? run_end(c, i, end, null) : end;
    OG_TRY(put_packed_run(cx, f, c, i, to - i, null, at));
    at.first = at.rest;
    i = to;
  }
  return OG_OK;
}

/* ---- Nodes. */

/* The end of the run of rows from `i` that are all null or all valid. */
static int64_t run_end(const og_column *c, int64_t i, int64_t end, bool null)
{
  int64_t j = i + 1;
  while (j < end && og_column_is_null(c, j) == null) j++;
  return j;
}

static og_status shred_struct(og_ctx *cx, const og_field *f, const og_column *c, int64_t from, int64_t n,
                              uint32_t depth, place at)
{
  const int64_t end = from + n;
  for (int64_t i = from; i < end;) {
    bool null = c->nulls > 0 && og_column_is_null(c, i);
    int64_t to = c->nulls > 0 ? run_end(c, i, end, null) : end;
    if (null) OG_TRY(put_absent(cx, at, depth, to - i, false));
    place child = {.leaves = at.leaves, .first = at.first, .rest = at.rest};
    for (uint32_t k = 0; k < f->n_children && !null; k++) {
      child.n_leaves = og_lance__leaf_count(&f->children[k]);
      OG_TRY(shred(cx, &f->children[k], c->children[k], i, to - i, depth + 1, child));
      child.leaves += child.n_leaves;
    }
    at.first = at.rest;
    i = to;
  }
  return OG_OK;
}

static og_status shred_list(og_ctx *cx, const og_field *f, const og_column *c, int64_t from, int64_t n, uint32_t depth,
                            place at)
{
  const og_lance__path *path = at.leaves[0].path;
  const uint8_t lists_inside = (uint8_t)(path->lists_upto[layer_at(&at.leaves[0], depth)] - 1);
  const uint8_t going_on = (uint8_t)(path->n_lists - lists_inside);
  for (int64_t i = from; i < from + n; i++) {
    int64_t a, b;
    og_column_list(c, i, &a, &b);
    bool null = og_column_is_null(c, i);
    place items = {.leaves = at.leaves, .n_leaves = at.n_leaves, .first = at.first, .rest = going_on};
    if (null || a == b)
      OG_TRY(put_absent(cx, at, depth, 1, !null));
    else
      OG_TRY(shred(cx, &f->children[0], c->children[0], a, b - a, depth + 1, items));
    at.first = at.rest;
  }
  return OG_OK;
}

static og_status shred(og_ctx *cx, const og_field *f, const og_column *c, int64_t from, int64_t n, uint32_t depth,
                       place at)
{
  if (n == 0) return OG_OK;
  switch (f->type.id) {
  case OG_TYPE_STRUCT:
    if (at.leaves[0].slots.shape.packed && at.n_leaves == 1) return put_packed(cx, f, c, from, n, at);
    return shred_struct(cx, f, c, from, n, depth, at);
  case OG_TYPE_LIST:
  case OG_TYPE_LARGE_LIST: return shred_list(cx, f, c, from, n, depth, at);
  default: return put_leaf(cx, c, from, n, at);
  }
}

og_status og_lance__shred(og_ctx *cx, const og_field *field, const og_column *c, int64_t from, int64_t n,
                          og_lance__leaf *leaves)
{
  const uint32_t count = og_lance__leaf_count(field);
  place at = {.leaves = leaves, .n_leaves = count};
  OG_TRY(shred(cx, field, c, from, n, 0, at));
  for (uint32_t k = 0; k < count; k++) leaves[k].n_rows += (uint64_t)n;
  return OG_OK;
}
