/* SPDX-License-Identifier: MIT */
/* lance/index_bitmap.c -- a segment of a BITMAP, LABEL_LIST or NGRAM: the distinct keys, and for each the rows that
 * hold it.
 *
 *   bitmap_page_lookup.lance   keys (the values' type, nullable), bitmaps binary: one row per value, null among them
 *                              metadata: lance:index_stats {"num_bitmaps":N}
 *                              LABEL_LIST: lance:label_list_nulls, the number of a global buffer with the bitmap of
 *                              the rows without a list; in the first version of these indexes it is missing
 *   ngram_postings.lance       tokens u32 nullable, posting_list binary: of an NGRAM
 *   a bitmap                   u32 count, then per upper half of row ids, ascending: u32 upper half, u32 size (0: all
 *                              ids with it), a Roaring bitmap of the lower halves in that many bytes
 *   of an NGRAM                u64 count, then per upper half, ascending: u32 upper half, a Roaring bitmap
 *
 * Ids name rows by stable row id, or by address in a table without them.
 *
 *  (1) The keys are kept in memory, for whoever makes a BITMAP has few of them; writers order them differently, so they
 *      are ordered here.  Bitmaps are read as they are asked for, neighbours in the file at once.
 *  (2) Ids come out as ranges and stay so until they are placed: some bytes may claim every id there is, but take no
 *      more memory than the rows of the table.
 */
#include "lance/index_impl.h"

#include <inttypes.h>

#define KEYS_MOST (1u << 26)
#define TOGETHER  32 /* bitmaps read at once */
#define NULLS_KEY "lance:label_list_nulls"

struct og_bitmap {
  _Atomic uint32_t refs;
  og_arena arena;
  og_lance_file *file;
  og_lance_column_ref bitmaps;
  og_bitmap_form form;
  bool text;
  og_vec absent; /* og_index__ids */
  bool knows_absent;
  og_column *keys;
  uint32_t *order; /* rows of the file by key, nulls first */
  uint32_t n;
};

og_bitmap *og_bitmap_ref(og_bitmap *b)
{
  atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
  return b;
}

void og_bitmap_unref(og_bitmap *b)
{
  if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1) return;
  og_free(b->order);
  og_vec_cleanup(&b->absent);
  og_column_unref(b->keys);
  og_lance_file_unref(b->file);
  og_arena_cleanup(&b->arena);
  og_free(b);
}

uint32_t og_bitmap_keys(const og_bitmap *b)
{
  return b->n;
}

bool og_bitmap_key(const og_bitmap *b, uint32_t i, og_index__key *out)
{
  int64_t row = b->order[i];
  if (og_column_is_null(b->keys, row)) return false;
  *out = og_index__key_of(b->keys, row);
  return true;
}

/* ---- opening */

static int by_key(const void *a, const void *b, void *arg)
{
  const og_bitmap *x = arg;
  int64_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
  bool null = og_column_is_null(x->keys, i), other = og_column_is_null(x->keys, j);
  if (null || other) return other - null;
  return og_index__key_cmp(x->text, og_index__key_of(x->keys, i), og_index__key_of(x->keys, j));
}

static og_status read_keys(og_ctx *cx, og_bitmap *b, og_type type)
{
  uint64_t n = og_lance_file_num_rows(b->file);
  const bool grams = b->form == OG_BITMAP_GRAMS;
  if (n > KEYS_MOST) return og_fail(cx, OG_EUNSUPPORTED, "an index of %" PRIu64 " bitmaps", n);
  OG_TRY(og_index__column(cx, &b->arena, b->file, grams ? OG_STR("posting_list") : OG_STR("bitmaps"),
                          og_type_of(OG_TYPE_BINARY), &b->bitmaps));
  OG_TRY(og_index__read_column(cx, b->file, grams ? OG_STR("tokens") : OG_STR("keys"), type, &b->keys));
  b->order = og_calloc(cx, n + 1, sizeof *b->order);
  if (!b->order) return OG_ENOMEM;
  b->n = (uint32_t)n;
  for (uint32_t i = 0; i < b->n; i++) b->order[i] = i;
  return og_sort(cx, b->order, b->n, sizeof *b->order, by_key, b);
}

static og_status read_absent(og_ctx *cx, og_bitmap *b)
{
  OG_AUTO(og_buf) bytes = {0};
  const og_schema *s = og_lance_file_schema(b->file)->arrow;
  og_str number = OG_STR_NONE;
  uint64_t n;
  for (uint32_t i = 0; i < s->n_meta; i++)
    if (og_str_eq(s->meta[2 * (size_t)i], OG_STR(NULLS_KEY))) number = s->meta[2 * (size_t)i + 1];
  if (!number.ptr) return OG_OK;
  if (!og_str_to_u64(number, &n) || n > UINT32_MAX)
    return og_fail(cx, OG_ECORRUPT, "the index says '" OG_STR_FMT "' where the number of a buffer should stand",
                   OG_STR_ARG(number));
  OG_TRY(og_lance_file_global_buffer(cx, b->file, (uint32_t)n, &bytes));
  b->knows_absent = true;
  return og_bitmap_decode(cx, b->form, og_buf_str(&bytes), &b->absent);
}

static og_status open_file(og_ctx *cx, og_bitmap *b, og_store *store, og_str folder, og_type type)
{
  og_str key;
  const char *name = b->form == OG_BITMAP_GRAMS ? "ngram_postings.lance" : "bitmap_page_lookup.lance";
  OG_TRY(og_arena_printf(cx, cx->arena, &key, OG_STR_FMT "/%s", OG_STR_ARG(folder), name));
  OG_TRY(og_lance_file_open(cx, store, key, 0, &b->file));
  if (b->form == OG_BITMAP_LABELS) OG_TRY(read_absent(cx, b));
  return read_keys(cx, b, type);
}

og_status og_bitmap_open(og_ctx *cx, og_store *store, og_str folder, og_bitmap_form form, og_type type, og_bitmap **out)
{
  og_bitmap *b = og_zalloc(cx, sizeof *b);
  if (!b) return OG_ENOMEM;
  atomic_init(&b->refs, 1);
  b->form = form;
  b->text = og_index__is_text(type);
  b->absent = OG_VEC_INIT(og_index__ids);
  og_status st = open_file(cx, b, store, folder, type);
  if (st != OG_OK) {
    og_bitmap_unref(b);
    return og_note(cx, st, "while opening the index " OG_STR_FMT, OG_STR_ARG(folder));
  }
  *out = b;
  return OG_OK;
}

/* ---- bitmaps */

typedef struct half {
  uint64_t high;
  og_vec *out;
} half;

static og_status put_range(og_ctx *cx, void *arg, og_u32_range r)
{
  const half *h = arg;
  const og_index__ids ids = {h->high | r.from, h->high | r.to};
  og_index__ids *last = h->out->len ? &OG_VEC_AT(h->out, og_index__ids, h->out->len - 1) : NULL;
  if (!last || last->to + 1 != ids.from || ids.from == 0) return og_vec_add(cx, h->out, &ids);
  last->to = ids.to;
  return OG_OK;
}

static og_status too_short(og_ctx *cx)
{
  return og_fail(cx, OG_ECORRUPT, "a bitmap of the index ends in the middle");
}

static og_status decode_grams(og_ctx *cx, og_str bytes, og_vec *out)
{
  uint64_t count;
  uint32_t high, last = 0;
  size_t at = sizeof count, len;
  if (bytes.len < sizeof count) return too_short(cx);
  memcpy(&count, bytes.ptr, sizeof count);
  for (uint64_t i = 0; i < count; i++) {
    if (bytes.len - at < sizeof high) return too_short(cx);
    memcpy(&high, bytes.ptr + at, sizeof high);
    at += sizeof high;
    if (i > 0 && high <= last) return og_fail(cx, OG_ECORRUPT, "the parts of an index's bitmap do not ascend");
    half h = {(uint64_t)high << 32, out};
    OG_TRY(og_roaring_read_first(cx, og_str_sub(bytes, at, bytes.len), "a bitmap of the index", put_range, &h, &len));
    at += len;
    last = high;
  }
  return at == bytes.len ? OG_OK : og_fail(cx, OG_ECORRUPT, "bytes follow a bitmap of the index");
}

static og_status decode_values(og_ctx *cx, og_str bytes, og_vec *out)
{
  uint32_t count, head[2], last = 0;
  size_t at = sizeof count;
  if (bytes.len < sizeof count) return too_short(cx);
  memcpy(&count, bytes.ptr, sizeof count);
  for (uint32_t i = 0; i < count; i++) {
    if (bytes.len - at < sizeof head) return too_short(cx);
    memcpy(head, bytes.ptr + at, sizeof head);
    at += sizeof head;
    if (bytes.len - at < head[1]) return too_short(cx);
    if (i > 0 && head[0] <= last) return og_fail(cx, OG_ECORRUPT, "the parts of an index's bitmap do not ascend");
    half h = {(uint64_t)head[0] << 32, out};
    OG_TRY(head[1] == 0
               ? put_range(cx, &h, (og_u32_range){0, UINT32_MAX})
               : og_roaring_read(cx, og_str_sub(bytes, at, at + head[1]), "a bitmap of the index", put_range, &h));
    at += head[1];
    last = head[0];
  }
  return at == bytes.len ? OG_OK : og_fail(cx, OG_ECORRUPT, "bytes follow a bitmap of the index");
}

og_status og_bitmap_decode(og_ctx *cx, og_bitmap_form form, og_str bytes, og_vec *out)
{
  return form == OG_BITMAP_GRAMS ? decode_grams(cx, bytes, out) : decode_values(cx, bytes, out);
}

og_status og_bitmap_absent(og_ctx *cx, const og_bitmap *b, const og_vec **out)
{
  *out = &b->absent;
  if (b->knows_absent) return OG_OK;
  return og_fail(cx, OG_EUNSUPPORTED,
                 "the index is of a version that does not know rows without a list; build it again");
}

/* Of the keys [i, i + *n), as many as are neighbours in the file: at least one; *n is how many. */
static og_status read_some(og_ctx *cx, og_bitmap *b, uint32_t i, uint32_t *n, og_vec *ids)
{
  uint32_t most = *n < TOGETHER ? *n : TOGETHER, k = 1;
  og_column *c;
  while (k < most && b->order[i + k] == b->order[i] + k) k++;
  OG_TRY(og_ctx_poll(cx));
  OG_TRY(og_lance_file_read(cx, b->file, &b->bitmaps, b->order[i], k, &c));
  og_status st = c->nulls ? og_fail(cx, OG_ECORRUPT, "a value of the index without a bitmap") : OG_OK;
  for (uint32_t row = 0; st == OG_OK && row < k; row++) st = og_bitmap_decode(cx, b->form, og_column_str(c, row), ids);
  og_column_unref(c);
  *n = k;
  return st;
}

static og_status read_keys_between(og_ctx *cx, og_bitmap *b, uint32_t from, uint32_t to, og_vec *ids)
{
  for (uint32_t n; from < to; from += n) {
    n = to - from;
    OG_TRY(read_some(cx, b, from, &n, ids));
  }
  return OG_OK;
}

og_status og_bitmap_ids(og_ctx *cx, og_bitmap *b, uint32_t i, og_vec *ids)
{
  return read_keys_between(cx, b, i, i + 1, ids);
}

/* ---- searching */

/* First key that is not null and not below the span, or not inside it either. */
static uint32_t first_from(const og_bitmap *b, uint32_t lo, const og_index__span *s, bool behind)
{
  uint32_t hi = b->n;
  while (lo < hi) {
    uint32_t mid = lo + (hi - lo) / 2;
    og_index__key key;
    if (!og_bitmap_key(b, mid, &key) ||
        (behind ? !og_index__is_above(b->text, key, s) : og_index__is_below(b->text, key, s)))
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

og_status og_bitmap_find(og_ctx *cx, og_bitmap *b, const og_index__wanted *w, og_vec *ids)
{
  og_index__key key;
  uint32_t nulls = 0;
  while (w->nulls && nulls < b->n && !og_bitmap_key(b, nulls, &key)) nulls++;
  OG_TRY(read_keys_between(cx, b, 0, nulls, ids));
  for (size_t i = 0; i < w->spans.len; i++) {
    const og_index__span *s = &OG_VEC_AT(&w->spans, og_index__span, i);
    uint32_t from = first_from(b, 0, s, false);
    OG_TRY(read_keys_between(cx, b, from, first_from(b, from, s, true), ids));
  }
  return OG_OK;
}

/* What both have, of two ascending lists of ranges. */
static og_status intersect(og_ctx *cx, const og_vec *a, const og_vec *b, og_vec *out)
{
  const og_index__ids *x = a->data, *y = b->data;
  for (size_t i = 0, k = 0; i < a->len && k < b->len;) {
    const og_index__ids both = {x[i].from > y[k].from ? x[i].from : y[k].from, x[i].to < y[k].to ? x[i].to : y[k].to};
    if (both.from <= both.to) OG_TRY(og_vec_add(cx, out, &both));
    if (x[i].to < y[k].to)
      i++;
    else
      k++;
  }
  return OG_OK;
}

static og_status narrow(og_ctx *cx, og_bitmap *b, uint32_t key, bool first, og_vec *ids)
{
  OG_AUTO(og_vec) has = OG_VEC_INIT(og_index__ids);
  OG_AUTO(og_vec) both = OG_VEC_INIT(og_index__ids);
  const og_index__span s = {.low.num = key, .high.num = key};
  const uint32_t at = first_from(b, 0, &s, false);
  if (at < first_from(b, at, &s, true)) OG_TRY(og_bitmap_ids(cx, b, at, &has));
  if (!first) OG_TRY(intersect(cx, ids, &has, &both));
  og_vec *from = first ? &has : &both;
  og_vec_clear(ids);
  for (size_t i = 0; i < from->len; i++) OG_TRY(og_vec_add(cx, ids, &OG_VEC_AT(from, og_index__ids, i)));
  return OG_OK;
}

og_status og_bitmap_find_all(og_ctx *cx, og_bitmap *b, const uint32_t *keys, size_t n, og_vec *ids)
{
  for (size_t i = 0; i < n && (i == 0 || ids->len); i++) OG_TRY(narrow(cx, b, keys[i], i == 0, ids));
  return OG_OK;
}
