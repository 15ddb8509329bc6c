/* SPDX-License-Identifier: MIT */
/* omnigraph/load.h -- many records at once, as NDJSON, in one commit.
 *
 *   {"type":"Person","data":{"name":"ada"}}
 *   {"edge":"Knows","from":"ada","to":"bob","data":{}}
 *
 * All or nothing: a load that fails leaves the branch as it was, and its error names the line.
 */
#pragma once

#include <omnigraph/db.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum og_load_mode {
  OG_LOAD_OVERWRITE, /* types that occur lose the rows they had */
  OG_LOAD_APPEND,    /* a key that exists is an error */
  OG_LOAD_MERGE      /* a key that exists is updated */
} og_load_mode;

/* What a write did: the caller's, nothing to free. */
typedef struct og_receipt {
  uint64_t nodes, edges; /* loaded; of a mutation: inserted, updated or deleted */
  bool branch_created;   /* by og_load_opts.from */
  char commit[27];       /* id of the commit that was made; "": nothing was changed, none was made */
} og_receipt;

typedef struct og_load_opts {
  size_t size;
  og_load_mode mode;       /* OG_LOAD_APPEND when not set */
  const char *branch;      /* NULL: main */
  const char *from;        /* NULL: a missing branch is an error; else it is made from this one first, and stays */
  const char *actor;       /* who; recorded in the commit */
  uint64_t timeout_ms;     /* 0: none */
  const og_cancel *cancel; /* NULL: cannot be cancelled */
  /* Called now and then on the caller's thread: bytes read of how many, and records so far.  NULL: not called. */
  void (*progress)(void *arg, uint64_t done, uint64_t total, uint64_t records);
  void *progress_arg;
} og_load_opts;
OG_API void og_load_opts_init(og_load_opts *opts);

/* Loads a file, as large as it may be.  *out may be NULL.
 * OG_EINVALID: a line is wrong, or breaks a constraint; OG_ECONFLICT: a key is taken (OG_DETAIL_KEY_CONFLICT), or lost
 * to other writers too often; OG_ENOTFOUND: no such file or branch; OG_ELIMIT: a line too long, or disk full;
 * OG_EREADONLY, OG_EDENIED; OG_EUNKNOWN: it may have happened, the detail has the commit id to look for. */
OG_API og_status og_session_load_file(og_session *session, const char *path, const og_load_opts *opts, og_receipt *out,
                                      og_error *err);

/* The same from memory, which must stay as it is during the call. */
OG_API og_status og_session_load_bytes(og_session *session, const void *bytes, size_t len, const og_load_opts *opts,
                                       og_receipt *out, og_error *err);

#ifdef __cplusplus
}
#endif
