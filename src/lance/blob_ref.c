/* SPDX-License-Identifier: MIT */
/* lance/blob_ref.c -- references to blobs: a tag, and what it says. */
#include "lance/blob_ref_impl.h"

#include "arrow/builder.h"
#include "base/ctx.h"
#include "base/str.h"

#define URI_BYTES   (64u << 10)
#define WHOLE_BYTES (4u << 20) /* what an object outside has, before one asks */

og_status og_lance_blob_ref_bytes(og_ctx *cx, og_str bytes, og_buf *out)
{
  OG_TRY(og_buf_append_byte(cx, out, OG_LANCE__REF_BYTES));
  return og_buf_append_str(cx, out, bytes);
}

og_status og_lance_blob_ref_outside(og_ctx *cx, og_str uri, uint64_t position, uint64_t size, og_buf *out)
{
  const og_lance__descriptor d = {OG_LANCE__BLOB_EXTERNAL, position, size, 0, uri};
  if (uri.len == 0 || uri.len > URI_BYTES || og_utf8_check(uri) != SIZE_MAX || memchr(uri.ptr, '\0', uri.len))
    return og_fail(cx, OG_EINVALID, "the URI of a blob is empty, no UTF-8 text or longer than %u bytes", URI_BYTES);
  if (og_str_find(uri, OG_STR("://")) == SIZE_MAX) /* Lance takes a path for one below a base path */
    return og_fail(cx, OG_EINVALID, "'" OG_STR_FMT "' is no URI of a blob: it must begin with a scheme, as file://",
                   OG_STR_ARG(uri));
  if (size > UINT64_MAX - position || (position && !size))
    return og_fail(cx, OG_EINVALID, "%llu bytes at %llu are no range of a blob", (unsigned long long)size,
                   (unsigned long long)position);
  OG_TRY(og_buf_append_byte(cx, out, OG_LANCE__REF_DESCRIPTOR));
  return og_lance__descriptor_put(cx, &d, out);
}

og_status og_lance__ref_here(og_ctx *cx, const og_lance__descriptor *d, og_str key, og_buf *out)
{
  OG_TRY(og_buf_append_byte(cx, out, OG_LANCE__REF_HERE));
  OG_TRY(og_lance__descriptor_put(cx, d, out)); /* it has no URI */
  return og_buf_append_str(cx, out, key);
}

/* Of a blob in a file of the table. */
static og_status ref_copy(og_ctx *cx, og_arena *a, const og_lance__descriptor *d, og_str key, og_buf *out)
{
  if (d->kind != OG_LANCE__BLOB_IN_FILE) OG_TRY(og_lance__blob_key(cx, a, key, d->number, &key));
  OG_TRY(og_buf_append_byte(cx, out, OG_LANCE__REF_COPY));
  OG_TRY(og_buf_put_u64(cx, out, d->position));
  OG_TRY(og_buf_put_u64(cx, out, d->size));
  return og_buf_append_str(cx, out, key);
}

static og_status refer(og_ctx *cx, og_arena *a, og_str key, og_str bytes, og_buf *out)
{
  og_lance__descriptor d;
  OG_TRY(og_lance__descriptor_parse(cx, bytes, &d));
  if (d.kind != OG_LANCE__BLOB_EXTERNAL) return ref_copy(cx, a, &d, key, out);
  OG_TRY(og_buf_append_byte(cx, out, OG_LANCE__REF_DESCRIPTOR));
  return og_buf_append_str(cx, out, bytes);
}

og_status og_lance__blobs_refer(og_ctx *cx, og_str key, const og_field *field, const og_column *descriptors,
                                og_column **out)
{
  const og_field as = {.name = field->name, .type = og_type_of(OG_TYPE_BINARY), .nullable = field->nullable};
  OG_AUTO(og_builder_p) b = NULL;
  OG_AUTO(og_buf) ref = {0};
  OG_AUTO(og_arena) arena = {0};
  OG_TRY(og_builder_new(cx, &as, &b));
  for (int64_t i = 0; i < descriptors->len; i++) {
    if (og_column_is_null(descriptors, i)) {
      OG_TRY(og_builder_null(cx, b));
      continue;
    }
    og_buf_clear(&ref);
    og_arena_reset(&arena);
    OG_TRY(refer(cx, &arena, key, og_column_str(descriptors, i), &ref));
    OG_TRY(og_builder_str(cx, b, og_buf_str(&ref)));
  }
  return og_builder_finish(cx, b, out);
}

og_status og_lance__ref_parse(og_ctx *cx, og_str ref, og_lance__ref *out)
{
  *out = (og_lance__ref){.tag = ref.len ? (uint8_t)ref.ptr[0] : UINT8_MAX};
  const og_str rest = og_str_sub(ref, 1, ref.len);
  switch (out->tag) {
  case OG_LANCE__REF_BYTES: out->text = rest; return OG_OK;
  case OG_LANCE__REF_DESCRIPTOR: return og_lance__descriptor_parse(cx, rest, &out->descriptor);
  case OG_LANCE__REF_HERE:
    if (rest.len < OG_LANCE__BLOB_BYTES) break;
    out->text = og_str_sub(rest, OG_LANCE__BLOB_BYTES, rest.len);
    return og_lance__descriptor_parse(cx, og_str_sub(rest, 0, OG_LANCE__BLOB_BYTES), &out->descriptor);
  case OG_LANCE__REF_COPY:
    if (rest.len < 16) break;
    out->off = og_lance__u64(rest.ptr);
    out->size = og_lance__u64(rest.ptr + 8);
    out->text = og_str_sub(rest, 16, rest.len);
    return OG_OK;
  default: break;
  }
  return og_fail(cx, OG_EINTERNAL, "%zu bytes are no reference to a blob", ref.len);
}

uint64_t og_lance_blob_ref_size(og_str ref)
{
  if (ref.len == 0) return 0;
  if (ref.ptr[0] == OG_LANCE__REF_BYTES) return ref.len - 1;
  if (ref.len < 18) return 0;
  const uint64_t size = og_lance__u64(ref.ptr + (ref.ptr[0] == OG_LANCE__REF_COPY ? 9 : 10));
  return size || ref.ptr[0] != OG_LANCE__REF_DESCRIPTOR ? size : WHOLE_BYTES;
}

og_status og_lance_blob_ref_schema(og_ctx *cx, og_schema *schema, og_column *const *columns, og_schema **out)
{
  OG_AUTO(og_arena) scratch = {0};
  bool same = true;
  og_field *fields = og_arena_calloc(cx, &scratch, (size_t)schema->n_fields + 1, sizeof *fields);
  if (!fields) return OG_ENOMEM;
  for (uint32_t i = 0; i < schema->n_fields; i++) {
    fields[i] = schema->fields[i];
    if (!og_lance_is_blob(&fields[i]) || columns[i]->type.id != OG_TYPE_BINARY) continue;
    fields[i] =
        (og_field){.name = fields[i].name, .type = og_type_of(OG_TYPE_BINARY), .nullable = schema->fields[i].nullable};
    same = false;
  }
  if (!same) return og_schema_new(cx, fields, schema->n_fields, NULL, 0, out);
  *out = og_schema_ref(schema);
  return OG_OK;
}
