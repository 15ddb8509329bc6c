/* SPDX-License-Identifier: MIT */
/* arrow/c_data.h -- the Arrow C data and stream interfaces.
 *
 * https://arrow.apache.org/docs/format/CDataInterface.html, CStreamInterface.html.  The three structures are ABI and
 * are repeated in the public header.
 */
#pragma once

#include "arrow/column.h"

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE           2
#define ARROW_FLAG_MAP_KEYS_SORTED    4
struct ArrowSchema {
  const char *format;
  const char *name;
  const char *metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema **children;
  struct ArrowSchema *dictionary;
  void (*release)(struct ArrowSchema *);
  void *private_data;
};
struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void **buffers;
  struct ArrowArray **children;
  struct ArrowArray *dictionary;
  void (*release)(struct ArrowArray *);
  void *private_data;
};
#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
  int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
  int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
  const char *(*get_last_error)(struct ArrowArrayStream *);
  void (*release)(struct ArrowArrayStream *);
  void *private_data;
};
#endif

/* Exports hold references until the consumer releases them. */
OG_MUST_USE og_status og_arrow_export_field(og_ctx *cx, const og_field *f, struct ArrowSchema *out);
OG_MUST_USE og_status og_arrow_export_schema(og_ctx *cx, const og_schema *s, struct ArrowSchema *out);
OG_MUST_USE og_status og_arrow_export_column(og_ctx *cx, og_column *c, struct ArrowArray *out);
OG_MUST_USE og_status og_arrow_export_batch(og_ctx *cx, og_batch *b, struct ArrowArray *out);

/* Imports move: *in is released or owned afterwards, success or not.  Types outside og_type are OG_EUNSUPPORTED by
 * name; offsets are normalised by copying; every size is checked (OG_EINVALID). */
OG_MUST_USE og_status og_arrow_import_schema(og_ctx *cx, struct ArrowSchema *in, og_schema **out);
OG_MUST_USE og_status og_arrow_import_batch(og_ctx *cx, struct ArrowArray *in, og_schema *schema, og_batch **out);
