/* SPDX-License-Identifier: MIT */
/* tests/headers/call.h -- for programs that call the library as its users do, in C11 and in C++17.
 *
 * They include what is installed and nothing else of ours.  Each works in a folder of its own and says where a check
 * failed. */
#pragma once

#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* mkdtemp, nftw */
#endif

#include <omnigraph/omnigraph.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECK(x) check((x) ? 1 : 0, #x, __FILE__, __LINE__)
/* The status and that `err` says the same; OG_OK comes with an empty text, anything else with words. */
#define CHECK_IS(expr, want)  check_status((expr), (want), &err, #expr, __FILE__, __LINE__)
#define CHECK_OK(expr)        CHECK_IS(expr, OG_OK)
#define CHECK_TEXT(a, b)      check_text((a), (b), __FILE__, __LINE__)
#define CHECK_HAS(text, part) check(strstr((text), (part)) != NULL, "\"" part "\" is in " #text, __FILE__, __LINE__)

static og_error err;

static inline void check(int ok, const char *what, const char *file, int line)
{
  if (ok) return;
  fprintf(stderr, "%s:%d: not so: %s\n  last error: %s\n", file, line, what, err.text);
  exit(1);
}

static inline void check_status(og_status got, og_status want, const og_error *e, const char *what, const char *file,
                                int line)
{
  if (got == want && e->status == got && (e->text[0] == '\0') == (got == OG_OK)) return;
  fprintf(stderr, "%s:%d: %s: %s, expected %s: %s\n", file, line, what, og_status_name(got), og_status_name(want),
          e->text);
  exit(1);
}

static inline void check_text(const char *a, const char *b, const char *file, int line)
{
  if (a && b && strcmp(a, b) == 0) return;
  fprintf(stderr, "%s:%d: \"%s\" is not \"%s\"\n", file, line, a ? a : "NULL", b ? b : "NULL");
  exit(1);
}

static char work_dir[] = "call-XXXXXX";

static inline int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
  (void)st;
  (void)kind;
  (void)at;
  return remove(path);
}

static inline void leave_work_dir(void)
{
  if (chdir("..") == 0) nftw(work_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A new folder becomes the working folder; it goes when the program ends. */
static inline void enter_work_dir(void)
{
  if (!mkdtemp(work_dir) || chdir(work_dir) != 0) {
    perror("call: no folder to work in");
    exit(1);
  }
  atexit(leave_work_dir);
}

static inline void write_file(const char *path, const char *text)
{
  FILE *f = fopen(path, "wb");
  CHECK(f != NULL);
  CHECK(fputs(text, f) >= 0);
  CHECK(fclose(f) == 0);
}

static const char people_schema[] = "node Person {\n"
                                    "  name: String @key\n"
                                    "  age: I32?\n"
                                    "  tags: [String]?\n"
                                    "}\n"
                                    "edge Knows: Person -> Person\n";

static const char people_data[] =
    "{\"type\":\"Person\",\"data\":{\"name\":\"ada\",\"age\":36,\"tags\":[\"x\",\"y\"]}}\n"
    "{\"type\":\"Person\",\"data\":{\"name\":\"bob\"}}\n"
    "{\"edge\":\"Knows\",\"from\":\"ada\",\"to\":\"bob\"}\n";

/* people.omni with ada, who knows bob. */
static inline og_session *people(void)
{
  og_session *s = NULL;
  CHECK_OK(og_session_create("people.omni", people_schema, NULL, &s, &err));
  CHECK_OK(og_session_load_bytes(s, people_data, sizeof people_data - 1, NULL, NULL, &err));
  return s;
}

/* The answer of a query as JSON, which must equal `want`. */
static inline void check_query(og_session *s, const char *source, const og_query_opts *opts, const char *want,
                               const char *file, int line)
{
  og_result *r = NULL;
  og_text *json = NULL;
  check_status(og_session_query(s, source, opts, &r, &err), OG_OK, &err, source, file, line);
  check_status(og_result_json(r, &json, &err), OG_OK, &err, "og_result_json", file, line);
  og_result_free(r);
  check_text(json->data, want, file, line);
  og_text_free(json);
}
#define CHECK_QUERY(s, source, opts, want) check_query((s), (source), (opts), (want), __FILE__, __LINE__)

#define ALL_NAMES "query all() { match { $p: Person } return { $p.name as name } order { $p.name } }"
