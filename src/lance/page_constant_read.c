/* SPDX-License-Identifier: MIT */
/* lance/page_constant_read.c -- pages with one value, or none: only levels differ.
 *
 * Buffers: the value, unless it stands in the layout or every slot is null; then, both or none,
 * repetition and definition levels: raw u16, or compressed as the layout says.  A value's buffer:
 * u32 number of parts, u32 length of each, the parts: the bytes of a fixed-size value, or offsets
 * and bytes of a string.
 */
#include "base/ctx.h"
#include "lance/page.h"

#include <inttypes.h>

typedef struct constant_page {
  og_lance__page_reader *r;
  og_lance__slots value; /* one slot, or none when all are null */
  og_lance__mem rep, def;
  const uint16_t *reps, *defs;
  uint64_t n_entries;
  og_lance__leaf scratch;
} constant_page;

static void constant_page_cleanup(constant_page *c)
{
  og_lance__slots_cleanup(&c->value);
  og_lance__mem_cleanup(&c->rep);
  og_lance__mem_cleanup(&c->def);
  og_lance__leaf_cleanup(&c->scratch);
}

static og_status bad_value(og_ctx *cx, og_str bytes)
{
  return og_fail(cx, OG_ECORRUPT, "a constant of %zu bytes does not fit the field's type",
                 bytes.len);
}

/* Fixed-size bytes of one slot. */
static og_status set_dense(og_ctx *cx, og_str bytes, og_lance__slots *out)
{
  const uint64_t need = (og_lance__shape_bits(&out->shape) + 7) / 8;
  if (bytes.len != need || need == 0) return bad_value(cx, bytes);
  uint8_t *to = og_lance__mem_push(cx, &out->data, (size_t)need);
  if (!to) return cx->err->status;
  memcpy(to, bytes.ptr, (size_t)need);
  out->n = 1;
  return OG_OK;
}

static og_status set_string(og_ctx *cx, og_str offsets, og_str bytes, og_lance__slots *out)
{
  if (offsets.len != 8 && offsets.len != 16) return bad_value(cx, offsets);
  const unsigned w = (unsigned)(offsets.len / 2);
  const uint64_t from = og_lance__uint((const uint8_t *)offsets.ptr, w);
  const uint64_t to = og_lance__uint((const uint8_t *)offsets.ptr + w, w);
  if (from > to || to > bytes.len) return bad_value(cx, bytes);
  uint8_t *at;
  OG_TRY(og_lance__slots_open(cx, out, 1, to - from, &at));
  if (to > from) memcpy(at, bytes.ptr + from, (size_t)(to - from));
  og_lance__slots_set_end(out, 0, to - from);
  return OG_OK;
}

static og_status parse_value(og_ctx *cx, og_str buf, og_lance__slots *out)
{
  og_str parts[2];
  const bool string = out->shape.form == OG_LANCE__VARBIN;
  const uint32_t n = string ? 2 : 1;
  if (buf.len < 4 + 4 * (size_t)n || og_lance__u32(buf.ptr) != n) return bad_value(cx, buf);
  size_t at = 4 + 4 * (size_t)n;
  for (uint32_t i = 0; i < n; i++) {
    const uint32_t len = og_lance__u32(buf.ptr + 4 + 4 * (size_t)i);
    if (len > buf.len - at) return bad_value(cx, buf);
    parts[i] = og_str_from(buf.ptr + at, len);
    at += len;
  }
  return string ? set_string(cx, parts[0], parts[1], out) : set_dense(cx, parts[0], out);
}

static og_status load_levels(og_ctx *cx, const og_lance__enc *e, uint64_t n, og_str buf,
                             og_lance__mem *m, const uint16_t **out, uint64_t *count)
{
  if (buf.len == 0) return OG_OK;
  if (!e) n = buf.len / 2;
  /* Bit-packing and run lengths expand less than this; a larger claim must not cost memory. */
  if (n == 0 || n / 1024 > buf.len)
    return og_fail(cx, OG_ECORRUPT, "%" PRIu64 " levels in %zu bytes", n, buf.len);
  uint8_t *to = og_lance__mem_push(cx, m, (size_t)n * 2);
  if (!to) return cx->err->status;
  if (e)
    OG_TRY_NOTE(cx, og_lance__fixed_decode(cx, e, &buf, 1, n, 2, to), "while reading levels");
  else
    memcpy(to, buf.ptr, (size_t)n * 2);
  *out = (const uint16_t *)(const void *)to;
  *count = n;
  return OG_OK;
}

static og_status load(og_ctx *cx, constant_page *c, const og_lance__leaf *out)
{
  const og_lance__page *p = c->r->page;
  const og_lance__layout *l = &c->r->layout;
  OG_AUTO(og_lance__fetched) got = {0};
  og_range want[3];
  if (p->n_buffers > 3)
    return og_fail(cx, OG_ECORRUPT, "a constant page of %u buffers", p->n_buffers);
  for (uint32_t i = 0; i < p->n_buffers; i++)
    want[i] = (og_range){.off = p->offsets[i], .len = p->sizes[i]};
  OG_TRY(og_lance__fetch(cx, c->r, want, p->n_buffers, &got));
  const bool value_buffer = p->n_buffers % 2 == 1;
  og_lance__slots_init(&c->value, out->slots.shape);
  if (l->has_value)
    OG_TRY(set_dense(cx, l->value, &c->value));
  else if (value_buffer)
    OG_TRY(parse_value(cx, got.views[0], &c->value));
  uint64_t n_rep = 0, n_def = 0;
  if (p->n_buffers >= 2) {
    OG_TRY(load_levels(cx, l->rep, l->n_rep, got.views[value_buffer], &c->rep, &c->reps, &n_rep));
    OG_TRY(
        load_levels(cx, l->def, l->n_def, got.views[value_buffer + 1], &c->def, &c->defs, &n_def));
  }
  c->n_entries = n_rep ? n_rep : n_def ? n_def : p->n_rows;
  if ((n_rep && n_def && n_rep != n_def) || (out->path->n_lists && !n_rep))
    return og_fail(cx, OG_ECORRUPT, "%" PRIu64 " repetition and %" PRIu64 " definition levels",
                   n_rep, n_def);
  if (!out->path->n_lists && c->n_entries != p->n_rows)
    return og_fail(cx, OG_ECORRUPT, "%" PRIu64 " levels for %" PRIu64 " rows", c->n_entries,
                   p->n_rows);
  if (c->value.n == 0 && !c->defs && c->r->numbering.max_def == 0)
    return og_fail(cx, OG_ECORRUPT, "a constant page with neither value nor nulls");
  if (c->value.n == 0 && !c->defs && c->r->numbering.to_path[1] > out->path->max_visible)
    return og_fail(cx, OG_ECORRUPT, "a constant page of null lists without levels");
  return OG_OK;
}

/* n slots of the value, or of nothing. */
static og_status fill(og_ctx *cx, const constant_page *c, uint64_t n, og_lance__slots *s)
{
  const og_lance__slots *v = &c->value;
  if (v->n == 0) return og_lance__slots_zeros(cx, s, n);
  if (n > OG_LIMIT_PAGE_BYTES / (og_lance__slots_bytes(v) + 1))
    return og_fail(cx, OG_ELIMIT, "%" PRIu64 " values in one page", n);
  /* A piece of the value many times over, then copies of that. */
  OG_AUTO(og_lance__slots) many = {.shape = v->shape};
  while (many.n < n && many.n < 1024) OG_TRY(og_lance__slots_copy(cx, &many, v, 0, 1));
  for (uint64_t left = n; left > 0;) {
    const uint64_t step = left < many.n ? left : many.n;
    OG_TRY(og_lance__slots_copy(cx, s, &many, 0, step));
    left -= step;
  }
  return OG_OK;
}

/* Entries [from, to) with their slots. */
static og_status add(og_ctx *cx, const constant_page *c, uint64_t from, uint64_t to,
                     og_lance__leaf *out)
{
  const uint64_t first = out->n_entries, n = to - from;
  const og_lance__numbering *num = &c->r->numbering;
  if (c->value.n == 0 && !c->defs) { /* all null, nothing stored */
    OG_TRY(og_lance__leaf_entries(cx, out, n, 0, 0, num->to_path[1]));
    out->n_rows += n;
  } else {
    OG_TRY(og_lance__levels_add(cx, out, num, c->reps ? c->reps + from : NULL,
                                c->defs ? c->defs + from : NULL, n));
  }
  return fill(cx, c, og_lance__leaf_visible(out, first, out->n_entries), &out->slots);
}

og_status og_lance__constant_read(og_ctx *cx, og_lance__page_reader *r, const og_lance__rows *rows,
                                  size_t n, og_lance__leaf *out)
{
  OG_AUTO(constant_page) c = {.r = r};
  size_t range = 0;
  og_lance__leaf_init(&c.scratch, out->path, out->slots.shape);
  OG_TRY(load(cx, &c, out));
  if (!out->path->n_lists) {
    for (size_t i = 0; i < n; i++) OG_TRY(add(cx, &c, rows[i].from, rows[i].to, out));
    return OG_OK;
  }
  if (c.reps[0] != out->path->n_lists)
    return og_fail(cx, OG_ECORRUPT, "a page begins inside a row");
  OG_TRY(add(cx, &c, 0, c.n_entries, &c.scratch));
  return og_lance__rows_select(cx, &c.scratch, 0, rows, n, &range, out);
}
