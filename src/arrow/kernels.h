/* SPDX-License-Identifier: MIT */
/* arrow/kernels.h -- loops over columns.  One const table, scalar entries complete; instruction-set files override
 * entries, with the same results to the last bit.  Selections are ascending u32 row numbers.
 */
#pragma once

#include "arrow/column.h"
#include "base/cpu.h"

typedef enum og_cmp_op { OG_CMP_EQ, OG_CMP_NE, OG_CMP_LT, OG_CMP_LE, OG_CMP_GT, OG_CMP_GE } og_cmp_op;

/* One value, for comparisons against columns and for literals and parameters. */
typedef struct og_scalar {
  og_type type;
  bool is_null;
  union {
    bool b;
    int64_t i;  /* signed integers, dates, times */
    uint64_t u; /* unsigned integers */
    double f;   /* F32 is widened */
    og_str s;
    og_column *list; /* lists: the items, borrowed */
  } v;
} og_scalar;

/* Row i as a scalar; strings are borrowed from the column.  Not for lists and structs. */
og_scalar og_scalar_at(const og_column *c, int64_t i);

/* Exact comparison by value across numeric kinds (a fraction never equals an integer; u64 against negative i64 is
 * right; NaN equals itself and sorts last); strings by bytes; bool false < true; date32, date64 and timestamps each
 * among themselves (timestamps of any two units, both with or both without zone); lists of one item type item by item.
 * Not for nulls.  False when the two kinds cannot be compared. */
bool og_scalar_cmp(const og_scalar *a, const og_scalar *b, int *out);
uint64_t og_scalar_hash(const og_scalar *a, uint64_t seed); /* equal by og_scalar_cmp: equal hash */

typedef struct og_kernels {
  const char *name;
  /* Rows among sel_in[0..n) (NULL: rows 0..n) whose value compares true with a non-null rhs, as og_scalar_cmp says;
   * nulls never do, and nothing does when the kinds cannot be compared.  sel_out has room for n and may be sel_in;
   * returns how many. */
  size_t (*select_cmp)(const og_column *c, og_cmp_op op, const og_scalar *rhs, const uint32_t *sel_in, size_t n,
                       uint32_t *sel_out);
  /* The same, column against column, row by row. */
  size_t (*select_cmp_columns)(const og_column *a, og_cmp_op op, const og_column *b, const uint32_t *sel_in, size_t n,
                               uint32_t *sel_out);
  /* out[i] = hash of row i combined into out[i] (start with a seed); consistent with og_column_value_eq. */
  void (*hash)(const og_column *c, int64_t n, uint64_t *out);
  /* out[i] = squared Euclidean distance of q and vector i; vectors of `dim` floats lie one behind the other.  Summed in
   * single precision, in one order whatever the table: element j into sum j mod 16, then the sums by halves. */
  void (*l2)(const float *q, const float *vectors, size_t n, size_t dim, float *out);
} og_kernels;

extern const og_kernels og_kernels_scalar;
#if defined(__x86_64__)
extern const og_kernels og_kernels_avx2; /* only where the processor has it */
#endif
/* The best table for this processor. */
const og_kernels *og_kernels_for(og_cpu cpu);

/* Rows with a string containing / starting with `needle`. */
size_t og_select_contains(const og_column *c, og_str needle, const uint32_t *sel_in, size_t n, uint32_t *sel_out);
size_t og_select_starts_with(const og_column *c, og_str prefix, const uint32_t *sel_in, size_t n, uint32_t *sel_out);
