/* SPDX-License-Identifier: MIT */
/* Every entry of every kernel table against a naive loop.  Numbers are compared as long double,
 * whose 64 or more bits of fraction hold each int64, uint64 and double exactly. */
#include "arrow_test.h"

#include "arrow/kernels.h"

_Static_assert(__LDBL_MANT_DIG__ >= 64,
               "the oracle needs a long double that holds 64-bit integers");

static const og_kernels *const tables[] = {&og_kernels_scalar};

enum { ROWS = 300 };

static long double as_number(const og_scalar *s)
{
  switch (s->type.id) {
  case OG_TYPE_I8:
  case OG_TYPE_I16:
  case OG_TYPE_I32:
  case OG_TYPE_I64: return (long double)s->v.i;
  case OG_TYPE_U8:
  case OG_TYPE_U16:
  case OG_TYPE_U32:
  case OG_TYPE_U64: return (long double)s->v.u;
  default: return (long double)s->v.f;
  }
}

static int naive_number_cmp(long double a, long double b)
{
  bool an = a != a, bn = b != b;
  if (an || bn) return (int)an - (int)bn;
  return (a > b) - (a < b);
}

static bool holds(og_cmp_op op, int c)
{
  switch (op) {
  case OG_CMP_EQ: return c == 0;
  case OG_CMP_NE: return c != 0;
  case OG_CMP_LT: return c < 0;
  case OG_CMP_LE: return c <= 0;
  case OG_CMP_GT: return c > 0;
  case OG_CMP_GE: return c >= 0;
  }
  return false;
}

static bool numeric(const og_field *f)
{
  return og_type_is_numeric(f->type.id);
}

static bool string(const og_field *f)
{
  return og_type_is_string(f->type.id);
}

static bool scalar(const og_field *f)
{
  return !og_type_is_nested(f->type.id) && f->type.id != OG_TYPE_NULL;
}

/* Which pairs of types can be compared, said independently of the code under test. */
static bool comparable(const og_field *a, const og_field *b)
{
  if (numeric(a) && numeric(b)) return true;
  if (string(a) && string(b)) return true;
  bool raw_a = og_type_is_varbin(a->type.id) && !string(a);
  bool raw_b = og_type_is_varbin(b->type.id) && !string(b);
  if (raw_a && raw_b) return true;
  if (a->type.id == OG_TYPE_TIMESTAMP && b->type.id == OG_TYPE_TIMESTAMP)
    return a->type.utc == b->type.utc;
  return a->type.id == b->type.id;
}

static long double as_nanoseconds(const og_scalar *s)
{
  static const long double ns[] = {1e9L, 1e6L, 1e3L, 1};
  return (long double)s->v.i * ns[s->type.unit];
}

static int naive_cmp(const og_scalar *a, const og_scalar *b)
{
  if (og_type_is_numeric(a->type.id)) return naive_number_cmp(as_number(a), as_number(b));
  if (og_type_has_unit(a->type.id) && a->type.unit == b->type.unit)
    return (a->v.i > b->v.i) - (a->v.i < b->v.i);
  if (og_type_has_unit(a->type.id))
    return naive_number_cmp(as_nanoseconds(a), as_nanoseconds(b));
  if (a->type.id == OG_TYPE_BOOL) return (int)a->v.b - (int)b->v.b;
  if (og_type_is_varbin(a->type.id)) {
    size_t n = a->v.s.len < b->v.s.len ? a->v.s.len : b->v.s.len;
    int c = n ? memcmp(a->v.s.ptr, b->v.s.ptr, n) : 0;
    return c ? c : (a->v.s.len > b->v.s.len) - (a->v.s.len < b->v.s.len);
  }
  return (a->v.i > b->v.i) - (a->v.i < b->v.i);
}

typedef struct picked {
  uint32_t rows[ROWS];
  size_t n;
} picked;

static void check_rows(const picked *got, const picked *want)
{
  OG_CHECK_U64(got->n, want->n);
  assert_memory_equal(got->rows, want->rows, want->n * sizeof want->rows[0]);
}

/* Every third row or so, to stand for the rows that earlier predicates left. */
static size_t some_rows(uint32_t *sel, uint64_t *seed)
{
  size_t n = 0;
  for (uint32_t i = 0; i < ROWS; i++)
    if (rnd(seed) % 3) sel[n++] = i;
  return n;
}

static void check_against_scalar(const og_kernels *t, const og_column *c, const og_scalar *rhs,
                                 bool can, uint64_t *seed)
{
  uint32_t sel[ROWS];
  size_t n = some_rows(sel, seed);
  for (int op = OG_CMP_EQ; op <= OG_CMP_GE; op++) {
    for (int dense = 0; dense < 2; dense++) {
      picked got = {.n = 0}, want = {.n = 0};
      for (size_t i = 0; can && i < (dense ? ROWS : n); i++) {
        uint32_t row = dense ? (uint32_t)i : sel[i];
        if (og_column_is_null(c, row)) continue;
        og_scalar v = og_scalar_at(c, row);
        if (holds((og_cmp_op)op, naive_cmp(&v, rhs))) want.rows[want.n++] = row;
      }
      memcpy(got.rows, sel, sizeof sel); /* in place, as filters chain */
      got.n =
          t->select_cmp(c, (og_cmp_op)op, rhs, dense ? NULL : got.rows, dense ? ROWS : n, got.rows);
      check_rows(&got, &want);
    }
  }
}

OG_TEST(kernels, select_agrees_with_a_naive_loop_for_every_pair_of_types)
{
  world w;
  og_ctx *cx = world_open(&w);
  uint64_t seed = 77;
  for (size_t i = 0; i < N_EVERY; i++) {
    og_column *a, *b;
    if (!scalar(&every_field[i])) continue;
    OG_CHECK_OK(cx, random_column(cx, &every_field[i], ROWS, i, &a));
    for (size_t j = 0; j < N_EVERY; j++) {
      if (!scalar(&every_field[j])) continue;
      OG_CHECK_OK(cx, random_column(cx, &every_field[j], 60, 1000 + j, &b));
      for (int64_t k = 0; k < b->len; k++) {
        og_scalar rhs = og_scalar_at(b, k);
        if (rhs.is_null) continue;
        for (size_t t = 0; t < OG_ARRAY_LEN(tables); t++)
          check_against_scalar(tables[t], a, &rhs, comparable(&every_field[i], &every_field[j]),
                               &seed);
      }
      og_column_unref(b);
    }
    og_column_unref(a);
  }
  world_close(&w);
}

/* The places where a conversion would round. */
OG_TEST(kernels, select_is_exact_where_doubles_are_not)
{
  world w;
  og_ctx *cx = world_open(&w);
  static const int64_t ints[] = {
      INT64_MIN,       INT64_MIN + 1, -2,       -1, 0, 1, 2, (1ll << 53) - 1, 1ll << 53,
      (1ll << 53) + 1, INT64_MAX - 1, INT64_MAX};
  static const double floats[] = {-0x1p64, -0x1p63,    -1.5,   -0.5,   -0.0,  0.5,   1.5,
                                  0x1p53,  0x1p53 + 2, 0x1p63, 0x1p64, 1e300, -1e300};
  enum { NI = OG_ARRAY_LEN(ints), NF = OG_ARRAY_LEN(floats) };
  og_column *pair[2];
  OG_CHECK_OK(cx, og_column_from_fixed(cx, og_type_of(OG_TYPE_I64), ints, NULL, NI, &pair[0]));
  OG_CHECK_OK(cx, og_column_from_fixed(cx, og_type_of(OG_TYPE_F64), floats, NULL, NF, &pair[1]));
  for (int side = 0; side < 2; side++) {
    og_column *c = pair[side], *other = pair[1 - side];
    for (int64_t k = 0; k < other->len; k++) {
      og_scalar rhs = og_scalar_at(other, k);
      for (int op = OG_CMP_EQ; op <= OG_CMP_GE; op++) {
        uint32_t got[ROWS];
        size_t n = og_kernels_scalar.select_cmp(c, (og_cmp_op)op, &rhs, NULL, (size_t)c->len, got);
        size_t at = 0;
        for (uint32_t i = 0; i < c->len; i++) {
          og_scalar v = og_scalar_at(c, i);
          if (!holds((og_cmp_op)op, naive_cmp(&v, &rhs))) continue;
          OG_CHECK(at < n && got[at] == i);
          at++;
        }
        OG_CHECK_U64(at, n);
      }
    }
  }
  og_column_unref(pair[0]);
  og_column_unref(pair[1]);
  world_close(&w);
}

static void check_columns(const og_kernels *t, const og_column *a, const og_column *b, bool can,
                          uint64_t *seed)
{
  uint32_t sel[ROWS];
  size_t n = some_rows(sel, seed);
  for (int op = OG_CMP_EQ; op <= OG_CMP_GE; op++) {
    for (int dense = 0; dense < 2; dense++) {
      picked got = {.n = 0}, want = {.n = 0};
      for (size_t i = 0; can && i < (dense ? ROWS : n); i++) {
        uint32_t row = dense ? (uint32_t)i : sel[i];
        if (og_column_is_null(a, row) || og_column_is_null(b, row)) continue;
        og_scalar x = og_scalar_at(a, row), y = og_scalar_at(b, row);
        if (holds((og_cmp_op)op, naive_cmp(&x, &y))) want.rows[want.n++] = row;
      }
      memcpy(got.rows, sel, sizeof sel);
      got.n = t->select_cmp_columns(a, (og_cmp_op)op, b, dense ? NULL : got.rows, dense ? ROWS : n,
                                    got.rows);
      check_rows(&got, &want);
    }
  }
}

OG_TEST(kernels, select_between_columns_agrees_with_a_naive_loop)
{
  world w;
  og_ctx *cx = world_open(&w);
  uint64_t seed = 78;
  for (size_t i = 0; i < N_EVERY; i++) {
    for (size_t j = 0; j < N_EVERY; j++) {
      og_column *a, *b;
      if (!scalar(&every_field[i]) || !scalar(&every_field[j])) continue;
      OG_CHECK_OK(cx, random_column(cx, &every_field[i], ROWS, i, &a));
      OG_CHECK_OK(cx, random_column(cx, &every_field[j], ROWS, j + 50, &b));
      for (size_t t = 0; t < OG_ARRAY_LEN(tables); t++)
        check_columns(tables[t], a, b, comparable(&every_field[i], &every_field[j]), &seed);
      og_column_unref(a);
      og_column_unref(b);
    }
  }
  world_close(&w);
}

OG_TEST(kernels, hash_agrees_with_the_hash_of_single_values)
{
  world w;
  og_ctx *cx = world_open(&w);
  for (size_t i = 0; i < N_EVERY; i++) {
    for (size_t t = 0; t < OG_ARRAY_LEN(tables); t++) {
      for (int nulls = 0; nulls < 2; nulls++) {
        og_field f = every_field[i];
        f.nullable = nulls;
        og_column *c;
        uint64_t out[ROWS];
        OG_CHECK_OK(cx, random_column(cx, &f, ROWS, i, &c));
        for (uint64_t k = 0; k < ROWS; k++) out[k] = k % 3;
        tables[t]->hash(c, ROWS, out);
        for (int64_t k = 0; k < ROWS; k++)
          OG_CHECK_U64(out[k], og_column_value_hash(c, k, (uint64_t)k % 3));
        og_column_unref(c);
      }
    }
  }
  world_close(&w);
}

OG_TEST(kernels, lists_compare_item_by_item)
{
  world w;
  og_ctx *cx = world_open(&w);
  for (size_t i = 0; i < N_EVERY; i++) {
    const og_field *f = &every_field[i];
    og_column *c;
    if (!og_type_is_nested(f->type.id) || f->type.id == OG_TYPE_STRUCT) continue;
    OG_CHECK_OK(cx, random_column(cx, f, ROWS, i, &c));
    for (int64_t k = 0; k < 20; k++) {
      og_scalar rhs = {.type = c->type};
      int64_t from, to;
      picked got = {.n = 0}, want = {.n = 0};
      if (og_column_is_null(c, k)) continue;
      og_column_list(c, k, &from, &to);
      OG_CHECK_OK(cx, og_column_slice(cx, c->children[0], from, to - from, &rhs.v.list));
      for (uint32_t r = 0; r < ROWS; r++)
        if (!og_column_is_null(c, r) && og_column_value_cmp(c, r, c, k) <= 0)
          want.rows[want.n++] = r;
      got.n = og_kernels_scalar.select_cmp(c, OG_CMP_LE, &rhs, NULL, ROWS, got.rows);
      check_rows(&got, &want);
      og_column_unref(rhs.v.list);
    }
    og_column_unref(c);
  }
  world_close(&w);
}

OG_TEST(kernels, numbers_that_compare_equal_hash_equal)
{
  world w;
  og_ctx *cx = world_open(&w);
  enum { N = 120 };
  og_column *cols[N_EVERY] = {NULL};
  for (size_t i = 0; i < N_EVERY; i++)
    if (scalar(&every_field[i]))
      OG_CHECK_OK(cx, random_column(cx, &every_field[i], N, i, &cols[i]));
  size_t equal = 0;
  for (size_t i = 0; i < N_EVERY; i++) {
    for (size_t j = 0; cols[i] && j < N_EVERY; j++) {
      for (int64_t k = 0; cols[j] && k < N * N; k++) {
        og_scalar a = og_scalar_at(cols[i], k / N), b = og_scalar_at(cols[j], k % N);
        int c;
        if (a.is_null || b.is_null || !og_scalar_cmp(&a, &b, &c)) continue;
        OG_CHECK(comparable(&every_field[i], &every_field[j]));
        OG_CHECK(holds(OG_CMP_LT, c) == holds(OG_CMP_LT, naive_cmp(&a, &b)));
        OG_CHECK(holds(OG_CMP_EQ, c) == holds(OG_CMP_EQ, naive_cmp(&a, &b)));
        if (c) continue;
        OG_CHECK_U64(og_scalar_hash(&a, 9), og_scalar_hash(&b, 9));
        equal += i != j;
      }
    }
  }
  OG_CHECK(equal > 1000); /* values of different types did meet */
  for (size_t i = 0; i < N_EVERY; i++) og_column_unref(cols[i]);
  world_close(&w);
}

OG_TEST(kernels, string_predicates_skip_nulls_and_match_empty_needles)
{
  world w;
  og_ctx *cx = world_open(&w);
  static const char *const texts[] = {"abc", "", NULL, "xab", "ab"};
  og_builder *b;
  og_column *c;
  uint32_t out[5];
  OG_CHECK_OK(cx, og_builder_new(cx, &item_str, &b));
  for (size_t i = 0; i < 5; i++) {
    if (texts[i])
      OG_CHECK_OK(cx, og_builder_str(cx, b, og_str_of(texts[i])));
    else
      OG_CHECK_OK(cx, og_builder_null(cx, b));
  }
  OG_CHECK_OK(cx, og_builder_finish(cx, b, &c));
  OG_CHECK_U64(og_select_contains(c, OG_STR("ab"), NULL, 5, out), 3);
  assert_memory_equal(out, ((uint32_t[]){0, 3, 4}), 12);
  OG_CHECK_U64(og_select_starts_with(c, OG_STR("ab"), NULL, 5, out), 2);
  assert_memory_equal(out, ((uint32_t[]){0, 4}), 8);
  OG_CHECK_U64(og_select_contains(c, OG_STR(""), NULL, 5, out), 4);
  OG_CHECK_U64(og_select_starts_with(c, OG_STR("ab"), (uint32_t[]){2, 3, 4}, 3, out), 1);
  OG_CHECK_U64(out[0], 4);
  og_column_unref(c);
  og_builder_free(b);
  world_close(&w);
}

/* ---- distances */

enum { DIM_MAX = 70, VECTORS = 5 };

static const og_kernels *best_table(void)
{
  return og_kernels_for(og_cpu_detect(false));
}

static float random_float(uint64_t *state)
{
  const uint64_t r = rnd(state);
  const float small = (float)((double)(r >> 40) / 16777216.0) - 0.5F;
  return r % 16 == 0 ? 0.0F : r % 16 == 1 ? small * 1e30F : r % 16 == 2 ? small * 1e-30F : small;
}

static void check_distances(size_t dim, uint64_t *state)
{
  float q[DIM_MAX], v[VECTORS * DIM_MAX], one[VECTORS], other[VECTORS];
  for (size_t i = 0; i < dim; i++) q[i] = random_float(state);
  for (size_t i = 0; i < VECTORS * dim; i++) v[i] = random_float(state);
  og_kernels_scalar.l2(q, v, VECTORS, dim, one);
  best_table()->l2(q, v, VECTORS, dim, other);
  assert_memory_equal(one, other, sizeof one);
  for (size_t i = 0; i < VECTORS; i++) {
    double exact = 0;
    for (size_t j = 0; j < dim; j++) exact += ((double)q[j] - v[i * dim + j]) * ((double)q[j] - v[i * dim + j]);
    const double error = one[i] > exact ? one[i] - exact : exact - one[i];
    OG_CHECK(exact > 1e38 || error <= exact * 1e-5 + 1e-40);
  }
}

OG_TEST(kernels, every_table_sums_distances_in_the_same_order)
{
  uint64_t state = 5;
  for (size_t dim = 0; dim <= DIM_MAX; dim++)
    for (unsigned round = 0; round < 50; round++) check_distances(dim, &state);
}

OG_TEST_MAIN(OG_CASE(kernels, select_agrees_with_a_naive_loop_for_every_pair_of_types),
             OG_CASE(kernels, select_is_exact_where_doubles_are_not),
             OG_CASE(kernels, select_between_columns_agrees_with_a_naive_loop),
             OG_CASE(kernels, hash_agrees_with_the_hash_of_single_values),
             OG_CASE(kernels, lists_compare_item_by_item),
             OG_CASE(kernels, numbers_that_compare_equal_hash_equal),
             OG_CASE(kernels, every_table_sums_distances_in_the_same_order),
             OG_CASE(kernels, string_predicates_skip_nulls_and_match_empty_needles))
