/* SPDX-License-Identifier: MIT */
/* lance/transaction.c
 *
 *   Transaction  1 read_version, 2 uuid, then one of
 *     100 Append     1 fragments
 *     101 Delete     1 updated fragments, 2 deleted ids, 3 predicate
 *     102 Overwrite  1 fragments, 2 schema
 *     103 CreateIndex  1 new, 2 removed IndexMetadata
 *     108 Update     1 removed ids, 2 updated, 3 new fragments, 6 fields_for_preserving_frag_bitmap
 *     113 Clone      1 shallow, 2 source reference, 3 source version, 4 source path, 5 branch
 */
#include "lance/transaction.h"

static og_status put_fragments(og_ctx *cx, uint32_t num, const og_fragment *f, uint32_t n, bool as_new, og_buf *out)
{
  for (uint32_t i = 0; i < n; i++) {
    OG_AUTO(og_buf) b = {0};
    og_fragment copy = f[i];
    if (as_new) { /* ids are given out at commit */
      copy.id = 0;
      copy.ids = copy.created = copy.updated = (og_sequence_ref){0};
    }
    OG_TRY(og_fragment_encode(cx, &copy, &b));
    OG_TRY(og_pb_put_bytes(cx, out, num, og_buf_str(&b)));
  }
  return OG_OK;
}

static og_status put_ids(og_ctx *cx, uint32_t num, const uint64_t *ids, uint32_t n, og_buf *out)
{
  return n ? og_pb_put_packed(cx, out, num, ids, n) : OG_OK;
}

static og_status put_messages(og_ctx *cx, uint32_t num, const og_str *messages, uint32_t n, og_buf *out)
{
  for (uint32_t i = 0; i < n; i++) OG_TRY(og_pb_put_bytes(cx, out, num, messages[i]));
  return OG_OK;
}

static og_status put_operation(og_ctx *cx, const og_transaction *t, uint32_t *num, og_buf *out)
{
  switch (t->op) {
  case OG_LANCE_APPEND: *num = 100; return put_fragments(cx, 1, t->added, t->n_added, true, out);
  case OG_LANCE_DELETE:
    *num = 101;
    OG_TRY(put_fragments(cx, 1, t->updated, t->n_updated, false, out));
    OG_TRY(put_ids(cx, 2, t->removed, t->n_removed, out));
    return og_pb_put_str(cx, out, 3, OG_STR("id in (...)")); /* informational: which rows, is in the deletion files */
  case OG_LANCE_OVERWRITE:
    *num = 102;
    OG_TRY(put_fragments(cx, 1, t->added, t->n_added, true, out));
    return og_lance_fields_encode(cx, t->schema, 2, out);
  case OG_LANCE_INDEX:
    *num = 103;
    OG_TRY(put_messages(cx, 1, t->index_added, t->n_index_added, out));
    return put_messages(cx, 2, t->index_removed, t->n_index_removed, out);
  case OG_LANCE_CLONE:
    *num = 113;
    OG_TRY(og_pb_put_u64(cx, out, 1, 1));
    OG_TRY(og_pb_put_u64(cx, out, 3, t->clone_version));
    OG_TRY(og_pb_put_str(cx, out, 4, t->clone_path));
    return og_pb_put_str(cx, out, 5, t->clone_branch);
  case OG_LANCE_UPDATE:
    *num = 108;
    OG_TRY(put_ids(cx, 1, t->removed, t->n_removed, out));
    OG_TRY(put_fragments(cx, 2, t->updated, t->n_updated, false, out));
    return put_fragments(cx, 3, t->added, t->n_added, true, out);
  }
  return og_fail(cx, OG_EINTERNAL, "transaction of an unknown kind");
}

og_status og_transaction_encode(og_ctx *cx, const og_transaction *t, og_buf *out)
{
  OG_AUTO(og_buf) op = {0};
  uint32_t num = 0;
  OG_TRY(og_pb_put_u64(cx, out, 1, t->read_version));
  OG_TRY(og_pb_put_str(cx, out, 2, t->uuid));
  OG_TRY(put_operation(cx, t, &num, &op));
  return og_pb_put_bytes(cx, out, num, og_buf_str(&op));
}
