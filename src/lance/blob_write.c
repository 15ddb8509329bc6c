/* SPDX-License-Identifier: MIT */
/* lance/blob_write.c -- where the bytes of new blobs go.
 *
 *  (1) A small blob goes into the data file, a larger one among others into a pack beside it, a large one into a file
 * of its own; a field's metadata says from which sizes on. (2) Of a blob that comes piece by piece as much is held as
 * it takes to know: DEDICATED_BYTES at most. (3) Blob files are visible, and their keys known, before the data file
 * that names them is finished; they are made durable together with it.
 */
#include "base/ctx.h"
#include "lance/blob.h"

#define IN_FILE_BYTES   (64u << 10)
#define DEDICATED_BYTES (4u << 20)
#define PACK_BYTES      (1ull << 30)

static uint64_t wish(const og_field *f, const char *key, uint64_t otherwise)
{
  og_str value;
  uint64_t n;
  return og_field_meta(f, og_str_of(key), &value) && og_str_to_u64(value, &n) ? n : otherwise;
}

void og_lance__blob_sizes_of(const og_field *field, og_lance__blob_sizes *out)
{
  *out = (og_lance__blob_sizes){
      .in_file = wish(field, "lance-encoding:blob-inline-size-threshold", IN_FILE_BYTES),
      .dedicated = wish(field, "lance-encoding:blob-dedicated-size-threshold", DEDICATED_BYTES),
      .pack = wish(field, "lance-encoding:blob-pack-file-size-threshold", PACK_BYTES),
  };
  if (out->dedicated > DEDICATED_BYTES) out->dedicated = DEDICATED_BYTES;
}

static og_status open_beside(og_ctx *cx, og_lance__blobs_out *o, og_store_writer **out, uint32_t *number)
{
  og_str key;
  if (o->n_files == UINT32_MAX) return og_fail(cx, OG_ELIMIT, "a data file with more blob files than have numbers");
  OG_TRY(og_lance__blob_key(cx, o->arena, o->key, o->n_files + 1, &key));
  OG_TRY(og_store_writer_open(cx, o->store, key, out));
  *number = ++o->n_files;
  return og_vec_add(cx, &o->keys, &key);
}

static og_status close_beside(og_ctx *cx, og_lance__blobs_out *o, og_store_writer **w)
{
  og_store_writer *done = *w;
  *w = NULL;
  return done ? og_store_writer_finish(cx, o->store, done) : OG_OK;
}

static og_status put_packed(og_ctx *cx, og_lance__blobs_out *o, uint64_t most, og_str bytes, og_lance__descriptor *out)
{
  if (o->pack && o->packed + bytes.len > most) OG_TRY(close_beside(cx, o, &o->pack));
  if (!o->pack) {
    OG_TRY(open_beside(cx, o, &o->pack, &o->pack_number));
    o->packed = 0;
  }
  *out = (og_lance__descriptor){OG_LANCE__BLOB_PACKED, o->packed, bytes.len, o->pack_number, OG_STR_NONE};
  OG_TRY(og_store_writer_append(cx, o->store, o->pack, bytes));
  o->packed += bytes.len;
  return OG_OK;
}

static og_status put_dedicated(og_ctx *cx, og_lance__blobs_out *o, og_str bytes)
{
  if (!o->own) OG_TRY(open_beside(cx, o, &o->own, &o->own_number));
  return bytes.len ? og_store_writer_append(cx, o->store, o->own, bytes) : OG_OK;
}

static og_status end_dedicated(og_ctx *cx, og_lance__blobs_out *o, uint64_t size, og_lance__descriptor *out)
{
  *out = (og_lance__descriptor){OG_LANCE__BLOB_DEDICATED, 0, size, o->own_number, OG_STR_NONE};
  return close_beside(cx, o, &o->own);
}

og_status og_lance__blobs_put(og_ctx *cx, og_lance__blobs_out *o, const og_lance__blob_sizes *sizes, og_str bytes,
                              og_lance__descriptor *out, bool *in_file)
{
  *in_file = !o->beside || bytes.len == 0 || (bytes.len <= sizes->dedicated && bytes.len <= sizes->in_file);
  *out = (og_lance__descriptor){OG_LANCE__BLOB_IN_FILE, 0, bytes.len, 0, OG_STR_NONE};
  if (*in_file) return OG_OK;
  if (bytes.len <= sizes->dedicated) return put_packed(cx, o, sizes->pack, bytes, out);
  OG_TRY(put_dedicated(cx, o, bytes));
  return end_dedicated(cx, o, bytes.len, out);
}

og_status og_lance__blobs_append(og_ctx *cx, og_lance__blobs_out *o, og_lance__blob_coming *b, og_str bytes)
{
  b->size += bytes.len;
  if (b->size <= b->sizes.dedicated) return og_buf_append_str(cx, &b->held, bytes);
  OG_TRY(put_dedicated(cx, o, og_buf_str(&b->held)));
  og_buf_clear(&b->held);
  return put_dedicated(cx, o, bytes);
}

og_status og_lance__blobs_end(og_ctx *cx, og_lance__blobs_out *o, og_lance__blob_coming *b, og_lance__descriptor *out,
                              bool *in_file)
{
  *in_file = false;
  if (b->size > b->sizes.dedicated) return end_dedicated(cx, o, b->size, out);
  return og_lance__blobs_put(cx, o, &b->sizes, og_buf_str(&b->held), out, in_file);
}

og_status og_lance__blobs_finish(og_ctx *cx, og_lance__blobs_out *o)
{
  return close_beside(cx, o, &o->pack);
}

void og_lance__blobs_cleanup(og_ctx *cx, og_lance__blobs_out *o)
{
  if (o->own) og_store_writer_abort(cx, o->store, o->own);
  if (o->pack) og_store_writer_abort(cx, o->store, o->pack);
  og_vec_cleanup(&o->keys);
}
