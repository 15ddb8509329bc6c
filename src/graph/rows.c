/* SPDX-License-Identifier: MIT */
/* graph/rows.c -- the row kinds of `__manifest`.
 *
 *   object_type      object_id                  identity  version          what metadata holds
 *   table            table:S:I                  S, I      -                (location: nodes/S-I or edges/S-I)
 *   table_version    table_version:S:I:V20      S, I      V, branch, rows  manifest_path, size, e_tag, scheme, uuid
 *   table_tombstone  table_tombstone:S:I:V20    S, I      V                -
 *   graph_commit     <ULID>                     -         log version      parents, actor, created_at
 *   graph_head       graph_head:<branch>        -         -                head_commit_id, parent_commit_id
 *   schema           schema                     -         -                source, ir, state   (ours)
 *   gc               gc                         -         -                epoch, cutoff, number floor, floors (ours)
 *   branch           branch:<name>              -         -                state, incarnation, ... (ours, main only)
 *   branch_op        branch_op:<ULID>           -         -                what was done (ours, main only)
 *   seal             seal                       -         -                incarnation (ours): the branch ends here
 *   erased           erased:S:I                 -         -                version: below it, nothing is read (ours)
 *
 * S and I are 16 lower-case hex digits, V20 is zero-padded decimal.  A reader recomputes every object id of the table
 * kinds and rejects a difference, so that a damaged or forged row cannot point elsewhere.
 */
#include "graph/rows.h"

#include "arrow/builder.h"
#include "base/json.h"

#include <inttypes.h>

enum { C_OBJECT_ID, C_OBJECT_TYPE, C_LOCATION, C_METADATA, C_BASE, C_KEY, C_ID, C_INC, C_VERSION, C_BRANCH, C_COUNT };

static const struct {
  og_row_kind kind;
  og_str type;
} kinds[] = {
    {OG_ROW_TABLE, {"table", 5}},
    {OG_ROW_TABLE_VERSION, {"table_version", 13}},
    {OG_ROW_TOMBSTONE, {"table_tombstone", 15}},
    {OG_ROW_COMMIT, {"graph_commit", 12}},
    {OG_ROW_HEAD, {"graph_head", 10}},
    {OG_ROW_SCHEMA, {"schema", 6}},
    {OG_ROW_GC, {"gc", 2}},
    {OG_ROW_BRANCH, {"branch", 6}},
    {OG_ROW_BRANCH_OP, {"branch_op", 9}},
    {OG_ROW_SEAL, {"seal", 4}},
    {OG_ROW_ERASED, {"erased", 6}},
};

static og_str type_of_kind(og_row_kind kind)
{
  for (size_t i = 0; i < OG_ARRAY_LEN(kinds); i++)
    if (kinds[i].kind == kind) return kinds[i].type;
  return OG_STR_NONE;
}

static og_row_kind kind_of_type(og_str type)
{
  for (size_t i = 0; i < OG_ARRAY_LEN(kinds); i++)
    if (og_str_eq(kinds[i].type, type)) return kinds[i].kind;
  return OG_ROW_UNKNOWN;
}

og_status og_rows_schema(og_ctx *cx, og_schema **out)
{
  const og_type utf8 = og_type_of(OG_TYPE_UTF8), u64 = og_type_of(OG_TYPE_U64);
  const og_str key_meta[2] = {OG_STR("lance-schema:unenforced-primary-key"), OG_STR("true")};
  const og_field item = {.name = OG_STR("item"), .type = utf8, .nullable = true};
  const og_field fields[OG_LOG_COLUMNS] = {
      {.name = OG_STR("object_id"), .type = utf8, .meta = key_meta, .n_meta = 1},
      {.name = OG_STR("object_type"), .type = utf8},
      {.name = OG_STR("location"), .type = utf8, .nullable = true},
      {.name = OG_STR("metadata"), .type = utf8, .nullable = true},
      {.name = OG_STR("base_objects"),
       .type = og_type_of(OG_TYPE_LIST),
       .nullable = true,
       .children = &item,
       .n_children = 1},
      {.name = OG_STR("table_key"), .type = utf8},
      {.name = OG_STR("stable_table_id"), .type = u64, .nullable = true},
      {.name = OG_STR("table_incarnation_id"), .type = u64, .nullable = true},
      {.name = OG_STR("table_version"), .type = u64, .nullable = true},
      {.name = OG_STR("table_branch"), .type = utf8, .nullable = true},
      {.name = OG_STR("row_count"), .type = u64, .nullable = true},
  };
  const og_str stamp[2] = {OG_STR(OG_STAMP_KEY), OG_STR(OG_STAMP)};
  return og_schema_new(cx, fields, OG_LOG_COLUMNS, stamp, 1, out);
}

/* ---- rows to columns */

static og_status put_str(og_ctx *cx, og_builder *b, og_str s)
{
  return s.ptr ? og_builder_str(cx, b, s) : og_builder_null(cx, b);
}

static og_status put_u64(og_ctx *cx, og_builder *b, bool has, uint64_t v)
{
  return has ? og_builder_u64(cx, b, v) : og_builder_null(cx, b);
}

static og_status encode_row(og_ctx *cx, og_builder **b, const og_log_row *r)
{
  OG_TRY(og_builder_str(cx, b[C_OBJECT_ID], r->object_id));
  OG_TRY(og_builder_str(cx, b[C_OBJECT_TYPE], r->object_type));
  OG_TRY(put_str(cx, b[C_LOCATION], r->location));
  OG_TRY(put_str(cx, b[C_METADATA], r->metadata));
  OG_TRY(og_builder_null(cx, b[C_BASE]));
  OG_TRY(og_builder_str(cx, b[C_KEY], r->table_key));
  OG_TRY(put_u64(cx, b[C_ID], r->has_identity, r->table_id));
  OG_TRY(put_u64(cx, b[C_INC], r->has_identity, r->incarnation));
  OG_TRY(put_u64(cx, b[C_VERSION], r->has_version, r->version));
  OG_TRY(put_str(cx, b[C_BRANCH], r->table_branch));
  return put_u64(cx, b[C_COUNT], r->has_count, r->row_count);
}

static og_status encode_all(og_ctx *cx, og_schema *schema, const og_log_row *rows, size_t n, og_builder **b,
                            og_column **cols)
{
  for (uint32_t i = 0; i < OG_LOG_COLUMNS; i++) OG_TRY(og_builder_new(cx, &schema->fields[i], &b[i]));
  for (size_t i = 0; i < n; i++) OG_TRY(encode_row(cx, b, &rows[i]));
  for (uint32_t i = 0; i < OG_LOG_COLUMNS; i++) OG_TRY(og_builder_finish(cx, b[i], &cols[i]));
  return OG_OK;
}

og_status og_rows_encode(og_ctx *cx, og_schema *schema, const og_log_row *rows, size_t n, og_batch **out)
{
  og_builder *b[OG_LOG_COLUMNS] = {0};
  og_column *cols[OG_LOG_COLUMNS] = {0};
  og_status st = encode_all(cx, schema, rows, n, b, cols);
  if (st == OG_OK) st = og_batch_new(cx, schema, cols, OG_LOG_COLUMNS, (int64_t)n, out);
  for (uint32_t i = 0; i < OG_LOG_COLUMNS; i++) {
    og_builder_free(b[i]);
    og_column_unref(cols[i]);
  }
  return st;
}

/* ---- columns to rows */

static og_status get_str(og_ctx *cx, og_arena *a, const og_column *c, int64_t i, og_str *out)
{
  if (og_column_is_null(c, i)) {
    *out = OG_STR_NONE;
    return OG_OK;
  }
  return og_arena_str(cx, a, og_column_str(c, i), out);
}

static bool get_u64(const og_column *c, int64_t i, uint64_t *out)
{
  if (og_column_is_null(c, i)) return false;
  *out = og_column_u64(c)[i];
  return true;
}

static og_status expected_id(og_ctx *cx, og_arena *a, const og_log_row *r, og_str *out)
{
  if (r->kind == OG_ROW_TABLE)
    return og_arena_printf(cx, a, out, "table:%016" PRIx64 ":%016" PRIx64, r->table_id, r->incarnation);
  return og_arena_printf(cx, a, out, "%s:%016" PRIx64 ":%016" PRIx64 ":%020" PRIu64,
                         r->kind == OG_ROW_TABLE_VERSION ? "table_version" : "table_tombstone", r->table_id,
                         r->incarnation, r->version);
}

static og_status check_row(og_ctx *cx, og_arena *a, const og_log_row *r)
{
  bool table_kind = r->kind == OG_ROW_TABLE || r->kind == OG_ROW_TABLE_VERSION || r->kind == OG_ROW_TOMBSTONE;
  if (!table_kind) {
    if (r->has_identity && r->kind != OG_ROW_UNKNOWN)
      return og_fail(cx, OG_ECORRUPT, "__manifest row '" OG_STR_FMT "' carries a table identity it must not have",
                     OG_STR_ARG(r->object_id));
    return OG_OK;
  }
  if (!r->has_identity || r->table_id == 0 || r->incarnation == 0 ||
      (r->kind != OG_ROW_TABLE && (!r->has_version || r->version == 0)))
    return og_fail(cx, OG_ECORRUPT, "__manifest row '" OG_STR_FMT "' lacks its table identity or version",
                   OG_STR_ARG(r->object_id));
  og_str id;
  OG_TRY(expected_id(cx, a, r, &id));
  if (!og_str_eq(id, r->object_id))
    return og_fail(cx, OG_ECORRUPT, "__manifest row '" OG_STR_FMT "' describes '" OG_STR_FMT "'",
                   OG_STR_ARG(r->object_id), OG_STR_ARG(id));
  if (r->kind != OG_ROW_TABLE) return OG_OK;
  og_str path;
  OG_TRY(og_table_path(cx, a, r->table_key, r->table_id, r->incarnation, &path));
  if (!og_str_eq(path, r->location))
    return og_fail(cx, OG_ECORRUPT, "table '" OG_STR_FMT "' is registered at '" OG_STR_FMT "', not at '" OG_STR_FMT "'",
                   OG_STR_ARG(r->table_key), OG_STR_ARG(r->location), OG_STR_ARG(path));
  return OG_OK;
}

static og_status decode_row(og_ctx *cx, og_arena *a, const og_batch *b, int64_t i, og_log_row *r)
{
  og_column *const *c = b->columns;
  OG_TRY(get_str(cx, a, c[C_OBJECT_ID], i, &r->object_id));
  OG_TRY(get_str(cx, a, c[C_OBJECT_TYPE], i, &r->object_type));
  OG_TRY(get_str(cx, a, c[C_LOCATION], i, &r->location));
  OG_TRY(get_str(cx, a, c[C_METADATA], i, &r->metadata));
  OG_TRY(get_str(cx, a, c[C_KEY], i, &r->table_key));
  OG_TRY(get_str(cx, a, c[C_BRANCH], i, &r->table_branch));
  r->kind = kind_of_type(r->object_type);
  bool id = get_u64(c[C_ID], i, &r->table_id), inc = get_u64(c[C_INC], i, &r->incarnation);
  r->has_identity = id && inc;
  r->has_version = get_u64(c[C_VERSION], i, &r->version);
  r->has_count = get_u64(c[C_COUNT], i, &r->row_count);
  r->offset = og_column_u64(c[OG_LOG_COLUMNS])[i];
  return check_row(cx, a, r);
}

og_status og_rows_decode(og_ctx *cx, og_arena *a, const og_batch *batch, og_vec *out)
{
  OG_ASSERT(batch->n_columns == OG_LOG_COLUMNS + 1);
  for (int64_t i = 0; i < batch->len; i++) {
    og_log_row *r = og_vec_push(cx, out);
    if (!r) return OG_ENOMEM;
    OG_TRY(decode_row(cx, a, batch, i, r));
  }
  return OG_OK;
}

/* ---- makers and parsers */

og_status og_table_path(og_ctx *cx, og_arena *a, og_str key, uint64_t id, uint64_t inc, og_str *out)
{
  bool edge = og_str_starts_with(key, OG_STR("edge:"));
  if (!edge && !og_str_starts_with(key, OG_STR("node:")))
    return og_fail(cx, OG_ECORRUPT, "table key '" OG_STR_FMT "' is neither node:… nor edge:…", OG_STR_ARG(key));
  return og_arena_printf(cx, a, out, "%s/%016" PRIx64 "-%016" PRIx64, edge ? "edges" : "nodes", id, inc);
}

og_status og_row_table(og_ctx *cx, og_arena *a, og_str key, uint64_t id, uint64_t inc, og_log_row *out)
{
  *out = (og_log_row){.kind = OG_ROW_TABLE,
                      .object_type = type_of_kind(OG_ROW_TABLE),
                      .table_key = key,
                      .has_identity = true,
                      .table_id = id,
                      .incarnation = inc,
                      .offset = OG_ROW_NEW};
  OG_TRY(og_table_path(cx, a, key, id, inc, &out->location));
  return expected_id(cx, a, out, &out->object_id);
}

static og_status buf_to_arena(og_ctx *cx, og_arena *a, og_buf *json, og_status st, og_str *out)
{
  if (st == OG_OK) st = og_arena_str(cx, a, og_buf_str(json), out);
  og_buf_cleanup(json);
  return st;
}

static og_status write_version_meta(og_ctx *cx, og_buf *json, const og_version_meta *m)
{
  og_json_writer w;
  og_json_writer_init(&w, json, false);
  OG_TRY(og_json_begin_object(cx, &w));
  OG_TRY(og_json_kv_str(cx, &w, "manifest_path", m->manifest_path));
  OG_TRY(og_json_kv_u64(cx, &w, "manifest_size", m->manifest_size));
  OG_TRY(og_json_kv_null(cx, &w, "e_tag"));
  OG_TRY(og_json_kv_str(cx, &w, "naming_scheme", OG_STR("V2")));
  OG_TRY(og_json_kv_str(cx, &w, "tx_uuid", m->uuid));
  return og_json_end_object(cx, &w);
}

og_status og_row_table_version(og_ctx *cx, og_arena *a, const og_table_version *v, og_log_row *out)
{
  *out = (og_log_row){.kind = OG_ROW_TABLE_VERSION,
                      .object_type = type_of_kind(OG_ROW_TABLE_VERSION),
                      .table_key = v->key,
                      .table_branch = v->branch.len ? v->branch : OG_STR_NONE,
                      .has_identity = true,
                      .has_version = true,
                      .has_count = true,
                      .table_id = v->table_id,
                      .incarnation = v->incarnation,
                      .version = v->version,
                      .row_count = v->rows,
                      .offset = OG_ROW_NEW};
  OG_TRY(expected_id(cx, a, out, &out->object_id));
  og_buf json = {0};
  return buf_to_arena(cx, a, &json, write_version_meta(cx, &json, &v->meta), &out->metadata);
}

static og_status read_metadata(og_ctx *cx, og_arena *a, const og_log_row *row, const og_json **out)
{
  OG_TRY_NOTE(cx, og_json_read(cx, a, row->metadata, out), "while reading __manifest row '" OG_STR_FMT "'",
              OG_STR_ARG(row->object_id));
  return OG_OK;
}

og_status og_row_tombstone(og_ctx *cx, og_arena *a, const og_table_version *v, og_log_row *out)
{
  *out = (og_log_row){.kind = OG_ROW_TOMBSTONE,
                      .object_type = type_of_kind(OG_ROW_TOMBSTONE),
                      .table_key = v->key,
                      .has_identity = true,
                      .has_version = true,
                      .table_id = v->table_id,
                      .incarnation = v->incarnation,
                      .version = v->version,
                      .offset = OG_ROW_NEW};
  return expected_id(cx, a, out, &out->object_id);
}

og_status og_row_erased_id(og_ctx *cx, og_arena *a, uint64_t id, uint64_t inc, og_str *out)
{
  return og_arena_printf(cx, a, out, "erased:%016" PRIx64 ":%016" PRIx64, id, inc);
}

og_status og_row_erased(og_ctx *cx, og_arena *a, uint64_t id, uint64_t inc, uint64_t version, og_log_row *out)
{
  og_str object_id, json;
  OG_TRY(og_row_erased_id(cx, a, id, inc, &object_id));
  OG_TRY(og_arena_printf(cx, a, &json, "{\"version\":%" PRIu64 "}", version));
  return og_row_private(cx, a, OG_ROW_ERASED, object_id, json, out);
}

og_status og_row_parse_erased(og_ctx *cx, og_arena *a, const og_log_row *row, uint64_t *version)
{
  const og_json *json;
  OG_TRY(read_metadata(cx, a, row, &json));
  if (og_json_get_u64(json, OG_STR("version"), version)) return OG_OK;
  return og_fail(cx, OG_ECORRUPT, "__manifest row '" OG_STR_FMT "' lacks its version", OG_STR_ARG(row->object_id));
}

og_status og_row_parse_version_meta(og_ctx *cx, og_arena *a, const og_log_row *row, og_version_meta *out)
{
  *out = (og_version_meta){0};
  if (!row->metadata.ptr) return OG_OK;
  const og_json *json;
  OG_TRY(read_metadata(cx, a, row, &json));
  og_json_get_str(json, OG_STR("manifest_path"), &out->manifest_path);
  og_json_get_u64(json, OG_STR("manifest_size"), &out->manifest_size);
  og_json_get_str(json, OG_STR("tx_uuid"), &out->uuid);
  return OG_OK;
}

static og_status kv_ulid(og_ctx *cx, og_json_writer *w, const char *key, const og_ulid *id)
{
  char text[OG_ULID_LEN];
  og_ulid_format(id, text);
  return og_json_kv_str(cx, w, key, og_str_from(text, sizeof text));
}

static og_status write_commit_meta(og_ctx *cx, og_buf *json, const og_commit *c)
{
  og_json_writer w;
  og_json_writer_init(&w, json, false);
  OG_TRY(og_json_begin_object(cx, &w));
  if (c->has_parent) OG_TRY(kv_ulid(cx, &w, "parent_commit_id", &c->parent));
  if (c->has_merged_parent) OG_TRY(kv_ulid(cx, &w, "merged_parent_commit_id", &c->merged_parent));
  if (c->actor.ptr) OG_TRY(og_json_kv_str(cx, &w, "actor_id", c->actor));
  OG_TRY(og_json_kv_i64(cx, &w, "created_at", c->created_us));
  return og_json_end_object(cx, &w);
}

static og_status ulid_str(og_ctx *cx, og_arena *a, const og_ulid *id, og_str *out)
{
  char text[OG_ULID_LEN];
  og_ulid_format(id, text);
  return og_arena_str(cx, a, og_str_from(text, sizeof text), out);
}

og_status og_row_commit(og_ctx *cx, og_arena *a, const og_commit *c, og_log_row *out)
{
  *out = (og_log_row){.kind = OG_ROW_COMMIT,
                      .object_type = type_of_kind(OG_ROW_COMMIT),
                      .table_key = OG_STR(""),
                      .table_branch = c->branch.len ? c->branch : OG_STR_NONE,
                      .has_version = true,
                      .version = c->manifest_version,
                      .offset = OG_ROW_NEW};
  OG_TRY(ulid_str(cx, a, &c->id, &out->object_id));
  og_buf json = {0};
  return buf_to_arena(cx, a, &json, write_commit_meta(cx, &json, c), &out->metadata);
}

/* A ULID member: absent is fine (*has false), anything but a ULID is not. */
static og_status get_ulid(og_ctx *cx, const og_log_row *row, const og_json *json, const char *key, og_ulid *out,
                          bool *has)
{
  og_str text;
  *has = og_json_get_str(json, og_str_of(key), &text);
  if (*has && !og_ulid_parse(text, out))
    return og_fail(cx, OG_ECORRUPT, "__manifest row '" OG_STR_FMT "': %s is not a ULID", OG_STR_ARG(row->object_id),
                   key);
  return OG_OK;
}

og_status og_row_parse_commit(og_ctx *cx, og_arena *a, const og_log_row *row, og_commit *out)
{
  *out =
      (og_commit){.branch = row->table_branch.ptr ? row->table_branch : OG_STR(""), .manifest_version = row->version};
  if (!og_ulid_parse(row->object_id, &out->id) || !row->has_version)
    return og_fail(cx, OG_ECORRUPT, "__manifest row '" OG_STR_FMT "' is no commit: it needs a ULID and a version",
                   OG_STR_ARG(row->object_id));
  const og_json *json;
  OG_TRY(read_metadata(cx, a, row, &json));
  OG_TRY(get_ulid(cx, row, json, "parent_commit_id", &out->parent, &out->has_parent));
  OG_TRY(get_ulid(cx, row, json, "merged_parent_commit_id", &out->merged_parent, &out->has_merged_parent));
  if (!og_json_get_str(json, OG_STR("actor_id"), &out->actor)) out->actor = OG_STR_NONE;
  og_json_get_i64(json, OG_STR("created_at"), &out->created_us);
  return OG_OK;
}

static og_status write_head_meta(og_ctx *cx, og_buf *json, const og_commit *head)
{
  og_json_writer w;
  og_json_writer_init(&w, json, false);
  OG_TRY(og_json_begin_object(cx, &w));
  OG_TRY(kv_ulid(cx, &w, "head_commit_id", &head->id));
  if (head->has_parent) OG_TRY(kv_ulid(cx, &w, "parent_commit_id", &head->parent));
  return og_json_end_object(cx, &w);
}

og_status og_row_head(og_ctx *cx, og_arena *a, og_str branch, const og_commit *head, og_log_row *out)
{
  *out = (og_log_row){
      .kind = OG_ROW_HEAD, .object_type = type_of_kind(OG_ROW_HEAD), .table_key = OG_STR(""), .offset = OG_ROW_NEW};
  og_str name = branch.len ? branch : OG_STR("main");
  OG_TRY(og_arena_printf(cx, a, &out->object_id, "graph_head:" OG_STR_FMT, OG_STR_ARG(name)));
  og_buf json = {0};
  return buf_to_arena(cx, a, &json, write_head_meta(cx, &json, head), &out->metadata);
}

og_status og_row_parse_head(og_ctx *cx, og_arena *a, const og_log_row *row, og_ulid *id, og_str *branch)
{
  og_str prefix = OG_STR("graph_head:");
  bool has = false;
  const og_json *json;
  if (!og_str_starts_with(row->object_id, prefix))
    return og_fail(cx, OG_ECORRUPT, "__manifest row '" OG_STR_FMT "' is no branch head", OG_STR_ARG(row->object_id));
  OG_TRY(read_metadata(cx, a, row, &json));
  OG_TRY(get_ulid(cx, row, json, "head_commit_id", id, &has));
  if (!has)
    return og_fail(cx, OG_ECORRUPT, "__manifest row '" OG_STR_FMT "' names no commit", OG_STR_ARG(row->object_id));
  og_str name = og_str_sub(row->object_id, prefix.len, row->object_id.len);
  *branch = og_str_eq(name, OG_STR("main")) ? OG_STR("") : name;
  return OG_OK;
}

og_status og_row_private(og_ctx *cx, og_arena *a, og_row_kind kind, og_str object_id, og_str metadata, og_log_row *out)
{
  *out = (og_log_row){.kind = kind, .object_type = type_of_kind(kind), .table_key = OG_STR(""), .offset = OG_ROW_NEW};
  OG_TRY(og_arena_str(cx, a, object_id, &out->object_id));
  return og_arena_str(cx, a, metadata, &out->metadata);
}
