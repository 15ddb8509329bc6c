/* SPDX-License-Identifier: MIT */
/* graph/fold.c -- from rows to state.
 *
 *  (1) Per table identity the numerically greatest table_version row counts; a tombstone at or above it hides the
 *      table.
 *  (2) Alias and path come from the table row; a version row may carry an older alias.
 *  (3) Two different table rows of one identity, or two live identities with one alias, are refused.
 *  (4) Fragments listed under OG_LOG_HISTORY hold only superseded commits: they cannot change (1) to (3), nor the
 *      head.
 */
#include "graph/fold.h"

#include "base/json.h"

#include <inttypes.h>

og_fold *og_fold_ref(og_fold *f)
{
  atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
  return f;
}

void og_fold_unref(og_fold *f)
{
  if (!f || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1) return;
  og_lance_table_unref(f->log);
  og_vec_cleanup(&f->rows);
  og_arena_cleanup(&f->arena);
  og_free(f);
}

bool og_fold_is_history(const og_fold *f, uint32_t fragment)
{
  og_str list;
  if (!og_lance_table_config(f->log, OG_STR(OG_LOG_HISTORY), &list)) return false;
  uint64_t id = og_lance_table_fragment(f->log, fragment).id;
  while (list.len) {
    size_t comma = og_str_find(list, OG_STR(","));
    uint64_t listed;
    if (og_str_to_u64(og_str_sub(list, 0, comma), &listed) && listed == id) return true;
    list = comma == SIZE_MAX ? OG_STR_NONE : og_str_sub(list, comma + 1, list.len);
  }
  return false;
}

og_status og_fold_read_fragment(og_ctx *cx, og_fold *f, uint32_t fragment, og_arena *a, og_vec *out)
{
  uint32_t columns[OG_LOG_COLUMNS];
  for (uint32_t i = 0; i < OG_LOG_COLUMNS; i++) columns[i] = i;
  const og_lance_scan_opts opts = {.columns = columns,
                                   .n_columns = OG_LOG_COLUMNS,
                                   .with_offset = true,
                                   .from_fragment = fragment,
                                   .n_fragments = 1};
  og_lance_scan *scan;
  OG_TRY(og_lance_scan_open(cx, f->log, &opts, &scan));
  og_status st;
  og_batch *batch = NULL;
  while ((st = og_lance_scan_next(cx, scan, &batch)) == OG_OK && batch) {
    st = og_rows_decode(cx, a, batch, out);
    og_batch_unref(batch);
    if (st != OG_OK) break;
  }
  og_lance_scan_close(scan);
  return st;
}

/* The log must have the columns we know, by name and type: it is read by position from here on. */
static og_status check_columns(og_ctx *cx, og_fold *f)
{
  og_schema *want;
  OG_TRY(og_rows_schema(cx, &want));
  const og_schema *have = og_lance_table_schema(f->log)->arrow;
  bool same = have->n_fields == want->n_fields;
  for (uint32_t i = 0; same && i < want->n_fields; i++) same = og_field_eq(&have->fields[i], &want->fields[i], false);
  og_schema_unref(want);
  if (!same)
    return og_fail(cx, OG_ECORRUPT,
                   "__manifest does not have the columns of internal schema " OG_STAMP
                   ": this is no graph that OmniGraph wrote");
  return OG_OK;
}

static og_status check_stamp(og_ctx *cx, const og_fold *f)
{
  const og_lance_schema *s = og_lance_table_schema(f->log);
  og_str stamp = OG_STR_NONE;
  for (uint32_t i = 0; i < s->n_meta; i++)
    if (og_str_eq(s->meta[2 * i], OG_STR(OG_STAMP_KEY))) stamp = s->meta[2 * i + 1];
  uint64_t have = 0;
  if (og_str_eq(stamp, OG_STR(OG_STAMP))) return OG_OK;
  if (stamp.ptr && og_str_to_u64(stamp, &have) && have > 6)
    return og_fail(cx, OG_EUNSUPPORTED,
                   "this graph has internal schema %" PRIu64 ", written by a newer OmniGraph; this one reads " OG_STAMP
                   ": upgrade OmniGraph",
                   have);
  return og_fail(cx, OG_EUNSUPPORTED,
                 "this graph has internal schema %s" OG_STR_FMT "%s, this OmniGraph reads " OG_STAMP
                 ": export it with the version that wrote it and load the export into a fresh graph",
                 stamp.ptr ? "'" : "", OG_STR_ARG(stamp.ptr ? stamp : OG_STR("(none)")), stamp.ptr ? "'" : "");
}

/* ---- tables */

static int by_identity(const void *a, const void *b, void *arg)
{
  (void)arg;
  const og_log_row *x = *(const og_log_row *const *)a, *y = *(const og_log_row *const *)b;
  if (x->table_id != y->table_id) return x->table_id < y->table_id ? -1 : 1;
  if (x->incarnation != y->incarnation) return x->incarnation < y->incarnation ? -1 : 1;
  return 0;
}

static bool same_identity(const og_log_row *a, const og_log_row *b)
{
  return a->table_id == b->table_id && a->incarnation == b->incarnation;
}

/* Folds the rows [first, end) of one identity. */
static og_status fold_identity(og_ctx *cx, og_fold *f, const og_log_row **rows, size_t n, og_table_state *out)
{
  const og_log_row *reg = NULL, *best = NULL;
  *out = (og_table_state){.table_id = rows[0]->table_id, .incarnation = rows[0]->incarnation};
  for (size_t i = 0; i < n; i++) {
    const og_log_row *r = rows[i];
    if (r->kind == OG_ROW_TABLE && reg && !og_str_eq(reg->table_key, r->table_key))
      return og_fail(cx, OG_ECORRUPT, "__manifest registers one table as '" OG_STR_FMT "' and as '" OG_STR_FMT "'",
                     OG_STR_ARG(reg->table_key), OG_STR_ARG(r->table_key));
    if (r->kind == OG_ROW_TABLE) reg = r;
    if (r->kind == OG_ROW_TABLE_VERSION && (!best || r->version > best->version)) best = r;
    if (r->kind == OG_ROW_TOMBSTONE && r->version > out->tombstone) out->tombstone = r->version;
    if (r->kind != OG_ROW_TABLE && r->version > out->max_version) out->max_version = r->version;
  }
  if (!reg)
    return og_fail(cx, OG_ECORRUPT, "__manifest has versions of '" OG_STR_FMT "' but does not register it",
                   OG_STR_ARG(rows[0]->table_key));
  out->key = reg->table_key;
  out->path = reg->location;
  if (!best) return OG_OK;
  out->version = best->version;
  out->branch = best->table_branch.ptr ? best->table_branch : OG_STR("");
  out->rows = best->row_count;
  og_version_meta meta;
  OG_TRY(og_row_parse_version_meta(cx, &f->arena, best, &meta));
  out->uuid = meta.uuid;
  return OG_OK;
}

static int by_key(const void *a, const void *b, void *arg)
{
  (void)arg;
  return og_str_cmp(((const og_table_state *)a)->key, ((const og_table_state *)b)->key);
}

static og_status fold_sorted(og_ctx *cx, og_fold *f, const og_log_row **rows, size_t n)
{
  f->tables = og_arena_calloc(cx, &f->arena, n + 1, sizeof *f->tables);
  if (!f->tables) return OG_ENOMEM;
  for (size_t i = 0; i < n;) {
    size_t end = i + 1;
    while (end < n && same_identity(rows[i], rows[end])) end++;
    og_table_state *t = &f->tables[f->n_tables];
    OG_TRY(fold_identity(cx, f, rows + i, end - i, t));
    if (t->tombstone < t->version || t->version == 0) f->n_tables++;
    i = end;
  }
  OG_TRY(og_sort(cx, f->tables, f->n_tables, sizeof *f->tables, by_key, NULL));
  for (uint32_t i = 1; i < f->n_tables; i++)
    if (og_str_eq(f->tables[i - 1].key, f->tables[i].key))
      return og_fail(cx, OG_ECORRUPT, "__manifest has two live tables named '" OG_STR_FMT "'",
                     OG_STR_ARG(f->tables[i].key));
  return OG_OK;
}

static og_status fold_tables(og_ctx *cx, og_fold *f)
{
  og_vec rows = OG_VEC_INIT(const og_log_row *);
  og_status st = OG_OK;
  for (size_t i = 0; st == OG_OK && i < f->rows.len; i++) {
    const og_log_row *r = &OG_VEC_AT(&f->rows, og_log_row, i);
    if (r->kind <= OG_ROW_TOMBSTONE) st = og_vec_add(cx, &rows, &r);
  }
  if (st == OG_OK) st = og_sort(cx, rows.data, rows.len, sizeof(const og_log_row *), by_identity, NULL);
  if (st == OG_OK) st = fold_sorted(cx, f, rows.data, rows.len);
  og_vec_cleanup(&rows);
  return st;
}

/* ---- head and private rows */

/* The head of the nearest branch in [own, ancestors...] that has one. */
static og_status fold_head(og_ctx *cx, og_fold *f, const og_str *ancestors, size_t n)
{
  size_t best = SIZE_MAX;
  for (size_t i = 0; i < f->rows.len; i++) {
    const og_log_row *r = &OG_VEC_AT(&f->rows, og_log_row, i);
    if (r->kind != OG_ROW_HEAD) continue;
    og_ulid id;
    og_str branch;
    OG_TRY(og_row_parse_head(cx, &f->arena, r, &id, &branch));
    size_t rank = og_str_eq(branch, f->branch) ? 0 : SIZE_MAX;
    for (size_t a = 0; rank == SIZE_MAX && a < n; a++)
      if (og_str_eq(branch, ancestors[a])) rank = a + 1;
    if (rank >= best) continue;
    best = rank;
    f->head = id;
    f->has_head = true;
  }
  return OG_OK;
}

static og_status fold_gc(og_ctx *cx, og_fold *f)
{
  if (!f->gc) return OG_OK;
  const og_json *json;
  og_str cutoff;
  OG_TRY_NOTE(cx, og_json_read(cx, &f->arena, f->gc->metadata, &json), "while reading the gc row of __manifest");
  if (!og_json_get_str(json, OG_STR("cutoff"), &cutoff) || !og_ulid_parse(cutoff, &f->cutoff) ||
      !og_json_get_u64(json, OG_STR("number_floor"), &f->number_floor))
    return og_fail(cx, OG_ECORRUPT, "the gc row of __manifest lacks its cutoff or number floor");
  f->floors = og_json_get(json, OG_STR("floors"));
  return OG_OK;
}

static og_status fold_rows(og_ctx *cx, og_fold *f, const og_str *ancestors, size_t n)
{
  for (size_t i = 0; i < f->rows.len; i++) {
    const og_log_row *r = &OG_VEC_AT(&f->rows, og_log_row, i);
    if (r->kind == OG_ROW_SCHEMA) f->schema = r;
    if (r->kind == OG_ROW_GC) f->gc = r;
    if (r->kind == OG_ROW_SEAL) f->seal = r;
  }
  if (f->seal && f->branch.len == 0)
    return og_fail(cx, OG_ECORRUPT, "__manifest says that the main branch was deleted, which no program does");
  OG_TRY(fold_head(cx, f, ancestors, n));
  OG_TRY(fold_gc(cx, f));
  return fold_tables(cx, f);
}

static og_status load(og_ctx *cx, og_fold *f, og_store *store, const og_str *ancestors, size_t n)
{
  const og_lance_place at = {store, OG_STR(OG_LOG_ROOT), f->branch};
  OG_TRY(og_lance_table_open(cx, &at, f->version, OG_STR_NONE, &f->log));
  OG_TRY(check_stamp(cx, f));
  OG_TRY(check_columns(cx, f));
  for (uint32_t i = 0; i < og_lance_table_fragments(f->log); i++)
    if (!og_fold_is_history(f, i)) OG_TRY(og_fold_read_fragment(cx, f, i, &f->arena, &f->rows));
  return fold_rows(cx, f, ancestors, n);
}

og_status og_fold_load(og_ctx *cx, og_store *store, og_str branch, uint64_t version, const og_str *ancestors,
                       size_t n_ancestors, og_fold **out)
{
  og_fold *f = og_zalloc(cx, sizeof *f);
  if (!f) return OG_ENOMEM;
  atomic_init(&f->refs, 1);
  og_vec_init(&f->rows, sizeof(og_log_row));
  f->version = version;
  og_status st = og_arena_str(cx, &f->arena, branch, &f->branch);
  if (st == OG_OK) st = load(cx, f, store, ancestors, n_ancestors);
  if (st != OG_OK) {
    og_fold_unref(f);
    return og_note(cx, st, "while opening version %" PRIu64 " of the graph%s" OG_STR_FMT, version,
                   branch.len ? " on branch " : "", OG_STR_ARG(branch));
  }
  *out = f;
  return OG_OK;
}

const og_table_state *og_fold_table(const og_fold *f, uint64_t table_id, uint64_t incarnation)
{
  for (uint32_t i = 0; i < f->n_tables; i++)
    if (f->tables[i].table_id == table_id && f->tables[i].incarnation == incarnation) return &f->tables[i];
  return NULL;
}

const og_table_state *og_fold_table_by_key(const og_fold *f, og_str key)
{
  size_t lo = 0, hi = f->n_tables;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    int c = og_str_cmp(f->tables[mid].key, key);
    if (c == 0) return &f->tables[mid];
    if (c < 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  return NULL;
}

const og_log_row *og_fold_row(const og_fold *f, og_str object_id)
{
  for (size_t i = f->rows.len; i > 0; i--)
    if (og_str_eq(OG_VEC_AT(&f->rows, og_log_row, i - 1).object_id, object_id))
      return &OG_VEC_AT(&f->rows, og_log_row, i - 1);
  return NULL;
}

/* ---- history */

static int newest_first(const void *a, const void *b, void *arg)
{
  (void)arg;
  const og_commit *x = a, *y = b;
  if (x->manifest_version != y->manifest_version) return x->manifest_version > y->manifest_version ? -1 : 1;
  if (x->created_us != y->created_us) return x->created_us > y->created_us ? -1 : 1;
  return og_ulid_cmp(&y->id, &x->id);
}

static og_status add_commits(og_ctx *cx, og_arena *a, const og_vec *rows, og_vec *out)
{
  for (size_t i = 0; i < rows->len; i++) {
    const og_log_row *r = &OG_VEC_AT(rows, og_log_row, i);
    if (r->kind != OG_ROW_COMMIT) continue;
    og_commit *c = og_vec_push(cx, out);
    if (!c) return OG_ENOMEM;
    OG_TRY(og_row_parse_commit(cx, a, r, c));
  }
  return OG_OK;
}

static og_status add_history(og_ctx *cx, og_fold *f, uint32_t fragment, og_arena *a, og_vec *out)
{
  og_vec rows = OG_VEC_INIT(og_log_row);
  og_status st = og_fold_read_fragment(cx, f, fragment, a, &rows);
  if (st == OG_OK) st = add_commits(cx, a, &rows, out);
  og_vec_cleanup(&rows);
  return st;
}

og_status og_fold_commits(og_ctx *cx, og_fold *f, og_arena *a, og_vec *out)
{
  OG_TRY(add_commits(cx, a, &f->rows, out));
  for (uint32_t i = 0; i < og_lance_table_fragments(f->log); i++)
    if (og_fold_is_history(f, i)) OG_TRY(add_history(cx, f, i, a, out));
  return og_sort(cx, out->data, out->len, sizeof(og_commit), newest_first, NULL);
}

static const og_commit *commit_in(const og_vec *commits, const og_ulid *id)
{
  for (size_t i = 0; i < commits->len; i++)
    if (og_ulid_cmp(&OG_VEC_AT(commits, og_commit, i).id, id) == 0) return &OG_VEC_AT(commits, og_commit, i);
  return NULL;
}

/* Commits move to history oldest first: one at or below `since` here means that all above it have been seen. */
static bool reaches_back(const og_vec *commits, uint64_t since)
{
  for (size_t i = 0; i < commits->len; i++)
    if (OG_VEC_AT(commits, og_commit, i).manifest_version <= since) return true;
  return false;
}

og_status og_fold_find_commit(og_ctx *cx, og_fold *f, og_arena *a, const og_ulid *id, uint64_t since, og_commit *out,
                              bool *found)
{
  og_vec commits = OG_VEC_INIT(og_commit);
  og_status st = add_commits(cx, a, &f->rows, &commits);
  const og_commit *hit = st == OG_OK ? commit_in(&commits, id) : NULL;
  for (uint32_t i = og_lance_table_fragments(f->log); st == OG_OK && !hit && i > 0; i--) {
    if (!og_fold_is_history(f, i - 1)) continue;
    if (reaches_back(&commits, since)) break;
    og_vec_clear(&commits);
    st = add_history(cx, f, i - 1, a, &commits);
    if (st == OG_OK) hit = commit_in(&commits, id);
  }
  *found = hit != NULL;
  if (hit) *out = *hit;
  og_vec_cleanup(&commits);
  return st;
}
