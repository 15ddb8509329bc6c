/* SPDX-License-Identifier: MIT */
/* lance/take.c -- rows of a version by offset, a column whole, and the search for a text. */
#include "arrow/kernels.h"
#include "base/pool.h"
#include "lance/index_impl.h"
#include "lance/table_impl.h"

#include <inttypes.h>

/* ---- a column whole, rows by offset */

og_status og_lance_table_column(og_ctx *cx, og_lance_table *t, uint32_t column, og_column **out)
{
  uint32_t n = t->m.n_fragments;
  if (n == 0) return og_column_nulls(cx, &t->m.schema->arrow->fields[column], 0, out);
  og_column **parts = og_calloc(cx, n, sizeof(og_column *));
  if (!parts) return OG_ENOMEM;
  og_status st = OG_OK;
  for (uint32_t i = 0; st == OG_OK && i < n; i++) {
    og_table__source source;
    st = og_table__locate(cx, cx->arena, t, i, column, &source);
    if (st == OG_OK) st = og_table__read(cx, &source, 0, t->m.fragments[i].rows, NULL, &parts[i]);
  }
  if (st == OG_OK) st = og_column_concat(cx, parts, n, out);
  for (uint32_t i = 0; i < n; i++) og_column_unref(parts[i]);
  og_free(parts);
  return st;
}

/* ---- searching */

#define SEARCHED_BYTES ((uint64_t)16 << 20)

static uint64_t column_bytes(const og_column *c)
{
  return c->bytes_len + (uint64_t)c->len * 4 + (c->validity ? (uint64_t)c->len / 8 : 0);
}

static og_column *kept_part(og_lance_table *t, uint32_t fragment, uint32_t column)
{
  og_fragment_state *s = &t->frags[fragment];
  og_column *part = NULL;
  og_mutex_lock(&t->mu);
  if (s->searched && s->searched_column == column) part = og_column_ref(s->searched);
  og_mutex_unlock(&t->mu);
  return part;
}

static void keep_part(og_lance_table *t, uint32_t fragment, uint32_t column, og_column *part)
{
  og_fragment_state *s = &t->frags[fragment];
  uint64_t bytes = column_bytes(part);
  og_mutex_lock(&t->mu);
  if (!s->searched && bytes <= SEARCHED_BYTES - t->searched_bytes) {
    s->searched = og_column_ref(part);
    s->searched_column = column;
    t->searched_bytes += bytes;
  }
  og_mutex_unlock(&t->mu);
}

static og_status searched_part(og_ctx *cx, og_lance_table *t, uint32_t fragment, uint32_t column, og_column **out)
{
  og_table__source source;
  og_column *part = kept_part(t, fragment, column);
  if (!part) {
    OG_TRY(og_table__locate(cx, cx->arena, t, fragment, column, &source));
    OG_TRY(og_table__read(cx, &source, 0, t->m.fragments[fragment].rows, NULL, &part));
    keep_part(t, fragment, column, part);
  }
  *out = part;
  return OG_OK;
}

static og_status find_in_part(og_ctx *cx, const og_column *part, uint64_t first, og_str value, const uint8_t *deleted,
                              uint64_t *offset, bool *found)
{
  const og_scalar want = {.type = og_type_of(OG_TYPE_UTF8), .v.s = value};
  uint32_t *rows = og_alloc(cx, ((size_t)part->len + 1) * sizeof *rows);
  if (!rows) return OG_ENOMEM;
  size_t n = og_kernels_scalar.select_cmp(part, OG_CMP_EQ, &want, NULL, (size_t)part->len, rows);
  for (size_t i = 0; i < n && !*found; i++) {
    *offset = first + rows[i];
    *found = !deleted || !og_bit_get(deleted, (int64_t)*offset);
  }
  og_free(rows);
  return OG_OK;
}

og_status og_lance_table_find(og_ctx *cx, og_lance_table *t, uint32_t column, og_str value, uint64_t *offset,
                              bool *found)
{
  const uint8_t *deleted;
  og_status st = og_lance_table_deleted(cx, t, &deleted);
  *found = false;
  for (uint32_t i = 0; st == OG_OK && i < t->m.n_fragments && !*found; i++) {
    og_column *part = NULL;
    st = searched_part(cx, t, i, column, &part);
    if (st == OG_OK) st = find_in_part(cx, part, t->first[i], value, deleted, offset, found);
    og_column_unref(part);
  }
  return st;
}

/* Data files are immutable and their names unique, so the same name is the same rows. */
static bool same_rows(const og_fragment *a, const og_fragment *b)
{
  if (a->id != b->id || a->rows != b->rows || a->n_files != b->n_files || a->n_files == 0) return false;
  for (uint32_t i = 0; i < a->n_files; i++) {
    const og_data_file *x = &a->files[i], *y = &b->files[i];
    if (!og_str_eq(x->path, y->path) || x->has_base != y->has_base || x->base != y->base) return false;
  }
  return true;
}

/* An opened data file: its footer need not be read again. */
static void inherit_file(og_lance_table *t, uint32_t i, og_lance_table *older, uint32_t k, uint32_t file)
{
  og_mutex_lock(&older->mu);
  og_lance_file *f = older->frags[k].files[file] ? og_lance_file_ref(older->frags[k].files[file]) : NULL;
  og_mutex_unlock(&older->mu);
  og_mutex_lock(&t->mu);
  if (!t->frags[i].files[file]) {
    t->frags[i].files[file] = f;
    f = NULL;
  }
  og_mutex_unlock(&t->mu);
  og_lance_file_unref(f);
}

static int32_t field_id(const og_lance_table *t, uint32_t column)
{
  const og_lance_schema *s = t->m.schema;
  return column < s->arrow->n_fields ? s->fields[og_lance_schema_top(s, column)].id : -1;
}

static void inherit_part(og_lance_table *t, uint32_t i, og_lance_table *older, uint32_t k)
{
  og_mutex_lock(&older->mu);
  uint32_t column = older->frags[k].searched_column;
  og_column *part = older->frags[k].searched ? og_column_ref(older->frags[k].searched) : NULL;
  og_mutex_unlock(&older->mu);
  /* Columns may have come and gone between the two: the place says nothing, the id does. */
  if (part && field_id(t, column) == field_id(older, column)) keep_part(t, i, column, part);
  og_column_unref(part);
}

void og_lance_table_inherit(og_lance_table *t, og_lance_table *older)
{
  uint32_t k = 0;
  for (uint32_t i = 0; i < t->m.n_fragments; i++) {
    const og_fragment *f = &t->m.fragments[i];
    while (k < older->m.n_fragments && older->m.fragments[k].id < f->id) k++;
    if (k == older->m.n_fragments) return;
    if (!same_rows(f, &older->m.fragments[k])) continue;
    for (uint32_t file = 0; file < f->n_files; file++) inherit_file(t, i, older, k, file);
    inherit_part(t, i, older, k);
  }
}

og_status og_lance_table_deleted(og_ctx *cx, og_lance_table *t, const uint8_t **bitmap)
{
  og_mutex_lock(&t->mu);
  bool loaded = t->deleted_loaded;
  og_mutex_unlock(&t->mu);
  if (!loaded) {
    uint8_t *all = t->rows == t->physical_rows ? NULL : og_zalloc(cx, t->physical_rows / 8 + 8);
    if (t->rows != t->physical_rows && !all) return OG_ENOMEM;
    for (uint32_t i = 0; all && i < t->m.n_fragments; i++) {
      const uint8_t *bits;
      og_status st = og_table__deleted(cx, t, i, &bits);
      if (st != OG_OK) {
        og_free(all);
        return st;
      }
      if (bits) og_bits_copy(all, (int64_t)t->first[i], bits, 0, (int64_t)t->m.fragments[i].rows);
    }
    og_mutex_lock(&t->mu);
    if (!t->deleted_loaded) {
      t->deleted = all;
      t->deleted_loaded = true;
      all = NULL;
    }
    og_mutex_unlock(&t->mu);
    og_free(all);
  }
  *bitmap = t->deleted;
  return OG_OK;
}

static og_status check_offset(og_ctx *cx, const og_lance_table *t, uint64_t offset)
{
  if (offset < t->physical_rows) return OG_OK;
  return og_fail(cx, OG_EINVALID, "row offset %" PRIu64 " of '" OG_STR_FMT "', which has %" PRIu64, offset,
                 OG_STR_ARG(t->at.root), t->physical_rows);
}

og_status og_lance_table_row_ids(og_ctx *cx, og_lance_table *t, const uint64_t *offsets, size_t n, uint64_t *ids,
                                 uint64_t *created)
{
  const og_fragment_state *s = NULL;
  uint64_t from = 0, to = 0; /* offsets of the fragment that `s` is of */
  for (size_t i = 0; i < n; i++) {
    OG_TRY(check_offset(cx, t, offsets[i]));
    if (offsets[i] < from || offsets[i] >= to) {
      uint32_t f = og_table__fragment_at(t, offsets[i]);
      OG_TRY(og_table__sequences(cx, t, f, &s));
      from = t->first[f];
      to = from + t->m.fragments[f].rows;
    }
    ids[i] = og_rowids_get(&s->ids, offsets[i] - from);
    if (created) created[i] = og_version_runs_get(&s->created, offsets[i] - from);
  }
  return OG_OK;
}

/* An updated row's id stands at its old place, too, which is deleted. */
static og_status live_offset(og_ctx *cx, const og_lance_table *t, const og_places *places, uint64_t id,
                             const uint8_t *deleted, og_vec *found, uint64_t *out)
{
  og_vec_clear(found);
  OG_TRY(og_places_find(cx, places, (og_index__ids){.from = id, .to = id}, found));
  for (size_t i = 0; i < found->len; i++) {
    *out = OG_VEC_AT(found, uint64_t, i);
    if (!deleted || !og_bit_get(deleted, (int64_t)*out)) return OG_OK;
  }
  return og_fail(cx, OG_ENOTFOUND, "no row of '" OG_STR_FMT "' has the row id %" PRIu64, OG_STR_ARG(t->at.root), id);
}

og_status og_lance_table_offsets(og_ctx *cx, og_lance_table *t, const uint64_t *ids, size_t n, uint64_t *offsets)
{
  OG_AUTO(og_places) places = {0};
  OG_AUTO(og_vec) found = OG_VEC_INIT(uint64_t);
  const uint8_t *deleted;
  OG_TRY(og_lance_table_deleted(cx, t, &deleted));
  OG_TRY(og_places_init(cx, t, false, &places));
  for (size_t i = 0; i < n; i++) OG_TRY(live_offset(cx, t, &places, ids[i], deleted, &found, &offsets[i]));
  return OG_OK;
}

typedef struct wanted {
  uint64_t offset;
  size_t at; /* position in the request */
} wanted;

static int by_offset(const void *a, const void *b, void *arg)
{
  (void)arg;
  const wanted *x = a, *y = b;
  return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* A request sorted and made distinct: rows[] ascending dense offsets, back[] position of each request in them. */
typedef struct take_plan {
  uint64_t *rows;
  int64_t *back;
  size_t n_rows;
  bool in_order; /* the request was ascending and distinct already */
  bool refs;     /* blobs as references */
} take_plan;

static og_status plan_take(og_ctx *cx, const uint64_t *offsets, size_t n, take_plan *p)
{
  p->rows = og_calloc(cx, n + 1, sizeof *p->rows);
  p->back = og_calloc(cx, n + 1, sizeof *p->back);
  wanted *w = og_calloc(cx, n + 1, sizeof *w);
  og_status st = p->rows && p->back && w ? OG_OK : OG_ENOMEM;
  p->in_order = true;
  for (size_t i = 0; st == OG_OK && i < n; i++) {
    w[i] = (wanted){offsets[i], i};
    p->in_order = p->in_order && (i == 0 || offsets[i] > offsets[i - 1]);
  }
  if (st == OG_OK && !p->in_order) st = og_sort(cx, w, n, sizeof *w, by_offset, NULL);
  for (size_t i = 0; st == OG_OK && i < n; i++) {
    if (p->n_rows == 0 || p->rows[p->n_rows - 1] != w[i].offset) p->rows[p->n_rows++] = w[i].offset;
    p->back[w[i].at] = (int64_t)(p->n_rows - 1);
  }
  og_free(w);
  return st;
}

static og_field field_of(const og_lance_table *t, uint32_t column, bool refs)
{
  og_table__source s = {.ref.field = &t->m.schema->arrow->fields[column]};
  if (refs) og_table__refer(&s);
  return s.ref.refs ? s.as : *s.ref.field;
}

/* All rows of the plan of one column, ascending. */
static og_status take_sorted(og_ctx *cx, og_lance_table *t, uint32_t column, const take_plan *p, og_column **out)
{
  og_vec parts = OG_VEC_INIT(og_column *);
  og_status st = OG_OK;
  for (size_t i = 0; st == OG_OK && i < p->n_rows;) {
    uint32_t f = og_table__fragment_at(t, p->rows[i]);
    uint64_t end = t->first[f] + t->m.fragments[f].rows;
    size_t j = i;
    while (j < p->n_rows && p->rows[j] < end) j++;
    uint64_t *local = og_calloc(cx, j - i + 1, sizeof *local);
    if (!local) st = OG_ENOMEM;
    for (size_t k = i; local && k < j; k++) local[k - i] = p->rows[k] - t->first[f];
    og_column *part = NULL;
    og_table__source source;
    if (st == OG_OK) st = og_table__locate(cx, cx->arena, t, f, column, &source);
    if (st == OG_OK && p->refs) og_table__refer(&source);
    if (st == OG_OK) st = og_table__read(cx, &source, 0, j - i, local, &part);
    if (st == OG_OK && (st = og_vec_add(cx, &parts, &part)) != OG_OK) og_column_unref(part);
    og_free(local);
    i = j;
  }
  const og_field field = field_of(t, column, p->refs);
  if (st == OG_OK && parts.len == 0)
    st = og_column_nulls(cx, &field, 0, out);
  else if (st == OG_OK)
    st = og_column_concat(cx, parts.data, parts.len, out);
  for (size_t i = 0; i < parts.len; i++) og_column_unref(OG_VEC_AT(&parts, og_column *, i));
  og_vec_cleanup(&parts);
  return st;
}

static og_status take_column(og_ctx *cx, og_lance_table *t, uint32_t column, const take_plan *p, size_t n,
                             og_column **out)
{
  og_column *sorted;
  OG_TRY(take_sorted(cx, t, column, p, &sorted));
  if (p->in_order) {
    *out = sorted;
    return OG_OK;
  }
  og_status st = og_column_take(cx, sorted, p->back, (int64_t)n, out);
  og_column_unref(sorted);
  return st;
}

typedef struct taking {
  og_lance_table *t;
  const uint32_t *columns;
  const take_plan *plan;
  size_t n;
  og_column **out;
} taking;

static og_status take_one(og_ctx *cx, void *arg, size_t item, unsigned worker)
{
  const taking *k = arg;
  (void)worker;
  return take_column(cx, k->t, k->columns[item], k->plan, k->n, &k->out[item]);
}

static og_status take_columns(og_ctx *cx, taking *k, uint32_t n)
{
  og_status st = OG_OK;
  if (k->plan->n_rows >= OG_TABLE__FEW_ROWS) return og_parallel(cx, n, take_one, k);
  for (uint32_t i = 0; st == OG_OK && i < n; i++) st = take_one(cx, k, i, 0);
  return st;
}

static og_status take_all(og_ctx *cx, og_lance_table *t, const uint32_t *columns, uint32_t n_columns,
                          const take_plan *p, size_t n, og_batch **out)
{
  og_field *fields = og_push_array(cx, n_columns + 1, sizeof *fields);
  og_column **cols = og_push_array(cx, n_columns + 1, sizeof(og_column *));
  og_schema *schema = NULL;
  if (!fields || !cols) return OG_ENOMEM;
  for (uint32_t i = 0; i < n_columns; i++) fields[i] = field_of(t, columns[i], p->refs);
  og_status st = og_schema_new(cx, fields, n_columns, NULL, 0, &schema);
  taking k = {.t = t, .columns = columns, .plan = p, .n = n, .out = cols};
  if (st == OG_OK) st = take_columns(cx, &k, n_columns);
  if (st == OG_OK) st = og_batch_new(cx, schema, cols, n_columns, (int64_t)n, out);
  for (uint32_t i = 0; i < n_columns; i++) og_column_unref(cols[i]);
  og_schema_unref(schema);
  return st;
}

/* A request as it came. */
typedef struct take_request {
  const uint32_t *columns;
  uint32_t n_columns;
  const uint64_t *offsets;
  size_t n;
  bool refs;
} take_request;

static og_status take(og_ctx *cx, og_lance_table *t, const take_request *r, og_batch **out)
{
  take_plan p = {.refs = r->refs};
  for (size_t i = 0; i < r->n; i++) OG_TRY(check_offset(cx, t, r->offsets[i]));
  og_status st = plan_take(cx, r->offsets, r->n, &p);
  if (st == OG_OK) st = take_all(cx, t, r->columns, r->n_columns, &p, r->n, out);
  og_free(p.rows);
  og_free(p.back);
  return st;
}

og_status og_lance_table_take(og_ctx *cx, og_lance_table *t, const uint32_t *columns, uint32_t n_columns,
                              const uint64_t *offsets, size_t n, og_batch **out)
{
  return take(cx, t, &(take_request){columns, n_columns, offsets, n, false}, out);
}

og_status og_lance_table_take_refs(og_ctx *cx, og_lance_table *t, const uint32_t *columns, uint32_t n_columns,
                                   const uint64_t *offsets, size_t n, og_batch **out)
{
  return take(cx, t, &(take_request){columns, n_columns, offsets, n, true}, out);
}

og_status og_lance_table_blob(og_ctx *cx, og_lance_table *t, uint32_t column, uint64_t offset, og_lance_blob *out)
{
  const og_field *field = &t->m.schema->arrow->fields[column];
  og_table__source source;
  *out = (og_lance_blob){.null = true};
  OG_TRY(check_offset(cx, t, offset));
  if (!og_lance_is_blob(field))
    return og_fail(cx, OG_EINVALID, "column '" OG_STR_FMT "' of '" OG_STR_FMT "' is no blob", OG_STR_ARG(field->name),
                   OG_STR_ARG(t->at.root));
  const uint32_t f = og_table__fragment_at(t, offset);
  OG_TRY(og_table__locate(cx, cx->arena, t, f, column, &source));
  return source.file ? og_lance_file_blob(cx, source.file, &source.ref, offset - t->first[f], out) : OG_OK;
}

og_status og_lance_table_blob_read(og_ctx *cx, og_lance_table *t, const og_lance_blob *b, uint64_t from, uint64_t most,
                                   og_buf *out)
{
  if (b->null || from >= b->size) return OG_OK;
  if (most > b->size - from) most = b->size - from;
  OG_TRY_NOTE(cx, og_store_get_range(cx, b->store, b->key, b->off + from, most, out),
              "while reading a blob of '" OG_STR_FMT "'", OG_STR_ARG(t->at.root));
  return OG_OK;
}
