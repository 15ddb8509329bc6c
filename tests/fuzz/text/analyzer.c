/* SPDX-License-Identifier: MIT */
/* fuzz_text_analyzer: any bytes as a text.  Its words are well-formed and short, come the same a second time, and do
 * not change when what stands around the text does; each is within no edits of itself. */
#include "fuzz/fuzz_world.h"

#include "base/buf.h"
#include "text/edits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void words(og_ctx *cx, og_analyzer *a, og_str text, og_buf *out)
{
  og_word *w = NULL;
  uint32_t last = 0;
  bool first = true;
  og_buf_clear(out);
  og_analyzer_begin(a, text);
  for (;;) {
    fuzz_expect(og_analyzer_next(cx, a, &w) == OG_OK);
    if (!w) return;
    fuzz_expect(w->text.len > 0 && w->text.len <= OG_TEXT_WORD_MAX && og_utf8_check(w->text) == SIZE_MAX);
    const uint32_t position = og_analyzer_position(a);
    fuzz_expect(first || position > last);
    fuzz_expect(position < text.len);
    first = false;
    last = position;
    fuzz_expect(og_buf_append_str(cx, out, w->text) == OG_OK && og_buf_append_byte(cx, out, 0) == OG_OK);
  }
}

static void compare(og_str list)
{
  og_str before = OG_STR_NONE;
  for (size_t at = 0; at < list.len;) {
    og_edits e, back;
    const og_str w = og_str_of(list.ptr + at);
    og_edits_init(&e, w, 2);
    fuzz_expect(og_edits_match(&e, w));
    og_edits_init(&back, before, 2);
    fuzz_expect(og_edits_match(&e, before) == og_edits_match(&back, w));
    before = w;
    at += w.len + 1;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fuzz_world w;
  og_analyzer *a = NULL;
  og_buf once = {0}, again = {0}, wider = {0};
  og_ctx *cx = fuzz_open(&w);
  fuzz_expect(og_analyzer_new(cx, &a) == OG_OK);
  words(cx, a, og_str_from(data, size), &once);
  words(cx, a, og_str_from(data, size), &again);
  fuzz_expect(og_str_eq(og_buf_str(&once), og_buf_str(&again)));
  fuzz_expect(og_buf_append_str(cx, &wider, OG_STR(". ")) == OG_OK);
  fuzz_expect(og_buf_append(cx, &wider, data, size) == OG_OK && og_buf_append_str(cx, &wider, OG_STR(" -")) == OG_OK);
  words(cx, a, og_buf_str(&wider), &again);
  fuzz_expect(og_str_eq(og_buf_str(&once), og_buf_str(&again)));
  compare(og_buf_str(&once));
  og_buf_cleanup(&once);
  og_buf_cleanup(&again);
  og_buf_cleanup(&wider);
  og_analyzer_free(a);
  fuzz_close(&w);
  return 0;
}
