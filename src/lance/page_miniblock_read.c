/* SPDX-License-Identifier: MIT */
/* lance/page_miniblock_read.c -- pages of small chunks, each decoded as a whole.
 *
 * Where they lie says the page's directory (page_directory.c).  A chunk:
 *
 *   u16 entries (0: no levels) | u16 bytes of rep | u16 bytes of def | u16 or u32 bytes per value
 * buffer | pad 8 rep, pad 8 | def, pad 8 | value buffers, each padded to 8
 */
#include "base/ctx.h"
#include "lance/page.h"

#include <inttypes.h>

#define PIECE_BYTES (128u << 10) /* of chunks, read at once */

typedef struct mini_page {
  og_lance__page_reader *r;
  const og_lance__directory *dir;
  const og_lance__chunk *chunks; /* of the directory */
  og_lance__leaf scratch;        /* a chunk of which only some rows are wanted */
  og_lance__mem rep, def;        /* raw levels of a chunk */
  og_lance__mem index;           /* dictionary indices of a chunk */
} mini_page;

static void mini_page_cleanup(mini_page *m)
{
  og_lance__directory_release(m->r, m->dir);
  og_lance__leaf_cleanup(&m->scratch);
  og_lance__mem_cleanup(&m->rep);
  og_lance__mem_cleanup(&m->def);
  og_lance__mem_cleanup(&m->index);
}

/* ---- One chunk. */

typedef struct chunk_parts {
  uint64_t n_entries; /* 0: no levels */
  og_str rep, def;
  og_str values[OG_LANCE__CHUNK_BUFFERS];
} chunk_parts;

static bool cut(og_str chunk, uint64_t *at, uint64_t len, og_str *out)
{
  if (*at > chunk.len || len > chunk.len - *at) return false;
  *out = og_str_from(chunk.ptr + *at, (size_t)len);
  *at = (*at + len + 7) / 8 * 8;
  return true;
}

static og_status split_chunk(og_ctx *cx, const og_lance__layout *l, bool has_rep, og_str chunk, chunk_parts *out)
{
  const unsigned w = l->large ? 4 : 2;
  const uint64_t header = 2 + 2u * has_rep + 2u * (l->def != NULL) + w * l->n_buffers;
  uint64_t pos = 2, at = (header + 7) / 8 * 8;
  *out = (chunk_parts){0};
  bool fits = chunk.len >= header;
  if (fits) out->n_entries = og_lance__u16(chunk.ptr);
  if (fits && has_rep) {
    fits = cut(chunk, &at, og_lance__u16(chunk.ptr + pos), &out->rep);
    pos += 2;
  }
  if (fits && l->def) {
    fits = cut(chunk, &at, og_lance__u16(chunk.ptr + pos), &out->def);
    pos += 2;
  }
  for (uint64_t b = 0; b < l->n_buffers && fits; b++, pos += w)
    fits = cut(chunk, &at, og_lance__uint((const uint8_t *)chunk.ptr + pos, w), &out->values[b]);
  return fits ? OG_OK : og_fail(cx, OG_ECORRUPT, "a chunk of %zu bytes is shorter than its parts", chunk.len);
}

static og_status raw_levels(og_ctx *cx, const og_lance__enc *e, og_str in, uint64_t n, og_lance__mem *m,
                            const uint16_t **out)
{
  m->len = 0;
  uint8_t *to = og_lance__mem_push(cx, m, (size_t)n * 2);
  if (!to) return cx->err->status;
  OG_TRY_NOTE(cx, og_lance__fixed_decode(cx, e, &in, 1, n, 2, to), "while reading levels");
  *out = (const uint16_t *)(const void *)to;
  return OG_OK;
}

static og_status chunk_values(og_ctx *cx, mini_page *m, const chunk_parts *parts, uint64_t n, og_lance__leaf *out)
{
  const og_lance__layout *l = &m->r->layout;
  const uint32_t n_bufs = og_lance__enc_buffers(l->values);
  if (!m->dir->has_dictionary) return og_lance__slots_decode(cx, l->values, parts->values, n_bufs, n, &out->slots);
  m->index.len = 0;
  const unsigned width = (unsigned)(og_lance__enc_bits(l->values) / 8);
  if (width != 1 && width != 2 && width != 4) return og_fail(cx, OG_ECORRUPT, "dictionary indices of %u bytes", width);
  uint8_t *raw = og_lance__mem_push(cx, &m->index, (size_t)n * width);
  if (!raw) return cx->err->status;
  OG_TRY(og_lance__fixed_decode(cx, l->values, parts->values, n_bufs, n, width, raw));
  if (width < 4) { /* widen in place, from the end */
    if (!og_lance__mem_push(cx, &m->index, (size_t)n * (4 - width))) return cx->err->status;
    raw = m->index.data;
    for (uint64_t i = n; i-- > 0;) {
      const uint32_t v = (uint32_t)og_lance__uint(raw + i * width, width);
      memcpy(raw + i * 4, &v, 4);
    }
  }
  return og_lance__slots_gather(cx, &out->slots, &m->dir->dictionary, (const uint32_t *)(const void *)raw, n);
}

static og_status decode_chunk(og_ctx *cx, mini_page *m, uint64_t c, og_str bytes, og_lance__leaf *out)
{
  const og_lance__layout *l = &m->r->layout;
  const bool has_rep = out->path->n_lists > 0;
  const uint64_t slots = m->chunks[c + 1].slot - m->chunks[c].slot;
  const uint64_t first = out->n_entries;
  const uint16_t *rep = NULL, *def = NULL;
  chunk_parts parts;
  OG_TRY(split_chunk(cx, l, has_rep, bytes, &parts));
  const uint64_t n = has_rep || l->def ? parts.n_entries : slots;
  if (has_rep) OG_TRY(raw_levels(cx, l->rep, parts.rep, n, &m->rep, &rep));
  if (l->def) OG_TRY(raw_levels(cx, l->def, parts.def, n, &m->def, &def));
  OG_TRY(og_lance__levels_add(cx, out, &m->r->numbering, rep, def, n));
  if (og_lance__leaf_visible(out, first, out->n_entries) != slots)
    return og_fail(cx, OG_ECORRUPT, "a chunk's levels call for other than its %" PRIu64 " values", slots);
  return slots ? chunk_values(cx, m, &parts, slots, out) : OG_OK;
}

/* ---- Rows. */

/* The chunk in which row `row` starts: the last whose starts before it are at most `row`, and that
 * has one. */
static uint64_t chunk_of(const mini_page *m, uint64_t row)
{
  uint64_t lo = 0, hi = m->dir->n_chunks;
  while (hi - lo > 1) {
    uint64_t mid = lo + (hi - lo) / 2;
    if (m->chunks[mid].row <= row)
      lo = mid;
    else
      hi = mid;
  }
  return lo;
}

/* One past the last chunk with entries of rows before `to`. */
static uint64_t chunk_end(const mini_page *m, uint64_t from_chunk, uint64_t to)
{
  uint64_t c = from_chunk;
  while (c < m->dir->n_chunks && m->chunks[c].row < to) c++;
  while (c < m->dir->n_chunks && m->chunks[c].row == to && m->chunks[c].goes_on) c++;
  return c;
}

/* The rows wanted of the page, and how far they have been found. */
typedef struct picks {
  const og_lance__rows *rows;
  size_t n, at; /* at: the first range not finished */
} picks;

/* Chunks [from, to) of one request, whose bytes are at hand. */
typedef struct span {
  uint64_t from, to;
} span;

/* Spans of chunks that the ranges touch, merged where they meet. */
static og_status plan(og_ctx *cx, const mini_page *m, const og_lance__rows *rows, size_t n, span **out, size_t *n_out)
{
  span *spans = og_arena_calloc(cx, m->r->arena, n, sizeof *spans);
  if (!spans) return OG_ENOMEM;
  size_t k = 0;
  for (size_t i = 0; i < n; i++) {
    const uint64_t from = chunk_of(m, rows[i].from);
    const uint64_t to = chunk_end(m, from, rows[i].to);
    if (k && from <= spans[k - 1].to) {
      if (to > spans[k - 1].to) spans[k - 1].to = to;
    } else {
      spans[k++] = (span){from, to};
    }
  }
  *out = spans;
  *n_out = k;
  return OG_OK;
}

/* Can single strings be decoded? */
static bool has_parts(const mini_page *m)
{
  const og_lance__layout *l = &m->r->layout;
  const og_lance__enc *e = l->values->kind == OG_LANCE__ENC_FSST ? l->values->inner : l->values;
  return !l->def && !m->dir->has_dictionary && e->kind == OG_LANCE__ENC_VARIABLE;
}

/* Rows [from, to) of a chunk of strings without levels. */
static og_status decode_part(og_ctx *cx, mini_page *m, uint64_t c, og_str bytes, uint64_t from, uint64_t to,
                             og_lance__leaf *out)
{
  const og_lance__layout *l = &m->r->layout;
  chunk_parts parts;
  OG_TRY(split_chunk(cx, l, false, bytes, &parts));
  OG_TRY(og_lance__levels_add(cx, out, &m->r->numbering, NULL, NULL, to - from));
  return og_lance__variable_decode_part(cx, l->values, parts.values[0], m->chunks[c + 1].slot - m->chunks[c].slot, from,
                                        to - from, &out->slots);
}

/* Appends the wanted rows of one chunk of single values. */
static og_status read_flat_chunk(og_ctx *cx, mini_page *m, uint64_t c, og_str bytes, picks *want, og_lance__leaf *out)
{
  const uint64_t start = m->chunks[c].row, stop = m->chunks[c + 1].row;
  while (want->at < want->n && want->rows[want->at].to <= start) want->at++;
  if (want->at == want->n || want->rows[want->at].from >= stop) return OG_OK;
  if (want->rows[want->at].from <= start && want->rows[want->at].to >= stop) return decode_chunk(cx, m, c, bytes, out);
  const bool parts = has_parts(m);
  og_lance__leaf_clear(&m->scratch);
  if (!parts) OG_TRY(decode_chunk(cx, m, c, bytes, &m->scratch));
  for (size_t i = want->at; i < want->n && want->rows[i].from < stop; i++) {
    const uint64_t from = want->rows[i].from > start ? want->rows[i].from - start : 0;
    const uint64_t to = (want->rows[i].to < stop ? want->rows[i].to : stop) - start;
    OG_TRY(parts ? decode_part(cx, m, c, bytes, from, to, out)
                 : og_lance__leaf_copy(cx, out, &m->scratch, from, to, from));
  }
  return OG_OK;
}

/* The same below lists, where a row may span chunks. */
static og_status read_list_chunk(og_ctx *cx, mini_page *m, uint64_t c, og_str bytes, picks *want, og_lance__leaf *out)
{
  const uint64_t start = m->chunks[c].row, stop = m->chunks[c + 1].row;
  const uint64_t first = start - m->chunks[c].goes_on; /* the first row with an entry here */
  while (want->at < want->n && want->rows[want->at].to <= first) want->at++;
  if (want->at == want->n) return OG_OK;
  const bool all = want->rows[want->at].from <= first && want->rows[want->at].to >= stop;
  og_lance__leaf *to = all ? out : &m->scratch;
  if (!all) og_lance__leaf_clear(to);
  const uint64_t entry = to->n_entries, before = to->n_rows;
  OG_TRY(decode_chunk(cx, m, c, bytes, to));
  if (to->n_entries == entry) return OG_OK;
  const bool starts_row = to->rep.data[entry] == to->path->n_lists;
  if (to->n_rows - before != stop - start || starts_row == m->chunks[c].goes_on)
    return og_fail(cx, OG_ECORRUPT, "a chunk starts %" PRIu64 " rows, its repetition index says %" PRIu64,
                   to->n_rows - before, stop - start);
  return all ? OG_OK : og_lance__rows_select(cx, to, first, want->rows, want->n, &want->at, out);
}

static og_status read_chunk(og_ctx *cx, mini_page *m, uint64_t c, og_str bytes, picks *want, og_lance__leaf *out)
{
  return out->path->n_lists ? read_list_chunk(cx, m, c, bytes, want, out) : read_flat_chunk(cx, m, c, bytes, want, out);
}

static og_status read_span(og_ctx *cx, mini_page *m, span s, og_str bytes, picks *want, og_lance__leaf *out)
{
  const uint64_t base = og_lance__chunk_at(m->dir, s.from);
  for (uint64_t c = s.from; c < s.to; c++) {
    const uint64_t at = og_lance__chunk_at(m->dir, c) - base, end = og_lance__chunk_at(m->dir, c + 1) - base;
    OG_TRY_NOTE(cx, read_chunk(cx, m, c, og_str_from(bytes.ptr + at, (size_t)(end - at)), want, out),
                "while reading chunk %" PRIu64, c);
  }
  return OG_OK;
}

/* Grows the result once instead of chunk by chunk. */
static og_status reserve(og_ctx *cx, const mini_page *m, og_lance__leaf *out)
{
  const uint64_t slots = m->r->layout.n_items, bytes = og_lance__chunk_at(m->dir, m->dir->n_chunks);
  if (out->slots.shape.form == OG_LANCE__VARBIN) {
    OG_TRY(og_lance__mem_reserve(cx, &out->slots.offsets, (size_t)(slots + 1) * (out->slots.shape.wide ? 8 : 4)));
    return m->dir->has_dictionary ? OG_OK : og_lance__mem_reserve(cx, &out->slots.data, (size_t)bytes);
  }
  const uint64_t bits = og_lance__shape_bits(&out->slots.shape);
  /* A lying layout costs at most what a bit-packed page of its size could hold: 1024 values in 8
   * bytes. */
  if (slots / 128 > bytes || slots > OG_LIMIT_PAGE_BYTES / (bits + 1)) return OG_OK;
  return og_lance__mem_reserve(cx, &out->slots.data, (size_t)(slots * bits / 8 + 1));
}

/* One long span, piece by piece: the buffer stays small, and in the processor's cache. */
static og_status read_long(og_ctx *cx, mini_page *m, span s, picks *want, og_lance__leaf *out)
{
  OG_AUTO(og_lance__fetched) bytes = {0};
  while (s.from < s.to) {
    const uint64_t at = og_lance__chunk_at(m->dir, s.from);
    span piece = {s.from, s.from + 1};
    while (piece.to < s.to && og_lance__chunk_at(m->dir, piece.to + 1) - at <= PIECE_BYTES) piece.to++;
    const og_range range = {.off = m->r->page->offsets[1] + at, .len = og_lance__chunk_at(m->dir, piece.to) - at};
    OG_TRY(og_ctx_poll(cx));
    OG_TRY(og_lance__fetch(cx, m->r, &range, 1, &bytes));
    OG_TRY(read_span(cx, m, piece, bytes.views[0], want, out));
    s.from = piece.to;
  }
  return OG_OK;
}

static og_status read_spans(og_ctx *cx, mini_page *m, const span *spans, size_t n, const og_lance__fetched *all,
                            picks *want, og_lance__leaf *out)
{
  OG_AUTO(og_lance__fetched) chunks = {0};
  if (!all->views && n == 1) return read_long(cx, m, spans[0], want, out);
  og_range *ranges = og_arena_calloc(cx, m->r->arena, n, sizeof *ranges);
  if (!ranges) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++) {
    const uint64_t at = og_lance__chunk_at(m->dir, spans[i].from);
    ranges[i] = (og_range){.off = m->r->page->offsets[1] + at, .len = og_lance__chunk_at(m->dir, spans[i].to) - at};
  }
  if (!all->views) OG_TRY(og_lance__fetch(cx, m->r, ranges, n, &chunks));
  for (size_t i = 0; i < n; i++) {
    const size_t at = (size_t)og_lance__chunk_at(m->dir, spans[i].from);
    og_str bytes = all->views ? og_str_sub(all->views[0], at, SIZE_MAX) : chunks.views[i];
    OG_TRY(read_span(cx, m, spans[i], bytes, want, out));
  }
  return OG_OK;
}

og_status og_lance__mini_block_read(og_ctx *cx, og_lance__page_reader *r, const og_lance__rows *rows, size_t n,
                                    og_lance__leaf *out)
{
  OG_AUTO(mini_page) m = {.r = r};
  OG_AUTO(og_lance__fetched) all = {0};
  span *spans;
  size_t n_spans;
  picks wanted = {.rows = rows, .n = n};
  const bool whole = n == 1 && rows[0].from == 0 && rows[0].to == r->page->n_rows;
  og_lance__leaf_init(&m.scratch, out->path, out->slots.shape);
  OG_TRY(og_lance__directory_open(cx, r, out, whole, &m.dir, &all));
  m.chunks = m.dir->chunks;
  if (m.dir->n_chunks == 0) return OG_OK;
  if (whole) OG_TRY(reserve(cx, &m, out));
  OG_TRY(plan(cx, &m, rows, n, &spans, &n_spans));
  return read_spans(cx, &m, spans, n_spans, &all, &wanted, out);
}
