/* SPDX-License-Identifier: MIT */
/* prepared.c -- asks the same question again and again: prepare once, bind, read row by row; and holds on to a state.
 *
 *   cc prepared.c $(pkg-config --cflags --libs omnigraph) -o prepared
 *   ./prepared shop.omni
 */
#include <omnigraph/omnigraph.h>

#include <stdio.h>
#include <stdlib.h>

static const char schema[] = "node Product {\n"
                             "  name: String @key\n"
                             "  price: F64\n"
                             "  tags: [String]?\n"
                             "}\n";

static const char products[] =
    "{\"type\":\"Product\",\"data\":{\"name\":\"lamp\",\"price\":39.5,\"tags\":[\"light\"]}}\n"
    "{\"type\":\"Product\",\"data\":{\"name\":\"desk\",\"price\":210}}\n"
    "{\"type\":\"Product\",\"data\":{\"name\":\"chair\",\"price\":120}}\n";

static const char cheaper[] = "query cheaper($than: F64) {\n"
                              "  match  { $p: Product  $p.price < $than }\n"
                              "  return { $p.name as name, $p.price as price, $p.tags as tags }\n"
                              "  order  { $p.price }\n"
                              "}\n";

static const char reprice[] = "query reprice($name: String, $price: F64) {\n"
                              "  update Product set { price: $price } where name = $name\n"
                              "}\n";

static og_error err;

static void must(og_status status)
{
  if (status == OG_OK) return;
  fprintf(stderr, "%s: %s\n", og_status_name(status), err.text);
  exit(EXIT_FAILURE);
}

static void bind(og_statement *statement, const char *param, og_value value)
{
  must(og_statement_bind(statement, param, &value, &err));
}

/* A value knows of what kind it is; a list comes as JSON. */
static void print_value(const og_value *v)
{
  switch (v->kind) {
  case OG_VALUE_TEXT:
  case OG_VALUE_JSON: printf(" %s", v->as.text); break;
  case OG_VALUE_FLOAT: printf(" %.2f", v->as.number); break;
  case OG_VALUE_INT: printf(" %lld", (long long)v->as.integer); break;
  case OG_VALUE_NULL: printf(" -"); break;
  default: printf(" ?");
  }
}

static void print_cheaper(og_statement *statement, double than, const og_pin *pin)
{
  og_run_opts opts;
  og_cursor *rows;
  bind(statement, "than", og_value_float(than));
  og_run_opts_init(&opts); /* always before members are set */
  opts.pin = pin;
  opts.timeout_ms = 1000;
  opts.memory_limit = 64 << 20;
  must(og_statement_open(statement, &opts, &rows, &err));
  printf("below %.0f%s:", than, pin ? ", as it was" : "");
  while (og_cursor_next(rows)) {
    for (size_t i = 0; i < og_cursor_column_count(rows); i++) {
      og_value v;
      must(og_cursor_get(rows, i, &v, &err));
      print_value(&v);
    }
    printf(";");
  }
  printf("\n");
  og_cursor_free(rows);
}

int main(int argc, char **argv)
{
  og_session *shop;
  og_statement *ask, *change;
  og_pin *before;
  must(og_session_create(argc > 1 ? argv[1] : "shop.omni", schema, NULL, &shop, &err));
  must(og_session_load_bytes(shop, products, sizeof products - 1, NULL, NULL, &err));

  /* The text is read, checked and planned here; the runs below only fill in values. */
  must(og_session_prepare(shop, cheaper, NULL, &ask, &err));
  must(og_session_prepare(shop, reprice, NULL, &change, &err));
  print_cheaper(ask, 50, NULL);
  print_cheaper(ask, 200, NULL);

  /* A pin shows one state for as long as one likes, whatever is written meanwhile. */
  must(og_session_pin(shop, NULL, &before, &err));
  bind(change, "name", og_value_text("desk"));
  bind(change, "price", og_value_float(99));
  must(og_statement_mutate(change, NULL, NULL, &err));
  print_cheaper(ask, 100, NULL);
  print_cheaper(ask, 100, before);

  /* A value that does not fit is refused when it is bound. */
  const og_value wrong = og_value_text("cheap");
  if (og_statement_bind(ask, "than", &wrong, &err) == OG_EINVALID) printf("refused: %s\n", err.text);

  og_pin_release(before);
  og_statement_free(ask);
  og_statement_free(change);
  og_session_close(shop);
  return EXIT_SUCCESS;
}
