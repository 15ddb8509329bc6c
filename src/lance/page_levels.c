/* SPDX-License-Identifier: MIT */
/* lance/page_levels.c -- paths, leaves, and columns shredded into levels and assembled from them.
 *
 * An entry with definition level d > 0 speaks of layer X = layer_of[d]: X is null (or, for a list,
 * empty), everything outside X is valid.  Inside X nothing exists below the first list: a null
 * struct still gives each child a null slot, a null or empty list gives its items none.  So an
 * entry stands at layer i if and only if (1) it starts something there: its repetition level is at
 * least the number of lists among layers 0 .. i, and (2) it reaches there: i >= stop_of[d]. Every
 * layer's lengths, offsets and validity follow from these two tests in one pass each.
 */
#include "base/ctx.h"
#include "lance/page.h"

#include <inttypes.h>

void og_lance__path_complete(og_lance__path *p)
{
  uint8_t def = 0, lists = 0, nearest_list = 0; /* innermost list layer at or below the current one, else 0 */
  bool visible = true;
  p->max_visible = 0;
  for (uint32_t i = 0; i < p->n_layers; i++) {
    if (p->is_list[i] && visible) {
      p->max_visible = def;
      visible = false;
    }
    const uint8_t levels = p->is_list[i] ? 2 : 1;
    if (p->is_list[i]) {
      lists++;
      nearest_list = (uint8_t)i;
    }
    p->null_def[i] = (uint8_t)(def + 1);
    p->lists_upto[i] = lists;
    for (uint8_t k = 1; k <= levels; k++) {
      p->layer_of[def + k] = (uint8_t)i;
      p->stop_of[def + k] = nearest_list;
    }
    def = (uint8_t)(def + levels);
  }
  p->layer_of[0] = p->stop_of[0] = 0;
  p->n_lists = lists;
  p->max_def = def;
  if (visible) p->max_visible = def;
}

/* ---- Leaves. */

void og_lance__leaf_init(og_lance__leaf *l, const og_lance__path *path, og_lance__shape shape)
{
  *l = (og_lance__leaf){.path = path};
  og_lance__slots_init(&l->slots, shape);
}

void og_lance__leaf_cleanup(og_lance__leaf *l)
{
  og_lance__slots_cleanup(&l->slots);
  og_lance__mem_cleanup(&l->rep);
  og_lance__mem_cleanup(&l->def);
}

void og_lance__leaf_clear(og_lance__leaf *l)
{
  og_lance__slots_clear(&l->slots);
  l->rep.len = l->def.len = 0;
  l->n_entries = l->n_rows = 0;
}

uint64_t og_lance__leaf_bytes(const og_lance__leaf *l)
{
  return og_lance__slots_bytes(&l->slots) + l->rep.len + l->def.len;
}

/* Makes room for n definition levels behind n_entries; the first non-zero level brings the array
 * into being. */
static uint8_t *push_defs(og_ctx *cx, og_lance__leaf *l, uint64_t n)
{
  if (l->def.len < l->n_entries) {
    size_t missing = (size_t)(l->n_entries - l->def.len);
    uint8_t *zeros = og_lance__mem_push(cx, &l->def, missing);
    if (!zeros) return NULL;
    memset(zeros, 0, missing);
  }
  return og_lance__mem_push(cx, &l->def, (size_t)n);
}

og_status og_lance__leaf_entries(og_ctx *cx, og_lance__leaf *l, uint64_t n, uint8_t first, uint8_t rest, uint8_t def)
{
  if (n == 0) return OG_OK;
  if (n > OG_LIMIT_PAGE_BYTES) return og_fail(cx, OG_ELIMIT, "%" PRIu64 " entries in one page", n);
  if (l->path->n_lists) {
    uint8_t *rep = og_lance__mem_push(cx, &l->rep, (size_t)n);
    if (!rep) return cx->err->status;
    memset(rep, rest, (size_t)n);
    rep[0] = first;
  }
  if (def || l->def.len) {
    uint8_t *at = push_defs(cx, l, n);
    if (!at) return cx->err->status;
    memset(at, def, (size_t)n);
  }
  l->n_entries += n;
  return OG_OK;
}

uint64_t og_lance__leaf_visible(const og_lance__leaf *l, uint64_t from, uint64_t to)
{
  if (!l->def.len || l->path->n_lists == 0) return to - from;
  uint64_t n = 0;
  for (uint64_t i = from; i < to; i++) n += l->def.data[i] <= l->path->max_visible;
  return n;
}

static uint64_t rows_among(const og_lance__leaf *l, uint64_t from, uint64_t to)
{
  if (l->path->n_lists == 0) return to - from;
  uint64_t n = 0;
  for (uint64_t i = from; i < to; i++) n += l->rep.data[i] == l->path->n_lists;
  return n;
}

og_status og_lance__leaf_copy(og_ctx *cx, og_lance__leaf *l, const og_lance__leaf *src, uint64_t from, uint64_t to,
                              uint64_t slot)
{
  uint64_t n = to - from;
  if (n == 0) return OG_OK;
  OG_TRY(og_lance__slots_copy(cx, &l->slots, &src->slots, slot, og_lance__leaf_visible(src, from, to)));
  if (l->path->n_lists) {
    uint8_t *rep = og_lance__mem_push(cx, &l->rep, (size_t)n);
    if (!rep) return cx->err->status;
    memcpy(rep, src->rep.data + from, (size_t)n);
  }
  if (src->def.len || l->def.len) {
    uint8_t *def = push_defs(cx, l, n);
    if (!def) return cx->err->status;
    if (src->def.len)
      memcpy(def, src->def.data + from, (size_t)n);
    else
      memset(def, 0, (size_t)n);
  }
  l->n_entries += n;
  l->n_rows += rows_among(src, from, to);
  return OG_OK;
}

/* ---- Fields to paths. */

static bool is_split(const og_field *f) /* has columns of its own for its children */
{
  og_str packed;
  if (f->type.id == OG_TYPE_STRUCT)
    return !(og_field_meta(f, OG_STR("lance-encoding:packed"), &packed) || og_field_meta(f, OG_STR("packed"), &packed));
  return f->type.id == OG_TYPE_LIST || f->type.id == OG_TYPE_LARGE_LIST;
}

uint32_t og_lance__leaf_count(const og_field *field)
{
  if (!is_split(field)) return 1;
  uint32_t n = 0;
  for (uint32_t i = 0; i < field->n_children; i++) n += og_lance__leaf_count(&field->children[i]);
  return n;
}

void og_lance__leaf_ids(const og_lance_schema *s, const og_field *field, uint32_t *pos, int32_t **ids)
{
  const int32_t id = s->fields[(*pos)++].id;
  if (is_split(field)) {
    for (uint32_t i = 0; i < field->n_children; i++) og_lance__leaf_ids(s, &field->children[i], pos, ids);
    return;
  }
  *(*ids)++ = id;
  while (*pos < s->n_fields && s->fields[*pos].parent == id) ++*pos; /* below a packed struct, or a blob */
}

/* `outer`: kinds of the layers around `f`, outermost first. */
static og_status collect(og_ctx *cx, const og_field *f, bool *outer, uint32_t depth, og_lance__leaf_info *leaves,
                         uint32_t *n)
{
  og_str blob;
  if (depth >= OG_LIMIT_TYPE_DEPTH) return og_fail(cx, OG_ELIMIT, "types nest deeper than %d", OG_LIMIT_TYPE_DEPTH);
  if (is_split(f)) {
    outer[depth] = f->type.id != OG_TYPE_STRUCT;
    for (uint32_t i = 0; i < f->n_children; i++) OG_TRY(collect(cx, &f->children[i], outer, depth + 1, leaves, n));
    return OG_OK;
  }
  og_lance__leaf_info *leaf = &leaves[(*n)++];
  *leaf = (og_lance__leaf_info){.field = f};
  if (!og_lance__shape_of(f, &leaf->shape))
    return og_fail(cx, OG_EUNSUPPORTED,
                   "field \"" OG_STR_FMT "\" is a packed struct of more than numbers, which OmniGraph does not read",
                   OG_STR_ARG(f->name));
  leaf->shape.blob = og_lance_is_blob(f);
  if (leaf->shape.blob && depth > 0)
    return og_fail(cx, OG_EUNSUPPORTED,
                   "field \"" OG_STR_FMT "\" is a blob inside a struct or a list: only columns can be blobs",
                   OG_STR_ARG(f->name));
  if (!leaf->shape.blob && og_field_meta(f, OG_STR("lance-encoding:blob"), &blob) && og_str_eq(blob, OG_STR("true")))
    return og_fail(cx, OG_EUNSUPPORTED, "field \"" OG_STR_FMT "\" is a Lance blob, which OmniGraph does not read",
                   OG_STR_ARG(f->name));
  leaf->path.n_layers = depth + 1;
  for (uint32_t i = 0; i < depth; i++) leaf->path.is_list[depth - i] = outer[i];
  og_lance__path_complete(&leaf->path);
  return OG_OK;
}

og_status og_lance__leaves_of(og_ctx *cx, og_arena *a, const og_field *field, og_lance__leaf_info **out, uint32_t *n)
{
  bool outer[OG_LANCE__MAX_LAYERS] = {false};
  uint32_t count = og_lance__leaf_count(field), done = 0;
  og_lance__leaf_info *leaves = og_arena_calloc(cx, a, count, sizeof *leaves);
  if (!leaves) return OG_ENOMEM;
  OG_TRY(collect(cx, field, outer, 0, leaves, &done));
  *out = leaves;
  *n = count;
  return OG_OK;
}

/* The start of the row of entry i, not before `floor`.  Rows that lie in a run whole end there. */
static uint64_t row_start(const og_lance__leaf *l, uint64_t floor, uint64_t i)
{
  while (i > floor && i < l->n_entries && l->rep.data[i] != l->path->n_lists) i--;
  return i;
}

void og_lance__leaf_split(const og_lance__leaf *l, uint64_t from, uint64_t *to, bool *large)
{
  const og_lance__path *p = l->path;
  uint64_t run = from;           /* first entry of the current run without values */
  uint64_t run_row = UINT64_MAX; /* first row that starts in it */
  *to = l->n_entries;
  *large = false;
  if (p->n_lists == 0 || !l->def.len) return;
  for (uint64_t i = from; i <= l->n_entries; i++) {
    const bool visible = i == l->n_entries || l->def.data[i] <= p->max_visible;
    const bool starts = i == l->n_entries || l->rep.data[i] == p->n_lists;
    if (!visible) {
      if (starts && run_row == UINT64_MAX) run_row = i;
      continue;
    }
    if (i - run > OG_LANCE__MAX_INVISIBLE) {
      const uint64_t last = row_start(l, run, i);
      const bool whole_rows = run_row != UINT64_MAX && last > run_row;
      if (whole_rows) {
        *to = run_row > from ? run_row : last;
        *large = *to == run_row && run_row - run > OG_LANCE__MAX_INVISIBLE;
        return;
      }
      *large = true;
    }
    run = i + 1;
    run_row = UINT64_MAX;
  }
}
