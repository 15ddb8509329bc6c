/* SPDX-License-Identifier: MIT */
/* delta/table.c -- the difference of two versions of one table.
 *
 * An entity is known by its `id` column: row ids and fragment ids are given out by each branch on its own.  So a
 * difference is a join of two tables by id, and the art is to leave out the rows that need not be looked at.
 *
 *   candidates   Fragments over the same data files hold the same rows (lance/pairing.c).  Of a pair only rows that
 * just one side deletes are candidates; of a fragment without a counterpart, every live row is. versions     Folding
 * and compaction move rows to new files without changing them, and keep each row's id and the version that last wrote
 * it.  A candidate on either side with the same row id, last written by the same version, and that version at or below
 * the common one, is one row in two places, and is left out.  Row ids and versions sit in the manifests: no data file
 * is read. values       What is left is joined by the text of `id`, and pairs are compared column by column.
 *
 * So an edit of 1,000 rows in a table of any size looks at those 1,000, and at what was folded with them; a compaction
 * costs a pass over row ids.
 *
 * Invariants
 *  (1) A row that is left out is equal on both sides.  Fragment pairs: the files are immutable.  Versions: up to the
 *      common version both sides have one history, where a row id is given to one row, and a version writes a row once.
 *      Folding makes the versions of old rows larger (rowids_settle.c), never smaller, so it can only add candidates.
 *  (2) Above the common version nothing but values counts: two branches use the same numbers for different rows.
 *  (3) A row written again with equal values is no change: there are no false updates.
 *  (4) Where versions of rows are unknown (0) or the table has no stable row ids, they tell nothing.
 */
#include "delta/delta.h"

#include "base/map.h"

typedef struct candidate {
  uint64_t row_id, updated, offset;
} candidate;

typedef struct side {
  og_lance_table *table;
  og_vec offsets;    /* uint64_t, ascending */
  og_vec candidates; /* candidate */
  og_vec left;       /* uint64_t: offsets of candidates that values decide on, ascending */
} side;

static void side_init(side *s, og_lance_table *t)
{
  *s = (side){.table = t,
              .offsets = OG_VEC_INIT(uint64_t),
              .candidates = OG_VEC_INIT(candidate),
              .left = OG_VEC_INIT(uint64_t)};
}

static void side_cleanup(side *s)
{
  og_vec_cleanup(&s->offsets);
  og_vec_cleanup(&s->candidates);
  og_vec_cleanup(&s->left);
}

/* ---- candidates */

/* Live rows of fragment f of `mine` that `other` (a bitmap of the same rows; NULL: none is deleted) has deleted. */
static og_status add_lost(og_ctx *cx, side *s, uint32_t f, const uint8_t *other)
{
  const og_lance_fragment_info info = og_lance_table_fragment(s->table, f);
  const uint8_t *mine;
  OG_TRY(og_lance_table_fragment_deleted(cx, s->table, f, &mine));
  for (uint64_t byte = 0; other && byte < (info.physical_rows + 7) / 8; byte++) {
    uint8_t lost = (uint8_t)(other[byte] & ~(mine ? mine[byte] : 0));
    for (unsigned bit = 0; lost; bit++, lost = (uint8_t)(lost >> 1)) {
      const uint64_t offset = info.first_offset + 8 * byte + bit;
      if ((lost & 1) && 8 * byte + bit < info.physical_rows) OG_TRY(og_vec_add(cx, &s->offsets, &offset));
    }
  }
  return OG_OK;
}

static og_status add_all(og_ctx *cx, side *s, uint32_t f)
{
  const og_lance_fragment_info info = og_lance_table_fragment(s->table, f);
  const uint8_t *deleted;
  OG_TRY(og_ctx_poll(cx));
  OG_TRY(og_lance_table_fragment_deleted(cx, s->table, f, &deleted));
  OG_TRY(og_vec_reserve(cx, &s->offsets, info.physical_rows));
  for (uint64_t row = 0; row < info.physical_rows; row++) {
    const uint64_t offset = info.first_offset + row;
    if (!deleted || !og_bit_get(deleted, (int64_t)row)) OG_TRY(og_vec_add(cx, &s->offsets, &offset));
  }
  return OG_OK;
}

static og_status gather_paired(og_ctx *cx, side *s, const side *other, const og_lance_pair *pairs)
{
  for (uint32_t f = 0; f < og_lance_table_fragments(s->table); f++) {
    const uint8_t *theirs;
    if (pairs[f].fragment == OG_LANCE_UNPAIRED) {
      OG_TRY(add_all(cx, s, f));
    } else if (!pairs[f].same_deletions) {
      OG_TRY(og_lance_table_fragment_deleted(cx, other->table, pairs[f].fragment, &theirs));
      OG_TRY(add_lost(cx, s, f, theirs));
    }
  }
  return OG_OK;
}

static og_status gather(og_ctx *cx, side *s, const side *other)
{
  if (!s->table) return OG_OK;
  const uint32_t n = og_lance_table_fragments(s->table);
  og_lance_pair *pairs = og_calloc(cx, (size_t)n + 1, sizeof *pairs);
  if (!pairs) return OG_ENOMEM;
  og_status st = OG_OK;
  for (uint32_t f = 0; !other->table && f < n; f++) pairs[f].fragment = OG_LANCE_UNPAIRED;
  if (other->table) st = og_lance_table_pair(cx, s->table, other->table, pairs);
  if (st == OG_OK) st = gather_paired(cx, s, other, pairs);
  og_free(pairs);
  return st;
}

/* ---- versions */

static og_status load_versions(og_ctx *cx, side *s)
{
  const og_lance_scan_opts opts = {.only = s->offsets.data,
                                   .n_only = s->offsets.len,
                                   .with_offset = true,
                                   .with_row_id = true,
                                   .with_updated = true};
  og_lance_scan *scan;
  og_batch *batch = NULL;
  OG_TRY(og_vec_reserve(cx, &s->candidates, s->offsets.len));
  OG_TRY(og_lance_scan_open(cx, s->table, &opts, &scan));
  og_status st;
  while ((st = og_lance_scan_next(cx, scan, &batch)) == OG_OK && batch) {
    for (int64_t i = 0; st == OG_OK && i < batch->len; i++) {
      const candidate c = {og_column_u64(batch->columns[1])[i], og_column_u64(batch->columns[2])[i],
                           og_column_u64(batch->columns[0])[i]};
      st = og_vec_add(cx, &s->candidates, &c);
    }
    og_batch_unref(batch);
    if (st != OG_OK) break;
  }
  og_lance_scan_close(scan);
  return st;
}

static int by_row_id(const void *a, const void *b, void *arg)
{
  (void)arg;
  const candidate *x = a, *y = b;
  return x->row_id < y->row_id ? -1 : x->row_id > y->row_id;
}

static int ascending(const void *a, const void *b, void *arg)
{
  (void)arg;
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

static og_status leave(og_ctx *cx, side *s, const candidate *c)
{
  return og_vec_add(cx, &s->left, &c->offset);
}

/* Invariant (1), for one candidate of either side with the same row id. */
static bool is_same_row(const candidate *a, const candidate *b, uint64_t common)
{
  return a->updated == b->updated && a->updated != 0 && a->updated <= common;
}

/* Both sorted by row id: a join that keeps what has no twin. */
static og_status drop_twins(og_ctx *cx, side *a, side *b, uint64_t common)
{
  const candidate *x = a->candidates.data, *y = b->candidates.data;
  const size_t n = a->candidates.len, m = b->candidates.len;
  size_t i = 0, k = 0;
  while (i < n || k < m) {
    if (k == m || (i < n && x[i].row_id < y[k].row_id)) {
      OG_TRY(leave(cx, a, &x[i++]));
    } else if (i == n || y[k].row_id < x[i].row_id) {
      OG_TRY(leave(cx, b, &y[k++]));
    } else {
      if (!is_same_row(&x[i], &y[k], common)) {
        OG_TRY(leave(cx, a, &x[i]));
        OG_TRY(leave(cx, b, &y[k]));
      }
      i++;
      k++;
    }
  }
  OG_TRY(og_sort(cx, a->left.data, a->left.len, sizeof(uint64_t), ascending, NULL));
  return og_sort(cx, b->left.data, b->left.len, sizeof(uint64_t), ascending, NULL);
}

static void leave_all(side *s)
{
  const og_vec empty = s->left;
  s->left = s->offsets;
  s->offsets = empty;
}

static og_status filter_by_version(og_ctx *cx, side *a, side *b, uint64_t common)
{
  const bool tells = common && a->offsets.len && b->offsets.len && og_lance_table_has_stable_ids(a->table) &&
                     og_lance_table_has_stable_ids(b->table);
  if (!tells) {
    leave_all(a);
    leave_all(b);
    return OG_OK;
  }
  OG_TRY(load_versions(cx, a));
  OG_TRY(load_versions(cx, b));
  OG_TRY(og_sort(cx, a->candidates.data, a->candidates.len, sizeof(candidate), by_row_id, NULL));
  OG_TRY(og_sort(cx, b->candidates.data, b->candidates.len, sizeof(candidate), by_row_id, NULL));
  return drop_twins(cx, a, b, common);
}

/* ---- values */

typedef struct join {
  og_delta *d;
  og_map ids;       /* id -> index into `rows` */
  og_vec rows;      /* og_delta_row */
  og_arena scratch; /* ids of rows that may turn out equal */
} join;

typedef og_status (*id_fn)(og_ctx *cx, join *j, og_str id, uint64_t offset);

static og_status each_id(og_ctx *cx, join *j, const side *s, id_fn fn)
{
  static const uint32_t column = 0; /* `id` is the first column of every table of a graph */
  const og_lance_scan_opts opts = {
      .columns = &column, .n_columns = 1, .only = s->left.data, .n_only = s->left.len, .with_offset = true};
  og_lance_scan *scan;
  og_batch *batch = NULL;
  if (s->left.len == 0) return OG_OK;
  OG_TRY(og_lance_scan_open(cx, s->table, &opts, &scan));
  og_status st;
  while ((st = og_lance_scan_next(cx, scan, &batch)) == OG_OK && batch) {
    for (int64_t i = 0; st == OG_OK && i < batch->len; i++)
      st = fn(cx, j, og_column_str(batch->columns[0], i), og_column_u64(batch->columns[1])[i]);
    og_batch_unref(batch);
    if (st != OG_OK) break;
  }
  og_lance_scan_close(scan);
  return st;
}

static og_status put_old(og_ctx *cx, join *j, og_str id, uint64_t offset)
{
  og_delta_row row = {.op = OG_DELTA_DELETE, .from = offset, .to = OG_DELTA_NOWHERE};
  OG_TRY(og_arena_str(cx, &j->scratch, id, &row.id));
  OG_TRY(og_map_put(cx, &j->ids, row.id, j->rows.len, NULL));
  return og_vec_add(cx, &j->rows, &row);
}

static og_status put_new(og_ctx *cx, join *j, og_str id, uint64_t offset)
{
  og_delta_row row = {.op = OG_DELTA_INSERT, .from = OG_DELTA_NOWHERE, .to = offset};
  uint64_t at;
  if (og_map_get(&j->ids, id, &at)) {
    og_delta_row *old = &OG_VEC_AT(&j->rows, og_delta_row, at);
    old->op = OG_DELTA_UPDATE;
    old->to = offset;
    return OG_OK;
  }
  OG_TRY(og_arena_str(cx, &j->scratch, id, &row.id));
  return og_vec_add(cx, &j->rows, &row);
}

#define PAIRS_AT_ONCE 1024

/* Drops updates that change nothing. */
static og_status drop_equal(og_ctx *cx, join *j)
{
  uint64_t from[PAIRS_AT_ONCE], to[PAIRS_AT_ONCE];
  size_t which[PAIRS_AT_ONCE], n = 0;
  bool equal[PAIRS_AT_ONCE];
  og_delta *d = j->d;
  for (size_t i = 0; i <= j->rows.len; i++) {
    og_delta_row *r = &OG_VEC_AT(&j->rows, og_delta_row, i);
    if (n == PAIRS_AT_ONCE || (i == j->rows.len && n)) {
      const og_delta_pairs pairs = {d->from, d->to, d->columns, d->n_columns, from, to, n};
      OG_TRY(og_delta_equal_rows(cx, &pairs, equal));
      for (size_t k = 0; k < n; k++)
        if (equal[k])
          OG_VEC_AT(&j->rows, og_delta_row, which[k]).from = OG_VEC_AT(&j->rows, og_delta_row, which[k]).to =
              OG_DELTA_NOWHERE;
      d->compared += n;
      n = 0;
    }
    if (i == j->rows.len || r->op != OG_DELTA_UPDATE) continue;
    from[n] = r->from;
    to[n] = r->to;
    which[n++] = i;
  }
  return OG_OK;
}

static int by_id(const void *a, const void *b, void *arg)
{
  (void)arg;
  return og_str_cmp(((const og_delta_row *)a)->id, ((const og_delta_row *)b)->id);
}

static og_status keep_changes(og_ctx *cx, join *j)
{
  og_delta *d = j->d;
  d->rows = og_arena_calloc(cx, &d->arena, j->rows.len + 1, sizeof *d->rows);
  if (!d->rows) return OG_ENOMEM;
  for (size_t i = 0; i < j->rows.len; i++) {
    const og_delta_row *r = &OG_VEC_AT(&j->rows, og_delta_row, i);
    if (r->from == OG_DELTA_NOWHERE && r->to == OG_DELTA_NOWHERE) continue;
    d->rows[d->n_rows] = *r;
    OG_TRY(og_arena_str(cx, &d->arena, r->id, &d->rows[d->n_rows++].id));
  }
  return og_sort(cx, d->rows, d->n_rows, sizeof *d->rows, by_id, NULL);
}

static og_status join_by_id(og_ctx *cx, og_delta *d, const side *a, const side *b)
{
  join j = {.d = d, .rows = OG_VEC_INIT(og_delta_row)};
  og_map_init(&j.ids, false);
  og_status st = each_id(cx, &j, a, put_old);
  if (st == OG_OK) st = each_id(cx, &j, b, put_new);
  if (st == OG_OK) st = drop_equal(cx, &j);
  if (st == OG_OK) st = keep_changes(cx, &j);
  og_map_cleanup(&j.ids);
  og_vec_cleanup(&j.rows);
  og_arena_cleanup(&j.scratch);
  return st;
}

/* ---- the whole */

static og_status run(og_ctx *cx, og_delta *d, side *a, side *b, uint64_t common)
{
  if (a->table && b->table)
    OG_TRY(og_delta_pair_columns(cx, &d->arena, a->table, b->table, &d->columns, &d->n_columns));
  OG_TRY(gather(cx, a, b));
  OG_TRY(gather(cx, b, a));
  OG_TRY(filter_by_version(cx, a, b, common));
  return join_by_id(cx, d, a, b);
}

og_status og_delta_tables(og_ctx *cx, og_lance_table *from, og_lance_table *to, uint64_t common, og_delta *out)
{
  side a, b;
  *out = (og_delta){.from = from ? og_lance_table_ref(from) : NULL, .to = to ? og_lance_table_ref(to) : NULL};
  side_init(&a, from);
  side_init(&b, to);
  og_status st = run(cx, out, &a, &b, common);
  side_cleanup(&a);
  side_cleanup(&b);
  return st;
}

void og_delta_cleanup(og_delta *d)
{
  og_lance_table_unref(d->from);
  og_lance_table_unref(d->to);
  og_arena_cleanup(&d->arena);
  *d = (og_delta){0};
}

const og_delta_row *og_delta_find(const og_delta *d, og_str id)
{
  size_t lo = 0, hi = d->n_rows;
  while (lo < hi) {
    const size_t mid = lo + (hi - lo) / 2;
    const int c = og_str_cmp(d->rows[mid].id, id);
    if (c == 0) return &d->rows[mid];
    if (c < 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  return NULL;
}

const char *og_delta_op_name(og_delta_op op)
{
  static const char *const names[] = {"insert", "update", "delete"};
  return names[op];
}
