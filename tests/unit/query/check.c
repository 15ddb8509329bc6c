/* SPDX-License-Identifier: MIT */
/* Every rule by a query that breaks it, and by its nearest neighbour that does not. */
#include "query_test.h"

#define READ(match)      "query q() { match { " match " } return { $p.name } }"
#define RETURNS(columns) "query q() { match { $p: Person } return { " columns " } }"

OG_TEST(check, each_rule_refuses_what_breaks_it)
{
  static const char *const rows[][2] = {
      {READ("$p: Persn"), "T1"},
      {READ("$p: Person { nam: 1 }"), "T2"},
      {READ("$p: Person { age: \"x\" }"), "T3"},
      {READ("$p: Person { tags: [\"x\"] }"), "T3"},
      {READ("$p: Person { kind: \"z\" }"), "T3"},
      {READ("$p: Person { pic: \"z\" }"), "T3"},
      {READ("$p: Person { born: date(\"2024-02-30\") }"), "T3: invalid Date literal"},
      {READ("$p: Person $p likes $x"), "T4"},
      {READ("$p contains $x"), "T4"},
      {READ("$c: Company $c knows $p"), "T5"},
      {READ("$p: Person $p worksAt $q $q: Person"), "T5"},
      {READ("$p: Person $p worksAt $p"), "T5"},
      {READ("$p: Person $p.nam = 1"), "T6"},
      {READ("$p.age = 1 $p: Person"), "T6"},
      {READ("$p: Person $p.age = \"x\""), "T7"},
      {READ("$p: Person $p.tags = \"x\""), "T7"},
      {READ("$p: Person $p.tags contains 3"), "T7"},
      {READ("$p: Person $p.age contains 3"), "T7"},
      {READ("$p: Person $p.age starts_with \"3\""), "T7"},
      {READ("$p: Person $p.born = now()"), "T7"},
      {READ("$p: Person $p = \"x\""), "T7"},
      {READ("$p: Person { born: now() }"), "T7"},
      {RETURNS("$p.name, $p.age as a, $p.kind as a"), "two columns are called 'a'"},
      {RETURNS("min($p.age), max($p.age)"), "two columns are called 'p.age'"},
      {RETURNS("1, 2"), "two columns are called 'literal'"},
      {RETURNS("sum($p.name)"), "T8"},
      {RETURNS("min($p.tags)"), "T8"},
      {RETURNS("count(count($p))"), "T8"},
      {RETURNS("5 as k, count($p) as n"), "T9"},
      {READ("$p: Person not { $x: Person }"), "T9"},
      {READ("$p: Person $p knows{0,2} $x"), "T15"},
      {READ("$p: Person $p knows{3,2} $x"), "T15"},
      {READ("$p: Person $p knows{2,} $x"), "T15"},
      {"query q() { match { $p: Person } return { $p } order { nearest($p.age, [1]) } limit 1 }", "T15"},
      {"query q() { match { $p: Person } return { $p } order { nearest($p.emb, [1, 2]) } limit 1 }", "T15"},
      {"query q() { match { $p: Person } return { $p } order { nearest($p.emb, [1, 2, 3]) } }", "T17"},
      {"query q() { match { $p: Person } return { $p.age as a } order { nearest($p.emb, [1, 2, 3]), a } limit 1 }",
       "T18"},
      {READ("$p: Person search($p.age, \"x\")"), "T19"},
      {"query q() { match { $p: Person } return { $p } order { $p.age, nearest($p.emb, [1, 2, 3]) } }", "T17"},
      {READ("$p: Person fuzzy($p.name, \"x\", \"y\")"), "T19"},
      {READ("$p: Person fuzzy($p.name, \"x\", 17)"), "T19"},
      {READ("$p: Person match_text($p.name, 3)"), "T20"},
      {READ("$p: Person phrase($p, \"x\")"), "T20"},
      {READ("$p: Person phrase($p.age, \"x\")"), "T20"},
      {RETURNS("bm25($p.name, 3) as s"), "T20"},
      {RETURNS("nearest($p.emb, [1, 2]) as d"), "T15"},
      {RETURNS("nearest($p.emb, [1, 2, \"x\"]) as d"), "T15"},
      {RETURNS("rrf(bm25($p.name, \"x\"), bm25($p.name, \"y\")) as r"), "T21"},
      {READ("$p $w:knows $x search($w.note, \"x\")"), "T23"},
      {"query q() { match { $p: Person } return { count($p) as n } order { bm25($p.name, \"x\") } }", "T9"},
      {"query q() { match { $p: Person } return { $p } order { rrf(bm25($p.name, \"x\"), bm25($p.name, \"y\")) } }",
       "T21"},
      {"query q() { match { $p: Person } return { $p } order { rrf(bm25($p.name, \"x\"), bm25($p.name, \"y\"), 0) } "
       "limit 3 }",
       "T21"},
      {READ("$p: Person $p <worksAt> $c"), "T22"},
      {READ("$p $w:knows{1,2} $x"), "T23"},
      {READ("$p $p:knows $x"), "T23"},
      {READ("$p $w:knows $x $w knows $p"), "T23"},
      {"query q() { match { $p $w:knows $x } return { $w } }", "T23"},
      {READ("$p $w:knows $x not { $w: Person $w knows $p }"), "T23"},
      {RETURNS("$p.pic"), "T24"},
      {RETURNS("count($p.pic)"), "T24"},
      {READ("$p: Person { name: $n }"), "'$n' is not a parameter"},
      {RETURNS("$q"), "'$q' is not bound"},
      {READ("$p: Person $p: Company"), "cannot also be Company"},
      {"query q($x: Foo) { match { $p: Person } return { $p } }", "unknown parameter type"},
      {"query q($__nanograph_now: String) { match { $p: Person } return { $p } }", "reserved"},
      {"query q($x: I32, $x: I32) { match { $p: Person } return { $p } }", "declared twice"},
      {RETURNS("[[1]] as l"), "nested"},
      {RETURNS("[1, \"x\"] as l"), "cannot mix"},
      {"query q() { match { $p: Person } return { $p.name as n } order { m } }", "no returned column"},
      {"query q() { match { $p: Person } return { count($p) as n } order { $p.age } }", "T9"},
      {"query q() { match { 1 = 1 } return { 1 } }", "binds no variable"},
  };
  query_test t;
  query_test_open(&t);
  for (size_t i = 0; i < OG_ARRAY_LEN(rows); i++) query_test_refused(&t, rows[i][0], OG_EINVALID, rows[i][1]);
  query_test_close(&t);
}

OG_TEST(check, near_misses_pass)
{
  static const char *const rows[] = {
      READ("$p: Person { age: 3, tags: \"x\", kind: \"a\", born: date(\"2024-02-29\"), seen: now() }"),
      READ("$p: Person { score: 3 }"),
      READ("$p: Person $p.age < 1.5 $p.kind = \"zz\" $p.name contains \"x\" $p.tags contains \"x\""),
      READ("$p knows $q $p: Person $q: Person"),
      READ("$p worksat $q $q.size = 1"),
      READ("$p: Person $p: Person"),
      READ("$p: Person $p knows{1,1} $_ $_ knows $p"),
      READ("$p: Person search($p.name, \"x\") phrase($p.name, \"x\") = false fuzzy($p.name, $p.name, 2)"),
      READ("$p: Person not (match_text($p.name, \"x\")) or bm25($p.name, \"x\") > 1"),
      READ("$p: Person nearest($p.emb, [1, 2.5, 3]) < 1 nearest($p.emb, $p.emb) = 0"),
      "query q($v: Vector(3), $k: I64) { match { $p: Person } return { nearest($p.emb, $v) as d, bm25($p.name, \"x\") "
      "} "
      "order { rrf(nearest($p.emb, $v), bm25($p.name, \"x\"), $k) } limit 3 }",
      "query q() { match { $p: Person } return { $p } order { nearest($p.emb, [1, 2, 3]), $p.age desc } limit 3 }",
      "query q($p: I32) { match { $x: Person { age: $p } $x.age = $p } return { $p, $x } }",
      "query q() { match { $p: Person } return { $p.name, count($p) as n } order { n desc, $p.name, count($p) } }",
  };
  query_test t;
  query_test_open(&t);
  for (size_t i = 0; i < OG_ARRAY_LEN(rows); i++) OG_CHECK_OK(t.cx, query_test_plan(&t, rows[i]));
  query_test_close(&t);
}

OG_TEST(check, what_cannot_run_yet_is_said_after_everything_else)
{
  static const char *const rows[][2] = {
      {"query q() { match { $p: Person } return { $p } order { nearest($p.emb, \"x\") } limit 1 }", "nearest()"},
      {READ("$p: Person nearest($p.emb, \"x\") < 1.0"), "nearest()"},
      {"query q() { match { $p: Person } return { $p } order { rrf(bm25($p.name, \"x\"), nearest($p.emb, \"x\")) } "
       "limit 3 }",
       "nearest()"},
  };
  query_test t;
  query_test_open(&t);
  for (size_t i = 0; i < OG_ARRAY_LEN(rows); i++) {
    query_test_refused(&t, rows[i][0], OG_EUNSUPPORTED, "not supported yet: ");
    query_test_refused(&t, rows[i][0], OG_EUNSUPPORTED, rows[i][1]);
  }
  query_test_refused(&t, READ("$p: Person nearest($p.emb, \"x\") < 1.0 $p.nam = 1"), OG_EINVALID, "T6");
  query_test_close(&t);
}

OG_TEST(check, an_error_points_at_its_place_and_guesses_the_name)
{
  query_test t;
  query_test_open(&t);
  query_test_refused(&t, "query q() {\n  match { $p: Person\n    $p.agee > 1 }\n  return { $p } }", OG_EINVALID,
                     "q.gq:3:5\n  |\n3 |     $p.agee > 1 }\n  |     ^^^^^^^\n  = hint: did you mean 'age'?");
  query_test_refused(&t, READ("$p: Persn"), OG_EINVALID, "did you mean 'Person'?");
  query_test_close(&t);
}

OG_TEST(check, a_query_has_a_largest_number_of_clauses)
{
  query_test t;
  og_buf text = {0};
  query_test_open(&t);
  OG_CHECK_OK(t.cx, og_buf_append_str(t.cx, &text, OG_STR("query q() { match { ")));
  for (int i = 0; i < 4097; i++) OG_CHECK_OK(t.cx, og_buf_append_str(t.cx, &text, OG_STR("$p: Person ")));
  OG_CHECK_OK(t.cx, og_buf_append(t.cx, &text, "} return { $p } }", sizeof "} return { $p } }"));
  query_test_refused(&t, (const char *)text.data, OG_ELIMIT, "4096");
  og_buf_cleanup(&text);
  query_test_close(&t);
}

OG_TEST(check, reads_and_mutations_have_their_own_door)
{
  const og_plan *plan;
  const og_mutation_plan *mutation;
  query_test t;
  query_test_open(&t);
  OG_CHECK_OK(t.cx, query_test_plan(&t, RETURNS("$p")));
  const og_query *read = &t.file.queries[0];
  OG_CHECK_STATUS(t.cx, og_query_plan_mutation(t.cx, &t.w.arena, t.catalog, &t.file, read, &mutation), OG_EINVALID);
  OG_CHECK_OK(t.cx, query_test_plan(&t, "query m() { delete Person where name = \"x\" }"));
  const og_query *write = &t.file.queries[0];
  OG_CHECK_STATUS(t.cx, og_query_plan(t.cx, &t.w.arena, t.catalog, &t.file, write, &plan), OG_EINVALID);
  query_test_close(&t);
}

OG_TEST_MAIN(OG_CASE(check, each_rule_refuses_what_breaks_it), OG_CASE(check, near_misses_pass),
             OG_CASE(check, what_cannot_run_yet_is_said_after_everything_else),
             OG_CASE(check, an_error_points_at_its_place_and_guesses_the_name),
             OG_CASE(check, a_query_has_a_largest_number_of_clauses),
             OG_CASE(check, reads_and_mutations_have_their_own_door))
