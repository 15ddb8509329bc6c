/* SPDX-License-Identifier: MIT */
/* omnigraph/branch.h -- branches and the commits on them. */
#pragma once

#include <omnigraph/db.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct og_branch_item {
  const char *name;
  const char *parent; /* the branch it was made from; NULL: it is main */
} og_branch_item;

typedef struct og_branch_list {
  size_t count;
  const og_branch_item *items; /* by name, main among them */
} og_branch_list;
OG_API void og_branch_list_free(og_branch_list *list);

/* About no single branch, like og_session_branch_create and _delete. */
OG_API og_status og_session_branches(og_session *session, const og_call_opts *opts, og_branch_list **out,
                                     og_error *err);

/* A new branch at the newest commit of `from` (NULL: main).  Nothing is copied.  OG_EEXISTS: there is one of that name;
 * OG_EINVALID: the name breaks a rule, which the text tells; OG_ENOTFOUND: no branch `from`; OG_EREADONLY, OG_EDENIED,
 * OG_EUNKNOWN. */
OG_API og_status og_session_branch_create(og_session *session, const char *name, const char *from,
                                          const og_call_opts *opts, og_error *err);

/* OG_ENOTFOUND; OG_EINVALID: main; OG_ECONFLICT: other branches were made from it; OG_EREADONLY, OG_EDENIED,
 * OG_EUNKNOWN. */
OG_API og_status og_session_branch_delete(og_session *session, const char *name, const og_call_opts *opts,
                                          og_error *err);

typedef struct og_commit_item {
  const char *id;            /* 26 characters */
  const char *branch;        /* "main", … */
  const char *parent;        /* NULL: the first */
  const char *merged_parent; /* NULL: no merge */
  const char *actor;         /* NULL: nobody in particular */
  uint64_t manifest_version;
  int64_t created_us; /* microseconds since 1970, UTC, by the writer's clock */
} og_commit_item;

typedef struct og_commit_list {
  size_t count;
  const og_commit_item *items; /* newest first */
} og_commit_list;
OG_API void og_commit_list_free(og_commit_list *list);

/* The history of a branch, what it inherited included.  OG_ENOTFOUND: no such branch. */
OG_API og_status og_session_commits(og_session *session, const og_call_opts *opts, og_commit_list **out, og_error *err);

/* One commit, on whichever branch it is: a list of one.  OG_ENOTFOUND; OG_EINVALID: `id` is no commit id. */
OG_API og_status og_session_commit(og_session *session, const char *id, const og_call_opts *opts, og_commit_list **out,
                                   og_error *err);

#ifdef __cplusplus
}
#endif
