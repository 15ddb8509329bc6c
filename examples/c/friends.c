/* SPDX-License-Identifier: MIT */
/* friends.c -- a first program: make a graph, load people into it, ask whom they know, and try a change on a branch.
 *
 *   cc friends.c $(pkg-config --cflags --libs omnigraph) -o friends
 *   ./friends people.omni
 */
#include <omnigraph/omnigraph.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char schema[] = "node Person {\n"
                             "  name: String @key\n"
                             "  age: I32?\n"
                             "}\n"
                             "edge Knows: Person -> Person\n";

static const char people[] = "{\"type\":\"Person\",\"data\":{\"name\":\"ada\",\"age\":36}}\n"
                             "{\"type\":\"Person\",\"data\":{\"name\":\"bob\",\"age\":41}}\n"
                             "{\"type\":\"Person\",\"data\":{\"name\":\"eve\"}}\n"
                             "{\"edge\":\"Knows\",\"from\":\"ada\",\"to\":\"bob\"}\n"
                             "{\"edge\":\"Knows\",\"from\":\"ada\",\"to\":\"eve\"}\n";

static const char friends[] = "query friends($who: String) {\n"
                              "  match  { $p: Person { name: $who }  $p knows $f }\n"
                              "  return { $f.name as friend, $f.age as age }\n"
                              "  order  { $f.name }\n"
                              "}\n";

static const char meet[] = "query meet($from: String, $to: String) {\n"
                           "  insert Knows { from: $from, to: $to }\n"
                           "}\n";

/* Every call tells how it went in two ways: the status it returns, and the og_error it was given.  A program branches
 * on the first and shows people the second. */
static og_error err;

static void must(og_status status)
{
  if (status == OG_OK) return;
  fprintf(stderr, "%s: %s\n", og_status_name(status), err.text);
  exit(EXIT_FAILURE);
}

/* Prints an answer as JSON: the easy way. */
static void print_friends(og_session *graph, const char *branch, const char *params)
{
  og_query_opts opts;
  og_result *answer;
  og_text *json;
  og_query_opts_init(&opts); /* always before members are set */
  opts.params = params;
  opts.branch = branch;
  must(og_session_query(graph, friends, &opts, &answer, &err));
  must(og_result_json(answer, &json, &err));
  printf("%s: %s\n", branch ? branch : "main", json->data);
  og_text_free(json);
  og_result_free(answer);
}

/* Adds up a column of numbers, in place: an answer is a set of Arrow arrays, and nothing is copied to get at them. */
static long sum_of_ages(og_session *graph, const char *params)
{
  og_query_opts opts;
  og_result *answer;
  struct ArrowArrayStream stream;
  struct ArrowArray batch;
  long sum = 0;
  og_query_opts_init(&opts);
  opts.params = params;
  must(og_session_query(graph, friends, &opts, &answer, &err));
  must(og_result_stream(answer, &stream, &err));
  og_result_free(answer); /* the stream keeps what it needs */
  while (stream.get_next(&stream, &batch) == 0 && batch.release) {
    const struct ArrowArray *age = batch.children[1];
    const unsigned char *valid = age->buffers[0]; /* a bit per row, or NULL: no row is null */
    const int32_t *years = age->buffers[1];
    for (int64_t i = 0; i < age->length; i++)
      if (!valid || (valid[i / 8] >> (i % 8) & 1)) sum += years[i];
    batch.release(&batch);
  }
  stream.release(&stream);
  return sum;
}

int main(int argc, char **argv)
{
  const char *place = argc > 1 ? argv[1] : "people.omni";
  og_session *graph;
  og_receipt receipt;
  og_query_opts opts;

  /* A graph is a folder.  If it is there already, this says so and stops. */
  must(og_session_create(place, schema, NULL, &graph, &err));
  must(og_session_load_bytes(graph, people, sizeof people - 1, NULL, &receipt, &err));
  printf("loaded %d people and %d friendships\n", (int)receipt.nodes, (int)receipt.edges);

  print_friends(graph, NULL, "{\"who\": \"ada\"}");
  printf("their ages sum up to %ld\n", sum_of_ages(graph, "{\"who\": \"ada\"}"));

  /* A branch costs nothing, and what happens on it main does not see. */
  must(og_session_branch_create(graph, "review", NULL, NULL, &err));
  og_query_opts_init(&opts);
  opts.branch = "review";
  opts.params = "{\"from\": \"bob\", \"to\": \"eve\"}";
  must(og_session_mutate(graph, meet, &opts, &receipt, &err));
  print_friends(graph, NULL, "{\"who\": \"bob\"}");
  print_friends(graph, "review", "{\"who\": \"bob\"}");

  /* A mistake is answered in words that help. */
  opts.params = "{\"from\": \"bob\", \"to\": \"zoe\"}";
  if (og_session_mutate(graph, meet, &opts, NULL, &err) == OG_EINVALID) printf("refused: %s\n", err.text);

  og_session_close(graph);
  return EXIT_SUCCESS;
}
