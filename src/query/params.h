/* SPDX-License-Identifier: MIT */
/* query/params.h -- the values of a query's parameters, from a JSON object.
 *
 * Declared types drive the conversion; see the table in params.c.  Keys that are not declared may hold anything but
 * objects and change nothing.  A required parameter that is missing is refused before anything runs.
 */
#pragma once

#include "arrow/kernels.h"
#include "base/json.h"
#include "query/ast.h"

/* values[i] is the value of query->params[i]: of the declared type's column type, or null.  `json` empty: no values.
 * Everything is in `a`: lists and vectors are columns whose memory is the arena's, so they may be read but must not be
 * kept longer (take a copy).  OG_EINVALID "param 'x': …"; OG_ELIMIT. */
OG_MUST_USE og_status og_params_bind(og_ctx *cx, og_arena *a, const og_query *query, og_str json,
                                     const og_scalar **values);
/* One value, as the above has it.  `json` NULL: it is not given. */
OG_MUST_USE og_status og_params_bind_one(og_ctx *cx, og_arena *a, const og_param_decl *decl, const og_json *json,
                                         og_scalar *out);
