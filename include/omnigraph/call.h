/* SPDX-License-Identifier: MIT */
/* omnigraph/call.h -- the rules of this API, in all its headers; and cancelling.
 *
 * Strings.  What goes in is NUL-terminated UTF-8; NULL means "not given".  What comes out is NUL-terminated too (the
 * text of a graph cannot hold U+0000) and belongs to the object it is read from.
 *
 * Errors.  What can fail returns an og_status, takes an og_error as its last parameter (NULL: not wanted) and writes
 * its `out` only on success.  Any call may fail with OG_ENOMEM (no memory, or the budget is spent), OG_EIO and
 * OG_ECORRUPT (the store), OG_ECANCELLED and OG_EDEADLINE (the caller's), OG_EINVALID (an argument or option that makes
 * no sense); each function names the others.
 *
 * Ownership.  What a function gives back through `out` is the caller's, until its _free or _close (NULL is fine).  Such
 * objects, and Arrow data exported from them, do not need what they came from: it may be closed first.
 *
 * Options.  NULL: the defaults.  Otherwise call the struct's _init first, then set members: it writes `size`, by which
 * programs compiled against an older header keep working.
 *
 * Threads.  An og_session and an og_dataset may be used by any number of threads at once; nothing else may, unless
 * said, though it may pass from thread to thread.  Do not fork with one open and use it in the child.
 *
 * Manners.  The library keeps no global state, installs no signal handler, changes no locale and prints nothing.
 */
#pragma once

#include <omnigraph/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0": the library that runs; static text. */
OG_API const char *og_version(void);

/* A flag that makes the calls it was given to end soon with OG_ECANCELLED, before they have changed anything.  Once
 * raised it stays up.  It must outlive the calls. */
typedef struct og_cancel og_cancel;

/* OG_ENOMEM. */
OG_API og_status og_cancel_new(og_cancel **out, og_error *err);
/* From any thread, and from a signal handler. */
OG_API void og_cancel_raise(og_cancel *cancel);
OG_API void og_cancel_free(og_cancel *cancel);

/* Text of any length, NUL-terminated. */
typedef struct og_text {
  const char *data;
  size_t len; /* without the NUL */
} og_text;
OG_API void og_text_free(og_text *text);

#ifdef __cplusplus
}
#endif
