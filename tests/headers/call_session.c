/* SPDX-License-Identifier: MIT */
/* Opening, what a graph is asked as a whole, and how it says no. */
#include "call.h"

#include <errno.h>

static void statuses_and_version(void)
{
  int major, minor, patch;
  CHECK(sscanf(og_version(), "%d.%d.%d", &major, &minor, &patch) == 3);
  CHECK_TEXT(og_status_name(OG_OK), "OG_OK");
  CHECK_TEXT(og_status_name(OG_ENOTFOUND), "OG_ENOTFOUND");
  CHECK_TEXT(og_status_code(OG_ENOTFOUND), "not_found");
  CHECK(og_status_http(OG_ENOTFOUND) == 404);
  CHECK(og_status_exit(OG_EPRECONDITION) == 4);
}

static void creating(void)
{
  og_session *s = NULL;
  og_open_opts opts;
  og_commit_list *commits;
  CHECK_IS(og_session_open("people.omni", NULL, &s, &err), OG_ENOTFOUND);
  CHECK_IS(og_session_open(NULL, NULL, &s, &err), OG_EINVALID);
  CHECK_IS(og_session_open("gopher://graph", NULL, &s, &err), OG_EUNSUPPORTED);
  CHECK_IS(og_session_create("people.omni", "node Person {\n  name: Strin\n}\n", NULL, &s, &err), OG_EINVALID);
  CHECK(err.detail.kind == OG_DETAIL_POSITION && err.detail.line == 2);
  CHECK_HAS(err.text, "Strin");
  CHECK_IS(og_session_create("people.omni", "node \xff {}", NULL, &s, &err), OG_EINVALID);
  CHECK_IS(og_session_create("people.omni", NULL, NULL, &s, &err), OG_EINVALID);
  CHECK(s == NULL); /* nothing is written on failure */

  og_open_opts_init(&opts);
  opts.actor = "ada";
  CHECK_OK(og_session_create("people.omni", people_schema, &opts, &s, &err));
  CHECK_HAS(og_session_uri(s), "/people.omni");
  CHECK(og_session_uri(s)[0] == '/');
  CHECK_OK(og_session_commits(s, NULL, &commits, &err));
  CHECK(commits->count == 1 && commits->items[0].parent == NULL);
  og_commit_list_free(commits);
  og_session_close(s);
  s = NULL;
  CHECK_IS(og_session_create("people.omni", people_schema, NULL, &s, &err), OG_EEXISTS);
  opts.force = true; /* is for what no graph owns */
  CHECK_IS(og_session_create("people.omni", people_schema, &opts, &s, &err), OG_EEXISTS);
  CHECK(s == NULL);
}

static void options_that_cannot_be(void)
{
  og_session *s = NULL;
  og_open_opts opts;
  og_call_opts call;
  og_text *text = NULL;
  memset(&opts, 0, sizeof opts); /* not initialised */
  CHECK_IS(og_session_open("people.omni", &opts, &s, &err), OG_EINVALID);
  og_open_opts_init(&opts);
  opts.size = sizeof opts + 8; /* a member this library has never heard of */
  CHECK_IS(og_session_open("people.omni", &opts, &s, &err), OG_EINVALID);
  og_open_opts_init(&opts);
  opts.size = sizeof opts.size; /* of the first version, which had nothing */
  CHECK_OK(og_session_open("people.omni", &opts, &s, &err));
  og_call_opts_init(&call);
  call.branch = "\xc0\xaf";
  CHECK_IS(og_session_schema(s, &call, &text, &err), OG_EINVALID);
  call.branch = "nowhere";
  CHECK_IS(og_session_schema(s, &call, &text, &err), OG_ENOTFOUND);
  CHECK(text == NULL);
  og_session_close(s);
  og_session_close(NULL);
}

static void limits_of_a_session(void)
{
  og_session *s = NULL;
  og_open_opts opts;
  og_open_opts_init(&opts);
  opts.memory_limit = 4096;
  CHECK_IS(og_session_open("people.omni", &opts, &s, &err), OG_ENOMEM);
  og_open_opts_init(&opts);
  opts.read_only = true;
  CHECK_OK(og_session_open("people.omni", &opts, &s, &err));
  CHECK_IS(og_session_load_bytes(s, people_data, sizeof people_data - 1, NULL, NULL, &err), OG_EREADONLY);
  og_session_close(s);
  CHECK(og_session_open("nowhere.omni", NULL, &s, NULL) == OG_ENOTFOUND); /* nobody wants the words */
}

typedef struct text_sink {
  char text[1000];
  size_t len, calls, stop_after;
} text_sink;

static int collect(void *arg, const char *bytes, size_t len)
{
  text_sink *k = (text_sink *)arg;
  if (++k->calls == k->stop_after) return 1;
  CHECK(bytes[len - 1] == '\n' && k->len + len < sizeof k->text);
  memcpy(k->text + k->len, bytes, len);
  k->len += len;
  k->text[k->len] = '\0';
  return 0;
}

static void exporting(og_session *s)
{
  static const char *const only_edges[] = {"Knows", NULL}, *const unknown[] = {"Cat", NULL};
  static text_sink all, edges, some, again;
  og_session *copy = NULL;
  og_call_opts opts;
  og_call_opts_init(&opts);
  CHECK_OK(og_session_export(s, NULL, collect, &all, &opts, &err));
  CHECK_HAS(all.text, "\"age\":36,\"name\":\"ada\",\"tags\":[\"x\",\"y\"]");
  CHECK_OK(og_session_export(s, only_edges, collect, &edges, NULL, &err));
  CHECK(edges.calls == 1 && strstr(edges.text, "{\"edge\":\"Knows\",\"from\":\"") == edges.text);
  CHECK_IS(og_session_export(s, unknown, collect, &some, NULL, &err), OG_EINVALID);
  CHECK_HAS(err.text, "Cat");
  CHECK_IS(og_session_export(s, NULL, NULL, NULL, NULL, &err), OG_EINVALID);
  some.stop_after = 2;
  CHECK_IS(og_session_export(s, NULL, collect, &some, NULL, &err), OG_ECANCELLED);
  CHECK(some.calls == 2);

  CHECK_OK(og_session_create("copy.omni", people_schema, NULL, &copy, &err)); /* it loads again, and is the same */
  CHECK_OK(og_session_load_bytes(copy, all.text, all.len, NULL, NULL, &err));
  CHECK_OK(og_session_export(copy, NULL, collect, &again, NULL, &err));
  CHECK_TEXT(again.text, all.text);
  og_session_close(copy);
}

static void facts(og_session *s)
{
  og_text *text;
  og_dataset_list *sets;
  CHECK_OK(og_session_schema(s, NULL, &text, &err));
  CHECK_TEXT(text->data, people_schema);
  CHECK(text->len == sizeof people_schema - 1);
  og_text_free(text);
  og_text_free(NULL);
  CHECK_OK(og_session_snapshot(s, NULL, &sets, &err));
  CHECK_TEXT(sets->branch, "main");
  CHECK(sets->count == 2 && sets->manifest_version > 1);
  CHECK_TEXT(sets->items[0].type_name, "Knows");
  CHECK(sets->items[0].is_edge && sets->items[0].rows == 1 && sets->items[0].native_branch == NULL);
  CHECK_TEXT(sets->items[1].type_name, "Person");
  CHECK(!sets->items[1].is_edge && sets->items[1].rows == 2 && sets->items[1].version > 0);
  CHECK(strncmp(sets->items[1].path, "nodes/", 6) == 0);
  og_dataset_list_free(sets);
  og_dataset_list_free(NULL);
}

static void cancelling(og_session *s)
{
  static text_sink none;
  og_cancel *cancel;
  og_call_opts opts;
  CHECK_OK(og_cancel_new(&cancel, &err));
  og_call_opts_init(&opts);
  opts.cancel = cancel;
  opts.timeout_ms = UINT64_MAX; /* longer than there is time */
  CHECK_OK(og_session_export(s, NULL, collect, &none, &opts, &err));
  og_cancel_raise(cancel);
  none.calls = 0;
  CHECK_IS(og_session_export(s, NULL, collect, &none, &opts, &err), OG_ECANCELLED);
  CHECK(none.calls == 0);
  og_cancel_free(cancel);
  og_cancel_free(NULL);
}

/* Everything that reads, within `limit` bytes; the first failure. */
static og_status read_all(uint64_t limit)
{
  static text_sink sink;
  og_open_opts opts;
  og_session *s = NULL;
  og_result *r = NULL;
  og_text *json = NULL, *schema = NULL;
  og_dataset_list *sets = NULL;
  og_commit_list *commits = NULL;
  og_lint_list *lint = NULL;
  struct ArrowArrayStream stream;
  struct ArrowArray batch;
  og_open_opts_init(&opts);
  opts.memory_limit = limit;
  opts.read_only = true;
  sink.len = sink.calls = 0;
  og_status st = og_session_open("people.omni", &opts, &s, &err);
  if (st == OG_OK) st = og_session_query(s, ALL_NAMES, NULL, &r, &err);
  if (st == OG_OK) st = og_session_schema(s, NULL, &schema, &err);
  if (st == OG_OK) st = og_session_snapshot(s, NULL, &sets, &err);
  if (st == OG_OK) st = og_session_commits(s, NULL, &commits, &err);
  if (st == OG_OK) st = og_session_lint(s, ALL_NAMES, NULL, NULL, &lint, &err);
  if (st == OG_OK) st = og_session_export(s, NULL, collect, &sink, NULL, &err);
  og_session_close(s);
  if (st == OG_OK) st = og_result_json(r, &json, &err);
  if (st == OG_OK) st = og_result_stream(r, &stream, &err);
  og_result_free(r);
  if (st == OG_OK) {
    int code = stream.get_next(&stream, &batch);
    CHECK(code == 0 || (code == ENOMEM && stream.get_last_error(&stream) != NULL));
    if (code == 0) batch.release(&batch);
    if (code != 0) st = OG_ENOMEM;
    stream.release(&stream);
  }
  og_text_free(json);
  og_text_free(schema);
  og_dataset_list_free(sets);
  og_commit_list_free(commits);
  og_lint_list_free(lint);
  return st;
}

/* With less memory than enough: an error, whatever it hits; never a crash, and the sanitizer sees no leak. */
static void running_out_of_memory(void)
{
  unsigned refused = 0;
  uint64_t limit = 512;
  while (read_all(limit) != OG_OK) {
    CHECK(err.status == OG_ENOMEM || err.status == OG_OK); /* OG_OK: the stream's */
    CHECK(limit < (UINT64_C(1) << 30));
    limit += limit / 64 + 1;
    refused++;
  }
  CHECK(refused > 100);
}

/* A mutation that runs out of memory has not happened, and the graph is none the worse for it. */
static void writing_out_of_memory(void)
{
  og_open_opts opts;
  og_session *s = NULL;
  og_result *r;
  unsigned refused = 0;
  og_status st = OG_ENOMEM;
  og_open_opts_init(&opts);
  opts.memory_limit = 4096;
  while (st != OG_OK) {
    st = og_session_open("people.omni", &opts, &s, &err);
    if (st == OG_OK) {
      st = og_session_mutate(s, "query add() { insert Person { name: \"eve\" } }", NULL, NULL, &err);
      og_session_close(s);
    }
    CHECK(st == OG_OK || st == OG_ENOMEM);
    refused += st != OG_OK;
    CHECK(opts.memory_limit < (UINT64_C(1) << 30));
    opts.memory_limit += opts.memory_limit / 64;
  }
  CHECK(refused > 100);
  CHECK_OK(og_session_open("people.omni", NULL, &s, &err));
  CHECK_OK(og_session_query(s, ALL_NAMES, NULL, &r, &err));
  CHECK(og_result_row_count(r) == 3); /* ada, bob, and eve once */
  og_result_free(r);
  og_session_close(s);
}

int main(void)
{
  og_session *s;
  enter_work_dir();
  statuses_and_version();
  creating();
  options_that_cannot_be();
  limits_of_a_session();
  CHECK_OK(og_session_open("people.omni", NULL, &s, &err));
  CHECK_OK(og_session_load_bytes(s, people_data, sizeof people_data - 1, NULL, NULL, &err));
  exporting(s);
  facts(s);
  cancelling(s);
  og_session_close(s);
  running_out_of_memory();
  writing_out_of_memory();
  return 0;
}
