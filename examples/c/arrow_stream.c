/* SPDX-License-Identifier: MIT */
/* arrow_stream.c -- an answer as an Arrow C stream, taken apart by hand: what any Arrow library does with it.
 *
 *   cc arrow_stream.c $(pkg-config --cflags --libs omnigraph) -o arrow_stream
 *   ./arrow_stream cities.omni
 */
#include <omnigraph/omnigraph.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char schema[] = "node City {\n"
                             "  name: String @key\n"
                             "  people: I64\n"
                             "  founded: Date?\n"
                             "}\n";

static const char cities[] =
    "{\"type\":\"City\",\"data\":{\"name\":\"Bern\",\"people\":134000,\"founded\":\"1191-01-01\"}}\n"
    "{\"type\":\"City\",\"data\":{\"name\":\"Chur\",\"people\":38000}}\n";

static const char all[] = "query all() {\n"
                          "  match  { $c: City }\n"
                          "  return { $c.name as name, $c.people as people, $c.founded as founded }\n"
                          "  order  { $c.name }\n"
                          "}\n";

static og_error err;

static void must(og_status status)
{
  if (status == OG_OK) return;
  fprintf(stderr, "%s: %s\n", og_status_name(status), err.text);
  exit(EXIT_FAILURE);
}

/* A bit per row, the first row's lowest; no bitmap at all when nothing is null. */
static int is_null(const struct ArrowArray *column, int64_t row)
{
  const unsigned char *valid = (const unsigned char *)column->buffers[0];
  row += column->offset;
  return valid && !(valid[row / 8] >> row % 8 & 1);
}

/* "u" is UTF-8, "l" a 64-bit integer, "tdD" days since 1970: the formats are in Arrow's specification. */
static void print_cell(const char *format, const struct ArrowArray *column, int64_t row)
{
  int64_t at = row + column->offset;
  if (is_null(column, row)) {
    printf("-");
  } else if (strcmp(format, "u") == 0) {
    const int32_t *ends = (const int32_t *)column->buffers[1] + at;
    printf("%.*s", (int)(ends[1] - ends[0]), (const char *)column->buffers[2] + ends[0]);
  } else if (strcmp(format, "l") == 0) {
    printf("%lld", (long long)((const int64_t *)column->buffers[1])[at]);
  } else if (strcmp(format, "tdD") == 0) {
    printf("day %d", (int)((const int32_t *)column->buffers[1])[at]);
  } else {
    printf("(%s)", format);
  }
}

int main(int argc, char **argv)
{
  og_session *graph;
  og_statement *statement;
  struct ArrowArrayStream stream;
  struct ArrowSchema columns;
  struct ArrowArray batch;
  must(og_session_create(argc > 1 ? argv[1] : "cities.omni", schema, NULL, &graph, &err));
  must(og_session_load_bytes(graph, cities, sizeof cities - 1, NULL, NULL, &err));
  must(og_session_prepare(graph, all, NULL, &statement, &err));
  must(og_statement_stream(statement, NULL, &stream, &err));
  og_statement_free(statement);
  og_session_close(graph); /* the stream needs neither */

  if (stream.get_schema(&stream, &columns) != 0) return EXIT_FAILURE;
  for (int64_t c = 0; c < columns.n_children; c++)
    printf("%s: %s%s\n", columns.children[c]->name, columns.children[c]->format,
           columns.children[c]->flags & ARROW_FLAG_NULLABLE ? ", may be null" : "");
  while (stream.get_next(&stream, &batch) == 0 && batch.release) {
    for (int64_t row = 0; row < batch.length; row++)
      for (int64_t c = 0; c < batch.n_children; c++) {
        print_cell(columns.children[c]->format, batch.children[c], row);
        printf(c + 1 < batch.n_children ? "  " : "\n");
      }
    batch.release(&batch);
  }
  columns.release(&columns);
  stream.release(&stream);
  return EXIT_SUCCESS;
}
