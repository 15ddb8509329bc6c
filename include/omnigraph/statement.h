/* SPDX-License-Identifier: MIT */
/* omnigraph/statement.h -- queries that are prepared once and run often; their rows one at a time; states held on to.
 *
 *   og_statement *by_name;
 *   const og_value ada = og_value_text("ada");
 *   og_cursor *rows;
 *   og_value age;
 *   if (og_session_prepare(graph, text, NULL, &by_name, &err) == OG_OK &&
 *       og_statement_bind(by_name, "who", &ada, &err) == OG_OK &&
 *       og_statement_open(by_name, NULL, &rows, &err) == OG_OK)
 *     while (og_cursor_next(rows) && og_cursor_get(rows, 0, &age, &err) == OG_OK)
 *       ...
 *
 * A text is parsed, checked against the schema and planned when it is prepared, and again only when the schema has
 * changed.  A session keeps some of the plans it has made (16 MiB), so that og_session_query with the same text saves
 * the same work; a statement saves looking for it, and reading parameters from JSON.
 */
#pragma once

#include <omnigraph/query.h>
#include <omnigraph/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Statements */

/* Thread rule: one thread at a time; a session may have any number of them.  Close it before its session. */
typedef struct og_statement og_statement;

typedef struct og_prepare_opts {
  size_t size;
  const char *name;        /* which query of the text; NULL: it holds only one */
  const char *source_name; /* what messages call the text; NULL: "<input>" */
  const char *branch;      /* whose schema the text is checked against now; NULL: main.  It may run on any */
} og_prepare_opts;

OG_API void og_prepare_opts_init(og_prepare_opts *opts);
/* A query or a mutation of the text `source` (.gq).  OG_EINVALID: the text or its types are wrong (OG_DETAIL_POSITION
 * when there is one); OG_ENOTFOUND: no such branch; OG_EUNSUPPORTED: a construct that is not executed yet. */
OG_API og_status og_session_prepare(og_session *session, const char *source, const og_prepare_opts *opts,
                                    og_statement **out, og_error *err);
OG_API void og_statement_free(og_statement *statement); /* NULL is fine */

OG_API bool og_statement_is_mutation(const og_statement *statement);
OG_API size_t og_statement_param_count(const og_statement *statement);
/* Its name, without '$'; NULL when there are not so many. */
OG_API const char *og_statement_param_name(const og_statement *statement, size_t param);

/* Sets a parameter, of that name without '$', until it is set anew.  `value` NULL: to null.  Integers go to every
 * number they fit; dates and times are given as text; lists and vectors as JSON.  The value is copied.  OG_ENOTFOUND:
 * no such parameter; OG_EINVALID: the value does not fit its type.  What was set before stays after either. */
OG_API og_status og_statement_bind(og_statement *statement, const char *param, const og_value *value, og_error *err);
/* Sets all parameters: those that the JSON object does not have to nothing. */
OG_API og_status og_statement_bind_json(og_statement *statement, const char *params, og_error *err);

/* ---- Running.  Every run sees the newest commit, or the one that is asked for; OG_EINVALID: a parameter that must be
 * set is not; and what og_session_query and og_session_mutate may raise. */

typedef struct og_run_opts {
  size_t size;
  const char *branch;      /* NULL: main */
  const char *snapshot;    /* reads: the state that this commit published; NULL: the newest */
  const og_pin *pin;       /* reads: this state; NULL: not given */
  const char *if_commit;   /* mutations: only if this is still the newest commit; NULL: whatever it is */
  const char *actor;       /* who asks; a mutation records it in its commit */
  uint64_t timeout_ms;     /* 0: none */
  const og_cancel *cancel; /* NULL: cannot be cancelled */
  uint64_t memory_limit;   /* reads: bytes; 0: 2 GiB.  OG_ELIMIT (OG_DETAIL_RESOURCE_LIMIT) when they do not do */
  uint64_t max_rows;       /* reads: of the answer; 0: any number.  OG_ELIMIT when there are more */
} og_run_opts;

OG_API void og_run_opts_init(og_run_opts *opts);
/* The answer as a whole.  OG_EINVALID: it is a mutation. */
OG_API og_status og_statement_query(og_statement *statement, const og_run_opts *opts, og_result **out, og_error *err);
/* As an Arrow stream: og_statement_query and og_result_stream in one. */
OG_API og_status og_statement_stream(og_statement *statement, const og_run_opts *opts, struct ArrowArrayStream *out,
                                     og_error *err);
/* Row by row: og_statement_query and og_result_cursor in one. */
OG_API og_status og_statement_open(og_statement *statement, const og_run_opts *opts, og_cursor **out, og_error *err);
/* Runs a mutation and commits it.  *out may be NULL.  OG_EINVALID: it only reads. */
OG_API og_status og_statement_mutate(og_statement *statement, const og_run_opts *opts, og_receipt *out, og_error *err);

/* ---- Rows */

/* The rows of an answer, which it shares.  It stands before the first.  Thread rule: one thread at a time. */
OG_API og_status og_result_cursor(const og_result *result, og_cursor **out, og_error *err);
OG_API void og_cursor_free(og_cursor *cursor); /* NULL is fine */
/* Moves on; false behind the last row. */
OG_API bool og_cursor_next(og_cursor *cursor);
OG_API size_t og_cursor_column_count(const og_cursor *cursor);
OG_API const char *og_cursor_column_name(const og_cursor *cursor, size_t column); /* NULL when there are not so many */
/* A value of the row it stands on.  Its text lives until the next og_cursor_next.  Dates are days, DateTimes
 * milliseconds since 1970.  OG_EINVALID: no such column, or it stands on no row. */
OG_API og_status og_cursor_get(og_cursor *cursor, size_t column, og_value *out, og_error *err);

/* ---- States held on to */

/* The newest state of a branch, to be asked again and again whatever is committed meanwhile.  Thread rule: any number
 * of threads.  Release it before its session is closed. */
OG_API og_status og_session_pin(og_session *session, const og_call_opts *opts, og_pin **out, og_error *err);
OG_API const char *og_pin_commit(const og_pin *pin); /* "" for a graph without one */
OG_API void og_pin_release(og_pin *pin);             /* NULL is fine */

#ifdef __cplusplus
}
#endif
