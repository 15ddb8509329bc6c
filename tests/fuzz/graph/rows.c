/* SPDX-License-Identifier: MIT */
/* fuzz_graph_rows: any bytes as the rows of a graph's log, one per line, cells divided by tabs:
 *
 *   type  object id  location  metadata  key  branch  table id  incarnation  version  row count
 *
 * An empty cell is null.  The rows come back from their columns as they went in, or are refused.  Written as the log of
 * a graph, they fold into a state that keeps what every reader relies on; the graph opens, answers, and takes a branch,
 * or says what is wrong with it. */
#include "fuzz/fuzz_world.h"

#include "arrow/builder.h"
#include "graph/internal.h"

#define MAX_ROWS 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the input */

static og_str cut(og_str *rest, char sign)
{
  size_t at = og_str_find(*rest, og_str_from(&sign, 1));
  og_str cell = og_str_sub(*rest, 0, at);
  *rest = at == SIZE_MAX ? OG_STR_NONE : og_str_sub(*rest, at + 1, rest->len);
  return cell;
}

static og_str nullable(og_str s)
{
  return s.len ? s : OG_STR_NONE;
}

/* Tables are spelt short in the input: what derives from their identity is filled in where it says so. */
static void derive(og_ctx *cx, og_log_row *r)
{
  og_log_row made;
  const og_table_version v = {.key = r->table_key,
                              .table_id = r->table_id,
                              .incarnation = r->incarnation,
                              .version = r->version,
                              .rows = r->row_count,
                              .branch = r->table_branch,
                              .meta = {OG_STR("m"), 7, OG_STR("u")}};
  bool table = og_str_eq(r->object_type, OG_STR("table"));
  if (!og_str_eq(r->object_id, OG_STR("=")) || !r->table_key.ptr) return;
  og_status st = table ? og_row_table(cx, cx->arena, r->table_key, r->table_id, r->incarnation, &made)
                       : og_row_table_version(cx, cx->arena, &v, &made);
  if (st == OG_OK) *r = made;
  og_error_clear(cx);
}

static void read_row(og_ctx *cx, og_str line, og_log_row *r)
{
  *r = (og_log_row){.offset = OG_ROW_NEW};
  r->object_type = cut(&line, '\t');
  r->object_id = cut(&line, '\t');
  r->location = nullable(cut(&line, '\t'));
  r->metadata = nullable(cut(&line, '\t'));
  r->table_key = cut(&line, '\t');
  r->table_branch = nullable(cut(&line, '\t'));
  bool id = og_str_to_u64(cut(&line, '\t'), &r->table_id), inc = og_str_to_u64(cut(&line, '\t'), &r->incarnation);
  r->has_identity = id && inc;
  r->has_version = og_str_to_u64(cut(&line, '\t'), &r->version);
  r->has_count = og_str_to_u64(cut(&line, '\t'), &r->row_count);
  if (r->has_identity) derive(cx, r);
  /* What no column of texts can hold was never stored either. */
  const og_str null = OG_STR("");
  if (!r->object_type.ptr) r->object_type = null;
  if (!r->object_id.ptr) r->object_id = null;
  if (!r->table_key.ptr) r->table_key = null;
}

static size_t read_rows(og_ctx *cx, og_str input, og_log_row *rows)
{
  size_t n = 0;
  if (og_utf8_check(input) != SIZE_MAX) return 0;
  while (input.len && n < MAX_ROWS) {
    og_str line = cut(&input, '\n');
    if (line.len) read_row(cx, line, &rows[n++]);
  }
  return n;
}

/* ---- rows through columns */

static bool same_text(og_str a, og_str b)
{
  return !a.ptr == !b.ptr && og_str_eq(a, b);
}

static void expect_same(const og_log_row *a, const og_log_row *b)
{
  fuzz_expect(same_text(a->object_id, b->object_id) && same_text(a->object_type, b->object_type));
  fuzz_expect(same_text(a->location, b->location) && same_text(a->metadata, b->metadata));
  fuzz_expect(same_text(a->table_key, b->table_key) && same_text(a->table_branch, b->table_branch));
  fuzz_expect(a->has_identity == b->has_identity && a->has_version == b->has_version && a->has_count == b->has_count);
  fuzz_expect(!a->has_identity || (a->table_id == b->table_id && a->incarnation == b->incarnation));
  fuzz_expect((!a->has_version || a->version == b->version) && (!a->has_count || a->row_count == b->row_count));
}

/* The batch that a scan would give: the log's columns and the offset behind them. */
static og_batch *with_offsets(og_ctx *cx, og_schema *schema, const og_batch *rows)
{
  og_field fields[OG_LOG_COLUMNS + 1];
  og_column *columns[OG_LOG_COLUMNS + 1];
  uint64_t offsets[MAX_ROWS];
  og_schema *wide;
  og_batch *out;
  for (size_t i = 0; i < MAX_ROWS; i++) offsets[i] = i;
  memcpy(fields, schema->fields, OG_LOG_COLUMNS * sizeof *fields);
  memcpy(columns, rows->columns, OG_LOG_COLUMNS * sizeof *columns);
  fields[OG_LOG_COLUMNS] = (og_field){.name = OG_STR("offset"), .type = og_type_of(OG_TYPE_U64)};
  fuzz_expect(og_column_from_fixed(cx, og_type_of(OG_TYPE_U64), offsets, NULL, rows->len, &columns[OG_LOG_COLUMNS]) ==
              OG_OK);
  fuzz_expect(og_schema_new(cx, fields, OG_LOG_COLUMNS + 1, NULL, 0, &wide) == OG_OK);
  fuzz_expect(og_batch_new(cx, wide, columns, OG_LOG_COLUMNS + 1, rows->len, &out) == OG_OK);
  og_column_unref(columns[OG_LOG_COLUMNS]);
  og_schema_unref(wide);
  return out;
}

static void parse_row(og_ctx *cx, const og_log_row *r)
{
  og_commit commit, again;
  og_version_meta meta;
  og_log_row row;
  og_ulid id;
  og_str branch;
  uint64_t below;
  fuzz_expect_error(cx, og_row_parse_version_meta(cx, cx->arena, r, &meta));
  fuzz_expect_error(cx, og_row_parse_head(cx, cx->arena, r, &id, &branch));
  if (og_row_parse_erased(cx, cx->arena, r, &below) == OG_OK) {
    og_log_row erased;
    uint64_t same;
    fuzz_expect(og_row_erased(cx, cx->arena, 1, 2, below, &erased) == OG_OK);
    fuzz_expect(og_row_parse_erased(cx, cx->arena, &erased, &same) == OG_OK && same == below);
  }
  og_status st = og_row_parse_commit(cx, cx->arena, r, &commit);
  fuzz_expect_error(cx, st);
  og_error_clear(cx);
  if (st != OG_OK) return;
  fuzz_expect(og_row_commit(cx, cx->arena, &commit, &row) == OG_OK);
  fuzz_expect(og_row_parse_commit(cx, cx->arena, &row, &again) == OG_OK);
  fuzz_expect(og_ulid_cmp(&commit.id, &again.id) == 0 && commit.manifest_version == again.manifest_version);
  fuzz_expect(commit.has_parent == again.has_parent && commit.has_merged_parent == again.has_merged_parent);
  fuzz_expect(same_text(commit.actor, again.actor) && commit.created_us == again.created_us);
  fuzz_expect(og_str_eq(commit.branch, again.branch));
  fuzz_expect(og_row_head(cx, cx->arena, commit.branch, &commit, &row) == OG_OK);
  fuzz_expect(og_row_parse_head(cx, cx->arena, &row, &id, &branch) == OG_OK && og_ulid_cmp(&id, &commit.id) == 0);
}

static void through_columns(og_ctx *cx, const og_log_row *rows, size_t n)
{
  og_schema *schema;
  og_batch *batch;
  og_vec back = OG_VEC_INIT(og_log_row);
  fuzz_expect(og_rows_schema(cx, &schema) == OG_OK && og_rows_encode(cx, schema, rows, n, &batch) == OG_OK);
  og_batch *wide = with_offsets(cx, schema, batch);
  og_status st = og_rows_decode(cx, cx->arena, wide, &back);
  fuzz_expect_error(cx, st);
  og_error_clear(cx);
  fuzz_expect(st != OG_OK || back.len == n);
  for (size_t i = 0; st == OG_OK && i < n; i++) {
    expect_same(&rows[i], &OG_VEC_AT(&back, og_log_row, i));
    parse_row(cx, &OG_VEC_AT(&back, og_log_row, i));
  }
  og_vec_cleanup(&back);
  og_batch_unref(wide);
  og_batch_unref(batch);
  og_schema_unref(schema);
}

/* ---- rows as a log */

static void check_fold(og_ctx *cx, og_fold *f)
{
  og_vec commits = OG_VEC_INIT(og_commit);
  og_commit found;
  bool is_found;
  for (uint32_t i = 0; i < f->n_tables; i++) {
    const og_table_state *t = &f->tables[i];
    fuzz_expect(i == 0 || og_str_cmp(f->tables[i - 1].key, t->key) < 0);
    fuzz_expect(t->version == 0 || t->version > t->tombstone);
    fuzz_expect(og_fold_table(f, t->table_id, t->incarnation) == t && og_fold_table_by_key(f, t->key) == t);
  }
  og_status st = og_fold_commits(cx, f, cx->arena, &commits);
  fuzz_expect_error(cx, st);
  for (size_t i = 0; st == OG_OK && i < commits.len; i++) {
    const og_commit *c = &OG_VEC_AT(&commits, og_commit, i);
    fuzz_expect(i == 0 || c->manifest_version <= OG_VEC_AT(&commits, og_commit, i - 1).manifest_version);
    fuzz_expect(og_fold_find_commit(cx, f, cx->arena, &c->id, 0, &found, &is_found) == OG_OK && is_found);
  }
  og_error_clear(cx);
  og_vec_cleanup(&commits);
}

static void use_graph(og_ctx *cx, og_store *store)
{
  og_graph *g;
  og_snapshot *s;
  og_vec branches = OG_VEC_INIT(og_branch_info);
  og_status st = og_graph_open(cx, store, false, &g);
  fuzz_expect_error(cx, st);
  og_error_clear(cx);
  if (st != OG_OK) return;
  st = og_graph_branches(cx, g, &branches);
  fuzz_expect_error(cx, st);
  fuzz_expect(st != OG_OK || branches.len > 0);
  for (size_t i = 0; st == OG_OK && i < branches.len; i++) {
    og_error_clear(cx);
    og_status opened = og_graph_snapshot(cx, g, OG_VEC_AT(&branches, og_branch_info, i).name, &s);
    fuzz_expect_error(cx, opened);
    if (opened == OG_OK) og_snapshot_unref(s);
  }
  og_error_clear(cx);
  fuzz_expect_error(cx, og_graph_branch_create(cx, g, OG_STR("new"), OG_STR("main")));
  og_error_clear(cx);
  fuzz_expect_error(cx, og_graph_branch_delete(cx, g, OG_STR("wip")));
  og_error_clear(cx);
  og_vec_cleanup(&branches);
  og_graph_close(g);
}

static void as_log(og_ctx *cx, const og_log_row *rows, size_t n)
{
  static const og_ulid attempt = {{1}};
  const og_str parents[] = {OG_STR("wip"), OG_STR("")};
  og_store *store;
  og_log_append *append;
  og_fold *f;
  bool unsure;
  fuzz_expect(og_store_memory_new(cx, &store) == OG_OK);
  fuzz_expect(og_log_create(cx, store, &attempt, rows, n, &append) == OG_OK);
  fuzz_expect(og_log_put(cx, append, &unsure) == OG_OK);
  og_log_append_free(cx, append);
  og_status st = og_fold_load(cx, store, OG_STR_NONE, 1, parents, OG_ARRAY_LEN(parents), &f);
  fuzz_expect_error(cx, st);
  og_error_clear(cx);
  if (st == OG_OK) {
    check_fold(cx, f);
    og_fold_unref(f);
    use_graph(cx, store);
  }
  og_store_unref(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fuzz_world w;
  static og_log_row rows[MAX_ROWS];
  og_ctx *cx = fuzz_open(&w);
  size_t n = read_rows(cx, og_str_from(data, size), rows);
  if (n) {
    through_columns(cx, rows, n);
    as_log(cx, rows, n);
  }
  fuzz_close(&w);
  return 0;
}
