/* SPDX-License-Identifier: MIT */
/* Loads, queries and mutations, and the ways to take an answer. */
#include "call.h"

#define ADD "query add($name: String) { insert Person { name: $name } }"

typedef struct progress {
  unsigned calls;
  uint64_t done, total, records;
} progress;

static void note_progress(void *arg, uint64_t done, uint64_t total, uint64_t records)
{
  progress *p = (progress *)arg;
  p->calls++;
  p->done = done;
  p->total = total;
  p->records = records;
}

static void loading(og_session *s)
{
  og_load_opts opts;
  og_receipt receipt;
  progress p;
  memset(&p, 0, sizeof p);
  og_load_opts_init(&opts);
  CHECK(opts.mode == OG_LOAD_APPEND);
  opts.progress = note_progress;
  opts.progress_arg = &p;
  opts.actor = "loader";
  write_file("people.jsonl", people_data);
  CHECK_OK(og_session_load_file(s, "people.jsonl", &opts, &receipt, &err));
  CHECK(receipt.nodes == 2 && receipt.edges == 1 && !receipt.branch_created && strlen(receipt.commit) == 26);
  CHECK(p.calls > 0 && p.done == p.total && p.total == sizeof people_data - 1 && p.records == 3);

  CHECK_IS(og_session_load_file(s, "people.jsonl", &opts, &receipt, &err), OG_ECONFLICT); /* the keys are taken */
  CHECK(err.detail.kind == OG_DETAIL_KEY_CONFLICT);
  CHECK_TEXT(err.detail.type_name, "Person");
  CHECK_IS(og_session_load_file(s, "nothing.jsonl", NULL, NULL, &err), OG_ENOTFOUND);
  CHECK_IS(og_session_load_file(s, NULL, NULL, NULL, &err), OG_EINVALID);
  opts.mode = (og_load_mode)3;
  CHECK_IS(og_session_load_file(s, "people.jsonl", &opts, NULL, &err), OG_EINVALID);
}

static void loading_bytes(og_session *s)
{
  static const char older[] =
      "{\"type\":\"Person\",\"data\":{\"name\":\"ada\",\"age\":37}}"; /* no newline at the end */
  og_load_opts opts;
  og_receipt receipt;
  og_load_opts_init(&opts);
  opts.mode = OG_LOAD_MERGE;
  opts.branch = "review";
  CHECK_IS(og_session_load_bytes(s, older, sizeof older - 1, &opts, &receipt, &err), OG_ENOTFOUND);
  opts.from = "main";
  CHECK_OK(og_session_load_bytes(s, older, sizeof older - 1, &opts, &receipt, &err));
  CHECK(receipt.nodes == 1 && receipt.edges == 0 && receipt.branch_created);
  CHECK_OK(og_session_load_bytes(s, "", 0, NULL, &receipt, &err)); /* nothing is little, and fine */
  CHECK(receipt.nodes == 0);
  CHECK_IS(og_session_load_bytes(s, "\n{\"type\":\"Cat\"}\n", 16, NULL, &receipt, &err), OG_EINVALID);
  CHECK_HAS(err.text, "line 2");
  CHECK_IS(og_session_load_bytes(s, NULL, 5, NULL, &receipt, &err), OG_EINVALID);
}

static void asking(og_session *s)
{
  static const char two[] = ALL_NAMES
      "\nquery of_age($age: I32) {\n"
      "  match { $p: Person { age: $age } } return { $p.name as name, $p.age, $p.tags }\n}\n";
  og_query_opts opts;
  og_result *r = NULL;
  CHECK_QUERY(s, ALL_NAMES, NULL, "[{\"name\":\"ada\"},{\"name\":\"bob\"}]");
  CHECK_IS(og_session_query(s, two, NULL, &r, &err), OG_EINVALID); /* which? */
  og_query_opts_init(&opts);
  opts.name = "of_age";
  CHECK_IS(og_session_query(s, two, &opts, &r, &err), OG_EINVALID); /* of what age? */
  opts.params = "{\"age\": 36}";
  CHECK_QUERY(s, two, &opts, "[{\"name\":\"ada\",\"p.age\":36,\"p.tags\":[\"x\",\"y\"]}]");
  opts.branch = "review";
  CHECK_QUERY(s, two, &opts, "[]");
  opts.params = "{\"age\": 37}";
  CHECK_OK(og_session_query(s, two, &opts, &r, &err));
  CHECK(og_result_row_count(r) == 1 && og_result_column_count(r) == 3);
  CHECK_TEXT(og_result_column_name(r, 0), "name");
  CHECK_TEXT(og_result_column_name(r, 2), "p.tags");
  CHECK(og_result_column_name(r, 3) == NULL);
  CHECK(strlen(og_result_commit(r)) == 26);
  og_result_free(r);
  og_result_free(NULL);
}

static void explaining(og_session *s)
{
  og_text *text = NULL;
  og_query_opts opts;
  CHECK_OK(og_session_explain(s, ALL_NAMES, NULL, OG_EXPLAIN_TREE, &text, &err));
  CHECK_HAS(text->data, "scan $p#0: Person\n");
  og_text_free(text);
  CHECK_OK(og_session_explain(s, ADD, NULL, OG_EXPLAIN_JSON, &text, &err));
  CHECK_HAS(text->data, "\"statements\":[\"insert node:Person");
  og_text_free(text);
  CHECK_OK(og_session_profile(s, ALL_NAMES, NULL, OG_EXPLAIN_TREE, &text, &err));
  CHECK_HAS(text->data, "2 rows in ");
  og_text_free(text);
  CHECK_OK(og_session_profile(s, ALL_NAMES, NULL, OG_EXPLAIN_JSON, &text, &err));
  CHECK_HAS(text->data, "\"profile\":{\"rows\":2,");
  og_text_free(text);
  text = NULL;
  og_query_opts_init(&opts);
  opts.params = "{\"name\": \"eve\"}";
  CHECK_IS(og_session_profile(s, ADD, &opts, OG_EXPLAIN_TREE, &text, &err), OG_EINVALID); /* it writes */
  CHECK_IS(og_session_explain(s, NULL, NULL, OG_EXPLAIN_TREE, &text, &err), OG_EINVALID);
  CHECK(text == NULL);
}

static void asking_wrongly(og_session *s)
{
  og_query_opts opts;
  og_result *r = NULL;
  og_query_opts_init(&opts);
  opts.source_name = "mine.gq";
  CHECK_IS(og_session_query(s, "query all() {\n  match", &opts, &r, &err), OG_EINVALID);
  CHECK(err.detail.kind == OG_DETAIL_POSITION && err.detail.line == 2);
  CHECK_HAS(err.text, "mine.gq:2:");
  CHECK_IS(og_session_query(s, NULL, NULL, &r, &err), OG_EINVALID);
  CHECK_IS(og_session_query(s, ADD, NULL, &r, &err), OG_EINVALID); /* it writes */
  CHECK_IS(og_session_mutate(s, ALL_NAMES, NULL, NULL, &err), OG_EINVALID);
  opts.if_commit = "01J00000000000000000000000";
  CHECK_IS(og_session_query(s, ALL_NAMES, &opts, &r, &err), OG_EINVALID);
  opts.if_commit = NULL;
  opts.snapshot = "01J00000000000000000000000";
  CHECK_IS(og_session_query(s, ALL_NAMES, &opts, &r, &err), OG_ENOTFOUND);
  CHECK_IS(og_session_mutate(s, ADD, &opts, NULL, &err), OG_EINVALID);
  CHECK(r == NULL);
}

static void mutating(og_session *s)
{
  static const char before_eve[27] = "";
  char before[27], after[27];
  og_query_opts opts;
  og_receipt receipt;
  og_result *r;
  memcpy(after, before_eve, sizeof after);
  CHECK_OK(og_session_query(s, ALL_NAMES, NULL, &r, &err));
  snprintf(before, sizeof before, "%s", og_result_commit(r));
  og_result_free(r);
  og_query_opts_init(&opts);
  opts.params = "{\"name\": \"eve\"}";
  opts.actor = "carol";
  opts.if_commit = before;
  CHECK_OK(og_session_mutate(s, ADD, &opts, &receipt, &err));
  CHECK(receipt.nodes == 1 && receipt.edges == 0 && strlen(receipt.commit) == 26);
  memcpy(after, receipt.commit, sizeof after);
  CHECK_IS(og_session_mutate(s, ADD, &opts, &receipt, &err), OG_EPRECONDITION); /* eve moved the head */
  CHECK(err.detail.kind == OG_DETAIL_PRECONDITION);
  CHECK_TEXT(err.detail.expected, before);
  CHECK_TEXT(err.detail.actual, after);
  CHECK_TEXT(receipt.commit, after); /* nothing is written on failure */

  og_query_opts_init(&opts);
  CHECK_QUERY(s, ALL_NAMES, &opts, "[{\"name\":\"ada\"},{\"name\":\"bob\"},{\"name\":\"eve\"}]");
  opts.snapshot = before;
  CHECK_QUERY(s, ALL_NAMES, &opts, "[{\"name\":\"ada\"},{\"name\":\"bob\"}]");
  CHECK_OK(og_session_mutate(s, "query none() { delete Person where name = \"zoe\" }", NULL, &receipt, &err));
  CHECK(receipt.nodes == 0);
  CHECK_TEXT(receipt.commit, ""); /* nobody changed: no commit */
}

static void stopping(og_session *s)
{
  og_cancel *cancel;
  og_query_opts opts;
  og_result *r = NULL;
  CHECK_OK(og_cancel_new(&cancel, &err));
  og_cancel_raise(cancel);
  og_query_opts_init(&opts);
  opts.cancel = cancel;
  opts.params = "{\"name\": \"zoe\"}";
  CHECK_IS(og_session_query(s, ALL_NAMES, &opts, &r, &err), OG_ECANCELLED);
  CHECK_IS(og_session_mutate(s, ADD, &opts, NULL, &err), OG_ECANCELLED);
  CHECK_QUERY(s, ALL_NAMES, NULL, "[{\"name\":\"ada\"},{\"name\":\"bob\"},{\"name\":\"eve\"}]");
  og_cancel_free(cancel);
}

static void linting(og_session *s)
{
  og_lint_list *lint;
  CHECK_OK(og_session_lint(s, ALL_NAMES, "mine.gq", NULL, &lint, &err));
  CHECK(lint->ok && lint->queries == 1 && lint->count == 0);
  og_lint_list_free(lint);
  CHECK_OK(og_session_lint(s, "query cats() { match { $c: Cat } return { $c.name } }", NULL, NULL, &lint, &err));
  CHECK(!lint->ok && lint->count == 1);
  CHECK_TEXT(lint->items[0].severity, "error");
  CHECK_TEXT(lint->items[0].query, "cats");
  CHECK_HAS(lint->items[0].message, "Cat");
  og_lint_list_free(lint);
  CHECK_OK(og_session_lint(s, "query", NULL, NULL, &lint, &err));
  CHECK(!lint->ok && lint->count == 1 && lint->items[0].query == NULL);
  CHECK_TEXT(lint->items[0].code, "Q000");
  og_lint_list_free(lint);
  og_lint_list_free(NULL);
}

/* Takes ada and bob out of an Arrow stream, long after the result and the session have gone. */
static void streaming(struct ArrowArrayStream *stream)
{
  struct ArrowSchema schema;
  struct ArrowArray batch, end;
  CHECK(stream->get_schema(stream, &schema) == 0);
  CHECK_TEXT(schema.format, "+s");
  CHECK(schema.n_children == 3);
  CHECK_TEXT(schema.children[0]->name, "name");
  CHECK_TEXT(schema.children[0]->format, "u");
  CHECK((schema.children[0]->flags & ARROW_FLAG_NULLABLE) == 0);
  CHECK_TEXT(schema.children[1]->format, "i");
  CHECK((schema.children[1]->flags & ARROW_FLAG_NULLABLE) != 0);
  CHECK_TEXT(schema.children[2]->format, "+l");
  CHECK(schema.children[2]->n_children == 1);
  schema.release(&schema);
  CHECK(stream->get_next(stream, &batch) == 0);
  CHECK(batch.release != NULL && batch.length == 2 && batch.n_children == 3);
  CHECK(stream->get_next(stream, &end) == 0);
  CHECK(end.release == NULL && stream->get_last_error(stream) == NULL);
  stream->release(stream);
  CHECK(stream->release == NULL);

  const struct ArrowArray *names = batch.children[0], *ages = batch.children[1];
  const int32_t *offsets = (const int32_t *)names->buffers[1], *values = (const int32_t *)ages->buffers[1];
  CHECK(offsets[0] == 0 && offsets[1] == 3 && offsets[2] == 6);
  CHECK(memcmp(names->buffers[2], "adabob", 6) == 0);
  CHECK(ages->null_count == 1 && values[0] == 36 && *(const uint8_t *)ages->buffers[0] == 1);
  batch.release(&batch);
}

int main(void)
{
  static const char columns[] =
      "query c() { match { $p: Person } return { $p.name as name, $p.age, $p.tags } order { $p.name } }";
  static const char nobody[] = "query n() { match { $p: Person { name: \"zoe\" } } return { $p.name } }";
  og_session *s;
  og_result *r;
  struct ArrowArrayStream stream, empty;
  struct ArrowArray none;
  enter_work_dir();
  CHECK_OK(og_session_create("people.omni", people_schema, NULL, &s, &err));
  loading(s);
  loading_bytes(s);
  asking(s);
  explaining(s);
  asking_wrongly(s);
  CHECK_OK(og_session_query(s, columns, NULL, &r, &err));
  mutating(s);
  stopping(s);
  linting(s);
  CHECK_OK(og_result_stream(r, &stream, &err));
  og_result_free(r);
  CHECK_OK(og_session_query(s, nobody, NULL, &r, &err));
  CHECK_OK(og_result_stream(r, &empty, &err));
  og_session_close(s);
  og_result_free(r);
  streaming(&stream);
  CHECK(empty.get_next(&empty, &none) == 0 && none.release == NULL);
  empty.release(&empty);
  return 0;
}
