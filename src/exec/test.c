/* SPDX-License-Identifier: MIT */
#include "exec/test.h"

#include "base/pool.h"

#define BLOCK 65536u /* rows judged at once; a multiple of 64 */

/* ---- compiling */

static bool is_whole(og_type_id id)
{
  return (id >= OG_TYPE_I8 && id <= OG_TYPE_U32) || id == OG_TYPE_DATE32 || id == OG_TYPE_DATE64 || id == OG_TYPE_BOOL;
}

static bool is_integer(og_type_id id)
{
  return id >= OG_TYPE_I8 && id <= OG_TYPE_U64;
}

/* The constant as a number of the column's kind; false: it is of another, or none that fits. */
static bool number_of(og_type_id column, const og_scalar *v, int64_t *out)
{
  if (is_integer(column) && is_integer(v->type.id)) {
    bool is_signed = v->type.id <= OG_TYPE_I64;
    *out = v->v.i;
    return is_signed || v->v.u <= INT64_MAX;
  }
  *out = column == OG_TYPE_BOOL ? v->v.b : v->v.i;
  return column == v->type.id;
}

static bool compile_number(const og_column *c, og_cmp_op cmp, const og_scalar *v, og_quick *q)
{
  int64_t at;
  if (!is_whole(c->type.id) || !number_of(c->type.id, v, &at)) return false;
  *q = (og_quick){.kind = OG_QUICK_NUMBER, .column = c, .lo = INT64_MIN, .hi = INT64_MAX, .outside = cmp == OG_CMP_NE};
  bool none = (cmp == OG_CMP_LT && at == INT64_MIN) || (cmp == OG_CMP_GT && at == INT64_MAX);
  if (cmp == OG_CMP_EQ || cmp == OG_CMP_NE) q->lo = q->hi = at;
  if (cmp == OG_CMP_LT) q->hi = at - !none;
  if (cmp == OG_CMP_LE) q->hi = at;
  if (cmp == OG_CMP_GT) q->lo = at + !none;
  if (cmp == OG_CMP_GE) q->lo = at;
  if (none) q->outside = true; /* what is not in [least, most] is nothing */
  if (none) q->lo = INT64_MIN, q->hi = INT64_MAX;
  return true;
}

static og_cmp_op turned(og_cmp_op cmp)
{
  static const og_cmp_op to[] = {[OG_CMP_EQ] = OG_CMP_EQ, [OG_CMP_NE] = OG_CMP_NE, [OG_CMP_LT] = OG_CMP_GT,
                                 [OG_CMP_LE] = OG_CMP_GE, [OG_CMP_GT] = OG_CMP_LT, [OG_CMP_GE] = OG_CMP_LE};
  return to[cmp];
}

static og_status compile_one(og_ctx *cx, og_run *run, og_test *t, const og_pexpr *px, bool *done)
{
  og_scalar v;
  const og_column *c;
  og_quick *q = &t->quick[t->n_quick];
  *done = false;
  if (px->kind != OG_PX_CMP) return OG_OK;
  unsigned field = px->args[0]->kind == OG_PX_FIELD ? 0 : 1;
  const og_pexpr *f = px->args[field], *constant = px->args[1 - field];
  if (f->kind != OG_PX_FIELD || !og_px_is_constant(constant) || constant->fails) return OG_OK;
  if (constant->kind != OG_PX_LITERAL && constant->kind != OG_PX_PARAM && constant->kind != OG_PX_NOW) return OG_OK;
  OG_TRY(og_run__value(cx, run, constant, NULL, &v));
  og_type_id id = f->type.type.id;
  if (v.is_null || !(is_whole(id) || id == OG_TYPE_UTF8)) return OG_OK;
  OG_TRY(og_view_column(cx, t->view, f->field, &c));
  og_cmp_op cmp = field ? turned(px->cmp) : px->cmp;
  if (c->type.id == OG_TYPE_UTF8 && og_type_is_string(v.type.id)) {
    *q = (og_quick){.kind = OG_QUICK_STRING, .column = c, .cmp = cmp, .str = v.v.s};
    *done = true;
  } else {
    *done = compile_number(c, cmp, &v, q);
  }
  return OG_OK;
}

og_status og_test_compile(og_ctx *cx, og_run *run, og_test *t)
{
  if (t->compiled) return OG_OK;
  t->compiled = true;
  if (t->n == 0) return OG_OK;
  t->quick = og_push_array(cx, t->n, sizeof *t->quick);
  t->slow = og_push_array(cx, t->n, sizeof *t->slow);
  if (!t->quick || !t->slow) return OG_ENOMEM;
  for (uint32_t i = 0; i < t->n; i++) {
    bool done;
    OG_TRY(compile_one(cx, run, t, t->filters[i], &done));
    if (done)
      t->n_quick++;
    else
      t->slow[t->n_slow++] = t->filters[i];
  }
  return OG_OK;
}

void og_test_cleanup(og_test *t)
{
  og_free(t->bits);
  og_free(t->rows);
}

/* ---- one row */

static int64_t load(const og_column *c, uint64_t row)
{
  switch (c->type.id) {
  case OG_TYPE_BOOL: return og_column_bool(c, (int64_t)row);
  case OG_TYPE_I8: return ((const int8_t *)c->data[0])[row];
  case OG_TYPE_I16: return ((const int16_t *)c->data[0])[row];
  case OG_TYPE_U8: return ((const uint8_t *)c->data[0])[row];
  case OG_TYPE_U16: return ((const uint16_t *)c->data[0])[row];
  case OG_TYPE_U32: return ((const uint32_t *)c->data[0])[row];
  case OG_TYPE_I32:
  case OG_TYPE_DATE32: return ((const int32_t *)c->data[0])[row];
  default: return ((const int64_t *)c->data[0])[row];
  }
}

static bool compares(og_cmp_op op, int c)
{
  switch (op) {
  case OG_CMP_EQ: return c == 0;
  case OG_CMP_NE: return c != 0;
  case OG_CMP_LT: return c < 0;
  case OG_CMP_LE: return c <= 0;
  case OG_CMP_GT: return c > 0;
  default: return c >= 0;
  }
}

static bool string_passes(const og_quick *q, uint64_t row)
{
  og_str s = og_column_str(q->column, (int64_t)row);
  if (q->cmp == OG_CMP_EQ) return og_str_eq(s, q->str);
  return compares(q->cmp, og_str_cmp(s, q->str));
}

static bool quick_passes(const og_quick *q, uint64_t row)
{
  if (og_column_is_null(q->column, (int64_t)row)) return false;
  if (q->kind == OG_QUICK_STRING) return string_passes(q, row);
  int64_t v = load(q->column, row);
  return (v >= q->lo && v <= q->hi) != q->outside;
}

og_status og_test_passes(og_ctx *cx, og_run *run, const og_test *t, uint64_t row, bool *out)
{
  *out = true;
  if (t->bits) {
    *out = og_bit_get(t->bits, (int64_t)row);
    return OG_OK;
  }
  for (uint32_t i = 0; i < t->n_quick; i++) {
    *out = quick_passes(&t->quick[i], row);
    if (!*out) return OG_OK;
  }
  if (t->n_slow == 0) return OG_OK;
  uint64_t slots[OG_TEST_SLOTS];
  slots[t->slot] = row; /* the others are not mentioned */
  for (uint32_t i = 0; *out && i < t->n_slow; i++) OG_TRY(og_run__holds(cx, run, t->slow[i], slots, out));
  return OG_OK;
}

/* ---- a whole table */

#define JUDGE(T)                                                                                                       \
  do {                                                                                                                 \
    const T *v = (const T *)c->data[0] + from;                                                                         \
    for (uint64_t i = 0; i < n; i++) out |= (uint64_t)((v[i] >= q->lo) & (v[i] <= q->hi)) << i;                        \
  } while (0)

/* Bits of up to 64 rows whose number is inside. */
static uint64_t inside(const og_quick *q, uint64_t from, uint64_t n)
{
  uint64_t out = 0;
  const og_column *c = q->column;
  switch (c->type.id) {
  case OG_TYPE_I32:
  case OG_TYPE_DATE32: JUDGE(int32_t); break;
  case OG_TYPE_U32: JUDGE(uint32_t); break;
  case OG_TYPE_I64:
  case OG_TYPE_DATE64: JUDGE(int64_t); break;
  default:
    for (uint64_t i = 0; i < n; i++) {
      int64_t v = load(c, from + i);
      out |= (uint64_t)(v >= q->lo && v <= q->hi) << i;
    }
  }
  return out;
}

static uint64_t judge_word(const og_quick *q, uint64_t from, uint64_t n, uint64_t among)
{
  uint64_t out = 0, valid = UINT64_MAX;
  const og_column *c = q->column;
  if (c->validity) memcpy(&valid, c->validity + from / 8, n == 64 ? 8 : (n + 7) / 8);
  among &= valid;
  if (q->kind == OG_QUICK_NUMBER) {
    out = inside(q, from, n);
    return among & (q->outside ? ~out : out);
  }
  for (uint64_t left = among; left; left &= left - 1) {
    uint64_t i = (uint64_t)__builtin_ctzll(left);
    out |= (uint64_t)string_passes(q, from + i) << i;
  }
  return out;
}

static og_status judge_block(og_ctx *cx, void *arg, size_t item, unsigned worker)
{
  og_test *t = arg;
  uint64_t from = (uint64_t)item * BLOCK, to = from + BLOCK < t->view->rows ? from + BLOCK : t->view->rows;
  (void)cx;
  (void)worker;
  for (uint64_t r = from; r < to; r += 64) {
    uint64_t n = to - r < 64 ? to - r : 64, word = n == 64 ? UINT64_MAX : (1ull << n) - 1, gone = 0;
    if (t->view->deleted) memcpy(&gone, t->view->deleted + r / 8, (n + 7) / 8);
    word &= ~gone;
    for (uint32_t i = 0; i < t->n_quick && word; i++) word = judge_word(&t->quick[i], r, n, word);
    memcpy(t->bits + r / 8, &word, 8);
  }
  return OG_OK;
}

static og_status judge_slowly(og_ctx *cx, og_run *run, og_test *t)
{
  uint64_t slots[OG_TEST_SLOTS];
  for (uint64_t r = 0; r < t->view->rows; r++) {
    bool holds = true;
    if ((r & 4095) == 0) OG_TRY(og_ctx_poll(cx));
    if (!og_bit_get(t->bits, (int64_t)r)) continue;
    slots[t->slot] = r;
    for (uint32_t i = 0; i < t->n_slow && holds; i++) OG_TRY(og_run__holds(cx, run, t->slow[i], slots, &holds));
    if (!holds) og_bit_clear(t->bits, (int64_t)r);
  }
  return OG_OK;
}

/* By the kernels, where most rows are still to be judged. */
static og_status judge_by_kernels(og_ctx *cx, og_run *run, og_test *t)
{
  og_vec rows = OG_VEC_INIT(uint64_t);
  const og_plan_op op = {.filters = t->filters, .n_filters = t->n};
  og_status st = og_run__select(cx, run, &op, t->slot, &rows);
  if (st == OG_OK) memset(t->bits, 0, t->view->rows / 8 + 8);
  for (size_t i = 0; st == OG_OK && i < rows.len; i++) og_bit_set(t->bits, (int64_t)OG_VEC_AT(&rows, uint64_t, i));
  og_vec_cleanup(&rows);
  return st;
}

og_status og_test_all(og_ctx *cx, og_run *run, og_test *t)
{
  uint64_t rows = t->view->rows;
  if (t->bits || t->rows || t->n == 0) return OG_OK;
  uint8_t *bits = t->bits = og_calloc(cx, rows / 8 + 16, 1);
  if (!bits) return OG_ENOMEM;
  og_status st = og_parallel(cx, (size_t)((rows + BLOCK - 1) / BLOCK), judge_block, t);
  uint64_t left = st == OG_OK && t->n_slow ? (uint64_t)og_bits_count(bits, 0, (int64_t)rows) : 0;
  if (st == OG_OK && t->n_slow) st = left > rows / 4 ? judge_by_kernels(cx, run, t) : judge_slowly(cx, run, t);
  if (st == OG_OK) t->kept = (uint64_t)og_bits_count(bits, 0, (int64_t)rows);
  return st;
}
