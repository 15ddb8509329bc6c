/* SPDX-License-Identifier: MIT */
/* Any bytes as a sequence of row ids and of row versions, for the first two bytes' number of rows: what decodes has
 * that many, and is the same after a round through our own writer. */
#include "fuzz/fuzz_world.h"

#include "lance/rowids.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ids(og_ctx *cx, og_arena *a, og_str bytes, uint64_t rows)
{
  og_rowids r, back;
  og_buf out = {0};
  og_rowids_init(&r);
  og_rowids_init(&back);
  if (og_rowids_decode(cx, a, bytes, rows, &r) == OG_OK) {
    fuzz_expect(r.len == rows);
    fuzz_expect(og_rowids_encode(cx, &r, &out) == OG_OK);
    fuzz_expect(og_rowids_decode(cx, a, og_buf_str(&out), rows, &back) == OG_OK);
    for (uint64_t i = 0; i < rows; i++) fuzz_expect(og_rowids_get(&r, i) == og_rowids_get(&back, i));
  }
  og_buf_cleanup(&out);
  og_rowids_cleanup(&r);
  og_rowids_cleanup(&back);
}

static void versions(og_ctx *cx, og_str bytes, uint64_t rows)
{
  og_version_runs v, back;
  og_buf out = {0};
  og_version_runs_init(&v);
  og_version_runs_init(&back);
  if (og_version_runs_decode(cx, bytes, rows, &v) == OG_OK) {
    fuzz_expect(og_version_runs_encode(cx, &v, &out) == OG_OK);
    fuzz_expect(og_version_runs_decode(cx, og_buf_str(&out), rows, &back) == OG_OK);
    for (uint64_t i = 0; i < rows; i++) fuzz_expect(og_version_runs_get(&v, i) == og_version_runs_get(&back, i));
  }
  og_buf_cleanup(&out);
  og_version_runs_cleanup(&v);
  og_version_runs_cleanup(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fuzz_world w;
  uint16_t rows;
  if (size < 2) return 0;
  memcpy(&rows, data, 2);
  og_ctx *cx = fuzz_open(&w);
  ids(cx, &w.arena, og_str_from(data + 2, size - 2), rows);
  versions(cx, og_str_from(data + 2, size - 2), rows);
  fuzz_close(&w);
  return 0;
}
