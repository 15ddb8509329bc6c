/* SPDX-License-Identifier: MIT */
/* Statements, cursors and pins. */
#include "call.h"

#define OF_AGE                                                                                                         \
  "query of($age: I32?, $name: String, $tags: [String]?) {\n"                                                          \
  "  match { $p: Person { name: $name } }\n  return { $p.name as name, $p.age as age, $p.tags as tags }\n}\n"
#define ADD "query add($name: String, $age: I32?) { insert Person { name: $name, age: $age } }"

static void bind_text(og_statement *s, const char *param, const char *text)
{
  const og_value v = og_value_text(text);
  CHECK_OK(og_statement_bind(s, param, &v, &err));
}

static og_statement *prepared(og_session *session, const char *text)
{
  og_statement *s = NULL;
  CHECK_OK(og_session_prepare(session, text, NULL, &s, &err));
  return s;
}

static void preparing(og_session *session)
{
  og_prepare_opts opts;
  og_statement *s = NULL;
  CHECK_IS(og_session_prepare(session, NULL, NULL, &s, &err), OG_EINVALID);
  og_prepare_opts_init(&opts);
  opts.source_name = "mine.gq";
  CHECK_IS(og_session_prepare(session, "query q() { match { $p: Persn } return { $p } }", &opts, &s, &err),
           OG_EINVALID);
  CHECK_IS(og_session_prepare(session, "query q() {\n  match", &opts, &s, &err), OG_EINVALID);
  CHECK_HAS(err.text, "mine.gq:2:");
  opts.branch = "nowhere";
  CHECK_IS(og_session_prepare(session, ALL_NAMES, &opts, &s, &err), OG_ENOTFOUND);
  CHECK(s == NULL);
  og_prepare_opts_init(&opts);
  opts.name = "add";
  CHECK_OK(og_session_prepare(session, OF_AGE ADD, &opts, &s, &err));
  CHECK(og_statement_is_mutation(s) && og_statement_param_count(s) == 2);
  CHECK_TEXT(og_statement_param_name(s, 1), "age");
  CHECK(og_statement_param_name(s, 2) == NULL);
  og_statement_free(s);
  og_statement_free(NULL);
}

static void binding(og_session *session)
{
  og_statement *s = prepared(session, OF_AGE);
  og_result *r = NULL;
  og_value v = og_value_text("ada");
  CHECK(!og_statement_is_mutation(s));
  CHECK_IS(og_statement_query(s, NULL, &r, &err), OG_EINVALID); /* whose name? */
  CHECK_HAS(err.text, "'name' not provided");
  CHECK_IS(og_statement_bind(s, "nam", &v, &err), OG_ENOTFOUND);
  CHECK_IS(og_statement_bind(s, "age", &v, &err), OG_EINVALID);
  CHECK_IS(og_statement_bind(s, "name", NULL, &err), OG_EINVALID);
  v = og_value_int(5000000000);
  CHECK_IS(og_statement_bind(s, "age", &v, &err), OG_EINVALID);
  v = og_value_int(36);
  CHECK_OK(og_statement_bind(s, "age", &v, &err));
  v = og_value_float(1.5);
  CHECK_IS(og_statement_bind(s, "age", &v, &err), OG_EINVALID);
  v = og_value_bool(true);
  CHECK_IS(og_statement_bind(s, "tags", &v, &err), OG_EINVALID);
  v = og_value_json("[\"x\"");
  CHECK_IS(og_statement_bind(s, "tags", &v, &err), OG_EINVALID);
  v = og_value_json("[\"x\"]");
  CHECK_OK(og_statement_bind(s, "tags", &v, &err));
  CHECK_OK(og_statement_bind(s, "tags", NULL, &err));
  CHECK_OK(og_statement_bind(s, "age", NULL, &err));
  bind_text(s, "name", "ada");
  bind_text(s, "name", "bob"); /* the last one counts */
  v = og_value_json("[\"nobody\"]");
  CHECK_IS(og_statement_bind(s, "name", &v, &err), OG_EINVALID);
  v = og_value_json("\"nobody");
  CHECK_IS(og_statement_bind(s, "name", &v, &err), OG_EINVALID); /* but not what is refused */
  CHECK_OK(og_statement_query(s, NULL, &r, &err));
  CHECK(og_result_row_count(r) == 1);
  og_result_free(r);
  CHECK_IS(og_statement_bind_json(s, "{\"age\": 1}", &err), OG_EINVALID);
  CHECK_IS(og_statement_bind_json(s, "{", &err), OG_EINVALID);
  CHECK_OK(og_statement_bind_json(s, "{\"name\": \"nobody\"}", &err));
  CHECK_OK(og_statement_query(s, NULL, &r, &err));
  CHECK(og_result_row_count(r) == 0);
  og_result_free(r);
  CHECK_IS(og_statement_mutate(s, NULL, NULL, &err), OG_EINVALID); /* it reads */
  og_statement_free(s);
}

static void reading_rows(og_session *session)
{
  og_statement *s = prepared(session, OF_AGE);
  og_cursor *rows = NULL, *again = NULL;
  og_result *r = NULL;
  og_value v;
  bind_text(s, "name", "ada");
  CHECK_OK(og_statement_open(s, NULL, &rows, &err));
  CHECK(og_cursor_column_count(rows) == 3);
  CHECK_TEXT(og_cursor_column_name(rows, 2), "tags");
  CHECK(og_cursor_column_name(rows, 3) == NULL);
  CHECK_IS(og_cursor_get(rows, 0, &v, &err), OG_EINVALID); /* before the first */
  CHECK(og_cursor_next(rows));
  CHECK_OK(og_cursor_get(rows, 0, &v, &err));
  CHECK(v.kind == OG_VALUE_TEXT);
  CHECK_TEXT(v.as.text, "ada");
  CHECK_OK(og_cursor_get(rows, 1, &v, &err));
  CHECK(v.kind == OG_VALUE_INT && v.as.integer == 36);
  CHECK_OK(og_cursor_get(rows, 2, &v, &err));
  CHECK(v.kind == OG_VALUE_JSON);
  CHECK_TEXT(v.as.text, "[\"x\",\"y\"]");
  CHECK_IS(og_cursor_get(rows, 3, &v, &err), OG_EINVALID);
  CHECK(!og_cursor_next(rows) && !og_cursor_next(rows));
  CHECK_IS(og_cursor_get(rows, 0, &v, &err), OG_EINVALID);
  og_cursor_free(rows);

  bind_text(s, "name", "bob");
  CHECK_OK(og_statement_query(s, NULL, &r, &err));
  og_statement_free(s);
  CHECK_OK(og_result_cursor(r, &rows, &err));
  CHECK_OK(og_result_cursor(r, &again, &err));
  og_result_free(r); /* they share its columns */
  CHECK(og_cursor_next(rows) && og_cursor_next(again));
  CHECK_OK(og_cursor_get(rows, 1, &v, &err));
  CHECK(v.kind == OG_VALUE_NULL);
  CHECK_OK(og_cursor_get(again, 0, &v, &err));
  CHECK_TEXT(v.as.text, "bob");
  og_cursor_free(rows);
  og_cursor_free(again);
  og_cursor_free(NULL);
}

static void streaming(og_session *session)
{
  og_statement *s = prepared(session, ALL_NAMES);
  struct ArrowArrayStream stream;
  struct ArrowArray batch;
  CHECK_OK(og_statement_stream(s, NULL, &stream, &err));
  og_statement_free(s);
  CHECK(stream.get_next(&stream, &batch) == 0 && batch.length == 2);
  batch.release(&batch);
  stream.release(&stream);
}

static void limiting(og_session *session)
{
  og_statement *s = prepared(session, ALL_NAMES);
  og_run_opts opts;
  og_result *r = NULL;
  og_cancel *cancel = NULL;
  og_run_opts_init(&opts);
  opts.max_rows = 1;
  CHECK_IS(og_statement_query(s, &opts, &r, &err), OG_ELIMIT);
  CHECK(err.detail.kind == OG_DETAIL_RESOURCE_LIMIT && err.detail.limit == 1 && err.detail.used == 2);
  CHECK_TEXT(err.detail.resource, "answer rows");
  opts.max_rows = 2;
  CHECK_OK(og_statement_query(s, &opts, &r, &err));
  og_result_free(r);
  opts.memory_limit = 300;
  CHECK_IS(og_statement_query(s, &opts, &r, &err), OG_ELIMIT);
  CHECK(err.detail.kind == OG_DETAIL_RESOURCE_LIMIT && err.detail.limit == 300);
  CHECK_TEXT(err.detail.resource, "query memory");
  CHECK_OK(og_statement_query(s, NULL, &r, &err)); /* and life goes on */
  og_result_free(r);
  og_run_opts_init(&opts);
  CHECK_OK(og_cancel_new(&cancel, &err));
  og_cancel_raise(cancel);
  opts.cancel = cancel;
  CHECK_IS(og_statement_query(s, &opts, &r, &err), OG_ECANCELLED);
  og_cancel_free(cancel);
  opts.cancel = NULL;
  opts.if_commit = "01J00000000000000000000000";
  CHECK_IS(og_statement_query(s, &opts, &r, &err), OG_EINVALID);
  og_statement_free(s);
}

static size_t count_names(og_statement *names, const og_run_opts *opts)
{
  og_result *r = NULL;
  CHECK_OK(og_statement_query(names, opts, &r, &err));
  size_t n = og_result_row_count(r);
  og_result_free(r);
  return n;
}

static void writing_and_pinning(og_session *session)
{
  og_statement *add = prepared(session, ADD), *names = prepared(session, ALL_NAMES);
  og_run_opts opts;
  og_query_opts query;
  og_receipt receipt;
  og_pin *before = NULL;
  og_result *r = NULL;
  char name[8];
  CHECK_OK(og_session_pin(session, NULL, &before, &err));
  CHECK(strlen(og_pin_commit(before)) == 26);
  for (int i = 0; i < 3; i++) {
    snprintf(name, sizeof name, "new%d", i);
    bind_text(add, "name", name);
    CHECK_OK(og_statement_mutate(add, NULL, &receipt, &err));
    CHECK(receipt.nodes == 1 && strlen(receipt.commit) == 26);
  }
  CHECK_OK(og_statement_mutate(add, NULL, NULL, &err));           /* the same key again: the same person */
  CHECK_IS(og_statement_query(add, NULL, &r, &err), OG_EINVALID); /* it writes */
  CHECK(count_names(names, NULL) == 5);
  og_run_opts_init(&opts);
  opts.pin = before;
  CHECK(count_names(names, &opts) == 2);
  CHECK_IS(og_statement_mutate(add, &opts, NULL, &err), OG_EINVALID);
  opts.branch = "main";
  CHECK_IS(og_statement_query(names, &opts, &r, &err), OG_EINVALID);
  og_run_opts_init(&opts);
  opts.snapshot = og_pin_commit(before);
  CHECK(count_names(names, &opts) == 2);
  CHECK_IS(og_statement_mutate(add, &opts, NULL, &err), OG_EINVALID);
  og_query_opts_init(&query);
  query.pin = before;
  CHECK_QUERY(session, ALL_NAMES, &query, "[{\"name\":\"ada\"},{\"name\":\"bob\"}]");
  CHECK_IS(og_session_mutate(session, ADD, &query, NULL, &err), OG_EINVALID);
  og_pin_release(before);
  og_pin_release(NULL);
  og_statement_free(add);
  og_statement_free(names);
}

int main(void)
{
  enter_work_dir();
  og_session *session = people();
  preparing(session);
  binding(session);
  reading_rows(session);
  streaming(session);
  limiting(session);
  writing_and_pinning(session);
  og_session_close(session);
  return 0;
}
