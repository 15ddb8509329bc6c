/* SPDX-License-Identifier: MIT */
#include "unit/og_test.h"

#include "base/limits.h"
#include "lance/fields.h"
#include "lance/pb.h"

typedef struct world {
  og_runtime rt;
  og_error err;
  og_arena arena;
  og_ctx cx;
} world;

static void world_new(world *w)
{
  *w = (world){0};
  og_mem_init(&w->rt.mem, 0);
  og_ctx_init(&w->cx, &w->rt, &w->err, &w->arena);
}

static void world_free(world *w)
{
  og_arena_cleanup(&w->arena);
  OG_CHECK_U64(w->rt.mem.in_use, 0);
}

#define FIELD(text, t)                                                                             \
  {                                                                                                \
    .name = {text, sizeof text - 1}, .type = {.id = t}, .nullable = true                           \
  }

/* Splits `repeated Field = 1` into its messages. */
static size_t split(world *w, og_str bytes, og_str *out, size_t max)
{
  og_pb_reader r;
  og_pb_field f;
  bool more = true;
  size_t n = 0;
  og_pb_reader_init(&r, bytes, "test");
  for (;;) {
    OG_CHECK_OK(&w->cx, og_pb_next(&w->cx, &r, &f, &more));
    if (!more) return n;
    OG_CHECK(n < max);
    out[n++] = f.bytes;
  }
}

OG_TEST(fields, an_arrow_schema_comes_back)
{
  static const og_str key[] = {{"lance-schema:unenforced-primary-key", 35}, {"true", 4}};
  static const og_field item[] = {FIELD("item", OG_TYPE_UTF8)},
                        floats[] = {FIELD("item", OG_TYPE_F32)};
  static const og_field inside[] = {
      FIELD("x", OG_TYPE_I32),
      {.name = {"l", 1}, .type = {.id = OG_TYPE_LIST}, .children = item, .n_children = 1}};
  const og_field fields[] = {
      {.name = {"id", 2}, .type = {.id = OG_TYPE_I64}, .meta = key, .n_meta = 1},
      {.name = {"s", 1},
       .type = {.id = OG_TYPE_STRUCT},
       .nullable = true,
       .children = inside,
       .n_children = 2},
      {.name = {"v", 1}, .type = og_type_fixed_list(16), .children = floats, .n_children = 1},
      {.name = {"t", 1}, .type = {.id = OG_TYPE_TIMESTAMP, .unit = OG_UNIT_US, .utc = true}}};
  world w;
  og_schema *arrow;
  og_lance_schema *s, *back;
  og_buf out = {0};
  og_str parts[16];
  world_new(&w);
  OG_CHECK_OK(&w.cx, og_schema_new(&w.cx, fields, 4, key, 1, &arrow));
  OG_CHECK_OK(&w.cx, og_lance_schema_new(&w.cx, arrow, &s));
  OG_CHECK_U64(s->n_fields, 7);
  OG_CHECK_STR(s->fields[5].logical_type, OG_STR("fixed_size_list:float:16"));
  OG_CHECK_STR(s->fields[6].logical_type, OG_STR("timestamp:us:UTC"));
  OG_CHECK_U64(s->fields[4].parent, 3);
  OG_CHECK(s->fields[0].primary_key);
  OG_CHECK_U64(og_lance_schema_top(s, 2), 5);
  OG_CHECK_U64(og_lance_schema_find(s, OG_STR("v")), 5);
  OG_CHECK(og_lance_schema_find(s, OG_STR("x")) == -1); /* not top-level */

  OG_CHECK_OK(&w.cx, og_lance_fields_encode(&w.cx, s, 1, &out));
  const size_t n = split(&w, og_buf_str(&out), parts, 16);
  OG_CHECK_OK(&w.cx, og_lance_schema_decode(&w.cx, parts, n, NULL, 0, &back));
  OG_CHECK_U64(back->arrow->n_fields, 4);
  for (uint32_t i = 0; i < 4; i++)
    OG_CHECK(og_field_eq(&back->arrow->fields[i], &s->arrow->fields[i], true));
  og_lance_schema_unref(back);
  og_lance_schema_unref(s);
  og_schema_unref(arrow);
  og_buf_cleanup(&out);
  world_free(&w);
}

static og_status decode_with(world *w, int32_t id, int32_t parent, const char *type)
{
  og_buf a = {0}, b = {0};
  og_lance_schema *s;
  OG_CHECK_OK(&w->cx, og_pb_put_str(&w->cx, &a, 2, OG_STR("first")));
  OG_CHECK_OK(&w->cx, og_pb_put_u64(&w->cx, &a, 4, (uint64_t)-1));
  OG_CHECK_OK(&w->cx, og_pb_put_str(&w->cx, &a, 5, OG_STR("struct")));
  OG_CHECK_OK(&w->cx, og_pb_put_str(&w->cx, &b, 2, OG_STR("second")));
  OG_CHECK_OK(&w->cx, og_pb_put_u64(&w->cx, &b, 3, (uint64_t)id));
  OG_CHECK_OK(&w->cx, og_pb_put_u64(&w->cx, &b, 4, (uint64_t)(int64_t)parent));
  OG_CHECK_OK(&w->cx, og_pb_put_str(&w->cx, &b, 5, og_str_of(type)));
  OG_CHECK_OK(&w->cx, og_pb_put_str(&w->cx, &b, 99, OG_STR("new")));
  const og_str parts[] = {og_buf_str(&a), og_buf_str(&b)};
  og_status st = og_lance_schema_decode(&w->cx, parts, 2, NULL, 0, &s);
  if (st == OG_OK) {
    OG_CHECK_U64(s->fields[1].unknown.len, 6); /* two bytes of tag, one of length, "new" */
    og_lance_schema_unref(s);
  }
  og_buf_cleanup(&a);
  og_buf_cleanup(&b);
  return st;
}

OG_TEST(fields, what_is_unknown_is_kept_and_broken_trees_are_refused)
{
  world w;
  world_new(&w);
  OG_CHECK_OK(&w.cx, decode_with(&w, 1, 0, "int32"));
  OG_CHECK_STATUS(&w.cx, decode_with(&w, 0, 0, "int32"),
                  OG_ECORRUPT); /* its own parent, and twice */
  OG_CHECK_STATUS(&w.cx, decode_with(&w, 1, 7, "int32"), OG_ECORRUPT);
  OG_CHECK_STATUS(&w.cx, decode_with(&w, 1, -1, "int32"),
                  OG_ECORRUPT); /* a struct without children */
  OG_CHECK_STATUS(&w.cx, decode_with(&w, 1, 0, "decimal:128:10:2"), OG_EUNSUPPORTED);
  OG_CHECK(strstr(w.err.text, "decimal:128:10:2") != NULL && strstr(w.err.text, "second") != NULL);
  OG_CHECK_STATUS(&w.cx, decode_with(&w, 1, 0, "fixed_size_list:float:0"), OG_EUNSUPPORTED);
  OG_CHECK_OK(&w.cx, decode_with(&w, 1, 0, "dict:timestamp:us:-:int32:false")); /* stands for its values */
  OG_CHECK_STATUS(&w.cx, decode_with(&w, 1, 0, "dict:list:int32:false"), OG_EUNSUPPORTED);
  OG_CHECK_STATUS(&w.cx, decode_with(&w, 1, 0, "dict:int32"), OG_EUNSUPPORTED);
  OG_CHECK_STATUS(&w.cx, decode_with(&w, 1, 0, "dict:::"), OG_EUNSUPPORTED);
  world_free(&w);
}

OG_TEST(pb, truncated_and_malformed_messages_are_refused)
{
  static const og_str bad[] = {{"\x08", 1},
                               {"\x08\x80", 2},
                               {"\x0a\x05"
                                "abc",
                                5},
                               {"\x00\x01", 2},
                               {"\x0b", 1},
                               {"\x09"
                                "1234567",
                                8},
                               {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11}};
  world w;
  world_new(&w);
  for (size_t i = 0; i < OG_ARRAY_LEN(bad); i++) {
    og_pb_reader r;
    og_pb_field f;
    bool more;
    og_pb_reader_init(&r, bad[i], "sample");
    OG_CHECK_STATUS(&w.cx, og_pb_next(&w.cx, &r, &f, &more), OG_ECORRUPT);
    OG_CHECK(strstr(w.err.text, "sample") != NULL);
  }
  world_free(&w);
}

OG_TEST(pb, a_negative_number_takes_ten_bytes)
{
  world w;
  og_buf out = {0};
  world_new(&w);
  OG_CHECK_OK(&w.cx, og_pb_put_u64(&w.cx, &out, 4, (uint64_t)(int64_t)-1));
  OG_CHECK_STR(og_buf_str(&out), OG_STR("\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
  og_buf_cleanup(&out);
  world_free(&w);
}

OG_TEST_MAIN(OG_CASE(fields, an_arrow_schema_comes_back),
             OG_CASE(fields, what_is_unknown_is_kept_and_broken_trees_are_refused),
             OG_CASE(pb, truncated_and_malformed_messages_are_refused),
             OG_CASE(pb, a_negative_number_takes_ten_bytes))
