/* SPDX-License-Identifier: MIT */
/* fuzz_base_json: any bytes as JSON.
 *
 * Two readers that share no code, the fast one and the one that finds the place of an error, must agree on what is
 * JSON.  What was read is written and read again, and must be the same to the bit.  Nothing leaks. */
#include "fuzz/fuzz_world.h"

#include "base/json.h"
#include "base/json_where.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const og_json *a, const og_json *b);

static bool same_members(const og_json *a, const og_json *b)
{
  if (a->u.object.len != b->u.object.len) return false;
  for (size_t i = 0; i < a->u.object.len; i++) {
    const og_json_member *x = &a->u.object.members[i], *y = &b->u.object.members[i];
    if (!og_str_eq(x->key, y->key) || !same(x->value, y->value)) return false;
  }
  return true;
}

static bool same_items(const og_json *a, const og_json *b)
{
  if (a->u.array.len != b->u.array.len) return false;
  for (size_t i = 0; i < a->u.array.len; i++)
    if (!same(&a->u.array.items[i], &b->u.array.items[i])) return false;
  return true;
}

static bool same(const og_json *a, const og_json *b)
{
  if (a->kind != b->kind) return false;
  switch (a->kind) {
  case OG_JSON_NULL: return true;
  case OG_JSON_BOOL: return a->u.boolean == b->u.boolean;
  case OG_JSON_I64: return a->u.i64 == b->u.i64;
  case OG_JSON_U64: return a->u.u64 == b->u.u64 && a->u.u64 > INT64_MAX;
  case OG_JSON_F64: return memcmp(&a->u.f64, &b->u.f64, sizeof a->u.f64) == 0;
  case OG_JSON_STRING: return og_str_eq(a->u.str, b->u.str);
  case OG_JSON_ARRAY: return same_items(a, b);
  case OG_JSON_OBJECT: return same_members(a, b);
  }
  return false;
}

static void write_and_read(og_ctx *cx, og_json_parser *p, const og_json *v, bool pretty)
{
  og_buf out = {0};
  og_json_writer w;
  const og_json *back;
  og_json_writer_init(&w, &out, pretty);
  if (og_json_node(cx, &w, v) == OG_OK && og_json_parse(cx, p, cx->arena, og_buf_str(&out), NULL, &back) == OG_OK)
    fuzz_expect(same(v, back));
  else
    fuzz_expect(cx->err->status == OG_ENOMEM);
  og_buf_cleanup(&out);
}

static void run(og_ctx *cx, og_json_parser *p, og_str text)
{
  const og_json_opts strict = {.refuse_duplicates = true};
  const og_json *v, *w;
  size_t at = 0;
  const char *why = og_json__where(text, &at);
  const og_status st = og_json_parse(cx, p, cx->arena, text, NULL, &v);
  if (st != OG_OK) {
    fuzz_expect(st == OG_ENOMEM || st == OG_ELIMIT || (st == OG_EINVALID && why && at <= text.len));
    return;
  }
  fuzz_expect(!why);
  const og_status strict_st = og_json_parse(cx, p, cx->arena, text, &strict, &w);
  fuzz_expect(strict_st == OG_OK ? same(v, w) : strict_st == OG_ENOMEM || strict_st == OG_EINVALID);
  write_and_read(cx, p, v, false);
  write_and_read(cx, p, v, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fuzz_world w;
  og_json_parser *p;
  og_ctx *cx = fuzz_open(&w);
  fuzz_expect(og_json_parser_new(cx, &p) == OG_OK);
  run(cx, p, og_str_from(data, size));
  og_json_parser_free(p);
  fuzz_close(&w);
  return 0;
}
