/* SPDX-License-Identifier: MIT */
/* fuzz_query_params: any bytes as the parameters of a query that declares one of every type, each with a value or
 * without.  What binds has the declared type, and its lists are sound. */
#include "fuzz/fuzz_world.h"

#include "query/params.h"
#include "query/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One query per parameter, so that a value that is wrong for one type is still tried as the others. */
static const char *const types[] = {"String",   "Blob",   "Bool",   "I32",        "I64",      "U32",
                                    "U64",      "F32",    "F64",    "Date",       "DateTime", "Vector(2)",
                                    "[String]", "[Bool]", "[I32]",  "[I64]",      "[U32]",    "[U64]",
                                    "[F32]",    "[F64]",  "[Date]", "[DateTime]", "String?",  "[I64]?"};

static void bind(og_ctx *cx, const og_query *q, og_str json)
{
  const og_scalar *v;
  og_status st = og_params_bind(cx, cx->arena, q, json, &v);
  fuzz_expect_error(cx, st);
  og_error_clear(cx);
  if (st != OG_OK) return;
  fuzz_expect(v->type.id != OG_TYPE_NULL && (!v->is_null || q->params[0].nullable));
  if (v->is_null) return;
  if (og_type_is_string(v->type.id)) fuzz_expect(og_utf8_check(v->v.s) == SIZE_MAX);
  if (!og_type_is_nested(v->type.id)) return;
  fuzz_expect(og_column_check(cx, v->v.list, OG_EINVALID) == OG_OK && v->v.list->nulls == 0);
  fuzz_expect(v->type.id != OG_TYPE_FIXED_LIST || v->v.list->len == v->type.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fuzz_world w;
  og_query_file f;
  og_str source;
  og_ctx *cx = fuzz_open(&w);
  for (size_t i = 0; i < OG_ARRAY_LEN(types); i++) {
    fuzz_expect(og_arena_printf(cx, cx->arena, &source, "query q($v: %s) { match { $n: N } return { $n } }",
                                types[i]) == OG_OK);
    fuzz_expect(og_query_parse(cx, cx->arena, source, OG_STR("q.gq"), &f) == OG_OK && f.queries[0].n_params == 1);
    bind(cx, &f.queries[0], og_str_from(data, size));
  }
  fuzz_close(&w);
  return 0;
}
