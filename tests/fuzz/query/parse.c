/* SPDX-License-Identifier: MIT */
/* fuzz_query_parse: any bytes as a `.gq` file: parsed, linted, planned, printed, formatted, parameters bound.
 *
 * Whatever the bytes: no crash, no leak, an error text with every error, and lint and planning agree on what is right.
 * What parses is formatted, formatted again the same, and then has the same plans.
 */
#include "fuzz/fuzz_world.h"

#include "query/format.h"
#include "query/lint.h"
#include "query/params.h"
#include "query/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The types of the golden scripts, so that their queries are good seeds, and what they lack. */
static const char schema[] = "node Person { slug: String @key\n name: String\n age: I32?\n city: String?\n "
                             "tags: [String]?\n score: F32?\n kind: enum(a, b)?\n born: Date?\n seen: DateTime?\n "
                             "emb: Vector(3)?\n pic: Blob? }\n"
                             "node Company { slug: String @key\n name: String\n size: I64? }\n"
                             "node Note { text: String\n vec: Vector(2)? @embed(\"text\") }\n"
                             "node Thing { name: String @key\n text: String?\n color: enum(blue, green, red)?\n "
                             "flag: Bool?\n small: I32?\n big: I64?\n usmall: U32?\n ubig: U64?\n single: F32?\n "
                             "double: F64?\n day: Date?\n at: DateTime?\n words: [String]?\n counts: [I64]?\n "
                             "place: Vector(2)? }\n"
                             "edge Knows: Person -> Person { since: Date? }\n"
                             "edge WorksAt: Person -> Company { role: String? }\n";

static og_status plan_and_print(og_ctx *cx, const og_catalog *c, const og_query_file *f, const og_query *q, og_buf *out)
{
  const og_plan *plan;
  const og_mutation_plan *mutation;
  if (q->is_mutation) {
    OG_TRY(og_query_plan_mutation(cx, cx->arena, c, f, q, &mutation));
    return og_mutation_plan_print(cx, mutation, out);
  }
  OG_TRY(og_query_plan(cx, cx->arena, c, f, q, &plan));
  fuzz_expect(plan->n_ops > 0 && plan->ops[0].kind == OG_PLAN_SCAN);
  return og_plan_print(cx, plan, out);
}

static void run_query(og_ctx *cx, const og_catalog *c, const og_query_file *f, const og_query *q, bool lint_ok)
{
  og_buf text = {0};
  const og_scalar *values;
  og_status st = plan_and_print(cx, c, f, q, &text);
  fuzz_expect_error(cx, st);
  fuzz_expect(st == OG_ENOMEM || lint_ok == (st == OG_OK || st == OG_EUNSUPPORTED));
  og_error_clear(cx);
  if (og_params_bind(cx, cx->arena, q, OG_STR("{\"n\":\"x\",\"a\":3,\"l\":[\"a\"],\"v\":[1,2,3]}"), &values) == OG_OK)
    for (uint32_t i = 0; i < q->n_params; i++) fuzz_expect(values[i].is_null || values[i].type.id != OG_TYPE_NULL);
  og_error_clear(cx);
  og_buf_cleanup(&text);
}

static void expect_same_plan(og_ctx *cx, const og_catalog *c, const og_query_file *f, const og_query_file *g,
                             uint32_t i)
{
  og_buf x = {0}, y = {0};
  og_status one = plan_and_print(cx, c, f, &f->queries[i], &x);
  og_error_clear(cx);
  og_status other = plan_and_print(cx, c, g, &g->queries[i], &y);
  og_error_clear(cx);
  if (one != OG_ENOMEM && other != OG_ENOMEM)
    fuzz_expect(one == other && (one != OG_OK || og_str_eq(og_buf_str(&x), og_buf_str(&y))));
  og_buf_cleanup(&x);
  og_buf_cleanup(&y);
}

static void format(og_ctx *cx, const og_catalog *c, const og_query_file *f)
{
  og_buf once = {0}, twice = {0};
  og_query_file g;
  og_status st = og_format(cx, f->source.text, OG_STR("q.gq"), false, &once);
  if (st == OG_OK) st = og_query_parse(cx, cx->arena, og_buf_str(&once), OG_STR("q.gq"), &g);
  if (st == OG_OK) {
    fuzz_expect(g.n_queries == f->n_queries);
    for (uint32_t i = 0; i < g.n_queries; i++) expect_same_plan(cx, c, f, &g, i);
    st = og_format(cx, og_buf_str(&once), OG_STR("q.gq"), false, &twice);
    fuzz_expect(st == OG_ENOMEM || og_str_eq(og_buf_str(&once), og_buf_str(&twice)));
  }
  fuzz_expect(st == OG_OK || st == OG_ENOMEM || st == OG_ELIMIT); /* a little longer than a text may be */
  og_error_clear(cx);
  og_buf_cleanup(&once);
  og_buf_cleanup(&twice);
}

static void run(og_ctx *cx, const og_catalog *c, og_str source)
{
  og_query_file f;
  og_lint_report report;
  if (og_query_lint(cx, cx->arena, c, source, OG_STR("q.gq"), &report) != OG_OK) return;
  if (og_query_parse(cx, cx->arena, source, OG_STR("q.gq"), &f) != OG_OK) {
    fuzz_expect(!report.ok && report.processed == 0);
    return;
  }
  fuzz_expect(report.n_queries == f.n_queries);
  for (uint32_t i = 0; i < f.n_queries; i++) run_query(cx, c, &f, &f.queries[i], report.queries[i].ok);
  format(cx, c, &f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fuzz_world w;
  og_catalog *catalog;
  og_ctx *cx = fuzz_open(&w);
  fuzz_expect(og_schema_check(cx, og_str_of(schema), OG_STR("s.pg"), &catalog) == OG_OK);
  run(cx, catalog, og_str_from(data, size));
  og_catalog_unref(catalog);
  fuzz_close(&w);
  return 0;
}
