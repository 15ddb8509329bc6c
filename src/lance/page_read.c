/* SPDX-License-Identifier: MIT */
/* lance/page_read.c -- what the three layouts share when read: fetching bytes, picking rows. */
#include "base/ctx.h"
#include "lance/page.h"

#include <inttypes.h>

/* Ranges nearer than this are read together: a little more to read costs less than one more
 * request. */
#define NEAR_BYTES (16u << 10)

void og_lance__fetched_cleanup(og_lance__fetched *f)
{
  for (size_t i = 0; i < f->n_bufs; i++) og_buf_cleanup(&f->bufs[i]);
  og_free(f->bufs);
  og_free(f->views);
  *f = (og_lance__fetched){0};
}

/* Groups ranges that follow each other closely: group[i] is the request that brings range i. */
static size_t group_ranges(const og_range *want, size_t n, og_range *groups, size_t *group)
{
  size_t n_groups = 0;
  for (size_t i = 0; i < n; i++) {
    og_range *last = n_groups ? &groups[n_groups - 1] : NULL;
    const uint64_t end = want[i].off + want[i].len;
    if (last && want[i].off >= last->off && want[i].off <= last->off + last->len + NEAR_BYTES) {
      if (end > last->off + last->len) last->len = end - last->off;
    } else {
      groups[n_groups++] = want[i];
    }
    group[i] = n_groups - 1;
  }
  return n_groups;
}

/* One range into the one buffer there is already. */
static og_status fetch_again(og_ctx *cx, const og_lance__page_reader *r, const og_range *want, og_lance__fetched *out)
{
  og_buf *b = &out->bufs[0];
  og_buf_clear(b);
  out->views[0] = OG_STR_NONE;
  if (want->len > 2 * OG_LIMIT_PAGE_BYTES) return og_fail(cx, OG_ELIMIT, "%" PRIu64 " bytes in one page", want->len);
  OG_TRY(og_store_get_range(cx, r->store, r->key, want->off, want->len, b));
  if (b->len < want->len) return og_fail(cx, OG_EIO, "the store returned fewer bytes than asked for");
  if (want->len) out->views[0] = og_str_from(b->data, (size_t)want->len);
  return OG_OK;
}

og_status og_lance__fetch(og_ctx *cx, const og_lance__page_reader *r, const og_range *want, size_t n,
                          og_lance__fetched *out)
{
  if (n == 1 && out->n_bufs == 1) return fetch_again(cx, r, want, out);
  og_lance__fetched_cleanup(out);
  out->views = og_calloc(cx, n, sizeof *out->views);
  if (r->whole.ptr && out->views) { /* offsets were checked when the file was opened */
    for (size_t i = 0; i < n; i++)
      if (want[i].len) out->views[i] = og_str_sub(r->whole, (size_t)want[i].off, (size_t)(want[i].off + want[i].len));
    return OG_OK;
  }
  og_range *groups = og_arena_calloc(cx, r->arena, n, sizeof *groups);
  size_t *group = og_arena_calloc(cx, r->arena, n, sizeof *group);
  if (!out->views || !groups || !group) return OG_ENOMEM;
  size_t n_groups = group_ranges(want, n, groups, group);
  out->bufs = og_calloc(cx, n_groups, sizeof *out->bufs);
  if (!out->bufs) return OG_ENOMEM;
  out->n_bufs = n_groups;
  uint64_t total = 0;
  for (size_t i = 0; i < n_groups; i++) total += groups[i].len;
  if (total > 2 * OG_LIMIT_PAGE_BYTES) return og_fail(cx, OG_ELIMIT, "%" PRIu64 " bytes in one page", total);
  if (n_groups == 1)
    OG_TRY(og_store_get_range(cx, r->store, r->key, groups[0].off, groups[0].len, &out->bufs[0]));
  else if (n_groups)
    OG_TRY(og_store_get_ranges(cx, r->store, r->key, groups, n_groups, out->bufs));
  for (size_t i = 0; i < n; i++) {
    const og_buf *b = &out->bufs[group[i]];
    const uint64_t skip = want[i].off - groups[group[i]].off;
    if (b->len < groups[group[i]].len) return og_fail(cx, OG_EIO, "the store returned fewer bytes than asked for");
    if (want[i].len) out->views[i] = og_str_from(b->data + skip, (size_t)want[i].len);
  }
  return OG_OK;
}

og_status og_lance__rows_select(og_ctx *cx, const og_lance__leaf *chunk, uint64_t first_row, const og_lance__rows *rows,
                                size_t n, size_t *range, og_lance__leaf *out)
{
  const og_lance__path *p = chunk->path;
  uint64_t row = first_row, slot = 0, run_from = 0, run_slot = 0;
  bool inside = false;
  for (uint64_t i = 0; i < chunk->n_entries; i++) {
    if (i > 0 && chunk->rep.data[i] == p->n_lists) row++;
    while (*range < n && row >= rows[*range].to) {
      if (inside) OG_TRY(og_lance__leaf_copy(cx, out, chunk, run_from, i, run_slot));
      inside = false;
      ++*range;
    }
    const bool want = *range < n && row >= rows[*range].from;
    if (want && !inside) {
      run_from = i;
      run_slot = slot;
    }
    inside = want;
    slot += og_lance__leaf_def(chunk, i) <= p->max_visible;
  }
  return inside ? og_lance__leaf_copy(cx, out, chunk, run_from, chunk->n_entries, run_slot) : OG_OK;
}

og_status og_lance__page_read(og_ctx *cx, og_lance__page_reader *r, const og_lance__rows *rows, size_t n,
                              og_lance__leaf *out)
{
  uint64_t want = 0, before = out->n_rows;
  for (size_t i = 0; i < n; i++) want += rows[i].to - rows[i].from;
  OG_TRY(og_lance__layout_parse(cx, r->arena, r->page->layout, &r->layout));
  OG_TRY(og_lance__numbering_read(cx, out->path, &r->layout, &r->numbering));
  switch (r->layout.kind) {
  case OG_LANCE__MINI_BLOCK: OG_TRY(og_lance__mini_block_read(cx, r, rows, n, out)); break;
  case OG_LANCE__FULL_ZIP: OG_TRY(og_lance__full_zip_read(cx, r, rows, n, out)); break;
  case OG_LANCE__CONSTANT: OG_TRY(og_lance__constant_read(cx, r, rows, n, out)); break;
  case OG_LANCE__BLOB: break;
  }
  if (out->n_rows - before != want)
    return og_fail(cx, OG_ECORRUPT, "the page gave %" PRIu64 " of %" PRIu64 " rows", out->n_rows - before, want);
  return OG_OK;
}
