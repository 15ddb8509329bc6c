/* SPDX-License-Identifier: MIT */
/* write/ahead.h -- the records of an NDJSON input, read and parsed ahead of their use on a task of their own.
 *
 * Thread rule: one thread; the task is joined by next and close.
 */
#pragma once

#include "base/ctx.h"
#include "base/env.h"
#include "base/json.h"

typedef struct og_ahead og_ahead;

typedef struct og_ahead_record {
  const og_json *json; /* NULL: the input is over; valid until the next call */
  uint64_t line;       /* from 1; lines of white space have no record but count */
} og_ahead_record;

/* `file` is borrowed and read from its start to `size`; NULL: the input is `bytes`, borrowed too. */
OG_MUST_USE og_status og_ahead_open(og_ctx *cx, og_file *file, uint64_t size, og_str bytes, og_ahead **out);
/* The next record.  A line that is too long or no JSON fails with out->line set, after all records before it. */
OG_MUST_USE og_status og_ahead_next(og_ctx *cx, og_ahead *a, og_ahead_record *out);
/* Bytes of the input behind the records given out so far, about. */
uint64_t og_ahead_done(const og_ahead *a);
void og_ahead_close(og_ctx *cx, og_ahead *a); /* NULL is fine */
