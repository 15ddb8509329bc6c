/* SPDX-License-Identifier: MIT */
/* Lance tables on their own: here the one that holds the people of a graph. */
#include "call.h"

#include <omnigraph/lance.h>

static char uri[1024];

/* Where the graph keeps its people. */
static void find_people(void)
{
  og_session *s = people();
  og_dataset_list *tables = NULL;
  CHECK_OK(og_session_snapshot(s, NULL, &tables, &err));
  CHECK(tables->count == 2 && !tables->items[1].is_edge);
  CHECK(snprintf(uri, sizeof uri, "people.omni/%s", tables->items[1].path) < (int)sizeof uri);
  og_dataset_list_free(tables);
  og_session_close(s);
}

static og_dataset *open_people(void)
{
  og_dataset *d = NULL;
  CHECK_OK(og_dataset_open(uri, NULL, &d, &err));
  return d;
}

/* Pulls one batch and the end of the stream; the batch's rows are the caller's to release. */
static void pull(struct ArrowArrayStream *s, struct ArrowSchema *schema, struct ArrowArray *batch)
{
  struct ArrowArray end;
  CHECK(s->get_schema(s, schema) == 0);
  CHECK(s->get_next(s, batch) == 0);
  CHECK(batch->release != NULL);
  CHECK(s->get_next(s, &end) == 0);
  CHECK(end.release == NULL);
  s->release(s);
}

static int64_t column_named(const struct ArrowSchema *schema, const char *name)
{
  int64_t i = 0;
  while (i < schema->n_children && strcmp(schema->children[i]->name, name) != 0) i++;
  CHECK(i < schema->n_children);
  return i;
}

/* Text `row` of column `name` is `want`. */
static void check_cell(const struct ArrowSchema *schema, const struct ArrowArray *batch, const char *name, int64_t row,
                       const char *want)
{
  const struct ArrowArray *c = batch->children[column_named(schema, name)];
  const int32_t *ends = (const int32_t *)c->buffers[1] + c->offset;
  const char *text = (const char *)c->buffers[2] + ends[row];
  CHECK(row < batch->length);
  CHECK((size_t)(ends[row + 1] - ends[row]) == strlen(want) && memcmp(text, want, strlen(want)) == 0);
}

static void release(struct ArrowSchema *schema, struct ArrowArray *batch)
{
  schema->release(schema);
  batch->release(batch);
}

static void opening(void)
{
  og_dataset_opts opts;
  og_dataset *d = open_people(), *none = NULL;
  struct ArrowSchema schema;
  const uint64_t newest = og_dataset_version(d);
  CHECK(newest >= 1 && og_dataset_row_count(d) == 2 && og_dataset_fragment_count(d) == 1);
  CHECK_OK(og_dataset_schema(d, &schema, &err));
  CHECK(column_named(&schema, "age") > 0);
  schema.release(&schema);
  og_dataset_close(d);

  og_dataset_opts_init(&opts);
  opts.version = newest + 1;
  CHECK_IS(og_dataset_open(uri, &opts, &none, &err), OG_ENOTFOUND);
  CHECK_HAS(err.text, "the newest is");
  opts.version = newest;
  opts.threads = 1;
  CHECK_OK(og_dataset_open(uri, &opts, &d, &err));
  og_dataset_close(d);
  opts.branch = "nowhere";
  CHECK_IS(og_dataset_open(uri, &opts, &none, &err), OG_ENOTFOUND);
  CHECK_IS(og_dataset_open("people.omni", NULL, &none, &err), OG_ENOTFOUND);
  CHECK_IS(og_dataset_open(NULL, NULL, &none, &err), OG_EINVALID);
  CHECK(none == NULL);
  og_dataset_close(NULL);
}

static void scanning(void)
{
  og_dataset *d = open_people();
  const char *const names[] = {"name", NULL}, *const wrong[] = {"nome", NULL};
  og_condition grown = {"age", OG_COMPARE_GE, {OG_VALUE_INT, {false}}};
  og_scan_opts opts;
  struct ArrowArrayStream rows;
  struct ArrowSchema schema;
  struct ArrowArray batch;
  uint64_t n = 0;
  og_scan_opts_init(&opts);
  grown.value.as.integer = 36;
  opts.where = &grown;
  opts.where_count = 1;
  CHECK_OK(og_dataset_count(d, &opts, &n, &err)); /* bob's age is null */
  CHECK(n == 1);
  CHECK_OK(og_dataset_count(d, NULL, &n, &err));
  CHECK(n == 2);
  opts.columns = names;
  opts.row_offset = true;
  CHECK_IS(og_dataset_count(d, &opts, &n, &err), OG_EINVALID);
  CHECK_OK(og_dataset_scan(d, &opts, &rows, &err));
  og_dataset_close(d); /* the stream does not need it */
  pull(&rows, &schema, &batch);
  CHECK(batch.length == 1 && schema.n_children == 2);
  CHECK_TEXT(schema.children[1]->name, "_rowoffset");
  check_cell(&schema, &batch, "name", 0, "ada");
  release(&schema, &batch);

  d = open_people();
  og_scan_opts_init(&opts);
  opts.limit = 1;
  CHECK_OK(og_dataset_scan(d, &opts, &rows, &err));
  pull(&rows, &schema, &batch);
  CHECK(batch.length == 1);
  release(&schema, &batch);
  opts.columns = wrong;
  CHECK_IS(og_dataset_scan(d, &opts, &rows, &err), OG_EINVALID);
  CHECK_HAS(err.text, "nome");
  og_dataset_close(d);
}

/* The text of a condition is the caller's again as soon as the scan has begun. */
static void texts_of_conditions(void)
{
  static const og_compare compares[] = {OG_COMPARE_GE, OG_COMPARE_CONTAINS};
  for (int i = 0; i < 2; i++) {
    og_dataset *d = open_people();
    char text[] = "b";
    og_condition where = {"name", OG_COMPARE_EQ, {OG_VALUE_TEXT, {false}}};
    og_scan_opts opts;
    struct ArrowArrayStream rows;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    where.compare = compares[i];
    where.value.as.text = text;
    og_scan_opts_init(&opts);
    opts.where = &where;
    opts.where_count = 1;
    CHECK_OK(og_dataset_scan(d, &opts, &rows, &err));
    text[0] = 'x';
    pull(&rows, &schema, &batch);
    CHECK(batch.length == 1);
    check_cell(&schema, &batch, "name", 0, "bob");
    release(&schema, &batch);
    og_dataset_close(d);
  }
}

static void wrong_conditions(void)
{
  og_dataset *d = open_people();
  og_condition text = {"age", OG_COMPARE_EQ, {OG_VALUE_TEXT, {false}}};
  og_scan_opts opts;
  uint64_t n = 7;
  text.value.as.text = "36";
  og_scan_opts_init(&opts);
  opts.where = &text;
  opts.where_count = 1;
  CHECK_IS(og_dataset_count(d, &opts, &n, &err), OG_EINVALID);
  CHECK_HAS(err.text, "int32");
  text.compare = OG_COMPARE_IS_NULL;
  CHECK_OK(og_dataset_count(d, &opts, &n, &err));
  CHECK(n == 1);
  opts.where = NULL;
  CHECK_IS(og_dataset_count(d, &opts, &n, &err), OG_EINVALID);
  og_dataset_close(d);
}

static void taking(void)
{
  og_dataset *d = open_people();
  const uint64_t both[] = {1, 0, 1}, behind[] = {2};
  const char *const names[] = {"name", NULL};
  og_take_opts opts;
  struct ArrowArrayStream rows;
  struct ArrowSchema schema;
  struct ArrowArray batch;
  og_take_opts_init(&opts);
  opts.columns = names;
  CHECK_OK(og_dataset_take(d, both, 3, &opts, &rows, &err));
  pull(&rows, &schema, &batch);
  check_cell(&schema, &batch, "name", 0, "bob");
  check_cell(&schema, &batch, "name", 1, "ada");
  check_cell(&schema, &batch, "name", 2, "bob");
  release(&schema, &batch);
  CHECK_IS(og_dataset_take(d, behind, 1, &opts, &rows, &err), OG_ENOTFOUND);
  og_blob_part part = {OG_TAKE_BY_OFFSET, 0, 0, NULL, 0, 0, 0};
  CHECK_IS(og_dataset_blob_read(d, "name", &part, &err), OG_EINVALID); /* a text */
  CHECK_IS(og_dataset_blob_read(d, "name", NULL, &err), OG_EINVALID);
  og_blob *blob = NULL;
  CHECK_IS(og_dataset_blob_open(d, "name", OG_TAKE_BY_OFFSET, 0, &blob, &err), OG_EINVALID);
  CHECK(blob == NULL);
  og_blob_close(NULL);
  og_dataset_close(d);
}

static void release_nothing(struct ArrowSchema *s)
{
  s->release = NULL;
}

static void release_none(struct ArrowArray *a)
{
  a->release = NULL;
}

/* One row with one blob, given in two pieces; the schema is that of the table, with numbers in the place of blobs. */
/* A key of ten bytes with a value of two, as the C data interface packs metadata. */
static void pack_blob_mark(char out[24])
{
  const int n = 1, key = 10, value = 2;
  memcpy(out, &n, 4);
  memcpy(out + 4, &key, 4);
  memcpy(out + 8, "lance:blob", 10);
  memcpy(out + 18, &value, 4);
  memcpy(out + 22, "v2", 2);
}

static void writing_blobs(void)
{
  static const uint64_t numbers[1] = {0};
  const void *bits[2] = {NULL, numbers}, *none[1] = {NULL};
  char mark[24], read[16];
  struct ArrowSchema column, *columns[1] = {&column}, schema;
  struct ArrowArray values, *children[1] = {&values}, rows;
  og_dataset_writer *w = NULL;
  og_dataset *d = NULL;
  og_blob *blob = NULL;
  uint64_t number = 7, version = 0;
  size_t len = 0;
  pack_blob_mark(mark);
  memset(&column, 0, sizeof column);
  column.format = "L";
  column.name = "b";
  column.metadata = mark;
  column.flags = ARROW_FLAG_NULLABLE;
  column.release = release_nothing;
  memset(&schema, 0, sizeof schema);
  schema.format = "+s";
  schema.name = "";
  schema.n_children = 1;
  schema.children = columns;
  schema.release = release_nothing;
  memset(&values, 0, sizeof values);
  values.length = 1;
  values.n_buffers = 2;
  values.buffers = bits;
  values.release = release_none;
  memset(&rows, 0, sizeof rows);
  rows.length = rows.n_buffers = rows.n_children = 1;
  rows.buffers = none;
  rows.children = children;
  rows.release = release_none;
  CHECK_IS(og_dataset_writer_open("blobs.lance", NULL, NULL, &w, &err), OG_EINVALID);
  CHECK_OK(og_dataset_writer_open("blobs.lance", &schema, NULL, &w, &err));
  CHECK(schema.release == NULL);
  CHECK_OK(og_dataset_writer_blob_begin(w, "b", &err));
  CHECK_OK(og_dataset_writer_blob(w, "piece by ", 9, &err));
  CHECK_OK(og_dataset_writer_blob(w, "piece", 5, &err));
  CHECK_OK(og_dataset_writer_blob_end(w, &number, &err));
  CHECK(number == 0);
  CHECK_OK(og_dataset_writer_rows(w, &rows, &err));
  CHECK(rows.release == NULL);
  CHECK_OK(og_dataset_writer_commit(w, &version, &err));
  CHECK(version == 1);
  CHECK_IS(og_dataset_writer_commit(w, &version, &err), OG_EINVALID);
  og_dataset_writer_close(w);
  og_dataset_writer_close(NULL);
  CHECK_OK(og_dataset_open("blobs.lance", NULL, &d, &err));
  CHECK_OK(og_dataset_blob_open(d, "b", OG_TAKE_BY_OFFSET, 0, &blob, &err));
  og_dataset_close(d);
  CHECK(og_blob_size(blob) == 14);
  CHECK_OK(og_blob_read(blob, 9, read, sizeof read, &len, &err));
  CHECK(len == 5 && memcmp(read, "piece", 5) == 0);
  og_blob_close(blob);
}

/* Copies the people into a table of their own, twice, and takes ada out of it again. */
static void writing(void)
{
  og_dataset *d = open_people();
  const char *const names[] = {"name", "age", NULL};
  const og_condition ada = {"age", OG_COMPARE_IS_NOT_NULL, {OG_VALUE_BOOL, {false}}};
  const uint64_t ids[] = {3, 1}, gone[] = {0};
  og_scan_opts scan;
  og_write_opts opts;
  og_take_opts take;
  struct ArrowArrayStream rows;
  struct ArrowSchema schema;
  struct ArrowArray batch;
  uint64_t n = 0;
  og_scan_opts_init(&scan);
  scan.columns = names;
  CHECK_OK(og_dataset_scan(d, &scan, &rows, &err));
  CHECK_OK(og_dataset_write("copy.lance", &rows, NULL, &n, &err));
  CHECK(n == 1 && rows.release == NULL);
  og_write_opts_init(&opts);
  opts.mode = OG_WRITE_APPEND;
  CHECK_OK(og_dataset_scan(d, &scan, &rows, &err));
  CHECK_OK(og_dataset_write("copy.lance", &rows, &opts, NULL, &err));
  CHECK_OK(og_dataset_scan(d, &scan, &rows, &err));
  CHECK_IS(og_dataset_write("nowhere.lance", &rows, &opts, NULL, &err), OG_ENOTFOUND);
  CHECK(rows.release == NULL); /* used up all the same */
  CHECK_IS(og_dataset_write("copy.lance", NULL, &opts, NULL, &err), OG_EINVALID);
  CHECK_IS(og_dataset_delete("copy.lance", &ada, 1, &opts, &n, &err), OG_EINVALID); /* it has no mode */
  og_dataset_close(d);

  CHECK_OK(og_dataset_delete("copy.lance", &ada, 1, NULL, &n, &err));
  CHECK(n == 2);
  CHECK_OK(og_dataset_open("copy.lance", NULL, &d, &err));
  CHECK(og_dataset_row_count(d) == 2 && og_dataset_version(d) == 3);
  og_take_opts_init(&take);
  take.by = OG_TAKE_BY_ID;
  CHECK_OK(og_dataset_take(d, ids, 2, &take, &rows, &err));
  pull(&rows, &schema, &batch);
  check_cell(&schema, &batch, "name", 0, "bob");
  check_cell(&schema, &batch, "name", 1, "bob");
  release(&schema, &batch);
  CHECK_IS(og_dataset_take(d, gone, 1, &take, &rows, &err), OG_ENOTFOUND); /* ada */
  og_dataset_close(d);
}

int main(void)
{
  enter_work_dir();
  find_people();
  opening();
  scanning();
  texts_of_conditions();
  wrong_conditions();
  taking();
  writing();
  writing_blobs();
  return 0;
}
