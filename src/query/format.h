/* SPDX-License-Identifier: MIT */
/* query/format.h -- `.gq` and `.pg` texts in canonical form.
 *
 * The tokens stay as they are; white space between them, and commas where the grammar lets one leave them out, do not.
 * Comments are kept.  The rules are in format.c.
 */
#pragma once

#include "schema/catalog.h"

/* Appends the canonical form of `text` to `out`.  Formatting that again changes nothing, and both parse to the same.
 * `schema`: a `.pg` text.  OG_EINVALID and OG_ELIMIT as parsing it: what does not parse is not formatted. */
OG_MUST_USE og_status og_format(og_ctx *cx, og_str text, og_str file_name, bool schema, og_buf *out);
