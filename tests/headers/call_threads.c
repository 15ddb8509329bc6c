/* SPDX-License-Identifier: MIT */
/* One session, several threads that read and write at once, and one that stops them. */
#include "call.h"

#include <pthread.h>

#define WRITERS 3
#define WRITES  4

typedef struct worker {
  pthread_t thread;
  og_session *session;
  const og_cancel *cancel;
  int number;
  unsigned rounds;
  og_status last;
} worker;

static void *write_some(void *arg)
{
  worker *w = (worker *)arg;
  for (int i = 0; i < WRITES && w->last == OG_OK; i++) {
    char params[64];
    og_query_opts opts;
    snprintf(params, sizeof params, "{\"name\":\"w%d-%d\"}", w->number, i);
    og_query_opts_init(&opts);
    opts.params = params;
    w->last =
        og_session_mutate(w->session, "query add($name: String) { insert Person { name: $name } }", &opts, NULL, NULL);
  }
  return NULL;
}

static void *read_on(void *arg)
{
  worker *w = (worker *)arg;
  og_query_opts opts;
  og_query_opts_init(&opts);
  opts.cancel = w->cancel;
  while (w->last == OG_OK) {
    og_result *r;
    w->last = og_session_query(w->session, ALL_NAMES, &opts, &r, NULL);
    if (w->last == OG_OK) og_result_free(r);
    w->rounds++;
  }
  return NULL;
}

/* ---- one Lance table, several threads that scan it: each decodes with the help of the table's own threads */

typedef struct scanner {
  pthread_t thread;
  og_dataset *table;
  int64_t rows;
  og_error err;
} scanner;

static void *scan_all(void *arg)
{
  scanner *s = (scanner *)arg;
  for (int i = 0; i < 5; i++) {
    struct ArrowArrayStream rows;
    struct ArrowArray batch;
    uint64_t n;
    if (og_dataset_scan(s->table, NULL, &rows, &s->err) != OG_OK) return NULL;
    if (og_dataset_count(s->table, NULL, &n, &s->err) != OG_OK) s->rows = -1;
    while (rows.get_next(&rows, &batch) == 0 && batch.release) {
      s->rows += batch.length;
      batch.release(&batch);
    }
    rows.release(&rows);
  }
  return NULL;
}

static void scanning_at_once(og_session *s)
{
  static scanner scanners[WRITERS];
  char uri[1024];
  og_dataset_list *tables;
  og_dataset_opts opts;
  og_dataset *table;
  CHECK_OK(og_session_snapshot(s, NULL, &tables, &err));
  CHECK(snprintf(uri, sizeof uri, "people.omni/%s", tables->items[1].path) < (int)sizeof uri);
  og_dataset_opts_init(&opts);
  opts.threads = 2;
  CHECK_OK(og_dataset_open(uri, &opts, &table, &err));
  CHECK(og_dataset_version(table) == tables->items[1].version); /* losers left versions, all of them below */
  for (int i = 0; i < WRITERS; i++) {
    scanners[i].table = table;
    CHECK(pthread_create(&scanners[i].thread, NULL, scan_all, &scanners[i]) == 0);
  }
  for (int i = 0; i < WRITERS; i++) {
    CHECK(pthread_join(scanners[i].thread, NULL) == 0);
    CHECK_TEXT(scanners[i].err.text, "");
    CHECK((uint64_t)scanners[i].rows == 5 * tables->items[1].rows);
  }
  og_dataset_list_free(tables);
  og_dataset_close(table);
}

int main(void)
{
  static worker writers[WRITERS], reader;
  og_session *s;
  og_result *r;
  og_cancel *cancel;
  enter_work_dir();
  s = people();
  CHECK_OK(og_cancel_new(&cancel, &err));
  reader.session = s;
  reader.cancel = cancel;
  CHECK(pthread_create(&reader.thread, NULL, read_on, &reader) == 0);
  for (int i = 0; i < WRITERS; i++) {
    writers[i].session = s;
    writers[i].number = i;
    CHECK(pthread_create(&writers[i].thread, NULL, write_some, &writers[i]) == 0);
  }
  for (int i = 0; i < WRITERS; i++) {
    CHECK(pthread_join(writers[i].thread, NULL) == 0);
    CHECK(writers[i].last == OG_OK);
  }
  og_cancel_raise(cancel);
  CHECK(pthread_join(reader.thread, NULL) == 0);
  CHECK(reader.last == OG_ECANCELLED && reader.rounds > 0);
  CHECK_OK(og_session_query(s, ALL_NAMES, NULL, &r, &err));
  CHECK(og_result_row_count(r) == 2 + WRITERS * WRITES);
  og_result_free(r);
  og_cancel_free(cancel);
  scanning_at_once(s);
  og_session_close(s);
  return 0;
}
