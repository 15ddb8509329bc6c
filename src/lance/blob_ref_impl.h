/* SPDX-License-Identifier: MIT */
/* lance/blob_ref_impl.h -- references as this room's files see them. */
#pragma once

#include "lance/blob.h"

enum {
  OG_LANCE__REF_BYTES,      /* the bytes */
  OG_LANCE__REF_DESCRIPTOR, /* a descriptor that is true anywhere: of a blob outside */
  OG_LANCE__REF_HERE,       /* a descriptor without a URI, and the key of the only data file where it is true */
  OG_LANCE__REF_COPY        /* u64 position, u64 size, key of the object of the table's store */
};

typedef struct og_lance__ref {
  uint8_t tag;
  og_str text;                     /* the bytes, or the key */
  og_lance__descriptor descriptor; /* of DESCRIPTOR and HERE */
  uint64_t off, size;              /* of COPY */
} og_lance__ref;
OG_MUST_USE og_status og_lance__ref_parse(og_ctx *cx, og_str ref, og_lance__ref *out);
/* Of a blob that is in the data file at `key` already, or beside it. */
OG_MUST_USE og_status og_lance__ref_here(og_ctx *cx, const og_lance__descriptor *d, og_str key, og_buf *out);
