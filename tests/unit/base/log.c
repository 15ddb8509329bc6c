/* SPDX-License-Identifier: MIT */
#include "og_test_world.h"

#include "base/log.h"

typedef struct counting_sink {
  og_sink sink;
  unsigned events;
  og_log_level level;
  size_t n_kv;
} counting_sink;

static void count_event(og_sink *sink, og_log_level level, const char *name, const og_kv *kv, size_t n)
{
  counting_sink *c = (counting_sink *)sink;
  c->events++;
  c->level = level;
  c->n_kv = n;
  OG_CHECK_STR(og_str_of(name), OG_STR("branch_created"));
  OG_CHECK_STR(og_str_of(kv[0].key), OG_STR("name"));
}

OG_TEST(log, reaches_the_sink_from_its_level_on)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  counting_sink c = {.sink = {.event = count_event, .min_level = OG_LOG_WARN}};
  og_log(cx, OG_LOG_ERROR, "branch_created", OG_KV_STR("name", OG_STR("b"))); /* no sink: silent */
  w.rt.sink = &c.sink;
  og_log(cx, OG_LOG_INFO, "branch_created", OG_KV_STR("name", OG_STR("b")));
  OG_CHECK_U64(c.events, 0);
  og_log(cx, OG_LOG_WARN, "branch_created", OG_KV_STR("name", OG_STR("b")), OG_KV_I64("rows", 3));
  OG_CHECK(c.events == 1 && c.level == OG_LOG_WARN && c.n_kv == 2);
  og_test_world_close(&w);
}

OG_TEST(log, lines_are_logfmt_on_one_line)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_buf out = {0};
  const og_kv kv[] = {OG_KV_STR("plain", OG_STR("a/b-c")), OG_KV_STR("empty", OG_STR("")),
                      OG_KV_STR("odd", OG_STR("a b\n\"\\\x7f")), OG_KV_STR("eq", OG_STR("x=y")),
                      OG_KV_I64("n", INT64_MIN)};
  OG_CHECK_OK(cx, og_log_format(cx, OG_LOG_INFO, "thing_done", kv, OG_ARRAY_LEN(kv), &out));
  OG_CHECK_STR(og_buf_str(&out),
               OG_STR("level=info event=thing_done plain=a/b-c empty=\"\" odd=\"a b\\x0a\\\"\\\\\\x7f\""
                      " eq=\"x=y\" n=-9223372036854775808"));
  og_buf_cleanup(&out);
  og_test_world_close(&w);
}

OG_TEST_MAIN(OG_CASE(log, reaches_the_sink_from_its_level_on), OG_CASE(log, lines_are_logfmt_on_one_line))
