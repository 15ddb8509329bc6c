/* SPDX-License-Identifier: MIT */
/* omnigraph/error.h -- what went wrong, said once, in memory that the caller owns.
 *
 *   og_error err;
 *   if (og_session_open("people.omni", NULL, &session, &err) != OG_OK)
 *     fprintf(stderr, "%s: %s\n", og_status_name(err.status), err.text);
 *
 * A call that is given an og_error sets it always: status OG_OK and an empty text when all went well.  It holds no
 * pointer to free and may be copied, kept, or live on the stack (it takes about 3 KiB).
 * Thread rule: one thread at a time; concurrent calls take an og_error each.
 */
#pragma once

#include <omnigraph/status.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum og_detail_kind {
  OG_DETAIL_NONE = 0,
  OG_DETAIL_KEY_CONFLICT,    /* entity_kind, type_name, entity_id */
  OG_DETAIL_RESOURCE_LIMIT,  /* resource, limit, used */
  OG_DETAIL_PRECONDITION,    /* expected, actual: commit ids */
  OG_DETAIL_READ_SET,        /* resource (the member), expected, actual */
  OG_DETAIL_POSITION,        /* source text position: line, column (1-based), byte span */
  OG_DETAIL_OUTCOME_UNKNOWN, /* entity_id: the commit id to look up */
  OG_DETAIL_MERGE_CONFLICTS, /* used: how many there are */
  OG_DETAIL_FEED_GAP,        /* entity_id: the first commit whose state was reclaimed */
  OG_DETAIL_DIFF_REFUSAL     /* resource: "parentless_commit" or "schema_boundary"; entity_id: the commit; type_name */
} og_detail_kind;

/* The parts of an error that a program may want.  One struct for all kinds; members that the kind does not name are
 * zero.  Strings are cut at the size of their field. */
typedef struct og_detail {
  og_detail_kind kind;
  char entity_kind[8]; /* "node" or "edge" */
  char type_name[256];
  char entity_id[512];
  char resource[128];
  char expected[64];
  char actual[64];
  uint64_t limit, used;
  uint32_t line, column;
  uint64_t span_start, span_end;
} og_detail;

typedef struct og_error {
  og_status status; /* og_status_code() gives the wire code */
  int line;         /* of `file`, where it was raised: for bug reports */
  const char *file; /* static text, or NULL */
  char text[2000];  /* "message\n  while ...\n  while ...": innermost first; UTF-8 without control characters */
  og_detail detail;
} og_error;

#ifdef __cplusplus
}
#endif
