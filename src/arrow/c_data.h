/* SPDX-License-Identifier: MIT */
/* arrow/c_data.h -- columns and schemas to and from the Arrow C data interface, whose structures are public. */
#pragma once

#include "arrow/column.h"

#include <omnigraph/arrow.h>

/* Exports hold references until the consumer releases them. */
OG_MUST_USE og_status og_arrow_export_field(og_ctx *cx, const og_field *f, struct ArrowSchema *out);
OG_MUST_USE og_status og_arrow_export_schema(og_ctx *cx, const og_schema *s, struct ArrowSchema *out);
OG_MUST_USE og_status og_arrow_export_column(og_ctx *cx, og_column *c, struct ArrowArray *out);
OG_MUST_USE og_status og_arrow_export_batch(og_ctx *cx, og_batch *b, struct ArrowArray *out);

/* Imports move: *in is released or owned afterwards, success or not.  Types outside og_type are OG_EUNSUPPORTED by
 * name; offsets are normalised by copying; every size is checked (OG_EINVALID). */
OG_MUST_USE og_status og_arrow_import_schema(og_ctx *cx, struct ArrowSchema *in, og_schema **out);
OG_MUST_USE og_status og_arrow_import_batch(og_ctx *cx, struct ArrowArray *in, og_schema *schema, og_batch **out);
