/* SPDX-License-Identifier: MIT */
/* lance/index_btree_write.c -- the two files of a BTREE segment, from entries in order; see index_btree.c for the
 * bytes.
 *
 * A page is gathered, written to page_data.lance as one batch, and its ends kept for page_lookup.lance, which is
 * written when all pages are.
 */
#include "arrow/builder.h"
#include "lance/index_impl.h"

#define PAGE_ROWS 4096

struct og_btree_writer {
  og_arena arena;
  og_store *store;
  og_str folder;
  og_lance_version version;
  og_field field; /* "values": the column's type, nullable */
  bool text;
  og_lance_file_writer *data; /* NULL once finished */
  og_schema *page_schema;
  og_builder *values; /* of the page being gathered */
  uint64_t ids[PAGE_ROWS];
  uint32_t rows, nulls;
  og_builder *min, *max;
  og_vec null_counts; /* uint32_t */
};

static void writer_free(og_btree_writer *w)
{
  og_builder_free(w->values);
  og_builder_free(w->min);
  og_builder_free(w->max);
  og_schema_unref(w->page_schema);
  og_vec_cleanup(&w->null_counts);
  og_store_unref(w->store);
  og_arena_cleanup(&w->arena);
  og_free(w);
}

static og_status open_data(og_ctx *cx, og_btree_writer *w)
{
  const og_field fields[] = {w->field, {.name = OG_STR("ids"), .type = og_type_of(OG_TYPE_U64)}};
  og_lance_schema *schema;
  og_str key;
  OG_TRY(og_schema_new(cx, fields, 2, NULL, 0, &w->page_schema));
  OG_TRY(og_arena_printf(cx, cx->arena, &key, OG_STR_FMT "/page_data.lance", OG_STR_ARG(w->folder)));
  OG_TRY(og_lance_schema_new(cx, w->page_schema, &schema));
  og_status st = og_lance_file_writer_open(cx, w->store, key, schema, w->version, &w->data);
  og_lance_schema_unref(schema);
  return st;
}

static og_status writer_start(og_ctx *cx, og_btree_writer *w, og_str folder)
{
  OG_TRY(og_arena_str(cx, &w->arena, folder, &w->folder));
  OG_TRY(og_builder_new(cx, &w->field, &w->values));
  OG_TRY(og_builder_new(cx, &w->field, &w->min));
  OG_TRY(og_builder_new(cx, &w->field, &w->max));
  return open_data(cx, w);
}

og_status og_btree_writer_open(og_ctx *cx, og_store *store, og_str folder, const og_field *field,
                               og_lance_version version, og_btree_writer **out)
{
  og_btree_writer *w = og_zalloc(cx, sizeof *w);
  if (!w) return OG_ENOMEM;
  w->store = og_store_ref(store);
  w->version = version;
  w->field = (og_field){.name = OG_STR("values"), .type = field->type, .nullable = true};
  w->text = og_index__is_text(field->type);
  w->null_counts = OG_VEC_INIT(uint32_t);
  og_status st = writer_start(cx, w, folder);
  if (st != OG_OK)
    og_btree_writer_abort(cx, w);
  else
    *out = w;
  return st;
}

void og_btree_writer_abort(og_ctx *cx, og_btree_writer *w)
{
  if (!w) return;
  og_lance_file_abort(cx, w->data);
  writer_free(w);
}

/* ---- pages */

static og_status put_page(og_ctx *cx, og_btree_writer *w, og_column *values)
{
  og_column *columns[2] = {values, NULL};
  og_batch *page;
  OG_TRY(og_builder_copy(cx, w->min, values, 0));
  OG_TRY(og_builder_copy(cx, w->max, values, values->len - 1));
  OG_TRY(og_vec_add(cx, &w->null_counts, &w->nulls));
  OG_TRY(og_column_from_fixed(cx, og_type_of(OG_TYPE_U64), w->ids, NULL, w->rows, &columns[1]));
  og_status st = og_batch_new(cx, w->page_schema, columns, 2, w->rows, &page);
  og_column_unref(columns[1]);
  OG_TRY(st);
  st = og_lance_file_write(cx, w->data, page);
  og_batch_unref(page);
  return st;
}

static og_status end_page(og_ctx *cx, og_btree_writer *w)
{
  og_column *values;
  if (w->rows == 0) return OG_OK;
  OG_TRY(og_ctx_poll(cx));
  OG_TRY(og_builder_finish(cx, w->values, &values));
  og_status st = put_page(cx, w, values);
  og_column_unref(values);
  w->rows = w->nulls = 0;
  return st;
}

og_status og_btree_write(og_ctx *cx, og_btree_writer *w, const og_index__key *key, uint64_t id)
{
  OG_TRY(og_index__put_key(cx, w->values, w->field.type, key));
  w->nulls += key == NULL;
  w->ids[w->rows++] = id;
  return w->rows < PAGE_ROWS ? OG_OK : end_page(cx, w);
}

/* ---- the lookup file */

static og_status lookup_schema(og_ctx *cx, const og_btree_writer *w, og_schema **out)
{
  static const og_str meta[] = {{"batch_size", 10}, {"4096", 4}, {"range_partitioned", 17}, {"false", 5}};
  og_field fields[] = {w->field,
                       w->field,
                       {.name = OG_STR("null_count"), .type = og_type_of(OG_TYPE_U32)},
                       {.name = OG_STR("page_idx"), .type = og_type_of(OG_TYPE_U32)}};
  fields[0].name = OG_STR("min");
  fields[1].name = OG_STR("max");
  return og_schema_new(cx, fields, 4, meta, 2, out);
}

static og_status lookup_columns(og_ctx *cx, og_btree_writer *w, og_column *columns[4])
{
  size_t n = w->null_counts.len;
  uint32_t *index = og_push_array(cx, n + 1, sizeof *index);
  if (!index) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++) index[i] = (uint32_t)i;
  OG_TRY(og_builder_finish(cx, w->min, &columns[0]));
  OG_TRY(og_builder_finish(cx, w->max, &columns[1]));
  OG_TRY(og_column_from_fixed(cx, og_type_of(OG_TYPE_U32), w->null_counts.data, NULL, (int64_t)n, &columns[2]));
  return og_column_from_fixed(cx, og_type_of(OG_TYPE_U32), index, NULL, (int64_t)n, &columns[3]);
}

static og_status write_batch(og_ctx *cx, const og_btree_writer *w, og_schema *schema, og_column *const columns[4],
                             uint64_t *size)
{
  og_lance_schema *lance;
  og_lance_file_writer *f;
  og_lance_file_stats stats;
  og_batch *b;
  og_str key;
  OG_TRY(og_arena_printf(cx, cx->arena, &key, OG_STR_FMT "/page_lookup.lance", OG_STR_ARG(w->folder)));
  OG_TRY(og_lance_schema_new(cx, schema, &lance));
  og_status st = og_lance_file_writer_open(cx, w->store, key, lance, w->version, &f);
  og_lance_schema_unref(lance);
  OG_TRY(st);
  st = og_batch_new(cx, schema, columns, 4, (int64_t)w->null_counts.len, &b);
  if (st == OG_OK) {
    st = og_lance_file_write(cx, f, b);
    og_batch_unref(b);
  }
  if (st == OG_OK)
    st = og_lance_file_finish(cx, f, &stats);
  else
    og_lance_file_abort(cx, f);
  if (st == OG_OK) *size = stats.bytes;
  return st;
}

static og_status write_lookup(og_ctx *cx, og_btree_writer *w, uint64_t *size)
{
  og_column *columns[4] = {NULL};
  og_schema *schema;
  OG_TRY(lookup_schema(cx, w, &schema));
  og_status st = lookup_columns(cx, w, columns);
  if (st == OG_OK) st = write_batch(cx, w, schema, columns, size);
  for (int i = 0; i < 4; i++) og_column_unref(columns[i]);
  og_schema_unref(schema);
  return st;
}

og_status og_btree_writer_finish(og_ctx *cx, og_btree_writer *w, uint64_t sizes[2])
{
  og_lance_file_stats stats = {0};
  og_status st = end_page(cx, w);
  if (st == OG_OK) {
    og_lance_file_writer *data = w->data;
    w->data = NULL;
    st = og_lance_file_finish(cx, data, &stats);
  }
  if (st == OG_OK) st = write_lookup(cx, w, &sizes[1]);
  sizes[0] = stats.bytes;
  og_btree_writer_abort(cx, w);
  return st;
}
