/* SPDX-License-Identifier: MIT */
/* write/value.h -- from JSON and literals to stored values, and the texts ids are made of. */
#pragma once

#include "arrow/builder.h"
#include "arrow/kernels.h"
#include "base/json.h"
#include "base/vec.h"
#include "schema/catalog.h"

/* One row of a type's table: a scalar per column (id, for edges src and dst, then properties). */

/* JSON to a value of the property's type, strictly (language, 3.2).  Lists are columns: one reference is handed to
 * `keep` (og_vec of og_column *), to be released by the caller.  OG_EINVALID: "Type.prop expects Int32, …". */
OG_MUST_USE og_status og_value_from_json(og_ctx *cx, const og_type_def *t, const og_property *p, const og_json *j,
                                         og_arena *a, og_vec *keep, og_scalar *out);
/* A scalar of any kind the checker lets through, as a value of the property's type.  The same errors. */
OG_MUST_USE og_status og_value_coerce(og_ctx *cx, const og_type_def *t, const og_property *p, const og_scalar *v,
                                      og_scalar *out);
/* Canonical text of a non-null scalar: what ids and unique tuples are made of (language, 3.3).  Appends. */
OG_MUST_USE og_status og_value_text(og_ctx *cx, const og_scalar *v, og_buf *out);
/* The derived id of a keyed node from its row. */
OG_MUST_USE og_status og_value_id(og_ctx *cx, const og_type_def *t, const og_scalar *row, og_arena *a, og_str *out);
/* Appends a value to a builder of its type; `list` values give their items. */
OG_MUST_USE og_status og_value_build(og_ctx *cx, og_builder *b, const og_scalar *v);
/* Value i of a column as a scalar; lists hand a slice to `keep`. */
OG_MUST_USE og_status og_value_at(og_ctx *cx, og_column *c, int64_t i, og_vec *keep, og_scalar *out);
