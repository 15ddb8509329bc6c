/* SPDX-License-Identifier: MIT */
#include "query_test.h"

OG_TEST(mutation, statements_become_typed_assignments_and_predicates)
{
  static const char *const rows[][2] = {
      {"query m($a: I64) { insert Person { name: \"x\" age: $a, score: 3, tags: [\"a\"], emb: [1, 2.5, 3], seen: now(),"
       " kind: \"a\", pic: \"base64:\" } }",
       "insert node:Person set name = \"x\", age = param a, score = 3.0, tags = [\"a\"], emb = [1.0, 2.5, 3.0], "
       "seen = now(), kind = \"a\", pic = \"base64:\"\n"},
      {"query m() { insert Knows { to: \"y\", from: \"x\" } update Person set { age: 3 } where age >= 2.5 }",
       "insert edge:Knows set to = \"y\", from = \"x\"\nupdate node:Person set age = 3 where age >= 2.5\n"},
      {"query m($n: String) { delete Person where name = $n delete Knows where from != $n delete Knows where since < "
       "date(\"2024-01-01\") }",
       "delete node:Person where name = param n\ndelete edge:Knows where from != param n\n"
       "delete edge:Knows where since < 2024-01-01\n"},
  };
  query_test t;
  query_test_open(&t);
  for (size_t i = 0; i < OG_ARRAY_LEN(rows); i++) {
    OG_CHECK_OK(t.cx, query_test_plan(&t, rows[i][0]));
    OG_CHECK_STR(og_buf_str(&t.text), og_str_of(rows[i][1]));
  }
  query_test_close(&t);
}

OG_TEST(mutation, each_rule_refuses_what_breaks_it)
{
  static const char *const rows[][2] = {
      {"query m() { insert Person { name: 3 } }", "T3"},
      {"query m() { insert Person { name: \"x\", age: 1.5 } }", "T3"},
      {"query m() { insert Person { name: \"x\", age: 2147483648 } }", "exceeds Int32 range"},
      {"query m() { insert Person { name: \"x\", score: 400000000000000000000000000000000000000.0 } }",
       "Float32 range"},
      {"query m() { insert Person { name: \"x\", kind: \"c\" } }", "T3"},
      {"query m() { insert Person { name: \"x\", emb: [1, 2] } }", "expects 3 dimensions, got 2"},
      {"query m() { insert Person { name: \"x\", tags: \"a\" } }", "T3"},
      {"query m() { insert Person { name: \"x\", tags: [1] } }", "T3"},
      {"query m() { insert Person { name: \"x\", born: now() } }", "T7"},
      {"query m($a: String) { insert Person { name: \"x\", age: $a } }", "T7"},
      {"query m() { insert Pers { name: \"x\" } }", "T10"},
      {"query m() { insert Knws { from: \"x\" } }", "did you mean 'Knows'?"},
      {"query m() { insert KNOWS { from: \"x\", to: \"y\" } }", "T10"},
      {"query m() { insert Person { } }", "T10"},
      {"query m() { insert Person { name: \"x\", foo: 1 } }", "T11"},
      {"query m() { insert Person { name: \"x\", from: \"y\" } }", "T11"},
      {"query m() { delete Person where id = \"x\" }", "T11"},
      {"query m() { delete Person where pic = \"x\" }", "T11"},
      {"query m() { delete Person where tags = \"x\" }", "T7"},
      {"query m() { insert Person { age: 1 } }", "T12"},
      {"query m() { insert Knows { from: \"x\" } }", "T12"},
      {"query m() { insert Person { name: \"x\", name: \"y\" } }", "T13"},
      {"query m() { insert Person { name: $x } }", "T14"},
      {"query m() { delete Person where name = $x }", "T14"},
      {"query m() { update Knows set { from: \"y\" } where from = \"x\" }", "T16"},
      {"query m() { update Person set { name: \"x\" } where age = 1 }", "cannot update @key property 'name'"},
      {"query m() { insert Person { name: \"x\" } delete Person where age = 1 }", "inserts/updates and deletes"},
      {"query m() { insert Note { text: \"x\" } }", "non-nullable property 'vec'"},
      {"query m() { insert Note { vec: [1, 2] } }", "T12"},
  };
  query_test t;
  query_test_open(&t);
  for (size_t i = 0; i < OG_ARRAY_LEN(rows); i++) query_test_refused(&t, rows[i][0], OG_EINVALID, rows[i][1]);
  query_test_close(&t);
}

OG_TEST_MAIN(OG_CASE(mutation, statements_become_typed_assignments_and_predicates),
             OG_CASE(mutation, each_rule_refuses_what_breaks_it))
