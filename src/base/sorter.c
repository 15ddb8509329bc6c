/* SPDX-License-Identifier: MIT */
/* base/sorter.c -- external merge sort (D. Knuth, The Art of Computer Programming, volume 3, 5.4).
 *
 * Records gather in one buffer; a full buffer is sorted and written as a *run*.  Reading merges the runs with a heap.
 * When there are more than FAN_IN, neighbours are merged into longer runs first, so that a reader's memory is bounded
 * and equal keys keep the order in which they came: a lower run holds older records.
 *
 * A record:  u32 key length, u32 value length, key, value
 * A run:     blocks, at offsets the sorter remembers
 * A block:   u32 BLOCK_MAGIC, u32 payload bytes, u64 hash of the payload; then whole records
 *
 * Scratch files never outlive their process, so the block's magic is all the version there is.
 */
#include "base/sorter.h"

#include "base/buf.h"
#include "base/env.h"
#include "base/vec.h"

#define FAN_IN       32u
#define BLOCK_BYTES  (64u << 10) /* a block ends at the first record that reaches it */
#define BLOCK_MAGIC  0x3152474fu /* "OGR1" */
#define HEAD_BYTES   16u
#define RECORD_BYTES 8u

typedef struct item { /* a record in the buffer */
  uint64_t prefix;    /* first bytes of the key as a number that sorts like them */
  uint64_t at;        /* offset into the buffer */
} item;

typedef struct run {
  uint64_t from, to; /* bytes of the scratch file */
} run;

struct og_sorter {
  size_t budget;
  uint64_t len;
  og_buf bytes;
  og_vec items; /* item */
  og_vec runs;  /* run */
  og_file *file;
  uint64_t file_len;
  og_buf block; /* on its way to the file */
  bool sorted;
};

og_status og_sorter_new(og_ctx *cx, size_t budget, og_sorter **out)
{
  og_sorter *s = og_zalloc(cx, sizeof *s);
  if (!s) return OG_ENOMEM;
  s->budget = budget;
  s->items = OG_VEC_INIT(item);
  s->runs = OG_VEC_INIT(run);
  *out = s;
  return OG_OK;
}

void og_sorter_free(og_ctx *cx, og_sorter *s)
{
  if (!s) return;
  og_buf_cleanup(&s->bytes);
  og_buf_cleanup(&s->block);
  og_vec_cleanup(&s->items);
  og_vec_cleanup(&s->runs);
  if (s->file) cx->env->ops->file_close(cx->env, s->file);
  og_free(s);
}

uint64_t og_sorter_len(const og_sorter *s)
{
  return s->len;
}

bool og_sorter_spilled(const og_sorter *s)
{
  return s->runs.len > 0;
}

/* ---- records in the buffer */

static uint64_t prefix_of(og_str key)
{
  uint64_t p = 0;
  for (size_t i = 0; i < 8; i++) p = p << 8 | (i < key.len ? (uint8_t)key.ptr[i] : 0);
  return p;
}

/* The record that starts at `p`, which is whole. */
static size_t record_at(const uint8_t *p, og_record *out)
{
  uint32_t lengths[2];
  memcpy(lengths, p, sizeof lengths);
  const char *text = (const char *)p + RECORD_BYTES;
  out->key = og_str_from(text, lengths[0]);
  out->value = og_str_from(text + lengths[0], lengths[1]);
  return RECORD_BYTES + (size_t)lengths[0] + lengths[1];
}

static og_status append_record(og_ctx *cx, og_buf *to, og_str key, og_str value)
{
  const uint32_t lengths[2] = {(uint32_t)key.len, (uint32_t)value.len};
  OG_TRY(og_buf_append(cx, to, lengths, sizeof lengths));
  OG_TRY(og_buf_append_str(cx, to, key));
  return og_buf_append_str(cx, to, value);
}

static int by_key(const void *a, const void *b, void *arg)
{
  const item *x = a, *y = b;
  const uint8_t *bytes = arg;
  og_record r, t;
  if (x->prefix != y->prefix) return x->prefix < y->prefix ? -1 : 1;
  record_at(bytes + x->at, &r);
  record_at(bytes + y->at, &t);
  return og_str_cmp(r.key, t.key);
}

static og_status sort_items(og_ctx *cx, og_sorter *s)
{
  return og_sort(cx, s->items.data, s->items.len, sizeof(item), by_key, s->bytes.data);
}

/* ---- runs */

static og_status flush_block(og_ctx *cx, og_sorter *s)
{
  if (s->block.len <= HEAD_BYTES) return OG_OK;
  size_t n = s->block.len - HEAD_BYTES;
  const uint32_t head[2] = {BLOCK_MAGIC, (uint32_t)n};
  uint64_t hash = og_str_hash(og_str_from((const char *)s->block.data + HEAD_BYTES, n));
  memcpy(s->block.data, head, sizeof head);
  memcpy(s->block.data + sizeof head, &hash, sizeof hash);
  OG_TRY(cx->env->ops->file_append(cx, s->file, s->block.data, s->block.len));
  s->file_len += s->block.len;
  og_buf_clear(&s->block);
  return OG_OK;
}

static og_status write_record(og_ctx *cx, og_sorter *s, const og_record *r)
{
  static const uint8_t head[HEAD_BYTES] = {0};
  if (s->block.len == 0) OG_TRY(og_buf_append(cx, &s->block, head, sizeof head));
  /* Two records just under 4 GiB would not fit a block's length. */
  if ((uint64_t)s->block.len + r->key.len + r->value.len > UINT32_MAX) {
    OG_TRY(flush_block(cx, s));
    OG_TRY(og_buf_append(cx, &s->block, head, sizeof head));
  }
  OG_TRY(append_record(cx, &s->block, r->key, r->value));
  return s->block.len >= BLOCK_BYTES ? flush_block(cx, s) : OG_OK;
}

static og_status begin_run(og_ctx *cx, og_sorter *s)
{
  const run r = {.from = s->file_len};
  if (!s->file) OG_TRY(cx->env->ops->file_scratch(cx, &s->file));
  return og_vec_add(cx, &s->runs, &r);
}

static og_status end_run(og_ctx *cx, og_sorter *s)
{
  OG_TRY(flush_block(cx, s));
  OG_VEC_AT(&s->runs, run, s->runs.len - 1).to = s->file_len;
  return OG_OK;
}

static og_status spill(og_ctx *cx, og_sorter *s)
{
  OG_TRY(og_ctx_poll(cx));
  OG_TRY(sort_items(cx, s));
  OG_TRY(begin_run(cx, s));
  for (size_t i = 0; i < s->items.len; i++) {
    og_record r;
    record_at(s->bytes.data + OG_VEC_AT(&s->items, item, i).at, &r);
    OG_TRY(write_record(cx, s, &r));
  }
  og_buf_clear(&s->bytes);
  og_vec_clear(&s->items);
  return end_run(cx, s);
}

og_status og_sorter_add(og_ctx *cx, og_sorter *s, og_str key, og_str value)
{
  OG_ASSERT(!s->sorted);
  if (key.len > UINT32_MAX / 4 || value.len > UINT32_MAX / 4)
    return og_fail(cx, OG_ELIMIT, "a key of %zu bytes is too long to be sorted", key.len);
  /* og_sort's scratch is as large as the items again. */
  size_t more = RECORD_BYTES + key.len + value.len + 2 * sizeof(item);
  if (s->items.len > 0 && s->bytes.len + s->items.len * 2 * sizeof(item) + more > s->budget) OG_TRY(spill(cx, s));
  const item it = {prefix_of(key), s->bytes.len};
  OG_TRY(append_record(cx, &s->bytes, key, value));
  s->len++;
  return og_vec_add(cx, &s->items, &it);
}

/* ---- reading */

typedef struct cursor {
  uint64_t at, to; /* of the file */
  og_buf block;    /* payload */
  size_t pos, len; /* of the current record in it */
  og_record record;
} cursor;

struct og_sorted {
  og_sorter *s;
  size_t next; /* item to come, when nothing was spilled */
  cursor *cursors;
  uint32_t *heap; /* cursors that have a record, smallest first */
  uint32_t n_cursors, n_heap;
  bool begun;
};

static og_status broken(og_ctx *cx)
{
  return og_fail(cx, OG_ECORRUPT, "a scratch file does not hold what was written to it; check the disk");
}

static og_status read_block(og_ctx *cx, og_sorter *s, cursor *c)
{
  uint32_t head[2];
  uint64_t hash;
  uint8_t raw[HEAD_BYTES];
  if (c->to - c->at < HEAD_BYTES) return broken(cx);
  OG_TRY(cx->env->ops->file_read(cx, s->file, c->at, raw, sizeof raw));
  memcpy(head, raw, sizeof head);
  memcpy(&hash, raw + sizeof head, sizeof hash);
  if (head[0] != BLOCK_MAGIC || head[1] < RECORD_BYTES || head[1] > c->to - c->at - HEAD_BYTES) return broken(cx);
  og_buf_clear(&c->block);
  OG_TRY(og_buf_reserve(cx, &c->block, head[1]));
  OG_TRY(cx->env->ops->file_read(cx, s->file, c->at + HEAD_BYTES, c->block.data, head[1]));
  c->block.len = head[1];
  c->at += HEAD_BYTES + head[1];
  return og_str_hash(og_buf_str(&c->block)) == hash ? OG_OK : broken(cx);
}

/* *more: the cursor stands at a record.  The hash vouches for the lengths inside. */
static og_status advance(og_ctx *cx, og_sorter *s, cursor *c, bool *more)
{
  c->pos += c->len;
  if (c->pos == c->block.len) {
    c->pos = c->len = 0;
    *more = c->at < c->to;
    if (!*more) return OG_OK;
    OG_TRY(og_ctx_poll(cx));
    OG_TRY(read_block(cx, s, c));
  }
  *more = true;
  c->len = record_at(c->block.data + c->pos, &c->record);
  return OG_OK;
}

/* Runs are numbered by age, so the lower number goes first among equals. */
static bool before(const og_sorted *r, uint32_t a, uint32_t b)
{
  int c = og_str_cmp(r->cursors[a].record.key, r->cursors[b].record.key);
  return c ? c < 0 : a < b;
}

static void sift_down(og_sorted *r, uint32_t at)
{
  for (;;) {
    uint32_t child = 2 * at + 1, moved = r->heap[at];
    if (child >= r->n_heap) return;
    if (child + 1 < r->n_heap && before(r, r->heap[child + 1], r->heap[child])) child++;
    if (!before(r, r->heap[child], moved)) return;
    r->heap[at] = r->heap[child];
    r->heap[child] = moved;
    at = child;
  }
}

/* Opens runs from .. from + n - 1. */
static og_status open_runs(og_ctx *cx, og_sorted *r, size_t from, size_t n)
{
  r->cursors = og_calloc(cx, n + 1, sizeof *r->cursors);
  r->heap = og_calloc(cx, n + 1, sizeof *r->heap);
  if (!r->cursors || !r->heap) return OG_ENOMEM;
  for (; r->n_cursors < n; r->n_cursors++) {
    bool more;
    cursor *c = &r->cursors[r->n_cursors];
    const run *of = &OG_VEC_AT(&r->s->runs, run, from + r->n_cursors);
    *c = (cursor){.at = of->from, .to = of->to};
    og_status st = advance(cx, r->s, c, &more);
    if (st == OG_OK && more) r->heap[r->n_heap++] = r->n_cursors;
    if (st == OG_OK) continue;
    og_buf_cleanup(&c->block);
    return st;
  }
  for (uint32_t i = r->n_heap; i-- > 0;) sift_down(r, i);
  return OG_OK;
}

static og_status merge_next(og_ctx *cx, og_sorted *r, og_record *out, bool *more)
{
  if (r->begun && r->n_heap) { /* the record handed out last is done with */
    bool left;
    OG_TRY(advance(cx, r->s, &r->cursors[r->heap[0]], &left));
    if (!left) r->heap[0] = r->heap[--r->n_heap];
    sift_down(r, 0);
  }
  r->begun = true;
  *more = r->n_heap > 0;
  if (*more) *out = r->cursors[r->heap[0]].record;
  return OG_OK;
}

og_status og_sorted_next(og_ctx *cx, og_sorted *r, og_record *out, bool *more)
{
  if (og_sorter_spilled(r->s)) return merge_next(cx, r, out, more);
  *more = r->next < r->s->items.len;
  if (*more) record_at(r->s->bytes.data + OG_VEC_AT(&r->s->items, item, r->next++).at, out);
  return OG_OK;
}

void og_sorted_close(og_sorted *r)
{
  if (!r) return;
  for (uint32_t i = 0; i < r->n_cursors; i++) og_buf_cleanup(&r->cursors[i].block);
  og_free(r->cursors);
  og_free(r->heap);
  og_free(r);
}

static og_status open_some(og_ctx *cx, og_sorter *s, size_t from, size_t n, og_sorted **out)
{
  og_sorted *r = og_zalloc(cx, sizeof *r);
  if (!r) return OG_ENOMEM;
  r->s = s;
  og_status st = open_runs(cx, r, from, n);
  if (st == OG_OK)
    *out = r;
  else
    og_sorted_close(r);
  return st;
}

og_status og_sorted_open(og_ctx *cx, og_sorter *s, og_sorted **out)
{
  OG_ASSERT(s->sorted);
  return open_some(cx, s, 0, s->runs.len, out);
}

/* ---- more runs than are read at once */

/* Merges runs from .. from + n - 1 of `old` into one run of `s`. */
static og_status merge_runs(og_ctx *cx, og_sorter *s, og_sorter *old, size_t from, size_t n)
{
  og_sorted *r;
  og_record record;
  bool more = true;
  OG_TRY(begin_run(cx, s));
  OG_TRY(open_some(cx, old, from, n, &r));
  og_status st = merge_next(cx, r, &record, &more);
  while (st == OG_OK && more) {
    st = write_record(cx, s, &record);
    if (st == OG_OK) st = merge_next(cx, r, &record, &more);
  }
  og_sorted_close(r);
  return st == OG_OK ? end_run(cx, s) : st;
}

static og_status merge_pass(og_ctx *cx, og_sorter *s)
{
  og_sorter old = *s; /* its runs and file, while new ones are made */
  s->runs = OG_VEC_INIT(run);
  s->file = NULL;
  s->file_len = 0;
  og_status st = OG_OK;
  for (size_t i = 0; st == OG_OK && i < old.runs.len; i += FAN_IN)
    st = merge_runs(cx, s, &old, i, old.runs.len - i < FAN_IN ? old.runs.len - i : FAN_IN);
  og_vec_cleanup(&old.runs);
  cx->env->ops->file_close(cx->env, old.file);
  return st;
}

og_status og_sorter_sort(og_ctx *cx, og_sorter *s)
{
  OG_ASSERT(!s->sorted);
  s->sorted = true;
  if (!og_sorter_spilled(s)) return sort_items(cx, s);
  if (s->items.len) OG_TRY(spill(cx, s));
  og_buf_cleanup(&s->bytes);
  og_vec_cleanup(&s->items);
  while (s->runs.len > FAN_IN) OG_TRY(merge_pass(cx, s));
  return OG_OK;
}
