/* SPDX-License-Identifier: MIT */
/* history/token.h -- positions in history that clients keep: opaque texts, and what they are bound to.
 *
 * A token is base64url(JSON, SHA-256 of that JSON), at most OG_TOKEN_CHARS characters.  It is no secret and no
 * permission; the hash catches what was cut, edited, or is no token at all.
 */
#pragma once

#include "history/changes.h"

#define OG_TOKEN_CHARS 4096

typedef enum og_token_kind {
  OG_TOKEN_COMMIT_PAGE, /* the next page of one commit's changes */
  OG_TOKEN_FEED_CURSOR, /* durable: the feed goes on behind `position` */
  OG_TOKEN_FEED_PAGE    /* within one poll */
} og_token_kind;

typedef struct og_token {
  og_token_kind kind;
  /* What it is bound to: hex digests. */
  char graph[64];        /* the graph's identity domain */
  char branch[64];       /* name and incarnation of the branch */
  char filter[64];       /* what was asked for */
  og_ulid position;      /* the commit whose changes were all given; of COMMIT_PAGE: the commit itself */
  og_ulid cut;           /* FEED_PAGE: the head when the poll began */
  og_change_place place; /* the pages: behind this change of the commit after `position`, or of the commit itself; of
                          * FEED_PAGE also empty: behind `position` */
} og_token;

/* Fills the three bindings for a state and a filter. */
OG_MUST_USE og_status og_token_bind(og_ctx *cx, const og_snapshot *s, const og_change_filter *f, og_token *out);
/* *out in cx->arena. */
OG_MUST_USE og_status og_token_encode(og_ctx *cx, const og_token *t, og_str *out);
/* OG_EINVALID "change cursor rejected: …" when it is no token of this kind, or bound to something else than `bound`. */
OG_MUST_USE og_status og_token_decode(og_ctx *cx, og_str text, const og_token *bound, og_token *out);
/* The place of a change, its id shortened when it is long; in cx->arena. */
OG_MUST_USE og_status og_token_place(og_ctx *cx, const og_change *c, og_change_place *out);
