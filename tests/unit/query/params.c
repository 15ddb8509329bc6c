/* SPDX-License-Identifier: MIT */
#include "query_test.h"

#include "query/params.h"

static og_status bind(query_test *t, const char *type, const char *json, og_scalar *out)
{
  og_str source;
  const og_scalar *values;
  OG_TRY(og_arena_printf(t->cx, &t->w.arena, &source, "query q($x: %s) { match { $p: Person } return { $p } }", type));
  OG_TRY(og_query_parse(t->cx, &t->w.arena, source, OG_STR("q.gq"), &t->file));
  OG_TRY(og_params_bind(t->cx, &t->w.arena, &t->file.queries[0], og_str_of(json), &values));
  *out = values[0];
  return OG_OK;
}

static og_scalar bound(query_test *t, const char *type, const char *json)
{
  og_scalar v = {0};
  OG_CHECK_OK(t->cx, bind(t, type, json, &v));
  return v;
}

OG_TEST(params, declared_types_drive_the_conversion)
{
  query_test t;
  query_test_open(&t);
  OG_CHECK_STR(bound(&t, "String", "{\"x\":\"a\"}").v.s, OG_STR("a"));
  OG_CHECK(bound(&t, "Bool", "{\"x\":true}").v.b);
  og_scalar v = bound(&t, "I32", "{\"x\":-2147483648}");
  OG_CHECK(v.type.id == OG_TYPE_I32 && v.v.i == INT32_MIN);
  OG_CHECK(bound(&t, "I64", "{\"x\":\"-9223372036854775808\"}").v.i == INT64_MIN);
  v = bound(&t, "U64", "{\"x\":9223372036854775807}");
  OG_CHECK(v.type.id == OG_TYPE_U64 && v.v.u == INT64_MAX);
  OG_CHECK(bound(&t, "U32", "{\"x\":4294967295}").v.u == UINT32_MAX);
  OG_CHECK(bound(&t, "F64", "{\"x\":8}").v.f == 8.0);
  OG_CHECK(bound(&t, "F32", "{\"x\":0.1}").v.f == (double)0.1f);
  v = bound(&t, "Date", "{\"x\":\"1970-01-02\"}");
  OG_CHECK(v.type.id == OG_TYPE_DATE32 && v.v.i == 1);
  v = bound(&t, "DateTime", "{\"x\":\"1970-01-01T01:00:00+01:00\", \"other\": [1, 2]}");
  OG_CHECK(v.type.id == OG_TYPE_DATE64 && v.v.i == 0);
  OG_CHECK(bound(&t, "I32?", "").is_null);
  OG_CHECK(bound(&t, "I32?", "null").is_null);
  OG_CHECK(bound(&t, "[I32]?", "{\"x\":null}").is_null);
  query_test_close(&t);
}

OG_TEST(params, lists_and_vectors_are_columns)
{
  query_test t;
  query_test_open(&t);
  og_scalar v = bound(&t, "[String]", "{\"x\":[\"ab\", \"\", \"c\"]}");
  OG_CHECK(v.type.id == OG_TYPE_LIST && v.v.list->len == 3);
  OG_CHECK_OK(t.cx, og_column_check(t.cx, v.v.list, OG_EINVALID));
  OG_CHECK_STR(og_column_str(v.v.list, 0), OG_STR("ab"));
  OG_CHECK_STR(og_column_str(v.v.list, 2), OG_STR("c"));
  v = bound(&t, "Vector(2)", "{\"x\":[1, 0.5]}");
  OG_CHECK(v.type.id == OG_TYPE_FIXED_LIST && v.type.size == 2);
  OG_CHECK(og_column_f32(v.v.list)[1] == 0.5f);
  v = bound(&t, "[Bool]", "{\"x\":[false, true]}");
  OG_CHECK(!og_column_bool(v.v.list, 0) && og_column_bool(v.v.list, 1));
  v = bound(&t, "[I64]", "{\"x\":[]}");
  OG_CHECK(v.v.list->len == 0);
  OG_CHECK_OK(t.cx, og_column_check(t.cx, v.v.list, OG_EINVALID));
  query_test_close(&t);
}

OG_TEST(params, what_does_not_fit_is_refused_by_name)
{
  static const char *const rows[][3] = {
      {"I32", "{\"x\":3000000000}", "param 'x': value exceeds I32"},
      {"U32", "{\"x\":-1}", "unsigned"},
      {"U64", "{\"x\":9223372036854775808}", "exceeds"},
      {"I64", "{\"x\":1.5}", "expected integer"},
      {"I64", "{\"x\":\"1x\"}", "expected integer"},
      {"F64", "{\"x\":\"1\"}", "expected number"},
      {"F32", "{\"x\":1e39}", "exceeds F32"},
      {"Date", "{\"x\":5}", "expected date string"},
      {"Date", "{\"x\":\"2024-02-30\"}", "invalid Date"},
      {"String", "{\"x\":5}", "expected string"},
      {"Bool", "{\"x\":\"true\"}", "expected boolean"},
      {"[String]", "{\"x\":\"a\"}", "expected array"},
      {"[String]", "{\"x\":[\"a\", null]}", "expected string"},
      {"Vector(3)", "{\"x\":[1, 2]}", "expected 3 values for Vector(3), got 2"},
      {"String", "{\"x\":null}", "null is not accepted for non-nullable parameter"},
      {"String", "{}", "parameter 'x' not provided"},
      {"String", "", "parameter 'x' not provided"},
      {"String?", "[1]", "must be a JSON object"},
      {"String?", "{\"y\":{}}", "param 'y': objects are not accepted"},
      {"String?", "{", "while reading the parameters"},
  };
  query_test t;
  query_test_open(&t);
  for (size_t i = 0; i < OG_ARRAY_LEN(rows); i++) {
    og_scalar v;
    OG_CHECK_STATUS(t.cx, bind(&t, rows[i][0], rows[i][1], &v), OG_EINVALID);
    if (og_str_find(og_str_of(t.w.err.text), og_str_of(rows[i][2])) == SIZE_MAX) fail_msg("%s", t.w.err.text);
    og_error_clear(t.cx);
  }
  query_test_close(&t);
}

OG_TEST_MAIN(OG_CASE(params, declared_types_drive_the_conversion), OG_CASE(params, lists_and_vectors_are_columns),
             OG_CASE(params, what_does_not_fit_is_refused_by_name))
