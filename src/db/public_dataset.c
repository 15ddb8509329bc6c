/* SPDX-License-Identifier: MIT */
/* db/public_dataset.c -- Lance tables in the C API: opening and reading.
 *
 *  (1) A dataset owns a world: account, env, pool.  Streams hold a reference of it, so they outlive og_dataset_close.
 *  (2) What a stream gives is charged to the account, which is a block of itself (og_mem_new) and needs no dataset.
 */
#include "db/public_dataset.h"
#include "arrow/builder.h"
#include "arrow/c_data.h"
#include "base/env.h"
#include "base/pool.h"
#include "lance/index.h"
#include "lance/scan_order.h"

#include <errno.h>

void og_db__dataset_unref(og_dataset *d)
{
  if (!d || atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) != 1) return;
  og_mem *mem = d->mem;
  og_lance_indexes_free(d->indexes);
  og_mutex_cleanup(&d->mu);
  og_lance_table_unref(d->table);
  og_pool_free(d->rt.pool);
  og_env_posix_free(d->rt.env);
  og_free(d);
  og_mem_free(mem);
}

og_dataset *og_db__dataset_ref(og_dataset *d)
{
  atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
  return d;
}

void og_dataset_close(og_dataset *dataset)
{
  og_db__dataset_unref(dataset);
}

/* ---- opening */

void og_dataset_opts_init(og_dataset_opts *opts)
{
  *opts = (og_dataset_opts){.size = sizeof *opts};
}

static og_status open_table(og_ctx *cx, og_str uri, og_str branch, uint64_t version, og_lance_table **out)
{
  og_lance_place at;
  uint64_t newest;
  OG_TRY(og_lance_place_open(cx, uri, branch, true, &at));
  og_status st = og_lance_newest_version(cx, &at, &newest);
  if (st == OG_OK && newest == 0)
    st = og_fail(cx, OG_ENOTFOUND, "no Lance table at '" OG_STR_FMT "'%s" OG_STR_FMT ": it has no _versions",
                 OG_STR_ARG(uri), branch.len ? ", branch " : "", OG_STR_ARG(branch));
  if (st == OG_OK && version > newest)
    st = og_fail(cx, OG_ENOTFOUND, "'" OG_STR_FMT "' has no version %llu: the newest is %llu", OG_STR_ARG(uri),
                 (unsigned long long)version, (unsigned long long)newest);
  if (st == OG_OK) st = og_lance_table_open(cx, &at, version ? version : newest, OG_STR_NONE, out);
  og_store_unref(at.store);
  return st;
}

og_status og_db__dataset_enter(og_call *c, og_dataset *d, uint64_t timeout_ms, const og_cancel *cancel)
{
  OG_TRY(og_env_posix_new(d->mem, &d->rt.env));
  c->cx.rt = &d->rt;
  c->cx.env = d->rt.env;
  og_db__call_bound(c, timeout_ms, cancel);
  return OG_OK;
}

static og_status open_dataset(og_call *c, og_dataset *d, const char *uri, const og_dataset_opts *o)
{
  og_ctx *cx = &c->cx;
  og_str at, branch;
  OG_TRY(og_db__text_need(cx, uri, "uri", &at));
  OG_TRY(og_db__text_take(cx, o->branch, "branch", &branch));
  OG_TRY(og_db__dataset_enter(c, d, o->timeout_ms, o->cancel));
  OG_TRY(open_table(cx, at, branch, o->version, &d->table));
  for (size_t i = 0; o->blob_folders && o->blob_folders[i]; i++) {
    og_str folder;
    OG_TRY(og_db__text_need(cx, o->blob_folders[i], "blob_folders", &folder));
    OG_TRY(og_lance_table_allow_blobs(cx, d->table, folder));
  }
  return o->threads == 1 ? OG_OK : og_pool_new(cx, o->threads, &d->rt.pool);
}

og_status og_db__dataset_new(og_ctx *cx, uint64_t memory_limit, og_dataset **out)
{
  og_mem *mem = og_mem_new(memory_limit);
  if (!mem) return og_fail(cx, OG_ENOMEM, "out of memory (a dataset)");
  cx->mem = mem;
  og_dataset *d = og_zalloc(cx, sizeof *d);
  if (!d) {
    og_mem_free(mem);
    return OG_ENOMEM;
  }
  atomic_init(&d->refs, 1);
  og_mutex_init(&d->mu);
  d->mem = mem;
  *out = d;
  return OG_OK;
}

og_status og_dataset_open(const char *uri, const og_dataset_opts *opts, og_dataset **out, og_error *err)
{
  og_call c;
  og_runtime none = {0};
  og_dataset_opts o;
  og_dataset *d = NULL;
  og_ctx *cx = og_db__call_bare(&c, &none.mem, &none, err);
  og_dataset_opts_init(&o);
  OG_TRY(og_db__opts_take(cx, &o, sizeof o, opts));
  OG_TRY(og_db__dataset_new(cx, o.memory_limit, &d));
  og_status st = og_db__call_end(&c, open_dataset(&c, d, uri, &o));
  if (st == OG_OK)
    *out = d;
  else
    og_db__dataset_unref(d);
  return st;
}

/* ---- facts */

uint64_t og_dataset_version(const og_dataset *dataset)
{
  return og_lance_table_version(dataset->table);
}

uint64_t og_dataset_row_count(const og_dataset *dataset)
{
  return og_lance_table_rows(dataset->table);
}

uint64_t og_dataset_fragment_count(const og_dataset *dataset)
{
  return og_lance_table_fragments(dataset->table);
}

static og_ctx *call_begin(og_call *c, og_dataset *d, og_error *err)
{
  return og_db__call_bare(c, d->mem, &d->rt, err);
}

og_status og_dataset_schema(og_dataset *dataset, struct ArrowSchema *out, og_error *err)
{
  og_call c;
  og_ctx *cx = call_begin(&c, dataset, err);
  const og_lance_schema *s = og_lance_table_schema(dataset->table);
  return og_db__call_end(&c, og_arrow_export_schema(cx, s->arrow, out));
}

/* ---- columns and conditions */

static og_status column_by_name(og_ctx *cx, const og_lance_table *t, const char *given, uint32_t *out)
{
  const og_schema *s = og_lance_table_schema(t)->arrow;
  og_str name;
  OG_TRY(og_db__text_need(cx, given, "a column's name", &name));
  for (uint32_t i = 0; i < s->n_fields; i++)
    if (og_str_eq(s->fields[i].name, name)) {
      *out = i;
      return OG_OK;
    }
  return og_fail(cx, OG_EINVALID, "the table has no column \"" OG_STR_FMT "\"", OG_STR_ARG(name));
}

/* In cx->arena; all of them for NULL. */
static og_status columns_by_name(og_ctx *cx, const og_dataset *d, const char *const *names, uint32_t **out, uint32_t *n)
{
  const uint32_t all = og_lance_table_schema(d->table)->arrow->n_fields;
  *n = names ? 0 : all;
  while (names && names[*n]) {
    if (*n == OG_LIMIT_COLUMNS) return og_fail(cx, OG_ELIMIT, "more than %u columns", OG_LIMIT_COLUMNS);
    ++*n;
  }
  uint32_t *columns = og_push_array(cx, (size_t)*n + 1, sizeof *columns);
  if (!columns) return OG_ENOMEM;
  for (uint32_t i = 0; i < *n; i++) {
    columns[i] = i;
    if (names) OG_TRY(column_by_name(cx, d->table, names[i], &columns[i]));
  }
  *out = columns;
  return OG_OK;
}

static og_status text_value(og_ctx *cx, const og_value *v, og_scalar *out)
{
  OG_TRY(og_db__text_need(cx, v->as.text, "a condition's text", &out->v.s));
  out->type = og_type_of(OG_TYPE_UTF8);
  return OG_OK;
}

/* The value as it compares with a column of this type; a type of its own where the column's is none of these. */
static og_status scalar_of(og_ctx *cx, const og_value *v, og_type type, og_scalar *out)
{
  const bool stored = /* as an integer */
      type.id == OG_TYPE_DATE32 || type.id == OG_TYPE_DATE64 || og_type_has_unit(type.id);
  *out = (og_scalar){0};
  switch (v->kind) {
  case OG_VALUE_BOOL:
    out->type = og_type_of(OG_TYPE_BOOL);
    out->v.b = v->as.boolean;
    return OG_OK;
  case OG_VALUE_INT:
    out->type = stored ? type : og_type_of(OG_TYPE_I64);
    out->v.i = v->as.integer;
    return OG_OK;
  case OG_VALUE_UINT:
    if (stored && v->as.unsigned_integer > INT64_MAX)
      return og_fail(cx, OG_EINVALID, "%llu is beyond what a date or time can be",
                     (unsigned long long)v->as.unsigned_integer);
    out->type = stored ? type : og_type_of(OG_TYPE_U64);
    if (stored)
      out->v.i = (int64_t)v->as.unsigned_integer;
    else
      out->v.u = v->as.unsigned_integer;
    return OG_OK;
  case OG_VALUE_FLOAT:
    out->type = og_type_of(OG_TYPE_F64);
    out->v.f = v->as.number;
    return OG_OK;
  case OG_VALUE_TEXT: return text_value(cx, v, out);
  case OG_VALUE_LIST:
  case OG_VALUE_JSON:
  case OG_VALUE_NULL: break;
  }
  return og_fail(cx, OG_EINVALID, "a condition's value is of kind %d, which is none", (int)v->kind);
}

static bool can_compare(og_type column, const og_scalar *value)
{
  const og_scalar zero = {.type = column};
  int order;
  return og_scalar_cmp(&zero, value, &order);
}

/* "contains" and "has". */
static og_status inner_take(og_ctx *cx, const og_condition *given, const og_field *f, og_lance_condition *out)
{
  const bool has = given->compare == OG_COMPARE_HAS;
  const bool is_list = f->type.id == OG_TYPE_LIST || f->type.id == OG_TYPE_LARGE_LIST;
  const bool is_text = f->type.id == OG_TYPE_UTF8 || f->type.id == OG_TYPE_LARGE_UTF8;
  const og_type type = has && is_list ? f->children[0].type : f->type;
  out->kind = has ? OG_LANCE_HAS : OG_LANCE_CONTAINS;
  OG_TRY(scalar_of(cx, &given->value, type, &out->value));
  if (has && is_list && f->children[0].n_children == 0 && can_compare(type, &out->value)) return OG_OK;
  if (!has && is_text && given->value.kind == OG_VALUE_TEXT) return OG_OK;
  return og_fail(cx, OG_EINVALID, "column \"%s\" of type %s cannot %s a %s", given->column, og_type_name(f->type),
                 has ? "have" : "contain", og_type_name(out->value.type));
}

static int by_value(const void *a, const void *b, void *arg)
{
  int order = 0;
  (void)arg;
  (void)og_scalar_cmp(a, b, &order);
  return order;
}

static og_status not_comparable(og_ctx *cx, const char *column, og_type type, og_type value)
{
  return og_fail(cx, OG_EINVALID, "column \"%s\" of type %s cannot be compared with a %s", column, og_type_name(type),
                 og_type_name(value));
}

static og_status list_take(og_ctx *cx, const og_condition *given, const og_field *f, og_lance_condition *out)
{
  const size_t n = given->value.kind == OG_VALUE_LIST ? given->value.as.list.count : 0;
  const og_value *values = given->value.as.list.values;
  if (given->value.kind != OG_VALUE_LIST || (n && !values))
    return og_fail(cx, OG_EINVALID, "'in' needs a list of values for column \"%s\"", given->column);
  if (n > OG_LIMIT_IN_LIST) return og_fail(cx, OG_ELIMIT, "a list of more than %u values", OG_LIMIT_IN_LIST);
  og_scalar *list = og_push_array(cx, n + 1, sizeof *list);
  if (!list) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++) {
    OG_TRY(scalar_of(cx, &values[i], f->type, &list[i]));
    if (f->n_children || !can_compare(f->type, &list[i]))
      return not_comparable(cx, given->column, f->type, list[i].type);
  }
  OG_TRY(og_sort(cx, list, n, sizeof *list, by_value, NULL));
  out->kind = OG_LANCE_IN;
  out->values = list;
  out->n_values = (uint32_t)n;
  return OG_OK;
}

static og_status condition_take(og_ctx *cx, const og_lance_table *t, const og_condition *given, og_lance_condition *out)
{
  static const og_cmp_op ops[] = {OG_CMP_EQ, OG_CMP_NE, OG_CMP_LT, OG_CMP_LE, OG_CMP_GT, OG_CMP_GE};
  OG_TRY(column_by_name(cx, t, given->column, &out->column));
  const og_field *f = &og_lance_table_schema(t)->arrow->fields[out->column];
  switch (given->compare) {
  case OG_COMPARE_IS_NULL: out->kind = OG_LANCE_IS_NULL; return OG_OK;
  case OG_COMPARE_IS_NOT_NULL: out->kind = OG_LANCE_IS_NOT_NULL; return OG_OK;
  case OG_COMPARE_CONTAINS:
  case OG_COMPARE_HAS: return inner_take(cx, given, f, out);
  case OG_COMPARE_IN: return list_take(cx, given, f, out);
  case OG_COMPARE_EQ:
  case OG_COMPARE_NE:
  case OG_COMPARE_LT:
  case OG_COMPARE_LE:
  case OG_COMPARE_GT:
  case OG_COMPARE_GE: break;
  default: return og_fail(cx, OG_EINVALID, "a condition of kind %d, which is none", (int)given->compare);
  }
  out->kind = OG_LANCE_COMPARES;
  out->op = ops[given->compare];
  OG_TRY(scalar_of(cx, &given->value, f->type, &out->value));
  if (f->n_children == 0 && can_compare(f->type, &out->value)) return OG_OK;
  return not_comparable(cx, given->column, f->type, out->value.type);
}

og_status og_db__conditions(og_ctx *cx, const og_lance_table *t, const og_condition *given, size_t n,
                            const og_lance_condition **out)
{
  if (n > OG_LIMIT_COLUMNS) return og_fail(cx, OG_ELIMIT, "more than %u conditions", OG_LIMIT_COLUMNS);
  if (n && !given) return og_fail(cx, OG_EINVALID, "'where' must be given, it is NULL");
  og_lance_condition *where = og_push_array(cx, n + 1, sizeof *where);
  if (!where) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++) OG_TRY(condition_take(cx, t, &given[i], &where[i]));
  *out = where;
  return OG_OK;
}

/* The table keeps row versions only beside stable ids. */
static og_status check_extras(og_ctx *cx, const og_dataset *d, const og_scan_opts *o)
{
  if ((!o->created_version && !o->updated_version) || og_lance_table_has_stable_ids(d->table)) return OG_OK;
  return og_fail(cx, OG_EUNSUPPORTED, "the table has no stable row ids, so it does not keep the versions of its rows");
}

/* The indexes of the dataset's version: the first to make them wins. */
static og_status indexes_of(og_ctx *cx, og_dataset *d, og_lance_indexes **out)
{
  og_lance_indexes *mine;
  og_mutex_lock(&d->mu);
  *out = d->indexes;
  og_mutex_unlock(&d->mu);
  if (*out) return OG_OK;
  OG_TRY(og_lance_indexes_new(cx, d->table, &mine));
  og_mutex_lock(&d->mu);
  if (!d->indexes) {
    d->indexes = mine;
    mine = NULL;
  }
  *out = d->indexes;
  og_mutex_unlock(&d->mu);
  og_lance_indexes_free(mine);
  return OG_OK;
}

/* Lets an index answer what it can; the other conditions stay. */
static og_status ask_indexes(og_ctx *cx, og_dataset *d, og_lance_scan_opts *opts, og_vec *only)
{
  static const uint64_t none;
  og_lance_condition *where = (og_lance_condition *)opts->where; /* made for this scan */
  bool *answered = og_push_array(cx, (size_t)opts->n_where + 1, sizeof *answered), used;
  og_lance_indexes *indexes;
  uint32_t kept = 0;
  if (!answered) return OG_ENOMEM;
  OG_TRY(indexes_of(cx, d, &indexes));
  OG_TRY(og_lance_indexes_rows(cx, indexes, where, opts->n_where, only, answered, &used));
  if (!used) return OG_OK;
  for (uint32_t i = 0; i < opts->n_where; i++)
    if (!answered[i]) where[kept++] = where[i];
  opts->n_where = kept;
  opts->only = only->len ? only->data : &none;
  opts->n_only = only->len;
  return OG_OK;
}

/* What must outlive the scan: lists of values, and the rows that an index tells. */
typedef struct scan_keeps {
  og_arena arena;
  og_vec only; /* uint64_t */
} scan_keeps;

static void scan_keeps_cleanup(scan_keeps *k)
{
  og_arena_cleanup(&k->arena);
  og_vec_cleanup(&k->only);
}

static og_status scan_prepare(og_ctx *cx, og_dataset *d, const og_scan_opts *o, bool count, scan_keeps *keeps,
                              og_lance_scan_opts *out)
{
  og_ctx lasting = *cx;
  lasting.arena = &keeps->arena;
  *out = (og_lance_scan_opts){.with_offset = o->row_offset,
                              .with_row_id = o->row_id,
                              .with_created = o->created_version,
                              .with_updated = o->updated_version,
                              .batch_rows = o->batch_rows && o->batch_rows < 65536 ? o->batch_rows : 65536};
  uint32_t *columns = NULL;
  if (!count) OG_TRY(columns_by_name(cx, d, o->columns, &columns, &out->n_columns));
  OG_TRY(og_db__conditions(&lasting, d->table, o->where, o->where_count, &out->where));
  OG_TRY(check_extras(cx, d, o));
  out->columns = columns;
  out->n_where = (uint32_t)o->where_count;
  return out->n_where ? ask_indexes(cx, d, out, &keeps->only) : OG_OK;
}

static og_status sorted_open(og_ctx *cx, const og_dataset *d, const og_scan_opts *o, const og_lance_scan_opts *scan,
                             og_lance_sorted **out)
{
  og_lance_sort_opts opts = {.scan = *scan, .limit = o->limit, .n_by = (uint32_t)o->order_count};
  if (o->order_count > OG_LIMIT_COLUMNS) return og_fail(cx, OG_ELIMIT, "more than %u columns", OG_LIMIT_COLUMNS);
  og_lance_order *by = og_push_array(cx, o->order_count + 1, sizeof *by);
  if (!by) return OG_ENOMEM;
  for (size_t i = 0; i < o->order_count; i++) {
    OG_TRY(column_by_name(cx, d->table, o->order_by[i].column, &by[i].column));
    by[i].descending = o->order_by[i].descending;
  }
  opts.by = by;
  const uint64_t limit = d->mem->limit / 4;
  if (limit && limit < 64u << 20) opts.budget = (size_t)limit;
  return og_lance_sorted_open(cx, d->table, &opts, out);
}

/* ---- streams */

/* Of a scan, or of one batch. */
typedef struct row_stream {
  og_dataset *dataset;
  og_lance_scan *scan;     /* both NULL: `batch` is all */
  og_lance_sorted *sorted; /* of a scan in an order of its own */
  scan_keeps keeps;
  og_batch *batch;
  og_schema *schema;
  uint64_t left;
  uint64_t deadline_ns;
  const og_cancel *cancel;
  og_error err; /* of the last call that failed */
} row_stream;

static int stream_end(og_call *c, og_status st)
{
  st = og_db__call_end(c, st);
  return st == OG_OK ? 0 : st == OG_ENOMEM ? ENOMEM : st == OG_ECANCELLED ? ECANCELED : EIO;
}

static int stream_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
  row_stream *s = self->private_data;
  og_call c;
  og_ctx *cx = call_begin(&c, s->dataset, &s->err);
  return stream_end(&c, og_arrow_export_schema(cx, s->schema, out));
}

static og_status cut_batch(og_ctx *cx, og_batch **b, uint64_t len)
{
  og_column **cols = og_push_array(cx, (*b)->n_columns + 1, sizeof(og_column *));
  og_batch *shorter = NULL;
  og_status st = cols ? OG_OK : OG_ENOMEM;
  for (uint32_t i = 0; st == OG_OK && i < (*b)->n_columns; i++)
    st = og_column_slice(cx, (*b)->columns[i], 0, (int64_t)len, &cols[i]);
  if (st == OG_OK) st = og_batch_new(cx, (*b)->schema, cols, (*b)->n_columns, (int64_t)len, &shorter);
  for (uint32_t i = 0; cols && i < (*b)->n_columns; i++) og_column_unref(cols[i]);
  og_batch_unref(*b);
  *b = shorter;
  return st;
}

static og_status next_rows(og_ctx *cx, row_stream *s, og_batch **out)
{
  *out = s->batch;
  s->batch = NULL;
  if (s->scan && s->left) OG_TRY(og_lance_scan_next(cx, s->scan, out));
  if (s->sorted) OG_TRY(og_lance_sorted_next(cx, s->sorted, out));
  if (*out && (uint64_t)(*out)->len > s->left) OG_TRY(cut_batch(cx, out, s->left));
  if (*out) s->left -= (uint64_t)(*out)->len;
  return OG_OK;
}

/* The end of a stream is an array that is released already. */
static int stream_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
  row_stream *s = self->private_data;
  og_call c;
  og_batch *b = NULL;
  og_ctx *cx = call_begin(&c, s->dataset, &s->err);
  cx->cancel = s->cancel ? &s->cancel->raised : NULL;
  cx->deadline_ns = s->deadline_ns;
  *out = (struct ArrowArray){0};
  og_status st = next_rows(cx, s, &b);
  if (st == OG_OK && b) st = og_arrow_export_batch(cx, b, out);
  og_batch_unref(b);
  return stream_end(&c, st);
}

static const char *stream_last_error(struct ArrowArrayStream *self)
{
  const row_stream *s = self->private_data;
  return s->err.status == OG_OK ? NULL : s->err.text;
}

static void stream_free(row_stream *s)
{
  og_dataset *d = s->dataset;
  og_call c;
  og_ctx *cx = call_begin(&c, d, NULL);
  og_lance_scan_close(s->scan);
  og_lance_sorted_close(cx, s->sorted);
  scan_keeps_cleanup(&s->keeps);
  og_batch_unref(s->batch);
  og_schema_unref(s->schema);
  og_free(s);
  (void)og_db__call_end(&c, OG_OK);
  og_db__dataset_unref(d);
}

static void stream_release(struct ArrowArrayStream *self)
{
  stream_free(self->private_data);
  self->release = NULL;
}

static og_status stream_new(og_ctx *cx, og_dataset *d, row_stream **out)
{
  row_stream *s = og_zalloc(cx, sizeof *s);
  if (!s) return OG_ENOMEM;
  s->dataset = og_db__dataset_ref(d);
  s->left = UINT64_MAX;
  s->keeps.only = OG_VEC_INIT(uint64_t);
  *out = s;
  return OG_OK;
}

static void stream_give(row_stream *s, struct ArrowArrayStream *out)
{
  *out = (struct ArrowArrayStream){.get_schema = stream_schema,
                                   .get_next = stream_next,
                                   .get_last_error = stream_last_error,
                                   .release = stream_release,
                                   .private_data = s};
}

/* ---- scanning */

void og_scan_opts_init(og_scan_opts *opts)
{
  *opts = (og_scan_opts){.size = sizeof *opts};
}

/* A copy of the value whose texts live as long as the stream. */
static og_status own_value(og_ctx *cx, row_stream *s, const og_value *v, og_value *out)
{
  og_str copy;
  *out = *v;
  if (v->kind == OG_VALUE_TEXT && v->as.text) {
    OG_TRY(og_arena_str(cx, &s->keeps.arena, og_str_of(v->as.text), &copy));
    out->as.text = copy.ptr;
  }
  if (v->kind != OG_VALUE_LIST || !v->as.list.values || v->as.list.count > OG_LIMIT_IN_LIST) return OG_OK;
  og_value *list = og_push_array(cx, v->as.list.count + 1, sizeof *list);
  if (!list) return OG_ENOMEM;
  for (size_t i = 0; i < v->as.list.count; i++) {
    if (v->as.list.values[i].kind == OG_VALUE_LIST) return og_fail(cx, OG_EINVALID, "a list in a list of values");
    OG_TRY(own_value(cx, s, &v->as.list.values[i], &list[i]));
  }
  out->as.list.values = list;
  return OG_OK;
}

/* The caller's texts need not live as long as the stream. */
static og_status own_texts(og_ctx *cx, row_stream *s, og_scan_opts *o)
{
  og_condition *own = og_push_array(cx, o->where_count + 1, sizeof *own);
  if (!own) return OG_ENOMEM;
  for (size_t i = 0; o->where && i < o->where_count; i++) {
    own[i] = o->where[i];
    const bool valueless = own[i].compare == OG_COMPARE_IS_NULL || own[i].compare == OG_COMPARE_IS_NOT_NULL;
    if (!valueless) OG_TRY(own_value(cx, s, &o->where[i].value, &own[i].value));
  }
  if (o->where) o->where = own;
  return OG_OK;
}

static og_status scan_stream(og_call *c, og_dataset *d, const og_scan_opts *given, row_stream *s)
{
  og_ctx *cx = &c->cx;
  og_scan_opts o;
  og_scan_opts_init(&o);
  OG_TRY(og_db__opts_take(cx, &o, sizeof o, given));
  if (o.where_count > OG_LIMIT_COLUMNS) return og_fail(cx, OG_ELIMIT, "more than %u conditions", OG_LIMIT_COLUMNS);
  OG_TRY(own_texts(cx, s, &o));
  og_db__call_bound(c, o.timeout_ms, o.cancel);
  og_lance_scan_opts scan;
  if (o.order_count && !o.order_by) return og_fail(cx, OG_EINVALID, "'order_by' must be given, it is NULL");
  OG_TRY(scan_prepare(cx, d, &o, false, &s->keeps, &scan));
  if (o.order_count)
    OG_TRY(sorted_open(cx, d, &o, &scan, &s->sorted));
  else
    OG_TRY(og_lance_scan_open(cx, d->table, &scan, &s->scan));
  s->schema = og_schema_ref(s->sorted ? og_lance_sorted_schema(s->sorted) : og_lance_scan_schema(s->scan));
  s->cancel = o.cancel;
  s->deadline_ns = cx->deadline_ns;
  if (o.limit) s->left = o.limit;
  return OG_OK;
}

og_status og_dataset_scan(og_dataset *dataset, const og_scan_opts *opts, struct ArrowArrayStream *out, og_error *err)
{
  og_call c;
  row_stream *s = NULL;
  og_ctx *cx = call_begin(&c, dataset, err);
  og_status st = stream_new(cx, dataset, &s);
  if (st == OG_OK) st = scan_stream(&c, dataset, opts, s);
  if (st == OG_OK)
    stream_give(s, out);
  else if (s)
    stream_free(s);
  return og_db__call_end(&c, st);
}

static og_status count_rows(og_call *c, og_dataset *d, const og_scan_opts *given, uint64_t *out)
{
  og_ctx *cx = &c->cx;
  og_scan_opts o;
  og_lance_scan *scan;
  og_scan_opts_init(&o);
  OG_TRY(og_db__opts_take(cx, &o, sizeof o, given));
  if (o.columns || o.row_id || o.row_offset || o.created_version || o.updated_version || o.limit || o.batch_rows ||
      o.order_count)
    return og_fail(cx, OG_EINVALID, "counting takes 'where', 'timeout_ms' and 'cancel' only");
  og_db__call_bound(c, o.timeout_ms, o.cancel);
  OG_AUTO(scan_keeps) keeps = {.only = OG_VEC_INIT(uint64_t)};
  og_lance_scan_opts opts;
  OG_TRY(scan_prepare(cx, d, &o, true, &keeps, &opts));
  OG_TRY(og_lance_scan_open(cx, d->table, &opts, &scan));
  og_status st = og_lance_scan_count(cx, scan, out);
  og_lance_scan_close(scan);
  return st;
}

og_status og_dataset_count(og_dataset *dataset, const og_scan_opts *opts, uint64_t *out, og_error *err)
{
  og_call c;
  call_begin(&c, dataset, err);
  return og_db__call_end(&c, count_rows(&c, dataset, opts, out));
}

/* ---- taking */

void og_take_opts_init(og_take_opts *opts)
{
  *opts = (og_take_opts){.size = sizeof *opts};
}

static og_status check_offsets(og_ctx *cx, const og_dataset *d, const uint64_t *rows, size_t n)
{
  const uint64_t all = og_lance_table_physical_rows(d->table);
  const uint8_t *deleted;
  OG_TRY(og_lance_table_deleted(cx, d->table, &deleted));
  for (size_t i = 0; i < n; i++) {
    if (rows[i] < all && !(deleted && og_bit_get(deleted, (int64_t)rows[i]))) continue;
    return og_fail(cx, OG_ENOTFOUND, "row offset %llu %s", (unsigned long long)rows[i],
                   rows[i] < all ? "is deleted" : "is behind the last one");
  }
  return OG_OK;
}

og_status og_db__rows_to_take(og_ctx *cx, const og_dataset *d, og_take_by by, const uint64_t *rows, size_t n,
                              const uint64_t **out)
{
  *out = rows;
  if (n && !rows) return og_fail(cx, OG_EINVALID, "'rows' must be given, it is NULL");
  switch (by) {
  case OG_TAKE_BY_OFFSET: return check_offsets(cx, d, rows, n);
  case OG_TAKE_BY_ID: {
    uint64_t *offsets = og_push_array(cx, n + 1, sizeof *offsets);
    if (!offsets) return OG_ENOMEM;
    *out = offsets;
    return og_lance_table_offsets(cx, d->table, rows, n, offsets);
  }
  }
  return og_fail(cx, OG_EINVALID, "rows taken by %d, which is nothing", (int)by);
}

static og_status take_rows(og_call *c, og_dataset *d, const uint64_t *rows, size_t n, const og_take_opts *given,
                           row_stream *s)
{
  og_ctx *cx = &c->cx;
  og_take_opts o;
  uint32_t *columns, n_columns;
  og_take_opts_init(&o);
  OG_TRY(og_db__opts_take(cx, &o, sizeof o, given));
  og_db__call_bound(c, o.timeout_ms, o.cancel);
  OG_TRY(columns_by_name(cx, d, o.columns, &columns, &n_columns));
  OG_TRY(og_db__rows_to_take(cx, d, o.by, rows, n, &rows));
  OG_TRY(og_lance_table_take(cx, d->table, columns, n_columns, rows, n, &s->batch));
  s->schema = og_schema_ref(s->batch->schema);
  return OG_OK;
}

og_status og_dataset_take(og_dataset *dataset, const uint64_t *rows, size_t count, const og_take_opts *opts,
                          struct ArrowArrayStream *out, og_error *err)
{
  og_call c;
  row_stream *s = NULL;
  og_ctx *cx = call_begin(&c, dataset, err);
  og_status st = stream_new(cx, dataset, &s);
  if (st == OG_OK) st = take_rows(&c, dataset, rows, count, opts, s);
  if (st == OG_OK)
    stream_give(s, out);
  else if (s)
    stream_free(s);
  return og_db__call_end(&c, st);
}
