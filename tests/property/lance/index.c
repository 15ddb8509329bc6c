/* SPDX-License-Identifier: MIT */
/* Random histories of a table with an index, now of one kind, now of another, over a column of every type it can have:
 * rows are added, updated and deleted, the index is built, folded and dropped meanwhile, some of it on versions that
 * are no longer the newest. After every step each query must give exactly the rows that looking at all of them gives.
 */
#include "unit/og_test_world.h"

#include "arrow/builder.h"
#include "base/ulid.h"
#include "lance/index.h"

#include <math.h>

#define ROUNDS  25
#define QUERIES 12
#define SEEDS   3 /* per type */

static const og_type types[] = {
    {.id = OG_TYPE_BOOL},       {.id = OG_TYPE_I8},     {.id = OG_TYPE_I16},
    {.id = OG_TYPE_I32},        {.id = OG_TYPE_I64},    {.id = OG_TYPE_U8},
    {.id = OG_TYPE_U16},        {.id = OG_TYPE_U32},    {.id = OG_TYPE_U64},
    {.id = OG_TYPE_F16},        {.id = OG_TYPE_F32},    {.id = OG_TYPE_F64},
    {.id = OG_TYPE_UTF8},       {.id = OG_TYPE_BINARY}, {.id = OG_TYPE_DATE32},
    {.id = OG_TYPE_LARGE_UTF8}, {.id = OG_TYPE_DATE64}, {.id = OG_TYPE_TIMESTAMP, .unit = OG_UNIT_MS},
};

typedef struct history {
  og_test_world w;
  og_ctx *cx;
  og_store *store;
  og_ulid_gen ulids;
  uint64_t random;
  og_field field;
  og_lance_index_kind kind;
  og_lance_schema *schema;
  og_lance_table *newest;
  og_lance_index *index; /* of the version before, or NULL */
} history;

static uint64_t pick(history *h, uint64_t n)
{
  h->random += 0x9E3779B97F4A7C15u;
  uint64_t z = (h->random ^ h->random >> 30) * 0xBF58476D1CE4E5B9u;
  return (z ^ z >> 31) % n;
}

static og_lance_place place(const history *h)
{
  return (og_lance_place){h->store, OG_STR("nodes/t"), OG_STR("")};
}

/* ---- values: few enough to meet again, and the ends of every type among them */

static void add_float(history *h, og_builder *b)
{
  static const double special[] = {0.0, -0.0, (double)INFINITY, -(double)INFINITY, (double)NAN, -(double)NAN};
  uint64_t k = pick(h, 30);
  OG_CHECK_OK(h->cx, og_builder_f64(h->cx, b, k < 6 ? special[k] : ((double)k - 18) / 4));
}

static void add_int(history *h, og_builder *b)
{
  unsigned bits = 8 * og_type_width(h->field.type.id);
  int64_t most = bits == 64 ? INT64_MAX : (int64_t)((1ull << (bits - 1)) - 1), k = (int64_t)pick(h, 40);
  OG_CHECK_OK(h->cx, og_builder_i64(h->cx, b, k == 0 ? most : k == 1 ? -most - 1 : k - 20));
}

static void add_unsigned(history *h, og_builder *b)
{
  unsigned bits = 8 * og_type_width(h->field.type.id);
  uint64_t k = pick(h, 40);
  OG_CHECK_OK(h->cx, og_builder_u64(h->cx, b, k == 0 ? UINT64_MAX >> (64 - bits) : k));
}

static void add_text(history *h, og_builder *b)
{
  static const char letters[] = "ab\xC3\xA9z";
  char text[8];
  size_t n = pick(h, 4);
  for (size_t i = 0; i < n; i++) text[i] = letters[pick(h, h->field.type.id == OG_TYPE_BINARY ? 5 : 2)];
  OG_CHECK_OK(h->cx, og_builder_str(h->cx, b, og_str_from(text, n)));
}

static void add_value(history *h, og_builder *b)
{
  switch (h->field.type.id) {
  case OG_TYPE_BOOL: OG_CHECK_OK(h->cx, og_builder_bool(h->cx, b, pick(h, 2))); return;
  case OG_TYPE_F16:
  case OG_TYPE_F32:
  case OG_TYPE_F64: add_float(h, b); return;
  case OG_TYPE_U8:
  case OG_TYPE_U16:
  case OG_TYPE_U32:
  case OG_TYPE_U64: add_unsigned(h, b); return;
  case OG_TYPE_UTF8:
  case OG_TYPE_LARGE_UTF8:
  case OG_TYPE_BINARY: add_text(h, b); return;
  default: add_int(h, b);
  }
}

static og_column *values(history *h, uint64_t n, uint64_t nulls_in_100)
{
  og_builder *b;
  og_column *c;
  OG_CHECK_OK(h->cx, og_builder_new(h->cx, &h->field, &b));
  for (uint64_t i = 0; i < n; i++) {
    if (pick(h, 100) < nulls_in_100)
      OG_CHECK_OK(h->cx, og_builder_null(h->cx, b));
    else
      add_value(h, b);
  }
  OG_CHECK_OK(h->cx, og_builder_finish(h->cx, b, &c));
  og_builder_free(b);
  return c;
}

static og_batch *rows(history *h, uint64_t n)
{
  og_column *c = values(h, n, pick(h, 4) == 0 ? 60 : 5);
  og_batch *b;
  OG_CHECK_OK(h->cx, og_batch_new(h->cx, h->schema->arrow, &c, 1, c->len, &b));
  og_column_unref(c);
  return b;
}

/* ---- what every query must give */

static bool among(const og_lance_index_query *q, const og_column *c, int64_t i)
{
  for (int64_t k = 0; k < q->values->len; k++)
    if (!og_column_is_null(q->values, k) && og_column_value_cmp(c, i, q->values, k) == 0) return true;
  return false;
}

static bool matches(const og_lance_index_query *q, const og_column *c, int64_t i)
{
  bool null = og_column_is_null(c, i);
  if (null || q->op == OG_INDEX_NULL) return null && q->op == OG_INDEX_NULL;
  if (q->op == OG_INDEX_IN) return among(q, c, i);
  int low = q->low ? og_column_value_cmp(c, i, q->low, 0) : 1,
      high = q->high ? og_column_value_cmp(c, i, q->high, 0) : -1;
  return (low > 0 || (low == 0 && !q->low_open)) && (high < 0 || (high == 0 && !q->high_open));
}

static void check_query(history *h, og_lance_index *x, const og_column *all, const uint8_t *deleted,
                        const og_lance_index_query *q)
{
  og_vec got = OG_VEC_INIT(uint64_t);
  size_t at = 0;
  OG_CHECK_OK(h->cx, og_lance_index_rows(h->cx, x, q, &got));
  for (int64_t i = 0; i < all->len; i++) {
    if ((deleted && og_bit_get(deleted, i)) || !matches(q, all, i)) continue;
    OG_CHECK(at < got.len);
    OG_CHECK_U64(OG_VEC_AT(&got, uint64_t, at), (uint64_t)i);
    at++;
  }
  OG_CHECK_U64(got.len, at);
  og_vec_cleanup(&got);
}

static void random_query(history *h, og_lance_index *x, const og_column *all, const uint8_t *deleted)
{
  og_column *a = values(h, 1, 0), *b = values(h, 1, 0), *some = values(h, pick(h, 6), 20);
  uint64_t kind = pick(h, 8);
  og_lance_index_query q = {.op = kind == 0  ? OG_INDEX_NULL
                                  : kind < 4 ? OG_INDEX_IN
                                             : OG_INDEX_RANGE,
                            .values = kind == 1 ? a : some,
                            .low = pick(h, 4) ? a : NULL,
                            .high = pick(h, 4) ? b : NULL,
                            .low_open = pick(h, 2),
                            .high_open = pick(h, 2)};
  check_query(h, x, all, deleted, &q);
  og_column_unref(a);
  og_column_unref(b);
  og_column_unref(some);
}

static void check_newest(history *h)
{
  og_lance_index *x = NULL;
  og_column *all;
  const uint8_t *deleted;
  og_status st = og_lance_index_open(h->cx, h->newest, OG_STR("v_idx"), h->index, &x);
  if (st == OG_ENOTFOUND) return;
  OG_CHECK_OK(h->cx, st);
  og_lance_index_unref(h->index);
  h->index = x;
  OG_CHECK_OK(h->cx, og_lance_table_column(h->cx, h->newest, 0, &all));
  OG_CHECK_OK(h->cx, og_lance_table_deleted(h->cx, h->newest, &deleted));
  for (int i = 0; i < QUERIES; i++) random_query(h, x, all, deleted);
  og_column_unref(all);
}

/* ---- changes */

static og_lance_change *start(history *h, og_lance_table *base, og_lance_op op)
{
  const og_lance_place at = place(h);
  og_lance_change_opts opts = {.op = op, .fold_rows = pick(h, 2) ? 1000 : 0};
  og_lance_change *c;
  og_ulid id;
  static char text[OG_ULID_LEN];
  OG_CHECK_OK(h->cx, og_ulid_next(h->cx, &h->ulids, NULL, &id));
  og_ulid_format(&id, text);
  opts.attempt = opts.tx_uuid = og_str_from(text, sizeof text);
  if (base)
    OG_CHECK_OK(h->cx, og_lance_change_new(h->cx, &at, base, &opts, &c));
  else
    OG_CHECK_OK(h->cx, og_lance_change_create(h->cx, &at, h->schema, (og_lance_version){2, 1 + (uint16_t)pick(h, 2)},
                                              &opts, &c));
  return c;
}

static void commit(history *h, og_lance_change *c)
{
  const og_lance_place at = place(h);
  uint64_t version = h->newest ? og_lance_table_version(h->newest) + 1 : 1;
  og_status st = og_lance_change_render(h->cx, c, h->newest, version);
  if (st != OG_ECONFLICT) { /* an update of what was updated meanwhile, a fold of a segment that was folded */
    OG_CHECK_OK(h->cx, st);
    OG_CHECK_OK(h->cx, og_lance_change_put(h->cx, c));
    og_lance_table_unref(h->newest);
    OG_CHECK_OK(h->cx, og_lance_table_open(h->cx, &at, version, OG_STR_NONE, &h->newest));
  }
  og_lance_change_free(h->cx, c);
}

static size_t some_offsets(history *h, og_lance_table *t, uint64_t *out, size_t most)
{
  const uint8_t *deleted;
  size_t n = 0;
  OG_CHECK_OK(h->cx, og_lance_table_deleted(h->cx, t, &deleted));
  for (uint64_t i = 0; i < og_lance_table_physical_rows(t) && n < most; i++)
    if (!(deleted && og_bit_get(deleted, (int64_t)i)) && pick(h, 20) == 0) out[n++] = i;
  return n;
}

static void change_index(history *h, og_lance_change *c)
{
  h->kind = pick(h, 2) ? OG_INDEX_BTREE : OG_INDEX_BITMAP;
  bool changed;
  uint64_t kind = pick(h, 6);
  og_status st = kind < 1   ? og_lance_change_index_build(h->cx, c, h->kind, 0, OG_STR("v_idx"))
                 : kind < 5 ? og_lance_change_index_fold(h->cx, c, OG_STR("v_idx"), kind == 1, &changed)
                            : og_lance_change_index_drop(h->cx, c, OG_STR("v_idx"));
  if (st == OG_ENOTFOUND) st = og_lance_change_index_build(h->cx, c, h->kind, 0, OG_STR("v_idx"));
  OG_CHECK_OK(h->cx, st);
}

static void change_rows(history *h, og_lance_table *base, og_lance_change *c)
{
  uint64_t offsets[50];
  uint64_t kind = pick(h, 4);
  size_t n = kind < 2 ? pick(h, 300) : some_offsets(h, base, offsets, 50);
  og_batch *b = kind < 3 ? rows(h, n) : NULL;
  OG_CHECK_OK(h->cx, kind < 2    ? og_lance_change_insert(h->cx, c, b)
                     : kind == 2 ? og_lance_change_update(h->cx, c, b, offsets, n)
                                 : og_lance_change_delete(h->cx, c, offsets, n));
  og_batch_unref(b);
}

static void step(history *h)
{
  og_lance_table *base = og_lance_table_ref(h->newest);
  bool index = pick(h, 3) == 0;
  og_lance_change *c = start(h, base, index ? OG_LANCE_INDEX : OG_LANCE_UPDATE);
  if (index)
    change_index(h, c);
  else
    change_rows(h, base, c);
  OG_CHECK_OK(h->cx, og_lance_change_finish(h->cx, c));
  if (pick(h, 4) == 0) { /* another writer is quicker */
    og_lance_change *other = start(h, base, OG_LANCE_UPDATE);
    change_rows(h, base, other);
    OG_CHECK_OK(h->cx, og_lance_change_finish(h->cx, other));
    commit(h, other);
  }
  commit(h, c);
  og_lance_table_unref(base);
}

static void play(og_type type, uint64_t seed)
{
  history h = {.random = seed, .field = {.name = OG_STR("v"), .type = type, .nullable = true}};
  h.cx = og_test_world_open(&h.w);
  og_schema *arrow;
  OG_CHECK_OK(h.cx, og_store_memory_new(h.cx, &h.store));
  OG_CHECK_OK(h.cx, og_schema_new(h.cx, &h.field, 1, NULL, 0, &arrow));
  OG_CHECK_OK(h.cx, og_lance_schema_new(h.cx, arrow, &h.schema));
  og_schema_unref(arrow);
  og_lance_change *c = start(&h, NULL, OG_LANCE_OVERWRITE);
  og_batch *b = rows(&h, pick(&h, 3) ? pick(&h, 500) : 9000 + pick(&h, 5000));
  OG_CHECK_OK(h.cx, og_lance_change_insert(h.cx, c, b));
  og_batch_unref(b);
  OG_CHECK_OK(h.cx, og_lance_change_finish(h.cx, c));
  commit(&h, c);
  for (int i = 0; i < ROUNDS; i++) {
    step(&h);
    check_newest(&h);
  }
  og_lance_index_unref(h.index);
  og_lance_table_unref(h.newest);
  og_lance_schema_unref(h.schema);
  og_store_unref(h.store);
  og_test_world_close(&h.w);
}

OG_TEST(index, answers_what_looking_at_all_rows_answers)
{
  for (size_t t = 0; t < sizeof types / sizeof *types; t++)
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
      print_message("type %s seed %d\n", og_type_name(types[t]), (int)seed);
      play(types[t], 1000 * t + seed);
    }
}

OG_TEST_MAIN(OG_CASE(index, answers_what_looking_at_all_rows_answers))
