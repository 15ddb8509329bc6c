/* SPDX-License-Identifier: MIT */
/* base/error.h -- what went wrong, said once.
 *
 * Fallible functions return og_status and take the context, whose og_error receives the text.  Raise with og_fail,
 * add a cause only where you know something new with OG_TRY_NOTE, and never log *and* return.  The text needs no
 * allocation, so running out of memory can be reported.  What the interface promises in structured form (conflicts,
 * limits, source positions) hangs on the error as a typed detail.
 * Thread rule: an og_error belongs to one context; workers own child contexts.
 */
#pragma once

#include "base/status.h"
#include "base/str.h"

#include <omnigraph/error.h> /* og_error, og_detail: what a caller of the C API gets is what we fill */

#include <stdarg.h>

typedef struct og_ctx og_ctx;

/* Raises: fills the context's error (replacing an older one) and returns `st`. */
#ifdef __clang_analyzer__ /* it does not see that og_fail_at returns what it was given */
#define og_fail(cx, st, ...) (og_fail_at((cx), (st), __FILE__, __LINE__, __VA_ARGS__), (st))
#else
#define og_fail(cx, st, ...) og_fail_at((cx), (st), __FILE__, __LINE__, __VA_ARGS__)
#endif
og_status og_fail_at(og_ctx *cx, og_status st, const char *file, int line, const char *fmt, ...) OG_PRINTF(5, 6);

/* Appends "\n  while ..." to the current error; returns `st` unchanged. */
og_status og_note(og_ctx *cx, og_status st, const char *fmt, ...) OG_PRINTF(3, 4);

/* The context's detail, zeroed and with `kind` set, for the caller to fill right after og_fail. */
og_detail *og_error_detail(og_ctx *cx, og_detail_kind kind);
/* Copies `s` into one of og_detail's fixed fields, cutting at a UTF-8 boundary. */
void og_detail_set(char *field, size_t size, og_str s);

/* Forgets the current error (a failure was handled). */
void og_error_clear(og_ctx *cx);

#define OG_TRY(expr)                                                                                                   \
  do {                                                                                                                 \
    og_status st_ = (expr);                                                                                            \
    if (OG_UNLIKELY(st_ != OG_OK)) return st_;                                                                         \
  } while (0)
#define OG_TRY_NOTE(cx, expr, ...)                                                                                     \
  do {                                                                                                                 \
    og_status st_ = (expr);                                                                                            \
    if (OG_UNLIKELY(st_ != OG_OK)) return og_note((cx), st_, __VA_ARGS__);                                             \
  } while (0)

/* OG_ASSERT: a caller's bug, debug builds only.  OG_INVARIANT: always on, cheap, before bytes become durable.
 * Anything read from disk, network or user is an error status, never one of these. */
OG_NORETURN void og_assert_failed(const char *expr, const char *file, int line);
#ifdef NDEBUG
#define OG_ASSERT(x) ((void)0)
#else
#define OG_ASSERT(x) ((x) ? (void)0 : og_assert_failed(#x, __FILE__, __LINE__))
#endif
#define OG_INVARIANT(x) ((x) ? (void)0 : og_assert_failed(#x, __FILE__, __LINE__))
