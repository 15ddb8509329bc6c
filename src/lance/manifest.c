/* SPDX-License-Identifier: MIT */
/* lance/manifest.c
 *
 *   [u32 len][IndexSection]  optional, at field 6
 *   [u32 len][Transaction]   optional, at field 21 (until Lance 13) and 23 (from 14 on)
 *   [u32 len][Manifest]
 *   [u64 position of the manifest's u32][u16 major 0][u16 minor 2]["LANC"]
 *
 * Positions point at the u32 and may be 0, so their presence, not their value, says that there is a section.
 * Sections are laid out anew at each writing; hence every field that holds a position must be known here.  Fields we do
 * not know are kept at every level.
 *
 *   Manifest    1 fields   2 fragments   3 version   5 schema metadata   6 index section   7 timestamp   9 reader flags
 *               10 writer flags   11 max fragment id   12 transaction file   13 writer   14 next row id
 *               15 data format   16 config   18 base paths   19 table metadata   20 branch   21, 23 transaction section
 */
#include "lance/manifest.h"

#include "base/limits.h"
#include "base/map.h"
#include "base/vec.h"

#include <inttypes.h>

#define FOOTER 16

typedef struct decoder {
  og_ctx *cx;
  og_arena *a;
  og_vec fields, meta;       /* og_str: messages */
  og_vec bases;              /* og_base_path */
  og_vec config, table_meta; /* og_str[2] */
  og_vec files;              /* og_data_file: of one fragment */
  og_vec ids, columns;       /* uint64_t: of one data file */
  const og_data_file *last;  /* the data file before, whose lists may serve again; NULL: none */
  og_buf unknown;
  bool has_index, has_transaction;
  uint64_t index_at, transaction_at;
} decoder;

static og_status keep(decoder *d, og_buf *unknown, const og_pb_field *f)
{
  return og_buf_append_str(d->cx, unknown, f->raw);
}

static og_status own_buf(decoder *d, og_buf *b, og_status st, og_str *out)
{
  if (st == OG_OK) st = og_arena_str(d->cx, d->a, og_buf_str(b), out);
  og_buf_cleanup(b);
  return st;
}

static og_status bytes_field(decoder *d, const og_pb_reader *r, const og_pb_field *f, og_str *out)
{
  OG_TRY(og_pb_expect(d->cx, r, f, OG_PB_BYTES));
  *out = f->bytes;
  return OG_OK;
}

/* A text: it will stand in messages and reports. */
static og_status text_field(decoder *d, const og_pb_reader *r, const og_pb_field *f, og_str *out)
{
  OG_TRY(bytes_field(d, r, f, out));
  if (og_utf8_check(*out) == SIZE_MAX && og_str_find(*out, OG_STR("\0")) == SIZE_MAX) return OG_OK;
  return og_fail(d->cx, OG_ECORRUPT, "field %u of %s in the manifest is no UTF-8 text", f->num, r->what);
}

/* A path recorded in a manifest: relative, without "..", beneath the folder it belongs to. */
static og_status path_field(decoder *d, const og_pb_reader *r, const og_pb_field *f, og_str *out)
{
  OG_TRY(bytes_field(d, r, f, out));
  if (og_key_is_valid(*out)) return OG_OK;
  return og_fail(d->cx, OG_ECORRUPT, "a manifest names the file '" OG_STR_FMT "', which would lie outside its table",
                 OG_STR_ARG(*out));
}

static og_status number_field(decoder *d, const og_pb_reader *r, const og_pb_field *f, uint64_t *out)
{
  OG_TRY(og_pb_expect(d->cx, r, f, OG_PB_VARINT));
  *out = f->value;
  return OG_OK;
}

static og_status u32_field(decoder *d, const og_pb_reader *r, const og_pb_field *f, uint32_t *out)
{
  OG_TRY(og_pb_expect(d->cx, r, f, OG_PB_VARINT));
  if (f->value > UINT32_MAX)
    return og_fail(d->cx, OG_ECORRUPT, "field %u of %s is %" PRIu64 ", beyond 32 bits", f->num, r->what, f->value);
  *out = (uint32_t)f->value;
  return OG_OK;
}

static og_status base_field(decoder *d, const og_pb_reader *r, const og_pb_field *f, bool *has, uint32_t *out)
{
  *has = true;
  return u32_field(d, r, f, out);
}

static og_status ints_field(decoder *d, const og_pb_reader *r, const og_pb_field *f, og_vec *out)
{
  return og_pb_repeated_u64(d->cx, r, f, out);
}

static int32_t int_at(const og_vec *v, size_t i)
{
  return i < v->len ? (int32_t)(uint32_t)OG_VEC_AT(v, uint64_t, i) : -1;
}

/* Most data files have the fields of the one before. */
static bool same_ints(const og_vec *v, size_t n, const int32_t *list)
{
  for (size_t i = 0; i < n; i++)
    if (list[i] != int_at(v, i)) return false;
  return true;
}

static og_status to_ints(decoder *d, const og_vec *v, size_t n, const int32_t *before, const int32_t **out)
{
  *out = before;
  if (before && same_ints(v, n, before)) return OG_OK;
  int32_t *list = og_arena_calloc(d->cx, d->a, n + 1, sizeof *list);
  if (!list) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++) list[i] = int_at(v, i);
  *out = list;
  return OG_OK;
}

static og_status read_data_file(decoder *d, og_str bytes, og_data_file *out, og_buf *unknown)
{
  og_vec *ids = &d->ids, *columns = &d->columns;
  og_pb_reader r;
  og_pb_field f;
  bool more;
  og_vec_clear(ids);
  og_vec_clear(columns);
  og_pb_reader_init(&r, bytes, "DataFile");
  for (;;) {
    OG_TRY(og_pb_next(d->cx, &r, &f, &more));
    if (!more) break;
    switch (f.num) {
    case 1: OG_TRY(path_field(d, &r, &f, &out->path)); break;
    case 2: OG_TRY(ints_field(d, &r, &f, ids)); break;
    case 3: OG_TRY(ints_field(d, &r, &f, columns)); break;
    case 4: OG_TRY(u32_field(d, &r, &f, &out->major)); break;
    case 5: OG_TRY(u32_field(d, &r, &f, &out->minor)); break;
    case 6: OG_TRY(number_field(d, &r, &f, &out->size)); break;
    case 7: OG_TRY(base_field(d, &r, &f, &out->has_base, &out->base)); break;
    default: OG_TRY(keep(d, unknown, &f));
    }
  }
  if (columns->len && columns->len != ids->len)
    return og_fail(d->cx, OG_ECORRUPT, "data file '" OG_STR_FMT "' has %zu fields in %zu columns",
                   OG_STR_ARG(out->path), ids->len, columns->len);
  out->n = (uint32_t)ids->len;
  const bool like_last = d->last && d->last->n == out->n;
  OG_TRY(to_ints(d, ids, ids->len, like_last ? d->last->fields : NULL, &out->fields));
  return to_ints(d, columns, ids->len, like_last ? d->last->columns : NULL, &out->columns);
}

static og_status decode_data_file(decoder *d, og_str bytes)
{
  og_buf unknown = {0};
  og_data_file *file = og_vec_push(d->cx, &d->files);
  if (!file) return OG_ENOMEM;
  og_status st = read_data_file(d, bytes, file, &unknown);
  og_str kept;
  st = own_buf(d, &unknown, st, &kept);
  if (st == OG_OK) file->unknown = kept;
  return st;
}

static og_status read_deletion(decoder *d, og_str bytes, og_deletion_ref *out, og_buf *unknown)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  *out = (og_deletion_ref){.present = true};
  og_pb_reader_init(&r, bytes, "DeletionFile");
  for (;;) {
    OG_TRY(og_pb_next(d->cx, &r, &f, &more));
    if (!more) return OG_OK;
    switch (f.num) {
    case 1: OG_TRY(u32_field(d, &r, &f, &out->kind)); break;
    case 2: OG_TRY(number_field(d, &r, &f, &out->read_version)); break;
    case 3: OG_TRY(number_field(d, &r, &f, &out->id)); break;
    case 4: OG_TRY(number_field(d, &r, &f, &out->rows)); break;
    case 7: OG_TRY(base_field(d, &r, &f, &out->has_base, &out->base)); break;
    default: OG_TRY(keep(d, unknown, &f));
    }
  }
}

static og_status decode_deletion(decoder *d, og_str bytes, og_deletion_ref *out)
{
  og_buf unknown = {0};
  og_status st = read_deletion(d, bytes, out, &unknown);
  return own_buf(d, &unknown, st, &out->unknown);
}

static og_status inline_sequence(decoder *d, const og_pb_reader *r, const og_pb_field *f, og_sequence_ref *out)
{
  *out = (og_sequence_ref){.present = true}; /* of the two forms, the last one counts */
  return bytes_field(d, r, f, &out->bytes);
}

static og_status external_sequence(decoder *d, const og_pb_field *outer, og_sequence_ref *out)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  og_external_file *file = og_arena_zalloc(d->cx, d->a, sizeof *file);
  if (!file) return OG_ENOMEM;
  og_pb_reader_init(&r, outer->bytes, "ExternalFile");
  *out = (og_sequence_ref){.present = true, .external = file};
  out->bytes = outer->bytes;
  for (;;) {
    OG_TRY(og_pb_next(d->cx, &r, &f, &more));
    if (!more) return OG_OK;
    if (f.num == 1) OG_TRY(path_field(d, &r, &f, &file->path));
    if (f.num == 2) OG_TRY(number_field(d, &r, &f, &file->off));
    if (f.num == 3) OG_TRY(number_field(d, &r, &f, &file->len));
  }
}

static og_status read_fragment(decoder *d, og_str bytes, og_fragment *out, og_buf *unknown)
{
  og_vec *files = &d->files;
  og_pb_reader r;
  og_pb_field f;
  bool more;
  og_vec_clear(files);
  og_pb_reader_init(&r, bytes, "DataFragment");
  for (;;) {
    OG_TRY(og_pb_next(d->cx, &r, &f, &more));
    if (!more) break;
    if (f.num != 1 && f.num != 4 && f.num <= 10) OG_TRY(og_pb_expect(d->cx, &r, &f, OG_PB_BYTES));
    switch (f.num) {
    case 1: OG_TRY(number_field(d, &r, &f, &out->id)); break;
    case 2: OG_TRY(decode_data_file(d, f.bytes)); break;
    case 3: OG_TRY(decode_deletion(d, f.bytes, &out->del)); break;
    case 4: OG_TRY(number_field(d, &r, &f, &out->rows)); break;
    case 5: OG_TRY(inline_sequence(d, &r, &f, &out->ids)); break;
    case 6: OG_TRY(external_sequence(d, &f, &out->ids)); break;
    case 7: OG_TRY(inline_sequence(d, &r, &f, &out->updated)); break;
    case 8: OG_TRY(external_sequence(d, &f, &out->updated)); break;
    case 9: OG_TRY(inline_sequence(d, &r, &f, &out->created)); break;
    case 10: OG_TRY(external_sequence(d, &f, &out->created)); break;
    default: OG_TRY(keep(d, unknown, &f));
    }
  }
  if (out->rows > UINT32_MAX)
    return og_fail(d->cx, OG_ECORRUPT, "fragment %" PRIu64 " claims %" PRIu64 " rows", out->id, out->rows);
  if (out->del.present && out->del.rows > out->rows)
    return og_fail(d->cx, OG_ECORRUPT, "fragment %" PRIu64 " has more deleted rows than rows", out->id);
  out->files = og_arena_calloc(d->cx, d->a, files->len + 1, sizeof *out->files);
  if (!out->files) return OG_ENOMEM;
  if (files->len) memcpy(out->files, files->data, files->len * sizeof *out->files);
  out->n_files = (uint32_t)files->len;
  if (files->len) d->last = &out->files[files->len - 1];
  return OG_OK;
}

static og_status decode_fragment(decoder *d, og_str bytes, og_manifest *m)
{
  og_buf unknown = {0};
  og_fragment *out = &m->fragments[m->n_fragments++]; /* count_fragments made room */
  og_status st = read_fragment(d, bytes, out, &unknown);
  og_str kept;
  st = own_buf(d, &unknown, st, &kept);
  if (st == OG_OK) out->unknown = kept;
  return st;
}

static og_status read_base(decoder *d, og_str bytes, og_base_path *b, og_buf *unknown)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  uint64_t is_root = 0;
  og_pb_reader_init(&r, bytes, "BasePath");
  for (;;) {
    OG_TRY(og_pb_next(d->cx, &r, &f, &more));
    if (!more) break;
    switch (f.num) {
    case 1: OG_TRY(u32_field(d, &r, &f, &b->id)); break;
    case 2: OG_TRY(text_field(d, &r, &f, &b->name)); break;
    case 3: OG_TRY(number_field(d, &r, &f, &is_root)); break;
    case 4: OG_TRY(text_field(d, &r, &f, &b->path)); break;
    default: OG_TRY(keep(d, unknown, &f));
    }
  }
  b->is_root = is_root != 0;
  return OG_OK;
}

static og_status decode_base(decoder *d, og_str bytes)
{
  og_buf unknown = {0};
  og_base_path *b = og_vec_push(d->cx, &d->bases);
  if (!b) return OG_ENOMEM;
  og_status st = read_base(d, bytes, b, &unknown);
  og_str kept;
  st = own_buf(d, &unknown, st, &kept);
  if (st == OG_OK) b->unknown = kept;
  return st;
}

/* One entry of a map<string, …>: key 1, value 2. */
static og_status decode_pair(decoder *d, og_str bytes, og_str pair[2])
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  pair[0] = pair[1] = OG_STR("");
  og_pb_reader_init(&r, bytes, "map entry");
  for (;;) {
    OG_TRY(og_pb_next(d->cx, &r, &f, &more));
    if (!more) return OG_OK;
    if (f.num == 1 || f.num == 2) OG_TRY(bytes_field(d, &r, &f, &pair[f.num - 1]));
  }
}

static og_status add_pair(decoder *d, og_str bytes, og_vec *out)
{
  og_str pair[2];
  OG_TRY(decode_pair(d, bytes, pair));
  return og_vec_add(d->cx, out, pair);
}

static og_status decode_timestamp(decoder *d, og_str bytes, og_manifest *m)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  og_pb_reader_init(&r, bytes, "Timestamp");
  for (;;) {
    OG_TRY(og_pb_next(d->cx, &r, &f, &more));
    if (!more) return OG_OK;
    if (f.num == 1 || f.num == 2) OG_TRY(og_pb_expect(d->cx, &r, &f, OG_PB_VARINT));
    if (f.num == 1) m->seconds = (int64_t)f.value;
    if (f.num == 2) m->nanos = (int32_t)(uint32_t)f.value;
  }
}

static og_status read_format(decoder *d, og_str bytes, og_manifest *m, og_buf *unknown)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  og_pb_reader_init(&r, bytes, "DataStorageFormat");
  for (;;) {
    OG_TRY(og_pb_next(d->cx, &r, &f, &more));
    if (!more) return OG_OK;
    if (f.num == 1)
      OG_TRY(text_field(d, &r, &f, &m->format));
    else if (f.num == 2)
      OG_TRY(text_field(d, &r, &f, &m->format_version));
    else
      OG_TRY(keep(d, unknown, &f));
  }
}

static og_status decode_format(decoder *d, og_str bytes, og_manifest *m)
{
  og_buf unknown = {0};
  og_status st = read_format(d, bytes, m, &unknown);
  return own_buf(d, &unknown, st, &m->format_unknown);
}

static og_status decode_message_field(decoder *d, const og_pb_reader *r, const og_pb_field *f, og_manifest *m)
{
  OG_TRY(og_pb_expect(d->cx, r, f, OG_PB_BYTES));
  switch (f->num) {
  case 1: return og_vec_add(d->cx, &d->fields, &f->bytes);
  case 2: return decode_fragment(d, f->bytes, m);
  case 5: return og_vec_add(d->cx, &d->meta, &f->bytes);
  case 7: return decode_timestamp(d, f->bytes, m);
  case 12: return f->bytes.len ? path_field(d, r, f, &m->tx_file) : OG_OK;
  case 13: m->writer = f->bytes; return OG_OK;
  case 15: return decode_format(d, f->bytes, m);
  case 16: return add_pair(d, f->bytes, &d->config);
  case 18: return decode_base(d, f->bytes);
  case 19: return add_pair(d, f->bytes, &d->table_meta);
  default: m->branch = f->bytes; return OG_OK; /* 20 */
  }
}

static og_status decode_field(decoder *d, const og_pb_reader *r, const og_pb_field *f, og_manifest *m)
{
  switch (f->num) {
  case 3: return number_field(d, r, f, &m->version);
  case 6: d->has_index = true; return number_field(d, r, f, &d->index_at);
  case 9: return number_field(d, r, f, &m->reader_flags);
  case 10: return number_field(d, r, f, &m->writer_flags);
  case 11: m->has_max_fragment = true; return u32_field(d, r, f, &m->max_fragment);
  case 14: return number_field(d, r, f, &m->next_row_id);
  case 21:
  case 23: d->has_transaction = true; return number_field(d, r, f, &d->transaction_at);
  case 1:
  case 2:
  case 5:
  case 7:
  case 12:
  case 13:
  case 15:
  case 16:
  case 18:
  case 19:
  case 20: return decode_message_field(d, r, f, m);
  default: return keep(d, &d->unknown, f);
  }
}

/* The bytes of a section: u32 length, then the message. */
static og_status file_section(og_ctx *cx, og_str file, uint64_t at, const char *what, og_str *out)
{
  uint32_t len;
  if (file.len < FOOTER + 4 || at > file.len - FOOTER - 4)
    return og_fail(cx, OG_ECORRUPT, "the manifest's %s lies outside the file", what);
  memcpy(&len, file.ptr + at, 4);
  if (len > file.len - FOOTER - 4 - at)
    return og_fail(cx, OG_ECORRUPT, "the manifest's %s is longer than the file", what);
  *out = og_str_sub(file, at + 4, at + 4 + len);
  return OG_OK;
}

static og_status copy_list(decoder *d, const og_vec *v, void *out)
{
  void *copy = og_arena_calloc(d->cx, d->a, v->len + 1, v->elem);
  if (!copy) return OG_ENOMEM;
  if (v->len) memcpy(copy, v->data, v->len * v->elem);
  memcpy(out, &copy, sizeof copy);
  return OG_OK;
}

static og_status finish_decode(decoder *d, og_str file, og_manifest *m)
{
  OG_TRY(copy_list(d, &d->config, &m->config));
  OG_TRY(copy_list(d, &d->table_meta, &m->table_meta));
  OG_TRY(copy_list(d, &d->bases, &m->bases));
  m->n_config = (uint32_t)d->config.len;
  m->n_table_meta = (uint32_t)d->table_meta.len;
  m->n_bases = (uint32_t)d->bases.len;
  OG_TRY(og_arena_str(d->cx, d->a, og_buf_str(&d->unknown), &m->unknown));
  if (d->has_index) {
    OG_TRY(file_section(d->cx, file, d->index_at, "index section", &m->index_section));
  }
  if (d->has_transaction) {
    OG_TRY(file_section(d->cx, file, d->transaction_at, "transaction", &m->transaction));
  }
  return og_lance_schema_decode(d->cx, d->fields.data, d->fields.len, d->meta.data, d->meta.len, &m->schema);
}

static og_status check_flags(og_ctx *cx, const og_manifest *m)
{
  uint64_t unknown = m->reader_flags & ~(uint64_t)OG_FLAGS_READ;
  if (unknown)
    return og_fail(cx, OG_EUNSUPPORTED,
                   "the table was written with format features we do not know (reader flags %" PRIu64
                   "): upgrade OmniGraph",
                   unknown);
  return OG_OK;
}

static og_status read_footer(og_ctx *cx, og_str file, uint64_t *at)
{
  if (file.len < FOOTER || memcmp(file.ptr + file.len - 4, "LANC", 4) != 0)
    return og_fail(cx, OG_ECORRUPT, "the manifest does not end with its magic: it is truncated or no manifest");
  memcpy(at, file.ptr + file.len - FOOTER, 8);
  return OG_OK;
}

/* The fragments are counted before they are decoded: a table may have many, and lists that grow are copied. */
static og_status count_fragments(decoder *d, og_str bytes, og_manifest *m)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  size_t n = 0;
  og_pb_reader_init(&r, bytes, "Manifest");
  for (;;) {
    OG_TRY(og_pb_next(d->cx, &r, &f, &more));
    if (!more) break;
    n += f.num == 2;
  }
  if (n > OG_LIMIT_FRAGMENTS) return og_fail(d->cx, OG_ECORRUPT, "the manifest has too many fragments");
  m->fragments = og_arena_calloc(d->cx, d->a, n + 1, sizeof *m->fragments);
  return m->fragments ? OG_OK : OG_ENOMEM;
}

static og_status check_distinct(og_ctx *cx, const og_manifest *m)
{
  og_umap seen;
  og_status st = OG_OK;
  og_umap_init(&seen);
  for (uint32_t i = 0; st == OG_OK && i < m->n_fragments; i++) {
    bool is_new = true;
    st = og_umap_put(cx, &seen, m->fragments[i].id, i, &is_new);
    if (st == OG_OK && !is_new)
      st = og_fail(cx, OG_ECORRUPT, "the manifest has two fragments of number %" PRIu64, m->fragments[i].id);
  }
  og_map_cleanup(&seen);
  return st;
}

/* Fragment ids are distinct, and with stable row ids every fragment has them. */
static og_status check_fragments(og_ctx *cx, const og_manifest *m)
{
  bool ascend = true;
  for (uint32_t i = 0; i < m->n_fragments; i++) {
    const og_fragment *f = &m->fragments[i];
    ascend = ascend && (i == 0 || m->fragments[i - 1].id < f->id);
    if ((m->reader_flags & OG_FLAG_STABLE_IDS) && !f->ids.present)
      return og_fail(cx, OG_ECORRUPT, "fragment %" PRIu64 " has no row ids, though the table has stable ones", f->id);
  }
  return ascend ? OG_OK : check_distinct(cx, m);
}

static og_status decode_all(decoder *d, og_str file, og_manifest *m)
{
  uint64_t at = 0;
  og_str bytes;
  og_pb_reader r;
  og_pb_field f;
  bool more;
  OG_TRY(og_arena_str(d->cx, d->a, file, &file)); /* the texts of the manifest lie in it */
  OG_TRY(read_footer(d->cx, file, &at));
  OG_TRY(file_section(d->cx, file, at, "main section", &bytes));
  OG_TRY(count_fragments(d, bytes, m));
  og_pb_reader_init(&r, bytes, "Manifest");
  for (;;) {
    OG_TRY(og_pb_next(d->cx, &r, &f, &more));
    if (!more) break;
    OG_TRY(decode_field(d, &r, &f, m));
  }
  OG_TRY(check_flags(d->cx, m));
  OG_TRY(check_fragments(d->cx, m));
  return finish_decode(d, file, m);
}

void og_manifest_cleanup(og_manifest *m)
{
  og_lance_schema_unref(m->schema);
  og_arena_cleanup(&m->arena);
  *m = (og_manifest){0};
}

og_status og_manifest_decode(og_ctx *cx, og_str file, og_manifest *out)
{
  *out = (og_manifest){0};
  decoder d = {.cx = cx,
               .a = &out->arena,
               .fields = OG_VEC_INIT(og_str),
               .meta = OG_VEC_INIT(og_str),
               .files = OG_VEC_INIT(og_data_file),
               .ids = OG_VEC_INIT(uint64_t),
               .columns = OG_VEC_INIT(uint64_t),
               .config = OG_VEC_INIT(og_str[2]),
               .table_meta = OG_VEC_INIT(og_str[2]),
               .bases = OG_VEC_INIT(og_base_path)};
  og_status st = decode_all(&d, file, out);
  og_vec_cleanup(&d.fields);
  og_vec_cleanup(&d.meta);
  og_vec_cleanup(&d.files);
  og_vec_cleanup(&d.ids);
  og_vec_cleanup(&d.columns);
  og_vec_cleanup(&d.config);
  og_vec_cleanup(&d.table_meta);
  og_vec_cleanup(&d.bases);
  og_buf_cleanup(&d.unknown);
  if (st != OG_OK) og_manifest_cleanup(out);
  return st;
}

/* ---- writing */

static og_status put_ints(og_ctx *cx, og_buf *out, uint32_t num, const int32_t *v, uint32_t n)
{
  OG_AUTO(og_buf) packed = {0};
  for (uint32_t i = 0; i < n; i++) OG_TRY(og_pb_put_varint(cx, &packed, (uint64_t)(int64_t)v[i]));
  return og_pb_put_str(cx, out, num, og_buf_str(&packed));
}

static og_status encode_data_file(og_ctx *cx, const og_data_file *f, og_buf *out)
{
  OG_AUTO(og_buf) b = {0};
  OG_TRY(og_pb_put_str(cx, &b, 1, f->path));
  OG_TRY(put_ints(cx, &b, 2, f->fields, f->n));
  OG_TRY(put_ints(cx, &b, 3, f->columns, f->n));
  OG_TRY(og_pb_put_u64(cx, &b, 4, f->major));
  OG_TRY(og_pb_put_u64(cx, &b, 5, f->minor));
  OG_TRY(og_pb_put_u64(cx, &b, 6, f->size));
  if (f->has_base) OG_TRY(og_pb_put_u64_always(cx, &b, 7, f->base));
  OG_TRY(og_buf_append_str(cx, &b, f->unknown));
  return og_pb_put_bytes(cx, out, 2, og_buf_str(&b));
}

static og_status encode_deletion(og_ctx *cx, const og_deletion_ref *d, og_buf *out)
{
  OG_AUTO(og_buf) b = {0};
  OG_TRY(og_pb_put_u64(cx, &b, 1, d->kind));
  OG_TRY(og_pb_put_u64(cx, &b, 2, d->read_version));
  OG_TRY(og_pb_put_u64(cx, &b, 3, d->id));
  OG_TRY(og_pb_put_u64(cx, &b, 4, d->rows));
  if (d->has_base) OG_TRY(og_pb_put_u64_always(cx, &b, 7, d->base));
  OG_TRY(og_buf_append_str(cx, &b, d->unknown));
  return og_pb_put_bytes(cx, out, 3, og_buf_str(&b));
}

static og_status encode_sequence(og_ctx *cx, const og_sequence_ref *s, uint32_t inline_num, og_buf *out)
{
  return s->present ? og_pb_put_bytes(cx, out, inline_num + (s->external != NULL), s->bytes) : OG_OK;
}

og_status og_fragment_encode(og_ctx *cx, const og_fragment *f, og_buf *out)
{
  OG_TRY(og_pb_put_u64(cx, out, 1, f->id));
  for (uint32_t i = 0; i < f->n_files; i++) OG_TRY(encode_data_file(cx, &f->files[i], out));
  if (f->del.present) OG_TRY(encode_deletion(cx, &f->del, out));
  OG_TRY(og_pb_put_u64(cx, out, 4, f->rows));
  OG_TRY(encode_sequence(cx, &f->ids, 5, out));
  OG_TRY(encode_sequence(cx, &f->updated, 7, out));
  OG_TRY(encode_sequence(cx, &f->created, 9, out));
  return og_buf_append_str(cx, out, f->unknown);
}

static og_status put_pair(og_ctx *cx, og_buf *out, uint32_t num, og_str key, og_str value)
{
  OG_AUTO(og_buf) b = {0};
  OG_TRY(og_pb_put_bytes(cx, &b, 1, key));
  OG_TRY(og_pb_put_bytes(cx, &b, 2, value));
  return og_pb_put_bytes(cx, out, num, og_buf_str(&b));
}

static og_status put_pairs(og_ctx *cx, og_buf *out, uint32_t num, const og_str *pairs, uint32_t n)
{
  for (size_t i = 0; i < n; i++) OG_TRY(put_pair(cx, out, num, pairs[2 * i], pairs[2 * i + 1]));
  return OG_OK;
}

static og_status encode_base(og_ctx *cx, const og_base_path *p, og_buf *out)
{
  OG_AUTO(og_buf) b = {0};
  OG_TRY(og_pb_put_u64(cx, &b, 1, p->id));
  OG_TRY(og_pb_put_str(cx, &b, 2, p->name));
  OG_TRY(og_pb_put_u64(cx, &b, 3, p->is_root));
  OG_TRY(og_pb_put_str(cx, &b, 4, p->path));
  OG_TRY(og_buf_append_str(cx, &b, p->unknown));
  return og_pb_put_bytes(cx, out, 18, og_buf_str(&b));
}

static og_status encode_times(og_ctx *cx, const og_manifest *m, og_buf *out)
{
  OG_AUTO(og_buf) b = {0};
  OG_TRY(og_pb_put_u64(cx, &b, 1, (uint64_t)m->seconds));
  OG_TRY(og_pb_put_u64(cx, &b, 2, (uint64_t)(int64_t)m->nanos));
  return og_pb_put_bytes(cx, out, 7, og_buf_str(&b));
}

static og_status encode_tail(og_ctx *cx, const og_manifest *m, og_buf *out)
{
  OG_AUTO(og_buf) format = {0};
  if (m->has_max_fragment) OG_TRY(og_pb_put_u64_always(cx, out, 11, m->max_fragment));
  OG_TRY(og_pb_put_str(cx, out, 12, m->tx_file));
  OG_TRY(og_pb_put_str(cx, out, 13, m->writer));
  OG_TRY(og_pb_put_u64(cx, out, 14, m->next_row_id));
  OG_TRY(og_pb_put_str(cx, &format, 1, m->format));
  OG_TRY(og_pb_put_str(cx, &format, 2, m->format_version));
  OG_TRY(og_buf_append_str(cx, &format, m->format_unknown));
  OG_TRY(og_pb_put_str(cx, out, 15, og_buf_str(&format)));
  OG_TRY(put_pairs(cx, out, 16, m->config, m->n_config));
  for (uint32_t i = 0; i < m->n_bases; i++) OG_TRY(encode_base(cx, &m->bases[i], out));
  OG_TRY(put_pairs(cx, out, 19, m->table_meta, m->n_table_meta));
  return og_pb_put_str(cx, out, 20, m->branch);
}

static og_status encode_body(og_ctx *cx, const og_manifest *m, uint64_t index_at, uint64_t transaction_at, og_buf *out)
{
  OG_TRY(og_lance_fields_encode(cx, m->schema, 1, out));
  for (uint32_t i = 0; i < m->n_fragments; i++) {
    OG_AUTO(og_buf) b = {0};
    OG_TRY(og_fragment_encode(cx, &m->fragments[i], &b));
    OG_TRY(og_pb_put_bytes(cx, out, 2, og_buf_str(&b)));
  }
  OG_TRY(og_pb_put_u64(cx, out, 3, m->version));
  OG_TRY(put_pairs(cx, out, 5, m->schema->meta, m->schema->n_meta));
  if (m->index_section.ptr) OG_TRY(og_pb_put_u64_always(cx, out, 6, index_at));
  OG_TRY(encode_times(cx, m, out));
  OG_TRY(og_pb_put_u64(cx, out, 9, m->reader_flags));
  OG_TRY(og_pb_put_u64(cx, out, 10, m->writer_flags));
  OG_TRY(encode_tail(cx, m, out));
  if (m->transaction.ptr) OG_TRY(og_pb_put_u64_always(cx, out, 21, transaction_at));
  if (m->transaction.ptr) OG_TRY(og_pb_put_u64_always(cx, out, 23, transaction_at));
  return og_buf_append_str(cx, out, m->unknown);
}

static og_status put_section(og_ctx *cx, og_str bytes, og_buf *out)
{
  if (bytes.len > UINT32_MAX) return og_fail(cx, OG_ELIMIT, "a manifest section is larger than 4 GiB");
  OG_TRY(og_buf_put_u32(cx, out, (uint32_t)bytes.len));
  return og_buf_append_str(cx, out, bytes);
}

og_status og_manifest_encode(og_ctx *cx, const og_manifest *m, og_buf *out)
{
  OG_AUTO(og_buf) body = {0};
  uint64_t index_at = out->len;
  if (m->index_section.ptr) OG_TRY(put_section(cx, m->index_section, out));
  uint64_t transaction_at = out->len;
  if (m->transaction.ptr) OG_TRY(put_section(cx, m->transaction, out));
  uint64_t at = out->len;
  OG_TRY(encode_body(cx, m, index_at, transaction_at, &body));
  OG_TRY(put_section(cx, og_buf_str(&body), out));
  OG_TRY(og_buf_put_u64(cx, out, at));
  OG_TRY(og_buf_put_u16(cx, out, 0));
  OG_TRY(og_buf_put_u16(cx, out, 2));
  return og_buf_append(cx, out, "LANC", 4);
}

/* ---- indices */

static og_status inherit_index(og_ctx *cx, og_str index, uint32_t base, og_buf *out)
{
  og_pb_reader r;
  og_pb_field f;
  bool more, has_base = false;
  OG_AUTO(og_buf) b = {0};
  og_pb_reader_init(&r, index, "IndexMetadata");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) break;
    has_base = has_base || f.num == 9;
  }
  OG_TRY(og_buf_append_str(cx, &b, index));
  if (!has_base) OG_TRY(og_pb_put_u64_always(cx, &b, 9, base));
  return og_pb_put_bytes(cx, out, 1, og_buf_str(&b));
}

og_status og_index_section_inherit(og_ctx *cx, og_str section, uint32_t base, og_buf *out)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  og_pb_reader_init(&r, section, "IndexSection");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) return OG_OK;
    if (f.num == 1 && f.wire == OG_PB_BYTES)
      OG_TRY(inherit_index(cx, f.bytes, base, out));
    else
      OG_TRY(og_buf_append_str(cx, out, f.raw));
  }
}
