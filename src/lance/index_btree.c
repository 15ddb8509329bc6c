/* SPDX-License-Identifier: MIT */
/* lance/index_btree.c -- a segment of a BTREE: sorted values in pages, and the ends of each page.
 *
 *   page_data.lance    values (the column's type, nullable), ids uint64: all indexed rows, ascending, nulls first
 *   page_lookup.lance  min, max (nullable), null_count uint32, page_idx uint32: one row per page
 *                      schema metadata: batch_size "4096" rows a page, range_partitioned "false"
 *
 * Both are ordinary data files (file.h).  Page p is rows [p * batch_size, ...) of page_data; the last one is shorter.
 * `min` is the first value, hence null where the page begins with nulls; `max` is the last one.  `ids` name the rows,
 * in no order among equal values: in index version 0 by stable row id (by address in a table without them), in version
 * 1, of Lance 14, by address.
 *
 *  (1) The lookup file is small (one row per 4096 entries) and kept in memory; of the data file only pages that may
 *      hold an answer are read, and kept as long as the budget lasts; a hand goes round and gives up what it
 *      passes.
 *  (2) The order is checked: of the page ends when a segment is opened, of a page's values when it is read.  A
 *      search rests on nothing else, so a forged file can give wrong row ids, but no row id is trusted either
 *      (index.c).
 *  (3) A page read by two threads at once is read twice, and kept once; nothing waits under the lock.
 *  (4) Lance may lay an index out by ranges, in several pairs of files: refused by name.
 */
#include "lance/index_impl.h"

#include <inttypes.h>

#define PAGE_ROWS   4096u
#define PAGE_MOST   (1u << 20) /* rows of a page that we accept */
#define CACHE_BYTES (64u << 20)
#define PAGES_MOST  (1u << 24)

struct og_btree {
  _Atomic uint32_t refs;
  og_arena arena;
  og_lance_file *data;
  og_lance_column_ref values, ids;
  bool text;
  uint64_t rows;
  uint32_t n_pages, page_rows;
  og_column *min, *max, *nulls, *index; /* one row per page, in the order of keys */
  og_mutex mu;                          /* guards what follows, never held across a read */
  og_btree_page **kept;                 /* parallel to the pages */
  uint64_t kept_bytes;
  uint32_t hand; /* where the next page to give up is looked for */
};

og_btree *og_btree_ref(og_btree *b)
{
  atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
  return b;
}

void og_btree_page_unref(og_btree_page *p)
{
  if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1) return;
  og_column_unref(p->values);
  og_column_unref(p->ids);
  og_free(p);
}

void og_btree_unref(og_btree *b)
{
  if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1) return;
  for (uint32_t i = 0; b->kept && i < b->n_pages; i++) og_btree_page_unref(b->kept[i]);
  og_free(b->kept);
  og_column_unref(b->min);
  og_column_unref(b->max);
  og_column_unref(b->nulls);
  og_column_unref(b->index);
  og_lance_file_unref(b->data);
  og_mutex_cleanup(&b->mu);
  og_arena_cleanup(&b->arena);
  og_free(b);
}

uint32_t og_btree_pages(const og_btree *b)
{
  return b->n_pages;
}

/* ---- opening */

static og_status read_meta(og_ctx *cx, og_btree *b, const og_lance_file *lookup)
{
  const og_lance_schema *s = og_lance_file_schema(lookup);
  uint64_t rows = PAGE_ROWS;
  for (size_t i = 0; i < s->n_meta; i++) {
    og_str key = s->meta[2 * i], value = s->meta[2 * i + 1];
    if (og_str_eq(key, OG_STR("range_partitioned")) && !og_str_eq(value, OG_STR("false")))
      return og_fail(cx, OG_EUNSUPPORTED, "a BTREE that is laid out by ranges of values: build it again without them");
    if (og_str_eq(key, OG_STR("batch_size")) && (!og_str_to_u64(value, &rows) || rows == 0 || rows > PAGE_MOST))
      return og_fail(cx, OG_ECORRUPT, "a BTREE of '" OG_STR_FMT "' rows a page", OG_STR_ARG(value));
  }
  b->page_rows = (uint32_t)rows;
  return OG_OK;
}

static bool ascends(bool text, const og_column *c, int64_t i, const og_column *d, int64_t j)
{
  bool a = og_column_is_null(c, i), b = og_column_is_null(d, j);
  if (a || b) return a;
  return og_index__key_cmp(text, og_index__key_of(c, i), og_index__key_of(d, j)) <= 0;
}

static og_status check_lookup(og_ctx *cx, const og_btree *b)
{
  const uint32_t *page = b->index->data[0], *nulls = b->nulls->data[0];
  if (b->index->nulls || b->nulls->nulls) return og_fail(cx, OG_ECORRUPT, "a page of the BTREE without a number");
  for (uint32_t i = 0; i < b->n_pages; i++) {
    if ((uint64_t)page[i] * b->page_rows >= b->rows)
      return og_fail(cx, OG_ECORRUPT, "the BTREE names page %u, which lies behind its %" PRIu64 " entries", page[i],
                     b->rows);
    if (nulls[i] > b->page_rows) return og_fail(cx, OG_ECORRUPT, "a page of the BTREE has more nulls than entries");
    if (!ascends(b->text, b->min, i, b->max, i) || (i > 0 && !ascends(b->text, b->max, i - 1, b->max, i)) ||
        (i > 0 && !og_column_is_null(b->min, i) && !ascends(b->text, b->max, i - 1, b->min, i)))
      return og_fail(cx, OG_ECORRUPT, "the pages of the BTREE are out of order at page %u", page[i]);
  }
  return OG_OK;
}

static og_status read_lookup(og_ctx *cx, og_btree *b, og_lance_file *lookup, og_type type)
{
  uint64_t n = og_lance_file_num_rows(lookup);
  OG_TRY(read_meta(cx, b, lookup));
  if (n > PAGES_MOST || (n == 0) != (b->rows == 0) || n < (b->rows + b->page_rows - 1) / b->page_rows)
    return og_fail(cx, OG_ECORRUPT, "a BTREE of %" PRIu64 " entries in %" PRIu64 " pages", b->rows, n);
  b->n_pages = (uint32_t)n;
  OG_TRY(og_index__read_column(cx, lookup, OG_STR("min"), type, &b->min));
  OG_TRY(og_index__read_column(cx, lookup, OG_STR("max"), type, &b->max));
  OG_TRY(og_index__read_column(cx, lookup, OG_STR("null_count"), og_type_of(OG_TYPE_U32), &b->nulls));
  OG_TRY(og_index__read_column(cx, lookup, OG_STR("page_idx"), og_type_of(OG_TYPE_U32), &b->index));
  b->kept = og_calloc(cx, n + 1, sizeof(og_btree_page *));
  if (!b->kept) return OG_ENOMEM;
  return check_lookup(cx, b);
}

static og_status open_files(og_ctx *cx, og_btree *b, og_store *store, og_str folder, og_type type)
{
  og_str data, lookup;
  og_lance_file *f;
  OG_TRY(og_arena_printf(cx, cx->arena, &data, OG_STR_FMT "/page_data.lance", OG_STR_ARG(folder)));
  OG_TRY(og_arena_printf(cx, cx->arena, &lookup, OG_STR_FMT "/page_lookup.lance", OG_STR_ARG(folder)));
  OG_TRY(og_lance_file_open(cx, store, data, 0, &b->data));
  b->rows = og_lance_file_num_rows(b->data);
  OG_TRY(og_index__column(cx, &b->arena, b->data, OG_STR("values"), type, &b->values));
  OG_TRY(og_index__column(cx, &b->arena, b->data, OG_STR("ids"), og_type_of(OG_TYPE_U64), &b->ids));
  OG_TRY(og_lance_file_open(cx, store, lookup, 0, &f));
  og_status st = read_lookup(cx, b, f, type);
  og_lance_file_unref(f);
  return st;
}

og_status og_btree_open(og_ctx *cx, og_store *store, og_str folder, og_type type, og_btree **out)
{
  og_btree *b = og_zalloc(cx, sizeof *b);
  if (!b) return OG_ENOMEM;
  atomic_init(&b->refs, 1);
  og_mutex_init(&b->mu);
  b->text = og_index__is_text(type);
  og_status st = open_files(cx, b, store, folder, type);
  if (st != OG_OK) {
    og_btree_unref(b);
    return og_note(cx, st, "while opening the index " OG_STR_FMT, OG_STR_ARG(folder));
  }
  *out = b;
  return OG_OK;
}

/* ---- pages */

static og_status check_page(og_ctx *cx, const og_btree *b, og_btree_page *p)
{
  p->nulls = p->values->nulls;
  if (p->ids->nulls) return og_fail(cx, OG_ECORRUPT, "an entry of the BTREE without a row");
  for (int64_t i = 1; i < p->values->len; i++)
    if (!ascends(b->text, p->values, i - 1, p->values, i))
      return og_fail(cx, OG_ECORRUPT, "the entries of the BTREE are out of order at entry %" PRId64 " of a page", i);
  return OG_OK;
}

og_status og_btree_page_read(og_ctx *cx, og_btree *b, uint32_t i, og_btree_page **out)
{
  uint64_t from = (uint64_t)((const uint32_t *)b->index->data[0])[i] * b->page_rows;
  uint64_t n = b->rows - from < b->page_rows ? b->rows - from : b->page_rows;
  og_btree_page *p = og_zalloc(cx, sizeof *p);
  if (!p) return OG_ENOMEM;
  atomic_init(&p->refs, 1);
  og_status st = og_lance_file_read(cx, b->data, &b->values, from, n, &p->values);
  if (st == OG_OK) st = og_lance_file_read(cx, b->data, &b->ids, from, n, &p->ids);
  if (st == OG_OK) st = check_page(cx, b, p);
  if (st == OG_OK)
    *out = p;
  else
    og_btree_page_unref(p);
  return st;
}

static uint64_t page_bytes(const og_btree_page *p)
{
  return (uint64_t)p->values->len * (16 + og_type_width(p->values->type.id)) + p->values->bytes_len;
}

/* Under the lock: gives up pages from the hand on until `need` more bytes fit; they are freed by the caller. */
static void give_up(og_btree *b, uint64_t need, og_vec *out)
{
  for (uint32_t seen = 0; seen < b->n_pages && b->kept_bytes + need > CACHE_BYTES && out->len < out->cap; seen++) {
    og_btree_page **at = &b->kept[b->hand];
    b->hand = (b->hand + 1) % b->n_pages;
    if (!*at) continue;
    b->kept_bytes -= page_bytes(*at);
    OG_VEC_AT(out, og_btree_page *, out->len++) = *at;
    *at = NULL;
  }
}

static og_status keep_page(og_ctx *cx, og_btree *b, uint32_t i, og_btree_page *p)
{
  OG_AUTO(og_vec) dropped = OG_VEC_INIT(og_btree_page *);
  uint64_t bytes = page_bytes(p);
  OG_TRY(og_vec_reserve(cx, &dropped, 64));
  og_mutex_lock(&b->mu);
  if (!b->kept[i]) {
    give_up(b, bytes, &dropped);
    if (b->kept_bytes + bytes <= CACHE_BYTES) {
      atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
      b->kept[i] = p;
      b->kept_bytes += bytes;
    }
  }
  og_mutex_unlock(&b->mu);
  for (size_t k = 0; k < dropped.len; k++) og_btree_page_unref(OG_VEC_AT(&dropped, og_btree_page *, k));
  return OG_OK;
}

/* Page i with a reference, from the cache or the file. */
static og_status get_page(og_ctx *cx, og_btree *b, uint32_t i, og_btree_page **out)
{
  og_mutex_lock(&b->mu);
  og_btree_page *p = b->kept[i];
  if (p) atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
  og_mutex_unlock(&b->mu);
  if (p) {
    *out = p;
    return OG_OK;
  }
  OG_TRY(og_ctx_poll(cx));
  OG_TRY(og_btree_page_read(cx, b, i, &p));
  og_status st = keep_page(cx, b, i, p);
  if (st == OG_OK)
    *out = p;
  else
    og_btree_page_unref(p);
  return st;
}

/* ---- searching */

/* First i in [lo, hi) that is not null and not below the span; rows before `lo` may be null. */
static int64_t first_from(bool text, const og_column *c, int64_t lo, const og_index__span *s)
{
  int64_t hi = c->len;
  while (lo < hi) {
    int64_t mid = lo + (hi - lo) / 2;
    if (og_column_is_null(c, mid) || og_index__is_below(text, og_index__key_of(c, mid), s))
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

static og_status find_in_page(og_ctx *cx, const og_btree *b, const og_btree_page *p, const og_index__span *s,
                              og_vec *ids)
{
  const uint64_t *all = og_column_u64(p->ids);
  for (int64_t i = first_from(b->text, p->values, p->nulls, s); i < p->values->len; i++) {
    if (og_index__is_above(b->text, og_index__key_of(p->values, i), s)) break;
    const og_index__ids id = {all[i], all[i]};
    OG_TRY(og_vec_add(cx, ids, &id));
  }
  return OG_OK;
}

static og_status find_span(og_ctx *cx, og_btree *b, const og_index__span *s, og_vec *ids)
{
  for (int64_t i = first_from(b->text, b->max, 0, s); i < b->n_pages; i++) {
    if (!og_column_is_null(b->min, i) && og_index__is_above(b->text, og_index__key_of(b->min, i), s)) break;
    og_btree_page *p;
    OG_TRY(get_page(cx, b, (uint32_t)i, &p));
    og_status st = find_in_page(cx, b, p, s, ids);
    og_btree_page_unref(p);
    OG_TRY(st);
  }
  return OG_OK;
}

static og_status find_nulls(og_ctx *cx, og_btree *b, og_vec *ids)
{
  const uint32_t *nulls = b->nulls->data[0];
  for (uint32_t i = 0; i < b->n_pages; i++) {
    if (nulls[i] == 0) continue;
    og_btree_page *p;
    og_status st = OG_OK;
    OG_TRY(get_page(cx, b, i, &p));
    for (int64_t k = 0; st == OG_OK && k < p->nulls; k++) {
      const og_index__ids id = {og_column_u64(p->ids)[k], og_column_u64(p->ids)[k]};
      st = og_vec_add(cx, ids, &id);
    }
    og_btree_page_unref(p);
    OG_TRY(st);
  }
  return OG_OK;
}

og_status og_btree_find(og_ctx *cx, og_btree *b, const og_index__wanted *w, og_vec *ids)
{
  if (w->nulls) OG_TRY(find_nulls(cx, b, ids));
  for (size_t i = 0; i < w->spans.len; i++) OG_TRY(find_span(cx, b, &OG_VEC_AT(&w->spans, og_index__span, i), ids));
  return OG_OK;
}

/* ---- counting: only pages at the ends of a span are read */

static int64_t first_above(bool text, const og_column *c, int64_t lo, const og_index__span *s)
{
  int64_t hi = c->len;
  while (lo < hi) {
    const int64_t mid = lo + (hi - lo) / 2;
    if (og_column_is_null(c, mid) || !og_index__is_above(text, og_index__key_of(c, mid), s))
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

static og_status count_in_page(og_ctx *cx, og_btree *b, uint32_t i, const og_index__span *s, uint64_t *n)
{
  og_btree_page *p;
  OG_TRY(get_page(cx, b, i, &p));
  const int64_t from = first_from(b->text, p->values, p->nulls, s);
  *n += (uint64_t)(first_above(b->text, p->values, from, s) - from);
  og_btree_page_unref(p);
  return OG_OK;
}

static og_status count_span(og_ctx *cx, og_btree *b, const og_index__span *s, uint64_t *n)
{
  const int64_t first = first_from(b->text, b->max, 0, s), end = first_above(b->text, b->min, first, s);
  if (first >= end) return OG_OK;
  OG_TRY(count_in_page(cx, b, (uint32_t)first, s, n));
  if (end - first > 2) *n += (uint64_t)(end - first - 2) * b->page_rows;
  return end - first > 1 ? count_in_page(cx, b, (uint32_t)(end - 1), s, n) : OG_OK;
}

og_status og_btree_count(og_ctx *cx, og_btree *b, const og_index__wanted *w, uint64_t *n)
{
  const uint32_t *nulls = b->nulls->data[0];
  *n = 0;
  for (uint32_t i = 0; w->nulls && i < b->n_pages; i++) *n += nulls[i];
  for (size_t i = 0; i < w->spans.len; i++) OG_TRY(count_span(cx, b, &OG_VEC_AT(&w->spans, og_index__span, i), n));
  return OG_OK;
}
