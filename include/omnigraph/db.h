/* SPDX-License-Identifier: MIT */
/* omnigraph/db.h -- opening a graph, and what one may ask of the open graph as a whole.  The rules are in call.h. */
#pragma once

#include <omnigraph/call.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Sessions */

/* An open graph. */
typedef struct og_session og_session;

typedef struct og_open_opts {
  size_t size;
  bool read_only;          /* writes are refused with OG_EREADONLY; the place needs no permission to write */
  uint64_t memory_limit;   /* bytes this session and what came from it may hold; 0: no limit */
  const char *actor;       /* og_session_create: who; recorded in the first commit */
  bool force;              /* og_session_create: replace schema files that lie there without a graph */
  uint64_t timeout_ms;     /* 0: none */
  const og_cancel *cancel; /* NULL: cannot be cancelled */
  unsigned threads;        /* that one call may use at once; 0: as many as processors, 1: only the caller's */
} og_open_opts;
OG_API void og_open_opts_init(og_open_opts *opts);

/* Makes a graph from the text of a schema (.pg) and opens it.  `uri` is a folder that does not exist or is empty: a
 * path, or file://.  OG_EEXISTS: a graph is there; OG_EINVALID: the schema is wrong, the detail has the position;
 * OG_EUNSUPPORTED: a kind of store we do not know; OG_EDENIED, OG_EREADONLY, OG_ELIMIT (disk full). */
OG_API og_status og_session_create(const char *uri, const char *schema, const og_open_opts *opts, og_session **out,
                                   og_error *err);

/* OG_ENOTFOUND: no graph is there; OG_EUNSUPPORTED: an unknown kind of store, or a graph that this version does not
 * read; OG_EREADONLY, OG_EDENIED: open it with read_only. */
OG_API og_status og_session_open(const char *uri, const og_open_opts *opts, og_session **out, og_error *err);

/* When no call on it is running any more.  NULL is fine. */
OG_API void og_session_close(og_session *session);

/* Where the graph is, made absolute; borrowed. */
OG_API const char *og_session_uri(const og_session *session);

/* ---- What is in it */

/* For all calls that need no more.  Those that are about no single branch refuse one (OG_EINVALID). */
typedef struct og_call_opts {
  size_t size;
  const char *branch;      /* NULL: main */
  const char *actor;       /* who asks; NULL: nobody in particular */
  uint64_t timeout_ms;     /* 0: none */
  const og_cancel *cancel; /* NULL: cannot be cancelled */
} og_call_opts;
OG_API void og_call_opts_init(og_call_opts *opts);

/* The schema of a branch, as it was written.  OG_ENOTFOUND: no such branch. */
OG_API og_status og_session_schema(og_session *session, const og_call_opts *opts, og_text **out, og_error *err);

/* One table of a snapshot. */
typedef struct og_dataset_item {
  bool is_edge;
  const char *type_name;
  const char *path;          /* of the Lance table, below the graph's folder */
  const char *native_branch; /* the Lance branch it is on; NULL: its main line */
  uint64_t version;          /* of the Lance table */
  uint64_t rows;
} og_dataset_item;

/* What a branch consists of: enough for any Lance tool to read just this state. */
typedef struct og_dataset_list {
  const char *branch;        /* "main", … */
  uint64_t manifest_version; /* of __manifest */
  size_t count;
  const og_dataset_item *items; /* edges, then nodes, by type name */
} og_dataset_list;
OG_API void og_dataset_list_free(og_dataset_list *list);

/* OG_ENOTFOUND: no such branch. */
OG_API og_status og_session_snapshot(og_session *session, const og_call_opts *opts, og_dataset_list **out,
                                     og_error *err);

/* ---- Export */

/* Takes the next bytes, which are valid during the call.  Anything but 0 stops the export with OG_ECANCELLED.  It must
 * not close the session. */
typedef int (*og_export_fn)(void *arg, const char *bytes, size_t len);

/* Streams a branch as NDJSON that loads again, whole lines at a time.  `types`: names of node and edge types, ended by
 * NULL; NULL: all.  OG_ENOTFOUND: no such branch; OG_EINVALID: no such type. */
OG_API og_status og_session_export(og_session *session, const char *const *types, og_export_fn write, void *arg,
                                   const og_call_opts *opts, og_error *err);

#ifdef __cplusplus
}
#endif
