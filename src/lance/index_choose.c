/* SPDX-License-Identifier: MIT */
/* lance/index_choose.c -- conditions of a scan that an index answers.
 *
 *  (1) Answers are those of a scan: an index tells exactly the live rows, whatever it covers (index.c).  A value is
 *      first made the one of the column's type that is equal; of a list, those without one are left out, and a bound or
 *      a single value without one is left to the scan, which compares across kinds.
 *  (2) One index is asked: for "equal", "in" and "null" a BTREE or a BITMAP, for "has" a LABEL_LIST, for "contains" an
 * NGRAM, and for bounds a BTREE, all bounds of its column together.  The other conditions look at the rows it gives.
 *  (3) Who names many rows costs more than who reads them all: past a FEW_SHARE of the table an index is not asked.
 *  (4) An index is opened for the first condition that wants it, and kept: the first to open it wins.
 */
#include "lance/index_impl.h"

#define FEW_ROWS  4096 /* so many are always few */
#define FEW_SHARE 64   /* and this part of all is */

struct og_lance_indexes {
  og_lance_table *table; /* a reference */
  og_mutex mu;           /* guards the pointers below, never held across a read */
  og_lance_index **open; /* per column and kind; NULL: not yet, or there is none */
};

og_status og_lance_indexes_new(og_ctx *cx, og_lance_table *t, og_lance_indexes **out)
{
  const size_t n = (size_t)og_lance_table_schema(t)->arrow->n_fields * OG_INDEX_KINDS;
  og_lance_indexes *x = og_zalloc(cx, sizeof *x);
  if (!x) return OG_ENOMEM;
  og_mutex_init(&x->mu);
  x->table = og_lance_table_ref(t);
  x->open = og_calloc(cx, n + 1, sizeof(og_lance_index *));
  if (!x->open) {
    og_lance_indexes_free(x);
    return OG_ENOMEM;
  }
  *out = x;
  return OG_OK;
}

void og_lance_indexes_free(og_lance_indexes *x)
{
  if (!x) return;
  const size_t n = (size_t)og_lance_table_schema(x->table)->arrow->n_fields * OG_INDEX_KINDS;
  for (size_t i = 0; x->open && i < n; i++) og_lance_index_unref(x->open[i]);
  og_free(x->open);
  og_mutex_cleanup(&x->mu);
  og_lance_table_unref(x->table);
  og_free(x);
}

/* The index of a column; *out stays NULL when it has none. */
static og_status index_of(og_ctx *cx, og_lance_indexes *x, uint32_t column, og_lance_index_kind kind,
                          og_lance_index **out)
{
  og_str name;
  bool found;
  og_lance_index *mine;
  og_lance_index **at = &x->open[(size_t)column * OG_INDEX_KINDS + kind];
  og_mutex_lock(&x->mu);
  *out = *at;
  og_mutex_unlock(&x->mu);
  if (*out) return OG_OK;
  OG_TRY(og_lance_index_of_column(cx, x->table, column, kind, &name, &found));
  if (!found) return OG_OK;
  const og_status st = og_lance_index_open(cx, x->table, name, NULL, &mine);
  if (st == OG_EUNSUPPORTED) og_error_clear(cx); /* a layout we do not read: the rows are read instead */
  if (st != OG_OK) return st == OG_EUNSUPPORTED ? OG_OK : st;
  og_mutex_lock(&x->mu);
  if (!*at) {
    *at = mine;
    mine = NULL;
  }
  *out = *at;
  og_mutex_unlock(&x->mu);
  og_lance_index_unref(mine);
  return OG_OK;
}

/* ---- values */

static bool is_signed(og_type_id id)
{
  return id == OG_TYPE_I8 || id == OG_TYPE_I16 || id == OG_TYPE_I32 || id == OG_TYPE_I64;
}

static bool is_unsigned(og_type_id id)
{
  return id == OG_TYPE_U8 || id == OG_TYPE_U16 || id == OG_TYPE_U32 || id == OG_TYPE_U64;
}

static bool is_text(og_type_id id)
{
  return id == OG_TYPE_UTF8 || id == OG_TYPE_LARGE_UTF8;
}

/* Into a column of integers of so many bits; `v` comes as one or the other. */
static og_status put_integer(og_ctx *cx, og_builder *b, og_type to, const og_scalar *v, bool *fits)
{
  const unsigned bits = 8 * og_type_width(to.id);
  const bool from_signed = !is_unsigned(v->type.id), negative = from_signed && v->v.i < 0;
  const uint64_t u = from_signed ? (uint64_t)v->v.i : v->v.u;
  if (is_unsigned(to.id)) {
    *fits = !negative && (bits == 64 || u >> bits == 0);
    return *fits ? og_builder_u64(cx, b, u) : OG_OK;
  }
  const int64_t lowest = bits < 64 ? -((int64_t)1 << (bits - 1)) : INT64_MIN;
  *fits = negative ? v->v.i >= lowest : u <= (uint64_t)(-(lowest + 1));
  return *fits ? og_builder_i64(cx, b, (int64_t)u) : OG_OK;
}

/* A number of the other kind that is equal, in its widest type; itself when it is of this kind.  False: there is none.
 */
static bool as_kind(bool whole, const og_scalar *v, og_scalar *out)
{
  int order;
  *out = *v;
  if ((v->type.id != OG_TYPE_F64) == whole) return true;
  if (whole) { /* beyond what 64 bits hold, a cast has no meaning */
    const bool is_signed_value = v->v.f >= -0x1p63 && v->v.f < 0x1p63;
    if (!is_signed_value && !(v->v.f >= 0 && v->v.f < 0x1p64)) return false;
    out->type = og_type_of(is_signed_value ? OG_TYPE_I64 : OG_TYPE_U64);
    if (is_signed_value)
      out->v.i = (int64_t)v->v.f;
    else
      out->v.u = (uint64_t)v->v.f;
  } else {
    out->type = og_type_of(OG_TYPE_F64);
    out->v.f = is_unsigned(v->type.id) ? (double)v->v.u : (double)v->v.i;
  }
  return og_scalar_cmp(v, out, &order) && order == 0;
}

/* Appends the value as it stands in such a column; *fits false: nothing in it can be equal. */
static og_status put_value(og_ctx *cx, og_builder *b, const og_field *f, const og_scalar *v, bool *fits)
{
  const og_type to = f->type;
  *fits = false;
  if (to.id == OG_TYPE_BOOL && v->type.id == OG_TYPE_BOOL) {
    *fits = true;
    return og_builder_bool(cx, b, v->v.b);
  }
  if (is_text(to.id) && is_text(v->type.id)) {
    *fits = true;
    return og_builder_str(cx, b, v->v.s);
  }
  const bool number = is_signed(v->type.id) || is_unsigned(v->type.id) || v->type.id == OG_TYPE_F64;
  og_scalar same;
  if ((to.id == OG_TYPE_F32 || to.id == OG_TYPE_F64) && number) {
    *fits = as_kind(false, v, &same) &&
            (to.id == OG_TYPE_F64 || same.v.f != same.v.f || (double)(float)same.v.f == same.v.f);
    return *fits ? og_builder_f64(cx, b, same.v.f) : OG_OK;
  }
  if ((is_signed(to.id) || is_unsigned(to.id)) && number)
    return as_kind(true, v, &same) ? put_integer(cx, b, to, &same, fits) : OG_OK;
  const bool time = to.id == OG_TYPE_DATE32 || to.id == OG_TYPE_DATE64 || og_type_has_unit(to.id);
  if (time && og_type_eq(to, v->type)) return put_integer(cx, b, to, v, fits);
  return OG_OK;
}

/* Those of n values that the column can hold; *all: every one. */
static og_status values_of(og_ctx *cx, const og_field *f, const og_scalar *v, size_t n, og_column **out, bool *all)
{
  OG_AUTO(og_builder_p) b = NULL;
  const og_field plain = {.name = f->name, .type = f->type, .nullable = true};
  *all = true;
  OG_TRY(og_builder_new(cx, &plain, &b));
  for (size_t i = 0; i < n; i++) {
    bool fits;
    OG_TRY(put_value(cx, b, f, &v[i], &fits));
    *all = *all && fits;
  }
  return og_builder_finish(cx, b, out);
}

/* ---- one question */

typedef struct conditions {
  const og_lance_condition *where;
  uint32_t n;
  bool *answered; /* by the question: n of them */
} conditions;

typedef struct question {
  bool can; /* be asked */
  og_lance_index *index;
  og_lance_index_query query;
  og_column *own[2]; /* that the query borrows */
} question;

static void question_cleanup(question *q)
{
  og_column_unref(q->own[0]);
  og_column_unref(q->own[1]);
}

static bool is_bound(const og_lance_condition *c)
{
  return c->kind == OG_LANCE_COMPARES && c->op != OG_CMP_EQ && c->op != OG_CMP_NE;
}

/* Is bound `b` on the same side narrower than `a`?  What does not compare is not. */
static bool is_narrower(const og_lance_condition *b, const og_lance_condition *a, bool low)
{
  int order;
  if (!og_scalar_cmp(&b->value, &a->value, &order)) return false;
  if (order) return low ? order > 0 : order < 0;
  return b->op == OG_CMP_GT || b->op == OG_CMP_LT;
}

/* All bounds of the column of condition `first` as one range; those that belong to it are answered. */
static og_status range_of(og_ctx *cx, const og_field *f, const conditions *c, uint32_t first, question *q)
{
  const og_lance_condition *ends[2] = {NULL, NULL};
  for (uint32_t i = first; i < c->n; i++) {
    const og_lance_condition *w = &c->where[i];
    if (w->column != c->where[first].column || !is_bound(w)) continue;
    const bool low = w->op == OG_CMP_GT || w->op == OG_CMP_GE;
    if (!ends[!low] || is_narrower(w, ends[!low], low)) ends[!low] = w;
    c->answered[i] = true;
  }
  q->query.op = OG_INDEX_RANGE;
  for (int i = 0; i < 2 && q->can; i++)
    if (ends[i]) OG_TRY(values_of(cx, f, &ends[i]->value, 1, &q->own[i], &q->can));
  q->query.low = q->own[0];
  q->query.high = q->own[1];
  q->query.low_open = ends[0] && ends[0]->op == OG_CMP_GT;
  q->query.high_open = ends[1] && ends[1]->op == OG_CMP_LT;
  return OG_OK;
}

/* What is equal to a value, or one of several. */
static og_status values_in(og_ctx *cx, const og_field *f, const og_lance_condition *w, question *q)
{
  const bool list = w->kind == OG_LANCE_IN;
  bool all;
  OG_TRY(values_of(cx, w->kind == OG_LANCE_HAS ? &f->children[0] : f, list ? w->values : &w->value,
                   list ? w->n_values : 1, &q->own[0], &all));
  q->can = list || all;
  q->query = (og_lance_index_query){.op = OG_INDEX_IN, .values = q->own[0]};
  return OG_OK;
}

/* What to ask for condition i, and which conditions that answers. */
static og_status make_question(og_ctx *cx, const og_lance_indexes *x, const conditions *c, uint32_t i, question *q)
{
  const og_lance_condition *w = &c->where[i];
  const og_field *f = &og_lance_table_schema(x->table)->arrow->fields[w->column];
  memset(c->answered, 0, c->n);
  q->can = c->answered[i] = true;
  switch (w->kind) {
  case OG_LANCE_IS_NOT_NULL: q->can = false; return OG_OK;
  case OG_LANCE_IS_NULL: q->query.op = OG_INDEX_NULL; return OG_OK;
  case OG_LANCE_CONTAINS:
    q->query = (og_lance_index_query){.op = OG_INDEX_CONTAINS, .part = w->value.v.s};
    q->can = og_lance_index_tells(q->query.part); /* else a scan reads all texts, too, and less at a time */
    return OG_OK;
  case OG_LANCE_COMPARES:
    if (is_bound(w)) return range_of(cx, f, c, i, q);
    q->can = w->op == OG_CMP_EQ;
    return q->can ? values_in(cx, f, w, q) : OG_OK;
  case OG_LANCE_HAS:
  case OG_LANCE_IN: break;
  }
  return values_in(cx, f, w, q);
}

static og_status find_index(og_ctx *cx, og_lance_indexes *x, const og_lance_condition *c, question *q)
{
  if (c->kind == OG_LANCE_CONTAINS) return index_of(cx, x, c->column, OG_INDEX_NGRAM, &q->index);
  if (c->kind == OG_LANCE_HAS) return index_of(cx, x, c->column, OG_INDEX_LABELS, &q->index);
  OG_TRY(index_of(cx, x, c->column, OG_INDEX_BTREE, &q->index));
  if (q->index || is_bound(c)) return OG_OK;
  return index_of(cx, x, c->column, OG_INDEX_BITMAP, &q->index);
}

static og_status is_worth_it(og_ctx *cx, const og_lance_indexes *x, question *q)
{
  const uint64_t all = og_lance_table_physical_rows(x->table);
  uint64_t rows;
  if (!q->can || (q->index->kind != OG_INDEX_BTREE && q->index->kind != OG_INDEX_BITMAP)) return OG_OK;
  OG_TRY(og_lance_index_about(cx, q->index, &q->query, &rows));
  q->can = rows <= FEW_ROWS || rows <= all / FEW_SHARE;
  return OG_OK;
}

static og_status try_condition(og_ctx *cx, og_lance_indexes *x, const conditions *c, uint32_t i, og_vec *out,
                               bool *used)
{
  OG_AUTO(question) q = {0};
  OG_TRY(find_index(cx, x, &c->where[i], &q));
  if (!q.index) return OG_OK;
  OG_TRY(make_question(cx, x, c, i, &q));
  OG_TRY(is_worth_it(cx, x, &q));
  if (!q.can) return OG_OK;
  *used = true;
  return og_lance_index_rows(cx, q.index, &q.query, out);
}

og_status og_lance_indexes_rows(og_ctx *cx, og_lance_indexes *x, const og_lance_condition *where, uint32_t n,
                                og_vec *out, bool *answered, bool *used)
{
  const conditions c = {where, n, answered};
  *used = false;
  for (int bounds = 0; bounds < 2; bounds++) /* what is equal is fewer than what lies between */
    for (uint32_t i = 0; i < n && !*used; i++)
      if (is_bound(&where[i]) == (bounds == 1)) OG_TRY(try_condition(cx, x, &c, i, out, used));
  return OG_OK;
}
