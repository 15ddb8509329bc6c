/* SPDX-License-Identifier: MIT */
/* Plans as text: where each op and each predicate goes. */
#include "query_test.h"

typedef struct plan_row {
  const char *match, *ops;
} plan_row;

static void check_ops(const plan_row *rows, size_t n)
{
  query_test t;
  og_str source;
  query_test_open(&t);
  for (size_t i = 0; i < n; i++) {
    OG_CHECK_OK(t.cx, og_arena_printf(t.cx, &t.w.arena, &source, "query q($n: String) { match { %s } return { 1 } }",
                                      rows[i].match));
    OG_CHECK_OK(t.cx, query_test_lower(&t, source.ptr));
    og_str text = og_buf_str(&t.text);
    OG_CHECK_STR(og_str_sub(text, 0, og_str_find(text, OG_STR("return "))), og_str_of(rows[i].ops));
  }
  query_test_close(&t);
}

OG_TEST(plan, a_component_is_scanned_once_and_expanded)
{
  static const plan_row rows[] = {
      {"$p: Person { name: $n }", "scan $p#0: Person where $p#0.name = param n\n"},
      {"$p: Person { tags: \"x\" } $p.age > 3 1 = 2",
       "scan $p#0: Person where $p#0.tags has \"x\" and $p#0.age > 3\nfilter where 1 = 2\n"},
      {"$p: Person $p worksAt $c $c.size > 3", /* the filter goes with the op that binds */
       "scan $p#0: Person\nexpand $p#0 -WorksAt-> $c#1: Company where $c#1.size > 3\n"},
      {"$c: Company $c worksAt $p", "scan $c#0: Company\nexpand $c#0 <-WorksAt- $p#1: Person\n"},
      {"$p worksAt $c $c: Company", "scan $c#0: Company\nexpand $c#0 <-WorksAt- $p#1: Person\n"},
      {"$p: Person $p <knows> $_", "scan $p#0: Person\nexpand $p#0 -Knows- $_#1: Person\n"},
      {"$_ knows $p $p: Person", "scan $p#0: Person\nexpand $p#0 <-Knows- $_#1: Person\n"},
      {"$p: Person $p knows{1,3} $q", "scan $p#0: Person\nexpand $p#0 -Knows{1,3}-> $q#1: Person\n"},
      {"$p: Person $p worksAt{2,3} $q", "scan $p#0: Person\nexpand $p#0 -WorksAt{2,1}-> $q#1: Company\n"},
      {"$p $w:knows $q $w.since = date(\"2024-01-02\")",
       "scan $p#0: Person\nexpand $p#0 -$w#2:Knows-> $q#1: Person\nfilter where $w#2.since = 2024-01-02\n"},
  };
  check_ops(rows, OG_ARRAY_LEN(rows));
}

OG_TEST(plan, cycles_close_as_early_as_they_can)
{
  static const plan_row rows[] = {
      {"$a: Person $a knows $b $b knows $c $c knows $a",
       "scan $a#0: Person\nexpand $a#0 -Knows-> $b#1: Person\nexpand $b#1 -Knows-> $c#2: Person\n"
       "close $c#2 -Knows-> $a#0\n"},
      {"$a: Person $a knows $b $b knows $c $b knows $a",
       "scan $a#0: Person\nexpand $a#0 -Knows-> $b#1: Person\nclose $b#1 -Knows-> $a#0\n"
       "expand $b#1 -Knows-> $c#2: Person\n"},
      {"$a knows $a", "scan $a#0: Person\nclose $a#0 -Knows-> $a#0\n"},
      {"$a: Person $b: Person $a knows $b $a <knows> $b", /* two closures on one node do not collide */
       "scan $a#0: Person\nexpand $a#0 -Knows-> $b#1: Person\nclose $a#0 -Knows- $b#1\n"},
  };
  check_ops(rows, OG_ARRAY_LEN(rows));
}

OG_TEST(plan, components_join_on_equal_properties_or_cross)
{
  static const plan_row rows[] = {
      {"$p: Person $c: Company", "scan $p#0: Person\ncross $c#1: Company\n"},
      {"$p: Person $c: Company { size: 3 } $c.name = $p.name $p.age < $c.size",
       "scan $p#0: Person\njoin $c#1: Company on $p#0.name = $c#1.name where $c#1.size = 3\n"
       "filter where $p#0.age < $c#1.size\n"},
      {"$p: Person $c: Company lower($c.name) = $p.name", /* of anything that cannot fail */
       "scan $p#0: Person\njoin $c#1: Company on $p#0.name = lower($c#1.name)\n"},
      {"$p: Person $c: Company $c.size + 1 = $p.age",
       "scan $p#0: Person\ncross $c#1: Company\nfilter where ($c#1.size + 1) = $p#0.age\n"},
      {"$p: Person $_: Company", "scan $p#0: Person\ncross $_#1: Company\n"},
      {"$p: Person $c: Company $q knows $r", /* no binding: its left end is scanned */
       "scan $p#0: Person\ncross $c#1: Company\ncross $q#2: Person\nexpand $q#2 -Knows-> $r#3: Person\n"},
  };
  check_ops(rows, OG_ARRAY_LEN(rows));
}

OG_TEST(plan, operators_bind_as_they_should)
{
  static const plan_row rows[] = {
      {"$p: Person $p.age = 1 or $p.age = 2 and $p.name = $n",
       "scan $p#0: Person where ($p#0.age = 1 or ($p#0.age = 2 and $p#0.name = param n))\n"},
      {"$p: Person ($p.age = 1 or $p.age = 2) and not ($p.name = $n or $p.age is null) and $p.age is not null",
       "scan $p#0: Person where (($p#0.age = 1 or $p#0.age = 2) and not (($p#0.name = param n or $p#0.age is null)) "
       "and "
       "not ($p#0.age is null))\n"},
      {"$p: Person 1 - 2 - 3 * -4 = $p.age / 2 % 3", /* from the left; a sign belongs to its number */
       "scan $p#0: Person where ((1 - 2) - (3 * -4)) = (($p#0.age / 2) % 3)\n"},
      {"$p: Person -$p.age - -1 = --1 -(2)", "scan $p#0: Person where (-($p#0.age) - -1) = (-(-1) - 2)\n"},
      {"$p: Person $p.age in [1, -2] $p.age not in [$p.age + 1, 2]",
       "scan $p#0: Person where [1, -2] has $p#0.age and not (($p#0.age = ($p#0.age + 1) or $p#0.age = 2))\n"},
      {"$p: Person $p.age + 1 = 2 $p.name ends_with \"x\"", /* conditions side by side */
       "scan $p#0: Person where ($p#0.age + 1) = 2 and $p#0.name ends_with \"x\"\n"},
  };
  check_ops(rows, OG_ARRAY_LEN(rows));
}

OG_TEST(plan, optional_parts_stand_behind_what_is_needed)
{
  static const plan_row rows[] = {
      {"$p: Person optional { $p knows $q $q.age > 3 } $q.name = $n $p worksAt $c not { $q knows $p }",
       "scan $p#0: Person\nexpand $p#0 -WorksAt-> $c#1: Company\n"
       "optional\n  expand $p#0 -Knows-> $q#2: Person where $q#2.age > 3\n"
       "filter where $q#2.name = param n\nanti\n  close $q#2 -Knows-> $p#0\n"},
      {"$p: Person $p knows{1,*} $q path $r optional { $q knows $p path $s }",
       "scan $p#0: Person\nexpand $p#0 -Knows{1,*}-> $q#1: Person hops $r#2\noptional\n  close $q#1 -Knows-> $p#0 hops "
       "$s#3\n"},
  };
  check_ops(rows, OG_ARRAY_LEN(rows));
}

OG_TEST(plan, negations_start_from_the_outer_row)
{
  static const plan_row rows[] = {
      {"not { $p knows $_ } $p: Person", "scan $p#0: Person\nanti\n  expand $p#0 -Knows-> $_#1: Person\n"},
      {"$c: Company not { $p worksAt $c }", /* against the edge, also inside */
       "scan $c#0: Company\nanti\n  expand $c#0 <-WorksAt- $p#1: Person\n"},
      {"$p: Person not { $p: Person { age: 3 } }", /* the outer one, not any such node */
       "scan $p#0: Person\nanti\n  filter where $p#0.age = 3\n"},
      {"$p: Person not { $p: Person }", "scan $p#0: Person\nanti\n"},
      {"$p: Person not { $q: Company $q.name = $p.name }",
       "scan $p#0: Person\nanti\n  join $q#1: Company on $p#0.name = $q#1.name\n"},
      {"$p: Person not { $p knows $q not { $q knows $r } } not { $p worksAt $q }",
       "scan $p#0: Person\nanti\n  expand $p#0 -Knows-> $q#1: Person\n  anti\n    expand $q#1 -Knows-> $r#2: Person\n"
       "anti\n  expand $p#0 -WorksAt-> $q#3: Company\n"},
  };
  check_ops(rows, OG_ARRAY_LEN(rows));
}

OG_TEST(plan, columns_order_and_ties_follow)
{
  static const char *const rows[][2] = {
      {"query q($n: String?) { match { $b: Person $b knows $_ $a: Company } return { $b.age, $b, 5 as f, $n, "
       "now(), [1, 2.5], $b.tags as t } order { $a.size desc, f } limit 0 }",
       "return b.age: int32? = $b#0.age, b: string = $b#0.id, f: int64 = 5, n: string? = param n, now: date64 = now(), "
       "literal: list = [1.0, 2.5], t: list? = $b#0.tags\norder $a#1.size desc, f\nties $a#1, $b#0\nlimit 0\n"},
      {"query q() { match { $p: Person } return { $p.kind, count($p), count($p.age) as n, avg($p.age), min($p.kind) as "
       "least } order { n desc, $p.kind, count($p) } }",
       "group p.kind: string? = $p#0.kind, p: int64 = count($p#0.id), n: int64 = count($p#0.age), p.age: float64? = "
       "avg($p#0.age), least: string? = min($p#0.kind)\norder n desc, p.kind, p\n"},
  };
  query_test t;
  query_test_open(&t);
  for (size_t i = 0; i < OG_ARRAY_LEN(rows); i++) {
    OG_CHECK_OK(t.cx, query_test_lower(&t, rows[i][0]));
    og_str text = og_buf_str(&t.text);
    size_t at = og_str_find(text, i == 0 ? OG_STR("return ") : OG_STR("group "));
    OG_CHECK_STR(og_str_sub(text, at, text.len), og_str_of(rows[i][1]));
  }
  query_test_close(&t);
}

OG_TEST(plan, every_allocation_may_fail)
{
  static const char source[] =
      "query q($n: String) { match { $p: Person { name: $n } $c: Company $p.name = $c.name "
      "$p knows $q $q.tags contains \"x\" $q knows $p $q.age < $c.size "
      "optional { $q knows{1,*} $r path $s } $r is null or $q.age not in [1, $p.age + 2] } "
      "return { $p.name, [\"a\", \"b\"] as l, date(\"2024-01-01\"), hops($s), lower($p.name) } "
      "having { l is not null } order { $q.age * 2 } limit 3 offset 1 }";
  query_test t;
  query_test_open(&t);
  og_status st = OG_ENOMEM;
  uint64_t n = 1;
  for (; st == OG_ENOMEM; n++) {
    og_arena_cleanup(&t.w.arena);
    og_buf_cleanup(&t.text);
    t.w.rt.mem.fail_at = t.w.rt.mem.calls + n;
    st = query_test_plan(&t, source);
  }
  t.w.rt.mem.fail_at = 0;
  OG_CHECK_OK(t.cx, st);
  OG_CHECK(n > 4);
  query_test_close(&t);
}

/* Which rows rank is a filter; only a scanned variable's nearest rows are a set. */
OG_TEST(plan, ranks_become_filters)
{
  static const plan_row rows[] = {
      {"$p: Person $p.age > 3 } return { $p } order { bm25($p.name, $n) } }",
       "scan $p#0: Person where search($p#0.name, param n) and $p#0.age > 3\n"},
      {"$c: Company $p: Person $p worksAt $c } return { $p } order { bm25($p.name, $n), $c.size } }",
       "scan $c#0: Company\nexpand $c#0 <-WorksAt- $p#1: Person where search($p#1.name, param n)\n"},
      {"$p: Person $p.age > 3 } return { $p } order { nearest($p.emb, [1, 2, 3]) } limit 2 }",
       "scan $p#0: Person where ranks by (nearest($p#0.emb, [1.0, 2.0, 3.0])) and $p#0.age > 3\n"},
      {"$c worksAt $p $c: Company } return { $p } order { nearest($p.emb, [1, 2, 3]) } limit 2 }",
       "scan $c#0: Company\nexpand $c#0 <-WorksAt- $p#1: Person where not (nearest($p#1.emb, [1.0, 2.0, 3.0]) is "
       "null)\n"},
      {"$p: Person } return { $p } order { rrf(nearest($p.emb, [1, 2, 3]), bm25($p.name, $n)) } limit 2 }",
       "scan $p#0: Person where (ranks by (nearest($p#0.emb, [1.0, 2.0, 3.0])) or search($p#0.name, param n))\n"},
      {"$p: Person } return { $p } order { $p.age, bm25($p.name, $n) } }", "scan $p#0: Person\n"},
  };
  query_test t;
  query_test_open(&t);
  for (size_t i = 0; i < OG_ARRAY_LEN(rows); i++) {
    og_str source;
    OG_CHECK_OK(t.cx, og_arena_printf(t.cx, &t.w.arena, &source, "query q($n: String) { match { %s", rows[i].match));
    OG_CHECK_OK(t.cx, query_test_lower(&t, source.ptr));
    const og_str text = og_buf_str(&t.text);
    OG_CHECK_STR(og_str_sub(text, 0, og_str_find(text, OG_STR("return "))), og_str_of(rows[i].ops));
  }
  query_test_close(&t);
}

OG_TEST_MAIN(OG_CASE(plan, ranks_become_filters), OG_CASE(plan, a_component_is_scanned_once_and_expanded),
             OG_CASE(plan, cycles_close_as_early_as_they_can),
             OG_CASE(plan, components_join_on_equal_properties_or_cross), OG_CASE(plan, operators_bind_as_they_should),
             OG_CASE(plan, optional_parts_stand_behind_what_is_needed),
             OG_CASE(plan, negations_start_from_the_outer_row), OG_CASE(plan, columns_order_and_ties_follow),
             OG_CASE(plan, every_allocation_may_fail))
