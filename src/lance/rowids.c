/* SPDX-License-Identifier: MIT */
/* lance/rowids.c
 *
 *   RowIdSequence             {1 repeated U64Segment}
 *   U64Segment, one of        1 Range{1 start, 2 end}          2 RangeWithHoles{1 start, 2 end, 3 holes}
 *                             3 RangeWithBitmap{1, 2, 3 bytes}  4 SortedArray  5 Array
 *   EncodedU64Array, one of   1 u16{1 base, 2 bytes of u16}  2 u32{1 base, 2 bytes of u32}  3 u64{2 bytes of u64}
 *   RowDatasetVersionSequence {1 repeated Run{1 span: U64Segment, 2 version}}: only the span's length counts
 *
 * The end of a range is exclusive; bit i of the bitmap, least significant first, stands for start + i.  Ranges, and
 * ranges with holes, stay ranges in memory: a fragment may claim four thousand million rows in a few bytes.
 */
#include "lance/rowids.h"

#include "lance/pb.h"

#include <inttypes.h>

void og_rowids_init(og_rowids *r)
{
  *r = (og_rowids){.segs = OG_VEC_INIT(og_rowid_seg)};
}

void og_rowids_cleanup(og_rowids *r)
{
  og_vec_cleanup(&r->segs);
  r->len = 0;
}

og_status og_rowids_add_range(og_ctx *cx, og_rowids *r, uint64_t start, uint64_t n)
{
  if (n == 0) return OG_OK;
  og_rowid_seg *last = r->segs.len ? &OG_VEC_AT(&r->segs, og_rowid_seg, r->segs.len - 1) : NULL;
  if (last && !last->values && last->start + last->n == start) {
    last->n += n;
  } else {
    const og_rowid_seg seg = {r->len, start, n, NULL};
    OG_TRY(og_vec_add(cx, &r->segs, &seg));
  }
  r->len += n;
  return OG_OK;
}

og_status og_rowids_add_values(og_ctx *cx, og_rowids *r, const uint64_t *values, uint64_t n)
{
  if (n == 0) return OG_OK;
  const og_rowid_seg seg = {r->len, 0, n, values};
  OG_TRY(og_vec_add(cx, &r->segs, &seg));
  r->len += n;
  return OG_OK;
}

uint64_t og_rowids_get(const og_rowids *r, uint64_t i)
{
  OG_ASSERT(i < r->len);
  size_t lo = 0, hi = r->segs.len;
  while (hi - lo > 1) {
    size_t mid = lo + (hi - lo) / 2;
    if (OG_VEC_AT(&r->segs, og_rowid_seg, mid).first <= i)
      lo = mid;
    else
      hi = mid;
  }
  const og_rowid_seg *seg = &OG_VEC_AT(&r->segs, og_rowid_seg, lo);
  i -= seg->first;
  return seg->values ? seg->values[i] : seg->start + i;
}

/* ---- reading */

typedef struct segment {
  uint64_t start, end; /* ranges */
  og_str bitmap;
  og_str holes, array; /* EncodedU64Array messages */
  uint32_t kind;
} segment;

static og_status corrupt(og_ctx *cx, const char *what)
{
  return og_fail(cx, OG_ECORRUPT, "row id sequence: %s", what);
}

typedef struct packed_u64 {
  uint64_t base;
  og_str bytes;
  unsigned width;
  uint64_t n;
} packed_u64;

static og_status read_packed(og_ctx *cx, og_str message, packed_u64 *out)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  static const unsigned widths[] = {0, 2, 4, 8};
  *out = (packed_u64){0};
  og_pb_reader_init(&r, message, "EncodedU64Array");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) break;
    if (f.num < 1 || f.num > 3) continue;
    OG_TRY(og_pb_expect(cx, &r, &f, OG_PB_BYTES));
    out->width = widths[f.num];
    og_pb_reader inner;
    og_pb_reader_init(&inner, f.bytes, "EncodedU64Array");
    for (;;) {
      OG_TRY(og_pb_next(cx, &inner, &f, &more));
      if (!more) break;
      if (f.num == 1 && f.wire == OG_PB_VARINT) out->base = f.value;
      if (f.num == 2 && f.wire == OG_PB_BYTES) out->bytes = f.bytes;
    }
  }
  if (out->width == 0 || out->bytes.len % out->width) return corrupt(cx, "an array of values has a broken length");
  out->n = out->bytes.len / out->width;
  return OG_OK;
}

static uint64_t packed_get(const packed_u64 *p, uint64_t i)
{
  uint64_t v = 0;
  memcpy(&v, p->bytes.ptr + i * p->width, p->width);
  return p->width == 8 ? v : p->base + v;
}

static og_status read_range(og_ctx *cx, og_str message, segment *out)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  og_pb_reader_init(&r, message, "U64Segment");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) break;
    if (f.num == 1 && f.wire == OG_PB_VARINT) out->start = f.value;
    if (f.num == 2 && f.wire == OG_PB_VARINT) out->end = f.value;
    if (f.num == 3 && f.wire == OG_PB_BYTES) out->holes = out->bitmap = f.bytes;
  }
  return out->end >= out->start ? OG_OK : corrupt(cx, "a range ends before it starts");
}

static og_status read_segment(og_ctx *cx, og_str message, segment *out)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  *out = (segment){0};
  og_pb_reader_init(&r, message, "U64Segment");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) break;
    if (f.num < 1 || f.num > 5) continue;
    OG_TRY(og_pb_expect(cx, &r, &f, OG_PB_BYTES));
    out->kind = f.num;
    if (f.num <= 3)
      OG_TRY(read_range(cx, f.bytes, out));
    else
      out->array = f.bytes;
  }
  return out->kind ? OG_OK : corrupt(cx, "a segment of an unknown kind");
}

static uint64_t count_bits(og_str bits, uint64_t n)
{
  uint64_t ones = 0;
  for (uint64_t i = 0; i < n; i++) ones += (uint64_t)(((unsigned char)bits.ptr[i >> 3] >> (i & 7)) & 1);
  return ones;
}

/* How many values the segment stands for, checked against its bytes. */
static og_status segment_len(og_ctx *cx, const segment *s, uint64_t *out)
{
  packed_u64 p;
  uint64_t span = s->end - s->start;
  switch (s->kind) {
  case 1: *out = span; return OG_OK;
  case 2:
    OG_TRY(read_packed(cx, s->holes, &p));
    if (p.n > span) return corrupt(cx, "more holes than values");
    *out = span - p.n;
    return OG_OK;
  case 3:
    if (span / 8 + (span % 8 != 0) != s->bitmap.len) return corrupt(cx, "a bitmap has another length than its range");
    *out = count_bits(s->bitmap, span);
    return OG_OK;
  default:
    OG_TRY(read_packed(cx, s->array, &p));
    *out = p.n;
    return OG_OK;
  }
}

static og_status add_array(og_ctx *cx, og_arena *a, const segment *s, og_rowids *out)
{
  packed_u64 p = {0};
  OG_TRY(read_packed(cx, s->array, &p));
  uint64_t *values = og_arena_calloc(cx, a, p.n + 1, sizeof *values);
  if (!values) return OG_ENOMEM;
  for (uint64_t i = 0; i < p.n; i++) values[i] = packed_get(&p, i);
  return og_rowids_add_values(cx, out, values, p.n);
}

static og_status add_bitmap(og_ctx *cx, og_arena *a, const segment *s, uint64_t n, og_rowids *out)
{
  uint64_t *values = og_arena_calloc(cx, a, n + 1, sizeof *values), at = 0;
  if (!values) return OG_ENOMEM;
  for (uint64_t bit = 0; bit < s->end - s->start; bit++)
    if (((unsigned char)s->bitmap.ptr[bit >> 3] >> (bit & 7)) & 1) values[at++] = s->start + bit;
  return og_rowids_add_values(cx, out, values, n);
}

/* The ranges between the holes. */
static og_status add_between_holes(og_ctx *cx, const segment *s, og_rowids *out)
{
  packed_u64 holes = {0};
  uint64_t at = s->start;
  OG_TRY(read_packed(cx, s->holes, &holes));
  for (uint64_t i = 0; i < holes.n; i++) {
    uint64_t hole = packed_get(&holes, i);
    if (hole < at || hole >= s->end) return corrupt(cx, "the holes of a range do not ascend within it");
    OG_TRY(og_rowids_add_range(cx, out, at, hole - at));
    at = hole + 1;
  }
  return og_rowids_add_range(cx, out, at, s->end - at);
}

static og_status add_segment(og_ctx *cx, og_arena *a, const segment *s, uint64_t n, og_rowids *out)
{
  switch (s->kind) {
  case 1: return og_rowids_add_range(cx, out, s->start, n);
  case 2: return add_between_holes(cx, s, out);
  case 3: return add_bitmap(cx, a, s, n, out);
  default: return add_array(cx, a, s, out);
  }
}

og_status og_rowids_decode(og_ctx *cx, og_arena *a, og_str bytes, uint64_t rows, og_rowids *out)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  og_pb_reader_init(&r, bytes, "RowIdSequence");
  for (;;) {
    segment s;
    uint64_t n;
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) break;
    if (f.num != 1) continue;
    OG_TRY(og_pb_expect(cx, &r, &f, OG_PB_BYTES));
    OG_TRY(read_segment(cx, f.bytes, &s));
    OG_TRY(segment_len(cx, &s, &n));
    if (n > rows - out->len) return corrupt(cx, "it names more rows than the fragment has");
    OG_TRY(add_segment(cx, a, &s, n, out));
  }
  return out->len == rows ? OG_OK : corrupt(cx, "it names fewer rows than the fragment has");
}

/* ---- writing */

static og_status put_range(og_ctx *cx, uint64_t start, uint64_t n, og_buf *out)
{
  OG_AUTO(og_buf) range = {0};
  OG_AUTO(og_buf) seg = {0};
  OG_TRY(og_pb_put_u64(cx, &range, 1, start));
  OG_TRY(og_pb_put_u64(cx, &range, 2, start + n));
  OG_TRY(og_pb_put_bytes(cx, &seg, 1, og_buf_str(&range)));
  return og_pb_put_bytes(cx, out, 1, og_buf_str(&seg));
}

/* Values as offsets from `lo` in `width` bytes; 8: as they are. */
static og_status put_packed(og_ctx *cx, const uint64_t *v, uint64_t n, uint64_t lo, unsigned width, og_buf *out)
{
  OG_AUTO(og_buf) bytes = {0};
  OG_AUTO(og_buf) inner = {0};
  OG_TRY(og_buf_reserve(cx, &bytes, n * width));
  for (uint64_t i = 0; i < n; i++) {
    uint64_t d = width == 8 ? v[i] : v[i] - lo;
    OG_TRY(og_buf_append(cx, &bytes, &d, width));
  }
  if (width != 8) OG_TRY(og_pb_put_u64(cx, &inner, 1, lo));
  OG_TRY(og_pb_put_bytes(cx, &inner, 2, og_buf_str(&bytes)));
  return og_pb_put_bytes(cx, out, width == 2 ? 1 : width == 4 ? 2 : 3, og_buf_str(&inner));
}

static unsigned width_of(uint64_t span)
{
  return span <= UINT16_MAX ? 2 : span <= UINT32_MAX ? 4 : 8;
}

/* A range segment of kind 2 or 3 around v[0] .. v[n - 1], with `inside` as its third field. */
static og_status put_sparse(og_ctx *cx, uint32_t kind, const uint64_t *v, uint64_t n, og_str inside, og_buf *out)
{
  OG_AUTO(og_buf) range = {0};
  OG_AUTO(og_buf) seg = {0};
  OG_TRY(og_pb_put_u64(cx, &range, 1, v[0]));
  OG_TRY(og_pb_put_u64(cx, &range, 2, v[n - 1] + 1));
  OG_TRY(og_pb_put_bytes(cx, &range, 3, inside));
  OG_TRY(og_pb_put_bytes(cx, &seg, kind, og_buf_str(&range)));
  return og_pb_put_bytes(cx, out, 1, og_buf_str(&seg));
}

static og_status put_bitmap(og_ctx *cx, const uint64_t *v, uint64_t n, og_buf *out)
{
  uint64_t span = v[n - 1] - v[0] + 1;
  OG_AUTO(og_buf) bits = {0};
  OG_TRY(og_buf_append_zeros(cx, &bits, span / 8 + (span % 8 != 0)));
  for (uint64_t i = 0; i < n; i++) {
    uint64_t b = v[i] - v[0];
    bits.data[b >> 3] = (uint8_t)(bits.data[b >> 3] | 1u << (b & 7));
  }
  return put_sparse(cx, 3, v, n, og_buf_str(&bits), out);
}

static og_status put_holes(og_ctx *cx, const uint64_t *v, uint64_t n, unsigned width, og_buf *out)
{
  OG_AUTO(og_vec) holes = OG_VEC_INIT(uint64_t);
  OG_AUTO(og_buf) packed = {0};
  for (uint64_t i = 1; i < n; i++)
    for (uint64_t h = v[i - 1] + 1; h < v[i]; h++) OG_TRY(og_vec_add(cx, &holes, &h));
  OG_TRY(put_packed(cx, holes.data, holes.len, OG_VEC_AT(&holes, uint64_t, 0), width, &packed));
  return put_sparse(cx, 2, v, n, og_buf_str(&packed), out);
}

static og_status put_array(og_ctx *cx, uint32_t kind, const uint64_t *v, uint64_t n, uint64_t lo, unsigned width,
                           og_buf *out)
{
  OG_AUTO(og_buf) packed = {0};
  OG_AUTO(og_buf) seg = {0};
  OG_TRY(put_packed(cx, v, n, lo, width, &packed));
  OG_TRY(og_pb_put_bytes(cx, &seg, kind, og_buf_str(&packed)));
  return og_pb_put_bytes(cx, out, 1, og_buf_str(&seg));
}

static og_status put_values(og_ctx *cx, const uint64_t *v, uint64_t n, og_buf *out)
{
  uint64_t lo = v[0], hi = v[0];
  bool ascending = true;
  for (uint64_t i = 1; i < n; i++) {
    ascending = ascending && v[i] > v[i - 1];
    if (v[i] < lo) lo = v[i];
    if (v[i] > hi) hi = v[i];
  }
  unsigned width = width_of(hi - lo);
  if (!ascending) return put_array(cx, 5, v, n, lo, width, out);
  if (hi == UINT64_MAX) return put_array(cx, 4, v, n, lo, width, out); /* a range ends behind its last value */
  uint64_t holes = hi - lo + 1 - n, array_bytes = n * width, bitmap_bytes = (hi - lo) / 8 + 1;
  if (holes == 0) return put_range(cx, lo, n, out);
  if (holes < n && holes * width <= bitmap_bytes) return put_holes(cx, v, n, width, out);
  return bitmap_bytes < array_bytes ? put_bitmap(cx, v, n, out) : put_array(cx, 4, v, n, lo, width, out);
}

og_status og_rowids_encode(og_ctx *cx, const og_rowids *r, og_buf *out)
{
  for (size_t i = 0; i < r->segs.len; i++) {
    const og_rowid_seg *s = &OG_VEC_AT(&r->segs, og_rowid_seg, i);
    OG_TRY(s->values ? put_values(cx, s->values, s->n, out) : put_range(cx, s->start, s->n, out));
  }
  return OG_OK;
}

/* ---- versions */

void og_version_runs_init(og_version_runs *v)
{
  *v = (og_version_runs){.runs = OG_VEC_INIT(og_version_run)};
}

void og_version_runs_cleanup(og_version_runs *v)
{
  og_vec_cleanup(&v->runs);
  v->len = 0;
}

og_status og_version_runs_add(og_ctx *cx, og_version_runs *v, uint64_t version, uint64_t n)
{
  if (n == 0) return OG_OK;
  og_version_run *last = v->runs.len ? &OG_VEC_AT(&v->runs, og_version_run, v->runs.len - 1) : NULL;
  if (last && last->version == version) {
    last->n += n;
  } else {
    const og_version_run run = {v->len, n, version};
    OG_TRY(og_vec_add(cx, &v->runs, &run));
  }
  v->len += n;
  return OG_OK;
}

uint64_t og_version_runs_get(const og_version_runs *v, uint64_t i)
{
  size_t lo = 0, hi = v->runs.len;
  if (i >= v->len) return 0;
  while (hi - lo > 1) {
    size_t mid = lo + (hi - lo) / 2;
    if (OG_VEC_AT(&v->runs, og_version_run, mid).first <= i)
      lo = mid;
    else
      hi = mid;
  }
  return OG_VEC_AT(&v->runs, og_version_run, lo).version;
}

static og_status read_run(og_ctx *cx, og_str message, og_version_runs *out, uint64_t rows)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  uint64_t n = 0, version = 0;
  og_pb_reader_init(&r, message, "RowDatasetVersionRun");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) break;
    if (f.num == 1 && f.wire == OG_PB_BYTES) {
      segment s;
      OG_TRY(read_segment(cx, f.bytes, &s));
      OG_TRY(segment_len(cx, &s, &n));
    }
    if (f.num == 2 && f.wire == OG_PB_VARINT) version = f.value;
  }
  if (n > rows - out->len) return og_fail(cx, OG_ECORRUPT, "row version sequence: it names more rows than there are");
  return og_version_runs_add(cx, out, version, n);
}

og_status og_version_runs_decode(og_ctx *cx, og_str bytes, uint64_t rows, og_version_runs *out)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  og_pb_reader_init(&r, bytes, "RowDatasetVersionSequence");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) break;
    if (f.num == 1 && f.wire == OG_PB_BYTES) OG_TRY(read_run(cx, f.bytes, out, rows));
  }
  if (out->len == rows || out->len == 0) return OG_OK;
  return og_fail(cx, OG_ECORRUPT, "row version sequence: it names fewer rows than there are");
}

/* Every span starts at 0, which is left out: a manifest holds two runs for each row that was committed alone. */
og_status og_version_runs_encode(og_ctx *cx, const og_version_runs *v, og_buf *out)
{
  for (size_t i = 0; i < v->runs.len; i++) {
    const og_version_run *run = &OG_VEC_AT(&v->runs, og_version_run, i);
    OG_AUTO(og_buf) range = {0};
    OG_AUTO(og_buf) span = {0};
    OG_AUTO(og_buf) message = {0};
    OG_TRY(og_pb_put_u64(cx, &range, 2, run->n));
    OG_TRY(og_pb_put_bytes(cx, &span, 1, og_buf_str(&range)));
    OG_TRY(og_pb_put_bytes(cx, &message, 1, og_buf_str(&span)));
    OG_TRY(og_pb_put_u64(cx, &message, 2, run->version));
    OG_TRY(og_pb_put_bytes(cx, out, 1, og_buf_str(&message)));
  }
  return OG_OK;
}
