/* SPDX-License-Identifier: MIT */
/* Row id and row version sequences: every kind of segment, the forms chosen, and what lies get. */
#include "unit/og_test_world.h"

#include "lance/pb.h"
#include "lance/rowids.h"

#define VALUES 512

/* Encodes `n` values, reads them back, and tells which kind of segment was chosen. */
static uint32_t round_trip(const uint64_t *v, uint64_t n, size_t *size)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_rowids r, back;
  og_buf bytes = {0};
  og_rowids_init(&r);
  og_rowids_init(&back);
  OG_CHECK_OK(cx, og_rowids_add_values(cx, &r, v, n));
  OG_CHECK_OK(cx, og_rowids_encode(cx, &r, &bytes));
  OG_CHECK_OK(cx, og_rowids_decode(cx, &w.arena, og_buf_str(&bytes), n, &back));
  OG_CHECK_U64(back.len, n);
  for (uint64_t i = 0; i < n; i++) OG_CHECK_U64(og_rowids_get(&back, i), v[i]);
  og_rowids other;
  og_rowids_init(&other);
  OG_CHECK_STATUS(cx, og_rowids_decode(cx, &w.arena, og_buf_str(&bytes), n - 1, &other), OG_ECORRUPT);
  og_rowids_cleanup(&other);
  og_rowids_init(&other);
  OG_CHECK_STATUS(cx, og_rowids_decode(cx, &w.arena, og_buf_str(&bytes), n + 1, &other), OG_ECORRUPT);
  og_rowids_cleanup(&other);
  og_pb_reader reader;
  og_pb_field seg, kind;
  bool more;
  og_pb_reader_init(&reader, og_buf_str(&bytes), "RowIdSequence");
  OG_CHECK_OK(cx, og_pb_next(cx, &reader, &seg, &more));
  og_pb_reader_init(&reader, seg.bytes, "U64Segment");
  OG_CHECK_OK(cx, og_pb_next(cx, &reader, &kind, &more));
  *size = bytes.len;
  og_buf_cleanup(&bytes);
  og_rowids_cleanup(&r);
  og_rowids_cleanup(&back);
  og_test_world_close(&w);
  return kind.num;
}

OG_TEST(rowids, each_run_takes_its_smallest_form)
{
  static uint64_t v[VALUES];
  size_t size;
  for (uint64_t i = 0; i < VALUES; i++) v[i] = 1000000 + i;
  OG_CHECK_U64(round_trip(v, VALUES, &size), 1);
  OG_CHECK(size < 16);
  for (uint64_t i = 0; i < VALUES; i++) v[i] = i + i / 100;
  OG_CHECK_U64(round_trip(v, VALUES, &size), 2);
  OG_CHECK(size < 40);
  for (uint64_t i = 0; i < VALUES; i++) v[i] = 7 + i * 2;
  OG_CHECK_U64(round_trip(v, VALUES, &size), 3);
  OG_CHECK(size < 160);
  for (uint64_t i = 0; i < VALUES; i++) v[i] = i * 100;
  OG_CHECK_U64(round_trip(v, VALUES, &size), 4);
  for (uint64_t i = 0; i < VALUES; i++) v[i] = (VALUES - i) * 3;
  OG_CHECK_U64(round_trip(v, VALUES, &size), 5);
  OG_CHECK(size < 2 * VALUES + 32);
  for (uint64_t i = 0; i < VALUES; i++) v[i] = i * (UINT64_MAX / VALUES);
  OG_CHECK_U64(round_trip(v, VALUES, &size), 4);
  v[0] = UINT64_MAX - 1;
  OG_CHECK_U64(round_trip(v, 1, &size), 1);
}

OG_TEST(rowids, neighbouring_ranges_become_one)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_rowids r;
  static const uint64_t odd[] = {5, 9};
  og_rowids_init(&r);
  OG_CHECK_OK(cx, og_rowids_add_range(cx, &r, 10, 5));
  OG_CHECK_OK(cx, og_rowids_add_range(cx, &r, 15, 5));
  OG_CHECK_OK(cx, og_rowids_add_values(cx, &r, odd, 2));
  OG_CHECK_OK(cx, og_rowids_add_range(cx, &r, 30, 1));
  OG_CHECK_U64(r.segs.len, 3);
  OG_CHECK_U64(og_rowids_get(&r, 9), 19);
  OG_CHECK_U64(og_rowids_get(&r, 10), 5);
  OG_CHECK_U64(og_rowids_get(&r, 11), 9);
  OG_CHECK_U64(og_rowids_get(&r, 12), 30);
  og_rowids_cleanup(&r);
  og_test_world_close(&w);
}

/* A RowIdSequence of one segment of `kind` over [start, end) with `inside` as third field. */
static og_status segment(og_ctx *cx, uint32_t kind, uint64_t start, uint64_t end, og_str inside, og_buf *out)
{
  OG_AUTO(og_buf) range = {0};
  OG_AUTO(og_buf) seg = {0};
  OG_TRY(og_pb_put_u64(cx, &range, 1, start));
  OG_TRY(og_pb_put_u64(cx, &range, 2, end));
  if (inside.ptr) OG_TRY(og_pb_put_bytes(cx, &range, 3, inside));
  OG_TRY(og_pb_put_bytes(cx, &seg, kind, og_buf_str(&range)));
  return og_pb_put_bytes(cx, out, 1, og_buf_str(&seg));
}

static void check_refused(uint32_t kind, uint64_t start, uint64_t end, og_str inside, uint64_t rows)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_buf bytes = {0};
  og_rowids r;
  og_rowids_init(&r);
  OG_CHECK_OK(cx, segment(cx, kind, start, end, inside, &bytes));
  OG_CHECK_STATUS(cx, og_rowids_decode(cx, &w.arena, og_buf_str(&bytes), rows, &r), OG_ECORRUPT);
  og_rowids_cleanup(&r);
  og_buf_cleanup(&bytes);
  og_test_world_close(&w);
}

OG_TEST(rowids, lies_about_ranges_are_refused)
{
  static const char two_holes[] = "\x0a\x06\x12\x04\x03\x00\x03\x00"; /* u16: 3, 3 */
  static const char hole_beyond[] = "\x0a\x04\x12\x02\x10\x00";       /* u16: 16 */
  static const char odd_bytes[] = "\x0a\x05\x12\x03\x01\x00\x00";
  check_refused(1, 10, 5, OG_STR_NONE, 5);
  check_refused(1, 0, UINT64_MAX, OG_STR_NONE, 10);
  check_refused(2, 0, 10, og_str_from(two_holes, sizeof two_holes - 1), 8);
  check_refused(2, 0, 10, og_str_from(hole_beyond, sizeof hole_beyond - 1), 9);
  check_refused(2, 0, 10, og_str_from(odd_bytes, sizeof odd_bytes - 1), 9);
  check_refused(2, 0, 10, OG_STR_NONE, 10);
  check_refused(3, 0, 10, OG_STR("\xff"), 8);
  check_refused(3, 0, UINT64_MAX, OG_STR("\xff"), 8);
  check_refused(9, 0, 10, OG_STR_NONE, 10);
}

/* Four thousand million rows claimed in twenty bytes cost no memory. */
OG_TEST(rowids, a_huge_range_with_holes_stays_small)
{
  static const char hole[] = "\x0a\x04\x12\x02\x05\x00"; /* u16: 5 */
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_buf bytes = {0};
  og_rowids r;
  og_rowids_init(&r);
  OG_CHECK_OK(cx, segment(cx, 2, 0, 4000000000u, og_str_from(hole, sizeof hole - 1), &bytes));
  OG_CHECK_OK(cx, og_rowids_decode(cx, &w.arena, og_buf_str(&bytes), 3999999999u, &r));
  OG_CHECK_U64(og_rowids_get(&r, 5), 6);
  OG_CHECK(w.rt.mem.peak < 1u << 16);
  og_rowids_cleanup(&r);
  og_buf_cleanup(&bytes);
  og_test_world_close(&w);
}

OG_TEST(versions, runs_come_back_and_must_fill_the_fragment)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_version_runs v, back;
  og_buf bytes = {0};
  og_version_runs_init(&v);
  og_version_runs_init(&back);
  OG_CHECK_OK(cx, og_version_runs_add(cx, &v, 3, 10));
  OG_CHECK_OK(cx, og_version_runs_add(cx, &v, 3, 5));
  OG_CHECK_OK(cx, og_version_runs_add(cx, &v, 9, 1));
  OG_CHECK_U64(v.runs.len, 2);
  OG_CHECK_OK(cx, og_version_runs_encode(cx, &v, &bytes));
  OG_CHECK_OK(cx, og_version_runs_decode(cx, og_buf_str(&bytes), 16, &back));
  OG_CHECK_U64(og_version_runs_get(&back, 0), 3);
  OG_CHECK_U64(og_version_runs_get(&back, 14), 3);
  OG_CHECK_U64(og_version_runs_get(&back, 15), 9);
  OG_CHECK_U64(og_version_runs_get(&back, 16), 0);
  og_version_runs_cleanup(&back);
  OG_CHECK_STATUS(cx, og_version_runs_decode(cx, og_buf_str(&bytes), 15, &back), OG_ECORRUPT);
  og_version_runs_cleanup(&back);
  OG_CHECK_STATUS(cx, og_version_runs_decode(cx, og_buf_str(&bytes), 17, &back), OG_ECORRUPT);
  og_version_runs_cleanup(&back);
  OG_CHECK_OK(cx, og_version_runs_decode(cx, OG_STR_NONE, 17, &back));
  OG_CHECK_U64(og_version_runs_get(&back, 0), 0);
  og_version_runs_cleanup(&back);
  og_version_runs_cleanup(&v);
  og_buf_cleanup(&bytes);
  og_test_world_close(&w);
}

static bool is_updated(uint64_t version)
{
  return version / 100 % 10 == 3;
}

static void settle(og_ctx *cx, og_version_runs *created, og_version_runs *updated, uint64_t now)
{
  const uint64_t rows = created->len;
  OG_CHECK_OK(cx, og_version_runs_settle(cx, created, updated, now));
  OG_CHECK_U64(created->len, rows);
  OG_CHECK_U64(updated->len, rows);
}

/* One row per version, a hundred of each thousand updated two versions later; rows are settled whenever they have doubled. */
OG_TEST(versions, old_ones_become_coarser_but_never_smaller)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_version_runs created, updated;
  og_version_runs_init(&created);
  og_version_runs_init(&updated);
  uint64_t next = 100;
  for (uint64_t version = 1; version <= 20000; version++) {
    OG_CHECK_OK(cx, og_version_runs_add(cx, &created, version, 1));
    OG_CHECK_OK(cx, og_version_runs_add(cx, &updated, is_updated(version) ? version + 2 : version, 1));
    if (version != next) continue;
    next *= 2;
    settle(cx, &created, &updated, version + 2);
    for (uint64_t row = 0; row < version; row++) {
      const uint64_t was = row + 1, is = og_version_runs_get(&created, row), last = og_version_runs_get(&updated, row);
      const uint64_t most = was + (version + 2 - was) / 24;
      OG_CHECK(is >= was && is <= most && last >= is && last <= most + 2);
      OG_CHECK((last != is) == is_updated(was));
      if (version - was < 40) OG_CHECK_U64(is, was);
    }
    OG_CHECK(created.runs.len + updated.runs.len < 1400);
  }
  og_version_runs_cleanup(&created);
  og_version_runs_cleanup(&updated);
  og_test_world_close(&w);
}

OG_TEST(versions, what_is_unknown_or_of_the_future_stays)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_version_runs created, updated;
  og_version_runs_init(&created);
  og_version_runs_init(&updated);
  OG_CHECK_OK(cx, og_version_runs_add(cx, &updated, 5, 3));
  OG_CHECK_OK(cx, og_version_runs_settle(cx, &created, &updated, 1000));
  OG_CHECK_U64(created.len, 0);
  OG_CHECK_U64(updated.len, 3);
  OG_CHECK_OK(cx, og_version_runs_add(cx, &created, 0, 1));
  OG_CHECK_OK(cx, og_version_runs_add(cx, &created, 1, 1));
  OG_CHECK_OK(cx, og_version_runs_add(cx, &created, UINT64_MAX, 1));
  settle(cx, &created, &updated, 1000);
  OG_CHECK_U64(og_version_runs_get(&created, 0), 0);
  OG_CHECK_U64(og_version_runs_get(&created, 1), 1);
  OG_CHECK_U64(og_version_runs_get(&created, 2), UINT64_MAX);
  og_version_runs_cleanup(&created);
  og_version_runs_cleanup(&updated);
  og_test_world_close(&w);
}

OG_TEST_MAIN(OG_CASE(rowids, each_run_takes_its_smallest_form), OG_CASE(rowids, neighbouring_ranges_become_one),
             OG_CASE(rowids, lies_about_ranges_are_refused), OG_CASE(rowids, a_huge_range_with_holes_stays_small),
             OG_CASE(versions, runs_come_back_and_must_fill_the_fragment),
             OG_CASE(versions, old_ones_become_coarser_but_never_smaller),
             OG_CASE(versions, what_is_unknown_or_of_the_future_stays))
