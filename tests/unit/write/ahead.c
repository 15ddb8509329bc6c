/* SPDX-License-Identifier: MIT */
/* Records parsed ahead come out as the lines of the input, in order, errors included. */
#include "og_test_world.h"

#include "base/limits.h"
#include "write/ahead.h"

#include <inttypes.h>

static uint64_t next(uint64_t *state)
{
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

/* {"n":<line>,"x":"<filler>"}, or white space. */
static void append_line(og_ctx *cx, og_buf *text, uint64_t line, size_t filler, bool blank)
{
  if (blank) {
    OG_CHECK_OK(cx, og_buf_append_str(cx, text, OG_STR(" \t\n")));
    return;
  }
  OG_CHECK_OK(cx, og_buf_printf(cx, text, "{\"n\":%" PRIu64 ",\"x\":\"", line));
  OG_CHECK_OK(cx, og_buf_reserve(cx, text, filler));
  memset(text->data + text->len, 'x', filler);
  text->len += filler;
  OG_CHECK_OK(cx, og_buf_append_str(cx, text, OG_STR("\"}\n")));
}

/* Every line as a record, until the end or `stop` of them; returns the status at the end and the line it came with. */
static og_status read_some(og_ctx *cx, og_str text, uint64_t stop, uint64_t *records, uint64_t *line)
{
  og_ahead *a;
  const og_ahead_part *parts;
  uint64_t last = 0, n;
  size_t n_parts;
  og_status st;
  *records = 0;
  OG_CHECK_OK(cx, og_ahead_open(cx, NULL, NULL, text.len, text, 64u << 20, &a));
  while ((st = og_ahead_next(cx, a, &parts, &n_parts, line)) == OG_OK && n_parts && *records < stop)
    for (size_t i = 0; i < n_parts; i++)
      for (size_t k = 0; k < parts[i].n_packs; k++)
        for (size_t r = 0; r < parts[i].packs[k].n_records; r++) {
          const og_ahead_record *record = &parts[i].packs[k].records[r];
          OG_CHECK(parts[i].packs[k].n_blocks == 0 && parts[i].end <= text.len);
          OG_CHECK(og_json_get_u64(record->json, OG_STR("n"), &n));
          OG_CHECK_U64(n, record->line);
          OG_CHECK(record->line > last);
          last = record->line;
          ++*records;
        }
  og_ahead_close(cx, a);
  return st;
}

static og_status read_all(og_ctx *cx, og_str text, uint64_t *records, uint64_t *line)
{
  return read_some(cx, text, UINT64_MAX, records, line);
}

OG_TEST(ahead, gives_every_record_with_its_line)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  for (uint64_t seed = 0; seed < 6; seed++) {
    og_buf text = {0};
    uint64_t state = seed, lines = 0, want = 0, records, line;
    while (text.len < (4u << 20)) {
      uint64_t kind = next(&state) % 1000;
      size_t filler = kind == 0 ? 1500000 : kind < 10 ? 300000 : (size_t)(next(&state) % 3000);
      bool blank = kind > 950;
      append_line(cx, &text, ++lines, filler, blank);
      want += !blank;
    }
    if (seed % 2) { /* a last line without its end */
      append_line(cx, &text, ++lines, 10, false);
      text.len--;
      want++;
    }
    OG_CHECK_OK(cx, read_all(cx, og_buf_str(&text), &records, &line));
    OG_CHECK_U64(records, want);
    og_buf_cleanup(&text);
  }
  uint64_t records, line;
  OG_CHECK_OK(cx, read_all(cx, OG_STR(""), &records, &line));
  OG_CHECK_OK(cx, read_all(cx, OG_STR("\n\n"), &records, &line));
  OG_CHECK_U64(records, 0);
  og_test_world_close(&w);
}

OG_TEST(ahead, tells_of_a_wrong_line_after_all_records_before_it)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  for (uint64_t bad = 1; bad < 40000; bad += 7919) {
    og_buf text = {0};
    uint64_t records, line;
    for (uint64_t i = 1; i <= 40000; i++) {
      if (i == bad)
        OG_CHECK_OK(cx, og_buf_append_str(cx, &text, OG_STR("{\"n\":1,\"n\":2}\n")));
      else
        append_line(cx, &text, i, 60, false);
    }
    OG_CHECK_STATUS(cx, read_all(cx, og_buf_str(&text), &records, &line), OG_EINVALID);
    OG_CHECK_U64(line, bad);
    OG_CHECK_U64(records, bad - 1);
    og_buf_cleanup(&text);
  }
  og_test_world_close(&w);
}

OG_TEST(ahead, refuses_lines_over_the_limits)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_buf text = {0};
  uint64_t records, line;
  append_line(cx, &text, 1, 10, false);
  append_line(cx, &text, 2, OG_LIMIT_NDJSON_LINE, false);
  OG_CHECK_STATUS(cx, read_all(cx, og_buf_str(&text), &records, &line), OG_ELIMIT);
  OG_CHECK_U64(line, 2);
  text.len -= 2; /* and one that never ends */
  OG_CHECK_STATUS(cx, read_all(cx, og_buf_str(&text), &records, &line), OG_ELIMIT);
  OG_CHECK_U64(line, 2);
  og_buf_clear(&text);
  append_line(cx, &text, 1, 10, false);
  OG_CHECK_OK(cx, og_buf_append_str(cx, &text, OG_STR("[0")));
  for (unsigned i = 0; i <= OG_LIMIT_NDJSON_SLOTS; i++) OG_CHECK_OK(cx, og_buf_append_str(cx, &text, OG_STR(",0")));
  OG_CHECK_OK(cx, og_buf_append_str(cx, &text, OG_STR("]\n")));
  OG_CHECK_STATUS(cx, read_all(cx, og_buf_str(&text), &records, &line), OG_ELIMIT);
  OG_CHECK_U64(line, 2);
  OG_CHECK(cx->err->detail.kind == OG_DETAIL_RESOURCE_LIMIT);
  og_buf_cleanup(&text);
  og_test_world_close(&w);
}

OG_TEST(ahead, can_be_closed_at_any_record)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_buf text = {0};
  for (uint64_t i = 1; i <= 60000; i++) append_line(cx, &text, i, 40, false);
  for (uint64_t stop = 0; stop < 60000; stop += 9973) {
    uint64_t records, line;
    OG_CHECK_OK(cx, read_some(cx, og_buf_str(&text), stop, &records, &line));
  }
  og_buf_cleanup(&text);
  og_test_world_close(&w);
}

OG_TEST_MAIN(OG_CASE(ahead, gives_every_record_with_its_line),
             OG_CASE(ahead, tells_of_a_wrong_line_after_all_records_before_it),
             OG_CASE(ahead, refuses_lines_over_the_limits), OG_CASE(ahead, can_be_closed_at_any_record))
