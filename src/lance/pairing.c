/* SPDX-License-Identifier: MIT */
/* lance/pairing.c -- which fragments of two versions hold the same rows.
 *
 * A data file is immutable and its key is used once, so two fragments over the same files hold the same rows in the
 * same places, whatever table version, branch or fragment id names them.  Only deletions can then tell them apart, and
 * those lie in immutable files, too.
 */
#include "lance/table_impl.h"

#include "base/map.h"

/* Key of the fragment's file i, which may lie in an ancestor's folder. */
static og_status file_key(og_ctx *cx, const og_lance_table *t, const og_fragment *f, uint32_t i, og_str *out)
{
  og_str folder;
  OG_TRY(og_table__folder(cx, t, f->files[i].has_base, f->files[i].base, &folder));
  return og_arena_printf(cx, cx->arena, out, OG_STR_FMT "/" OG_STR_FMT, OG_STR_ARG(folder),
                         OG_STR_ARG(f->files[i].path));
}

static og_status same_files(og_ctx *cx, const og_lance_table *a, const og_fragment *x, const og_lance_table *b,
                            const og_fragment *y, bool *out)
{
  *out = x->rows == y->rows && x->n_files == y->n_files;
  for (uint32_t i = 0; *out && i < x->n_files; i++) {
    og_str left, right;
    *out = og_str_eq(x->files[i].path, y->files[i].path);
    if (!*out) break;
    OG_TRY(file_key(cx, a, x, i, &left));
    OG_TRY(file_key(cx, b, y, i, &right));
    *out = og_str_eq(left, right);
  }
  return OG_OK;
}

static og_status same_deletions(og_ctx *cx, const og_lance_table *a, const og_fragment *x, const og_lance_table *b,
                                const og_fragment *y, bool *out)
{
  og_str left, right;
  *out = !x->del.present && !y->del.present;
  if (!x->del.present || !y->del.present) return OG_OK;
  if (x->id != y->id || x->del.id != y->del.id || x->del.read_version != y->del.read_version ||
      x->del.kind != y->del.kind)
    return OG_OK;
  OG_TRY(og_table__folder(cx, a, x->del.has_base, x->del.base, &left));
  OG_TRY(og_table__folder(cx, b, y->del.has_base, y->del.base, &right));
  *out = og_str_eq(left, right);
  return OG_OK;
}

/* Fragments of `t` by the name of their first file, which carries an attempt and is hardly ever shared by chance. */
static og_status index_fragments(og_ctx *cx, const og_lance_table *t, og_map *out)
{
  for (uint32_t i = 0; i < t->m.n_fragments; i++)
    if (t->m.fragments[i].n_files) OG_TRY(og_map_put(cx, out, t->m.fragments[i].files[0].path, i, NULL));
  return OG_OK;
}

static og_status pair_one(og_ctx *cx, const og_lance_table *a, const og_lance_table *b, const og_map *by_file,
                          const og_fragment *f, og_lance_pair *out)
{
  uint64_t at;
  bool same = false;
  *out = (og_lance_pair){.fragment = OG_LANCE_UNPAIRED};
  if (f->n_files == 0 || !og_map_get(by_file, f->files[0].path, &at)) return OG_OK;
  OG_TRY(same_files(cx, a, f, b, &b->m.fragments[at], &same));
  if (!same) return OG_OK;
  out->fragment = (uint32_t)at;
  return same_deletions(cx, a, f, b, &b->m.fragments[at], &out->same_deletions);
}

og_status og_lance_table_pair(og_ctx *cx, const og_lance_table *a, const og_lance_table *b, og_lance_pair *out)
{
  og_map by_file;
  OG_AUTO(og_arena) scratch = {0};
  og_ctx inner = *cx; /* the keys compared die here */
  inner.arena = &scratch;
  og_map_init(&by_file, false);
  og_status st = index_fragments(&inner, b, &by_file);
  for (uint32_t i = 0; st == OG_OK && i < a->m.n_fragments; i++) {
    st = pair_one(&inner, a, b, &by_file, &a->m.fragments[i], &out[i]);
    og_arena_reset(&scratch);
  }
  og_map_cleanup(&by_file);
  return st;
}

og_status og_lance_table_fragment_deleted(og_ctx *cx, og_lance_table *t, uint32_t fragment, const uint8_t **bits)
{
  OG_ASSERT(fragment < t->m.n_fragments);
  return og_table__deleted(cx, t, fragment, bits);
}
