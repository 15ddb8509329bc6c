/* SPDX-License-Identifier: MIT */
#include "og_test_world.h"

#include "base/ulid.h"

/* A world whose clock the test sets; everything else is the real one's. */
typedef struct clock_env {
  og_env env;
  og_env_ops ops;
  int64_t us;
} clock_env;

static int64_t clock_wall_us(og_env *env)
{
  return ((clock_env *)env)->us;
}

static og_ctx *clock_open(og_test_world *w, clock_env *c)
{
  og_ctx *cx = og_test_world_open(w);
  c->ops = *w->rt.env->ops;
  c->ops.wall_us = clock_wall_us;
  c->env.ops = &c->ops;
  cx->env = &c->env;
  return cx;
}

OG_TEST(ulid, text_and_time_are_as_published)
{
  og_ulid u;
  char text[OG_ULID_LEN];
  OG_CHECK(og_ulid_parse(OG_STR("01ARYZ6S41TSV4RRFFQ69G5FAV"), &u));
  OG_CHECK_U64(og_ulid_ms(&u), 1469918176385u); /* the specification's example of a time: 01ARYZ6S41 */
  og_ulid_format(&u, text);
  OG_CHECK_STR(og_str_from(text, sizeof text), OG_STR("01ARYZ6S41TSV4RRFFQ69G5FAV"));
  OG_CHECK(og_ulid_parse(OG_STR("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"), &u));
  for (size_t i = 0; i < 16; i++) OG_CHECK_U64(u.bytes[i], 0xff);
  OG_CHECK(og_ulid_parse(OG_STR("00000000000000000000000001"), &u));
  OG_CHECK(u.bytes[15] == 1 && u.bytes[14] == 0 && og_ulid_ms(&u) == 0);
}

OG_TEST(ulid, other_spellings_are_refused)
{
  static const char *const bad[] = {
      "",
      "01ARYZ6S41TSV4RRFFQ69G5FA",   /* short */
      "01ARYZ6S41TSV4RRFFQ69G5FAVV", /* long */
      "01aryz6s41tsv4rrffq69g5fav",  /* lower case */
      "01ARYZ6S41TSV4RRFFQ69G5FAI",  /* not in the alphabet */
      "01ARYZ6S41TSV4RRFFQ69G5FA-",
      "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", /* more than 128 bits */
  };
  og_ulid u;
  for (size_t i = 0; i < OG_ARRAY_LEN(bad); i++) OG_CHECK(!og_ulid_parse(og_str_of(bad[i]), &u));
  OG_CHECK(!og_ulid_parse(OG_STR("01ARYZ6S41TSV4RRFFQ69G5FA\0"), &u));
}

OG_TEST(ulid, rise_within_a_millisecond_and_when_the_clock_goes_back)
{
  static const int64_t steps_ms[] = {0, 0, 0, 1, 0, -5, 0, -1000000, 3, 2000000, 0};
  og_test_world w;
  clock_env clock = {.us = 1700000000000000};
  og_ctx *cx = clock_open(&w, &clock);
  og_ulid_gen gen = {0};
  og_ulid last = {{0}}, u;
  int64_t highest = 0;
  for (size_t i = 0; i < 1100; i++) {
    clock.us += steps_ms[i / 100] * 1000;
    OG_CHECK_OK(cx, og_ulid_next(cx, &gen, NULL, &u));
    OG_CHECK(og_ulid_cmp(&u, &last) > 0);
    if (clock.us / 1000 > highest) highest = clock.us / 1000;
    OG_CHECK_U64(og_ulid_ms(&u), (uint64_t)highest);
    last = u;
  }
  og_test_world_close(&w);
}

OG_TEST(ulid, are_above_the_floor_and_carry_into_the_time)
{
  og_test_world w;
  clock_env clock = {.us = 1700000000000000};
  og_ctx *cx = clock_open(&w, &clock);
  og_ulid_gen gen = {0};
  og_ulid floor, u;
  /* a floor in the future, with all random bits set: the increment reaches the milliseconds */
  OG_CHECK(og_ulid_parse(OG_STR("7000000000ZZZZZZZZZZZZZZZZ"), &floor));
  OG_CHECK_OK(cx, og_ulid_next(cx, &gen, &floor, &u));
  OG_CHECK_U64(og_ulid_ms(&u), og_ulid_ms(&floor) + 1);
  for (size_t i = 6; i < 16; i++) OG_CHECK_U64(u.bytes[i], 0);
  /* a floor in the past changes nothing */
  og_ulid_gen fresh = {0};
  OG_CHECK(og_ulid_parse(OG_STR("00000000010000000000000000"), &floor));
  OG_CHECK_OK(cx, og_ulid_next(cx, &fresh, &floor, &u));
  OG_CHECK_U64(og_ulid_ms(&u), 1700000000000u);
  /* nothing is above the highest */
  og_ulid out = u;
  OG_CHECK(og_ulid_parse(OG_STR("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"), &floor));
  OG_CHECK_STATUS(cx, og_ulid_next(cx, &fresh, &floor, &out), OG_EINTERNAL);
  OG_CHECK(og_ulid_cmp(&out, &u) == 0);
  og_test_world_close(&w);
}

OG_TEST(ulid, text_order_is_byte_order)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  for (size_t i = 0; i < 10000; i++) {
    og_ulid a, b, back;
    char ta[OG_ULID_LEN], tb[OG_ULID_LEN];
    OG_CHECK_OK(cx, og_random(cx, &a, sizeof a));
    OG_CHECK_OK(cx, og_random(cx, &b, sizeof b));
    if (i % 2) memcpy(b.bytes, a.bytes, 8);
    og_ulid_format(&a, ta);
    og_ulid_format(&b, tb);
    const int bytes = og_ulid_cmp(&a, &b), text = memcmp(ta, tb, sizeof ta);
    OG_CHECK((bytes < 0) == (text < 0) && (bytes > 0) == (text > 0));
    OG_CHECK(og_ulid_parse(og_str_from(ta, sizeof ta), &back) && og_ulid_cmp(&a, &back) == 0);
  }
  og_test_world_close(&w);
}

OG_TEST(uuid, has_version_and_variant_and_is_spelled_with_dashes)
{
  static const uint8_t bytes[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x46, 0x77,
                                    0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  uint8_t a[16], b[16];
  char text[36];
  og_uuid_format(bytes, text);
  OG_CHECK_STR(og_str_from(text, sizeof text), OG_STR("00112233-4455-4677-8899-aabbccddeeff"));
  OG_CHECK_OK(cx, og_uuid_v4(cx, a));
  OG_CHECK_OK(cx, og_uuid_v4(cx, b));
  OG_CHECK(memcmp(a, b, sizeof a) != 0);
  OG_CHECK(a[6] >> 4 == 4 && a[8] >> 6 == 2 && b[6] >> 4 == 4 && b[8] >> 6 == 2);
  og_test_world_close(&w);
}

OG_TEST(ulid, runs_follow_each_other)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_ulid_gen gen = {0};
  og_ulid first, last = {{0}};
  char text[40 * OG_ULID_LEN], one[OG_ULID_LEN];
  OG_CHECK(og_ulid_parse(OG_STR("01ARYZ6S41TSV4RRFFQ69GZZZY"), &gen.last));
  for (int round = 0; round < 2; round++) {
    OG_CHECK_OK(cx, og_ulid_take(cx, &gen, 40, &first));
    OG_CHECK(og_ulid_cmp(&first, &last) > 0);
    og_ulid_format_run(&first, 40, text);
    for (int i = 0; i < 40; i++) {
      og_ulid u;
      OG_CHECK(og_ulid_parse(og_str_from(text + i * OG_ULID_LEN, OG_ULID_LEN), &u));
      OG_CHECK(og_ulid_cmp(&u, &last) > 0);
      last = u;
    }
    OG_CHECK(og_ulid_cmp(&last, &gen.last) == 0);
    og_ulid_format(&gen.last, one);
    OG_CHECK(memcmp(one, round == 0 ? "01ARYZ6S41TSV4RRFFQ69H0016" : "01ARYZ6S41TSV4RRFFQ69H002E", OG_ULID_LEN) == 0);
  }
  memset(&gen.last, 0xFF, sizeof gen.last);
  OG_CHECK_STATUS(cx, og_ulid_take(cx, &gen, 1, &first), OG_EINTERNAL);
  og_test_world_close(&w);
}

OG_TEST_MAIN(OG_CASE(ulid, runs_follow_each_other), OG_CASE(ulid, text_and_time_are_as_published),
             OG_CASE(ulid, other_spellings_are_refused),
             OG_CASE(ulid, rise_within_a_millisecond_and_when_the_clock_goes_back),
             OG_CASE(ulid, are_above_the_floor_and_carry_into_the_time), OG_CASE(ulid, text_order_is_byte_order),
             OG_CASE(uuid, has_version_and_variant_and_is_spelled_with_dashes))
