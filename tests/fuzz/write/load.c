/* SPDX-License-Identifier: MIT */
/* fuzz_write_load: any bytes as a load into a graph with a few rows; the first byte chooses the mode.
 *
 * All or nothing: what is refused leaves no commit.  What is accepted counts what it loaded, makes one commit, and the
 * export of the graph loads into an empty one, whose export is the same. */
#include "fuzz/fuzz_world.h"

#include "db/db.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char schema[] =
    "node Person { slug: String @key\n age: I32? @index\n mail: String? @unique\n"
    " tags: [String]?\n vec: Vector(2)?\n pic: Blob?\n born: Date?\n"
    " @range(age, 0..150) @check(mail, \"^[^@]+@[^@]+$\") }\n"
    "node Note { text: String }\n"
    "node Plain { k: I64 @key\n s: String?\n c: enum(a, b)?\n b: Bool?\n f: F32?\n d: F64?\n u: U32?\n"
    " w: U64?\n at: DateTime?\n day: Date?\n v: Vector(2)?\n l: [String]?\n n: [I32]? }\n"
    "edge Likes: Plain -> Plain { w: F64? }\n"
    "edge Knows: Person -> Person { since: DateTime? @unique(src, dst) }\n"
    "edge Wrote: Person -> Note @card(0..1)\n";
static const char rows[] = "{\"type\":\"Person\",\"data\":{\"slug\":\"ada\",\"age\":36,\"mail\":\"a@b\"}}\n"
                           "{\"type\":\"Person\",\"data\":{\"slug\":\"bob\",\"tags\":[\"x\"],\"vec\":[1,2]}}\n"
                           "{\"type\":\"Note\",\"data\":{\"id\":\"n1\",\"text\":\"hello\"}}\n"
                           "{\"edge\":\"Knows\",\"from\":\"ada\",\"to\":\"bob\"}\n"
                           "{\"edge\":\"Wrote\",\"from\":\"ada\",\"to\":\"n1\"}\n";

static og_db *new_graph(og_ctx *cx)
{
  og_store *store;
  og_db *db;
  fuzz_expect(og_store_memory_new(cx, &store) == OG_OK);
  fuzz_expect(og_graph_init(cx, store, og_str_of(schema), OG_STR("s.pg"), false, OG_STR_NONE) == OG_OK);
  fuzz_expect(og_db_open_store(cx, store, false, &db) == OG_OK);
  og_store_unref(store);
  return db;
}

static og_status load(og_ctx *cx, og_db *db, og_load_mode mode, og_str bytes, og_load_result *out)
{
  const og_load_args args = {.bytes = bytes, .mode = mode, .memory = 1 << 20};
  return og_db_load(cx, db, &args, out);
}

static size_t n_commits(og_ctx *cx, og_db *db)
{
  og_vec all = OG_VEC_INIT(og_commit);
  fuzz_expect(og_db_commits(cx, db, OG_STR_NONE, &all) == OG_OK);
  size_t n = all.len;
  og_vec_cleanup(&all);
  return n;
}

static og_status put(og_ctx *cx, void *arg, og_str bytes)
{
  return og_buf_append_str(cx, arg, bytes);
}

static void export(og_ctx *cx, og_db *db, og_buf *out)
{
  fuzz_expect(og_db_export(cx, db, OG_STR_NONE, NULL, 0, put, out) == OG_OK);
}

static void export_and_load(og_ctx *cx, og_db *db)
{
  og_buf first = {0}, second = {0};
  og_load_result counts;
  og_db *other = new_graph(cx);
  export(cx, db, &first);
  og_status st = load(cx, other, OG_LOAD_APPEND, og_buf_str(&first), &counts);
  if (st != OG_OK) fprintf(stderr, "%s\n", cx->err->text);
  fuzz_expect(st == OG_OK);
  export(cx, other, &second);
  fuzz_expect(og_str_eq(og_buf_str(&first), og_buf_str(&second)));
  og_buf_cleanup(&first);
  og_buf_cleanup(&second);
  og_db_close(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const og_load_mode modes[] = {OG_LOAD_APPEND, OG_LOAD_MERGE, OG_LOAD_OVERWRITE};
  fuzz_world w;
  og_load_result counts;
  if (size == 0) return 0;
  og_ctx *cx = fuzz_open(&w);
  og_db *db = new_graph(cx);
  fuzz_expect(load(cx, db, OG_LOAD_APPEND, og_str_of(rows), &counts) == OG_OK && counts.total == 5);
  size_t before = n_commits(cx, db);
  og_status st = load(cx, db, modes[data[0] % 3], og_str_from(data + 1, size - 1), &counts);
  fuzz_expect_error(cx, st);
  if (st != OG_OK && st != OG_EINVALID) fprintf(stderr, "%s: %s\n", og_status_name(st), cx->err->text);
  fuzz_expect(st == OG_OK || st == OG_EINVALID || st == OG_ELIMIT || st == OG_ENOTFOUND || st == OG_EUNSUPPORTED ||
              st == OG_ECONFLICT || st == OG_ENOMEM);
  og_error_clear(cx);
  fuzz_expect(n_commits(cx, db) == before + (st == OG_OK));
  if (st == OG_OK) export_and_load(cx, db);
  og_db_close(db);
  fuzz_close(&w);
  return 0;
}
