/* SPDX-License-Identifier: MIT */
/* db/prepared.c -- the plan cache, and one run of a prepared read.
 *
 *  (1) What is prepared depends on the text and on the catalog, and on nothing else: not on the branch, the data, or
 * the values of parameters.  So an entry is never stale.  It holds its catalog, whose address is part of its name and
 *      cannot be another one's as long as the entry lives.
 *  (2) A text that is wrong is not kept: its error is found anew each time.
 */
#include "db/prepared.h"

#include "exec/exec.h"

static void prepared_free(og_cached *c)
{
  og_prepared *p = (og_prepared *)c;
  og_arena arena = p->arena; /* where it lies itself */
  og_catalog_unref(p->catalog);
  og_arena_cleanup(&arena);
}

typedef struct making {
  og_catalog *catalog;
  og_str source, source_name, name;
} making;

static og_status name_columns(og_ctx *cx, og_prepared *p)
{
  p->columns = og_arena_calloc(cx, &p->arena, (size_t)p->plan->n_columns + 1, sizeof *p->columns);
  if (!p->columns) return OG_ENOMEM;
  for (uint32_t i = 0; i < p->plan->n_columns; i++)
    OG_TRY(og_arena_str(cx, &p->arena, p->plan->columns[i].name, &p->columns[i]));
  return OG_OK;
}

static og_status name_params(og_ctx *cx, og_prepared *p)
{
  p->params = og_arena_calloc(cx, &p->arena, (size_t)p->query->n_params + 1, sizeof *p->params);
  if (!p->params) return OG_ENOMEM;
  for (uint32_t i = 0; i < p->query->n_params; i++)
    OG_TRY(og_arena_str(cx, &p->arena, p->query->params[i].name, &p->params[i]));
  return OG_OK;
}

static og_status fill(og_ctx *cx, const making *m, og_prepared *p)
{
  og_str source, source_name = OG_STR_NONE;
  OG_TRY(og_arena_str(cx, &p->arena, m->source, &source));
  if (m->source_name.len) OG_TRY(og_arena_str(cx, &p->arena, m->source_name, &source_name));
  OG_TRY(og_query_parse(cx, &p->arena, source, source_name, &p->file));
  OG_TRY(og_query_find(cx, &p->file, m->name, &p->query));
  OG_TRY(name_params(cx, p));
  if (p->query->is_mutation) return og_query_plan_mutation(cx, &p->arena, p->catalog, &p->file, p->query, &p->mutation);
  OG_TRY(og_query_plan(cx, &p->arena, p->catalog, &p->file, p->query, &p->plan));
  return name_columns(cx, p);
}

static og_status make(og_ctx *cx, void *arg, og_cached **out, uint64_t *bytes)
{
  const making *m = arg;
  og_arena arena = {0};
  og_prepared *p = og_arena_zalloc(cx, &arena, sizeof *p);
  if (!p) return OG_ENOMEM;
  p->base.free = prepared_free;
  atomic_init(&p->base.refs, 1);
  p->arena = arena;
  p->catalog = og_catalog_ref(m->catalog);
  og_status st = fill(cx, m, p);
  if (st != OG_OK) {
    prepared_free(&p->base);
    return st;
  }
  *bytes = og_arena_bytes(&p->arena);
  *out = &p->base;
  return OG_OK;
}

og_status og_db__prepare(og_ctx *cx, og_db *db, og_catalog *catalog, og_str source, og_str source_name, og_str name,
                         og_prepared **out)
{
  OG_AUTO(og_buf) key = {0};
  making m = {catalog, source, source_name, name};
  const size_t lengths[] = {source.len, name.len};
  OG_TRY(og_buf_append(cx, &key, &catalog, sizeof catalog));
  OG_TRY(og_buf_append(cx, &key, lengths, sizeof lengths));
  OG_TRY(og_buf_append_str(cx, &key, source));
  OG_TRY(og_buf_append_str(cx, &key, name));
  OG_TRY(og_buf_append_str(cx, &key, source_name));
  const og_cache_key k = {og_buf_str(&key), key.len};
  void *found;
  OG_TRY(og_cache_get(cx, db->plans, k, make, &m, &found));
  *out = found;
  return OG_OK;
}

og_status og_db__expect(og_ctx *cx, const og_query *q, bool mutation)
{
  if (q->is_mutation == mutation) return OG_OK;
  return mutation ? og_fail(cx, OG_EINVALID, "query '" OG_STR_FMT "' only reads: run it with `omnigraph query`",
                            OG_STR_ARG(q->name))
                  : og_fail(cx, OG_EINVALID, "query '" OG_STR_FMT "' is a mutation: run it with `omnigraph mutate`",
                            OG_STR_ARG(q->name));
}

/* ---- running */

void og_result_cleanup(og_result *r)
{
  for (uint32_t i = 0; r->values && i < r->n_columns; i++) og_column_unref(r->values[i]);
  og_free(r->values);
  og_cached_unref(r->prepared);
  *r = (og_result){0};
}

/* The types are those of the columns; what may be null, the plan knows. */
og_status og_result_schema(og_ctx *cx, const og_result *r, og_schema **out)
{
  og_field *fields = og_push_array(cx, (size_t)r->n_columns * 2 + 1, sizeof *fields), *items = fields + r->n_columns;
  if (!fields) return OG_ENOMEM;
  for (uint32_t i = 0; i < r->n_columns; i++) {
    const og_column *c = r->values[i];
    bool nullable = r->prepared->plan->columns[i].nullable || c->nulls;
    fields[i] = (og_field){.name = r->columns[i], .type = c->type, .nullable = nullable};
    if (c->n_children == 0) continue; /* lists of scalars are all that nests in an answer */
    items[i] = (og_field){.name = OG_STR("item"), .type = c->children[0]->type, .nullable = true};
    fields[i].children = &items[i];
    fields[i].n_children = 1;
  }
  return og_schema_new(cx, fields, r->n_columns, NULL, 0, out);
}

static og_status too_many_rows(og_ctx *cx, uint64_t limit, uint64_t rows)
{
  og_fail(cx, OG_ELIMIT, "the answer has %llu rows, at most %llu were asked for; add a limit", (unsigned long long)rows,
          (unsigned long long)limit);
  og_detail *d = og_error_detail(cx, OG_DETAIL_RESOURCE_LIMIT);
  og_detail_set(d->resource, sizeof d->resource, OG_STR("answer rows"));
  d->limit = limit;
  d->used = rows;
  return OG_ELIMIT;
}

static og_status execute(og_ctx *cx, og_snapshot *s, const og_prepared *p, const og_scalar *values,
                         const og_db_limits *limits, og_plan_costs *costs, og_exec_result *out)
{
  og_mem *outer;
  int64_t now = p->plan->uses_now ? og_wall_us(cx) / 1000 : 0;
  const og_exec_opts opts = {.method = limits->by_ops ? OG_EXEC_OPS : OG_EXEC_AUTO, .costs = costs};
  if (limits->memory == 0) return og_exec_run(cx, s, p->plan, values, now, &opts, out);
  OG_TRY(og_ctx_budget_begin(cx, limits->memory, "query memory", &outer));
  return og_ctx_budget_end(cx, outer, og_exec_run(cx, s, p->plan, values, now, &opts, out));
}

og_status og_db__run(og_ctx *cx, og_snapshot *s, og_prepared *p, const og_scalar *values, const og_db_limits *limits,
                     og_plan_costs *costs, og_result *out)
{
  og_exec_result result;
  *out = (og_result){0};
  OG_TRY(execute(cx, s, p, values, limits, costs, &result));
  *out = (og_result){.prepared = og_cached_ref(p),
                     .query_name = p->query->name,
                     .columns = p->columns,
                     .values = result.columns,
                     .n_columns = result.n_columns,
                     .n_rows = result.n_rows};
  if (s->fold->has_head) og_ulid_format(&s->fold->head, out->commit);
  if (limits->rows == 0 || (uint64_t)out->n_rows <= limits->rows) return OG_OK;
  uint64_t rows = (uint64_t)out->n_rows;
  og_result_cleanup(out);
  return too_many_rows(cx, limits->rows, rows);
}
