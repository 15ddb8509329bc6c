/* SPDX-License-Identifier: MIT */
/* lance/blob.h -- Lance blobs: values that lie apart from their column.
 *
 * Private to the room; blob_ref.h is for those above.  The column holds descriptors:
 *
 *   u8 kind, u64 position, u64 size, u32 number, u32 length and bytes of a URI
 *
 *   kind  the bytes are                                             position  number
 *   0     in the data file itself                                   in it     0
 *   1     among others in a file beside it (a pack)                 in it     of the file
 *   2     a file beside it                                          0         of the file
 *   3     behind the URI: position 0 and size 0 are all of it       in it     0, or the base path that the URI is
 *                                                                             relative to
 *
 * "Beside" a data file x.lance is the folder x, where a blob file is named by the 32 bits of its number, lowest first,
 * and ".blob".  An empty value has size 0; a null one has no descriptor.  Bytes in the data file begin at a multiple of
 * 64.  Source: files written by Lance 10 and 14.
 */
#pragma once

#include "base/vec.h"
#include "lance/blob_ref.h"
#include "lance/enc.h"
#include "lance/file.h"
#include "lance/manifest.h"
#include "store/store.h"

#define OG_LANCE__BLOB_BYTES 25u /* a descriptor without a URI */

enum { OG_LANCE__BLOB_IN_FILE, OG_LANCE__BLOB_PACKED, OG_LANCE__BLOB_DEDICATED, OG_LANCE__BLOB_EXTERNAL };

typedef struct og_lance__descriptor {
  uint8_t kind;
  uint64_t position, size;
  uint32_t number;
  og_str uri; /* borrowed */
} og_lance__descriptor;

/* How descriptors lie in a page. */
extern const og_lance__enc og_lance__blob_enc;
OG_MUST_USE og_status og_lance__blob_encoding_check(og_ctx *cx, const og_lance__enc *e);
OG_MUST_USE og_status og_lance__descriptor_parse(og_ctx *cx, og_str bytes, og_lance__descriptor *out);
OG_MUST_USE og_status og_lance__descriptor_put(og_ctx *cx, const og_lance__descriptor *d, og_buf *out);
/* Key of a blob file beside the data file at `key`, in `a`. */
OG_MUST_USE og_status og_lance__blob_key(og_ctx *cx, og_arena *a, og_str key, uint32_t number, og_str *out);

/* ---- reading */

/* Where the bytes of a descriptor lie, of a column at `ref` of the data file at `key`. */
OG_MUST_USE og_status og_lance__blob_find(og_ctx *cx, og_store *store, og_str key, const og_lance_column_ref *ref,
                                          og_str descriptor, og_lance_blob *out);
/* The bytes that a column of descriptors names. */
OG_MUST_USE og_status og_lance__blobs_fetch(og_ctx *cx, og_store *store, og_str key, const og_lance_column_ref *ref,
                                            const og_column *descriptors, og_column **out);
/* References instead: a column of binaries. */
OG_MUST_USE og_status og_lance__blobs_refer(og_ctx *cx, og_str key, const og_field *field, const og_column *descriptors,
                                            og_column **out);

/* What files do not know about the blobs outside that they name: the base paths of their table, and which folders may
 * be read. */
struct og_lance_outside {
  const og_base_path *bases; /* borrowed from the table's manifest */
  uint32_t n_bases;
  og_vec roots; /* og_store *: owned */
};
void og_lance__outside_cleanup(og_lance_outside *o);
/* The object that a URI names; `store` is borrowed.  OG_EDENIED: it is not in a folder that may be read. */
OG_MUST_USE og_status og_lance__outside_find(og_ctx *cx, const og_lance_outside *o, const og_lance__descriptor *d,
                                             og_store **store, og_str *key);

/* ---- writing */

/* The blobs of one data file being written.  Zeros: nothing open. */
typedef struct og_lance__blobs_out {
  og_arena *arena;
  og_store *store;
  og_str key;           /* of the data file */
  bool beside;          /* files beside it may be made; else all goes into it */
  uint32_t n_files;     /* made so far */
  og_vec keys;          /* og_str: theirs */
  og_store_writer *own; /* of the blob that comes, when it has a file of its own */
  og_store_writer *pack;
  uint64_t packed; /* bytes in `pack` */
  uint32_t own_number, pack_number;
} og_lance__blobs_out;

/* What a field asks for: blobs larger than `dedicated` get a file of their own, others larger than `in_file` are
 * packed, into files of about `pack` bytes. */
typedef struct og_lance__blob_sizes {
  uint64_t in_file, dedicated, pack;
} og_lance__blob_sizes;
void og_lance__blob_sizes_of(const og_field *field, og_lance__blob_sizes *out);

/* Of bytes that come piece by piece: where they will lie is decided on the way, with at most `dedicated` of them held.
 */
typedef struct og_lance__blob_coming {
  bool open;
  og_lance__blob_sizes sizes;
  og_buf held;
  uint64_t size;
} og_lance__blob_coming;
/* Takes `bytes` in; *held false: they were written already. */
OG_MUST_USE og_status og_lance__blobs_append(og_ctx *cx, og_lance__blobs_out *o, og_lance__blob_coming *b,
                                             og_str bytes);
/* *in_file: what is held must go into the data file; the caller does it and fills the position in. */
OG_MUST_USE og_status og_lance__blobs_end(og_ctx *cx, og_lance__blobs_out *o, og_lance__blob_coming *b,
                                          og_lance__descriptor *out, bool *in_file);
/* Bytes that are all there. */
OG_MUST_USE og_status og_lance__blobs_put(og_ctx *cx, og_lance__blobs_out *o, const og_lance__blob_sizes *sizes,
                                          og_str bytes, og_lance__descriptor *out, bool *in_file);
OG_MUST_USE og_status og_lance__blobs_finish(og_ctx *cx, og_lance__blobs_out *o);
void og_lance__blobs_cleanup(og_ctx *cx, og_lance__blobs_out *o); /* what is not finished is given up */
