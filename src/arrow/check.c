/* SPDX-License-Identifier: MIT */
/* arrow/check.c -- does a column from outside keep the promises of column.h?
 *
 * What is checked here is what code relies on for memory safety and for text: after it, no accessor
 * reads outside a buffer whose size the maker of the column vouched for.
 */
#include "arrow/column_impl.h"

static og_status check_validity(og_ctx *cx, const og_column *c, og_status st)
{
  if (c->type.id == OG_TYPE_NULL) {
    if (c->nulls == c->len && !c->validity) return OG_OK;
    return og_fail(cx, st, "null column claims values");
  }
  if (!c->validity) {
    if (c->nulls == 0) return OG_OK;
    return og_fail(cx, st, "column of type %s has %lld nulls but no bitmap", og_type_name(c->type),
                   (long long)c->nulls);
  }
  int64_t nulls = c->len - og_bits_count(c->validity, 0, c->len);
  if (nulls == c->nulls && nulls > 0) return OG_OK;
  return og_fail(cx, st, "column of type %s claims %lld nulls, its bitmap has %lld", og_type_name(c->type),
                 (long long)c->nulls, (long long)nulls);
}

/* Offsets start at 0, never fall, and end within `limit`. */
static og_status check_offsets(og_ctx *cx, const og_column *c, int64_t limit, og_status st)
{
  int64_t at = og_column__offset(c, 0);
  if (at != 0)
    return og_fail(cx, st, "offsets of a %s column start at %lld, not 0", og_type_name(c->type), (long long)at);
  for (int64_t i = 1; i <= c->len; i++) {
    int64_t next = og_column__offset(c, i);
    if (OG_UNLIKELY(next < at))
      return og_fail(cx, st, "offsets of a %s column fall at row %lld", og_type_name(c->type), (long long)(i - 1));
    at = next;
  }
  if (at > limit)
    return og_fail(cx, st, "offsets of a %s column end at %lld, beyond its %lld %s", og_type_name(c->type),
                   (long long)at, (long long)limit, og_type_is_varbin(c->type.id) ? "bytes" : "items");
  return OG_OK;
}

/* The bytes are well-formed as a whole, and no value begins inside a character. */
static og_status check_text(og_ctx *cx, const og_column *c, og_status st)
{
  og_str all = og_str_from(c->data[1], (size_t)og_column__offset(c, c->len));
  size_t bad = og_utf8_check(all);
  for (int64_t i = 0; i < c->len; i++) {
    size_t from = (size_t)og_column__offset(c, i), to = (size_t)og_column__offset(c, i + 1);
    bool inside = from < to && ((unsigned char)all.ptr[from] & 0xc0) == 0x80;
    if (OG_UNLIKELY(inside || (bad >= from && bad < to)))
      return og_fail(cx, st, "string in row %lld is not UTF-8", (long long)i);
  }
  return OG_OK;
}

static og_status check_varbin(og_ctx *cx, const og_column *c, og_status st)
{
  if (c->bytes_len > INT64_MAX || (c->bytes_len && !c->data[1]))
    return og_fail(cx, st, "column of type %s has no bytes", og_type_name(c->type));
  OG_TRY(check_offsets(cx, c, (int64_t)c->bytes_len, st));
  return og_type_is_string(c->type.id) ? check_text(cx, c, st) : OG_OK;
}

static og_status check_children(og_ctx *cx, const og_column *c, og_status st)
{
  int64_t rows = c->len;
  if (c->type.id != OG_TYPE_STRUCT && c->n_children != 1)
    return og_fail(cx, st, "a %s column has %u children, not 1", og_type_name(c->type), c->n_children);
  for (uint32_t i = 0; i < c->n_children; i++) {
    if (!c->children[i]) return og_fail(cx, st, "child %u of a column is missing", i);
    OG_TRY(og_column_check(cx, c->children[i], st));
  }
  if (og_type_has_offsets(c->type.id)) return check_offsets(cx, c, c->children[0]->len, st);
  if (c->type.id == OG_TYPE_FIXED_LIST && (c->type.size < 1 || OG_MUL_OVERFLOWS(rows, (int64_t)c->type.size, &rows)))
    return og_fail(cx, st, "%lld lists of %d items do not fit", (long long)c->len, c->type.size);
  for (uint32_t i = 0; i < c->n_children; i++)
    if (c->children[i]->len != rows)
      return og_fail(cx, st, "child %u of a %s column has %lld rows, expected %lld", i, og_type_name(c->type),
                     (long long)c->children[i]->len, (long long)rows);
  return OG_OK;
}

og_status og_column_check(og_ctx *cx, const og_column *c, og_status st)
{
  bool has_data = c->type.id == OG_TYPE_BOOL || og_type_width(c->type.id) || og_type_has_offsets(c->type.id);
  if (c->len < 0) return og_fail(cx, st, "column of %lld rows", (long long)c->len);
  OG_TRY(check_validity(cx, c, st));
  if (has_data && !c->data[0]) return og_fail(cx, st, "column of type %s has no data buffer", og_type_name(c->type));
  if (og_type_is_varbin(c->type.id)) return check_varbin(cx, c, st);
  if (og_type_is_nested(c->type.id)) return check_children(cx, c, st);
  return c->n_children == 0 ? OG_OK : og_fail(cx, st, "a %s column cannot have children", og_type_name(c->type));
}
