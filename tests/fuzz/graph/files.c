/* SPDX-License-Identifier: MIT */
/* fuzz_graph_files: any bytes as one of the files of a graph that only mirror or hint at what its log says; the first
 * byte chooses which.
 *
 * None of them may keep the graph from being opened, read and written, or change what it says; the schema files are put
 * right by an open for writing. */
#include "fuzz/fuzz_world.h"

#include "graph/graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char schema[] = "node N { k: String @key }\nedge E: N -> N\n";

static const char *const files[] = {
    "__manifest/_versions/latest_version_hint.json",
    "__manifest/tree/wip/_versions/latest_version_hint.json",
    "__manifest/_refs/branches/wip.json",
    "_schema.pg",
    "_schema.ir.json",
    "__schema_state.json",
};
#define FIRST_SCHEMA_FILE 3

static og_graph *open_graph(og_ctx *cx, og_store *store)
{
  og_graph *g;
  og_status st = og_graph_open(cx, store, false, &g);
  if (st != OG_OK) fprintf(stderr, "%s\n", cx->err->text);
  fuzz_expect(st == OG_OK);
  return g;
}

static og_store *new_graph(og_ctx *cx)
{
  og_store *store;
  fuzz_expect(og_store_memory_new(cx, &store) == OG_OK);
  fuzz_expect(og_graph_init(cx, store, og_str_of(schema), OG_STR("s.pg"), false, OG_STR_NONE) == OG_OK);
  og_graph *g = open_graph(cx, store);
  fuzz_expect(og_graph_branch_create(cx, g, OG_STR("wip"), OG_STR("main")) == OG_OK);
  fuzz_expect(og_graph_branch_create(cx, g, OG_STR("old"), OG_STR("wip")) == OG_OK);
  fuzz_expect(og_graph_branch_delete(cx, g, OG_STR("old")) == OG_OK);
  og_graph_close(g);
  return store;
}

typedef struct state {
  uint64_t versions[2]; /* of main and wip */
  og_ulid heads[2];
} state;

static state state_of(og_ctx *cx, og_graph *g)
{
  const og_str names[2] = {OG_STR("main"), OG_STR("wip")};
  state out = {0};
  og_vec branches = OG_VEC_INIT(og_branch_info);
  fuzz_expect(og_graph_branches(cx, g, &branches) == OG_OK && branches.len == 2);
  og_vec_cleanup(&branches);
  for (int i = 0; i < 2; i++) {
    og_snapshot *s;
    fuzz_expect(og_graph_snapshot(cx, g, names[i], &s) == OG_OK);
    out.versions[i] = s->fold->version;
    out.heads[i] = s->fold->head;
    og_snapshot_unref(s);
  }
  return out;
}

static void expect_file(og_ctx *cx, og_store *store, og_str key, og_str want)
{
  og_buf have = {0};
  fuzz_expect(og_store_get(cx, store, key, 1 << 20, &have) == OG_OK && og_str_eq(og_buf_str(&have), want));
  og_buf_cleanup(&have);
}

/* A branch is deleted and made again; a mirror that another engine made keeps its name. */
static void write(og_ctx *cx, og_graph *g)
{
  fuzz_expect(og_graph_branch_delete(cx, g, OG_STR("wip")) == OG_OK);
  og_status st = og_graph_branch_create(cx, g, OG_STR("wip"), OG_STR("main"));
  fuzz_expect_error(cx, st);
  fuzz_expect(st == OG_OK || st == OG_EEXISTS);
  og_error_clear(cx);
  fuzz_expect(og_graph_branch_create(cx, g, OG_STR("more"), OG_STR("main")) == OG_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fuzz_world w;
  og_buf was = {0};
  if (size == 0) return 0;
  size_t which = data[0] % OG_ARRAY_LEN(files);
  og_str key = og_str_of(files[which]);
  og_ctx *cx = fuzz_open(&w);
  og_store *store = new_graph(cx);
  og_graph *g = open_graph(cx, store);
  state before = state_of(cx, g);
  og_graph_close(g);
  if (which >= FIRST_SCHEMA_FILE) fuzz_expect(og_store_get(cx, store, key, 1 << 20, &was) == OG_OK);
  fuzz_expect(og_store_put(cx, store, key, og_str_from(data + 1, size - 1)) == OG_OK);
  g = open_graph(cx, store);
  state after = state_of(cx, g);
  fuzz_expect(memcmp(&before, &after, sizeof before) == 0);
  if (which >= FIRST_SCHEMA_FILE) expect_file(cx, store, key, og_buf_str(&was));
  write(cx, g);
  og_graph_close(g);
  og_buf_cleanup(&was);
  og_store_unref(store);
  fuzz_close(&w);
  return 0;
}
