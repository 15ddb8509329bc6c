/* SPDX-License-Identifier: MIT */
/* lance/index_section.c -- the list of indexes in a manifest.
 *
 *   IndexSection   1 repeated IndexMetadata
 *   IndexMetadata  1 UUID{1 bytes}   2 packed field ids   3 name   4 table version   5 Roaring bitmap of fragment ids
 *                  6 Any{1 type URL, 2 message}   7 index version   8 created at, ms   9 base path
 *                  10 repeated File{1 name, 2 size}
 *
 * A segment once written is only ever copied as it is, so nothing of it that we do not know is lost.
 */
#include "lance/index_impl.h"

#include "base/ulid.h"

typedef struct decoder {
  og_ctx *cx;
  og_arena *a;
  og_vec fields; /* uint64_t */
  og_vec files;  /* og_lance_index_file */
  og_vec ranges; /* og_u32_range */
} decoder;

static void decoder_cleanup(decoder *d)
{
  og_vec_cleanup(&d->fields);
  og_vec_cleanup(&d->files);
  og_vec_cleanup(&d->ranges);
}

static og_status read_uuid(og_ctx *cx, og_str bytes, uint8_t out[16])
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  og_pb_reader_init(&r, bytes, "UUID");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) return OG_OK;
    if (f.num != 1) continue;
    if (f.wire != OG_PB_BYTES || f.bytes.len != 16)
      return og_fail(cx, OG_ECORRUPT, "an index whose id is not of 16 bytes");
    memcpy(out, f.bytes.ptr, 16);
  }
}

static og_status read_any(og_ctx *cx, og_str bytes, og_lance_index_entry *e)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  og_pb_reader_init(&r, bytes, "index details");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) return OG_OK;
    if (f.num > 2) continue;
    OG_TRY(og_pb_expect(cx, &r, &f, OG_PB_BYTES));
    if (f.num == 1) e->kind = f.bytes;
    if (f.num == 2) e->details = f.bytes;
  }
}

static og_status read_file(decoder *d, og_str bytes)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  og_lance_index_file file = {0};
  og_pb_reader_init(&r, bytes, "index file");
  for (;;) {
    OG_TRY(og_pb_next(d->cx, &r, &f, &more));
    if (!more) return og_vec_add(d->cx, &d->files, &file);
    if (f.num == 1) OG_TRY(og_pb_expect(d->cx, &r, &f, OG_PB_BYTES));
    if (f.num == 2) OG_TRY(og_pb_expect(d->cx, &r, &f, OG_PB_VARINT));
    if (f.num == 1) file.name = f.bytes;
    if (f.num == 2) file.size = f.value;
  }
}

static og_status read_fragments(decoder *d, og_str bytes, og_lance_index_entry *e)
{
  e->has_fragments = true;
  og_vec_clear(&d->ranges);
  return bytes.len ? og_roaring_ranges(d->cx, bytes, "an index's set of fragments", &d->ranges) : OG_OK;
}

static og_status read_field(decoder *d, const og_pb_reader *r, const og_pb_field *f, og_lance_index_entry *e)
{
  bool is_number = f->num == 4 || (f->num >= 7 && f->num <= 9);
  if (f->num == 2) return og_pb_repeated_u64(d->cx, r, f, &d->fields);
  if (f->num <= 10) OG_TRY(og_pb_expect(d->cx, r, f, is_number ? OG_PB_VARINT : OG_PB_BYTES));
  switch (f->num) {
  case 1: return read_uuid(d->cx, f->bytes, e->uuid);
  case 3: e->name = f->bytes; return OG_OK;
  case 4: e->version = f->value; return OG_OK;
  case 5: return read_fragments(d, f->bytes, e);
  case 6: return read_any(d->cx, f->bytes, e);
  case 7: e->index_version = (uint32_t)f->value; return OG_OK;
  case 8: e->created_ms = (int64_t)f->value; return OG_OK;
  case 9:
    e->has_base = true;
    e->base = (uint32_t)f->value;
    return OG_OK;
  case 10: return read_file(d, f->bytes);
  default: return OG_OK;
  }
}

static og_status own_list(decoder *d, const og_vec *v, void *out)
{
  void *copy = og_arena_calloc(d->cx, d->a, v->len + 1, v->elem);
  if (!copy) return OG_ENOMEM;
  if (v->len) memcpy(copy, v->data, v->len * v->elem);
  memcpy(out, &copy, sizeof copy);
  return OG_OK;
}

static og_status read_entry(decoder *d, og_str bytes, og_lance_index_entry *e)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  OG_TRY(og_arena_str(d->cx, d->a, bytes, &e->raw));
  og_pb_reader_init(&r, e->raw, "IndexMetadata");
  for (;;) {
    OG_TRY(og_pb_next(d->cx, &r, &f, &more));
    if (!more) break;
    OG_TRY(read_field(d, &r, &f, e));
  }
  int32_t *fields = og_arena_calloc(d->cx, d->a, d->fields.len + 1, sizeof *fields);
  if (!fields) return OG_ENOMEM;
  for (size_t i = 0; i < d->fields.len; i++) fields[i] = (int32_t)(uint32_t)OG_VEC_AT(&d->fields, uint64_t, i);
  e->fields = fields;
  e->n_fields = (uint32_t)d->fields.len;
  e->n_files = (uint32_t)d->files.len;
  e->n_fragments = d->ranges.len;
  OG_TRY(own_list(d, &d->files, &e->files));
  return own_list(d, &d->ranges, &e->fragments);
}

og_status og_index__decode(og_ctx *cx, og_arena *a, og_str section, og_vec *out)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  og_pb_reader_init(&r, section, "IndexSection");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) return OG_OK;
    if (f.num != 1) continue;
    OG_TRY(og_pb_expect(cx, &r, &f, OG_PB_BYTES));
    OG_AUTO(decoder) d = {cx, a, OG_VEC_INIT(uint64_t), OG_VEC_INIT(og_lance_index_file), OG_VEC_INIT(og_u32_range)};
    og_lance_index_entry e = {0};
    OG_TRY(read_entry(&d, f.bytes, &e));
    OG_TRY(og_vec_add(cx, out, &e));
  }
}

og_status og_lance_table_indexes(og_ctx *cx, const og_lance_table *t, const og_lance_index_entry **out, size_t *n)
{
  OG_AUTO(og_vec) all = OG_VEC_INIT(og_lance_index_entry);
  OG_TRY_NOTE(cx, og_index__decode(cx, cx->arena, t->m.index_section, &all), "in the indexes of '" OG_STR_FMT "'",
              OG_STR_ARG(t->at.root));
  og_lance_index_entry *copy = og_push_array(cx, all.len + 1, sizeof *copy);
  if (!copy) return OG_ENOMEM;
  if (all.len) memcpy(copy, all.data, all.len * sizeof *copy);
  *out = copy;
  *n = all.len;
  return OG_OK;
}

/* ---- writing */

static og_status put_files(og_ctx *cx, const og_lance_index_entry *e, og_buf *out)
{
  for (uint32_t i = 0; i < e->n_files; i++) {
    OG_AUTO(og_buf) b = {0};
    OG_TRY(og_pb_put_str(cx, &b, 1, e->files[i].name));
    OG_TRY(og_pb_put_u64(cx, &b, 2, e->files[i].size));
    OG_TRY(og_pb_put_bytes(cx, out, 10, og_buf_str(&b)));
  }
  return OG_OK;
}

static og_status put_ids(og_ctx *cx, const og_lance_index_entry *e, og_buf *out)
{
  OG_AUTO(og_buf) uuid = {0};
  OG_AUTO(og_vec) fields = OG_VEC_INIT(uint64_t);
  for (uint32_t i = 0; i < e->n_fields; i++) {
    uint64_t id = (uint64_t)(int64_t)e->fields[i];
    OG_TRY(og_vec_add(cx, &fields, &id));
  }
  OG_TRY(og_pb_put_bytes(cx, &uuid, 1, og_str_from(e->uuid, 16)));
  OG_TRY(og_pb_put_bytes(cx, out, 1, og_buf_str(&uuid)));
  return og_pb_put_packed(cx, out, 2, fields.data, fields.len);
}

og_status og_index__encode(og_ctx *cx, const og_lance_index_entry *e, const uint32_t *fragments, size_t n, og_buf *out)
{
  OG_AUTO(og_buf) bitmap = {0};
  OG_AUTO(og_buf) any = {0};
  OG_TRY(put_ids(cx, e, out));
  OG_TRY(og_pb_put_str(cx, out, 3, e->name));
  OG_TRY(og_pb_put_u64(cx, out, 4, e->version));
  OG_TRY(og_roaring_encode(cx, fragments, n, &bitmap));
  OG_TRY(og_pb_put_bytes(cx, out, 5, og_buf_str(&bitmap)));
  OG_TRY(og_pb_put_str(cx, &any, 1, e->kind));
  OG_TRY(og_pb_put_str(cx, &any, 2, e->details));
  OG_TRY(og_pb_put_bytes(cx, out, 6, og_buf_str(&any)));
  OG_TRY(og_pb_put_u64_always(cx, out, 7, e->index_version));
  OG_TRY(og_pb_put_u64_always(cx, out, 8, (uint64_t)e->created_ms));
  return put_files(cx, e, out);
}

static bool is_among(const og_vec *uuids, const uint8_t uuid[16])
{
  for (size_t i = 0; i < uuids->len; i++)
    if (og_index__same((const uint8_t *)uuids->data + 16 * i, uuid)) return true;
  return false;
}

og_status og_index__without(og_ctx *cx, og_str section, const og_vec *uuids, og_buf *out)
{
  OG_AUTO(og_arena) scratch = {0};
  OG_AUTO(og_vec) all = OG_VEC_INIT(og_lance_index_entry);
  og_pb_reader r;
  og_pb_field f;
  bool more;
  size_t at = 0;
  OG_TRY(og_index__decode(cx, &scratch, section, &all));
  og_pb_reader_init(&r, section, "IndexSection");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) return OG_OK;
    const og_lance_index_entry *e = f.num == 1 && at < all.len ? &OG_VEC_AT(&all, og_lance_index_entry, at++) : NULL;
    if (e && is_among(uuids, e->uuid)) continue;
    OG_TRY(og_buf_append_str(cx, out, f.raw));
  }
}

og_status og_index__folder(og_ctx *cx, og_str prefix, const uint8_t uuid[16], og_str *out)
{
  char text[36];
  og_uuid_format(uuid, text);
  return og_arena_printf(cx, cx->arena, out, OG_STR_FMT "/_indices/%.36s", OG_STR_ARG(prefix), text);
}
