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
      {RETURNS("[null] as l"), "T3"},
      {READ("$p: Person { age: null }"), "T7"},
      {READ("$p: Person $p.age = null"), "is null"},
      {READ("$p: Person $p.age"), "T7: a condition"},
      {READ("$p: Person $p.age or $p.age = 1"), "T7: a condition"},
      {READ("$p: Person $p.age in 3"), "T7: 'in' needs a list"},
      {READ("$p: Person $p.age in [\"x\"]"), "T7: cannot look up"},
      {READ("$p: Person $p.age in [$p.name]"), "T7: cannot look up"},
      {READ("$p: Person $p in [\"x\"]"), "T7: 'in' looks up"},
      {READ("$p: Person null in [1]"), "T7"},
      {READ("$p: Person $p.age + \"x\" = 1"), "T7: cannot add"},
      {READ("$p: Person $p.born - $p.seen = 1"), "T7: cannot subtract"},
      {READ("$p: Person $p.tags + 1 = 1"), "T7"},
      {READ("$p: Person -$p.name = 1"), "T7: - needs numbers"},
      {READ("$p: Person length($p.age) = 1"), "T7"},
      {READ("$p: Person lower($p) = \"x\""), "name a property"},
      {READ("$p: Person hour($p.born) = 1"), "T7"},
      {READ("$p: Person if($p.age, 1, 2) = 1"), "T7"},
      {READ("$p: Person coalesce($p.age, \"x\") = 1"), "T7"},
      {READ("$p: Person hops($p) = 1"), "T7: hops needs a path"},
      {READ("$p: Person id($p.name) = \"x\""), "T7: id needs"},
      {READ("$p knows $q path $r $r.x = 1"), "T6"},
      {READ("$p knows $q path $r $r knows $p"), "T23"},
      {READ("$p knows $q path $q"), "T23"},
      {READ("$p $w:knows $q path $r"), "T23"},
      {READ("$p: Person count($p) > 1"), "T8"},
      {READ("$p: Person optional { $p knows $f } $f knows $p"), "bound by an optional part"},
      {READ("$p: Person optional { $q.age = 1 }"), "T6"},
      {READ("optional { $p: Person }"), "binds no variable"},
      {RETURNS("sum($p.age) + $p.age as a"), "T9"},
      {"query q() { match { $p: Person } return { $p.name as n } having { m = 1 } }",
       "no returned column is called 'm'"},
      {"query q() { match { $p: Person } return { $p.name as n } having { n } }", "T7: a condition"},
      {"query q() { match { $p: Person } return distinct { $p.name } order { $p.age } }", "T9"},
      {"query q() { match { $p: Person } return { $p.name } order { 1 + 1 } }", "a constant"},
      {"query q($n: String) { match { $p: Person } return { $p.name } limit $n }", "T7: limit needs an integer"},
      {"query q($n: I32) { match { $p: Person } return { $p.name } limit $m }", "not a parameter"},
      {"query q($name: String) { match { $p: Person { name: $nam } } return { $p.name } }", "did you mean '$name'?"},
      {"query q($name: String) { match { $p: Person $p.name = $nme } return { $p.name } }", "did you mean '$name'?"},
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
      READ("$p: Person { age: 1 + 2, name: lower(\"X\") } $q: Person { age: $p.age }"),
      READ("$p: Person $p.age in [] $p.tags contains lower($p.name) $p.name in $p.tags"),
      READ("$p: Person $p.age in [1.5, 2] $p.age + $p.score > 1 $p.born + 1 > $p.born $p.seen - now() < 3"),
      READ("$p: Person coalesce(null, $p.age, 1.5) > 1 if(null, 1, $p.age) = 1 least($p.name, null) = \"x\""),
      READ("$p: Person optional { $p knows $f } optional { $f knows $g } $g is null not { $g knows $p }"),
      RETURNS("sum($p.age) / count($p) as a, length($p.name) as l, length($p.name) + max($p.age) as m"),
      "query q($n: U32) { match { $p: Person } return distinct { $p.age as a } having { a > 1 } order { a * 2 } limit "
      "$n offset $n }",
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

/* `times` pieces between a head and a tail, as a condition. */
static const char *long_condition(query_test *t, const char *piece, int times, const char *last, const char *tails)
{
  og_buf text = {0};
  og_str out;
  OG_CHECK_OK(t->cx, og_buf_append_str(t->cx, &text, OG_STR("query q() { match { $p: Person ")));
  for (int i = 0; i < times; i++) OG_CHECK_OK(t->cx, og_buf_append_str(t->cx, &text, og_str_of(piece)));
  OG_CHECK_OK(t->cx, og_buf_append_str(t->cx, &text, og_str_of(last)));
  for (int i = 0; *tails && i < times; i++) OG_CHECK_OK(t->cx, og_buf_append_str(t->cx, &text, og_str_of(tails)));
  OG_CHECK_OK(t->cx, og_buf_append_str(t->cx, &text, OG_STR(" } return { $p } }")));
  OG_CHECK_OK(t->cx, og_arena_str(t->cx, &t->w.arena, og_buf_str(&text), &out));
  og_buf_cleanup(&text);
  return out.ptr;
}

OG_TEST(check, expressions_may_be_long_but_not_deep)
{
  query_test t;
  query_test_open(&t);
  OG_CHECK_OK(t.cx, query_test_plan(&t, long_condition(&t, "$p.age = 1 or ", 20000, "$p.age = 2", "")));
  OG_CHECK_OK(t.cx, query_test_plan(&t, long_condition(&t, "1 + ", 100, "$p.age = 2", "")));
  OG_CHECK_OK(t.cx, query_test_plan(&t, long_condition(&t, "(", 60, "$p.age = 2", ")")));
  query_test_refused(&t, long_condition(&t, "1 + ", 200, "$p.age = 2", ""), OG_ELIMIT, "more than 128 operations");
  query_test_refused(&t, long_condition(&t, "(", 65, "$p.age = 2", ")"), OG_ELIMIT, "64 levels");
  query_test_refused(&t, long_condition(&t, "- ", 65, "$p.age = 2", ""), OG_ELIMIT, "64 levels");
  query_test_refused(&t, long_condition(&t, "not (", 65, "$p.age = 2", ")"), OG_ELIMIT, "64 levels");
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
             OG_CASE(check, expressions_may_be_long_but_not_deep),
             OG_CASE(check, reads_and_mutations_have_their_own_door))
