/* SPDX-License-Identifier: MIT */
/* db/explain.c -- what a query would do, or did, and what it cost. */
#include "query/explain.h"
#include "db/prepared.h"

static og_status explain_mutation(og_ctx *cx, const og_prepared *p, bool json, og_buf *out)
{
  OG_AUTO(og_buf) text = {0};
  og_json_writer w;
  if (!json) return og_mutation_plan_print(cx, p->mutation, out);
  OG_TRY(og_mutation_plan_print(cx, p->mutation, &text));
  og_json_writer_init(&w, out, false);
  OG_TRY(og_json_begin_object(cx, &w));
  OG_TRY(og_json_kv_str(cx, &w, "query", p->query->name));
  OG_TRY(og_json_key(cx, &w, OG_STR("statements")));
  OG_TRY(og_json_begin_array(cx, &w));
  for (og_str rest = og_buf_str(&text); rest.len;) {
    size_t end = og_str_find(rest, OG_STR("\n"));
    OG_TRY(og_json_str(cx, &w, og_str_sub(rest, 0, end)));
    rest = og_str_sub(rest, end + 1, rest.len);
  }
  OG_TRY(og_json_end_array(cx, &w));
  return og_json_end_object(cx, &w);
}

static og_status print(og_ctx *cx, const og_prepared *p, const og_plan_costs *costs, bool json, og_buf *out)
{
  og_json_writer w;
  if (p->mutation) return explain_mutation(cx, p, json, out);
  if (!json) return og_plan_explain_text(cx, p->plan, costs, out);
  og_json_writer_init(&w, out, false);
  return og_plan_explain_json(cx, p->plan, costs, &w);
}

static og_status run(og_ctx *cx, og_snapshot *s, og_prepared *p, const og_db_query_args *args, og_plan_costs *costs)
{
  og_result r;
  const og_scalar *values = args->values;
  OG_TRY(og_db__expect(cx, p->query, false));
  if (!values) OG_TRY(og_params_bind(cx, cx->arena, p->query, args->params, &values));
  costs->n_ops = og_plan_count_ops(p->plan);
  costs->ops = og_push_array(cx, (size_t)costs->n_ops + 1, sizeof *costs->ops);
  if (!costs->ops) return OG_ENOMEM;
  OG_TRY(og_db__run(cx, s, p, values, &args->limits, costs, &r));
  og_result_cleanup(&r);
  return OG_OK;
}

og_status og_db_explain(og_ctx *cx, og_db *db, const og_db_query_args *args, bool profile, bool json, og_buf *out)
{
  og_snapshot *s = args->pin ? og_snapshot_ref(args->pin) : NULL;
  og_prepared *p = NULL;
  og_plan_costs costs = {0};
  if (!s) OG_TRY(og_db__pin(cx, db, &args->target, &s));
  og_status st = og_db__prepare(cx, db, s->catalog, args->source, args->source_name, args->name, &p);
  if (st == OG_OK && profile) st = run(cx, s, p, args, &costs);
  if (st == OG_OK) st = print(cx, p, profile ? &costs : NULL, json, out);
  og_cached_unref(p);
  og_snapshot_unref(s);
  return st;
}
