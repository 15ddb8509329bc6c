/* SPDX-License-Identifier: MIT */
/* lance_write.c -- makes a Lance table from plain C arrays, appends to it, deletes from it, and counts.
 *
 *   cc lance_write.c $(pkg-config --cflags --libs omnigraph-lance) -o lance_write
 *   ./lance_write cities.lance
 *
 * Rows go in as an Arrow C stream: any Arrow library makes one.  Here it is made by hand, to show that none is needed.
 */
#include <omnigraph/lance.h>

#include <stdio.h>
#include <stdlib.h>

static og_error err;

static void must(og_status status)
{
  if (status == OG_OK) return;
  fprintf(stderr, "%s: %s\n", og_status_name(status), err.text);
  exit(EXIT_FAILURE);
}

/* ---- two columns, name and inhabitants, as one Arrow batch.  Everything is static here, so release has nothing to
 * free; a structure is released when its `release` is NULL. */

enum { ROWS = 4 };

static const char names[] = "AarauBernChurDavos";
static const int32_t name_ends[ROWS + 1] = {0, 5, 9, 13, 18};
static const int64_t inhabitants[ROWS] = {22000, 134000, 38000, 10900};

static void release_schema(struct ArrowSchema *s)
{
  s->release = NULL;
}

static void release_array(struct ArrowArray *a)
{
  a->release = NULL;
}

static int get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
  static struct ArrowSchema name, count, *columns[] = {&name, &count};
  (void)self;
  name = (struct ArrowSchema){.format = "u", .name = "name", .release = release_schema};
  count = (struct ArrowSchema){
      .format = "l", .name = "inhabitants", .flags = ARROW_FLAG_NULLABLE, .release = release_schema};
  *out =
      (struct ArrowSchema){.format = "+s", .name = "", .n_children = 2, .children = columns, .release = release_schema};
  return 0;
}

static int get_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
  static const void *name_buffers[] = {NULL, name_ends, names}, *count_buffers[] = {NULL, inhabitants},
                    *no_validity[] = {NULL};
  static struct ArrowArray name, count, *columns[] = {&name, &count};
  int *given = (int *)self->private_data;
  if ((*given)++) {
    *out = (struct ArrowArray){0}; /* the end */
    return 0;
  }
  name = (struct ArrowArray){.length = ROWS, .n_buffers = 3, .buffers = name_buffers, .release = release_array};
  count = (struct ArrowArray){.length = ROWS, .n_buffers = 2, .buffers = count_buffers, .release = release_array};
  *out = (struct ArrowArray){.length = ROWS,
                             .n_buffers = 1,
                             .n_children = 2,
                             .buffers = no_validity,
                             .children = columns,
                             .release = release_array};
  return 0;
}

static const char *get_last_error(struct ArrowArrayStream *self)
{
  (void)self;
  return NULL;
}

static void release_stream(struct ArrowArrayStream *self)
{
  self->release = NULL;
}

static uint64_t write_cities(const char *uri, og_write_mode mode)
{
  int given = 0;
  uint64_t version;
  og_write_opts opts;
  struct ArrowArrayStream rows = {.get_schema = get_schema,
                                  .get_next = get_next,
                                  .get_last_error = get_last_error,
                                  .release = release_stream,
                                  .private_data = &given};
  og_write_opts_init(&opts); /* always before members are set */
  opts.mode = mode;
  must(og_dataset_write(uri, &rows, &opts, &version, &err));
  return version;
}

static void print_rows(const char *uri, uint64_t version)
{
  og_dataset_opts opts;
  og_dataset *table;
  og_dataset_opts_init(&opts);
  opts.version = version;
  must(og_dataset_open(uri, &opts, &table, &err));
  printf("version %llu has %llu rows\n", (unsigned long long)og_dataset_version(table),
         (unsigned long long)og_dataset_row_count(table));
  og_dataset_close(table);
}

int main(int argc, char **argv)
{
  const og_condition small = {"inhabitants", OG_COMPARE_LT, {OG_VALUE_INT, {.integer = 30000}}};
  uint64_t made, appended, deleted;
  if (argc != 2) {
    fprintf(stderr, "usage: lance_write TABLE.lance\n");
    return EXIT_FAILURE;
  }
  made = write_cities(argv[1], OG_WRITE_CREATE);
  appended = write_cities(argv[1], OG_WRITE_APPEND);
  must(og_dataset_delete(argv[1], &small, 1, NULL, &deleted, &err));
  print_rows(argv[1], made);
  print_rows(argv[1], appended);
  printf("%llu rows deleted\n", (unsigned long long)deleted);
  print_rows(argv[1], 0); /* the newest */
  return EXIT_SUCCESS;
}
