/* SPDX-License-Identifier: MIT */
#include "topology/decoded.h"

/* Decoding a whole column costs about as much as fetching this fraction of its rows one by one. */
#define WHOLE_COLUMN_SHARE 16
/* What one fetch costs beside its rows, in rows. */
#define FETCH_COST 64
/* Looking through the ids of a table this often costs as much as an index over them. */
#define FINDS_WITHOUT_INDEX 2

og_status og_table_name_bytes(og_ctx *cx, const og_table_name *n, og_str *out)
{
  size_t len = n->path.len + 1 + n->branch.len + 1 + sizeof n->version + sizeof n->layout + n->uuid.len;
  char *p = og_push(cx, len), *at = p;
  if (!p) return OG_ENOMEM;
  memcpy(at, n->path.ptr, n->path.len);
  at += n->path.len;
  *at++ = 0;
  if (n->branch.len) memcpy(at, n->branch.ptr, n->branch.len);
  at += n->branch.len;
  *at++ = 0;
  memcpy(at, &n->version, sizeof n->version);
  at += sizeof n->version;
  memcpy(at, &n->layout, sizeof n->layout);
  at += sizeof n->layout;
  if (n->uuid.len) memcpy(at, n->uuid.ptr, n->uuid.len);
  *out = og_str_from(p, len);
  return OG_OK;
}

static void decoded_free(og_cached *c)
{
  og_decoded *d = (og_decoded *)c;
  for (uint32_t i = 0; d->columns && i < d->n_columns; i++) og_column_unref(d->columns[i]);
  og_ids_free(d->ids);
  og_lance_table_unref(d->table);
  og_free((void *)(uintptr_t)d->name.ptr);
  og_free(d->columns);
  og_free(d->asked);
  og_free(d);
}

typedef struct making {
  og_cache *cache;
  og_lance_table *table;
  og_str name;
  size_t family;
} making;

static og_status fill(og_ctx *cx, const making *m, og_decoded *d)
{
  d->n_columns = og_lance_table_schema(m->table)->arrow->n_fields;
  d->columns = og_calloc(cx, d->n_columns + 1, sizeof *d->columns);
  d->asked = og_calloc(cx, d->n_columns + 1, sizeof *d->asked);
  char *name = og_strdup(cx, m->name);
  d->name = og_str_from(name, m->name.len);
  d->family = m->family;
  if (!d->columns || !d->asked || !name) return OG_ENOMEM;
  return og_lance_table_deleted(cx, m->table, &d->deleted);
}

static og_status make(og_ctx *cx, void *arg, og_cached **out, uint64_t *bytes)
{
  const making *m = arg;
  og_decoded *d = og_zalloc(cx, sizeof *d);
  if (!d) return OG_ENOMEM;
  atomic_init(&d->base.refs, 1);
  d->base.free = decoded_free;
  d->cache = m->cache;
  d->table = og_lance_table_ref(m->table);
  d->rows = og_lance_table_physical_rows(m->table);
  d->live = og_lance_table_rows(m->table);
  og_status st = fill(cx, m, d);
  *bytes = sizeof *d + d->rows / 8;
  if (st != OG_OK)
    decoded_free(&d->base);
  else
    *out = &d->base;
  return st;
}

og_status og_decoded_get(og_ctx *cx, og_cache *cache, const og_table_name *name, og_lance_table *table,
                         og_decoded **out)
{
  making m = {cache, table, OG_STR_NONE, name->path.len + 1 + name->branch.len + 1};
  OG_TRY(og_table_name_bytes(cx, name, &m.name));
  const og_cache_key key = {m.name, m.family};
  return og_cache_get(cx, cache, key, make, &m, (void **)out);
}

uint64_t og_column_bytes(const og_column *c)
{
  uint64_t n = (uint64_t)c->len, bytes = sizeof *c + c->bytes_len + n / 8;
  unsigned width = og_type_width(c->type.id);
  bytes += n * (width ? width : og_type_is_varbin(c->type.id) || og_type_is_nested(c->type.id) ? 4 : 1);
  for (uint32_t i = 0; i < c->n_children; i++) bytes += og_column_bytes(c->children[i]);
  return bytes;
}

og_status og_decoded_column(og_ctx *cx, og_decoded *d, uint32_t column, const og_column **out)
{
  og_column *c = atomic_load_explicit(&d->columns[column], memory_order_acquire), *there = NULL;
  if (!c) {
    og_ctx own = og_cache_ctx(cx, d->cache);
    OG_TRY(og_lance_table_column(&own, d->table, column, &c));
    if (atomic_compare_exchange_strong_explicit(&d->columns[column], &there, c, memory_order_acq_rel,
                                                memory_order_acquire)) {
      og_cache_grew(d->cache, d, og_column_bytes(c));
    } else {
      og_column_unref(c);
      c = there;
    }
  }
  *out = c;
  return OG_OK;
}

og_status og_decoded_ids(og_ctx *cx, og_decoded *d, const og_ids **out)
{
  og_ids *x = atomic_load_explicit(&d->ids, memory_order_acquire), *there = NULL;
  if (!x) {
    const og_column *ids;
    og_ctx own = og_cache_ctx(cx, d->cache);
    OG_TRY(og_decoded_column(cx, d, 0, &ids));
    OG_TRY(og_ids_new(&own, (og_column *)(uintptr_t)ids, d->deleted, &x));
    if (atomic_compare_exchange_strong_explicit(&d->ids, &there, x, memory_order_acq_rel, memory_order_acquire)) {
      og_cache_grew(d->cache, d, og_ids_bytes(x));
    } else {
      og_ids_free(x);
      x = there;
    }
  }
  *out = x;
  return OG_OK;
}

/* Counts what was fetched singly, so that the column is loaded when that would have been cheaper. */
static bool is_worth_loading(og_decoded *d, uint32_t column, size_t n)
{
  uint32_t add = n < UINT32_MAX / 2 ? (uint32_t)n + FETCH_COST : UINT32_MAX / 2;
  uint32_t before = atomic_fetch_add_explicit(&d->asked[column], add, memory_order_relaxed);
  return (uint64_t)before + add > d->rows / WHOLE_COLUMN_SHARE;
}

og_status og_decoded_fetch(og_ctx *cx, og_decoded *d, uint32_t column, const uint64_t *rows, size_t n, og_column **out)
{
  if (atomic_load_explicit(&d->columns[column], memory_order_acquire) || is_worth_loading(d, column, n)) {
    const og_column *whole;
    OG_TRY(og_decoded_column(cx, d, column, &whole));
    return og_column_take(cx, whole, (const int64_t *)rows, (int64_t)n, out);
  }
  og_batch *batch;
  OG_TRY(og_lance_table_take(cx, d->table, &column, 1, rows, n, &batch));
  *out = og_column_ref(batch->columns[0]);
  og_batch_unref(batch);
  return OG_OK;
}

og_status og_decoded_find(og_ctx *cx, og_decoded *d, og_str id, uint64_t *row, bool *found)
{
  bool indexed = atomic_load_explicit(&d->ids, memory_order_acquire) != NULL;
  if (!indexed && atomic_fetch_add_explicit(&d->asked[d->n_columns], 1, memory_order_relaxed) < FINDS_WITHOUT_INDEX)
    return og_lance_table_find(cx, d->table, 0, id, row, found);
  const og_ids *x;
  OG_TRY(og_decoded_ids(cx, d, &x));
  uint32_t at = og_ids_find(x, id);
  *found = at != OG_NO_ROW;
  if (*found) *row = at;
  return OG_OK;
}
