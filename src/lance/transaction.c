/* SPDX-License-Identifier: MIT */
/* lance/transaction.c
 *
 *   Transaction  1 read_version, 2 uuid, then one of
 *     100 Append     1 fragments
 *     101 Delete     1 updated fragments, 2 deleted ids, 3 predicate
 *     102 Overwrite  1 fragments, 2 schema
 *     103 CreateIndex  1 new, 2 removed IndexMetadata
 *     104 Rewrite    3 groups of 1 old fragments, 2 new fragments
 *     105 Merge      1 all fragments, 2 schema, 3 schema metadata
 *     106 Restore    1 version
 *     108 Update     1 removed ids, 2 updated, 3 new fragments, 6 fields_for_preserving_frag_bitmap
 *     109 Project    1 schema
 *     110 UpdateConfig  6 entries of 1 key, 2 value
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

static og_status put_groups(og_ctx *cx, const og_transaction *t, og_buf *out)
{
  for (uint32_t i = 0; i < t->n_groups; i++) {
    OG_AUTO(og_buf) b = {0};
    OG_TRY(put_fragments(cx, 1, t->groups[i].old_ones, t->groups[i].n_old, false, &b));
    OG_TRY(put_fragments(cx, 2, t->groups[i].new_ones, t->groups[i].n_new, false, &b));
    OG_TRY(og_pb_put_bytes(cx, out, 3, og_buf_str(&b)));
  }
  return OG_OK;
}

static og_status put_config(og_ctx *cx, const og_transaction *t, og_buf *out)
{
  OG_AUTO(og_buf) map = {0};
  for (uint32_t i = 0; i < t->n_config; i++) {
    OG_AUTO(og_buf) entry = {0};
    OG_TRY(og_pb_put_bytes(cx, &entry, 1, t->config[i].key));
    if (t->config[i].value.ptr) OG_TRY(og_pb_put_bytes(cx, &entry, 2, t->config[i].value));
    OG_TRY(og_pb_put_bytes(cx, &map, 1, og_buf_str(&entry)));
  }
  return og_pb_put_bytes(cx, out, 6, og_buf_str(&map));
}

static og_status put_operation(og_ctx *cx, const og_transaction *t, uint32_t *num, og_buf *out)
{
  switch (t->op) {
  case OG_LANCE_APPEND: *num = OG_TX_APPEND; return put_fragments(cx, 1, t->added, t->n_added, true, out);
  case OG_LANCE_DELETE:
    *num = OG_TX_DELETE;
    OG_TRY(put_fragments(cx, 1, t->updated, t->n_updated, false, out));
    OG_TRY(put_ids(cx, 2, t->removed, t->n_removed, out));
    return og_pb_put_str(cx, out, 3, OG_STR("id in (...)")); /* informational: which rows, is in the deletion files */
  case OG_LANCE_OVERWRITE:
    *num = OG_TX_OVERWRITE;
    OG_TRY(put_fragments(cx, 1, t->added, t->n_added, true, out));
    return og_lance_fields_encode(cx, t->schema, 2, out);
  case OG_LANCE_INDEX:
    *num = OG_TX_CREATE_INDEX;
    OG_TRY(put_messages(cx, 1, t->index_added, t->n_index_added, out));
    return put_messages(cx, 2, t->index_removed, t->n_index_removed, out);
  case OG_LANCE_CLONE:
    *num = OG_TX_CLONE;
    OG_TRY(og_pb_put_u64(cx, out, 1, 1));
    OG_TRY(og_pb_put_u64(cx, out, 3, t->clone_version));
    OG_TRY(og_pb_put_str(cx, out, 4, t->clone_path));
    return og_pb_put_str(cx, out, 5, t->clone_branch);
  case OG_LANCE_UPDATE:
    *num = OG_TX_UPDATE;
    OG_TRY(put_ids(cx, 1, t->removed, t->n_removed, out));
    OG_TRY(put_fragments(cx, 2, t->updated, t->n_updated, false, out));
    return put_fragments(cx, 3, t->added, t->n_added, true, out);
  case OG_LANCE_REWRITE: *num = OG_TX_REWRITE; return put_groups(cx, t, out);
  case OG_LANCE_MERGE:
    *num = OG_TX_MERGE;
    OG_TRY(put_fragments(cx, 1, t->all, t->n_all, false, out));
    OG_TRY(og_lance_fields_encode(cx, t->schema, 2, out));
    return og_lance_meta_encode(cx, t->schema, 3, out);
  case OG_LANCE_PROJECT: *num = OG_TX_PROJECT; return og_lance_fields_encode(cx, t->schema, 1, out);
  case OG_LANCE_RESTORE: *num = OG_TX_RESTORE; return og_pb_put_u64(cx, out, 1, t->restored);
  case OG_LANCE_CONFIG: *num = OG_TX_UPDATE_CONFIG; return put_config(cx, t, out);
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

og_status og_transaction_kind_of(og_ctx *cx, og_str record, og_transaction_kind *out)
{
  og_pb_reader r;
  og_pb_field f;
  bool more;
  *out = OG_TX_UNKNOWN;
  og_pb_reader_init(&r, record, "Transaction");
  for (;;) {
    OG_TRY(og_pb_next(cx, &r, &f, &more));
    if (!more) return OG_OK;
    if (f.num >= OG_TX_APPEND && f.num < OG_TX_END) *out = (og_transaction_kind)f.num;
  }
}
