/* SPDX-License-Identifier: MIT */
/* bench/point_read.c -- one person by key, prepared, again and again: through the C API, and through SQLite.
 *
 *   bench_point_read GRAPH SQLITE_FILE PERSONS N
 *
 * Both are asked for the same keys in runs of N, in turn, five times; prints one JSON object with the medians in
 * microseconds.  Names that come back are compared.  SQLite is the library of the system, opened at run time: there is
 * nothing to install to build this.
 */
#include <omnigraph/omnigraph.h>

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 5

static const char text[] = "query by_handle($h: String) {\n"
                           "  match { $p: Person { handle: $h } }\n  return { $p.name as name, $p.age as age }\n}\n";
static og_error err;

static void must(og_status st, const char *what)
{
  if (st == OG_OK) return;
  fprintf(stderr, "%s: %s: %s\n", what, og_status_name(st), err.text);
  exit(1);
}

static double now_us(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void key_of(char out[24], uint64_t i, uint64_t persons)
{
  snprintf(out, 24, "p%" PRIu64, i * 7919 % persons);
}

/* ---- ours */

typedef struct ours {
  og_session *session;
  og_statement *statement;
  og_run_opts opts; /* with a pin, or without */
} ours;

static uint64_t ask_ours(ours *o, const char *key)
{
  const og_value h = og_value_text(key);
  og_value name = {0}, age = {0};
  og_cursor *rows;
  must(og_statement_bind(o->statement, "h", &h, &err), "bind");
  must(og_statement_open(o->statement, &o->opts, &rows, &err), "open");
  if (!og_cursor_next(rows)) must(OG_ENOTFOUND, key);
  must(og_cursor_get(rows, 0, &name, &err), "get");
  must(og_cursor_get(rows, 1, &age, &err), "get");
  uint64_t sum = strlen(name.as.text) + (uint64_t)(unsigned char)name.as.text[0] + (uint64_t)age.as.integer;
  og_cursor_free(rows);
  return sum;
}

/* ---- SQLite, as sqlite3.h declares it */

typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;
typedef struct theirs {
  int (*open)(const char *, sqlite3 **);
  int (*prepare)(sqlite3 *, const char *, int, sqlite3_stmt **, const char **);
  int (*bind_text)(sqlite3_stmt *, int, const char *, int, void (*)(void *));
  int (*step)(sqlite3_stmt *);
  int (*reset)(sqlite3_stmt *);
  const unsigned char *(*column_text)(sqlite3_stmt *, int);
  long long (*column_int64)(sqlite3_stmt *, int);
  sqlite3 *db;
  sqlite3_stmt *stmt;
} theirs;

static void *symbol(void *library, const char *name)
{
  void *found = dlsym(library, name);
  if (!found) must(OG_ENOTFOUND, name);
  return found;
}

#define LOAD(member, name) (*(void **)(&t->member) = symbol(library, name))

static void open_theirs(theirs *t, const char *path)
{
  void *library = dlopen("libsqlite3.so.0", RTLD_NOW);
  if (!library) must(OG_ENOTFOUND, "libsqlite3.so.0");
  LOAD(open, "sqlite3_open");
  LOAD(prepare, "sqlite3_prepare_v2");
  LOAD(bind_text, "sqlite3_bind_text");
  LOAD(step, "sqlite3_step");
  LOAD(reset, "sqlite3_reset");
  LOAD(column_text, "sqlite3_column_text");
  LOAD(column_int64, "sqlite3_column_int64");
  if (t->open(path, &t->db) != 0 ||
      t->prepare(t->db, "SELECT name, age FROM person WHERE handle = ?", -1, &t->stmt, NULL) != 0)
    must(OG_EIO, path);
}

static uint64_t ask_theirs(theirs *t, const char *key)
{
  t->bind_text(t->stmt, 1, key, -1, NULL);
  if (t->step(t->stmt) != 100) must(OG_ENOTFOUND, key); /* SQLITE_ROW */
  const char *name = (const char *)t->column_text(t->stmt, 0);
  uint64_t sum = strlen(name) + (uint64_t)(unsigned char)name[0] + (uint64_t)t->column_int64(t->stmt, 1);
  t->reset(t->stmt);
  return sum;
}

/* ---- both */

static int ascending(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static double median(double *v)
{
  qsort(v, ROUNDS, sizeof *v, ascending);
  return v[ROUNDS / 2];
}

static double run_ours(ours *o, uint64_t persons, uint64_t n, uint64_t *sum)
{
  char key[24];
  double begin = now_us();
  for (uint64_t i = 0; i < n; i++) {
    key_of(key, i, persons);
    *sum += ask_ours(o, key);
  }
  return (now_us() - begin) / (double)n;
}

static double run_theirs(theirs *t, uint64_t persons, uint64_t n, uint64_t *sum)
{
  char key[24];
  double begin = now_us();
  for (uint64_t i = 0; i < n; i++) {
    key_of(key, i, persons);
    *sum += ask_theirs(t, key);
  }
  return (now_us() - begin) / (double)n;
}

int main(int argc, char **argv)
{
  ours o = {0};
  theirs t = {0};
  og_open_opts opts;
  og_pin *pin;
  double probed[ROUNDS], pinned[ROUNDS], sqlite[ROUNDS];
  if (argc != 5) return 2;
  uint64_t persons = strtoull(argv[3], NULL, 10), n = strtoull(argv[4], NULL, 10);
  og_open_opts_init(&opts);
  opts.read_only = true;
  must(og_session_open(argv[1], &opts, &o.session, &err), argv[1]);
  must(og_session_prepare(o.session, text, NULL, &o.statement, &err), "prepare");
  must(og_session_pin(o.session, NULL, &pin, &err), "pin");
  og_run_opts_init(&o.opts);
  open_theirs(&t, argv[2]);
  uint64_t warm = 0, a, b, c;
  run_ours(&o, persons, 1000, &warm);
  run_theirs(&t, persons, 1000, &warm);
  for (int r = 0; r < ROUNDS; r++) {
    a = b = c = 0;
    probed[r] = run_ours(&o, persons, n, &a);
    sqlite[r] = run_theirs(&t, persons, n, &b);
    o.opts.pin = pin;
    pinned[r] = run_ours(&o, persons, n, &c);
    o.opts.pin = NULL;
    if (a != b || a != c) must(OG_EINTERNAL, "the answers differ");
  }
  printf("{\"us\": %.3f, \"us_pinned\": %.3f, \"us_sqlite\": %.3f}\n", median(probed), median(pinned), median(sqlite));
  og_pin_release(pin);
  og_statement_free(o.statement);
  og_session_close(o.session);
  return 0;
}
