/* SPDX-License-Identifier: MIT */
/* text_words: each line of the input as the words it is searched by, each with byte 31 behind it. */
#include "base/env.h"
#include "text/analyzer.h"

#include <stdio.h>

static og_status print_words(og_ctx *cx, og_analyzer *a, og_str line)
{
  og_word *w;
  og_analyzer_begin(a, line);
  for (;;) {
    OG_TRY(og_analyzer_next(cx, a, &w));
    if (!w) break;
    fwrite(w->text.ptr, 1, w->text.len, stdout);
    putchar(31);
  }
  putchar('\n');
  return OG_OK;
}

int main(void)
{
  static char line[1 << 16];
  og_runtime rt = {0};
  og_error err = {0};
  og_ctx cx;
  og_analyzer *a = NULL;
  og_mem_init(&rt.mem, 0);
  og_ctx_init(&cx, &rt, &err, NULL);
  og_status st = og_analyzer_new(&cx, &a);
  while (st == OG_OK && fgets(line, sizeof line, stdin)) {
    size_t n = strlen(line);
    while (n && line[n - 1] == '\n') n--;
    st = print_words(&cx, a, og_str_from(line, n));
  }
  og_analyzer_free(a);
  if (st != OG_OK) fprintf(stderr, "text_words: %s\n", err.text);
  return st != OG_OK;
}
