/* SPDX-License-Identifier: MIT */
/* Branches and commits. */
#include "call.h"

static void branching(og_session *s)
{
  og_branch_list *branches;
  og_call_opts opts;
  CHECK_OK(og_session_branch_create(s, "review", NULL, NULL, &err));
  CHECK_OK(og_session_branch_create(s, "trial", "review", NULL, &err));
  CHECK_IS(og_session_branch_create(s, "review", "main", NULL, &err), OG_EEXISTS);
  CHECK_IS(og_session_branch_create(s, "x", "nowhere", NULL, &err), OG_ENOTFOUND);
  CHECK_IS(og_session_branch_create(s, "a//b", NULL, NULL, &err), OG_EINVALID);
  CHECK_IS(og_session_branch_create(s, NULL, NULL, NULL, &err), OG_EINVALID);
  og_call_opts_init(&opts);
  opts.actor = "carol";
  CHECK_OK(og_session_branches(s, &opts, &branches, &err));
  CHECK(branches->count == 3);
  CHECK_TEXT(branches->items[0].name, "main");
  CHECK(branches->items[0].parent == NULL);
  CHECK_TEXT(branches->items[1].name, "review");
  CHECK_TEXT(branches->items[1].parent, "main");
  CHECK_TEXT(branches->items[2].name, "trial");
  CHECK_TEXT(branches->items[2].parent, "review");
  og_branch_list_free(branches);
  og_branch_list_free(NULL);
  opts.branch = "review";
  branches = NULL;
  CHECK_IS(og_session_branches(s, &opts, &branches, &err), OG_EINVALID);
  CHECK(branches == NULL);
}

static void deleting(og_session *s)
{
  og_call_opts opts;
  og_text *text = NULL;
  og_call_opts_init(&opts);
  opts.branch = "review";
  CHECK_IS(og_session_branch_delete(s, "review", NULL, &err), OG_ECONFLICT); /* trial stands on it */
  CHECK_OK(og_session_branch_delete(s, "trial", NULL, &err));
  CHECK_OK(og_session_branch_delete(s, "review", NULL, &err));
  CHECK_IS(og_session_branch_delete(s, "review", NULL, &err), OG_ENOTFOUND);
  CHECK_IS(og_session_branch_delete(s, "main", NULL, &err), OG_EINVALID);
  CHECK_IS(og_session_schema(s, &opts, &text, &err), OG_ENOTFOUND);
}

/* A commit on the branch, which main does not see. */
static void committing(og_session *s)
{
  og_call_opts here;
  og_query_opts opts;
  og_receipt receipt;
  og_commit_list *commits, *one, *mains;
  og_query_opts_init(&opts);
  opts.branch = "review";
  opts.actor = "carol";
  CHECK_OK(og_session_mutate(s, "query add() { insert Person { name: \"eve\" } }", &opts, &receipt, &err));
  CHECK_QUERY(s, ALL_NAMES, &opts, "[{\"name\":\"ada\"},{\"name\":\"bob\"},{\"name\":\"eve\"}]");
  CHECK_QUERY(s, ALL_NAMES, NULL, "[{\"name\":\"ada\"},{\"name\":\"bob\"}]");

  og_call_opts_init(&here);
  here.branch = "review";
  CHECK_OK(og_session_commits(s, &here, &commits, &err));
  CHECK_OK(og_session_commits(s, NULL, &mains, &err));
  CHECK(mains->count == 2 && commits->count == 3); /* made, loaded, and eve */
  CHECK_TEXT(commits->items[0].id, receipt.commit);
  CHECK_TEXT(commits->items[0].actor, "carol");
  CHECK_TEXT(commits->items[0].branch, "review");
  CHECK_TEXT(commits->items[0].parent, mains->items[0].id);
  CHECK(commits->items[0].merged_parent == NULL && commits->items[0].created_us > 0);
  CHECK_TEXT(commits->items[1].id, mains->items[0].id);
  CHECK_TEXT(mains->items[0].branch, "main");
  CHECK(mains->items[0].actor == NULL && mains->items[1].parent == NULL);

  CHECK_OK(og_session_commit(s, receipt.commit, NULL, &one, &err)); /* found wherever it is */
  CHECK(one->count == 1 && one->items[0].manifest_version == commits->items[0].manifest_version);
  CHECK_TEXT(one->items[0].id, receipt.commit);
  og_commit_list_free(one);
  one = NULL;
  CHECK_IS(og_session_commit(s, "01J00000000000000000000000", NULL, &one, &err), OG_ENOTFOUND);
  CHECK_IS(og_session_commit(s, "yesterday", NULL, &one, &err), OG_EINVALID);
  CHECK(one == NULL);
  og_commit_list_free(mains);
  og_commit_list_free(commits);
  og_commit_list_free(NULL);
}

int main(void)
{
  og_session *s;
  enter_work_dir();
  s = people();
  branching(s);
  committing(s);
  deleting(s);
  og_session_close(s);
  return 0;
}
