/* SPDX-License-Identifier: MIT */
/* print.h -- values as JSON on standard output.  Times are milliseconds, binaries arrays of bytes. */
#pragma once

#include "arrow/column.h"

void print_str(og_str s);
void print_value(const og_column *c, const og_field *f, int64_t i);
/* Row i of columns under `fields`, one line. */
void print_row(og_column *const *columns, const og_field *fields, uint32_t n, int64_t i);
