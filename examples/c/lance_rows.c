/* SPDX-License-Identifier: MIT */
/* lance_rows.c -- prints texts and 64-bit integers of a Lance table, or only its rows at given places.
 *
 *   cc lance_rows.c $(pkg-config --cflags --libs omnigraph-lance) -o lance_rows
 *   ./lance_rows cities.lance           all rows
 *   ./lance_rows cities.lance 3 1 2     these, in this order
 *
 * Rows come out as an Arrow C stream, which any Arrow library takes over; here it is read by hand.
 */
#include <omnigraph/lance.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static og_error err;

static void must(og_status status)
{
  if (status == OG_OK) return;
  fprintf(stderr, "%s: %s\n", og_status_name(status), err.text);
  exit(EXIT_FAILURE);
}

static int is_null(const struct ArrowArray *column, int64_t row)
{
  const unsigned char *valid = (const unsigned char *)column->buffers[0];
  row += column->offset;
  return valid && !(valid[row / 8] >> row % 8 & 1);
}

static void print_value(const char *format, const struct ArrowArray *column, int64_t row)
{
  if (is_null(column, row)) {
    printf("null");
  } else if (strcmp(format, "u") == 0) {
    const int32_t *ends = (const int32_t *)column->buffers[1] + column->offset + row;
    printf("%.*s", (int)(ends[1] - ends[0]), (const char *)column->buffers[2] + ends[0]);
  } else if (strcmp(format, "l") == 0) {
    printf("%lld", (long long)((const int64_t *)column->buffers[1])[column->offset + row]);
  } else {
    printf("(%s)", format); /* Arrow's name of the type */
  }
}

static void print_stream(struct ArrowArrayStream *rows)
{
  struct ArrowSchema schema;
  struct ArrowArray batch;
  if (rows->get_schema(rows, &schema) != 0) goto failed;
  for (;;) {
    if (rows->get_next(rows, &batch) != 0) goto failed;
    if (!batch.release) break; /* the end */
    for (int64_t row = 0; row < batch.length; row++)
      for (int64_t c = 0; c < batch.n_children; c++) {
        print_value(schema.children[c]->format, batch.children[c], row);
        putchar(c + 1 < batch.n_children ? '\t' : '\n');
      }
    batch.release(&batch);
  }
  schema.release(&schema);
  rows->release(rows);
  return;
failed:
  fprintf(stderr, "%s\n", rows->get_last_error(rows));
  exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
  struct ArrowArrayStream rows;
  og_dataset *table;
  if (argc < 2) {
    fprintf(stderr, "usage: lance_rows TABLE.lance [PLACE...]\n");
    return EXIT_FAILURE;
  }
  must(og_dataset_open(argv[1], NULL, &table, &err));
  if (argc == 2) {
    must(og_dataset_scan(table, NULL, &rows, &err));
  } else {
    uint64_t *places = calloc((size_t)argc, sizeof *places);
    if (!places) return EXIT_FAILURE;
    for (int i = 2; i < argc; i++) places[i - 2] = strtoull(argv[i], NULL, 10);
    must(og_dataset_take(table, places, (size_t)argc - 2, NULL, &rows, &err));
    free(places);
  }
  og_dataset_close(table); /* the stream does not need it */
  print_stream(&rows);
  return EXIT_SUCCESS;
}
