/* SPDX-License-Identifier: MIT */
/* base/source.h -- source texts and errors that point into them.
 *
 * A position error reads
 *
 *     parse error: expected '{' after the parameter list
 *      --> people.gq:3:14
 *       |
 *     3 | query friends($name: String
 *       |              ^
 *       = hint: close the parameter list with ')'
 *
 * and carries an OG_DETAIL_POSITION detail.
 */
#pragma once

#include "base/ctx.h"

typedef struct og_source {
  og_str text;
  og_str name; /* file name for messages; empty: "<input>" */
} og_source;

typedef struct og_span {
  uint32_t start, end; /* byte offsets, half open; a zero-width span is shown one wide */
} og_span;

/* 1-based line and column (in code points) of a byte offset. */
void og_source_position(const og_source *src, uint32_t offset, uint32_t *line, uint32_t *column);

/* Raises `st` with "<message>" (printf rules), position, source line, caret and, unless empty, the hint. */
og_status og_source_fail(og_ctx *cx, og_status st, const og_source *src, og_span at, og_str hint, const char *fmt, ...)
    OG_PRINTF(6, 7);
