/* SPDX-License-Identifier: MIT */
/* graph/fence.c -- what tells slow writers that cleanup has been by.
 *
 * A `gc` row in a log says: from this version on nobody may publish files of attempts below `cutoff`, or table
 * manifests numbered at or below `number_floor`; and states below `floors` are gone.  Each field only grows.  It is
 * published like anything else, so a publish either stands below the fence, and its files were there to be marked, or
 * its fold contains the fence, and it obeys (publish.c: is_stale, render_table).
 *
 * A fence that is published twice does no harm, so none looks for its own row after a lost reply.
 */
#include "graph/internal.h"

#include "base/json.h"

#include <inttypes.h>

/* ---- logs */

static og_status add_log(og_ctx *cx, og_graph *g, const og_branch_row *row, og_vec *out)
{
  const og_lance_place at = {g->store, OG_STR(OG_LOG_ROOT), row->name};
  og_log_info *log = og_vec_push(cx, out);
  if (!log) return OG_ENOMEM;
  *log = (og_log_info){.live = row->live, .first = row->first};
  memcpy(log->incarnation, row->incarnation, 16);
  OG_TRY(og_arena_str(cx, cx->arena, row->name, &log->branch));
  return og_lance_newest_version(cx, &at, &log->newest);
}

/* Live in the registry, but sealed: a delete that did not get to main. */
static og_status settle_live(og_ctx *cx, og_graph *g, og_log_info *log)
{
  og_fold *fold = NULL;
  og_branch_row row;
  if (!log->live || log->branch.len == 0) return OG_OK;
  og_status st = og_graph__pin(cx, g, log->branch, &fold, &row); /* starts its log when its creator did not */
  if (st == OG_OK) log->newest = fold->version;
  og_fold_unref(fold);
  if (st != OG_ENOTFOUND) return st;
  og_error_clear(cx);
  log->live = false;
  return OG_OK;
}

og_status og_graph_logs(og_ctx *cx, og_graph *g, og_vec *out)
{
  og_fold *fold = NULL;
  og_branch_row main_row;
  og_vec rows = OG_VEC_INIT(og_branch_row);
  OG_TRY(og_graph__pin(cx, g, OG_STR_NONE, &fold, &main_row));
  main_row.first = 1;
  og_status st = add_log(cx, g, &main_row, out);
  if (st == OG_OK) st = og_branch__all(cx, cx->arena, fold, &rows);
  for (size_t i = 0; st == OG_OK && i < rows.len; i++) {
    st = add_log(cx, g, &OG_VEC_AT(&rows, og_branch_row, i), out);
    if (st == OG_OK) st = settle_live(cx, g, &OG_VEC_AT(out, og_log_info, out->len - 1));
  }
  og_vec_cleanup(&rows);
  og_fold_unref(fold);
  return st;
}

/* ---- the fence */

typedef struct fence_op {
  const og_fence *fence;
} fence_op;

static og_status put_floors(og_ctx *cx, const og_fence *f, const og_json *old, og_json_writer *w)
{
  const og_json *kept = old ? og_json_get(old, OG_STR("floors")) : NULL;
  OG_TRY(og_json_key(cx, w, OG_STR("floors")));
  OG_TRY(og_json_begin_object(cx, w));
  for (size_t i = 0; i < f->n_floors; i++) {
    char key[64];
    uint64_t was = 0;
    og_branch__hex(f->floors[i].incarnation, key);
    const og_str hex = og_str_from(key, 32);
    if (kept) (void)og_json_get_u64(kept, hex, &was);
    const uint64_t now = f->floors[i].version > was ? f->floors[i].version : was;
    OG_TRY(og_json_key(cx, w, hex));
    OG_TRY(og_json_u64(cx, w, now));
  }
  return og_json_end_object(cx, w);
}

static og_status write_fence(og_ctx *cx, const og_fence *f, const og_fold *base, og_buf *out)
{
  char cutoff[OG_ULID_LEN];
  uint64_t epoch = 0;
  const og_json *old = NULL;
  og_json_writer w;
  if (base->gc) {
    OG_TRY(og_json_read(cx, cx->arena, base->gc->metadata, &old));
    (void)og_json_get_u64(old, OG_STR("epoch"), &epoch);
  }
  og_ulid_format(og_ulid_cmp(&f->cutoff, &base->cutoff) > 0 ? &f->cutoff : &base->cutoff, cutoff);
  og_json_writer_init(&w, out, false);
  OG_TRY(og_json_begin_object(cx, &w));
  OG_TRY(og_json_kv_u64(cx, &w, "epoch", epoch + 1));
  OG_TRY(og_json_kv_str(cx, &w, "cutoff", og_str_from(cutoff, sizeof cutoff)));
  OG_TRY(og_json_kv_u64(cx, &w, "number_floor",
                        f->number_floor > base->number_floor ? f->number_floor : base->number_floor));
  OG_TRY(put_floors(cx, f, old, &w));
  return og_json_end_object(cx, &w);
}

static og_status fence_rows(og_ctx *cx, void *arg, og_fold *base, og_vec *rows, og_vec *keys, bool *rerun)
{
  const fence_op *op = arg;
  OG_AUTO(og_buf) json = {0};
  (void)keys;
  (void)rerun;
  OG_TRY(write_fence(cx, op->fence, base, &json));
  og_log_row *row = og_vec_push(cx, rows);
  if (!row) return OG_ENOMEM;
  return og_row_private(cx, cx->arena, OG_ROW_GC, OG_STR("gc"), og_buf_str(&json), row);
}

og_status og_graph_fence(og_ctx *cx, og_graph *g, const og_log_info *log, const og_fence *fence, uint64_t *version)
{
  fence_op op = {fence};
  og_publish_outcome outcome;
  og_log_op log_op = {.branch = log->branch, .own_id = OG_STR("gc:none"), .rows = fence_rows, .arg = &op};
  memcpy(log_op.incarnation, log->incarnation, 16);
  return og_graph__publish(cx, g, &log_op, &outcome, version);
}
