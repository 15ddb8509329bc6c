/* SPDX-License-Identifier: MIT */
/* random_columns.h -- columns of every shape a table may have, from a seed.
 *
 * The same seed makes the same rows.  Each field draws a manner of its values (constant, runs, few,
 * small, any, long) and a share of nulls for each of its levels, so that every encoding and layout
 * is met.
 */
#pragma once

#include "arrow/builder.h"

#include <stdint.h>

typedef struct og_dice {
  uint64_t state;
} og_dice;
uint64_t og_dice_next(og_dice *r);
uint64_t og_dice_below(og_dice *r, uint64_t n);

/* Fields of all shapes; n_fields of them.  Static memory. */
const og_field *og_random_fields(uint32_t *n_fields);
/* n rows of a field. */
OG_MUST_USE og_status og_random_column(og_ctx *cx, og_dice *r, const og_field *field, int64_t n,
                                       og_column **out);
