/* SPDX-License-Identifier: MIT */
/* lance/page_miniblock_write.c -- writing the layout that page_miniblock_read.c explains.
 *
 *  (1) The encoding of a page's values is the one whose size, measured over all of them, is smallest: bit-packing must
 *      gain a tenth over flat values, run lengths half over both, a dictionary a fifth over plain strings, and so must
 *      FSST, of whose bytes a tenth must go.
 *      Compression is what a field's metadata asks for, and is kept if it is smaller than these; the bytes of numbers
 *      are set apart before, unless the metadata forbids it.
 *  (2) A chunk holds a power of two of slots, at most 4096, in about 8 KiB: small enough to fetch for one row.
 *  (3) A chunk's entries end with a visible one, save in the last chunk, so that slots and entries agree.
 */
#include "base/ctx.h"
#include "base/map.h"
#include "lance/page.h"

#define CHUNK_BYTES      8192u
#define CHUNK_SLOTS      4096u
#define RLE_SLOTS        2048u
#define CHUNK_ENTRIES    (2u * OG_LANCE__MAX_INVISIBLE + 2)
#define DICTIONARY_BYTES (256u << 10)
#define DICTIONARY_ITEMS (64u << 10)

typedef enum value_kind { VALUES_FLAT, VALUES_INLINE, VALUES_RLE, VALUES_STRINGS } value_kind;

typedef struct mini_out {
  const og_lance__leaf *leaf;
  const og_lance__steer *steer;
  og_lance__scheme scheme;       /* of every chunk's values; 0: none */
  bool split;                    /* bytes apart before */
  const og_lance__slots *values; /* the leaf's slots, dictionary indices, or codes of FSST */
  og_lance__slots indices, dictionary, coded;
  uint8_t table[OG_LANCE__FSST_TABLE]; /* of the codes */
  value_kind kind;
  bool large; /* 32-bit words */
  og_lance__numbering num;
  unsigned rep_bits, def_bits; /* 0: none stored */
  uint32_t n_buffers;
  og_buf *words, *chunks, *index;
  og_buf scratch, value[2];
} mini_out;

static void mini_out_cleanup(mini_out *m)
{
  og_lance__slots_cleanup(&m->indices);
  og_lance__slots_cleanup(&m->dictionary);
  og_lance__slots_cleanup(&m->coded);
  og_buf_cleanup(&m->scratch);
  og_buf_cleanup(&m->value[0]);
  og_buf_cleanup(&m->value[1]);
}

/* ---- Measuring. */

/* Neighbours that are equal. */
#define COUNT_EQUAL(T)                                                                                                 \
  do {                                                                                                                 \
    const T *v = (const T *)(const void *)data;                                                                        \
    for (uint64_t i = 1; i < n; i++) equal += v[i] == v[i - 1];                                                        \
  } while (0)

static uint64_t count_equal(const uint8_t *data, uint64_t n, unsigned width)
{
  uint64_t equal = 0;
  switch (width) {
  case 1: COUNT_EQUAL(uint8_t); break;
  case 2: COUNT_EQUAL(uint16_t); break;
  case 4: COUNT_EQUAL(uint32_t); break;
  case 8: COUNT_EQUAL(uint64_t); break;
  default: OG_ASSERT(false /* a value has 1, 2, 4 or 8 bytes */);
  }
  return equal;
}

static uint64_t inline_size(const uint8_t *data, uint64_t n, unsigned width)
{
  uint64_t size = 0;
  for (uint64_t i = 0; i < n; i += OG_LANCE__BLOCK) {
    const uint64_t k = n - i < OG_LANCE__BLOCK ? n - i : OG_LANCE__BLOCK;
    size += width + 128 * (uint64_t)og_lance__bits_needed(width, data + i * width, k);
  }
  return size;
}

static value_kind choose_fixed(const og_lance__slots *s)
{
  const unsigned w = s->shape.width;
  if (s->shape.form != OG_LANCE__FIXED || s->shape.is_list) return VALUES_FLAT;
  const uint64_t flat = s->n * w, packed = inline_size(s->data.data, s->n, w);
  const uint64_t runs = s->n - count_equal(s->data.data, s->n, w) + s->n / 255;
  const uint64_t best = packed < flat - flat / 10 ? packed : flat;
  if (runs * (w + 1) < best / 2) return VALUES_RLE;
  return best < flat ? VALUES_INLINE : VALUES_FLAT;
}

/* ---- The dictionary. */

/* Index of each slot; *fits is false when a dictionary would not pay. */
static og_status collect(og_ctx *cx, mini_out *m, og_map *seen, bool *fits)
{
  const og_lance__leaf *l = m->leaf;
  uint32_t *to = (uint32_t *)(void *)og_lance__mem_push(cx, &m->indices.data, (size_t)l->slots.n * sizeof *to);
  if (!to) return cx->err->status;
  uint64_t slot = 0, bytes = 0;
  *fits = false;
  for (uint64_t i = 0; i < l->n_entries; i++) {
    const uint8_t def = og_lance__leaf_def(l, i);
    if (def > l->path->max_visible) continue;
    uint64_t at = 0;
    if (def == 0) {
      const og_str v = og_lance__slots_str(&l->slots, slot);
      if (!og_map_get(seen, v, &at)) {
        at = seen->len;
        OG_TRY(og_map_put(cx, seen, v, at, NULL));
        bytes += v.len;
        /* Early on already: a column of distinct strings must not be hashed to its end. */
        if (at > 256 + slot / 2 || at >= DICTIONARY_ITEMS || bytes > DICTIONARY_BYTES) return OG_OK;
      }
    }
    to[slot++] = (uint32_t)at;
  }
  const uint64_t plain = l->slots.data.len + 4 * l->slots.n;
  const uint64_t coded = bytes + 4 * seen->len + l->slots.n * og_lance__bit_width(seen->len) / 8;
  *fits = coded < plain - plain / 5;
  return OG_OK;
}

static og_status copy_keys(og_ctx *cx, const og_map *seen, og_lance__slots *out)
{
  size_t pos = 0;
  for (const og_map_entry *e; (e = og_map_next(seen, &pos));) {
    uint8_t *at;
    OG_TRY(og_lance__slots_open(cx, out, 1, e->key.len, &at));
    if (e->key.len) memcpy(at, e->key.ptr, e->key.len);
    og_lance__slots_set_end(out, out->n - 1, out->data.len);
  }
  return OG_OK;
}

/* Replaces the values by indices into a dictionary when that is smaller. */
static og_status try_dictionary(og_ctx *cx, mini_out *m)
{
  bool fits = false;
  OG_AUTO(og_map) seen;
  og_map_init(&seen, false);
  og_lance__slots_init(&m->indices, (og_lance__shape){.form = OG_LANCE__FIXED, .width = 4, .dim = 1});
  og_lance__slots_init(&m->dictionary, m->leaf->slots.shape);
  OG_TRY(collect(cx, m, &seen, &fits));
  if (!fits) return OG_OK;
  m->indices.n = m->leaf->slots.n;
  OG_TRY(copy_keys(cx, &seen, &m->dictionary));
  m->values = &m->indices;
  m->kind = choose_fixed(&m->indices) == VALUES_RLE ? VALUES_RLE : VALUES_INLINE;
  return OG_OK;
}

/* ---- Chunks. */

/* Slots of the chunk that starts at `slot`: all the rest, or a power of two. */
static uint64_t chunk_slots(const mini_out *m, uint64_t slot)
{
  const og_lance__slots *s = m->values;
  const uint64_t left = s->n - slot;
  uint64_t cap = CHUNK_SLOTS;
  if (m->kind == VALUES_INLINE) cap = OG_LANCE__BLOCK;
  if (m->kind == VALUES_RLE) cap = RLE_SLOTS;
  if (m->kind == VALUES_FLAT)
    while (cap > 1 && cap * og_lance__shape_bits(&s->shape) > 8ull * CHUNK_BYTES) cap /= 2;
  if (m->kind == VALUES_STRINGS) {
    const uint64_t start = og_lance__slots_offset(s, slot), w = s->shape.wide ? 8 : 4;
    uint64_t n = left < cap ? left : cap;
    while (n > 1 && (n + 1) * w + og_lance__slots_offset(s, slot + n) - start > CHUNK_BYTES) n = (n + 1) / 2;
    if (n == left) return left;
    cap = n;
  }
  if (left <= cap) return left;
  return (uint64_t)1 << (og_lance__bit_width(cap) - 1);
}

/* One past the entries of a chunk of n slots from `entry`; the last chunk takes all. */
static uint64_t chunk_entries(const mini_out *m, uint64_t entry, uint64_t n, bool last)
{
  const og_lance__leaf *l = m->leaf;
  if (last) return l->n_entries;
  if (l->path->n_lists == 0) return entry + n;
  for (; n > 0; entry++) n -= og_lance__leaf_def(l, entry) <= l->path->max_visible;
  return entry;
}

static og_status put_plain_values(og_ctx *cx, mini_out *m, uint64_t slot, uint64_t n)
{
  const og_lance__slots *s = m->values;
  const unsigned w = s->shape.width;
  const uint64_t dim = s->shape.dim;
  og_buf_clear(&m->value[0]);
  og_buf_clear(&m->value[1]);
  switch (m->kind) {
  case VALUES_STRINGS: return og_lance__variable_encode(cx, s, slot, n, &m->value[0]);
  case VALUES_INLINE: return og_lance__inline_encode(cx, s->data.data + slot * w, n, w, &m->value[0]);
  case VALUES_RLE: return og_lance__rle_encode(cx, s->data.data + slot * w, n, w, &m->value[0], &m->value[1]);
  case VALUES_FLAT: break;
  }
  og_buf *to = &m->value[s->valid.len > 0]; /* behind the items' validity */
  OG_AUTO(og_lance__mem) bits = {0};
  if (s->valid.len) {
    OG_TRY(og_lance__bits_append(cx, &bits, 0, s->valid.data, slot * dim, n * dim));
    OG_TRY(og_buf_append(cx, &m->value[0], bits.data, bits.len));
  }
  if (m->split) return og_lance__byte_split_encode(cx, s->data.data + slot * w, n, w, to);
  if (s->shape.form == OG_LANCE__FIXED)
    return og_buf_append(cx, to, s->data.data + slot * dim * w, (size_t)(n * dim * w));
  bits.len = 0;
  OG_TRY(og_lance__bits_append(cx, &bits, 0, s->data.data, slot * dim, n * dim));
  return og_buf_append(cx, to, bits.data, bits.len);
}

static og_status put_values(og_ctx *cx, mini_out *m, uint64_t slot, uint64_t n)
{
  OG_TRY(put_plain_values(cx, m, slot, n));
  if (!m->scheme) return OG_OK;
  og_buf_clear(&m->scratch);
  OG_TRY(og_lance__general_encode(cx, m->scheme, m->steer->level, og_buf_str(&m->value[0]), &m->scratch));
  og_buf_clear(&m->value[0]);
  return og_buf_append_str(cx, &m->value[0], og_buf_str(&m->scratch));
}

/* Appends levels and writes their size at `size_at` of the chunks buffer. */
static og_status put_levels(og_ctx *cx, mini_out *m, bool is_rep, uint64_t from, uint64_t to, size_t size_at)
{
  og_buf_clear(&m->scratch);
  OG_TRY(og_buf_pad(cx, m->chunks, 8));
  OG_TRY(og_lance__levels_raw(cx, m->leaf, &m->num, is_rep, from, to, &m->scratch));
  const size_t before = m->chunks->len;
  OG_TRY(
      og_lance__out_of_line_encode(cx, is_rep ? m->rep_bits : m->def_bits, m->scratch.data, to - from, 2, m->chunks));
  const uint16_t size = (uint16_t)(m->chunks->len - before);
  memcpy(m->chunks->data + size_at, &size, sizeof size);
  return OG_OK;
}

static og_status put_chunk(og_ctx *cx, mini_out *m, uint64_t slot, uint64_t n, uint64_t from, uint64_t to)
{
  const size_t start = m->chunks->len, w = m->large ? 4 : 2;
  const bool levels = m->rep_bits || m->def_bits;
  size_t at = start + 2;
  OG_TRY(put_values(cx, m, slot, n));
  OG_TRY(og_buf_put_u16(cx, m->chunks, (uint16_t)(levels ? to - from : 0)));
  OG_TRY(og_buf_append_zeros(cx, m->chunks, 2u * (m->rep_bits > 0) + 2u * (m->def_bits > 0)));
  for (uint32_t b = 0; b < m->n_buffers; b++) {
    const uint32_t size = (uint32_t)m->value[b].len;
    OG_TRY(og_buf_append(cx, m->chunks, &size, w));
  }
  if (m->rep_bits) {
    OG_TRY(put_levels(cx, m, true, from, to, at));
    at += 2;
  }
  if (m->def_bits) OG_TRY(put_levels(cx, m, false, from, to, at));
  for (uint32_t b = 0; b < m->n_buffers; b++) {
    OG_TRY(og_buf_pad(cx, m->chunks, 8));
    OG_TRY(og_buf_append(cx, m->chunks, m->value[b].data, m->value[b].len));
  }
  OG_TRY(og_buf_pad(cx, m->chunks, 8));
  const uint64_t size = m->chunks->len - start;
  const bool last = slot + n == m->values->n;
  OG_INVARIANT(size <= 32768 && to - from <= UINT16_MAX);
  const uint32_t word = (uint32_t)((size / 8 - 1) << 4 | (last ? 0 : og_lance__bit_width(n) - 1));
  return og_buf_append(cx, m->words, &word, w);
}

/* The repetition index's pair for a chunk. */
static og_status put_rows(og_ctx *cx, mini_out *m, uint64_t from, uint64_t to)
{
  const og_lance__leaf *l = m->leaf;
  uint64_t ends = 0, open = 0;
  for (uint64_t i = from; i < to; i++) {
    open++;
    if (i + 1 == l->n_entries || l->rep.data[i + 1] == l->path->n_lists) {
      ends++;
      open = 0;
    }
  }
  OG_TRY(og_buf_put_u64(cx, m->index, ends));
  return og_buf_put_u64(cx, m->index, open);
}

static og_status put_chunks(og_ctx *cx, mini_out *m)
{
  const uint64_t n_slots = m->values->n;
  uint64_t entry = 0;
  for (uint64_t slot = 0; slot < n_slots;) {
    uint64_t n = chunk_slots(m, slot);
    uint64_t end = chunk_entries(m, entry, n, slot + n == n_slots);
    while (end - entry > CHUNK_ENTRIES && n > 1) {
      n = (uint64_t)1 << (og_lance__bit_width(n - 1) - 1);
      end = chunk_entries(m, entry, n, false);
    }
    OG_TRY(put_chunk(cx, m, slot, n, entry, end));
    if (m->leaf->path->n_lists) OG_TRY(put_rows(cx, m, entry, end));
    slot += n;
    entry = end;
  }
  return OG_OK;
}

/* ---- The page. */

/* lz4 where the file version knows it and it pays. */
static og_status put_dictionary(og_ctx *cx, mini_out *m, unsigned minor, og_buf *out, bool *compressed)
{
  OG_AUTO(og_buf) plain = {0};
  *compressed = false;
  OG_TRY(og_lance__variable_block_encode(cx, &m->dictionary, &plain));
  if (minor >= 2) OG_TRY(og_lance__lz4_encode(cx, og_buf_str(&plain), out));
  if (minor >= 2 && out->len < plain.len - plain.len / 10) {
    *compressed = true;
    return OG_OK;
  }
  og_buf_move(out, &plain);
  return OG_OK;
}

/* What the values, the dictionary and the levels may be encoded as; they point at each other. */
typedef struct encodings {
  og_lance__enc byte, offsets, text, fsst, lz4, flat, packed, runs, list, row, structs, split, general, rep, def;
} encodings;

static void make_encodings(const mini_out *m, encodings *e)
{
  const og_lance__shape *shape = &m->leaf->slots.shape;
  const uint64_t bits = shape->form == OG_LANCE__BITS ? 1 : 8ull * m->values->shape.width;
  e->byte = (og_lance__enc){.kind = OG_LANCE__ENC_FLAT, .bits = 8};
  e->offsets = (og_lance__enc){.kind = OG_LANCE__ENC_FLAT, .bits = shape->wide ? 64 : 32};
  e->text = (og_lance__enc){.kind = OG_LANCE__ENC_VARIABLE, .inner = &e->offsets};
  e->fsst =
      (og_lance__enc){.kind = OG_LANCE__ENC_FSST, .table = og_str_from(m->table, sizeof m->table), .inner = &e->text};
  e->lz4 = (og_lance__enc){.kind = OG_LANCE__ENC_GENERAL, .scheme = OG_LANCE__LZ4, .inner = &e->text};
  e->flat = (og_lance__enc){.kind = OG_LANCE__ENC_FLAT, .bits = bits};
  e->packed = (og_lance__enc){.kind = OG_LANCE__ENC_INLINE, .bits = bits};
  e->runs = (og_lance__enc){.kind = OG_LANCE__ENC_RLE, .inner = &e->flat, .lengths = &e->byte};
  e->list = (og_lance__enc){.kind = OG_LANCE__ENC_FIXED_LIST,
                            .items = shape->dim,
                            .has_validity = m->leaf->slots.valid.len > 0,
                            .inner = &e->flat};
  e->row = (og_lance__enc){.kind = OG_LANCE__ENC_FLAT, .bits = og_lance__shape_bits(shape)};
  e->structs = (og_lance__enc){.kind = OG_LANCE__ENC_PACKED_STRUCT, .table = m->steer->packed, .inner = &e->row};
  e->split = (og_lance__enc){.kind = OG_LANCE__ENC_BYTE_SPLIT, .inner = &e->flat};
  e->general = (og_lance__enc){.kind = OG_LANCE__ENC_GENERAL,
                               .scheme = m->scheme,
                               .inner = m->kind == VALUES_STRINGS ? &e->text
                                        : m->split                ? &e->split
                                                                  : &e->flat};
  e->rep = (og_lance__enc){.kind = OG_LANCE__ENC_OUT_OF_LINE, .bits = 16, .packed_bits = m->rep_bits};
  e->def = (og_lance__enc){.kind = OG_LANCE__ENC_OUT_OF_LINE, .bits = 16, .packed_bits = m->def_bits};
}

static const og_lance__enc *values_encoding(const mini_out *m, const encodings *e)
{
  if (m->scheme) return &e->general;
  switch (m->kind) {
  case VALUES_STRINGS: return m->values == &m->coded ? &e->fsst : &e->text;
  case VALUES_INLINE: return &e->packed;
  case VALUES_RLE: return &e->runs;
  case VALUES_FLAT: break;
  }
  if (m->leaf->slots.shape.packed) return &e->structs;
  return m->leaf->slots.shape.is_list ? &e->list : &e->flat;
}

/* Compressed as the metadata asks, in pieces of a chunk's size: is that less than `other` bytes? */
static og_status try_compression(og_ctx *cx, mini_out *m, uint64_t other)
{
  const value_kind kind = m->kind;
  const og_lance__slots *s = &m->leaf->slots;
  const unsigned w = s->shape.width;
  uint64_t bytes = 0;
  if (!m->steer->scheme || s->shape.form == OG_LANCE__BITS || s->shape.is_list) return OG_OK;
  m->kind = s->shape.form == OG_LANCE__VARBIN ? VALUES_STRINGS : VALUES_FLAT;
  m->scheme = m->steer->scheme;
  m->split = m->kind == VALUES_FLAT && w > 2 && !m->steer->no_split;
  for (uint64_t slot = 0, n; slot < s->n && bytes < other; slot += n) {
    n = chunk_slots(m, slot);
    OG_TRY(put_values(cx, m, slot, n));
    bytes += m->value[0].len;
  }
  if (bytes < other) return OG_OK;
  m->kind = kind;
  m->scheme = 0;
  m->split = false;
  return OG_OK;
}

static og_status choose_numbers(og_ctx *cx, mini_out *m)
{
  const og_lance__slots *s = &m->leaf->slots;
  const uint64_t flat = og_lance__shape_bits(&s->shape) * s->n / 8;
  m->kind = m->steer->none ? VALUES_FLAT : choose_fixed(s);
  if (m->kind == VALUES_RLE) return OG_OK; /* an eighth of the values at most is left */
  return try_compression(cx, m, m->kind == VALUES_INLINE ? inline_size(s->data.data, s->n, s->shape.width) : flat);
}

/* How the values will lie: as they are, as indices into a dictionary, as codes, or compressed. */
static og_status choose_values(og_ctx *cx, mini_out *m)
{
  const og_lance__slots *s = &m->leaf->slots;
  bool coded = false;
  if (s->shape.form != OG_LANCE__VARBIN) return choose_numbers(cx, m);
  m->kind = VALUES_STRINGS;
  if (m->steer->none) return OG_OK;
  if (!m->steer->fsst) OG_TRY(try_dictionary(cx, m));
  if (m->kind == VALUES_STRINGS) OG_TRY(try_compression(cx, m, s->data.len + 4 * s->n));
  if (m->scheme) return OG_OK;
  if (m->kind == VALUES_STRINGS) OG_TRY(og_lance__fsst_slots(cx, s, &m->coded, m->table, &coded));
  if (coded) m->values = &m->coded;
  return OG_OK;
}

og_status og_lance__mini_block_write(og_ctx *cx, const og_lance__leaf *leaf, const og_lance__steer *steer,
                                     unsigned minor, og_lance__page_out *out)
{
  OG_AUTO(mini_out) m = {.leaf = leaf, .steer = steer, .values = &leaf->slots, .large = minor >= 2};
  og_lance__layout l = {.kind = OG_LANCE__MINI_BLOCK, .n_items = leaf->slots.n, .large = m.large};
  encodings e;
  bool compressed = false;
  og_lance__numbering_make(leaf, &l, &m.num);
  OG_TRY(choose_values(cx, &m));
  m.rep_bits = og_lance__bit_width(leaf->path->n_lists);
  m.def_bits = og_lance__bit_width(m.num.max_def);
  m.n_buffers = m.kind == VALUES_RLE || (m.kind == VALUES_FLAT && m.values->valid.len) ? 2 : 1;
  const bool has_dictionary = m.values == &m.indices;

  out->n_buffers = 2;
  m.words = &out->buffers[0];
  m.chunks = &out->buffers[1];
  if (has_dictionary) OG_TRY(put_dictionary(cx, &m, minor, &out->buffers[out->n_buffers++], &compressed));
  if (leaf->path->n_lists) m.index = &out->buffers[out->n_buffers++];
  OG_TRY(put_chunks(cx, &m));

  make_encodings(&m, &e);
  l.values = values_encoding(&m, &e);
  if (m.rep_bits) l.rep = &e.rep;
  if (m.def_bits) l.def = &e.def;
  if (has_dictionary) l.dictionary = compressed ? &e.lz4 : &e.text;
  l.dictionary_items = m.dictionary.n;
  l.n_buffers = m.n_buffers;
  l.rep_depth = leaf->path->n_lists ? 1 : 0;
  return og_lance__layout_put(cx, &l, &out->layout);
}
