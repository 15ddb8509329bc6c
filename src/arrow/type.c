/* SPDX-License-Identifier: MIT */
#include "arrow/type.h"

/* What is fixed about a type, in one place.  Width is bytes per value; 0: bits, variable or nested.
 */
typedef struct type_info {
  const char *name;
  uint8_t width;
  bool numeric, string, varbin, nested, has_unit;
} type_info;

static const type_info infos[] = {
    [OG_TYPE_NULL] = {.name = "null"},
    [OG_TYPE_BOOL] = {.name = "bool"},
    [OG_TYPE_I8] = {.name = "int8", .width = 1, .numeric = true},
    [OG_TYPE_I16] = {.name = "int16", .width = 2, .numeric = true},
    [OG_TYPE_I32] = {.name = "int32", .width = 4, .numeric = true},
    [OG_TYPE_I64] = {.name = "int64", .width = 8, .numeric = true},
    [OG_TYPE_U8] = {.name = "uint8", .width = 1, .numeric = true},
    [OG_TYPE_U16] = {.name = "uint16", .width = 2, .numeric = true},
    [OG_TYPE_U32] = {.name = "uint32", .width = 4, .numeric = true},
    [OG_TYPE_U64] = {.name = "uint64", .width = 8, .numeric = true},
    [OG_TYPE_F16] = {.name = "float16", .width = 2, .numeric = true},
    [OG_TYPE_F32] = {.name = "float32", .width = 4, .numeric = true},
    [OG_TYPE_F64] = {.name = "float64", .width = 8, .numeric = true},
    [OG_TYPE_UTF8] = {.name = "string", .string = true, .varbin = true},
    [OG_TYPE_LARGE_UTF8] = {.name = "large_string", .string = true, .varbin = true},
    [OG_TYPE_BINARY] = {.name = "binary", .varbin = true},
    [OG_TYPE_LARGE_BINARY] = {.name = "large_binary", .varbin = true},
    [OG_TYPE_DATE32] = {.name = "date32", .width = 4},
    [OG_TYPE_DATE64] = {.name = "date64", .width = 8},
    [OG_TYPE_TIMESTAMP] = {.name = "timestamp", .width = 8, .has_unit = true},
    [OG_TYPE_TIME32] = {.name = "time32", .width = 4, .has_unit = true},
    [OG_TYPE_TIME64] = {.name = "time64", .width = 8, .has_unit = true},
    [OG_TYPE_DURATION] = {.name = "duration", .width = 8, .has_unit = true},
    [OG_TYPE_LIST] = {.name = "list", .nested = true},
    [OG_TYPE_LARGE_LIST] = {.name = "large_list", .nested = true},
    [OG_TYPE_FIXED_LIST] = {.name = "fixed_size_list", .nested = true},
    [OG_TYPE_STRUCT] = {.name = "struct", .nested = true},
};

static const char *const timestamp_names[4][2] = {
    [OG_UNIT_S] = {"timestamp[s]", "timestamp[s, UTC]"},
    [OG_UNIT_MS] = {"timestamp[ms]", "timestamp[ms, UTC]"},
    [OG_UNIT_US] = {"timestamp[us]", "timestamp[us, UTC]"},
    [OG_UNIT_NS] = {"timestamp[ns]", "timestamp[ns, UTC]"},
};

static const char *const unit_names[3][4] = {
    {"time32[s]", "time32[ms]", "time32[us]", "time32[ns]"},
    {"time64[s]", "time64[ms]", "time64[us]", "time64[ns]"},
    {"duration[s]", "duration[ms]", "duration[us]", "duration[ns]"},
};

bool og_type_eq(og_type a, og_type b)
{
  if (a.id != b.id) return false;
  if (infos[a.id].has_unit && a.unit != b.unit) return false;
  if (a.id == OG_TYPE_TIMESTAMP) return a.utc == b.utc;
  return a.id != OG_TYPE_FIXED_LIST || a.size == b.size;
}

const char *og_type_name(og_type t)
{
  if (t.id == OG_TYPE_TIMESTAMP) return timestamp_names[t.unit][t.utc];
  return infos[t.id].has_unit ? unit_names[t.id - OG_TYPE_TIME32][t.unit] : infos[t.id].name;
}

unsigned og_type_width(og_type_id id)
{
  return infos[id].width;
}

bool og_type_is_numeric(og_type_id id)
{
  return infos[id].numeric;
}

bool og_type_is_string(og_type_id id)
{
  return infos[id].string;
}

bool og_type_is_varbin(og_type_id id)
{
  return infos[id].varbin;
}

bool og_type_is_nested(og_type_id id)
{
  return infos[id].nested;
}

bool og_type_has_unit(og_type_id id)
{
  return infos[id].has_unit;
}

bool og_field_meta(const og_field *f, og_str key, og_str *out)
{
  for (size_t i = 0; i < f->n_meta; i++) {
    if (!og_str_eq(f->meta[2 * i], key)) continue;
    *out = f->meta[2 * i + 1];
    return true;
  }
  return false;
}

static og_status copy_meta(og_ctx *cx, og_arena *a, const og_str *meta, uint32_t n, const og_str **out)
{
  *out = NULL;
  if (n == 0) return OG_OK;
  og_str *copy = og_arena_calloc(cx, a, (size_t)n * 2, sizeof *copy);
  if (!copy) return OG_ENOMEM;
  for (size_t i = 0; i < (size_t)n * 2; i++) OG_TRY(og_arena_str(cx, a, meta[i], &copy[i]));
  *out = copy;
  return OG_OK;
}

/* Recursion is bounded by the depth of the caller's own type, which whoever parsed it has limited.
 */
static og_status copy_fields(og_ctx *cx, og_arena *a, const og_field *fields, uint32_t n, og_field **out)
{
  og_field *copy = og_arena_calloc(cx, a, n, sizeof *copy);
  if (!copy) return OG_ENOMEM;
  for (uint32_t i = 0; i < n; i++) {
    const og_field *f = &fields[i];
    og_field *children = NULL;
    copy[i] = *f;
    OG_TRY(og_arena_str(cx, a, f->name, &copy[i].name));
    OG_TRY(copy_meta(cx, a, f->meta, f->n_meta, &copy[i].meta));
    if (f->n_children) OG_TRY(copy_fields(cx, a, f->children, f->n_children, &children));
    copy[i].children = children;
  }
  *out = copy;
  return OG_OK;
}

og_status og_schema_new(og_ctx *cx, const og_field *fields, uint32_t n, const og_str *meta, uint32_t n_meta,
                        og_schema **out)
{
  og_schema *s = og_zalloc(cx, sizeof *s);
  if (!s) return OG_ENOMEM;
  atomic_init(&s->refs, 1);
  s->n_fields = n;
  s->n_meta = n_meta;
  og_status st = copy_fields(cx, &s->arena, fields, n, &s->fields);
  if (st == OG_OK) st = copy_meta(cx, &s->arena, meta, n_meta, &s->meta);
  if (st != OG_OK) {
    og_schema_unref(s);
    return st;
  }
  *out = s;
  return OG_OK;
}

og_schema *og_schema_ref(og_schema *s)
{
  atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
  return s;
}

void og_schema_unref(og_schema *s)
{
  if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
  og_arena_cleanup(&s->arena);
  og_free(s);
}

int og_schema_find(const og_schema *s, og_str name)
{
  for (uint32_t i = 0; i < s->n_fields; i++)
    if (og_str_eq(s->fields[i].name, name)) return (int)i;
  return -1;
}

/* Metadata is a set of pairs: its order says nothing. */
static bool meta_eq(const og_field *a, const og_field *b)
{
  if (a->n_meta != b->n_meta) return false;
  for (size_t i = 0; i < a->n_meta; i++) {
    og_str v;
    if (!og_field_meta(b, a->meta[2 * i], &v) || !og_str_eq(v, a->meta[2 * i + 1])) return false;
  }
  return true;
}

bool og_field_eq(const og_field *a, const og_field *b, bool with_meta)
{
  if (!og_str_eq(a->name, b->name) || !og_type_eq(a->type, b->type) || a->nullable != b->nullable ||
      a->n_children != b->n_children)
    return false;
  if (with_meta && !meta_eq(a, b)) return false;
  for (uint32_t i = 0; i < a->n_children; i++)
    if (!og_field_eq(&a->children[i], &b->children[i], with_meta)) return false;
  return true;
}
