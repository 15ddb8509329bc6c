/* SPDX-License-Identifier: MIT */
/* db/export_order.h -- rows in the order of their ids. */
#pragma once

#include "arrow/column.h"

/* Sorts rows by their texts in `ids`, bytewise; of equal texts the row that stood first stays first. */
OG_MUST_USE og_status og_export__order(og_ctx *cx, const og_column *ids, uint64_t *rows, size_t n);
