/* SPDX-License-Identifier: MIT */
/* base/json_where.h -- where a refused JSON text is wrong, inside base only.
 *
 * The fast reader says that a text is wrong, not where.  This slow one knows the same language and is asked only then.
 */
#pragma once

#include "base/str.h"

/* What is wrong first in `text` (a static phrase), with its byte offset in *offset; NULL when nothing is.  U+0000 in a
 * string is wrong here; nesting has no bound here. */
const char *og_json__where(og_str text, size_t *offset);
