/* SPDX-License-Identifier: MIT */
/* fuzz_schema_restore: a schema contract as one input, its three texts behind one another with a NUL between them.
 *
 * Texts that are missing are those of a fresh graph with that source, so that a fuzzer may begin with a source alone.
 * Whatever is restored writes the contract that it was restored from. */
#include "fuzz/fuzz_world.h"

#include "base/json.h"
#include "schema/catalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Cuts the next text off; false: there is none. */
static bool next_text(og_str *input, og_str *out)
{
  if (!input->ptr) return false;
  size_t end = og_str_find(*input, OG_STR("\0"));
  *out = og_str_sub(*input, 0, end);
  *input = end == SIZE_MAX ? OG_STR_NONE : og_str_sub(*input, end + 1, input->len);
  return true;
}

static og_status fill_in(og_ctx *cx, og_str source, og_buf *ir, og_buf *state)
{
  og_catalog *c;
  OG_TRY(og_schema_check(cx, source, OG_STR("_schema.pg"), &c));
  og_status st = og_schema_ir_write(cx, c, true, ir);
  if (st == OG_OK) st = og_schema_state_write(cx, c, state);
  og_catalog_unref(c);
  return st;
}

/* JSON without white space. */
static void compact(og_ctx *cx, og_str text, og_buf *out)
{
  const og_json *json;
  og_json_writer w;
  fuzz_expect(og_json_read(cx, cx->arena, text, &json) == OG_OK);
  og_json_writer_init(&w, out, false);
  fuzz_expect(og_json_node(cx, &w, json) == OG_OK);
}

static void expect_same_json(og_ctx *cx, og_str a, og_str b)
{
  og_buf x = {0}, y = {0};
  compact(cx, a, &x);
  compact(cx, b, &y);
  fuzz_expect(og_str_eq(og_buf_str(&x), og_buf_str(&y)));
  og_buf_cleanup(&x);
  og_buf_cleanup(&y);
}

static void run(og_ctx *cx, og_str source, og_str ir, og_str state)
{
  og_catalog *c;
  og_buf again = {0};
  og_status st = og_schema_restore(cx, source, ir, state, &c);
  fuzz_expect_error(cx, st);
  if (st != OG_OK) return;
  fuzz_expect(og_schema_ir_write(cx, c, true, &again) == OG_OK);
  expect_same_json(cx, ir, og_buf_str(&again));
  og_buf_cleanup(&again);
  og_catalog_unref(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fuzz_world w;
  og_ctx *cx = fuzz_open(&w);
  og_str input = size ? og_str_from(data, size) : OG_STR(""), source, ir, state;
  og_buf ir_buf = {0}, state_buf = {0};
  bool has_source = next_text(&input, &source), has_ir = next_text(&input, &ir), has_state = next_text(&input, &state);
  if (has_source && (has_state || fill_in(cx, source, &ir_buf, &state_buf) == OG_OK))
    run(cx, source, has_ir ? ir : og_buf_str(&ir_buf), has_state ? state : og_buf_str(&state_buf));
  og_buf_cleanup(&ir_buf);
  og_buf_cleanup(&state_buf);
  fuzz_close(&w);
  return 0;
}
