/* SPDX-License-Identifier: MIT */
/* omnigraph/query.h -- queries, mutations, and what queries answer.
 *
 * An answer is a set of typed columns in memory.  Take it as text with og_result_json, or as Arrow with
 * og_result_stream: nothing is copied then, and any Arrow library goes on from there.
 */
#pragma once

#include <omnigraph/arrow.h>
#include <omnigraph/load.h> /* og_receipt */

#ifdef __cplusplus
extern "C" {
#endif

/* A state of a branch that is held on to (statement.h). */
typedef struct og_pin og_pin;
/* The rows of an answer, one at a time (statement.h). */
typedef struct og_cursor og_cursor;

typedef struct og_query_opts {
  size_t size;
  const char *name;        /* which query of the text; NULL: it holds only one */
  const char *source_name; /* what messages call the text; NULL: "<input>" */
  const char *params;      /* values of the parameters, a JSON object; NULL: none */
  const char *branch;      /* NULL: main */
  const char *snapshot;    /* og_session_query: the state that this commit published; NULL: the newest */
  const char *if_commit;   /* og_session_mutate: only if this is still the newest commit; NULL: whatever it is */
  const char *actor;       /* who; a mutation records it in its commit */
  uint64_t timeout_ms;     /* 0: none */
  const og_cancel *cancel; /* NULL: cannot be cancelled */
  const og_pin *pin;       /* og_session_query: this state; NULL: not given */
  uint64_t memory_limit;   /* og_session_query: bytes; 0: 2 GiB.  OG_ELIMIT when they do not do */
  uint64_t max_rows;       /* og_session_query: of the answer; 0: any number.  OG_ELIMIT when there are more */
} og_query_opts;
OG_API void og_query_opts_init(og_query_opts *opts);

/* ---- Reading */

/* An answer.  Thread rule: immutable, may be read by any number of threads at once. */
typedef struct og_result og_result;

/* Runs a query of the text `source` (.gq).  OG_EINVALID: the text, its types or a parameter are wrong (detail:
 * OG_DETAIL_POSITION when there is one); OG_ENOTFOUND: no such branch or commit; OG_EUNSUPPORTED: a construct
 * that is not executed yet. */
OG_API og_status og_session_query(og_session *session, const char *source, const og_query_opts *opts, og_result **out,
                                  og_error *err);
OG_API void og_result_free(og_result *result);

OG_API size_t og_result_row_count(const og_result *result);
OG_API size_t og_result_column_count(const og_result *result);
/* In the order of `return`; NULL when there are not so many. */
OG_API const char *og_result_column_name(const og_result *result, size_t column);
/* Id of the commit whose state was read. */
OG_API const char *og_result_commit(const og_result *result);

/* The rows as a JSON array of objects.  Numbers are exact; dates and times are text. */
OG_API og_status og_result_json(const og_result *result, og_text **out, og_error *err);

/* The columns as an Arrow stream of one batch (of none when there are no rows), which shares them.  DateTime is a
 * timestamp in milliseconds, UTC; Date is date32.  *out is written on success, and then the caller's to release; the
 * result may be freed before. */
OG_API og_status og_result_stream(const og_result *result, struct ArrowArrayStream *out, og_error *err);

/* ---- Looking into a query */

typedef enum og_explain_form {
  OG_EXPLAIN_TREE, /* lines for people: a step stands above the one whose rows it takes */
  OG_EXPLAIN_JSON  /* one object */
} og_explain_form;

/* What a query, or a mutation, of the text does: the plan, without running it. */
OG_API og_status og_session_explain(og_session *session, const char *source, const og_query_opts *opts,
                                    og_explain_form form, og_text **out, og_error *err);
/* Runs a query and tells what each operator cost: rows made, time, bytes read from the store, memory held. */
OG_API og_status og_session_profile(og_session *session, const char *source, const og_query_opts *opts,
                                    og_explain_form form, og_text **out, og_error *err);

/* ---- Writing */

/* Runs a mutation of the text `source` (.gq) and commits it.  *out may be NULL.
 * OG_EINVALID: the text or a parameter is wrong (OG_DETAIL_POSITION when there is one), or a value breaks a constraint;
 * OG_ENOTFOUND: no such branch; OG_EPRECONDITION: if_commit does not hold (OG_DETAIL_PRECONDITION); OG_ECONFLICT: a key
 * is taken (OG_DETAIL_KEY_CONFLICT), or lost to other writers too often; OG_EUNSUPPORTED, OG_EREADONLY, OG_EDENIED,
 * OG_ELIMIT; OG_EUNKNOWN: it may have happened, the detail has the commit id to look for. */
OG_API og_status og_session_mutate(og_session *session, const char *source, const og_query_opts *opts, og_receipt *out,
                                   og_error *err);

/* ---- Checking */

typedef struct og_lint_item {
  const char *severity; /* "error", "warning" or "info" */
  const char *code;     /* "Q000", "L201", …; NULL: none */
  const char *query;    /* the query it is about; NULL: the text as a whole */
  const char *message;
} og_lint_item;

typedef struct og_lint_list {
  bool ok;        /* no item is an error */
  size_t queries; /* how many were looked at */
  size_t count;
  const og_lint_item *items;
} og_lint_list;
OG_API void og_lint_list_free(og_lint_list *list);

/* Checks every query of the text `source` against the schema of main.  What is wrong with the text is the list, not a
 * failure.  `source_name` is for messages and may be NULL.  About no single branch. */
OG_API og_status og_session_lint(og_session *session, const char *source, const char *source_name,
                                 const og_call_opts *opts, og_lint_list **out, og_error *err);

#ifdef __cplusplus
}
#endif
