/* SPDX-License-Identifier: MIT */
/* db/public_dataset_index.c -- Lance tables in the C API: conditions that an index answers.
 *
 *  (1) A condition "column = value" or "column is null" on a column with a BTREE is answered by it, "contains" by an
 *      NGRAM and "has" by a LABEL_LIST; the others look at the rows it gives.  Answers are those of a scan: an index
 *      tells exactly the live rows, whatever it covers (lance/index.h).
 *  (2) An index is opened for the first condition that wants it, and kept with the dataset: the first to open it wins.
 */
#include "db/public_dataset.h"
#include "lance/index.h"

void og_db__indexes_close(og_dataset *d)
{
  const uint32_t n = d->table ? og_lance_table_schema(d->table)->arrow->n_fields : 0;
  for (uint32_t i = 0; d->indexes && i < n * OG_INDEX_KINDS; i++) og_lance_index_unref(d->indexes[i]);
  og_free(d->indexes);
}

static og_status room_for_all(og_ctx *cx, og_dataset *d)
{
  const uint32_t n = og_lance_table_schema(d->table)->arrow->n_fields;
  og_mutex_lock(&d->mu);
  const bool there = d->indexes != NULL;
  og_mutex_unlock(&d->mu);
  if (there) return OG_OK;
  og_lance_index **fresh = og_calloc(cx, (size_t)n * OG_INDEX_KINDS + 1, sizeof(og_lance_index *));
  if (!fresh) return OG_ENOMEM;
  og_mutex_lock(&d->mu);
  if (!d->indexes) {
    d->indexes = fresh;
    fresh = NULL;
  }
  og_mutex_unlock(&d->mu);
  og_free(fresh);
  return OG_OK;
}

/* The index of a column; *out stays NULL when it has none. */
static og_status index_of(og_ctx *cx, og_dataset *d, uint32_t column, og_lance_index_kind kind, og_lance_index **out)
{
  og_str name;
  bool found;
  og_lance_index *mine;
  const size_t slot = (size_t)column * OG_INDEX_KINDS + kind;
  OG_TRY(room_for_all(cx, d));
  og_mutex_lock(&d->mu);
  *out = d->indexes[slot];
  og_mutex_unlock(&d->mu);
  if (*out) return OG_OK;
  OG_TRY(og_lance_index_of_column(cx, d->table, column, kind, &name, &found));
  if (!found) return OG_OK;
  const og_status st = og_lance_index_open(cx, d->table, name, NULL, &mine);
  if (st == OG_EUNSUPPORTED) og_error_clear(cx); /* a layout we do not read: the rows are read instead */
  if (st != OG_OK) return st == OG_EUNSUPPORTED ? OG_OK : st;
  og_mutex_lock(&d->mu);
  if (!d->indexes[slot]) {
    d->indexes[slot] = mine;
    mine = NULL;
  }
  *out = d->indexes[slot];
  og_mutex_unlock(&d->mu);
  og_lance_index_unref(mine);
  return OG_OK;
}

static int column_named(const og_lance_table *t, const char *name)
{
  const og_schema *s = og_lance_table_schema(t)->arrow;
  for (uint32_t i = 0; i < s->n_fields; i++)
    if (og_str_eq(s->fields[i].name, og_str_of(name))) return (int)i;
  return -1;
}

/* A value that the column, or its items, cannot hold is left to the scan, which compares across kinds. */
static og_status equal_rows(og_ctx *cx, og_lance_index *x, const og_field *f, const og_condition *c, og_vec *out,
                            bool *used)
{
  og_column *value;
  og_status st = og_db__constant(cx, f, &c->value, &value);
  if (st == OG_EINVALID) og_error_clear(cx);
  if (st != OG_OK) return st == OG_EINVALID ? OG_OK : st;
  st = og_lance_index_rows(cx, x, &(og_lance_index_query){.op = OG_INDEX_IN, .values = value}, out);
  og_column_unref(value);
  *used = true;
  return st;
}

/* Which kind of index answers such a condition; false: none. */
static bool kind_for(og_compare compare, og_lance_index_kind *out)
{
  switch (compare) {
  case OG_COMPARE_EQ:
  case OG_COMPARE_IS_NULL: *out = OG_INDEX_BTREE; return true;
  case OG_COMPARE_CONTAINS: *out = OG_INDEX_NGRAM; return true;
  case OG_COMPARE_HAS: *out = OG_INDEX_LABELS; return true;
  default: return false;
  }
}

static og_status ask(og_ctx *cx, og_dataset *d, og_lance_index *x, const og_condition *c, og_vec *out, bool *used)
{
  const og_field *f = &og_lance_table_schema(d->table)->arrow->fields[og_lance_index_column(x)];
  og_lance_index_query q = {.op = OG_INDEX_NULL};
  if (c->compare == OG_COMPARE_EQ) return equal_rows(cx, x, f, c, out, used);
  if (c->compare == OG_COMPARE_HAS) return equal_rows(cx, x, &f->children[0], c, out, used);
  if (c->compare == OG_COMPARE_CONTAINS) {
    q = (og_lance_index_query){.op = OG_INDEX_CONTAINS, .part = og_str_of(c->value.as.text)};
    if (!og_lance_index_tells(q.part)) return OG_OK; /* a scan reads all texts, too, and less at a time */
  }
  *used = true;
  return og_lance_index_rows(cx, x, &q, out);
}

og_status og_db__index_rows(og_ctx *cx, og_dataset *d, const og_condition *where, size_t n, og_vec *out, size_t *which,
                            bool *used)
{
  *used = false;
  for (size_t i = 0; i < n && !*used; i++) {
    og_lance_index *x = NULL;
    og_lance_index_kind kind;
    const int column = kind_for(where[i].compare, &kind) ? column_named(d->table, where[i].column) : -1;
    if (column >= 0) OG_TRY(index_of(cx, d, (uint32_t)column, kind, &x));
    if (!x) continue;
    *which = i;
    OG_TRY(ask(cx, d, x, &where[i], out, used));
  }
  return OG_OK;
}
