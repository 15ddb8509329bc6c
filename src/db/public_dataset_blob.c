/* SPDX-License-Identifier: MIT */
/* db/public_dataset_blob.c -- Lance tables in the C API: blobs, read in parts, and as they come in rows.
 *
 *  (1) An open blob is a place: the store, the object and the range are found once, each read is one request.
 *  (2) In rows that are written a blob is bytes, or Lance's struct of bytes or a URI, or the number of one that was
 * given piece by piece; the last two become references (lance/blob_ref.h). (3) A URI is only ever written down, and
 * only where its folder is allowed: nothing outside is opened.
 */
#include "arrow/builder.h"
#include "db/public_writer.h"
#include "lance/fields.h"

/* ---- reading */

struct og_blob {
  og_dataset *dataset;
  og_lance_blob at;
  og_arena arena; /* of its key */
};

static og_status find_blob(og_ctx *cx, og_dataset *d, const char *column, og_take_by by, uint64_t row,
                           og_lance_blob *out)
{
  const uint64_t *rows;
  uint32_t at;
  OG_TRY(og_db__column_need(cx, d->table, column, &at));
  OG_TRY(og_db__rows_to_take(cx, d, by, &row, 1, &rows));
  return og_lance_table_blob(cx, d->table, at, rows[0], out);
}

static og_status read_part(og_ctx *cx, og_dataset *d, const og_lance_blob *b, uint64_t from, void *to, size_t room,
                           size_t *len)
{
  OG_AUTO(og_buf) bytes = {0};
  if (room && !to) return og_fail(cx, OG_EINVALID, "'to' must be given, it is NULL");
  OG_TRY(og_lance_table_blob_read(cx, d->table, b, from, room < OG_BLOB_MOST ? room : OG_BLOB_MOST, &bytes));
  if (bytes.len) memcpy(to, bytes.data, bytes.len);
  *len = bytes.len;
  return OG_OK;
}

static og_status read_blob(og_ctx *cx, og_dataset *d, const char *column, og_blob_part *p)
{
  og_lance_blob b;
  if (!p) return og_fail(cx, OG_EINVALID, "'part' must be given, it is NULL");
  OG_TRY(find_blob(cx, d, column, p->by, p->row, &b));
  OG_TRY(read_part(cx, d, &b, p->from, p->to, p->room, &p->len));
  p->size = b.null ? OG_BLOB_NULL : b.size;
  return OG_OK;
}

og_status og_dataset_blob_read(og_dataset *dataset, const char *column, og_blob_part *part, og_error *err)
{
  og_call c;
  og_ctx *cx = og_db__call_bare(&c, dataset->mem, &dataset->rt, err);
  return og_db__call_end(&c, read_blob(cx, dataset, column, part));
}

void og_blob_close(og_blob *blob)
{
  if (!blob) return;
  og_dataset *d = blob->dataset;
  og_arena_cleanup(&blob->arena);
  og_free(blob);
  og_db__dataset_unref(d);
}

og_status og_dataset_blob_open(og_dataset *dataset, const char *column, og_take_by by, uint64_t row, og_blob **out,
                               og_error *err)
{
  og_call c;
  og_ctx *cx = og_db__call_bare(&c, dataset->mem, &dataset->rt, err);
  og_blob *b = og_zalloc(cx, sizeof *b);
  if (!b) return og_db__call_end(&c, OG_ENOMEM);
  b->dataset = og_db__dataset_ref(dataset);
  og_status st = find_blob(cx, dataset, column, by, row, &b->at);
  if (st == OG_OK) st = og_arena_str(cx, &b->arena, b->at.key, &b->at.key);
  if (st == OG_OK)
    *out = b;
  else
    og_blob_close(b);
  return og_db__call_end(&c, st);
}

uint64_t og_blob_size(const og_blob *blob)
{
  return blob->at.null ? OG_BLOB_NULL : blob->at.size;
}

og_status og_blob_read(og_blob *blob, uint64_t from, void *to, size_t room, size_t *len, og_error *err)
{
  og_call c;
  og_ctx *cx = og_db__call_bare(&c, blob->dataset->mem, &blob->dataset->rt, err);
  return og_db__call_end(&c, read_part(cx, blob->dataset, &blob->at, from, to, room, len));
}

/* ---- folders outside */

og_status og_db__outside_take(og_ctx *cx, const char *const *folders, og_lance_outside **out)
{
  OG_TRY(og_lance_outside_new(cx, out));
  for (size_t i = 0; folders && folders[i]; i++) {
    og_str folder;
    if (i == OG_LIMIT_COLUMNS) return og_fail(cx, OG_ELIMIT, "more than %u folders for blobs", OG_LIMIT_COLUMNS);
    OG_TRY(og_db__text_need(cx, folders[i], "blob_folders", &folder));
    OG_TRY(og_lance_outside_allow(cx, *out, folder));
  }
  return OG_OK;
}

/* ---- blobs in the columns of rows */

static bool says_blob(const og_field *f)
{
  og_str value;
  if (og_field_meta(f, OG_STR(OG_LANCE_BLOB_MARK), &value)) return true;
  return og_field_meta(f, OG_STR("ARROW:extension:name"), &value) && og_str_eq(value, OG_STR("lance.blob.v2"));
}

static bool is_child(const og_field *f, uint32_t i, const char *name, og_type_id type)
{
  return og_str_eq(f->children[i].name, og_str_of(name)) && f->children[i].type.id == type;
}

/* Lance's struct. */
static bool is_struct(const og_field *f)
{
  if (f->type.id != OG_TYPE_STRUCT || (f->n_children != 2 && f->n_children != 4)) return false;
  return is_child(f, 0, "data", OG_TYPE_LARGE_BINARY) && is_child(f, 1, "uri", OG_TYPE_UTF8) &&
         (f->n_children == 2 || (is_child(f, 2, "position", OG_TYPE_U64) && is_child(f, 3, "size", OG_TYPE_U64)));
}

bool og_db__is_blob_form(const og_field *f, bool numbers)
{
  return f->type.id == OG_TYPE_LARGE_BINARY || (says_blob(f) && is_struct(f)) || (numbers && f->type.id == OG_TYPE_U64);
}

static og_status plain_field(og_ctx *cx, const og_field *f, og_field *out)
{
  og_str *meta = og_push_array(cx, (size_t)f->n_meta + 1, 2 * sizeof *meta);
  if (!meta) return OG_ENOMEM;
  *out = (og_field){.name = f->name, .type = og_type_of(OG_TYPE_LARGE_BINARY), .nullable = f->nullable, .meta = meta};
  for (uint32_t i = 0; i < f->n_meta; i++) {
    const og_str *pair = &f->meta[2 * (size_t)i];
    if (og_str_starts_with(pair[0], OG_STR("ARROW:")) || og_str_eq(pair[0], OG_STR(OG_LANCE_BLOB_MARK))) continue;
    memcpy(&meta[2 * (size_t)out->n_meta++], pair, 2 * sizeof *pair);
  }
  meta[2 * (size_t)out->n_meta] = OG_STR(OG_LANCE_BLOB_MARK);
  meta[2 * (size_t)out->n_meta++ + 1] = OG_STR("v2");
  return OG_OK;
}

og_status og_db__blob_schema(og_ctx *cx, og_schema *given, bool numbers, og_schema **out)
{
  og_field *fields = og_push_array(cx, (size_t)given->n_fields + 1, sizeof *fields);
  if (!fields) return OG_ENOMEM;
  for (uint32_t i = 0; i < given->n_fields; i++) {
    fields[i] = given->fields[i];
    if (!says_blob(&fields[i])) continue;
    if (!og_db__is_blob_form(&fields[i], numbers))
      return og_fail(cx, OG_EINVALID, "column '" OG_STR_FMT "' is to be a blob, but comes as %s",
                     OG_STR_ARG(fields[i].name), og_type_name(fields[i].type));
    OG_TRY(plain_field(cx, &given->fields[i], &fields[i]));
  }
  return og_schema_new(cx, fields, given->n_fields, given->meta, given->n_meta, out);
}

/* ---- their values */

static og_status put_struct(og_ctx *cx, const og_rows_in *s, const og_column *c, int64_t i, og_buf *ref)
{
  og_column *const *parts = c->children;
  const bool data = !og_column_is_null(parts[0], i), uri = !og_column_is_null(parts[1], i);
  const bool position = c->n_children == 4 && !og_column_is_null(parts[2], i);
  const bool size = c->n_children == 4 && !og_column_is_null(parts[3], i);
  if (data == uri || position != size || (data && position))
    return og_fail(cx, OG_EINVALID, "row %lld has a blob that is not one of: data, uri, or uri with position and size",
                   (long long)i);
  if (data) return og_lance_blob_ref_bytes(cx, og_column_str(parts[0], i), ref);
  const og_str at = og_column_str(parts[1], i);
  const uint64_t from = position ? og_column_u64(parts[2])[i] : 0, n = size ? og_column_u64(parts[3])[i] : 0;
  if (position && n == 0) return og_fail(cx, OG_EINVALID, "row %lld has a blob outside of no bytes", (long long)i);
  OG_TRY(og_lance_blob_ref_outside(cx, at, from, n, ref));
  return og_lance_outside_check(cx, s->outside, at);
}

static og_status put_number(og_ctx *cx, const og_rows_in *s, uint64_t number, og_buf *ref)
{
  const uint64_t at = number - s->first_given;
  if (number < s->first_given || at >= s->given->len)
    return og_fail(cx, OG_EINVALID, "%llu is no blob that was given for these rows", (unsigned long long)number);
  return og_buf_append_str(cx, ref, OG_VEC_AT(s->given, og_str, at));
}

og_status og_db__blobs_in(og_ctx *cx, const og_rows_in *s, const og_field *f, og_column *c, og_column **out)
{
  const og_field as = {.name = f->name, .type = og_type_of(OG_TYPE_BINARY), .nullable = f->nullable};
  OG_AUTO(og_builder_p) b = NULL;
  OG_AUTO(og_buf) ref = {0};
  if (c->type.id == OG_TYPE_LARGE_BINARY) {
    *out = og_column_ref(c);
    return OG_OK;
  }
  OG_TRY(og_builder_new(cx, &as, &b));
  for (int64_t i = 0; i < c->len; i++) {
    if (og_column_is_null(c, i)) {
      OG_TRY(og_builder_null(cx, b));
      continue;
    }
    og_buf_clear(&ref);
    OG_TRY(c->type.id == OG_TYPE_STRUCT ? put_struct(cx, s, c, i, &ref) : put_number(cx, s, og_column_u64(c)[i], &ref));
    OG_TRY(og_builder_str(cx, b, og_buf_str(&ref)));
  }
  return og_builder_finish(cx, b, out);
}
