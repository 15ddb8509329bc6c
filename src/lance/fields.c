/* SPDX-License-Identifier: MIT */
#include "lance/fields_impl.h"

#include "base/ctx.h"
#include "base/limits.h"
#include "base/map.h"
#include "lance/pb.h"

#include <inttypes.h>

static const og_str key_mark = {"lance-schema:unenforced-primary-key", 35};
static const og_str extension_name = {"ARROW:extension:name", 20}, blob_extension = {"lance.blob.v2", 13};
static const og_str descriptor_mark = {"lance-encoding:blob", 19};
static const og_str key_place = {"lance-schema:unenforced-primary-key:position", 44};

/* ---- Logical types: text on disk, og_type in memory. */

typedef struct type_name {
  og_str text;
  og_type type;
} type_name;

/* clang-format off */
static const type_name type_names[] = {
  {{"null", 4},              {.id = OG_TYPE_NULL}},
  {{"bool", 4},              {.id = OG_TYPE_BOOL}},
  {{"int8", 4},              {.id = OG_TYPE_I8}},
  {{"int16", 5},             {.id = OG_TYPE_I16}},
  {{"int32", 5},             {.id = OG_TYPE_I32}},
  {{"int64", 5},             {.id = OG_TYPE_I64}},
  {{"uint8", 5},             {.id = OG_TYPE_U8}},
  {{"uint16", 6},            {.id = OG_TYPE_U16}},
  {{"uint32", 6},            {.id = OG_TYPE_U32}},
  {{"uint64", 6},            {.id = OG_TYPE_U64}},
  {{"halffloat", 9},         {.id = OG_TYPE_F16}},
  {{"float", 5},             {.id = OG_TYPE_F32}},
  {{"double", 6},            {.id = OG_TYPE_F64}},
  {{"string", 6},            {.id = OG_TYPE_UTF8}},
  {{"large_string", 12},     {.id = OG_TYPE_LARGE_UTF8}},
  {{"binary", 6},            {.id = OG_TYPE_BINARY}},
  {{"large_binary", 12},     {.id = OG_TYPE_LARGE_BINARY}},
  {{"date32:day", 10},       {.id = OG_TYPE_DATE32}},
  {{"date64:ms", 9},         {.id = OG_TYPE_DATE64}},
  {{"timestamp:s:-", 13},    {.id = OG_TYPE_TIMESTAMP, .unit = OG_UNIT_S}},
  {{"timestamp:ms:-", 14},   {.id = OG_TYPE_TIMESTAMP, .unit = OG_UNIT_MS}},
  {{"timestamp:us:-", 14},   {.id = OG_TYPE_TIMESTAMP, .unit = OG_UNIT_US}},
  {{"timestamp:ns:-", 14},   {.id = OG_TYPE_TIMESTAMP, .unit = OG_UNIT_NS}},
  {{"timestamp:s:UTC", 15},  {.id = OG_TYPE_TIMESTAMP, .unit = OG_UNIT_S, .utc = true}},
  {{"timestamp:ms:UTC", 16}, {.id = OG_TYPE_TIMESTAMP, .unit = OG_UNIT_MS, .utc = true}},
  {{"timestamp:us:UTC", 16}, {.id = OG_TYPE_TIMESTAMP, .unit = OG_UNIT_US, .utc = true}},
  {{"timestamp:ns:UTC", 16}, {.id = OG_TYPE_TIMESTAMP, .unit = OG_UNIT_NS, .utc = true}},
  {{"time32:s", 8},          {.id = OG_TYPE_TIME32, .unit = OG_UNIT_S}},
  {{"time32:ms", 9},         {.id = OG_TYPE_TIME32, .unit = OG_UNIT_MS}},
  {{"time64:us", 9},         {.id = OG_TYPE_TIME64, .unit = OG_UNIT_US}},
  {{"time64:ns", 9},         {.id = OG_TYPE_TIME64, .unit = OG_UNIT_NS}},
  {{"duration:s", 10},       {.id = OG_TYPE_DURATION, .unit = OG_UNIT_S}},
  {{"duration:ms", 11},      {.id = OG_TYPE_DURATION, .unit = OG_UNIT_MS}},
  {{"duration:us", 11},      {.id = OG_TYPE_DURATION, .unit = OG_UNIT_US}},
  {{"duration:ns", 11},      {.id = OG_TYPE_DURATION, .unit = OG_UNIT_NS}},
  {{"list", 4},              {.id = OG_TYPE_LIST}},
  {{"list.struct", 11},      {.id = OG_TYPE_LIST}},
  {{"large_list", 10},       {.id = OG_TYPE_LARGE_LIST}},
  {{"large_list.struct", 17},{.id = OG_TYPE_LARGE_LIST}},
  {{"struct", 6},            {.id = OG_TYPE_STRUCT}},
};
/* clang-format on */

/* "dict:VALUE:INDEX:ORDERED": the values, as the pages give them. */
static og_str dictionary_value(og_str text)
{
  const og_str prefix = OG_STR("dict:");
  size_t ordered = og_str_rfind_byte(text, ':');
  if (!og_str_starts_with(text, prefix) || ordered <= prefix.len) return OG_STR_NONE;
  size_t index = og_str_rfind_byte(og_str_sub(text, 0, ordered), ':');
  return index > prefix.len && index != SIZE_MAX ? og_str_sub(text, prefix.len, index) : OG_STR_NONE;
}

static bool type_find(og_str text, og_type *out)
{
  for (size_t i = 0; i < OG_ARRAY_LEN(type_names); i++) {
    if (!og_str_eq(type_names[i].text, text)) continue;
    *out = type_names[i].type;
    return true;
  }
  return false;
}

/* Items of a fixed-size list lie in the parent's column, so they must have a fixed width. */
static bool is_fixed_list_item(og_type_id id)
{
  return id == OG_TYPE_BOOL || og_type_width(id) > 0;
}

/* "fixed_size_list:ELEM:N" */
static bool fixed_list_parse(og_str text, og_type *item, int32_t *n)
{
  const og_str prefix = OG_STR("fixed_size_list:");
  size_t colon = og_str_rfind_byte(text, ':');
  uint64_t size;
  if (!og_str_starts_with(text, prefix) || colon <= prefix.len) return false;
  if (!type_find(og_str_sub(text, prefix.len, colon), item) || !is_fixed_list_item(item->id))
    return false;
  if (!og_str_to_u64(og_str_sub(text, colon + 1, text.len), &size)) return false;
  if (size < 1 || size > OG_LIMIT_VECTOR_DIM) return false;
  *n = (int32_t)size;
  return true;
}

static og_status unsupported_type(og_ctx *cx, og_str field, og_str type)
{
  return og_fail(cx, OG_EUNSUPPORTED,
                 "field \"" OG_STR_FMT "\" has the Lance type \"" OG_STR_FMT
                 "\", which OmniGraph does not store",
                 OG_STR_ARG(field), OG_STR_ARG(type));
}

static og_status type_text(og_ctx *cx, og_arena *a, const og_field *f, og_str *out)
{
  og_type t = f->type;
  if (t.id == OG_TYPE_FIXED_LIST) {
    og_str item = OG_STR_NONE;
    if (f->n_children != 1 || !is_fixed_list_item(f->children[0].type.id))
      return unsupported_type(cx, f->name, og_str_of("fixed_size_list of nested or string items"));
    OG_TRY(type_text(cx, a, &f->children[0], &item));
    return og_arena_printf(cx, a, out, "fixed_size_list:" OG_STR_FMT ":%" PRId32, OG_STR_ARG(item),
                           t.size);
  }
  bool of_struct = og_type_is_nested(t.id) && t.id != OG_TYPE_STRUCT && f->n_children == 1 &&
                   f->children[0].type.id == OG_TYPE_STRUCT;
  if (of_struct) {
    *out = t.id == OG_TYPE_LIST ? OG_STR("list.struct") : OG_STR("large_list.struct");
    return OG_OK;
  }
  for (size_t i = 0; i < OG_ARRAY_LEN(type_names); i++) {
    if (!og_type_eq(type_names[i].type, t)) continue;
    *out = type_names[i].text;
    return OG_OK;
  }
  return unsupported_type(cx, f->name, og_str_of(og_type_name(t)));
}

/* ---- The Arrow view. */

bool og_lance_is_blob(const og_field *f)
{
  og_str mark;
  return f->type.id == OG_TYPE_LARGE_BINARY && og_field_meta(f, OG_STR(OG_LANCE_BLOB_MARK), &mark);
}

static bool meta_is(const og_lance_field *f, og_str key, og_str value)
{
  for (uint32_t i = 0; i < f->n_meta; i++)
    if (og_str_eq(f->meta[2 * (size_t)i], key)) return og_str_eq(f->meta[2 * (size_t)i + 1], value);
  return false;
}

/* A blob in a table's schema, or (its descriptor) in a data file's. */
static bool is_blob_struct(const og_lance_field *f)
{
  if (!og_str_eq(f->logical_type, OG_STR("struct"))) return false;
  return meta_is(f, extension_name, blob_extension) || meta_is(f, descriptor_mark, OG_STR("true"));
}

/* The fields below it are the format's affair. */
static og_status blob_field(og_ctx *cx, const og_lance_schema *s, uint32_t *pos, og_arena *a, og_field *out)
{
  int32_t id = s->fields[*pos - 1].id;
  og_str *meta = og_arena_calloc(cx, a, (size_t)out->n_meta + 1, 2 * sizeof *meta);
  uint32_t n = 0;
  if (!meta) return OG_ENOMEM;
  for (uint32_t i = 0; i < out->n_meta; i++) {
    if (og_str_starts_with(out->meta[2 * (size_t)i], OG_STR("ARROW:"))) continue;
    meta[2 * (size_t)n] = out->meta[2 * (size_t)i];
    meta[2 * (size_t)n++ + 1] = out->meta[2 * (size_t)i + 1];
  }
  meta[2 * (size_t)n] = OG_STR(OG_LANCE_BLOB_MARK);
  meta[2 * (size_t)n++ + 1] = OG_STR("v2");
  while (*pos < s->n_fields && s->fields[*pos].parent == id) ++*pos;
  out->type = og_type_of(OG_TYPE_LARGE_BINARY);
  out->meta = meta;
  out->n_meta = n;
  return OG_OK;
}

/* Builds the Arrow field at *pos and moves *pos behind its descendants. */
static og_status arrow_field(og_ctx *cx, og_lance_schema *s, uint32_t *pos, og_arena *a,
                             og_field *out)
{
  const og_lance_field *f = &s->fields[(*pos)++];
  *out = (og_field){.name = f->name, .nullable = f->nullable, .meta = f->meta, .n_meta = f->n_meta};
  og_type item;
  int32_t size;
  if (is_blob_struct(f)) return blob_field(cx, s, pos, a, out);
  if (fixed_list_parse(f->logical_type, &item, &size)) {
    og_field *child = og_arena_zalloc(cx, a, sizeof *child);
    if (!child) return OG_ENOMEM;
    *child = (og_field){.name = OG_STR("item"), .type = item, .nullable = true};
    out->type = og_type_fixed_list(size);
    out->children = child;
    out->n_children = 1;
    return OG_OK;
  }
  og_str value = dictionary_value(f->logical_type);
  if (!type_find(value.ptr ? value : f->logical_type, &out->type) || (value.ptr && og_type_is_nested(out->type.id)))
    return unsupported_type(cx, f->name, f->logical_type);
  uint32_t n = 0;
  for (uint32_t i = *pos; i < s->n_fields; i++) n += s->fields[i].parent == f->id;
  bool is_list = out->type.id == OG_TYPE_LIST || out->type.id == OG_TYPE_LARGE_LIST;
  bool right = is_list ? n == 1 : out->type.id == OG_TYPE_STRUCT ? n > 0 : n == 0;
  if (!right)
    return og_fail(cx, OG_ECORRUPT,
                   "field \"" OG_STR_FMT "\" of type " OG_STR_FMT " has %u children",
                   OG_STR_ARG(f->name), OG_STR_ARG(f->logical_type), n);
  og_field *children = og_arena_calloc(cx, a, n, sizeof *children);
  if (!children) return OG_ENOMEM;
  for (uint32_t i = 0; i < n; i++) OG_TRY(arrow_field(cx, s, pos, a, &children[i]));
  out->children = children;
  out->n_children = n;
  return OG_OK;
}

/* Ids are distinct, and each parent is on the path of open ancestors: depth-first order without
 * cycles. */
static og_status check_tree(og_ctx *cx, const og_lance_schema *s)
{
  int32_t path[OG_LIMIT_TYPE_DEPTH];
  uint32_t depth = 0;
  og_status st = OG_OK;
  og_umap seen;
  og_umap_init(&seen);
  for (uint32_t i = 0; i < s->n_fields && st == OG_OK; i++) {
    const og_lance_field *f = &s->fields[i];
    bool fresh = false;
    st = og_umap_put(cx, &seen, (uint64_t)(uint32_t)f->id, i, &fresh);
    if (st != OG_OK) break;
    while (depth > 0 && path[depth - 1] != f->parent) depth--;
    if (f->id < 0 || !fresh)
      st = og_fail(cx, OG_ECORRUPT, "schema: field id %" PRId32 " is negative or stands twice",
                   f->id);
    else if (depth == 0 && f->parent != -1)
      st = og_fail(cx, OG_ECORRUPT, "schema: field %" PRId32 " does not follow its parent %" PRId32,
                   f->id, f->parent);
    else if (depth == OG_LIMIT_TYPE_DEPTH)
      st = og_fail(cx, OG_ELIMIT, "schema: types nest deeper than %d", OG_LIMIT_TYPE_DEPTH);
    else
      path[depth++] = f->id;
  }
  og_map_cleanup(&seen);
  return st;
}

og_status og_fields__complete(og_ctx *cx, og_lance_schema *s)
{
  OG_TRY(check_tree(cx, s));
  uint32_t n = 0;
  for (uint32_t i = 0; i < s->n_fields; i++) n += s->fields[i].parent == -1;
  if (n > OG_LIMIT_COLUMNS)
    return og_fail(cx, OG_ELIMIT, "a table of %u columns; the limit is %d", n, OG_LIMIT_COLUMNS);
  og_field *top = og_arena_calloc(cx, &s->arena, n, sizeof *top);
  if (!top) return OG_ENOMEM;
  uint32_t pos = 0;
  for (uint32_t i = 0; i < n; i++) OG_TRY(arrow_field(cx, s, &pos, &s->arena, &top[i]));
  return og_schema_new(cx, top, n, s->meta, s->n_meta, &s->arrow);
}

og_lance_schema *og_fields__alloc(og_ctx *cx)
{
  og_lance_schema *s = og_zalloc(cx, sizeof *s);
  if (s) atomic_init(&s->refs, 1);
  return s;
}

og_lance_schema *og_lance_schema_ref(og_lance_schema *s)
{
  atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
  return s;
}

void og_lance_schema_unref(og_lance_schema *s)
{
  if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
  og_schema_unref(s->arrow);
  og_arena_cleanup(&s->arena);
  og_free(s);
}

/* ---- From Arrow. */

static og_status copy_meta(og_ctx *cx, og_arena *a, const og_str *meta, uint32_t n,
                           const og_str **out)
{
  og_str *copy = og_arena_calloc(cx, a, (size_t)n * 2, sizeof *copy);
  if (!copy) return OG_ENOMEM;
  for (uint32_t i = 0; i < 2 * n; i++) OG_TRY(og_arena_str(cx, a, meta[i], &copy[i]));
  *out = copy;
  return OG_OK;
}

static bool has_fields_of_its_own(const og_field *f)
{
  return og_type_is_nested(f->type.id) && f->type.id != OG_TYPE_FIXED_LIST;
}

typedef struct blob_part {
  og_str name, type;
  int32_t encoding;
} blob_part;

/* What stands below a blob in a table's schema: the forms in which a writer may be given one. */
static const blob_part blob_parts[] = {{{"data", 4}, {"large_binary", 12}, 2},
                                       {{"uri", 3}, {"string", 6}, 2},
                                       {{"position", 8}, {"uint64", 6}, 1},
                                       {{"size", 4}, {"uint64", 6}, 1}};
/* And in a data file's: its descriptor. */
static const blob_part descriptor_parts[] = {{{"kind", 4}, {"uint8", 5}, 1},
                                             {{"position", 8}, {"uint64", 6}, 1},
                                             {{"size", 4}, {"uint64", 6}, 1},
                                             {{"blob_id", 7}, {"uint32", 6}, 1},
                                             {{"blob_uri", 8}, {"string", 6}, 2}};

static uint32_t count_fields(const og_field *f)
{
  uint32_t n = og_lance_is_blob(f) ? 1 + OG_ARRAY_LEN(blob_parts) : 1;
  for (uint32_t i = 0; has_fields_of_its_own(f) && i < f->n_children; i++)
    n += count_fields(&f->children[i]);
  return n;
}

/* The storage hint older readers expect: 1 plain, 2 variable, 0 for structs. */
static int32_t legacy_encoding(og_type_id id)
{
  return id == OG_TYPE_STRUCT ? 0 : og_type_is_varbin(id) ? 2 : 1;
}

/* Makes the field just added a blob: its type, its metadata without our mark, and the parts below. */
static og_status make_blob(og_ctx *cx, og_lance_schema *s, og_lance_field *f)
{
  static const og_str extra[4] = {
      {"ARROW:extension:name", 20}, {"lance.blob.v2", 13}, {"ARROW:extension:metadata", 24}, {"", 0}};
  static const og_str tagged = {"\x4a\x0dlance.blob.v2", 15}; /* Field 9, the extension's name, as Lance writes it */
  og_str *meta = og_arena_calloc(cx, &s->arena, (size_t)f->n_meta + 1, 2 * sizeof *meta);
  uint32_t n = 0;
  if (!meta) return OG_ENOMEM;
  for (uint32_t i = 0; i < f->n_meta; i++) {
    if (og_str_eq(f->meta[2 * (size_t)i], OG_STR(OG_LANCE_BLOB_MARK))) continue;
    meta[2 * (size_t)n] = f->meta[2 * (size_t)i];
    meta[2 * (size_t)n++ + 1] = f->meta[2 * (size_t)i + 1];
  }
  memcpy(&meta[2 * (size_t)n], extra, sizeof extra);
  f->meta = meta;
  f->n_meta = n + 2;
  f->logical_type = OG_STR("struct");
  f->encoding = 1;
  f->unknown = tagged;
  int32_t parent = f->id;
  for (size_t i = 0; i < OG_ARRAY_LEN(blob_parts); i++, s->n_fields++)
    s->fields[s->n_fields] = (og_lance_field){.id = parent + 1 + (int32_t)i,
                                              .parent = parent,
                                              .name = blob_parts[i].name,
                                              .logical_type = blob_parts[i].type,
                                              .encoding = blob_parts[i].encoding,
                                              .nullable = true};
  return OG_OK;
}

static og_status add_field(og_ctx *cx, og_lance_schema *s, const og_field *from, int32_t parent, int32_t *next)
{
  og_lance_field *f = &s->fields[s->n_fields++];
  const int32_t id = (*next)++;
  *f = (og_lance_field){.id = id, .parent = parent, .nullable = from->nullable};
  f->encoding = legacy_encoding(from->type.id);
  f->n_meta = from->n_meta;
  OG_TRY(og_arena_str(cx, &s->arena, from->name, &f->name));
  OG_TRY(type_text(cx, &s->arena, from, &f->logical_type));
  OG_TRY(copy_meta(cx, &s->arena, from->meta, from->n_meta, &f->meta));
  og_str value;
  if (og_field_meta(from, key_mark, &value)) f->primary_key = og_str_eq(value, OG_STR("true"));
  if (og_field_meta(from, key_place, &value))
    f->primary_key = og_str_to_u64(value, &f->key_position);
  if (og_lance_is_blob(from)) {
    *next += (int32_t)OG_ARRAY_LEN(blob_parts);
    return make_blob(cx, s, f);
  }
  for (uint32_t i = 0; has_fields_of_its_own(from) && i < from->n_children; i++)
    OG_TRY(add_field(cx, s, &from->children[i], id, next));
  return OG_OK;
}

static og_status schema_fill(og_ctx *cx, const og_schema *arrow, int32_t first_id, og_lance_schema *s)
{
  size_t n = 0;
  for (uint32_t i = 0; i < arrow->n_fields; i++) n += count_fields(&arrow->fields[i]);
  s->fields = og_arena_calloc(cx, &s->arena, n, sizeof *s->fields);
  if (!s->fields) return OG_ENOMEM;
  if (n > (size_t)(INT32_MAX - first_id)) return og_fail(cx, OG_ELIMIT, "the table has used up its field ids");
  for (uint32_t i = 0; i < arrow->n_fields; i++) OG_TRY(add_field(cx, s, &arrow->fields[i], -1, &first_id));
  s->n_meta = arrow->n_meta;
  OG_TRY(copy_meta(cx, &s->arena, arrow->meta, arrow->n_meta, &s->meta));
  return og_fields__complete(cx, s);
}

og_status og_lance_schema_new(og_ctx *cx, const og_schema *arrow, og_lance_schema **out)
{
  return og_lance_schema_numbered(cx, arrow, 0, out);
}

og_status og_lance_schema_numbered(og_ctx *cx, const og_schema *arrow, int32_t first_id, og_lance_schema **out)
{
  og_lance_schema *s = og_fields__alloc(cx);
  if (!s) return OG_ENOMEM;
  og_status st = schema_fill(cx, arrow, first_id, s);
  if (st != OG_OK)
    og_lance_schema_unref(s);
  else
    *out = s;
  return st;
}

/* ---- Look-ups. */

int og_lance_schema_find_id(const og_lance_schema *s, int32_t id)
{
  for (uint32_t i = 0; i < s->n_fields; i++)
    if (s->fields[i].id == id) return (int)i;
  return -1;
}

int og_lance_schema_find(const og_lance_schema *s, og_str name)
{
  for (uint32_t i = 0; i < s->n_fields; i++)
    if (s->fields[i].parent == -1 && og_str_eq(s->fields[i].name, name)) return (int)i;
  return -1;
}

uint32_t og_lance_schema_top(const og_lance_schema *s, uint32_t i)
{
  uint32_t pos = 0;
  for (uint32_t left = i;; pos++) {
    OG_ASSERT(pos < s->n_fields);
    if (s->fields[pos].parent != -1) continue;
    if (left-- == 0) return pos;
  }
}

/* ---- Protocol buffers. */

og_status og_lance_meta_entry_encode(og_ctx *cx, uint32_t num, og_str key, og_str value, og_buf *out)
{
  OG_AUTO(og_buf) entry = {0};
  OG_TRY(og_pb_put_bytes(cx, &entry, 1, key));
  OG_TRY(og_pb_put_bytes(cx, &entry, 2, value));
  return og_pb_put_bytes(cx, out, num, og_buf_str(&entry));
}

static og_status encode_field(og_ctx *cx, const og_lance_field *f, og_buf *out)
{
  OG_TRY(og_pb_put_str(cx, out, 2, f->name));
  OG_TRY(og_pb_put_u64(cx, out, 3, (uint64_t)(int64_t)f->id));
  OG_TRY(og_pb_put_u64(cx, out, 4, (uint64_t)(int64_t)f->parent));
  OG_TRY(og_pb_put_str(cx, out, 5, f->logical_type));
  OG_TRY(og_pb_put_u64(cx, out, 6, f->nullable));
  OG_TRY(og_pb_put_u64(cx, out, 7, (uint64_t)(int64_t)f->encoding));
  for (uint32_t i = 0; i < f->n_meta; i++)
    OG_TRY(og_lance_meta_entry_encode(cx, 10, f->meta[2 * i], f->meta[2 * i + 1], out));
  OG_TRY(og_pb_put_u64(cx, out, 12, f->primary_key));
  OG_TRY(og_pb_put_u64(cx, out, 13, f->key_position));
  return og_buf_append_str(cx, out, f->unknown);
}

og_status og_lance_fields_encode(og_ctx *cx, const og_lance_schema *s, uint32_t num, og_buf *out)
{
  OG_AUTO(og_buf) message = {0};
  for (uint32_t i = 0; i < s->n_fields; i++) {
    og_buf_clear(&message);
    OG_TRY(encode_field(cx, &s->fields[i], &message));
    OG_TRY(og_pb_put_bytes(cx, out, num, og_buf_str(&message)));
  }
  return OG_OK;
}

static og_status put_file_field(og_ctx *cx, const og_lance_field *f, uint32_t num, og_buf *out)
{
  OG_AUTO(og_buf) message = {0};
  OG_TRY(encode_field(cx, f, &message));
  return og_pb_put_bytes(cx, out, num, og_buf_str(&message));
}

static og_status put_descriptor(og_ctx *cx, const og_lance_field *blob, uint32_t num, og_buf *out)
{
  static const og_str meta[4] = {{"lance-encoding:blob", 19}, {"true", 4}, {"lance-encoding:packed", 21}, {"true", 4}};
  og_lance_field f = *blob;
  f.meta = meta;
  f.n_meta = 2;
  f.encoding = 0;
  f.unknown = OG_STR_NONE;
  OG_TRY(put_file_field(cx, &f, num, out));
  for (size_t i = 0; i < OG_ARRAY_LEN(descriptor_parts); i++) {
    f = (og_lance_field){.id = -1,
                         .parent = -1,
                         .name = descriptor_parts[i].name,
                         .logical_type = descriptor_parts[i].type,
                         .encoding = descriptor_parts[i].encoding};
    OG_TRY(put_file_field(cx, &f, num, out));
  }
  return OG_OK;
}

og_status og_lance_file_fields_encode(og_ctx *cx, const og_lance_schema *s, uint32_t num, og_buf *out)
{
  for (uint32_t i = 0; i < s->n_fields; i++) {
    const og_lance_field *f = &s->fields[i];
    if (!is_blob_struct(f)) {
      OG_TRY(put_file_field(cx, f, num, out));
      continue;
    }
    OG_TRY(put_descriptor(cx, f, num, out));
    while (i + 1 < s->n_fields && s->fields[i + 1].parent == f->id) i++;
  }
  return OG_OK;
}

og_status og_lance_meta_encode(og_ctx *cx, const og_lance_schema *s, uint32_t num, og_buf *out)
{
  for (uint32_t i = 0; i < s->n_meta; i++)
    OG_TRY(og_lance_meta_entry_encode(cx, num, s->meta[2 * i], s->meta[2 * i + 1], out));
  return OG_OK;
}

static og_status decode_map_entry(og_ctx *cx, og_arena *a, og_str bytes, og_str pair[2])
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  og_pb_reader_init(&r, bytes, "map entry");
  pair[0] = pair[1] = OG_STR_NONE;
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) return OG_OK;
    if (f.num != 1 && f.num != 2) continue;
    OG_TRY(og_pb_expect(cx, &r, &f, OG_PB_BYTES));
    OG_TRY(og_arena_str(cx, a, f.bytes, &pair[f.num - 1]));
  }
}

static og_status decode_meta(og_ctx *cx, og_arena *a, const og_str *entries, size_t n,
                             const og_str **out)
{
  og_str *pairs = og_arena_calloc(cx, a, n, 2 * sizeof *pairs);
  if (!pairs) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++) OG_TRY(decode_map_entry(cx, a, entries[i], &pairs[2 * i]));
  *out = pairs;
  return OG_OK;
}

/* What one Field message is read into before its variable parts move to the arena. */
typedef struct field_parts {
  og_vec meta; /* og_str, raw entries */
  og_buf unknown;
} field_parts;

static void field_parts_cleanup(field_parts *p)
{
  og_vec_cleanup(&p->meta);
  og_buf_cleanup(&p->unknown);
}

static og_status decode_number(og_ctx *cx, const og_pb_reader *r, const og_pb_field *f,
                               og_lance_field *out)
{
  OG_TRY(og_pb_expect(cx, r, f, OG_PB_VARINT));
  switch (f->num) {
  case 3: out->id = (int32_t)(uint32_t)f->value; break;
  case 4: out->parent = (int32_t)(uint32_t)f->value; break;
  case 6: out->nullable = f->value != 0; break;
  case 7: out->encoding = (int32_t)(uint32_t)f->value; break;
  case 12: out->primary_key = f->value != 0; break;
  case 13: out->key_position = f->value; break;
  default: break;
  }
  return OG_OK;
}

static og_status decode_part(og_ctx *cx, og_arena *a, const og_pb_reader *r, const og_pb_field *f,
                             field_parts *parts, og_lance_field *out)
{
  switch (f->num) {
  case 2:
    OG_TRY(og_pb_expect(cx, r, f, OG_PB_BYTES));
    return og_arena_str(cx, a, f->bytes, &out->name);
  case 5:
    OG_TRY(og_pb_expect(cx, r, f, OG_PB_BYTES));
    return og_arena_str(cx, a, f->bytes, &out->logical_type);
  case 10:
    OG_TRY(og_pb_expect(cx, r, f, OG_PB_BYTES));
    return og_vec_add(cx, &parts->meta, &f->bytes);
  case 3:
  case 4:
  case 6:
  case 7:
  case 12:
  case 13: return decode_number(cx, r, f, out);
  default: return og_buf_append_str(cx, &parts->unknown, f->raw);
  }
}

static bool is_text(og_str s)
{
  return og_utf8_check(s) == SIZE_MAX && og_str_find(s, OG_STR("\0")) == SIZE_MAX;
}

static og_status decode_field(og_ctx *cx, og_arena *a, og_str bytes, og_lance_field *out)
{
  OG_AUTO(field_parts) parts = {.meta = OG_VEC_INIT(og_str)};
  og_pb_reader r;
  og_pb_field f;
  bool more;
  og_pb_reader_init(&r, bytes, "schema field");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) break;
    OG_TRY(decode_part(cx, a, &r, &f, &parts, out));
  }
  if (!is_text(out->name) || !is_text(out->logical_type))
    return og_fail(cx, OG_ECORRUPT, "schema: name or type of field %" PRId32 " is no UTF-8 text", out->id);
  out->n_meta = (uint32_t)parts.meta.len;
  OG_TRY(decode_meta(cx, a, (const og_str *)parts.meta.data, parts.meta.len, &out->meta));
  return og_arena_str(cx, a, og_buf_str(&parts.unknown), &out->unknown);
}

static og_status schema_decode(og_ctx *cx, const og_str *fields, size_t n_fields,
                               const og_str *meta_entries, size_t n_meta, og_lance_schema *s)
{
  s->fields = og_arena_calloc(cx, &s->arena, n_fields, sizeof *s->fields);
  if (!s->fields) return OG_ENOMEM;
  bool in_blob = false;
  for (size_t i = 0; i < n_fields; i++) {
    og_lance_field *f = &s->fields[s->n_fields];
    OG_TRY(decode_field(cx, &s->arena, fields[i], f));
    if (f->id == -1 && in_blob) continue; /* a part of its descriptor: without a number, and known */
    in_blob = is_blob_struct(f);
    s->n_fields++;
  }
  s->n_meta = (uint32_t)n_meta;
  OG_TRY(decode_meta(cx, &s->arena, meta_entries, n_meta, &s->meta));
  return og_fields__complete(cx, s);
}

og_status og_lance_schema_decode(og_ctx *cx, const og_str *fields, size_t n_fields,
                                 const og_str *meta_entries, size_t n_meta, og_lance_schema **out)
{
  if (n_fields > 4 * OG_LIMIT_COLUMNS || n_meta > UINT32_MAX / 2)
    return og_fail(cx, OG_ELIMIT, "a schema of %zu fields and %zu metadata entries", n_fields,
                   n_meta);
  og_lance_schema *s = og_fields__alloc(cx);
  if (!s) return OG_ENOMEM;
  og_status st = schema_decode(cx, fields, n_fields, meta_entries, n_meta, s);
  if (st != OG_OK)
    og_lance_schema_unref(s);
  else
    *out = s;
  return st;
}
