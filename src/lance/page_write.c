/* SPDX-License-Identifier: MIT */
/* lance/page_write.c -- which layout a page gets.
 *
 * Constant: nothing but nulls, or one value (file version 2.2, no levels).  Full-zip: a value of
 * 256 bytes or more, where a chunk would hold too few to share anything.  Mini-block: all else.
 * The field's metadata may ask for one of the last two, and gets mini-block if a chunk can hold the
 * largest value.
 */
#include "base/ctx.h"
#include "lance/page.h"

#define LARGE_VALUE 256
#define CHUNK_VALUE 8192 /* FSST may double it, and a chunk has at most 32 KiB */

void og_lance__page_out_cleanup(og_lance__page_out *p)
{
  for (size_t i = 0; i < OG_ARRAY_LEN(p->buffers); i++) og_buf_cleanup(&p->buffers[i]);
  og_buf_cleanup(&p->layout);
  p->n_buffers = 0;
}

static bool all_slots_null(const og_lance__leaf *l)
{
  if (l->slots.n == 0 || l->slots.shape.form == OG_LANCE__NONE) return true;
  if (!l->def.len) return false;
  for (uint64_t i = 0; i < l->n_entries; i++)
    if (l->def.data[i] == 0) return false;
  return true;
}

static bool one_value(const og_lance__leaf *l)
{
  const og_lance__slots *s = &l->slots;
  const uint64_t w = (uint64_t)s->shape.width;
  if (l->def.len || l->path->n_lists || s->shape.is_list) return false;
  switch (s->shape.form) {
  case OG_LANCE__FIXED: /* equal to itself moved by one */
    return memcmp(s->data.data, s->data.data + w, (size_t)((s->n - 1) * w)) == 0;
  case OG_LANCE__VARBIN: {
    const og_str first = og_lance__slots_str(s, 0);
    for (uint64_t i = 1; i < s->n; i++)
      if (!og_str_eq(first, og_lance__slots_str(s, i))) return false;
    return true;
  }
  case OG_LANCE__BITS:
  case OG_LANCE__NONE: break;
  }
  return false;
}

static bool has_value_of(const og_lance__leaf *l, uint64_t bytes)
{
  const og_lance__slots *s = &l->slots;
  if (s->shape.form != OG_LANCE__VARBIN) return og_lance__shape_bits(&s->shape) >= 8 * bytes;
  if (s->data.len / s->n >= bytes) return true;
  for (uint64_t i = 0; i < s->n; i++)
    if (og_lance__slots_str(s, i).len >= bytes) return true;
  return false;
}

static bool wants_full_zip(const og_lance__leaf *l, const og_lance__steer *steer)
{
  if (l->slots.shape.packed) return false; /* they have no other layout */
  if (l->slots.shape.blob || steer->full_zip) return true;
  return has_value_of(l, steer->mini_block ? CHUNK_VALUE : LARGE_VALUE);
}

og_status og_lance__page_write(og_ctx *cx, const og_lance__leaf *leaf, const og_lance__steer *steer, unsigned minor,
                               bool large, og_lance__page_out *out)
{
  OG_ASSERT(leaf->n_rows > 0);
  if (all_slots_null(leaf) || (minor >= 2 && !leaf->slots.shape.blob && one_value(leaf)))
    return og_lance__constant_write(cx, leaf, minor, out);
  const bool whole_bytes = og_lance__shape_bits(&leaf->slots.shape) % 8 == 0;
  if ((large || wants_full_zip(leaf, steer)) && whole_bytes) return og_lance__full_zip_write(cx, leaf, steer, out);
  if (large)
    return og_fail(cx, OG_ELIMIT, "a row of booleans with more than %d null or empty inner lists in sequence",
                   OG_LANCE__MAX_INVISIBLE);
  if (leaf->slots.shape.packed && leaf->slots.shape.dim > CHUNK_VALUE)
    return og_fail(cx, OG_EUNSUPPORTED, "packed structs of %u bytes; at most %u are written", leaf->slots.shape.dim,
                   CHUNK_VALUE);
  return og_lance__mini_block_write(cx, leaf, steer, minor, out);
}
