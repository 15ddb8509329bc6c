/* SPDX-License-Identifier: MIT */
/* bench/commit_cost.c -- what a commit of one row costs, in time and in what it asks of the store and the disk.
 *
 *   bench_commit_cost GRAPH COMMITS PREFIX [TRACE]
 *
 * GRAPH is an absolute folder with a graph of people.pg.  Makes COMMITS inserts of one Person each, one commit after
 * the other on one handle, durable as always, with handles PREFIX0, PREFIX1, ...  Prints one JSON line per commit; the
 * file-system operations go to TRACE (see trace.h), which costs a little and is left out where time matters.
 */
#include "query/params.h"
#include "trace.h"
#include "write/write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char mutation_text[] =
    "query add($handle: String) {\n"
    "  insert Person { handle: $handle, name: \"Ada Berg\", gender: \"female\", birthday: date(\"1990-12-10\"),\n"
    "    age: 35, married: true }\n"
    "}\n";

typedef struct bench {
  og_graph *graph;
  og_store *store; /* counting */
  trace *trace;
  og_query_file file;
  const og_query *query;
  og_str params; /* of the commit under way */
} bench;

static og_status plan(og_ctx *cx, void *arg, const og_catalog *catalog, const og_mutation_plan **out,
                      const og_scalar **values)
{
  const bench *b = arg;
  OG_TRY(og_query_plan_mutation(cx, cx->arena, catalog, &b->file, b->query, out));
  return og_params_bind(cx, cx->arena, b->query, b->params, values);
}

static void print_commit(const bench *b, const og_commit *c, const og_store_counts *was, uint64_t ns)
{
  og_store_counts now = og_store_counting_get(b->store);
  uint64_t writes = now.puts - was->puts + now.puts_if_absent - was->puts_if_absent;
  uint64_t requests = writes + now.gets - was->gets + now.deletes - was->deletes + now.lists - was->lists;
  printf("{\"version\":%" PRIu64 ",\"us\":%.1f,\"requests\":%" PRIu64 ",\"written\":%" PRIu64 ",\"read_bytes\":%" PRIu64
         ",\"files\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"syncs\":%" PRIu64 ",\"barriers\":%" PRIu64 "}\n",
         c->manifest_version, (double)ns / 1e3, requests, writes, now.bytes_read - was->bytes_read,
         b->trace->counts.files, b->trace->counts.bytes, b->trace->counts.syncs, b->trace->counts.barriers);
}

static og_status commit_one(og_ctx *cx, bench *b, const char *prefix, uint64_t i)
{
  const og_mutation m = {.plan = plan, .plan_arg = b};
  const og_store_counts before = og_store_counting_get(b->store);
  og_mutated done;
  trace_commit(b->trace, i);
  uint64_t begin = og_mono_ns(cx);
  OG_TRY(og_arena_printf(cx, cx->arena, &b->params, "{\"handle\":\"%s%" PRIu64 "\"}", prefix, i));
  OG_TRY(og_write_mutate(cx, b->graph, &m, &done));
  uint64_t end = og_mono_ns(cx);
  if (!done.has_commit || done.nodes != 1) return og_fail(cx, OG_EINVALID, "commit %" PRIu64 " changed nothing", i);
  print_commit(b, &done.commit, &before, end - begin);
  return OG_OK;
}

static og_status commit_all(og_ctx *cx, bench *b, uint64_t n, const char *prefix)
{
  og_arena arena = {0}, *outer = cx->arena;
  og_status st = og_query_parse(cx, cx->arena, og_str_of(mutation_text), OG_STR("add.gq"), &b->file);
  if (st == OG_OK) st = og_query_find(cx, &b->file, OG_STR_NONE, &b->query);
  cx->arena = &arena;
  for (uint64_t i = 0; st == OG_OK && i < n; i++) {
    st = commit_one(cx, b, prefix, i);
    og_arena_reset(&arena);
  }
  cx->arena = outer;
  og_arena_cleanup(&arena);
  return st;
}

static og_status run(og_ctx *cx, trace *t, FILE *out, uint64_t n, const char *prefix)
{
  og_store *local;
  bench b = {.trace = t};
  OG_TRY(og_store_open(cx, og_str_of(t->root), false, &local));
  og_status st = og_store_counting_new(cx, local, &b.store);
  if (st == OG_OK) st = og_graph_open(cx, b.store, false, &b.graph);
  t->out = out; /* what opening did is not part of a commit */
  if (st == OG_OK) st = commit_all(cx, &b, n, prefix);
  og_graph_close(b.graph);
  og_store_unref(b.store);
  og_store_unref(local);
  return st;
}

int main(int argc, char **argv)
{
  if (argc < 4 || argc > 5 || argv[1][0] != '/') {
    fprintf(stderr, "usage: bench_commit_cost /GRAPH COMMITS PREFIX [TRACE]\n");
    return 2;
  }
  og_runtime rt = {0};
  og_mem outer;
  og_env *real;
  og_error err = {0};
  og_arena arena = {0};
  og_ctx cx;
  trace t;
  FILE *out = argc > 4 ? fopen(argv[4], "w") : NULL;
  og_mem_init(&outer, 0);
  og_mem_init(&rt.mem, 0);
  if ((argc > 4 && !out) || og_env_posix_new(&outer, &real) != OG_OK) {
    fprintf(stderr, "error: cannot start\n");
    return 1;
  }
  trace_init(&t, real, argv[1]);
  rt.env = &t.env;
  og_ctx_init(&cx, &rt, &err, &arena);
  og_status st = run(&cx, &t, out, strtoull(argv[2], NULL, 10), argv[3]);
  if (st != OG_OK) fprintf(stderr, "error: %s\n", err.text);
  if (out && fclose(out) != 0) st = OG_EIO;
  og_arena_cleanup(&arena);
  og_env_posix_free(real);
  return st == OG_OK ? 0 : 1;
}
