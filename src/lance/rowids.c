/* SPDX-License-Identifier: MIT */
/* lance/rowids.c
 *
 *   RowIdSequence             {1 repeated U64Segment}
 *   U64Segment, one of        1 Range{1 start, 2 end}          2 RangeWithHoles{1 start, 2 end, 3 holes}
 *                             3 RangeWithBitmap{1, 2, 3 bytes}  4 SortedArray  5 Array
 *   EncodedU64Array, one of   1 u16{1 base, 2 bytes of u16}  2 u32{1 base, 2 bytes of u32}  3 u64{2 bytes of u64}
 *   RowDatasetVersionSequence {1 repeated Run{1 span: U64Segment, 2 version}}: only the span's length counts
 *
 * The end of a range is exclusive; bit i of the bitmap, least significant first, stands for start + i.  Ranges stay
 * ranges in memory, everything else becomes a list of values.
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
    const og_rowid_seg seg = {start, n, NULL};
    OG_TRY(og_vec_add(cx, &r->segs, &seg));
  }
  r->len += n;
  return OG_OK;
}

og_status og_rowids_add_values(og_ctx *cx, og_rowids *r, const uint64_t *values, uint64_t n)
{
  if (n == 0) return OG_OK;
  const og_rowid_seg seg = {0, n, values};
  OG_TRY(og_vec_add(cx, &r->segs, &seg));
  r->len += n;
  return OG_OK;
}

uint64_t og_rowids_get(const og_rowids *r, uint64_t i)
{
  for (size_t s = 0; s < r->segs.len; s++) {
    const og_rowid_seg *seg = &OG_VEC_AT(&r->segs, og_rowid_seg, s);
    if (i < seg->n) return seg->values ? seg->values[i] : seg->start + i;
    i -= seg->n;
  }
  OG_ASSERT(!"row beyond its sequence");
  return 0;
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
    if (f.num <= 3) OG_TRY(read_range(cx, f.bytes, out));
    else out->array = f.bytes;
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

static bool is_hole(const packed_u64 *holes, uint64_t v)
{
  uint64_t lo = 0, hi = holes->n; /* ascending in every file we know; a miss is caught by the count */
  while (lo < hi) {
    uint64_t mid = lo + (hi - lo) / 2, h = packed_get(holes, mid);
    if (h == v) return true;
    if (h < v) lo = mid + 1;
    else hi = mid;
  }
  return false;
}

static og_status expand(og_ctx *cx, og_arena *a, const segment *s, uint64_t n, const uint64_t **out)
{
  uint64_t *values = og_arena_calloc(cx, a, n + 1, sizeof *values);
  packed_u64 p = {0};
  uint64_t at = 0;
  if (!values) return OG_ENOMEM;
  if (s->kind >= 4) {
    OG_TRY(read_packed(cx, s->array, &p));
    for (; at < n; at++) values[at] = packed_get(&p, at);
  } else {
    if (s->kind == 2) OG_TRY(read_packed(cx, s->holes, &p));
    for (uint64_t v = s->start; v < s->end; v++) {
      uint64_t bit = v - s->start;
      bool there = s->kind == 3 ? ((unsigned char)s->bitmap.ptr[bit >> 3] >> (bit & 7)) & 1 : !is_hole(&p, v);
      if (there && at < n) values[at++] = v;
      else if (there) at = n + 1;
      if (at > n) break;
    }
  }
  *out = values;
  return at == n ? OG_OK : corrupt(cx, "its holes are not distinct and ascending");
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
    const uint64_t *values;
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) break;
    if (f.num != 1) continue;
    OG_TRY(og_pb_expect(cx, &r, &f, OG_PB_BYTES));
    OG_TRY(read_segment(cx, f.bytes, &s));
    OG_TRY(segment_len(cx, &s, &n));
    if (n > rows - out->len) return corrupt(cx, "it names more rows than the fragment has");
    if (s.kind == 1) {
      OG_TRY(og_rowids_add_range(cx, out, s.start, n));
    } else {
      OG_TRY(expand(cx, a, &s, n, &values));
      OG_TRY(og_rowids_add_values(cx, out, values, n));
    }
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

static bool is_ascending(const uint64_t *v, uint64_t n)
{
  for (uint64_t i = 1; i < n; i++)
    if (v[i] <= v[i - 1]) return false;
  return true;
}

/* Values as offsets from their minimum in the narrowest width that holds them. */
static og_status put_packed(og_ctx *cx, const uint64_t *v, uint64_t n, og_buf *out)
{
  uint64_t lo = v[0], hi = v[0];
  for (uint64_t i = 1; i < n; i++) {
    if (v[i] < lo) lo = v[i];
    if (v[i] > hi) hi = v[i];
  }
  unsigned width = hi - lo <= UINT16_MAX ? 2 : hi - lo <= UINT32_MAX ? 4 : 8;
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

static og_status put_bitmap(og_ctx *cx, const uint64_t *v, uint64_t n, og_buf *out)
{
  uint64_t span = v[n - 1] - v[0] + 1;
  OG_AUTO(og_buf) bits = {0};
  OG_AUTO(og_buf) range = {0};
  OG_AUTO(og_buf) seg = {0};
  OG_TRY(og_buf_append_zeros(cx, &bits, span / 8 + (span % 8 != 0)));
  for (uint64_t i = 0; i < n; i++) {
    uint64_t b = v[i] - v[0];
    bits.data[b >> 3] = (uint8_t)(bits.data[b >> 3] | 1u << (b & 7));
  }
  OG_TRY(og_pb_put_u64(cx, &range, 1, v[0]));
  OG_TRY(og_pb_put_u64(cx, &range, 2, v[n - 1] + 1));
  OG_TRY(og_pb_put_bytes(cx, &range, 3, og_buf_str(&bits)));
  OG_TRY(og_pb_put_bytes(cx, &seg, 3, og_buf_str(&range)));
  return og_pb_put_bytes(cx, out, 1, og_buf_str(&seg));
}

static og_status put_values(og_ctx *cx, const uint64_t *v, uint64_t n, og_buf *out)
{
  bool ascending = is_ascending(v, n);
  uint64_t span = ascending ? v[n - 1] - v[0] + 1 : 0;
  if (ascending && span == n) return put_range(cx, v[0], n, out);
  if (ascending && span / 8 < 2 * n) return put_bitmap(cx, v, n, out); /* smaller than two bytes per value */
  OG_AUTO(og_buf) packed = {0};
  OG_AUTO(og_buf) seg = {0};
  OG_TRY(put_packed(cx, v, n, &packed));
  OG_TRY(og_pb_put_bytes(cx, &seg, ascending ? 4 : 5, og_buf_str(&packed)));
  return og_pb_put_bytes(cx, out, 1, og_buf_str(&seg));
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
    const og_version_run run = {n, version};
    OG_TRY(og_vec_add(cx, &v->runs, &run));
  }
  v->len += n;
  return OG_OK;
}

uint64_t og_version_runs_get(const og_version_runs *v, uint64_t i)
{
  for (size_t k = 0; k < v->runs.len; k++) {
    const og_version_run *run = &OG_VEC_AT(&v->runs, og_version_run, k);
    if (i < run->n) return run->version;
    i -= run->n;
  }
  return 0; /* unknown: the sequence was never written */
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
    if (!more) return OG_OK;
    if (f.num == 1 && f.wire == OG_PB_BYTES) OG_TRY(read_run(cx, f.bytes, out, rows));
  }
}

og_status og_version_runs_encode(og_ctx *cx, const og_version_runs *v, og_buf *out)
{
  uint64_t at = 0;
  for (size_t i = 0; i < v->runs.len; i++) {
    const og_version_run *run = &OG_VEC_AT(&v->runs, og_version_run, i);
    OG_AUTO(og_buf) range = {0};
    OG_AUTO(og_buf) span = {0};
    OG_AUTO(og_buf) message = {0};
    OG_TRY(og_pb_put_u64(cx, &range, 1, at));
    OG_TRY(og_pb_put_u64(cx, &range, 2, at + run->n));
    OG_TRY(og_pb_put_bytes(cx, &span, 1, og_buf_str(&range)));
    OG_TRY(og_pb_put_bytes(cx, &message, 1, og_buf_str(&span)));
    OG_TRY(og_pb_put_u64(cx, &message, 2, run->version));
    OG_TRY(og_pb_put_bytes(cx, out, 1, og_buf_str(&message)));
    at += run->n;
  }
  return OG_OK;
}
