/* SPDX-License-Identifier: MIT */
/* graph/log.c -- appending to a branch's log in constant amortised cost.
 *
 * The log's fragments, in order:   history ...   state ...   tail
 *
 *   tail     the newest rows, at most TAIL_ROWS.  Every append rewrites it whole: its rows that still count, the moved
 *            head, the new rows.  So an append writes one small file and opening reads one small file more.
 *   state    what still counts of the rows the tail shed: registrations, newest table versions, private rows.
 *   history  commits only, immutable, merged with neighbours of like size, listed by id under OG_LOG_HISTORY so that an
 *            open need not read them.
 *
 *  (1) A row is superseded by a new row of its object id, or, for a table version, by a newer version of its table.
 *  (2) No commit is ever dropped.
 *  (3) When the tail would overflow, its commits move to history and its other rows to state, which is rewritten
 *      without what is superseded: amortised over TAIL_ROWS appends.
 *  (4) An append is prepared on exactly one base and never rebased: the caller prepares it anew on what won.
 */
#include "graph/log.h"

#include "base/env.h"
#include "base/json.h"
#include "base/limits.h"

#include <inttypes.h>

#define TAIL_ROWS    64
#define STAMP        "omnigraph_stamp" /* in the hint: see og_object_info */
#define HISTORY_ROWS 8192              /* a history fragment this large is left alone: about 1 MiB */

struct og_log_append {
  og_store *store;
  og_fold *base; /* NULL: a root */
  og_lance_change *change;
};

void og_log_append_free(og_ctx *cx, og_log_append *a)
{
  if (!a) return;
  og_lance_change_free(cx, a->change);
  og_fold_unref(a->base);
  og_store_unref(a->store);
  og_free(a);
}

/* ---- finding the end */

og_status og_log_key(og_ctx *cx, og_str branch, uint64_t version, og_str *out)
{
  const og_lance_place at = {NULL, OG_STR(OG_LOG_ROOT), branch};
  return og_lance_manifest_key(cx, &at, version, out);
}

static og_status version_info(og_ctx *cx, og_store *store, og_str branch, uint64_t version, og_object_info *out,
                              bool *there)
{
  og_str key;
  OG_TRY(og_log_key(cx, branch, version, &key));
  og_status st = og_store_info(cx, store, key, out);
  *there = st == OG_OK;
  if (st != OG_ENOTFOUND) return st;
  og_error_clear(cx);
  return OG_OK;
}

static bool is_same(const og_object_info *a, const og_object_info *b)
{
  return memcmp(a->stamp, b->stamp, sizeof a->stamp) == 0;
}

/* Upward from the known version while the next number exists.  Believed only if it is still the object it was and stays
 * it: cleanup deletes oldest first, so a number refilled by a late writer cannot be reached past a version that stayed.
 */
static og_status probe_up(og_ctx *cx, og_store *store, og_str branch, const og_log_known *known, uint64_t *out,
                          bool *ok)
{
  og_object_info now, next;
  bool there;
  OG_TRY(version_info(cx, store, branch, known->version, &now, ok));
  *ok = *ok && is_same(&now, &known->is);
  uint64_t at = known->version;
  for (there = *ok; there; at++) OG_TRY(version_info(cx, store, branch, at + 1, &next, &there));
  if (!*ok) return OG_OK;
  *out = at - 1;
  OG_TRY(version_info(cx, store, branch, known->version, &now, ok));
  *ok = *ok && is_same(&now, &known->is);
  return OG_OK;
}

static og_status hint_key(og_ctx *cx, og_str branch, og_str *out)
{
  og_str sep = branch.len ? OG_STR("/tree/") : OG_STR("");
  return og_arena_printf(cx, cx->arena, out, OG_LOG_ROOT OG_STR_FMT OG_STR_FMT "/_versions/latest_version_hint.json",
                         OG_STR_ARG(sep), OG_STR_ARG(branch));
}

static bool u64_of(const og_json *j, uint64_t *out)
{
  *out = j->kind == OG_JSON_U64 ? j->u.u64 : (uint64_t)j->u.i64;
  return j->kind == OG_JSON_U64 || (j->kind == OG_JSON_I64 && j->u.i64 >= 0);
}

/* A hint that says which object it is about. */
static bool parse_hint(const og_json *json, uint64_t *version, og_object_info *was)
{
  const og_json *stamp = og_json_get(json, OG_STR(STAMP));
  bool ok = stamp && stamp->kind == OG_JSON_ARRAY && stamp->u.array.len == OG_ARRAY_LEN(was->stamp);
  for (size_t i = 0; ok && i < OG_ARRAY_LEN(was->stamp); i++) ok = u64_of(&stamp->u.array.items[i], &was->stamp[i]);
  return ok && og_json_get_u64(json, OG_STR("version"), version);
}

/* The hint's version and the object it was.  0 when there is none, it makes no sense, or it names no object (another
 * engine's): a bare number may have been filled again since. */
static og_status read_hint(og_ctx *cx, og_store *store, og_str branch, og_log_known *out)
{
  og_str key;
  OG_AUTO(og_buf) text = {0};
  const og_json *json;
  OG_TRY(hint_key(cx, branch, &key));
  bool ok = og_store_get(cx, store, key, 4096, &text) == OG_OK &&
            og_json_read(cx, cx->arena, og_buf_str(&text), &json) == OG_OK && parse_hint(json, &out->version, &out->is);
  if (!ok) out->version = 0;
  if (cx->err->status == OG_ENOMEM) return OG_ENOMEM;
  og_error_clear(cx);
  return OG_OK;
}

og_status og_log_newest(og_ctx *cx, og_store *store, const og_store_caps *caps, og_str branch,
                        const og_log_known *known, uint64_t *out)
{
  bool ok = false;
  og_log_known from = *known;
  const og_lance_place at = {store, OG_STR(OG_LOG_ROOT), branch};
  if (!caps->list_is_cheap && caps->stamp_is_identity) {
    if (from.version == 0) OG_TRY(read_hint(cx, store, branch, &from));
    if (from.version != 0 && from.version >= from.first) OG_TRY(probe_up(cx, store, branch, &from, out, &ok));
  }
  return ok ? OG_OK : og_lance_newest_version(cx, &at, out);
}

void og_log_hint(og_ctx *cx, og_store *store, og_str branch, uint64_t version, const og_object_info *is)
{
  og_str key, text;
  const uint64_t *s = is->stamp;
  if (hint_key(cx, branch, &key) != OG_OK ||
      og_arena_printf(cx, cx->arena, &text,
                      "{\"version\":%" PRIu64 ",\"" STAMP "\":[%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]}", version, s[0],
                      s[1], s[2]) != OG_OK ||
      og_store_put_hint(cx, store, key, text) != OG_OK)
    og_error_clear(cx); /* advisory: a reader without it lists */
}

/* ---- planning an append */

typedef struct log_plan {
  og_arena arena;              /* strings of history rows read for merging */
  og_vec tail, state, history; /* og_log_row, each in final order */
  og_vec dropped;              /* uint64_t offsets deleted without a successor */
  uint64_t merged_from;        /* history fragments at or behind this index are merged away */
  bool split;                  /* a tier step: three fragments instead of one */
} log_plan;

static void plan_cleanup(log_plan *p)
{
  og_arena_cleanup(&p->arena);
  og_vec_cleanup(&p->tail);
  og_vec_cleanup(&p->state);
  og_vec_cleanup(&p->history);
  og_vec_cleanup(&p->dropped);
}

static const og_log_row *newer_row(const og_log_row *r, const og_log_row *rows, size_t n, bool *same_id)
{
  for (size_t i = 0; i < n; i++) {
    *same_id = og_str_eq(rows[i].object_id, r->object_id);
    if (*same_id) return &rows[i];
    bool newer = r->kind == OG_ROW_TABLE_VERSION && rows[i].kind == OG_ROW_TABLE_VERSION &&
                 rows[i].table_id == r->table_id && rows[i].incarnation == r->incarnation &&
                 rows[i].version > r->version;
    if (newer) return &rows[i];
  }
  return NULL;
}

/* The newest version of its table among the rows of the fold? Older ones are shed at a tier step. */
static bool is_stale_version(const og_fold *f, const og_log_row *r)
{
  if (r->kind != OG_ROW_TABLE_VERSION) return false;
  for (size_t i = 0; i < f->rows.len; i++) {
    const og_log_row *o = &OG_VEC_AT(&f->rows, og_log_row, i);
    if (o->kind == OG_ROW_TABLE_VERSION && o->table_id == r->table_id && o->incarnation == r->incarnation &&
        o->version > r->version)
      return true;
  }
  return false;
}

/* First dense offset of the tail: the last fragment, if it is small and no history. */
static uint64_t tail_start(const og_fold *f)
{
  uint32_t n = og_lance_table_fragments(f->log);
  if (n == 0 || og_fold_is_history(f, n - 1)) return og_lance_table_physical_rows(f->log);
  og_lance_fragment_info last = og_lance_table_fragment(f->log, n - 1);
  return last.physical_rows <= TAIL_ROWS ? last.first_offset : og_lance_table_physical_rows(f->log);
}

/* New rows take over the offset of the row they replace, which makes them updates. */
static og_status plan_new_rows(og_ctx *cx, const og_fold *f, const og_log_row *rows, size_t n, og_vec *out)
{
  for (size_t i = 0; i < n; i++) {
    og_log_row r = rows[i];
    const og_log_row *old = og_fold_row(f, r.object_id);
    r.offset = old ? old->offset : OG_ROW_NEW;
    OG_TRY(og_vec_add(cx, out, &r));
  }
  return OG_OK;
}

static og_status plan_plain(og_ctx *cx, log_plan *p, const og_fold *f, const og_log_row *rows, size_t n, uint64_t tail)
{
  for (size_t i = 0; i < f->rows.len; i++) {
    const og_log_row *r = &OG_VEC_AT(&f->rows, og_log_row, i);
    bool same_id = false;
    if (r->offset < tail) continue;
    if (!newer_row(r, rows, n, &same_id))
      OG_TRY(og_vec_add(cx, &p->tail, r));
    else if (!same_id)
      OG_TRY(og_vec_add(cx, &p->dropped, &r->offset));
  }
  return plan_new_rows(cx, f, rows, n, &p->tail);
}

/* Takes in older history fragments while they are not much larger than what is gathered. */
static og_status plan_merge_history(og_ctx *cx, log_plan *p, og_fold *f)
{
  og_vec older = OG_VEC_INIT(og_log_row);
  og_status st = OG_OK;
  for (uint32_t i = og_lance_table_fragments(f->log); st == OG_OK && i > 0; i--) {
    if (!og_fold_is_history(f, i - 1)) continue;
    uint64_t rows = og_lance_table_fragment(f->log, i - 1).physical_rows;
    if (rows > 2 * p->history.len || rows + p->history.len > HISTORY_ROWS) break;
    st = og_fold_read_fragment(cx, f, i - 1, &p->arena, &older);
    for (size_t k = 0; st == OG_OK && k < older.len; k++)
      st = og_vec_add(cx, &p->history, &OG_VEC_AT(&older, og_log_row, k));
    og_vec_clear(&older);
    p->merged_from = i - 1;
  }
  og_vec_cleanup(&older);
  return st;
}

static og_status plan_split(og_ctx *cx, log_plan *p, og_fold *f, const og_log_row *rows, size_t n)
{
  p->split = true;
  og_vec_clear(&p->tail);
  og_vec_clear(&p->dropped);
  for (size_t i = 0; i < f->rows.len; i++) {
    const og_log_row *r = &OG_VEC_AT(&f->rows, og_log_row, i);
    bool same_id = false;
    const og_log_row *newer = newer_row(r, rows, n, &same_id);
    if (newer && same_id) continue; /* its successor takes the offset */
    if (newer || is_stale_version(f, r))
      OG_TRY(og_vec_add(cx, &p->dropped, &r->offset));
    else
      OG_TRY(og_vec_add(cx, r->kind == OG_ROW_COMMIT ? &p->history : &p->state, r));
  }
  OG_TRY(plan_new_rows(cx, f, rows, n, &p->tail));
  return plan_merge_history(cx, p, f);
}

static og_status plan_append(og_ctx *cx, log_plan *p, og_fold *f, const og_log_row *rows, size_t n)
{
  p->merged_from = UINT64_MAX;
  OG_TRY(plan_plain(cx, p, f, rows, n, tail_start(f)));
  if (p->tail.len <= TAIL_ROWS) return OG_OK;
  return plan_split(cx, p, f, rows, n);
}

/* ---- writing it */

static int by_offset(const void *a, const void *b, void *arg)
{
  (void)arg;
  const og_log_row *x = a, *y = b;
  return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Rows with an offset as updates, the others as inserts: one fragment. */
static og_status write_rows(og_ctx *cx, og_lance_change *change, og_schema *schema, og_vec *rows)
{
  OG_TRY(og_sort(cx, rows->data, rows->len, sizeof(og_log_row), by_offset, NULL)); /* OG_ROW_NEW sorts last */
  const og_log_row *all = rows->data;
  size_t old = 0;
  while (old < rows->len && all[old].offset != OG_ROW_NEW) old++;
  uint64_t *offsets = og_calloc(cx, old + 1, sizeof *offsets);
  if (!offsets) return OG_ENOMEM;
  for (size_t i = 0; i < old; i++) offsets[i] = all[i].offset;
  og_batch *batch = NULL;
  og_status st = OG_OK;
  if (old) st = og_rows_encode(cx, schema, all, old, &batch);
  if (st == OG_OK && old) st = og_lance_change_update(cx, change, batch, offsets, old);
  og_batch_unref(batch);
  batch = NULL;
  if (st == OG_OK && old < rows->len) {
    st = og_rows_encode(cx, schema, all + old, rows->len - old, &batch);
    if (st == OG_OK) st = og_lance_change_insert(cx, change, batch);
    og_batch_unref(batch);
  }
  og_free(offsets);
  return st;
}

/* The list of history fragments after a split: what stayed, and the first new fragment. */
static og_status write_history_list(og_ctx *cx, og_lance_change *change, const log_plan *p, const og_fold *f)
{
  OG_AUTO(og_buf) list = {0};
  for (uint32_t i = 0; i < og_lance_table_fragments(f->log); i++) {
    if (!og_fold_is_history(f, i) || i >= p->merged_from) continue;
    OG_TRY(og_buf_append_u64(cx, &list, og_lance_table_fragment(f->log, i).id));
    OG_TRY(og_buf_append_byte(cx, &list, ','));
  }
  OG_TRY(og_buf_append_u64(cx, &list, og_lance_table_next_fragment_id(f->log)));
  og_str value = og_buf_str(&list);
  return og_lance_change_config(cx, change, OG_STR(OG_LOG_HISTORY), &value);
}

static og_status write_plan(og_ctx *cx, og_lance_change *change, log_plan *p, const og_fold *f)
{
  og_schema *schema = og_lance_table_schema(f->log)->arrow;
  if (p->dropped.len) OG_TRY(og_lance_change_delete(cx, change, p->dropped.data, p->dropped.len));
  if (p->history.len) {
    OG_TRY(write_rows(cx, change, schema, &p->history));
    OG_TRY(og_lance_change_cut(cx, change));
    OG_TRY(write_history_list(cx, change, p, f));
  }
  if (p->state.len) {
    OG_TRY(write_rows(cx, change, schema, &p->state));
    OG_TRY(og_lance_change_cut(cx, change));
  }
  return write_rows(cx, change, schema, &p->tail);
}

static og_status append_new(og_ctx *cx, og_store *store, og_fold *base, og_log_append **out)
{
  og_log_append *a = og_zalloc(cx, sizeof *a);
  if (!a) return OG_ENOMEM;
  a->store = og_store_ref(store);
  if (base) a->base = og_fold_ref(base);
  *out = a;
  return OG_OK;
}

static og_status change_opts(og_ctx *cx, og_lance_op op, const og_ulid *attempt, og_lance_change_opts *out)
{
  char text[OG_ULID_LEN];
  og_ulid_format(attempt, text);
  *out = (og_lance_change_opts){.op = op};
  OG_TRY(og_arena_str(cx, cx->arena, og_str_from(text, sizeof text), &out->attempt));
  return og_arena_printf(cx, cx->arena, &out->tx_uuid, "omnigraph-" OG_STR_FMT, OG_STR_ARG(out->attempt));
}

static og_status prepare(og_ctx *cx, og_log_append *a, const og_ulid *attempt, const og_log_row *rows, size_t n)
{
  og_lance_change_opts opts;
  OG_TRY(change_opts(cx, OG_LANCE_UPDATE, attempt, &opts));
  opts.renew_created = true; /* a commit row names its version itself */
  const og_lance_place at = {a->store, OG_STR(OG_LOG_ROOT), a->base->branch};
  OG_TRY(og_lance_change_new(cx, &at, a->base->log, &opts, &a->change));
  log_plan p = {.tail = OG_VEC_INIT(og_log_row),
                .state = OG_VEC_INIT(og_log_row),
                .history = OG_VEC_INIT(og_log_row),
                .dropped = OG_VEC_INIT(uint64_t)};
  og_status st = plan_append(cx, &p, a->base, rows, n);
  if (st == OG_OK) st = write_plan(cx, a->change, &p, a->base);
  plan_cleanup(&p);
  if (st == OG_OK) st = og_lance_change_finish(cx, a->change);
  return st == OG_OK ? og_lance_change_render(cx, a->change, NULL, a->base->version + 1) : st;
}

og_status og_log_prepare(og_ctx *cx, og_store *store, og_fold *base, const og_ulid *attempt, const og_log_row *rows,
                         size_t n, og_log_append **out)
{
  og_log_append *a;
  OG_TRY(append_new(cx, store, base, &a));
  og_status st = prepare(cx, a, attempt, rows, n);
  if (st != OG_OK) {
    og_log_append_free(cx, a);
    return og_note(cx, st, "while preparing version %" PRIu64 " of the graph", base->version + 1);
  }
  *out = a;
  return OG_OK;
}

static og_status create(og_ctx *cx, og_log_append *a, const og_ulid *attempt, const og_log_row *rows, size_t n)
{
  og_schema *arrow;
  og_lance_schema *schema = NULL;
  og_lance_change_opts opts;
  const og_lance_place at = {a->store, OG_STR(OG_LOG_ROOT), OG_STR_NONE};
  OG_TRY(change_opts(cx, OG_LANCE_OVERWRITE, attempt, &opts));
  OG_TRY(og_rows_schema(cx, &arrow));
  og_status st = og_lance_schema_new(cx, arrow, &schema);
  if (st == OG_OK) st = og_lance_change_create(cx, &at, schema, (og_lance_version){2, 2}, &opts, &a->change);
  og_batch *batch = NULL;
  if (st == OG_OK) st = og_rows_encode(cx, arrow, rows, n, &batch);
  if (st == OG_OK) st = og_lance_change_insert(cx, a->change, batch);
  if (st == OG_OK) st = og_lance_change_finish(cx, a->change);
  if (st == OG_OK) st = og_lance_change_render(cx, a->change, NULL, 1);
  og_batch_unref(batch);
  og_lance_schema_unref(schema);
  og_schema_unref(arrow);
  return st;
}

og_status og_log_create(og_ctx *cx, og_store *store, const og_ulid *attempt, const og_log_row *rows, size_t n,
                        og_log_append **out)
{
  og_log_append *a;
  OG_TRY(append_new(cx, store, NULL, &a));
  og_status st = create(cx, a, attempt, rows, n);
  if (st != OG_OK)
    og_log_append_free(cx, a);
  else
    *out = a;
  return st;
}

static og_status clone(og_ctx *cx, og_log_append *a, og_str branch, uint64_t first, const og_ulid *attempt)
{
  og_lance_change_opts opts;
  const og_lance_place at = {a->store, OG_STR(OG_LOG_ROOT), branch};
  OG_TRY(change_opts(cx, OG_LANCE_CLONE, attempt, &opts));
  OG_TRY(og_lance_change_new(cx, &at, a->base->log, &opts, &a->change));
  OG_TRY(og_lance_change_finish(cx, a->change));
  return og_lance_change_render(cx, a->change, NULL, first);
}

og_status og_log_clone(og_ctx *cx, og_store *store, og_fold *parent, og_str branch, uint64_t first,
                       const og_ulid *attempt, og_log_append **out)
{
  og_log_append *a;
  OG_TRY(append_new(cx, store, parent, &a));
  og_status st = clone(cx, a, branch, first, attempt);
  if (st != OG_OK)
    og_log_append_free(cx, a);
  else
    *out = a;
  return st;
}

og_status og_log_keys(og_ctx *cx, const og_log_append *a, og_vec *out)
{
  return og_lance_change_keys(cx, a->change, out);
}

#define UNKNOWN_TRIES 12

og_status og_log_put(og_ctx *cx, og_log_append *a, bool *unsure)
{
  og_status st = og_lance_change_put(cx, a->change);
  *unsure = st == OG_EUNKNOWN;
  /* Absent now may still arrive: only the same request to the same slot can make the answer definite, and a later
   * failure says nothing about the first request. */
  for (unsigned i = 0; *unsure && st != OG_OK && st != OG_EEXISTS && i < UNKNOWN_TRIES; i++) {
    if (og_ctx_poll(cx) != OG_OK) break;
    cx->env->ops->sleep_ns(cx->env, 1000000ull << i);
    st = og_lance_change_put(cx, a->change);
  }
  return *unsure && st != OG_OK && st != OG_EEXISTS ? OG_EUNKNOWN : st;
}
