/* SPDX-License-Identifier: MIT */
/* fuzz_query_parse: any bytes as a `.gq` file: parsed, linted, planned, printed, formatted, parameters bound, and every
 * expression of the plan computed for rows of extreme values.
 *
 * Whatever the bytes: no crash, no leak, an error text with every error, lint and planning agree on what is right, and
 * a value is of the type that the plan says.  What parses is formatted, formatted again the same, and then has the same
 * plans.
 */
#include "fuzz/fuzz_world.h"

#include "exec/eval.h"
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
                             "interface Called { name: String }\n"
                             "node Ship implements Called { name: String  tons: I64? }\n"
                             "node Port implements Called { name: String }\n"
                             "edge Knows: Person -> Person { since: Date? }\n"
                             "edge Calls: Ship -> Port { }\n"
                             "edge WorksAt: Person -> Company { role: String? }\n";

/* ---- values */

typedef struct some_rows {
  og_arena scratch;
  uint32_t next;
} some_rows;

static og_scalar some_value(og_type t, uint32_t i)
{
  static const int64_t ints[] = {0, 1, -1, 7, INT32_MAX, INT32_MIN};
  static const double floats[] = {0, -0.0, 1.5, -2, 1e300, 1e-300};
  static const char *const texts[] = {"", "a", "Ada", "\xc3\x9f\xe2\x84\xaa", "12", " x\xc2\xa0"};
  og_scalar v = {.type = t, .is_null = i % 7 == 6};
  i %= 6;
  switch (t.id) {
  case OG_TYPE_BOOL: v.v.b = i & 1; break;
  case OG_TYPE_F32:
  case OG_TYPE_F64: v.v.f = t.id == OG_TYPE_F64 ? floats[i] : (float)floats[i % 4]; break;
  case OG_TYPE_UTF8: v.v.s = og_str_of(texts[i]); break;
  case OG_TYPE_U32: v.v.u = i == 5 ? UINT32_MAX : i; break;
  case OG_TYPE_U64: v.v.u = i == 5 ? UINT64_MAX : i; break;
  case OG_TYPE_I64:
  case OG_TYPE_DATE64: v.v.i = i == 4 ? INT64_MAX : i == 5 ? INT64_MIN : ints[i]; break;
  default: v.v.i = ints[i]; break;
  }
  return v;
}

static og_status some_leaf(og_ctx *cx, const og_eval *ev, const og_pexpr *e, og_scalar *out)
{
  some_rows *rows = ev->arg;
  uint32_t i = rows->next++;
  *out = some_value(e->type.type, i);
  out->is_null = out->is_null && e->nullable;
  if (!og_type_is_nested(e->type.type.id) || out->is_null) return OG_OK;
  og_scalar items[3];
  size_t n = e->type.type.id == OG_TYPE_FIXED_LIST ? (size_t)e->type.type.size : i % 3, k = 0;
  for (uint32_t at = 0; k < n && k < 3; at++)
    if (!(items[k] = some_value(e->type.item, i + at)).is_null) k++;
  return og_query_list(cx, ev->scratch, e->type.item, items, k, &out->v.list);
}

static void compute(og_ctx *cx, const og_eval *ev, const og_pexpr *e)
{
  og_scalar v;
  for (int i = 0; e && i < 14; i++) {
    og_status st = og_eval_value(cx, ev, e, &v);
    fuzz_expect_error(cx, st);
    fuzz_expect(st == OG_OK || st == OG_ENOMEM || st == OG_EINVALID || st == OG_ELIMIT);
    fuzz_expect(st != OG_EINVALID || e->fails);
    fuzz_expect(st != OG_OK || v.is_null || v.type.id == e->type.type.id);
    fuzz_expect(st != OG_OK || !v.is_null || e->nullable);
    og_error_clear(cx);
    og_arena_reset(ev->scratch);
  }
}

static void compute_ops(og_ctx *cx, const og_eval *ev, const og_plan_op *ops, uint32_t n)
{
  for (uint32_t i = 0; i < n; i++) {
    for (uint32_t k = 0; k < ops[i].n_filters; k++) compute(cx, ev, ops[i].filters[k]);
    compute_ops(cx, ev, ops[i].inner, ops[i].n_inner);
  }
}

static void compute_plan(og_ctx *cx, const og_plan *plan, const og_scalar *values)
{
  some_rows rows = {0};
  og_eval ev = {.values = values,
                .now = {.type = og_type_of(OG_TYPE_DATE64), .v.i = 1700000000000},
                .leaf = some_leaf,
                .arg = &rows,
                .scratch = &rows.scratch,
                .source = plan->source};
  compute_ops(cx, &ev, plan->ops, plan->n_ops);
  for (uint32_t i = 0; i < plan->n_keys; i++) compute(cx, &ev, plan->keys[i]);
  for (uint32_t i = 0; i < plan->n_aggs; i++) compute(cx, &ev, plan->aggs[i].expr);
  for (uint32_t i = 0; i < plan->n_having; i++) compute(cx, &ev, plan->having[i]);
  for (uint32_t i = 0; i < plan->n_columns; i++) compute(cx, &ev, plan->columns[i].expr);
  for (uint32_t i = 0; i < plan->n_order; i++) compute(cx, &ev, plan->order[i].expr);
  og_arena_cleanup(&rows.scratch);
}

/* ---- texts */

static const char params[] = "{\"n\":\"x\",\"a\":3,\"l\":[\"a\"],\"v\":[1,2,3]}";

static og_status plan_and_print(og_ctx *cx, const og_catalog *c, const og_query_file *f, const og_query *q, og_buf *out)
{
  const og_scalar *values;
  const og_plan *plan;
  const og_mutation_plan *mutation;
  if (q->is_mutation) {
    OG_TRY(og_query_plan_mutation(cx, cx->arena, c, f, q, &mutation));
    return og_mutation_plan_print(cx, mutation, out);
  }
  OG_TRY(og_query_plan(cx, cx->arena, c, f, q, &plan));
  fuzz_expect(plan->n_ops > 0 && plan->ops[0].kind == OG_PLAN_SCAN);
  if (og_params_bind(cx, cx->arena, q, og_str_of(params), &values) == OG_OK) compute_plan(cx, plan, values);
  og_error_clear(cx);
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
  if (og_params_bind(cx, cx->arena, q, og_str_of(params), &values) == OG_OK)
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
