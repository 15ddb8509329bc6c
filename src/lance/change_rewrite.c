/* SPDX-License-Identifier: MIT */
/* lance/change_rewrite.c -- what a compaction is to other writers, and to the indexes: old fragments that became new
 * ones. */
#include "lance/change_impl.h"
#include "lance/index_impl.h"
#include "lance/transaction.h"

#include "base/map.h"

/* ---- groups */

static bool has_fragment(const og_vec *list, uint64_t id)
{
  for (size_t i = 0; i < list->len; i++)
    if (OG_VEC_AT(list, og_fragment, i).id == id) return true;
  return false;
}

/* The fragments of `base` from which the rows of one new file came. */
static og_status old_ones(og_ctx *cx, const og_lance_change *c, const og_umap *by_id, const og_lance_table *base,
                          const og_change__file *file, og_vec *out)
{
  uint32_t last = UINT32_MAX;
  for (size_t i = 0; i < file->from.len; i++) {
    const uint32_t own = og_table__fragment_at(c->base, OG_VEC_AT(&file->from, uint64_t, i));
    uint64_t at;
    if (own == last) continue;
    last = own;
    const uint64_t id = c->base->m.fragments[own].id;
    if (og_umap_get(by_id, id, &at) && !has_fragment(out, id)) OG_TRY(og_vec_add(cx, out, &base->m.fragments[at]));
  }
  return OG_OK;
}

static og_status copy_fragments(og_ctx *cx, og_arena *a, const og_vec *v, const og_fragment **out, uint32_t *n)
{
  og_fragment *copy = og_arena_calloc(cx, a, v->len + 1, sizeof *copy);
  if (!copy) return OG_ENOMEM;
  if (v->len) memcpy(copy, v->data, v->len * sizeof *copy);
  *out = copy;
  *n = (uint32_t)v->len;
  return OG_OK;
}

static const og_fragment *added_as(const og_vec *added, og_str name)
{
  for (size_t i = 0; i < added->len; i++)
    if (og_str_eq(OG_VEC_AT(added, og_fragment, i).files[0].path, name)) return &OG_VEC_AT(added, og_fragment, i);
  return NULL;
}

static bool shares(const og_transaction_group *g, const og_vec *olds)
{
  for (uint32_t i = 0; i < g->n_old; i++)
    if (has_fragment(olds, g->old_ones[i].id)) return true;
  return false;
}

static og_status add_group(og_ctx *cx, og_arena *a, const og_vec *olds, const og_fragment *fresh, og_vec *out)
{
  og_transaction_group *g = out->len ? &OG_VEC_AT(out, og_transaction_group, out->len - 1) : NULL;
  OG_AUTO(og_vec) all_old = OG_VEC_INIT(og_fragment);
  OG_AUTO(og_vec) all_new = OG_VEC_INIT(og_fragment);
  if (g && shares(g, olds)) { /* a file was cut within a fragment */
    for (uint32_t i = 0; i < g->n_old; i++) OG_TRY(og_vec_add(cx, &all_old, &g->old_ones[i]));
    for (uint32_t i = 0; i < g->n_new; i++) OG_TRY(og_vec_add(cx, &all_new, &g->new_ones[i]));
  } else if (!(g = og_vec_push(cx, out))) {
    return OG_ENOMEM;
  }
  for (size_t i = 0; i < olds->len; i++)
    if (!has_fragment(&all_old, OG_VEC_AT(olds, og_fragment, i).id))
      OG_TRY(og_vec_add(cx, &all_old, &OG_VEC_AT(olds, og_fragment, i)));
  if (fresh) OG_TRY(og_vec_add(cx, &all_new, fresh));
  OG_TRY(copy_fragments(cx, a, &all_old, &g->old_ones, &g->n_old));
  return copy_fragments(cx, a, &all_new, &g->new_ones, &g->n_new);
}

static og_status make_groups(og_ctx *cx, og_arena *a, const og_lance_change *c, const og_lance_table *base,
                             const og_vec *added, const og_umap *by_id, og_vec *out)
{
  for (size_t i = 0; i < c->files.len; i++) {
    const og_change__file *file = &OG_VEC_AT(&c->files, og_change__file, i);
    OG_AUTO(og_vec) olds = OG_VEC_INIT(og_fragment);
    OG_TRY(old_ones(cx, c, by_id, base, file, &olds));
    OG_TRY(add_group(cx, a, &olds, added_as(added, file->name), out));
  }
  return OG_OK;
}

og_status og_change__groups(og_ctx *cx, og_arena *a, const og_lance_change *c, const og_lance_table *base,
                            const og_vec *added, og_vec *out)
{
  og_umap by_id;
  og_status st = OG_OK;
  og_umap_init(&by_id);
  for (uint32_t i = 0; st == OG_OK && i < base->m.n_fragments; i++)
    st = og_umap_put(cx, &by_id, base->m.fragments[i].id, i, NULL);
  if (st == OG_OK) st = make_groups(cx, a, c, base, added, &by_id, out);
  og_map_cleanup(&by_id);
  return st;
}

/* ---- indexes */

/* Does the segment name rows by stable ids?  Of kinds we do not know we cannot say. */
static bool names_ids(const og_lance_index_entry *e)
{
  og_lance_index_kind kind;
  if (!e->has_fragments || !og_lance_index_kind_of(e, &kind)) return false;
  return e->index_version <= (kind == OG_INDEX_BTREE ? OG_BTREE_IDS : kind == OG_INDEX_LABELS ? OG_LABELS_NULLS : 0u);
}

static bool covers_all(const og_lance_index_entry *e, const og_transaction_group *g)
{
  for (uint32_t i = 0; i < g->n_old; i++)
    if (!og_ranges_have(e->fragments, e->n_fragments, g->old_ones[i].id)) return false;
  return g->n_old > 0;
}

static int by_number(const void *a, const void *b, void *arg)
{
  (void)arg;
  const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

/* The fragments it covers now.  *changed false: as before. */
static og_status moved_set(og_ctx *cx, const og_lance_index_entry *e, const og_vec *groups, og_buf *out, bool *changed)
{
  OG_AUTO(og_vec) ids = OG_VEC_INIT(uint32_t);
  *changed = false;
  for (size_t i = 0; names_ids(e) && i < groups->len; i++) {
    const og_transaction_group *g = &OG_VEC_AT(groups, og_transaction_group, i);
    if (!covers_all(e, g)) continue;
    for (uint32_t k = 0; k < g->n_new; k++) {
      const uint32_t id = (uint32_t)g->new_ones[k].id;
      OG_TRY(og_vec_add(cx, &ids, &id));
      *changed = true;
    }
  }
  if (!*changed) return OG_OK;
  for (size_t i = 0; i < e->n_fragments; i++)
    for (uint64_t id = e->fragments[i].from; id <= e->fragments[i].to; id++) {
      const uint32_t covered = (uint32_t)id;
      OG_TRY(og_ctx_poll(cx));
      OG_TRY(og_vec_add(cx, &ids, &covered));
    }
  OG_TRY(og_sort(cx, ids.data, ids.len, sizeof(uint32_t), by_number, NULL));
  return og_roaring_encode(cx, ids.data, ids.len, out);
}

/* The message with another set of fragments, everything else as it was. */
static og_status put_moved(og_ctx *cx, og_str raw, og_str set, og_buf *out)
{
  OG_AUTO(og_buf) b = {0};
  og_pb_reader r;
  og_pb_field f;
  bool more;
  og_pb_reader_init(&r, raw, "IndexMetadata");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) break;
    if (f.num != 5) OG_TRY(og_buf_append_str(cx, &b, f.raw));
  }
  OG_TRY(og_pb_put_bytes(cx, &b, 5, set));
  return og_pb_put_bytes(cx, out, 1, og_buf_str(&b));
}

/* What becomes of one entry: kept as `raw` says when nothing is appended. */
typedef og_status (*entry_fn)(og_ctx *cx, const void *arg, const og_lance_index_entry *e, og_str raw, og_buf *out);

static og_status edit_section(og_ctx *cx, og_arena *a, entry_fn fn, const void *arg, og_str *section)
{
  OG_AUTO(og_arena) scratch = {0};
  OG_AUTO(og_vec) all = OG_VEC_INIT(og_lance_index_entry);
  OG_AUTO(og_buf) out = {0};
  og_pb_reader r;
  og_pb_field f;
  bool more;
  size_t at = 0;
  if (!section->ptr) return OG_OK;
  OG_TRY(og_index__decode(cx, &scratch, *section, &all));
  og_pb_reader_init(&r, *section, "IndexSection");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) break;
    if (f.num == 1 && at < all.len)
      OG_TRY(fn(cx, arg, &OG_VEC_AT(&all, og_lance_index_entry, at++), f.raw, &out));
    else
      OG_TRY(og_buf_append_str(cx, &out, f.raw));
  }
  *section = OG_STR_NONE;
  return out.len ? og_arena_str(cx, a, og_buf_str(&out), section) : OG_OK;
}

static og_status move_entry(og_ctx *cx, const void *arg, const og_lance_index_entry *e, og_str raw, og_buf *out)
{
  OG_AUTO(og_buf) set = {0};
  bool changed;
  OG_TRY(moved_set(cx, e, arg, &set, &changed));
  return changed ? put_moved(cx, e->raw, og_buf_str(&set), out) : og_buf_append_str(cx, out, raw);
}

og_status og_change__move_indexes(og_ctx *cx, og_arena *a, const og_vec *groups, og_str *section)
{
  return edit_section(cx, a, move_entry, groups, section);
}

static og_status keep_entry(og_ctx *cx, const void *arg, const og_lance_index_entry *e, og_str raw, og_buf *out)
{
  for (uint32_t i = 0; i < e->n_fields; i++)
    if (og_lance_schema_find_id(arg, e->fields[i]) < 0) return OG_OK;
  return og_buf_append_str(cx, out, raw);
}

og_status og_change__drop_indexes(og_ctx *cx, og_arena *a, const og_lance_schema *schema, og_str *section)
{
  return edit_section(cx, a, keep_entry, schema, section);
}
