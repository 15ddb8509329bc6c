/* SPDX-License-Identifier: MIT */
#include "og_test_world.h"

#include "base/json.h"
#include "base/json_where.h"
#include "base/limits.h"

#include <math.h>
#include <stdlib.h>

static const og_json *read_ok(og_ctx *cx, const char *text)
{
  const og_json *v = NULL;
  OG_CHECK_OK(cx, og_json_read(cx, cx->arena, og_str_of(text), &v));
  return v;
}

static void read_refused(og_ctx *cx, og_str text, og_status st, const char *message)
{
  const og_json *v = NULL;
  OG_CHECK_STATUS(cx, og_json_read(cx, cx->arena, text, &v), st);
  OG_CHECK_STR(og_str_of(cx->err->text), og_str_of(message));
  OG_CHECK(v == NULL);
}

OG_TEST(json, reads_every_kind_and_keeps_member_order)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  const og_json *v = read_ok(cx, " {\"z\":[1,[],{}],\"a\":null,\"b\":true,\"c\":false,\"d\":1.5,\"e\":\"\xc3\xa9\"} ");
  OG_CHECK(v->kind == OG_JSON_OBJECT);
  OG_CHECK_U64(v->u.object.len, 6);
  static const char *const names[] = {"z", "a", "b", "c", "d", "e"};
  for (size_t i = 0; i < 6; i++) OG_CHECK_STR(v->u.object.members[i].key, og_str_of(names[i]));
  const og_json *z = og_json_get(v, OG_STR("z"));
  OG_CHECK(z->kind == OG_JSON_ARRAY && z->u.array.len == 3);
  OG_CHECK(z->u.array.items[0].kind == OG_JSON_I64 && z->u.array.items[0].u.i64 == 1);
  OG_CHECK(z->u.array.items[1].kind == OG_JSON_ARRAY && z->u.array.items[1].u.array.len == 0);
  OG_CHECK(z->u.array.items[2].kind == OG_JSON_OBJECT && z->u.array.items[2].u.object.len == 0);
  OG_CHECK(og_json_get(v, OG_STR("a"))->kind == OG_JSON_NULL);
  OG_CHECK(og_json_get(v, OG_STR("b"))->kind == OG_JSON_BOOL && og_json_get(v, OG_STR("b"))->u.boolean);
  OG_CHECK(og_json_get(v, OG_STR("c"))->kind == OG_JSON_BOOL && !og_json_get(v, OG_STR("c"))->u.boolean);
  OG_CHECK(og_json_get(v, OG_STR("d"))->kind == OG_JSON_F64 && og_json_get(v, OG_STR("d"))->u.f64 == 1.5);
  OG_CHECK_STR(og_json_get(v, OG_STR("e"))->u.str, OG_STR("\xc3\xa9"));
  OG_CHECK(og_json_get(v, OG_STR("missing")) == NULL);
  OG_CHECK(og_json_get(z, OG_STR("a")) == NULL);
  og_test_world_close(&w);
}

OG_TEST(json, integers_are_exact_to_64_bits)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  const og_json *v = read_ok(cx, "[9223372036854775807,-9223372036854775808,9223372036854775808,18446744073709551615,"
                                 "9007199254740993,0,-0,1.0,1e2]");
  const og_json *i = v->u.array.items;
  OG_CHECK(i[0].kind == OG_JSON_I64 && i[0].u.i64 == INT64_MAX);
  OG_CHECK(i[1].kind == OG_JSON_I64 && i[1].u.i64 == INT64_MIN);
  OG_CHECK(i[2].kind == OG_JSON_U64 && i[2].u.u64 == (uint64_t)INT64_MAX + 1);
  OG_CHECK(i[3].kind == OG_JSON_U64 && i[3].u.u64 == UINT64_MAX);
  OG_CHECK(i[4].kind == OG_JSON_I64 && i[4].u.i64 == 9007199254740993);
  OG_CHECK(i[5].kind == OG_JSON_I64 && i[6].kind == OG_JSON_I64 && i[6].u.i64 == 0);
  OG_CHECK(i[7].kind == OG_JSON_F64 && i[8].kind == OG_JSON_F64 && i[8].u.f64 == 100);
  read_refused(cx, OG_STR("[18446744073709551616]"), OG_EINVALID,
               "invalid JSON at byte 1: an integer does not fit 64 bits");
  read_refused(cx, OG_STR("-9223372036854775809"), OG_EINVALID,
               "invalid JSON at byte 0: an integer does not fit 64 bits");
  og_test_world_close(&w);
}

OG_TEST(json, doubles_too_large_are_refused_and_too_small_ones_are_zero)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  OG_CHECK(read_ok(cx, "1.7976931348623157e308")->u.f64 == 1.7976931348623157e308);
  OG_CHECK(read_ok(cx, "5e-324")->u.f64 == 5e-324);
  OG_CHECK(read_ok(cx, "1e-400")->u.f64 == 0);
  OG_CHECK(signbit(read_ok(cx, "-0.0")->u.f64));
  read_refused(cx, OG_STR("1e400"), OG_EINVALID, "invalid JSON at byte 0: a number is too large for a double");
  read_refused(cx, OG_STR("[0.5,-1e309]"), OG_EINVALID, "invalid JSON at byte 5: a number is too large for a double");
  /* the small one before the error is not what is wrong */
  read_refused(cx, OG_STR("[1e-400,0.001e-330,x]"), OG_EINVALID, "invalid JSON at byte 19: expected a value");
  read_refused(cx, OG_STR("[0.001e330]"), OG_EINVALID, "invalid JSON at byte 1: a number is too large for a double");
  og_test_world_close(&w);
}

OG_TEST(json, errors_name_the_first_wrong_byte)
{
  static const struct {
    const char *text, *message;
  } cases[] = {
      {"", "invalid JSON at byte 0: the text ends early"},
      {"  ", "invalid JSON at byte 2: the text ends early"},
      {"{\"a\":1,}", "invalid JSON at byte 7: expected a member name in quotes"},
      {"{\"a\" 1}", "invalid JSON at byte 5: expected ':' behind a member name"},
      {"{\"a\":1 \"b\":2}", "invalid JSON at byte 7: expected ',' or '}' behind a member"},
      {"{\"a\":1]", "invalid JSON at byte 6: expected ',' or '}' behind a member"},
      {"[1 2]", "invalid JSON at byte 3: expected ',' or ']' behind an item"},
      {"[1,]", "invalid JSON at byte 3: expected a value"},
      {"[[1],[2]", "invalid JSON at byte 8: expected ',' or ']' behind an item"},
      {"1 2", "invalid JSON at byte 2: text behind the value"},
      {"{\"a\":1}\n{\"a\":2}", "invalid JSON at byte 8: text behind the value"},
      {"[01]", "invalid JSON at byte 1: a number starts with 0"},
      {"[-]", "invalid JSON at byte 1: a number needs a digit"},
      {"[1.]", "invalid JSON at byte 1: a number needs a digit behind its point"},
      {"[1e]", "invalid JSON at byte 1: a number needs a digit in its exponent"},
      {"[nul]", "invalid JSON at byte 1: expected a value"},
      {"NaN", "invalid JSON at byte 0: expected a value"},
      {"[\"a]", "invalid JSON at byte 1: a string does not end"},
      {"[\"a\\\"]", "invalid JSON at byte 1: a string does not end"},
      {"[\"a\tb\"]", "invalid JSON at byte 3: a control character in a string must be escaped"},
      {"[\"a\\x\"]", "invalid JSON at byte 3: unknown escape in a string"},
      {"[\"\\u12g4\"]", "invalid JSON at byte 2: \\u needs four hexadecimal digits"},
      {"\"\xff\"", "invalid JSON at byte 1: this is not UTF-8"},
      {"[\"ab\", \"\xed\xa0\x80\"]", "invalid JSON at byte 8: this is not UTF-8"},
      {"[x, \"\xff\"]", "invalid JSON at byte 1: expected a value"},
  };
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  for (size_t i = 0; i < OG_ARRAY_LEN(cases); i++)
    read_refused(cx, og_str_of(cases[i].text), OG_EINVALID, cases[i].message);
  og_test_world_close(&w);
}

OG_TEST(json, strings_unescape_and_refuse_lone_surrogates_and_nul)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  OG_CHECK_STR(read_ok(cx, "\"\\u0041\\n\\\"\\\\\\/\\u00e9\\ud83d\\ude00\"")->u.str,
               OG_STR("A\n\"\\/\xc3\xa9\xf0\x9f\x98\x80"));
  static const char *const lone[] = {"[\"\\ud800\"]", "[\"\\udc00\"]", "[\"\\ud800x\"]", "[\"\\ud800\\u0041\"]",
                                     "[\"\\ud800\\ud800\"]"};
  for (size_t i = 0; i < OG_ARRAY_LEN(lone); i++)
    read_refused(cx, og_str_of(lone[i]), OG_EINVALID, "invalid JSON at byte 2: a surrogate stands alone");
  read_refused(cx, OG_STR("{\"k\":\"ab\\u0000\"}"), OG_EINVALID,
               "invalid JSON at byte 8: a string contains U+0000, which cannot be stored");
  read_refused(cx, OG_STR("{\"k\\u0000\":1}"), OG_EINVALID,
               "invalid JSON at byte 3: a string contains U+0000, which cannot be stored");
  read_refused(cx, OG_STR("[\"a\0\"]"), OG_EINVALID,
               "invalid JSON at byte 3: a control character in a string must be escaped");
  og_test_world_close(&w);
}

OG_TEST(json, duplicate_members_are_refused_on_request_at_any_depth)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_json_parser *p;
  const og_json *v;
  og_buf many = {0};
  const og_json_opts strict = {.refuse_duplicates = true}, lax = {0};
  OG_CHECK_OK(cx, og_json_parser_new(cx, &p));
  const og_str twice = OG_STR("[{\"a\":1,\"b\":{\"c\":1,\"\\u0063\":2}}]");
  OG_CHECK_STATUS(cx, og_json_parse(cx, p, cx->arena, twice, &strict, &v), OG_EINVALID);
  OG_CHECK_STR(og_str_of(cx->err->text), OG_STR("invalid JSON: duplicate member \"c\""));
  OG_CHECK_OK(cx, og_json_parse(cx, p, cx->arena, twice, &lax, &v));
  OG_CHECK_U64(og_json_get(&v->u.array.items[0], OG_STR("b"))->u.object.len, 2);
  /* many members take the other path; equal names in different objects are fine */
  OG_CHECK_OK(cx, og_buf_append_byte(cx, &many, '{'));
  for (unsigned i = 0; i < 100; i++) OG_CHECK_OK(cx, og_buf_printf(cx, &many, "\"m%u\":{\"x\":%u},", i, i));
  const size_t len = many.len;
  OG_CHECK_OK(cx, og_buf_append_str(cx, &many, OG_STR("\"last\":1}")));
  OG_CHECK_OK(cx, og_json_parse(cx, p, cx->arena, og_buf_str(&many), &strict, &v));
  OG_CHECK_U64(v->u.object.len, 101);
  many.len = len;
  OG_CHECK_OK(cx, og_buf_append_str(cx, &many, OG_STR("\"m57\":1}")));
  OG_CHECK_STATUS(cx, og_json_parse(cx, p, cx->arena, og_buf_str(&many), &strict, &v), OG_EINVALID);
  OG_CHECK_STR(og_str_of(cx->err->text), OG_STR("invalid JSON: duplicate member \"m57\""));
  og_buf_cleanup(&many);
  og_json_parser_free(p);
  og_test_world_close(&w);
}

static og_str nested(og_ctx *cx, og_buf *b, size_t depth, const char *inner)
{
  og_buf_clear(b);
  for (size_t i = 0; i < depth; i++) OG_CHECK_OK(cx, og_buf_append_str(cx, b, OG_STR("[")));
  OG_CHECK_OK(cx, og_buf_append_str(cx, b, og_str_of(inner)));
  for (size_t i = 0; i < depth; i++) OG_CHECK_OK(cx, og_buf_append_str(cx, b, OG_STR("]")));
  return og_buf_str(b);
}

OG_TEST(json, nesting_is_bounded)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_buf b = {0};
  const og_json *v;
  static const char *const inner[] = {"", "1", "\"s\""};
  for (size_t i = 0; i < OG_ARRAY_LEN(inner); i++) {
    OG_CHECK_OK(cx, og_json_read(cx, cx->arena, nested(cx, &b, OG_LIMIT_JSON_DEPTH, inner[i]), &v));
    const size_t beyond[] = {OG_LIMIT_JSON_DEPTH + 1, 1024, 1025, 100000};
    for (size_t k = 0; k < OG_ARRAY_LEN(beyond); k++)
      read_refused(cx, nested(cx, &b, beyond[k], inner[i]), OG_ELIMIT,
                   "invalid JSON: nested more than 128 levels deep");
    OG_CHECK(cx->err->detail.kind == OG_DETAIL_RESOURCE_LIMIT);
    OG_CHECK_STR(og_str_of(cx->err->detail.resource), OG_STR("json nesting"));
    OG_CHECK_U64(cx->err->detail.limit, OG_LIMIT_JSON_DEPTH);
  }
  og_buf_cleanup(&b);
  og_test_world_close(&w);
}

OG_TEST(json, a_parser_is_reusable_after_errors_and_its_trees_stay)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_json_parser *p;
  const og_json *first, *v;
  OG_CHECK_OK(cx, og_json_parser_new(cx, &p));
  OG_CHECK_OK(cx, og_json_parse(cx, p, cx->arena, OG_STR("{\"s\":\"first\",\"n\":7}"), NULL, &first));
  OG_CHECK_STATUS(cx, og_json_parse(cx, p, cx->arena, OG_STR("{\"s\":\"\\u0000\"}"), NULL, &v), OG_EINVALID);
  OG_CHECK_STATUS(cx, og_json_parse(cx, p, cx->arena, OG_STR("[[["), NULL, &v), OG_EINVALID);
  og_error_clear(cx);
  OG_CHECK_OK(cx, og_json_parse(cx, p, cx->arena, OG_STR("[2]"), NULL, &v));
  OG_CHECK(v->u.array.items[0].u.i64 == 2);
  og_json_parser_free(p);
  og_str s = OG_STR_NONE;
  uint64_t n = 0;
  OG_CHECK(og_json_get_str(first, OG_STR("s"), &s) && og_json_get_u64(first, OG_STR("n"), &n) && n == 7);
  OG_CHECK_STR(s, OG_STR("first"));
  OG_CHECK(!og_json_get_str(first, OG_STR("n"), &s) && !og_json_get_u64(first, OG_STR("s"), &n));
  og_test_world_close(&w);
}

OG_TEST(json, every_failed_allocation_is_reported_and_leaks_nothing)
{
  const og_str text = OG_STR("{\"a\":[1,2,{\"b\":\"c\"}],\"d\":\"eeeeeeeeeeee\"}");
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_status st = OG_ENOMEM;
  uint64_t nth = 1;
  for (; st != OG_OK; nth++) {
    og_arena a = {0};
    const og_json *v;
    const uint64_t before = w.rt.mem.in_use;
    w.rt.mem.fail_at = w.rt.mem.calls + nth;
    st = og_json_read(cx, &a, text, &v);
    OG_CHECK(st == OG_OK || (st == OG_ENOMEM && cx->err->text[0]));
    og_error_clear(cx);
    og_arena_cleanup(&a);
    OG_CHECK_U64(w.rt.mem.in_use, before);
  }
  OG_CHECK(nth > 4);
  w.rt.mem.fail_at = 0;
  og_test_world_close(&w);
}

OG_TEST(json, writes_compact_and_pretty)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  const char *text = "{\"a\":[1,2.5,[],{}],\"b\":{\"c\":\"x\\ny\\u0001\\\"\\\\\"},\"d\":null,\"e\":true}";
  const og_json *v = read_ok(cx, text);
  og_buf out = {0};
  og_json_writer wr;
  og_json_writer_init(&wr, &out, false);
  OG_CHECK_OK(cx, og_json_node(cx, &wr, v));
  OG_CHECK_STR(og_buf_str(&out), og_str_of(text));
  og_buf_clear(&out);
  og_json_writer_init(&wr, &out, true);
  OG_CHECK_OK(cx, og_json_node(cx, &wr, v));
  OG_CHECK_STR(og_buf_str(&out), OG_STR("{\n  \"a\": [\n    1,\n    2.5,\n    [],\n    {}\n  ],\n  \"b\": {\n"
                                        "    \"c\": \"x\\ny\\u0001\\\"\\\\\"\n  },\n  \"d\": null,\n  \"e\": true\n}"));
  og_buf_cleanup(&out);
  og_test_world_close(&w);
}

OG_TEST(json, writer_spells_limits_exactly)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_buf out = {0};
  og_json_writer wr;
  og_json_writer_init(&wr, &out, false);
  OG_CHECK_OK(cx, og_json_begin_array(cx, &wr));
  OG_CHECK_OK(cx, og_json_i64(cx, &wr, INT64_MIN));
  OG_CHECK_OK(cx, og_json_u64(cx, &wr, UINT64_MAX));
  OG_CHECK_OK(cx, og_json_f64(cx, &wr, 1));
  OG_CHECK_OK(cx, og_json_f64(cx, &wr, (double)NAN));
  OG_CHECK_OK(cx, og_json_f64(cx, &wr, (double)INFINITY));
  OG_CHECK_OK(cx, og_json_f64(cx, &wr, (double)-INFINITY));
  OG_CHECK_OK(cx, og_json_f32(cx, &wr, 0.1f));
  OG_CHECK_OK(cx, og_json_raw(cx, &wr, OG_STR("{\"r\":1}")));
  OG_CHECK_OK(cx, og_json_end_array(cx, &wr));
  OG_CHECK_STR(og_buf_str(&out), OG_STR("[-9223372036854775808,18446744073709551615,1.0,\"NaN\",\"Infinity\","
                                        "\"-Infinity\",0.10000000149011612,{\"r\":1}]"));
  og_buf_clear(&out);
  og_json_writer_init(&wr, &out, false);
  for (unsigned i = 0; i < 255; i++) OG_CHECK_OK(cx, og_json_begin_array(cx, &wr));
  OG_CHECK_STATUS(cx, og_json_begin_array(cx, &wr), OG_EINTERNAL);
  og_buf_cleanup(&out);
  og_test_world_close(&w);
}

OG_TEST(json, the_slow_reader_accepts_what_the_fast_one_does)
{
  static const char *const good[] = {"null",
                                     "[]",
                                     "{}",
                                     " [ { } , [ ] ] ",
                                     "{\"a\":{\"b\":[true,false,null]}}",
                                     "[-0.5e+3,1E5,0.0,\"\\ud83d\\ude00\"]",
                                     "[1e-400]"};
  size_t at;
  for (size_t i = 0; i < OG_ARRAY_LEN(good); i++) OG_CHECK(og_json__where(og_str_of(good[i]), &at) == NULL);
}

OG_TEST_MAIN(OG_CASE(json, reads_every_kind_and_keeps_member_order), OG_CASE(json, integers_are_exact_to_64_bits),
             OG_CASE(json, doubles_too_large_are_refused_and_too_small_ones_are_zero),
             OG_CASE(json, errors_name_the_first_wrong_byte),
             OG_CASE(json, strings_unescape_and_refuse_lone_surrogates_and_nul),
             OG_CASE(json, duplicate_members_are_refused_on_request_at_any_depth), OG_CASE(json, nesting_is_bounded),
             OG_CASE(json, a_parser_is_reusable_after_errors_and_its_trees_stay),
             OG_CASE(json, every_failed_allocation_is_reported_and_leaks_nothing),
             OG_CASE(json, writes_compact_and_pretty), OG_CASE(json, writer_spells_limits_exactly),
             OG_CASE(json, the_slow_reader_accepts_what_the_fast_one_does))
