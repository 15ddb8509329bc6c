/* SPDX-License-Identifier: MIT */
/* omnigraph/status.h -- every outcome in one table.
 *
 * X(name, number, HTTP status, exit code, wire code): the wire code is the "code" of the JSON error envelope ("" where
 * the envelope omits it and a typed detail tells).  Branch on the status, show people the text of the og_error.
 */
#pragma once

/* Marks what the shared library exports. */
#define OG_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

#define OG_STATUS_LIST(X)                                                                                              \
  X(OG_ENOMEM, 1, 500, 1, "internal")           /* no memory, or the budget is spent */                                \
  X(OG_EIO, 2, 500, 1, "internal")              /* the store or the system failed */                                   \
  X(OG_ECORRUPT, 3, 500, 1, "internal")         /* stored bytes fail a check */                                        \
  X(OG_EINVALID, 4, 400, 1, "bad_request")      /* the request is wrong: syntax, type, value */                        \
  X(OG_ENOTFOUND, 5, 404, 1, "not_found")       /* no such graph, branch, commit, type, file */                        \
  X(OG_EEXISTS, 6, 409, 1, "conflict")          /* create-if-absent found it there */                                  \
  X(OG_ECONFLICT, 7, 409, 1, "conflict")        /* lost to another writer, or a merge conflict */                      \
  X(OG_EPRECONDITION, 8, 412, 4, "")            /* the caller's precondition (if_commit) no longer holds */            \
  X(OG_EDENIED, 9, 403, 1, "forbidden")         /* policy, or the file system's permissions */                         \
  X(OG_ELIMIT, 10, 413, 1, "bad_request")       /* a ceiling was met; the text names it */                             \
  X(OG_ECANCELLED, 11, 500, 1, "internal")      /* the cancel flag was raised */                                       \
  X(OG_EDEADLINE, 12, 500, 1, "internal")       /* the deadline passed */                                              \
  X(OG_EUNSUPPORTED, 13, 400, 1, "bad_request") /* understood, but not supported (yet) */                              \
  X(OG_EREADONLY, 14, 500, 1, "internal")       /* the place cannot be written */                                      \
  X(OG_EUNKNOWN, 15, 500, 1, "internal")        /* outcome unknown: the write may have happened */                     \
  X(OG_EGONE, 16, 410, 1, "")                   /* history that cleanup reclaimed */                                   \
  X(OG_EINTERNAL, 17, 500, 1, "internal")       /* a bug of ours, caught */

#define OG_STATUS_ENUM(name, num, http, exit, code) name = (num),
typedef enum og_status { OG_OK = 0, OG_STATUS_LIST(OG_STATUS_ENUM) } og_status;
#undef OG_STATUS_ENUM

/* The constant's name ("OG_EIO"), its HTTP status, process exit code, and wire code; static text. */
OG_API const char *og_status_name(og_status st);
OG_API int og_status_http(og_status st);
OG_API int og_status_exit(og_status st);
OG_API const char *og_status_code(og_status st);

#ifdef __cplusplus
}
#endif
