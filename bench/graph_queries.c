/* SPDX-License-Identifier: MIT */
/* bench/graph_queries.c -- how long queries take on one handle that stays open.
 *
 *   bench_graph_queries GRAPH THREADS < JOBS
 *
 * A line of JOBS is {"name": …, "query": …, "params": […], "runs": n}; the parameter objects are used in turn.  Each
 * job is run once unmeasured and then n times; a line of the answer is {"name": …, "rows": [those of the first run],
 * "us": [n times], "peak": bytes in use at most}.  Time is that of the whole call, parsing and planning included.
 */
#include "base/env.h"
#include "base/pool.h"
#include "db/db.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct bench {
  og_db *db;
  og_buf out;
} bench;

static og_status run_one(og_ctx *cx, bench *b, og_str query, const og_json *params, bool print, og_json_writer *w)
{
  og_result r;
  OG_AUTO(og_buf) text = {0};
  og_json_writer pw;
  og_json_writer_init(&pw, &text, false);
  if (params) OG_TRY(og_json_node(cx, &pw, params));
  const og_db_query_args args = {.source = query, .source_name = OG_STR("job"), .params = og_buf_str(&text)};
  OG_TRY(og_db_query(cx, b->db, &args, &r));
  og_status st = OG_OK;
  for (int64_t i = 0; print && st == OG_OK && i < r.n_rows && i < 20; i++) st = og_result_put_row(cx, &r, i, w);
  og_result_cleanup(&r);
  return st;
}

static og_status measure(og_ctx *cx, bench *b, const og_json *job, og_json_writer *w)
{
  og_str query;
  uint64_t runs;
  og_arena arena = {0}, *outer = cx->arena;
  const og_json *params = og_json_get(job, OG_STR("params"));
  size_t n = params ? params->u.array.len : 0;
  if (!og_json_get_str(job, OG_STR("query"), &query) || !og_json_get_u64(job, OG_STR("runs"), &runs))
    return og_fail(cx, OG_EINVALID, "a job needs a query and runs");
  OG_TRY(og_json_key(cx, w, OG_STR("rows")));
  OG_TRY(og_json_begin_array(cx, w));
  cx->arena = &arena;
  og_status st = run_one(cx, b, query, n ? &params->u.array.items[0] : NULL, true, w);
  if (st == OG_OK) st = og_json_end_array(cx, w);
  if (st == OG_OK) st = og_json_key(cx, w, OG_STR("us"));
  if (st == OG_OK) st = og_json_begin_array(cx, w);
  atomic_store(&cx->rt->mem.peak, 0);
  for (uint64_t i = 0; st == OG_OK && i < runs; i++) {
    og_arena_reset(&arena);
    uint64_t begin = og_mono_ns(cx);
    st = run_one(cx, b, query, n ? &params->u.array.items[i % n] : NULL, false, w);
    if (st == OG_OK) st = og_json_f64(cx, w, (double)(og_mono_ns(cx) - begin) / 1e3);
  }
  cx->arena = outer;
  og_arena_cleanup(&arena);
  OG_TRY(st);
  OG_TRY(og_json_end_array(cx, w));
  return og_json_kv_u64(cx, w, "peak", atomic_load(&cx->rt->mem.peak));
}

static og_status run_job(og_ctx *cx, bench *b, og_str line)
{
  og_str name;
  const og_json *job;
  og_json_writer w;
  og_buf_clear(&b->out);
  og_json_writer_init(&w, &b->out, false);
  OG_TRY(og_json_read(cx, cx->arena, line, &job));
  if (!og_json_get_str(job, OG_STR("name"), &name)) return og_fail(cx, OG_EINVALID, "a job needs a name");
  OG_TRY(og_json_begin_object(cx, &w));
  OG_TRY(og_json_kv_str(cx, &w, "name", name));
  OG_TRY_NOTE(cx, measure(cx, b, job, &w), "in job '" OG_STR_FMT "'", OG_STR_ARG(name));
  OG_TRY(og_json_end_object(cx, &w));
  OG_TRY(og_buf_append_byte(cx, &b->out, '\n'));
  fwrite(b->out.data, 1, b->out.len, stdout);
  fflush(stdout);
  return OG_OK;
}

static og_status run(og_ctx *cx, const char *root)
{
  static char line[1u << 20];
  bench b = {0};
  OG_TRY(og_db_open(cx, og_str_of(root), true, &b.db));
  og_status st = OG_OK;
  while (st == OG_OK && fgets(line, sizeof line, stdin)) {
    og_str text = og_str_trim(og_str_of(line));
    if (text.len) st = run_job(cx, &b, text);
  }
  og_db_close(b.db);
  og_buf_cleanup(&b.out);
  return st;
}

int main(int argc, char **argv)
{
  if (argc != 3) {
    fprintf(stderr, "usage: bench_graph_queries GRAPH THREADS < JOBS\n");
    return 2;
  }
  og_runtime rt = {0};
  og_error err;
  og_arena arena = {0};
  og_ctx cx;
  og_mem_init(&rt.mem, 0);
  if (og_env_posix_new(&rt.mem, &rt.env) != OG_OK) return 1;
  og_ctx_init(&cx, &rt, &err, &arena);
  og_status st = og_pool_new(&cx, (unsigned)strtoul(argv[2], NULL, 10), &rt.pool);
  if (st == OG_OK) st = run(&cx, argv[1]);
  if (st != OG_OK) fprintf(stderr, "bench_graph_queries: %s\n", err.text);
  og_pool_free(rt.pool);
  og_arena_cleanup(&arena);
  og_env_posix_free(rt.env);
  return st != OG_OK;
}
