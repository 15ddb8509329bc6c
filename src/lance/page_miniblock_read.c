/* SPDX-License-Identifier: MIT */
/* lance/page_miniblock_read.c -- pages of small chunks, each decoded as a whole.
 *
 * Buffers: chunk words, chunks, then the dictionary and the repetition index where the layout names
 * them. A chunk word (u16, or u32 when large): low 4 bits log2 of the slots (0 in the last chunk,
 * which has the rest), above them the chunk's bytes / 8 - 1.  A chunk:
 *
 *   u16 entries (0: no levels) | u16 bytes of rep | u16 bytes of def | u16 or u32 bytes per value
 * buffer | pad 8 rep, pad 8 | def, pad 8 | value buffers, each padded to 8
 *
 * The repetition index has two u64 per chunk: rows that end in it, and items of a row left
 * unfinished at its end.
 */
#include "base/ctx.h"
#include "lance/page.h"

#include <inttypes.h>

#define MAX_CHUNK_BUFFERS 4

/* One entry more than chunks: the end. */
typedef struct chunk_place {
  uint64_t offset; /* of its bytes in the chunks buffer */
  uint64_t slot;   /* slots before it */
  uint64_t row;    /* rows that start before it */
  bool goes_on;    /* its first entry continues row - 1 */
} chunk_place;

typedef struct mini_page {
  og_lance__page_reader *r;
  chunk_place *chunks;
  uint64_t n_chunks;
  og_lance__slots dictionary;
  bool has_dictionary;
  og_lance__leaf scratch; /* a chunk of which only some rows are wanted */
  og_lance__mem rep, def; /* raw levels of a chunk */
  og_lance__mem index;    /* dictionary indices of a chunk */
} mini_page;

static void mini_page_cleanup(mini_page *m)
{
  og_lance__slots_cleanup(&m->dictionary);
  og_lance__leaf_cleanup(&m->scratch);
  og_lance__mem_cleanup(&m->rep);
  og_lance__mem_cleanup(&m->def);
  og_lance__mem_cleanup(&m->index);
}

/* ---- Opening the page. */

static og_status place_chunks(og_ctx *cx, mini_page *m, og_str words, uint64_t bytes)
{
  const og_lance__layout *l = &m->r->layout;
  const unsigned w = l->large ? 4 : 2;
  uint64_t slot = 0, offset = 0;
  m->n_chunks = words.len / w;
  m->chunks = og_arena_calloc(cx, m->r->arena, (size_t)m->n_chunks + 1, sizeof *m->chunks);
  if (!m->chunks) return OG_ENOMEM;
  for (uint64_t c = 0; c < m->n_chunks; c++) {
    const uint64_t word = og_lance__uint((const uint8_t *)words.ptr + c * w, w);
    const bool last = c + 1 == m->n_chunks;
    const uint64_t slots = last ? l->n_items - slot : (uint64_t)1 << (word & 15);
    m->chunks[c] = (chunk_place){.offset = offset, .slot = slot, .row = slot};
    if (slots > l->n_items - slot)
      return og_fail(cx, OG_ECORRUPT, "the chunks hold more than the page's %" PRIu64 " values",
                     l->n_items);
    slot += slots;
    offset += ((word >> 4) + 1) * 8;
  }
  if (slot != l->n_items || offset > bytes)
    return og_fail(cx, OG_ECORRUPT,
                   "chunks of %" PRIu64 " values in %" PRIu64 " bytes; the page says %" PRIu64
                   " in %" PRIu64,
                   slot, offset, l->n_items, bytes);
  m->chunks[m->n_chunks] = (chunk_place){.offset = offset, .slot = slot, .row = slot};
  return OG_OK;
}

static og_status place_rows(og_ctx *cx, mini_page *m, og_str index)
{
  const size_t pair = 8 * (size_t)(m->r->layout.rep_depth + 1);
  if (index.len / pair < m->n_chunks)
    return og_fail(cx, OG_ECORRUPT, "a repetition index of %zu bytes for %" PRIu64 " chunks",
                   index.len, m->n_chunks);
  uint64_t ended = 0, open = 0;
  for (uint64_t c = 0; c < m->n_chunks; c++) {
    m->chunks[c].row = ended + (open > 0);
    m->chunks[c].goes_on = open > 0;
    const uint64_t ends = og_lance__u64(index.ptr + c * pair);
    open = og_lance__u64(index.ptr + c * pair + 8);
    if (ends > m->r->page->n_rows - ended)
      return og_fail(cx, OG_ECORRUPT, "the repetition index counts more than %" PRIu64 " rows",
                     m->r->page->n_rows);
    ended += ends;
  }
  m->chunks[m->n_chunks].row = ended + (open > 0);
  if (m->chunks[m->n_chunks].row != m->r->page->n_rows)
    return og_fail(cx, OG_ECORRUPT, "the repetition index counts %" PRIu64 " of %" PRIu64 " rows",
                   m->chunks[m->n_chunks].row, m->r->page->n_rows);
  return OG_OK;
}

static og_status load_dictionary(og_ctx *cx, mini_page *m, og_str bytes, const og_lance__leaf *out)
{
  const og_lance__layout *l = &m->r->layout;
  m->has_dictionary = true;
  og_lance__slots_init(&m->dictionary, out->slots.shape);
  if (l->dictionary_items > OG_LIMIT_PAGE_BYTES / 8)
    return og_fail(cx, OG_ECORRUPT, "a dictionary of %" PRIu64 " values", l->dictionary_items);
  OG_TRY_NOTE(cx,
              og_lance__block_decode(cx, l->dictionary, bytes, l->dictionary_items, &m->dictionary),
              "while reading a dictionary");
  return OG_OK;
}

static og_range page_buffer(const og_lance__page *p, uint32_t i)
{
  return (og_range){.off = p->offsets[i], .len = p->sizes[i]};
}

static og_status check_layout(og_ctx *cx, const og_lance__page_reader *r, const og_lance__leaf *out)
{
  const og_lance__layout *l = &r->layout;
  const bool lists = out->path->n_lists > 0;
  const uint32_t need = 2u + (l->dictionary != NULL) + lists;
  if (r->page->n_buffers < need)
    return og_fail(cx, OG_ECORRUPT, "a mini-block page with %u of %u buffers", r->page->n_buffers,
                   need);
  if (lists && (!l->rep || l->rep_depth < 1 || l->rep_depth > OG_LANCE__MAX_LAYERS))
    return og_fail(cx, OG_ECORRUPT, "a list page without repetition levels or their index");
  if (!lists && l->n_items != r->page->n_rows)
    return og_fail(cx, OG_ECORRUPT, "%" PRIu64 " values for %" PRIu64 " rows", l->n_items,
                   r->page->n_rows);
  if ((r->numbering.max_def > 0) != (l->def != NULL))
    return og_fail(cx, OG_ECORRUPT, "definition levels do not go with the page's layers");
  if (l->n_buffers < 1 || l->n_buffers > MAX_CHUNK_BUFFERS ||
      l->n_buffers < og_lance__enc_buffers(l->values))
    return og_fail(cx, OG_ECORRUPT, "%" PRIu64 " value buffers per chunk", l->n_buffers);
  if (l->n_items > OG_LIMIT_PAGE_BYTES)
    return og_fail(cx, OG_ECORRUPT, "%" PRIu64 " values in a page", l->n_items);
  return OG_OK;
}

/* Reads chunk words, dictionary and repetition index; with `all`, the chunks, too: views[3]. */
static og_status open_page(og_ctx *cx, mini_page *m, const og_lance__leaf *out, bool all,
                           og_lance__fetched *got)
{
  const og_lance__page *p = m->r->page;
  og_range want[4];
  size_t n = 0, at_dictionary = 0, at_index = 0, at_chunks = 0;
  uint32_t next = 2;
  OG_TRY(check_layout(cx, m->r, out));
  want[n++] = page_buffer(p, 0);
  if (all) {
    at_chunks = n;
    want[n++] = page_buffer(p, 1);
  }
  if (m->r->layout.dictionary) {
    at_dictionary = n;
    want[n++] = page_buffer(p, next++);
  }
  if (out->path->n_lists) {
    at_index = n;
    want[n++] = page_buffer(p, next);
  }
  OG_TRY(og_lance__fetch(cx, m->r, want, n, got));
  OG_TRY(place_chunks(cx, m, got->views[0], p->sizes[1]));
  if (at_index) OG_TRY(place_rows(cx, m, got->views[at_index]));
  if (at_dictionary) OG_TRY(load_dictionary(cx, m, got->views[at_dictionary], out));
  if (all) got->views[0] = got->views[at_chunks];
  return OG_OK;
}

/* ---- One chunk. */

typedef struct chunk_parts {
  uint64_t n_entries; /* 0: no levels */
  og_str rep, def;
  og_str values[MAX_CHUNK_BUFFERS];
} chunk_parts;

static bool cut(og_str chunk, uint64_t *at, uint64_t len, og_str *out)
{
  if (*at > chunk.len || len > chunk.len - *at) return false;
  *out = og_str_from(chunk.ptr + *at, (size_t)len);
  *at = (*at + len + 7) / 8 * 8;
  return true;
}

static og_status split_chunk(og_ctx *cx, const og_lance__layout *l, bool has_rep, og_str chunk,
                             chunk_parts *out)
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
  return fits ? OG_OK
              : og_fail(cx, OG_ECORRUPT, "a chunk of %zu bytes is shorter than its parts",
                        chunk.len);
}

static og_status raw_levels(og_ctx *cx, const og_lance__enc *e, og_str in, uint64_t n,
                            og_lance__mem *m, const uint16_t **out)
{
  m->len = 0;
  uint8_t *to = og_lance__mem_push(cx, m, (size_t)n * 2);
  if (!to) return cx->err->status;
  OG_TRY_NOTE(cx, og_lance__fixed_decode(cx, e, &in, 1, n, 2, to), "while reading levels");
  *out = (const uint16_t *)(const void *)to;
  return OG_OK;
}

static og_status chunk_values(og_ctx *cx, mini_page *m, const chunk_parts *parts, uint64_t n,
                              og_lance__leaf *out)
{
  const og_lance__layout *l = &m->r->layout;
  const uint32_t n_bufs = og_lance__enc_buffers(l->values);
  if (!m->has_dictionary)
    return og_lance__slots_decode(cx, l->values, parts->values, n_bufs, n, &out->slots);
  m->index.len = 0;
  const unsigned width = (unsigned)(og_lance__enc_bits(l->values) / 8);
  if (width != 1 && width != 2 && width != 4)
    return og_fail(cx, OG_ECORRUPT, "dictionary indices of %u bytes", width);
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
  return og_lance__slots_gather(cx, &out->slots, &m->dictionary,
                                (const uint32_t *)(const void *)raw, n);
}

static og_status decode_chunk(og_ctx *cx, mini_page *m, uint64_t c, og_str bytes,
                              og_lance__leaf *out)
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
    return og_fail(cx, OG_ECORRUPT, "a chunk's levels call for other than its %" PRIu64 " values",
                   slots);
  return slots ? chunk_values(cx, m, &parts, slots, out) : OG_OK;
}

/* ---- Rows. */

/* The chunk in which row `row` starts: the last whose starts before it are at most `row`, and that
 * has one. */
static uint64_t chunk_of(const mini_page *m, uint64_t row)
{
  uint64_t lo = 0, hi = m->n_chunks;
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
  while (c < m->n_chunks && m->chunks[c].row < to) c++;
  while (c < m->n_chunks && m->chunks[c].row == to && m->chunks[c].goes_on) c++;
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
static og_status plan(og_ctx *cx, const mini_page *m, const og_lance__rows *rows, size_t n,
                      span **out, size_t *n_out)
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
  return !l->def && !m->has_dictionary && e->kind == OG_LANCE__ENC_VARIABLE;
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
static og_status read_flat_chunk(og_ctx *cx, mini_page *m, uint64_t c, og_str bytes, picks *want,
                                 og_lance__leaf *out)
{
  const uint64_t start = m->chunks[c].row, stop = m->chunks[c + 1].row;
  while (want->at < want->n && want->rows[want->at].to <= start) want->at++;
  if (want->at == want->n || want->rows[want->at].from >= stop) return OG_OK;
  if (want->rows[want->at].from <= start && want->rows[want->at].to >= stop)
    return decode_chunk(cx, m, c, bytes, out);
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
static og_status read_list_chunk(og_ctx *cx, mini_page *m, uint64_t c, og_str bytes, picks *want,
                                 og_lance__leaf *out)
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
    return og_fail(cx, OG_ECORRUPT,
                   "a chunk starts %" PRIu64 " rows, its repetition index says %" PRIu64,
                   to->n_rows - before, stop - start);
  return all ? OG_OK : og_lance__rows_select(cx, to, first, want->rows, want->n, &want->at, out);
}

static og_status read_chunk(og_ctx *cx, mini_page *m, uint64_t c, og_str bytes, picks *want,
                            og_lance__leaf *out)
{
  return out->path->n_lists ? read_list_chunk(cx, m, c, bytes, want, out)
                            : read_flat_chunk(cx, m, c, bytes, want, out);
}

static og_status read_span(og_ctx *cx, mini_page *m, span s, og_str bytes, picks *want,
                           og_lance__leaf *out)
{
  const uint64_t base = m->chunks[s.from].offset;
  for (uint64_t c = s.from; c < s.to; c++) {
    const uint64_t at = m->chunks[c].offset - base, end = m->chunks[c + 1].offset - base;
    OG_TRY_NOTE(cx,
                read_chunk(cx, m, c, og_str_from(bytes.ptr + at, (size_t)(end - at)), want, out),
                "while reading chunk %" PRIu64, c);
  }
  return OG_OK;
}

/* Grows the result once instead of chunk by chunk. */
static og_status reserve(og_ctx *cx, const mini_page *m, og_lance__leaf *out)
{
  const uint64_t slots = m->r->layout.n_items, bytes = m->chunks[m->n_chunks].offset;
  if (out->slots.shape.form == OG_LANCE__VARBIN) {
    OG_TRY(og_lance__mem_reserve(cx, &out->slots.offsets,
                                 (size_t)(slots + 1) * (out->slots.shape.wide ? 8 : 4)));
    return m->has_dictionary ? OG_OK : og_lance__mem_reserve(cx, &out->slots.data, (size_t)bytes);
  }
  const uint64_t bits = og_lance__shape_bits(&out->slots.shape);
  /* A lying layout costs at most what a bit-packed page of its size could hold: 1024 values in 8
   * bytes. */
  if (slots / 128 > bytes || slots > OG_LIMIT_PAGE_BYTES / (bits + 1)) return OG_OK;
  return og_lance__mem_reserve(cx, &out->slots.data, (size_t)(slots * bits / 8 + 1));
}

og_status og_lance__mini_block_read(og_ctx *cx, og_lance__page_reader *r,
                                    const og_lance__rows *rows, size_t n, og_lance__leaf *out)
{
  OG_AUTO(mini_page) m = {.r = r};
  OG_AUTO(og_lance__fetched) head = {0};
  OG_AUTO(og_lance__fetched) chunks = {0};
  span *spans;
  size_t n_spans;
  picks wanted = {.rows = rows, .n = n};
  const bool whole = n == 1 && rows[0].from == 0 && rows[0].to == r->page->n_rows;
  og_lance__leaf_init(&m.scratch, out->path, out->slots.shape);
  const bool all = whole || (r->page->n_buffers > 1 && r->page->sizes[1] <= 64u << 10);
  OG_TRY(open_page(cx, &m, out, all, &head));
  if (m.n_chunks == 0) return OG_OK;
  if (whole) OG_TRY(reserve(cx, &m, out));
  OG_TRY(plan(cx, &m, rows, n, &spans, &n_spans));
  og_range *want = og_arena_calloc(cx, r->arena, n_spans, sizeof *want);
  if (!want) return OG_ENOMEM;
  for (size_t i = 0; i < n_spans; i++) {
    const uint64_t at = m.chunks[spans[i].from].offset;
    want[i] = (og_range){.off = r->page->offsets[1] + at, .len = m.chunks[spans[i].to].offset - at};
  }
  if (!all) OG_TRY(og_lance__fetch(cx, r, want, n_spans, &chunks));
  for (size_t i = 0; i < n_spans; i++) {
    const uint64_t at = m.chunks[spans[i].from].offset;
    og_str bytes = all ? og_str_sub(head.views[0], (size_t)at, SIZE_MAX) : chunks.views[i];
    OG_TRY(read_span(cx, &m, spans[i], bytes, &wanted, out));
  }
  return OG_OK;
}
