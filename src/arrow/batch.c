/* SPDX-License-Identifier: MIT */
#include "arrow/column.h"

/* The column has the field's type, down to the leaves. */
static bool column_fits(const og_field *f, const og_column *c)
{
  if (!og_type_eq(f->type, c->type) || f->n_children != c->n_children) return false;
  for (uint32_t i = 0; i < c->n_children; i++)
    if (!column_fits(&f->children[i], c->children[i])) return false;
  return true;
}

static og_status check_columns(og_ctx *cx, const og_schema *schema, og_column *const *columns, uint32_t n, int64_t len)
{
  if (n != schema->n_fields)
    return og_fail(cx, OG_EINTERNAL, "batch of %u columns under a schema of %u fields", n, schema->n_fields);
  for (uint32_t i = 0; i < n; i++) {
    const og_field *f = &schema->fields[i];
    if (columns[i]->len != len)
      return og_fail(cx, OG_EINTERNAL, "column '" OG_STR_FMT "' has %lld rows, expected %lld", OG_STR_ARG(f->name),
                     (long long)columns[i]->len, (long long)len);
    if (!column_fits(f, columns[i]))
      return og_fail(cx, OG_EINTERNAL, "column '" OG_STR_FMT "' is %s, its field %s", OG_STR_ARG(f->name),
                     og_type_name(columns[i]->type), og_type_name(f->type));
  }
  return OG_OK;
}

og_status og_batch_new(og_ctx *cx, og_schema *schema, og_column *const *columns, uint32_t n, int64_t len,
                       og_batch **out)
{
  OG_TRY(check_columns(cx, schema, columns, n, len));
  og_batch *b = og_zalloc(cx, sizeof *b + n * sizeof(og_column *));
  if (!b) return OG_ENOMEM;
  atomic_init(&b->refs, 1);
  b->schema = og_schema_ref(schema);
  b->len = len;
  b->n_columns = n;
  b->columns = (og_column **)(void *)(b + 1);
  for (uint32_t i = 0; i < n; i++) b->columns[i] = og_column_ref(columns[i]);
  *out = b;
  return OG_OK;
}

og_batch *og_batch_ref(og_batch *b)
{
  atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
  return b;
}

void og_batch_unref(og_batch *b)
{
  if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1) return;
  for (uint32_t i = 0; i < b->n_columns; i++) og_column_unref(b->columns[i]);
  og_schema_unref(b->schema);
  og_free(b);
}
