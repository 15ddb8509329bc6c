/* SPDX-License-Identifier: MIT */
/* arrow/json.h -- column values as JSON: dates and times as text, non-finite floats as strings, lists as arrays, bytes
 * as "base64:…", 64-bit integers as native numbers. */
#pragma once

#include "arrow/column.h"
#include "base/json.h"

/* Writes value i of `c`. */
OG_MUST_USE og_status og_column_json(og_ctx *cx, og_json_writer *w, const og_column *c, int64_t i);
