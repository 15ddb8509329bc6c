/* SPDX-License-Identifier: MIT */
#include "query_test.h"

#include "query/lint.h"

static og_lint_report lint(query_test *t, const char *source)
{
  og_lint_report r;
  OG_CHECK_OK(t->cx, og_query_lint(t->cx, &t->w.arena, t->catalog, og_str_of(source), OG_STR("q.gq"), &r));
  return r;
}

/* "+name" is a node type, "-name" an edge type. */
static void check_touches(const og_lint_touch *list, uint32_t n, const char *const *want, uint32_t n_want)
{
  OG_CHECK_U64(n, n_want);
  for (uint32_t i = 0; i < n; i++) {
    OG_CHECK(list[i].is_edge == (want[i][0] == '-'));
    OG_CHECK_STR(list[i].type_name, og_str_of(want[i] + 1));
  }
}

OG_TEST(lint, what_does_not_parse_is_one_finding)
{
  query_test t;
  query_test_open(&t);
  og_lint_report r = lint(&t, "query q( {");
  OG_CHECK(!r.ok && r.errors == 1 && r.processed == 0 && r.n_findings == 1);
  OG_CHECK_STR(og_str_of(r.findings[0].code), OG_STR("Q000"));
  OG_CHECK(og_str_starts_with(r.findings[0].message, OG_STR("parse error: ")));
  query_test_close(&t);
}

OG_TEST(lint, each_query_is_judged_on_its_own)
{
  query_test t;
  query_test_open(&t);
  og_lint_report r = lint(&t, "query bad() { match { $p: Persn } return { $p } }\n"
                              "query later() { match { $p: Person not { $p knows $_ } } return { $p } }\n"
                              "query m() { delete Company where size = 1 }");
  OG_CHECK(!r.ok && r.processed == 3 && r.errors == 1 && r.warnings == 1);
  OG_CHECK(!r.queries[0].ok && og_str_starts_with(r.queries[0].error, OG_STR("type error: T1: ")));
  OG_CHECK(r.queries[1].ok); /* right, if not supported yet */
  OG_CHECK(r.queries[2].ok && r.queries[2].is_mutation && r.queries[2].n_warnings == 1);
  query_test_close(&t);
}

OG_TEST(lint, nullable_properties_no_update_sets_are_warned_of)
{
  static const char *const unset[] = {"born", "emb", "pic", "score", "seen", "tags"};
  query_test t;
  query_test_open(&t);
  og_lint_report r = lint(&t, "query u($n: String) { update Person set { age: 1 } where name = $n }\n"
                              "query v($n: String) { update Person set { kind: \"a\" } where name = $n }\n"
                              "query w($n: String) { update Person set { born: 3 } where name = $n }");
  OG_CHECK_U64(r.n_findings, OG_ARRAY_LEN(unset));
  OG_CHECK_U64(r.warnings, OG_ARRAY_LEN(unset));
  for (uint32_t i = 0; i < r.n_findings; i++) {
    OG_CHECK_STR(og_str_of(r.findings[i].code), OG_STR("L201"));
    OG_CHECK_STR(r.findings[i].type_name, OG_STR("Person"));
    OG_CHECK_STR(r.findings[i].property, og_str_of(unset[i]));
  }
  query_test_close(&t);
}

OG_TEST(lint, descriptors_tell_columns_reads_and_writes)
{
  static const char *const read[] = {"+Company", "+Person", "-Knows", "-WorksAt"};
  static const char *const removed[] = {"+Person", "-Knows", "-WorksAt"};
  static const char *const linked[] = {"+Person", "-Knows"};
  static const char *const columns[][3] = {
      {"p.age", "int", NULL}, {"p", "object", NULL},        {"p.tags", "list", "string"}, {"p.emb", "vector", NULL},
      {"s", "bigint", NULL},  {"p.seen", "datetime", NULL}, {"p.kind", "string", NULL},   {"literal", "float", NULL},
  };
  query_test t;
  query_test_open(&t);
  og_lint_report r = lint(
      &t, "query a() { match { $p: Person $p worksAt $c not { $p knows $_ } } return { $p.age, $p, $p.tags, $p.emb, "
          "$c.size as s, $p.seen, $p.kind, 1.5 } }\n"
          "query b($n: String) { delete Person where name = $n }\n"
          "query c($n: String) { insert Knows { from: $n, to: $n } }");
  OG_CHECK(r.ok);
  check_touches(r.queries[0].reads, r.queries[0].n_reads, read, OG_ARRAY_LEN(read));
  OG_CHECK_U64(r.queries[0].n_writes, 0);
  OG_CHECK_U64(r.queries[0].n_result, OG_ARRAY_LEN(columns));
  for (uint32_t i = 0; i < r.queries[0].n_result; i++) {
    const og_lint_column *col = &r.queries[0].result[i];
    OG_CHECK_STR(col->name, og_str_of(columns[i][0]));
    OG_CHECK_STR(og_str_of(col->kind), og_str_of(columns[i][1]));
    OG_CHECK_STR(og_str_of(col->item_kind), og_str_of(columns[i][2]));
    OG_CHECK_U64(col->vector_dim, i == 3 ? 3 : 0);
    OG_CHECK(col->nullable == (i != 1 && i != 7));
  }
  check_touches(r.queries[1].reads, r.queries[1].n_reads, removed, OG_ARRAY_LEN(removed));
  check_touches(r.queries[1].writes, r.queries[1].n_writes, removed, OG_ARRAY_LEN(removed));
  check_touches(r.queries[2].reads, r.queries[2].n_reads, linked, OG_ARRAY_LEN(linked));
  check_touches(r.queries[2].writes, r.queries[2].n_writes, linked + 1, 1);
  query_test_close(&t);
}

OG_TEST_MAIN(OG_CASE(lint, what_does_not_parse_is_one_finding), OG_CASE(lint, each_query_is_judged_on_its_own),
             OG_CASE(lint, nullable_properties_no_update_sets_are_warned_of),
             OG_CASE(lint, descriptors_tell_columns_reads_and_writes))
