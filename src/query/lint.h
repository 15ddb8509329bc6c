/* SPDX-License-Identifier: MIT */
/* query/lint.h -- what is wrong, or doubtful, in a `.gq` file; and what each query reads, writes and returns. */
#pragma once

#include "schema/catalog.h"

typedef enum og_severity { OG_SEV_ERROR, OG_SEV_WARNING, OG_SEV_INFO } og_severity;

typedef struct og_lint_column { /* of a descriptor */
  og_str name;
  const char *kind;      /* "string", "bool", "int", "bigint", "float", "date", "datetime", "blob", "vector", "list",
                            "object" */
  const char *item_kind; /* lists; NULL otherwise */
  uint32_t vector_dim;   /* vectors; 0 otherwise */
  bool nullable;
} og_lint_column;

typedef struct og_lint_touch { /* a type read or written */
  bool is_edge;
  og_str type_name;
} og_lint_touch;

typedef struct og_lint_query {
  og_str name;
  bool is_mutation, ok;
  og_str error; /* ok false */
  const og_str *warnings;
  uint32_t n_warnings;
  const og_lint_column *result; /* ok, reads only */
  uint32_t n_result;
  const og_lint_touch *reads, *writes; /* ok; sorted, distinct */
  uint32_t n_reads, n_writes;
} og_lint_query;

typedef struct og_lint_finding {
  og_severity severity;
  const char *code; /* "Q000", "L201" */
  og_str message;
  og_str type_name, property; /* empty: none */
} og_lint_finding;

typedef struct og_lint_report {
  bool ok; /* no finding or query of error severity */
  uint32_t processed, errors, warnings, infos;
  const og_lint_query *queries;
  uint32_t n_queries;
  const og_lint_finding *findings; /* by severity, type, property, message */
  uint32_t n_findings;
} og_lint_report;

/* Everything in `a`.  Fails only for want of memory: what is wrong with the text is the report. */
OG_MUST_USE og_status og_query_lint(og_ctx *cx, og_arena *a, const og_catalog *catalog, og_str source,
                                    og_str source_name, og_lint_report *out);
