/* SPDX-License-Identifier: MIT */
/* db/public.h -- what the files that implement include/omnigraph/ share: a call from outside, begun and ended. */
#pragma once

#include "db/db.h"

#include <omnigraph/omnigraph.h>

struct og_cancel {
  _Atomic bool raised;
};

struct og_session {
  og_mem *mem; /* its own account, which outlives it when results do */
  og_runtime rt;
  og_db *db;
  char *uri;
};

struct og_pin {
  og_snapshot *snapshot; /* one reference */
  char commit[OG_ULID_LEN + 1];
};

/* One call: a context whose errors go to the caller, and an arena for what dies with it.  Must not move. */
typedef struct og_call {
  og_ctx cx;
  og_error own; /* when the caller wants none */
  og_arena scratch;
} og_call;

/* Begins a call that charges `mem` and knows no session: no clock, no files. */
og_ctx *og_db__call_bare(og_call *c, og_mem *mem, og_runtime *rt, og_error *err);
/* Begins a call on a session. */
og_ctx *og_db__call_begin(og_call *c, og_session *s, og_error *err);
/* From now on the call can be cancelled and times out. */
void og_db__call_bound(og_call *c, uint64_t timeout_ms, const og_cancel *cancel);
/* Frees the scratch; returns `st`. */
og_status og_db__call_end(og_call *c, og_status st);

/* Copies the caller's options over the defaults in `opts`, of which we know `known` bytes.  OG_EINVALID when the
 * caller's `size` cannot be. */
OG_MUST_USE og_status og_db__opts_take(og_ctx *cx, void *opts, size_t known, const void *given);
/* Checks that a string is UTF-8; NULL gives an empty one.  `what` names it in messages. */
OG_MUST_USE og_status og_db__text_take(og_ctx *cx, const char *given, const char *what, og_str *out);
/* The same for one that must be given. */
OG_MUST_USE og_status og_db__text_need(og_ctx *cx, const char *given, const char *what, og_str *out);

/* A copy with a NUL behind it, in arena `a`; NULL for an empty one when `or_null`. */
OG_MUST_USE og_status og_db__text_give(og_ctx *cx, og_arena *a, og_str s, bool or_null, const char **out);
/* Takes the bytes of `buf`. */
OG_MUST_USE og_status og_db__text_new(og_ctx *cx, og_buf *buf, og_text **out);

/* Takes the strings of a query's or mutation's options. */
OG_MUST_USE og_status og_db__query_args(og_ctx *cx, const char *source, const og_query_opts *o, og_db_query_args *out);

/* An og_result of the API, with what is in `r`, which is empty then. */
OG_MUST_USE og_status og_db__answer_new(og_ctx *cx, og_result *r, og_result **out);
/* The account of one, alive as long as it is. */
og_mem *og_db__answer_mem(const og_result *result);
/* A stream over the columns of a result. */
OG_MUST_USE og_status og_db__stream_new(og_ctx *cx, const og_result *result, struct ArrowArrayStream *out);
/* A cursor over a result, which is empty then. */
OG_MUST_USE og_status og_db__cursor_new(og_ctx *cx, og_result *r, og_cursor **out);
void og_db__give_commit(const og_commit *commit, og_receipt *out);

/* ---- lists: each lies in the arena that it owns, with its items and their strings; freeing it is freeing the arena.
 */

/* A zeroed list of `size` bytes in a new arena. */
void *og_db__list_new(og_ctx *cx, og_arena *a, size_t size);
/* Ends the making of a list: all is well and it owns its arena from now on (true), or everything goes. */
bool og_db__list_keep(og_status st, void *list, og_arena *a);
void og_db__list_free(void *list); /* NULL is fine */
