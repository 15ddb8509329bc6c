/* SPDX-License-Identifier: MIT */
/* query_test.h -- one schema, and queries against it as text. */
#pragma once

#include "og_test_world.h"

#include "query/check.h"

static const char query_test_schema[] = "node Person { name: String @key\n"
                                        "  age: I32?\n  score: F32?\n  kind: enum(a, b)?\n  tags: [String]?\n"
                                        "  born: Date?\n  seen: DateTime?\n  emb: Vector(3)?\n  pic: Blob? }\n"
                                        "node Company { name: String @key\n  size: I64? }\n"
                                        "node Note { text: String\n  vec: Vector(2) @embed(\"text\") }\n"
                                        "edge Knows: Person -> Person { since: Date? }\n"
                                        "edge WorksAt: Person -> Company { role: String? }\n";

typedef struct query_test {
  og_test_world w;
  og_ctx *cx;
  og_catalog *catalog;
  og_query_file file;
  og_buf text;
} query_test;

static inline void query_test_open(query_test *t)
{
  *t = (query_test){0};
  t->cx = og_test_world_open(&t->w);
  OG_CHECK_OK(t->cx, og_schema_check(t->cx, og_str_of(query_test_schema), OG_STR("s.pg"), &t->catalog));
}

static inline void query_test_close(query_test *t)
{
  og_catalog_unref(t->catalog);
  og_buf_cleanup(&t->text);
  og_test_world_close(&t->w);
}

/* Parses, plans and prints the first query into t->text. */
static inline og_status query_test_plan(query_test *t, const char *source)
{
  const og_plan *plan;
  const og_mutation_plan *mutation;
  og_arena *a = &t->w.arena;
  og_buf_clear(&t->text);
  OG_TRY(og_query_parse(t->cx, a, og_str_of(source), OG_STR("q.gq"), &t->file));
  const og_query *q = &t->file.queries[0];
  if (q->is_mutation) {
    OG_TRY(og_query_plan_mutation(t->cx, a, t->catalog, &t->file, q, &mutation));
    return og_mutation_plan_print(t->cx, mutation, &t->text);
  }
  OG_TRY(og_query_plan(t->cx, a, t->catalog, &t->file, q, &plan));
  return og_plan_print(t->cx, plan, &t->text);
}

/* The same for a read query, also of what cannot run yet. */
static inline og_status query_test_lower(query_test *t, const char *source)
{
  const og_plan *plan;
  og_checker c;
  og_buf_clear(&t->text);
  OG_TRY(og_query_parse(t->cx, &t->w.arena, og_str_of(source), OG_STR("q.gq"), &t->file));
  OG_TRY(og_check__init(t->cx, &t->w.arena, t->catalog, &t->file, &t->file.queries[0], &c));
  OG_TRY(og_check__read(&c));
  OG_TRY(og_lower__read(&c, &plan));
  return og_plan_print(t->cx, plan, &t->text);
}

static inline void query_test_refused(query_test *t, const char *source, og_status st, const char *fragment)
{
  OG_CHECK_STATUS(t->cx, query_test_plan(t, source), st);
  if (og_str_find(og_str_of(t->w.err.text), og_str_of(fragment)) == SIZE_MAX) {
    print_error("%s\n  does not say \"%s\" but: %s\n", source, fragment, t->w.err.text);
    fail();
  }
  og_error_clear(t->cx);
}
