/* SPDX-License-Identifier: MIT */
/* What one can do to a Lance table on its own, once each. */
#include "call.h"

#include <omnigraph/lance.h>

#define TABLE "people.lance"

static og_compact_counts compacted;
static og_dataset *d;

/* The people of the graph as a table of their own: ada and bob, with their ages. */
static void make_table(void)
{
  og_session *s = people();
  og_dataset_list *tables = NULL;
  char uri[1024];
  og_scan_opts scan;
  struct ArrowArrayStream rows;
  const char *const names[] = {"name", "age", NULL};
  CHECK_OK(og_session_snapshot(s, NULL, &tables, &err));
  CHECK(snprintf(uri, sizeof uri, "people.omni/%s", tables->items[1].path) < (int)sizeof uri);
  og_dataset_list_free(tables);
  og_session_close(s);
  CHECK_OK(og_dataset_open(uri, NULL, &d, &err));
  og_scan_opts_init(&scan);
  scan.columns = names;
  CHECK_OK(og_dataset_scan(d, &scan, &rows, &err));
  og_dataset_close(d);
  CHECK_OK(og_dataset_write(TABLE, &rows, NULL, NULL, &err));
}

static void rows_of(const char *column, struct ArrowArrayStream *rows)
{
  const char *const names[] = {column, NULL};
  og_scan_opts scan;
  og_scan_opts_init(&scan);
  scan.columns = names;
  CHECK_OK(og_dataset_open(TABLE, NULL, &d, &err));
  CHECK_OK(og_dataset_scan(d, &scan, rows, &err));
  og_dataset_close(d);
}

static uint64_t count_of(const char *branch)
{
  og_dataset_opts opts;
  og_dataset_opts_init(&opts);
  opts.branch = branch;
  CHECK_OK(og_dataset_open(TABLE, &opts, &d, &err));
  const uint64_t n = og_dataset_row_count(d);
  og_dataset_close(d);
  return n;
}

static void rows(void)
{
  const og_condition ada = {"name", OG_COMPARE_EQ, {OG_VALUE_TEXT, {false}}};
  og_condition where = ada;
  const og_value forty = {OG_VALUE_INT, {false}};
  og_value age = forty;
  og_assignment set = {"age", &age};
  og_merge_opts merge;
  og_merge_counts counts;
  const char *const on[] = {"name", NULL};
  struct ArrowArrayStream stream;
  uint64_t n = 0;
  where.value.as.text = "ada";
  age.as.integer = 40;
  CHECK_OK(og_dataset_update(TABLE, &where, 1, &set, 1, NULL, &n, &err));
  CHECK(n == 1);
  CHECK_IS(og_dataset_update(TABLE, &where, 1, NULL, 0, NULL, &n, &err), OG_EINVALID);
  og_merge_opts_init(&merge);
  rows_of("name", &stream);
  CHECK_IS(og_dataset_merge(TABLE, &stream, &merge, NULL, &counts, &err), OG_EINVALID); /* by which key? */
  CHECK(stream.release == NULL);
  merge.on = on;
  rows_of("name", &stream);
  CHECK_OK(og_dataset_merge(TABLE, &stream, &merge, NULL, &counts, &err));
  CHECK(counts.updated == 2 && counts.inserted == 0 && counts.deleted == 0);
  merge.matched = OG_MATCHED_FAIL;
  rows_of("name", &stream);
  CHECK_IS(og_dataset_merge(TABLE, &stream, &merge, NULL, &counts, &err), OG_EEXISTS);
}

static void columns(void)
{
  const char *const both[] = {"years", "none", NULL}, *const unknown[] = {"unknown", NULL},
                    *const years[] = {"years", NULL};
  struct ArrowArrayStream stream;
  struct ArrowSchema schema;
  uint64_t version = 0;
  rows_of("age", &stream);
  CHECK_IS(og_dataset_add_columns(TABLE, &stream, 0, NULL, NULL, &err), OG_EINVALID); /* there is one */
  CHECK_OK(og_dataset_rename_column(TABLE, "age", "years", NULL, &version, &err));
  rows_of("years", &stream);
  CHECK_OK(og_dataset_rename_column(TABLE, "years", "old", NULL, NULL, &err));
  CHECK_OK(og_dataset_add_columns(TABLE, &stream, 0, NULL, &version, &err));
  rows_of("name", &stream);
  CHECK(stream.get_schema(&stream, &schema) == 0);
  stream.release(&stream);
  CHECK_IS(og_dataset_add_null_columns(TABLE, &schema, NULL, NULL, &err), OG_EINVALID); /* there is one */
  CHECK(schema.release == NULL);
  CHECK_IS(og_dataset_drop_columns(TABLE, unknown, NULL, NULL, &err), OG_EINVALID);
  CHECK_IS(og_dataset_drop_columns(TABLE, both, NULL, NULL, &err), OG_EINVALID); /* one of them is not there */
  CHECK_OK(og_dataset_drop_columns(TABLE, years, NULL, &version, &err));
}

static void upkeep(void)
{
  uint64_t version = 0;
  CHECK_OK(og_dataset_index_create(TABLE, "name", OG_INDEX_KIND_BTREE, NULL, NULL, &err));
  CHECK_OK(og_dataset_index_update(TABLE, NULL, false, NULL, &err));
  CHECK_OK(og_dataset_index_drop(TABLE, "name_idx", NULL, &err));
  CHECK_IS(og_dataset_index_drop(TABLE, "name_idx", NULL, &err), OG_ENOTFOUND);
  CHECK_OK(og_dataset_compact(TABLE, NULL, &compacted, &err));
  CHECK(compacted.fragments_made <= 1);
  CHECK_OK(og_dataset_restore(TABLE, 1, NULL, &version, &err));
  CHECK(version > 1 && count_of(NULL) == 2);
  CHECK_IS(og_dataset_restore(TABLE, 1000, NULL, NULL, &err), OG_ENOTFOUND);
}

static void names(void)
{
  og_dataset_versions *versions = NULL;
  og_dataset_tags *tags = NULL;
  og_dataset_branches *branches = NULL;
  CHECK_OK(og_dataset_list_versions(TABLE, NULL, &versions, &err));
  CHECK(versions->count > 1 && versions->items[0].version == 1 && versions->items[0].timestamp_us > 0);
  og_dataset_versions_free(versions);
  CHECK_OK(og_dataset_tag_create(TABLE, "first", 1, false, NULL, &err));
  CHECK_IS(og_dataset_tag_create(TABLE, "first", 1, false, NULL, &err), OG_EEXISTS);
  CHECK_OK(og_dataset_list_tags(TABLE, &tags, &err));
  CHECK(tags->count == 1 && tags->items[0].version == 1);
  CHECK_TEXT(tags->items[0].name, "first");
  CHECK_TEXT(tags->items[0].branch, "");
  og_dataset_tags_free(tags);
  CHECK_OK(og_dataset_tag_delete(TABLE, "first", NULL, &err));
  CHECK_OK(og_dataset_branch_create(TABLE, "wip", 0, NULL, &err));
  CHECK(count_of("wip") == 2);
  CHECK_OK(og_dataset_list_branches(TABLE, &branches, &err));
  CHECK(branches->count == 1);
  CHECK_TEXT(branches->items[0].name, "wip");
  CHECK_TEXT(branches->items[0].parent, "");
  og_dataset_branches_free(branches);
  CHECK_OK(og_dataset_branch_delete(TABLE, "wip", NULL, &err));
  CHECK_IS(og_dataset_branch_delete(TABLE, "wip", NULL, &err), OG_ENOTFOUND);
  CHECK_IS(og_dataset_list_tags("nowhere.lance", &tags, &err), OG_ENOTFOUND);
}

static void cleaning(void)
{
  og_cleanup_opts opts;
  og_cleanup_counts counts;
  og_cleanup_opts_init(&opts);
  CHECK_OK(og_dataset_cleanup(TABLE, &opts, NULL, &counts, &err));
  CHECK(counts.versions == 0);
  opts.older_than_s = 0;
  CHECK_OK(og_dataset_cleanup(TABLE, &opts, NULL, &counts, &err));
  CHECK(counts.versions > 1 && counts.files > 0 && counts.bytes > 0);
  CHECK(count_of(NULL) == 2);
}

/* What a graph's commits need is not deleted behind its back. */
static void graphs_table(void)
{
  og_session *s = NULL;
  og_dataset_list *tables = NULL;
  og_cleanup_counts counts;
  char uri[1024];
  CHECK_OK(og_session_open("people.omni", NULL, &s, &err));
  CHECK_OK(og_session_snapshot(s, NULL, &tables, &err));
  CHECK(snprintf(uri, sizeof uri, "people.omni/%s", tables->items[1].path) < (int)sizeof uri);
  og_dataset_list_free(tables);
  og_session_close(s);
  CHECK_IS(og_dataset_cleanup(uri, NULL, NULL, &counts, &err), OG_EINVALID);
  CHECK_HAS(err.text, "is a table of the graph");
  CHECK_IS(og_dataset_branch_delete(uri, "any", NULL, &err), OG_EINVALID);
}

int main(void)
{
  enter_work_dir();
  make_table();
  rows();
  columns();
  upkeep();
  names();
  cleaning();
  graphs_table();
  return 0;
}
