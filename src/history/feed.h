/* SPDX-License-Identifier: MIT */
/* history/feed.h -- what happened, commit by commit: the changes of one, and the feed of a branch.
 *
 * Thread rule: any thread.  What results point at lives in cx->arena.
 */
#pragma once

#include "history/changes.h"

#define OG_PAGE_CHANGES     1000u /* of a page, unless asked otherwise */
#define OG_PAGE_CHANGES_MAX 8192u
#define OG_PAGE_BYTES       (4u << 20) /* of the images of a page; a single larger change goes alone */
#define OG_POLL_COMMITS     128u
#define OG_POLL_COMMITS_MAX 512u

typedef struct og_page_opts {
  bool has_limit, has_commits;
  uint64_t limit;   /* changes */
  uint64_t commits; /* feed only */
} og_page_opts;

/* One commit and its changes, or those of them that a page has. */
typedef struct og_change_block {
  og_commit cause;
  og_change *changes;
  size_t n_changes;
} og_change_block;

typedef struct og_commit_ask {
  og_ulid commit;
  og_change_filter filter;
  og_page_opts opts;
  og_str page_token; /* ptr NULL: the first page */
} og_commit_ask;

/* The exact changes of a commit against its first parent, a page of them.  *next: where the next page begins; ptr NULL:
 * this was the last.  OG_ENOTFOUND; OG_ECONFLICT with OG_DETAIL_DIFF_REFUSAL (parentless_commit, schema_boundary);
 * OG_EGONE when cleanup reclaimed one of the two states. */
OG_MUST_USE og_status og_commit_changes(og_ctx *cx, og_graph *g, const og_commit_ask *ask, og_change_block *out,
                                        og_str *next);

typedef struct og_feed_poll {
  og_str branch;
  og_str start;      /* "now", "beginning" (behind the first commit), "after:<commit>"; empty: one of the next two */
  og_str cursor;     /* of an earlier poll */
  og_str page_token; /* of this poll's last page */
  og_change_filter filter;
  og_page_opts opts;
} og_feed_poll;

typedef struct og_feed_page {
  og_change_block *blocks; /* oldest first; the first may go on where the last page stopped */
  size_t n_blocks;
  og_str next_page_token; /* the poll goes on there; ptr NULL: it is over, and */
  og_str cursor;          /* this is where the next one begins */
  bool caught_up;         /* with the head that was captured when the poll began */
  bool blocked;           /* the next commit cannot be told: the next poll will say why */
} og_feed_page;

/* A page of what a branch went through since a position: at least once, in the order of first parents.  A merge is one
 * block.  OG_EINVALID "change cursor rejected: …".  OG_EGONE with OG_DETAIL_FEED_GAP: the first commit can no longer be
 * read; out->cursor is where the poll began.  A commit further on that cannot be read, or is a schema boundary, ends
 * the poll before it. */
OG_MUST_USE og_status og_feed_read(og_ctx *cx, og_graph *g, const og_feed_poll *poll, og_feed_page *out);

/* The cursor behind the head of a state: what a baseline of it hands over to the feed. */
OG_MUST_USE og_status og_feed_cursor(og_ctx *cx, const og_snapshot *s, const og_change_filter *filter, og_str *out);
