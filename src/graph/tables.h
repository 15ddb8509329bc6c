/* SPDX-License-Identifier: MIT */
/* graph/tables.h -- what the table of a type looks like. */
#pragma once

#include "arrow/type.h"
#include "schema/catalog.h"

/* Columns: nodes `id`, edges `id`, `src`, `dst`; then the properties in name order. */
#define OG_COLUMN_ID  0u
#define OG_COLUMN_SRC 1u
#define OG_COLUMN_DST 2u
static inline uint32_t og_type_first_property(const og_type_def *t)
{
  return t->is_edge ? 3 : 1;
}
/* Column of a constraint field or property index (OG_FIELD_…). */
static inline uint32_t og_type_column(const og_type_def *t, int32_t field)
{
  return field >= 0 ? og_type_first_property(t) + (uint32_t)field : (uint32_t)(-field - 1);
}

/* The Arrow type of a property; `item` receives the child field of lists and vectors. */
og_type og_prop_arrow_type(const og_prop_type *p, og_field *item);
/* Arrow schema of a type's table, field metadata included.  *out holds one reference. */
OG_MUST_USE og_status og_type_schema(og_ctx *cx, const og_type_def *t, og_schema **out);
